"""Segments against triangles: by brute force, far from the origin, with and without the library driven directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.scene import Obstacles, embree, nothing, one_object
from twin.scene.embree import OPEN_M, Scene


def soup(seed: int, n: int, *, spread: float = 30.0, at: tuple[float, float, float] = (0, 0, 0)) -> Obstacles:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-spread, spread, (n, 1, 3)) + rng.normal(0, 5.0, (n, 3, 3)) + np.array(at)
    return one_object(corners.reshape(-1, 3), np.arange(3 * n).reshape(-1, 3), object_id="soup")


def segments(seed: int, n: int, *, at: tuple[float, float, float] = (0, 0, 0)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(-40, 40, (n, 3)) + np.array(at), rng.uniform(-40, 40, (n, 3)) + np.array(at)


def crossed(obstacles: Obstacles, origins: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hit (n, f) and t (n, f) in double precision (Moeller, Trumbore), and no verdict (t nan) within 1 mm of a rim."""
    p, q, r = np.moveaxis(obstacles.vertices[obstacles.faces.astype(int)], 1, 0)
    way = (targets - origins)[:, None]
    e, f = q - p, r - p
    h = np.cross(way, f)
    det = (h * e).sum(-1)
    s = origins[:, None] - p
    u, g = (h * s).sum(-1) / det, np.cross(s, e)
    v, t = (way * g).sum(-1) / det, (g * f).sum(-1) / det
    margin = np.minimum(np.minimum(u, v), np.minimum(1 - u - v, np.minimum(t, 1 - t)))
    return margin > 0, np.where(np.abs(margin) < 1e-4, np.nan, t)


@pytest.fixture(params=["library", "wheel"])
def driver(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "wheel":
        monkeypatch.setattr(embree, "embree_library", lambda: None)
    else:
        assert embree.embree_library() is not None
    return request.param


@pytest.mark.parametrize("at", [(0, 0, 0), (3000, -4000, 500)])
def test_all_three_questions_agree_with_brute_force(driver: str, at: tuple[float, float, float]) -> None:
    obstacles = soup(1, 150, at=at)
    origins, targets = segments(2, 3000, at=at)
    scene = Scene(obstacles)
    hit, t = crossed(obstacles, origins, targets)
    sure = ~np.isnan(t).any(axis=1)
    assert sure.mean() > 0.7
    assert (scene.occluded(origins, targets) == hit.any(axis=1))[sure].all()
    face, place = scene.first_hit(origins, targets)
    first = np.where(hit, t, np.inf)
    assert (face == np.where(hit.any(axis=1), first.argmin(axis=1), -1))[sure].all()
    assert np.abs(place - np.minimum(first.min(axis=1), 1.0))[sure].max() < 2e-5
    found = scene.crossings(origins, targets)
    keep = sure[found.segment]
    assert set(zip(found.segment[keep].tolist(), found.face[keep].tolist(), strict=True)) == {
        (i, k) for i, k in np.argwhere(hit).tolist() if sure[i]
    }
    assert (np.diff(found.t)[np.diff(found.segment) == 0] >= 0).all()
    assert (np.diff(found.segment) >= 0).all()


def test_a_segment_with_more_hits_than_room_keeps_them_all() -> None:
    x = np.arange(1, 101) / 10
    sheets = np.array([[(a, -1, -1), (a, 2, -1), (a, -1, 2)] for a in x]).reshape(-1, 3)
    scene = Scene(one_object(sheets, np.arange(300).reshape(-1, 3), object_id="sheets"))
    origins, targets = np.array([[0, 0, 0], [0, 5, 5], [0, 0, 0.0]]), np.array([[20, 0, 0], [20, 5, 5], [1.05, 0, 0.0]])
    found = scene.crossings(origins, targets)
    assert np.bincount(found.segment, minlength=3).tolist() == [100, 0, 10]
    assert found.t[:100] == pytest.approx(x / 20, abs=1e-6)
    assert found.face[:100].tolist() == list(range(100))


def test_both_ends_are_open(driver: str) -> None:
    scene = Scene(one_object(np.array([[0, -1, -1], [0, 2, -1], [0, -1, 2.0]]), np.array([[0, 1, 2]]), object_id="sheet"))
    away = np.array([[3.0, 0.1, 0.1]] * 3)
    at = np.array([[0.0, 0.1, 0.1], [OPEN_M / 2, 0.1, 0.1], [-2 * OPEN_M, 0.1, 0.1]])
    assert scene.occluded(at, away).tolist() == [False, False, True]
    assert scene.occluded(away, at).tolist() == [False, False, True]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_sight_goes_both_ways(seed: int) -> None:
    scene = Scene(soup(seed, 60))
    origins, targets = segments(seed + 1, 400)
    assert (scene.occluded(origins, targets) == scene.occluded(targets, origins)).mean() > 0.999


def test_no_ray_slips_between_faces_that_share_an_edge() -> None:
    n = 40
    x, y = np.meshgrid(np.linspace(-10, 10, n), np.linspace(-10, 10, n))
    k = np.arange(n * n).reshape(n, n)
    a, b, c, d = (part.ravel() for part in (k[:-1, :-1], k[:-1, 1:], k[1:, 1:], k[1:, :-1]))
    sheet = one_object(
        np.column_stack([x.ravel(), y.ravel(), np.zeros(n * n)]), np.concatenate([np.c_[a, b, c], np.c_[a, c, d]]), object_id="sheet"
    )
    through = np.column_stack([x.ravel(), y.ravel()])[(np.abs(x.ravel()) < 9.9) & (np.abs(y.ravel()) < 9.9)]  # on every inner vertex
    origins, targets = np.column_stack([through, np.full(len(through), 3.0)]), np.column_stack([through, np.full(len(through), -2.0)])
    assert Scene(sheet).occluded(origins, targets).all()


def test_an_empty_scene_blocks_nothing() -> None:
    scene = Scene(nothing())
    origins, targets = segments(3, 5)
    assert not scene.occluded(origins, targets).any()
    assert scene.first_hit(origins, targets)[0].tolist() == [-1] * 5
    assert len(scene.crossings(origins, targets).face) == 0
    assert len(Scene(soup(1, 3)).occluded(np.empty((0, 3)), np.empty((0, 3)))) == 0


def test_several_threads_and_many_segments_get_the_same_answers() -> None:
    scene = Scene(soup(4, 200))
    origins, targets = segments(5, 200_000)
    alone = scene.occluded(origins, targets)
    parts = np.concatenate([scene.occluded(origins[i : i + 20_000], targets[i : i + 20_000]) for i in range(0, 200_000, 20_000)])
    assert (alone == parts).all()
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: scene.crossings(origins[:5000], targets[:5000]), range(8)))
    assert all((answer.face == answers[0].face).all() and (answer.t == answers[0].t).all() for answer in answers)
