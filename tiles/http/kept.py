"""Tiles kept on disk, so that the server's processes share what one of them has encoded.

    PARK/cache/tiles/<content of the layer>/<z>-<x>-<y>.<coding>     the hash of what follows (16 bytes), then the tile
    PARK/cache/tiles/locks/<k>                                       held while a tile is being encoded

A file is written under another name and then renamed, and its hash is looked at when it is read: half a file, or one that was changed, is
none. The cache is disposable: where it cannot be read or written, tiles are encoded anew and it is said once, until it works again.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from twin.errors import UsageError
from twin.files import write_atomically
from twin.i18n import message, preferred_language

CAP = 512 * 2**20  # bytes on disk
_HASH = 16  # bytes
_LOCKS = "locks"
_LOCKED_APART = 64  # locks; tiles with the same one wait for each other
_PATIENCE_S = 5.0  # how long another process may take before its tile is encoded here too
_LOOK_AGAIN_S = 0.002
_LEFT_OVER_S = 600.0  # a file still under its other name after this is of a process that died

log = logging.getLogger("parktwin.tiles")


class KeptTiles:
    """The tiles kept in one folder, up to `cap` bytes; the least recently read go first."""

    def __init__(self, folder: Path, cap: int = CAP) -> None:
        self._folder = folder
        self._cap = cap
        self._written = cap  # bytes since the folder was last measured; as much as it takes, at first
        self._is_told = False

    def get(self, content: str, name: str) -> bytes | None:
        """The tile kept under the name; None where there is none, or not whole."""
        path = self._folder / content / name
        try:
            kept = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell(error)
            return None
        tile = kept[_HASH:]
        if _digest(tile) != kept[:_HASH]:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        with suppress(OSError):
            os.utime(path)
        return tile

    def put(self, content: str, name: str, tile: bytes) -> None:
        """Keep a tile, if the disk will take it."""
        path = self._folder / content / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _digest(tile) + tile)
        except (OSError, UsageError) as error:
            self._tell(error)
            return
        self._is_told = False
        self._written += _HASH + len(tile)
        if self._written > self._cap // 8:
            self._written = 0
            self._make_room()

    def drop(self, content: str) -> None:
        """Let go of what was made of a layer as it is no more."""
        shutil.rmtree(self._folder / content, ignore_errors=True)

    @contextmanager
    def alone(self, content: str, name: str) -> Generator[None]:
        """Keep other processes that would encode the same tile waiting, for a while; without a lock all go on."""
        lock = self._lock(content, name)
        try:
            yield
        finally:
            if lock is not None:
                lock.close()  # and so gives it back, as its death would

    def _lock(self, content: str, name: str) -> BinaryIO | None:
        number = int.from_bytes(_digest(f"{content}/{name}".encode())[:2]) % _LOCKED_APART
        path = self._folder / _LOCKS / f"{number:02d}"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError:
            return None
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                time.sleep(_LOOK_AGAIN_S)
            else:
                return file
        file.close()
        return None

    def _make_room(self) -> None:
        """Remove what was read longest ago until four fifths of the room are taken, and what dead processes left half-written."""
        found: list[tuple[float, int, Path]] = []
        now = time.time()
        for path in self._folder.glob("*/*"):
            with suppress(OSError):  # another process has removed it
                about = path.stat()
                if path.name.startswith("."):
                    if now - about.st_mtime > _LEFT_OVER_S:
                        path.unlink()
                elif path.parent.name != _LOCKS:
                    found.append((about.st_mtime, about.st_size, path))
        used = sum(size for _, size, _ in found)
        if used <= self._cap:
            return
        for _, size, path in sorted(found, key=lambda file: (file[0], str(file[2]))):
            if used <= self._cap * 4 // 5:
                break
            with suppress(OSError):
                path.unlink(missing_ok=True)
            used -= size

    def _tell(self, error: OSError | UsageError) -> None:
        """Say once that tiles are not kept, until it works again."""
        if not self._is_told:
            self._is_told = True
            reason = (error.strerror or type(error).__name__) if isinstance(error, OSError) else error.text(preferred_language())
            log.warning(message("tiles_cache_unusable", preferred_language(), subject=self._folder, reason=reason))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_HASH).digest()
