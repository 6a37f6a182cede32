"""The charging measure on small parks written here: what counts as a bay, as a charger, and as within reach."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import compute
from twin.measures.chargers import gather_posts
from twin.measures.report import result_json
from twin.model import Device, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Rows = Sequence[tuple[str, Any, Mapping[str, Any]]]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def post(name: str, x: float, y: float, *, status: str = "in_service", storey_id: str | None = None, **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    return Device(name, "charger", name, float(lon), float(lat), storey_id=storey_id, status=status, attributes=attributes)


def bays(n: int, y: float = 0.0, **row: Any) -> Rows:
    return [(f"b{y:g}-{i}", shapely.box(2.5 * i, y, 2.5 * i + 2.5, y + 5), row) for i in range(n)]


Make = Callable[..., Store]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A park with layers given as kind -> rows of (id, geometry, attributes)."""
    numbers = count()

    def build(devices: Sequence[Device], content: ModelContent | None = None, **layers: Rows) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, rows in layers.items():
                names = sorted({name for _, _, row in rows for name in row})
                columns = {name: [row.get(name) for _, _, row in rows] for name in names}
                shapes = np.array([lonlat(shape) for _, shape, _ in rows], object)
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable([name for name, _, _ in rows], shapes, columns), source="t")
            writer.put_devices(devices, source="t")
            if content is not None:
                writer.put_model(content)
        return store

    return build


def test_two_guns_among_three_bays(make: Make) -> None:
    result = compute(make([post("c", 3.75, -0.5, connectors=2, cable_m=5)], parking_bay=bays(3)), "charging_space_share")
    assert (result.numerator, result.denominator) == (2, 3)
    assert result.value == 2 / 3
    assert (result.lower, result.upper) == (2 / 3, 2 / 3)
    assert [(gap.reason, gap.amount) for gap in result.gaps] == [("not_served", 1.0)]
    assert result.samples is not None
    assert result.samples.state.tolist().count(1) == 2


def test_a_wall_between(make: Make) -> None:
    wall = [("w", shapely.LineString([(-5, -0.7), (20, -0.7)]), {"height_m": 2.5, "class": "wall"})]
    result = compute(make([post("c", 3.75, -1.5, connectors=2)], parking_bay=bays(3), barrier=wall), "charging_space_share")
    assert result.value == 0.0
    assert [gap.reason for gap in result.gaps] == ["occluded"]


def test_a_charger_drawn_inside_a_wall_is_said_and_is_not_sure(make: Make) -> None:
    wall = [("w", shapely.LineString([(-5, -0.7), (20, -0.7)]), {"height_m": 2.5, "class": "wall"})]
    store = make([post("c", 3.75, -0.7, connectors=2, cable_m=5)], parking_bay=bays(3), barrier=wall)
    result = compute(store, "charging_space_share")
    assert (result.lower, result.value, result.upper) == (0.0, 2 / 3, 2 / 3)
    assert [warning["code"] for warning in result.warnings] == ["charger_in_wall"]
    assert [row["what"] for row in result.sensitivity] == ["position"]


def test_planned_ones_are_told_apart(make: Make) -> None:
    devices = [post("a", 1.0, -0.5, connectors=1), post("b", 8.0, -0.5, connectors=1, status="planned")]
    devices.append(post("x", 4.0, -0.5, connectors=2, status="out_of_service"))
    store = make(devices, parking_bay=bays(10))
    both, built, planned = (compute(store, "charging_space_share", {"count": count}) for count in ("both", "in_service", "planned"))
    assert [result.numerator for result in (both, built, planned)] == [2, 1, 1]
    assert both.extra["shares"]["in_service"]["value"] == 0.1
    assert both.extra["shares"]["planned"]["value"] == 0.1


