"""Formats as other programs write them, read through GDAL: under any name, in several layers, with curves, surfaces and M values."""

from __future__ import annotations

import json
import shutil
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest
import shapely
from pyogrio.raw import read as read_raw
from pyogrio.raw import write

from importers import gdal, isolated
from importers.contract import Context, Imported, Options
from importers.recognise import find
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Park

LON, LAT = 120.6, 31.3


def read(path: Path, **options: Any) -> Imported:
    return find(path).read(path, Context(Park("Test", Frame(LON, LAT)), Options(**options)))


def codes(imported: Imported) -> list[str]:
    return [issue.code for issue in imported.issues]


def feature(k: int = 0, **said: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {"n": k, **said}, "geometry": {"type": "Point", "coordinates": [LON + k * 1e-3, LAT]}}


def points(path: Path, driver: str, names: list[str], **options: Any) -> Path:
    shapes = shapely.points([[LON + 0.001 * k, LAT] for k in range(len(names))])
    options = {"crs": "EPSG:4326", **options}
    write(path, shapely.to_wkb(shapes), [np.array(names, object)], ["name"], geometry_type="Point", driver=driver, **options)
    return path


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("lines.json", "\n".join(json.dumps(feature(k)) for k in range(3))),
        ("lines.data", "\n".join(json.dumps(feature(k)) for k in range(3)) + "\n"),
        ("records.json", "".join(f"\x1e{json.dumps(feature(k), indent=1)}\n" for k in range(3))),
        ("list.json", json.dumps([feature(k) for k in range(3)])),
        ("one.txt", json.dumps({"type": "FeatureCollection", "features": [feature(k) for k in range(3)]})),
        ("wide.json", json.dumps({"type": "FeatureCollection", "features": [feature(k) for k in range(3)]}).encode("utf-16")),
        ("marked.json", b"\xef\xbb\xbf" + json.dumps({"type": "FeatureCollection", "features": [feature(k) for k in range(3)]}).encode()),
    ],
)
def test_json_texts_of_features(tmp_path: Path, name: str, content: str | bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    imported = read(path)
    (content_of,) = imported.layers
    assert list(content_of.table.column("n")) == [0, 1, 2]
    assert content_of.layer.id == path.stem
    assert imported.crs == "EPSG:4326"
    assert codes(imported) == []


def test_esri_json_and_topojson(tmp_path: Path) -> None:
    ring = [[LON, LAT], [LON, LAT + 0.001], [LON + 0.001, LAT], [LON, LAT]]
    esri = {"geometryType": "esriGeometryPolygon", "spatialReference": {"wkid": 4490},
            "fields": [{"name": "名称", "type": "esriFieldTypeString"}],
            "features": [{"attributes": {"名称": "一号楼"}, "geometry": {"rings": [ring]}}]}  # fmt: skip
    (tmp_path / "esri.json").write_text(json.dumps(esri), "utf-8")
    found = read(tmp_path / "esri.json")
    assert (found.crs, list(found.layers[0].table.column("name"))) == ("EPSG:4490", ["一号楼"])
    topology = {"type": "Topology", "transform": {"scale": [1e-4, 1e-4], "translate": [LON, LAT]},
                "arcs": [[[0, 0], [10, 0], [0, 10], [-10, 0], [0, -10]]],
                "objects": {"plots": {"type": "GeometryCollection", "geometries": [{"type": "Polygon", "arcs": [[0]]}]},
                            "gates": {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [5, 5]}]}}}  # fmt: skip
    (tmp_path / "t.json").write_text(json.dumps(topology), "utf-8")
    made = read(tmp_path / "t.json")
    assert [each.layer.id for each in made.layers] == ["t_plots", "t_gates"]
    assert shapely.area(made.layers[0].table.geometry[0]) == pytest.approx(1e-6)


