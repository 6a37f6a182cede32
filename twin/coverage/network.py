"""Networks of ways or pipes: points joined to them, and exact distances along their edges.

    o---o---o
        |
    x - o          a point is joined to the nearest edge, the way across is part of its distance

Distances are in space, so that what lies one over the other on two levels stays apart. `twin.coverage.noding` makes networks of lines.
Shortest paths are Dijkstra's (`scipy.sparse.csgraph`), from as many sources as there are in one sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components, dijkstra

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

BOTH, ALONG, AGAINST = 0, 1, -1  # ways an edge can be passed: either, from its first node, from its second
NOWHERE = -1
ADDED, SPAN = -1, -2  # lines of edges that were not drawn: ways across to an edge, and spans between parts


@dataclass(frozen=True)
class Network:
    """n nodes and m straight edges."""

    nodes: FloatArray  # (n, 3) [m, enu]
    edges: IntArray  # (m, 2)
    length: FloatArray  # (m,) [m], as drawn
    line: IntArray  # (m,) the line each is a piece of; ADDED or SPAN of what was not drawn
    flow: NDArray[np.int8]  # (m,) BOTH, ALONG or AGAINST
    capacity: FloatArray  # (m,) in the unit of whoever made it; NaN: unknown

    def __len__(self) -> int:
        return len(self.edges)


@dataclass(frozen=True)
class Joined:
    """A network with k points on it: the node of each, -1 where no edge is near enough, and how far each lies from its edge."""

    network: Network
    node: IntArray  # (k,)
    gap: FloatArray  # (k,) [m]; infinite where no edge is near enough


@dataclass(frozen=True)
class Nearest:
    """The nearest of several sources to each of n nodes."""

    distance: FloatArray  # (n,) [m], infinite where none can be reached
    source: IntArray  # (n,) index among the sources, -1
    before: IntArray  # (n,) the node before on the way from it, -1


@dataclass(frozen=True)
class Cuts:
    """Where edges are cut: c places by edge and share of its length."""

    edge: IntArray
    at: FloatArray


@dataclass(frozen=True)
class Pairs:
    """Points and edges near each other: p pairs by index, with the place on the edge and the distance."""

    point: IntArray
    edge: IntArray
    at: FloatArray
    away: FloatArray

    def only(self, which: Any) -> Pairs:
        """Some of the pairs, by mask or index."""
        return Pairs(self.point[which], self.edge[which], self.at[which], self.away[which])


def joined(network: Network, points: ArrayLike, *, within: float) -> Joined:
    """The network with points (k, 3) [m, enu] joined to their nearest edges, where one lies `within` [m]; the way across counts.

    Spans between parts are no edges to join to: they may not be there.
    """
    xyz = np.asarray(points, float).reshape(-1, 3)
    node, gap = np.full(len(xyz), NOWHERE, np.int64), np.full(len(xyz), np.inf)
    if not len(network) or not len(xyz):
        return Joined(network, node, gap)
    found = near_edges(network, xyz, within)
    found = found.only(network.line[found.edge] != SPAN)
    found = found.only(np.lexsort((found.edge, found.away, found.point)))
    found = found.only(fresh(found.point))
    cut, foot = cut_at(network, Cuts(found.edge, found.at))
    node[found.point], gap[found.point] = len(cut.nodes) + np.arange(len(foot)), found.away
    return Joined(extended(cut, xyz[found.point], columns(foot, node[found.point]), found.away), node, gap)


def linked(network: Network, spans: ArrayLike, length: ArrayLike) -> Network:
    """The network with edges between nodes (b, 2) added, each of its own length (b,). [m]"""
    return extended(network, np.empty((0, 3)), np.asarray(spans, np.int64).reshape(-1, 2), np.asarray(length, float))


def attached(network: Network, points: ArrayLike, node: ArrayLike, length: ArrayLike) -> tuple[Network, IntArray]:
    """The network with points (k, 3) [m, enu] as nodes of their own, each hung on a `node` (k,) by an edge of `length` (k,) [m]."""
    xyz = np.asarray(points, float).reshape(-1, 3)
    new = len(network.nodes) + np.arange(len(xyz))
    return extended(network, xyz, columns(node, new), np.asarray(length, float)), new


def together(networks: Sequence[Network]) -> Network:
    """Networks side by side as one; the nodes of each follow those of the one before. Lines keep their numbers."""
    if not networks:
        return empty_network()
    offset = np.cumsum([0, *(len(each.nodes) for each in networks[:-1])])
    return Network(
        np.concatenate([each.nodes for each in networks]),
        np.concatenate([each.edges + shift for each, shift in zip(networks, offset.tolist(), strict=True)]),
        *(np.concatenate([getattr(each, name) for each in networks]) for name in ("length", "line", "flow", "capacity")),
    )


def parts(network: Network) -> IntArray:
    """Which connected part each node (n,) belongs to, whatever the direction of flow."""
    if not len(network.nodes):
        return np.empty(0, np.int64)
    return connected_components(_matrix(network, directed=False), directed=False)[1].astype(np.int64)


def distances(network: Network, sources: ArrayLike, *, limit: float = np.inf, directed: bool = False) -> FloatArray:
    """The length of the shortest way from each source node (s,) to every node: (s, n) [m], infinite beyond `limit` or reach.

    `directed`: only as edges flow.
    """
    start = np.asarray(sources, np.int64)
    if not len(start) or not len(network.nodes):
        return np.full((len(start), len(network.nodes)), np.inf)
    return np.asarray(dijkstra(_matrix(network, directed), directed=directed, indices=start, limit=limit), float)


def nearest(network: Network, sources: ArrayLike, *, limit: float = np.inf, directed: bool = False) -> Nearest:
    """The nearest of source nodes (s,) to every node, and the way there."""
    start = np.asarray(sources, np.int64)
    n = len(network.nodes)
    none = np.full(n, NOWHERE, np.int64)
    if not len(start) or not n:
        return Nearest(np.full(n, np.inf), none, none)
    found: Any = dijkstra(
        _matrix(network, directed), directed=directed, indices=start, limit=limit, min_only=True, return_predecessors=True
    )
    index = np.full(n, NOWHERE, np.int64)
    index[start[::-1]] = np.arange(len(start))[::-1]
    reached = found[2] >= 0
    source = np.where(reached, index[np.where(reached, found[2], 0)], NOWHERE)
    return Nearest(np.asarray(found[0], float), source, np.where(found[1] >= 0, found[1], NOWHERE).astype(np.int64))


def way(found: Nearest, node: int) -> list[int]:
    """The nodes from `node` to its nearest source, both included; empty where none can be reached."""
    if not np.isfinite(found.distance[node]):
        return []
    steps = [node]
    while (before := int(found.before[steps[-1]])) != NOWHERE:
        steps.append(before)
    return steps


def empty_network() -> Network:
    """A network of nothing."""
    return Network(
        np.empty((0, 3)), np.empty((0, 2), np.int64), np.empty(0), np.empty(0, np.int64), np.empty(0, np.int8), np.empty(0)
    )  # fmt: skip


def lengths_of(nodes: FloatArray, edges: IntArray) -> FloatArray:
    """How far the ends of edges (m, 2) lie apart (m,). [m]"""
    return np.linalg.norm(nodes[edges[:, 1]] - nodes[edges[:, 0]], axis=1)


def _matrix(network: Network, directed: bool) -> csr_array:
    """The lengths between nodes as a matrix; of parallel edges the shortest counts."""
    a, b = network.edges[:, 0], network.edges[:, 1]
    along, against = (network.flow != AGAINST, network.flow != ALONG) if directed else (np.ones(len(a), bool),) * 2
    start, end = np.concatenate([a[along], b[against]]), np.concatenate([b[along], a[against]])
    length = np.concatenate([network.length[along], network.length[against]])
    order = np.lexsort((length, end, start))
    start, end, length = start[order], end[order], length[order]
    shortest = fresh(start) | fresh(end)
    n = len(network.nodes)
    return csr_array((length[shortest], (start[shortest], end[shortest])), shape=(n, n))


def near_edges(network: Network, points: FloatArray, within: float) -> Pairs:
    """Points and edges no farther than `within` apart in space."""
    a, b = network.nodes[network.edges[:, 0]], network.nodes[network.edges[:, 1]]
    k, edge = shapely.STRtree(in_plan(network)).query(points_of(points), predicate="dwithin", distance=within)
    along = b[edge] - a[edge]
    length2 = np.maximum((along**2).sum(axis=1), 1e-18)
    at = np.clip(((points[k] - a[edge]) * along).sum(axis=1) / length2, 0.0, 1.0)
    away = np.linalg.norm(a[edge] + at[:, None] * along - points[k], axis=1)
    return Pairs(k.astype(np.int64), edge.astype(np.int64), at, away).only(away <= within)


def in_plan(network: Network) -> Any:
    """The edges in plan."""
    return shapely.linestrings(network.nodes[network.edges][:, :, :2])


def points_of(points: FloatArray) -> Any:
    """Points (n, 3) in plan."""
    return shapely.points(points[:, :2])


def columns(one: Any, other: Any) -> IntArray:
    """Two columns (n,) as pairs (n, 2)."""
    return np.column_stack([one, other]).astype(np.int64)


def fresh(ordered: IntArray) -> BoolArray:
    """Where a new value begins in an ordered column (n,)."""
    fresh = np.ones(len(ordered), np.bool_)
    fresh[1:] = ordered[1:] != ordered[:-1]
    return fresh


def cut_at(network: Network, cuts: Cuts) -> tuple[Network, IntArray]:
    """The network with edges cut at the places given, and the node of each place (c,)."""
    a, b = network.edges[cuts.edge, 0], network.edges[cuts.edge, 1]
    inside = (cuts.at > 0) & (cuts.at < 1)
    place = np.where(cuts.at <= 0, a, b)
    place[inside] = len(network.nodes) + np.arange(int(inside.sum()))
    start, end = network.nodes[a[inside]], network.nodes[b[inside]]
    nodes = np.concatenate([network.nodes, start + cuts.at[inside, None] * (end - start)])
    touched, back = np.unique(cuts.edge[inside], return_inverse=True)
    if not len(touched):
        return network, place.astype(np.int64)
    # every cut edge becomes the chain: its first node, its cuts in order, its second node
    chain = np.concatenate([back, np.arange(len(touched)), np.arange(len(touched))])
    at = np.concatenate([cuts.at[inside], np.zeros(len(touched)), np.ones(len(touched))])
    node = np.concatenate([place[inside], network.edges[touched, 0], network.edges[touched, 1]])
    order = np.lexsort((at, chain))
    chain, at, node = chain[order], at[order], node[order]
    follows = np.flatnonzero(chain[1:] == chain[:-1])
    whole = touched[chain[follows]]
    rest = np.ones(len(network), bool)
    rest[touched] = False
    return Network(
        nodes,
        np.concatenate([network.edges[rest], np.column_stack([node[follows], node[follows + 1]])]).astype(np.int64),
        np.concatenate([network.length[rest], network.length[whole] * (at[follows + 1] - at[follows])]),
        *(np.concatenate([getattr(network, name)[rest], getattr(network, name)[whole]]) for name in ("line", "flow", "capacity")),
    ), place.astype(np.int64)


def extended(network: Network, nodes: FloatArray, edges: IntArray, length: FloatArray, line: int = ADDED) -> Network:
    """The network with nodes (k, 3) and edges (b, 2) of length (b,) [m] added, passable either way."""
    n = len(edges)
    return Network(
        np.concatenate([network.nodes, nodes]),
        np.concatenate([network.edges, edges]).astype(np.int64),
        np.concatenate([network.length, length]),
        np.concatenate([network.line, np.full(n, line)]),
        np.concatenate([network.flow, np.zeros(n, np.int8)]),
        np.concatenate([network.capacity, np.full(n, np.nan)]),
    )
