"""Whether a packed view has a point, or all of a box, in view: the compiled half of `twin.coverage.camera`, which packs views.

What bounds a rectilinear picture are planes: four sides, the greatest depth by density and by focus, the least by focus. Everything
else is a limit on distance, on angle off an axis, on depression, or on how far a target is turned away.

A view may be grown (sign +1) or shrunk (-1) by what is not known exactly of its pose. A plane a·v <= l through the lens becomes

        a·v <= l ± (xy·|a_h| + z·|a_z| + turn·|a_h|·|v_h| + nod·|a_r|·|v|)

for a lens displaced by up to xy and z, an azimuth off by `turn` and a tilt off by `nod` (a_h, v_h: horizontal parts; a_r: the part
across the axis of tilting): a rotation by an angle moves a point by no more than the angle times its distance from the axis. A grown
view holds all that any pose sees, a shrunk one only what every pose sees.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

RECTILINEAR, FISHEYE, ANY_WAY, REACHABLE = range(4)  # ANY_WAY: nobody knows where it looks; REACHABLE: wherever it can be turned
INSIDE, OUT_OF_RANGE, OUT_OF_VIEW, TOO_COARSE, TOO_STEEP, BLIND_ZONE, OUT_OF_FOCUS, TURNED_AWAY, TOO_DARK = range(9)
REASONS = (
    "", "out_of_range", "outside_field_of_view", "density", "too_steep", "blind_zone", "out_of_focus", "turned_away", "too_dark",
)  # fmt: skip
OUT, IN, MIXED = 0, 1, 2  # what can be said of a whole box

# places in a packed view
AT_FORWARD, AT_RIGHT, AT_UP = 3, 6, 9  # after the lens itself
AT_KIND, AT_RANGE, AT_STEEP, AT_FOCAL, AT_FOCAL_UP = 12, 13, 14, 15, 16  # focal lengths across and along the picture [px]
AT_DEPTH, AT_UPRIGHT = 17, 18  # greatest depth by density; greatest depth over cos(depression) by density along a standing target
AT_FACING = 19  # 1: targets face one way, which follows (east, north)
AT_COS_YAW, AT_HALF_CONE, AT_IS_DARK = 22, 23, 24
AT_SIGN, AT_XY, AT_Z, AT_TURN, AT_NOD = 25, 26, 27, 28, 29
AT_PAN, AT_PAN_HALF, AT_TILT_LOW, AT_TILT_HIGH, AT_SPREAD = 30, 31, 32, 33, 34
AT_CORNER, AT_HAS_MORE, AT_CONE_SLACK, AT_TAN_H, AT_TAN_V = 35, 36, 37, 38, 39  # cosine of the picture's corner off the axis
AT_UPRIGHT_PX = 40  # density asked for along a standing target [px/m]
PLANES, PLANE, N_PLANES = 41, 7, 7  # each a, b, c, limit, and what its slack takes by itself, by |v_h| and by |v|
SIZE = PLANES + PLANE * N_PLANES
_BOTTOM, _DENSITY, _FAR, _NEAR = 3, 4, 5, 6  # of the planes


@njit(cache=True, nogil=True)
def density_at(view: FloatArray, x: float, y: float, z: float) -> float:
    """Density [px/m] of a packed view on a target that faces it at (x, y, z) from its lens. [m]"""
    if view[AT_KIND] == FISHEYE or view[AT_KIND] == REACHABLE:
        depth = math.sqrt(x * x + y * y + z * z)
    else:
        depth = x * view[3] + y * view[4] + z * view[5]
    return view[AT_FOCAL] / depth if depth > 0 else 0.0


@njit(cache=True, nogil=True)
def verdict_at(view: FloatArray, x: float, y: float, z: float) -> int:  # noqa: PLR0911  one return a reason
    """INSIDE or the reason why not, for a packed view and a target at (x, y, z) from its lens. [m]"""
    kind = view[AT_KIND]
    flat = math.hypot(x, y)
    distance = math.sqrt(flat * flat + z * z)
    sign = view[AT_SIGN]
    away = sign * math.hypot(view[AT_XY], view[AT_Z])
    if kind != ANY_WAY:
        out = _aside(view, x, y, z, flat, distance)
        if out != INSIDE:
            return out
    if distance > view[AT_RANGE] + away:
        return OUT_OF_RANGE
    if view[AT_IS_DARK]:
        return TOO_DARK
    if kind == RECTILINEAR:
        out = _depth_verdict(view, x, y, z, flat, distance)
    else:
        limit = min(view[AT_DEPTH], view[AT_UPRIGHT]) / view[AT_CORNER] if kind == ANY_WAY else view[AT_DEPTH]
        out = TOO_COARSE if distance > limit + away else INSIDE
    if out != INSIDE:
        return out
    if -z > view[AT_STEEP] * flat + (sign * (view[AT_Z] + view[AT_STEEP] * view[AT_XY]) if view[AT_STEEP] < math.inf else 0.0):
        return TOO_STEEP
    if not view[AT_HAS_MORE] or kind == ANY_WAY:
        return INSIDE
    depth = x * view[3] + y * view[4] + z * view[5] if kind == RECTILINEAR else distance
    return _standing_verdict(view, x, y, depth, flat, distance)


@njit(cache=True, nogil=True)
def shortfall_at(view: FloatArray, verdict: int, x: float, y: float, z: float) -> float:
    """By how much a target misses what the verdict names: [px/m], [m] or [deg]; nan where that is no number."""
    flat = math.hypot(x, y)
    distance = math.sqrt(flat * flat + z * z)
    depth = x * view[3] + y * view[4] + z * view[5]
    if verdict == OUT_OF_RANGE:
        return distance - view[AT_RANGE]
    if verdict == TOO_COARSE:
        found = density_at(view, x, y, z)
        upright = view[AT_UPRIGHT_PX] - found * view[AT_FOCAL_UP] / view[AT_FOCAL] * (flat / distance if distance > 0 else 1.0)
        return max(view[AT_FOCAL] / view[AT_DEPTH] - found, upright if view[AT_UPRIGHT] < math.inf else 0.0)
    if verdict == TOO_STEEP:
        return math.degrees(math.atan2(-z, flat) - math.atan(view[AT_STEEP]))
    if verdict == OUT_OF_FOCUS:
        return max(depth - view[PLANES + PLANE * _FAR + 3], -view[PLANES + PLANE * _NEAR + 3] - depth)
    if verdict in (OUT_OF_VIEW, BLIND_ZONE):
        return _degrees_aside(view, x, y, z)
    return math.nan


@njit(cache=True, nogil=True)
def _degrees_aside(view: FloatArray, x: float, y: float, z: float) -> float:
    """How far a target is outside the picture, across or along it, the larger; of a fisheye, off its cone. [deg]"""
    depth = x * view[3] + y * view[4] + z * view[5]
    if view[AT_KIND] == FISHEYE:
        distance = math.sqrt(x * x + y * y + z * z)
        return math.degrees(math.acos(min(1.0, max(-1.0, depth / distance))) - view[AT_HALF_CONE]) if distance > 0 else math.nan
    if view[AT_KIND] != RECTILINEAR:
        return math.nan
    right, up = x * view[6] + y * view[7] + z * view[8], x * view[9] + y * view[10] + z * view[11]
    across = math.atan2(abs(right), depth) - math.atan(view[AT_TAN_H])
    along = math.atan2(abs(up), depth) - math.atan(view[AT_TAN_V])
    return math.degrees(max(across, along))


@njit(cache=True, nogil=True)
def _aside(view: FloatArray, x: float, y: float, z: float, flat: float, distance: float) -> int:
    """Whether a target is inside the picture, range and density apart: INSIDE, OUT_OF_VIEW or BLIND_ZONE."""
    kind = view[AT_KIND]
    if kind == REACHABLE:
        return INSIDE if _can_turn_to(view, x, y, z, flat, distance) else OUT_OF_VIEW
    if kind == RECTILINEAR:
        for k in range(4):
            if _beyond(view, k, (x, y, z), flat, distance) > 0:
                return BLIND_ZONE if k == _BOTTOM else OUT_OF_VIEW
    if view[AT_HALF_CONE] < math.pi and distance > 0:
        off = math.acos(min(1.0, max(-1.0, (x * view[3] + y * view[4] + z * view[5]) / distance)))
        if off > view[AT_HALF_CONE] + view[AT_SIGN] * (view[AT_CONE_SLACK] + _arc(math.hypot(view[AT_XY], view[AT_Z]), distance)):
            return OUT_OF_VIEW
    return INSIDE


@njit(cache=True, nogil=True)
def _beyond(view: FloatArray, k: int, at: tuple[float, float, float], flat: float, distance: float) -> float:
    """How far a target is beyond a plane, its slack counted."""
    p = PLANES + PLANE * k
    value = view[p] * at[0] + view[p + 1] * at[1] + view[p + 2] * at[2] - view[p + 3]
    return value - view[AT_SIGN] * (view[p + 4] + view[p + 5] * flat + view[p + 6] * distance)


@njit(cache=True, nogil=True)
def _depth_verdict(view: FloatArray, x: float, y: float, z: float, flat: float, distance: float) -> int:
    """Density and focus of a rectilinear picture; with its pose in doubt, depth is at most the distance and not below the corner's."""
    for k in range(_DENSITY, N_PLANES):
        p = PLANES + PLANE * k
        beyond = _beyond(view, k, (x, y, z), flat, distance)
        if k < _NEAR and view[AT_SIGN] < 0:
            beyond = min(beyond, distance + view[p + 4] - view[p + 3])
        elif k < _NEAR and view[AT_SIGN] > 0:
            beyond = max(beyond, distance * view[AT_CORNER] - view[p + 4] - view[p + 3])
        if beyond > 0:
            return TOO_COARSE if k == _DENSITY else OUT_OF_FOCUS
    return INSIDE


