"""Light, displays, alarms, perimeter, sound and hydrants on a small park drawn here: by hand, with bounds, and with odd tables."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import compute
from twin.measures.report import gaps_geojson, result_json, samples_json
from twin.model import Device, FeatureTable, Layer, Park, Photometry
from twin.result import Result
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
HALF = 100.0
MEASURES = (
    "lighting_area_share", "lighting_control_share", "display_area_share", "display_key_position_share", "display_publish_share",
    "alarm_key_position_share", "perimeter_alarm_length_share", "broadcast_area_share", "hydrant_area_share", "fire_facility_provision",
)  # fmt: skip
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def device(
    name: str, kind: str, x: float, y: float, *, height_m: float | None = None, status: str = "in_service", **attributes: Any
) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    return Device(name, kind, name, float(lon), float(lat), height_m=height_m, status=status, attributes=attributes)


def lamp(name: str, x: float, y: float, **more: Any) -> Device:
    return device(name, "lamp", x, y, **({"height_m": 8.0, "lumens": 10_000.0, "controllable": True} | more))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A level park of 200 x 200 m: a road along its middle, one block 20 x 20 m and 10 m high, a gate in the south."""

    def build(
        devices: Sequence[Device], *, positions: Sequence[tuple[str, str, Any]] = (), photometries: Sequence[Photometry] = ()
    ) -> Store:
        store = create_store(tmp_path / f"park{len(list(tmp_path.iterdir()))}", Park("p", FRAME))
        layers: dict[str, tuple[Sequence[str], Sequence[Any], dict[str, list[Any]]]] = {
            "boundary": (["b"], [shapely.box(-HALF, -HALF, HALF, HALF)], {}),
            "road_area": (["r"], [shapely.box(-HALF, -4, HALF, 4)], {}),
            "building": (["B1"], [shapely.box(20, 20, 40, 40)], {"height_m": [10.0], "base_m": [500.0], "name": ["B1"]}),
            "barrier": (["F"], [shapely.LineString([(-HALF, -HALF), (HALF, -HALF), (HALF, HALF), (-HALF, HALF), (-HALF, -HALF)])],
                        {"class": ["fence"], "height_m": [2.0]}),
        }  # fmt: skip
        if positions:
            names, kinds, shapes = zip(*positions, strict=True)
            layers["key_position"] = (list(names), list(shapes), {"class": list(kinds), "name": list(names)})
        with store.transaction() as writer:
            for kind, (ids, shapes, columns) in layers.items():
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable(ids, np.array([lonlat(each) for each in shapes], object), columns), source="t")
            writer.put_devices(devices, source="t")
            if photometries:
                writer.put_photometries(photometries, source="t")
        return store

    return build


def sound_answer(result: Result) -> None:
    """What every result promises."""
    assert result.value is not None
    assert result.lower is not None
    assert result.upper is not None
    assert 0 <= result.lower <= result.value <= result.upper <= 1 + 1e-12
    assert result.value == pytest.approx(result.numerator / result.denominator)
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-3)
    assert all(gap.reason for gap in result.gaps)
    assert {"resting_share", "defaulted_share", "sha256", "devices"} <= set(result.inputs)
    for lang in ("en", "zh"):
        told = result_json(result, lang)
        json.dumps(told, allow_nan=False)
        assert all(warning["message"] != warning["code"] for warning in told["warnings"])
    gaps_geojson(result)
    samples_json(result)
    for row in result.sensitivity:
        assert row["width"] == pytest.approx(row["upper"] - row["lower"])


# --- light


def test_a_lambertian_lamp_over_the_road(make: Make) -> None:
    """10 000 lm at 8 m, MF 0.7, 2.4 lx (class III): d⁴ = 0.7 Phi h² / (pi E); lit is where the disc meets the road."""
    result = compute(
        make([lamp("a", 0.0, 0.0, photometry="disc.ies")], photometries=[_lambertian("disc.ies", 10_000.0)]), "lighting_area_share"
    )
    sound_answer(result)
    radius = math.sqrt(math.sqrt(0.7 * 10_000 * 64 / (math.pi * 2.4)) - 64)
    truth = shapely.Point(0, 0).buffer(radius, 256).intersection(shapely.box(-HALF, -4, HALF, 4)).area
    assert result.extra["level"]["point"] == pytest.approx(2.4)
    assert result.lower * result.denominator <= truth <= result.upper * result.denominator
    assert result.numerator == pytest.approx(truth, rel=0.01)
    assert result.inputs["defaulted_share"] == 0.0
    assert result.devices[0]["covered"] == pytest.approx(truth, rel=0.1)
    assert result.devices[0]["lost"] == result.devices[0]["covered"]
    assert {gap.reason for gap in result.gaps} == {"below_threshold"}
    assert max(gap.amount for gap in result.gaps if gap.shortfall is not None) > 500
    assert all(0 < gap.shortfall <= 2.4 and gap.shortfall_unit == "lx" for gap in result.gaps if gap.shortfall is not None)


