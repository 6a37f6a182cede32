from __future__ import annotations

import datetime as dt
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers import values

UNITS_OF_LENGTH = {"m": 1, "cm": 0.01, "mm": 0.001, "km": 1000, "ft": 0.3048, "米": 1, "厘米": 0.01, "英尺": 0.3048}


@given(st.floats(-1e6, 1e6), st.sampled_from(list(UNITS_OF_LENGTH)), st.sampled_from(["", " ", "  "]))
def test_a_number_with_a_unit_is_its_amount_times_the_unit(amount: float, unit: str, space: str) -> None:
    assert values.number(f"{amount!r}{space}{unit}", "m") == pytest.approx(amount * UNITS_OF_LENGTH[unit])


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_bare_number_is_itself(amount: float) -> None:
    assert values.number(repr(amount), "m") == amount
    assert values.number(amount, "m") == amount


@given(st.integers(0, 999_999_999), st.integers(0, 99))
def test_groups_of_thousands_are_read(whole: int, cents: int) -> None:
    assert values.number(f"{whole:,}.{cents:02d}", "m") == pytest.approx(float(f"{whole}.{cents:02d}"))


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_nothing_or_refused(text: str) -> None:
    try:
        found = values.number(text, "m")
    except ValueError:
        return
    assert found is None or math.isfinite(found)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("12 m", "m", 12),
        ("3,5", "m", 3.5),
        ("5.8 GHz", "MHz", 5800),
        ("2.6GHz", "MHz", 2600),
        ("30 kHz", "kHz", 30),
        ("7千瓦", "kW", 7),
        ("60 W", "kW", 0.06),
        ("６层", "1", 6),
        ("6层", "1", 6),
        ("4mm", "mm", 4),
        ("23 dBm", "dBm", 23),
        ("-", "m", None),
        ("无", "m", None),
        ("N/A", "m", None),
    ],
)
def test_what_people_write(text: str, unit: str, expected: float | None) -> None:
    assert values.number(text, unit) == (pytest.approx(expected) if expected is not None else None)


def test_feet_and_inches() -> None:
    assert values.number("40'6\"", "m") == pytest.approx(40.5 * 0.3048)


def test_watts_become_decibels() -> None:
    assert values.number("100 mW", "dBm") == pytest.approx(20.0)
    assert values.number("2W", "dBm") == pytest.approx(10 * math.log10(2000))


@pytest.mark.parametrize("text", ["about 12", "12-15", "12 bananas", "abc", "1 2", "12 kg", "0 W"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        values.number(text, "dBm" if text == "0 W" else "m")


def test_a_column_unit_counts_for_bare_numbers_only() -> None:
    assert values.number(350, "m", "cm") == pytest.approx(3.5)
    assert values.number("350", "m", "cm") == pytest.approx(3.5)
    assert values.number("3 m", "m", "cm") == pytest.approx(3.0)


@given(st.floats(-180, 360))
def test_an_azimuth_is_the_same_direction_in_one_turn(degrees: float) -> None:
    found = values.azimuth(degrees)
    assert found is not None
    assert 0 <= found <= 360
    assert math.cos(math.radians(found - degrees)) == pytest.approx(1.0)


@pytest.mark.parametrize("word", ["N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW"])
def test_compass_points_are_the_sum_of_their_letters(word: str) -> None:
    angles = {"N": 0.0, "E": 90.0, "S": 180.0, "W": 270.0}

    def blend(letters: str) -> float:  # the last two letters halve the quadrant, each letter before halves the rest
        if len(letters) == 1:
            return angles[letters]
        rest = blend(letters[1:])
        first = angles[letters[0]]
        turn = (rest - first + 180) % 360 - 180
        return (first + turn / 2) % 360

    assert values.azimuth(word) == pytest.approx(blend(word))
    assert values.azimuth(word.lower()) == values.azimuth(word)


@pytest.mark.parametrize(
    ("text", "degrees"),
    [
        ("北", 0), ("东北", 45), ("正东", 90), ("东南", 135), ("南向", 180), ("西南", 225), ("正西", 270), ("西北", 315), ("北偏东30°", 30),
        ("南偏西20度", 200), ("N30E", 30), ("S45W", 225), ("north-east", 45), ("Southwest", 225), ("90°", 90), ("-90", 270),
    ],
)  # fmt: skip
def test_directions_in_words(text: str, degrees: float) -> None:
    assert values.azimuth(text) == pytest.approx(degrees)


@pytest.mark.parametrize("value", [400, "400", -200, 1e9])
def test_an_azimuth_beyond_a_turn_is_out_of_range(value: object) -> None:
    with pytest.raises(values.OutOfRange):
        values.azimuth(value)


@pytest.mark.parametrize("value", ["up", "北偏东100", "东西"])
def test_what_is_no_direction_is_refused(value: str) -> None:
    with pytest.raises(ValueError):
        values.azimuth(value)


def test_sizes_of_pictures() -> None:
    assert values.size("1920x1080") == (1920, 1080)
    assert values.size("2688×1520") == (2688, 1520)
    assert values.size("1080P") == (1920, 1080)
    assert values.size("") is None
    with pytest.raises(ValueError):
        values.size("400万")  # four megapixels leave the shape open


@given(st.dates(dt.date(1900, 1, 1), dt.date(2100, 1, 1)))
def test_dates_in_the_ways_people_write_them(day: dt.date) -> None:
    written = [
        f"{day:%Y-%m-%d}",
        f"{day:%Y/%m/%d}",
        f"{day.year}年{day.month}月{day.day}日",
        f"{day:%Y%m%d}",
        day,
        dt.datetime(day.year, day.month, day.day),
    ]
    assert {values.date(each) for each in written} == {day.isoformat()}


def test_a_date_that_cannot_be_read_stays_as_it_came() -> None:
    assert values.date("2023-13-45") == "2023-13-45"
    assert values.date("last spring") == "last spring"
    assert values.date("2021年") == "2021-01-01"


def test_words_of_a_choice() -> None:
    assert values.choice("status", "在用") == "in_service"
    assert values.choice("status", "PLANNED ") == "planned"
    assert values.choice("device_choices.ptz", "球机") == "ptz"
    assert values.choice("status", " ") is None
    with pytest.raises(ValueError):
        values.choice("status", "weird")


def test_text_of_cells() -> None:
    assert values.text(17.0) == "17"
    assert values.text("  a ") == "a"
    assert values.text(float("nan")) is None
    assert values.text("") is None
