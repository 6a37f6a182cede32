"""Files that a park keeps as they came, named by their content: `assets/<first two hex digits>/<sha256>`.

A file is copied in before the transaction that refers to it. Until then nothing does, so whoever copies holds a shared lock on the
folder, and whoever sweeps needs the exclusive one: a sweep never takes a file from an import under way.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
from collections.abc import Callable, Container
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from twin.errors import NotFound
from twin.store.connection import not_written

_CHUNK = 1 << 20
_FRESH = ".new-"  # what a copy is called until it is whole


class Assets:
    """The assets' folder of one park."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._local = threading.local()

    def path(self, sha256: str) -> Path:
        """The file of that content; raises NotFound."""
        path = self._place(sha256)
        if not path.is_file():
            raise NotFound("asset_missing", subject=sha256)
        return path

    def keep(self, file: Path) -> str:
        """Copy `file` in unless its content is here; its SHA-256. Nothing is swept until this thread calls `release` or `sweep`."""
        with file.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            stream.seek(0)
            try:
                self._lease()
                return sha256 if self._place(sha256).is_file() else self._copy(stream)
            except OSError as error:
                raise not_written(error, self._folder.parent) from error

    def release(self) -> None:
        """Let go of what this thread has kept: from now on a sweep may take what nothing refers to."""
        lock: int | None = getattr(self._local, "lock", None)
        if lock is not None:
            os.close(lock)
            del self._local.lock

    def sweep(self, needed: Callable[[], Container[str]]) -> int:
        """Remove every file that is not among `needed`, asked once no import can be under way; how many went.

        Nothing goes while another import holds files that nothing refers to yet.
        """
        self.release()
        if not os.access(self._folder, os.W_OK):  # nothing is kept, or nothing can be removed
            return 0
        lock = self._open_lock()
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return self._remove_all_but(needed())
        except BlockingIOError:
            return 0
        finally:
            os.close(lock)

    def _place(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise NotFound("asset_missing", subject=sha256)
        return self._folder / sha256[:2] / sha256

    def _lease(self) -> None:
        if getattr(self._local, "lock", None) is None:
            lock = self._open_lock()
            fcntl.flock(lock, fcntl.LOCK_SH)
            self._local.lock = lock

    def _open_lock(self) -> int:
        """The park's folder, to be locked: a lock of its own would be a file that stays."""
        return os.open(self._folder.parent, os.O_RDONLY | os.O_CLOEXEC)

    def _copy(self, stream: BinaryIO) -> str:
        fresh = self._folder / f"{_FRESH}{os.getpid()}-{threading.get_ident()}"
        self._folder.mkdir(exist_ok=True)
        try:
            sha256 = _written(stream, fresh)
            place = self._place(sha256)
            place.parent.mkdir(exist_ok=True)
            fresh.replace(place)
        finally:
            fresh.unlink(missing_ok=True)
        _flush(place.parent)
        return sha256

    def _remove_all_but(self, needed: Container[str]) -> int:
        unneeded = [file for file in self._folder.glob("*/*") if file.name not in needed] + list(self._folder.glob(f"{_FRESH}*"))
        for file in unneeded:
            file.unlink(missing_ok=True)
        for folder in [*self._folder.glob("??"), self._folder]:
            with suppress(OSError):  # not empty
                folder.rmdir()
        return len(unneeded)


def _written(stream: BinaryIO, path: Path) -> str:
    """The SHA-256 of what was copied from `stream` to `path` and has reached the disk."""
    digest = hashlib.sha256()
    with path.open("wb") as out:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return digest.hexdigest()


def _flush(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
