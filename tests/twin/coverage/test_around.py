"""Shortest ways round obstacles and within rooms, by closed forms and against a fine grid of steps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import dijkstra

from twin.coverage.around import way_to, ways_around, ways_within

BLOCK = shapely.box(-1, -1, 1, 1)


def test_round_a_square() -> None:
    ways = ways_around((-3, 0), BLOCK)
    assert way_to(ways, shapely.Point(3, 0)) == pytest.approx(2 * math.hypot(2, 1) + 2)
    assert way_to(ways, shapely.Point(0, 5)) == pytest.approx(math.hypot(3, 5))
    assert way_to(ways, shapely.box(2, -9, 3, 9)) == pytest.approx(math.hypot(2, 1) + 2 + 1)


def test_along_an_edge_is_free() -> None:
    assert way_to(ways_around((-3, 1), BLOCK), shapely.Point(3, 1)) == pytest.approx(6.0)


def test_round_the_end_of_a_wall() -> None:
    wall = shapely.LineString([(0, -1), (0, 1)]).buffer(0.01, cap_style="flat")
    assert way_to(ways_around((-3, 0), wall), shapely.Point(3, 0)) == pytest.approx(2 * math.hypot(3, 1), abs=0.02)


def test_what_is_walled_in_is_not_reached_and_what_is_far_neither() -> None:
    ring = shapely.box(-2, -2, 2, 2).difference(BLOCK)
    assert math.isinf(way_to(ways_around((5, 0), ring), shapely.Point(0, 0)))
    assert math.isinf(way_to(ways_around((-3, 0), BLOCK, limit=3.5), shapely.Point(3, 0)))


def test_nothing_in_the_way() -> None:
    assert way_to(ways_around((0, 0), shapely.Polygon()), shapely.Point(3, 4)) == 5.0


def test_within_an_l_the_way_bends_at_its_corner() -> None:
    ell = shapely.box(0, 0, 10, 2).union(shapely.box(0, 0, 2, 10))
    found = ways_within(ell, [(9, 1), (1, 9), (1, 1)])
    assert found[0, 1] == pytest.approx(2 * math.hypot(7, 1))
    assert found[0, 2] == pytest.approx(8)
    assert np.allclose(found, found.T)


def test_rooms_without_a_way_between() -> None:
    two = shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(5, 0, 6, 1)])
    assert math.isinf(ways_within(two, [(0.5, 0.5), (5.5, 0.5)])[0, 1])
    assert ways_within(two, [(0.5, 0.5)]).tolist() == [[0.0]]


boxes = st.tuples(st.integers(0, 16), st.integers(1, 17), st.integers(1, 6), st.integers(1, 6))


@given(st.lists(boxes, min_size=1, max_size=5))
@settings(deadline=None, max_examples=60)
def test_no_longer_than_steps_on_a_grid_and_no_shorter_than_straight(rows: list[tuple[int, int, int, int]]) -> None:
    """A path of king's moves between grid points is at most 8.24 % longer than the shortest way, where it can go at all."""
    solid = shapely.union_all([shapely.box(x + 0.01, y + 0.01, x + w - 0.01, y + h - 0.01) for x, y, w, h in rows])
    start, end = (-1.0, 10.0), (24.0, 10.0)
    got = way_to(ways_around(start, solid), shapely.Point(end))
    side = np.arange(-1, 26)
    places = np.array([(x, y) for x in side for y in side], float)
    gaps = np.abs(places[:, None] - places[None])
    near = np.argwhere(gaps.max(axis=2) == 1)
    lines = shapely.linestrings(places[near])
    free = ~shapely.intersects(solid, lines)
    table = np.zeros((len(places), len(places)))
    table[near[free, 0], near[free, 1]] = shapely.length(lines[free])
    index = {tuple(place): k for k, place in enumerate(places.tolist())}
    steps = dijkstra(table, indices=index[start])[index[end]]
    assert 25.0 - 1e-9 <= got <= steps + 1e-9
    assert steps <= 1.0824 * got + 0.5
