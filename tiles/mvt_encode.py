"""Features into the bytes of a vector tile: the hot loop.

Geometry is that of the vector tile specification 2.1, 4.3: integers of a 4096 grid, y south, each a zigzag difference to the one
before. Outer rings turn clockwise on the screen (positive area by the surveyor's formula), holes the other way.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.mvt_geometry import HOLE, LINES, POINTS, POLYGONS, Shapes
from tiles.mvt_properties import Properties

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

EXTENT = 4096
BUFFER = 64  # units beyond the edge that a tile still holds, so that outlines and icons do not end at it
CELL = 4  # units: with very many points, tiles above the last zoom hold one a cell of this size
CELLS = (EXTENT + 2 * BUFFER) // CELL + 1
_MOVE_TO, _LINE_TO, _CLOSE_PATH = 1, 2, 7
_GROWTH = 6  # a ring cut at four edges has at most 1.5^4 times its points
_POINT_BYTES = 6  # two zigzag differences of numbers up to 4096 + 2 * BUFFER


# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class Window(NamedTuple):
    """One tile: where it lies and how finely it shows."""

    scale: float  # units of the tile grid in the whole world
    x0: float  # the tile's corner in those units
    y0: float
    tolerance: float  # vertices that matter less are dropped [unit mercator]
    keep_all: bool  # at the last zoom nothing is too small to be shown


class _Scratch(NamedTuple):
    """Room for one item at a time."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    qx: Ints
    qy: Ints
    cursor: Ints  # x, y of the last point written, and points left of the item being thinned
    geometry: Bytes
    cells: NDArray[np.uint8]  # (CELLS * CELLS,) taken by a point; empty where points are not thinned


class _Names(NamedTuple):
    """The keys and values a tile names, numbered as they come."""

    local_key: NDArray[np.int32]  # (k,) number of each key of the layer in the tile, from 1; 0 not named
    local_value: NDArray[np.int32]  # (v,)
    keys: Ints
    values: Ints
    counts: Ints  # keys and values named so far
    tags: Bytes  # of one feature


@numba.njit(cache=True, nogil=True)
def encode_features(shapes: Shapes, tags: Properties, window: Window, chosen: Ints, local: NDArray[np.int32]) -> tuple[Bytes, Ints, Ints]:
    """Feature messages of some items in a tile, and the keys and values they name, in the order of their local numbers.

    `local` has a zero for every value of the layer, and has it again afterwards.
    """
    scratch, names = _scratch(shapes, window, chosen), _names(shapes, tags, chosen, local)
    out = np.empty(64 + 64 * len(chosen), np.uint8)
    p = _zero()
    for i in chosen:
        size = _item(shapes, i, window, scratch)
        if size == 0:
            continue
        row = shapes.item_row[i]
        t = _tags(tags, row, names)
        if p + size + t + 64 > len(out):
            larger = np.empty(2 * len(out) + size + t + 64, np.uint8)
            larger[:p] = out[:p]
            out = larger
        p = _feature(out, p, row, names.tags[:t], shapes.item_kind[i], scratch.geometry[:size])
    values = names.values[: names.counts[1]]
    for value in values:
        local[value] = 0
    return out[:p], names.keys[: names.counts[0]], values


@numba.njit(cache=True, nogil=True)
def gather(blob: Bytes, start: Ints, chosen: Ints) -> Bytes:
    """The chosen pieces of `blob`, one after another."""
    size = 0
    for i in chosen:
        size += start[i + 1] - start[i]
    out = np.empty(size, np.uint8)
    p = 0
    for i in chosen:
        for k in range(start[i], start[i + 1]):
            out[p] = blob[k]
            p += 1
    return out


@_inner
def _scratch(shapes: Shapes, window: Window, chosen: Ints) -> Any:
    longest = most = rings = 0
    for i in chosen:
        first, last = shapes.item_start[i], shapes.item_start[i + 1]
        most = max(most, shapes.ring_start[last] - shapes.ring_start[first])
        rings = max(rings, last - first)
        for r in range(first, last):
            longest = max(longest, shapes.ring_start[r + 1] - shapes.ring_start[r])
    room = _GROWTH * longest + 16
    floats = np.empty((4, room))
    ints = np.empty((2, room), np.int64)
    thinned = not window.keep_all and len(chosen) > EXTENT
    return _Scratch(
        floats[0],
        floats[1],
        floats[2],
        floats[3],
        ints[0],
        ints[1],
        np.zeros(2, np.int64),
        np.empty(_GROWTH * _POINT_BYTES * most + 32 * rings + 64, np.uint8),
        np.zeros(CELLS * CELLS if thinned else 0, np.uint8),
    )


