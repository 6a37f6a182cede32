"""Vector files into layers: GeoJSON, Shapefile, GeoPackage, FlatGeobuf, KML, GML, GeoParquet, CSV and Excel with positions.

Read into tables (`gdal`, `tables`, `parquet`), put in place (`placing`), given our columns (`columns`) and a kind (`layerkind`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast, overload

import numpy as np
import shapely

from importers import archive, gdal, parquet
from importers.columns import attributes, identity
from importers.contract import Context, Imported, LayerContent
from importers.formats import sureness
from importers.heights import Heights
from importers.layerkind import Kind, closed_rings_filled, kind_of
from importers.placing import Frameless, check_datum, few, place
from importers.tables import (
    MOST_COLUMNS,
    Table,
    looks_like_table,
    names_columns,
    positions,
    read_csv,
    renamed,
    shapes_of,
    unmapped,
)
from importers.workbook import looks_like_workbook, read_workbook
from twin.errors import UnreadableSource
from twin.model import FeatureTable, Geometries, Issue, Layer


@dataclass(frozen=True)
class VectorImporter:
    """Vector files of all the formats GDAL reads here, and tables with positions."""

    name: str = "vector"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file holds features."""
        if archive.packed(head) == "zip":
            return _packed(path)
        return 95 if head.startswith(b"PAR1") else sureness(path, head) or _delimited(path, head)

    def read(self, path: Path, context: Context) -> Imported:
        """The layers of a file; raises SourceError."""
        check_datum(context.options)
        found = source_tables(path, context.options.encoding)
        absent = unmapped(found, context.options.mapping, path.name)
        tables = [positions(renamed(table, context.options.mapping)) for table in found]
        tried = _apart([_layer(table, len(tables) > 1, context) for table in _usable(tables, path)])
        made = [each for each in tried if len(each.content.table)]
        if not made:
            raise UnreadableSource("source_nothing_usable", subject=path, count=sum(map(len, tables)), reasons=_codes(tried))
        left_out = [_left_out(table) for table in tables if not _has_features(table)]
        return Imported(
            kind=self.name,
            layers=[each.content for each in made],
            crs=_one([each.crs for each in made]),
            height_datum=made[0].heights.datum,
            height_offset_m=made[0].heights.offset_m,
            encoding=tables[0].encoding,
            issues=few([*absent, *left_out, *(issue for each in tried for issue in each.issues)]),
            details={"layers": [each.details for each in tried]},
        )


@dataclass(frozen=True)
class Subjects(Sequence[str]):
    """What an Issue calls each feature of a table, said only when one has to be called."""

    table: str
    ids: Sequence[str]

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> list[str]: ...
    def __getitem__(self, i: int | slice) -> str | list[str]:
        return f"{self.table}/{self.ids[i]}" if isinstance(i, int) else [f"{self.table}/{each}" for each in self.ids[i]]


@dataclass(frozen=True)
class _Made:
    content: LayerContent
    crs: str
    issues: Sequence[Issue]
    details: Mapping[str, Any]
    heights: Heights


def source_tables(path: Path, encoding: str | None, *, most: int | None = None) -> list[Table]:
    """The tables of a vector file or of a table with positions, as they came.

    Raises
    ------
    UnreadableSource
        If it cannot be read.
    """
    if path.is_dir():
        return gdal.read_tables(path, encoding, most=most)
    with path.open("rb") as stream:
        head = stream.read(65_536)
    if looks_like_workbook(path):
        return read_workbook(path)
    if head.startswith(b"PAR1"):
        return [parquet.read_table(path)]
    if sureness(path, head) or not _delimited(path, head):
        return gdal.read_tables(path, encoding, most=most)
    return [read_csv(path, encoding)]


def _packed(path: Path) -> int:
    """How sure it is that a zip archive is a workbook or holds KML; other archives are opened for all importers alike."""
    try:
        held = archive.names(path)
    except UnreadableSource:
        return 80 if path.suffix.lower() == ".kmz" else 40 if path.suffix.lower() == ".xlsx" else 0
    if "xl/workbook.xml" in held:
        return 40
    return 80 if "doc.kml" in held or (path.suffix.lower() == ".kmz" and any(name.lower().endswith(".kml") for name in held)) else 0


def _delimited(path: Path, head: bytes) -> int:
    if not looks_like_table(head):
        return 0
    return 50 if path.suffix.lower() in {".csv", ".tsv"} or names_columns(head) else 0


def _has_features(table: Table) -> bool:
    return table.geometry is not None and len(table) > 0


def _usable(tables: Sequence[Table], path: Path) -> list[Table]:
    found = [table for table in tables if _has_features(table)]
    if found:
        return found
    if any(len(table) for table in tables):
        columns = ", ".join(name for table in tables for name in table.columns)
        raise UnreadableSource("source_no_geometry", subject=path, columns=columns or "—")
    raise UnreadableSource("source_no_features", subject=path)


def _left_out(table: Table) -> Issue:
    code = "layer_empty" if not len(table) else "layer_without_geometry"
    return Issue(code, "info", table.name, {"count": len(table)})


