"""Points sorted into an additive octree: every point in exactly one node, each node an even thinning of what lies in its cube.

A node takes of its cube's points the one nearest to the middle of each of 128³ cells, and leaves the others to its eight children; what
is few enough it takes whole. All of it follows one order, that of interleaved coordinates (Morton 1966): in it the points of a cell, and of
a node, stand together, so a level is one pass over what the level above has left.

More points than are held at once are first dealt out on disk to cubes that hold few enough. The cells of the nodes above these are no
larger than they are, so each cube gives its share to all nodes above it by itself, and memory does not grow with the cloud.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from twin.points import POINT, PointFile

DEPTH = 21  # halvings of the cube that coordinates are told apart by
CELL_BITS = 7  # halvings of a node into its cells
LEAF = 60_000  # so few points are one tile
MOST = 100_000  # points of a tile
HELD = 4_000_000  # points held at once: 16 bytes each, and some 60 while they are sorted

Ints = NDArray[np.int64]
Key = tuple[int, int]  # level, Morton number of the cube among those of its level


@dataclass(frozen=True)
class Cube:
    """The cube that is halved: its lowest corner in steps of the file, and the steps that one of its 2²¹ divisions is."""

    low: NDArray[np.int64]  # (3,)
    division: float

    @classmethod
    def around(cls, points: NDArray[np.void]) -> Cube:
        """The smallest cube from the lowest corner that holds all points."""
        low, high = np.full(3, np.iinfo(np.int64).max), np.full(3, np.iinfo(np.int64).min)
        for start in range(0, len(points), HELD):
            xyz = points["xyz"][start : start + HELD]
            low, high = np.minimum(low, xyz.min(axis=0)), np.maximum(high, xyz.max(axis=0))
        return cls(low, max(float((high - low).max() + 1) / 2**DEPTH, 1e-9))


@dataclass(frozen=True)
class Node:
    """A node: where its points lie in the octree's own order, and how far apart they are; 0 where none is missing. [steps]"""

    pieces: Sequence[slice]
    spacing: float
    children: Sequence[Node]


@dataclass(frozen=True)
class Octree:
    """The points in the order of their nodes, on disk where they are many, and the nodes."""

    points: NDArray[np.void]  # (n,) of POINT
    root: Node

    def of(self, node: Node) -> NDArray[np.void]:
        """The points of one node (m,) of POINT."""
        return np.concatenate([self.points[piece] for piece in node.pieces])


def octree(file: PointFile, folder: Path | None = None) -> Octree:
    """The octree of a file with at least one point; files for what is too much to hold are made in `folder` and vanish with it."""
    points = file.points
    cube = Cube.around(points)
    made = _Making(_room(len(points), folder), cube)
    if len(points) <= HELD:
        made.add(np.array(points), (0, 0))
    else:
        dealt, chunks = _dealt(points, cube, folder)
        for key, start, end in chunks:
            made.add(np.array(dealt[start:end]), key)
    return Octree(made.out, made.tree())


class _Making:
    """The octree on its way: points are written in the order in which their nodes are met."""

    def __init__(self, out: NDArray[np.void], cube: Cube) -> None:
        self.out = out
        self._cube = cube
        self._end = 0
        self._pieces: dict[Key, list[slice]] = defaultdict(list)
        self._spacing: dict[Key, float] = {}

    def add(self, points: NDArray[np.void], key: Key) -> None:
        """The points of one cube, and none of theirs in any other: its share of the nodes above it, and all nodes below."""
        code, grid = _coded(points["xyz"], self._cube.low, self._cube.division)
        order = np.argsort(code, kind="stable")
        code, grid = code[order], grid[order]
        nodes, taken = _levels(code, grid, key[0])
        sorted_points = points[order]
        for level, prefix, start, end, bits in nodes.tolist():
            self._put(sorted_points[taken[start:end]], (level, prefix), bits)

    def _put(self, points: NDArray[np.void], key: Key, bits: int) -> None:
        start = self._end
        self._end += len(points)
        self.out[start : self._end] = points
        self._pieces[key].append(slice(start, self._end))
        spacing = self._cube.division * 2.0 ** (DEPTH - bits) if bits else 0.0
        self._spacing[key] = max(spacing, self._spacing.get(key, 0.0))

    def tree(self) -> Node:
        """All nodes, those without points of their own included; an overfull one has a part of its points in further children."""
        children: dict[Key, list[Key]] = defaultdict(list)
        known = set(self._pieces)
        waiting = sorted(known, reverse=True)
        while waiting:
            level, prefix = waiting.pop()
            above = (level - 1, prefix >> 3)
            if level > 0:
                children[above].append((level, prefix))
                if above not in known:
                    known.add(above)
                    waiting.append(above)
        return self._node((0, 0), children)

    def _node(self, key: Key, children: dict[Key, list[Key]]) -> Node:
        below = [self._node(child, children) for child in sorted(children.get(key, []))]
        first, *others = _portions(self._pieces.get(key, []))
        spacing = self._spacing.get(key, 0.0) if below or others else 0.0
        return Node(first, spacing, [*(Node(one, 0.0, []) for one in others), *below])


