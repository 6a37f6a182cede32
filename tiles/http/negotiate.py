"""What a request wishes: content codings, entity tags and byte ranges (RFC 9110, 12.5.3, 13.1 and 14). Pure functions over headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

IDENTITY = "identity"
_RANGE = re.compile(rb"bytes[ \t]*=[ \t]*(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))[ \t]*", re.IGNORECASE)


@lru_cache(512)
def codings(accept: bytes | None, available: tuple[str, ...]) -> tuple[str, ...]:
    """The codings an Accept-Encoding header takes, the best first; empty where it takes none, not even the plain bytes (RFC 9110, 12.5.3).

    `available` are the codings there are besides `identity`, the best first: what is wished alike is ordered so. No header wishes nothing
    in particular; it gets the plain bytes, as who can unpack says so.
    """
    if accept is None:
        return (IDENTITY,)
    wanted = weights(accept)
    weight = {name: wanted.get(name, wanted.get("*", 0.0)) for name in available}
    plain = wanted.get(IDENTITY, wanted.get("*", 1e-4))  # taken unless it is refused, but nobody's first wish unless it is named
    weight[IDENTITY] = plain if IDENTITY in wanted or not plain else 1e-4
    return tuple(sorted((name for name in weight if weight[name] > 0), key=lambda name: -weight[name]))


def weights(header: bytes) -> dict[str, float]:
    """What a header of weighted wishes names, in small letters, with the weight of each (RFC 9110, 12.4.2)."""
    parts = (part.partition(";") for part in header.decode("latin-1").split(","))
    return {name.strip().lower(): _weight(parameter) for name, _, parameter in parts if name.strip()}


def matches(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match header names the entity tag, weakly compared (RFC 9110, 13.1.2)."""
    if if_none_match == etag:
        return True
    tags = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in tags or tags == [b"*"]


def byte_range(headers: Mapping[bytes, bytes], size: int, etag: bytes) -> tuple[int, int] | None:
    """First and one past the last byte of the one range asked for; None where the whole is to be sent (RFC 9110, 14.2).

    A range that begins past the end comes out empty, as (size, size): it cannot be met. Several ranges at once, other units, a range that
    runs backwards, and a range of another state of the file (If-Range) are answered with the whole.
    """
    found = _RANGE.fullmatch(headers.get(b"range", b""))
    if found is None or headers.get(b"if-range", etag) != etag:
        return None
    first, last, tail = (None if part is None else int(part) for part in found.groups())
    if first is None:
        return (size - min(tail or 0, size), size)
    if last is not None and last < first:
        return None
    return (min(first, size), size if last is None else min(last + 1, size))


def header_map(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Headers by name; those given several times are one list (RFC 9110, 5.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b"," + value if name in found else value
    return found


def _weight(parameters: str) -> float:
    """The weight among a wish's parameters: 1 where there is none, 0 where it is not a number from 0 to 1."""
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 0.0
            return weight if 0 <= weight <= 1 else 0.0
    return 1.0
