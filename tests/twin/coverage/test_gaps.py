"""Gaps are connected, add up to what is missing, and say why."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import shapely
from scipy.ndimage import label

from twin.coverage.cells import grid
from twin.coverage.gaps import components, gaps
from twin.coverage.surface import Piece, Surface


def level(xy: np.ndarray) -> np.ndarray:
    return np.zeros(len(xy))


SQUARE = Surface("s", [Piece("p", "p", shapely.box(0, 0, 20, 15))])


@pytest.mark.parametrize("seed", range(5))
def test_components_agree_with_an_image_library(seed: int) -> None:
    cells = grid(SQUARE, 1.0, 1.5, level)
    chosen = np.random.default_rng(seed).random(len(cells)) < 0.55
    image = np.zeros((15, 20), bool)
    ij = np.floor(cells.centre[:, :2]).astype(int)
    image[ij[:, 1], ij[:, 0]] = chosen
    expected, count = label(image)
    found = components(cells, chosen)
    pairs = set(zip(found[chosen].tolist(), expected[ij[chosen, 1], ij[chosen, 0]].tolist(), strict=True))
    assert len(pairs) == count == len({a for a, _ in pairs})
    assert (found[~chosen] == -1).all()


def test_amounts_add_up_and_the_largest_comes_first() -> None:
    cells = grid(Surface("s", [Piece("p", "p", shapely.Point(10, 7).buffer(6.3))]), 1.0, 1.5, level)
    rng = np.random.default_rng(1)
    missing = cells.area * rng.choice([0.0, 0.2, 0.7, 1.0], len(cells), p=[0.4, 0.2, 0.1, 0.3])
    why = ["occluded" if m > 0 else "" for m in missing]
    found = gaps(cells, missing, why, ["wall" if m > 0 else None for m in missing], smallest=3.0)
    assert sum(region.amount for region in found) == pytest.approx(missing.sum())
    shown = [region for region in found if not region.pooled]
    assert all(a.amount >= b.amount >= 3.0 for a, b in pairwise(shown))
    assert [region.pooled for region in found] == [False] * len(shown) + [True]
    for region in shown:
        assert region.polygon.geom_type == "Polygon"
        assert region.polygon.area == pytest.approx(cells.area[region.cells].sum())
        assert shapely.contains_xy(region.polygon, *region.point[:2])


def test_the_heaviest_reason_and_blockers_speak_for_a_gap() -> None:
    cells = grid(SQUARE, 1.0, 1.5, level)
    left = cells.centre[:, 0] < 6
    missing = np.where(left, cells.area, 0.0)
    why = ["out_of_range" if x < 2 else "occluded" if x < 6 else "" for x in cells.centre[:, 0]]
    behind = ["b" if y < 3 else "a" if w == "occluded" else None for (_, y, _), w in zip(cells.centre, why, strict=True)]
    (region,) = gaps(cells, missing, why, behind)
    assert (region.amount, region.reason, list(region.blockers)) == (90.0, "occluded", ["a", "b"])
    assert region.point[2] == 1.5


def test_gaps_of_different_pieces_do_not_join() -> None:
    surface = Surface("s", [Piece("a", "", shapely.box(0, 0, 4, 4), 0.0), Piece("b", "", shapely.box(0, 0, 4, 4), 3.0)])
    cells = grid(surface, 1.0, 1.5, level)
    found = gaps(cells, cells.area, ["no_device"] * len(cells), [None] * len(cells))
    assert sorted((region.piece, region.amount) for region in found) == [(0, 16.0), (1, 16.0)]


def test_full_coverage_has_no_gaps() -> None:
    cells = grid(SQUARE, 1.0, 1.5, level)
    assert gaps(cells, np.zeros(len(cells)), [""] * len(cells), [None] * len(cells)) == []