def _portions(pieces: Sequence[slice]) -> list[list[slice]]:
    """Pieces of a node in portions that one tile may have."""
    portions: list[list[slice]] = [[]]
    room = MOST
    for piece in pieces:
        start = piece.start
        while start < piece.stop:
            if not room:
                portions.append([])
                room = MOST
            end = min(piece.stop, start + room)
            portions[-1].append(slice(start, end))
            room -= end - start
            start = end
    return portions


def _room(count: int, folder: Path | None) -> NDArray[np.void]:
    """Room for points: in memory, or in a file without a name that is gone with the array."""
    if count <= HELD:
        return np.empty(count, POINT)
    with tempfile.TemporaryFile(dir=folder) as stream:
        stream.truncate(count * POINT.itemsize)
        return np.memmap(stream, POINT, "r+", 0, (count,))


def _dealt(points: NDArray[np.void], cube: Cube, folder: Path | None) -> tuple[NDArray[np.void], list[tuple[Key, int, int]]]:
    """The points by cubes that can be held, and these: key, first point, end."""
    counts = np.zeros(1 << (3 * CELL_BITS), np.int64)
    for part in _parts(points):
        _count(part["xyz"], cube.low, cube.division, counts)
    chunks: list[tuple[Key, int, int]] = []
    ends = np.cumsum(counts)
    _chunks((0, 0), ends, chunks)
    chunk_of = np.zeros(len(counts), np.int32)
    for number, ((level, prefix), _, _) in enumerate(chunks):
        width = 3 * (CELL_BITS - level)
        chunk_of[prefix << width : (prefix + 1) << width] = number
    next_of = np.array([start for _, start, _ in chunks])
    out = _room(len(points), folder)
    for part in _parts(points):
        place = _places(part["xyz"], cube.low, cube.division, chunk_of, next_of)
        out[place] = part
    return out, chunks