def _lambertian(name: str, lumens: float) -> Photometry:
    gamma = np.arange(0.0, 181.0)
    row = np.where(gamma < 90, lumens / math.pi * np.cos(np.radians(gamma)), 0.0).tolist()
    return Photometry(name, name, lumens, None, [0.0, 360.0], gamma.tolist(), [row, row])


def test_what_lamps_do_not_say_opens_the_bounds(make: Make) -> None:
    silent = compute(make([lamp("a", 0.0, 0.0)]), "lighting_area_share")
    sound_answer(silent)
    assert silent.inputs["defaulted_share"] == 1.0
    assert silent.inputs["resting_share"] == 1.0
    assert next(iter(silent.sensitivity))["what"] == "photometry"
    mute = compute(make([device("a", "lamp", 0.0, 0.0)]), "lighting_area_share")
    assert mute.upper - mute.lower > silent.upper - silent.lower
    assert {"lumens", "photometry"} <= {row["what"] for row in mute.sensitivity}
    chinese = compute(make([device("a", "lamp", 0.0, 0.0, height_m=8.0, 光通量="10000 lm")]), "lighting_area_share")
    assert chinese.value == silent.value
    watts = compute(make([device("a", "lamp", 0.0, 0.0, height_m=8.0, 功率="100W")]), "lighting_area_share")
    assert watts.value == silent.value
    assert "lumens" in {row["what"] for row in watts.sensitivity}


def test_uniformity_by_zone(make: Make) -> None:
    """Lamps close together fulfil class III along the road; the same lamps far apart do not."""
    close = compute(make([lamp(f"l{k}", x, 5.0) for k, x in enumerate(range(-96, 100, 12))]), "lighting_area_share", {"rule": "zone"})
    far = compute(make([lamp(f"l{k}", x, 5.0) for k, x in enumerate(range(-80, 100, 80))]), "lighting_area_share", {"rule": "zone"})
    assert close.value == 1.0
    assert far.value == 0.0
    assert close.zones[0]["e_mean_lx"] > 8.0
    assert close.zones[0]["uniformity"] > 0.3
    assert far.zones[0]["uniformity"] < 0.3


