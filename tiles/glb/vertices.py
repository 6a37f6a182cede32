"""Triangles as the shared vertices and indices of a mesh, in an order that packs well: the hot loops of tile writing.

Positions are whole steps of a grid, normals those of the facets in octahedral coding. Triangles follow each other over shared edges as
far as a facet reaches and then over shared corners, so that the codec finds what a vertex resembles right before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NORMAL, FEATURE, COLOR = 3, 4, 5  # columns of a row; 0, 1, 2 are the position
_COLUMNS = 6
_EDGES = 16  # that are looked at for the next triangle, as the codec does
_SAMPLES = 4096  # triangles that the direction of the walls is taken from
_BINS = 900  # of a quarter turn

# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@dataclass(frozen=True)
class Grid:
    """Where positions are rounded to: whole steps of 2**exponent metres from `origin`, along axes turned about the vertical."""

    origin: Floats  # (3,) in the turned axes [m]
    exponent: int
    turn: float = 0.0  # of the axes, counter-clockwise [rad]


@dataclass(frozen=True)
class Vertices:
    """n different vertices, numbered as the triangles come to them."""

    rows: Rows  # (n, 6) position [steps], normal (four bytes for filter OCTAHEDRAL), feature, colour (four bytes RGBA)
    index: NDArray[np.uint32]  # (3f,)


class _Fans(NamedTuple):
    """The triangles about each vertex; those done are forgotten on the way."""

    corners: NDArray[np.uint32]  # (3f,) of the triangles
    start: Ints  # (n + 1,)
    end: Ints  # (n,)
    triangles: Ints  # (3f,)


def vertices(triangles: Floats, feature: Ints, color: NDArray[np.uint8], grid: Grid, chosen: Ints) -> Vertices:
    """The vertices of the `chosen` of triangles (f, 3, 3) with their feature (f,) and colour (f, 4), all facing as they did."""
    packed = np.ascontiguousarray(color).view(np.int32)[:, 0]  # (f,)
    rows = corners(np.ascontiguousarray(triangles), feature, packed, chosen, (*grid.origin.tolist(), grid.turn, 2.0**-grid.exponent))
    first, index = _unique(rows, _COLUMNS)
    rows = _taken(rows, first)
    _, place = _unique(rows, NORMAL)
    order, index = _ordered(index, place)
    return Vertices(_taken(rows, order), index)


@numba.njit(cache=True, nogil=True)
def _taken(rows: Rows, chosen: Ints) -> Rows:
    """Some of the rows (n, 6)."""
    out = np.empty((len(chosen), _COLUMNS), np.int32)
    for i in range(len(chosen)):
        for k in range(_COLUMNS):
            out[i, k] = rows[chosen[i], k]
    return out


@numba.njit(cache=True, nogil=True)
def lowest_and_highest(rows: Rows) -> tuple[Ints, Ints]:
    """Of the positions of rows (n, 6): numpy's reductions along the long axis take ten times as long."""
    low, high = rows[0, :3].astype(np.int64), rows[0, :3].astype(np.int64)
    for i in range(len(rows)):
        for k in range(3):
            low[k], high[k] = min(low[k], rows[i, k]), max(high[k], rows[i, k])
    return low, high


@numba.njit(cache=True, nogil=True)
def corners(triangles: Floats, feature: Ints, color: Rows, chosen: Ints, grid: tuple[float, float, float, float, float]) -> Rows:
    """What makes a corner the same vertex as another, (3 chosen, 6); triangles without area point up.

    `grid` is the origin, the turn and the steps a metre.
    """
    rows = np.empty((3 * len(chosen), _COLUMNS), np.int32)
    origin, steps_m = grid[:3], grid[4]
    point, normal = np.empty((3, 3)), np.empty(3)
    sine, cosine = np.sin(grid[3]), np.cos(grid[3])
    for n in range(len(chosen)):
        f = chosen[n]
        for k in range(3):
            x, y = triangles[f, k, 0], triangles[f, k, 1]
            point[k, 0], point[k, 1], point[k, 2] = x * cosine + y * sine, y * cosine - x * sine, triangles[f, k, 2]
        for k in range(3):
            i, j = (k + 1) % 3, (k + 2) % 3
            normal[k] = (point[1, i] - point[0, i]) * (point[2, j] - point[0, j]) - (point[1, j] - point[0, j]) * (
                point[2, i] - point[0, i]
            )
        packed = _octahedral(normal)
        for corner in range(3):
            row = rows[3 * n + corner]
            for k in range(3):
                row[k] = int(np.rint((point[corner, k] - origin[k]) * steps_m))
            row[NORMAL], row[FEATURE], row[COLOR] = packed, feature[f], color[f]
    return rows


