"""Answers kept by revision, made once however many ask."""

from __future__ import annotations

import gzip
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from twin.errors import MissingInput
from twin.model import Device
from twin.store import open_store
from web.memo import Memo, encode


def test_many_who_ask_at_once_share_one_making(park_folder: Path) -> None:
    memo = Memo(open_store(park_folder))
    made: list[int] = []
    gate = threading.Barrier(8)

    def make() -> int:
        time.sleep(0.05)
        made.append(1)
        return 42

    def ask(_: int) -> int:
        gate.wait()
        return memo.value("answer", make)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [42] * 8
    assert made == [1]


def test_a_failure_is_told_and_not_kept(park_folder: Path) -> None:
    memo = Memo(open_store(park_folder))

    def fail() -> int:
        raise MissingInput("park_missing", subject="x")

    for _ in range(2):
        with pytest.raises(MissingInput):
            memo.value("answer", fail)
    assert memo.value("answer", lambda: 7) == 7


def test_a_change_of_the_park_makes_answers_anew(own_park: Path) -> None:
    store = open_store(own_park)
    memo = Memo(store)
    assert memo.value("n", lambda: len(store.devices())) == 5
    with store.transaction() as writer:
        writer.put_devices([Device("new", "lamp", "Lamp", 104.06, 30.54)], source="more")
    assert memo.value("n", lambda: len(store.devices())) == 6


def test_bodies_are_packed_when_that_pays() -> None:
    small, large = encode({"a": 1}), encode({"a": "x" * 5000})
    assert small.packed == b""
    assert gzip.decompress(large.packed) == large.raw
    assert len(large.packed) < len(large.raw) / 10
    assert small.etag != large.etag


def test_etag_and_gzip_over_http(client: httpx.Client) -> None:
    plain = client.get("/api/devices", headers={"accept-encoding": "identity"})
    packed = client.get("/api/devices", headers={"accept-encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    unchanged = client.get("/api/devices", headers={"if-none-match": plain.headers["etag"]})
    assert unchanged.status_code == 304
    assert unchanged.content == b""
    assert client.get("/api/devices", headers={"if-none-match": '"other"'}).status_code == 200


def test_etag_changes_with_the_park(own_client: httpx.Client, own_park: Path) -> None:
    before = own_client.get("/api/park")
    with open_store(own_park).transaction() as writer:
        writer.put_devices([Device("new", "lamp", "Lamp", 104.06, 30.54)], source="more")
    after = own_client.get("/api/park", headers={"if-none-match": before.headers["etag"]})
    assert after.status_code == 200
    assert json.loads(after.content)["counts"]["devices"]["lamp"] == 1
