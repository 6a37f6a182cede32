"""Connections to a park's GeoPackage, and what SQLite's failures mean to a person."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from twin.errors import Conflict, StoreError
from twin.store import tables

LOCK_WAIT_S = 30.0  # how long a writer waits for another
_CODES = {
    sqlite3.SQLITE_BUSY: "park_locked",
    sqlite3.SQLITE_LOCKED: "park_locked",
    sqlite3.SQLITE_READONLY: "park_read_only",
    sqlite3.SQLITE_PERM: "park_read_only",
    sqlite3.SQLITE_CANTOPEN: "park_read_only",
    sqlite3.SQLITE_FULL: "disk_full",
    sqlite3.SQLITE_IOERR: "park_not_written",
    sqlite3.SQLITE_CORRUPT: "park_unreadable",
    sqlite3.SQLITE_NOTADB: "park_unreadable",
}


def connect(file: Path) -> sqlite3.Connection:
    """A connection in autocommit mode with the functions the index triggers need; for reading only where nothing can be written.

    Raises
    ------
    sqlite3.Error
        If the file is no database or cannot be opened.
    """
    if is_writable(file):
        db = sqlite3.connect(file, isolation_level=None, timeout=LOCK_WAIT_S, check_same_thread=False)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
    else:
        # without its -shm file a database in WAL mode opens read-only only if nobody can be writing to it
        frozen = "" if file.with_name(f"{file.name}-shm").exists() else "&immutable=1"
        db = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro{frozen}", uri=True, isolation_level=None, check_same_thread=False)
    tables.register_functions(db)
    db.execute("PRAGMA foreign_keys = OFF")
    return db


def is_writable(file: Path) -> bool:
    """Whether the database and the files SQLite makes beside it can be written."""
    return os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)


def not_written(error: OSError, place: Path) -> StoreError:
    """What an error of the system says about writing to `place`."""
    codes = {errno.ENOSPC: "disk_full", errno.EDQUOT: "disk_full"} | dict.fromkeys(
        (errno.EROFS, errno.EACCES, errno.EPERM), "park_read_only"
    )
    return StoreError(codes.get(error.errno or 0, "park_not_written"), subject=place, reason=error.strerror or error)


def failure(error: sqlite3.Error, park: Path, otherwise: str = "park_not_written") -> StoreError:
    """What an error of SQLite says about a park, in words a person can act on; `otherwise` is the code of what SQLite says no more of."""
    code = _CODES.get((getattr(error, "sqlite_errorcode", None) or 0) & 0xFF, otherwise)
    kind = Conflict if code == "park_locked" else StoreError
    return kind(code, subject=park, reason=error)
