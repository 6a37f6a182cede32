"""The builder's record of what lies on disk: which tileset was built from what, and which file holds which tile.

    PARK/tiles/3dtiles/state.json

A record that cannot be read is none: everything is built anew. A file counts as there only in the length it was written in, so one that
was cut short is made again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from tiles.files import compressed_names, write_file
from tiles.tileset import Tile

FORMAT = 4  # raised when the same inputs give other tiles
_NAME = "state.json"


@dataclass(frozen=True)
class Part:
    """One tileset as built: what went in, what came out, and the box it fills."""

    folder: str
    id: str
    inputs: str
    elements_in: int
    elements_out: int
    triangles: int  # of the finest tiles
    bytes: int
    left_out: Sequence[str]  # ids of what has no triangles
    files: Sequence[str]
    sizes: Sequence[int]  # [bytes] of the files
    digests: Sequence[str]  # of what the files were made of
    low: Sequence[float] | None = None  # [m, enu]
    high: Sequence[float] | None = None  # [m, enu]
    error_m: float = 0.0
    is_listed: bool = True
    remarks: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])  # code of a message -> ids it is about

    def root(self) -> Tile | None:
        """The root tile as the tileset above sees it; None where there is nothing to show."""
        return None if self.low is None or self.high is None else Tile(np.array(self.low), np.array(self.high), self.error_m)


@dataclass(frozen=True)
class State:
    """What was built, for which revision of the park, and whether the compressed forms lie beside the files."""

    format: int = 0
    revision: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict[str, Part])  # by folder
    is_packed: bool = False


def read_state(folder: Path) -> State:
    """What was built before; nothing where the record is missing or cannot be read."""
    try:
        state = json.loads((folder / _NAME).read_text("utf-8"))
        parts = {part["folder"]: Part(**part) for part in state["parts"]}
        return State(state["format"], state["revision"], parts, state["is_packed"])
    except (OSError, ValueError, KeyError, TypeError):
        return State()


def write_state(folder: Path, state: State) -> None:
    """Put the record on disk.

    Raises
    ------
    TileError
        If the disk will not take it.
    """
    document = asdict(state) | {"parts": [asdict(part) for part in state.parts.values()]}
    write_file(folder / _NAME, json.dumps(document, ensure_ascii=False).encode())


def is_whole(folder: Path, state: State, revision: str) -> bool:
    """Whether the record is of that revision and every file it names is there."""
    current = (state.format, state.revision) == (FORMAT, revision)
    return current and (folder / "tileset.json").is_file() and all(has_files(folder, part) for part in state.parts.values())


def has_files(folder: Path, part: Part) -> bool:
    """Whether all files of a tileset are there, as long as they were written."""
    place = folder / part.folder
    return (place / "tileset.json").is_file() and all(has_file(place / n, size) for n, size in zip(part.files, part.sizes, strict=True))


def has_file(path: Path, size: int) -> bool:
    """Whether a file is there, as long as it was written. [bytes]"""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def sweep(folder: Path, parts: Mapping[str, Part], before: Mapping[str, Part]) -> None:
    """Remove files that neither this build nor the one before names."""
    for place in (entry for entry in folder.iterdir() if entry.is_dir()):
        keep = [part for part in (parts.get(place.name), before.get(place.name)) if part is not None]
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
            continue
        names = {name for part in keep for file in part.files for name in (file, *compressed_names(file))}
        names |= {"tileset.json", *compressed_names("tileset.json")} if place.name in parts else set()
        for file in place.iterdir():
            if file.name not in names:
                file.unlink(missing_ok=True)
