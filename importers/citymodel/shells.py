"""Whether surfaces close a volume: edges without a partner, the holes they run around, surfaces turned the wrong way, the volume.

An edge is closed when it is run through as often one way as the other (ISO 19107, val3dity 2.x rule 302 and 307). Corners of neighbours
that lie on an edge without being one of its ends split it, so that T-junctions are no holes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from importers.citymodel.city import Surface
from importers.citymodel.triangles import Cut, cleaned

Ints = NDArray[np.int64]
WELD_M = 1e-3  # corners nearer than this are one corner
_MOST_OPEN = 2000  # open edges beyond this are not compared with each other's corners


@dataclass(frozen=True)
class Shell:
    """What was found of one set of surfaces that should close."""

    open_edges: int
    holes: int
    turned: Ints  # surfaces that face the other way than the rest
    volume_m3: float | None  # enclosed, None where it is open

    @property
    def is_closed(self) -> bool:
        """Whether nothing is open."""
        return self.open_edges == 0


def shell(surfaces: Sequence[Surface], members: Ints, cut: Cut) -> Shell:
    """What the surfaces with numbers `members` (m,) close together.

    Those in `turned` have to be wound the other way for all to face outward.
    """
    ends, owner = _edges(surfaces, members)
    if not len(ends):
        return Shell(0, 0, np.empty(0, np.int64), None)
    turned = _turned(ends, owner, members)
    loose = _loose(ends)
    flipped = np.zeros(len(surfaces), np.bool_)
    flipped[turned] = True
    volume = _volume(cut, members, flipped)
    if volume < 0:
        flipped[members] ^= True
    holes = _components(loose)
    return Shell(len(loose), holes, np.flatnonzero(flipped), None if len(loose) else abs(volume))


def _edges(surfaces: Sequence[Surface], members: Ints) -> tuple[Ints, Ints]:
    """Directed edges (e, 2) between welded corners, split where other corners lie on them, and the surface of each (e,)."""
    rings = [(k, ring) for k in members.tolist() for ring in map(cleaned, surfaces[k].rings) if len(ring) > 2]
    if not rings:
        return np.empty((0, 2), np.int64), np.empty(0, np.int64)
    points = np.concatenate([ring[:, :3] for _, ring in rings])
    corner, places = _welded(points)
    sizes = [len(ring) for _, ring in rings]
    starts = np.cumsum([0, *sizes])
    after = np.arange(len(points)) + 1
    after[starts[1:] - 1] = starts[:-1]
    ends = np.column_stack([corner, corner[after]])
    owner = np.repeat([k for k, _ in rings], sizes)
    real = ends[:, 0] != ends[:, 1]
    return _split(ends[real], owner[real], places)


def _welded(points: NDArray[np.float64]) -> tuple[Ints, NDArray[np.float64]]:
    """The number of the corner each point is (n,), and where the corners are (c, 3): points that fall into one cell or round to one."""
    cell = np.round((points - points.min(axis=0)) / WELD_M).astype(np.int64)
    _, first, corner = np.unique(cell, axis=0, return_index=True, return_inverse=True)
    return corner.reshape(-1), points[first]


def _split(ends: Ints, owner: Ints, places: NDArray[np.float64]) -> tuple[Ints, Ints]:
    """The edges, those without a partner cut at the corners of others of their kind that lie on them."""
    loose = _is_loose(ends)
    if not loose.any() or loose.sum() > _MOST_OPEN:
        return ends, owner
    corners = np.unique(ends[loose])
    pieces: list[Ints] = [ends[~loose]]
    owners: list[Ints] = [owner[~loose]]
    for (a, b), k in zip(ends[loose].tolist(), owner[loose].tolist(), strict=True):
        along = places[b] - places[a]
        t = (places[corners] - places[a]) @ along / float(along @ along)
        away = np.linalg.norm(places[corners] - places[a] - t[:, None] * along, axis=1)
        inside = (away < WELD_M) & (corners != a) & (corners != b) & (t > 0) & (t < 1)
        chain = np.array([a, *corners[inside][np.argsort(t[inside])].tolist(), b])
        pieces.append(np.column_stack([chain[:-1], chain[1:]]))
        owners.append(np.full(len(chain) - 1, k))
    return np.concatenate(pieces), np.concatenate(owners)


def _is_loose(ends: Ints) -> NDArray[np.bool_]:
    """Which edges (e,) are run through an odd number of times, whichever way."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    _, which, count = np.unique(low * (ends.max() + 1) + high, return_inverse=True, return_counts=True)
    return (count % 2 == 1)[which.reshape(-1)]


def _loose(ends: Ints) -> Ints:
    """The edges without a partner (k, 2), each once."""
    return np.unique(np.sort(ends[_is_loose(ends)], axis=1), axis=0)


def _turned(ends: Ints, owner: Ints, members: Ints) -> Ints:
    """Surfaces to be turned so that neighbours agree: from surface to surface over edges that exactly two share."""
    low, high = ends.min(axis=1), ends.max(axis=1)
    _, which, count = np.unique(low * (ends.max() + 1) + high, return_inverse=True, return_counts=True)
    order = np.argsort(which.reshape(-1), kind="stable")
    pair = order[(count == 2)[which.reshape(-1)[order]]].reshape(-1, 2)  # (p, 2) edges run through twice
    agree = ends[pair[:, 0], 0] != ends[pair[:, 1], 0]
    if agree.all():
        return np.empty(0, np.int64)
    beside: dict[int, list[tuple[int, bool]]] = {k: [] for k in members.tolist()}
    for one, other, same in zip(owner[pair[:, 0]].tolist(), owner[pair[:, 1]].tolist(), agree.tolist(), strict=True):
        beside[one].append((other, same))
        beside[other].append((one, same))
    turn: dict[int, bool] = {}
    for start in members.tolist():
        if start in turn:
            continue
        turn[start], reached, waiting = False, [start], deque([start])
        while waiting:
            k = waiting.popleft()
            for other, same in beside[k]:
                if other not in turn:
                    turn[other] = turn[k] == same
                    reached.append(other)
                    waiting.append(other)
        if sum(turn[k] for k in reached) * 2 > len(reached):  # the few are turned, not the many
            turn.update({k: not turn[k] for k in reached})
    return np.array([k for k, is_turned in turn.items() if is_turned], np.int64)


def _volume(cut: Cut, members: Ints, flipped: NDArray[np.bool_]) -> float:
    """The volume that the triangles of the members enclose, negative where they face inward. [m³]"""
    mine = np.isin(cut.surface, members)
    corners = cut.corners[mine]
    if not len(corners):
        return 0.0
    sign = np.where(flipped[cut.surface[mine]], -1.0, 1.0)
    a, b, c = np.moveaxis(corners - corners.reshape(-1, 3).mean(axis=0), 1, 0)
    return float((np.einsum("ij,ij->i", a, np.cross(b, c)) * sign).sum() / 6)


def _components(loose: Ints) -> int:
    """How many separate runs the open edges make: the holes."""
    root: dict[int, int] = {}

    def top(k: int) -> int:
        while root.setdefault(k, k) != k:
            root[k] = root[root[k]]
            k = root[k]
        return k

    for a, b in loose.tolist():
        root[top(a)] = top(b)
    return len({top(k) for k in list(root)})
