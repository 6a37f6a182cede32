"""The feature tables of a GeoPackage: how one is made, indexed, filled in bulk and read back."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import shapely

from twin.model import FEATURE_COLUMNS, FeatureTable
from twin.store import blob, records, rtree
from twin.store.sql import insert, quoted

_RESERVED = {
    "park", "park_layers", "park_sources", "devices", "events", "models", "spaces", "storeys", "elements", "groups", "connections",
    "meshes", "terrain", "photometries", "assets", "versions", "archived_arrays", "archived_assets", "runs", "scorecards",
    "scenarios", "layer_styles",
}  # fmt: skip
_FEW = 8  # rows are few when that many times more are in the table: then the index is changed, else made anew
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


def table_name(layer_id: str) -> str:
    """The name of a layer's feature table: its id, made safe."""
    name = re.sub(r"[^\w\-]", "_", layer_id).strip("_") or "layer"
    return f"{name}_layer" if name.lower() in _RESERVED or name.lower().startswith(("gpkg_", "rtree_", "sqlite_")) else name


def create_layer_table(db: sqlite3.Connection, name: str, title: str) -> None:
    """A feature table with the columns every layer has, registered and indexed."""
    columns = ", ".join(f"{quoted(column)} {'DOUBLE' if column in records.NUMBERS else 'TEXT'}" for column in FEATURE_COLUMNS)
    db.execute(
        f"CREATE TABLE {quoted(name)} (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom GEOMETRY, id TEXT NOT NULL, "
        f"{columns}, attributes TEXT NOT NULL, source TEXT NOT NULL)"
    )
    _create_ids_index(db, name)
    register_features(db, name, title, "GEOMETRY")


def register_features(db: sqlite3.Connection, name: str, title: str, geometry_type: str, z: int = 2) -> None:
    """Tell the GeoPackage of a feature table and give it its spatial index; heights `z` are prohibited (0), mandatory (1), optional (2)."""
    db.execute(
        "INSERT INTO gpkg_contents(table_name, data_type, identifier, description, srs_id) VALUES (?, 'features', ?, ?, 4326)",
        (name, name, title),
    )
    db.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, 4326, ?, 0)", (name, geometry_type, z))
    db.execute("INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', ?, 'write-only')", (name, _RTREE))
    db.execute(f"CREATE VIRTUAL TABLE {quoted(rtree_name(name))} USING rtree(id, minx, maxx, miny, maxy)")
    _create_triggers(db, name)


def rename_features(db: sqlite3.Connection, name: str, wanted: str) -> None:
    """Give a layer's feature table, its index and all that tells of them another name."""
    _drop_triggers(db, name)
    for before, after in ((name, wanted), (rtree_name(name), rtree_name(wanted))):
        db.execute(f"ALTER TABLE {quoted(before)} RENAME TO {quoted(after)}")
    for table in ("gpkg_contents", "gpkg_geometry_columns", "gpkg_extensions", "park_layers"):
        db.execute(f"UPDATE {table} SET table_name = ? WHERE table_name = ?", (wanted, name))
    db.execute("UPDATE gpkg_contents SET identifier = ? WHERE table_name = ?", (wanted, wanted))
    _create_triggers(db, wanted)


def drop_layer_table(db: sqlite3.Connection, name: str) -> None:
    """Remove a layer's feature table, its index and all that tells of them."""
    db.execute(f"DROP TABLE {quoted(rtree_name(name))}")
    db.execute(f"DROP TABLE {quoted(name)}")
    for table in ("gpkg_extensions", "gpkg_geometry_columns", "gpkg_contents"):
        db.execute(f"DELETE FROM {table} WHERE table_name = ?", (name,))
    db.execute("DELETE FROM layer_styles WHERE f_table_name = ?", (name,))


def register_attributes(db: sqlite3.Connection, name: str) -> None:
    """Tell the GeoPackage of a table without geometry."""
    db.execute("INSERT INTO gpkg_contents(table_name, data_type, identifier) VALUES (?, 'attributes', ?)", (name, name))


def rtree_name(name: str) -> str:
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
    """Many rows at once: the index is put right once afterwards instead of by a trigger a row."""
    first = db.execute(f"SELECT coalesce(max(fid), 0) FROM {quoted(name)}").fetchone()[0]
    with _without_triggers(db, name):
        yield
        rows = db.execute(f"SELECT fid, substr(geom, 1, 40), geom FROM {quoted(name)} WHERE fid > ? AND geom NOT NULL", (first,))
        boxes = ((fid, blob.bounds(head if len(head) == 40 and head[3] >> 1 & 7 else whole)) for fid, head, whole in rows)
        found = np.array([(fid, *box) for fid, box in boxes if box], float).reshape(-1, 5)
        _index(db, name, found[:, 0].astype(np.int64), found[:, 1:])


