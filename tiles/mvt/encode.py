"""Features into the bytes of a vector tile: the hot loop.

Geometry is that of the vector tile specification 2.1, 4.3: integers of a 4096 grid, y south. Outer rings turn clockwise on the screen
(positive area by the surveyor's formula), holes the other way. Arrays are taken out of their tuples once a ring and not once a vertex:
each time costs as much as the vertex does.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.mvt.clip import BUFFER, HIGH, LOW, Scratch, Window, clip_ring, line_pieces, placed, rounded
from tiles.mvt.geometry import EXTENT, HOLE, LINES, POINTS, POLYGONS, Shapes
from tiles.mvt.properties import Properties
from tiles.mvt.tree import Tree, find
from tiles.mvt.write import Bytes, End, length_of, write_bytes, write_line, write_points, write_ring, write_varint, zero

Ints = NDArray[np.int64]

CELL = 4  # units: of an item with very many points, tiles above the last zoom hold one a cell of this size
CELLS = (EXTENT + 2 * BUFFER) // CELL + 1
_MANY_POINTS = 4096
_GROWTH = 6  # a ring cut at four edges has at most 1.5^4 times its points
_POINT_BYTES = 6  # two zigzag differences of numbers up to 4096 + 2 * BUFFER
_FRONT = 16  # room for the length of all that follows, which is known at the end
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
# what allocates nothing needs no reference counts, and they took half the time; calls in line save handing over fifty arrays
_plain: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, forceinline=True)


class _Names(NamedTuple):
    """The keys and values a tile names, numbered as they come."""

    local_key: NDArray[np.int32]  # (k,) number of each key of the layer in the tile, from 1; 0 not named
    local_value: NDArray[np.int32]  # (v,)
    keys: Ints
    values: Ints
    counts: Ints  # keys and values named so far
    tags: Bytes  # of one feature


@numba.njit(cache=True, nogil=True)
def encode_layer(shapes: Shapes, tags: Properties, tree: Tree, window: Window, head: Bytes, local: NDArray[np.int32]) -> Bytes:
    """The layer message of a tile with its field number, empty where no feature shows; features follow the table.

    `head` is what comes before the features. `local` has a zero for every value of the layer, and has it again afterwards.
    """
    chosen = find(tree, window.area, window.zoom)
    if len(chosen) == 0:
        return np.empty(0, np.uint8)
    _sort(chosen, shapes.item_rank, shapes.rank_item)
    names, scratch = _names(shapes, tags, chosen, local), _scratch(shapes, window, chosen)
    out = np.empty(_FRONT + len(head) + 256 + 96 * len(chosen), np.uint8)
    p = write_bytes(out, _FRONT + zero(), head)
    empty = p
    for i in chosen:
        size = _item(shapes, i, window, scratch)
        if size == 0:
            continue
        row = shapes.item_row[i]
        t = _tags(tags, row, names)
        out = _roomy(out, p, size + t + 64)
        p = _feature(out, p, shapes.number[row], names.tags[:t], shapes.item_kind[i], scratch.geometry[:size])
    return _closed(out, p, tags, names) if p > empty else out[:0]


@_inner
def _closed(out: Bytes, p: int, tags: Properties, names: _Names) -> Bytes:
    """The message with the keys and values it names behind, and its length in front."""
    keys, values = names.keys[: names.counts[0]], names.values[: names.counts[1]]
    size = zero()
    for key in keys:
        size += tags.key_start[key + 1] - tags.key_start[key]
    for value in values:
        size += tags.value_start[value + 1] - tags.value_start[value]
    out = _roomy(out, p, size + 8)
    p = _pieces(out, p, tags.keys, tags.key_start, keys)
    p = _pieces(out, p, tags.values, tags.value_start, values)
    for value in values:
        names.local_value[value] = 0
    out[p] = 5 << 3  # Layer.extent
    p = write_varint(out, p + 1, np.int64(EXTENT))
    front = _FRONT - 1 - length_of(p - _FRONT)
    out[front] = 3 << 3 | 2  # Tile.layers
    write_varint(out, front + 1, p - _FRONT)
    return out[front:p]


@_inner
def _roomy(out: Bytes, p: int, more: int) -> Bytes:
    """The array, or a larger one with its first p bytes, that has room for more."""
    if p + more <= len(out):
        return out
    larger = np.empty(2 * len(out) + more, np.uint8)
    larger[:p] = out[:p]
    return larger


@_plain
def _pieces(out: Bytes, p: int, blob: Bytes, start: Ints, chosen: Ints) -> int:
    """Write the chosen pieces of `blob`, one after another."""
    for i in chosen:
        for k in range(start[i], start[i + 1]):
            out[p] = blob[k]
            p += 1
    return p


@_inner
def _sort(chosen: Ints, rank: Ints, item: Ints) -> None:
    """Bring items into the order of the table."""
    for k in range(len(chosen)):
        chosen[k] = rank[chosen[k]]
    chosen.sort()
    for k in range(len(chosen)):
        chosen[k] = item[chosen[k]]


@_inner
def _scratch(shapes: Shapes, window: Window, chosen: Ints) -> Any:
    item_start, ring_start = shapes.item_start, shapes.ring_start
    longest = most = rings = points = zero()
    for i in chosen:
        first, last = item_start[i], item_start[i + 1]
        size = ring_start[last] - ring_start[first]
        most, rings = max(most, size), max(rings, last - first)
        if shapes.item_kind[i] == POINTS:
            points = max(points, size)
        for r in range(first, last):
            longest = max(longest, ring_start[r + 1] - ring_start[r])
    room = _GROWTH * longest + 16
    floats, ints = np.empty((4, room)), np.empty((2, room), np.int64)
    thinned = points > _MANY_POINTS and not window.keep_all
    geometry = np.empty(_GROWTH * _POINT_BYTES * most + 32 * rings + 64, np.uint8)
    cells = np.empty(CELLS * CELLS if thinned else 0, np.uint8)
    return Scratch(floats[0], floats[1], floats[2], floats[3], ints[0], ints[1], geometry, cells)


@_inner
def _names(shapes: Shapes, tags: Properties, chosen: Ints, local: NDArray[np.int32]) -> Any:
    total = zero()
    for i in chosen:
        row = shapes.item_row[i]
        total += tags.tag_start[row + 1] - tags.tag_start[row]
    n = len(tags.key_start)
    local_key, keys, values = np.zeros(n, np.int32), np.empty(n, np.int64), np.empty(total, np.int64)
    return _Names(local_key, local, keys, values, np.zeros(2, np.int64), np.empty(10 * n, np.uint8))


@_plain
def _tags(tags: Properties, row: Any, names: _Names) -> int:
    """Write a feature's pairs of key and value; their size in bytes."""
    local_key, local_value, counts, out = names.local_key, names.local_value, names.counts, names.tags
    t = zero()
    for k in range(tags.tag_start[row], tags.tag_start[row + 1]):
        key, value = tags.tag_key[k], tags.tag_value[k]
        if local_key[key] == 0:
            names.keys[counts[0]] = key
            counts[0] += 1
            local_key[key] = counts[0]
        if local_value[value] == 0:
            names.values[counts[1]] = value
            counts[1] += 1
            local_value[value] = counts[1]
        t = write_varint(out, t, np.int64(local_key[key] - 1))
        t = write_varint(out, t, np.int64(local_value[value] - 1))
    return t


