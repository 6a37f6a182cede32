"""Heights on a grid of a file's own coordinates, carried to the nodes of a grid of the park's metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.contract import Context
from importers.ground import Carry, Lattice, below, check_near, converted, lattice, round_step
from importers.heights import Heights
from twin.crs import Frame, from_lonlat, to_lonlat
from twin.errors import UnreadableSource
from twin.model import Terrain

_CONTROL_M = 64.0
_LONLAT = "EPSG:4326"


@dataclass(frozen=True)
class HeightGrid:
    """Heights (r, c) in the file's unit, NaN where unknown; the map (3, 3) from column, row to coordinates, and their system."""

    values: NDArray[np.float32]
    affine: NDArray[np.float64]
    crs: str  # its horizontal part
    cell_m: float  # edge of a cell on the ground
    rim: NDArray[np.float64]  # (n, 2) points along its edge [m, enu]


def height_grid(
    values: NDArray[np.float32], affine: NDArray[np.float64], crs: str, frame: Frame, extent: tuple[float, float] | None = None
) -> HeightGrid:
    """The grid of these cells, which fill `extent` (rows, columns) of them where the last are incomplete."""
    rows, columns = extent or values.shape
    rim = mapped(affine, _rim_of_unit_square() * [columns, rows])
    cell = cell_size(affine, (rows, columns), crs, frame)
    return HeightGrid(values, affine, crs, cell, frame.to_enu(to_lonlat(rim, crs)[:, :2])[:, :2])


def terrain_on(grid: HeightGrid, role: str, rule: Heights, subject: object, context: Context) -> Terrain:
    """The grid of the park's metres that covers these heights, each node with their value at its place.

    Raises
    ------
    UnreadableSource
        If they lie far from the park, or there are none.
    """
    nodes = nodes_over(grid, subject, context.park.frame)
    mean = float(np.nanmean(grid.values, dtype=float)) * rule.way.unit_m
    carry = carrier(nodes, context.park.frame, mean, grid.crs)
    on_earth = carrier(nodes, context.park.frame, mean, _LONLAT) if rule.way.transformer is not None else carry
    out = np.empty(nodes.rows * nodes.columns, np.float32)
    at = 0
    for xy in nodes.parts():
        out[at : at + len(xy)] = converted(rule, on_earth, xy, sampled(grid, carry(xy)))
        at += len(xy)
    return known(nodes.terrain(out, role), subject)


def carrier(nodes: Lattice, frame: Frame, height_m: float, crs: str) -> Carry:
    """A function from points (n, 2) [m, enu] of a lattice to the coordinates (n, 2) in `crs` of the ground below, at a mean height.

    It is exact at points 64 m apart and bilinear between them: of the Earth's curvature that leaves out a tenth of a millimetre.
    """
    low = np.array([nodes.x0_m, nodes.y0_m])
    span = nodes.step_m * np.array([nodes.columns - 1, nodes.rows - 1])
    columns, rows = (np.ceil(span / _CONTROL_M).astype(int) + 1).tolist()
    x, y = np.meshgrid(np.linspace(0, span[0], columns), np.linspace(0, span[1], rows))
    lonlat = below(frame, np.column_stack([x.ravel(), y.ravel()]) + low, height_m)
    there = from_lonlat(lonlat, crs).T.reshape(2, rows, columns)
    scale = np.array([columns - 1, rows - 1]) / np.maximum(span, 1e-9)

    def carry(xy: NDArray[np.float64]) -> NDArray[np.float64]:
        u, v = (xy[:, 0] - low[0]) * scale[0], (xy[:, 1] - low[1]) * scale[1]
        i, j = np.minimum(v.astype(int), rows - 2), np.minimum(u.astype(int), columns - 2)
        s, t = u - j, v - i
        south = there[:, i, j] * (1 - s) + there[:, i, j + 1] * s  # (2, n)
        north = there[:, i + 1, j] * (1 - s) + there[:, i + 1, j + 1] * s
        return (south * (1 - t) + north * t).T

    return carry


