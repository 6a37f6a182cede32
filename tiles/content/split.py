"""Features split in space until each piece is small enough for a tile.

Space is halved at planes that are the same for every model: those at multiples of the largest power of two that has features on both
sides. So a feature that comes, goes or moves changes the tiles it is in and no others, and a lone feature far away does not either.
Eight pieces at most share a parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tiles.content.bodies import Bodies, Ints

MAX_TRIANGLES = 100_000  # some 1 MB before HTTP compression; a browser decodes such a tile in 50 to 80 ms
FEATURE_TRIANGLES = 2  # what a row of the property table weighs, in triangles
FINEST_M = np.array([1 / 16, 1 / 16, 1 / 4])  # features whose middles lie in one such cell are told apart by their order
WIDEST_M = 8192.0  # middles in one tile are no farther apart, as positions are exact over twice as much
LOWEST_M = -112.0  # no plane lies at the height of most ground, where it would cut ground floors


@dataclass(frozen=True)
class Piece:
    """Some features, and the pieces they fall into; one that is small enough is whole."""

    features: Ints
    pieces: tuple[Piece, ...] = ()


def split(content: Bodies, max_triangles: int) -> list[Piece]:
    """One tree a group, in the order of the groups; every feature is in one of its whole pieces, alone where it is too much by itself."""
    weight = np.diff(content.starts) + FEATURE_TRIANGLES
    weighed = _Weighed(_cells(content.boxes.mean(axis=1)), weight, max_triangles)
    return [_piece(weighed, np.flatnonzero(content.group == group)) for group in np.unique(content.group)]


def portions(one: Bodies, max_triangles: int) -> list[Bodies]:
    """A feature that is too much for a tile in pieces of its triangles, each the same feature; every triangle is in one."""
    middles = one.vertices[one.faces].mean(axis=1)  # (f, 3)
    weighed = _Weighed(_cells(middles), np.ones(len(middles), np.int64), max_triangles)
    whole = _wholes(_piece(weighed, np.arange(len(middles))))
    return [one.with_faces(np.isin(np.arange(len(middles)), faces)) for faces in whole]


def _wholes(piece: Piece) -> list[Ints]:
    return [whole for part in piece.pieces for whole in _wholes(part)] or [piece.features]


@dataclass(frozen=True)
class _Weighed:
    """What the split of n features follows."""

    cells: Ints  # (n, 3) the finest cell of the middle, counted from 2⁴⁰ cells below the origin
    weight: Ints  # (n,)
    limit: int  # the weight a tile may have

    def is_small(self, features: Ints) -> bool:
        if len(features) == 1:
            return True
        cells = self.cells[features]
        is_wide = bool(((cells.max(axis=0) - cells.min(axis=0)) * FINEST_M > WIDEST_M).any())
        return not is_wide and self.weight[features].sum() <= self.limit


def _cells(middles: NDArray[np.float64]) -> Ints:
    return np.floor((middles - [0.0, 0.0, LOWEST_M]) / FINEST_M).astype(np.int64) + 2**40


def _piece(of: _Weighed, features: Ints) -> Piece:
    if of.is_small(features):
        return Piece(features)
    pieces = [features]
    for _ in range(3):
        pieces = [half for piece in pieces for half in _halves(of, piece)]
    return Piece(features, tuple(_piece(of, piece) for piece in pieces))


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
