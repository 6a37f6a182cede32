"""What both formats say of a luminaire, and how their text is read."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from importers.photometry.sphere import Intensity

_NUMBER = re.compile(r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Luminaire:
    """One luminaire: its name, how it shines, the flux and power the file states (None where it does not), and the rest."""

    name: str
    intensity: Intensity
    stated_lumens: float | None
    watts: float | None
    attributes: Mapping[str, Any]


class PhotometryError(ValueError):
    """What is wrong with a photometric file: a code of the catalogue and its details."""

    def __init__(self, code: str, details: Mapping[str, object]) -> None:
        super().__init__(code)
        self.code, self.details = code, details


def wrong(code: str, **details: object) -> PhotometryError:
    """The error of that code."""
    return PhotometryError(code, details)


def numbers(text: str) -> list[float]:
    """The numbers in a text; a comma between digits is a decimal comma where no blank follows it.

    Raises
    ------
    PhotometryError
        If there is a word between them, or a number is not finite.
    """
    if re.search(r"\d, +\d", text):
        text = text.replace(", ", " ")
    rest = _NUMBER.sub("", text).strip()
    if re.search(r"[A-Za-z]{3,}", rest.split("\n", 1)[0]) and "\n" not in text.strip():
        return []
    found = [float(word.replace(",", ".")) for word in _NUMBER.findall(text)]
    if not all(map(math.isfinite, found)):
        raise wrong("photometry_not_finite")
    return found
