"""GeoPackage geometry blobs (OGC 12-128r19 §2.1.3): a header with the envelope, then ISO WKB."""

from __future__ import annotations

import io
import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.model import Geometries

SRS = 4326
_ENVELOPE_BYTES = (0, 32, 48, 48, 64)


def encode(geometry: Geometries) -> list[bytes | None]:
    """The blob of each geometry, None for None."""
    wkb = shapely.to_wkb(geometry, byte_order=1, flavor="iso")
    bounds = shapely.bounds(geometry)
    empty = shapely.is_empty(geometry)
    return [None if body is None else _header(box, bool(void)) + body for body, box, void in zip(wkb, bounds, empty, strict=True)]


def decode(blobs: Sequence[bytes | None]) -> Geometries:
    """The geometry of each blob, None for None."""
    bodies = [None if blob is None else blob[8 + _ENVELOPE_BYTES[blob[3] >> 1 & 7] :] for blob in blobs]
    out = np.empty(len(bodies), object)
    out[:] = shapely.from_wkb(bodies) if bodies else []
    return out


def bounds(blob: bytes | None) -> tuple[float, float, float, float] | None:
    """Minimum and maximum x, minimum and maximum y of a blob; None when it is empty."""
    if not blob or blob[3] >> 4 & 1:
        return None
    if blob[3] >> 1 & 7:
        return struct.unpack_from("<4d" if blob[3] & 1 else ">4d", blob, 8)
    west, south, east, north = shapely.bounds(decode([blob]))[0]
    return west, east, south, north


def pack(arrays: Mapping[str, Any]) -> bytes:
    """Named arrays as one compressed blob."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    return buffer.getvalue()


def unpack(blob: bytes) -> dict[str, Any]:
    """The named arrays of a blob made by `pack`."""
    with np.load(io.BytesIO(blob), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def _header(box: Any, void: bool) -> bytes:
    if void or not np.isfinite(box).all():
        return struct.pack("<2sBBi", b"GP", 0, 0b00010001, SRS)
    return struct.pack("<2sBBi4d", b"GP", 0, 0b00000011, SRS, box[0], box[2], box[1], box[3])
