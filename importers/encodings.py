"""The encoding of text that does not say its own, or says it wrong: dBase tables, CSV, GeoJSON written by old programs.

What a file states is checked against its bytes; what nobody states is told from them (`plausible`). Both come with the evidence.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from importers.plausible import Candidate, candidate_of, likelihood, per_high_byte, readings
from twin.errors import UnreadableSource, UsageError
from twin.model import Issue

SURE = 0.9  # belief from which on a detection is told as a fact
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"),
)  # fmt: skip
_CODECS = {"gbk": "gb18030", "gb2312": "gb18030", "big5": "big5hkscs", "cp950": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949"}
_NAMES = {"gb18030": "GBK", "big5hkscs": "BIG5", "cp932": "SHIFT_JIS", "cp949": "EUC-KR", "utf-8": "UTF-8"}
_PAGES = {
    "936": "gb18030",
    "54936": "gb18030",
    "950": "big5hkscs",
    "65001": "utf-8",
    "88591": "latin-1",
    "28591": "latin-1",
    "10000": "mac-roman",
}
_SAY_NOTHING = {"", "OEM", "ANSI", "SYSTEM", "DEFAULT", "UNKNOWN", "NONE", "ASCII", "USASCII", "LDID87", "LDID0"}
# dBase language driver ids (header byte 29) -> code page; 0 and 0x57 (the system's own) say nothing
_DRIVERS = {
    0x01: 437, 0x02: 850, 0x03: 1252, 0x04: 10000, 0x08: 865, 0x09: 437, 0x0A: 850, 0x0B: 437, 0x0D: 437, 0x0E: 850, 0x0F: 437,
    0x10: 850, 0x11: 437, 0x12: 850, 0x13: 932, 0x14: 850, 0x15: 437, 0x16: 850, 0x17: 865, 0x18: 437, 0x19: 437, 0x1A: 850,
    0x1B: 437, 0x1C: 863, 0x1D: 850, 0x1F: 852, 0x22: 852, 0x23: 852, 0x24: 860, 0x25: 850, 0x26: 866, 0x37: 850, 0x40: 852,
    0x4D: 936, 0x4E: 949, 0x4F: 950, 0x50: 874, 0x58: 1252, 0x59: 1252, 0x64: 852, 0x65: 866, 0x66: 865, 0x67: 861, 0x6A: 737,
    0x6B: 857, 0x6C: 863, 0x78: 950, 0x79: 949, 0x7A: 936, 0x7B: 932, 0x7C: 874, 0x86: 737, 0x87: 852, 0x88: 857, 0x96: 10007,
    0xC8: 1250, 0xC9: 1251, 0xCA: 1254, 0xCB: 1253, 0xCC: 1257,
}  # fmt: skip
_LIES_NATS = 10.0  # a statement is overruled where another reading is so much likelier …
_ODD_NATS = -6.8  # … and the stated one is no text of a fitting language, for each byte beyond ASCII


@dataclass(frozen=True)
class Encoding:
    """The name of an encoding and how it is known.

    `how` is `given` by the person, `stated` by the file, `detected` from the bytes, or `overruled`: detected against what the file
    states. `evidence` holds the bytes that told, what they say, and what they would say in the next likely encodings.
    """

    name: str
    how: str
    sure: float = 1.0
    evidence: Mapping[str, object] = field(default_factory=dict[str, object])


def check_encoding(name: str) -> str:
    """`name`, if it is an encoding.

    Raises
    ------
    UsageError
        If nobody knows it.
    """
    try:
        codecs.lookup(codec_of(name))
    except LookupError as error:
        raise UsageError("encoding_unknown", subject=name) from error
    return name


def codec_of(name: str) -> str:
    """What decodes an encoding and all that programs write under its name: GB 18030 for GBK, code page 932 for Shift-JIS."""
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = code_page(name) or name
    return _CODECS.get(known, known)


def code_page(said: str) -> str | None:
    """The codec a .cpg names: `936`, `GBK`, `cp936`, `UTF8`, `ANSI 936`, `LDID/77`; None where it says nothing or nobody knows it."""
    name = re.sub(r"[\s_/\-]", "", said.strip("\ufeff\x00 \t\r\n").upper())
    if name in _SAY_NOTHING:
        return None
    if name.startswith("LDID") and name[4:].isdigit():
        return code_page(str(_DRIVERS.get(int(name[4:]), "")))
    page = re.fullmatch(r"(?:ANSI|OEM|CP|MS|IBM|WINDOWS|WIN|MSWIN|X)?(\d{3,5})(?:\.0)?", name.removeprefix("ISO").removeprefix("CP"))
    if iso := re.fullmatch(r"(?:ISO)?8859(\d{1,2})", name):
        return "iso8859-" + iso[1]
    numbered = [_PAGES.get(page[1], f"cp{page[1]}")] if page else []
    for wanted in [*numbered, said.strip(), name]:
        try:
            known = codecs.lookup(wanted).name
        except (LookupError, UnicodeError, ValueError):  # a name may hold anything
            continue
        return _CODECS.get(known, known)
    return None


def driver_page(language: int) -> str | None:
    """The codec a dBase language driver id stands for; None where it says nothing."""
    return code_page(str(_DRIVERS.get(language, "")))


def detect(samples: Sequence[bytes]) -> str:
    """The name of the likeliest encoding of some pieces of text."""
    return detected(samples).name


def detected(samples: Sequence[bytes]) -> Encoding:
    """The likeliest encoding of some pieces of text, with the evidence.

    UTF-8 proves itself by its structure where it has characters of three bytes; the rest is told by what languages are made of.
    """
    telling = [sample for sample in samples if not sample.isascii()]
    if not telling:
        return Encoding("UTF-8", "detected")
    ranked = readings(telling)
    best = ranked[0]
    if all(_is_utf8(sample) for sample in telling) and (best.belief < SURE or any(_has_long(sample) for sample in telling)):
        best = next(each for each in ranked if each.candidate.name == "UTF-8")
        return Encoding("UTF-8", "detected", 1.0, _evidence(telling, best.candidate, []))
    others = [each.candidate for each in ranked if each.candidate != best.candidate][:2]
    return Encoding(best.candidate.name, "detected", round(best.belief, 3), _evidence(telling, best.candidate, others))


def checked(stated: str, samples: Sequence[bytes]) -> Encoding:
    """The stated encoding where the bytes can be text in it, else the one they are likeliest in, as `overruled`.

    Parameters
    ----------
    stated
        A codec, as `code_page` gives it.
    samples
        Pieces of the text.
    """
    telling = [sample for sample in samples if not sample.isascii()]
    name = _NAMES.get(stated, stated.upper())
    if not telling:
        return Encoding(name, "stated")
    reading = candidate_of(stated)
    best = readings(telling)[0]
    failing = sum(not _decodes(sample, stated) for sample in telling)
    worse = best.likelihood - sum(likelihood(sample, reading) for sample in dict.fromkeys(telling[:2000])) > _LIES_NATS
    if best.candidate.codec == stated or _same_text(telling, best.candidate.codec, stated):
        return Encoding(name, "stated")
    lies = failing * 2 > len(telling) or (worse and per_high_byte(telling, reading) < _ODD_NATS)
    if not lies or best.belief < SURE:
        return Encoding(name, "stated")
    evidence = {**_evidence(telling, best.candidate, []), "stated": name, "stated_sample": _sample(telling, stated)}
    return Encoding(best.candidate.name, "overruled", round(best.belief, 3), evidence)


def issues_of(encoding: Encoding, subject: str) -> list[Issue]:
    """What a person should know of how the encoding was found; nothing where it was given, stated rightly, or is UTF-8 without doubt."""
    if encoding.how == "overruled":
        return [Issue("encoding_overruled", "warning", subject, {"encoding": encoding.name, **encoding.evidence})]
    if encoding.how != "detected" or not encoding.evidence or encoding.name == "UTF-8":
        return []
    details = {"encoding": encoding.name, "percent": round(encoding.sure * 100), **encoding.evidence}
    if encoding.sure >= SURE:
        return [Issue("encoding_detected", "info", subject, details)]
    return [Issue("encoding_unsure", "warning", subject, details)]


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
    if wide := wide_codec(data):
        return _decoded(data, Encoding(wide, "stated"), subject)
    if b"\x00" in data:
        raise UnreadableSource("source_not_text", subject=subject)
    return _decoded(data, detected(_lines(data)), subject)


def wide_codec(data: bytes) -> str | None:
    """UTF-16 without a mark, told by the zero bytes that every other place of ASCII text has; None where it is not so."""
    start = data[:4096]
    if len(start) < 8 or start.count(0) * 4 < len(start):
        return None
    low, high = start[0::2].count(0), start[1::2].count(0)
    if min(low, high) * 8 > max(low, high):
        return None
    return "utf-16-le" if high > low else "utf-16-be"


def dbase_of(path: Path) -> tuple[int, str | None]:
    """The language driver id of the .dbf beside a shapefile and the content of its .cpg; 0 and None where they are not there."""
    beside = {other.suffix.lower(): other for other in path.parent.glob("*") if other.stem == path.stem}
    language = 0
    if ".dbf" in beside:
        with beside[".dbf"].open("rb") as stream:
            header = stream.read(32)
        language = header[29] if len(header) == 32 else 0
    return language, beside[".cpg"].read_bytes()[:200].decode("latin-1").strip() if ".cpg" in beside else None


def stated_by(path: Path) -> str | None:
    """The codec a shapefile states in its .cpg or its language driver id; None where it states none."""
    language, said = dbase_of(path)
    return code_page(said or "") or driver_page(language)


def _evidence(telling: Sequence[bytes], best: Candidate, others: Sequence[Candidate]) -> dict[str, object]:
    """The bytes of a telling piece, what they say in the best encoding, and in the others."""
    shown = _telling_most(telling)
    return {
        "bytes": shown[:16].hex(" ").upper(),
        "sample": _sample(telling, best.codec),
        "others": "; ".join(f"{each.name}: {_sample(telling, each.codec)}" for each in others) or "—",
    }


def _telling_most(telling: Sequence[bytes]) -> bytes:
    return max(telling, key=lambda sample: sum(byte > 0x7F for byte in sample[:40]))[:40]


def _sample(telling: Sequence[bytes], codec: str) -> str:
    shown = _telling_most(telling)
    text = codecs.getincrementaldecoder(codec)("replace").decode(shown)
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def _same_text(telling: Sequence[bytes], one: str, other: str) -> bool:
    try:
        return all(sample.decode(one) == sample.decode(other) for sample in telling)
    except UnicodeDecodeError:
        return False


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        codecs.getincrementaldecoder(codec)("strict").decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf8(sample: bytes) -> bool:
    """Whether the bytes are UTF-8; a character cut off at the end, where a fixed-width field stops, is forgiven."""
    return _decodes(sample, "utf-8")


def _has_long(sample: bytes) -> bool:
    """Whether there is a UTF-8 character of three or four bytes, whole."""
    return re.search(rb"[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}", sample) is not None


def _lines(data: bytes) -> list[bytes]:
    """The lines that are not ASCII, from all over the file."""
    if data.isascii():
        return []
    return [line for line in re.split(rb"[\r\n]+", data) if not line.isascii()]


def _decoded(data: bytes, encoding: Encoding, subject: object) -> tuple[str, Encoding]:
    codec = codec_of(encoding.name)
    try:
        return data.decode("utf-8-sig" if codec == "utf-8" else codec), encoding
    except UnicodeDecodeError as error:
        if encoding.how != "detected":
            raise UnreadableSource("encoding_wrong", subject=subject, encoding=encoding.name, position=error.start) from error
        return _by_line(data, codec), encoding


def _by_line(data: bytes, codec: str) -> str:
    """Text most of whose lines are in one encoding: the others are read in their own."""
    return "".join(_line(line, codec) for line in re.split(rb"(?<=\n)", data))


def _line(line: bytes, codec: str) -> str:
    try:
        return line.decode(codec)
    except UnicodeDecodeError:
        other = codec_of(detect([line]))
        return line.decode(codec if other == codec else other, "replace")
