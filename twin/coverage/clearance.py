"""Line of sight from an antenna to whole boxes: clear for certain, hidden for certain, or not known without a closer look.

Within a box that no wall of shadow enters (`twin.coverage.edges`) and that no face cuts, the sight is everywhere the same, however
narrow the obstacles are: one ray decides it. An antenna that may hang up to a slack from where it is said to has the walls of shadow of
all edges, not of its silhouettes alone; seen from there, a wall moves by at most slack times (distance to the box / distance to the
edge), by which boxes are taken larger.

        antenna *---- edge .
          (slack)           .  . wall of shadow
                               .   [ box ]  it does not enter: one answer for all of it
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.edges import GROUP, Edges, edge_walls, enters, sectors
from twin.coverage.look import Sight

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

Memory = dict[tuple[float, ...], tuple[FloatArray, FloatArray]]  # by antenna: the box asked about, and the walls that may enter it

NEAR, WIDE = 64, 4096  # boxes that follow each other are first asked about together
RIM_M = 2e-3  # a face that leaves all of a border cell's surface on one side, but for this much, does not cut it
SLACK_M = 1e-3  # boxes are taken this much larger
ROUND_M = 8.0  # walls of shadow are found for boxes rounded up to this
_TILE_M = (128.0, 16.0)


@dataclass(frozen=True)
class Boxes:
    """n boxes, neighbours together, and the corners of the surface in those that it fills in part."""

    box: FloatArray  # (n, 5) middle x y z, half width, half height [m, enu]
    corners: FloatArray  # (k, 2) x y [m, enu]
    first: NDArray[np.int64]  # (n + 1,) where each box's corners begin

    def __len__(self) -> int:
        return len(self.box)


@dataclass(frozen=True)
class Clear:
    """Whether the sight is clear: to a point of each of n boxes, to all of it for certain, perhaps to some of it."""

    point: BoolArray  # (n,)
    whole: BoolArray  # (n,)
    some: BoolArray  # (n,)


@dataclass(frozen=True)
class Lens:
    """Where an antenna hangs (3,) [m, enu], up to a slack [m]; and what was found for other boxes."""

    position: FloatArray
    slack_m: float = 0.0
    memory: Memory = field(default_factory=dict[tuple[float, ...], tuple[FloatArray, FloatArray]])


def boxes_of(cells: Cells) -> Boxes:
    """The boxes that the targets of cells are in."""
    box = np.column_stack([cells.centre[:, :2], cells.z_range.mean(axis=1), cells.half, np.ptp(cells.z_range, axis=1) / 2])
    border = np.flatnonzero(cells.outline != np.array(None))
    first = np.zeros(len(cells) + 1, np.int64)
    corners = np.empty((0, 2))
    if len(border):
        low_x, low_y, high_x, high_y = shapely.bounds(cells.outline[border]).T
        box[border, 0], box[border, 1] = (low_x + high_x) / 2, (low_y + high_y) / 2
        box[border, 3] = np.maximum(high_x - low_x, high_y - low_y) / 2
        corners, owner = shapely.get_coordinates(cells.outline[border], return_index=True)
        first[1:] = np.cumsum(np.bincount(border[owner], minlength=len(cells)))
    return Boxes(box, corners, first)


def boxes_over(low: FloatArray, high: FloatArray) -> Boxes:
    """The boxes between corners (n, 3) and (n, 3). [m, enu]"""
    half = np.max(high[:, :2] - low[:, :2], axis=1) / 2
    box = np.column_stack([(low + high) / 2, half, (high[:, 2] - low[:, 2]) / 2])
    return Boxes(box, np.empty((0, 2)), np.zeros(len(box) + 1, np.int64))


def near_each_other(cells: Cells) -> NDArray[np.int64]:
    """An order (n,) of cells in which neighbours follow each other."""
    wide, tile = (np.floor(cells.centre[:, :2] / size).astype(np.int64) for size in _TILE_M)
    return np.lexsort((tile[:, 0], tile[:, 1], wide[:, 0], wide[:, 1]))


def cut_by_faces(edges: Edges, boxes: Boxes) -> BoolArray:
    """Boxes (n,) that a face of an obstacle may cut; False is certain."""
    out = np.zeros(len(boxes), np.bool_)
    if not len(boxes) or not len(edges.triangles):
        return out
    size = max(2.0 * float(boxes.box[:, 3].max()), 0.25)
    tile = np.floor(boxes.box[:, :2] / size).astype(np.int64)
    low = tile.min(axis=0) - 1
    tile -= low
    columns, rows = (tile.max(axis=0) + 2).tolist()
    key = tile[:, 1] * columns + tile[:, 0]
    order = np.argsort(key, kind="stable")
    found, first = np.unique(key[order], return_index=True)
    index = (found, np.append(first, len(order)).astype(np.int64), order.astype(np.int64))
    lattice = (size, float(low[0]), float(low[1]), columns, rows)
    _mark_cut(edges.triangles, edges.triangle_box, lattice, index, (boxes.box, boxes.corners, boxes.first), out)
    return out


def clear_sight(among: Sight, lens: Lens, boxes: Boxes, points: FloatArray, cut: BoolArray) -> Clear:
    """The sight from an antenna to boxes.

    Parameters
    ----------
    among
        What is in the way.
    lens
        Where the antenna hangs.
    boxes
        n boxes.
    points
        A target in each (n, 3). [m, enu]
    cut
        Boxes (n,) that faces cut.
    """
    free = ~among.scene.occluded(np.broadcast_to(lens.position, points.shape), points)
    unsure = cut | _reached(among, lens, boxes)
    return Clear(free, free & ~unsure, free | unsure)


def foresee(among: Sight, lens: Lens, boxes: Sequence[Boxes]) -> None:
    """Find the walls of shadow for several sets of boxes at once, which will then be asked about one by one."""
    some = [hull_of(each) for each in boxes if len(each)]
    if some and len(among.edges.triangles):
        _walls(among, lens, np.concatenate([np.min(some, axis=0)[:3], np.max(some, axis=0)[3:]]))


def hull_of(boxes: Boxes) -> FloatArray:
    """The box (6,) over some boxes: low and high corner. [m, enu]"""
    half = boxes.box[:, [3, 3, 4]]
    return np.concatenate([(boxes.box[:, :3] - half).min(axis=0), (boxes.box[:, :3] + half).max(axis=0)])


def _reached(among: Sight, lens: Lens, boxes: Boxes) -> BoolArray:
    """Boxes (n,) that a wall of shadow may enter."""
    if not len(boxes) or not len(among.edges.triangles):
        return np.zeros(len(boxes), np.bool_)
    if lens.slack_m > 0 and _has_face_near(among.edges, lens.position, lens.slack_m):
        return np.ones(len(boxes), np.bool_)
    out = np.zeros(len(boxes), np.bool_)
    _mark_entered(_walls(among, lens, hull_of(boxes)), np.ascontiguousarray(lens.position, np.float64), boxes.box, lens.slack_m, out)
    return out


def _walls(among: Sight, lens: Lens, hull: FloatArray) -> FloatArray:
    """The walls of shadow (s, 14) that may enter a box (6,), from memory where they were asked for a larger one."""
    key = (id(among.edges), *lens.position.tolist(), lens.slack_m)
    known = lens.memory.get(key)
    hull = np.concatenate([np.floor(hull[:3] / ROUND_M), np.ceil(hull[3:] / ROUND_M)]) * ROUND_M  # cells cut later hardly reach beyond
    if known is None or (known[0][:3] > hull[:3]).any() or (known[0][3:] < hull[3:]).any():
        if known is not None:  # walls for a box over both serve both
            hull = np.concatenate([np.minimum(known[0][:3], hull[:3]), np.maximum(known[0][3:], hull[3:])])
        loose = lens.slack_m > 0
        found = (
            edge_walls(among.edges, lens.position, hull, lens.slack_m) if loose else sectors(among.edges, among.scene, lens.position, hull)
        )
        known = lens.memory[key] = hull, found
    return known[1]


def _has_face_near(edges: Edges, antenna: FloatArray, slack_m: float) -> bool:
    """Whether a face may be within `slack_m` of the antenna, which then may hang on either side of it."""
    low, high = edges.triangles.min(axis=1) - slack_m, edges.triangles.max(axis=1) + slack_m
    near = edges.triangles[((antenna >= low) & (antenna <= high)).all(axis=1)]
    normal = np.cross(near[:, 1] - near[:, 0], near[:, 2] - near[:, 0])
    height = np.abs(((antenna - near[:, 0]) * normal).sum(axis=1))
    return bool((height <= slack_m * np.linalg.norm(normal, axis=1)).any())


@njit(cache=True, nogil=True)
def _seen_from(lens: Any, box: Any) -> Any:
    x, y, z = box[0] - lens[0], box[1] - lens[1], box[2] - lens[2]
    return x, y, z, box[3] + SLACK_M, box[4] + SLACK_M, math.sqrt(x * x + y * y + z * z)


@njit(cache=True, nogil=True)
def _hull_of(boxes: Any, first: Any, end: Any) -> Any:
    """The box (5,) over some boxes."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(first, end):
        for k in range(3):
            half = boxes[i, 3] if k < 2 else boxes[i, 4]
            low[k], high[k] = min(low[k], boxes[i, k] - half), max(high[k], boxes[i, k] + half)
    out = np.empty(5)
    out[:3] = (low + high) / 2
    out[3], out[4] = max(high[0] - low[0], high[1] - low[1]) / 2, (high[2] - low[2]) / 2
    return out


