"""GeoParquet 1.1: one table of features, geometry as WKB in longitude and latitude (OGC:CRS84, which is what no `crs` means)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from twin.files import write_atomically
from twin.store import Store
from web.export.columns import typed_column
from web.export.parquet import parquet
from web.export.tables import Sheet, sheets

GEOMETRY = "geometry"


def write(store: Store, layer: str | None, out: Path) -> None:
    """The layer, or all of them with a column `layer`, as one table."""
    write_atomically(out, encode(sheets(store, layer)))


def encode(found: Sequence[Sheet]) -> bytes:
    """The sheets as one GeoParquet file."""
    shapes = np.concatenate([sheet.table.geometry for sheet in found]) if found else np.empty(0, object)
    names = dict.fromkeys(name for sheet in found for name in sheet.table.columns if name not in {"id", "layer", "layer_kind", GEOMETRY})
    plain: dict[str, list[Any]] = {
        "id": [identity for sheet in found for identity in sheet.table.ids],
        "layer": [sheet.name for sheet in found for _ in sheet.table.ids],
        "layer_kind": [sheet.kind for sheet in found for _ in sheet.table.ids],
    } | {name: [value for sheet in found for value in sheet.table.column(name)] for name in names}
    missing = np.array([shape is None for shape in shapes], bool)
    wkb = np.array([b"" if shape is None else shapely.to_wkb(shape, output_dimension=3) for shape in shapes], object)
    columns = {name: typed_column(values) for name, values in plain.items()} | {GEOMETRY: (wkb, missing)}
    return parquet(columns, {"geo": json.dumps(_about(shapes[~missing]))})


def _about(shapes: Any) -> dict[str, Any]:
    types = sorted({f"{shape.geom_type}{' Z' if shape.has_z else ''}" for shape in shapes})
    column: dict[str, Any] = {"encoding": "WKB", "geometry_types": types}
    box = shapely.total_bounds(shapes) if len(shapes) else np.full(4, np.nan)
    if np.isfinite(box).all():
        column["bbox"] = box.tolist()
    return {"version": "1.1.0", "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