@_plain
def _feature(out: Bytes, p: int, number: Any, tag_bytes: Bytes, kind: Any, geometry: Bytes) -> int:
    tags, shape = len(tag_bytes), len(geometry)
    out[p] = 0x12  # Layer.features
    p = write_varint(out, p + 1, length_of(number) + length_of(tags) + tags + length_of(shape) + shape + 5)
    out[p] = 0x08  # Feature.id
    p = write_varint(out, p + 1, number)
    out[p] = 0x12  # Feature.tags
    p = write_bytes(out, write_varint(out, p + 1, tags), tag_bytes)
    out[p], out[p + 1] = 0x18, kind  # Feature.type
    out[p + 2] = 0x22  # Feature.geometry
    return write_bytes(out, write_varint(out, p + 3, shape), geometry)


@_plain
def _item(shapes: Shapes, i: int, window: Window, scratch: Scratch) -> int:
    """Write an item's geometry to the scratch; its size in bytes, 0 where the tile shows nothing of it."""
    first, last, kind = shapes.item_start[i], shapes.item_start[i + 1], shapes.item_kind[i]
    if kind == POINTS:
        return _points(shapes, first, window, scratch)
    p, dots = zero(), window.keep_all
    for _ in range(2):  # a second time, with dots, where there was nothing to see: one call, so that it is in line once
        p = _parts(shapes, first, last, window, scratch, dots)
        if p or dots:
            break
        dots = True
    return p


@_plain
def _parts(shapes: Shapes, first: int, last: int, window: Window, scratch: Scratch, dots: bool) -> int:
    """Write the rings of an item; with `dots` those too small for the grid too, of low zooms the first of them."""
    end = (zero(), zero(), zero())
    shown = True  # whether the polygon's outer ring is: holes go with it
    for r in range(first, last):
        role = shapes.ring_role[r]
        if role == HOLE and not shown:
            continue
        place, before = placed(shapes, r, window), end[0]
        if place >= 0 and role == LINES:
            end = _line(shapes, r, window, scratch, (end, place > 0, dots))
        elif place >= 0:
            end = _ring(shapes, r, window, scratch, (end, place > 0, dots))
        if role == POLYGONS:
            shown = end[0] > before
        if dots and end[0] > 0 and not window.keep_all:
            break
    return end[0]


