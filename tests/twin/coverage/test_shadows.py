"""Exact shadows against closed forms, against rays on a fine grid, and against the certified cells."""

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
from twin.coverage.inview import ANY_WAY, FISHEYE, INSIDE
from twin.coverage.shadows import Plane, Seen, level_plane, seen, together, triangles_of
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene
from twin.scene.prism import prisms

ANY = Criteria(density_px_per_m=0.0)


def blocks(*parts: tuple[Any, float, float]) -> Obstacles:
    """Prisms over polygons from a lower to an upper height."""
    if not parts:
        return nothing()
    shapes = np.array([shape for shape, _, _ in parts], object)
    body = prisms(shapes, np.array([low for _, low, _ in parts], float), np.array([high for _, _, high in parts], float))
    return one_object(body.vertices, body.faces, object_id="blocks")


def looked(view: View, obstacles: Obstacles, plane: Plane, criteria: Criteria = ANY) -> Seen:
    found = seen(view, criteria, plane, triangles_of(obstacles.vertices, obstacles.faces))
    assert found is not None
    return found


def fisheye(x: float = 0.0, y: float = 0.0, z: float = 6.0, reach: float = 50.0) -> View:
    return View("f", (x, y, z), FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.pi, pixels_w=3000, range_m=reach)


def test_a_wall_hides_as_far_as_its_top_throws_its_shadow() -> None:
    eye, wall, at, width = 5.0, 3.0, 10.0, 4.0
    found = looked(fisheye(z=eye), blocks((shapely.box(at, -width / 2, at + 0.2, width / 2), -1.0, wall)), Plane(0.0))
    end = (at + 0.2) * eye / (eye - wall)
    line = shapely.LineString([(at + 0.3, 0), (60, 0)])
    lit = shapely.intersection(line, found.value)
    assert lit.bounds[0] == pytest.approx(end, abs=1e-9)
    half = width / 2 * eye / (eye - wall)
    corners = [(x, side * y) for side in (-1, 1) for x, y in ((at, width / 2), (at * eye / (eye - wall), half), (end, half))]
    trapezoid = shapely.convex_hull(shapely.MultiPoint(corners))
    inside = shapely.Point(0, 0).buffer(45)
    hidden = shapely.difference(inside, found.value)
    assert hidden.area == pytest.approx(shapely.intersection(trapezoid, inside).area, rel=1e-9)


def test_a_wall_above_the_lens_hides_to_the_end_of_the_range() -> None:
    found = looked(fisheye(z=5.0, reach=40.0), blocks((shapely.box(10, -2, 10.2, 2), -1.0, 8.0)), Plane(0.0))
    assert not shapely.intersects(shapely.LineString([(10.3, 0), (39.5, 0)]), found.upper)
    radius = math.sqrt(40**2 - 5**2)
    wedge = radius**2 * math.atan2(2, 10) - 2 * 10  # the sector between the wall's ends less the triangle before the wall
    assert math.pi * radius**2 - found.value.area == pytest.approx(wedge, rel=1e-6)


