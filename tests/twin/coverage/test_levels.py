"""Levels of both editions, and things to be made out, against what the standards and their distances say."""

from __future__ import annotations

import math

import pytest

from twin.coverage import inview
from twin.coverage.camera import Criteria, View, pack
from twin.coverage.levels import LADDERS, LEVELS, TARGETS, density_of, level_of


def lens(pixels_w: float, width_mm: float = 5.4, focal_mm: float = 4.0) -> View:
    """A 1/2.8 inch sensor behind 4 mm, very flat, so that the reach is the depth on the axis."""
    return View("c", (0, 0, 0), hfov_rad=2 * math.atan(width_mm / (2 * focal_mm)), vfov_rad=1e-9, pixels_w=pixels_w)


def test_levels_follow_the_edition() -> None:
    assert [level_of(value, "2025") for value in (19, 20, 125, 499, 5000)] == [None, "overview", "perceive", "characterise", "scrutinise"]
    assert [level_of(value, "2014") for value in (12, 25, 62.5, 125, 250)] == [None, "detect", "observe", "recognise", "identify"]


@pytest.mark.parametrize(
    ("level", "millimetres_a_pixel"), [("observe", 16), ("recognise", 8), ("identify", 4), ("inspect", 1)]
)  # EN 62676-4:2015 states its levels in mm a pixel
def test_the_edition_of_2014_in_millimetres_a_pixel(level: str, millimetres_a_pixel: float) -> None:
    assert density_of(level, "2014") == pytest.approx(1000 / millimetres_a_pixel)


def test_levels_rise_and_every_name_is_known_to_one_place_alone() -> None:
    for ladder in LADDERS.values():
        assert list(ladder.values()) == sorted(ladder.values())
    assert len(LEVELS) == sum(map(len, LADDERS.values())) + len(TARGETS)


@pytest.mark.parametrize("level", LEVELS)
def test_a_level_is_found_whichever_edition_is_asked(level: str) -> None:
    assert density_of(level, "2014") == density_of(level, "2025") > 0


@pytest.mark.parametrize(("pixels_w", "distance", "pixels"), [(1920, 8.0, 41), (3840, 17.0, 38)])
def test_gat_1127_sees_a_face_at_its_distances(pixels_w: float, distance: float, pixels: float) -> None:
    """GA/T 1127-2013 annex D: 1080p with 4 mm sees a face at 8 m, 4K at 17 m: about 40 px over 0.23 m."""
    density = pixels_w / (2 * distance * math.tan(math.atan(5.4 / 8)))
    assert density * TARGETS["face"].size_m == pytest.approx(pixels, abs=0.6)
    depth = pack(lens(pixels_w), Criteria(density_of("face", "2025")))[inview.AT_DEPTH]
    assert depth == pytest.approx(distance, rel=0.05)


def test_a_plate_and_eyes_ask_for_what_they_are_known_for() -> None:
    assert density_of("plate", "2025") == pytest.approx(227.3, abs=0.1)
    assert density_of("plate", "2025", 150) == pytest.approx(340.9, abs=0.1)
    assert density_of("eyes", "2014") == pytest.approx(476, abs=0.5)
    assert density_of("eyes", "2014", 60) == pytest.approx(952, abs=0.5)


def test_what_is_made_out_has_a_source() -> None:
    assert all(target.source and target.size_m > 0 and target.pixels > 0 for target in TARGETS.values())
