"""Whatever a table says, a measure gives an answer that holds together, or a sentence: numbers that cannot be, text for numbers, lists and
mappings, heights beyond the sky, shapes without area, lines without length."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.drawn_parks import FRAME, Drawn, drawn_park
from twin.errors import TwinError
from twin.measures import compute
from twin.measures.report import gaps_geojson, result_json, samples_json
from twin.model import Device
from twin.result import Result

HALF = 20.0
ODD: Sequence[Any] = (math.nan, math.inf, -5.0, 0, 1e300, 10**30, 10**400, "", "text", "1e400", True, [], {"a": 1}, "LINESTRING EMPTY")
FAR = (math.nan, math.inf, -math.inf, 1e300, 1e6, -1e6)
SHAPES: Sequence[Any] = (
    None, shapely.Polygon(), shapely.Point(1, 1), shapely.LineString([(0, 0), (9, 9)]), shapely.LineString([(3, 3), (3, 3)]),
    shapely.Polygon([(0, 0), (9, 1e-9), (9, 0)]), shapely.Polygon([(0, 0), (5, 5), (0, 0)]),
    shapely.Polygon([(0, 0), (8, 8), (8, 0), (0, 8)]),
    shapely.Polygon([(0, 0), (5, 0), (5, 5), (0, 5)], [[(6, 6), (8, 6), (8, 8), (6, 8)]]), shapely.box(0, 0, 1e-7, 1e-7),
    shapely.MultiPolygon([shapely.box(0, 0, 6, 6), shapely.box(3, 3, 9, 9)]),
    shapely.GeometryCollection([shapely.box(0, 0, 3, 3), shapely.LineString([(0, 0), (5, 5)])]), shapely.box(1e6, 1e6, 1e6 + 9, 1e6 + 9),
)  # fmt: skip
OUTDOORS = {"surface": "outdoor_public_ground", "step_m": 10}
# kind of device -> what is known of a good one, the measures that read it, the attributes that they read
READ: dict[str, tuple[dict[str, Any], Sequence[tuple[str, dict[str, Any]]], Sequence[str]]] = {
    "camera": (
        {"azimuth_deg": 0.0, "tilt_deg": 30.0, "hfov_deg": 60.0, "pixels_w": 1920},
        [("camera_area_share", {"step_m": 10})],
        ["azimuth_deg", "hfov_deg", "pixels_h", "range_m", "focal_mm", "presets", "position_tolerance_m"],
    ),
    "lamp": (
        {"lumens": 8000.0}, [("lighting_area_share", {"step_m": 8}), ("lighting_control_share", {})], ["lumens", "power_w", "photometry"]
    ),
    "speaker": ({"spl_1m_db": 95.0}, [("broadcast_area_share", {"step_m": 10})], ["spl_1m_db", "power_w", "coverage_deg"]),
    "display": ({"pitch_mm": 5.0}, [("display_area_share", {"step_m": 10})], ["pitch_mm", "width_m", "azimuth_deg", "publishing"]),
    "detector": ({"range_m": 9.0}, [("perimeter_alarm_length_share", {})], ["range_m", "line", "receiver_id", "azimuth_deg"]),
    "charger": ({"connectors": 2}, [("charging_space_share", {})], ["connectors", "cable_m", "current", "position_tolerance_m"]),
    "hydrant": ({}, [("hydrant_area_share", {"step_m": 10})], ["flow_l_s", "last_test"]),
    "iot_gateway": ({"technology": "LoRa"}, [("iot_area_share", OUTDOORS)], ["technology", "power_dbm", "freq_mhz", "gain_dbi"]),
    "cell": ({"azimuth_deg": 0.0}, [("mobile_signal_area_share", OUTDOORS)], ["power_dbm", "freq_mhz", "bandwidth_mhz", "beam_h_deg"]),
    "wifi_ap": ({"eirp_dbm": 20.0}, [("wifi_area_share", OUTDOORS)], ["eirp_dbm", "freq_mhz", "ssid", "width_mhz"]),
}  # fmt: skip


def layers() -> dict[str, Drawn]:
    return {
        "boundary": ("boundary", [shapely.box(-HALF, -HALF, HALF, HALF)], {}),
        "building": ("building", [shapely.box(8, 8, 15, 15)], {"height_m": [9.0], "usage": ["office"]}),
        "road_area": ("road_area", [shapely.box(-HALF, -3, HALF, 3)], {}),
        "road": ("road", [shapely.LineString([(-HALF, 0), (HALF, 0)])], {"class": ["main"]}),
        "duct": ("duct", [shapely.LineString([(-HALF, 4), (HALF, 4)])], {}),
        "barrier": ("barrier", [shapely.box(-HALF, -HALF, HALF, HALF).exterior], {"class": ["wall"], "height_m": [2.0]}),
        "parking_bay": ("parking_bay", [shapely.box(3 * k, -12, 3 * k + 2.5, -7) for k in range(2)], {}),
        "key_position": ("key_position", [shapely.Point(0, 0).buffer(3)], {"class": ["park_entrance"]}),
        "tree": ("tree", [shapely.Point(-9, -9)], {"height_m": [6.0]}),
        "pole": ("pole", [shapely.Point(5, 5)], {"functions": ["light,camera"]}),
    }


def device(name: str, kind: str, x: float, y: float, *, height_m: float | None = 4.0, z_m: float | None = None, **said: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return Device(name, kind, name, lon, lat, height_m=height_m, z_m=z_m, attributes=said)


def sound(result: Result) -> None:
    """What holds of every answer."""
    for lang in ("en", "zh"):
        told = result_json(result, lang)
        json.dumps([told, gaps_geojson(result), samples_json(result)], allow_nan=False)
        assert all(warning["message"] != warning["code"] for warning in told["warnings"])
    assert all(gap.reason for gap in result.gaps)
    if result.value is None:
        return
    assert result.lower is not None
    assert result.upper is not None
    assert 0 <= result.lower <= result.value <= result.upper
    if result.unit == "1":
        assert result.upper <= 1
        assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-3)


def asked(folder: Path, drawn: dict[str, Drawn], devices: Sequence[Device], measure: str, given: dict[str, Any]) -> None:
    store = drawn_park(folder, drawn, devices=devices)
    refused: TwinError | None = None
    try:
        sound(compute(store, measure, given))
    except TwinError as error:
        refused = error
    store.close()
    if refused is not None:
        assert refused.text("zh") != refused.text("en")
        assert "{" not in refused.text("en") + refused.text("zh")


@pytest.mark.parametrize("kind", READ)
def test_odd_attributes_give_an_answer_or_a_sentence(kind: str, tmp_path: Path) -> None:
    """One device for each attribute and each odd value, and for each height; all in one park beside a good one."""
    said, measures, names = READ[kind]
    every = [device("good", kind, -5, -5, **said)]
    for i, name in enumerate(names):
        every += [device(f"{name}-{k}", kind, 4 + 0.01 * i, -6 + 0.01 * k, **{**said, name: value}) for k, value in enumerate(ODD)]
    every += [device(f"height-{k}", kind, -6, 3, height_m=value, **said) for k, value in enumerate(FAR)]
    every += [device(f"z-{k}", kind, 6, 5, z_m=value, **said) for k, value in enumerate(FAR)]
    good = every[0]
    every += [
        replace(good, id="nowhere", lon=math.nan),
        replace(good, id="far", lat=31.0),
        replace(good, id="exchanged", lon=30.0, lat=104.0),
    ]
    every += [device("high", kind, 2, 2, height_m=10_000.0, **said), replace(good, id="twin")]
    for measure, given in measures:
        asked(tmp_path / measure, layers(), every, measure, given)


AMONG = (
    ("camera_area_share", {"step_m": 10}), ("camera_key_position_share", {}), ("hydrant_area_share", {"step_m": 10}),
    ("perimeter_alarm_length_share", {}), ("charging_space_share", {}), ("duct_main_road_length_share", {}),
    ("iot_area_share", OUTDOORS), ("smart_pole_function_count", {}),
)  # fmt: skip


@pytest.mark.parametrize(("measure", "given"), AMONG, ids=[name for name, _ in AMONG])
def test_odd_shapes_give_an_answer_or_a_sentence(measure: str, given: dict[str, Any], tmp_path: Path) -> None:
    """Every odd shape in every layer at once, beside a good one, and a park of nothing but odd shapes."""
    devices = [device(kind, kind, -5, -5, **said) for kind, (said, *_) in READ.items()]
    beside = {
        name: (kind, [*shapes, *SHAPES], {column: [values[0]] * (len(shapes) + len(SHAPES)) for column, values in columns.items()})
        for name, (kind, shapes, columns) in layers().items()
        if name != "boundary"
    }
    asked(tmp_path / "beside", {"boundary": layers()["boundary"], **beside}, devices, measure, given)
    alone = {
        name: (kind, SHAPES, {column: [values[0]] * len(SHAPES) for column, values in columns.items()})
        for name, (kind, _, columns) in layers().items()
    }
    asked(tmp_path / "alone", alone, devices, measure, given)


@pytest.mark.parametrize("value", [*FAR, -3.0, 0.0])
def test_buildings_of_odd_heights_are_buildings(value: float, tmp_path: Path) -> None:
    drawn = layers()
    shapes = [shapely.box(8, 8, 15, 15), shapely.box(-15, 8, -9, 15)]
    drawn["building"] = ("building", shapes, {"height_m": [value, 5.0], "base_m": [None, value]})
    for measure in ("camera_area_share", "model_coverage_share"):
        asked(tmp_path / measure, drawn, [device("c", "camera", 0, 0, azimuth_deg=0.0)], measure, {})
