"""LAS and LAZ files read by parts: what the header says, and points in the file's own coordinates, near the park only.

A cloud-optimised file (COPC) that holds more than can be looked at is read to the level of detail that fits; of others every point is
read. Layout and meaning of the header: LAS 1.4 R15 (ASPRS 2019), COPC 1.0.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

import laspy
import numpy as np
from laspy.copc import Bounds, CopcReader, load_octree_for_query
from laspy.errors import LaspyException
from lazrs import LazrsError  # pyright: ignore[reportAttributeAccessIssue]  a compiled module that says no types
from numpy.typing import NDArray

from importers.contract import Progress
from importers.geokeys import wkt_of_keys
from twin.errors import UnreadableSource

CHUNK = 2_000_000  # points held at a time
MOST_POINTS = 200_000_000  # of a cloud-optimised file, so many are looked at
_FIRST = 1000  # points that are held against the header
_HEAD_BYTES = 375  # of LAS 1.4
_LEAST_WIDTH = 20  # bytes of a point of format 0
_MOST_PER_BYTE = 100  # points in a byte: LAZ makes one of some bits, of equal ones less
_LEAST_SCALE, _GREATEST_SCALE = 1e-9, 1e3  # of a coordinate's unit
_GPS_EPOCH = dt.datetime(1980, 1, 6, tzinfo=dt.UTC)
_ADJUSTED_S = 1e9  # what standard GPS time leaves out (LAS 1.4 R15, table 3)
_KEYS, _DOUBLES, _WORDS, _WKT = 34735, 34736, 34737, 2112  # records of user LASF_Projection
_FLAGGED = laspy.DecompressionSelection
_COLORED = _FLAGGED.RGB | _FLAGGED.INTENSITY
_WANTED = _FLAGGED.XY_RETURNS_CHANNEL | _FLAGGED.Z | _FLAGGED.CLASSIFICATION | _FLAGGED.FLAGS | _FLAGGED.GPS_TIME
Box = tuple[NDArray[np.float64], NDArray[np.float64]]  # lowest and highest x, y (2,) in the file's coordinates


@dataclass(frozen=True)
class Header:
    """What a file says of itself; `box` is low and high x, y, z (2, 3) in its own coordinates."""

    version: str
    point_format: int
    count: int
    box: NDArray[np.float64]
    crs: str | None  # WKT
    has_colour: bool
    has_time: bool
    is_standard_time: bool  # GPS seconds since 1980 less 1e9, rather than of an unknown week
    is_copc: bool


@dataclass(frozen=True)
class Points:
    """n points in the file's own coordinates and units."""

    xyz: NDArray[np.float64]  # (n, 3)
    classes: NDArray[np.uint8]  # (n,)
    is_first: NDArray[np.bool_]  # (n,) nothing above it sent the pulse back
    time: NDArray[np.float64]  # (n,) GPS time as the file counts it, empty where it has none
    color: NDArray[np.uint16]  # (n, 3) red, green, blue or (n,) intensity, empty where it has none or nobody asked
    color_of: Literal["rgb", "intensity"] = "intensity"


def read_header(path: Path) -> Header:
    """What the header says.

    Raises
    ------
    UnreadableSource
        If it is damaged, or no coordinates can be made by it.
    """
    _check_records(path)
    with _in_words(path), laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
        header: Any = reader.header
        numbers = np.concatenate([header.scales, header.offsets])
        scales = np.abs(header.scales)
        if not np.isfinite(numbers).all() or scales.min() < _LEAST_SCALE or scales.max() > _GREATEST_SCALE:
            raise UnreadableSource("cloud_header", subject=path, scales=_listed(header.scales), offsets=_listed(header.offsets))
        if header.point_count == 0:
            raise UnreadableSource("cloud_empty", subject=path)
        _check_size(header, path)
        names = set(header.point_format.dimension_names)
        return Header(
            version=str(header.version), point_format=header.point_format.id, count=header.point_count,
            box=np.array([header.mins, header.maxs], float), crs=_crs(header), has_colour="red" in names, has_time="gps_time" in names,
            is_standard_time=bool(header.global_encoding.gps_time_type == 1),
            is_copc=any(record.user_id == "copc" and record.record_id == 1 for record in header.vlrs),
        )  # fmt: skip