@pytest.mark.parametrize("name", ["a.bin", "a.csv", "a.txt", "a"])
@pytest.mark.parametrize(
    ("driver", "ending"), [("GPKG", ".gpkg"), ("FlatGeobuf", ".fgb"), ("KML", ".kml"), ("GML", ".gml"), ("GPX", ".gpx")]
)
def test_the_content_decides_not_the_name(tmp_path: Path, driver: str, ending: str, name: str) -> None:
    options = {"SPATIAL_INDEX": "NO"} if driver == "FlatGeobuf" else {}
    points(tmp_path / f"x{ending}", driver, ["东门", "西门"], **options).rename(tmp_path / name)
    for other in tmp_path.glob("x.*"):
        other.unlink()
    imported = read(tmp_path / name)
    assert sorted(imported.layers[0].table.column("name")) == ["东门", "西门"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [name]


@pytest.mark.parametrize(
    ("ending", "charset"), [("tab", "UTF-8"), ("mif", "UTF-8"), ("mif", "CP936"), ("tab", "CP936"), ("mif", "Neutral")]
)
def test_mapinfo(tmp_path: Path, ending: str, charset: str) -> None:
    if charset == "Neutral":
        lines = [
            "Version 300",
            'Charset "Neutral"',
            'Delimiter ","',
            "CoordSys Earth Projection 1, 104",
            "Columns 1",
            "  Name Char(40)",
            "Data",
            "",
        ]
        (tmp_path / "a.mif").write_text("\n".join([*lines, f"Point {LON} {LAT}", f"Point {LON} {LAT}", ""]))
        (tmp_path / "a.mid").write_bytes('"园区东门"\n"停车场"\n'.encode("gbk"))
    else:
        points(tmp_path / f"a.{ending}", "MapInfo File", ["园区东门", "停车场"], encoding=charset)
    imported = read(tmp_path / f"a.{ending}")
    assert list(imported.layers[0].table.column("name")) == ["园区东门", "停车场"]
    assert codes(imported) == ([] if charset == "UTF-8" else ["encoding_detected"])  # pyogrio writes GBK as Neutral


def test_a_zipped_file_geodatabase(tmp_path: Path) -> None:
    points(tmp_path / "park.gdb", "OpenFileGDB", ["东门", "西门"], layer="gates")
    box = shapely.to_wkb(np.array([shapely.box(LON, LAT, LON + 1e-3, LAT + 1e-3)], object))
    write(tmp_path / "park.gdb", box, [np.array(["楼"], object)], ["name"],
          geometry_type="MultiPolygon", crs="EPSG:4490", driver="OpenFileGDB", layer="建筑", append=True)  # fmt: skip
    shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path, "park.gdb")
    imported = read(tmp_path / "data.zip")
    assert [(each.layer.id, len(each.table)) for each in imported.layers] == [("data_gates", 2), ("data_建筑", 1)]


def curve(kind: int, *parts: bytes) -> bytes:
    return struct.pack("<BII", 1, kind, len(parts)) + b"".join(parts)


def arc(*pairs: tuple[float, float]) -> bytes:
    return struct.pack("<BII", 1, 8, len(pairs)) + b"".join(struct.pack("<dd", *pair) for pair in pairs)


@pytest.mark.parametrize("large", [False, True])
def test_curves_become_chords_within_the_tolerance_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    if large:
        monkeypatch.setattr(gdal, "_LARGE_BYTES", 0)
    circle = arc((LON, LAT), (LON + 0.002, LAT), (LON, LAT))
    shapes = [
        circle, curve(9, circle, shapely.to_wkb(shapely.LineString([(LON, LAT), (LON + 1e-3, LAT)]))), curve(10, circle),
        curve(12, curve(10, circle)), curve(11, circle), shapely.to_wkb(shapely.box(LON, LAT, LON + 1e-3, LAT + 1e-3)),
    ]  # fmt: skip
    write(tmp_path / "a.gpkg", np.array(shapes, object), [np.arange(6)], ["n"], geometry_type="Unknown", crs="EPSG:4326", driver="GPKG")
    imported = read(tmp_path / "a.gpkg")
    table = imported.layers[0].table
    assert [shape.geom_type for shape in table.geometry] == [
        "LineString",
        "LineString",
        "Polygon",
        "MultiPolygon",
        "MultiLineString",
        "Polygon",
    ]
    radius, disc = 0.001, table.geometry[2]
    assert shapely.area(disc) == pytest.approx(np.pi * radius**2, rel=3e-4)
    (issue,) = [each for each in imported.issues if each.code == "curves_linearised"]
    assert issue.details["count"] == 5
    off = radius - shapely.distance(shapely.Point(LON + radius, LAT), shapely.boundary(disc))
    assert 0 < off <= radius * float(str(issue.details["percent"])) / 100
    plain = tmp_path / "plain.gpkg"
    write(plain, np.array(shapes[-1:], object), [np.arange(1)], ["n"], geometry_type="Polygon", crs="EPSG:4326", driver="GPKG")
    assert "curves_linearised" not in codes(read(plain))


