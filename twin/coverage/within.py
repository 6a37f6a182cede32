"""Whether points lie inside a solid body, as an antenna drawn into a wall does.

A point is inside where, on a straight line through it, the body is left on either side before it is entered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twin.coverage.makeup import SOLID
from twin.coverage.walls import Barriers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

REACH_M = 1.0  # how far off the faces of a wall are looked for
SKIN_M = 0.01  # nearer to a face than this is on it, not in it
_AXES = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def inside_solids(barriers: Barriers, points: FloatArray) -> IntArray:
    """The solid object that each point (n, 3) [m, enu] lies inside (n,); -1 where there is none."""
    n = len(points)
    out = np.full(n, -1, np.int64)
    if not n or not len(barriers.faces.object):
        return out
    for axis in _AXES:
        ahead, behind = _left_first(barriers, points, axis), _left_first(barriers, points, -axis)
        for point, body in sorted(ahead & behind):
            if out[point] < 0:
                out[point] = body
    return out


def _left_first(barriers: Barriers, points: FloatArray, way: FloatArray) -> set[tuple[int, int]]:
    """Points and solids that are left, and not entered, where they are first met along a way (3,)."""
    found = barriers.scene.crossings(points, points + REACH_M * way)
    body = barriers.faces.object[found.face]
    leaving = barriers.faces.normal[found.face] @ way > 0.0
    met: dict[tuple[int, int], bool] = {}
    for segment, one, out, t in zip(found.segment.tolist(), body.tolist(), leaving.tolist(), found.t.tolist(), strict=True):
        met.setdefault((segment, one), out and t * REACH_M > SKIN_M)
    return {key for key, is_left in met.items() if is_left and barriers.walls.count[key[1]] == SOLID}
