"""Ducts along main roads, on parks drawn here and by closed forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import resolve
from twin.measures.duct_main_road_length_share import MEASURE
from twin.measures.report import sentence
from twin.model import FeatureTable, Layer, Park
from twin.result import Result
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Rows = Sequence[tuple[str, Sequence[tuple[float, float]], Mapping[str, Any]]]
Make = Callable[..., Store]
MAIN = {"class": "main", "name": "A"}
BUILT = {"status": "in_service", "purpose": "communication"}


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A park with layers given as kind -> rows of (id, places, attributes)."""
    numbers = count()

    def build(**layers: Rows) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, rows in layers.items():
                names = sorted({name for _, _, row in rows for name in row})
                shapes = [shapely.force_2d(FRAME.unproject(shapely.LineString(places))) for _, places, _ in rows]
                columns = {name: [row.get(name) for _, _, row in rows] for name in names}
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable([name for name, _, _ in rows], np.array(shapes, object), columns), source="t")
        return store

    return build


def measure(store: Store, **given_: Any) -> Result:
    return MEASURE.compute(store, resolve(MEASURE, given_, {}))


def test_a_duct_beside_half_of_a_road(make: Make) -> None:
    result = measure(make(road=[("r", [(0, 0), (200, 0)], MAIN)], duct=[("d", [(50, 6), (150, 6)], BUILT)]))
    assert (result.value, result.lower, result.upper) == tuple(pytest.approx(0.5, abs=1e-4) for _ in range(3))
    assert result.denominator == pytest.approx(200, abs=1e-2)
    assert [(gap.reason, round(gap.amount)) for gap in result.gaps] == [("not_installed", 50), ("not_installed", 50)]
    assert result.zones[0]["gaps"] == [
        ["r", 0.0, pytest.approx(50, abs=0.02)],
        ["r", pytest.approx(150, abs=0.02), pytest.approx(200, abs=0.02)],
    ]
    assert [(row["id"], round(row["covered"]), round(row["lost"])) for row in result.devices] == [("d", 100, 100)]


def test_what_crosses_or_is_planned_or_is_for_power_does_not_count(make: Make) -> None:
    ducts = [
        ("crossing", [(100, -50), (100, 50)], BUILT),
        ("planned", [(0, 5), (200, 5)], {**BUILT, "status": "规划"}),
        ("power", [(0, 4), (200, 4)], {**BUILT, "purpose": "电力"}),
    ]
    result = measure(make(road=[("r", [(0, 0), (200, 0)], MAIN)], duct=ducts))
    assert (result.value, result.upper) == (0.0, 0.0)
    assert result.extra["with_planned"]["value"] == pytest.approx(1.0, abs=1e-4)
    assert [warning["code"] for warning in result.warnings if warning["code"] != "lines_not_clipped"] == ["not_built_left_out"]


def test_ducts_on_both_sides_count_once_and_each_alone_could_go(make: Make) -> None:
    ducts = [("n", [(0, 5), (200, 5)], BUILT), ("s", [(0, -5), (100, -5)], BUILT)]
    result = measure(make(road=[("r", [(0, 0), (200, 0)], MAIN)], duct=ducts))
    assert result.value == pytest.approx(1.0)
    assert {row["id"]: (round(row["covered"]), round(row["lost"])) for row in result.devices} == {"n": (200, 100), "s": (100, 0)}


def test_a_divided_road_counts_once_and_a_duct_beside_either_carriageway_is_its_duct(make: Make) -> None:
    roads = [("a", [(0, 0), (200, 0)], MAIN), ("b", [(0, 20), (190, 20)], MAIN)]
    result = measure(make(road=roads, duct=[("d", [(0, 30), (200, 30)], BUILT)]))
    assert result.denominator == pytest.approx(200, abs=0.1)
    assert result.value == pytest.approx(0.95, abs=0.01)


def test_what_nobody_says_opens_the_lower_bound(make: Make) -> None:
    ducts = [("known", [(0, 5), (50, 5)], BUILT), ("status", [(50, 5), (150, 5)], {"purpose": "通信"}), ("both", [(150, 5), (200, 5)], {})]
    result = measure(make(road=[("r", [(0, 0), (200, 0)], MAIN)], duct=ducts))
    assert (result.lower, result.value, result.upper) == (pytest.approx(0.25, abs=1e-3), pytest.approx(1.0), pytest.approx(1.0))
    assert [(row["what"], row["devices"], round(row["width"], 2)) for row in result.sensitivity] == [
        ("status", 2, 0.75),
        ("purpose", 1, 0.25),
    ]
    assert result.inputs["resting_share"] == pytest.approx(0.75, abs=1e-3)
    assert result.samples is not None
    assert set(result.samples.state.tolist()) == {1, -1}
    for warning in result.warnings:
        assert sentence(warning, "zh") != sentence(warning, "en")


def test_a_wide_road_has_its_duct_under_the_footway(make: Make) -> None:
    store = make(road=[("r", [(0, 0), (200, 0)], {**MAIN, "width_m": 30.0})], duct=[("d", [(0, 18), (200, 18)], BUILT)])
    assert measure(store).value == pytest.approx(1.0)
    narrow = measure(store, verge_m="none")
    assert narrow.value == 0.0
    assert [(gap.reason, gap.shortfall) for gap in narrow.gaps] == [("out_of_range", pytest.approx(3.0, abs=0.01))]


def test_the_gaps_of_pieces_that_meet_are_one(make: Make) -> None:
    roads = [("r1", [(0, 0), (100, 0)], MAIN), ("r2", [(100, 0), (180, 40)], MAIN), ("q", [(500, 0), (500, 30)], {**MAIN, "name": "B"})]
    result = measure(make(road=roads, duct=[("d", [(900, 0), (950, 0)], BUILT)]))
    assert [round(gap.amount) for gap in result.gaps] == [189, 30]
    assert result.extra["by_roads"] == {"roads": 2, "whole": 0, "some": 0, "value": 0.0}


def test_no_ducts_and_no_main_roads_are_not_zero(make: Make) -> None:
    with pytest.raises(MissingInput):
        measure(make(road=[("r", [(0, 0), (200, 0)], MAIN)]))
    with pytest.raises(MissingInput):
        measure(make(road=[("r", [(0, 0), (200, 0)], {"class": "service"})], duct=[("d", [(0, 5), (50, 5)], BUILT)]))


places = st.lists(st.tuples(st.integers(0, 200), st.integers(-20, 20)), min_size=2, max_size=4, unique=True)


@given(st.lists(places, min_size=1, max_size=4))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_one_more_duct_never_covers_less_and_bounds_hold(make: Make, lines: list[list[tuple[int, int]]]) -> None:
    road = [("r", [(0, 0), (200, 0)], MAIN)]
    ducts = [(f"d{k}", line, BUILT if k % 2 else {}) for k, line in enumerate(lines)]
    results = [measure(make(road=road, duct=ducts[:k])) for k in range(1, len(ducts) + 1)]
    for before, after in pairwise(results):
        assert before.value <= after.value + 1e-9
    assert all(0 <= result.lower <= result.value <= result.upper <= 1 for result in results)
    assert all(sum(gap.amount for gap in each.gaps) == pytest.approx(each.denominator - each.numerator, abs=0.1) for each in results)
