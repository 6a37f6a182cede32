"""The key positions of a park: its register, what stands in for classes that the register lacks, and what people have corrected.

A class of which the register has nothing is concluded from the park's content (`twin.measures.derived`). A person corrects what was
concluded by a feature of kind `key_position` with the attribute `corrects`, which names the position:

- `decision` (or `status`) rejected: there is no such position;
- confirmed: there is, and it is as sure as a registered one;
- anything else: the feature itself is the position, in that one's place.

Corrections are features of a source of their own, so another import of the model or layer leaves them, and ids of derived positions are
made of what they were found from; a correction whose position is called otherwise now counts for the nearest one of its class within
`SAME_PLACE_M`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import shapely

from twin.measures.derived import Content
from twin.measures.derived import derive as derived_positions
from twin.measures.derived.position import CONFIRMED, LIFT_CLASSES, PLACED, Position
from twin.measures.names import both_names
from twin.measures.outlines import areal
from twin.scene.gather import FAR_M
from twin.store import Store
from twin.terrain import z_of_height

__all__ = ["LIFT_CLASSES", "Position", "Register", "class_of", "gather_positions", "position_classes"]

LEAST_CONFIDENCE = 0.5  # what is concluded with less is told but does not count
LEAST_M2, LEAST_M = 0.01, 0.1  # areas and lines smaller than this are points
SAME_PLACE_M = 3.0
REJECTED = ("rejected", "removed", "no", "retired", "不存在", "排除")
APPROVED = ("confirmed", "yes", "确认", "已确认")


@dataclass(frozen=True)
class Register:
    """The key positions that count, what was concluded but does not count, and what has to be said about them."""

    positions: Sequence[Position]
    warnings: Sequence[Mapping[str, Any]]
    unsure: Sequence[Position] = ()  # concluded with less confidence than asked for
    rejected: Sequence[Position] = ()  # by a person


@dataclass(frozen=True)
class _Correction:
    """What a person says of a derived position."""

    corrects: str
    status: str
    position: Position | None  # its own place and names, where it has any


@cache
def position_classes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Class -> its words, the classes that count instead, and the rules that conclude it, from `positions.toml`."""
    return tomllib.loads(files("twin.measures").joinpath("positions.toml").read_text("utf-8"))


@cache
def class_of(text: str) -> str | None:
    """The class that a register's word names: its id, one of its words, or the longest word in the text; None where none does."""
    said = text.strip().casefold().replace("_", " ").replace("-", " ")
    found = [
        (len(word) * (1 if word.isascii() else 2), kind)
        for kind, row in position_classes().items()
        for word in (kind.replace("_", " "), *row["words"])
        if word.casefold() in said
    ]
    return max(found)[1] if found else None


def gather_positions(store: Store, classes: Sequence[str], *, derive: bool, least_confidence: float = LEAST_CONFIDENCE) -> Register:
    """The positions of some classes.

    Parameters
    ----------
    store
        The park.
    classes
        Which classes count, by id or by one of their words.
    derive
        Whether the park's content stands in for classes that the register has none of.
    least_confidence
        What is concluded with less does not count, unless a person confirmed it.
    """
    known, corrections, strangers = _registered(store)
    content = content_of(store)
    chosen: list[Position] = []
    unsure: list[Position] = []
    rejected: list[Position] = []
    derived: list[str] = []
    absent: list[str] = []
    for kind in dict.fromkeys(word if word in position_classes() else class_of(word) or word for word in classes):
        row = position_classes().get(kind, {})
        own = [position for position in known if position.kind == kind]
        if not own:
            own = [position for position in known if position.kind in row.get("instead", ())]
        if not own and derive:
            found, gone = _corrected(derived_positions(content, kind, row.get("derive", ())), corrections, kind)
            own = [position for position in found if position.confidence >= least_confidence]
            unsure += [position for position in found if position.confidence < least_confidence]
            rejected += gone
            derived += [kind] if own else []
        absent += [] if own else [kind]
        chosen += own
    warnings = [
        *([{"code": "position_class_unknown", "subject": ", ".join(strangers[:5]), "count": len(strangers)}] if strangers else []),
        *([{"code": "position_class_derived", "subject": ", ".join(derived)}] if derived else []),
        *([{"code": "position_unsure", "subject": ", ".join(each.name for each in unsure[:5]), "count": len(unsure)}] if unsure else []),
        *([{"code": "position_class_absent", "subject": ", ".join(absent)}] if absent else []),
    ]
    return Register(list({position.id: position for position in chosen}.values()), warnings, unsure, rejected)


