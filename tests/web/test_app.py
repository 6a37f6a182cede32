"""The server as a browser meets it: page, health, hosts, headers, files."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from twin.store import open_store
from web.app import create_app, from_environment
from web.settings import Settings

Serve = Callable[[FastAPI], AbstractContextManager[httpx.Client]]


def test_health_and_readiness(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["revision"] == client.get("/api/park").json()["revision"]


def test_not_ready_without_tiles(own_client: httpx.Client, own_park: Path) -> None:
    (own_park / "tiles" / "3dtiles" / "tileset.json").unlink()
    answer = own_client.get("/readyz", headers={"accept-language": "en"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "/problems/http_unavailable"
    assert "tiles" in answer.json()["detail"]


def test_page_in_both_languages_where_the_client_is_not_built(park_folder: Path, tmp_path: Path, serve: Serve) -> None:
    with serve(create_app(park_folder, Settings(static=str(tmp_path)))) as client:
        page = client.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "make demo" in page.text
    assert "尚未构建" in page.text
    assert "http://" not in page.text
    assert "https://" not in page.text


@pytest.fixture
def built(park_folder: Path, tmp_path: Path, serve: Serve) -> Iterator[httpx.Client]:
    static = tmp_path / "static"
    (static / "assets").mkdir(parents=True)
    (static / "index.html").write_text("<!doctype html><title>viewer</title>")
    (static / "assets" / "app-1a2b.js").write_text("console.log('viewer')")
    (static / "assets" / "app-1a2b.js.br").write_bytes(b"packed")
    (static / "assets" / "x.wasm").write_bytes(b"\0asm")
    (tmp_path / "secret.txt").write_text("secret")
    (static / "link.txt").symlink_to(tmp_path / "secret.txt")
    with serve(create_app(park_folder, Settings(static=str(static)))) as client:
        yield client


def test_page_and_assets_are_sent(built: httpx.Client) -> None:
    page = built.get("/")
    assert "viewer" in page.text
    assert page.headers["cache-control"] == "no-cache"
    asset = built.get("/assets/app-1a2b.js", headers={"accept-encoding": "identity"})
    assert asset.text == "console.log('viewer')"
    assert "immutable" in asset.headers["cache-control"]
    assert asset.headers["content-type"].startswith("text/javascript")
    assert built.get("/assets/x.wasm").headers["content-type"] == "application/wasm"


def test_packed_form_is_sent_to_who_takes_it(built: httpx.Client) -> None:
    with built.stream("GET", "/assets/app-1a2b.js", headers={"accept-encoding": "br"}) as answer:
        assert answer.headers["content-encoding"] == "br"
        assert b"".join(answer.iter_raw()) == b"packed"


def test_unchanged_file_is_not_sent_again(built: httpx.Client) -> None:
    first = built.get("/")
    assert built.get("/", headers={"if-none-match": first.headers["etag"]}).status_code == 304


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/link.txt",
        "/assets",
        "/assets/",
        "/..%5csecret.txt",
        "/a%00b",
    ],
)
def test_nothing_outside_the_folder_and_no_listing(built: httpx.Client, path: str) -> None:
    answer = built.get(path)
    assert answer.status_code == 404
    assert "secret" not in json.dumps(answer.json().get("title"))
    assert answer.headers["content-type"] == "application/problem+json"


def test_every_answer_keeps_a_page_to_its_origin(client: httpx.Client) -> None:
    for path in ("/", "/api/park", "/nothing", "/3dtiles/tileset.json"):
        policy = client.get(path).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "http:" not in policy
        assert "unsafe-eval" not in policy.replace("wasm-unsafe-eval", "")
        assert client.get(path).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:8000", "LOCALHOST."])
def test_names_of_this_machine_are_answered(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8000", "localhost.evil.example", "192.168.1.4", ""])
def test_other_names_are_refused_on_loopback(client: httpx.Client, host: str) -> None:
    answer = client.get("/api/park", headers={"host": host, "accept-language": "en"})
    assert answer.status_code == 421
    assert answer.json()["type"] == "/problems/host_refused"


def test_other_names_are_answered_when_open(park_folder: Path, serve: Serve) -> None:
    with serve(create_app(park_folder, Settings(host="0.0.0.0"))) as client:
        assert client.get("/healthz", headers={"host": "park.example"}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"), [("{own}", 404), ("http://127.0.0.1:1", 403), ("https://evil.example", 403), ("null", 403), (None, 404)]
)
def test_requests_that_change_something_come_from_this_origin(client: httpx.Client, origin: str | None, status: int) -> None:
    headers = {} if origin is None else {"origin": origin.format(own=str(client.base_url).rstrip("/"))}
    assert client.post("/api/measures/none", json={}, headers=headers).status_code == status


def test_too_large_a_body_is_refused(client: httpx.Client) -> None:
    answer = client.post("/api/events", content=b"x" * 1_000_001, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    assert answer.json()["type"] == "/problems/http_too_large"


def test_too_large_a_body_of_untold_length_is_refused(client: httpx.Client) -> None:
    answer = client.post("/api/events", content=(b"x" * 100_000 for _ in range(20)), headers={"content-type": "application/json"})
    assert answer.status_code in {400, 413}


def test_tiles_pass_through_with_their_etag(client: httpx.Client) -> None:
    first = client.get("/tiles/roads.json")
    assert first.status_code == 200
    tileset = client.get("/3dtiles/tileset.json")
    assert tileset.json()["asset"]["version"] == "1.1"
    again = client.get("/3dtiles/tileset.json", headers={"if-none-match": tileset.headers["etag"]})
    assert again.status_code == 304
    assert client.get("/tiles/roads/14/0/0.mvt").status_code == 204
    assert client.get("/tiles/nothing/14/0/0.mvt").status_code == 404


def test_metrics_count_by_route_and_not_by_address(client: httpx.Client) -> None:
    client.get("/api/elements/wall-1")
    client.get("/tiles/roads.json")
    text = client.get("/metrics").text
    assert 'parktwin_http_requests_total{method="GET",route="/api/elements/{element_id:path}",status="200"}' in text
    assert 'route="/tiles/"' in text
    assert "wall-1" not in text
    assert "parktwin_devices 5" in text
    for line in text.splitlines():
        assert line.startswith("#") or float(line.rsplit(" ", 1)[1]) >= 0


def test_histogram_adds_up(client: httpx.Client) -> None:
    client.get("/healthz")
    lines = [line for line in client.get("/metrics").text.splitlines() if 'route="/healthz"' in line]
    last = [float(line.rsplit(" ", 1)[1]) for line in lines if 'le="+Inf"' in line]
    count = [float(line.rsplit(" ", 1)[1]) for line in lines if "_count" in line]
    total = sum(float(line.rsplit(" ", 1)[1]) for line in lines if "_total" in line)
    assert last == count == [total]


def test_fault_has_an_id_and_no_trace(
    park_folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, serve: Serve
) -> None:
    def broken(store: object) -> None:
        raise RuntimeError("inner secret")

    monkeypatch.setattr("web.routes.park.park_answer", broken)
    with caplog.at_level(logging.ERROR, "parktwin.web"), serve(create_app(park_folder)) as client:
        answer = client.get("/api/park", headers={"accept-language": "zh"})
    assert answer.status_code == 500
    body = answer.json()
    assert body["type"] == "/problems/http_fault"
    assert "inner secret" not in answer.text
    assert "Traceback" not in answer.text
    assert body["instance"] in body["detail"]
    assert body["instance"] in caplog.text
    assert "inner secret" in caplog.text


def test_worker_process_finds_park_and_settings_in_its_environment(
    park_folder: Path, monkeypatch: pytest.MonkeyPatch, serve: Serve
) -> None:
    monkeypatch.setenv("PARKTWIN_PARK", str(park_folder))
    monkeypatch.setenv("PARKTWIN_SETTINGS", Settings(host="0.0.0.0", threads=3).to_json())
    with serve(from_environment()) as client:
        assert client.get("/api/park", headers={"host": "any.example"}).json()["name"] == open_store(park_folder).park().name
