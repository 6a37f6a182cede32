"""A model beside the other models of its project: one of another size is in another unit than it says, one elsewhere is misplaced.

Models are of one project if they share the project's GlobalId, which begins their ids, or if both their outlines and the names of their
storeys agree that they are one building.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from importers.contract import Relative
from twin.crs import Frame
from twin.model import Issue, Model, ModelContent, Storey

_UNIT_RATIOS = (0.3048, 0.001, 0.01, 0.0254, 1 / 12)  # between units that are mistaken for each other; and the other way round
_SAME_RATIO = 0.02
_APART_M = 1.0
_TURNED_DEG = 0.5
_SAME_HEIGHT_M = 0.01
_FEW_STOREYS = 2


def beside_relatives(content: ModelContent, others: Sequence[Relative], frame: Frame, name: str) -> list[Issue]:
    """What is told of a model and each other model of its project.

    Parameters
    ----------
    content
        The model.
    others
        The models the park holds; an earlier version of this one is left aside.
    frame
        The park's.
    name
        The file, as the subject of issues.
    """
    family = [other for other in others if other.model.id != content.model.id and _are_related(content, other)]
    return [issue for other in family if (issue := _disagreement(content, other, frame, name)) is not None]


def _are_related(content: ModelContent, other: Relative) -> bool:
    project = _project(content.model)
    if project is not None and project == _project(other.model):
        return True
    one, two = content.model.outline, other.model.outline
    if one is None or two is None or not one.intersects(two):
        return False
    return len(_pairs(content.storeys, other.storeys)) >= _FEW_STOREYS


def _project(model: Model) -> str | None:
    """The GlobalId of the project, which the id of an IFC model begins with."""
    said = re.fullmatch(r"([0-9A-Za-z_$]{22})-[0-9a-f]{6}", model.id)
    return said[1] if said else None


def _disagreement(content: ModelContent, other: Relative, frame: Frame, name: str) -> Issue | None:
    ratio = _size_ratio(content, other, frame)
    if ratio is not None:
        return Issue("ifc_models_unlike_scale", "warning", name, {"other": other.model.name, "ratio": f"{ratio:.4g}"})
    metres, height, degrees = _apart(content, other, frame)
    if metres < _APART_M and height < _APART_M and degrees < _TURNED_DEG:
        return None
    details = {"other": other.model.name, "metres": round(metres, 2), "height_m": round(height, 2), "degrees": round(degrees, 2)}
    return Issue("ifc_models_apart", "warning", name, details)


def _size_ratio(content: ModelContent, other: Relative, frame: Frame) -> float | None:
    """How many times larger the model is, if by the ratio of two units: by its storeys, else by its outline and height."""
    pairs = _pairs(content.storeys, other.storeys)
    levels = [(a.elevation_m, b.elevation_m) for a, b in pairs if max(abs(a.elevation_m), abs(b.elevation_m)) > _SAME_HEIGHT_M]
    if levels:
        ratios = [a / b if b else math.inf for a, b in levels]
        return ratios[0] if all(_is_unit_ratio(ratio) and math.isclose(ratio, ratios[0], rel_tol=_SAME_RATIO) for ratio in ratios) else None
    mine, yours = _extent(content.model, frame), _extent(other.model, frame)
    if mine is None or yours is None:
        return None
    ratios = [a / b if b > 0 else math.inf for a, b in zip(mine, yours, strict=True)]
    middle = sorted(ratios)[1]
    return middle if all(_is_unit_ratio(ratio, 3 * _SAME_RATIO) for ratio in ratios) and max(ratios) / min(ratios) < 1.1 else None


def _pairs(mine: Sequence[Storey], yours: Sequence[Storey]) -> list[tuple[Storey, Storey]]:
    """Storeys of one name in two models."""
    by_name = {storey.name: storey for storey in yours if storey.name}
    return [(storey, by_name[storey.name]) for storey in mine if storey.name in by_name]


def _is_unit_ratio(ratio: float, tolerance: float = _SAME_RATIO) -> bool:
    return any(math.isclose(ratio, known, rel_tol=tolerance) or math.isclose(ratio, 1 / known, rel_tol=tolerance) for known in _UNIT_RATIOS)


def _extent(model: Model, frame: Frame) -> tuple[float, float, float] | None:
    """Length and width of the rectangle around a model's outline, and its height. [m]"""
    if model.outline is None:
        return None
    ring = (
        np.asarray(frame.project(model.outline).minimum_rotated_rectangle.exterior.coords) if model.outline.area > 0 else np.zeros((0, 2))
    )
    if len(ring) < 4:
        return None
    sides = sorted(float(np.linalg.norm(ring[k + 1] - ring[k])) for k in (0, 1))
    return sides[1], sides[0], model.top_h_m - model.base_h_m


def _apart(content: ModelContent, other: Relative, frame: Frame) -> tuple[float, float, float]:
    """How far apart the origins of two models are [m], how much higher one is [m], and how far turned [deg].

    Models of one project share an origin. Where one was placed by something else than its origin, their outlines must touch.
    """
    one, two = content.model.georeferencing, other.model.georeferencing
    turned = abs(math.remainder(one.rotation_deg - two.rotation_deg, 360.0))
    heights = [abs(a.base_h_m - b.base_h_m) for a, b in _pairs(content.storeys, other.storeys)]
    raised = float(np.median(heights)) if heights else 0.0
    mine, yours = content.model.outline, other.model.outline
    between = 0.0 if mine is None or yours is None else float(frame.project(mine).distance(frame.project(yours)))
    if one.lonlat is None or two.lonlat is None or one.kind != two.kind:
        return between, raised, turned if between > _APART_M else 0.0
    a, b = frame.to_enu([one.lonlat, two.lonlat])[:, :2]
    return max(float(np.linalg.norm(a - b)), between), raised, turned
