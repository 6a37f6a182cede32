"""How far a hose must be laid from the nearest hydrant, round what stands in the way.

The shortest way on free ground turns only at corners of what is in the way. Corners and hydrants that see each other are joined;
each corner's way to a hydrant follows from the joints (Dijkstra), and a place takes the best corner or hydrant that it sees:

        hydrant *-----------+ corner
                    #######  \\
                    #######   x place          L = way of the corner + the rest

L changes no faster than one steps, so that a cell with nothing in it has L within its half diagonal of that of its middle: bounds
that hold. Distances as the crow flies bound it from below everywhere.

Source: GB 50974-2014 7.2.5 and 7.3.2 (protection radius 150 m, spacing 120 m).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from twin.coverage.cells import Cells
from twin.scene import one_object
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

RADIUS_M, SPACING_M, KERB_M, WALL_M = 150.0, 120.0, 2.0, 5.0  # GB 50974-2014 7.3.2, 7.2.5, 7.2.6
OFF_M = 0.01  # corners stand this far off what they are corners of
HAIR_M = 0.1  # which makes a way longer than the shortest by less than this
TILE_M = 150.0  # points this near each other are asked together
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Ground:
    """Ground with what nobody passes on it."""

    scene: Scene  # the blocked edges, upright through z = 0
    corners: FloatArray  # (c, 2) where shortest ways may turn [m, enu]
    blocked: NDArray[np.object_]  # (b,) shapely areas and lines [m, enu]


@dataclass(frozen=True)
class Ways:
    """Where ways to hydrants start: hydrants and corners, how far each is from a hydrant, and from which."""

    place: FloatArray  # (p, 2) [m, enu]
    length: FloatArray  # (p,) [m]
    hydrant: IntArray  # (p,)
    margin_m: float  # by how much more than the greatest length they were searched [m]


@dataclass(frozen=True)
class Reached:
    """What n cells have: lengths of the way to the nearest hydrant [m], and what they say of a greatest one."""

    way: FloatArray  # (n,) at the cell's point; infinite where there is none within the limit
    low: FloatArray  # (n,) least in the cell
    high: FloatArray  # (n,) greatest
    straight: FloatArray  # (n,) as the crow flies, at the point
    hydrant: IntArray  # (n,) nearest by way, else straight; -1: none
    most_m: float

    @property
    def covered(self) -> BoolArray:
        """Within reach at the cell's point (n,)."""
        return self.way <= self.most_m

    @property
    def sure(self) -> BoolArray:
        """Within reach everywhere in the cell (n,)."""
        return self.high <= self.most_m

    @property
    def possible(self) -> BoolArray:
        """Within reach somewhere in the cell (n,)."""
        return self.low <= self.most_m

    @property
    def mixed(self) -> BoolArray:
        """Cutting the cell may tell more (n,)."""
        return self.possible & ~self.sure


def ground_of(blocked: NDArray[np.object_]) -> Ground:
    """Ground with blocked areas and lines (b,), shapely, x y [m, enu]; each may be crossed nowhere."""
    parts = shapely.get_parts(blocked)
    rings = [ring for part in parts for ring in _rings(part)]
    edges = [np.stack([xy[:-1], xy[1:]], axis=1) for ring in rings if len(xy := shapely.get_coordinates(ring)) > 1]
    ends = np.concatenate([np.empty((0, 2, 2)), *edges])
    n = len(ends)
    low, high = np.full((2 * n, 1), -1.0), np.full((2 * n, 1), 1.0)
    points = np.concatenate([np.hstack([ends.reshape(-1, 2), low]), np.hstack([ends.reshape(-1, 2), high])]) if n else np.empty((0, 3))
    k = np.arange(n) * 2
    faces = np.concatenate([np.column_stack([k, k + 1, k + 1 + 2 * n]), np.column_stack([k, k + 1 + 2 * n, k + 2 * n])])
    return Ground(Scene(one_object(points, faces, object_id="blocked")), _corners(parts), parts)


