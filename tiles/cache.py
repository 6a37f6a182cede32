"""Answers kept in memory: the least recently asked for go first when there is no more room."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

Header = tuple[bytes, bytes]

IMMUTABLE = b"public, max-age=31536000, immutable"
REVALIDATE = b"no-cache"  # may be kept, but is asked about each time


@dataclass(frozen=True)
class Answer:
    """A response ready to send: its body, its entity tag and all its headers."""

    body: bytes
    etag: bytes
    headers: tuple[Header, ...]


def answer(body: bytes, content_type: bytes, coding: str, *, tag: str = "", lifetime: bytes = REVALIDATE) -> Answer:
    """The response with `body`, which is in the content coding named (`identity` for none).

    `tag` is what the entity tag is made of; without it, the body's hash is.
    """
    name = tag or hashlib.blake2b(body, digest_size=12).hexdigest()
    etag = f'"{name}"' if coding == "identity" else f'"{name}-{coding}"'
    headers: list[Header] = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"etag", etag.encode()),
        (b"cache-control", lifetime),
        (b"vary", b"accept-encoding"),
    ]
    if coding != "identity":
        headers.append((b"content-encoding", coding.encode()))
    return Answer(body, etag.encode(), tuple(headers))


@dataclass
class Recent:
    """Answers by key, up to `room` bytes of bodies."""

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
        """Keep an answer, letting go of the oldest while there is no room."""
        if len(found.body) > self.room or key in self.kept:
            return
        self.kept[key] = found
        self.used += len(found.body)
        while self.used > self.room:
            _, oldest = self.kept.popitem(last=False)
            self.used -= len(oldest.body)

    def clear(self) -> None:
        """Let go of all."""
        self.kept.clear()
        self.used = 0


def preferred_coding(accept: bytes, available: Iterable[str]) -> str:
    """The first available content coding that an Accept-Encoding header takes; `identity` where it takes none (RFC 9110, 12.5.3)."""
    wanted = weights(accept)
    otherwise = wanted.get("*", 0.0)
    return next((coding for coding in available if wanted.get(coding, otherwise) > 0), "identity")


def weights(header: bytes) -> dict[str, float]:
    """What a header of weighted wishes names, in small letters, with the weight of each (RFC 9110, 12.4.2)."""
    parts = (part.partition(";") for part in header.decode("latin-1").split(","))
    return {name.strip().lower(): _weight(parameter) for name, _, parameter in parts if name.strip()}


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names the entity tag, weakly compared (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in tags or tags == [b"*"]


def _weight(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
