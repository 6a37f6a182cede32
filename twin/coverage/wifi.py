"""How strong a Wi-Fi network is at each place: the best of its access points, through walls and floors.

What one access point gives is `twin.coverage.heard`; here many are put together. A place is covered where k of them reach the
threshold and, where that is asked, two reach a lower one and the best stands out of noise and of others on its channel. An access
point with several radios counts once, by the strongest.

A cell asks the access points one after the other, those first that would be strongest if nothing stood between, and stops as soon
as no further one can change what it says.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before, in_parts
from twin.coverage.cells import Cells
from twin.coverage.heard import Access, Book, Ground, Heard, Medium, distance_loss, ground, heard, heard_at, hope
from twin.coverage.makeup import BEST, WORST
from twin.coverage.pattern import OMNI, Pattern
from twin.coverage.walls import Barriers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SECOND = 2  # access points that a lower threshold for secondary coverage asks for
_MOST_PAIRS = 8_000_000  # access points times cells judged at a time
_NO_LEVEL = -np.inf


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
    clear: FloatArray  # (n,) what the k-th best would give with nothing between [dBm]
    best: IntArray  # (n,) the strongest radio, -1 where none
    blocker: IntArray  # (n,) the object that takes most from it, -1 where none
    settled: IntArray  # (n,) how many access points reach all of the cell even in the worst case
    open: BoolArray  # (n, a) access points that may reach some of the cell


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

    def add(self, cells: IntArray, one: IntArray, got: Heard, first_radio: IntArray) -> None:
        """Count what cells (k,) get from one access point each."""
        low, high, point = got.low.max(axis=1), got.high.max(axis=1), got.point.max(axis=1)
        thresholds = [level for _, level in self.asked]
        for q, threshold in enumerate(thresholds):
            self.enough[cells, q, 0] += low >= threshold
            self.enough[cells, q, 1] += high >= threshold
        settled = low[:, WORST] >= max(thresholds)
        self.settled[cells] += settled
        self.open[cells, one] = ~settled & (high[:, BEST] >= min(thresholds))
        better = point > self.top[cells]
        self.best[cells[better]] = (first_radio + got.point.argmax(axis=1))[better]
        self.blocker[cells[better]], self.top[cells[better]] = got.blocker[better], point[better]
        weakest = self.strongest[cells].argmin(axis=1)
        self.strongest[cells, weakest] = np.maximum(self.strongest[cells, weakest], point)


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
    first_radio: IntArray = field(default_factory=lambda: np.empty(0, np.int64))  # (a,)


def signal(
    radios: Transmitters,
    barriers: Barriers,
    demand: Demand,
    cells: Cells,
    before: Before | None = None,
    book: tuple[Book, Sequence[str]] | None = None,
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
        What is known of access points at these cells already, and a name for each access point that tells all it depends on.
    """
    points = radios.access_points()
    if not len(cells) or not points:
        return _nothing(len(cells), len(points))
    size = max(_MOST_PAIRS // len(points), 1)
    first_radio = np.concatenate([[0], np.cumsum([len(point.f_ghz) for point in points])])[:-1].astype(np.int64)

    def judge(part: Cells, index: IntArray) -> Signal:
        about = _Judging(
            points, barriers, demand, ground(part, barriers, demand.medium), index, book[0] if book and before is None else None,
            book[1] if book else (), first_radio,
        )  # fmt: skip
        return _judge(about, None if before is None else Before(before.known, before.row[index]))

    parts = in_parts(cells, size, judge)
    return Signal(*(np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Signal)))


def _judge(about: _Judging, before: Before | None) -> Signal:
    demand, cells = about.demand, about.place.cells
    n, a = len(cells), len(about.points)
    most = max(count for count, _ in demand.asked)
    least = min(level for _, level in demand.asked)
    hopes = np.column_stack([hope(point, demand.medium, cells).max(axis=1) for point in about.points])  # (n, a)
    known: Signal | None = None if before is None else before.known
    settled = np.zeros(n, np.int64) if before is None or known is None else known.settled[before.row]
    promises = hopes if before is None or known is None else np.where(known.open[before.row], hopes, _NO_LEVEL)
    order = np.argsort(-promises, axis=1, kind="stable")
    enough = np.repeat(settled, 6 * len(demand.asked)).reshape(n, len(demand.asked), 2, 3)
    tally = _Tally(
        demand.asked, np.full((n, most), _NO_LEVEL), enough, settled.copy(), np.full(n, _NO_LEVEL), np.full(n, -1), np.full(n, -1),
        np.zeros((n, a), bool),
    )  # fmt: skip
    active, turn, width = np.arange(n), 0, most
    while turn < a and len(active):
        picks = order[active, turn : turn + width]
        promise = np.take_along_axis(promises[active], picks, axis=1)
        met = np.all([tally.enough[active, q, 0, WORST] >= count for q, (count, _) in enumerate(demand.asked)], axis=0)
        done = met & ((tally.strongest[active].min(axis=1) >= promise[:, 0]) | (before is not None))
        going = (promise >= least) | ((turn + np.arange(picks.shape[1]) < most) & (before is None))  # the first ones show a level
        going &= ~done[:, None] & (promise > _NO_LEVEL)
        _ask(about, tally, active, picks, going)
        active = active[going[:, -1]]
        turn, width = turn + width, 4 if turn == 0 else 2 * width
    return _said(tally, demand, hopes, settled)


