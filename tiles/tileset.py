"""3D Tiles 1.1: the tree of tiles and its JSON.

Refinement is REPLACE unless a tile says otherwise: a tile is drawn until it would be wrong by more than a viewer stands, then what is
below it is drawn in its place. The geometric error of a tile is that distance in metres: how far what it shows is from where it should
be, or how large what it leaves out; it never grows from a tile to those below it.

Each tile's coordinates count from the middle of its box, in the park's axes; the root places itself on the earth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]  # (3,)
MARGIN_M = 0.01  # boxes are a little larger than their content, which is rounded to a grid


class Content(Protocol):
    """What one tile holds; equal digests (and equal origins) give equal bytes."""

    @property
    def suffix(self) -> str:
        """How the file's name ends: `.glb`."""
        ...

    def digest(self) -> bytes:
        """A hash of all that `encode` depends on besides the origin."""
        ...

    def encode(self, origin: Vector) -> bytes:
        """The file of the tile about `origin` (3,). [m, enu]"""
        ...


@dataclass(frozen=True)
class Tile:
    """One tile: the box of all that is in it and below it, what it shows, and what is shown instead when close."""

    low: Vector  # [m, enu]
    high: Vector  # [m, enu]
    error_m: float  # by how much the picture is wrong while this tile is drawn and none below it
    children: tuple[Tile, ...] = ()
    content: Content | None = None
    uri: str = ""  # of the content's file, once it is written
    refine: Literal["REPLACE", "ADD"] = "REPLACE"


_NOWHERE = Tile(np.zeros(3), np.zeros(3), 0.0)


def middle(tile: Tile) -> Vector:
    """The centre of a tile's box (3,). [m, enu]"""
    return (tile.low + tile.high) / 2


def gather(children: Sequence[Tile]) -> Tile:
    """The parent of some tiles, which shows nothing itself: without them, all of them is missing."""
    return above(children, 0.0, None)


def above(children: Sequence[Tile], error_m: float, content: Content | None, box: NDArray[np.float64] | None = None) -> Tile:
    """The parent of some tiles that shows `content`, whose corners are `box` (2, 3) [m, enu], in their place.

    Its error is no less than theirs, and where it shows nothing its size.
    """
    boxes = [np.stack([child.low, child.high]) for child in children] + ([] if box is None else [box])
    low, high = np.min([each[0] for each in boxes], axis=0), np.max([each[1] for each in boxes], axis=0)
    least = float(np.linalg.norm(high - low)) if content is None else error_m
    return Tile(low, high, max(least, *(child.error_m for child in children)), tuple(children), content)


def walk(tiles: Iterable[Tile]) -> Iterator[Tile]:
    """All tiles, parents before their children."""
    for tile in tiles:
        yield tile
        yield from walk(tile.children)


def tileset_json(root: Tile | None, ecef: NDArray[np.float64]) -> dict[str, Any]:
    """A tileset with its root placed on the earth; `ecef` (4, 4) takes the park's frame there. `None` is an empty tileset."""
    placed = _NOWHERE if root is None else root
    return _document(_tile(placed, ecef @ _shift(middle(placed)), middle(placed)), _diagonal(placed))


def outer_json(parts: Sequence[tuple[str, Tile]], ecef: NDArray[np.float64]) -> dict[str, Any]:
    """The tileset that names other tilesets by their addresses; their roots place themselves, so boxes are earth-centred here."""
    if not parts:
        return tileset_json(None, ecef)
    children = [_earth_centred(part, ecef) | {"content": {"uri": uri}} for uri, part in parts]
    whole = gather([part for _, part in parts])
    return _document(_earth_centred(whole, ecef) | {"refine": "ADD", "children": children}, whole.error_m)


def _document(root: dict[str, Any], size_m: float) -> dict[str, Any]:
    error = max(root["geometricError"], size_m)  # with nothing drawn, all of it is missing
    return {"asset": {"version": "1.1", "generator": "parktwin"}, "geometricError": error, "root": root}


def _tile(tile: Tile, transform: NDArray[np.float64], origin: Vector) -> dict[str, Any]:
    """The JSON of a tile whose coordinates count from `origin` (3,). [m, enu]"""
    document: dict[str, Any] = {
        "boundingVolume": {"box": _box(tile)},
        "geometricError": round(tile.error_m, 6),
        "refine": tile.refine,
        "transform": transform.T.ravel().tolist(),  # column-major
    }
    if tile.uri:
        document["content"] = {"uri": tile.uri}
    if tile.children:
        document["children"] = [_tile(child, _shift(middle(child) - origin), middle(child)) for child in tile.children]
    return document


def _diagonal(tile: Tile) -> float:
    return float(np.linalg.norm(tile.high - tile.low))


def _box(tile: Tile) -> list[float]:
    half = (tile.high - tile.low) / 2 + MARGIN_M
    return [0.0, 0.0, 0.0, *np.diag(half).ravel().tolist()]


def _earth_centred(tile: Tile, ecef: NDArray[np.float64]) -> dict[str, Any]:
    """Bounding volume and error of a whole tileset, in earth-centred metres."""
    centre = ecef @ np.append(middle(tile), 1.0)
    half = ecef[:3, :3] * ((tile.high - tile.low) / 2 + MARGIN_M)  # columns are the half axes
    error = max(_diagonal(tile), tile.error_m)
    return {"boundingVolume": {"box": [*centre[:3].tolist(), *half.T.ravel().tolist()]}, "geometricError": error}


def _shift(offset: Vector) -> NDArray[np.float64]:
    matrix = np.eye(4)
    matrix[:3, 3] = offset
    return matrix
