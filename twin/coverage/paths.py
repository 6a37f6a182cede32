"""One carrier at every cell: the way its signal takes, and how strong it is at the cell's point and over all of it.

What lies between is found once for each antenna place, and once for each indoor antenna; the formula and the pattern are then laid over
it (`twin.coverage.received.hear`). What a carrier gives depends on nothing but itself, the scene and the cells, so it may be remembered:
when one device changes, the others are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from twin.coverage.behind import Corners, cuts
from twin.coverage.bounded import Probes, chosen, extremes, probes, ranges
from twin.coverage.cells import Cells, select
from twin.coverage.clearance import Boxes, Clear, Lens, boxes_of, boxes_over, clear_sight, cut_by_faces, foresee, near_each_other
from twin.coverage.facade import Entry, House, entry, entry_loss_db, facades_db
from twin.coverage.heads import Asks, Lost, Rooms, through_walls
from twin.coverage.propagation import MODELS, Links, Model, curve, path_loss_db
from twin.coverage.received import NEAREST_M, Place, Sent, Way, hear
from twin.coverage.site import Carriers, Site

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
    hope: BoolArray | None = None  # (n, o) whether operators may serve them; others are not heard

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
    def behind_walls(self) -> Rooms:
        """All cells among the walls that reach into them."""
        first = np.append(self.looked.start, len(self.looked.points)).astype(np.int64)
        corners = Corners(np.ascontiguousarray(self.looked.points[:, :2]), first, np.ascontiguousarray(self.cells.z_range))
        return Rooms(self.site.barriers, self.looked, self.cells.z_range, cuts(self.site.barriers.rims, corners))

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
        Those asked about: of one place, known equally well, all outdoors or all inside.
    keep
        Called with the number of a carrier and what computes it; it may answer from memory.
    """
    loose = float(carriers.loose[numbers[0], 0])
    if carriers.indoor[numbers[0]]:

        @cache
        def lost() -> Mapping[int, Lost]:
            asked = [_asks(carriers, j, where) for j in numbers]
            found = through_walls(where.behind_walls, carriers.position[numbers[0]], loose, asked, where.aim.least_dbm)
            return dict(zip(numbers, found, strict=True))

        return [keep(j, lambda j=j: _from_inside(carriers, where, j, lost()[j])) for j in numbers]

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
    if where.hope is not None:
        row[~where.hope[:, carriers.operator[j]]] = _NOT_HEARD
    lost = _entered(where, arrival, float(carriers.f_ghz[j]))
    return _heard(carriers, where, j, Way(arrival.clear.point, arrival.clear.whole, arrival.clear.some, row, lost))


def _from_inside(carriers: Carriers, where: Whereabouts, j: int, lost: Lost) -> Heard:
    """An antenna inside a building: walls between, and in its own factory hall the formula with or without line of sight."""
    row = np.full(len(where.cells), _NOT_HEARD, np.int64)
    row[lost.cells] = np.arange(len(lost.cells))
    yes = np.ones(len(where.cells), bool)
    clear, db = Clear(yes, yes, yes), lost.db
    if carriers.model[j].startswith(FACTORY):
        hall = where.inside(carriers.house[j] if carriers.house else None)
        clear = _in_hall(where, Lens(carriers.position[j], float(carriers.loose[j, 0]), where.site.memory), hall)
        db = np.where(hall[lost.cells][:, None, None], 0.0, db)
    return _heard(carriers, where, j, Way(clear.point, clear.whole, clear.some, row, np.ascontiguousarray(db)))


def _asks(carriers: Carriers, j: int, where: Whereabouts) -> Asks:
    """The cells that indoor carrier j may matter for: in the range of its formula, and not far below the threshold with it alone."""
    model, f = model_at(carriers, j), float(carriers.f_ghz[j])
    near = np.maximum(ranges(carriers.position[j], where.cells).near_3d - carriers.loose[j, 0], NEAREST_M)
    free = carriers.power_dbm[j] + carriers.slack_db[j] - path_loss_db(model, Links(f, near, near), True, extrapolate=True)
    audible = (free >= where.aim.least_dbm) & (near <= model.validity.d_m[1])
    cells = np.flatnonzero(audible if where.hope is None else audible & where.hope[:, carriers.operator[j]])
    hall = where.inside(carriers.house[j] if carriers.house else None)[cells] & carriers.model[j].startswith(FACTORY)
    return Asks(round(f, 2), cells, free[cells], hall)


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
    plain, cases = np.empty((n, 3), np.float32), np.zeros((k, 3, 3), np.float32)  # rows of cells that are not heard stay alike
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
    ways = [(house, points, entry(lens.position, where.rooms.points[points], house)) for house, points in where.by_house]
    boxes, cut = where.yards
    shells = _shells(where, ways)
    for among in (where.site.sight, where.site.sight.best):
        if among is not None:
            foresee(among, lens, [boxes, shells.boxes])
    outside = _clear(where.site, lens, boxes, where.own[where.outdoors], cut)
    inside = _to_shells(where, lens, shells)
    for out, yard, room in ((point, outside.point, inside.point), (whole, outside.whole, inside.whole), (some, outside.some, inside.some)):
        out[where.outdoors], out[where.indoors] = yard, room
    return _Arrival(Clear(point, whole, some), ways, shells.steady)


def _clear(site: Site, lens: Lens, boxes: Boxes, points: FloatArray, cut: BoolArray) -> Clear:
    """The sight to boxes: to all of them with most in the way, to their points and to some of them with least: leaves are not solid."""
    most = clear_sight(site.sight, lens, boxes, points, cut)
    if site.sight.best is None:
        return most
    least = clear_sight(site.sight.best, lens, boxes, points, cut)
    return Clear(least.point, most.whole, least.some)


@dataclass(frozen=True)
class _Shells:
    """Where the lines from one antenna place enter the buildings around k indoor cells."""

    targets: FloatArray  # (p, 3) for the points and corners of all [m, enu]
    boxes: Boxes  # (k,) over those of each cell
    steady: BoolArray  # (k,) whether all of a cell is entered by one side


def _shells(where: Whereabouts, ways: Sequence[tuple[House, IntArray, Entry]]) -> _Shells:
    targets, side = where.rooms.points.copy(), np.zeros(len(where.rooms.points), np.int64)
    for _, points, way_in in ways:
        targets[points] = way_in.outside
        side[points] = np.where(way_in.by_roof, -2, way_in.edge)
    first, last = extremes(where.rooms, side)
    return _Shells(targets, boxes_over(*extremes(where.rooms, targets)), np.asarray(first == last, bool))


def _to_shells(where: Whereabouts, lens: Lens, shells: _Shells) -> Clear:
    """The sight to where indoor cells are entered (k,).

    A face that no wall of shadow gives away goes right through where the cell's lines enter, and parts its corners.
    """
    targets, parted = shells.targets, ~shells.steady
    for among in (where.site.sight, where.site.sight.best):
        if among is not None:
            none, every = extremes(where.rooms, ~among.scene.occluded(np.broadcast_to(lens.position, targets.shape), targets))
            parted = parted | (none != every)
    return _clear(where.site, lens, shells.boxes, targets[where.rooms.start], parted)


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
