"""Refining until the share stands still: against areas in closed form, and the errors of grids that the design states."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.cells import grid, weights
from twin.coverage.converged import MOST_HALVINGS, converged
from twin.coverage.surface import Piece, Surface

SIDE = 200.0
# RMS error of a regular grid over 200 x 200 m by step, in points (design: "an auditable percentage"), and what binomial sampling would say
GRID_RMS = {10.0: 0.66, 5.0: 0.31, 2.0: 0.12, 1.0: 0.040, 0.5: 0.017}
BINOMIAL = {10.0: 2.49, 5.0: 1.25, 2.0: 0.50, 1.0: 0.25, 0.5: 0.12}


def discs(random: np.random.Generator) -> np.ndarray:
    """Twelve round service areas that cover about half of the square: x, y, radius (12, 3) [m]."""
    return np.column_stack([random.uniform(0, SIDE, (12, 2)), random.uniform(20, 40, 12)])


def truth(circles: np.ndarray) -> float:
    union = shapely.union_all(shapely.buffer(shapely.points(circles[:, :2]), circles[:, 2], quad_segs=256))
    return float(union.intersection(shapely.box(0, 0, SIDE, SIDE)).area) / SIDE**2


def sampled(circles: np.ndarray, step: float) -> float:
    axis = np.arange(step / 2, SIDE, step)
    x, y = np.meshgrid(axis, axis)
    covered = np.zeros(x.shape, bool)
    for cx, cy, radius in circles:
        covered |= (x - cx) ** 2 + (y - cy) ** 2 <= radius**2
    return float(covered.mean())


def test_the_errors_of_a_grid_are_those_that_the_design_states() -> None:
    random = np.random.default_rng(4)
    parks = [discs(random) for _ in range(24)]
    exact = [truth(park) for park in parks]
    for step in (10.0, 5.0, 2.0, 1.0, 0.5):
        errors = [100 * (sampled(park, step) - share) for park, share in zip(parks, exact, strict=True)]
        rms = math.sqrt(float(np.mean(np.square(errors))))
        assert GRID_RMS[step] / 3 < rms < GRID_RMS[step] * 1.5, (step, rms)  # the same order: the design's scene was another
        assert rms < BINOMIAL[step] / 2


def test_halving_stops_below_a_tenth_of_a_point_and_the_truth_is_near() -> None:
    random = np.random.default_rng(7)
    for _ in range(12):
        park = discs(random)
        found = converged(lambda step, park=park: (sampled(park, step), step), 10.0)
        assert found.is_settled
        assert found.delta < 1e-3
        assert found.found == found.step
        assert abs(found.share - truth(park)) < 1e-3
        assert [step for step, _ in found.steps] == [10.0 / 2**k for k in range(len(found.steps))]
        assert found.step <= 1.0


def test_means_that_run_out_are_told() -> None:
    found = converged(lambda step: (step, None), 8.0, affordable=lambda step: step >= 2.0)
    assert (found.step, found.is_settled, found.delta) == (2.0, False, 2.0)
    once = converged(lambda step: (0.5, None), 8.0, affordable=lambda step: False)
    assert (once.step, once.is_settled, once.delta) == (8.0, False, math.inf)
    chance = converged(lambda step: (0.5 if step > 2 else 0.25, None), 8.0)
    assert (chance.step, chance.share) == (1.0, 0.25)
    endless = converged(lambda step: (math.log2(step) % 2, None), 8.0)
    assert len(endless.steps) == MOST_HALVINGS + 1
    assert not endless.is_settled


def flat(points: np.ndarray) -> np.ndarray:
    return np.zeros(len(points))


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.floats(1, 9), st.floats(1, 9), st.one_of(st.none(), st.floats(0, 500)), st.floats(0, 4)), min_size=1, max_size=5)
)
def test_weights_add_up_to_what_they_are_weights_of(rows: list[tuple[float, float, float | None, float]]) -> None:
    pieces = [
        Piece(str(k), str(k), shapely.box(20 * k, 0, 20 * k + w, h), 0.0, persons=persons, importance=importance)
        for k, (w, h, persons, importance) in enumerate(rows)
    ]
    surface = Surface("s", pieces)
    cells = grid(surface, 1.0, 1.5, flat)
    assert weights(cells, surface).sum() == pytest.approx(surface.area, rel=1e-9)
    by_importance = sum(w * h * importance for w, h, _, importance in rows)
    assert weights(cells, surface, "importance").sum() == pytest.approx(by_importance, rel=1e-9, abs=1e-9)
    by_persons = weights(cells, surface, "persons")
    if all(row[2] is None for row in rows):
        assert by_persons.sum() == pytest.approx(surface.area, rel=1e-9)
    else:
        for k, row in enumerate(rows):
            if row[2] is not None:
                assert by_persons[cells.piece == k].sum() == pytest.approx(row[2], rel=1e-9, abs=1e-9)