@njit(cache=True, nogil=True)
def _standing_verdict(view: FloatArray, x: float, y: float, depth: float, flat: float, distance: float) -> int:
    """What a target's own height and the way it faces ask for."""
    sign, away = view[AT_SIGN], math.hypot(view[AT_XY], view[AT_Z])
    deep = _slack_depth(view, depth, (distance, distance), flat)
    if view[AT_UPRIGHT] < math.inf and deep * (distance - sign * away) > view[AT_UPRIGHT] * (flat + sign * view[AT_XY]):
        return TOO_COARSE
    if view[AT_FACING]:
        cosine = -(x * view[AT_FACING + 1] + y * view[AT_FACING + 2]) / flat if flat > 0 else 1.0
        turned = math.acos(min(1.0, max(-1.0, cosine)))
        cosine = math.cos(min(math.pi, max(0.0, turned - sign * _arc(view[AT_XY], flat))))
        if cosine < view[AT_COS_YAW] or deep > view[AT_DEPTH] * cosine or cosine <= 0:
            return TURNED_AWAY
    return INSIDE


@njit(cache=True, nogil=True)
def _slack_depth(view: FloatArray, depth: float, distance: tuple[float, float], flat: float) -> float:
    """The greatest depth of a shrunk view's pose, the least of a grown one's; the second distance is the one the slack goes by."""
    sign = view[AT_SIGN]
    if sign == 0 or view[AT_KIND] != RECTILINEAR:
        return depth - sign * math.hypot(view[AT_XY], view[AT_Z])
    p = PLANES + PLANE * _DENSITY
    deep = depth - sign * (view[p + 4] + view[p + 5] * flat + view[p + 6] * distance[1])
    return min(deep, distance[0] + view[p + 4]) if sign < 0 else max(deep, distance[0] * view[AT_CORNER] - view[p + 4], 0.0)


