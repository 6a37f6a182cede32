"""XML looked at before any parser sees it: no entities of its own, no element of a size or depth that only a trap has, in UTF-8.

For KML, GML, CityGML, GPX, OSM and ifcXML. An entity can read another file or grow to gigabytes (CWE-611, CWE-776); none of these
formats needs one. A document type can only stand before the root element (XML 1.0, section 2.8), so that is where it is looked for.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.parsers import expat

import numpy as np

from importers.encodings import Encoding, check_encoding, codec_of, detected
from twin.errors import UnreadableSource

LARGEST_PIECE_BYTES = 256_000_000  # between two `>`: the coordinates of five million points
DEEPEST = 500  # elements in elements
_PROLOG_BYTES = 1 << 20
_BLOCK = 1 << 22
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"), (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_UNMARKED = ((b"<\x00?\x00", "utf-16-le"), (b"\x00<\x00?", "utf-16-be"), (b"<\x00", "utf-16-le"), (b"\x00<", "utf-16-be"))
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:\-]+)["']""")
_DECLARATION = re.compile(r"^\s*<\?xml[^>]*\?>")
_BEFORE_ROOT = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_TYPE_END = re.compile(r"[^\[>]*>|[^\[]*\[.*?\]\s*>", re.DOTALL)
_ENTITY = re.compile(r"<!ENTITY\s+(?:%\s*)?([^\s>]{1,60})")


@dataclass(frozen=True)
class Markup:
    """An XML document that may be parsed: where it is, and the encoding the original was in."""

    path: Path
    encoding: Encoding


def starts_as_markup(head: bytes) -> bool:
    """Whether a file starts like XML, in UTF-8, UTF-16 or UTF-32."""
    return head.replace(b"\x00", b"").lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n").startswith(b"<")


def start_of(head: bytes) -> str:
    """The first characters of a document, as text, for a look at its root element; empty where it is no XML."""
    if not starts_as_markup(head):
        return ""
    try:
        return head.decode(_stated(head) or "utf-8", "replace").lstrip("\ufeff")
    except (LookupError, UnicodeError):
        return head.decode("latin-1")


def checked(path: Path) -> None:
    """Refuse a document that must not be given to a parser.

    Raises
    ------
    UnreadableSource
        If it declares entities, holds a piece larger than 256 MB or elements nested more than 500 deep, or starts with no root element.
    """
    with path.open("rb") as stream:
        head = stream.read(_PROLOG_BYTES)
        _check_prolog(head, path.name)
        stream.seek(0)
        suspicious = _scan(stream, path.name)
    if suspicious:
        _check_depth(path)


def readable(path: Path, folder: Path, given: str | None = None) -> Markup:
    """The document, checked, in UTF-8: itself, or a copy in `folder` where it is in another encoding, whatever it declares.

    Raises
    ------
    UnreadableSource
        If it must not be parsed, or is not in the encoding given.
    """
    checked(path)
    with path.open("rb") as stream:
        head = stream.read(4096)
    stated = _stated(head)
    encoding = Encoding(check_encoding(given), "given") if given else Encoding(_normal(stated or "utf-8"), "stated")
    if encoding.name == "UTF-8" and _is_utf8(path):
        return Markup(path, encoding)
    data = path.read_bytes()
    try:
        text = data.decode(codec_of(encoding.name))
    except UnicodeError as error:
        if given:
            raise UnreadableSource("encoding_wrong", subject=path.name, encoding=given, position=getattr(error, "start", 0)) from error
        encoding = detected(data.splitlines())
        text = data.decode(codec_of(encoding.name), "replace")
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / path.name
    copy.write_text(_DECLARATION.sub('<?xml version="1.0" encoding="UTF-8"?>', text.lstrip("\ufeff"), count=1), "utf-8")
    checked(copy)
    return Markup(copy, encoding)


def _check_prolog(head: bytes, subject: str) -> None:
    """Refuse entities, wherever the document type hides them; the text is read as a parser would read it."""
    try:
        text = head.decode(_stated(head) or "utf-8", "replace").lstrip("\ufeff")
    except (LookupError, UnicodeError) as error:
        raise UnreadableSource("markup_damaged", subject=subject, reason=str(error)) from error
    # a parser that takes the bytes for something else than declared must not find what we do not
    for seen in (text, head.replace(b"\x00", b"").decode("latin-1")):
        at = 0
        while found := _BEFORE_ROOT.match(seen, at):
            at = found.end()
        has_type = seen[at : at + 9].upper() == "<!DOCTYPE"
        if has_type and (entity := _ENTITY.search(seen, at)):
            raise UnreadableSource("markup_entities", subject=subject, name=entity[1])
        open_ended = (has_type and not _TYPE_END.match(seen, at)) or seen[at : at + 4] in {"", "<!--"} or seen[at : at + 2] == "<?"
        if len(head) == _PROLOG_BYTES and open_ended:
            raise UnreadableSource("markup_damaged", subject=subject, reason="no root element in the first megabyte")


def _scan(stream: IO[bytes], subject: str) -> bool:
    """Whether the nesting has to be counted exactly; refuses a piece of text or a tag that is too large on the way."""
    since, depth, deepest = 0, 0, 0
    while block := stream.read(_BLOCK):
        data = np.frombuffer(block, np.uint8)
        ends = np.flatnonzero(data == ord(">"))
        gaps = np.diff(ends, prepend=-since - 1, append=len(data))
        if int(gaps.max()) > LARGEST_PIECE_BYTES:
            raise UnreadableSource("markup_element_large", subject=subject, limit_mb=LARGEST_PIECE_BYTES // 10**6)
        since = since + len(data) if not len(ends) else len(data) - int(ends[-1]) - 1
        opened = np.flatnonzero(data[:-1] == ord("<"))
        step = np.where(np.isin(data[opened + 1], (ord("!"), ord("?"))), 0, np.where(data[opened + 1] == ord("/"), -1, 1))
        alone = ends[ends > 0]
        alone = alone[data[alone - 1] == ord("/")]
        order = np.argsort(np.concatenate([opened, alone]), kind="stable")
        path = np.cumsum(np.concatenate([step, np.full(len(alone), -1)])[order])
        if len(path):
            deepest, depth = max(deepest, depth + int(path.max())), depth + int(path[-1])
    return deepest > DEEPEST


def _check_depth(path: Path) -> None:
    """Refuse elements that lie too deep; only what looks so is parsed for it."""
    depth = 0

    def start(_name: str, _attributes: object) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise UnreadableSource("markup_too_deep", subject=path.name, limit=DEEPEST)

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = start, end
    try:
        with path.open("rb") as stream:
            parser.ParseFile(stream)
    except (expat.ExpatError, LookupError):
        return  # whoever reads it says what is wrong with it


def _stated(head: bytes) -> str | None:
    """The encoding a document states by its mark, by how its first bytes lie, or in its declaration."""
    for mark, name in (*_MARKS, *_UNMARKED):
        if head.startswith(mark):
            return name
    found = _DECLARED.match(head[:1024])
    name = found[1].decode("ascii").lower() if found else None
    return None if name and name.startswith(("utf-16", "utf-32", "ucs")) else name  # it says so, yet its bytes are single: a common slip


def _normal(name: str) -> str:
    """The encoding's usual name."""
    try:
        return "UTF-8" if codecs.lookup(name).name in {"utf-8", "utf-8-sig", "ascii"} else name.upper()
    except LookupError:
        return name.upper()


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
