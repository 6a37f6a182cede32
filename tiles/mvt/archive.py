"""Layers as the tiles of one archive: which tiles there are, and how deep they go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt.geometry import mercator
from tiles.mvt.pmtiles import Archive, tile_numbers
from tiles.mvt.tippecanoe import BELOW

Ints = NDArray[np.int64]
Told = Callable[[int, int], None]  # how many tiles are done, and how many there are of those known so far

EVERY = 64  # tiles between two times that progress is told
MAX_TILES = 200_000  # of the deepest zoom


def deepest_zoom(bounds: NDArray[np.float64]) -> int:
    """The deepest zoom, up to MAX_ZOOM, at which boxes (n, 4) west south east north [deg] lie in no more than MAX_TILES tiles.

    Viewers draw deeper zooms from the deepest there is; only from MAX_ZOOM on would more detail be finer than the data.
    """
    box = bounds[np.isfinite(bounds).all(axis=1)]
    if not len(box):
        return 0
    low, high = mercator(box[:, [0, 3]]), mercator(box[:, [2, 1]])
    for zoom in range(MAX_ZOOM, 0, -1):
        across, down = (np.floor(high * 2**zoom) - np.floor(low * 2**zoom) + 1).T
        whole = np.prod(np.floor(high.max(axis=0) * 2**zoom) - np.floor(low.min(axis=0) * 2**zoom) + 1)
        if min((across * down).sum(), whole) <= MAX_TILES:
            return zoom
    return 0


def all_tiles(
    layers: Sequence[VectorTiles], last_zoom: int, lows: Mapping[str, Archive], told: Told | None = None
) -> Iterator[tuple[int, bytes]]:
    """Number (see `tiles.mvt.pmtiles`) and bytes of each tile that shows anything, in rising order; several layers lie in one tile.

    The zooms below BELOW of a layer in `lows` are those of its archive.
    """
    candidates, done, known = np.zeros((1, 2), np.int64), 0, 1
    for zoom in range(last_zoom + 1):
        numbers = tile_numbers(zoom, candidates[:, 0], candidates[:, 1])
        order = np.argsort(numbers)
        for number, (x, y) in zip(numbers[order].tolist(), candidates[order].tolist(), strict=True):
            content = b"".join(_tile(layer, lows.get(layer.layer_id), zoom, x, y) or b"" for layer in layers)
            if content:
                yield number, content
            done += 1
            if told is not None and done % EVERY == 0:
                told(done, known)
        if zoom < last_zoom:
            candidates = _below(layers, zoom + 1, candidates)
            known += len(candidates)


def _tile(layer: VectorTiles, low: Archive | None, zoom: int, x: int, y: int) -> bytes | None:
    return layer.encode(zoom, x, y) if low is None or zoom >= BELOW else low.tile(zoom, x, y)


def _below(layers: Sequence[VectorTiles], zoom: int, above: Ints) -> Ints:
    """The tiles of a zoom below those of the one before in which something may be."""
    children = (2 * above[:, None] + np.array([[0, 0], [1, 0], [0, 1], [1, 1]])).reshape(-1, 2)
    near = np.zeros(len(children), bool)
    for layer in layers:
        near |= layer.near(zoom, children)
    return children[near]
