"""The tiles of some bodies, from coarse to fine: what is far is drawn with fewer triangles, each with its feature and colour.

    block                   the footprint extruded, where one is known of a building that has models
      shell                 what is seen from outside, on a grid (see `tiles.content.shell`, `tiles.content.simplify`)
        storey, discipline  whole, or on a grid where it is too large for one tile
          octree            its pieces, as `tiles.content.split` finds them

The error of each is measured on its own triangles: by how much they moved, how large what they leave out is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tiles.content.apart import apart
from tiles.content.bodies import Bodies, Ints, together
from tiles.content.instances import instanced
from tiles.content.shell import shell
from tiles.content.simplify import to_fit
from tiles.content.split import FEATURE_TRIANGLES, MAX_TRIANGLES, Piece, split
from tiles.glb import encode_glb
from tiles.tileset import Tile, Vector, above, gather

FINEST_CELL_M = 1 / 16  # no grid is finer
SHELL_CELLS = 256  # about as many cells of the shell's grid lie along a building
SHELL_FROM = 2000  # triangles; fewer are drawn whole from afar as well
SHELL_SHARE = 0.6  # a shell with more of the triangles than this saves too little
BLOCK_SHARE = 0.3  # a block farther off than this share of the building's size is no picture of it

Coarse = Callable[[Bodies, int], tuple[Bodies, float]]  # the bodies in so many triangles at most; the error [m]


@dataclass(frozen=True)
class Some:
    """Some features of some bodies, as the content of a tile."""

    bodies: Bodies
    features: Ints
    suffix: str = ".glb"

    def digest(self) -> bytes:
        """A hash of the features' triangles and rows."""
        return self.bodies.digest(self.features)

    def encode(self, origin: Vector) -> bytes:
        """The features as a GLB about `origin` (3,). [m, enu]"""
        mesh, rows = self.bodies.tile(self.features, origin)
        once, repeats = instanced(mesh)
        return encode_glb(once, rows, repeats)


def on_grid(of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
    """Bodies on a grid, as elements of a building are drawn from afar; the error. [m]"""
    return to_fit(of, max_triangles, FINEST_CELL_M)


def largest(of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
    """The largest bodies, as buildings of a city are drawn from afar, and the size of the largest that is left out. [m]"""
    size = np.linalg.norm(of.boxes[:, 1] - of.boxes[:, 0], axis=1)  # (n,)
    order = np.argsort(-size, kind="stable")
    weight = np.cumsum((np.diff(of.starts) + FEATURE_TRIANGLES)[order])
    kept = np.zeros(len(of), np.bool_)
    kept[order[weight <= max_triangles]] = True
    return of.with_faces(kept[of.face_feature]), float(size[~kept].max(initial=0.0))


def levels(bodies: Bodies, coarse: Coarse, max_triangles: int = MAX_TRIANGLES) -> list[Tile]:
    """One tree of tiles a group of features."""
    return [_tile(bodies, piece, coarse, max_triangles) for piece in split(bodies, max_triangles)]


def house(parts: Sequence[Bodies], block: Bodies | None, max_triangles: int = MAX_TRIANGLES) -> Tile | None:
    """The tree of one building that `parts` are models of; None where they hold nothing."""
    trees = [tile for part in parts for tile in levels(part, on_grid, max_triangles)]
    if not trees:
        return None
    whole = gather(trees) if len(trees) > 1 else trees[0]
    size = float(np.linalg.norm(whole.high - whole.low))
    picture = together([part for part in parts if len(part)])
    if len(picture.faces) >= SHELL_FROM:
        outside, error = _outside(picture, size, max_triangles)
        if len(outside) and len(outside.faces) <= SHELL_SHARE * len(picture.faces):
            picture, whole = outside, above(trees, error, _all(outside), _box(outside))
    if block is None or not len(block):
        return whole
    error = apart(block, picture) + whole.error_m * (whole.content is not None)
    return above([whole], error, _all(block), _box(block)) if error < BLOCK_SHARE * size else whole


def _outside(of: Bodies, size: float, max_triangles: int) -> tuple[Bodies, float]:
    """The shell on a grid as fine as the building is large, and the error. [m]"""
    left, moved = to_fit(of, max_triangles, max(FINEST_CELL_M, 2.0 ** round(np.log2(size / SHELL_CELLS))))
    if not len(left):
        return left, moved
    seen, overlooked = shell(left)
    return seen, max(moved, overlooked)


def _tile(bodies: Bodies, piece: Piece, coarse: Coarse, max_triangles: int) -> Tile:
    if not piece.pieces:
        boxes = bodies.boxes[piece.features]
        return Tile(boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0), 0.0, content=Some(bodies, piece.features))
    children = [_tile(bodies, part, coarse, max_triangles) for part in piece.pieces]
    mine = np.zeros(len(bodies), np.bool_)
    mine[piece.features] = True
    left, error = coarse(bodies.with_faces(mine[bodies.face_feature]), max_triangles)
    return above(children, error, _all(left), _box(left)) if len(left) else gather(children)


def _all(of: Bodies) -> Some:
    return Some(of, np.arange(len(of)))


def _box(of: Bodies) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.stack([of.boxes[:, 0].min(axis=0), of.boxes[:, 1].max(axis=0)])
