"""Quantized-mesh 1.0: one tile of terrain as triangles, decoded from its bytes.

header 88 bytes │ vertices: count, u, v, height as zig-zag differences │ triangles: count, steps from a high-water mark │ edges │ extensions

Counts and indices are checked before they are believed. Source: CesiumGS, quantized-mesh specification 1.0.
"""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.errors import UnreadableSource

SCALE = 32767  # u, v and height run from 0 to this over the tile
HEADER_BYTES = 88
MOST_BYTES = 256_000_000  # of a tile unpacked
_EARTH_M = (6_300_000.0, 6_450_000.0)  # distance of a point of the surface from the centre of the Earth, mountains and trenches included
_FARTHEST_M = 1e12  # no number of a header is greater; horizon points come near where a tile spans half the world
_HEIGHT_M = (-12_000.0, 10_000.0)
_EXTENSIONS = {1: "oct normals", 2: "water mask", 4: "metadata"}
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class TileHeader:
    """Where a tile lies and how high, by its own word."""

    centre: NDArray[np.float64]  # (3,) [m, ecef]
    low_m: float
    high_m: float
    sphere: NDArray[np.float64]  # (3,) [m, ecef], around all of it
    radius_m: float


@dataclass(frozen=True)
class MeshTile:
    """The triangles of a tile: u from west and v from south in 0 to 1, heights above the ellipsoid."""

    header: TileHeader
    uv: NDArray[np.float64]  # (v, 2)
    heights: NDArray[np.float64]  # (v,) [m, ellipsoidal]
    triangles: NDArray[np.int64]  # (t, 3)
    extensions: tuple[str, ...]


def read_tile(path: Path, subject: object) -> MeshTile:
    """The tile in a file, packed by gzip or not.

    Raises
    ------
    UnreadableSource
        If it is damaged, or larger than a tile can be.
    """
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableSource("qmesh_large", subject=subject, megabytes=MOST_BYTES // 1_000_000)
    return decode(unpacked(path.read_bytes(), subject), subject)


def unpacked(data: bytes, subject: object) -> bytes:
    """The tile's bytes, out of gzip where it is packed.

    Raises
    ------
    UnreadableSource
        If it is damaged or swells beyond what a tile can be.
    """
    if not data.startswith(_GZIP):
        return data
    try:
        worker = zlib.decompressobj(wbits=31)
        out = worker.decompress(data, MOST_BYTES)
    except zlib.error as error:
        raise UnreadableSource("qmesh_cut", subject=subject, part="gzip") from error
    if worker.unconsumed_tail:
        raise UnreadableSource("qmesh_large", subject=subject, megabytes=MOST_BYTES // 1_000_000)
    return out


def header_of(data: bytes) -> TileHeader | None:
    """The header, if these bytes begin with one: a centre on the Earth's surface, heights and a sphere that fit it."""
    if len(data) < HEADER_BYTES + 4:
        return None
    numbers = struct.unpack_from("<3d2f4d3d", data)
    header = TileHeader(np.array(numbers[:3]), numbers[3], numbers[4], np.array(numbers[5:8]), numbers[8])
    if not np.isfinite(numbers).all() or np.abs(numbers).max() > _FARTHEST_M:
        return None
    distance = np.linalg.norm(header.centre)
    heights_fit = _HEIGHT_M[0] <= header.low_m <= header.high_m <= _HEIGHT_M[1]
    on_earth = _EARTH_M[0] <= distance <= _EARTH_M[1] or header.radius_m > 1e6
    return header if heights_fit and on_earth and 0 < header.radius_m < 1e7 else None


def decode(data: bytes, subject: object) -> MeshTile:
    """The tile in these bytes.

    Raises
    ------
    UnreadableSource
        If it is cut off, its counts cannot be, or a triangle names a corner that is not there.
    """
    header = header_of(data)
    if header is None:
        raise UnreadableSource("qmesh_header", subject=subject)
    reader = _Reader(data, HEADER_BYTES, subject)
    count = reader.count("vertices", 6)
    quantized = np.cumsum(_zigzag(reader.array("vertices", "<u2", 3 * count)).reshape(3, count), axis=1)  # (3, v)
    if count < 3 or quantized.min(initial=0) < 0 or quantized.max(initial=0) > SCALE:
        raise UnreadableSource("qmesh_damaged", subject=subject, part="vertices")
    width = 4 if count > 65_536 else 2
    reader.align(width)
    triangles = _marked(reader.array("triangles", f"<u{width}", 3 * reader.count("triangles", 3 * width)))
    _check_indices(triangles, count, subject)
    for edge in ("west", "south", "east", "north"):
        _check_indices(reader.array(edge, f"<u{width}", reader.count(edge, width)).astype(np.int64), count, subject)
    u, v, h = quantized / SCALE
    heights = header.low_m + h * (header.high_m - header.low_m)
    return MeshTile(header, np.column_stack([u, v]), heights, triangles.reshape(-1, 3), tuple(_extensions(reader)))


@dataclass
class _Reader:
    """A place in the bytes; what is asked for beyond their end is told as a tile cut off."""

    data: bytes
    at: int
    subject: object

    def count(self, part: str, size: int) -> int:
        """A number of things of `size` bytes each, if so many can follow."""
        number = int(self.array(part, "<u4", 1)[0])
        if number * size > len(self.data) - self.at:
            raise UnreadableSource("qmesh_cut", subject=self.subject, part=part)
        return number

    def array(self, part: str, form: str, length: int) -> NDArray[Any]:
        """The next numbers."""
        size = np.dtype(form).itemsize * length
        if size > len(self.data) - self.at:
            raise UnreadableSource("qmesh_cut", subject=self.subject, part=part)
        out = np.frombuffer(self.data, form, length, self.at)
        self.at += size
        return out

    def align(self, width: int) -> None:
        """Go on at a multiple of `width` bytes."""
        self.at += -self.at % width


def _zigzag(coded: NDArray[np.uint16]) -> NDArray[np.int64]:
    """Differences with their sign in the lowest bit."""
    wide = coded.astype(np.int64)
    return (wide >> 1) ^ -(wide & 1)


def _marked(codes: NDArray[Any]) -> NDArray[np.int64]:
    """Indices from codes: each counts back from the highest so far, which a code of 0 raises by one."""
    wide = codes.astype(np.int64)
    is_new = wide == 0
    highest = np.cumsum(is_new) - is_new  # the mark before each code
    return highest - wide


def _check_indices(indices: NDArray[np.int64], count: int, subject: object) -> None:
    if len(indices) and (indices.min() < 0 or indices.max() >= count):
        raise UnreadableSource("qmesh_index", subject=subject, index=int(indices.max()), count=count)


def _extensions(reader: _Reader) -> list[str]:
    """The names of what follows the edges; each is stepped over by its length, for all of it is for drawing."""
    names: list[str] = []
    while len(reader.data) - reader.at >= 5:
        number, length = struct.unpack_from("<BI", reader.data, reader.at)
        reader.at += 5
        raw = bytes(reader.array(_EXTENSIONS.get(number, str(number)), "<u1", length))
        if number == 4:
            _check_metadata(raw, reader.subject)
        names.append(_EXTENSIONS.get(number, str(number)))
    return names


def _check_metadata(raw: bytes, subject: object) -> None:
    try:
        json.loads(raw[4:].decode("utf-8").rstrip("\0 "))
    except ValueError as error:
        raise UnreadableSource("qmesh_damaged", subject=subject, part="metadata") from error
