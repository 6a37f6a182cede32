"""Buildings as tilesets: those known by outline and height together, each one with models by itself, each model of many buildings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain

import numpy as np

from tiles.content.bim import model_bodies
from tiles.content.bodies import Bodies
from tiles.content.extrude import block_of, extruded
from tiles.content.levels import house, largest, levels
from tiles.content.shares import shared
from tiles.files import folder_name
from tiles.source import Contents, Input
from tiles.tileset import Tile, gather
from twin.buildings import Building, buildings, is_shared, owners, replaced
from twin.model import Mesh, Model
from twin.store import Store

FOOTPRINTS = "buildings"  # the folder of the extruded buildings


def inputs(store: Store) -> Iterator[Input]:
    """The extruded buildings, each building that has models, each model of many; one with no model that was built is extruded."""
    found = buildings(store)
    solid = {model.id: model for model in store.models() if model.outline is not None}
    yield Input(FOOTPRINTS, FOOTPRINTS, partial(_footprints, store, [b for b in found if not solid.keys() & set(b.model_ids)]))
    single = {name for name, model in solid.items() if not is_shared(model)}
    for building in found:
        if own := [name for name in building.model_ids if name in single]:
            yield Input(folder_name(building.id), building.id, partial(_of_models, store, building, own))
    for model in solid.values():
        if model.id not in single:
            yield Input(folder_name(model.id), model.id, partial(_of_many, store, model, found))


def _footprints(store: Store, plain: Sequence[Building]) -> Contents:
    bodies, flat = extruded(plain, store.park().frame)
    contents = _contents([building.id for building in plain], [bodies], _city)
    return replace(contents, remarks={"tiles_roof_flat": flat} if flat else {})


def _of_models(store: Store, building: Building, own: Sequence[str]) -> Contents:
    meshes = {name: store.mesh(name) for name in own}
    parts = [model_bodies(mesh, store.elements(name), name, building.id) for name, mesh in meshes.items()]
    block = block_of(building, store.park().frame)
    ids = list(chain.from_iterable(mesh.element_ids for mesh in meshes.values()))
    return _contents(ids, parts, partial(house, block=block), b"" if block is None else block.digest())


def _of_many(store: Store, model: Model, found: Sequence[Building]) -> Contents:
    """A model of many buildings, less what finer models stand for."""
    mesh = _without(store.mesh(model.id), replaced(found).get(model.id, frozenset()))
    owner = owners(found)
    building_of = {name: owner(model.id, name) or "" for name in mesh.element_ids}
    return _contents(mesh.element_ids, [shared(model_bodies(mesh, store.elements(model.id), model.id, building_of))], _city)


def _city(parts: Sequence[Bodies]) -> Tile | None:
    trees = [tile for part in parts for tile in levels(part, largest)]
    return None if not trees else trees[0] if len(trees) == 1 else gather(trees)


def _contents(
    ids: Sequence[str], parts: Sequence[Bodies], tree: Callable[[Sequence[Bodies]], Tile | None], beside: bytes = b""
) -> Contents:
    shown = [str(name) for part in parts for name in part.columns["id"]]
    made_of = b"".join([*(part.digest() for part in parts), beside, "\0".join(ids).encode()])
    return Contents(ids, shown, sum(len(part.faces) for part in parts), made_of, partial(tree, parts))


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