@njit(cache=True, nogil=True)
def _can_turn_to(view: FloatArray, x: float, y: float, z: float, flat: float, distance: float) -> bool:
    """Whether a camera that can be turned can be aimed at a target, or have it in its widest picture where it is grown by that."""
    sign, spread = view[AT_SIGN], view[AT_SPREAD]
    slack = sign * (view[AT_NOD] + _arc(math.hypot(view[AT_XY], view[AT_Z]), distance)) + spread
    down = math.atan2(-z, flat)
    if down > view[AT_TILT_HIGH] + slack or down < view[AT_TILT_LOW] - slack:
        return False
    steep = abs(down) + sign * _arc(math.hypot(view[AT_XY], view[AT_Z]), distance)  # as another place of the lens may have it
    half = view[AT_PAN_HALF] + sign * (view[AT_TURN] + _arc(view[AT_XY], flat))
    half += _widened(spread, math.cos(min(math.pi / 2, max(0.0, steep))))
    return view[AT_PAN_HALF] >= math.pi or abs(_turn(math.atan2(x, y) - view[AT_PAN])) <= half


@njit(cache=True, nogil=True)
def _arc(shift: float, distance: float) -> float:
    """The angle by which a shift can move something at a distance."""
    return math.asin(shift / distance) if distance > shift else (math.pi if shift > 0 else 0.0)


