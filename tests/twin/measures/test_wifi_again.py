"""Wi-Fi coverage after changes to access points, judged again in part: bit for bit what judging everything says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage.heard import Book
from twin.crs import Frame
from twin.measures import resolve
from twin.measures.wifi_area_share import MEASURE
from twin.model import Device, FeatureTable, Layer, Park
from twin.scenario.anew import Anew, answers
from twin.scenario.partly import Local
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
BLOCKS = [(-30, -25, -15, -10, 6.0), (5, 10, 25, 22, 8.0)]
ASKED = {"surface": "outdoor_public_ground", "step_m": 8}
PLACES = [(-35, -30), (30, 25), (-20, 20), (0, 0), (25, -25)]


def lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return lon, lat


def access_point(name: str, x: float, y: float, **attributes: Any) -> Device:
    return Device(name, "wifi_ap", name, *lonlat(x, y), height_m=3.0, attributes={"freq_mhz": 5220, "eirp_dbm": 20.0} | attributes)


@pytest.fixture(scope="module")
def park(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Two buildings and five access points on level ground, one of which has two radios and one no power of its own."""
    store = create_store(tmp_path_factory.mktemp("wifi") / "park", Park("p", FRAME))
    devices = [access_point(f"ap{k}", *place) for k, place in enumerate(PLACES)]
    devices[1] = access_point("ap1", *PLACES[1], freq_mhz="2437; 5220")
    devices[2] = access_point("ap2", *PLACES[2], eirp_dbm=None)
    with store.transaction() as writer:
        writer.put_layer(Layer("boundary", "boundary", "boundary"))
        square = np.array([shapely.force_2d(FRAME.unproject(shapely.box(-48, -48, 48, 48)))], object)
        writer.put_features("boundary", FeatureTable(["b"], square), source="t")
        writer.put_layer(Layer("building", "building", "building"))
        shapes = np.array([shapely.force_2d(FRAME.unproject(shapely.box(*block[:4]))) for block in BLOCKS], object)
        table = FeatureTable(["building/0", "building/1"], shapes, {"height_m": [block[4] for block in BLOCKS]})
        writer.put_features("building", table, source="t")
        writer.put_devices(devices, source="t")
    return store


def change_of(rng: np.random.Generator) -> list[dict[str, Any]]:
    """Something done to an access point taken by chance."""
    name = f"ap{int(rng.integers(5))}"
    lon, lat = lonlat(*rng.uniform(-45, 45, 2))
    return [
        [{"op": "move", "id": name, "lon": lon, "lat": lat}],
        [{"op": "set", "id": name, "values": {"eirp_dbm": float(rng.uniform(5, 30))}}],
        [{"op": "remove", "id": name}],
        [
            {
                "op": "add",
                "id": "new",
                "device": {"kind": "wifi_ap", "lon": lon, "lat": lat, "height_m": 3.0, "attributes": {"eirp_dbm": 18}},
            }
        ],
    ][int(rng.integers(4))]


@pytest.mark.parametrize(("k", "secondary"), [(1, None), (2, None), (1, -70.0)])
def test_a_change_gives_what_a_full_run_gives(park: Store, k: int, secondary: float | None) -> None:
    rng = np.random.default_rng(k + (secondary is not None))
    given = ASKED | {"k": k} | ({} if secondary is None else {"secondary_dbm": secondary})
    request = resolve(MEASURE, given, {})
    quick, slow = answers(park, MEASURE, request), Anew(park, MEASURE, request)
    assert isinstance(quick, Local)
    assert quick.shares() == slow.shares()
    scenario = [{"op": "move", "id": "ap0", "lon": lonlat(10, -20)[0], "lat": lonlat(10, -20)[1]}]
    for _ in range(6):
        change = change_of(rng)
        assert quick.preview([], change).after == slow.preview([], change).after
        if change != [{"op": "remove", "id": "ap0"}]:
            assert quick.preview(scenario, change).after == slow.preview(scenario, change).after


def test_what_opens_and_closes_adds_up_and_says_why(park: Store) -> None:
    quick = answers(park, MEASURE, resolve(MEASURE, ASKED, {}))
    found = quick.preview([], [{"op": "remove", "id": "ap0"}])
    opened, closed = (sum(each.amount for each in found.gaps if each.kind == kind) for kind in ("opened", "closed"))
    assert opened > 0
    assert closed - opened == pytest.approx(found.after.numerator - found.before.numerator)
    assert {gap.reason for gap in found.gaps if gap.kind == "opened" and gap.geometry is not None} <= {"out_of_range", "occluded"}


def test_where_access_points_matter_to_each_other_all_is_computed(park: Store) -> None:
    assert isinstance(answers(park, MEASURE, resolve(MEASURE, ASKED | {"sinr_db": 10.0}, {})), Anew)
    assert isinstance(answers(park, MEASURE, resolve(MEASURE, ASKED | {"sigma_db": 4.0}, {})), Anew)


def test_what_was_forgotten_of_access_points_is_heard_again(park: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twin.measures.wifi_area_share.Book", lambda: Book(2_000))
    request = resolve(MEASURE, ASKED | {"target_height_m": 1.3}, {})
    quick, slow = answers(park, MEASURE, request), Anew(park, MEASURE, request)
    assert isinstance(quick, Local)
    for name in ("ap0", "ap3", "ap4"):
        change = [{"op": "remove", "id": name}]
        assert quick.preview([], change).after == slow.preview([], change).after
