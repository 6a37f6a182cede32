"""Local grids tied to the Earth by control points: points whose coordinates are known in both.

Four parameters (scale, turn, two shifts) map a plane grid by at least two points; seven (scale, three turns, three shifts) a spatial one by
at least three that are not on one line. Both are least squares in closed form, about the middle of the points, in a local frame there:
east and north are its x and y, up is the height itself, as a levelled grid has it.

A set that cannot be trusted is refused: too few, coincident, on one line, mirrored, axes exchanged (Chinese surveyors' x runs north), or
one that no similarity maps. With points to spare, the one that spoils the fit is named by leaving each out in turn.

References
----------
Umeyama, Least-squares estimation of transformation parameters between two point patterns, IEEE PAMI 13 (1991) 376-380.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.crs import Frame
from twin.crsnames import UNITS_M
from twin.errors import CRSError

Array = NDArray[np.float64]

THIN = 0.02  # points whose cloud is thinner than this share of its length lie on a line, as far as a fit can tell
MISFIT = 0.05  # residuals beyond this share of the cloud's length: no similarity maps one set on the other
SURE_M = 0.05  # differences below this are measurement, not blunder
_EARTH_M = 6_371_000.0


@dataclass(frozen=True)
class ControlPoints:
    """n points known in a local grid and on Earth.

    `local` (n, 3) [grid units], `lonlat` (n, 2) [deg], `h` (n,) [m, park datum]; NaN where a height is not known.
    """

    names: Sequence[str]
    local: Array
    lonlat: Array
    h: Array

    def __len__(self) -> int:
        return len(self.names)

    @property
    def are_spatial(self) -> bool:
        """Whether every point has a height in both systems."""
        return bool(np.isfinite(self.local[:, 2]).all() and np.isfinite(self.h).all())


@dataclass(frozen=True)
class Similarity:
    """target = scale · turn @ (source − source_centre) + target_centre; turn (d, d), centres (d,)."""

    scale: float
    turn: Array
    source_centre: Array
    target_centre: Array

    def __call__(self, points: Array) -> Array:
        """Points (n, d) mapped (n, d)."""
        return self.scale * (points - self.source_centre) @ self.turn.T + self.target_centre


@dataclass(frozen=True)
class Suspect:
    """The point without which the others agree: how far it lies from where they put it, and the scatter they are left with. [m]"""

    name: str
    misses_m: float
    others_sigma_m: float


@dataclass(frozen=True)
class LocalGrid:
    """How a local grid lies on Earth, with what says how well.

    `residuals_m` (n, 2 or 3) are mapped minus known, east, north and, where the points have heights, up; `sigma_m` is the standard
    deviation of a coordinate, None without redundancy.
    """

    kind: Literal["plane", "space"]
    frame: Frame
    similarity: Similarity
    height_shift_m: float | None  # plane: height = scale · z + shift; None where the points have no heights
    points: ControlPoints
    residuals_m: Array
    redundancy: int
    suspect: Suspect | None = None

    @property
    def rms_m(self) -> float:
        """Root mean square of the points' distances from where they should be. [m]"""
        return float(np.sqrt((self.residuals_m**2).sum(axis=1).mean()))

    @property
    def sigma_m(self) -> float | None:
        """Standard deviation of one coordinate; None where nothing is left over. [m]"""
        spatial = self.kind == "space"
        total = float((self.residuals_m[:, : 3 if spatial else 2] ** 2).sum())
        return math.sqrt(total / self.redundancy) if self.redundancy > 0 else None

    @property
    def turn_deg(self) -> float:
        """From east to the grid's x axis, counter-clockwise. [deg]"""
        return math.degrees(math.atan2(self.similarity.turn[1, 0], self.similarity.turn[0, 0]))

    @property
    def unit(self) -> str | None:
        """The unit the scale says the grid is in; None where it is none."""
        return next((name for name, metres in UNITS_M.items() if abs(self.similarity.scale / metres - 1.0) < 0.005), None)

    def to_lonlat(self, points: ArrayLike) -> Array:
        """Longitude, latitude [deg] and height [m, park datum] (n, 3) of grid points (n, 2) or (n, 3); height NaN where unknown."""
        given = np.asarray(points, float)
        given = given.reshape(-1, given.shape[-1] if given.ndim else 2)
        z = given[:, 2] if given.shape[1] == 3 else np.full(len(given), np.nan)
        if self.kind == "space":
            level = np.where(np.isfinite(z), z, self.similarity.source_centre[2])
            mapped = self.similarity(np.column_stack([given[:, :2], level]))
            h = np.where(np.isfinite(z), mapped[:, 2], np.nan)
        else:
            mapped = self.similarity(given[:, :2])
            h = self.similarity.scale * z + (np.nan if self.height_shift_m is None else self.height_shift_m)
        return np.column_stack([_lonlat_of(self.frame, mapped[:, :2]), h])

    def pose(self, point: ArrayLike) -> tuple[float, float, float, float]:
        """Longitude, latitude [deg], height [m, park datum] of a grid point (2,) or (3,), and the turn of the grid's x axis there.

        The turn is counter-clockwise from the east of that place [deg]; with it a rigid body can be set down.
        """
        here = np.asarray(point, float)
        step = np.zeros_like(here)
        step[0] = 10.0 / self.similarity.scale
        at, ahead = self.to_lonlat(np.stack([here, here + step]))
        east, north, _ = Frame(float(at[0]), float(at[1]), self.frame.h_m).to_enu([ahead[:2]])[0]
        return float(at[0]), float(at[1]), float(at[2]), math.degrees(math.atan2(north, east))

    def details(self) -> dict[str, Any]:
        """Everything somebody needs to compute the fit again: points, parameters, residuals."""
        return {
            "method": "similarity, 4 parameters" if self.kind == "plane" else "Helmert, 7 parameters",
            "frame": {"lon": self.frame.lon_deg, "lat": self.frame.lat_deg, "h_m": self.frame.h_m},
            "scale": self.similarity.scale,
            "unit": self.unit,
            "turn_deg": self.turn_deg,
            "turn": self.similarity.turn.tolist(),
            "source_centre": self.similarity.source_centre.tolist(),
            "target_centre_m": self.similarity.target_centre.tolist(),
            "height_shift_m": self.height_shift_m,
            "rms_m": self.rms_m,
            "sigma_m": self.sigma_m,
            "redundancy": self.redundancy,
            "suspect": None if self.suspect is None else vars(self.suspect),
            "points": [self._point(i) for i in range(len(self.points))],
        }

    def _point(self, i: int) -> Mapping[str, Any]:
        x, y, z = (None if math.isnan(value) else value for value in self.points.local[i].tolist())
        lon, lat = self.points.lonlat[i].tolist()
        h = float(self.points.h[i])
        said = {"name": self.points.names[i], "x": x, "y": y, "z": z, "lon": lon, "lat": lat, "h": None if math.isnan(h) else h}
        return said | dict(zip(("de_m", "dn_m", "dh_m"), self.residuals_m[i].tolist(), strict=False))


