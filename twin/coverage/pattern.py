"""How an access point's antenna radiates: alike all round, about an axis, or as a sector.

    omni        alike in all directions                                    where nothing is known
    axial       one parabola in decibels over the angle off an axis        under a ceiling (130 degrees wide), on a wall (90 degrees)
    sector      azimuth, tilt and two beam widths (`twin.coverage.antenna`)

Sources: 3GPP TR 38.802 table A.2.1-7 (antennas of indoor hotspots: half-power widths 130 and 90 degrees, 25 dB at most).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.antenna import Antenna, gain_bounds_db, gain_db
from twin.coverage.cells import Cells

FloatArray = NDArray[np.float64]

AXIAL_MOST_DB = 25.0
CEILING_RAD, WALL_RAD = math.radians(130.0), math.radians(90.0)


@dataclass(frozen=True)
class Axial:
    """An antenna that radiates about an axis."""

    azimuth: float  # of the axis [rad] clockwise from north
    tilt: float  # of the axis below the horizon [rad]; a quarter turn: straight down
    width: float  # between half-power directions [rad]


@dataclass(frozen=True)
class Pattern:
    """An antenna, and how far its direction may be off; no shape: alike in all directions."""

    shape: Axial | Antenna | None = None
    tolerance: float = 0.0  # [rad]


OMNI = Pattern()


def ceiling(tolerance: float = 0.0) -> Pattern:
    """The antenna of an access point under a ceiling, which looks straight down."""
    return Pattern(Axial(0.0, math.pi / 2, CEILING_RAD), tolerance)


def gain(pattern: Pattern, position: FloatArray, points: FloatArray) -> FloatArray:
    """Gain against the strongest direction towards points (n, 3) [m, enu], from a place (3,) [m, enu]: (n,). [dB <= 0]"""
    if pattern.shape is None:
        return np.zeros(len(points))
    if isinstance(pattern.shape, Antenna):
        return gain_db(pattern.shape, position, points)
    return _fallen(pattern.shape, _off_axis(pattern.shape, points - position))


def gain_range(pattern: Pattern, position: FloatArray, cells: Cells, tolerance_m: float = 0.0) -> tuple[FloatArray, FloatArray]:
    """Least and greatest gain towards anything in each of n cells (n,), (n,) [dB <= 0].

    Parameters
    ----------
    pattern, position
        The antenna and its place (3,). [m, enu]
    cells
        n cells.
    tolerance_m
        How far the antenna may be from its place. [m]
    """
    if pattern.shape is None:
        return np.zeros(len(cells)), np.zeros(len(cells))
    middle = cells.centre.copy()
    middle[:, 2] = cells.z_range.mean(axis=1)
    half = np.column_stack([cells.half, cells.half, (cells.z_range[:, 1] - cells.z_range[:, 0]) / 2])
    away = np.linalg.norm(middle - position, axis=1)
    reach = np.linalg.norm(half, axis=1)
    if isinstance(pattern.shape, Antenna):  # an antenna that is turned sees what another sees of a place moved round it
        moved = tolerance_m + (away + reach) * 2.0 * math.sin(min(pattern.tolerance, math.pi) / 2.0)
        return gain_bounds_db(pattern.shape, position, middle, half + moved[:, None])
    off = _off_axis(pattern.shape, middle - position)
    near = reach + tolerance_m
    spread = np.where(away > near, np.arcsin(np.minimum(near / np.maximum(away, 1e-12), 1.0)), math.pi) + pattern.tolerance
    return _fallen(pattern.shape, np.minimum(off + spread, math.pi)), _fallen(pattern.shape, np.maximum(off - spread, 0.0))


def _off_axis(shape: Axial, offset: FloatArray) -> FloatArray:
    """The angle (n,) between the axis and offsets (n, 3). [rad]"""
    level = math.cos(shape.tilt)
    axis = np.array([math.sin(shape.azimuth) * level, math.cos(shape.azimuth) * level, -math.sin(shape.tilt)])
    along = offset @ axis
    across = np.linalg.norm(offset - along[:, None] * axis, axis=1)
    return np.arctan2(across, along)


def _fallen(shape: Axial, off: FloatArray) -> FloatArray:
    return -np.minimum(12.0 * (off / shape.width) ** 2, AXIAL_MOST_DB)
