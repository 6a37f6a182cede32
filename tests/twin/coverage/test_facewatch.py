"""What cameras see of upright faces: closed forms, a dense grid of rays, and bounds that hold whatever stands in the way."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.camera import Criteria, View, verdicts
from twin.coverage.facewatch import FaceQuestion, Watched, share_by_middles, watch_faces
from twin.coverage.inview import ANY_WAY, INSIDE
from twin.coverage.look import Sight, prepare
from twin.coverage.surface import Piece
from twin.coverage.upright import Face, Plane, points_of, upright
from twin.scene import Obstacles, concat, nothing, one_object

CRITERIA = Criteria(25.0)
_BOX = np.array([
    [0, 2, 3], [0, 3, 1], [4, 5, 7], [4, 7, 6], [0, 1, 5], [0, 5, 4], [2, 6, 7], [2, 7, 3], [0, 4, 6], [0, 6, 2], [1, 3, 7], [1, 7, 5],
])  # fmt: skip


def box(x0: float, y0: float, z0: float, x1: float, y1: float, z1: float, name: str = "b") -> Obstacles:
    corners = np.array([[(x1 if k & 1 else x0), (y1 if k & 2 else y0), (z1 if k & 4 else z0)] for k in range(8)], float)
    return one_object(corners, _BOX, object_id=name)


def face(width: float = 20.0, height: float = 12.0, turn: float = 0.0, shape: Any = None) -> Face:
    """A wall that begins at the origin and looks south, or turned counter-clockwise."""
    along = (math.cos(turn), math.sin(turn))
    plane = Plane(0.0, 0.0, along, (along[1], -along[0]))
    return Face("f", plane, [Piece("p", "p", shape or shapely.box(0, 0, width, height), 0.0)], "b", "S")


def view(x: float, y: float, z: float, **more: Any) -> View:
    """A camera that looks north and up."""
    said: dict[str, Any] = {"azimuth_rad": 0.0, "tilt_rad": math.radians(-20), "hfov_rad": math.radians(80), "vfov_rad": math.radians(50)}
    return View(more.pop("camera", "c"), (x, y, z), **(said | more))


def shares(found: Watched) -> tuple[float, float, float]:
    total = sum(float(each.field.cells.area.sum()) for each in found.faces)
    return tuple(float(sum(part.sum() for part in parts)) / total for parts in (found.lower, found.value, found.upper))  # type: ignore[return-value]


def dense(one: Face, sight: Sight, views: list[View], step: float = 0.05, k: int = 1) -> float:
    """The share that k cameras see of a fine grid of points on the face: rays and optics, nothing else."""
    fine = upright(one, step, sight.edges)
    points, weight = points_of(fine), fine.field.cells.area
    count = np.zeros(len(points))
    for each in views:
        inside = verdicts(each, CRITERIA, points) == INSIDE
        count += inside & ~sight.scene.occluded(np.broadcast_to(np.array(each.position), points.shape), points)
    return float(weight[count >= k].sum() / weight.sum())


def test_an_open_view_sees_the_trapezoid_that_its_picture_cuts_out_of_the_wall() -> None:
    """A level lens 15 m before the wall sees |u - 10| <= 15 tan(hfov/2), |v - 4| <= 15 tan(vfov/2): clipped to 20 x 12 m."""
    eye = view(10.0, -15.0, 4.0, tilt_rad=0.0, hfov_rad=math.radians(50), vfov_rad=math.radians(30))
    half_w, half_h = 14.95 * math.tan(math.radians(25)), 14.95 * math.tan(math.radians(15))
    found = watch_faces([face()], prepare(nothing()), [eye], FaceQuestion(CRITERIA, 1.0))
    exact = 2 * half_w * (min(12.0, 4 + half_h) - max(0.0, 4 - half_h)) / 240
    lower, value, upper = shares(found)
    assert lower <= exact <= upper
    assert upper - lower < 0.005
    assert value == pytest.approx(exact, abs=1e-3)  # 0.1 point


def test_a_box_before_the_wall_throws_its_central_projection() -> None:
    """A board 2 x 1 m half way between lens and wall hides 4 x 2 m of it."""
    eye = view(10.0, -15.0, 6.0, tilt_rad=0.0, hfov_rad=math.radians(120), vfov_rad=math.radians(100))
    middle = -(15.0 + 0.05) / 2
    board = box(9.0, middle, 5.5, 11.0, middle + 1e-3, 6.5)
    lower, value, upper = shares(watch_faces([face()], prepare(board), [eye], FaceQuestion(Criteria(1.0), 1.0)))
    assert lower <= 1 - 8 / 240 + 1e-4
    assert upper >= 1 - 8 / 240 - 1e-4
    assert value == pytest.approx(1 - 8 / 240, abs=1e-3)
    assert upper - lower < 0.005


def test_a_wall_is_seen_from_in_front_of_it_only() -> None:
    behind = view(10.0, 15.0, 4.0, azimuth_rad=math.pi)
    assert shares(watch_faces([face()], prepare(nothing()), [behind], FaceQuestion(CRITERIA, 1.0))) == (0.0, 0.0, 0.0)


places = st.tuples(st.floats(-5, 25), st.floats(-30, -4), st.floats(1, 8), st.floats(-40, 40), st.floats(-45, 10))
blocks = st.tuples(st.floats(-2, 18), st.floats(-12, -0.2), st.floats(0, 8), st.floats(0.3, 6), st.floats(0.2, 3), st.floats(0.3, 6))


@settings(max_examples=25, deadline=None)
@given(st.lists(places, min_size=1, max_size=3), st.lists(blocks, max_size=4), st.floats(0, 6.28), st.integers(1, 2))
def test_the_bounds_hold_the_truth_of_a_twenty_times_finer_grid(eyes: Any, things: Any, turn: float, k: int) -> None:
    """The whole scene is turned about the wall's foot: what is seen of it stays the same, and the bounds hold it."""
    rotate = np.array([[math.cos(turn), -math.sin(turn), 0], [math.sin(turn), math.cos(turn), 0], [0, 0, 1]])
    parts = [box(x, y, z, x + w, min(y + d, 0.5), z + h, f"b{i}") for i, (x, y, z, w, d, h) in enumerate(things)]
    scene = concat([*parts, box(0, 0, 0, 20, 8, 12, "house")])
    turned = one_object(scene.vertices @ rotate.T, scene.faces, object_id="all")
    views = [
        view(*(rotate @ np.array([x, y, z])).tolist(), azimuth_rad=math.radians(pan) - turn, tilt_rad=math.radians(tilt), camera=str(i))
        for i, (x, y, z, pan, tilt) in enumerate(eyes)
    ]
    sight, one = prepare(turned), face(turn=turn)
    lower, value, upper = shares(watch_faces([one], sight, views, FaceQuestion(CRITERIA, 1.0, k)))
    truth = dense(one, sight, views, k=k)
    assert lower - 2.5e-3 <= truth <= upper + 2.5e-3  # a fine grid errs by half its step along an edge of 20 m: 0.2 point
    assert lower <= value <= upper
    assert value == pytest.approx(truth, abs=6e-3)


