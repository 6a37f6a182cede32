from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyogrio.raw import read as read_raw
from pyogrio.raw import write as write_raw
from pyproj import Transformer

from importers.contract import Context, Imported, Options
from importers.recognise import find
from importers.vector import IMPORTER
from twin.crs import Frame
from twin.errors import CRSError, UnreadableSource
from twin.model import Park

LON, LAT = 120.6, 31.3
FORMATS = {"a.geojson": "GeoJSON", "a.gpkg": "GPKG", "a.fgb": "FlatGeobuf", "a.shp": "ESRI Shapefile", "a.kml": "KML", "a.gml": "GML"}
POINT = {"type": "Point", "coordinates": [LON, LAT]}


def square(east: float = 0.0, north: float = 0.0, size: float = 0.0005) -> dict[str, Any]:
    west, south = LON + east, LAT + north
    ring = [[west, south], [west + size, south], [west + size, south + size], [west, south + size], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def write(path: Path, driver: str, shapes: list[Any], names: list[str], crs: str = "EPSG:4326", **options: Any) -> Path:
    geometry = shapely.to_wkb(np.array(shapes, object))
    kind = shapes[0].geom_type
    write_raw(path, geometry, [np.array(names, object)], ["name"], geometry_type=kind, crs=crs, driver=driver, **options)
    return path


def near(lon: float, lat: float, **options: Any) -> Context:
    return Context(Park("Test", Frame(lon, lat)), Options(**options))


def codes(imported: Imported) -> list[str]:
    return [issue.code for issue in imported.issues]


def recognised(path: Path) -> int:
    return IMPORTER.recognises(path, path.read_bytes()[:65536])


@pytest.mark.parametrize(("name", "driver"), FORMATS.items())
def test_every_format_gives_the_same_features(tmp_path: Path, context: Context, name: str, driver: str) -> None:
    shapes = [shapely.box(LON + k * 0.001, LAT, LON + k * 0.001 + 0.0005, LAT + 0.0005) for k in range(3)]
    path = write(
        tmp_path / name, driver, shapes, ["一号楼", "二号楼", "三号楼"], **({"encoding": "UTF-8"} if driver == "ESRI Shapefile" else {})
    )
    before = sorted(tmp_path.iterdir())
    assert recognised(path) >= 70
    imported = IMPORTER.read(path, context)
    (content,) = imported.layers
    assert content.layer.id == "a"
    assert sorted(content.table.column("name")) == sorted(["一号楼", "二号楼", "三号楼"])
    assert sorted(shapely.area(content.table.geometry)) == pytest.approx(sorted(shapely.area(shapes)), rel=1e-6)
    assert imported.crs == "EPSG:4326"
    assert len(set(content.table.ids)) == 3
    assert sorted(tmp_path.iterdir()) == before  # nothing is written beside the source


@pytest.mark.parametrize("crs", ["EPSG:4549", "EPSG:32651", "EPSG:3857"])
def test_projected_sources_land_where_proj_puts_them(tmp_path: Path, context: Context, crs: str) -> None:
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(LON, LAT)
    path = write(tmp_path / "a.gpkg", "GPKG", [shapely.Point(x, y)], ["a"], crs)
    table = IMPORTER.read(path, context).layers[0].table
    assert shapely.get_coordinates(table.geometry)[0] == pytest.approx([LON, LAT], abs=1e-9)


def test_the_old_crs_member_of_geojson_counts(geojson: Callable[..., Path], context: Context) -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    member = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::4549"}}
    path = geojson("a.geojson", [({}, {"type": "Point", "coordinates": [x, y]})], crs=member)
    imported = IMPORTER.read(path, context)
    assert imported.crs == "EPSG:4549"
    assert shapely.get_coordinates(imported.layers[0].table.geometry)[0] == pytest.approx([LON, LAT], abs=1e-9)


def test_geojson_in_metres_without_a_word_is_refused_with_likely_systems(geojson: Callable[..., Path], context: Context) -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    path = geojson("a.geojson", [({}, {"type": "Point", "coordinates": [x, y]})])
    with pytest.raises(CRSError) as caught:
        IMPORTER.read(path, context)
    assert "EPSG:4549" in caught.value.hint("zh")
    told = IMPORTER.read(path, replace(context, options=Options(crs="EPSG:4549")))
    assert shapely.get_coordinates(told.layers[0].table.geometry)[0] == pytest.approx([LON, LAT], abs=1e-9)
    assert not told.issues


def test_a_shapefile_without_prj_is_refused_until_told(tmp_path: Path, context: Context) -> None:
    path = write(tmp_path / "a.shp", "ESRI Shapefile", [shapely.Point(LON, LAT)], ["a"])
    path.with_suffix(".prj").unlink()
    with pytest.raises(CRSError) as caught:
        IMPORTER.read(path, context)
    assert "EPSG:4326" in caught.value.hint("en")
    assert IMPORTER.read(path, replace(context, options=Options(crs="EPSG:4326"))).layers[0].layer.features == 1


def test_a_zipped_shapefile_and_one_without_index(tmp_path: Path, context: Context) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    path = write(folder / "roads.shp", "ESRI Shapefile", [shapely.LineString([(LON, LAT), (LON + 0.001, LAT)])], ["中路"], encoding="UTF-8")
    with zipfile.ZipFile(tmp_path / "道路.zip", "w") as archive:
        for part in folder.iterdir():
            archive.write(part, f"inner/{part.name}")
    zipped = find(tmp_path / "道路.zip").read(tmp_path / "道路.zip", context)
    assert (zipped.layers[0].layer.id, zipped.layers[0].layer.kind) == ("道路", "road")
    assert list(zipped.layers[0].table.column("name")) == ["中路"]
    path.with_suffix(".shx").unlink()
    before = sorted(folder.iterdir())
    assert IMPORTER.read(path, context).layers[0].layer.features == 1
    assert sorted(folder.iterdir()) == before


def test_a_geopackage_with_several_layers_becomes_several_layers(tmp_path: Path, context: Context) -> None:
    path = tmp_path / "base.gpkg"
    write(path, "GPKG", [shapely.box(LON, LAT, LON + 0.001, LAT + 0.001)], ["a"], layer="buildings")
    write(path, "GPKG", [shapely.LineString([(LON, LAT), (LON + 0.001, LAT)])], ["b"], layer="道路", append=True)
    pyogrio.raw.write(path, None, [np.array([1, 2])], ["n"], geometry_type=None, driver="GPKG", layer="notes", append=True)
    imported = IMPORTER.read(path, context)
    assert [(each.layer.id, each.layer.kind) for each in imported.layers] == [("base_buildings", "building"), ("base_道路", "road")]
    assert [each.table.ids for each in imported.layers] == [["1"], ["1"]]
    assert codes(imported) == ["layer_without_geometry"]
    named = IMPORTER.read(path, replace(context, options=Options(layer="site")))
    assert [each.layer.id for each in named.layers] == ["site_buildings", "site_道路"]


def test_attributes_are_mapped_and_the_rest_is_kept(geojson: Callable[..., Path], context: Context) -> None:
    said = {
        "编号": "B-1",
        "建筑名称": "研发楼",
        "建筑高度": "12 m",
        "层数": 3,
        "状态": "在用",
        "用途": "办公",
        "颜色": "灰",
        "竣工日期": "2020/5/1",
    }
    table = IMPORTER.read(geojson("楼栋.geojson", [(said, square())]), context).layers[0].table
    assert table.ids == ["B-1"]
    assert table.row(0) == {
        "name": "研发楼", "name_zh": "研发楼", "height_m": 12.0, "storeys": 3, "status": "in_service", "usage": "办公", "颜色": "灰",
        "valid_from": "2020-05-01",
    }  # fmt: skip


def test_the_person_can_map_columns(geojson: Callable[..., Path], context: Context) -> None:
    path = geojson("a.geojson", [({"H": 9.5, "height": 1, "LABEL": "x"}, square())])
    options = Options(mapping={"h": "height_m", "label": "owner", "nope": "usage"})
    imported = IMPORTER.read(path, replace(context, options=options))
    row = imported.layers[0].table.row(0)
    assert row["height_m"] == 9.5
    assert row["owner"] == "x"
    assert codes(imported) == ["map_column_missing"]


def test_values_that_are_no_heights_are_told_and_kept_under_their_own_name(geojson: Callable[..., Path], context: Context) -> None:
    features = [({"id": k, "height": value}, square(k * 0.001)) for k, value in enumerate(["12 m", "tall", 99999, None, "40'"])]
    imported = IMPORTER.read(geojson("buildings.geojson", features), context)
    assert list(imported.layers[0].table.column("height_m")) == [12.0, None, None, None, pytest.approx(12.192)]
    assert [(issue.code, issue.subject) for issue in imported.issues] == [
        ("value_not_number", "buildings/1"),
        ("value_out_of_range", "buildings/2"),
    ]
    assert imported.layers[0].table.row(1)["height"] == "tall"


@pytest.mark.parametrize(
    ("name", "said", "shape", "kind", "why"),
    [
        ("buildings.geojson", {}, square(), "building", "name"),
        ("data.geojson", {"height": 12, "floors": 3}, square(), "building", "attributes"),
        ("data.geojson", {"height": 12}, POINT, "other", "none"),
        ("data.geojson", {"highway": "footway"}, {"type": "LineString", "coordinates": [[LON, LAT], [LON, LAT + 0.001]]}, "path", "osm"),
        ("data.geojson", {"building": "yes"}, square(), "building", "osm"),
        ("data.geojson", {"车位编号": "A1"}, square(size=0.00003), "parking_bay", "column"),
        ("parking.geojson", {}, square(), "parking_area", "name"),
        ("parking.geojson", {}, square(size=0.00003), "parking_bay", "name"),
        ("roads.geojson", {}, square(), "road_area", "name"),
        ("重点部位.geojson", {}, POINT, "key_position", "name"),
        ("园区边界.geojson", {}, square(), "boundary", "name"),
        ("misc.geojson", {"a": 1}, POINT, "other", "none"),
    ],
)  # fmt: skip
def test_the_kind_of_a_layer(geojson: Callable[..., Path], context: Context, name: str, said: Any, shape: Any, kind: str, why: str) -> None:
    imported = IMPORTER.read(geojson(name, [(said, shape)]), context)
    assert imported.layers[0].layer.kind == kind
    assert imported.details["layers"][0]["why"] == why
    told = IMPORTER.read(geojson(name, [(said, shape)]), replace(context, options=Options(kind="green")))
    assert told.layers[0].layer.kind == "green"


def test_closed_lines_of_a_layer_of_areas_become_areas(geojson: Callable[..., Path], context: Context) -> None:
    ring = {"type": "LineString", "coordinates": square()["coordinates"][0]}
    imported = IMPORTER.read(geojson("buildings.geojson", [({}, ring)]), context)
    assert imported.layers[0].table.geometry[0].geom_type == "Polygon"
    assert codes(imported) == ["rings_filled"]
    kept = IMPORTER.read(geojson("roads.geojson", [({}, ring)]), context)
    assert kept.layers[0].table.geometry[0].geom_type == "LineString"


def test_ids_are_the_files_own_or_stable(geojson: Callable[..., Path], context: Context) -> None:
    features = [({"v": k}, square(k * 0.001)) for k in range(3)]
    first = IMPORTER.read(geojson("a.geojson", features), context).layers[0].table.ids
    turned = IMPORTER.read(geojson("b.geojson", features[::-1]), context).layers[0].table.ids
    assert len(set(first)) == 3
    assert first == turned[::-1]
    own = IMPORTER.read(geojson("c.geojson", [({"osm_id": 10 + k, "fid": 0}, square(k * 0.001)) for k in range(3)]), context)
    assert own.layers[0].table.ids == ["10", "11", "12"]
    useless = IMPORTER.read(geojson("d.geojson", [({"Id": 0}, square(k * 0.001)) for k in range(3)]), context)
    assert len(set(useless.layers[0].table.ids)) == 3
    assert "0" not in useless.layers[0].table.ids


def test_ids_beside_the_properties_of_geojson(text: Callable[..., Path], context: Context) -> None:
    features = [{"type": "Feature", "id": k, "properties": {}, "geometry": square(k * 0.001)} for k in range(2)]
    path = text("a.geojson", json.dumps({"type": "FeatureCollection", "features": features}))
    assert IMPORTER.read(path, context).layers[0].table.ids == ["0", "1"]


def test_repeated_ids_are_made_unique_and_told(geojson: Callable[..., Path], context: Context) -> None:
    features = [({"id": each}, square(k * 0.001)) for k, each in enumerate(["a", "b", "a", "a-2"])]
    imported = IMPORTER.read(geojson("x.geojson", features), context)
    assert imported.layers[0].table.ids == ["a", "b", "a-3", "a-2"]
    assert codes(imported) == ["id_repeated"]


def test_two_features_of_one_id_are_told_apart(geojson: Callable[..., Path], context: Context) -> None:
    imported = IMPORTER.read(geojson("x.geojson", [({"id": "a"}, square()), ({"id": "a"}, square(0.001))]), context)
    assert imported.layers[0].table.ids == ["a", "a-2"]
    assert codes(imported) == ["id_repeated"]


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.txt"])
def test_geojson_under_the_name_of_a_table(text: Callable[..., Path], context: Context, name: str) -> None:
    feature = {"type": "Feature", "properties": {"name": "一号楼"}, "geometry": square()}
    path = text(name, "\ufeff" + json.dumps({"type": "FeatureCollection", "features": [feature]}, ensure_ascii=False))
    assert recognised(path) > 0
    imported = IMPORTER.read(path, context)
    assert [content.layer.id for content in imported.layers] == ["x"]
    assert list(imported.layers[0].table.column("name")) == ["一号楼"]
    assert imported.crs == "EPSG:4326"


def test_features_without_geometry_are_left_out_and_counted(geojson: Callable[..., Path], context: Context) -> None:
    imported = IMPORTER.read(geojson("a.geojson", [({"id": "x"}, POINT), ({"id": "y"}, None)]), context)
    assert imported.layers[0].table.ids == ["x"]
    assert [(issue.code, issue.subject) for issue in imported.issues] == [("geometry_missing", "a/y")]
    told = imported.details["layers"][0]
    assert (told["read"], told["kept"], told["skipped"]) == (2, 1, 1)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.geojson", '{"type": "FeatureCollection", "features": []}', "source_no_features"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": {"type": "Poi', "source_unreadable"),
        ("a.geojson", '{"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": null}]}', "source_nothing_usable"),
        ("a.csv", "id,name\n1,a\n2,b\n", "source_no_geometry"),
        ("a.kml", '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark>', "source_unreadable"),
    ],
)  # fmt: skip
def test_broken_sources_are_refused_in_words(text: Callable[..., Path], context: Context, name: str, content: str, code: str) -> None:
    path = text(name, content)
    assert recognised(path) > 0
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(path, context)
    assert caught.value.code == code
    for lang in ("en", "zh"):
        assert "{" not in caught.value.text(lang)
        assert caught.value.hint(lang)


