"""CityJSON as written by hand: versions, forms of geometry, semantics, templates, sequences, and what is broken in them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from importers.citymodel.city import NO_SHELL, CityObject, Notes
from importers.citymodel.cityjson import read_cityjson
from twin.errors import UnreadableSource

POINTS = [[x, y, z] for z in (0, 3000) for x, y in ((0, 0), (10000, 0), (10000, 5000), (0, 5000))]
FACES = [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
KINDS = {"surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}], "values": [[0, 1, 2, 2, 2, 2]]}


def document(objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    base = {
        "type": "CityJSON", "version": "2.0", "transform": {"scale": [0.001] * 3, "translate": [85000, 447000, 1]},
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"}, "vertices": POINTS,
    }  # fmt: skip
    return base | {"CityObjects": objects} | more


def read(tmp_path: Path, content: Any) -> tuple[list[CityObject], Notes]:
    path = tmp_path / "city.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    notes = Notes(path.name, "")
    return list(read_cityjson(path, notes)), notes


def building(geometry: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"b": {"type": "Building", "geometry": geometry} | more}


def test_a_solid_with_semantics(tmp_path: Path):
    said = {"measuredHeight": 3.0, "name": "Hall"}
    (each,), notes = read(
        tmp_path, document(building([{"type": "Solid", "lod": "2.2", "boundaries": [FACES], "semantics": KINDS}], attributes=said))
    )
    (shape,) = each.shapes
    assert (each.id, each.name, dict(each.attributes)) == ("b", "Hall", {"measuredHeight": 3.0})
    assert [s.kind for s in shape.surfaces] == ["GroundSurface", "RoofSurface", *["WallSurface"] * 4]
    assert {s.shell for s in shape.surfaces} == {0}
    assert shape.surfaces[1].rings[0].tolist()[2] == [85010.0, 447005.0, 4.0]
    assert (notes.schema, notes.crs) == ("CityJSON 2.0", "https://www.opengis.net/def/crs/EPSG/0/7415")


@pytest.mark.parametrize(
    ("form", "boundaries", "values", "shells", "voids"),
    [
        ("MultiSurface", FACES, [0, 1, 2, 2, 2, 2], {NO_SHELL}, set()),
        ("CompositeSurface", FACES, [0, 1, 2, 2, 2, 2], {NO_SHELL}, set()),
        ("Solid", [FACES, FACES], [[0, 1, 2, 2, 2, 2], None], {0, 1}, {1}),
        ("MultiSolid", [[FACES], [FACES, FACES]], [[[0, 1, 2, 2, 2, 2]], None], {0, 1, 2}, {2}),
        ("CompositeSolid", [[FACES], [FACES]], None, {0, 1}, set()),
    ],
)
def test_every_form_of_surfaces(tmp_path: Path, form: str, boundaries: Any, values: Any, shells: set[int], voids: set[int]):
    geometry = {"type": form, "lod": 1, "boundaries": boundaries, "semantics": {"surfaces": KINDS["surfaces"], "values": values}}
    (each,), _ = read(tmp_path, document(building([geometry]), version="1.0"))
    (shape,) = each.shapes
    assert {s.shell for s in shape.surfaces} == shells
    assert shape.voids == voids
    assert shape.lod == "1"
    assert shape.surfaces[0].kind == ("GroundSurface" if values else "")


def test_points_lines_and_the_footprint(tmp_path: Path):
    objects = building([{"type": "MultiSurface", "lod": "0", "boundaries": [FACES[0]]}])
    objects["t"] = {"type": "SolitaryVegetationObject", "geometry": [{"type": "MultiPoint", "lod": "0", "boundaries": [4]}]}
    objects["r"] = {"type": "Road", "geometry": [{"type": "MultiLineString", "lod": "0", "boundaries": [[0, 1, 2]]}]}
    (house, tree, road), _ = read(tmp_path, document(objects))
    assert house.shapes[0].role == "footprint"
    assert [len(path) for path in tree.shapes[0].paths] == [1]
    assert [len(path) for path in road.shapes[0].paths] == [3]


def test_a_template_is_turned_scaled_and_anchored(tmp_path: Path):
    templates = {
        "templates": [{"type": "MultiSurface", "lod": "3", "boundaries": [[[0, 1, 2]]]}],
        "vertices-templates": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    }
    matrix = [0, -2, 0, 0.5, 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]  # a quarter turn, twice the size, half a metre east
    lamp = {
        "type": "CityFurniture",
        "geometry": [{"type": "GeometryInstance", "template": 0, "boundaries": [1], "transformationMatrix": matrix}],
    }
    (each,), _ = read(tmp_path, document({"l": lamp}, **{"geometry-templates": templates}))
    (shape,) = each.shapes
    assert shape.anchor is not None
    assert shape.anchor.tolist() == [85010, 447000, 1]
    assert shape.surfaces[0].rings[0].tolist() == [[0.5, 2, 0], [-1.5, 0, 0], [0.5, 0, 2]]


def test_a_sequence_brings_its_vertices_with_each_line(tmp_path: Path):
    head = document({}, vertices=[], version="1.1")
    lines = [head]
    for k in range(3):
        moved = [[x + 20000 * k, y, z] for x, y, z in POINTS]
        part = {"type": "BuildingPart", "parents": [f"b{k}"], "geometry": [{"type": "Solid", "lod": "2", "boundaries": [FACES]}]}
        objects = {f"b{k}": {"type": "Building", "children": [f"p{k}"]}, f"p{k}": part}
        lines.append({"type": "CityJSONFeature", "id": f"b{k}", "CityObjects": objects, "vertices": moved})
    found, notes = read(tmp_path, "\n".join(json.dumps(line) for line in lines) + "\n{broken\n")
    assert [each.id for each in found] == ["b0", "p0", "b1", "p1", "b2", "p2"]
    assert found[5].parent == "b2"
    assert found[5].shapes[0].surfaces[0].rings[0][0].tolist() == [85040, 447000, 1]
    assert [(issue.code, issue.subject) for issue in notes.told()] == [("city_line_broken", "city.json:5")]


def test_extensions_and_appearances_are_counted_and_left_out(tmp_path: Path):
    objects = building([{"type": "MultiSurface", "lod": "1", "boundaries": FACES}]) | {
        "n": {"type": "+NoiseBuilding"},
        "m": {"type": "+NoiseBuilding"},
    }
    found, notes = read(tmp_path, document(objects, extensions={"Noise": {"url": "x"}}, appearance={"textures": []}))
    assert [each.id for each in found] == ["b"]
    told = {(issue.code, issue.subject): issue.details["count"] for issue in notes.told()}
    assert told == {
        ("city_extension_ignored", "Noise"): 1,
        ("city_class_ignored", "+NoiseBuilding"): 2,
        ("city_appearance_ignored", "city.json"): 1,
    }


@pytest.mark.parametrize(
    "said",
    [
        {"type": "Building", "geometry": [{"type": "Solid", "lod": "1", "boundaries": [[[[0, 1, 99]]]]}]},
        {"type": "Building", "geometry": [{"type": "Solid", "lod": "1", "boundaries": [[[[0, 1, -2]]]]}]},
        {"type": "Building", "geometry": [{"type": "Solid", "lod": "1", "boundaries": 7}]},
        {"type": "Building", "geometry": [{"lod": "1"}]},
        {"type": "Building", "geometry": [{"type": "GeometryInstance", "template": 3, "boundaries": [0]}]},
        {"geometry": []},
        ["no object"],
        None,
    ],
)
def test_a_broken_object_is_left_out_and_the_others_come_in(tmp_path: Path, said: Any):
    found, notes = read(tmp_path, document(building([{"type": "MultiSurface", "lod": "1", "boundaries": FACES}]) | {"bad": said}))
    assert [each.id for each in found] == ["b"]
    assert [(issue.code, issue.subject) for issue in notes.told()] == [("city_object_broken", "bad")]


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 5000,
        "[1, 2]",
        '{"type": "FeatureCollection", "features": []}',
        '{"type": "CityJSON", "vertices": [["a"]], "CityObjects": {}}',
    ],
)
def test_what_is_no_city_model_is_refused_with_a_sentence(tmp_path: Path, content: str):
    with pytest.raises(UnreadableSource) as refused:
        read(tmp_path, content)
    assert refused.value.text("en") != refused.value.code


def test_coordinates_without_transform_are_taken_as_they_are(tmp_path: Path):
    plain = document(
        building([{"type": "MultiSurface", "lod": "1", "boundaries": FACES}]), vertices=[[float(x) for x in point] for point in POINTS]
    )
    del plain["transform"]
    (each,), _ = read(tmp_path, plain)
    assert np.ptp(np.concatenate([s.rings[0] for s in each.shapes[0].surfaces]), axis=0).tolist() == [10000, 5000, 3000]


@pytest.mark.parametrize("name", ["metadata", "extensions", "transform", "geometry-templates", "appearance"])
def test_a_header_of_the_wrong_kind_is_as_good_as_none(tmp_path: Path, name: str):
    found, _ = read(tmp_path, document(building([{"type": "MultiSurface", "lod": "1", "boundaries": FACES}]), **{name: 7}))
    assert [len(each.shapes[0].surfaces) for each in found] == [6]


def test_surfaces_without_a_ring_are_no_surfaces(tmp_path: Path):
    (each,), _ = read(tmp_path, document(building([{"type": "MultiSurface", "lod": "1", "boundaries": [[], [[]], [[0, 1]], *FACES]}])))
    assert len(each.shapes[0].surfaces) == 6
