"""Tiles on the page: refined without holes, lost and found again, cut open, picked, and given up.

The buildings of a small park are answered with a tileset made here: a block with four towers below it, each of which takes a quarter
of its place.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from tests.e2e.conftest import open_page
from tiles.glb import TileMesh, encode_glb
from twin.crs import Frame

if TYPE_CHECKING:
    from tests.e2e.conftest import Visit

pytestmark = pytest.mark.e2e

ORIGIN = (104.06, 30.54, 450.0)  # that of the park of `high_address`
HEIGHT_M = 12.0
DEGREES = (1 / 95950.0, 1 / 110860.0)  # of longitude and latitude, a metre at ORIGIN
TOWERS = {"tower-0": (-10.0, -10.0), "tower-1": (10.0, -10.0), "tower-2": (-10.0, 10.0), "tower-3": (10.0, 10.0)}
NEAR = {"longitude": ORIGIN[0], "latitude": ORIGIN[1], "zoom": 19.6, "pitch": 20, "bearing": 0}
FAR = {**NEAR, "zoom": 15.6}
CUT_FILL = (104, 116, 130)  # palette.ts, light
PIXEL = """([x, y]) => {
  const canvas = document.querySelector('#map canvas');
  const one = new OffscreenCanvas(1, 1);
  const context = one.getContext('2d');
  const scale = canvas.width / canvas.clientWidth;
  context.drawImage(canvas, x * scale, y * scale, 1, 1, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data];
}"""


def _box(east: float, north: float, half: float, name: str) -> bytes:
    """A tile of one closed box that stands on the ground."""
    u, v, w = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (0, 1)], float).T
    corners = np.column_stack([east + u * half, north + v * half, w * HEIGHT_M - HEIGHT_M / 2])
    faces = [
        (0, 1, 3),
        (0, 3, 2),
        (4, 6, 7),
        (4, 7, 5),
        (0, 4, 5),
        (0, 5, 1),
        (2, 3, 7),
        (2, 7, 6),
        (0, 2, 6),
        (0, 6, 4),
        (1, 5, 7),
        (1, 7, 3),
    ]
    triangles = corners[np.array(faces)]
    colors = np.full((12, 4), (200, 190, 170, 255), np.uint8)
    columns = {"id": [name], "class": ["Building"], "name": [name], "building": ["block"]}
    return encode_glb(TileMesh(triangles, np.zeros(12, np.int64), colors), columns)


def _tileset() -> dict[str, Any]:
    placed = Frame(*ORIGIN).ecef_matrix() @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, HEIGHT_M / 2], [0, 0, 0, 1]], float)

    def volume(east: float, north: float, half: float) -> dict[str, list[float]]:
        return {"box": [east, north, 0, half, 0, 0, 0, half, 0, 0, 0, HEIGHT_M / 2]}

    children = [
        {"boundingVolume": volume(*place, 9), "geometricError": 0, "content": {"uri": f"{name}.glb"}} for name, place in TOWERS.items()
    ]
    root = {
        "boundingVolume": volume(0, 0, 20),
        "geometricError": 3,
        "refine": "REPLACE",
        "transform": placed.T.ravel().tolist(),
        "content": {"uri": "coarse.glb"},
        "children": children,
    }
    return {"asset": {"version": "1.1"}, "geometricError": 40, "root": root}


@dataclass
class Tiles:
    """A server of the tileset that can keep a tile back, lose it or spoil it."""

    held: dict[str, list[Any]] = field(default_factory=dict[str, list[Any]])
    lost: dict[str, int | bytes] = field(default_factory=dict[str, "int | bytes"])
    asked: list[str] = field(default_factory=list[str])

    def route(self, page: Any) -> None:
        page.route("**/3dtiles/buildings/*", self.answer)
        page.route("**/api/park", self.from_afar)

    def from_afar(self, route: Any) -> None:
        """The park is first seen from where no tower is asked for, however slowly the page opens."""
        response = route.fetch()
        route.fulfill(response=response, json=response.json() | {"home": FAR})

    def answer(self, route: Any) -> None:
        name = route.request.url.rsplit("/", 1)[1].split("?")[0].removesuffix(".glb")
        if name == "tileset.json":
            route.fulfill(json=_tileset())
            return
        self.asked.append(name)
        if name in self.held:
            self.held[name].append(route)
        else:
            self.give(route, name)

    def give(self, route: Any, name: str) -> None:
        wrong = self.lost.get(name)
        if isinstance(wrong, int):
            route.fulfill(status=wrong, body="gone")
            return
        content = wrong if wrong is not None else _box(0, 0, 20, "coarse") if name == "coarse" else _box(*TOWERS[name], 9, name)
        route.fulfill(body=content, content_type="model/gltf-binary")

    def release(self, name: str) -> None:
        for route in self.held.pop(name):
            self.give(route, name)


@pytest.fixture
def tiles() -> Tiles:
    """The tileset, with nothing wrong with it."""
    return Tiles()


@pytest.fixture
def towers(browser: Any, high_address: str, tiles: Tiles) -> Iterator[Callable[..., Visit]]:
    """Opens the page of the towers."""
    visits: list[Visit] = []

    def enter(path: str = "/", **context: Any) -> Visit:
        visits.append(open_page(browser, high_address, path, tiles.route, **context))
        visits[-1].until("Boolean(window.parktwin?.state.park)")
        return visits[-1]

    yield enter
    for visit in visits:
        visit.page.context.close()


def _pixel(visit: Visit, east: float, north: float, up: float) -> tuple[float, float]:
    return visit.project(ORIGIN[0] + east * DEGREES[0], ORIGIN[1] + north * DEGREES[1], ORIGIN[2] + up)


def _seen(visit: Visit, east: float, north: float, up: float = HEIGHT_M) -> str | None:
    picked = visit.pick(*_pixel(visit, east, north, up))
    return picked["object"]["id"] if picked and picked["layer"].startswith("buildings") and picked["object"] else None


def _all_seen(visit: Visit) -> list[str | None]:
    return [_seen(visit, *place) for place in TOWERS.values()]


def _await_tile(visit: Visit, tiles: Tiles, name: str) -> None:
    end = time.monotonic() + 60
    while name not in tiles.asked:
        assert time.monotonic() < end, f"{name} was never asked for"
        visit.page.wait_for_timeout(100)


def test_children_take_the_place_of_their_parent_together(towers: Callable[..., Visit], tiles: Tiles) -> None:
    """From afar the block; near, the towers, once all of them are there and not one before: no hole and nothing drawn twice."""
    tiles.held = {"tower-2": []}
    visit = towers()
    visit.fly(**FAR)
    assert _seen(visit, 0, 0) == "coarse"
    visit.page.evaluate("camera => window.parktwin.flyTo(camera)", NEAR)
    _await_tile(visit, tiles, "tower-2")
    assert set(tiles.asked) == {"coarse", *TOWERS}  # one waits for none of the others
    visit.page.wait_for_timeout(500)
    assert _all_seen(visit) == ["coarse"] * 4
    assert visit.page.evaluate("window.parktwin.tiles.inView") == 1
    tiles.release("tower-2")
    visit.settle()
    assert _all_seen(visit) == list(TOWERS)
    assert _seen(visit, 0, 0, 0) is None  # between the towers, where the block was
    visit.fly(**FAR)
    assert _seen(visit, 0, 0) == "coarse"


@pytest.mark.parametrize("wrong", [404, 500, b"glTF\x02\x00\x00\x00\x20\x00\x00\x00 and then nothing that a glb would hold"])
def test_a_lost_tile_leaves_the_coarser_one_and_is_tried_again(towers: Callable[..., Visit], tiles: Tiles, wrong: int | bytes) -> None:
    """Its name is said once in the page's language; when the server has it again, the page shows it by itself."""
    tiles.lost = {"tower-1": wrong}
    visit = towers()
    visit.page.evaluate("camera => window.parktwin.flyTo(camera)", NEAR)
    visit.page.wait_for_selector("[data-testid=notice]")
    notice = visit.page.inner_text("[data-testid=notice]")
    assert "tower-1.glb" in notice
    assert "稍后重试" in notice
    visit.settle()
    assert _all_seen(visit) == ["coarse"] * 4
    visit.page.get_by_label("知道了").or_(visit.page.locator("[data-testid=notice] button")).first.click()
    tiles.lost = {}
    visit.until("window.parktwin.tiles.inView === 4")
    visit.settle()
    assert _all_seen(visit) == list(TOWERS)
    assert visit.page.locator("[data-testid=notice]").count() == 0


