"""Whether positions carry the shift of Chinese web maps that nobody stated: measured against the buildings the park has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.contract import Context
from twin.crs import bd09_to_wgs84, gcj02_to_wgs84, wgs84_to_bd09, wgs84_to_gcj02
from twin.model import Geometries, Issue
from twin.shifted import in_china

FEW = 5  # buildings that have to agree before a shift is spoken of
MOST = 3000  # shapes that are compared
CLEAR = 2.0  # a shift is believed where it brings so many times more shapes onto buildings than no shift does
SAME_SIZE = 1.6  # two outlines of one building differ in area by less than this factor
_Shift = Callable[[NDArray[np.float64]], NDArray[np.float64]]
# what would undo the shift, and which side of the comparison carries it
_UNDONE: Mapping[tuple[str, str], _Shift] = {
    ("gcj02", "file"): gcj02_to_wgs84,
    ("bd09", "file"): bd09_to_wgs84,
    ("gcj02", "park"): wgs84_to_gcj02,
    ("bd09", "park"): wgs84_to_bd09,
}


def suspected_shift(shapes: Geometries, source: str, context: Context) -> list[Issue]:
    """An Issue where polygons fall on the park's buildings only after a web map's shift is undone; with the measured offset.

    Parameters
    ----------
    shapes
        Placed shapes (n,), lon, lat [deg], None where left out.
    source
        What the Issue calls them.
    context
        The park with its buildings; the options with the datum the person stated.
    """
    frame = context.park.frame
    if not in_china([[frame.lon_deg, frame.lat_deg]])[0]:
        return []
    mine = _polygons(shapes)
    if len(mine) < FEW:
        return []
    theirs = _polygons(np.array([each.outline for each in context.footprints()], object))
    if len(theirs) < FEW:
        return []
    park = shapely.STRtree(frame.project(theirs))
    plain = _matches(mine, None, park, context)
    found = {about: _matches(mine, undo, park, context) for about, undo in _UNDONE.items()}
    (datum, side), best = max(found.items(), key=lambda each: len(each[1]))
    if len(best) < max(FEW, CLEAR * len(plain), len(mine) // 20):
        return []
    shift = _shift_of(mine, _UNDONE[datum, side], context) - np.median(best, axis=0)  # what the file is off by [m]
    details = {"datum": datum, "east": round(float(shift[0])), "north": round(float(shift[1])), "count": len(best), "total": len(mine)}
    return [Issue("shift_suspected" if side == "file" else "shift_suspected_park", "warning", source, details)]


def _polygons(shapes: Geometries) -> Geometries:
    """The areas among shapes, flat; a sample of very many."""
    there = shapes[~shapely.is_missing(shapes)]
    areas = there[shapely.get_dimensions(there) == 2] if len(there) else there
    return shapely.force_2d(areas[:: max(1, len(areas) // MOST)])


def _matches(mine: Geometries, undo: _Shift | None, park: shapely.STRtree, context: Context) -> NDArray[np.float64]:
    """From each of the shapes that falls on a building of its size to that building's middle (m, 2). [m, enu]"""
    moved: Any = mine if undo is None else shapely.transform(mine, undo)
    local = context.park.frame.project(moved)
    centres = shapely.centroid(local)
    pairs = park.query(centres, predicate="within")  # (2, m)
    outlines = park.geometries[pairs[1]]
    ratio = shapely.area(local[pairs[0]]) / np.maximum(shapely.area(outlines), 1e-9)
    same = (ratio < SAME_SIZE) & (ratio > 1 / SAME_SIZE)
    there, here = shapely.get_coordinates(shapely.centroid(outlines[same])), shapely.get_coordinates(centres[pairs[0][same]])
    return there - here


def _shift_of(mine: Geometries, undo: _Shift, context: Context) -> NDArray[np.float64]:
    """What undoing a shift moves the middle of the shapes by, turned round: what the shift itself is there (2,). [m, enu]"""
    middle = np.median(shapely.get_coordinates(shapely.centroid(mine)), axis=0)[None]
    before, after = context.park.frame.to_enu(np.vstack([middle, undo(middle)]))[:, :2]
    return before - after
