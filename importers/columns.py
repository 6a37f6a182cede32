"""Source columns turned into ours: names mapped, heights and storeys made numbers, states put into our words, ids found or made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from json.encoder import encode_basestring_ascii as encode_text
from math import isfinite
from typing import Any

import numpy as np
import shapely

from importers.tables import Table
from importers.values import OutOfRange, choice, date, is_missing, is_unit, number, text
from importers.vocabulary import HAN, bracketed, meaning, rank
from twin.model import FEATURE_COLUMNS, Issue

# number columns: unit, and the range beyond which a field means something else [same unit]
_NUMBERS = {"height_m": ("m", -100.0, 1000.0), "base_m": ("m", -500.0, 9000.0), "storeys": ("1", 0.0, 200.0)}


@dataclass(frozen=True)
class Attributes:
    """n rows of attributes under our names, the source column each came from, and what could not be read."""

    columns: Mapping[str, Sequence[Any]]
    sources: Mapping[str, str]
    issues: Sequence[Issue]


@dataclass(frozen=True)
class Identity:
    """n ids, unique; the source column they came from, if any; and what had to be changed."""

    ids: Sequence[str]
    column: str | None
    issues: Sequence[Issue]


def attributes(table: Table, subjects: Sequence[str], used: Sequence[str | None] = ()) -> Attributes:
    """The columns of a table under our names; others are kept as they came.

    Parameters
    ----------
    table
        n rows.
    subjects
        What an Issue calls each row (n,).
    used
        Columns that are something else already, as the one the ids come from.
    """
    chosen = {ours: _best(table, ours, used) for ours in FEATURE_COLUMNS}
    sources = {ours: name for ours, name in chosen.items() if name is not None}
    issues: list[Issue] = []
    columns: dict[str, Sequence[Any]] = {}
    kept_too: set[str] = set()
    for ours, name in sources.items():
        columns[ours], failed = _read(ours, name, table.columns[name], subjects)
        issues.extend(failed)
        kept_too |= {name} if failed else set()
    columns |= _both_names(columns)
    gone = {name for name in [*sources.values(), *used] if name is not None} - kept_too
    return Attributes(columns | _others(table, gone, columns), sources, issues)


def identity(table: Table) -> Identity:
    """An id for each row: from an id column, from the file's own keys, or a hash of what the row says and where it is.

    A hash is the same for the same row in the next version of the file. A column most of whose values repeat is no identity.
    """
    column = next((name for name in _id_columns(table) if _tells_apart(table.columns[name])), None)
    own = [text(value) for value in table.columns[column]] if column is not None else table.ids
    open_rows = [i for i, value in enumerate(own or [None] * len(table)) if not value]
    hashed = dict(zip(open_rows, _hashes(table, open_rows), strict=True))
    wanted = [value or hashed[i] for i, value in enumerate(own or [None] * len(table))]
    ids = _unique(wanted)
    repeated = [(old, new) for old, new in zip(wanted, ids, strict=True) if old != new] if column is not None else []
    issues = [Issue("id_repeated", "warning", f"{table.name}/{old}", {"column": column, "used": new}) for old, new in repeated]
    return Identity(ids, column, issues)


def _best(table: Table, ours: str, used: Sequence[str | None]) -> str | None:
    named = [name for name in table.columns if name not in used and meaning("feature_columns", name) == ours]
    filled = [name for name in named if any(not is_missing(value) for value in table.columns[name])]
    return min(filled, key=lambda name: rank("feature_columns", ours, name), default=None)


def _read(ours: str, name: str, values: Sequence[Any], subjects: Sequence[str]) -> tuple[list[Any], list[Issue]]:
    quick = _quickly(ours, name, values)
    if quick is not None:
        return quick, []
    reader = _reader(ours, name)
    out: list[Any] = []
    issues: list[Issue] = []
    for value, subject in zip(values, subjects, strict=True):
        try:
            out.append(reader(value))
        except OutOfRange:
            out.append(None)
            issues.append(Issue("value_out_of_range", "warning", subject, {"column": name, "value": value}))
        except ValueError:
            out.append(None)
            issues.append(Issue("value_not_number", "warning", subject, {"column": name, "value": value}))
    return out, issues


def _quickly(ours: str, name: str, values: Sequence[Any]) -> list[Any] | None:
    """The column read at once where it is nothing but numbers in range, or text for a column of text; None where cells need a look."""
    types = set(map(type, values)) - {type(None)}
    if ours in _NUMBERS and types <= {int, float}:
        unit, least, most = _NUMBERS[ours]
        given = bracketed(name) if is_unit(bracketed(name), unit) else ""
        found = np.array(values, float) * (number(1.0, unit, given) or 1.0)  # None becomes NaN
        if not np.all(np.isnan(found) | ((found >= least) & (found <= most))):
            return None
        numbers = np.rint(found) if unit == "1" else found
        whole = int if unit == "1" else float
        return [None if value is None else whole(read) for value, read in zip(values, numbers.tolist(), strict=True)]
    if ours not in {*_NUMBERS, "status", "valid_from", "functions"} and types <= {str}:
        return [None if value is None else value.strip() or None for value in values]
    return None


def _reader(ours: str, name: str) -> Callable[[Any], Any]:
    if ours in _NUMBERS:
        unit, least, most = _NUMBERS[ours]
        given = bracketed(name) if is_unit(bracketed(name), unit) else ""
        return partial(_number, unit=unit, given=given, least=least, most=most)
    return {"status": _status, "valid_from": date, "functions": _listed}.get(ours, text)


def _number(value: Any, *, unit: str, given: str, least: float, most: float) -> float | int | None:
    found = number(value, unit, given)
    if found is not None and not least <= found <= most:
        raise OutOfRange(value)
    return round(found) if found is not None and unit == "1" else found


def _status(value: Any) -> str | None:
    try:
        return choice("status", value)
    except ValueError:
        return text(value)


def _listed(value: Any) -> str | None:
    return ";".join(str(part) for part in value) if isinstance(value, list) else text(value)


def _both_names(columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """`name` and `name_zh`, each from the other where it is missing and the language allows."""
    names, chinese = columns.get("name"), columns.get("name_zh")
    if names is None and chinese is not None:
        return {"name": chinese}
    if names is not None and chinese is None:
        found = HAN.search
        told = [name if name and not name.isascii() and found(name) else None for name in names]
        return {"name_zh": told} if any(told) else {}
    return {}


def _others(table: Table, gone: set[str], columns: Mapping[str, Sequence[Any]]) -> dict[str, Sequence[Any]]:
    """The columns that are left, under their own names; a name that differs from another's in case alone gets a number."""
    taken = {name.casefold() for name in [*columns, *FEATURE_COLUMNS, "id"]}
    out: dict[str, Sequence[Any]] = {}
    for name, values in table.columns.items():
        if name in gone or all(value is None for value in values):
            continue
        free = next(each for each in (name, *(f"{name}_{k}" for k in range(2, len(table.columns) + 20))) if each.casefold() not in taken)
        taken.add(free.casefold())
        out[free] = (
            [f"{len(value)} bytes" if isinstance(value, bytes) else value for value in values] if bytes in map(type, values) else values
        )
    return out


