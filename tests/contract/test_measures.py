"""What every registered measure promises, on the sample park."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import shapely
from rich.progress import Progress

from twin.errors import MeasureError, UnknownParameter
from twin.indicators import pack
from twin.indicators.score import score
from twin.measures import compute
from twin.measures.report import gaps_geojson, result_json, samples_json
from twin.model import Park
from twin.registry import load_all, points
from twin.result import Result
from twin.store import Store, create_store
from web.demo import sample_park_at

pytestmark = [pytest.mark.xdist_group("sample_park"), pytest.mark.slow]
MEASURES = sorted(points("twin.measures"))
REASONS = {"out_of_range", "occluded", "outside_field_of_view", "density", "below_threshold", "too_steep"}
REASONS |= {"blind_zone", "out_of_focus", "turned_away", "too_dark"}
REASONS |= {"interference", "no_device", "not_installed", "not_served"}
SMALL = "layer:parking_areas"  # what is promised does not depend on how large a surface is
_results: dict[str, Result] = {}


def asked(name: str) -> dict[str, Any]:
    """A small surface for measures that are asked about one."""
    known = {parameter.name: parameter for parameter in load_all("twin.measures")[name].parameters}
    if name == "camera_facade_area_share":
        return {"cameras": "all", "min_height_m": 50.0}
    if name == "camera_key_position_share":
        return {"classes": "park_entrance,road_intersection"}
    return {"surface": SMALL} if "surface" in known and known["surface"].default else {}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return sample_park_at(tmp_path_factory.mktemp("sample") / "park", Progress(disable=True), "en", scored=False)


@pytest.fixture(params=MEASURES)
def result(request: pytest.FixtureRequest, store: Store) -> Result:
    if request.param not in _results:
        _results[request.param] = compute(store, request.param, asked(request.param))
    return _results[request.param]


def test_the_value_lies_within_its_bounds(result: Result) -> None:
    assert result.value is not None
    assert 0 <= result.lower <= result.value <= result.upper
    assert result.upper <= 1 or result.unit != "1"
    assert result.value == pytest.approx(result.numerator / result.denominator, abs=1e-9)


def test_the_answer_has_the_shape_interfaces_promise(result: Result) -> None:
    told = result_json(result, "zh")
    json.dumps(told, allow_nan=False)
    names = "measure value lower upper unit numerator denominator quantity surface exclusions parameters zones gaps inputs warnings"
    assert {*names.split(), "seconds", "engine", "run"} <= set(told)
    assert {"sha256", "devices", "defaulted_share"} <= set(told["inputs"])
    assert told["surface"]["id"]
    assert all({"value", "provenance", "source"} <= set(entry) for entry in told["parameters"].values())
    assert set(told["parameters"]) == {parameter.name for parameter in load_all("twin.measures")[result.measure].parameters}
    assert all(warning["message"] and warning["message"] != warning["code"] for warning in told["warnings"])


def test_gaps_are_what_is_not_covered(result: Result) -> None:
    if result.unit != "1":
        pytest.skip("of a number of functions nothing is left over")
    missing = result.denominator - result.numerator
    assert math.isclose(sum(gap.amount for gap in result.gaps), missing, rel_tol=0.02, abs_tol=1.0)
    shown = [gap.amount for gap in result.gaps if gap.zone is not None]  # the others are pools of those too small to be shown
    assert shown == sorted(shown, reverse=True)
    assert {gap.reason for gap in result.gaps} <= REASONS
    assert len({gap.id for gap in result.gaps}) == len(result.gaps)


def test_gaps_lie_in_the_park(result: Result, store: Store) -> None:
    west, south, east, north = store.extent() or (0, 0, 0, 0)
    for feature in gaps_geojson(result)["features"]:
        x0, y0, x1, y1 = shapely.geometry.shape(feature["geometry"]).bounds
        assert west - 1e-4 <= x0 <= x1 <= east + 1e-4
        assert south - 1e-4 <= y0 <= y1 <= north + 1e-4


def test_samples_are_columns_of_one_length(result: Result) -> None:
    samples = samples_json(result)
    if samples is None:
        pytest.skip("counted things have no samples")
    assert len({len(samples[name]) for name in ("lon", "lat", "h", "value", "state", "size_m")}) == 1
    assert set(samples["state"]) <= {-1, 0, 1}


def test_blockers_exist(result: Result, store: Store) -> None:
    known = {f"element/{element.id}" for element in store.elements()}
    named = {blocker for gap in result.gaps for blocker in gap.blockers if blocker.startswith("element/")}
    assert named <= known


@pytest.mark.parametrize("name", ["charging_space_share", "camera_key_position_share"])
def test_the_same_question_has_the_same_answer_under_the_same_name(name: str, store: Store) -> None:
    first, again = compute(store, name), compute(store, name)
    assert (first.run, first.value, first.lower, first.upper, first.inputs) == (
        again.run,
        again.value,
        again.lower,
        again.upper,
        again.inputs,
    )


@pytest.mark.parametrize("name", MEASURES)
def test_unknown_parameters_are_refused(name: str, store: Store) -> None:
    with pytest.raises(UnknownParameter):
        compute(store, name, {"no_such_parameter": 1})


@pytest.mark.parametrize("name", MEASURES)
def test_an_empty_park_is_not_zero(name: str, tmp_path: Path, store: Store) -> None:
    empty = create_store(tmp_path / "empty", Park("empty", store.park().frame))
    with pytest.raises(MeasureError) as caught:
        compute(empty, name)
    assert caught.value.text("zh") != caught.value.text("en")


def test_the_scorecard_of_the_sample_park(store: Store) -> None:
    whole = pack("chengdu-2021")
    rows_asked = [replace(row, parameters={**row.parameters, **asked(row.measure)}) for row in whole.rows]
    card: dict[str, Any] = score(store, replace(whole, rows=rows_asked))
    rows = {row["id"]: row for row in card["indicators"]}
    assert rows["chengdu_charging_ratio"]["value"] == 131 / 1500
    assert rows["chengdu_charging_ratio"]["verdict"] == "partial"
    assert rows["chengdu_charging_ratio"]["points"] == [2, 4]
    assert all(row["verdict"] != "not_measured" for row in rows.values())
    low, high = card["totals"]["points"]
    assert 0 <= low <= high <= card["totals"]["max_points"] == 23
    for row in rows.values():
        kept = store.run(row["run"])
        assert kept["result"]["value"] == pytest.approx(row["value"])
