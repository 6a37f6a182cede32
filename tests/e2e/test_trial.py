"""Trying a change to a device on the page: with the keyboard and on the map, undone, and kept as a scenario."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Visit

pytestmark = pytest.mark.e2e

SETTLED = "window.parktwin.state.trial?.preview && !window.parktwin.state.trial.isBusy"


@pytest.fixture
def tried(visit: Visit) -> dict[str, Any]:
    """A charger under the open sky that is being tried; nothing is changed yet."""
    page = visit.page
    if page.locator("[data-testid=trial-end]").count():
        page.click("[data-testid=trial-end]")
    charger = next(each for each in visit.api("/api/devices?kind=charger")["devices"] if not each["storey_id"])
    visit.fly(longitude=charger["lon"], latitude=charger["lat"], zoom=20, pitch=45)
    visit.tap(*visit.project(charger["lon"], charger["lat"], charger["h_m"]))
    page.click("[data-testid=try-change]")
    visit.until(SETTLED)
    return next(each for each in visit.state("state.devices") if each["id"] == visit.state("state.trial.deviceId"))


def test_a_device_is_moved_by_keys_undone_and_kept(visit: Visit, tried: dict[str, Any]) -> None:
    """Keys move it; the page shows the server's own answer; undone, nothing is left; kept, the park has a scenario that does the same."""
    page = visit.page
    before = visit.state("state.trial.preview.value")
    page.focus("[data-testid=trial-move] button")
    for _ in range(6):
        page.keyboard.press("Shift+ArrowRight")  # 30 m east: no bay is in reach there as before
    visit.until(SETTLED)
    lon = visit.state(f"state.trial.poses['{tried['id']}'].lon")
    change = {"op": "move", "id": tried["id"], "lon": lon, "lat": tried["lat"]}
    own = visit.api("/api/scenarios/preview", {"measure": "charging_space_share", "parameters": {}, "changes": [change]})
    assert visit.state("state.trial.preview.value") == own["value"]
    assert page.inner_text("[data-testid=trial-value]").split()[0] == f"{own['value'] * 100:.2f}"
    visit.shot("trial")
    page.click("[data-testid=trial-undo]")
    visit.until(SETTLED)
    assert visit.state("Object.keys(state.trial.poses).length") == 0
    assert visit.state("state.trial.preview.value") == before
    page.click("[aria-label='向东']")
    visit.until(SETTLED)
    page.click("[data-testid=trial-keep]")
    page.fill("[data-testid=trial-name]", "试算 e2e")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-testid=trial-kept]")
    kept = visit.api(f"/api/scenarios/{quote('试算 e2e')}")
    with urlopen(Request(f"{visit.address}/api/scenarios/{quote('试算 e2e')}", method="DELETE"), timeout=60):
        page.click("[data-testid=trial-end]")
    assert [one["id"] for one in kept["changes"]] == [tried["id"]]
    assert kept["changes"][0]["lon"] > tried["lon"]


def test_a_device_is_dragged_on_the_map(visit: Visit, tried: dict[str, Any]) -> None:
    """Its ring follows the mouse, and the map stays where it is."""
    page = visit.page
    camera = page.evaluate("window.parktwin.camera()")
    x, y = visit.project(tried["lon"], tried["lat"], tried["h_m"] - tried["height_m"])
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 40, y, steps=2)
    page.mouse.move(x - 80, y, steps=2)
    page.mouse.up()
    visit.until(SETTLED)
    pose = visit.state(f"state.trial.poses['{tried['id']}']")
    there = visit.project(pose["lon"], pose["lat"], tried["h_m"] - tried["height_m"])
    assert there == pytest.approx((x - 80, y), abs=3)
    assert page.evaluate("window.parktwin.camera()") == camera
    assert visit.complaints == []
    page.click("[data-testid=trial-discard]")
    assert visit.state("state.trial") is None
