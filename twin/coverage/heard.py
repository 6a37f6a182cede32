"""What one access point gives the cells of a surface: at each cell's point, and at least and at most over all of the cell.

    level = EIRP + gain towards the place - loss over the distance - what stands between

Loss over the distance and what stands between go together as a model:

    walls             free space            each body by its material, thickness and angle (ITU-R P.2040 slabs)    default
    walls_breakpoint  breakpoint (TGn)      each body by its material, thickness and angle
    free_space        free space            nothing
    breakpoint        breakpoint (TGn)      nothing: walls are in the slope
    tgax              breakpoint (TGax)     each wall alike, floors
    cost231           free space            light walls, heavy walls, floors
    p1238             ITU-R P.1238          nothing but whether there is line of sight
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from threading import Lock
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.coverage.antenna import SIDE_LOBE_DB
from twin.coverage.behind import Changes, Corners, changes, cuts, joined, picked
from twin.coverage.bounded import probes, ranges
from twin.coverage.cells import Cells
from twin.coverage.crossed import Crossed, Prices, crossed, passed, prices
from twin.coverage.indoor import SURROUNDINGS, TGAX, TGN, breakpoint_db, floors_db, tgax_db
from twin.coverage.makeup import THICKEST_CM, counted_table, loss_table_db
from twin.coverage.pattern import AXIAL_MOST_DB, OMNI, Pattern, gain, gain_range
from twin.coverage.propagation import MODELS, Links, free_space_db, path_loss_db
from twin.coverage.walls import Barriers, Crossings

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]
Kept = TypeVar("Kept")  # columns (k, ...) of what is known of k cells

WIFI_MODELS = ("walls", "walls_breakpoint", "free_space", "breakpoint", "tgax", "cost231", "p1238")
BLIND = frozenset({"free_space", "breakpoint"})  # models that ask nothing of what stands between
COUNTING = frozenset({"cost231", "tgax"})  # models whose walls are those of `twin.coverage.makeup.counted`
MOST_KEPT_BYTES = 400_000_000  # remembered of access points at the cells of one surface
_ROUNDING_M = 1e-6  # a box is taken this much larger
NEAREST_M = 0.5  # the far field begins about here; nearer places count as this far


@dataclass(frozen=True)
class Medium:
    """How signals weaken: a model of `WIFI_MODELS`, the kind of place of `SURROUNDINGS`, and a breakpoint of its own [m]."""

    model: str = "walls"
    surroundings: str = "office"
    breakpoint_m: float | None = None

    @property
    def breakpoint(self) -> float:
        """Where the slope breaks. [m]"""
        if self.breakpoint_m is not None:
            return self.breakpoint_m
        place = SURROUNDINGS[self.surroundings]
        return TGAX[place.tgax].breakpoint_m if self.model == "tgax" else TGN[place.tgn][0]


@dataclass(frozen=True)
class Access:
    """One access point and its r radios."""

    position: FloatArray  # (3,) [m, enu]
    f_ghz: FloatArray  # (r,)
    eirp_dbm: FloatArray  # (r,) in the strongest direction
    slack_db: FloatArray  # (r,) how far the EIRP may be off
    pattern: Pattern = OMNI
    tolerance_m: float = 0.0  # how far from its position it may hang


@dataclass(frozen=True)
class Heard:
    """What k cells get from an access point."""

    point: FloatArray  # (k, r) at each cell's point [dBm]
    low: FloatArray  # (k, r, 3) over the cell, WORST LIKELY BEST [dBm]
    high: FloatArray  # (k, r, 3)
    blocker: IntArray  # (k,) the object that takes most on the way to the point, -1: none


@dataclass(frozen=True)
class AtPoints:
    """What k points get from an access point, the likely case."""

    level: FloatArray  # (k, r) [dBm]
    blocker: IntArray  # (k,) the object that takes most on the way, -1: none


@dataclass(frozen=True)
class Ground:
    """n cells made ready to be asked about: their corners, and the bodies that reach into them."""

    cells: Cells
    corners: Corners
    cut: Changes


def ground(cells: Cells, barriers: Barriers, medium: Medium) -> Ground:
    """Cells among barriers."""
    looked = probes(cells)
    first = np.append(looked.start, len(looked.points)).astype(np.int64)
    corners = Corners(np.ascontiguousarray(looked.points[:, :2]), first, np.ascontiguousarray(cells.z_range))
    nothing = Changes(np.zeros(len(cells) + 1, np.int64), np.empty(0, np.int64), np.empty(0, np.int8))
    return Ground(cells, corners, nothing if medium.model in BLIND else cuts(barriers.rims, corners))


def heard(access: Access, barriers: Barriers, medium: Medium, place: Ground, chosen: IntArray) -> Heard:
    """What some cells (k,) of a place get from one access point."""
    cells = _only(place.cells, chosen)
    point = place.cells.representative[chosen]
    corners, cut = _corners(place.corners, chosen), picked(place.cut, chosen)
    between = _between(access, barriers, medium, (point, corners, cut))
    toward = gain(access.pattern, access.position, point)
    weakest, strongest = gain_range(access.pattern, access.position, cells, access.tolerance_m)
    reach = ranges(access.position, cells)
    away = np.linalg.norm(point - access.position, axis=1)
    k, r = len(chosen), len(access.f_ghz)
    out = Heard(np.empty((k, r)), np.empty((k, r, 3)), np.empty((k, r, 3)), between.blocker)
    for j in range(r):
        f = float(access.f_ghz[j])
        power = access.eirp_dbm[j] - access.slack_db[j] * np.array([1.0, 0.0, -1.0])  # WORST LIKELY BEST
        seen = between.seen
        out.point[:, j] = access.eirp_dbm[j] + toward - distance_loss(medium, away, f, seen[:, 1]) - between.point[:, j]
        far, near = reach.far_3d + access.tolerance_m, np.maximum(reach.near_3d - access.tolerance_m, 0.0)
        out.low[:, j] = power + (weakest - distance_loss(medium, far, f, seen[:, 0]))[:, None] - between.high[:, j]
        out.high[:, j] = power + (strongest - distance_loss(medium, near, f, seen[:, 2]))[:, None] - between.low[:, j]
    return out


def heard_at(access: Access, barriers: Barriers, medium: Medium, points: FloatArray, found: Crossings | None = None) -> AtPoints:
    """What each of an access point's radios gives at points (k, 3) [m, enu]; `found`: what lies between, where that is known."""
    lost, seen, blocker = _passed(access, barriers, medium, np.ascontiguousarray(points), found)
    toward = gain(access.pattern, access.position, points)
    away = np.linalg.norm(points - access.position, axis=1)
    level = np.empty((len(points), len(access.f_ghz)))
    for j, f in enumerate(access.f_ghz.tolist()):  # term by term as `heard` has it, to the last bit
        level[:, j] = access.eirp_dbm[j] + toward - distance_loss(medium, away, f, seen) - lost[:, j]
    return AtPoints(level, blocker)