def _layer(table: Table, several: bool, context: Context) -> _Made:
    """One layer of the park out of one table."""
    if len(table.columns) > MOST_COLUMNS:
        raise UnreadableSource("table_too_wide", subject=table.name, columns=len(table.columns), limit=MOST_COLUMNS)
    table = _kml_heights(table)
    known = identity(table)
    given = Frameless(shapes_of(table), Subjects(table.name, known.ids), table.name, table.crs, table.crs_assumed)
    placed = place(given, context)
    kept: list[int] = np.flatnonzero(placed.kept).tolist()
    ids = known.ids if len(kept) == len(known.ids) else [known.ids[i] for i in kept]
    part = _rows(table, kept)
    named = attributes(part, Subjects(table.name, ids), [known.column])
    layer_id = _layer_id(table, several, context.options.layer)
    kind = kind_of(
        part, _names(table, context.options.layer), named.sources, placed.geometry[kept], context.options.kind, context.park.frame
    )
    geometry, filled = closed_rings_filled(placed.geometry[kept], kind.name, table.name)
    content = LayerContent(
        Layer(layer_id, kind.name, context.options.layer or table.name, len(kept)),
        FeatureTable(ids, geometry, named.columns),
    )
    issues = [*table.issues, *known.issues, *placed.issues, *filled, *named.issues]
    details = _details(layer_id, kind, len(table), geometry, named.sources) | {"placement": placed.details}
    return _Made(content, placed.crs, issues, details, placed.heights)


def _apart(made: Sequence[_Made]) -> list[_Made]:
    """The layers under ids that tell them apart: names that differ only in signs an id cannot have get a number."""
    taken: set[str] = set()
    out: list[_Made] = []
    for each in made:
        layer = each.content.layer
        free = next(name for name in (layer.id, *(f"{layer.id}_{k}" for k in range(2, len(made) + 2))) if name.casefold() not in taken)
        taken.add(free.casefold())
        named = replace(each.content, layer=replace(layer, id=free))
        out.append(replace(each, content=named, details={**each.details, "id": free}))
    return out


def _details(layer_id: str, kind: Kind, read: int, geometry: Geometries, mapped: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": layer_id,
        "kind": kind.name,
        "why": kind.why,
        "word": kind.word,
        "read": read,
        "kept": len(geometry),
        "skipped": read - len(geometry),
        "geometry": _types(geometry),
        "columns": dict(mapped),
    }


def _types(geometry: Geometries) -> dict[str, int]:
    """How many shapes there are of each type."""
    found, first, counts = np.unique(shapely.get_type_id(geometry), return_index=True, return_counts=True)
    return {
        str(cast(Any, geometry[i]).geom_type): count
        for _, i, count in sorted(zip(found.tolist(), first.tolist(), counts.tolist(), strict=True))
    }


def _names(table: Table, layer: str | None) -> list[str]:
    return [name for name in (layer, str(table.details.get("layer", "")), table.name) if name]


def _layer_id(table: Table, several: bool, asked: str | None) -> str:
    inner = str(table.details.get("layer", table.name))
    wanted = asked if asked and not several else f"{asked}_{inner}" if asked else table.name
    return re.sub(r"[^\w\-]+", "_", wanted).strip("_") or "layer"


def _rows(table: Table, rows: Sequence[int]) -> Table:
    if len(rows) == len(table):
        return table
    columns = {name: [values[i] for i in rows] for name, values in table.columns.items()}
    return replace(table, columns=columns, geometry=shapes_of(table)[rows])


def _kml_heights(table: Table) -> Table:
    """KML heights that count from the ground become `height_m` of what is extruded; only absolute ones stay in the geometry."""
    if table.geometry is None or not {"altitudeMode", "extrude", "tessellate"} <= set(table.columns):
        return table
    absolute = np.array([mode == "absolute" for mode in table.columns["altitudeMode"]])
    extruded = np.array([bool(value and value > 0) for value in table.columns["extrude"]])
    tops = [_top(shape) if out and not fixed else None for shape, out, fixed in zip(table.geometry, extruded, absolute, strict=True)]
    geometry = np.where(absolute, table.geometry, shapely.force_2d(table.geometry))
    drop = {"tessellate", "extrude", "visibility", "drawOrder"}
    columns = {name: values for name, values in table.columns.items() if name not in drop}
    return replace(table, geometry=geometry, columns=columns | ({"height_m": tops} if any(top is not None for top in tops) else {}))


def _top(shape: Any) -> float | None:
    heights = shapely.get_coordinates(shape, include_z=True)[:, 2]
    return float(heights.max()) if len(heights) and np.isfinite(heights).all() else None


def _codes(made: Sequence[_Made]) -> str:
    return ", ".join(dict.fromkeys(issue.code for each in made for issue in each.issues))


def _one(values: Sequence[str]) -> str | None:
    return values[0] if len(set(values)) == 1 else None


IMPORTER = VectorImporter()