def fit(points: ControlPoints, *, h_m: float = 0.0, kind: Literal["plane", "space"] | None = None, is_confirmed: bool = False) -> LocalGrid:
    """The grid that maps the points best.

    Parameters
    ----------
    points
        At least two, or three for a spatial grid.
    h_m
        Height the plane of the fit lies at, where the points have none. [m]
    kind
        `plane` or `space`; None: a plane with a shift of heights, unless four points and more say clearly that the grid is tilted.
    is_confirmed
        Whether a set whose axes nobody can check (two points, or all on one line) is taken although it looks exchanged.

    Raises
    ------
    CRSError
        If the set cannot be trusted.
    """
    if len(points) < (3 if kind == "space" else 2):
        raise CRSError("control_too_few", subject=len(points), needed=3 if kind == "space" else 2)
    level = float(np.nanmean(points.h)) if np.isfinite(points.h).any() else h_m
    middle = points.lonlat.mean(axis=0)
    frame = Frame(float(middle[0]), float(middle[1]), level)
    plane = _xy_of(frame, points.lonlat)
    _check_shape(points, plane, is_confirmed)
    grid = _plane_grid(points, frame, plane)
    if kind == "space" or (kind is None and points.are_spatial):
        spatial = _space_grid(points, frame, plane) if points.are_spatial else None
        if spatial is None and kind == "space":
            raise CRSError("control_no_heights", subject=len(points))
        grid = spatial if spatial is not None and (kind == "space" or _is_tilted(grid, spatial)) else grid
    grid = replace(grid, suspect=_suspect(grid, plane))
    _check_misfit(grid, plane)
    return grid


