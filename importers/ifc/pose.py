"""Rigid motions in the plane that lay one outline on another: found globally, then refined until they no longer move.

Turns come from the directions edges share, shifts from the offsets edges share, so a garage or a terrace that only one of the two has
does not pull the rest along. Refinement is a robust iterated closest point on edges, both ways. Never a scale, never a mirror.

References
----------
Chen and Medioni, Object modelling by registration of multiple range images (1992), for the distance to the other's edges instead of
points; Holland and Welsch, Robust regression using iteratively reweighted least-squares (1977), for the weights.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

Plane = NDArray[np.float64]  # (n, 2) [m]
Values = NDArray[np.float64]  # (n,)
_SIMPLIFIED_M = 0.03  # bends smaller than this are no corners
_SAMPLES = 240  # points on an outline
_STEP_M = 0.2  # but no closer together than this
_TURNS = 12  # turns that are tried
_TURN_SEPARATION = math.radians(5.0)
_SAME_DIRECTION = math.cos(math.radians(40.0))  # edges that look another way are no counterparts
_BAND_M = 0.25  # offsets of edges nearer than this are one
_TOGETHER = 0.2  # worth of edges on edges beside shared area: it decides between poses of which one outline holds the other
_ROUNDS = 20
_REACH_M = 2.0  # distances that count however well the rest agrees: an even overhang is no outlier
_LARGEST_OVERHANG_M = 1.5
CAP_M = 1.0  # a stretch farther off than this has no counterpart: how far it is says nothing of the pose


@dataclass(frozen=True)
class Pose:
    """A rigid motion of the plane: a point is turned about the origin, then shifted. [rad, m]"""

    turn: float
    x: float
    y: float

    def __call__(self, points: Plane) -> Plane:
        """The points (n, 2), moved. [m]"""
        return points @ rotation(self.turn).T + (self.x, self.y)


@dataclass(frozen=True)
class Outline:
    """A polygon as edges that have its inside on their left, and evenly spread points on them."""

    area: Any  # shapely (Multi)Polygon [m]
    starts: Plane  # (e, 2)
    along: Plane  # (e, 2) unit
    lengths: Values  # (e,)
    points: Plane  # (s, 2)
    headings: Plane  # (s, 2) unit: the direction of the edge each point is on
    middle: Plane  # (1, 2) the middle of the points

    def normals(self) -> Plane:
        """Unit normals of the edges (e, 2), outwards."""
        return np.column_stack([self.along[:, 1], -self.along[:, 0]])


@dataclass(frozen=True)
class Closeness:
    """How well two outlines agree; distances leave out an overhang that is the same all round. [m, m, m, m, 1]"""

    cost_m: float  # mean distance of each outline from the other, none counted above CAP_M: what poses are compared by
    rms_m: float
    max_m: float
    overhang_m: float  # how far the second reaches beyond the first all round
    iou: float  # shared area over joint area


def outline(area: Any) -> Outline | None:
    """The edges of a polygon; None where it has no area.

    Parameters
    ----------
    area
        A shapely Polygon or MultiPolygon. [m]
    """
    if area is None or area.is_empty or not area.area > 0:
        return None
    plain = area.simplify(_SIMPLIFIED_M)
    plain = plain if plain.is_valid and plain.area > 0 else area.buffer(0)
    plain = shapely.orient_polygons(plain)
    rings = [np.asarray(ring.coords)[:, :2] for part in shapely.get_parts(plain) for ring in (part.exterior, *part.interiors)]
    starts = np.concatenate([ring[:-1] for ring in rings])
    edges = np.concatenate([np.diff(ring, axis=0) for ring in rings])
    lengths = np.linalg.norm(edges, axis=1)
    there = lengths > 1e-6
    starts, edges, lengths = starts[there], edges[there], lengths[there]
    along = edges / lengths[:, None]
    step = max(_STEP_M, float(lengths.sum()) / _SAMPLES)
    counts = np.maximum(1, np.round(lengths / step)).astype(int)
    edge = np.repeat(np.arange(len(counts)), counts)
    within = np.concatenate([(np.arange(count) + 0.5) / count for count in counts])
    points = starts[edge] + along[edge] * (within * lengths[edge])[:, None]
    return Outline(plain, starts, along, lengths, points, along[edge], points.mean(axis=0, keepdims=True))


def rotation(turn: float) -> NDArray[np.float64]:
    """The turn of the plane, counter-clockwise: (2, 2)."""
    c, s = math.cos(turn), math.sin(turn)
    return np.array([[c, -s], [s, c]])


def moved(area: Any, pose: Pose) -> Any:
    """A shapely geometry, moved."""
    return cast(Any, shapely.transform)(area, pose)


def coarse(model: Outline, target: Outline, most: int) -> list[tuple[float, Pose]]:
    """Distinct poses worth refining, best first, each with the shared over the joint area it reaches.

    Parameters
    ----------
    model, target
        What is moved, and what it is laid on.
    most
        How many poses.
    """
    tried = [each for turn in shared_turns(model, target).tolist() for each in _shifts(model, target, turn)]
    poses = [pose for pose, _ in tried]
    shapes = np.array([moved(model.area, pose) for pose in poses], object)
    shared = shapely.area(shapely.intersection(shapes, target.area))
    iou = shared / (model.area.area + target.area.area - shared)
    together = np.array([length for _, length in tried]) / float(target.lengths.sum())
    order = np.argsort(-(iou + _TOGETHER * together), kind="stable")
    kept: list[tuple[float, Pose]] = []
    for k in order.tolist():
        if all(not is_same(poses[k], pose, model) for _, pose in kept):
            kept.append((float(iou[k]), poses[k]))
        if len(kept) == most:
            break
    return kept


def is_same(one: Pose, other: Pose, model: Outline, turn: float = math.radians(10.0), shift_m: float = 1.0) -> bool:
    """Whether two poses put a model in the same place: turned by less than `turn`, its middle shifted by less than `shift_m`."""
    if abs(math.remainder(one.turn - other.turn, 2 * math.pi)) >= turn:
        return False
    return math.dist(one(model.middle)[0], other(model.middle)[0]) < shift_m


def shared_turns(model: Outline, target: Outline) -> Values:
    """Turns that bring edges of the model into directions of the target's edges, the longest agreement first (n,). [rad]"""
    bins = 720
    a = np.arctan2(model.along[:, 1], model.along[:, 0])
    b = np.arctan2(target.along[:, 1], target.along[:, 0])
    between = np.mod(b[None, :] - a[:, None], 2 * math.pi)  # (m, t)
    weight = np.minimum(model.lengths[:, None], target.lengths[None, :])
    votes = np.bincount((between * bins / (2 * math.pi)).astype(int).ravel() % bins, weights=weight.ravel(), minlength=bins)
    smooth = np.stack([np.roll(votes, shift) * (4 - abs(shift)) for shift in range(-3, 4)]).sum(axis=0)
    chosen: list[float] = []
    for k in np.argsort(-smooth, kind="stable").tolist():
        turn = _mean_turn(between, weight, (k + 0.5) * 2 * math.pi / bins)
        if all(abs(math.remainder(turn - other, 2 * math.pi)) > _TURN_SEPARATION for other in chosen):
            chosen.append(turn)
        if len(chosen) == _TURNS or smooth[k] < 0.15 * smooth.max():
            break
    return np.array(chosen)


