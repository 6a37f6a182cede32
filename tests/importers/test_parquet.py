from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import shapely

from importers import parquet
from importers.vector import IMPORTER
from twin.errors import UnreadableSource


def test_without_pyarrow_the_sentence_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1" + bytes(20))
    assert IMPORTER.recognises(path, path.read_bytes()) > 90
    with pytest.raises(UnreadableSource) as caught:
        parquet.read_table(path)
    assert caught.value.code == "parquet_not_installed"
    assert "pyarrow" in caught.value.hint("zh")


def test_features_of_geoparquet(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    points = shapely.points([[120.6, 31.3], [120.7, 31.4]])
    about = {"version": "1.0.0", "primary_column": "geometry", "columns": {"geometry": {"encoding": "WKB", "geometry_types": ["Point"]}}}
    rows = arrow.table({"geometry": list(shapely.to_wkb(points)), "name": ["a", "乙"]}).replace_schema_metadata({"geo": json.dumps(about)})
    writer.write_table(rows, tmp_path / "a.parquet")
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.geometry is not None
    assert shapely.equals(table.geometry, points).all()
    assert (table.columns, table.crs) == ({"name": ["a", "乙"]}, "EPSG:4326")
    writer.write_table(arrow.table({"name": ["a"]}), tmp_path / "b.parquet")
    with pytest.raises(UnreadableSource) as caught:
        parquet.read_table(tmp_path / "b.parquet")
    assert caught.value.code == "source_no_geometry"


def test_a_real_geoparquet(shared_data: Path) -> None:
    pytest.importorskip("pyarrow")
    table = parquet.read_table(shared_data / "gis/geoparquet/monaco_osm.parquet")
    assert len(table) == 7906


@pytest.mark.parametrize("chunk", [2, 100])
def test_native_encodings_covers_and_nulls(tmp_path: Path, chunk: int) -> None:
    geopandas = pytest.importorskip("geopandas")
    square = shapely.box(120.6, 31.3, 120.7, 31.4)
    holed = square.difference(shapely.box(120.62, 31.32, 120.63, 31.33))
    listed = {
        "point": [shapely.Point(120.6, 31.3), shapely.Point(120.7, 31.4), None],
        "linestring": [shapely.LineString([(1, 2), (3, 4)]), None] * 2,
        "polygon": [square, None, holed],
        "multipolygon": [shapely.MultiPolygon([square, shapely.box(0, 0, 1, 1)]), shapely.MultiPolygon([holed])],
        "multipoint": [shapely.MultiPoint([(1, 2), (3, 4)])],
        "multilinestring": [shapely.MultiLineString([[(1, 2), (3, 4)], [(5, 6), (7, 8)]])],
    }  # fmt: skip
    for kind, shapes in listed.items():
        frame = geopandas.GeoDataFrame({"name": ["x"] * len(shapes)}, geometry=shapes, crs="EPSG:4490")
        path = tmp_path / f"{kind}.parquet"
        frame.to_parquet(path, geometry_encoding="geoarrow", write_covering_bbox=True, row_group_size=chunk)
        table = parquet.read_table(path)
        assert list(table.columns) == ["name"], kind
        assert [None if shape is None else shape.wkt for shape in table.geometry] == [
            None if shape is None else shape.wkt for shape in shapes
        ]
        assert "4490" in str(table.crs)


def test_coordinate_systems_absent_and_null(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet as writer

    said = {"absent": {}, "null": {"crs": None}, "id": {"crs": {"id": {"authority": "EPSG", "code": 4549}}}}
    found = {}
    for name, crs in said.items():
        about = {
            "version": "1.1.0",
            "primary_column": "g",
            "columns": {"g": {"encoding": "WKB", "geometry_types": [], **crs}, "h": {"encoding": "WKB"}},
        }
        shapes = list(shapely.to_wkb(shapely.points([[1.0, 2.0]])))
        rows = arrow.table({"g": shapes, "h": shapes, "v": [1]}).replace_schema_metadata({"geo": json.dumps(about)})
        writer.write_table(rows, tmp_path / f"{name}.parquet")
        table = parquet.read_table(tmp_path / f"{name}.parquet")
        found[name] = table.crs
        assert list(table.columns) == ["v"]
    assert found["absent"] == "EPSG:4326"
    assert found["null"] is None
    assert "4549" in str(found["id"])


@pytest.mark.parametrize("content", [b"PAR1" + bytes(100) + b"PAR1", b"PAR1", b"PAR1" + b"\xff" * 5000 + b"\x10\x00\x00\x00PAR1"])
def test_damaged_parquet_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(UnreadableSource):
        parquet.read_table(tmp_path / "a.parquet")
