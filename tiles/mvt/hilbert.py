"""Places numbered along a Hilbert curve (Hilbert 1891): what is near on the curve is near on the map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
FINE = 20  # bits an axis when things are put in order: 38 m at the equator


def along_curve(x: Ints, y: Ints, bits: int) -> Ints:
    """The number (n,) of each cell x, y of a grid of 2^bits by 2^bits, from 0; the curve is that of the PMTiles specification 3."""
    x, y, number = x.copy(), y.copy(), np.zeros(len(x), np.int64)
    for bit in reversed(range(bits)):
        side = np.int64(1) << bit
        right, down = (x & side) > 0, (y & side) > 0
        number += ((3 * right) ^ down) << (2 * bit)
        flip, turn = right & ~down, ~down
        x, y = np.where(flip, side - 1 - x, x), np.where(flip, side - 1 - y, y)
        x, y = np.where(turn, y, x), np.where(turn, x, y)
        x, y = x & (side - 1), y & (side - 1)
    return number


def curve_order(places: NDArray[np.float64]) -> Ints:
    """The order (n,) in which the curve meets the places (n, 2) of the unit square; those that are not finite come last."""
    finite = np.isfinite(places[:, 0]) & np.isfinite(places[:, 1])
    cells = np.clip(np.nan_to_num(places, nan=0.0, posinf=0.0, neginf=0.0) * 2**FINE, 0, 2**FINE - 1).astype(np.int64)
    number = np.where(finite, along_curve(cells[:, 0], cells[:, 1], FINE), np.int64(1) << (2 * FINE))
    return np.argsort(number, kind="stable")
