"""Which cells lie behind edges of bodies, seen from an antenna: there, what lies between changes within the cell.

Waves pass walls, so that an edge matters whether something stands before it or not. From an antenna, the bodies on the way to a place
and the faces they are entered and left by change only across the walls of shadow that edges throw (`twin.coverage.edges`), or where a
face cuts the cell itself:

        rim        an edge all of whose faces lie to one side of the plane through the antenna and it: past it the body is missed
        crease     any other edge: past it the body is entered or left by another face

A cell that no such wall enters and no face cuts has the same bodies before it everywhere: one segment tells for all of it.
Bodies are taken one by one, so that it does not matter how they touch or overlap.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.rims import GROUP, WELD_M, Rims, places

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FEW, SOME, MANY = 8, 8, 16  # cells that share a box, such boxes that are looked at together first, and such groups of them
SINGLE_M = 2e-4  # how far single precision may move what a ray sees of an edge
RIM, CREASE, CUT = 2, 1, 3  # what may change in a cell: a body is missed, its faces change, or it reaches into the cell


@dataclass(frozen=True)
class Corners:
    """The corners of n cells, as columns that stand over them: between them lies all of each cell."""

    xy: FloatArray  # (v, 2) [m, enu]
    first: IntArray  # (n + 1,) where each cell's begin
    z: FloatArray  # (n, 2) lowest and highest [m, enu]

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True)
class Changes:
    """What may change within each of n cells: bodies, and how."""

    first: IntArray  # (n + 1,)
    body: IntArray  # (k,)
    how: NDArray[np.int8]  # (k,) RIM CREASE CUT


def changes(edges: Rims, lens: FloatArray, cells: Corners, *, creases: BoolArray, tolerance_m: float = 0.0) -> Changes:
    """What may change within cells, seen from one antenna.

    Parameters
    ----------
    edges
        The bodies.
    lens
        Where the antenna hangs (3,). [m, enu]
    cells
        n cells.
    creases
        Whether it matters by which face a body is entered and left (o,).
    tolerance_m
        How far from there it may hang. [m]
    """
    if not len(cells) or not len(edges.body):
        return Changes(np.zeros(len(cells) + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int8))
    order = np.argsort(places(_middles(cells)), kind="stable")
    boxes = _cell_boxes(cells.xy, cells.first, cells.z, order)
    whole = np.concatenate([boxes[:, :3].min(axis=0), boxes[:, 3:].max(axis=0)])
    edge = (edges.ends, edges.opposite, edges.faces_of, edges.body, edges.box)
    row, body, how = _rows(edge, np.asarray(lens, np.float64), whole, (creases, tolerance_m))
    shape = (cells.xy, cells.first, cells.z, order, boxes)
    cell, changed, kind = _entered(row, body, how, np.asarray(lens, np.float64), shape)
    return _changes(len(cells), cell, changed, kind)


def cuts(edges: Rims, cells: Corners) -> Changes:
    """The bodies with a face that reaches into each cell, wherever an antenna hangs."""
    if not len(cells) or not len(edges.face_body):
        return Changes(np.zeros(len(cells) + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int8))
    order = np.argsort(places(_middles(cells)), kind="stable")
    boxes = _cell_boxes(cells.xy, cells.first, cells.z, order)
    shape = (cells.xy, cells.first, cells.z, order, boxes)
    cell, body = _cut(edges.triangles, edges.face_body, edges.face_box, shape)
    return _changes(len(cells), cell, body, np.full(len(cell), CUT, np.int8))


def joined(one: Changes, other: Changes) -> Changes:
    """Both changes of the same n cells."""
    n = len(one.first) - 1
    cell = np.concatenate([np.repeat(np.arange(n), np.diff(part.first)) for part in (one, other)])
    return _changes(n, cell, np.concatenate([one.body, other.body]), np.concatenate([one.how, other.how]))


def picked(found: Changes, cells: IntArray) -> Changes:
    """The changes of some cells (k,), which are numbered anew from 0."""
    count = np.diff(found.first)[cells]
    first = np.concatenate([[0], np.cumsum(count)])
    at = np.repeat(found.first[cells] - first[:-1], count) + np.arange(first[-1])
    return Changes(first, found.body[at], found.how[at])


def _changes(n: int, cell: IntArray, body: IntArray, how: NDArray[np.int8]) -> Changes:
    """Changes by cell, from one row each; the same body changing twice in a cell stays twice."""
    order = np.lexsort((how, body, cell))
    return Changes(np.searchsorted(cell[order], np.arange(n + 1)).astype(np.int64), body[order], how[order])


def _middles(cells: Corners) -> FloatArray:
    xy = np.add.reduceat(cells.xy, cells.first[:-1], axis=0) / np.diff(cells.first)[:, None]
    return np.column_stack([xy, cells.z.mean(axis=1)])


@njit(cache=True, nogil=True)
def _cell_boxes(xy: FloatArray, first: IntArray, z: FloatArray, order: IntArray) -> Any:
    """Boxes (g, 6) over FEW cells each, taken in `order`."""
    out = np.empty(((len(order) + FEW - 1) // FEW, 6))
    out[:, :3], out[:, 3:] = np.inf, -np.inf
    for k in range(len(order)):
        g, i = k // FEW, order[k]
        out[g, 2], out[g, 5] = min(out[g, 2], z[i, 0]), max(out[g, 5], z[i, 1])
        for v in range(first[i], first[i + 1]):
            for d in range(2):
                out[g, d], out[g, 3 + d] = min(out[g, d], xy[v, d]), max(out[g, 3 + d], xy[v, d])
    return out


@njit(cache=True, nogil=True)
def _apart(a: FloatArray, b: FloatArray, slack: float) -> bool:
    for k in range(3):  # noqa: SIM110  numba knows no generators
        if a[k] > b[3 + k] + slack or a[3 + k] < b[k] - slack:
            return True
    return False


@njit(cache=True, nogil=True)
def _rows(edges: Any, lens: FloatArray, box: FloatArray, more: Any) -> Any:
    """The walls of shadow (s, 14) of edges that may enter a box, relative to the lens, their bodies (s,) and what they change (s,)."""
    ends, opposite, faces_of, owner, boxes = edges
    creases, tolerance = more
    hull = np.empty(6)
    for k in range(3):
        hull[k], hull[3 + k] = min(box[k], lens[k]), max(box[3 + k], lens[k])
    room = 256
    rows, body, how = np.empty((room, 14)), np.empty(room, np.int64), np.empty(room, np.int8)
    n = 0
    own, low = np.empty(6), np.empty(14)
    whole = _relative(box, lens)
    for g in range(len(boxes)):
        if _apart(boxes[g], hull, tolerance + WELD_M):
            continue
        for e in range(g * GROUP, min((g + 1) * GROUP, len(ends))):
            for k in range(3):
                own[k], own[3 + k] = min(ends[e, 0, k], ends[e, 1, k]), max(ends[e, 0, k], ends[e, 1, k])
            if _apart(own, hull, tolerance + WELD_M):
                continue
            rim = _is_rim(ends[e], opposite[e], faces_of[e], lens, tolerance)
            if not rim and not creases[owner[e]]:
                continue
            if not _sector(ends[e], lens, tolerance, whole, low):
                continue
            if n == room:
                room *= 2
                rows, body, how = _grown(rows, room), _grown_1(body, room), _grown_2(how, room)
            rows[n], body[n], how[n] = low, owner[e], RIM if rim else CREASE
            n += 1
    return rows[:n], body[:n], how[:n]


@njit(cache=True, nogil=True)
def _grown(array: FloatArray, room: int) -> Any:
    out = np.empty((room, array.shape[1]))
    out[: len(array)] = array
    return out


@njit(cache=True, nogil=True)
def _grown_1(array: IntArray, room: int) -> Any:
    out = np.empty(room, np.int64)
    out[: len(array)] = array
    return out


@njit(cache=True, nogil=True)
def _grown_2(array: NDArray[np.int8], room: int) -> Any:
    out = np.empty(room, np.int8)
    out[: len(array)] = array
    return out


@njit(cache=True, nogil=True)
def _relative(box: FloatArray, lens: FloatArray) -> Any:
    """Middle and half edges of a box from the lens, and the farthest it reaches (7 numbers). [m]"""
    x, a = (box[0] + box[3]) / 2 - lens[0], (box[3] - box[0]) / 2
    y, b = (box[1] + box[4]) / 2 - lens[1], (box[4] - box[1]) / 2
    z, c = (box[2] + box[5]) / 2 - lens[2], (box[5] - box[2]) / 2
    return x, y, z, a, b, c, math.sqrt(x * x + y * y + z * z) + math.sqrt(a * a + b * b + c * c)


@njit(cache=True, nogil=True)
def _is_rim(edge: FloatArray, opposite: FloatArray, faces: int, lens: FloatArray, tolerance: float) -> bool:
    """Whether the body may be missed past an edge: not where its two faces go on to either side of the plane through lens and edge."""
    if faces != 2:
        return True
    ax, ay, az = edge[0, 0] - lens[0], edge[0, 1] - lens[1], edge[0, 2] - lens[2]
    bx, by, bz = edge[1, 0] - lens[0], edge[1, 1] - lens[1], edge[1, 2] - lens[2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    near = max(min(math.sqrt(ax * ax + ay * ay + az * az), math.sqrt(bx * bx + by * by + bz * bz)), 1e-6)
    before, behind = False, False
    for k in range(2):
        px, py, pz = opposite[k, 0] - lens[0], opposite[k, 1] - lens[1], opposite[k, 2] - lens[2]
        side = nx * px + ny * py + nz * pz
        slack = (WELD_M + 2.0 * tolerance * math.sqrt(px * px + py * py + pz * pz) / near) * size
        before, behind = before or side > slack, behind or side < -slack
    return not (before and behind)


@njit(cache=True, nogil=True)
def _sector(edge: FloatArray, lens: FloatArray, tolerance: float, box: Any, out: FloatArray) -> bool:
    """Whether the wall of shadow of an edge may enter a box, as `_relative` tells it; False is certain, else `out` is the wall.

    Unit normals of its plane (0-2), of its two sides (3-8) and of its near side (9-11), that one's offset (12), and how far all may be off
    per metre of distance (13), from the lens.
    """
    ax, ay, az = edge[0, 0] - lens[0], edge[0, 1] - lens[1], edge[0, 2] - lens[2]
    bx, by, bz = edge[1, 0] - lens[0], edge[1, 1] - lens[1], edge[1, 2] - lens[2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    dx, dy, dz = bx - ax, by - ay, bz - az
    size, long = math.sqrt(nx * nx + ny * ny + nz * nz), math.sqrt((ax * ax + ay * ay + az * az) * (bx * bx + by * by + bz * bz))
    near = max(_nearest(ax, ay, az, dx, dy, dz), 1e-6)
    out[13] = (SINGLE_M + 2.0 * tolerance) / near
    if size <= 1e-9 * long:  # seen end on: a half-plane on its ray holds it
        _end_on(ax, ay, az, near, out)
        return _may_enter(out, box)
    nx, ny, nz = nx / size, ny / size, nz / size
    if abs(nx * box[0] + ny * box[1] + nz * box[2]) > abs(nx) * box[3] + abs(ny) * box[4] + abs(nz) * box[5] + out[13] * box[6]:
        return False
    _put(out, 0, nx, ny, nz, 1.0)
    x, y, z = ny * az - nz * ay, nz * ax - nx * az, nx * ay - ny * ax
    _put(out, 3, x, y, z, max(math.sqrt(x * x + y * y + z * z), 1e-300))
    x, y, z = by * nz - bz * ny, bz * nx - bx * nz, bx * ny - by * nx
    _put(out, 6, x, y, z, max(math.sqrt(x * x + y * y + z * z), 1e-300))
    x, y, z = dy * nz - dz * ny, dz * nx - dx * nz, dx * ny - dy * nx
    _put(out, 9, x, y, z, max(math.sqrt(x * x + y * y + z * z), 1e-300))
    out[12] = out[9] * ax + out[10] * ay + out[11] * az
    if out[12] < 0:
        _put(out, 9, -out[9], -out[10], -out[11], 1.0)
        out[12] = -out[12]
    return _may_enter(out, box)


@njit(cache=True, nogil=True)
def _put(out: FloatArray, at: int, x: float, y: float, z: float, size: float) -> None:
    out[at], out[at + 1], out[at + 2] = x / size, y / size, z / size


@njit(cache=True, nogil=True)
def _end_on(x: float, y: float, z: float, near: float, out: FloatArray) -> None:
    """The wall of an edge on one ray from the lens, through x y z."""
    p, q, r = (1.0, 0.0, 0.0) if abs(x) < abs(z) else (0.0, 0.0, 1.0)
    nx, ny, nz = y * r - z * q, z * p - x * r, x * q - y * p
    _put(out, 0, nx, ny, nz, math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-300)
    for at in (3, 6, 9):
        _put(out, at, x, y, z, max(math.sqrt(x * x + y * y + z * z), 1e-12))
    out[12] = near


@njit(cache=True, nogil=True)
def _nearest(ax: float, ay: float, az: float, dx: float, dy: float, dz: float) -> float:
    """Distance from the lens to the edge from a along d."""
    length = dx * dx + dy * dy + dz * dz
    t = min(1.0, max(0.0, -(ax * dx + ay * dy + az * dz) / length)) if length > 0 else 0.0
    x, y, z = ax + t * dx, ay + t * dy, az + t * dz
    return math.sqrt(x * x + y * y + z * z)


@njit(cache=True, nogil=True)
def _may_enter(row: FloatArray, box: Any) -> bool:
    """Whether a wall of shadow may enter a box, as `_relative` tells it; False is certain."""
    x, y, z, a, b, c, distance = box
    slack = row[13] * distance
    if abs(row[0] * x + row[1] * y + row[2] * z) > abs(row[0]) * a + abs(row[1]) * b + abs(row[2]) * c + slack:
        return False
    for k in (3, 6, 9):
        top = row[k] * x + row[k + 1] * y + row[k + 2] * z + abs(row[k]) * a + abs(row[k + 1]) * b + abs(row[k + 2]) * c
        if top < (row[12] if k == 9 else 0.0) - slack:
            return False
    return True


@njit(cache=True, nogil=True)
def _entered(rows: FloatArray, body: IntArray, how: NDArray[np.int8], lens: FloatArray, cells: Any) -> Any:
    """The cells that walls of shadow may enter: number of the cell, body, and what it changes, one row each."""
    xy, first, z, order, boxes = cells
    room = 1024
    out_cell, out_body, out_how = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int8)
    n = 0
    wide, some, near, own = np.empty((4, len(rows)), np.int64)
    many, several = 0, 0
    hull = np.empty(6)
    for g in range(len(boxes)):
        if g % (SOME * MANY) == 0:
            many = _those_that_enter(rows, None, len(rows), _relative(_round(boxes[g : g + SOME * MANY], hull), lens), wide)
        if g % SOME == 0:
            several = _those_that_enter(rows, wide, many, _relative(_round(boxes[g : g + SOME], hull), lens), some)
        live = _those_that_enter(rows, some, several, _relative(boxes[g], lens), near)
        for k in range(g * FEW, min((g + 1) * FEW, len(order))):
            i = order[k]
            few = _those_that_enter(rows, near, live, _relative(_over(xy, (first[i], first[i + 1]), z[i], hull), lens), own)
            for m in range(few):
                r = own[m]
                if _enters(rows[r], xy, (first[i], first[i + 1]), z[i], lens):
                    if n == room:
                        room *= 2
                        out_cell, out_body, out_how = _grown_1(out_cell, room), _grown_1(out_body, room), _grown_2(out_how, room)
                    out_cell[n], out_body[n], out_how[n] = i, body[r], how[r]
                    n += 1
    return out_cell[:n], out_body[:n], out_how[:n]


@njit(cache=True, nogil=True)
def _those_that_enter(rows: FloatArray, among: Any, count: int, box: Any, out: IntArray) -> int:
    """Number the first `count` rows (of `among`, if given) that may enter a box into `out`; how many there are."""
    n = 0
    for m in range(count):
        r = m if among is None else among[m]
        if _may_enter(rows[r], box):
            out[n] = r
            n += 1
    return n


@njit(cache=True, nogil=True)
def _over(xy: FloatArray, span: Any, z: FloatArray, out: FloatArray) -> FloatArray:
    """The box (6,) round columns over corners span[0] ... span[1], from z[0] to z[1]."""
    out[0], out[1], out[2], out[3], out[4], out[5] = np.inf, np.inf, z[0], -np.inf, -np.inf, z[1]
    for v in range(span[0], span[1]):
        for d in range(2):
            out[d], out[3 + d] = min(out[d], xy[v, d]), max(out[3 + d], xy[v, d])
    return out


@njit(cache=True, nogil=True)
def _round(boxes: FloatArray, out: FloatArray) -> FloatArray:
    """The box (6,) round some boxes (g, 6)."""
    out[:] = boxes[0]
    for g in range(1, len(boxes)):
        for k in range(3):
            out[k], out[3 + k] = min(out[k], boxes[g, k]), max(out[3 + k], boxes[g, 3 + k])
    return out


@njit(cache=True, nogil=True)
def _enters(row: FloatArray, xy: FloatArray, span: Any, z: FloatArray, lens: FloatArray) -> bool:
    """Whether a wall of shadow may enter what is between columns over corners span[0] ... span[1], from z[0] to z[1]; False is certain."""
    low, high, left, right, near = np.inf, -np.inf, -np.inf, -np.inf, -np.inf
    far = 0.0
    for v in range(span[0], span[1]):
        x, y = xy[v, 0] - lens[0], xy[v, 1] - lens[1]
        for level in range(2):
            h = z[level] - lens[2]
            side = row[0] * x + row[1] * y + row[2] * h
            low, high = min(low, side), max(high, side)
            left = max(left, row[3] * x + row[4] * y + row[5] * h)
            right = max(right, row[6] * x + row[7] * y + row[8] * h)
            near = max(near, row[9] * x + row[10] * y + row[11] * h)
            far = max(far, x * x + y * y + h * h)
            if z[0] == z[1]:
                break
    slack = row[13] * math.sqrt(far)
    return low <= slack and high >= -slack and left >= -slack and right >= -slack and near >= row[12] - slack


@njit(cache=True, nogil=True)
def _cut(triangles: FloatArray, body: IntArray, boxes: FloatArray, cells: Any) -> Any:
    """The cells that faces may reach into: number of the cell and body, one row each."""
    cell_boxes = cells[4]
    room = 1024
    out_cell, out_body = np.empty(room, np.int64), np.empty(room, np.int64)
    reached = np.empty(FEW * SOME, np.int64)
    n = 0
    own, whole = np.empty(6), np.empty(6)
    for start in range(0, len(cell_boxes), SOME):
        _round(cell_boxes[start : start + SOME], whole)
        for h in range(len(boxes)):
            if _apart(boxes[h], whole, SINGLE_M):
                continue
            for f in range(h * GROUP, min((h + 1) * GROUP, len(triangles))):
                _box_of(triangles[f], own)
                count = 0 if _apart(own, whole, SINGLE_M) else _reached(triangles[f], own, start, cells, reached)
                while n + count > room:
                    room *= 2
                    out_cell, out_body = _grown_1(out_cell, room), _grown_1(out_body, room)
                out_cell[n : n + count], out_body[n : n + count] = reached[:count], body[f]
                n += count
    return out_cell[:n], out_body[:n]


@njit(cache=True, nogil=True)
def _box_of(t: FloatArray, out: FloatArray) -> None:
    for k in range(3):
        out[k], out[3 + k] = min(t[0, k], t[1, k], t[2, k]), max(t[0, k], t[1, k], t[2, k])


@njit(cache=True, nogil=True)
def _reached(t: FloatArray, box: FloatArray, start: int, cells: Any, out: IntArray) -> int:
    """Number the cells of SOME boxes that a triangle may reach into in `out`; how many there are."""
    xy, first, z, order, cell_boxes = cells
    n = 0
    for g in range(start, min(start + SOME, len(cell_boxes))):
        if _apart(box, cell_boxes[g], SINGLE_M):
            continue
        for k in range(g * FEW, min((g + 1) * FEW, len(order))):
            i = order[k]
            if _reaches_into(t, box, xy, (first[i], first[i + 1]), z[i]):
                out[n] = i
                n += 1
    return n


@njit(cache=True, nogil=True)
def _reaches_into(t: FloatArray, box: FloatArray, xy: FloatArray, span: Any, z: FloatArray) -> bool:
    """Whether a triangle with that box may reach in between columns over corners span[0] ... span[1], from z[0] to z[1]."""
    if box[2] > z[1] + SINGLE_M or box[5] < z[0] - SINGLE_M:
        return False
    west, east, south, north = np.inf, -np.inf, np.inf, -np.inf
    for v in range(span[0], span[1]):
        west, east, south, north = min(west, xy[v, 0]), max(east, xy[v, 0]), min(south, xy[v, 1]), max(north, xy[v, 1])
    if box[0] > east or box[3] < west or box[1] > north or box[4] < south:
        return False
    ux, uy, uz = t[1, 0] - t[0, 0], t[1, 1] - t[0, 1], t[1, 2] - t[0, 2]
    wx, wy, wz = t[2, 0] - t[0, 0], t[2, 1] - t[0, 1], t[2, 2] - t[0, 2]
    nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
    size = math.sqrt(nx * nx + ny * ny + nz * nz)
    if size == 0.0:
        return False
    low, high = np.inf, -np.inf
    for v in range(span[0], span[1]):
        for level in range(2):
            side = (nx * (xy[v, 0] - t[0, 0]) + ny * (xy[v, 1] - t[0, 1]) + nz * (z[level] - t[0, 2])) / size
            low, high = min(low, side), max(high, side)
    return low <= SINGLE_M and high >= -SINGLE_M
