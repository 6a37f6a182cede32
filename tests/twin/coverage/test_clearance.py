"""Sight to boxes: what is said of a box as a whole holds for every point of it, however narrow what stands there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.creation import box as closed

from twin.coverage.cells import grid
from twin.coverage.clearance import Boxes, Lens, boxes_of, boxes_over, clear_sight, cut_by_faces, near_each_other
from twin.coverage.edges import edges_of
from twin.coverage.look import Sight
from twin.coverage.surface import Piece, Surface
from twin.scene import concat, nothing, one_object
from twin.scene.embree import Scene


def sight(*blocks: tuple[Any, Any]) -> Sight:
    bodies = [closed(bounds=[low, high]) for low, high in blocks]
    parts = [one_object(np.asarray(b.vertices), np.asarray(b.faces), object_id=f"b{k}") for k, b in enumerate(bodies)]
    ob = concat(parts) if parts else nothing()
    return Sight(Scene(ob), edges_of(ob))


def some_boxes(rng: np.random.Generator, n: int) -> Boxes:
    low = rng.uniform([0, 0, 0], [80, 80, 2], (n, 3))
    size = rng.uniform(0.5, 6.0, (n, 1))
    return boxes_over(low, low + np.column_stack([size, size, rng.uniform(0.0, 1.0, n)]))


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000))
def test_what_is_certain_is_true_everywhere_in_the_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform([5, 5, 0], [75, 75, 0.1], (6, 3))
    among = sight(*((c, c + rng.uniform([0.1, 0.1, 2], [9, 9, 25])) for c in corners))
    antenna = rng.uniform([-20, -20, 3], [0, 0, 30])
    boxes = some_boxes(rng, 40)
    cut = cut_by_faces(among.edges, boxes)
    found = clear_sight(among, Lens(antenna), boxes, boxes.box[:, :3].copy(), cut)
    inside = boxes.box[:, None, :3] + rng.uniform(-1, 1, (40, 60, 3)) * boxes.box[:, None, [3, 3, 4]]
    free = ~among.scene.occluded(np.broadcast_to(antenna, (2400, 3)), inside.reshape(-1, 3)).reshape(40, 60)
    assert free[found.whole].all()
    assert not free[~found.some].any()
    assert (found.point <= found.some).all()
    assert (found.whole <= found.point).all()


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_it_also_holds_for_every_place_the_antenna_may_hang_in(seed: int) -> None:
    rng = np.random.default_rng(seed)
    corners = rng.uniform([5, 5, 0], [75, 75, 0.1], (3, 3))
    among = sight(*((c, c + rng.uniform([1, 1, 2], [9, 9, 15])) for c in corners))
    antenna, slack = rng.uniform([-20, -20, 3], [0, 0, 30]), 1.0
    boxes = some_boxes(rng, 20)
    found = clear_sight(among, Lens(antenna, slack), boxes, boxes.box[:, :3].copy(), cut_by_faces(among.edges, boxes))
    for _ in range(10):
        way = rng.normal(size=3)
        moved = antenna + way / np.linalg.norm(way) * slack * rng.uniform(0, 1)
        inside = boxes.box[:, None, :3] + rng.uniform(-1, 1, (20, 20, 3)) * boxes.box[:, None, [3, 3, 4]]
        free = ~among.scene.occluded(np.broadcast_to(moved, (400, 3)), inside.reshape(-1, 3)).reshape(20, 20)
        assert free[found.whole].all()
        assert not free[~found.some].any()


def test_most_boxes_are_certain() -> None:
    among = sight(([20, 20, 0], [30, 30, 15]))
    cells = grid(Surface("s", [Piece("p", "p", shapely.box(0, 0, 80, 80))]), 2.0, 1.5, lambda xy: np.zeros(len(xy)))
    boxes = boxes_of(cells)
    found = clear_sight(among, Lens(np.array([0.0, 0.0, 25.0])), boxes, cells.representative, cut_by_faces(among.edges, boxes))
    assert (found.whole | ~found.some).mean() > 0.9


def test_the_ground_beside_a_wall_is_not_cut_by_it() -> None:
    among = sight(([20, 20, 0], [30, 30, 15]))
    yard = shapely.box(0, 0, 80, 80).difference(shapely.box(20, 20, 30, 30))
    cells = grid(Surface("s", [Piece("p", "p", yard)]), 3.0, 1.5, lambda xy: np.zeros(len(xy)))
    assert cut_by_faces(among.edges, boxes_of(cells)).sum() <= 12  # those about the corners
    whole = grid(Surface("s", [Piece("p", "p", shapely.box(0, 0, 80, 80))]), 3.0, 1.5, lambda xy: np.zeros(len(xy)))
    wall = np.abs(whole.centre[:, :2] - 25.0).max(axis=1)
    cut = cut_by_faces(among.edges, boxes_of(whole))
    assert cut[(wall > 4.0) & (wall < 6.0)].any()
    assert not cut[wall > 6.6].any()


def test_no_obstacle_hides_nothing() -> None:
    among, boxes = sight(), boxes_over(np.zeros((3, 3)), np.ones((3, 3)))
    found = clear_sight(among, Lens(np.array([0.0, 0, 9])), boxes, boxes.box[:, :3].copy(), cut_by_faces(among.edges, boxes))
    assert found.whole.all()


def test_neighbours_follow_each_other() -> None:
    cells = grid(Surface("s", [Piece("p", "p", shapely.box(0, 0, 200, 200))]), 2.0, 1.5, lambda xy: np.zeros(len(xy)))
    order = near_each_other(cells)
    assert sorted(order.tolist()) == list(range(len(cells)))
    walk = np.linalg.norm(np.diff(cells.centre[order, :2], axis=0), axis=1)
    assert float(np.median(walk)) == pytest.approx(2.0)
