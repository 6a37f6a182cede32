"""Logical consistency: things twice, rooms in one another, elements outside their storey, rooms outside their building."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

import numpy as np
import shapely

from importers.quality.finding import Check, Finding, Question, Subject, Target, of_element
from twin.model import Element

_ROOM_SHARE = 0.05
_OUTSIDE_SHARE = 0.5
_STOREY_SLACK_M = 0.5
_SAME_FLOOR_M = 0.5


def duplicates(subject: Subject) -> Check:
    """Elements of one class that fill exactly the same box: one of them was copied."""
    findings: list[Finding] = []
    asked = [element for element in subject.all_elements() if element.bbox is not None]
    places: dict[tuple[object, ...], list[Element]] = defaultdict(list)
    for element in asked:
        places[element.model_id, element.ifc_class, *np.round(np.array(element.bbox), 3).tolist()].append(element)
    for same in places.values():
        for first, second in pairwise(same):
            label, target = of_element(second)
            findings.append(Finding(label, target, "warning", {"other": first.name or first.id, "other_id": first.id}))
    return Check("duplicates", "consistency", len(asked), findings)


def overlapping_rooms(subject: Subject) -> Check:
    """Rooms of one level that share ground."""
    findings: list[Finding] = []
    examined = 0
    for model in subject.models:
        spaces = {space.id: space for space in subject.spaces[model.id]}
        floors = subject.floors[model.id]
        ids, shapes = list(floors), np.array(list(floors.values()), object)
        examined += len(ids)
        sizes = shapely.area(shapes)
        one, other = shapely.STRtree(shapes).query(shapes, predicate="intersects") if ids else (np.empty(0, int), np.empty(0, int))
        for i, j in zip(one[one < other].tolist(), other[one < other].tolist(), strict=True):
            a, b = spaces[ids[i]], spaces[ids[j]]
            if abs(a.floor_h_m - b.floor_h_m) > _SAME_FLOOR_M:
                continue
            shared = float(shapely.area(shapely.intersection(shapes[i], shapes[j])))
            if shared > _ROOM_SHARE * min(sizes[i], sizes[j]):
                details = {"other": b.long_name or b.name or b.id, "area": round(shared, 2)}
                findings.append(Finding(a.long_name or a.name or a.id, Target("space", a.id), "warning", details))
    return Check("overlapping_rooms", "consistency", examined, findings)


def elements_in_storeys(subject: Subject) -> Check:
    """Elements that lie wholly above or below the storey they are said to be in."""
    findings: list[Finding] = []
    examined = 0
    origin = subject.store.park().frame.h_m
    for model in subject.models:
        levels = subject.storeys[model.id]
        tops = {lower.id: upper.base_h_m for lower, upper in pairwise(levels)}
        bases = {storey.id: (storey.base_h_m, tops.get(storey.id, np.inf), storey.name) for storey in levels}
        for element in subject.elements[model.id]:
            if element.bbox is None or element.storey_id not in bases:
                continue
            examined += 1
            low, high, name = bases[element.storey_id]
            bottom, top = element.bbox[2] + origin, element.bbox[5] + origin
            away = max(low - _STOREY_SLACK_M - top, bottom - high - _STOREY_SLACK_M)
            if away > 0:
                label, target = of_element(element)
                findings.append(Finding(label, target, "warning", {"storey": name, "metres": round(away + _STOREY_SLACK_M, 2)}))
    return Check("elements_in_storeys", "consistency", examined, findings)


def rooms_in_buildings(subject: Subject) -> Check:
    """Rooms that lie outside the building's outline."""
    findings: list[Finding] = []
    examined = 0
    frame = subject.store.park().frame
    for model in subject.models:
        if model.outline is None:
            continue
        outline = shapely.make_valid(frame.project(shapely.force_2d(model.outline)))
        for space in subject.spaces[model.id]:
            floor = subject.floors[model.id].get(space.id)
            if floor is None or floor.area <= 0:
                continue
            examined += 1
            outside = 1.0 - float(shapely.intersection(floor, outline).area) / floor.area
            if outside > _OUTSIDE_SHARE:
                label = space.long_name or space.name or space.id
                findings.append(Finding(label, Target("space", space.id), "warning", {"percent": round(100 * outside)}))
    return Check("rooms_in_buildings", "consistency", examined, findings)


def repeated_ids(subject: Subject) -> Check:
    """Elements whose GlobalId was missing or stood twice, so that they carry a substitute."""
    findings: list[Finding] = []
    for source in subject.store.sources():
        for issue in source["report"].get("issues", ()):
            if str(issue["code"]).startswith("ifc_id_"):
                identity = str(issue["details"].get("id", ""))
                findings.append(Finding(str(issue["subject"]), Target("element", identity), "warning", {"source": source["name"]}))
    return Check("repeated_ids", "consistency", len(subject.all_elements()), findings)


CHECKS: tuple[Question, ...] = (duplicates, overlapping_rooms, elements_in_storeys, rooms_in_buildings, repeated_ids)
