"""Which items a tile shows: a packed R-tree over items that already lie along a Hilbert curve (Kamel and Faloutsos 1993).

Sixteen items that follow each other are a node, sixteen nodes a node above, and so on to one: nothing is pointed at, a node's children
are found by counting. Each node knows the lowest zoom at which anything below it is shown, so a low zoom never visits what it leaves out.
"""

from __future__ import annotations

from typing import Any, NamedTuple, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Zooms = NDArray[np.int8]

FAN = 16
# for what only compiled code calls: without an entrance from Python it compiles in two thirds of the time
_inner: Any = cast(Any, numba.njit)(cache=True, nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class Tree(NamedTuple):
    """All levels one after another, the items themselves first."""

    box: Floats  # (n, 4) minx miny maxx maxy, unit mercator
    zoom: Zooms  # (n,) the first zoom that shows any of it
    level_start: Ints  # (l + 1,) where each level begins


def packed(box: Floats, zoom: Zooms) -> Tree:
    """The tree over items (i, 4) that lie along a curve, each shown from a zoom (i,) on."""
    boxes, zooms = [box], [zoom]
    while len(boxes[-1]) > 1:
        start = np.arange(0, len(boxes[-1]), FAN)
        low = np.minimum.reduceat(boxes[-1][:, :2], start, axis=0)
        boxes.append(np.hstack([low, np.maximum.reduceat(boxes[-1][:, 2:], start, axis=0)]))
        zooms.append(np.minimum.reduceat(zooms[-1], start))
    level_start = np.concatenate([[0], np.cumsum([len(level) for level in boxes])]).astype(np.int64)
    return Tree(np.concatenate(boxes), np.concatenate(zooms), level_start)


@_inner
def find(tree: Tree, area: tuple[float, float, float, float], zoom: int) -> Any:
    """The items shown at a zoom whose box meets the area, in the order of the items."""
    box, shown_from, level_start = tree.box, tree.zoom, tree.level_start
    levels = len(level_start) - 1
    found, n = np.empty(256, np.int64), 0
    stack = np.empty((FAN * levels + FAN, 2), np.int64)
    depth = 0
    if level_start[1] > 0 and shown_from[level_start[levels - 1]] <= zoom and _meets(box, level_start[levels - 1], area):
        stack[0, 0], stack[0, 1], depth = levels - 1, 0, 1
    while depth:
        depth -= 1
        level, node = stack[depth, 0], stack[depth, 1]
        if level == 0:  # a layer of one item is its own root
            found[n], n = node, n + 1
            continue
        first = level_start[level - 1]
        last = min(first + (node + 1) * FAN, level_start[level])
        if level == 1:
            if n + FAN > len(found):
                larger = np.empty(2 * len(found), np.int64)
                larger[:n] = found[:n]
                found = larger
            for k in range(node * FAN, last):
                if shown_from[k] <= zoom and _meets(box, k, area):
                    found[n], n = k, n + 1
            continue
        for k in range(last - 1, first + node * FAN - 1, -1):  # the last is looked into last
            if shown_from[k] <= zoom and _meets(box, k, area):
                stack[depth, 0], stack[depth, 1] = level - 1, k - first
                depth += 1
    return found[:n]


@numba.njit(cache=True, nogil=True)
def reached(tree: Tree, zoom: int, xy: Ints, margin: float) -> Any:
    """Whether any item, shown or not, comes near each tile (n, 2) of a zoom: within `margin` tiles of it."""
    near, count = np.zeros(len(xy), np.bool_), 2.0**zoom
    for k in range(len(xy)):
        x, y = xy[k, 0], xy[k, 1]
        area = ((x - margin) / count, (y - margin) / count, (x + 1 + margin) / count, (y + 1 + margin) / count)
        near[k] = len(find(tree, area, 127)) > 0
    return near


@_inner
def _meets(box: Floats, k: int, area: tuple[float, float, float, float]) -> bool:
    return box[k, 0] <= area[2] and box[k, 2] >= area[0] and box[k, 1] <= area[3] and box[k, 3] >= area[1]
