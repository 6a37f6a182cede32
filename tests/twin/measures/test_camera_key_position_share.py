"""Key positions and their cameras on small parks written here: each rule, each kind of position, lifts by id, rooms from models."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import compute
from twin.measures.positions import class_of, position_classes
from twin.measures.report import result_json
from twin.measures.sees import sees
from twin.measures.usages import usage_in
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Make = Callable[..., Store]
COARSE = {"density_px_per_m": 20}


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def camera(name: str, x: float, y: float, *, azimuth: float | None = 0.0, height_m: float = 4.0, **more: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    own = {key: more.pop(key) for key in ("storey_id", "space_id") if key in more}
    optics = {"azimuth_deg": azimuth, "tilt_deg": 15.0, "hfov_deg": 80.0, "vfov_deg": 60.0, "pixels_w": 3840, "pixels_h": 2160} | more
    known = {key: value for key, value in optics.items() if value is not None}
    return Device(name, "camera", name, float(lon), float(lat), height_m=height_m, attributes=known, **own)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(
        devices: Sequence[Device], positions: Sequence[tuple[Any, str]] = (), columns: Mapping[str, Sequence[Any]] | None = None, *,
        buildings: Sequence[Any] = (), model: ModelContent | None = None,
    ) -> Store:  # fmt: skip
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            if positions:
                writer.put_layer(Layer("kp", "key_position", "kp"))
                shapes = np.array([lonlat(shape) for shape, _ in positions], object)
                own = {"class": [kind for _, kind in positions]} | dict(columns or {})
                writer.put_features("kp", FeatureTable([f"k{i}" for i in range(len(positions))], shapes, own), source="t")
            if buildings:
                writer.put_layer(Layer("building", "building", "building"))
                shapes = np.array([lonlat(shape) for shape in buildings], object)
                names = [f"b{i}" for i in range(len(buildings))]
                writer.put_features("building", FeatureTable(names, shapes, {"height_m": [9.0] * len(buildings)}), source="t")
            writer.put_devices(devices, source="t")
            if model is not None:
                writer.put_model(model)
        return store

    return build


def states(result: Any) -> dict[str, bool]:
    return {row["id"]: row["covered"] for row in result.extra["positions"]}


GATE, CROSSING = shapely.Point(0, 15), shapely.Point(40, 0)


def test_a_point_counts_when_a_camera_sees_it(make: Make) -> None:
    store = make([camera("c", 0, 0)], [(GATE, "park_entrance"), (CROSSING, "road_intersection")])
    result = compute(store, "camera_key_position_share", COARSE)
    assert (result.value, result.lower, result.upper, result.numerator, result.denominator) == (0.5, 0.5, 0.5, 1, 2)
    assert states(result) == {"k0": True, "k1": False}
    assert [(gap.id, gap.reason, gap.zone) for gap in result.gaps] == [("k1", "outside_field_of_view", "road_intersection")]
    assert {zone["id"]: zone["value"] for zone in result.zones} == {"park_entrance": 1.0, "road_intersection": 0.0}
    assert result.extra["positions"][0]["cameras"] == ["c"]


def test_a_building_in_between_hides_and_is_named(make: Make) -> None:
    store = make([camera("c", 0, 0)], [(GATE, "park_entrance")], buildings=[shapely.box(-6, 5, 6, 10)])
    result = compute(store, "camera_key_position_share", COARSE)
    assert result.value == 0
    assert [(gap.reason, list(gap.blockers)) for gap in result.gaps] == [("occluded", ["building/b0"])]


def test_a_door_on_the_wall_is_seen_by_who_stands_before_it(make: Make) -> None:
    """The register puts the entrance on the outline: only one side of it is outdoors."""
    entrance = [(shapely.Point(0, 14.9999), "building_main_entrance"), (shapely.Point(0, 15.2), "building_main_entrance")]
    store = make([camera("c", 0, 0)], entrance, buildings=[shapely.box(-10, 15, 10, 30)])
    assert compute(store, "camera_key_position_share", COARSE).value == 1
    behind = make_devices(store, [camera("c", 0, 45)])
    assert compute(behind, "camera_key_position_share", COARSE).value == 0


def make_devices(store: Store, devices: Sequence[Device]) -> Store:
    with store.transaction() as writer:
        writer.put_devices(devices, source="t")
    return store


def test_an_area_needs_its_share_and_a_line_too(make: Make) -> None:
    """The field of view is 80 degrees wide: |x| <= 0.839 depth."""
    wide, narrow = shapely.box(-30, 12, 30, 14), shapely.box(-5, 12, 5, 14)
    line = shapely.LineString([(-30, 13), (30, 13)])
    store = make([camera("c", 0, 0)], [(wide, "lobby"), (narrow, "lobby"), (line, "fire_passage")])
    result = compute(store, "camera_key_position_share", COARSE)
    assert states(result) == {"k0": False, "k1": True, "k2": False}
    shares = {row["id"]: row["share"] for row in result.extra["positions"]}
    assert shares["k0"] == pytest.approx(shares["k2"], abs=0.02)
    assert 0.3 < shares["k0"] < 0.5
    assert compute(store, "camera_key_position_share", COARSE | {"area_share": 0.3}).value == 1


def test_rule_area_asks_for_the_ground_round_a_point(make: Make) -> None:
    edge = shapely.Point(11.0, 14.0)  # just inside the field of view; a part of the ground round it is not
    store = make([camera("c", 0, 0)], [(edge, "park_entrance"), (GATE, "park_entrance")])
    assert states(compute(store, "camera_key_position_share", COARSE)) == {"k0": True, "k1": True}
    assert states(compute(store, "camera_key_position_share", COARSE | {"rule": "area"})) == {"k0": False, "k1": True}


def test_rule_installed_asks_for_a_camera_at_the_place(make: Make) -> None:
    store = make([camera("c", 0, 8, azimuth=180.0)], [(GATE, "park_entrance"), (shapely.Point(0, -30), "park_entrance")])
    found = compute(store, "camera_key_position_share", {"rule": "installed"})
    assert states(found) == {"k0": True, "k1": False}
    assert [gap.reason for gap in found.gaps] == ["not_installed"]
    assert compute(store, "camera_key_position_share", {"rule": "installed", "near_m": 5}).value == 0


def test_a_lift_has_the_camera_that_says_it_rides_in_it(make: Make) -> None:
    lifts = [(shapely.Point(0, 0), "电梯"), (shapely.Point(30, 0), "elevator"), (shapely.Point(60, 0), "elevator")]
    cameras = [camera("in", 500, 0, mounted_on="LIFT-1"), camera("beside", 33, 0), camera("near", 59, 0, height_m=2.2)]
    store = make(cameras, lifts, {"element_id": ["LIFT-1", "LIFT-2", None]})
    assert states(compute(store, "camera_key_position_share")) == {"k0": True, "k1": False, "k2": True}


def test_unknown_direction_opens_the_bounds_and_k_asks_for_more(make: Make) -> None:
    store = make([camera("c", 0, 0, azimuth=None, range_m=40), camera("d", 1, 0)], [(GATE, "gate"), (shapely.Point(0, -15), "gate")])
    result = compute(store, "camera_key_position_share", COARSE)
    assert (result.lower, result.value, result.upper) == (0.5, 0.5, 1.0)
    two = compute(store, "camera_key_position_share", COARSE | {"k": 2})
    assert (two.lower, two.value, two.upper) == (0.0, 0.0, 0.5)


def rooms() -> ModelContent:
    """A storey at 503 m with a lobby, a server room, a canteen and a lift; nothing is built but the lift."""
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(20, 0, 30, 10)]
    spaces = [
        Space(f"s{i}", "m", "st", name, name, None, lonlat(shape), 503.0, 3.0, 100.0)
        for i, (shape, name) in enumerate(zip(shapes, ("Entrance lobby", "弱电机房", "员工食堂"), strict=True))
    ]
    lift = Element("L1", "m", "IfcTransportElement", "Lift 1", "st", state="built", bbox=(35, 0, 3, 37, 2, 5.5))
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    model = Model("m", "m", "IFC4", "0" * 64, place, lonlat(shapely.box(0, 0, 30, 10)), 503.0, 506.0)
    mesh = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(model, [Storey("st", "m", "1", 3.0, 503.0, 3.0)], spaces, [lift], mesh)


def test_a_camera_drawn_into_a_wall_is_told(make: Make) -> None:
    wall = closed(bounds=[(-0.1, -5, 0), (0.1, 5, 3)])
    faces = np.asarray(wall.faces, np.uint32)
    mesh = Mesh(np.asarray(wall.vertices), faces, np.zeros(len(faces), np.uint32), np.full((len(faces), 4), 255, np.uint8), ["W1"])
    model = replace(rooms(), elements=[Element("W1", "m", "IfcWall", "wall", state="built")], mesh=mesh)
    within, beside = camera("in", 0.0, 0.0, height_m=2.0), camera("off", 0.0, 6.0, height_m=2.0)
    store = make([within, beside], [(GATE, "park_entrance")], model=model)
    for measure in ("camera_key_position_share", "camera_area_share"):
        told = [warning for warning in compute(store, measure, COARSE).warnings if warning["code"] == "camera_in_body"]
        assert [warning["ids"] for warning in told] == [["in"]]


def test_rooms_and_lifts_of_models_stand_in_for_missing_classes(make: Make) -> None:
    eye = camera("c", 5, 5, ptz="fisheye", azimuth=None, tilt_deg=None, hfov_deg=None, storey_id="st", height_m=2.8)
    store = make([eye, camera("l", 36, 1, storey_id="st", height_m=2.0)], [(GATE, "park_entrance")], model=rooms())
    result = compute(store, "camera_key_position_share", COARSE)
    assert {zone["id"]: zone["amount"] for zone in result.zones} == {
        "park_entrance": 1, "lobby": 1, "elevator": 1, "machine_room": 1, "dining_consumption": 1,
    }  # fmt: skip
    assert states(result)["s0"]
    assert states(result)["L1"]
    said = {warning["code"]: warning["subject"] for warning in result.warnings}
    assert said["position_class_derived"] == "lobby, elevator, machine_room, dining_consumption"
    assert said["position_class_absent"] == "road_intersection, building_main_entrance, fire_passage"
    alone = compute(store, "camera_key_position_share", COARSE | {"derive": False})
    assert alone.denominator == 1
    for lang in ("en", "zh"):
        assert all(warning["message"] != warning["code"] for warning in result_json(result, lang)["warnings"])


def test_a_park_without_positions_says_so(make: Make) -> None:
    with pytest.raises(MissingInput, match="key positions"):
        compute(make([camera("c", 0, 0)], [(GATE, "something else")]), "camera_key_position_share")


@pytest.mark.parametrize(
    ("said", "kind"),
    [("园区出入口", "park_entrance"), ("Main Gate", "park_main_entrance"), ("消防通道", "fire_passage"), ("电梯", "elevator"),
     ("机房", "machine_room"), ("建筑物主出入口", "building_main_entrance"), ("餐饮消费等公共区域", "dining_consumption"),
     ("fountain", None), ("road_intersection", "road_intersection")],
)  # fmt: skip
def test_registers_name_classes_in_their_own_words(said: str, kind: str | None) -> None:
    assert class_of(said) == kind
    assert kind is None or kind in position_classes()


@pytest.mark.parametrize(
    ("said", "usage"),
    [("Meeting Room 3.04", "meeting"), ("会议室", "meeting"), ("员工食堂", "canteen"), ("OFFICE", "office"),
     ("Lift machine room", "machine_room"),
     ("消防控制室", None), ("Entrance Hall", "lobby"), ("生产车间", "workshop"), ("R-101", None), ("Toilets", "toilet")],
)  # fmt: skip
def test_rooms_tell_their_usage(said: str, usage: str | None) -> None:
    assert usage_in(said) == usage


def test_sees_tells_who_sees_a_point_and_why_not(make: Make) -> None:
    store = make([camera("c", 0, 0), camera("d", 3, 0, azimuth=180.0), camera("e", -20, 15, azimuth=90.0), camera("f", 0, 0, azimuth=None)],
                 buildings=[shapely.box(-10, 12, -8, 18)])  # fmt: skip
    lon, lat, _ = FRAME.to_lonlat([[0.0, 15.0]])[0]
    answer = sees(store, float(lon), float(lat))
    assert answer["point"] == [pytest.approx(lon), pytest.approx(lat), 501.5]
    rows = {row["id"]: row for row in answer["cameras"]}
    assert answer["cameras"][0]["id"] == "c"
    assert rows["c"]["sees"]
    assert rows["c"]["px_per_m"] == pytest.approx(
        3840 / (2 * (15 * np.cos(np.radians(15)) + 2.5 * np.sin(np.radians(15))) * np.tan(np.radians(40))), rel=1e-3
    )
    assert rows["c"]["distance_m"] == pytest.approx(np.hypot(15, 2.5), abs=0.01)
    assert rows["c"]["level"] == "perceive"
    assert (rows["d"]["sees"], rows["d"]["reason"]) == (False, "outside_field_of_view")
    assert (rows["e"]["reason"], rows["e"]["blocked_by"]) == ("occluded", "building/b0")
    assert rows["f"]["reason"] == "direction_unknown"
    assert sees(store, float(lon), float(lat), 503.0)["point"][2] == 503.0


def test_classes_may_be_asked_for_by_their_words(make: Make) -> None:
    store = make([camera("c", 0, -10)], [(shapely.Point(0, 0), "园区出入口"), (shapely.Point(0, -50), "地磅")])
    for asked in ("地磅,大门", ["weighbridge", "park_entrance"]):
        result = compute(store, "camera_key_position_share", COARSE | {"classes": asked})
        assert (result.numerator, result.denominator) == (1, 2)
        assert {zone["id"] for zone in result.zones} == {"weighbridge", "park_entrance"}
