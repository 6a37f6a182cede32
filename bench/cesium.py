"""The same tileset drawn by the page (deck.gl) and by CesiumJS, from the same place: how far apart features lie on the screen.

    npm install --prefix FOLDER cesium
    python bench/cesium.py PARK FOLDER/node_modules/cesium [--building ID] [--out FOLDER]

CesiumJS reads the tiles as files, from a server that knows nothing of parks. Both browsers are asked which feature lies under the points
of some lines; where one picture is shifted against the other, most points agree at that shift. Two screenshots stay in `--out` to be
looked at. A web mercator view stretches the ground by up to 0.7 % more in one direction than in the other, so pixels
are compared near the middle.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Page, sync_playwright

from tiles.build import build, tiles_folder
from twin.buildings import buildings
from twin.store import open_store

FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist"]
WIDTH, HEIGHT = 1200, 900
ZOOM, PITCH_DEG, BEARING_DEG = 18.2, 50.0, 25.0
ALTITUDE = 1.5  # view heights from a map view's eye to its target
SPAN, STEP, LINES = 150, 1, 6  # half length of the lines that are compared, between their points [px], and lines each way
REACH = 5  # shifts that are tried [points]
SETTLED_S = 180.0
Ids = np.ndarray[Any, Any]
EARTH_M = 40.03e6  # round the sphere on which a map view counts its zoom

OURS = """(x, y) => {
  const found = window.parktwin.pick(x, y);
  return /^(model|city|buildings)/.test(found?.layer ?? "") ? String(found.object?.id ?? "") : "";
}"""

PAGE = """<!doctype html><meta charset="utf-8"><title>CesiumJS</title>
<style>html, body, #view { margin: 0; width: 100%; height: 100%; overflow: hidden; background: #fff }
.cesium-viewer, .cesium-viewer div, canvas { width: 100%; height: 100% }
.cesium-viewer-bottom, .cesium-viewer-toolbar { display: none }</style>
<div id="view"></div>
<script>window.CESIUM_BASE_URL = "/cesium/Build/Cesium/";</script>
<script src="/cesium/Build/Cesium/Cesium.js"></script>
<script>
window.show = async ({eye, direction, up, fov}) => {
  const viewer = new Cesium.Viewer("view", {
    baseLayer: false, globe: false, skyBox: false, skyAtmosphere: false, animation: false, timeline: false, infoBox: false,
    baseLayerPicker: false, geocoder: false, homeButton: false, navigationHelpButton: false, sceneModePicker: false,
    fullscreenButton: false, selectionIndicator: false, requestRenderMode: false,
  });
  const { scene, camera } = viewer;
  scene.backgroundColor = Cesium.Color.WHITE;
  const vector = (v) => new Cesium.Cartesian3(...v);
  const tileset = await Cesium.Cesium3DTileset.fromUrl("/3dtiles/tileset.json", { maximumScreenSpaceError: 2 });
  scene.primitives.add(tileset);
  camera.frustum.fov = fov;
  camera.setView({ destination: vector(eye), orientation: { direction: vector(direction), up: vector(up) } });
  window.settled = () => tileset.tilesLoaded;
  window.failures = [];
  tileset.tileFailed.addEventListener((fault) => window.failures.push(String(fault.message)));
  window.idAt = (x, y) => {
    const found = scene.pick(new Cesium.Cartesian2(x, y));
    return found && found.getProperty ? String(found.getProperty("id")) : "";
  };
};
</script>"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("park", type=Path)
    options.add_argument("cesium", type=Path)
    options.add_argument("--building")
    options.add_argument("--out", type=Path, default=Path("cesium"))
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    store = open_store(given.park)
    build(store)
    found = {each.id: each for each in buildings(store)}
    chosen = found[given.building] if given.building else max(found.values(), key=lambda each: (len(each.model_ids), each.height_m))
    centre = chosen.footprint.centroid
    place = (centre.x, centre.y, chosen.base_h_m)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        ours = _page(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), given.park, place, given.out / "deck.png")
        camera = _camera(store.park().frame, place)
        theirs = _cesium(browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}), given, camera)
        browser.close()
    _tell(ours, theirs)


def _tell(ours: Ids, theirs: Ids) -> None:
    """Print where the ids along the lines agree best, (2, LINES, points): lines across, then lines down."""
    shared = np.isin(ours, np.unique(theirs)) & (ours != "")
    print(f"{len(np.unique(ours[shared]))} features seen by both, at {shared.sum()} of {shared.size} points")
    for name, a, b in zip(("right", "down"), ours, theirs, strict=True):
        agree = {by: _agreement(a, np.roll(b, by, axis=1)) for by in range(-REACH, REACH + 1)}
        best = max(agree, key=lambda by: (agree[by], -abs(by)))
        print(f"  moved {name} by {best * STEP} px: {agree[best]:.4f} of the points have the same feature; where they are: {agree[0]:.4f}")


