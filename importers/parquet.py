"""GeoParquet read into a table, where pyarrow is installed, in a process of its own.

Versions 1.0 and 1.1: geometry as well-known binary or as GeoArrow's native lists of coordinates; boxes that only cover it are left out.
Source: GeoParquet 1.1.0 specification; GeoArrow format, "native encoding".
"""

from __future__ import annotations

import datetime as dt
import decimal
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from math import isfinite
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.isolated import alone
from importers.surfaces import plain_shapes
from importers.tables import Table
from importers.vocabulary import meaning
from twin.errors import UnreadableSource

_NATIVE = {
    "point": (shapely.GeometryType.POINT, 0), "linestring": (shapely.GeometryType.LINESTRING, 1),
    "polygon": (shapely.GeometryType.POLYGON, 2), "multipoint": (shapely.GeometryType.MULTIPOINT, 1),
    "multilinestring": (shapely.GeometryType.MULTILINESTRING, 2), "multipolygon": (shapely.GeometryType.MULTIPOLYGON, 3),
}  # fmt: skip
_LONLAT = {"id": {"authority": "OGC", "code": "CRS84"}}


@dataclass(frozen=True)
class _Read:
    """What the child gives back: columns, geometry as well-known binary (n,), and what the file says of it."""

    columns: dict[str, list[Any]]
    wkb: NDArray[np.object_]
    crs: str | None


def read_table(path: Path) -> Table:
    """The features of a GeoParquet file.

    Raises
    ------
    UnreadableSource
        If pyarrow is missing, or the file is no GeoParquet.
    """
    try:
        import_module("pyarrow.parquet")  # an optional library of 100 MB, loaded once and shared with the child
    except ModuleNotFoundError as error:
        raise UnreadableSource("parquet_not_installed", subject=path) from error
    read = alone(lambda _: _read(path), path)
    shapes, _ = plain_shapes(read.wkb)
    return Table(path.stem, read.columns, shapes, read.crs, encoding="UTF-8")


def _read(path: Path) -> _Read:
    arrow, arrow_parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    try:
        rows: Any = arrow_parquet.ParquetFile(path).read()
        column, about, others = _geometry(rows, path)
        wkb = _as_wkb(rows[column], about, path)
        columns = {name: _plain(rows[name]) for name in rows.column_names if name != column and name not in others}
    except (arrow.ArrowInvalid, arrow.ArrowNotImplementedError, OSError, KeyError, TypeError, ValueError) as error:
        raise UnreadableSource("source_unreadable", subject=path, reason=str(error)[:200]) from error
    return _Read(columns, wkb, _crs(about))


def _geometry(rows: Any, path: Path) -> tuple[str, dict[str, Any], set[str]]:
    """The geometry column, what is said of it, and the columns that only cover it or are other geometry."""
    said = (rows.schema.metadata or {}).get(b"geo")
    if said is not None:
        geo = json.loads(said)
        column = str(geo.get("primary_column") or next(iter(geo["columns"])))
        return column, dict(geo["columns"][column]), _covers(geo["columns"][column]) | (set(geo["columns"]) - {column})
    for field in rows.schema:
        kind = (field.metadata or {}).get(b"ARROW:extension:name", b"").decode() or getattr(field.type, "extension_name", "")
        if str(kind).startswith("geoarrow."):
            more = json.loads((field.metadata or {}).get(b"ARROW:extension:metadata", b"{}") or b"{}")
            return field.name, {"encoding": str(kind).removeprefix("geoarrow."), "crs": more.get("crs")}, set()
        if meaning("position", field.name) == "wkt" and "binary" in str(field.type):
            return field.name, {"encoding": "WKB", "crs": None}, set()
    raise UnreadableSource("source_no_geometry", subject=path, columns=", ".join(rows.column_names[:50]))


def _covers(about: Mapping[str, Any]) -> set[str]:
    boxes = cast(Mapping[str, Any], (about.get("covering") or {}).get("bbox") or {})
    return {str(corner[0]) for corner in boxes.values() if corner}


def _as_wkb(column: Any, about: Mapping[str, Any], path: Path) -> NDArray[np.object_]:
    encoding = str(about.get("encoding", "WKB"))
    array = column.combine_chunks()
    array = array.storage if hasattr(array, "storage") else array
    if encoding.upper() == "WKB":
        return np.asarray(array.to_numpy(zero_copy_only=False), object)
    if encoding not in _NATIVE:
        raise UnreadableSource("source_unreadable", subject=path, reason=f"geometry encoding {encoding}")
    return np.asarray(shapely.to_wkb(_native(array, *_NATIVE[encoding])), object)


def _native(array: Any, kind: shapely.GeometryType, depth: int) -> NDArray[np.object_]:
    """The shapes of nested lists of coordinates (n,); None where the row is null."""
    there = np.asarray(array.is_valid().to_numpy(zero_copy_only=False), bool)
    inner = array.filter(array.is_valid())
    offsets: list[NDArray[np.int64]] = []
    for _ in range(depth):
        found = np.asarray(inner.offsets.to_numpy(), np.int64)
        offsets.append(found - found[0])
        inner = inner.flatten()
    shapes = np.full(len(there), None, object)
    shapes[there] = shapely.from_ragged_array(kind, _coordinates(inner), tuple(reversed(offsets)) or None)
    return shapes


def _coordinates(array: Any) -> NDArray[np.float64]:
    """Coordinates (n, 2) or (n, 3), from lists of fixed size or from a struct of x, y, z; M values go."""
    if hasattr(array.type, "list_size"):
        flat = np.asarray(array.flatten().to_numpy(zero_copy_only=False), float)
        return flat.reshape(-1, array.type.list_size)[:, :3]
    names = [name for name in ("x", "y", "z") if array.type.get_field_index(name) >= 0]
    return np.column_stack([np.asarray(array.field(name).to_numpy(zero_copy_only=False), float) for name in names])


def _plain(column: Any) -> list[Any]:
    return [_cell(value) for value in column.to_pylist()]


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    return str(value) if isinstance(value, dt.timedelta) else value


def _crs(about: dict[str, Any]) -> str | None:
    """The coordinate system of a geometry column: absent means OGC:CRS84, null means that nobody knows."""
    stated = about.get("crs", _LONLAT)
    if stated is None:
        return None
    if isinstance(stated, str):
        return "EPSG:4326" if stated.upper() == "OGC:CRS84" else stated
    return "EPSG:4326" if stated.get("id", {}).get("code") == "CRS84" else json.dumps(stated)
