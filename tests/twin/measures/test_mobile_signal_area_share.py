"""The two mobile measures on small parks written here."""

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
from scipy.optimize import brentq
from shapely.affinity import translate

from twin.coverage.propagation import MODELS, links, path_loss_db
from twin.crs import Frame
from twin.errors import UnknownParameter
from twin.measures import compute, resolve
from twin.measures.fiveg_area_share import MEASURE as MEASURE_5G
from twin.measures.mobile import KEPT
from twin.measures.report import result_json
from twin.model import Device, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
OUT = {"surface": "outdoor_public_ground"}


def lonlat(polygon: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(polygon))


def cell(name: str, x: float, y: float, *, height_m: float = 25.0, status: str = "in_service", **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    usual = {"operator": "A", "technology": "NR", "freq_mhz": 3500, "bandwidth_mhz": 100, "eirp_dbm": 70.0}
    storey = attributes.pop("storey_id", None)
    given = {key: value for key, value in (usual | attributes).items() if value is not None}
    return Device(name, "cell", name, float(lon), float(lat), height_m=height_m, storey_id=storey, status=status, attributes=given)


Make = Callable[..., Store]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A level park of 600 x 600 m with devices and buildings (x0, y0, x1, y1, height)."""

    def build(devices: Sequence[Device], blocks: Sequence[tuple[float, ...]] = (), content: ModelContent | None = None) -> Store:
        store = create_store(tmp_path / f"park{len(list(tmp_path.iterdir()))}", Park("p", FRAME))
        with store.transaction() as writer:
            writer.put_layer(Layer("boundary", "boundary", "boundary"))
            square = np.array([lonlat(shapely.box(-300, -300, 300, 300))], object)
            writer.put_features("boundary", FeatureTable(["b"], square), source="t")
            if blocks:
                writer.put_layer(Layer("building", "building", "building"))
                shapes = np.array([lonlat(shapely.box(*block[:4])) for block in blocks], object)
                names = [f"building/{k}" for k in range(len(blocks))]
                writer.put_features("building", FeatureTable(names, shapes, {"height_m": [block[4] for block in blocks]}), source="t")
            writer.put_devices(devices, source="t")
            if content is not None:
                writer.put_model(content)
        return store

    return build


def office(x: float) -> ModelContent:
    """A model without bodies: one office of 20 x 20 m on the ground floor of a building of 8 m."""
    outline = shapely.box(x, -10, x + 20, 10)
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    model = Model("m", "office", "IFC4", "0" * 64, place, lonlat(outline), 500.0, 508.0)
    space = Space("r1", "m", "s1", "101", "office", "office", lonlat(outline), 500.0, 3.5, 400.0)
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(model, [Storey("s1", "m", "1", 0.0, 500.0, 4.0), Storey("s2", "m", "2", 4.0, 504.0, 4.0)], [space], [], empty)


def rsrp(eirp: float, d: float, h: float = 25.0, *, los: bool = True) -> float:
    return eirp - 10 * math.log10(12 * 273) - float(path_loss_db(MODELS["38.901-uma"], links(3.5, d, h, 1.5), los))


def test_a_disc_in_the_open(make: Make) -> None:
    store = make([cell("c", 0.0, 0.0)])
    radius = float(brentq(lambda d: rsrp(70.0, d) + 50.0, 20.0, 2000.0))
    assert 100 < radius < 290
    result = compute(store, "fiveg_area_share", OUT | {"rsrp_dbm": -50.0, "sinr_db": "none", "step_m": 5})
    area = math.pi * radius**2
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower * result.denominator <= area <= result.upper * result.denominator
    assert result.numerator == pytest.approx(area, rel=3e-3)
    assert result.upper - result.lower < 0.02
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-4)
    assert {gap.reason for gap in result.gaps} == {"below_threshold"}
    assert result.zones[0]["deficit_db"] > 0
    assert result.extra["line_of_sight"] == pytest.approx(1.0)


def test_without_buildings_there_is_no_shadow(make: Make) -> None:
    free = compute(make([cell("c", -200.0, 0.0)]), "fiveg_area_share", OUT | {"rsrp_dbm": -70.0, "step_m": 10})
    assert free.value == pytest.approx(1.0)


def test_who_throws_the_shadow_is_named(make: Make) -> None:
    store = make([cell("c", -200.0, 0.0)], [(0.0, -60.0, 20.0, 60.0, 40.0)])
    result = compute(store, "fiveg_area_share", OUT | {"rsrp_dbm": -70.0, "step_m": 10})
    assert result.value is not None
    assert result.value < 0.95
    assert result.gaps[0].reason == "occluded"
    assert list(result.gaps[0].blockers) == ["building/0"]
    assert result.exclusions == [{"reason": "building", "amount": pytest.approx(2400.0, rel=1e-3)}]


def test_an_office_is_reached_through_its_facade(make: Make) -> None:
    store = make([cell("c", -200.0, 0.0)], content=office(0.0))
    result = compute(store, "mobile_signal_area_share", {"surface": "office_and_workshop_floors", "rsrp_dbm": -80.0})
    assert result.denominator == pytest.approx(400.0, rel=1e-3)
    assert result.extra["places"]["indoor"]["area_m2"] == pytest.approx(400.0, rel=1e-3)
    outdoor = rsrp(70.0, 210.0)
    assert result.zones[0]["median_dbm"] == pytest.approx(outdoor - 12.70 - 5.0, abs=1.0)
    assert result.value == 1.0
    assert result.lower == 0.0  # a coated facade would keep it out
    coated = compute(store, "mobile_signal_area_share", {"surface": "office_and_workshop_floors", "rsrp_dbm": -80.0, "facade": "high"})
    assert coated.value == 0.0
    assert coated.upper == 1.0
    assert {gap.reason for gap in coated.gaps} == {"occluded"}
    assert list(coated.gaps[0].blockers) == ["m"]


def test_an_indoor_head_serves_its_floor(make: Make) -> None:
    head = cell("h", 10.0, 0.0, height_m=2.8, storey_id="s1", eirp_dbm=15.0)
    store = make([head], content=office(0.0))
    result = compute(store, "fiveg_area_share", {"surface": "office_and_workshop_floors"})
    assert (result.lower, result.value, result.upper) == (1.0, 1.0, 1.0)


def test_only_5g_counts_for_5g(make: Make) -> None:
    store = make([cell("lte", 0.0, 0.0, technology="LTE", freq_mhz=1800, bandwidth_mhz=20), cell("wlan", 0, 0, technology="802.11")])
    every = compute(store, "mobile_signal_area_share", OUT | {"step_m": 20})
    nr = compute(store, "fiveg_area_share", OUT | {"step_m": 20})
    assert every.value == 1.0
    assert every.inputs["devices"] == 1
    assert nr.value == 0.0
    assert {gap.reason for gap in nr.gaps} == {"no_device"}
    assert [warning["code"] for warning in nr.warnings] == ["no_devices"]


def test_a_technology_nobody_named_does_not_count_in_the_worst_case(make: Make) -> None:
    store = make([cell("c", 0.0, 0.0, technology=None)])
    result = compute(store, "fiveg_area_share", OUT | {"step_m": 20})
    assert (result.lower, result.value, result.upper) == (0.0, 1.0, 1.0)
    assert result.inputs["defaulted_share"] == 1.0


def test_operators_are_told_apart(make: Make) -> None:
    store = make([cell("a", -250.0, 0.0, eirp_dbm=45.0), cell("b", 250.0, 0.0, eirp_dbm=40.0, operator="B")])
    given = OUT | {"rsrp_dbm": -85.0, "sinr_db": "none", "step_m": 10}
    any_, all_, b = (compute(store, "fiveg_area_share", given | {"operators": who}) for who in ("any", "all", "B"))
    shares = {row["operator"]: row["value"] for row in any_.extra["operators"]}
    assert b.value is not None
    assert b.value == pytest.approx(shares["B"], abs=0.02)
    assert any_.value is not None
    assert all_.value is not None
    assert any_.value > shares["A"] > shares["B"] > all_.value
    with pytest.raises(UnknownParameter):
        compute(store, "fiveg_area_share", given | {"operators": "C"})


def test_interference_is_a_reason(make: Make) -> None:
    store = make([cell("a", -250.0, 0.0), cell("b", 250.0, 0.0)])
    loud = compute(store, "fiveg_area_share", OUT | {"sinr_db": 6.0, "load": 1.0, "step_m": 20})
    quiet = compute(store, "fiveg_area_share", OUT | {"sinr_db": 6.0, "load": 0.0, "step_m": 20})
    assert quiet.value == 1.0
    assert loud.value is not None
    assert loud.value < 0.9
    assert {gap.reason for gap in loud.gaps} == {"interference"}


@pytest.mark.parametrize("model", ["38.901-umi", "38.901-rma", "38.901-inh", "38.901-inf", "p1411", "free_space"])
def test_every_model_gives_a_share(make: Make, model: str) -> None:
    store = make([cell("c", 0.0, 0.0, freq_mhz=700, eirp_dbm=50.0)], [(40.0, -60.0, 60.0, 60.0, 40.0)])
    result = compute(store, "fiveg_area_share", OUT | {"model": model, "step_m": 20, "rsrp_dbm": -80.0})
    assert result.lower is not None
    assert result.value is not None
    assert result.upper is not None
    assert 0.0 <= result.lower <= result.value <= result.upper <= 1.0
    extrapolated = [warning["code"] for warning in result.warnings if warning["code"] == "model_extrapolated"]
    assert extrapolated == (["model_extrapolated"] if model == "p1411" else [])


def test_warnings_have_sentences(make: Make) -> None:
    bare = Device("x", "cell", "x", FRAME.lon_deg, FRAME.lat_deg, height_m=3.0)
    store = make([bare], [(-20.0, -20.0, 20.0, 20.0, 40.0)])
    result = compute(store, "mobile_signal_area_share", OUT | {"step_m": 50, "model": "p1411"})
    codes = [warning["code"] for warning in result.warnings]
    assert codes == ["radio_assumed", "attribute_assumed", "operator_missing", "antenna_inside"]
    for lang in ("en", "zh"):
        assert all(warning["message"] != warning["code"] for warning in result_json(result, lang)["warnings"])


def test_the_same_question_is_the_same_run(make: Make) -> None:
    store = make([cell("c", 0.0, 0.0)])
    first, second = (compute(store, "fiveg_area_share", OUT | {"step_m": 50}) for _ in range(2))
    assert first.run == second.run
    assert first.run != compute(store, "fiveg_area_share", OUT | {"step_m": 50, "load": 0.4}).run


def test_every_assumed_attribute_of_a_sector_is_named(make: Make) -> None:
    lon, lat, _ = FRAME.to_lonlat([[0.0, 0.0]])[0]
    known = {"operator": "A", "technology": "NR", "freq_mhz": 3500, "eirp_dbm": 60.0, "azimuth_deg": 0.0}
    sector = Device("s", "cell", "s", float(lon), float(lat), attributes=known)
    result = compute(make([sector, cell("c", 50.0, 0.0)]), "fiveg_area_share", OUT | {"step_m": 50})
    said = {warning["attribute"]: warning["ids"] for warning in result.warnings}
    assert said == {name: ["s"] for name in ("bandwidth_mhz", "beam_h_deg", "beam_v_deg", "height_m", "tilt_deg")}
    assert result.inputs["defaulted_share"] == 0.5


@pytest.mark.parametrize(("facade", "release"), [("low", 19), ("high", 19), ("high", 18)])
def test_a_room_drawn_inside_an_outline_is_entered(make: Make, facade: str, release: int) -> None:
    store = make([cell("c", 0.0, 0.0)], [(0.0, 40.0, 30.0, 70.0, 12.0)])
    room = shapely.box(-2.5, 47.5, 2.5, 52.5)
    for layer, shape in (("rooms", translate(room, 15.0)), ("yard", translate(room, 45.0))):
        with store.transaction() as writer:
            writer.put_layer(Layer(layer, "zone", layer))
            writer.put_features(layer, FeatureTable([layer], np.array([lonlat(shape)], object)), source="t")
    asked = {"facade": facade, "release": release, "step_m": 5, "model": "free_space"}
    levels: dict[str, float] = {}
    for layer in ("rooms", "yard"):
        request = resolve(MEASURE_5G, asked | {"surface": f"layer:{layer}"}, {})
        samples = MEASURE_5G.compute(store, replace(request, want_samples=True)).samples
        assert samples is not None
        points = FRAME.to_enu(samples.lonlat_h)
        nearest = int(np.hypot(points[:, 0] - points[:, 0].mean(), points[:, 1] - 50.0).argmin())
        x, y = points[nearest, :2]
        path = 20 * math.log10(math.dist((x, y, 1.5), (0.0, 0.0, 25.0))) + 20 * math.log10(3.5e9) - 147.5522
        inside = (1 - 40.0 / y) * math.hypot(x, y) if layer == "rooms" else 0.0
        levels[layer] = 70.0 - 10 * math.log10(12 * 273) - path - 0.5 * inside - float(samples.value[nearest])
    assert levels["yard"] == pytest.approx(0.0, abs=0.02)
    glass = (2 + 0.2 * 3.5, 0.3) if facade == "low" else (25.4 + 0.11 * 3.5 if release == 19 else 23 + 0.3 * 3.5, 0.7)
    entered = 5 - 10 * math.log10(glass[1] * 10 ** (-glass[0] / 10) + (1 - glass[1]) * 10 ** (-(5 + 4 * 3.5) / 10))
    assert levels["rooms"] == pytest.approx(entered, abs=0.02)


@pytest.mark.parametrize("sigma_db", [4.0, 8.0])
def test_under_shadowing_the_value_is_the_expected_share(make: Make, sigma_db: float) -> None:
    store = make([cell("c", 0.0, 0.0)])
    asked = OUT | {"rsrp_dbm": -50.0, "sinr_db": "none", "step_m": 20, "sigma_db": sigma_db}
    result = compute(store, "fiveg_area_share", asked)
    middle = np.arange(-297.5, 300.0, 5.0)
    margins = [rsrp(70.0, max(math.hypot(x, y), 10.0)) + 50.0 for x in middle for y in middle]
    expected = float(np.mean([NormalDist().cdf(margin / sigma_db) for margin in margins]))
    assert result.value == pytest.approx(expected, abs=2e-3)
    assert result.lower is not None
    assert result.upper is not None
    assert result.lower <= expected <= result.upper
    assert result.upper - result.lower < 0.12
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, abs=1e-3)
    assert abs(result.extra["statistics"]["c50"] - expected) > 0.01


def test_each_device_says_what_it_covers_and_what_would_be_lost(make: Make) -> None:
    store = make([cell("a", -250.0, 0.0, eirp_dbm=45.0), cell("b", 250.0, 0.0, eirp_dbm=45.0)])
    asked = OUT | {"rsrp_dbm": -85.0, "sinr_db": "none", "step_m": 10}
    result = compute(store, "fiveg_area_share", asked)
    rows = {row["id"]: row for row in result.devices}
    for gone, stays in (("a", "b"), ("b", "a")):
        alone = compute(made_without(store, gone), "fiveg_area_share", asked)
        points = sum(row["covered"] for row in result.devices) - rows[gone]["covered"]
        assert alone.devices[0]["id"] == stays
        assert alone.devices[0]["covered"] == pytest.approx(points)
        union = rows[gone]["lost"] + alone.devices[0]["covered"]
        assert union == pytest.approx(result.numerator, rel=0.01)


def made_without(store: Store, gone: str) -> Store:
    devices = [replace(device, status="planned" if device.id == gone else "in_service") for device in store.devices("cell")]
    with store.transaction() as writer:
        writer.put_devices(devices, source="t")
    return store


def test_what_opens_the_bounds_is_named(make: Make) -> None:
    bare = cell("c", -100.0, 0.0, eirp_dbm=None, bandwidth_mhz=None, position_tolerance_m=3.0)
    store = make([bare, cell("d", 200.0, 0.0, eirp_dbm=30.0)], content=office(0.0))
    asked = {"surface": "office_and_workshop_floors", "sinr_db": "none"}
    middle = compute(store, "fiveg_area_share", asked).zones[0]["median_dbm"]
    result = compute(store, "fiveg_area_share", asked | {"rsrp_dbm": middle})
    what = {row["what"] for row in result.sensitivity}
    assert {"facade", "power", "bandwidth", "pose", "model_spread", "fading"} <= what
    widths = [row["width"] for row in result.sensitivity]
    assert widths == sorted(widths, reverse=True)
    assert all(row["lower"] <= result.value <= row["upper"] for row in result.sensitivity)
    assert result.inputs["resting_share"] == pytest.approx(1.0)
    spread = result.extra["model_spread"]
    assert spread["models"] == ["p1411-roof"]
    assert spread["median_db"] is not None
    entry = result.extra["checks"]["entry"]
    assert entry["facade_db"] == pytest.approx(12.70, abs=0.01)
    assert entry["p2109_db"]["traditional"] < entry["p2109_db"]["efficient"]


def test_gaps_say_how_many_decibels_are_short(make: Make) -> None:
    store = make([cell("c", 0.0, 0.0)])
    asked = OUT | {"rsrp_dbm": -50.0, "sinr_db": "none", "step_m": 10}
    gap = compute(store, "fiveg_area_share", asked).gaps[0]
    assert gap.shortfall_unit == "dB"
    assert gap.shortfall is not None
    assert 0 < gap.shortfall < rsrp(70.0, 200.0) - rsrp(70.0, 430.0)


def test_fading_is_told_beside_c50(make: Make) -> None:
    told = compute(make([cell("c", 0.0, 0.0)]), "fiveg_area_share", OUT | {"rsrp_dbm": -50.0, "sinr_db": "none", "step_m": 10})
    statistics = told.extra["statistics"]
    assert statistics["c90"] < statistics["c50"] < statistics["c10"]
    assert statistics["c90"] < statistics["expected"] < statistics["c10"]
    assert statistics["sigma_source"] == "model"
    edge = rsrp(70.0, 1.0)
    assert edge > -50.0
    reach = float(brentq(lambda d: rsrp(70.0, d) + 50.0 - NormalDist().inv_cdf(0.9) * 4.0, 10.0, 2000.0))
    assert statistics["c90"] == pytest.approx(math.pi * reach**2 / told.denominator, rel=0.03)


ODD = {
    "text": {"eirp_dbm": "63 dBm", "freq_mhz": "3.5 GHz", "bandwidth_mhz": "100MHz", "technology": "5G基站"},
    "watts": {"eirp_dbm": None, "power_dbm": "20 W", "gain_dbi": "17"},
    "nothing": {"eirp_dbm": None, "freq_mhz": None, "bandwidth_mhz": None, "technology": None, "operator": None},
    "rubbish": {"eirp_dbm": "strong", "freq_mhz": "n/a", "bandwidth_mhz": 0, "scs_khz": -1, "azimuth_deg": "north"},
    "zero": {"freq_mhz": 0, "bandwidth_mhz": 0, "beam_h_deg": 0, "azimuth_deg": 0, "beam_v_deg": 0},
    "nan": {"eirp_dbm": float("nan"), "freq_mhz": float("nan"), "tilt_deg": float("nan"), "azimuth_deg": float("nan")},
    "list": {"freq_mhz": [2600, 3500], "eirp_dbm": [60, 61]},
}


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_devices_get_an_answer(make: Make, name: str) -> None:
    store = make([cell("odd", 0.0, 0.0, **ODD[name])])
    result = compute(store, "fiveg_area_share", OUT | {"step_m": 50})
    assert result.lower is not None
    assert result.value is not None
    assert result.upper is not None
    assert 0.0 <= result.lower <= result.value <= result.upper <= 1.0
    assert math.isfinite(sum(row["covered"] for row in result.devices))


def test_power_in_watts_is_power(make: Make) -> None:
    one, other = (cell("c", 0.0, 0.0, eirp_dbm=None, power_dbm=p, gain_dbi=17) for p in ("20 W", 43.0103))
    a, b = (compute(make([device]), "fiveg_area_share", OUT | {"step_m": 50, "rsrp_dbm": -60.0}) for device in (one, other))
    assert a.value == pytest.approx(b.value)
    assert not {row["what"] for row in a.sensitivity} & {"power"}


def test_a_device_that_is_nowhere_is_named(make: Make) -> None:
    lost = replace(cell("lost", 0.0, 0.0), lon=float("nan"))
    result = compute(make([lost, cell("c", 0.0, 0.0)]), "fiveg_area_share", OUT | {"step_m": 50})
    assert result.inputs["devices"] == 1
    assert [row["ids"] for row in result.warnings if row["code"] == "device_without_place"] == [["lost"]]


def test_a_cell_inside_a_wall(make: Make) -> None:
    store = make([cell("c", 0.0, 0.0, height_m=2.0)], [(-0.2, -20.0, 0.2, 20.0, 6.0)])
    result = compute(store, "fiveg_area_share", OUT | {"step_m": 20})
    assert result.value is not None
    assert "antenna_inside" in {row["code"] for row in result.warnings}


def test_a_thousand_carriers(make: Make) -> None:
    rng = np.random.default_rng(1)
    many = [cell(f"c{k}", *rng.uniform(-280, 280, 2), operator=f"op{k % 3}", freq_mhz=3500 + 20 * (k % 5)) for k in range(1000)]
    result = compute(make(many), "fiveg_area_share", OUT | {"step_m": 60, "sinr_db": -6.0})
    assert result.inputs["devices"] == 1000
    assert result.value is not None


def test_a_facade_of_another_release_is_refused(make: Make) -> None:
    with pytest.raises(UnknownParameter):
        compute(make([cell("c", 0.0, 0.0)]), "fiveg_area_share", OUT | {"facade": "low_a", "release": 18, "step_m": 50})


def make_again(store: Store) -> Store:
    KEPT.forget()
    return store


def test_levels_are_kept_and_only_what_changes_is_heard_anew(make: Make) -> None:
    devices = [cell(f"c{k}", 100.0 * k - 200, 0.0) for k in range(5)]
    asked = OUT | {"rsrp_dbm": -60.0, "step_m": 20}
    store = make(devices, [(40.0, 40.0, 60.0, 60.0, 40.0)])
    before = KEPT.made
    first = compute(store, "fiveg_area_share", asked)
    assert KEPT.made - before == 5
    with store.transaction() as writer:
        louder = replace(devices[2], attributes=dict(devices[2].attributes) | {"eirp_dbm": 72.0})
        writer.put_devices([*devices[:2], louder, *devices[3:]], source="t")
    changed = compute(store, "fiveg_area_share", asked)
    assert KEPT.made - before == 6
    assert changed.run != first.run
    fresh = compute(make_again(store), "fiveg_area_share", asked)
    assert (fresh.value, fresh.lower, fresh.upper) == (changed.value, changed.lower, changed.upper)
