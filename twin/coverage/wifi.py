"""How strong a Wi-Fi network is at each place: the best of its access points, through walls and floors.

RSSI = EIRP - (loss over the distance + what stands between). What stands between is told by one of four models:

    walls       each body by its material and thickness (twin.coverage.walls)        default
    cost231     each body by light wall, heavy wall, floor (COST 231)
    p1238       nothing but whether there is line of sight (ITU-R P.1238-11, office)
    free_space  nothing

A cell asks the access points one after the other, those first that would be strongest if nothing stood between, and stops as soon
as no further one can change what it says.

Sources: limits on EIRP in China: MIIT 2021-129 (2400-2483.5 and 5725-5850 MHz) and MIIT 2012-620 (5150-5350 MHz).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before, Probes, chosen, extremes, in_parts, probes, ranges
from twin.coverage.cells import Cells, select
from twin.coverage.indoor import floors_db
from twin.coverage.makeup import BEST, LIKELY, WORST, counted_table, loss_table_db
from twin.coverage.propagation import MODELS, Links, free_space_db, path_loss_db
from twin.coverage.walls import Barriers, wall_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

WIFI_MODELS = ("walls", "free_space", "cost231", "p1238")
NEAREST_M = 0.5  # the far field begins about here; nearer places count as this far
_MOST_PAIRS = 2_000_000  # radios times cells judged at a time

# band -> lowest and highest frequency [GHz], and the EIRP allowed indoors and outdoors in China [dBm]
BANDS_GHZ: Mapping[str, tuple[float, float]] = {"2.4": (2.4, 2.4835), "5": (5.15, 5.725), "5.8": (5.725, 5.885), "6": (5.925, 7.125)}
EIRP_LIMIT_DBM: Mapping[str, float] = {"2.4": 27.0, "5": 23.0, "5.8": 33.0}  # 2.4 GHz: 20 dBm for antennas below 10 dBi


@dataclass(frozen=True)
class Transmitters:
    """m radios, each on one channel."""

    position: FloatArray  # (m, 3) [m, enu]
    f_ghz: FloatArray  # (m,)
    eirp_dbm: FloatArray  # (m,)
    slack_db: FloatArray  # (m,) how far the EIRP may be off where it is assumed [dB]

    def __len__(self) -> int:
        return len(self.f_ghz)


@dataclass(frozen=True)
class Demand:
    """What counts as covered: `k` radios of at least `rssi_dbm` each, by a model of `WIFI_MODELS`."""

    rssi_dbm: float = -67.0
    k: int = 1
    model: str = "walls"


@dataclass(frozen=True)
class Signal:
    """What n cells get."""

    level: FloatArray  # (n,) the k-th strongest radio [dBm]; NaN where none comes near the threshold
    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    clear: FloatArray  # (n,) what the best radio would give with nothing between [dBm]
    best: IntArray  # (n,) the strongest radio, -1 where none
    blocker: IntArray  # (n,) the object that takes most from it, -1 where none
    settled: IntArray  # (n,) how many radios reach all of the cell even in the worst case
    open: BoolArray  # (n, m) radios that may reach some of the cell


@dataclass(frozen=True)
class _Levels:
    """One radio at each of n cells: at the cell's point, and over the cell in the three cases."""

    point: FloatArray  # (n,) [dBm]
    low: FloatArray  # (n, 3) [dBm]
    high: FloatArray  # (n, 3) [dBm]
    blocker: IntArray  # (n,)


def band_of(f_ghz: float) -> str | None:
    """The Wi-Fi band of a frequency; None outside all."""
    return next((name for name, (low, high) in BANDS_GHZ.items() if low <= f_ghz <= high), None)


