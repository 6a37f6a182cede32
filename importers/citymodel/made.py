"""City objects once they stand in the park: body, outline and place of each, and the family they belong to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from importers.citymodel.bodies import Body, body_of
from importers.citymodel.city import AREAS, BODIES, BUILDING_PARTS, BUILDINGS, POINTS, ROADS, ROOMS, STOREYS, CityObject, Notes, lod_rank
from importers.citymodel.outlines import Outline, outline_of
from twin.model import Issue

Points = NDArray[np.float64]
_WITH_OUTLINE = {*AREAS, *BUILDINGS, *BUILDING_PARTS, *ROOMS, *STOREYS}
_DIGEST_BYTES = 6


@dataclass(frozen=True)
class Made:
    """One object: what was said of it (without shapes), its body, its outline on the ground, its lines, its foot where it is a point."""

    said: CityObject
    lods: tuple[str, ...]
    body: Body | None = None
    outline: Outline | None = None
    lines: Sequence[Points] = ()  # (n, 3) each [m, enu]
    foot: Points | None = None  # x, y, z [m, enu], h [m, park datum]

    @property
    def id(self) -> str:
        """The object's id."""
        return self.said.id

    @property
    def kind(self) -> str:
        """The object's class."""
        return self.said.kind

    @property
    def is_drawn(self) -> bool:
        """Whether it is drawn and stands in the way as a body of the model."""
        return self.body is not None and self.kind in BODIES and (self.kind not in AREAS or self.body.is_solid)


@dataclass(frozen=True)
class Family:
    """A building with all that is part of it, itself first."""

    head: Made
    parts: Sequence[Made]

    @property
    def everyone(self) -> Sequence[Made]:
        """The building and its parts."""
        return [self.head, *self.parts]


def make(each: CityObject, asked_lod: str | None) -> Made:
    """What an object with placed shapes comes to."""
    body = body_of(each, asked_lod)
    return Made(
        said=replace(each, shapes=()),
        lods=tuple(sorted({shape.lod for shape in each.shapes}, key=lod_rank)),
        # the rings are in the triangles now
        body=None if body is None else replace(body, surfaces=[replace(surface, rings=()) for surface in body.surfaces]),
        outline=outline_of(each, body) if each.kind in _WITH_OUTLINE else None,
        lines=[path[:, :3] for shape in each.shapes for path in shape.paths if len(path) > 1] if each.kind in ROADS else [],
        foot=_foot(each) if each.kind in POINTS else None,
    )


def identified(each: CityObject, taken: dict[str, int], notes: Notes) -> CityObject:
    """The object under an id of its own: one that has none gets one by its place, one that repeats another's is numbered."""
    name = each.id
    if not name:
        rings = [ring for shape in each.shapes for ring in [*(r for s in shape.surfaces for r in s.rings), *shape.paths]]
        digest = hashlib.blake2s(np.concatenate(rings).round(3).tobytes() if rings else each.name.encode(), digest_size=_DIGEST_BYTES)
        name = f"{each.kind}-{digest.hexdigest()}"
        notes.counts["city_id_missing", each.kind] += 1
    taken[name] = taken.get(name, 0) + 1
    if taken[name] > 1:
        notes.issues.append(Issue("city_id_repeated", "warning", name, {"kind": each.kind, "number": taken[name]}))
        name = f"{name}~{taken[name]}"
    return replace(each, id=name)


def families(objects: Sequence[Made]) -> list[Family]:
    """The buildings with their parts, in order; a part whose building is not there is a building of its own."""
    known = {each.id: each for each in objects}
    parts: dict[str, list[Made]] = {each.id: [] for each in objects if each.kind in BUILDINGS}
    for each in objects:
        head = _head(each, known)
        if head is not None and head != each.id and head in parts:
            parts[head].append(each)
        elif each.kind in BUILDING_PARTS and head not in parts:
            parts[each.id] = []
    return [Family(known[name], rest) for name, rest in parts.items()]


def _head(each: Made, known: dict[str, Made]) -> str | None:
    """The id of the outermost object an object is part of; its own where it is part of none."""
    name, seen = each.id, set[str]()
    while name in known and known[name].said.parent and name not in seen:
        seen.add(name)
        name = known[name].said.parent or name
    return name


def superseded(all_families: Iterable[Family]) -> set[str]:
    """Ids of buildings whose own body is coarser than those of all their parts: the parts stand for it."""
    out: set[str] = set()
    for family in all_families:
        finer = [lod_rank(part.body.lod) for part in family.parts if part.kind in BUILDING_PARTS and part.body is not None]
        if family.head.body is not None and finer and min(finer) > lod_rank(family.head.body.lod):
            out.add(family.head.id)
    return out


def _foot(each: CityObject) -> Points | None:
    """The middle of an object's plan at its lowest point (4,)."""
    rings = [ring for shape in each.shapes for ring in [*(r for s in shape.surfaces for r in s.rings), *shape.paths] if len(ring)]
    if not rings:
        return None
    points = np.concatenate(rings)
    lowest = points[np.argmin(points[:, 3])]
    middle = (points[:, :2].min(axis=0) + points[:, :2].max(axis=0)) / 2
    return np.array([middle[0], middle[1], lowest[2], lowest[3]])
