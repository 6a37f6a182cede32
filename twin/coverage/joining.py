"""Footprints put together: of one device in doubt, and of one device at several heights.

A footprint says of every part, or of every piece of a part, whether it is covered for certain, by best knowledge, perhaps. Footprints are
brought to the same cells and pieces first; what is then done to them is done bit by bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.coverage.field import EVERY
from twin.coverage.footprint import NOWHERE, Footprint

FloatArray = NDArray[np.float64]
Masks = NDArray[np.uint64]
Bitwise = Callable[[Masks, Masks], Masks]


class _Aligned(NamedTuple):
    """f footprints on the same m cells and s parts."""

    cell: NDArray[np.int32]  # (m,)
    whole: Sequence[Masks]  # f of (m, 3)
    strength: Sequence[FloatArray]  # f of (m,)
    place: NDArray[np.int64]  # (s,)
    pieces: Sequence[Masks]  # f of (s, 3): every piece where the part is covered as a whole


def in_doubt(least: Footprint, value: Footprint, most: Footprint) -> Footprint:
    """One footprint of what is seen whatever is true, by best knowledge, and if everything is as good as it may be."""
    aligned = _aligned([least, value, most])
    whole, pieces = (
        np.stack([parts[0][:, 0], parts[0][:, 0] | parts[1][:, 1], parts[0][:, 0] | parts[1][:, 1] | parts[2][:, 2]], axis=1)
        for parts in (aligned.whole, aligned.pieces)
    )
    return _tidied(aligned, whole, aligned.strength[1], pieces)


def at_once(footprints: Sequence[Footprint]) -> Footprint:
    """What all of the footprints cover: a body that is seen at every one of its heights. The strength is that of the weakest."""
    return _combined(footprints, np.bitwise_and, np.minimum)


def either(footprints: Sequence[Footprint]) -> Footprint:
    """What any of the footprints covers."""
    return _combined(footprints, np.bitwise_or, np.maximum)


def _combined(footprints: Sequence[Footprint], bits: Bitwise, strength: Callable[[FloatArray, FloatArray], FloatArray]) -> Footprint:
    if len(footprints) < 2:
        return footprints[0] if footprints else NOWHERE
    aligned = _aligned(footprints)
    return _tidied(aligned, reduce(bits, aligned.whole), reduce(strength, aligned.strength), reduce(bits, aligned.pieces))


def _aligned(footprints: Sequence[Footprint]) -> _Aligned:
    cell = np.unique(np.concatenate([each.cell for each in footprints]))
    place = np.unique(np.concatenate([each.place for each in footprints]))
    whole, strength, pieces = list[Masks](), list[FloatArray](), list[Masks]()
    part = (place % 64).astype(np.uint64)[:, None]
    for each in footprints:
        row, own, value = np.searchsorted(cell, each.cell), np.zeros((len(cell), 3), np.uint64), np.zeros(len(cell))
        own[row], value[row] = each.whole, each.strength
        fine = np.zeros((len(place), 3), np.uint64)
        fine[np.searchsorted(place, each.place)] = each.fine
        held = own[np.searchsorted(cell, place // 64)] >> part & np.uint64(1) if len(place) else np.zeros((0, 3), np.uint64)
        whole.append(own)
        strength.append(value)
        pieces.append(np.where(held.astype(bool), EVERY, fine))
    return _Aligned(cell, whole, strength, place, pieces)


def _tidied(aligned: _Aligned, whole: Masks, strength: FloatArray, pieces: Masks) -> Footprint:
    """The footprint without what it says twice, and without cells it says nothing of."""
    place, part = aligned.place, (aligned.place % 64).astype(np.uint64)
    if len(place):
        held = (whole[np.searchsorted(aligned.cell, place // 64)] >> part[:, None] & np.uint64(1)).astype(bool)
        pieces = np.where(held, np.uint64(0), pieces)
        said = pieces.any(axis=1)
        place, pieces = place[said], pieces[said]
    used = whole.any(axis=1) | np.isin(aligned.cell, (place // 64).astype(aligned.cell.dtype))
    return Footprint(aligned.cell[used], whole[used], strength[used], place, pieces)
