"""The points of a cloud in the park's frame, as the park keeps them (`twin.points`).

From a file's coordinates to the park's is a smooth way over the few kilometres of a cloud: it is fitted by polynomials at points where it
was computed, and held against it at others. Where the fit misses by more than FIT_M, as with broken grids, each point goes the whole way.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
from numpy.typing import NDArray

from importers.contract import Progress
from importers.heights import Heights
from importers.lasfile import Box, Header, Points, read_points
from twin.crs import Frame, horizontal, to_lonlat
from twin.points import POINT, STEP_M, Color, write_points

FIT_M = 2e-4  # of a fitted point from the one computed
_NODES = (9, 9, 4)  # east, north, up of the points that are computed for the fit
_PLANE = [(i, j) for i in range(5) for j in range(5 - i)]  # powers of x and y
_RAISED = [(i, j) for i in range(3) for j in range(3 - i)]  # the same, times z
_FARTHEST_M = (2**31 - 1) * STEP_M  # from the origin, along an axis

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Carried:
    """The way from a file's coordinates to the park's frame: the system they are in, the rule for their heights, the frame."""

    crs: str
    rule: Heights
    frame: Frame

    def exact(self, xyz: Floats) -> Floats:
        """Points (n, 3) [m, enu] of points in the file's coordinates."""
        lonlat = to_lonlat(xyz[:, :2], horizontal(self.crs))[:, :2]
        return self.frame.to_enu(np.column_stack([lonlat, self.rule.to_park(lonlat, xyz[:, 2])]))


@dataclass(frozen=True)
class Fit:
    """A polynomial of a box's coordinates, each from -1 to 1 across it; None of coefficients where it would not be good enough."""

    middle: Floats  # (3,)
    half: Floats  # (3,)
    coefficients: Floats | None  # (k, 3)


def fitted(way: Carried, box: NDArray[np.float64]) -> Fit:
    """The fit of a way over a box (2, 3) in the file's coordinates."""
    middle, half = box.mean(axis=0), np.maximum(np.ptp(box, axis=0) / 2, 1e-3)
    nodes = [np.cos(np.pi * (np.arange(count) + 0.5) / count) for count in _NODES]  # Chebyshev's: the fit is good at the rim too
    unit = np.stack(np.meshgrid(*nodes, indexing="ij"), axis=-1).reshape(-1, 3)
    told = way.exact(middle + half * unit)
    if not np.isfinite(told).all():
        return Fit(middle, half, None)
    coefficients = np.asarray(np.linalg.lstsq(_terms(unit), told, rcond=None)[0], np.float64)
    between = np.random.default_rng(0).uniform(-1, 1, (256, 3))
    missed = np.abs(_terms(between) @ coefficients - way.exact(middle + half * between)).max()
    return Fit(middle, half, coefficients if missed <= FIT_M else None)


def _terms(unit: Floats) -> Floats:
    x, y, z = unit.T
    return np.column_stack([*(x**i * y**j for i, j in _PLANE), *(z * x**i * y**j for i, j in _RAISED)])


def keep_points(path: Path, header: Header, box: Box, way: Carried, place: Path, *, progress: Progress) -> tuple[int, Color]:
    """Write the points of a file that lie in a box to `place`: how many, and what their colours are."""
    solid = np.column_stack([np.array(box), header.box[:, 2]])
    fit = fitted(way, solid)
    origin = np.round(way.exact(solid.mean(axis=0)[None])[0])
    colors: list[Color] = []

    def parts() -> Iterator[NDArray[np.void]]:
        top = 0
        for points in read_points(path, header, box, progress, with_color=True):
            top = top or _top(points)
            colors[:] = [points.color_of if top else "none"]
            yield _packed(points, fit, way, origin, top)

    count = write_points(place, origin, parts(), lambda: colors[0] if colors else "none")
    return count, (colors[0] if colors else "none")


def _top(points: Points) -> int:
    """The brightest a colour can be, by the first points: some files fill 8 bits of the 16, intensities any number; 0: all are black."""
    if not len(points.color) or not points.color.any():
        return 0
    if points.color_of == "intensity":
        return max(1, int(np.percentile(points.color, 99)))
    return 255 if points.color.max() <= 255 else 65535


def _packed(points: Points, fit: Fit, way: Carried, origin: Floats, top: int) -> NDArray[np.void]:
    """Points as they are kept; those that lie nowhere near the park are left out."""
    if fit.coefficients is None:
        xyz = way.exact(points.xyz)
    else:
        xyz = np.empty_like(points.xyz)
        _carry(points.xyz, fit.middle, fit.half, fit.coefficients, xyz)
    xyz -= origin
    near = np.asarray((np.abs(xyz) < _FARTHEST_M).all(axis=1))  # NaN is not near
    out = np.zeros(int(near.sum()), POINT)
    out["xyz"] = np.rint(xyz[near] / STEP_M)
    if top:
        shades = np.minimum(points.color[near] * (255.0 / top) + 0.5, 255).astype(np.uint8)
        out["color"] = shades if shades.ndim == 2 else shades[:, None]
    out["class"] = points.classes[near]
    return out


@numba.njit(cache=True, nogil=True)
def _carry(xyz: Floats, middle: Floats, half: Floats, coefficients: Floats, out: Floats) -> None:
    """The polynomial of `_terms` at each point, in the same order of terms."""
    for n in range(len(xyz)):
        x, y, z = (xyz[n, 0] - middle[0]) / half[0], (xyz[n, 1] - middle[1]) / half[1], (xyz[n, 2] - middle[2]) / half[2]
        out[n] = 0.0
        term = 0
        for degree, factor in ((5, 1.0), (3, z)):
            across = factor
            for i in range(degree):
                value = across
                for _ in range(degree - i):
                    for k in range(3):
                        out[n, k] += value * coefficients[term, k]
                    value *= y
                    term += 1
                across *= x
