"""Files that a park keeps as they came, in the database and, once asked for, in the park's folder on this machine.

A file is kept before the transaction that refers to it. Until then nothing does, so whoever keeps holds a shared lock, and whoever sweeps
needs the exclusive one: a sweep never takes a file from an import under way.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from twin.errors import NotFound, StoreError
from twin.model import Issue
from twin.store.postgis.address import Address
from twin.store.postgis.connection import Connection, Pool, connect, execute, fetch

PIECE = 4 << 20  # bytes of a file in one row: what client and server hold of it at a time


class Assets:
    """The assets of one park."""

    def __init__(self, pool: Pool, address: Address) -> None:
        self._pool = pool
        self._address = address
        self._folder = address.folder / "assets"
        self._local = threading.local()
        self._leases: list[Connection] = []

    def path(self, sha256: str) -> Path:
        """A file of that content on this machine; raises NotFound."""
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise NotFound("asset_missing", subject=sha256)
        place = self._folder / sha256[:2] / sha256
        if not place.is_file():
            self._fetch(sha256, place)
        return place

    def keep(self, file: Path) -> str:
        """Put the bytes of `file` into the database unless they are there; their SHA-256. Nothing is swept until `release`."""
        self._lease()
        with file.open("rb") as stream, self._pool.borrow() as db:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            if fetch(db, "SELECT 1 FROM asset_pieces WHERE sha256 = %s AND piece = 0", (sha256,)):
                return sha256
            stream.seek(0)
            with db.transaction():
                execute(db, "INSERT INTO asset_pieces VALUES (%s, 0, %b) ON CONFLICT DO NOTHING", (sha256, stream.read(PIECE)))
                for number, piece in enumerate(iter(lambda: stream.read(PIECE), b""), 1):
                    execute(db, "INSERT INTO asset_pieces VALUES (%s, %s, %b) ON CONFLICT DO NOTHING", (sha256, number, piece))
        return sha256

    def release(self) -> None:
        """Let go of what this thread has kept: from now on a sweep may take what nothing refers to."""
        lease: Connection | None = getattr(self._local, "lease", None)
        if lease is not None:
            del self._local.lease
            self._leases.remove(lease)
            with suppress(psycopg.Error), lease:  # where the server is gone, so is the lock
                execute(lease, "SELECT pg_advisory_unlock_shared(%s)", (self._key,))

    def close(self) -> None:
        """Let go of what any thread has kept, once nobody uses the park any more."""
        while self._leases:
            self._leases.pop().close()

    def sweep(self, needed: Callable[[Connection], set[str]]) -> int:
        """Remove every file that is not among `needed`, asked once no import can be under way; how many went."""
        self.release()
        with self._pool.borrow() as db, _alone(db, self._key) as is_alone:
            if not is_alone:
                return 0
            kept = needed(db)
            gone = fetch(db, "SELECT sha256 FROM asset_pieces WHERE piece = 0 AND sha256 <> ALL(%s)", (list(kept),))
            execute(db, "DELETE FROM asset_pieces WHERE sha256 = ANY(%s)", ([row[0] for row in gone],))
        for file in self._folder.glob("??/*"):
            if file.name not in kept:
                file.unlink(missing_ok=True)
        return len(gone)

    @property
    def _key(self) -> int:
        return self._address.lock("assets")

    def _lease(self) -> None:
        if getattr(self._local, "lease", None) is None:
            lease = connect(self._address)
            execute(lease, "SELECT pg_advisory_lock_shared(%s)", (self._key,))
            self._local.lease = lease
            self._leases.append(lease)

    def _fetch(self, sha256: str, place: Path) -> None:
        """Write the file beside its place and move it there, whole and of the right content."""
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=self._folder, prefix=".new-")
        try:
            digest = hashlib.sha256()
            with os.fdopen(handle, "wb") as out, self._pool.borrow() as db:
                number = 0
                while found := fetch(db, "SELECT bytes FROM asset_pieces WHERE sha256 = %s AND piece = %s", (sha256, number)):
                    digest.update(found[0][0])
                    out.write(found[0][0])
                    number += 1
            if not number:
                raise NotFound("asset_missing", subject=sha256)
            if digest.hexdigest() != sha256:
                raise StoreError("park_unreadable", subject=self._address.shown)
            Path(fresh).replace(place)
        finally:
            Path(fresh).unlink(missing_ok=True)


def faults(db: Connection) -> Iterator[Issue]:
    """An issue for each file that an asset refers to and whose bytes are not all there."""
    query = """SELECT a.name, a.size FROM assets AS a LEFT JOIN
        (SELECT sha256, sum(length(bytes)) AS there FROM asset_pieces GROUP BY sha256) AS p USING (sha256)
        WHERE p.there IS DISTINCT FROM a.size ORDER BY a.fid"""
    for name, size in fetch(db, query):
        yield Issue("store_file_lost", "error", name, {"size": size})


@contextmanager
def _alone(db: Connection, key: int) -> Generator[bool]:
    """Whether nobody else holds the lock, which is held until the end if so."""
    is_alone = bool(fetch(db, "SELECT pg_try_advisory_lock(%s)", (key,))[0][0])
    try:
        yield is_alone
    finally:
        if is_alone:
            execute(db, "SELECT pg_advisory_unlock(%s)", (key,))
