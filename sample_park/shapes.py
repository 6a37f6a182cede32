"""Outlines that industrial parks are made of, drawn in plan metres."""

from __future__ import annotations

import math
from typing import Literal

from shapely import Polygon, affinity

Side = Literal["north", "south", "east", "west"]


def rect(u0: float, v0: float, u1: float, v1: float) -> Polygon:
    """The rectangle between two corners. [m]"""
    return Polygon([(u0, v0), (u1, v0), (u1, v1), (u0, v1)])


def u_shape(u0: float, v0: float, u1: float, v1: float, wing: float, opening: Side = "south") -> Polygon:
    """Three wings of width `wing` about a yard that opens to one side. [m]"""
    outer = rect(u0, v0, u1, v1)
    yard = {
        "south": rect(u0 + wing, v0 - 1, u1 - wing, v1 - wing),
        "north": rect(u0 + wing, v0 + wing, u1 - wing, v1 + 1),
        "west": rect(u0 - 1, v0 + wing, u1 - wing, v1 - wing),
        "east": rect(u0 + wing, v0 + wing, u1 + 1, v1 - wing),
    }[opening]
    return _polygon(outer.difference(yard))


def ell(u0: float, v0: float, u1: float, v1: float, wing: float, corner: str = "nw") -> Polygon:
    """Two wings of width `wing` that meet in the named corner (ne nw se sw). [m]"""
    along = rect(u0, v1 - wing, u1, v1) if "n" in corner else rect(u0, v0, u1, v0 + wing)
    across = rect(u0, v0, u0 + wing, v1) if "w" in corner else rect(u1 - wing, v0, u1, v1)
    return _polygon(along.union(across))


def court(u0: float, v0: float, u1: float, v1: float, wing: float) -> Polygon:
    """Four wings of width `wing` about a closed yard. [m]"""
    return _polygon(rect(u0, v0, u1, v1).difference(rect(u0 + wing, v0 + wing, u1 - wing, v1 - wing)))


def comb(u0: float, v0: float, u1: float, v1: float, wing: float) -> Polygon:
    """A spine in the north with three teeth to the south, all `wing` wide. [m]"""
    gap = (u1 - u0 - 3 * wing) / 2
    shape = rect(u0, v0, u1, v1)
    for start in (u0 + wing, u0 + 2 * wing + gap):
        shape = shape.difference(rect(start, v0 - 1, start + gap, v1 - wing))
    return _polygon(shape)


def disc(u: float, v: float, radius: float, corners: int = 32) -> Polygon:
    """A regular polygon inscribed in a circle. [m]"""
    turn = 2 * math.pi / corners
    return Polygon([(u + radius * math.cos(i * turn), v + radius * math.sin(i * turn)) for i in range(corners)])


def ellipse(u: float, v: float, radius_u: float, radius_v: float) -> Polygon:
    """An ellipse with its axes along the plan. [m]"""
    return affinity.scale(disc(u, v, 1.0, 48), radius_u, radius_v, origin=(u, v))


def rounded(shape: Polygon, radius: float) -> Polygon:
    """The shape with its convex corners rounded. [m]"""
    return _polygon(shape.buffer(-radius).buffer(radius, quad_segs=6))


def _polygon(shape: object) -> Polygon:
    if not isinstance(shape, Polygon):
        raise TypeError(f"an outline must be one polygon, not {type(shape).__name__}")
    return shape
