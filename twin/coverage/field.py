"""Cells arranged so that whole regions can be asked about at once.

Cells lie in pages of 32 by 32, pages are halved down to cells, and every cell holds 8 by 8 parts: one bit each in a 64-bit mask, bit
8·row + column, row 0 in the south. Whether a face of an obstacle cuts a part does not depend on any camera and is found here once.

        page 32 x 32 cells  ->  16  ->  8  ->  4  ->  2  ->  cell  ->  8 x 8 parts
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import Any, NamedTuple

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.edges import GROUP, Edges

FloatArray = NDArray[np.float64]
_Line = tuple[FloatArray, FloatArray]  # the coordinates of corners along two axes
_Square = tuple[float, float, float, float, float]  # middle of a box, half its width and height [m]

SIDE_BY_SIDE = cpu_count() or 1  # stretches of border cells that threads cut at once
PAGE = 32  # cells along a page
PARTS = 8  # parts along a cell
LEVELS = (85, 21, 5, 1, 0)  # where the blocks of 2, 4, 8, 16, 32 cells begin among a page's 341
BLOCKS = 341
RIM_M = 1e-3  # a face that cuts less than this off the rim of a part does not cut it
EVERY = np.uint64(0xFFFFFFFFFFFFFFFF)


class Pages(NamedTuple):
    """The arrangement of cells, for the compiled loops."""

    corner: FloatArray  # (p, 2) south-west corner [m, enu]
    slot: NDArray[np.int32]  # (p, 1024) cell of each square, row by row; -1: none
    low: FloatArray  # (p, 341) lowest and highest target of each block [m, enu]
    high: FloatArray
    cut: NDArray[np.bool_]  # (p, 341) whether a face cuts the block, be it between its cells
    pick: NDArray[np.int32]  # (p, 341) a cell of the block
    cell_low: FloatArray  # (n,) lowest and highest target of each cell [m, enu]
    cell_high: FloatArray
    point: FloatArray  # (n, 3) a target inside each cell [m, enu]
    cell_cut: NDArray[np.uint64]  # (n,) parts that faces cut
    part_cut: NDArray[np.uint64]  # (n,) of these, parts whose surface lies on both sides of a face
    dead: NDArray[np.uint64]  # (n,) parts without surface
    border: NDArray[np.int32]  # (n,) row of a border cell in `inside`; -1: a whole square
    inside: FloatArray  # (b, 64, 2) a point in each part, on the surface unless a face cuts the part [m, enu]


class Squares(NamedTuple):
    """Where cells are, for finding the faces that cut them."""

    corner: FloatArray  # (p, 2)
    slot: NDArray[np.int32]  # (p, 1024)
    order: NDArray[np.int64]  # (p,) pages by column of pages
    columns: NDArray[np.int64]  # (c, 2) each column, and where it begins in `order`
    step: float
    middle: FloatArray  # (n, 2)
    low: FloatArray  # (n,)
    high: FloatArray
    block_low: FloatArray  # (p, 341)
    block_high: FloatArray
    border: NDArray[np.int32]  # (n,)


class Rings(NamedTuple):
    """The outlines of border cells."""

    corners: FloatArray  # (c, 2) of all rings, each closed [m, enu]
    start: NDArray[np.int64]  # (r + 1,) where each ring begins
    sign: FloatArray  # (r,) +1 outer, -1 hole
    first: NDArray[np.int64]  # (b + 1,) where the rings of each border cell begin


class Cuts(NamedTuple):
    """What faces cut: blocks, parts of cells, and parts whose surface lies on both sides."""

    block: NDArray[np.bool_]  # (p, 341)
    cell: NDArray[np.uint64]  # (n,)
    part: NDArray[np.uint64]  # (n,)


@dataclass(frozen=True)
class Field:
    """Cells, how they are arranged, and the area of their parts."""

    cells: Cells
    pages: Pages
    step: float  # edge of a cell [m]
    part_area: FloatArray  # (b, 64) area of the parts of border cells [m2]
    rings: Rings

    def amounts(self, masks: NDArray[np.uint64]) -> FloatArray:
        """The area (n,) of the parts that masks (n,) name. [m2]"""
        return _amounts(masks, self.cells.area, self.pages.border, self.part_area)


def arrange(cells: Cells, edges: Edges) -> Field:
    """Cells of one size, as `twin.coverage.cells.grid` makes them, arranged among obstacles."""
    step = 2 * float(cells.half[0]) if len(cells) else 1.0
    border = np.flatnonzero(cells.outline != np.array(None))
    row = np.full(len(cells), -1, np.int32)
    row[border] = np.arange(len(border))
    rings = _rings(cells.outline[border])
    area, inside, sound, dead_border = _all_parts(cells.centre[border, :2], step, rings)
    area *= (cells.area[border] / np.maximum(area.sum(axis=1), 1e-300))[:, None]
    dead = np.zeros(len(cells), np.uint64)
    dead[border] = dead_border
    corner, slot = _paged(cells, step)
    low, high = np.ascontiguousarray(cells.z_range[:, 0]), np.ascontiguousarray(cells.z_range[:, 1])
    block_low, block_high, pick = _blocks(slot, low, high)
    cuts = Cuts(np.zeros((len(slot), BLOCKS), np.bool_), np.zeros(len(cells), np.uint64), np.zeros(len(cells), np.uint64))
    squares = Squares(corner, slot, *_columns(corner, step), step, cells.centre[:, :2].copy(), low, high, block_low, block_high, row)
    _mark_cuts(edges.triangles, edges.triangle_box, _extent(cells), squares, (*rings, sound), cuts)
    pages = Pages(
        corner, slot, block_low, block_high, cuts.block, pick, low, high, cells.representative, cuts.cell, cuts.part, dead, row, inside
    )
    return Field(cells, pages, step, area, rings)


def _all_parts(centre: FloatArray, step: float, rings: Rings) -> Sequence[Any]:
    """What `_parts` finds, stretches of cells side by side."""
    ends = [len(centre) * k // SIDE_BY_SIDE for k in range(SIDE_BY_SIDE + 1)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        found = pool.map(
            lambda low, high: _parts(centre[low:high], step, rings.corners, rings.start, rings.sign, rings.first[low : high + 1]),
            ends[:-1], ends[1:],
        )  # fmt: skip
        return [np.concatenate(each) for each in zip(*found, strict=True)]


def _paged(cells: Cells, step: float) -> tuple[FloatArray, NDArray[np.int32]]:
    """South-west corners (p, 2) of the pages and the cell at each of their squares (p, 1024)."""
    ij = np.floor(cells.centre[:, :2] / step).astype(np.int64)
    page = ij // PAGE
    low = page.min(axis=0) if len(cells) else np.zeros(2, np.int64)
    wide, high = (np.ptp(page, axis=0) + 1).tolist() if len(cells) else (1, 1)
    key = (cells.piece.astype(np.int64) * wide + page[:, 0] - low[0]) * high + page[:, 1] - low[1]  # by piece, column and row of pages
    distinct, number = np.unique(key, return_inverse=True)
    slot = np.full((len(distinct), PAGE * PAGE), -1, np.int32)
    within = ij - page * PAGE
    slot[number, within[:, 1] * PAGE + within[:, 0]] = np.arange(len(cells))
    return np.column_stack([distinct // high % wide + low[0], distinct % high + low[1]]) * float(PAGE * step), slot


def _columns(corner: FloatArray, step: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pages ordered by column of pages, and where each column begins: (p,) order, (c, 2) column and first."""
    column = np.round(corner[:, 0] / (PAGE * step)).astype(np.int64)
    order = np.argsort(column, kind="stable")
    values, first = np.unique(column[order], return_index=True) if len(column) else (column, column)
    return order, np.column_stack([values, first]).astype(np.int64)


