"""Bands, bounds and verdicts."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin.crs import Frame
from twin.errors import NotFound, PackError
from twin.indicators import Row, pack, parse
from twin.indicators.report import scorecard_html
from twin.indicators.score import judge, kept_scorecard, score
from twin.model import FeatureTable, Layer, Park
from twin.result import Result
from twin.store import create_store

ROW = next(row for row in pack("chengdu-2021").rows if row.id == "chengdu_charging_ratio")


def result(lower: float | None, upper: float | None, *, quantity: str = "m2", denominator: float = 1000.0) -> Result:
    value = None if lower is None or upper is None else (lower + upper) / 2
    shares = {"value": value, "lower": lower, "upper": upper}
    return Result(
        "charging_space_share",
        **shares,
        numerator=0,
        denominator=denominator,
        quantity=quantity,
        surface={},
        parameters={},
        inputs={},
        engine="",
        run="r",
    )


@pytest.mark.parametrize(
    ("lower", "upper", "verdict", "points"),
    [
        (0.12, 0.13, "pass", (5, 5)),
        (0.10, 0.10, "pass", (5, 5)),
        (0.087, 0.087, "partial", (2, 4)),
        (0.01, 0.02, "fail", (0, 0)),
        (0.09, 0.11, "undecided", (2, 5)),
        (0.0, 1.0, "undecided", (0, 5)),
        (None, None, "not_applicable", (0, 0)),
    ],
)
def test_a_limit_inside_the_bounds_is_undecided(
    lower: float | None, upper: float | None, verdict: str, points: tuple[float, float]
) -> None:
    assert judge(ROW, result(lower, upper)) == (verdict, points)


@given(st.integers(1, 5000), st.data())
def test_counts_are_compared_as_exact_fractions(total: int, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, total))
    expected = "pass" if n * 10 >= total else "partial" if n * 100 >= 3 * total else "fail"
    assert judge(ROW, result(n / total, n / total, quantity="count", denominator=total))[0] == expected


@given(st.floats(0, 1), st.floats(0, 1))
def test_wider_bounds_never_narrow_the_points(a: float, b: float) -> None:
    low, high = min(a, b), max(a, b)
    inner, outer = judge(ROW, result(low, high))[1], judge(ROW, result(low / 2, min(1.0, high * 2)))[1]
    assert outer[0] <= inner[0]
    assert outer[1] >= inner[1]


def test_the_pack_says_what_the_standard_says() -> None:
    rows = {row.measure: row for row in pack("chengdu-2021").rows}
    assert [band.at_least for band in rows["mobile_signal_area_share"].bands] == [Fraction("0.99"), Fraction("0.95"), 0]
    assert [band.at_least for band in rows["camera_key_position_share"].bands] == [Fraction("0.9"), Fraction("0.7"), 0]
    assert sum(row.max_points for row in rows.values()) == 23


def document(**changes: object) -> dict[str, object]:
    bands = [{"at_least": "0.5", "points": [1, 1]}, {"at_least": "0", "points": [0, 0]}]
    row = {"id": "r", "clause": "c", "title_en": "t", "title_zh": "题", "measure": "charging_space_share", "bands": bands} | changes
    return {"id": "p", "edition": "1", "title_en": "p", "title_zh": "包", "indicator": [row]}


@pytest.mark.parametrize(
    "changes",
    [
        {"measure": "no_such"},
        {"bands": [{"at_least": "0.5", "points": [1, 1]}]},
        {"bands": []},
        {"bands": [{"at_least": "0", "points": [0, 0]}, {"at_least": "0.5", "points": [1, 1]}]},
    ],
)
def test_a_wrong_pack_is_refused(changes: dict[str, object]) -> None:
    assert isinstance(parse(document()).rows[0], Row)
    with pytest.raises(PackError):
        parse(document(**changes))


def test_a_pack_that_is_not_there() -> None:
    with pytest.raises(NotFound, match="nowhere") as caught:
        pack("nowhere")
    assert "chengdu-2021" in caught.value.hint("en")


def test_the_page_says_it_in_both_languages() -> None:
    names = {"clause": "评分 <1>", "title_en": "Charging", "title_zh": "充电", "note_en": "", "note_zh": "", "run": "r-1"}
    numbers = {"value": 0.0999, "lower": 0.09, "upper": 0.11, "threshold": 0.1, "points": [2, 5], "max_points": 5}
    titles = {"park": "园", "title_en": "Rules", "title_zh": "细则", "pack": "p", "edition": "1", "at": "2026"}
    totals = {"points": [2, 5], "max_points": 5}
    card = titles | {"indicators": [names | numbers | {"verdict": "undecided"}], "totals": totals}
    chinese, english = scorecard_html(card, "zh"), scorecard_html(card, "en")
    assert "待定" in chinese
    assert "undecided" in english
    assert "9.99 %" in english
    assert "&lt;1&gt;" in english
    assert "http" not in english


def test_a_park_that_nobody_has_surveyed_is_not_measured(tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("bare", Frame(104.06, 30.54)))
    field = FeatureTable(["field"], np.array([shapely.box(104.06, 30.54, 104.061, 30.541)], object))
    with store.transaction() as writer:
        writer.put_layer(Layer("boundary", "boundary", "boundary"))
        writer.put_features("boundary", field, source="b")
    rules = pack("chengdu-2021")
    assert kept_scorecard(store, rules) is None
    card = score(store, rules)
    assert {row["verdict"] for row in card["indicators"]} == {"not_measured"}
    assert all(row["note_en"] and row["note_zh"] and row["value"] is None for row in card["indicators"])
    assert card["totals"]["points"] == [0, 23]
    assert kept_scorecard(store, rules) == card
