"""The commands `serve`, `export` and `demo` as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from twin.cli import run
from twin.errors import Conflict
from twin.i18n import catalogue
from web.server import address_of, free_socket
from web.settings import Settings

TWIN = [sys.executable, "-c", "from twin.cli import main; main()"]


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A running command and the JSON document it says first; it is ended with the test."""
    process = subprocess.Popen([*TWIN, *arguments, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not lines or lines[-1] != "}\n":
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            lines.append(line)
        yield process, json.loads("".join(lines))
    finally:
        process.kill()
        process.communicate()


def answered(address: str) -> httpx.Response:
    """The answer of a server that is just starting."""
    with httpx.Client(transport=httpx.HTTPTransport(retries=10)) as client:
        return client.get(f"{address}healthz", timeout=60)


def test_serve_until_interrupted(park_folder: Path) -> None:
    with started("serve", str(park_folder), "--port", "0") as (process, told):
        assert told["park"] == "云溪 Test Park"
        assert told["address"].startswith("http://localhost:")
        assert answered(told["address"]).json() == {"status": "ok"}
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


@pytest.mark.slow
def test_several_workers_answer_on_one_port(park_folder: Path) -> None:
    with started("serve", str(park_folder), "--port", "0", "--workers", "2") as (process, told):
        assert answered(told["address"]).status_code == 200
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.4", "::"])
def test_other_machines_are_let_in_only_when_asked(park_folder: Path, host: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["serve", str(park_folder), "--host", host, "--lang", "en"]) == 2
    assert "--open" in capsys.readouterr().err


def test_serve_tells_of_a_port_that_is_taken(park_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert run(["serve", str(park_folder), "--port", str(port), "--lang", "zh"]) == 1
    told = capsys.readouterr().err
    assert str(port) in told
    assert "Traceback" not in told


def test_serve_tells_of_a_park_that_is_not_there(tmp_path: Path) -> None:
    assert run(["serve", str(tmp_path / "none")]) == 1


def test_demo_takes_the_next_port() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Conflict), free_socket("127.0.0.1", port):
            pass
        with free_socket("127.0.0.1", port, search=True) as bound:
            assert port < bound.getsockname()[1] < port + 50
            assert bound.proto == socket.IPPROTO_TCP  # what has asyncio send small answers at once


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "localhost"), ("0.0.0.0", "localhost"), ("192.168.1.4", "192.168.1.4")])
def test_address_is_one_that_can_be_opened(host: str, shown: str) -> None:
    with free_socket("127.0.0.1", 0) as bound:
        assert address_of(Settings(host=host), bound) == f"http://{shown}:{bound.getsockname()[1]}/"


def test_export_says_what_it_wrote(park_folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "roads.geojson"
    assert run(["export", str(park_folder), "--format", "geojson", "--layer", "roads", "-o", str(out), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == {"format": "geojson", "layer": "roads", "path": str(out), "bytes": out.stat().st_size}
    assert run(["export", str(park_folder), "--format", "3dtiles", "-o", str(tmp_path / "tiles"), "--lang", "zh"]) == 0
    assert "已写入" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["mbtiles", "cityjson", "dwg"])
def test_export_lists_the_formats_there_are(park_folder: Path, tmp_path: Path, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(park_folder), "--format", form, "-o", str(tmp_path / "x"), "--lang", "en"]) == 2
    told = capsys.readouterr().err
    assert form in told
    assert "geojson, gpkg, geoparquet, pmtiles, 3dtiles, html, pydeck" in told
    assert list(tmp_path.iterdir()) == []


def test_help_is_in_the_language_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("serve", "demo", "export"):
        assert run([command, "--help", "--lang", "zh"]) == 0
        assert catalogue()[f"help_{command}"]["zh"] in capsys.readouterr().out.replace("\n", "")


@pytest.mark.slow
def test_demo_builds_the_sample_park_once(tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    for _ in range(2):
        done = subprocess.run([*TWIN, "demo", "--build-only", "--dir", str(folder), "--json"], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == {"park": str(folder)}
    before = (folder / "tiles" / "3dtiles" / "state.json").stat().st_mtime_ns
    with started("demo", "--dir", str(folder), "--no-browser", "--port", "0") as (_, told):
        assert "云溪智造园" in told["park"]
        assert answered(told["address"]).status_code == 200
        assert httpx.get(f"{told['address']}readyz").status_code == 200
    assert (folder / "tiles" / "3dtiles" / "state.json").stat().st_mtime_ns == before


def test_demo_leaves_another_park_alone(park_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["demo", "--build-only", "--dir", str(park_folder), "--lang", "en"]) == 1
    assert "--dir" in capsys.readouterr().err


def test_settings_travel_to_worker_processes() -> None:
    settings = Settings(host="::", static=os.sep, poll_s=0.5)
    assert Settings.from_json(settings.to_json()) == settings
    assert settings.is_open
    assert not Settings().is_open
