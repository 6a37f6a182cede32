"""What of a drawing is handed from the process that reads it to the one that places it: plain values, in the drawing's coordinates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from importers.encodings import Encoding

MOST_PIECES = 2_000_000  # entities after blocks are laid out; arrays of blocks can name any number


@dataclass(frozen=True)
class Piece:
    """One entity: its geometry [drawing units] and what is said of it under our names or, for attributes of blocks, the drawing's."""

    layer: str
    handle: str
    entity: str  # its DXF type
    geometry: Any  # shapely
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Symbol:
    """One block set into the drawing that stands for a thing: where, which way its x axis points in the drawing, and its attributes.

    `turn_deg` counts counter-clockwise from the drawing's x axis; `is_turned` is whether anybody turned it so. `axis_deg` is where the
    symbol itself points within its block, as far as its lines say.
    """

    layer: str
    handle: str
    block: str
    position: tuple[float, float, float]
    turn_deg: float
    is_turned: bool
    said: Mapping[str, Any] = field(default_factory=dict[str, Any])
    axis_deg: float | None = None


@dataclass(frozen=True)
class Label:
    """Text in the drawing: what it says, the point it was set at, and about where its middle is. [drawing units]"""

    layer: str
    handle: str
    text: str
    position: tuple[float, float, float]
    middle: tuple[float, float]


@dataclass(frozen=True)
class GeoLocation:
    """Where a drawing says it lies: a system, and x' = matrix @ (x, y, 1) from its coordinates to that system's."""

    crs: str
    matrix: Sequence[Sequence[float]]  # (2, 3)


@dataclass(frozen=True)
class Drawing:
    """A drawing, read."""

    version: str
    encoding: Encoding
    unit_m: float | None
    unit: str
    is_metric: bool
    pieces: Sequence[Piece]
    symbols: Sequence[Symbol]
    labels: Sequence[Label]
    location: GeoLocation | None
    left_out: Mapping[str, int]  # why or what -> how many
    mended: Mapping[str, int]  # what the reader put right -> how often
    references: Sequence[str]  # drawings it refers to that are not part of it
    flattening: float  # greatest distance of a chord from its curve [drawing units]
