"""What the measures can be told: read as their defaults are, within what is possible, refused in one sentence otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from twin.errors import UnknownParameter
from twin.measures import measures, resolve, typed
from twin.measures.report import measure_json
from twin.result import Parameter

REFUSED = [
    ("camera_area_share", name, value)
    for name, values in {
        "k": ("0", "-1", "1.5", 1.5, "none", 65),
        "step_m": ("0", "-1", "nan", "inf"),
        "density_px_per_m": ("none", "-5", "nan", "inf", "many"),
        "max_depression_deg": ("-5", "91"),
        "edition": ("none", "2020"),
        "terrain": ("none", "round"),
        "statuses": ("none", ""),
        "surface": ("none",),
    }.items()
    for value in values
] + [
    ("fiveg_area_share", "load", "2"),
    ("fiveg_area_share", "sigma_db", "-1"),
    ("fiveg_area_share", "rsrp_dbm", "none"),
    ("fiveg_area_share", "release", "17"),
    ("camera_key_position_share", "area_share", "1.5"),
    ("camera_key_position_share", "derive", "maybe"),
    ("charging_space_share", "reach_m", "-1"),
]
TAKEN = [
    ("camera_area_share", "max_depression_deg", "none", None),
    ("camera_area_share", "edition", 2014, "2014"),
    ("camera_area_share", "k", 2.0, 2),
    ("camera_area_share", "statuses", "in_service, planned", ["in_service", "planned"]),
    ("camera_key_position_share", "derive", "no", False),
    ("camera_key_position_share", "surface", "none", None),
    ("charging_space_share", "bay_classes", "none", []),
    ("fiveg_area_share", "release", "18", 18),
    ("fiveg_area_share", "sinr_db", "none", None),
    ("wifi_area_share", "bands", [2.4, 5], ["2.4", "5"]),
    ("wifi_area_share", "usages", "", []),
]


def parameter(measure: str, name: str) -> Parameter:
    return next(parameter for parameter in measures()[measure].parameters if parameter.name == name)


@pytest.mark.parametrize(("measure", "name", "value"), REFUSED)
def test_what_cannot_be_is_refused(measure: str, name: str, value: Any) -> None:
    with pytest.raises(UnknownParameter) as refused:
        resolve(measures()[measure], {name: value}, {})
    assert refused.value.code == "parameter_value"


@pytest.mark.parametrize(("measure", "name", "value", "read"), TAKEN)
def test_what_can_be_is_read_like_the_default(measure: str, name: str, value: Any, read: Any) -> None:
    found = typed(parameter(measure, name), value)
    assert found == read
    assert type(found) is type(read)


def test_defaults_are_possible_and_the_limits_are_listed() -> None:
    for measure in measures().values():
        for one, told in zip(measure.parameters, measure_json(measure)["parameters"], strict=True):
            assert typed(one, one.default) == one.default
            assert told["between"] is None or len(told["between"]) == 2
