from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely

from importers.mending import MANY_POINTS, Patience, mended


def scribble(points: int, seed: int = 1) -> shapely.Polygon:
    return shapely.Polygon(np.random.default_rng(seed).uniform(0.0, 1.0, (points, 2)))


def bow_tie(points: int) -> shapely.Polygon:
    """Two triangles of an area of a half each, their edges of many points."""
    corners = np.array([(0.0, 0.0), (1.0, 1.0), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)])
    place = np.linspace(0.0, 4.0, points)
    return shapely.Polygon(np.column_stack([np.interp(place, range(5), corners[:, k]) for k in (0, 1)]))


def shapes(*given: Any) -> Any:
    out = np.empty(len(given), object)
    out[:] = given
    return out


@pytest.mark.parametrize("points", [5, 4 * MANY_POINTS + 1])
def test_a_bow_tie_becomes_its_two_triangles_here_or_in_a_child(points: int) -> None:
    (found,) = mended(shapes(None, shapely.box(0, 0, 1, 1), bow_tie(points)))
    assert (found.index, found.is_given_up) == (2, False)
    assert "elf-intersection" in found.reason
    assert found.shape.is_valid
    assert found.shape.area == pytest.approx(0.5)


def test_a_scribble_beyond_the_limits_is_given_up_and_takes_no_other_with_it() -> None:
    patience = Patience(seconds=20.0, at_once_s=1.0, memory_bytes=256 << 20)
    found = mended(shapes(bow_tie(MANY_POINTS + 9), scribble(6000), bow_tie(5)), patience)
    assert [(each.index, each.is_given_up, each.shape is None) for each in found] == [(0, False, False), (1, True, True), (2, False, False)]


def test_the_time_in_all_is_kept() -> None:
    found = mended(shapes(*(bow_tie(points) for points in (5, 6, 7, 2000))), Patience(seconds=0.0))
    assert [each.is_given_up for each in found] == [True] * 4


def test_lines_stay_lines_and_what_collapses_goes() -> None:
    spike = shapely.Polygon([(0, 0), (1, 0), (0, 0)])
    (found,) = mended(shapes(spike, shapely.LineString([(0, 0), (1, 1)])))
    assert (found.index, found.shape, found.is_given_up) == (0, None, False)


def test_what_the_library_makes_of_overlapping_triangles_is_mended_once_more() -> None:
    corners = [(0.0, 0.0), (0.0, -1.0), (-1.0, 0.0), (0.0, 0.0), (0.0, -1.0), (1.0, 0.0)]
    (found,) = mended(shapes(shapely.Polygon(corners)))
    assert found.shape.is_valid
