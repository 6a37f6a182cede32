"""Outlines carried off by the shift of a web map, laid beside the park's buildings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import shapely

from importers.contract import Context, Footprint, Options
from importers.placing import Frameless, place
from importers.shiftcheck import suspected_shift
from twin.crs import Frame, wgs84_to_bd09, wgs84_to_gcj02
from twin.model import Park

FRAME = Frame(120.6, 31.3)
RNG = np.random.default_rng(3)
BOXES = [
    shapely.box(x, y, x + w, y + d) for x, y, w, d in zip(*RNG.uniform(-600, 600, (2, 60)), *RNG.uniform(12, 45, (2, 60)), strict=True)
]
TRUE = np.array([FRAME.unproject(box) for box in BOXES], object)


def park_of(shapes: Any, frame: Frame = FRAME) -> Context:
    prints = [Footprint(str(i), str(i), shape, 0.0) for i, shape in enumerate(shapes)]
    return Context(Park("Test", frame), Options(), footprints=lambda: prints)


def moved(shapes: Any, shift: Callable[[Any], Any]) -> Any:
    return shapely.transform(shapes, shift)


def drawn_again(shapes: Any) -> Any:
    """The same buildings by another hand: each a metre off."""
    return np.array([moved(shape, partial(np.add, RNG.normal(0, 1e-5, 2))) for shape in shapes], object)


@pytest.mark.parametrize(("datum", "shift"), [("gcj02", wgs84_to_gcj02), ("bd09", wgs84_to_bd09)])
def test_a_shifted_file_is_told_with_the_offset_that_was_measured(datum: str, shift: Callable[[Any], Any]) -> None:
    (issue,) = suspected_shift(moved(drawn_again(TRUE), shift), "f", park_of(TRUE))
    assert issue.code == "shift_suspected"
    assert issue.details["datum"] == datum
    east, north, _ = FRAME.to_enu(shift([[120.6, 31.3]]))[0]
    assert issue.details["east"] == pytest.approx(east, abs=3)
    assert issue.details["north"] == pytest.approx(north, abs=3)


def test_a_true_file_beside_shifted_buildings_is_told_as_that() -> None:
    (issue,) = suspected_shift(drawn_again(TRUE), "f", park_of(moved(TRUE, wgs84_to_gcj02)))
    assert issue.code == "shift_suspected_park"
    assert issue.details["datum"] == "gcj02"
    assert float(str(issue.details["east"])) < -300


def test_what_fits_or_cannot_be_compared_is_left_in_peace() -> None:
    assert suspected_shift(drawn_again(TRUE), "f", park_of(TRUE)) == []
    assert suspected_shift(moved(TRUE, partial(np.add, (0.003, -0.002))), "f", park_of(TRUE)) == []  # off, but not by a web map's shift
    assert suspected_shift(TRUE[:3], "f", park_of(TRUE)) == []
    assert suspected_shift(TRUE, "f", park_of([])) == []
    assert suspected_shift(shapely.centroid(TRUE), "f", park_of(TRUE)) == []
    geneva = Frame(6.12, 46.22)
    there = np.array([geneva.unproject(box) for box in BOXES], object)
    assert suspected_shift(moved(there, partial(np.add, (0.005, 0.001))), "f", park_of(there, geneva)) == []


def test_placing_measures_it_and_the_tag_settles_it() -> None:
    shapes = moved(TRUE, wgs84_to_gcj02)
    context = park_of(TRUE)
    given = Frameless(shapes, [str(i) for i in range(len(shapes))], "f", "EPSG:4326")
    assert "shift_suspected" in [issue.code for issue in place(given, context).issues]
    tagged = place(given, replace(context, options=Options(datum="gcj02")))
    assert not [issue for issue in tagged.issues if issue.code.startswith("shift_suspected")]
    assert np.abs(shapely.get_coordinates(tagged.geometry) - shapely.get_coordinates(TRUE)).max() < 1e-8
