"""The feature tables of a GeoPackage: how one is made, indexed, filled in bulk and read back."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from twin.model import FEATURE_COLUMNS, FeatureTable
from twin.store import blob

_RESERVED = {
    "park",
    "park_layers",
    "park_sources",
    "devices",
    "events",
    "models",
    "spaces",
    "storeys",
    "elements",
    "meshes",
    "terrain",
    "runs",
}
_NUMBERS = {"height_m", "base_m", "storeys"}
_RTREE = "http://www.geopackage.org/spec120/#extension_rtree"

# The triggers that OGC 12-128r19 annex F.3 prescribes, so that any program that writes keeps the index true.
_TRIGGERS = {
    "insert": """AFTER INSERT ON {t} WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN
        INSERT OR REPLACE INTO {r} VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END""",
    "update6": """AFTER UPDATE OF geom ON {t} WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
        AND (OLD.geom NOTNULL AND NOT ST_IsEmpty(OLD.geom)) BEGIN UPDATE {r} SET minx = ST_MinX(NEW.geom), maxx = ST_MaxX(NEW.geom),
        miny = ST_MinY(NEW.geom), maxy = ST_MaxY(NEW.geom) WHERE id = NEW.fid; END""",
    "update7": """AFTER UPDATE OF geom ON {t} WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
        AND (OLD.geom ISNULL OR ST_IsEmpty(OLD.geom)) BEGIN
        INSERT INTO {r} VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END""",
    "update2": """AFTER UPDATE OF geom ON {t} WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)) BEGIN
        DELETE FROM {r} WHERE id = OLD.fid; END""",
    "update5": """AFTER UPDATE ON {t} WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN
        DELETE FROM {r} WHERE id = OLD.fid;
        INSERT OR REPLACE INTO {r} VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END""",
    "update4": """AFTER UPDATE ON {t} WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)) BEGIN
        DELETE FROM {r} WHERE id IN (OLD.fid, NEW.fid); END""",
    "delete": "AFTER DELETE ON {t} WHEN OLD.geom NOT NULL BEGIN DELETE FROM {r} WHERE id = OLD.fid; END",
}  # fmt: skip


def quoted(name: str) -> str:
    """`name` as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def table_name(layer_id: str) -> str:
    """The name of a layer's feature table: its id, made safe."""
    name = re.sub(r"[^\w\-]", "_", layer_id).strip("_") or "layer"
    return f"{name}_layer" if name.lower() in _RESERVED or name.lower().startswith(("gpkg_", "rtree_", "sqlite_")) else name


def create_layer_table(db: sqlite3.Connection, name: str, title: str) -> None:
    """A feature table with the columns every layer has, registered and indexed."""
    columns = ", ".join(f"{quoted(column)} {'DOUBLE' if column in _NUMBERS else 'TEXT'}" for column in FEATURE_COLUMNS)
    db.execute(
        f"CREATE TABLE {quoted(name)} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom GEOMETRY, id TEXT NOT NULL UNIQUE, "
        f"{columns}, attributes TEXT NOT NULL, source TEXT NOT NULL)"
    )
    register_features(db, name, title, "GEOMETRY")


def register_features(db: sqlite3.Connection, name: str, title: str, geometry_type: str) -> None:
    """Tell the GeoPackage of a feature table and give it its spatial index."""
    db.execute(
        "INSERT INTO gpkg_contents(table_name, data_type, identifier, description, srs_id) VALUES (?, 'features', ?, ?, 4326)",
        (name, name, title),
    )
    db.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, 4326, 2, 0)", (name, geometry_type))
    db.execute("INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', ?, 'write-only')", (name, _RTREE))
    db.execute(f"CREATE VIRTUAL TABLE {quoted(rtree(name))} USING rtree(id, minx, maxx, miny, maxy)")
    _create_triggers(db, name)


def register_attributes(db: sqlite3.Connection, name: str) -> None:
    """Tell the GeoPackage of a table without geometry."""
    db.execute("INSERT INTO gpkg_contents(table_name, data_type, identifier) VALUES (?, 'attributes', ?)", (name, name))


def rtree(name: str) -> str:
    """The name of the spatial index of a feature table."""
    return f"rtree_{name}_geom"


def register_functions(db: sqlite3.Connection) -> None:
    """The five functions the index triggers call."""

    def edge(k: int, data: bytes | None) -> float | None:
        box = blob.bounds(data)
        return None if box is None else box[k]

    db.create_function("ST_IsEmpty", 1, lambda data: blob.bounds(data) is None, deterministic=True)
    for k, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        db.create_function(name, 1, lambda data, k=k: edge(k, data), deterministic=True)