def _extent(cells: Cells) -> FloatArray:
    """The box (6,) of all targets. [m, enu]"""
    if not len(cells):
        return np.zeros(6)
    h = float(cells.half.max())
    low = [*(cells.centre[:, :2].min(axis=0) - h), cells.z_range[:, 0].min()]
    high = [*(cells.centre[:, :2].max(axis=0) + h), cells.z_range[:, 1].max()]
    return np.array([*low, *high])


def _rings(outlines: NDArray[np.object_]) -> Rings:
    """The rings of outlines (b,)."""
    parts, owner = shapely.get_parts(outlines, return_index=True)
    areal = shapely.get_type_id(parts) == 3
    parts, owner = parts[areal], owner[areal]
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = owner[part]
    outer = np.concatenate([[True], np.diff(part) != 0]) if len(part) else np.empty(0, np.bool_)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.searchsorted(ring, np.arange(len(rings) + 1))
    first = np.searchsorted(owner, np.arange(len(outlines) + 1))
    return Rings(corners, start.astype(np.int64), np.where(outer, 1.0, -1.0), first.astype(np.int64))


@njit(cache=True, nogil=True)
def distinct_cells(cell: NDArray[np.int32]) -> Any:
    """The distinct cells among some (m,), ascending, and where each one is among these (m,): `np.unique` without sorting."""
    row = np.empty(len(cell), np.int64)
    if not len(cell):
        return cell.copy(), row
    low = cell.min()
    place = np.zeros(cell.max() - low + 1, np.int32)
    for m in range(len(cell)):
        place[cell[m] - low] = 1
    distinct = np.empty(place.sum(), np.int32)
    n = 0
    for k in range(len(place)):
        if place[k]:
            distinct[n], place[k] = low + k, n
            n += 1
    for m in range(len(cell)):
        row[m] = place[cell[m] - low]
    return distinct, row