def _id_columns(table: Table) -> list[str]:
    named = [name for name in table.columns if meaning("identity", name) == "id"]
    return sorted(named, key=lambda name: rank("identity", "id", name))


def _tells_apart(values: Sequence[Any]) -> bool:
    if set(map(type, values)) == {int}:
        return len(set(values)) * 2 >= len(values)
    filled = [text(value) for value in values if not is_missing(value)]
    return len(filled) * 2 > len(values) and len(set(filled)) * 2 >= len(filled)


def _unique(wanted: Sequence[str]) -> list[str]:
    """The ids, with `-2`, `-3` … on those that came before."""
    seen = set(wanted)
    if len(seen) == len(wanted):
        return list(wanted)
    used: set[str] = set()
    out: list[str] = []
    for each in wanted:
        free = each
        k = 2
        while free in used or (free != each and free in seen):
            free = f"{each}-{k}"
            k += 1
        used.add(free)
        out.append(free)
    return out


def _hashes(table: Table, rows: Sequence[int]) -> list[str]:
    """What tells rows apart that have no id: a hash of all they say, as JSON with sorted keys, and of where they are."""
    if not rows:
        return []
    named = sorted(table.columns)
    form = "{" + ", ".join(f"{encode_text(name)}: ".replace("%", "%%") + "%s" for name in named) + "}"
    whole = len(rows) == len(table)
    columns = [table.columns[name] for name in named]
    written = [_written(values if whole else [values[i] for i in rows]) for values in columns]
    said = [(form % cells).encode() for cells in zip(*written, strict=True)] if written else [b"{}"] * len(rows)
    if table.geometry is None:
        return [sha256(text).hexdigest()[:12] for text in said]
    places = shapely.to_wkb(table.geometry[list(rows)])
    return [sha256(text + (place or b"")).hexdigest()[:12] for text, place in zip(said, places, strict=True)]


def _written(values: Sequence[Any]) -> list[str]:
    """Each value as JSON."""
    kinds = set(map(type, values))
    if kinds == {float} and all(map(isfinite, values)):
        return list(map(float.__repr__, values))
    plain = {str: encode_text, int: int.__repr__}
    if len(kinds) == 1 and kinds <= plain.keys():
        return list(map(plain[kinds.pop()], values))
    return [plain[type(value)](value) if type(value) in plain else json.dumps(value, sort_keys=True, default=str) for value in values]
