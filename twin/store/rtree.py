"""A spatial index of SQLite (https://www.sqlite.org/rtree.html) filled at once: sorted into full leaves instead of grown box by box.

The layout of nodes is that of the R*Tree module's own tables: a node is a header (depth of the tree in the root, number of cells; big
endian) and cells of an id and the box as 32-bit floats, minima rounded down and maxima up. Sort-tile-recursive packing: Leutenegger,
Lopez, Edgington, "STR: A Simple and Efficient Algorithm for R-Tree Packing", ICDE 1997.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twin.store.sql import insert, quoted

Ids = NDArray[np.int64]  # (n,)
Boxes = NDArray[np.float64]  # (n, 4) minx, maxx, miny, maxy [deg]
_CELL = np.dtype([("id", ">i8"), ("box", ">f4", 4)])
_HEADER_BYTES = 4
_ROOT = 1
_SPARE = 4  # cells left empty in a node, so that the next insertion does not split it


@dataclass(frozen=True)
class _Level:
    """The nodes of one depth: their numbers (m,), where the cells of each begin (m + 1,), and all cells in order (n,)."""

    numbers: Ids
    starts: Ids
    cells: NDArray[np.void]


def read(db: sqlite3.Connection, name: str) -> tuple[Ids, Boxes]:
    """The ids (n,) and boxes (n, 4) in the index `name`."""
    found = np.array(db.execute(f"SELECT id, minx, maxx, miny, maxy FROM {quoted(name)}").fetchall(), float).reshape(-1, 5)
    return found[:, 0].astype(np.int64), found[:, 1:]


def fill(db: sqlite3.Connection, name: str, ids: Ids, boxes: Boxes) -> None:
    """Make the index `name` hold `ids` (n,) with `boxes` (n, 4) and nothing else."""
    nodes, leaves, parents = (quoted(f"{name}_{part}") for part in ("node", "rowid", "parent"))
    node_bytes = int(db.execute(f"SELECT length(data) FROM {nodes} WHERE nodeno = {_ROOT}").fetchone()[0])
    levels = _packed(ids, boxes, (node_bytes - _HEADER_BYTES) // _CELL.itemsize)
    for table in (nodes, leaves, parents):
        db.execute(f"DELETE FROM {table}")
    for depth, level in enumerate(levels):
        root_depth = depth if level is levels[-1] else 0
        insert(db, f"{name}_node", ("nodeno", "data"), zip(level.numbers.tolist(), _bytes(level, node_bytes, root_depth), strict=True))
        order = np.argsort(level.cells["id"])
        owners = np.repeat(level.numbers, np.diff(level.starts))[order]
        table, columns = (f"{name}_parent", ("nodeno", "parentnode")) if depth else (f"{name}_rowid", ("rowid", "nodeno"))
        insert(db, table, columns, zip(level.cells["id"][order].tolist(), owners.tolist(), strict=True))


def _packed(ids: Ids, boxes: Boxes, room: int) -> list[_Level]:
    """The levels of the tree from leaves to root, each node of at most `room` cells."""
    cells = np.zeros(len(ids), _CELL)
    cells["id"], cells["box"] = ids, _outward(boxes)
    cells = cells[_tiled(boxes, room - _SPARE)]
    levels: list[_Level] = []
    first = _ROOT + 1
    while len(cells) > room:
        starts = np.append(np.arange(0, len(cells), room - _SPARE), len(cells))
        numbers = np.arange(first, first + len(starts) - 1)
        levels.append(_Level(numbers, starts, cells))
        first += len(numbers)
        cells = _parents(cells, numbers, starts[:-1])
    return [*levels, _Level(np.array([_ROOT]), np.array([0, len(cells)]), cells)]


def _outward(boxes: Boxes) -> NDArray[np.float32]:
    """Boxes (n, 4) as 32-bit floats that contain them."""
    near = boxes.astype(np.float32)
    low, high = near[:, 0::2], near[:, 1::2]
    near[:, 0::2] = np.where(low > boxes[:, 0::2], np.nextafter(low, np.float32(-np.inf)), low)
    near[:, 1::2] = np.where(high < boxes[:, 1::2], np.nextafter(high, np.float32(np.inf)), high)
    return near


def _tiled(boxes: Boxes, room: int) -> Ids:
    """An order (n,) in which neighbours follow each other: slices by x, in each by y."""
    x, y = boxes[:, :2].mean(axis=1), boxes[:, 2:].mean(axis=1)
    slices = max(1, int(np.ceil(np.sqrt(len(boxes) / room))))
    rank = np.empty(len(boxes), np.int64)
    rank[np.argsort(x, kind="stable")] = np.arange(len(boxes))
    return np.lexsort((y, rank // (slices * room)))


def _parents(cells: NDArray[np.void], numbers: Ids, starts: Ids) -> NDArray[np.void]:
    """A cell for each node, around the cells it holds."""
    boxes = cells["box"].astype(np.float32)
    above = np.zeros(len(numbers), _CELL)
    above["id"] = numbers
    above["box"][:, 0::2] = np.minimum.reduceat(boxes[:, 0::2], starts)
    above["box"][:, 1::2] = np.maximum.reduceat(boxes[:, 1::2], starts)
    return above


def _bytes(level: _Level, node_bytes: int, root_depth: int) -> list[bytes]:
    """Each node of a level as the module stores it."""
    counts = np.diff(level.starts)
    header = np.zeros((len(counts), 2), ">u2")
    header[:, 0], header[:, 1] = root_depth, counts
    whole = level.cells.tobytes()
    edges = (level.starts * _CELL.itemsize).tolist()
    bodies = (whole[a:b] for a, b in pairwise(edges))
    return [(bytes(head) + body).ljust(node_bytes, b"\0") for head, body in zip(header, bodies, strict=True)]
