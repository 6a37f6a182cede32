"""Key positions concluded from layers and models, and what people's corrections do to them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely import LineString, Point

from importers.contract import Options
from importers.pipeline import import_files
from sample_park import places, roads
from tests.drawn_parks import FRAME, boxed, building, drawn_park, put_layer, room
from twin.cli import run
from twin.errors import NotFound
from twin.measures.corrections import CONFIRMED, PLACED, REJECTED, Decision, decide, derived_positions
from twin.measures.derived import RULES
from twin.measures.positions import gather_positions, position_classes
from twin.model import Device, ModelContent, Park
from twin.store import Store, create_store

PARK = shapely.box(-100, -100, 100, 100)
HOUSE = shapely.box(0, 0, 20, 10)
OUTER = {"Pset_DoorCommon": {"IsExternal": True}}
CATALOGUE = (
    "park_main_entrance", "park_secondary_entrance", "park_entrance", "road_intersection", "building_main_entrance", "fire_passage",
    "lobby", "elevator", "machine_room", "dining_consumption", "perimeter", "main_building", "personnel_entrance", "vehicle_entrance",
    "building_floor_1_2", "building_ground_and_top_floor", "hazardous_waste_store_inside_outside", "weighbridge",
    "solid_waste_treatment", "pollution_control_facility", "solid_or_chemical_store", "environmental_emergency_facility",
    "env_monitoring_point", "construction_site", "emergency_assembly_point",
)  # fmt: skip


def found(store: Store, kind: str, **more: Any) -> list[Any]:
    return list(gather_positions(store, [kind], derive=True, **more).positions)


def test_each_of_the_25_classes_has_a_rule() -> None:
    assert len(CATALOGUE) == 25
    for kind in CATALOGUE:
        rules = position_classes()[kind]["derive"]
        assert rules
        assert set(rules) <= set(RULES)


def test_gates_are_told_apart_by_what_passes_through_them(tmp_path: Path) -> None:
    roads = [LineString([(0, 0), (0, -150)]), LineString([(0, 0), (150, 0)])]
    store = drawn_park(tmp_path / "p", {
        "b": ("boundary", [PARK], {}),
        "f": ("barrier", [PARK.exterior], {"class": ["fence"]}),
        "r": ("road", roads, {"id": ["south", "east"], "class": ["main", "secondary"], "width_m": [10.0, 7.0]}),
        "w": ("path", [LineString([(0, 50), (0, 150)])], {"id": ["north"]}),
    })  # fmt: skip
    ids = {kind: {position.origin_id for position in found(store, kind)} for kind in
           ("park_main_entrance", "park_secondary_entrance", "park_entrance", "vehicle_entrance", "personnel_entrance")}  # fmt: skip
    assert ids == {
        "park_main_entrance": {"south"}, "park_secondary_entrance": {"east"}, "park_entrance": {"south", "east", "north"},
        "vehicle_entrance": {"south", "east"}, "personnel_entrance": {"north"},
    }  # fmt: skip
    (main,) = found(store, "park_main_entrance")
    assert main.shape.distance(Point(0, -100)) < 0.1
    assert (main.origin, main.derived, main.state) == ("road_through_boundary", True, "derived")
    assert 0.5 <= main.confidence < 1


def test_crossings_are_where_three_arms_meet_on_one_level(tmp_path: Path) -> None:
    lines = {
        "cross_a": LineString([(-80, 0), (80, 0)]),
        "cross_b": LineString([(-40, -80), (-40, 80)]),  # crosses without a common corner
        "tee": LineString([(40, 0.4), (40, 60)]),  # ends 0.4 m short
        "over": LineString([(0, -80), (0, 80)]),  # a bridge
        "drive": LineString([(60, 0), (60, 30)]),  # a driveway
        "bend": LineString([(80, 0), (80, 50)]),  # carries on the first
    }
    columns = {
        "id": list(lines),
        "class": ["main", "main", "secondary", "main", "service", "main"],
        "bridge": [None] * 3 + ["yes", None, None],
    }
    positions = found(drawn_park(tmp_path / "p", {"r": ("road", list(lines.values()), columns)}), "road_intersection")
    places = sorted((round(position.shape.x), round(position.shape.y)) for position in positions)
    assert places == [(-40, 0), (40, 0)]


def test_a_dual_carriageway_makes_one_crossing_and_ids_follow_the_roads(tmp_path: Path) -> None:
    lines = [LineString([(-80, 0), (80, 0)]), LineString([(-80, 8), (80, 8)]), LineString([(0, -80), (0, 80)])]
    store = drawn_park(tmp_path / "p", {"r": ("road", lines, {"id": ["e", "w", "n"], "class": ["main"] * 3})})
    (crossing,) = found(store, "road_intersection")
    assert crossing.id == "road_intersection/e+n+w"
    assert crossing.shape.distance(Point(0, 4)) < 0.5


def house(**doors: Any) -> ModelContent:
    """A hall with an office; doors by name: box and what is said of them."""
    rooms = [room("Lobby", shapely.box(0, 0, 8, 10)), room("Office", shapely.box(8, 0, 20, 10))]
    elements = [boxed(name, "IfcDoor", box, properties=said) for name, (box, said) in doors.items()]
    return building(rooms, outline=HOUSE, elements=elements)


def test_the_main_entrance_is_the_outer_door_to_the_lobby_and_stands_before_the_wall(tmp_path: Path) -> None:
    content = house(
        side=((15, -0.1, 0.5, 17, 0.1, 2.6), OUTER | {"_ifc": {"joins": ["Office"]}}),
        front=((3, -0.1, 0.5, 4, 0.1, 2.6), OUTER | {"_ifc": {"joins": ["Lobby"]}}),
        inner=((7.9, 4, 0.5, 8.1, 5, 2.6), {"Pset_DoorCommon": {"IsExternal": False}, "_ifc": {"joins": ["Lobby", "Office"]}}),
        upstairs=((3, -0.1, 4.0, 5, 0.1, 6.1), OUTER | {"_ifc": {"joins": ["Lobby"]}}),
    )
    (entrance,) = found(drawn_park(tmp_path / "p", {}, [content]), "building_main_entrance")
    assert entrance.element_id == "front"
    assert entrance.shape.distance(Point(3.5, -1.2)) < 0.05
    assert entrance.id == "building_main_entrance/front"


def test_a_door_that_is_not_said_to_be_external_is_one_where_it_stands_in_the_outline(tmp_path: Path) -> None:
    content = house(
        front=((3, -0.1, 0.5, 4, 0.1, 2.6), {"_ifc": {"joins": ["Lobby"]}}),
        cupboard=((7, 4, 0.5, 7.2, 8, 2.6), {"_ifc": {"joins": ["Lobby"]}}),
    )
    (entrance,) = found(drawn_park(tmp_path / "p", {}, [content]), "building_main_entrance")
    assert entrance.element_id == "front"


def test_storeys_outlines_and_names_stand_for_their_classes(tmp_path: Path) -> None:
    layers = {
        "h": ("building", [HOUSE, shapely.box(50, 0, 60, 10), shapely.box(70, 0, 80, 10)],
              {"id": ["low", "tall", "mine"], "storeys": [1, 5, 2], "name": ["a", "总部主要建筑", "危废贮存间"]}),
        "z": ("zone", [shapely.box(-50, -50, -40, -40), Point(-60, -60), shapely.box(-80, -80, -70, -70)],
              {"class": ["assembly_point", "地磅", "construction site"]}),
        "o": ("road", [LineString([(0, 20), (50, 20)])], {"class": ["消防车道"]}),
    }  # fmt: skip
    sensor = Device("s", "sensor", "Air quality", 104.06, 30.66)
    store = drawn_park(tmp_path / "p", layers, devices=[sensor, replace(sensor, id="d", name="Door contact")])
    outlines = found(store, "building_floor_1_2")
    assert [position.id.split("/", 1)[1] for position in outlines] == ["low/1", "tall/1", "tall/2", "mine/1", "mine/2"]
    assert outlines[1].shape.length == pytest.approx(40, rel=1e-4)
    assert outlines[2].floor_z - outlines[1].floor_z > 1
    assert [position.origin_id for position in found(store, "building_ground_and_top_floor")] == [
        "low/1",
        "tall/1",
        "tall/5",
        "mine/1",
        "mine/2",
    ]
    for kind, origin in {
        "main_building": "tall", "hazardous_waste_store_inside_outside": "building/mine", "emergency_assembly_point": "zone/z-0",
        "weighbridge": "zone/z-1", "construction_site": "zone/z-2", "fire_passage": "road/o-0", "env_monitoring_point": "s",
    }.items():  # fmt: skip
        assert [position.origin_id for position in found(store, kind)] == [origin], kind


def test_a_registered_class_is_never_concluded(tmp_path: Path) -> None:
    layers = {"k": ("key_position", [Point(5, 5)], {"class": ["lobby"]})}
    (only,) = found(drawn_park(tmp_path / "p", layers, [house()]), "lobby")
    assert (only.id, only.state, only.confidence, only.derived) == ("k-0", "registered", 1.0, False)


def test_what_is_concluded_with_little_confidence_is_told_and_does_not_count(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {"h": ("building", [HOUSE], {"height_m": [10.0]})})
    register = gather_positions(store, ["building_floor_1_2"], derive=True)
    assert not register.positions
    assert len(register.unsure) == 2
    assert {warning["code"] for warning in register.warnings} == {"position_unsure", "position_class_absent"}
    decide(store, [Decision(register.unsure[0].id, CONFIRMED)])
    (confirmed,) = found(store, "building_floor_1_2")
    assert (confirmed.state, confirmed.confidence) == ("confirmed", 1.0)


def test_corrections_reject_confirm_and_move_and_survive_another_import(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {}, [house(front=((3, -0.1, 0.5, 4, 0.1, 2.6), OUTER)), other_house()])
    lobbies = {position.id for position in found(store, "lobby")}
    assert lobbies == {"Lobby", "Lobby 2"}
    place = FRAME.to_lonlat([[30.0, -5.0]])[0, :2].tolist()
    decide(
        store,
        [Decision("Lobby", REJECTED, by="evaluator", at="2026-11-20"), Decision("building_main_entrance/front", PLACED, lonlat_h=place)],
    )
    decide(store, [Decision("Lobby 2", CONFIRMED)])

    def check() -> None:
        assert {position.id: position.state for position in found(store, "lobby")} == {"Lobby 2": "confirmed"}
        (entrance,) = found(store, "building_main_entrance")
        assert entrance.shape.distance(Point(30, -5)) < 0.01
        assert entrance.origin_id == "building_main_entrance/front"
        assert [position.id for position in derived_positions(store) if position.state == REJECTED] == ["Lobby"]

    check()
    with store.transaction() as writer:
        writer.put_model(house(front=((3, -0.1, 0.5, 4, 0.1, 2.6), OUTER)))
    check()
    assert next(iter(store.features("position_corrections").column("by"))) == "evaluator"


def other_house() -> ModelContent:
    rooms = [room("Lobby 2", shapely.box(40, 0, 48, 10), model="n", storey="n")]
    return building(rooms, outline=shapely.box(40, 0, 60, 10), model="n", storeys=(("n", 0.5),))


def test_a_correction_finds_its_position_by_place_when_ids_changed(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {}, [house()])
    decide(store, [Decision("Lobby", REJECTED)])
    content = house()
    renamed = [replace(space, id=f"new {space.id}") for space in content.spaces]
    with store.transaction() as writer:
        writer.put_model(replace(content, spaces=renamed))
    assert not found(store, "lobby")
    with store.transaction() as writer:  # a lobby somewhere else is another one
        writer.put_model(replace(content, spaces=[replace(room("Lobby", shapely.box(10, 0, 18, 10)), id="far")]))
    assert [position.id for position in found(store, "lobby")] == ["far"]


def test_corrections_may_be_imported_and_unknown_ones_are_refused(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {}, [house()])
    with store.transaction() as writer:
        put_layer(writer, "said", "key_position", [None], {"corrects": ["Lobby"], "decision": ["rejected"], "class": ["lobby"]})
    assert not found(store, "lobby")
    with pytest.raises(NotFound):
        decide(store, [Decision("nobody", CONFIRMED)])


def test_the_command_lists_decides_and_remembers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = drawn_park(tmp_path / "p", {}, [house()])

    def rows(*options: str) -> list[dict[str, Any]]:
        assert run(["positions", str(tmp_path / "p"), "--class", "门厅", "--json", *options]) == 0
        return json.loads(capsys.readouterr().out)["positions"]

    (row,) = rows()
    assert (row["id"], row["origin"], row["state"], row["confidence"]) == ("Lobby", "room", "derived", 0.8)
    (row,) = rows("--reject", "Lobby", "--by", "evaluator")
    assert row["state"] == "rejected"
    assert rows("--move", "Lobby=104.06,30.6601")
    (position,) = found(store, "lobby")
    assert position.shape.y == pytest.approx(11.1, abs=0.1)
    assert run(["positions", str(tmp_path / "p")]) == 0
    assert "Lobby" in capsys.readouterr().out
    assert run(["positions", str(tmp_path / "p"), "--move", "Lobby=here"]) == 2


def test_the_same_real_model_imported_again_keeps_its_positions_and_corrections(shared_data: Path, tmp_path: Path) -> None:
    store = create_store(tmp_path / "p", Park("p", FRAME))
    path = shared_data / "ifc" / "arch" / "Duplex_A_20110907.ifc"
    import_files(store, [path], Options(place="104.06,30.66,500,0"))
    first = {position.id for position in derived_positions(store)}
    (door, *_) = found(store, "building_main_entrance")
    foyers = [position.id for position in found(store, "lobby")]
    assert len(foyers) == 2
    decide(store, [Decision(foyers[0], REJECTED), Decision(door.id, CONFIRMED)])
    import_files(store, [path], Options(place="104.06,30.66,500,90"))  # turned: everything is built again elsewhere
    assert {position.id for position in derived_positions(store)} == first
    assert [position.id for position in found(store, "lobby")] == foyers[1:]
    assert [position.state for position in found(store, "building_main_entrance")] == ["confirmed"]


def test_crossings_of_the_sample_park_are_where_its_register_has_them(tmp_path: Path) -> None:
    """The register was drawn from the plan of the park, the crossings are concluded from its centrelines."""
    rows = list(roads.road_rows())
    columns = {name: [row.properties.get(name) for row in rows] for name in ("id", "name", "class", "width_m")}
    store = drawn_park(tmp_path / "p", {"r": ("road", [row.geometry for row in rows], columns)})
    registered = [row.geometry for row in places.key_position_rows() if row.properties["class"] == "road_intersection"]
    derived = [position.shape for position in found(store, "road_intersection")]
    assert all(min(point.distance(other) for other in derived) < 1.0 for point in registered)
    assert len(derived) <= len(registered) + 3
