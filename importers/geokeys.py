"""GeoTIFF keys outside a TIFF, as LAS files carry them, understood by GDAL: they are put into the smallest TIFF there is."""

from __future__ import annotations

import struct

from rasterio import Env
from rasterio.errors import RasterioError
from rasterio.io import MemoryFile

_SHORT, _LONG, _DOUBLE, _ASCII = 3, 4, 12, 2
_FORMS = {_SHORT: "H", _LONG: "I", _DOUBLE: "d"}


def wkt_of_keys(directory: bytes, doubles: bytes, words: bytes) -> str | None:
    """The coordinate system, compound where there is a vertical one, as WKT; None where the keys name none GDAL understands.

    Parameters
    ----------
    directory, doubles, words
        The contents of the records 34735, 34736 and 34737 of the GeoTIFF specification (OGC 19-008r4, 7.1).
    """
    keys = _sorted(directory[: len(directory) // 8 * 8])
    if not keys:
        return None
    try:
        data = _tiff(keys, doubles[: len(doubles) // 8 * 8], words)
        with Env(GTIFF_REPORT_COMPD_CS=True), MemoryFile(data) as memory, memory.open(driver="GTiff") as raster:
            return raster.crs.to_wkt() if raster.crs else None
    except (RasterioError, ValueError):
        return None


def _sorted(directory: bytes) -> bytes:
    """The directory with its keys in order and without empty ones, which some programs write and GDAL takes for damage."""
    rows = list(struct.iter_unpack("<4H", directory))
    keys = sorted(entry for entry in rows[1:] if entry[0])
    return b"".join(struct.pack("<4H", *entry) for entry in [(*rows[0][:3], len(keys)), *keys]) if keys else b""


def _tiff(keys: bytes, doubles: bytes, words: bytes) -> bytes:
    """One black cell at the origin, in the system the keys name."""
    tags: list[tuple[int, int, bytes]] = [
        (256, _LONG, struct.pack("<I", 1)),  # width, height, bits, compression, photometric interpretation
        (257, _LONG, struct.pack("<I", 1)),
        (258, _SHORT, struct.pack("<H", 8)),
        (259, _SHORT, struct.pack("<H", 1)),
        (262, _SHORT, struct.pack("<H", 1)),
        (273, _LONG, struct.pack("<I", 8)),  # the cell's offset, bands, rows a strip, its bytes
        (277, _SHORT, struct.pack("<H", 1)),
        (278, _LONG, struct.pack("<I", 1)),
        (279, _LONG, struct.pack("<I", 1)),
        (33550, _DOUBLE, struct.pack("<3d", 1, 1, 0)),  # cell size, tie point
        (33922, _DOUBLE, struct.pack("<6d", 0, 0, 0, 0, 0, 0)),
        (34735, _SHORT, keys),
        *([(34736, _DOUBLE, doubles)] if doubles else []),
        *([(34737, _ASCII, words.rstrip(b"\0") + b"\0")] if words else []),
    ]
    start = 10  # header and the cell, on an even place
    after = start + 2 + 12 * len(tags) + 4
    entries, heap = b"", b""
    for tag, form, value in tags:
        count = len(value) // (struct.calcsize(_FORMS[form]) if form in _FORMS else 1)
        if len(value) <= 4:
            field = value.ljust(4, b"\0")
        else:
            field = struct.pack("<I", after + len(heap))
            heap += value + b"\0" * (len(value) % 2)
        entries += struct.pack("<HHI", tag, form, count) + field
    return b"II*\0" + struct.pack("<I", start) + b"\0\0" + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0) + heap
