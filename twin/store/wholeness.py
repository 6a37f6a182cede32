"""What a GeoPackage park finds wrong with itself."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from twin.model import Issue
from twin.store import tables

_LISTED = 20


def faults(db: sqlite3.Connection) -> list[Issue]:
    """An issue for each damaged page and each spatial index that is not true to its table."""
    return [*_damage(db), *_indexes(db)]


def _damage(db: sqlite3.Connection) -> Iterator[Issue]:
    try:
        found = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_LISTED})")]
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    for line in found:
        if line != "ok":
            yield Issue("store_damaged", "error", "park.gpkg", {"reason": line})


def _indexes(db: sqlite3.Connection) -> Iterator[Issue]:
    """Rows without their box, and boxes without their row, by the functions the index triggers use."""
    named = [row[0] for row in db.execute("SELECT table_name FROM gpkg_geometry_columns")]
    for name in named:
        table, index = tables.quoted(name), tables.quoted(tables.rtree_name(name))
        unlisted = f"SELECT count(*) FROM {table} AS t WHERE NOT ST_IsEmpty(t.geom) AND NOT EXISTS (SELECT 1 FROM {index} WHERE id = t.fid)"
        rowless = f"SELECT count(*) FROM {index} AS r WHERE NOT EXISTS (SELECT 1 FROM {table} WHERE fid = r.id)"
        wrong = db.execute(f"SELECT ({unlisted}) + ({rowless})").fetchone()[0]
        if wrong:
            yield Issue("store_index_untrue", "error", name, {"count": wrong})