def test_gables_count_by_their_own_shape() -> None:
    gable = shapely.Polygon([(0, 0), (20, 0), (20, 6), (10, 12), (0, 6)])
    eye = view(10.0, -25.0, 4.0, hfov_rad=math.radians(120), vfov_rad=math.radians(100))
    found = watch_faces([face(shape=gable)], prepare(nothing()), [eye], FaceQuestion(Criteria(1.0), 1.0))
    assert float(found.value[0].sum()) == pytest.approx(gable.area, rel=1e-9)


def test_what_sticks_out_of_the_wall_hides_what_is_above_it_and_itself() -> None:
    """A balcony 1.5 m deep across the wall at 6 m, seen from below: the strip above it up to where the line over its rim meets the wall."""
    eye = view(10.0, -10.05, 1.0, tilt_rad=math.radians(-30), hfov_rad=math.radians(140), vfov_rad=math.radians(130))
    balcony = box(-1, -1.55, 6.0, 21, 0.3, 6.2)
    found = watch_faces([face()], prepare(balcony), [eye], FaceQuestion(Criteria(1.0), 0.5))
    first = 1 + (6.2 - 1) * 10 / 8.5  # over the upper rim
    exact = 1 - (first - 6.0) * 20 / 240
    lower, value, upper = shares(found)
    assert lower - 1e-3 <= exact <= upper + 1e-3
    assert value == pytest.approx(exact, abs=4e-3)


