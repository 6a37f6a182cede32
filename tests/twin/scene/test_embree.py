"""Segments against triangles: by brute force, far from the origin, with and without the library driven directly."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.scene import Obstacles, concat, embree, nothing, one_object
from twin.scene.embree import OPEN_M, Scene
from twin.scene.order import LEAST
from twin.scene.pieces import as_one, cut


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
@pytest.mark.parametrize("pieces", [1, 7])
def test_all_three_questions_agree_with_brute_force(driver: str, at: tuple[float, float, float], pieces: int) -> None:
    obstacles = cut(soup(1, 150, at=at), np.arange(150) % pieces)
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


def room(*, hole: bool = False) -> Obstacles:
    """A slab 0.2 m thick at z 3 over 10 by 10 m, closed, perhaps with a shaft of 2 by 2 m in its middle."""
    slab = trimesh.creation.box(bounds=[(0, 0, 3), (10, 10, 3.2)])
    if hole:
        bars = [((0, 0), (10, 4)), ((0, 6), (10, 10)), ((0, 4), (4, 6)), ((6, 4), (10, 6))]
        slab = trimesh.util.concatenate([trimesh.creation.box(bounds=[(*a, 3), (*b, 3.2)]) for a, b in bars])
    return one_object(np.asarray(slab.vertices), np.asarray(slab.faces), object_id="slab", kind="slab")


def test_a_slab_blocks_where_it_is_and_not_in_its_hole(driver: str) -> None:
    x, y = (part.ravel() for part in np.meshgrid(np.arange(0.25, 10, 0.5), np.arange(0.25, 10, 0.5)))
    below, above = np.column_stack([x, y, np.full(len(x), 1.0)]), np.column_stack([x, y, np.full(len(x), 5.0)])
    in_hole = (np.abs(x - 5) < 1) & (np.abs(y - 5) < 1)
    assert Scene(room()).occluded(below, above).all()
    assert (Scene(room(hole=True)).occluded(below, above) == ~in_hole).all()
    found = Scene(room(hole=True)).crossings(below, above)
    through = np.unique(found.segment)
    assert (through == np.flatnonzero(~in_hole)).all()
    span = [np.ptp(found.t[found.segment == i]) * 4.0 for i in through[:20]]
    assert span == pytest.approx([0.2] * 20, abs=1e-5)  # from entry to exit


def test_sight_along_a_face_and_past_an_edge(driver: str) -> None:
    scene = Scene(room())
    above = np.array([[-5.0, 5, 3.2 + 1e-3], [-5, 5, 3.2 - 1e-3], [-5, 5, 3.1], [-5, -1e-3, 3.1], [-5, 5, 2.999]])
    past = above + np.array([20.0, 0, 0])
    assert scene.occluded(above, past).tolist() == [False, True, True, False, False]
    inside = np.array([[5.0, 5, 3.1]])  # a device drawn inside a wall sees nothing outside it, and what is with it in the wall
    assert scene.occluded(inside, np.array([[5.0, 5, 9]])).tolist() == [True]
    assert scene.occluded(inside, np.array([[6.0, 5, 3.1]])).tolist() == [False]
    assert len(scene.crossings(inside, np.array([[5.0, 5, 9.0]])).face) >= 1


def test_two_faces_in_one_plane_are_both_crossed_and_one_of_them_is_first() -> None:
    sheet = np.array([[0, -1, -1], [0, 3, -1], [0, -1, 3.0]])
    scene = Scene(concat([as_one(one_object(sheet, np.array([[0, 1, 2]]), object_id=name)) for name in "ab"]))
    origin, target = np.array([[-5.0, 0, 0]]), np.array([[5.0, 0, 0]])
    found = scene.crossings(origin, target)
    assert sorted(found.face.tolist()) == [0, 1]
    assert found.t == pytest.approx([0.5, 0.5], abs=1e-6)
    assert scene.first_hit(origin, target)[0][0] in {0, 1}


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), turn=st.floats(-3.1, 3.1), x=st.floats(-2000, 2000), y=st.floats(-2000, 2000))
def test_turned_and_moved_as_a_whole_nothing_changes(seed: int, turn: float, x: float, y: float) -> None:
    obstacles = soup(seed, 60)
    origins, targets = segments(seed + 1, 500)
    rotation = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    moved = one_object(obstacles.vertices @ rotation.T + [x, y, 7], obstacles.faces, object_id="soup")
    there = Scene(moved).occluded(origins @ rotation.T + [x, y, 7], targets @ rotation.T + [x, y, 7])
    hit, t = crossed(obstacles, origins, targets)
    sure = ~np.isnan(np.where(np.abs(t) < 50, t, 0.0)).any(axis=1)
    assert (there == hit.any(axis=1))[sure].all()


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_a_wall_more_never_shows_more(seed: int) -> None:
    park, wall = cut(soup(seed, 40), np.arange(40) // 10), as_one(soup(seed + 9, 3))
    origins, targets = segments(seed + 1, 1000)
    before, after = Scene(park).occluded(origins, targets), Scene(concat([park, wall])).occluded(origins, targets)
    assert after[before].all()


def test_many_segments_in_any_order_get_the_answers_they_get_alone() -> None:
    scene = Scene(cut(soup(4, 200), np.arange(200) % 5))
    origins, targets = segments(5, 3 * LEAST)
    origins[7], targets[LEAST] = np.nan, np.inf
    alone = [slice(i, i + 4000) for i in range(0, len(origins), 4000)]
    assert (scene.occluded(origins, targets) == np.concatenate([scene.occluded(origins[i], targets[i]) for i in alone])).all()
    face, t = scene.first_hit(origins, targets)
    assert (face == np.concatenate([scene.first_hit(origins[i], targets[i])[0] for i in alone])).all()
    assert (t == np.concatenate([scene.first_hit(origins[i], targets[i])[1] for i in alone])).all()
    found, parts = scene.crossings(origins, targets), [scene.crossings(origins[i], targets[i]) for i in alone]
    assert (found.segment == np.concatenate([part.segment + i.start for part, i in zip(parts, alone, strict=True)])).all()
    assert (found.face == np.concatenate([part.face for part in parts])).all()
    assert (found.t == np.concatenate([part.t for part in parts])).all()


def test_what_has_no_place_is_not_seen_and_crosses_nothing(driver: str) -> None:
    origins, targets = segments(3, 40)
    origins[3, 1], targets[5, 2], origins[8] = np.nan, np.inf, np.nan
    nowhere = np.isin(np.arange(40), [3, 5, 8])
    for scene in (Scene(soup(1, 20)), Scene(nothing())):
        assert scene.occluded(origins, targets)[nowhere].all()
        assert (scene.first_hit(origins, targets)[0][nowhere] == -1).all()
        assert not np.isin(scene.crossings(origins, targets).segment, np.flatnonzero(nowhere)).any()


def test_broken_triangles_are_not_there_and_spoil_nothing() -> None:
    sound = soup(6, 80)
    line = np.array([[0, 0, 0], [5, 5, 5], [10, 10, 10.0]])
    broken = np.array(
        [[np.nan, 0, 0], [1, 0, 0], [0, 1, 0], [np.inf, 0, 0], [1, 0, 5], [0, 1, 5], [1e30, 0, 0], [0, 1e30, 0], [0, 0, 1e30]]
    )
    vertices = np.concatenate([sound.vertices, line, broken])
    faces = np.concatenate([sound.faces, np.arange(240, 252).reshape(-1, 3)])
    origins, targets = segments(6, 3000)
    whole, clean = Scene(one_object(vertices, faces, object_id="soup")), Scene(sound)
    assert (whole.occluded(origins, targets) == clean.occluded(origins, targets)).mean() > 0.999
    found = whole.crossings(origins, targets)
    assert found.face.max() < 80
    lost = Scene(one_object(np.full((3, 3), np.nan), np.array([[0, 1, 2]]), object_id="lost"))
    assert not lost.occluded(origins, targets).any()
    assert not len(lost.crossings(origins, targets).face)
