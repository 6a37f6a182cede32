"""Device tables: CSV, Excel, GeoJSON and GeoPackage whose rows are cameras, access points, chargers and the like.

A file is a device table when a column says what kind of device each row is, or when its name does, and its rows have places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import shapely

from importers import gdal
from importers.contract import Context, Imported
from importers.devicerow import Row, device_of, missing_needs
from importers.placing import Frameless, Placed, check_datum, few, place
from importers.tables import (
    Table,
    best_column,
    looks_like_table,
    positions,
    read_csv,
    renamed,
    shapes_of,
    unmapped,
)
from importers.values import is_missing
from importers.vector import source_tables
from importers.vocabulary import longest_match, meaning, normal
from importers.workbook import looks_like_workbook, read_workbook
from twin.errors import TwinError, UnreadableSource
from twin.model import DEVICE_KINDS, Device, Issue

SURE = 90
_PEEK_ROWS = 200
_TELLING = {"azimuth_deg", "tilt_deg", "hfov_deg", "pixels_w", "eirp_dbm", "power_dbm", "freq_mhz", "connectors", "lumens", "ssid"}
_PLACES = ("building_id", "storey_id", "space_id")


@dataclass(frozen=True)
class DeviceImporter:
    """Device tables."""

    name: str = "devices"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is that the rows are devices: a column of device kinds, or a file named after one."""
        try:
            tables = _peek(path, head)
        except TwinError:
            return 0
        return max((SURE for table in tables if _is_device_table(table, path.stem)), default=0)

    def read(self, path: Path, context: Context) -> Imported:
        """The devices of a table; raises SourceError."""
        check_datum(context.options)
        found = source_tables(path, context.options.encoding)
        absent = unmapped(found, context.options.mapping, path.name)
        tables = [renamed(table, context.options.mapping) for table in found if len(table)]
        if len(tables) > 1:
            tables = [table for table in tables if _kind_column(table) or _kind_of_name(table.name)] or tables
        if not tables:
            raise UnreadableSource("source_no_features", subject=path)
        made = [_devices(table, path, context) for table in tables]
        devices, repeated = _unique([device for each in made for device in each.devices], path.name)
        if not devices:
            raise UnreadableSource(
                "table_no_positions", subject=path, columns=", ".join(name for table in tables for name in table.columns)
            )
        placed = made[0].placed
        return Imported(
            kind=self.name,
            devices=devices,
            crs=placed.crs if placed else None,
            height_datum=placed.heights.datum if placed else None,
            height_offset_m=placed.heights.offset_m if placed else 0.0,
            encoding=tables[0].encoding,
            issues=few([*absent, *(issue for each in made for issue in each.issues), *repeated, *missing_needs(devices, path.name)]),
            details={
                "read": sum(map(len, tables)),
                "kept": len(devices),
                "skipped": sum(map(len, tables)) - len(devices),
                "placement": placed.details if placed else None,
            },
        )


@dataclass(frozen=True)
class _Made:
    devices: Sequence[Device]
    placed: Placed | None
    issues: Sequence[Issue]


def _peek(path: Path, head: bytes) -> list[Table]:
    """The first rows of what may be a device table, with all columns; empty for other files."""
    if head.startswith(b"PK\x03\x04"):
        return read_workbook(path) if looks_like_workbook(path) else []
    if looks_like_table(head):
        return [read_csv(path, None, data=head[: head.rfind(b"\n") + 1] if len(head) > 60_000 else head)]
    may_be = head.startswith(b"SQLite format 3\x00") or _json_names_kinds(head)
    return list(gdal.columns_of(path, _PEEK_ROWS)) if may_be else []


def _json_names_kinds(head: bytes) -> bool:
    """Whether a JSON file has properties that name kinds of devices, before all of it is parsed."""
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return False
    text = head.decode("utf-8", errors="replace")
    pairs = re.findall(r'"([^"]{1,40})"\s*:\s*"([^"]{1,40})"', text)
    return any(meaning("device_columns", key) == "kind" and meaning("device_kinds", value) for key, value in pairs)


def _is_device_table(table: Table, stem: str) -> bool:
    if _kind_column(table) is not None:
        return True
    return _kind_of_name(stem) is not None and _all_points(positions(table))


def _kind_column(table: Table) -> str | None:
    """The column that says what kind each row is: at least half of its words are kinds of devices, or it is called `kind` outright."""
    for name in [name for name in table.columns if meaning("device_columns", name) == "kind"]:
        words = [value for value in table.columns[name] if not is_missing(value)]
        known = sum(meaning("device_kinds", word) is not None for word in words)
        outright = normal(name) in {"kind", "device_type", "设备类型"}
        if (known and (outright or known * 2 >= len(words))) or (outright and _says_what_devices_say(table)):
            return name
    return None


