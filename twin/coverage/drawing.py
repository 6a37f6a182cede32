"""The polygons that a camera draws on the pieces of a surface that lie on level ground.

Rooms are left to certified cells: among the thousands of triangles of a model polygons cost more than they tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, possible, reach
from twin.coverage.shadows import Ground, Plane, Seen, Triangles, level_plane, seen, together
from twin.coverage.surface import Surface


class Level(NamedTuple):
    """Level ground, and what is in the way of the sight over it: by best knowledge, and at best."""

    ground: Ground
    triangles: Triangles
    best: Triangles


def drawn(
    surface: Surface,
    views: Sequence[View],
    criteria: Criteria,
    height: float,
    level: Level,
    side_by_side: Callable[[Callable[[Any], Any], Sequence[Any]], Iterable[Any]] = map,
) -> dict[int, Seen]:
    """What a camera's views see of each piece, by the piece's number; pieces where one of them draws no polygon are missing.

    Parameters
    ----------
    surface
        The pieces.
    views
        The aims of one camera.
    criteria, height
        What targets must fulfil, and how high they stand above floor or ground. [m]
    level
        The ground, and what is in the way.
    side_by_side
        What draws several views, as `map` does.
    """
    bounds = np.array([piece.polygon.bounds for piece in surface.pieces])
    on_ground = np.array([piece.floor_z is None for piece in surface.pieces])
    reached = np.flatnonzero(on_ground & _in_reach(bounds, views, criteria)).tolist()
    if not reached:
        return {}
    planes = [level_plane(level.ground, view, height, min(reach(possible(view), criteria), _farthest(bounds, view))) for view in views]
    polygons = _of_all(side_by_side(lambda each: _of_one(each[0], each[1], criteria, level), list(zip(views, planes, strict=True))))
    return {} if polygons is None else dict.fromkeys(reached, polygons)


def _farthest(bounds: NDArray[np.float64], view: View) -> float:
    """How far the farthest corner of the boxes round the pieces (p, 4) is from the foot of a lens. [m]"""
    x, y, _ = view.position
    west, south, east, north = *bounds[:, :2].min(axis=0), *bounds[:, 2:].max(axis=0)
    return math.hypot(max(x - west, east - x), max(y - south, north - y))


def _in_reach(bounds: NDArray[np.float64], views: Sequence[View], criteria: Criteria) -> NDArray[np.bool_]:
    """Whether a view reaches the box round each piece (p,)."""
    out = np.zeros(len(bounds), np.bool_)
    for view in views:
        x, y, _ = view.position
        far = reach(possible(view), criteria)
        out |= (bounds[:, 0] <= x + far) & (bounds[:, 2] >= x - far) & (bounds[:, 1] <= y + far) & (bounds[:, 3] >= y - far)
    return out


def _of_one(view: View, plane: Plane, criteria: Criteria, level: Level) -> Seen | None:
    """What a view sees of its plane; None where it draws no polygon."""
    part = seen(view, criteria, plane, level.triangles)
    if part is None or level.best is level.triangles:
        return part
    best = seen(view, criteria, plane, level.best)
    return None if best is None else replace(part, upper=shapely.union(part.upper, best.upper))


def _of_all(drawn_by_views: Iterable[Seen | None]) -> Seen | None:
    """What views see together; None where one of them draws no polygon."""
    parts: list[Seen] = []
    for part in drawn_by_views:
        if part is None:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else together(parts, 1)
