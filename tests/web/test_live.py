"""The live stream: what is told, to whom, once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from twin.errors import StoreError
from twin.live.simulate import run as simulate
from twin.model import Event
from twin.store import open_store
from web.app import create_app
from web.live import QUEUE, Tail


def event(name: str, *, status: str = "open", late_s: float = 0.0) -> Event:
    at = datetime.now(UTC) - timedelta(seconds=late_s)
    return Event(name, "intrusion", at.isoformat(timespec="milliseconds").replace("+00:00", "Z"), 104.06, 30.54, 1.0, "alarm", status)


@contextmanager
def listening(client: httpx.Client, origin: str | None = None) -> Iterator[ClientConnection]:
    address = str(client.base_url).replace("http://", "ws://").rstrip("/") + "/api/live"
    with connect(address, origin=origin, proxy=None) as socket:
        yield socket


def receive(socket: ClientConnection) -> dict[str, Any]:
    return json.loads(socket.recv(timeout=10))


def test_hello_then_an_event_of_another_process(own_client: httpx.Client, own_park: Path) -> None:
    with listening(own_client) as socket:
        assert receive(socket) == {"type": "hello", "revision": own_client.get("/api/park").json()["revision"]}
        with open_store(own_park).transaction() as writer:
            writer.put_events([event("e1")])
        told = receive(socket)
    assert told["type"] == "event"
    assert told["event"]["id"] == "e1"
    assert told["event"]["severity"] == "alarm"
    listed = own_client.get("/api/events").json()["events"]
    assert [entry["id"] for entry in listed] == ["old", "e1"]


def test_an_event_posted_here_is_told_once(own_client: httpx.Client) -> None:
    with listening(own_client) as socket:
        receive(socket)
        posted = own_client.post("/api/events", json={"kind": "leak", "lon": 104.0601, "lat": 30.5401, "message_zh": "漏水"})
        assert posted.status_code == 201
        told = receive(socket)["event"]
        assert told["id"] == posted.json()["id"]
        assert told["message_zh"] == "漏水"
        with pytest.raises(TimeoutError):
            socket.recv(timeout=0.3)


def test_a_simulation_is_told(own_client: httpx.Client, own_park: Path) -> None:
    with listening(own_client) as socket:
        receive(socket)
        simulate(open_store(own_park), 1000.0, 5, seed=1)
        told = [receive(socket)["event"] for _ in range(5)]
    assert len({entry["id"] for entry in told}) == 5
    assert all(entry["attributes"]["simulated"] for entry in told)


def test_pages_of_other_origins_may_not_listen(own_client: httpx.Client) -> None:
    with pytest.raises(InvalidStatus) as refused, listening(own_client, origin="https://evil.example"):
        pass
    assert refused.value.response.status_code == 403
    with listening(own_client, origin=str(own_client.base_url).rstrip("/")) as socket:
        assert receive(socket)["type"] == "hello"


def test_the_metrics_know_who_listens(own_client: httpx.Client) -> None:
    with listening(own_client) as socket:
        receive(socket)
        assert "parktwin_live_listeners 1" in own_client.get("/metrics").text


def test_listeners_are_let_go_when_the_server_ends(own_park: Path, serve: Any) -> None:
    server = ExitStack()
    client = server.enter_context(serve(create_app(own_park)))
    with listening(client) as socket:
        receive(socket)
        server.close()
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=10)


def drained(tail: Tail) -> list[str]:
    listener = next(iter(tail._listeners))
    names: list[str] = []
    while not listener.queue.empty():
        found = listener.queue.get_nowait()
        names.append(found.id if found else "end")
    return names


def test_first_look_only_learns(own_park: Path) -> None:
    tail = Tail(open_store(own_park), 0.1)
    tail.listen()
    tail.look([event("a")])
    assert drained(tail) == []
    tail.look([event("a"), event("b")])
    tail.look([event("a"), event("b")])
    assert drained(tail) == ["b"]


def test_a_changed_status_is_told_again(own_park: Path) -> None:
    tail = Tail(open_store(own_park), 0.1)
    tail.listen()
    tail.look([event("a")])
    tail.look([event("a", status="closed")])
    assert drained(tail) == ["a"]


def test_an_event_told_directly_is_not_told_by_a_look_that_began_before(own_park: Path) -> None:
    tail = Tail(open_store(own_park), 0.1)
    tail.listen()
    tail.look([])
    tail.tell([event("a")])
    tail.look([])
    tail.look([event("a")])
    assert drained(tail) == ["a"]


def test_who_is_too_slow_is_let_go(own_park: Path) -> None:
    tail = Tail(open_store(own_park), 0.1)
    listener = tail.listen()
    tail.tell([event(str(i)) for i in range(QUEUE + 5)])
    assert tail.listeners == 0
    last = None
    while not listener.queue.empty():
        last = listener.queue.get_nowait()
    assert last is None


def test_the_stream_outlives_a_park_that_cannot_be_read(own_park: Path) -> None:
    class Stuck:
        """A store whose first look fails."""

        def __init__(self) -> None:
            self.looks = 0
            self.store = open_store(own_park)

        def events(self, **asked: Any) -> Any:
            self.looks += 1
            if self.looks == 1:
                raise StoreError("park_unreadable", subject="park")
            return self.store.events(**asked)

    async def watch() -> int:
        stuck = Stuck()
        task = asyncio.create_task(Tail(stuck, 0.01).run())  # type: ignore[arg-type]
        while stuck.looks < 3:
            await asyncio.sleep(0.01)
        task.cancel()
        return stuck.looks

    assert asyncio.run(asyncio.wait_for(watch(), 10)) >= 3
