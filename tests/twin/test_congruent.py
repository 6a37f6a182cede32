"""Bodies that are the same are found, those that are not are not, and the motion takes the one to the other."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from twin.congruent import TOLERANCE_M, Congruent, congruent

KINDS = [
    trimesh.creation.box((4, 0.2, 3)),
    trimesh.creation.box((4.001, 0.2, 3)),
    trimesh.creation.cylinder(0.05, 3, sections=16),
    trimesh.creation.icosphere(1, 0.3),
    trimesh.creation.cone(0.4, 1.0, sections=16),
]


def triangles_of(kind: int, turn: np.ndarray, shift: np.ndarray, mirror: bool = False) -> np.ndarray:
    shape = np.asarray(KINDS[kind].triangles) * ([-1, 1, 1] if mirror else 1)
    return shape @ turn.T + shift


def found(parts: list[np.ndarray], colors: list[tuple] | None = None) -> Congruent:
    counts = [len(part) for part in parts]
    painted = np.repeat(np.array(colors or [(9, 9, 9, 255)] * len(parts), np.uint8), counts, axis=0)
    return congruent(np.concatenate(parts), np.concatenate([[0], np.cumsum(counts)]), painted)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([0.0, 1e4, 9e6]))
def test_each_is_matched_to_the_first_of_its_kind(seed, n, away):
    """Wherever the model lies: the motion is right to the tolerance, and no kind is taken for another (4 m and 4.001 m long walls)."""
    random = np.random.default_rng(seed)
    kinds = random.integers(0, len(KINDS), n)
    parts = [triangles_of(k, Rotation.random(rng=random).as_matrix(), random.uniform(-50, 50, 3) + away) for k in kinds]
    same = found(parts)
    assert same.first.tolist() == [int(np.flatnonzero(kinds == k)[0]) for k in kinds]
    for i, j in enumerate(same.first):
        assert np.linalg.det(same.turn[i]) == pytest.approx(1.0)
        moved = (parts[j] - same.anchor[j]) @ same.turn[i].T + same.anchor[i]
        assert np.abs(moved - parts[i]).max() <= TOLERANCE_M


def test_a_mirrored_body_is_another():
    foot = np.concatenate(
        [
            KINDS[0].triangles,
            np.asarray(KINDS[4].triangles) + np.array([1.3, 0.4, 0.9]),
            np.asarray(KINDS[0].triangles) * 0.3 + np.array([0, 2, 1]),
        ]
    )
    same = found([foot, foot * [-1, 1, 1], foot + 7.0])
    assert same.first.tolist() == [0, 1, 0]


def test_colours_and_corners_count():
    part = np.asarray(KINDS[0].triangles)
    bent = part.copy()
    bent[3, 1] += [0.0, 0.0, 3 * TOLERANCE_M]
    assert found([part, part + 1.0], [(1, 2, 3, 255), (1, 2, 4, 255)]).first.tolist() == [0, 1]
    assert found([part, bent + 1.0, part + 2.0]).first.tolist() == [0, 1, 0]


def test_needles_and_points_are_left_alone():
    needle = np.zeros((1, 3, 3))
    needle[0, 1, 0] = 2.0
    assert found([needle, needle + 1.0, np.zeros((1, 3, 3)), np.ones((1, 3, 3))]).first.tolist() == [0, 1, 2, 3]


def test_one_element_and_none():
    assert found([np.asarray(KINDS[3].triangles)]).first.tolist() == [0]
    assert len(congruent(np.empty((0, 3, 3)), np.zeros(1, np.int64), np.empty((0, 4), np.uint8)).first) == 0
