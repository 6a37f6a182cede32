"""Scenarios over a park, and written into it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.twin.scenario.conftest import lonlat
from twin.errors import Conflict, NotFound
from twin.evidence.bundle import bundle
from twin.evidence.verify import EXACT, verify
from twin.measures import compute
from twin.model import Scenario
from twin.scenario.apply import apply, counted
from twin.scenario.changes import read_changes
from twin.scenario.overlay import of_scenario, with_changes
from twin.store import Store
from twin.store.transfer import copy_to

LON, LAT = lonlat(-5, -20)
CHANGES = read_changes([
    {"op": "move", "id": "north", "lon": LON, "lat": LAT, "height_m": 6}, {"op": "remove", "id": "blind"}, {"op": "remove", "id": "ap"},
    {"op": "add", "id": "new", "device": {"kind": "camera", "lon": LON, "lat": LAT, "azimuth_deg": 90}},
])  # fmt: skip


def put(store: Store, name: str = "夜间") -> None:
    with store.transaction() as writer:
        writer.put_scenario(Scenario(name, CHANGES))


def test_a_scenario_is_a_park_with_other_devices(park: Store) -> None:
    put(park)
    changed = of_scenario(park, "夜间")
    assert [device.id for device in changed.devices()] == ["north", "east", "turning", "new"]
    assert [device.id for device in changed.devices("wifi_ap")] == []
    assert changed.devices("camera")[-1].source == "scenario/夜间"
    assert [device.id for device in changed.content("cams.csv").devices] == ["north", "east", "turning"]
    assert changed.origins()[-1] == "scenario/夜间"
    assert changed.content("map.geojson").layers
    assert (changed.revision(), changed.scorecard("p"), changed.scorecards()) == (park.revision(), None, [])
    assert of_scenario(park, None) is park
    assert with_changes(park, []) is park
    assert len(park.devices()) == 5
    with pytest.raises(NotFound, match="no scenario nowhere"):
        of_scenario(park, "nowhere")


def test_a_measure_of_a_scenario_is_a_run_of_its_own(park: Store) -> None:
    put(park)
    plain, changed = (compute(park, "camera_area_share", {"density_px_per_m": 60}, scenario=name) for name in (None, "夜间"))
    assert (plain.scenario, changed.scenario) == (None, "夜间")
    assert plain.run != changed.run
    assert plain.value != changed.value
    assert compute(with_changes(park, CHANGES), "camera_area_share", {"density_px_per_m": 60}).value == changed.value
    with pytest.raises(NotFound):
        compute(park, "camera_area_share", scenario="nowhere")


def test_applying_changes_the_park_and_keeps_what_was(park: Store) -> None:
    put(park)
    expected = compute(park, "camera_area_share", {"density_px_per_m": 60}, scenario="夜间")
    before = {device.id: device for device in park.devices()}
    revision = park.revision()
    made = apply(park, "夜间")
    assert counted(made) == {"changed": 1, "added": 1, "removed": 2}
    after = {device.id: device for device in park.devices()}
    assert set(after) == {"north", "east", "turning", "new"}
    assert (after["north"].lon, after["north"].height_m, after["north"].source) == (LON, 6.0, "cams.csv")
    assert after["east"] == before["east"]
    assert park.scenarios() == []
    assert park.revision() != revision
    result = compute(park, "camera_area_share", {"density_px_per_m": 60})
    assert (result.value, result.lower, result.upper) == (expected.value, expected.lower, expected.upper)
    assert [(version.number, version.importer, version.is_current) for version in park.versions("cams.csv")] == [
        (1, "devices", False), (2, "scenario", True),
    ]  # fmt: skip
    assert list(park.version("cams.csv", 1).devices) == [before[name] for name in ("north", "east", "blind", "turning")]
    assert park.content("aps.csv").devices == []
    assert [version.importer for version in park.versions("scenario/夜间")] == ["scenario"]
    assert {layer.id for layer in park.layers()} == {"boundary", "building"}


def test_a_scenario_that_no_longer_fits_changes_nothing(park: Store) -> None:
    put(park)
    with park.transaction() as writer:
        writer.put_devices([], source="aps.csv")
    devices = list(park.devices())
    with pytest.raises(NotFound, match="no device ap"):
        apply(park, "夜间")
    with pytest.raises(NotFound):
        compute(park, "camera_area_share", scenario="夜间")
    assert list(park.devices()) == devices
    assert [each.name for each in park.scenarios()] == ["夜间"]
    with pytest.raises(NotFound):
        apply(park, "nowhere")


def test_two_scenarios_may_add_and_the_second_is_told(park: Store) -> None:
    put(park, "a")
    with park.transaction() as writer:
        writer.put_scenario(Scenario("b", CHANGES[-1:]))
    apply(park, "a")
    with pytest.raises(Conflict, match="device new already"):
        apply(park, "b")


def test_a_copy_of_a_park_measures_its_scenarios_the_same(park: Store, tmp_path_factory: pytest.TempPathFactory) -> None:
    put(park)
    copied = copy_to(park, str(tmp_path_factory.mktemp("copy") / "park"))
    values = [compute(store, "camera_area_share", {"density_px_per_m": 60}, scenario="夜间") for store in (park, copied)]
    assert values[0].value == values[1].value
    assert values[0].run == values[1].run


def test_the_evidence_of_a_scenario_is_computed_again(park: Store, tmp_path: Path) -> None:
    put(park)
    bundle(park, [compute(park, "camera_area_share", {"density_px_per_m": 60}, scenario="夜间")], tmp_path / "evidence")
    assert {checked.state for checked in verify(tmp_path / "evidence").checked} == {EXACT}
