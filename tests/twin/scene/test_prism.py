"""Prisms are closed, face outward and hold area times height: checked with trimesh and shapely."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.scene.prism import prism, prisms

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
FOOTPRINTS = {
    "square": shapely.box(0, 0, 10, 10),
    "clockwise": shapely.Polygon(SQUARE[::-1]),
    "hole": shapely.Polygon(SQUARE, [[(3, 3), (3, 6), (6, 6), (6, 3)]]),
    "hole touching the shell": shapely.Polygon(SQUARE, [[(0, 5), (3, 6), (3, 4)]]),
    "two holes touching": shapely.Polygon(SQUARE, [[(2, 5), (4, 6), (5, 5), (4, 4)], [(5, 5), (6, 6), (8, 5), (6, 4)]]),
    "bow tie": shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]),
    "points on the sides": shapely.Polygon([(0, 0), (5, 0), (10, 0), (10, 5), (10, 10), (5, 10), (0, 10), (0, 5)]),
    "two parts touching": shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(1, 1, 2, 2)]),
    "repeated points": shapely.Polygon([(0, 0), (0, 0), (10, 0), (10, 10), (10, 10), (0, 10)]),
    "with heights": shapely.Polygon([(0, 0, 5), (10, 0, 5), (10, 10, 5)]),
    "spike": shapely.Polygon([(0, 0), (10, 0), (10, 10), (15, 10), (10, 10), (0, 10)]),
    "line and area mixed": shapely.GeometryCollection([shapely.LineString([(0, 0), (5, 5)]), shapely.box(0, 0, 3, 3)]),
}


def solid(vertices: np.ndarray, faces: np.ndarray) -> trimesh.Trimesh:
    return trimesh.Trimesh(vertices, faces, process=False)


@pytest.mark.parametrize("name", FOOTPRINTS)
def test_prism_is_closed_and_holds_area_times_height(name):
    footprint = FOOTPRINTS[name]
    body = solid(*prism(footprint, -1.0, 3.0))
    assert body.is_watertight
    assert body.is_winding_consistent
    assert body.volume == pytest.approx(4.0 * shapely.make_valid(footprint).area)
    assert body.bounds[:, 2].tolist() == [-1.0, 3.0]


def test_roof_is_the_footprint_and_walls_face_away_from_it():
    footprint = FOOTPRINTS["hole"]
    body = solid(*prism(footprint, 0.0, 3.0))
    up = body.face_normals[:, 2] > 0.5
    assert shapely.union_all([shapely.Polygon(t[:, :2]) for t in body.triangles[up]]).symmetric_difference(footprint).area < 1e-9
    wall = np.abs(body.face_normals[:, 2]) < 0.5
    outside = body.triangles_center[wall] + 0.01 * body.face_normals[wall]
    assert not shapely.contains_xy(footprint, outside[:, :2]).any()


@pytest.mark.parametrize("footprint", [None, shapely.Point(0, 0), shapely.Polygon(), shapely.LineString([(0, 0), (1, 1)])])
def test_what_has_no_area_has_no_faces(footprint):
    vertices, faces = prism(footprint, 0.0, 1.0)
    assert vertices.shape == (0, 3)
    assert faces.shape == (0, 3)


@pytest.mark.parametrize("top", [0.0, -1.0, np.nan])
def test_what_has_no_height_has_no_faces(top):
    assert len(prism(FOOTPRINTS["square"], 0.0, top)[1]) == 0


def test_many_at_once_equal_each_alone():
    footprints = list(FOOTPRINTS.values())
    high = np.arange(1.0, len(footprints) + 1)
    together = prisms(footprints, np.zeros(len(footprints)), high)
    assert (np.diff(together.face_owner) >= 0).all()
    for i, footprint in enumerate(footprints):
        one = solid(together.vertices, together.faces[together.face_owner == i])
        assert one.volume == pytest.approx(solid(*prism(footprint, 0.0, high[i])).volume)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-20, 20), st.integers(-20, 20)), min_size=3, max_size=14),
    st.floats(0, 6.28),
    st.floats(-3000, 3000),
)
def test_any_ring_gives_a_closed_body(ring, turn, east):
    """Random rings cross themselves, touch and repeat: what is left of them after mending is closed and keeps its area."""
    c, s = np.cos(turn), np.sin(turn)
    footprint = shapely.transform(shapely.Polygon(ring), lambda xy: xy @ np.array([[c, s], [-s, c]]) + [east, -east])
    mended = shapely.make_valid(footprint, method="structure", keep_collapsed=False)
    vertices, faces = prism(footprint, 0.0, 2.0)
    if mended.area > 1e-6:
        body = solid(vertices - [east, -east, 0], faces)
        assert body.is_watertight
        assert body.volume == pytest.approx(2.0 * mended.area, rel=1e-6)