def ways(ground: Ground, hydrants: FloatArray, most_m: float, margin_m: float = 5.0) -> Ways:
    """Where ways of at most `most_m` and a margin [m] to hydrants (h, 2) [m, enu] start."""
    h, most_m = len(hydrants), most_m + margin_m
    tree = shapely.STRtree(_points(ground.corners)) if len(ground.corners) else None
    near = np.unique(tree.query(shapely.buffer(_points(hydrants), most_m), predicate="intersects")[1]) if tree and h else []
    place = np.concatenate([hydrants.reshape(-1, 2), ground.corners[near]]) if len(near) else hydrants.reshape(-1, 2)
    if not len(near):
        return Ways(place, np.zeros(h), np.arange(h), margin_m)
    points = _points(place)
    a, b = shapely.STRtree(points).query(points, predicate="dwithin", distance=most_m)
    pair = np.column_stack([a, b])[(a < b) & (b >= h)]
    free = _free(ground, place[pair[:, 0]], place[pair[:, 1]])
    pair = pair[free]
    length = np.hypot(*(place[pair[:, 0]] - place[pair[:, 1]]).T)
    graph = csr_array((np.maximum(length, 1e-9), (pair[:, 0], pair[:, 1])), shape=(len(place), len(place)))
    found = dijkstra(graph, directed=False, indices=np.arange(h), limit=most_m, min_only=True, return_predecessors=True)
    distance, source = np.asarray(found[0], np.float64), np.asarray(found[2], np.int64)
    keep = np.isfinite(distance)
    return Ways(place[keep], distance[keep], source[keep], margin_m)


def reached(ground: Ground, starts: Ways, hydrants: FloatArray, cells: Cells, most_m: float) -> Reached:
    """What cells have of hydrants (h, 2) [m, enu], from which ways of at most `most_m` [m] start as said."""
    own = cells.representative[:, :2]
    slack = _slack(cells, own)
    widest = float(np.max(slack[np.isfinite(slack)], initial=0.0))
    way, best = _best(ground, starts, own, most_m + min(widest, starts.margin_m))
    straight, nearest = _straight(own, hydrants)
    clear = ~_is_cut(ground, cells)
    # a way not found is longer than what was searched, and no place of a clear cell is nearer than that less the slack
    searched = np.where(np.isfinite(way), way, most_m + min(widest, starts.margin_m))
    crow = np.where(np.isfinite(straight), np.maximum(straight - np.minimum(slack, 1e9), 0.0), np.inf)
    low = np.maximum(np.where(clear, searched - slack - HAIR_M, 0.0), crow)
    high = np.where(clear, way + slack, np.inf)
    return Reached(np.where(way <= most_m, way, np.inf), low, high, straight, np.where(best >= 0, best, nearest), most_m)


def way_lengths(ground: Ground, starts: Ways, points: FloatArray, most_m: float) -> tuple[FloatArray, IntArray]:
    """Length of the way (n,) from points (n, 2) [m, enu] to a hydrant, and which; infinite and -1 beyond `most_m`. [m]"""
    return _best(ground, starts, points, most_m)


def _best(ground: Ground, starts: Ways, points: FloatArray, most_m: float) -> tuple[FloatArray, IntArray]:
    """The shortest way of points (n, 2), asking the starts in order of the length they promise."""
    way, best = np.full(len(points), np.inf), np.full(len(points), -1, np.int64)
    if not len(starts.place) or not len(points):
        return way, best
    for tile in _tiles(points):
        low, high = points[tile].min(axis=0), points[tile].max(axis=0)
        away = np.hypot(*np.maximum(np.maximum(low - starts.place, starts.place - high), 0.0).T)
        near = np.flatnonzero(away + starts.length <= most_m)
        size = max(_AT_ONCE // max(len(near), 1), 1)
        for first in range(0, len(tile), size):
            part = tile[first : first + size]
            promise = np.hypot(*(points[part, None] - starts.place[near]).transpose(2, 0, 1)) + starts.length[near]  # (k, p)
            way[part], best[part] = _tried(ground, starts, (points[part], near), promise, most_m)
    return way, best


def _tiles(points: FloatArray) -> list[IntArray]:
    """The points (n, 2) by squares of ground: what is far from a square need not be asked about for any of its points."""
    square = np.floor((points - points.min(axis=0)) / TILE_M).astype(np.int64)
    key = square[:, 0] * (int(square[:, 1].max()) + 1) + square[:, 1]
    order = np.argsort(key, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(key[order])) + 1)


