"""PMTiles 3: many tiles in one file that a map reads by range requests, written in order and read back.

The file is what the specification calls clustered: tiles along the Hilbert curve, zoom by zoom, each different content once. Sections are
those of the specification: 3 header, 4 directories, 4.3 their encoding, 5 metadata. Identical input gives identical bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from tiles.mvt.hilbert import along_curve
from tiles.mvt.properties import varint

Ints = NDArray[np.int64]

HEADER_BYTES, FIRST_BYTES = 127, 16_384  # of the header; within which the root directory ends, so that one request has both
LEAF = 4096  # entries of a directory below the root, or more where the root would become too large
_GZIP, _MVT = 2, 1  # of the tables of sections 3.2 and 3.3
_HEADER = struct.Struct("<7sB 8Q 3Q 6B 4i B 2i")
_EVEN = 10_000_000  # positions are numbers of 1e-7 deg


@dataclass(frozen=True)
class Entry:
    """Tiles `first`, `first` + 1, ... that all hold the bytes at an offset; `run` 0: a directory is there instead (section 4.1)."""

    first: int
    offset: int
    length: int
    run: int


def tile_numbers(z: int, x: Ints, y: Ints) -> Ints:
    """The number (n,) of each tile of a zoom in an archive: tiles of lower zooms come before, those of one along the curve."""
    return along_curve(x, y, z) + ((1 << 2 * z) - 1) // 3


def write_archive(
    out: BinaryIO, tiles: Iterable[tuple[int, bytes]], bounds: tuple[float, float, float, float], metadata: Mapping[str, Any]
) -> int:
    """Write vector tiles, given by number in rising order, as one archive; how many tiles it holds.

    `bounds` are west, south, east, north [deg]; `metadata` is the JSON of section 5. There must be a tile.
    """
    entries = list[Entry]()
    places: dict[bytes, tuple[int, int]] = {}
    with TemporaryFile() as data:
        for number, content in tiles:
            key = hashlib.blake2b(content, digest_size=16).digest()
            if key not in places:
                packed = gzip.compress(content, mtime=0)
                places[key] = (data.tell(), len(packed))
                data.write(packed)
            _enter(entries, number, *places[key])
        root, leaves = _directories(entries)
        about = gzip.compress(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode(), mtime=0)
        out.write(_header(entries, (root, about, leaves), data.tell(), len(places), bounds))
        out.writelines((root, about, leaves))
        data.seek(0)
        copyfileobj(data, out)
    return sum(entry.run for entry in entries)


def _enter(entries: list[Entry], number: int, offset: int, length: int) -> None:
    """Add a tile: a new entry, or one more in a run of equal ones."""
    last = entries[-1] if entries else None
    if last is not None and last.offset == offset and last.first + last.run == number:
        entries[-1] = Entry(last.first, offset, length, last.run + 1)
    else:
        entries.append(Entry(number, offset, length, 1))


def _directories(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """The root directory and those below it, none where the root holds all."""
    root, leaves, size = directory(entries), b"", LEAF
    while len(root) > FIRST_BYTES - HEADER_BYTES:
        parts = [entries[k : k + size] for k in range(0, len(entries), size)]
        packed = [directory(part) for part in parts]
        starts = np.cumsum([0, *map(len, packed)]).tolist()
        root = directory([Entry(part[0].first, at, len(leaf), 0) for part, at, leaf in zip(parts, starts, packed, strict=False)])
        leaves, size = b"".join(packed), 2 * size
    return root, leaves


def directory(entries: Sequence[Entry]) -> bytes:
    """Entries in rising order as a directory: column by column, numbers as differences, offsets that follow on as 0; gzip."""
    before = [0, *(entry.first for entry in entries)]
    columns = [varint(len(entries))]
    columns += [varint(entry.first - last) for entry, last in zip(entries, before, strict=False)]
    columns += [varint(entry.run) for entry in entries]
    columns += [varint(entry.length) for entry in entries]
    end = -1
    for entry in entries:
        columns.append(varint(0 if entry.offset == end else entry.offset + 1))
        end = entry.offset + entry.length
    return gzip.compress(b"".join(columns), mtime=0)


def _header(
    entries: Sequence[Entry], parts: tuple[bytes, bytes, bytes], data: int, contents: int, bounds: tuple[float, float, float, float]
) -> bytes:
    root, metadata, leaves = map(len, parts)
    starts = np.cumsum([HEADER_BYTES, root, metadata, leaves]).tolist()
    sections = [number for pair in zip(starts, (root, metadata, leaves, data), strict=True) for number in pair]
    counts = (sum(entry.run for entry in entries), len(entries), contents)
    zooms = _zoom(entries[0].first), _zoom(entries[-1].first + entries[-1].run - 1)
    west, south, east, north = (round(value * _EVEN) for value in bounds)
    centre = ((west + east) // 2, (south + north) // 2)
    whole = max(east - west, north - south, 1) / (360 * _EVEN)  # of the world
    first_view = min(zooms[1], max(zooms[0], int(-np.log2(whole))))
    kinds = (1, _GZIP, _GZIP, _MVT, *zooms)  # clustered; compression of directories and of tiles
    return _HEADER.pack(b"PMTiles", 3, *sections, *counts, *kinds, west, south, east, north, first_view, *centre)


def _zoom(number: int) -> int:
    """The zoom of a tile of that number."""
    return ((3 * number + 1).bit_length() - 1) // 2


class Archive:
    """An archive of vector tiles to read: those that `write_archive` and tippecanoe make (gzip throughout)."""

    def __init__(self, path: Path) -> None:
        self._content = path.read_bytes()
        fields = _HEADER.unpack_from(self._content)
        self._root, self._metadata, self._leaves, self._data = zip(fields[2:10:2], fields[3:10:2], strict=True)
        self.min_zoom, self.max_zoom = fields[17], fields[18]
        self._entries = {entry.first: entry for entry in self._below(*self._root)}
        self._firsts = np.array(sorted(self._entries), np.int64)

    @property
    def metadata(self) -> dict[str, Any]:
        """The JSON of section 5."""
        at, size = self._metadata
        return json.loads(gzip.decompress(self._content[at : at + size]))

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """A tile's bytes, not compressed; None where there is none."""
        number = int(tile_numbers(z, np.array([x]), np.array([y]))[0])
        k = int(np.searchsorted(self._firsts, number, side="right")) - 1
        entry = self._entries[int(self._firsts[k])] if k >= 0 else None
        if entry is None or number >= entry.first + entry.run:
            return None
        at = self._data[0] + entry.offset
        return gzip.decompress(self._content[at : at + entry.length])

    def _below(self, at: int, size: int) -> Iterable[Entry]:
        """The entries of a directory, those of directories it names in their place."""
        for entry in _entries(gzip.decompress(self._content[at : at + size])):
            if entry.run:
                yield entry
            else:
                yield from self._below(self._leaves[0] + entry.offset, entry.length)


def _entries(content: bytes) -> list[Entry]:
    """What `directory` encoded."""
    numbers, value, shift = list[int](), 0, 0
    for byte in content:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            numbers.append(value)
            value = shift = 0
    n = numbers[0]
    firsts = np.cumsum(numbers[1 : n + 1]).tolist()
    runs, lengths, offsets = numbers[n + 1 : 2 * n + 1], numbers[2 * n + 1 : 3 * n + 1], numbers[3 * n + 1 :]
    entries = list[Entry]()
    for first, run, length, offset in zip(firsts, runs, lengths, offsets, strict=True):
        follows = entries[-1].offset + entries[-1].length if entries else 0
        entries.append(Entry(first, follows if offset == 0 else offset - 1, length, run))
    return entries
