"""What is prepared for a piece serves again: nothing else is built, and the answers are those of a scene built anew."""

from __future__ import annotations

import gc

import numpy as np
import pytest

from twin.scene import Obstacles, bodies, concat, one_object, subset
from twin.scene.bodies import Body
from twin.scene.embree import Scene
from twin.scene.pieces import as_one, cut


def soup(seed: int, n: int, at: tuple[float, float, float] = (0, 0, 0)) -> Obstacles:
    rng = np.random.default_rng(seed)
    points = rng.uniform(-30, 30, (n, 1, 3)) + rng.normal(0, 5.0, (n, 3, 3)) + np.array(at)
    return one_object(points.reshape(-1, 3), np.arange(3 * n).reshape(-1, 3), object_id=f"soup/{seed}")


def segments(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    return rng.uniform(-60, 60, (n, 3)), rng.uniform(-60, 60, (n, 3))


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of triangles of every body built, with none kept from before."""
    monkeypatch.setattr(bodies, "_recent", type(bodies._recent)())
    monkeypatch.setattr(bodies, "_alive", type(bodies._alive)())
    sizes: list[int] = []
    plain = Body.__init__

    def counting(self: Body, *given: object) -> None:
        plain(self, *given)  # type: ignore[arg-type]
        sizes.append(self.triangles)

    monkeypatch.setattr(Body, "__init__", counting)
    return sizes


def same_answers(one: Scene, other: Scene) -> bool:
    origins, targets = segments(4000)
    found, again = one.crossings(origins, targets), other.crossings(origins, targets)
    first, second = one.first_hit(origins, targets), other.first_hit(origins, targets)
    return bool(
        (one.occluded(origins, targets) == other.occluded(origins, targets)).all()
        and all((a == b).all() for a, b in zip(first, second, strict=True))
        and all((getattr(found, name) == getattr(again, name)).all() for name in ("segment", "face", "t"))
    )


def test_an_obstacle_more_builds_itself_alone_and_the_answers_are_those_of_a_new_scene(built: list[int], monkeypatch: object) -> None:
    park = concat([cut(soup(1, 300), np.arange(300) % 4), as_one(soup(2, 50))])
    Scene(park)
    assert sorted(built) == [50, 75, 75, 75, 75]
    built.clear()
    wall = as_one(soup(3, 20))
    more = Scene(concat([park, wall]))
    assert built == [20]
    less = Scene(subset(park, np.arange(len(park)) >= 75))
    assert built == [20]
    for scene in (more, less):
        bodies._recent.clear()
        bodies._alive.clear()
        anew = Scene(scene.obstacles)
        assert same_answers(scene, anew)


def test_a_piece_in_part_is_built_and_its_neighbours_are_not(built: list[int]) -> None:
    park = cut(soup(1, 300), np.arange(300) // 100)
    Scene(park)
    built.clear()
    keep = np.ones(300, bool)
    keep[:10] = False
    Scene(subset(park, keep))
    assert built == [90]


def test_what_nobody_needs_goes_when_there_is_no_room(built: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "MOST_KEPT", 100)
    held = Scene(as_one(soup(1, 90)))
    Scene(as_one(soup(2, 80)))
    gc.collect()
    Scene(as_one(soup(1, 90)))  # held by a scene: there, though no longer kept
    assert built == [90, 80]
    Scene(as_one(soup(2, 80)))
    assert built == [90, 80, 80]
    assert len(held.obstacles) == 90


def test_pieces_far_apart_are_as_exact_as_near_ones() -> None:
    away = (5000.0, -7000.0, 100.0)
    alone, both = Scene(soup(4, 200, away)), Scene(concat([as_one(soup(4, 200, away)), as_one(soup(5, 200, (-5000, 7000, 0)))]))
    origins, targets = segments(3000)
    origins, targets = origins + np.array(away), targets + np.array(away)
    assert (alone.occluded(origins, targets) == both.occluded(origins, targets)).mean() > 0.999
    face, t = alone.first_hit(origins, targets)
    other, place = both.first_hit(origins, targets)
    agree = face == other
    assert agree.mean() > 0.998
    assert np.abs(t - place)[agree].max() < 1e-4
