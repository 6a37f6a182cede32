"""Ground, lines and clouds from the store to the tiles that are served."""

from __future__ import annotations

import json

import numpy as np
import shapely

from tiles.build import build, is_current, tiles_folder
from tiles.files import folder_name
from tiles.read import read_tileset
from tiles.sources.clouds import kept_clouds
from tiles.sources.ground import TERRAIN
from twin.model import Asset, FeatureTable, Layer, Terrain
from twin.points import POINT, STEP_M, write_points


def put(store, frame, *, deep: float = 1.2) -> None:
    lines = [frame.unproject(shapely.LineString([(0, 10 * k), (80, 10 * k + 5)])) for k in range(3)]
    pipes = FeatureTable(
        ["a", "b", "c"], np.array([*lines[:2], frame.unproject(shapely.Point(0, 0))], object), {"depth_m": [deep, None, 1.0]}
    )
    y, x = np.mgrid[0:300, 0:300] * 1.0
    with store.transaction() as writer:
        writer.put_layer(Layer("pipes", "pipe", "pipes"))
        writer.put_features("pipes", pipes, source="p")
        writer.put_terrain(Terrain(-150.0, -150.0, 1.0, (15 + np.sin(x / 9) * np.cos(y / 12)).astype(np.float32)), source="t")


def put_cloud(store, frame, tmp_path, count: int = 5000) -> np.ndarray:
    points = np.zeros(count, POINT)
    points["xyz"] = np.random.default_rng(0).integers(-300_000, 300_000, (count, 3))
    path = tmp_path / "scan.laz.points"
    write_points(path, np.zeros(3), [points], lambda: "none")
    outline = frame.unproject(shapely.box(-30, -30, 30, 30))
    with store.transaction() as writer:
        writer.put_layer(Layer("clouds", "point_cloud", "clouds"))
        columns = {"asset": ["scan.laz", "older.laz"], "asset_source": ["scan.laz", None]}
        writer.put_features("clouds", FeatureTable(["scan.laz", "older.laz"], np.array([outline] * 2, object), columns), source="scan.laz")
        writer.put_assets([Asset("scan.laz", path.name, store.keep(path), path.stat().st_size)], source="scan.laz")
    return points


def test_each_kind_of_content_has_a_tileset(store, frame, tmp_path, decode_plain):
    put(store, frame)
    points = put_cloud(store, frame, tmp_path)
    report = build(store)
    parts = {part.id: part for part in report.parts}
    assert {"pipes", "clouds", TERRAIN} <= set(parts)
    assert parts["pipes"].left_out == ["c"]
    assert parts["clouds"].left_out == ["older.laz"]
    folder = tiles_folder(store.path)
    (tile,) = read_tileset(folder / folder_name("pipes") / "tileset.json")
    assert sorted(tile.content.table["id"]) == ["a", "b"]
    assert dict(zip(tile.content.table["id"], tile.content.table["assumed"], strict=True)) == {"a": "diameter_m", "b": "diameter_m cover_m"}
    assert set(tile.content.table["layer"]) == {"pipes"}
    document = json.loads((folder / TERRAIN / "tileset.json").read_text())
    assert document["asset"]["version"] == "1.1"
    assert document["root"]["refine"] == "REPLACE"
    clouds = folder / folder_name("clouds")
    assert json.loads((clouds / "tileset.json").read_text())["root"]["refine"] == "ADD"
    found = [decode_plain((clouds / name).read_bytes())["POSITION"] for name in parts["clouds"].files]
    assert sum(map(len, found)) == len(points)
    assert STEP_M * np.abs(points["xyz"]).max() < 31


def test_what_did_not_change_is_not_built_again(store, frame, tmp_path):
    put(store, frame)
    put_cloud(store, frame, tmp_path)
    build(store)
    assert is_current(store)
    assert build(store).rebuilt == ()
    put(store, frame, deep=2.0)
    again = build(store)
    assert set(again.rebuilt) == {folder_name("pipes")}


def test_a_cloud_without_points_is_told_apart(store, frame, tmp_path):
    put_cloud(store, frame, tmp_path)
    (layer,) = [layer for layer in store.layers() if layer.kind == "point_cloud"]
    assert list(kept_clouds(store, layer)) == ["scan.laz"]
