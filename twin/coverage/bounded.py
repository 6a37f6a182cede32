"""Covered area as a number between two bounds: cells are judged, and cut where judging the whole could not decide.

A cell that is covered everywhere even in the worst case counts for the lower bound, one that may be covered somewhere in the best
case for the upper one, and the value is the area of the cells that are covered at their point:

        lower = sure area <= value <= possible area = upper

Cells that are mixed, so that smaller ones could tell more, are quartered, down to a least size and within a budget of cells.
Where nothing more can be told by cutting (an unknown material, a default power) the bounds stay apart, as they should.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.cells import Cells, select, split

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
T = TypeVar("T")

PULL_M = 0.01  # corners of a border cell are drawn inwards this far: the border often is the face of a wall


class Judged(Protocol):
    """What is known of n cells."""

    @property
    def covered(self) -> BoolArray:
        """Covered at the cell's point, likely case (n,)."""
        ...

    @property
    def sure(self) -> BoolArray:
        """Covered everywhere in the cell, worst case (n,)."""
        ...

    @property
    def possible(self) -> BoolArray:
        """Covered somewhere in the cell, best case (n,)."""
        ...

    @property
    def mixed(self) -> BoolArray:
        """Cutting the cell could tell more (n,)."""
        ...


@dataclass(frozen=True)
class Before:
    """What was known of the cells that n cells were cut from."""

    known: Any  # what the judge said of them
    row: IntArray  # (n,) of each


Judge = Callable[[Cells, Before | None], Judged]


@dataclass(frozen=True)
class Areas:
    """Covered area of n cells: likely, surely and possibly (n,) [m2], and how the cutting went."""

    covered: FloatArray
    sure: FloatArray
    possible: FloatArray
    judged: int  # cells judged, whole and cut
    undecided_m2: float  # area of cells still mixed when cutting ended
    convergence: float  # |share before cutting - share after| [1]
    doubt: tuple[float, float] = (0.0, 0.0)  # of `undecided_m2`, what counts as covered by the cells' points, and what does not [m2]
    cuts: IntArray = field(default_factory=lambda: np.empty(0, np.int64))  # (n,) how often a cell and its parts were cut

    def fits(self, budget: int) -> bool:
        """Whether every cell was cut as far as it would have been alone, whatever was asked of the others."""
        return 4 * (int(self.cuts.sum()) + 1) <= budget  # where cutting was stopped, fewer than four cells were left

    def with_some(self, cells: IntArray, other: Areas) -> Areas:
        """The same with some cells (k,) as they are among others alone."""
        out = replace(self, covered=self.covered.copy(), sure=self.sure.copy(), possible=self.possible.copy(), cuts=self.cuts.copy())
        out.covered[cells], out.sure[cells], out.possible[cells], out.cuts[cells] = other.covered, other.sure, other.possible, other.cuts
        return out


@dataclass(frozen=True)
class Probes:
    """The points at which n cells are looked at: for each its own point first, then its corners."""

    points: FloatArray  # (p, 3) [m, enu]
    cell: IntArray  # (p,)
    start: IntArray  # (n,) index of each cell's own point


@dataclass(frozen=True)
class Ranges:
    """Least and greatest distance from n places to n cells, over all points of each: along the ground and in space (n,) [m]."""

    near_2d: FloatArray
    far_2d: FloatArray
    near_3d: FloatArray
    far_3d: FloatArray