def is_boxed(path: Path, header: Header) -> bool:
    """Whether the header's extent can be that of the points: it is one, and the first of them lie in it."""
    low, high = header.box
    if not np.isfinite(header.box).all() or np.any(high < low):
        return False
    with _in_words(path), laspy.open(path, laz_backend=laspy.LazBackend.Lazrs) as reader:
        xyz = _points(cast(Any, reader).read_points(min(header.count, _FIRST)), header).xyz
    slack = 0.01 * (high - low) + 1e-6 * np.abs(high)
    return bool(np.all((xyz >= low - slack) & (xyz <= high + slack)))


def true_box(path: Path, header: Header, progress: Progress) -> NDArray[np.float64]:
    """Lowest and highest x, y, z (2, 3) of the points."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for points in read_points(path, header, (np.full(2, -np.inf), np.full(2, np.inf)), progress):
        if len(points.xyz):
            low, high = np.minimum(low, points.xyz.min(0)), np.maximum(high, points.xyz.max(0))
    if np.any(high < low):
        raise UnreadableSource("cloud_empty", subject=path)
    return np.array([low, high])


def read_points(path: Path, header: Header, box: Box, progress: Progress, *, with_color: bool = False) -> Generator[Points]:
    """The points whose x and y lie in the box, by parts; their colours only where these are asked for. Withheld ones are left out.

    Raises
    ------
    UnreadableSource
        If the file is cut off or damaged.
    """
    with _in_words(path):
        parts = _by_tiles(path, header, box) if header.is_copc else None
        read = 0
        for part in parts if parts is not None else _in_order(path, _WANTED | _COLORED if with_color else _WANTED):
            read += len(part)
            progress("points", read, header.count)
            points = _points(part, header, with_color=with_color)
            inside = np.all((points.xyz[:, :2] >= box[0]) & (points.xyz[:, :2] <= box[1]), axis=1) & ~_withheld(part)
            yield _only(points, inside)
        if parts is None and read < header.count:
            raise UnreadableSource("cloud_cut", subject=path, said=header.count, there=read)


def time_of(header: Header, seconds: float) -> str | None:
    """When a point was measured, as a date and time of GPS; None where the file does not say in which week."""
    if not header.is_standard_time or not np.isfinite(seconds) or abs(seconds) > 3e9:
        return None
    moment = _GPS_EPOCH + dt.timedelta(seconds=seconds + _ADJUSTED_S)
    return moment.replace(tzinfo=None).isoformat(timespec="seconds")


def _check_records(path: Path) -> None:
    """Refuse a header whose numbers of records cannot be, before a library counts through them (LAS 1.4 R15, table 3)."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if head[:4] != b"LASF" or len(head) < 227:
        raise UnreadableSource("cloud_damaged", subject=path, reason="header")
    length, start, records, form, width = struct.unpack_from("<HIIBH", head, 94)
    fits = 227 <= length <= start <= size and records * 54 <= start - length and width >= _LEAST_WIDTH and form & 0x3F <= 10
    if head[25] >= 4 and len(head) >= _HEAD_BYTES:
        first, extended = struct.unpack_from("<QI", head, 235)
        fits &= extended == 0 or first + extended * 60 <= size
    if not fits:
        raise UnreadableSource("cloud_damaged", subject=path, reason="header")
    if form & 0x80 and _compressed_count(head) > _MOST_PER_BYTE * size:
        raise UnreadableSource("cloud_cut", subject=path, said=_compressed_count(head), there="—")


def _compressed_count(head: bytes) -> int:
    """How many points the header of a compressed file states."""
    modern = head[25] >= 4 and len(head) >= _HEAD_BYTES
    return int(struct.unpack_from("<Q", head, 247)[0] if modern else struct.unpack_from("<I", head, 107)[0])


def _check_size(header: Any, path: Path) -> None:
    """Refuse an uncompressed file that is shorter than its points."""
    there = (path.stat().st_size - header.offset_to_point_data) // header.point_format.size
    if not header.are_points_compressed and there < header.point_count:
        raise UnreadableSource("cloud_cut", subject=path, said=header.point_count, there=max(0, there))


