"""The key positions of a park: its register, and where the register lacks a class, what its models show of it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import shapely

from twin.buildings import buildings, owners
from twin.measures.names import both_names
from twin.measures.usages import usage_of
from twin.model import Element, Space
from twin.scene.gather import FAR_M
from twin.scene.ground import ground_of
from twin.store import Store
from twin.terrain import z_of_height

USAGE_OF_CLASS: Mapping[str, tuple[str, ...]] = {
    "lobby": ("lobby",),
    "machine_room": ("machine_room",),
    "dining_consumption": ("canteen", "customer"),
}
LIFT_CLASSES = ("elevator", "elevator_car")


@dataclass(frozen=True)
class Position:
    """One key position: a point, line or area in the park's frame, the height of its floor, and what it belongs to."""

    id: str
    name: str
    kind: str  # a class of positions.toml
    shape: Any  # shapely, x y [m, enu]
    floor_z: float | None  # [m, enu]; None: on the ground
    building_id: str | None = None
    storey_id: str | None = None
    space_id: str | None = None
    element_id: str | None = None
    derived: bool = False  # from a model, not from the register

    @property
    def is_lift(self) -> bool:
        """Whether the position moves: it is matched by id, not by geometry."""
        return self.kind in LIFT_CLASSES

    @property
    def names(self) -> set[str]:
        """The ids by which a device can say that it is mounted here."""
        return {name for name in (self.id, self.space_id, self.element_id) if name}


@dataclass(frozen=True)
class Register:
    """The key positions that count, and what has to be said about them."""

    positions: Sequence[Position]
    warnings: Sequence[Mapping[str, Any]]


@cache
def position_classes() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Class -> its words and the classes that count instead, from `positions.toml`."""
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


def gather_positions(store: Store, classes: Sequence[str], *, derive: bool) -> Register:
    """The positions of some classes.

    Parameters
    ----------
    store
        The park.
    classes
        Which classes count, by id or by one of their words.
    derive
        Whether rooms and lifts of models stand in for classes that the register has none of.
    """
    known, strangers = _registered(store)
    chosen: list[Position] = []
    derived: list[str] = []
    absent: list[str] = []
    for kind in dict.fromkeys(word if word in position_classes() else class_of(word) or word for word in classes):
        own = [position for position in known if position.kind == kind]
        if not own:
            own = [position for position in known if position.kind in position_classes().get(kind, {}).get("instead", ())]
        if not own and derive:
            own = _derived(store, kind)
            derived += [kind] if own else []
        absent += [] if own else [kind]
        chosen += own
    warnings = [
        *([{"code": "position_class_unknown", "subject": ", ".join(strangers[:5]), "count": len(strangers)}] if strangers else []),
        *([{"code": "position_class_derived", "subject": ", ".join(derived)}] if derived else []),
        *([{"code": "position_class_absent", "subject": ", ".join(absent)}] if absent else []),
    ]
    return Register(list({position.id: position for position in chosen}.values()), warnings)


def _registered(store: Store) -> tuple[list[Position], list[str]]:
    """All positions of the register, and the classes in it that nobody knows."""
    table = store.features_of_kind("key_position")
    frame = store.park().frame
    floors = _floors(store)
    found: list[Position] = []
    strangers: list[str] = []
    for i, shape in enumerate(table.geometry):
        row = table.row(i)
        said = str(row.get("class") or row.get("usage") or row.get("name") or "")
        kind = said if said in position_classes() else class_of(said)
        if kind is None:
            strangers.append(said or table.ids[i])
        if kind is None or shape is None or shape.is_empty:
            continue
        flat = frame.project(shapely.force_2d(shape))
        if np.hypot(*shapely.get_coordinates(flat)[0]) > FAR_M:
            continue
        height = floors.get(row.get("space_id") or "", floors.get(row.get("storey_id") or "", _own_height(shape)))
        middle = shapely.get_coordinates(flat).mean(axis=0, keepdims=True)
        floor = None if height is None else float(z_of_height(frame, middle, [height])[0])
        name = both_names(row, table.ids[i])
        ids = (row.get("building_id"), row.get("storey_id"), row.get("space_id"), row.get("element_id"))
        found.append(Position(table.ids[i], name, kind, flat, floor, *ids))
    return found, list(dict.fromkeys(strangers))


def _own_height(shape: Any) -> float | None:
    """The height that a position's geometry carries; a height of exactly zero is none."""
    if not shapely.has_z(shape):
        return None
    z = float(np.nanmean(shapely.get_coordinates(shape, include_z=True)[:, 2]))
    return z if np.isfinite(z) and z != 0 else None


def _floors(store: Store) -> dict[str, float]:
    return {storey.id: storey.base_h_m for storey in store.storeys()} | {space.id: space.floor_h_m for space in store.spaces()}


def _derived(store: Store, kind: str) -> list[Position]:
    if kind in LIFT_CLASSES:
        lifts = [element for model in store.models() for element in store.elements(model.id) if _is_lift(element)]
        return [_from_lift(store, lift, kind) for lift in lifts]
    usages = USAGE_OF_CLASS.get(kind, ())
    owner = owners(buildings(store) if usages else [])
    rooms = [space for space in store.spaces() if space.outline is not None and usage_of(space) in usages]
    return [_from_room(store, space, kind, owner(space.model_id, space.id)) for space in rooms]


def _is_lift(element: Element) -> bool:
    said = f"{element.name} {element.type_name or ''} {element.properties}".casefold()
    return element.ifc_class.startswith("IfcTransportElement") and element.bbox is not None and "escalator" not in said


def _from_lift(store: Store, lift: Element, kind: str) -> Position:
    box = lift.bbox or (0.0,) * 6
    middle = shapely.Point((box[0] + box[3]) / 2, (box[1] + box[4]) / 2)
    height = float(ground_of(store)(shapely.get_coordinates(middle))[0])
    return Position(
        lift.id, lift.name or lift.id, kind, middle, max(height, float(box[2])), None, lift.storey_id, lift.space_id, lift.id, derived=True
    )


def _from_room(store: Store, space: Space, kind: str, building_id: str | None) -> Position:
    frame = store.park().frame
    shape = frame.project(shapely.make_valid(shapely.force_2d(space.outline)))
    floor = float(z_of_height(frame, shapely.get_coordinates(shape.centroid), [space.floor_h_m])[0])
    name = space.long_name or space.name or space.id
    return Position(space.id, name, kind, shape, floor, building_id, space.storey_id, space.id, derived=True)
