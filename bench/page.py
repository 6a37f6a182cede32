"""What the page takes in a browser without a graphics card: the first frame, a pick, a change of state, and its memory over a flight.

    python bench/page.py PARK [--minutes 10] [--address URL] [--json] [--crowd 20000]

With --crowd a park of so many round towers is made in PARK first: 20,000 of them are more than a million triangles.

The first meaningful frame is that in which everything asked for is loaded and drawn: a pixel is read back before the clock is, as
`gl.finish()` does not wait. The flight goes over the park, to its buildings, into their storeys, on foot and below ground, again and
again; after each round the heap is measured, its garbage collected, and a straight line laid through. Chromium is Debian's, with Mesa's
software rendering.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import shapely
from playwright.sync_api import CDPSession, Page, sync_playwright

from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park
from twin.store import create_store

FLAGS = ["--no-sandbox", "--disable-quic", "--use-gl=angle", "--use-angle=gl-egl", "--ignore-gpu-blocklist", "--js-flags=--expose-gc"]
WATCH = """() => {
  const waiting = setInterval(() => {
    if (!window.parktwin?.ready) return;
    clearInterval(waiting);
    const gl = document.querySelector('#map canvas').getContext('webgl2');
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
    window.firstFrame = performance.now();
  }, 10);
}"""
# A change of the state, and what the textures of the tiles took of the script, uploads included; drawing is the card's work
STATES = """async change => {
  const { written, stateMs } = window.parktwin.tiles.alive;
  window.parktwin.set(change);
  while (window.parktwin.tiles.alive.written === written || !window.parktwin.ready) await new Promise(done => setTimeout(done, 20));
  const after = window.parktwin.tiles.alive;
  return [after.stateMs - stateMs, after.written - written];
}"""

# The pointer rests on a thing that is drawn; then it is pressed, and the properties are in the page's panel
CLICKED = """async () => {
  const gl = document.querySelector('#map canvas').getContext('webgl2');
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));
  window.clicked = {};
  window.addEventListener('pointerdown', event => (window.clicked.began = event.timeStamp), { capture: true, once: true });
  const watch = setInterval(() => {
    if (!window.parktwin.state.selection?.detail || !document.querySelector('[data-testid="detail"]')) return;
    window.clicked.detail = performance.now();
    clearInterval(watch);
  }, 4);
}"""


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("park", type=Path)
    options.add_argument("--minutes", type=float, default=10.0)
    options.add_argument("--address", help="of a server that runs already")
    options.add_argument("--crowd", type=int, default=0, help="round towers of a park to be made at PARK")
    options.add_argument("--json", action="store_true")
    given = options.parse_args()
    if given.crowd:
        crowd(given.park, given.crowd)
    with serving(given.park, given.address) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce").new_page()
        page.set_default_timeout(300_000)
        cdp = page.context.new_cdp_session(page)
        found = first_frame(page, address) | picks(page) | states(page)
        found |= flight(page, cdp, given.minutes) if given.minutes > 0 else {}
        browser.close()
    print(json.dumps(found, indent=2) if given.json else "\n".join(f"{name:<42}{value}" for name, value in found.items()))


def crowd(folder: Path, towers: int) -> None:
    """A park of towers with sixteen sides on a square lattice of 14 m, 6 m to 40 m high: 46 triangles each with the roof."""
    side = math.ceil(math.sqrt(towers))
    east, north = np.divmod(np.arange(towers), side)
    x, y = ((axis - side / 2) * 14.0 for axis in (east, north))
    angles = np.arange(16) * math.tau / 16
    rings = np.stack([x[:, None] + 5 * np.cos(angles), y[:, None] + 5 * np.sin(angles), np.zeros((towers, 16))], axis=-1)
    frame = Frame(104.06, 30.54, 0.0)
    shapes = np.array(shapely.polygons(frame.to_lonlat(rings.reshape(-1, 3))[:, :2].reshape(towers, 16, 2)), object)
    heights = (6.0 + np.random.default_rng(1).random(towers) * 34.0).round(1)
    table = FeatureTable([f"T{i}" for i in range(towers)], shapes, {"height_m": list(heights)})
    store = create_store(folder, Park("crowd", frame))
    with store.transaction() as writer:
        writer.put_layer(Layer("buildings", "building", "buildings"))
        writer.put_features("buildings", table, source="bench")
    store.close()


@contextmanager
def serving(park: Path, address: str | None) -> Generator[str]:
    """A server on the park, unless there is one."""
    if address:
        yield address.rstrip("/")
        return
    command = [str(Path(sys.executable).with_name("twin")), "serve", str(park), "--port", "8477"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as server:
        try:
            yield _up("http://127.0.0.1:8477", server)
        finally:
            server.terminate()


def _up(address: str, server: subprocess.Popen[bytes]) -> str:
    while server.poll() is None:
        with suppress(OSError):
            urlopen(f"{address}/healthz", timeout=5).close()
            return address
        time.sleep(0.3)
    raise SystemExit(f"the server ended with {server.returncode}")


def first_frame(page: Page, address: str) -> dict[str, Any]:
    """The second visit is the one that counts: the server's tiles are built, the browser's cache is empty."""
    times = []
    for _ in range(4):
        page.context.clear_cookies()
        cdp = page.context.new_cdp_session(page)
        cdp.send("Network.clearBrowserCache")
        page.add_init_script(f"({WATCH})()")
        page.goto(address)
        times.append(_wait(page, "window.firstFrame", 300.0))
    resources = page.evaluate("performance.getEntriesByType('resource').map(one => [one.name, one.encodedBodySize])")
    tiles = [size for name, size in resources if "/3dtiles/" in name or "/terrain/" in name]
    kinds = {
        "tiles in view": page.evaluate("window.parktwin.tiles.inView"),
        "tile bytes on the card": page.evaluate("window.parktwin.tiles.alive.bytes"),
    }
    return {
        "first meaningful frame, first [s]": round(times[0] / 1000, 2),
        "first meaningful frame, median after [s]": round(statistics.median(times[1:]) / 1000, 2),
        "requests": len(resources),
        "bytes received": sum(size for _, size in resources),
        "of tiles": f"{len(tiles)} requests, {sum(tiles)} bytes",
        "triangles in view": page.evaluate("window.parktwin.tiles.triangles"),
        **kinds,
    }


def picks(page: Page) -> dict[str, Any]:
    """The time to an element's id, and by a click to its properties on the panel."""
    places = [(x, y) for x in range(380, 900, 130) for y in range(200, 560, 90)]
    to_id = [
        page.evaluate("([x, y]) => { const t = performance.now(); window.parktwin.pick(x, y); return performance.now() - t; }", place)
        for place in places
    ]
    to_detail = []
    for x, y in places:
        if not page.evaluate("([x, y]) => ['buildings', 'model'].some(kind => window.parktwin.pick(x, y)?.layer.startsWith(kind))", [x, y]):
            continue
        page.evaluate("window.parktwin.set({ selection: null })")
        page.mouse.move(x, y)
        _settle(page)
        page.evaluate(CLICKED)
        page.mouse.down()
        page.mouse.up()
        _wait(page, "window.clicked.detail ?? 0", 20.0)
        to_detail.append(page.evaluate("window.clicked.detail - window.clicked.began"))
    page.evaluate("window.parktwin.set({ selection: null, buildingId: null, storeys: [] })")
    return {
        "pick to id, median [ms]": round(statistics.median(to_id), 1),
        "click to properties, median [ms]": round(statistics.median(to_detail or [0.0]), 1),
    }