def write_features(db: sqlite3.Connection, name: str, table: FeatureTable, source: str) -> None:
    """Replace the rows of `source` by those of `table`; an id that another source holds is taken over."""
    delete_features(db, name, source)
    if not is_empty(db, name):
        db.executemany(f"DELETE FROM {quoted(name)} WHERE id = ?", [(identity,) for identity in table.ids])
    first = 1 + db.execute("SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?", (name,)).fetchone()[0]
    n = len(table)
    columns = {"fid": range(first, first + n), "geom": blob.encode(table.geometry), **records.filled_columns(table), "source": [source] * n}
    with _without_triggers(db, name), _without_ids_index(db, name):
        insert(db, name, list(columns), zip(*columns.values(), strict=True))
        boxes = shapely.bounds(table.geometry).reshape(-1, 4)[:, [0, 2, 1, 3]]
        is_somewhere = np.isfinite(boxes).all(axis=1)
        _index(db, name, np.flatnonzero(is_somewhere) + first, boxes[is_somewhere])
    update_contents(db, name)


def delete_features(db: sqlite3.Connection, name: str, source: str) -> int:
    """Remove the rows of `source`; how many there were."""
    every, own = db.execute(f"SELECT count(*), coalesce(sum(source = ?), 0) FROM {quoted(name)}", (source,)).fetchone()
    if own == every:
        with _without_triggers(db, name):
            db.execute(f"DELETE FROM {quoted(name)}")  # without condition or trigger SQLite drops whole pages
            rtree.fill(db, rtree_name(name), np.empty(0, np.int64), np.empty((0, 4)))
    elif own * _FEW < every:
        db.execute(f"DELETE FROM {quoted(name)} WHERE source = ?", (source,))
    else:
        with _without_triggers(db, name):
            db.execute(f"DELETE FROM {quoted(name)} WHERE source = ?", (source,))
            _reindex(db, name)
    return own


def is_empty(db: sqlite3.Connection, name: str) -> bool:
    """Whether a feature table has no row."""
    return not db.execute(f"SELECT EXISTS (SELECT 1 FROM {quoted(name)})").fetchone()[0]


def update_contents(db: sqlite3.Connection, name: str) -> None:
    """Tell the GeoPackage the extent of a feature table."""
    box = db.execute(f"SELECT min(minx), min(miny), max(maxx), max(maxy) FROM {quoted(rtree_name(name))}").fetchone()
    db.execute(
        "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ?, last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now') "
        "WHERE table_name = ?",
        (*box, name),
    )


def read_features(db: sqlite3.Connection, name: str, where: str = "", values: Sequence[Any] = ()) -> FeatureTable:
    """The rows of a layer's table as columns, in the order they were written."""
    columns = ", ".join(quoted(column) for column in FEATURE_COLUMNS)
    rows = db.execute(f"SELECT id, geom, attributes, {columns} FROM {quoted(name)} AS t {where} ORDER BY fid", values).fetchall()
    return records.feature_table(rows)


@contextmanager
def _without_triggers(db: sqlite3.Connection, name: str) -> Generator[None]:
    _drop_triggers(db, name)
    yield
    _create_triggers(db, name)


@contextmanager
def _without_ids_index(db: sqlite3.Connection, name: str) -> Generator[None]:
    """An index of ids is built faster from all rows than row by row; a table that other rows are in keeps its own."""
    index = _ids_index(name)
    is_separate = db.execute("SELECT count(*) FROM sqlite_master WHERE type = 'index' AND name = ?", (index,)).fetchone()[0]
    if not is_separate or not is_empty(db, name):
        yield
        return
    db.execute(f"DROP INDEX {quoted(index)}")
    yield
    _create_ids_index(db, name)


def _index(db: sqlite3.Connection, name: str, fids: rtree.Ids, boxes: rtree.Boxes) -> None:
    """Add rows to the spatial index: few one by one, many by making it anew."""
    index = rtree_name(name)
    if len(fids) * _FEW < db.execute(f"SELECT count(*) FROM {quoted(f'{index}_rowid')}").fetchone()[0]:
        rows = np.column_stack([fids, boxes]).tolist()
        db.executemany(f"INSERT OR REPLACE INTO {quoted(index)} VALUES (?, ?, ?, ?, ?)", rows)
        return
    known, around = rtree.read(db, index)
    others = ~np.isin(known, fids)
    rtree.fill(db, index, np.concatenate([known[others], fids]), np.concatenate([around[others], boxes]))


def _reindex(db: sqlite3.Connection, name: str) -> None:
    """Take from the spatial index what is no longer in the table."""
    known, boxes = rtree.read(db, rtree_name(name))
    there = np.isin(known, [row[0] for row in db.execute(f"SELECT fid FROM {quoted(name)}")])
    rtree.fill(db, rtree_name(name), known[there], boxes[there])


def _create_ids_index(db: sqlite3.Connection, name: str) -> None:
    db.execute(f"CREATE UNIQUE INDEX {quoted(_ids_index(name))} ON {quoted(name)}(id)")


def _ids_index(name: str) -> str:
    return f"{rtree_name(name)}_ids"  # no layer's table begins like this


def _drop_triggers(db: sqlite3.Connection, name: str) -> None:
    for trigger in _TRIGGERS:
        db.execute(f"DROP TRIGGER IF EXISTS {quoted(f'{rtree_name(name)}_{trigger}')}")


def _create_triggers(db: sqlite3.Connection, name: str) -> None:
    for trigger, body in _TRIGGERS.items():
        statement = body.format(t=quoted(name), r=quoted(rtree_name(name)))
        db.execute(f"CREATE TRIGGER {quoted(f'{rtree_name(name)}_{trigger}')} {statement}")
