"""The curve itself: a walk over every cell, each step to a neighbour, and the tile numbers that the PMTiles specification prints."""

from __future__ import annotations

import numpy as np
import pytest

from tiles.mvt.hilbert import along_curve, curve_order
from tiles.mvt.pmtiles import tile_numbers


@pytest.mark.parametrize("bits", range(7))
def test_the_curve_visits_every_cell_by_steps_of_one(bits: int) -> None:
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(2**bits), np.arange(2**bits)))
    number = along_curve(x, y, bits)
    assert sorted(number.tolist()) == list(range(4**bits))
    walk = np.column_stack([x, y])[np.argsort(number)]
    assert (np.abs(np.diff(walk, axis=0)).sum(axis=1) == 1).all()


def test_tile_numbers_are_those_of_the_specification() -> None:
    """Section 4.1's table."""
    printed = {(0, 0, 0): 0, (1, 0, 0): 1, (1, 0, 1): 2, (1, 1, 1): 3, (1, 1, 0): 4, (2, 0, 0): 5, (12, 3423, 1763): 19078479}
    for (z, x, y), number in printed.items():
        assert tile_numbers(z, np.array([x]), np.array([y])).tolist() == [number]


def test_places_that_are_none_come_last() -> None:
    places = np.array([[np.nan, 0.5], [0.9, 0.1], [0.1, 0.1], [np.inf, 0.0], [2.0, -1.0]])
    assert curve_order(places).tolist() == [2, 1, 4, 0, 3]
