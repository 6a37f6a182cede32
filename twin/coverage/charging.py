"""Which parking bays can be charged at, all at the same time.

A charger reaches a bay when its cable does: the shortest way for the cable, round walls, the bodies of other parked cars and drive lanes,
is no longer than the cable. It serves as many bays at once as it can feed, so bays served are a maximum matching, never a count of
chargers:

      bay   bay   bay          three bays within reach of one charger
       `-----o-----'           with two connectors: two are served

Nobody knows on which side of a car the inlet is: `Reach.length` leads to the nearest place of the bay, `Reach.corner` to that corner of
the parked car which is worst for the cable. A place for several cars whose bays are not drawn is a pool: that many bays of one outline.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray

from twin.coverage.around import TOUCH_M, Ways, way_to, ways_around
from twin.coverage.matching import Matching, matched

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

SAME_LEVEL_M = 2.0  # without named storeys, a charger and a bay are on one level when their heights differ by no more than this
ASIDE_M = 0.3  # between the lines of a bay and the car in it: 2.5 x 5 m and 1.9 x 4.4 m
SAME_SLICE_M = 0.05  # walls are cut at the height of a charger's own floor


@dataclass(frozen=True)
class Bays:
    """n places to park."""

    shape: NDArray[np.object_]  # (n,) shapely geometries, x y [m, enu]
    z: FloatArray  # (n,) height of the floor [m, enu]
    storey: Sequence[str | None]  # (n,)
    capacity: IntArray  # (n,) cars; 1 for a drawn bay

    def __len__(self) -> int:
        return len(self.z)


@dataclass(frozen=True)
class Chargers:
    """m chargers."""

    position: FloatArray  # (m, 3) [m, enu]
    floor_z: FloatArray  # (m,) height of the floor they stand on [m, enu]
    storey: Sequence[str | None]  # (m,)
    reach_m: FloatArray  # (m,) length of the cable [m]

    def __len__(self) -> int:
        return len(self.reach_m)


@dataclass(frozen=True)
class Fixed:
    """w things a cable cannot pass but bays: walls, cut at the height of a floor, and drive lanes."""

    shape: NDArray[np.object_]  # (w,) shapely areas, x y [m, enu]
    floor_z: FloatArray  # (w,) the floor they stand on [m, enu]; NaN: they are in the way outdoors only
    ids: Sequence[str]  # (w,)


@dataclass(frozen=True)
class Reach:
    """p pairs of a bay and a charger that are near each other, with the ways of the cable. [m]"""

    bay: IntArray  # (p,)
    charger: IntArray  # (p,)
    straight: FloatArray  # (p,) as the crow flies
    length: FloatArray  # (p,) to the nearest place of the bay; infinite where no way is as long as the reach
    corner: FloatArray  # (p,) to the corner of the car that is worst
    behind: Sequence[str]  # (p,) what the straight way meets first; empty: nothing

    def __len__(self) -> int:
        return len(self.bay)


@dataclass(frozen=True)
class _Near:
    """What one charger has about it."""

    origin: FloatArray  # (2,)
    limit: float
    bays: IntArray
    bodies: IntArray  # of the cars in bays on its level
    fixed: IntArray


def nothing_fixed() -> Fixed:
    """No walls and no lanes."""
    return Fixed(np.empty(0, object), np.empty(0), ())


def within_reach(bays: Bays, chargers: Chargers, fixed: Fixed, *, turnable: bool = True) -> Reach:
    """Which chargers have which bays within reach, and by how long a cable.

    Parameters
    ----------
    bays, chargers
        What there is; `reach_m` is the longest way that is of interest.
    fixed
        Walls and lanes.
    turnable
        Whether a car may be parked either way round: then of two opposite corners the better one counts.
    """
    if not len(bays) or not len(chargers):
        none = np.empty(0, np.int64)
        return Reach(none, none, np.empty(0), np.empty(0), np.empty(0), ())
    cars = bodies(bays)
    points: NDArray[np.object_] = np.asarray(shapely.points(chargers.position[:, :2]), object)
    charger, bay = (part.astype(np.int64) for part in _close(bays.shape, points, chargers.reach_m))
    level = _level(bays, bay, chargers, charger)
    charger, bay = charger[level], bay[level]
    straight = shapely.distance(points[charger], bays.shape[bay])
    near = _surroundings(bays, chargers, fixed, cars)
    length, corner = np.full(len(bay), np.inf), np.full(len(bay), np.inf)
    behind = [""] * len(bay)
    for c, mine in _groups(charger):
        about = near(c, bay[mine])
        length[mine], corner[mine], names = _lengths(about, bays, cars, fixed, turnable)
        for k, name in zip(mine.tolist(), names, strict=True):
            behind[k] = name
    return Reach(bay, charger, straight, length, corner, behind)


def served(bays: Bays, reach: Reach, which: BoolArray, connectors: ArrayLike) -> Matching:
    """How many cars of each bay are charged when as many as possible are, by the pairs `which` (p,) and `connectors` (m,) at once."""
    return matched(reach.bay[which], reach.charger[which], bays.capacity, connectors)


def bodies(bays: Bays) -> NDArray[np.object_]:
    """The ground (n,) that the car in each bay takes; empty for a pool, and for what is no area."""
    area = (shapely.get_dimensions(bays.shape) == 2) & (bays.capacity == 1)
    cars: NDArray[np.object_] = np.full(len(bays), shapely.Polygon(), object)
    cars[area] = shapely.buffer(bays.shape[area], -ASIDE_M, join_style="mitre")
    return cars


def _lengths(about: _Near, bays: Bays, cars: NDArray[np.object_], fixed: Fixed, turnable: bool) -> tuple[FloatArray, FloatArray, list[str]]:
    """The ways of one charger's cable to its bays: nearest place, worst corner, and what the straight way meets."""
    obstacles: NDArray[np.object_] = np.concatenate([cars[about.bodies], fixed.shape[about.fixed]])
    names: list[str] = [*(f"bay/{b}" for b in about.bodies.tolist()), *(str(fixed.ids[w]) for w in about.fixed.tolist())]
    ways = ways_around(about.origin, shapely.union_all(obstacles), limit=about.limit)
    solid: NDArray[np.object_] = shapely.buffer(obstacles, -TOUCH_M, join_style="mitre")
    walls = shapely.union_all(fixed.shape[about.fixed])
    length, corner, behind = [], [], list[str]()
    for b in about.bays.tolist():
        way = _to_bay(ways, bays.shape[b], cars[b], walls)
        length.append(way)
        corner.append(max(way, _to_corner(ways, cars[b], turnable)) if not shapely.is_empty(cars[b]) else way)
        line = shapely.shortest_line(shapely.Point(about.origin), bays.shape[b])
        met = np.flatnonzero(shapely.intersects(solid, line))
        behind.append(names[int(met[0])] if len(met) else "")
    return np.array(length), np.array(corner), behind


