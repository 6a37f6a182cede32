"""What `--place` says: a position on Earth, or that a building's outline decides."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twin.errors import UsageError

FOOTPRINT = "footprint"  # the word that asks for a building's outline instead of a position


@dataclass(frozen=True)
class Position:
    """Longitude, latitude [deg], height [m] and turn [deg], the last two None where nothing was said of them."""

    lon: float
    lat: float
    h_m: float | None = None
    turn_deg: float | None = None


def is_footprint(text: str) -> bool:
    """Whether the outline of a building is asked for."""
    return text.strip().lower() == FOOTPRINT


def said_position(text: str) -> Position:
    """The position in `LON,LAT[,H[,ROT]]`.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        numbers = [float(part) for part in text.replace(" ", "").split(",")]
    except ValueError as error:
        raise UsageError("place_malformed", subject=text) from error
    if not 2 <= len(numbers) <= 4 or not all(map(math.isfinite, numbers)) or abs(numbers[0]) > 180 or abs(numbers[1]) > 90:
        raise UsageError("place_malformed", subject=text)
    return Position(*numbers)
