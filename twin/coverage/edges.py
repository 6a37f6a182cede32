"""The edges at which the sight from a point can change.

Seen from a lens, what is visible and what is hidden meet only behind an edge whose faces all lie to one side of the plane through lens
and edge (a silhouette), or behind the free border of a surface; everywhere else one face takes over where another ends. Such an edge
throws a wall of shadow: the part of that plane beyond the edge, between the rays over its ends:

              ray over a  /
                     a   /  .  .
          lens  *----|--/ . wall of shadow
                     b   \\ .  .
              ray over b  \\

A region that no wall of shadow enters and no face cuts is seen as a whole or hidden as a whole: one ray decides. Edges that are
themselves hidden change nothing; what can be shown to be hidden behind single faces is cut away first.

Where nobody knows the lens to better than a shift, a wall of shadow is as thick as the shift can move it: a point at distance s behind an
edge at distance d moves by no more than shift · s / d, across the wall and along it. What lies in no thick wall is seen, or hidden, from
wherever the lens may be on its side of what it hangs on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.scene import Obstacles
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]

Box = tuple[float, float, float, float, float, float]  # middle from the lens, half its width and height, its farthest point's distance [m]
Place = tuple[float, float, float]  # numbers: an array would have to be made each time
Shift = tuple[float, float]  # across, and up or down [m]

WELD_M = 1e-4  # vertices nearer than this are one
GROUP = 64  # neighbouring edges or faces share a box
TOUCHING_M = 0.005  # a face this near to the lens changes the sight along its whole plane
PROBES = (0.5, 0.03, 0.97)  # places along an edge where rays ask what hides it
ROUNDS = 6
FIXED: Shift = (0.0, 0.0)
_SINGLE_M = 2e-4  # how far single precision may move what Embree sees of an edge


@dataclass(frozen=True)
class Edges:
    """The edges and faces of obstacles, neighbours together, with boxes over GROUP of them each."""

    ends: FloatArray  # (e, 2, 3) [m, enu]
    first: NDArray[np.int64]  # (e + 1,) where an edge's entries in `opposite` begin
    opposite: FloatArray  # (k, 3) third corners of the faces that meet at an edge [m, enu]
    edge_box: FloatArray  # (g, 6) low and high corner [m, enu]
    triangles: FloatArray  # (f, 3, 3) corners [m, enu]
    order: NDArray[np.int64]  # (f,) number of each triangle among the obstacles' faces
    triangle_box: FloatArray  # (h, 6)


def edges_of(obstacles: Obstacles) -> Edges:
    """The edges of obstacles where two faces do not just carry on in one plane."""
    vertices, faces = _welded(obstacles)
    ends, first, opposite = _gathered(vertices, faces)
    order = np.argsort(_places(obstacles.vertices[obstacles.faces].mean(axis=1) if len(obstacles) else np.empty((0, 3))), kind="stable")
    triangles = obstacles.vertices[obstacles.faces[order]].reshape(-1, 3, 3)
    return Edges(ends, first, opposite, _boxes(ends), triangles, order, _boxes(triangles))


def sectors(edges: Edges, scene: Scene, lens: FloatArray, box: FloatArray, shift: Shift = FIXED) -> FloatArray:
    """The walls of shadow that may enter a box, seen from a lens.

    Parameters
    ----------
    edges, scene
        The same obstacles, prepared both ways.
    lens
        Where the sight starts (3,). [m, enu]
    box
        Low and high corner (6,) of the region asked about. [m, enu]
    shift
        By how much the lens may be elsewhere, across and up or down. [m]

    Returns
    -------
    Sectors (s, 17), for `enters`: four normals, an offset and a slack for each, relative to the lens.
    """
    room = np.array([shift[0], shift[0], shift[1]])
    hull = np.concatenate([np.minimum(box[:3], lens - room), np.maximum(box[3:], lens + room)])
    chosen = _silhouettes((edges.ends, edges.first, edges.opposite, edges.edge_box), lens, hull, box, shift)
    parts = edges.ends[chosen] if shift != FIXED else _visible_parts(scene, lens, edges.ends[chosen])
    planes = _touching(edges.triangles, edges.triangle_box, lens)
    walls = _sector_rows(parts - lens, shift)
    return np.concatenate([walls, planes]) if len(planes) else walls


def edge_walls(edges: Edges, lens: FloatArray, box: FloatArray, slack: float) -> FloatArray:
    """The walls of shadow of all edges near lens and box, silhouettes or not, for a lens that may be up to `slack` away [m].

    Returns
    -------
    Sectors (s, 17) as `sectors` gives, but with the distance from lens to edge [m] in column 13.
    """
    hull = np.concatenate([np.minimum(box[:3], lens), np.maximum(box[3:], lens)])
    near = (edges.ends.min(axis=1) <= hull[3:] + slack).all(axis=1) & (edges.ends.max(axis=1) >= hull[:3] - slack).all(axis=1)
    walls = _sector_rows(edges.ends[near] - lens, FIXED)
    walls[:, 13] = _SINGLE_M / np.maximum(walls[:, 13], 1e-12)
    return walls


@njit(cache=True, nogil=True)
def enters(sector: FloatArray, box: Box) -> bool:
    """Whether a wall of shadow may enter a box; False is certain."""
    x, y, z, half, half_z, distance = box
    middle = sector[0] * x + sector[1] * y + sector[2] * z
    spread = (abs(sector[0]) + abs(sector[1])) * half + abs(sector[2]) * half_z
    if abs(middle) > spread + sector[13] * distance:
        return False
    for k in (3, 6, 9):
        top = sector[k] * x + sector[k + 1] * y + sector[k + 2] * z
        top += (abs(sector[k]) + abs(sector[k + 1])) * half + abs(sector[k + 2]) * half_z
        if top < (sector[12] if k == 9 else 0.0) - sector[13 + k // 3] * distance:
            return False
    return True


def _welded(obstacles: Obstacles) -> tuple[FloatArray, NDArray[np.int64]]:
    """Vertices with near ones made one, and the faces between them that have an area."""
    if not len(obstacles):
        return np.empty((0, 3)), np.empty((0, 3), np.int64)
    whole = np.round(obstacles.vertices / WELD_M).astype(np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        key = whole[:, 0] * np.uint64(0x9E3779B97F4A7C15) + whole[:, 1] * np.uint64(0xC2B2AE3D27D4EB4F)
        key = (key ^ (key >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9) + whole[:, 2] * np.uint64(0x165667B19E3779F9)
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    faces = inverse[obstacles.faces.astype(np.int64)].reshape(-1, 3)
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    return obstacles.vertices[first], faces[distinct]


def _gathered(vertices: FloatArray, faces: NDArray[np.int64]) -> tuple[FloatArray, NDArray[np.int64], FloatArray]:
    """Ends, index and third corners of all edges that can be silhouettes, neighbours together."""
    if not len(faces):
        return np.empty((0, 2, 3)), np.zeros(1, np.int64), np.empty((0, 3))
    a, b, c = faces[:, [0, 1, 2]].ravel(), faces[:, [1, 2, 0]].ravel(), faces[:, [2, 0, 1]].ravel()
    low, high = np.minimum(a, b), np.maximum(a, b)
    key = low * len(vertices) + high
    order = np.argsort(key, kind="stable")
    key, low, high, third = key[order], low[order], high[order], c[order]
    start = np.flatnonzero(np.concatenate([[True], np.diff(key) != 0]))
    count = np.diff(np.append(start, len(key)))
    flat = _is_flat(vertices, low[start], high[start], third, start, count)
    start, count = start[~flat], count[~flat]
    place = np.argsort(_places((vertices[low[start]] + vertices[high[start]]) / 2), kind="stable")
    start, count = start[place], count[place]
    first = np.concatenate([[0], np.cumsum(count)])
    rows = np.repeat(start - first[:-1], count) + np.arange(first[-1])
    ends = np.stack([vertices[low[start]], vertices[high[start]]], axis=1)
    return ends, first, vertices[third[rows]]


@njit(cache=True, nogil=True)
def _is_flat(
    vertices: FloatArray,
    low: NDArray[np.int64],
    high: NDArray[np.int64],
    third: NDArray[np.int64],
    start: NDArray[np.int64],
    count: NDArray[np.int64],
) -> Any:
    """Whether an edge's two faces carry on in one plane: such an edge is inside a flat face."""
    out = np.zeros(len(start), np.bool_)
    for k in range(len(start)):
        if count[k] != 2:
            continue
        p = vertices[low[k]]
        e = vertices[high[k]] - p
        u, v = vertices[third[start[k]]] - p, vertices[third[start[k] + 1]] - p
        nx, ny, nz = e[1] * u[2] - e[2] * u[1], e[2] * u[0] - e[0] * u[2], e[0] * u[1] - e[1] * u[0]
        mx, my, mz = e[1] * v[2] - e[2] * v[1], e[2] * v[0] - e[0] * v[2], e[0] * v[1] - e[1] * v[0]
        size = math.sqrt(nx * nx + ny * ny + nz * nz)
        if size > 0 and nx * mx + ny * my + nz * mz < 0:  # on either side of the edge
            out[k] = abs(nx * v[0] + ny * v[1] + nz * v[2]) < WELD_M * size
    return out


