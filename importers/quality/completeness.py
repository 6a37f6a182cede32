"""Completeness: buildings with and without a model, rooms without use, doors that join nothing, bodies that could not be built."""

from __future__ import annotations

import shapely

from importers.quality.finding import Check, Finding, Question, Subject, Target, of_element
from twin.buildings import Building
from twin.model import ATTRIBUTES, Model

_OUTSIDE_M = 1.0  # a door this near the outline of the building leads outside


def modelled_buildings(subject: Subject) -> Check:
    """Buildings of the register without a model."""
    register = [building for building in subject.buildings if building.attributes.get("height_source") != "model"]
    without = [building for building in register if not building.model_ids]
    area = sum(_area(subject, building) for building in register)
    covered = area - sum(_area(subject, building) for building in without)
    figures = {"with_model": len(register) - len(without), "area_share": round(covered / area, 4)} if area > 0 else {}
    findings = [Finding(building.name, Target("building", building.id), "info") for building in without]
    return Check("modelled_buildings", "completeness", len(register), findings, figures)


def registered_models(subject: Subject) -> Check:
    """Models that belong to no building of the register."""
    alone = [building for building in subject.buildings if building.attributes.get("height_source") == "model"]
    findings = [Finding(building.name, Target("building", building.id), "warning") for building in alone]
    return Check("registered_models", "completeness", len(subject.models), findings)


def built_elements(subject: Subject) -> Check:
    """Elements whose body failed, or was built in a way that is not as defined."""
    asked = [element for element in subject.all_elements() if element.state != "no_body"]
    findings: list[Finding] = []
    for element in asked:
        if element.state in {"failed", "degraded"}:
            label, target = of_element(element)
            findings.append(
                Finding(label, target, "error" if element.state == "failed" else "warning", {"reason": element.reason or element.state})
            )
    return Check("built_elements", "completeness", len(asked), findings)


def storeys_there(subject: Subject) -> Check:
    """Models of buildings without storeys."""
    asked = _of_buildings(subject)
    findings = [Finding(model.name, Target("model", model.id)) for model in asked if not subject.storeys[model.id]]
    return Check("storeys_there", "completeness", len(asked), findings)


def rooms_there(subject: Subject) -> Check:
    """Models of buildings without rooms."""
    asked = _of_buildings(subject)
    findings = [Finding(model.name, Target("model", model.id)) for model in asked if not subject.spaces[model.id]]
    return Check("rooms_there", "completeness", len(asked), findings)


def room_uses(subject: Subject) -> Check:
    """Rooms without a use: no measure by use counts them."""
    spaces = [space for spaces in subject.spaces.values() for space in spaces]
    findings = [
        Finding(space.long_name or space.name or space.id, Target("space", space.id), "info") for space in spaces if not space.usage
    ]
    return Check("room_uses", "completeness", len(spaces), findings)


def door_joints(subject: Subject) -> Check:
    """Doors that join nothing: no room on either side, or one room only and no outside."""
    findings: list[Finding] = []
    examined = 0
    frame = subject.store.park().frame
    for model in subject.models:
        if not subject.spaces[model.id]:
            continue
        outline = None if model.outline is None else shapely.boundary(frame.project(shapely.force_2d(model.outline)))
        for door in subject.elements[model.id]:
            if not door.ifc_class.startswith("IfcDoor") or door.bbox is None:
                continue
            examined += 1
            rooms = len(door.properties.get(ATTRIBUTES, {}).get("joins", ()))
            middle = shapely.Point((door.bbox[0] + door.bbox[3]) / 2, (door.bbox[1] + door.bbox[4]) / 2)
            leads_out = outline is not None and shapely.distance(outline, middle) < _OUTSIDE_M
            if rooms == 0 or (rooms == 1 and not leads_out):
                label, target = of_element(door)
                findings.append(Finding(label, target, "warning" if rooms == 0 else "info", {"rooms": rooms}))
    return Check("door_joints", "completeness", examined, findings)


def _of_buildings(subject: Subject) -> list[Model]:
    return [model for model in subject.models if model.discipline == "architecture" and model.schema.startswith("IFC")]


def _area(subject: Subject, building: Building) -> float:
    return float(subject.store.park().frame.project(shapely.force_2d(building.footprint)).area)


CHECKS: tuple[Question, ...] = (modelled_buildings, registered_models, built_elements, storeys_there, rooms_there, room_uses, door_joints)
