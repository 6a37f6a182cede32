"""What the walls between two points take from a signal: crossings of a segment paired into bodies, bodies priced by make-up.

A solid wall is entered and left: two crossings of one object are one wall, as thick as the way inside it is long across its face.

      o----->|////|-------------->|////|------->x
             enter leave          enter leave

- one object crossed once (an open mesh, or a segment ending inside it) counts once;
- two crossings at the same place and in the same sense (an edge shared by two triangles) are one;
- doors, windows and furniture are assemblies of many faces: an object counts once however often it is crossed;
- where two bodies overlap (a column built into a wall, the same wall in two models) the greater loss counts, once;
- a building known by its outline alone costs its outer wall at every crossing, and 0.5 dB a metre inside (3GPP TR 38.901 7.4.3);
- trees cost by the way through their crowns.

Each object is priced in three cases (`twin.coverage.makeup`). Angles are between the segment and the face's normal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numba as nb
import numpy as np
from numpy.typing import NDArray

from twin.coverage.makeup import DEEPEST_M, IGNORED, LEAVES, SHELL, SOLID, THICKEST_CM, Partitions
from twin.coverage.rims import Rims, rims

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

INSIDE_DB_PER_M = 0.5
USUAL_CM = 20  # for bodies crossed once
SAME_PLACE_M = 1e-3


class Crossings(Protocol):
    """Every face that segments cross, ordered by segment and by place along it."""

    @property
    def segment(self) -> IntArray:
        """Which segment (k,)."""
        ...

    @property
    def face(self) -> IntArray:
        """Which face (k,)."""
        ...

    @property
    def t(self) -> FloatArray:
        """Where along the segment (k,), 0 at the origin and 1 at the target."""
        ...


class Segments(Protocol):
    """What answers questions about segments between points (n, 3). [m, enu]"""

    def occluded(self, origins: FloatArray, targets: FloatArray) -> NDArray[np.bool_]:
        """Whether anything lies between (n,)."""
        ...

    def crossings(self, origins: FloatArray, targets: FloatArray) -> Crossings:
        """Everything that lies between."""
        ...


@dataclass(frozen=True)
class Faces:
    """The faces of a scene: whose each is, and its unit normal, outward on closed bodies."""

    object: IntArray  # (f,)
    normal: FloatArray  # (f, 3)
    area: FloatArray  # (f,) [m2]
    offset: FloatArray  # (f,) of its plane along the normal [m]
    vertices: FloatArray  # (v, 3) [m, enu]
    triangles: NDArray[Any]  # (f, 3) index of vertices

    @cached_property
    def box(self) -> FloatArray:
        """The box round each object's faces (o, 6), nowhere for those without. [m, enu]"""
        corner = self.vertices[np.asarray(self.triangles, np.int64)]  # (f, 3, 3)
        order = np.argsort(self.object, kind="stable")
        owner, start = np.unique(self.object[order], return_index=True)
        out = np.full((int(self.object.max(initial=-1)) + 1, 6), np.inf)
        out[:, 3:] = -np.inf
        if len(owner):
            out[owner, :3] = np.minimum.reduceat(corner.min(axis=1)[order], start)
            out[owner, 3:] = np.maximum.reduceat(corner.max(axis=1)[order], start)
        return out

    @cached_property
    def extent(self) -> FloatArray:
        """The diagonal of the box round each object's faces (o,): no way inside is longer. [m]"""
        return np.linalg.norm(np.maximum(self.box[:, 3:] - self.box[:, :3], 0.0), axis=1)


@dataclass(frozen=True)
class Barriers:
    """Everything a signal may have to pass: what answers for segments, the faces there are, and what their objects are made of."""

    scene: Segments
    faces: Faces
    walls: Partitions
    ids: Sequence[str]  # (o,) of the objects

    @cached_property
    def rims(self) -> Rims:
        """The edges at which what is passed can change."""
        return rims(self.faces.vertices, self.faces.triangles, self.faces.object, self.walls.count)

    @cached_property
    def memory(self) -> dict[Any, Any]:
        """What has been worked out about them and depends on nothing else."""
        return {}