def _says_what_devices_say(table: Table) -> bool:
    """Whether a column is one that only tables of devices have."""
    return any(meaning("device_columns", name) in _TELLING for name in table.columns)


def _all_points(table: Table) -> bool:
    """Whether the rows are points; what is named after a device but has lines or areas is a map layer."""
    geometry = shapes_of(table)
    there = geometry[~shapely.is_missing(geometry)]
    return bool(len(there)) and bool((shapely.get_type_id(there) == shapely.GeometryType.POINT).all())


def _kind_of_name(stem: str) -> str | None:
    """The device kind a file's name says; poles are a map layer too, and stay one."""
    found = longest_match("device_kinds", stem)
    return found[0] if found is not None and found[0] not in {"pole", "other", "cell"} else None


def _devices(table: Table, path: Path, context: Context) -> _Made:
    given = context.options.kind if context.options.kind in DEVICE_KINDS else None
    kinds = None if given else _kind_column(table) or best_column(table, "device_columns", "kind")
    kind = given or (None if kinds else _kind_of_name(table.name) or _kind_of_name(path.stem))
    table = positions(table)
    rows = _rows(table, kinds, kind)
    placed, issues = _placed(table, rows, context)
    shapes = [None] * len(rows) if placed is None else list(placed.geometry)
    made = [device_of(row, at, path.name, context.locate) for row, at in zip(rows, shapes, strict=True)]
    told = {row.subject for row in rows if row.values.get("z_m") is not None}  # heights of columns are the source's still
    devices = [
        _on_datum(device, placed) if row.subject in told else device
        for row, (device, _) in zip(rows, made, strict=True)
        if device is not None
    ]
    return _Made(devices, placed, [*table.issues, *issues, *(issue for _, found in made for issue in found)])


def _on_datum(device: Device, placed: Placed | None) -> Device:
    """The device with its absolute height on the park's datum."""
    if placed is None or device.z_m is None:
        return device
    return replace(device, z_m=float(placed.heights.to_park([[device.lon, device.lat]], [device.z_m])[0]))


def _rows(table: Table, kinds: str | None, kind: str | None) -> list[Row]:
    """Each row by our column names; what has none keeps its own."""
    ours: dict[str, str] = {}
    for name in table.columns:
        known = meaning("device_columns", name)
        if known is not None and known != "kind" and best_column(table, "device_columns", known) == name:
            ours[name] = known
    dropped = {kinds} | {name for name in table.columns if meaning("position", name) in {"lon", "lat", "lonlat", "wkt"}}
    names = {name: ours.get(name, name) for name in table.columns if name not in dropped}
    return [
        Row(
            number=i + 1,
            table=table.name,
            kind=kind if kinds is None else table.columns[kinds][i],
            values={new: table.columns[old][i] for old, new in names.items() if not is_missing(table.columns[old][i])},
            headers={new: old for old, new in names.items()},
        )
        for i in range(len(table))
    ]


def _placed(table: Table, rows: Sequence[Row], context: Context) -> tuple[Placed | None, list[Issue]]:
    """Where the rows are, None where the table has no positions at all; and what was wrong.

    A row without coordinates that names a building, storey or space is no fault here.
    """
    if not len(shapes_of(table)):
        return None, []
    given = Frameless(shapes_of(table), [row.subject for row in rows], table.name, table.crs, table.crs_assumed)
    placed = place(given, context)
    elsewhere = {row.subject for row in rows if any(row.values.get(name) is not None for name in _PLACES)}
    issues = [issue for issue in placed.issues if issue.code != "geometry_missing"]
    lost = [replace(issue, code="row_without_position") for issue in placed.issues if issue.code == "geometry_missing"]
    return placed, [*issues, *(issue for issue in lost if issue.subject not in elsewhere)]


def _unique(devices: Sequence[Device], source: str) -> tuple[list[Device], list[Issue]]:
    seen: dict[str, int] = {}
    out: list[Device] = []
    issues: list[Issue] = []
    taken = {device.id for device in devices}
    for device in devices:
        seen[device.id] = seen.get(device.id, 0) + 1
        if seen[device.id] == 1:
            out.append(device)
            continue
        free = next(name for name in (f"{device.id}-{k}" for k in range(2, len(devices) + 2)) if name not in taken)
        taken.add(free)
        out.append(replace(device, id=free))
        issues.append(Issue("id_repeated", "warning", f"{source}/{device.id}", {"column": "id", "used": free}))
    return out, issues


IMPORTER = DeviceImporter()
