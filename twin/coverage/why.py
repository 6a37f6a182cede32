"""Why a place is not covered: which camera came nearest to covering it, what it lacked, and by how much."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, known, pack, reach
from twin.coverage.inview import (
    BLIND_ZONE,
    INSIDE,
    OUT_OF_FOCUS,
    OUT_OF_RANGE,
    OUT_OF_VIEW,
    TOO_COARSE,
    TOO_DARK,
    TOO_STEEP,
    TURNED_AWAY,
    shortfall_at,
    verdict_at,
)  # fmt: skip
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]

TILE_M = 16.0
SIDE_BY_SIDE = cpu_count() or 1  # stretches of tiles that threads ask at once
NEARBY_M = 30.0  # a camera within this distance, or three times its reach, is asked why
# the later, the nearer to covering
_NAMES = (
    "no_device", "outside_field_of_view", "blind_zone", "out_of_range", "too_dark", "density", "out_of_focus", "turned_away", "too_steep",
)  # fmt: skip
UNITS: Mapping[str, str] = {
    "outside_field_of_view": "deg", "blind_zone": "deg", "out_of_range": "m", "density": "px/m", "out_of_focus": "m", "too_steep": "deg",
}  # fmt: skip


@dataclass(frozen=True)
class Why:
    """For n targets: why each is not covered, behind what, and by how much the nearest camera misses it (nan: no number)."""

    reasons: Sequence[str]  # (n,)
    blockers: Sequence[str | None]  # (n,)
    shortfall: FloatArray  # (n,) in UNITS[reason]


def reasons(targets: FloatArray, views: Sequence[View], criteria: Criteria, scene: Scene) -> Why:
    """Why targets (n, 3) [m, enu] that are not covered are not, and the id of what stands in the way of the nearest camera.

    `occluded` where a camera lacks nothing but the line of sight; else what the camera lacks that is nearest to covering, the camera that
    lacks least of it; `no_device` where no camera is near.
    """
    asked, n = known(views), len(targets)
    rank, lacking, inside = _told(targets, asked, criteria)
    names = [_NAMES[k] for k in rank.tolist()]
    blockers: list[str | None] = [None] * n
    looking = np.flatnonzero(inside >= 0)
    if len(looking):
        lenses = np.array([view.position for view in asked])[inside[looking]]
        face, _ = scene.first_hit(lenses, targets[looking])
        for i, hit in zip(looking.tolist(), face.tolist(), strict=True):
            if hit >= 0:
                names[i], blockers[i], lacking[i] = "occluded", scene.obstacles.id_of(hit), math.nan
    return Why(names, blockers, lacking)


def _told(targets: FloatArray, asked: Sequence[View], criteria: Criteria) -> tuple[NDArray[np.int8], FloatArray, NDArray[np.int64]]:
    """For n targets: highest rank and least lack among some views, and the nearest view that each is inside of (-1: none)."""
    n = len(targets)
    order, first, tiles = tiled(targets)
    placed = np.ascontiguousarray(targets[order], np.float64)
    found = np.zeros(n, np.int8), np.full(n, np.nan), np.full(n, -1, np.int64), np.full(n, np.inf)
    if asked:
        packed = np.array([pack(view, criteria) for view in asked])
        nearby = np.array([max(NEARBY_M, 3 * reach(view, criteria)) for view in asked])
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            stretches = [np.arange(k, len(tiles), SIDE_BY_SIDE) for k in range(SIDE_BY_SIDE)]
            list(pool.map(lambda chosen: _ask(packed, nearby, (placed, first, tiles), chosen, found), stretches))
    back = np.empty(n, np.int64)
    back[order] = np.arange(n)
    return found[0][back], found[1][back], found[2][back]


def tiled(targets: FloatArray) -> tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]:
    """An order (n,) that puts the targets of a tile one after the other, where each tile begins (t + 1,), and the tiles' boxes (t, 4)."""
    if not len(targets):
        return np.empty(0, np.int64), np.zeros(1, np.int64), np.empty((0, 4))
    tile = np.floor(targets[:, :2] / TILE_M).astype(np.int64)
    order = np.lexsort((tile[:, 0], tile[:, 1]))
    tile = tile[order]
    fresh = np.flatnonzero(np.append(True, (np.diff(tile, axis=0) != 0).any(axis=1)))
    low = tile[fresh].astype(np.float64) * TILE_M
    return order, np.append(fresh, len(order)).astype(np.int64), np.concatenate([low, low + TILE_M], axis=1)


@njit(cache=True, nogil=True)
def _rank(verdict: int) -> int:
    """Index in _NAMES of what a verdict says."""
    order = (OUT_OF_VIEW, BLIND_ZONE, OUT_OF_RANGE, TOO_DARK, TOO_COARSE, OUT_OF_FOCUS, TURNED_AWAY, TOO_STEEP)
    for k in range(len(order)):
        if verdict == order[k]:
            return k + 1
    return 0


@njit(cache=True, nogil=True)
def _ask(views: FloatArray, nearby: FloatArray, asked: Any, chosen: NDArray[np.int64], found: Any) -> None:
    """Let each view (v, ...) better what is known of the targets of those of the chosen tiles that are near."""
    targets, first, tiles = asked
    for t in chosen:
        for number in range(len(views)):
            view = views[number]
            x = max(tiles[t, 0] - view[0], view[0] - tiles[t, 2], 0.0)
            y = max(tiles[t, 1] - view[1], view[1] - tiles[t, 3], 0.0)
            if x * x + y * y <= nearby[number] * nearby[number]:
                _ask_tile(view, targets, (first[t], first[t + 1]), (nearby[number], number), found)


@njit(cache=True, nogil=True)
def _ask_tile(view: FloatArray, targets: FloatArray, span: tuple[int, int], who: tuple[float, int], found: Any) -> None:
    """Better what is known of some targets: highest rank and least lack, nearest view they are inside of, its distance."""
    rank, lacking, inside, distance = found
    nearby, number = who
    for i in range(span[0], span[1]):
        x, y, z = targets[i, 0] - view[0], targets[i, 1] - view[1], targets[i, 2] - view[2]
        away = math.sqrt(x * x + y * y + z * z)
        if away > nearby:
            continue
        verdict = verdict_at(view, x, y, z)
        if verdict == INSIDE:
            if away < distance[i]:
                inside[i], distance[i] = number, away
            continue
        order = _rank(verdict)
        if order < rank[i]:
            continue
        lack = shortfall_at(view, verdict, x, y, z)
        if order > rank[i] or not lack >= lacking[i]:
            rank[i], lacking[i] = order, lack
