"""Exact coverage of level ground among upright prisms: the footprint of each frustum minus the shadows of walls, by shapely alone.

Independent of the product's engine: no cells, no rays, no triangles. Every wall throws a quadrilateral onto the plane of the targets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import shapely

from twin.coverage.camera import View

FAR = 1e4  # [m] beyond every scene here


def _half_plane(normal: np.ndarray, o: np.ndarray, dz: float) -> Any:
    """Points (x, y) of the plane dz below o with normal · (x - ox, y - oy, -dz) >= 0, as a large polygon."""
    a, k = normal[:2], normal[2] * dz
    length = np.hypot(*a)
    if length < 1e-12:
        return shapely.box(*(o - FAR), *(o + FAR)) if -k >= 0 else shapely.Polygon()
    m = a / length
    q, t = o + m * (k / length), np.array([-m[1], m[0]])
    return shapely.Polygon([q - t * FAR, q + t * FAR, q + t * FAR + m * 2 * FAR, q - t * FAR + m * 2 * FAR])


def footprint(view: View, height: float, deepest: float) -> Any:
    """Where the plane at `height` is in view, within the view's range and no deeper than `deepest`: a polygon."""
    o, dz = np.array(view.position[:2]), view.position[2] - height
    sa, ca, st, ct = math.sin(view.azimuth_rad), math.cos(view.azimuth_rad), math.sin(view.tilt_rad), math.cos(view.tilt_rad)
    f, r = np.array([sa * ct, ca * ct, -st]), np.array([ca, -sa, 0.0])
    u = np.cross(r, f)
    th, tv = math.tan(view.hfov_rad / 2), math.tan(view.vfov_rad / 2)
    radius = FAR / 2 if math.isinf(view.range_m) else math.sqrt(max(view.range_m**2 - dz**2, 0.0))
    shape = shapely.Point(o).buffer(radius, quad_segs=512) if radius > 0 else shapely.Polygon()
    for normal in (f * th - r, f * th + r, f * tv - u, f * tv + u):
        shape = shape.intersection(_half_plane(normal, o, dz))
    if math.isfinite(deepest):  # f · v <= deepest, a half plane whose offset is not zero
        k = deepest + f[2] * dz
        m = np.hypot(*f[:2])
        q, d = o + f[:2] / m * (k / m), f[:2] / m
        t = np.array([-d[1], d[0]])
        shape = shape.intersection(shapely.Polygon([q - t * FAR, q + t * FAR, q + t * FAR - d * 2 * FAR, q - t * FAR - d * 2 * FAR]))
    return shape


def visible(view: View, height: float, deepest: float, prisms: Sequence[tuple[Any, float]]) -> Any:
    """The part of the plane at `height` that a view covers among prisms (footprint, top), as a polygon."""
    foot = footprint(view, height, deepest)
    if foot.is_empty:
        return foot
    o, cz = np.array(view.position[:2]), view.position[2]
    reach = shapely.box(*shapely.union_all([foot, shapely.Point(o)]).bounds)
    shadows, solids = [], []
    for base, top in prisms:
        if top <= height or not reach.intersects(base):
            continue
        solids.append(base)
        corners = np.asarray(base.exterior.coords)
        for a, b in zip(corners[:-1], corners[1:], strict=True):
            s = min((cz - height) / (cz - top), FAR) if top < cz - 1e-9 else FAR
            quad = shapely.Polygon([a, b, o + (b - o) * s, o + (a - o) * s])
            shadows.append(shapely.make_valid(quad))
    return foot.difference(shapely.union_all([*shadows, *solids]))
