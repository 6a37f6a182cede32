"""The text of drawings: code pages stated wrongly, escapes for what a code page lacks, formatting taken off."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ezdxf.lldxf.encoding import decode_dxf_unicode, decode_mif_to_unicode, has_dxf_unicode, has_mif_encoding
from ezdxf.tools.text import plain_mtext, plain_text

from importers.encodings import Encoding, checked, codec_of

_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")  # drawings stretch Chinese words by blanks and line ends


@dataclass(frozen=True)
class Words:
    """How to read a drawing's text: the codec it was decoded by, and the encoding it is in."""

    declared: str
    encoding: Encoding

    def said(self, text: str) -> str:
        """Text with the right letters, escapes resolved."""
        actual = codec_of(self.encoding.name)
        if actual != codec_of(self.declared) and not text.isascii():
            with suppress(UnicodeError):  # a piece may be in the encoding the file states, or in none
                text = text.encode(self.declared, "surrogateescape").decode(actual)
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if has_dxf_unicode(text):
            text = decode_dxf_unicode(text)
        return decode_mif_to_unicode(text) if has_mif_encoding(text) else text

    def line(self, text: str) -> str:
        """A single line of text without its control codes (%%d, %%c …)."""
        return _BETWEEN_HAN.sub("", " ".join(plain_text(self.said(text)).split()))

    def paragraph(self, text: str) -> str:
        """Formatted text without its formatting, in one line."""
        return _BETWEEN_HAN.sub("", " ".join(str(plain_mtext(self.said(text))).split()))


def placed_text(entity: Any, text: str) -> tuple[tuple[float, float, float], tuple[float, float]]:
    """The point a text was set at (3,), and about where its middle is (2,), in world coordinates. [drawing units]"""
    flowing = entity.dxftype() == "MTEXT"
    height = float(entity.dxf.get("char_height" if flowing else "height", 0.0) or 0.0)
    width = height * sum(1.0 if unicodedata.east_asian_width(letter) in "WF" else 0.6 for letter in text)
    if flowing:
        at, row, column = entity.dxf.insert, (entity.dxf.attachment_point - 1) // 3, (entity.dxf.attachment_point - 1) % 3
        width = min(width, float(entity.dxf.get("width", 0.0) or width))
        turn = math.radians(entity.get_rotation())
        right, up = (0.5, 0.0, -0.5)[column] * width, (-0.5, 0.0, 0.5)[row] * height
    else:
        alignment, first, second = entity.get_placement()
        at = entity.ocs().to_wcs(first)
        if second is not None and alignment.name in {"ALIGNED", "FIT"}:
            half = entity.ocs().to_wcs((first + second) / 2)
            return (float(at[0]), float(at[1]), float(at[2])), (float(half[0]), float(half[1]))
        turn = math.radians(float(entity.dxf.get("rotation", 0.0)))
        right = (0.0 if "CENTER" in alignment.name else -0.5 if "RIGHT" in alignment.name else 0.5) * width
        up = (-0.5 if "TOP" in alignment.name else 0.0 if "MIDDLE" in alignment.name else 0.5) * height
    x, y = float(at[0]), float(at[1])
    middle = (x + right * math.cos(turn) - up * math.sin(turn), y + right * math.sin(turn) + up * math.cos(turn))
    return (x, y, float(at[2])), middle


def words_of(doc: Any, given: str | None, samples: Iterable[str]) -> Words:
    """How to read the text of a drawing.

    Parameters
    ----------
    doc
        The drawing as the library decoded it.
    given
        The encoding the person named, if any.
    samples
        Text of the drawing, as decoded.
    """
    declared = str(doc.output_encoding)
    if given is not None:
        return Words(declared, Encoding(given, "given"))
    raw = [text.encode(declared, "surrogateescape") for text in _telling(samples, declared)]
    return Words(declared, checked(codec_of(declared), raw))


def _telling(samples: Iterable[str], declared: str) -> list[str]:
    """Samples with letters beyond ASCII that the library did not resolve from an escape, at most a few thousand."""
    out: dict[str, None] = {}
    for text in samples:
        if not text.isascii() and len(out) < 4000:
            out[re.sub(r"\\[UM]\+\w+", "", text)] = None
    return [text for text in out if _encodes(text, declared)]


def _encodes(text: str, codec: str) -> bool:
    """Whether the library decoded a text by the codec: recovery resolves escapes, which then stand for letters that the codec lacks."""
    try:
        text.encode(codec, "surrogateescape")
    except UnicodeEncodeError:
        return False
    return not re.search(r"[\U00010000-\U0010ffff]", text)
