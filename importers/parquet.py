"""GeoParquet read into a table, where pyarrow is installed."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from importers.tables import Table
from twin.errors import UnreadableSource


def read_table(path: Path) -> Table:
    """The features of a GeoParquet file (versions 1.0 and 1.1, WKB geometry).

    Raises
    ------
    UnreadableSource
        If pyarrow is missing, or the file is no GeoParquet.
    """
    try:
        arrow, arrow_parquet = import_module("pyarrow"), import_module("pyarrow.parquet")  # an optional library of 100 MB
    except ModuleNotFoundError as error:
        raise UnreadableSource("parquet_not_installed", subject=path) from error
    try:
        rows: Any = arrow_parquet.read_table(path)
    except (arrow.ArrowInvalid, OSError) as error:
        raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
    said = (rows.schema.metadata or {}).get(b"geo")
    if said is None:
        raise UnreadableSource("source_no_geometry", subject=path, columns=", ".join(rows.column_names))
    geo = json.loads(said)
    column: str = geo["primary_column"]
    about = geo["columns"][column]
    if about.get("encoding") != "WKB":
        raise UnreadableSource("source_unreadable", subject=path, reason=f"geometry encoding {about.get('encoding')}")
    shapes = shapely.from_wkb(np.array(rows[column].to_pylist(), object), on_invalid="ignore")
    columns = {name: rows[name].to_pylist() for name in rows.column_names if name != column}
    return Table(path.stem, columns, shapes, _crs(about), encoding="UTF-8")


def _crs(about: dict[str, Any]) -> str | None:
    """The coordinate system of a geometry column: absent means OGC:CRS84, null means that nobody knows."""
    stated = about.get("crs", {"id": {"authority": "OGC", "code": "CRS84"}})
    if stated is None:
        return None
    return "EPSG:4326" if stated.get("id", {}).get("code") == "CRS84" else json.dumps(stated)
