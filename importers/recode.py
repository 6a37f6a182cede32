"""Text that a library handed over byte by byte put into characters: one encoding for a table, and the records that have another.

GDAL is asked to leave text as it lies in the file (as Latin-1, which maps each byte to one character); so no byte is lost, a field
that ends in half a character is known, and records that another program appended in another encoding are read in theirs.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.encodings import Encoding, check_encoding, checked, codec_of, detected, issues_of
from importers.plausible import CANDIDATES, Candidate, candidate_of, likelihood
from twin.errors import UnreadableSource
from twin.model import Issue

_BETTER_NATS = 6.0  # how much likelier another encoding must be for one record to be taken for it
_LISTED = 5
_WATCHED = 20_000  # different texts that are compared one by one


@dataclass(frozen=True)
class Recoded:
    """Columns with their text in characters, the encoding most of it was in, and what to know about it."""

    columns: dict[str, Sequence[Any]]
    encoding: Encoding
    issues: Sequence[Issue] = ()


@dataclass
class _Texts:
    """Different texts of a table as bytes, and what each is in characters."""

    codec: str
    made: dict[str, str] = field(default_factory=dict[str, str])
    other: dict[str, set[str]] = field(default_factory=dict[str, set[str]])  # encoding -> texts that are in it instead
    cut: set[str] = field(default_factory=set[str])
    unread: set[str] = field(default_factory=set[str])


def recoded(columns: Mapping[str, Sequence[Any]], stated: str | None, given: str | None, subject: str) -> Recoded:
    """The columns with names and text as characters.

    Parameters
    ----------
    columns
        Text as Latin-1, one character a byte.
    stated
        The codec the file states, if any.
    given
        The encoding the person named, if any.
    subject
        What an Issue calls the table.

    Raises
    ------
    UnreadableSource
        If most of the text is not in the encoding given.
    """
    telling = [name for name in columns if not name.isascii()]
    found: set[str] = set()
    for values in columns.values():
        found.update(value for value in values if isinstance(value, str) and not value.isascii())
    if not telling and not found:
        name = given or stated
        return Recoded(dict(columns), Encoding(name.upper() if name else "UTF-8", "given" if given else "stated"))
    samples = [text.encode("latin-1") for text in [*telling, *sorted(found)]]
    encoding = _encoding(samples, stated, given)
    texts = _read([*telling, *sorted(found)], encoding)
    if given and len(texts.unread) * 2 > len(samples):
        raise UnreadableSource("encoding_wrong", subject=subject, encoding=given, position=0)
    made = {texts.made.get(name, name): _column(values, texts.made) for name, values in columns.items()}
    return Recoded(made, encoding, [*issues_of(encoding, subject), *_issues(columns, texts, encoding, subject)])


def _encoding(samples: Sequence[bytes], stated: str | None, given: str | None) -> Encoding:
    if given:
        return Encoding(check_encoding(given), "given")
    return checked(stated, samples) if stated else detected(samples)


def _column(values: Sequence[Any], made: Mapping[str, str]) -> Sequence[Any]:
    return [made.get(value, value) if isinstance(value, str) else value for value in values]


def _read(found: Sequence[str], encoding: Encoding) -> _Texts:
    """Each text in characters: in the encoding, in another where it is that, or with marks where it is in none."""
    texts = _Texts(codec_of(encoding.name))
    own = candidate_of(texts.codec)
    for k, text in enumerate(found):
        raw = text.encode("latin-1")
        whole = _whole(raw, texts.codec)
        rival = _rival(raw, own, whole is None) if encoding.how != "given" and (whole is None or k < _WATCHED) else None
        if rival is not None:
            texts.made[text] = raw.decode(rival.codec)
            texts.other.setdefault(rival.name, set()).add(text)
        elif whole is not None:
            texts.made[text] = whole[0]
            texts.cut |= {text} if whole[1] else set()
        else:
            texts.made[text] = raw.decode(texts.codec, "replace")
            texts.unread.add(text)
    return texts


def _whole(raw: bytes, codec: str) -> tuple[str, bool] | None:
    """The text, without half a character at its end, and whether there was one; None where it is not in the encoding."""
    decoder = codecs.getincrementaldecoder(codec)("strict")
    try:
        text = decoder.decode(raw)
    except UnicodeDecodeError:
        return None
    return text, bool(decoder.getstate()[0])


def _rival(raw: bytes, own: Candidate, failed: bool) -> Candidate | None:
    """The other encoding that one text is in; None where it is in the table's own, or in none that is surely better."""
    rivals = [each for each in CANDIDATES if each != own and (failed or each.name in {"UTF-8", "GBK", "BIG5"}) and _strict(raw, each)]
    if not rivals:
        return None
    best = max(rivals, key=lambda each: each.prior + likelihood(raw, each))
    if failed:
        return best
    return best if best.prior + likelihood(raw, best) > own.prior + likelihood(raw, own) + _BETTER_NATS else None


def _strict(raw: bytes, candidate: Candidate) -> bool:
    try:
        raw.decode(candidate.codec)
    except UnicodeDecodeError:
        return False
    return True


def _issues(columns: Mapping[str, Sequence[Any]], texts: _Texts, encoding: Encoding, subject: str) -> list[Issue]:
    out: list[Issue] = []
    for name, members in texts.other.items():
        records = _records(columns, members)
        details = {"encoding": encoding.name, "other": name, **_listed(records), "sample": texts.made[min(members)]}
        out.append(Issue("encoding_mixed", "warning", subject, details))
    if texts.unread:
        details = {"encoding": encoding.name, **_listed(_records(columns, texts.unread)), "sample": texts.made[min(texts.unread)]}
        out.append(Issue("encoding_unread", "warning", subject, details))
    if texts.cut:
        details = {**_listed(_records(columns, texts.cut)), "sample": texts.made[min(texts.cut)]}
        out.append(Issue("encoding_cut", "info", subject, details))
    return out


def _records(columns: Mapping[str, Sequence[Any]], members: set[str]) -> list[int]:
    """Which records (from 1) have one of these texts; 0 stands for the names of the fields."""
    found = {0} if members & set(columns) else set[int]()
    for values in columns.values():
        found.update(k for k, value in enumerate(values, 1) if isinstance(value, str) and value in members)
    return sorted(found)


def _listed(records: Sequence[int]) -> dict[str, object]:
    shown = ", ".join(map(str, records[:_LISTED]))
    return {"count": len(records), "records": shown + (" …" if len(records) > _LISTED else "")}
