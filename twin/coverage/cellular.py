"""What a phone receives from mobile networks at each place: power, and power over interference.

    RSRP = power of a resource element at boresight + gain towards the place - path loss - entry into a building

An outdoor antenna reaches outdoor places by its model, with or without line of sight as the scene has it, and indoor places by the
same model to where the line enters the building, and the building's entry loss from there. An antenna inside a building reaches
every place by the line-of-sight loss of TR 38.901 InH and the walls between; in a factory, by InF with or without line of sight in
its own building, and by walls beyond. Nothing is counted twice: the formulas without line of sight already hold what blocks them.

A carrier serves a cell when its power and its SINR are enough. Other carriers of the same operator interfere by their load and by
how much of the band they share; antennas of one and the same cell do not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import in_parts
from twin.coverage.cells import Cells, select
from twin.coverage.paths import Aim, Heard, Whereabouts, heard
from twin.coverage.propagation import MODELS, Model
from twin.coverage.received import ALL, ANY, LIKELY, LOST_DB, NONE, SAFE, Air, Bounds, Rules, Told, World, bound, receive, serve
from twin.coverage.site import Carriers, Site

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

INDOOR_MODELS = ("38.901-inh", "38.901-inf-sl", "38.901-inf-dl", "38.901-inf-sh", "38.901-inf-dh")
MOBILE_MODELS = ("38.901-uma", "38.901-umi", "38.901-rma", *INDOOR_MODELS, "38.901-inf", "p1411", "36.942", "hata", "two_ray", "free_space")
INDOOR_MODEL = INDOOR_MODELS[0]
ROOF_FROM_GHZ, CANYON_FROM_GHZ, LOW_UP_TO_M = 2.2, 0.8, 3.0  # where the formulas of P.1411 begin, and how high its low terminals are
# an indoor antenna this far below the threshold at a cell's point and corners, walls at their best, is left out there: it disturbs nobody
HARMLESS_DB, SILENT_DB = 20.0, 10.0  # where interference matters, and where it does not
_MOST_PAIRS = 500_000  # carriers times cells judged at a time
_MOST_CELLS = 100_000  # cells heard at a time where nothing is kept

Keep = Callable[[int, Callable[[], Heard]], Heard]


@dataclass(frozen=True)
class Demand:
    """What counts as covered: RSRP and, unless None, SINR; by `any` operator, `all` of them, or the one of that index."""

    rsrp_dbm: float = -105.0
    sinr_db: float | None = -3.0
    operators: str | int = "any"
    target_height_m: float = 1.5

    @property
    def least_sinr_db(self) -> float:
        """The least SINR, without a limit where none is asked for. [dB]"""
        return -np.inf if self.sinr_db is None else self.sinr_db

    @property
    def who(self) -> int:
        """ANY, ALL, or the number of an operator."""
        return self.operators if isinstance(self.operators, int) else ALL if self.operators == "all" else ANY


@dataclass(frozen=True)
class Reception:
    """What n cells receive of o operators."""

    level: FloatArray  # (n,) RSRP that decides [dBm]: the strongest, with `all` that of the weakest operator; NaN where silent
    sinr: FloatArray  # (n,) of the best carrier [dB]
    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    by_operator: BoolArray  # (n, o) covered by each
    surely_by: BoolArray  # (n, o)
    possibly_by: BoolArray  # (n, o)
    levels: FloatArray  # (n, o) the strongest of each [dBm]
    best: IntArray  # (n,) the strongest carrier that counts, -1 where none
    best_by: IntArray  # (n, o) the strongest carrier of each
    sight: BoolArray  # (n,) whether that carrier is in line of sight
    sole: IntArray  # (n,) the device without which the cell would not be covered; -1 where there is none
    devices: FloatArray  # (d,) area that each device serves [m2]


@dataclass(frozen=True)
class Verdict:
    """The same in short, of cells that others were cut into."""

    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    possibly_by: BoolArray  # (n, o)


@dataclass(frozen=True)
class Case:
    """One state of what is not known: cases of facades and walls, and how much more carriers send than they say (m,) [dB].

    `own_db` is for carriers that serve, `other_db` for the same where they disturb, as are `walls` and `other_walls`.
    """

    facade: int = LIKELY
    walls: int = LIKELY
    other_walls: int = LIKELY
    own_db: FloatArray | None = None
    other_db: FloatArray | None = None


def reception(carriers: Carriers, site: Site, demand: Demand, cells: Cells, levels: Sequence[Heard] | None = None) -> Reception:
    """What each of n cells receives.

    Parameters
    ----------
    carriers
        m carriers.
    site
        What is in their way.
    demand
        What counts as covered.
    cells
        The cells; `piece` indexes the houses of the site.
    levels
        What each carrier gives them, where that is known already (see `levels_of`).
    """
    if not len(cells) or not len(carriers):
        return _silence(len(cells))
    if levels is None and len(cells) > _MOST_CELLS:
        halves = np.array_split(np.arange(len(cells)), -(-len(cells) // _MOST_CELLS))
        return _joined([reception(carriers, site, demand, select(cells, index)) for index in halves])
    given = levels_of(carriers, site, demand, cells) if levels is None else levels
    size = max(_MOST_PAIRS // len(carriers), 1)
    return _joined(in_parts(cells, size, lambda part, index: _judge(carriers, demand, part, _cut_out(given, index))))


def levels_of(
    carriers: Carriers, site: Site, demand: Demand, cells: Cells, keep: Keep | None = None, hope: BoolArray | None = None
) -> list[Heard]:
    """What each of m carriers gives n cells; `keep` is called for each and may answer from memory. `hope` as in `verdict`."""
    unheard = SILENT_DB if demand.sinr_db is None else HARMLESS_DB + max(demand.sinr_db, 0.0)
    where = Whereabouts(cells, site, Aim(demand.rsrp_dbm - unheard, demand.target_height_m), hope)
    groups: dict[tuple[float, ...], list[int]] = {}
    for j, (x, y, z) in enumerate(carriers.position.tolist()):
        groups.setdefault((x, y, z, float(carriers.loose[j, 0]), bool(carriers.indoor[j])), []).append(j)
    ask = keep or (lambda _, make: make())
    _ = (where.place, where.looked, where.yards, where.by_house)  # made once, before threads share them
    _ = where.behind_walls if carriers.indoor.any() else None

    def one(numbers: list[int]) -> list[Heard]:
        return heard(carriers, where, numbers, ask)

    found: list[Heard | None] = [None] * len(carriers)
    with ThreadPoolExecutor(cpu_count()) as pool:
        answers = list(pool.map(one, groups.values()))
    for numbers, answer in zip(groups.values(), answers, strict=True):
        for j, level in zip(numbers, answer, strict=True):
            found[j] = level
    return [level for level in found if level is not None]


def covered_in(carriers: Carriers, demand: Demand, cells: Cells, levels: Sequence[Heard], case: Case) -> BoolArray:
    """Whether the points of n cells are covered in one state of what is not known."""
    if not len(cells) or not len(carriers):
        return np.zeros(len(cells), bool)
    size = max(_MOST_PAIRS // len(carriers), 1)

    def judge(_: Cells, index: IntArray) -> BoolArray:
        return _counted(_served(_air(_cut_out(levels, index)), carriers, demand, case, one=demand.who == ANY), demand)

    return np.concatenate(in_parts(cells, size, judge))


def model_of(name: str, *, height_m: float, above_roofs: bool, f_ghz: float = 3.5) -> Model:
    """The entry of MODELS that a name of MOBILE_MODELS means for one antenna.

    P.1411 has formulas for antennas above the roofs (from 2.2 GHz) and below them (from 0.8 GHz), and one for terminals below 3 m; the
    factory models differ by whether the antenna is above the clutter, which is taken to reach 4 m.
    """
    if name == "p1411":
        if f_ghz < CANYON_FROM_GHZ and height_m <= LOW_UP_TO_M:
            return MODELS["p1411-low"]
        return MODELS["p1411-roof" if above_roofs else "p1411-canyon"]
    if name == "38.901-inf":
        return MODELS["38.901-inf-sh" if height_m >= 4.0 else "38.901-inf-sl"]
    return MODELS[name]


def _served(air: Air, carriers: Carriers, demand: Demand, case: Case, *, one: bool = False) -> BoolArray:
    """Which operators serve the points of cells (n, o) in one state of what is not known; with `one`, one of them."""
    out = np.zeros((len(air.plain), int(carriers.operator.max()) + 1), bool)
    serve(air, _rules(carriers, demand), _world(carriers, case), one, out)
    return out


def verdict(carriers: Carriers, site: Site, demand: Demand, cells: Cells, hope: BoolArray) -> Verdict:
    """Whether n cells that others were cut into are covered; operators that cannot serve them by `hope` (n, o) are not heard."""
    o = hope.shape[1]
    if not len(cells) or not len(carriers):
        none = np.zeros(len(cells), bool)
        return Verdict(none, none, none, none, np.zeros((len(cells), o), bool))

    def judge(part: Cells, index: IntArray) -> Verdict:
        air = _air(_cut_out(levels, index))
        served, out = _served(air, carriers, demand, Case()), _bounds(len(part), o)
        bound(air, _rules(carriers, demand), out)
        covered = _counted(served, demand)
        sure, possible = _counted(out.sure, demand) & covered, _counted(out.possible, demand) | covered
        return Verdict(covered, sure, possible, out.mixed, out.possible | served)

    audible = hope | (hope @ _disturbing(carriers, o))
    found: list[Verdict] = []
    for index in np.array_split(np.arange(len(cells)), -(-len(cells) // _MOST_CELLS)):
        some = select(cells, index)
        levels = levels_of(carriers, site, demand, some, hope=audible[index])
        found += in_parts(some, max(_MOST_PAIRS // len(carriers), 1), judge)
    return Verdict(*(np.concatenate([getattr(part, name) for part in found]) for name in Verdict.__dataclass_fields__))


def _disturbing(carriers: Carriers, o: int) -> BoolArray:
    """Whether each operator (row) is disturbed by each other one (o, o)."""
    out, among = np.zeros((o, o), bool), carriers.interference
    out[np.repeat(carriers.operator, np.diff(among.first)), carriers.operator[among.other]] = True
    return out


def _bounds(n: int, o: int) -> Bounds:
    return Bounds(np.zeros((n, o), bool), np.zeros((n, o), bool), np.zeros(n, bool))


def _judge(carriers: Carriers, demand: Demand, cells: Cells, levels: Sequence[Heard]) -> Reception:
    told, rules, air = _told(carriers, len(cells)), _rules(carriers, demand), _air(levels)
    receive(air, rules, cells.area, _world(carriers, Case()), told)
    o = told.level.shape[1]
    out = _bounds(len(cells), o)
    bound(air, rules, out)
    covered = _counted(told.served, demand)
    row, pick = np.arange(len(cells)), _deciding(told.level, demand)
    best = told.best[row, pick]
    level = told.level + demand.rsrp_dbm
    level = np.where(level > demand.rsrp_dbm - LOST_DB / 2, level, np.nan)
    sight = np.stack([heard_.sight for heard_ in levels])
    return Reception(
        level=level[row, pick],
        sinr=told.sinr[row, pick],
        covered=covered,
        sure=_counted(out.sure, demand) & covered,
        possible=_counted(out.possible, demand) | covered,
        mixed=out.mixed,
        by_operator=told.served,
        surely_by=out.sure & told.served,
        possibly_by=out.possible | told.served,
        levels=level,
        best=best,
        best_by=told.best,
        sight=sight[np.maximum(best, 0), row],
        sole=_sole(told.sole, covered, demand),
        devices=told.devices[:, demand.operators] if isinstance(demand.operators, int) else told.devices.sum(axis=1),
    )


def _counted(served: BoolArray, demand: Demand) -> BoolArray:
    """Whether those whose signal counts serve, from (n, o)."""
    if isinstance(demand.operators, int):
        return served[:, demand.operators]
    return np.asarray(np.all(served, axis=1) if demand.operators == "all" else np.any(served, axis=1), bool)


def _deciding(level: FloatArray, demand: Demand) -> IntArray:
    """The operator (n,) whose level decides."""
    if isinstance(demand.operators, int):
        return np.full(len(level), demand.operators)
    return level.argmin(axis=1) if demand.operators == "all" else level.argmax(axis=1)


def _sole(sole: IntArray, covered: BoolArray, demand: Demand) -> IntArray:
    """The device without which a covered cell would not be covered (n,), -1 where there is none, from those of operators (n, o)."""
    if isinstance(demand.operators, int):
        only = np.maximum(sole[:, demand.operators], -1)
    elif demand.operators == "all":  # the first operator that hangs on one device
        only = sole[np.arange(len(sole)), (sole >= 0).argmax(axis=1)]
        only = np.where((sole >= 0).any(axis=1), only, -1)
    else:
        alone = ((sole != NONE).sum(axis=1) == 1) & (sole != SAFE).all(axis=1)
        only = np.where(alone, sole.max(axis=1), -1)
    return np.where(covered, only, -1)


def _rules(carriers: Carriers, demand: Demand) -> Rules:
    among = carriers.interference
    return Rules(
        carriers.slack_db, 10.0 ** (carriers.noise_dbm / 10.0), carriers.operator, carriers.device, carriers.indoor, among.first,
        among.other, among.weight, np.full(len(carriers), demand.rsrp_dbm), demand.least_sinr_db, demand.who,
    )  # fmt: skip


def _world(carriers: Carriers, case: Case) -> World:
    nothing = np.zeros(len(carriers))
    own, other = (nothing if shift is None else shift for shift in (case.own_db, case.other_db))
    return World(case.facade, case.walls, case.other_walls, own, other)


def _told(carriers: Carriers, n: int) -> Told:
    o, d = int(carriers.operator.max()) + 1, int(carriers.device.max()) + 1
    return Told(
        np.full((n, o), -np.inf), np.full((n, o), -1, np.int64), np.full((n, o), np.nan), np.zeros((n, o), bool),
        np.full((n, o), NONE, np.int64), np.zeros((d, o)),
    )  # fmt: skip


def _air(levels: Sequence[Heard]) -> Air:
    plain = np.stack([level.plain for level in levels], axis=1)
    row = np.full(plain.shape[:2], -1, np.int32)
    start = 0
    for j, level in enumerate(levels):
        row[level.cell, j] = np.arange(start, start + len(level.cell))
        start += len(level.cell)
    return Air(plain, row, np.concatenate([level.cases for level in levels]))


def _cut_out(levels: Sequence[Heard], index: IntArray) -> list[Heard]:
    """What carriers give some consecutive cells."""
    a, b = int(index[0]), int(index[-1]) + 1
    found: list[Heard] = []
    for level in levels:
        first, end = np.searchsorted(level.cell, [a, b])
        found.append(Heard(level.plain[a:b], level.cell[first:end] - a, level.cases[first:end], level.sight[a:b]))
    return found


def picked(level: Heard, index: IntArray) -> Heard:
    """What a carrier gives some cells (k,), ascending."""
    number = np.full(len(level.plain), -1, np.int64)
    number[index] = np.arange(len(index))
    cell = number[level.cell]
    mine = cell >= 0
    return Heard(level.plain[index], cell[mine], level.cases[mine], level.sight[index])


def rows_of(found: Reception, index: IntArray) -> Reception:
    """What some cells (k,) receive."""
    names = [name for name in Reception.__dataclass_fields__ if name != "devices"]
    return Reception(**{name: getattr(found, name)[index] for name in names}, devices=found.devices)


def _joined(parts: Sequence[Reception]) -> Reception:
    names = [name for name in Reception.__dataclass_fields__ if name != "devices"]
    columns = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    return Reception(**columns, devices=np.sum([part.devices for part in parts], axis=0))


def _silence(n: int) -> Reception:
    no, none, nobody = np.zeros(n, bool), np.full(n, np.nan), np.full(n, -1, np.int64)
    by = np.zeros((n, 0), bool)
    return Reception(
        none, none, no, no, no, no, by, by, by, np.empty((n, 0)), nobody, np.empty((n, 0), np.int64), no, nobody, np.empty(0)
    )  # fmt: skip
