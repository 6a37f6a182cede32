"""The byte codec of EXT_meshopt_compression: rows of bytes, mode ATTRIBUTES of its appendix A, and the one filter we use.

Each byte of a row is told by its difference to the same byte of the row before: small differences of sixteen rows share a few bits.
Whatever is alike from row to row therefore costs next to nothing, and the result still shrinks under gzip or brotli. The index codecs
are in `tiles.glb.meshopt_index`, offered here too.
"""

from __future__ import annotations

from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.glb.meshopt_index import decode_sequence, decode_triangles, encode_sequence, encode_triangles

__all__ = [
    "MAX_EXPONENTIAL",
    "decode_attributes",
    "decode_exponential",
    "decode_octahedral",
    "decode_sequence",
    "decode_triangles",
    "encode_attributes",
    "encode_exponential",
    "encode_sequence",
    "encode_triangles",
]

Bytes = NDArray[np.uint8]

MAX_STRIDE = 256
_HEADER = 0xA0
_GROUP = 16  # rows that share one width of differences
_BLOCK_BYTES, _BLOCK_ROWS = 8192, 256
_TAIL = 32  # the row that the first differences are to, and zeros before it
_MANTISSA_BITS = 24
MAX_EXPONENTIAL = (1 << _MANTISSA_BITS - 1) - 1  # the largest whole number that filter EXPONENTIAL takes

# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


