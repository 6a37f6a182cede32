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

from twin.coverage.antenna import Antenna
from twin.coverage.bounded import Probes, chosen, extremes, in_parts, probes, ranges
from twin.coverage.cells import Cells
from twin.coverage.facade import Entry, House, entry, entry_loss_db
from twin.coverage.makeup import BEST, WORST, loss_table_db
from twin.coverage.propagation import MODELS, Links, Model, curve, path_loss_db
from twin.coverage.received import NEAREST_M, Extra, Limits, Place, Seen, Sent, Told, receive
from twin.coverage.walls import Barriers, wall_loss

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MOBILE_MODELS = ("38.901-uma", "38.901-umi", "38.901-rma", "38.901-inh", "38.901-inf", "p1411", "free_space")
INDOOR_MODEL = "38.901-inh"
UNHEARD_DB = 20.0  # an indoor antenna this far below the threshold in free space is left out, as it is beyond the range of its formula
LOST_DB = 1000.0  # what then lies between
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
class _Around:
    """What does not change from cell to cell: carriers for the compiled loops, antenna places, and classes of heights."""

    sent: Sent
    sites: FloatArray  # (s, 3) places of the outdoor antennas [m, enu]
    outdoor: IntArray  # (o,) carriers
    indoor: IntArray  # (i,) carriers
    base: FloatArray  # (pieces,) foot of the building around each piece [m, enu]; NaN outdoors
    heights: FloatArray  # (c,) heights of phones above the ground that occur [m]


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
    if not len(cells) or not len(carriers):
        no, none = np.zeros(len(cells), bool), np.full(len(cells), np.nan)
        return Reception(none, none, no, no, no, no, np.zeros((len(cells), 0), bool), np.full(len(cells), -1, np.int64), no)
    around = _around(carriers, site, demand, cells)
    size = max(_MOST_PAIRS // len(carriers), 1)
    parts = in_parts(cells, size, lambda part, _: _judge(carriers, site, demand, around, part))
    names = ("level", "sinr", "covered", "sure", "possible", "mixed", "by_operator", "best", "sight")
    return Reception(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _judge(carriers: Carriers, site: Site, demand: Demand, around: _Around, cells: Cells) -> Reception:
    looked = probes(cells)
    own = looked.points[looked.start]
    seen, entries = _sight(around, site, cells, looked)
    extra = _extra(carriers, site, demand, around, (cells, looked, entries))
    low, high = np.ascontiguousarray(cells.z_range.T)
    place = Place(own, cells.centre, cells.half, low, high, _classes(around, demand, cells))
    n, o = len(cells), int(carriers.operator.max()) + 1
    told = Told(
        np.full((n, o), -np.inf), np.full((n, o), -1, np.int64), np.full((n, o), np.nan), np.zeros((n, o), bool),
        np.zeros((n, 3, o), bool), np.zeros((n, 3, o), bool),
    )  # fmt: skip
    limits = Limits(demand.rsrp_dbm, -np.inf if demand.sinr_db is None else demand.sinr_db)
    receive(around.sent, place, seen, extra, limits, told)
    return _reception(around, demand, seen, told)


def _reception(around: _Around, demand: Demand, seen: Seen, told: Told) -> Reception:
    covered, sure, possible = (_counts(served, demand) for served in (told.served, told.sure, told.possible))
    row = np.arange(len(covered))
    pick = _deciding(told.level, demand)
    best = told.best[row, pick]
    place = around.sent.site[best]
    level = told.level[row, pick]
    return Reception(
        level=np.where(level > -LOST_DB / 2, level, np.nan),
        sinr=told.sinr[row, pick],
        covered=covered,
        sure=sure[:, WORST] & covered,
        possible=possible[:, BEST] | covered,
        mixed=np.any(possible & ~sure, axis=1),
        by_operator=told.served,
        best=best,
        sight=(place < 0) | seen.point[row, np.maximum(place, 0)],
    )


def _counts(served: BoolArray, demand: Demand) -> BoolArray:
    """Whether those whose signal counts serve, from (..., o)."""
    if isinstance(demand.operators, int):
        return served[..., demand.operators]
    return np.asarray(np.all(served, axis=-1) if demand.operators == "all" else np.any(served, axis=-1), bool)


def _deciding(level: FloatArray, demand: Demand) -> IntArray:
    """The operator (n,) whose level decides."""
    if isinstance(demand.operators, int):
        return np.full(len(level), demand.operators)
    return level.argmin(axis=1) if demand.operators == "all" else level.argmax(axis=1)


def _around(carriers: Carriers, site: Site, demand: Demand, cells: Cells) -> _Around:
    outdoor, indoor = np.flatnonzero(~carriers.indoor), np.flatnonzero(carriers.indoor)
    sites, place = np.unique(carriers.position[outdoor], axis=0, return_inverse=True) if len(outdoor) else (np.zeros((1, 3)), outdoor)
    base = np.array([np.nan if building is None else building.base_z for building in site.houses])
    heights = np.unique(np.round(_heights(base, demand, cells), 1))
    row, other = np.nonzero(carriers.interference)
    sent = Sent(
        position=carriers.position,
        power=carriers.power_dbm,
        slack=carriers.slack_db,
        noise=10.0 ** (carriers.noise_dbm / 10.0),
        antenna=np.array([_pattern(antenna) for antenna in carriers.antenna], float),
        least_d=np.array([_model(carriers, j).validity.d_m[0] for j in range(len(carriers))], float),
        curve=np.stack([curve(_model(carriers, j), float(carriers.f_ghz[j]), carriers.height_m[j], heights) for j in range(len(carriers))]),
        site=_numbered(len(carriers), outdoor, np.ravel(place)),
        inside=_numbered(len(carriers), indoor, np.arange(len(indoor))),
        column=_numbered(len(carriers), outdoor, np.arange(len(outdoor))),
        operator=carriers.operator,
        first=np.searchsorted(row, np.arange(len(carriers) + 1)),
        other=other,
        weight=carriers.interference[row, other],
    )
    return _Around(sent, sites, outdoor, indoor, base, heights)


def _model(carriers: Carriers, j: int) -> Model:
    return MODELS[INDOOR_MODEL if carriers.indoor[j] else carriers.model[j]]


def _pattern(antenna: Antenna) -> tuple[float, float, float, float]:
    return (np.nan if antenna.azimuth is None else antenna.azimuth, antenna.tilt, antenna.beam_h, antenna.beam_v)


def _numbered(m: int, which: IntArray, numbers: IntArray) -> IntArray:
    found = np.full(m, -1, np.int64)
    found[which] = numbers
    return found


def _heights(base: FloatArray, demand: Demand, cells: Cells) -> FloatArray:
    """Height of the phones above the ground (n,). [m]"""
    above = cells.centre[:, 2] - base[cells.piece]
    return np.where(np.isnan(above), demand.target_height_m, np.maximum(above, demand.target_height_m))


def _classes(around: _Around, demand: Demand, cells: Cells) -> IntArray:
    """The class of heights of each cell (n,): the nearest that occurs."""
    height = np.round(_heights(around.base, demand, cells), 1)
    return np.minimum(np.searchsorted(around.heights, height - 0.05), len(around.heights) - 1)


def _sight(around: _Around, site: Site, cells: Cells, looked: Probes) -> tuple[Seen, list[list[tuple[IntArray, Entry]]]]:
    """Sight from every antenna place to each cell, or to where lines enter the building around it; and those ways in by place."""
    inside = [(into, np.flatnonzero(np.isin(cells.piece[looked.cell], pieces))) for into, pieces in _houses(site)]
    inside = [(into, points) for into, points in inside if len(points)]
    columns: list[BoolArray] = []
    entries: list[list[tuple[IntArray, Entry]]] = []
    for antenna in around.sites:
        targets = looked.points.copy()
        ways = [(points, entry(antenna, looked.points[points], into)) for into, points in inside]
        for points, way_in in ways:
            targets[points] = way_in.outside
        columns.append(~site.barriers.scene.occluded(np.broadcast_to(antenna, targets.shape), targets))
        entries.append(ways)
    clear = np.column_stack(columns)  # (p, s)
    whole, some = extremes(looked, clear)
    return Seen(clear[looked.start], whole, some), entries


_Ways = list[list[tuple[IntArray, Entry]]]


def _extra(carriers: Carriers, site: Site, demand: Demand, around: _Around, at: tuple[Cells, Probes, _Ways]) -> Extra:
    """What is lost beside the path: walls between indoor antennas and everything, entries between outdoor ones and indoor cells."""
    cells, looked, entries = at
    indoors = ~np.isnan(around.base[cells.piece])
    row = np.full(len(cells), -1, np.int64)
    row[indoors] = np.arange(int(indoors.sum()))
    entered = np.zeros((int(indoors.sum()), len(around.outdoor), 3, 3))
    within = chosen(looked, np.flatnonzero(indoors))
    probed = indoors[looked.cell]
    for column, j in enumerate(around.outdoor.tolist()):
        lost = np.zeros((len(looked.points), 3))
        for points, way_in in entries[int(around.sent.site[j])] if len(within.start) else []:
            lost[points] = entry_loss_db(way_in, site.facades, float(carriers.f_ghz[j]), site.release)
        entered[:, column] = _spread(within, lost[probed])
    inside = np.full((len(cells), len(around.indoor), 3, 3), LOST_DB)
    for column, j in enumerate(around.indoor.tolist()):
        some = np.flatnonzero(_hears(carriers, j, demand, cells))
        near = chosen(looked, some)
        table = loss_table_db(site.barriers.walls, round(float(carriers.f_ghz[j]), 2))
        between = wall_loss(site.barriers, table, np.broadcast_to(carriers.position[j], near.points.shape), near.points)
        inside[some, column] = _spread(near, between.db)
    return Extra(inside, entered, row)


def _hears(carriers: Carriers, j: int, demand: Demand, cells: Cells) -> BoolArray:
    """Cells (n,) that indoor carrier j may matter for: in the range of its formula, and not far below the threshold with it alone."""
    model = MODELS[INDOOR_MODEL]
    near = np.maximum(ranges(carriers.position[j], cells).near_3d, NEAREST_M)
    loss = path_loss_db(model, Links(float(carriers.f_ghz[j]), near, near), True, extrapolate=True)
    heard = carriers.power_dbm[j] + carriers.slack_db[j] - loss >= demand.rsrp_dbm - UNHEARD_DB
    return heard & (near <= model.validity.d_m[1])


def _spread(looked: Probes, lost: FloatArray) -> FloatArray:
    """Losses (p, 3) at the points, least and most over each cell: (n, 3, 3)."""
    least, most = extremes(looked, lost)
    return np.stack([lost[looked.start], least, most], axis=1)


def _houses(site: Site) -> list[tuple[House, list[int]]]:
    """The buildings of a site, each with the pieces inside it."""
    found: dict[str, tuple[House, list[int]]] = {}
    for k, building in enumerate(site.houses):
        if building is not None:
            found.setdefault(building.id, (building, []))[1].append(k)
    return list(found.values())


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