def hope(access: Access, medium: Medium, cells: Cells) -> FloatArray:
    """The most that each of an access point's radios could give anywhere in n cells, with nothing between (n, r). [dBm]"""
    near = np.maximum(ranges(access.position, cells).near_3d - access.tolerance_m, 0.0)
    _, strongest = gain_range(access.pattern, access.position, cells, access.tolerance_m)
    clear = np.ones(len(cells), bool)
    columns = [
        access.eirp_dbm[j] + access.slack_db[j] + strongest - distance_loss(medium, near, float(access.f_ghz[j]), clear)
        for j in range(len(access.f_ghz))
    ]
    return np.column_stack(columns)


def hopes_of_box(access: Sequence[Access], medium: Medium, cells: Cells) -> tuple[FloatArray, FloatArray]:
    """Between which levels what `hope` says of any of n cells lies, for the strongest radio of each access point (a,), (a,). [dBm]

    Antennas are taken to radiate all they have everywhere, and as little as any does.
    """
    middle = np.column_stack([cells.centre[:, :2], cells.z_range.mean(axis=1)])
    half = np.column_stack([cells.half, cells.half, np.ptp(cells.z_range, axis=1) / 2])
    low, high = (middle - half).min(axis=0), (middle + half).max(axis=0)
    place = np.array([one.position for one in access])
    off = np.array([one.tolerance_m for one in access])
    near = np.linalg.norm(np.maximum(np.maximum(low - place, place - high), 0.0), axis=1) - off - _ROUNDING_M
    far = np.linalg.norm(np.maximum(np.abs(place - low), np.abs(place - high)), axis=1) + _ROUNDING_M
    least, most = np.full(len(access), -np.inf), np.full(len(access), -np.inf)
    count = np.array([len(one.f_ghz) for one in access])
    owner = np.repeat(np.arange(len(access)), count)
    f_ghz = np.concatenate([one.f_ghz for one in access])
    power = np.concatenate([one.eirp_dbm + one.slack_db for one in access])
    clear = np.ones(len(owner), bool)
    for f in np.unique(f_ghz).tolist():
        mine = np.flatnonzero(f_ghz == f)
        who, seen = owner[mine], clear[: len(mine)]
        np.maximum.at(most, who, power[mine] - distance_loss(medium, np.maximum(near[who], 0.0), f, seen))
        np.maximum.at(least, who, power[mine] - distance_loss(medium, far[who], f, seen))
    weak = np.array([0.0 if one.pattern.shape is None else max(AXIAL_MOST_DB, SIDE_LOBE_DB) for one in access])
    return least - weak, most


