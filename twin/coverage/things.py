"""Link budgets of networks of things: how much a path may lose, down to a device and up from it.

What a gateway's or a base station's signal may lose on its way is the smaller of two numbers, as path and pattern are the same both ways:

    down    EIRP - threshold at the device
    up      EIRP of the device + receiving gain - sensitivity of the gateway

Sources: Semtech SX1276 and SX1301 data sheets (sensitivities at 125 kHz); 3GPP TR 45.820 (coupling losses of NB-IoT, up to 164 dB); IEEE
802.15.4; indicators.yaml iot_area_share (thresholds, which no document states).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Budget:
    """What one technology usually has, where a device does not say: all of it may be told otherwise."""

    freq_mhz: float
    width_mhz: float
    eirp_dbm: float  # of a gateway or base station
    threshold_dbm: float  # at the device, of what is measured there
    node_eirp_dbm: float | None  # of the device; None: the way up is not asked about
    sensitivity_dbm: float  # of the gateway


# by technology; NB-IoT is measured on one of 12 subcarriers, 5G on a resource element
BUDGETS: Mapping[str, Budget] = {
    "NB-IoT": Budget(900.0, 0.18, 46.0, -110.0, 23.0, -141.0),
    "LoRa": Budget(486.3, 0.125, 17.0, -120.0, 14.0, -142.5),
    "ZigBee": Budget(2450.0, 2.0, 10.0, -90.0, 4.0, -97.0),
    "Wi-Fi": Budget(2437.0, 20.0, 20.0, -70.0, 14.0, -82.0),
    "UWB": Budget(6489.6, 499.2, -14.3, -90.0, -14.3, -93.0),  # -41.3 dBm/MHz over 499.2 MHz
    "5G": Budget(3500.0, 100.0, 54.0, -105.0, None, 0.0),
}
# technology by frequency [MHz], for gateways that name none
BANDS_MHZ: Mapping[str, tuple[float, float]] = {"LoRa": (400.0, 1000.0), "ZigBee": (2400.0, 2500.0), "UWB": (3100.0, 10600.0)}

# spreading factor -> least level [dBm] at a node and at a gateway, 125 kHz
NODE_DBM: Mapping[int, float] = {7: -124.0, 8: -127.0, 9: -130.0, 10: -133.0, 11: -135.0, 12: -137.0}
GATEWAY_DBM: Mapping[int, float] = {7: -130.0, 8: -132.5, 9: -135.0, 10: -137.5, 11: -140.0, 12: -142.5}
NOT_REACHED = 13

COUPLING_DB = (144.0, 154.0, 164.0)  # normal, robust and extreme coverage


def spreading_factor(level_dbm: ArrayLike, *, up: bool) -> IntArray:
    """The least spreading factor (n,) that levels (n,) [dBm] allow at the gateway (`up`) or at the node; NOT_REACHED where none does."""
    table = GATEWAY_DBM if up else NODE_DBM
    level = np.nan_to_num(np.asarray(level_dbm, float), nan=-np.inf)
    reached = np.stack([level >= least for least in table.values()])  # (6, n)
    return np.where(reached.any(axis=0), min(table) + reached.argmax(axis=0), NOT_REACHED)


def coupling_class(loss_db: ArrayLike) -> IntArray:
    """The class (n,) of coupling losses (n,) [dB]: 0 up to 144 dB, 1 up to 154, 2 up to 164, 3 beyond."""
    return np.searchsorted(np.array(COUPLING_DB), np.nan_to_num(np.asarray(loss_db, float), nan=np.inf), side="left")


def technology_at(f_mhz: float) -> str:
    """The technology that a gateway of unknown technology is taken to have, by its frequency. [MHz]"""
    return next((name for name, (low, high) in BANDS_MHZ.items() if low <= f_mhz <= high), "LoRa")
