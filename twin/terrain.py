"""Ground heights: read off the terrain grid, and turned into the park's frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.crs import Frame
from twin.model import Park, Terrain


def height_at(terrain: Terrain, xy: ArrayLike) -> NDArray[np.float64]:
    """Ground height at each point, bilinear between grid nodes.

    Parameters
    ----------
    terrain
        The grid.
    xy
        Points (n, 2). [m, enu]

    Returns
    -------
    Heights (n,). [m, park datum]; NaN outside the grid and beside unknown nodes.
    """
    points = np.asarray(xy, float).reshape(-1, 2)
    rows, columns = terrain.heights.shape
    if rows < 2 or columns < 2:
        return np.full(len(points), np.nan)
    u = (points[:, 0] - terrain.x0_m) / terrain.step_m
    v = (points[:, 1] - terrain.y0_m) / terrain.step_m
    inside = (u >= 0) & (u <= columns - 1) & (v >= 0) & (v <= rows - 1)
    i = np.clip(np.nan_to_num(v).astype(int), 0, rows - 2)
    j = np.clip(np.nan_to_num(u).astype(int), 0, columns - 2)
    s, t = u - j, v - i
    z = terrain.heights.astype(float)
    height = (1 - t) * ((1 - s) * z[i, j] + s * z[i, j + 1]) + t * ((1 - s) * z[i + 1, j] + s * z[i + 1, j + 1])
    return np.where(inside, height, np.nan)


def ground_height(park: Park, terrain: Terrain | None, xy: ArrayLike) -> NDArray[np.float64]:
    """Ground height (n,) [m, park datum] at points (n, 2) [m, enu].

    Beyond the grid its edge goes on; where the grid does not know, its mean counts; without terrain, the height of the park's origin.
    """
    points = np.asarray(xy, float).reshape(-1, 2)
    if terrain is None or np.isnan(terrain.heights).all():
        return np.full(len(points), park.frame.h_m)
    rows, columns = terrain.heights.shape
    low = np.array([terrain.x0_m, terrain.y0_m])
    high = low + terrain.step_m * np.array([columns - 1, rows - 1])
    return np.nan_to_num(height_at(terrain, np.clip(points, low, high)), nan=float(np.nanmean(terrain.heights)))


def ground_z(park: Park, terrain: Terrain | None, xy: ArrayLike) -> NDArray[np.float64]:
    """z of the ground (n,) [m, enu] at points (n, 2) [m, enu]; the height of the park's origin where no terrain is known."""
    points = np.asarray(xy, float).reshape(-1, 2)
    return z_of_height(park.frame, points, ground_height(park, terrain, points))


def z_of_height(frame: Frame, xy: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """z (n,) [m, enu] of points (n, 2) [m, enu] at `height` (n,) [m, park datum], the earth's curvature included."""
    points = np.asarray(xy, float).reshape(-1, 2)
    lonlat = frame.to_lonlat(points)
    lonlat[:, 2] = height
    return frame.to_enu(lonlat)[:, 2]
