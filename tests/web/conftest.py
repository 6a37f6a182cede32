"""A small park made through the store: two blocks, a modelled house, a road, a car park, a fence, devices and an event."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import httpx
import numpy as np
import pytest
import shapely
import uvicorn
from fastapi import FastAPI

from tiles.build import build
from twin.crs import Frame
from twin.model import (
    Device,
    Element,
    Event,
    FeatureTable,
    Georeferencing,
    Layer,
    Mesh,
    Model,
    ModelContent,
    Park,
    Space,
    Storey,
)
from twin.store import Store, Writer, create_store
from web.app import create_app
from web.server import OPTIONS, free_socket
from web.settings import Settings

FRAME = Frame(104.06, 30.54, 0.0)


def square(x: float, y: float, size: float) -> shapely.Polygon:
    """A square [m, enu] in longitude and latitude."""
    return FRAME.unproject(shapely.box(x, y, x + size, y + size))


def line(*points: tuple[float, float]) -> shapely.LineString:
    """A line [m, enu] in longitude and latitude."""
    return FRAME.unproject(shapely.LineString(points))


def lonlat(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a point. [m, enu]"""
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return lon, lat


def put(writer: Writer, layer_id: str, kind: str, shapes: list[object], **columns: list[object]) -> None:
    """A layer of its own with features named `<layer>/<n>`."""
    geometry = np.empty(len(shapes), object)
    geometry[:] = shapes
    writer.put_layer(Layer(layer_id, kind, layer_id))
    writer.put_features(layer_id, FeatureTable([f"{layer_id}/{i}" for i in range(len(shapes))], geometry, columns), source=layer_id)


def house() -> ModelContent:
    """A model of one box, 10 m by 10 m by 3 m at (100, 0), with a wall, a door and one room."""
    box = np.array([[x, y, z] for z in (0.0, 3.0) for y in (0.0, 10.0) for x in (100.0, 110.0)])
    faces = np.array(
        [[0, 2, 1], [1, 2, 3], [4, 5, 6], [5, 7, 6], [0, 1, 4], [1, 5, 4], [2, 6, 3], [3, 6, 7], [0, 4, 2], [2, 4, 6], [1, 3, 5], [3, 7, 5]]
    )
    place = Georeferencing("site", lonlat(100, 0), 0.0, 0.0, None, "test")
    model = Model("house", "House", "IFC4", "0" * 64, place, square(100, 0, 10), 0.0, 3.0)
    wall = Element(
        "wall-1", "house", "IfcWall", "North wall", "gf", None, "Basic wall", state="built", kernel="test",
        materials=({"name": "Concrete", "thickness_m": 0.2},),
        properties={"Pset_WallCommon": {"IsExternal": True}}, bbox=(100, 0, 0, 110, 10, 3),
    )  # fmt: skip
    door = Element("door-1", "house", "IfcDoor", "大门", "gf", "room-1", state="failed", reason="no body", bbox=(100, 4, 0, 100.1, 5, 2))
    space = Space("room-1", "house", "gf", "101", "会议室 Meeting", "meeting", square(101, 1, 8), 0.1, 2.8, 64.0)
    faces_of = np.zeros(12, np.uint32)
    mesh = Mesh(box, faces.astype(np.uint32), faces_of, np.full((12, 4), 200, np.uint8), ["wall-1"])
    storeys = [Storey("up", "house", "Upper floor", 3.0, 3.0, None), Storey("gf", "house", "Ground floor", 0.0, 0.0, 3.0)]
    return ModelContent(model, storeys, [space], [wall, door], mesh)


def devices() -> list[Device]:
    """Two cameras, a charger, a sensor and an access control."""
    look = {"azimuth_deg": 90.0, "tilt_deg": 10.0, "hfov_deg": 60.0, "pixels_w": 1920, "pixels_h": 1080, "range_m": 60.0}
    return [
        Device("cam-1", "camera", "Gate camera", *lonlat(-20, 5), height_m=4.0, attributes={**look, "name_zh": "大门摄像机"}),
        Device("cam/2", "camera", "Inside camera", *lonlat(105, 5), height_m=2.5, building_id="house", storey_id="gf"),
        Device("charge-1", "charger", "Charger 1", *lonlat(52, -28), attributes={"connectors": 2}),
        Device("air-1", "sensor", "Air station", *lonlat(0, 60)),
        Device("door-ac", "access_control", "Front door", *lonlat(100, 5), building_id="house", storey_id="up"),
    ]


@pytest.fixture(scope="session")
def park_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The park with its tiles built; tests only read it."""
    folder = tmp_path_factory.mktemp("web") / "park"
    make_park(folder)
    return folder


def make_park(folder: Path) -> Store:
    """The park, new, in `folder`."""
    store = create_store(folder, Park("云溪 Test Park", FRAME))
    with store.transaction() as writer:
        put(writer, "boundary", "boundary", [square(-60, -60, 240)], name=["Site"])
        put(
            writer,
            "blocks",
            "building",
            [square(0, 0, 20), square(40, 20, 15)],
            name=["Block A", None],
            name_zh=["甲栋", None],
            height_m=[12.0, None],
            storeys=[None, 3],
        )
        put(
            writer,
            "roads",
            "road",
            [line((-50, -10), (150, -10)), line((30, -50), (30, 100))],
            name=["Main street", "Side street"],
            **{"class": ["primary", "service"]},
        )
        put(writer, "car parks", "parking_area", [square(45, -40, 20)], name=["P1"], name_zh=["一号停车场"])
        put(writer, "bays", "parking_bay", [square(50 + 3 * i, -30, 2.5) for i in range(4)])
        put(writer, "fence", "barrier", [line((-60, -60), (180, -60), (180, 180))])
        put(writer, "key", "key_position", [shapely.Point(*lonlat(-5, 5))], name=["North gate"], name_zh=["北门"])
        writer.put_model(house())
        writer.put_devices(devices(), source="test")
        writer.put_events(
            [
                Event(
                    "old",
                    "fire_alarm",
                    "2026-01-02T03:04:05.000Z",
                    *lonlat(10, 10),
                    1.0,
                    "alarm",
                    device_id="cam-1",
                    message_en="Old",
                    message_zh="旧",
                )
            ]
        )
    build(store)
    return store


@contextmanager
def serving(app: FastAPI) -> Iterator[httpx.Client]:
    """A client of `app`, served over a real socket; faults and the lifespan are those of the real server."""
    with free_socket("127.0.0.1", 0) as bound:
        server = uvicorn.Server(uvicorn.Config(app, **OPTIONS))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.005)
            with httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}", timeout=60) as client:
                yield client
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="session")
def serve() -> Callable[[FastAPI], AbstractContextManager[httpx.Client]]:
    """`serving`, for tests with an application of their own."""
    return serving


@pytest.fixture(scope="session")
def client(park_folder: Path) -> Iterator[httpx.Client]:
    """The server of the park."""
    with serving(create_app(park_folder)) as opened:
        yield opened


@pytest.fixture
def own_park(park_folder: Path, tmp_path: Path) -> Path:
    """A copy of the park for the test alone, to write into."""
    return Path(shutil.copytree(park_folder, tmp_path / "park"))


@pytest.fixture
def own_client(own_park: Path) -> Iterator[httpx.Client]:
    """The server of the test's own park; it looks for events every 20 ms."""
    with serving(create_app(own_park, Settings(poll_s=0.02))) as opened:
        yield opened
