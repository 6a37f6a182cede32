"""Lines made into networks: where they meet, and where parts that do not meet come near each other.

Lines meet where their ends lie within a stated tolerance of each other or of another line, and where they share a vertex; what lies one
over the other on two levels does not meet. Merging nodes moves no length: an edge keeps the length it was drawn with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from twin.coverage.network import (
    NOWHERE,
    SPAN,
    BoolArray,
    Cuts,
    FloatArray,
    IntArray,
    Network,
    Pairs,
    columns,
    cut_at,
    empty_network,
    extended,
    fresh,
    in_plan,
    lengths_of,
    near_edges,
    parts,
    points_of,
)

SAME_VERTEX_M = 1e-3  # vertices of two lines this near are one
LEVEL_M = 1.0  # lines that cross in plan meet where they are no farther apart in height


@dataclass(frozen=True)
class Bridged:
    """A network whose parts were joined where they come near, by edges of their own."""

    network: Network
    spans: FloatArray  # (b,) [m]


def noded(
    lines: Sequence[Any],
    *,
    tolerance: float,
    crossing: bool = False,
    flow: ArrayLike | None = None,
    capacity: ArrayLike | None = None,
) -> Network:
    """The network that lines make.

    Parameters
    ----------
    lines
        k shapely LineStrings, x y and where known z [m, enu]; missing heights count as 0.
    tolerance
        Ends this near to each other, or to another line, meet there. [m]
    crossing
        Whether lines that cross without a common vertex meet too, as ways do and pipes do not.
    flow, capacity
        For each line (k,): BOTH, ALONG its direction or AGAINST it; and what it can carry.
    """
    kept = np.array([i for i, line in enumerate(lines) if line is not None and not line.is_empty and line.length > 0], np.int64)
    if not len(kept):
        return empty_network()
    flows = np.zeros(len(lines), np.int8) if flow is None else np.asarray(flow, np.int8)
    holds = np.full(len(lines), np.nan) if capacity is None else np.asarray(capacity, float)
    drawn: NDArray[np.object_] = np.array([lines[i] for i in kept], object)
    xyz, owner = shapely.get_coordinates(drawn, include_z=True, return_index=True)
    xyz[:, 2] = np.nan_to_num(xyz[:, 2])
    first = np.flatnonzero(owner[:-1] == owner[1:])
    edges = np.column_stack([first, first + 1])
    of = kept[owner[first]]
    plain = Network(xyz, edges, lengths_of(xyz, edges), of, flows[of], holds[of])
    ends = np.flatnonzero(fresh(owner) | fresh(owner[::-1])[::-1])
    cuts, pairs = _meetings(plain, ends, tolerance, crossing)
    cut, node = cut_at(plain, cuts)
    places = np.concatenate([np.arange(len(xyz)), node])  # meetings name vertices by index, cuts by what follows them
    return _merged(cut, places[pairs])


def bridged(
    network: Network, *, within: float, ends: int = 0, allowed: Callable[[FloatArray, FloatArray], BoolArray] | None = None
) -> Bridged:
    """The network with its parts joined where they come near: the shortest spans first, no more than are needed.

    Parameters
    ----------
    network
        The network.
    within
        The longest span. [m]
    ends
        Each dead end is joined to this many other lines besides, the nearest ones, whether they are of its part or not.
    allowed
        Whether a span may be: its ends (b, 3), (b, 3) [m, enu] -> (b,).
    """
    if not len(network):
        return Bridged(network, np.empty(0))
    label = parts(network)
    dead = np.bincount(network.edges.ravel(), minlength=len(network.nodes)) == 1
    loose = np.flatnonzero((label != np.bincount(label).argmax()) | dead)
    near = near_edges(network, network.nodes[loose], within)
    if allowed is not None and len(near.edge):
        a, b = (network.nodes[network.edges[near.edge, side]] for side in (0, 1))
        near = near.only(allowed(network.nodes[loose[near.point]], a + near.at[:, None] * (b - a)))
    start = loose[near.point]
    always = _nearest_lines(network, near, start, dead, ends)
    chosen = _forest(label[start], label[network.edges[near.edge, 0]], near.away, always)
    near, start = near.only(chosen), start[chosen]
    cut, foot = cut_at(network, Cuts(near.edge, near.at))
    return Bridged(extended(cut, np.empty((0, 3)), columns(start, foot), near.away, SPAN), near.away)


def _nearest_lines(network: Network, near: Pairs, start: IntArray, dead: BoolArray, ends: int) -> BoolArray:
    """Which pairs (p,) join a dead end to one of the `ends` lines nearest to it, each by its nearest place."""
    out = np.zeros(len(start), bool)
    own = np.full(len(network.nodes), NOWHERE, np.int64)
    for side in (0, 1):
        own[network.edges[:, side]] = network.line
    line = network.line[near.edge]
    some = np.flatnonzero(dead[start] & (line != own[start]))
    order = some[np.lexsort((near.away[some], line[some], start[some]))]
    order = order[fresh(start[order]) | fresh(line[order])]
    order = order[np.lexsort((near.away[order], start[order]))]
    first = np.flatnonzero(fresh(start[order]))
    rank = np.arange(len(order)) - np.repeat(first, np.diff(np.append(first, len(order))))
    out[order[rank < ends]] = True
    return out


def unbridged(network: Network) -> Network:
    """The network without the spans that `bridged` added, its nodes as they are."""
    drawn = network.line != SPAN
    return replace(
        network, edges=network.edges[drawn], **{name: getattr(network, name)[drawn] for name in ("length", "line", "flow", "capacity")}
    )


def _meetings(network: Network, ends: IntArray, tolerance: float, crossing: bool) -> tuple[Cuts, IntArray]:
    """Where lines meet: the cuts of edges, and pairs of vertices that are one; cut number c is vertex number n + c."""
    near = near_edges(network, network.nodes[ends], tolerance)
    near = near.only((network.edges[near.edge] != ends[near.point, None]).all(axis=1))
    vertex, both = ends[near.point], network.edges[near.edge]
    apart = np.linalg.norm(network.nodes[both] - network.nodes[vertex][:, None], axis=2)  # (p, 2)
    closer = np.argmin(apart, axis=1)
    rows = np.arange(len(vertex))
    at_corner = apart[rows, closer] <= tolerance
    inside = near.only(~at_corner)
    n = len(network.nodes)
    cuts = Cuts(inside.edge, inside.at)
    pairs = [
        columns(vertex[at_corner], both[rows, closer][at_corner]),
        columns(vertex[~at_corner], n + np.arange(len(cuts.edge))),
        _coincident(network.nodes),
    ]
    if crossing:
        one, other = _crossings(network)
        m, c = n + len(cuts.edge), len(one.edge)
        cuts = Cuts(np.concatenate([cuts.edge, one.edge, other.edge]), np.concatenate([cuts.at, one.at, other.at]))
        pairs.append(columns(m + np.arange(c), m + c + np.arange(c)))
    return cuts, np.concatenate(pairs)


def _coincident(points: FloatArray) -> IntArray:
    """Pairs (p, 2) of points that are one."""
    flat = points_of(points)
    i, j = shapely.STRtree(flat).query(flat, predicate="dwithin", distance=SAME_VERTEX_M)
    same = (i < j) & (np.abs(points[i, 2] - points[j, 2]) <= SAME_VERTEX_M)
    return np.column_stack([i[same], j[same]]).astype(np.int64)


def _crossings(network: Network) -> tuple[Cuts, Cuts]:
    """Where two edges cross in plan on one level."""
    a, b = network.nodes[network.edges[:, 0]], network.nodes[network.edges[:, 1]]
    lines = in_plan(network)
    i, j = shapely.STRtree(lines).query(lines, predicate="crosses")
    i, j = i[i < j].astype(np.int64), j[i < j].astype(np.int64)
    u, v, w = b[i] - a[i], b[j] - a[j], a[j] - a[i]
    cross = u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        s = (w[:, 0] * v[:, 1] - w[:, 1] * v[:, 0]) / cross
        t = (w[:, 0] * u[:, 1] - w[:, 1] * u[:, 0]) / cross
        level = np.abs(a[i, 2] + s * u[:, 2] - a[j, 2] - t * v[:, 2]) <= LEVEL_M
    return Cuts(i[level], s[level]), Cuts(j[level], t[level])


def _merged(network: Network, pairs: IntArray) -> Network:
    """The network with pairs of nodes made one; a node stands where its first one stood, lengths stay."""
    n = len(network.nodes)
    link = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(link, directed=False)
    _, first = np.unique(label, return_index=True)
    edges = label[network.edges].astype(np.int64)
    real = edges[:, 0] != edges[:, 1]
    return Network(
        network.nodes[first],
        edges[real],
        *(getattr(network, name)[real] for name in ("length", "line", "flow", "capacity")),
    )


def _forest(one: IntArray, other: IntArray, length: FloatArray, always: BoolArray) -> IntArray:
    """The spans that join parts: some always, then the shortest first, none between parts that are joined already (Kruskal)."""
    root: dict[int, int] = {}

    def top(part: int) -> int:
        while root.get(part, part) != part:
            part = root[part]
        return part

    chosen: list[int] = []
    for k in np.lexsort((other, one, length, ~always)).tolist():
        a, b = top(int(one[k])), top(int(other[k]))
        if a != b or always[k]:
            root[max(a, b)] = min(a, b)
            chosen.append(k)
    return np.array(chosen, np.int64)
