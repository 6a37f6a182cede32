"""How strongly an antenna radiates towards a point.

The element of 3GPP TR 38.901 table 7.3-1: two parabolas in decibels, one over the vertical and one over the horizontal angle,
limited to 30 dB. The downtilt turns the vertical pattern only (an electrical tilt), as TR 36.814 does for whole sectors.

Angles inside are radians: azimuth clockwise from north (y), elevation above the horizon.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

SIDE_LOBE_DB = 30.0  # SLA_V and A_max of table 7.3-1
ELEMENT_GAIN_DBI = 8.0
HALF_POWER_DEG = 65.0


@dataclass(frozen=True)
class Antenna:
    """A sector antenna; `azimuth` None is an antenna that radiates alike in all directions."""

    azimuth: float | None = None  # [rad] clockwise from north
    tilt: float = 0.0  # [rad] below the horizon
    beam_h: float = np.radians(HALF_POWER_DEG)  # half-power widths [rad]
    beam_v: float = np.radians(HALF_POWER_DEG)


def attenuation_db(off_h: ArrayLike, off_v: ArrayLike, antenna: Antenna) -> FloatArray:
    """Loss against the boresight (n,) [dB >= 0] at angles (n,) off it, horizontal and vertical. [rad]"""
    vertical = np.minimum(12.0 * (np.asarray(off_v, float) / antenna.beam_v) ** 2, SIDE_LOBE_DB)
    horizontal = np.minimum(12.0 * (np.asarray(off_h, float) / antenna.beam_h) ** 2, SIDE_LOBE_DB)
    return np.minimum(vertical + horizontal, SIDE_LOBE_DB)


def gain_db(antenna: Antenna, position: ArrayLike, points: ArrayLike) -> FloatArray:
    """Gain against the boresight towards points (n,) [dB <= 0].

    Parameters
    ----------
    antenna
        The antenna.
    position
        Where it hangs (3,). [m, enu]
    points
        Targets (n, 3). [m, enu]
    """
    offset = np.asarray(points, float) - np.asarray(position, float)  # (n, 3)
    if antenna.azimuth is None:
        return np.zeros(len(offset))
    ground = np.hypot(offset[:, 0], offset[:, 1])
    off_h = wrapped(np.arctan2(offset[:, 0], offset[:, 1]) - antenna.azimuth)
    off_v = np.arctan2(offset[:, 2], ground) + antenna.tilt
    return -attenuation_db(off_h, off_v, antenna)


def gain_bounds_db(antenna: Antenna, position: ArrayLike, centres: ArrayLike, half_m: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Least and greatest gain [dB <= 0] towards anything within `half_m` of each centre, along any axis.

    Parameters
    ----------
    antenna
        The antenna.
    position
        Where it hangs (3,). [m, enu]
    centres
        Middles of n boxes (n, 3). [m, enu]
    half_m
        Half their edges (n, 3). [m]

    Returns
    -------
    (n,), (n,): the gain of every point of a box lies between them.
    """
    offset = np.asarray(centres, float) - np.asarray(position, float)  # (n, 3)
    if antenna.azimuth is None:
        return np.zeros(len(offset)), np.zeros(len(offset))
    half = np.broadcast_to(np.asarray(half_m, float), offset.shape)
    ground = np.hypot(offset[:, 0], offset[:, 1])
    radius = np.hypot(half[:, 0], half[:, 1])  # the disc round the box
    near, far = np.maximum(ground - radius, 0.0), ground + radius
    turn = wrapped(np.arctan2(offset[:, 0], offset[:, 1]) - antenna.azimuth)
    spread = np.where(ground > radius, np.arcsin(np.minimum(radius / np.maximum(ground, 1e-12), 1.0)), np.pi)
    low_h, high_h = np.maximum(np.abs(turn) - spread, 0.0), np.minimum(np.abs(turn) + spread, np.pi)
    up, down = offset[:, 2] + half[:, 2], offset[:, 2] - half[:, 2]
    # the elevation of a point grows with its height, and for one height is monotone in the distance
    highest = np.arctan2(up, np.where(up > 0, near, far)) + antenna.tilt
    lowest = np.arctan2(down, np.where(down > 0, far, near)) + antenna.tilt
    low_v = np.where((lowest <= 0) & (highest >= 0), 0.0, np.minimum(np.abs(lowest), np.abs(highest)))
    high_v = np.maximum(np.abs(lowest), np.abs(highest))
    return -attenuation_db(high_h, high_v, antenna), -attenuation_db(low_h, low_v, antenna)


def wrapped(angle: ArrayLike) -> FloatArray:
    """Angles (n,) turned into [-pi, pi]. [rad]"""
    return (np.asarray(angle, float) + np.pi) % (2.0 * np.pi) - np.pi
