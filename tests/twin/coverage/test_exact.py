"""Cells made exact by shadow polygons: they agree with the cells, lie within them, and say the same of a few cells as of all."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
import shapely

from twin.coverage.camera import Criteria, View
from twin.coverage.cells import grid
from twin.coverage.exact import Drawn, Sharpened, sharpened
from twin.coverage.field import Field, arrange
from twin.coverage.footprint import Footprint
from twin.coverage.inview import FISHEYE
from twin.coverage.look import prepare
from twin.coverage.shadows import Plane, Seen, at_least, seen, together, triangles_of
from twin.coverage.surface import Piece, Surface
from twin.coverage.visibility import Question, covered, footprints
from twin.scene import Obstacles, concat, one_object
from twin.scene.prism import prism

HEIGHT = 1.5
YARD = shapely.Polygon([(-20, -20), (20, -18), (17, 21), (-19, 16)])


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def blocks(rng: np.random.Generator, n: int) -> Obstacles:
    parts = []
    for _ in range(n):
        shape = shapely.affinity.rotate(shapely.box(0, 0, *rng.uniform(0.5, 6, 2)), rng.uniform(0, 90))
        vertices, faces = prism(shapely.affinity.translate(shape, *rng.uniform(-16, 12, 2)), -1.0, rng.uniform(1, 8))
        parts.append(one_object(vertices, faces, object_id="b"))
    return concat(parts)


def cameras(rng: np.random.Generator, n: int) -> list[View]:
    return [
        View(
            f"c{i}", (*rng.uniform(-15, 15, 2), rng.uniform(2.5, 9)), lens=FISHEYE if i % 4 == 3 else 0, azimuth_rad=rng.uniform(0, 6),
            tilt_rad=math.pi / 2 if i % 4 == 3 else rng.uniform(0.1, 1.2), hfov_rad=rng.uniform(0.5, 2.2), vfov_rad=rng.uniform(0.4, 1.4),
            pixels_w=3000, range_m=rng.uniform(8, 30),
        )
        for i in range(n)
    ]  # fmt: skip


class Told:
    """A yard looked at by both engines."""

    def __init__(self, seed: int, k: int = 1, n: int = 5) -> None:
        rng = np.random.default_rng(seed)
        self.k = k
        west, east = (shapely.intersection(YARD, shapely.box(x, -30, x + 30, 30)) for x in (-30, 0))
        self.surface = Surface("s", [Piece("west", "w", west), Piece("east", "e", east)])
        self.obstacles = blocks(rng, 6)
        self.views = cameras(rng, n)
        sight = prepare(self.obstacles)
        criteria = Criteria(30.0)
        self.field: Field = arrange(grid(self.surface, 1.0, HEIGHT, level), sight.edges)
        self.footprints = footprints(self.surface, self.field, sight, self.views, Question(criteria, HEIGHT, level, k))
        triangles = triangles_of(self.obstacles.vertices, self.obstacles.faces)
        found = {view.camera: seen(view, criteria, Plane(HEIGHT), triangles) for view in self.views}
        self.polygons: dict[str, Seen] = {name: each for name, each in found.items() if each is not None}
        self.drawn: dict[str, Drawn] = {name: {0: each, 1: each} for name, each in self.polygons.items()}

    def reached(self) -> np.ndarray:
        out = np.zeros(len(self.field.cells), bool)
        for each in self.footprints.values():
            out[each.cell] = True
        return out

    def area(self, prints: dict[str, Footprint] | None = None) -> np.ndarray:
        found = covered(self.field, list((prints or self.footprints).values()), self.k)
        return np.stack([found.lower, found.value, found.upper], axis=1)

    def sharp(self, chosen: Sequence[int] | None = None) -> Sharpened:
        area = self.area()
        index = None if chosen is None else np.array(chosen)
        names = list(self.footprints)
        reached, drawn = [self.footprints[name].cell for name in names], [self.drawn.get(name, {}) for name in names]
        return sharpened(self.field.cells, area if index is None else area[index], reached, drawn, self.k, index)


@pytest.mark.parametrize(("seed", "k"), [(0, 1), (1, 2), (2, 2), (5, 1)])
def test_both_engines_tell_the_same_and_polygons_tell_it_exactly(seed: int, k: int) -> None:
    told = Told(seed, k)
    sharp, rough = told.sharp(), told.area()
    assert len(told.polygons) == 5
    assert np.array_equal(sharp.exact, told.reached())
    assert sharp.apart.sum() == 0
    total = together([told.polygons[name] for name in sorted(told.polygons)], k)
    for b, bound in enumerate(("lower", "value", "upper")):
        polygon = shapely.intersection(getattr(total, bound), YARD)
        assert sharp.area[:, b].sum() == pytest.approx(polygon.area, abs=0.01), "what cells leave to rounding at their rims"
    assert (sharp.area[:, 0] <= sharp.area[:, 1] + 1e-12).all()
    assert (sharp.area[:, 1] <= sharp.area[:, 2] + 1e-12).all()
    width = [float((each[:, 2] - each[:, 0]).sum()) for each in (sharp.area, rough)]
    assert width[0] <= width[1] + 1e-9


def test_some_cells_by_themselves_are_what_they_are_among_all() -> None:
    told = Told(3)
    everything = told.sharp()
    chosen = np.flatnonzero(np.random.default_rng(1).random(len(told.field.cells)) < 0.3)
    some = told.sharp(chosen.tolist())
    assert np.array_equal(some.area, everything.area[chosen])
    assert np.array_equal(some.exact, everything.exact[chosen])


def test_cells_that_a_camera_without_polygon_reaches_are_left_to_the_other_engine() -> None:
    told = Told(2)
    name = max(told.footprints, key=lambda each: len(told.footprints[each].cell))
    told.drawn[name] = {0: told.polygons[name]}
    sharp, rough = told.sharp(), told.area()
    reached = np.zeros(len(told.field.cells), bool)
    reached[told.footprints[name].cell] = True
    silent = reached & (told.field.cells.piece == 1)
    assert silent.any()
    assert np.array_equal(sharp.exact, told.reached() & ~silent)
    assert np.array_equal(sharp.area[silent], rough[silent])


@pytest.mark.parametrize("k", [1, 2])
def test_counting_uses_polygons_where_the_ground_is_level_and_the_order_of_cameras_does_not_matter(k: int) -> None:
    told = Told(7, k)
    question = Question(Criteria(30.0), HEIGHT, level, k, is_level=True)
    found = footprints(told.surface, told.field, prepare(told.obstacles), told.views, question)
    whole, turned = (covered(told.field, order, k) for order in (list(found.values()), list(found.values())[::-1]))
    assert np.array_equal(whole.exact, told.reached())
    for bound in ("lower", "value", "upper"):
        assert np.array_equal(getattr(whole, bound), getattr(turned, bound))
    assert whole.value.sum() == pytest.approx(told.sharp().area[:, 1].sum(), abs=1e-6)


def test_engines_that_contradict_each_other_are_told() -> None:
    told = Told(4)
    name = max(told.footprints, key=lambda each: len(told.footprints[each].cell))
    whole = told.polygons[name]
    shifted = Seen(*(shapely.affinity.translate(each, 0.4, 0.3) for each in (whole.lower, whole.value, whole.upper)))
    told.drawn[name] = {0: shifted, 1: shifted}
    sharp, rough = told.sharp(), told.area()
    assert sharp.apart.sum() > 0.5
    at_odds = sharp.apart > 0
    assert not sharp.exact[at_odds].any()
    assert np.array_equal(sharp.area[at_odds, 1], rough[at_odds, 1]), "of the two, the engine that knows every shape is believed"
    assert (sharp.area[at_odds, 0] <= rough[at_odds, 0]).all()
    assert (sharp.area[at_odds, 2] >= rough[at_odds, 2]).all()


def test_without_cameras_nothing_is_covered() -> None:
    told = Told(1)
    nothing = sharpened(told.field.cells, np.zeros((len(told.field.cells), 3)), [], [], 1)
    assert (nothing.area == 0).all()
    assert not nothing.exact.any()


def test_at_least_counts_shapes() -> None:
    squares = [shapely.box(x, 0, x + 4, 4) for x in (0, 1, 2, 3)]
    assert [at_least(squares, k).area for k in (1, 2, 3, 4, 5)] == [28.0, 20.0, 12.0, 4.0, 0.0]