@_plain
def _points(shapes: Shapes, r: int, window: Window, scratch: Scratch) -> int:
    points, qx, qy, cells = shapes.coordinates, scratch.qx, scratch.qy, scratch.cells
    first, last, m = shapes.ring_start[r], shapes.ring_start[r + 1], zero()
    thinned = last - first > _MANY_POINTS and len(cells) > 0
    if thinned:
        cells[:] = 0
    for k in range(first, last):
        x = points[k, 0] * window.scale - window.x0
        y = points[k, 1] * window.scale - window.y0
        if not (LOW <= x <= HIGH and LOW <= y <= HIGH):
            continue
        u, v = np.int64(np.floor(x + 0.5)), np.int64(np.floor(y + 0.5))
        if thinned:
            cell = (v + BUFFER) // CELL * CELLS + (u + BUFFER) // CELL
            if cells[cell]:
                continue
            cells[cell] = 1
        qx[m], qy[m] = u, v
        m += 1
    return write_points(scratch.geometry, zero(), qx, qy, m) if m else 0


@_plain
def _line(shapes: Shapes, r: int, window: Window, scratch: Scratch, state: tuple[End, bool, bool]) -> End:
    """Write a line, or the pieces of it in the tile; one too short for the grid as one unit, where dots are asked for."""
    end, inside, dots = state
    before = end[0]
    if inside:
        m = rounded(shapes, r, window, scratch)
        if m > 1:
            return write_line(scratch.geometry, end[0], (scratch.qx, scratch.qy), m, end[1], end[2])
    else:
        end, m = line_pieces(shapes, r, window, scratch, end)
    if dots and m == 1 and end[0] == before and _within(scratch, 1):
        scratch.qx[1], scratch.qy[1] = scratch.qx[0] + 1, scratch.qy[0]
        return write_line(scratch.geometry, end[0], (scratch.qx, scratch.qy), zero() + 2, end[1], end[2])
    return end


@_plain
def _ring(shapes: Shapes, r: int, window: Window, scratch: Scratch, state: tuple[End, bool, bool]) -> End:
    """Write a closed ring, turned as its role demands; one without area in the grid one unit wide, where dots are asked for."""
    end, inside, dots = state
    m = rounded(shapes, r, window, scratch) if inside else clip_ring(shapes, r, window, scratch)
    qx, qy = scratch.qx, scratch.qy
    while m > 1 and qx[m - 1] == qx[0] and qy[m - 1] == qy[0]:
        m -= 1
    hole, area = shapes.ring_role[r] == HOLE, _area(qx, qy, m)
    if area == 0:
        if hole or not dots or not _within(scratch, m):
            return end
        m = _thin(qx, qy, m)
        area = _area(qx, qy, m)
    return write_ring(scratch.geometry, end[0], (qx, qy), -m if hole == (area > 0) else m, end[1], end[2])


@_plain
def _area(qx: Ints, qy: Ints, m: int) -> int:
    """Twice the area of a ring, positive where it turns from x to y."""
    if m < 3:
        return zero()
    area = qx[m - 1] * qy[0] - qx[0] * qy[m - 1]
    for k in range(m - 1):
        area += qx[k] * qy[k + 1] - qx[k + 1] * qy[k]
    return area


@_plain
def _within(scratch: Scratch, m: int) -> bool:
    """Whether m points that make no area show something of the ring, and not just where it was cut off along the rim of the buffer."""
    qx, qy = scratch.qx, scratch.qy
    within = m == 2 and not _same_side(qx[0], qx[1]) and not _same_side(qy[0], qy[1])  # from one side of the rim to another
    for k in range(m):
        within |= LOW < qx[k] < HIGH and LOW < qy[k] < HIGH
    return within


@_plain
def _same_side(u: int, v: int) -> bool:
    return u == v and u in (LOW, HIGH)


@_plain
def _thin(qx: Ints, qy: Ints, m: int) -> int:
    """Points on one line, or one point, as a ring one unit wide from end to end; its number of points."""
    a = b = zero()
    for k in range(1, m):
        if (qx[k], qy[k]) < (qx[a], qy[a]):
            a = k
        if (qx[k], qy[k]) > (qx[b], qy[b]):
            b = k
    ax, ay, bx, by = qx[a], qy[a], qx[b], qy[b]
    if ax == bx and ay == by:
        bx += 1
    flat = abs(bx - ax) >= abs(by - ay)
    across, down = (0, 1) if flat else (1, 0)
    qx[0], qx[1], qx[2], qx[3] = ax, bx, bx + across, ax + across
    qy[0], qy[1], qy[2], qy[3] = ay, by, by + down, ay + down
    return 4
