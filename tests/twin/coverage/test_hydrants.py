"""Ways of hoses: by hand, against single-source ways round obstacles, and bounds against a finer grid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.around import way_to, ways_around
from twin.coverage.bounded import areas
from twin.coverage.cells import grid
from twin.coverage.hydrants import ground_of, reached, way_lengths, ways
from twin.coverage.surface import Piece, Surface


def shapes(*those: Any) -> Any:
    return np.array(those, object)


def test_round_a_building_by_hand() -> None:
    ground = ground_of(shapes(shapely.box(10, -20, 12, 20)))
    hydrant = np.array([[0.0, 0.0]])
    starts = ways(ground, hydrant, 150.0)
    way, which = way_lengths(ground, starts, np.array([[5.0, 0], [22, 0], [400, 0]]), 150.0)
    assert way[0] == pytest.approx(5)
    assert way[1] == pytest.approx(2 * math.hypot(10, 20) + 2, abs=0.05)
    assert np.isinf(way[2])
    assert which.tolist() == [0, 0, -1]


def test_a_closed_yard_is_not_reached_and_a_gate_lets_through() -> None:
    ring = shapely.LinearRing([(10, -10), (30, -10), (30, 10), (10, 10)])
    hydrant, inside = np.array([[0.0, 0.0]]), np.array([[20.0, 0.0]])
    shut = ground_of(shapes(ring))
    assert np.isinf(way_lengths(shut, ways(shut, hydrant, 150.0), inside, 150.0)[0][0])
    gate = shapely.LineString([(30, 2), (30, 10), (10, 10), (10, -10), (30, -10), (30, -2)])
    open_ = ground_of(shapes(gate))
    way = way_lengths(open_, ways(open_, hydrant, 150.0), inside, 150.0)[0][0]
    assert way == pytest.approx(math.hypot(10, 10) + 20 + 8 + math.hypot(10, 2), abs=0.1)


def test_the_open_field_is_a_disc() -> None:
    _, found = _run(shapes(), np.array([[0.3, 0.2]]), 40.0)
    disc = math.pi * 1600
    assert found.sure.sum() <= disc <= found.possible.sum()
    assert float(found.covered.sum()) == pytest.approx(disc, rel=2e-3)


def _run(blocked: Any, hydrants: Any, most: float, *, half: float = 60.0, step: float = 2.0) -> Any:
    free = shapely.box(-half, -half, half, half).difference(shapely.union_all([each for each in blocked if each.geom_type == "Polygon"]))
    cells = grid(Surface("s", [Piece("p", "p", free, floor_z=0.0)]), step, 0.0, lambda xy: np.zeros(len(xy)))
    ground = ground_of(blocked)
    starts = ways(ground, hydrants, most, 2 * step)
    first = reached(ground, starts, hydrants, cells, most)
    return cells, areas(cells, first, lambda part, _: reached(ground, starts, hydrants, part, most), least_m=step / 8, budget=100_000)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10_000))
def test_against_ways_from_one_point_and_bounds_hold(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corner, size = rng.uniform(-40, 25, (5, 2)), rng.uniform(5, 20, (5, 2))
    boxes = shapes(*(shapely.box(x, y, x + w, y + h) for (x, y), (w, h) in zip(corner, size, strict=True)))
    solid = shapely.union_all(boxes)
    spots = rng.uniform(-55, 55, (400, 2))
    spots = spots[[not solid.buffer(0.2).contains(shapely.Point(*at)) for at in spots]]
    hydrants, points, most = spots[:2], spots[2:40], 60.0
    ground = ground_of(shapes(*shapely.get_parts(solid)))
    way, _ = way_lengths(ground, ways(ground, hydrants, most), points, most)
    single = [ways_around(at, solid, limit=most) for at in hydrants]
    truth = np.array([min(way_to(each, shapely.Point(*at)) for each in single) for at in points])
    sure = np.isfinite(truth) & (truth < most - 0.2)
    assert way[sure] == pytest.approx(truth[sure], abs=0.15)
    assert (np.isinf(way) | (way < most)).all()
    assert not np.isfinite(way[np.isinf(truth)]).any()
    cells, found = _run(shapes(*shapely.get_parts(solid)), hydrants, most)
    t = np.arange(-59.8, 60, 0.4)
    fine = np.column_stack([np.repeat(t, len(t)), np.tile(t, len(t))])
    fine = fine[~shapely.contains_xy(solid, fine[:, 0], fine[:, 1])]
    share = np.isfinite(way_lengths(ground, ways(ground, hydrants, most), fine, most)[0]).mean()
    total = float(cells.area.sum())
    assert found.sure.sum() / total - 0.003 <= share <= found.possible.sum() / total + 0.003
    assert found.sure.sum() <= found.covered.sum() <= found.possible.sum()


def test_one_more_building_never_shortens_and_one_more_hydrant_never_lengthens() -> None:
    hydrants = np.array([[0.0, 0.0], [40.0, 10.0]])
    points = np.random.default_rng(3).uniform(-50, 50, (200, 2))
    house = shapely.box(5, 5, 20, 30)
    points = points[~shapely.contains_xy(house.buffer(0.1), points[:, 0], points[:, 1])]
    free, built = ground_of(shapes()), ground_of(shapes(house))
    one = way_lengths(built, ways(built, hydrants[:1], 100.0), points, 100.0)[0]
    two = way_lengths(built, ways(built, hydrants, 100.0), points, 100.0)[0]
    plain = way_lengths(free, ways(free, hydrants, 100.0), points, 100.0)[0]
    assert (two <= one + 1e-9).all()
    assert (plain <= two + 1e-9).all()


def test_no_hydrants() -> None:
    none = np.empty((0, 2))
    ground = ground_of(shapes(shapely.box(0, 0, 5, 5)))
    starts = ways(ground, none, 150.0)
    assert np.isinf(way_lengths(ground, starts, np.array([[9.0, 9.0]]), 150.0)[0]).all()
    assert _run(shapes(shapely.box(0, 0, 5, 5)), none, 50.0)[1].possible.sum() == 0


def test_points_are_answered_alike_alone_and_among_many() -> None:
    """Points are asked about by squares of ground, and only starts near a square count there."""
    random = np.random.default_rng(7)
    corner, size = random.uniform(-400, 400, (60, 2)), random.uniform(5, 30, (60, 2))
    ground = ground_of(shapes(*(shapely.box(x, y, x + a, y + b) for (x, y), (a, b) in zip(corner, size, strict=True))))
    starts = ways(ground, random.uniform(-400, 400, (25, 2)), 150.0)
    points = random.uniform(-420, 420, (400, 2))
    way, which = way_lengths(ground, starts, points, 150.0)
    alone = [way_lengths(ground, starts, point[None], 150.0) for point in points]
    assert np.array_equal(way, np.concatenate([each[0] for each in alone]))
    assert np.array_equal(which, np.concatenate([each[1] for each in alone]))
    assert 0.1 < np.isfinite(way).mean() < 1.0
