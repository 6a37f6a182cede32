"""What low zooms leave out of a layer, decided once for the whole world so that neighbouring tiles leave out the same.

The rule: at a zoom whose fullest tile would be larger than MAX_BYTES, the world is laid out in cells of 4 by 4, 8 by 4, 8 by 8 ...
units of the tile grid, the smallest that bring that tile below; of the features that are smaller than a cell and have their middle in
the same one, the largest is shown, of equal ones the first of the table. Lines and polygons smaller than one unit, and points below
OVERVIEW_ZOOM, are always so thinned, in cells of 4 by 4, which are half a pixel: they would all be drawn as the same dot. What a zoom
shows, all deeper ones show; from FULL_ZOOM on nothing is left out to save bytes, at the last zoom nothing at all; and a place that has
features has at least one at every zoom.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiles.mvt.geometry import EXTENT, POINTS, Shapes

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_BYTES = 500_000  # of a tile, uncompressed: what clients can take at once
OVERVIEW_ZOOM, FULL_ZOOM = 12, 16
CELL = 4  # units: the smallest cell
CELL_SIZES = 13  # each half as large again as the next; the largest is 256 units, a sixteenth of a tile: beyond, a map would look empty
_FEATURE_BYTES, _VERTEX_BYTES = 14.0, 2.5  # means of encoded tiles


@dataclass(frozen=True)
class Thinned:
    """One zoom that leaves features out: how many it shows, and how many there are."""

    zoom: int
    shown: int
    of: int


def first_zooms(shapes: Shapes, row_bytes: Floats, last_zoom: int) -> tuple[NDArray[np.int8], list[Thinned]]:
    """The first zoom (i,) that shows each item, and the zooms at which some are missing, lowest first.

    `row_bytes` (n,) is what the attributes of each feature take in a tile.
    """
    zoom_of = np.zeros(len(shapes.item_row), np.int8)
    alive, thinned = np.arange(len(zoom_of)), list[Thinned]()
    for zoom in reversed(range(last_zoom)):
        kept = _kept(shapes, row_bytes, alive, zoom)
        zoom_of[np.setdiff1d(alive, kept, assume_unique=True)] = zoom + 1
        alive = kept
        if len(alive) < len(zoom_of):
            thinned.append(Thinned(zoom, len(alive), len(zoom_of)))
    return zoom_of, thinned[::-1]


def _kept(shapes: Shapes, row_bytes: Floats, alive: Ints, zoom: int) -> Ints:
    """The items a zoom shows of those that the next one does."""
    scale = float(EXTENT * 2**zoom)
    box = shapes.item_box[alive] * scale
    size = np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    middle = (box[:, :2] + box[:, 2:]) / 2
    dots = (size < 1) & ((shapes.item_kind[alive] != POINTS) | (zoom < OVERVIEW_ZOOM))
    keep = _largest(shapes, alive, size, middle / CELL, dots)
    if zoom < FULL_ZOOM:
        weight = _weights(shapes, row_bytes, alive, scale)
        for k in range(CELL_SIZES):
            if _fullest(weight[keep], middle[keep]) <= MAX_BYTES:
                break
            cell = CELL * np.exp2([(k + 1) // 2, k // 2])
            keep &= _largest(shapes, alive, size, middle / cell, keep & (size < cell.max()))
    return alive[keep]


def _largest(shapes: Shapes, alive: Ints, size: Floats, place: Floats, small: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All items (a,) but those small ones that share their cell with a larger one of their kind; `place` (a, 2) in cells."""
    keep = ~small
    chosen = np.flatnonzero(small)
    if len(chosen):
        kind, cell = shapes.item_kind[alive[chosen]], np.floor(place[chosen]).astype(np.int64)
        key = np.column_stack([cell, kind])
        order = np.lexsort((shapes.item_rank[alive[chosen]], -size[chosen], *key.T))
        first = np.ones(len(order), bool)
        first[1:] = (key[order][1:] != key[order][:-1]).any(axis=1)
        keep[chosen[order[first]]] = True
    return keep


def _weights(shapes: Shapes, row_bytes: Floats, alive: Ints, scale: float) -> Floats:
    """What each item (a,) takes in a tile, about [bytes]."""
    whole = row_bytes[shapes.item_row[alive]] + _FEATURE_BYTES
    first, last = shapes.ring_start[shapes.item_start[alive]], shapes.ring_start[shapes.item_start[alive + 1]]
    if whole.sum() + _VERTEX_BYTES * (last - first).sum() <= MAX_BYTES:
        return whole  # no tile can be too large
    count = np.concatenate([[0], np.cumsum(shapes.importance >= 1.0 / scale)])
    return whole + _VERTEX_BYTES * (count[last] - count[first])


def _fullest(weight: Floats, middle: Floats) -> float:
    """The sum of weights in the fullest tile."""
    if weight.sum() <= MAX_BYTES:
        return 0.0
    tile = np.floor(middle / EXTENT).astype(np.int64)
    _, index = np.unique(tile[:, 0] << 32 | tile[:, 1], return_inverse=True)
    return float(np.bincount(index, weight).max())
