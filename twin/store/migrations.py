"""From the schema of an older program to this one's: one step a version, all in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from twin.errors import StoreError
from twin.store import blob, styles, tables
from twin.store.connection import is_writable

_SEEN = 1000  # geometries that decide how a layer of an old park is drawn
Step = Callable[[sqlite3.Connection], None]


def migrate(db: sqlite3.Connection, file: Path) -> None:
    """Bring the park in `file` to the newest schema, unless it is there.

    Raises
    ------
    StoreError
        If the park is newer than the program, or older and cannot be written.
    sqlite3.Error
        If it is no park, or another program holds it.
    """
    if _version(db) == SCHEMA_VERSION:
        return
    if not is_writable(file):
        raise StoreError("park_old_read_only", subject=file.parent, version=_version(db), known=SCHEMA_VERSION)
    try:
        db.execute("BEGIN IMMEDIATE")
        for step in _STEPS[_version(db) - 1 :]:  # read again: another program may have been faster
            step(db)
        db.execute("UPDATE park SET value = ? WHERE key = 'schema_version'", (str(SCHEMA_VERSION),))
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def run_script(db: sqlite3.Connection, name: str) -> None:
    """Run the statements of a file of this package inside the transaction that is open (`executescript` would commit it)."""
    statement = ""
    for line in files("twin.store").joinpath(name).read_text("utf-8").splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            db.execute(statement)
            statement = ""


def _version(db: sqlite3.Connection) -> int:
    found = int(db.execute("SELECT value FROM park WHERE key = 'schema_version'").fetchone()[0])
    if not 1 <= found <= SCHEMA_VERSION:
        raise StoreError("park_version", subject=found, known=SCHEMA_VERSION)
    return found


def _to_2(db: sqlite3.Connection) -> None:
    """Groups, connections, photometries, assets, versions, styles; models know their source and terrains what they are of."""
    _make_way(db, "groups", "connections", "photometries", "assets", "versions", "archived_arrays", "archived_assets", "layer_styles")
    run_script(db, "schema_2.sql")
    for name, kind in db.execute("SELECT table_name, kind FROM park_layers").fetchall():
        shapes = db.execute(f"SELECT geom FROM {tables.quoted(name)} WHERE geom NOT NULL LIMIT {_SEEN}").fetchall()
        styles.put_style(db, name, kind, styles.main_dimension(blob.decode([row[0] for row in shapes])))


def _to_3(db: sqlite3.Connection) -> None:
    """Scenarios."""
    _make_way(db, "scenarios")
    run_script(db, "schema_3.sql")


def _to_4(db: sqlite3.Connection) -> None:
    """Meshes keep repeated shapes once (`twin.store.meshblob`), which older programs cannot read; those that are there stay as they are."""
    del db


def _make_way(db: sqlite3.Connection, *taken: str) -> None:
    """Give the tables of layers whose names a new schema takes for itself other names."""
    for name in taken:
        for (layer_table,) in db.execute("SELECT table_name FROM park_layers WHERE lower(table_name) = ?", (name,)).fetchall():
            tables.rename_features(db, layer_table, _free_name(db, f"{layer_table}_layer"))


def _free_name(db: sqlite3.Connection, wanted: str) -> str:
    used = {row[0].lower() for row in db.execute("SELECT name FROM sqlite_master")}
    candidates = (wanted if k == 1 else f"{wanted}_{k}" for k in range(1, len(used) + 2))
    return next(name for name in candidates if name.lower() not in used)


_STEPS: tuple[Step, ...] = (_to_2, _to_3, _to_4)
SCHEMA_VERSION = len(_STEPS) + 1