def states(page: Page) -> dict[str, Any]:
    """What a change of state that touches every element in view takes of the script, and how many tiles it wrote."""
    changes = [{"isolatedElement": "none of them"}, {"isolatedElement": None}] * 4
    taken = [page.evaluate(STATES, change) for change in changes]
    elements = page.evaluate("window.parktwin.tiles.elements")
    return {
        "elements in view": elements,
        "state of all of them, median [ms of script]": round(statistics.median(time for time, _ in taken), 1),
        "tiles written a change": taken[-1][1],
    }


def flight(page: Page, cdp: CDPSession, minutes: float) -> dict[str, Any]:
    """Heap and buffers after each round of the flight, and the slope of the heap."""
    end = time.monotonic() + minutes * 60
    rounds: list[tuple[float, float, int, int]] = []
    while time.monotonic() < end or len(rounds) < 2:
        _round(page)
        cdp.send("HeapProfiler.collectGarbage")
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
        alive = page.evaluate("window.parktwin.tiles.alive")
        rounds.append((time.monotonic() / 60, heap, alive["buffers"], alive["textures"]))
    kept = np.array(rounds[len(rounds) // 3 :])  # the first rounds fill the tiles' memory up to its budget
    slope = float(np.polyfit(kept[:, 0], kept[:, 1], 1)[0])
    return {
        "rounds flown": len(rounds),
        "heap after each round [MB]": [round(heap, 1) for _, heap, _, _ in rounds],
        "slope of the heap [MB a minute]": round(slope, 3),
        "buffers and textures after each round": [f"{buffers} {textures}" for _, _, buffers, textures in rounds],
    }


def _round(page: Page) -> None:
    """Over the park, to three buildings, through their storeys, on foot, below ground."""
    state = "window.parktwin.state"
    home = page.evaluate(f"{state}.park.home")
    buildings = page.evaluate(f"{state}.buildings.filter(one => one.models.length).slice(0, 3).map(one => [one.id, one.lon, one.lat])")
    _fly(page, {name: home[name] for name in ("longitude", "latitude", "zoom", "pitch", "bearing")})
    for _, lon, lat in buildings:
        _fly(page, {"longitude": lon, "latitude": lat, "zoom": 18.6, "pitch": 52, "bearing": 20})
        page.mouse.click(640, 360)
        page.wait_for_timeout(400)
        for storey in page.evaluate(f"{state}.storeys.slice(0, 3).map(one => one.id)"):
            page.evaluate("storeyId => window.parktwin.set({ storeyId })", storey)
            _settle(page)
        page.evaluate("window.parktwin.set({ storeyId: null, storeys: [], buildingId: null, selection: null })")
    for mode in ("walk", "underground", "overview"):
        page.evaluate("cameraMode => window.parktwin.set({ cameraMode })", mode)
        _settle(page)


def _fly(page: Page, camera: dict[str, float]) -> None:
    page.evaluate("camera => window.parktwin.flyTo(camera)", camera)
    _settle(page)


def _settle(page: Page) -> None:
    _wait(page, "window.parktwin.ready ? 1 : 0", 120.0)


def _wait(page: Page, expression: str, seconds: float) -> float:
    """The value of an expression once it is one."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = page.evaluate(expression)
        if value:
            return float(value)
        time.sleep(0.02)
    raise SystemExit(f"never true: {expression}")


if __name__ == "__main__":
    main()
