"""What is mended in a copy of a file before the kernel opens it: text, and the schema's name.

ISO 10303-21 has ASCII only, and `\\X2\\…\\X0\\` and its like for the rest (clause 6.4.3). Programs write UTF-8 and GBK as it is, pairs of
UTF-16 where `\\X4\\` is meant, and Windows paths with single backslashes; the kernel drops the first two and refuses a whole file for the
third. What is well written is not touched.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from importers.encodings import Encoding, codec_of, detected, issues_of
from importers.ifc.steptext import statements_in
from twin.model import Issue

_BLOCK = 1 << 22
_PIECE = re.compile(rb"'[^']*'")
_QUOTED = re.compile(rb"('[^']*')")
_ESCAPE = re.compile(
    rb"\\\\|\\X2\\((?:[0-9A-Fa-f]{4})*)((?:[0-9A-Fa-f]{1,3})?)(\\X0\\)?|\\X4\\((?:[0-9A-Fa-f]{8})*)([0-9A-Fa-f]{0,7})(\\X0\\)?"
    rb"|\\X\\([0-9A-Fa-f]{2})|\\S\\([\x20-\x7e])|\\P[A-I]\\|\\N\\|\\"
)
_WELL = re.compile(
    rb"(?:[^\\]|\\\\|\\X2\\(?:[0-9A-Fa-f]{4})+\\X0\\|\\X4\\(?:000[0-9A-Fa-f]{5}|0010[0-9A-Fa-f]{4})+\\X0\\|\\X\\[0-9A-Fa-f]{2}"
    rb"|\\S\\[\x20-\x7e]|\\P[A-I]\\)*"
)
_PAIRED = re.compile(rb"\\X2\\(?:[0-9A-Fa-f]{4})*?(?:[Dd][89A-Fa-f][0-9A-Fa-f]{2}|0000)")
_NO_NUMBER = re.compile(rb"[-+]?\d*\.#[A-Z]+\d*")  # what C libraries write for numbers that are none: 1.#QNAN, -1.#IND, 1.#INF00
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
_SCHEMA = re.compile(rb"FILE_SCHEMA\s*\(\s*\(\s*'([^']*)'", re.IGNORECASE)
_TOLD = 4000  # pieces of text from which the encoding is told
_REPLACED = "\ufffd"


@dataclass
class _Text:
    """What is known of a file's text, and what was done to it."""

    given: str | None
    encoding: Encoding | None = None
    odd: int = 0  # pieces in another encoding than the rest
    malformed: int = 0
    first: str = ""
    is_ascii: bool = True
    no_numbers: int = 0
    pieces: list[bytes] = field(default_factory=list[bytes])

    def mended(self, found: re.Match[bytes]) -> bytes:
        """A piece in quotes as the standard wants it."""
        piece = found[0][1:-1]
        if not is_well(piece):
            self.malformed += 1
            self.first = self.first or piece[:60].decode("ascii", "replace")
            piece = _ESCAPE.sub(_escape, piece)
        return b"'" + (piece if piece.isascii() else _escaped(self._decoded(piece)).encode("ascii")) + b"'"

    def _decoded(self, piece: bytes) -> str:
        usual = codec_of(self.given or (self.encoding.name if self.encoding is not None else "utf-8"))
        if usual == "utf-8" or not _is_utf8(piece):
            with contextlib.suppress(UnicodeDecodeError):
                return piece.decode(usual)
        self.odd += 1
        return piece.decode(codec_of(detected([piece]).name), "replace")


@dataclass(frozen=True)
class Mended:
    """A file the kernel can read, the encoding its text was in where it was not ASCII, and what was done."""

    path: Path
    encoding: Encoding | None = None
    issues: tuple[Issue, ...] = ()


def mend(path: Path, target: Path, name: str, rename: str | None, encoding: str | None) -> Mended:
    """The file itself where the kernel reads it as it is, else a mended copy.

    Parameters
    ----------
    path
        The file.
    target
        Where the copy goes.
    name
        What the person calls the file.
    rename
        The schema to be written into it, if another one.
    encoding
        The encoding of text outside ASCII, where the person named one.
    """
    text = _Text(encoding)
    if _needs_a_look(path):
        _look(path, text)
    if rename is None and text.is_ascii and not text.malformed and not text.no_numbers:
        return Mended(path)
    if text.pieces:
        text.encoding = Encoding(encoding, "given") if encoding else detected(text.pieces)
    text.malformed = 0
    with target.open("wb") as stream:
        for block in _blocks(path):
            stream.write(_block(block, text, rename))
    return Mended(target, text.encoding, tuple(_issues(text, name)))


