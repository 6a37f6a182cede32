"""Columns of mixed values as what table formats hold: one type each, and where values are missing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = tuple[NDArray[Any], NDArray[np.bool_]]  # values (n,) and where they are missing (n,)


def typed_column(values: Sequence[Any]) -> Column:
    """The values as booleans, integers, floats or text, the first that holds them all, and where they are missing."""
    missing = np.array([value is None for value in values], bool)
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return np.array([bool(value) for value in values], bool), missing
    if present and all(_is_number(value) for value in present):
        whole = all(isinstance(value, int | np.integer) and abs(int(value)) < 2**63 for value in present)
        return np.array([0 if value is None else value for value in values], np.int64 if whole else np.float64), missing
    return np.array(["" if value is None else text(value) for value in values], object), missing


def text(value: Any) -> str:
    """A value as text: lists and tables as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)
