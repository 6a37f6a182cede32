"""Main offices and the facilities near them, on a street drawn here, where every way is known by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import resolve
from twin.measures.office_service_proximity_share import MEASURE
from twin.measures.report import result_json, sentence
from twin.model import Device, FeatureTable, Layer, Park
from twin.result import Result
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Rows = Sequence[tuple[str, Any, Mapping[str, Any]]]
Make = Callable[..., Store]
STREET = [("s", shapely.LineString([(-500, 0), (500, 0)]), {"class": "footway"})]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def office(k: int, **row: Any) -> tuple[str, Any, Mapping[str, Any]]:
    """An office of 20 x 10 m, five metres north of the street, whose door is in the middle of its south side."""
    return f"B{k}", shapely.box(100 * k, 5, 100 * k + 20, 15), {"usage": "office", "main_office": True, "height_m": 12.0} | row


def door(k: int) -> tuple[str, Any, Mapping[str, Any]]:
    return f"D{k}", shapely.Point(100 * k + 10, 5), {"class": "building_main_entrance", "building_id": f"B{k}"}


def locker(name: str, x: float, y: float, *, kind: str = "locker", **more: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    return Device(name, kind, name, float(lon), float(lat), **more)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = count()

    def build(devices: Sequence[Device] = (), **layers: Rows) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, rows in layers.items():
                names = sorted({name for _, _, row in rows for name in row})
                columns = {name: [row.get(name) for _, _, row in rows] for name in names}
                shapes = np.array([lonlat(shape) for _, shape, _ in rows], object)
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable([name for name, _, _ in rows], shapes, columns), source="t")
            writer.put_devices(devices, source="t")
        return store

    return build


def measure(store: Store, **given: Any) -> Result:
    return MEASURE.compute(store, resolve(MEASURE, given, {}))


def three(result: Result) -> tuple[float | None, float | None, float | None]:
    return result.lower, result.value, result.upper


def test_inside_or_along_the_street(make: Make) -> None:
    devices = [locker("in", 5, 10), locker("street", 160, -3)]
    store = make(devices, building=[office(0), office(1), office(2), office(4)], key_position=[door(k) for k in (0, 1, 2, 4)], path=STREET)
    result = measure(store)
    assert three(result) == (0.75, 0.75, 0.75)
    rows = {row["id"]: row for row in result.extra["offices"]}
    assert rows["B0"]["inside"] == ["in"]
    assert rows["B1"]["walk_m"] == pytest.approx(5 + 50 + 3, abs=0.1)
    assert rows["B2"]["walk_m"] == pytest.approx(5 + 50 + 3, abs=0.1)
    assert [(gap.id, gap.reason) for gap in result.gaps] == [("B4", "out_of_range")]
    assert result.gaps[0].shortfall == pytest.approx(5 + 250 + 3 - 100, abs=0.1)
    assert result.extra["coverage"] == "some"
    assert {row["id"]: (row["covered"], row["lost"]) for row in result.devices} == {"in": (1, 1), "street": (2, 2)}


def test_the_three_modes_and_the_distance(make: Make) -> None:
    store = make(
        [locker("in", 5, 10), locker("out", 160, -3)], building=[office(0), office(1)], key_position=[door(0), door(1)], path=STREET
    )
    assert [measure(store, mode=mode).numerator for mode in ("either", "inside", "walk")] == [2, 1, 2]
    assert measure(store, max_walk_m=57).numerator == 1
    assert measure(store, max_walk_m=59).numerator == 2


def test_the_kinds_and_statuses_that_count(make: Make) -> None:
    devices = [
        locker("a", 5, 10, status="planned"),
        locker("b", 105, 10, kind="other", attributes={"class": "unmanned shop"}),
        locker("c", 205, 10, kind="kiosk"),
    ]
    store = make(devices, building=[office(0), office(1), office(2)], key_position=[door(k) for k in range(3)], path=STREET)
    assert measure(store).numerator == 0
    assert measure(store, kinds="unmanned shop").numerator == 1
    assert measure(store, kinds="kiosk,unmanned shop,locker", statuses="in_service,planned", mode="inside").extra["coverage"] == "all"


def test_as_the_crow_flies_is_not_the_way(make: Make) -> None:
    """A locker behind the office: 30 m off, but the way leads along the street and back up a lane 60 m away."""
    lane = [*STREET, ("l", shapely.LineString([(70, 0), (70, 45), (10, 45)]), {})]
    store = make([locker("behind", 10, 45)], building=[office(0)], key_position=[door(0)], path=lane)
    row = measure(store).extra["offices"][0]
    assert row["walk_m"] == pytest.approx(5 + 60 + 45 + 60, abs=0.2)
    assert row["straight_m"] == pytest.approx(30, abs=0.1)
    assert three(measure(store)) == (0, 0, 0)


def test_an_entrance_nobody_knows_may_be_on_the_far_side(make: Make) -> None:
    store = make([locker("l", 90, 0)], building=[office(0)], path=STREET)
    result = measure(store)
    assert three(result) == (0.0, 1.0, 1.0)
    assert [row["what"] for row in result.sensitivity] == ["entrances"]
    assert "entrance_assumed" in [warning["code"] for warning in result.warnings]
    assert three(measure(make([locker("l", 30, 0)], building=[office(0)], path=STREET))) == (1.0, 1.0, 1.0)


def test_a_place_no_way_leads_to_may_be_near_all_the_same(make: Make) -> None:
    store = make([locker("l", 10, -90)], building=[office(0)], key_position=[door(0)], path=STREET)
    result = measure(store)
    assert three(result) == (0.0, 0.0, 1.0)
    assert [row["what"] for row in result.sensitivity] == ["ways"]
    assert three(measure(make([locker("l", 10, -100)], building=[office(0)], key_position=[door(0)], path=STREET))) == (0.0, 0.0, 0.0)


def test_an_empty_register_is_refused_and_never_made_up(make: Make) -> None:
    store = make([locker("l", 5, 10)], building=[office(0, main_office=None), office(1, main_office=False)], path=STREET)
    with pytest.raises(MissingInput) as caught:
        measure(store)
    assert "B0" in caught.value.hint("en")
    assert caught.value.text("zh") != caught.value.text("en")
    by_usage = measure(store, register="usage")
    assert by_usage.denominator == 2
    assert "register_by_usage" in [warning["code"] for warning in by_usage.warnings]
    assert measure(store, offices="B1").denominator == 1


def test_no_facilities_and_offices_that_do_not_count(make: Make) -> None:
    edge = [("e", shapely.box(-20, -50, 250, 50), {})]
    result = measure(make(building=[office(0), office(1, status="planned"), office(4)], path=STREET, boundary=edge))
    assert three(result) == (0.0, 0.0, 0.0)
    assert {each["reason"]: each["amount"] for each in result.exclusions} == {"not_in_service": 1, "outside_boundary": 1}
    assert [gap.reason for gap in result.gaps] == ["no_device"]
    told = result_json(result, "zh")
    assert all(warning["message"] != warning["code"] for warning in told["warnings"])
    for warning in result.warnings:
        assert sentence(warning, "zh") != sentence(warning, "en")


def test_a_park_without_any_way_still_answers(make: Make) -> None:
    result = measure(make([locker("in", 5, 10), locker("far", 900, 0)], building=[office(0), office(1)]))
    assert three(result) == (0.5, 0.5, 1.0)
    assert result.extra["offices"][1]["walk_m"] is None


def test_one_more_facility_never_serves_less(make: Make) -> None:
    rng = np.random.default_rng(3)
    places = rng.uniform([-50, -20], [450, 25], (6, 2))
    layers: dict[str, Any] = {"building": [office(k) for k in range(4)], "key_position": [door(k) for k in range(4)], "path": STREET}
    found = [three(measure(make([locker(f"l{i}", x, y) for i, (x, y) in enumerate(places[:k])], **layers))) for k in range(7)]
    for column in zip(*found, strict=True):
        assert list(column) == sorted(column)
    assert all(low <= value <= high for low, value, high in found)
