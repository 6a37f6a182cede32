"""The exported page: one file that shows the park from the disk, with no server and no request."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.e2e

READY_S = 120.0


@pytest.fixture(scope="module")
def exported(twin: str, park: Path, address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The park as one HTML file; `address` is asked for so that the client is known to be built."""
    out = tmp_path_factory.mktemp("export") / "park.html"
    subprocess.run([twin, "export", str(park), "--format", "html", "-o", out, "--lang", "zh"], check=True, capture_output=True, timeout=300)
    return out


def test_the_exported_page_shows_the_park_without_a_request(browser: Any, exported: Path) -> None:
    """It draws its bodies, knows an element by its GlobalId, and asks nobody for anything."""
    page = browser.new_context(viewport={"width": 1000, "height": 640}, reduced_motion="reduce").new_page()
    asked: list[str] = []
    complaints: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text) if message.type in {"error", "warning"} else None)
    page.goto(exported.as_uri())
    end = time.monotonic() + READY_S
    while not page.evaluate("Boolean(window.parktwin?.ready)"):
        assert time.monotonic() < end, "the exported park did not come to rest"
        time.sleep(0.3)
    buildings = page.evaluate("window.parktwin.state.buildings.filter(one => one.models.length > 0)")
    tallest = max(buildings, key=lambda building: building["height_m"])
    camera = {"longitude": tallest["lon"], "latitude": tallest["lat"], "zoom": 18.2, "pitch": 50, "bearing": 0}
    page.evaluate("camera => window.parktwin.flyTo(camera)", camera)
    found = [page.evaluate("([x, y]) => window.parktwin.pick(x, y)", [x, y]) for x in (420, 480, 540) for y in (220, 280, 340)]
    page.context.close()
    assert any(one and one["layer"] == f"model/{tallest['models'][0]}" and len(one["object"]["id"]) == 22 for one in found)
    assert [url for url in asked if not url.startswith(("file:", "blob:", "data:"))] == []
    assert complaints == []
