"""Points gathered into cells of the file's own coordinates, part by part, and the heights and the outline made of the cells.

Of the ground a cell keeps its first few points, so that a median can be taken without reading the file twice; of the surface the
highest. How large the cells end up follows from the points: a couple in each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio import Affine
from rasterio.features import shapes

from importers.lasfile import Box, Points
from twin.terrain import filled

GROUND, NOISE = 2, (7, 18)  # classes of LAS 1.4 R15, table 17
KEPT = 9  # ground points a cell keeps
MOST_CELLS = 4_000_000
ENOUGH = 2.0  # points in an occupied cell, on average
_FACTORS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_REACH = 2  # halvings: gaps of the ground up to four cells wide are closed
_SPIKE_M, _MAST_M = 1.5, 30.0  # off all neighbours: a wrong ground point; a bird or noise above the surface
_OUTLINE_CELLS = 128  # along the longer side


@dataclass
class Cells:
    """Cells of a box, row 0 in the south: how many points, the first few of the ground, the highest of the surface."""

    low: NDArray[np.float64]  # (2,) south-west corner
    size: NDArray[np.float64]  # (2,) of a cell, in the file's unit
    rows: int
    columns: int
    counts: NDArray[np.int32] = field(init=False)
    ground_counts: NDArray[np.int32] = field(init=False)
    ground: NDArray[np.float32] = field(init=False)
    top: NDArray[np.float32] = field(init=False)
    classes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(256, np.int64))
    z: list[float] = field(default_factory=lambda: [np.inf, -np.inf])
    time: list[float] = field(default_factory=lambda: [np.inf, -np.inf])
    strays: int = 0  # points beyond the box

    def __post_init__(self) -> None:
        n = self.rows * self.columns
        self.counts, self.ground_counts = np.zeros(n, np.int32), np.zeros(n, np.int32)
        self.ground, self.top = np.full((n, KEPT), np.nan, np.float32), np.full(n, -np.inf, np.float32)


def cells_of(box: Box, least: NDArray[np.float64], count: int) -> Cells:
    """Empty cells over a box, no smaller than `least` (2,), and no more than can be held or than the points can fill."""
    low, span = box[0], np.maximum(box[1] - box[0], least)
    area = float(np.prod(span / least))  # in least cells
    k = max(1.0, np.sqrt(area / MOST_CELLS), np.sqrt(ENOUGH * area / max(count, 1)) / 8)
    size = least * k
    columns, rows = (np.floor(span / size).astype(int) + 1).tolist()
    return Cells(low, size, rows, columns)


def add(cells: Cells, points: Points, *, is_ground: bool) -> None:
    """Gather points; `is_ground` takes all of them for ground, whatever their class."""
    np.add(cells.classes, np.bincount(points.classes, minlength=256), out=cells.classes)
    place = np.floor((points.xyz[:, :2] - cells.low) / cells.size)
    inside = np.all((place >= 0) & (place < [cells.columns, cells.rows]), axis=1)
    cells.strays += int(len(inside) - inside.sum())
    solid = inside & ~np.isin(points.classes, NOISE)
    if not solid.any():
        return
    index = (place[:, 1] * cells.columns + place[:, 0])[solid].astype(np.int64)
    z, first = points.xyz[solid, 2], points.is_first[solid]
    cells.counts += np.bincount(index, minlength=len(cells.counts)).astype(np.int32)
    _widen(cells.z, z)
    if len(points.time):
        _widen(cells.time, points.time[solid])
    is_low = np.ones(len(z), bool) if is_ground else points.classes[solid] == GROUND
    _keep_ground(cells, index[is_low], z[is_low])
    _keep_top(cells, index[first], z[first])


def factor(counts: NDArray[np.int32], shape: tuple[int, int]) -> int:
    """How many cells along an edge make one that holds enough points."""
    for k in _FACTORS:
        blocks = _blocks(counts.reshape(shape), k, 0).sum(axis=(1, 3))
        if blocks.sum() >= ENOUGH * np.count_nonzero(blocks):
            return k
    return _FACTORS[-1]


def ground_heights(cells: Cells, cell_m: float, unit_m: float) -> tuple[NDArray[np.float32], int] | None:
    """Medians of the ground points of blocks of cells (r, c) in the file's unit, narrow gaps closed; and the cells along a block's edge.

    None where there is no ground point.
    """
    if not cells.ground_counts.any():
        return None
    shape = cells.rows, cells.columns
    k = factor(cells.ground_counts, shape)
    kept = cells.ground.reshape(*shape, KEPT)
    blocks = np.stack([_blocks(kept[:, :, i], k, np.nan) for i in range(KEPT)], axis=-1)  # (r, k, c, k, KEPT)
    rows, columns = blocks.shape[0], blocks.shape[2]
    heights = _medians(blocks.transpose(0, 2, 1, 3, 4).reshape(rows * columns, -1)).reshape(rows, columns)
    heights = _without_spikes(heights, cell_m * k / unit_m, unit_m)
    covered = closed(_blocks(cells.counts.reshape(shape), k, 0).sum(axis=(1, 3)) > 0, 2)
    return np.where(covered, filled(heights, reach=_REACH), heights), k


def surface_heights(cells: Cells, unit_m: float) -> tuple[NDArray[np.float32], int]:
    """Highest first returns of blocks of cells (r, c) in the file's unit, narrow gaps closed; and the cells along a block's edge."""
    shape = cells.rows, cells.columns
    k = factor(cells.counts, shape)
    heights = _blocks(cells.top.reshape(shape), k, -np.inf).max(axis=(1, 3))
    heights = np.where(np.isfinite(heights), heights, np.nan).astype(np.float32)
    around = np.fmax.reduce([_shifted(heights, i, j) for i, j in _NEIGHBOURS])
    heights[heights - around > _MAST_M / unit_m] = np.nan
    covered = closed(np.isfinite(heights), 2)
    return np.where(covered, filled(heights, reach=1), heights), k


def affine(cells: Cells, k: int) -> NDArray[np.float64]:
    """The map (3, 3) from column, row of blocks of k by k cells to the file's coordinates."""
    return np.array([[cells.size[0] * k, 0, cells.low[0]], [0, cells.size[1] * k, cells.low[1]], [0, 0, 1.0]])