def face(kind: int, ring: list[tuple[float, float, float]]) -> bytes:
    return struct.pack("<BIII", 1, kind, 1, len(ring)) + b"".join(struct.pack("<ddd", *point) for point in ring)


@pytest.mark.filterwarnings("ignore:Registering non-standard")
@pytest.mark.parametrize("large", [False, True])
def test_surfaces_become_outlines_with_heights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool) -> None:
    if large:
        monkeypatch.setattr(gdal, "_LARGE_BYTES", 0)
    e, n = LON + 0.001, LAT + 0.001
    low, high = 2.0, 9.0
    triangles = [
        [(LON, LAT, 1.0), (e, LAT, 2.0), (LON, n, 3.0), (LON, LAT, 1.0)],
        [(e, LAT, 2.0), (e, n, 4.0), (LON, n, 3.0), (e, LAT, 2.0)],
    ]
    floor, roof = ([(LON, LAT, z), (e, LAT, z), (e, n, z), (LON, n, z), (LON, LAT, z)] for z in (low, high))
    wall = [(LON, LAT, low), (e, LAT, low), (e, LAT, high), (LON, LAT, high), (LON, LAT, low)]
    shapes = [
        curve(1016, *(face(1017, ring) for ring in triangles)),
        curve(1015, *(face(1003, ring) for ring in (floor, roof, wall))),
        face(1017, triangles[0]),
    ]
    write(tmp_path / "a.gpkg", np.array(shapes, object), [np.arange(3)], ["n"], geometry_type="Unknown", crs="EPSG:4326", driver="GPKG")
    imported = read(tmp_path / "a.gpkg")
    table = imported.layers[0].table
    assert shapely.area(table.geometry) == pytest.approx([1e-6, 1e-6, 0.5e-6], rel=1e-6)
    assert list(table.column("base_m")) == [1.0, 2.0, 1.0]
    assert list(table.column("height_m")) == [3.0, 7.0, 2.0]
    assert "surfaces_flattened" in codes(imported)


def test_m_values_go_and_heights_stay(tmp_path: Path) -> None:
    shapes = [struct.pack("<BIddd", 1, 2001, LON, LAT, 7.0), struct.pack("<BIdddd", 1, 3001, LON, LAT, 5.0, 7.0)]
    write(tmp_path / "a.gpkg", np.array(shapes, object), [np.arange(2)], ["n"], geometry_type="Unknown", crs="EPSG:4979", driver="GPKG")
    table = read(tmp_path / "a.gpkg").layers[0].table
    assert shapely.has_z(table.geometry).tolist() == [False, True]
    assert shapely.get_coordinates(table.geometry, include_z=True)[1, 2] == pytest.approx(5.0)


