"""What gathers others: zones, systems and groups, and the spatial containers with their property sets (runs in the child)."""

from __future__ import annotations

from typing import Any

from importers.ifc.entity import attribute, text
from importers.ifc.said import Reading, attributes
from importers.ifc.structure import instances, of_class
from twin.model import ATTRIBUTES

_CONTAINERS = ("IfcProject", "IfcSpatialStructureElement", "IfcSpatialElement")
_ZONES = ("IfcZone", "IfcSpatialZone")
_NEVER_MEMBERS = "IfcPort"  # a port stands for the element it belongs to


def gathering(file: Any) -> list[Any]:
    """All instances that become groups, in the file's order by kind."""
    containers = [item for kind in _CONTAINERS for item in of_class(file, kind) if not item.is_a("IfcSpace")]
    found = {item.id(): item for item in (*of_class(file, "IfcGroup"), *containers)}
    return list(found.values())


def group(model: Reading, item: Any) -> dict[str, Any]:
    """A group as the store has it; members are ids of elements, spaces and groups.

    A container (project, site, building, storey) gathers the containers below it; its elements name it themselves.
    """
    members = _members(model, item)
    kind = "zone" if item.is_a(_ZONES[0]) or item.is_a(_ZONES[1]) else "system" if item.is_a("IfcSystem") else "group"
    type_object = model.links.type_of.get(item.id())
    said = dict(model.sets.get(item.id(), {})) | {ATTRIBUTES: attributes(model, item, type_object)}
    return {
        "id": model.id_of(item),
        "kind": kind,
        "class": item.is_a(),
        "name": text(item.Name) or text(attribute(item, "LongName")),
        "usage": _usage(item),
        "members": list(dict.fromkeys(model.id_of(member) for member in members)),
        "attributes": said,
    }


def _usage(item: Any) -> str | None:
    """What a system or zone is for: its predefined type, or the person's own word for it."""
    kind = attribute(item, "PredefinedType")
    if kind in {None, "NOTDEFINED", "USERDEFINED"}:
        return attribute(item, "ObjectType") or kind
    return str(kind)


def _members(model: Reading, item: Any) -> list[Any]:
    step, links = item.id(), model.links
    if item.is_a("IfcGroup"):
        found = links.members.get(step, ())
    elif item.is_a("IfcSpatialZone"):
        found = [*links.parts.get(step, ()), *links.plain.get(step, {}).get("references", ()), *_contained(model, step)]
    else:
        found = [part for part in links.parts.get(step, ()) if not part.is_a("IfcSpace")]
    owners = [links.port_owner.get(member.id()) if member.is_a(_NEVER_MEMBERS) else member for member in instances(list(found))]
    return [owner for owner in owners if owner is not None]


def _contained(model: Reading, step: int) -> list[Any]:
    return [model.file.by_id(element) for element, container in model.links.container.items() if container.id() == step]
