"""Roofs as they are told: closed bodies, of the volume geometry says, with the ridge where it should be."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from tiles.content.extrude import ROOF, extruded
from tiles.content.roofs import Roof, color_of, levels_below, raised, roof_of
from twin.buildings import Building

LONG = shapely.box(0, 0, 20, 10)


def solid(body) -> trimesh.Trimesh:
    """The body with corners at one place joined, and walls' edges split where a neighbour's corner lies on them left as they are."""
    return trimesh.Trimesh(body.vertices, body.faces, process=True)


def volume(body) -> float:
    """By the divergence theorem, which holds for any closed surface, however its edges are split."""
    a, b, c = (body.vertices[body.faces[:, k]] for k in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


@pytest.mark.parametrize(
    ("kind", "inside"),
    [
        ("gabled", 20 * 10 * 4 / 2),  # a triangular prism
        ("skillion", 20 * 10 * 4 / 2),
        ("pyramidal", 20 * 10 * 4 / 3),
        ("hipped", 10 * 4 * (20 - 10) / 2 + 10 * 10 * 4 / 3),  # a prism between two half pyramids
    ],
)
def test_volumes_are_those_of_geometry(kind, inside):
    body = raised(LONG, 2.0, 12.0, Roof(kind, 4.0, False, None))
    assert volume(body) == pytest.approx(20 * 10 * 6 + inside, rel=1e-6)
    assert solid(body).is_watertight
    assert body.vertices[:, 2].min() == 2.0
    assert body.vertices[:, 2].max() == pytest.approx(12.0)


def test_a_ridge_runs_along_or_across():
    for across, ridge in ((False, [[0, 5], [20, 5]]), (True, [[10, 0], [10, 10]])):
        body = raised(LONG, 0.0, 9.0, Roof("gabled", 3.0, across, None))
        top = np.unique(body.vertices[np.isclose(body.vertices[:, 2], 9.0)][:, :2].round(6), axis=0)
        assert top.tolist() == ridge


@pytest.mark.parametrize("direction", [0.0, 90.0, 180.0, 270.0])
def test_a_skillion_falls_the_way_it_is_told(direction):
    body = raised(LONG, 0.0, 9.0, Roof("skillion", 3.0, False, direction))
    corners = body.vertices[body.faces[body.is_roof]].reshape(-1, 3)
    way = np.array([np.sin(np.radians(direction)), np.cos(np.radians(direction))])
    along = corners[:, :2] @ way
    assert corners[np.argmax(along), 2] == pytest.approx(6.0)
    assert corners[np.argmin(along), 2] == pytest.approx(9.0)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["gabled", "hipped", "pyramidal", "skillion"]), st.floats(0, 360))
def test_roofs_over_convex_outlines_are_closed(seed, kind, turn):
    """Whatever the outline, the surface has no boundary: the areas of its facets, as vectors, add up to nothing."""
    points = np.random.default_rng(seed).uniform(-10, 10, (9, 2)) * [1.0, 0.6]
    outline = shapely.affinity.rotate(shapely.convex_hull(shapely.MultiPoint(points)), turn)
    body = raised(outline, 0.0, 8.0, Roof(kind, None, bool(seed % 2), None))
    a, b, c = (body.vertices[body.faces[:, k]] for k in range(3))
    areas = np.cross(b - a, c - a) / 2
    assert np.abs(areas.sum(axis=0)).max() < 0.05
    assert areas[body.is_roof][:, 2].min() > -1e-6
    assert areas[body.is_roof][:, 2].sum() == pytest.approx(outline.area, rel=1e-2, abs=0.05)
    assert 0 < volume(body) < outline.area * 8.0 * 1.01


def test_an_outline_that_planes_do_not_roof_stays_flat(frame):
    angle = shapely.Polygon([(0, 0), (30, 0), (30, 5), (5, 5), (5, 30), (0, 30)])
    assert raised(angle, 0.0, 9.0, Roof("hipped", 3.0, False, None)) is None
    building = Building("a", "a", "a", frame.unproject(angle), 15.0, 9.0, 3, None, (), {"roof:shape": "hipped"})
    content, flat = extruded([building], frame)
    assert flat == ["a"]
    assert len(content) == 1


def test_a_skillion_roofs_any_outline():
    yard = shapely.box(0, 0, 20, 20).difference(shapely.box(5, 5, 15, 15))
    body = raised(yard, 0.0, 10.0, Roof("skillion", 4.0, False, None))
    assert volume(body) == pytest.approx(300 * 8.0, rel=1e-6)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"roof:shape": "gabled"}, "gabled"),
        ({"tags": {"roof:shape": "half-hipped"}}, "hipped"),
        ({"roof_type": "monopitch roof"}, "skillion"),
        ({"roofType": "1070"}, "pyramidal"),
        ({"屋顶形式": "双坡屋顶"}, "gabled"),
        ({"屋顶": "四坡"}, "hipped"),
        ({"屋顶形式": "攒尖顶"}, "pyramidal"),
        ({"roof_shape": "flat"}, None),
        ({"屋顶形式": "平顶"}, None),
        ({"roof:shape": "onion"}, None),
        ({}, None),
    ],
)
def test_what_is_said_of_a_roof(said, kind):
    found = roof_of(said)
    assert (found.kind if found else None) == kind


def test_heights_directions_and_colours_are_read():
    said = {"roof:shape": "skillion", "roof:height": "2.5 m", "roof:direction": "135", "roof:orientation": "across", "roof:colour": "#a04"}
    assert roof_of(said) == Roof("skillion", 2.5, True, 135.0)
    assert roof_of({"roof:shape": "gabled", "roof:levels": "2"}).height_m == 6.0
    assert color_of(said, "roof") == (0xAA, 0x00, 0x44)
    assert color_of({"屋顶颜色": "红色"}, "roof") == (176, 64, 52)
    assert color_of(said, "wall") is None
    assert levels_below({"building:levels:underground": "2"}) == 2.0


def test_a_roofed_building_in_its_place_and_colours(frame):
    """As high as it is told with its roof, as deep as its storeys below the ground, in the colour of its roof."""
    said = {"roof:shape": "gabled", "roof:height": "3", "roof:colour": "#804020", "building:levels:underground": "1"}
    footprint = frame.unproject(shapely.box(100, 40, 120, 50))
    plain = Building("b", "b", "b", frame.unproject(shapely.box(0, 0, 20, 10)), 15.0, 9.0, 3, None)
    content, flat = extruded([Building("a", "a", "a", footprint, 15.0, 9.0, 3, None, (), said), plain], frame)
    assert flat == []
    low, high = content.boxes[0]
    assert np.allclose([*low, *high], [100, 40, -3.3, 120, 50, 9.0], atol=0.02)
    mine = content.face_color[content.face_feature == 0]
    assert (mine == (0x80, 0x40, 0x20, 255)).all(axis=1).sum() >= 4
    assert (content.face_color[content.face_feature == 1] == ROOF).all(axis=1).sum() == 2
