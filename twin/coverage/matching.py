"""The most pairs that can be made between two sides when each partner is taken at most as often as it can serve.

Hopcroft and Karp (1973), SIAM J. Comput. 2(4): phases of breadth-first layering and depth-first augmenting, O(E sqrt V).
The serving side carries capacities, which is the same as writing each of them `capacity` times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

FREE = -1


def maximum_matching(reach: Sequence[Sequence[int]], capacity: Sequence[int]) -> list[int]:
    """Who serves whom when as many as possible are served.

    Parameters
    ----------
    reach
        For each of n clients, the servers that reach it.
    capacity
        How many clients each of m servers can serve at once (m,). [count]

    Returns
    -------
    The server of each client (n,), -1 where it has none. The number served is the greatest possible; the choice among equals is the
    same for the same input.
    """
    server_of = [FREE] * len(reach)
    served: list[set[int]] = [set() for _ in capacity]
    while True:
        layer = _layers(reach, capacity, server_of, served)
        if layer is None:
            return server_of
        for client in range(len(reach)):
            if server_of[client] == FREE:
                _augment(client, reach, capacity, server_of, served, layer)


def _layers(
    reach: Sequence[Sequence[int]], capacity: Sequence[int], server_of: Sequence[int], served: Sequence[set[int]]
) -> list[int] | None:
    """Distance of every client from the unserved ones along alternating paths; None where no server with room can be reached."""
    layer = [0 if server == FREE else FREE for server in server_of]
    queue = deque(client for client, server in enumerate(server_of) if server == FREE)
    seen = [False] * len(capacity)
    found = False
    while queue:
        client = queue.popleft()
        for server in reach[client]:
            if seen[server]:
                continue
            seen[server] = True
            found = found or len(served[server]) < capacity[server]
            for other in sorted(served[server]):
                if layer[other] == FREE:
                    layer[other] = layer[client] + 1
                    queue.append(other)
    return layer if found else None


def _augment(
    root: int,
    reach: Sequence[Sequence[int]],
    capacity: Sequence[int],
    server_of: list[int],
    served: Sequence[set[int]],
    layer: list[int],
) -> None:
    """Serve `root` along one alternating path of growing layers, if there is one; clients on dead ends leave the layers."""
    path = [root]  # clients; trail[i] is the server that path[i] takes from path[i + 1]
    trail: list[int] = []
    while path:
        client = path[-1]
        step = _step(client, reach, capacity, served, layer)
        if step is None:
            layer[client] = FREE
            path.pop()
            if trail:
                trail.pop()
            continue
        server, other = step
        trail.append(server)
        if other == FREE:
            _reassign(path, trail, server_of, served)
            return
        path.append(other)


def _step(
    client: int, reach: Sequence[Sequence[int]], capacity: Sequence[int], served: Sequence[set[int]], layer: Sequence[int]
) -> tuple[int, int] | None:
    """A server for `client`: one with room (and -1), else one that a client of the next layer would give up (and that client)."""
    for server in reach[client]:
        if len(served[server]) < capacity[server]:
            return server, FREE
    for server in reach[client]:
        for other in sorted(served[server]):
            if layer[other] == layer[client] + 1:
                return server, other
    return None


def _reassign(path: Sequence[int], trail: Sequence[int], server_of: list[int], served: Sequence[set[int]]) -> None:
    """Give each client of the path its new server, from the far end on."""
    for client, server in reversed(list(zip(path, trail, strict=True))):
        if server_of[client] != FREE:
            served[server_of[client]].discard(client)
        server_of[client] = server
        served[server].add(client)
