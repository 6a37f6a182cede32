"""Triangles against areas by formula, shapely's areas, and volumes of solids known by formula."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from importers.citymodel.city import Surface
from importers.citymodel.shells import shell
from importers.citymodel.triangles import cleaned, cut, newell

BOX = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]


def ring(points: object) -> np.ndarray:
    return np.array(points, float)


def box(a: float, b: float, c: float, at: tuple[float, float, float] = (0, 0, 0), number: int = 0) -> list[Surface]:
    corners = np.array([(x, y, z) for z in (0, c) for x, y in ((0, 0), (a, 0), (a, b), (0, b))], float) + at
    return [Surface([corners[list(face)]], shell=number) for face in BOX]


def closing(surfaces: list[Surface]):
    return shell(surfaces, np.arange(len(surfaces)), cut(surfaces))


@given(st.floats(0, 360), st.floats(-80, 80), st.integers(3, 12), st.floats(0.1, 50))
@settings(max_examples=60, deadline=None)
def test_a_regular_polygon_has_its_area_in_any_plane(turn: float, tilt: float, corners: int, radius: float):
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    flat = np.column_stack([radius * np.cos(angle), radius * np.sin(angle), np.zeros(corners)])
    placed = Rotation.from_euler("zx", [turn, tilt], degrees=True).apply(flat) + np.array([1000, 2000, 30])
    found = cut([Surface([placed])])
    assert found.areas()[0] == pytest.approx(corners / 2 * radius**2 * np.sin(2 * np.pi / corners), rel=1e-6)
    assert found.deviation[0] < 1e-6
    assert not found.crossed[0]


@given(st.lists(st.tuples(st.floats(1, 10), st.floats(0.02, 1)), min_size=4, max_size=14))
@settings(max_examples=60, deadline=None)
def test_a_star_with_a_hole_has_the_area_shapely_finds(spokes: list[tuple[float, float]]):
    angle = np.cumsum([step for _, step in spokes])
    angle *= 2 * np.pi / (angle[-1] + 0.5)
    outer = np.column_stack([np.cos(angle), np.sin(angle)]) * np.array([[r] for r, _ in spokes])
    polygon = shapely.Polygon(outer)
    assume(polygon.is_valid)
    hole = polygon.representative_point().buffer(min(0.1, polygon.exterior.distance(polygon.representative_point()) / 2), quad_segs=2)
    wanted = shapely.Polygon(outer, [shapely.get_coordinates(hole)[:-1]])
    rings = [
        np.column_stack([shapely.get_coordinates(loop)[:-1], np.full(len(loop.coords) - 1, 7.0)])
        for loop in (wanted.exterior, *wanted.interiors)
    ]
    found = cut([Surface(rings)])
    assert found.areas()[0] == pytest.approx(wanted.area, rel=1e-3, abs=1e-6)
    up = np.cross(found.corners[:, 1] - found.corners[:, 0], found.corners[:, 2] - found.corners[:, 0])[:, 2]
    assert (np.sign(up) == np.sign(shapely.Polygon(outer).exterior.is_ccw - 0.5)).all()


def test_a_triangle_and_a_square_need_no_ears():
    found = cut([Surface([ring([(0, 0, 0), (4, 0, 0), (0, 3, 0)])]), Surface([ring([(0, 0, 0), (0, 0, 2), (0, 2, 2), (0, 2, 0)])])])
    assert found.areas().tolist() == pytest.approx([6, 4])
    assert found.surface.tolist() == [0, 1, 1]


def test_an_arrowhead_is_not_cut_as_if_it_were_convex():
    found = cut([Surface([ring([(0, 0, 0), (4, 4, 0), (0, 1, 0), (-4, 4, 0)])])])
    assert found.areas()[0] == pytest.approx(4.0)


def test_points_that_repeat_and_the_closing_point_are_dropped():
    assert len(cleaned(ring([(0, 0, 0), (0, 0, 0), (1, 0, 0), (1, 1, 0), (1, 1, 1e-6), (0, 0, 0)]))) == 3


@pytest.mark.parametrize(
    "points", [[(0, 0, 0), (1, 0, 0)], [(0, 0, 0), (1, 1, 1), (2, 2, 2)], [(0, 0, 0)] * 5, [(0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0)]]
)
def test_what_has_no_area_gives_no_triangle(points: list[tuple[float, float, float]]):
    found = cut([Surface([ring(points)])])
    assert len(found.corners) == 0
    assert np.isnan(found.deviation[0])


def test_a_figure_of_eight_is_mended_to_both_its_lobes():
    found = cut([Surface([ring([(0, 0, 5), (2, 2, 5), (2, 0, 5), (0, 2, 5)])])])
    assert found.crossed[0]
    assert found.areas()[0] == pytest.approx(2.0)


def test_a_bent_surface_says_by_how_much():
    found = cut([Surface([ring([(0, 0, 0), (10, 0, 0), (10, 10, 1), (0, 10, 0)])])])
    assert found.deviation[0] == pytest.approx(0.25, rel=0.02)


def test_newell_is_the_area_vector():
    assert newell(ring([(5, 5, 1), (7, 5, 1), (7, 8, 1), (5, 8, 1)])).tolist() == pytest.approx([0, 0, 6])


@given(st.floats(0.5, 80), st.floats(0.5, 80), st.floats(0.5, 80), st.sets(st.integers(0, 5)))
@settings(max_examples=40, deadline=None)
def test_a_box_encloses_its_volume_whichever_faces_are_turned(a: float, b: float, c: float, turned: set[int]):
    surfaces = [Surface([face.rings[0][::-1]]) if k in turned else face for k, face in enumerate(box(a, b, c, (500, -300, 40)))]
    found = closing(surfaces)
    assert found.is_closed
    assert found.volume_m3 == pytest.approx(a * b * c, rel=1e-9)
    flipped = set(found.turned.tolist())
    faces = [surfaces[k].rings[0][::-1] if k in flipped else surfaces[k].rings[0] for k in range(6)]
    middle = np.mean([face.mean(axis=0) for face in faces], axis=0)
    assert all(newell(face) @ (face.mean(axis=0) - middle) > 0 for face in faces)


def test_a_gable_roofed_house_has_the_volume_of_its_formula():
    w, d, eaves, ridge = 10.0, 5.0, 3.0, 5.0
    p = {name: np.array(at, float) for name, at in {
        "a": (0, 0, 0), "b": (w, 0, 0), "c": (w, d, 0), "d": (0, d, 0), "e": (0, 0, eaves), "f": (w, 0, eaves), "g": (w, d, eaves),
        "h": (0, d, eaves), "i": (0, d / 2, ridge), "j": (w, d / 2, ridge),
    }.items()}  # fmt: skip
    faces = ["adcb", "abfe", "cdhg", "bcgjf", "daeih", "efji", "ghij"]
    surfaces = [Surface([np.array([p[name] for name in face])]) for face in faces]
    assert closing(surfaces).volume_m3 == pytest.approx(w * d * eaves + w * d * (ridge - eaves) / 2)


def test_a_missing_face_is_one_hole_of_four_edges():
    found = closing(box(3, 4, 5)[:-1])
    assert (found.open_edges, found.holes, found.volume_m3) == (4, 1, None)


def test_two_missing_faces_opposite_are_two_holes():
    faces = box(3, 4, 5)
    assert closing(faces[2:]).holes == 2


def test_a_corner_on_a_neighbours_edge_is_no_hole():
    faces = box(4, 2, 3)
    front = faces[2].rings[0]  # (0 0 0) (4 0 0) (4 0 3) (0 0 3), split into two panes
    low, high = (front[0] + front[1]) / 2, (front[2] + front[3]) / 2
    panes = [Surface([np.array([front[0], low, high, front[3]])]), Surface([np.array([low, front[1], front[2], high])])]
    found = closing([*faces[:2], *panes, *faces[3:]])
    assert found.is_closed
    assert found.volume_m3 == pytest.approx(24)


def test_corners_of_neighbours_a_tenth_of_a_millimetre_apart_are_one():
    faces = box(4, 2, 3)
    moved = [Surface([face.rings[0] + 1e-4 * k]) for k, face in enumerate(faces)]
    assert closing(moved).volume_m3 == pytest.approx(24, rel=1e-3)


def test_many_boxes_cost_in_line_with_their_number():
    surfaces = list(itertools.chain.from_iterable(box(1, 1, 1, (3.0 * k, 0, 0)) for k in range(50)))
    assert closing(surfaces).volume_m3 == pytest.approx(50)