@_inner
def _names(shapes: Shapes, tags: Properties, chosen: Ints, local: NDArray[np.int32]) -> Any:
    total = 0
    for i in chosen:
        row = shapes.item_row[i]
        total += tags.tag_start[row + 1] - tags.tag_start[row]
    n = len(tags.key_start)
    local_key, keys, values = np.zeros(n, np.int32), np.empty(n, np.int64), np.empty(total, np.int64)
    return _Names(local_key, local, keys, values, np.zeros(2, np.int64), np.empty(10 * n, np.uint8))


@_inner
def _tags(tags: Properties, row: Any, names: _Names) -> int:
    """Write a feature's pairs of key and value; their size in bytes."""
    t = _zero()
    for k in range(tags.tag_start[row], tags.tag_start[row + 1]):
        key, value = tags.tag_key[k], tags.tag_value[k]
        if names.local_key[key] == 0:
            names.keys[names.counts[0]] = key
            names.counts[0] += 1
            names.local_key[key] = names.counts[0]
        if names.local_value[value] == 0:
            names.values[names.counts[1]] = value
            names.counts[1] += 1
            names.local_value[value] = names.counts[1]
        t = _varint(names.tags, t, names.local_key[key] - 1)
        t = _varint(names.tags, t, names.local_value[value] - 1)
    return t


@_inner
def _feature(out: Bytes, p: int, row: Any, tag_bytes: Bytes, kind: Any, geometry: Bytes) -> int:
    head = _length(row) + 1 + 1 + _length(len(tag_bytes)) + len(tag_bytes) + 2 + 1 + _length(len(geometry)) + len(geometry)
    out[p] = 0x12  # Layer.features
    p = _varint(out, p + 1, head)
    out[p] = 0x08  # Feature.id
    p = _varint(out, p + 1, row)
    out[p] = 0x12  # Feature.tags
    p = _varint(out, p + 1, len(tag_bytes))
    for k in range(len(tag_bytes)):
        out[p + k] = tag_bytes[k]
    p += len(tag_bytes)
    out[p], out[p + 1] = 0x18, kind  # Feature.type
    out[p + 2] = 0x22  # Feature.geometry
    p = _varint(out, p + 3, len(geometry))
    for k in range(len(geometry)):
        out[p + k] = geometry[k]
    return p + len(geometry)


@_inner
def _item(shapes: Shapes, i: int, window: Window, scratch: _Scratch) -> int:
    """Write an item's geometry to the scratch; its size in bytes, 0 where the tile shows nothing of it."""
    scratch.cursor[:] = 0
    first, last = shapes.item_start[i], shapes.item_start[i + 1]
    if shapes.item_kind[i] == POINTS:
        return _points(shapes, first, window, scratch)
    p = _zero()
    shown = True  # whether the polygon's outer ring is: holes go with it
    for r in range(first, last):
        role = shapes.ring_role[r]
        if role == HOLE and not shown:
            continue
        inside = _place(shapes.ring_box[r], window)
        before = p
        if inside >= 0:
            n = _take(shapes, r, window, scratch)
            p = _line(scratch, n, p, window) if role == LINES else _ring(scratch, n, p, inside == 0, role == HOLE, window)
        if role == POLYGONS:
            shown = p > before
    return p


@_inner
def _place(box: Floats, window: Window) -> int:
    """Whether a box lies inside the tile and its buffer (1), across its edge (0) or outside (-1)."""
    low_x, low_y = box[0] * window.scale - window.x0, box[1] * window.scale - window.y0
    high_x, high_y = box[2] * window.scale - window.x0, box[3] * window.scale - window.y0
    low, high = -BUFFER, EXTENT + BUFFER
    if high_x < low or high_y < low or low_x > high or low_y > high:
        return -1
    return 1 if low_x >= low and low_y >= low and high_x <= high and high_y <= high else 0