def test_where_lamps_light_more_cells_than_can_be_held_cells_are_larger(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    park = make([lamp(f"l{k}", x, 5.0) for k, x in enumerate(range(-90, 100, 20))])
    usual = compute(park, "lighting_area_share")
    monkeypatch.setattr("twin.measures.lighting.MOST_LINES", 2_000)
    held, asked = compute(park, "lighting_area_share"), compute(park, "lighting_area_share", {"step_m": 2})
    assert held.extra["cells_judged"] < usual.extra["cells_judged"]
    assert (asked.value, asked.lower, asked.upper) == (usual.value, usual.lower, usual.upper)
    assert held.value == pytest.approx(usual.value, abs=0.02)
    assert compute(park, "lighting_control_share").extra["lit_area"]["all"]["value"] == held.value


def test_control_is_kept_apart_from_light(make: Make) -> None:
    lamps = [
        lamp("a", -50, 5),
        lamp("b", 0, 5, controllable=False),
        lamp("c", 50, 5, controllable=None),
        lamp("d", 80, 5, 控制方式="定时、光控"),
    ]
    lamps[3] = lamp("d", 80, 5, controllable=None, 控制方式="定时、光控")
    result = compute(make(lamps), "lighting_control_share")
    sound_answer(result)
    assert (result.value, result.lower, result.upper) == (0.5, 0.5, 0.75)
    area = result.extra["lit_area"]
    assert 0 < area["networked"]["value"] < area["all"]["value"]
    assert result.extra["by_mode"]["timed"] == 1
    both = compute(make(lamps), "lighting_control_share", {"mode": "timed_and_sensing", "area": False})
    assert (both.value, both.upper) == (0.25, 0.75)


# --- displays


def screen(name: str, x: float, y: float, **more: Any) -> Device:
    return device(name, "display", x, y, **({"height_m": 3.0, "pitch_mm": 4.0, "azimuth_deg": 180.0, "publishing": "central"} | more))


GATES = [
    ("G", "park_entrance", shapely.Point(0, -90)),
    ("H", "park_entrance", shapely.Point(0, 90)),
    ("B", "building_main_entrance", shapely.Point(30, 18)),
]


def test_displays_at_key_positions(make: Make) -> None:
    """South: a screen that faces the gate. North: one that faces away. At the building: none within 30 m."""
    park = make([screen("s", 0, -80), screen("n", 0, 95, azimuth_deg=0.0)], positions=GATES)
    result = compute(park, "display_key_position_share", {"classes": "park_entrance,building_main_entrance"})
    sound_answer(result)
    assert (result.numerator, result.denominator) == (1, 3)
    assert {gap.id: gap.reason for gap in result.gaps} == {"H": "outside_field_of_view", "B": "not_installed"}
    installed = compute(park, "display_key_position_share", {"classes": "park_entrance", "rule": "installed"})
    assert installed.value == 1.0
    short = next(gap for gap in result.gaps if gap.id == "B")
    assert short.shortfall == pytest.approx(math.hypot(30, 77) - 30, abs=0.02)
    blind = make([screen("s", 0, -80, azimuth_deg=None)], positions=GATES)
    open_ = compute(blind, "display_key_position_share", {"classes": "park_entrance"})
    assert (open_.value, open_.lower, open_.upper) == (0.0, 0.0, 0.5)


def test_a_display_behind_the_building_is_not_read(make: Make) -> None:
    park = make([screen("s", 30, 45, pitch_mm=10.0)], positions=GATES)
    result = compute(park, "display_key_position_share", {"classes": "building_main_entrance"})
    assert result.value == 0.0
    assert result.gaps[0].reason == "occluded"
    assert list(result.gaps[0].blockers) == ["building/B1"]


def test_the_area_from_which_a_display_is_read(make: Make) -> None:
    """P4 at the height of the eyes: a sector of 100 degrees, 22.08 m."""
    result = compute(make([screen("s", 0, -50, height_m=1.6)]), "display_area_share")
    sound_answer(result)
    truth = math.radians(100) / 2 * 22.08**2
    assert result.lower * result.denominator <= truth <= result.upper * result.denominator
    assert result.numerator == pytest.approx(truth, rel=0.02)
    assert result.devices[0]["covered"] == pytest.approx(truth, rel=0.05)


def test_publishing(make: Make) -> None:
    both = {"publish_sync": "是", "publish_async": "是"}
    rows = [screen("a", 0, 0), screen("b", 5, 0, publishing="本地"), screen("c", 9, 0, publishing=None, **both),
            screen("d", 12, 0, publishing=None)]  # fmt: skip
    result = compute(make(rows), "display_publish_share")
    sound_answer(result)
    assert (result.value, result.upper) == (0.5, 0.75)


# --- alarms and perimeter


def test_alarms_at_entrances(make: Make) -> None:
    rows = [device("a", "alarm", 3, -88), device("smoke", "detector", 0, 89, functions="smoke"), device("unknown", "detector", 30, 16)]
    result = compute(make(rows, positions=GATES), "alarm_key_position_share", {"classes": "park_entrance,building_main_entrance"})
    sound_answer(result)
    assert result.numerator == 2
    assert result.lower == pytest.approx(1 / 3)
    assert [gap.id for gap in result.gaps] == ["H"]


def beams(*, sort: str = "红外对射", **more: Any) -> list[Device]:
    """Four beams 100 m long from the middle of the south side to its ends and along the east side."""
    rows = [(-100, -99, 90.0), (0, -99, 90.0), (99, -100, 0.0), (99, 0, 0.0)]
    return [
        device(f"d{k}", "detector", x, y, azimuth_deg=turn, range_m=100.0, functions=sort, **more) for k, (x, y, turn) in enumerate(rows)
    ]


def test_the_perimeter_by_beams(make: Make) -> None:
    """400 of 800 m without a gate; active infrared that says nothing of its rating may keep 30 % in reserve."""
    result = compute(make(beams()), "perimeter_alarm_length_share")
    sound_answer(result)
    assert result.denominator == pytest.approx(800 - sum(row["amount"] for row in result.exclusions), abs=0.1)
    assert result.numerator == pytest.approx(400 - sum(row["amount"] for row in result.exclusions) / 2, abs=8)
    assert result.lower < 0.75 * result.value
    assert result.sensitivity[0]["what"] == "rated_range_m"
    rated = compute(make(beams(rated_range_m=150.0)), "perimeter_alarm_length_share")
    assert rated.lower == rated.value == pytest.approx(result.value, abs=1e-9)
    tight = compute(make(beams(rated_range_m=100.0)), "perimeter_alarm_length_share")
    assert tight.value == pytest.approx(result.lower, abs=1e-6)
    none = compute(make([]), "perimeter_alarm_length_share")
    sound_answer(none)
    assert none.value == 0.0
    assert {gap.reason for gap in none.gaps} == {"no_device"}


def test_detectors_must_fit_the_boundary_and_zones_be_short(make: Make) -> None:
    buried = compute(make(beams(sort="埋地泄漏电缆")), "perimeter_alarm_length_share")
    line = lonlat(shapely.LineString([(-100, -99), (99, -99), (99, 99)]))
    fence = [device("e", "detector", -100, -99, functions="电子围栏", line=line.wkt)]
    long = compute(make(fence), "perimeter_alarm_length_share")
    assert long.value == pytest.approx(buried.value, abs=0.02)
    assert long.extra["defence_zones"][0]["too_long"]
    assert long.extra["defence_zones"][0]["longest_m"] == 100.0
    assert "defence_zone_too_long" in {warning["code"] for warning in long.warnings}
    assert not long.extra["defence_zones"][0]["seen"]
    point = compute(make([device("p", "detector", 0, 99, functions="pir 周界", range_m=12.0)]), "perimeter_alarm_length_share")
    assert point.numerator == pytest.approx(2 * math.sqrt(12**2 - 1), abs=0.05)


# --- sound


def test_a_speaker_in_the_open(make: Make) -> None:
    """92 dB and 30 W reach 75 dB at 38.9 m."""
    result = compute(make([device("s", "speaker", -50, -50, height_m=5.0, spl_1m_db=92, 功率="30 W")]), "broadcast_area_share")
    sound_answer(result)
    far = 10 ** ((92 + 10 * math.log10(30) - 75) / 20)
    disc = math.pi * (far**2 - 3.5**2)
    assert result.numerator == pytest.approx(disc, rel=0.01)
    assert result.lower * result.denominator <= disc <= result.upper * result.denominator
    assert result.devices[0]["lost"] == pytest.approx(disc, rel=0.03)
    assert result.gaps[0].shortfall_unit == "dB"
    easier = compute(
        make([device("s", "speaker", -50, -50, height_m=5.0, spl_1m_db=92, power_w=30)]), "broadcast_area_share", {"margin_db": 12.0}
    )
    assert easier.numerator > 1.5 * result.numerator


def test_distance_and_presence_as_other_rules(make: Make) -> None:
    park = make([device("s", "speaker", -50, -50, height_m=1.5)])
    near = compute(park, "broadcast_area_share", {"mode": "distance"})
    sound_answer(near)
    assert near.numerator == pytest.approx(math.pi * 625, rel=0.01)
    assert near.lower * near.denominator <= math.pi * 625 <= near.upper * near.denominator
    there = compute(park, "broadcast_area_share", {"mode": "zone_presence"})
    assert there.value == 1.0
    unsaid = compute(park, "broadcast_area_share")
    assert {"spl_1m_db", "power_w"} <= {row["what"] for row in unsaid.sensitivity}
    assert unsaid.inputs["resting_share"] == 1.0


# --- hydrants


def test_hydrants_by_hose_and_by_radius(make: Make) -> None:
    """A hydrant that cannot be passed round on one side: behind the building the hose is longer than the radius."""
    park = make([device("h", "hydrant", 15, 30)])
    hose = compute(park, "hydrant_area_share", {"reach_m": 40.0})
    radius = compute(park, "hydrant_area_share", {"reach_m": 40.0, "rule": "radius"})
    sound_answer(hose)
    sound_answer(radius)
    disc = shapely.Point(15, 30).buffer(40, 256).intersection(shapely.box(-HALF, -HALF, HALF, HALF)).difference(shapely.box(20, 20, 40, 40))
    assert radius.lower * radius.denominator <= disc.area <= radius.upper * radius.denominator
    assert radius.numerator == pytest.approx(disc.area, rel=0.01)
    assert hose.numerator < radius.numerator
    assert "occluded" in {gap.reason for gap in hose.gaps}
    told = hose.extra["hydrants"][0]
    assert told["wall_m"] == pytest.approx(5.0, abs=0.01)
    assert told["kerb_m"] == pytest.approx(26.0, abs=0.01)
    assert told["too_far_from_kerb"]
    assert not told["too_near_wall"]
    assert hose.devices[0]["covered"] == pytest.approx(hose.numerator, rel=0.05)


def test_buildings_need_a_hydrant(make: Make) -> None:
    near = compute(make([device("h", "hydrant", 0, 6)]), "fire_facility_provision", {"parts": "hydrants"})
    sound_answer(near)
    assert near.value == 1.0
    assert near.devices == [{"id": "h", "covered": 1, "lost": 1}]
    assert near.extra["buildings"][0]["way_m"] == pytest.approx(math.hypot(20, 14), abs=0.2)
    assert "extinguishers" in near.extra["not_measured"]
    far = compute(make([device("h", "hydrant", -90, -90)]), "fire_facility_provision", {"reach_m": 100.0})
    assert far.value == 0.0
    assert far.gaps[0].reason == "out_of_range"
    assert far.gaps[0].shortfall == pytest.approx(math.hypot(110, 110) - 100, abs=0.02)
    none = compute(make([]), "fire_facility_provision")
    assert none.value == 0.0
    assert none.gaps[0].reason == "no_device"


# --- odd input

ODD: dict[str, Any] = {
    "lumens": "NaN",
    "power_w": "many", "spl_1m_db": float("nan"), "azimuth_deg": "up", "tilt_deg": "?", "range_m": -5, "pitch_mm": 0, "line": "LINESTRING",
    "coverage_deg": "wide", "controllable": "maybe", "publishing": 7, "photometry": "nowhere.ies", "functions": None,
}  # fmt: skip


@pytest.mark.parametrize("measure", MEASURES)
def test_nonsense_in_tables_is_answered(measure: str, make: Make) -> None:
    kinds = ("lamp", "display", "alarm", "detector", "speaker", "hydrant")
    rows = [device(f"{kind}{k}", kind, x, y, **ODD) for kind in kinds for k, (x, y) in enumerate([(30, 30), (0, 0), (400, 0)])]
    rows += [device(f"{kind}-again", kind, 0, 0, height_m=0.0) for kind in kinds]
    result = compute(make(rows, positions=GATES), measure)
    sound_answer(result)


@pytest.mark.parametrize("measure", MEASURES)
def test_an_empty_park_is_told(measure: str, tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        compute(create_store(tmp_path / "empty", Park("p", FRAME)), measure)


@pytest.mark.parametrize("measure", MEASURES)
def test_devices_that_are_nowhere_are_left_out_and_said(make: Make, measure: str) -> None:
    """Longitudes and latitudes that are no numbers, and places off the earth, beside good ones of the same kind."""
    good = [
        lamp("a", 0.0, 0.0), device("d", "display", 0.0, -90.0, azimuth_deg=180.0), device("h", "hydrant", 0.0, 10.0),
        device("s", "speaker", 0.0, 0.0), device("r", "alarm", 0.0, -HALF),
        device("t", "detector", -HALF, -HALF, azimuth_deg=90, range_m=50),
    ]  # fmt: skip
    wrong = [
        replace(each, id=f"{each.id}{k}", lon=lon, lat=lat)
        for each in good
        for k, (lon, lat) in enumerate([(math.nan, 30.0), (104.0, math.inf), (500.0, 95.0)])
    ]
    gate = [("gate", "park_main_entrance", shapely.Point(0, -HALF))]
    alone, all_ = (compute(make(devices, positions=gate), measure) for devices in (good, [*good, *wrong]))
    sound_answer(all_)
    assert (alone.lower, alone.value, alone.upper) == (all_.lower, all_.value, all_.upper)
    assert "device_without_place" in {warning["code"] for warning in all_.warnings}
