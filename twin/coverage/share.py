"""What cameras see of single targets: points with a little room round them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import ANY_WAY, INSIDE, Criteria, View, densities, verdicts
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Seen:
    """For n targets, how many cameras see each, how many more may (direction unknown), the best density, and the cameras' ids."""

    count: NDArray[np.int64]  # (n,)
    perhaps: NDArray[np.int64]  # (n,)
    density: FloatArray  # (n,) [px/m]
    cameras: Sequence[Sequence[str]]  # (n,)


def seen(stands: FloatArray, needed: int, views: Sequence[View], criteria: Criteria, scene: Scene) -> Seen:
    """Which cameras see targets that may stand in several places.

    Parameters
    ----------
    stands
        The places of each target (n, p, 3); the first is its own. [m, enu]
    needed
        A camera sees a target that it sees in its own place or in at least this many of the others.
    views, criteria, scene
        Who looks, what counts, and what is in the way.
    """
    n, places = stands.shape[:2]
    by: list[dict[str, bool]] = [{} for _ in range(n)]  # camera -> whether for certain
    density = np.zeros(n)
    for view in views:
        ok = (verdicts(view, criteria, stands.reshape(-1, 3)) == INSIDE).reshape(n, places)
        near = np.flatnonzero(ok.any(axis=1))
        if not len(near):
            continue
        target = stands[near].reshape(-1, 3)
        free = ~scene.occluded(np.broadcast_to(np.array(view.position), target.shape), target).reshape(-1, places)
        hit = free & ok[near]
        clear = near[hit[:, 0] | (hit[:, 1:].sum(axis=1) >= needed)]
        for i in clear.tolist():
            by[i][view.camera] = by[i].get(view.camera, False) or view.lens != ANY_WAY
        if view.lens != ANY_WAY:
            density[clear] = np.maximum(density[clear], densities(view, stands[clear, 0]))
    sure = [[name for name, certain in row.items() if certain] for row in by]
    count = np.array([len(row) for row in sure], np.int64)
    return Seen(count, np.array([len(row) for row in by], np.int64) - count, density, sure)
