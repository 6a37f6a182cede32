"""Tiles over HTTP: a bare ASGI application, because a framework would take three times as long as the answer.

    /tiles/{layer}.json                   TileJSON 3.0
    /tiles/{layer}/{z}/{x}/{y}.mvt        vector tiles, encoded when first asked for
    /3dtiles/tileset.json                 the park; /3dtiles/buildings/... and /3dtiles/{building id}/... below it

Addresses are split before they are percent-decoded, so layer and building ids may hold any character. Vector tiles are kept in memory
until the park changes; files named by their content may be kept by everyone for ever.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

from tiles.build import FOOTPRINTS, build, is_current, tiles_folder
from tiles.cache import IMMUTABLE, Answer, Recent, answer, matches, preferred_coding
from tiles.files import ENCODINGS, available_encodings, compressed, folder_name
from tiles.mvt import VectorTiles, is_tile
from tiles.problem import problem
from twin.errors import NotFound, TileError, TwinError
from twin.i18n import message
from twin.store import Store

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON, MVT, GLB = b"application/json", b"application/vnd.mapbox-vector-tile", b"model/gltf-binary"
ROOM = 256 * 2**20  # bytes of answers kept
WORTH_COMPRESSING = 256  # bytes
_FOLDER = re.compile(r"b[0-9a-f]{20}|" + FOOTPRINTS)
_CONTENT = re.compile(r"[0-9a-f]{32}\.glb")
_NUMBER = re.compile(r"[0-9]{1,9}")

log = logging.getLogger("parktwin.tiles")


@dataclass
class _Vectors:
    """The vector tiles of one revision of the park, laid out layer by layer when first asked for."""

    revision: str = ""
    layers: dict[str, VectorTiles] = field(default_factory=dict[str, VectorTiles])
    locks: dict[str, threading.Lock] = field(default_factory=dict[str, threading.Lock])


class TileApp:
    """The ASGI application that serves the tiles of a park.

    `keep_current` has it rebuild 3D Tiles that are missing or no longer show the park; while it does, the ones before are served.
    """

    def __init__(self, store: Store, *, keep_current: bool = True, room: int = ROOM) -> None:
        self._store = store
        self._keep_current = keep_current
        self._codings = tuple(available_encodings())
        self._vectors = _Vectors()
        self._recent_vectors = Recent(room // 2)
        self._recent_files = Recent(room // 2)
        self._building = threading.Lock()
        self._failed_revision = ""

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers: Mapping[bytes, bytes] = dict(scope["headers"])
        if scope["method"] not in {"GET", "HEAD"}:
            await _refuse(send, scope, headers, 405, TileError("tile_method", subject=scope["method"]))
            return
        path = _path(scope)
        coding = preferred_coding(headers.get(b"accept-encoding", b""), self._codings)
        try:
            found = self._remembered(path, coding) or await self._find(path, coding, _origin(scope, headers))
        except (TileError, NotFound) as error:
            await _refuse(send, scope, headers, 404, error)
            return
        await _respond(send, headers, found, body=scope["method"] == "GET")

    def _remembered(self, path: str, coding: str) -> Answer | None:
        if self._store.revision() != self._vectors.revision:
            return self._recent_files.get((path, coding))
        return self._recent_vectors.get((path, coding)) or self._recent_files.get((path, coding))

    async def _find(self, path: str, coding: str, origin: str) -> Answer:
        parts = [unquote(part) for part in path.split("/")[1:]]
        tree = parts[0] if parts else ""
        if tree == "3dtiles":
            found = await asyncio.to_thread(self._file, parts[1:], coding, path)
            if IMMUTABLE in dict(found.headers).values():
                self._recent_files.put((path, coding), found)
            return found
        if tree == "tiles" and len(parts) == 2 and parts[1].endswith(".json"):
            return await asyncio.to_thread(self._tilejson, parts[1].removesuffix(".json"), coding, origin)
        if tree == "tiles" and len(parts) == 5:
            vectors = self._current_vectors()
            found = await asyncio.to_thread(self._vector_tile, vectors, parts[1:], coding, path)
            if vectors is self._vectors:
                self._recent_vectors.put((path, coding), found)
            return found
        raise TileError("tile_missing", subject=path)

    def _current_vectors(self) -> _Vectors:
        """What belongs to the park as it is; what belonged to an earlier revision is let go."""
        revision = self._store.revision()
        if revision != self._vectors.revision:
            self._vectors = _Vectors(revision)
            self._recent_vectors.clear()
        return self._vectors

    def _layer(self, vectors: _Vectors, layer_id: str) -> VectorTiles:
        if layer_id not in vectors.layers:
            with vectors.locks.setdefault(layer_id, threading.Lock()):  # two requests for a layer's first tile lay it out once
                if layer_id not in vectors.layers:
                    vectors.layers[layer_id] = VectorTiles(layer_id, self._store.features(layer_id))
        return vectors.layers[layer_id]

    def _vector_tile(self, vectors: _Vectors, parts: Sequence[str], coding: str, path: str) -> Answer:
        layer_id, *numbers = parts
        numbers[2] = numbers[2].removesuffix(".mvt") if numbers[2].endswith(".mvt") else ""
        if not all(_NUMBER.fullmatch(number) for number in numbers):
            raise TileError("tile_missing", subject=path)
        z, x, y = (int(number) for number in numbers)
        if not is_tile(z, x, y):
            raise TileError("tile_missing", subject=path)
        content = self._layer(vectors, layer_id).encode(z, x, y)
        return answer(b"", MVT, "identity") if content is None else _encoded(content, MVT, coding)

    def _tilejson(self, layer_id: str, coding: str, origin: str) -> Answer:
        layer = self._store.layer(layer_id)
        address = f"{origin}/tiles/{quote(layer_id, safe='')}/{{z}}/{{x}}/{{y}}.mvt"
        document = self._layer(self._current_vectors(), layer_id).tilejson(address, layer.title)
        return _encoded(json.dumps(document, ensure_ascii=False).encode(), JSON, coding)

    def _file(self, parts: Sequence[str], coding: str, path: str) -> Answer:
        """A file of the 3D Tiles; its name is one of those the builder gives, or there is no such file."""
        *folders, name = parts or [""]
        fixed = name == "tileset.json"
        if len(folders) > 1 or not (fixed or (folders and _CONTENT.fullmatch(name))):
            raise TileError("tileset_missing", subject=path)
        if fixed and self._keep_current:
            self._bring_up_to_date()
        folder = tiles_folder(self._store.path)
        if folders:
            folder /= folders[0] if _FOLDER.fullmatch(folders[0]) else folder_name(folders[0])
        try:
            content = (folder / (name + ENCODINGS.get(coding, ""))).read_bytes()
        except FileNotFoundError:
            return self._plain_file(folder, name, path)
        return _file_answer(content, name, coding)

    def _plain_file(self, folder: Any, name: str, path: str) -> Answer:
        """A file without the compressed form asked for."""
        try:
            return _file_answer((folder / name).read_bytes(), name, "identity")
        except FileNotFoundError as error:
            raise TileError("tileset_missing", subject=path) from error

    def _bring_up_to_date(self) -> None:
        """Rebuild what is out of date: at once where there is nothing to show, else beside what is shown."""
        if self._store.revision() == self._failed_revision or is_current(self._store):
            return
        if not (tiles_folder(self._store.path) / "tileset.json").is_file():
            with self._building:
                self._rebuild()
        elif self._building.acquire(blocking=False):
            threading.Thread(target=self._rebuild_beside, name="tiles", daemon=True).start()

    def _rebuild_beside(self) -> None:
        try:
            self._rebuild()
        finally:
            self._store.close()  # this thread's connection
            self._building.release()

    def _rebuild(self) -> None:
        revision = self._store.revision()
        try:
            build(self._store)
        except (TwinError, OSError):
            self._failed_revision = revision  # not tried again until the park changes
            log.exception(message("tiles_build_failed", "en", subject=self._store.path))


def _file_answer(content: bytes, name: str, coding: str) -> Answer:
    if name.endswith(".glb"):
        return answer(content, GLB, coding, tag=name.removesuffix(".glb"), lifetime=IMMUTABLE)
    return answer(content, JSON, coding)


def _encoded(content: bytes, content_type: bytes, coding: str) -> Answer:
    if coding == "identity" or len(content) < WORTH_COMPRESSING:
        return answer(content, content_type, "identity")
    return answer(compressed(content, coding), content_type, coding)


def _path(scope: Scope) -> str:
    """The address asked for, still percent-encoded, without what the application is mounted under."""
    raw = scope.get("raw_path")
    path = raw.decode("latin-1").partition("?")[0] if raw else quote(scope["path"])
    return path.removeprefix(quote(scope.get("root_path", "")))


def _origin(scope: Scope, headers: Mapping[bytes, bytes]) -> str:
    """Scheme, host and mount point, for addresses in TileJSON; without a Host header they start at the root."""
    host = headers.get(b"host", b"").decode("latin-1")
    root = quote(scope.get("root_path", ""))
    return f"{scope.get('scheme', 'http')}://{host}{root}" if host else root


async def _respond(send: Send, headers: Mapping[bytes, bytes], found: Answer, *, body: bool) -> None:
    asked = headers.get(b"if-none-match")
    if asked is not None and matches(asked, found.etag):
        unchanged = [header for header in found.headers if header[0] in {b"etag", b"cache-control", b"vary"}]
        await send({"type": "http.response.start", "status": 304, "headers": unchanged})
        await send({"type": "http.response.body", "body": b""})
        return
    if not found.body:  # a tile without features: nothing is wrong, and nothing is there
        kept = [header for header in found.headers if header[0] not in {b"content-type", b"content-length"}]
        await send({"type": "http.response.start", "status": 204, "headers": kept})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": list(found.headers)})
    await send({"type": "http.response.body", "body": found.body if body else b""})


async def _refuse(send: Send, scope: Scope, headers: Mapping[bytes, bytes], status: int, error: TwinError) -> None:
    body, told = problem(error, status, headers.get(b"accept-language", b""))
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
