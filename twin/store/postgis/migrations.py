"""From the schema of an older program to this one's, in a database: one step a version, all in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from twin.errors import StoreError
from twin.store.migrations import SCHEMA_VERSION
from twin.store.postgis import tables
from twin.store.postgis.connection import Connection, execute, fetch

Step = Callable[[Connection], None]


def _to_3(db: Connection) -> None:
    """Scenarios; a layer's table of that name makes way."""
    schema = fetch(db, "SELECT current_schema()")[0][0]
    for (name,) in fetch(db, "SELECT table_name FROM park_layers WHERE table_name = 'scenarios'"):
        free = tables.table_name(f"{name}_layer", tables.relations(db, schema))
        execute(db, f"ALTER TABLE {tables.quoted(name)} RENAME TO {tables.quoted(free)}")
        execute(db, "UPDATE park_layers SET table_name = %s WHERE table_name = %s", (free, name))
    execute(db, "CREATE TABLE scenarios (name text PRIMARY KEY, note text NOT NULL, at text NOT NULL, changes json NOT NULL)")


def _to_4(db: Connection) -> None:
    """Meshes keep repeated shapes once (`twin.store.meshblob`), which older programs cannot read; those that are there stay as they are."""
    del db


STEPS: Mapping[int, Step] = {2: _to_3, 3: _to_4}  # version -> what makes the next of it; the first that parks in databases ever had is 2


def migrate(db: Connection, lock: int) -> None:
    """Bring the park to the newest schema, unless it is there; `lock` is the writers'.

    Raises
    ------
    StoreError
        If the park is newer than the program.
    """
    if _version(db) == SCHEMA_VERSION:
        return
    with db.transaction():
        execute(db, "SELECT pg_advisory_xact_lock(%s)", (lock,))
        for version in range(_version(db), SCHEMA_VERSION):  # read again: another program may have been faster
            STEPS[version](db)
        execute(db, "UPDATE park SET value = %s WHERE key = 'schema_version'", (str(SCHEMA_VERSION),))


def _version(db: Connection) -> int:
    found = int(fetch(db, "SELECT value FROM park WHERE key = 'schema_version'")[0][0])
    if found > SCHEMA_VERSION or any(version not in STEPS for version in range(found, SCHEMA_VERSION)):
        raise StoreError("park_version", subject=found, known=SCHEMA_VERSION)
    return found
