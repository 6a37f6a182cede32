"""Rows of the park's tables turned into what `twin.model` calls them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.crs import Frame
from twin.model import (
    Asset,
    Connection,
    Device,
    Element,
    Event,
    Georeferencing,
    Group,
    Model,
    Park,
    Photometry,
    Scenario,
    Space,
    Storey,
    Terrain,
    Version,
)
from twin.store import blob

Record = dict[str, Any]


def records(db: sqlite3.Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Record]:
    """The rows of a query, each by column name."""
    cursor = db.execute(query, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def park(values: Mapping[str, str]) -> Park:
    """The park from the keys and values of `park`."""
    lon, lat, h = json.loads(values["origin"])
    return Park(values["name"], Frame(lon, lat, h), values["crs"], values["height_datum"])


def devices(found: Sequence[Record]) -> list[Device]:
    """Devices from rows of `devices`."""
    points = shapely.get_coordinates(blob.decode([row["geom"] for row in found]))
    return [
        Device(**_without(row, "geom", "fid", "attributes"), lon=float(lon), lat=float(lat), attributes=json.loads(row["attributes"]))
        for row, (lon, lat) in zip(found, points, strict=True)
    ]


def events(found: Sequence[Record]) -> list[Event]:
    """Events from rows of `events`."""
    points = shapely.get_coordinates(blob.decode([row["geom"] for row in found]), include_z=True)
    return [
        Event(
            **_without(row, "geom", "fid", "attributes"),
            lon=float(lon),
            lat=float(lat),
            h_m=float(h),
            attributes=json.loads(row["attributes"]),
        )
        for row, (lon, lat, h) in zip(found, points, strict=True)
    ]


def scenarios(found: Sequence[Record]) -> list[Scenario]:
    """Scenarios from rows of `scenarios`."""
    return [Scenario(row["name"], json.loads(row["changes"]), row["note"], row["at"]) for row in found]


def models(found: Sequence[Record]) -> list[Model]:
    """Models from rows of `models`."""
    outlines = blob.decode([row["geom"] for row in found])
    return [
        Model(
            **_without(row, "geom", "fid", "georeferencing"),
            outline=outline,
            georeferencing=_georeferencing(row["georeferencing"]),
        )
        for row, outline in zip(found, outlines, strict=True)
    ]


def storeys(found: Sequence[Record]) -> list[Storey]:
    """Storeys from rows of `storeys`."""
    return [Storey(**_without(row, "fid")) for row in found]


def spaces(found: Sequence[Record]) -> list[Space]:
    """Spaces from rows of `spaces`."""
    outlines = blob.decode([row["geom"] for row in found])
    return [
        Space(**_without(row, "geom", "fid", "attributes"), outline=outline, attributes=json.loads(row["attributes"]))
        for row, outline in zip(found, outlines, strict=True)
    ]


def elements(found: Sequence[Record]) -> list[Element]:
    """Elements from rows of `elements`."""
    return [
        Element(
            **_without(row, "fid", "materials", "properties", "bbox"),
            materials=json.loads(row["materials"]),
            properties=json.loads(row["properties"]),
            bbox=json.loads(row["bbox"]) if row["bbox"] else None,
        )
        for row in found
    ]


def groups(found: Sequence[Record]) -> list[Group]:
    """Groups from rows of `groups`."""
    return [
        Group(**_without(row, "fid", "members", "attributes"), members=json.loads(row["members"]), attributes=json.loads(row["attributes"]))
        for row in found
    ]


def connections(found: Sequence[Record]) -> list[Connection]:
    """Connections from rows of `connections`."""
    return [
        Connection(
            **_without(row, "fid", "is_inferred", "position"),
            is_inferred=bool(row["is_inferred"]),
            position=json.loads(row["position"]) if row["position"] else None,
        )
        for row in found
    ]


def photometries(found: Sequence[Record]) -> list[Photometry]:
    """Photometries from rows of `photometries`."""
    told = ("c_deg", "gamma_deg", "candela", "attributes")
    return [Photometry(**_without(row, *told, "source"), **{name: json.loads(row[name]) for name in told}) for row in found]


def assets(found: Sequence[Record]) -> list[Asset]:
    """Assets from rows of `assets`."""
    return [Asset(**row) for row in found]


def versions(found: Sequence[Record]) -> list[Version]:
    """Versions from rows of `versions`, `is_current` in the place of their content."""
    told = ("is_current", "report")
    return [Version(**_without(row, *told), is_current=bool(row["is_current"]), report=json.loads(row["report"])) for row in found]


def pack_terrain(terrain: Terrain) -> bytes:
    """A terrain grid as one blob."""
    return blob.pack({"grid": np.array([terrain.x0_m, terrain.y0_m, terrain.step_m]), "heights": terrain.heights})


def terrain(packed: bytes, role: Any) -> Terrain:
    """The terrain grid in a blob made by `pack_terrain`; what it is of is said beside the blob."""
    arrays = blob.unpack(packed)
    x0, y0, step = (float(value) for value in arrays["grid"])
    return Terrain(x0, y0, step, arrays["heights"], role)


def _georeferencing(text: str) -> Georeferencing:
    values = json.loads(text)
    return Georeferencing(**values | {"lonlat": tuple(values["lonlat"]) if values["lonlat"] else None})


def _without(row: Record, *names: str) -> Record:
    return {name: value for name, value in row.items() if name not in names}