def _agreement(a: Ids, b: Ids) -> float:
    """The share of points with the same feature, of those where the page shows one: trees and devices are its own."""
    inner = np.s_[:, REACH:-REACH]
    shown = a[inner] != ""
    return float((a[inner] == b[inner])[shown].mean())


def _page(page: Page, park: Path, place: tuple[float, float, float], picture: Path) -> Ids:
    """The ids along the lines in the park's own page."""
    with _serving(park) as address:
        page.goto(f"{address}/?lang=en")
        _await(page, "window.parktwin && window.parktwin.ready")
        lon, lat, _ = place
        camera = {"longitude": lon, "latitude": lat, "zoom": ZOOM, "pitch": PITCH_DEG, "bearing": BEARING_DEG, "position": [0, 0, 0]}
        page.evaluate("camera => window.parktwin.flyTo(camera)", camera)
        time.sleep(2)
        _await(page, "window.parktwin.ready")
        page.screenshot(path=picture)
        return _ids(page, OURS)


def _cesium(page: Page, given: argparse.Namespace, camera: dict[str, Any]) -> Ids:
    """The ids along the lines in CesiumJS."""
    with _files({"/cesium/": given.cesium, "/3dtiles/": tiles_folder(given.park)}) as address:
        page.goto(f"{address}/")
        page.evaluate("camera => window.show(camera)", camera)
        time.sleep(2)
        _await(page, "window.settled()")
        time.sleep(2)
        page.screenshot(path=given.out / "cesium.png")
        for failure in page.evaluate("window.failures"):
            print("CesiumJS:", failure)
        return _ids(page, "(x, y) => window.idAt(x, y)")


def _ids(page: Page, ask: str) -> Ids:
    along = np.arange(-SPAN, SPAN + 1, STEP)
    across = np.linspace(-SPAN, SPAN, LINES)
    x, y = (grid.T for grid in np.meshgrid(along, across, indexing="ij"))
    points = np.stack([np.stack([x, y], axis=-1), np.stack([y, x], axis=-1)]) + np.array([WIDTH, HEIGHT]) / 2  # (2, LINES, points, 2)
    told = page.evaluate(f"points => points.map(([x, y]) => ({ask})(x, y))", points.reshape(-1, 2).tolist())
    return np.array(told).reshape(points.shape[:-1])


def _await(page: Page, condition: str) -> None:
    deadline = time.monotonic() + SETTLED_S
    while not page.evaluate(condition):
        if time.monotonic() > deadline:
            raise TimeoutError(condition)
        time.sleep(0.3)


def _camera(frame: Any, place: tuple[float, float, float]) -> dict[str, Any]:
    """The eye of a map view that looks at a place on its ground plane, in earth-centred metres."""
    lon, lat, _ = place
    east, north, up = _axes(lon, lat)
    target = (frame.ecef_matrix() @ np.append(frame.to_enu([[lon, lat, frame.h_m]])[0], 1.0))[:3]
    pixel = EARTH_M * math.cos(math.radians(lat)) / (512 * 2**ZOOM)
    pitch, bearing = math.radians(PITCH_DEG), math.radians(BEARING_DEG)
    ahead = math.sin(bearing) * east + math.cos(bearing) * north
    direction = math.sin(pitch) * ahead - math.cos(pitch) * up
    eye = target - direction * ALTITUDE * HEIGHT * pixel
    head = math.cos(pitch) * ahead + math.sin(pitch) * up
    across = 2 * math.atan(WIDTH / HEIGHT * 0.5 / ALTITUDE)
    return {"eye": eye.tolist(), "direction": direction.tolist(), "up": head.tolist(), "fov": across}


def _axes(lon: float, lat: float) -> tuple[np.ndarray[Any, Any], ...]:
    a, b = math.radians(lon), math.radians(lat)
    east = np.array([-math.sin(a), math.cos(a), 0.0])
    up = np.array([math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)])
    return east, np.cross(up, east), up


@contextmanager
def _serving(park: Path) -> Generator[str]:
    twin = str(Path(sys.executable).with_name("twin"))
    with subprocess.Popen([twin, "serve", str(park), "--port", "0", "--json"], stdout=subprocess.PIPE, text=True) as server:
        try:
            text = ""
            while server.stdout is not None and not text.rstrip().endswith("}"):
                text += server.stdout.readline()
            time.sleep(3)
            yield json.loads(text)["address"].rstrip("/")
        finally:
            server.terminate()


@contextmanager
def _files(trees: dict[str, Path]) -> Generator[str]:
    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            name = path.partition("?")[0]
            tree = next((tree for tree in trees if name.startswith(tree)), None)
            return str(trees[tree] / name.removeprefix(tree)) if tree else "/nowhere"

        def do_GET(self) -> None:
            if self.path != "/":
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(PAGE.encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    main()
