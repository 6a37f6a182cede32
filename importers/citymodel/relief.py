"""The ground as triangles onto the park's terrain grid."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from importers.ground import LEAST_STEP_M, MOST_NODES, lattice, round_step
from twin.crs import Frame
from twin.model import Terrain

Points = NDArray[np.float64]
_INSIDE = -1e-9  # barycentric coordinates down to this count as inside: nodes on an edge belong to both sides


def grid(triangles: Sequence[Points], frame: Frame) -> Terrain | None:
    """The heights of triangles, each array (t, 3, 3) [m, enu], at the nodes of a grid; None where none is hit.

    Where triangles lie over each other the upper one counts.
    """
    points = np.concatenate(triangles) if triangles else np.empty((0, 3, 3))
    h = frame.to_lonlat(points.reshape(-1, 3))[:, 2].reshape(-1, 3, 1)
    corners = np.concatenate([points, h], axis=2)  # (t, 3, 4) x, y, z, h
    a, b, c = corners[:, 0, :2], corners[:, 1, :2], corners[:, 2, :2]
    twice = np.abs((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))
    corners = corners[twice > 1e-9]
    if not len(corners):
        return None
    low, high = corners[:, :, :2].min(axis=(0, 1)), corners[:, :, :2].max(axis=(0, 1))
    edge = float(np.sqrt(np.median(twice[twice > 1e-9])))
    least = max(LEAST_STEP_M, float(np.sqrt(np.prod(np.maximum(high - low, 1.0)) / MOST_NODES)))
    step = round_step(max(least, min(edge / 2, 10.0)))
    nodes = lattice(low, high, step)
    heights = np.full((nodes.rows, nodes.columns), np.nan)
    _laid(heights, corners, nodes.x0_m, nodes.y0_m, nodes.step_m)
    return nodes.terrain(heights.ravel(), "ground") if np.isfinite(heights).any() else None


@numba.njit(cache=True, nogil=True)
def _laid(heights: Points, corners: Points, x0: float, y0: float, step: float) -> None:
    """Write the height of each triangle at the nodes it covers."""
    rows, columns = heights.shape
    for k in range(len(corners)):
        (ax, ay, ah), (bx, by, bh), (cx, cy, ch) = (
            (corners[k, 0, 0], corners[k, 0, 1], corners[k, 0, 3]),
            (corners[k, 1, 0], corners[k, 1, 1], corners[k, 1, 3]),
            (corners[k, 2, 0], corners[k, 2, 1], corners[k, 2, 3]),
        )
        whole = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        first_row = max(0, int(np.ceil((min(ay, by, cy) - y0) / step - 1e-6)))
        last_row = min(rows - 1, int(np.floor((max(ay, by, cy) - y0) / step + 1e-6)))
        first = max(0, int(np.ceil((min(ax, bx, cx) - x0) / step - 1e-6)))
        last = min(columns - 1, int(np.floor((max(ax, bx, cx) - x0) / step + 1e-6)))
        for i in range(first_row, last_row + 1):
            for j in range(first, last + 1):
                x, y = x0 + j * step, y0 + i * step
                v = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / whole
                w = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / whole
                if v >= _INSIDE and w >= _INSIDE and v + w <= 1.0 - _INSIDE:
                    h = ah + v * (bh - ah) + w * (ch - ah)
                    if not heights[i, j] >= h:
                        heights[i, j] = h
