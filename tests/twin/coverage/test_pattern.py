"""Antennas of access points: half-power widths, and bounds over cells that hold at every point of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.antenna import Antenna
from twin.coverage.cells import grid
from twin.coverage.pattern import AXIAL_MOST_DB, CEILING_RAD, OMNI, WALL_RAD, Axial, Pattern, ceiling, gain, gain_range
from twin.coverage.surface import Piece, Surface

AT = np.array([0.0, 0.0, 3.0])


def test_a_ceiling_antenna_is_strongest_below_and_half_as_strong_at_half_its_width() -> None:
    half = CEILING_RAD / 2
    points = np.array([[0, 0, 0.0], [3 * math.tan(half), 0, 0.0], [0, -3 * math.tan(half), 0.0], [0, 0, 9.0]])
    assert gain(ceiling(), AT, points) == pytest.approx([0.0, -3.0, -3.0, -12.0 * (180.0 / 130.0) ** 2])


def test_a_wall_antenna_looks_along_its_azimuth() -> None:
    east = Pattern(Axial(math.pi / 2, 0.0, WALL_RAD))
    points = AT + np.array([[5.0, 0, 0], [5, 5, 0], [0, 5, 0], [-5, 0, 0]])
    assert gain(east, AT, points) == pytest.approx([0.0, -3.0, -12.0, -AXIAL_MOST_DB])


def test_nothing_known_is_alike_all_round() -> None:
    assert (gain(OMNI, AT, np.array([[1.0, 2, 3], [0, 0, -9]])) == 0).all()


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 100_000))
def test_bounds_hold_at_every_point_of_a_cell(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = [
        Axial(rng.uniform(-4, 4), rng.uniform(-1, 1.6), rng.uniform(0.5, 3.0)),
        Antenna(rng.uniform(-4, 4), rng.uniform(-0.5, 1.0), rng.uniform(0.4, 2.5), rng.uniform(0.2, 2.0)),
    ]
    pattern = Pattern(shapes[int(rng.integers(2))])
    cells = grid(Surface("s", [Piece("p", "p", shapely.box(-6, -6, 6, 6), floor_z=0.0)]), 2.0, 1.2, lambda xy: np.zeros(len(xy)))
    at = rng.uniform([-6, -6, 0.5], [6, 6, 4])
    low, high = gain_range(pattern, at, cells)
    for _ in range(20):
        points = cells.centre + np.column_stack([rng.uniform(-1, 1, (len(cells), 2)), np.zeros(len(cells))])
        here = gain(pattern, at, points)
        assert (here >= low - 1e-9).all()
        assert (here <= high + 1e-9).all()


def test_tolerances_widen_the_bounds() -> None:
    cells = grid(Surface("s", [Piece("p", "p", shapely.box(3, 3, 5, 5), floor_z=0.0)]), 1.0, 1.2, lambda xy: np.zeros(len(xy)))
    for shape in (Axial(0.5, 0.2, 1.5), Antenna(0.5, 0.2, 1.5, 1.0)):
        low, high = gain_range(Pattern(shape), AT, cells)
        wide_low, wide_high = gain_range(Pattern(shape, math.radians(10.0)), AT, cells, 0.3)
        assert (wide_low < low).all()
        assert (wide_high >= high).all()
        turned = Pattern(Axial(0.5 + math.radians(9.0), 0.2, 1.5)) if isinstance(shape, Axial) else Pattern(
            Antenna(0.5 + math.radians(9.0), 0.2, 1.5, 1.0))  # fmt: skip
        here = gain(turned, AT + np.array([0.2, 0.1, 0.0]), cells.centre)
        assert (here >= wide_low - 1e-9).all()
        assert (here <= wide_high + 1e-9).all()