def test_layers_that_no_id_could_be_named_after(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    listed = ["a/b", "a b", "楼 🏢", "x'; DROP TABLE y; --", 'quo"ted', "🏢"]
    for name in listed:
        points(path, "GPKG", ["p"], layer=name, append=path.exists())
    ids = [each.layer.id for each in read(path).layers]
    assert len(set(ids)) == len(listed)
    assert all(identity.replace("_", "").replace("-", "").isalnum() for identity in ids)


def test_views_and_odd_geometry_columns(tmp_path: Path) -> None:
    import sqlite3

    path = points(tmp_path / "a.gpkg", "GPKG", ["东门", "西门"], layer="gates", GEOMETRY_NAME='the "shape"', FID="id")
    with sqlite3.connect(path) as base:
        base.execute('CREATE VIEW west AS SELECT id AS OGC_FID, "the ""shape""" AS g, name FROM gates WHERE name = \'西门\'')
        base.execute("INSERT INTO gpkg_contents (table_name, identifier, data_type, srs_id) VALUES ('west', 'west', 'features', 4326)")
        base.execute("INSERT INTO gpkg_geometry_columns VALUES ('west', 'g', 'POINT', 4326, 0, 0)")
    base.close()
    imported = read(path)
    assert [(each.layer.id, list(each.table.column("name"))) for each in imported.layers] == [
        ("a_gates", ["东门", "西门"]),
        ("a_west", ["西门"]),
    ]


GPX = """<?xml version="1.0"?><gpx version="1.1" creator="x" xmlns="http://www.topografix.com/GPX/1/1">
<wpt lat="31.3" lon="120.6"><name>w</name></wpt>
<trk><name>t</name><trkseg><trkpt lat="31.3" lon="120.6"/><trkpt lat="31.31" lon="120.6"/></trkseg></trk></gpx>"""


def test_gpx_has_its_lines_once(tmp_path: Path) -> None:
    (tmp_path / "a.gpx").write_text(GPX)
    imported = read(tmp_path / "a.gpx")
    assert [(each.layer.id, each.table.geometry[0].geom_type) for each in imported.layers] == [
        ("a_waypoints", "Point"),
        ("a_tracks", "MultiLineString"),
    ]
    assert "layer_repeats" in codes(imported)


@pytest.mark.parametrize(
    ("srs", "place"),
    [
        ("EPSG:4326", f"<gml:coordinates>{LON},{LAT}</gml:coordinates>"), ("urn:ogc:def:crs:EPSG::4326", f"<gml:pos>{LAT} {LON}</gml:pos>"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", f"<gml:pos>{LAT} {LON}</gml:pos>"),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", f"<gml:coordinates>{LON},{LAT}</gml:coordinates>"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", f"<gml:pos>{LON} {LAT}</gml:pos>"),
        ("urn:ogc:def:crs:EPSG::4490", f"<gml:pos>{LAT} {LON}</gml:pos>"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "utf-16"])
def test_gml_by_the_order_its_srs_name_means(tmp_path: Path, srs: str, place: str, encoding: str) -> None:
    text = f"""<?xml version="1.0" encoding="{encoding}"?>
    <ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml">
    <gml:featureMember><ogr:gate fid="g.1">
    <ogr:geometryProperty><gml:Point srsName="{srs}">{place}</gml:Point></ogr:geometryProperty><ogr:name>东门</ogr:name></ogr:gate>
    </gml:featureMember></ogr:FeatureCollection>"""
    (tmp_path / "a.gml").write_bytes(text.encode(encoding))
    table = read(tmp_path / "a.gml").layers[0].table
    assert shapely.get_coordinates(table.geometry).tolist() == [pytest.approx([LON, LAT])]
    assert list(table.column("name")) == ["东门"]
    assert [file.name for file in tmp_path.iterdir()] == ["a.gml"]


def kml(*things: str, folder: str = "") -> str:
    inner = "".join(things)
    return f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document><name>d</name>{folder}{inner}</Document></kml>'


def placemark(name: str, mode: str = "relativeToGround", z: float = 12.0, extrude: int = 1, more: str = "") -> str:
    ring = " ".join(f"{LON + east},{LAT + north},{z}" for east, north in ((0, 0), (1e-3, 0), (1e-3, 1e-3), (0, 1e-3), (0, 0)))
    return (
        f"<Placemark><name>{name}</name>{more}<Polygon><extrude>{extrude}</extrude><altitudeMode>{mode}</altitudeMode>"
        f"<outerBoundaryIs><LinearRing><coordinates>{ring}</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
    )


def test_kml_extrusions_nested_folders_and_extended_data(tmp_path: Path) -> None:
    data = '<ExtendedData><Data name="层数"><value>5</value></Data></ExtendedData>'
    inner = f"<Folder><name>里</name>{placemark('二号楼', 'clampToGround', 0.0, 0)}</Folder>"
    nested = f"<Folder><name>楼</name>{placemark('一号楼', more=data)}{inner}</Folder>"
    box = "<LatLonBox><north>31.4</north><south>31.3</south><east>120.7</east><west>120.6</west></LatLonBox>"
    overlay = f"<GroundOverlay><name>o</name>{box}</GroundOverlay>"
    link = "<NetworkLink><Link><href>http://127.0.0.1:1/x.kml</href></Link></NetworkLink>"
    (tmp_path / "a.kml").write_text(kml(nested, overlay, link), "utf-8")
    imported = read(tmp_path / "a.kml", kind="building")
    heights = {
        name: height
        for each in imported.layers
        for name, height in zip(each.table.column("name"), each.table.column("height_m"), strict=True)
    }
    assert heights["一号楼"] == 12.0
    assert heights["二号楼"] is None
    storeys = [value for each in imported.layers for value in each.table.column("storeys")]
    assert 5 in storeys
    assert {"kml_overlays", "kml_network_links"} <= set(codes(imported))
    (tmp_path / "link.kml").write_text(kml(link), "utf-8")
    with pytest.raises(UnreadableSource) as caught:
        read(tmp_path / "link.kml")
    assert caught.value.code == "kml_only_links"


def test_kmz(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("doc.kml", kml(placemark("一号楼")))
        archive.writestr("files/icon.png", b"\x89PNG")
    assert list(read(tmp_path / "a.kmz").layers[0].table.column("name")) == ["一号楼"]


@pytest.mark.parametrize("stem", [" 空 格 ", "a;b`c$(id)", "x!y?z#1", "zip:c", "新\n行", "很" * 80])
@pytest.mark.parametrize("driver", ["GeoJSON", "GPKG", "ESRI Shapefile"])
def test_names_that_are_no_addresses(tmp_path: Path, stem: str, driver: str) -> None:
    ending = {"GeoJSON": "geojson", "GPKG": "gpkg", "ESRI Shapefile": "shp"}[driver]
    made = points(tmp_path / f"plain.{ending}", driver, ["一", "二"])
    for part in tmp_path.glob("plain.*"):
        part.rename(part.with_name(f"{stem}{part.suffix}"))
    assert list(read(made.with_name(f"{stem}{made.suffix}")).layers[0].table.column("name")) == ["一", "二"]


def test_mapinfo_of_another_program_with_chinese_fields_and_no_charset(tmp_path: Path) -> None:
    (tmp_path / "a.mif").write_bytes(
        'Version 450\nCharset "Neutral"\nDelimiter ","\nCoordSys Earth Projection 1, 104\nColumns 1\n  名称 Char(20)\nData\n\n'
        f"Point {LON} {LAT}\n".encode("gbk")
    )
    (tmp_path / "a.mid").write_bytes('"一号楼"\n'.encode("gbk"))
    assert list(read(tmp_path / "a.mif").layers[0].table.column("name")) == ["一号楼"]


@pytest.mark.parametrize("driver", ["GeoJSON", "GPKG", "FlatGeobuf"])
def test_whole_numbers_and_truths_stay_what_they_are_beside_gaps(tmp_path: Path, driver: str) -> None:
    told = {"few": 7, "long": 2**60 + 1, "true": True, "false": False, "half": 0.5}
    path = tmp_path / {"GeoJSON": "a.geojson", "GPKG": "a.gpkg", "FlatGeobuf": "a.fgb"}[driver]
    if driver == "GeoJSON":
        features = [feature(0, **told), feature(1, **dict.fromkeys(told))]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    else:
        gaps = [np.array([False, True])] * len(told)
        shapes = shapely.to_wkb(shapely.points([[LON, LAT], [LON, LAT]]))
        values = [np.array([value, value]) for value in told.values()]
        write(path, shapes, values, list(told), gaps, geometry_type="Point", driver=driver, crs="EPSG:4326")
    table = read(path).layers[0].table
    found = {name: {each for each in table.column(name) if each is not None} for name in told}
    assert found == {name: {value} for name, value in told.items()}
    assert {name: {type(each) for each in values} for name, values in found.items()} == {
        name: {type(value)} for name, value in told.items()
    }


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "a.kml",
            '<!DOCTYPE kml [<!ENTITY x SYSTEM "file:///etc/passwd">]><kml xmlns="http://www.opengis.net/kml/2.2"><name>&x;</name></kml>',
        ),
        ("a.gml", '<!DOCTYPE g [<!ENTITY x "y">]><g xmlns:gml="http://www.opengis.net/gml">&x;</g>'),
        ("a.gpx", '<!DOCTYPE g [<!ENTITY x "y">]><gpx xmlns="http://www.topografix.com/GPX/1/1">&x;</gpx>'),
        ("a.osm", '<!DOCTYPE g [<!ENTITY x "y">]><osm version="0.6">&x;</osm>'),
    ],
)
def test_entities_reach_no_parser(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text('<?xml version="1.0"?>' + text)
    with pytest.raises(UnreadableSource) as caught:
        read(tmp_path / name)
    assert caught.value.code == "markup_entities"


def test_a_layer_that_cannot_be_read_does_not_take_the_others_with_it(tmp_path: Path) -> None:
    import sqlite3

    path = points(tmp_path / "a.gpkg", "GPKG", ["东门"], layer="good")
    points(path, "GPKG", ["西门"], layer="bad", append=True)
    with sqlite3.connect(path) as base:
        base.execute("DROP TABLE bad")
    base.close()
    imported = read(path)
    assert [list(each.table.column("name")) for each in imported.layers] == [["东门"]]


def test_gdal_dying_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    path = points(tmp_path / "a.gpkg", "GPKG", ["东门"])
    monkeypatch.setattr(pyogrio, "list_layers", lambda _: os.abort())
    with pytest.raises(UnreadableSource) as caught:
        gdal.read_tables(path, None)
    assert caught.value.code == "reader_crashed"
    monkeypatch.setattr(gdal, "alone", lambda work, path: isolated.alone(work, path, limits=isolated.Limits(0.3, 1 << 30)))
    monkeypatch.setattr(pyogrio, "list_layers", lambda _: __import__("time").sleep(30))
    with pytest.raises(UnreadableSource) as caught:
        gdal.read_tables(path, None)
    assert caught.value.code == "reader_time"


def test_reading_by_columns_gives_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = shapely.points([[LON + 0.001 * k, LAT] for k in range(4)])
    columns = [
        np.array(["一", None, "", "x"], object), np.array([1, 2, 3, 4]), np.array([1.5, np.nan, 2.0, -1.0]),
        np.array([True, False, True, True]),
        np.array(["2020-01-02T03:04:05", "NaT", "2021-01-01", "2021-01-01"], "datetime64[ms]"),
        np.array([b"\x00\x01", None, b"", b"x"], object),
    ]  # fmt: skip
    names = ["name", "n", "x", "flag", "at", "raw"]
    for driver, file in (("GPKG", "a.gpkg"), ("FlatGeobuf", "a.fgb")):
        write(tmp_path / file, shapely.to_wkb(shapes), columns, names, geometry_type="Point", crs="EPSG:4326", driver=driver)
        (slow,) = gdal.read_tables(tmp_path / file, None)
        monkeypatch.setattr(gdal, "_LARGE_BYTES", 0)
        (fast,) = gdal.read_tables(tmp_path / file, None)
        monkeypatch.undo()
        assert fast.columns == slow.columns
        assert shapely.equals(fast.geometry, slow.geometry).all()
        assert (fast.ids, fast.crs, fast.encoding) == (slow.ids, slow.crs, slow.encoding)


@pytest.mark.parametrize(
    "file", ["zh/shenzhen_districts.geojson", "fgb/countries.fgb", "goteborg/buildings.shp", "kml/KML_Samples.kml", "bubenec.gpkg"]
)
def test_real_files_as_pyogrio_reads_them(shared_data: Path, file: str) -> None:
    path = shared_data / "gis" / file
    tables = gdal.read_tables(path, None)
    listed = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert [table.details["layer"] for table in tables] == listed
    for table, layer in zip(tables, listed, strict=True):
        meta, _, wkb, _ = read_raw(path, layer=layer)
        assert len(table) == len(wkb)
        assert len(table.columns) == len(meta["fields"])
        assert shapely.to_wkb(table.geometry).tolist() == wkb.tolist()


def test_nothing_is_left_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: Callable[..., Path]) -> None:
    import tempfile

    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    read(points(tmp_path / "a.kml", "KML", ["东门"]))
    with pytest.raises(UnreadableSource):
        gdal.read_tables(text("b.gml", '<x xmlns:gml="http://www.opengis.net/gml"><unfinished'), None)
    assert list(place.iterdir()) == []


def test_a_broken_record_does_not_take_those_before_it_along(tmp_path: Path) -> None:
    path = points(tmp_path / "a.fgb", "FlatGeobuf", [f"gate {k}" for k in range(40)], SPATIAL_INDEX="NO")
    data = bytearray(path.read_bytes())
    at = data.index(b"gate 30")
    data[at - 60 : at] = b"\xff" * 60
    path.write_bytes(data)
    (table,) = gdal.read_tables(path, None)
    assert list(table.columns["name"])[:29] == [f"gate {k}" for k in range(29)]
    (issue,) = [each for each in table.issues if each.code == "records_unreadable"]
    assert int(str(issue.details["count"])) == 40 - len(table)
