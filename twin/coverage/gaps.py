"""What is not covered, as connected pieces: how large, where, why and behind what.

Cells that share an edge and are each uncovered by at least half hang together. The uncovered remains of other cells, and pieces
smaller than asked for, are counted in one pooled gap, so that the amounts of all gaps add up to what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numba import njit
from numpy.typing import NDArray

from twin.coverage.cells import Cells

BLOCKERS = 5  # named per gap, those in the way of most of it first


@dataclass(frozen=True)
class Region:
    """One connected gap."""

    amount: float  # [m2]
    polygon: Any  # shapely (Multi)Polygon, x y [m, enu]
    point: NDArray[np.float64]  # (3,) in the gap, on the target height [m, enu]
    reason: str
    blockers: Sequence[str]
    piece: int  # index of the surface's pieces
    cells: NDArray[np.int64]  # (k,) index of cells
    pooled: bool = False  # what is too small to be shown by itself


@dataclass(frozen=True)
class _Coded:
    """A name for each of n cells: the names, and the number of each cell's; 0, no name, for cells that nobody asks about."""

    names: Sequence[str | None]
    code: NDArray[np.int32]  # (n,)


def gaps(
    cells: Cells,
    missing: NDArray[np.float64],
    reasons: Sequence[str],
    blockers: Sequence[str | None],
    *,
    smallest: float = 0.0,
) -> list[Region]:
    """The gaps, largest first, the pooled one last.

    Parameters
    ----------
    cells
        n cells.
    missing
        Area of each cell that is not covered (n,). [m2]
    reasons, blockers
        Why, and behind which object, each cell is not covered (n,); an empty reason where it is.
    smallest
        Gaps of less are pooled. [m2]
    """
    lacking = np.flatnonzero(missing > 0)
    why, behind = _coded(reasons, lacking), _coded(blockers, lacking)
    open_ = missing >= cells.area / 2
    open_ &= missing > 0
    label = components(cells, open_)
    order = np.argsort(label, kind="stable")
    order = order[label[order] >= 0]
    groups = np.split(order, np.flatnonzero(np.diff(label[order])) + 1) if len(order) else []
    amounts = [float(missing[group].sum()) for group in groups]
    shown = [_region(cells, missing, group, why, behind) for group, amount in zip(groups, amounts, strict=True) if amount >= smallest]
    small = [group for group, amount in zip(groups, amounts, strict=True) if amount < smallest]
    rest = np.concatenate([*small, np.flatnonzero((missing > 0) & ~open_)]).astype(np.int64)
    shown.sort(key=lambda region: -region.amount)
    if not len(rest):
        return shown
    pool = _region(cells, missing, rest, why, behind)
    return [*shown, Region(pool.amount, pool.polygon, pool.point, pool.reason, pool.blockers, pool.piece, rest, pooled=True)]


def components(cells: Cells, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """A number (n,) for each connected group of `chosen` (n,) cells, -1 elsewhere; cells are neighbours by an edge, within a piece.

    Cells of one surface have squares of one size, as `grid` makes them.
    """
    label = np.full(len(cells), -1, np.int64)
    index = np.flatnonzero(chosen)
    if not len(index):
        return label
    edge = 2 * cells.half[index]
    ij = np.floor(cells.centre[index, :2] / edge[:, None]).astype(np.int64)
    ij -= ij.min(axis=0)
    width, height = (ij.max(axis=0) + 2).tolist()  # an empty column between the end of a row and the next row
    key = (cells.piece[index].astype(np.int64) * (height + 1) + ij[:, 1]) * width + ij[:, 0]
    order = np.argsort(key)
    key = key[order]
    root = np.arange(len(key))
    for step in (1, width):
        place = np.searchsorted(key, key + step)
        near = np.flatnonzero((place < len(key)) & (key[np.minimum(place, len(key) - 1)] == key + step))
        _unite(root, near, place[near])
    label[index[order]] = _roots(root)
    return label


@njit(cache=True)
def _find(root: NDArray[np.int64], i: int) -> int:
    while root[i] != i:
        root[i] = root[root[i]]
        i = root[i]
    return i


@njit(cache=True)
def _unite(root: NDArray[np.int64], a: NDArray[np.int64], b: NDArray[np.int64]) -> None:
    for k in range(len(a)):
        i, j = _find(root, a[k]), _find(root, b[k])
        root[max(i, j)] = min(i, j)


@njit(cache=True)
def _roots(root: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.empty_like(root)
    for k in range(len(root)):
        out[k] = _find(root, k)
    return out


def _region(cells: Cells, missing: NDArray[np.float64], group: NDArray[np.int64], reasons: _Coded, blockers: _Coded) -> Region:
    heavy = int(group[np.argmax(missing[group])])
    piece = int(cells.piece[heavy])
    polygon = _merged(cells, group)
    point = shapely.get_coordinates(shapely.point_on_surface(polygon))[0] if not polygon.is_empty else cells.centre[heavy, :2]
    near = group[np.argmin(np.hypot(*(cells.centre[group, :2] - point).T))]
    return Region(
        amount=float(missing[group].sum()),
        polygon=polygon,
        point=np.array([point[0], point[1], cells.centre[near, 2]]),
        reason=(_heaviest(missing, group, reasons) or [""])[0],
        blockers=_heaviest(missing, group, blockers)[:BLOCKERS],
        piece=piece,
        cells=group,
    )


def _coded(names: Sequence[str | None], asked: NDArray[np.int64]) -> _Coded:
    table: dict[str | None, int] = {None: 0}
    code = np.zeros(len(names), np.int32)
    code[asked] = [table.setdefault(names[i] or None, len(table)) for i in asked.tolist()]
    return _Coded(list(table), code)


def _heaviest(missing: NDArray[np.float64], group: NDArray[np.int64], names: _Coded) -> list[str]:
    """The names of the group's cells, those with most missing area first."""
    code, place = np.unique(names.code[group], return_inverse=True)
    weight = np.bincount(place.ravel(), missing[group])
    found = [(-w, name) for w, name in zip(weight.tolist(), (names.names[k] for k in code.tolist()), strict=True) if name]
    return [name for _, name in sorted(found)]


def _merged(cells: Cells, group: NDArray[np.int64]) -> Any:
    """The union of a group's squares and outlines; whole squares are joined along their rows first."""
    whole = cells.outline[group] == np.array(None)
    squares, border = group[whole], cells.outline[group[~whole]]
    return shapely.union_all(np.concatenate([_runs(cells, squares), border]))


def _runs(cells: Cells, squares: NDArray[np.int64]) -> NDArray[np.object_]:
    """Rectangles (r,) over squares that follow each other along a row."""
    if not len(squares):
        return np.empty(0, object)
    half = float(cells.half[squares[0]])
    ij = np.floor(cells.centre[squares, :2] / (2 * half)).astype(np.int64)
    order = np.lexsort((ij[:, 0], ij[:, 1]))
    ij = ij[order]
    fresh = np.ones(len(ij), bool)
    fresh[1:] = (np.diff(ij[:, 1]) != 0) | (np.diff(ij[:, 0]) != 1)
    start = np.flatnonzero(fresh)
    end = np.append(start[1:], len(ij)) - 1
    return shapely.box(ij[start, 0] * 2 * half, ij[start, 1] * 2 * half, (ij[end, 0] + 1) * 2 * half, (ij[start, 1] + 1) * 2 * half)