def _mean_turn(between: NDArray[np.float64], weight: NDArray[np.float64], near: float) -> float:
    """The weighted mean of the turns within two degrees of one."""
    off = np.remainder(between - near + math.pi, 2 * math.pi) - math.pi
    chosen = np.abs(off) < math.radians(2.0)
    total = float(weight[chosen].sum())
    return near + (float((off[chosen] * weight[chosen]).sum()) / total if total > 0 else 0.0)


def _shifts(model: Outline, target: Outline, turn: float) -> list[tuple[Pose, float]]:
    """Poses of one turn: middles together, boxes together, and edges on edges along the target's two main directions.

    With each, the length of the edges it is known to lay on edges. [m]
    """
    turned = rotation(turn)
    points, along = model.starts @ turned.T, model.along @ turned.T
    area = shapely.transform(model.area, lambda x: x @ turned.T)
    middle = np.array(target.area.centroid.coords[0]) - np.array(area.centroid.coords[0])
    boxes = np.array([target.area.bounds, area.bounds])
    between = (boxes[0, :2] + boxes[0, 2:] - boxes[1, :2] - boxes[1, 2:]) / 2
    u = target.along[int(np.argmax(_lengths_along(target)))]
    v = np.array([-u[1], u[0]])
    normals = np.column_stack([along[:, 1], -along[:, 0]])
    first = _offsets(points, normals, model.lengths, target, u) or [(float(middle @ u), 0.0)]
    second = _offsets(points, normals, model.lengths, target, v) or [(float(middle @ v), 0.0)]
    shifts = [(middle, 0.0), (between, 0.0), *((a * u + b * v, p + q) for a, p in first for b, q in second)]
    return [(Pose(turn, float(x), float(y)), length) for (x, y), length in shifts]


