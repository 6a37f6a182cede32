"""Tiles over a real socket: what is answered at once is what the long way answers, and nothing is left out of what security needs."""

from __future__ import annotations

import http.client
import math
import signal
import socket
import subprocess
import sys
import time
from importlib.util import find_spec
from urllib.parse import urlsplit

import httpx
import pytest

from tests.asking import contents_of
from tiles.build import tiles_folder
from tiles.http.registered import source_key
from twin.model import Asset
from twin.store import open_store
from web.app import create_app
from web.security import HEADERS
from web.server import free_socket
from web.settings import Settings

SERVER = """
import sys
from web.server import free_socket, run
from web.settings import Settings
with free_socket("127.0.0.1", int(sys.argv[2])) as bound:
    run(sys.argv[1], Settings(), bound, workers=int(sys.argv[3]))
"""
RULES = """
def rule(scope, subject):
    asker = dict(scope["headers"]).get(b"cookie")
    if asker == b"fault":
        raise ValueError
    return subject != "layer/roads" or asker == b"guard"
"""


def vector_tile(client: httpx.Client, layer: str = "roads") -> str:
    """The address of a vector tile of the park's."""
    lon, lat = client.get("/api/park").json()["origin"][:2]
    x, y = (lon + 180) / 360, (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2
    return f"/tiles/{layer}/14/{int(x * 2**14)}/{int(y * 2**14)}.mvt"


def glb(client: httpx.Client) -> str:
    """The address of a tile of the park's 3D Tiles."""
    return "/3dtiles/buildings/" + next(contents_of(client.get("/3dtiles/buildings/tileset.json").json()["root"]))


def counted(client: httpx.Client) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in client.get("/metrics").text.splitlines() if line.startswith("parktwin_http_requests_total")]
    return {name: float(value) for name, _, value in lines}


@pytest.mark.parametrize("find", [vector_tile, glb])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("asked", [{}, {"accept-encoding": "br"}, {"if-none-match": "*"}, {"accept-encoding": "gzip;q=0.1, br;q=0"}])
def test_the_second_answer_is_the_first(client, find, method, asked):
    path = find(client)
    asked = {"accept-encoding": "identity"} | asked
    forwarded = {"x-forwarded-for": "127.0.0.1"}  # has it go the long way
    first, again, long = (client.request(method, path, headers=asked | more) for more in ({}, {}, forwarded))
    for reply in (again, long):
        assert (reply.status_code, reply.content) == (first.status_code, first.content)
        assert {k: v for k, v in reply.headers.items() if k != "date"} == {k: v for k, v in first.headers.items() if k != "date"}
    for name, value in HEADERS:
        assert again.headers[name.decode()] == value.decode()
    assert "date" in again.headers


def test_what_is_in_memory_is_counted(client):
    path = glb(client)
    client.get(path)
    name = 'parktwin_http_requests_total{method="GET",route="/3dtiles/",status="200"}'
    before = counted(client)[name]
    for _ in range(5):
        client.get(path)
    assert counted(client)[name] == before + 5


def test_what_is_in_memory_is_not_told_to_another_host(client):
    path = glb(client)
    assert client.get(path).status_code == 200
    refused = client.get(path, headers={"host": "evil.example"})
    assert (refused.status_code, refused.headers["content-type"]) == (421, "application/problem+json")


def test_many_requests_at_once_on_one_connection(client):
    """Pipelined requests are answered in order, those in memory and others mixed, more than a slow reader has room for."""
    tile, address = glb(client), urlsplit(str(client.base_url))
    client.get(tile)
    n = 300
    body = client.get(tile).content
    paths = [tile if k % 3 else "/healthz" for k in range(n)]
    with socket.create_connection((address.hostname, address.port)) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        asked = "".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in paths)
        connection.sendall(asked.encode())
        time.sleep(0.3)
        file = connection.makefile("rb")
        for path in paths:
            assert file.readline() == b"HTTP/1.1 200 OK\r\n"
            headers = dict(line.split(b": ", 1) for line in iter(file.readline, b"\r\n"))
            content = file.read(int(headers[b"content-length"]))
            assert content == (body if path == tile else b'{"status":"ok"}')


@pytest.mark.parametrize(
    "request_line",
    ["GET {} HTTP/1.0\r\nHost: localhost\r\n", "GET {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"],
)
def test_connections_that_are_to_be_closed_are(client, request_line):
    tile, address = glb(client), urlsplit(str(client.base_url))
    body = client.get(tile).content
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall((request_line.format(tile) + "\r\n").encode())
        told = b"".join(iter(lambda: connection.recv(65536), b""))
    assert told.startswith(b"HTTP/1.1 200 OK")
    assert told.endswith(body)


