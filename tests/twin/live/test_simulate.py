"""Made-up events are plausible: at real places, at the rate asked for, the same for the same seed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import MissingInput, UsageError
from twin.live.kinds import event_kinds
from twin.live.simulate import run, simulated
from twin.model import DEVICE_KINDS, LAYER_KINDS, Device, FeatureTable, Layer, Park, Terrain
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.54)
START = datetime(2026, 5, 1, tzinfo=UTC)
FENCE = FRAME.unproject(shapely.LineString([(0, 0), (100, 0), (100, 100)]))
CAR_PARK = FRAME.unproject(shapely.box(20, 20, 40, 40))


@pytest.fixture
def park(tmp_path: Path) -> Callable[..., Store]:
    """A park with the devices given, and with a fence and a car park on ground 5 m high where wanted."""

    def make(devices: list[Device], *, features: bool = False) -> Store:
        store = create_store(tmp_path / "park", Park("Test", FRAME))
        with store.transaction() as writer:
            writer.put_devices(devices, source="test")
            if features:
                writer.put_terrain(Terrain(-200.0, -200.0, 100.0, np.full((5, 5), 5.0, np.float32)), source="dem")
                for kind, shape in (("barrier", FENCE), ("parking_area", CAR_PARK)):
                    geometry = np.array([shape], object)
                    writer.put_layer(Layer(kind, kind, kind))
                    names = {"name": [f"The {kind}"], "name_zh": [f"某{kind}"]}
                    writer.put_features(kind, FeatureTable([f"{kind}-1"], geometry, names), source=kind)
        return store

    return make


def charger(name: str = "CH-1", **given: object) -> Device:
    return Device(name, "charger", f"Charger {name}", 104.0605, 30.5405, **given)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_events(park: Callable[..., Store]) -> None:
    store = park([charger("a"), charger("b"), Device("s", "sensor", "Air", 104.06, 30.54)], features=True)
    first, again = (list(islice(simulated(store, 7, start=START), 50)) for _ in range(2))
    other = list(islice(simulated(store, 8, start=START), 50))
    assert first == again
    assert [e.kind for e in first] != [e.kind for e in other]
    assert len({event.id for event in first}) == 50
    assert [event.at for event in first] == sorted(event.at for event in first)


def test_device_events_stand_at_their_device(park: Callable[..., Store]) -> None:
    store = park([charger(z_m=12.5, building_id="b", storey_id="s")])
    for event in islice(simulated(store, 1, start=START), 20):
        assert event.kind == "charger_fault"
        assert (event.device_id, event.building_id, event.storey_id) == ("CH-1", "b", "s")
        assert (event.lon, event.lat, event.h_m) == (104.0605, 30.5405, 12.5)
        assert event.attributes["simulated"] is True


def test_feature_events_lie_on_their_feature_and_on_the_ground(park: Callable[..., Store]) -> None:
    store = park([], features=True)
    events = list(islice(simulated(store, 3, start=START), 60))
    assert {event.kind for event in events} == {"intrusion", "parking_full"}
    for event in events:
        point = shapely.Point(*FRAME.to_enu([[event.lon, event.lat]])[0, :2])
        place = FRAME.project(FENCE if event.kind == "intrusion" else CAR_PARK)
        assert place.distance(point) < 0.001
        assert event.h_m == pytest.approx(5.0)
        assert event.device_id is None
    assert any("某barrier发生周界入侵" in event.message_zh for event in events)
    assert any("The parking_area" in event.message_en for event in events)


def test_readings_break_their_limit(park: Callable[..., Store]) -> None:
    store = park([Device("s", "sensor", "Air", 104.06, 30.54), Device("h", "hydrant", "Hydrant 1", 104.06, 30.54)])
    for event in islice(simulated(store, 5, start=START), 80):
        if event.kind == "environment_threshold":
            assert event.attributes["value"] > event.attributes["limit"]
        elif event.kind == "low_water_pressure":
            assert event.attributes["value"] < event.attributes["limit"]
        if "value" in event.attributes:
            assert f"{event.attributes['value']}" in event.message_en
            assert f"{event.attributes['limit']}" in event.message_zh
        assert "{" not in event.message_en + event.message_zh


def test_devices_out_of_service_and_of_other_functions_take_no_part(park: Callable[..., Store]) -> None:
    smoke = Device("smoke", "detector", "Smoke", 104.06, 30.54, attributes={"functions": "smoke"})
    store = park([charger(status="planned"), smoke])
    assert {event.kind for event in islice(simulated(store, 2, start=START), 40)} == {"fire_alarm"}


def test_a_park_where_nothing_can_happen_is_told(park: Callable[..., Store]) -> None:
    store = park([])
    with pytest.raises(MissingInput, match="Test"):
        run(store, 1.0, 1)


@pytest.mark.parametrize("rate", [0.0, -1.0, float("nan")])
def test_a_rate_must_be_positive(park: Callable[..., Store], rate: float) -> None:
    with pytest.raises(UsageError):
        run(park([charger()]), rate, 1)


def test_run_writes_as_many_as_asked_and_leaves_the_revision(park: Callable[..., Store]) -> None:
    store = park([charger()])
    before = store.revision()
    assert run(store, 10_000.0, 25, seed=1) == 25
    assert len(store.events()) == 25
    assert store.revision() == before
    assert run(store, 10_000.0, 5, seed=1) == 5
    assert len(store.events()) == 30  # a second run with the same seed adds, and replaces nothing


def test_rate_is_kept(park: Callable[..., Store]) -> None:
    store = park([charger()])
    began = time.monotonic()
    run(store, 200.0, 60, seed=4)
    taken = time.monotonic() - began
    expected = float(np.random.default_rng(4).exponential(1 / 200.0, 59).sum())
    assert taken >= expected * 0.99  # never faster than the process says


def test_run_stops_when_told(park: Callable[..., Store]) -> None:
    store, stop = park([charger()]), threading.Event()
    written: list[int] = []
    thread = threading.Thread(target=lambda: written.append(run(store, 0.001, None, seed=1, stop=stop)))
    thread.start()
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert written in ([0], [1])


def test_the_table_of_kinds_is_whole() -> None:
    for kind in event_kinds().values():
        assert kind.severity in {"info", "warning", "alarm"}
        assert kind.weight > 0
        assert set(kind.devices) <= set(DEVICE_KINDS)
        assert set(kind.layers) <= set(LAYER_KINDS)
        assert kind.devices or kind.layers
        assert "{place}" in kind.en
        assert "{place}" in kind.zh
        assert kind.en.isascii()
        assert all(reading["limit"] > 0 for reading in kind.readings)
