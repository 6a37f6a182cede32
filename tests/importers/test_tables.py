from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from importers import tables
from twin.errors import UnreadableSource


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "utf-16"])
def test_rows_of_delimited_text(text: Callable[..., Path], separator: str, encoding: str) -> None:
    rows = [["编号", "名称", "经度", "纬度"], ["1", "园区东门摄像机", "120.6", "31.3"], ["2", "重点部位", "120.61", "31.31"]]
    table = tables.read_csv(text("a.csv", "\n".join(separator.join(row) for row in rows), encoding), None)
    assert list(table.columns) == rows[0]
    assert table.columns["名称"] == ["园区东门摄像机", "重点部位"]
    placed = tables.positions(table)
    assert shapely.get_coordinates(tables.shapes_of(placed)).tolist() == [[120.6, 31.3], [120.61, 31.31]]
    assert placed.crs == "EPSG:4326"


def test_a_title_above_the_header_and_empty_rows_are_passed_over(text: Callable[..., Path]) -> None:
    table = tables.read_csv(text("a.csv", "设备清单,,\n\n编号,经度,纬度\n1,120,30\n,,\n2,121,31\n"), None)
    assert table.columns == {"编号": ["1", "2"], "经度": ["120", "121"], "纬度": ["30", "31"]}


def test_short_rows_and_repeated_headers(text: Callable[..., Path]) -> None:
    table = tables.read_csv(text("a.csv", "id,note,note\n1,a\n2,b,c\n"), None)
    assert table.columns == {"id": ["1", "2"], "note": ["a", "b"], "note_2": [None, "c"]}


@pytest.mark.parametrize(
    ("header", "row", "crs"),
    [
        ("id,lon,lat", "1,120.6,31.3", "EPSG:4326"),
        ("id,经度,纬度", "1,120.6,31.3", "EPSG:4326"),
        ("id,lng,latitude", "1,120.6°,31.3°", "EPSG:4326"),
        ("id;wkt", "1;POINT (120.6 31.3)", None),
        ("id;geom", '1;"SRID=4490;POINT (120.6 31.3)"', "EPSG:4490"),
        ("id;经纬度", "1;120.6,31.3", "EPSG:4326"),
        ("id,x,y", "1,120.6,31.3", None),
    ],
)
def test_positions_in_columns(text: Callable[..., Path], header: str, row: str, crs: str | None) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", f"{header}\n{row}\n"), None))
    assert shapely.get_coordinates(tables.shapes_of(table)).tolist() == [[120.6, 31.3]]
    assert table.crs == crs


def test_a_cell_that_is_no_coordinate_is_told_and_has_no_place(text: Callable[..., Path]) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", "id,lon,lat\n1,120,30\n2,here,30\n3,,30\n"), None))
    assert shapely.is_missing(tables.shapes_of(table)).tolist() == [False, True, True]
    assert [issue.code for issue in table.issues] == ["value_not_number"]


def test_heights_beside_positions_are_kept(text: Callable[..., Path]) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", "id,x,y,z\n1,5,6,7\n2,5,6,\n"), None))
    assert shapely.has_z(tables.shapes_of(table)).tolist() == [True, False]


def test_workbooks_with_one_and_several_sheets(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    first = book.worksheets[0]
    first.title = "摄像机"
    for row in (["摄像机一览表"], ["编号", "经度", "纬度"], ["A1", 120.6, 31.3]):
        first.append(row)
    book.create_sheet("empty")
    path = tmp_path / "设备.xlsx"
    book.save(path)
    assert tables.looks_like_workbook(path)
    (table,) = tables.read_workbook(path)
    assert (table.name, table.columns["编号"], table.columns["经度"]) == ("设备", ["A1"], [120.6])
    second = book.create_sheet("ap")
    second.append(["编号", "经度", "纬度"])
    second.append([2, 120.6, 31.3])
    book.save(path)
    assert [table.name for table in tables.read_workbook(path)] == ["设备_摄像机", "设备_ap"]


@pytest.mark.parametrize("content", ["a,b,c\n", "nothing at all\n", ",,,\n"])
def test_text_without_rows_is_refused(text: Callable[..., Path], content: str) -> None:
    with pytest.raises(UnreadableSource) as caught:
        tables.read_csv(text("a.csv", content), None)
    assert caught.value.code == "table_no_rows"


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 this is no archive")
    with pytest.raises(UnreadableSource):
        tables.read_workbook(path)


def test_renaming_gives_way_to_the_persons_word() -> None:
    table = tables.Table("t", {"lon": [1], "X": [2], "b": [3]})
    assert tables.renamed(table, {"x": "lon"}).columns == {"lon": [2], "b": [3]}
    assert [issue.details["column"] for issue in tables.unmapped([table], {"x": "lon", "nope": "lat"}, "t")] == ["nope"]


@given(st.binary(max_size=300))
def test_looking_at_bytes_never_fails(head: bytes) -> None:
    assert tables.looks_like_table(head) in {True, False}
