"""What smart poles carry: lists, mounted devices, devices near them, poles that are only planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import resolve
from twin.measures.report import sentence
from twin.measures.smart_pole_function_count import MEASURE, functions_in
from twin.model import Device, Park
from twin.result import Result
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Make = Callable[[Sequence[Device]], Store]


def thing(kind: str, name: str, x: float = 0.0, *, status: str = "in_service", **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, 0.0]])[0]
    return Device(name, kind, name, float(lon), float(lat), status=status, attributes=attributes)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = count()

    def build(devices: Sequence[Device]) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            writer.put_devices(devices, source="t")
        return store

    return build


def measure(store: Store, **given: Any) -> Result:
    return MEASURE.compute(store, resolve(MEASURE, given, {}))


def three(result: Result) -> tuple[float | None, float | None, float | None]:
    return result.lower, result.value, result.upper


@pytest.mark.parametrize(
    ("said", "names"),
    [
        ("lighting;camera;wifi", {"lighting", "camera", "wifi"}),
        ("照明、视频监控，5G微站", {"lighting", "camera", "base_station"}),
        (["Emergency call", "EV charging"], {"emergency_alarm", "charging"}),
        ("air quality sensor", {"data_collection"}),
        ("bird house", {"bird_house"}),
        ("", set()),
        (None, set()),
    ],
)
def test_words_name_functions(said: object, names: set[str]) -> None:
    assert functions_in(said) == names


@pytest.mark.parametrize(("how", "value"), [("best", 3), ("union", 4), ("median", 2), ("minimum", 1)])
def test_the_readings(make: Make, how: str, value: float) -> None:
    poles = [thing("pole", "a", functions="lighting;camera;wifi"), thing("pole", "b", functions="lighting;camera")]
    result = measure(make([*poles, thing("pole", "c", functions="display")]), aggregate=how)
    assert three(result) == (value, value, value)
    assert result.extra["readings"] == {"best": 3, "union": 4, "median": 2, "minimum": 1}
    assert result.extra["distribution"] == {"1": 1, "2": 1, "3": 1}


def test_a_device_counts_when_it_is_mounted_and_works(make: Make) -> None:
    devices = [
        thing("pole", "p", functions="lighting;camera"),
        thing("camera", "cam", mounted_on="p", status="out_of_service"),
        thing("speaker", "spk", mounted_on="p"),
        thing("speaker", "elsewhere", mounted_on="wall"),
    ]
    result = measure(make(devices))
    assert result.zones[0]["functions"] == ["broadcast", "lighting"]
    assert three(result) == (2, 2, 2)
    assert {row["id"]: (row["covered"], row["lost"]) for row in result.devices} == {"cam": (0, 0), "spk": (1, 1)}


def test_what_is_only_listed_while_the_tables_tell_of_others_is_not_sure(make: Make) -> None:
    devices = [
        thing("pole", "p", functions="lighting;camera"),
        thing("pole", "q", x=50, functions="camera"),
        thing("camera", "cam", x=50, mounted_on="q"),
    ]
    result = measure(make(devices))
    assert three(result) == (1, 2, 2)
    assert [(warning["code"], warning["count"]) for warning in result.warnings] == [("function_only_listed", 1)]
    assert [row["what"] for row in result.sensitivity] == ["listed"]
    assert result.extra["matrix"]["poles"][0]["has"] == ["?", "yes"]


def test_a_device_near_a_pole_that_names_no_host_may_hang_on_it(make: Make) -> None:
    devices = [thing("pole", "p", functions="lighting"), thing("wifi_ap", "ap", x=0.3), thing("wifi_ap", "far", x=5.0)]
    result = measure(make(devices))
    assert three(result) == (1, 1, 2)
    assert [warning["code"] for warning in result.warnings] == ["function_without_host"]
    for warning in result.warnings:
        assert sentence(warning, "zh") != sentence(warning, "en")


def test_planned_and_plain_poles_are_left_out_and_said(make: Make) -> None:
    devices = [thing("pole", "p", functions="lighting"), thing("pole", "q", status="planned", functions="a;b;c;d"), thing("pole", "r", x=9)]
    result = measure(make(devices))
    assert three(result) == (1, 1, 1)
    assert result.exclusions == [{"reason": "not_in_service", "amount": 1}, {"reason": "plain_pole", "amount": 1}]


def test_only_planned_poles_are_not_applicable_and_no_pole_is_refused(make: Make) -> None:
    result = measure(make([thing("pole", "q", status="planned", functions="a")]))
    assert three(result) == (None, None, None)
    assert [warning["code"] for warning in result.warnings] == ["no_devices"]
    with pytest.raises(MissingInput):
        measure(make([thing("lamp", "l"), thing("pole", "plain")]))


def test_a_pole_that_nobody_says_is_built(make: Make) -> None:
    store = make([thing("pole", "p", functions="lighting"), thing("pole", "q", status="?", functions="wifi;camera;display")])
    assert three(measure(store)) == (1, 3, 3)
    assert three(measure(store, aggregate="minimum")) == (1, 1, 1)
    assert three(measure(store, aggregate="median")) == (1, 2, 2)
