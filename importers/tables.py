"""Tables without a geometry format: rows under a header, with positions in columns or as WKT; and delimited text read into them.

A title above the header row, headers over two rows, semicolons or tabs, a byte-order mark, GBK: what office programs write is read.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers.encodings import codec_of, detect, issues_of, of_text, wide_codec
from importers.values import degrees, is_missing, number, with_points
from importers.vocabulary import meaning, normal, rank
from twin.errors import UnreadableSource
from twin.model import Geometries, Issue

HEADER_WITHIN = 10  # rows in which the header row is looked for
MOST_COLUMNS = 4000  # of one table; a map layer has dozens, a questionnaire hundreds
_SEPARATORS = "\t;|,"  # the surer first: commas stand in numbers and sentences too
_FIELD_BYTES = 1 << 28  # one cell, as of a polygon written out
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
    marked = "utf-32" if head[:4] in (b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff") else "utf-16"
    wide = marked if head[:2] in (b"\xff\xfe", b"\xfe\xff", b"\x00\x00") else wide_codec(head)
    if b"\x00" in head and wide is None:
        return []
    text = head.decode(wide or codec_of(detect(head[:4096].splitlines())), errors="replace").lstrip("\ufeff")
    return [line for line in text.splitlines()[:5] if line.strip()]


def read_csv(path: Path, encoding: str | None, *, data: bytes | None = None) -> Table:
    """The rows of a delimited text file.

    Raises
    ------
    UnreadableSource
        If it is no text or has no header with rows under it.
    """
    text, used = of_text(path.read_bytes() if data is None else data, encoding, path)
    separator = _separator(text)
    csv.field_size_limit(_FIELD_BYTES)
    try:
        rows, open_line = _rows(text.replace("\x00", ""), separator)
    except csv.Error as error:
        raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
    table = from_rows(path.stem, rows, path)
    issues = [*issues_of(used, path.name), *([Issue("table_quote_open", "warning", path.name, {"line": open_line})] if open_line else [])]
    name = codec_of(used.name).removesuffix("-sig").upper() if used.how == "stated" else used.name
    return replace(table, encoding=name, issues=issues, details={"separator": separator})


def _rows(text: str, separator: str) -> tuple[list[list[str]], int]:
    """The rows of delimited text, and the line of a quotation mark never closed, from which on they count as plain signs; 0 if all are."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows: list[list[str]] = []
    before = last = 0
    for row in reader:
        rows.append(row)
        before, last = last, reader.line_num
    if last - before < 2:  # the last row is one line: nothing was swallowed
        return rows, 0
    rest = io.StringIO(text, newline="").readlines()[before:]
    try:
        list(csv.reader(rest, delimiter=separator, strict=True))
    except csv.Error as error:
        if "unexpected end" in str(error):
            return [*rows[:-1], *csv.reader(rest, delimiter=separator, quoting=csv.QUOTE_NONE)], before + 1
    return rows, 0


def from_rows(name: str, rows: Sequence[Sequence[Any]], path: Path) -> Table:
    """The table in rows of cells: titles above the header left out, a header of two rows put together.

    Raises
    ------
    UnreadableSource
        If there is no header with rows under it.
    """
    kept = [row for row in rows if any(not is_missing(cell) for cell in row)]
    start = _header_row(kept)
    if start is None or len(kept) < start + 2:
        raise UnreadableSource("table_no_rows", subject=path)
    header, used = _header(kept, start)
    body = kept[start + used :]
    width = max(map(len, [header, *body]))
    if width > MOST_COLUMNS:
        raise UnreadableSource("table_too_wide", subject=path, columns=width, limit=MOST_COLUMNS)
    titles = _unique([str(header[k]).strip() if k < len(header) and header[k] is not None else "" for k in range(width)])
    cells = {k: [_cell(row[k]) if k < len(row) else None for row in body] for k in range(width)}
    # a column without a title is kept under its number if there is anything in it
    named = {title or f"column_{k + 1}": cells[k] for k, title in enumerate(titles) if title or any(cell is not None for cell in cells[k])}
    return Table(name, named)