def _ask(about: _Judging, tally: _Tally, active: IntArray, picks: IntArray, going: BoolArray) -> None:
    """Ask access points about cells: those that `picks` (k, w) names for cells `active` (k,), where `going` (k, w)."""
    row, column = np.nonzero(going)
    one = picks[row, column]
    by_point = np.argsort(one, kind="stable")
    asked, start = np.unique(one[by_point], return_index=True)
    groups = [np.sort(active[row[group]]) for group in np.split(by_point, start[1:])]

    def got(which: int, cells: IntArray) -> Heard:
        def make(numbers: IntArray) -> Heard:
            own = np.searchsorted(about.numbers, numbers)
            return heard(about.points[which], about.barriers, about.demand.medium, about.place, own)

        if about.book is None:
            return make(about.numbers[cells])
        return about.book.levels(about.keys[which], about.numbers[cells], make)

    if len(groups) < 2:
        answers = [got(int(which), cells) for which, cells in zip(asked, groups, strict=False)]
    else:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            answers = list(pool.map(got, asked.tolist(), groups))
    for which, cells, answer in zip(asked.tolist(), groups, answers, strict=False):
        tally.add(cells, np.full(len(cells), which), answer, about.first_radio[np.full(len(cells), which)])


def _said(tally: _Tally, demand: Demand, hopes: FloatArray, settled: IntArray) -> Signal:
    n, a = hopes.shape
    ordered = -np.sort(-tally.strongest, axis=1)  # (n, K) strongest first
    margins = [ordered[:, count - 1] - threshold for count, threshold in demand.asked]
    level = np.min(margins, axis=0) + demand.rssi_dbm
    covered = np.all([settled + (tally.strongest >= threshold).sum(axis=1) >= count for count, threshold in demand.asked], axis=0)
    reached: list[BoolArray] = [
        np.asarray(np.all([tally.enough[:, q, side] >= count for q, (count, _) in enumerate(demand.asked)], axis=0)) for side in (0, 1)
    ]  # (n, 3) each: in all of the cell, somewhere in it
    sure, possible = reached
    clear = np.partition(hopes, a - min(demand.k, a), axis=1)[:, a - min(demand.k, a)] if a >= demand.k else np.full(n, -np.inf)
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
        open=tally.open,
    )


def _nothing(n: int, a: int) -> Signal:
    no, none = np.zeros(n, bool), np.full(n, -1, np.int64)
    return Signal(np.full(n, np.nan), no, no, no, no, np.full(n, -np.inf), none, none, np.zeros(n, np.int64), np.zeros((n, a), bool))


def levels_at(
    radios: Transmitters, barriers: Barriers, medium: Medium, points: FloatArray, floor_dbm: float, nearest: int | None = None
) -> FloatArray:
    """What each radio gives at points, the likely case.

    Parameters
    ----------
    radios, barriers, medium
        m radios, what stands between, and how signals weaken.
    points
        n points. [m, enu]
    floor_dbm
        What could not be stronger even with nothing between is not looked at. [dBm]
    nearest
        Only so many access points are looked at for each point: those that would be strongest with nothing between.

    Returns
    -------
    Levels (n, m) [dBm]; -inf where none was looked at.
    """
    access = radios.access_points()
    out = np.full((len(points), len(radios)), _NO_LEVEL)
    if not access or not len(points):
        return out
    clear = np.column_stack([_clear(one, medium, points) for one in access])  # (n, a)
    wanted = clear >= floor_dbm
    if nearest is not None and nearest < len(access):
        wanted &= clear >= -np.partition(-clear, nearest - 1, axis=1)[:, nearest - 1 : nearest]
    begin = np.concatenate([[0], np.cumsum([len(one.f_ghz) for one in access])])

    def fill(k: int) -> None:
        near = np.flatnonzero(wanted[:, k])
        if len(near):
            out[near, begin[k] : begin[k + 1]] = heard_at(access[k], barriers, medium, points[near])

    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(fill, range(len(access))))
    return out


def _clear(access: Access, medium: Medium, points: FloatArray) -> FloatArray:
    """What the strongest radio of an access point would give at points (n,) with nothing between. [dBm]"""
    away = np.linalg.norm(points - access.position, axis=1)
    seen = np.ones(len(points), bool)
    return np.max(
        [eirp - distance_loss(medium, away, float(f), seen) for f, eirp in zip(access.f_ghz, access.eirp_dbm, strict=True)], axis=0
    )  # fmt: skip
