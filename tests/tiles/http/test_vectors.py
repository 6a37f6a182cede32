"""Vector tiles as they are served: encoded once, for all who ask, and kept while their layer stays as it is."""

from __future__ import annotations

import asyncio
import gzip
import subprocess
import sys
import threading
import time

import brotli
import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from tests.asking import TILE, answer_to, ask, put_points
from tiles.http.router import TileApp
from tiles.http.vectors import content_of
from tiles.mvt import VectorTiles
from twin.model import Device, FeatureTable

NAMES = [f"name {k}" for k in range(200)]
PATH = f"/tiles/roads/{TILE}.mvt"


@pytest.fixture
def encoded(monkeypatch):
    """The tiles encoded so far; each takes a twentieth of a second."""
    done = []
    encode = VectorTiles.encode

    def slow(self, z, x, y):
        done.append((self.layer_id, z, x, y))
        time.sleep(0.05)
        return encode(self, z, x, y)

    monkeypatch.setattr(VectorTiles, "encode", slow)
    return done


def test_who_asks_at_once_waits_for_one_encoding(store, encoded):
    put_points(store, "roads", NAMES)
    app = TileApp(store, keep_current=False)

    async def several():
        return await asyncio.gather(*(answer_to(app, PATH, headers={"accept-encoding": "br"}) for _ in range(20)))

    replies = asyncio.run(several())
    assert len(encoded) == 1
    assert len({reply.body for reply in replies}) == 1
    assert replies[0].status == 200


def test_who_goes_away_does_not_take_the_tile_along(store, encoded):
    put_points(store, "roads", NAMES)
    app = TileApp(store, keep_current=False)

    async def several():
        first = asyncio.create_task(answer_to(app, PATH))
        while not encoded:
            await asyncio.sleep(0.001)
        others = [asyncio.create_task(answer_to(app, PATH)) for _ in range(3)]
        await asyncio.sleep(0)
        first.cancel()
        replies = await asyncio.gather(first, *others, return_exceptions=True)
        assert isinstance(replies[0], asyncio.CancelledError)
        return replies[1:]

    assert [reply.status for reply in asyncio.run(several())] == [200] * 3
    assert len(encoded) == 1


def test_a_failure_is_told_to_all_and_not_kept(store, monkeypatch):
    put_points(store, "roads", NAMES)
    app = TileApp(store, keep_current=False)
    failures = [MemoryError("for once")]
    encode = VectorTiles.encode
    monkeypatch.setattr(VectorTiles, "encode", lambda *given: (_ for _ in ()).throw(failures.pop()) if failures else encode(*given))
    with pytest.raises(MemoryError):
        ask(app, PATH)
    assert ask(app, PATH).status == 200


@pytest.mark.parametrize("coding", ["br", "gzip", "identity"])
def test_another_process_need_not_encode_again(store, encoded, coding):
    put_points(store, "roads", NAMES)
    first = ask(TileApp(store, keep_current=False), PATH, accept_encoding=coding)
    second = ask(TileApp(store, keep_current=False), PATH, accept_encoding=coding)
    assert len(encoded) == 1
    assert first == second
    body = {"br": brotli.decompress, "gzip": gzip.decompress, "identity": bytes}[coding](second.body)
    assert len(mapbox_vector_tile.decode(body)["roads"]["features"]) == len(NAMES)


def test_a_device_that_moved_leaves_the_roads_alone(store, encoded):
    put_points(store, "roads", NAMES)
    put_points(store, "paths", NAMES)
    app = TileApp(store, keep_current=False)
    before = [ask(app, PATH), ask(app, PATH.replace("roads", "paths"))]
    with store.transaction() as writer:
        writer.put_devices([Device("d", "camera", "D", 121.4, 31.2)], source="s")
    assert [ask(app, PATH), ask(app, PATH.replace("roads", "paths"))] == before
    assert len(encoded) == 2
    put_points(store, "roads", NAMES[1:])
    assert ask(app, PATH).headers["etag"] != before[0].headers["etag"]
    assert ask(app, PATH.replace("roads", "paths")) == before[1]
    assert [layer for layer, *_ in encoded] == ["roads", "paths", "roads"]
    kept = {path.parent.name for path in (store.path / "cache" / "tiles").glob("*/*") if path.parent.name != "locks"}
    assert len(kept) == 2  # what the roads were is not kept


def test_a_layer_that_is_gone_is_gone(store):
    put_points(store, "roads", NAMES)
    app = TileApp(store, keep_current=False)
    assert ask(app, PATH).status == 200
    with store.transaction() as writer:
        writer.drop_source("roads")
    assert ask(app, PATH).status == 404
    put_points(store, "roads", NAMES)
    assert ask(app, PATH).status == 200


def test_codings_of_small_tiles(store):
    put_points(store, "roads", ["甲"])
    app = TileApp(store, keep_current=False)
    assert "content-encoding" not in ask(app, PATH, accept_encoding="br").headers
    only_packed = ask(app, PATH, accept_encoding="br, identity;q=0")
    assert only_packed.headers["content-encoding"] == "br"
    assert brotli.decompress(only_packed.body) == ask(app, PATH).body
    refused = ask(app, PATH, accept_encoding="identity;q=0", accept_language="zh")
    assert refused.status == 406
    assert refused.json()["title"] == "无可接受的形式"
    empty = ask(app, "/tiles/roads/14/0/0.mvt", accept_encoding="br, identity;q=0")
    assert (empty.status, "content-encoding" in empty.headers) == (204, False)


def test_processes_share_one_encoding(store, tmp_path):
    """Two processes are asked for the same tile at once: one encodes it, the other waits and reads."""
    put_points(store, "roads", [f"{k:04d}" for k in range(4000)])
    program = f"""
import sys, time
from tests.asking import ask
from tiles.mvt import VectorTiles
from tiles.http.router import TileApp
from twin.store import open_store
app = TileApp(open_store({str(store.path)!r}), keep_current=False)
encode, done = VectorTiles.encode, []
VectorTiles.encode = lambda *given: (done.append(1), time.sleep(0.5), encode(*given))[2]
ask(app, "/tiles/roads.json")
print("ready", flush=True); sys.stdin.readline()
reply = ask(app, {PATH!r}, accept_encoding="br")
print(len(done), reply.headers["etag"])
"""
    two = [subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in two:
        assert process.stdout.readline() == "ready\n"
    for process in two:
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=60)[0].split() for process in two]
    assert sorted(int(count) for count, _ in told) == [0, 1]
    assert told[0][1] == told[1][1]


def table(names, x=0.0, **columns):
    points = np.array([shapely.Point(x + k, 1.5) for k in range(len(names))], object)
    return FeatureTable([f"f{k}" for k in range(len(names))], points, {"name": names} | columns)


@given(st.lists(st.one_of(st.none(), st.text(max_size=3), st.integers(), st.booleans()), min_size=1, max_size=4), st.data())
def test_the_content_changes_with_what_it_is_made_of(names, data):
    same = content_of("roads", table(list(names)))
    assert same == content_of("roads", table(list(names)))
    assert (
        len({same, content_of("paths", table(names)), content_of("roads", table(names, x=1.0)), content_of("roads", table(names, a=names))})
        == 4
    )
    k = data.draw(st.integers(0, len(names) - 1))
    assert content_of("roads", table([*names[:k], "other one", *names[k + 1 :]])) != same


def test_asked_from_many_threads(store):
    """A test client runs several event loops; what is under way in one is waited for in another."""
    put_points(store, "roads", NAMES)
    app = TileApp(store, keep_current=False)
    replies = []
    threads = [threading.Thread(target=lambda: replies.append(ask(app, PATH))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [reply.status for reply in replies] == [200] * 8
