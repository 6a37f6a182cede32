"""Antennas inside buildings: what walls leave of the carriers of one place, at the points of cells and over all of them.

What lies between an antenna and a cell's point is found once for all carriers that hang there; each frequency prices it for itself. A cell
whose point is heard is heard. Where the point is not, the corners are asked before the cell is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.behind import Changes, Corners, changes, joined, picked
from twin.coverage.bounded import Probes, chosen, extremes
from twin.coverage.crossed import Prices, crossed, prices
from twin.coverage.makeup import BEST, loss_table_db
from twin.coverage.walls import Barriers, Crossings, wall_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class Rooms:
    """n cells among barriers: their points and corners, their heights, and the bodies that reach into them."""

    barriers: Barriers
    looked: Probes
    z_range: FloatArray  # (n, 2) [m, enu]
    cut: Changes

    @property
    def own(self) -> FloatArray:
        """The point of each cell (n, 3). [m, enu]"""
        return self.looked.points[self.looked.start]


@dataclass(frozen=True)
class Asks:
    """One carrier of the place: the cells it may matter for."""

    f_ghz: float
    cells: IntArray  # (r,) ascending
    free_dbm: FloatArray  # (r,) the most it could give anywhere in them with nothing between
    always: BoolArray  # (r,) cells that are heard whatever stands between


@dataclass(frozen=True)
class Lost:
    """What walls take from one carrier: at the point, least and most over the cell, in the three cases."""

    cells: IntArray  # (k,) those where the carrier may matter, ascending
    db: FloatArray  # (k, 3, 3)


def through_walls(among: Rooms, antenna: FloatArray, loose_m: float, asked: Sequence[Asks], least_dbm: float) -> list[Lost]:
    """What walls take from the carriers of one place.

    Parameters
    ----------
    among
        n cells.
    antenna
        Where they hang (3,). [m, enu]
    loose_m
        How far from there they may be. [m]
    asked
        The carriers.
    least_dbm
        The level below which a carrier does not matter.
    """
    reached = _all_of([each.cells for each in asked])
    own = among.own[reached]
    found = among.barriers.scene.crossings(np.broadcast_to(antenna, own.shape), own)
    at_point = {f: _priced(among.barriers, f, antenna, own, found) for f in {each.f_ghz for each in asked}}  # (r, 3) each
    heard = [_heard(each, at_point[each.f_ghz][np.searchsorted(reached, each.cells), BEST], least_dbm) for each in asked]
    heard = _by_corners(among, antenna, asked, heard, least_dbm)
    kept = [each.cells[ok] for each, ok in zip(asked, heard, strict=True)]
    some = _all_of(kept)
    rows = np.searchsorted(reached, some)
    low, high, column = _over_cells(among, (antenna, loose_m), sorted(at_point), some, _some_of(found, rows, len(reached)))
    lost: list[Lost] = []
    for each, cells in zip(asked, kept, strict=True):
        at, t = np.searchsorted(some, cells), column[each.f_ghz]
        point = at_point[each.f_ghz][rows[at]]  # (k, 3)
        lost.append(Lost(cells, np.stack([point, np.minimum(low[at, t], point), np.maximum(high[at, t], point)], axis=1)))
    return lost


def _all_of(parts: Sequence[IntArray]) -> IntArray:
    return np.unique(np.concatenate(parts)) if parts else np.empty(0, np.int64)


def _priced(barriers: Barriers, f_ghz: float, antenna: FloatArray, points: FloatArray, found: Crossings) -> FloatArray:
    return wall_loss(barriers, loss_table_db(barriers.walls, f_ghz), np.broadcast_to(antenna, points.shape), points, found).db


def _heard(each: Asks, between_db: FloatArray, least_dbm: float) -> BoolArray:
    return (each.free_dbm - between_db >= least_dbm) | each.always


def _by_corners(among: Rooms, antenna: FloatArray, asked: Sequence[Asks], heard: Sequence[BoolArray], least_dbm: float) -> list[BoolArray]:
    """Whether carriers are heard at the points or at any corner of their cells."""
    silent = _all_of([each.cells[~ok] for each, ok in zip(asked, heard, strict=True)])
    near = _without_own(chosen(among.looked, silent))
    found = among.barriers.scene.crossings(np.broadcast_to(antenna, near.points.shape), near.points)
    least = {f: extremes(near, _priced(among.barriers, f, antenna, near.points, found)[:, BEST])[0] for f in {e.f_ghz for e in asked}}
    out: list[BoolArray] = []
    for each, ok in zip(asked, heard, strict=True):
        between = np.zeros(len(each.cells))
        between[~ok] = least[each.f_ghz][np.searchsorted(silent, each.cells[~ok])]
        out.append(ok | _heard(each, between, least_dbm))
    return out


def _without_own(looked: Probes) -> Probes:
    """The corners alone."""
    corner = np.ones(len(looked.points), bool)
    corner[looked.start] = False
    return Probes(looked.points[corner], looked.cell[corner], looked.start - np.arange(len(looked.start)))


def _over_cells(
    among: Rooms, lens: tuple[FloatArray, float], f_ghz: Sequence[float], some: IntArray, found: Crossings
) -> tuple[FloatArray, FloatArray, dict[float, int]]:
    """Least and most that walls take over all of some cells (k, t, 3) [dB] at t frequencies, and the column of each."""
    antenna, loose_m = lens
    by = _prices(among.barriers, f_ghz)
    near = chosen(among.looked, some)
    own = near.points[near.start] if len(some) else np.empty((0, 3))
    first = np.append(near.start, len(near.points)).astype(np.int64)
    corners = Corners(np.ascontiguousarray(near.points[:, :2]), first, np.ascontiguousarray(among.z_range[some]))
    moving = changes(among.barriers.rims, antenna, corners, creases=by.varies, tolerance_m=loose_m)
    over = crossed(among.barriers, by, antenna, (own, corners), joined(moving, picked(among.cut, some)), found)
    return over.low, over.high, {f: t for t, f in enumerate(f_ghz)}


def _prices(barriers: Barriers, f_ghz: Sequence[float]) -> Prices:
    key = ("mobile", *f_ghz)
    if key not in barriers.memory:
        barriers.memory[key] = prices(barriers, np.stack([loss_table_db(barriers.walls, f) for f in f_ghz]))
    return barriers.memory[key]


@dataclass(frozen=True)
class _Hits:
    """Crossings of some segments."""

    segment: IntArray
    face: IntArray
    t: FloatArray


def _some_of(found: Crossings, rows: IntArray, n: int) -> _Hits:
    """The crossings of some of n segments (k,), which are numbered anew from 0."""
    number = np.full(n, -1, np.int64)
    number[rows] = np.arange(len(rows))
    segment = number[np.asarray(found.segment)]
    mine = segment >= 0
    return _Hits(segment[mine], np.asarray(found.face)[mine], np.asarray(found.t)[mine])
