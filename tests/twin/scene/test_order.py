"""The order of shooting: every segment once, neighbours together, and the same answers as one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.scene.order import LEAST, RAYS, shooting_order


def lenses(rng: np.random.Generator, count: int, each: int) -> tuple[np.ndarray, np.ndarray]:
    lens = np.column_stack([rng.uniform(-900, 900, (count, 2)), np.full(count, 4.0)])
    origins = np.repeat(lens, each, axis=0)
    return origins, origins + rng.uniform(-50, 50, origins.shape)


def jumps(points: np.ndarray) -> float:
    """Mean way from the first segment of a packet to that of the next. [m]"""
    return float(np.linalg.norm(np.diff(points[::RAYS], axis=0), axis=1).mean())


@settings(max_examples=10, deadline=None)
@given(n=st.integers(LEAST - 5, LEAST + 700), seed=st.integers(0, 1000), is_shuffled=st.booleans(), broken=st.booleans())
def test_every_segment_is_shot_once(n: int, seed: int, is_shuffled: bool, broken: bool) -> None:
    rng = np.random.default_rng(seed)
    origins, targets = (part[:n].copy() for part in lenses(rng, 50, n // 50 + 1))
    if is_shuffled:
        mixed = rng.permutation(n)
        origins, targets = origins[mixed], targets[mixed]
    if broken:
        origins[rng.integers(0, n, 9)], targets[rng.integers(0, n, 9)] = np.nan, np.inf
    assert (np.sort(shooting_order(origins, targets)) == np.arange(n)).all()


@pytest.mark.parametrize("is_shuffled", [False, True])
def test_neighbours_come_together(is_shuffled: bool) -> None:
    rng = np.random.default_rng(3)
    origins, targets = lenses(rng, 2000, 32)
    if is_shuffled:
        mixed = rng.permutation(len(origins))
        origins, targets = origins[mixed], targets[mixed]
    order = shooting_order(origins, targets)
    assert jumps(origins[order]) < 0.15 * jumps(origins)
    if not is_shuffled:
        packets = order.reshape(-1, RAYS)
        assert (np.diff(packets, axis=1) == 1).all()  # what came together stays together


def test_few_segments_and_segments_of_one_place_are_left_as_they_are() -> None:
    few = np.zeros((10, 3))
    assert shooting_order(few, few).tolist() == list(range(10))
    many = np.zeros((LEAST, 3))
    assert (shooting_order(many, many) == np.arange(LEAST)).all()
    nowhere = np.full((LEAST, 3), np.nan)
    assert (np.sort(shooting_order(nowhere, nowhere)) == np.arange(LEAST)).all()
