"""The park's files: compact GeoJSON (RFC 7946), CSV device tables. The same rows give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import shapely
from shapely import Polygon
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from sample_park.frame import geometry_to_lonlat

DEVICE_COLUMNS = (
    "id", "kind", "name", "name_zh", "lon", "lat", "height_m", "building_id", "storey_id", "space_id", "mounted_on", "status", "valid_from",
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """One feature: its properties and its geometry in plan metres."""

    properties: Mapping[str, Any]
    geometry: Any


def write_geojson(path: Path, rows: Sequence[Row]) -> None:
    """One FeatureCollection, a feature a line, coordinates to 8 decimals (about 1 mm), missing properties left out."""
    lines = [json.dumps(_feature(row), ensure_ascii=False, separators=(",", ":")) for row in rows]
    path.write_text('{"type":"FeatureCollection","features":[\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8", newline="\n")


def write_devices(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One CSV table: the columns that place a device first, then every other column in the order first met."""
    named = [column for column in DEVICE_COLUMNS if any(row.get(column) is not None for row in rows)]
    others = list(dict.fromkeys(key for row in rows for key in row if key not in DEVICE_COLUMNS))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*named, *others], lineterminator="\n", restval="")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: _cell(value) for key, value in row.items() if value is not None and key in {*named, *others}})
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="\n")


def _feature(row: Row) -> dict[str, Any]:
    geometry = geometry_to_lonlat(_wound(row.geometry))
    properties = {key: value for key, value in row.properties.items() if value is not None}
    return {"type": "Feature", "properties": properties, "geometry": _rounded(mapping(geometry))}


def _wound(geometry: Any) -> Any:
    """Exterior rings counter-clockwise, as RFC 7946 section 3.1.6 asks; collections of polygons keep their parts."""
    if isinstance(geometry, Polygon):
        return orient(geometry)
    if geometry.geom_type == "MultiPolygon":
        return shapely.MultiPolygon([orient(part) for part in geometry.geoms])
    return geometry


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 8)
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in cast(Sequence[Any], value)]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in cast(dict[str, Any], value).items()}
    return value


def _cell(value: Any) -> Any:
    return f"{value:.8f}".rstrip("0").rstrip(".") if isinstance(value, float) else value
