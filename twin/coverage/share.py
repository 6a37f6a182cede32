"""What cameras see of single targets: points with a little room round them, at one height or at several at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import LEAST, Criteria, View, certain, densities, possible, reach, verdicts
from twin.coverage.edges import FIXED, enters, sectors
from twin.coverage.inview import ANY_WAY, INSIDE
from twin.coverage.look import Sight, shift_of
from twin.coverage.why import tiled
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

_SLACK_M = 1e-3  # targets are taken as large as this when walls of shadow are tested


@dataclass(frozen=True)
class Seen:
    """For n targets, how many cameras see each at least, by best knowledge and at most; the best density, and the cameras' ids."""

    least: NDArray[np.int64]  # (n,)
    count: NDArray[np.int64]  # (n,)
    most: NDArray[np.int64]  # (n,)
    density: FloatArray  # (n,) [px/m]
    cameras: Sequence[Sequence[str]]  # (n,) by best knowledge


def seen(stands: FloatArray, needed: int, views: Sequence[View], criteria: Criteria, sight: Sight) -> Seen:
    """Which cameras see targets that may stand in several places.

    Parameters
    ----------
    stands
        The heights and places of each target (n, h, p, 3); the first place is its own. A camera has to see all of the heights. [m, enu]
    needed
        A camera sees a target that it sees in its own place or in at least this many of the others.
    views, criteria, sight
        Who looks, what counts, and what is in the way; with `sight.best` what is in doubt is looked at among that too.
    """
    n = len(stands)
    by: list[dict[str, int]] = [{} for _ in range(n)]  # camera -> 1 perhaps, 2 by best knowledge, 3 for certain
    density = np.zeros(n)
    best = sight.best or sight
    for view in views:
        value = _looks(stands, needed, view, criteria, sight) if view.lens != ANY_WAY else np.zeros(n, np.bool_)
        in_doubt = view.most is not None or view.lens == ANY_WAY or best is not sight
        most = _looks(stands, needed, possible(view), criteria, best) if in_doubt else value
        least = value if view.least is None else _looks(stands, needed, certain(view), criteria, sight)
        for level, found in ((1, most | value | least), (2, value | least), (3, least)):
            for i in np.flatnonzero(found).tolist():
                by[i][view.camera] = max(by[i].get(view.camera, 0), level)
        if value.any():
            density[value] = np.maximum(density[value], densities(view, stands[value, 0, 0]))
    least, count, most = (np.array([sum(level >= given for level in row.values()) for row in by], np.int64) for given in (3, 2, 1))
    return Seen(least, count, most, density, [[name for name, level in row.items() if level >= 2] for row in by])


def _looks(stands: FloatArray, needed: int, view: View, criteria: Criteria, sight: Sight) -> BoolArray:
    """Whether a view sees each target (n,): all heights of its own place, or of enough others."""
    n, heights, places = stands.shape[:3]
    apart = sees(stands.reshape(-1, 3), view, criteria, sight).reshape(n, heights, places)
    ok = np.logical_and.reduce(apart, axis=1)  # (n, places)
    return ok[:, 0] | (ok[:, 1:].sum(axis=1) >= needed)


def sees(targets: FloatArray, view: View, criteria: Criteria, sight: Sight | Scene) -> BoolArray:
    """Whether one view sees targets (t, 3) [m, enu]: (t,); shrunk, from wherever its lens may be, and grown, from anywhere there.

    A scene will do where the lens is where it is.
    """
    lens, out = np.array(view.position), np.zeros(len(targets), np.bool_)
    near = np.flatnonzero(_is_within(targets, lens, reach(view, criteria) + _SLACK_M))
    asked = near[verdicts(view, criteria, targets[near]) == INSIDE] if len(near) else near
    if not len(asked):
        return out
    scene = sight.scene if isinstance(sight, Sight) else sight
    free = ~scene.occluded(np.broadcast_to(lens, (len(asked), 3)), targets[asked])
    if isinstance(sight, Sight) and shift_of(view) != FIXED:
        steady = _is_steady(sight, view, targets[asked])
        free = free & steady if view.sign == LEAST else free | ~steady
    out[asked] = free
    return out


@njit(cache=True, nogil=True)
def _is_within(targets: FloatArray, lens: FloatArray, far: float) -> Any:
    """Whether targets (t, 3) are within a distance of a lens: (t,)."""
    out = np.empty(len(targets), np.bool_)
    for i in range(len(targets)):
        x, y, z = targets[i, 0] - lens[0], targets[i, 1] - lens[1], targets[i, 2] - lens[2]
        out[i] = x * x + y * y + z * z <= far * far
    return out


def _is_steady(sight: Sight, view: View, targets: FloatArray) -> BoolArray:
    """Whether the sight of each target (t,) is the same from wherever the lens may be: no thick wall of shadow holds it."""
    lens = np.array(view.position)
    box = np.concatenate([targets.min(axis=0), targets.max(axis=0)])
    order, first, _ = tiled(targets)
    out = np.empty(len(targets), np.bool_)
    out[order] = ~_is_entered(sectors(sight.edges, sight.scene, lens, box, shift_of(view)), targets[order] - lens, first)
    return out


@njit(cache=True, nogil=True)
def _is_entered(walls: FloatArray, way: FloatArray, first: NDArray[np.int64]) -> Any:
    """Whether any wall of shadow may hold each target (t, 3), from the lens; those of a tile follow each other from `first` on."""
    out = np.zeros(len(way), np.bool_)
    near = np.empty(len(walls), np.int64)
    for tile in range(len(first) - 1):
        n = _into_tile(walls, way[first[tile] : first[tile + 1]], near)
        for i in range(first[tile], first[tile + 1]):
            x, y, z = way[i]
            distance = math.sqrt(x * x + y * y + z * z)
            for k in near[:n]:
                if enters(walls[k], (x, y, z, _SLACK_M, _SLACK_M, distance)):
                    out[i] = True
                    break
    return out


@njit(cache=True, nogil=True)
def _into_tile(walls: FloatArray, way: FloatArray, near: NDArray[np.int64]) -> int:
    """Put the walls of shadow that may enter the box over some targets into `near`; their number."""
    low, high = way[0].copy(), way[0].copy()
    for i in range(1, len(way)):
        low, high = np.minimum(low, way[i]), np.maximum(high, way[i])
    x, y, z = (low[0] + high[0]) / 2, (low[1] + high[1]) / 2, (low[2] + high[2]) / 2
    half, half_z = max(high[0] - low[0], high[1] - low[1]) / 2 + _SLACK_M, (high[2] - low[2]) / 2 + _SLACK_M
    distance = math.sqrt(x * x + y * y + z * z) + 1.5 * half + half_z  # of its farthest point
    n = 0
    for k in range(len(walls)):
        if enters(walls[k], (x, y, z, half, half_z, distance)):
            near[n] = k
            n += 1
    return n
