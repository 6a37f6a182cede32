"""Bounds where something is in doubt: poses drawn within their tolerance and doors either way, against rays of double precision."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.coverage.camera import LEAST, MOST, Criteria, Slack, View, verdicts
from twin.coverage.cells import grid
from twin.coverage.field import arrange
from twin.coverage.inview import FISHEYE, INSIDE
from twin.coverage.look import depends, prepare, with_best
from twin.coverage.share import seen, sees
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import Covered, Question, cover
from twin.scene import Obstacles, concat, nothing, one_object, subset
from twin.scene.prism import prism

LOOSE = Criteria(density_px_per_m=1.0)
PLACE = shapely.box(-12, -12, 12, 12)
SURFACE = Surface("s", [Piece("p", "p", PLACE)])


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def blocks(rng: np.random.Generator, n: int) -> Obstacles:
    parts: list[Obstacles] = []
    for i in range(n):
        shape = shapely.affinity.rotate(shapely.box(0, 0, *rng.uniform(0.4, 5, 2)), rng.uniform(0, 90))
        vertices, faces = prism(shapely.affinity.translate(shape, *rng.uniform(-10, 8, 2)), -1.0, rng.uniform(0.5, 6))
        parts.append(one_object(vertices, faces, object_id=f"b{i}", kind="door" if i % 2 else "wall"))
    return concat(parts)


def soup(rng: np.random.Generator, n: int) -> Obstacles:
    corners = rng.uniform([-10, -10, 0.2], [10, 10, 5], (n, 1, 3)) + rng.normal(0, 1.5, (n, 3, 3))
    return one_object(corners.reshape(-1, 3), np.arange(3 * n).reshape(-1, 3), object_id="soup")


def blocked(lens: np.ndarray, targets: np.ndarray, obstacles: Obstacles) -> np.ndarray:
    """Moeller and Trumbore's test of every segment with every triangle."""
    out = np.zeros(len(targets), bool)
    way = targets - lens
    for p, q, r in obstacles.vertices[obstacles.faces.astype(int)]:
        e, f = q - p, r - p
        h = np.cross(way, f)
        det = h @ e
        with np.errstate(divide="ignore", invalid="ignore"):
            s = lens - p
            u = (h @ s) / det
            g = np.cross(s, e)
            v = (way @ g) / det
            t = (f @ g) / det
            out |= (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 1e-6) & (t < 1 - 1e-6)
    return out


def true_sight(view: View, targets: np.ndarray, obstacles: Obstacles) -> np.ndarray:
    ok = verdicts(view, LOOSE, targets) == INSIDE
    ok[ok] = ~blocked(np.array(view.position), targets[ok], obstacles)
    return ok


def doubtful(rng: np.random.Generator) -> View:
    """A camera whose pose is known to some tolerance."""
    slack = Slack(rng.choice([0.0, 0.1, 0.4]), rng.choice([0.0, 0.1, 0.6]), rng.choice([0.0, 0.05]), rng.choice([0.0, 0.05]))
    view = View(
        "c", (*rng.uniform(-9, 9, 2), rng.uniform(2.5, 7)), lens=int(rng.choice([0, 0, FISHEYE])), azimuth_rad=rng.uniform(0, 6.3),
        tilt_rad=rng.uniform(0.1, 1.2), hfov_rad=rng.uniform(0.8, 2.2), vfov_rad=rng.uniform(0.6, 1.6), range_m=rng.uniform(8, 30),
    )  # fmt: skip
    return replace(view, least=replace(view, slack=slack, sign=LEAST), most=replace(view, slack=slack, sign=MOST))


def some_pose(view: View, rng: np.random.Generator, obstacles: Obstacles) -> View | None:
    """A pose within the tolerance, on the same side of whatever the lens hangs on; None where this one is not."""
    assert view.most is not None
    slack, angle = view.most.slack, rng.uniform(0, 2 * math.pi)
    shift = np.array([math.cos(angle) * slack.xy_m, math.sin(angle) * slack.xy_m, slack.z_m * rng.choice([-1, 1])]) * rng.choice([1.0, 0.5])
    lens = np.array(view.position)
    if blocked(lens, (lens + shift)[None], obstacles)[0]:
        return None
    turn, nod = slack.azimuth_rad * rng.uniform(-1, 1), slack.tilt_rad * rng.uniform(-1, 1)
    return replace(
        view, position=tuple(lens + shift), azimuth_rad=view.azimuth_rad + turn, tilt_rad=view.tilt_rad + nod, least=None, most=None
    )


