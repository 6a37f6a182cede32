"""Tiles over HTTP: a bare ASGI application, because a framework would take three times as long as the answer.

    /tiles/{layer}.json                   TileJSON 3.0
    /tiles/{layer}/{z}/{x}/{y}.mvt        vector tiles, encoded when first asked for (`tiles.http.vectors`)
    /tiles/{name}.pmtiles                 archives of tiles, by range (`tiles.http.archives`)
    /3dtiles/tileset.json                 the park; /3dtiles/buildings/... and /3dtiles/{building id}/... below it (`tiles.http.trees`)
    /terrain/tileset.json                 the ground

Addresses are split before they are percent-decoded, so layer and building ids may hold any character. What is in memory is answered by
`TileApp.at_once` without waiting for anything; everything else is made on other threads, once for all who ask.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import quote, unquote

from tiles.build import tiles_folder
from tiles.files import available_encodings, compressed
from tiles.http.archives import BLOCK, SUFFIX, Part, archive_at, layers_in, part_of
from tiles.http.cache import PRIVATE, REVALIDATE, VARY_PRIVATE, Answer, Recent, Reply, answer
from tiles.http.flight import Flights
from tiles.http.kept import KeptTiles
from tiles.http.negotiate import IDENTITY, codings, header_map, matches
from tiles.http.permission import MaySee, Scope, everything, outer_without
from tiles.http.problem import MethodRefused, NotAcceptable, RangeRefused, Unreadable, problem
from tiles.http.trees import Place, Trees
from tiles.http.vectors import Encoder, Laid, Layers, place_of, worth
from twin.errors import NotFound, TileError
from twin.store import Store, is_database

Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]

JSON = b"application/json"
ROOM = 256 * 2**20  # bytes of answers kept in memory
FRESH_S = 0.001  # the revision of a park that was read less long ago is taken to be that of now
FRESH_REMOTE_S = 0.02  # the same, of a park whose database has to be asked


class TileApp:
    """The ASGI application that serves the tiles of a park.

    `may_see` is asked of every request, before anything is answered (see `tiles.http.permission`). `keep_current` has 3D Tiles rebuilt
    that are missing or no longer show the park; while they are, the ones before are served.
    """

    def __init__(self, store: Store, may_see: MaySee = everything, *, keep_current: bool = True, room: int = ROOM) -> None:
        self._store = store
        self._may_see = None if may_see is everything else may_see
        self._lifetime = None if may_see is everything else PRIVATE
        self._codings = tuple(available_encodings())
        self._recent = Recent(room)
        self._flights = Flights("tiles")
        self._kept = KeptTiles(store.path / "cache" / "tiles")
        self._layers = Layers(store, self._kept.drop)
        self._encoder = Encoder(self._kept, self._lifetime or REVALIDATE)
        self.trees = Trees(store, keep_current=keep_current)
        self._is_remote = is_database(store.address)
        self._revision, self._fresh_until = "", 0.0

    def close(self) -> None:
        """Wait for what is being encoded or read."""
        self._flights.close()

    def at_once(self, scope: Scope) -> Reply | None:
        """The response to a request, if it is in memory, still true, and the rule lets it be seen; None where it takes longer to say."""
        accept = unchanged = None
        for name, value in scope["headers"]:
            if name == b"accept-encoding":
                accept = value if accept is None else accept + b"," + value
            elif name == b"if-none-match":
                unchanged = value if unchanged is None else unchanged + b"," + value
        wanted = codings(accept, self._codings)
        found = self._recent.get((scope.get("raw_path"), wanted)) if wanted else None
        if found is None or not self._holds(found) or (self._may_see is not None and not self._may_see(scope, found.subject)):
            return None
        return _reply(scope["method"], unchanged, found)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        headers = header_map(scope["headers"])
        try:
            if scope["method"] not in {"GET", "HEAD"}:
                raise MethodRefused("tile_method", subject=scope["method"])
            if self._is_remote and not self._is_fresh():
                self._saw(await self._flights.once("revision", self._store.revision))
            reply = self.at_once(scope) or await self._find(scope, headers, send)
        except (TileError, NotFound) as error:
            more = ((b"content-range", f"bytes */{error.details['size']}".encode()),) if isinstance(error, RangeRefused) else ()
            reply = problem(error, headers.get(b"accept-language", b""), *more)
        if reply is not None:
            await _send(send, reply, has_body=scope["method"] != "HEAD")

    async def _find(self, scope: Scope, headers: Mapping[bytes, bytes], send: Send) -> Reply | None:
        """The response to what is not in memory; None where it has been sent."""
        path = _path(scope)
        parts = [unquote(part) for part in path.split("/")[1:]]
        tree = parts[0] if parts else ""
        if tree == "tiles" and len(parts) == 2 and parts[1].endswith(SUFFIX):
            return await self._archive(scope, headers, send, parts[1], path)
        wanted = codings(headers.get(b"accept-encoding"), self._codings)
        if not wanted:
            raise NotAcceptable("tile_not_acceptable", subject=path)
        if tree in {"3dtiles", "terrain"} and len(parts) > 1:
            coding, found = await self._file(scope, parts, wanted, path)
        elif tree == "tiles" and len(parts) == 5:
            coding, found = await self._vector_tile(scope, parts, wanted, path)
        elif tree == "tiles" and len(parts) == 2 and parts[1].endswith(".json"):
            coding, found = "", await self._tilejson(scope, parts[1].removesuffix(".json"), wanted, path, _origin(scope, headers))
        else:
            raise TileError("tile_missing", subject=path)
        if coding == wanted[0] and (found.layer or path.endswith(".glb")):
            self._recent.put((scope.get("raw_path"), wanted), found)
        return _reply(scope["method"], headers.get(b"if-none-match"), found)

    async def _vector_tile(self, scope: Scope, parts: list[str], wanted: tuple[str, ...], path: str) -> tuple[str, Answer]:
        self._check(scope, f"layer/{parts[1]}", "tile_missing", path)
        place = place_of(parts[2], parts[3], parts[4], path)
        laid = await self._laid(parts[1], path)
        make = partial(self._encoder.tile, laid, place, wanted, f"layer/{parts[1]}")
        _, found = await self._flights.once((laid.content, place, wanted), make)
        return wanted[0], found  # a small tile is not packed, whatever is wanted

    async def _laid(self, layer_id: str, path: str) -> Laid:
        try:
            return await self._flights.once(("layer", layer_id), partial(self._layers.layer, layer_id))
        except NotFound:
            if self._may_see is None:
                raise
            raise TileError("tile_missing", subject=path) from None  # the sentence would name the other layers

    async def _tilejson(self, scope: Scope, layer_id: str, wanted: tuple[str, ...], path: str, origin: str) -> Answer:
        self._check(scope, f"layer/{layer_id}", "tile_missing", path)
        laid = await self._laid(layer_id, path)
        address = f"{origin}/tiles/{quote(layer_id, safe='')}/{{z}}/{{x}}/{{y}}.mvt"
        title = (await self._flights.once(("title", layer_id), partial(self._store.layer, layer_id))).title
        document = json.dumps(laid.tiles.tilejson(address, title), ensure_ascii=False).encode()
        return _packed(document, JSON, wanted, self._lifetime or REVALIDATE)

    async def _file(self, scope: Scope, parts: list[str], wanted: tuple[str, ...], path: str) -> tuple[str, Answer]:
        """A file of the 3D Tiles; under a rule, the tileset of the whole park without what may not be seen."""
        place = await self._flights.once(("place", path), partial(self.trees.place, parts, path))
        if place.folder:
            self._check(scope, place.subject, "tileset_missing", path)
        if self.trees.needs_building():
            await self.trees.wait()
        if self._may_see is not None and not place.folder:
            return "", await self._outer(scope, place, wanted)
        return await self._flights.once((place, wanted), partial(self.trees.file, place, wanted, lifetime=self._lifetime))

    async def _outer(self, scope: Scope, place: Place, wanted: tuple[str, ...]) -> Answer:
        _, whole = await self._flights.once((place, IDENTITY), partial(self.trees.file, place, (IDENTITY,)))
        document = json.loads(whole.whole.body)
        folders = [str(child["content"]["uri"]).partition("/")[0] for child in document["root"].get("children", ())]
        subjects = await self._flights.once(("subjects", tuple(folders)), lambda: {name: self.trees.subject(name) for name in folders})
        shown = outer_without(document, lambda folder: bool(subjects.get(folder)) and self._sees(scope, subjects[folder]))
        return _packed(json.dumps(shown, ensure_ascii=False).encode(), JSON, wanted, PRIVATE)

    async def _archive(self, scope: Scope, headers: Mapping[bytes, bytes], send: Send, file: str, path: str) -> Reply | None:
        """Send an archive, or a range of it."""
        archive = await asyncio.to_thread(archive_at, tiles_folder(self._store.path).parent, file, path)
        if self._may_see is not None:
            layers = await asyncio.to_thread(layers_in, archive)
            if layers is None or not all(self._sees(scope, f"layer/{layer}") for layer in layers):
                raise TileError("tile_missing", subject=path)
        try:
            opened = await asyncio.to_thread(archive.open, "rb")
        except OSError as error:
            raise Unreadable("tile_unreadable", subject=path, reason=error.strerror or type(error).__name__) from error
        with opened:
            chosen = {} if scope["method"] == "HEAD" else {b"range", b"if-range"}
            asked = {name: value for name, value in headers.items() if name == b"if-none-match" or name in chosen}
            part = part_of(opened, asked, self._lifetime or REVALIDATE, VARY_PRIVATE if self._lifetime else b"")
            if scope["method"] == "HEAD" or not part.length:
                return Reply(part.status, part.headers)
            await _stream(send, opened, part)
        return None

    def _check(self, scope: Scope, subject: str, code: str, path: str) -> None:
        if not self._sees(scope, subject):
            raise TileError(code, subject=path)  # as if it were not there

    def _sees(self, scope: Scope, subject: str) -> bool:
        return self._may_see is None or bool(subject and self._may_see(scope, subject))

    def _holds(self, found: Answer) -> bool:
        """Whether an answer is true of the park as it is: files named by their content always are."""
        if not found.layer:
            return True
        if not self._is_fresh():
            if self._is_remote:
                return False  # to ask a database takes time that others would wait
            self._saw(self._store.revision())
        return self._layers.content_at(found.layer, self._revision) == found.content

    def _is_fresh(self) -> bool:
        return time.monotonic() < self._fresh_until

    def _saw(self, revision: str) -> None:
        self._revision = revision
        self._fresh_until = time.monotonic() + (FRESH_REMOTE_S if self._is_remote else FRESH_S)


def _packed(content: bytes, content_type: bytes, wanted: tuple[str, ...], lifetime: bytes) -> Answer:
    coding = worth(content, wanted)
    return answer(content if coding == IDENTITY else compressed(content, coding), content_type, coding, lifetime=lifetime)


def _reply(method: str, if_none_match: bytes | None, found: Answer) -> Reply:
    if if_none_match is not None and matches(if_none_match, found.etag):
        return found.unchanged
    return found.whole if method == "GET" else found.head


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


async def _send(send: Send, reply: Reply, *, has_body: bool) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body if has_body else b""})


async def _stream(send: Send, file: BinaryIO, part: Part) -> None:
    """Send part of a file block by block; who is slow to take it is waited for, and no more of it is read meanwhile."""
    await send({"type": "http.response.start", "status": part.status, "headers": part.headers})
    await asyncio.to_thread(file.seek, part.begin)
    left = part.length
    while left:
        block: Any = await asyncio.to_thread(file.read, min(BLOCK, left))
        left -= len(block)
        if not block:
            break  # cut short while it was sent: the connection is closed, so nobody takes it for whole
        await send({"type": "http.response.body", "body": block, "more_body": left > 0})
