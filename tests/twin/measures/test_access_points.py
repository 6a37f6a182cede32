"""Access points as radios: what their tables may say, and what is said about them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twin.coverage.antenna import Antenna
from twin.coverage.pattern import CEILING_RAD, WALL_RAD, Axial
from twin.crs import Frame
from twin.measures.access_points import gather_radios, named, with_uplink
from twin.model import Device, Park
from twin.store import create_store

FRAME = Frame(104.06, 30.66, 500.0)
OPEN = ["2.4", "5", "5.8"]


def ap(name: str, **attributes: Any) -> Device:
    return Device(name, "wifi_ap", name, FRAME.lon_deg, FRAME.lat_deg, height_m=2.8, attributes=attributes)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return create_store(tmp_path / "park", Park("p", FRAME))


@pytest.mark.parametrize(
    ("attributes", "f_ghz", "eirp", "width"),
    [
        ({"freq_mhz": 2437, "eirp_dbm": 18}, [2.437], [18.0], [20.0]),
        ({"freq_mhz": "2437; 5220", "eirp_dbm": "18; 21"}, [2.437, 5.22], [18.0, 21.0], [20.0, 80.0]),
        ({"freq_mhz": [2437, 5220], "eirp_dbm": 20, "width_mhz": 40}, [2.437, 5.22], [20.0, 20.0], [40.0, 40.0]),
        ({"freq_mhz": "5.8", "eirp_dbm": "200 mW"}, [5.785], [23.01], [80.0]),
        ({"channel": "6", "eirp_dbm": 20}, [2.437], [20.0], [20.0]),
        ({"channel": "1;149", "eirp_dbm": 20, "bandwidth_mhz": "20;40"}, [2.412, 5.745], [20.0, 20.0], [20.0, 40.0]),
        ({"freq_mhz": 5220, "power_dbm": 17, "gain_dbi": 4}, [5.22], [21.0], [80.0]),
        ({"freq_mhz": 2437, "eirp_dbm": 20, "width_mhz": -3}, [2.437], [20.0], [20.0]),
    ],
)
def test_what_a_table_says(store: Any, attributes: Any, f_ghz: list[float], eirp: list[float], width: list[float]) -> None:
    found = gather_radios(store, [ap("a", **attributes)], OPEN)
    assert found.sent.f_ghz == pytest.approx(f_ghz)
    assert found.sent.eirp_dbm == pytest.approx(eirp, abs=0.01)
    assert found.width_mhz == pytest.approx(width)
    assert np.asarray(found.sent.owner).tolist() == [0] * len(f_ghz)
    assert not found.resting
    assert not found.warnings


@pytest.mark.parametrize(
    "attributes", [{}, {"freq_mhz": "many", "eirp_dbm": None}, {"freq_mhz": math.nan, "eirp_dbm": "?"}, {"freq_mhz": -5, "eirp_dbm": 1e9}]
)
def test_what_it_does_not_say_is_assumed(store: Any, attributes: Any) -> None:
    found = gather_radios(store, [ap("a", **attributes)], OPEN)
    assert found.sent.f_ghz == pytest.approx([2.437])
    assert found.sent.eirp_dbm == pytest.approx([20.0])
    assert found.sent.slack_db[0] > 0
    assert found.resting == ["a"]
    assert [warning["code"] for warning in found.warnings] == ["radio_assumed"]


def test_antennas(store: Any) -> None:
    said = {"freq_mhz": 5220, "eirp_dbm": 20}
    points = [
        ap("omni", **said), ap("ceiling", antenna="吸顶", **said), ap("wall", azimuth_deg=90, tilt_deg=10, **said),
        ap("sector", azimuth_deg=90, beam_h_deg=65, beam_v_deg=30, azimuth_tolerance_deg=5, position_tolerance_m=0.3, **said),
    ]  # fmt: skip
    found = gather_radios(store, points, OPEN)
    shapes = [pattern.shape for pattern in found.sent.pattern]
    assert shapes[0] is None
    assert shapes[1] == Axial(0.0, math.pi / 2, CEILING_RAD)
    assert shapes[2] == Axial(math.pi / 2, math.radians(10), WALL_RAD)
    assert shapes[3] == Antenna(math.pi / 2, 0.0, math.radians(65), math.radians(30))
    assert found.sent.pattern[3].tolerance == pytest.approx(math.radians(5))
    assert found.sent.tolerance_m is not None
    assert found.sent.tolerance_m.tolist() == [0.0, 0.0, 0.0, 0.3]


def test_limits_are_checked_by_power_and_density(store: Any) -> None:
    points = [
        ap("fine", freq_mhz=5785, eirp_dbm=33, width_mhz=80), ap("dense", freq_mhz=5785, eirp_dbm=33, width_mhz=20),
        ap("loud", freq_mhz=2437, eirp_dbm=23), ap("aimed", freq_mhz=2437, eirp_dbm=23, gain_dbi=12),
    ]  # fmt: skip
    (warning,) = gather_radios(store, points, OPEN).warnings
    assert (warning["code"], warning["subject"], warning["count"]) == ("wifi_eirp_limit", "dense, loud", 2)


def test_channels_that_are_not_open_count_only_when_asked_for(store: Any) -> None:
    points = [ap("six", freq_mhz=6525, eirp_dbm=20), ap("dfs", freq_mhz=5500, eirp_dbm=20), ap("usual", freq_mhz=5220, eirp_dbm=20)]
    usual = gather_radios(store, points, OPEN)
    assert [device.id for device in usual.device] == ["usual"]
    assert [(warning["code"], warning["count"]) for warning in usual.warnings] == [("wifi_band_left_out", 2)]
    forced = gather_radios(store, points, [*OPEN, "5.5", "6"])
    assert len(forced.sent) == 3
    assert [(warning["code"], warning["subject"]) for warning in forced.warnings] == [("wifi_band_closed", "dfs, six")]


def test_networks() -> None:
    points = [ap("a", ssid="Park"), ap("b", ssid="tenant; PARK "), ap("c", ssid=["guest"]), ap("d")]
    assert [point.id for point in named(points, [])] == ["a", "b", "c", "d"]
    assert [point.id for point in named(points, ["park"])] == ["a", "b"]
    assert [point.id for point in named(points, ["guest", "none"])] == ["c"]


def test_a_weak_client_limits_the_reach(store: Any) -> None:
    found = gather_radios(store, [ap("a", freq_mhz=5220, eirp_dbm=23, gain_dbi=3)], OPEN)
    assert with_uplink(found, None, -67.0, -67.0) is found
    # where the client of 14 dBm is just heard with -70 dBm, loss is 14 + 3 + 70 = 87 dB, and the downlink 23 - 87 = -64 dBm
    both = with_uplink(found, 14.0, -70.0, -67.0)
    assert both.sent.eirp_dbm[0] - 87.0 == pytest.approx(-67.0)
    assert with_uplink(found, 30.0, -70.0, -67.0).sent.eirp_dbm[0] == 23.0


def test_only_some_access_points(store: Any) -> None:
    points = [ap("a", freq_mhz="2437;5220", eirp_dbm=20), ap("b", freq_mhz=5220, eirp_dbm=20), ap("c", freq_mhz=5785, eirp_dbm=20)]
    kept = gather_radios(store, points, OPEN).only(np.array([True, False, True]))
    assert [device.id for device in kept.device] == ["a", "c"]
    assert np.asarray(kept.sent.owner).tolist() == [0, 0, 1]
    assert kept.sent.f_ghz.tolist() == [2.437, 5.22, 5.785]
    assert len(kept.radio) == len(kept.width_mhz) == 3
