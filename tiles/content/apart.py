"""How far two shapes are from each other at most."""

from __future__ import annotations

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from tiles.content.bodies import Bodies, Faces

Floats = NDArray[np.float64]
CELLS = 48  # along the larger shape


def apart(a: Bodies, b: Bodies) -> float:
    """No less than the Hausdorff distance of two surfaces, and more by six cells at most, of which so many lie along the larger. [m]

    Both are put on a grid of cells, where the nearest cell of the other is known for all at once (Maurer et al. 2003).
    """
    corners = np.concatenate([a.boxes, b.boxes]).reshape(-1, 3)
    low = corners.min(axis=0)
    cell = max(float(np.ptp(corners, axis=0).max()) / CELLS, 1e-6)
    shape = (np.floor(np.ptp(corners, axis=0) / cell) + 1).astype(int)
    grids = [_grid(each, low, cell, shape) for each in (a, b)]
    cells = max(_farthest(*grids), _farthest(*grids[::-1]))
    return (cells + 3**0.5 + 1) * cell  # two points lie in their cells by the diagonal, and a step from their samples


def _farthest(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """How far a cell of the one is from the nearest of the other at most, in cells."""
    away: Floats = np.asarray(distance_transform_edt(~other))
    return float(away[one].max())


def _grid(of: Bodies, low: Floats, cell: float, shape: NDArray[np.int_]) -> NDArray[np.bool_]:
    """The cells that samples of the surface lie in."""
    at = ((_sampled(of.vertices, of.faces, cell) - low) / cell).astype(np.int64)
    grid = np.zeros(tuple(shape), np.bool_)
    grid[tuple(np.clip(at, 0, shape - 1).T)] = True
    return grid


@numba.njit(cache=True, nogil=True)
def _sampled(vertices: Floats, faces: Faces, step: float) -> Floats:
    """Points (s, 3) on the triangles, the corners among them, no farther than a step from one another along an edge. [m]"""
    parts = np.zeros(len(faces), np.int64)
    total = 0
    for f in range(len(faces)):
        longest = 0.0
        for k in range(3):
            a, b = vertices[faces[f, k]], vertices[faces[f, (k + 1) % 3]]
            longest = max(longest, (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2)
        parts[f] = max(1, int(np.ceil(np.sqrt(longest) / step)))
        total += (parts[f] + 1) * (parts[f] + 2) // 2
    out, at = np.empty((total, 3)), 0
    for f in range(len(faces)):
        n = parts[f]
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        for i in range(n + 1):
            for j in range(n + 1 - i):
                for x in range(3):
                    out[at, x] = a[x] + (b[x] - a[x]) * (i / n) + (c[x] - a[x]) * (j / n)
                at += 1
    return out
