"""Cameras among upright prisms on level ground, exactly: the footprint of each frustum minus the shadows of walls, by shapely alone.

No cells, no rays, no triangles: every wall throws a quadrilateral onto the plane of the targets. The product's bounds must hold it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage.camera import Criteria, View
from twin.coverage.cells import grid
from twin.coverage.field import arrange
from twin.coverage.look import prepare
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import Question, cover
from twin.scene import Obstacles
from twin.scene.prism import prisms

FAR = 1e4  # [m] beyond every scene here


def _half_plane(normal: np.ndarray, o: np.ndarray, dz: float) -> Any:
    """Points (x, y) of the plane dz below o with normal · (x - ox, y - oy, -dz) >= 0, as a large polygon."""
    a, k = normal[:2], normal[2] * dz
    length = np.hypot(*a)
    if length < 1e-12:
        return shapely.box(*(o - FAR), *(o + FAR)) if -k >= 0 else shapely.Polygon()
    m = a / length
    q, t = o + m * (k / length), np.array([-m[1], m[0]])
    return shapely.Polygon([q - t * FAR, q + t * FAR, q + t * FAR + m * 2 * FAR, q - t * FAR + m * 2 * FAR])


def footprint(view: View, height: float, deepest: float) -> Any:
    """Where the plane at `height` is in view, within the view's range and no deeper than `deepest`: a polygon."""
    o, dz = np.array(view.position[:2]), view.position[2] - height
    sa, ca, st, ct = math.sin(view.azimuth_rad), math.cos(view.azimuth_rad), math.sin(view.tilt_rad), math.cos(view.tilt_rad)
    f, r = np.array([sa * ct, ca * ct, -st]), np.array([ca, -sa, 0.0])
    u = np.cross(r, f)
    th, tv = math.tan(view.hfov_rad / 2), math.tan(view.vfov_rad / 2)
    radius = FAR / 2 if math.isinf(view.range_m) else math.sqrt(max(view.range_m**2 - dz**2, 0.0))
    shape = shapely.Point(o).buffer(radius, quad_segs=512) if radius > 0 else shapely.Polygon()
    for normal in (f * th - r, f * th + r, f * tv - u, f * tv + u):
        shape = shape.intersection(_half_plane(normal, o, dz))
    if math.isfinite(deepest):  # f · v <= deepest, a half plane whose offset is not zero
        k = deepest + f[2] * dz
        m = np.hypot(*f[:2])
        q, d = o + f[:2] / m * (k / m), f[:2] / m
        t = np.array([-d[1], d[0]])
        shape = shape.intersection(shapely.Polygon([q - t * FAR, q + t * FAR, q + t * FAR - d * 2 * FAR, q - t * FAR - d * 2 * FAR]))
    return shape


def visible(view: View, height: float, deepest: float, prisms: Sequence[tuple[Any, float]]) -> Any:
    """The part of the plane at `height` that a view covers among prisms (footprint, top), as a polygon."""
    foot = footprint(view, height, deepest)
    if foot.is_empty:
        return foot
    o, cz = np.array(view.position[:2]), view.position[2]
    reach = shapely.box(*shapely.union_all([foot, shapely.Point(o)]).bounds)
    shadows, solids = [], []
    for base, top in prisms:
        if top <= height or not reach.intersects(base):
            continue
        solids.append(base)
        rings = [np.asarray(ring.coords) for ring in (base.exterior, *base.interiors)]
        for a, b in (edge for corners in rings for edge in pairwise(corners)):
            s = min((cz - height) / (cz - top), FAR) if top < cz - 1e-9 else FAR
            quad = shapely.Polygon([a, b, o + (b - o) * s, o + (a - o) * s])
            shadows.append(shapely.make_valid(quad))
    return foot.difference(shapely.union_all([*shadows, *solids]))


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def scene(bases: Sequence[Any], tops: Sequence[float]) -> Obstacles:
    body = prisms(bases, np.full(len(bases), -1.0), np.array(tops))
    n = len(bases)
    names = [f"b{i}" for i in range(n)]
    return Obstacles(
        body.vertices, body.faces.astype(np.uint32), body.face_owner.astype(np.int32), names, ["building"] * n, [()] * n, np.ones(n, bool)
    )


def deepest(view: View, density: float) -> float:
    return view.pixels_w / (2 * math.tan(view.hfov_rad / 2)) / density


def some_views(rng: np.random.Generator, solid: Any, n: int, reach: float) -> list[View]:
    views: list[View] = []
    x0, y0, x1, y1 = solid.bounds
    while len(views) < n:
        x, y = rng.uniform(x0, x1), rng.uniform(y0, y1)
        if not shapely.contains_xy(solid, x, y):
            views.append(
                View(
                    f"c{len(views)}", (x, y, rng.uniform(3, 12)), azimuth_rad=rng.uniform(0, 2 * math.pi), tilt_rad=rng.uniform(0.09, 0.52),
                    hfov_rad=rng.uniform(0.9, 1.9), vfov_rad=rng.uniform(0.5, 1.0), range_m=rng.uniform(0.4, 1) * reach,
                )
            )  # fmt: skip
    return views


