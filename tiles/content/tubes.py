"""Pipes, ducts and fibre as tubes along their lines: where they lie under the ground, as thick as they are.

A line is swept with its section: rings of corners at its vertices in the planes that halve its angles, so neighbouring pieces meet in a
mitre; where it turns back too sharply for one, the tube ends and begins anew. A circle has as many sides as keep it true to SAGITTA_M.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numba
import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.content.bodies import Bodies, bodies
from tiles.content.levels import largest
from tiles.content.pipework import Depth, Section, color, depth, medium, section
from twin.model import FeatureTable, Layer, Park, Terrain
from twin.terrain import ground_height, z_of_height

KINDS = ("pipe", "duct", "fibre")
SAGITTA_M = 0.005  # between a circle and the sides drawn for it
SIDES = (6, 24)  # at least, at most
STEP_M = 5.0  # a line that follows the ground is held against it so often
STRAIGHT_M = 0.02  # vertices that move a line by less are left out
SHARP = -0.5  # cosine of a turn (120°) past which a mitre would stick out more than it joins
LEAST_M = 1e-4  # vertices nearer than this are one

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tubes:
    """The tubes of one layer: the finest, and what coarser ones are made of."""

    bodies: Bodies
    runs: Mapping[str, Sequence[Run]]  # feature -> its lines

    def coarse(self, of: Bodies, max_triangles: int) -> tuple[Bodies, float]:
        """Some of the tubes with four sides each, the largest where that is still too much; by how much they are wrong. [m]"""
        runs = [replace(run, feature=row) for row, name in enumerate(of.columns["id"]) for run in self.runs[str(name)]]
        vertices, faces, owner = swept(runs, 4)
        colors = of.face_color[of.starts[:-1]][owner]
        made = bodies(vertices, faces, owner, colors, table=of.columns, group=of.group)
        flattened = max(float(np.max(profile(run.section))) for run in runs) * (1 - np.cos(np.pi / 4))
        if len(made.faces) <= max_triangles:
            return made, float(flattened)
        left, missing = largest(made, max_triangles)
        return left, max(missing, float(flattened))


@dataclass(frozen=True)
class Run:
    """One unbroken line of a feature with its section."""

    feature: int
    points: Floats  # (n, 3), n ≥ 2 [m, enu]
    section: Section


def tubes(layer: Layer, table: FeatureTable, park: Park, terrain: Terrain | None) -> Tubes:
    """The tubes of a layer's features; those without a line are left out.

    Columns: id, class (the layer's kind), name, layer, medium, diameter_m, cover_m (mean ground above the top), and `assumed`: which of
    `diameter_m` and `cover_m` nobody told.
    """
    rows = [table.row(i) for i in range(len(table))]
    media = [medium(row, layer.kind, f"{layer.title} {layer.title_zh} {layer.id}") for row in rows]
    sections = [section(row, layer.kind) for row in rows]
    depths = [depth(row, name) for row, name in zip(rows, media, strict=True)]
    runs: list[Run] = []
    covers, has_height = np.full(len(rows), np.nan, np.float32), [False] * len(rows)
    for i, shape in enumerate(table.geometry):
        made = [placed(line, depths[i], sections[i], park, terrain) for line in lines(shape)]
        runs += [Run(i, piece, sections[i]) for points, _, _ in made for piece in pieces(points)]
        has_height[i] = any(is_told for _, _, is_told in made)
        covers[i] = np.nanmean([cover for _, cover, _ in made]) if made else np.nan
    assumed = [
        " ".join([*(["diameter_m"] if a.is_assumed else []), *(["cover_m"] if b.is_assumed and not told else [])])
        for a, b, told in zip(sections, depths, has_height, strict=True)
    ]
    columns = {
        "id": list(table.ids),
        "class": [layer.kind] * len(rows),
        "name": [str(row.get("name") or "") for row in rows],
        "layer": [layer.id] * len(rows),
        "medium": media,
        "diameter_m": np.array([one.width_m for one in sections], np.float32),
        "cover_m": covers,
        "assumed": assumed,
    }
    vertices, faces, owner = swept(runs)
    palette = np.array([[*color(name), 255] for name in media], np.uint8).reshape(-1, 4)
    made = bodies(vertices, faces, owner, palette[owner], table=columns, group=np.zeros(len(rows), np.int64))
    return Tubes(made, {table.ids[i]: list(its) for i, its in groupby(runs, key=lambda run: run.feature)})


def lines(shape: Any) -> Iterator[Floats]:
    """The lines of a geometry, each (n, 3) longitude, latitude [deg] and height [m] (NaN where it has none)."""
    for part in shapely.get_parts(shape) if shape is not None else ():
        kind = shapely.get_type_id(part)
        if kind in (1, 2) and not shapely.is_empty(part):
            yield shapely.get_coordinates(part, include_z=True)
        elif kind in (4, 5, 6, 7):
            yield from lines(part)


def placed(line: Floats, lies: Depth, across: Section, park: Park, terrain: Terrain | None) -> tuple[Floats, float, bool]:
    """The axis of a line (n, 3) [m, enu], the mean cover of its top [m], and whether its own heights told where it lies.

    A third dimension that is not zero throughout says the height of the axis. Else the axis is straight between inverts, or follows the
    ground at its depth.
    """
    frame = park.frame
    half = across.height_m / 2
    told = bool(np.isfinite(line[:, 2]).all() and np.any(line[:, 2] != 0.0))
    xy = frame.to_enu(line[:, :2])[:, :2]
    if not told and lies.reference != "invert" and terrain is not None:
        xy = shapely.get_coordinates(shapely.segmentize(shapely.LineString(xy), STEP_M)) if len(xy) > 1 else xy
    ground = ground_height(park, terrain, xy)
    share = _share(xy)
    along = lies.start_m + (lies.end_m - lies.start_m) * share
    if told:
        height = line[:, 2]
    elif lies.reference == "invert":
        height = along + half
    else:
        height = ground - along + (half if lies.reference == "bottom" else -half)
    axis = np.column_stack([xy, z_of_height(frame, xy, height)])
    return _straightened(axis), float(np.mean(ground - height - half)), told


def _share(xy: Floats) -> Floats:
    """How far along a line (n, 2) each vertex lies, 0 to 1."""
    way = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(xy, axis=0).T))])
    return way / way[-1] if way[-1] > 0 else way


def _straightened(axis: Floats) -> Floats:
    """The line without vertices that hardly bend it, in three dimensions (Douglas and Peucker 1973)."""
    keep = np.zeros(len(axis), np.bool_)
    keep[[0, -1]] = True
    waiting = [(0, len(axis) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        chord = axis[last] - axis[first]
        apart = axis[first + 1 : last] - axis[first]
        squared = float(chord @ chord)
        along = np.clip(apart @ chord / squared, 0, 1) if squared > 0 else np.zeros(len(apart))
        off = np.linalg.norm(apart - along[:, None] * chord, axis=1)
        worst = int(np.argmax(off))
        if off[worst] > STRAIGHT_M:
            keep[first + 1 + worst] = True
            waiting += [(first, first + 1 + worst), (first + 1 + worst, last)]
    return axis[keep]


def pieces(points: Floats) -> Iterator[Floats]:
    """A line (n, 3) in pieces that a mitre can join throughout: without double vertices, parted where it turns back."""
    points = points[np.isfinite(points).all(axis=1)]
    if len(points) < 2:
        return
    apart = np.concatenate([[True], np.linalg.norm(np.diff(points, axis=0), axis=1) > LEAST_M])
    points = points[apart]
    if len(points) < 2:
        return
    way = np.diff(points, axis=0)
    way /= np.linalg.norm(way, axis=1)[:, None]
    sharp = 1 + np.flatnonzero((way[1:] * way[:-1]).sum(axis=1) < SHARP)
    bounds = [0, *sharp.tolist(), len(points) - 1]
    for first, last in pairwise(bounds):
        yield points[first : last + 1]


def profile(across: Section, sides: int | None = None) -> Floats:
    """The corners of a section (k, 2), right and up of the axis, clockwise seen along it from behind. [m]"""
    half = np.array([across.width_m, across.height_m]) / 2
    if not across.is_round:
        return np.array([[1, -1], [1, 1], [-1, 1], [-1, -1]]) * half
    count = sides or int(np.clip(np.ceil(np.pi / np.arccos(max(0.0, 1 - SAGITTA_M / half[0]))), *SIDES))
    angle = 2 * np.pi * (np.arange(count) + 0.5) / count
    return np.column_stack([np.cos(angle), np.sin(angle)]) * half


def swept(runs: Iterable[Run], sides: int | None = None) -> tuple[Floats, NDArray[np.uint32], NDArray[np.int64]]:
    """Vertices (v, 3) [m, enu], faces (f, 3) counter-clockwise from outside, and the feature of each face (f,)."""
    vertices: list[Floats] = [np.empty((0, 3))]
    faces: list[NDArray[np.int64]] = [np.empty((0, 3), np.int64)]
    owner: list[NDArray[np.int64]] = [np.empty(0, np.int64)]
    start = 0
    for run in runs:
        corners = profile(run.section, sides)
        rings = _rings(np.ascontiguousarray(run.points), corners)
        made = _skin(len(run.points), len(corners)) + start
        vertices.append(rings)
        faces.append(made)
        owner.append(np.full(len(made), run.feature))
        start += len(rings)
    return np.concatenate(vertices), np.concatenate(faces).astype(np.uint32), np.concatenate(owner)


@numba.njit(cache=True, nogil=True)
def _rings(points: Floats, corners: Floats) -> Floats:
    """The corners of a section carried along a line (n, 3): (n · k, 3), at inner vertices in the plane that halves the angle."""
    n, k = len(points), len(corners)
    out = np.empty((n * k, 3))
    way = (points[1] - points[0]) / np.linalg.norm(points[1] - points[0])
    right = np.array([way[1], -way[0], 0.0])
    if np.linalg.norm(right) < 1e-6:
        right = np.array([1.0, 0.0, 0.0])
    right /= np.linalg.norm(right)
    up = np.cross(right, way)
    for c in range(k):
        out[c] = points[0] + corners[c, 0] * right + corners[c, 1] * up
    for i in range(1, n):
        after = way
        if i + 1 < n:
            after = (points[i + 1] - points[i]) / np.linalg.norm(points[i + 1] - points[i])
        normal = way + after
        normal /= np.linalg.norm(normal)
        share = np.dot(way, normal)
        for c in range(k):
            offset = corners[c, 0] * right + corners[c, 1] * up
            out[i * k + c] = points[i] + offset - way * (np.dot(offset, normal) / share)
        # the least turn that takes the old direction to the new: a reflection at the mitre and one along it
        right -= (np.dot(right, normal) / share) * way
        right -= np.dot(right, after) * after
        right /= np.linalg.norm(right)
        way = after
        up = np.cross(right, way)
    return out


def _skin(rings: int, k: int) -> NDArray[np.int64]:
    """The triangles (f, 3) between rings of k corners, and over both ends."""
    corner = np.arange(k)
    following = (corner + 1) % k
    base = k * np.arange(rings - 1)[:, None]
    near, near_next, far, far_next = (base + part for part in (corner, following, corner + k, following + k))
    sides = np.stack([near, far_next, near_next, near, far, far_next], axis=-1).reshape(-1, 3)
    fan = np.column_stack([np.zeros(k - 2, np.int64), corner[1:-1], corner[2:]])
    return np.concatenate([sides, fan, fan[:, ::-1] + k * (rings - 1)])
