"""Where displays are read: published distances, the wedge of the angles, what stands before them, bounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from trimesh.creation import box as closed

from twin.coverage.bounded import areas
from twin.coverage.cells import grid
from twin.coverage.field import arrange
from twin.coverage.legible import INSIDE, OUT_OF_RANGE, OUT_OF_VIEW, Displays, readable, verdicts, viewing_distance_m
from twin.coverage.look import prepare
from twin.coverage.sightlines import sight_lines
from twin.coverage.surface import Piece, Surface
from twin.scene import Obstacles, nothing, one_object


def display(azimuth: float = 0.0, *, far: float = 20.0, near: float = 0.0, z: float = 1.6) -> Displays:
    return Displays(np.array([[0.0, 0.0, z]]), np.array([azimuth]), np.array([near]), np.full((1, 3), far))


def run(those: Displays, ob: Obstacles, *, half: float = 30.0) -> Any:
    sight = prepare(ob)
    square = Surface("s", [Piece("p", "p", shapely.box(-half, -half, half, half), floor_z=0.0)])
    cells = grid(square, 1.0, 1.6, lambda xy: np.zeros(len(xy)))
    lines = sight_lines(arrange(cells, sight.edges), (sight, sight), those.position, those.far_m[:, 2])
    first = readable(those, lines, cells)
    return cells, first, areas(cells, first, lambda part, _: readable(those, lines, part), least_m=0.125, budget=200_000)


def test_published_distances() -> None:
    """GB 50464: P4 is read from 5.52 to 22.08 m, P10 from 13.8 to 55.2 m."""
    assert viewing_distance_m(4.0) == pytest.approx((5.52, 22.08))
    assert viewing_distance_m(10.0) == pytest.approx((13.8, 55.2))


def test_the_angles() -> None:
    """50 degrees to either side of north, 10 above and 20 below."""
    one = display(far=50.0, z=0.0)

    def at(side_deg: float, rise_deg: float, ahead: float = 10.0) -> int:
        eye = [[ahead * math.tan(math.radians(side_deg)), ahead, ahead * math.tan(math.radians(rise_deg))]]
        return int(verdicts(one, np.array(eye))[0, 0])

    assert [at(49.9, 0), at(-49.9, 0), at(0, 9.9), at(0, -19.9)] == [INSIDE] * 4
    assert [at(50.1, 0), at(-50.1, 0), at(0, 10.1), at(0, -20.1)] == [OUT_OF_VIEW] * 4
    assert at(0, 0, 51.0) == OUT_OF_RANGE
    assert int(verdicts(one, np.array([[0.0, -5.0, 0.0]]))[0, 0]) == OUT_OF_VIEW


@pytest.mark.parametrize("azimuth", [0.0, 0.8, math.pi, 5.5])
def test_the_wedge_in_the_open(azimuth: float) -> None:
    """At the height of the eyes: a sector of 100 degrees and 20 m."""
    sector = math.radians(100) / 2 * 20.0**2
    _, first, found = run(display(azimuth), nothing())
    assert found.sure.sum() <= sector <= found.possible.sum()
    assert float(found.covered.sum()) == pytest.approx(sector, rel=0.01)
    assert float((found.possible - found.sure).sum()) < 0.08 * sector
    assert set(first.count.tolist()) == {0, 1}
    ring = math.radians(100) / 2 * (20.0**2 - 5.0**2)
    assert float(run(display(azimuth, near=5.0), nothing())[2].covered.sum()) == pytest.approx(ring, rel=0.01)


def test_what_stands_before_it_hides_it() -> None:
    body = closed(bounds=[(-2, 5, 0), (2, 5.5, 4)])
    ob = one_object(np.asarray(body.vertices), np.asarray(body.faces), object_id="w")
    cells, first, found = run(display(), ob)
    shadow = (np.abs(cells.centre[:, 0]) < 0.36 * cells.centre[:, 1] - 0.8) & (cells.centre[:, 1] > 6) & (cells.centre[:, 1] < 18)
    assert not first.covered[shadow].any()
    assert found.possible[shadow].sum() == 0
    assert set(first.reason[shadow].tolist()) == {3}
    assert found.covered.sum() < run(display(), nothing())[2].covered.sum()


def test_nobody_knows_which_way_it_faces() -> None:
    _, first, found = run(display(math.nan), nothing())
    assert not first.covered.any()
    assert found.sure.sum() == 0
    assert found.possible.sum() == pytest.approx(math.pi * 400, rel=0.1)


def test_no_display_at_all() -> None:
    none = Displays(np.empty((0, 3)), np.empty(0), np.empty(0), np.empty((0, 3)))
    _, first, found = run(none, nothing())
    assert not first.possible.any()
    assert found.possible.sum() == 0
    assert verdicts(none, np.zeros((2, 3))).shape == (2, 0)
