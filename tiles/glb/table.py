"""The property table of a tile (EXT_structural_metadata): what is alike is said once.

A column with one value is the default of its property and has no bytes. One whose texts repeat is an enumeration, a byte or two a row;
other texts lie one after another. Columns of numbers are as they are. The first column, the id, is always there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.glb.binary import Binary

Column = list[str] | NDArray[np.float32] | NDArray[np.int32]
Columns = Mapping[str, Column]

NO_DATA = -9999.0  # stands in number columns where nothing is known
NO_TEXT = "-"  # names the lack of a text in an enumeration, whose names cannot be empty
_SCALAR_TYPES = {"f": "FLOAT32", "i": "INT32"}
_OFFSET_TYPES = (("UINT8", "<u1", 1 << 8), ("UINT16", "<u2", 1 << 16), ("UINT32", "<u4", 1 << 32))
_ENTRY = len('{"name":"","value":000},')  # what a value of an enumeration takes besides its name


def metadata(binary: Binary, columns: Columns) -> dict[str, Any]:
    """The extension's object for the one table and its schema; the bytes go to `binary`."""
    kinds: dict[str, Any] = {}
    values: dict[str, Any] = {}
    enums: dict[str, Any] = {}
    for k, (name, column) in enumerate(columns.items()):
        if isinstance(column, np.ndarray):
            kinds[name], values[name] = _numbers(binary, column)
            continue
        distinct = list(dict.fromkeys(column))
        if k > 0 and len(distinct) == 1:
            kinds[name] = {"type": "STRING", "default": distinct[0]}
        elif _is_repeated(column, distinct):
            kinds[name], enums[name], values[name] = _enumeration(binary, name, column, distinct)
        else:
            kinds[name], values[name] = {"type": "STRING"}, _strings(binary, column)
    schema: dict[str, Any] = {"id": "park", "classes": {"feature": {"properties": kinds}}}
    if enums:
        schema["enums"] = enums
    count = len(next(iter(columns.values())))
    return {"schema": schema, "propertyTables": [{"class": "feature", "count": count, "properties": values}]}


def _numbers(binary: Binary, column: NDArray[Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    kind: dict[str, Any] = {"type": "SCALAR", "componentType": _SCALAR_TYPES[column.dtype.kind]}
    if np.isnan(column).any():
        kind |= {"noData": NO_DATA}
    known = np.where(np.isnan(column), NO_DATA, column)
    return kind, {"values": binary.plain(known.astype(f"<{column.dtype.kind}4").tobytes())}


def _is_repeated(column: Sequence[str], distinct: Sequence[str]) -> bool:
    """Whether an enumeration takes less room than the texts."""
    width = 1 if len(distinct) <= 1 << 8 else 2
    listed = sum(len(text.encode("utf-8", "replace")) + _ENTRY for text in distinct)
    return len(distinct) <= 1 << 16 and listed + width * len(column) < sum(map(len, column)) + 2 * len(column)


def _enumeration(
    binary: Binary, name: str, column: Sequence[str], distinct: Sequence[str]
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The property, the enumeration of its name, and the table's part of it."""
    kind = {"type": "ENUM", "enumType": name}
    names = list(distinct)
    if "" in distinct:
        missing = NO_TEXT
        while missing in distinct:
            missing += NO_TEXT
        names[names.index("")] = missing
        kind |= {"noData": missing}
    value_type, width, _ = _OFFSET_TYPES[0 if len(distinct) <= 1 << 8 else 1]
    number = {text: i for i, text in enumerate(distinct)}
    codes = np.array([number[text] for text in column], width)
    enum = {"valueType": value_type, "values": [{"name": text, "value": i} for i, text in enumerate(names)]}
    return kind, enum, {"values": binary.plain(codes.tobytes())}


def _strings(binary: Binary, column: Sequence[str]) -> dict[str, Any]:
    encoded = [text.encode("utf-8", "replace") for text in column]
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in encoded])])
    offset_type, width = next((kind, width) for kind, width, most in _OFFSET_TYPES if offsets[-1] < most)
    content = b"".join(encoded) or b"\0"  # a view holds one byte at least
    view = binary.plain(content)
    return {"values": view, "stringOffsets": binary.plain(offsets.astype(width).tobytes()), "stringOffsetType": offset_type}