@njit(cache=True, nogil=True)
def _widened(spread: float, cosine: float) -> float:
    """How far in azimuth a circle of angular radius `spread` about a direction reaches, by the cosine of its depression."""
    if spread <= 0:
        return 0.0
    ratio = math.sin(min(spread, math.pi / 2)) / max(cosine, 1e-12)
    return math.asin(ratio) if ratio < 1 and spread < math.pi / 2 else math.pi


@njit(cache=True, nogil=True)
def _turn(angle: float) -> float:
    """An angle between -pi and pi."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


@njit(cache=True, nogil=True)
def box_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """What holds for every target in a box about (x, y, z) from the lens [m], half wide as given: IN, OUT, or MIXED.

    IN and OUT are certain; MIXED may also be said of a box that is one of the two.
    """
    if view[AT_IS_DARK]:
        return OUT
    kind = view[AT_KIND]
    state = _distance_verdict(view, x, y, z, half, half_z)
    if state == OUT or kind == ANY_WAY:
        return state
    if kind == RECTILINEAR:
        state = _both(state, _frustum_verdict(view, x, y, z, half, half_z))
    elif kind == REACHABLE:
        state = _both(state, _turning_verdict(view, x, y, z, half, half_z))
    if state != OUT and view[AT_HALF_CONE] < math.pi:
        state = _both(state, _cone_verdict(view, x, y, z, half, half_z))
    if state != OUT and view[AT_HAS_MORE]:
        state = _both(state, _standing_box(view, x, y, z, half, half_z))
    return state


@njit(cache=True, nogil=True)
def _both(a: int, b: int) -> int:
    if OUT in (a, b):
        return OUT
    return IN if a == IN and b == IN else MIXED


@njit(cache=True, nogil=True)
def _extremes(x: float, y: float, z: float, half: float, half_z: float) -> Any:
    """Least and greatest horizontal distance and distance over a box."""
    near_x, near_y, near_z = max(abs(x) - half, 0.0), max(abs(y) - half, 0.0), max(abs(z) - half_z, 0.0)
    far_x, far_y, far_z = abs(x) + half, abs(y) + half, abs(z) + half_z
    flat_near, flat_far = math.sqrt(near_x * near_x + near_y * near_y), math.sqrt(far_x * far_x + far_y * far_y)
    return flat_near, flat_far, math.sqrt(flat_near * flat_near + near_z * near_z), math.sqrt(flat_far * flat_far + far_z * far_z)


@njit(cache=True, nogil=True)
def _distance_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """Range and depression over a box; the greatest depth too where it is a distance."""
    flat_near, flat_far, near, far = _extremes(x, y, z, half, half_z)
    limit = view[AT_RANGE]
    if view[AT_KIND] == ANY_WAY:
        limit = min(limit, min(view[AT_DEPTH], view[AT_UPRIGHT]) / view[AT_CORNER])
    elif view[AT_KIND] != RECTILINEAR:
        limit = min(limit, view[AT_DEPTH])
    limit += view[AT_SIGN] * math.hypot(view[AT_XY], view[AT_Z])
    if near > limit:
        return OUT
    certain = far <= limit
    steep = view[AT_STEEP]
    if steep < math.inf:
        slack = view[AT_SIGN] * (view[AT_Z] + steep * view[AT_XY])
        if -(z + half_z) > steep * flat_far + slack:
            return OUT
        certain = certain and -(z - half_z) <= steep * flat_near + slack
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _frustum_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """The planes over a box: each is linear, so its extremes over the box are exact; what its slack takes is bounded by the box."""
    sign = view[AT_SIGN]
    certain = True
    if sign != 0:
        flat_near, flat_far, near, far = _extremes(x, y, z, half, half_z)
    else:
        flat_near, flat_far, near, far = 0.0, 0.0, 0.0, 0.0
    for k in range(N_PLANES):
        p = PLANES + PLANE * k
        if view[p + 3] == math.inf:
            continue
        a, b, c = view[p], view[p + 1], view[p + 2]
        middle, spread = a * x + b * y + c * z - view[p + 3], (abs(a) + abs(b)) * half + abs(c) * half_z
        low, high = middle - spread, middle + spread
        if sign != 0:
            least, most = (
                view[p + 4] + view[p + 5] * flat_near + view[p + 6] * near,
                view[p + 4] + view[p + 5] * flat_far + view[p + 6] * far,
            )
            low, high = low - (most if sign > 0 else -least), high - (least if sign > 0 else -most)
            if k in (_DENSITY, _FAR):
                low, high = _depth_extremes(view, p, low, high, near, far)
        if low > 0:
            return OUT
        certain = certain and high <= 0
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _depth_extremes(view: FloatArray, p: int, low: float, high: float, near: float, far: float) -> Any:
    """The extremes of a depth's excess over its limit, with what the distance says of a depth whose pose is in doubt."""
    if view[AT_SIGN] < 0:
        return min(low, near + view[p + 4] - view[p + 3]), min(high, far + view[p + 4] - view[p + 3])
    corner = view[AT_CORNER]
    return max(low, near * corner - view[p + 4] - view[p + 3]), max(high, far * corner - view[p + 4] - view[p + 3])


