"""A real server on the sample park, and a real browser on its page.

The browser is Debian's Chromium with Mesa's software rendering; every request to another origin is refused and remembered, and so is
every error of the page.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
import shapely
from playwright.sync_api import Page, Route, sync_playwright

from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park
from twin.store import create_store

ROOT = Path(__file__).parents[2]
SCREENSHOTS = Path(__file__).parent / "screenshots"
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-gl=angle",
    "--use-angle=gl-egl",
    "--ignore-gpu-blocklist",
]
LOADED_S = 120.0  # two busy cores draw a frame in seconds
POLL_S = 0.2


def missing(what: str, remedy: str) -> None:
    """Skip, with what to do about it; fail where nothing may be missing."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}: {remedy}")
    pytest.skip(f"{what}: {remedy}")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program."""
    found = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        missing("there is no Chromium", "apt-get install chromium libegl1 libegl-mesa0 libgl1-mesa-dri fonts-noto-cjk")
    return str(found)


@pytest.fixture(scope="session")
def twin() -> str:
    """The command of the interpreter that runs the tests."""
    return str(Path(sys.executable).with_name("twin"))


@pytest.fixture(scope="session")
def park(twin: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample park, built by the demo command; PARKTWIN_E2E_PARK names one that is there already."""
    if given := os.environ.get("PARKTWIN_E2E_PARK"):
        return Path(given)
    folder = tmp_path_factory.mktemp("e2e") / "park"
    subprocess.run([twin, "demo", "--build-only", "--dir", folder], check=True, capture_output=True, timeout=540, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def address(twin: str, park: Path) -> Iterator[str]:
    """The address of a server on the park."""
    with serving(twin, park) as found:
        yield found


@pytest.fixture
def high_address(twin: str, tmp_path: Path) -> Iterator[str]:
    """The address of a server on a park whose origin lies 450 m above the datum, with one building on it."""
    folder = tmp_path / "high"
    store = create_store(folder, Park("high", Frame(104.06, 30.54, 450.0)))
    block = FeatureTable(["block"], np.array([shapely.box(104.0599, 30.5399, 104.0601, 30.5401)], object), {"height_m": [12.0]})
    with store.transaction() as writer:
        writer.put_layer(Layer("buildings", "building", "buildings"))
        writer.put_features("buildings", block, source="test")
    store.close()
    with serving(twin, folder) as found:
        yield found


@contextmanager
def serving(twin: str, park: Path) -> Generator[str]:
    """A server on a park, for as long as it is needed; its address."""
    if not (ROOT / "web" / "static" / "index.html").is_file():
        missing("the page is not built", "npm ci && npm run build in web/client")
    command = [twin, "serve", str(park), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as server:
        try:
            assert server.stdout is not None
            address = json.loads(_document(server.stdout.readline, server))["address"].rstrip("/")
            _await(f"{address}/healthz", server)
            yield address
        finally:
            server.terminate()
            server.wait(timeout=30)


def _document(readline: Callable[[], str], server: subprocess.Popen[str]) -> str:
    """The one JSON document the server prints before it serves, on one line or several."""
    text = ""
    while server.poll() is None:
        text += readline()
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    raise AssertionError(f"the server ended with {server.returncode}")


def _await(address: str, server: subprocess.Popen[str]) -> None:
    """Wait until the server answers: it says its address before it listens."""
    while server.poll() is None:
        with suppress(OSError), urlopen(address, timeout=30):
            return
        time.sleep(POLL_S)
    raise AssertionError(f"the server ended with {server.returncode}")


@dataclass
class Visit:
    """An open page of the server, and what must not happen on it."""

    page: Page
    address: str
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def settle(self) -> None:
        """Wait until everything is loaded and drawn as the state says."""
        self.until("Boolean(window.parktwin?.ready)")

    def until(self, expression: str) -> None:
        """Wait until `expression` is true on the page; Playwright's own way needs eval, which the page's policy forbids."""
        end = time.monotonic() + LOADED_S
        while not self.page.evaluate(expression):
            assert time.monotonic() < end, f"never true: {expression}"
            time.sleep(POLL_S)

    def fly(self, **camera: float) -> None:
        """Put the camera somewhere and wait for the picture."""
        self.page.evaluate("camera => window.parktwin.flyTo(camera)", camera)
        self.settle()

    def state(self, expression: str) -> Any:
        """A value of the page's state: `state` is bound."""
        return self.page.evaluate(f"(() => {{ const state = window.parktwin.state; return {expression}; }})()")

    def project(self, lon: float, lat: float, h: float) -> tuple[float, float]:
        """Where a place is on the screen. [px]"""
        x, y = self.page.evaluate("place => window.parktwin.project(place)", [lon, lat, h])
        return x, y

    def pick(self, x: float, y: float) -> dict[str, Any] | None:
        """The layer and the object under a pixel."""
        return self.page.evaluate("([x, y]) => window.parktwin.pick(x, y)", [x, y])

    def tap(self, x: float, y: float) -> None:
        """Click on the map as a person does."""
        self.page.mouse.move(x, y)
        self.page.mouse.click(x, y)

    def api(self, path: str, body: object = None) -> Any:
        """What the server answers, asked from outside the page."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.address + path, data, {"Content-Type": "application/json"})
        with urlopen(request, timeout=300) as response:
            return json.load(response)

    def shot(self, name: str) -> None:
        """Keep a picture for a person to look at."""
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), timeout=90_000)


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """A browser for the session."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


def open_page(browser: Any, address: str, path: str = "/", prepare: Callable[[Page], None] | None = None, **context: Any) -> Visit:
    """The server's page in a context of its own, watched; `prepare` is called before it is asked for."""
    options = {"viewport": {"width": 1180, "height": 680}, "locale": "zh-CN", "color_scheme": "light", "reduced_motion": "reduce"}
    page = browser.new_context(**(options | context)).new_page()
    page.set_default_timeout(60_000)
    visit = Visit(page, address)

    def guard(route: Route) -> None:
        if route.request.url.startswith(f"{address}/"):
            route.continue_()
        else:
            visit.foreign.append(route.request.url)
            route.abort()

    def complain(message: Any) -> None:
        if message.type in {"error", "warning"}:
            visit.complaints.append(f"{message.type}: {message.text}")

    page.route("**/*", guard)
    page.on("console", complain)
    page.on("pageerror", lambda error: visit.complaints.append(f"uncaught: {error}"))
    if prepare:
        prepare(page)
    page.goto(address + path)
    return visit


@pytest.fixture
def new_visit(browser: Any, address: str) -> Callable[..., Visit]:
    """Opens a page of its own, with the context's options."""
    return lambda **context: open_page(browser, address, **context)


@pytest.fixture
def high_visit(browser: Any, high_address: str) -> Visit:
    """The page of the park that lies high."""
    return open_page(browser, high_address)


@pytest.fixture(scope="module")
def visit(browser: Any, address: str) -> Iterator[Visit]:
    """The page, open and drawn, shared by the tests of a module; each leaves nothing chosen."""
    visit = open_page(browser, address)
    visit.settle()
    yield visit
    visit.page.context.close()
