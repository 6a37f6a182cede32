"""Clutter and building entry loss against the validation tables of ITU-R Study Group 3."""

from __future__ import annotations

import pytest

from twin.coverage.clutter import building_entry_db, path_clutter_db, terminal_clutter_db


@pytest.mark.parametrize(
    ("f_ghz", "elevation", "kind", "expected"),
    [
        (28.0, 0.0, "traditional", [2.769, 6.891, 20.218, 35.448]),
        (28.0, 0.0, "efficient", [9.369, 19.484, 41.732, 65.040]),
        (2.0, 45.0, "traditional", [3.508, 11.251, 23.556, 35.991]),
        (2.0, 45.0, "efficient", [8.605, 20.566, 37.995, 55.724]),
    ],
)
def test_building_entry(f_ghz: float, elevation: float, kind: str, expected: list[float]) -> None:
    shares = (0.01, 0.10, 0.5011872, 0.8912509)
    assert [float(building_entry_db(f_ghz, kind, p, elevation)) for p in shares] == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("clutter", "height_m", "expected"),
    [
        ("water", None, 16.0),
        ("water", 4.0, 6.9),
        ("open", None, 16.0),
        ("suburban", None, 20.45),
        ("suburban", 4.0, 9.24),
        ("urban", None, 24.5),
        ("forest", None, 24.5),
        ("dense_urban", None, 27.1),
    ],
)
def test_clutter_at_a_terminal(clutter: str, height_m: float | None, expected: float) -> None:
    assert float(terminal_clutter_db(1.5, 2.0, clutter, clutter_m=height_m)) == pytest.approx(expected, abs=0.05)


def test_a_terminal_above_the_clutter_loses_nothing() -> None:
    assert terminal_clutter_db(1.5, [10.0, 30.0], "suburban").tolist() == [0.0, 0.0]


def test_clutter_of_a_path() -> None:
    shares = (0.05, 0.5, 0.95, 0.999)
    assert [float(path_clutter_db(2.0, 0.65, p)) for p in shares] == pytest.approx([19.2, 27.1, 34.6, 40.4], abs=0.05)


def test_clutter_of_a_path_is_that_at_two_kilometres_beyond() -> None:
    assert path_clutter_db(3.5, [2.0, 5.0], 0.5).tolist() == [float(path_clutter_db(3.5, 2.0))] * 2
