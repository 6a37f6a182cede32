"""3D Tiles 1.1: the tree of tiles and its JSON.

Features are split by group, then in space until a tile is small enough; eight tiles at most share a parent. Space is halved at planes
that are the same for every model: those at multiples of the largest power of two that has features on both sides. So a feature that
comes, goes or moves changes the tile it is in, and no other. Only leaves have content and every feature lies in one leaf, so refinement
adds. Each leaf's content counts from the middle of its own box: a viewer takes that point as the tile's origin, and coordinates stay
small however far the park reaches. A tile's geometric error is what is missing on the screen while it is not refined: all of it for the
root, else its largest feature, or an eighth of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiles.bodies import Bodies, Ints

Vector = NDArray[np.float64]  # (3,)
MAX_TRIANGLES = 20_000  # a tile of flat facets takes about 60 bytes a triangle: some 1.2 MB
FEATURE_TRIANGLES = 2  # what a row of the property table weighs, in triangles
MARGIN_M = 0.01  # boxes are a little larger than their content, which is rounded to MAX_STEP_M
FINEST_M = np.array([1 / 16, 1 / 16, 1 / 4])  # features whose middles lie in one such cell are told apart by their order
LOWEST_M = -112.0  # no plane lies at the height of most ground, where it would cut ground floors
WHOLE_SHARE = 8.0  # an inner tile is refined once an eighth of it would show


@dataclass(frozen=True)
class Leaf:
    """A tile with content: some features of some bodies, and the file they are in."""

    low: Vector  # [m, enu]
    high: Vector  # [m, enu]
    largest_m: float
    features: Ints
    uri: str = ""


@dataclass(frozen=True)
class Branch:
    """A tile without content."""

    low: Vector  # [m, enu]
    high: Vector  # [m, enu]
    largest_m: float
    children: tuple[Node, ...]


Node = Leaf | Branch
_NOWHERE = Leaf(np.zeros(3), np.zeros(3), 0.0, np.empty(0, np.int64))


def middle(node: Node) -> Vector:
    """The centre of a tile's box (3,). [m, enu]"""
    return (node.low + node.high) / 2


def plan(content: Bodies, max_triangles: int = MAX_TRIANGLES) -> list[Node]:
    """One tree a group; every feature is in one leaf."""
    weight = np.diff(content.starts) + FEATURE_TRIANGLES
    groups = [np.flatnonzero(content.group == group) for group in np.unique(content.group)]
    weighed = _Weighed(content.boxes, _cells(content.boxes.mean(axis=1)), weight, max_triangles)
    return [_tree(weighed, group) for group in groups]


def leaves(nodes: Iterable[Node]) -> Iterator[Leaf]:
    """The tiles with content, in the order they are met."""
    for node in nodes:
        if isinstance(node, Leaf):
            yield node
        else:
            yield from leaves(node.children)


def gather(children: Sequence[Node]) -> Branch:
    """The parent of some tiles."""
    low = np.min([child.low for child in children], axis=0)
    high = np.max([child.high for child in children], axis=0)
    return Branch(low, high, max(child.largest_m for child in children), tuple(children))


def tileset_json(root: Branch | None, ecef: NDArray[np.float64]) -> dict[str, Any]:
    """A tileset with its root placed on the earth; `ecef` (4, 4) takes the park's frame there. `None` is an empty tileset."""
    if root is None:
        return _document(_tile(_NOWHERE, ecef, middle(_NOWHERE)))
    return _document(_tile(root, ecef @ _shift(middle(root)), middle(root)) | {"geometricError": _diagonal(root)})


def outer_json(parts: Sequence[tuple[str, Branch]], ecef: NDArray[np.float64]) -> dict[str, Any]:
    """The tileset that names other tilesets by their addresses; their roots place themselves, so boxes are earth-centred here."""
    if not parts:
        return tileset_json(None, ecef)
    children = [_earth_centred(part, ecef) | {"content": {"uri": uri}} for uri, part in parts]
    return _document(_earth_centred(gather([part for _, part in parts]), ecef) | {"refine": "ADD", "children": children})


