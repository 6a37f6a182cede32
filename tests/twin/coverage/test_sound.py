"""Loudness: published values, discs in the open, walls by mass, directions, bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.creation import box as closed

from twin.coverage.bounded import areas
from twin.coverage.cells import grid
from twin.coverage.field import arrange
from twin.coverage.look import prepare
from twin.coverage.makeup import partitions
from twin.coverage.sightlines import sight_lines
from twin.coverage.sound import Speakers, Walls, energies, heard, level_db, levels, mass_db, mass_table_db, reach_m, together_db
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene

EAR = 1.5


def speakers(
    *places: tuple[float, float, float], level: float = 100.0, angle: float = 2 * math.pi, azimuth: float = 0.0, slack: float = 0.0
) -> Speakers:
    m = len(places)
    return Speakers(
        np.array(places, float).reshape(-1, 3), level + np.tile([-slack, 0.0, slack], (m, 1)), np.full(m, azimuth), np.zeros(m),
        np.full(m, angle),
    )  # fmt: skip


def wall(low: tuple[float, float, float], high: tuple[float, float, float], **more: Any) -> Obstacles:
    body = closed(bounds=[low, high])
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), **({"object_id": "w", "kind": "wall"} | more))


def barriers(ob: Obstacles) -> Barriers:
    walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    return Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)


def run(those: Speakers, ob: Obstacles, asked: float, walls: Walls = Walls(), *, half: float = 25.0, step: float = 1.0) -> Any:  # noqa: B008
    sight = prepare(ob)
    square = Surface("s", [Piece("p", "p", shapely.box(-half, -half, half, half), floor_z=0.0)])
    cells = grid(square, step, EAR, lambda xy: np.zeros(len(xy)))
    field = arrange(cells, sight.edges)
    reach = reach_m(those, asked - 10.0)
    lines = sight_lines(field, (sight, sight), those.position, reach)

    def judge(part: Any, _: Any) -> Any:
        return heard(those, lines, walls, part, asked_db=np.full(len(part), asked), reach=reach)

    first = judge(cells, None)
    return cells, first, areas(cells, first, judge, least_m=step / 8, budget=200_000)


def test_published_values() -> None:
    """90 dB, 30 W, 20 m: 78.75 dB; two that are alike: 3.01 dB more."""
    assert level_db(90.0, 30.0) - 20 * math.log10(20.0) == pytest.approx(78.75, abs=5e-3)
    at = levels(speakers((0, 0, 0), level=level_db(90.0, 30.0)), np.array([[20.0, 0, 0]]))
    assert at[0, 0] == pytest.approx(78.75, abs=5e-3)
    assert together_db([78.75, 78.75]) - 78.75 == pytest.approx(3.01, abs=5e-3)
    assert energies(speakers((0, 0, 0), level=80.0), np.array([0]), np.array([[10.0, 0, 0]])) == pytest.approx([1e6])


def test_a_disc_in_the_open() -> None:
    those = speakers((0.2, -0.3, 3.5), level=100.0)
    far = 10 ** (25 / 20)  # 75 dB
    disc = math.pi * (far**2 - 2.0**2)
    _, first, found = run(those, nothing(), 75.0)
    assert found.sure.sum() <= disc <= found.possible.sum()
    assert float(found.covered.sum()) == pytest.approx(disc, rel=5e-3)
    assert float((found.possible - found.sure).sum()) < 0.06 * disc
    assert first.blocker.max() == -1


def test_a_wall_takes_what_its_mass_does() -> None:
    """0.2 m of concrete, 480 kg/m2: 20 log10(480 · 500) - 47 = 60.6 dB, so that next to nothing is left behind it."""
    assert mass_db(480.0) == pytest.approx(20 * math.log10(240_000.0) - 47, abs=1e-9)
    ob = wall((5, -25, 0), (5.2, 25, 20), materials=[{"name": "Concrete", "thickness_m": 0.2}])
    walls = barriers(ob)
    table = mass_table_db(walls.walls)
    assert table.max() == pytest.approx(60.6, abs=0.01)
    those = speakers((0, 0, 1.5), level=120.0)
    cells, first, found = run(those, ob, 60.0, Walls(walls))
    behind, before = cells.centre[:, 0] > 6, cells.centre[:, 0] < 4
    distance = np.linalg.norm(cells.centre - those.position[0], axis=1)
    assert first.point[behind] == pytest.approx(120 - 20 * np.log10(distance[behind]) - 60.6, abs=0.05)
    near = before & (distance > 1)
    assert first.point[near] == pytest.approx(120 - 20 * np.log10(distance[near]), abs=0.02)
    assert first.blocker[behind].tolist() == [0] * int(behind.sum())
    assert found.sure[behind].sum() == 0
    assert found.possible[behind].sum() == cells.area[behind].sum()  # over the top it may come with 5 dB less
    blocked = run(those, ob, 60.0)[1]
    assert (blocked.point[behind] == -np.inf).all()
    figure = run(those, ob, 60.0, Walls(None, 20.0))[1]
    assert figure.point[behind] == pytest.approx(120 - 20 * np.log10(distance[behind]) - 20, abs=0.02)


def test_a_horn_speaks_ahead() -> None:
    """6 dB less at half its covering angle, 20 dB behind."""
    horn = speakers((0, 0, 0), level=100.0, angle=math.radians(90), azimuth=math.radians(90))
    points = np.array([[10.0, 0, 0], [10 * math.cos(math.pi / 4), 10 * math.sin(math.pi / 4), 0], [-10.0, 0, 0]])
    assert levels(horn, points)[:, 0] == pytest.approx([80.0, 74.0, 60.0])


def test_unknown_power_and_axis_open_the_bounds() -> None:
    sure = run(speakers((0, 0, 3)), nothing(), 75.0)[2]
    loose = run(speakers((0, 0, 3), slack=6.0), nothing(), 75.0)[2]
    turned = run(speakers((0, 0, 3), angle=math.radians(90), azimuth=math.nan), nothing(), 75.0)[2]
    assert loose.covered.sum() == pytest.approx(sure.covered.sum())
    assert loose.sure.sum() < 0.5 * sure.sure.sum()
    assert loose.possible.sum() > 2 * sure.covered.sum() or loose.possible.sum() == pytest.approx(2500)
    assert turned.sure.sum() < 0.2 * sure.sure.sum()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_bounds_hold_the_truth_of_a_finer_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = np.column_stack([rng.uniform(-20, 20, (3, 2)), rng.uniform(2, 5, 3)])
    those = Speakers(
        places, np.repeat(rng.uniform(90, 100, (3, 1)), 3, axis=1), rng.uniform(0, 6, 3), rng.uniform(-0.2, 0.5, 3), rng.uniform(1, 6, 3)
    )
    corner = rng.uniform(-15, 10, (2, 2))
    ob = concat([wall((x, y, 0), (x + 4, y + 0.3, 4)) for x, y in corner])
    _, _, found = run(those, ob, 72.0, Walls(None, 20.0))
    t = (np.arange(250) + 0.5) / 5 - 25
    points = np.column_stack([np.repeat(t, 250), np.tile(t, 250), np.full(250 * 250, EAR)])
    scene = prepare(ob).scene
    free = np.stack([~scene.occluded(np.broadcast_to(place, points.shape), points) for place in places], axis=1)
    level = together_db(levels(those, points) - np.where(free, 0.0, 20.0))
    truth = float((level >= 72.0).sum()) * 0.04
    assert found.sure.sum() <= truth + 2.0
    assert truth <= found.possible.sum() + 2.0


def test_shadows_finer_than_the_cells_are_counted() -> None:
    """Where round its edge a screen might let enough by, all that lies behind stays undecided; the share that is dark is told all the same.

    Nineteen boards as wide as the gaps between them, and hidden sound that could be loud enough: a cell of 4 m has dark in it and light.
    """
    one = speakers((0.0, -24.0, 3.0), level=104.0)
    ob = concat([wall((x, -20.0, 0.0), (x + 1.3, -19.7, 9.0)) for x in np.arange(-25.0, 25.0, 2.6).tolist()])
    cells, _, found = run(one, ob, 65.0, step=4.0)
    t = (np.arange(500) + 0.5) / 10 - 25
    points = np.column_stack([np.repeat(t, 500), np.tile(t, 500), np.full(500 * 500, EAR)])
    free = ~prepare(ob).scene.occluded(np.broadcast_to(one.position[0], points.shape), points)
    truth, total = float((free & (levels(one, points)[:, 0] >= 65.0)).mean()), float(cells.area.sum())
    assert 0.3 < truth < 0.7
    assert found.covered.sum() / total == pytest.approx(truth, abs=4e-3)
    assert found.sure.sum() / total < truth < found.possible.sum() / total


def test_one_more_speaker_is_never_quieter_and_one_more_wall_never_louder() -> None:
    one, two = speakers((0, 0, 3)), speakers((0, 0, 3), (8, 8, 3))
    few, many = run(one, nothing(), 75.0)[1].point, run(two, nothing(), 75.0)[1].point
    behind = run(two, wall((2, -5, 0), (2.2, 5, 6)), 75.0)[1].point
    assert (many >= few - 1e-9).all()
    assert (behind <= many + 1e-9).all()


def test_nothing_and_nonsense_are_answered() -> None:
    _, first, found = run(speakers(), nothing(), 75.0)
    assert (first.point == -np.inf).all()
    assert found.possible.sum() == 0
    lost = run(speakers((math.nan, 0, 3), (0, 0, 3)), nothing(), 75.0)[2]
    assert lost.covered.sum() > 0