def town(seed: int, n: int) -> tuple[list[Any], list[float]]:
    """Blocks at any angle; some overlap."""
    rng = np.random.default_rng(seed)
    bases = [
        shapely.affinity.translate(
            shapely.affinity.rotate(shapely.box(0, 0, *rng.uniform(6, 30, 2)), rng.uniform(0, 90)), *rng.uniform(-120, 120, 2)
        )
        for _ in range(n)
    ]
    return bases, rng.uniform(1.0, 25, n).tolist()


@pytest.mark.parametrize(("seed", "density"), [(1, 12.5), (2, 12.5), (3, 80.0)])
def test_the_union_of_many_cameras_is_the_exact_polygon(seed: int, density: float) -> None:
    bases, tops = town(seed, 40)
    solid = shapely.union_all(bases)
    rng = np.random.default_rng(seed + 50)
    views = some_views(rng, solid, 15, 90.0)
    place = shapely.box(-120, -120, 120, 120).difference(solid)
    exact = shapely.union_all([visible(view, 1.5, deepest(view, density), list(zip(bases, tops, strict=True))) for view in views])
    found = _covered(place, scene(bases, tops), views, Criteria(density))
    area = exact.intersection(place).area
    lower, value, upper = (part.sum() for part in (found.lower, found.value, found.upper))
    assert lower - 0.1 <= area <= upper + 0.1
    assert value == pytest.approx(area, abs=1e-4 * place.area)
    assert upper - lower < 2e-3 * place.area


@pytest.mark.parametrize("seed", range(12))
def test_each_camera_is_its_exact_polygon(seed: int) -> None:
    bases, tops = town(seed + 20, 40)
    solid = shapely.union_all(bases)
    (view,) = some_views(np.random.default_rng(seed), solid, 1, 90.0)
    exact = visible(view, 1.5, deepest(view, 12.5), list(zip(bases, tops, strict=True)))
    place = shapely.box(-120, -120, 120, 120).difference(solid)
    found = _covered(place, scene(bases, tops), [view], Criteria(12.5))
    area = exact.intersection(place).area
    assert found.lower.sum() - 0.02 <= area <= found.upper.sum() + 0.02
    assert found.upper.sum() - found.lower.sum() < 0.01 * max(area, 100.0)


def test_real_outlines_give_the_exact_polygon(shared_data: Path) -> None:
    """A street block of Lorient: outlines as surveyed, heights as given."""
    pyogrio = pytest.importorskip("pyogrio")
    _, _, geometry, fields = pyogrio.raw.read(shared_data / "gis" / "lorient" / "buildings.shp", columns=["HEIGHT"])
    shapes = shapely.force_2d(shapely.from_wkb(geometry))
    middle = np.median(shapely.get_coordinates(shapely.centroid(shapes)), axis=0)
    shapes = shapely.transform(shapes, lambda points: points - middle)
    heights = np.nan_to_num(np.asarray(fields[0], float), nan=6.0)
    near = shapely.distance(shapes, shapely.Point(0, 0)) < 220
    bases = [
        polygon for shape in shapely.make_valid(shapes[near]) for polygon in shapely.get_parts(shape) if polygon.geom_type == "Polygon"
    ]
    owner = [
        i for i, shape in enumerate(shapely.make_valid(shapes[near])) for part in shapely.get_parts(shape) if part.geom_type == "Polygon"
    ]
    tops = np.maximum(heights[near][owner], 3.0).tolist()
    solid = shapely.union_all(bases)
    views = some_views(np.random.default_rng(7), solid, 12, 80.0)
    place = shapely.box(-150, -150, 150, 150).difference(solid)
    exact = shapely.union_all([visible(view, 1.5, deepest(view, 20.0), list(zip(bases, tops, strict=True))) for view in views])
    found = _covered(place, scene(bases, tops), views, Criteria(20.0))
    area = exact.intersection(place).area
    assert found.lower.sum() - 0.2 <= area <= found.upper.sum() + 0.2
    assert found.value.sum() == pytest.approx(area, rel=2e-3)


def _covered(place: Any, obstacles: Obstacles, views: list[View], criteria: Criteria) -> Any:
    surface = Surface("s", [Piece("p", "p", place)])
    sight = prepare(obstacles)
    field = arrange(grid(surface, 1.0, 1.5, level), sight.edges)
    return cover(surface, field, sight, views, Question(criteria, 1.5, level))
