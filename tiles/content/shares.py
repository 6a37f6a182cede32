"""Which storeys and disciplines share a tile.

A tile of a few hundred triangles takes a request, a drawing and a document of its own. So all of a model is one group while it is small;
what is not is halved: its storeys from the lowest to the highest, and where one storey is too much by itself, its disciplines by name.
The property table keeps storey and discipline, so whoever hides a storey misses nothing.

An element that changes leaves its neighbours in their tiles, unless it takes a half over the limit or back: then that half is dealt anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tiles.content.bodies import Bodies, Ints
from tiles.content.split import FEATURE_TRIANGLES
from tiles.glb import Column

SHARED_TRIANGLES = 32_768  # so few in all share a tile: some 300 kB


@dataclass(frozen=True)
class _Kind:
    """The features of one discipline on one storey."""

    height: int  # of the storey's middle feature, in whole metres: a change within a storey seldom changes it
    storey: str
    discipline: str
    weight: int  # in triangles


def shared(of: Bodies) -> Bodies:
    """The same bodies, told apart by the groups that are to have tiles of their own; by the columns `storey` and `discipline`."""
    storeys, storey = _numbered(of.columns["storey"])
    disciplines, discipline = _numbered(of.columns["discipline"])
    number, kind = np.unique(storey * len(disciplines) + discipline, return_inverse=True)
    weight = np.bincount(kind, np.diff(of.starts) + FEATURE_TRIANGLES, len(number)).astype(np.int64)
    middles = of.boxes[:, :, 2].mean(axis=1)
    height = [int(np.floor(np.median(middles[storey == k]))) for k in range(len(storeys))]
    kinds = [
        _Kind(height[code // len(disciplines)], storeys[code // len(disciplines)], disciplines[code % len(disciplines)], each)
        for code, each in zip(number.tolist(), weight.tolist(), strict=True)
    ]
    order = sorted(range(len(kinds)), key=lambda k: (kinds[k].height, kinds[k].storey, kinds[k].discipline))
    group = np.zeros(len(kinds), np.int64)
    for k, together in enumerate(_shares([(kinds[at], at) for at in order])):
        group[[at for _, at in together]] = k
    return replace(of, group=group[kind])


def _numbered(values: Column) -> tuple[list[str], Ints]:
    """The different values as they are met, and the number of each among them (n,)."""
    known: dict[str, int] = {}
    numbers = [known.setdefault(str(value), len(known)) for value in values]
    return list(known), np.array(numbers, np.int64)


def _shares(kinds: list[tuple[_Kind, int]]) -> list[list[tuple[_Kind, int]]]:
    """Kinds in their order, in runs that are small enough or of one kind."""
    if len(kinds) <= 1 or sum(kind.weight for kind, _ in kinds) <= SHARED_TRIANGLES:
        return [kinds]
    starts = [k for k in range(1, len(kinds)) if kinds[k][0].storey != kinds[k - 1][0].storey] or list(range(1, len(kinds)))
    cut = starts[len(starts) // 2]
    return _shares(kinds[:cut]) + _shares(kinds[cut:])
