"""What a person does on the page, done with a real mouse in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Visit

pytestmark = pytest.mark.e2e

CHINESE = re.compile(r"[一-鿿]")
GLOBAL_ID = re.compile(r"^[0-9A-Za-z_$]{22}$")
# how many different colours a small copy of the canvas has, and how many pixels are not of the commonest
COLOURS = """() => {
  const canvas = document.querySelector('#map canvas');
  const small = new OffscreenCanvas(200, 120);
  const context = small.getContext('2d');
  context.drawImage(canvas, 0, 0, 200, 120);
  const data = context.getImageData(0, 0, 200, 120).data;
  const counts = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const key = (data[i] >> 3) << 10 | (data[i + 1] >> 3) << 5 | data[i + 2] >> 3;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [counts.size, 200 * 120 - Math.max(...counts.values())];
}"""


@pytest.fixture(autouse=True)
def nothing_chosen(visit: Visit) -> None:
    """Each test begins with the whole park and nothing chosen."""
    page = visit.page
    for _ in range(3):  # what is chosen, then the storey, then the walk
        page.keyboard.press("Escape")
    page.click("[data-testid=role-manage]")
    if page.locator(".storeys-close").count():
        page.click(".storeys-close")
    page.click("[data-testid=home]")
    visit.settle()


def _inside_model(visit: Visit) -> dict[str, Any]:
    """The building with the most storeys that has a model."""
    buildings = [building for building in visit.api("/api/buildings") if building["models"]]
    return max(buildings, key=lambda building: building["height_m"])


def _fly_to(visit: Visit, place: dict[str, Any], zoom: float = 18.2) -> None:
    visit.fly(longitude=place["lon"], latitude=place["lat"], zoom=zoom, pitch=50, bearing=0)


def _element_pixels(visit: Visit, building: dict[str, Any]) -> list[tuple[float, float, dict[str, Any]]]:
    """Pixels of the middle of the map that show an element of a building's model, with what they show."""
    found = []
    for x in range(460, 800, 55):
        for y in range(180, 560, 55):
            picked = visit.pick(x, y)
            if picked and picked["layer"] in {f"model/{model}" for model in building["models"]} and picked["object"]:
                found.append((x, y, picked["object"]))
    return found


def test_the_park_is_drawn(visit: Visit) -> None:
    """The canvas is not blank: many colours, none of which fills it."""
    colours, others = visit.page.evaluate(COLOURS)
    visit.shot("park")
    assert colours > 40
    assert others > 4000
    assert visit.page.inner_text("[data-testid=park-name]")


def test_a_click_on_an_element_shows_its_global_id(visit: Visit) -> None:
    """The panel's GlobalId is that of the element under the mouse, and the server knows it by that name."""
    building = _inside_model(visit)
    _fly_to(visit, building)
    x, y, row = _element_pixels(visit, building)[0]
    visit.tap(x, y)
    visit.page.wait_for_selector("[data-testid=element-id]")
    shown = visit.page.inner_text("[data-testid=element-id]")
    visit.page.wait_for_selector("[data-testid=detail] .facts")
    visit.shot("element")
    assert shown == row["id"]
    assert GLOBAL_ID.match(shown)
    assert visit.api(f"/api/elements/{shown}")["class"] == row["class"]


