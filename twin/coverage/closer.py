"""A closer look at single parts of cells: which of their 8 by 8 pieces one view sees.

`look` stops at parts of a cell. Parts on the shore of what a view sees are halved here three times more, each on its own height, so that
what stays undecided is an eighth as wide. It is asked of one view alone: what it finds does not depend on other views, and can be kept.

        cell  ->  8 x 8 parts  ->  8 x 8 pieces of a part        bit 8·row + column, row 0 in the south, as in `field`

A part that a face cuts is halved along it too, unless so many are that the surface must lie in a face.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, pack
from twin.coverage.edges import GROUP, Edges, enters, sectors
from twin.coverage.field import PARTS, RIM_M, Field, box_of, distinct_cells, face_cuts
from twin.coverage.inview import IN, INSIDE, MIXED, OUT, box_verdict, verdict_at
from twin.coverage.look import PERHAPS_NO, PERHAPS_YES, Look, Sight, columns, push_quarters, shift_of

FloatArray = NDArray[np.float64]
Relief = Callable[[NDArray[Any], FloatArray], FloatArray]  # pieces of the surface (n,), x y (n, 2) -> targets' z (n,) [m, enu]

_PIECES = 8  # along a part
_TILE = 8  # cells along what is narrowed down together
_SLACK_M = 1e-3  # boxes are taken this much larger when walls of shadow are tested, as in `look`
_CERTAIN, _OPTICS_MIXED, _SIGHT_MIXED = 0, 1, 2
MOST_CUT = 4000  # parts of one view that faces cut; where there are more they are left as they are
_DEPTHS = 6  # tile, part, and three halvings


@dataclass(frozen=True)
class Fine:
    """Pieces of s parts that a view sees: for certain, by best knowledge, perhaps; each part comes once, in ascending order."""

    place: NDArray[np.int64]  # (s,) 64 · cell + part
    pieces: NDArray[np.uint64]  # (s, 3)


class _Parts(NamedTuple):
    """Parts looked at, those of a tile of cells together."""

    corner: FloatArray  # (s, 2) south-west corner [m, enu]
    z: FloatArray  # (s, 3) lowest target, highest target, target in the middle [m, enu]
    is_cut: NDArray[np.bool_]  # (s,) whether a face cuts it
    first: NDArray[np.int64]  # (t + 1,) where each tile begins


class _Faces(NamedTuple):
    """The triangles of obstacles, in groups with a box each."""

    triangles: FloatArray  # (f, 3, 3) [m, enu]
    boxes: FloatArray  # (h, 6) [m, enu]


NOTHING = Fine(np.empty(0, np.int64), np.empty((0, 3), np.uint64))


def closer(field: Field, sight: Sight, view: View, criteria: Criteria, found: Look, relief: Relief) -> Fine:
    """What a view sees of the parts that its look left undecided.

    Parameters
    ----------
    field, sight, view, criteria, found
        A look, and what it was taken with.
    relief
        The height of targets anywhere on the surface.
    """
    place = _undecided(field, found)
    if not len(place):
        return NOTHING
    order, parts = _arranged(field, place, relief)
    size = field.step / PARTS
    packed = pack(view, criteria)
    lens = packed[:3].copy()
    box = np.array([*parts.corner.min(axis=0), parts.z[:, 0].min(), *(parts.corner.max(axis=0) + size), parts.z[:, 1].max()])
    walls = sectors(sight.edges, sight.scene, lens, box, shift_of(view))
    part, pieces, ray, kind, yes, targets = _descend(parts, size, packed, walls, _faces(sight.edges))
    free = ~sight.scene.occluded(np.broadcast_to(lens, targets.shape), targets)
    out = np.zeros((len(place), 3), np.uint64)
    _settle((order[part], pieces, ray, kind, yes), free, out)
    return Fine(place, out)


def _undecided(field: Field, found: Look) -> NDArray[np.int64]:
    """The parts (s,), 64 · cell + part, that are worth a closer look."""
    worth = (found.state == PERHAPS_YES) | (found.state == PERHAPS_NO)
    cell, row = distinct_cells(found.cell)
    asked, seen = np.zeros(len(cell), np.uint64), np.zeros(len(cell), np.uint64)
    np.bitwise_or.at(asked, row[worth], found.mask[worth])
    np.bitwise_or.at(seen, row[~worth], found.mask[~worth])
    asked &= ~(seen | field.pages.dead[cell])
    if int(np.bitwise_count(asked & field.pages.cell_cut[cell]).sum()) > MOST_CUT:
        asked &= ~field.pages.cell_cut[cell]
    bits = np.unpackbits(asked.view(np.uint8).reshape(-1, 8), axis=1, bitorder="little")  # (cells, 64)
    rows, part = np.nonzero(bits)
    return cell[rows].astype(np.int64) * 64 + part


def _arranged(field: Field, place: NDArray[np.int64], relief: Relief) -> tuple[NDArray[np.int64], _Parts]:
    """The order (s,) in which parts of a tile of cells follow each other, and the parts in that order."""
    size = field.step / PARTS
    cell, part = place // 64, place % 64
    middle = field.cells.centre[cell, :2]
    tile = np.floor(middle / (_TILE * field.step)).astype(np.int64)
    key = (tile[:, 1] - tile[:, 1].min()) * (np.ptp(tile[:, 0]) + 1) + tile[:, 0] - tile[:, 0].min()
    order = np.argsort(key, kind="stable")
    corner = (middle - field.step / 2 + np.column_stack([part % PARTS, part // PARTS]) * size)[order]
    first = np.append(np.flatnonzero(np.diff(key[order], prepend=-1)), len(place))
    is_cut = (field.pages.cell_cut[cell[order]] >> part[order].astype(np.uint64) & np.uint64(1)).astype(bool)
    return order, _Parts(corner, _heights(field.cells.piece[cell[order]], corner, size, relief), is_cut, first)


def _faces(edges: Edges) -> _Faces:
    return _Faces(edges.triangles, edges.triangle_box)


def _heights(piece: NDArray[np.int32], corner: FloatArray, size: float, relief: Relief) -> FloatArray:
    """Lowest, highest and middle target (s, 3) of parts, by their corners, widened by half of what neighbouring corners differ by."""
    offset = np.array([[0.0, 0.0], [size, 0.0], [0.0, size], [size, size]])
    z = relief(np.tile(piece, 4), np.concatenate([corner + step for step in offset])).reshape(4, -1)
    low, high = z.min(axis=0), z.max(axis=0)
    rough = np.maximum.reduce([np.abs(z[a] - z[b]) for a, b in ((0, 1), (0, 2), (1, 3), (2, 3))]) / 2
    return np.column_stack([low - rough, high + rough, np.clip(z.mean(axis=0), low, high)])


@njit(cache=True, nogil=True)
def _descend(parts: _Parts, size: float, view: FloatArray, walls: FloatArray, faces: _Faces) -> Any:
    """Halve parts until everything is decided or as small as a piece.

    Returns
    -------
    Records by column - part, mask of pieces, ray, what is open besides the ray, whether the middle fulfils the optics - and the targets
    (r, 3) of the rays. Pieces out of view leave no record.
    """
    out = [(0, np.uint64(0), 0, 0, False) for _ in range(0)]
    rays = [(0.0, 0.0, 0.0) for _ in range(0)]
    near = np.empty((_DEPTHS, len(walls)), np.int32)  # the walls of shadow that enter the block at each depth
    count = np.zeros(_DEPTHS, np.int64)
    stack = np.empty((32, 6), np.int64)  # depth, column, row, size [pieces], optics, ray (-1: sight not uniform)
    unit = size / _PIECES
    for tile in range(len(parts.first) - 1):
        around = _tile_box(parts, parts.first[tile], parts.first[tile + 1], size)
        count[0] = _narrow(walls, near, count, 0, view, around)
        in_tile, boxes = _faces_in(faces, around, bool(parts.is_cut[parts.first[tile] : parts.first[tile + 1]].any()))
        for p in range(parts.first[tile], parts.first[tile + 1]):
            low, high, level = parts.z[p]
            here = _meeting(boxes if parts.is_cut[p] else boxes[:0], parts.corner[p], parts.z[p], size)
            stack[0] = 1, 0, 0, _PIECES, MIXED, -1
            top = 1
            while top > 0:
                top -= 1
                depth, i, j, wide, optics, ray = stack[top]
                half = wide * unit / 2
                x, y = parts.corner[p, 0] + i * unit + half, parts.corner[p, 1] + j * unit + half
                box = (x, y, (low + high) / 2, half, (high - low) / 2)
                if optics != IN:
                    optics = box_verdict(view, x - view[0], y - view[1], box[2] - view[2], half, box[4])
                if optics == OUT:
                    continue
                is_mixed = False
                if ray < 0:
                    count[depth] = _narrow(walls, near, count, depth, view, box)
                    is_mixed = count[depth] > 0 or _is_cut(faces, in_tile, boxes, here, box)
                    if not is_mixed or wide == 1:
                        ray = len(rays)
                        rays.append((x, y, level))
                if ray >= 0 and optics == IN and not is_mixed:
                    out.append((p, _square(i, j, wide), ray, _CERTAIN, True))
                elif wide == 1:
                    fulfils = verdict_at(view, x - view[0], y - view[1], level - view[2]) == INSIDE
                    out.append((p, _square(i, j, 1), ray, _SIGHT_MIXED if is_mixed else _OPTICS_MIXED, fulfils))
                else:
                    top = push_quarters(stack, top, optics, ray)
    return columns(out, rays)


@njit(cache=True, nogil=True)
def _faces_in(faces: _Faces, box: Any, is_asked: bool) -> Any:
    """Index of the triangles whose boxes meet a box, and these boxes (n, 6); none where nobody asks."""
    found = [0 for _ in range(0)]
    if is_asked:
        for group in range(len(faces.boxes)):
            if _is_apart(faces.boxes[group], box):
                continue
            for k in range(group * GROUP, min((group + 1) * GROUP, len(faces.triangles))):
                if not _is_apart(box_of(faces.triangles[k]), box):
                    found.append(k)  # noqa: PERF401  compiled
    boxes = np.empty((len(found), 6))
    for k in range(len(found)):
        boxes[k] = box_of(faces.triangles[found[k]])
    return np.array(found, np.int64), boxes


@njit(cache=True, nogil=True)
def _meeting(boxes: FloatArray, corner: FloatArray, z: FloatArray, size: float) -> Any:
    """Index of the boxes (n, 6) that meet a part's."""
    found = np.empty(len(boxes), np.int64)
    n = 0
    for k in range(len(boxes)):
        if not _is_apart(boxes[k], (corner[0] + size / 2, corner[1] + size / 2, (z[0] + z[1]) / 2, size / 2, (z[1] - z[0]) / 2)):
            found[n] = k
            n += 1
    return found[:n]


