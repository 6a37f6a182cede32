"""Source columns turned into ours: names mapped, heights and storeys made numbers, states put into our words, ids found or made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from importers.tables import Table
from importers.values import choice, date, is_missing, number, text
from importers.vocabulary import bracketed, has_han, meaning, normal, rank
from twin.model import FEATURE_COLUMNS, Geometries, Issue

_NUMBERS = {"height_m": "m", "base_m": "m", "storeys": "1"}
_HIGHEST_M = 1000.0  # no building is higher; a field that says more is no height


@dataclass(frozen=True)
class Attributes:
    """n rows of attributes under our names and what could not be read."""

    columns: Mapping[str, Sequence[Any]]
    sources: Mapping[str, str]  # our name -> the source column it came from
    issues: Sequence[Issue]


def attributes(table: Table, subjects: Sequence[str], used: Sequence[str] = ()) -> Attributes:
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
    issues: list[Issue] = []
    chosen = {ours: _best(table, ours, used) for ours in FEATURE_COLUMNS}
    sources = {ours: name for ours, name in chosen.items() if name is not None}
    columns: dict[str, Sequence[Any]] = {}
    unread: set[str] = set()
    for ours, name in sources.items():
        columns[ours], failed = _read(ours, name, table.columns[name], subjects)
        issues.extend(failed)
        if failed:
            unread.add(name)
    columns |= _chinese_names(columns)
    taken = {normal(name) for name in columns}
    rest = {name: values for name, values in table.columns.items() if name not in sources.values() or name in unread}
    for name, values in rest.items():
        if name not in used and any(value is not None for value in values):
            columns[_free(name, taken)] = [_storable(value) for value in values]
    return Attributes(columns, sources, issues)


def ids(table: Table, geometry: Geometries, layer: str) -> tuple[list[str], str | None, list[Issue]]:
    """An id for each row, the column it came from, and an Issue for each that had to be changed to be unique.

    Rows without one get a hash of what they say and where they are: the same row has the same id in the next version of the file.
    """
    column = min((name for name in table.columns if meaning("identity", name)), key=lambda name: rank("identity", "id", name), default=None)
    own = [text(value) for value in table.columns[column]] if column is not None else list(table.ids or [None] * len(table))
    if column is not None and len({value for value in own if value}) * 2 <= sum(value is not None for value in own):
        column, own = None, list(table.ids or [None] * len(table))  # a column that repeats itself is no identity
    made = [value or _hash(table, geometry, i) for i, value in enumerate(own)]
    return *unique(made, layer, column is not None), column, [] if column is None else []


def unique(wanted: Sequence[str], layer: str, tell: bool) -> list[str]:
    """The ids with `-2`, `-3` … on those that came before."""
    seen: dict[str, int] = {}
    out: list[str] = []
    for each in wanted:
        seen[each] = seen.get(each, 0) + 1
        out.append(each if seen[each] == 1 else f"{each}-{seen[each]}")
    return out


def _best(table: Table, ours: str, used: Sequence[str]) -> str | None:
    named = [name for name in table.columns if name not in used and meaning("feature_columns", name) == ours]
    filled = [name for name in named if any(not is_missing(value) for value in table.columns[name])]
    return min(filled, key=lambda name: rank("feature_columns", ours, name), default=None)