def test_more_cameras_never_see_less_and_each_is_told_what_it_adds() -> None:
    sight = prepare(box(8, -6, 0, 12, -5, 9))
    one, two = view(4.0, -14.0, 3.0), view(15.0, -14.0, 3.0, camera="d")
    alone = watch_faces([face()], sight, [one], FaceQuestion(CRITERIA, 1.0))
    both = watch_faces([face()], sight, [one, two], FaceQuestion(CRITERIA, 1.0))
    for before, after in zip((alone.lower, alone.value, alone.upper), (both.lower, both.value, both.upper), strict=True):
        assert (after[0] >= before[0] - 1e-9).all()
    (own_c, lost_c), (own_d, lost_d) = both.by_camera["c"], both.by_camera["d"]
    assert lost_c <= own_c
    assert own_c - lost_c == pytest.approx(own_d - lost_d, abs=1e-6)  # what both see
    assert float(both.value[0].sum()) == pytest.approx(own_c + lost_d, abs=1.5)


def test_a_camera_of_unknown_direction_opens_the_upper_bound_alone() -> None:
    lower, value, upper = shares(watch_faces([face()], prepare(nothing()), [view(10, -15, 3, lens=ANY_WAY)], FaceQuestion(CRITERIA, 1.0)))
    assert (lower, value) == (0.0, 0.0)
    assert upper > 0.9


def test_a_pose_in_doubt_opens_both_bounds_and_doors_the_upper() -> None:
    eye = view(10.0, -15.0, 3.0, hfov_rad=math.radians(40))
    least, most = (view(10.0, -15.0, 3.0, hfov_rad=math.radians(angle)) for angle in (30, 50))
    doubted = replace(eye, least=least, most=most)
    sight = prepare(nothing())
    plain, wide = (shares(watch_faces([face()], sight, [each], FaceQuestion(CRITERIA, 1.0))) for each in (eye, doubted))
    assert wide[0] < plain[0] - 0.02
    assert wide[1] == pytest.approx(plain[1], abs=1e-9)
    assert wide[2] > plain[2] + 0.02
    gate = prepare(box(5, -5, 0, 15, -4.9, 12))
    open_ = Sight(gate.scene, gate.edges, sight)
    lower, value, upper = shares(watch_faces([face()], open_, [eye], FaceQuestion(CRITERIA, 1.0)))
    closed = shares(watch_faces([face()], gate, [eye], FaceQuestion(CRITERIA, 1.0)))
    assert (lower, value) == closed[:2]
    assert upper == pytest.approx(plain[2], abs=5e-3)


def test_no_faces_no_cameras_and_no_obstacles_are_answers() -> None:
    sight = prepare(nothing())
    assert watch_faces([], sight, [view(0, -5, 2)], FaceQuestion(CRITERIA, 1.0)).by_camera == {"c": (0.0, 0.0)}
    assert shares(watch_faces([face()], sight, [], FaceQuestion(CRITERIA, 1.0))) == (0.0, 0.0, 0.0)
    assert share_by_middles([upright(face(), 1.0, sight.edges)], sight, [], CRITERIA) == 0.0
