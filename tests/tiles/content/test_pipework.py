"""What tables say of buried lines, in the ways they say it."""

from __future__ import annotations

import pytest

from tiles.content.pipework import COVER_M, assumed, color, depth, medium, section


@pytest.mark.parametrize(
    ("row", "metres"),
    [
        ({"diameter_mm": 300}, 0.3),
        ({"diameter_mm": "300.0"}, 0.3),
        ({"diameter_m": 1.2}, 1.2),
        ({"管径": "DN200"}, 0.2),
        ({"管径": 500}, 0.5),
        ({"dn": 8}, 0.008),
        ({"管径": "φ110"}, 0.11),
        ({"管径": "0.4"}, 0.4),
        ({"pipe_size": "20 cm"}, 0.2),
        ({"管径": "1.5m"}, 1.5),
        ({"管径": "800毫米"}, 0.8),
        ({"diameter": "d1000"}, 1.0),
    ],
)
def test_diameters_are_understood(row, metres):
    found = section(row, "pipe")
    assert (found.width_m, found.height_m) == pytest.approx((metres, metres))
    assert found.is_round
    assert not found.is_assumed


@pytest.mark.parametrize("row", [{"管径": "1000×600"}, {"断面尺寸": "1000X600"}, {"规格": "1.0*0.6m"}])
def test_two_sizes_make_a_box(row):
    found = section(row, "duct")
    assert (found.width_m, found.height_m, found.is_round) == (1.0, 0.6, False)


@pytest.mark.parametrize(
    "row", [{}, {"diameter_mm": None}, {"管径": "不详"}, {"diameter_mm": 0}, {"diameter_m": 1e6}, {"diameter_mm": True}]
)
def test_what_no_table_says_is_assumed_and_told(row):
    found = section(row, "pipe")
    assert found.is_assumed
    assert found.width_m == 0.2


@pytest.mark.parametrize(
    ("row", "kind", "name"),
    [
        ({"name_zh": "给水管"}, "pipe", "water"),
        ({"class": "WS", "name": "Water main"}, "pipe", "water"),
        ({"name": "Waste water"}, "pipe", "sewage"),
        ({"介质": "雨水"}, "pipe", "storm"),
        ({"管线类型": "污水"}, "pipe", "sewage"),
        ({"name": "Fire main"}, "pipe", "water"),
        ({"usage": "天然气"}, "pipe", "gas"),
        ({"name": "District heating"}, "pipe", "heat"),
        ({"purpose": "communication"}, "duct", "telecom"),
        ({"name": "Power duct bank"}, "pipe", "power"),
        ({}, "fibre", "telecom"),
        ({"name": "7"}, "pipe", "other"),
    ],
)
def test_media_are_known_by_their_words(row, kind, name):
    assert medium(row, kind, "pipes") == name
    assert len(color(name)) == 3


def test_a_layer_speaks_for_features_that_say_nothing():
    assert medium({"name": "P-1"}, "pipe", "燃气管线") == "gas"
    assert medium({"name": "污水"}, "pipe", "给水") == "sewage"


def test_inverts_come_before_depths_and_depths_before_what_is_usual():
    both = depth({"invert_start_m": 3.0, "invert_end_m": 1.0, "depth_m": 2.0}, "sewage")
    assert (both.reference, both.start_m, both.end_m) == ("invert", 3.0, 1.0)
    assert depth({"invert_end_m": 1.0}, "sewage").start_m == 1.0
    assert depth({"depth_m": 2.0}, "sewage").reference == "bottom"
    assert depth({"depth_m": 2.0}, "water").reference == "top"
    assert depth({"覆土": "1.4"}, "sewage").reference == "top"
    ends = depth({"起点埋深": 1.0, "终点埋深": 3.0}, "water")
    assert (ends.start_m, ends.end_m, ends.is_assumed) == (1.0, 3.0, False)
    for row in ({}, {"depth_m": "?"}, {"depth_m": float("nan")}, {"depth_m": -1}, {"depth_m": 5000}):
        assert depth(row, "gas").is_assumed
        assert depth(row, "gas").start_m == COVER_M


def test_what_is_assumed_is_told_with_its_value():
    assert assumed({}, "fibre", "") == {"assumed_diameter_m": 0.05, "assumed_cover_m": COVER_M}
    assert assumed({"diameter_mm": 100}, "pipe", "") == {"assumed_cover_m": COVER_M}
    assert assumed({"diameter_mm": 100, "depth_m": 1}, "pipe", "") == {}
