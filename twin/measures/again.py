"""Measures of area that judge cells one by one: where devices change, only those are judged again for which it may matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Areas
from twin.coverage.cells import Cells
from twin.coverage.surface import Surface
from twin.measures.watch import Explained
from twin.store import Store

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Standing:
    """What a park's devices cover, and what the measure keeps to judge parts of it again."""

    areas: Areas
    known: Any


@dataclass(frozen=True)
class Judged:
    """A standing, the cells (t,) whose judgement may be another than before, and why cells among those are not covered."""

    standing: Standing
    cells: IntArray
    explain: Callable[[NDArray[np.int32]], Explained]


@dataclass(frozen=True)
class Partly:
    """A measure gathered once.

    `whole` judges a park's devices everywhere; `again` judges those of another park, given the standing before, and gives bit for bit what
    `whole` would.
    """

    surface: Surface
    cells: Cells
    whole: Callable[[Store], Standing]
    again: Callable[[Standing, Store], Judged]
