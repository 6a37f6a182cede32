"""Channels of wireless networks: what band a frequency lies in, how far two channels overlap, and what may be radiated in China.

    2.4 GHz   2400 ... 2483.5 MHz     100 mW EIRP, 500 mW from antennas of 10 dBi and more     10 and 17 dBm/MHz
    5 GHz     5150 ... 5350 MHz       200 mW EIRP                                              10 dBm/MHz
    5.5 GHz   5470 ... 5725 MHz       not open to wireless networks
    5.8 GHz   5725 ... 5850 MHz       2 W EIRP                                                 19 dBm/MHz EIRP
    6 GHz     5925 ... 7125 MHz       not open to wireless networks

Sources: MIIT 2021-129, which sums up MII 2002-353 (2.4 GHz), MII 2002-277 (5.8 GHz) and MIIT 2012-620 (5150-5350 MHz). Channel widths:
IEEE 802.11-2020 clauses 15 to 21.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

USUAL_WIDTH_MHZ: Mapping[str, float] = {"2.4": 20.0, "5": 80.0, "5.5": 80.0, "5.8": 80.0, "5.9": 20.0, "6": 160.0}
BOLTZMANN_DBM = -173.98  # kT at 290 K in 1 Hz [dBm]
NOISE_FIGURE_DB = 7.0  # of a client: IEEE 802.11-14/0980, simulation scenarios of TGax

# band -> lowest and highest frequency [GHz]
BANDS_GHZ: Mapping[str, tuple[float, float]] = {
    "2.4": (2.4, 2.4835), "5": (5.15, 5.35), "5.5": (5.47, 5.725), "5.8": (5.725, 5.85), "5.9": (5.85, 5.895), "6": (5.925, 7.125),
}  # fmt: skip
OPEN_BANDS = ("2.4", "5", "5.8")  # to wireless networks in China
HIGH_GAIN_DBI = 10.0


@dataclass(frozen=True)
class Limit:
    """What one radio may radiate: EIRP and its density."""

    eirp_dbm: float
    density_dbm_mhz: float
    source: str


LIMITS: Mapping[str, Limit] = {
    "2.4": Limit(20.0, 10.0, "MII 2002-353, MIIT 2021-129"),
    "2.4 high gain": Limit(27.0, 17.0, "MII 2002-353, MIIT 2021-129"),
    "5": Limit(23.0, 10.0, "MIIT 2012-620, MIIT 2021-129"),
    "5.8": Limit(33.0, 19.0, "MII 2002-277, MIIT 2021-129"),
}


def band_of(f_ghz: float) -> str | None:
    """The Wi-Fi band of a frequency; None outside all."""
    return next((name for name, (low, high) in BANDS_GHZ.items() if low <= f_ghz <= high), None)


def frequency_of(channel: int, band: str) -> float | None:
    """The centre of a 20 MHz channel by its number [GHz]; None where the band has no such channel."""
    if band == "2.4":
        return 2.484 if channel == 14 else 2.407 + 0.005 * channel if 1 <= channel <= 13 else None
    if band == "6":
        return 5.950 + 0.005 * channel if 1 <= channel <= 233 else None
    return 5.0 + 0.005 * channel if 32 <= channel <= 177 else None


def limit_of(f_ghz: float, gain_dbi: float | None = None) -> Limit | None:
    """What may be radiated at a frequency, with an antenna of `gain_dbi`; None where nothing may be or nothing is known."""
    band = band_of(f_ghz)
    if band not in OPEN_BANDS:
        return None
    return LIMITS["2.4 high gain" if band == "2.4" and gain_dbi is not None and gain_dbi >= HIGH_GAIN_DBI else band]


def greatest_eirp_dbm(limit: Limit, width_mhz: float) -> float:
    """The greatest EIRP [dBm] of a channel of some width [MHz] under both limits, its power spread evenly over it."""
    return min(limit.eirp_dbm, limit.density_dbm_mhz + 10.0 * math.log10(width_mhz))


def overlap(f_ghz: ArrayLike, width_mhz: ArrayLike, rows: slice = slice(None)) -> FloatArray:
    """What part of each channel's power falls into each other channel (m, m) [1]: row receives, column sends.

    Parameters
    ----------
    f_ghz
        Middle of each of m channels. [GHz]
    width_mhz
        How wide each is. [MHz]
    rows
        The channels that receive.
    """
    middle, width = np.asarray(f_ghz, float) * 1000.0, np.asarray(width_mhz, float)
    low, high = middle - width / 2.0, middle + width / 2.0
    shared = np.minimum(high[rows, None], high[None, :]) - np.maximum(low[rows, None], low[None, :])
    return np.clip(shared, 0.0, None) / width[None, :]


def noise_dbm(width_mhz: ArrayLike, noise_figure_db: float = NOISE_FIGURE_DB) -> FloatArray:
    """Noise of receivers over channels of some width (m,) [MHz]: kTB and the noise figure. [dBm]"""
    return BOLTZMANN_DBM + 10.0 * np.log10(np.asarray(width_mhz, float) * 1e6) + noise_figure_db
