"""Facades watched for falling objects: which cameras count, closed forms, gaps that stand upright, and answers to odd parks."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from tests.drawn_parks import FRAME, drawn_park
from twin.errors import MissingInput
from twin.measures import compute
from twin.measures.report import gaps_geojson, result_json, samples_json
from twin.model import Device
from twin.store import Store

PARK = shapely.box(-100, -100, 100, 100)
HOUSE = shapely.box(0, 0, 20, 10)
WHOLE = 60 * 20.0


def camera(name: str, x: float, y: float, **more: Any) -> Device:
    """A camera that looks north and up; its attributes are all given."""
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    known = {
        "azimuth_deg": 0.0,
        "tilt_deg": -30.0,
        "hfov_deg": 90.0,
        "vfov_deg": 80.0,
        "pixels_w": 3840.0,
        "pixels_h": 2160.0,
        "range_m": 80.0,
    }
    return Device(name, "camera", name, lon, lat, more.pop("height_m", 2.0), attributes=known | more)


def park(folder: Path, devices: list[Device], *, height: float = 20.0, **layers: Any) -> Store:
    drawn = {"b": ("boundary", [PARK], {}), "h": ("building", [HOUSE], {"height_m": [height], "storeys": [5], "name": ["House"]})}
    return drawn_park(folder / "p", drawn | layers, devices=devices)


def share(store: Store, **asked: Any) -> Any:
    return compute(store, "camera_facade_area_share", asked)


def test_cameras_that_say_so_count_and_without_any_those_that_look_up(tmp_path: Path) -> None:
    level = camera("level", 10, -30, tilt_deg=10.0)
    up = camera("up", 10, -30)
    falling = camera("falling", 10, -30, purpose="高空抛物", tilt_deg=-25.0)
    alone = share(park(tmp_path / "a", [level]))
    assert (alone.value, alone.lower, alone.upper) == (0.0, 0.0, 0.0)
    assert "facade_cameras_missing" in {warning["code"] for warning in alone.warnings}
    tilted = share(park(tmp_path / "b", [level, up]))
    assert [device["id"] for device in tilted.devices] == ["up"]
    assert "facade_cameras_by_tilt" in {warning["code"] for warning in tilted.warnings}
    store = park(tmp_path / "c", [level, up, falling])
    assert [device["id"] for device in share(store).devices] == ["falling"]
    assert [device["id"] for device in share(store, cameras="all").devices] == ["falling", "level", "up"]


def test_one_camera_before_the_south_wall_sees_what_its_picture_holds_of_it(tmp_path: Path) -> None:
    """30 m before the wall, 2 m up, tilted up by 30 degrees: the wall is 20 m high, so tan of its angles runs from -2/30 to 18/30."""
    result = share(park(tmp_path, [camera("c", 10, -30)]))
    low, high = (math.tan(math.radians(30 + sign * 40)) * 29.95 + 2 for sign in (-1, 1))
    assert low < 0
    assert high > 20
    assert result.value == pytest.approx(20 * 20 / WHOLE, abs=2e-3)
    assert result.lower <= result.value <= result.upper
    rows = {row["id"]: row["value"] for row in result.zones}
    assert rows["h-0/S"] == pytest.approx(1.0, abs=1e-3)
    assert rows["h-0/N"] == rows["h-0/E"] == rows["h-0/W"] == 0.0
    assert result.denominator == pytest.approx(WHOLE, rel=1e-4)
    assert result.devices == [{"id": "c", "covered": pytest.approx(400, abs=1), "lost": pytest.approx(400, abs=1)}]
    assert sum(row["amount"] for row in result.extra["storeys"]) == pytest.approx(WHOLE, rel=1e-4)


def test_gaps_stand_upright_with_reason_and_blocker_and_add_up(tmp_path: Path) -> None:
    board = ("barrier", [shapely.LineString([(-5, -10), (25, -10)])], {"class": ["wall"], "height_m": [6.0]})
    result = share(park(tmp_path, [camera("c", 10, -30)], wall=board))
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-6)
    occluded = [gap for gap in result.gaps if gap.blockers == ["barrier/wall-0"]]
    hidden = 2 + 4 * 29.95 / 20  # the line from the lens over the wall's rim meets the facade here
    assert sum(gap.amount for gap in occluded) == pytest.approx(20 * hidden, rel=0.02)
    heights = np.concatenate([shapely.get_coordinates(gap.geometry, include_z=True)[:, 2] for gap in occluded]) - 500.0
    assert heights.max() == pytest.approx(hidden, abs=0.6)
    flat = FRAME.project(occluded[0].geometry)
    assert np.ptp(shapely.get_coordinates(flat)[:, 1]) < 0.01  # all of it in the plane of the south wall
    for lang in ("en", "zh"):
        said = result_json(result, lang)
        json.dumps(said, allow_nan=False)
        assert all(gap["lonlat_h"] is not None for gap in said["gaps"])
        assert all(warning["message"] != warning["code"] for warning in said["warnings"])
    assert len(gaps_geojson(result)["features"]) == len(result.gaps)
    samples = samples_json(result)
    assert samples is not None
    assert len(samples["lon"]) == result.surface["samples"]


def test_what_is_not_known_of_a_camera_opens_the_bounds_and_is_named(tmp_path: Path) -> None:
    blind = camera("blind", 10, -30, azimuth_deg=None, purpose="falling object")
    result = share(park(tmp_path / "a", [blind]))
    assert (result.lower, result.value) == (0.0, 0.0)
    assert result.upper > 0.3
    sure = camera("sure", 10, -30, hfov_deg=20.0)
    shaky = camera("shaky", 10, -30, hfov_deg=20.0, azimuth_tolerance_deg=5.0)
    exact, doubted = share(park(tmp_path / "b", [sure])), share(park(tmp_path / "c", [shaky]))
    assert doubted.lower < exact.lower - 0.01
    assert doubted.upper > exact.upper + 0.01
    assert doubted.value == pytest.approx(exact.value, abs=1e-9)
    widest = doubted.sensitivity[0]
    assert widest["devices"] == ["shaky"]
    assert doubted.lower <= widest["lower"] <= doubted.value <= widest["upper"] <= doubted.upper


def test_two_cameras_are_asked_for_by_k(tmp_path: Path) -> None:
    store = park(tmp_path, [camera("c", 10, -30), camera("d", 10, -30, tilt_deg=-60.0, vfov_deg=40.0)])
    one, two = share(store), share(store, k=2)
    assert two.value < one.value
    assert two.upper <= one.upper


def test_odd_parks_are_answered_or_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="facade"):
        share(park(tmp_path / "low", [camera("c", 10, -30)], height=4.0))
    inside = camera("inside", 10, 5)
    lost = Device("nan", "camera", "nan", float("nan"), 30.66, 2.0)
    result = share(park(tmp_path / "odd", [inside, lost, camera("close", 10, -0.04)]), cameras="all")
    assert result.value is not None
    assert 0.0 <= result.lower <= result.value <= result.upper <= 1.0
    assert share(park(tmp_path / "none", [])).value == 0.0


def test_the_same_question_has_the_same_run_and_another_camera_another(tmp_path: Path) -> None:
    store = park(tmp_path / "a", [camera("c", 10, -30)])
    other = park(tmp_path / "b", [camera("c", 11, -30)])
    assert share(store).run == share(store).run
    assert share(store).run != share(other).run
