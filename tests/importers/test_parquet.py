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
