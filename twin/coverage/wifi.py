"""How strong a Wi-Fi network is at each place: the best of its access points, through walls and floors.

What one access point gives is `twin.coverage.heard`; here many are put together. A place is covered where k of them reach the
threshold and, where that is asked, two reach a lower one and the best stands out of noise and of others on its channel. An access
point with several radios counts once, by the strongest.

A cell asks the access points one after the other and stops as soon as no further one can change what it says: at its point those first
that would be strongest if nothing stood between, then over all of it those first that are strongest at its point.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before
from twin.coverage.cells import Cells, select
from twin.coverage.heard import (
    Access,
    AtPoints,
    Book,
    Ground,
    Heard,
    Medium,
    ground,
    heard,
    heard_at,
    hope,
    hopes_of_box,
)
from twin.coverage.makeup import BEST, WORST
from twin.coverage.pattern import OMNI, Pattern
from twin.coverage.walls import Barriers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
T = TypeVar("T")

SECOND = 2  # access points that a lower threshold for secondary coverage asks for
_MOST_PAIRS = 2_000_000  # access points times cells judged at a time
_NO_LEVEL = -np.inf
_SEVERAL = 4  # access points asked before all that are left
_ROUNDING_DB = 1e-6
_LATER_DB = 1000.0  # access points not asked about a cell's point come after those that were


@dataclass(frozen=True)
class Transmitters:
    """m radios, each on one channel; those of one access point follow each other."""

    position: FloatArray  # (m, 3) [m, enu]
    f_ghz: FloatArray  # (m,)
    eirp_dbm: FloatArray  # (m,) in the strongest direction
    slack_db: FloatArray  # (m,) how far the EIRP may be off where it is assumed [dB]
    owner: IntArray | None = None  # (m,) access point of each, ascending from 0; None: each is one
    pattern: Sequence[Pattern] = ()  # (m,) antennas; empty: all radiate alike all round
    tolerance_m: FloatArray | None = None  # (m,) how far each may be from its position; None: not at all

    def __len__(self) -> int:
        return len(self.f_ghz)

    def access_points(self) -> list[Access]:
        """The access points with their radios."""
        owner = np.arange(len(self)) if self.owner is None else self.owner
        start = np.searchsorted(owner, np.arange(int(owner.max(initial=-1)) + 2))
        return [self._access(slice(a, b)) for a, b in zip(start[:-1].tolist(), start[1:].tolist(), strict=True)]

    def _access(self, own: slice) -> Access:
        first = own.start
        return Access(
            self.position[first], self.f_ghz[own], self.eirp_dbm[own], self.slack_db[own],
            self.pattern[first] if self.pattern else OMNI, 0.0 if self.tolerance_m is None else float(self.tolerance_m[first]),
        )  # fmt: skip


def some_points(radios: Transmitters, which: Sequence[int]) -> Transmitters:
    """The radios of some access points, ascending."""
    owner = np.arange(len(radios)) if radios.owner is None else radios.owner
    mine = np.flatnonzero(np.isin(owner, which))
    tolerance = None if radios.tolerance_m is None else radios.tolerance_m[mine]
    _, anew = np.unique(owner[mine], return_inverse=True)
    return Transmitters(
        radios.position[mine], radios.f_ghz[mine], radios.eirp_dbm[mine], radios.slack_db[mine], anew.ravel(),
        [radios.pattern[j] for j in mine.tolist()] if radios.pattern else (), tolerance,
    )  # fmt: skip


@dataclass(frozen=True)
class Demand:
    """What counts as covered: `k` access points of at least `rssi_dbm` each, by a model of `twin.coverage.heard.WIFI_MODELS`."""

    rssi_dbm: float = -67.0
    k: int = 1
    model: str = "walls"
    surroundings: str = "office"
    breakpoint_m: float | None = None
    secondary_dbm: float | None = None  # two access points must give at least this

    @property
    def medium(self) -> Medium:
        """How signals weaken."""
        return Medium(self.model, self.surroundings, self.breakpoint_m)

    @property
    def asked(self) -> tuple[tuple[int, float], ...]:
        """Each (how many access points, at least how strong [dBm]) that must be there."""
        second = () if self.secondary_dbm is None else ((SECOND, self.secondary_dbm),)
        return ((self.k, self.rssi_dbm), *second)


@dataclass(frozen=True)
class Signal:
    """What n cells get."""

    level: FloatArray  # (n,) the k-th strongest access point, or less where the second is what falls short [dBm]; NaN: none comes near
    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    clear: FloatArray  # (n,) what the k-th best would give with nothing between [dBm]; of cells that were cut, of those left open
    best: IntArray  # (n,) the strongest radio, -1 where none
    blocker: IntArray  # (n,) the object that takes most from it, -1 where none
    settled: IntArray  # (n,) how many access points reach all of the cell even in the worst case
    open: Open  # access points that may reach some of the cell, and not surely all

    def of(self, rows: IntArray) -> Signal:
        """The same of some cells (r,)."""
        columns = {each.name: getattr(self, each.name)[rows] for each in fields(self) if each.name != "open"}
        return Signal(**columns, open=self.open.of(rows))


@dataclass(frozen=True)
class Open:
    """For each of n cells some access points, ascending: those of cell i are `point[first[i] : first[i + 1]]`."""

    first: IntArray  # (n + 1,)
    point: NDArray[np.int32]  # (k,)

    def pairs(self, rows: IntArray) -> tuple[IntArray, IntArray]:
        """Which of some cells (r,), and which access point, (p,), (p,) of each pair."""
        count = (self.first[1:] - self.first[:-1])[rows]
        which = np.repeat(np.arange(len(rows)), count)
        begin = np.cumsum(count) - count
        return which, self.point[self.first[rows][which] + np.arange(len(which)) - begin[which]].astype(np.int64)

    def of(self, rows: IntArray) -> Open:
        """The same of some cells (r,)."""
        which, point = self.pairs(rows)
        return Open(np.searchsorted(which, np.arange(len(rows) + 1)).astype(np.int64), point.astype(np.int32))


@dataclass(frozen=True)
class Memo:
    """What is known of access points: a name for each that tells all it depends on, and the numbers of the cells in the book, ascending."""

    book: Book
    names: Sequence[str]
    numbers: IntArray | None = None  # None: as they come


@dataclass
class _Tally:
    """What has been heard of n cells so far."""

    asked: tuple[tuple[int, float], ...]
    strongest: FloatArray  # (n, K) of those asked now, unordered
    enough: IntArray  # (n, q, 2, 3) at or above each threshold: in all of the cell, somewhere in it; WORST LIKELY BEST
    settled: IntArray  # (n,)
    top: FloatArray  # (n,)
    best: IntArray  # (n,)
    blocker: IntArray  # (n,)
    open: BoolArray  # (n, a)

    def hear(self, cells: IntArray, got: Heard | AtPoints, first_radio: int) -> None:
        """Note what the points of cells (k,) get from an access point."""
        levels = got.point if isinstance(got, Heard) else got.level
        point = levels.max(axis=1)
        better = point > self.top[cells]
        self.best[cells[better]] = (first_radio + levels.argmax(axis=1))[better]
        self.blocker[cells[better]], self.top[cells[better]] = got.blocker[better], point[better]
        weakest = self.strongest[cells].argmin(axis=1)
        self.strongest[cells, weakest] = np.maximum(self.strongest[cells, weakest], point)

    def bound(self, cells: IntArray, one: int, got: Heard) -> None:
        """Count what all of cells (k,) get from an access point."""
        low, high = got.low.max(axis=1), got.high.max(axis=1)
        thresholds = [level for _, level in self.asked]
        for q, threshold in enumerate(thresholds):
            self.enough[cells, q, 0] += low >= threshold
            self.enough[cells, q, 1] += high >= threshold
        settled = low[:, WORST] >= max(thresholds)
        self.settled[cells] += settled
        self.open[cells, one] = ~settled & (high[:, BEST] >= min(thresholds))

    def met(self, cells: IntArray) -> BoolArray:
        """Whether enough access points reach all of cells (k,) even in the worst case."""
        return np.asarray(np.all([self.enough[cells, q, 0, WORST] >= count for q, (count, _) in enumerate(self.asked)], axis=0), bool)


@dataclass(frozen=True)
class _Judging:
    """What a part of the cells is judged by."""

    points: Sequence[Access]
    barriers: Barriers
    demand: Demand
    place: Ground
    numbers: IntArray  # (n,) of the cells in the whole, for the book
    book: Book | None
    keys: Sequence[str]
    first_radio: IntArray  # (a,)
    pool: ThreadPoolExecutor | None  # asks access points side by side; None: parts are judged so already

    def bounds(self, one: int, cells: IntArray) -> Heard:
        """What all of cells (k,) get from an access point."""

        def make(numbers: IntArray) -> Heard:
            return heard(self.points[one], self.barriers, self.demand.medium, self.place, np.searchsorted(self.numbers, numbers))

        return make(self.numbers[cells]) if self.book is None else self.book.levels(self.keys[one], self.numbers[cells], make)

    def at_points(self, one: int, cells: IntArray) -> AtPoints:
        """What the points of cells (k,) get from it."""

        def make(numbers: IntArray) -> AtPoints:
            points = self.place.cells.representative[np.searchsorted(self.numbers, numbers)]
            return heard_at(self.points[one], self.barriers, self.demand.medium, points)

        return make(self.numbers[cells]) if self.book is None else self.book.levels(f"{self.keys[one]} at", self.numbers[cells], make)


def signal(
    radios: Transmitters,
    barriers: Barriers,
    demand: Demand,
    cells: Cells,
    before: Before | None = None,
    book: Memo | None = None,
) -> Signal:
    """What each of n cells gets from the radios.

    Parameters
    ----------
    radios
        m radios.
    barriers
        What stands between; for a model of `twin.coverage.heard.COUNTING` its walls are those of `twin.coverage.makeup.counted`.
    demand
        What counts as covered.
    cells
        The cells.
    before
        What was said of the cells they are cut from: access points settled there are not asked again, and `level` is only right about
        the threshold.
    book
        What is known of access points at these cells already.
    """
    points = radios.access_points()
    if not len(cells) or not points:
        return _nothing(len(cells))
    first_radio = np.concatenate([[0], np.cumsum([len(point.f_ghz) for point in points])])[:-1].astype(np.int64)

    def judge(part: _Part) -> Signal:
        index = part.cells
        near: list[int] = part.near.tolist()
        about = _Judging(
            [points[j] for j in near], barriers, demand, ground(select(cells, index), barriers, demand.medium),
            index if book is None or book.numbers is None or before is not None else book.numbers[index],
            book.book if book and before is None else None,
            [book.names[j] for j in near] if book else [], first_radio[part.near], None if len(parts) > 1 else pool,
        )  # fmt: skip
        return _judge(about, part.near, None if before is None else Before(before.known, before.row[index]))

    def near(index: IntArray, among: IntArray | None) -> IntArray:
        return _near(points, demand, select(cells, index), among) if before is None else _left(before, index)

    parts = _parts(cells, near)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return _joined(parts, list(pool.map(judge, parts)) if len(parts) > 1 else [judge(parts[0])])


@dataclass(frozen=True)
class _Part:
    """Cells that are judged together (n,), ascending, and the access points that may matter to any of them, ascending."""

    cells: IntArray
    near: IntArray


def _parts(cells: Cells, near: Callable[[IntArray, IntArray | None], IntArray]) -> list[_Part]:
    """Cells halved along the longer side of their bounds until there are no more than _MOST_PAIRS of them with those near them."""
    found: list[_Part] = []
    left: list[tuple[IntArray, IntArray | None]] = [(np.arange(len(cells)), None)]
    while left:
        index, among = left.pop()
        own = near(index, among)
        if len(index) * len(own) <= _MOST_PAIRS or len(index) == 1:
            found.append(_Part(index, own))
            continue
        place = cells.centre[index, :2]
        along = place[:, int(np.ptp(place, axis=0).argmax())]
        order = np.argsort(along, kind="stable")
        left += [(np.sort(index[half]), own) for half in np.array_split(order, 2)]
    return found


def _near(points: Sequence[Access], demand: Demand, cells: Cells, among: IntArray | None) -> IntArray:
    """The access points, of some of them, that may reach any of the cells, and those that may be the strongest there if none does."""
    some = np.arange(len(points)) if among is None else among
    low, high = hopes_of_box([points[j] for j in some.tolist()], demand.medium, cells)
    most = min(max(count for count, _ in demand.asked), len(some))
    least = min(float(np.sort(low)[-most]), *(level for _, level in demand.asked))
    return some[high >= least - _ROUNDING_DB]


def _left(before: Before, index: IntArray) -> IntArray:
    """The access points that are open in the cells from which some are cut."""
    return np.unique(before.known.open.pairs(before.row[index])[1])


def _joined(parts: Sequence[_Part], judged: Sequence[Signal]) -> Signal:
    """What was said of parts, in the order of the cells."""
    back = np.argsort(np.concatenate([part.cells for part in parts]))
    columns = {each.name: np.concatenate([getattr(one, each.name) for one in judged]) for each in fields(Signal) if each.name != "open"}
    count = np.concatenate([np.diff(one.open.first) for one in judged])
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    return Signal(**columns, open=Open(first, np.concatenate([one.open.point for one in judged]))).of(back)


def _judge(about: _Judging, near: IntArray, before: Before | None) -> Signal:
    demand, cells = about.demand, about.place.cells
    n, a = len(cells), len(about.points)
    most = max(count for count, _ in demand.asked)
    hopes = np.empty((n, a))
    for j, point in enumerate(about.points):
        hopes[:, j] = hope(point, demand.medium, cells).max(axis=1)
    known: Signal | None = None if before is None else before.known
    settled = np.zeros(n, np.int64) if before is None or known is None else known.settled[before.row]
    enough = np.repeat(settled, 6 * len(demand.asked)).reshape(n, len(demand.asked), 2, 3)
    tally = _Tally(
        demand.asked, np.full((n, most), _NO_LEVEL), enough, settled.copy(), np.full(n, _NO_LEVEL), np.full(n, -1), np.full(n, -1),
        np.zeros((n, a), bool),
    )  # fmt: skip
    if before is None or known is None:
        levels = _listen(about, tally, hopes)
        _certify(about, tally, hopes, np.where(levels > _NO_LEVEL, levels, hopes - _LATER_DB), heard_already=True)
    else:
        promises = np.full((n, a), _NO_LEVEL)
        which, point = known.open.pairs(before.row)
        at = which, np.searchsorted(near, point)
        promises[at] = hopes[at]
        _certify(about, tally, promises, promises, heard_already=False)
    return _said(tally, demand, hopes, settled, near)


def _listen(about: _Judging, tally: _Tally, hopes: FloatArray) -> FloatArray:
    """Ask access points about the points of cells, until no further one can be among the strongest; the levels (n, a) of those asked."""
    n, a = hopes.shape
    most, least = tally.strongest.shape[1], min(level for _, level in tally.asked)
    levels = np.full((n, a), _NO_LEVEL)
    order = np.argsort(-hopes, axis=1, kind="stable")
    active, turn, width = np.arange(n), 0, most
    while turn < a and len(active):
        picks = order[active, turn : turn + width]
        promise = np.take_along_axis(hopes[active], picks, axis=1)
        going = (promise >= least) | (turn + np.arange(picks.shape[1]) < most)  # the first ones show a level
        going &= promise > tally.strongest[active].min(axis=1)[:, None]

        def note(one: int, own: IntArray, got: AtPoints) -> None:
            levels[own, one] = got.level.max(axis=1)
            tally.hear(own, got, int(about.first_radio[one]))

        _ask(about.pool, about.at_points, note, active, (picks, going))
        active = active[going[:, -1]]
        turn, width = turn + width, 4 if turn == 0 else 2 * width
    return levels


def _certify(about: _Judging, tally: _Tally, promises: FloatArray, score: FloatArray, *, heard_already: bool) -> None:
    """Ask access points about all of cells, those of the highest score first, until enough reach all of a cell for certain."""
    n, a = promises.shape
    least = min(level for _, level in tally.asked)
    order = np.argsort(-score, axis=1, kind="stable")
    active, turn, width = np.arange(n), 0, tally.strongest.shape[1] if heard_already else _SEVERAL

    def note(one: int, own: IntArray, got: Heard) -> None:
        tally.bound(own, one, got)
        if not heard_already:
            tally.hear(own, got, int(about.first_radio[one]))

    while turn < a and len(active):
        active = active[~tally.met(active)]
        picks = order[active, turn : turn + width]
        promise = np.take_along_axis(promises[active], picks, axis=1)
        _ask(about.pool, about.bounds, note, active, (picks, promise >= least))
        turn, width = turn + width, _SEVERAL if turn == 0 and heard_already else a  # few questions of many cells are the quickest


def _ask(
    pool: ThreadPoolExecutor | None,
    ask: Callable[[int, IntArray], T],
    note: Callable[[int, IntArray, T], None],
    active: IntArray,
    wanted: tuple[IntArray, BoolArray],
) -> None:
    """Ask access points about cells `active` (k,) and note the answers; `wanted`: which for each (k, w), and whether that is asked."""
    picks, going = wanted
    row, column = np.nonzero(going)
    one = picks[row, column]
    by_point = np.argsort(one, kind="stable")
    asked, start = np.unique(one[by_point], return_index=True)
    groups = [np.sort(active[row[group]]) for group in np.split(by_point, start[1:])]
    answers = list((map if pool is None else pool.map)(ask, asked.tolist(), groups))
    for which, cells, answer in zip(asked.tolist(), groups, answers, strict=False):
        note(which, cells, answer)


def _said(tally: _Tally, demand: Demand, hopes: FloatArray, settled: IntArray, near: IntArray) -> Signal:
    n, a = hopes.shape
    ordered = -np.sort(-tally.strongest, axis=1)  # (n, K) strongest first
    margins = [ordered[:, count - 1] - threshold for count, threshold in demand.asked]
    level = np.min(margins, axis=0) + demand.rssi_dbm
    covered = np.all([settled + (tally.strongest >= threshold).sum(axis=1) >= count for count, threshold in demand.asked], axis=0)
    reached: list[BoolArray] = [
        np.asarray(np.all([tally.enough[:, q, side] >= count for q, (count, _) in enumerate(demand.asked)], axis=0)) for side in (0, 1)
    ]  # (n, 3) each: in all of the cell, somewhere in it
    sure, possible = reached
    clear = np.partition(hopes, a - demand.k, axis=1)[:, a - demand.k].copy() if a >= demand.k else np.full(n, -np.inf)  # not all of hopes
    return Signal(
        level=np.where(np.isfinite(level), level, np.nan),
        covered=covered,
        sure=sure[:, WORST],
        possible=possible[:, BEST] | covered,
        mixed=np.any(possible & ~sure, axis=1),
        clear=clear,
        best=tally.best,
        blocker=tally.blocker,
        settled=tally.settled,
        open=_open(tally.open, near),
    )


def _open(mask: BoolArray, near: IntArray) -> Open:
    """The access points of a mask (n, a), whose columns are those of numbers `near` (a,)."""
    first = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    return Open(first, near[np.nonzero(mask)[1]].astype(np.int32))


def _nothing(n: int) -> Signal:
    no, none, nobody = np.zeros(n, bool), np.full(n, -1, np.int64), _open(np.zeros((n, 0), bool), np.empty(0, np.int64))
    level, clear = np.full(n, np.nan), np.full(n, -np.inf)
    return Signal(level, no, no, no, no, clear, none, none, np.zeros(n, np.int64), nobody)