@pytest.mark.parametrize("content", ["hello", "", '{"a": 1}', "<html></html>", '{"type": "CityJSON"}', "ISO-10303-21;", "\x00\x01\x02\x03"])
def test_other_content_is_not_claimed(text: Callable[..., Path], content: str) -> None:
    assert recognised(text("a.geojson", content)) == 0


def test_geojson_written_in_gbk(text: Callable[..., Path], context: Context) -> None:
    features = [{"type": "Feature", "properties": {"名称": "园区东门停车场"}, "geometry": square()}]
    path = text("a.geojson", json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False), "gbk")
    assert list(IMPORTER.read(path, context).layers[0].table.column("name")) == ["园区东门停车场"]


def test_chinese_names_of_a_shapefile_that_hides_its_encoding(shared_data: Path) -> None:
    path = shared_data / "gis/zh/shenzhen_districts_gbk_nocpg.shp"
    imported = IMPORTER.read(path, near(114.06, 22.54))
    truth = json.loads((shared_data / "gis/zh/shenzhen_districts.geojson").read_text("utf-8"))
    assert sorted(imported.layers[0].table.column("区划")) == sorted(each["properties"]["qh"] for each in truth["features"])
    assert imported.encoding == "GBK"
    assert codes(imported) == ["encoding_detected"]
    assert "GBK" in path.name.upper()