def _crs(header: Any) -> str | None:
    """The coordinate system as WKT: the one written so, else what the GeoTIFF keys say."""
    records = [*header.vlrs, *(header.evlrs or ())]
    found = {record.record_id: record for record in records if record.user_id.casefold() == "lasf_projection"}
    if _WKT in found and (text := str(getattr(found[_WKT], "string", "")).strip("\0 \r\n")):
        return text
    raw = {number: bytes(found[number].record_data_bytes()) for number in (_KEYS, _DOUBLES, _WORDS) if number in found}
    return wkt_of_keys(raw.get(_KEYS, b""), raw.get(_DOUBLES, b""), raw.get(_WORDS, b""))


def _in_order(path: Path, wanted: Any) -> Generator[Any]:
    # one thread: the many of the other back end do not live through the fork that keeps this reading apart
    options: dict[str, Any] = {"laz_backend": laspy.LazBackend.Lazrs, "decompression_selection": wanted}
    with laspy.open(path, **options) as reader:
        yield from cast(Any, reader).chunk_iterator(CHUNK)


def _by_tiles(path: Path, header: Header, box: Box) -> Generator[Any] | None:
    """Parts of a cloud-optimised file; None where all of it is wanted and is few enough to be read in order."""
    if not np.isfinite(box).all():
        return None
    low, high = np.maximum(box[0], header.box[0, :2]), np.minimum(box[1], header.box[1, :2])
    if np.any(high <= low) or (header.count <= MOST_POINTS and np.all(low <= header.box[0, :2]) and np.all(high >= header.box[1, :2])):
        return None
    return _tiles(path, low, high)


def _tiles(path: Path, low: NDArray[np.float64], high: NDArray[np.float64]) -> Generator[Any]:
    with CopcReader.open(str(path)) as opened:
        reader: Any = opened
        nodes: Any = load_octree_for_query(reader.source, reader.copc_info, reader.root_page, query_bounds=_bounds(reader, low, high))
        counts = np.bincount([node.key.level for node in nodes], weights=[node.point_count for node in nodes])
        levels = max(1, int(np.searchsorted(np.cumsum(counts), MOST_POINTS, side="right")))
        pieces = max(1, int(np.ceil(np.sqrt(counts[:levels].sum() / CHUNK))))
        step = (high - low) / pieces
        for i, j in np.ndindex(pieces, pieces):
            corner = low + step * [i, j]
            # a tile ends a hair before the next begins, for both ends of a query count
            end = np.where(np.array([i, j]) == pieces - 1, high, corner + step - 0.51 * reader.header.scales[:2])
            yield reader.query(_bounds(reader, corner, end), level=range(levels))


def _bounds(reader: Any, low: NDArray[np.float64], high: NDArray[np.float64]) -> Bounds:
    header = reader.header
    return Bounds(np.array([*low, header.mins[2]]), np.array([*high, header.maxs[2]]))


def _points(part: Any, header: Header, *, with_color: bool = False) -> Points:
    xyz = np.column_stack([np.asarray(part.x, float), np.asarray(part.y, float), np.asarray(part.z, float)])
    first = np.asarray(part.return_number)
    time = np.asarray(part.gps_time, float) if header.has_time else np.empty(0)
    classes = np.asarray(part.classification, np.uint8)
    if not with_color:
        return Points(xyz, classes, first <= 1, time, np.empty(0, np.uint16))
    if header.has_colour:
        return Points(xyz, classes, first <= 1, time, np.column_stack([part.red, part.green, part.blue]).astype(np.uint16), "rgb")
    return Points(xyz, classes, first <= 1, time, np.asarray(part.intensity, np.uint16))


def _withheld(part: Any) -> NDArray[np.bool_]:
    return np.asarray(part.withheld).astype(bool)


def _only(points: Points, kept: NDArray[np.bool_]) -> Points:
    if kept.all():
        return points
    time = points.time[kept] if len(points.time) else points.time
    color = points.color[kept] if len(points.color) else points.color
    return Points(points.xyz[kept], points.classes[kept], points.is_first[kept], time, color, points.color_of)


@contextmanager
def _in_words(path: Path) -> Generator[None]:
    """What the libraries raise over damaged files, as one sentence."""
    try:
        yield
    except (LaspyException, LazrsError, ValueError, EOFError, OSError, IndexError, KeyError, OverflowError) as error:
        raise UnreadableSource("cloud_damaged", subject=path, reason=str(error)[:200] or type(error).__name__) from error


def _listed(numbers: Any) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
