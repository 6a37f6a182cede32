"""Shortest ways in the plane: round obstacles, and within an area.

The shortest way between two points bends only at corners of what is in the way, so it is a path of the graph of corners that see each
other (Lozano-Pérez and Wesley 1979, CACM 22(10)). A way may run along an obstacle; it may not pass through it.

          *------,
      .--/ ####   `--.
     a     ####       b
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import dijkstra

FloatArray = NDArray[np.float64]

TOUCH_M = 1e-4  # a way along an edge is free: obstacles are tested this much smaller, areas this much larger


@dataclass(frozen=True)
class Ways:
    """The shortest ways from one point: to itself and each of k - 1 corners."""

    corners: FloatArray  # (k, 2) [m], the point itself first
    length: FloatArray  # (k,) [m]; infinite where no way is short enough
    solid: Any  # what is in the way, shapely, prepared
    limit: float  # the longest way of interest [m]


def ways_around(origin: ArrayLike, obstacles: Any, *, limit: float = np.inf) -> Ways:
    """The shortest ways from a point (2,) round `obstacles` (a shapely area) that are no longer than `limit`. [m]"""
    start = np.asarray(origin, float).reshape(1, 2)
    solid = shapely.buffer(obstacles, -TOUCH_M, join_style="mitre")
    shapely.prepare(solid)
    corners = np.unique(shapely.get_coordinates(obstacles), axis=0)
    corners = corners[np.linalg.norm(corners - start, axis=1) <= limit]
    points = np.concatenate([start, corners])
    lengths = _free(points, points, limit, lambda lines: ~shapely.intersects(solid, lines))
    found = np.asarray(dijkstra(lengths, indices=0, limit=limit), float)
    return Ways(points, found, solid, limit)


def way_to(ways: Ways, target: Any) -> float:
    """The length of the shortest way to a shape that is none of the obstacles; infinite where none is short enough. [m]"""
    near = np.flatnonzero(np.isfinite(ways.length))
    lines: NDArray[np.object_] = np.asarray(shapely.shortest_line(shapely.points(ways.corners[near]), target), object)
    total = ways.length[near] + shapely.length(lines)
    for k in np.argsort(total, kind="stable").tolist():
        if total[k] > ways.limit:
            break
        if not shapely.intersects(ways.solid, lines[k]):
            return float(total[k])
    return float("inf")


def ways_within(area: Any, points: ArrayLike) -> FloatArray:
    """The lengths (p, p) of the shortest ways between points (p, 2) that stay within an area; infinite where there is none. [m]"""
    inner = np.asarray(points, float).reshape(-1, 2)
    room = shapely.buffer(area, TOUCH_M, join_style="mitre")
    shapely.prepare(room)
    if len(inner) < 2:
        return np.zeros((len(inner), len(inner)))
    straight = _free(inner, inner, np.inf, lambda lines: shapely.covers(room, lines))
    if np.count_nonzero(straight) == len(inner) * (len(inner) - 1):
        return straight
    every = np.concatenate([inner, np.unique(shapely.get_coordinates(area), axis=0)])
    lengths = _free(every, every, np.inf, lambda lines: shapely.covers(room, lines))
    return np.asarray(dijkstra(lengths, indices=np.arange(len(inner))), float)[:, : len(inner)]


def _free(a: FloatArray, b: FloatArray, limit: float, passes: Any) -> FloatArray:
    """The lengths (n, n) of the straight ways that are free and no longer than `limit`; 0 where there is none. [m]"""
    lengths = np.linalg.norm(a[:, None] - b[None], axis=2)
    i, j = np.nonzero(np.triu((lengths <= limit) & (lengths > 0), 1))
    free = passes(shapely.linestrings(np.stack([a[i], b[j]], axis=1))) if len(i) else np.empty(0, bool)
    out = np.zeros_like(lengths)
    out[i[free], j[free]] = out[j[free], i[free]] = lengths[i[free], j[free]]
    return out
