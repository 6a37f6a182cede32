"""The obstacles of a park: triangles that know which object they belong to and what it is made of.

Everything is in the park's local ENU metres. `twin.scene.gather` collects them from a store, `twin.scene.embree` shoots at them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = ("building", "wall", "slab", "roof", "door", "window", "glass", "column", "furniture", "mep", "terrain", "other")

Layers = Sequence[Mapping[str, Any]]  # what an object is made of, outermost first: {"name", "thickness_m"}


@dataclass(frozen=True)
class Obstacles:
    """Triangles with an object each, and the objects by column.

    An object whose glazing and frame differ in sight is two objects of the same id.
    """

    vertices: NDArray[np.float64]  # (v, 3) [m, enu]
    faces: NDArray[np.uint32]  # (f, 3) index of vertices
    face_object: NDArray[np.int32]  # (f,) index of objects
    object_ids: Sequence[str]  # (o,) building/17, element/<GlobalId>, terrain
    object_kind: Sequence[str]  # (o,) one of KINDS
    object_materials: Sequence[Layers]  # (o,)
    object_opaque: NDArray[np.bool_]  # (o,) False: sight passes (windows, glass)

    def __len__(self) -> int:
        return len(self.faces)

    def id_of(self, face: int) -> str:
        """The id of the object that face number `face` belongs to."""
        return self.object_ids[int(self.face_object[face])]


def nothing() -> Obstacles:
    """No obstacle at all: an empty field."""
    return Obstacles(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.int32), (), (), (), np.empty(0, np.bool_))


def one_object(
    vertices: NDArray[np.float64],
    faces: NDArray[Any],
    *,
    object_id: str,
    kind: str = "other",
    materials: Layers = (),
    opaque: bool = True,
) -> Obstacles:
    """Triangles (f, 3) over vertices (v, 3) [m, enu] as the obstacles of one object."""
    triangles = np.ascontiguousarray(faces, np.uint32).reshape(-1, 3)
    points = np.ascontiguousarray(vertices, np.float64).reshape(-1, 3)
    owner = np.zeros(len(triangles), np.int32)
    return Obstacles(points, triangles, owner, (object_id,), (kind,), (materials,), np.array([opaque]))


def subset(obstacles: Obstacles, keep: NDArray[np.bool_]) -> Obstacles:
    """The faces where `keep` (f,) is true; the objects and their numbers stay as they are."""
    faces = obstacles.faces[keep]
    used, inverse = np.unique(faces, return_inverse=True)
    return replace(
        obstacles,
        vertices=obstacles.vertices[used],
        faces=inverse.reshape(-1, 3).astype(np.uint32),
        face_object=obstacles.face_object[keep],
    )


def opaque(obstacles: Obstacles) -> Obstacles:
    """What blocks the sight: the faces of opaque objects."""
    return subset(obstacles, obstacles.object_opaque[obstacles.face_object])


def concat(parts: Sequence[Obstacles]) -> Obstacles:
    """All faces and objects of `parts`, one after the other."""
    if not parts:
        return nothing()
    shift_v = np.cumsum([0, *(len(part.vertices) for part in parts)])
    shift_o = np.cumsum([0, *(len(part.object_ids) for part in parts)])
    return Obstacles(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + np.uint32(v) for part, v in zip(parts, shift_v, strict=False)]),
        np.concatenate([part.face_object + np.int32(o) for part, o in zip(parts, shift_o, strict=False)]),
        [name for part in parts for name in part.object_ids],
        [kind for part in parts for kind in part.object_kind],
        [layers for part in parts for layers in part.object_materials],
        np.concatenate([part.object_opaque for part in parts]),
    )