@njit(cache=True, nogil=True)
def _may_enter(wall: Any, box: Any, slack: Any) -> Any:
    if slack <= 0.0:
        return enters(wall, box)
    x, y, z, half, half_z, distance = box
    reach = distance + math.sqrt(2.0 * half * half + half_z * half_z)
    near = wall[13]  # distance from the antenna to the edge
    if near <= 2.0 * slack:
        return True
    more = slack * (reach + slack) / (near - slack)
    plain = wall.copy()
    plain[13] = 0.0
    return enters(plain, (x, y, z, half + more, half_z + more, distance))


@njit(cache=True, nogil=True)
def _mark_entered(walls: Any, lens: Any, boxes: Any, slack: Any, out: Any) -> None:
    wide, near = np.empty(len(walls), np.int64), np.empty(len(walls), np.int64)
    for first in range(0, len(boxes), WIDE):
        last = min(first + WIDE, len(boxes))
        box = _seen_from(lens, _hull_of(boxes, first, last))
        many = 0
        for w in range(len(walls)):
            if _may_enter(walls[w], box, slack):
                wide[many] = w
                many += 1
        for start in range(first, last, NEAR):
            end = min(start + NEAR, last)
            box = _seen_from(lens, _hull_of(boxes, start, end))
            few = 0
            for k in range(many):
                if _may_enter(walls[wide[k]], box, slack):
                    near[few] = wide[k]
                    few += 1
            for i in range(start, end):
                box = _seen_from(lens, boxes[i])
                for k in range(few):
                    if _may_enter(walls[near[k]], box, slack):
                        out[i] = True
                        break


