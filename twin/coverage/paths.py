"""One carrier at every cell: the way its signal takes, and how strong it is at the cell's point and over all of it.

What lies between is found once for each antenna place, and once for each indoor antenna; the formula and the pattern are then laid over
it (`twin.coverage.received.hear`). What a carrier gives depends on nothing but itself, the scene and the cells, so it may be remembered:
when one device changes, the others are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from twin.coverage.behind import Changes, Corners, changes, cuts, joined, picked
from twin.coverage.bounded import Probes, chosen, extremes, probes, ranges
from twin.coverage.cells import Cells, select
from twin.coverage.clearance import Boxes, Clear, Lens, boxes_of, boxes_over, clear_sight, cut_by_faces, near_each_other
from twin.coverage.crossed import Prices, crossed, prices
from twin.coverage.facade import Entry, House, entry, entry_loss_db, facades_db
from twin.coverage.makeup import loss_table_db
from twin.coverage.propagation import MODELS, Links, Model, curve, path_loss_db
from twin.coverage.received import NEAREST_M, Place, Sent, Way, hear
from twin.coverage.site import Carriers, Site
from twin.coverage.walls import wall_loss

FloatArray = NDArray[np.float64]
SingleArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FACTORY = "38.901-inf"  # models of antennas in factories begin so
STEADY_DB = 0.05  # what the way inside may differ within a cell beyond its corners, where they are entered by one facade
INSIDE_DB_PER_M = 0.5

_NOT_HEARD, _NOTHING = -2, -1


@dataclass(frozen=True)
class Heard:
    """One carrier at n cells."""

    plain: SingleArray  # (n, 3) at the point, least, most, in the likely case [dBm]
    cell: IntArray  # (k,) cells where the cases differ, in order
    cases: SingleArray  # (k, 3, 3) at the point, least, most, in the three cases [dBm]
    sight: BoolArray  # (n,) line of sight to the point, or to where the building around it is entered


@dataclass(frozen=True)
class Aim:
    """The level below which an indoor carrier does not matter [dBm], and how high targets are [m]."""

    least_dbm: float
    target_height_m: float


@dataclass(frozen=True)
class Whereabouts:
    """Cells made ready for being reached: outdoors as boxes, indoors as points and corners."""

    cells: Cells
    site: Site
    aim: Aim

    @cached_property
    def base(self) -> FloatArray:
        """Foot of the building around each cell (n,) [m, enu]; NaN outdoors."""
        by_piece = np.array([np.nan if house is None else house.base_z for house in self.site.houses], float)
        return by_piece[self.cells.piece] if len(by_piece) else np.full(len(self.cells), np.nan)

    @cached_property
    def indoors(self) -> IntArray:
        """Cells (k,) inside buildings."""
        return np.flatnonzero(~np.isnan(self.base))

    @cached_property
    def outdoors(self) -> IntArray:
        """The other cells, neighbours together."""
        out = np.flatnonzero(np.isnan(self.base))
        return out[near_each_other(select(self.cells, out))]

    @cached_property
    def yards(self) -> tuple[Boxes, BoolArray]:
        """The boxes of cells outdoors, and which of them faces cut."""
        boxes = boxes_of(select(self.cells, self.outdoors))
        return boxes, cut_by_faces(self.site.sight.edges, boxes)

    @cached_property
    def looked(self) -> Probes:
        """The points and corners of all cells."""
        return probes(self.cells)

    @cached_property
    def cut_walls(self) -> Changes:
        """The walls that reach into each cell."""
        first = np.append(self.looked.start, len(self.looked.points)).astype(np.int64)
        corners = Corners(np.ascontiguousarray(self.looked.points[:, :2]), first, np.ascontiguousarray(self.cells.z_range))
        return cuts(self.site.barriers.rims, corners)

    @cached_property
    def rooms(self) -> Probes:
        """Those of the cells indoors."""
        return chosen(self.looked, self.indoors)

    @cached_property
    def own(self) -> FloatArray:
        """The point of each cell (n, 3). [m, enu]"""
        return self.cells.representative

    @cached_property
    def by_house(self) -> Sequence[tuple[House, IntArray]]:
        """Each building, and the points of `rooms` in it."""
        pieces: dict[str, list[int]] = {}
        houses = {house.id: house for house in self.site.houses if house is not None}
        for k, house in enumerate(self.site.houses):
            if house is not None:
                pieces.setdefault(house.id, []).append(k)
        piece = self.cells.piece[self.indoors][self.rooms.cell]
        found = [(houses[name], np.flatnonzero(np.isin(piece, numbers))) for name, numbers in pieces.items()]
        return [(house, points) for house, points in found if len(points)]

    def inside(self, house_id: str | None) -> BoolArray:
        """Cells (n,) inside one building."""
        mine = np.array([house is not None and house.id == house_id for house in self.site.houses], bool)
        return mine[self.cells.piece] if len(mine) else np.zeros(len(self.cells), bool)

    @cached_property
    def heights(self) -> FloatArray:
        """Height of the targets above the ground (n,), to 0.1 m."""
        above = self.cells.centre[:, 2] - self.base
        target = self.aim.target_height_m
        return np.round(np.where(np.isnan(above), target, np.maximum(above, target)), 1).astype(np.float64)

    @cached_property
    def classes(self) -> tuple[FloatArray, IntArray]:
        """The heights that occur (c,), and which each cell has (n,)."""
        values, place = np.unique(self.heights, return_inverse=True)
        return values, np.asarray(place.ravel(), np.int64)

    @cached_property
    def place(self) -> Place:
        """The cells for the compiled loops."""
        low, high = np.ascontiguousarray(self.cells.z_range.T)
        return Place(self.own, self.cells.centre, self.cells.half, low, high, self.classes[1])


@dataclass(frozen=True)
class _Arrival:
    """How the lines from one antenna place come to cells: sight, and the ways into the building around indoor ones."""

    clear: Clear  # (n,)
    ways: Sequence[tuple[House, IntArray, Entry]]
    steady: BoolArray  # (k,) indoor cells whose points and corners are all entered by one facade


def heard(carriers: Carriers, where: Whereabouts, numbers: Sequence[int], keep: Callable[[int, Callable[[], Heard]], Heard]) -> list[Heard]:
    """What carriers of one antenna place give.

    Parameters
    ----------
    carriers
        All carriers.
    where
        The cells.
    numbers
        Those asked about: of one place, known equally well, all outdoors or one inside.
    keep
        Called with the number of a carrier and what computes it; it may answer from memory.
    """
    if carriers.indoor[numbers[0]]:
        return [keep(j, lambda j=j: _from_inside(carriers, where, j)) for j in numbers]
    loose = float(carriers.loose[numbers[0], 0])

    @cache
    def arrival() -> _Arrival:
        return _arrival(where, Lens(carriers.position[numbers[0]], loose, where.site.memory))

    return [keep(j, lambda j=j: _from_outside(carriers, where, arrival(), j)) for j in numbers]


def model_at(carriers: Carriers, j: int) -> Model:
    """The model of carrier j."""
    return MODELS[carriers.model[j]]


def _from_outside(carriers: Carriers, where: Whereabouts, arrival: _Arrival, j: int) -> Heard:
    row = np.full(len(where.cells), _NOTHING, np.int64)
    row[where.indoors] = np.arange(len(where.indoors))
    lost = _entered(where, arrival, float(carriers.f_ghz[j]))
    return _heard(carriers, where, j, Way(arrival.clear.point, arrival.clear.whole, arrival.clear.some, row, lost))


def _from_inside(carriers: Carriers, where: Whereabouts, j: int) -> Heard:
    """An antenna inside a building: walls between, and in its own factory hall the formula with or without line of sight."""
    n = len(where.cells)
    some = _heard_at_all(carriers, j, where, np.flatnonzero(_reaches(carriers, j, where)))
    lost = _walls(where, carriers.position[j], round(float(carriers.f_ghz[j]), 2), float(carriers.loose[j, 0]), some)
    row = np.full(n, _NOT_HEARD, np.int64)
    row[some] = np.arange(len(some))
    yes = np.ones(n, bool)
    clear = Clear(yes, yes, yes)
    if carriers.model[j].startswith(FACTORY):
        hall = where.inside(carriers.house[j] if carriers.house else None)
        clear = _in_hall(where, Lens(carriers.position[j], float(carriers.loose[j, 0]), where.site.memory), hall)
        lost[hall[some]] = 0.0
    return _heard(carriers, where, j, Way(clear.point, clear.whole, clear.some, row, np.ascontiguousarray(lost)))


def _walls(where: Whereabouts, antenna: FloatArray, f_ghz: float, loose: float, some: IntArray) -> FloatArray:
    """What walls take from an antenna to some cells: at the point, least and most over the cell, in the three cases (k, 3, 3). [dB]"""
    among = where.site.barriers
    table = loss_table_db(among.walls, f_ghz)
    key = ("mobile", f_ghz)
    if key not in among.memory:
        among.memory[key] = prices(among, table[None])
    by: Prices = among.memory[key]
    near = chosen(where.looked, some)
    own = near.points[near.start] if len(some) else np.empty((0, 3))
    first = np.append(near.start, len(near.points)).astype(np.int64)
    corners = Corners(np.ascontiguousarray(near.points[:, :2]), first, np.ascontiguousarray(where.cells.z_range[some]))
    moving = changes(among.rims, antenna, corners, creases=by.varies, tolerance_m=loose)
    found = crossed(among, by, antenna, (own, corners), joined(moving, picked(where.cut_walls, some)))
    at_point = wall_loss(among, table, np.broadcast_to(antenna, own.shape), own).db  # (k, 3)
    least, most = np.minimum(found.low[:, 0], at_point), np.maximum(found.high[:, 0], at_point)
    return np.ascontiguousarray(np.stack([at_point, least, most], axis=1))


def _in_hall(where: Whereabouts, lens: Lens, hall: BoolArray) -> Clear:
    """The sight from an antenna in a hall to cells in it (n,); everywhere else walls are counted, as with line of sight."""
    inside = np.flatnonzero(hall)
    point, whole, some = (np.ones(len(where.cells), bool) for _ in range(3))
    if len(inside):
        boxes = boxes_of(select(where.cells, inside))
        seen = _clear(where.site, lens, boxes, where.own[inside], cut_by_faces(where.site.sight.edges, boxes))
        point[inside], whole[inside], some[inside] = seen.point, seen.whole, seen.some
    return Clear(point, whole, some)


def _heard(carriers: Carriers, where: Whereabouts, j: int, way: Way) -> Heard:
    n, k = len(where.cells), len(way.lost)
    plain, cases = np.empty((n, 3), np.float32), np.empty((k, 3, 3), np.float32)
    antenna = carriers.antenna[j]
    azimuth = np.nan if antenna.azimuth is None else antenna.azimuth
    model = model_at(carriers, j)
    sent = Sent(
        carriers.position[j], float(carriers.power_dbm[j]),
        np.array([azimuth, antenna.tilt, antenna.beam_h, antenna.beam_v, antenna.lean]),
        carriers.loose[j], float(model.validity.d_m[0]),
        np.ascontiguousarray(curve(model, float(carriers.f_ghz[j]), carriers.height_m[j], where.classes[0])),
    )  # fmt: skip
    hear(sent, where.place, way, plain, cases)
    differs = np.zeros(k, bool) if not k else (np.abs(np.ptp(cases, axis=2)) > 0).any(axis=1)
    cell = np.full(k, -1, np.int64)
    filled = np.flatnonzero(way.row >= 0)
    cell[way.row[filled]] = filled
    return Heard(plain, cell[differs], cases[differs], way.point)


def _arrival(where: Whereabouts, lens: Lens) -> _Arrival:
    n = len(where.cells)
    point, whole, some = (np.zeros(n, bool) for _ in range(3))
    boxes, cut = where.yards
    outside = _clear(where.site, lens, boxes, where.own[where.outdoors], cut)
    for out, found in ((point, outside.point), (whole, outside.whole), (some, outside.some)):
        out[where.outdoors] = found
    ways = [(house, points, entry(lens.position, where.rooms.points[points], house)) for house, points in where.by_house]
    steady = np.zeros(len(where.indoors), bool)
    if len(where.indoors):
        targets, side = where.rooms.points.copy(), np.zeros(len(where.rooms.points), np.int64)
        for _, points, way_in in ways:
            targets[points] = way_in.outside
            side[points] = np.where(way_in.by_roof, -2, way_in.edge)
        steady, inside = _to_shells(where, lens, targets, side)
        for out, found in ((point, inside.point), (whole, inside.whole), (some, inside.some)):
            out[where.indoors] = found
    return _Arrival(Clear(point, whole, some), ways, steady)


def _clear(site: Site, lens: Lens, boxes: Boxes, points: FloatArray, cut: BoolArray) -> Clear:
    """The sight to boxes: to all of them with most in the way, to some of them with least."""
    most = clear_sight(site.sight, lens, boxes, points, cut)
    if site.sight.best is None:
        return most
    return Clear(most.point, most.whole, clear_sight(site.sight.best, lens, boxes, points, cut).some)


def _to_shells(where: Whereabouts, lens: Lens, targets: FloatArray, side: IntArray) -> tuple[BoolArray, Clear]:
    """Whether each indoor cell is entered by one side alone (k,), and the sight to where it is entered.

    A face that no wall of shadow gives away goes right through where the cell's lines enter, and parts its corners.
    """
    low, high = extremes(where.rooms, targets)
    first, last = extremes(where.rooms, side)
    steady = first == last
    free = ~where.site.sight.scene.occluded(np.broadcast_to(lens.position, targets.shape), targets)
    none, every = extremes(where.rooms, free)
    parted = ~steady | (none != every)
    return steady, _clear(where.site, lens, boxes_over(low, high), targets[where.rooms.start], parted)


def _entered(where: Whereabouts, arrival: _Arrival, f_ghz: float) -> FloatArray:
    """What indoor cells lose beside the path of an outdoor antenna: at the point, least, most, in the three cases (k, 3, 3). [dB]"""
    rooms, site = where.rooms, where.site
    lost = np.zeros((len(rooms.points), 3))
    spread = np.zeros((len(rooms.points), 3))
    for house, points, way_in in arrival.ways:
        facades = facades_db(house, site.facades, f_ghz, site.release)
        lost[points] = entry_loss_db(way_in, facades, f_ghz, site.release)
        spread[points] = np.ptp(facades, axis=0)
    least, most = extremes(rooms, lost)
    apart = INSIDE_DB_PER_M * 2.0 * np.sqrt(2.0) * where.cells.half[where.indoors]
    slack = np.where(arrival.steady[:, None], STEADY_DB, apart[:, None] + spread[rooms.start]) if len(rooms.start) else 0.0
    return np.stack([lost[rooms.start], least - slack, most + slack], axis=1)


def _heard_at_all(carriers: Carriers, j: int, where: Whereabouts, cells: IntArray) -> IntArray:
    """Those of some cells at whose points or corners, in the best case, the walls between leave something of an indoor carrier."""
    near = chosen(where.looked, cells)
    among = where.site.barriers
    table = loss_table_db(among.walls, round(float(carriers.f_ghz[j]), 2))
    between = wall_loss(among, table, np.broadcast_to(carriers.position[j], near.points.shape), near.points).db[:, 2]
    least, _ = extremes(near, between)
    d = np.maximum(ranges(carriers.position[j], select(where.cells, cells)).near_3d - carriers.loose[j, 0], NEAREST_M)
    loss = path_loss_db(model_at(carriers, j), Links(float(carriers.f_ghz[j]), d, d), True, extrapolate=True)
    strongest = carriers.power_dbm[j] + carriers.slack_db[j] - loss - least
    hall = where.inside(carriers.house[j] if carriers.house else None)[cells] & carriers.model[j].startswith(FACTORY)
    return cells[(strongest >= where.aim.least_dbm) | hall]


def _reaches(carriers: Carriers, j: int, where: Whereabouts) -> BoolArray:
    """Cells (n,) that indoor carrier j may matter for: in the range of its formula, and not far below the threshold with it alone."""
    model = model_at(carriers, j)
    near = np.maximum(ranges(carriers.position[j], where.cells).near_3d - carriers.loose[j, 0], NEAREST_M)
    loss = path_loss_db(model, Links(float(carriers.f_ghz[j]), near, near), True, extrapolate=True)
    strong = carriers.power_dbm[j] + carriers.slack_db[j] - loss >= where.aim.least_dbm
    return strong & (near <= model.validity.d_m[1])