def areas(cells: Cells, first: Judged, judge: Judge, *, least_m: float, budget: int) -> Areas:
    """Covered area of cells with its bounds.

    Parameters
    ----------
    cells
        n cells.
    first
        What is known of them.
    judge
        What is known of any cells of the same surface, told what was known of the cells they are cut from.
    least_m
        Cells with edges of less than twice this are not cut. [m]
    budget
        How many cells may be judged beyond the first. [count]
    """
    covered, sure, possible = (np.zeros(len(cells)) for _ in range(3))
    cuts = np.zeros(len(cells), np.int64)
    whole, level, known, parts = np.arange(len(cells)), cells, first, 0
    doubt, coarse = np.zeros(2), float(cells.area[first.covered].sum())
    while len(level):
        cut = known.mixed & (level.half >= least_m)
        room = (budget - parts) // 4
        cut[np.flatnonzero(cut)[max(room, 0) :]] = False
        leaf = ~cut
        np.add.at(cuts, whole[cut], 1)
        for total, counts in ((covered, known.covered), (sure, known.sure), (possible, known.possible)):
            np.add.at(total, whole[leaf & counts], level.area[leaf & counts])
        open_ = leaf & known.mixed
        doubt += (float(level.area[open_ & known.covered].sum()), float(level.area[open_ & ~known.covered].sum()))
        if not cut.any():
            break
        # the number of the cell travels in `piece` while it is cut
        parts_of = split(replace(level, piece=np.arange(len(level), dtype=np.int32)), cut)
        row = parts_of.piece.astype(np.int64)
        level, whole, parts = replace(parts_of, piece=level.piece[row]), whole[row], parts + len(row)
        known = judge(level, Before(known, row))
    total_area = float(cells.area.sum())
    drift = abs(coarse - float(covered.sum())) / total_area if total_area > 0 else 0.0
    return Areas(covered, sure, possible, len(cells) + parts, float(doubt.sum()), drift, (float(doubt[0]), float(doubt[1])), cuts)


def probes(cells: Cells) -> Probes:
    """Each cell's own point and its corners: of the square, or of what the surface's border leaves of it."""
    n = len(cells)
    own = cells.representative  # (n, 3)
    border = cells.outline != np.array(None)
    sign = np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]])
    whole = np.flatnonzero(~border)
    corners = (cells.centre[whole, None, :2] + sign * cells.half[whole, None, None]).reshape(-1, 2)
    edge, edge_cell = shapely.get_coordinates(cells.outline[border], return_index=True)
    edge_cell = np.flatnonzero(border)[edge_cell]
    inward = own[edge_cell, :2] - edge
    edge = edge + inward * np.minimum(PULL_M / np.maximum(np.linalg.norm(inward, axis=1, keepdims=True), 1e-12), 1.0)
    cell = np.concatenate([np.arange(n), np.repeat(whole, 4), edge_cell])
    flat = np.concatenate([own[:, :2], corners, edge])
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    points = np.column_stack([flat[order], own[cell, 2]])
    return Probes(points, cell, np.searchsorted(cell, np.arange(n)))


def chosen(looked: Probes, cells: IntArray) -> Probes:
    """The points of some cells (k,), which are numbered anew from 0."""
    end = np.append(looked.start[1:], len(looked.points))
    count = (end - looked.start)[cells]
    start = np.concatenate([[0], np.cumsum(count)[:-1]]).astype(np.int64) if len(cells) else np.empty(0, np.int64)
    cell = np.repeat(np.arange(len(cells)), count)
    return Probes(looked.points[looked.start[cells][cell] + np.arange(len(cell)) - start[cell]], cell, start)


def extremes(looked: Probes, values: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least and greatest of values (p, ...) over the points of each cell: (n, ...), (n, ...)."""
    if not len(looked.start):
        return values[:0], values[:0]
    return np.minimum.reduceat(values, looked.start, axis=0), np.maximum.reduceat(values, looked.start, axis=0)


def ranges(places: FloatArray, cells: Cells) -> Ranges:
    """How near and how far any point of each cell is to its place (n, 3), or to one place (3,) for all. [m, enu]"""
    offset = np.abs(cells.centre - places)  # (n, 3)
    flat_near = np.maximum(offset[:, :2] - cells.half[:, None], 0.0)
    flat_far = offset[:, :2] + cells.half[:, None]
    height = np.broadcast_to(np.asarray(places, float), cells.centre.shape)[:, 2]
    below, above = cells.z_range[:, 0] - height, cells.z_range[:, 1] - height
    rise_far = np.maximum(np.abs(below), np.abs(above))
    rise_near = np.maximum(np.maximum(below, -above), 0.0)
    near, far = np.hypot(flat_near[:, 0], flat_near[:, 1]), np.hypot(flat_far[:, 0], flat_far[:, 1])
    return Ranges(near, far, np.hypot(near, rise_near), np.hypot(far, rise_far))


def in_parts(cells: Cells, size: int, judge: Callable[[Cells, IntArray], T]) -> list[T]:
    """What `judge` says of the cells and their indices, in order, in parts of at most `size` that are judged side by side."""
    count = max(1, -(-len(cells) // max(size, 1)))
    indices = np.array_split(np.arange(len(cells)), count)
    if count == 1:
        return [judge(cells, indices[0])]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(lambda index: judge(select(cells, index), index), indices))
