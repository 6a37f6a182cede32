"""What a camera resolves: field of view, pixel density, range, focus, steepness and light, for points and for whole boxes.

A rectilinear lens looks along f, with r to the right and u upward of the image. A point at v from the lens is in the field of view
where |r·v| <= (f·v) tan(hfov/2) and |u·v| <= (f·v) tan(vfov/2); an object facing the camera there is drawn with

        density = pixels_w / (2 · depth · tan(hfov/2)) px/m,    depth = f·v

which does not depend on how far off the axis it is. An object turned away by ψ keeps cos ψ of it; the height of one that stands keeps
cos δ, δ the depression of the line of sight. A fisheye lens draws the angle θ off its axis at k·θ, k = R / (fov/2) pixels per radian;
of its radial density k/D and its tangential density (k·θ/sin θ)/D, D = |v|, the lower one counts. A camera that can be turned, asked
where it can look at all, puts the target in the middle of its narrowest picture: its depth is the distance.

What is not known exactly makes up to three views of one aim: the best knowledge, what every possibility sees (`View.least`), and what
any of them sees (`View.most`).

Sources: IEC 62676-4 (pixel density on the target), DB31/T 329.1-2019 (depression), coverage.md 1.2.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.coverage import inview
from twin.coverage.inview import ANY_WAY, FISHEYE, N_PLANES, PLANE, PLANES, REACHABLE, RECTILINEAR, density_at, verdict_at

FloatArray = NDArray[np.float64]

WIDEST_LENS_RAD = math.radians(150.0)  # a wider rectilinear image does not exist: it is put together from several
LEAST, AS_KNOWN, MOST = -1, 0, 1  # how a view counts what is not known of its pose


@dataclass(frozen=True)
class Slack:
    """By how much a camera's pose may differ from what is known of it, each way."""

    xy_m: float = 0.0
    z_m: float = 0.0
    azimuth_rad: float = 0.0
    tilt_rad: float = 0.0


EXACT = Slack()


@dataclass(frozen=True)
class Reachable:
    """Where a camera can be turned: pan about the view's azimuth, tilt below horizontal, and how far off its aim its picture reaches."""

    pan_half_rad: float = math.pi
    tilt_low_rad: float = 0.0
    tilt_high_rad: float = math.pi / 2
    spread_rad: float = 0.0


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
    focal_px: float | None = None  # focal length in pixels, where it does not follow from pixels_w and hfov
    squeeze: float = 1.0  # pixels per metre along the image's height, of those along its width
    focus_m: tuple[float, float] = (0.0, math.inf)  # depths between which the picture is sharp
    beam_rad: float | None = None  # full angle of the camera's own light, where targets are lit by nothing else
    is_dark: bool = False  # nothing lights what it looks at
    reachable: Reachable = Reachable()  # of a REACHABLE one
    slack: Slack = EXACT
    sign: int = AS_KNOWN
    least: View | None = None  # what it sees whatever is true of what is not known; None: nothing is in doubt
    most: View | None = None  # what it may see


@dataclass(frozen=True)
class Criteria:
    """What a target must fulfil besides being in view."""

    density_px_per_m: float = 125.0  # across a target
    max_depression_rad: float | None = None  # of the line of sight below the lens's horizon
    upright_px_per_m: float = 0.0  # along the height of a standing target
    facing_rad: float | None = None  # the way targets face, clockwise from north; None: towards the camera
    max_yaw_rad: float | None = None  # how far such a target may be turned away


def axes(view: View) -> FloatArray:
    """Forward, right and up of the image (3, 3), one a row. [unit, enu]"""
    sin_a, cos_a = math.sin(view.azimuth_rad), math.cos(view.azimuth_rad)
    sin_t, cos_t = math.sin(view.tilt_rad), math.cos(view.tilt_rad)
    return np.array([
        [sin_a * cos_t, cos_a * cos_t, -sin_t],
        [cos_a, -sin_a, 0.0],
        [sin_a * sin_t, cos_a * sin_t, cos_t],
    ])  # fmt: skip