@njit(cache=True, nogil=True)
def _clip(corners: _Line, n: int, at: float, sign: float, out: _Line) -> int:
    """Clip a closed polygon of n corners to sign·x <= sign·at (Sutherland-Hodgman); the number of corners left."""
    (x, y), (out_x, out_y) = corners, out
    m = 0
    for i in range(n):
        j = i - 1 if i > 0 else n - 1
        here, there = sign * (at - x[i]), sign * (at - x[j])
        if (here >= 0) != (there >= 0):
            t = there / (there - here)
            out_x[m], out_y[m] = at, y[j] + t * (y[i] - y[j])
            m += 1
        if here >= 0:
            out_x[m], out_y[m] = x[i], y[i]
            m += 1
    return m


@njit(cache=True, nogil=True)
def _strip(corners: FloatArray, low: float, high: float, axis: int, room: FloatArray) -> int:
    """Clip corners (n, 2) to low <= axis <= high; the result is in room[0:2], its number of corners is returned."""
    n = len(corners)
    m = _clip((corners[:, axis], corners[:, 1 - axis]), n, low, -1.0, (room[2], room[3]))
    return _clip((room[2], room[3]), m, high, 1.0, (room[0], room[1]))


@njit(cache=True, nogil=True)
def clipped(ring: FloatArray, x: float, y: float, size: float, room: FloatArray) -> int:
    """Clip a ring (n, 2) to the square at south-west (x, y); corners are in room[4] (x) and room[5] (y)."""
    n = _strip(ring, x, x + size, 0, room)
    m = _clip((room[1], room[0]), n, y, -1.0, (room[2], room[3]))
    m = _clip((room[2], room[3]), m, y + size, 1.0, (room[0], room[1]))
    room[4, :m], room[5, :m] = room[1, :m], room[0, :m]
    return m


