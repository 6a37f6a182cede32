"""What a phone receives from mobile networks at each place: power, and power over interference.

    RSRP = power of a resource element at boresight + gain towards the place - path loss - entry into a building

An outdoor antenna reaches outdoor places by its model, with or without line of sight as the scene has it, and indoor places by the
same model to where the line enters the building, and the building's entry loss from there. An antenna inside a building reaches
every place by the line-of-sight loss of TR 38.901 InH and the walls between. Nothing is counted twice: the formulas without line of
sight already hold what blocks them.

A carrier serves a cell when its RSRP and its SINR are enough. Other carriers of the same operator interfere by their load and by
how much of the band they share; antennas of one and the same cell do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.antenna import Antenna, gain_bounds_db, gain_db
from twin.coverage.bounded import Probes, chosen, chunks, extremes, probes, ranges
from twin.coverage.cells import Cells, select
from twin.coverage.facade import Entry, House, entry, entry_loss_db
from twin.coverage.makeup import BEST, LIKELY, WORST, loss_table_db
from twin.coverage.propagation import MODELS, Links, Model, path_loss_db
from twin.coverage.radio import sinr_db
from twin.coverage.walls import Barriers, wall_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MOBILE_MODELS = ("38.901-uma", "38.901-umi", "38.901-rma", "38.901-inh", "38.901-inf", "p1411", "free_space")
INDOOR_MODEL = "38.901-inh"
NEAREST_M = 0.5
UNHEARD_DB = 40.0  # an indoor antenna this far below the threshold in free space is left out
SILENT_DBM = -300.0
_MOST_PAIRS = 1_000_000  # carriers times cells judged at a time


@dataclass(frozen=True)
class Carriers:
    """m carriers, each radiated by one antenna."""

    position: FloatArray  # (m, 3) [m, enu]
    height_m: FloatArray  # (m,) above the ground there
    f_ghz: FloatArray  # (m,)
    power_dbm: FloatArray  # (m,) of one resource element at boresight
    slack_db: FloatArray  # (m,) how far the power may be off where it is assumed [dB]
    noise_dbm: FloatArray  # (m,) of one resource element
    antenna: Sequence[Antenna]
    operator: IntArray  # (m,)
    indoor: BoolArray  # (m,) inside a building
    model: Sequence[str]  # (m,) keys of MODELS, for the outdoor ones
    interference: FloatArray  # (m, m) how much of carrier column arrives in carrier row: load times overlap of the bands [1]

    def __len__(self) -> int:
        return len(self.f_ghz)


@dataclass(frozen=True)
class Site:
    """What carriers meet on their way: the scene, and the building around each piece of the surface (None outdoors)."""

    barriers: Barriers
    houses: Sequence[House | None]  # (pieces,)
    facades: tuple[str, str, str] = ("high", "low", "low")  # kind of facade in the WORST, LIKELY and BEST case
    release: int = 19


@dataclass(frozen=True)
class Demand:
    """What counts as covered: RSRP and, unless None, SINR; by `any` operator, `all` of them, or the one of that index."""

    rsrp_dbm: float = -105.0
    sinr_db: float | None = -3.0
    operators: str | int = "any"
    target_height_m: float = 1.5


@dataclass(frozen=True)
class Reception:
    """What n cells receive."""

    level: FloatArray  # (n,) RSRP that decides [dBm]: the strongest, with `all` that of the weakest operator; NaN where silent
    sinr: FloatArray  # (n,) of the best carrier [dB]
    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)
    by_operator: BoolArray  # (n, o) covered by each
    best: IntArray  # (n,) the strongest carrier that counts, -1 where none
    sight: BoolArray  # (n,) whether that carrier is in line of sight


@dataclass(frozen=True)
class _Power:
    """RSRP of each carrier at the points of n cells and over the cells, before what is unknown of the transmitters. [dBm]"""

    point: FloatArray  # (n, m)
    low: FloatArray  # (n, m, 3)
    high: FloatArray  # (n, m, 3)
    sight: BoolArray  # (n, m)


@dataclass(frozen=True)
class _View:
    """One outdoor antenna place from p points: whether it is in sight, and how the line enters the buildings around points."""

    sight: BoolArray  # (p,)
    entries: Sequence[tuple[IntArray, Entry]]  # points inside one building, and their ways in


@dataclass(frozen=True)
class _Way:
    """One carrier's way to n cells: line of sight, and what is lost beside the path; at the point, least, most."""

    sight: tuple[BoolArray, BoolArray, BoolArray]  # (n,) at the point, in all of the cell, in some of it
    extra: tuple[FloatArray, FloatArray, FloatArray]  # (n, 3) at the point, least, most [dB]