def _lengths_along(target: Outline) -> Values:
    """For each edge, the length of all edges along or across it (e,). [m]"""
    cosine = np.abs(target.along @ target.along.T)  # (e, e)
    return ((np.maximum(cosine, np.sqrt(np.clip(1 - cosine**2, 0, 1))) > 0.996) * target.lengths[None, :]).sum(axis=1)


def _offsets(
    points: Plane, normals: Plane, lengths: Values, target: Outline, axis: NDArray[np.float64], most: int = 3
) -> list[tuple[float, float]]:
    """Shifts along `axis` that put edges across it onto edges of the target that look the same way, and their length; longest first. [m]"""
    mine, yours = normals @ axis, target.normals() @ axis
    a, b = np.abs(mine) > 0.98, np.abs(yours) > 0.98
    if not a.any() or not b.any():
        return []
    off = (target.starts[b] @ axis)[None, :] - (points[a] @ axis)[:, None]  # (m, t)
    weight = np.minimum(lengths[a][:, None], target.lengths[b][None, :]) * (mine[a][:, None] * yours[b][None, :] > 0)
    off, weight = off.ravel(), weight.ravel()
    off, weight = off[weight > 0], weight[weight > 0]
    strongest = np.argsort(-weight, kind="stable")[:300]
    off, weight = off[strongest], weight[strongest]
    votes = (np.maximum(0.0, 1 - np.abs(off[:, None] - off[None, :]) / _BAND_M) * weight[None, :]).sum(axis=1)
    chosen: list[tuple[float, float]] = []
    for k in np.argsort(-votes, kind="stable").tolist():
        if all(abs(off[k] - other) > 2 * _BAND_M for other, _ in chosen):
            chosen.append((float(off[k]), float(votes[k])))
        if len(chosen) == most:
            break
    return chosen


def refined(model: Outline, target: Outline, pose: Pose) -> Pose:
    """The pose near `pose` in which the outlines lie closest, both ways, what has no counterpart left aside."""
    reach = 3.0
    for _ in range(_ROUNDS):
        residual, rows = _equations(model, target, pose)
        scale = 1.4826 * float(np.median(np.abs(residual)))
        cut = max(0.25, min(reach, 4.0 * scale))
        weight = np.where(np.abs(residual) < cut, (1 - (residual / cut) ** 2) ** 2, 0.0)
        normal = rows.T @ (rows * weight[:, None]) + 1e-6 * np.eye(3)
        turn, x, y = np.linalg.solve(normal, rows.T @ (residual * weight)).tolist()
        pose = _about_middle(model, pose, float(np.clip(turn, -0.1, 0.1)), x, y)
        reach = max(_REACH_M, reach * 0.7)
        if abs(turn) < 1e-6 and math.hypot(x, y) < 1e-4:
            break
    return pose