def test_a_charger_that_does_not_say_its_connectors(make: Make) -> None:
    result = compute(make([post("c", 3.75, -0.5)], parking_bay=bays(3)), "charging_space_share")
    assert (result.lower, result.value, result.upper) == (1 / 3, 1 / 3, 2 / 3)
    assert [(warning["code"], warning.get("attribute")) for warning in result.warnings] == [
        ("connectors_assumed", None),
        ("attribute_assumed", "cable_m"),
    ]
    assert (result.inputs["defaulted_share"], result.inputs["resting_share"]) == (1.0, 1.0)
    assert [(row["what"], row["lower"], row["upper"]) for row in result.sensitivity] == [("connectors", 1 / 3, 2 / 3)]


def test_a_reach_that_was_asked_for_is_not_assumed(make: Make) -> None:
    store = make([post("c", 3.75, -0.5, connectors=1)], parking_bay=bays(3))
    result = compute(store, "charging_space_share", {"reach_m": 3.0})
    assert result.warnings == []
    assert result.inputs["defaulted_share"] == 0.0


def test_the_cable_and_the_parameter(make: Make) -> None:
    store = make([post("c", 3.75, -4.0, connectors=3, cable_m=2.0)], parking_bay=bays(3))
    assert compute(store, "charging_space_share").value == 0.0
    assert compute(store, "charging_space_share", {"reach_m": 4.5}).value == 1.0


def test_bicycles_have_no_part_in_it(make: Make) -> None:
    rows = [*bays(4), *bays(6, 20.0, **{"class": "非机动车"})]
    devices = [post("c", 1.0, -0.5, connectors=1), post("e", 6.0, -0.5, connectors=10, type="e-bike")]
    result = compute(make(devices, parking_bay=rows), "charging_space_share")
    assert (result.numerator, result.denominator) == (1, 4)
    assert result.exclusions == [{"reason": "two_wheeled", "amount": 6}]
    assert "two_wheeled_left_out" in [warning["code"] for warning in result.warnings]


def test_classes_and_the_boundary(make: Make) -> None:
    rows = [*bays(4, **{"class": "standard"}), *bays(2, 10.0, **{"class": "accessible"}), *bays(3, 500.0, **{"class": "standard"})]
    edge = [("e", shapely.box(-50, -50, 100, 100), {})]
    store = make([post("c", 1.0, 9.5, connectors=1)], parking_bay=rows, boundary=edge)
    every = compute(store, "charging_space_share")
    assert every.denominator == 6
    assert every.exclusions == [{"reason": "outside_boundary", "amount": 3}]
    accessible = compute(store, "charging_space_share", {"bay_classes": "accessible"})
    assert (accessible.numerator, accessible.denominator) == (1, 2)


def test_car_parks_are_told_apart(make: Make) -> None:
    areas = [("P1", shapely.box(-1, -1, 30, 6), {"name": "North"}), ("P2", shapely.box(-1, 49, 30, 56), {"name": "South"})]
    store = make([post("c", 1.0, -0.5, connectors=2)], parking_bay=[*bays(4), *bays(5, 50.0)], parking_area=areas)
    result = compute(store, "charging_space_share")
    zones = {zone["id"]: zone for zone in result.zones}
    assert (zones["P1"]["covered"], zones["P1"]["amount"], zones["P1"]["name"]) == (2, 4, "North")
    assert (zones["P2"]["value"], zones["P2"]["amount"]) == (0.0, 5)
    gaps = {(gap.zone, gap.reason): gap.amount for gap in result.gaps}
    assert gaps[("P2", "out_of_range")] == 5.0
    assert sum(amount for (zone, _), amount in gaps.items() if zone == "P1") == 2.0
    assert sum(gaps.values()) == result.denominator - result.numerator


def test_what_is_declared_counts_where_nothing_is_drawn(make: Make) -> None:
    areas = [("P1", shapely.box(0, 0, 60, 40), {"capacity": 80}), ("P2", shapely.box(100, 0, 160, 40), {})]
    result = compute(make([post("c", 10, 10, connectors=4), post("d", 30, 10, connectors=4)], parking_area=areas), "charging_space_share")
    assert (result.numerator, result.denominator) == (8, 80)
    assert [warning["code"] for warning in result.warnings] == [
        "bays_declared",
        "capacity_missing",
        "attribute_assumed",
    ]
    for lang in ("en", "zh"):
        assert all(warning["message"] != warning["code"] for warning in result_json(result, lang)["warnings"])


