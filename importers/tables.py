"""Tables without a geometry format: CSV and Excel, with positions in columns or as WKT.

A title above the header row, semicolons or tabs, a byte-order mark, GBK: what office programs write is read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers.encodings import detect, of_text
from importers.values import is_missing, number
from importers.vocabulary import meaning, normal, rank
from twin.errors import UnreadableSource
from twin.model import Geometries, Issue

HEADER_WITHIN = 10  # rows in which the header row is looked for
_SEPARATORS = ",;\t|"
_WHAT_A_HEADER_NAMES = ("position", "identity", "device_columns", "feature_columns")


@dataclass(frozen=True)
class Table:
    """n rows as a source gives them, by column, with geometry where the format has it."""

    name: str
    columns: Mapping[str, Sequence[Any]]
    geometry: Geometries | None = None  # (n,) in `crs`
    crs: str | None = None
    crs_assumed: bool = False
    encoding: str | None = None
    ids: Sequence[str] | None = None
    issues: Sequence[Issue] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def __len__(self) -> int:
        if self.geometry is not None:
            return len(self.geometry)
        return len(next(iter(self.columns.values()), ()))


def shapes_of(table: Table) -> Geometries:
    """The geometry of a table (n,); empty where it has none."""
    return np.empty(0, object) if table.geometry is None else table.geometry


def renamed(table: Table, mapping: Mapping[str, str]) -> Table:
    """The table with source columns renamed as the person said; a column that had the new name before gives way."""
    wanted = {normal(old): new for old, new in mapping.items()}
    new_names = {name: wanted[normal(name)] for name in table.columns if normal(name) in wanted}
    taken = set(new_names.values())
    columns = {new_names.get(name, name): values for name, values in table.columns.items() if name in new_names or name not in taken}
    return replace(table, columns=columns)


def unmapped(tables: Sequence[Table], mapping: Mapping[str, str], source: str) -> list[Issue]:
    """An Issue for each column the person named that no table has."""
    known = {normal(name): name for table in tables for name in table.columns}
    return [
        Issue("map_column_missing", "warning", source, {"column": old, "known": ", ".join(known.values())})
        for old in mapping
        if normal(old) not in known
    ]


def best_column(table: Table, vocabulary: str, ours: str) -> str | None:
    """The column that by its name says `ours` most surely; None where none does."""
    found = [name for name in table.columns if meaning(vocabulary, name) == ours]
    return min(found, key=lambda name: rank(vocabulary, ours, name), default=None)


def positions(table: Table) -> Table:
    """The table with geometry made of its columns: WKT, longitude and latitude, or x and y; unchanged where there are none of these.

    Longitude and latitude are WGS 84 unless the person says otherwise; x and y have no coordinate system of their own.
    """
    if table.geometry is not None:
        return table
    wkt = best_column(table, "position", "wkt")
    if wkt is not None and _looks_like_wkt(table.columns[wkt]):
        texts = [None if is_missing(text) else str(text).split(";")[-1] for text in table.columns[wkt]]
        shapes = shapely.from_wkt(np.array(texts, object), on_invalid="ignore")
        crs = _ewkt_crs(table.columns[wkt])
        return replace(table, geometry=shapes, columns=_without(table, wkt), crs=crs)
    table = _parted_pairs(table)
    for east, north, crs in (("lon", "lat", "EPSG:4326"), ("x", "y", None)):
        names = best_column(table, "position", east), best_column(table, "position", north)
        if names[0] is not None and names[1] is not None:
            shapes, issues = _points(table, names[0], names[1])
            columns = _without(table, *(name for name in names if name is not None))
            return replace(table, geometry=shapes, columns=columns, crs=crs, crs_assumed=crs is not None, issues=[*table.issues, *issues])
    return table


def looks_like_table(head: bytes) -> bool:
    """Whether a file starts like delimited text: one separator in each of its first lines."""
    lines = _first_lines(head)
    return bool(lines) and lines[0].lstrip()[:1] not in "{[<" and any(all(mark in line for line in lines) for mark in _SEPARATORS)


def names_columns(head: bytes) -> bool:
    """Whether one of the first lines of delimited text names two columns that are known."""
    return any(sum(_known(cell.strip(' "')) for cell in re.split(f"[{re.escape(_SEPARATORS)}]", line)) >= 2 for line in _first_lines(head))


def _first_lines(head: bytes) -> list[str]:
    wide = head[:2] in (b"\xff\xfe", b"\xfe\xff")
    if b"\x00" in head and not wide:
        return []
    text = head.decode("utf-16" if wide else detect([head[:4096]]), errors="replace").lstrip("\ufeff")
    return [line for line in text.splitlines()[:5] if line.strip()]


def looks_like_workbook(path: Path) -> bool:
    """Whether a file is an Excel workbook (.xlsx)."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except (zipfile.BadZipFile, OSError):
        return False


def read_csv(path: Path, encoding: str | None, *, data: bytes | None = None) -> Table:
    """The rows of a delimited text file.

    Raises
    ------
    UnreadableSource
        If it is no text or has no header with rows under it.
    """
    text, used = of_text(path.read_bytes() if data is None else data, encoding, path)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text)))
    table = _from_rows(path.stem, rows, path)
    issues = (
        [Issue("encoding_detected", "info", path.name, {"encoding": used.name})] if used.how == "detected" and used.name != "UTF-8" else []
    )
    return replace(table, encoding=used.name.removesuffix("-sig").upper(), issues=issues)