def test_a_section_cuts_bodies_open_and_fills_them(towers: Callable[..., Visit]) -> None:
    """What is cut away cannot be picked, the cut is filled, and a depth pick on it lies in its plane."""
    plane = f"plane:{ORIGIN[0]},{ORIGIN[1]},{ORIGIN[2] + 5},0,90"
    visit = towers(f"/?section={plane}")
    visit.fly(**NEAR)
    assert _all_seen(visit) == list(TOWERS)  # a coarse tile is not cut open; the filled faces are the towers'
    x, y = _pixel(visit, -10, -10, 5)
    assert visit.page.evaluate(PIXEL, [x, y])[:3] == pytest.approx(CUT_FILL, abs=2)
    lon, lat, h = visit.page.evaluate("([x, y]) => window.parktwin.place(x, y)", [x, y])
    assert h == pytest.approx(ORIGIN[2] + 5, abs=0.1)
    assert (lon - ORIGIN[0]) / DEGREES[0] == pytest.approx(-10, abs=0.2)
    assert (lat - ORIGIN[1]) / DEGREES[1] == pytest.approx(-10, abs=0.2)
    visit.shot("section-plane")
    visit.page.click("[data-testid=section-open]")
    visit.page.click("[data-testid=section-box]")
    box = {"kind": "box", "at": [ORIGIN[0] - 10 * DEGREES[0], *ORIGIN[1:]], "half": [9.5, 40, 6], "turn": 0}
    visit.page.evaluate("section => window.parktwin.set({ section })", box)
    visit.settle()
    assert [_seen(visit, *TOWERS[name], 6.0) for name in ("tower-0", "tower-2")] == ["tower-0", "tower-2"]
    assert [_seen(visit, *TOWERS[name], 6.0) for name in ("tower-1", "tower-3")] == [None, None]
    assert visit.page.evaluate(PIXEL, _pixel(visit, -10, 10, 6))[:3] == pytest.approx(CUT_FILL, abs=2)
    visit.shot("section-box")
    visit.until("location.search.startsWith('?section=box:')")
    visit.page.evaluate("window.parktwin.set({ hiddenElements: new Set(['tower-0']) })")
    visit.settle()
    assert _seen(visit, *TOWERS["tower-0"], 6.0) is None
    visit.page.click("[data-testid=section-none]")
    visit.fly(**FAR)
    assert visit.page.evaluate("window.parktwin.tiles.inView") == 1
    visit.page.evaluate("section => window.parktwin.set({ section })", {**box, "half": [40, 40, 6]})
    visit.until("window.parktwin.tiles.inView === 4")  # far away too
    visit.page.evaluate("window.parktwin.set({ section: null })")
    visit.fly(**NEAR)
    assert _all_seen(visit)[1:] == list(TOWERS)[1:]
    assert visit.complaints == []


