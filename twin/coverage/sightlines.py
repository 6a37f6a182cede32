"""From which of m points the parts of a field of cells are in sight: what light, sound and pictures share.

Each point is looked out of all round (`twin.coverage.look`), so that a part is in sight for certain, out of sight for certain, or
undecided; two scenes may be looked at, one with most in the way and, behind what may leave, one with least. What is found for the parts
of a cell (8 by 8) holds for every cell that is cut from it:

        +-------+---+---+
        |       | o |   |      a cell, its parts as bits of a mask per point; a smaller cell asks for the bits of its block
        |       +---+---+
        |       |   |   |
        +-------+---+---+
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import FISHEYE, Criteria, View
from twin.coverage.cells import Cells
from twin.coverage.field import PAGE, PARTS, Field, Pages
from twin.coverage.look import LASTING_YES, SEEN, Look, Sight, look, with_best
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Masks = NDArray[np.uint64]
Parts = tuple[IntArray, Masks]  # cells (k,), and masks of their parts (4, k): as the columns of `Lines`
Remember = Callable[[View, Callable[[], Parts]], Parts]

ALL_ROUND = Criteria(density_px_per_m=0.0)
_ROOM_M = 0.01  # what may leave is taken this much larger: so near, edges are one and sight is not sharp


@dataclass(frozen=True)
class Lines:
    """Which of m points are in sight of the parts of n cells: k records by cell, each with its point in ascending order."""

    field: Field
    first: IntArray  # (n + 1,) where the records of a cell begin
    point: NDArray[np.int32]  # (k,)
    seen: Masks  # (k,) parts in sight for certain
    likely: Masks  # (k,) parts in sight by best knowledge
    perhaps: Masks  # (k,) parts that may be in sight
    worst: Masks | None = None  # (k,) parts that may be in sight with most in the way; None: as `perhaps`


@dataclass(frozen=True)
class Blocks:
    """Where c cells lie in a field: the cell each is cut from, its parts that have surface, and the part of its own point."""

    root: IntArray  # (c,)
    live: Masks  # (c,)
    own: Masks  # (c,) one bit each


def sight_lines(
    field: Field, scenes: tuple[Sight, Sight], points: FloatArray, reach_m: FloatArray, remember: Remember | None = None
) -> Lines:
    """Which points (m, 3) [m, enu] are in sight of which parts of a field, up to reach_m (m,) [m] from each.

    Parameters
    ----------
    field
        The cells, arranged among the obstacles of the first scene.
    scenes
        The scene with most in the way, which the best knowledge is of, and the one with least; may be the same.
    points, reach_m
        Where from, and how far. Points that are not finite are in sight of nothing.
    remember
        Called for each point with what looks out of it; it may answer from memory.
    """
    worst, best = scenes if scenes[0] is scenes[1] else (with_best(*scenes), scenes[1])
    views = [_view(position, reach) for position, reach in zip(points.tolist(), reach_m.tolist(), strict=True)]
    finite = np.isfinite(points).all(axis=1) & (reach_m > 0)

    def one(k: int) -> Parts:
        def compute() -> Parts:
            first, behind = (
                look(field, worst, views[k], ALL_ROUND),
                _pages_behind(field.pages, field.step, worst.leaving, points[k], reach_m[k]),
            )
            return _merged(first, look(_some_pages(field, behind), best, views[k], ALL_ROUND) if behind.any() else first)

        return compute() if remember is None else remember(views[k], compute)

    numbers = np.flatnonzero(finite).tolist()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = list(pool.map(one, numbers))
    cell = np.concatenate([np.empty(0, np.int64), *(cells for cells, _ in found)])
    point = np.repeat(np.array(numbers, np.int32), [len(cells) for cells, _ in found])
    masks = np.concatenate([np.empty((4, 0), np.uint64), *(masks for _, masks in found)], axis=1)
    order = np.lexsort((point, cell))
    first = np.searchsorted(cell[order], np.arange(len(field.cells) + 1))
    return Lines(field, first.astype(np.int64), point[order], *(np.ascontiguousarray(row[order]) for row in masks))


def blocks(field: Field, cells: Cells) -> Blocks:
    """Where cells that are those of a field, or cut from them, lie in it."""
    part = field.step / PARTS
    corner = np.floor(cells.centre[:, :2] / field.step)
    root = _roots(field, corner.astype(np.int64), cells.piece)
    low = (cells.centre[:, :2] - cells.half[:, None] - corner * field.step) / part
    size = np.maximum(np.round(2 * cells.half / part).astype(np.int64), 1)
    start = np.clip(np.floor(low + 1e-6).astype(np.int64), 0, PARTS - 1)
    own = np.clip(np.floor((cells.representative[:, :2] - corner * field.step) / part).astype(np.int64), 0, PARTS - 1)
    live = _masks(start, size) & ~field.pages.dead[root] if len(cells) else np.empty(0, np.uint64)
    bit = np.uint64(1) << (own[:, 1] * PARTS + own[:, 0]).astype(np.uint64)
    return Blocks(root, live, bit)


def settled(lines: Lines) -> Lines:
    """The same lines as if the best knowledge of them were certain."""
    return replace(lines, seen=lines.likely, perhaps=lines.likely)


def with_most_in_the_way(lines: Lines) -> Lines:
    """The same lines as if least in the way were not possible."""
    return lines if lines.worst is None else replace(lines, perhaps=lines.worst)


def freed(lines: Lines, scene: Scene, points: FloatArray) -> Lines:
    """The same lines with what a scene between the two leaves in sight of the cells' own points from points (m, 3) [m, enu]."""
    cell, own = _own_parts(lines)
    open_ = np.flatnonzero(((lines.likely & own) == 0) & ((lines.perhaps & own) != 0))
    free = open_[~scene.occluded(points[lines.point[open_]], lines.field.cells.representative[cell[open_]])]
    likely = lines.likely.copy()
    likely[free] |= own[free]
    return replace(lines, likely=likely)