def read_workbook(path: Path) -> list[Table]:
    """The sheets of a workbook that hold a table.

    Raises
    ------
    UnreadableSource
        If it cannot be opened or no sheet holds a table.
    """
    from openpyxl import load_workbook  # noqa: PLC0415  an optional extra: CSV is read without it

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
    sheets = {sheet.title: [list(row) for row in sheet.iter_rows(values_only=True)] for sheet in book.worksheets}
    book.close()
    filled = {title: rows for title, rows in sheets.items() if sum(any(not is_missing(cell) for cell in row) for row in rows) > 1}
    if not filled:
        raise UnreadableSource("table_no_rows", subject=path)
    several = len(filled) > 1
    return [_from_rows(f"{path.stem}_{title}" if several else path.stem, rows, path) for title, rows in filled.items()]


def _from_rows(name: str, rows: Sequence[Sequence[Any]], path: Path) -> Table:
    kept = [row for row in rows if any(not is_missing(cell) for cell in row)]
    start = _header_row(kept)
    if start is None or len(kept) < start + 2:
        raise UnreadableSource("table_no_rows", subject=path)
    header = _unique([str(cell).strip() if cell is not None else "" for cell in kept[start]])
    body = kept[start + 1 :]
    columns = {title: [_cell(row[k]) if k < len(row) else None for row in body] for k, title in enumerate(header) if title}
    return Table(name, columns)


def _header_row(rows: Sequence[Sequence[Any]]) -> int | None:
    """The row, among the first, that names most known columns; the first with two cells where none does."""
    scores = [sum(_known(cell) for cell in row) for row in rows[:HEADER_WITHIN]]
    if scores and max(scores) >= 2:
        return scores.index(max(scores))
    return next((k for k, row in enumerate(rows[:HEADER_WITHIN]) if sum(not is_missing(cell) for cell in row) >= 2), None)


def _known(cell: Any) -> bool:
    return isinstance(cell, str) and any(meaning(table, cell) for table in _WHAT_A_HEADER_NAMES)


def _unique(names: Sequence[str]) -> list[str]:
    seen: dict[str, int] = {}
    out: list[str] = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        out.append(name if seen[name] == 1 or not name else f"{name}_{seen[name]}")
    return out


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return value


def _separator(text: str) -> str:
    first = "\n".join(text.splitlines()[:HEADER_WITHIN])
    return max(_SEPARATORS, key=first.count)


def _points(table: Table, east: str, north: str) -> tuple[Geometries, list[Issue]]:
    """Points (n,) of two columns, None where a cell is empty or no number."""
    issues: list[Issue] = []
    pairs = [_pair(table, i, (east, north), issues) for i in range(len(table))]
    heights = _heights(table)
    shapes = np.full(len(pairs), None, object)
    for i, (pair, z) in enumerate(zip(pairs, heights, strict=True)):
        if pair is not None:
            shapes[i] = shapely.Point(*pair) if z is None else shapely.Point(*pair, z)
    return shapes, issues


def _parted_pairs(table: Table) -> Table:
    """The table with a column of `120.1,30.2` parted into two."""
    name = best_column(table, "position", "lonlat")
    if name is None or best_column(table, "position", "lon") is not None:
        return table
    parts = [re.split(r"[,，;\s]+", str(value).strip(" ()（）[]")) if not is_missing(value) else [] for value in table.columns[name]]
    if not any(len(part) >= 2 for part in parts):
        return table
    lon, lat = ([part[k] if len(part) >= 2 else None for part in parts] for k in (0, 1))
    return replace(table, columns=_without(table, name) | {"lon": lon, "lat": lat})


def _pair(table: Table, i: int, names: tuple[str, str], issues: list[Issue]) -> tuple[float, float] | None:
    values: list[float] = []
    for name in names:
        try:
            value = (
                number(table.columns[name][i], "deg")
                if meaning("position", name) in {"lon", "lat"}
                else number(table.columns[name][i], "m")
            )
        except ValueError:
            issues.append(Issue("value_not_number", "warning", f"{table.name}/{i + 1}", {"column": name, "value": table.columns[name][i]}))
            value = None
        if value is None:
            return None
        values.append(value)
    return values[0], values[1]


def _heights(table: Table) -> Iterator[float | None]:
    name = best_column(table, "position", "z")
    for i in range(len(table)):
        try:
            yield None if name is None else number(table.columns[name][i], "m")
        except ValueError:
            yield None


def _looks_like_wkt(values: Sequence[Any]) -> bool:
    first = next((str(value).lstrip().upper() for value in values if not is_missing(value)), "")
    return first.removeprefix("SRID=").lstrip("0123456789;").startswith(("POINT", "LINESTRING", "POLYGON", "MULTI", "GEOMETRYCOLLECTION"))


def _ewkt_crs(values: Sequence[Any]) -> str | None:
    first = next((str(value).strip() for value in values if not is_missing(value)), "")
    return f"EPSG:{first[5:].split(';')[0]}" if first.upper().startswith("SRID=") else None


def _without(table: Table, *names: str) -> dict[str, Sequence[Any]]:
    return {name: values for name, values in table.columns.items() if name not in names}
