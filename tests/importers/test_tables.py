from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from importers import tables, workbook
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
    assert workbook.looks_like_workbook(path)
    (table,) = workbook.read_workbook(path)
    assert (table.name, table.columns["编号"], table.columns["经度"]) == ("设备", ["A1"], [120.6])
    second = book.create_sheet("ap")
    second.append(["编号", "经度", "纬度"])
    second.append([2, 120.6, 31.3])
    book.save(path)
    assert [table.name for table in workbook.read_workbook(path)] == ["设备_摄像机", "设备_ap"]


@pytest.mark.parametrize("content", ["a,b,c\n", "nothing at all\n", ",,,\n"])
def test_text_without_rows_is_refused(text: Callable[..., Path], content: str) -> None:
    with pytest.raises(UnreadableSource) as caught:
        tables.read_csv(text("a.csv", content), None)
    assert caught.value.code == "table_no_rows"


def test_a_broken_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(b"PK\x03\x04 this is no archive")
    with pytest.raises(UnreadableSource):
        workbook.read_workbook(path)


def test_renaming_gives_way_to_the_persons_word() -> None:
    table = tables.Table("t", {"lon": [1], "X": [2], "b": [3]})
    assert tables.renamed(table, {"x": "lon"}).columns == {"lon": [2], "b": [3]}
    assert [issue.details["column"] for issue in tables.unmapped([table], {"x": "lon", "nope": "lat"}, "t")] == ["nope"]


@given(st.binary(max_size=300))
def test_looking_at_bytes_never_fails(head: bytes) -> None:
    assert tables.looks_like_table(head) in {True, False}


@pytest.mark.parametrize(
    ("lon", "lat"),
    [
        ("120°36'00\"", "31°18'00\""), ("120°36′0.0″E", "31°18′0.0″N"), ("E120 36 0", "N31 18 0"), ("东经120度36分", "北纬31度18分"),
        ("120d36m0s", "31d18m0s"), ("120:36:00", "31:18:00"), ("120.6E", "31.3N"), ("120º36'00''", "31.3°"), ("１２０．６", "31.3"),
        ("120,6", "31,3"),
    ],
)  # fmt: skip
def test_degrees_as_people_write_them(tmp_path: Path, lon: str, lat: str) -> None:
    path = tmp_path / "a.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([["id", "lon", "lat"], [1, lon, lat]])
    table = tables.positions(tables.read_csv(path, None))
    assert not table.issues
    assert shapely.get_coordinates(tables.shapes_of(table)).tolist() == [pytest.approx([120.6, 31.3], abs=1e-9)]


def test_south_and_west_are_negative(text: Callable[..., Path]) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", "id,lon,lat\n1,70°30'W,33°15'S\n2,-70.5,-33.25\n"), None))
    assert shapely.get_coordinates(tables.shapes_of(table)).tolist() == [[-70.5, -33.25], [-70.5, -33.25]]


@pytest.mark.parametrize("cell", ["120°75'", "east", "120 36 00 00", "1/2"])
def test_what_is_no_angle_is_told(text: Callable[..., Path], cell: str) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", f"id,lon,lat\n1,{cell},31.3\n2,120,31\n"), None))
    assert [issue.code for issue in table.issues] == ["value_not_number"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("id;x;y\n1;500123,456;3461234,5\n2;500124,5;3461235,25\n", [[500123.456, 3461234.5], [500124.5, 3461235.25]]),
        ("id;x;y\n1;500,123;461,234\n", [[500.123, 461.234]]),  # semicolons part the cells, so the comma is decimal
        ('id,x,y\n1,"500,123","461,234"\n2,"500,124","461,235"\n', [[500123.0, 461234.0], [500124.0, 461235.0]]),  # thousands
        ('id,x,y\n1,"1,500,123.5",461234\n', [[1500123.5, 461234.0]]),
        ("id\tx\ty\n1\t1,5\t2,25\n", [[1.5, 2.25]]),
        ("id|x|y\n1|1.5|2.25\n", [[1.5, 2.25]]),
    ],
)  # fmt: skip
def test_commas_in_numbers(text: Callable[..., Path], content: str, expected: list[list[float]]) -> None:
    table = tables.positions(tables.read_csv(text("a.csv", content), None))
    assert shapely.get_coordinates(tables.shapes_of(table)).tolist() == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32", "big5", "shift_jis", "cp1252"])
def test_csv_in_rarer_encodings(text: Callable[..., Path], encoding: str) -> None:
    word = {"big5": "臺北市停車場", "shift_jis": "駐車場のカメラ", "cp1252": "Göteborg"}.get(encoding, "园区东门")
    path = text("a.csv", f"id,name,lon,lat\n1,{word},120.6,31.3\n2,{word},120.7,31.3\n", encoding)
    assert tables.looks_like_table(path.read_bytes())
    assert tables.read_csv(path, None).columns["name"] == [word, word]


def test_a_csv_in_two_encodings_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = ["编号,名称", *(f"{k},园区东门停车场" for k in range(20))]
    path.write_bytes(b"".join(f"{line}\n".encode("utf-8" if k == 7 else "gbk") for k, line in enumerate(lines)))
    assert tables.read_csv(path, None).columns["名称"] == ["园区东门停车场"] * 20


def test_a_cell_of_half_a_megabyte(text: Callable[..., Path]) -> None:
    ring = ", ".join(f"{120 + k * 1e-6:.6f} {31 + (k % 7) * 1e-6:.6f}" for k in range(30_000))
    table = tables.positions(tables.read_csv(text("a.csv", f'id;wkt\n1;"LINESTRING ({ring})"\n'), None))
    assert shapely.get_num_coordinates(tables.shapes_of(table)[0]) == 30_000


def test_a_table_of_a_hundred_thousand_columns_is_refused(text: Callable[..., Path]) -> None:
    header, row = (",".join(f"{start}{k}" for k in range(100_000)) for start in ("c", ""))
    with pytest.raises(UnreadableSource) as caught:
        tables.read_csv(text("a.csv", f"id,lon,lat,{header}\n1,120,31,{row}\n"), None)
    assert caught.value.code == "table_too_wide"


def test_cells_beyond_the_header_and_columns_without_a_title_are_kept(text: Callable[..., Path]) -> None:
    table = tables.read_csv(text("a.csv", "name,lon,,lat\na,1,x,2,more\nb,1,,2\n"), None)
    assert dict(table.columns) == {
        "name": ["a", "b"], "lon": ["1", "1"], "column_3": ["x", None], "lat": ["2", "2"], "column_5": ["more", None],
    }  # fmt: skip


def test_a_quotation_mark_that_is_never_closed_swallows_no_row(text: Callable[..., Path]) -> None:
    table = tables.read_csv(text("a.csv", 'name,note\na,"two\nlines"\nb,"open\nc,x\nd,y\n'), None)
    assert list(table.columns["name"]) == ["a", "b", "c", "d"]
    assert list(table.columns["note"]) == ["two\nlines", '"open', "x", "y"]
    (issue,) = table.issues
    assert (issue.code, issue.details) == ("table_quote_open", {"line": 4})
