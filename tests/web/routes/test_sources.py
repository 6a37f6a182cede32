"""Versions over HTTP: what each import held is there after the next, with the difference, the bodies and the file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import numpy as np
import pytest
import shapely
from fastapi import FastAPI

from importers.contract import Options
from importers.pipeline import import_files
from tiles.read import decode_glb
from twin.crs import Frame
from twin.model import Asset, Element, Georeferencing, Mesh, Model, ModelContent, Park, Space, Storey
from twin.store import Store, create_store
from web.app import create_app
from web.export import writer as exporter

FRAME = Frame(104.06, 30.54, 500.0)
FACES = np.array([
    [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
    [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
], np.uint32)  # fmt: skip
SOURCE = "大楼/v?1 #.ifc"  # what an address cannot hold as it is
OF = f"/api/sources/{quote(SOURCE, safe='')}/versions"


def model(walls: dict[str, tuple[float, float]]) -> ModelContent:
    """Walls by name: where they stand east of the origin, and how long they are. [m, enu]"""
    corners = [
        np.array(
            [[x, 0, 0], [x + long, 0, 0], [x + long, 0.2, 0], [x, 0.2, 0], [x, 0, 3], [x + long, 0, 3], [x + long, 0.2, 3], [x, 0.2, 3]]
        )
        for x, long in walls.values()
    ]
    owner = np.repeat(np.arange(len(walls), dtype=np.uint32), 12)
    faces = np.concatenate([FACES + 8 * k for k in range(len(walls))]).astype(np.uint32)
    mesh = Mesh(np.concatenate(corners), faces, owner, np.full((len(faces), 4), 200, np.uint8), list(walls))
    elements = [
        Element(name, "m", "IfcWall", name, "s", state="built", bbox=[*shape.min(0).tolist(), *shape.max(0).tolist()])
        for name, shape in zip(walls, corners, strict=True)
    ]
    room = FRAME.unproject(shapely.box(0, 0, 5, 5))
    place = Georeferencing("given", (104.06, 30.54), 500.0, 0.0, None, "")
    outline = FRAME.unproject(shapely.box(0, 0, 40, 1))
    space = Space("r", "m", "s", "101", "Office", "office", room, 500.0, 3.0, 25.0)
    return ModelContent(
        Model("m", "楼", "IFC4", "", place, outline, 500.0, 503.0), [Storey("s", "m", "1F", 0.0, 500.0)], [space], elements, mesh
    )


def put_version(store: Store, file: Path, walls: dict[str, tuple[float, float]], at: str, *, is_first: bool) -> None:
    kept = store.keep(file)
    report = {
        "file": "/somewhere/大楼.ifc", "models": ["m"], "layers": [], "devices": {},
        "issues": [{"code": "source_twice", "severity": "warning", "subject": SOURCE, "details": {"others": "x"}}],
    }  # fmt: skip
    with store.transaction() as writer:
        if not is_first:
            writer.archive_source(SOURCE)
            writer.drop_source(SOURCE)
        writer.put_model(replace(model(walls), model=replace(model(walls).model, sha256=kept)), source=SOURCE)
        writer.put_assets([Asset(SOURCE, "a/大楼.ifc", kept, file.stat().st_size)], source=SOURCE)
        writer.put_source({"name": SOURCE, "sha256": kept, "options": "", "importer": "ifc", "at": at, "report": report})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = create_store(tmp_path / "park", Park("p", FRAME))
    for k, walls in enumerate(
        [{"w1": (0, 4), "w2": (10, 4), "w3": (20, 4), "w4": (30, 4)}, {"w1": (0, 4), "w2": (10.5, 4), "w3": (20, 5)}]
    ):
        file = tmp_path / f"v{k + 1}.ifc"
        file.write_text(f"version {k + 1}")
        put_version(made, file, walls, f"2026-01-0{k + 1}T00:00:00Z", is_first=k == 0)
    return made


@pytest.fixture
def client(store: Store, serve: Callable[[FastAPI], AbstractContextManager[httpx.Client]]) -> Iterator[httpx.Client]:
    with serve(create_app(store)) as made:
        yield made


def test_sources_and_their_versions(client: httpx.Client) -> None:
    (source,) = client.get("/api/sources").json()["sources"]
    assert (source["name"], source["version"], source["versions"], source["models"], source["issues"]) == (SOURCE, 2, 2, ["m"], 1)
    versions = client.get(OF).json()["versions"]
    assert [(version["number"], version["is_current"]) for version in versions] == [(1, False), (2, True)]
    told = client.get(f"{OF}/1", headers={"accept-language": "zh"}).json()
    assert told["report"]["file"] == "大楼.ifc"  # where it lay on the server's disk is not told
    assert told["files"] == ["a/大楼.ifc"]
    assert "{" not in told["report"]["issues"][0]["message"]
    assert (
        told["report"]["issues"][0]["message"]
        != client.get(f"{OF}/1", headers={"accept-language": "en"}).json()["report"]["issues"][0]["message"]
    )


def test_the_old_version_of_a_model_is_all_there(client: httpx.Client) -> None:
    held = client.get(f"{OF}/1/models/m").json()
    assert [element["id"] for element in held["elements"]] == ["w1", "w2", "w3", "w4"]
    assert held["storeys"][0]["spaces"][0]["id"] == "r"
    tileset = client.get(f"{OF}/1/models/m/tileset.json").json()
    leaf = tileset["root"]["children"][0]
    answer = client.get(f"{OF}/1/models/m/{leaf['content']['uri']}")
    assert answer.headers["content-type"] == "model/gltf-binary"
    content = decode_glb(answer.content)
    assert content.table["id"] == ["w1", "w2", "w3", "w4"]
    assert len(content.triangles) == 48
    assert client.get(f"{OF}/2/models/m").json()["elements"][-1]["id"] == "w3"


def test_the_difference_says_what_and_where(client: httpx.Client) -> None:
    told = client.get("/api/diff", params={"source": SOURCE}).json()
    changes = {change["id"]: change for change in told["changes"]}
    assert {identity: change["kinds"] for identity, change in changes.items()} == {"w2": ["moved"], "w3": ["reshaped"], "w4": ["removed"]}
    assert told["versions"] == [1, 2]
    assert told["summary"]["unchanged"] == 3  # a wall, the storey and the room
    for identity, x in (("w2", 12.5), ("w3", 22.5), ("w4", 32.0)):
        assert FRAME.to_enu([changes[identity]["lonlat_h"]])[0, 0] == pytest.approx(x, abs=0.01)
    back = client.get("/api/diff", params={"source": "m", "from": 2, "to": 1}).json()
    assert {change["id"]: change["kinds"] for change in back["changes"]} == {"w2": ["moved"], "w3": ["reshaped"], "w4": ["added"]}


def test_bodies_that_are_gone_stand_where_they_stood(client: httpx.Client) -> None:
    tileset = client.get(f"{OF}/1/until/2/tileset.json").json()
    content = decode_glb(client.get(f"{OF}/1/until/2/{tileset['root']['children'][0]['content']['uri']}").content)
    assert content.table["id"] == ["w2", "w3", "w4"]
    root = np.array(tileset["root"]["transform"]).reshape(4, 4).T @ np.array(tileset["root"]["children"][0]["transform"]).reshape(4, 4).T
    place = np.linalg.inv(FRAME.ecef_matrix()) @ root
    corners = content.triangles.reshape(-1, 3) @ place[:3, :3].T + place[:3, 3]
    assert corners[:, 0].min() == pytest.approx(10.0, abs=0.01)
    assert corners[:, 0].max() == pytest.approx(34.0, abs=0.01)
    assert "content" not in json.dumps(client.get(f"{OF}/2/until/2/tileset.json").json()["root"])


def test_the_file_as_it_came(client: httpx.Client) -> None:
    for number in (1, 2):
        answer = client.get(f"{OF}/{number}/file")
        assert answer.text == f"version {number}"
        assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize(
    "path",
    [
        "/api/sources/none/versions",
        f"{OF}/9",
        f"{OF}/1/layers/none",
        f"{OF}/1/models/none",
        f"{OF}/1/models/none/model.glb",
        f"{OF}/1/until/7/tileset.json",
        "/api/diff?source=none",
    ],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_what_is_not_there_is_said(client: httpx.Client, path: str, lang: str) -> None:
    answer = client.get(path, headers={"accept-language": lang})
    assert answer.status_code == 404
    assert "{" not in answer.json()["detail"] + answer.json()["hint"]
    assert client.get("/api/diff", params={"source": SOURCE, "from": "x"}).status_code == 422


def features(*names: str) -> str:
    shapes = [shapely.box(104.06 + k * 1e-3, 30.54, 104.0605 + k * 1e-3, 30.5405) for k in range(len(names))]
    told = [
        {"type": "Feature", "id": name, "geometry": shapely.geometry.mapping(shape), "properties": {"building": "yes", "height": 9}}
        for name, shape in zip(names, shapes, strict=True)
    ]
    return json.dumps({"type": "FeatureCollection", "features": told})


def test_a_layer_and_a_table_of_devices_of_an_old_version(store: Store, client: httpx.Client, tmp_path: Path) -> None:
    layer, table = tmp_path / "blocks.geojson", tmp_path / "cameras.csv"
    for names, cameras in ((("a", "b", "c"), 3), (("a", "b"), 2)):
        layer.write_text(features(*names))
        table.write_text("id,kind,lon,lat,height_m\n" + "".join(f"c{k},camera,{104.06 + k * 1e-4},30.54,4\n" for k in range(cameras)))
        for outcome in import_files(store, [layer, table], Options()):
            assert outcome.error is None
    (held,) = [source for source in client.get("/api/sources").json()["sources"] if source["name"] == "blocks.geojson"]
    name = held["layers"][0]["id"]
    old = client.get(f"/api/sources/blocks.geojson/versions/1/layers/{quote(name, safe='')}").json()
    assert [feature["id"] for feature in old["features"]] == ["a", "b", "c"]
    devices = client.get("/api/sources/cameras.csv/versions/1/layers/devices").json()
    assert [device["id"] for device in devices["features"]] == ["c0", "c1", "c2"]
    told = client.get("/api/diff", params={"source": name}).json()
    assert [(change["id"], change["kinds"]) for change in told["changes"]] == [("c", ["removed"])]
    assert told["changes"][0]["lonlat_h"] is not None
    assert client.get("/api/sources/blocks.geojson/versions/1/file").status_code == 404

    def exported(form: str, wanted: str) -> Path:
        out = tmp_path / f"out-{form}"
        exporter(form)(store, wanted, out)
        return out

    found: dict[str, Any] = json.loads(exported("geojson", f"{name}@1").read_text("utf-8"))
    assert [feature["id"] for feature in found["features"]] == ["a", "b", "c"]
    found = json.loads(exported("geojson", "cameras.csv@1").read_text("utf-8"))
    assert [feature["id"] for feature in found["features"]] == ["c0", "c1", "c2"]
    assert exported("source", f"{SOURCE}@1").read_text() == "version 1"
    assert exported("source", "m").read_text() == "version 2"