def outline(cells: Cells) -> shapely.Geometry:
    """The ground the points cover, in the file's coordinates: the occupied cells, gaps closed."""
    shape = cells.rows, cells.columns
    k = max(factor(cells.counts, shape), -(-max(shape) // _OUTLINE_CELLS))
    covered = closed(_blocks(cells.counts.reshape(shape), k, 0).sum(axis=(1, 3)) > 0, 2)
    (a, _, c), (_, e, f), _ = affine(cells, k).tolist()
    parts = [shapely.geometry.shape(each) for each, _ in shapes(covered.astype(np.uint8), mask=covered, transform=Affine(a, 0, c, 0, e, f))]
    whole = shapely.union_all(parts)
    size = float(np.sqrt(a * e))
    return shapely.simplify(_without_pinholes(whole, 16 * size * size), 1.2 * size)


def closed(mask: NDArray[np.bool_], reach: int) -> NDArray[np.bool_]:
    """The mask with gaps up to twice the reach closed: grown by it and shrunk again."""
    grown = np.pad(mask, reach + 1)
    for _ in range(reach):
        grown = np.logical_or.reduce([grown, *(_shifted(grown, i, j) for i, j in _CROSS)])
    for _ in range(reach):
        grown = np.logical_and.reduce([grown, *(_shifted(grown, i, j) for i, j in _CROSS)])
    return grown[reach + 1 : -reach - 1, reach + 1 : -reach - 1] | mask


def tight_box(cells: Cells) -> Box:
    """The box of all but the outermost points, one in two thousand at each side, with a margin of a tenth."""
    counts = cells.counts.reshape(cells.rows, cells.columns)
    low, high = np.empty(2), np.empty(2)
    for axis in (0, 1):
        share = np.cumsum(counts.sum(axis=axis)) / max(1, counts.sum())
        first, last = int(np.searchsorted(share, 0.0005)), int(np.searchsorted(share, 0.9995)) + 1
        margin = max(2, (last - first) // 10)
        low[axis] = cells.low[axis] + max(0, first - margin) * cells.size[axis]
        high[axis] = cells.low[axis] + min(len(share), last + margin) * cells.size[axis]
    return low, high


_CROSS = ((0, 1), (0, -1), (1, 0), (-1, 0))
_NEIGHBOURS = (*_CROSS, (1, 1), (1, -1), (-1, 1), (-1, -1))


def _keep_ground(cells: Cells, index: NDArray[np.int64], z: NDArray[np.float64]) -> None:
    if not len(index):
        return
    order = np.argsort(index, kind="stable")
    index, z = index[order], z[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    rank = np.arange(len(index)) - np.repeat(starts, np.diff(starts, append=len(index)))  # (n,) place among those of its cell
    slot = cells.ground_counts[index] + rank
    free = slot < KEPT
    cells.ground[index[free], slot[free]] = z[free]
    cells.ground_counts += np.bincount(index, minlength=len(cells.ground_counts)).astype(np.int32)


def _keep_top(cells: Cells, index: NDArray[np.int64], z: NDArray[np.float64]) -> None:
    if not len(index):
        return
    order = np.argsort(index, kind="stable")
    index, z = index[order], z[order]
    starts = np.flatnonzero(np.diff(index, prepend=-1))
    place = index[starts]
    cells.top[place] = np.maximum(cells.top[place], np.maximum.reduceat(z, starts).astype(np.float32))


def _widen(ends: list[float], values: NDArray[np.float64]) -> None:
    ends[:] = [min(ends[0], float(values.min())), max(ends[1], float(values.max()))]


def _blocks(values: NDArray[Any], k: int, empty: float) -> NDArray[Any]:
    """The grid (R, C) as blocks (r, k, c, k), filled up with `empty`."""
    rows, columns = values.shape
    whole = np.pad(values, ((0, -rows % k), (0, -columns % k)), constant_values=empty) if k > 1 else values
    return whole.reshape(whole.shape[0] // k, k, whole.shape[1] // k, k)


def _medians(values: NDArray[Any]) -> NDArray[np.float32]:
    """The median of the known values of each row (n, m); NaN where there are none."""
    count = np.isfinite(values).sum(axis=1)
    ranked = np.sort(values, axis=1)  # the unknown come last
    row = np.arange(len(values))
    low, high = ranked[row, np.maximum(count - 1, 0) // 2], ranked[row, np.minimum(count // 2, values.shape[1] - 1)]
    return np.where(count > 0, np.where(count % 2 == 1, low, (low + high) / 2), np.nan).astype(np.float32)


def _without_spikes(heights: NDArray[np.float32], cell: float, unit_m: float) -> NDArray[np.float32]:
    """The grid less nodes that stand off all around them, farther than ground can between two nodes."""
    around = np.stack([_shifted(heights, i, j) for i, j in _NEIGHBOURS])
    known = np.isfinite(around)
    mean = np.where(known, around, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    odd = (known.sum(axis=0) >= 3) & (np.abs(heights - mean) > 1.0 / unit_m)
    some = around[:, odd].T  # (m, 8)
    middle = _medians(some)
    spread = _medians(np.abs(some - middle[:, None]))
    limit = np.maximum(max(_SPIKE_M / unit_m, cell), 5 * 1.4826 * spread)  # 1.4826: of a normal distribution to its standard deviation
    out = heights.copy()
    out[odd] = np.where(np.abs(heights[odd] - middle) > limit, np.nan, heights[odd])
    return out


def _shifted(values: NDArray[Any], i: int, j: int) -> NDArray[Any]:
    """The grid moved by i rows and j columns; what comes in is unknown, or false."""
    empty = np.nan if values.dtype.kind == "f" else False
    rows, columns = values.shape
    whole = np.pad(values, 1, constant_values=empty)
    return whole[1 - i : 1 - i + rows, 1 - j : 1 - j + columns]


def _without_pinholes(shape: shapely.Geometry, least: float) -> shapely.Geometry:
    """An area without holes and parts smaller than `least`."""
    parts = [
        shapely.Polygon(part.exterior, [ring for ring in part.interiors if shapely.Polygon(ring).area >= least])
        for part in shapely.get_parts(shape)
    ]
    large = [part for part in parts if part.area >= least / 4]
    return shapely.union_all(large or parts)
