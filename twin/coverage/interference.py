"""Whether a Wi-Fi signal stands out of noise and of other access points on the same channel.

    SINR = S / (N + sum of load x overlap of the channels x what the others send here)

An access point does not disturb itself. Over a cell the SINR is at least what its least signal has against the greatest interference,
and at most the other way round. Access points too weak to be heard above a hundredth of the noise are taken to be nowhere, or as
strong as nothing between would let them be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.channels import noise_dbm, overlap
from twin.coverage.heard import Access, Medium, ground, heard, hope
from twin.coverage.makeup import BEST, LIKELY, WORST
from twin.coverage.walls import Barriers
from twin.coverage.wifi import Transmitters

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FAINT_DB = 20.0  # below the noise
_MOST_SHARES = 9_000_000  # pairs of radios whose channels are compared at a time


@dataclass(frozen=True)
class Air:
    """Who shares the air: m radios and the noise of their channels."""

    noise_dbm: FloatArray  # (m,)
    f_ghz: FloatArray  # (m,)
    width_mhz: FloatArray  # (m,)
    owner: IntArray  # (m,) access point of each
    load: float  # how much of the time each sends [1]

    def disturbing(self, levels: FloatArray) -> FloatArray:
        """What falls into the channel of each radio from others (n, m) [mW] where the levels of all are (n, m). [dBm]"""
        power, m = 10.0 ** (levels / 10.0), len(self.owner)
        step = max(_MOST_SHARES // max(m, 1), 1)
        if step >= m:
            return np.asarray(power @ self._share.T)
        return np.column_stack([power @ self._some(slice(at, at + step)).T for at in range(0, m, step)])

    @cached_property
    def _share(self) -> FloatArray:
        return self._some(slice(None))

    def _some(self, rows: slice) -> FloatArray:
        """How much of each radio reaches the channels of some radios (r, m). [1]"""
        return self.load * overlap(self.f_ghz, self.width_mhz, rows) * (self.owner[rows, None] != self.owner[None, :])


@dataclass(frozen=True)
class Clear:
    """Which of n cells get a signal of enough strength and clearness."""

    sinr: FloatArray  # (n,) the best at the cell's point among those strong enough [dB]; NaN where none is
    covered: BoolArray  # (n,)
    sure: BoolArray  # (n,)
    possible: BoolArray  # (n,)
    mixed: BoolArray  # (n,)


def air(radios: Transmitters, width_mhz: FloatArray, load: float, noise: float | None = None) -> Air:
    """The air that m radios share.

    Parameters
    ----------
    radios
        m radios.
    width_mhz
        How wide their channels are (m,). [MHz]
    load
        How much of the time each sends. [1]
    noise
        Noise of every channel [dBm]; without, that of its width.
    """
    owner = np.arange(len(radios)) if radios.owner is None else radios.owner
    level = noise_dbm(width_mhz) if noise is None else np.full(len(radios), noise)
    return Air(level, radios.f_ghz, width_mhz, owner, load)


def sinr_db(levels: FloatArray, among: Air) -> FloatArray:
    """SINR of every radio (n, m) [dB] where the levels are (n, m) [dBm]."""
    return levels - 10.0 * np.log10(10.0 ** (among.noise_dbm / 10.0) + among.disturbing(levels))


def clear(radios: Transmitters, barriers: Barriers, medium: Medium, among: Air, cells: Cells, asked: tuple[float, float]) -> Clear:
    """Which of n cells get a radio of at least `asked[0]` [dBm] with an SINR of at least `asked[1]` [dB] somewhere, everywhere."""
    n, m = len(cells), len(radios)
    if not n or not m:
        no = np.zeros(n, bool)
        return Clear(np.full(n, np.nan), no, no, no, no)
    point, low, high = _everything(radios.access_points(), barriers, medium, cells, float(among.noise_dbm.min()) - FAINT_DB)
    at_point = np.where(point >= asked[0], sinr_db(point, among), -np.inf).max(axis=1)

    def reaches(own: FloatArray, others: FloatArray) -> BoolArray:
        """Whether a radio is strong and clear enough where signals are `own` and what disturbs them `others` (n, m). [dBm]"""
        against = own - 10.0 * np.log10(10.0 ** (among.noise_dbm / 10.0) + among.disturbing(others))
        return np.asarray(((own >= asked[0]) & (against >= asked[1])).any(axis=1), bool)

    covered = at_point >= asked[1]
    sure = reaches(low[..., WORST], high[..., BEST]) & covered
    possible = reaches(high[..., BEST], low[..., WORST]) | covered
    whole, some = reaches(low[..., LIKELY], high[..., LIKELY]), reaches(high[..., LIKELY], low[..., LIKELY])
    return Clear(np.where(np.isfinite(at_point), at_point, np.nan), covered, sure, possible, some & ~whole)


def _everything(
    points: Sequence[Access], barriers: Barriers, medium: Medium, cells: Cells, floor_dbm: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What every radio gives each cell: at its point (n, m), at least and at most (n, m, 3). [dBm]"""
    place = ground(cells, barriers, medium)
    parts: list[tuple[FloatArray, FloatArray, FloatArray]] = []
    for access in points:
        most = hope(access, medium, cells)  # (n, r)
        point, low = np.full(most.shape, -np.inf), np.full((*most.shape, 3), -np.inf)
        high = np.repeat(most[..., None], 3, axis=2)
        near = np.flatnonzero(most.max(axis=1) >= floor_dbm)
        got = heard(access, barriers, medium, place, near)
        point[near], low[near], high[near] = got.point, got.low, got.high
        parts.append((point, low, high))
    point, low, high = (np.concatenate([part[k] for part in parts], axis=1) for k in range(3))
    return point, low, high
