"""Lengths that detectors protect, against shapely's buffers and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.coverage.perimeter import Beam, Reach, missing, outside, spans, total, united

ELL = shapely.LineString([(0, 0), (100, 0), (100, 50)])


def beam(*corners: tuple[float, float], match: float = 5.0, facing: float = math.pi / 2) -> Beam:
    return Beam(np.array(corners, float), match, facing)


def test_beside_a_beam() -> None:
    assert spans(ELL, beam((10, 1), (60, 1))) == [pytest.approx((10, 60))]
    assert spans(ELL, beam((60, -1), (10, -1))) == [pytest.approx((10, 60))]
    assert spans(ELL, beam((10, 6), (60, 6))) == []
    assert spans(ELL, beam((-20, 1), (500, 1)))[0] == pytest.approx((0, 106))  # the upright leg too, up to 5 m beside the beam


def test_a_beam_that_runs_another_way_protects_nothing() -> None:
    across = beam((50, -20), (50, 20), facing=math.radians(45))
    assert spans(ELL, across) == []
    assert total(spans(ELL, beam((50, -20), (50, 20)))) == pytest.approx(10)


def test_round_a_corner() -> None:
    found = spans(ELL, beam((10, 1), (99, 1), (99, 40), facing=math.radians(45)))
    assert found == [pytest.approx((10, 140))]


def test_round_a_point() -> None:
    assert spans(ELL, Reach(np.array([100.0, 0.0]), 10.0)) == [pytest.approx((90, 110))]
    assert spans(ELL, Reach(np.array([50.0, -3.0]), 5.0, 0.0, math.pi / 2)) == [pytest.approx((47, 53))]
    assert spans(ELL, Reach(np.array([50.0, -3.0]), 5.0, math.pi, math.pi / 2)) == []
    assert spans(ELL, Reach(np.array([50.0, -3.0]), 5.0, 0.0, 1.5 * math.pi)) == [pytest.approx((46, 54))]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000))
def test_against_buffers(seed: int) -> None:
    """A straight beam is a rectangle, a range is a disc: shapely cuts the line with them."""
    rng = np.random.default_rng(seed)
    line = shapely.LineString(rng.uniform(0, 100, (5, 2)))
    ends = rng.uniform(0, 100, (2, 2))
    rectangle = shapely.LineString(ends).buffer(7.0, cap_style="flat")
    assert total(spans(line, Beam(ends, 7.0))) == pytest.approx(line.intersection(rectangle).length, abs=1e-6)
    place = rng.uniform(0, 100, 2)
    disc = shapely.Point(place).buffer(20.0, quad_segs=2000)
    assert total(spans(line, Reach(place, 20.0))) == pytest.approx(line.intersection(disc).length, abs=1e-3)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 100_000), st.floats(0.1, 6.2))
def test_a_sector_is_part_of_its_disc_and_turns_with_the_world(seed: int, turn: float) -> None:
    rng = np.random.default_rng(seed)
    corners, place, azimuth, angle = rng.uniform(-50, 50, (4, 2)), rng.uniform(-20, 20, 2), rng.uniform(0, 6), rng.uniform(0.2, 6.0)
    whole = total(spans(shapely.LineString(corners), Reach(place, 30.0)))
    part = total(spans(shapely.LineString(corners), Reach(place, 30.0, azimuth, angle)))
    rest = total(spans(shapely.LineString(corners), Reach(place, 30.0, azimuth + math.pi, 2 * math.pi - angle)))
    assert part <= whole + 1e-9
    assert part + rest == pytest.approx(whole, abs=1e-6)
    c, s = math.cos(turn), math.sin(turn)
    rotation = np.array([[c, -s], [s, c]])  # clockwise, as azimuths count
    again = total(spans(shapely.LineString(corners @ rotation), Reach(place @ rotation, 30.0, azimuth + turn, angle)))
    assert again == pytest.approx(part, abs=1e-6)


def test_spans_put_together_and_taken_apart() -> None:
    assert united([(5, 9), (0, 3), (3, 4), (8, 12), (20, 20)]) == [(0, 4), (5, 12)]
    assert missing([(0, 4), (5, 12)], 15) == [(4, 5), (12, 15)]
    assert missing([], 3) == [(0.0, 3)]
    assert total([(0, 4), (5, 12)]) == 11
    assert outside([(0, 4), (5, 12)], [(3, 6)]) == pytest.approx(9)


def test_nothing_to_protect_and_nothing_to_protect_with() -> None:
    assert spans(shapely.LineString(), beam((0, 0), (1, 0))) == []
    assert spans(shapely.LineString([(1, 1), (1, 1)]), beam((0, 0), (1, 0))) == []
    assert spans(ELL, beam((5, 1), (5, 1))) == []
    assert spans(ELL, Reach(np.array([50.0, 0.0]), 0.0)) == []