@dataclass(frozen=True)
class WallLoss:
    """What n segments lose: in the three cases (n, 3) [dB], and the object that takes most in the likely one (-1: none)."""

    db: FloatArray  # (n, 3) WORST LIKELY BEST
    blocker: IntArray  # (n,)


def faces(vertices: FloatArray, triangles: NDArray[Any], face_object: NDArray[Any]) -> Faces:
    """The faces of triangles (f, 3) over vertices (v, 3) [m, enu]; a triangle without area has no direction."""
    corner = vertices[triangles]  # (f, 3, 3)
    normal = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]) if len(triangles) else np.empty((0, 3))
    length = np.linalg.norm(normal, axis=1, keepdims=True)
    unit = normal / np.maximum(length, 1e-30)
    offset = np.einsum("ij,ij->i", unit, corner[:, 0]) if len(triangles) else np.empty(0)
    return Faces(np.asarray(face_object, np.int64), unit, length[:, 0] / 2, offset, np.asarray(vertices, np.float64), triangles)


def wall_loss(
    barriers: Barriers, table_db: FloatArray, origins: FloatArray, targets: FloatArray, found: Crossings | None = None
) -> WallLoss:
    """What the bodies between origins and targets take.

    Parameters
    ----------
    barriers
        The objects of the scene.
    table_db
        What `twin.coverage.makeup.loss_table_db` gives for the frequency (m, 61, 91). [dB]
    origins, targets
        Ends of the segments (n, 3). [m, enu]
    found
        What lies between, where that is known.

    Returns
    -------
    Loss of the n segments in the three cases [dB] and the object that takes most of it.
    """
    crossings = barriers.scene.crossings(origins, targets) if found is None else found
    faces_, walls = barriers.faces, barriers.walls
    way = np.asarray(targets - origins, np.float64)  # (n, 3)
    loss, blocker = np.zeros((len(way), 3)), np.full(len(way), -1, np.int64)
    if not len(crossings.face):
        return WallLoss(loss, blocker)
    offsets = np.searchsorted(crossings.segment, np.arange(len(way) + 1))
    hits = (crossings.t, crossings.face, faces_.object, faces_.normal)
    _add_up(offsets, hits, way, (walls.count, walls.make_up, np.ascontiguousarray(table_db, np.float64)), loss, blocker)
    return WallLoss(loss, blocker)


@nb.njit(nogil=True, cache=True)
def _add_up(offsets: Any, hits: Any, way: Any, walls: Any, loss: Any, blocker: Any) -> None:  # pragma: no cover - compiled
    """Fill `loss` (n, 3) and `blocker` (n,); hits are (share, face, object and normal of faces), walls (count, make-up, table)."""
    for i in range(len(way)):
        if offsets[i + 1] > offsets[i]:
            spans = bodies(hits, offsets[i], offsets[i + 1], way[i], walls[0])
            blocker[i] = _price(spans, walls, loss[i])


# columns of the bodies a segment passes; a way that begins or ends inside a body has no face there: -1
OBJECT, FROM, TO, COSINE, CROSSED, ENTERED, LEFT = range(7)


@nb.njit(nogil=True, cache=True)
def bodies(hits: Any, first: Any, end: Any, way: Any, count: Any) -> Any:  # pragma: no cover - compiled
    """The bodies a segment passes: rows (object, from [m], to [m], cosine, crossings, face entered, face left), its crossings paired."""
    at, face, face_object, normal = hits
    length = np.sqrt(way[0] ** 2 + way[1] ** 2 + way[2] ** 2)
    spans = np.empty((end - first, 7))
    done = np.zeros(end - first, np.bool_)
    made = 0
    for a in range(first, end):
        if done[a - first]:
            continue
        body = face_object[face[a]]
        if count[body] == IGNORED:
            continue
        opened, last, way_in = -1, -1.0, False
        for c in range(a, end):
            if face_object[face[c]] != body:
                continue
            done[c - first] = True
            here = at[c] * length
            across = normal[face[c]]
            cosine = (way[0] * across[0] + way[1] * across[1] + way[2] * across[2]) / length
            if last >= 0.0 and here - last < SAME_PLACE_M and (cosine < 0.0) == way_in:
                continue
            last, way_in = here, cosine < 0.0
            if count[body] == SHELL or count[body] == LEAVES:
                opened, made = _shell(spans, (made, opened, body, face[c]), here, cosine, length)
            elif opened < 0 or (count[body] == SOLID and spans[opened, CROSSED] == 2.0):
                spans[made] = (float(body), here, here, abs(cosine), 1.0, float(face[c]), -1.0)
                opened, made = made, made + 1
            else:
                spans[opened, TO], spans[opened, CROSSED], spans[opened, LEFT] = here, 2.0, float(face[c])
    return spans[:made]