def _places(points: FloatArray) -> NDArray[np.uint64]:
    """Numbers (n,) that put points (n, 3) near each other near each other (Morton order in plan)."""
    if not len(points):
        return np.empty(0, np.uint64)
    low = points.min(axis=0)
    scale = 65535.0 / max(float(np.ptp(points[:, :2], axis=0).max()), 1e-9)
    x, y = (((points[:, k] - low[k]) * scale).astype(np.uint64) for k in (0, 1))
    return _spread(x) | (_spread(y) << np.uint64(1))


def _spread(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        bits = (bits | (bits << np.uint64(shift))) & np.uint64(mask)
    return bits


def _boxes(shapes: FloatArray) -> FloatArray:
    """Boxes (g, 6) over GROUP shapes (n, corners, 3) each."""
    if not len(shapes):
        return np.empty((0, 6))
    start = np.arange(0, len(shapes), GROUP)
    return np.concatenate([np.minimum.reduceat(shapes.min(axis=1), start), np.maximum.reduceat(shapes.max(axis=1), start)], axis=1)


@njit(cache=True, nogil=True)
def _apart(low: FloatArray, high: FloatArray, box: FloatArray) -> bool:
    for k in range(3):  # noqa: SIM110  numba knows no generators
        if low[k] > box[3 + k] or high[k] < box[k]:
            return True
    return False


@njit(cache=True, nogil=True)
def _silhouettes(edges: Any, lens: FloatArray, hull: FloatArray, box: FloatArray, shift: Shift) -> Any:
    """Index of the edges in `hull` that may be silhouettes from the lens and whose wall of shadow may enter `box`."""
    ends, first, opposite, boxes = edges
    found = [0 for _ in range(0)]
    x, y, z = (box[0] + box[3]) / 2 - lens[0], (box[1] + box[4]) / 2 - lens[1], (box[2] + box[5]) / 2 - lens[2]
    half, half_z = max(box[3] - box[0], box[4] - box[1]) / 2, (box[5] - box[2]) / 2
    distance = math.sqrt(x * x + y * y + z * z) + 1.5 * half + half_z
    row = np.empty(17)
    low, high = np.empty(3), np.empty(3)
    for group in range(len(boxes)):
        if _apart(boxes[group, :3], boxes[group, 3:], hull):
            continue
        for edge in range(group * GROUP, min((group + 1) * GROUP, len(ends))):
            for k in range(3):
                low[k], high[k] = min(ends[edge, 0, k], ends[edge, 1, k]), max(ends[edge, 0, k], ends[edge, 1, k])
            if _apart(low, high, hull) or not _is_silhouette(ends[edge], opposite[first[edge] : first[edge + 1]], lens, shift):
                continue
            _sector(ends[edge, 0] - lens, ends[edge, 1] - lens, row, shift)
            if enters(row, (x, y, z, half, half_z, distance)):
                found.append(edge)
    return np.array(found, np.int64)


@njit(cache=True, nogil=True)
def _is_silhouette(edge: FloatArray, opposite: FloatArray, lens: FloatArray, shift: Shift) -> bool:
    """Whether no face may go on beyond the plane through lens and edge; a face in that plane goes on nowhere."""
    ax, ay, az = edge[0, 0] - lens[0], edge[0, 1] - lens[1], edge[0, 2] - lens[2]
    bx, by, bz = edge[1, 0] - lens[0], edge[1, 1] - lens[1], edge[1, 2] - lens[2]
    nx, ny, nz = ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx
    slack = WELD_M * math.sqrt(nx * nx + ny * ny + nz * nz)
    before, behind = False, False
    for k in range(len(opposite)):
        side = nx * (opposite[k, 0] - lens[0]) + ny * (opposite[k, 1] - lens[1]) + nz * (opposite[k, 2] - lens[2])
        room = slack
        if shift[0] > 0 or shift[1] > 0:  # `side` is the volume over face and lens: it changes with the lens by the face's own normal
            mx, my, mz = _face_normal(edge, opposite[k])
            room += shift[0] * math.hypot(mx, my) + shift[1] * abs(mz)
        before = before or side > room
        behind = behind or side < -room
    return not (before and behind)


@njit(cache=True, nogil=True)
def _face_normal(edge: FloatArray, third: FloatArray) -> tuple[float, float, float]:
    ux, uy, uz = edge[1, 0] - edge[0, 0], edge[1, 1] - edge[0, 1], edge[1, 2] - edge[0, 2]
    vx, vy, vz = third[0] - edge[0, 0], third[1] - edge[0, 1], third[2] - edge[0, 2]
    return uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx


@njit(cache=True, nogil=True)
def _sector(a: FloatArray, b: FloatArray, out: FloatArray, shift: Shift) -> None:
    """The wall of shadow of an edge a b (from the lens) as a row for `enters`.

    0-2 normal of the plane; 3-5 and 6-8 are positive between the rays; 9-11 is at least 12 beyond the edge; 13-16 slack of these four,
    by distance.
    """
    _thin_sector(a, b, out)
    out[14:17] = 0.0
    if shift[0] > 0 or shift[1] > 0:
        near = _nearest(a, b - a) - 2 * math.hypot(shift[0], shift[1])  # (s + shift) / (d - shift) <= s / (d - 2 shift) where s >= d
        for k in range(4):
            moved = shift[0] * math.hypot(out[3 * k], out[3 * k + 1]) + shift[1] * abs(out[3 * k + 2])
            out[13 + k] = out[13 + k] + moved / near if near > 0 else math.inf


@njit(cache=True, nogil=True)
def _thin_sector(a: FloatArray, b: FloatArray, out: FloatArray) -> None:
    """The wall of shadow of a lens that is where it is, but for the slack of its sides."""
    n, d = _cross(a, b), (b[0] - a[0], b[1] - a[1], b[2] - a[2])
    size = math.sqrt(_dot(n, n))
    near = max(_nearest(a, d), 1e-6)
    out[13] = _SINGLE_M / near
    if size <= 1e-9 * math.sqrt(_dot(a, a) * _dot(b, b)):  # seen end on: a half-plane on its ray holds it
        n = _cross(a, (1.0, 0.0, 0.0) if abs(a[0]) < abs(a[2]) else (0.0, 0.0, 1.0))
        n, g = _over(n, math.sqrt(_dot(n, n)) + 1e-300), _over(a, max(math.sqrt(_dot(a, a)), 1e-12))
        _put(out, n, g, g, g)
        out[12] = near
        return
    n = _over(n, size)
    g = _cross(d, n)
    k = _dot(g, a)
    _put(out, n, _cross(n, a), _cross(b, n), (-g[0], -g[1], -g[2]) if k < 0 else g)
    out[12] = abs(k)


@njit(cache=True, nogil=True)
def _put(out: FloatArray, normal: Place, first: Place, second: Place, beyond: Place) -> None:
    for k in range(3):
        out[k], out[3 + k], out[6 + k], out[9 + k] = normal[k], first[k], second[k], beyond[k]


@njit(cache=True, nogil=True)
def _over(u: Any, size: float) -> Place:
    return u[0] / size, u[1] / size, u[2] / size


@njit(cache=True, nogil=True)
def _nearest(a: Any, d: Any) -> float:
    """Distance from the lens to the edge from a along d."""
    length = _dot(d, d)
    t = min(1.0, max(0.0, -_dot(a, d) / length)) if length > 0 else 0.0
    p = (a[0] + t * d[0], a[1] + t * d[1], a[2] + t * d[2])
    return math.sqrt(_dot(p, p))


@njit(cache=True, nogil=True)
def _sector_rows(parts: FloatArray, shift: Shift) -> Any:
    out = np.empty((len(parts), 17))
    for k in range(len(parts)):
        _sector(parts[k, 0], parts[k, 1], out[k], shift)
    return out


@njit(cache=True, nogil=True)
def _touching(triangles: FloatArray, boxes: FloatArray, lens: FloatArray) -> Any:
    """The planes of faces that touch the lens, as sectors without sides."""
    found = [(0.0, 0.0, 0.0) for _ in range(0)]
    here = np.concatenate((lens - TOUCHING_M, lens + TOUCHING_M))
    for group in range(len(boxes)):
        if _apart(boxes[group, :3], boxes[group, 3:], here):
            continue
        for k in range(group * GROUP, min((group + 1) * GROUP, len(triangles))):
            p, q, r = triangles[k, 0], triangles[k, 1], triangles[k, 2]
            if _apart(np.minimum(np.minimum(p, q), r), np.maximum(np.maximum(p, q), r), here):
                continue
            u, v = q - p, r - p
            n = np.array([u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]])
            size = math.sqrt((n * n).sum())
            if size > 0 and abs((n * (lens - p)).sum()) <= TOUCHING_M * size:
                found.append((n[0] / size, n[1] / size, n[2] / size))
    out = np.zeros((len(found), 17))
    for k in range(len(found)):
        out[k, 0], out[k, 1], out[k, 2] = found[k]
        out[k, 13] = 1e-3  # single precision decides on which side of the plane the lens is
    return out


