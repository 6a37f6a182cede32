"""What lies in what: points and areas in areas, on their own storey.

Two things on named storeys are together only on the same one; where one of the two names none, heights decide where both are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

OUTSIDE = -1
BELOW_M = 0.5  # what stands this far below a floor is still on it: floors and devices are surveyed apart


@dataclass(frozen=True)
class Places:
    """n shapes with the storey they name, and the heights between which they reach. [m, enu]"""

    shape: NDArray[np.object_]  # (n,) shapely, x y [m, enu]
    storey: Sequence[str | None] = ()  # (n,) or none at all
    low: FloatArray = field(default_factory=lambda: np.empty(0))  # (n,) or none at all; NaN: unknown
    high: FloatArray = field(default_factory=lambda: np.empty(0))

    def __len__(self) -> int:
        return len(self.shape)


def container(things: Places, areas: Places) -> IntArray:
    """The area (k,) that each thing lies in, -1 where none: by a point of it; of several the smallest, of equal ones the first."""
    found = np.full(len(things), OUTSIDE, np.int64)
    thing, area = pairs(things, areas)
    size = shapely.area(areas.shape)
    order = np.lexsort((area, size[area] if len(area) else area, thing))
    thing, area = thing[order], area[order]
    first = np.ones(len(thing), bool)
    first[1:] = thing[1:] != thing[:-1]
    found[thing[first]] = area[first]
    return found


def pairs(things: Places, areas: Places) -> tuple[IntArray, IntArray]:
    """All pairs of a thing and an area that it lies in, its edge included."""
    if not len(things) or not len(areas):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    points: NDArray[np.object_] = np.asarray(shapely.point_on_surface(things.shape), object)
    thing, area = (part.astype(np.int64) for part in shapely.STRtree(areas.shape).query(points, predicate="intersects"))
    same = _together(things, areas, thing, area)
    order = np.lexsort((area[same], thing[same]))
    return thing[same][order], area[same][order]


def share_within(areas: Places, regions: Places) -> FloatArray:
    """The share (n,) of each area that regions of its storey cover, overlaps once; NaN for what has no area."""
    size = shapely.area(areas.shape)
    out = np.where(size > 0, 0.0, np.nan)
    if not len(areas) or not len(regions):
        return out
    area, region = (part.astype(np.int64) for part in shapely.STRtree(regions.shape).query(areas.shape, predicate="intersects"))
    same = _together(areas, regions, area, region)
    area, region = area[same], region[same]
    for k in np.unique(area).tolist():
        if size[k] > 0:
            cover: Any = shapely.union_all(regions.shape[region[area == k]])
            shared: Any = shapely.intersection(areas.shape[k], cover)
            out[k] = min(float(shared.area) / float(size[k]), 1.0)
    return out


def _together(things: Places, areas: Places, thing: IntArray, area: IntArray) -> NDArray[np.bool_]:
    """Whether pairs are on one level."""
    one = np.array([_storey(things, k) for k in thing.tolist()], object)
    other = np.array([_storey(areas, k) for k in area.tolist()], object)
    named = np.array([a is not None and b is not None for a, b in zip(one, other, strict=True)], bool)
    same = np.array([a == b for a, b in zip(one, other, strict=True)], bool)
    low, high = (np.full(len(each), np.nan) if not len(column) else column[index]
                 for each, column, index in ((thing, things.low, thing), (thing, things.high, thing)))  # fmt: skip
    floor, top = (np.full(len(area), np.nan) if not len(column) else column[area] for column in (areas.low, areas.high))
    high = np.where(np.isnan(high), low, high)
    with np.errstate(invalid="ignore"):
        apart = (high < floor - BELOW_M) | (low >= top)  # of NaN: not apart
    return np.where(named, same, ~apart)


def _storey(places: Places, k: int) -> str | None:
    return places.storey[k] if len(places.storey) else None