def nodes_over(grid: HeightGrid, subject: object, frame: Frame) -> Lattice:
    """The lattice over a grid, if that lies near and has any height."""
    if np.isnan(grid.values).all():
        raise UnreadableSource("raster_no_heights", subject=subject)
    holds_origin = shapely.contains_xy(shapely.MultiPoint(grid.rim).convex_hull, 0.0, 0.0)
    if not holds_origin:
        check_near(subject, float(np.linalg.norm(grid.rim, axis=1).min()), box_of(grid.affine, grid.values.shape), frame)
    return lattice(grid.rim.min(0), grid.rim.max(0), round_step(grid.cell_m))


def known(terrain: Terrain, subject: object) -> Terrain:
    """The terrain, if it has any height."""
    if np.isnan(terrain.heights).all():
        raise UnreadableSource("raster_no_heights", subject=subject)
    return terrain


def box_of(affine: NDArray[np.float64], shape: tuple[int, ...]) -> tuple[float, float, float, float]:
    """xmin, ymin, xmax, ymax of a grid of (rows, columns) cells in the file's coordinates."""
    rows, columns = shape[:2]
    corners = mapped(affine, np.array([[0, 0], [columns, 0], [columns, rows], [0, rows]], float))
    (xmin, ymin), (xmax, ymax) = corners.min(0).tolist(), corners.max(0).tolist()
    return xmin, ymin, xmax, ymax


def mapped(affine: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 2) through an affine map (3, 3)."""
    (a, b, c), (d, e, f), _ = affine.tolist()
    x, y = points.T
    return np.column_stack([a * x + b * y + c, d * x + e * y + f])  # quicker than a product of matrices with so few columns


def sampled(grid: HeightGrid, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bilinear heights (n,) at points (n, 2) in the file's coordinates; unknown neighbours do not count, but an unknown nearest cell or the
    outside is NaN.
    """
    column, row = mapped(np.linalg.inv(grid.affine).astype(np.float64), points).T
    rows, columns = grid.values.shape
    inside = (column >= 0) & (column <= columns) & (row >= 0) & (row <= rows)
    u, v = np.clip(np.nan_to_num(column) - 0.5, 0, columns - 1), np.clip(np.nan_to_num(row) - 0.5, 0, rows - 1)  # cell centres
    j, i = u.astype(int), v.astype(int)
    s, t = u - j, v - i
    total = np.zeros(len(u))
    weight = np.zeros(len(u))
    for di, dj, share in ((0, 0, (1 - s) * (1 - t)), (0, 1, s * (1 - t)), (1, 0, (1 - s) * t), (1, 1, s * t)):
        value = grid.values[np.minimum(i + di, rows - 1), np.minimum(j + dj, columns - 1)]
        known = np.isfinite(value)
        total += np.where(known, share * value, 0.0)
        weight += np.where(known, share, 0.0)
    nearest = grid.values[np.round(v).astype(int), np.round(u).astype(int)]
    good = inside & np.isfinite(nearest) & (weight > 0)
    return np.where(good, total / np.where(weight > 0, weight, 1.0), np.nan)


def cell_size(affine: NDArray[np.float64], shape: tuple[float, float], crs: str, frame: Frame) -> float:
    """The edge of a cell in the middle of a grid of (rows, columns), on the ground. [m]"""
    row, column = shape[0] / 2, shape[1] / 2
    pixels = np.array([[column, row], [column + 1, row], [column, row + 1]])
    enu = frame.to_enu(to_lonlat(mapped(affine, pixels), crs)[:, :2])
    edges = np.linalg.norm(enu[1:] - enu[0], axis=1)
    return float(np.sqrt(edges[0] * edges[1]))


def _rim_of_unit_square() -> NDArray[np.float64]:
    along = np.linspace(0, 1, 33)
    rim = [np.column_stack([along, np.full(33, edge)]) for edge in (0, 1)]
    return np.concatenate([*rim, *(part[:, ::-1] for part in rim)])