def content_of(store: Store) -> Content:
    """A park as the rules see it."""
    classes = position_classes()
    words = {kind: row["words"] for kind, row in classes.items()}
    return Content(store, words, {kind: row.get("usages", ()) for kind, row in classes.items()})


def _corrected(found: Sequence[Position], corrections: Sequence[_Correction], kind: str) -> tuple[list[Position], list[Position]]:
    """Derived positions as people corrected them, and those that people rejected."""
    left = {position.id: position for position in found}
    gone: list[Position] = []
    added: list[Position] = []
    for correction in corrections:
        target = left.get(correction.corrects) or _moved_away(correction, left.values(), kind)
        if target is None and (
            correction.position is None or correction.position.kind != kind or correction.status in (*REJECTED, *APPROVED)
        ):
            continue
        if target is not None:
            left.pop(target.id, None)
        if correction.status in REJECTED:
            gone += [target] if target is not None else []
        elif correction.status in APPROVED and target is not None:
            added.append(replace(target, confidence=1.0, state=CONFIRMED))
        elif correction.position is not None:
            added.append(
                replace(correction.position, kind=kind, derived=True, origin="person", origin_id=correction.corrects, state=PLACED)
            )
    return [*left.values(), *added], gone


def _moved_away(correction: _Correction, left: Any, kind: str) -> Position | None:
    """The nearest derived position of the class, for a correction of one that is called otherwise now."""
    own = correction.position
    if own is None or own.kind != kind:
        return None
    near = [(position.shape.distance(own.shape), position.id, position) for position in left if _one_level(position, own)]
    distance, _, nearest = min(near, default=(np.inf, "", None), key=lambda each: each[:2])
    return nearest if distance <= SAME_PLACE_M else None


def _one_level(one: Position, other: Position) -> bool:
    return one.floor_z is None or other.floor_z is None or abs(one.floor_z - other.floor_z) < SAME_PLACE_M


def _registered(store: Store) -> tuple[list[Position], list[_Correction], list[str]]:
    """All positions of the register, what corrects derived ones, and the classes that nobody knows."""
    table = store.features_of_kind("key_position")
    floors = _floors(store)
    found: list[Position] = []
    corrections: list[_Correction] = []
    strangers: list[str] = []
    for i, shape in enumerate(table.geometry):
        row = table.row(i)
        said = str(row.get("class") or row.get("usage") or row.get("name") or "")
        kind = said if said in position_classes() else class_of(said)
        position = None if kind is None else _position(store, table.ids[i], row, shape, kind, floors)
        if row.get("corrects"):
            decision = str(row.get("decision") or row.get("status") or "").strip().casefold()
            corrections.append(_Correction(str(row["corrects"]), decision, position))
        elif kind is None:
            strangers.append(said or table.ids[i])
        elif position is not None:
            found.append(position)
    return found, corrections, list(dict.fromkeys(strangers))


def _position(store: Store, identity: str, row: Mapping[str, Any], shape: Any, kind: str, floors: Mapping[str, float]) -> Position | None:
    """A row of the register as a position; None where it has no place."""
    if shape is None or shape.is_empty:
        return None
    frame = store.park().frame
    flat = frame.project(shapely.force_2d(shape))
    if not np.hypot(*shapely.get_coordinates(flat)[0]) <= FAR_M:
        return None
    height = floors.get(row.get("space_id") or "", floors.get(row.get("storey_id") or "", _own_height(shape)))
    middle = shapely.get_coordinates(flat).mean(axis=0, keepdims=True)
    floor = None if height is None else float(z_of_height(frame, middle, [height])[0])
    ids = (row.get("building_id"), row.get("storey_id"), row.get("space_id"), row.get("element_id"))
    return Position(identity, both_names(row, identity), kind, _mended(flat, middle[0]), floor, *ids)


def _mended(shape: Any, middle: Any) -> Any:
    """A shape that is valid; the point in its middle where an area or a line has next to no extent."""
    if shapely.get_dimensions(shape) == 2:
        shape = areal(shapely.make_valid(shape))
        return shape if shape.area >= LEAST_M2 else shapely.Point(middle)
    return shapely.Point(middle) if shapely.get_dimensions(shape) == 1 and shape.length < LEAST_M else shape


def _own_height(shape: Any) -> float | None:
    """The height that a position's geometry carries; a height of exactly zero is none."""
    if not shapely.has_z(shape):
        return None
    z = float(np.nanmean(shapely.get_coordinates(shape, include_z=True)[:, 2]))
    return z if np.isfinite(z) and z != 0 else None


def _floors(store: Store) -> dict[str, float]:
    return {storey.id: storey.base_h_m for storey in store.storeys()} | {space.id: space.floor_h_m for space in store.spaces()}
