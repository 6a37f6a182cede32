"""What an address opens, two versions beside each other, the quality report, and what came as it is: a moved tileset, a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
import shapely
from PIL import ExifTags, Image

from importers.contract import Options
from importers.pipeline import import_files
from tests.e2e.conftest import open_page, serving
from tiles.glb import TileMesh, encode_glb
from twin.crs import Frame
from twin.model import Element, Georeferencing, Mesh, Model, ModelContent, Park, Storey
from twin.store import Store, create_store

if TYPE_CHECKING:
    from tests.e2e.conftest import Visit

pytestmark = pytest.mark.e2e

FRAME = Frame(104.06, 30.54, 30.0)
FACES = np.array([
    [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
    [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
], np.uint32)  # fmt: skip
KEPT, MOVED, GONE, NEW = (f"0Wall{name:_<17}" for name in ("kept", "moved", "gone", "new"))
MESH_AT = (104.0607, 30.5402)  # where the tileset is moved to


def box(x: float, y: float, size: tuple[float, float, float]) -> np.ndarray:
    """The corners of a box that stands on the ground. [m, enu]"""
    a, b, c = size
    return np.array([[0, 0, 0], [a, 0, 0], [a, b, 0], [0, b, 0], [0, 0, c], [a, 0, c], [a, b, c], [0, b, c]], float) + np.array([x, y, 0.0])


def house(walls: dict[str, np.ndarray]) -> ModelContent:
    """A model of boxes, its elements without type or material."""
    faces = np.concatenate([FACES + 8 * k for k in range(len(walls))]).astype(np.uint32)
    owner = np.repeat(np.arange(len(walls), dtype=np.uint32), len(FACES))
    mesh = Mesh(np.concatenate(list(walls.values())), faces, owner, np.full((len(faces), 4), (205, 205, 205, 255), np.uint8), list(walls))
    elements = [
        Element(name, "house", "IfcWall", name[5:].strip("_"), "1f", state="built", bbox=[*shape.min(0).tolist(), *shape.max(0).tolist()])
        for name, shape in walls.items()
    ]
    place = Georeferencing("given", (104.06, 30.54), 30.0, 0.0, None, "")
    model = Model("house", "House", "IFC4", "0" * 64, place, FRAME.unproject(shapely.box(-12, -6, 12, 6)), 30.0, 34.0)
    return ModelContent(model, [Storey("1f", "house", "1F", 0.0, 30.0)], [], elements, mesh)


def put_versions(store: Store) -> None:
    wall = (3.0, 8.0, 4.0)
    first = {KEPT: box(-10, -4, wall), MOVED: box(-4, -4, wall), GONE: box(2, -4, wall)}
    second = {KEPT: box(-10, -4, wall), MOVED: box(-3, -4, wall), NEW: box(8, -4, wall)}
    for k, walls in enumerate((first, second)):
        report = {"models": ["house"], "issues": [], "layers": [], "devices": {}}
        with store.transaction() as writer:
            if k:
                writer.archive_source("house.ifc")
                writer.drop_source("house.ifc")
            writer.put_model(replace(house(walls)), source="house.ifc")
            told = {"name": "house.ifc", "sha256": str(k) * 64, "options": "", "importer": "ifc", "report": report}
            writer.put_source(told | {"at": f"2026-03-0{k + 1}T08:00:00Z"})


def tileset(folder: Path) -> Path:
    """A tileset of one block, 20 m by 20 m and 12 m high, about its own origin."""
    folder.mkdir()
    corners = box(-10, -10, (20, 20, 12))[FACES]
    mesh = TileMesh(corners, np.zeros(12, np.int64), np.full((12, 4), (180, 120, 90, 255), np.uint8))
    (folder / "block.glb").write_bytes(encode_glb(mesh, {"id": ["block"]}))
    root = {
        "boundingVolume": {"box": [0, 0, 6, 10, 0, 0, 0, 10, 0, 0, 0, 6]},
        "geometricError": 0,
        "refine": "ADD",
        "content": {"uri": "block.glb"},
    }
    path = folder / "tileset.json"
    path.write_text(json.dumps({"asset": {"version": "1.1"}, "geometricError": 50, "root": root}))
    return path


def panorama(path: Path) -> Path:
    image, exif = Image.new("RGB", (96, 48), (90, 140, 200)), Image.Exif()
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (30, 32, 20.0),
        ExifTags.GPS.GPSLongitudeRef: "E", ExifTags.GPS.GPSLongitude: (104, 3, 34.0),
    }  # fmt: skip
    image.save(path, exif=exif)
    return path


@pytest.fixture(scope="module")
def park_address(twin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a park with a model of two versions, a tileset that was moved, and a picture with a position."""
    folder = tmp_path_factory.mktemp("versions")
    store = create_store(folder / "park", Park("Versions", FRAME))
    put_versions(store)
    lon, lat = MESH_AT
    for path, options in ((tileset(folder / "oblique"), Options(place=f"{lon},{lat},30,0")), (panorama(folder / "gate.jpg"), Options())):
        (outcome,) = import_files(store, [path], options)
        assert outcome.error is None
    store.close()
    with serving(twin, folder / "park") as found:
        yield found


@pytest.fixture(scope="module")
def opened(browser: Any, park_address: str) -> Iterator[Visit]:
    """The page, opened at an element by its address."""
    visit = open_page(browser, park_address, f"/?select=element:{quote(MOVED, safe='')}", locale="zh-CN", color_scheme="dark")
    visit.settle()
    yield visit
    visit.page.context.close()


