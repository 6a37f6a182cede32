"""The same body in several places is written once where that makes the tile smaller (EXT_mesh_gpu_instancing)."""

from __future__ import annotations

import numpy as np

from tiles.glb import Repeat, TileMesh
from twin.congruent import Congruent, congruent

TRIANGLE_BYTES = 9  # what a triangle takes in a tile, compressed
PLACE_BYTES = 36  # what a place takes
SHAPE_BYTES = 1200  # what a shape takes beside its triangles: its entries in the document, and a drawing of its own


def instanced(mesh: TileMesh) -> tuple[TileMesh, list[Repeat]]:
    """The triangles to be written one by one, and the shapes that are written once; features are in ascending order in `mesh`."""
    starts = np.searchsorted(mesh.face_feature, np.arange(int(mesh.face_feature[-1]) + 2))
    same = congruent(mesh.triangles, starts, mesh.face_color)
    first, times = np.unique(same.first, return_counts=True)
    saved = (times - 1) * np.diff(starts)[first] * TRIANGLE_BYTES - times * PLACE_BYTES
    worth = first[(times > 1) & (saved > SHAPE_BYTES)]
    if not len(worth):
        return mesh, []
    repeats = [_repeat(mesh, starts, same, shape) for shape in worth.tolist()]
    alone = ~np.isin(same.first, worth)[mesh.face_feature]
    return TileMesh(mesh.triangles[alone], mesh.face_feature[alone], mesh.face_color[alone]), repeats


def _repeat(mesh: TileMesh, starts: np.ndarray[tuple[int], np.dtype[np.int64]], same: Congruent, shape: int) -> Repeat:
    features = np.flatnonzero(same.first == shape)
    placements = np.tile(np.eye(4), (len(features), 1, 1))
    placements[:, :3, :3] = same.turn[features]
    placements[:, :3, 3] = same.anchor[features]
    faces = slice(int(starts[shape]), int(starts[shape + 1]))
    return Repeat(mesh.triangles[faces] - same.anchor[shape], mesh.face_color[faces], placements, features)