@contextmanager
def bulk(db: sqlite3.Connection, name: str) -> Generator[None]:
    """Many rows at once: the index is filled by one statement a row afterwards instead of a trigger a row."""
    for trigger in _TRIGGERS:
        db.execute(f"DROP TRIGGER IF EXISTS {quoted(f'{rtree(name)}_{trigger}')}")
    first = db.execute(f"SELECT coalesce(max(fid), 0) FROM {quoted(name)}").fetchone()[0]
    yield
    rows = db.execute(f"SELECT fid, substr(geom, 1, 40), geom FROM {quoted(name)} WHERE fid > ? AND geom NOT NULL", (first,))
    boxes = ((fid, blob.bounds(head if len(head) == 40 and head[3] >> 1 & 7 else whole)) for fid, head, whole in rows)
    db.executemany(f"INSERT OR REPLACE INTO {quoted(rtree(name))} VALUES (?, ?, ?, ?, ?)", [(fid, *box) for fid, box in boxes if box])
    _create_triggers(db, name)


def write_features(db: sqlite3.Connection, name: str, table: FeatureTable, source: str) -> None:
    """Replace the rows of `source` by those of `table`; an id that another source holds is taken over."""
    db.execute(f"DELETE FROM {quoted(name)} WHERE source = ?", (source,))
    taken = {row[0] for row in db.execute(f"SELECT id FROM {quoted(name)}")} & set(table.ids)
    db.executemany(f"DELETE FROM {quoted(name)} WHERE id = ?", [(identity,) for identity in taken])
    known = [_known_column(table, column) for column in FEATURE_COLUMNS]
    rows = zip(blob.encode(table.geometry), table.ids, *known, _rest(table), [source] * len(table), strict=True)
    columns = ", ".join(["geom", "id", *(quoted(column) for column in FEATURE_COLUMNS), "attributes", "source"])
    marks = ", ".join("?" * (len(FEATURE_COLUMNS) + 4))
    with bulk(db, name):
        db.executemany(f"INSERT INTO {quoted(name)} ({columns}) VALUES ({marks})", rows)
    update_contents(db, name)


def update_contents(db: sqlite3.Connection, name: str) -> None:
    """Tell the GeoPackage the extent of a feature table."""
    box = db.execute(f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {quoted(rtree(name))}").fetchone()
    db.execute(
        "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') "
        "WHERE table_name = ?",
        (*box, name),
    )


def read_features(db: sqlite3.Connection, name: str, where: str = "", values: Sequence[Any] = ()) -> FeatureTable:
    """The rows of a layer's table as columns, in the order they were written."""
    columns = ", ".join(quoted(column) for column in FEATURE_COLUMNS)
    rows = db.execute(f"SELECT id, geom, attributes, {columns} FROM {quoted(name)} AS t {where} ORDER BY fid", values).fetchall()
    known = {column: [row[k + 3] for row in rows] for k, column in enumerate(FEATURE_COLUMNS)}
    known = {column: values for column, values in known.items() if any(value is not None for value in values)}
    others = [json.loads(row[2]) for row in rows]
    names = dict.fromkeys(key for other in others for key in other)
    rest = {key: [other.get(key) for other in others] for key in names}
    return FeatureTable([row[0] for row in rows], blob.decode([row[1] for row in rows]), {**rest, **known})


def plain(value: Any) -> Any:
    """`value` as something JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def _known_column(table: FeatureTable, column: str) -> list[Any]:
    values = [plain(value) for value in table.column(column)]
    if column in _NUMBERS:
        return [value if isinstance(value, int | float) else None for value in values]
    return [value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False) for value in values]


def _rest(table: FeatureTable) -> list[str]:
    others = {name: values for name, values in table.columns.items() if name not in FEATURE_COLUMNS}
    rows = zip(*others.values(), strict=True) if others else (() for _ in table.ids)
    pairs = ({name: plain(value) for name, value in zip(others, row, strict=True) if value is not None} for row in rows)
    return [json.dumps({name: value for name, value in row.items() if value is not None}, ensure_ascii=False) for row in pairs]


def _create_triggers(db: sqlite3.Connection, name: str) -> None:
    for trigger, body in _TRIGGERS.items():
        statement = body.format(t=quoted(name), r=quoted(rtree(name)))
        db.execute(f"CREATE TRIGGER {quoted(f'{rtree(name)}_{trigger}')} {statement}")
