"""Terrain, buildings and devices in the park's frame."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import shapely

from twin.buildings import buildings
from twin.crs import Frame
from twin.devices import attribute, positions
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Storey, Terrain
from twin.store import Store, create_store
from twin.terrain import ground_height, ground_z, height_at

FRAME = Frame(104.06, 30.54, 500.0)
PLANE = Terrain(-100.0, -100.0, 10.0, np.fromfunction(lambda i, j: 510 + 0.5 * j - 0.25 * i, (21, 21)).astype(np.float32))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "park", Park("p", FRAME))


def lonlat(x: float, y: float) -> tuple[float, float]:
    lon, lat, _ = FRAME.to_lonlat([[x, y, 0]])[0]
    return float(lon), float(lat)


def box(x: float, y: float, size: float) -> shapely.Polygon:
    return FRAME.unproject(shapely.box(x, y, x + size, y + size))


def test_a_plane_is_read_off_exactly() -> None:
    xy = np.random.default_rng(1).uniform(-100, 100, (50, 2))
    expected = 510 + 0.5 * (xy[:, 0] + 100) / 10 - 0.25 * (xy[:, 1] + 100) / 10
    assert np.allclose(height_at(PLANE, xy), expected, atol=1e-4)


def test_outside_the_grid_nothing_is_known_but_the_ground_goes_on() -> None:
    park = Park("p", FRAME)
    assert np.isnan(height_at(PLANE, [[500, 0]])).all()
    assert ground_height(park, PLANE, [[500, 0]])[0] == pytest.approx(height_at(PLANE, [[100, 0]])[0])
    assert ground_height(park, None, [[500, 0]])[0] == 500.0
    assert ground_z(park, None, [[0, 0]])[0] == pytest.approx(0.0, abs=1e-6)
    # one kilometre away the same height lies 1000² / 2R = 7.8 cm lower in a plane that touches the ellipsoid
    assert ground_z(park, None, [[1000, 0]])[0] == pytest.approx(-0.0784, abs=1e-3)


def test_heights_of_buildings_come_from_what_is_known(store: Store) -> None:
    shapes = np.array([box(0, 0, 20), box(40, 0, 20), box(80, 0, 20), shapely.Point(104.06, 30.54)], object)
    columns = {"height_m": [12.0, None, None, 3.0], "storeys": [None, 4, None, None], "base_m": [505.0, None, None, None]}
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", FeatureTable(["h", "s", "n", "point"], shapes, columns), source="a")
        writer.put_terrain(PLANE, source="t")
    found = {building.id: building for building in buildings(store)}
    assert set(found) == {"h", "s", "n"}
    assert (found["h"].height_m, found["h"].base_h_m) == (12.0, 505.0)
    assert found["s"].height_m == pytest.approx(4 * 3.3)
    assert found["n"].attributes["height_source"] == "default"
    assert found["s"].base_h_m == pytest.approx(float(height_at(PLANE, [[50, 10]])[0]), abs=0.01)


def model_on(outline: shapely.Polygon, model_id: str, building_id: str | None = None) -> ModelContent:
    place = Georeferencing("none", None, 0.0, 0.0, None, "")
    model = Model(model_id, model_id, "IFC4", "0", place, outline, 500.0, 510.0, building_id)
    mesh = Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.uint32), np.zeros(0, np.uint32), np.zeros((0, 4), np.uint8), [])
    return ModelContent(model, [Storey(f"{model_id}-1F", model_id, "1F", 0.0, 507.0)], [], [Element("e", model_id, "IfcWall", "w")], mesh)


def test_a_model_belongs_to_the_building_it_stands_on(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        writer.put_features("b", FeatureTable(["one", "two"], np.array([box(0, 0, 20), box(40, 0, 20)], object)), source="a")
        writer.put_model(model_on(box(1, 1, 18), "inside"))
        writer.put_model(model_on(box(200, 0, 20), "alone"))
        writer.put_model(model_on(box(300, 0, 20), "named", "two"))
    found = {building.id: building.model_ids for building in buildings(store)}
    assert found == {"one": ("inside",), "two": ("named",), "alone": ("alone",)}


def test_where_devices_are(store: Store) -> None:
    with store.transaction() as writer:
        writer.put_model(model_on(box(0, 0, 20), "m"))
    lon, lat = lonlat(10, 10)
    listed = [
        Device("ground", "camera", "", lon, lat, height_m=4.0),
        Device("floor", "wifi_ap", "", lon, lat, height_m=2.5, storey_id="m-1F"),
        Device("absolute", "cell", "", lon, lat, height_m=9.0, z_m=530.0),
        Device("assumed", "camera", "", lon, lat),
    ]
    z = positions(store, listed)[:, 2]
    assert z == pytest.approx([4.0, 9.5, 30.0, 3.5], abs=1e-3)


def test_assumed_attributes_are_marked() -> None:
    camera = Device("c", "camera", "", 0, 0, attributes={"hfov_deg": 60.0})
    assert attribute(camera, "hfov_deg") == (60.0, False)
    assert attribute(camera, "pixels_w") == (1920, True)
    assert attribute(camera, "azimuth_deg") == (None, False), "a direction is never assumed"