def _parts(points: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    return (np.array(points[start : start + HELD]) for start in range(0, len(points), HELD))


def _chunks(key: Key, ends: Ints, out: list[tuple[Key, int, int]]) -> None:
    """The largest cubes with few enough points, in order."""
    level, prefix = key
    width = 3 * (CELL_BITS - level)
    first, last = prefix << width, ((prefix + 1) << width) - 1
    start, end = (int(ends[first - 1]) if first else 0), int(ends[last])
    if end == start:
        return
    if end - start <= HELD or level == CELL_BITS:
        out.append((key, start, end))
        return
    for octant in range(8):
        _chunks((level + 1, prefix << 3 | octant), ends, out)


@numba.njit(cache=True, nogil=True)
def _spread(value: np.uint64) -> np.uint64:
    """The 21 bits of a number, each followed by two noughts."""
    value = (value | (value << np.uint64(32))) & np.uint64(0x1F00000000FFFF)
    value = (value | (value << np.uint64(16))) & np.uint64(0x1F0000FF0000FF)
    value = (value | (value << np.uint64(8))) & np.uint64(0x100F00F00F00F00F)
    value = (value | (value << np.uint64(4))) & np.uint64(0x10C30C30C30C30C3)
    return (value | (value << np.uint64(2))) & np.uint64(0x1249249249249249)


@numba.njit(cache=True, nogil=True)
def _code(row: NDArray[np.int32], low: Ints, division: float, grid: NDArray[np.int32]) -> np.int64:
    """The Morton number of a point; `grid` (3,) becomes its divisions."""
    code = np.uint64(0)
    for k in range(3):
        grid[k] = min(int((row[k] - low[k]) / division), (1 << DEPTH) - 1)
        code |= _spread(np.uint64(grid[k])) << np.uint64(k)
    return np.int64(code)


@numba.njit(cache=True, nogil=True)
def _coded(xyz: NDArray[np.int32], low: Ints, division: float) -> tuple[Ints, NDArray[np.int32]]:
    """Morton numbers (n,) of points and the divisions (n, 3) they lie in."""
    code, grid = np.empty(len(xyz), np.int64), np.empty((len(xyz), 3), np.int32)
    for i in range(len(xyz)):
        code[i] = _code(xyz[i], low, division, grid[i])
    return code, grid


@numba.njit(cache=True, nogil=True)
def _count(xyz: NDArray[np.int32], low: Ints, division: float, counts: Ints) -> None:
    """Add points to the counts of the 128³ cells of the whole cube."""
    grid = np.empty(3, np.int32)
    for i in range(len(xyz)):
        counts[_code(xyz[i], low, division, grid) >> (3 * (DEPTH - CELL_BITS))] += 1


@numba.njit(cache=True, nogil=True)
def _places(xyz: NDArray[np.int32], low: Ints, division: float, chunk_of: NDArray[np.int32], next_of: Ints) -> Ints:
    """Where each point goes (n,), one behind the other in its chunk; `next_of` is moved on."""
    out = np.empty(len(xyz), np.int64)
    grid = np.empty(3, np.int32)
    for i in range(len(xyz)):
        chunk = chunk_of[_code(xyz[i], low, division, grid) >> (3 * (DEPTH - CELL_BITS))]
        out[i] = next_of[chunk]
        next_of[chunk] += 1
    return out


@numba.njit(cache=True, nogil=True)
def _levels(code: Ints, grid: NDArray[np.int32], own: int) -> tuple[Ints, Ints]:
    """The nodes that sorted points fall into: (m, 5) level, prefix, start, end among the points taken, bits of their cells (0: all), and
    the points (n,) in that order. Nodes above level `own` are met in part only: they take cells, whatever is left."""
    n = len(code)
    nodes, count = np.empty((64, 5), np.int64), 0
    taken, end = np.empty(n, np.int64), 0
    left = np.arange(n)
    is_taken = np.zeros(n, np.bool_)
    level = 0
    while len(left):
        width = 3 * (DEPTH - level)
        first = 0
        while first < len(left):
            prefix = code[left[first]] >> width
            last = first + 1
            while last < len(left) and code[left[last]] >> width == prefix:
                last += 1
            bits = level + CELL_BITS
            start = end
            if level >= own and (last - first <= LEAF or bits > DEPTH):
                for i in range(first, last):
                    taken[end] = left[i]
                    is_taken[left[i]] = True
                    end += 1
                bits = 0
            else:
                while True:
                    end = _pick(code, grid, left[first:last], bits, taken, start)
                    if end - start <= MOST or level < own or bits <= level + 3:
                        break
                    bits -= 1
                for i in range(start, end):
                    is_taken[taken[i]] = True
            if count == len(nodes):
                more = np.empty((2 * count, 5), np.int64)
                more[:count] = nodes
                nodes = more
            row = nodes[count]
            row[0], row[1], row[2], row[3], row[4] = level, prefix, start, end, bits
            count += 1
            first = last
        left = left[~is_taken[left]]
        level += 1
    return nodes[:count], taken


@numba.njit(cache=True, nogil=True)
def _pick(code: Ints, grid: NDArray[np.int32], rows: Ints, bits: int, taken: Ints, end: int) -> int:
    """Of sorted points, the one nearest to the middle of each cell, put into `taken` from `end` on; where they end."""
    width = DEPTH - bits
    mask, half = (1 << width) - 1, (1 << width) / 2 - 0.5
    cell, nearest = np.int64(-1), np.inf
    for i in rows:
        away = 0.0
        for k in range(3):
            away += ((grid[i, k] & mask) - half) ** 2
        here = code[i] >> (3 * width)
        if here != cell:
            cell, nearest = here, away
            taken[end] = i
            end += 1
        elif away < nearest:
            nearest = away
            taken[end - 1] = i
    return end