def test_an_address_opens_an_element(opened: Visit) -> None:
    opened.page.wait_for_selector("[data-testid=element-id]")
    assert opened.page.inner_text("[data-testid=element-id]") == MOVED
    opened.settle()
    place = opened.api(f"/api/elements/{MOVED}")["lonlat_h"]
    x, y = opened.project(*place)
    width, height = 1180, 680
    assert 0.25 * width < x < 0.75 * width
    assert 0.2 * height < y < 0.8 * height


def test_two_versions_beside_each_other(opened: Visit) -> None:
    """Counts, a list that flies, colours on the map, and the wall that is gone standing where it stood."""
    page = opened.page
    page.click("[data-testid=versions] summary")
    page.click("[data-testid=compare]")
    page.wait_for_selector("[data-testid=version-counts]")
    assert page.locator("[data-testid=version-changes] button").evaluate_all("rows => rows.map((row) => row.dataset.id)") == [
        NEW,
        GONE,
        MOVED,
    ]
    gone = FRAME.to_lonlat([[3.5, 0.0, 4.0]])[0].tolist()
    opened.settle()
    page.click(f"[data-testid=version-changes] [data-id='{NEW}']")
    opened.settle()
    assert page.inner_text("[data-testid=element-id]") == NEW
    page.click(f"[data-testid=version-changes] [data-id='{GONE}']")
    opened.fly(longitude=104.06, latitude=30.54, zoom=20.2, pitch=45, bearing=0)
    opened.shot("versions")
    red, green, blue = _colour(opened, gone)
    assert red > 1.25 * green
    assert red > 1.25 * blue
    page.click("[data-testid=compare-end]")
    opened.settle()
    red, green, _ = _colour(opened, gone)
    assert red < 1.2 * green
    assert page.locator("[data-testid=version-counts]").count() == 0


def _colour(visit: Visit, place: list[float]) -> tuple[int, int, int]:
    """The colour the map has at a place."""
    x, y = visit.project(*place)
    found = visit.page.evaluate(
        """([x, y]) => {
          const canvas = document.querySelector('#map canvas');
          const scale = canvas.width / canvas.clientWidth;
          const small = new OffscreenCanvas(1, 1).getContext('2d');
          small.drawImage(canvas, x * scale, y * scale, 1, 1, 0, 0, 1, 1);
          return [...small.getImageData(0, 0, 1, 1).data].slice(0, 3);
        }""",
        [x, y],
    )
    return tuple(found)


def test_a_tileset_that_came_as_it_is_stands_where_it_was_moved_to(opened: Visit) -> None:
    lon, lat = MESH_AT
    opened.fly(longitude=lon, latitude=lat, zoom=19, pitch=40, bearing=0)
    picked = opened.pick(*opened.project(lon, lat, 42.0))
    assert picked is not None
    assert picked["layer"].startswith("mesh/")
    opened.tap(*opened.project(lon, lat, 42.0))
    opened.page.wait_for_selector("[data-testid=feature-id]")
    feature = opened.page.inner_text("[data-testid=feature-id]")
    layer = next(one for one in opened.api("/api/layers") if one["kind"] == "mesh")
    assert opened.api(f"/api/layers/{quote(layer['id'], safe='')}/features/{quote(feature, safe='')}")["id"] == feature


def test_the_picture_of_a_panorama_is_shown(browser: Any, opened: Visit, park_address: str) -> None:
    layer = next(one for one in opened.api("/api/layers") if one["kind"] == "panorama")
    feature = next(hit for hit in opened.api("/api/search?q=gate")["results"] if hit["type"] == "feature")
    visit = open_page(browser, park_address, "/?select=" + quote(f"feature:{layer['id']}/{feature['id']}", safe=""))
    visit.page.wait_for_selector(".picture img")
    visit.until("document.querySelector('.picture img').naturalWidth > 0")
    assert visit.page.evaluate("document.querySelector('.picture img').naturalWidth") == 96
    visit.settle()
    assert visit.complaints == []
    visit.page.context.close()


def test_a_finding_of_the_quality_report_opens_in_the_viewer(browser: Any, opened: Visit, park_address: str) -> None:
    """From the evaluator's panel to the report, from a finding to the wall it is about."""
    opened.page.keyboard.press("Escape")
    opened.page.click("[data-testid=role-evaluate]")
    link = opened.page.get_attribute("[data-testid=quality-link]", "href")
    assert link is not None
    visit = open_page(browser, park_address, link)
    first = visit.page.locator("a[href*='select=element']").first
    address = first.get_attribute("href") or ""
    first.evaluate("one => { one.closest('details').open = true; }")
    visit.shot("quality")
    first.click()
    visit.page.wait_for_selector("[data-testid=element-id]")
    wanted = address.rpartition("element%3A")[2]
    assert visit.page.inner_text("[data-testid=element-id]") == wanted
    visit.settle()
    x, y = visit.project(*visit.api(f"/api/elements/{wanted}")["lonlat_h"])
    assert 0.2 * 1180 < x < 0.8 * 1180
    assert 0.2 * 680 < y < 0.8 * 680
    assert (visit.complaints, visit.foreign) == ([], [])
    visit.page.context.close()


def test_nothing_is_asked_of_others_and_nothing_is_wrong(opened: Visit) -> None:
    assert opened.foreign == []
    assert opened.complaints == []
