"""Outlines laid on outlines: motions that are known come back, whatever was added, cut or blurred."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from importers.ifc.pose import Pose, closeness, coarse, is_same, moved, outline, refined

BOX = shapely.box
SHAPES = {
    "L": BOX(0, 0, 30, 12).union(BOX(0, 0, 10, 25)),
    "U": BOX(0, 0, 40, 10).union(BOX(0, 0, 10, 25)).union(BOX(30, 0, 40, 20)),
    "T": BOX(0, 20, 30, 28).union(BOX(9, 0, 17, 20)),
    "courtyard": BOX(0, 0, 40, 30).difference(BOX(10, 8, 28, 20)),
    "triangle": shapely.Polygon([(0, 0), (30, 0), (9, 17)]),
    "quarter round": shapely.Point(0, 0).buffer(20, quad_segs=16).intersection(BOX(0, 0, 30, 30)).union(BOX(-6, 0, 0, 9)),
}
SYMMETRIC = {
    "rectangle": (BOX(0, 0, 20, 12), 2),
    "square": (BOX(0, 0, 10, 10), 4),
    "H": (BOX(0, 0, 10, 30).union(BOX(20, 0, 30, 30)).union(BOX(10, 12, 20, 18)), 2),
}


def _answers(model, target):
    """Every distinct refined pose, best first, with its closeness."""
    model, target = outline(model), outline(target)
    found = []
    for _, start in coarse(model, target, 10):
        pose = refined(model, target, start)
        if not any(is_same(pose, other, model) for other, _ in found):
            found.append((pose, closeness(model, target, pose)))
    return sorted(found, key=lambda each: each[1].cost_m)


def _worst(one, other, area):
    """The largest distance between a corner under one pose and under another. [m]"""
    corners = shapely.get_coordinates(area)
    return float(np.linalg.norm(one(corners) - other(corners), axis=1).max())


def _blurred(area, rng, sigma=0.05):
    rings = [np.asarray(ring.coords)[:-1] for ring in (area.exterior, *area.interiors)]
    rings = [ring + rng.normal(0, sigma, ring.shape) for ring in rings]
    return shapely.Polygon(rings[0], rings[1:])


def _cluttered(area, rng, share=0.1):
    """A tenth of the area added to the outline or cut from it."""
    half = math.sqrt(area.area * share) / 2
    x, y = area.exterior.interpolate(rng.uniform(0, area.length)).coords[0]
    block = BOX(x - half, y - half, x + half, y + half)
    changed = area.union(block) if rng.random() < 0.5 else area.difference(block)
    return max(shapely.get_parts(changed), key=lambda part: part.area)


@pytest.mark.parametrize("name", SHAPES)
def test_a_known_motion_comes_back_exactly(name):
    rng = np.random.default_rng(len(name))
    for _ in range(3):
        true = Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-500, 500, 2))
        (best, close), *others = _answers(SHAPES[name], moved(SHAPES[name], true))
        assert _worst(best, true, SHAPES[name]) < 1e-3
        assert close.rms_m < 1e-3
        assert close.iou == pytest.approx(1.0, abs=1e-4)
        assert all(other.cost_m > 0.1 for _, other in others)


@pytest.mark.parametrize("name", SHAPES)
def test_blur_and_clutter_do_not_pull_it_away(name):
    rng = np.random.default_rng(7 + len(name))
    for _ in range(3):
        true = Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-100, 100, 2))
        target = _cluttered(_blurred(SHAPES[name], rng), rng)
        (best, close), *others = _answers(SHAPES[name], moved(target, true))
        assert _worst(best, true, SHAPES[name]) < 0.25  # corners are off by 5 cm, a tenth of the area is another
        assert all(other.cost_m > 1.5 * close.cost_m + 0.1 for _, other in others)


@given(st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_random_polygons_under_random_motions(seed):
    rng = np.random.default_rng(seed)
    angles = np.sort(rng.uniform(0, 2 * math.pi, rng.integers(5, 9)))
    area = shapely.convex_hull(
        shapely.multipoints(np.column_stack([np.cos(angles), np.sin(angles)]) * rng.uniform(8, 25, (len(angles), 1)))
    )
    if area.geom_type != "Polygon" or area.area < 100:
        return
    true = Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-1000, 1000, 2))
    best, close = _answers(area, moved(_blurred(area, rng, 0.01), true))[0]
    assert close.cost_m < 0.03
    assert _worst(best, true, area) < 0.1


@pytest.mark.parametrize("name", SYMMETRIC)
def test_symmetry_gives_as_many_answers_as_it_has_turns(name):
    area, turns = SYMMETRIC[name]
    answers = _answers(area, moved(area, Pose(0.7, 40.0, -9.0)))
    level = [pose for pose, close in answers if close.cost_m < 0.01]
    assert len(level) == turns
    differences = sorted(math.degrees(math.remainder(pose.turn - level[0].turn, 2 * math.pi)) % 360 for pose in level)
    assert differences == pytest.approx([k * 360 / turns for k in range(turns)], abs=0.01)


def test_a_mirrored_shape_is_no_answer():
    mirrored = shapely.transform(SHAPES["L"], lambda x: x * (-1, 1))
    assert _answers(SHAPES["L"], mirrored)[0][1].cost_m > 0.2


def test_a_roof_that_reaches_over_all_round_is_seen_and_left_out():
    area = SHAPES["L"]
    target = moved(area.buffer(0.5, join_style="mitre"), Pose(0.3, 5.0, 6.0))
    best, close = _answers(area, target)[0]
    assert _worst(best, Pose(0.3, 5.0, 6.0), area) < 0.05
    assert close.overhang_m == pytest.approx(0.5, abs=0.02)
    assert close.cost_m < 0.02


def test_a_longer_building_lies_with_its_common_walls():
    (best, _), *_ = _answers(BOX(0, 0, 12, 10), BOX(100, 50, 110, 55))  # 10 × 5 on 12 × 10: only the sides of 10 can meet
    laid = moved(BOX(0, 0, 12, 10), best)
    corners = shapely.points(shapely.get_coordinates(BOX(100, 50, 110, 55)))
    assert shapely.distance(laid.boundary, corners).max() < 1e-3


def test_what_has_no_area_has_no_outline():
    assert outline(None) is None
    assert outline(shapely.Polygon()) is None
    assert outline(shapely.Polygon([(0, 0), (1, 0), (2, 0)])) is None