def garage() -> ModelContent:
    outline = shapely.box(0, 0, 60, 20)
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    model = Model("m", "garage", "IFC4", "0" * 64, place, lonlat(outline), 496.0, 500.0)
    spaces = [
        Space("hall", "m", "B1", "hall", "Parking garage", "parking", lonlat(outline), 496.0, 3.0, 1200.0),
        Space("x", "m", "B1", "x", "office", "office", lonlat(shapely.box(60, 0, 70, 10)), 496.0, 3.0, 100.0),
    ]
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    storeys = [Storey("B1", "m", "B1", -4.0, 496.0, 4.0), Storey("F1", "m", "F1", 0.0, 500.0, 4.0)]
    return ModelContent(model, storeys, spaces, [], empty)


def test_rooms_count_where_there_is_nothing_else(make: Make) -> None:
    devices = [post("c", 10, 10, connectors=4, storey_id="B1"), post("above", 30, 10, connectors=4, storey_id="F1")]
    result = compute(make(devices, garage()), "charging_space_share")
    assert (result.numerator, result.denominator) == (4, 40)
    assert result.extra["chargers_without_bay"] == ["above"]


def test_a_storey_apart_is_out_of_reach(make: Make) -> None:
    rows = bays(4, storey_id="B1", building_id="m")
    store = make([post("c", 3.75, 2.0, connectors=4, storey_id="F1"), post("g", 3.75, 2.0, connectors=4)], garage(), parking_bay=rows)
    assert compute(store, "charging_space_share").value == 0.0


def test_a_park_without_bays_is_refused(make: Make) -> None:
    with pytest.raises(MissingInput):
        compute(make([post("c", 0, 0)]), "charging_space_share")


def test_no_charger_is_said(make: Make) -> None:
    result = compute(make([], parking_bay=bays(3)), "charging_space_share")
    assert result.value == 0.0
    assert [gap.reason for gap in result.gaps] == ["no_device"]
    assert [warning["code"] for warning in result.warnings] == ["no_devices"]


def test_three_shares_by_status(make: Make) -> None:
    devices = [post(name, 2.5 * k + 1.25, -0.5, status=name, connectors=1, cable_m=2) for k, name in enumerate(STATUSES)]
    result = compute(make(devices, parking_bay=bays(10)), "charging_space_share")
    assert {name: share["served"] for name, share in result.extra["shares"].items()} == {
        "in_service": 1, "reserved": 1, "planned": 2, "both": 4,
    }  # fmt: skip
    assert result.value == 0.4


STATUSES = ("in_service", "reserved", "planned", "building")


def test_bays_that_cannot_be_used_are_left_out_and_said(make: Make) -> None:
    rows = [*bays(4), *bays(3, 10.0, status="out_of_service"), *bays(2, 20.0, **{"class": "预留"}), *bays(1, 30.0, status="planned")]
    result = compute(make([post("c", 1.0, -0.5, connectors=1)], parking_bay=rows), "charging_space_share")
    assert result.denominator == 4
    assert {each["reason"]: each["amount"] for each in result.exclusions} == {"blocked": 3, "reserved": 2, "planned": 1}


def test_accessible_bays_and_kinds_of_current(make: Make) -> None:
    rows = [*bays(4), *bays(2, 20.0, **{"class": "无障碍车位"})]
    devices = [
        post("ac", 2.5, -0.5, connectors=2, cable_m=5, current="AC", power_kw=7, functions="networked"),
        post("dc", 2.5, 19.5, connectors=1, cable_m=5, current="dc"),
    ]
    extra = compute(make(devices, parking_bay=rows), "charging_space_share").extra
    assert extra["accessible"] == {"bays": 2, "served": 1, "value": 0.5}
    assert (extra["power"]["ac"]["connectors"], extra["power"]["ac"]["power_kw"], extra["power"]["ac"]["served"]) == (2, 7, 2)
    assert extra["power"]["dc"]["power_unknown"] == 1
    assert extra["by_count"] == {"chargers": 2 / 6, "connectors": 3 / 6}
    assert extra["functions"] == {"self_service": {"no": 1, "unknown": 1}, "networked": {"yes": 1, "unknown": 1}}


