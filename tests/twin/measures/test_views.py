"""Camera tables read as views: what follows from what, what is assumed and how far, and tables that cannot be right."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.camera import LEAST, MOST, Criteria, View, depth_of_field, focal_length, verdicts
from twin.coverage.inview import ANY_WAY, FISHEYE, INSIDE, REACHABLE, RECTILINEAR
from twin.measures.views import POSSIBLE, ROOM, Reading, views_of
from twin.model import Device

HERE = (0.0, 0.0, 4.0)
FULL = {"azimuth_deg": 0.0, "tilt_deg": 20.0, "hfov_deg": 60.0, "vfov_deg": 40.0, "pixels_w": 1920, "pixels_h": 1080}


def device(height_m: float | None = 4.0, **attributes: Any) -> Device:
    return Device("c", "camera", "c", 104.0, 30.0, height_m=height_m, attributes={k: v for k, v in attributes.items() if v is not None})


def one(height_m: float | None = 4.0, reading: Reading | None = None, **attributes: Any) -> View:
    found = views_of(device(height_m, **attributes), HERE, reading)
    assert len(found.views) == 1
    return found.views[0]


def degrees(*angles: float) -> list[float]:
    return [round(math.degrees(angle), 2) for angle in angles]


def test_a_full_table_leaves_nothing_open() -> None:
    found = views_of(device(**FULL), HERE)
    view = found.views[0]
    assert (found.assumed, found.wrong, found.doubts) == ([], [], frozenset())
    assert (view.least, view.most, view.lens) == (None, None, RECTILINEAR)
    assert degrees(view.azimuth_rad, view.tilt_rad, view.hfov_rad, view.vfov_rad) == [0, 20, 60, 40]
    assert focal_length(view) == pytest.approx(1920 / 2 / math.tan(math.radians(30)))


@pytest.mark.parametrize(
    ("sensor", "hfov", "vfov"), [((5.4, 3.04), 68.0, 41.6), ((5.37, 3.02), 67.74, 41.36)]
)  # 1/2.8 inch behind 4 mm, as published and as computed from w and h
def test_the_field_of_view_follows_from_lens_and_sensor(sensor: tuple[float, float], hfov: float, vfov: float) -> None:
    view = one(azimuth_deg=0, tilt_deg=0, focal_mm=4.0, sensor_w_mm=sensor[0], sensor_h_mm=sensor[1], pixels_w=1920, pixels_h=1080)
    assert degrees(view.hfov_rad, view.vfov_rad) == [pytest.approx(hfov, abs=0.05), pytest.approx(vfov, abs=0.05)]
    assert focal_length(view) == pytest.approx(1920 * 4.0 / sensor[0], rel=1e-9)


def test_what_is_assumed_stays_within_its_room() -> None:
    found = views_of(device(height_m=None, azimuth_deg=0.0), HERE)
    view = found.views[0]
    assert set(found.assumed) == {"height_m", "hfov_deg", "tilt_deg", "pixels_w", "pixels_h"}
    assert found.doubts == {"height_m", "hfov_deg", "tilt_deg", "pixels_w", "pixels_h"}
    assert view.least is not None
    assert view.most is not None
    assert degrees(view.least.hfov_rad, view.hfov_rad, view.most.hfov_rad) == [60, 90, 110]
    assert (view.least.sign, view.sign, view.most.sign) == (LEAST, 0, MOST)
    assert view.most.slack.z_m == ROOM["height_m"][1]
    assert focal_length(view.least) < focal_length(view) < focal_length(view.most)


truths = st.fixed_dictionaries({
    "hfov_deg": st.floats(60, 110), "tilt_deg": st.floats(0, 30), "pixels_w": st.floats(1280, 3840), "pixels_h": st.floats(9 / 16, 3 / 4),
    "height_m": st.floats(2.0, 5.0),
})  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(truth=truths, missing=st.sets(st.sampled_from(["hfov_deg", "tilt_deg", "pixels_w", "pixels_h", "height_m"]), min_size=1))
def test_whatever_a_missing_value_is_within_its_room_the_bounds_hold(truth: dict[str, float], missing: set[str]) -> None:
    """The camera with the true value sees no less than `least` of the one without it, and no more than `most`."""
    full = truth | {"azimuth_deg": 0.0, "pixels_h": truth["pixels_h"] * truth["pixels_w"]}
    if {"pixels_w", "pixels_h"} & missing:
        missing |= {"pixels_w", "pixels_h"}
    height = full.pop("height_m")
    true = views_of(device(height_m=height, **full), (0.0, 0.0, height)).views[0]
    known = {name: value for name, value in full.items() if name not in missing}
    stated = None if "height_m" in missing else height
    found = views_of(device(height_m=stated, **known), (0.0, 0.0, 3.5 if stated is None else height)).views[0]
    assert found.least is not None
    assert found.most is not None
    targets = np.random.default_rng(7).uniform([-25, -2, 0], [25, 40, 2.5], (3000, 3))
    least, seen, most = (verdicts(view, Criteria(40.0), targets) == INSIDE for view in (found.least, true, found.most))
    assert not (least & ~seen).any()
    assert not (seen & ~most).any()


def test_a_doubt_that_does_not_count_is_at_its_value() -> None:
    bare = device(azimuth_deg=0.0, tilt_deg=20.0, pixels_w=1920, pixels_h=1080)
    assert views_of(bare, HERE, Reading(doubts=frozenset())).views[0].least is None
    assert views_of(bare, HERE, Reading(doubts=frozenset({"hfov_deg"}))).views[0].least is not None
    assert views_of(bare, HERE, Reading(doubts=frozenset({"tilt_deg"}))).views[0].least is None


def test_tolerances_of_the_pose_shrink_and_grow() -> None:
    view = one(**FULL, position_tolerance_m=0.3, azimuth_tolerance_deg=2.0, tilt_tolerance_deg=1.0)
    assert view.least is not None
    assert (view.least.slack.xy_m, view.least.slack.z_m) == (0.3, 0.3)
    assert degrees(view.least.slack.azimuth_rad, view.least.slack.tilt_rad) == [2, 1]
    assert view.slack == one(**FULL).slack


def test_without_direction_it_may_look_any_way() -> None:
    found = views_of(device(**FULL | {"azimuth_deg": None}), HERE)
    assert [view.lens for view in found.views] == [ANY_WAY]
    assert found.doubts == {"direction"}
    assert views_of(device(**FULL | {"azimuth_deg": None}), HERE, Reading(doubts=frozenset())).views == []


def test_the_three_readings_of_a_camera_that_turns() -> None:
    presets = '[{"azimuth_deg": 10, "tilt_deg": 5}, {"azimuth_deg": 100}]'
    turning = device(**FULL, ptz="PTZ", presets=presets, zoom=10, pan_min_deg=300, pan_max_deg=60, tilt_max_deg=80)
    now, union, any_aim = (views_of(turning, HERE, Reading(mode)).views for mode in ("now", "presets", "reachable"))
    assert [degrees(view.azimuth_rad, view.tilt_rad) for view in now] == [[0, 20]]
    assert [degrees(view.azimuth_rad, view.tilt_rad) for view in union] == [[10, 5], [100, 20]]
    (view,) = any_aim
    assert (view.lens, degrees(view.reachable.pan_half_rad, view.reachable.tilt_high_rad)) == (REACHABLE, [60, 80])
    assert degrees(view.azimuth_rad % (2 * math.pi)) == [0]
    assert focal_length(view) == pytest.approx(10 * focal_length(now[0]))
    assert view.most is not None
    assert focal_length(view.most) > focal_length(view)
    assert view.most.reachable.spread_rad > math.radians(30)


def test_a_zoom_nobody_knows_counts_for_the_upper_bound_alone() -> None:
    found = views_of(device(**FULL, ptz="ptz"), HERE, Reading("reachable"))
    view = found.views[0]
    assert found.doubts == {"zoom"}
    assert focal_length(view) == pytest.approx(focal_length(one(**FULL)))
    assert view.most is not None
    assert focal_length(view.most) > 39 * focal_length(view)


def test_at_night_own_light_limits_and_none_is_left_open() -> None:
    night = Reading(light="night")
    lit = one(reading=night, **FULL, range_m=80, ir_range_m=30, ir_beam_deg=45)
    assert (lit.range_m, degrees(lit.beam_rad or 0), lit.is_dark) == (30.0, [45], False)
    for none in (None, 0, "no"):
        view = one(reading=night, **FULL, range_m=80, ir_range_m=none)
        assert (view.is_dark, view.most is not None and view.most.range_m) == (True, 80.0)
        assert view.least is not None
        assert view.least.is_dark


def test_depth_of_field_is_where_the_blur_is_a_pixel() -> None:
    """The blur of a point at d, focused at s: f² |d − s| / (N d (s − f))."""
    near, far = depth_of_field(12.0, 1.8, 8.0, 0.003)
    for depth in (near, far):
        blur = 12.0**2 * abs(depth - 8.0) * 1000 / (1.8 * depth * 1000 * (8.0 * 1000 - 12.0))
        assert blur * 1000 == pytest.approx(0.003 * 1000, rel=1e-6)
    assert depth_of_field(4.0, 2.0, 5.0, 0.003)[1] == math.inf
    assert depth_of_field(4.0, 2.0, math.inf, 0.003)[0] == pytest.approx(16 / 6)
    view = one(**FULL | {"hfov_deg": None}, focal_mm=12, sensor_w_mm=5.76, aperture=1.8, focus_m=8.0, pixel_pitch_um=3.0)
    assert view.focus_m == (pytest.approx(near), pytest.approx(far))
    assert one(**FULL, focal_mm=12, aperture=1.8).focus_m == (0.0, math.inf)


def test_fisheyes_on_ceilings_and_walls() -> None:
    ceiling = one(ptz="fisheye", hfov_deg=180, pixels_w=3000, pixels_h=3000)
    assert (ceiling.lens, degrees(ceiling.tilt_rad)) == (FISHEYE, [90])
    assert focal_length(ceiling) == pytest.approx(3000 / math.pi)
    wall = one(ptz="fisheye", mount="wall", azimuth_deg=90, hfov_deg=180, pixels_w=3000)
    assert degrees(wall.tilt_rad, wall.azimuth_rad) == [0, 90]
    lost = one(ptz="fisheye", mount="wall", hfov_deg=180, pixels_w=3000)
    assert lost.lens == ANY_WAY
    reach = 3000 / math.pi / 50.0
    targets = np.array([[reach * 0.99, 0, 4.0], [reach * 1.01, 0, 4.0]])
    assert (verdicts(lost, Criteria(50.0), targets) == INSIDE).tolist() == [True, False]
    assert one(ptz="fisheye").least is not None


def test_a_panorama_is_put_together_from_several_pictures() -> None:
    found = views_of(device(ptz="multi", azimuth_deg=0, tilt_deg=10, hfov_deg=180, vfov_deg=50, pixels_w=7680, pixels_h=2160), HERE)
    assert [degrees(view.azimuth_rad) for view in found.views] == [[-60], [0], [60]]
    assert all(focal_length(view) == pytest.approx(2560 / 2 / math.tan(math.radians(30))) for view in found.views)
    heads = views_of(device(**FULL, ptz="multi", presets="0;90;180;270"), HERE)
    assert [degrees(view.azimuth_rad) for view in heads.views] == [[0], [90], [180], [270]]
    assert len(views_of(device(**FULL, ptz="multi", presets="0;90"), HERE, Reading("now")).views) == 2


@pytest.mark.parametrize(
    ("presets", "aims", "wrong"),
    [
        ({"gate": {"azimuth_deg": 30}, "yard": {"azimuth_deg": 200}}, [30, 200], []),
        ('{"gate": {"azimuth_deg": 30}}', [30], []),
        ({"azimuth_deg": 50}, [50], []),
        ([{"azimuth_deg": 10}, {"name": "gate"}, None], [10], ["presets"]),
        ('{"gate": 1}', [0], ["presets"]),
    ],
)
def test_presets_by_name_and_presets_that_say_nothing(presets: Any, aims: list[int], wrong: list[str]) -> None:
    found = views_of(device(**FULL, ptz="ptz", presets=presets), HERE)
    assert [degrees(view.azimuth_rad)[0] for view in found.views] == aims
    assert found.wrong == wrong


NONSENSE = ("north", "", " ", -40, 0, 1e12, "nan", math.nan, math.inf, True, [], {"a": 1}, None)


@settings(max_examples=300, deadline=None)
@given(
    attributes=st.dictionaries(st.sampled_from([*POSSIBLE, "ptz", "presets", "mount"]), st.sampled_from(NONSENSE)),
    mode=st.sampled_from(["presets", "now", "reachable"]),
    light=st.sampled_from(["day", "night"]), kind=st.sampled_from(["ptz", "fisheye", ""]),
)  # fmt: skip
def test_no_table_is_too_odd_to_be_read(attributes: dict[str, Any], mode: str, light: str, kind: str) -> None:
    found = views_of(device(height_m=None, **attributes | ({"ptz": kind} if kind else {})), HERE, Reading(mode, light))
    targets = np.random.default_rng(0).uniform(-30, 30, (50, 3))
    for view in found.views:
        least, value, most = (verdicts(each or view, Criteria(20.0), targets) == INSIDE for each in (view.least, view, view.most))
        assert not (least & ~value).any()
        if view.lens != ANY_WAY:
            assert not (value & ~most).any()


@pytest.mark.parametrize(
    ("name", "value"),
    [("hfov_deg", -60), ("azimuth_deg", "north"), ("tilt_deg", 200), ("pixels_w", 0), ("range_m", 0), ("vfov_deg", math.nan)],
)
def test_a_value_that_cannot_be_counts_as_missing_and_is_named(name: str, value: Any) -> None:
    found = views_of(device(**FULL | {name: value}), HERE)
    assert list(found.wrong) == [name]
    assert found.views


def test_a_range_that_cannot_be_is_known_to_neither_side() -> None:
    view = one(**FULL, range_m=0)
    assert view.range_m == math.inf
    assert view.least is not None
    assert view.least.range_m == 0