def similarity(source: Array, target: Array, *, is_mirrored: bool = False) -> Similarity:
    """The least-squares similarity from points (n, d) to points (n, d); mirrored where asked."""
    source_centre, target_centre = source.mean(axis=0), target.mean(axis=0)
    a, b = source - source_centre, target - target_centre
    u, singular, vt = np.linalg.svd(b.T @ a)
    signs = np.ones(len(singular))
    signs[-1] = (-1.0 if is_mirrored else 1.0) * np.sign(np.linalg.det(u) * np.linalg.det(vt))
    scale = float((singular * signs).sum() / (a**2).sum())
    return Similarity(scale, (u * signs) @ vt, source_centre, target_centre)


def _check_shape(points: ControlPoints, plane: Array, is_confirmed: bool) -> None:
    """Refuse sets from which a fit would be wrong without looking wrong."""
    local = points.local[:, :2]
    long, thin = _extent(plane)
    local_long, local_thin = _extent(local)
    if long < 1.0 or local_long <= 0.0 or not np.isfinite(local_long) or _repeats(plane, long) or _repeats(local, local_long):
        raise CRSError("control_coincident", subject=", ".join(points.names))
    straight, mirrored = similarity(local, plane), similarity(local, plane, is_mirrored=True)
    as_is, flipped = _rms(straight, local, plane), _rms(mirrored, local, plane)
    exchanged = _turn(similarity(local[:, ::-1], plane))
    if thin < THIN * long or local_thin < THIN * local_long:
        if abs(exchanged) < 2.0 < abs(_turn(straight)) - 3.0 and not is_confirmed:
            raise CRSError("control_swapped_line", subject=len(points), turn=round(_turn(straight)), other=f"{exchanged:.1f}")
        if len(points) > 2 and not is_confirmed:
            raise CRSError("control_collinear", subject=len(points))
    elif flipped < 0.3 * as_is and as_is > max(SURE_M, 0.001 * long):
        code = "control_swapped" if abs(exchanged) < 45.0 else "control_mirrored"
        raise CRSError(code, subject=len(points), as_is=f"{as_is:.2f}", flipped=f"{flipped:.2f}")


def _plane_grid(points: ControlPoints, frame: Frame, plane: Array) -> LocalGrid:
    mapping = similarity(points.local[:, :2], plane)
    residuals = mapping(points.local[:, :2]) - plane
    both = np.isfinite(points.local[:, 2]) & np.isfinite(points.h)
    shift = None
    if both.any():
        misses = mapping.scale * points.local[:, 2] - points.h
        shift = -float(misses[both].mean())
        residuals = np.column_stack([residuals, np.where(both, misses + shift, 0.0)])
    return LocalGrid("plane", frame, mapping, shift, points, residuals, 2 * len(points) - 4)


def _space_grid(points: ControlPoints, frame: Frame, plane: Array) -> LocalGrid | None:
    """The spatial fit; None where the points do not determine it."""
    solid = np.column_stack([plane, points.h])
    if len(points) < 3 or _extent(solid)[1] < THIN * _extent(solid)[0]:
        return None
    mapping = similarity(points.local, solid)
    if mapping.turn[2, 2] < math.cos(math.radians(45.0)):  # flat points can be laid upside down: that is a mirrored plane
        raise CRSError("control_mirrored", subject=len(points), as_is="—", flipped="—")
    return LocalGrid("space", frame, mapping, None, points, mapping(points.local) - solid, 3 * len(points) - 7)