@nb.njit(nogil=True, cache=True)
def _shell(spans: Any, state: Any, here: Any, cosine: Any, length: Any) -> Any:  # pragma: no cover - compiled
    """Note one crossing of a body that one is inside of from where it is entered to where it is left."""
    made, opened, body, face = state
    if cosine < 0.0:
        spans[made] = (float(body), here, length, -cosine, 1.0, float(face), -1.0)
        return made, made + 1
    if opened < 0:  # the segment began inside
        spans[made] = (float(body), 0.0, here, cosine, 1.0, -1.0, float(face))
        return -1, made + 1
    spans[opened, TO], spans[opened, CROSSED], spans[opened, LEFT] = here, 2.0, float(face)
    return -1, made


@nb.njit(nogil=True, cache=True)
def _price(spans: Any, walls: Any, loss: Any) -> Any:  # pragma: no cover - compiled
    """Add what the bodies cost in the three cases to `loss` (3,); give the object that costs most in the likely one."""
    count, make_up, table = walls
    cost = np.empty((len(spans), 3))
    for k in range(len(spans)):
        body = int(spans[k, OBJECT])
        for case in range(3):
            cost[k, case] = cost_of(spans[k], count[body], table[make_up[body, case]])
        # a drawn thickness may lie outside what is common: the likely case stays between the other two
        cost[k, 0], cost[k, 2] = max(cost[k, 0], cost[k, 1]), min(cost[k, 2], cost[k, 1])
    most, blocker = 0.0, -1
    for k in range(len(spans)):
        if not _inside_another(spans, cost, count, k):
            for case in range(3):
                loss[case] += cost[k, case]
            if cost[k, 1] > most:
                most, blocker = cost[k, 1], int(spans[k, OBJECT])
    return blocker


@nb.njit(nogil=True, cache=True)
def cost_of(span: Any, sort: Any, table: Any) -> Any:  # pragma: no cover - compiled
    """What one body costs a segment, by the table (61, 91) of its make-up and by how it counts. [dB]"""
    way = span[TO] - span[FROM]
    if sort == LEAVES:
        metre = min(way, DEEPEST_M - 1e-9)
        low = int(metre)
        return table[low, 0] + (table[low + 1, 0] - table[low, 0]) * (metre - low)
    cm = min(max(int(way * span[COSINE] * 100.0 + 0.5), 1), THICKEST_CM) if span[CROSSED] == 2.0 else USUAL_CM
    degree = np.degrees(np.arccos(min(span[COSINE], 1.0)))
    low = min(int(degree), 89)
    cost = table[cm, low] + (table[cm, low + 1] - table[cm, low]) * (degree - low)
    return cost * span[CROSSED] + INSIDE_DB_PER_M * way if sort == SHELL else cost


@nb.njit(nogil=True, cache=True)
def _inside_another(spans: Any, cost: Any, count: Any, k: Any) -> Any:  # pragma: no cover - compiled
    """Whether more than half of solid k lies in a solid of another object that costs more, or as much and has the lower number."""
    if count[int(spans[k, 0])] != SOLID:
        return False
    way = spans[k, TO] - spans[k, FROM]
    for j in range(len(spans)):
        if spans[j, 0] != spans[k, 0] and count[int(spans[j, 0])] == SOLID:
            shared = min(spans[k, 2], spans[j, 2]) - max(spans[k, 1], spans[j, 1])
            is_dearer = cost[j, 1] > cost[k, 1] or (cost[j, 1] == cost[k, 1] and spans[j, OBJECT] < spans[k, OBJECT])
            if shared > 0.5 * way and shared > 0.0 and is_dearer:
                return True
    return False
