"""Tile files on disk: named by their content, whole or absent, with their compressed forms beside them."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from twin.errors import TileError
from twin.files import write_atomically

GZIP_LEVEL = 6
BROTLI_QUALITY = 5  # on tiles quality 11 saves a fifth more and takes two hundred times as long
ENCODINGS = {"br": ".br", "gzip": ".gz"}  # content coding -> suffix, best first
HAS_BROTLI = find_spec("brotli") is not None


def folder_name(building_id: str) -> str:
    """The folder of a building's tileset: ids may hold any character and be of any length, folder names may not."""
    return "b" + hashlib.sha256(building_id.encode()).hexdigest()[:20]


def write_content(folder: Path, suffix: str, content: bytes) -> str:
    """Write a file that never changes and return its name, which is made of its content's hash."""
    name = hashlib.blake2b(content, digest_size=16).hexdigest() + suffix
    if not all((folder / other).is_file() for other in (name, *compressed_names(name))):
        write_with_compressed(folder / name, content)
    return name


def write_with_compressed(path: Path, content: bytes) -> None:
    """Write a file and its compressed forms, these first: whoever finds the file finds them."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for coding in available_encodings():
            write_atomically(path.with_name(path.name + ENCODINGS[coding]), compressed(content, coding))
        write_atomically(path, content)
    except OSError as error:
        raise TileError("tiles_not_writable", subject=path.parent, reason=error.strerror or type(error).__name__) from error


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
