"""Packs: published standards as data, one TOML file each, and nothing of a standard in code."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from twin.errors import NotFound, PackError
from twin.registry import points


@dataclass(frozen=True)
class Band:
    """Points for a value of at least `at_least`; a range of points is the evaluator's to settle."""

    at_least: Fraction
    points: tuple[float, float]


@dataclass(frozen=True)
class Row:
    """One scored row of a standard: its clause, the measure that answers it and the bands, highest first."""

    id: str
    clause: str
    title_en: str
    title_zh: str
    measure: str
    bands: Sequence[Band]
    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    note_en: str = ""
    note_zh: str = ""

    @property
    def max_points(self) -> float:
        """What the best band gives."""
        return self.bands[0].points[1]


@dataclass(frozen=True)
class Pack:
    """One edition of one standard."""

    id: str
    edition: str
    title_en: str
    title_zh: str
    rows: Sequence[Row]

    def summary(self) -> dict[str, Any]:
        """The pack without its rows."""
        return {
            "id": self.id,
            "edition": self.edition,
            "title_en": self.title_en,
            "title_zh": self.title_zh,
            "indicators": len(self.rows),
            "max_points": sum(row.max_points for row in self.rows),
        }


def packs() -> list[str]:
    """The ids of the packs there are."""
    return sorted(
        entry.name.removesuffix(".toml") for entry in files("twin.indicators").joinpath("packs").iterdir() if entry.name.endswith(".toml")
    )


@cache
def pack(pack_id: str) -> Pack:
    """One pack, checked.

    Raises
    ------
    NotFound
        If there is none of that id.
    PackError
        If its file breaks the rules: a measure that does not exist, bands that do not descend to zero.
    """
    if pack_id not in packs():
        raise NotFound("pack_missing", subject=pack_id, known=", ".join(packs()))
    return parse(tomllib.loads(files("twin.indicators").joinpath("packs", f"{pack_id}.toml").read_text("utf-8")))


def parse(document: Mapping[str, Any]) -> Pack:
    """A pack from its TOML document; raises PackError."""
    try:
        rows = [_row(entry) for entry in document["indicator"]]
        made = Pack(document["id"], document["edition"], document["title_en"], document["title_zh"], rows)
    except KeyError as error:
        raise PackError("pack_key_missing", subject=document.get("id", "?"), key=error.args[0]) from error
    if len({row.id for row in rows}) != len(rows):
        raise PackError("pack_id_twice", subject=made.id)
    return made


def _row(entry: Mapping[str, Any]) -> Row:
    bands = [Band(Fraction(band["at_least"]), (float(band["points"][0]), float(band["points"][1]))) for band in entry["bands"]]
    limits = [band.at_least for band in bands]
    if limits != sorted(limits, reverse=True) or not limits or limits[-1] != 0:
        raise PackError("pack_bands", subject=entry["id"])
    if entry["measure"] not in points("twin.measures"):
        raise PackError("pack_measure", subject=entry["id"], measure=entry["measure"])
    return Row(
        id=entry["id"],
        clause=entry["clause"],
        title_en=entry["title_en"],
        title_zh=entry["title_zh"],
        measure=entry["measure"],
        bands=bands,
        parameters=entry.get("parameters", {}),
        note_en=entry.get("note_en", ""),
        note_zh=entry.get("note_zh", ""),
    )