def _to_bay(ways: Ways, shape: Any, car: Any, walls: Any) -> float:
    """The way to the outline of a bay; no wall may stand between there and the car."""
    way = way_to(ways, shape)
    if not np.isfinite(way) or shapely.is_empty(car) or shapely.is_empty(walls) or not shapely.intersects(walls, shape):
        return way
    return max(way, way_to(ways, car) - ASIDE_M * np.sqrt(2))  # drawn across a wall: the car itself must be reached


def _to_corner(ways: Ways, car: Any, turnable: bool) -> float:
    """The way to the worst corner of a car, round the car itself; where it may turn, the better of two opposite ones counts."""
    corners = shapely.get_coordinates(shapely.minimum_rotated_rectangle(car))[:4]
    lengths = [way_to(ways, shapely.Point(corner)) for corner in corners]
    if not turnable or len(lengths) < 4:
        return max(lengths, default=np.inf)
    return max(min(lengths[0], lengths[2]), min(lengths[1], lengths[3]))


def _surroundings(bays: Bays, chargers: Chargers, fixed: Fixed, cars: NDArray[np.object_]) -> Any:
    """What answers for (charger, its bays) with everything about it."""
    points: NDArray[np.object_] = np.asarray(shapely.points(chargers.position[:, :2]), object)
    around_car = _by_charger(*_close(cars, points, chargers.reach_m), len(chargers))
    around_fixed = _by_charger(*_close(fixed.shape, points, chargers.reach_m), len(chargers))

    def about(c: int, mine: IntArray) -> _Near:
        car, wall = around_car[c], around_fixed[c]
        car = car[_level(bays, car, chargers, np.full(len(car), c))]
        car = car[~shapely.contains(cars[car], points[c])]  # where the post stands nobody parks
        outdoors = np.isnan(fixed.floor_z[wall]) & (chargers.storey[c] is None)
        wall = wall[outdoors | (np.abs(fixed.floor_z[wall] - chargers.floor_z[c]) <= SAME_SLICE_M)]
        wall = wall[~shapely.contains(fixed.shape[wall], points[c])]
        return _Near(chargers.position[c, :2], float(chargers.reach_m[c]), mine, car, wall)

    return about


def _close(shapes: NDArray[np.object_], points: Any, reach: FloatArray) -> tuple[IntArray, IntArray]:
    """Pairs of a point and a shape no farther away than the point's reach."""
    if not len(shapes):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    point, shape = shapely.STRtree(shapes).query(points, predicate="dwithin", distance=reach)
    order = np.lexsort((shape, point))
    return point[order].astype(np.int64), shape[order].astype(np.int64)


def _by_charger(charger: IntArray, other: IntArray, n: int) -> list[IntArray]:
    return np.split(other, np.searchsorted(charger, np.arange(1, n)))


def _groups(charger: IntArray) -> list[tuple[int, IntArray]]:
    """Each charger that occurs, with the places where it does."""
    if not len(charger):
        return []
    first = np.flatnonzero(np.concatenate([[True], charger[1:] != charger[:-1]]))
    return list(zip(charger[first].tolist(), np.split(np.arange(len(charger)), first[1:]), strict=True))


def _level(bays: Bays, bay: IntArray, chargers: Chargers, charger: IntArray) -> BoolArray:
    """Whether pairs are on one level: of one storey where both name theirs, else at one height."""
    here = [bays.storey[b] for b in bay.tolist()]
    there = [chargers.storey[c] for c in charger.tolist()]
    named = np.array([a is not None and b is not None for a, b in zip(here, there, strict=True)], np.bool_)
    same = np.array([a == b for a, b in zip(here, there, strict=True)], np.bool_)
    height = np.abs(bays.z[bay] - chargers.floor_z[charger]) <= SAME_LEVEL_M
    return np.where(named, same, height)
