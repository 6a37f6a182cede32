"""Building a park's 3D Tiles: what is missing or out of date is made, what is there stays.

    PARK/tiles/3dtiles/tileset.json             names the tilesets below
    PARK/tiles/3dtiles/buildings/tileset.json   buildings known by outline and height
    PARK/tiles/3dtiles/b<hash>/tileset.json     a building known by its models, a model of many buildings, a layer
    PARK/tiles/3dtiles/state.json               what was built from what (see `tiles.state`)

What there is to build is told by `tiles.sources`. Tile files are named by their content and written before the tileset that names them,
so a reader never meets half a tileset; files of the tileset before stay for one more build, for those who still read it. Of a tileset
that changed, only the tiles are encoded that are made of something else than before. The compressed forms are made last: what has none
yet is served as it is.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from tiles.files import pack, write_file, write_with_compressed
from tiles.mvt import warm_up
from tiles.source import Contents, Input
from tiles.sources import SOURCES
from tiles.sources.houses import FOOTPRINTS
from tiles.state import FORMAT, Part, State, has_file, has_files, is_whole, read_state, sweep, write_state
from tiles.tileset import Tile, middle, outer_json, tileset_json, walk
from twin.errors import TileError
from twin.store import Store

__all__ = ["FOOTPRINTS", "Part", "Report", "build", "built_parts", "is_current", "tiles_folder"]

LOCK_WAIT_S = 600.0
Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True)
class Report:
    """What a park's 3D Tiles hold, and how much of it was made now."""

    parts: Sequence[Part]
    rebuilt: Sequence[str]  # folders
    seconds: float
    encoded: int = 0  # tiles made now; the others of the tilesets built anew were there

    def totals(self) -> dict[str, int]:
        """Tiles, elements in and out, triangles and bytes before compression, over all tilesets."""
        names = ("elements_in", "elements_out", "triangles", "bytes")
        return {"tiles": sum(len(part.files) for part in self.parts)} | {n: sum(getattr(part, n) for part in self.parts) for n in names}


def tiles_folder(park: Path) -> Path:
    """Where a park's 3D Tiles lie."""
    return park / "tiles" / "3dtiles"


def is_current(store: Store) -> bool:
    """Whether the 3D Tiles on disk show the park as it is."""
    folder = tiles_folder(store.path)
    return is_whole(folder, read_state(folder), store.revision())


def built_parts(store: Store) -> Sequence[Part]:
    """The tilesets as they were last built."""
    return list(read_state(tiles_folder(store.path)).parts.values())


def build(store: Store, *, force: bool = False, progress: Progress | None = None) -> Report:
    """Make the 3D Tiles that are missing or out of date.

    Parameters
    ----------
    store
        The park.
    force
        Make all of them anew.
    progress
        Told of each tileset begun: its id, how many are done, how many there are.

    Raises
    ------
    TileError
        If the folder cannot be written to, or another program has been building for ten minutes.
    """
    began = time.perf_counter()
    folder = tiles_folder(store.path)
    with _alone(folder), ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        state, revision = read_state(folder), store.revision()
        if not force and state.is_packed and is_whole(folder, state, revision):
            return Report(tuple(state.parts.values()), (), time.perf_counter() - began)
        known = {} if force or state.format != FORMAT else state.parts
        work = _Work(folder, store.park().frame.ecef_matrix(), pool)
        built = [work.part(each, known.get(each.folder)) for each in _told(_inputs(store), progress)]
        parts = {one.part.folder: one.part for one in built}
        placed = [(f"{quote(name)}/tileset.json", root) for name, part in parts.items() if part.is_listed and (root := part.root())]
        _write_json(folder / "tileset.json", outer_json(placed, work.ecef))
        sweep(folder, parts, state.parts)
        fresh = State(FORMAT, revision, parts)
        write_state(folder, fresh)
        list(pool.map(pack, _contents(folder, parts)))
        write_state(folder, replace(fresh, is_packed=True))
    warm_up()  # what is built is soon looked at, with its vector tiles
    rebuilt = tuple(one.part.folder for one in built if one.is_new)
    return Report(tuple(parts.values()), rebuilt, time.perf_counter() - began, sum(one.encoded for one in built))


def _inputs(store: Store) -> list[Input]:
    return [each for source in SOURCES for each in source(store)]


