"""Archives of tiles (PMTiles 3) as they are served: PARK/tiles/<name>.pmtiles, whole or by range, read from disk as they are sent.

The entity tag stands for the file that was opened: one that is replaced meanwhile is sent to its end as it was, and a range of it that is
asked for afterwards (If-Range) is answered with the whole of the new one.
"""

from __future__ import annotations

import gzip
import json
import os
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tiles.http.cache import Header
from tiles.http.negotiate import byte_range, matches
from tiles.http.problem import RangeRefused
from twin.errors import TileError

SUFFIX = ".pmtiles"
MEDIA_TYPE = b"application/vnd.pmtiles"
BLOCK = 256 * 1024  # bytes read at a time
_HEAD = struct.Struct("<7sB QQQQ")  # magic, version, root directory and metadata: offset and length of each
_INTERNAL_COMPRESSION = 97  # byte
_METADATA_LIMIT = 16 * 2**20  # bytes


@dataclass(frozen=True)
class Part:
    """What is sent of an open file: its status and headers, where it begins and how long it is. [bytes]"""

    status: int
    headers: tuple[Header, ...]
    begin: int = 0
    length: int = 0


def archive_at(folder: Path, file: str, path: str) -> Path:
    """The archive with that file name; raises TileError. Only names that are in the folder are taken, so none leads out of it."""
    try:
        names = {entry.name for entry in os.scandir(folder) if entry.name.endswith(SUFFIX) and entry.is_file()}
    except FileNotFoundError:
        names = set()
    if file not in names:
        raise TileError("tile_missing", subject=path)
    return folder / file


def part_of(file: BinaryIO, headers: Mapping[bytes, bytes], cache_control: bytes, vary: bytes) -> Part:
    """What of an open file answers a GET (RFC 9110, 13.2.2 and 14).

    Raises
    ------
    RangeRefused
        If the range asked for begins past the end.
    """
    about = os.fstat(file.fileno())
    etag = f'"{about.st_ino:x}-{about.st_mtime_ns:x}-{about.st_size:x}"'.encode()
    kept: tuple[Header, ...] = ((b"etag", etag), (b"cache-control", cache_control), *(((b"vary", vary),) if vary else ()))
    if (asked := headers.get(b"if-none-match")) is not None and matches(asked, etag):
        return Part(304, kept)
    chosen = byte_range(headers, about.st_size, etag)
    kept = (*kept, (b"content-type", MEDIA_TYPE), (b"accept-ranges", b"bytes"))
    if chosen is None:
        return Part(200, (*kept, (b"content-length", str(about.st_size).encode())), 0, about.st_size)
    first, end = chosen
    if first >= end:
        raise RangeRefused("tile_range", subject=headers[b"range"].decode("latin-1"), size=about.st_size)
    told = ((b"content-length", str(end - first).encode()), (b"content-range", f"bytes {first}-{end - 1}/{about.st_size}".encode()))
    return Part(206, (*kept, *told), first, end - first)


def layers_in(path: Path) -> list[str] | None:
    """The layers an archive says it holds; None where it does not say (PMTiles 3, sections 3.1 and 5)."""
    try:
        with path.open("rb") as file:
            head = file.read(127)
            magic, version, _, _, offset, length = _HEAD.unpack_from(head)
            if magic != b"PMTiles" or version != 3 or length > _METADATA_LIMIT:
                return None
            file.seek(offset)
            metadata: Any = json.loads(_opened(file.read(length), head[_INTERNAL_COMPRESSION]))
        return [str(layer["id"]) for layer in metadata["vector_layers"]]
    except (OSError, EOFError, zlib.error, struct.error, ValueError, KeyError, IndexError, TypeError):
        return None


def _opened(content: bytes, compression: int) -> bytes:
    return gzip.decompress(content) if compression == 2 else content