def _is_tilted(plane: LocalGrid, space: LocalGrid) -> bool:
    """Whether the heights say that the grid is tilted: few heights and small differences are no reason to believe it."""
    n = len(plane.points)
    level = float((plane.residuals_m[:, 2] ** 2).sum() / (n - 1)) ** 0.5
    return n >= 4 and level > SURE_M and (space.sigma_m or 0.0) < 0.3 * level


def _suspect(grid: LocalGrid, plane: Array) -> Suspect | None:
    """The one point without which the others agree at least three times better, where one stands out."""
    spatial = grid.kind == "space"
    source = grid.points.local if spatial else grid.points.local[:, :2]
    target = np.column_stack([plane, grid.points.h]) if spatial else plane
    n, width = source.shape
    parameters = 7 if spatial else 4
    if (n - 1) * width <= parameters:
        return None
    left: list[tuple[float, float, int]] = []
    for i in range(n):
        others = np.arange(n) != i
        mapping = similarity(source[others], target[others])
        spread = float(((mapping(source[others]) - target[others]) ** 2).sum())
        misses = float(np.linalg.norm(mapping(source[[i]]) - target[[i]]))
        left.append((math.sqrt(spread / ((n - 1) * width - parameters)), misses, i))
    (sigma, misses, i), (second, *_) = sorted(left)[:2]
    stands_out = misses > max(SURE_M, 4.0 * sigma) and sigma < (grid.sigma_m or 0.0) / 3.0 and sigma < 0.7 * second
    return Suspect(grid.points.names[i], misses, sigma) if stands_out else None


def _check_misfit(grid: LocalGrid, plane: Array) -> None:
    if grid.rms_m <= max(MISFIT * _extent(plane)[0], SURE_M):
        return
    if grid.suspect is not None:
        about = {"name": grid.suspect.name, "misses": f"{grid.suspect.misses_m:.2f}", "sigma": f"{grid.suspect.others_sigma_m:.3f}"}
        raise CRSError("control_misfit_suspect", subject=len(grid.points), rms=f"{grid.rms_m:.2f}", **about)
    raise CRSError("control_misfit", subject=len(grid.points), rms=f"{grid.rms_m:.2f}")


def _xy_of(frame: Frame, lonlat: Array) -> Array:
    """East and north (n, 2) of positions (n, 2) [deg], all laid on the height of the frame. [m]"""
    return frame.to_enu(np.column_stack([lonlat, np.full(len(lonlat), frame.h_m)]))[:, :2]


def _lonlat_of(frame: Frame, xy: Array) -> Array:
    """Positions (n, 2) [deg] of east and north (n, 2) [m] on the height of the frame: the way back of `_xy_of`."""
    z = -(xy**2).sum(axis=1) / (2 * _EARTH_M)
    for _ in range(2):  # the ground falls away from the tangent plane; what is left after one step is squared
        at = frame.to_lonlat(np.column_stack([xy, z]))
        z = z + frame.h_m - at[:, 2]
    return frame.to_lonlat(np.column_stack([xy, z]))[:, :2]


def _extent(points: Array) -> tuple[float, float]:
    """Length and width of a cloud of points: twice the standard deviation along its first two axes."""
    centred = points - points.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False) * 2 / math.sqrt(len(points))
    return float(singular[0]), float(singular[1]) if len(singular) > 1 else 0.0


def _repeats(points: Array, long: float) -> bool:
    """Whether two of the points are one."""
    gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
    return bool((gaps[np.triu_indices(len(points), 1)] < 1e-6 * long).any())


def _rms(mapping: Similarity, source: Array, target: Array) -> float:
    return float(np.sqrt(((mapping(source) - target) ** 2).sum(axis=1).mean()))


def _turn(mapping: Similarity) -> float:
    """The turn of a plane similarity, -180 to 180. [deg]"""
    return math.degrees(math.atan2(mapping.turn[1, 0], mapping.turn[0, 0]))