def _header_row(rows: Sequence[Sequence[Any]]) -> int | None:
    """The row, among the first, that names most known columns; the first with two cells where none does."""
    scores = [sum(_known(cell) for cell in row) for row in rows[:HEADER_WITHIN]]
    if scores and max(scores) >= 2:
        return scores.index(max(scores))
    return next((k for k, row in enumerate(rows[:HEADER_WITHIN]) if sum(not is_missing(cell) for cell in row) >= 2), None)


def _header(rows: Sequence[Sequence[Any]], start: int) -> tuple[list[Any], int]:
    """The column names, and how many rows from `start` on they take: merged cells leave names in the row above or below."""
    header = list(rows[start])
    if start + 2 < len(rows) and _goes_on(header, rows[start + 1]):
        below = [*rows[start + 1], *[None] * len(header)]
        return [low if not is_missing(low) else top for top, low in zip([*header, *[None] * len(below)], below, strict=False)], 2
    if start and sum(not is_missing(cell) for cell in rows[start - 1]) > 1:
        above = [*rows[start - 1], *[None] * len(header)]
        return [top if is_missing(cell) else cell for cell, top in zip(header, above, strict=False)], 1
    return header, 1


def _goes_on(header: Sequence[Any], row: Sequence[Any]) -> bool:
    """Whether a row under the header names columns too: words only, some under empty or grouped names, and none under some others."""
    filled = {k for k, cell in enumerate(row) if not is_missing(cell)}
    named = {k for k, cell in enumerate(header) if not is_missing(cell)}
    words = [row[k] for k in filled if isinstance(row[k], str) and not any(letter.isdigit() for letter in row[k])]
    return len(words) == len(filled) and bool(filled - named) and bool(named - filled) and any(_known(word) for word in words)


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
    """The sign that parts most of the first lines into the same number of cells; the one with more cells among equals."""
    lines = [line for line in text.splitlines()[: 2 * HEADER_WITHIN] if line.strip()]
    best, found = (0, 0), ","
    for mark in _SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=mark) if len(row) > 1)
        width, count = max(widths.items(), key=lambda each: (each[1], each[0]), default=(0, 0))
        if (count, width) > best and not (count == best[0] and found != ","):
            best, found = (count, width), mark
    return found


def _points(table: Table, east: str, north: str) -> tuple[Geometries, list[Issue]]:
    """Points (n,) of two columns, None where a cell is empty or no number."""
    issues: list[Issue] = []
    cells = {name: with_points(table.columns[name], table.details.get("separator") == ";") for name in (east, north)}
    pairs = _numbers(cells) or [_pair(cells, i, table, issues) for i in range(len(table))]
    heights = list(_heights(table))
    if pairs and all(pair is not None for pair in pairs) and not any(z is not None for z in heights):
        return np.asarray(shapely.points(np.array(pairs, float)), object), issues
    shapes = np.full(len(pairs), None, object)
    for i, (pair, z) in enumerate(zip(pairs, heights, strict=True)):
        if pair is not None:
            shapes[i] = shapely.Point(*pair) if z is None else shapely.Point(*pair, z)
    return shapes, issues


def _numbers(cells: Mapping[str, Sequence[Any]]) -> list[tuple[float, float]] | None:
    """The pairs where all cells are plain numbers; None where one needs a look."""
    try:
        east, north = (np.array(column, float) for column in cells.values())
    except (TypeError, ValueError):
        return None
    return list(zip(east.tolist(), north.tolist(), strict=True)) if np.isfinite(east).all() and np.isfinite(north).all() else None


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


def _pair(cells: Mapping[str, Sequence[Any]], i: int, table: Table, issues: list[Issue]) -> tuple[float, float] | None:
    values: list[float] = []
    for name, column in cells.items():
        try:
            value = degrees(column[i]) if meaning("position", name) in {"lon", "lat"} else number(column[i], "m")
        except ValueError:
            issues.append(Issue("value_not_number", "warning", f"{table.name}/{i + 1}", {"column": name, "value": column[i]}))
            value = None
        if value is None:
            return None
        values.append(value)
    return values[0], values[1]


def _heights(table: Table) -> Iterator[float | None]:
    name = best_column(table, "position", "z")
    if name is None:
        yield from [None] * len(table)
        return
    cells = with_points(table.columns[name], table.details.get("separator") == ";")
    for i in range(len(table)):
        try:
            yield number(cells[i], "m")
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
