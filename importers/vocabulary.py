"""The words of sources turned into ours, read from `vocabulary.toml`."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

_BRACKETS = re.compile(r"\s*[(\[【]([^)\]】]*)[)\]】]\s*$")
HAN = re.compile(r"[\u3400-\u9fff]")


@cache
def section(name: str) -> Mapping[str, Any]:
    """One table of the vocabulary; `a.b` is a table inside a table."""
    found: Any = _vocabulary()
    for part in name.split("."):
        found = found[part]
    return found


@lru_cache(maxsize=100_000)
def normal(word: object) -> str:
    """A word as it is compared: half-width, lower case, underscores for spaces, without a unit in brackets."""
    text = unicodedata.normalize("NFKC", str(word)).strip().casefold()
    return re.sub(r"[\s\-./]+", "_", _BRACKETS.sub("", text)).strip("_")


def bracketed(word: object) -> str:
    """The unit a column name carries in brackets, as in `高度(m)`; empty where there is none."""
    found = _BRACKETS.search(unicodedata.normalize("NFKC", str(word)).strip())
    return found.group(1).strip() if found else ""


def meaning(table: str, word: object) -> str | None:
    """Our word for `word` by one table of the vocabulary; None where it is not in it."""
    return _inverted(table).get(normal(word))


def rank(table: str, ours: str, word: object) -> int:
    """How early `word` stands among the words for `ours`; the earlier, the surer."""
    return _order(table, ours).get(normal(word), 10_000)


def has_han(text: object) -> bool:
    """Whether the text has Chinese characters."""
    return bool(HAN.search(str(text)))


@lru_cache(maxsize=100_000)
def longest_match(table: str, text: str) -> tuple[str, str] | None:
    """Our word and the word found, for the longest word of the table that occurs in `text`; None where none does.

    Words in Latin letters match whole words, with or without a plural ending; Chinese words match anywhere.
    """
    spaced = f" {_words(text)} "
    found = [
        (len(word) * (2 if has_han(word) else 1), ours, word)
        for ours, words in section(table).items()
        for word in words
        if _occurs(word, spaced)
    ]
    if not found:
        return None
    _, ours, word = max(found, key=lambda each: each[0])
    return ours, word


def _occurs(word: str, spaced: str) -> bool:
    if has_han(word):
        return word in spaced
    plain = _words(word)
    return any(f" {plain}{ending} " in spaced for ending in ("", "s", "es"))


def _words(text: str) -> str:
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    return re.sub(r"[\W_]+|(?<=[a-zA-Z])(?=\d)|(?<=\d)(?=[a-zA-Z])", " ", parted).strip().casefold()


@cache
def _inverted(table: str) -> Mapping[str, str]:
    words: Mapping[str, Sequence[str]] = section(table)
    return {normal(word): ours for ours, listed in reversed(list(words.items())) for word in [ours, *listed]}


@cache
def _order(table: str, ours: str) -> Mapping[str, int]:
    return {normal(word): place for place, word in reversed(list(enumerate(section(table)[ours])))}


@cache
def _vocabulary() -> Mapping[str, Any]:
    return tomllib.loads(files("importers").joinpath("vocabulary.toml").read_text("utf-8"))
