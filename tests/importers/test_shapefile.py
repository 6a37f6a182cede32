from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import shapely
from pyogrio.raw import write

from importers import gdal, shapefile
from importers.tables import Table
from twin.errors import UnreadableSource

LON, LAT = 120.6, 31.3


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shapes = shapely.box(LON + np.arange(5) * 0.001, LAT, LON + np.arange(5) * 0.001 + 0.0005, LAT + 0.0005)
    target = folder / "a.shp"
    write(target, shapely.to_wkb(shapes), [np.arange(5)], ["n"], geometry_type="Polygon", crs="EPSG:4326", driver="ESRI Shapefile")
    return target


def read(path: Path) -> tuple[Table, list[tuple[str, object]]]:
    before = {file: file.read_bytes() for file in path.parent.iterdir()}
    (table,) = gdal.read_tables(path, None)
    assert {file: file.read_bytes() for file in path.parent.iterdir()} == before
    return table, [(issue.code, issue.details.get("part")) for issue in table.issues]


def test_a_lost_index_is_made_as_it_was(path: Path, tmp_path: Path) -> None:
    whole = path.with_suffix(".shx").read_bytes()
    path.with_suffix(".shx").unlink()
    made, _ = shapefile.gathered(path, tmp_path)
    assert made.with_suffix(".shx").read_bytes() == whole
    table, issues = read(path)
    assert (len(table), issues) == (5, [("shapefile_part_missing", ".shx")])


def test_without_a_table_there_are_shapes(path: Path) -> None:
    path.with_suffix(".dbf").unlink()
    table, issues = read(path)
    assert (len(table), table.columns, issues) == (5, {}, [("shapefile_part_missing", ".dbf")])


@pytest.mark.parametrize("with_index", [True, False])
def test_a_main_part_cut_off_keeps_what_is_whole(path: Path, with_index: bool) -> None:
    data = path.read_bytes()
    path.write_bytes(data[:-100])
    if not with_index:
        path.with_suffix(".shx").unlink()
    table, issues = read(path)
    assert (len(table), table.columns["n"]) == (4, [0, 1, 2, 3])
    assert ("shapefile_cut", ".shp") in issues


def test_a_table_cut_off_keeps_its_first_records(path: Path) -> None:
    table_path = path.with_suffix(".dbf")
    data = table_path.read_bytes()
    table_path.write_bytes(data[: len(data) - 1 - 2 * (len(data) // 12)])
    table, issues = read(path)
    assert len(table) == 5
    assert table.columns["n"][:2] == [0, 1]
    assert table.columns["n"][-1] is None
    assert issues == [("shapefile_cut", ".dbf")]


def test_a_header_alone_is_refused(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])
    path.with_suffix(".shx").unlink()
    with pytest.raises(UnreadableSource) as caught:
        gdal.read_tables(path, None)
    assert caught.value.code == "source_no_features"
    path.write_bytes(b"\x00\x00\x27\x0a" + bytes(20))
    with pytest.raises(UnreadableSource):
        gdal.read_tables(path, None)


def test_parts_whose_names_differ_in_case(path: Path) -> None:
    path.with_suffix(".dbf").rename(path.with_name("A.DBF"))
    path.with_suffix(".prj").rename(path.with_name("A.prj"))
    table, issues = read(path)
    assert (table.columns["n"], table.crs, issues) == ([0, 1, 2, 3, 4], "EPSG:4326", [])


def test_a_file_of_another_name_beside_it_is_no_part(path: Path) -> None:
    shutil.copy(path.with_suffix(".dbf"), path.with_name("a_old.dbf"))
    assert set(shapefile.beside(path)) == {".shp", ".shx", ".dbf", ".prj", ".cpg"}


def test_an_index_that_points_nowhere_is_made_anew(path: Path) -> None:
    index = path.with_suffix(".shx")
    data = bytearray(index.read_bytes())
    data[100 + 8 * 2 + 4 : 100 + 8 * 3] = b"\x7f\xff\xff\xff"  # the third record claims to be four gigabytes long
    index.write_bytes(data)
    table, issues = read(path)
    assert table.columns["n"] == [0, 1, 2, 3, 4]
    assert issues == [("shapefile_index_wrong", None)]