def encode_attributes(rows: Bytes) -> bytes:
    """The stream of mode ATTRIBUTES for rows (n, stride); the stride is a multiple of 4 and at most 256."""
    count, stride = rows.shape
    if stride % 4 or not 4 <= stride <= MAX_STRIDE:
        raise ValueError(f"rows of {stride} bytes: EXT_meshopt_compression takes multiples of 4 up to {MAX_STRIDE}")
    blocks = -(-count // _block_rows(stride))
    out = np.empty(1 + stride * (count + (_GROUP + _BLOCK_ROWS // _GROUP // 4) * blocks) + max(_TAIL, stride), np.uint8)
    return out[: _encode(np.ascontiguousarray(rows), out)].tobytes()


def decode_attributes(content: bytes, count: int, stride: int) -> Bytes:
    """The rows (count, stride) of a stream of mode ATTRIBUTES; ValueError where it is none or does not end where it should."""
    source = np.frombuffer(content, np.uint8)
    out = np.empty((count, stride), np.uint8)
    tail = max(_TAIL, stride)
    if len(source) < 1 + tail or source[0] != _HEADER or _decode(source[: len(source) - tail], source[len(source) - stride :], out) != 0:
        raise ValueError("not a stream of meshopt attributes of this size")
    return out


def encode_exponential(values: NDArray[np.int32], exponent: int) -> Bytes:
    """What filter EXPONENTIAL (appendix B) makes `values * 2**exponent` of, as rows (n, 4k) for `encode_attributes`.

    `values` (n, k) lie within 24 bits, sign included; the floats that come out are exact.
    """
    words = np.ascontiguousarray(values, "<i4").view("<u4") & ((1 << _MANTISSA_BITS) - 1)
    words |= (exponent & 0xFF) << _MANTISSA_BITS
    return words.view(np.uint8)


def decode_exponential(rows: Bytes) -> NDArray[np.float32]:
    """The floats (n, k) that rows (n, 4k) stand for under filter EXPONENTIAL."""
    words = np.ascontiguousarray(rows).view("<i4")
    return np.ldexp(((words << 8) >> 8).astype(np.float32), words >> _MANTISSA_BITS)


def decode_octahedral(rows: Bytes) -> NDArray[np.int8]:
    """The directions (n, 4) in 127ths, and the byte beside them, that rows (n, 4) stand for under filter OCTAHEDRAL."""
    signed = rows.view(np.int8)
    x, y = (signed[:, k] / signed[:, 2].astype(np.float32) for k in (0, 1))
    z = 1.0 - np.abs(x) - np.abs(y)
    below = np.maximum(-z, 0.0)
    x, y = x - np.where(x >= 0.0, below, -below), y - np.where(y >= 0.0, below, -below)
    scale = 127.0 / np.sqrt(x * x + y * y + z * z)
    return np.column_stack([np.rint(x * scale), np.rint(y * scale), np.rint(z * scale), signed[:, 3]]).astype(np.int8)


@_inner
def _block_rows_inner(stride: int) -> int:
    return min(_BLOCK_BYTES // stride // _GROUP * _GROUP, _BLOCK_ROWS)


def _block_rows(stride: int) -> int:
    return min(_BLOCK_BYTES // stride // _GROUP * _GROUP, _BLOCK_ROWS)


@numba.njit(cache=True, nogil=True)
def _encode(rows: Bytes, out: Bytes) -> int:
    """Write the stream into `out` and tell its length."""
    count, stride = rows.shape
    most = _block_rows_inner(stride)
    last = np.zeros(stride, np.uint8)
    if count:
        last[:] = rows[0]
    deltas = np.empty(_BLOCK_ROWS, np.uint8)
    out[0] = _HEADER
    p = 1
    for start in range(0, count, most):
        n = min(most, count - start)
        groups = (n + _GROUP - 1) // _GROUP
        for k in range(stride):
            before = last[k]
            for i in range(n):
                value = rows[start + i, k]
                delta = np.uint8(value - before)
                deltas[i] = np.uint8((delta << 1) ^ (0xFF if delta & 0x80 else 0))  # zigzag
                before = value
            deltas[n : groups * _GROUP] = 0
            last[k] = before
            p = _encode_column(deltas, groups, out, p)
    tail = max(_TAIL, stride)
    out[p : p + tail] = 0
    if count:
        out[p + tail - stride : p + tail] = rows[0]
    return p + tail


@_inner
def _encode_column(deltas: Bytes, groups: int, out: Bytes, p: int) -> int:
    """The differences of one byte over a block: the width of each group, then the groups."""
    header = p
    p += (groups + 3) // 4
    out[header:p] = 0
    for g in range(groups):
        first = g * _GROUP
        beyond2 = beyond4 = 0
        zero = True
        for i in range(first, first + _GROUP):
            delta = deltas[i]
            zero = zero and delta == 0
            beyond2 += delta >= 3
            beyond4 += delta >= 15
        if zero:
            continue
        mode = 3
        if 4 + beyond2 <= 8 + beyond4 and 4 + beyond2 < _GROUP:
            mode = 1
        elif 8 + beyond4 < _GROUP:
            mode = 2
        out[header + g // 4] |= mode << (2 * (g % 4))
        p = _encode_group(deltas, first, mode, out, p)
    return p


@_inner
def _encode_group(deltas: Bytes, first: int, mode: int, out: Bytes, p: int) -> int:
    """Sixteen differences in 2, 4 or 8 bits each, most significant first; what does not fit follows as whole bytes."""
    if mode == 3:
        for i in range(_GROUP):
            out[p + i] = deltas[first + i]
        return p + _GROUP
    bits = 2 * mode
    each, most = 8 // bits, (1 << bits) - 1
    rest = p + _GROUP // each
    for i in range(0, _GROUP, each):
        packed = 0
        for j in range(i, i + each):
            delta = int(deltas[first + j])
            packed = (packed << bits) | min(delta, most)
            if delta >= most:
                out[rest] = delta
                rest += 1
        out[p + i // each] = packed
    return rest


@numba.njit(cache=True, nogil=True)
def _decode(source: Bytes, baseline: Bytes, out: Bytes) -> int:
    """Fill `out` with the rows; what is left of `source` afterwards, negative where it was too short. [bytes]"""
    count, stride = out.shape
    most = _block_rows_inner(stride)
    last = baseline.copy()
    deltas = np.empty(_BLOCK_ROWS, np.uint8)
    p = 1
    for start in range(0, count, most):
        n = min(most, count - start)
        groups = (n + _GROUP - 1) // _GROUP
        for k in range(stride):
            p = _decode_column(source, p, groups, deltas)
            if p < 0:
                return -1
            value = last[k]
            for i in range(n):
                delta = deltas[i]
                value = np.uint8(value + ((delta >> 1) ^ (0xFF if delta & 1 else 0)))
                out[start + i, k] = value
            last[k] = value
    return len(source) - p


@_inner
def _decode_column(source: Bytes, p: int, groups: int, deltas: Bytes) -> int:
    header = p
    p += (groups + 3) // 4
    for g in range(groups):
        if p > len(source):
            return -1
        mode = (source[header + g // 4] >> (2 * (g % 4))) & 3
        first = g * _GROUP
        if mode == 0:
            deltas[first : first + _GROUP] = 0
            continue
        bits = 2 * mode if mode < 3 else 8
        each, most = 8 // bits, (1 << bits) - 1
        rest = p + _GROUP // each
        for i in range(_GROUP):
            if max(rest, p + i // each) >= len(source) + (mode == 3 or p + i // each < rest):
                return -1
            delta = (source[p + i // each] >> (8 - bits - bits * (i % each))) & most
            if mode < 3 and delta == most:
                if rest >= len(source):
                    return -1
                delta = source[rest]
                rest += 1
            deltas[first + i] = delta
        p = rest
    return p
