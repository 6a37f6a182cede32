"""The tiles of some bodies, from coarse to fine: what is far is drawn with fewer triangles, each with its feature and colour.

    block                   the footprint extruded, where one is known of a building that has models
      shell                 what is seen from outside, on a grid (see `tiles.content.shell`, `tiles.content.simplify`)
        storey, discipline  some together (see `tiles.content.shares`), or one on a grid where it is too large for one tile
          octree            its pieces, as `tiles.content.split` finds them

The error of each is measured on its own triangles: by how much they moved, how large what they leave out is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from tiles.content.apart import apart
from tiles.content.bodies import Bodies, Ints, together
from tiles.content.instances import instanced
from tiles.content.shares import shared
from tiles.content.shell import shell
from tiles.content.simplify import to_fit
from tiles.content.split import FEATURE_TRIANGLES, MAX_TRIANGLES, Piece, portions, split
from tiles.glb import POSITION_EXPONENT, encode_glb
from tiles.tileset import Tile, Vector, above, gather

FINEST_CELL_M = 1 / 16  # no grid is finer
SHELL_CELLS = 256  # about as many cells of the shell's grid lie along a building
SHELL_FROM = 3000  # triangles; fewer are drawn whole from afar as well
SHELL_SHARE = 0.6  # a shell with more of the triangles than this saves too little
ROUNDED_SHARE = 1 / 16  # of a tile's error are the steps of its positions
COARSE_CELLS = 1024  # the same of a level between the shell and the finest
COARSE_FROM = 2.0  # times what a tile may have; fewer triangles have no level between the shell and their tiles
BLOCK_SHARE = 0.3  # a block farther off than this share of the building's size is no picture of it

Coarse = Callable[[Bodies, int], tuple[Bodies, float]]  # the bodies in so many triangles at most; the error [m]


@dataclass(frozen=True)
class Some:
    """Some features of some bodies, as the content of a tile."""

    bodies: Bodies
    features: Ints
    exponent: int = POSITION_EXPONENT  # positions are whole steps of 2**exponent [m]
    suffix: str = ".glb"

    def digest(self) -> bytes:
        """A hash of the features' triangles and rows, and of the steps of positions."""
        return self.bodies.digest(self.features) + bytes([self.exponent & 255])

    def encode(self, origin: Vector) -> bytes:
        """The features as a GLB about `origin` (3,). [m, enu]"""
        mesh, rows = self.bodies.tile(self.features, origin)
        once, repeats = instanced(mesh)
        return encode_glb(once, rows, repeats, self.exponent)


def on_grid(of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
    """Bodies on a grid, as elements of a building are drawn from afar; the error. [m] None of them where that would save little."""
    if len(of.faces) <= COARSE_FROM * max_triangles:
        return of.with_faces(np.zeros(len(of.faces), np.bool_)), 0.0
    return to_fit(of, max_triangles, _cell(of, COARSE_CELLS))


def largest(of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
    """The largest bodies, as buildings of a city are drawn from afar, and the size of the largest that is left out. [m]"""
    size = np.linalg.norm(of.boxes[:, 1] - of.boxes[:, 0], axis=1)  # (n,)
    order = np.argsort(-size, kind="stable")
    weight = np.cumsum((np.diff(of.starts) + FEATURE_TRIANGLES)[order])
    kept = np.zeros(len(of), np.bool_)
    kept[order[weight <= max_triangles]] = True
    return of.with_faces(kept[of.face_feature]), float(size[~kept].max(initial=0.0))


def levels(bodies: Bodies, coarse: Coarse, max_triangles: int = MAX_TRIANGLES) -> list[Tile]:
    """One tree of tiles a group of features, or several where nothing coarser stands for them."""
    return [tile for piece in split(bodies, max_triangles) for tile in _tiles(bodies, piece, coarse, max_triangles)]


def house(parts: Sequence[Bodies], block: Bodies | None, max_triangles: int = MAX_TRIANGLES) -> Tile | None:
    """The tree of one building that `parts` are models of; None where they hold nothing."""
    parts = [part for part in parts if len(part)]
    if not parts:
        return None
    picture = together(parts)
    trees = levels(shared(picture), on_grid, max_triangles)
    whole = gather(trees) if len(trees) > 1 else trees[0]
    size = float(np.linalg.norm(whole.high - whole.low))
    if len(picture.faces) >= SHELL_FROM:
        outside, error = _outside(picture, max_triangles)
        if len(outside) and len(outside.faces) <= SHELL_SHARE * len(picture.faces):
            picture, whole = outside, _coarser(trees, outside, error)
    if block is None or not len(block):
        return whole
    error = apart(block, picture) + whole.error_m * (whole.content is not None)
    return above([whole], error, _all(block), _box(block)) if error < BLOCK_SHARE * size else whole


def _outside(of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
    """The shell on a grid as fine as the building is large, and the error. [m]"""
    left, moved = to_fit(of, max_triangles, _cell(of, SHELL_CELLS))
    if not len(left):
        return left, moved
    seen, overlooked = shell(left)
    return seen, max(moved, overlooked)


def _cell(of: Bodies, cells: int) -> float:
    """The side of a grid's cells of which about so many lie along some bodies. [m]"""
    low, high = _box(of)
    return max(FINEST_CELL_M, 2.0 ** round(np.log2(max(float(np.linalg.norm(high - low)) / cells, FINEST_CELL_M))))


def _tiles(bodies: Bodies, piece: Piece, coarse: Coarse, max_triangles: int) -> list[Tile]:
    first = int(piece.features[0])
    if not piece.pieces and (len(piece.features) > 1 or bodies.starts[first + 1] - bodies.starts[first] <= max_triangles):
        return [_finest(bodies, piece.features)]
    mine = bodies.of(piece.features)
    if piece.pieces:
        children = [tile for part in piece.pieces for tile in _tiles(bodies, part, coarse, max_triangles)]
    else:
        children = [_finest(portion, np.zeros(1, np.int64)) for portion in portions(mine, max_triangles)]
    if len(mine.faces) <= max_triangles:  # far apart, not many
        return children
    left, error = coarse(mine, max_triangles)
    return [_coarser(children, left, error)] if len(left) else children


def _coarser(children: Sequence[Tile], shown: Bodies, error: float) -> Tile:
    """The parent of some tiles that shows `shown`, wrong by `error` [m], and a little more as its positions are rounded."""
    exponent = POSITION_EXPONENT
    if error > 0:
        exponent = max(exponent, int(np.floor(np.log2(error * ROUNDED_SHARE))))
    return above(children, error + 2.0**exponent, replace(_all(shown), exponent=exponent), _box(shown))


def _finest(bodies: Bodies, features: Ints) -> Tile:
    boxes = bodies.boxes[features]
    return Tile(boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0), 0.0, content=Some(bodies, features))


def _all(of: Bodies) -> Some:
    return Some(of, np.arange(len(of)))


def _box(of: Bodies) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([of.boxes[:, 0].min(axis=0), of.boxes[:, 1].max(axis=0)])
