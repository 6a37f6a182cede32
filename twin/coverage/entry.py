"""What a building's shell and inside take from a signal that comes from outdoors.

PL = PL_b + PL_tw + 0.5 d2D_in: the outdoor loss to the place, the loss through the facade, the way from the facade inwards.
A facade is a mixture of surfaces, each with its own loss; the mixture is what varies between buildings and between releases.

Source: 3GPP TR 38.901 section 7.4.3, tables 7.4.3-1 and 7.4.3-2, V18 (Release 18 and before) and V19 (Release 19).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

INDOOR_DB_PER_M = 0.5  # on the horizontal way inside, table 7.4.3-2
NON_PERPENDICULAR_DB = 5.0  # PL_npi, for incidence that is not perpendicular
LEGACY_DB = 20.0  # the single-frequency model below 6 GHz of table 7.4.3-3

# material -> (a, b): loss [dB] = a + b f [GHz], table 7.4.3-1, by release
SURFACES: Mapping[int, Mapping[str, tuple[float, float]]] = {
    18: {"glass": (2.0, 0.2), "irr_glass": (23.0, 0.3), "concrete": (5.0, 4.0), "wood": (4.85, 0.12)},
    19: {
        "glass": (2.0, 0.2),
        "irr_glass": (25.4, 0.11),
        "concrete": (5.0, 4.0),
        "wood": (4.85, 0.12),
        "plywood": (1.03, 0.17),
    },
}


@dataclass(frozen=True)
class Facade:
    """One kind of facade: the share of each surface and the spread between places."""

    shares: Mapping[str, float]
    sigma_db: float


FACADES: Mapping[str, Facade] = {
    "low": Facade({"glass": 0.3, "concrete": 0.7}, 4.4),
    "high": Facade({"irr_glass": 0.7, "concrete": 0.3}, 6.5),
    "low_a": Facade({"glass": 0.3, "plywood": 0.7}, 4.4),  # Release 19 only
}


def surface_db(material: str, f_ghz: ArrayLike, release: int = 19) -> FloatArray:
    """Loss of one surface of table 7.4.3-1 (n,) [dB] at frequencies (n,) [GHz]."""
    a, b = SURFACES[release][material]
    return a + b * np.asarray(f_ghz, float)


def facade_db(shares: Mapping[str, float], f_ghz: ArrayLike, release: int = 19) -> FloatArray:
    """Loss through a facade made of surfaces with given shares of its area.

    Parameters
    ----------
    shares
        Surface of `SURFACES[release]` -> share of the facade; they sum to 1. [1]
    f_ghz
        Frequency (n,). [GHz]
    release
        18 or 19: the release of 3GPP whose table is used.

    Returns
    -------
    PL_tw = 5 - 10 log10(sum p_i 10^(-L_i / 10)) (n,). [dB]
    """
    passed = sum(share * 10.0 ** (-surface_db(name, f_ghz, release) / 10.0) for name, share in shares.items())
    return NON_PERPENDICULAR_DB - 10.0 * np.log10(passed)


def entry_db(kind: str, f_ghz: ArrayLike, release: int = 19) -> FloatArray:
    """Loss through a facade of a kind of `FACADES` (n,) [dB] at frequencies (n,) [GHz]."""
    return facade_db(FACADES[kind].shares, f_ghz, release)


def glazed_shares(glass_share: float, *, coated: bool) -> dict[str, float]:
    """The surfaces of a facade whose share of glass is known (from its windows), the rest being concrete."""
    return {"irr_glass" if coated else "glass": glass_share, "concrete": 1.0 - glass_share}


def kinds_of(likely: str, release: int = 19) -> tuple[str, str, str]:
    """The kinds of `FACADES` that a facade of unknown make-up is in the worst, likely and best case, of those the release has."""
    return "high", likely, "low_a" if release >= 19 else "low"


def shares_of(kind: str, glazing: float | None = None, *, coated: bool | None = None, opaque: str | None = None) -> dict[str, float]:
    """The surfaces of a facade of a kind of `FACADES`, as far as nothing better is known.

    Parameters
    ----------
    kind
        What it is taken to be.
    glazing
        The share of glass in it, where it is known (from windows and curtain walls). [1]
    coated, opaque
        Whether the glass reflects infrared light, and the other surface (of `SURFACES`), where they are known.
    """
    usual = FACADES[kind].shares
    glass = next(name for name in usual if "glass" in name)
    wall = next(name for name in usual if "glass" not in name)
    share = usual[glass] if glazing is None else min(max(glazing, 0.0), 1.0)
    if coated is not None:
        glass = "irr_glass" if coated else "glass"
    return {glass: share, opaque or wall: 1.0 - share}
