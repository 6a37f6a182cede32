"""Attribute accuracy: types, materials, names, units."""

from __future__ import annotations

import math

from importers.quality.finding import Check, Finding, Question, Subject, Target, of_element, quantity
from twin.model import Element

_TYPED = (
    "IfcWall",
    "IfcDoor",
    "IfcWindow",
    "IfcSlab",
    "IfcColumn",
    "IfcBeam",
    "IfcFlow",
    "IfcPipe",
    "IfcDuct",
    "IfcCable",
    "IfcFurni",
    "IfcLight",
)
_MADE_OF = ("IfcWall", "IfcSlab", "IfcColumn", "IfcBeam", "IfcRoof", "IfcFooting", "IfcCovering", "IfcWindow", "IfcDoor")
_UNIT_FAULT = 50.0  # a length that many times too long or short was written in another unit


def types(subject: Subject) -> Check:
    """Elements of classes that are bought or drawn by type, and have none."""
    asked = [element for element in subject.all_elements() if element.ifc_class.startswith(_TYPED)]
    return Check("types", "attributes", len(asked), [_plain(element) for element in asked if not element.type_name])


def materials(subject: Subject) -> Check:
    """Parts of the building without a material: radio and energy cannot be computed through them."""
    asked = [element for element in subject.all_elements() if element.ifc_class.startswith(_MADE_OF) and element.bbox is not None]
    return Check("materials", "attributes", len(asked), [_plain(element) for element in asked if not element.materials])


def thicknesses(subject: Subject) -> Check:
    """Layers of material without a thickness, or with one no layer has."""
    findings: list[Finding] = []
    examined = 0
    for element in subject.all_elements():
        for layer in element.materials:
            thickness = layer.get("thickness_m")
            if thickness is None:
                continue
            examined += 1
            if not 0 <= thickness <= 5.0:
                label, target = of_element(element)
                findings.append(Finding(label, target, "warning", {"layer": str(layer.get("name")), "metres": round(float(thickness), 4)}))
    return Check("thicknesses", "attributes", examined, findings)


def proxies(subject: Subject) -> Check:
    """Elements that say nothing of what they are."""
    asked = [element for element in subject.all_elements() if element.bbox is not None]
    return Check("proxies", "attributes", len(asked), [_plain(e) for e in asked if e.ifc_class == "IfcBuildingElementProxy"])


def units(subject: Subject) -> Check:
    """Lengths that the file states in another unit than it says: the body is many times longer or shorter."""
    findings: list[Finding] = []
    examined = 0
    for element in subject.all_elements():
        named = [quantity(element, name) for name in ("Length", "Height", "Width", "OverallHeight", "OverallWidth")]
        stated = [value for value in named if value is not None and value > 0]
        if element.bbox is None or not stated:
            continue
        examined += 1
        low, high = element.bbox[:3], element.bbox[3:]
        sizes = [max(b - a, 1e-3) for a, b in zip(low, high, strict=True)]
        for value in stated:
            nearest = min(sizes, key=lambda size: abs(math.log(value / size)))  # which of the three it is, nobody says
            if abs(math.log(value / nearest)) > math.log(_UNIT_FAULT):
                label, target = of_element(element)
                findings.append(Finding(label, target, "error", {"stated": round(value, 4), "found": round(nearest, 3)}))
                break
    return Check("units", "attributes", examined, findings)


def room_names(subject: Subject) -> Check:
    """Rooms that nobody could ask for by name."""
    spaces = [space for spaces in subject.spaces.values() for space in spaces]
    from_ids = [space for space in spaces if not (space.name or space.long_name).strip()]
    return Check("room_names", "attributes", len(spaces), [Finding(space.id, Target("space", space.id), "info") for space in from_ids])


def _plain(element: Element) -> Finding:
    label, target = of_element(element)
    return Finding(label, target, "info")


CHECKS: tuple[Question, ...] = (types, materials, thicknesses, proxies, units, room_names)