def test_the_persons_encoding_counts(tmp_path: Path, shared_data: Path) -> None:
    for part in (shared_data / "gis/zh").glob("shenzhen_districts_gbk_nocpg.*"):
        shutil.copy(part, tmp_path / part.name)
    imported = IMPORTER.read(tmp_path / "shenzhen_districts_gbk_nocpg.shp", near(114.06, 22.54, encoding="gb18030"))
    assert "区划" in imported.layers[0].table.columns
    assert not imported.issues


@pytest.mark.parametrize(
    ("name", "origin", "kind"),
    [
        ("gis/lorient/buildings.shp", (-3.36, 47.75), "building"), ("gis/lorient/roads.shp", (-3.36, 47.75), "road"),
        ("gis/lorient/ground_type.shp", (-3.36, 47.75), "other"), ("gis/lorient/receivers.shp", (-3.36, 47.75), "other"),
        ("gis/lorient/dem_points.geojson", (-3.36, 47.75), "terrain"), ("gis/goteborg/buildings.shp", (11.97, 57.7), "building"),
        ("gis/zh/suzhou_buildings_floor_height.geojson", (120.6, 31.3), "building"),
        ("gis/zh/shenzhen_districts.geojson", (114.06, 22.54), "zone"),
        ("gis/zh/shanghai_bus71_stops.geojson", (121.4, 31.2), "other"), ("gis/zh/shanghai_bus71_line.geojson", (121.4, 31.2), "other"),
        ("gis/fgb/countries.fgb", (6.1, 46.2), "other"),
    ],
)  # fmt: skip
def test_real_files_keep_every_feature(shared_data: Path, name: str, origin: tuple[float, float], kind: str) -> None:
    path = shared_data / name
    imported = IMPORTER.read(path, near(*origin))
    (content,) = imported.layers
    meta, _, shapes, _ = read_raw(path)
    assert content.layer.kind == kind
    assert len(content.table) == len(shapes)
    transformer = Transformer.from_crs(meta["crs"], 4326, always_xy=True)
    west, south, east, north = shapely.total_bounds(shapely.from_wkb(shapes))
    corners = [(west, south), (east, south), (east, north), (west, north)]
    lon, lat = transformer.transform(*np.array(corners).T)
    box = shapely.total_bounds(content.table.geometry)
    assert box[0] >= min(lon) - 1e-3
    assert box[3] <= max(lat) + 1e-3
    assert shapely.is_valid(content.table.geometry).all()