@njit(cache=True, nogil=True)
def _near_boxes(groups: Any, lattice: Any, keys: Any, count: Any) -> Any:
    """Numbers of the triangles whose group may reach a tile with a box in it."""
    size, x0, y0, columns, rows = lattice
    found = [0 for _ in range(0)]
    for g in range(len(groups)):
        i0, i1 = max(math.floor(groups[g, 0] / size - 0.5 - x0), 0), min(math.floor(groups[g, 3] / size + 0.5 - x0), columns - 1)
        j0, j1 = max(math.floor(groups[g, 1] / size - 0.5 - y0), 0), min(math.floor(groups[g, 4] / size + 0.5 - y0), rows - 1)
        hit = False
        for j in range(j0, j1 + 1):
            at = np.searchsorted(keys, j * columns + i0)
            if i0 <= i1 and at < len(keys) and keys[at] <= j * columns + i1:
                hit = True
                break
        if hit:
            for t in range(g * GROUP, min((g + 1) * GROUP, count)):
                found.append(t)  # noqa: PERF402  numba knows no such extend
    return found


@njit(cache=True, nogil=True)
def _mark_cut(triangles: Any, groups: Any, lattice: Any, index: Any, boxes: Any, out: Any) -> None:
    """Mark boxes by the tile their middle is in; a box reaches half a tile beyond it."""
    size, x0, y0, columns, rows = lattice
    keys, first, number = index
    box, corners, corner = boxes
    span = np.empty(6)
    for t in _near_boxes(groups, lattice, keys, len(triangles)):
        for k in range(3):
            span[k] = min(triangles[t, 0, k], triangles[t, 1, k], triangles[t, 2, k])
            span[3 + k] = max(triangles[t, 0, k], triangles[t, 1, k], triangles[t, 2, k])
        i0, i1 = max(math.floor(span[0] / size - 0.5 - x0), 0), min(math.floor(span[3] / size + 0.5 - x0), columns - 1)
        j0, j1 = max(math.floor(span[1] / size - 0.5 - y0), 0), min(math.floor(span[4] / size + 0.5 - y0), rows - 1)
        if i0 > i1:
            continue
        for j in range(j0, j1 + 1):
            at = np.searchsorted(keys, j * columns + i0)
            while at < len(keys) and keys[at] <= j * columns + i1:
                for place in range(first[at], first[at + 1]):
                    i = number[place]
                    if not out[i] and _cuts(triangles[t], span, box[i]):
                        out[i] = not _beside(triangles[t], box[i], corners[corner[i] : corner[i + 1]])
                at += 1


