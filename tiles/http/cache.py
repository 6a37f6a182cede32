"""Answers ready to be sent, kept in memory: the least recently asked for go first when there is no more room."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from functools import cached_property

from tiles.http.negotiate import IDENTITY

Header = tuple[bytes, bytes]

IMMUTABLE = b"public, max-age=31536000, immutable"
REVALIDATE = b"no-cache"  # may be kept, but is asked about each time
PRIVATE = b"private, no-cache"  # kept by who may see it alone, and asked about each time, as who may see it can change
VARY = b"accept-encoding"
VARY_PRIVATE = b"accept-encoding, authorization, cookie"
_TOLD_UNCHANGED = {b"etag", b"cache-control", b"vary"}  # RFC 9110, 15.4.5
_BESIDES = 1024  # bytes of memory that an answer takes beside its body
_TOLD_EMPTY = _TOLD_UNCHANGED | {b"content-encoding"}


@dataclass(frozen=True)
class Reply:
    """One response, whole."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""

    @cached_property
    def lines(self) -> bytes:
        """The headers as HTTP/1.1 writes them."""
        return b"".join(name + b": " + value + b"\r\n" for name, value in self.headers)


@dataclass(frozen=True)
class Answer:
    """A tile as it is sent: to GET, to HEAD, and to who has it already."""

    etag: bytes
    whole: Reply  # 200; 204 where there is nothing in it
    head: Reply
    unchanged: Reply  # 304
    subject: str = ""  # what one must be allowed to see (see `tiles.http.permission`)
    layer: str = ""  # the layer it was made of, for vector tiles
    content: str = ""  # the layer's content it was made of

    @property
    def size(self) -> int:
        """Bytes it takes in memory, about."""
        return len(self.whole.body) + _BESIDES


def answer(body: bytes, content_type: bytes, coding: str, *, tag: str = "", lifetime: bytes = REVALIDATE) -> Answer:
    """The response with `body`, which is in the content coding named.

    `tag` is what the entity tag is made of; without it, the body's hash is. Nothing in the body is an empty tile: there, and no error.
    """
    name = tag or hashlib.blake2b(body, digest_size=12).hexdigest()
    etag = (f'"{name}"' if coding == IDENTITY else f'"{name}-{coding}"').encode()
    headers: list[Header] = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"etag", etag),
        (b"cache-control", lifetime),
        (b"vary", VARY_PRIVATE if lifetime == PRIVATE else VARY),
    ]
    if coding != IDENTITY:
        headers.append((b"content-encoding", coding.encode()))
    unchanged = Reply(304, tuple(header for header in headers if header[0] in _TOLD_UNCHANGED))
    if body:
        return Answer(etag, Reply(200, tuple(headers), body), Reply(200, tuple(headers)), unchanged)
    empty = Reply(204, tuple(header for header in headers if header[0] in _TOLD_EMPTY))
    return Answer(etag, empty, empty, unchanged)


def of(found: Answer, *, subject: str, layer: str = "", content: str = "") -> Answer:
    """The same answer, knowing what it shows."""
    return replace(found, subject=subject, layer=layer, content=content)


@dataclass
class Recent:
    """Answers by key, up to `room` bytes of bodies; asked and filled by one thread."""

    room: int
    used: int = 0
    kept: OrderedDict[Hashable, Answer] = field(default_factory=OrderedDict[Hashable, Answer])

    def get(self, key: Hashable) -> Answer | None:
        """The answer kept under `key`, now the most recent."""
        found = self.kept.get(key)
        if found is not None:
            self.kept.move_to_end(key)
        return found

    def put(self, key: Hashable, found: Answer) -> None:
        """Keep an answer in the place of an earlier one, letting go of the oldest while there is no room."""
        before = self.kept.pop(key, None)
        self.used -= 0 if before is None else before.size
        if found.size > self.room:
            return
        self.kept[key] = found
        self.used += found.size
        while self.used > self.room:
            _, oldest = self.kept.popitem(last=False)
            self.used -= oldest.size