def test_a_real_geopackage_and_its_counts(shared_data: Path) -> None:
    path = shared_data / "gis/bubenec.gpkg"
    imported = IMPORTER.read(path, near(14.4, 50.1))
    counts = {f"bubenec_{name}": pyogrio.read_info(path, layer=name)["features"] for name, _ in pyogrio.list_layers(path)}
    assert {each.layer.id: len(each.table) for each in imported.layers} == counts
    assert imported.crs == "EPSG:3857"


def test_kml_heights_above_ground_become_heights_of_buildings(shared_data: Path) -> None:
    imported = IMPORTER.read(shared_data / "gis/kml/KML_Samples.kml", near(-122.08, 37.42))
    campus = next(each for each in imported.layers if each.layer.id.endswith("Google_Campus"))
    assert campus.layer.kind == "building"
    assert not shapely.has_z(campus.table.geometry).any()
    assert all(height > 0 for height in campus.table.column("height_m"))


def test_tracks_in_a_csv_are_points(shared_data: Path) -> None:
    imported = IMPORTER.read(shared_data / "iot/pneuma_vehicle_tracks.csv", near(23.73, 37.99))
    assert len(imported.layers[0].table) == 23293
    assert not imported.issues


def test_every_real_vector_file_keeps_every_feature_that_has_a_shape(shared_data: Path) -> None:
    files = [path for path in sorted((shared_data / "gis").rglob("*")) if path.suffix in {".shp", ".geojson", ".gpkg", ".fgb", ".kml"}]
    assert len(files) > 12
    for path in files:
        expected = 0
        for layer, kind in pyogrio.list_layers(path):
            shapes = read_raw(path, layer=layer)[2] if kind is not None else []
            expected += sum(shape is not None for shape in shapes)
        west, south, east, north = -3.4, 47.7, -3.3, 47.8
        imported = IMPORTER.read(path, near((west + east) / 2, (south + north) / 2))
        assert sum(len(each.table) for each in imported.layers) == expected, path
        assert all(shapely.is_valid(each.table.geometry).all() for each in imported.layers)