def _about_middle(model: Outline, pose: Pose, turn: float, x: float, y: float) -> Pose:
    """`pose`, turned a little more about the model's middle and shifted."""
    middle = pose(model.middle)[0]
    shift = rotation(turn) @ (np.array([pose.x, pose.y]) - middle) + middle + (x, y)
    return Pose(math.remainder(pose.turn + turn, 2 * math.pi), float(shift[0]), float(shift[1]))


def _equations(model: Outline, target: Outline, pose: Pose) -> tuple[Values, NDArray[np.float64]]:
    """Distances to be closed (n,) and what a turn and a shift of the model close of each (n, 3). [m]"""
    points, turned = pose(model.points), rotation(pose.turn)
    middle = points.mean(axis=0)
    gap, normal = _nearest(points, model.headings @ turned.T, target.starts, target.along, target.lengths)
    back, facing = _nearest(target.points, target.headings, pose(model.starts), model.along @ turned.T, model.lengths)
    arms = (points - middle, target.points - middle)
    rows = [np.column_stack([n[:, 1] * arm[:, 0] - n[:, 0] * arm[:, 1], n]) for n, arm in zip((normal, facing), arms, strict=True)]
    return np.concatenate([-gap, back]), np.concatenate(rows)


def _nearest(points: Plane, headings: Plane, starts: Plane, along: Plane, lengths: Values) -> tuple[Values, Plane]:
    """For each point the signed distance from the nearest edge that heads its way, and that edge's normal (n, 2). [m]

    A point past the end of every such edge is as far off as its corner is.
    """
    between = points[:, None, :] - starts[None, :, :]  # (n, e, 2)
    t = np.clip((between * along[None]).sum(axis=2), 0.0, lengths[None, :])
    foot = between - t[:, :, None] * along[None]
    distance = np.linalg.norm(foot, axis=2) + 1e3 * (headings @ along.T < _SAME_DIRECTION)
    best = np.argmin(distance, axis=1)
    normal = np.column_stack([along[best, 1], -along[best, 0]])
    signed = (foot[np.arange(len(points)), best] * normal).sum(axis=1)
    short = distance[np.arange(len(points)), best]
    return np.where(np.abs(signed) < 0.7 * short, np.copysign(short, signed), signed), normal


def closeness(model: Outline, target: Outline, pose: Pose) -> Closeness:
    """How well a model in a pose agrees with the target."""
    area = moved(model.area, pose)
    shared = float(area.intersection(target.area).area)
    out = _signed(pose(model.points), target.area, inside=1.0)
    back = _signed(target.points, area, inside=-1.0)
    distances = np.concatenate([out, back])
    middle = float(np.clip(np.median(distances), -_LARGEST_OVERHANG_M, _LARGEST_OVERHANG_M))
    overhang = min((0.0, middle), key=lambda each: float(np.minimum(np.abs(distances - each), CAP_M).mean()))
    off = np.abs(distances - overhang)
    return Closeness(
        cost_m=float(np.minimum(off, CAP_M).mean()),
        rms_m=float(np.sqrt((off**2).mean())),
        max_m=float(off.max()),
        overhang_m=overhang,
        iou=shared / (area.area + target.area.area - shared),
    )


def _signed(points: Plane, area: Any, *, inside: float) -> Values:
    """Distance of points from the edge of an area (n,), with the sign `inside` for those within. [m]"""
    at = shapely.points(points)
    return shapely.distance(at, area.boundary) * np.where(shapely.contains(area, at), inside, -inside)
