"""The networks of small parks written here: ways, crossings, rooms, doors, stairs; pipes with flow and capacity."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage.network import ALONG, distances, joined, parts
from twin.crs import Frame
from twin.measures.network import Walkable, pipe_and_duct_network, walkable_network
from twin.model import Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Rows = Sequence[tuple[str, Any, Mapping[str, Any]]]
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(places)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = count()

    def build(*models: ModelContent, **layers: Rows) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, rows in layers.items():
                names = sorted({name for _, _, row in rows for name in row})
                columns = {name: [row.get(name) for _, _, row in rows] for name in names}
                shapes = np.array([lonlat(shape) for _, shape, _ in rows], object)
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable([name for name, _, _ in rows], shapes, columns), source="t")
            for content in models:
                writer.put_model(content, source=content.model.id)
        return store

    return build


def house() -> ModelContent:
    """Two storeys: a hall with a door to the outside and one to an office, a stair beside the hall on both, an office above.

    ::

        office | hall | stair        doors: outside - hall - office, hall - stair; above: stair - upper office
    """
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    rooms = {
        "hall": (shapely.box(0, 0, 10, 10), "f1", 500.0, "lobby"),
        "office": (shapely.box(-10.2, 0, -0.2, 10), "f1", 500.0, "office"),
        "stair1": (shapely.box(10.2, 0, 13, 10), "f1", 500.0, "stair"),
        "stair2": (shapely.box(10.2, 0, 13, 10), "f2", 504.0, "stair"),
        "upper": (shapely.box(0, 0, 10, 10), "f2", 504.0, "office"),
        "attic": (shapely.box(20, 0, 30, 10), "f2", 504.0, "office"),
    }
    spaces = [
        Space(name, "m", storey, name, name, usage, lonlat(shape), floor, 3.5, shape.area)
        for name, (shape, storey, floor, usage) in rooms.items()
    ]
    doors = {
        "out": ([4.5, -0.2, 0, 5.5, 0, 2.1], {}),
        "in": ([-0.2, 4.5, 0, 0, 5.5, 2.1], {"_ifc": {"joins": ["hall", "office"]}}),
        "up": ([10, 4.5, 0, 10.2, 5.5, 2.1], {}),
        "landing": ([10, 4.5, 4, 10.2, 5.5, 6.1], {}),
    }
    elements = [Element(name, "m", "IfcDoor", name, state="built", bbox=box, properties=said) for name, (box, said) in doors.items()]
    outline = lonlat(shapely.box(-10.2, 0, 13, 10))
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    storeys = [Storey("f1", "m", "1", 0.0, 500.0, 4.0), Storey("f2", "m", "2", 4.0, 504.0, 4.0)]
    return ModelContent(Model("m", "m", "IFC4", "0" * 64, place, outline, 500.0, 508.0), storeys, spaces, elements, empty)


def between(walk: Walkable, a: str, b: str) -> float:
    return float(distances(walk.network, [walk.rooms[a]])[0, walk.rooms[b]])


def test_from_room_to_room_through_doors_and_up_the_stairs(make: Make) -> None:
    walk = walkable_network(make(house(), path=[("p", line((-50, -20), (60, -20)), {})]))
    assert between(walk, "hall", "office") == pytest.approx(10.2, abs=0.1)
    assert between(walk, "hall", "stair1") == pytest.approx(6.6, abs=0.1)
    assert between(walk, "stair1", "stair2") == pytest.approx(8.0, abs=0.05)
    assert between(walk, "office", "upper") == pytest.approx(10.2 + 6.6 + 8.0 + 6.6, abs=0.2)
    assert math.isinf(between(walk, "hall", "attic"))


def test_up_the_flights_where_no_room_is_a_stair(make: Make) -> None:
    """Two flights with a landing between them join the rooms below and above: twice the rise, and the ways to foot and head."""
    content = house()
    rooms = [replace(space, usage="office") for space in content.spaces]
    flights = [
        Element("f1", "m", "IfcStairFlight", "f", state="built", bbox=[1, 1, 0, 3, 2, 2]),
        Element("f2", "m", "IfcStairFlight", "f", state="built", bbox=[1, 2, 2, 3, 3, 4]),
    ]
    walk = walkable_network(make(replace(content, spaces=rooms, elements=[*content.elements, *flights])))
    assert between(walk, "hall", "upper") == pytest.approx(8 + 2 * math.hypot(3, 3), abs=0.1)


def test_a_passage_without_a_door_is_one_where_no_wall_stands(make: Make) -> None:
    content = house()
    rooms = [space for space in content.spaces if space.id == "hall"]
    rooms.append(replace(rooms[0], id="bay", outline=lonlat(shapely.box(-10, 0, 0, 10))))
    open_ = walkable_network(make(replace(content, spaces=rooms, elements=())))
    assert between(open_, "hall", "bay") == pytest.approx(10, abs=0.1)
    wall = np.array([[0, -1, -1], [0, 11, -1], [0, 11, 4], [0, -1, 4]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    mesh = Mesh(wall, faces, np.zeros(2, np.uint32), np.full((2, 4), 255, np.uint8), ["w"])
    closed = replace(content, spaces=rooms, elements=[Element("w", "m", "IfcWall", "w", state="built")], mesh=mesh)
    assert math.isinf(between(walkable_network(make(closed)), "hall", "bay"))


def test_out_of_the_door_and_along_the_path(make: Make) -> None:
    walk = walkable_network(make(house(), path=[("p", line((-50, -20), (60, -20)), {})]))
    assert walk.entrance_source == {"m": "model"}
    found = joined(walk.network, [(55.0, -20.0, 0.0)], within=5.0)
    way = float(distances(found.network, found.node)[0, walk.rooms["hall"]])
    assert way == pytest.approx(50 + 19.9 + 5.1, abs=0.1)


def test_ways_drawn_apart_are_crossed_but_not_through_a_building_or_a_fence(make: Make) -> None:
    paths = [("a", line((0, 0), (100, 0)), {}), ("b", line((0, 15), (100, 15)), {})]
    open_ = walkable_network(make(path=paths))
    assert len(open_.spans) >= 1
    assert len(set(parts(open_.network).tolist())) == 1
    assert len(set(parts(open_.certain).tolist())) == 2
    assert open_.warnings[0]["code"] == "crossings_assumed"
    for kind, shape in (("building", shapely.box(-20, 5, 120, 10)), ("barrier", line((-200, 7), (300, 7)))):
        closed = walkable_network(make(path=paths, **{kind: [("x", shape, {"height_m": 3.0})]}))
        assert len(closed.spans) == 0


def test_who_may_not_walk(make: Make) -> None:
    roads = [("m", line((0, 0), (100, 0)), {"class": "motorway"}), ("r", line((0, 50), (100, 50)), {"class": "secondary"})]
    walk = walkable_network(make(road=roads))
    assert walk.length_m == pytest.approx(100, abs=0.1)


def test_entrances_of_the_register_and_of_nobody(make: Make) -> None:
    buildings = [("B1", shapely.box(0, 5, 20, 15), {}), ("B2", shapely.box(40, 5, 60, 15), {})]
    doors = [("k", shapely.Point(10, 4.5), {"class": "building_main_entrance"}), ("x", shapely.Point(30, 4), {"class": "lobby"})]
    walk = walkable_network(make(building=buildings, key_position=doors, path=[("p", line((-50, 0), (100, 0)), {})]))
    assert walk.entrance_source == {"B1": "register"}
    assert list(walk.entrances) == ["B1"]


def test_pipes_flow_downhill_and_know_what_they_carry(make: Make) -> None:
    pipes = [
        ("a", line((0, 0), (50, 0)), {"invert_start_m": 2.0, "invert_end_m": 1.0, "diameter_mm": 300}),
        ("b", line((100, 0), (50.3, 0)), {"invert_start_m": 0.5, "invert_end_m": 1.0}),
        ("c", line((25, -30), (25, 30)), {"status": "planned"}),
    ]
    ducts = [("d", line((25, -30), (25, 30)), {"holes_total": "12"})]
    found = pipe_and_duct_network(make(pipe=pipes, duct=ducts))
    assert list(found.ids) == ["a", "b", "d"]
    assert found.parts == 2
    assert found.network.flow.tolist() == [ALONG, -ALONG, 0]
    assert found.network.capacity[[0, 2]].tolist() == [300.0, 12.0]
    assert math.isnan(found.network.capacity[1])
    down = distances(found.network, [0], directed=True)[0]
    assert down.max(where=np.isfinite(down), initial=0) == pytest.approx(99.7, abs=0.01)


def test_an_empty_park(make: Make) -> None:
    store = make()
    walk = walkable_network(store)
    assert (len(walk.network), walk.parts, walk.length_m) == (0, 0, 0)
    assert pipe_and_duct_network(store).parts == 0
