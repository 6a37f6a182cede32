"""What is said of boxes, against their points; and views shrunk or grown by doubt, against poses drawn at random."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.coverage.camera import LEAST, MOST, Criteria, Reachable, Slack, View, pack, verdicts
from twin.coverage.inview import (
    ANY_WAY,
    BLIND_ZONE,
    FISHEYE,
    IN,
    INSIDE,
    MIXED,
    OUT,
    OUT_OF_FOCUS,
    OUT_OF_RANGE,
    OUT_OF_VIEW,
    REACHABLE,
    TOO_COARSE,
    TOO_DARK,
    TOO_STEEP,
    TURNED_AWAY,
    box_verdict,
    shortfall_at,
)  # fmt: skip

ALL = Criteria(density_px_per_m=1e-9)

slacks = st.builds(Slack, xy_m=st.floats(0, 0.6), z_m=st.floats(0, 0.6), azimuth_rad=st.floats(0, 0.15), tilt_rad=st.floats(0, 0.15))
turned = st.builds(
    Reachable, pan_half_rad=st.floats(0.2, 3.2), tilt_low_rad=st.floats(-0.4, 0.2), tilt_high_rad=st.floats(0.3, 1.57),
    spread_rad=st.one_of(st.just(0.0), st.floats(0.05, 0.8)),
)  # fmt: skip
views = st.builds(
    View, camera=st.just("c"), position=st.tuples(*[st.floats(-5, 5)] * 3), lens=st.sampled_from([0, 0, 0, FISHEYE, ANY_WAY, REACHABLE]),
    azimuth_rad=st.floats(0, 6.3), tilt_rad=st.floats(-1.5, 1.5), hfov_rad=st.floats(0.1, 2.6), vfov_rad=st.floats(0.1, 2.4),
    pixels_w=st.floats(200, 8000), range_m=st.one_of(st.just(math.inf), st.floats(0.5, 40)), squeeze=st.floats(0.5, 2),
    focus_m=st.sampled_from([(0.0, math.inf), (2.0, 15.0)]), beam_rad=st.one_of(st.none(), st.floats(0.2, 3.0)), reachable=turned,
    slack=slacks, sign=st.sampled_from([0, 0, LEAST, MOST]),
)  # fmt: skip
every = st.builds(
    Criteria, density_px_per_m=st.floats(1, 500), max_depression_rad=st.one_of(st.none(), st.floats(0.05, 1.5)),
    upright_px_per_m=st.one_of(st.just(0.0), st.floats(1, 300)), facing_rad=st.one_of(st.none(), st.floats(0, 6.3)),
    max_yaw_rad=st.one_of(st.none(), st.floats(0.1, 1.5)),
)  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(view=views, criteria=every, middle=st.tuples(*[st.floats(-20, 20)] * 3), half=st.floats(0.01, 8), half_z=st.floats(0, 3))
def test_what_is_said_of_a_box_holds_for_all_its_points(
    view: View, criteria: Criteria, middle: tuple[float, float, float], half: float, half_z: float
) -> None:
    said = box_verdict(pack(view, criteria), *(np.array(middle) - np.array(view.position)), half, half_z)
    steps = np.linspace(-1, 1, 9)
    points = np.array(middle) + np.stack(np.meshgrid(steps * half, steps * half, steps * half_z), -1).reshape(-1, 3)
    inside = verdicts(view, criteria, points) == INSIDE
    assert said in {IN, OUT, MIXED}
    if said == IN:
        assert inside.all()
    if said == OUT:
        assert not inside.any()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(view=views, criteria=every, seed=st.integers(0, 10**6))
def test_every_pose_lies_between_the_shrunk_and_the_grown_view(view: View, criteria: Criteria, seed: int) -> None:
    """A lens displaced and turned within its slack sees no less than the shrunk view and no more than the grown one."""
    rng = np.random.default_rng(seed)
    slack = view.slack
    exact = replace(view, slack=Slack(), sign=0)
    targets = np.array(view.position) + rng.normal(0, 12, (300, 3))
    least, most = (verdicts(replace(view, sign=sign), criteria, targets) == INSIDE for sign in (LEAST, MOST))
    for _ in range(6):
        angle, away = rng.uniform(0, 2 * math.pi), slack.xy_m * rng.choice([1.0, rng.random()])
        shift = np.array([math.cos(angle) * away, math.sin(angle) * away, slack.z_m * rng.uniform(-1, 1)])
        pose = replace(
            exact, position=tuple(np.array(view.position) + shift),
            azimuth_rad=view.azimuth_rad + slack.azimuth_rad * rng.choice([-1, 1, rng.uniform(-1, 1)]),
            tilt_rad=view.tilt_rad + (0.0 if view.lens == REACHABLE else slack.tilt_rad * rng.choice([-1, 1, rng.uniform(-1, 1)])),
        )  # fmt: skip
        seen = verdicts(pose, criteria, targets) == INSIDE
        assert not (least & ~seen).any()
        assert not (seen & ~most).any()


def test_without_slack_the_shrunk_and_the_grown_view_are_the_view() -> None:
    rng = np.random.default_rng(1)
    targets = rng.normal(0, 12, (4000, 3))
    for lens in (0, FISHEYE, REACHABLE):
        view = View("c", (0, 0, 2), lens=lens, tilt_rad=0.3, range_m=20.0)
        plain = verdicts(view, Criteria(60.0), targets) == INSIDE
        for sign in (LEAST, MOST):
            assert ((verdicts(replace(view, sign=sign), Criteria(60.0), targets) == INSIDE) == plain).all()


def at(view: View, criteria: Criteria, *target: float) -> tuple[int, float]:
    """The verdict on one target, and its shortfall."""
    packed = pack(view, criteria)
    verdict = int(verdicts(view, criteria, np.array([target]))[0])
    return verdict, float(shortfall_at(packed, verdict, *(np.array(target) - np.array(view.position))))


def test_each_reason_comes_with_what_is_missing() -> None:
    view = View("c", (0.0, 0.0, 4.0), hfov_rad=math.radians(60), vfov_rad=math.radians(40), pixels_w=1920, range_m=40.0)
    assert at(view, ALL, 0, 45, 4) == (OUT_OF_RANGE, pytest.approx(5.0))
    density = 1920 / (2 * 20 * math.tan(math.radians(30)))
    assert at(view, Criteria(125.0), 0, 20, 4) == (TOO_COARSE, pytest.approx(125 - density))
    assert at(view, ALL, 10, 10, 4) == (OUT_OF_VIEW, pytest.approx(15.0))  # 45 degrees off, 30 are in view
    assert at(view, ALL, 0, 4, 0) == (BLIND_ZONE, pytest.approx(25.0))  # 45 degrees down, 20 are in view
    steep = Criteria(1e-9, math.radians(10))
    assert at(view, steep, 0, 12, 0) == (TOO_STEEP, pytest.approx(math.degrees(math.atan(4 / 12)) - 10))


def test_what_is_not_sharp_or_not_lit_does_not_count() -> None:
    view = View("c", (0.0, 0.0, 2.0), focus_m=(3.0, 12.0))
    assert at(view, ALL, 0, 15, 2) == (OUT_OF_FOCUS, pytest.approx(3.0))
    assert at(view, ALL, 0, 2, 2) == (OUT_OF_FOCUS, pytest.approx(1.0))
    assert at(view, ALL, 0, 7, 2)[0] == INSIDE
    assert at(replace(view, is_dark=True), ALL, 0, 7, 2)[0] == TOO_DARK
    lamp = replace(view, beam_rad=math.radians(40))
    assert at(lamp, ALL, 7 * math.tan(math.radians(19)), 7, 2)[0] == INSIDE
    assert at(lamp, ALL, 7 * math.tan(math.radians(21)), 7, 2)[0] == OUT_OF_VIEW


def test_a_target_turned_away_keeps_the_cosine_of_it() -> None:
    """A plate that looks south and a camera to the north-west of the axis it looks along."""
    view = View("c", (0.0, 0.0, 1.0), hfov_rad=math.radians(90), pixels_w=2000)  # 1000 px m, looking north
    towards = Criteria(50.0, facing_rad=math.pi)
    assert at(view, towards, 0, 19.9, 1)[0] == INSIDE
    aside = Criteria(50.0, facing_rad=math.pi + math.radians(60))  # keeps half of it: 10 m
    assert [at(view, aside, 0, y, 1)[0] for y in (9.9, 10.1)] == [INSIDE, TURNED_AWAY]
    assert at(view, Criteria(50.0, facing_rad=0.0), 0, 5, 1)[0] == TURNED_AWAY  # its back
    limit = Criteria(1.0, facing_rad=math.pi, max_yaw_rad=math.radians(30))
    assert [at(view, limit, 10 * math.tan(math.radians(a)), 10, 1)[0] for a in (29, 31)] == [INSIDE, TURNED_AWAY]


def test_height_is_shortened_by_a_steep_view() -> None:
    """Straight ahead and 60 degrees down: half the density along the height is left."""
    view = View("c", (0.0, 0.0, 10.0), tilt_rad=math.radians(60), hfov_rad=math.radians(90), vfov_rad=math.radians(60), pixels_w=2000)
    target = (0.0, 10 / math.tan(math.radians(60)), 0.0)
    depth = 10 / math.sin(math.radians(60))
    half = 1000 / depth / 2
    assert at(view, Criteria(0.0, upright_px_per_m=half * 0.999), *target)[0] == INSIDE
    assert at(view, Criteria(0.0, upright_px_per_m=half * 1.01), *target) == (TOO_COARSE, pytest.approx(half * 0.01, rel=1e-6))


def test_where_a_camera_can_be_turned() -> None:
    """Pan 90 degrees about east, tilt 0 to 45 degrees, 500 px m in the narrowest picture."""
    view = View(
        "c", (0.0, 0.0, 5.0), lens=REACHABLE, azimuth_rad=math.pi / 2, focal_px=500.0,
        reachable=Reachable(math.radians(45), 0.0, math.radians(45)),
    )  # fmt: skip
    coarse = Criteria(25.0)  # 20 m
    assert at(view, coarse, 13, 12.5, 0)[0] == INSIDE
    assert at(view, coarse, 14, 14.5, 0)[0] == OUT_OF_VIEW
    assert at(view, coarse, 4, 0, 0)[0] == OUT_OF_VIEW
    assert at(view, coarse, 10, 0, 6)[0] == OUT_OF_VIEW
    assert at(view, coarse, 25, 0, 0)[0] == TOO_COARSE


def brute_reachable(view: View, target: np.ndarray, half: tuple[float, float], density: float) -> bool:
    """Whether any of many aims within the limits has a target in its picture with enough density."""
    limits = view.reachable
    for pan in np.linspace(-limits.pan_half_rad, limits.pan_half_rad, 25):
        for tilt in np.linspace(limits.tilt_low_rad, limits.tilt_high_rad, 9):
            for zoom in (1.0, 2.0, 4.0):
                across, along = (2 * math.atan(math.tan(h) / zoom) for h in half)
                aim = View(
                    "c", view.position, azimuth_rad=view.azimuth_rad + pan, tilt_rad=tilt, hfov_rad=across, vfov_rad=along, pixels_w=1000
                )
                if verdicts(aim, Criteria(density), target[None])[0] == INSIDE:
                    return True
    return False


def test_no_aim_and_no_zoom_sees_more_than_the_grown_view_of_what_can_be_turned() -> None:
    rng = np.random.default_rng(5)
    half = (math.radians(30), math.radians(18))
    tele, shape = math.tan(half[0]) / 4, math.tan(half[1]) / math.tan(half[0])
    limits = Reachable(math.radians(60), 0.0, math.radians(40))
    value = View("c", (0.0, 0.0, 4.0), lens=REACHABLE, focal_px=500 / tele, reachable=limits)
    spread = math.atan(math.tan(half[0]) * math.hypot(1, shape))
    most = replace(value, focal_px=500 * math.sqrt(1 / tele**2 + 1 + shape**2), reachable=replace(limits, spread_rad=spread))
    seen = 0
    for target in rng.uniform([-40, -10, 0], [40, 60, 4], (24, 3)):
        found = brute_reachable(value, target, half, 60.0)
        seen += found
        assert not found or verdicts(most, Criteria(60.0), target[None])[0] == INSIDE
    assert seen > 5


def test_small_boxes_are_decided() -> None:
    """Cells that are not on a border are not left open, with slack or without."""
    rng = np.random.default_rng(3)
    slack = Slack(0.2, 0.2, 0.02, 0.02)
    plain = View("c", (0.0, 0.0, 6.0), tilt_rad=0.5, range_m=40.0)
    for view in (plain, replace(plain, slack=slack, sign=LEAST)):
        points = rng.uniform([-30, -30, 1], [30, 30, 2], (2000, 3))
        said = np.array([box_verdict(pack(view, ALL), *(p - np.array(view.position)), 0.06, 0.0) for p in points])
        assert (said == MIXED).mean() < 0.03
