"""Mobile coverage after changes to devices, judged again in part: bit for bit what judging everything says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.measures import resolve
from twin.measures.mobile_signal_area_share import MEASURE
from twin.model import Device, FeatureTable, Layer, Park
from twin.scenario.anew import Anew, answers
from twin.scenario.overlay import with_changes
from twin.scenario.partly import Local
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
BLOCKS = [(-60, -50, -30, -20, 12.0), (10, 20, 50, 45, 8.0), (30, -60, 60, -35, 20.0)]
ASKED = {"surface": "outdoor_public_ground", "step_m": 16, "rsrp_dbm": -88.0, "sinr_db": 3.0}


def lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return lon, lat


def cell(name: str, x: float, y: float, height_m: float, **attributes: Any) -> Device:
    usual = {
        "operator": "A",
        "technology": "NR",
        "freq_mhz": 3500,
        "bandwidth_mhz": 100,
        "eirp_dbm": 62.0,
        "azimuth_deg": 45.0,
        "tilt_deg": 6.0,
    }
    return Device(name, "cell", name, *lonlat(x, y), height_m=height_m, attributes=usual | attributes)


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three buildings, four sectors of two operators and two heads inside one building."""
    store = create_store(tmp_path_factory.mktemp("mobile") / "park", Park("p", FRAME))
    devices = [
        cell("a1", -100, -100, 25.0),
        cell("a2", 110, 90, 20.0, azimuth_deg=220.0),
        cell("b1", -95, 100, 25.0, operator="B", azimuth_deg=130.0, freq_mhz=3400),
        cell("b2", 100, -95, 18.0, operator="B", azimuth_deg=320.0, freq_mhz=3400, eirp_dbm=None, power_dbm=40.0, gain_dbi=None),
        cell("h1", 20, 30, 3.0, azimuth_deg=None, eirp_dbm=24.0),
        cell("h2", 20, 30, 3.0, azimuth_deg=None, eirp_dbm=24.0, operator="B", freq_mhz=3400),
    ]
    with store.transaction() as writer:
        writer.put_layer(Layer("boundary", "boundary", "boundary"))
        square = np.array([shapely.force_2d(FRAME.unproject(shapely.box(-128, -128, 128, 128)))], object)
        writer.put_features("boundary", FeatureTable(["b"], square), source="t")
        writer.put_layer(Layer("building", "building", "building"))
        shapes = np.array([shapely.force_2d(FRAME.unproject(shapely.box(*block[:4]))) for block in BLOCKS], object)
        table = FeatureTable([f"building/{k}" for k in range(3)], shapes, {"height_m": [block[4] for block in BLOCKS]})
        writer.put_features("building", table, source="t")
        writer.put_devices(devices, source="t")
    return store


def change_of(park: Store, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Something done to a device taken by chance."""
    device = park.devices("cell")[int(rng.integers(6))]
    lon, lat = lonlat(*rng.uniform(-110, 110, 2))
    turned = {"azimuth_deg": float(rng.uniform(0, 360)), "tilt_deg": float(rng.uniform(0, 15))}
    return [
        [{"op": "move", "id": device.id, "lon": lon, "lat": lat}],
        [{"op": "set", "id": device.id, "values": turned}],
        [{"op": "set", "id": device.id, "values": {"eirp_dbm": float(rng.uniform(20, 70))}}],
        [{"op": "remove", "id": device.id}],
        [{"op": "add", "id": "new", "device": {"kind": "cell", "lon": lon, "lat": lat, "height_m": 12.0, "attributes": device.attributes}}],
    ][int(rng.integers(5))]


@pytest.mark.parametrize("operators", ["any", "all", "B"])
@pytest.mark.parametrize("seed", range(3))
def test_a_change_gives_what_a_full_run_gives(park: Store, operators: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    request = resolve(MEASURE, ASKED | {"operators": operators}, {})
    quick, slow = answers(park, MEASURE, request), Anew(park, MEASURE, request)
    assert isinstance(quick, Local)
    assert quick.shares() == slow.shares()
    scenario = change_of(park, rng)
    while scenario[0]["op"] in {"remove", "add"}:
        scenario = change_of(park, rng)
    for _ in range(4):
        change = change_of(park, rng)
        assert quick.preview([], change).after == slow.preview([], change).after
        assert quick.preview(scenario, change).after == slow.preview(scenario, change).after  # what is known of a scenario is as good


def test_only_what_hears_the_device_is_judged_again(park: Store) -> None:
    """A head of little power inside a building leaves most of the park as it is; what opens and closes adds up."""
    quick = answers(park, MEASURE, resolve(MEASURE, ASKED | {"rsrp_dbm": -70.0, "sinr_db": "none"}, {}))
    whole = quick.preview([], [{"op": "set", "id": "a1", "values": {"eirp_dbm": 40.0}}])
    found = quick.preview([], [{"op": "set", "id": "h1", "values": {"eirp_dbm": 10.0}}])
    assert found.cells < whole.cells
    opened, closed = (sum(each.amount for each in whole.gaps if each.kind == kind) for kind in ("opened", "closed"))
    assert opened > 0
    assert closed - opened == pytest.approx(whole.after.numerator - whole.before.numerator)
    assert {gap.reason for gap in whole.gaps if gap.kind == "opened" and gap.geometry is not None} <= {"below_threshold", "occluded"}


def test_shadowing_is_computed_anew(park: Store, tmp_path: Path) -> None:
    assert isinstance(answers(park, MEASURE, resolve(MEASURE, ASKED | {"sigma_db": 6.0}, {})), Anew)
    assert with_changes(park, []) is park
    assert not list(tmp_path.iterdir())