@dataclass(frozen=True)
class _Weighed:
    """What the split of n features follows."""

    boxes: NDArray[np.float64]  # (n, 2, 3) [m, enu]
    cells: Ints  # (n, 3) the finest cell of the middle, counted from 2⁴⁰ cells below the origin
    weight: Ints  # (n,)
    limit: int  # the weight a tile may have

    def is_small(self, features: Ints) -> bool:
        return len(features) == 1 or self.weight[features].sum() <= self.limit


def _cells(middles: NDArray[np.float64]) -> Ints:
    return np.floor((middles - [0.0, 0.0, LOWEST_M]) / FINEST_M).astype(np.int64) + 2**40


def _tree(of: _Weighed, features: Ints) -> Node:
    low, high = of.boxes[features, 0].min(axis=0), of.boxes[features, 1].max(axis=0)
    largest = float(np.linalg.norm(of.boxes[features, 1] - of.boxes[features, 0], axis=1).max())
    if of.is_small(features):
        return Leaf(low, high, largest, features)
    pieces = [features]
    for _ in range(3):
        pieces = [half for piece in pieces for half in _halves(of, piece)]
    return Branch(low, high, largest, tuple(_tree(of, piece) for piece in pieces))


def _halves(of: _Weighed, features: Ints) -> list[Ints]:
    """The features on either side of the coarsest plane that parts them: each side depends on nothing beyond it."""
    if of.is_small(features):
        return [features]
    cells = of.cells[features]
    apart = [int(bits).bit_length() for bits in np.bitwise_or.reduce(cells ^ cells[0], axis=0)]
    axis = int(np.argmax(apart))
    if not apart[axis]:
        return [features[: len(features) // 2], features[len(features) // 2 :]]
    is_beyond = (cells[:, axis] >> (apart[axis] - 1) & 1).astype(np.bool_)
    return [features[~is_beyond], features[is_beyond]]


def _document(root: dict[str, Any]) -> dict[str, Any]:
    return {"asset": {"version": "1.1", "generator": "parktwin"}, "geometricError": root["geometricError"], "root": root}


def _tile(node: Node, transform: NDArray[np.float64] | None, origin: Vector) -> dict[str, Any]:
    """The JSON of a tile whose surroundings count from `origin` (3,). [m, enu]"""
    tile: dict[str, Any] = {"boundingVolume": {"box": _box(node, origin)}, "geometricError": _error(node), "refine": "ADD"}
    if transform is not None:
        tile["transform"] = transform.T.ravel().tolist()  # column-major
    if isinstance(node, Branch):
        tile["children"] = [_child(child, origin) for child in node.children]
    elif node.uri:
        tile["content"] = {"uri": node.uri}
    return tile


def _child(node: Node, origin: Vector) -> dict[str, Any]:
    if isinstance(node, Branch):
        return _tile(node, None, origin)
    return _tile(node, _shift(middle(node) - origin), middle(node))


def _error(node: Node) -> float:
    return 0.0 if isinstance(node, Leaf) else max(node.largest_m, _diagonal(node) / WHOLE_SHARE)


def _diagonal(node: Node) -> float:
    return float(np.linalg.norm(node.high - node.low))


def _box(node: Node, origin: Vector) -> list[float]:
    half = (node.high - node.low) / 2 + MARGIN_M
    return [*(middle(node) - origin).tolist(), *np.diag(half).ravel().tolist()]


def _earth_centred(node: Branch, ecef: NDArray[np.float64]) -> dict[str, Any]:
    """Bounding volume and error of a whole tileset, in earth-centred metres."""
    centre = ecef @ np.append(middle(node), 1.0)
    half = ecef[:3, :3] * ((node.high - node.low) / 2 + MARGIN_M)  # columns are the half axes
    return {"boundingVolume": {"box": [*centre[:3].tolist(), *half.T.ravel().tolist()]}, "geometricError": _diagonal(node)}


def _shift(offset: Vector) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix
