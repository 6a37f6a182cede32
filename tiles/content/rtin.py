"""A square grid of heights as few triangles, true to it within a tolerance (right-triangulated irregular networks: Evans, Kirkpatrick and
Townsend 2001).

Right triangles are halved from the middle of their long side for as long as a height below them would be missed. Neighbours split at the
same point or not at all, so there are no gaps. Unknown heights (NaN) stay holes: around them everything is split, and what touches one is
left out.
"""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@numba.njit(cache=True, nogil=True)
def misses(heights: Floats) -> Floats:
    """By how much each node of a grid (2ᵏ + 1, 2ᵏ + 1), row 0 first, is missed where the triangles that end in it are not split, and all
    nodes below them; infinite where known and unknown meet."""
    size = heights.shape[0] - 1
    found = np.zeros(heights.shape)
    for number in range(2 * size * size - 3, -1, -1):
        code = number + 2
        ax = ay = bx = by = cx = cy = 0
        if code & 1:
            bx = by = cx = size
        else:
            ax = ay = cy = size
        code >>= 1
        while code > 1:
            mx, my = (ax + bx) >> 1, (ay + by) >> 1
            if code & 1:
                bx, by, ax, ay = ax, ay, cx, cy
            else:
                ax, ay, bx, by = bx, by, cx, cy
            cx, cy = mx, my
            code >>= 1
        mx, my = (ax + bx) >> 1, (ay + by) >> 1
        cx, cy = mx + my - ay, my + ax - mx
        a, b, m = heights[ay, ax], heights[by, bx], heights[my, mx]
        known = int(not np.isnan(a)) + int(not np.isnan(b)) + int(not np.isnan(m))
        here = abs((a + b) / 2 - m) if known == 3 else (0.0 if known == 0 else np.inf)
        here = max(here, found[my, mx])
        if number < size * size - 2:
            here = max(here, found[(ay + cy) >> 1, (ax + cx) >> 1], found[(by + cy) >> 1, (bx + cx) >> 1])
        found[my, mx] = here
    return found


@numba.njit(cache=True, nogil=True)
def split(heights: Floats, missed: Floats, tolerance: float) -> Ints:
    """The triangles (t, 3, 2) of the grid, column and row of their corners, counter-clockwise with row 0 in the south."""
    size = heights.shape[0] - 1
    out = np.empty((2 * size * size, 3, 2), np.int64)
    stack = np.zeros((256, 6), np.int64)
    stack[0, 0] = stack[0, 1] = stack[0, 5] = stack[1, 2] = stack[1, 3] = stack[1, 4] = size  # the two halves of the square
    waiting, count = 2, 0
    while waiting:
        waiting -= 1
        top = stack[waiting]
        ax, ay, bx, by, cx, cy = top[0], top[1], top[2], top[3], top[4], top[5]
        mx, my = (ax + bx) >> 1, (ay + by) >> 1
        if abs(ax - cx) + abs(ay - cy) > 1 and missed[my, mx] > tolerance:
            following = stack[waiting + 1]
            top[0], top[1], top[2], top[3], top[4], top[5] = bx, by, cx, cy, mx, my
            following[0], following[1], following[2], following[3], following[4], following[5] = cx, cy, ax, ay, mx, my
            waiting += 2
        elif not (np.isnan(heights[ay, ax]) or np.isnan(heights[by, bx]) or np.isnan(heights[cy, cx])):
            corners = out[count]
            corners[0, 0], corners[0, 1], corners[1, 0], corners[1, 1], corners[2, 0], corners[2, 1] = ax, ay, cx, cy, bx, by
            count += 1
    return out[:count]


@numba.njit(cache=True, nogil=True)
def surface(heights: Floats, triangles: Ints, finer: int) -> Floats:
    """The heights of triangles (t, 3, 2) at the nodes of a grid `finer` times as fine (finer·2ᵏ + 1, finer·2ᵏ + 1); NaN beside them."""
    size = (heights.shape[0] - 1) * finer
    out = np.full((size + 1, size + 1), np.nan)
    for t in range(len(triangles)):
        ax, ay, bx, by = triangles[t, 0, 0], triangles[t, 0, 1], triangles[t, 1, 0], triangles[t, 1, 1]
        cx, cy = triangles[t, 2, 0], triangles[t, 2, 1]
        ha, hb, hc = heights[ay, ax], heights[by, bx], heights[cy, cx]
        area = float((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
        for row in range(finer * min(ay, by, cy), finer * max(ay, by, cy) + 1):
            for column in range(finer * min(ax, bx, cx), finer * max(ax, bx, cx) + 1):
                x, y = column / finer, row / finer
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                w = 1 - u - v
                if min(u, v, w) > -1e-9:
                    out[row, column] = u * ha + v * hb + w * hc
    return out
