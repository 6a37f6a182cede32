"""A layer's attributes laid out for tile encoding: every different key and value encoded once, features as numbers of them.

Messages are those of the vector tile specification 2.1, 4.1: a layer's `keys` (field 3) and `values` (field 4).
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.model import FeatureTable

LONGEST_TEXT = 1024  # longer texts are read through the feature's own address, not carried by every tile
LARGEST_INTEGER = 2**53  # beyond it a browser's numbers are no longer exact
Plain = str | bool | int | float  # what a tile can carry
_TAG_BYTES = 3.0  # two numbers, mostly of one and two bytes
_SHORT = [bytes([number]) for number in range(128)]
_JSON_TYPES = (list, tuple, dict)


class Properties(NamedTuple):
    """Tags of n features, and the messages they name."""

    tag_start: NDArray[np.int64]  # (n + 1,)
    tag_key: NDArray[np.int32]  # (t,)
    tag_value: NDArray[np.int32]  # (t,)
    key_start: NDArray[np.int64]  # (k + 1,) bytes
    keys: NDArray[np.uint8]
    value_start: NDArray[np.int64]  # (v + 1,) bytes
    values: NDArray[np.uint8]


def properties(table: FeatureTable) -> tuple[Properties, dict[str, str]]:
    """The attributes of the features, and what each column holds: `String`, `Number` or `Boolean`."""
    columns: dict[str, Sequence[Any]] = {"id": table.ids} | {name: v for name, v in table.columns.items() if name != "id"}
    numbers: dict[tuple[type, Plain], int] = {}  # by type, too: 1, 1.0 and True are equal and not the same
    rows, keys, values = list[NDArray[np.int64]](), list[NDArray[np.int64]](), list[NDArray[np.int64]]()
    fields: dict[str, str] = {}
    for name, column in columns.items():
        present = [(i, value) for i, value in enumerate(map(plain, column)) if value is not None]
        if not present:
            continue
        rows.append(np.array([i for i, _ in present], np.int64))
        keys.append(np.full(len(present), len(fields), np.int64))
        values.append(np.array([numbers.setdefault((type(value), value), len(numbers)) for _, value in present], np.int64))
        fields[name] = _field_type(value for _, value in present)
    row = np.concatenate(rows) if rows else np.empty(0, np.int64)
    order = np.argsort(row, kind="stable")
    key = np.concatenate(keys)[order] if rows else row
    value = np.concatenate(values)[order] if rows else row
    tag_start = np.searchsorted(row[order], np.arange(len(table) + 1))
    key_blob = _blob([_message(3, name.encode()) for name in fields])
    return Properties(
        tag_start, key.astype(np.int32), value.astype(np.int32), *key_blob, *_blob([_value(value) for _, value in numbers])
    ), fields


def row_bytes(found: Properties) -> NDArray[np.float64]:
    """What the attributes of each feature (n,) take in a tile, about: a value is shared by all features that have it [bytes]."""
    size = np.diff(found.value_start) / np.maximum(1, np.bincount(found.tag_value, minlength=len(found.value_start) - 1))
    total = np.concatenate([[0.0], np.cumsum(size[found.tag_value] + _TAG_BYTES)])
    return total[found.tag_start[1:]] - total[found.tag_start[:-1]]


def varint(number: int) -> bytes:
    """A non-negative integer in the variable-length form of protocol buffers."""
    if number < 128:
        return _SHORT[number]
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def _message(field: int, content: bytes) -> bytes:
    return bytes([field << 3 | 2]) + varint(len(content)) + content


def plain(value: Any) -> Plain | None:
    """A value a tile can carry: text, truth value or number; None where there is none worth carrying."""
    if value is None or isinstance(value, (str, bool)):
        text = value
    elif isinstance(value, (int, np.integer)):
        number = int(value)
        text = number if abs(number) <= LARGEST_INTEGER else str(number)
    elif isinstance(value, (float, np.floating)):
        text = None if math.isnan(value) else float(value) if math.isfinite(value) else str(float(value))
    elif isinstance(value, np.bool_):
        text = bool(value)
    elif isinstance(value, _JSON_TYPES):
        text = json.dumps(value, ensure_ascii=False, default=str)
    else:
        text = None if isinstance(value, (bytes, bytearray, memoryview)) else str(value)
    return None if isinstance(text, str) and (not text or len(text) > LONGEST_TEXT) else text


def _value(value: Plain) -> bytes:
    """The `values` message of a value, its field included."""
    if isinstance(value, str):
        return _message(4, _message(1, value.encode("utf-8", "replace")))
    if isinstance(value, bool):
        return _message(4, bytes([7 << 3, value]))
    if isinstance(value, int):
        return _message(4, bytes([5 << 3]) + varint(value) if value >= 0 else bytes([6 << 3]) + varint(-2 * value - 1))
    short = struct.pack("<f", value) if abs(value) < 3e38 else b""
    if short and struct.unpack("<f", short)[0] == value:
        return _message(4, bytes([2 << 3 | 5]) + short)
    return _message(4, bytes([3 << 3 | 1]) + struct.pack("<d", value))


def _field_type(values: Iterable[Any]) -> str:
    types = {type(value) for value in values}
    if types == {bool}:
        return "Boolean"
    return "Number" if types <= {int, float} else "String"


def _blob(messages: Sequence[bytes]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    start = np.zeros(len(messages) + 1, np.int64)
    np.cumsum([len(message) for message in messages], out=start[1:])
    return start, np.frombuffer(b"".join(messages), np.uint8)
