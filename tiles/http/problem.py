"""What a tile request gets that cannot be met: problem details (RFC 9457) in the language asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping

from tiles.http.cache import REVALIDATE, Reply
from tiles.http.negotiate import weights
from twin.errors import NotFound, TileError, TwinError
from twin.i18n import message, preferred_language


class MethodRefused(TileError):
    """Tiles are read, not changed."""


class NotAcceptable(TileError):
    """There is no form of it that the request takes."""


class RangeRefused(TileError):
    """The range begins where the file has ended."""


class Unreadable(TileError):
    """It is there, and the disk does not give it."""


STATUS: Mapping[type[TwinError], int] = {
    MethodRefused: 405,
    NotAcceptable: 406,
    RangeRefused: 416,
    Unreadable: 503,
    TileError: 404,
    NotFound: 404,
}


def problem(error: TwinError, accept_language: bytes, *more: tuple[bytes, bytes]) -> Reply:
    """The response that tells `error`, with further headers."""
    status = next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)
    lang = language(accept_language)
    document = {
        "type": f"/problems/{error.code}",
        "title": message(f"tile_title_{status}", lang),
        "status": status,
        "detail": error.text(lang),
        "hint": error.hint(lang),
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    headers = (
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", REVALIDATE),
        (b"vary", b"accept-language"),
        *(((b"allow", b"GET, HEAD"),) if status == 405 else ()),
        *more,
    )
    return Reply(status, headers, body)


def language(accept_language: bytes) -> str:
    """`en` or `zh`: the one an Accept-Language header likes better (RFC 9110, 12.5.4), else what the locale says."""
    wishes = [(weight, tag.split("-")[0]) for tag, weight in weights(accept_language).items() if tag.split("-")[0] in {"en", "zh"}]
    best = max(wishes, key=lambda wish: wish[0], default=(0.0, ""))
    return preferred_language(best[1] if best[0] > 0 else None)
