"""What ITU-R says of clutter and of entry into buildings: statistical second opinions on what the scene tells by geometry.

Neither is added to a formula of `twin.coverage.propagation`: those without line of sight hold clutter already, and the entry into a
building is priced by its facade (`twin.coverage.entry`). They are checks: a result shows what these would say beside what it used.

Sources: ITU-R P.2108-1 sections 3.1 (height gain, 0.03 to 3 GHz) and 3.2 (statistical, 0.5 to 67 GHz, from 250 m); ITU-R P.2109-2
(building entry loss, 0.08 to 100 GHz).
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

STREET_WIDTH_M = 27.0  # w_s of section 3.1 where it is not known
# representative clutter heights R of P.2108-1 table 3 [m]
CLUTTER_M: Mapping[str, float] = {"water": 10.0, "open": 10.0, "suburban": 10.0, "urban": 15.0, "forest": 15.0, "dense_urban": 20.0}
OPEN_CLUTTER = ("water", "open")
TERMINAL_GHZ, STATISTICAL_GHZ, ENTRY_GHZ = (0.03, 3.0), (0.5, 67.0), (0.08, 100.0)
STATISTICAL_FROM_KM, STATISTICAL_TO_KM = 0.25, 2.0  # beyond 2 km the loss at 2 km holds

# P.2109-2 table 1: r s t u v w x y z
_ENTRY: Mapping[str, tuple[float, ...]] = {
    "traditional": (12.64, 3.72, 0.96, 9.6, 2.0, 9.1, -3.0, 4.5, -2.0),
    "efficient": (28.19, -3.00, 8.48, 13.5, 3.8, 27.8, -2.9, 9.4, -2.1),
}


def terminal_clutter_db(f_ghz: float, height_m: ArrayLike, clutter: str, *, clutter_m: float | None = None) -> FloatArray:
    """Loss of terminals below the clutter around them, P.2108-1 eq. (2).

    Parameters
    ----------
    f_ghz
        Frequency, 0.03 to 3. [GHz]
    height_m
        Heights of terminals above the ground (n,). [m]
    clutter
        A key of `CLUTTER_M`.
    clutter_m
        Height of the clutter, where it is known. [m]

    Returns
    -------
    Loss (n,) [dB]; 0 for terminals above the clutter.
    """
    top = CLUTTER_M[clutter] if clutter_m is None else clutter_m
    h = np.asarray(height_m, float)
    below = np.maximum(top - h, 0.0)
    if clutter in OPEN_CLUTTER:
        loss = -(21.8 + 6.2 * np.log10(f_ghz)) * np.log10(np.minimum(h / top, 1.0))
    else:
        angle = np.degrees(np.arctan(below / STREET_WIDTH_M))
        v = 0.342 * np.sqrt(f_ghz) * np.sqrt(below * angle)
        loss = 6.9 + 20.0 * np.log10(np.hypot(v - 0.1, 1.0) + v - 0.1) - 6.03
    return np.where(h >= top, 0.0, loss)


def path_clutter_db(f_ghz: float, d_km: ArrayLike, share: float = 0.5) -> FloatArray:
    """Clutter loss not exceeded at `share` of places, at one end of paths (n,) [km], P.2108-1 eq. (3): at most that at 2 km. [dB]"""
    turn = NormalDist().inv_cdf(share)
    return np.minimum(_path_db(f_ghz, np.asarray(d_km, float), turn), _path_db(f_ghz, np.array(STATISTICAL_TO_KM), turn))


def _path_db(f_ghz: float, d: FloatArray, turn: float) -> FloatArray:
    low = -2.0 * np.log10(10.0 ** (-5.0 * np.log10(f_ghz) - 12.5) + 10.0**-16.5)
    high = 32.98 + 23.9 * np.log10(d) + 3.0 * np.log10(f_ghz)
    a, b = 10.0 ** (-0.2 * low), 10.0 ** (-0.2 * high)
    sigma = np.sqrt((4.0**2 * a + 6.0**2 * b) / (a + b))
    return -5.0 * np.log10(a + b) + sigma * turn


def building_entry_db(f_ghz: ArrayLike, kind: str, share: float = 0.5, elevation_deg: ArrayLike = 0.0) -> FloatArray:
    """Entry loss not exceeded at `share` of places in a building, P.2109-2 eqs. (1) to (6).

    Parameters
    ----------
    f_ghz
        Frequency (n,), 0.08 to 100. [GHz]
    kind
        `traditional` or thermally `efficient`.
    share
        Of places. [1]
    elevation_deg
        Elevation of the path at the facade (n,). [deg]

    Returns
    -------
    Loss (n,). [dB]
    """
    r, s, t, u, v, w, x, y, z = _ENTRY[kind]
    log_f = np.log10(np.asarray(f_ghz, float))
    middle = r + s * log_f + t * log_f**2 + 0.212 * np.abs(np.asarray(elevation_deg, float))
    turn = NormalDist().inv_cdf(share)
    parts = (turn * (u + v * log_f) + middle, turn * (y + z * log_f) + w + x * log_f, np.full_like(log_f, -3.0))
    return 10.0 * np.log10(sum(10.0 ** (0.1 * part) for part in parts))
