"""The obstacles of a park: triangles that know which object they belong to and what it is made of.

Everything is in the park's local ENU metres. `twin.scene.gather` collects them from a store, `twin.scene.embree` shoots at them.

Obstacles are made of pieces: stretches of faces that come and go together (a model's doors, the buildings of one square, the ground).
A piece is known by a digest of its triangles, so that what was prepared for it serves wherever it turns up again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

KINDS = (
    "building", "wall", "slab", "roof", "door", "window", "glass", "column", "furniture", "mep", "terrain", "vegetation", "surface",
    "other",
)  # fmt: skip

Layers = Sequence[Mapping[str, Any]]  # what an object is made of, outermost first: {"name", "thickness_m"}


@dataclass(frozen=True)
class Piece:
    """A stretch of faces, and of the vertices that they alone use."""

    face: int  # the first one
    faces: int  # how many
    vertex: int
    vertices: int
    digest: str  # of the triangles; empty where nobody took it


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
    pieces: Sequence[Piece] = field(default=(), init=False, compare=False)  # all faces in order; none where they are one piece

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
    """The faces where `keep` (f,) is true, the very same obstacles where that is all; the objects and their numbers stay as they are."""
    if keep.all():
        return obstacles
    kept = np.flatnonzero(keep)
    used = np.zeros(len(obstacles.vertices), np.bool_)
    used[obstacles.faces[kept]] = True
    number = np.cumsum(used) - 1  # (v,) new index of each vertex
    fewer = replace(
        obstacles,
        vertices=obstacles.vertices[used],
        faces=number[obstacles.faces[kept]].astype(np.uint32).reshape(-1, 3),
        face_object=obstacles.face_object[kept],
    )
    if not obstacles.pieces:
        return fewer
    face, vertex, pieces = 0, 0, list[Piece]()
    for piece in obstacles.pieces:
        mask = keep[piece.face : piece.face + piece.faces]
        points = used[piece.vertex : piece.vertex + piece.vertices]
        left = Piece(face, int(mask.sum()), vertex, int(points.sum()), _narrowed(piece.digest, mask, points))
        face, vertex = face + left.faces, vertex + left.vertices
        pieces += [left] if left.faces else []
    return with_pieces(fewer, pieces)


def opaque(obstacles: Obstacles) -> Obstacles:
    """What blocks the sight: the faces of opaque objects."""
    return subset(obstacles, obstacles.object_opaque[obstacles.face_object])


def concat(parts: Sequence[Obstacles]) -> Obstacles:
    """All faces and objects of `parts`, one after the other; each stays a piece, or the pieces it is made of."""
    if not parts:
        return nothing()
    shift_v = np.cumsum([0, *(len(part.vertices) for part in parts)])
    shift_o = np.cumsum([0, *(len(part.object_ids) for part in parts)])
    shift_f = np.cumsum([0, *(len(part.faces) for part in parts)])
    whole = Obstacles(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + np.uint32(v) for part, v in zip(parts, shift_v, strict=False)]),
        np.concatenate([part.face_object + np.int32(o) for part, o in zip(parts, shift_o, strict=False)]),
        [name for part in parts for name in part.object_ids],
        [kind for part in parts for kind in part.object_kind],
        [layers for part in parts for layers in part.object_materials],
        np.concatenate([part.object_opaque for part in parts]),
    )
    pieces = [
        replace(piece, face=piece.face + f, vertex=piece.vertex + v)
        for part, f, v in zip(parts, shift_f.tolist(), shift_v.tolist(), strict=False)
        for piece in pieces_of(part)
    ]
    return with_pieces(whole, pieces)


def pieces_of(obstacles: Obstacles) -> Sequence[Piece]:
    """The pieces that cover all faces in order; one without a digest where nobody made pieces."""
    if obstacles.pieces or not len(obstacles):
        return obstacles.pieces
    return (Piece(0, len(obstacles.faces), 0, len(obstacles.vertices), ""),)


def with_pieces(obstacles: Obstacles, pieces: Sequence[Piece]) -> Obstacles:
    """The obstacles themselves, told what pieces they are made of."""
    # not a field that `replace` copies: whoever changes the triangles has obstacles without pieces
    object.__setattr__(obstacles, "pieces", tuple(pieces))
    return obstacles


def digest_of(vertices: NDArray[np.float64], faces: NDArray[np.uint32]) -> str:
    """What a piece of these triangles is known by."""
    total = hashlib.blake2b(digest_size=20)
    for array in (vertices, faces):
        total.update(len(array).to_bytes(8, "big"))
        total.update(np.ascontiguousarray(array).data)
    return total.hexdigest()


def _narrowed(digest: str, faces: NDArray[np.bool_], points: NDArray[np.bool_]) -> str:
    """The digest of what is left of a piece: its own where that is everything."""
    if not digest or (faces.all() and points.all()):
        return digest
    return hashlib.blake2b(digest.encode() + np.packbits(faces).tobytes(), digest_size=20).hexdigest()
