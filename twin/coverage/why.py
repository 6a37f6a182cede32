"""Why a place is not covered: which camera came nearest to covering it, and what it lacked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage.camera import ANY_WAY, INSIDE, OUT_OF_RANGE, OUT_OF_VIEW, TOO_COARSE, Criteria, View, pack, reach, verdict_at
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]

NEARBY_M = 30.0  # a camera within this distance, or three times its reach, is asked why
_NAMES = ("no_device", "outside_field_of_view", "out_of_range", "density", "too_steep")  # the later, the nearer to covering


def reasons(targets: FloatArray, views: Sequence[View], criteria: Criteria, scene: Scene) -> tuple[list[str], list[str | None]]:
    """Why targets (n, 3) [m, enu] that are not covered are not, and the id of what stands in the way of the nearest camera.

    `occluded` where a camera lacks nothing but the line of sight; else what the camera lacks that is nearest to covering; `no_device`
    where no camera is near.
    """
    known = [view for view in views if view.lens != ANY_WAY]
    n = len(targets)
    rank, inside, distance = np.zeros(n, np.int8), np.full(n, -1, np.int64), np.full(n, np.inf)
    for number, view in enumerate(known):
        nearby = max(NEARBY_M, 3 * reach(view, criteria))
        _ask(pack(view, criteria), targets, nearby, number, (rank, inside, distance))
    names = [_NAMES[k] for k in rank.tolist()]
    blockers: list[str | None] = [None] * n
    asked = np.flatnonzero(inside >= 0)
    if len(asked):
        lenses = np.array([view.position for view in known])[inside[asked]]
        face, _ = scene.first_hit(lenses, targets[asked])
        for i, hit in zip(asked.tolist(), face.tolist(), strict=True):
            if hit >= 0:
                names[i], blockers[i] = "occluded", scene.obstacles.id_of(hit)
    return names, blockers


@njit(cache=True, nogil=True)
def _rank(verdict: int) -> int:
    """Index in _NAMES of what a verdict says."""
    if verdict == OUT_OF_VIEW:
        return 1
    if verdict == OUT_OF_RANGE:
        return 2
    return 3 if verdict == TOO_COARSE else 4


@njit(cache=True, nogil=True)
def _ask(view: FloatArray, targets: FloatArray, nearby: float, number: int, found: Any) -> None:
    """Let one view better what is known of the targets: highest rank, nearest view they are inside of, and its distance."""
    rank, inside, distance = found
    for i in range(len(targets)):
        x, y = targets[i, 0] - view[0], targets[i, 1] - view[1]
        if abs(x) > nearby or abs(y) > nearby:
            continue
        z = targets[i, 2] - view[2]
        away = math.sqrt(x * x + y * y + z * z)
        if away > nearby:
            continue
        verdict = verdict_at(view, x, y, z)
        if verdict == INSIDE:
            if away < distance[i]:
                inside[i], distance[i] = number, away
        else:
            rank[i] = max(rank[i], _rank(verdict))
