from __future__ import annotations

import pytest

from importers import vocabulary
from twin.model import DEVICE_KINDS, FEATURE_COLUMNS, LAYER_KINDS


def test_every_word_leads_to_words_the_model_knows() -> None:
    assert set(vocabulary.section("feature_columns")) == set(FEATURE_COLUMNS)
    assert set(vocabulary.section("device_kinds")) == set(DEVICE_KINDS)
    assert set(vocabulary.section("layer_kinds")) <= set(LAYER_KINDS)
    assert set(vocabulary.section("kind_columns")) <= set(LAYER_KINDS)
    assert {kind for kinds in vocabulary.section("osm_columns").values() for kind in kinds.values()} <= set(LAYER_KINDS)
    assert set(vocabulary.section("device_needs")) <= set(DEVICE_KINDS)


@pytest.mark.parametrize("table", ["feature_columns", "device_columns", "device_kinds", "layer_kinds", "status", "position"])
def test_no_word_means_two_things(table: str) -> None:
    listed = [word for words in vocabulary.section(table).values() for word in {vocabulary.normal(word) for word in words}]
    assert sorted({word for word in listed if listed.count(word) > 1}) == []


@pytest.mark.parametrize(
    ("header", "meaning", "unit"),
    [
        ("安装高度（m）", "height_m", "m"),
        ("安装高度(cm)", "height_m", "cm"),
        ("Mount Height", "height_m", ""),
        ("方位角", "azimuth_deg", ""),
        ("经度", None, ""),
    ],
)
def test_headers_are_read_with_and_without_units(header: str, meaning: str | None, unit: str) -> None:
    assert vocabulary.meaning("device_columns", header) == meaning
    assert vocabulary.bracketed(header) == unit


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("buildings", "building"), ("Building_2020", "building"), ("BuildingParts", "building_part"), ("road_areas", "road_area"),
        ("parking_lots", "parking_area"), ("ParkingBays", "parking_bay"), ("停车位", "parking_bay"), ("地面停车场", "parking_area"),
        ("园区边界", "boundary"), ("重点部位", "key_position"), ("key positions", "key_position"), ("行道树", "tree"), ("雨水管线", "pipe"),
        ("assembly_points", "zone"), ("入驻企业", "enterprise"), ("dem_points", "terrain"), ("green spaces", "green"), ("水系", "water"),
    ],
)  # fmt: skip
def test_names_of_layers(name: str, kind: str) -> None:
    found = vocabulary.longest_match("layer_kinds", name)
    assert found is not None
    assert found[0] == kind


@pytest.mark.parametrize("name", ["receivers", "tessellation", "bus71_stops", "countries", "misc", "", "walled_in"])
def test_names_that_say_nothing(name: str) -> None:
    assert vocabulary.longest_match("layer_kinds", name) is None
