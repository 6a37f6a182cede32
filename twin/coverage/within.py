"""Whether points lie inside a solid body, as an antenna drawn into a wall does.

A point is inside where, on a straight line through it, the body is left on either side before it is entered.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.walls import Segments

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Shape = tuple[FloatArray, NDArray[Any], NDArray[Any]]  # vertices (v, 3) [m, enu], triangles (f, 3), whose each is (f,)

REACH_M = 1.0  # how far off the faces of a wall are looked for
SKIN_M = 0.01  # nearer to a face than this is on it, not in it
_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def inside_solids(scene: Segments, shape: Shape, is_solid: NDArray[np.bool_], points: FloatArray) -> IntArray:
    """The solid object that each point (n, 3) [m, enu] lies inside (n,); -1 where there is none.

    Parameters
    ----------
    scene, shape
        What answers for segments among some objects, and their triangles, outward on closed bodies.
    is_solid
        Which objects are asked about (o,).
    points
        Where.
    """
    n = len(points)
    out = np.full(n, -1, np.int64)
    if not n or not len(shape[1]):
        return out
    for axis in _AXES:
        ahead, behind = (_left_first(scene, shape, points, way) for way in (axis, -axis))
        for point, body in sorted(ahead & behind):
            if out[point] < 0 and is_solid[body]:
                out[point] = body
    return out


def _left_first(scene: Segments, shape: Shape, points: FloatArray, way: FloatArray) -> set[tuple[int, int]]:
    """Points and objects that are left, and not entered, where they are first met along a way (3,)."""
    vertices, triangles, owner = shape
    found = scene.crossings(points, points + REACH_M * way)
    corner = vertices[triangles[found.face]]  # (k, 3, 3)
    leaving = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) @ way > 0.0
    met: dict[tuple[int, int], bool] = {}
    body = owner[found.face]
    for segment, one, out, t in zip(found.segment.tolist(), body.tolist(), leaving.tolist(), found.t.tolist(), strict=True):
        met.setdefault((segment, one), out and t * REACH_M > SKIN_M)
    return {key for key, is_left in met.items() if is_left}