def distance_loss(medium: Medium, d_m: FloatArray, f_ghz: float, seen: BoolArray) -> FloatArray:
    """Loss over the distance alone (n,) [dB]; `seen` (n,): in line of sight."""
    d = np.maximum(d_m, NEAREST_M)
    place = SURROUNDINGS[medium.surroundings]
    if medium.model == "p1238":
        return path_loss_db(MODELS[place.p1238], Links(f_ghz, d, d), seen, extrapolate=True)
    if medium.model == "tgax" and medium.breakpoint_m is None:
        return tgax_db(d, f_ghz, 0.0, 0.0, case=place.tgax)
    if medium.model in {"breakpoint", "walls_breakpoint", "tgax"}:
        return breakpoint_db(d, f_ghz, medium.breakpoint)
    return free_space_db(d, f_ghz)


@dataclass(frozen=True)
class _Between:
    point: FloatArray  # (k, r) [dB]
    low: FloatArray  # (k, r, 3)
    high: FloatArray  # (k, r, 3)
    seen: BoolArray  # (k, 3) in line of sight: all of the cell, its point, some of it
    blocker: IntArray  # (k,)


def _between(access: Access, barriers: Barriers, medium: Medium, ends: tuple[FloatArray, Corners, Changes]) -> _Between:
    """What stands between an access point and cells, for each of its radios."""
    point, corners, cut = ends
    k, r = len(point), len(access.f_ghz)
    none = np.full(k, -1, np.int64)
    if medium.model in BLIND:
        return _Between(np.zeros((k, r)), np.zeros((k, r, 3)), np.zeros((k, r, 3)), np.ones((k, 3), bool), none)
    by, column = _prices(barriers, medium, access.f_ghz)
    changing = changes(barriers.rims, access.position, corners, creases=by.varies, tolerance_m=access.tolerance_m)
    found = crossed(barriers, by, access.position, (point, corners), joined(changing, cut))
    if medium.model == "p1238":
        surely = found.high[:, 0, 1] <= 0
        seen = np.column_stack([surely, found.point[:, 0] <= 0, surely | (found.low[:, 0, 1] <= 0)])
        return _Between(np.zeros((k, r)), np.zeros((k, r, 3)), np.zeros((k, r, 3)), seen, found.blocker[:, 0])
    if medium.model in COUNTING:
        return _counted(found, r)
    return _Between(found.point[:, column], found.low[:, column], found.high[:, column], np.ones((k, 3), bool), found.blocker[:, 0])


def _passed(
    access: Access, barriers: Barriers, medium: Medium, points: FloatArray, found: Crossings | None
) -> tuple[FloatArray, BoolArray, IntArray]:
    """What stands between an access point and points: for each radio (k, r) [dB], line of sight (k,), the dearest object (k,)."""
    k, r = len(points), len(access.f_ghz)
    seen = np.ones(k, bool)
    if medium.model in BLIND:
        return np.zeros((k, r)), seen, np.full(k, -1, np.int64)
    tables, column = _tables(barriers, medium, access.f_ghz)
    between = passed(barriers, tables, access.position, points, found)
    if medium.model == "p1238":
        return np.zeros((k, r)), between.db[:, 0] <= 0, between.blocker[:, 0]
    if medium.model in COUNTING:
        walls, floors = between.db[:, 0], floors_db(between.db[:, 1])
        return np.repeat((walls + floors)[:, None], r, axis=1), seen, np.where(floors > walls, between.blocker[:, 1], between.blocker[:, 0])
    return between.db[:, column], seen, between.blocker[:, 0]


def _counted(found: Crossed, r: int) -> _Between:
    """Walls and floors priced alike for every radio; floors cost less the more there are."""
    walls, floors = found.point[:, 0], floors_db(found.point[:, 1])
    point, blocker = walls + floors, np.where(floors > walls, found.blocker[:, 1], found.blocker[:, 0])
    low, high = (part[:, 0] + floors_db(part[:, 1]) for part in (found.low, found.high))
    seen = np.ones((len(point), 3), bool)
    each = (np.repeat(point[:, None], r, axis=1), np.repeat(low[:, None], r, axis=1), np.repeat(high[:, None], r, axis=1))
    return _Between(*each, seen, blocker)


def _prices(barriers: Barriers, medium: Medium, f_ghz: FloatArray) -> tuple[Prices, IntArray]:
    """How bodies are priced over cells for some radios, and which way is each radio's; kept with the barriers."""
    tables, column = _tables(barriers, medium, f_ghz)
    key = ("prices", *_named(medium, f_ghz))
    if key not in barriers.memory:
        barriers.memory[key] = prices(barriers, tables)
    return barriers.memory[key], column


