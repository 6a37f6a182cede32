"""Ground heights: several grids seen as one, read at a point, and turned into the park's frame."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.crs import Frame
from twin.model import Park, Terrain

MOST_NODES = 16_000_000  # of a merged grid: 4 km by 4 km at 1 m, 64 MB

_WHOLE: dict[int, NDArray[np.float32]] = {}  # heights without gaps, by the identity of their terrain; gone with it


def merged(terrains: Sequence[Terrain]) -> Terrain | None:
    """One terrain that knows what any of several of one role knows: the finer over the coarser, of equal ones the later.

    Neighbours on one lattice become one grid. Where lattices differ the grids are kept as `detail` beside a grid of the finest step over
    all of them (coarser where that would be more than MOST_NODES), so that `height_at` gives each one's own value. None where there
    are none.
    """
    numbered = [(each.step_m, -place, each) for place, each in enumerate(terrains) if each.heights.size]
    ranked = [each for _, _, each in sorted(numbered, key=lambda entry: entry[:2])]
    groups: list[list[Terrain]] = []
    for each in ranked:
        group = next((group for group in groups if _on_one_lattice(group[0], each)), None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    grids = [_laid(group) for group in groups]
    if len(grids) < 2:
        return grids[0] if grids else None
    parts = [part for grid in grids for part in (grid.detail or (grid,))]
    return replace(_laid(parts), detail=tuple(parts))


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
    if not terrain.detail:
        return _bilinear(terrain, terrain.heights, points)
    height = np.full(len(points), np.nan)
    for each in (*terrain.detail, replace(terrain, detail=())):  # the merged grid closes the seams between neighbours
        unknown = np.isnan(height)
        if unknown.any():
            height[unknown] = _bilinear(each, each.heights, points[unknown])
    return height


def ground_height(park: Park, terrain: Terrain | None, xy: ArrayLike) -> NDArray[np.float64]:
    """Ground height (n,) [m, park datum] at points (n, 2) [m, enu].

    Beyond the grid its edge goes on; where the grid does not know, the heights around count; without terrain, the height of the park's
    origin.
    """
    points = np.asarray(xy, float).reshape(-1, 2)
    if terrain is None or np.isnan(terrain.heights).all():
        return np.full(len(points), park.frame.h_m)
    height = height_at(terrain, points)
    unknown = np.isnan(height)
    if unknown.any():
        rows, columns = terrain.heights.shape
        low = np.array([terrain.x0_m, terrain.y0_m])
        high = low + terrain.step_m * np.array([columns - 1, rows - 1])
        height[unknown] = _bilinear(terrain, _whole(terrain), np.clip(points[unknown], low, high))
    return height


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


def filled(heights: NDArray[np.float32], *, reach: int | None = None) -> NDArray[np.float32]:
    """The grid with unknown nodes (NaN) given the heights around them, by halving the grid until they are known and going back.

    Parameters
    ----------
    heights
        Grid (rows, columns). [m]
    reach
        How many times to halve: gaps up to 2**reach nodes wide are closed, wider ones only at their rim; None closes all.

    Returns
    -------
    Grid (rows, columns). [m]; NaN only beyond the reach, or where nothing is known at all.
    """
    unknown = np.isnan(heights)
    if not unknown.any() or unknown.all() or reach == 0:
        return heights
    rows, columns = heights.shape
    even = np.pad(heights, ((0, rows % 2), (0, columns % 2)), constant_values=np.nan)
    blocks = even.reshape(even.shape[0] // 2, 2, even.shape[1] // 2, 2)
    counts = np.isfinite(blocks).sum(axis=(1, 3))
    half = (np.nansum(blocks, axis=(1, 3)) / np.where(counts, counts, np.nan)).astype(np.float32)
    half = filled(half, reach=None if reach is None else reach - 1)
    i, j = np.nonzero(unknown)
    out = heights.copy()
    out[i, j] = _between(half, (i - 0.5) / 2, (j - 0.5) / 2)
    return out


def _laid(ranked: Sequence[Terrain]) -> Terrain:
    """One grid of what all terrains know, the first on top; they are its detail where its step is wider than that of the first."""
    first = ranked[0]
    if len(ranked) == 1:
        return first
    step, low, shape = _lattice(ranked)
    heights = np.full(shape, np.nan, np.float32)
    for each in reversed(ranked):
        _lay(each, heights, low, step)
    return Terrain(float(low[0]), float(low[1]), step, heights, first.role, () if step == first.step_m else tuple(ranked))


def _lattice(ranked: Sequence[Terrain]) -> tuple[float, NDArray[np.float64], tuple[int, int]]:
    """Step, south-west node (2,) and shape (rows, columns) of the grid over all terrains, on the nodes of the first."""
    first = ranked[0]
    anchor = np.array([first.x0_m, first.y0_m])
    low, high = np.min([_rim(each)[0] for each in ranked], axis=0), np.max([_rim(each)[1] for each in ranked], axis=0)
    nodes = float(np.prod((high - low) / first.step_m + 1))
    step = first.step_m * max(1.0, float(np.ceil(np.sqrt(nodes / MOST_NODES))))
    low = anchor - step * np.ceil(np.round((anchor - low) / step, 6))
    columns, rows = (np.ceil(np.round((high - low) / step, 6)).astype(int) + 1).tolist()
    return step, low, (rows, columns)


def _rim(terrain: Terrain) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = terrain.heights.shape
    low = np.array([terrain.x0_m, terrain.y0_m])
    return low, low + terrain.step_m * np.array([columns - 1, rows - 1])


def _lay(terrain: Terrain, heights: NDArray[np.float32], low: NDArray[np.float64], step: float) -> None:
    """Write what a terrain knows into the nodes (rows, columns) of a grid that begins at `low`, over what is there."""
    rows, columns = heights.shape
    south_west, north_east = _rim(terrain)
    j0, i0 = np.maximum(np.ceil(np.round((south_west - low) / step, 6)).astype(int), 0).tolist()
    j1, i1 = np.minimum(np.floor(np.round((north_east - low) / step, 6)).astype(int), [columns - 1, rows - 1]).tolist()
    x = low[0] + step * np.arange(j0, j1 + 1)
    for start in range(i0, i1 + 1, 256):  # by bands of rows, so that little is held at once
        y = low[1] + step * np.arange(start, min(start + 256, i1 + 1))
        points = np.column_stack([np.tile(x, len(y)), np.repeat(y, len(x))])
        found = height_at(terrain, points).reshape(len(y), len(x))
        band = heights[start : start + len(y), j0 : j1 + 1]
        band[...] = np.where(np.isfinite(found), found, band)


def _on_one_lattice(one: Terrain, other: Terrain) -> bool:
    """Whether the nodes of both are nodes of one grid of their step."""
    offset = np.array([one.x0_m - other.x0_m, one.y0_m - other.y0_m]) / one.step_m
    plain = not one.detail and not other.detail
    return bool(plain and abs(one.step_m - other.step_m) < 1e-9 and np.allclose(offset, np.round(offset), atol=1e-4))


def _whole(terrain: Terrain) -> NDArray[np.float32]:
    key = id(terrain)
    if key not in _WHOLE:
        _WHOLE[key] = filled(terrain.heights)
        weakref.finalize(terrain, _WHOLE.pop, key, None)
    return _WHOLE[key]


def _bilinear(terrain: Terrain, heights: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = heights.shape
    if rows < 2 or columns < 2:
        return np.full(len(points), np.nan)
    u = (points[:, 0] - terrain.x0_m) / terrain.step_m
    v = (points[:, 1] - terrain.y0_m) / terrain.step_m
    slack = 1e-9 * max(rows, columns)  # a point on the rim stays on it in spite of rounding
    inside = (u >= -slack) & (u <= columns - 1 + slack) & (v >= -slack) & (v <= rows - 1 + slack)
    return np.where(inside, _between(heights, np.nan_to_num(v), np.nan_to_num(u)), np.nan)


def _between(heights: NDArray[np.float32], v: NDArray[np.float64], u: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear values (n,) at fractional rows and columns, held at the rim. An unknown node counts only where it has a share."""
    rows, columns = heights.shape
    u, v = np.clip(u, 0, columns - 1), np.clip(v, 0, rows - 1)
    i, j = np.minimum(v.astype(int), max(rows - 2, 0)), np.minimum(u.astype(int), max(columns - 2, 0))
    s, t = u - j, v - i
    below, right = np.minimum(i + 1, rows - 1), np.minimum(j + 1, columns - 1)
    total = np.zeros(len(u))
    for row, column, share in ((i, j, (1 - s) * (1 - t)), (i, right, s * (1 - t)), (below, j, (1 - s) * t), (below, right, s * t)):
        total += np.where(share > 1e-9, share * heights[row, column], 0.0)
    return total
