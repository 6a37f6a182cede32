"""A city model in a park: stored, drawn once, clicked, in the way once, and giving way to a model of one of its buildings."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from importers.contract import Options
from importers.pipeline import import_files
from tiles.build import build, tiles_folder
from tiles.files import folder_name
from tiles.read import read_tileset
from twin.buildings import buildings
from twin.model import Element, Georeferencing, Mesh, Model, ModelContent
from twin.scene.gather import gather_obstacles
from twin.store import Store
from web.answers.buildings import buildings_answer
from web.answers.elements import ElementFilter, element_answer, elements_answer
from web.scene import scene

EAST, NORTH = Transformer.from_crs("EPSG:4326", "EPSG:32651", always_xy=True).transform(120.6, 31.3)
FACES = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]


@pytest.fixture
def city(tmp_path: Path) -> Path:
    """Two buildings 40 m apart: `one` with a body of its own, `two` of two parts."""
    objects: dict[str, Any] = {"two": {"type": "Building", "children": ["p", "q"]}}
    vertices: list[list[float]] = []
    for k, (name, x, high) in enumerate((("one", 0, 8), ("p", 40, 6), ("q", 50, 9))):
        vertices += [[EAST + x + i, NORTH + j, z] for z in (0, high) for i, j in ((0, 0), (10, 0), (10, 10), (0, 10))]
        faces = [[[corner + 8 * k for corner in ring] for ring in face] for face in FACES]
        kind = {"type": "Building"} if name == "one" else {"type": "BuildingPart", "parents": ["two"]}
        objects[name] = kind | {"geometry": [{"type": "Solid", "lod": "2", "boundaries": [faces]}]}
    path = tmp_path / "city.json"
    metadata = {"referenceSystem": "EPSG:32651"}
    path.write_text(
        json.dumps({"type": "CityJSON", "version": "2.0", "metadata": metadata, "CityObjects": objects, "vertices": vertices}), "utf-8"
    )
    return path


def put_house(store: Store) -> None:
    """A model of building `one` alone, in its place, with a wall and a slab."""
    frame = store.park().frame
    outline = next(building.footprint for building in buildings(store) if building.id == "one")
    x0, y0, x1, y1 = shapely.bounds(frame.project(outline)).tolist()
    vertices = np.array([[x0, y0, 0], [x1, y0, 0], [x1, y1, 0], [x0, y1, 0], [x0, y0, 7], [x1, y0, 7]], float)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 1, 5], [0, 5, 4]], np.uint32)
    mesh = Mesh(vertices, faces, np.array([0, 0, 1, 1], np.uint32), np.full((4, 4), 255, np.uint8), ["slab", "wall"])
    model = Model("house", "House", "IFC4", "", Georeferencing("given", None, 0.0, 0.0, None, ""), outline, 0.0, 7.0)
    elements = [Element(name, "house", kind, name, state="built") for name, kind in (("slab", "IfcSlab"), ("wall", "IfcWall"))]
    with store.transaction() as writer:
        writer.put_model(ModelContent(model, [], [], elements, mesh))


def drawn(store: Store, name: str) -> dict[str, str]:
    """Element -> building, of all that is in a tileset."""
    path = tiles_folder(store.path) / folder_name(name) / "tileset.json"
    tables = [content.content.table for content in read_tileset(path)]
    return {element: building for table in tables for element, building in zip(table["id"], table["building"], strict=True)}


def standing(store: Store) -> set[str]:
    return set(gather_obstacles(store, sight=False).object_ids)


def layer_ids(store: Store) -> list[str]:
    return [layer["id"] for layer in scene(store)["layers"]]


def test_it_is_drawn_once_and_in_the_way_once(store: Store, city: Path):
    (outcome,) = import_files(store, [city], Options())
    assert outcome.report is not None, outcome.error
    build(store)
    assert drawn(store, "city-city") == {"one": "one", "p": "two", "q": "two"}
    assert standing(store) == {"element/one", "element/p", "element/q"}
    assert [name for name in layer_ids(store) if "/" in name or name == "buildings"] == ["city/city-city"]


def test_what_is_clicked_leads_to_its_building(store: Store, city: Path):
    import_files(store, [city], Options())
    found = buildings(store)
    assert element_answer(store, found, "q").building == "two"
    assert element_answer(store, found, "one").building == "one"
    assert element_answer(store, found, "two").lonlat_h is not None  # a building without a body of its own
    listed = elements_answer(store, found, ElementFilter(building="two"))
    assert [line.id for line in listed.elements] == ["p", "q"]
    told = {each.id: (list(each.models), list(each.city_models)) for each in buildings_answer(found)}
    assert told == {"one": ([], ["city-city"]), "two": ([], ["city-city"])}


def test_a_model_of_one_building_takes_the_place_of_its_body(store: Store, city: Path):
    import_files(store, [city], Options())
    build(store)
    put_house(store)
    report = build(store)
    assert folder_name("city-city") in report.rebuilt
    assert drawn(store, "city-city") == {"p": "two", "q": "two"}
    assert drawn(store, "one") == {"slab": "one", "wall": "one"}
    assert standing(store) == {"element/slab", "element/wall", "element/p", "element/q"}
    assert {"model/house", "city/city-city"} <= set(layer_ids(store))
    assert next(each for each in buildings(store) if each.id == "one").model_ids == ("house",)


def test_footprints_of_another_source_are_not_drawn_over_it(store: Store, city: Path, geojson: Callable[..., Path]):
    import_files(store, [city], Options())
    frame = store.park().frame
    shapes = frame.project(np.array([each.footprint for each in buildings(store)], object))
    rows = [frame.unproject(shape.buffer(0.3)) for shape in shapes] + [frame.unproject(shapely.box(200, 0, 210, 10))]
    features = [
        {"type": "Feature", "id": f"w{k}", "properties": {"building": "yes"}, "geometry": json.loads(shapely.to_geojson(shape))}
        for k, shape in enumerate(rows)
    ]
    path = city.parent / "footprints.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    import_files(store, [path], Options(kind="building"))
    bodies = standing(store)
    assert {name for name in bodies if name.startswith("element/")} == {"element/one", "element/p", "element/q"}
    assert len([name for name in bodies if name.startswith("building/")]) == 1


def test_the_same_file_twice_changes_nothing_and_another_replaces_it(store: Store, city: Path):
    import_files(store, [city], Options())
    revision = store.revision()
    (again,) = import_files(store, [city], Options())
    assert again.report is not None
    assert not again.report["changed"]
    assert store.revision() == revision
    document = json.loads(city.read_text("utf-8"))
    for name in ("two", "p", "q"):
        del document["CityObjects"][name]
    city.write_text(json.dumps(document), "utf-8")
    import_files(store, [city], Options())
    assert [building.id for building in buildings(store)] == ["one"]
    assert len(store.elements()) == 1