@_inner
def _take(shapes: Shapes, r: int, window: Window, scratch: _Scratch) -> int:
    """Put the vertices of a ring that matter at this zoom into the scratch, in units of the tile; their number."""
    n = 0
    for k in range(shapes.ring_start[r], shapes.ring_start[r + 1]):
        if shapes.importance[k] >= window.tolerance:
            scratch.ax[n] = shapes.coordinates[k, 0] * window.scale - window.x0
            scratch.ay[n] = shapes.coordinates[k, 1] * window.scale - window.y0
            n += 1
    return n


@_inner
def _points(shapes: Shapes, r: int, window: Window, scratch: _Scratch) -> int:
    m = _zero()
    for k in range(shapes.ring_start[r], shapes.ring_start[r + 1]):
        x = shapes.coordinates[k, 0] * window.scale - window.x0
        y = shapes.coordinates[k, 1] * window.scale - window.y0
        if not (-BUFFER <= x <= EXTENT + BUFFER and -BUFFER <= y <= EXTENT + BUFFER):
            continue
        scratch.qx[m], scratch.qy[m] = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
        if len(scratch.cells):
            cell = (scratch.qy[m] + BUFFER) // CELL * CELLS + (scratch.qx[m] + BUFFER) // CELL
            if scratch.cells[cell]:
                continue
            scratch.cells[cell] = 1
        m += 1
    if m == 0:
        return 0
    p = _varint(scratch.geometry, _zero(), m << 3 | _MOVE_TO)
    for k in range(m):
        p = _step(scratch, p, scratch.qx[k], scratch.qy[k])
    return p


@_inner
def _line(scratch: _Scratch, n: int, p: int, window: Window) -> int:
    """Write the pieces of a line that lie in the tile (Liang and Barsky 1984, segment by segment)."""
    m, began = _zero(), p
    low, high = -float(BUFFER), float(EXTENT + BUFFER)
    for k in range(n - 1):
        x, y = scratch.ax[k], scratch.ay[k]
        dx, dy = scratch.ax[k + 1] - x, scratch.ay[k + 1] - y
        t0, t1 = _inside_part(x, dx, low, high, 0.0, 1.0)
        t0, t1 = _inside_part(y, dy, low, high, t0, t1)
        if t0 > t1:
            continue
        if m == 0 or t0 > 0.0:
            p = _piece(scratch, m, p)
            m = _append(scratch, _zero(), x + t0 * dx, y + t0 * dy)
        m = _append(scratch, m, x + t1 * dx, y + t1 * dy)
        if t1 < 1.0:
            p = _piece(scratch, m, p)
            m = _zero()
    p = _piece(scratch, m, p)
    if p == began and m == 1 and window.keep_all:  # too short for the grid: one unit long
        m = _append(scratch, m, scratch.qx[0] + 1.0, scratch.qy[0] * 1.0)
        p = _piece(scratch, m, p)
    return p


@_inner
def _inside_part(start: float, delta: float, low: float, high: float, t0: float, t1: float) -> tuple[float, float]:
    """The part of t0..t1 in which start + t * delta lies between low and high; t0 > t1 where there is none."""
    if delta == 0.0:
        return (t0, t1) if low <= start <= high else (1.0, 0.0)
    a, b = (low - start) / delta, (high - start) / delta
    return max(t0, min(a, b)), min(t1, max(a, b))


@_inner
def _append(scratch: _Scratch, m: int, x: float, y: float) -> int:
    """Add a rounded point to the piece being collected unless it is the last one again; the piece's length."""
    qx, qy = int(np.floor(x + 0.5)), int(np.floor(y + 0.5))
    if m and scratch.qx[m - 1] == qx and scratch.qy[m - 1] == qy:
        return m
    scratch.qx[m], scratch.qy[m] = qx, qy
    return m + 1


@_inner
def _piece(scratch: _Scratch, m: int, p: int) -> int:
    """Write the first m collected points as one line, unless they are too few."""
    if m < 2:
        return p
    p = _varint(scratch.geometry, p, 1 << 3 | _MOVE_TO)
    p = _step(scratch, p, scratch.qx[0], scratch.qy[0])
    p = _varint(scratch.geometry, p, (m - 1) << 3 | _LINE_TO)
    for k in range(1, m):
        p = _step(scratch, p, scratch.qx[k], scratch.qy[k])
    return p