def _visible_parts(scene: Scene, lens: FloatArray, ends: FloatArray) -> FloatArray:
    """What is left of edges (n, 2, 3) when the parts that single faces hide from the lens are cut away: (m, 2, 3)."""
    faces, vertices = scene.obstacles.faces, scene.obstacles.vertices
    done: list[FloatArray] = []
    live = ends
    for _ in range(ROUNDS):
        if not len(live):
            break
        places = np.array(PROBES)
        probes = live[:, None, 0] + places[None, :, None] * (live[:, None, 1] - live[:, None, 0])  # (n, probes, 3)
        face, _ = scene.first_hit(np.broadcast_to(lens, (probes.shape[0] * len(PROBES), 3)), probes.reshape(-1, 3))
        face = face.reshape(-1, len(PROBES))
        free = (face < 0).all(axis=1)
        done.append(live[free])
        live, face = live[~free], face[~free]
        corners = vertices[faces[np.maximum(face, 0)]] - lens  # (n, probes, 3, 3)
        live, stuck = _cut_away(live, lens, face, corners)
        done.append(stuck)
    return np.concatenate([*done, live]) if done else ends


@njit(cache=True, nogil=True)
def _cut_away(ends: FloatArray, lens: FloatArray, face: NDArray[np.int64], corners: FloatArray) -> Any:
    """Edges without what faces hide of them; those that could not be shortened come second."""
    left = np.empty((len(ends) * (face.shape[1] + 1), 2, 3))
    stuck = np.empty((len(ends), 2, 3))
    n, m = 0, 0
    span = np.empty((face.shape[1] + 1, 2))
    for i in range(len(ends)):
        span[0, 0], span[0, 1] = 0.0, 1.0
        count, changed = 1, False
        a, b = ends[i, 0] - lens, ends[i, 1] - lens
        for k in range(face.shape[1]):
            if face[i, k] < 0:
                continue
            low, high = _hidden_span(a, b, corners[i, k])
            if high > low:
                count, changed = _subtract(span, count, low, high), True
        if not changed:
            stuck[m] = ends[i]
            m += 1
            continue
        way = ends[i, 1] - ends[i, 0]
        for k in range(count):
            left[n, 0], left[n, 1] = ends[i, 0] + span[k, 0] * way, ends[i, 0] + span[k, 1] * way
            n += 1
    return left[:n], stuck[:m]