def _tried(
    ground: Ground, starts: Ways, ends: tuple[FloatArray, IntArray], promise: FloatArray, most_m: float
) -> tuple[FloatArray, IntArray]:
    """The same for points (k, 2) by those of the starts (p,), what they promise (k, p) being known."""
    points, near = ends
    way, best = np.full(len(points), np.inf), np.full(len(points), -1, np.int64)
    order = np.argsort(promise, axis=1, kind="stable")
    active = np.arange(len(points))
    for turn in range(promise.shape[1]):
        pick = order[active, turn]
        going = promise[active, pick] <= most_m
        active, pick = active[going], pick[going]
        if not len(active):
            break
        free = _free(ground, points[active], starts.place[near[pick]])
        done = active[free]
        way[done], best[done] = promise[done, pick[free]], starts.hydrant[near[pick[free]]]
        active = active[~free]
    return way, best


def _straight(points: FloatArray, hydrants: FloatArray) -> tuple[FloatArray, IntArray]:
    if not len(hydrants) or not len(points):
        return np.full(len(points), np.inf), np.full(len(points), -1, np.int64)
    where, distance = shapely.STRtree(_points(hydrants)).query_nearest(shapely.points(points), all_matches=False, return_distance=True)
    return np.asarray(distance, np.float64), np.asarray(where[1], np.int64)


def _free(ground: Ground, a: FloatArray, b: FloatArray) -> BoolArray:
    """Whether nothing lies between points (n, 2) in plan."""
    ends = np.zeros((2, len(a), 3))
    ends[0, :, :2], ends[1, :, :2] = a, b
    return ~ground.scene.occluded(ends[0], ends[1])


def _slack(cells: Cells, own: FloatArray) -> FloatArray:
    """How far any place of a cell can be from its point on foot (n,): across the square; along the rim of what is left of it. [m]"""
    slack = cells.half * np.sqrt(2.0) + np.hypot(*(own - cells.centre[:, :2]).T)
    border = np.flatnonzero(cells.outline != np.array(None))
    if len(border):
        outline = cells.outline[border]
        convex = shapely.area(shapely.convex_hull(outline)) - shapely.area(outline) < 1e-9
        whole = shapely.get_num_geometries(outline) == 1
        slack[border] = np.where(convex, slack[border], np.where(whole, slack[border] + shapely.length(outline) / 2, np.inf))
    return slack


def _is_cut(ground: Ground, cells: Cells) -> BoolArray:
    """Whether something blocked lies inside a cell, rather than along the rim of its surface (n,)."""
    out = np.zeros(len(cells), bool)
    if not len(ground.blocked) or not len(cells):
        return out
    x, y, half = cells.centre[:, 0], cells.centre[:, 1], cells.half
    squares = shapely.box(x - half, y - half, x + half, y + half)
    border = cells.outline != np.array(None)
    squares[border] = cells.outline[border]
    rows, _ = shapely.STRtree(ground.blocked).query(shapely.buffer(squares, -1e-3), predicate="intersects")
    out[rows] = True
    return out


def _points(xy: FloatArray) -> NDArray[np.object_]:
    return np.asarray(shapely.points(xy), object)


def _rings(shape: Any) -> list[Any]:
    if shapely.get_dimensions(shape) == 2:
        return list(shapely.get_rings(shape))
    return [shape] if shapely.get_dimensions(shape) == 1 else []


def _corners(parts: NDArray[np.object_]) -> FloatArray:
    """Where ways may turn round blocked areas and ends of lines (c, 2): the corners of a thin rim round them, outside all of them."""
    if not len(parts):
        return np.empty((0, 2))
    rims = shapely.buffer(parts, OFF_M, join_style="mitre", cap_style="square", mitre_limit=2.0)
    corners = np.unique(shapely.get_coordinates(rims), axis=0)
    inside, _ = shapely.STRtree(parts).query(shapely.points(corners), predicate="within")
    keep = np.ones(len(corners), bool)
    keep[inside] = False
    return corners[keep]
