"""The scene: pydeck's JSON says what is drawn, from nowhere else."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.model import DEVICE_KINDS, LAYER_KINDS, Asset, FeatureTable, Layer, Park, Terrain
from twin.points import POINT, write_points
from twin.store import create_store, open_store
from web.answers.layers import feature_answer
from web.scene import scene
from web.styles import device_style, layer_style


@pytest.fixture(scope="module")
def document(client: httpx.Client) -> dict[str, Any]:
    return client.get("/api/scene").json()


def by_id(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {layer["id"]: layer for layer in document["layers"]}


def test_every_part_of_the_park_has_its_layer(document: dict[str, Any]) -> None:
    kinds = {name: layer["@@type"] for name, layer in by_id(document).items()}
    vectors = {f"layer/{name}" for name in ("boundary", "roads", "car parks", "bays", "fence", "key")}
    assert {name for name, kind in kinds.items() if kind == "MVTLayer"} == vectors
    assert {name for name, kind in kinds.items() if kind == "ParkTileset"} == {"buildings", "model/house"}
    assert {name for name in kinds if name.startswith("devices/")} == {
        "devices/access_control",
        "devices/camera",
        "devices/charger",
        "devices/sensor",
    }
    assert len(kinds) == len(document["layers"])


def test_what_lies_on_top_is_drawn_last(document: dict[str, Any]) -> None:
    order = [layer["id"] for layer in document["layers"]]
    assert order.index("layer/roads") < order.index("layer/car parks") < order.index("layer/bays") < order.index("layer/key")
    assert order.index("layer/key") < order.index("buildings") < order.index("devices/camera")


def test_nothing_is_read_from_another_server(document: dict[str, Any]) -> None:
    assert not re.search(r"https?:|//[a-z]", json.dumps(document))
    assert "mapStyle" not in document
    assert "mapProvider" not in document
    for layer in document["layers"]:
        assert layer["data"].startswith("/")


def test_literals_are_literals_and_accessors_expressions(document: dict[str, Any]) -> None:
    road = by_id(document)["layer/roads"]
    assert road["lineWidthUnits"] == "meters"
    assert road["uniqueIdProperty"] == "id"
    assert road["getLineWidth"].startswith("@@=properties.class === 'motorway' ? 15 : ")
    assert by_id(document)["devices/camera"]["getPosition"] == "@@=[lon, lat, h_m]"
    assert by_id(document)["layer/boundary"]["getLineWidth"] == 2.0
    assert road["data"] == "/tiles/roads/{z}/{x}/{y}.mvt"
    assert by_id(document)["layer/car parks"]["data"] == "/tiles/car%20parks/{z}/{x}/{y}.mvt"


def test_device_data_is_a_list(client: httpx.Client, document: dict[str, Any]) -> None:
    cameras = client.get(by_id(document)["devices/camera"]["data"]).json()
    assert [camera["id"] for camera in cameras] == ["cam-1", "cam/2"]
    assert all({"lon", "lat", "h_m"} <= set(camera) for camera in cameras)


def test_tilesets_and_tiles_of_the_scene_are_there(client: httpx.Client, document: dict[str, Any]) -> None:
    for layer in document["layers"]:
        if layer["@@type"] == "ParkTileset":
            assert client.get(layer["data"]).json()["asset"]["version"] == "1.1"


def test_inline_scene_holds_its_devices(park_folder: Path) -> None:
    inline = by_id(scene(open_store(park_folder), inline=True))
    assert [device["id"] for device in inline["devices/camera"]["data"]] == ["cam-1", "cam/2"]


def test_view_is_that_of_the_park(client: httpx.Client, document: dict[str, Any]) -> None:
    home = client.get("/api/park").json()["home"]
    assert {name: document["initialViewState"][name] for name in home} == home


def test_an_empty_park_has_a_scene(tmp_path: Path) -> None:
    store = create_store(tmp_path / "empty", Park("empty", Frame(8.5, 47.4)))
    document = scene(store)
    assert document["layers"] == []
    assert document["initialViewState"]["longitude"] == 8.5


def test_every_kind_has_a_style_in_both_languages() -> None:
    drawn_otherwise = {"model", "mesh", "point_cloud"}
    for kind in LAYER_KINDS:
        style = layer_style(kind)
        assert kind in drawn_otherwise or kind == "other" or style.title_en != layer_style("other").title_en
        assert any("\u4e00" <= letter <= "\u9fff" for letter in style.title_zh)
        for color in (style.fill, style.line, style.dark_fill or style.fill):
            assert len(color) == 4
            assert all(0 <= part <= 255 for part in color)
    for kind in DEVICE_KINDS:
        assert device_style(kind).title_zh
        assert kind == "other" or device_style(kind).title_en != device_style("other").title_en


def with_lines_and_cloud(store: Any, tmp_path: Path, *, nodes: int) -> None:
    """Pipes, a cloud whose points are kept beside one whose points are not, and a terrain of so many nodes a side."""
    path = tmp_path / "scan.laz.points"
    write_points(path, np.zeros(3), [np.zeros(3, POINT)], lambda: "rgb")
    frame = store.park().frame
    line, area = frame.unproject(shapely.LineString([(0, 0), (50, 0)])), frame.unproject(shapely.box(0, 0, 9, 9))
    columns = {"asset": ["scan.laz"], "asset_source": ["scan.laz"], "points_per_sqm": [16.0], "z_min_m": [3.5], "z_max_m": [30.0]}
    with store.transaction() as writer:
        for name, kind, shape in (("gas & water", "pipe", line), ("kerbs", "barrier", line), ("old", "point_cloud", area)):
            writer.put_layer(Layer(name, kind, name))
            writer.put_features(name, FeatureTable(["f"], np.array([shape], object), {}), source="s")
        writer.put_layer(Layer("clouds", "point_cloud", "clouds"))
        writer.put_features("clouds", FeatureTable(["scan.laz"], np.array([area], object), columns), source="scan.laz")
        writer.put_assets([Asset("scan.laz", path.name, store.keep(path), path.stat().st_size)], source="scan.laz")
        writer.put_terrain(Terrain(-50.0, -50.0, 1.0, np.zeros((nodes, nodes), np.float32)), source="t")


def test_tubes_points_and_ground_have_their_tilesets(tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("p", Frame(8.5, 47.4)))
    with_lines_and_cloud(store, tmp_path, nodes=400)
    drawn = by_id(scene(store))
    assert drawn["terrain"]["@@type"] == "TerrainTileset"
    assert drawn["terrain"]["data"] == "/terrain/tileset.json"
    assert {name for name in drawn if name.startswith("tubes/")} == {"tubes/gas & water"}
    assert drawn["tubes/gas & water"]["data"] == "/3dtiles/gas%20%26%20water/tileset.json"
    assert {name for name in drawn if name.startswith("points/")} == {"points/clouds"}
    cloud = drawn["points/clouds"]
    assert (cloud["@@type"], cloud["spacing"], cloud["heights"], cloud["feature"]) == ("PointTileset", 0.25, [3.5, 30.0], "scan.laz")
    assert {"layer/gas & water", "layer/clouds", "layer/old"} <= set(drawn)  # what they are switched with
    order = list(drawn)
    assert order.index("layer/gas & water") < order.index("terrain") < order.index("tubes/gas & water") < order.index("points/clouds")


def test_a_page_without_a_server_and_a_small_ground_go_without(tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("p", Frame(8.5, 47.4)))
    with_lines_and_cloud(store, tmp_path, nodes=100)
    assert "terrain" not in by_id(scene(store))
    assert not [name for name in by_id(scene(store, inline=True)) if name.startswith(("tubes/", "points/", "terrain"))]


def test_a_pipe_tells_what_it_is_drawn_with_because_nobody_said(tmp_path: Path) -> None:
    store = create_store(tmp_path / "park", Park("p", Frame(8.5, 47.4)))
    with_lines_and_cloud(store, tmp_path, nodes=100)
    pipe = feature_answer(store, "gas & water", "f")["properties"]
    assert pipe["assumed_diameter_m"] == 0.2
    assert pipe["assumed_cover_m"] == 1.0
    assert not [name for name in feature_answer(store, "kerbs", "f")["properties"] if name.startswith("assumed")]
