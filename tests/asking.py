"""The tile server asked directly, as a server would ask it, and small parks to ask about."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest
import shapely

from tiles.http.router import TileApp
from twin.model import FeatureTable, Layer

TILE = "14/13717/6696"  # about the origin of the parks


def can_mount() -> bool:
    """Whether this account may have file systems of its own."""
    return (
        shutil.which("unshare") is not None and subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode == 0
    )


needs_mount = pytest.mark.skipif(not can_mount(), reason="this account may not mount file systems of its own")


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


async def answer_to(app: TileApp, path: str, method: str = "GET", root: str = "", headers: Mapping[str, str] | None = None) -> Reply:
    sent: list[dict[str, Any]] = []

    async def send(event: Any) -> None:
        sent.append(dict(event))

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http", "method": method, "scheme": "https", "root_path": root,
        "path": unquote(path), "raw_path": path.encode(), "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
    }  # fmt: skip
    await app(scope, receive, send)
    assert sent[0]["type"] == "http.response.start"
    assert {event["type"] for event in sent[1:]} == {"http.response.body"}
    assert [event.get("more_body", False) for event in sent[1:]] == [True] * (len(sent) - 2) + [False]
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], told, b"".join(event["body"] for event in sent[1:]))


def ask(app: TileApp, path: str, method: str = "GET", root: str = "", **headers: str) -> Reply:
    """What the application answers; headers are named with underscores."""
    return asyncio.run(answer_to(app, path, method, root, {name.replace("_", "-"): value for name, value in headers.items()}))


def contents_of(tile: Any) -> Iterator[str]:
    """The addresses of the contents of a tile and of those below it."""
    if "content" in tile:
        yield tile["content"]["uri"]
    for child in tile.get("children", ()):
        yield from contents_of(child)


def put_points(store: Any, layer_id: str, names: list[str]) -> None:
    """A layer of points with these names."""
    points = np.array([shapely.Point(121.4 + 1e-4 * k, 31.2) for k in range(len(names))], object)
    with store.transaction() as writer:
        writer.put_layer(Layer(layer_id, "road", f"Title {layer_id}"))
        writer.put_features(layer_id, FeatureTable([f"f{k}" for k in range(len(names))], points, {"name": names}), source=layer_id)
