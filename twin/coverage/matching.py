"""The most pairs between clients and servers when each side takes part only so many times at once, as a greatest flow (Dinic 1970).

source --wants--> client ----> server --gives--> sink
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Matching:
    """Who is served: how often each of n clients, and how often each of m servers serves."""

    client: IntArray  # (n,)
    server: IntArray  # (m,)

    @property
    def total(self) -> int:
        """All that are served."""
        return int(self.client.sum())


def matched(client: ArrayLike, server: ArrayLike, wants: ArrayLike, gives: ArrayLike) -> Matching:
    """Who is served when as many as possible are.

    Parameters
    ----------
    client, server
        p pairs of which the server reaches the client, by index.
    wants
        How often each client can be served (n,). [count]
    gives
        How often each server can serve at once (m,). [count]

    Returns
    -------
    A matching of the greatest total; the choice among equals is the same for the same input.
    """
    a, b = np.asarray(client, np.int64), np.asarray(server, np.int64)
    most, least = np.asarray(wants, np.int64), np.asarray(gives, np.int64)
    n, m = len(most), len(least)
    if not len(a):
        return Matching(np.zeros(n, np.int64), np.zeros(m, np.int64))
    source, sink = n + m, n + m + 1
    start = np.concatenate([np.full(n, source), a, n + np.arange(m)])
    end = np.concatenate([np.arange(n), n + b, np.full(m, sink)])
    holds = np.concatenate([most, np.minimum(most[a], least[b]), least]).astype(np.int32)
    graph: Any = coo_array((holds, (start, end)), shape=(n + m + 2, n + m + 2)).tocsr()
    graph.data = np.minimum(graph.data, np.iinfo(np.int32).max)
    graph.eliminate_zeros()
    flow: Any = maximum_flow(graph, source, sink).flow
    return Matching(_column(flow[[source]], n, 0), _column(flow[[sink]], m, n, sign=-1))


def lost(client: ArrayLike, server: ArrayLike, wants: ArrayLike, gives: ArrayLike, found: Matching) -> IntArray:
    """How many fewer would be served without each of the m servers (m,).

    Only the connected part that a server belongs to is matched anew, and only where another server in it has something left to give;
    servers that reach the same clients with as much to give are alike.
    """
    a, b = np.asarray(client, np.int64), np.asarray(server, np.int64)
    most, least = np.asarray(wants, np.int64), np.asarray(gives, np.int64)
    n, m = len(most), len(least)
    out = found.server.copy()
    if not len(a):
        return out
    link = coo_array((np.ones(len(a)), (a, n + b)), shape=(n + m, n + m))
    part = connected_components(link, directed=False)[1]
    spare = np.bincount(part[n:], least - found.server, minlength=int(part.max()) + 1)
    pairs = np.argsort(part[a], kind="stable")
    edge_part = part[a][pairs]
    known: dict[tuple[int, int, bytes], int] = {}
    for s in np.flatnonzero(found.server).tolist():
        mine = int(part[n + s])
        if spare[mine] - (least[s] - found.server[s]) <= 0:
            continue
        low, high = np.searchsorted(edge_part, [mine, mine + 1])
        inside = pairs[low:high]
        key = (mine, int(least[s]), a[inside][b[inside] == s].tobytes())
        if key not in known:
            clients, ca = np.unique(a[inside], return_inverse=True)
            servers, cb = np.unique(b[inside], return_inverse=True)
            gone = np.where(servers == s, 0, least[servers])
            known[key] = int(found.client[clients].sum()) - matched(ca, cb, most[clients], gone).total
        out[s] = known[key]
    return out


def _column(row: csr_array, count: int, first: int, *, sign: int = 1) -> IntArray:
    """What flows between the row's node and `count` nodes from `first` on."""
    out = np.zeros(count, np.int64)
    inside = (row.indices >= first) & (row.indices < first + count)
    out[row.indices[inside] - first] = sign * row.data[inside]
    return out