def test_a_storey_is_isolated(visit: Visit) -> None:
    """On the chosen storey only its own elements can be picked; nothing above it is there."""
    building = _inside_model(visit)
    storeys = visit.api(f"/api/buildings/{building['id']}/storeys")
    storey = storeys[len(storeys) // 2]
    _fly_to(visit, building)
    x, y, _ = _element_pixels(visit, building)[0]
    visit.tap(x, y)
    visit.page.click(f"[data-storey-id='{storey['id']}']")
    visit.page.click("[data-testid=detail-close]")
    visit.settle()
    visit.shot("storey")
    picked = [row["storey"] for _, _, row in _element_pixels(visit, building)]
    assert set(picked) <= {storey["id"]}
    assert visit.state("state.storeyId") == storey["id"]
    rooms = [visit.pick(*visit.project(*_middle(space), space["floor_h_m"])) for space in storey["spaces"] if space["outline"]]
    assert any(room and room["layer"] == "interior/rooms" for room in rooms)


def _middle(space: dict[str, Any]) -> tuple[float, float]:
    outline = space["outline"]
    ring = outline["coordinates"][0] if outline["type"] == "Polygon" else outline["coordinates"][0][0]
    corners = ring[:-1]
    return sum(corner[0] for corner in corners) / len(corners), sum(corner[1] for corner in corners) / len(corners)


def test_a_measure_is_run_and_its_gaps_are_drawn(visit: Visit) -> None:
    """The number on the card is the server's, and a gap of the list lies on the map where it says."""
    page = visit.page
    page.click("[data-testid=role-plan]")
    page.click("[data-testid=measure-select]")
    title = next(measure["title_zh"] for measure in visit.api("/api/measures") if measure["id"] == "charging_space_share")
    page.get_by_title(title).click()
    page.click("[data-testid=measure-run]")
    page.wait_for_selector("[data-testid=answer]", timeout=300_000)
    result = visit.api("/api/measures/charging_space_share", {"parameters": {}})
    assert page.inner_text("[data-testid=answer-value]").split()[0] == f"{result['value'] * 100:.2f}"
    visit.until("window.parktwin.state.answer.gaps !== null")
    gap = next(gap for gap in result["gaps"] if gap["lonlat_h"][2] > 0)  # under the open sky, not in the garage
    page.click(f"[data-gap-id='{gap['id']}']")
    visit.settle()
    lon, lat, _ = gap["lonlat_h"]
    visit.fly(longitude=lon, latitude=lat, zoom=19, pitch=30, bearing=0)
    visit.shot("gaps")
    assert page.get_attribute(f"[data-gap-id='{gap['id']}']", "aria-current") == "true"
    assert _is_near(visit, gap["lonlat_h"], "answer/gaps", gap["id"])
    page.get_by_label("关闭结果").click()


def _is_near(visit: Visit, place: list[float], layer: str, identity: str) -> bool:
    """Whether an object is picked at its own place, or within some pixels of it."""
    x, y = visit.project(*place)
    around = [(x + dx, y + dy) for dx in (0, -14, 14, -30, 30) for dy in (0, -14, 14, -30, 30)]
    picked = [visit.pick(*pixel) for pixel in around]
    return any(p and p["layer"].startswith(layer) and identity in str(p["object"]) for p in picked)


def test_an_event_is_seen_on_the_map(visit: Visit) -> None:
    """An event that another system reports comes in by the live stream, is counted, listed and marked at its height."""
    lon, lat = visit.state("[state.park.origin[0], state.park.origin[1]]")
    sent = visit.api(
        "/api/events", {"kind": "intrusion", "severity": "alarm", "lon": lon, "lat": lat, "message_zh": "测试入侵", "message_en": "test"}
    )
    visit.page.wait_for_selector("[data-testid=unseen]")
    visit.page.click("[data-testid=tab-events]")
    item = visit.page.locator(f"[data-testid=event-item][data-event-id='{sent['id']}']")
    assert "测试入侵" in item.inner_text()
    item.click()
    visit.settle()
    visit.shot("event")
    picked = visit.pick(*visit.project(sent["lon"], sent["lat"], sent["h_m"]))
    assert picked
    assert picked["layer"].startswith("events/")
    assert visit.page.locator("[data-testid=unseen]").count() == 0
    visit.page.click("[data-testid=tab-layers]")


def test_a_device_shows_what_it_looks_at(visit: Visit) -> None:
    """A camera is clicked on the map; its field of view is drawn."""
    cameras = visit.api("/api/devices?kind=camera")["devices"]
    camera = next(c for c in cameras if not c["storey_id"] and c["attributes"].get("azimuth_deg") is not None)
    _fly_to(visit, camera, 19.5)
    visit.tap(*visit.project(camera["lon"], camera["lat"], camera["h_m"]))
    visit.page.wait_for_selector("[data-testid=device-id]")
    visit.until("window.parktwin.state.fieldOfView !== null")
    visit.settle()
    visit.shot("camera")
    assert visit.page.inner_text("[data-testid=device-id]") in {c["id"] for c in cameras}


@pytest.mark.parametrize("mode", ["plan", "walk", "underground"])
def test_every_camera_draws_the_park(visit: Visit, mode: str) -> None:
    """The plan, the walker's view and the view from below show the park, not an empty sky."""
    _fly_to(visit, _inside_model(visit), 17.5)
    visit.page.click(f"[data-testid=camera-{mode}]")
    visit.settle()
    colours, others = visit.page.evaluate(COLOURS)
    visit.shot(mode)
    visit.page.click("[data-testid=camera-overview]")
    visit.settle()
    assert colours > 25
    assert others > 3000


def test_the_search_finds_and_flies(visit: Visit) -> None:
    """The slash goes to the search; the first hit for a building's name opens that building."""
    building = _inside_model(visit)
    visit.page.keyboard.press("/")
    visit.page.keyboard.type(building["name_zh"] or building["name"])
    visit.page.wait_for_selector(".hit")
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_selector("[data-testid=building-id]")
    assert visit.page.inner_text("[data-testid=building-id]") == building["id"]


def test_the_other_language_leaves_no_word_behind(visit: Visit) -> None:
    """Switched to English, no Chinese sign is left in the page's own words; switched back, Chinese is."""
    page = visit.page
    page.click("[data-testid=language]")
    own = page.locator(".topbar .segments, .left .tabs, .group h2, .camera-bar, .status .updated")
    english = " ".join(own.all_inner_texts())
    visit.shot("english")
    assert not CHINESE.search(english)
    assert "Manage" in english
    assert page.evaluate("document.documentElement.lang") == "en"
    page.click("[data-testid=language]")
    assert "管理" in " ".join(own.all_inner_texts())


def test_the_dark_theme(visit: Visit) -> None:
    """The whole page follows the theme, the map too."""
    page = visit.page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.click("[data-testid=theme]")
    visit.settle()
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    visit.shot("dark")
    page.click("[data-testid=theme]")
    visit.settle()
    assert light != dark


def test_nothing_is_asked_of_others_and_nothing_is_wrong(visit: Visit) -> None:
    """After all of that: no request left the server, and the console is clean."""
    assert visit.foreign == []
    assert visit.complaints == []


def test_on_a_phone_the_answer_is_a_sheet(new_visit: Callable[..., Visit]) -> None:
    """At the width of a phone the panel lies at the bottom, as wide as the window."""
    visit = new_visit(viewport={"width": 390, "height": 780}, has_touch=True)
    visit.settle()
    visit.page.click("[data-testid=role-plan]")
    box = visit.page.locator("[data-testid=right-panel]").bounding_box()
    visit.shot("phone")
    visit.page.context.close()
    assert box is not None
    assert box["x"] == 0
    assert box["width"] == 390
    assert box["y"] + box["height"] == pytest.approx(780, abs=1)


def test_a_park_high_above_its_datum_is_drawn(high_visit: Visit) -> None:
    """A building stands where its heights say, 450 m above the datum, and nothing complains."""
    high_visit.settle()
    picked = high_visit.pick(*high_visit.project(104.06, 30.54, 462.0))
    assert picked is not None
    assert picked["layer"].startswith("buildings")
    assert picked["object"]["id"] == "block"
    assert high_visit.complaints == []
    assert high_visit.foreign == []
    high_visit.page.context.close()
