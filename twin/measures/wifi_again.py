"""Wi-Fi coverage judged again where access points change: what each gives the cells is in the book, and others serve most cells anyway."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before, areas
from twin.coverage.cells import Cells, select
from twin.coverage.heard import Access, Heard, distance_loss, ground, heard, hope
from twin.coverage.makeup import BEST, WORST
from twin.coverage.surface import Surface
from twin.coverage.wifi import Memo, Signal, signal, some_points
from twin.measures.again import Judged, Partly, Standing
from twin.measures.radio import BUDGET, FINEST_PARTS, names_of
from twin.measures.watch import Explained
from twin.measures.wifi_told import Asked
from twin.store import Store

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

Ask = Callable[[Store], tuple[Asked, Memo]]
Why = Callable[[Asked, Signal], Sequence[str]]


@dataclass(frozen=True)
class _Place:
    """Where it is asked, and how reasons are told."""

    cells: Cells
    least_m: float  # cells are cut down to this
    why: Why


@dataclass(frozen=True)
class _Known:
    """What is kept of a standing."""

    asked: Asked
    memo: Memo
    sure: BoolArray  # (n,)


def partly(surface: Surface, cells: Cells, step_m: float, ask: Ask, why: Why) -> Partly:
    """Wi-Fi coverage of one surface for any access points, as `ask` gathers them; without interference and shadowing."""
    place = _Place(cells, step_m / FINEST_PARTS, why)

    def whole(park: Store) -> Standing:
        return _judged(place, ask(park), None, np.arange(len(cells))).standing

    def again(before: Standing, park: Store) -> Judged:
        found = ask(park)
        touched = _touched(place, before.known, *found)
        got = _judged(place, found, before, touched) if before.areas.fits(BUDGET) else None
        if got is None or not got.standing.areas.fits(BUDGET):
            return _judged(place, found, None, np.arange(len(cells)))
        return got

    return Partly(surface, cells, whole, again)


def _judged(place: _Place, found: tuple[Asked, Memo], before: Standing | None, number: IntArray) -> Judged:
    """Some cells judged, the others as they were before; all of them, where nothing was."""
    asked, memo = found
    part = select(place.cells, number) if before is not None else place.cells
    near = _in_reach(asked, part) if before is not None else None
    sent = asked.radios.sent if near is None else some_points(asked.radios.sent, near)
    names = memo.names if near is None else [memo.names[k] for k in near]

    def judge(some: Cells, cut_from: Before | None) -> Signal:
        return signal(sent, asked.among, asked.demand, some, cut_from, Memo(memo.book, names, number))

    first = judge(part, None)
    now = areas(part, first, judge, least_m=place.least_m, budget=BUDGET)
    sure = first.sure if before is None else before.known.sure.copy()
    if before is not None:
        sure[number], now = first.sure, before.areas.with_some(number, now)

    def explain(some: NDArray[np.int32]) -> Explained:
        rows = np.searchsorted(number, some)
        got = first.of(rows)
        reasons = place.why(asked, got)
        names = [
            name if reason == "occluded" else None for name, reason in zip(names_of(got.blocker, asked.among.ids), reasons, strict=True)
        ]
        return Explained(reasons, names, asked.demand.rssi_dbm - got.level)

    return Judged(Standing(now, _Known(asked, memo, sure)), number, explain)


def _touched(place: _Place, known: _Known, asked: Asked, memo: Memo) -> IntArray:
    """The cells that access points which came or went may matter for.

    A cell that is sure stays so whatever comes, and whatever goes that is not one of those that made it so. Of the others, those matter
    that an access point may reach; all that may have been asked whether they do.
    """
    least = min(level for _, level in asked.demand.asked)
    touched = np.zeros(len(place.cells), bool)
    after = asked.radios.sent.access_points()
    for k in _missing(memo.names, known.memo.names):
        cells = np.flatnonzero(~known.sure & _may_reach(after[k], asked, place.cells))
        got = memo.book.levels(memo.names[k], cells, lambda some, k=k: _heard(after[k], asked, select(place.cells, some)))
        touched[cells[got.high.max(axis=1)[:, BEST] >= least]] = True
    for k in _missing(known.memo.names, memo.names):
        found = _known(place, known, k)
        if found is not None:
            cells, got = found
            served = got.low.max(axis=1)[:, WORST] >= least
            touched[cells[served | (~known.sure[cells] & (got.high.max(axis=1)[:, BEST] >= least))]] = True
    return np.flatnonzero(touched)


def _known(place: _Place, known: _Known, k: int) -> tuple[IntArray, Heard] | None:
    """The cells (c,) that an access point of a standing was asked about, or all it may reach where some of that is forgotten."""
    name, book = known.memo.names[k], known.memo.book
    if book.is_whole(name):
        return book.known(name)
    point = known.asked.radios.sent.access_points()[k]
    cells = np.flatnonzero(_may_reach(point, known.asked, place.cells))
    return cells, book.levels(name, cells, lambda some: _heard(point, known.asked, select(place.cells, some)))


def _heard(point: Access, asked: Asked, cells: Cells) -> Heard:
    """What an access point gives some cells."""
    return heard(point, asked.among, asked.demand.medium, ground(cells, asked.among, asked.demand.medium), np.arange(len(cells)))


def _missing(names: Sequence[str], others: Sequence[str]) -> list[int]:
    """Those of some names, by their numbers, that others have not, or have less often."""
    left, found = Counter(others), list[int]()
    for k, name in enumerate(names):
        left[name] -= 1
        if left[name] < 0:
            found.append(k)
    return found


def _may_reach(point: Access, asked: Asked, cells: Cells) -> BoolArray:
    least = min(level for _, level in asked.demand.asked)
    return np.asarray(hope(point, asked.demand.medium, cells).max(axis=1) >= least, bool)


def _in_reach(asked: Asked, cells: Cells) -> list[int]:
    """The access points, by their numbers, that may reach any of some cells, even if they radiated all they have towards them."""
    if not len(cells):
        return []
    sent, least = asked.radios.sent, min(level for _, level in asked.demand.asked)
    half = np.column_stack([cells.half, cells.half, np.ptp(cells.z_range, axis=1) / 2])
    middle = np.column_stack([cells.centre[:, :2], cells.z_range.mean(axis=1)])
    beyond = np.maximum((middle - half).min(axis=0) - sent.position, sent.position - (middle + half).max(axis=0))
    near = np.linalg.norm(np.maximum(beyond, 0.0), axis=1) - (0.0 if sent.tolerance_m is None else sent.tolerance_m)
    strongest = np.empty(len(sent))
    for f in np.unique(sent.f_ghz).tolist():
        mine = sent.f_ghz == f
        strongest[mine] = -distance_loss(asked.demand.medium, np.maximum(near[mine], 0.0), f, np.ones(int(mine.sum()), bool))
    reach = strongest + sent.eirp_dbm + sent.slack_db >= least
    return np.unique(np.asarray(sent.owner)[reach]).tolist()
