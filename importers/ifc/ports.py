"""Ports: whose they are, where they lie, which way things flow, and which are joined (runs in the child)."""

from __future__ import annotations

from typing import Any

from importers.ifc.entity import attribute
from importers.ifc.placements import Placements
from importers.ifc.said import Reading
from importers.ifc.structure import of_class

_FLOW = {"SOURCE": "source", "SINK": "sink", "SOURCEANDSINK": "both"}


def owned(model: Reading) -> list[Any]:
    """The ports that belong to an element."""
    return [item for item in of_class(model.file, "IfcPort") if item.id() in model.links.port_owner]


def port(model: Reading, item: Any, placements: Placements) -> dict[str, Any]:
    """A port; `at` is its place [m, model], None where the file gives it none of its own."""
    frame = placements.stated(item)
    groups = model.links.groups.get(item.id(), ())
    return {
        "id": model.id_of(item),
        "name": item.Name or "",
        "element": model.id_of(model.links.port_owner[item.id()]),
        "flow": _FLOW.get(attribute(item, "FlowDirection") or ""),
        "type": attribute(item, "PredefinedType"),
        "system": attribute(item, "SystemType"),
        "systems": [model.id_of(group) for group in groups],
        "at": None if frame is None else frame[:3, 3].tolist(),
        "properties": dict(model.sets.get(item.id(), {})),
    }


def joints(model: Reading) -> list[dict[str, Any]]:
    """What the file says is joined: port to port, or, where it knows no ports, element to element of a distribution system."""
    said = [
        {"ports": [model.id_of(one), model.id_of(other)], "by": model.id_of(by) if by is not None else None}
        for one, other, by in model.links.joints
    ]
    bare = [
        {"elements": [model.id_of(relation.get_argument(5)), model.id_of(relation.get_argument(6))], "by": None}
        for relation in of_class(model.file, "IfcRelConnectsElements")
        if _is_piping(relation.get_argument(5)) and _is_piping(relation.get_argument(6))
    ]
    return said + bare


def _is_piping(element: Any) -> bool:
    return element is not None and element.is_a("IfcDistributionElement")
