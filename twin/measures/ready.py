"""A measure of area gathered once, ready for many questions of what changes to its devices would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.field import Field
from twin.coverage.footprint import Footprint
from twin.coverage.surface import Surface
from twin.measures.watch import Explained
from twin.store import Store


@dataclass(frozen=True)
class Ready:
    """What does not depend on devices, and how devices are looked at.

    `footprints` gives, by id, what each device covers that a park holds and that counts; asked of a park that holds some of them, it says
    of these what it would say of them among all. `reasons` says why cells (t,) are not covered by a park's devices, and behind what.
    """

    kind: str  # of the devices that count
    surface: Surface
    field: Field
    k: int  # devices that must cover a place
    footprints: Callable[[Store], Mapping[str, Footprint]]
    reasons: Callable[[Store, NDArray[np.int32]], Explained]
