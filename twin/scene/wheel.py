"""The three questions about segments through the interface that the embreex wheel offers: slower, and needing nothing else."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

Single = NDArray[np.float32]


class Wheel:
    """Triangles ready for segments, given by origins and directions (n, 3) and the part of each direction to look at (n, 2)."""

    def __init__(self, vertices: Single, faces: NDArray[np.uint32]) -> None:
        self._scene: Any = import_module("embreex.rtcore_scene").EmbreeScene(robust=True)
        mesh: Callable[..., Any] = import_module("embreex.mesh_construction").TriangleMesh
        mesh(self._scene, np.ascontiguousarray(vertices), np.ascontiguousarray(faces, np.int32))

    def occluded(self, start: Single, way: Single, part: Single) -> NDArray[np.bool_]:
        """Whether anything lies in between (n,)."""
        origin, direction, far = _shortened(start, way, part)
        return np.asarray(self._run(origin, direction, far, "OCCLUDED")) != -1

    def first_hit(self, start: Single, way: Single, part: Single) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The first face (n,), -1 for none, and where it lies."""
        origin, direction, far = _shortened(start, way, part)
        hit: dict[str, NDArray[Any]] = self._run(origin, direction, far, "INTERSECT", output=1)
        face = hit["primID"].astype(np.int64)
        return face, np.where(face >= 0, part[:, 0] + hit["tfar"], 1.0).astype(np.float64)

    def crossings(self, start: Single, way: Single, part: Single) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Segment, face and place of all hits: cast again from just behind the last one; faces in one plane count once."""
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

    def _run(self, origin: Single, direction: Single, far: Single, query: str, **more: int) -> Any:
        run: Callable[..., Any] = self._scene.run
        return run(origin, direction, dists=far, query=query, **more)


def localised(origins: NDArray[np.float64], targets: NDArray[np.float64], centre: NDArray[np.float64], free: float) -> tuple[Single, ...]:
    """Origins, directions (n, 3) and the part of each direction (n, 2) that is `free` [m] short at both ends, about a centre."""
    way = targets - origins
    short = free / np.maximum(np.linalg.norm(way, axis=1), 1e-9)
    return (
        (origins - centre).astype(np.float32),
        way.astype(np.float32),
        np.column_stack([short, 1 - short]).astype(np.float32),
    )


def _shortened(start: Single, way: Single, part: Single) -> tuple[Single, ...]:
    """Segments that begin where the open part begins, as the wheel has no near limit."""
    origin = (start + way * part[:, :1]).astype(np.float32)
    return origin, way, (part[:, 1] - part[:, 0]).astype(np.float32)
