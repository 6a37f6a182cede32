"""The smallest rectangles around areas: how long their sides are and where they point."""

from __future__ import annotations

import math
from typing import Any


def direction(area: Any) -> float:
    """Where the longer side of the rectangle around an area points, from the x axis. [rad]"""
    (x0, y0), (x1, y1) = _sides(area)[0]
    return math.atan2(y1 - y0, x1 - x0)


def size(area: Any) -> str:
    """The sides of the rectangle around an area, the longer first, as a person writes them. [m]"""
    return " × ".join(f"{math.dist(*side):.1f}" for side in _sides(area)) + " m"


def crooked_deg(angle: float) -> float:
    """How far an angle [rad] is from a multiple of a right angle. [deg]"""
    return round(abs(math.degrees(math.remainder(angle, math.pi / 2))), 1)


def _sides(area: Any) -> list[Any]:
    ring = [point[:2] for point in area.minimum_rotated_rectangle.exterior.coords]
    return sorted(((ring[k], ring[k + 1]) for k in (0, 1)), key=lambda side: -math.dist(*side))
