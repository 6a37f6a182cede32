"""The index codecs of EXT_meshopt_compression, modes TRIANGLES and INDICES of its appendix A.

A triangle that shares an edge with one of the sixteen edges before it, and has a corner that comes next, takes one byte. Triangles may
come back rotated (a, b, c as b, c, a), never in another order or turned over. Numbers are LEB128 of zigzag differences.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Indices = NDArray[np.uint32]

_TRIANGLES_HEADER, _SEQUENCE_HEADER = 0xE1, 0xD1
_TABLE = 16  # bytes at the end: which pairs of corners have a code of their own
_TABLED = 14  # of them can be used
_SEQUENCE_TAIL = 4
_WORD = 0xFFFFFFFF
_FREE = 15  # the corner is told as a number
_FRESH = 256  # stands for a pair of corners where another mesh begins, numbered from 0 again
_FIFO_CORNERS = 13  # with an edge known, the third corner may be one of the last 12 but the very last

# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class _Recent(NamedTuple):
    """What the codec remembers."""

    edges: NDArray[np.int64]  # (16, 2) a ring
    corners: NDArray[np.int64]  # (16,) a ring
    at: NDArray[np.int64]  # (5,) indexed by the names below


_EDGE, _CORNER = 0, 1  # the newest place of the rings
_NEXT = 2  # the number that a corner not seen before has
_LAST = 3  # the last corner told as a number
_BYTE = 4  # how far the numbers are written or read


def encode_triangles(indices: Indices) -> bytes:
    """The stream of mode TRIANGLES for indices (3t,) of one mesh or several, each best numbered as its corners first occur."""
    words = np.ascontiguousarray(indices, np.uint32)
    if len(words) % 3:
        raise ValueError(f"{len(words)} indices are no triangles")
    count = len(words) // 3
    code, aux = np.empty(count, np.uint8), np.full(count, -1, np.int16)
    data = np.empty(16 * count, np.uint8)
    length = np.empty(count, np.uint8)
    used = _encode_triangles(words, code, aux, length, data)
    return _assemble(code, aux, length, data[:used]).tobytes()


def encode_sequence(indices: Indices) -> bytes:
    """The stream of mode INDICES for any numbers (n,) below 2^30 apart."""
    words = np.ascontiguousarray(indices, np.uint32)
    out = np.empty(1 + 5 * len(words) + _SEQUENCE_TAIL, np.uint8)
    return out[: _encode_sequence(words, out)].tobytes()


def decode_triangles(content: bytes, count: int) -> Indices:
    """The indices (count,) of a stream of mode TRIANGLES; ValueError where it is none or does not end where it should."""
    source = np.frombuffer(content, np.uint8)
    out = np.empty(count, np.uint32)
    if len(source) < 1 + count // 3 + _TABLE or source[0] != _TRIANGLES_HEADER or count % 3 or _decode_triangles(source, out) != 0:
        raise ValueError("not a stream of meshopt triangles of this size")
    return out


def decode_sequence(content: bytes, count: int) -> Indices:
    """The numbers (count,) of a stream of mode INDICES; ValueError where it is none or does not end where it should."""
    source = np.frombuffer(content, np.uint8)
    out = np.empty(count, np.uint32)
    if len(source) < 1 + count + _SEQUENCE_TAIL or source[0] != _SEQUENCE_HEADER or _decode_sequence(source, out) != 0:
        raise ValueError("not a stream of meshopt indices of this size")
    return out


@_inner
def _recent(unknown: int) -> _Recent:
    return _Recent(np.full((16, 2), unknown, np.int64), np.full(16, unknown, np.int64), np.zeros(5, np.int64))


@_inner
def _push_edge(recent: _Recent, a: int, b: int) -> None:
    newest = (recent.at[_EDGE] + 1) & 15
    recent.edges[newest, 0], recent.edges[newest, 1], recent.at[_EDGE] = a, b, newest


@_inner
def _push(recent: _Recent, corner: int) -> None:
    newest = (recent.at[_CORNER] + 1) & 15
    recent.corners[newest], recent.at[_CORNER] = corner, newest


@_inner
def _find_edge(recent: _Recent, a: int, b: int, c: int) -> int:
    """4 times the age of the youngest edge of the triangle that is known, plus where the triangle starts with it; -1 none."""
    for age in range(15):
        slot = (recent.at[_EDGE] - age) & 15
        e, f = recent.edges[slot, 0], recent.edges[slot, 1]
        if e == a and f == b:
            return 4 * age
        if e == b and f == c:
            return 4 * age + 1
        if e == c and f == a:
            return 4 * age + 2
    return -1


@_inner
def _find_corner(recent: _Recent, corner: int) -> int:
    """The age of a corner, -1 unknown."""
    for age in range(16):
        if recent.corners[(recent.at[_CORNER] - age) & 15] == corner:
            return age
    return -1


@_inner
def _is_next(recent: _Recent, corner: int) -> bool:
    """Whether a corner is the next new one, which then is taken."""
    if corner != recent.at[_NEXT]:
        return False
    recent.at[_NEXT] += 1
    return True


@_inner
def _number(out: Bytes, p: int, value: int) -> int:
    """LEB128."""
    while value > 127:
        out[p] = (value & 127) | 128
        value >>= 7
        p += 1
    out[p] = value
    return p + 1


@_inner
def _tell(recent: _Recent, data: Bytes, index: int) -> None:
    """A corner as its difference from the last one told."""
    delta = (index - recent.at[_LAST]) & _WORD
    recent.at[_BYTE] = _number(data, recent.at[_BYTE], ((delta << 1) & _WORD) ^ (_WORD if delta >> 31 else 0))
    recent.at[_LAST] = index


@numba.njit(cache=True, nogil=True)
def _encode_triangles(indices: Indices, code: Bytes, aux: NDArray[np.int16], length: Bytes, data: Bytes) -> int:
    """Code, pair of corners (-1 none) and bytes of numbers of each triangle; the numbers go to `data`, whose length is told."""
    recent = _recent(-1)
    for t in range(len(code)):
        began = recent.at[_BYTE]
        x, y, z = np.int64(indices[3 * t]), np.int64(indices[3 * t + 1]), np.int64(indices[3 * t + 2])
        is_fresh = x == 0 and y == 1 and z == 2 and recent.at[_NEXT] > 0
        if is_fresh:
            recent.edges[:], recent.corners[:], recent.at[_NEXT] = -1, -1, 0
        found = _find_edge(recent, x, y, z)
        turn = found & 3 if found >= 0 else (1 if y == recent.at[_NEXT] else 2 if z == recent.at[_NEXT] else 0)
        a, b, c = (x, y, z) if turn == 0 else ((y, z, x) if turn == 1 else (z, x, y))
        if found >= 0:
            code[t] = ((found >> 2) << 4) | _third(recent, data, c)
        else:
            code[t], aux[t] = _all_three(recent, data, a, b, c)
            if is_fresh:
                aux[t] = _FRESH
            _push_edge(recent, b, a)
        _push_edge(recent, c, b)
        _push_edge(recent, a, c)
        length[t] = recent.at[_BYTE] - began
    return int(recent.at[_BYTE])


@_inner
def _third(recent: _Recent, data: Bytes, c: int) -> int:
    """How the corner beside a known edge is told."""
    age = _find_corner(recent, c)
    if 1 <= age < _FIFO_CORNERS:
        return age
    how = _FREE
    if _is_next(recent, c):
        how = 0
    elif abs(c - recent.at[_LAST]) == 1:
        how = 13 if c < recent.at[_LAST] else 14
        recent.at[_LAST] = c
    else:
        _tell(recent, data, c)
    _push(recent, c)
    return how


@_inner
def _all_three(recent: _Recent, data: Bytes, a: int, b: int, c: int) -> tuple[int, int]:
    """How a triangle without a known edge is told: the code that says so of its first corner, and the pair of the others."""
    second, third = _find_corner(recent, b) + 1, _find_corner(recent, c) + 1
    first = 0 if _is_next(recent, a) else _FREE
    if not 1 <= second <= 14:
        second = 0 if _is_next(recent, b) else _FREE
    if not 1 <= third <= 14:
        third = 0 if _is_next(recent, c) else _FREE
    for how, own in ((first, a), (second, b), (third, c)):
        if how == _FREE:
            _tell(recent, data, own)
        if how in (0, _FREE):
            _push(recent, own)
    return (0xFE if first == 0 else 0xFF), (second << 4) | third


@numba.njit(cache=True, nogil=True)
def _assemble(code: Bytes, aux: NDArray[np.int16], length: Bytes, data: Bytes) -> Bytes:
    """The stream: the pairs of corners that occur most get the 14 codes of the table."""
    times = np.zeros(256, np.int64)
    for t in range(len(code)):
        if code[t] == 0xFE and aux[t] < _FRESH and aux[t] & 15 != _FREE and aux[t] >> 4 != _FREE:
            times[aux[t]] += 1
    table, rank = np.zeros(_TABLE, np.uint8), np.full(256, -1, np.int64)
    rank[0] = 0  # all three corners new: told outright it would mean a fresh start
    times[0] = 0
    for k in range(1, _TABLED):
        most = np.argmax(times)
        if times[most] > 0:
            table[k], rank[most], times[most] = most, k, 0
    out = np.empty(1 + 2 * len(code) + len(data) + _TABLE, np.uint8)
    out[0] = _TRIANGLES_HEADER
    p, q = 1 + len(code), 0
    for t in range(len(code)):
        out[1 + t] = code[t]
        if aux[t] >= 0:
            if code[t] == 0xFE and aux[t] < _FRESH and rank[aux[t]] >= 0:
                out[1 + t] = 0xF0 | rank[aux[t]]
            else:
                out[p] = aux[t] & 0xFF
                p += 1
        for _ in range(length[t]):
            out[p] = data[q]
            p, q = p + 1, q + 1
    out[p : p + _TABLE] = table
    return out[: p + _TABLE]


@numba.njit(cache=True, nogil=True)
def _encode_sequence(indices: Indices, out: Bytes) -> int:
    last = np.zeros(2, np.int64)
    out[0] = _SEQUENCE_HEADER
    p = 1
    for i in range(len(indices)):
        index = np.int64(indices[i])
        baseline = 1 if abs(index - last[1]) < abs(index - last[0]) else 0
        delta = index - last[baseline]
        zigzag = 2 * delta if delta >= 0 else -2 * delta - 1
        p = _number(out, p, 2 * zigzag + baseline)
        last[baseline] = index
    out[p : p + _SEQUENCE_TAIL] = 0
    return p + _SEQUENCE_TAIL


@_inner
def _read_number(source: Bytes, at: NDArray[np.int64], end: int) -> int:
    """LEB128 at `at[_BYTE]`, which moves on; past the end there are zeros."""
    value, shift = 0, 0
    while shift < 35:
        byte = np.int64(source[at[_BYTE]]) if at[_BYTE] < end else 0
        at[_BYTE] += 1
        value |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return int(value & _WORD)


@_inner
def _read_corner(how: int, source: Bytes, recent: _Recent, end: int) -> int:
    """A corner: 0 the next new one, 13 and 14 beside the last number, 15 a number."""
    at = recent.at
    if how == 0:
        at[_NEXT] += 1
        return int(at[_NEXT] - 1)
    if how == _FREE:
        value = _read_number(source, at, end)
        at[_LAST] = (at[_LAST] + ((value >> 1) ^ (_WORD if value & 1 else 0))) & _WORD
    else:
        at[_LAST] = (at[_LAST] + (1 if how == 14 else -1)) & _WORD
    return int(at[_LAST])


@_inner
def _read_third(how: int, source: Bytes, recent: _Recent, end: int) -> int:
    """The corner beside a known edge."""
    if 0 < how < _FIFO_CORNERS:
        return int(recent.corners[(recent.at[_CORNER] - how) & 15])
    corner = _read_corner(how, source, recent, end)
    _push(recent, corner)
    return corner


@_inner
def _read_other(how: int, source: Bytes, recent: _Recent, end: int) -> int:
    """The second or third corner of a triangle without a known edge."""
    if 0 < how < _FREE:
        return int(recent.corners[(recent.at[_CORNER] - how + 1) & 15])
    return _read_corner(how, source, recent, end)


@_inner
def _read_all_three(low: int, source: Bytes, recent: _Recent, end: int) -> tuple[int, int, int]:
    pair = np.int64(source[end + low])
    if low >= _TABLED:
        pair = np.int64(source[recent.at[_BYTE]]) if recent.at[_BYTE] < end else 0
        recent.at[_BYTE] += 1
        if pair == 0:
            recent.at[_NEXT] = 0
    a = _read_corner(_FREE if low == _FREE else 0, source, recent, end)
    b = _read_other(pair >> 4, source, recent, end)
    c = _read_other(pair & 15, source, recent, end)
    _push(recent, a)
    if pair >> 4 in (0, _FREE):
        _push(recent, b)
    if pair & 15 in (0, _FREE):
        _push(recent, c)
    return a, b, c


@numba.njit(cache=True, nogil=True)
def _decode_triangles(source: Bytes, out: Indices) -> int:
    """Fill `out` with indices; how many bytes were left over, negative where some were missing."""
    recent = _recent(0)
    count, end = len(out) // 3, len(source) - _TABLE
    recent.at[_BYTE] = 1 + count
    for t in range(count):
        high, low = np.int64(source[1 + t] >> 4), np.int64(source[1 + t] & 15)
        if high < 15:
            slot = (recent.at[_EDGE] - high) & 15
            a, b = recent.edges[slot, 0], recent.edges[slot, 1]
            c = _read_third(low, source, recent, end)
        else:
            a, b, c = _read_all_three(low, source, recent, end)
            _push_edge(recent, b, a)
        _push_edge(recent, c, b)
        _push_edge(recent, a, c)
        out[3 * t], out[3 * t + 1], out[3 * t + 2] = a, b, c
    return int(end - recent.at[_BYTE])


@numba.njit(cache=True, nogil=True)
def _decode_sequence(source: Bytes, out: Indices) -> int:
    at, last = np.zeros(5, np.int64), np.zeros(2, np.int64)
    at[_BYTE] = 1
    end = len(source) - _SEQUENCE_TAIL
    for i in range(len(out)):
        value = _read_number(source, at, end)
        last[value & 1] = (last[value & 1] + ((value >> 2) ^ (_WORD if value & 2 else 0))) & _WORD
        out[i] = last[value & 1]
    return int(end - at[_BYTE])