def focal_length(view: View) -> float:
    """The focal length in pixels: density times depth; of a fisheye, pixels per radian. [px·m/m]"""
    if view.focal_px is not None:
        return view.focal_px
    return view.pixels_w / view.hfov_rad if view.lens == FISHEYE else view.pixels_w / (2 * math.tan(view.hfov_rad / 2))


def reach(view: View, criteria: Criteria) -> float:
    """The farthest that a target can be from the lens [m]; infinite where neither range nor density bound it."""
    packed = pack(view, criteria)
    slack = max(0.0, float(packed[inview.AT_SIGN])) * math.hypot(view.slack.xy_m, view.slack.z_m)
    corner = 1.0 if view.lens in {FISHEYE, REACHABLE} else float(packed[inview.AT_CORNER])
    depth = min(float(packed[inview.AT_DEPTH]), float(packed[inview.AT_UPRIGHT]))
    return min((depth + slack) / max(corner, 1e-9), view.range_m + slack)


@lru_cache(maxsize=8192)  # the views of a park, asked again and again
def pack(view: View, criteria: Criteria) -> FloatArray:
    """A view and criteria as the numbers that the compiled tests take, not to be written to; `twin.coverage.inview` says where each is."""
    out = np.zeros(inview.SIZE)
    out[0:3] = view.position
    out[3:12] = axes(view).ravel()
    rectilinear = view.lens in {RECTILINEAR, ANY_WAY}
    across, along = (math.tan(view.hfov_rad / 2), math.tan(view.vfov_rad / 2)) if rectilinear else (0.0, 0.0)
    focal = focal_length(view)
    upright = criteria.upright_px_per_m
    out[inview.AT_KIND], out[inview.AT_RANGE], out[inview.AT_FOCAL], out[inview.AT_FOCAL_UP] = (
        view.lens, view.range_m, focal, focal * view.squeeze
    )  # fmt: skip
    out[inview.AT_TAN_H], out[inview.AT_TAN_V], out[inview.AT_UPRIGHT_PX] = across, along, upright
    out[inview.AT_STEEP] = math.inf if criteria.max_depression_rad is None else math.tan(criteria.max_depression_rad)
    out[inview.AT_DEPTH] = focal / criteria.density_px_per_m if criteria.density_px_per_m > 0 else math.inf
    out[inview.AT_UPRIGHT] = focal * view.squeeze / upright if upright > 0 else math.inf
    out[inview.AT_CORNER] = 1 / math.sqrt(1 + across**2 + along**2)
    out[inview.AT_IS_DARK] = view.is_dark
    _pack_facing(out, criteria)
    _pack_pose(out, view)
    _pack_planes(out, view, across, along)
    return out


def _pack_facing(out: FloatArray, criteria: Criteria) -> None:
    if criteria.facing_rad is not None:
        out[inview.AT_FACING : inview.AT_FACING + 3] = 1.0, math.sin(criteria.facing_rad), math.cos(criteria.facing_rad)
    out[inview.AT_COS_YAW] = -2.0 if criteria.max_yaw_rad is None else math.cos(criteria.max_yaw_rad)
    out[inview.AT_HAS_MORE] = criteria.facing_rad is not None or criteria.upright_px_per_m > 0


def _pack_pose(out: FloatArray, view: View) -> None:
    """What is not known of the pose, the cones about the axis, and the limits of what can be turned."""
    slack, sign, turned = view.slack, view.sign, view.reachable
    out[inview.AT_SIGN : inview.AT_NOD + 1] = (
        (sign, slack.xy_m, slack.z_m, slack.azimuth_rad, slack.tilt_rad) if sign else (0.0, 0.0, 0.0, 0.0, 0.0)
    )
    out[inview.AT_CONE_SLACK] = slack.azimuth_rad * abs(math.cos(view.tilt_rad)) + slack.tilt_rad if sign else 0.0
    half = view.hfov_rad / 2 if view.lens == FISHEYE else math.inf
    beam = math.inf if view.beam_rad is None or view.lens in {ANY_WAY, REACHABLE} else view.beam_rad / 2
    out[inview.AT_HALF_CONE] = min(half, beam)
    out[inview.AT_PAN], out[inview.AT_PAN_HALF] = view.azimuth_rad, turned.pan_half_rad
    out[inview.AT_TILT_LOW], out[inview.AT_TILT_HIGH], out[inview.AT_SPREAD] = turned.tilt_low_rad, turned.tilt_high_rad, turned.spread_rad


