"""Archives by range, as a reader of PMTiles asks for them."""

from __future__ import annotations

import os

import numpy as np
import pytest

from tests.asking import ask
from tiles.http.archives import BLOCK
from tiles.http.router import TileApp

CONTENT = np.random.default_rng(0).bytes(3 * BLOCK + 17)


@pytest.fixture
def archive(store):
    folder = store.path / "tiles"
    folder.mkdir(exist_ok=True)
    path = folder / "园区 roads.pmtiles"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def app(store, archive):
    return TileApp(store, keep_current=False)


PATH = "/tiles/%E5%9B%AD%E5%8C%BA%20roads.pmtiles"


def test_the_whole(app):
    reply = ask(app, PATH, accept_encoding="br")
    assert (reply.status, reply.body) == (200, CONTENT)
    assert reply.headers["content-type"] == "application/vnd.pmtiles"
    assert reply.headers["accept-ranges"] == "bytes"
    assert reply.headers["content-length"] == str(len(CONTENT))
    assert "content-encoding" not in reply.headers
    head = ask(app, PATH, "HEAD", range="bytes=0-9")
    assert (head.status, head.body, head.headers) == (200, b"", reply.headers)  # a range is asked for with GET alone (14.2)


@pytest.mark.parametrize(("first", "last"), [(0, 126), (0, 0), (BLOCK - 1, BLOCK), (1000, 2 * BLOCK + 5), (5, len(CONTENT) + 99)])
def test_a_range(app, first, last):
    reply = ask(app, PATH, range=f"bytes={first}-{last}")
    assert (reply.status, reply.body) == (206, CONTENT[first : last + 1])
    assert reply.headers["content-range"] == f"bytes {first}-{min(last, len(CONTENT) - 1)}/{len(CONTENT)}"
    assert reply.headers["content-length"] == str(len(reply.body))
    assert reply.headers["etag"] == ask(app, PATH).headers["etag"]


def test_the_tail_and_several_ranges(app):
    assert ask(app, PATH, range="bytes=-17").body == CONTENT[-17:]
    assert (ask(app, PATH, range="bytes=0-1,5-6").status, ask(app, PATH, range="bytes=9-2").status) == (200, 200)


def test_a_range_past_the_end_is_a_problem(app):
    reply = ask(app, PATH, range="bytes=99999999-", accept_language="zh")
    assert reply.status == 416
    assert reply.headers["content-range"] == f"bytes */{len(CONTENT)}"
    assert reply.json()["title"] == "范围无法满足"
    assert "99999999" in reply.json()["detail"]


def test_a_replaced_archive_is_another_one(app, archive):
    tag = ask(app, PATH).headers["etag"]
    assert ask(app, PATH, range="bytes=0-4", if_range=tag).status == 206
    assert ask(app, PATH, if_none_match=tag).status == 304
    other = archive.with_name("new")
    other.write_bytes(CONTENT[::-1])
    os.utime(other, ns=(archive.stat().st_mtime_ns,) * 2)
    other.replace(archive)
    whole = ask(app, PATH, range="bytes=0-4", if_range=tag)
    assert (whole.status, whole.body) == (200, CONTENT[::-1])
    assert ask(app, PATH, if_none_match=tag).status == 200


@pytest.mark.parametrize(
    "path",
    ["/tiles/..%2fpark.pmtiles", "/tiles/nothing.pmtiles", "/tiles/%2fetc%2fpasswd.pmtiles", "/tiles/.pmtiles", "/tiles/%00.pmtiles"],
)
def test_only_archives_that_are_there(app, store, path):
    (store.path / "park.pmtiles").write_bytes(b"outside")
    assert ask(app, path).status == 404


def test_a_large_archive_is_not_read_into_memory(app, archive):
    with archive.open("wb") as file:
        file.truncate(40 * 2**30)  # more than this machine has, and holes alone on the disk
    assert ask(app, PATH, range=f"bytes={39 * 2**30}-{39 * 2**30 + 9}").body == bytes(10)