def signal(radios: Transmitters, barriers: Barriers, demand: Demand, cells: Cells, before: Before | None = None) -> Signal:
    """What each of n cells gets from the radios.

    Parameters
    ----------
    radios
        m radios.
    barriers
        What stands between; for the model `cost231` its walls are those of `twin.coverage.makeup.counted`.
    demand
        What counts as covered.
    cells
        The cells.
    before
        What was said of the cells they are cut from: radios settled there are not asked again, and `level` is only right about the
        threshold.
    """
    size = max(_MOST_PAIRS // max(len(radios), 1), 1)
    if not len(cells):
        return _nothing(0)

    def judge(part: Cells, index: IntArray) -> Signal:
        return _judge(radios, barriers, demand, part, None if before is None else Before(before.known, before.row[index]))

    parts = in_parts(cells, size, judge)
    names = ("level", "covered", "sure", "possible", "mixed", "clear", "best", "blocker", "settled", "open")
    return Signal(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _judge(radios: Transmitters, barriers: Barriers, demand: Demand, cells: Cells, before: Before | None) -> Signal:
    n, m = len(cells), len(radios)
    if not m:
        return _nothing(n)
    looked = probes(cells)
    hope = np.column_stack([radios.eirp_dbm[j] + radios.slack_db[j] - _near_loss(radios, j, demand, cells) for j in range(m)])  # (n, m)
    known: Signal | None = None if before is None else before.known
    settled = np.zeros(n, np.int64) if before is None or known is None else known.settled[before.row]
    asked = hope if before is None or known is None else np.where(known.open[before.row], hope, -np.inf)
    order = np.argsort(-asked, axis=1, kind="stable")
    strongest = np.full((n, demand.k), -np.inf)
    enough = np.repeat(settled, 6).reshape(n, 2, 3)  # radios at or above the threshold: in all of the cell, somewhere in it
    best, blocker, top, open_ = np.full(n, -1), np.full(n, -1), np.full(n, -np.inf), np.zeros((n, m), bool)
    active = np.arange(n)
    for turn in range(m):
        pick = order[active, turn]
        promise = asked[active, pick]
        done = (enough[active, 0, WORST] >= demand.k) & ((strongest[active].min(axis=1) >= promise) | (before is not None))
        going = ((promise >= demand.rssi_dbm) & ~done) | ((turn < demand.k) & (before is None))  # the first ones show a level
        active, pick = active[going], pick[going]
        if not len(active):
            break
        got = _levels(radios, barriers, demand.model, (select(cells, active), chosen(looked, active), pick))
        reaches = got.low >= demand.rssi_dbm
        enough[active, 0] += reaches
        enough[active, 1] += got.high >= demand.rssi_dbm
        settled[active] += reaches[:, WORST]
        open_[active, pick] = ~reaches[:, WORST] & (got.high[:, BEST] >= demand.rssi_dbm)
        better = got.point > top[active]
        best[active[better]], blocker[active[better]], top[active[better]] = pick[better], got.blocker[better], got.point[better]
        weakest = strongest[active].argmin(axis=1)
        strongest[active, weakest] = np.maximum(strongest[active, weakest], got.point)
    level = strongest.min(axis=1)
    sure, possible = enough[:, 0] >= demand.k, enough[:, 1] >= demand.k  # (n, 3)
    covered = _covered(strongest, demand, np.zeros(n, np.int64) if known is None or before is None else known.settled[before.row])
    return Signal(
        level=np.where(np.isfinite(level), level, np.nan),
        covered=covered,
        sure=sure[:, WORST],
        possible=possible[:, BEST] | covered,
        mixed=np.any(possible & ~sure, axis=1),
        clear=np.partition(hope, m - min(demand.k, m), axis=1)[:, m - min(demand.k, m)] if m >= demand.k else np.full(n, -np.inf),
        best=best,
        blocker=blocker,
        settled=settled,
        open=open_,
    )


def _covered(strongest: FloatArray, demand: Demand, settled: IntArray) -> BoolArray:
    """Whether k radios reach the point (n,): those settled before, and the strongest (n, k) of the others."""
    return settled + (strongest >= demand.rssi_dbm).sum(axis=1) >= demand.k


def _nothing(n: int) -> Signal:
    no, none = np.zeros(n, bool), np.full(n, -1, np.int64)
    return Signal(np.full(n, np.nan), no, no, no, no, np.full(n, -np.inf), none, none, np.zeros(n, np.int64), np.zeros((n, 0), bool))


def _near_loss(radios: Transmitters, j: int, demand: Demand, cells: Cells) -> FloatArray:
    """The least that the distance to radio j can cost anywhere in each cell (n,). [dB]"""
    near = ranges(radios.position[j], cells).near_3d
    return _distance_loss(demand.model, near, np.full(len(near), radios.f_ghz[j]), np.ones(len(near), bool))


def _levels(radios: Transmitters, barriers: Barriers, model: str, at: tuple[Cells, Probes, IntArray]) -> _Levels:
    """What each cell gets from the radio picked for it."""
    cells, looked, pick = at
    f_ghz, origin = radios.f_ghz[pick], radios.position[pick]
    between, blocker, sight = _between(barriers, model, (origin[looked.cell], looked.points), f_ghz[looked.cell])
    lost_low, lost_high = extremes(looked, between)  # (n, 3)
    seen_low, seen_high = extremes(looked, sight)  # all of the cell in sight, some of it
    reach = ranges(origin, cells)
    own = looked.start
    own_d = np.linalg.norm(looked.points[own] - origin, axis=1)
    likely = radios.eirp_dbm[pick] - _distance_loss(model, own_d, f_ghz, sight[own]) - between[own, LIKELY]
    slack = radios.slack_db[pick, None] * np.array([1.0, 0.0, -1.0])  # (n, 3) WORST LIKELY BEST
    power = radios.eirp_dbm[pick, None] - slack
    low = power - _distance_loss(model, reach.far_3d, f_ghz, seen_low)[:, None] - lost_high
    high = power - _distance_loss(model, reach.near_3d, f_ghz, seen_high)[:, None] - lost_low
    return _Levels(likely, low, high, blocker[own])


def _between(
    barriers: Barriers, model: str, segments: tuple[FloatArray, FloatArray], f_ghz: FloatArray
) -> tuple[FloatArray, IntArray, BoolArray]:
    """Loss of each segment beside its length (p, 3) [dB], the object that takes most (p,), and whether it is clear (p,)."""
    n = len(f_ghz)
    if model == "free_space":
        return np.zeros((n, 3)), np.full(n, -1, np.int64), np.ones(n, bool)
    if model == "p1238":
        return np.zeros((n, 3)), np.full(n, -1, np.int64), ~barriers.scene.occluded(*segments)
    loss, blocker = np.zeros((n, 3)), np.full(n, -1, np.int64)
    channel = np.round(f_ghz, 2)  # one table serves a channel
    for value in np.unique(channel):
        chosen_ = channel == value
        ends = (segments[0][chosen_], segments[1][chosen_])
        loss[chosen_], blocker[chosen_] = (_counted if model == "cost231" else partial(_by_material, f_ghz=float(value)))(barriers, ends)
    return loss, blocker, np.ones(n, bool)


def _by_material(barriers: Barriers, ends: tuple[FloatArray, FloatArray], *, f_ghz: float) -> tuple[FloatArray, IntArray]:
    found = wall_loss(barriers, loss_table_db(barriers.walls, f_ghz), *ends)
    return found.db, found.blocker


def _counted(barriers: Barriers, ends: tuple[FloatArray, FloatArray]) -> tuple[FloatArray, IntArray]:
    """COST 231: light and heavy walls by their thickness, and floors, which cost less the more there are."""
    walls, slabs = (wall_loss(barriers, counted_table(floors=floors), *ends) for floors in (False, True))
    floors = floors_db(slabs.db)  # the table gives each slab as 1
    return walls.db + floors, np.where(floors[:, LIKELY] > walls.db[:, LIKELY], slabs.blocker, walls.blocker)


def _distance_loss(model: str, d_m: FloatArray, f_ghz: FloatArray, sight: BoolArray) -> FloatArray:
    """Loss over the distance alone (n,). [dB]"""
    d = np.maximum(d_m, NEAREST_M)
    if model != "p1238":
        return free_space_db(d, f_ghz)
    loss = np.empty(len(d))
    for value in np.unique(f_ghz):
        same = f_ghz == value
        loss[same] = path_loss_db(MODELS["p1238-office"], Links(float(value), d[same], d[same]), sight[same], extrapolate=True)
    return loss
