"""Optics against published figures, closed forms, and point by point inside boxes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.coverage import inview
from twin.coverage.camera import (
    LEAST,
    MOST,
    Criteria,
    Slack,
    View,
    axes,
    densities,
    fisheye_densities,
    focal_length,
    pack,
    reach,
    verdicts,
)  # fmt: skip
from twin.coverage.inview import ANY_WAY, FISHEYE, INSIDE, OUT_OF_RANGE, OUT_OF_VIEW, REACHABLE, TOO_COARSE, TOO_STEEP
from twin.coverage.levels import LADDERS

ALL = Criteria(density_px_per_m=1e-9)


def full_hd(width_mm: float = 5.4, focal_mm: float = 4.0, **more: object) -> View:
    return View("c", (0.0, 0.0, 0.0), hfov_rad=2 * math.atan(width_mm / (2 * focal_mm)), pixels_w=1920, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("level", "distance"),
    [
        ("overview", 71.1),
        ("outline", 35.6),
        ("discern", 17.8),
        ("perceive", 11.4),
        ("characterise", 5.7),
        ("validate", 2.8),
        ("scrutinise", 0.9),
    ],
)
def test_distances_of_levels_are_the_published_ones(level: str, distance: float) -> None:
    """1080p, 1/2.8 inch (5.4 mm), f = 4 mm, as a public calculator of EN 62676-4 prints them."""
    packed = pack(full_hd(), Criteria(LADDERS["2025"][level]))
    assert packed[inview.AT_DEPTH] == pytest.approx(distance, abs=0.06)


@pytest.mark.parametrize(("tilt", "z", "near", "far"), [(30, 0.0, 3.276, 24.377), (30, 1.7, 1.884, 14.017), (20, 0.0, 4.653, math.inf)])
def test_near_and_far_of_a_footprint(tilt: float, z: float, near: float, far: float) -> None:
    """Sensor 5.37 x 3.02 mm, f = 4 mm, 4 m high: (Hc - z) / tan(tilt ± vfov/2)."""
    view = View(
        "c", (0.0, 0.0, 4.0), tilt_rad=math.radians(tilt), hfov_rad=2 * math.atan(5.37 / 8), vfov_rad=2 * math.atan(3.02 / 8), pixels_w=1920
    )
    y = np.arange(0.5, 400, 0.001)
    inside = verdicts(view, ALL, np.column_stack([np.zeros_like(y), y, np.full_like(y, z)])) == INSIDE
    assert y[inside][0] == pytest.approx(near, abs=2e-3)
    assert y[inside][-1] == pytest.approx(min(far, y[-1]), abs=2e-3)


@pytest.mark.parametrize(("r", "radial", "tangential"), [(3, 284.7, 352.4), (6, 154.4, 211.0), (10, 94.4, 135.8), (0, 636.6, 636.6)])
def test_a_fisheye_has_its_radial_and_tangential_density(r: float, radial: float, tangential: float) -> None:
    """3000 px circle over 180 degrees, 3 m high, target at 1.5 m."""
    view = View("c", (0.0, 0.0, 3.0), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.pi, pixels_w=3000)
    target = np.array([[r, 0.0, 1.5]])
    assert densities(view, target)[0] == pytest.approx(radial, abs=0.05)
    assert [part[0] for part in fisheye_densities(view, target)] == pytest.approx([radial, tangential], abs=0.05)


@pytest.mark.parametrize("tilt", [0.0, 1.0])
def test_a_fisheye_on_a_wall_is_the_one_on_the_ceiling_turned(tilt: float) -> None:
    """Rigid motion: what a fisheye resolves depends on the angle off its axis and the distance alone."""
    rng = np.random.default_rng(2)
    way = rng.normal(0, 5, (200, 3))
    down = View("c", (0, 0, 0), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=2.8, pixels_w=2000)
    aside = View("c", (1, 2, 3), lens=FISHEYE, azimuth_rad=0.7, tilt_rad=tilt, hfov_rad=2.8, pixels_w=2000)
    turned = np.array([1, 2, 3]) + way @ axes(down).T @ axes(aside)  # the same place in the image
    for ours, theirs in zip(fisheye_densities(down, way), fisheye_densities(aside, turned), strict=True):
        assert ours == pytest.approx(theirs)
    assert (verdicts(down, Criteria(40.0), way) == verdicts(aside, Criteria(40.0), turned)).all()


@pytest.mark.parametrize(("limit", "z", "height", "r"), [(13, 1.6, 3.0, 6.06), (13, 1.6, 4.0, 10.40), (30, 1.6, 4.0, 4.16)])
def test_the_depression_limit_keeps_near_targets_out(limit: float, z: float, height: float, r: float) -> None:
    view = View("c", (0.0, 0.0, height), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.radians(179.9), pixels_w=1e6)
    criteria = Criteria(1.0, math.radians(limit))
    assert verdicts(view, criteria, np.array([[r - 0.01, 0, z], [r + 0.01, 0, z]])).tolist() == [TOO_STEEP, INSIDE]


def test_the_field_of_view_and_focal_length_of_the_published_lens() -> None:
    """Sensor 5.37 x 3.02 mm behind 4 mm, 1920 px: 67.74 and 41.36 degrees, 1430.2 px per radian near the axis."""
    hfov, vfov = 2 * math.atan(5.37 / 8), 2 * math.atan(3.02 / 8)
    assert (math.degrees(hfov), math.degrees(vfov)) == (pytest.approx(67.74, abs=0.005), pytest.approx(41.36, abs=0.005))
    assert focal_length(View("c", (0, 0, 0), hfov_rad=hfov, pixels_w=1920)) == pytest.approx(1430.2, abs=0.05)


def test_density_does_not_depend_on_the_angle_off_the_axis() -> None:
    view = full_hd()
    assert densities(view, np.array([[0, 10, 0], [5, 10, 1], [0, -1, 0.0]])) == pytest.approx([142.22, 142.22, 0], abs=0.01)


def test_axes_are_those_of_a_compass_and_a_spirit_level() -> None:
    assert axes(View("c", (0, 0, 0), azimuth_rad=math.pi / 2)) == pytest.approx(np.array([[1, 0, 0], [0, -1, 0], [0, 0, 1]]), abs=1e-12)
    down = axes(View("c", (0, 0, 0), tilt_rad=math.radians(30)))
    assert down[0] == pytest.approx([0, math.cos(math.radians(30)), -0.5])
    assert np.cross(down[1], down[0]) == pytest.approx(down[2])


def test_each_reason_is_told() -> None:
    view = full_hd(range_m=30.0)
    targets = np.array([[0, 5, 0], [9, 1, 0], [0, 40, 0], [0, 20, 0], [0, -5, 0.0]])
    assert verdicts(view, Criteria(125.0), targets).tolist() == [INSIDE, OUT_OF_VIEW, OUT_OF_RANGE, TOO_COARSE, OUT_OF_VIEW]


views = st.builds(
    View, camera=st.just("c"), position=st.tuples(*[st.floats(-5, 5)] * 3), lens=st.sampled_from([0, 0, FISHEYE, ANY_WAY, REACHABLE]),
    azimuth_rad=st.floats(0, 6.3), tilt_rad=st.floats(-1.5, 1.5), hfov_rad=st.floats(0.1, 2.6), vfov_rad=st.floats(0.1, 2.4),
    pixels_w=st.floats(200, 8000), range_m=st.one_of(st.just(math.inf), st.floats(0.5, 40)), slack=st.builds(Slack, st.floats(0, 1)),
    sign=st.sampled_from([0, LEAST, MOST]),
)  # fmt: skip
every = st.builds(
    Criteria, density_px_per_m=st.floats(1, 500), max_depression_rad=st.one_of(st.none(), st.floats(0.05, 1.5)),
    upright_px_per_m=st.one_of(st.just(0.0), st.floats(1, 300)),
)  # fmt: skip


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(view=views, criteria=every, target=st.tuples(*[st.floats(-60, 60)] * 3))
def test_nothing_counts_beyond_the_reach(view: View, criteria: Criteria, target: tuple[float, float, float]) -> None:
    if verdicts(view, criteria, np.array([target]))[0] == INSIDE:
        assert math.dist(target, view.position) <= reach(view, criteria) * (1 + 1e-9)
