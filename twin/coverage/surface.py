"""Where coverage is asked for: named pieces of ground and floor, and what was taken away from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Piece:
    """One polygon of a surface: a level floor at `floor_z`, or the ground where that is None."""

    id: str
    name: str
    polygon: Any  # shapely (Multi)Polygon, x y [m, enu]
    floor_z: float | None = None  # [m, enu]; None: on the terrain
    building_id: str | None = None
    storey_id: str | None = None
    usage: str | None = None


@dataclass(frozen=True)
class Surface:
    """A named evaluation surface: its pieces, and the exclusions with reason and amount [m2]."""

    id: str
    pieces: Sequence[Piece]
    exclusions: Sequence[Mapping[str, Any]] = ()  # {"reason", "amount"}
    warnings: Sequence[Mapping[str, Any]] = ()  # {"code", ...}

    @property
    def area(self) -> float:
        """The area of all pieces [m2]."""
        return float(sum(piece.polygon.area for piece in self.pieces))