def test_faces_of_a_section_are_dragged_in_the_scene(towers: Callable[..., Visit]) -> None:
    """The lid of the box follows the mouse along its normal; the map stays where it is."""
    box = f"box:{ORIGIN[0]},{ORIGIN[1]},{ORIGIN[2] + 4},60,60,8,0"
    visit = towers(f"/?section={box}")
    visit.fly(**{**NEAR, "zoom": 19, "pitch": 55})
    visit.page.click("[data-testid=section-open]")
    visit.settle()
    camera = visit.page.evaluate("window.parktwin.camera()")
    start, end = _pixel(visit, 0, 0, 8), _pixel(visit, 0, 0, 11)
    visit.page.mouse.move(*start)
    visit.page.mouse.down()
    visit.page.mouse.move(*end, steps=4)
    visit.page.mouse.up()
    visit.settle()
    section = visit.state("state.section")
    assert section["half"][2] * 2 == pytest.approx(11, abs=0.3)
    assert section["at"][2] - section["half"][2] == pytest.approx(ORIGIN[2], abs=0.01)
    assert visit.page.evaluate("window.parktwin.camera()") == camera


def test_tiles_out_of_budget_are_freed(towers: Callable[..., Visit]) -> None:
    """Coming and going leaves no buffer behind, and what is not in view is given up where there is no room for it."""
    visit = towers()
    alive = "window.parktwin.tiles.alive"
    counts = []
    for _ in range(4):
        visit.fly(**NEAR)
        visit.fly(**FAR)
        counts.append(visit.page.evaluate(alive))
    for count in counts:
        del count["stateMs"]
    assert counts[1] == counts[3]
    assert counts[3]["tiles"] == 5
    visit.page.evaluate("window.parktwin.limitTiles(0.004)")
    visit.fly(**{**FAR, "zoom": 15.5})
    visit.fly(**{**FAR, "zoom": 15.4})
    left = visit.page.evaluate(alive)
    assert left["tiles"] == 1
    assert left["bytes"] < counts[3]["bytes"] / 4
    visit.page.evaluate("window.parktwin.limitTiles(64)")
    visit.fly(**NEAR)
    assert _all_seen(visit) == list(TOWERS)
    assert visit.complaints == []


