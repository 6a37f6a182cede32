"""Lines beside lines, by closed forms and against points set densely along them."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage.alongside import Rule, alongside, gaps, piece, total, union

RULE = Rule(15.0, 30.0)
ROAD = shapely.LineString([(0, 0), (100, 0)])


def line(*places: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString(places)


def matched(*others: shapely.LineString, road: shapely.LineString = ROAD, rule: Rule = RULE) -> list[tuple[float, float]]:
    (found,) = alongside([road], others, rule)
    return [(pytest.approx(a), pytest.approx(b)) for a, b in union([stretch for each in found.values() for stretch in each])]


def test_beside_is_abreast_near_and_parallel() -> None:
    assert matched(line((20, 5), (60, 5))) == [(20, 60)]
    assert matched(line((60, 5), (20, 5))) == [(20, 60)]
    assert matched(line((20, 15), (60, 15))) == [(20, 60)]
    assert matched(line((20, 15.01), (60, 15.01))) == []
    assert matched(line((-50, 0), (-1, 0))) == []
    assert matched(line((-50, 3), (300, 3))) == [(0, 100)]


def test_what_crosses_does_not_run_beside() -> None:
    assert matched(line((50, -40), (50, 40))) == []
    assert matched(line((40, -10), (60, 10))) == []


def test_both_sides_count_once() -> None:
    assert matched(line((10, 5), (60, 5)), line((40, -5), (90, -5))) == [(10, 90)]


def test_what_drifts_away_is_matched_as_far_as_it_is_near() -> None:
    assert matched(line((0, 0), (100, 30))) == [(0, 50)]
    assert matched(line((0, -25), (100, 25))) == [(20, 80)]
    assert matched(line((0, 0), (100, 30)), rule=Rule(15.0, 16.0)) == []
    assert matched(line((0, 0), (100, 30)), rule=Rule(15.0, 17.0)) == [(0, 50)]


def test_round_a_bend_on_the_inside_and_on_the_outside() -> None:
    road = line((0, 0), (100, 0), (100, 100))
    assert matched(line((0, 10), (90, 10), (90, 100)), road=road) == [(0, 200)]
    assert matched(line((0, -10), (110, -10), (110, 100)), road=road) == [(0, 200)]
    assert matched(line((0, 10), (80, 10)), road=road) == [(0, 80)]
    assert matched(line((0, 10), (80, 10)), line((80, 20), (80, 100)), road=road, rule=Rule(20, 30)) == [(0, 80), (120, 200)]


def test_chainage_runs_on_through_the_parts_of_a_line() -> None:
    parts = shapely.MultiLineString([[(0, 0), (10, 0)], [(50, 0), (90, 0)]])
    assert matched(line((60, 1), (70, 1)), road=parts) == [(20, 30)]
    assert piece(parts, (5, 20)).length == pytest.approx(15)
    assert piece(parts, (12, 20)).equals(line((52, 0), (60, 0)))


def test_nothing_at_all() -> None:
    assert alongside([], [ROAD], RULE) == []
    assert alongside([ROAD], [], RULE) == [{}]
    assert alongside([line((1, 1), (1, 1)), ROAD], [line((2, 2), (2, 2))], RULE) == [{}, {}]
    assert gaps([], 10.0) == [(0.0, 10.0)]


stretches = st.lists(
    st.tuples(st.integers(0, 90), st.integers(1, 20)).map(lambda s: (float(s[0]), float(min(s[0] + s[1], 100)))), max_size=8
)


@given(stretches)
def test_stretches_and_gaps_are_the_whole(found: list[tuple[float, float]]) -> None:
    covered = np.zeros(100, bool)
    for a, b in found:
        covered[int(a) : int(b)] = True
    assert total(found) == covered.sum()
    assert sum(b - a for a, b in gaps(found, 100.0)) == 100 - covered.sum()


@given(st.lists(st.tuples(st.integers(-30, 130), st.integers(-30, 30)), min_size=2, max_size=2, unique=True), st.floats(0, 6.28))
def test_as_points_set_densely_say_however_the_plan_is_turned(places: list[tuple[int, int]], turn: float) -> None:
    """A point of the road is matched where the perpendicular through it meets the duct within the distance."""
    duct = line(*places)
    (dx, dy) = np.subtract(places[1], places[0])
    angle = math.degrees(math.acos(min(abs(dx) / math.hypot(dx, dy), 1.0)))
    if abs(angle - 30) < 1e-6:
        return
    x = np.linspace(0.05, 99.95, 1000)
    perpendicular = shapely.linestrings([[(each, -15), (each, 15)] for each in x])
    wanted = shapely.intersects(perpendicular, duct).mean() * 100 if angle < 30 else 0.0
    road, other = (shapely.affinity.rotate(shape, turn, origin=(3, 5), use_radians=True) for shape in (ROAD, duct))
    (found,) = alongside([road], [other], RULE)
    assert total([stretch for each in found.values() for stretch in each]) == pytest.approx(wanted, abs=0.25)
