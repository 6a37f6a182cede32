"""How strongly an antenna radiates towards a point.

The element of 3GPP TR 38.901 table 7.3-1: two parabolas in decibels, one over the vertical and one over the horizontal angle,
limited to 30 dB. There are two tilts: an electrical one turns the vertical pattern only, as TR 36.814 does for whole sectors; a
mechanical one turns the antenna as a whole about the horizontal axis across its azimuth, so that to the sides it tilts less and behind
it looks up.

Angles inside are radians: azimuth clockwise from north (y), elevation above the horizon.

Sources: 3GPP TR 38.901 table 7.3-1 (element) and section 7.1 (turned antennas); ITU-R M.2101 section 5.2 (arrays).
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
    tilt: float = 0.0  # electrical [rad] below the horizon
    beam_h: float = np.radians(HALF_POWER_DEG)  # half-power widths [rad]
    beam_v: float = np.radians(HALF_POWER_DEG)
    lean: float = 0.0  # mechanical tilt [rad] forwards


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
    along, across, up = _turned(antenna, offset)
    return -attenuation_db(np.arctan2(across, along), np.arctan2(up, np.hypot(along, across)) + antenna.tilt, antenna)


def _turned(antenna: Antenna, offset: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Offsets (n, 3) as the antenna has them: along its boresight, to its right, upwards (n,) each. [m]"""
    azimuth = antenna.azimuth or 0.0
    sin, cos = np.sin(azimuth), np.cos(azimuth)
    ahead, across = offset[:, 0] * sin + offset[:, 1] * cos, offset[:, 0] * cos - offset[:, 1] * sin
    lean_sin, lean_cos = np.sin(antenna.lean), np.cos(antenna.lean)
    return ahead * lean_cos - offset[:, 2] * lean_sin, across, ahead * lean_sin + offset[:, 2] * lean_cos


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
    along, across, middle = _turned(antenna, offset)
    ground = np.hypot(along, across)
    lean = abs(np.sin(antenna.lean))
    radius = np.hypot(half[:, 0], half[:, 1]) + lean * half[:, 2]  # of a disc round the box, as the antenna has it
    rise = half[:, 2] + lean * np.hypot(half[:, 0], half[:, 1])
    near, far = np.maximum(ground - radius, 0.0), ground + radius
    turn = np.arctan2(across, along)
    spread = np.where(ground > radius, np.arcsin(np.minimum(radius / np.maximum(ground, 1e-12), 1.0)), np.pi)
    low_h, high_h = np.maximum(np.abs(turn) - spread, 0.0), np.minimum(np.abs(turn) + spread, np.pi)
    up, down = middle + rise, middle - rise
    # the elevation of a point grows with its height, and for one height is monotone in the distance
    highest = np.arctan2(up, np.where(up > 0, near, far)) + antenna.tilt
    lowest = np.arctan2(down, np.where(down > 0, far, near)) + antenna.tilt
    low_v = np.where((lowest <= 0) & (highest >= 0), 0.0, np.minimum(np.abs(lowest), np.abs(highest)))
    high_v = np.maximum(np.abs(lowest), np.abs(highest))
    return -attenuation_db(high_h, high_v, antenna), -attenuation_db(low_h, low_v, antenna)


def array_gain_dbi(
    rows: int, columns: int, theta_deg: ArrayLike, phi_deg: ArrayLike, *, tilt_deg: float = 0.0, scan_deg: float = 0.0
) -> FloatArray:
    """Gain of an array of elements half a wavelength apart, ITU-R M.2101 table 4.

    Parameters
    ----------
    rows, columns
        Elements one above and beside the other.
    theta_deg, phi_deg
        Directions (n,): 90 is the horizon and 180 straight down; from the boresight. [deg]
    tilt_deg, scan_deg
        Where the beam is steered: below the horizon, and to the side in the sense of `phi_deg`. [deg]

    Returns
    -------
    Gain (n,). [dBi]
    """
    theta, phi = np.radians(np.asarray(theta_deg, float)), np.radians(np.asarray(phi_deg, float))
    tilt, scan = np.radians(tilt_deg), np.radians(scan_deg)
    vertical = np.pi * (np.cos(theta) + np.sin(tilt))  # phase from one element to the next
    horizontal = np.pi * (np.sin(theta) * np.sin(phi) - np.cos(tilt) * np.sin(scan))
    field = _sum_of_phases(vertical, rows) * _sum_of_phases(horizontal, columns) / np.sqrt(rows * columns)
    element = ELEMENT_GAIN_DBI - attenuation_db(phi, theta - np.pi / 2, Antenna(0.0))
    return element + 20.0 * np.log10(np.maximum(np.abs(field), 1e-9))


def _sum_of_phases(step: FloatArray, n: int) -> FloatArray:
    return np.abs(np.exp(1j * np.multiply.outer(np.asarray(step, float), np.arange(n))).sum(axis=-1))
