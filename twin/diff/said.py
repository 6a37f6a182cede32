"""What is said of things, made comparable between two versions: property by property, and what leads to other things by who these are now.

That an opening has lost its door is told where the door is told; the wall is not changed by it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, fields
from typing import Any

from twin.diff.pairing import Pairs
from twin.model import ATTRIBUTES, Device, Element

_GLOBAL_ID = re.compile(r"[0-3][0-9A-Za-z_$]{21}")  # ISO 16739-1, IfcGloballyUniqueId
_OWN_WORDS = {"name"}  # of the keys in small letters, those that say and do not lead
_WHERE = {"id", "model_id", "outline", "base_h_m", "floor_h_m"}  # of a storey, a room or a group, what its model's place decides
_NOT_SAID = {"id", "lon", "lat", "source", "attributes"}  # of a device
_MEASURED = {"area_m2", "height_m", "area_by_body_m2"}  # what was found on bodies, whose corners are kept to a tenth of a millimetre
_GONE = object()


@dataclass(frozen=True)
class Names:
    """The newer id of each thing that is in both versions, by its id in either, and the ids that are in one version only."""

    now: Mapping[str, str] = field(default_factory=dict[str, str])
    alone: Set[str] = frozenset()

    @classmethod
    def of(cls, found: Iterable[Pairs]) -> Names:
        """From the pairs of all things."""
        listed = list(found)
        both = [pair for each in listed for pair in each.both]
        alone = {thing.id for each in listed for thing in (*each.gone, *each.come)}
        return cls({old.id: new.id for old, new in both} | {new.id: new.id for _, new in both}, alone)

    def of_one(self, identity: str | None) -> str | None:
        """The id as the newer version has it; as it is where the thing is in one version only."""
        return None if identity is None else self.now.get(identity, identity)

    def told(self, value: Any) -> Any:
        """A value with every id in it as the newer version has it, without those that are in one version only."""
        found = self._told(value)
        return None if found is _GONE else found

    def _told(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.now.get(value, _GONE if value in self.alone or _GLOBAL_ID.fullmatch(value) else value)
        if isinstance(value, Mapping):
            # the schema's own attributes begin with a capital: what they say is kept to the letter
            parts = {name: each if name[:1].isupper() or name in _OWN_WORDS else self._told(each) for name, each in value.items()}
            return {name: each for name, each in parts.items() if each is not _GONE} or _GONE
        if isinstance(value, list | tuple):
            return sorted((each for each in map(self._told, value) if each is not _GONE), key=_text) or _GONE
        return value


def of_element(element: Element, names: Names) -> dict[str, Any]:
    """What is said about an element, flat: property sets as `set.name`."""
    said: dict[str, Any] = {
        "class": element.ifc_class, "name": element.name, "storey": names.of_one(element.storey_id),
        "space": names.of_one(element.space_id), "type": element.type_name, "materials": list(element.materials),
    }  # fmt: skip
    return said | _flat(element.properties, names)


def of_record(record: Any, names: Names) -> dict[str, Any]:
    """What is said of a storey, a room or a group, but for where its model stands."""
    said = {each.name: getattr(record, each.name) for each in fields(record) if each.name not in {*_WHERE, "attributes"}}
    said |= {name: names.of_one(said[name]) for name in ("storey_id",) if name in said}
    said |= {"members": names.told(list(said["members"]))} if "members" in said else {}
    attributes = getattr(record, "attributes", {})
    return said | (names.told(attributes) or {} if "members" in said else _flat(attributes, names))


def of_device(device: Device) -> dict[str, Any]:
    """What is said of a device, but for its place on the ground."""
    own = {
        each.name: getattr(device, each.name) for each in fields(device) if each.name not in {"id", "lon", "lat", "source", "attributes"}
    }
    return own | dict(device.attributes)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is said differently: name -> before, after."""
    names = dict.fromkeys([*old, *new])
    return {name: (old.get(name), new.get(name)) for name in names if not _is_same(name, old.get(name), new.get(name))}


def _is_same(name: str, one: Any, other: Any) -> bool:
    if name.rpartition(".")[2] in _MEASURED and isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-3 + 1e-4 * abs(one)
    return _equal(one, other)


def _flat(groups: Mapping[str, Any], names: Names) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for group, values in groups.items():
        if not isinstance(values, Mapping):
            flat[group] = values
            continue
        related = group == ATTRIBUTES
        told = (names.told(values) or {}) if related else values
        flat |= {f"{group}.{name}": value for name, value in told.items()}
    return flat


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, int | float) and not isinstance(other, bool):
        return abs(one - other) <= 1e-9 * max(abs(one), abs(other), 1.0)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(_equal(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_equal(value, other[name]) for name, value in one.items())
    return bool(one == other)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
