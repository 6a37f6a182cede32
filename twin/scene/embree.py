"""Segments against triangles: what blocks them, what they hit first, everything they cross.

Embree 4 does the work. Its library ships inside the embreex wheel; numba drives it in packets of 16 rays without holding the
interpreter. Where the library cannot be found, the wheel's own interface is used.

Accuracy: Embree computes in single precision, the triangles of a piece about a place of its own, rays about the centre of the scene. A
scene of 2 km is resolved to 0.1 mm, one of 20 km to 1 mm. A segment is open at both ends by `OPEN_M`: what touches the lens or the
target itself does not block. What has no place (an end that is no number) is not seen, and crosses nothing. Triangles with corners that
are no numbers, or without area, are not there.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from os import cpu_count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.scene import Obstacles, packets
from twin.scene.bodies import Stand
from twin.scene.native import Library
from twin.scene.order import shooting_order
from twin.scene.wheel import Wheel, localised

OPEN_M = 0.002  # each end of a segment is free by this much [m]

THREADS = cpu_count() or 1  # that share the segments of one question

_Answer = TypeVar("_Answer")
_CHUNK = 1 << 16  # segments a thread takes at a time

Points = NDArray[np.float64]


@dataclass(frozen=True)
class Crossings:
    """Every face that segments cross, ordered by segment and by place along it."""

    segment: NDArray[np.int64]  # (k,)
    face: NDArray[np.int64]  # (k,)
    t: NDArray[np.float64]  # (k,) 0 at the origin, 1 at the target


class Scene:
    """Obstacles made ready for segments; safe to use from several threads at once.

    Pieces of the obstacles that were made ready before, for this scene or another, are used again.
    """

    def __init__(self, obstacles: Obstacles) -> None:
        self.obstacles = obstacles
        library = embree_library()
        self._core: _Native | _Fallback | None = None
        if len(obstacles):
            self._core = _Native(library, obstacles) if library else _Fallback(obstacles)

    def occluded(self, origins: Points, targets: Points) -> NDArray[np.bool_]:
        """Whether anything lies between origin and target.

        Parameters
        ----------
        origins, targets
            Ends of the segments (n, 3). [m, enu]

        Returns
        -------
        Blocked (n,); True where an end is not a number.
        """
        begin, end = _ends(origins, targets)
        if self._core is None or not len(begin):
            return _nowhere(begin, end)
        return self._core.occluded(begin, end)

    def first_hit(self, origins: Points, targets: Points) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The first face on the way from origins to targets (n, 3) [m, enu], -1 where there is none, and where it lies.

        Returns
        -------
        Face (n,), and its place (n,): 0 at the origin, 1 at the target and where nothing was hit.
        """
        begin, end = _ends(origins, targets)
        if self._core is None or not len(begin):
            return np.full(len(begin), -1, np.int64), np.ones(len(begin))
        return self._core.first_hit(begin, end)

    def crossings(self, origins: Points, targets: Points) -> Crossings:
        """All faces that the segments from origins to targets (n, 3) [m, enu] cross."""
        begin, end = _ends(origins, targets)
        if self._core is None or not len(begin):
            return Crossings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        return Crossings(*self._core.crossings(begin, end))


@cache
def embree_library() -> Library | None:
    """The entry points of the Embree library in the embreex wheel; None where it cannot be found."""
    near = Path(str(import_module("embreex.rtcore_scene").__file__)).resolve().parent  # which loads what the library itself needs
    for folder in (near.parent / "embreex.libs", near / ".dylibs", near):
        for path in sorted([*folder.glob("*embree4*.so*"), *folder.glob("*embree4*.dylib"), *folder.glob("embree4*.dll")]):
            return Library(ctypes.CDLL(str(path)))
    return None


