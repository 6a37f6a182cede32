from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from importers import tables, workbook
from twin.errors import UnreadableSource


def book(path: Path, **sheets: list[list[Any]]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows in sheets.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


def test_a_header_of_two_rows_with_merged_cells(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", 摄像机=[
        ["摄像机一览表", None, None, None], ["编号", "名称", "坐标", None], [None, None, "经度", "纬度"],
        ["A1", "东门", 120.6, 31.3], ["A2", "西门", "120.7", "31.4"],
    ])  # fmt: skip
    made = openpyxl.load_workbook(path)
    made.worksheets[0].merge_cells("A1:D1")
    made.worksheets[0].merge_cells("C2:D2")
    made.worksheets[0].merge_cells("A2:A3")
    made.save(path)
    (table,) = workbook.read_workbook(path)
    assert list(table.columns) == ["编号", "名称", "经度", "纬度"]
    points = tables.positions(table)
    assert [point.wkt for point in tables.shapes_of(points)] == ["POINT (120.6 31.3)", "POINT (120.7 31.4)"]


def test_a_row_of_words_under_the_header_is_data(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", s=[["编号", "名称", "类型"], ["甲", "东门", "枪机"], ["乙", "西门", None]])
    (table,) = workbook.read_workbook(path)
    assert table.columns["编号"] == ["甲", "乙"]


def test_several_sheets_and_one_without_a_table(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", cover=[["Park"], ["2024"]], one=[["id", "lon"], [1, 2]], two=[["id", "lat"], [3, 4]])
    found = workbook.read_workbook(path)
    assert [table.name for table in found] == ["a_one", "a_two"]
    assert [issue.code for issue in found[0].issues] == ["sheet_without_table"]


def test_formulas_without_saved_results_are_told(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", s=[["id", "lon", "lat"], [1, "=120+0.6", 31.3], [2, "=120+0.7", 31.3]])
    (table,) = workbook.read_workbook(path)
    assert table.columns["lon"] == [None, None]
    assert [(issue.code, issue.details["columns"]) for issue in table.issues] == [("formulas_unsaved", 1)]


def replaced(path: Path, member: str, old: bytes, new: bytes) -> Path:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    assert old in files[member]
    files[member] = files[member].replace(old, new, 1)
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_sheet_that_claims_to_be_without_end(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", s=[["id", "lon"], [1, 2]])
    replaced(path, "xl/worksheets/sheet1.xml", b'ref="A1:B2"', b'ref="A1:XFD1048576"')
    (table,) = workbook.read_workbook(path)
    assert table.columns == {"id": [1], "lon": [2]}


def test_entities_and_damage_are_refused(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", s=[["id", "lon"], [1, 2]])
    replaced(path, "xl/workbook.xml", b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook')
    with pytest.raises(UnreadableSource) as caught:
        workbook.read_workbook(path)
    assert caught.value.code == "markup_entities"
    other = book(tmp_path / "b.xlsx", s=[["id", "lon"], [1, 2]])
    replaced(other, "xl/workbook.xml", b"<workbook", b"<<workbook")
    with pytest.raises(UnreadableSource) as caught:
        workbook.read_workbook(other)
    assert caught.value.code == "source_unreadable"


def test_error_cells_say_nothing(tmp_path: Path) -> None:
    path = book(tmp_path / "a.xlsx", s=[["id", "lon", "lat"], [1, "#N/A", 31.3], [2, 120.6, 31.3]])
    table = tables.positions(workbook.read_workbook(path)[0])
    assert [shape is None for shape in tables.shapes_of(table)] == [True, False]
    assert table.issues == []