def reception(carriers: Carriers, site: Site, demand: Demand, cells: Cells) -> Reception:
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
    """
    size = max(_MOST_PAIRS // max(len(carriers), 1), 1)
    parts = [_judge(carriers, site, demand, part) for _, part in chunks(cells, size)] or [_judge(carriers, site, demand, cells)]
    names = ("level", "sinr", "covered", "sure", "possible", "mixed", "by_operator", "best", "sight")
    return Reception(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _judge(carriers: Carriers, site: Site, demand: Demand, cells: Cells) -> Reception:
    n = len(cells)
    if not n or not len(carriers):
        no, none = np.zeros(n, bool), np.full(n, np.nan)
        return Reception(none, none, no, no, no, no, np.zeros((n, 0), bool), np.full(n, -1, np.int64), no)
    power = _power(carriers, site, demand, cells)
    quality = _sinr(carriers, power.point, power.point)
    served = (power.point >= demand.rsrp_dbm) & _enough(quality, demand)
    sure, possible = np.empty((n, 3), bool), np.empty((n, 3), bool)
    for case, turn in ((WORST, -1.0), (LIKELY, 0.0), (BEST, 1.0)):
        own, others = turn * carriers.slack_db, -turn * carriers.slack_db
        low, high = power.low[:, :, case], power.high[:, :, case]
        least = (low + own >= demand.rsrp_dbm) & _enough(_sinr(carriers, low + own, high + others), demand)
        most = (high + own >= demand.rsrp_dbm) & _enough(_sinr(carriers, high + own, low + others), demand)
        sure[:, case] = _counts(_by_operator(carriers, least), demand)
        possible[:, case] = _counts(_by_operator(carriers, most), demand)
    by_operator = _by_operator(carriers, served)
    covered = _counts(by_operator, demand)
    level, best = _deciding(carriers, power.point, demand)
    row = np.arange(n)
    return Reception(
        level=np.where(level > SILENT_DBM / 2, level, np.nan),
        sinr=quality[row, best],
        covered=covered,
        sure=sure[:, WORST] & covered,
        possible=possible[:, BEST] | covered,
        mixed=np.any(possible & ~sure, axis=1),
        by_operator=by_operator,
        best=best,
        sight=power.sight[row, best],
    )


def _enough(quality: FloatArray, demand: Demand) -> BoolArray:
    return np.ones(quality.shape, bool) if demand.sinr_db is None else quality >= demand.sinr_db


def _sinr(carriers: Carriers, signal: FloatArray, others: FloatArray) -> FloatArray:
    """SINR of every carrier (n, m) [dB] for signals and interferers (n, m). [dBm]"""
    return sinr_db(signal, others, carriers.noise_dbm, carriers.interference)


def _by_operator(carriers: Carriers, served: BoolArray) -> BoolArray:
    """Whether any carrier of each operator serves (n, o)."""
    return np.column_stack([served[:, carriers.operator == o].any(axis=1) for o in range(int(carriers.operator.max()) + 1)])


def _counts(by_operator: BoolArray, demand: Demand) -> BoolArray:
    if isinstance(demand.operators, int):
        return by_operator[:, demand.operators]
    return np.all(by_operator, axis=1) if demand.operators == "all" else np.any(by_operator, axis=1)


def _deciding(carriers: Carriers, point: FloatArray, demand: Demand) -> tuple[FloatArray, IntArray]:
    """The RSRP that decides and the carrier it comes from (n,)."""
    row = np.arange(len(point))
    operators = range(int(carriers.operator.max()) + 1)
    mine = [np.where(carriers.operator == o, point, -np.inf).argmax(axis=1) for o in operators]
    best = np.column_stack(mine)  # (n, o) carrier
    levels = point[row[:, None], best]  # (n, o)
    if isinstance(demand.operators, int):
        pick = np.full(len(point), demand.operators)
    else:
        pick = levels.argmin(axis=1) if demand.operators == "all" else levels.argmax(axis=1)
    return levels[row, pick], best[row, pick]


def _power(carriers: Carriers, site: Site, demand: Demand, cells: Cells) -> _Power:
    n, m = len(cells), len(carriers)
    point, sight = np.full((n, m), SILENT_DBM), np.zeros((n, m), bool)
    low, high = np.full((n, m, 3), SILENT_DBM), np.full((n, m, 3), SILENT_DBM)
    looked = probes(cells)
    views: dict[tuple[float, ...], _View] = {}
    height = _heights(site, demand, cells)
    for j in range(m):
        hears = _hears(carriers, j, demand, cells)
        if not hears.any():
            continue
        some = np.flatnonzero(hears)
        near = (select(cells, some), chosen(looked, some)) if len(some) < n else (cells, looked)
        if carriers.indoor[j]:
            way = _way_indoors(carriers, j, site, near[1])
        else:
            place = tuple(carriers.position[j].tolist())
            views[place] = views.get(place) or _view(carriers.position[j], site, cells, looked)
            way = _way_outdoors(float(carriers.f_ghz[j]), site, looked, views[place])
        point[some, j], low[some, j], high[some, j] = _received(carriers, j, way, near, height[some])
        sight[some, j] = way.sight[0]
    return _Power(point, low, high, sight)


def _hears(carriers: Carriers, j: int, demand: Demand, cells: Cells) -> BoolArray:
    """Cells that carrier j may matter for (n,): all of them outdoors; indoors those where it is not far below the threshold."""
    if not carriers.indoor[j]:
        return np.ones(len(cells), bool)
    near = np.maximum(ranges(carriers.position[j], cells).near_3d, NEAREST_M)
    loss = path_loss_db(MODELS[INDOOR_MODEL], Links(float(carriers.f_ghz[j]), near, near), True, extrapolate=True)
    return carriers.power_dbm[j] + carriers.slack_db[j] - loss >= demand.rsrp_dbm - UNHEARD_DB


def _heights(site: Site, demand: Demand, cells: Cells) -> FloatArray:
    """Height of the phones above the ground (n,). [m]"""
    base = np.array([np.nan if building is None else building.base_z for building in site.houses])
    above = cells.centre[:, 2] - base[cells.piece] if len(base) else np.full(len(cells), np.nan)
    return np.where(np.isnan(above), demand.target_height_m, np.maximum(above, demand.target_height_m))


def _received(
    carriers: Carriers, j: int, way: _Way, at: tuple[Cells, Probes], height: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """RSRP of carrier j at the cells' points (n,) and its least and greatest in each case (n, 3). [dBm]"""
    cells, looked = at
    model = MODELS[INDOOR_MODEL if carriers.indoor[j] else carriers.model[j]]
    reach = ranges(carriers.position[j], cells)
    own = looked.points[looked.start]
    offset = own - carriers.position[j]
    flat, slant = np.hypot(offset[:, 0], offset[:, 1]), np.linalg.norm(offset, axis=1)
    box = np.column_stack([cells.half, cells.half, np.abs(cells.z_range - cells.centre[:, 2:]).max(axis=1)])
    weak, strong = gain_bounds_db(carriers.antenna[j], carriers.position[j], cells.centre, box)
    gain = gain_db(carriers.antenna[j], carriers.position[j], own)

    def loss(flat_m: FloatArray, slant_m: FloatArray, sight: BoolArray) -> FloatArray:
        far_enough = np.maximum(slant_m, NEAREST_M)
        link = Links(float(carriers.f_ghz[j]), flat_m, far_enough, float(carriers.height_m[j]), height)
        return path_loss_db(model, link, sight, extrapolate=True)

    power = carriers.power_dbm[j]
    at_point = power + gain - loss(flat, slant, way.sight[0]) - way.extra[0][:, LIKELY]
    low = (power + weak - loss(reach.far_2d, reach.far_3d, way.sight[1]))[:, None] - way.extra[2]
    high = (power + strong - loss(reach.near_2d, reach.near_3d, way.sight[2]))[:, None] - way.extra[1]
    return at_point, low, high