def _told(inputs: Sequence[Input], progress: Progress | None) -> Iterator[Input]:
    for done, each in enumerate(inputs):
        if progress:
            progress(each.id, done, len(inputs))
        yield each


@dataclass(frozen=True)
class _Built:
    part: Part
    is_new: bool
    encoded: int


@dataclass(frozen=True)
class _Made:
    """A tile's file."""

    digest: str
    name: str
    size: int  # [bytes]
    is_new: bool


@dataclass(frozen=True)
class _Work:
    """Where tiles are written, how they are placed, and who encodes them."""

    folder: Path
    ecef: np.ndarray[Any, Any]  # (4, 4)
    pool: ThreadPoolExecutor

    def part(self, wanted: Input, before: Part | None) -> _Built:
        """The tileset as it was, where it is made of the same as before and all its files are there; otherwise as made now."""
        contents = wanted.load()
        inputs = hashlib.blake2b(f"{FORMAT} {wanted.id}".encode() + contents.digest + self.ecef.tobytes(), digest_size=16).hexdigest()
        if before is not None and before.inputs == inputs and has_files(self.folder, before):
            return _Built(replace(before, is_listed=wanted.is_listed, remarks=contents.remarks), False, 0)
        root, made = self._tiles(contents, self.folder / wanted.folder, before)
        _write_json(self.folder / wanted.folder / "tileset.json", tileset_json(root, self.ecef))
        part = Part(
            folder=wanted.folder,
            id=wanted.id,
            inputs=inputs,
            elements_in=len(contents.ids),
            elements_out=len(contents.shown),
            triangles=contents.triangles,
            bytes=sum(each.size for each in made),
            left_out=sorted(set(contents.ids).difference(contents.shown)),
            files=[each.name for each in made],
            sizes=[each.size for each in made],
            digests=[each.digest for each in made],
            low=None if root is None else root.low.tolist(),
            high=None if root is None else root.high.tolist(),
            error_m=0.0 if root is None else root.error_m,
            is_listed=wanted.is_listed,
            remarks=contents.remarks,
        )
        return _Built(part, True, sum(each.is_new for each in made))

    def _tiles(self, contents: Contents, place: Path, before: Part | None) -> tuple[Tile | None, list[_Made]]:
        """The tree with the names of its files, and these."""
        root = contents.tree()
        if root is None:
            return None, []
        known = {} if before is None else dict(zip(before.digests, zip(before.files, before.sizes, strict=True), strict=True))
        shown = [tile for tile in walk([root]) if tile.content is not None]
        made = list(self.pool.map(lambda tile: _made(place, tile, known), shown))
        return _named(root, iter([each.name for each in made])), made


def _made(place: Path, tile: Tile, known: Mapping[str, tuple[str, int]]) -> _Made:
    """The file of a tile: the one there, where it was made of the same."""
    assert tile.content is not None  # noqa: S101  only such tiles are asked for
    origin = middle(tile)
    digest = hashlib.blake2b(tile.content.digest() + origin.tobytes(), digest_size=16).hexdigest()
    if digest in known and has_file(place / known[digest][0], known[digest][1]):
        return _Made(digest, *known[digest], False)
    content = tile.content.encode(origin)
    name = hashlib.blake2b(content, digest_size=16).hexdigest() + tile.content.suffix
    if not has_file(place / name, len(content)):
        write_file(place / name, content)
    return _Made(digest, name, len(content), True)


def _named(tile: Tile, names: Iterator[str]) -> Tile:
    """The same tree with the names of the files its tiles are in, which come in the order of `walk`."""
    uri = "" if tile.content is None else next(names)
    return replace(tile, uri=uri, content=None, children=tuple(_named(child, names) for child in tile.children))


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    write_with_compressed(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _contents(folder: Path, parts: Mapping[str, Part]) -> Iterator[Path]:
    return (folder / name / file for name, part in parts.items() for file in part.files)


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep other builders of the same park waiting: a database lock, which the system gives back when its holder dies."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = sqlite3.connect(folder.parent / "lock", timeout=LOCK_WAIT_S, isolation_level=None)
    except (OSError, sqlite3.OperationalError) as error:
        raise TileError("tiles_not_writable", subject=folder, reason=str(error)) from error
    with closing(lock):
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise TileError("tiles_busy", subject=folder) from error
        yield
