"""Cells made exact by shadow polygons, where every camera that reaches them draws one; elsewhere the certified cells speak alone.

A cell that is decided stays as it is. One that a shore cuts through gets the area of its part inside the polygons. What is said of a cell
follows from the cameras that reach it and from nothing else, so that counting again where one camera changed gives, bit for bit, what
counting everywhere would. The two engines check each other: by how much polygons and cells contradict each other is told, and where they
do, the cells' value stands, and the bounds hold what either says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.shadows import Seen, at_least

FloatArray = NDArray[np.float64]
Drawn = Mapping[int, Seen]  # piece of the surface -> what a camera sees of its plane; a piece is missing where it draws no polygon there

RIM_M = 1e-3  # cells leave rims this wide to rounding, along each of their sides
SLIVER_M2 = 1e-6  # cells that are no larger than what rounding makes of them


@dataclass(frozen=True)
class Sharpened:
    """Area of t cells that is covered, surely, by best knowledge, at most; where polygons spoke; by how much the engines contradict."""

    area: FloatArray  # (t, 3) [m2]
    exact: NDArray[np.bool_]  # (t,) reached by cameras that all draw polygons there, and do not contradict the cells
    apart: FloatArray  # (t,) how far the bounds of the two fail to meet; 0: they do not contradict each other [m2]


def sharpened(
    cells: Cells,
    area: FloatArray,
    reached: Sequence[NDArray[np.int32]],
    drawn: Sequence[Drawn],
    k: int,
    chosen: NDArray[Any] | None = None,
) -> Sharpened:
    """The areas of cells, exact where polygons allow it.

    Parameters
    ----------
    cells
        The cells of a surface.
    area
        What certified cells say: covered area for certain, by best knowledge, perhaps (t, 3), of the chosen cells. [m2]
    reached
        The cells that each camera reaches, ascending.
    drawn
        The polygons of each camera; none where it draws none.
    k
        How many cameras must cover a place.
    chosen
        Which cells, ascending (t,); all where none are named.
    """
    index = np.arange(len(cells)) if chosen is None else np.asarray(chosen, np.int64)
    rows_of = [_rows(cell, index) for cell in reached]
    exact = np.zeros(len(index), np.bool_)
    for rows in rows_of:
        exact[rows] = True
    for rows, polygons in zip(rows_of, drawn, strict=True):
        exact[rows] &= np.isin(cells.piece[index[rows]], list(polygons))
    whole = cells.area[index]
    open_ = (area[:, 2] - area[:, 0] > 1e-12) | ((area[:, 1] > 1e-12) & (whole - area[:, 1] > 1e-12))
    shore = np.flatnonzero(exact & open_)
    shapes = outlines(cells, index[shore])
    on_shore = [(np.flatnonzero(np.isin(shore, rows, assume_unique=True)), each) for rows, each in zip(rows_of, drawn, strict=True)]
    out, apart = area.copy(), np.zeros(len(index))
    for b, bound in enumerate(("lower", "value", "upper")):
        cut = [_cut(cells.piece[index[shore]], shapes, rows, polygons, bound) for rows, polygons in on_shore if len(rows)]
        out[shore, b] = _areas(cut, shapes, whole[shore], k)
    out[shore, 1] = np.clip(out[shore, 1], out[shore, 0], out[shore, 2])
    gap = np.maximum(out[shore, 0] - area[shore, 2], area[shore, 0] - out[shore, 2])
    wrong = gap > RIM_M * shapely.length(shapes) / 4 + SLIVER_M2
    apart[shore[wrong]] = gap[wrong]
    _spanned(out, area, shore[wrong])
    exact[shore[wrong]] = False
    return Sharpened(out, exact, apart)


def _spanned(out: FloatArray, area: FloatArray, rows: NDArray[np.int64]) -> None:
    """Put into some rows of `out` (t, 3) the value of `area`, between the lowest and the highest bound of the two."""
    out[rows, 0] = np.minimum(out[rows, 0], area[rows, 0])
    out[rows, 1] = area[rows, 1]
    out[rows, 2] = np.maximum(out[rows, 2], area[rows, 2])


def outlines(cells: Cells, chosen: NDArray[np.int64]) -> NDArray[np.object_]:
    """The polygons (k,) of some cells, in plan. [m, enu]"""
    shapes = cells.outline[chosen].copy()
    whole = np.flatnonzero(shapes == np.array(None))
    centre, half = cells.centre[chosen[whole], :2], cells.half[chosen[whole]]
    shapes[whole] = shapely.box(centre[:, 0] - half, centre[:, 1] - half, centre[:, 0] + half, centre[:, 1] + half)
    return shapes


def _rows(cell: NDArray[np.int32], index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the cells of a footprint are among some cells, in ascending order."""
    if not len(index):
        return np.empty(0, np.int64)
    at = np.minimum(np.searchsorted(index, cell), len(index) - 1)
    return at[index[at] == cell]


def _cut(
    piece: NDArray[np.int32], shapes: NDArray[np.object_], rows: NDArray[np.int64], drawn: Drawn, bound: str
) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """The parts of cells, at some rows, that lie in a camera's polygons: their rows and shapes."""
    parts: list[tuple[NDArray[np.int64], NDArray[np.object_]]] = []
    for polygon, own in _by_polygon(piece[rows], drawn, bound):
        shapely.prepare(polygon)
        near = rows[own]
        near = near[shapely.intersects(polygon, shapes[near])]
        inside = shapely.contains_properly(polygon, shapes[near])
        cut = shapes[near].copy()
        cut[~inside] = shapely.intersection(polygon, cut[~inside])
        parts.append((near, cut))
    if not parts:
        return np.empty(0, np.int64), np.empty(0, object)
    return np.concatenate([rows for rows, _ in parts]), np.concatenate([cut for _, cut in parts])


def _by_polygon(piece: NDArray[np.int32], drawn: Drawn, bound: str) -> list[tuple[Any, NDArray[np.int64]]]:
    """Each distinct polygon with the places of the cells it is about: many pieces lie in one plane."""
    groups: dict[int, tuple[Any, list[int]]] = {}
    for number in np.unique(piece).tolist():
        polygon = getattr(drawn[number], bound)
        groups.setdefault(id(polygon), (polygon, []))[1].append(number)
    return [(polygon, np.flatnonzero(np.isin(piece, numbers))) for polygon, numbers in groups.values()]


def _areas(
    cut: Sequence[tuple[NDArray[np.int64], NDArray[np.object_]]], shapes: NDArray[np.object_], whole: FloatArray, k: int
) -> FloatArray:
    """The area of each cell that at least k cameras' parts cover."""
    row = np.concatenate([rows for rows, _ in cut]) if cut else np.empty(0, np.int64)
    part = np.concatenate([parts for _, parts in cut]) if cut else np.empty(0, object)
    order = np.lexsort((*shapely.bounds(part).T, shapely.area(part), row)) if len(part) else np.empty(0, np.int64)
    row, part = row[order], part[order]  # in an order that does not depend on that of the cameras
    size = shapely.area(part)
    out = np.zeros(len(shapes))
    count = np.bincount(row, minlength=len(shapes))
    if k == 1:
        single = count[row] == 1
        out[row[single]] = size[single]
    full = np.bincount(row, size >= whole[row] * (1 - 1e-12), minlength=len(shapes)) >= k
    start = np.cumsum(count) - count
    for i in np.flatnonzero((count >= max(k, 2)) & ~full).tolist():
        out[i] = at_least(part[start[i] : start[i] + count[i]], k).area
    out[full] = whole[full]
    return np.minimum(out, whole)
