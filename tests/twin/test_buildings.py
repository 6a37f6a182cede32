"""Which buildings a park has, and what each is drawn by: footprints, models of one building, models of many."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import shapely

from twin.buildings import BUILDING_GROUP, buildings, owner_of, owners, replaced
from twin.crs import Frame
from twin.model import FeatureTable, Georeferencing, Group, Model, Park

FRAME = Frame(120.6, 31.3)
NO_PLACE = Georeferencing("given", None, 0.0, 0.0, None, "")


def square(x: float, y: float = 0.0, size: float = 10.0) -> Any:
    return FRAME.unproject(shapely.box(x, y, x + size, y + size))


@dataclass
class Shelf:
    """As much of a store as buildings ask for."""

    rows: list[tuple[str, Any]] = field(default_factory=list)
    held: list[Model] = field(default_factory=list)
    gathered: list[Group] = field(default_factory=list)

    def park(self) -> Park:
        return Park("Test", FRAME)

    def terrain(self) -> None:
        return None

    def models(self) -> list[Model]:
        return self.held

    def groups(self, model_id: str | None = None) -> list[Group]:
        return [group for group in self.gathered if group.model_id == model_id]

    def features_of_kind(self, kind: str) -> FeatureTable:
        assert kind == "building"
        geometry = np.empty(len(self.rows), object)
        geometry[:] = [shape for _, shape in self.rows]
        return FeatureTable([name for name, _ in self.rows], geometry)


def city(name: str = "city", **members: list[str]) -> tuple[Model, list[Group]]:
    model = Model(name, name, "CityGML 2.0", "", NO_PLACE, square(0, 0, 1000))
    return model, [Group(building, name, "group", BUILDING_GROUP, building, members=ids) for building, ids in members.items()]


def ifc(name: str, outline: Any, discipline: str = "architecture") -> Model:
    return Model(name, name, "IFC4", "", NO_PLACE, outline, discipline=discipline)


def shelf(rows: dict[str, Any], *models: Any) -> Any:
    made = Shelf(rows=list(rows.items()))
    for each in models:
        model, groups = each if isinstance(each, tuple) else (each, [])
        made.held.append(model)
        made.gathered += groups
    return made


def by_id(store: Any) -> dict[str, Any]:
    return {building.id: building for building in buildings(store)}


def test_a_city_model_belongs_to_each_of_its_buildings_by_id():
    found = by_id(shelf({"a": square(0), "b": square(50), "c": square(100)}, city(a=["a"], b=["b1", "b2"])))
    assert {name: building.model_ids for name, building in found.items()} == {"a": ("city",), "b": ("city",), "c": ()}
    assert found["b"].holds("city", "b2")
    assert not found["b"].holds("city", "a")
    assert owner_of(list(found.values()), "city", "b1") is found["b"]


def test_a_city_model_is_no_building_of_its_own():
    assert list(by_id(shelf({}, city(a=["a"])))) == []


def test_a_model_of_the_building_alone_stands_for_its_body():
    found = by_id(shelf({"a": square(0), "b": square(50)}, city(a=["a", "a2"], b=["b"]), ifc("house", square(1, 1, 8))))
    assert found["a"].model_ids == ("house",)
    assert replaced(list(found.values())) == {"city": frozenset({"a", "a2"})}
    assert found["b"].model_ids == ("city",)
    assert found["a"].holds("city", "a2")


def test_pipes_do_not_stand_for_a_house():
    found = by_id(shelf({"a": square(0)}, city(a=["a"]), ifc("pipes", square(1, 1, 8), "plumbing")))
    assert found["a"].model_ids == ("pipes", "city")
    assert not replaced(list(found.values()))


def test_a_footprint_of_another_source_in_the_same_place_is_drawn_by_the_city_model():
    found = by_id(shelf({"way/1": square(0.2, 0.1, 9.9), "a": square(0), "way/2": square(300)}, city(a=["a"])))
    assert found["way/1"].model_ids == ("city",)
    assert found["way/2"].model_ids == ()
    answer = owners(list(found.values()))
    assert answer("city", "a") == "a"


def test_one_footprint_over_many_of_the_citys_buildings():
    rows = {"block": square(0, 0, 30), "a": square(0), "b": square(10), "c": square(20)}
    found = by_id(shelf(rows, city(a=["a"], b=["b"], c=["c"])))
    assert found["block"].parts == {"city": frozenset({"a", "b", "c"})}
    assert all(found[name].model_ids == ("city",) for name in "abc")


def test_many_footprints_over_one_of_the_citys_buildings():
    found = by_id(shelf({"x": square(0), "y": square(10), "block": square(0, 0, 30)}, city(block=["block"])))
    assert found["x"].model_ids == found["y"].model_ids == ("city",)


def test_a_model_on_a_footprint_of_another_source_stands_for_the_citys_body_too():
    found = by_id(shelf({"way/1": square(0, 0, 10.5), "a": square(0)}, city(a=["a"]), ifc("house", square(0, 0, 10.5))))
    assert set(found) == {"way/1"}
    assert found["way/1"].model_ids == ("house",)
    assert replaced(list(found.values())) == {"city": frozenset({"a"})}


def test_no_model_of_one_building_belongs_to_two():
    rows = {"way/1": square(0, 0, 10.4), "a": square(0), "way/2": square(0.5, 0.5, 9)}
    store = shelf(rows, city(a=["a"]), ifc("house", square(0)))
    having = [building.id for building in buildings(store) if "house" in building.model_ids]
    assert len(having) == 1


def test_of_two_city_models_the_finer_is_drawn():
    coarse, fine = city("lod1", a=["a"]), city("lod2", a=["a"])
    store = shelf({"a": square(0)}, coarse, fine)
    store.gathered = [
        Group(g.id, g.model_id, g.kind, g.ifc_class, g.name, members=g.members, attributes={"lod": g.model_id[-1]}) for g in store.gathered
    ]
    found = by_id(store)
    assert found["a"].model_ids == ("lod2",)
    assert replaced(list(found.values())) == {"lod1": frozenset({"a"})}


def test_a_building_that_two_city_models_tell_of_is_one():
    store = shelf({}, city("one", a=["a"]), city("two", a=["a"]))
    store.rows = [("a", square(0)), ("a", square(0))]
    assert len(buildings(store)) == 1


def test_without_city_models_nothing_changes():
    store = shelf({"a": square(0)}, ifc("house", square(0)), ifc("alone", square(500)))
    found = by_id(store)
    assert {name: building.model_ids for name, building in found.items()} == {"a": ("house",), "alone": ("alone",)}
    answer = owners(list(found.values()))
    assert (answer("house", "anything"), answer("alone", "x"), answer("nowhere", "x")) == ("a", "alone", None)


def test_hundreds_of_buildings_each_find_their_body_and_no_other():
    rows = {f"b{k}": square(20.0 * (k % 20), 20.0 * (k // 20)) for k in range(400)}
    beside = {f"w{k}": square(20.0 * (k % 20) + 0.5, 20.0 * (k // 20)) for k in range(400)}
    found = buildings(shelf(rows | beside, city(**{name: [f"{name}-body"] for name in rows})))
    assert len(found) == 800
    assert all(set(building.parts["city"]) == {f"b{building.id[1:]}-body"} for building in found)
