"""Changes as a person writes them on a command line: `ID=LON,LAT[,H]`, `ID.column=value`, device records in JSON or in files."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twin.errors import UsageError


def moves(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Changes from `ID=LON,LAT[,H]`; H is the height above floor or ground. [deg, deg, m]"""
    return [_move(text) for text in texts]


def settings(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Changes from `ID.column=value`, one a device; a value is read as JSON where it can be, else as text."""
    found: dict[str, dict[str, Any]] = {}
    for text in texts:
        place, equals, value = text.partition("=")
        name, dot, column = place.rpartition(".")
        if not (equals and dot and name.strip() and column.strip()):
            raise UsageError("change_not_a_setting", subject=text)
        found.setdefault(name.strip(), {})[column.strip()] = _value(value.strip())
    return [{"op": "set", "id": name, "values": values} for name, values in found.items()]


def additions(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Changes from device records: JSON, or the name of a file of JSON, GeoJSON or CSV with the columns of the device table."""
    return [{"op": "add", "id": record.get("id"), "device": record} for text in texts for record in _records(text)]


def _move(text: str) -> dict[str, Any]:
    name, equals, place = text.rpartition("=")
    try:
        numbers = [float(part) for part in place.split(",")]
    except ValueError as error:
        raise UsageError("change_not_a_place", subject=text) from error
    if not equals or not name.strip() or not 2 <= len(numbers) <= 3:
        raise UsageError("change_not_a_place", subject=text)
    return {"op": "move", "id": name.strip(), **dict(zip(("lon", "lat", "height_m"), numbers, strict=False))}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _records(text: str) -> list[dict[str, Any]]:
    if text.lstrip().startswith(("{", "[")):
        return _of_json(text, text)
    try:
        content = Path(text).read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError("change_file", subject=text) from error
    return _of_json(content, text) if content.lstrip().startswith(("{", "[")) else _of_csv(content, text)


def _of_json(content: str, named: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(content)
    except ValueError as error:
        raise UsageError("change_file", subject=_short(named)) from error
    if isinstance(found, dict) and found.get("type") == "FeatureCollection":
        return [_of_feature(feature, named) for feature in found.get("features", [])]
    if isinstance(found, dict) and found.get("type") == "Feature":
        return [_of_feature(found, named)]
    rows: list[Any] = found if isinstance(found, list) else [found]
    if not all(isinstance(row, dict) for row in rows):
        raise UsageError("change_file", subject=_short(named))
    return rows


def _of_feature(feature: Any, named: str) -> dict[str, Any]:
    try:
        lon, lat = feature["geometry"]["coordinates"][:2]
        return {"id": feature.get("id"), **(feature.get("properties") or {}), "lon": lon, "lat": lat}
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UsageError("change_file", subject=_short(named)) from error


def _of_csv(content: str, named: str) -> list[dict[str, Any]]:
    rows = list(csv.DictReader(content.splitlines()))
    if not rows or not {"id", "kind", "lon", "lat"} <= set(rows[0]):
        raise UsageError("change_file", subject=named)
    return [{key: value if key in {"id", "name", "kind"} else _value(value) for key, value in row.items() if key and value} for row in rows]


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
