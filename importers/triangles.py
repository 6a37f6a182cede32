"""Heights of triangles at the nodes of a lattice: exact, by each node's shares in the corners of the triangle it lies in."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from importers.ground import Lattice

_TRIED = 4_000_000  # pairs of triangle and node looked at together
_SLACK = 1e-9  # a node on the common edge of two triangles belongs to one of them at least


def draw(
    out: NDArray[np.float64], nodes: Lattice, xy: NDArray[np.float64], heights: NDArray[np.float64], triangles: NDArray[np.int64]
) -> None:
    """Put the heights of a mesh into the nodes of a lattice that it covers.

    Parameters
    ----------
    out
        Heights at the nodes (rows · columns,), from the south-west row by row; those no triangle covers stay. [m]
    nodes
        The lattice.
    xy
        Corners (v, 2). [m, enu]
    heights
        Their heights (v,). [m]
    triangles
        Corners of each triangle (t, 3).
    """
    grid = (xy - [nodes.x0_m, nodes.y0_m]) / nodes.step_m  # (v, 2) in columns and rows
    corners = grid[triangles]  # (t, 3, 2)
    low = np.maximum(np.ceil(corners.min(axis=1) - 1e-6).astype(np.int64), 0)
    high = np.minimum(np.floor(corners.max(axis=1) + 1e-6).astype(np.int64), [nodes.columns - 1, nodes.rows - 1])
    span = np.maximum(high - low + 1, 0)
    tried = span[:, 0] * span[:, 1]
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    seen = np.flatnonzero((tried > 0) & (np.abs(area) > 1e-12))
    for start, end in _batches(tried[seen]):
        _fill(out, nodes.columns, seen[start:end], (corners, heights[triangles], low, span, area))


def _fill(out: NDArray[np.float64], columns: int, some: NDArray[np.intp], mesh: tuple[NDArray[np.float64], ...]) -> None:
    """Put the heights of some triangles into the nodes (rows · columns,) they cover."""
    corners, heights, low, span, area = (each[some] for each in mesh)
    count = (span[:, 0] * span[:, 1]).astype(np.int64)
    which = np.repeat(np.arange(len(some)), count)  # (n,) the triangle of each pair
    place = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    wide = span[which, 0].astype(np.int64)
    node = np.column_stack([low[which, 0] + place % wide, low[which, 1] + place // wide])  # (n, 2) column, row
    a, b, c = (corners[which, k] for k in range(3))
    share_b = _cross(node - a, c - a) / area[which]
    share_c = _cross(b - a, node - a) / area[which]
    share_a = 1.0 - share_b - share_c
    inside = (share_a >= -_SLACK) & (share_b >= -_SLACK) & (share_c >= -_SLACK)
    h = (np.column_stack([share_a, share_b, share_c]) * heights[which]).sum(axis=1)
    out[(node[:, 1] * columns + node[:, 0])[inside].astype(np.int64)] = h[inside]


def _batches(sizes: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Ranges of triangles with no more pairs together than can be held; one at least in each."""
    ends = np.searchsorted(np.arange(_TRIED, sizes.sum() + _TRIED, _TRIED), np.cumsum(sizes))
    starts = np.flatnonzero(np.diff(ends, prepend=-1))
    return list(zip(starts.tolist(), [*starts[1:].tolist(), len(sizes)], strict=True)) if len(sizes) else []


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
