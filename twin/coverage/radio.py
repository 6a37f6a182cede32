"""From carrier power to what a phone reports, and from predictions to shares of an area.

RSRP is the power of one resource element: a carrier's power is spread over 12 subcarriers of each of its N_RB resource blocks.
SINR compares it with the same element's noise and with what other carriers on the same frequencies put there.

Sources: 3GPP TS 38.104 table 5.3.2-1 and 5.3.2-2 (N_RB of NR), TS 36.104 table 5.6-1 (LTE), TS 38.215 (SS-RSRP, SS-SINR);
ITU-R M.2412 table 5 (receiver noise figure 7 dB); Jakes, Microwave Mobile Communications (1974), section 2.5.3 (area reliability).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

THERMAL_NOISE_DBM_HZ = -174.0
NOISE_FIGURE_DB = 7.0
SUBCARRIERS_PER_BLOCK = 12

# subcarrier spacing [kHz] -> channel bandwidth [MHz] -> N_RB
NR_BLOCKS: Mapping[int, Mapping[float, int]] = {
    15: {3: 15, 5: 25, 10: 52, 15: 79, 20: 106, 25: 133, 30: 160, 35: 188, 40: 216, 45: 242, 50: 270},
    30: {
        5: 11, 10: 24, 15: 38, 20: 51, 25: 65, 30: 78, 35: 92, 40: 106, 45: 119, 50: 133, 60: 162, 70: 189, 80: 217, 90: 245, 100: 273,
    },
    60: {
        10: 11, 15: 18, 20: 24, 25: 31, 30: 38, 35: 44, 40: 51, 45: 58, 50: 65, 60: 79, 70: 93, 80: 107, 90: 121, 100: 135, 200: 264,
    },
    120: {50: 32, 100: 66, 200: 132, 400: 264},
}  # fmt: skip
LTE_BLOCKS: Mapping[float, int] = {1.4: 6, 3: 15, 5: 25, 10: 50, 15: 75, 20: 100}

# words by which a device names its technology -> generation; the longest word that the name holds decides
GENERATIONS: Mapping[str, str] = {
    "5gnr": "5g", "nr": "5g", "5g": "5g", "nsa": "5g", "sa": "5g", "gnb": "5g", "gnodeb": "5g", "新空口": "5g", "第五代": "5g",
    "lte": "4g", "4g": "4g", "enb": "4g", "enodeb": "4g", "eutra": "4g", "第四代": "4g",
    "umts": "3g", "wcdma": "3g", "3g": "3g", "tdscdma": "3g", "cdma2000": "3g", "hspa": "3g", "第三代": "3g",
    "gsm": "2g", "2g": "2g", "cdma": "2g", "gprs": "2g", "edge": "2g", "第二代": "2g",
}  # fmt: skip
_WHOLE_WORDS = {"nr", "sa", "nsa", "edge"}  # too short to be looked for inside other words
# words by which a device names an access technology of things; the longest word that the name holds decides
IOT_WORDS: Mapping[str, str] = {
    "nbiot": "NB-IoT", "窄带物联网": "NB-IoT", "catnb": "NB-IoT", "ltem": "NB-IoT", "emtc": "NB-IoT", "nb网关": "NB-IoT",
    "lora": "LoRa", "lorawan": "LoRa", "cn470": "LoRa",
    "zigbee": "ZigBee", "紫蜂": "ZigBee", "802154": "ZigBee", "thread": "ZigBee",
    "wifi": "Wi-Fi", "wlan": "Wi-Fi", "80211": "Wi-Fi", "无线局域网": "Wi-Fi",
    "uwb": "UWB", "超宽带": "UWB", "ultrawideband": "UWB",
}  # fmt: skip
IOT_TECHNOLOGIES = ("NB-IoT", "LoRa", "ZigBee", "Wi-Fi", "UWB", "5G")
PILOT_SHARE_3G_DB = -10.0  # CPICH of UMTS takes about a tenth of the carrier's power: what RSCP is measured on


def generation(technology: object) -> str | None:
    """`5g`, `4g`, `3g`, `2g` for the name of a radio technology, the latest of several; None where the name says nothing."""
    return max((found for part in _named(technology) if (found := _generation(part))), default=None)


def _generation(part: str) -> str | None:
    name = squeezed(part)
    if any(word in name for word in IOT_WORDS):
        return None
    parts = set(re.findall(r"[a-z0-9]+", part.lower()))
    fitting = [word for word in GENERATIONS if (word in parts if word in _WHOLE_WORDS else word in name)]
    return GENERATIONS[max(fitting, key=len)] if fitting else None


def _named(technology: object) -> list[str]:
    """The names in a text that may hold several."""
    return re.split(r"[;,，；、|&/]| and |和|及", str(technology or ""))


def iot_technologies(technology: object) -> tuple[str, ...]:
    """Those of `IOT_TECHNOLOGIES` that the name of a radio technology tells, be they several or none."""
    parts = _named(technology)
    found = {IOT_WORDS[word] for part in parts for word in IOT_WORDS if word in squeezed(part)}
    if generation(technology) == "5g":
        found.add("5G")
    return tuple(name for name in IOT_TECHNOLOGIES if name in found)


def squeezed(name: object) -> str:
    """A name in small letters without blanks, hyphens and other signs between the words."""
    return re.sub(r"[\s\-_/.()（）+·]+", "", str(name or "").lower())


def resource_blocks(bandwidth_mhz: float, scs_khz: float, *, lte: bool = False) -> int:
    """N_RB of a carrier: of the widest channel of the table that is no wider than `bandwidth_mhz` (else the narrowest)."""
    table = LTE_BLOCKS if lte else NR_BLOCKS[min(NR_BLOCKS, key=lambda scs: abs(scs - scs_khz))]
    fitting = [width for width in table if width <= bandwidth_mhz + 1e-9]
    return table[max(fitting) if fitting else min(table)]


def reference_power_dbm(eirp_dbm: float, generation_: str, bandwidth_mhz: float, scs_khz: float) -> float:
    """Power at boresight of what a phone measures [dBm]: one resource element (4G, 5G), the pilot (3G), the carrier (2G)."""
    if generation_ == "2g":
        return eirp_dbm
    if generation_ == "3g":
        return eirp_dbm + PILOT_SHARE_3G_DB
    blocks = resource_blocks(bandwidth_mhz, scs_khz, lte=generation_ == "4g")
    return eirp_dbm - 10.0 * math.log10(SUBCARRIERS_PER_BLOCK * blocks)


def noise_dbm(scs_khz: float, noise_figure_db: float = NOISE_FIGURE_DB) -> float:
    """Noise in one resource element of a receiver [dBm]."""
    return THERMAL_NOISE_DBM_HZ + 10.0 * math.log10(scs_khz * 1e3) + noise_figure_db


def overlap(f_a_mhz: float, width_a_mhz: float, f_b_mhz: float, width_b_mhz: float) -> float:
    """The share of carrier a's band that carrier b's band covers [1]."""
    low = max(f_a_mhz - width_a_mhz / 2.0, f_b_mhz - width_b_mhz / 2.0)
    high = min(f_a_mhz + width_a_mhz / 2.0, f_b_mhz + width_b_mhz / 2.0)
    return max(high - low, 0.0) / width_a_mhz if width_a_mhz > 0 else float(f_a_mhz == f_b_mhz)


def sinr_db(signal_dbm: ArrayLike, others_dbm: ArrayLike, noise: ArrayLike, weights: ArrayLike) -> FloatArray:
    """Signal over noise and interference of s carriers at n places, per resource element.

    Parameters
    ----------
    signal_dbm
        The served carriers (n, s). [dBm]
    others_dbm
        All carriers as interferers (n, m). [dBm]
    noise
        Noise of one resource element of each served carrier (s,). [dBm]
    weights
        How much of each interferer arrives in each served carrier (s, m): load times overlap of the bands, 0 for itself. [1]

    Returns
    -------
    10 log10(S / (N + sum w_j I_j)) (n, s). [dB]
    """
    others = 10.0 ** (np.asarray(others_dbm, float) / 10.0) @ np.asarray(weights, float).T  # (n, s) [mW]
    return np.asarray(signal_dbm, float) - 10.0 * np.log10(10.0 ** (np.asarray(noise, float) / 10.0) + others)


def probability(margin_db: ArrayLike, sigma_db: ArrayLike) -> FloatArray:
    """Chance (n,) [1] that a median `margin_db` above the threshold stays above it under log-normal shadowing of `sigma_db`."""
    ratio = np.asarray(margin_db, float) / (np.maximum(np.asarray(sigma_db, float), 1e-9) * math.sqrt(2.0))
    return 0.5 + 0.5 * _erf(ratio)


def expected_share(margin_db: ArrayLike, sigma_db: ArrayLike, weight: ArrayLike) -> float | None:
    """Mean chance of coverage over cells of given weight [1]; None where they weigh nothing."""
    total = float(np.sum(weight))
    return float(np.sum(probability(margin_db, sigma_db) * np.asarray(weight, float)) / total) if total > 0 else None


def reliable_share(margin_db: ArrayLike, sigma_db: ArrayLike, weight: ArrayLike, reliability: float = 0.9) -> float | None:
    """Share of the weight whose chance of coverage is at least `reliability` [1]; None where the cells weigh nothing."""
    total = float(np.sum(weight))
    sure = probability(margin_db, sigma_db) >= reliability
    return float(np.sum(np.where(sure, np.asarray(weight, float), 0.0)) / total) if total > 0 else None


def area_reliability(edge: float, sigma_db: float, exponent: float) -> float:
    """Share of a disc that is covered where its edge is with chance `edge` (Jakes 1974 eq. 2.5-16).

    Parameters
    ----------
    edge
        Chance of coverage at the edge. [1]
    sigma_db
        Shadowing. [dB]
    exponent
        Path-loss exponent n: loss grows by 10 n log10(d).
    """
    a = -_inverse_erf(2.0 * edge - 1.0)  # edge = 1/2 - 1/2 erf(a)
    b = 10.0 * exponent * math.log10(math.e) / (sigma_db * math.sqrt(2.0))
    return 0.5 * (1.0 - math.erf(a) + math.exp((1.0 - 2.0 * a * b) / b**2) * (1.0 - math.erf((1.0 - a * b) / b)))


def _erf(values: FloatArray) -> FloatArray:
    return np.asarray(np.frompyfunc(math.erf, 1, 1)(values), float)


def _inverse_erf(value: float) -> float:
    """The number whose error function is `value`, by bisection."""
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if math.erf(middle) < value else (low, middle)
    return (low + high) / 2.0
