"""One key for each product's body: two products with the same key are built into the same triangles.

The key holds what a kernel looks at: the representation with everything it refers to, the styles that colour it, the materials it or
its type is made of (they colour what has no style), the openings and additions of the product and of what it is part of, each with
its place relative to the product, the file's units, and the kernels themselves. Where the product stands is a key of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.ifc import kernels
from importers.ifc.steptext import Statements, Tree, read_statements, tree

_RULES = 1  # counts up when the way bodies are built changes
_PLACEMENTS = (b"IFCLOCALPLACEMENT", b"IFCGRIDPLACEMENT", b"IFCLINEARPLACEMENT")
_COLOURS = (b"IFCSTYLEDITEM", b"IFCINDEXEDCOLOURMAP")  # these refer to what they colour: it is turned round
_DEPTH = 64


@dataclass(frozen=True)
class Key:
    """What a body is made of, and where it stands; `place` is empty where that cannot be told."""

    body: bytes
    place: bytes


def fingerprints(path: Path) -> dict[int, Key]:
    """Step id -> key of every product whose body can be recognised again.

    Parameters
    ----------
    path
        A STEP file that `identify` let through.
    """
    text = read_statements(path)
    return keys(text) if text is not None else {}


def keys(text: Statements) -> dict[int, Key]:
    """The same of statements that were read already."""
    return dict(_keys(_opened(_turned(text))))


def _turned(text: Statements) -> Statements:
    """The same statements, where what is coloured refers to its colours instead of the other way round."""
    colours = text.is_kind(*_COLOURS) & text.leads
    looks = text.is_kind(b"IFCMATERIALDEFINITIONREPRESENTATION")
    is_first = np.append(True, text.owner[1:] != text.owner[:-1])[: len(text.owner)]
    is_last = np.append(text.owner[1:] != text.owner[:-1], True)[: len(text.owner)]
    turn = (colours[text.owner] & is_first) | (looks[text.owner] & is_last)
    turn &= text.target >= 0
    owner = np.concatenate([text.owner[~turn], text.target[turn]])
    target = np.concatenate([text.target[~turn], text.owner[turn]])
    order = np.argsort(owner, kind="stable")
    return replace(text, owner=owner[order], target=target[order])


@dataclass(frozen=True)
class _File:
    """The statements of one file, their hashes, and the relations that bear on bodies; indices of statements throughout."""

    text: Statements
    merkle: Tree
    first: Any  # (n + 1,) where the references of each statement begin
    materials: Mapping[int, Sequence[int]]  # product or type -> materials
    types: Mapping[int, Sequence[int]]  # product -> types
    wholes: Mapping[int, int]  # part -> what it is part of
    cuts: Mapping[int, Sequence[int]]  # product -> openings and additions
    salt: bytes

    def targets(self, statement: int) -> list[int]:
        """What a statement refers to, in order."""
        return self.text.target[self.first[statement] : self.first[statement + 1]].tolist()

    def one(self, statement: int, marks: NDArray[np.bool_]) -> int | None:
        """The first thing of a kind that a statement refers to."""
        return next((target for target in self.targets(statement) if target >= 0 and marks[target]), None)


def _opened(text: Statements) -> _File:
    merkle = tree(text.local, text.owner, text.target)
    first = np.searchsorted(text.owner, np.arange(len(text.steps) + 1))
    bare = _File(text, merkle, first, {}, {}, {}, {}, b"")
    materials = _relations(bare, b"IFCRELASSOCIATESMATERIAL", one=-1)
    types = _relations(bare, b"IFCRELDEFINESBYTYPE", one=-1)
    wholes = {part: found[0] for part, found in _relations(bare, b"IFCRELAGGREGATES", one=0).items()}
    cuts: dict[int, list[int]] = {}
    for kind in (b"IFCRELVOIDSELEMENT", b"IFCRELPROJECTSELEMENT"):
        for opening, products in _relations(bare, kind, one=0).items():
            cuts.setdefault(products[0], []).append(opening)
    return replace(bare, materials=materials, types=types, wholes=wholes, cuts=cuts, salt=_salt(text, merkle))


def _relations(file: _File, kind: bytes, one: int) -> dict[int, list[int]]:
    """Related -> relating, of relations that refer to one thing and many others: first (`one` is 0) or last (-1)."""
    owners = file.text.is_kind(b"IFCOWNERHISTORY")
    found: dict[int, list[int]] = {}
    for relation in file.text.of_kind(kind).tolist():
        members = [target for target in file.targets(relation) if target >= 0 and not owners[target]]
        if len(members) > 1:
            relating = members.pop(one)
            for related in members:
                found.setdefault(related, []).append(relating)
    return found


def _salt(text: Statements, merkle: Tree) -> bytes:
    """What bears on every body: units, kernels, the rules of this program."""
    chains = (kernels.FAST, kernels.EXACT, kernels.SAFE, kernels.UNCUT, str(kernels.ALARM_M))
    words = "|".join([str(_RULES), version("ifcopenshell"), *chains])
    units = np.sort(merkle.hashes[text.of_kind(b"IFCUNITASSIGNMENT")])
    return hashlib.blake2b(words.encode() + units.tobytes(), digest_size=16).digest()


def _keys(file: _File) -> Iterator[tuple[int, Key]]:
    text = file.text
    is_shape, is_placement = text.is_kind(b"IFCPRODUCTDEFINITIONSHAPE"), text.is_kind(*_PLACEMENTS)
    users = np.unique(text.owner[(text.target >= 0) & is_shape[text.target]])
    for product in users[~text.is_kind(b"IFCSHAPEASPECT")[users]].tolist():
        shape, placement = file.one(product, is_shape), file.one(product, is_placement)
        cutting = [(opening, file.one(opening, is_shape), file.one(opening, is_placement)) for opening in _cutting(file, product)]
        parts = [part for part in (shape, *_made_of(file, product), *(cut[1] for cut in cutting)) if part is not None]
        if file.merkle.is_known[parts].all():
            places = [_relative(file, cut[2], placement) for cut in cutting]
            words = b"".join([file.salt, file.merkle.hashes[parts].tobytes(), *places])
            is_placed = placement is not None and bool(file.merkle.is_known[placement])
            place = file.merkle.hashes[placement].tobytes() if is_placed else b""
            yield int(text.steps[product]), Key(hashlib.blake2b(words, digest_size=16).digest(), place)


def _made_of(file: _File, product: int) -> list[int]:
    own = file.materials.get(product)
    if own is not None:
        return sorted(own, key=lambda material: int(file.merkle.hashes[material]))
    return [material for kind in file.types.get(product, ()) for material in file.materials.get(kind, ())]


def _cutting(file: _File, product: int) -> list[int]:
    """Openings and additions of a product and of what it is part of."""
    found: list[int] = []
    for _ in range(_DEPTH):
        found += file.cuts.get(product, ())
        if product not in file.wholes:
            break
        product = file.wholes[product]
    return found


def _relative(file: _File, opening: int | None, product: int | None) -> bytes:
    """Where an opening is: in the product's frame if it is placed in that, else both places as they are."""
    axes: list[int] = []
    place = opening
    for _ in range(_DEPTH):
        if place is None or place < 0:
            break
        if place == product:
            return b"in" + file.merkle.hashes[axes].tobytes()
        targets = file.targets(place)
        leads = bool(file.text.leads[place])
        axes += [target for target in targets[int(leads) :] if target >= 0]
        place = targets[0] if leads and targets else None
    ends = [end for end in (opening, product) if end is not None]
    return b"at" + file.merkle.hashes[ends].tobytes()