def _is_utf8(piece: bytes) -> bool:
    """Whether a text proves itself to be UTF-8, as text in another encoding does not by chance: two characters of three bytes."""
    with contextlib.suppress(UnicodeDecodeError):
        return sum(ord(letter) > 0x7FF for letter in piece.decode("utf-8")) > 1
    return False


def is_well(piece: bytes) -> bool:
    """Whether all escapes in a text are as the standard has them."""
    return b"\\" not in piece or (_WELL.fullmatch(piece) is not None and _PAIRED.search(piece) is None)


def _needs_a_look(path: Path) -> bool:
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            if b"\\" in block or b".#" in block or not block.isascii():
                return True
    return False


def _look(path: Path, text: _Text) -> None:
    for block in _blocks(path):
        text.is_ascii &= block.isascii()
        text.no_numbers += sum(1 for _ in _NO_NUMBER.finditer(_PIECE.sub(b"''", block))) if b".#" in block else 0
        if b"\\" in block or not block.isascii():
            for found in _PIECE.finditer(block):
                if not found[0].isascii() and len(text.pieces) < _TOLD:
                    text.pieces.append(found[0])
                text.malformed += not is_well(found[0][1:-1])


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from statements_in(stream)


def _block(block: bytes, text: _Text, rename: str | None) -> bytes:
    if b"\\" in block or not block.isascii():
        block = _PIECE.sub(text.mended, block.removeprefix(b"\xef\xbb\xbf"))
        block = block if block.isascii() else re.sub(rb"[\x80-\xff]", b"?", block)  # what is left stands in comments
    if text.no_numbers and b".#" in block:
        block = b"".join(part if k % 2 else _NO_NUMBER.sub(b"$", part) for k, part in enumerate(_QUOTED.split(block)))
    if rename is not None and _SCHEMA.search(block):
        block = _SCHEMA.sub(f"FILE_SCHEMA(('{rename}'".encode("ascii"), block, count=1)
    return block


def _escape(found: re.Match[bytes]) -> bytes:
    """One escape as it must have been meant."""
    wide, rest, _, wider, left, *_ = found.groups()
    if wide is not None:
        text = bytes.fromhex(wide.decode("ascii")).decode("utf-16-be", "replace").replace("\x00", "")
        return _escaped(text + (_REPLACED if rest else "")).encode("ascii")
    if wider is not None:
        codes = [int(wider[k : k + 8], 16) for k in range(0, len(wider), 8)]
        text = "".join(chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else _REPLACED for code in codes)
        return _escaped(text + (_REPLACED if left else "")).encode("ascii")
    if found[0] == b"\\N\\":
        return b" "  # a line break, in drafts of the standard
    return b"\\\\" if found[0] == b"\\" else found[0]


def _escaped(text: str) -> str:
    return _NOT_ASCII.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    """Text outside ASCII as ISO 10303-21 wants it: `\\X2\\` for the basic plane, `\\X4\\` beyond."""
    text = found[0]
    if all(ord(character) < 0x10000 for character in text):
        return f"\\X2\\{text.encode('utf-16-be').hex().upper()}\\X0\\"
    return f"\\X4\\{text.encode('utf-32-be').hex().upper()}\\X0\\"


def _issues(text: _Text, name: str) -> Iterator[Issue]:
    if text.encoding is not None:
        yield Issue("ifc_text_recoded", "info", name, {"encoding": text.encoding.name})
        yield from issues_of(text.encoding, name)
    if text.odd:
        yield Issue("ifc_text_mixed", "warning", name, {"count": text.odd})
    if text.no_numbers:
        yield Issue("ifc_numbers_malformed", "warning", name, {"count": text.no_numbers})
    if text.malformed:
        yield Issue("ifc_escapes_malformed", "warning", name, {"count": text.malformed, "first": text.first})