def test_connectors_that_cannot_be_fed_at_once(make: Make) -> None:
    result = compute(make([post("c", 3.75, -0.5, connectors=4, simultaneous=1, cable_m=5)], parking_bay=bays(3)), "charging_space_share")
    assert result.numerator == 1


def test_what_each_charger_serves_and_what_would_be_lost(make: Make) -> None:
    devices = [post("a", 1.25, -0.5, connectors=1, cable_m=1.5), post("b", 1.5, -0.5, connectors=1, cable_m=1.5)]
    devices.append(post("far", 90.0, 90.0, connectors=2, cable_m=5))
    result = compute(make(devices, parking_bay=bays(1)), "charging_space_share")
    assert sorted((row["covered"], row["lost"]) for row in result.devices) == [(0, 0), (0, 0), (1, 0)]
    assert result.extra["chargers_without_bay"] == ["far"]


def test_how_much_cable_is_missing(make: Make) -> None:
    result = compute(make([post("c", 3.75, -10.0, connectors=3, cable_m=2.5)], parking_bay=bays(3)), "charging_space_share")
    assert [(gap.reason, gap.shortfall_unit) for gap in result.gaps] == [("out_of_range", "m")]
    assert result.gaps[0].shortfall == pytest.approx(8.0, abs=1e-3)


def test_a_fence_a_lane_and_what_they_are_called(make: Make) -> None:
    devices = [post("c", 3.75, -1.5, connectors=2, cable_m=5)]
    across = shapely.LineString([(-50, -0.7), (60, -0.7)])
    for kind, row in (("barrier", {"class": "fence"}), ("road", {"class": "service"})):
        result = compute(make(devices, parking_bay=bays(3), **{kind: [("w", across, row)]}), "charging_space_share")
        assert result.value == 0.0
        assert [(gap.reason, list(gap.blockers)) for gap in result.gaps] == [("occluded", [f"{kind}/w"])]


def test_footways_and_gates_are_no_obstacle(make: Make) -> None:
    across = shapely.LineString([(-50, -0.7), (60, -0.7)])
    layers = {"barrier": [("g", across, {"class": "gate"})], "road": [("f", across, {"class": "footway"})]}
    result = compute(make([post("c", 3.75, -1.5, connectors=2, cable_m=5)], parking_bay=bays(3), **layers), "charging_space_share")
    assert result.numerator == 2


def test_where_the_inlet_is_opens_the_lower_bound(make: Make) -> None:
    store = make([post("c", 1.25, -0.5, connectors=1, cable_m=3)], parking_bay=bays(1))
    result = compute(store, "charging_space_share")
    assert (result.lower, result.value, result.upper) == (1.0, 1.0, 1.0)
    fixed = compute(store, "charging_space_share", {"turnable": False})
    assert (fixed.lower, fixed.value, fixed.upper) == (0.0, 1.0, 1.0)
    assert [row["what"] for row in fixed.sensitivity] == ["inlet"]
    assert fixed.samples is not None
    assert fixed.samples.state.tolist() == [-1]


def test_a_charger_without_a_place_is_said(make: Make) -> None:
    store = make([post("c", 3.75, -0.5, connectors=2, cable_m=5)], parking_bay=bays(3))
    lost = replace(store.devices()[0], id="lost", lon=float("nan"))
    posts = gather_posts(_Among(store, [*store.devices(), lost]), frozenset({"in_service"}), reach_m=None, slack_m=0.5)  # type: ignore[arg-type]
    assert list(posts.nowhere) == ["lost"]
    assert len(posts) == 1


class _Among:
    """A store with other devices."""

    def __init__(self, store: Store, devices: Sequence[Device]) -> None:
        self._store, self._devices = store, devices

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def devices(self, kind: str | None = None) -> Sequence[Device]:
        return self._devices
