"""The language of an answer, from the request's Accept-Language (RFC 9110, 12.5.4)."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.types import Scope

from twin.i18n import preferred_language


def language(scope: Scope) -> str:
    """`en` or `zh`: the one the request likes better; without a wish, what the server's locale says."""
    return accepted(Headers(scope=scope).get("accept-language", ""))


def accepted(header: str) -> str:
    """`en` or `zh` out of the value of an Accept-Language header."""
    best, weight = "", 0.0
    for part in header.split(","):
        tag, _, rest = part.strip().partition(";")
        primary = tag.strip().lower().split("-")[0]
        quality = _quality(rest)
        if primary in {"en", "zh"} and quality > weight:
            best, weight = primary, quality
    return preferred_language(best or None)


def _quality(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0
