"""Whole files through the importer: places, heights, orders of coordinates, levels of detail, layers, models, ground, refusals."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from importers.citymodel import IMPORTER
from importers.contract import Context, Imported, Options
from twin.crs import Frame
from twin.errors import CRSError, TwinError, UnreadableSource, UsageError
from twin.model import Park

UTM = Transformer.from_crs("EPSG:4326", "EPSG:32651", always_xy=True)
ORIGIN = (120.6, 31.3)
EAST, NORTH = UTM.transform(*ORIGIN)
SPACES = " ".join(
    f'xmlns{prefix}="http://www.opengis.net/{place}"'
    for prefix, place in (("", "citygml/2.0"), (":bldg", "citygml/building/2.0"), (":gml", "gml"))
)
KINDS = {"surfaces": [{"type": "GroundSurface"}, {"type": "RoofSurface"}, {"type": "WallSurface"}], "values": [[0, 1, 2, 2, 2, 2]]}


def box(a: float, b: float, c: float, at: tuple[float, float, float]) -> tuple[list[list[float]], list[list[list[int]]]]:
    points = [[at[0] + x, at[1] + y, at[2] + z] for z in (0, c) for x, y in ((0, 0), (a, 0), (a, b), (0, b))]
    return points, [[[0, 3, 2, 1]], [[4, 5, 6, 7]], [[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]


def shifted(faces: list[list[list[int]]], by: int) -> list[list[list[int]]]:
    return [[[k + by for k in ring] for ring in face] for face in faces]


def city(objects: dict[str, Any], vertices: list[list[float]], crs: str | None = "EPSG:32651") -> dict[str, Any]:
    metadata = {} if crs is None else {"referenceSystem": crs}
    return {
        "type": "CityJSON",
        "version": "1.1",
        "metadata": metadata,
        "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
        "CityObjects": objects,
        "vertices": vertices,
    }


def house(
    a: float = 20,
    b: float = 10,
    c: float = 6,
    at: tuple[float, float, float] = (EAST, NORTH, 5.0),
    crs: str | None = "EPSG:32651",
    **said: Any,
) -> dict[str, Any]:
    points, faces = box(a, b, c, at)
    geometry = [{"type": "Solid", "lod": "2", "boundaries": [faces], "semantics": KINDS}]
    return city({"h": {"type": "Building", "attributes": said, "geometry": geometry}}, points, crs)


def read(tmp_path: Path, content: Any, park: Park | None = None, name: str = "city.json", **options: Any) -> Imported:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return IMPORTER.read(path, Context(park or Park("Test", Frame(*ORIGIN)), Options(**options)))


def codes(imported: Imported) -> set[str]:
    return {issue.code for issue in imported.issues}


def table(imported: Imported, kind: str):
    return next(each.table for each in imported.layers if each.layer.kind == kind)


def test_a_house_has_its_footprint_heights_body_and_volume(tmp_path: Path):
    found = read(
        tmp_path, house(function="1120", roofType="1000", yearOfConstruction=1985, storeysAboveGround=2, Owner="Port", name="Hall")
    )
    scale = 1 / UTM_SCALE
    (model,) = found.models
    (element,) = model.elements
    row = table(found, "building").row(0)
    assert row["base_m"] == pytest.approx(5.0)
    assert row["height_m"] == pytest.approx(6.0)
    assert (row["name"], row["storeys"], row["usage"], row["roof_type"], row["year"], row["Owner"]) == (
        "Hall",
        2,
        "office building",
        "flat roof",
        1985,
        "Port",
    )
    outline = Frame(*ORIGIN).project(table(found, "building").geometry[0])
    assert outline.area == pytest.approx(200 * scale**2, rel=1e-4)
    assert element.properties["Geometry"]["volume_m3"] == pytest.approx(1200 * scale**2, rel=1e-4)
    assert element.properties["SurfaceAreas_m2"]["RoofSurface"] == pytest.approx(200 * scale**2, rel=1e-4)
    assert (element.id, element.ifc_class, element.state) == ("h", "Building", "built")
    assert len(model.mesh.faces) == 12
    assert [(group.id, group.ifc_class, list(group.members)) for group in model.groups] == [("h", "Building", ["h"])]
    assert model.model.base_h_m == pytest.approx(5.0)


UTM_SCALE = 1.0  # set below: how long a metre on the ground is on the map here
_probe = Transformer.from_crs("EPSG:32651", "EPSG:4326", always_xy=True).transform([EAST, EAST + 100], [NORTH, NORTH])
UTM_SCALE = 100 / float(np.linalg.norm(np.diff(Frame(*ORIGIN).to_enu(np.column_stack(_probe)), axis=0)))


def test_each_vertex_lies_where_proj_puts_it(tmp_path: Path):
    found = read(tmp_path, house())
    back = Transformer.from_crs("EPSG:32651", "EPSG:4326", always_xy=True)
    points, _ = box(20, 10, 6, (EAST, NORTH, 5.0))
    wanted = Frame(*ORIGIN).to_enu([(*back.transform(x, y), z) for x, y, z in points])
    mine = found.models[0].mesh.vertices
    assert max(np.linalg.norm(mine - point, axis=1).min() for point in wanted) < 1e-6


@pytest.mark.parametrize(
    ("name", "is_north_first"),
    [("urn:ogc:def:crs:EPSG::4490", True), ("http://www.opengis.net/def/crs/EPSG/0/4326", True), ("EPSG:4326", False)],
)
def test_the_order_of_coordinates_follows_the_form_of_the_name(tmp_path: Path, name: str, is_north_first: bool):
    first, second = ORIGIN[::-1] if is_north_first else ORIGIN
    found = read(tmp_path, gml(name, first, second, 1e-4), name="city.gml")
    assert shapely.distance(table(found, "building").geometry[0], shapely.Point(ORIGIN)) < 1e-4
    assert "city_axes_swapped" not in codes(found)


def test_earth_centred_coordinates_come_to_their_place(tmp_path: Path):
    frame = Frame(*ORIGIN)
    local, faces = box(20, 10, 6, (0, 0, 5))
    points = (frame.ecef_matrix() @ np.column_stack([local, np.ones(8)]).T).T[:, :3]
    objects = {"h": {"type": "Building", "geometry": [{"type": "Solid", "lod": "2", "boundaries": [faces]}]}}
    found = read(tmp_path, city(objects, points.tolist(), "EPSG:4978"))
    assert np.abs(np.sort(found.models[0].mesh.vertices, axis=0) - np.sort(np.array(local), axis=0)).max() < 1e-3


def gml(crs: str, x: float, y: float, size: float, more: str = "") -> str:
    ring = " ".join(f"{x + i * size!r} {y + j * size!r} 3" for i, j in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)))
    surface = "bldg:lod1MultiSurface > gml:MultiSurface > gml:surfaceMember > gml:Polygon > gml:exterior > gml:LinearRing > gml:posList"
    corners = f"<gml:lowerCorner>{x} {y} 3</gml:lowerCorner><gml:upperCorner>{x + size} {y + size} 3</gml:upperCorner>"
    envelope = nest(f'gml:boundedBy > gml:Envelope srsName="{crs}"', corners)
    building = nest('cityObjectMember > bldg:Building gml:id="b"', nest(surface, ring))
    return nest(f"CityModel {SPACES}", envelope + building + more)


def nest(path: str, content: str = "") -> str:
    """`content` in elements one in the other; each may have attributes."""
    for tag in reversed(path.split(" > ")):
        content = f"<{tag}>{content}</{tag.split()[0]}>"
    return content


@pytest.mark.parametrize(
    ("crs", "is_x_first"),
    [
        ("urn:ogc:def:crs:EPSG::4549", True),
        ("urn:ogc:def:crs:EPSG::4549", False),
        ("EPSG:4549", True),
        ("EPSG:4549", False),
        ("urn:ogc:def,crs::EPSG:4549", True),
    ],
)
def test_a_file_that_lies_about_the_order_is_read_right_and_told(tmp_path: Path, crs: str, is_x_first: bool):
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:4549", always_xy=True).transform(*ORIGIN)
    found = read(tmp_path, gml(crs, *((x, y) if is_x_first else (y, x)), 10.0), name="city.gml")
    assert shapely.distance(table(found, "building").geometry[0], shapely.Point(ORIGIN)) < 1e-4
    assert ("city_axes_swapped" in codes(found)) == (is_x_first == crs.startswith("urn"))


@pytest.mark.parametrize(
    ("said", "plane", "datum"),
    [
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "EPSG:25832", "EPSG:5783"),
        ("urn:ogc:def:crs,crs:EPSG:6.12:25832,crs:EPSG:6.12:5783", "EPSG:25832", "EPSG:5783"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN2016_NH", "EPSG:25832", "EPSG:7837"),
        ("EPSG:25832", "EPSG:25832", None),
        ("http://www.opengis.net/gml/srs/epsg.xml#25832", "EPSG:25832", None),
        ("https://www.opengis.net/def/crs/EPSG/0/5555", "EPSG:25832", "EPSG:5783"),
    ],
)
def test_names_of_systems_and_what_heights_count_from(tmp_path: Path, said: str, plane: str, datum: str | None):
    place = (8.4365, 49.1004)
    x, y = Transformer.from_crs("EPSG:4326", "EPSG:25832", always_xy=True).transform(*place)
    found = read(tmp_path, gml(said, x, y, 10.0), Park("P", Frame(*place)), name="city.gml")
    assert (found.crs, found.height_datum) == (plane, datum)


def test_heights_are_moved_by_the_offset_asked_for(tmp_path: Path):
    found = read(tmp_path, house(), height_offset_m=2.5)
    assert table(found, "building").row(0)["base_m"] == pytest.approx(7.5)
    assert found.height_offset_m == 2.5


def test_coordinates_that_lie_nowhere_are_not_exchanged_to_lie_on_another_continent(tmp_path: Path):
    zoned = house(at=(EAST + 51e6, NORTH, 5.0))  # the zone's number before the easting, as EPSG:32651 has it not
    with pytest.raises(CRSError) as refused:
        read(tmp_path, zoned)
    assert refused.value.code == "crs_contradicts"


def test_objects_without_a_shape_are_refused(tmp_path: Path):
    bare = city({"a": {"type": "Building"}, "b": {"type": "Road", "geometry": []}}, [[0, 0, 0]])
    with pytest.raises(UnreadableSource) as refused:
        read(tmp_path, bare)
    assert (refused.value.code, refused.value.details["count"]) == ("city_nothing_drawn", 2)


def test_a_missing_system_is_refused_with_ranked_guesses_and_taken_with_crs(tmp_path: Path):
    with pytest.raises(CRSError) as refused:
        read(tmp_path, house(crs=None))
    assert refused.value.code == "crs_missing"
    assert "EPSG:32651" in refused.value.hint("en")
    assert read(tmp_path, house(crs=None), crs="EPSG:32651").crs == "EPSG:32651"


def test_an_unknown_system_is_refused_by_its_name(tmp_path: Path):
    with pytest.raises(CRSError) as refused:
        read(tmp_path, house(crs="urn:local:site-grid"))
    assert refused.value.code == "city_crs_unknown"
    assert "site-grid" in refused.value.text("zh")


def test_local_coordinates_are_placed_by_their_zero_point(tmp_path: Path):
    found = read(tmp_path, house(at=(100, 50, 1), crs=None), place=f"{ORIGIN[0]},{ORIGIN[1]},7,90")
    wanted = np.array([[-50, 100, 8], [-50, 120, 8], [-60, 120, 8], [-60, 100, 8]], float)
    frame = Frame(*ORIGIN, 7.0)
    turned = Frame(*ORIGIN).to_enu(frame.to_lonlat(wanted - [0, 0, 7]))
    mine = found.models[0].mesh.vertices
    assert max(np.linalg.norm(mine - point, axis=1).min() for point in turned) < 1e-3


@pytest.mark.parametrize("place", ["footprint", "1,2,3,4,5", "500,1", "x,y"])
def test_a_place_that_is_none_is_a_wrong_usage(tmp_path: Path, place: str):
    with pytest.raises(UsageError):
        read(tmp_path, house(crs=None), place=place)


def test_local_coordinates_are_placed_by_control_points(tmp_path: Path):
    frame = Frame(*ORIGIN)
    turn = math.radians(30)
    local = np.array([[0, 0], [200, 0], [200, 100], [0, 100]], float)
    enu = np.column_stack(
        [local[:, 0] * math.cos(turn) - local[:, 1] * math.sin(turn), local[:, 0] * math.sin(turn) + local[:, 1] * math.cos(turn)]
    )
    lonlat = frame.to_lonlat(np.column_stack([enu, np.zeros(4)]))
    rows = [
        f"{i},{x},{y},{lon:.10f},{lat:.10f}" for i, ((x, y), (lon, lat, _)) in enumerate(zip(local.tolist(), lonlat.tolist(), strict=True))
    ]
    (tmp_path / "control.csv").write_text("name,x,y,lon,lat\n" + "\n".join(rows), "utf-8")
    found = read(tmp_path, house(at=(100, 50, 1), crs=None), control=str(tmp_path / "control.csv"))
    corner = found.models[0].mesh.vertices[:, :2]
    wanted = [100 * math.cos(turn) - 50 * math.sin(turn), 100 * math.sin(turn) + 50 * math.cos(turn)]
    assert np.linalg.norm(corner - wanted, axis=1).min() < 0.01


def several_levels() -> dict[str, Any]:
    vertices: list[list[float]] = []
    geometry: list[dict[str, Any]] = []
    for k, (lod, height) in enumerate((("1.2", 4), ("1.3", 5), ("2.2", 6))):
        points, faces = box(20, 10, height, (EAST, NORTH, 0))
        vertices += points
        geometry.append({"type": "Solid", "lod": lod, "boundaries": [shifted(faces, 8 * k)]})
    geometry.append({"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]})
    return city({"h": {"type": "Building", "geometry": geometry}}, vertices)


@pytest.mark.parametrize(
    ("asked", "taken", "height"), [(None, "2.2", 6), ("2", "2.2", 6), ("2.2", "2.2", 6), ("1", "1.3", 5), ("1.2", "1.2", 4)]
)
def test_levels_of_detail_are_reported_and_chosen(tmp_path: Path, asked: str | None, taken: str, height: float):
    found = read(tmp_path, several_levels(), lod=asked)
    assert list(found.details["lods"]) == ["0", "1.2", "1.3", "2.2"]
    assert found.models[0].elements[0].properties["Geometry"]["LoD"] == taken
    assert table(found, "building").row(0)["height_m"] == pytest.approx(height)
    assert table(found, "building").row(0)["footprint_source"] == "footprint"


def test_a_level_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path):
    with pytest.raises(UnreadableSource) as refused:
        read(tmp_path, several_levels(), lod="3")
    assert "0, 1.2, 1.3, 2.2" in refused.value.text("en")


def test_parts_make_one_building_and_stand_for_a_coarser_whole(tmp_path: Path):
    one, faces = box(10, 10, 4, (EAST, NORTH, 0))
    two, _ = box(10, 10, 9, (EAST + 10, NORTH, 1))
    whole, _ = box(20, 10, 9, (EAST, NORTH, 0))
    solid = [{"type": "Solid", "lod": "2", "boundaries": [faces]}]
    objects = {
        "b": {"type": "Building", "children": ["p", "q"], "geometry": [{"type": "Solid", "lod": "1", "boundaries": [shifted(faces, 16)]}]},
        "p": {"type": "BuildingPart", "parents": ["b"], "geometry": solid},
        "q": {"type": "BuildingPart", "parents": ["b"], "geometry": [{"type": "Solid", "lod": "2", "boundaries": [shifted(faces, 8)]}]},
    }
    found = read(tmp_path, city(objects, [*one, *two, *whole]))
    row = table(found, "building").row(0)
    assert row["parts"] == ["p", "q"]
    assert row["base_m"] == pytest.approx(0)
    assert row["height_m"] == pytest.approx(10)
    assert Frame(*ORIGIN).project(table(found, "building").geometry[0]).area == pytest.approx(200 / UTM_SCALE**2, rel=1e-4)
    assert [element.id for element in found.models[0].elements] == ["p", "q"]
    assert [list(group.members) for group in found.models[0].groups] == [["p", "q"]]


def test_other_classes_become_layers(tmp_path: Path):
    points = [[EAST + x, NORTH + y, 0] for x, y in ((0, 0), (10, 0), (10, 10), (0, 10))]
    area = [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2]], [[0, 2, 3]]]}]
    point = [{"type": "MultiPoint", "lod": "1", "boundaries": [1]}]
    kinds = {
        "Road": "road_area",
        "Railway": "road_area",
        "WaterBody": "water",
        "PlantCover": "green",
        "LandUse": "other",
        "GenericCityObject": "other",
    }
    objects: dict[str, Any] = {f"a{k}": {"type": kind, "geometry": area} for k, kind in enumerate(kinds)}
    objects["tree"] = {"type": "SolitaryVegetationObject", "geometry": point, "attributes": {"height": 8.5, "species": "Ginkgo"}}
    objects["lamp"] = {"type": "CityFurniture", "geometry": point, "attributes": {"function": "street light"}}
    objects["bench"] = {"type": "CityFurniture", "geometry": point, "attributes": {"function": "bench"}}
    found = read(tmp_path, city(objects, points))
    sizes = {each.layer.kind: len(each.table) for each in found.layers}
    assert sizes == {"road_area": 2, "water": 1, "green": 1, "other": 3, "tree": 1, "pole": 1}
    assert table(found, "tree").row(0)["height_m"] == 8.5
    assert Frame(*ORIGIN).project(table(found, "water").geometry[0]).area == pytest.approx(100 / UTM_SCALE**2, rel=1e-4)
    assert not found.models
    assert all(each.layer.title != each.layer.id and each.layer.title_zh for each in found.layers)


def test_a_relief_becomes_the_ground(tmp_path: Path):
    n = 6
    points = [[EAST + 10 * i, NORTH + 10 * j, 20 + 0.1 * (10 * i) + 0.05 * (10 * j)] for j in range(n) for i in range(n)]
    quads = [(j * n + i, j * n + i + 1, (j + 1) * n + i + 1, (j + 1) * n + i) for j in range(n - 1) for i in range(n - 1)]
    triangles = [[[a, b, c]] for a, b, c, _ in quads] + [[[a, c, d]] for a, _, c, d in quads]
    found = read(
        tmp_path,
        city({"t": {"type": "TINRelief", "geometry": [{"type": "CompositeSurface", "lod": "1", "boundaries": triangles}]}}, points),
    )
    terrain = found.terrain
    assert terrain is not None
    known = np.argwhere(np.isfinite(terrain.heights))
    assert len(known) > 20
    back = Transformer.from_crs("EPSG:4326", "EPSG:32651", always_xy=True)
    for row, column in known.tolist():
        lon, lat, _ = Frame(*ORIGIN).to_lonlat([[terrain.x0_m + column * terrain.step_m, terrain.y0_m + row * terrain.step_m, 20]])[0]
        x, y = back.transform(lon, lat)
        assert terrain.heights[row, column] == pytest.approx(20 + 0.1 * (x - EAST) + 0.05 * (y - NORTH), abs=2e-3)


def test_an_open_solid_a_crossed_ring_and_a_bent_roof_are_told(tmp_path: Path):
    points, faces = box(20, 10, 6, (EAST, NORTH, 0))
    points[6][2] += 1.0
    crossed = [[0, 2, 1, 3]]
    found = read(
        tmp_path,
        city({"h": {"type": "Building", "geometry": [{"type": "Solid", "lod": "2", "boundaries": [[*faces[1:], crossed]]}]}}, points),
    )
    assert {"city_solid_open", "city_ring_crosses", "city_surface_bent"} <= codes(found)
    assert found.models[0].elements[0].state == "degraded"


def test_ids_are_made_where_they_are_missing_and_repeated(tmp_path: Path):
    x, y = EAST, NORTH
    one = gml("EPSG:32651", x, y, 10.0)
    again = one[one.index("<cityObjectMember>") : one.index("</CityModel>")]
    nameless = again.replace(' gml:id="b"', "").replace(" 3 ", " 4 ")
    found = read(tmp_path, gml("EPSG:32651", x, y, 10.0, again + nameless), name="city.gml")
    ids = list(table(found, "building").ids)
    assert ids[:2] == ["b", "b~2"]
    assert ids[2].startswith("Building-")
    assert list(table(read(tmp_path, gml("EPSG:32651", x, y, 10.0, again + nameless), name="city.gml"), "building").ids) == ids
    assert {"city_id_repeated", "city_id_missing"} <= codes(found)


def test_packed_files_and_sequences_are_recognised_and_read(tmp_path: Path):
    path = tmp_path / "city.json.gz"
    path.write_bytes(gzip.compress(json.dumps(house()).encode()))
    assert IMPORTER.recognises(path, path.read_bytes()[:65536]) == 95
    found = IMPORTER.read(path, Context(Park("Test", Frame(*ORIGIN)), Options()))
    assert found.layers[0].layer.id == "city_building"


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"FeatureCollection","features":[]}',
        "<kml xmlns='http://www.opengis.net/kml/2.2'/>",
        "id,x,y\n1,2,3",
        '<osm version="0.6"/>',
        "ISO-10303-21;",
        "{",
    ],
)
def test_other_formats_are_not_taken(tmp_path: Path, text: str):
    path = tmp_path / "other"
    path.write_text(text, "utf-8")
    assert IMPORTER.recognises(path, text.encode()) == 0


def test_a_document_that_begins_with_its_vertices_is_recognised_by_its_end(tmp_path: Path):
    path = tmp_path / "big.json"
    rest = json.dumps(house())[1:]
    path.write_text('{"vertices_before":' + json.dumps([[k, k, k] for k in range(9000)]) + "," + rest, "utf-8")
    assert IMPORTER.recognises(path, path.read_bytes()[:65536]) == 95


@pytest.mark.parametrize(
    "head",
    ['<!DOCTYPE x [<!ENTITY a "b">]>', '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>', '<!DOCTYPE x [<!ENTITY % a "b"> %a;]>'],
)
def test_entities_are_refused(tmp_path: Path, head: str):
    text = gml("EPSG:32651", EAST, NORTH, 10.0).replace('gml:id="b">', 'gml:id="b"><gml:name>&a;</gml:name>')
    with pytest.raises(TwinError) as refused:
        read(tmp_path, head + text, name="city.gml")
    assert refused.value.code == "markup_entities"


def test_a_city_model_of_another_place_is_taken_and_told(tmp_path: Path):
    found = read(tmp_path, house(at=(EAST + 90_000, NORTH, 0)))
    assert "far_from_park" in codes(found)


def test_a_surface_at_an_impossible_height_is_left_out_and_told(tmp_path: Path):
    document = house()
    document["vertices"][6][2] = 1e9
    found = read(tmp_path, document)
    assert "city_coordinates_bad" in codes(found)
    assert np.abs(found.models[0].mesh.vertices).max() < 1000