@njit(cache=True, nogil=True)
def _is_apart(corners: FloatArray, box: Any) -> bool:
    x, y, z, half, half_z = box
    return (
        corners[0] > x + half or corners[3] < x - half or corners[1] > y + half or corners[4] < y - half
        or corners[2] > z + half_z or corners[5] < z - half_z
    )  # fmt: skip


@njit(cache=True, nogil=True)
def _is_cut(faces: _Faces, in_tile: NDArray[np.int64], boxes: FloatArray, chosen: NDArray[np.int64], box: Any) -> bool:
    """Whether one of the chosen triangles of a tile may cut a block; what cuts less than a rim off it does not."""
    x, y, z, half, half_z = box
    inner = (x, y, z, half - min(RIM_M, half / 2), half_z)
    for k in chosen:  # noqa: SIM110  numba knows no generators
        if not _is_apart(boxes[k], inner) and face_cuts(faces.triangles[in_tile[k]], boxes[k], inner):
            return True
    return False


@njit(cache=True, nogil=True)
def _tile_box(parts: _Parts, start: int, end: int, size: float) -> Any:
    """Middle, half width and half height of the box over parts start .. end."""
    low, high = parts.corner[start].copy(), parts.corner[start].copy()
    bottom, top = parts.z[start, 0], parts.z[start, 1]
    for p in range(start, end):
        for k in range(2):
            low[k], high[k] = min(low[k], parts.corner[p, k]), max(high[k], parts.corner[p, k])
        bottom, top = min(bottom, parts.z[p, 0]), max(top, parts.z[p, 1])
    half = (max(high[0] - low[0], high[1] - low[1]) + size) / 2
    return (low[0] + high[0] + size) / 2, (low[1] + high[1] + size) / 2, (bottom + top) / 2, half, (top - bottom) / 2


