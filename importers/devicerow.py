"""One row of a device table turned into a device, with an Issue for each cell that cannot be right."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from importers.contract import Locate
from importers.values import OutOfRange, azimuth, choice, date, is_missing, is_unit, number, size, text
from importers.vocabulary import bracketed, has_han, meaning, section
from twin.model import Device, Issue

_OWN = ("id", "name", "height_m", "z_m", "building_id", "storey_id", "space_id", "status", "valid_from")  # fields of Device
_PLACES = ("space_id", "storey_id", "building_id")  # the narrowest first
_STATUS = {"building": "planned", "retired": "out_of_service"}  # what devices have no word for
_WHOLE = {"pixels_w", "pixels_h", "connectors", "retention_days"}


@dataclass(frozen=True)
class Row:
    """One row of a device table: its number, the kind it says, its values under our column names, and the headers these had."""

    number: int
    table: str
    kind: Any
    values: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def subject(self) -> str:
        """What an Issue calls the row: its id, else its number."""
        return f"{self.table}/{text(self.values.get('id')) or self.number}"


def device_of(row: Row, place: Any, source: str, locate: Locate) -> tuple[Device | None, list[Issue]]:
    """The device of a row; None where it has no place.

    Parameters
    ----------
    row
        The row.
    place
        Its geometry, lon, lat [deg], or None.
    source
        The name of the file.
    locate
        Where a building, storey or space is.
    """
    issues: list[Issue] = []
    kind = _kind(row, issues)
    values = _values(row, issues)
    at, line = _position(row, place, values, locate, issues)
    if at is None:
        return None, issues
    values |= _height_of(place, values)
    attributes = {name: value for name, value in values.items() if name not in _OWN}
    attributes |= _kind_as_given(row, kind) | ({"line": line} if line else {}) | _chinese_name(values)
    device = Device(
        id=text(values.get("id")) or _hash(row, at),
        kind=kind,
        name=text(values.get("name")) or text(values.get("id")) or f"{kind} {row.number}",
        lon=at[0],
        lat=at[1],
        height_m=values.get("height_m"),
        z_m=values.get("z_m"),
        building_id=text(values.get("building_id")),
        storey_id=text(values.get("storey_id")),
        space_id=text(values.get("space_id")),
        status=values.get("status") or "in_service",
        valid_from=values.get("valid_from"),
        source=source,
        attributes=attributes,
    )
    return device, issues


def missing_needs(devices: Sequence[Device], source: str) -> list[Issue]:
    """One Issue for each kind and each thing a measure needs of it that devices do not say: how many, of how many."""
    counts = Counter(device.kind for device in devices)
    lacking = Counter(
        (device.kind, " / ".join(group))
        for device in devices
        for group in section("device_needs").get(device.kind, ())
        if not any(device.attributes.get(name) is not None for name in group) and not _turns(device, group)
    )
    return [
        Issue("device_needs", "info", f"{source}/{kind}", {"kind": kind, "attribute": group, "count": count, "total": counts[kind]})
        for (kind, group), count in lacking.items()
    ]


def _turns(device: Device, group: Sequence[str]) -> bool:
    """Whether a camera looks all round, so that it has no azimuth to state."""
    return group == ["azimuth_deg"] and device.attributes.get("ptz") in {"fisheye", "ptz", "multi"}


def _kind(row: Row, issues: list[Issue]) -> str:
    if is_missing(row.kind):
        issues.append(Issue("device_kind_missing", "warning", row.subject))
        return "other"
    kind = meaning("device_kinds", row.kind)
    if kind is None:
        issues.append(Issue("device_kind_unknown", "warning", row.subject, {"value": str(row.kind)}))
    return kind or "other"


def _kind_as_given(row: Row, kind: str) -> dict[str, str]:
    return {"kind_as_given": str(row.kind)} if not is_missing(row.kind) and str(row.kind).strip() != kind else {}


def _values(row: Row, issues: list[Issue]) -> dict[str, Any]:
    """The cells read; one that cannot be right is left out under our name and kept under its own."""
    out: dict[str, Any] = {}
    for name, value in row.values.items():
        try:
            read = _read(name, value, row.headers[name])
        except ValueError as error:
            code = "value_out_of_range" if isinstance(error, OutOfRange) else "value_not_readable"
            issues.append(Issue(code, "warning", row.subject, {"column": row.headers[name], "value": value}))
            out[row.headers[name] if row.headers[name] != name else f"{name}_as_given"] = value
            out |= {"status": str(value)} if name == "status" else {}  # what is not known to be in service does not count as it
            continue
        out |= read
    return out


def _read(name: str, value: Any, header: str) -> dict[str, Any]:
    numbers = section("device_numbers")
    if name in _READERS:
        return {name: _READERS[name](value)}
    if name in numbers:
        return {name: _number(name, value, header, numbers[name])}
    if name == "resolution":
        return dict(zip(("pixels_w", "pixels_h"), size(value) or (), strict=False))
    if name in section("device_choices"):
        return {name: choice(f"device_choices.{name}", value)}
    return {name: text(value) if name in _OWN else value}


def _status(value: Any) -> str | None:
    known = choice("status", value)
    return _STATUS.get(known or "", known)


_READERS: Mapping[str, Callable[[Any], Any]] = {"azimuth_deg": azimuth, "valid_from": date, "status": _status}


def _number(name: str, value: Any, header: str, about: Mapping[str, Any]) -> float | int | None:
    unit = about["unit"]
    given = bracketed(header) if is_unit(bracketed(header), unit) else ""
    found = number(value, unit, given)
    if found is not None and not about["min"] <= found <= about["max"]:
        raise OutOfRange(value)
    return round(found) if found is not None and name in _WHOLE else found


def _position(
    row: Row, place: Any, values: Mapping[str, Any], locate: Locate, issues: list[Issue]
) -> tuple[tuple[float, float] | None, str | None]:
    """Longitude and latitude [deg] of a row and, where its geometry is more than a point, that geometry as WKT."""
    if place is not None:
        point = place if place.geom_type == "Point" else shapely.point_on_surface(place)
        line = None if place.geom_type == "Point" else shapely.to_wkt(place, rounding_precision=9)
        return (float(point.x), float(point.y)), line
    for name in _PLACES:
        if values.get(name) is None:
            continue
        at = locate(name.removesuffix("_id"), str(text(values[name])))
        if at is not None:
            issues.append(Issue("placed_by_name", "info", row.subject, {"place": values[name]}))
            return at, None
    if any(values.get(name) is not None for name in _PLACES):
        named = next(values[name] for name in _PLACES if values.get(name) is not None)
        issues.append(Issue("place_unknown", "warning", row.subject, {"place": named}))
    return None, None


def _height_of(place: Any, values: Mapping[str, Any]) -> dict[str, float]:
    """The absolute height a point carries, where the row says none; zero is what programs write for unknown."""
    told = values.get("z_m") is not None or values.get("height_m") is not None
    height = float(place.z) if place is not None and place.geom_type == "Point" and place.has_z else 0.0
    return {} if told or height == 0.0 else {"z_m": height}


def _chinese_name(values: Mapping[str, Any]) -> dict[str, str]:
    name = values.get("name")
    return {"name_zh": str(name)} if name and has_han(name) and "name_zh" not in values else {}


def _hash(row: Row, at: tuple[float, float]) -> str:
    said = json.dumps([str(row.kind), at, sorted((name, str(value)) for name, value in row.values.items())], ensure_ascii=False)
    return f"{meaning('device_kinds', row.kind) or 'device'}-{hashlib.sha256(said.encode('utf-8')).hexdigest()[:10]}"
