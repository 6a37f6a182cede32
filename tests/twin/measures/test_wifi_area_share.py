"""The Wi-Fi measure on small parks written here: a field in the open, rooms with walls between, what is assumed and what is said."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.coverage.propagation import free_space_distance_m
from twin.crs import Frame
from twin.errors import MissingInput, OutsideValidity, UnknownParameter
from twin.measures import compute, resolve
from twin.measures.report import result_json
from twin.measures.wifi_area_share import MEASURE
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)


def lonlat(polygon: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(polygon))


def at(x: float, y: float) -> dict[str, float]:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    return {"lon": float(lon), "lat": float(lat)}


def ap(name: str, x: float, y: float, *, height_m: float = 2.8, status: str = "in_service", **attributes: Any) -> Device:
    storey, place = attributes.pop("storey_id", None), at(x, y)
    return Device(
        name, "wifi_ap", name, place["lon"], place["lat"], height_m=height_m, storey_id=storey, status=status, attributes=attributes
    )  # fmt: skip


Make = Callable[..., Store]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A park of 80 x 80 m with devices and, if asked for, a model of two rooms with a wall between."""

    def build(devices: Sequence[Device], content: ModelContent | None = None) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            writer.put_layer(Layer("boundary", "boundary", "boundary"))
            square = np.array([lonlat(shapely.box(-40, -40, 40, 40))], object)
            writer.put_features("boundary", FeatureTable(["b"], square), source="t")
            writer.put_devices(devices, source="t")
            if content is not None:
                writer.put_model(content)
        return store

    return build


def two_rooms(material: str | None) -> ModelContent:
    """Rooms of 10 x 10 m, west a canteen and east a meeting room, and one wall of 0.2 m between, 3 m high."""
    wall = closed(bounds=[(-0.1, -5, 0), (0.1, 5, 3)])
    layers = [{"name": material, "thickness_m": 0.2}] if material else []
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    element = Element("W1", "m", "IfcWall", "wall", state="built", materials=layers)
    faces = np.asarray(wall.faces, np.uint32)
    mesh = Mesh(np.asarray(wall.vertices, float), faces, np.zeros(len(faces), np.uint32), np.full((len(faces), 4), 255, np.uint8), ["W1"])
    outlines = [shapely.box(-10, -5, -0.1, 5), shapely.box(0.1, -5, 10, 5)]
    spaces = [
        Space(name, "m", "s1", name, name, usage, lonlat(shape), 500.0, 3.0, shape.area)
        for name, usage, shape in zip(("r1", "r2"), ("canteen", "meeting"), outlines, strict=True)
    ]
    model = Model("m", "m", "IFC4", "0" * 64, place, lonlat(shapely.box(-10, -5, 10, 5)), 500.0, 503.0)
    return ModelContent(model, [Storey("s1", "m", "1", 0.0, 500.0, 3.0)], spaces, [element], mesh)


def test_a_disc_in_the_open(make: Make) -> None:
    store = make([ap("a", 0.3, 0.2, eirp_dbm=10.0, freq_mhz=2437)])
    threshold = -57.0
    reach = float(free_space_distance_m(10.0 - threshold, 2.437))
    area = math.pi * (reach**2 - 1.6**2)
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "rssi_dbm": threshold, "step_m": 1})
    assert result.denominator == pytest.approx(6400.0, rel=1e-4)
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower * result.denominator <= area <= result.upper * result.denominator
    assert result.numerator == pytest.approx(area, rel=5e-3)
    assert result.upper - result.lower < 0.03
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-6)
    assert {gap.reason for gap in result.gaps} == {"out_of_range"}
    assert result.inputs["defaulted_share"] == 0.0


def test_the_wall_between_two_rooms_is_the_reason(make: Make) -> None:
    store = make([ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -68.0})
    zones = {zone["id"]: zone for zone in result.zones}
    assert set(zones) == {"r1", "r2"}
    assert zones["r1"]["value"] == pytest.approx(1.0)
    assert zones["r2"]["value"] == pytest.approx(0.0, abs=1e-6)
    assert result.value == pytest.approx(0.5, abs=0.01)
    assert result.gaps[0].reason == "occluded"
    assert list(result.gaps[0].blockers) == ["element/W1"]
    assert result.gaps[0].zone == "r2"
    assert zones["r2"]["deficit_db"] > 5.0
    through = compute(store, "wifi_area_share", {"rssi_dbm": -75.0, "model": "free_space"})
    assert through.value == pytest.approx(1.0)