@njit(cache=True, nogil=True)
def _cuts(t: Any, span: Any, box: Any) -> Any:
    """Whether a triangle of some extent (6,) may cut a box; False is certain (axes of the box, the triangle's plane)."""
    if span[2] > box[2] + box[4] or span[5] < box[2] - box[4]:
        return False
    for k in range(2):
        if span[k] > box[k] + box[3] or span[3 + k] < box[k] - box[3]:
            return False
    n = _normal(t)
    side = n[0] * (box[0] - t[0, 0]) + n[1] * (box[1] - t[0, 1]) + n[2] * (box[2] - t[0, 2])
    return abs(side) <= (abs(n[0]) + abs(n[1])) * box[3] + abs(n[2]) * box[4]


@njit(cache=True, nogil=True)
def _beside(t: Any, box: Any, corners: Any) -> Any:
    """Whether the surface in a border cell lies on one side of the triangle's plane, as the ground lies beside a wall."""
    if len(corners) == 0:
        return False
    n = _normal(t)
    before, behind = False, False
    spread = abs(n[2]) * box[4]
    for k in range(len(corners)):
        side = n[0] * (corners[k, 0] - t[0, 0]) + n[1] * (corners[k, 1] - t[0, 1]) + n[2] * (box[2] - t[0, 2])
        before, behind = before or side + spread > RIM_M, behind or side - spread < -RIM_M
    return not (before and behind)


@njit(cache=True, nogil=True)
def _normal(t: Any) -> Any:
    u, v = t[1] - t[0], t[2] - t[0]
    n = np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
    size = math.sqrt((n * n).sum())
    return n / size if size > 0 else n
