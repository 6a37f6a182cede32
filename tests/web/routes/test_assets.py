"""Files that came with a source, and tilesets around the ones that came as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from importers.contract import Options
from importers.pipeline import import_files
from tiles.http.registered import source_key, with_single_contents
from twin.crs import Frame
from twin.model import Park
from twin.store import Store, create_store
from web.app import create_app

FRAME = Frame(104.06, 30.54, 500.0)
BOX = {"box": [0, 0, 5, 20, 0, 0, 0, 10, 0, 0, 0, 5]}


def tileset(folder: Path, root: dict[str, Any]) -> Path:
    folder.mkdir()
    for name in ("a.glb", "b.glb", "c.glb"):
        (folder / name).write_bytes(b"glTF" + name.encode())
    path = folder / "tileset.json"
    path.write_text(json.dumps({"asset": {"version": "1.1"}, "geometricError": 8, "root": root}))
    return path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return create_store(tmp_path / "park", Park("p", FRAME))


@pytest.fixture
def client(store: Store, serve: Callable[[FastAPI], AbstractContextManager[httpx.Client]]) -> Iterator[httpx.Client]:
    with serve(create_app(store)) as made:
        yield made


def test_a_registered_tileset_is_served_moved_and_as_it_came(store: Store, client: httpx.Client, tmp_path: Path) -> None:
    path = tileset(tmp_path / "斜 摄影", {"boundingVolume": BOX, "geometricError": 8, "content": {"uri": "a.glb"}})
    (outcome,) = import_files(store, [path], Options(place="104.061,30.541,512,30"))
    assert outcome.error is None
    layers = {layer["id"]: layer for layer in client.get("/api/scene").json()["layers"]}
    (address,) = [layer["data"] for name, layer in layers.items() if name.startswith("mesh/")]
    around = client.get(address).json()["root"]
    expected = (Frame(104.061, 30.541, 512).ecef_matrix()[:3, 3]).tolist()
    assert around["transform"][12:15] == pytest.approx(expected, abs=1e-6)
    assert around["boundingVolume"] == BOX
    inner = client.get("/files/" + around["content"]["uri"].split("/files/")[1])
    assert inner.json()["root"]["content"] == {"uri": "a.glb"}
    key = source_key("斜 摄影/tileset.json")
    tile = client.get(f"/files/{key}/a.glb")
    assert (tile.content, tile.headers["content-type"]) == (b"glTFa.glb", "model/gltf-binary")
    assert client.get(f"/files/{key}/a.glb", headers={"if-none-match": tile.headers["etag"]}).status_code == 304
    assert client.get(f"/files/{key}/a.glb", headers={"range": "bytes=4-6"}).content == b"a.g"


@pytest.mark.parametrize("name", ["../../park.gpkg", "%2e%2e/park.gpkg", "nothing.glb", "a.glb/../../../park.toml"])
def test_nothing_else_is_served(store: Store, client: httpx.Client, tmp_path: Path, name: str) -> None:
    path = tileset(tmp_path / "t", {"boundingVolume": BOX, "geometricError": 8, "content": {"uri": "a.glb"}})
    import_files(store, [path], Options(place="104.061,30.541"))
    answer = client.get(f"/files/{source_key('t/tileset.json')}/{name}")
    assert answer.status_code == 404


def test_two_tilesets_of_one_file_name_live_side_by_side(store: Store, client: httpx.Client, tmp_path: Path) -> None:
    root = {"boundingVolume": BOX, "geometricError": 8, "content": {"uri": "a.glb"}}
    outcomes = import_files(store, [tileset(tmp_path / "east", root)], Options(place="104.061,30.541"))
    outcomes += import_files(store, [tileset(tmp_path / "west", root)], Options(place="104.059,30.541"))
    assert not [outcome.error for outcome in outcomes if outcome.error]
    meshes = [layer["id"] for layer in client.get("/api/scene").json()["layers"] if layer["id"].startswith("mesh/")]
    assert meshes == ["mesh/east/east", "mesh/west/west"]


def shown(tile: dict[str, Any], error: float) -> set[str]:
    """The contents a viewer draws when it refines every tile whose error is above `error`."""
    contents = {content["uri"] for content in tile.get("contents", [tile["content"]] if "content" in tile else [])}
    children = tile.get("children", [])
    if tile["geometricError"] <= error or not children:
        return contents
    below = set().union(*(shown(child, error) for child in children))
    return below | (contents if tile.get("refine") == "ADD" else set())


@pytest.mark.parametrize("refine", ["ADD", "REPLACE"])
@pytest.mark.parametrize("error", [0.5, 4.0, 20.0])
def test_several_contents_become_tiles_that_show_the_same(refine: str, error: float) -> None:
    child = {"boundingVolume": BOX, "geometricError": 0.0, "contents": [{"uri": "c"}, {"uri": "d"}]}
    root = {"boundingVolume": BOX, "geometricError": 8.0, "refine": refine, "contents": [{"uri": "a"}, {"uri": "b"}], "children": [child]}
    single = with_single_contents({"asset": {}, "root": root})["root"]
    assert "contents" not in json.dumps(single)
    assert shown(single, error) == shown(root, error)
