"""Coverage by cameras: bounds against brute force on scenes of every kind, and closed forms."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.coverage.camera import Criteria, View, verdicts
from twin.coverage.cells import grid
from twin.coverage.field import arrange
from twin.coverage.inview import ANY_WAY, FISHEYE, INSIDE
from twin.coverage.look import Sight, prepare
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import Covered, Question, cover
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.prism import prism

LOOSE = Criteria(density_px_per_m=1.0)


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def hill(xy: np.ndarray) -> np.ndarray:
    return 0.15 * xy[:, 0] + 1.2 * np.sin(xy[:, 1] / 7.0)


def block(
    x: float, y: float, wide: float, deep: float, *, low: float = -1.0, top: float = 6.0, turn: float = 0.0, name: str = "b"
) -> Obstacles:
    shape = shapely.affinity.translate(shapely.affinity.rotate(shapely.box(0, 0, wide, deep), turn), x, y)
    vertices, faces = prism(shape, low, top)
    return one_object(vertices, faces, object_id=name)


def asked(surface: Any, obstacles: Obstacles, views: list[View], *, k: int = 1, ground: Any = level, criteria: Criteria = LOOSE,
          step: float = 1.0, height: float = 1.5) -> Covered:  # fmt: skip
    place = surface if isinstance(surface, Surface) else Surface("s", [Piece("p", "p", surface)])
    sight: Sight = prepare(obstacles)
    field = arrange(grid(place, step, height, ground), sight.edges)
    return cover(place, field, sight, views, Question(criteria, height, ground, k))


def brute(surface: Any, obstacles: Obstacles, views: list[View], *, k: int = 1, ground: Any = level, criteria: Criteria = LOOSE,
          step: float = 0.1, height: float = 1.5) -> float:  # fmt: skip
    """The covered area by a fine grid of points and segment tests in double precision."""
    x0, y0, x1, y1 = surface.bounds
    xy = np.stack(np.meshgrid(np.arange(x0 + step / 2, x1, step), np.arange(y0 + step / 2, y1, step)), -1).reshape(-1, 2)
    xy = xy[shapely.contains_xy(surface, xy[:, 0], xy[:, 1])]
    targets = np.column_stack([xy, ground(xy) + height])
    count = np.zeros(len(xy), int)
    for name in {view.camera for view in views}:
        seen = np.zeros(len(xy), bool)
        for view in views:
            if view.camera == name:
                ok = verdicts(view, criteria, targets) == INSIDE
                ok[ok] = ~blocked(np.array(view.position), targets[ok], obstacles)
                seen |= ok
        count += seen
    return float((count >= k).sum()) * step**2


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


def boxes(rng: np.random.Generator, n: int) -> Obstacles:
    return concat([
        block(*rng.uniform(-14, 10, 2), *rng.uniform(0.3, 7, 2), top=rng.uniform(0.5, 7), turn=rng.uniform(0, 90), name=f"b{i}")
        for i in range(n)
    ])  # fmt: skip


def soup(rng: np.random.Generator, n: int) -> Obstacles:
    """Loose triangles at any angle: open borders everywhere."""
    middle = rng.uniform([-14, -14, 0], [14, 14, 6], (n, 3))
    corners = middle[:, None] + rng.normal(0, 2.0, (n, 3, 3))
    return one_object(corners.reshape(-1, 3), np.arange(3 * n).reshape(-1, 3), object_id="soup")


def some_views(rng: np.random.Generator, n: int) -> list[View]:
    return [
        View(
            f"c{i % 3}", (*rng.uniform(-13, 13, 2), rng.uniform(1.8, 9)), lens=int(rng.choice([0, 0, FISHEYE])),
            azimuth_rad=rng.uniform(0, 2 * math.pi), tilt_rad=rng.uniform(-0.1, 1.2), hfov_rad=rng.uniform(0.4, 2.2),
            vfov_rad=rng.uniform(0.4, 1.6), range_m=rng.uniform(6, 40),
        )
        for i in range(n)
    ]  # fmt: skip


PLACE = shapely.box(-15, -15, 15, 15).difference(shapely.box(-3.3, -2.1, 4.2, 3.7))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(["boxes", "soup", "both"]), uneven=st.booleans(), k=st.sampled_from([1, 1, 2]))
def test_bounds_hold_against_a_finer_grid(seed: int, kind: str, uneven: bool, k: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [boxes(rng, 6)] if kind == "boxes" else [soup(rng, 12)] if kind == "soup" else [boxes(rng, 4), soup(rng, 6)]
    obstacles, views, ground = concat(parts), some_views(rng, 4), hill if uneven else level
    criteria = Criteria(rng.choice([1.0, 60.0]), rng.choice([None, 0.9]))
    found = asked(PLACE, obstacles, views, k=k, ground=ground, criteria=criteria)
    truth = brute(PLACE, obstacles, views, k=k, ground=ground, criteria=criteria)
    lower, value, upper = (part.sum() for part in (found.lower, found.value, found.upper))
    noise = 0.004 * PLACE.area + 0.02 * math.sqrt(max(truth, 0.0))  # of counting points 0.1 m apart
    assert lower - noise <= truth <= upper + noise
    assert lower <= value + 1e-9 <= upper + 2e-9
    assert upper - lower < 0.02 * PLACE.area


@pytest.mark.parametrize("seed", range(6))
def test_no_part_is_called_seen_that_is_hidden(seed: int) -> None:
    """Cell by cell: what counts for certain is seen by rays of double precision, and what cannot be is not."""
    rng = np.random.default_rng(100 + seed)
    obstacles, views = concat([boxes(rng, 5), soup(rng, 5)]), some_views(rng, 1)
    surface = Surface("s", [Piece("p", "p", PLACE)])
    sight = prepare(obstacles)
    cells = grid(surface, 1.0, 1.5, level)
    found = cover(surface, arrange(cells, sight.edges), sight, views, Question(LOOSE, 1.5, level))
    whole = np.flatnonzero(cells.outline == np.array(None))
    inner = (np.arange(9) + 0.5) / 9 - 0.5
    offset = np.stack(np.meshgrid(inner, inner), -1).reshape(-1, 2)
    targets = cells.centre[whole][:, None] + np.column_stack([offset, np.zeros(len(offset))])
    flat = targets.reshape(-1, 3)
    ok = verdicts(views[0], LOOSE, flat) == INSIDE
    ok[ok] = ~blocked(np.array(views[0].position), flat[ok], obstacles)
    share = ok.reshape(len(whole), -1).mean(axis=1)
    assert (share[found.lower[whole] >= 1 - 1e-9] == 1).all()
    assert (share[found.upper[whole] <= 1e-9] == 0).all()


def footprint(view: View, height: float) -> Any:
    """Corners of a downward frustum on a plane, by the rays through the corners of the image."""
    th, tv = math.tan(view.hfov_rad / 2), math.tan(view.vfov_rad / 2)
    st_, ct, sa, ca = math.sin(view.tilt_rad), math.cos(view.tilt_rad), math.sin(view.azimuth_rad), math.cos(view.azimuth_rad)
    f, r, u = np.array([sa * ct, ca * ct, -st_]), np.array([ca, -sa, 0.0]), np.array([sa * st_, ca * st_, ct])
    corners = [f + i * th * r + j * tv * u for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    lens = np.array(view.position)
    return shapely.Polygon([lens[:2] + ray[:2] * (lens[2] - height) / -ray[2] for ray in corners])


def test_an_open_field_is_the_frustum_cut_by_the_plane() -> None:
    view = View("c", (0.3, -2.2, 6.0), azimuth_rad=0.7, tilt_rad=0.8, hfov_rad=1.2, vfov_rad=0.9)
    found = asked(shapely.box(-40, -40, 40, 40), nothing(), [view])
    exact = footprint(view, 1.5).area
    assert found.lower.sum() <= exact <= found.upper.sum()
    assert found.upper.sum() - found.lower.sum() < 0.03 * exact


@pytest.mark.parametrize("azimuth", [0.0, 0.4])
def test_a_fisheye_looking_down_sees_a_disc(azimuth: float) -> None:
    view = View("c", (1.0, 2.0, 4.5), lens=FISHEYE, azimuth_rad=azimuth, tilt_rad=math.pi / 2, hfov_rad=math.radians(120), pixels_w=2000)
    found = asked(shapely.box(-20, -20, 20, 20), nothing(), [view])
    exact = math.pi * (3.0 * math.tan(math.radians(60))) ** 2
    assert found.lower.sum() <= exact <= found.upper.sum()


def test_the_shadow_of_a_wall_ends_at_a_e_over_e_minus_w() -> None:
    """Lens e = 4.5 above the targets, a wall w = 1.5 above them at a = 6: hidden from 6 to 6 · 4.5 / (4.5 − 1.5) = 9 m."""
    wall = block(6.0, -200.0, 1e-3, 400.0, top=3.0)
    strip = shapely.box(0.5, -0.25, 20, 0.25)
    view = View("c", (0.0, 0.0, 6.0), azimuth_rad=math.pi / 2, tilt_rad=0.4, hfov_rad=2.5, vfov_rad=2.4)
    found = asked(strip, wall, [view], step=0.5)
    hidden = strip.area - found.value.sum()
    assert found.lower.sum() <= strip.area - 0.5 * 3.0 + 1e-3 <= found.upper.sum() + 2e-3
    assert hidden == pytest.approx(0.5 * 3.0, abs=0.02)


def test_a_wall_as_high_as_the_lens_hides_all_behind_it() -> None:
    wall = block(6.0, -200.0, 0.1, 400.0, top=6.5)
    view = View("c", (0.0, 0.0, 6.0), azimuth_rad=math.pi / 2, tilt_rad=0.4, hfov_rad=2.5, vfov_rad=2.4)
    found = asked(shapely.box(7, -3, 30, 3), wall, [view])
    assert found.upper.sum() == 0


def test_an_l_shaped_room_is_seen_up_to_its_corner() -> None:
    """From (9, 1) the inner corner (4, 4) hides what lies above the line to (0, 6.4): 19.2 of 64 m2."""
    room = shapely.Polygon([(0, 0), (10, 0), (10, 4), (4, 4), (4, 10), (0, 10)])
    outline = shapely.get_coordinates(room)
    vertices = np.array([[(*a, -1), (*b, -1), (*b, 3), (*a, 3)] for a, b in pairwise(outline)], float)
    faces = np.concatenate([[(4 * i, 4 * i + 1, 4 * i + 2), (4 * i, 4 * i + 2, 4 * i + 3)] for i in range(len(vertices))])
    walls = one_object(vertices.reshape(-1, 3), faces, object_id="room")
    view = View("c", (9.0, 1.0, 2.5), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.radians(179.99), pixels_w=1e6)
    found = asked(room, walls, [view], step=0.5)
    assert found.lower.sum() - 0.01 <= room.area - 19.2 <= found.upper.sum() + 0.01
    assert found.value.sum() == pytest.approx(room.area - 19.2, abs=0.05)


def test_a_slab_with_a_hole_lets_the_light_through_the_hole() -> None:
    slab = shapely.box(-20, -20, 20, 20).difference(shapely.box(-1, -1, 1, 1))
    vertices, faces = prism(slab, 3.0, 3.0 + 1e-3)
    view = View("c", (0.0, 0.0, 5.0), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.radians(170), pixels_w=1e5)
    found = asked(shapely.box(-8, -8, 8, 8), one_object(vertices, faces, object_id="slab"), [view])
    exact = (2 * (5.0 - 1.5) / (5.0 - 3.0)) ** 2  # the hole's shadow picture: 2 m wide, 3.5 / 2 times as large
    assert found.lower.sum() <= exact + 0.02
    assert exact - 0.02 <= found.upper.sum()
    assert found.value.sum() == pytest.approx(exact, abs=0.1)


@pytest.mark.parametrize("seed", range(4))
def test_more_cameras_never_cover_less_and_more_obstacles_never_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    views, few = some_views(rng, 5), boxes(rng, 3)
    more = concat([few, boxes(rng, 3)])
    base, with_less, with_more = asked(PLACE, few, views), asked(PLACE, few, views[:3]), asked(PLACE, more, views)
    assert with_less.lower.sum() <= base.upper.sum()
    assert with_less.value.sum() <= base.value.sum() + 0.5
    assert with_more.lower.sum() <= base.upper.sum()
    assert (with_more.lower <= base.upper + 1e-9).all()


def test_two_presets_of_a_camera_count_once() -> None:
    home = View("c", (0.0, 0.0, 5.0), azimuth_rad=0.0, tilt_rad=0.6)
    views = [home, View("c", (0.0, 0.0, 5.0), azimuth_rad=0.2, tilt_rad=0.6), View("d", (0.0, 0.0, 5.0), azimuth_rad=0.0, tilt_rad=0.6)]
    field = shapely.box(-20, -20, 20, 20)
    both = asked(field, nothing(), views, k=2)
    alone = asked(field, nothing(), [home])
    assert both.value.sum() == pytest.approx(alone.value.sum(), rel=1e-6)  # d sees what c sees from home, and no more
    assert asked(field, nothing(), views[:2], k=2).upper.sum() == 0


def test_a_camera_of_unknown_direction_adds_to_the_upper_bound_alone() -> None:
    view = View("c", (0.0, 0.0, 1.5), lens=ANY_WAY, range_m=5.0)
    found = asked(shapely.box(-20, -20, 20, 20), nothing(), [view])
    assert found.lower.sum() == found.value.sum() == 0
    assert math.pi * 25 <= found.upper.sum() < math.pi * 25 * 1.1


def test_floors_one_above_the_other_are_kept_apart() -> None:
    slab = block(-10, -10, 20, 20, low=3.0, top=3.3)
    pieces = [Piece(f"f{i}", "", shapely.box(-5, -5, 5, 5), floor_z=z) for i, z in enumerate((0.0, 3.3))]
    view = View("c", (0.0, 0.0, 2.8), lens=FISHEYE, tilt_rad=math.pi / 2, hfov_rad=math.radians(179), pixels_w=1e5)
    surface = Surface("s", pieces)
    found = asked(surface, slab, [view])
    piece = grid(surface, 1.0, 1.5, level).piece
    assert found.lower[piece == 0].sum() > 99
    assert found.upper[piece == 1].sum() == 0


def test_nothing_is_seen_from_inside_a_solid_and_nothing_asked_is_nothing_covered() -> None:
    view = View("c", (0.0, 0.0, 2.0), tilt_rad=0.3)
    found = asked(shapely.box(-20, 3, 20, 20), block(-2, -2, 4, 4), [view])
    assert found.upper.sum() == 0
    assert asked(shapely.box(-5, -5, 5, 5), nothing(), []).upper.sum() == 0