@_inner
def _ring(scratch: _Scratch, n: int, p: int, cut: bool, hole: bool, window: Window) -> int:
    """Write a closed ring, turned as its role demands, unless nothing of it can be seen."""
    if cut:
        n = _clip(scratch, n)
    m = _zero()
    for k in range(n):
        m = _append(scratch, m, scratch.ax[k], scratch.ay[k])
    while m > 1 and scratch.qx[m - 1] == scratch.qx[0] and scratch.qy[m - 1] == scratch.qy[0]:
        m -= 1
    area = 0
    for k in range(m):
        j = k + 1 if k + 1 < m else 0
        area += scratch.qx[k] * scratch.qy[j] - scratch.qx[j] * scratch.qy[k]
    if area == 0:
        if m == 0 or hole or not window.keep_all:
            return p
        m, area = _unit_square(scratch), 1
    if hole == (area > 0):
        for k in range(m // 2):
            j = m - 1 - k
            scratch.qx[k], scratch.qx[j] = scratch.qx[j], scratch.qx[k]
            scratch.qy[k], scratch.qy[j] = scratch.qy[j], scratch.qy[k]
    p = _piece(scratch, m, p)
    return _varint(scratch.geometry, p, 1 << 3 | _CLOSE_PATH)


@_inner
def _unit_square(scratch: _Scratch) -> int:
    """What is too small for the grid is shown as one unit of it."""
    x, y = scratch.qx[0], scratch.qy[0]
    for k in range(4):
        scratch.qx[k] = x + (1 if k in (1, 2) else 0)
        scratch.qy[k] = y + (1 if k >= 2 else 0)
    return 4


@_inner
def _clip(scratch: _Scratch, n: int) -> int:
    """Cut the ring in ax, ay to the tile and its buffer (Sutherland and Hodgman 1974); its new length."""
    low, high = float(BUFFER), float(EXTENT + BUFFER)
    n = _clip_side((scratch.ax, scratch.ay), n, (scratch.bx, scratch.by), 1.0, low)
    n = _clip_side((scratch.bx, scratch.by), n, (scratch.ax, scratch.ay), -1.0, high)
    n = _clip_side((scratch.ay, scratch.ax), n, (scratch.by, scratch.bx), 1.0, low)
    return _clip_side((scratch.by, scratch.bx), n, (scratch.ay, scratch.ax), -1.0, high)


@_inner
def _clip_side(ring: tuple[Floats, Floats], n: int, out: tuple[Floats, Floats], sign: float, limit: float) -> int:
    """The part of a ring where sign * u + limit is not negative; its length."""
    u, v = ring
    out_u, out_v = out
    m = 0
    for k in range(n):
        j = k + 1 if k + 1 < n else 0
        here, there = sign * u[k] + limit, sign * u[j] + limit
        if here >= 0.0:
            out_u[m], out_v[m] = u[k], v[k]
            m += 1
        if (here >= 0.0) != (there >= 0.0):
            t = here / (here - there)
            out_u[m], out_v[m] = u[k] + t * (u[j] - u[k]), v[k] + t * (v[j] - v[k])
            m += 1
    return m


@_inner
def _step(scratch: _Scratch, p: int, x: int, y: int) -> int:
    """Write the way from the last point to this one."""
    dx, dy = x - scratch.cursor[0], y - scratch.cursor[1]
    scratch.cursor[0], scratch.cursor[1] = x, y
    p = _varint(scratch.geometry, p, (dx << 1) ^ (dx >> 63))
    return _varint(scratch.geometry, p, (dy << 1) ^ (dy >> 63))


@_inner
def _varint(out: Bytes, p: int, number: Any) -> int:
    while number >= 128:
        out[p] = number & 127 | 128
        number >>= 7
        p += 1
    out[p] = number
    return p + 1


@_inner
def _zero() -> int:
    """0 to start counting with: a plain 0 has a type of its own, and all it is given to would be compiled twice."""
    return int(np.int64(0))


@_inner
def _length(number: Any) -> int:
    """The bytes `_varint` takes."""
    n = 1
    while number >= 128:
        number >>= 7
        n += 1
    return n
