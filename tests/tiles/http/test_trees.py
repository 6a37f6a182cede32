"""3D Tiles that are lost, cut short or changed under the server: named, and there again with the next run."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import subprocess
import sys
import time

import brotli
import pytest

from tests.asking import ask, contents_of, needs_mount
from tiles.build import build, is_current, tiles_folder
from tiles.files import folder_name
from tiles.http.router import TileApp

GREY = (130, 130, 130, 255)
HARMS = [
    pytest.param(lambda path: path.unlink(), id="lost"),
    pytest.param(lambda path: path.write_bytes(b""), id="empty"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]), id="half"),
    pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\xff\x00"), id="other end"),
    pytest.param(lambda path: path.write_bytes(bytes(path.stat().st_size)), id="zeros"),
]

ON_ITS_OWN_DISK = """
import logging, pathlib, sys, time
from tests.asking import ask
from tiles.http import trees
from tiles.http.router import TileApp
from twin.store import open_store
logging.basicConfig(stream=sys.stdout, format="%(message)s")
park, address = pathlib.Path(sys.argv[1]), sys.argv[2]
app = TileApp(open_store(park), keep_current=False)
ballast = park / "tiles" / "ballast"

def fill():
    with ballast.open("wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass

for name in ("fill", "free"):
    if name == "fill" and sys.argv[3] == "full":
        fill()
    if name == "free" and sys.argv[3] == "full":
        ballast.unlink()
        trees.RETRY_S, app.trees._pack_after = 0.0, time.monotonic()
    replies = [ask(app, address, accept_encoding="br") for _ in range(3)]
    print(name, {(reply.status, reply.headers.get("content-encoding")) for reply in replies})
"""


@pytest.fixture
def built(store, put_model, box_mesh, model_of, put_buildings, square):
    """A park with a building that has a model, and one of its tiles: its path on disk and its address."""
    put_buildings({"楼": square(0, 0), "block": square(80, 0)})
    put_model(model_of("m", box_mesh([(f"w{k}", (k, 0, 2), (0.5, 15, 4), GREY) for k in range(6)]), building_id="楼"))
    build(store)
    folder = tiles_folder(store.path) / folder_name("楼")
    path = max(folder.glob("*.glb"), key=lambda path: path.name)
    return store, path, f"/3dtiles/{folder.name}/{path.name}"


def wait_until(is_so, seconds=20.0):
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.parametrize("harm", HARMS)
def test_a_tile_is_built_again(built, harm):
    store, path, address = built
    content = path.read_bytes()
    harm(path)
    app = TileApp(store)
    told = ask(app, address, accept_language="zh-CN")
    assert told.status == 404
    assert told.json()["type"] == "/problems/tile_lost_mending"
    assert path.name in told.json()["detail"]
    assert "正在重新生成" in told.json()["detail"]
    coarser = ask(app, f"/3dtiles/{path.parent.name}/tileset.json")
    assert coarser.status == 200
    for other in contents_of(coarser.json()["root"]):
        assert other == path.name or ask(app, f"/3dtiles/{path.parent.name}/{other}").status == 200
    asyncio.run(app.trees.wait())
    again = ask(app, address)
    assert (again.status, again.body) == (200, content)
    assert is_current(store)


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(("coding", "suffix", "undo"), [("br", ".br", brotli.decompress), ("gzip", ".gz", gzip.decompress)])
def test_a_packed_form_is_packed_again(built, harm, coding, suffix, undo):
    store, path, address = built
    packed = path.with_name(path.name + suffix)
    whole = packed.read_bytes()
    harm(packed)
    reply = ask(TileApp(store, keep_current=False), address, accept_encoding=coding)
    assert (reply.status, reply.headers["content-encoding"]) == (200, coding)
    assert undo(reply.body) == path.read_bytes()
    assert packed.read_bytes() == whole


@pytest.mark.parametrize("harm", HARMS)
def test_a_tileset_is_built_again(built, harm):
    store, path, _ = built
    tileset = path.with_name("tileset.json")
    before = tileset.read_bytes()
    harm(tileset)
    app = TileApp(store)
    address = f"/3dtiles/{path.parent.name}/tileset.json"
    if harm is not HARMS[0].values[0]:
        assert ask(app, "/3dtiles/tileset.json").status == 200
    assert ask(app, address).status in {200, 404}  # 404 unless the builder was faster
    asyncio.run(app.trees.wait())
    wait_until(lambda: ask(app, address).status == 200)
    assert ask(app, address).body == before


def test_without_a_builder_the_person_is_told_what_to_do(built):
    store, path, address = built
    path.unlink()
    told = ask(TileApp(store, keep_current=False), address, accept_language="en").json()
    assert told["type"] == "/problems/tile_lost"
    assert "twin tiles" in told["hint"]


def test_what_never_was_is_not_built(built):
    store, path, _ = built
    app = TileApp(store)
    assert ask(app, "/3dtiles/tileset.json").status == 200
    stranger = hashlib.blake2b(b"x", digest_size=16).hexdigest() + ".glb"
    told = ask(app, f"/3dtiles/{path.parent.name}/{stranger}")
    assert told.json()["type"] == "/problems/tileset_missing"


def test_damage_is_named_in_the_log(built, caplog):
    store, path, address = built
    path.write_bytes(b"glTF")
    assert ask(TileApp(store, keep_current=False), address).status == 404
    assert path.name in caplog.text
    assert "瓦片与写入时不同" in caplog.text or "not what was written" in caplog.text


def test_what_changed_is_not_sent_from_disk_though_its_length_is_the_same(built):
    store, path, address = built
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert ask(TileApp(store, keep_current=False), address).status == 404


def test_a_failed_build_is_tried_again_after_a_while(store, put_buildings, square, monkeypatch):
    monkeypatch.setattr("tiles.http.trees.RETRY_S", 0.3)
    put_buildings({"a": square(0, 0)})
    (store.path / "tiles").mkdir(exist_ok=True)
    in_the_way = tiles_folder(store.path)
    in_the_way.write_bytes(b"")  # a file where the folder is to be
    app = TileApp(store)
    assert ask(app, "/3dtiles/tileset.json").status in {404, 503}
    in_the_way.unlink()
    wait_until(lambda: ask(app, "/3dtiles/tileset.json").status == 200)


def test_old_tiles_are_served_while_another_program_builds(built, put_buildings, square, monkeypatch):
    store, _, _ = built
    app = TileApp(store)
    before = ask(app, "/3dtiles/buildings/tileset.json").body
    begun = []
    monkeypatch.setattr("tiles.http.trees.build", lambda _store: begun.append(1) or time.sleep(0.5))
    put_buildings({"楼": square(0, 0), "block": square(80, 0), "new": square(500, 0)})
    began = time.monotonic()
    assert [ask(app, "/3dtiles/buildings/tileset.json").body for _ in range(5)] == [before] * 5
    assert time.monotonic() - began < 0.4
    asyncio.run(app.trees.wait())
    assert len(begun) == 1


def on_its_own_disk(store, address, mount, kind):
    """What is logged and answered on a disk that is full or cannot be written, then (where it was full) has room again."""
    run = f"{mount} && exec {sys.executable} -c '{ON_ITS_OWN_DISK}' {store.path} {address} {kind}"
    told = subprocess.run(
        ["unshare", "-rm", "sh", "-c", run], capture_output=True, text=True, check=True, env=os.environ | {"LC_ALL": "en_US.UTF-8"}
    )
    return told.stdout.strip().splitlines()


@needs_mount
def test_on_a_full_disk_tiles_are_served_as_they_are(built, tmp_path):
    store, path, address = built
    path.with_name(path.name + ".br").unlink()
    tiles, aside = store.path / "tiles", tmp_path / "aside"
    mount = f"cp -r {tiles} {aside} && mount -t tmpfs -o size=8m tmpfs {tiles} && cp -r {aside}/. {tiles}"
    warning, full, free = on_its_own_disk(store, address, mount, "full")
    assert "No space left on device" in warning
    assert full == "fill {(200, None)}"
    assert free == "free {(200, 'br')}"


@needs_mount
def test_on_a_disk_that_cannot_be_written_tiles_are_served_as_they_are(built):
    store, path, address = built
    path.with_name(path.name + ".br").write_bytes(b"half")
    tiles = store.path / "tiles"
    warnings = on_its_own_disk(store, address, f"mount --bind {tiles} {tiles} && mount -o remount,bind,ro {tiles}", "read-only")
    *warnings, first, second = warnings
    assert (first, second) == ("fill {(200, None)}", "free {(200, None)}")
    assert sum("not what was written" in line for line in warnings) == 1
    assert len(warnings) == 1


def test_what_the_disk_does_not_give_is_named(built):
    store, path, address = built
    packed = path.with_name(path.name + ".br")
    packed.unlink()
    packed.symlink_to(packed.name)
    assert "content-encoding" not in ask(TileApp(store, keep_current=False), address, accept_encoding="br").headers
    for suffix in ("", ".br", ".gz"):
        form = path.with_name(path.name + suffix)
        form.unlink()
        form.symlink_to(form.name)  # a link to itself cannot be opened by anybody
    told = ask(TileApp(store, keep_current=False), address, accept_language="en")
    assert told.status == 503
    assert path.name in told.json()["detail"]
    assert "symbolic links" in told.json()["detail"]
