"""Fewer triangles for the same picture: the corners in one cell of a grid become one, their mean.

The grid is the same for all features and all models, so neighbours stay joined, and a change here moves nothing elsewhere. Triangles
keep their feature and colour; those that fall together, or on to an edge that another still has, go. What is long and thin would go with
them (pipes, balusters, mullions): of triangles that fall on to an edge no other has, some stay as they were.

            before                      after
        . __ . ____ .                                 every point is within the error of a point that
        |/  \\|     /|              o_______o          is left, but for features smaller than a cell,
        .____.____/_.             /_______/           which are left out
"""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.content.bodies import Bodies, Faces, Ints

Floats = NDArray[np.float64]
THIN = 8  # triangles that stay of a pipe or bar between two cells
_GONE, _MOVED, _AS_IT_WAS = 0, 1, 2
_OFFSET = 2**20  # cells are counted from so many below the origin
_PRIMES = (73856093, 19349663, 83492791)  # Teschner et al. 2003, optimized spatial hashing


def simplified(of: Bodies, cell_m: float) -> tuple[Bodies, float]:
    """The bodies on a grid of cells, and by how much they are wrong at most: what moved, what is left out. [m]"""
    size = np.linalg.norm(of.boxes[:, 1] - of.boxes[:, 0], axis=1)  # (n,)
    least = cell_m * 3**0.5
    tall = (size > least)[of.face_feature]
    corners, places, moved = _clustered(of.vertices, of.faces, tall, cell_m)
    fate = _fates(corners, of.face_feature, len(places))
    thin = np.flatnonzero(fate == _AS_IT_WAS)
    corners[thin] = len(places) + np.arange(3 * len(thin)).reshape(-1, 3)
    vertices = np.concatenate([places, of.vertices[of.faces[thin]].reshape(-1, 3)])
    return replace(of, vertices=vertices, faces=corners.astype(np.uint32)).with_faces(fate != _GONE), max(least, 2 * moved)


def to_fit(of: Bodies, max_triangles: int, cell_m: float) -> tuple[Bodies, float]:
    """The bodies in at most so many triangles, on about the finest grid from `cell_m` on by which they are, or the sixth; the error. [m]

    A grid twice as coarse has half the triangles or fewer.
    """
    for _ in range(5):
        left, error = simplified(of, cell_m)
        if len(left.faces) <= max_triangles:
            return left, error
        cell_m *= 2.0 ** np.ceil(np.log2(len(left.faces) / max_triangles))
    return simplified(of, cell_m)


@numba.njit(cache=True, nogil=True)
def _clustered(vertices: Floats, faces: Faces, wanted: NDArray[np.bool_], cell: float) -> tuple[Ints, Floats, float]:
    """Number of the cell at each corner (f, 3), -1 of triangles not wanted; the cells' means (c, 3); the farthest move. [m]"""
    room = 16
    while room < 2 * len(vertices):
        room *= 2
    keys, slots = np.empty(room, np.int64), np.full(room, -1, np.int32)
    number, places, count = np.full(len(vertices), -1, np.int64), np.zeros((len(vertices), 4)), 0
    corners = np.full((len(faces), 3), -1, np.int64)
    for f in range(len(faces)):
        if not wanted[f]:
            continue
        for k in range(3):
            v = faces[f, k]
            if number[v] < 0:
                x, y, z = vertices[v]
                i, j, h = int(np.floor(x / cell)), int(np.floor(y / cell)), int(np.floor(z / cell))
                key = ((i + _OFFSET) << 42) ^ ((j + _OFFSET) << 21) ^ (h + _OFFSET)
                at = ((i * _PRIMES[0]) ^ (j * _PRIMES[1]) ^ (h * _PRIMES[2])) & (room - 1)
                while slots[at] >= 0 and keys[at] != key:
                    at = (at + 1) & (room - 1)
                if slots[at] < 0:
                    slots[at], keys[at] = count, key
                    count += 1
                number[v] = slots[at]
                place = places[number[v]]
                place[0] += x
                place[1] += y
                place[2] += z
                place[3] += 1.0
            corners[f, k] = number[v]
    means = places[:count, :3] / places[:count, 3:]
    farthest = 0.0
    for v in range(len(vertices)):
        if number[v] >= 0:
            off = vertices[v] - means[number[v]]
            farthest = max(farthest, off[0] * off[0] + off[1] * off[1] + off[2] * off[2])
    return corners, means, np.sqrt(farthest)


@numba.njit(cache=True, nogil=True)
def _fates(corners: Ints, feature: Ints, cells: int) -> NDArray[np.uint8]:
    """What becomes of each triangle (f,), whose `corners` (f, 3) are numbers of cells: gone, moved, or left as it was."""
    fate = np.zeros(len(corners), np.uint8)
    whole = flat = 0
    for a, b, c in corners:
        same = int(a == b) + int(b == c) + int(c == a)
        whole, flat = whole + int(same == 0), flat + int(same == 1)
    edges, faces = np.full(_room(3 * whole), -1, np.int64), np.full(_room(max(whole, flat)), -1, np.int32)
    thin = np.zeros(len(faces), np.uint8)
    for f in range(len(corners)):
        a, b, c = corners[f]
        if a < 0 or a in (b, c) or b == c:
            continue
        slot = _same(faces, corners, feature, f, True)
        if faces[slot] >= 0:
            continue
        faces[slot], fate[f] = f, _MOVED
        for one, other in ((a, b), (b, c), (c, a)):
            edges[_slot(edges, min(one, other) * cells + max(one, other))] = min(one, other) * cells + max(one, other)
    faces[:] = -1
    for f in range(len(corners)):
        a, b, c = corners[f]
        low, high = min(a, b, c), max(a, b, c)
        if a < 0 or low == high or fate[f] == _MOVED or (a not in (b, c) and b != c):
            continue
        if edges[_slot(edges, low * cells + high)] >= 0:
            continue
        slot = _same(faces, corners, feature, f, False)
        faces[slot] = f
        if thin[slot] < THIN:
            thin[slot] += 1
            fate[f] = _AS_IT_WAS
    return fate


@numba.njit(cache=True, nogil=True)
def _room(count: int) -> int:
    """How large a table for so many is: a power of two that leaves a third empty."""
    room = 16
    while 2 * room < 3 * count:
        room *= 2
    return room


@numba.njit(cache=True, nogil=True)
def _slot(table: Ints, key: int) -> int:
    """Where a key is, or would be put."""
    at = (key * 0x9E3779B1 >> 7) & (len(table) - 1)
    while table[at] >= 0 and table[at] != key:
        at = (at + 1) & (len(table) - 1)
    return at


@numba.njit(cache=True, nogil=True)
def _same(table: NDArray[np.int32], corners: Ints, feature: Ints, f: int, whole: bool) -> int:
    """Where a triangle of the same feature between the same cells is (all three, or the outer two), or would be put."""
    low, high = min(corners[f]), max(corners[f])
    rest = corners[f].sum() - low - high if whole else 0
    at = ((low * _PRIMES[0]) ^ (rest * _PRIMES[1]) ^ (high * _PRIMES[2]) ^ (feature[f] * 0x9E3779B1)) & (len(table) - 1)
    while table[at] >= 0:
        g = table[at]
        least, most = min(corners[g]), max(corners[g])
        between = corners[g].sum() - least - most if whole else 0
        if feature[g] == feature[f] and least == low and most == high and between == rest:
            break
        at = (at + 1) & (len(table) - 1)
    return at