def test_numbers_that_are_none_and_places_that_are_nowhere(text: Callable[..., Path], context: Context) -> None:
    said = '{"a": NaN, "b": Infinity, "c": -Infinity}'
    places = ["[NaN, 31]", "[1e300, 1e300]", "[120.6, 31.3]", "[120.6, 31.3, 1e308]", "[Infinity, 31.3]"]
    features = ", ".join(
        f'{{"type": "Feature", "properties": {said}, "geometry": {{"type": "Point", "coordinates": {place}}}}}' for place in places
    )
    imported = IMPORTER.read(text("a.geojson", f'{{"type": "FeatureCollection", "features": [{features}]}}'), context)
    table = imported.layers[0].table
    assert np.isfinite(shapely.get_coordinates(table.geometry)).all()
    assert [120.6, 31.3] in shapely.get_coordinates(table.geometry).tolist()
    assert all(value is None for values in table.columns.values() for value in values)
    assert {"geometry_not_finite", "coordinates_impossible"} & set(codes(imported))


def test_fields_with_the_names_of_ours(geojson: Callable[..., Path], context: Context) -> None:
    said = {
        "fid": 1,
        "id": 1.5,
        "geom": "g",
        "source": "s",
        "attributes": {"x": 1},
        "Name": "a",
        "NAME": "c",
        "rowid": 3,
        "nest": {"a": [1, {"b": 2}]},
        "list": [1, 2],
    }
    table = IMPORTER.read(geojson("x.geojson", [(said, square()), ({**said, "id": 2.0}, square(0.001))]), context).layers[0].table
    assert table.ids == ["1.5", "2"]
    names = [name.casefold() for name in table.columns]
    assert len(set(names)) == len(names)
    kept = table.row(0)
    assert {kept[name] for name in kept if name.casefold().startswith("name")} == {"a", "c"}
    assert (kept["geom"], kept["source"], kept["rowid"], kept["list"]) == ("g", "s", 3, [1, 2])


def test_a_polygon_of_very_many_points(geojson: Callable[..., Path], context: Context) -> None:
    angle = np.linspace(0, 2 * np.pi, 300_000, endpoint=False)
    ring = np.column_stack([LON + 0.01 * np.cos(angle), LAT + 0.01 * np.sin(angle)])
    shape = shapely.geometry.mapping(shapely.Polygon(ring))
    table = IMPORTER.read(geojson("x.geojson", [({"name": "big"}, shape)]), context).layers[0].table
    assert shapely.area(table.geometry[0]) == pytest.approx(np.pi * 1e-4, rel=1e-6)
