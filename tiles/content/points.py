"""Point clouds as tiles: an additive octree, each of its nodes a GLB of points."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tiles.content.octree import Node, Octree, octree
from tiles.glb.binary import UNSIGNED_BYTE
from tiles.glb.plain import plain_glb, positions, small
from tiles.tileset import Tile
from twin.points import PointFile

Box = NDArray[np.float64]  # (2, 3) lowest and highest corner [m, enu]


@dataclass(frozen=True)
class Cloud:
    """The points of one node, as the content of a tile."""

    file: PointFile
    tree: Octree
    node: Node
    suffix: str = ".glb"

    def digest(self) -> bytes:
        """A hash of the points."""
        about = f"{self.file.origin.tolist()} {self.file.step_m} {self.file.color}".encode()
        return hashlib.blake2b(self.tree.of(self.node).tobytes() + about, digest_size=16).digest()

    def encode(self, origin: NDArray[np.float64]) -> bytes:
        """The points as a GLB about `origin` (3,) [m, enu]: POSITION, COLOR_0 where they have colours, _CLASSIFICATION."""
        points = self.tree.of(self.node)
        position, grid = positions(self.file.origin - origin + self.file.step_m * points["xyz"])
        attributes = [position]
        if self.file.color != "none":
            attributes.append(small("COLOR_0", np.ascontiguousarray(points["color"]), UNSIGNED_BYTE, "VEC3", is_normalized=True))
        classes = np.ascontiguousarray(points["class"])[:, None]
        if classes.any():
            attributes.append(small("_CLASSIFICATION", classes, UNSIGNED_BYTE, "SCALAR", is_normalized=False))
        return plain_glb(attributes, grid)


def cloud_tiles(file: PointFile, folder: Path | None = None) -> Tile | None:
    """The tiles of a cloud, refined by addition; a tile's error is how far its points are apart. None where it has none.

    What cannot be held at once is sorted in files in `folder`, which vanish when the tiles are let go.
    """
    if not len(file.points):
        return None
    tree = octree(file, folder)
    return _tile(file, tree, tree.root)


def _tile(file: PointFile, tree: Octree, node: Node) -> Tile:
    children = tuple(_tile(file, tree, child) for child in node.children)
    boxes = [_box(file, tree, node), *(np.stack([child.low, child.high]) for child in children)]
    low, high = np.min([box[0] for box in boxes], axis=0), np.max([box[1] for box in boxes], axis=0)
    error = max([node.spacing * file.step_m, *(child.error_m for child in children)])
    return Tile(low, high, error, children, Cloud(file, tree, node) if node.pieces else None, refine="ADD")


def _box(file: PointFile, tree: Octree, node: Node) -> Box:
    if not node.pieces:
        return np.array([np.full(3, np.inf), np.full(3, -np.inf)])
    xyz = tree.of(node)["xyz"]
    return file.origin + file.step_m * np.array([xyz.min(axis=0), xyz.max(axis=0)])
