"""3D Tiles as files: the park's tilesets in one folder that any viewer of 3D Tiles 1.1 opens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.build import build, tiles_folder
from twin.errors import UsageError
from twin.store import Store
from web.export.fresh import fresh_folder

_KEPT = {".json", ".glb"}  # not their compressed forms
_OWN = "state.json"  # the builder's record


@dataclass(frozen=True)
class Content:
    """One tile with content: the file, and the transform of its tile to ECEF (4, 4), column vectors."""

    path: Path
    transform: NDArray[np.float64]


def write(store: Store, layer: str | None, out: Path) -> None:
    """The park's tilesets, brought up to date first.

    Raises
    ------
    UsageError
        If a layer is named: tilesets are whole; or if `out` holds something else.
    """
    if layer is not None:
        raise UsageError("export_whole", subject="3dtiles", layer=layer)
    build(store)
    with fresh_folder(out) as folder:
        source = tiles_folder(store.path)
        for path in sorted(source.rglob("*")):
            if path.suffix in _KEPT and path.name != _OWN:
                target = folder / path.relative_to(source)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def contents(tileset: Path) -> Iterator[Content]:
    """The finest tiles with content of a tileset on disk, those of tilesets it names among them."""
    yield from _of_tileset(tileset, np.eye(4))


def _of_tileset(tileset: Path, above: NDArray[np.float64]) -> Iterator[Content]:
    yield from _of_tile(json.loads(tileset.read_text("utf-8"))["root"], tileset.parent, above)


def _of_tile(tile: dict[str, Any], folder: Path, above: NDArray[np.float64]) -> Iterator[Content]:
    here = above @ np.array(tile.get("transform", np.eye(4).ravel()), float).reshape(4, 4).T  # column-major in the file
    finest = not tile.get("children") or tile.get("refine") == "ADD"  # what is drawn in place of a coarser tile
    for content in [tile[name] for name in ("content",) if name in tile] + list(tile.get("contents", [])) if finest else []:
        path = folder / content["uri"]
        if path.suffix == ".json":
            yield from _of_tileset(path, here)
        else:
            yield Content(path, here)
    for child in tile.get("children", []):
        yield from _of_tile(child, folder, here)