def test_an_unknown_wall_opens_the_bounds(make: Make) -> None:
    store = make([ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1")], two_rooms(None))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -76.0})
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower < 0.9
    assert result.upper == pytest.approx(1.0)
    assert result.extra["assumed_walls"] == 1


def test_what_is_assumed_is_said(make: Make) -> None:
    store = make([ap("a", 0, 0), ap("b", 10, 0, eirp_dbm=40.0, freq_mhz=5785), ap("c", 0, 9, eirp_dbm=20.0, freq_mhz=6525)])
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4})
    assert result.inputs["defaulted_share"] == pytest.approx(1 / 3)
    assert [warning["code"] for warning in result.warnings] == ["radio_assumed", "wifi_eirp_limit", "wifi_band_left_out"]
    for lang in ("en", "zh"):
        assert all(warning["message"] != warning["code"] for warning in result_json(result, lang)["warnings"])


def test_six_ghz_counts_only_when_asked_for(make: Make) -> None:
    store = make([ap("c", 0, 9, eirp_dbm=20.0, freq_mhz=6525)])
    usual = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4})
    asked = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4, "bands": "2.4,5,6"})
    assert usual.value == 0.0
    assert {gap.reason for gap in usual.gaps} == {"no_device"}
    assert asked.value is not None
    assert asked.value > 0.5


def test_planned_ones_do_not_count(make: Make) -> None:
    store = make([ap("a", 0, 0, status="planned", eirp_dbm=20.0, freq_mhz=2437)])
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4})
    assert result.value == 0.0
    assert result.inputs["devices"] == 0
    planned = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4, "statuses": "in_service,planned"})
    assert planned.value == 1.0


def test_shadowing_gives_an_expected_share(make: Make) -> None:
    store = make([ap("a", 0.3, 0.2, eirp_dbm=10.0, freq_mhz=2437)])
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "rssi_dbm": -57.0, "step_m": 2, "sigma_db": 5})
    told = result.extra["statistics"]
    assert told["c90"] < told["c50"]
    assert told["c90"] < told["expected"] < 1.0


def test_the_same_question_is_the_same_run(make: Make) -> None:
    store = make([ap("a", 0, 0, eirp_dbm=10.0, freq_mhz=2437)])
    given = {"surface": "outdoor_public_ground", "step_m": 4}
    first, second = (compute(store, "wifi_area_share", given) for _ in range(2))
    other = compute(store, "wifi_area_share", given | {"rssi_dbm": -60})
    assert first.run == second.run != other.run
    assert first.inputs["sha256"] == other.inputs["sha256"]
    assert first.parameters["rssi_dbm"]["provenance"] == "default"
    assert other.parameters["rssi_dbm"]["provenance"] == "given"


def test_samples_say_the_level(make: Make) -> None:
    store = make([ap("a", 0, 0, eirp_dbm=10.0, freq_mhz=2437)])
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 4})
    assert result.samples is not None
    assert result.samples.unit == "dBm"
    assert len(result.samples.value) >= 400
    assert result.samples.size_m.tolist() == [4.0] * len(result.samples.value)
    near = np.argmin(np.hypot(*(FRAME.to_enu(result.samples.lonlat_h)[:, :2]).T))
    assert result.samples.value[near] == pytest.approx(np.nanmax(result.samples.value))


def test_no_rooms_is_said(make: Make) -> None:
    with pytest.raises(MissingInput):
        compute(make([]), "wifi_area_share")


def test_a_model_nobody_knows_is_refused(make: Make) -> None:
    with pytest.raises(UnknownParameter):
        compute(make([]), "wifi_area_share", {"model": "magic"})


@pytest.mark.parametrize("model", ["cost231", "p1238"])
def test_other_models_run(make: Make, model: str) -> None:
    store = make([ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -65.0, "model": model})
    assert result.value is not None
    assert 0.0 < result.value <= 1.0


