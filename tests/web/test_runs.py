"""Computations shared by those who ask for the same."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from twin.errors import MissingInput
from twin.model import Device
from twin.store import open_store
from web.runs import Runs


def test_the_same_is_computed_once_however_many_ask(park_folder: Path) -> None:
    runs = Runs(open_store(park_folder), 2)
    done: list[int] = []
    gate = threading.Barrier(6)

    def work() -> str:
        time.sleep(0.1)
        done.append(1)
        return "run-1"

    def ask(_: int) -> str:
        gate.wait()
        return runs.share(["same"], work).result(10)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(ask, range(6))) == ["run-1"] * 6
    assert done == [1]
    assert runs.share(["same"], work).result(10) == "run-1"
    assert done == [1]
    runs.close()


def test_another_request_is_computed_of_its_own(park_folder: Path) -> None:
    runs = Runs(open_store(park_folder), 2)
    assert [runs.share([k], lambda k=k: k).result(10) for k in ("a", "b", "a")] == ["a", "b", "a"]
    runs.close()


def test_a_failure_is_tried_again(park_folder: Path) -> None:
    runs = Runs(open_store(park_folder), 1)
    tries: list[int] = []

    def work() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise MissingInput("park_missing", subject="x")
        return 7

    with pytest.raises(MissingInput):
        runs.share(["k"], work).result(10)
    assert runs.share(["k"], work).result(10) == 7
    runs.close()


def test_a_changed_park_is_computed_anew(own_park: Path) -> None:
    store = open_store(own_park)
    runs = Runs(store, 1)
    assert runs.share(["count"], lambda: len(store.devices())).result(10) == 5
    with store.transaction() as writer:
        writer.put_devices([Device("new", "lamp", "Lamp", 104.06, 30.54)], source="more")
    assert runs.share(["count"], lambda: len(store.devices())).result(10) == 6
    runs.close()


def test_no_more_at_once_than_allowed(park_folder: Path) -> None:
    runs = Runs(open_store(park_folder), 2)
    now: list[int] = []
    most: list[int] = []

    def work() -> None:
        now.append(1)
        most.append(len(now))
        time.sleep(0.05)
        now.pop()

    futures = [runs.share([k], work) for k in range(8)]
    assert runs.running() > 0
    for future in futures:
        future.result(10)
    assert max(most) <= 2
    assert runs.running() == 0
    runs.close()