@_inner
def _octahedral(normal: Floats) -> int:
    """A direction for filter OCTAHEDRAL: x and y on the octahedron unfolded to a square, in 127ths, and 127 for the one, as bytes."""
    length = abs(normal[0]) + abs(normal[1]) + abs(normal[2])
    if length == 0.0:
        return 127 << 16
    x, y = normal[0] / length, normal[1] / length
    if normal[2] < 0.0:
        x, y = (1.0 - abs(y)) * (1.0 if x >= 0.0 else -1.0), (1.0 - abs(x)) * (1.0 if y >= 0.0 else -1.0)
    return (int(np.rint(x * 127.0)) & 255) | (int(np.rint(y * 127.0)) & 255) << 8 | 127 << 16


@numba.njit(cache=True, nogil=True)
def _unique(rows: Rows, skipped: int) -> tuple[Ints, NDArray[np.uint32]]:
    """Where each different row of (n, 6) first occurs, in that order, and the number of each row's like; one column may be skipped."""
    n = len(rows)
    size = 16
    while size < 2 * n:
        size *= 2
    table = np.full(size, -1, np.int32)  # open addressing: slot -> number of the different row
    first = np.empty(n, np.int64)
    index = np.empty(n, np.uint32)
    found = 0
    for i in range(n):
        key = np.uint64(14695981039346656037)  # FNV-1a over 32-bit words
        for k in range(_COLUMNS):
            if k != skipped:
                key = (key ^ np.uint64(np.uint32(rows[i, k]))) * np.uint64(1099511628211)
        slot = np.int64((key ^ (key >> np.uint64(29))) & np.uint64(size - 1))
        while table[slot] >= 0 and not _is_same(rows, first[table[slot]], i, skipped):
            slot = (slot + 1) & (size - 1)
        if table[slot] < 0:
            table[slot] = found
            first[found] = i
            found += 1
        index[i] = table[slot]
    return first[:found], index


@_inner
def _is_same(rows: Rows, i: int, j: int, skipped: int) -> bool:
    alike = True
    for k in range(_COLUMNS):
        alike = alike and (k == skipped or rows[i, k] == rows[j, k])
    return alike


