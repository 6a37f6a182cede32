"""The encoding of text that does not say its own: dBase tables, CSV, GeoJSON written by old programs."""

from __future__ import annotations

import codecs
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from twin.errors import UnreadableSource, UsageError

_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
# lead bytes of the most frequent characters, and the least trail byte: GB 2312 level 1 (3,755 characters), Big5 level 1 (5,401)
_FREQUENT = {"GBK": (0xB0, 0xD7, 0xA1), "BIG5": (0xA4, 0xC6, 0x40)}
_SURE_SHARE = 0.7  # of the double-byte characters must be frequent ones
_CHINESE_RUN = 1.5  # double bytes stand together in Chinese; an accented letter stands alone
_DBASE_UNSTATED = {0x00, 0x57}  # language driver ids that say nothing: none, and the system's own code page


@dataclass(frozen=True)
class Encoding:
    """The name of an encoding and how it is known: `given` by the person, `stated` by the file, or `detected` from the bytes."""

    name: str
    how: str


def check_encoding(name: str) -> str:
    """`name`, if it is an encoding.

    Raises
    ------
    UsageError
        If nobody knows it.
    """
    try:
        codecs.lookup(name)
    except LookupError as error:
        raise UsageError("encoding_unknown", subject=name) from error
    return name


def detect(samples: Sequence[bytes]) -> str:
    """The likeliest encoding of some pieces of text: UTF-8, GBK, BIG5 or CP1252, in this order of proof.

    UTF-8 proves itself. The Chinese encodings are told by the share of frequent characters among their double bytes; Latin text in
    a single-byte encoding has its high bytes alone between letters.
    """
    telling = [sample for sample in samples if any(byte > 0x7F for byte in sample)]
    if all(_is_utf8(sample) for sample in telling):
        return "UTF-8"
    enough = [sample[:200_000] for sample in telling]
    shares = {name: _frequent_share(enough, *bytes_of) for name, bytes_of in _FREQUENT.items()}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= _SURE_SHARE else "CP1252"


def of_text(data: bytes, given: str | None, subject: object) -> tuple[str, Encoding]:
    """The text of a file and its encoding.

    Raises
    ------
    UnreadableSource
        If the bytes are no text, or not in the encoding given.
    """
    if given:
        return _decoded(data, Encoding(check_encoding(given), "given"), subject)
    for mark, name in _MARKS:
        if data.startswith(mark):
            return _decoded(data, Encoding(name, "stated"), subject)
    if b"\x00" in data:
        raise UnreadableSource("source_not_text", subject=subject)
    return _decoded(data, Encoding(detect([data]), "detected"), subject)


def of_dbase(table: bytes, code_page: str | None, given: str | None) -> Encoding | None:
    """The encoding of a dBase table: given, stated by its .cpg or its language byte, else detected; None where the table states it itself.

    Parameters
    ----------
    table
        The bytes of the .dbf.
    code_page
        What its .cpg says, if there is one.
    given
        What the person said.
    """
    if given:
        return Encoding(check_encoding(given), "given")
    if code_page or len(table) < 32 or table[29] not in _DBASE_UNSTATED:
        return None
    samples = _dbase_text(table)
    if not any(byte > 0x7F for sample in samples for byte in sample):
        return None
    return Encoding(detect(samples), "detected")


def dbase_of(path: Path) -> tuple[bytes, str | None]:
    """The bytes of the .dbf beside a shapefile and the content of its .cpg; empty and None where they are not there."""
    beside = {other.suffix.lower(): other for other in path.parent.glob("*") if other.stem == path.stem}
    table = beside[".dbf"].read_bytes() if ".dbf" in beside else b""
    return table, beside[".cpg"].read_text("latin-1").strip() if ".cpg" in beside else None


def _decoded(data: bytes, encoding: Encoding, subject: object) -> tuple[str, Encoding]:
    try:
        return data.decode("gb18030" if encoding.name == "GBK" else encoding.name), encoding
    except UnicodeDecodeError as error:
        if encoding.how == "detected":  # CP1252 leaves five bytes undefined; Latin-1 leaves none
            return data.decode("latin-1"), Encoding("ISO-8859-1", "detected")
        raise UnreadableSource("encoding_wrong", subject=subject, encoding=encoding.name, position=error.start) from error


def _is_utf8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8; a character cut off at the end, where a fixed-width field stops, is forgiven."""
    try:
        codecs.getincrementaldecoder("utf-8")("strict").decode(sample, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _frequent_share(samples: Sequence[bytes], first: int, last: int, least_trail: int) -> float:
    """How many of the high bytes belong to double bytes of a frequent character; 0 where these do not stand together as in Chinese."""
    frequent = high = doubles = runs = 0
    for sample in samples:
        i, before = 0, -1
        while i < len(sample):
            if sample[i] <= 0x7F:
                i += 1
                continue
            double = i + 1 < len(sample) and sample[i + 1] >= 0x40
            high += 1
            doubles += double
            runs += double and before != i
            frequent += double and first <= sample[i] <= last and sample[i + 1] >= least_trail
            i += 2 if double else 1
            before = i
    return frequent / high if high and doubles >= _CHINESE_RUN * runs else 0.0


def _dbase_text(table: bytes) -> list[bytes]:
    """The field names and the character fields of the first thousand records of a dBase table."""
    count, header, width = struct.unpack("<IHH", table[4:12])
    fields = [table[at : at + 32] for at in range(32, header - 1, 32) if table[at : at + 1] != b"\r"]
    names = [field[:11].split(b"\x00")[0] for field in fields]
    texts: list[bytes] = []
    for record in range(min(count, 1000)):
        at = header + record * width + 1
        for field in fields:
            if field[11:12] == b"C":
                texts.append(table[at : at + field[16]].rstrip(b" \x00"))
            at += field[16]
    return names + texts