@njit(cache=True, nogil=True)
def _subtract(span: FloatArray, count: int, low: float, high: float) -> int:
    """Take [low, high] out of the first `count` spans; their new number."""
    n = count
    k = 0
    while k < n:
        a, b = span[k, 0], span[k, 1]
        if high <= a or low >= b:
            k += 1
        elif low <= a and high >= b:
            span[k] = span[n - 1]
            n -= 1
        elif low > a and high < b:
            if n < len(span):
                span[n, 0], span[n, 1] = high, b
                n += 1
                span[k, 1] = low
            k += 1
        else:
            span[k, 0], span[k, 1] = (a, low) if low > a else (high, b)
            k += 1
    return n


@njit(cache=True, nogil=True)
def _hidden_span(a: FloatArray, b: FloatArray, corners: FloatArray) -> tuple[float, float]:
    """The part (low, high) of the edge a b that lies behind a triangle, all from the lens; low > high where none does.

    Spans reach a hair over the triangle's rim, so that neighbours leave nothing between them.
    """
    p, q, r = corners[0], corners[1], corners[2]
    low, high = 0.0, 1.0
    plane = _cross((q[0] - p[0], q[1] - p[1], q[2] - p[2]), (r[0] - p[0], r[1] - p[1], r[2] - p[2]))
    size = math.sqrt(_dot(plane, plane))
    offset = _dot(plane, p)
    if size == 0 or abs(offset) <= 1e-9 * size:
        return 1.0, 0.0
    sign = 1.0 if offset > 0 else -1.0
    for side in range(4):
        normal, limit = plane, abs(offset) + WELD_M * size
        if side < 3:
            normal = _cross(corners[side], corners[(side + 1) % 3])
            limit = -1e-7 * math.sqrt(_dot(normal, normal))
        at_a, at_b = sign * _dot(normal, a) - limit, sign * _dot(normal, b) - limit
        if at_a < 0 and at_b < 0:
            return 1.0, 0.0
        if at_a < 0:
            low = max(low, at_a / (at_a - at_b))
        elif at_b < 0:
            high = min(high, at_a / (at_a - at_b))
    return low, high


@njit(cache=True, nogil=True)
def _cross(u: Any, v: Any) -> Place:
    return u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]


@njit(cache=True, nogil=True)
def _dot(u: Any, v: Any) -> float:
    return u[0] * v[0] + u[1] * v[1] + u[2] * v[2]
