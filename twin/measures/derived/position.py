"""One key position, whether somebody registered it or it was derived from what the park holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LIFT_CLASSES = ("elevator", "elevator_car")
REGISTERED, DERIVED, CONFIRMED, PLACED = "registered", "derived", "confirmed", "placed"


@dataclass(frozen=True)
class Position:
    """One key position: a point, line or area in the park's frame, the height of its floor, and what it belongs to.

    `origin` says from what a derived position was concluded (door, gate, road_crossing, room, lift, storey, footprint, perimeter, name,
    device), `origin_id` from which, `confidence` how sure the conclusion is: a rule's judgement between 0 and 1, not a probability.
    """

    id: str
    name: str
    kind: str  # a class of positions.toml
    shape: Any  # shapely, x y [m, enu]
    floor_z: float | None  # [m, enu]; None: on the ground
    building_id: str | None = None
    storey_id: str | None = None
    space_id: str | None = None
    element_id: str | None = None
    derived: bool = False  # from the park's content, not from the register
    origin: str = ""
    origin_id: str = ""
    confidence: float = 1.0
    state: str = REGISTERED  # registered derived confirmed placed (by a person, elsewhere)

    @property
    def is_lift(self) -> bool:
        """Whether the position moves: it is matched by id, not by geometry."""
        return self.kind in LIFT_CLASSES

    @property
    def names(self) -> set[str]:
        """The ids by which a device can say that it is mounted here."""
        return {name for name in (self.id, self.space_id, self.element_id) if name}
