"""The park's ground as one tileset."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import partial

from tiles.content.terrain import terrain_tiles
from tiles.source import Contents, Input
from twin.model import Park, Terrain
from twin.store import Store

TERRAIN = "terrain"  # the folder, and what the address /terrain/ stands for


def inputs(store: Store) -> Iterator[Input]:
    """The ground, where its heights are known."""
    terrain = store.terrain()
    if terrain is not None and min(terrain.heights.shape) > 1:
        yield Input(TERRAIN, TERRAIN, partial(_contents, terrain, store.park()), is_listed=False)


def _contents(terrain: Terrain, park: Park) -> Contents:
    digest = hashlib.blake2b(repr(park.frame).encode(), digest_size=16)
    for grid in (terrain, *terrain.detail):
        digest.update(repr((grid.x0_m, grid.y0_m, grid.step_m, grid.heights.shape)).encode())
        digest.update(grid.heights.tobytes())
    return Contents((), (), 0, digest.digest(), partial(terrain_tiles, terrain, park))
