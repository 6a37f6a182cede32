"""A table as an Apache Parquet file (format 2.10): flat columns, plain encoding, gzip, every value may be missing.

Little enough that no library of a hundred megabytes is needed. File: magic, the pages of each column of each row group, the footer
in Thrift's compact protocol, its length, magic.
"""

from __future__ import annotations

import gzip
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from web.export.columns import Column

MAGIC = b"PAR1"
ROWS = 50_000  # of one row group
CREATED_BY = "parktwin"
# numbers of the enums in parquet.thrift
_BOOLEAN, _INT64, _DOUBLE, _BYTE_ARRAY = 0, 2, 5, 6
_OPTIONAL, _UTF8, _PLAIN, _RLE, _GZIP = 1, 0, 0, 3, 2
# type numbers of Thrift's compact protocol
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12

Field = tuple[int, int, Any]  # id, type number, value; a list's value is (type number, values), a struct's its fields
Fields = Sequence[Field]


@dataclass(frozen=True)
class _Chunk:
    """One column of one row group: where its page begins, how long it is, packed and not, and how many rows it has."""

    offset: int
    packed: int
    plain: int
    rows: int


def parquet(columns: Mapping[str, Column], metadata: Mapping[str, str]) -> bytes:
    """The file that holds `columns` (booleans, int64, float64, text or bytes) and `metadata`."""
    rows = len(next(iter(columns.values()))[1]) if columns else 0
    out = bytearray(MAGIC)
    groups: list[list[_Chunk]] = []
    for start in range(0, rows, ROWS):
        part = slice(start, start + ROWS)
        groups.append([_write_chunk(out, values[part], missing[part]) for values, missing in columns.values()])
    footer = _struct(_file(columns, groups, rows, metadata))
    return bytes(out) + footer + struct.pack("<I", len(footer)) + MAGIC


def _write_chunk(out: bytearray, values: NDArray[Any], missing: NDArray[np.bool_]) -> _Chunk:
    page = _levels(~missing) + _plain(values[~missing])
    packed = gzip.compress(page, 6, mtime=0)
    header = [
        (1, _I32, 0),  # a data page
        (2, _I32, len(page)),
        (3, _I32, len(packed)),
        (5, _STRUCT, [(1, _I32, len(missing)), (2, _I32, _PLAIN), (3, _I32, _RLE), (4, _I32, _RLE)]),
    ]
    head = _struct(header)
    chunk = _Chunk(len(out), len(head) + len(packed), len(head) + len(page), len(missing))
    out += head + packed
    return chunk


def _levels(present: NDArray[np.bool_]) -> bytes:
    """Definition levels as one bit-packed run of groups of eight."""
    bits = np.packbits(present, bitorder="little").tobytes()
    run = _varint(len(bits) << 1 | 1) + bits
    return struct.pack("<I", len(run)) + run


def _plain(values: NDArray[Any]) -> bytes:
    if values.dtype == bool:
        return np.packbits(values, bitorder="little").tobytes()
    if values.dtype != object:
        return values.astype(values.dtype.newbyteorder("<")).tobytes()
    encoded = [value if isinstance(value, bytes) else str(value).encode("utf-8") for value in values]
    return b"".join(part for value in encoded for part in (struct.pack("<I", len(value)), value))


def _file(columns: Mapping[str, Column], groups: Sequence[Sequence[_Chunk]], rows: int, metadata: Mapping[str, str]) -> Fields:
    root: Fields = [(4, _BINARY, "schema"), (5, _I32, len(columns))]
    return [
        (1, _I32, 2),
        (2, _LIST, (_STRUCT, [root, *(_schema(name, values) for name, (values, _) in columns.items())])),
        (3, _I64, rows),
        (4, _LIST, (_STRUCT, [_row_group(columns, group) for group in groups])),
        (5, _LIST, (_STRUCT, [[(1, _BINARY, name), (2, _BINARY, value)] for name, value in metadata.items()])),
        (6, _BINARY, CREATED_BY),
    ]


def _schema(name: str, values: NDArray[Any]) -> Fields:
    column: list[Field] = [(1, _I32, _type(values)), (3, _I32, _OPTIONAL), (4, _BINARY, name)]
    return [*column, (6, _I32, _UTF8), (10, _STRUCT, [(1, _STRUCT, [])])] if _is_text(values) else column


def _row_group(columns: Mapping[str, Column], chunks: Sequence[_Chunk]) -> Fields:
    told = [_column(name, values, chunk) for (name, (values, _)), chunk in zip(columns.items(), chunks, strict=True)]
    size = sum(chunk.plain for chunk in chunks)
    return [(1, _LIST, (_STRUCT, told)), (2, _I64, size), (3, _I64, chunks[0].rows)]


def _column(name: str, values: NDArray[Any], chunk: _Chunk) -> Fields:
    about: Fields = [
        (1, _I32, _type(values)),
        (2, _LIST, (_I32, [_PLAIN, _RLE])),
        (3, _LIST, (_BINARY, [name])),
        (4, _I32, _GZIP),
        (5, _I64, chunk.rows),
        (6, _I64, chunk.plain),
        (7, _I64, chunk.packed),
        (9, _I64, chunk.offset),
    ]
    return [(2, _I64, chunk.offset), (3, _STRUCT, about)]


def _type(values: NDArray[Any]) -> int:
    return {"b": _BOOLEAN, "i": _INT64, "f": _DOUBLE}.get(values.dtype.kind, _BYTE_ARRAY)


def _is_text(values: NDArray[Any]) -> bool:
    return values.dtype == object and not any(isinstance(value, bytes) for value in values)


def _struct(fields: Fields) -> bytes:
    """A struct in Thrift's compact protocol: each field's id as the step from the one before, and its type, in one byte."""
    out, last = bytearray(), 0
    for number, kind, value in fields:
        out.append((number - last) << 4 | kind)
        out += _value(kind, value)
        last = number
    return bytes(out) + b"\0"


def _value(kind: int, value: Any) -> bytes:
    if kind in {_I32, _I64}:
        return _varint(value << 1 if value >= 0 else (-value << 1) - 1)  # zigzag
    if kind == _BINARY:
        encoded = value.encode("utf-8")
        return _varint(len(encoded)) + encoded
    if kind == _STRUCT:
        return _struct(value)
    inner, values = value
    head = bytes([len(values) << 4 | inner]) if len(values) < 15 else bytes([0xF0 | inner]) + _varint(len(values))
    return head + b"".join(_value(inner, item) for item in values)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