@pytest.mark.parametrize(("mhz", "slab_db"), [(2450, 14.81), (5500, 26.48)])
def test_twenty_centimetres_of_concrete(make: Make, mhz: int, slab_db: float) -> None:
    """coverage.md 2.3: the slab of ITU-R P.2040-3 at normal incidence."""
    store = make([ap("a", -5.0, 0.25, height_m=1.2, eirp_dbm=20.0, freq_mhz=mhz, storey_id="s1")], two_rooms("Concrete C30"))
    levels: list[float] = []
    for model in ("free_space", "walls"):
        request = resolve(MEASURE, {"surface": "space:r2", "model": model, "rssi_dbm": -90.0, "bands": "2.4,5.5"}, {})
        samples = MEASURE.compute(store, replace(request, want_samples=True)).samples
        assert samples is not None
        points = FRAME.to_enu(samples.lonlat_h)
        levels.append(float(samples.value[int(np.hypot(points[:, 0] - 5.0, points[:, 1] - 0.25).argmin())]))
    assert levels[0] - levels[1] == pytest.approx(slab_db, abs=0.1)


def test_under_shadowing_the_value_is_the_expected_share(make: Make) -> None:
    store = make([ap("a", 0.0, 0.0, height_m=3.0, eirp_dbm=20.0, freq_mhz=2437)])
    result = compute(store, "wifi_area_share", {"surface": "outdoor_public_ground", "rssi_dbm": -50.0, "sigma_db": 5.0, "step_m": 4})
    middle = np.arange(-39.75, 40.0, 0.5)
    levels = [20.0 - 20 * math.log10(math.hypot(x, y, 1.8) * 2.437e9) + 147.5522 for x in middle for y in middle]
    expected = float(np.mean([NormalDist().cdf((level + 50.0) / 5.0) for level in levels]))
    assert result.value == pytest.approx(expected, abs=5e-3)
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= expected <= result.upper


def test_an_assumed_height_is_named(make: Make) -> None:
    device = Device("a", "wifi_ap", "a", FRAME.lon_deg, FRAME.lat_deg, attributes={"eirp_dbm": 20.0, "freq_mhz": 2437})
    result = compute(make([device]), "wifi_area_share", {"surface": "outdoor_public_ground", "step_m": 20})
    assert [(warning["code"], warning["attribute"]) for warning in result.warnings] == [("attribute_assumed", "height_m")]
    assert result.inputs["defaulted_share"] == 1.0


ROOMS = {"rssi_dbm": -60.0, "bands": "2.4,5"}


def test_each_access_point_covers_and_would_be_missed(make: Make) -> None:
    places = {"west": (-9.0, 0.0), "east": (9.0, 0.0), "twin": (9.0, 0.1)}
    points = [ap(name, x, y, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1") for name, (x, y) in places.items()]
    result = compute(make(points, two_rooms("Concrete")), "wifi_area_share", ROOMS)
    by_id = {row["id"]: row for row in result.devices}
    alone = compute(make_again(make, points[:1]), "wifi_area_share", ROOMS)
    assert by_id["west"]["covered"] == pytest.approx(alone.numerator, rel=0.02)
    assert by_id["west"]["lost"] == pytest.approx(by_id["west"]["covered"], rel=0.05)
    assert by_id["east"]["lost"] < 0.1 * by_id["east"]["covered"]  # its twin covers the same


def make_again(make: Make, devices: Sequence[Device]) -> Store:
    import tempfile

    store = create_store(Path(tempfile.mkdtemp()) / "park", Park("p", FRAME))
    with store.transaction() as writer:
        writer.put_devices(devices, source="t")
        writer.put_model(two_rooms("Concrete"))
    assert make is not None
    return store


def test_what_opens_the_bounds_is_named(make: Make) -> None:
    store = make([ap("a", -9.0, 0.0, freq_mhz=5220, storey_id="s1", position_tolerance_m=0.5)], two_rooms(None))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -58.0})
    said = {row["what"]: row for row in result.sensitivity}
    assert {"materials", "power", "pose"} <= set(said)
    assert said["power"]["devices"] == 1
    assert [row["width"] for row in result.sensitivity] == sorted((row["width"] for row in result.sensitivity), reverse=True)
    assert result.lower is not None
    assert result.upper is not None
    for what in ("materials", "power"):
        assert result.lower - 1e-6 <= said[what]["lower"] <= said[what]["upper"] <= result.upper + 1e-6
    assert result.inputs["resting_share"] == pytest.approx(1.0)


def test_a_gap_says_by_how_many_decibels(make: Make) -> None:
    store = make([ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -68.0})
    gap = result.gaps[0]
    assert gap.shortfall_unit == "dB"
    assert gap.shortfall == pytest.approx({zone["id"]: zone for zone in result.zones}["r2"]["deficit_db"], abs=3.0)