def test_open_ground_is_the_footprint_of_the_image() -> None:
    view = View("c", (0, 0, 5), azimuth_rad=0.0, tilt_rad=math.radians(30), hfov_rad=math.radians(60), vfov_rad=math.radians(40),
                pixels_w=3840)  # fmt: skip
    t, across, high = math.radians(30), math.tan(math.radians(30)), math.tan(math.radians(20))
    forward, right, up = np.array([0, math.cos(t), -math.sin(t)]), np.array([1.0, 0, 0]), np.array([0, math.sin(t), math.cos(t)])
    rays = [forward + i * across * right + j * high * up for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    trapezoid = shapely.Polygon([ray[:2] * 3.5 / -ray[2] for ray in rays])
    found = looked(view, nothing(), Plane(1.5), Criteria(10.0))
    assert found.value.area == pytest.approx(trapezoid.area, rel=1e-9)
    assert found.lower.area == pytest.approx(found.upper.area, rel=1e-9)


def test_a_fisheye_below_its_targets_sees_those_that_its_rim_still_reaches() -> None:
    """An image circle of 186 degrees, looking straight down, ends 3 degrees above the horizon."""
    view = replace(fisheye(z=0.5, reach=40.0), hfov_rad=math.radians(186))
    found = looked(view, nothing(), Plane(1.5))
    exact = math.pi * (40**2 - 1.0) - math.pi * (1.0 / math.tan(math.radians(3))) ** 2
    assert found.value.area == pytest.approx(exact, rel=1e-9)
    assert found.lower.area < exact < found.upper.area
    half = replace(view, hfov_rad=math.pi)
    assert looked(half, nothing(), Plane(1.5)).upper.is_empty


def test_a_slab_with_a_hole_lets_through_what_the_hole_lets_through() -> None:
    slab = shapely.box(-20, -20, 20, 20).difference(shapely.box(-1, -1, 1, 1))
    found = looked(fisheye(z=6.0, reach=30.0), blocks((slab, 3.0, 3.0 + 1e-6)), Plane(0.0))
    assert shapely.intersection(found.value, shapely.box(-15, -15, 15, 15)).area == pytest.approx(16.0, rel=1e-5)


def test_circles_are_bounded_from_both_sides() -> None:
    found = looked(fisheye(z=3.0, reach=20.0), nothing(), Plane(0.0), Criteria(0.0, math.radians(60)))
    exact = math.pi * (20**2 - 3**2) - math.pi * (3 / math.tan(math.radians(60))) ** 2
    assert found.lower.area < exact < found.upper.area
    assert found.value.area == pytest.approx(exact, rel=1e-12)
    assert found.upper.area - found.lower.area < 1e-4 * exact


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_rays_on_a_fine_grid_agree(seed: int) -> None:
    rng = np.random.default_rng(seed)
    view, obstacles, plane, criteria = random_scene(rng)
    found = looked(view, obstacles, plane, criteria)
    side = np.arange(-30, 30, 0.25) + 0.125
    xy = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    targets = np.column_stack([xy, plane.z(xy)])
    scene, free = Scene(obstacles), list[np.ndarray]()
    for up in (-0.01, 0.0, 0.01):  # a ray ends 2 mm before its target, so that a roof just above one does not hide it
        moved = targets + np.array([0, 0, up])
        ok = verdicts(view, criteria, moved) == INSIDE
        free.append(ok & ~scene.occluded(np.broadcast_to(np.array(view.position), moved.shape), moved))
    points = shapely.points(xy)
    for polygon, grow, holds in ((found.lower, -0.02, np.any(free, axis=0)), (found.upper, 0.02, ~np.all(free, axis=0))):
        said = shapely.contains(shapely.buffer(polygon, grow), points)
        assert holds[said].all() if grow < 0 else holds[~said].all(), "a ray contradicts a polygon beyond its rim"


def random_scene(rng: np.random.Generator) -> tuple[View, Obstacles, Plane, Criteria]:
    parts = []
    for _ in range(int(rng.integers(0, 12))):
        box = shapely.affinity.rotate(shapely.box(0, 0, *rng.uniform(0.5, 9, 2)), rng.uniform(0, 90))
        box = shapely.affinity.translate(box, *rng.uniform(-25, 22, 2))
        if box.distance(shapely.Point(0, 0)) > 0.3:
            low = rng.choice([-2.0, rng.uniform(0.5, 3)])
            parts.append((box, low, low + rng.uniform(0.5, 9)))
    lens = int(rng.integers(0, 2))
    view = View(
        "c", (0.0, 0.0, rng.uniform(2.5, 9)), lens, rng.uniform(0, 6.28), math.pi / 2 if lens == FISHEYE else rng.uniform(-0.1, 1.3),
        rng.uniform(0.5, 2.4), rng.uniform(0.4, 1.4), 3840, rng.uniform(10, 40),
    )  # fmt: skip
    criteria = Criteria(rng.uniform(20, 200), rng.choice([None, rng.uniform(0.4, 1.4)]))
    return view, blocks(*parts), Plane(rng.uniform(0, 1.5), *rng.uniform(-0.03, 0.03, 2)), criteria


def test_two_of_three_cameras() -> None:
    discs = [looked(fisheye(x, y, reach=20.0), nothing(), Plane(0.0)) for x, y in ((0, 0), (12, 0), (0, 12))]
    a, b, c = (each.value for each in discs)
    pairs = [shapely.intersection(a, b), shapely.intersection(a, c), shapely.intersection(b, c)]
    assert together(discs, 2).value.area == pytest.approx(shapely.union_all(pairs).area, rel=1e-9)
    assert together(discs, 3).value.area == pytest.approx(shapely.intersection(pairs[0], c).area, rel=1e-9)
    assert together(discs, 4).value.is_empty


def test_a_camera_of_unknown_direction_sees_nothing_surely() -> None:
    view = View("c", (0, 0, 5), ANY_WAY, range_m=20.0)
    found = looked(view, nothing(), Plane(0.0), Criteria(50.0))
    assert (found.lower.is_empty, found.value.is_empty, found.upper.area > 100) == (True, True, True)


def test_level_ground_lies_within_the_sag_of_its_plane() -> None:
    def ground(xy: np.ndarray) -> np.ndarray:
        return -(xy[:, 0] ** 2 + xy[:, 1] ** 2) / (2 * 6_371_000.0)

    view = fisheye(900.0, -400.0, 6.0, 300.0)
    plane = level_plane(ground, view, 1.5, 300.0)
    xy = np.random.default_rng(1).uniform(-210, 210, (2000, 2)) + np.array([900, -400])
    off = ground(xy) + 1.5 - plane.z(xy)
    assert np.abs(off).max() <= plane.sag_m < 300**2 / (3.9 * 6_371_000)
    found = looked(view, blocks((shapely.box(950, -420, 960, -380), -5, 4)), plane)
    assert shapely.covers(found.upper.buffer(1e-6), found.value)
    assert shapely.covers(found.value.buffer(1e-6), found.lower)
    assert found.lower.area < found.value.area < found.upper.area


def test_what_is_no_polygon_is_left_to_others() -> None:
    tilted = View("f", (0, 0, 5), FISHEYE, tilt_rad=1.0, hfov_rad=math.pi, pixels_w=3000, range_m=20)
    endless = View("c", (0, 0, 5))
    none = triangles_of(np.empty((0, 3)), np.empty((0, 3), np.int64))
    assert seen(tilted, ANY, Plane(0.0), none) is None
    assert seen(endless, ANY, Plane(0.0), none) is None
    assert seen(fisheye(z=1.5), ANY, Plane(1.5), none) is None


def test_one_more_wall_hides_more_and_one_more_camera_less() -> None:
    rng = np.random.default_rng(5)
    for _ in range(10):
        view, obstacles, plane, criteria = random_scene(rng)
        more = concat([obstacles, blocks((shapely.box(5, 5, 6, 12), -1, 6))])
        before, after = (looked(view, each, plane, criteria).value for each in (obstacles, more))
        assert shapely.difference(after, before).area < 1e-9
        assert (
            together([looked(view, obstacles, plane, criteria), looked(fisheye(3, 3, 9.5), obstacles, plane)], 1).value.area >= before.area
        )
