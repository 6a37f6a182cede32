"""Vertices are shared where they are alike, come as they are used, and triangles follow each other over edges."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tiles.glb.meshopt import decode_octahedral, encode_triangles
from tiles.glb.vertices import FEATURE, NORMAL, Grid, Vertices, bounds, direction, lowest_and_highest, vertices

GRID = Grid(np.zeros(3), -10)


def made(triangles: np.ndarray, feature: np.ndarray | None = None) -> Vertices:
    n = len(triangles)
    color = np.full((n, 4), 255, np.uint8)
    return vertices(triangles, np.zeros(n, np.int64) if feature is None else feature, color, GRID, np.arange(n))


def turned_boxes(angle: float) -> np.ndarray:
    random = np.random.default_rng(0)
    boxes = [trimesh.creation.box(random.uniform(0.2, 5, 3)).triangles + random.uniform(-20, 20, (1, 1, 3)) for _ in range(60)]
    return Rotation.from_euler("z", angle, degrees=True).apply(np.concatenate(boxes).reshape(-1, 3)).reshape(-1, 3, 3)


def test_each_facet_of_a_box_has_four_vertices():
    found = made(np.array(trimesh.creation.box((1, 2, 3)).triangles))
    assert len(found.rows) == 24
    normals = decode_octahedral(np.ascontiguousarray(found.rows[:, NORMAL]).view(np.uint8).reshape(-1, 4))[:, :3]
    assert sorted(map(tuple, np.unique(normals, axis=0).tolist())) == sorted(
        map(tuple, np.concatenate([np.eye(3, dtype=int) * 127, np.eye(3, dtype=int) * -127]).tolist())
    )


def test_features_share_no_vertex():
    square = np.array([[[0, 0, 0], [1, 0, 0], [1, 1, 0]], [[0, 0, 0], [1, 1, 0], [0, 1, 0]]], float)
    assert len(made(square).rows) == 4
    apart = made(square, np.array([0, 1]))
    assert len(apart.rows) == 6
    assert set(apart.rows[:, FEATURE]) == {0, 1}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 5))
def test_any_triangles_are_there_once_and_vertices_are_numbered_as_they_come(seed, count, span):
    random = np.random.default_rng(seed)
    triangles = random.integers(0, span + 1, (count, 3, 3)).astype(float)  # many meet, many have no area
    found = made(triangles)
    first = np.unique(found.index, return_index=True)[1]
    assert (np.sort(first) == first).all()
    assert set(found.index) == set(range(len(found.rows)))
    corners = found.rows[found.index, :3].reshape(-1, 3, 3) / 1024
    turned = [min(np.roll(t, k, axis=0).tobytes() for k in range(3)) for t in corners]
    assert sorted(turned) == sorted(min(np.roll(t, k, axis=0).tobytes() for k in range(3)) for t in triangles)


def test_a_surface_takes_little_more_than_a_byte_a_triangle():
    x, y = np.meshgrid(np.arange(40.0), np.arange(40.0))
    points = np.stack([x, y, np.zeros_like(x)], axis=-1)
    lower = np.stack([points[:-1, :-1], points[:-1, 1:], points[1:, 1:]], axis=2).reshape(-1, 3, 3)
    upper = np.stack([points[:-1, :-1], points[1:, 1:], points[1:, :-1]], axis=2).reshape(-1, 3, 3)
    triangles = np.concatenate([lower, upper])[np.random.default_rng(1).permutation(2 * len(lower))]
    found = made(triangles)
    assert len(found.rows) == 1600
    assert len(encode_triangles(found.index)) < 1.15 * len(triangles)


@pytest.mark.parametrize("angle", [0.0, 9.0, 37.5, 89.0])
def test_the_walls_tell_the_direction(angle):
    found = np.degrees(direction(turned_boxes(angle)))
    assert abs((found - angle + 45) % 90 - 45) < 0.01


def test_what_has_no_extent_has_some_direction():
    assert 0 <= direction(np.zeros((4, 3, 3))) <= np.pi / 2


def test_bounds_are_those_of_the_turned_axes():
    triangles = turned_boxes(20.0)
    low, high = bounds(triangles, np.radians(20.0))
    points = Rotation.from_euler("z", -20, degrees=True).apply(triangles.reshape(-1, 3))
    assert np.abs(low - points.min(axis=0)).max() < 1e-9
    assert np.abs(high - points.max(axis=0)).max() < 1e-9
    rows = made(triangles).rows
    low, high = lowest_and_highest(rows)
    assert (low == rows[:, :3].min(axis=0)).all()
    assert (high == rows[:, :3].max(axis=0)).all()