def test_only_what_changes_is_written(towers: Callable[..., Visit]) -> None:
    """Choosing, hiding and isolating write the states of the tiles that differ, and nothing else."""
    visit = towers()
    visit.fly(**NEAR)
    written = "window.parktwin.tiles.alive.written"

    def after(change: dict[str, Any]) -> int:
        before = visit.page.evaluate(written)
        visit.page.evaluate("change => window.parktwin.set('hide' in change ? { hiddenElements: new Set(change.hide) } : change)", change)
        visit.settle()
        return visit.page.evaluate(written) - before

    assert after({"hide": ["tower-1"]}) == 1
    assert after({"hide": []}) == 1
    assert after({"isolatedElement": "tower-3"}) == 3
    assert after({"isolatedElement": None}) == 3
    assert after({"leftTab": "layers"}) == 0


def test_a_phone_gets_a_light_drawing(towers: Callable[..., Visit]) -> None:
    """A small screen that is touched: few device pixels, no shadows, no edges; a switch brings them back and is remembered."""
    phone = {"viewport": {"width": 390, "height": 780}, "screen": {"width": 390, "height": 780}, "has_touch": True, "is_mobile": True}
    visit = towers(**phone, device_scale_factor=3)
    visit.fly(**NEAR)
    width = "document.querySelector('#map canvas').width"
    assert visit.page.evaluate(width) <= 390 * 1.25 + 1
    passes = visit.page.evaluate("window.parktwin.tiles.alive.models")
    visit.page.evaluate("window.parktwin.set({ isLeftOpen: true })")
    switch = visit.page.locator("[data-testid=profile-light]")
    assert switch.get_attribute("aria-checked") == "true"
    switch.click()
    visit.settle()
    assert visit.page.evaluate(width) >= 390 * 2 - 1
    assert visit.page.evaluate("window.parktwin.tiles.alive.models") > passes
    assert visit.page.evaluate("localStorage.getItem('parktwin.profile')") == "full"
