"""Elements that are the same body put in several places: found by their triangles, whatever the file says of them.

Two elements are the same where a rigid motion (a turn and a shift, no mirror) takes each corner of the one to the same corner of the
other, in the order in which their triangles are listed, and the colours agree. Bodies made from one representation are listed in one
order. Candidates share the number of triangles, the colours and the sum of all edges; the motion is then found by three far corners and
checked at every one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TOLERANCE_M = 1e-4  # how far a corner may be from where the motion takes it
_SHAPES = 8  # of one sum of edges, told apart; more are not sought among
_LEAST_M = 1e-3  # corners nearer to one line than this fix no motion


@dataclass(frozen=True)
class Congruent:
    """For each of n elements the first that it is the same as, itself where there is none, and how it is turned against that one.

    Corner p of the first is corner turn @ (p - first's anchor) + anchor of the element: told so, it stays exact far from the origin.
    """

    first: Ints  # (n,)
    turn: Floats  # (n, 3, 3) column vectors
    anchor: Floats  # (n, 3) an element's first corner [m]


def congruent(triangles: Floats, starts: Ints, face_color: NDArray[np.uint8]) -> Congruent:
    """Which elements are the same up to a rigid motion.

    Parameters
    ----------
    triangles
        The triangles (f, 3, 3) of all elements, element by element. [m]
    starts
        Where each element's triangles start, and where the last one's end (n + 1,); each has one at least.
    face_color
        RGBA of each triangle (f, 4).
    """
    corners, ends = np.ascontiguousarray(triangles).reshape(-1, 3), 3 * starts
    edges, colors = _signs(corners, ends, np.ascontiguousarray(face_color).view(np.uint32).ravel())
    counts = np.diff(starts)
    order = np.lexsort([np.arange(len(counts)), edges, colors, counts])
    run = _runs(counts[order], colors[order], edges[order])
    first, turn = _matched(corners, ends, order[np.lexsort([order, run])], run)
    return Congruent(first, turn, corners[ends[:-1]])


def _runs(counts: Ints, colors: NDArray[np.uint64], edges: Floats) -> Ints:
    """Number of the run of candidates (n,) that each belongs to, in the order given."""
    near = np.diff(edges) <= 6 * TOLERANCE_M * np.maximum(counts[1:], 1)  # each edge may differ by twice the tolerance
    same = (np.diff(counts) == 0) & (colors[1:] == colors[:-1]) & near
    return np.concatenate([[0], np.cumsum(~same)]).astype(np.int64)[: len(counts)]


@numba.njit(cache=True, nogil=True)
def _signs(corners: Floats, ends: Ints, color: NDArray[np.uint32]) -> tuple[Floats, NDArray[np.uint64]]:
    """Sum of all edges [m] and a hash of the colours, of each element (n,); its corners are those from `ends[i]` on."""
    n = len(ends) - 1
    edges, colors = np.zeros(n), np.zeros(n, np.uint64)
    for i in range(n):
        mixed = np.uint64(14695981039346656037)  # FNV-1a
        for c in range(ends[i], ends[i + 1], 3):
            mixed = (mixed ^ np.uint64(color[c // 3])) * np.uint64(1099511628211)
            for k in range(3):
                edges[i] += np.sqrt(_squared(corners, c + k, c + (k + 1) % 3))
        colors[i] = mixed
    return edges, colors


@numba.njit(cache=True, nogil=True)
def _matched(corners: Floats, ends: Ints, order: Ints, run: Ints) -> tuple[Ints, Floats]:
    """First of its kind (n,) and turn (n, 3, 3) of each element; candidates stand together in `order`, and share a number in `run`."""
    n = len(order)
    first, turn = np.arange(n), np.zeros((n, 3, 3))
    shapes, known, anchors = np.zeros(_SHAPES, np.int64), 0, np.zeros((_SHAPES, 2), np.int64)
    frames = np.zeros((_SHAPES + 1, 3, 3))
    for at in range(n):
        i = order[at]
        for k in range(3):
            turn[i, k, k] = 1.0
        opens, closes = at == 0 or run[at] != run[at - 1], at + 1 == n or run[at + 1] != run[at]
        known = 0 if opens else known
        if opens and closes:
            continue  # alone
        for k in range(known):
            _turn(corners, int(ends[i]), anchors[k], frames[_SHAPES])
            if _is_moved(corners, (int(ends[shapes[k]]), int(ends[i]), int(ends[i + 1] - ends[i])), frames[k], frames[_SHAPES], turn[i]):
                first[i] = shapes[k]
                break
        if first[i] == i and known < _SHAPES and _anchors(corners, (int(ends[i]), int(ends[i + 1])), anchors[known]):
            _turn(corners, int(ends[i]), anchors[known], frames[known])
            shapes[known] = i
            known += 1
    return first, turn


@numba.njit(cache=True, nogil=True)
def _anchors(corners: Floats, span: tuple[int, int], out: Ints) -> bool:
    """Two corners far from the first and from each other, counted from it; whether there are such."""
    start, end = span
    farthest, widest = 0.0, 0.0
    for c in range(start, end):
        away = _squared(corners, start, c)
        if away > farthest:
            farthest, out[0] = away, c - start
    if farthest < _LEAST_M**2:
        return False
    p, q = corners[start], corners[start + out[0]]
    for c in range(start, end):
        along = 0.0
        for k in range(3):
            along += (corners[c, k] - p[k]) * (q[k] - p[k])
        away = _squared(corners, start, c) - along * along / farthest
        if away > widest:
            widest, out[1] = away, c - start
    return widest >= _LEAST_M**2


@numba.njit(cache=True, nogil=True)
def _is_moved(corners: Floats, span: tuple[int, int, int], one: Floats, other: Floats, out: Floats) -> bool:
    """Whether the turn between two frames, put into `out`, takes so many corners from here to there (`span`: here, there, how many)."""
    here, there, count = span
    for x in range(3):
        for y in range(3):
            out[x, y] = other[x, 0] * one[y, 0] + other[x, 1] * one[y, 1] + other[x, 2] * one[y, 2]
    p, q = corners[here], corners[there]
    for c in range(count):
        d = corners[here + c]
        for x in range(3):
            moved = q[x] + out[x, 0] * (d[0] - p[0]) + out[x, 1] * (d[1] - p[1]) + out[x, 2] * (d[2] - p[2])
            if abs(moved - corners[there + c, x]) > TOLERANCE_M / 2:
                out[:] = np.eye(3)
                return False
    return True


@numba.njit(cache=True, nogil=True)
def _turn(corners: Floats, start: int, anchors: Ints, out: Floats) -> None:
    """The axes (3, 3), as columns, that an element's first corner and its anchors fix."""
    p, q, r = corners[start], corners[start + anchors[0]], corners[start + anchors[1]]
    long, along, wide = 0.0, 0.0, 0.0
    for k in range(3):
        long += (q[k] - p[k]) ** 2
    long = max(np.sqrt(long), 1e-12)
    for k in range(3):
        out[k, 0] = (q[k] - p[k]) / long
        along += (r[k] - p[k]) * out[k, 0]
    for k in range(3):
        out[k, 1] = r[k] - p[k] - along * out[k, 0]
        wide += out[k, 1] ** 2
    wide = max(np.sqrt(wide), 1e-12)
    for k in range(3):
        out[k, 1] /= wide
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        out[k, 2] = out[i, 0] * out[j, 1] - out[j, 0] * out[i, 1]


@numba.njit(cache=True, nogil=True)
def _squared(corners: Floats, a: int, b: int) -> float:
    """The square of the distance between two corners. [m²]"""
    x, y, z = corners[a, 0] - corners[b, 0], corners[a, 1] - corners[b, 1], corners[a, 2] - corners[b, 2]
    return x * x + y * y + z * z
