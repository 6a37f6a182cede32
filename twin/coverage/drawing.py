"""The polygons that a camera draws on the pieces of a surface: level floors, and ground that is level."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, possible, reach
from twin.coverage.shadows import Ground, Plane, Seen, Triangles, level_plane, seen, together
from twin.coverage.surface import Surface

GROUND = "ground"


def drawn(
    surface: Surface,
    views: Sequence[View],
    criteria: Criteria,
    height: float,
    triangles: tuple[Triangles, Triangles],
    ground: Ground | None,
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
    triangles
        What is in the way by best knowledge, and at best.
    ground
        The height of level ground; None where the ground is not level: no polygons are drawn on it.
    """
    found: dict[str | float, Seen | None] = {}
    out: dict[int, Seen] = {}
    bounds = np.array([piece.polygon.bounds for piece in surface.pieces])
    for number in np.flatnonzero(_in_reach(bounds, views, criteria)).tolist():
        floor = surface.pieces[number].floor_z
        if floor is None and ground is None:
            continue
        key = GROUND if floor is None else floor
        if key not in found:
            planes = [
                Plane((floor or 0.0) + height)
                if floor is not None or ground is None
                else level_plane(ground, view, height, min(reach(possible(view), criteria), _farthest(bounds, view)))
                for view in views
            ]
            found[key] = _of_all(views, planes, criteria, triangles)
        polygons = found[key]
        if polygons is not None:
            out[number] = polygons
    return out


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


def _of_all(views: Sequence[View], planes: Sequence[Plane], criteria: Criteria, triangles: tuple[Triangles, Triangles]) -> Seen | None:
    """What the views see of their planes together; None where one of them draws no polygon."""
    parts: list[Seen] = []
    for view, plane in zip(views, planes, strict=True):
        part = seen(view, criteria, plane, triangles[0])
        if part is not None and triangles[1] is not triangles[0]:
            best = seen(view, criteria, plane, triangles[1])
            part = None if best is None else replace(part, upper=shapely.union(part.upper, best.upper))
        if part is None:
            return None
        parts.append(part)
    return parts[0] if len(parts) == 1 else together(parts, 1)