@njit(cache=True, nogil=True)
def _cone_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """The cone of a fisheye, or of a camera's own light, over the ball about a box."""
    distance, radius = math.sqrt(x * x + y * y + z * z), math.sqrt(2 * half * half + half_z * half_z)
    sign, shift = view[AT_SIGN], math.hypot(view[AT_XY], view[AT_Z])
    if radius + shift >= distance:
        return MIXED
    off = math.acos(min(1.0, max(-1.0, (x * view[3] + y * view[4] + z * view[5]) / distance)))
    spread, wide = math.asin(radius / distance), math.asin((radius + shift) / distance)
    limit = view[AT_HALF_CONE] + sign * view[AT_CONE_SLACK]
    if off - (wide if sign > 0 else spread) > limit:
        return OUT
    return IN if off + (wide if sign < 0 else spread) <= limit else MIXED


@njit(cache=True, nogil=True)
def _turning_verdict(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """Pan and tilt limits over a box."""
    flat_near, flat_far, near, _ = _extremes(x, y, z, half, half_z)
    sign, spread = view[AT_SIGN], view[AT_SPREAD]
    top, bottom = -(z - half_z), -(z + half_z)  # how far below the lens
    high = math.atan2(top, flat_near if top > 0 else flat_far)
    low = math.atan2(bottom, flat_far if bottom > 0 else flat_near)
    shift = math.hypot(view[AT_XY], view[AT_Z])
    loose = sign * view[AT_NOD] + spread
    worst, best = (loose, loose + _arc(shift, near)) if sign > 0 else (loose - _arc(shift, near), loose)
    if low > view[AT_TILT_HIGH] + best or high < view[AT_TILT_LOW] - best:
        return OUT
    certain = high <= view[AT_TILT_HIGH] + worst and low >= view[AT_TILT_LOW] - worst
    if view[AT_PAN_HALF] >= math.pi:
        return IN if certain else MIXED
    middle, radius = math.hypot(x, y), half * math.sqrt(2.0)
    if radius >= middle:
        return MIXED
    off, wide = abs(_turn(math.atan2(x, y) - view[AT_PAN])), math.asin(radius / middle)
    loose = view[AT_PAN_HALF] + sign * view[AT_TURN]
    arc = sign * _arc(view[AT_XY], flat_near)
    cosine = math.cos(min(math.pi / 2, max(abs(low), abs(high)) + (_arc(shift, near) if sign > 0 else 0.0)))
    if off - wide > loose + max(arc, 0.0) + _widened(spread, cosine):
        return OUT
    certain = certain and off + wide <= loose + min(arc, 0.0) + _widened(spread, 1.0)
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _standing_box(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> int:
    """What a target's height and the way it faces ask for, over a box."""
    flat_near, flat_far, near, far = _extremes(x, y, z, half, half_z)
    sign, away = view[AT_SIGN], math.hypot(view[AT_XY], view[AT_Z])
    shallow, deep = _depths(view, x, y, z, half, half_z)
    if sign > 0:  # the slack that makes a depth less grows with distance: most of it where it counts against what is said
        shallow, deep = _slack_depth(view, shallow, (near, far), flat_far), _slack_depth(view, deep, (far, near), flat_near)
    else:
        shallow, deep = _slack_depth(view, shallow, (near, near), flat_near), _slack_depth(view, deep, (far, far), flat_far)
    shallow = max(0.0, shallow)
    certain = True
    if view[AT_UPRIGHT] < math.inf:
        limit = view[AT_UPRIGHT]
        if shallow * max(0.0, near - sign * away) > limit * (flat_far + sign * view[AT_XY]):
            return OUT
        certain = deep * max(0.0, far - sign * away) <= limit * max(0.0, flat_near + sign * view[AT_XY])
    if view[AT_FACING]:
        low, high = _cosines(view, x, y, half, flat_near)
        if high < view[AT_COS_YAW] or high <= 0 or shallow > view[AT_DEPTH] * high:
            return OUT
        certain = certain and low >= view[AT_COS_YAW] and low > 0 and deep <= view[AT_DEPTH] * low
    return IN if certain else MIXED


@njit(cache=True, nogil=True)
def _depths(view: FloatArray, x: float, y: float, z: float, half: float, half_z: float) -> Any:
    """Least and greatest depth over a box: along the axis, or the distance where the lens counts by that."""
    if view[AT_KIND] != RECTILINEAR:
        _, _, near, far = _extremes(x, y, z, half, half_z)
        return near, far
    middle = x * view[3] + y * view[4] + z * view[5]
    spread = (abs(view[3]) + abs(view[4])) * half + abs(view[5]) * half_z
    return middle - spread, middle + spread


@njit(cache=True, nogil=True)
def _cosines(view: FloatArray, x: float, y: float, half: float, flat_near: float) -> Any:
    """Least and greatest cosine of how far targets in a box are turned away from the lens."""
    middle, radius = math.hypot(x, y), half * math.sqrt(2.0)
    if radius >= middle:
        return -1.0, 1.0
    cosine = -(x * view[AT_FACING + 1] + y * view[AT_FACING + 2]) / middle
    turned, wide = math.acos(min(1.0, max(-1.0, cosine))), math.asin(radius / middle)
    arc = _arc(view[AT_XY], flat_near) * view[AT_SIGN]
    return (
        math.cos(min(math.pi, max(0.0, turned + wide - min(arc, 0.0)))),
        math.cos(min(math.pi, max(0.0, turned - wide - max(arc, 0.0)))),
    )
