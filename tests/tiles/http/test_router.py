"""The tile server asked directly, as a server would ask it."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Iterator
from functools import partial
from urllib.parse import quote

import brotli
import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tests.asking import TILE, Reply, ask, contents_of, put_points
from tiles.build import build, tiles_folder
from tiles.files import folder_name
from tiles.http.router import TileApp
from tiles.read import decode_glb
from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park
from twin.store import create_store

GREY = (130, 130, 130, 255)
STRANGE_IDS = ["道路", "a/b c", "100%", "..", "x?y#z"]


@pytest.fixture
def put_layer(store):
    return partial(put_points, store)


@pytest.fixture(scope="module")
def standing(tmp_path_factory) -> Iterator[TileApp]:
    """A park with a layer, a built tileset and nothing that changes."""
    opened = create_store(tmp_path_factory.mktemp("standing") / "park", Park("园区", Frame(121.4, 31.2, 15.0)))
    put_points(opened, "roads", ["甲"])
    put_points(opened, "many", [f"name {k}" for k in range(100)])
    for layer_id in STRANGE_IDS:
        put_points(opened, layer_id, ["甲"])
    with opened.transaction() as writer:
        writer.put_layer(Layer("buildings", "building", "Buildings"))
        footprint = np.array([shapely.box(121.4, 31.2, 121.401, 31.201)], object)
        writer.put_features("buildings", FeatureTable(["a"], footprint), source="s")
    build(opened)
    yield TileApp(opened, keep_current=False)
    opened.close()


@pytest.fixture
def app(store) -> TileApp:
    return TileApp(store, keep_current=False)


def names_in(reply: Reply, layer: str = "roads") -> list[str]:
    return [feature["properties"]["name"] for feature in mapbox_vector_tile.decode(reply.body)[layer]["features"]]


def test_a_vector_tile(standing):
    reply = ask(standing, f"/tiles/roads/{TILE}.mvt")
    assert reply.status == 200
    assert names_in(reply) == ["甲"]
    assert reply.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["vary"] == "accept-encoding"


@pytest.mark.parametrize("layer_id", STRANGE_IDS)
def test_layer_ids_may_hold_anything(standing, layer_id):
    coded = quote(layer_id, safe="")
    assert names_in(ask(standing, f"/tiles/{coded}/{TILE}.mvt"), layer_id) == ["甲"]
    document = ask(standing, f"/tiles/{coded}.json", host="park.test").json()
    assert document["tiles"] == [f"https://park.test/tiles/{coded}/{{z}}/{{x}}/{{y}}.mvt"]
    assert document["vector_layers"][0]["id"] == layer_id


@pytest.mark.parametrize(
    ("asked", "coding"), [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("deflate", None), ("*", "br")]
)
def test_compressed_when_asked_for(standing, asked, coding):
    reply = ask(standing, f"/tiles/many/{TILE}.mvt", accept_encoding=asked)
    assert reply.headers.get("content-encoding") == coding
    undo = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding]
    assert undo(reply.body) == ask(standing, f"/tiles/many/{TILE}.mvt").body


def test_unchanged_tiles_are_not_sent_again(app, put_layer):
    put_layer("roads", ["甲"])
    first = ask(app, f"/tiles/roads/{TILE}.mvt")
    again = ask(app, f"/tiles/roads/{TILE}.mvt", if_none_match=f'"other", W/{first.headers["etag"]}')
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert ask(app, f"/tiles/roads/{TILE}.mvt", if_none_match='"other"').status == 200


def test_a_changed_park_shows_at_once(app, put_layer):
    put_layer("roads", ["甲"])
    before = ask(app, f"/tiles/roads/{TILE}.mvt")
    put_layer("roads", ["乙"])
    after = ask(app, f"/tiles/roads/{TILE}.mvt", if_none_match=before.headers["etag"])
    assert names_in(after) == names_in(ask(app, f"/tiles/roads/{TILE}.mvt")) == ["乙"]  # and so from memory
    assert after.headers["etag"] != before.headers["etag"]


def test_a_tile_without_features_is_no_error(standing):
    reply = ask(standing, "/tiles/roads/14/0/0.mvt")
    assert (reply.status, reply.body) == (204, b"")
    assert "content-length" not in reply.headers
    assert ask(standing, "/tiles/roads/14/0/0.mvt", if_none_match=reply.headers["etag"]).status == 304


@pytest.mark.parametrize(
    "path",
    [
        f"/tiles/nothing/{TILE}.mvt",
        f"/tiles/roads/{TILE}.png",
        f"/tiles/roads/{TILE}",
        "/tiles/roads/14/99999/0.mvt",
        "/tiles/roads/-1/0/0.mvt",
        "/tiles/roads/1e1/0/0.mvt",
        "/tiles/roads/٣/0/0.mvt",
        "/tiles/roads/999999999/0/0.mvt",
        "/tiles/nothing.json",
        "/tiles/",
        "/3dtiles/",
        "/3dtiles/nothing/tileset.json",
        "/terrain/0/0/0.terrain",
        "/",
    ],
)
def test_what_is_not_there_is_a_problem(standing, path):
    reply = ask(standing, quote(path), accept_language="zh-CN,zh;q=0.9,en;q=0.5")
    assert reply.status == 404
    assert reply.headers["content-type"] == "application/problem+json"
    problem = reply.json()
    assert problem["type"].startswith("/problems/")
    assert problem["status"] == 404
    assert problem["title"] == "未找到"
    assert any("一" <= letter <= "鿿" for letter in problem["detail"])


@pytest.mark.parametrize(
    "path",
    [
        "/3dtiles/../../park.gpkg",
        "/3dtiles/%2e%2e/%2e%2e/park.gpkg",
        "/3dtiles/..%2f..%2fpark.gpkg",
        "/3dtiles/buildings/..%2f..%2f..%2fpark.gpkg",
        "/3dtiles/buildings/%2e%2e/tileset.json",
        "/3dtiles/%2fetc/passwd",
        "/3dtiles/state.json",
        "/3dtiles/buildings/state.json",
        "/3dtiles/buildings/tileset.json.gz",
        "/3dtiles/buildings/..%5c..%5cpark.gpkg",
        "/3dtiles/%00/tileset.json",
    ],
)
def test_nothing_but_tiles_can_be_read(standing, path):
    assert ask(standing, path).status == 404


def test_tiles_not_built_yet_are_a_problem_too(app):
    assert ask(app, "/3dtiles/tileset.json").status == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
def test_tiles_can_only_be_read(standing, method):
    reply = ask(standing, f"/tiles/roads/{TILE}.mvt", method=method, accept_language="en")
    assert reply.status == 405
    assert reply.headers["allow"] == "GET, HEAD"
    assert reply.json()["type"] == "/problems/tile_method"


def test_head_is_get_without_a_body(standing):
    whole = ask(standing, f"/tiles/roads/{TILE}.mvt")
    head = ask(standing, f"/tiles/roads/{TILE}.mvt", method="HEAD")
    assert head.body == b""
    assert head.headers == whole.headers
    assert ask(standing, "/tiles/none/0/0/0.mvt", method="HEAD").body == b""


def test_three_d_tiles(app, store, square, put_buildings, put_model, box_mesh, model_of):
    identity = "楼/一 号"
    put_buildings({identity: square(0, 0), "b": square(80, 0)}, height_m=[9.0, 6.0])
    put_model(model_of("m", box_mesh([("w", (0, 0, 2), (15, 15, 4), GREY)]), building_id=identity))
    build(store)
    root = ask(app, "/3dtiles/tileset.json")
    assert root.headers["content-type"] == "application/json"
    assert root.headers["cache-control"] == "no-cache"
    addresses = [child["content"]["uri"] for child in root.json()["root"]["children"]]
    assert addresses == ["buildings/tileset.json", f"{folder_name(identity)}/tileset.json"]
    assert all(ask(app, f"/3dtiles/{address}").status == 200 for address in addresses)

    coded = quote(identity, safe="")
    tileset = ask(app, f"/3dtiles/{coded}/tileset.json").json()
    leaf = next(contents_of(tileset["root"]))
    for address in (f"/3dtiles/{coded}/{leaf}", f"/3dtiles/{folder_name(identity)}/{leaf}"):
        tile = ask(app, address)
        assert tile.headers["content-type"] == "model/gltf-binary"
        assert tile.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert decode_glb(tile.body).table["id"] == ["w"]
        packed = ask(app, address, accept_encoding="br")
        assert packed.headers["content-encoding"] == "br"
        assert brotli.decompress(packed.body) == tile.body
        assert ask(app, address, if_none_match=tile.headers["etag"]).status == 304


def test_a_missing_compressed_form_is_made_again(app, store, square, put_buildings):
    put_buildings({"a": square(0, 0)})
    build(store)
    packed = list(tiles_folder(store.path).rglob("*.br"))
    for path in packed:
        path.unlink()
    reply = ask(app, "/3dtiles/buildings/tileset.json", accept_encoding="br")
    assert reply.headers["content-encoding"] == "br"
    assert json.loads(brotli.decompress(reply.body))["asset"]["version"] == "1.1"
    assert (tiles_folder(store.path) / "buildings" / "tileset.json.br").read_bytes() == reply.body


def test_three_d_tiles_are_built_when_they_are_missing_or_old(store, square, put_buildings):
    app = TileApp(store)
    put_buildings({"a": square(0, 0)})
    first = ask(app, "/3dtiles/buildings/tileset.json").json()
    put_buildings({"a": square(0, 0), "b": square(500, 0)})
    ask(app, "/3dtiles/buildings/tileset.json")
    asyncio.run(app.trees.wait())  # what is being built is done
    second = ask(app, "/3dtiles/buildings/tileset.json").json()
    assert second["root"]["boundingVolume"]["box"][3] > first["root"]["boundingVolume"]["box"][3] + 200


def test_a_failed_rebuild_is_not_tried_at_every_request(store, square, put_buildings, monkeypatch, caplog):
    tried = []

    def fail(_store):
        tried.append(1)
        raise OSError("disk full")

    monkeypatch.setattr("tiles.http.trees.build", fail)
    app = TileApp(store)
    put_buildings({"a": square(0, 0)})
    assert [ask(app, "/3dtiles/tileset.json").status for _ in range(3)] == [404] * 3
    assert len(tried) == 1
    assert "could not be rebuilt" in caplog.text


def test_mounted_under_another_path(store, put_layer):
    put_layer("roads", ["甲"])
    app = TileApp(store, keep_current=False)
    assert ask(app, f"/twin/tiles/roads/{TILE}.mvt", root="/twin").status == 200
    assert ask(app, "/twin/tiles/roads.json", root="/twin").json()["tiles"] == ["/twin/tiles/roads/{z}/{x}/{y}.mvt"]
