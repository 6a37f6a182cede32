"""Where coverage is asked for: named pieces of ground, floor and line, and what was taken away from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Piece:
    """One polygon of a surface: a level floor at `floor_z`, or the ground where that is None.

    The polygon is what is measured. `stated_m2` is the net area that a model gives for the same room, `persons` how many people use the
    piece, `importance` how much each of its square metres counts.
    """

    id: str
    name: str
    polygon: Any  # shapely (Multi)Polygon, x y [m, enu]
    floor_z: float | None = None  # [m, enu]; None: on the terrain
    building_id: str | None = None
    storey_id: str | None = None
    usage: str | None = None
    stated_m2: float | None = None
    persons: float | None = None  # None: nobody says
    importance: float = 1.0


@dataclass(frozen=True)
class Surface:
    """A named evaluation surface: its pieces, and the exclusions with reason and amount [m2].

    Pieces and exclusions together are the whole that the surface was cut from.
    """

    id: str
    pieces: Sequence[Piece]
    exclusions: Sequence[Mapping[str, Any]] = ()  # {"reason", "amount"}
    warnings: Sequence[Mapping[str, Any]] = ()  # {"code", ...}
    basis: str = "outline"  # what the area of a piece is: outline (plan area of its polygon)
    height_m: float = 1.5  # of the plane that is evaluated, above ground or floor, unless a measure is told another

    @property
    def area(self) -> float:
        """The area of all pieces [m2]."""
        return float(sum(piece.polygon.area for piece in self.pieces))


def table(surface: Surface, by: str) -> list[dict[str, Any]]:
    """How the area is divided by `storey_id`, `building_id` or `usage`: a row each, in the order of the pieces. [m2]"""
    rows: dict[str | None, dict[str, Any]] = {}
    for piece in surface.pieces:
        key = getattr(piece, by)
        row = rows.setdefault(key, {"id": key, "pieces": 0, "amount": 0.0, "stated": 0.0})
        row["pieces"] += 1
        row["amount"] += float(piece.polygon.area)
        row["stated"] += piece.stated_m2 or 0.0
    return list(rows.values())


def rolled_up(zones: Sequence[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    """The rows of a result's zones added up by `storey_id`, `building_id` or `usage`, the least covered first."""
    sums: dict[str | None, dict[str, float]] = {}
    for zone in zones:
        row = sums.setdefault(zone.get(by), dict.fromkeys(("amount", "covered", "lower", "upper"), 0.0))
        row["amount"] += zone["amount"]
        row["covered"] += zone["covered"]
        for bound in ("lower", "upper"):
            row[bound] += zone.get(bound, zone["value"]) * zone["amount"]
    rows = [
        {"id": key, "value": row["covered"] / row["amount"], "lower": row["lower"] / row["amount"], "upper": row["upper"] / row["amount"],
         "amount": row["amount"], "covered": row["covered"]}
        for key, row in sums.items()
        if row["amount"] > 0
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (row["value"], str(row["id"])))


@dataclass(frozen=True)
class LinePiece:
    """One stretch of a named line."""

    id: str
    name: str
    line: Any  # shapely LineString, x y [m, enu]
    attributes: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Lines:
    """A named evaluation line: its pieces, and the exclusions with reason and amount [m]."""

    id: str
    pieces: Sequence[LinePiece]
    exclusions: Sequence[Mapping[str, Any]] = ()  # {"reason", "amount", ...}
    warnings: Sequence[Mapping[str, Any]] = ()  # {"code", ...}

    @property
    def length(self) -> float:
        """The length of all pieces [m]."""
        return float(sum(piece.line.length for piece in self.pieces))
