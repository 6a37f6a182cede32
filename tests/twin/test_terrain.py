from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator

import twin.terrain
from twin.crs import Frame
from twin.model import Park, Terrain
from twin.terrain import filled, ground_height, height_at, merged

PARK = Park("T", Frame(120.6, 31.3, 20.0))


def grid(x0: float, y0: float, step: float, rows: int, columns: int, seed: int = 0) -> Terrain:
    heights = np.random.default_rng(seed).normal(50, 10, (rows, columns)).astype(np.float32)
    return Terrain(x0, y0, step, heights)


def sampled(terrain: Terrain, xy: NDArray[np.float64]) -> NDArray[np.float64]:
    """What scipy reads off one grid; NaN outside."""
    rows, columns = terrain.heights.shape
    axes = (terrain.y0_m + terrain.step_m * np.arange(rows), terrain.x0_m + terrain.step_m * np.arange(columns))
    return RegularGridInterpolator(axes, terrain.heights.astype(float), bounds_error=False, fill_value=np.nan)(xy[:, ::-1])


def points(low: float, high: float, n: int = 4000) -> NDArray[np.float64]:
    return np.random.default_rng(1).uniform(low, high, (n, 2))


def test_nothing_and_one() -> None:
    one = grid(0, 0, 2, 5, 6)
    assert merged([]) is None
    assert merged([one]) is one


@settings(deadline=None, max_examples=40)
@given(
    st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.sampled_from([1.0, 0.7, 2.0])),
    st.tuples(st.floats(-200, 100), st.floats(-200, 100), st.sampled_from([3.0, 4.1, 30.0])),
)
def test_each_source_keeps_its_own_heights(fine: tuple[float, float, float], coarse: tuple[float, float, float]) -> None:
    near, far = grid(*fine, 40, 30, 1), grid(*coarse, 20, 25, 2)
    both = merged([near, far])
    assert both is not None
    xy = points(-200, 400)
    a, b = sampled(near, xy), sampled(far, xy)
    read = height_at(both, xy)
    assert np.allclose(read[np.isfinite(a)], a[np.isfinite(a)], atol=1e-3)
    alone = np.isnan(a) & np.isfinite(b)
    assert np.allclose(read[alone], b[alone], atol=1e-3)


def test_aligned_neighbours_become_one_grid_without_a_seam() -> None:
    whole = grid(0, 0, 1, 21, 41)
    west = Terrain(0, 0, 1, whole.heights[:, :20])
    east = Terrain(20, 0, 1, whole.heights[:, 20:])  # the seam between column 19 and 20 belongs to neither
    both = merged([west, east])
    assert both is not None
    assert both.detail == ()
    assert np.array_equal(both.heights, whole.heights)
    xy = np.column_stack([np.linspace(0, 40, 500), np.full(500, 7.3)])
    assert np.allclose(height_at(both, xy), sampled(whole, xy), atol=1e-4)


def test_of_equal_steps_the_later_counts_and_gaps_show_the_other() -> None:
    old, new = grid(0, 0, 1, 10, 10, 1), grid(0, 0, 1, 10, 10, 2)
    new.heights[4, 4] = np.nan
    both = merged([old, new])
    assert both is not None
    expected = new.heights.copy()
    expected[4, 4] = old.heights[4, 4]
    assert np.array_equal(both.heights, expected)


def test_a_coarse_plain_around_a_fine_yard_stays_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin.terrain, "MOST_NODES", 50_000)
    yard, plain = grid(-20.5, -20.5, 0.5, 83, 83, 3), grid(-5000, -5000, 30, 334, 334, 4)
    both = merged([plain, yard])
    assert both is not None
    assert both.heights.size < 60_000
    for source, xy in ((yard, points(-20, 20)), (plain, points(100, 4900))):
        assert np.allclose(height_at(both, xy), sampled(source, xy), atol=1e-3)
    node = both.heights[100, 100]  # the grid itself holds true heights at its nodes
    at = [[both.x0_m + 100 * both.step_m, both.y0_m + 100 * both.step_m]]
    assert node == pytest.approx(height_at(both, at)[0], abs=1e-3)


def test_a_known_node_counts_beside_an_unknown_one() -> None:
    terrain = Terrain(0, 0, 1, np.array([[1, np.nan], [3, np.nan]], np.float32))
    assert height_at(terrain, [[0, 0.5]]).tolist() == [2.0]
    assert np.isnan(height_at(terrain, [[0.1, 0.5]])).all()


def test_where_the_ground_is_unknown_that_around_counts() -> None:
    x = np.arange(64, dtype=np.float32)
    slope = np.tile(x, (64, 1))  # rises a metre a metre: its mean is far from most of it
    slope[20:30, 2:8] = np.nan
    terrain = Terrain(0, 0, 1, slope)
    read = ground_height(PARK, terrain, [[5, 25], [-30, 25], [50, 10]])
    assert read[0] == pytest.approx(5, abs=2.5)
    assert read[1] == pytest.approx(0, abs=1e-3)
    assert read[2] == 50


def test_what_was_filled_is_let_go_with_its_terrain() -> None:
    terrain = Terrain(0, 0, 1, np.array([[1, np.nan], [3, 4]], np.float32))
    before = len(twin.terrain._WHOLE)
    ground_height(PARK, terrain, [[0.9, 0.1]])
    assert len(twin.terrain._WHOLE) == before + 1
    del terrain
    gc.collect()
    assert len(twin.terrain._WHOLE) == before


def test_filling_keeps_what_is_known_and_closes_narrow_gaps_only() -> None:
    heights = np.random.default_rng(0).normal(10, 1, (50, 61)).astype(np.float32)
    heights[5, 5:9] = np.nan
    heights[20:45, 20:50] = np.nan
    known = np.isfinite(heights)
    narrow, whole = filled(heights, reach=2), filled(heights)
    assert np.array_equal(narrow[known], heights[known])
    assert np.isfinite(narrow[5]).all()
    assert np.isnan(narrow[32, 35])
    assert np.isfinite(whole).all()
    assert heights[known].min() <= whole.min()
    assert whole.max() <= heights[known].max()
    assert np.isnan(filled(np.full((3, 3), np.nan, np.float32))).all()
