"""Luminous intensity over the sphere: symmetries written out, other photometric types turned into type C, and the flux it adds up to.

References
----------
ANSI/IES LM-63-19; CIE 121-1996 §3 for the C, B and A planes and the relations between their angles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Intensity:
    """Intensity (c, g) [cd] at C-planes (c,) from 0 to 360 [deg] and gamma (g,) ascending [deg], 0 downwards."""

    c_deg: Array
    gamma_deg: Array
    candela: Array

    def lumens(self) -> float:
        """The luminous flux: planes by the trapezoidal rule, gamma exactly for intensities linear between the angles. [lm]"""
        c, gamma = np.radians(self.c_deg), np.radians(self.gamma_deg)
        mean: Array = (np.diff(c)[:, None] * (self.candela[1:] + self.candela[:-1]) / 2.0).sum(axis=0)  # (g,) integral around
        low, high = gamma[:-1], gamma[1:]
        slope = np.diff(mean) / np.diff(gamma)
        # ∫ (m + s (γ − low)) sin γ dγ
        flat = mean[:-1] * (np.cos(low) - np.cos(high))
        rising = slope * (np.sin(high) - np.sin(low) - (high - low) * np.cos(high))
        return float((flat + rising).sum())


def written_out(c_deg: Array, gamma_deg: Array, candela: Array) -> Intensity:
    """All planes from 0 to 360 degrees, from those of a symmetry.

    Parameters
    ----------
    c_deg
        Planes (c,) ascending: one, or from 0 to 90, 0 to 180, 90 to 270, 270 to 450 or 0 to 360.
    gamma_deg
        Angles (g,) ascending.
    candela
        Intensities (c, g). [cd]

    Raises
    ------
    ValueError
        If the planes are of no symmetry.
    """
    if len(c_deg) == 1:
        return Intensity(np.array([0.0, 360.0]), gamma_deg, np.repeat(candela, 2, axis=0))
    ends = float(c_deg[0]), float(c_deg[-1])
    if ends == (0.0, 90.0):
        c_deg, candela = _mirrored(c_deg, candela)
    if (float(c_deg[0]), float(c_deg[-1])) in {(0.0, 180.0), (90.0, 270.0), (270.0, 450.0)}:
        c_deg, candela = _mirrored(c_deg, candela)
    elif ends[0] == 0.0 and np.allclose(np.diff(c_deg), 360.0 - ends[1], atol=1e-6):
        c_deg, candela = np.r_[c_deg, 360.0], np.r_[candela, candela[:1]]  # all round, the last plane not repeated
    if float(c_deg[-1] - c_deg[0]) != 360.0:
        raise ValueError(f"{ends[0]:g}…{ends[1]:g}")
    planes, rows = _from_zero(c_deg, candela) if c_deg[0] else (c_deg, candela)
    return Intensity(planes, gamma_deg, rows)


def from_type_a_or_b(kind: str, horizontal_deg: Array, vertical_deg: Array, candela: Array) -> Intensity:
    """Type C intensities of a luminaire measured in type A or B coordinates: CIE 121 relations, bilinear between the angles.

    B: tan V = tan γ cos C, sin H = sin γ sin C. A: sin V = sin γ cos C, tan H = tan γ sin C. Directions outside the table are dark.

    Parameters
    ----------
    kind
        `A` or `B`.
    horizontal_deg, vertical_deg
        Angles (h,) and (v,); from 0 where the halves are alike.
    candela
        Intensities (h, v). [cd]
    """
    c_deg, gamma_deg = np.arange(0.0, 361.0, 5.0), np.arange(0.0, 181.0, 2.5)
    c, gamma = np.radians(c_deg)[:, None], np.radians(gamma_deg)[None, :]
    aim, side, up = np.cos(gamma) + 0 * c, np.sin(gamma) * np.sin(c), np.sin(gamma) * np.cos(c)
    if kind == "B":
        h, v = np.arcsin(np.clip(side, -1, 1)), np.arctan2(up, aim)
    else:
        h, v = np.arctan2(side, aim), np.arcsin(np.clip(up, -1, 1))
    values = _bilinear(horizontal_deg, vertical_deg, candela, np.degrees(h), np.degrees(v))
    return Intensity(c_deg, gamma_deg, values)


def _bilinear(x: Array, y: Array, table: Array, at_x: Array, at_y: Array) -> Array:
    at_x = np.abs(at_x) if x[0] == 0.0 else at_x
    at_y = np.abs(at_y) if y[0] == 0.0 else at_y
    inside = (at_x >= x[0]) & (at_x <= x[-1]) & (at_y >= y[0]) & (at_y <= y[-1])
    i = np.clip(np.searchsorted(x, at_x) - 1, 0, max(len(x) - 2, 0))
    j = np.clip(np.searchsorted(y, at_y) - 1, 0, max(len(y) - 2, 0))
    s, t = _share(x, i, at_x), _share(y, j, at_y)
    k, m = np.minimum(i + 1, len(x) - 1), np.minimum(j + 1, len(y) - 1)
    value = (1 - s) * ((1 - t) * table[i, j] + t * table[i, m]) + s * ((1 - t) * table[k, j] + t * table[k, m])
    return np.where(inside, value, 0.0)


def _share(axis: Array, i: NDArray[np.intp], at: Array) -> Array:
    width = axis[np.minimum(i + 1, len(axis) - 1)] - axis[i]
    return np.clip(np.where(width > 0, (at - axis[i]) / np.where(width > 0, width, 1.0), 0.0), 0.0, 1.0)


def _mirrored(c_deg: Array, candela: Array) -> tuple[Array, Array]:
    """The planes and, behind the last one, their mirror images."""
    return np.r_[c_deg, 2.0 * c_deg[-1] - c_deg[-2::-1]], np.r_[candela, candela[-2::-1]]


def _from_zero(c_deg: Array, candela: Array) -> tuple[Array, Array]:
    """Planes that go once round from elsewhere, begun at 0."""
    turned, rows = np.mod(c_deg[:-1], 360.0), candela[:-1]
    order = np.argsort(turned, kind="stable")
    turned, rows = turned[order], rows[order]
    if turned[0] != 0.0:
        raise ValueError(f"{turned[0]:g}…")
    return np.r_[turned, 360.0], np.r_[rows, rows[:1]]
