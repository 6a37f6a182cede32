"""Floors of rooms: by use in many languages, each square metre once, with what a model states held against what it draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from importers.contract import Options
from importers.pipeline import import_files
from tests.drawn_parks import FRAME, boxed, building, drawn_park, element, room
from twin.measures.surfaces import gather_surface
from twin.measures.usages import usage_in, usage_of, usage_words
from twin.model import ATTRIBUTES, Park
from twin.store import Store, create_store

OUTLINE = shapely.box(0, 0, 20, 10)


def park(folder: Path, rooms: Any = (), layers: Any = None, **more: Any) -> Store:
    return drawn_park(folder / "p", layers or {}, [building(rooms, outline=OUTLINE, **more)])


def codes(surface: Any) -> dict[str, Any]:
    return {warning["code"]: warning for warning in surface.warnings}


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        ("研发办公室", "office"), ("Büro 2.04", "office"), ("OPEN OFFICE", "office"), ("Oficina técnica", "office"), ("事務室", "office"),
        ("二层会议室", "meeting"), ("Sala de juntas", "meeting"), ("Salle de réunion", "meeting"), ("переговорная 3", "meeting"),
        ("员工食堂", "canteen"), ("Speisesaal", "canteen"), ("Comedor", "canteen"), ("楼梯间1", "stair"), ("Cage d'escalier A", "stair"),
        ("Treppenhaus", "stair"), ("走廊", "corridor"), ("Flur EG", "corridor"), ("Pasillo norte", "corridor"), ("一层门厅", "lobby"),
        ("地下车库", "parking"), ("Tiefgarage", "parking"), ("装配车间", "workshop"),
        ("Werkstatt", "workshop"), ("弱电机房", "machine_room"),
        ("Serverraum", "machine_room"), ("男卫生间", "toilet"), ("危险品库", "hazardous"), ("成品仓库", "store"), ("Abstellraum", "store"),
        ("Badminton hall", "sports"), ("Room 12", None), ("", None), ("房间", None),
    ],
)  # fmt: skip
def test_the_use_of_a_room_is_read_in_many_languages(said: str, usage: str | None) -> None:
    assert usage_in(said) == usage


def test_rooms_that_overlap_count_once_the_smaller_first_and_that_is_told(tmp_path: Path) -> None:
    rooms = [
        room("Office whole", OUTLINE),
        room("Office 1", shapely.box(0, 0, 5, 10)),
        room("Office above", OUTLINE, storey="high", floor=4.0),
    ]
    surface = gather_surface(park(tmp_path, rooms), "office_and_workshop_floors")
    assert {piece.id: round(piece.polygon.area, 3) for piece in surface.pieces} == {
        "Office 1": pytest.approx(50, rel=1e-5), "Office whole": pytest.approx(150, rel=1e-5), "Office above": pytest.approx(200, rel=1e-5),
    }  # fmt: skip
    assert surface.exclusions[0] == {"reason": "overlap", "amount": pytest.approx(50, rel=1e-5)}
    assert "rooms_overlap" in codes(surface)


def test_a_room_of_two_models_of_one_house_is_one_room(tmp_path: Path) -> None:
    services = room("Office (services)", OUTLINE, model="n", storey="n-low")
    both = [
        building([room("Office", OUTLINE)], outline=OUTLINE),
        building([services], outline=OUTLINE, model="n", storeys=(("n-low", 0.5),)),
    ]
    assert gather_surface(drawn_park(tmp_path / "p", {}, both), "office_and_workshop_floors").area == pytest.approx(200, rel=1e-5)


def test_stated_and_drawn_areas_are_compared_and_two_percent_is_the_limit(tmp_path: Path) -> None:
    def told(area: float) -> dict[str, Any]:
        return {ATTRIBUTES: {"area_by_quantity_m2": area, "area_by_body_m2": 100.0}}

    rooms = [room("Office same", shapely.box(0, 0, 10, 10), **told(101.0)), room("Office off", shapely.box(10, 0, 20, 10), **told(90.0))]
    surface = gather_surface(park(tmp_path, rooms), "office_and_workshop_floors")
    said = codes(surface)["room_area_differs"]
    assert (said["subject"], said["count"], said["worst"]) == ("Office off", 1, pytest.approx(11.1, abs=0.1))
    assert surface.basis == "outline"
    assert surface.area == pytest.approx(200, rel=1e-5)


def test_rooms_without_outline_and_slivers_are_exclusions(tmp_path: Path) -> None:
    drawn = shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(15, 5, 15.05, 5.05)])
    rooms = [room("Office 1", drawn), room("Office 2", None, area=42.0)]
    surface = gather_surface(park(tmp_path, rooms), "office_and_workshop_floors")
    assert {row["reason"]: row["amount"] for row in surface.exclusions} == {
        "sliver": pytest.approx(0.0025, rel=1e-3), "no_outline": pytest.approx(42.0)
    }  # fmt: skip
    assert codes(surface)["room_without_outline"]["subject"] == "Office 2"


def test_holes_and_basements_keep_their_place(tmp_path: Path) -> None:
    court = shapely.Polygon(OUTLINE.exterior.coords, [shapely.box(5, 2, 10, 6).exterior.coords])
    rooms = [room("Office", court), room("Parking B1", OUTLINE, storey="deep", floor=-4.0)]
    store = park(tmp_path, rooms, {"b": ("boundary", [shapely.box(-20, -20, 40, 40)], {})}, storeys=(("deep", -4.0), ("low", 0.5)))
    assert gather_surface(store, "office_and_workshop_floors").area == pytest.approx(180, rel=1e-5)
    reachable = gather_surface(store, "all_reachable")
    assert {piece.usage: piece.floor_z for piece in reachable.pieces} == {None: None, "parking": pytest.approx(-4.0, abs=1e-3)}


def test_models_without_rooms_give_their_storeys_where_the_building_has_a_use(tmp_path: Path) -> None:
    slabs = [boxed("s1", "IfcSlab", (0, 0, 0.2, 20, 10, 0.5)), boxed("s2", "IfcSlab", (0, 0, 3.8, 12, 10, 4.0), storey="high")]
    walls = [(element("w1", "IfcWall"), (0, 0, 0.5, 0.3, 10, 3.5)), (element("w2", "IfcWall", storey="high"), (0, 0, 4, 0.3, 10, 7.5))]
    layers = {"houses": ("building", [OUTLINE], {"id": ["h"], "usage": ["office"], "name": ["House"]})}
    surface = gather_surface(park(tmp_path, (), layers, elements=[*slabs, *walls]), "office_and_workshop_floors")
    assert {piece.storey_id: round(piece.polygon.area, 2) for piece in surface.pieces} == {"low": 200.0, "high": 120.0}
    assert codes(surface)["floors_from_outlines"]["count"] == 1


def test_models_without_rooms_or_use_and_buildings_without_model_are_named(tmp_path: Path) -> None:
    layers = {
        "houses": ("building", [shapely.box(100, 0, 110, 10)], {"usage": ["office"], "name": ["Tower"], "storeys": [3], "height_m": [12.0]})
    }
    content = building((), outline=OUTLINE, elements=[boxed("w", "IfcWall", (0, 0, 0, 1, 10, 3))])
    boundary = {"b": ("boundary", [shapely.box(-20, -20, 200, 40)], {})}
    surface = gather_surface(drawn_park(tmp_path / "p", layers | boundary, [content]), "public_and_floors")
    assert codes(surface)["model_without_rooms"]["subject"] == "m"
    assert codes(surface)["building_without_model"]["subject"] == "Tower"
    assert {row["reason"]: row["amount"] for row in surface.exclusions}["building_without_model"] == pytest.approx(300, rel=1e-4)


def test_people_and_importance_come_with_the_rooms(tmp_path: Path) -> None:
    said = {"Pset_SpaceOccupancyRequirements": {"OccupancyNumber": 12}, "importance": 2}
    (piece,) = gather_surface(park(tmp_path, [room("Canteen", OUTLINE, **said)]), "crowded_rooms").pieces
    assert (piece.persons, piece.importance) == (12.0, 2.0)


def test_every_room_of_real_models_is_counted_once(shared_data: Path, tmp_path: Path) -> None:
    """Office A has 99 rooms of 3,427.6 m2 on two floors (README of the data): its storeys have that area, its offices a part of it."""
    store = create_store(tmp_path / "p", Park("p", FRAME))
    (outcome,) = import_files(store, [shared_data / "ifc" / "arch" / "Office_A_20110811.ifc"], Options(place="104.06,30.66,500,0"))
    assert outcome.error is None
    floors = gather_surface(store, "storeys")
    assert floors.area == pytest.approx(3427.6, rel=1e-3)
    assert [piece.usage for piece in floors.pieces] == ["ground", "top"]
    every = gather_surface(store, "office_and_workshop_floors", usages=tuple(usage_words()))
    rooms = [usage_of(space) for space in store.spaces()]
    assert len(every.pieces) == sum(usage is not None for usage in rooms)
    shapes = {
        floor: [piece.polygon for piece in every.pieces if piece.floor_z == floor] for floor in {piece.floor_z for piece in every.pieces}
    }
    for own in shapes.values():
        assert shapely.union_all(own).area == pytest.approx(sum(shape.area for shape in own), rel=1e-6)
    assert codes(every)["room_area_differs"]["count"] > 30  # its figures are gross: GSA BIM Area
