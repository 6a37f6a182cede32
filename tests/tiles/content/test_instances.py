"""Bodies in several places: fewer bytes, the same picture."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from tiles.content.instances import instanced
from tiles.glb import TileMesh, encode_glb
from tiles.read import decode_glb


def chairs(n: int, kinds: int = 1) -> TileMesh:
    """Copies of dense bodies turned about the vertical, and a slab that occurs once."""
    random = np.random.default_rng(4)
    shapes = [np.asarray(trimesh.creation.icosphere(3, 0.4 + 0.1 * k).triangles) * [1.0, 0.7, 1.2] for k in range(kinds)]
    turns = [Rotation.from_euler("z", random.uniform(0, 6)).as_matrix() for _ in range(n)]
    parts = [shapes[k % kinds] @ turns[k].T + random.uniform(-20, 20, 3) for k in range(n)]
    parts.append(np.asarray(trimesh.creation.box((40, 40, 0.3)).triangles))
    owner = np.repeat(np.arange(n + 1), [len(part) for part in parts])
    color = np.full((len(owner), 4), (120, 90, 60, 255), np.uint8)
    return TileMesh(np.concatenate(parts), owner, color)


@pytest.mark.parametrize("kinds", [1, 3])
def test_bodies_in_several_places_make_a_smaller_tile_of_the_same_picture(kinds):
    mesh = chairs(30, kinds)
    table = {"id": [f"e{k}" for k in range(31)]}
    once, repeats = instanced(mesh)
    assert len(repeats) == kinds
    assert len(once.triangles) == 12
    plain, packed = encode_glb(mesh, table), encode_glb(once, table, repeats)
    assert len(packed) < 0.35 * len(plain)
    shown = decode_glb(packed)
    assert len(shown.triangles) == len(mesh.triangles)
    for feature in range(31):
        want = mesh.triangles[mesh.face_feature == feature].mean(axis=1)
        got = shown.triangles[shown.features[:, 0] == feature].mean(axis=1)
        assert len(got) == len(want)
        assert KDTree(got).query(want)[0].max() < 1e-3
    assert shown.table["id"] == table["id"]


def test_what_would_not_be_smaller_is_left_as_it_is():
    boxes = [np.asarray(trimesh.creation.box((1, 1, 1)).triangles) + 3 * k for k in range(5)]
    mesh = TileMesh(np.concatenate(boxes), np.repeat(np.arange(5), 12), np.full((60, 4), 255, np.uint8))
    assert instanced(mesh) == (mesh, [])
