"""Pipes, ducts and fibre: a tileset of tubes for each layer of them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from tiles.content.levels import levels
from tiles.content.tubes import KINDS, Tubes, tubes
from tiles.files import folder_name
from tiles.source import Contents, Input
from tiles.tileset import Tile, gather
from twin.model import Layer
from twin.store import Store


def inputs(store: Store) -> Iterator[Input]:
    """The layers of pipes, ducts and fibre."""
    for layer in store.layers():
        if layer.kind in KINDS:
            yield Input(folder_name(layer.id), layer.id, partial(_contents, store, layer))


def _contents(store: Store, layer: Layer) -> Contents:
    table = store.features(layer.id)
    made = tubes(layer, table, store.park(), store.terrain())
    shown = [str(name) for name in made.bodies.columns["id"]]
    return Contents(list(table.ids), shown, len(made.bodies.faces), made.bodies.digest(), partial(_tree, made))


def _tree(made: Tubes) -> Tile | None:
    trees = levels(made.bodies, made.coarse)
    return gather(trees) if trees else None
