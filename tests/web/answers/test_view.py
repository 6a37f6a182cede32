"""What a camera looks at: against the closed form of a pinhole over level ground."""

from __future__ import annotations

import math
from pathlib import Path

import httpx
import pytest
import shapely

from twin.crs import Frame
from twin.model import Device
from twin.store import open_store
from web.answers.view import DETECT_PX_PER_M, field_of_view, sector


def camera(**attributes: object) -> Device:
    given = {"azimuth_deg": 90.0, "tilt_deg": 20.0, "hfov_deg": 40.0, "vfov_deg": 20.0, "pixels_w": 1920, "pixels_h": 1080}
    known = {name: value for name, value in (given | attributes).items() if value is not None}
    return Device("c", "camera", "C", 104.06, 30.54, height_m=5.0, attributes=known)


def test_edges_of_the_picture_meet_the_ground_where_they_must() -> None:
    found = sector(camera())
    assert found is not None
    assert found.limit == "picture"
    assert found.near_m == pytest.approx(5 / math.tan(math.radians(30)))
    assert found.far_m == pytest.approx(5 / math.tan(math.radians(10)))
    assert found.assumed == ()


def test_range_is_a_slant() -> None:
    found = sector(camera(range_m=13.0))
    assert found is not None
    assert found.limit == "range"
    assert found.far_m == pytest.approx(12.0)  # 5, 12, 13


def test_density_limits_a_picture_that_reaches_the_horizon() -> None:
    found = sector(camera(tilt_deg=5.0))
    assert found is not None
    assert found.limit == "density"
    assert 1920 / (2 * found.far_m * math.tan(math.radians(20))) == pytest.approx(DETECT_PX_PER_M)


def test_lens_and_sensor_give_the_width() -> None:
    found = sector(camera(hfov_deg=None, focal_mm=4.0, sensor_w_mm=8.0))
    assert found is not None
    assert found.width_deg == pytest.approx(90.0)


def test_a_turning_camera_looks_all_around_and_others_need_a_direction() -> None:
    found = sector(camera(ptz="ptz", azimuth_deg=None))
    assert found is not None
    assert found.width_deg == 360.0
    assert found.near_m == 0.0
    assert sector(camera(azimuth_deg=None)) is None
    assert sector(Device("w", "wifi_ap", "W", 104.06, 30.54)) is None


def test_what_is_assumed_is_named() -> None:
    found = sector(camera(tilt_deg=None, pixels_w=None))
    assert found is not None
    assert set(found.assumed) == {"tilt_deg", "pixels_w"}


def test_outline_is_a_ring_sector_in_the_direction_of_the_lens(park_folder: Path) -> None:
    store = open_store(park_folder)
    told = field_of_view(store, camera(), 5.0)
    assert told is not None
    assert told["apex_h_m"] == 5.0
    outline = Frame(104.06, 30.54).project(shapely.geometry.shape(told["geometry"]))
    near, far = told["properties"]["near_m"], told["properties"]["far_m"]
    assert outline.area == pytest.approx(math.radians(40) / 2 * (far**2 - near**2), rel=0.01)
    assert outline.centroid.y == pytest.approx(0.0, abs=0.01)  # it looks east
    assert near * 0.9 < outline.bounds[0] < outline.bounds[2] <= far + 0.01


def test_full_circle_has_the_area_of_a_disc(park_folder: Path) -> None:
    told = field_of_view(open_store(park_folder), camera(ptz="fisheye", range_m=13.0), 5.0)
    assert told is not None
    outline = Frame(104.06, 30.54).project(shapely.geometry.shape(told["geometry"]))
    assert outline.is_valid
    assert outline.area == pytest.approx(math.pi * 144, rel=0.01)


def test_over_http(client: httpx.Client) -> None:
    told = client.get("/api/devices/cam-1").json()["field_of_view"]
    assert told["type"] == "Feature"
    assert told["geometry"]["type"] == "Polygon"
    assert client.get("/api/devices/charge-1").json()["field_of_view"] is None
