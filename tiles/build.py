"""Building a park's 3D Tiles: what is missing or out of date is made, what is there stays.

    PARK/tiles/3dtiles/tileset.json             names the tilesets below
    PARK/tiles/3dtiles/buildings/tileset.json   buildings known by outline and height
    PARK/tiles/3dtiles/b<hash>/tileset.json     a building known by its models, or a model of many buildings
    PARK/tiles/3dtiles/state.json               what was built from what

Tile files are named by their content and written before the tileset that names them, so a reader never meets half a tileset; files
of the tileset before stay for one more build, for those who still read it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from tiles.bim import model_bodies
from tiles.bodies import Bodies
from tiles.extrude import extruded
from tiles.files import compressed_names, folder_name, write_content, write_with_compressed
from tiles.glb import encode_glb
from tiles.mvt import warm_up
from tiles.tileset import Branch, Leaf, Node, gather, leaves, middle, outer_json, plan, tileset_json
from twin.buildings import Building, buildings, is_shared, owners, replaced
from twin.errors import TileError
from twin.files import write_atomically
from twin.model import Mesh, Model
from twin.store import Store

FORMAT = 2  # raised when the same inputs give other tiles
FOOTPRINTS = "buildings"  # the folder of the extruded buildings
LOCK_WAIT_S = 600.0
Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True)
class Part:
    """One tileset as built: what went in, what came out, and the box it fills."""

    folder: str
    id: str
    inputs: str
    elements_in: int
    elements_out: int
    triangles: int
    bytes: int
    left_out: Sequence[str]  # ids of what has no triangles
    files: Sequence[str]
    low: Sequence[float] | None = None  # [m, enu]
    high: Sequence[float] | None = None  # [m, enu]
    largest_m: float = 0.0


@dataclass(frozen=True)
class Report:
    """What a park's 3D Tiles hold, and how much of it was made now."""

    parts: Sequence[Part]
    rebuilt: Sequence[str]  # folders
    seconds: float

    def totals(self) -> dict[str, int]:
        """Tiles, elements in and out, triangles and bytes before compression, over all tilesets."""
        names = ("elements_in", "elements_out", "triangles", "bytes")
        return {"tiles": sum(len(part.files) for part in self.parts)} | {n: sum(getattr(part, n) for part in self.parts) for n in names}


@dataclass(frozen=True)
class _Input:
    """What one tileset is made of."""

    folder: str
    id: str
    contents: Sequence[Bodies]
    ids: Sequence[str]  # of all that should be in it


@dataclass(frozen=True)
class _State:
    format: int = 0
    revision: str = ""
    parts: Mapping[str, Part] = field(default_factory=dict[str, Part])


def tiles_folder(park: Path) -> Path:
    """Where a park's 3D Tiles lie."""
    return park / "tiles" / "3dtiles"


def is_current(store: Store) -> bool:
    """Whether the 3D Tiles on disk show the park as it is."""
    folder = tiles_folder(store.path)
    return _is_whole(folder, _read_state(folder), store.revision())


def built_parts(store: Store) -> Sequence[Part]:
    """The tilesets as they were last built."""
    return list(_read_state(tiles_folder(store.path)).parts.values())


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
    with _alone(folder):
        state, revision = _read_state(folder), store.revision()
        if not force and _is_whole(folder, state, revision):
            return Report(tuple(state.parts.values()), (), time.perf_counter() - began)
        known = {} if force or state.format != FORMAT else state.parts
        parts, rebuilt = _build_parts(store, folder, known, progress)
        placed = [(f"{quote(part.folder)}/tileset.json", root) for part in parts if (root := _root_of(part)) is not None]
        _write_json(folder / "tileset.json", outer_json(placed, store.park().frame.ecef_matrix()))
        _sweep(folder, parts, state.parts)
        fresh = {"format": FORMAT, "revision": revision, "parts": [asdict(part) for part in parts]}
        write_atomically(folder / "state.json", json.dumps(fresh, ensure_ascii=False))
    warm_up()  # what is built is soon looked at, with its vector tiles
    return Report(tuple(parts), tuple(rebuilt), time.perf_counter() - began)


def _build_parts(store: Store, folder: Path, known: Mapping[str, Part], progress: Progress | None) -> tuple[list[Part], list[str]]:
    parts: list[Part] = []
    rebuilt: list[str] = []
    ecef = store.park().frame.ecef_matrix()
    all_buildings = buildings(store)
    shared = {model.id for model in store.models() if is_shared(model)}
    total = 1 + len(shared) + sum(not shared.issuperset(building.model_ids) for building in all_buildings)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for content in _inputs(store, all_buildings):
            if progress:
                progress(content.id, len(parts), total)
            inputs = _fingerprint(content, ecef)
            old = known.get(content.folder)
            if old is not None and old.inputs == inputs and _has_files(folder, old):
                parts.append(old)
                continue
            parts.append(replace(_build_part(content, folder / content.folder, ecef, pool), inputs=inputs))
            rebuilt.append(content.folder)
    return parts, rebuilt


