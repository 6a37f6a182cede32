"""The numbers of a vector tile's geometry (specification 2.1, 4.3): commands, and zigzag differences as varints.

Each function writes at `p` and returns where it ended and the last point, from which the next difference counts.
"""

from __future__ import annotations

from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Ints = NDArray[np.int64]
End = tuple[int, int, int]  # where it ended, x, y of the last point

MOVE_TO, LINE_TO, CLOSE_PATH = 1, 2, 7
# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)


@_inner
def write_points(out: Bytes, p: int, qx: Ints, qy: Ints, m: int) -> int:
    """The first m points as one command, counted from 0, 0."""
    p = write_varint(out, p, m << 3 | MOVE_TO)
    x = y = zero()
    for k in range(m):
        p = _step(out, p, qx[k] - x, qy[k] - y)
        x, y = qx[k], qy[k]
    return p


@_inner
def write_line(out: Bytes, p: int, line: tuple[Ints, Ints], m: int, x: int, y: int) -> End:
    """The first m points as a line."""
    qx, qy = line
    p = write_varint(out, p, 1 << 3 | MOVE_TO)
    p = _step(out, p, qx[0] - x, qy[0] - y)
    p = write_varint(out, p, (m - 1) << 3 | LINE_TO)
    x, y = qx[0], qy[0]
    for k in range(1, m):
        p = _step(out, p, qx[k] - x, qy[k] - y)
        x, y = qx[k], qy[k]
    return p, x, y


@_inner
def write_ring(out: Bytes, p: int, ring: tuple[Ints, Ints], m: int, x: int, y: int) -> End:
    """The first m points as a closed ring; a negative m has them the other way round."""
    qx, qy = ring
    n = abs(m)
    p = write_varint(out, p, 1 << 3 | MOVE_TO)
    p = _step(out, p, qx[0] - x, qy[0] - y)
    p = write_varint(out, p, (n - 1) << 3 | LINE_TO)
    x, y = qx[0], qy[0]
    k, way = (1, 1) if m > 0 else (n - 1, -1)
    for _ in range(n - 1):
        p = _step(out, p, qx[k] - x, qy[k] - y)
        x, y = qx[k], qy[k]
        k += way
    out[p] = 1 << 3 | CLOSE_PATH
    return p + 1, x, y


@_inner
def _step(out: Bytes, p: int, dx: int, dy: int) -> int:
    p = write_varint(out, p, (dx << 1) ^ (dx >> 63))
    return write_varint(out, p, (dy << 1) ^ (dy >> 63))


@_inner
def write_varint(out: Bytes, p: int, number: Any) -> int:
    """A number that is not negative, seven bits a byte, the lowest first."""
    while number >= 128:
        out[p] = number & 127 | 128
        number >>= 7
        p += 1
    out[p] = number
    return p + 1


@_inner
def write_bytes(out: Bytes, p: int, content: Bytes) -> int:
    """Bytes as they are."""
    for k in range(len(content)):
        out[p + k] = content[k]
    return p + len(content)


@_inner
def length_of(number: Any) -> int:
    """The bytes `write_varint` takes."""
    n = 1
    while number >= 128:
        number >>= 7
        n += 1
    return n


@_inner
def zero() -> int:
    """0 to start counting with: a plain 0 has a type of its own, and all it is given to would be compiled twice."""
    return int(np.int64(0))
