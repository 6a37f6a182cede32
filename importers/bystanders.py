"""Models that the park holds already and that buildings from a map, now imported, do not lie under: one of the two is in the wrong place.

The other order, a model into a park that knows its buildings, is told by `importers.ifc.compared`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from importers.contract import Context, Imported, Relative
from importers.rectangles import crooked_deg, direction, size
from twin.crs import Frame
from twin.model import Geometries, Issue

_STANDS_ON = 0.3  # a model that shares this much of its area with buildings stands on them
_NEAR_M = 2000.0  # buildings farther from a model than this are not held to be meant for it
_LEAST_M2 = 1e-6
_SCHEMA = "IFC"  # of models that are not themselves made of the map's buildings


def bystanders(imported: Imported, name: str, context: Context) -> list[Issue]:
    """An Issue for each model of the park that stands beside the buildings of an import and on none the park had.

    Parameters
    ----------
    imported
        What was read.
    name
        What the Issues call it.
    context
        The park with its models and buildings.
    """
    new = [content.table for content in imported.layers if content.layer.kind == "building"]
    if not any(len(table) for table in new):
        return []
    models = [each for each in context.relatives() if _is_placed(each)]
    if not models:
        return []
    frame = context.park.frame
    shapes = _areas([shape for table in new for shape in table.geometry], frame)
    titles = [str(title or id_) for table in new for title, id_ in zip(table.column("name"), table.ids, strict=True)]
    known = _areas([each.outline for each in context.footprints()], frame)
    found = [_beside(each, shapes, known, titles, frame) for each in models]
    return [Issue("model_beside_buildings", "warning", name, details) for details in found if details is not None]


def _is_placed(relative: Relative) -> bool:
    model = relative.model
    return model.outline is not None and model.schema.upper().startswith(_SCHEMA) and model.georeferencing.kind != "none"


def _areas(shapes: Sequence[Any], frame: Frame) -> Geometries:
    """Shapes on the park's plane (n,), empty where they are no areas. [m, enu]"""
    held = np.array([shape if shape is not None else shapely.Polygon() for shape in shapes], object)
    if not len(held):
        return held
    areas: Geometries = shapely.make_valid(frame.project(shapely.force_2d(held)))
    areas[shapely.area(areas) <= _LEAST_M2] = shapely.Polygon()
    return areas


def _beside(relative: Relative, new: Geometries, known: Geometries, titles: Sequence[str], frame: Frame) -> dict[str, Any] | None:
    """What to tell of a model that stands on no building but near new ones; None of any other."""
    mine = _areas([relative.model.outline], frame)[0]
    if mine.is_empty or any(_shared(mine, areas) > _STANDS_ON for areas in (new, known)):
        return None
    away = np.where(shapely.is_empty(new), np.inf, shapely.distance(new, mine.centroid))
    nearest = int(np.argmin(away))
    if not away[nearest] < _NEAR_M:
        return None
    other = new[nearest]
    return {
        "model": relative.model.name or relative.model.source,
        "building": titles[nearest],
        "metres": round(float(mine.centroid.distance(other.centroid)), 1),
        "degrees": crooked_deg(direction(mine) - direction(other)),
        "size": size(mine),
        "other_size": size(other),
        "source": relative.model.source,
    }


def _shared(mine: Any, areas: Geometries) -> float:
    """The share of an area that others cover."""
    if not len(areas):
        return 0.0
    over = areas[shapely.intersects(areas, mine)]
    return float(shapely.intersection(shapely.union_all(over), mine).area / mine.area) if len(over) else 0.0