def _way_indoors(carriers: Carriers, j: int, site: Site, looked: Probes) -> _Way:
    """From an antenna inside a building: walls, wherever the cells are."""
    origins = np.broadcast_to(carriers.position[j], looked.points.shape)
    table = loss_table_db(site.barriers.walls, round(float(carriers.f_ghz[j]), 1))
    lost = wall_loss(site.barriers, table, origins, looked.points).db
    return _over_cells(looked, np.ones(len(looked.points), bool), lost)


def _view(antenna: FloatArray, site: Site, cells: Cells, looked: Probes) -> _View:
    """From an outdoor antenna place (3,): sight of each point, or of where the line enters the building around it."""
    targets = looked.points.copy()
    entries: list[tuple[IntArray, Entry]] = []
    for into, pieces in _houses(site):
        inside = np.flatnonzero(np.isin(cells.piece[looked.cell], pieces))
        if len(inside):
            way_in = entry(antenna, looked.points[inside], into)
            targets[inside] = way_in.outside
            entries.append((inside, way_in))
    return _View(~site.barriers.scene.occluded(np.broadcast_to(antenna, targets.shape), targets), entries)


def _way_outdoors(f_ghz: float, site: Site, looked: Probes, view: _View) -> _Way:
    lost = np.zeros((len(looked.points), 3))
    for inside, way_in in view.entries:
        lost[inside] = entry_loss_db(way_in, site.facades, f_ghz, site.release)
    return _over_cells(looked, view.sight, lost)


def _houses(site: Site) -> list[tuple[House, list[int]]]:
    """The buildings of a site, each with the pieces inside it."""
    found: dict[str, tuple[House, list[int]]] = {}
    for k, building in enumerate(site.houses):
        if building is not None:
            found.setdefault(building.id, (building, []))[1].append(k)
    return list(found.values())


def _over_cells(looked: Probes, sight: BoolArray, lost: FloatArray) -> _Way:
    all_, some = extremes(looked, sight)
    least, most = extremes(looked, lost)
    return _Way((sight[looked.start], all_, some), (lost[looked.start], least, most))


def model_of(name: str, *, height_m: float, above_roofs: bool) -> Model:
    """The entry of MODELS that a name of MOBILE_MODELS means for one antenna.

    P.1411 has formulas for antennas above the roofs and below them; the factory models differ by whether the antenna is above the
    clutter, which is taken to reach 4 m.
    """
    if name == "p1411":
        return MODELS["p1411-roof" if above_roofs else "p1411-canyon"]
    if name == "38.901-inf":
        return MODELS["38.901-inf-sh" if height_m >= 4.0 else "38.901-inf-sl"]
    return MODELS[name]
