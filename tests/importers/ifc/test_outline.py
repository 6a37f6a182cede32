"""Floors and ground outlines against areas known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.ifc.outline import floor, ground


def _block(size, at=(0.0, 0.0, 0.0)):
    mesh = trimesh.creation.box(extents=size)
    return mesh.vertices + np.array(size) / 2 + np.array(at), np.asarray(mesh.faces, np.int64)


def _prism(polygon, height):
    """Top and bottom of an upright prism and one of its sides: what `floor` needs of one."""
    triangles = shapely.get_parts(shapely.constrained_delaunay_triangles(polygon))
    flat = np.array([np.array(part.exterior.coords)[:3] for part in triangles])  # (t, 3, 2)
    levels = [np.concatenate([flat, np.full((*flat.shape[:2], 1), z)], axis=2) for z in (0.0, height)]
    a, b = np.array(polygon.exterior.coords)[:2]
    side = np.array([[[*a, 0.0], [*b, 0.0], [*b, height]]])
    corners = np.concatenate([*levels, side])
    return corners.reshape(-1, 3), np.arange(3 * len(corners)).reshape(-1, 3)


def test_the_floor_of_an_l_shaped_room_with_a_pillar():
    shape = shapely.box(0, 0, 6, 5).difference(shapely.box(3, 2, 6, 5)).difference(shapely.box(1, 1, 1.5, 1.5))
    found = floor(*_prism(shape, 2.7))
    assert found.outline.symmetric_difference(shape).area == pytest.approx(0.0, abs=1e-3)
    assert (found.z_m, found.height_m) == (pytest.approx(0.0), pytest.approx(2.7))


def test_orientation_closedness_and_doubled_faces_do_not_matter():
    vertices, faces = _block((4.0, 3.0, 2.5))
    rng = np.random.default_rng(1)
    turned = np.where(rng.random((len(faces), 1)) < 0.5, faces, faces[:, ::-1])
    missing = np.concatenate([turned[2:], turned[4:8]])
    for broken in (turned, missing, np.concatenate([faces, faces])):
        assert floor(vertices, broken).outline.area == pytest.approx(12.0, abs=1e-3)


def test_a_room_under_a_slope_has_its_floor_not_its_slope():
    vertices = np.array([[0, 0, 0], [4, 0, 0], [4, 3, 0], [0, 3, 0], [0, 0, 1], [4, 0, 3], [4, 3, 3], [0, 3, 1]], float)
    hull = trimesh.convex.convex_hull(vertices)
    found = floor(np.asarray(hull.vertices, float), np.asarray(hull.faces, np.int64))
    assert found.outline.area == pytest.approx(12.0, abs=1e-6)
    assert found.height_m == pytest.approx(3.0)


def test_a_body_of_upright_faces_has_no_floor():
    vertices = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 1]], float)
    assert floor(vertices, np.array([[0, 1, 2]])).outline is None
    assert floor(vertices, np.empty((0, 3), np.int64)) is None


@settings(max_examples=30, deadline=None)
@given(st.floats(0.0, 6.28), st.floats(-1e6, 1e6), st.floats(0.5, 50.0), st.floats(0.5, 50.0))
def test_turning_and_shifting_keep_the_area(angle, shift, width, depth):
    vertices, faces = _block((width, depth, 3.0))
    c, s = np.cos(angle), np.sin(angle)
    moved = vertices @ np.array([[c, s, 0.0], [-s, c, 0.0], [0.0, 0.0, 1.0]]) + shift
    assert floor(moved, faces).outline.area == pytest.approx(width * depth, rel=2e-3)


def test_walls_and_slab_make_the_ground_of_the_slab_and_the_eaves():
    pieces = [
        ("IfcSlab", *_block((10.0, 8.0, 0.2))),
        ("IfcWall", *_block((10.0, 0.3, 3.0))),
        ("IfcRoof", *_block((11.0, 9.0, 0.2), (-0.5, -0.5, 3))),
    ]
    assert ground(pieces).area == pytest.approx(99.0, rel=1e-3)


def test_a_courtyard_stays_open_and_a_shaft_is_closed():
    ring = shapely.box(0, 0, 30, 30).difference(shapely.box(10, 10, 20, 20)).difference(shapely.box(2, 2, 4, 4))
    found = ground([("IfcSlab", *_prism(ring, 0.2))])
    assert found.area == pytest.approx(900.0 - 100.0, rel=1e-3)


def test_two_wings_are_two_parts_and_crumbs_are_dropped():
    pieces = [("IfcSlab", *_block((10.0, 10.0, 0.2), at)) for at in ((0, 0, 0), (20, 0, 0))] + [
        ("IfcColumn", *_block((0.3, 0.3, 3.0), (50, 50, 0)))
    ]
    found = ground(pieces)
    assert found.geom_type == "MultiPolygon"
    assert found.area == pytest.approx(200.0, rel=1e-3)


def test_a_model_of_uprights_alone_stands_on_their_hull():
    walls = [_block((10.0, 0.3, 3.0)), _block((10.0, 0.3, 3.0), (0, 7.7, 0))]
    assert ground([("IfcWall", *wall) for wall in walls]).area == pytest.approx(80.0, rel=1e-3)


def test_nothing_stands_on_nothing():
    assert ground([]) is None


def test_a_wall_around_a_corner_does_not_fill_it():
    shape = shapely.box(0, 0, 20, 0.3).union(shapely.box(0, 0, 0.3, 15))
    wall = _prism(shape, 3.0)
    slab = _prism(shapely.box(0, 0, 6, 6), 0.2)
    found = ground([("IfcWall", *wall), ("IfcSlab", *slab)])
    assert found.area == pytest.approx(shape.union(shapely.box(0, 0, 6, 6)).area, rel=0.01)
