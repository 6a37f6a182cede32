from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers import osmtags
from twin.model import DEVICE_KINDS, LAYER_KINDS


def test_every_rule_leads_to_a_kind_the_model_knows() -> None:
    by_shape, devices = osmtags._rules()
    assert {rule.kind for rules in by_shape.values() for rule in rules} <= set(LAYER_KINDS)
    assert {rule.kind for rule in devices} <= set(DEVICE_KINDS)
    layers = {(rule.layer, rule.kind) for rules in by_shape.values() for rule in rules}
    assert len({layer for layer, _ in layers}) == len(layers)  # a layer has one kind


@pytest.mark.parametrize(
    ("tags", "shape", "layer"),
    [
        ({"building": "yes"}, "area", "buildings"),
        ({"building": "no"}, "area", None),
        ({"building:part": "yes"}, "area", "building_parts"),
        ({"building:part": "yes", "building": "yes"}, "area", "buildings"),
        ({"amenity": "parking"}, "point", "parking_area"),
        ({"amenity": "parking_space"}, "area", "parking_bay"),
        ({"highway": "service"}, "line", "roads"),
        ({"highway": "steps"}, "line", "paths"),
        ({"highway": "service"}, "area", None),
        ({"highway": "service", "area": "yes"}, "area", "road_area"),
        ({"waterway": "river"}, "line", "water"),
        ({"natural": "water"}, "area", "water"),
        ({"leisure": "park"}, "area", "green"),
        ({"barrier": "kerb"}, "line", None),
        ({"landuse": "industrial"}, "area", "boundary"),
        ({"name": "x"}, "area", None),
        ({"highway": "bus_stop"}, "point", None),
    ],
)
def test_tags_and_the_layer_they_lead_to(tags: dict[str, str], shape: str, layer: str | None) -> None:
    rule = osmtags.layer_rule(tags, shape)
    assert (rule.layer if rule else None) == layer


@given(st.integers(0, 359), st.integers(1, 359))
def test_a_range_of_directions_is_its_middle_and_its_width(start: int, width: int) -> None:
    said = osmtags.directions(f"{start}-{(start + width) % 360}")
    assert said["hfov_deg"] == width
    assert (said["azimuth_deg"] - start) % 360 == pytest.approx(width / 2)


def test_several_directions_are_presets() -> None:
    assert osmtags.directions("0;180") == {"azimuth_deg": 0.0, "ptz": "multi", "presets": "0;180"}
    assert osmtags.directions("SW") == {"azimuth_deg": 225.0}
    assert osmtags.directions("N-E") == {"azimuth_deg": 45.0, "hfov_deg": 90.0}
    with pytest.raises(ValueError):
        osmtags.directions("forward")


@given(st.text(max_size=20))
def test_any_direction_tag_is_read_or_refused(text: str) -> None:
    try:
        said = osmtags.directions(text)
    except ValueError:
        return
    assert said.get("azimuth_deg") is None or 0 <= said["azimuth_deg"] < 360
