"""Which parking bays can be charged at, all at the same time.

A charger reaches a bay when its cable does: the distance from the charger to the bay is no longer than the cable, on the same level
and with nothing between. It serves as many bays at once as it has connectors, so bays served are a maximum matching, never a count
of chargers:

      bay   bay   bay          three bays within reach of one charger
       `-----o-----'           with two connectors: two are served

A place for several cars whose bays are not drawn is a pool: that many bays of one outline.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.matching import maximum_matching

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SAME_LEVEL_M = 2.0  # without named storeys, a charger and a bay are on one level when their heights differ by no more than this
Blocked = Callable[[FloatArray, FloatArray], BoolArray]  # origins, targets (n, 3) [m, enu] -> blocked (n,)


@dataclass(frozen=True)
class Bays:
    """n places to park."""

    shape: NDArray[np.object_]  # (n,) shapely geometries, x y [m, enu]
    z: FloatArray  # (n,) height of the floor [m, enu]
    storey: Sequence[str | None]  # (n,)
    capacity: NDArray[np.int64]  # (n,) cars; 1 for a drawn bay

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
class Reach:
    """Which chargers reach each of n bays, and which would if nothing stood between."""

    chargers: Sequence[Sequence[int]]  # (n,) of indices
    walled: Sequence[Sequence[int]]  # (n,) of indices


def within_reach(bays: Bays, chargers: Chargers, blocked: Blocked) -> Reach:
    """Which chargers reach which bays.

    Parameters
    ----------
    bays, chargers
        What there is.
    blocked
        Whether something stands between two points.
    """
    reached: list[list[int]] = [[] for _ in range(len(bays))]
    walled: list[list[int]] = [[] for _ in range(len(bays))]
    if not len(bays) or not len(chargers):
        return Reach(reached, walled)
    points = shapely.points(chargers.position[:, :2])
    charger, bay = shapely.STRtree(bays.shape).query(points, predicate="dwithin", distance=chargers.reach_m)
    level = np.array([_same_level(bays, chargers, b, c) for b, c in zip(bay.tolist(), charger.tolist(), strict=True)], bool)
    charger, bay = charger[level], bay[level]
    between = _blocked(bays, chargers, (bay, charger), blocked)
    for b, c, wall in sorted(zip(bay.tolist(), charger.tolist(), between.tolist(), strict=True)):
        (walled if wall else reached)[b].append(c)
    return Reach(reached, walled)


def served(bays: Bays, reach: Reach, connectors: Sequence[int]) -> NDArray[np.int64]:
    """How many cars of each bay (n,) are charged when as many as possible are, with `connectors` (m,) on the chargers."""
    owner = np.repeat(np.arange(len(bays)), bays.capacity)
    partner = np.array(maximum_matching([reach.chargers[b] for b in owner.tolist()], connectors), np.int64)
    return np.bincount(owner[partner >= 0], minlength=len(bays)) if len(owner) else np.zeros(len(bays), np.int64)


def _same_level(bays: Bays, chargers: Chargers, b: int, c: int) -> bool:
    here, there = bays.storey[b], chargers.storey[c]
    if here is not None and there is not None:
        return here == there
    return abs(float(bays.z[b] - chargers.floor_z[c])) <= SAME_LEVEL_M


def _blocked(bays: Bays, chargers: Chargers, pairs: tuple[NDArray[Any], NDArray[Any]], blocked: Blocked) -> BoolArray:
    """Whether something stands between a charger and the nearest place of a bay, for pairs of (bay, charger)."""
    bay, charger = pairs
    origin = chargers.position[charger]  # (p, 3)
    nearest = shapely.get_coordinates(shapely.shortest_line(shapely.points(origin[:, :2]), bays.shape[bay])).reshape(-1, 2, 2)
    target = np.column_stack([nearest[:, 1], origin[:, 2]])
    apart = np.linalg.norm(target - origin, axis=1) > 1e-6
    between = np.zeros(len(bay), bool)
    between[apart] = blocked(origin[apart], target[apart])
    return between
