"""Cells add up to their surface, lie on one lattice, and hold the heights of what is under them."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from twin.coverage import cells as cutting
from twin.coverage.cells import Cells, grid, select, split, subdivide
from twin.coverage.surface import Piece, Surface
from twin.errors import OutsideValidity


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


def surface(*polygons: object, floor: float | None = None) -> Surface:
    return Surface("s", [Piece(f"p{i}", f"p{i}", polygon, floor) for i, polygon in enumerate(polygons)])


def star(points: list[tuple[float, float]]) -> shapely.Polygon:
    angle = np.linspace(0, 2 * np.pi, len(points), endpoint=False)
    r = np.array([2 + 18 * p[0] for p in points])
    return shapely.Polygon(np.column_stack([r * np.cos(angle) + points[0][1] * 100, r * np.sin(angle) - points[1][1] * 77]))


stars = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=3, max_size=30).map(star)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(polygon=stars, hole=stars, step=st.sampled_from([0.37, 1.0, 2.5, 40.0]))
def test_areas_add_up_to_the_polygon(polygon: shapely.Polygon, hole: shapely.Polygon, step: float) -> None:
    shape = shapely.make_valid(polygon).difference(shapely.make_valid(hole))
    assume(shape.area > 1e-3)
    cells = grid(surface(shape), step, 1.5, level)
    assert cells.area.sum() == pytest.approx(shape.area, rel=1e-9)
    halves = split(cells, np.ones(len(cells), bool))
    quarters = split(halves, np.ones(len(halves), bool))
    assert quarters.area.sum() == pytest.approx(shape.area, rel=1e-9)
    parts, parent = subdivide(surface(shape), cells, np.full(len(cells), ~np.uint64(0)), level, 1.5)
    assert parts.area.sum() == pytest.approx(shape.area, rel=1e-9)
    assert np.bincount(parent, parts.area, len(cells)) == pytest.approx(cells.area, rel=1e-6, abs=1e-9)


def test_whole_cells_are_squares_of_the_lattice_and_border_cells_are_cut() -> None:
    cells = grid(surface(shapely.box(-2.5, 1.0, 3.0, 4.25)), 1.0, 1.5, level)
    assert np.unique(cells.area).tolist() == [0.25 * 0.5, 0.25, 0.5, 1.0]
    assert ((cells.centre[:, :2] - 0.5) % 1.0 == 0).all()
    whole = cells.outline == np.array(None)
    assert (cells.area[whole] == 1.0).all()
    assert whole.sum() == 5 * 3
    assert all(shape.area == pytest.approx(area) for shape, area in zip(cells.outline[~whole], cells.area[~whole], strict=True))


def test_a_representative_lies_on_the_surface() -> None:
    ring = shapely.Point(0, 0).buffer(7.3).difference(shapely.Point(0.2, 0).buffer(6.1))
    cells = grid(surface(ring), 2.0, 1.5, level)
    points = cells.representative
    assert shapely.contains_xy(ring, points[:, 0], points[:, 1]).all()
    assert (points[:, 2] == 1.5).all()


def test_pieces_keep_their_floors_and_cells_their_pieces() -> None:
    cells = grid(
        Surface("s", [Piece("a", "", shapely.box(0, 0, 2, 2), 3.0), Piece("b", "", shapely.box(0, 0, 2, 2), 6.5)]), 1.0, 1.2, level
    )
    assert np.bincount(cells.piece).tolist() == [4, 4]
    assert cells.z_range[cells.piece == 0].tolist() == [[4.2, 4.2]] * 4
    assert (cells.centre[cells.piece == 1, 2] == 7.7).all()


def test_height_ranges_hold_what_lies_between() -> None:
    def ground(xy: np.ndarray) -> np.ndarray:
        return 0.3 * np.abs(xy[:, 0] - 0.77) + 0.2 * xy[:, 1] + np.maximum(0, xy[:, 1] - 3.3)

    cells = grid(surface(shapely.box(-5, -5, 5, 5)), 1.0, 1.5, ground)
    at = (np.arange(21) / 20 - 0.5) * 1.0
    offset = np.stack(np.meshgrid(at, at), -1).reshape(-1, 2)
    z = ground((cells.centre[:, None, :2] + offset).reshape(-1, 2)).reshape(len(cells), -1) + 1.5
    assert (cells.z_range[:, 0] <= z.min(axis=1) + 1e-9).all()
    assert (cells.z_range[:, 1] >= z.max(axis=1) - 1e-9).all()
    assert ((cells.z_range[:, 1] - cells.z_range[:, 0]) < 3 * np.ptp(z, axis=1) + 1e-9).all()


def test_parts_are_the_bits_that_are_set() -> None:
    place = surface(shapely.box(0, 0, 2, 1))
    cells = grid(place, 1.0, 1.5, level)
    masks = np.array([1 | 1 << 9, 1 << 63], np.uint64)
    parts, parent = subdivide(place, cells, masks, level, 1.5)
    assert parent.tolist() == [0, 0, 1]
    assert parts.centre[:, :2].tolist() == [[0.0625, 0.0625], [0.1875, 0.1875], [1.9375, 0.9375]]
    assert (parts.half == 0.0625).all()


def test_an_empty_surface_has_no_cells_and_a_huge_one_is_refused() -> None:
    assert len(grid(surface(shapely.Polygon()), 1.0, 1.5, level)) == 0
    assert isinstance(select(grid(surface(shapely.box(0, 0, 3, 3)), 1.0, 0, level), np.array([0, 2])), Cells)
    with pytest.raises(OutsideValidity, match="step"):
        grid(surface(shapely.box(0, 0, 1e5, 1e5)), 1.0, 1.5, level)


def test_many_cuts_side_by_side_are_the_same_cuts(monkeypatch: pytest.MonkeyPatch) -> None:
    shape = surface(shapely.Point(3.3, 1.7).buffer(60.1).difference(shapely.Point(0, 0).buffer(33.3)))
    alone = grid(shape, 0.5, 1.5, level)
    monkeypatch.setattr(cutting, "FEW", 1)
    monkeypatch.setattr(cutting, "SIDE_BY_SIDE", 3)
    beside = grid(shape, 0.5, 1.5, level)
    assert alone.area.tobytes() == beside.area.tobytes()
    assert (alone.centre == beside.centre).all()
    assert (shapely.to_wkb(alone.outline) == shapely.to_wkb(beside.outline)).all()
