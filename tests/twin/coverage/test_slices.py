"""Level cuts against trimesh, another library."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.slices import sliced

EVERYWHERE = shapely.box(-1e4, -1e4, 1e4, 1e4)


def cut(mesh: trimesh.Trimesh, *heights: float, near: shapely.Polygon = EVERYWHERE) -> list[shapely.Polygon]:
    found = sliced(np.asarray(mesh.triangles, float), np.zeros(len(mesh.faces), int), np.array(heights), np.array([near] * len(heights)))
    return list(found.shape)


def test_a_wall_is_solid_and_a_building_is_hollow() -> None:
    wall = trimesh.creation.box((10, 0.2, 3))
    (body,) = cut(wall, 0.6)
    assert body.area == pytest.approx(10.02 * 0.22, rel=1e-6)
    (shell,) = cut(trimesh.creation.box((10, 20, 3)), 0.6)
    assert not shell.contains(shapely.Point(0, 0))
    assert shell.contains(shapely.Point(5, 0))


def test_only_what_the_plane_meets_and_only_near() -> None:
    box = trimesh.creation.box((10, 0.2, 3))
    assert cut(box, 1.6) == []
    assert cut(box, 0.0, near=shapely.box(20, 20, 30, 30)) == []
    assert len(cut(box, -1.0, 0.0, 1.0)) == 3
    assert cut(box) == []


@given(st.floats(-0.7, 0.7), st.integers(0, 1000))
@settings(deadline=None, max_examples=40)
def test_the_same_lines_as_trimesh_cuts(height: float, seed: int) -> None:
    ball = trimesh.creation.icosphere(2, 5.0)
    ball.apply_transform(trimesh.transformations.random_rotation_matrix(np.random.default_rng(seed).random(3)))
    theirs = shapely.multilinestrings(trimesh.intersections.mesh_plane(ball, (0, 0, 1), (0, 0, 5 * height))[:, :, :2])
    (ours,) = cut(ball, 5 * height)
    assert ours.buffer(1e-6).covers(theirs)
    assert ours.area == pytest.approx(theirs.length * 0.02, rel=0.05)