def test_a_body_nobody_asked_for_is_passed_over(client):
    tile, address = glb(client), urlsplit(str(client.base_url))
    body = client.get(tile).content
    connection = http.client.HTTPConnection(str(address.hostname), int(address.port or 0), timeout=10)
    for _ in range(3):
        connection.request("GET", tile, body=b"x" * 1000)
        assert connection.getresponse().read() == body
    connection.close()


def test_lost_tiles_come_back(own_client, own_park):
    path = glb(own_client)
    files = [tiles_folder(own_park) / path.removeprefix("/3dtiles/")]
    files += [files[0].with_name(files[0].name + suffix) for suffix in (".br", ".gz")]
    content = files[0].read_bytes()
    for file in files:
        file.unlink()
    lost = own_client.get(path, headers={"accept-language": "zh"})
    assert (lost.status_code, lost.json()["type"]) == (404, "/problems/tile_lost_mending")
    assert files[0].name in lost.json()["detail"]
    assert own_client.get("/3dtiles/buildings/tileset.json").status_code == 200
    until = time.monotonic() + 20
    while (reply := own_client.get(path)).status_code != 200:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert reply.content == content


def test_files_that_came_are_sent_by_range(own_park, tmp_path, serve):
    content = bytes(range(256)) * 40
    (tmp_path / "cloud.copc.laz").write_bytes(content)
    store = open_store(own_park)
    sha256 = store.keep(tmp_path / "cloud.copc.laz")
    with store.transaction() as writer:
        writer.put_assets([Asset("src", "cloud.copc.laz", sha256, len(content), "application/octet-stream")], source="src")
    store.close()
    with serve(create_app(own_park)) as client:
        path = f"/files/{source_key('src')}/cloud.copc.laz"
        part = client.get(path, headers={"range": "bytes=100-199"})
        assert (part.status_code, part.content) == (206, content[100:200])
        assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
        assert client.get(path, headers={"range": "bytes=99999999-"}).status_code == 416
        stale = client.get(path, headers={"range": "bytes=0-9", "if-range": '"other"'})
        assert (stale.status_code, stale.content) == (200, content)


def test_a_rule_holds_for_what_is_in_memory(own_park, tmp_path, serve, monkeypatch):
    (tmp_path / "rules_of_this_park.py").write_text(RULES)
    monkeypatch.syspath_prepend(tmp_path)
    with serve(create_app(own_park, Settings(rule="rules_of_this_park:rule"))) as client:
        path = vector_tile(client)
        for _ in range(2):
            seen = client.get(path, headers={"cookie": "guard"})
            assert (seen.status_code, seen.headers["cache-control"]) == (200, "private, no-cache")
            for method in ("GET", "HEAD"):
                hidden = client.request(method, path, headers={"if-none-match": seen.headers["etag"]})
                assert hidden.status_code == 404
        open_to_all = vector_tile(client, "blocks")
        assert client.get(open_to_all).status_code == 200
        fault = client.get(open_to_all, headers={"cookie": "fault"})  # of the rule itself: nothing is shown
        assert (fault.status_code, fault.json()["type"]) == (500, "/problems/http_fault")
        assert client.get(open_to_all).status_code == 200


def test_workers_answer_without_delay_and_stop_when_told(own_park):
    """On one socket between them; an answer does not wait for the acknowledgement of the one before (40 ms)."""
    with free_socket("127.0.0.1", 0) as bound:
        port = bound.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(own_park), str(port), "2"])
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, transport=httpx.HTTPTransport(retries=60)) as client:
            path = vector_tile(client)
            taken = []
            for _ in range(40):
                began = time.perf_counter()
                assert client.get(path).status_code == 200
                taken.append(time.perf_counter() - began)
        assert sorted(taken)[20] < 0.02
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) in {0, -signal.SIGTERM}


@pytest.mark.skipif(find_spec("httptools") is None, reason="the parser in C is not installed")
def test_the_protocol_answers_itself(client, monkeypatch):
    """What is in memory does not become a request of the framework."""
    from web.protocol import TileProtocol

    path = glb(client)
    client.get(path)
    written = []
    write = TileProtocol._write
    monkeypatch.setattr(TileProtocol, "_write", lambda *given: (written.append(1), write(*given))[1])
    assert client.get(path).status_code == 200
    assert client.get("/healthz").status_code == 200
    assert len(written) == 1