@njit(cache=True, nogil=True)
def piece_areas(rings: Rings, row: int, x: float, y: float, size: float, out: FloatArray) -> None:
    """Put the area of the surface into `out` (64,), in each of the 8 by 8 squares of a square of border cell `row`. [m2]"""
    longest = 0
    for ring in range(rings.first[row], rings.first[row + 1]):
        longest = max(longest, rings.start[ring + 1] - rings.start[ring])
    room = np.empty((6, 4 * longest + 64))
    near = np.empty((2 * longest + 32, 2))
    out[:] = 0.0
    for ring in range(rings.first[row], rings.first[row + 1]):
        m = clipped(rings.corners[rings.start[ring] : rings.start[ring + 1] - 1], x, y, 8 * size, room)
        if m < 3:
            continue
        near[:m, 0], near[:m, 1] = room[4, :m], room[5, :m]
        for piece in range(64):
            n = clipped(near[:m], x + piece % 8 * size, y + piece // 8 * size, size, room)
            out[piece] += rings.sign[ring] * _measure(room[4], room[5], n)[0]
    for piece in range(64):
        out[piece] = max(out[piece], 0.0)


@njit(cache=True, nogil=True)
def _measure(x: FloatArray, y: FloatArray, n: int) -> tuple[float, float, float, bool]:
    """Area, centroid and whether it is convex, of a polygon of n corners."""
    twice, cx, cy = 0.0, 0.0, 0.0
    left, right = False, False
    for i in range(n):
        j = i + 1 if i + 1 < n else 0
        k = j + 1 if j + 1 < n else 0
        cross = (x[i] - x[0]) * (y[j] - y[0]) - (x[j] - x[0]) * (y[i] - y[0])
        twice += cross
        cx += (x[i] + x[j] - 2 * x[0]) * cross
        cy += (y[i] + y[j] - 2 * y[0]) * cross
        turn = (x[j] - x[i]) * (y[k] - y[j]) - (x[k] - x[j]) * (y[j] - y[i])
        left, right = left or turn > 1e-12, right or turn < -1e-12
    if n < 3 or twice == 0:
        return 0.0, 0.0, 0.0, False
    # the origin is the first corner: the part of the centroid formula that would lose figures far from zero is small
    return abs(twice) / 2, x[0] + cx / (3 * twice), y[0] + cy / (3 * twice), not (left and right)


@njit(cache=True, nogil=True)
def _parts(
    centre: FloatArray, step: float, corners: FloatArray, start: NDArray[np.int64], sign: FloatArray, first: NDArray[np.int64]
) -> Any:
    """Areas (b, 64), inner points (b, 64, 2), whether these are sure to be on the surface (b, 64), and dead parts (b,)."""
    n, size = len(centre), step / PARTS
    area, inside = np.zeros((n, 64)), np.zeros((n, 64, 2))
    sound, dead = np.ones((n, 64), np.bool_), np.zeros(n, np.uint64)
    longest = 0
    for ring in range(len(start) - 1):
        longest = max(longest, start[ring + 1] - start[ring])
    room = np.empty((6, 4 * longest + 32))
    for b in range(n):
        x0, y0 = centre[b, 0] - step / 2, centre[b, 1] - step / 2
        alone = first[b + 1] - first[b] == 1
        for part in range(64):
            x, y = x0 + (part % PARTS) * size, y0 + (part // PARTS) * size
            for ring in range(first[b], first[b + 1]):
                m = clipped(corners[start[ring] : start[ring + 1] - 1], x, y, size, room)
                own, cx, cy, convex = _measure(room[4], room[5], m)
                area[b, part] += sign[ring] * own
                inside[b, part, 0], inside[b, part, 1] = cx, cy
                sound[b, part] = sound[b, part] and convex and alone
            if not sound[b, part]:
                inside[b, part, 0], inside[b, part, 1] = x + size / 2, y + size / 2
            if area[b, part] <= 1e-12 * size * size:
                area[b, part] = 0.0
                dead[b] |= np.uint64(1) << np.uint64(part)
    return area, inside, sound, dead


@njit(cache=True, nogil=True)
def _mark_cuts(triangles: FloatArray, boxes: FloatArray, span: FloatArray, squares: Squares, outlines: Any, cuts: Cuts) -> None:
    """Mark what triangles (f, 3, 3) cut, by groups with a box each; `span` is the box of all targets."""
    width = PAGE * squares.step
    for group in range(len(boxes)):
        if _apart6(boxes[group], span):
            continue
        for k in range(group * GROUP, min((group + 1) * GROUP, len(triangles))):
            box = box_of(triangles[k])
            if _apart6(box, span):
                continue
            low, high = math.floor(box[0] / width), math.floor(box[3] / width)
            for c in range(np.searchsorted(squares.columns[:, 0], low), len(squares.columns)):
                if squares.columns[c, 0] > high:
                    break
                end = squares.columns[c + 1, 1] if c + 1 < len(squares.columns) else len(squares.order)
                for p in range(squares.columns[c, 1], end):
                    page = squares.order[p]
                    if squares.corner[page, 1] <= box[4] and squares.corner[page, 1] + width >= box[1]:
                        _mark_page(triangles[k], box, page, squares, outlines, cuts)


@njit(cache=True, nogil=True)
def box_of(t: FloatArray) -> Any:
    """The box (6,) over a triangle (3, 3): low corner, high corner."""
    out = np.empty(6)
    for k in range(3):
        out[k] = min(t[0, k], t[1, k], t[2, k])
        out[3 + k] = max(t[0, k], t[1, k], t[2, k])
    return out


@njit(cache=True, nogil=True)
def _apart6(a: FloatArray, b: FloatArray) -> bool:
    for k in range(3):  # noqa: SIM110  numba knows no generators
        if a[k] > b[3 + k] or a[3 + k] < b[k]:
            return True
    return False


@njit(cache=True, nogil=True)
def _mark_page(t: FloatArray, box: FloatArray, page: int, squares: Squares, outlines: Any, cuts: Cuts) -> None:
    """Mark the blocks and parts that triangle t cuts in one page; squares without a cell count for the blocks they are in."""
    step = squares.step
    x0, y0 = squares.corner[page, 0], squares.corner[page, 1]
    if box[2] > squares.block_high[page, 0] or box[5] < squares.block_low[page, 0]:
        return
    i0, i1 = max(0, math.floor((box[0] - x0) / step)), min(PAGE - 1, math.floor((box[3] - x0) / step))
    j0, j1 = max(0, math.floor((box[1] - y0) / step)), min(PAGE - 1, math.floor((box[4] - y0) / step))
    for j in range(j0, j1 + 1):
        for i in range(i0, i1 + 1):
            cell = squares.slot[page, j * PAGE + i]
            low: Any = squares.low[cell] if cell >= 0 else squares.block_low[page, 0]
            high: Any = squares.high[cell] if cell >= 0 else squares.block_high[page, 0]
            z, half_z = (low + high) / 2, (high - low) / 2
            if face_cuts(t, box, (x0 + (i + 0.5) * step, y0 + (j + 0.5) * step, z, step / 2, half_z)):
                for level in range(1, 6):
                    cuts.block[page, LEVELS[level - 1] + (j >> level) * (PAGE >> level) + (i >> level)] = True
                if cell >= 0:
                    _mark_cell(t, box, cell, squares, outlines, cuts)


@njit(cache=True, nogil=True)
def _mark_cell(t: FloatArray, box: FloatArray, cell: int, squares: Squares, outlines: Any, cuts: Cuts) -> None:
    """Mark the parts that triangle t cuts in one cell."""
    size = squares.step / PARTS
    z, half_z = (squares.low[cell] + squares.high[cell]) / 2, (squares.high[cell] - squares.low[cell]) / 2
    x0, y0 = squares.middle[cell, 0] - squares.step / 2, squares.middle[cell, 1] - squares.step / 2
    row = squares.border[cell]
    for part in range(64):
        bit = np.uint64(1) << np.uint64(part)
        if cuts.part[cell] & bit:
            continue
        x, y = x0 + (part % PARTS + 0.5) * size, y0 + (part // PARTS + 0.5) * size
        if not face_cuts(t, box, (x, y, z, size / 2, half_z)):
            continue
        cuts.cell[cell] |= bit
        if not face_cuts(t, box, (x, y, z, size / 2 - min(RIM_M, size / 4), half_z)):
            continue
        if row < 0 or not _beside(t, row, part, (x - size / 2, y - size / 2, z, half_z), size, outlines):
            cuts.part[cell] |= bit


@njit(cache=True, nogil=True)
def _beside(t: FloatArray, row: int, part: int, at: tuple[float, float, float, float], size: float, outlines: Any) -> bool:
    """Whether the surface in a part of a border cell lies to one side of the triangle's plane, as the ground lies beside a wall."""
    corners, start, _, first, sound = outlines
    if not sound[row, part]:
        return False
    n = _normal(t)
    ring = first[row]
    points = corners[start[ring] : start[ring + 1] - 1]
    room = np.empty((6, 4 * len(points) + 32))
    m = clipped(points, at[0], at[1], size, room)
    before, behind = False, False
    spread = abs(n[2]) * at[3]
    for k in range(m):
        side = n[0] * (room[4, k] - t[0, 0]) + n[1] * (room[5, k] - t[0, 1]) + n[2] * (at[2] - t[0, 2])
        before, behind = before or side + spread > RIM_M, behind or side - spread < -RIM_M
    return not (before and behind)


@njit(cache=True, nogil=True)
def _normal(t: FloatArray) -> Any:
    u, v = t[1] - t[0], t[2] - t[0]
    n = np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
    size = math.sqrt((n * n).sum())
    return n / size if size > 0 else n


@njit(cache=True, nogil=True)
def face_cuts(t: FloatArray, box: FloatArray, square: _Square) -> bool:
    """Whether a triangle may cut a box; False is certain (axes of the box, the triangle's plane, its edges in plan)."""
    x, y, z, half, half_z = square
    if box[0] > x + half or box[3] < x - half or box[1] > y + half or box[4] < y - half or box[2] > z + half_z or box[5] < z - half_z:
        return False
    n = _normal(t)
    side = n[0] * (x - t[0, 0]) + n[1] * (y - t[0, 1]) + n[2] * (z - t[0, 2])
    if abs(side) > (abs(n[0]) + abs(n[1])) * half + abs(n[2]) * half_z:
        return False
    turn = 1.0 if n[2] > 0 else -1.0
    if abs(n[2]) < 1e-9:
        return True
    for k in range(3):
        p, q = t[k], t[(k + 1) % 3]
        a, b = -(q[1] - p[1]) * turn, (q[0] - p[0]) * turn  # points into the triangle
        if a * (x - p[0]) + b * (y - p[1]) + (abs(a) + abs(b)) * half < 0:
            return False
    return True


@njit(cache=True, nogil=True)
def _blocks(slot: NDArray[np.int32], cell_low: FloatArray, cell_high: FloatArray) -> Any:
    """Height range (p, 341) and one cell (p, 341; -1: none) of every block of every page."""
    n = len(slot)
    low, high = np.full((n, BLOCKS), np.inf), np.full((n, BLOCKS), -np.inf)
    pick = np.full((n, BLOCKS), -1, np.int32)
    for page in range(n):
        for square in range(PAGE * PAGE):
            cell = slot[page, square]
            if cell < 0:
                continue
            i, j = square % PAGE, square // PAGE
            for level in range(1, 6):
                k = LEVELS[level - 1] + (j >> level) * (PAGE >> level) + (i >> level)
                low[page, k], high[page, k] = min(low[page, k], cell_low[cell]), max(high[page, k], cell_high[cell])
                if pick[page, k] < 0:
                    pick[page, k] = cell
    return low, high, pick


@njit(cache=True, nogil=True)
def _amounts(masks: NDArray[np.uint64], area: FloatArray, border: NDArray[np.int32], part_area: FloatArray) -> Any:
    out = np.zeros(len(masks))
    for i in range(len(masks)):
        mask = masks[i]
        if mask == 0:
            continue
        if mask == EVERY:
            out[i] = area[i]
            continue
        for part in range(64):
            if mask >> np.uint64(part) & np.uint64(1):
                out[i] += area[i] / 64 if border[i] < 0 else part_area[border[i], part]
    return out
