"""Vector files into layers: GeoJSON, Shapefile, GeoPackage, FlatGeobuf, KML, GML, GeoParquet, DXF, CSV and Excel with positions.

Read into tables (`gdal`, `tables`, `parquet`), put in place (`placing`), given our columns (`columns`) and a kind (`layerkind`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers import gdal, parquet
from importers.columns import attributes, identity
from importers.contract import Context, Imported, LayerContent
from importers.layerkind import Kind, closed_rings_filled, kind_of
from importers.placing import Frameless, check_datum, few, place
from importers.tables import (
    Table,
    looks_like_table,
    looks_like_workbook,
    names_columns,
    positions,
    read_csv,
    read_workbook,
    renamed,
    shapes_of,
    unmapped,
)
from twin.errors import UnreadableSource
from twin.model import FeatureTable, Geometries, Issue, Layer

_JSON = re.compile(
    rb'"type"\s*:\s*"(Feature|FeatureCollection|GeometryCollection|(Multi)?(Point|LineString|Polygon)|Topology)"|"geometryType"\s*:\s*"esri'
)


@dataclass(frozen=True)
class VectorImporter:
    """Vector files of all the formats GDAL reads here, and tables with positions."""

    name: str = "vector"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file holds features."""
        binary = _binary(path, head)
        if binary:
            return binary
        start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
        if start.startswith((b"{", b"[")) or head.startswith((b"\xff\xfe{", b"\xfe\xff\x00{")):
            return 80 if _JSON.search(head.replace(b"\x00", b"")) else 0
        if start.startswith(b"<"):
            return _markup(start)
        if start.startswith(b"!table"):
            return 80
        if re.match(rb"\s*0\s*\r?\n\s*SECTION\s*\r?\n|\s*999\s*\r?\n", head) or head.startswith(b"AutoCAD Binary DXF"):
            return 80
        return _delimited(path, head)

    def read(self, path: Path, context: Context) -> Imported:
        """The layers of a file; raises SourceError."""
        check_datum(context.options)
        found = source_tables(path, context.options.encoding)
        absent = unmapped(found, context.options.mapping, path.name)
        tables = [positions(renamed(table, context.options.mapping)) for table in found]
        tried = [_layer(table, len(tables) > 1, context) for table in _usable(tables, path)]
        made = [each for each in tried if len(each.content.table)]
        if not made:
            raise UnreadableSource("source_nothing_usable", subject=path, count=sum(map(len, tables)), reasons=_codes(tried))
        left_out = [_left_out(table) for table in tables if not _has_features(table)]
        return Imported(
            kind=self.name,
            layers=[each.content for each in made],
            crs=_one([each.crs for each in made]),
            encoding=tables[0].encoding,
            issues=few([*absent, *left_out, *(issue for each in tried for issue in each.issues)]),
            details={"layers": [each.details for each in tried]},
        )


@dataclass(frozen=True)
class _Made:
    content: LayerContent
    crs: str
    issues: Sequence[Issue]
    details: Mapping[str, Any]


def source_tables(path: Path, encoding: str | None, *, most: int | None = None) -> list[Table]:
    """The tables of a vector file or of a table with positions, as they came.

    Raises
    ------
    UnreadableSource
        If it cannot be read.
    """
    with path.open("rb") as stream:
        head = stream.read(65_536)
    if looks_like_workbook(path):
        return read_workbook(path)
    if head.startswith(b"PAR1"):
        return [parquet.read_table(path)]
    if _delimited(path, head):
        return [read_csv(path, encoding)]
    return _split_drawing(gdal.read_tables(path, encoding, most=most))


def _binary(path: Path, head: bytes) -> int:
    if head.startswith(b"SQLite format 3\x00"):
        return 80
    if head.startswith((b"\x00\x00\x27\x0a", b"fgb\x03fgb", b"PAR1")):  # shapefile file code 9994; FlatGeobuf; Parquet
        return 95
    if head.startswith(b"PK\x03\x04"):
        if looks_like_workbook(path):
            return 40
        return 80 if gdal.member_names(path) or path.suffix.lower() == ".kmz" else 0
    return 0


def _markup(start: bytes) -> int:
    if re.search(rb"citygml|CityModel|<osm[ >]|<html|<svg", start[:4096], re.IGNORECASE):
        return 0
    return 90 if re.search(rb"<kml[ >]", start[:4096]) else 70 if b"opengis.net/gml" in start else 0


def _delimited(path: Path, head: bytes) -> int:
    if not looks_like_table(head):
        return 0
    return 50 if path.suffix.lower() in {".csv", ".tsv"} or names_columns(head) else 0


def _split_drawing(tables: Sequence[Table]) -> list[Table]:
    """A drawing's one table of entities as one table a drawing layer."""
    drawing = tables[0] if len(tables) == 1 and {"SubClasses", "EntityHandle", "Layer"} <= set(tables[0].columns) else None
    if drawing is None or drawing.geometry is None:
        return list(tables)
    owner = [str(value) for value in drawing.columns["Layer"]]
    out: list[Table] = []
    for name in dict.fromkeys(owner):
        rows = [i for i, each in enumerate(owner) if each == name]
        columns = {
            title: [values[i] for i in rows] for title, values in drawing.columns.items() if title not in {"SubClasses", "PaperSpace"}
        }
        part = replace(drawing, name=f"{drawing.name}_{name}", columns=columns, geometry=drawing.geometry[rows], details={"layer": name})
        out.append(part if not out else replace(part, issues=()))
    return out


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
    table = _kml_heights(table)
    known = identity(table)
    given = Frameless(shapes_of(table), [f"{table.name}/{i}" for i in known.ids], table.name, table.crs, table.crs_assumed)
    placed = place(given, context)
    kept: list[int] = np.flatnonzero(placed.kept).tolist()
    part = _rows(table, kept)
    named = attributes(part, [given.subjects[i] for i in kept], [known.column])
    layer_id = _layer_id(table, several, context.options.layer)
    kind = kind_of(
        part, _names(table, context.options.layer), named.sources, placed.geometry[kept], context.options.kind, context.park.frame
    )
    geometry, filled = closed_rings_filled(placed.geometry[kept], kind.name, table.name)
    content = LayerContent(
        Layer(layer_id, kind.name, context.options.layer or table.name, len(kept)),
        FeatureTable([known.ids[i] for i in kept], geometry, named.columns),
    )
    issues = [*table.issues, *known.issues, *placed.issues, *filled, *named.issues]
    return _Made(content, placed.crs, issues, _details(layer_id, kind, len(table), geometry, named.sources))


def _details(layer_id: str, kind: Kind, read: int, geometry: Geometries, mapped: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": layer_id,
        "kind": kind.name,
        "why": kind.why,
        "word": kind.word,
        "read": read,
        "kept": len(geometry),
        "skipped": read - len(geometry),
        "geometry": dict(Counter(shape.geom_type for shape in geometry)),
        "columns": dict(mapped),
    }


def _names(table: Table, layer: str | None) -> list[str]:
    return [name for name in (layer, str(table.details.get("layer", "")), table.name) if name]


def _layer_id(table: Table, several: bool, asked: str | None) -> str:
    inner = str(table.details.get("layer", table.name))
    wanted = asked if asked and not several else f"{asked}_{inner}" if asked else table.name
    return re.sub(r"[^\w\-]+", "_", wanted).strip("_") or "layer"


def _rows(table: Table, rows: Sequence[int]) -> Table:
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