@numba.njit(cache=True, nogil=True)
def _ordered(index: NDArray[np.uint32], place: NDArray[np.uint32]) -> tuple[Ints, NDArray[np.uint32]]:
    """Which vertices come when, and the indices (3f,) of all triangles in their new order and turn.

    `place` (n,) numbers the vertices whatever their normal. Next comes a triangle over one of the last edges; else one at the place of
    the last vertex or the one before it; else the first that is left.
    """
    there = place[index]
    faces, places = _fans(index), _fans(there)
    done = np.zeros(len(index) // 3, np.bool_)
    number, order = np.full(len(faces.end), -1, np.int64), np.empty(len(faces.end), np.int64)
    out = np.empty(len(index), np.uint32)
    edges, recent = np.full((_EDGES, 2), -1, np.int64), np.full(2, -1, np.int64)
    newest = met = start = 0
    for n in range(len(done)):
        corner = _over_edge(faces, edges, newest, done)
        is_loose = corner < 0
        if is_loose:
            corner = _at_place(places, recent, done)
        if corner < 0:
            while done[start]:
                start += 1
            corner = 3 * start
        t, turn = corner // 3, corner % 3
        done[t] = True
        for k in range(3):
            p = 3 * t + (turn + k) % 3
            v = index[p]
            if number[v] < 0:
                number[v], order[met] = met, v
                met += 1
                recent[1], recent[0] = recent[0], there[p]
            out[3 * n + k] = number[v]
        a, b, c = index[3 * t + turn], index[3 * t + (turn + 1) % 3], index[3 * t + (turn + 2) % 3]
        if is_loose:
            newest = _push(edges, newest, b, a)
        newest = _push(edges, newest, c, b)
        newest = _push(edges, newest, a, c)
    return order[:met], out


@_inner
def _push(edges: Ints, newest: int, a: int, b: int) -> int:
    newest = (newest + 1) % _EDGES
    edges[newest, 0], edges[newest, 1] = a, b
    return newest


@_inner
def _fans(index: NDArray[np.uint32]) -> _Fans:
    most = 0
    for v in index:
        most = max(most, np.int64(v) + 1)
    start = np.zeros(most + 1, np.int64)
    for v in index:
        start[v + 1] += 1
    for v in range(most):
        start[v + 1] += start[v]
    end, triangles = start[:-1].copy(), np.empty(len(index), np.int64)
    for k in range(len(index)):
        triangles[end[index[k]]] = k // 3
        end[index[k]] += 1
    return _Fans(index, start, end, triangles)


@_inner
def _over_edge(fans: _Fans, edges: Ints, newest: int, done: NDArray[np.bool_]) -> int:
    """The corner that starts one of the last edges, youngest first, in a triangle that is left; -1 none."""
    for age in range(_EDGES - 1):
        a, b = edges[(newest - age) % _EDGES, 0], edges[(newest - age) % _EDGES, 1]
        if a < 0:
            return -1
        p = fans.start[a]
        while p < fans.end[a]:
            t = fans.triangles[p]
            if done[t]:
                fans.end[a] -= 1
                fans.triangles[p] = fans.triangles[fans.end[a]]
                continue
            for k in range(3):
                if fans.corners[3 * t + k] == a and fans.corners[3 * t + (k + 1) % 3] == b:
                    return int(3 * t + k)
            p += 1
    return -1


@_inner
def _at_place(fans: _Fans, recent: Ints, done: NDArray[np.bool_]) -> int:
    """The corner at one of the recent places in the first triangle that is left there; -1 none."""
    for v in recent:
        if v < 0:
            return -1
        best, p = -1, fans.start[v]
        while p < fans.end[v]:
            t = fans.triangles[p]
            if done[t]:
                fans.end[v] -= 1
                fans.triangles[p] = fans.triangles[fans.end[v]]
                continue
            if best < 0 or t < best:
                best = t
            p += 1
        for k in range(3):
            if best >= 0 and fans.corners[3 * best + k] == v:
                return int(3 * best + k)
    return -1


@numba.njit(cache=True, nogil=True)
def direction(triangles: Floats) -> float:
    """The turn of the axes along which most edges run in plan, long ones counting more. [rad, 0 to a quarter turn]"""
    quarter = np.pi / 2
    stride = max(1, len(triangles) // _SAMPLES)
    angle, weight = np.empty(3 * (len(triangles) // stride + 1)), np.empty(3 * (len(triangles) // stride + 1))
    n = 0
    for f in range(0, len(triangles), stride):
        for k in range(3):
            x = triangles[f, (k + 1) % 3, 0] - triangles[f, k, 0]
            y = triangles[f, (k + 1) % 3, 1] - triangles[f, k, 1]
            angle[n], weight[n] = np.arctan2(y, x) % quarter, np.sqrt(np.hypot(x, y))
            n += 1
    times = np.zeros(_BINS + 1)
    for i in range(n):
        times[int(angle[i] / quarter * _BINS)] += weight[i]
    peak = (np.argmax(times) + 0.5) * quarter / _BINS
    for width in (2.0 * quarter / _BINS, 0.2 * quarter / _BINS):  # about the peak: first wide, then close
        total = shift = 0.0
        for i in range(n):
            off = (angle[i] - peak + quarter / 2) % quarter - quarter / 2
            if abs(off) < width:
                total += weight[i]
                shift += off * weight[i]
        if total > 0.0:
            peak += shift / total
    return peak % quarter


@numba.njit(cache=True, nogil=True)
def bounds(triangles: Floats, turn: float) -> tuple[Floats, Floats]:
    """Least and greatest coordinates of triangles (f, 3, 3) along axes turned about the vertical."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    sine, cosine = np.sin(turn), np.cos(turn)
    for f in range(len(triangles)):
        for k in range(3):
            x, y = triangles[f, k, 0], triangles[f, k, 1]
            for i, value in enumerate((x * cosine + y * sine, y * cosine - x * sine, triangles[f, k, 2])):
                low[i], high[i] = min(low[i], value), max(high[i], value)
    return low, high