def _tables(barriers: Barriers, medium: Medium, f_ghz: FloatArray) -> tuple[FloatArray, IntArray]:
    """The tables (t, m, 61, 91) by which bodies are priced for some radios, and which is each radio's; kept with the barriers."""
    channel, column = np.unique(np.round(f_ghz, 2), return_inverse=True)  # one table serves a channel
    key = ("tables", *_named(medium, f_ghz))
    if key not in barriers.memory:
        barriers.memory[key] = np.ascontiguousarray(np.stack(_made(barriers, medium, channel)))
    return barriers.memory[key], column.ravel()


def _named(medium: Medium, f_ghz: FloatArray) -> tuple[Any, ...]:
    by_material = medium.model not in COUNTING | {"p1238"}
    return ("walls", tuple(np.unique(np.round(f_ghz, 2)).tolist())) if by_material else (medium.model, medium.surroundings)


def _made(barriers: Barriers, medium: Medium, channel: FloatArray) -> Sequence[FloatArray]:
    if medium.model == "p1238":  # anything in the way
        return [np.ones((max(len(barriers.walls.make_ups), int(barriers.walls.make_up.max(initial=0)) + 1), THICKEST_CM + 1, 91))]
    if medium.model == "cost231":
        return [counted_table(floors=False), counted_table(floors=True)]
    if medium.model == "tgax":
        alike = TGAX[SURROUNDINGS[medium.surroundings].tgax].wall_db
        return [counted_table(floors=False, alike_db=alike), counted_table(floors=True)]
    return [loss_table_db(barriers.walls, float(f)) for f in channel]


def _only(cells: Cells, chosen: IntArray) -> Cells:
    return Cells(*(getattr(cells, field.name)[chosen] for field in fields(cells)))


def _corners(corners: Corners, chosen: IntArray) -> Corners:
    count = np.diff(corners.first)[chosen]
    first = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    at = np.repeat(corners.first[chosen] - first[:-1], count) + np.arange(first[-1])
    return Corners(corners.xy[at], first, corners.z[chosen])


class Book:
    """What is known of access points at the cells of one surface, so that nothing is asked twice; the longest unasked are forgotten."""

    def __init__(self, most_bytes: int = MOST_KEPT_BYTES) -> None:
        self._most = most_bytes
        self._known: OrderedDict[str, tuple[IntArray, Any]] = OrderedDict()
        self._forgotten: set[str] = set()
        self._size = 0
        self._lock = Lock()

    @property
    def size(self) -> int:
        """How much is kept. [bytes]"""
        return self._size

    def known(self, key: str) -> tuple[IntArray, Any] | None:
        """The cells (k,) for which something is known under `key`, ascending, and what; None where nothing is."""
        with self._lock:
            return self._known.get(key)

    def is_whole(self, key: str) -> bool:
        """Whether nothing of what was asked under `key` was forgotten."""
        with self._lock:
            return key not in self._forgotten

    def levels(self, key: str, cells: IntArray, make: Callable[[IntArray], Kept]) -> Kept:
        """What cells (k,), ascending, get from the access point under `key`; what is not known is made."""
        with self._lock:
            known = self._known.get(key)
            if known is not None:
                self._known.move_to_end(key)
        missing = cells if known is None else np.setdiff1d(cells, known[0], assume_unique=True)
        if known is None or len(missing):
            made = missing, make(missing)
            self._keep(key, made)
            known = made if known is None else _merged(known, made)
        return _rows(known[1], np.searchsorted(known[0], cells))

    def _keep(self, key: str, made: tuple[IntArray, Any]) -> None:
        """Keep what cells get, beside what others made meanwhile, and forget the longest unasked while there is too much."""
        with self._lock:
            before = self._known.pop(key, None)
            if before is not None:
                new = np.flatnonzero(~np.isin(made[0], before[0], assume_unique=True))
                made = _merged(before, (made[0][new], _rows(made[1], new)))
            self._known[key] = made
            self._size += _bytes(made) - (0 if before is None else _bytes(before))
            while self._size > self._most and len(self._known) > 1:
                oldest, gone = self._known.popitem(last=False)
                self._forgotten.add(oldest)
                self._size -= _bytes(gone)


def _bytes(known: tuple[IntArray, Any]) -> int:
    return known[0].nbytes + sum(getattr(known[1], column.name).nbytes for column in fields(known[1]))


def _rows(found: Any, chosen: IntArray) -> Any:
    """Some rows of all columns."""
    return type(found)(*(getattr(found, column.name)[chosen] for column in fields(found)))


def _merged(one: tuple[IntArray, Any], other: tuple[IntArray, Any]) -> tuple[IntArray, Any]:
    cells = np.concatenate([one[0], other[0]])
    order = np.argsort(cells, kind="stable")
    names = [column.name for column in fields(one[1])]
    both = type(one[1])(*(np.concatenate([getattr(one[1], name), getattr(other[1], name)])[order] for name in names))
    return cells[order], both
