"""What a camera resolves: field of view, pixel density, range and steepness, for points and for whole boxes.

A rectilinear lens looks along f, with r to the right and u upward of the image. A point at v from the lens is in the field of view
where |r·v| <= (f·v) tan(hfov/2) and |u·v| <= (f·v) tan(vfov/2); an object facing the camera there is drawn with

        density = pixels_w / (2 · depth · tan(hfov/2)) px/m,    depth = f·v

which does not depend on how far off the axis it is. A fisheye lens draws the angle θ off its axis at k·θ, k = R / (fov/2) pixels per
radian; of its radial density k/D and its tangential density (k·θ/sin θ)/D, D = |v|, the lower one counts.

Sources: IEC 62676-4 (pixel density on the target); the densities of both its editions are in LADDERS.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# edition of IEC 62676-4 -> level -> least density [px/m]
LADDERS: Mapping[str, Mapping[str, float]] = {
    "2014": {"monitor": 12.5, "detect": 25.0, "observe": 62.5, "recognise": 125.0, "identify": 250.0, "inspect": 1000.0},
    "2025": {
        "overview": 20.0, "outline": 40.0, "discern": 80.0, "perceive": 125.0, "characterise": 250.0, "validate": 500.0,
        "scrutinise": 1500.0,
    },
}  # fmt: skip

RECTILINEAR, FISHEYE, ANY_WAY = 0, 1, 2  # ANY_WAY: nobody knows where it looks; it may see all round
INSIDE, OUT_OF_RANGE, OUT_OF_VIEW, TOO_COARSE, TOO_STEEP = range(5)
REASONS = ("", "out_of_range", "outside_field_of_view", "density", "too_steep")
OUT, IN, MIXED = 0, 1, 2  # what can be said of a whole box

WIDEST_LENS_RAD = math.radians(150.0)  # a wider rectilinear image does not exist: it is put together from several


@dataclass(frozen=True)
class View:
    """One aim of one camera; a camera with presets or several heads has several."""

    camera: str  # id of the device
    position: tuple[float, float, float]  # of the lens [m, enu]
    lens: int = RECTILINEAR
    azimuth_rad: float = 0.0  # clockwise from north
    tilt_rad: float = 0.0  # below horizontal
    hfov_rad: float = math.radians(90.0)
    vfov_rad: float = math.radians(58.7)
    pixels_w: float = 1920.0  # of a fisheye: the diameter of the image circle
    range_m: float = math.inf  # slant


@dataclass(frozen=True)
class Criteria:
    """What a target must fulfil besides being in view."""

    density_px_per_m: float = 125.0
    max_depression_rad: float | None = None  # of the line of sight below the lens's horizon


def level_of(density: float, edition: str) -> str | None:
    """The highest level of IEC 62676-4 in `edition` that a density [px/m] reaches; None below the lowest."""
    reached = [name for name, least in LADDERS[edition].items() if density >= least]
    return reached[-1] if reached else None


def axes(view: View) -> FloatArray:
    """Forward, right and up of the image (3, 3), one a row. [unit, enu]"""
    sin_a, cos_a = math.sin(view.azimuth_rad), math.cos(view.azimuth_rad)
    sin_t, cos_t = math.sin(view.tilt_rad), math.cos(view.tilt_rad)
    return np.array([
        [sin_a * cos_t, cos_a * cos_t, -sin_t],
        [cos_a, -sin_a, 0.0],
        [sin_a * sin_t, cos_a * sin_t, cos_t],
    ])  # fmt: skip


def reach(view: View, criteria: Criteria) -> float:
    """The farthest that a target can be from the lens [m]; infinite where neither range nor density bound it."""
    packed = pack(view, criteria)
    if view.lens == FISHEYE:
        return float(min(packed[14], packed[15]))
    corner = math.sqrt(1 + packed[12] ** 2 + packed[13] ** 2)  # slant distance per depth in the corner of the image
    return float(min(packed[14] * corner, packed[15]))


def pack(view: View, criteria: Criteria) -> FloatArray:
    """A view and criteria as the numbers that the compiled tests take (20,).

    0-2 lens, 3-5 forward, 6-8 right, 9-11 up, 12 tan(hfov/2), 13 tan(vfov/2), 14 greatest depth (fisheye: distance) by density,
    15 range, 16 tan of the steepest depression, 17 lens, 18 half the fisheye's angle, 19 px·m of density (density · depth).
    """
    out = np.zeros(20)
    out[0:3] = view.position
    out[3:12] = axes(view).ravel()
    fisheye = view.lens == FISHEYE
    out[12] = 0.0 if fisheye else math.tan(view.hfov_rad / 2)
    out[13] = 0.0 if fisheye else math.tan(view.vfov_rad / 2)
    out[19] = view.pixels_w / view.hfov_rad if fisheye else view.pixels_w / (2 * out[12])
    out[14] = out[19] / criteria.density_px_per_m if criteria.density_px_per_m > 0 else math.inf
    out[15] = view.range_m
    out[16] = math.inf if criteria.max_depression_rad is None else math.tan(criteria.max_depression_rad)
    out[17] = view.lens
    out[18] = view.hfov_rad / 2
    return out


def densities(view: View, targets: FloatArray) -> FloatArray:
    """Pixels per metre (n,) on targets (n, 3) [m, enu] that face the camera; 0 behind a rectilinear lens. [px/m]"""
    packed = pack(view, Criteria())
    return _densities(packed, np.ascontiguousarray(targets, float))


def verdicts(view: View, criteria: Criteria, targets: FloatArray) -> NDArray[np.int8]:
    """INSIDE, or the index in REASONS of what keeps each target (n, 3) [m, enu] from counting, lines of sight apart: (n,)."""
    return _verdicts(pack(view, criteria), np.ascontiguousarray(targets, float))


@njit(cache=True, nogil=True)
def density_at(view: FloatArray, x: float, y: float, z: float) -> float:
    """Density [px/m] of a packed view on a target at (x, y, z) from its lens. [m]"""
    depth = math.sqrt(x * x + y * y + z * z) if view[17] == FISHEYE else x * view[3] + y * view[4] + z * view[5]
    return view[19] / depth if depth > 0 else 0.0


@njit(cache=True, nogil=True)
def verdict_at(view: FloatArray, x: float, y: float, z: float) -> int:  # noqa: PLR0911  one return a reason
    """INSIDE or the reason why not, for a packed view and a target at (x, y, z) from its lens. [m]"""
    distance = math.sqrt(x * x + y * y + z * z)
    if view[17] == ANY_WAY:
        if distance > min(view[15], view[14] * math.sqrt(1 + view[12] ** 2 + view[13] ** 2)):
            return OUT_OF_RANGE
        return TOO_STEEP if -z > view[16] * math.hypot(x, y) else INSIDE
    depth = x * view[3] + y * view[4] + z * view[5]
    if view[17] == FISHEYE:
        if depth < distance * math.cos(view[18]):
            return OUT_OF_VIEW
        depth = distance
    else:
        right, up = x * view[6] + y * view[7] + z * view[8], x * view[9] + y * view[10] + z * view[11]
        if depth <= 0 or abs(right) > depth * view[12] or abs(up) > depth * view[13]:
            return OUT_OF_VIEW
    if distance > view[15]:
        return OUT_OF_RANGE
    if depth > view[14]:
        return TOO_COARSE
    return TOO_STEEP if -z > view[16] * math.hypot(x, y) else INSIDE


@njit(cache=True, nogil=True)
def box_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """What holds for every target in a box about (x, y, z) from the lens [m], half wide as given: IN, OUT, or MIXED.

    IN and OUT are certain; MIXED may also be said of a box that is one of the two.
    """
    state = _distance_verdict(view, x, y, z, half, half_z)
    if state == OUT or view[17] == ANY_WAY:
        return state
    other = _cone_verdict(view, x, y, z, half, half_z) if view[17] == FISHEYE else _frustum_verdict(view, x, y, z, half, half_z)
    if other == OUT:
        return OUT
    return IN if state == IN and other == IN else MIXED


@njit(cache=True, nogil=True)
def _distance_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """Range and depression over a box; the greatest depth too where it is a distance."""
    near_x, near_y, near_z = max(abs(x) - half, 0.0), max(abs(y) - half, 0.0), max(abs(z) - half_z, 0.0)
    far_x, far_y, far_z = abs(x) + half, abs(y) + half, abs(z) + half_z
    limit = view[15]
    if view[17] == FISHEYE:
        limit = min(limit, view[14])
    elif view[17] == ANY_WAY:
        limit = min(limit, view[14] * math.sqrt(1 + view[12] ** 2 + view[13] ** 2))
    near, far = math.sqrt(near_x**2 + near_y**2 + near_z**2), math.sqrt(far_x**2 + far_y**2 + far_z**2)
    if near > limit:
        return OUT
    certain = far <= limit
    if view[16] < math.inf:
        flat_near, flat_far = math.hypot(near_x, near_y), math.hypot(far_x, far_y)
        if -(z + half_z) > view[16] * flat_far:
            return OUT
        certain = certain and -(z - half_z) <= view[16] * flat_near
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _frustum_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """Four sides and the greatest depth over a box: each is linear, so its extremes over the box are exact."""
    certain = True
    for side in range(5):
        if side == 4:
            a, b, c, limit = view[3], view[4], view[5], view[14]
        else:
            k = 6 if side < 2 else 9
            sign = 1.0 if side % 2 == 0 else -1.0
            slope = view[12] if side < 2 else view[13]
            a, b, c = sign * view[k] - slope * view[3], sign * view[k + 1] - slope * view[4], sign * view[k + 2] - slope * view[5]
            limit = 0.0
        middle, spread = a * x + b * y + c * z, (abs(a) + abs(b)) * half + abs(c) * half_z
        if middle - spread > limit:
            return OUT
        certain = certain and middle + spread <= limit
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _cone_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """The fisheye's cone over the ball about a box."""
    distance, radius = math.sqrt(x * x + y * y + z * z), math.sqrt(2 * half * half + half_z * half_z)
    if radius >= distance:
        return MIXED
    off = math.acos(min(1.0, max(-1.0, (x * view[3] + y * view[4] + z * view[5]) / distance)))
    spread = math.asin(radius / distance)
    if off - spread > view[18]:
        return OUT
    return IN if off + spread <= view[18] else MIXED


@njit(cache=True, nogil=True)
def _densities(view: FloatArray, targets: FloatArray) -> Any:
    out = np.empty(len(targets))
    for i in range(len(targets)):
        out[i] = density_at(view, targets[i, 0] - view[0], targets[i, 1] - view[1], targets[i, 2] - view[2])
    return out


@njit(cache=True, nogil=True)
def _verdicts(view: FloatArray, targets: FloatArray) -> Any:
    out = np.empty(len(targets), np.int8)
    for i in range(len(targets)):
        out[i] = verdict_at(view, targets[i, 0] - view[0], targets[i, 1] - view[1], targets[i, 2] - view[2])
    return out
