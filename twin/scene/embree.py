"""Segments against triangles: what blocks them, what they hit first, everything they cross.

Embree 4 does the work. Its library ships inside the embreex wheel; numba drives it in packets of 16 rays without holding the
interpreter, which is twice as fast as the wheel's own interface. Where the library cannot be found, that interface is used.

Accuracy: Embree computes in single precision about the centre of the scene. A scene of 2 km is resolved to 0.1 mm, one of 20 km to
1 mm. A segment is open at both ends by `OPEN_M`: what touches the lens or the target itself does not block.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from os import cpu_count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.scene import Obstacles, packets

OPEN_M = 0.002  # each end of a segment is free by this much [m]

_FLOAT3, _UINT3 = 0x9003, 0x5003  # RTC_FORMAT_FLOAT3, RTC_FORMAT_UINT3
_INDEX, _VERTEX = 0, 1  # RTC_BUFFER_TYPE_INDEX, RTC_BUFFER_TYPE_VERTEX
_ROBUST = 1 << 2  # RTC_SCENE_FLAG_ROBUST: no ray slips between two triangles that share an edge
_Answer = TypeVar("_Answer")
_CHUNK = 1 << 16  # segments a thread takes at a time


@dataclass(frozen=True)
class Crossings:
    """Every face that segments cross, ordered by segment and by place along it."""

    segment: NDArray[np.int64]  # (k,)
    face: NDArray[np.int64]  # (k,)
    t: NDArray[np.float64]  # (k,) 0 at the origin, 1 at the target


class Scene:
    """Obstacles made ready for segments; safe to use from several threads at once."""

    def __init__(self, obstacles: Obstacles) -> None:
        self.obstacles = obstacles
        points = obstacles.vertices
        self._centre = (points.min(axis=0) + points.max(axis=0)) / 2 if len(points) else np.zeros(3)
        self._vertices = np.zeros((len(points) + 1, 3), np.float32)  # Embree reads 16 bytes at the last vertex
        self._vertices[:-1] = points - self._centre
        self._faces = np.ascontiguousarray(obstacles.faces, np.uint32)
        library = embree_library()
        self._core: _Native | _Wheel = _Native(library, self._vertices, self._faces) if library else _Wheel(self._vertices, self._faces)

    def occluded(self, origins: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether anything lies between origin and target.

        Parameters
        ----------
        origins, targets
            Ends of the segments (n, 3). [m, enu]

        Returns
        -------
        Blocked (n,).
        """
        if not len(self._faces) or not len(origins):
            return np.zeros(len(origins), np.bool_)
        return np.concatenate(list(self._shared(self._core.occluded, origins, targets)))

    def first_hit(self, origins: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The first face on the way from origins to targets (n, 3) [m, enu], -1 where there is none, and where it lies.

        Returns
        -------
        Face (n,), and its place (n,): 0 at the origin, 1 at the target and where nothing was hit.
        """
        if not len(self._faces) or not len(origins):
            return np.full(len(origins), -1, np.int64), np.ones(len(origins))
        found = list(self._shared(self._core.first_hit, origins, targets))
        return np.concatenate([face for face, _ in found]), np.concatenate([t for _, t in found])

    def crossings(self, origins: NDArray[np.float64], targets: NDArray[np.float64]) -> Crossings:
        """All faces that the segments from origins to targets (n, 3) [m, enu] cross."""
        if not len(self._faces) or not len(origins):
            return Crossings(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        found = list(self._shared(self._core.crossings, origins, targets))
        segment = np.concatenate([part[0] + i * _CHUNK for i, part in enumerate(found)])
        return Crossings(segment, np.concatenate([part[1] for part in found]), np.concatenate([part[2] for part in found]))

    def _shared(self, ask: Callable[..., _Answer], origins: NDArray[np.float64], targets: NDArray[np.float64]) -> Iterable[_Answer]:
        """Ask about segments in chunks, several at a time where there are several."""
        starts = range(0, len(origins), _CHUNK)

        def one(start: int) -> _Answer:
            return ask(*self._local(origins[start : start + _CHUNK], targets[start : start + _CHUNK]))

        return [one(0)] if len(starts) == 1 else _threads().map(one, starts)

    def _local(self, origins: NDArray[np.float64], targets: NDArray[np.float64]) -> tuple[NDArray[np.float32], ...]:
        """Origins, directions (n, 3) and the part of each direction to look at (n, 2), in single precision about the centre."""
        return packets.localised(origins, targets, self._centre, OPEN_M)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(cpu_count() or 1, thread_name_prefix="rays")


@cache
def embree_library() -> packets.Library | None:
    """The entry points of the Embree library in the embreex wheel; None where it cannot be found."""
    near = Path(str(import_module("embreex.rtcore_scene").__file__)).resolve().parent  # which loads what the library itself needs
    for folder in (near.parent / "embreex.libs", near / ".dylibs", near):
        for path in sorted([*folder.glob("*embree4*.so*"), *folder.glob("*embree4*.dylib"), *folder.glob("embree4*.dll")]):
            return packets.Library(ctypes.CDLL(str(path)))
    return None


class _Native:
    """The Embree library driven directly."""

    def __init__(self, library: packets.Library, vertices: NDArray[np.float32], faces: NDArray[np.uint32]) -> None:
        self._library = library
        self._keep = (vertices, faces)  # Embree reads these where they lie
        self._device = library.call("rtcNewDevice", ctypes.c_void_p, None)
        self._scene = library.call("rtcNewScene", ctypes.c_void_p, self._device)
        library.call("rtcSetSceneFlags", None, self._scene, ctypes.c_int(_ROBUST))
        geometry = library.call("rtcNewGeometry", ctypes.c_void_p, self._device, ctypes.c_int(0))
        self._share(geometry, _VERTEX, _FLOAT3, vertices, len(vertices) - 1)
        self._share(geometry, _INDEX, _UINT3, faces, len(faces))
        library.call("rtcCommitGeometry", None, geometry)
        library.call("rtcAttachGeometry", ctypes.c_uint, self._scene, geometry)
        library.call("rtcReleaseGeometry", None, geometry)
        library.call("rtcCommitScene", None, self._scene)

    def __del__(self) -> None:
        self._library.call("rtcReleaseScene", None, self._scene)
        self._library.call("rtcReleaseDevice", None, self._device)

    def occluded(self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.bool_]:
        out = np.empty(len(start), np.bool_)
        packets.occluded(self._library.occluded16, self._scene.value, start, way, part, out)
        return out

    def first_hit(
        self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        return packets.first_hit(self._library.intersect16, self._scene.value, start, way, part)

    def crossings(
        self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        return packets.crossings(self._library, self._scene.value, start, way, part)

    def _share(self, geometry: Any, slot: int, layout: int, array: NDArray[Any], count: int) -> None:
        self._library.call(
            "rtcSetSharedGeometryBuffer", None, geometry, ctypes.c_int(slot), ctypes.c_uint(0), ctypes.c_int(layout),
            ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(0), ctypes.c_size_t(12), ctypes.c_size_t(count),
        )  # fmt: skip


class _Wheel:
    """The same three questions through the interface that the embreex wheel offers."""

    def __init__(self, vertices: NDArray[np.float32], faces: NDArray[np.uint32]) -> None:
        self._scene: Any = import_module("embreex.rtcore_scene").EmbreeScene(robust=True)
        mesh: Callable[..., Any] = import_module("embreex.mesh_construction").TriangleMesh
        mesh(self._scene, np.ascontiguousarray(vertices[:-1]), np.ascontiguousarray(faces, np.int32))

    def occluded(self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]) -> NDArray[np.bool_]:
        origin, direction, far = _shortened(start, way, part)
        return np.asarray(self._run(origin, direction, far, "OCCLUDED")) != -1

    def first_hit(
        self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        origin, direction, far = _shortened(start, way, part)
        hit: dict[str, NDArray[Any]] = self._run(origin, direction, far, "INTERSECT", output=1)
        face = hit["primID"].astype(np.int64)
        return face, np.where(face >= 0, part[:, 0] + hit["tfar"], 1.0).astype(np.float64)

    def crossings(
        self, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Cast again and again from just behind the last hit; faces in one plane count once."""
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = []
        live, low = np.arange(len(start)), part[:, 0].copy()
        step = part[:, 0] / 4
        while len(live):
            window = np.column_stack([low[live], part[live, 1]]).astype(np.float32)
            face, t = self.first_hit(start[live], way[live], window)
            hit = face >= 0
            found.append((live[hit], face[hit], t[hit]))
            low[live[hit]] = t[hit] + step[live[hit]]
            live = live[hit]
            live = live[low[live] < part[live, 1]]
        segment, face, t = (np.concatenate([row[k] for row in found]) for k in range(3))
        order = np.lexsort((t, segment))
        return segment[order].astype(np.int64), face[order].astype(np.int64), t[order].astype(np.float64)

    def _run(self, origin: NDArray[np.float32], direction: NDArray[np.float32], far: NDArray[np.float32], query: str, **more: int) -> Any:
        run: Callable[..., Any] = self._scene.run
        return run(origin, direction, dists=far, query=query, **more)


def _shortened(start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
    """Segments that begin where the open part begins, as the wheel has no near limit."""
    origin = (start + way * part[:, :1]).astype(np.float32)
    return origin, way, (part[:, 1] - part[:, 0]).astype(np.float32)
