"""What a tile request gets that cannot be met: problem details (RFC 9457) in the language asked for."""

from __future__ import annotations

import json

from tiles.cache import REVALIDATE, Header, weights
from twin.errors import TwinError
from twin.i18n import message, preferred_language


def problem(error: TwinError, status: int, accept_language: bytes) -> tuple[bytes, list[Header]]:
    """Body and headers of the response that tells `error`."""
    lang = language(accept_language)
    document = {
        "type": f"/problems/{error.code}",
        "title": message(f"tile_title_{status}", lang),
        "status": status,
        "detail": error.text(lang),
        "hint": error.hint(lang),
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    headers: list[Header] = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", REVALIDATE),
        (b"vary", b"accept-language"),
    ]
    return body, [*headers, (b"allow", b"GET, HEAD")] if status == 405 else headers


def language(accept_language: bytes) -> str:
    """`en` or `zh`: the one an Accept-Language header likes better (RFC 9110, 12.5.4), else what the locale says."""
    wishes = [(weight, tag.split("-")[0]) for tag, weight in weights(accept_language).items() if tag.split("-")[0] in {"en", "zh"}]
    best = max(wishes, key=lambda wish: wish[0], default=(0.0, ""))
    return preferred_language(best[1] if best[0] > 0 else None)