def _inputs(store: Store, all_buildings: Sequence[Building]) -> Iterator[_Input]:
    """The extruded buildings, each building that has models, each model of many buildings; one with no model that was built is extruded."""
    frame = store.park().frame
    solid = {model.id: model for model in store.models() if model.outline is not None}
    plain = [building for building in all_buildings if not solid.keys() & set(building.model_ids)]
    yield _Input(FOOTPRINTS, FOOTPRINTS, [extruded(plain, frame)], [building.id for building in plain])
    single = {name for name, model in solid.items() if not is_shared(model)}
    for building in all_buildings:
        if single.intersection(building.model_ids):
            meshes = {model_id: store.mesh(model_id) for model_id in building.model_ids if model_id in single}
            contents = [model_bodies(mesh, store.elements(model_id), model_id, building.id) for model_id, mesh in meshes.items()]
            yield _Input(folder_name(building.id), building.id, contents, [e for mesh in meshes.values() for e in mesh.element_ids])
    for model in solid.values():
        if model.id not in single:
            yield _of_many(store, model, all_buildings)


def _of_many(store: Store, model: Model, all_buildings: Sequence[Building]) -> _Input:
    """A model of many buildings, less what finer models stand for."""
    mesh = _without(store.mesh(model.id), replaced(all_buildings).get(model.id, frozenset()))
    owner = owners(all_buildings)
    building_of = {name: owner(model.id, name) or "" for name in mesh.element_ids}
    return _Input(folder_name(model.id), model.id, [model_bodies(mesh, store.elements(model.id), model.id, building_of)], mesh.element_ids)


def _without(mesh: Mesh, ids: frozenset[str]) -> Mesh:
    """The mesh less the elements of those ids."""
    kept = np.array([name not in ids for name in mesh.element_ids], np.bool_)
    number = np.cumsum(kept) - 1
    faces = kept[mesh.face_element]
    return replace(
        mesh,
        faces=mesh.faces[faces],
        face_element=number[mesh.face_element[faces]].astype(np.uint32),
        face_color=mesh.face_color[faces],
        element_ids=[name for name, keep in zip(mesh.element_ids, kept, strict=True) if keep],
    )


def _build_part(content: _Input, folder: Path, ecef: np.ndarray[Any, Any], pool: ThreadPoolExecutor) -> Part:
    planned = [(body, plan(body)) for body in content.contents]
    jobs = [(body, leaf) for body, nodes in planned for leaf in leaves(nodes)]
    written = list(pool.map(lambda job: _write_tile(folder, *job), jobs))
    named = iter(name for name, _ in written)
    nodes = [_named(node, named) for _, trees in planned for node in trees]
    root = gather(nodes) if nodes else None
    _write_json(folder / "tileset.json", tileset_json(root, ecef))
    shown = [identity for body in content.contents for identity in body.columns["id"]]
    return Part(
        folder=content.folder,
        id=content.id,
        inputs="",
        elements_in=len(content.ids),
        elements_out=len(shown),
        triangles=sum(len(body.faces) for body in content.contents),
        bytes=sum(size for _, size in written),
        left_out=sorted(set(content.ids).difference(map(str, shown))),
        files=[name for name, _ in written],
        low=None if root is None else root.low.tolist(),
        high=None if root is None else root.high.tolist(),
        largest_m=0.0 if root is None else root.largest_m,
    )


def _write_tile(folder: Path, body: Bodies, leaf: Leaf) -> tuple[str, int]:
    content = encode_glb(*body.tile(leaf.features, middle(leaf)))
    return write_content(folder, ".glb", content), len(content)


def _named(node: Node, names: Iterator[str]) -> Node:
    """The same tree with the names of the files its leaves are in."""
    if isinstance(node, Leaf):
        return replace(node, uri=next(names))
    return replace(node, children=tuple(_named(child, names) for child in node.children))


def _fingerprint(content: _Input, ecef: np.ndarray[Any, Any]) -> str:
    digest = hashlib.blake2b(json.dumps([FORMAT, content.id, list(content.ids)]).encode(), digest_size=16)
    digest.update(ecef.tobytes())
    for body in content.contents:
        for array in (body.vertices, body.faces, body.face_feature, body.face_color, body.group):
            digest.update(np.ascontiguousarray(array).data)
        for name, column in body.columns.items():
            digest.update(name.encode())
            digest.update(column.tobytes() if isinstance(column, np.ndarray) else json.dumps(list(column)).encode())
    return digest.hexdigest()


def _root_of(part: Part) -> Branch | None:
    return None if part.low is None or part.high is None else Branch(np.array(part.low), np.array(part.high), part.largest_m, ())


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    write_with_compressed(path, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _read_state(folder: Path) -> _State:
    """What was built before; nothing where the record is missing or cannot be read."""
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        return _State(state["format"], state["revision"], {part["folder"]: Part(**part) for part in state["parts"]})
    except (OSError, ValueError, KeyError, TypeError):
        return _State()


def _is_whole(folder: Path, state: _State, revision: str) -> bool:
    current = (state.format, state.revision) == (FORMAT, revision)
    return current and (folder / "tileset.json").is_file() and all(_has_files(folder, part) for part in state.parts.values())


def _has_files(folder: Path, part: Part) -> bool:
    return all((folder / part.folder / name).is_file() for name in ("tileset.json", *part.files))


def _sweep(folder: Path, parts: Sequence[Part], before: Mapping[str, Part]) -> None:
    """Remove files that neither this build nor the one before names."""
    now = {part.folder: part for part in parts}
    for place in (entry for entry in folder.iterdir() if entry.is_dir()):
        keep = [part for part in (now.get(place.name), before.get(place.name)) if part is not None]
        if not keep:
            shutil.rmtree(place, ignore_errors=True)
            continue
        names = {name for part in keep for file in part.files for name in (file, *compressed_names(file))}
        names |= {"tileset.json", *compressed_names("tileset.json")} if place.name in now else set()
        for file in place.iterdir():
            if file.name not in names:
                file.unlink(missing_ok=True)


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
