"""Which lengths of a line detectors protect.

A line is measured along itself; each detector protects spans of it:

        line      ----[=====================]-------[=========]----
        beam          T-------------------->R
        point                                           (o)  and all of the line within its range, and its angle

A beam, fence or cable protects what lies beside it, between the perpendiculars at its ends, no farther than `match_m` and running
the same way to within `facing_rad`. Spans are exact: straight pieces clipped by straight lines and circles.

Sources: GB 51348-2019 14.2 (zones of at most 200 m, of electronic fences 100 m; active infrared with 30 % of its range in reserve).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Span = tuple[float, float]  # from, to along a line [m]

ZONE_M, FENCE_ZONE_M = 200.0, 100.0  # GB 51348 14.2: longest zone, of an electronic fence
_JOIN_M = 1e-6


@dataclass(frozen=True)
class Beam:
    """What detects along a line, within `match_m` of it."""

    path: FloatArray  # (k, 2) corners [m, enu]
    match_m: float
    facing_rad: float = math.pi / 2  # greatest angle between it and what it protects


@dataclass(frozen=True)
class Reach:
    """What detects round a point, to `range_m`, within half the angle to either side of its azimuth; an angle of 2 pi: all round."""

    place: FloatArray  # (2,) [m, enu]
    range_m: float
    azimuth_rad: float = 0.0
    angle_rad: float = 2 * math.pi


def spans(line: Any, detector: Beam | Reach) -> list[Span]:
    """The spans of a line (shapely LineString, x y [m, enu]) that a detector protects. [m]"""
    corners = shapely.get_coordinates(line)
    if len(corners) < 2:
        return []
    ways = np.diff(corners, axis=0)
    lengths = np.hypot(ways[:, 0], ways[:, 1])
    starts = np.concatenate([[0.0], np.cumsum(lengths)])
    found: list[Span] = []
    for k in np.flatnonzero(lengths > 0).tolist():
        start, unit, length = corners[k], ways[k] / lengths[k], float(lengths[k])
        own = _of_beam(start, unit, length, detector) if isinstance(detector, Beam) else _of_reach(start, unit, length, detector)
        found += [(float(starts[k]) + low, float(starts[k]) + high) for low, high in own]
    return united(found)


def united(found: Sequence[Span]) -> list[Span]:
    """Spans in order, those that touch made one."""
    out: list[Span] = []
    for low, high in sorted(found):
        if high - low <= 0.0:
            continue
        if out and low <= out[-1][1] + _JOIN_M:
            out[-1] = (out[-1][0], max(out[-1][1], high))
        else:
            out.append((low, high))
    return out


def missing(found: Sequence[Span], length: float) -> list[Span]:
    """What spans in order leave of a line of that length. [m]"""
    out: list[Span] = []
    at = 0.0
    for low, high in found:
        if low - at > _JOIN_M:
            out.append((at, low))
        at = max(at, high)
    return [*out, (at, length)] if length - at > _JOIN_M else out


def total(found: Sequence[Span]) -> float:
    """The length of spans that do not overlap. [m]"""
    return float(sum(high - low for low, high in found))


def outside(found: Sequence[Span], others: Sequence[Span]) -> float:
    """The length of spans that others, both in order and each without overlap, leave. [m]"""
    shared = sum(max(0.0, min(a[1], b[1]) - max(a[0], b[0])) for a in found for b in others)
    return max(total(found) - shared, 0.0)


def _of_beam(start: FloatArray, unit: FloatArray, length: float, beam: Beam) -> list[Span]:
    """Spans of a straight piece beside a beam: beside each of its parts, and round the corners between them."""
    ways = np.diff(beam.path, axis=0)
    sizes = np.hypot(ways[:, 0], ways[:, 1])
    found: list[Span] = []
    least = math.cos(beam.facing_rad) - 1e-12
    along = [bool(size > 0 and abs(float(way @ unit)) >= least * size) for way, size in zip(ways, sizes.tolist(), strict=True)]
    for k in [k for k, is_along in enumerate(along) if is_along]:
        d = ways[k] / sizes[k]
        across, ahead = np.array([-d[1], d[0]]), start - beam.path[k]
        along_, beside = float(d @ ahead), float(across @ ahead)
        limits = [(d, along_, 0.0), (-d, -along_, -float(sizes[k])), (across, beside, -beam.match_m), (-across, -beside, -beam.match_m)]
        span = _clipped(unit, length, limits)
        found += [span] if span else []
        for corner in beam.path[max(k, 1) : min(k + 2, len(along))]:
            found += _in_circle(start, unit, length, corner, beam.match_m)
    return found


def _of_reach(start: FloatArray, unit: FloatArray, length: float, reach: Reach) -> list[Span]:
    """Spans of a straight piece within a circle, or a part of it; an angle above pi is two parts side by side."""
    disc = _in_circle(start, unit, length, reach.place, reach.range_m)
    if reach.angle_rad >= 2 * math.pi - 1e-9 or not disc:
        return disc
    parts = max(1, math.ceil(reach.angle_rad / (math.pi * 0.99)))
    wide = reach.angle_rad / parts
    found: list[Span] = []
    ahead = start - reach.place
    for k in range(parts):
        middle = reach.azimuth_rad - reach.angle_rad / 2 + (k + 0.5) * wide
        sides = [(middle - wide / 2, 1.0), (middle + wide / 2, -1.0)]
        # clockwise of the left side and counter-clockwise of the right one
        normals = [sign * np.array([math.cos(a), -math.sin(a)]) for a, sign in sides]
        span = _clipped(unit, length, [(normal, float(normal @ ahead), 0.0) for normal in normals])
        if span:
            low, high = max(span[0], disc[0][0]), min(span[1], disc[0][1])
            found += [(low, high)] if high > low else []
    return united(found)


def _clipped(unit: FloatArray, length: float, limits: Sequence[tuple[FloatArray, float, float]]) -> Span | None:
    """The t in 0 .. length with at + t (normal · unit) >= bound for every limit (normal, at, bound); None where there is none."""
    low, high = 0.0, length
    for normal, at, bound in limits:
        slope = float(normal @ unit)
        if abs(slope) < 1e-12:
            if at < bound - 1e-9:
                return None
        elif slope > 0:
            low = max(low, (bound - at) / slope)
        else:
            high = min(high, (bound - at) / slope)
    return (low, high) if high > low else None


def _in_circle(start: FloatArray, unit: FloatArray, length: float, middle: FloatArray, radius: float) -> list[Span]:
    """The span of a straight piece within a circle."""
    ahead = start - middle
    b, c = float(ahead @ unit), float(ahead @ ahead) - radius * radius
    root = b * b - c
    if root <= 0:
        return []
    low, high = max(-b - math.sqrt(root), 0.0), min(-b + math.sqrt(root), length)
    return [(low, high)] if high > low else []
