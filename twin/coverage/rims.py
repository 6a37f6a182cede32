"""The edges of bodies: where what lies between an antenna and a place can change.

        rim        an edge all of whose faces lie to one side of the plane through the antenna and it: past it the body is missed
        crease     any other edge: past it the body is entered or left by another face

Bodies are taken one by one, so that it does not matter how they touch or overlap. Which cells lie behind one: `twin.coverage.behind`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.makeup import IGNORED

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

WELD_M = 1e-4  # corners of one body nearer than this are one
GROUP = 64  # neighbouring edges or faces share a box


@dataclass(frozen=True)
class Rims:
    """The edges of e bodies' faces and the f faces themselves, neighbours together, with boxes over GROUP of them each."""

    ends: FloatArray  # (e, 2, 3) [m, enu]
    opposite: FloatArray  # (e, 2, 3) third corners of the two faces that meet there [m, enu]
    faces_of: IntArray  # (e,) how many faces meet there
    body: IntArray  # (e,)
    box: FloatArray  # (g, 6) low and high corner [m, enu]
    triangles: FloatArray  # (f, 3, 3) corners [m, enu]
    face_body: IntArray  # (f,)
    face_box: FloatArray  # (h, 6)


def rims(vertices: FloatArray, faces: NDArray[Any], face_body: NDArray[Any], counts: NDArray[np.int8]) -> Rims:
    """The edges of bodies where their faces do not just carry on in one plane; bodies that do not count are left out.

    Parameters
    ----------
    vertices, faces, face_body
        Triangles (f, 3) over vertices (v, 3) [m, enu], and whose each is.
    counts
        How each body counts (o,), of `twin.coverage.makeup`.
    """
    body = np.asarray(face_body, np.int64)
    counting = counts[body] != IGNORED if len(body) else np.empty(0, np.bool_)
    triangles, body = vertices[np.asarray(faces, np.int64)[counting]].reshape(-1, 3, 3), body[counting]
    order = np.argsort(places(triangles.mean(axis=1)), kind="stable")
    triangles, body = np.ascontiguousarray(triangles[order]), body[order]
    ends, opposite, faces_of, edge_body = _edges(triangles, body)
    place = np.argsort(places(ends.mean(axis=1)), kind="stable")
    ends, opposite = np.ascontiguousarray(ends[place]), np.ascontiguousarray(opposite[place])
    return Rims(ends, opposite, faces_of[place], edge_body[place], _boxes(ends), triangles, body, _boxes(triangles))


def _edges(triangles: FloatArray, body: IntArray) -> tuple[FloatArray, FloatArray, IntArray, IntArray]:
    """Ends (e, 2, 3), third corners (e, 2, 3), number of faces (e,) and body (e,) of all edges that can matter."""
    if not len(triangles):
        return np.empty((0, 2, 3)), np.empty((0, 2, 3)), np.empty(0, np.int64), np.empty(0, np.int64)
    corner = _welded(triangles, body)  # (f, 3)
    points = triangles.reshape(-1, 3)
    a, b, c = corner[:, [0, 1, 2]].ravel(), corner[:, [1, 2, 0]].ravel(), corner[:, [2, 0, 1]].ravel()
    distinct = (a != b) & (b != c) & (c != a)
    a, b, c, owner = a[distinct], b[distinct], c[distinct], np.repeat(body, 3)[distinct]
    low, high = np.minimum(a, b), np.maximum(a, b)
    key = low * len(points) + high
    order = np.argsort(key, kind="stable")
    key, low, high, third, owner = key[order], low[order], high[order], c[order], owner[order]
    fresh = np.concatenate([[True], np.diff(key) != 0])
    start = np.flatnonzero(fresh)
    count = np.diff(np.append(start, len(low)))
    other = third[np.minimum(start + np.minimum(count, 2) - 1, len(third) - 1)]
    ends = np.stack([points[low[start]], points[high[start]]], axis=1)
    opposite = np.stack([points[third[start]], points[other]], axis=1)
    keep = ~((count == 2) & _carries_on(ends, opposite))
    return ends[keep], opposite[keep], count[keep].astype(np.int64), owner[start][keep]


def _welded(triangles: FloatArray, body: IntArray) -> IntArray:
    """For each corner (f, 3) the first corner, of all in a row, of the same body at the same place."""
    whole = np.round(triangles.reshape(-1, 3) / WELD_M).astype(np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        key = whole[:, 0] * np.uint64(0x9E3779B97F4A7C15) + whole[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
        key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + whole[:, 2] * np.uint64(0x165667B19E3779F9)
        key = (key ^ (key >> np.uint64(32))) + np.repeat(body, 3).astype(np.uint64) * np.uint64(0xD6E8FEB86659FD93)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    return np.asarray(first[inverse], np.int64).reshape(-1, 3)


def _carries_on(ends: FloatArray, opposite: FloatArray) -> BoolArray:
    """Whether two faces (e,) lie in one plane on either side of their edge."""
    along = ends[:, 1] - ends[:, 0]
    one, other = np.cross(along, opposite[:, 0] - ends[:, 0]), np.cross(along, opposite[:, 1] - ends[:, 0])
    size = np.linalg.norm(one, axis=1)
    off = np.abs(np.einsum("ij,ij->i", one, opposite[:, 1] - ends[:, 0]))
    return (np.einsum("ij,ij->i", one, other) < 0) & (off < WELD_M * size)


def places(points: FloatArray) -> NDArray[np.uint64]:
    """Numbers (n,) that put points (n, 3) near each other near each other (Morton order)."""
    if not len(points):
        return np.empty(0, np.uint64)
    low = points.min(axis=0)
    scale = 65535.0 / max(float(np.ptp(points, axis=0).max()), 1e-9)
    key = np.zeros(len(points), np.uint64)
    for k in range(3):
        bits = ((points[:, k] - low[k]) * scale).astype(np.uint64)
        for shift, mask in ((32, 0xFFFF00000000FFFF), (16, 0x00FF0000FF0000FF), (8, 0xF00F00F00F00F00F), (4, 0x30C30C30C30C30C3),
                            (2, 0x9249249249249249)):  # fmt: skip
            bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
        key |= bits << np.uint64(k)
    return key


def _boxes(shapes: FloatArray) -> FloatArray:
    """Boxes (g, 6) over GROUP shapes (n, corners, 3) each."""
    if not len(shapes):
        return np.empty((0, 6))
    start = np.arange(0, len(shapes), GROUP)
    return np.concatenate([np.minimum.reduceat(shapes.min(axis=1), start), np.maximum.reduceat(shapes.max(axis=1), start)], axis=1)