@njit(cache=True, nogil=True)
def _narrow(walls: FloatArray, near: NDArray[np.int32], count: NDArray[np.int64], depth: int, view: FloatArray, box: Any) -> int:
    """Keep in near[depth] those walls of the block above that may enter this one; their number."""
    x, y, z = box[0] - view[0], box[1] - view[1], box[2] - view[2]
    distance = math.sqrt(x * x + y * y + z * z) + 1.5 * box[3] + box[4]  # of its farthest point
    n = 0
    for k in range(len(walls) if depth == 0 else count[depth - 1]):
        wall = k if depth == 0 else near[depth - 1, k]
        if enters(walls[wall], (x, y, z, box[3] + _SLACK_M, box[4] + _SLACK_M, distance)):
            near[depth, n] = wall
            n += 1
    return n


@njit(cache=True, nogil=True)
def _square(i: int, j: int, wide: int) -> np.uint64:
    """The bits of a square of pieces at column i, row j."""
    mask = np.uint64(0)
    for row in range(j, j + wide):
        for column in range(i, i + wide):
            mask |= np.uint64(1) << np.uint64(row * _PIECES + column)
    return mask


@njit(cache=True, nogil=True)
def _settle(records: Any, free: NDArray[np.bool_], out: Any) -> None:
    """Put the pieces of records whose rays are answered into masks (s, 3)."""
    row, pieces, ray, kind, yes = records
    for m in range(len(row)):
        clear = free[ray[m]]
        if clear and kind[m] == _CERTAIN:
            out[row[m], 0] |= pieces[m]
        if clear and yes[m]:
            out[row[m], 1] |= pieces[m]
        if clear or kind[m] == _SIGHT_MIXED:
            out[row[m], 2] |= pieces[m]
