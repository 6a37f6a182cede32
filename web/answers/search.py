"""What a question finds in the gazetteer, best first.

Text is compared folded (NFKC, lower case); every word of the question must occur in the name or in what the thing is. Rank: the
whole name or id, its beginning, the beginning of a word, anywhere; then buildings before rooms, devices, features and elements; then
short names.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

Kind = Literal["building", "space", "device", "feature", "element"]
RANK: dict[Kind, int] = {"building": 0, "space": 1, "device": 2, "feature": 3, "element": 4}


class SearchHit(BaseModel):
    """Something found: what it is, where [deg, deg, m park datum], on which storey and, of a feature, in which layer."""

    type: Kind
    id: str
    name: str
    name_zh: str
    detail: str
    lon: float | None
    lat: float | None
    h_m: float | None
    storey_id: str | None = None
    layer: str | None = None


class SearchAnswer(BaseModel):
    """What was found, best first."""

    results: Sequence[SearchHit]


@dataclass(frozen=True)
class Entry:
    """One line of the gazetteer: the hit, and its names, its id and all it is found by, folded for comparing."""

    hit: SearchHit
    names: tuple[str, ...]
    identity: str
    text: str


def search_answer(entries: Sequence[Entry], question: str, limit: int, lang: str = "en") -> SearchAnswer:
    """The best `limit` entries that hold every word of the question, or have it as their id, named in `lang`."""
    whole = fold(question)
    words = whole.split()
    if not words:
        return SearchAnswer(results=[])
    found = [(_rank(entry, whole, words[0]), entry) for entry in entries if _matches(entry, whole, words)]
    found.sort(key=lambda pair: (*pair[0], pair[1].hit.name))
    hits = [entry.hit for _, entry in found[:limit]]
    return SearchAnswer(results=[hit.model_copy(update={"name": hit.name_zh}) for hit in hits] if lang == "zh" else hits)


def entry(hit: SearchHit, *names: str | None, words: str = "") -> Entry:
    """The entry of a hit under its names; `words` say what it is. Without a name it is found by its whole id alone."""
    folded = tuple(dict.fromkeys(fold(name) for name in names if name))
    return Entry(hit, folded, fold(hit.id), " ".join((*folded, fold(hit.detail), fold(words))) if folded else "")


def fold(text: str) -> str:
    """Text as it is compared: width and case folded, surplus space gone."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _matches(candidate: Entry, whole: str, words: Sequence[str]) -> bool:
    return all(word in candidate.text for word in words) or candidate.identity == whole


def _rank(candidate: Entry, whole: str, first: str) -> tuple[int, int, int]:
    if whole in candidate.names or whole == candidate.identity:
        place = 0
    elif any(name.startswith(whole) for name in candidate.names):
        place = 1
    elif any(f" {first}" in f" {name}" for name in candidate.names):
        place = 2
    else:
        place = 3 if any(first in name for name in candidate.names) else 4
    return place, RANK[candidate.hit.type], len(candidate.hit.name)
