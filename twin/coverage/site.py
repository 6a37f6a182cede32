"""What a mobile network is to the formulas: its carriers, what they are to each other, and what they meet on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.antenna import Antenna
from twin.coverage.clearance import Memory
from twin.coverage.facade import House
from twin.coverage.look import Sight
from twin.coverage.walls import Barriers

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_COLUMNS = ("position", "height_m", "f_ghz", "power_dbm", "slack_db", "noise_dbm", "operator", "indoor", "device", "loose")


@dataclass(frozen=True)
class Interference:
    """How much of each carrier arrives in others: load times overlap of the bands [1]; of those that disturb carrier j, the entries
    `first[j]` to `first[j + 1]`."""

    first: IntArray  # (m + 1,)
    other: IntArray  # (k,)
    weight: FloatArray  # (k,)


@dataclass(frozen=True)
class Carriers:
    """m carriers, each radiated by one antenna."""

    position: FloatArray  # (m, 3) [m, enu]
    height_m: FloatArray  # (m,) above the ground there
    f_ghz: FloatArray  # (m,)
    power_dbm: FloatArray  # (m,) of one resource element at boresight
    slack_db: FloatArray  # (m,) how far the power may be off where it is assumed [dB]
    noise_dbm: FloatArray  # (m,) of one resource element
    antenna: Sequence[Antenna]
    operator: IntArray  # (m,)
    indoor: BoolArray  # (m,) inside a building
    model: Sequence[str]  # (m,) keys of MODELS
    interference: Interference
    device: IntArray  # (m,) which device radiates it
    loose: FloatArray  # (m, 3) how far the pose may be off: position [m], azimuth and tilt [rad]
    house: Sequence[str | None] = ()  # (m,) the building each hangs in

    def __len__(self) -> int:
        return len(self.f_ghz)


@dataclass(frozen=True)
class Site:
    """What carriers meet on their way: the scene, and the building around each piece of the surface (None outdoors)."""

    barriers: Barriers
    sight: Sight  # with most in the way; its `best` with least, where doors and leaves are in doubt
    houses: Sequence[House | None]  # (pieces,)
    facades: tuple[str, str, str] = ("high", "low", "low_a")  # kind of facade in the WORST, LIKELY and BEST case
    release: int = 19
    memory: Memory = field(default_factory=dict[tuple[float, ...], tuple[FloatArray, FloatArray]])  # walls of shadow, by antenna


def some_of(carriers: Carriers, which: Sequence[int]) -> Carriers:
    """Some carriers (k,) by themselves: of what they are to each other nothing is left."""
    index = np.asarray(which, np.int64)
    columns: dict[str, Any] = {name: getattr(carriers, name)[index] for name in _COLUMNS}
    for name in ("antenna", "model", "house"):
        columns[name] = [each for j in which for each in getattr(carriers, name)[j : j + 1]]
    return Carriers(**columns, interference=no_interference(len(which)))


def interference_of(weight: FloatArray) -> Interference:
    """The same as a matrix (m, m) tells: how much of each carrier (column) arrives in each other one (row). [1]"""
    row, other = np.nonzero(weight)
    return Interference(np.searchsorted(row, np.arange(len(weight) + 1)).astype(np.int64), other.astype(np.int64), weight[row, other])


def no_interference(m: int) -> Interference:
    """Of m carriers none disturbs another."""
    return Interference(np.zeros(m + 1, np.int64), np.empty(0, np.int64), np.empty(0))
