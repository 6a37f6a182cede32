"""Tile files on disk: named by their content, whole or absent, with their compressed forms beside them."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from twin.errors import TileError, UsageError
from twin.files import write_atomically

GZIP_LEVEL = 6
BROTLI_QUALITY = 5  # on tiles quality 11 saves a fifth more and takes two hundred times as long
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # content coding -> suffix, best first
HAS_BROTLI = find_spec("brotli") is not None


def folder_name(building_id: str) -> str:
    """The folder of a building's tileset: ids may hold any character and be of any length, folder names may not."""
    return "b" + hashlib.sha256(building_id.encode()).hexdigest()[:20]


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    TileError
        If the disk will not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
    except (OSError, UsageError) as error:
        why = error.__cause__ if isinstance(error, UsageError) else error
        reason = why.strerror if isinstance(why, OSError) else None
        raise TileError("tiles_not_writable", subject=path.parent, reason=reason or type(error).__name__) from error


def pack(path: Path) -> None:
    """Write the compressed forms of a file that never changes, those that are not there."""
    if all((path.parent / name).is_file() for name in compressed_names(path.name)):
        return
    content = path.read_bytes()
    for coding in available_encodings():
        write_file(path.with_name(path.name + ENCODINGS[coding]), compressed(content, coding))


def write_with_compressed(path: Path, content: bytes) -> None:
    """Write a file and its compressed forms, these first: whoever finds the file finds them."""
    for coding in available_encodings():
        write_file(path.with_name(path.name + ENCODINGS[coding]), compressed(content, coding))
    write_file(path, content)


def available_encodings() -> Iterable[str]:
    """Content codings this installation can make, best first."""
    return [coding for coding in ENCODINGS if coding != "br" or HAS_BROTLI]


def compressed_names(name: str) -> list[str]:
    """The names of a file's compressed forms."""
    return [name + ENCODINGS[coding] for coding in available_encodings()]


def compressed(content: bytes, coding: str) -> bytes:
    """`content` in a content coding, `br` or `gzip`; the same bytes each time."""
    if coding == "gzip":
        return gzip.compress(content, GZIP_LEVEL, mtime=0)
    import brotli  # noqa: PLC0415  comes with the extra `web`

    return brotli.compress(content, quality=BROTLI_QUALITY)


def unpacked(content: bytes, coding: str) -> bytes | None:
    """What was packed in a content coding; None where it is cut short or damaged, or this installation cannot unpack it."""
    if coding == "gzip":
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return None
    if not HAS_BROTLI:
        return None
    import brotli  # noqa: PLC0415

    try:
        return brotli.decompress(content)
    except brotli.error:
        return None
