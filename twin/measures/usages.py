"""What a room is used for, read from what its model says about it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from twin.model import Space


@cache
def usage_words() -> Mapping[str, Sequence[str]]:
    """Usage -> the words that tell it, from `usages.toml`."""
    return tomllib.loads(files("twin.measures").joinpath("usages.toml").read_text("utf-8"))


def usage_of(space: Space) -> str | None:
    """One of the usages of `usages.toml`; None where nothing tells."""
    for text in (space.usage, space.long_name, space.name):
        found = usage_in(text or "")
        if found:
            return found
    return None


@cache
def usage_in(text: str) -> str | None:
    """The usage that the longest known word in `text` tells."""
    spaced = " " + re.sub(r"[\W_]+", " ", text.casefold())
    found = [
        (len(word) * (1 if word.isascii() else 2), usage)
        for usage, words in usage_words().items()
        for word in (usage.replace("_", " "), *words)
        if (f" {word}" if word.isascii() else word) in spaced
    ]
    return max(found)[1] if found else None
