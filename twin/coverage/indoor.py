"""Loss inside buildings by closed form: breakpoints (IEEE TGn), counted walls and floors (COST 231, IEEE TGax), the older P.1238.

They know no material: each wall crossed costs the same, or walls are in the slope beyond the breakpoint. Wall by wall with materials
is `twin.coverage.walls`.

Sources: IEEE 802.11-03/940r4 (TGn channel models) table 1; COST 231 final report section 4.7 (values at 1.8 GHz); IEEE 802.11-14/0882
and 14/0980 (TGax); ITU-R P.1238-9 eq. (1).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.coverage.propagation import free_space_db

FloatArray = NDArray[np.float64]

LIGHT_WALL_DB = 3.4  # plasterboard, and walls with many openings: COST 231 table 4.7.2
HEAVY_WALL_DB = 6.9  # load-bearing walls, thicker than 10 cm
FLOOR_DB = 18.3
FLOOR_EXPONENT = 0.46
HEAVY_FROM_M = 0.10


BEYOND_SLOPE = 35.0  # of the loss over log10(d) beyond the breakpoint: TGn and TGax [dB]

# breakpoint [m] and shadowing up to and beyond it [dB] of the TGn models: A and B homes, C small office, D typical office,
# E large office, F large space
TGN: Mapping[str, tuple[float, float, float]] = {
    "A": (5.0, 3.0, 4.0), "B": (5.0, 3.0, 4.0), "C": (5.0, 3.0, 5.0), "D": (10.0, 3.0, 5.0), "E": (20.0, 3.0, 6.0), "F": (30.0, 3.0, 6.0),
}  # fmt: skip


@dataclass(frozen=True)
class Surroundings:
    """What the models that know no walls make of a place: the TGn model, the TGax scenario and the P.1238 environment of its kind."""

    tgn: str
    tgax: str
    p1238: str


SURROUNDINGS: Mapping[str, Surroundings] = {
    "office": Surroundings("D", "enterprise", "p1238-office"),
    "small_office": Surroundings("C", "enterprise", "p1238-office"),
    "large_office": Surroundings("E", "enterprise", "p1238-office"),
    "residential": Surroundings("B", "residential", "p1238-office"),
    "corridor": Surroundings("C", "enterprise", "p1238-corridor"),
    "industrial": Surroundings("F", "enterprise", "p1238-industrial"),
}


@dataclass(frozen=True)
class TgaxCase:
    """One simulation scenario of TGax: where the slope breaks, and what a wall costs."""

    breakpoint_m: float
    wall_db: float


TGAX: Mapping[str, TgaxCase] = {"residential": TgaxCase(5.0, 5.0), "enterprise": TgaxCase(10.0, 7.0)}

# ITU-R P.1238-9 tables 2 and 3, about 2 GHz: distance coefficient N, floor loss at the first floor and for each further one [dB]
P1238_FLOORS: Mapping[str, tuple[float, float, float]] = {
    "residential": (28.0, 4.0, 4.0),
    "office": (30.0, 15.0, 4.0),
    "commercial": (22.0, 6.0, 3.0),
}


def floors_db(n_floors: ArrayLike, floor_db: float = FLOOR_DB, exponent: float = FLOOR_EXPONENT) -> FloatArray:
    """Loss (n,) [dB] of `n_floors` (n,) slabs: floor_db k^((k+2)/(k+1) - b); each further slab costs less than the one before."""
    k = np.asarray(n_floors, float)
    return np.where(k > 0, floor_db * np.maximum(k, 1e-9) ** ((k + 2.0) / (k + 1.0) - exponent), 0.0)


def breakpoint_db(d_m: ArrayLike, f_ghz: ArrayLike, breakpoint_m: float) -> FloatArray:
    """TGn loss (n,) [dB] over distances (n,) [m]: free space up to the breakpoint, 35 dB a decade beyond it."""
    d = np.asarray(d_m, float)
    return free_space_db(np.minimum(d, breakpoint_m), f_ghz) + BEYOND_SLOPE * np.log10(np.maximum(d / breakpoint_m, 1.0))


def cost231_db(d_m: ArrayLike, f_ghz: float, n_light: ArrayLike, n_heavy: ArrayLike, n_floors: ArrayLike) -> FloatArray:
    """COST 231 multi-wall loss of n links: free space, light and heavy walls, floors.

    Parameters
    ----------
    d_m
        Slant distance (n,). [m]
    f_ghz
        Frequency. [GHz] The wall values were fitted at 1.8 GHz.
    n_light, n_heavy, n_floors
        How many of each a link crosses (n,). [count]

    Returns
    -------
    Loss (n,). [dB]
    """
    walls = LIGHT_WALL_DB * np.asarray(n_light, float) + HEAVY_WALL_DB * np.asarray(n_heavy, float)
    return free_space_db(d_m, f_ghz) + walls + floors_db(n_floors)


def tgax_db(d_m: ArrayLike, f_ghz: float, n_walls: ArrayLike, n_floors: ArrayLike, *, case: str) -> FloatArray:
    """IEEE TGax loss (n,) [dB] over slant distances (n,) [m] through walls and floors (n,) [count]; `case` is a key of `TGAX`."""
    setting = TGAX[case]
    d = np.asarray(d_m, float)
    near = 40.05 + 20.0 * np.log10(f_ghz / 2.4) + 20.0 * np.log10(np.minimum(d, setting.breakpoint_m))
    far = BEYOND_SLOPE * np.log10(np.maximum(d / setting.breakpoint_m, 1.0))
    return near + far + floors_db(n_floors) + setting.wall_db * np.asarray(n_walls, float)


def p1238_floors_db(d_m: ArrayLike, f_ghz: float, n_floors: ArrayLike, *, case: str) -> FloatArray:
    """ITU-R P.1238-9 loss (n,) [dB] over slant distances (n,) [m] through floors (n,) [count]; `case` is a key of `P1238_FLOORS`."""
    slope, first, further = P1238_FLOORS[case]
    n = np.asarray(n_floors, float)
    floors = np.where(n > 0, first + further * (n - 1.0), 0.0)
    return 20.0 * np.log10(f_ghz * 1000.0) + slope * np.log10(np.asarray(d_m, float)) + floors - 28.0