def found_by(views: list[View], obstacles: Obstacles) -> tuple[Covered, Any]:
    sight = prepare(obstacles)
    cells = grid(SURFACE, 1.0, 1.5, level)
    return cover(SURFACE, arrange(cells, sight.edges), sight, views, Question(LOOSE, 1.5, level)), cells


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_any_pose_within_the_tolerance_covers_what_the_bounds_say(seed: int) -> None:
    """Cell by cell: what is covered for certain is seen from every pose, and what cannot be is seen from none."""
    rng = np.random.default_rng(seed)
    obstacles = concat([blocks(rng, 5), soup(rng, 4)])
    view = doubtful(rng)
    found, cells = found_by([view], obstacles)
    assert (found.lower <= found.value + 1e-9).all()
    assert (found.value <= found.upper + 1e-9).all()
    inner = (np.arange(5) + 0.5) / 5 - 0.5
    offset = np.stack(np.meshgrid(inner, inner), -1).reshape(-1, 2)
    targets = (cells.centre[:, None] + np.column_stack([offset, np.zeros(len(offset))])).reshape(-1, 3)
    for _ in range(4):
        pose = some_pose(view, rng, obstacles)
        if pose is None:
            continue
        share = true_sight(pose, targets, obstacles).reshape(len(cells), -1).mean(axis=1)
        assert (share[found.lower >= cells.area * (1 - 1e-9)] == 1).all()
        assert (share[found.upper <= 1e-9] == 0).all()


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6))
def test_points_are_judged_like_areas(seed: int) -> None:
    rng = np.random.default_rng(seed)
    obstacles = concat([blocks(rng, 4), soup(rng, 4)])
    view, sight = doubtful(rng), prepare(obstacles)
    assert view.least is not None
    assert view.most is not None
    targets = np.column_stack([rng.uniform(-12, 12, (600, 2)), np.full(600, 1.5)])
    least, value, most = (sees(targets, each, LOOSE, sight) for each in (view.least, view, view.most))
    assert (value == true_sight(view, targets, obstacles)).mean() > 0.995  # rays within 2 mm of an edge may differ
    assert not (least & ~value).any()
    assert not (value & ~most).any()
    for _ in range(4):
        pose = some_pose(view, rng, obstacles)
        if pose is not None:
            truth = true_sight(pose, targets, obstacles)
            assert not (least & ~truth).any()
            assert not (truth & ~most).any()


@pytest.mark.parametrize("seed", range(3))
def test_doors_that_may_be_open_count_for_the_upper_bound_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    closed = blocks(rng, 6)
    open_ = subset(closed, np.array([kind != "door" for kind in closed.object_kind])[closed.face_object])
    views = [replace(doubtful(rng), camera=f"c{i}", least=None, most=None) for i in range(3)]
    sight = with_best(prepare(closed), prepare(open_))
    field = arrange(grid(SURFACE, 1.0, 1.5, level), sight.edges)
    question = Question(LOOSE, 1.5, level)
    either, shut, ajar = (cover(SURFACE, field, s, views, question) for s in (sight, replace(sight, best=None), prepare(open_)))
    assert (either.lower == shut.lower).all()
    assert (either.value == shut.value).all()
    assert (either.upper >= ajar.value - 1e-9).all()
    # parts that a door's faces cut stay open, an eighth of a cell wide
    assert either.upper.sum() <= max(ajar.upper.sum(), shut.upper.sum()) + 0.02 * PLACE.area


def test_who_cannot_be_hidden_by_a_door_is_not_looked_through_twice() -> None:
    wall = one_object(*prism(shapely.box(-5, 8, 5, 8.2), 0, 4), object_id="door", kind="door")
    sight = with_best(prepare(wall), prepare(nothing()))
    field = arrange(grid(SURFACE, 1.0, 1.5, level), sight.edges)
    towards = View("c", (0.0, 0.0, 3.0), tilt_rad=0.3)
    assert depends(field, sight, towards, LOOSE)
    assert not depends(field, sight, replace(towards, azimuth_rad=math.pi), LOOSE)
    assert not depends(field, replace(sight, best=None), towards, LOOSE)


def test_a_body_needs_feet_and_head_and_one_more_camera_counts() -> None:
    """A wall 1 m high hides the feet of whoever stands behind it, and not the head."""
    wall = one_object(*prism(shapely.box(-20, 5, 20, 5.1), 0, 1.0), object_id="wall")
    sight = prepare(wall)
    view = View("c", (0.0, 0.0, 3.0), tilt_rad=0.3, hfov_rad=1.5, vfov_rad=1.4)
    feet, head = np.array([0.0, 6.0, 0.1]), np.array([0.0, 6.0, 1.7])
    stands = np.array([[head], [feet]])[None]  # (1, 2 heights, 1 place, 3)
    assert seen(stands[:, :1], 1, [view], LOOSE, sight).count.tolist() == [1]
    assert seen(stands, 1, [view], LOOSE, sight).count.tolist() == [0]
    behind = replace(view, camera="d", position=(0.0, 12.0, 3.0), azimuth_rad=math.pi)
    found = seen(stands, 1, [view, behind], LOOSE, sight)
    assert (found.count.tolist(), found.cameras) == ([1], [["d"]])
