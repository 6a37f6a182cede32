"""Rings and lines as the integers of one tile: vertices that matter at its zoom, cut to the tile and its buffer, rounded."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.mvt.geometry import EXTENT, Shapes
from tiles.mvt.write import Bytes, End, write_line, zero

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

BUFFER = 64  # units beyond the edge that a tile still holds, so that outlines and icons do not end at it
LOW, HIGH = -BUFFER, EXTENT + BUFFER
# without reference counts, and in line: see tiles/mvt/encode.py
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False, forceinline=True)
# called from four places: in line it would be compiled four times
_apart: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


class Window(NamedTuple):
    """One tile: where it lies and how finely it shows."""

    zoom: int
    area: tuple[float, float, float, float]  # minx miny maxx maxy, buffer included [unit mercator]
    scale: float  # units of the tile grid in the whole world
    x0: float  # the tile's corner in those units
    y0: float
    tolerance: float  # vertices that matter less are dropped [unit mercator]
    keep_all: bool  # at the last zoom nothing is too small to be shown


class Scratch(NamedTuple):
    """Room for one ring at a time, and for the geometry of one item."""

    ax: Floats
    ay: Floats
    bx: Floats
    by: Floats
    qx: Ints
    qy: Ints
    geometry: Bytes
    cells: NDArray[np.uint8]  # taken by a point of the item; empty where no item is so large that its points are thinned


@_inner
def placed(shapes: Shapes, r: int, window: Window) -> int:
    """Whether a ring's box lies inside the tile and its buffer (1), across its edge (0) or outside (-1)."""
    box = shapes.ring_box
    low_x, low_y = box[r, 0] * window.scale - window.x0, box[r, 1] * window.scale - window.y0
    high_x, high_y = box[r, 2] * window.scale - window.x0, box[r, 3] * window.scale - window.y0
    if high_x < LOW or high_y < LOW or low_x > HIGH or low_y > HIGH:
        return -1
    return 1 if low_x >= LOW and low_y >= LOW and high_x <= HIGH and high_y <= HIGH else 0


@_inner
def rounded(shapes: Shapes, r: int, window: Window, scratch: Scratch) -> int:
    """Put a whole ring that lies inside into qx, qy; the number of its points, none of which is the one before again."""
    points, importance, qx, qy = shapes.coordinates, shapes.importance, scratch.qx, scratch.qy
    scale, x0, y0, tolerance = window.scale, window.x0 - 0.5, window.y0 - 0.5, window.tolerance
    m, every = zero(), shapes.ring_least[r] >= tolerance
    x = y = np.int64(-(2**62))
    for k in range(shapes.ring_start[r], shapes.ring_start[r + 1]):
        if every or importance[k] >= tolerance:
            u, v = np.int64(np.floor(points[k, 0] * scale - x0)), np.int64(np.floor(points[k, 1] * scale - y0))
            if u != x or v != y:
                qx[m], qy[m] = u, v
                m += 1
                x, y = u, v
    return m


@_inner
def clip_ring(shapes: Shapes, r: int, window: Window, scratch: Scratch) -> int:
    """Cut a ring to the tile and its buffer (Sutherland and Hodgman 1974) and put it into qx, qy; its number of points."""
    ax, ay, bx, by, box = scratch.ax, scratch.ay, scratch.bx, scratch.by, shapes.ring_box
    n = _taken(shapes, r, window, ax, ay)
    if box[r, 0] * window.scale - window.x0 < LOW:
        n = _clip_side((ax, ay), n, (bx, by), 1.0, -float(LOW))
        ax, ay, bx, by = bx, by, ax, ay
    if box[r, 2] * window.scale - window.x0 > HIGH:
        n = _clip_side((ax, ay), n, (bx, by), -1.0, float(HIGH))
        ax, ay, bx, by = bx, by, ax, ay
    if box[r, 1] * window.scale - window.y0 < LOW:
        n = _clip_side((ay, ax), n, (by, bx), 1.0, -float(LOW))
        ax, ay, bx, by = bx, by, ax, ay
    if box[r, 3] * window.scale - window.y0 > HIGH:
        n = _clip_side((ay, ax), n, (by, bx), -1.0, float(HIGH))
        ax, ay, bx, by = bx, by, ax, ay
    m, qx, qy = zero(), scratch.qx, scratch.qy
    for k in range(n):
        m = _append(qx, qy, m, ax[k], ay[k])
    return m


@_inner
def _taken(shapes: Shapes, r: int, window: Window, ax: Floats, ay: Floats) -> int:
    """Put the vertices of a ring that matter at this zoom into ax, ay, in units of the tile; their number."""
    points, importance, n = shapes.coordinates, shapes.importance, zero()
    for k in range(shapes.ring_start[r], shapes.ring_start[r + 1]):
        if importance[k] >= window.tolerance:
            ax[n] = points[k, 0] * window.scale - window.x0
            ay[n] = points[k, 1] * window.scale - window.y0
            n += 1
    return n


@_apart
def _clip_side(ring: tuple[Floats, Floats], n: int, out: tuple[Floats, Floats], sign: float, limit: float) -> int:
    """The part of a ring where sign * u + limit is not negative; its length."""
    u, v = ring
    out_u, out_v = out
    m = zero()
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
def line_pieces(shapes: Shapes, r: int, window: Window, scratch: Scratch, end: End) -> tuple[End, int]:
    """Write the pieces of a line that lie in the tile (Liang and Barsky 1984, segment by segment), and the last one's points."""
    ax, ay, qx, qy, out = scratch.ax, scratch.ay, scratch.qx, scratch.qy, scratch.geometry
    m, low, high = zero(), float(LOW), float(HIGH)
    for k in range(_taken(shapes, r, window, ax, ay) - 1):
        x, y = ax[k], ay[k]
        dx, dy = ax[k + 1] - x, ay[k + 1] - y
        t0, t1 = _inside_part(x, dx, low, high, 0.0, 1.0)
        t0, t1 = _inside_part(y, dy, low, high, t0, t1)
        if t0 > t1:
            continue
        if m == 0 or t0 > 0.0:
            if m > 1:
                end = write_line(out, end[0], (qx, qy), m, end[1], end[2])
            m = _append(qx, qy, zero(), x + t0 * dx, y + t0 * dy)
        m = _append(qx, qy, m, x + t1 * dx, y + t1 * dy)
        if t1 < 1.0 and m > 1:
            end = write_line(out, end[0], (qx, qy), m, end[1], end[2])
            m = zero()
    if m > 1:
        end = write_line(out, end[0], (qx, qy), m, end[1], end[2])
    return end, m


@_inner
def _inside_part(start: float, delta: float, low: float, high: float, t0: float, t1: float) -> tuple[float, float]:
    """The part of t0..t1 in which start + t * delta lies between low and high; t0 > t1 where there is none."""
    if delta == 0.0:
        return (t0, t1) if low <= start <= high else (1.0, 0.0)
    a, b = (low - start) / delta, (high - start) / delta
    return max(t0, min(a, b)), min(t1, max(a, b))


@_inner
def _append(qx: Ints, qy: Ints, m: int, x: float, y: float) -> int:
    """Add a rounded point unless it is the last one again; how many there are."""
    u, v = np.int64(np.floor(x + 0.5)), np.int64(np.floor(y + 0.5))
    if m and qx[m - 1] == u and qy[m - 1] == v:
        return m
    qx[m], qy[m] = u, v
    return m + 1
