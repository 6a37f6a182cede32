"""Excel workbooks (.xlsx) as tables, one a sheet; read in a process of its own, for a sheet can claim to be without end."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from importers import archive
from importers.isolated import alone
from importers.tables import Table, from_rows
from importers.values import is_missing
from twin.errors import UnreadableSource
from twin.model import Issue

_CELLS = 50_000_000  # of one workbook


@dataclass(frozen=True)
class _Sheet:
    """A sheet as it came: its title, its rows, and which columns (from 0) hold formulas whose values were never saved."""

    title: str
    rows: list[list[Any]]
    unsaved: frozenset[int] = frozenset()


def looks_like_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook (.xlsx)."""
    try:
        with path.open("rb") as stream:
            return archive.packed(stream.read(16)) == "zip" and "xl/workbook.xml" in archive.names(path)
    except (UnreadableSource, OSError):
        return False


def read_workbook(path: Path) -> list[Table]:
    """The sheets of a workbook that hold a table.

    Raises
    ------
    UnreadableSource
        If it cannot be opened or no sheet holds a table.
    """
    archive.checked(path)
    for name in archive.names(path):
        if name.endswith((".xml", ".rels")) and re.search(rb"<!(DOCTYPE|ENTITY)", archive.member(path, name)[:65_536], re.IGNORECASE):
            raise UnreadableSource("markup_entities", subject=path.name, name=name)
    sheets = alone(lambda _: _sheets(path), path)
    filled = [sheet for sheet in sheets if sum(any(not is_missing(cell) for cell in row) for row in sheet.rows) > 1]
    several = len(filled) > 1
    tried = [_table(sheet, f"{path.stem}_{sheet.title}" if several else path.stem, path) for sheet in filled]
    found = [each for each in tried if isinstance(each, Table)]
    if not found:
        raise UnreadableSource("table_no_rows", subject=path)
    left_out = [each for each in tried if isinstance(each, Issue)]
    return [replace(found[0], issues=[*found[0].issues, *left_out]), *found[1:]]


def _table(sheet: _Sheet, name: str, path: Path) -> Table | Issue:
    """The table of a sheet, or what to say of a sheet that holds none, as a cover sheet does."""
    try:
        table = from_rows(name, sheet.rows, path)
    except UnreadableSource:
        return Issue("sheet_without_table", "info", name)
    if not sheet.unsaved:
        return table
    issue = Issue("formulas_unsaved", "warning", name, {"columns": len(sheet.unsaved)})
    return replace(table, issues=[*table.issues, issue])


def _sheets(path: Path) -> list[_Sheet]:
    """All sheets; runs in the child."""
    from openpyxl import load_workbook  # noqa: PLC0415  an optional extra: CSV is read without it

    with warnings.catch_warnings():  # of styles and validations that are not ours
        warnings.simplefilter("ignore")
        try:
            book = load_workbook(path, read_only=True, data_only=True)
            rows = {sheet.title: _rows(sheet, path) for sheet in book.worksheets}
            book.close()
            formulas = _unsaved(path, rows) if any(_has_gaps(each) for each in rows.values()) else {}
        except UnreadableSource:
            raise
        except Exception as error:  # a library that expects well-formed workbooks fails in any way on others
            raise UnreadableSource("source_unreadable", subject=path, reason=f"{type(error).__name__}: {error}") from error
    return [_Sheet(title, each, formulas.get(title, frozenset())) for title, each in rows.items()]


def _rows(sheet: Any, path: Path) -> list[list[Any]]:
    """The rows of a sheet up to its last cell, whatever size it claims."""
    sheet.reset_dimensions()
    out: list[list[Any]] = []
    cells = 0
    for row in sheet.iter_rows(values_only=True):
        out.append(list(row))
        cells += len(row) + 1
        if cells > _CELLS:
            raise UnreadableSource("table_too_large", subject=path, limit=_CELLS)
    return out


def _has_gaps(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether a column under a named cell is wholly empty, as formulas are that no spreadsheet program has worked out."""
    widths = [len(row) for row in rows]
    return any(
        sum(not is_missing(row[k]) for row in rows if k < len(row)) == 1 for k in range(max(widths, default=0))
    )  # fmt: skip


def _unsaved(path: Path, values: dict[str, list[list[Any]]]) -> dict[str, frozenset[int]]:
    """The columns of each sheet with formulas that have no saved value."""
    from openpyxl import load_workbook  # noqa: PLC0415  as above

    book = load_workbook(path, read_only=True, data_only=False)
    out: dict[str, frozenset[int]] = {}
    for sheet in book.worksheets:
        written = _rows(sheet, path)
        out[sheet.title] = frozenset(
            k
            for row, saved in zip(written, values[sheet.title], strict=False)
            for k, cell in enumerate(row)
            if isinstance(cell, str) and cell.startswith("=") and (k >= len(saved) or saved[k] is None)
        )
    book.close()
    return out