class _Native:
    """The Embree library driven directly."""

    def __init__(self, library: Library, obstacles: Obstacles) -> None:
        self._library = library
        self._stand = Stand(library, obstacles)

    def occluded(self, origins: Points, targets: Points) -> NDArray[np.bool_]:
        out = np.empty(len(origins), np.bool_)
        function, scene, job = self._library.occluded16, self._stand.scene.value, self._job(origins, targets)
        _shared(lambda order: packets.occluded(function, scene, job, order, out), _stretches(origins, targets))
        return out

    def first_hit(self, origins: Points, targets: Points) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        face, t = np.empty(len(origins), np.int64), np.empty(len(origins))
        function, scene, job, base = self._library.intersect16, self._stand.scene.value, self._job(origins, targets), self._stand.base
        _shared(lambda order: packets.first_hit(function, scene, job, order, base, (face, t)), _stretches(origins, targets))
        return face, t

    def crossings(self, origins: Points, targets: Points) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        stretches, job = _stretches(origins, targets), self._job(origins, targets)
        scene, base = self._stand.scene.value, self._stand.base
        found = _shared(lambda order: packets.collect(self._library, scene, job, order, base), stretches)
        if len(stretches) == 1:
            return packets.laid_out(found[0], stretches[0], len(origins))
        start = np.zeros(len(origins) + 1, np.int64)
        for (place, _, _), order in zip(found, stretches, strict=True):
            packets.count_hits(place, order, start)
        start = np.cumsum(start)
        total, filled = int(start[-1]), np.zeros(len(origins), np.int32)
        out = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total)
        # a segment lies in one stretch only, so that stretches can be laid out side by side
        _shared(lambda one: packets.lay_out(one[0], one[1], start, filled, out), list(zip(found, stretches, strict=True)))
        return out

    def _job(self, origins: Points, targets: Points) -> packets.Job:
        return origins, targets, self._stand.centre, OPEN_M


class _Fallback:
    """The interface of the embreex wheel."""

    def __init__(self, obstacles: Obstacles) -> None:
        points = obstacles.vertices
        self._centre = (np.nanmin(points, axis=0) + np.nanmax(points, axis=0)) / 2
        self._wheel = Wheel((points - self._centre).astype(np.float32), obstacles.faces)

    def occluded(self, origins: Points, targets: Points) -> NDArray[np.bool_]:
        return self._wheel.occluded(*self._local(origins, targets)) | _nowhere(origins, targets)

    def first_hit(self, origins: Points, targets: Points) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return self._wheel.first_hit(*self._local(origins, targets))

    def crossings(self, origins: Points, targets: Points) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        return self._wheel.crossings(*self._local(origins, targets))

    def _local(self, origins: Points, targets: Points) -> tuple[NDArray[np.float32], ...]:
        lost = _nowhere(origins, targets)[:, None]  # become segments without length, which cross nothing
        return localised(np.where(lost, self._centre, origins), np.where(lost, self._centre, targets), self._centre, OPEN_M)


def _nowhere(origins: Points, targets: Points) -> NDArray[np.bool_]:
    """Segments (n,) with an end that is no number."""
    return np.logical_not(np.isfinite(origins + targets).all(axis=1))


def _ends(origins: ArrayLike, targets: ArrayLike) -> tuple[Points, Points]:
    """Both ends (n, 3) as the compiled loops take them."""
    begin, end = (np.require(points, np.float64, ["C", "W"]).reshape(-1, 3) for points in (origins, targets))
    return begin, end


def _stretches(origins: Points, targets: Points) -> list[NDArray[np.int32]]:
    """The numbers of all segments in the order they are shot, in stretches for a thread each."""
    order = shooting_order(origins, targets)
    return [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]


def _shared(ask: Callable[[Any], _Answer], stretches: Sequence[Any]) -> list[_Answer]:
    """Answers about all stretches, several at a time where there are several."""
    return [ask(stretches[0])] if len(stretches) == 1 else list(_threads(THREADS).map(ask, stretches))


@cache
def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, thread_name_prefix="rays")
