"""What a scenario does to single devices, and a list of devices with that done to it.

A change is kept as JSON and says no more than what it changes, so that a scenario outlives a newer import of the device table:

    {"op": "move", "id": "cam-7", "lon": 104.06, "lat": 30.54, "height_m": 4.5}    place; height above floor or ground, where given
    {"op": "set", "id": "cam-7", "values": {"azimuth_deg": 90, "status": "planned"}}    any column of the device table; null forgets it
    {"op": "add", "id": "new-1", "device": {"kind": "camera", "lon": 104.06, "lat": 30.54, "height_m": 4, "azimuth_deg": 180}}
    {"op": "remove", "id": "cam-9"}
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from twin.errors import Conflict, NotFound, UsageError
from twin.model import DEVICE_KINDS, Device

Record = Mapping[str, Any]

OPS = ("move", "set", "add", "remove")
STATUSES = ("in_service", "planned", "reserved", "out_of_service")
MOST_CHANGES = 10_000
_HEIGHTS = frozenset({"height_m", "z_m"})
_NUMBERS = ("lon", "lat", "height_m", "z_m")
_OF_DEVICE = frozenset(field.name for field in fields(Device)) - {"attributes"}
_FIXED = frozenset({"id", "kind", "source"})  # what a change cannot give another value
_NEEDED = frozenset({"name", "lon", "lat", "status"})  # what a device cannot be without


@dataclass(frozen=True)
class Altered:
    """One device before and after; None where there was or is none."""

    id: str
    before: Device | None
    after: Device | None


def read_changes(listed: Iterable[Any]) -> list[dict[str, Any]]:
    """Changes as they are kept, from what somebody wrote.

    Raises
    ------
    UsageError
        If one of them cannot be understood.
    """
    found = [_read(change) for change in listed]
    if len(found) > MOST_CHANGES:
        raise UsageError("changes_too_many", subject=len(found), most=MOST_CHANGES)
    return found


def with_more(before: Sequence[Record], more: Sequence[Record]) -> list[dict[str, Any]]:
    """Changes with further ones after them; a device that is moved again is moved once."""
    out = [dict(change) for change in before]
    for change in more:
        last = max((k for k, old in enumerate(out) if old["id"] == change["id"]), default=-1)
        if last >= 0 and out[last]["op"] == change["op"] == "move":
            heights = {} if _HEIGHTS & set(change) else {key: out[last][key] for key in _HEIGHTS & set(out[last])}
            out[last] = {**change, **heights}
        elif last >= 0 and out[last]["op"] == change["op"] == "set" and not _HEIGHTS & {*out[last]["values"], *change["values"]}:
            out[last] = {**change, "values": {**out[last]["values"], **change["values"]}}
        else:
            out.append(dict(change))
    return out


def changed(devices: Sequence[Device], changes: Sequence[Record], *, source: str = "") -> list[Device]:
    """Devices with changes made to them, in their order; those that are added come last, from `source`.

    Raises
    ------
    NotFound
        If a device is not there to be changed.
    Conflict
        If a device that is to be added is there.
    UsageError
        If a change would leave a device without what it needs.
    """
    found = {device.id: device for device in devices}
    for change in changes:
        name = change["id"]
        if change["op"] == "add":
            if name in found:
                raise Conflict("change_device_exists", subject=name)
            found[name] = _device(name, change["device"], source)
            continue
        if name not in found:
            raise NotFound("change_device_missing", subject=name)
        if change["op"] == "remove":
            del found[name]
        else:
            found[name] = _moved(found[name], change) if change["op"] == "move" else _set(found[name], change["values"])
    return list(found.values())


def altered(devices: Sequence[Device], changes: Sequence[Record], *, source: str = "") -> list[Altered]:
    """The devices that changes make different, each before and after, in the order they are first named."""
    before = {device.id: device for device in devices}
    after = {device.id: device for device in changed(devices, changes, source=source)}
    names = dict.fromkeys(change["id"] for change in changes)
    pairs = [Altered(name, before.get(name), after.get(name)) for name in names]
    return [pair for pair in pairs if pair.before != pair.after]


def digest_of(changes: Sequence[Record]) -> str:
    """A name for what changes do: the same for the same changes."""
    return hashlib.sha256(json.dumps(list(changes), sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def device_record(device: Device) -> dict[str, Any]:
    """A device as its table has it: columns and attributes side by side, without what is not known."""
    known = {name: value for name, value in asdict(device).items() if name not in {"attributes", "source"} and value is not None}
    return {**known, **{name: value for name, value in device.attributes.items() if value is not None}}


def _read(change: Any) -> dict[str, Any]:
    if not isinstance(change, Mapping):
        raise UsageError("change_unreadable", subject=_short(change))
    record = {str(name): value for name, value in change.items()}
    op, name = record.get("op"), record.get("id")
    if op == "add" and isinstance(record.get("device"), Mapping) and name is None:
        name = record["device"].get("id")
    if op not in OPS:
        raise UsageError("change_op", subject=_short(op), known=", ".join(OPS))
    if not isinstance(name, str) or not name.strip():
        raise UsageError("change_id", subject=_short(change))
    if op == "remove":
        return {"op": op, "id": name}
    body = {"move": _read_move, "set": _read_set, "add": _read_add}[op](name, record)
    return {"op": op, "id": name, **body}


def _read_move(name: str, record: Record) -> dict[str, Any]:
    place = {key: record.get(key) for key in _NUMBERS if record.get(key) is not None}
    if not {"lon", "lat"} <= set(place):
        raise UsageError("change_place", subject=name)
    return {key: _checked(name, key, value) for key, value in place.items()}


def _read_set(name: str, record: Record) -> dict[str, Any]:
    values = record.get("values")
    if not isinstance(values, Mapping) or not values:
        raise UsageError("change_values", subject=name)
    return {"values": {str(key): _checked(name, str(key), value) for key, value in values.items()}}


def _read_add(name: str, record: Record) -> dict[str, Any]:
    given = record.get("device")
    if not isinstance(given, Mapping):
        raise UsageError("change_device", subject=name)
    nested = given.get("attributes")
    flat = {**{key: value for key, value in given.items() if key != "attributes"}, **(nested if isinstance(nested, Mapping) else {})}
    device = {str(key): value for key, value in flat.items() if key not in {"id", "source"} and value is not None}
    if device.get("kind") not in DEVICE_KINDS:
        raise UsageError("change_kind", subject=name, kind=_short(device.get("kind")), known=", ".join(DEVICE_KINDS))
    if not {"lon", "lat"} <= set(device):
        raise UsageError("change_place", subject=name)
    kind = device.pop("kind")
    return {"device": {"kind": kind, **{key: _checked(name, key, value) for key, value in device.items()}}}


def _checked(name: str, key: str, value: Any) -> Any:
    """A value that can be kept: places and heights are numbers, a status is one of those there are."""
    if key in _FIXED:
        raise UsageError("change_fixed", subject=name, column=key)
    if value is None and key in _NEEDED:
        raise UsageError("change_needed", subject=name, column=key)
    if key in _NUMBERS and value is not None:
        number = _number(value)
        limit = {"lon": 180.0, "lat": 90.0}.get(key, 1e5)
        if number is None or abs(number) > limit:
            raise UsageError("change_number", subject=name, column=key, value=_short(value))
        return number
    if key == "status" and value not in STATUSES:
        raise UsageError("change_status", subject=name, value=_short(value), known=", ".join(STATUSES))
    if key in _OF_DEVICE and value is not None and not isinstance(value, str):
        raise UsageError("change_text", subject=name, column=key, value=_short(value))
    return _plain(name, key, value)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _plain(name: str, key: str, value: Any) -> Any:
    """`value` if JSON can hold it."""
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError("change_number", subject=name, column=key, value=_short(value)) from error


def _moved(device: Device, change: Record) -> Device:
    """The device elsewhere; a height above floor or ground takes the place of an absolute one, and the other way round."""
    return replace(device, lon=change["lon"], lat=change["lat"], **_heights(change))


def _set(device: Device, values: Record) -> Device:
    own = {**{key: value for key, value in values.items() if key in _OF_DEVICE}, **_heights(values)}
    more = {key: value for key, value in values.items() if key not in _OF_DEVICE}
    kept = {key: value for key, value in {**device.attributes, **more}.items() if value is not None or key not in more}
    return replace(device, **own, attributes=kept)


def _heights(record: Record) -> dict[str, float | None]:
    """Both heights as a record has them; the one that is given alone takes the other's place."""
    given = {key: record[key] for key in _HEIGHTS if record.get(key) is not None}
    return {key: given.get(key) for key in _HEIGHTS} if given else {}


def _device(name: str, record: Record, source: str) -> Device:
    own: dict[str, Any] = {"name": name, **{key: value for key, value in record.items() if key in _OF_DEVICE}}
    more = {key: value for key, value in record.items() if key not in _OF_DEVICE}
    return Device(**own, id=name, source=source, attributes=more)


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"
