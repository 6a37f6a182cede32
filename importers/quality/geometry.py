"""Geometric accuracy: bodies against the file's own quantities, outlines against footprints, storeys against rooms."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.quality.finding import Check, Finding, Question, Subject, Target, of_element, quantity
from twin.diff.shapes import Corners, volume
from twin.model import ATTRIBUTES

_VOLUME_SHARE = 0.05
_VOLUME_M3 = 0.01
_AREA_SHARE = 0.05
_GROSS_SHARE = 0.15  # a gross area counts the walls around the room by half
_SAME_PLACE_IOU = 0.75
_SAME_PLACE_M = 1.0
_STOREY_M = (2.2, 12.0)  # lower than a door, higher than a hall
_ROOM_M = 0.3


def volumes(subject: Subject) -> Check:
    """Closed bodies whose volume is not the one the file states."""
    findings: list[Finding] = []
    ratios: list[float] = []
    for model in subject.models:
        shapes = subject.bodies[model.id]
        for element in subject.elements[model.id]:
            stated = quantity(element, "NetVolume", "Netto-Volumen") or quantity(element, "GrossVolume")
            if not stated or stated <= 0 or element.id not in shapes or not is_closed(shapes[element.id]):
                continue
            found = abs(volume(shapes[element.id]))
            ratios.append(found / stated)
            if abs(found - stated) > max(_VOLUME_SHARE * stated, _VOLUME_M3):
                label, target = of_element(element)
                findings.append(Finding(label, target, "warning", {"stated": round(stated, 3), "found": round(found, 3)}))
    figures = {"median_ratio": round(float(np.median(ratios)), 4)} if ratios else {}
    return Check("volumes", "geometry", len(ratios), findings, figures)


def room_areas(subject: Subject) -> Check:
    """Rooms whose floor is not as large as the file states."""
    findings: list[Finding] = []
    ratios: list[float] = []
    for model in subject.models:
        for space in subject.spaces[model.id]:
            stated, outline = space.attributes.get(ATTRIBUTES, {}).get("area_by_quantity_m2"), subject.floors[model.id].get(space.id)
            if not stated or outline is None or outline.area <= 0:
                continue
            ratios.append(outline.area / stated)
            if not 1.0 - _GROSS_SHARE <= outline.area / stated <= 1.0 + _AREA_SHARE:
                details = {"stated": round(stated, 2), "found": round(outline.area, 2)}
                findings.append(Finding(space.long_name or space.name or space.id, Target("space", space.id), "warning", details))
    figures = {"median_ratio": round(float(np.median(ratios)), 4)} if ratios else {}
    return Check("room_areas", "geometry", len(ratios), findings, figures)


def footprints(subject: Subject) -> Check:
    """Models whose outline is not the footprint of the building they belong to."""
    findings: list[Finding] = []
    examined = 0
    frame = subject.store.park().frame
    outlines = {model.id: model.outline for model in subject.models if model.outline is not None}
    for building in subject.buildings:
        own = [outlines[identity] for identity in building.model_ids if identity in outlines]
        if not own or building.attributes.get("height_source") == "model":
            continue
        examined += 1
        here, there = (
            shapely.make_valid(frame.project(shapely.force_2d(each)))
            for each in (shapely.union_all(np.array(own, object)), building.footprint)
        )
        shared, whole = shapely.intersection(here, there).area, shapely.union(here, there).area
        apart = float(here.centroid.distance(there.centroid))
        if whole > 0 and (shared / whole < _SAME_PLACE_IOU or apart > _SAME_PLACE_M):
            details = {"percent": round(100 * shared / whole), "metres": round(apart, 2)}
            findings.append(Finding(building.name, Target("building", building.id), "warning", details))
    return Check("footprints", "geometry", examined, findings)


def storey_heights(subject: Subject) -> Check:
    """Storeys of a height no storey has."""
    findings: list[Finding] = []
    examined = 0
    for model in subject.models:
        for lower, upper in pairwise(subject.storeys[model.id]):
            height = upper.base_h_m - lower.base_h_m
            if height < 1e-3:  # two names of one level, as federated or split models have
                continue
            examined += 1
            if not _STOREY_M[0] <= height <= _STOREY_M[1]:
                details = {"height": round(height, 2), "upper": upper.name, "model": model.name}
                findings.append(Finding(lower.name, Target("model", model.id), "info", details))
    return Check("storey_heights", "geometry", examined, findings)


def rooms_in_storeys(subject: Subject) -> Check:
    """Rooms higher than their storey."""
    findings: list[Finding] = []
    examined = 0
    for model in subject.models:
        heights = {lower.id: upper.base_h_m - lower.base_h_m for lower, upper in pairwise(subject.storeys[model.id])}
        for space in subject.spaces[model.id]:
            storey = heights.get(space.storey_id or "")
            if storey is None or space.height_m is None or storey < _STOREY_M[0]:
                continue
            examined += 1
            if space.height_m > storey + _ROOM_M:
                details = {"height": round(space.height_m, 2), "storey": round(storey, 2)}
                findings.append(Finding(space.long_name or space.name or space.id, Target("space", space.id), "info", details))
    return Check("rooms_in_storeys", "geometry", examined, findings)


def is_closed(corners: Corners) -> bool:
    """Whether each edge of a body is met by its opposite: only then does it have a volume."""
    flat, keys = np.unique(np.round(corners.reshape(-1, 3), 3), axis=0, return_inverse=True)
    faces: NDArray[np.int64] = keys.reshape(-1, 3)
    ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    ends = ends[ends[:, 0] != ends[:, 1]]
    code, back = ends[:, 0] * len(flat) + ends[:, 1], ends[:, 1] * len(flat) + ends[:, 0]
    return bool(len(code)) and np.array_equal(np.sort(code), np.sort(back))


CHECKS: tuple[Question, ...] = (volumes, room_areas, footprints, storey_heights, rooms_in_storeys)
