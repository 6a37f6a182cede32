"""Surfaces in well-known binary that GEOS does not read (TIN, polyhedral surface, triangle) turned into multipolygons of their faces.

OGC 06-103r4, 8.2: a polyhedral surface and a TIN are lists of polygons and triangles, laid out as a multipolygon is.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.model import Geometries

_SURFACES = {15: 6, 16: 6, 17: 3}  # polyhedral surface and TIN -> multipolygon, triangle -> polygon; +1000 with z
_DEEPEST = 8


def is_surface(wkb: bytes | None) -> bool:
    """Whether a shape is one that GEOS does not read, or a collection with such a one."""
    return wkb is not None and len(wkb) > 5 and _kind(wkb, 0)[1] % 1000 in {7, *_SURFACES} and bool(_swapped(wkb)[1])


@np.errstate(invalid="ignore")  # a coordinate may be no number: which are is looked at later
def plain_shapes(wkb: NDArray[np.object_]) -> tuple[Geometries, int]:
    """Shapes (n,) of well-known binary, surfaces as their faces; None where there is none or it is broken; and how many were surfaces."""
    shapes = np.asarray(shapely.from_wkb(wkb, on_invalid="ignore"), object)
    lost = np.flatnonzero(shapely.is_missing(shapes))
    count = 0
    for i in lost.tolist():
        if is_surface(wkb[i]):
            shapes[i] = shapely.from_wkb(_swapped(wkb[i])[0], on_invalid="ignore")
            count += 1
    for i in lost.tolist():
        if shapes[i] is None and wkb[i] is not None:  # a ring that is not closed, a line of one point
            shapes[i] = shapely.from_wkb(wkb[i], on_invalid="fix")
    return shapes, count


def plan_of(shape: Any) -> tuple[Any, float, float] | None:
    """The outline of a surface's faces seen from above, and its lowest and highest height; None where it has no extent seen so."""
    faces = [face for face in shapely.get_parts(shape) if shapely.is_valid(face) and shapely.area(face) > 0]
    if not faces:
        return None
    heights = shapely.get_coordinates(shape, include_z=True)[:, 2]
    return shapely.union_all(shapely.force_2d(np.array(faces, object))), float(np.nanmin(heights)), float(np.nanmax(heights))


def _kind(wkb: bytes, at: int) -> tuple[str, int]:
    order = "<" if wkb[at] == 1 else ">"
    (code,) = struct.unpack_from(f"{order}I", wkb, at + 1)
    wide = 1000 * bool(code & 0x80000000) + 2000 * bool(code & 0x40000000)  # z and m as flags, the older way
    return order, (code & 0x0FFFFFFF) + wide


def _swapped(wkb: bytes) -> tuple[bytes, int]:
    """The bytes with the types of surfaces replaced, and how many were."""
    out = bytearray(wkb)
    try:
        _, count = _walk(out, 0, 0)
    except (struct.error, IndexError):
        return wkb, 0
    return bytes(out), count


def _walk(wkb: bytearray, at: int, depth: int) -> tuple[int, int]:
    """Replace types from `at` on; where the shape ends, and how many were replaced."""
    if depth > _DEEPEST:
        raise IndexError(at)
    order, kind = _kind(bytes(wkb[at : at + 5]), 0)
    base, wide = kind % 1000, kind // 1000
    count = 0
    if base in _SURFACES:
        struct.pack_into(f"{order}I", wkb, at + 1, _SURFACES[base] + 1000 * wide)
        count = 1
    size = 8 * (2 + (wide in {1, 2, 3}) + (wide == 3))
    at += 5
    if base == 1:
        return at + size, count
    (parts,) = struct.unpack_from(f"{order}I", wkb, at)
    at += 4
    if base == 2:
        return at + parts * size, count
    for _ in range(parts):
        if base in {3, 17}:
            at += 4 + size * struct.unpack_from(f"{order}I", wkb, at)[0]
        else:
            at, inner = _walk(wkb, at, depth + 1)
            count += inner
    return at, count
