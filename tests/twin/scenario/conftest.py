"""A small park: level ground, two blocks, four cameras of every kind and an access point."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.model import Device, FeatureTable, Layer, Park
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)


def lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0].tolist()
    return lon, lat


def camera(name: str, x: float, y: float, **attributes: Any) -> Device:
    optics = {"azimuth_deg": 0.0, "tilt_deg": 25.0, "hfov_deg": 70.0, "vfov_deg": 45.0, "pixels_w": 3840, "pixels_h": 2160} | attributes
    own = {key: value for key, value in optics.items() if value is not None}
    return Device(name, "camera", name, *lonlat(x, y), height_m=5.0, source="cams.csv", attributes=own)


def fill(store: Store) -> Store:
    with store.transaction() as writer:
        for kind, shapes, columns in (
            ("boundary", [shapely.box(-30, -30, 30, 30)], {}),
            ("building", [shapely.box(-12, 2, -2, 10), shapely.box(6, -14, 12, 3)], {"height_m": [4.0, 9.0]}),
        ):
            writer.put_layer(Layer(kind, kind, kind))
            geometry = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
            writer.put_features(kind, FeatureTable([f"{kind}-{i}" for i in range(len(shapes))], geometry, columns), source="map.geojson")
        writer.put_devices(
            [
                camera("north", 0, -10), camera("east", -20, -5, azimuth_deg=90.0), camera("blind", 20, 20, azimuth_deg=None),
                camera("turning", 15, 18, ptz="ptz", presets='[{"azimuth_deg": 200}, {"azimuth_deg": 260, "tilt_deg": 40}]'),
            ],
            source="cams.csv",
        )  # fmt: skip
        writer.put_devices([Device("ap", "wifi_ap", "ap", *lonlat(0, 0))], source="aps.csv")
        for name in ("cams.csv", "aps.csv"):
            record = {"name": name, "sha256": name, "options": "", "importer": "devices", "at": "2026-01-01", "report": {"issues": []}}
            writer.put_source(record)
    return store


@pytest.fixture
def park(tmp_path: Path) -> Store:
    return fill(create_store(tmp_path / "park", Park("p", FRAME)))


@pytest.fixture(scope="session")
def shared_park(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """The same, only read."""
    return fill(create_store(tmp_path_factory.mktemp("scenario") / "park", Park("p", FRAME)))