def _pack_planes(out: FloatArray, view: View, across: float, along: float) -> None:
    """The planes that bound a rectilinear picture: right, left, top, bottom, greatest depth by density and by focus, least by focus."""
    forward, right, up = out[3:6], out[6:9], out[9:12]
    near, far = view.focus_m
    planes = (
        (right - across * forward, 0.0, across),
        (-right - across * forward, 0.0, across),
        (up - along * forward, 0.0, math.hypot(1.0, along)),
        (-up - along * forward, 0.0, math.hypot(1.0, along)),
        (forward, float(min(out[inview.AT_DEPTH], out[inview.AT_UPRIGHT])), 1.0),
        (forward, far, 1.0),
        (-forward, -near if near > 0 else math.inf, 1.0),
    )
    for k, (normal, limit, across_tilt) in enumerate(planes):
        flat = math.hypot(normal[0], normal[1])
        shift = out[inview.AT_XY] * flat + out[inview.AT_Z] * abs(normal[2])
        row = (*normal, limit, shift, out[inview.AT_TURN] * flat, out[inview.AT_NOD] * across_tilt)
        out[PLANES + PLANE * k : PLANES + PLANE * (k + 1)] = row
    if view.lens != RECTILINEAR:
        out[PLANES + 3 : PLANES + PLANE * N_PLANES : PLANE] = math.inf


def densities(view: View, targets: FloatArray) -> FloatArray:
    """Pixels per metre (n,) on targets (n, 3) [m, enu] that face the camera; 0 behind a rectilinear lens. [px/m]"""
    packed = pack(view, Criteria())
    return _densities(packed, np.ascontiguousarray(targets, float))


def fisheye_densities(view: View, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Radial and tangential pixels per metre (n,) of an equidistant fisheye on targets (n, 3) [m, enu]. [px/m]"""
    way = np.asarray(targets, float) - np.array(view.position)
    distance = np.maximum(np.linalg.norm(way, axis=1), 1e-12)
    off = np.arccos(np.clip(way @ axes(view)[0] / distance, -1.0, 1.0))
    radial = focal_length(view) / distance
    return radial, radial / np.sinc(off / np.pi)  # sinc(x) = sin(pi x) / (pi x)


def depth_of_field(focal_mm: float, aperture: float, focus_m: float, confusion_mm: float) -> tuple[float, float]:
    """The depths [m] between which a picture is sharp: a point is drawn no larger than the circle of confusion.

    Parameters
    ----------
    focal_mm, aperture
        Focal length [mm] and f-number of the lens.
    focus_m
        The distance it is focused on; infinite: far away. [m]
    confusion_mm
        The greatest blur that counts as sharp, as one pixel. [mm]
    """
    # a point at d is drawn f² |d - s| / (N d (s - f)) wide
    nearest = focal_mm**2 / (aperture * confusion_mm)  # sharp from here on where the focus is far away [mm]
    if math.isinf(focus_m):
        return nearest / 1000, math.inf
    focus = focus_m * 1000
    near = nearest * focus / (nearest + (focus - focal_mm))
    beyond = nearest - (focus - focal_mm)
    return near / 1000, nearest * focus / beyond / 1000 if beyond > 0 else math.inf


def verdicts(view: View, criteria: Criteria, targets: FloatArray) -> NDArray[np.int8]:
    """INSIDE, or the index in REASONS of what keeps each target (n, 3) [m, enu] from counting, lines of sight apart: (n,)."""
    return _verdicts(pack(view, criteria), np.ascontiguousarray(targets, float))


def possible(view: View) -> View:
    """The view with everything that is in doubt for it."""
    return view if view.most is None else view.most


def certain(view: View) -> View:
    """The view with everything that is in doubt against it."""
    return view if view.least is None else view.least


def is_in_doubt(view: View) -> bool:
    """Whether there is more than one thing that the view may be."""
    return view.least is not None or view.most is not None


def known(views: Sequence[View]) -> list[View]:
    """The views whose direction is known."""
    return [view for view in views if view.lens != ANY_WAY]


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