def test_an_access_point_moved_gives_what_a_new_park_gives(make: Make) -> None:
    def points(x: float) -> list[Device]:
        return [
            ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1"),
            ap("b", x, 1.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1"),
        ]

    store = make(points(9.0), two_rooms("Concrete"))
    first = compute(store, "wifi_area_share", ROOMS)
    with store.transaction() as writer:
        writer.put_devices(points(4.0), source="t")
    moved, fresh = compute(store, "wifi_area_share", ROOMS), compute(make_again(make, points(4.0)), "wifi_area_share", ROOMS)
    assert moved.value != first.value
    assert (moved.value, moved.lower, moved.upper) == (fresh.value, fresh.lower, fresh.upper)


def test_an_access_point_drawn_into_a_wall_is_said(make: Make) -> None:
    points = [ap(name, x, 0.3, eirp_dbm=20.0, freq_mhz=5220, storey_id="s1") for name, x in (("in", 0.0), ("on", 0.1), ("off", 2.0))]
    result = compute(make(points, two_rooms("Concrete")), "wifi_area_share", ROOMS)
    said = [warning for warning in result.warnings if warning["code"] == "device_in_wall"]
    assert [warning["ids"] for warning in said] == [["in"]]
    for lang in ("en", "zh"):
        text = [warning["message"] for warning in result_json(result, lang)["warnings"] if warning["code"] == "device_in_wall"]
        assert "in (element/W1)" in text[0]


def test_interference_of_too_many_pairs_is_refused_with_a_remedy(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.measures.wifi_area_share.MOST_PAIRS", 100.0)
    store = make([ap("a", -9.0, 0.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    with pytest.raises(OutsideValidity, match="pairs") as told:
        compute(store, "wifi_area_share", ROOMS | {"sinr_db": 25.0})
    assert told.value.code == "too_many_pairs"


def test_asked_again_the_same_is_said_at_once(make: Make) -> None:
    store = make([ap("a", -9.0, 0.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    first, again = (compute(store, "wifi_area_share", ROOMS) for _ in range(2))
    other = compute(store, "wifi_area_share", ROOMS | {"rssi_dbm": -40.0})
    assert (first.run, first.value, first.lower, first.upper) == (again.run, again.value, again.lower, again.upper)
    assert (first.devices, first.sensitivity, first.extra) == (again.devices, again.sensitivity, again.extra)
    assert other.value != first.value


def test_noise_and_other_access_points_can_be_the_reason(make: Make) -> None:
    points = [ap(name, x, 0.0, eirp_dbm=15.0, freq_mhz=2437) for name, x in (("a", -20.0), ("b", 20.0))]
    asked = {"surface": "outdoor_public_ground", "step_m": 2, "rssi_dbm": -70.0}
    alone = compute(make(points), "wifi_area_share", asked)
    clear = compute(make_open(points), "wifi_area_share", asked | {"sinr_db": 10.0, "load": 1.0})
    assert alone.value is not None
    assert clear.value is not None
    assert clear.lower is not None
    assert clear.upper is not None
    assert clear.value < alone.value
    assert clear.lower <= clear.value <= clear.upper
    assert "interference" in {gap.reason for gap in clear.gaps}
    told = alone.extra["sinr"]
    assert told["median_db"] is not None
    assert alone.extra["channels"] == [{"mhz": 2437.0, "width_mhz": 20.0, "radios": 2}]
    assert alone.extra["bands"] == {"2.4": pytest.approx(alone.value, abs=0.01)}


def make_open(devices: Sequence[Device]) -> Store:
    import tempfile

    store = create_store(Path(tempfile.mkdtemp()) / "park", Park("p", FRAME))
    with store.transaction() as writer:
        writer.put_layer(Layer("boundary", "boundary", "boundary"))
        writer.put_features("boundary", FeatureTable(["b"], np.array([lonlat(shapely.box(-40, -40, 40, 40))], object)), source="t")
        writer.put_devices(devices, source="t")
    return store


@pytest.mark.parametrize("model", ["walls_breakpoint", "breakpoint", "tgax"])
def test_breakpoint_models_run(make: Make, model: str) -> None:
    store = make([ap("a", -9.0, 0.0, eirp_dbm=2.0, freq_mhz=5220, storey_id="s1")], two_rooms("Concrete"))
    result = compute(store, "wifi_area_share", {"rssi_dbm": -65.0, "model": model, "surroundings": "small_office"})
    assert result.value is not None
    assert 0.0 < result.value < 1.0
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= result.value <= result.upper