def these(lines: Lines, points: IntArray) -> Lines:
    """The lines of some of the points (k,), ascending, which are numbered anew from 0."""
    new = np.full(int(max(lines.point.max(initial=-1), points.max(initial=-1))) + 1, -1, np.int32)
    new[points] = np.arange(len(points), dtype=np.int32)
    number = new[lines.point]
    keep = number >= 0
    first = np.concatenate([[0], np.cumsum(keep)])[lines.first].astype(np.int64)
    masks = (row[keep] for row in (lines.seen, lines.likely, lines.perhaps))
    return Lines(lines.field, first, number[keep], *masks, worst=None if lines.worst is None else lines.worst[keep])


def as_points(cells: Cells) -> Cells:
    """The points of cells, as cells without extent."""
    own = cells.representative
    n = len(cells)
    return Cells(own, np.full(n, 1e-9), np.column_stack([own[:, 2], own[:, 2]]), cells.area, cells.piece, np.full(n, None, object))


def pairs(lines: Lines) -> tuple[IntArray, IntArray]:
    """Cell and point (k,), (k,) of all pairs that are in sight of each other, by best knowledge and at the cell's own point."""
    cell, own = _own_parts(lines)
    free = (lines.likely & own) != 0
    return cell[free], lines.point[free].astype(np.int64)


def is_lasting(asked: FloatArray | float, likely: tuple[FloatArray, FloatArray], spot: tuple[FloatArray, FloatArray]) -> NDArray[np.bool_]:
    """Where cutting a cell would decide nothing: its point alone is undecided, and the best knowledge is the same all over the cell.

    Parameters
    ----------
    asked
        What must be reached (n,), or by all.
    likely
        Least and most that n cells get anywhere by best knowledge (n,), (n,).
    spot
        Least and most at the point alone (n,), (n,).
    """
    alike = (likely[0] >= asked) | (likely[1] < asked)
    return np.asarray((spot[0] < asked) & (spot[1] >= asked) & alike, bool)


def _own_parts(lines: Lines) -> tuple[IntArray, Masks]:
    """The cell of each record (k,), and the part of its own point."""
    at = blocks(lines.field, lines.field.cells)
    cell = np.repeat(np.arange(len(at.root)), np.diff(lines.first))
    return cell, np.where(at.own & at.live, at.own, at.live)[cell]


def _view(position: list[float], reach: float) -> View:
    x, y, z = position
    return View("", (x, y, z), FISHEYE, 0.0, math.pi / 2, 2 * math.pi, 2 * math.pi, 1.0, reach)


def _some_pages(field: Field, keep: NDArray[np.bool_]) -> Field:
    """The field where only the pages that are kept (p,) are asked about."""
    pages = field.pages
    rows = {name: getattr(pages, name)[keep] for name in ("corner", "slot", "low", "high", "cut", "pick")}
    return replace(field, pages=pages._replace(**rows))


