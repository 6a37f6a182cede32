"""A whole fictional industrial park in open formats, and the program that draws it (`python -m sample_park`)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

DATA: Path = Path(__file__).parent / "data"
ORIGIN: tuple[float, float] = (104.06, 30.54)


@dataclass(frozen=True)
class Source:
    """One file of the park and what an import has to be told about it (None where the file itself says enough)."""

    file: Path
    kind: str | None
    layer: str | None
    options: dict[str, str]
    titles: tuple[str, str]  # English, Chinese


def manifest() -> list[Source]:
    """The park's files in the order of import: terrain first, models before the devices that stand in them."""
    entries = tomllib.loads((Path(__file__).parent / "manifest.toml").read_text(encoding="utf-8"))["source"]
    return [
        Source(
            DATA / entry["file"], entry.get("kind"), entry.get("layer"), entry.get("options", {}), (entry["title_en"], entry["title_zh"])
        )
        for entry in entries
    ]


def names() -> tuple[str, str]:
    """The park's name in English and Chinese."""
    park = tomllib.loads((Path(__file__).parent / "manifest.toml").read_text(encoding="utf-8"))["park"]
    return str(park["name"]), str(park["name_zh"])
