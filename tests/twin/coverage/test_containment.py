"""What lies in what, by hand and against going through all of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage.containment import Places, container, pairs, share_within


def points(*places: tuple[float, float], **more: object) -> Places:
    return Places(np.array([shapely.Point(place) for place in places], object), **more)  # type: ignore[arg-type]


def areas(*boxes: tuple[float, float, float, float], **more: object) -> Places:
    return Places(np.array([shapely.box(*each) for each in boxes], object), **more)  # type: ignore[arg-type]


def test_the_smallest_area_counts_and_edges_are_inside() -> None:
    rooms = areas((0, 0, 10, 10), (2, 2, 4, 4))
    assert container(points((3, 3), (5, 5), (10, 5), (11, 5)), rooms).tolist() == [1, 0, 0, -1]
    one, other = pairs(points((3, 3)), rooms)
    assert (one.tolist(), other.tolist()) == ([0, 0], [0, 1])


def test_storeys_do_not_mix() -> None:
    floors = areas((0, 0, 9, 9), (0, 0, 9, 9), storey=["f1", "f2"])
    assert container(points((1, 1), (1, 1), storey=["f2", "f3"]), floors).tolist() == [1, -1]


def test_heights_decide_where_no_storey_is_named() -> None:
    floors = areas((0, 0, 9, 9), (0, 0, 9, 9), low=np.array([0.0, 4.0]), high=np.array([4.0, 8.0]))
    at = points((1, 1), (1, 1), (1, 1), (1, 1), low=np.array([1.2, 5.0, 9.0, -0.4]))
    assert container(at, floors).tolist() == [0, 1, -1, 0]
    assert container(points((1, 1), low=np.array([math.nan])), floors).tolist() == [0]


def test_the_share_of_an_area_that_others_cover() -> None:
    plots = areas((0, 0, 10, 10), (20, 0, 30, 10), (50, 50, 60, 60))
    grid = areas((0, 0, 5, 10), (3, 0, 8, 10), (20, 0, 30, 10))
    assert share_within(plots, grid).tolist() == [pytest.approx(0.8), 1.0, 0.0]
    assert math.isnan(share_within(points((1, 1)), grid)[0])


def test_nothing_at_all() -> None:
    assert container(points(), areas((0, 0, 1, 1))).tolist() == []
    assert container(points((0, 0)), areas()).tolist() == [-1]
    assert share_within(areas((0, 0, 1, 1)), areas()).tolist() == [0.0]


squares = st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 9)).map(lambda s: (s[0], s[1], s[0] + s[2], s[1] + s[2]))
storeys = st.sampled_from([None, "a", "b"])


@given(st.lists(st.tuples(squares, storeys), max_size=8), st.lists(st.tuples(st.integers(0, 25), st.integers(0, 25), storeys), max_size=8))
def test_as_going_through_all_of_them_says(rooms: list, things: list) -> None:
    where = areas(*[box for box, _ in rooms], storey=[name for _, name in rooms])
    what = points(*[(x, y) for x, y, _ in things], storey=[name for *_, name in things])
    for k, (x, y, storey) in enumerate(things):
        fits = [
            ((box[2] - box[0]) ** 2, i)
            for i, (box, name) in enumerate(rooms)
            if box[0] <= x <= box[2] and box[1] <= y <= box[3] and (storey is None or name is None or storey == name)
        ]
        assert container(what, where)[k] == (min(fits)[1] if fits else -1)