@njit(cache=True, nogil=True)
def _pages_behind(pages: Pages, step: float, boxes: FloatArray, lens: FloatArray, reach: float) -> Any:  # pragma: no cover - compiled
    """Pages (p,) that one of the boxes (b, 6) [m, enu] may stand before, seen from a lens, and that are not beyond its reach. [m]"""
    out = np.zeros(len(pages.corner), np.bool_)
    wide = PAGE * step
    for p in range(len(out)):
        x, y = pages.corner[p, 0] - lens[0], pages.corner[p, 1] - lens[1]
        if max(x, -x - wide, 0.0) ** 2 + max(y, -y - wide, 0.0) ** 2 > reach * reach:
            continue
        low, high = min(pages.low[p, 0] - lens[2], 0.0), max(pages.high[p, 0] - lens[2], 0.0)
        for b in range(len(boxes)):
            is_level = boxes[b, 2] - lens[2] <= high + _ROOM_M and boxes[b, 5] - lens[2] >= low - _ROOM_M
            if is_level and _is_before(boxes[b], lens, x, y, wide):
                out[p] = True
                break
    return out


@njit(cache=True, nogil=True)
def _is_before(box: FloatArray, lens: FloatArray, x: float, y: float, wide: float) -> bool:  # pragma: no cover - compiled
    """Whether a box may meet, in plan, the way from a lens to a square whose south-west corner is (x, y) from it.

    The way is the hull of lens and square; where it does not meet the box, an axis, or a line from the lens to a corner, parts them.
    """
    half_x, half_y = (box[3] - box[0]) / 2 + _ROOM_M, (box[4] - box[1]) / 2 + _ROOM_M
    u, v = (box[0] + box[3]) / 2 - lens[0], (box[1] + box[4]) / 2 - lens[1]
    if u - half_x > max(x + wide, 0.0) or u + half_x < min(x, 0.0) or v - half_y > max(y + wide, 0.0) or v + half_y < min(y, 0.0):
        return False
    for corner in range(4):
        a, b = x + wide * (corner % 2), y + wide * (corner // 2)  # n = (-b, a) is square to it
        spread, middle = abs(b) * half_x + abs(a) * half_y, a * v - b * u
        least = min(0.0, a * y - b * x, a * (y + wide) - b * x, a * y - b * (x + wide), a * (y + wide) - b * (x + wide))
        most = max(0.0, a * y - b * x, a * (y + wide) - b * x, a * y - b * (x + wide), a * (y + wide) - b * (x + wide))
        if middle - spread > most or middle + spread < least:
            return False
    return True


def _merged(worst: Look, best: Look) -> Parts:
    """The cells (k,) of two looks, and masks (4, k): in sight for certain, by best knowledge, perhaps, and perhaps in the worst."""
    cell = np.unique(np.concatenate([worst.cell, best.cell])).astype(np.int64)
    masks = np.zeros((4, len(cell)), np.uint64)
    any_, least = worst.state >= SEEN, best.state >= SEEN
    chosen = ((worst, worst.state == SEEN), (worst, worst.state <= LASTING_YES), (worst, any_), (best, least), (worst, any_))
    for row, (found, which) in zip((0, 1, 2, 2, 3), chosen, strict=True):
        np.bitwise_or.at(masks[row], np.searchsorted(cell, found.cell[which]), found.mask[which])
    return cell, masks


def _roots(field: Field, ij: IntArray, piece: NDArray[np.int32]) -> IntArray:
    """The cell (c,) of a field at each lattice place ij (c, 2) of a piece."""
    own = np.floor(field.cells.centre[:, :2] / field.step).astype(np.int64)
    low = np.minimum(own.min(axis=0, initial=0), ij.min(axis=0, initial=0)) if len(ij) else np.zeros(2, np.int64)
    wide = np.maximum(own.max(axis=0, initial=0), ij.max(axis=0, initial=0)) - low + 1

    def key(at: IntArray, pieces: NDArray[np.int32]) -> IntArray:
        return (pieces.astype(np.int64) * wide[1] + at[:, 1] - low[1]) * wide[0] + at[:, 0] - low[0]

    keys = key(own, field.cells.piece)
    order = np.argsort(keys)
    return order[np.minimum(np.searchsorted(keys[order], key(ij, piece)), max(len(order) - 1, 0))]


def _masks(start: IntArray, size: IntArray) -> Masks:
    """The bits (c,) of blocks of `size` (c,) parts at column and row (c, 2)."""
    out = np.zeros(len(size), np.uint64)
    for each in np.unique(size).tolist():
        same = size == each
        span = min(each, PARTS)
        row = np.uint64((1 << span) - 1)
        block = np.uint64(0)
        for k in range(span):
            block |= row << np.uint64(PARTS * k)
        out[same] = block << (start[same, 1] * PARTS + start[same, 0]).astype(np.uint64)
    return out
