"""What is answered before everything else: tiles in memory, at the price of a look into a table.

Nothing is left out of what security needs: the host is checked, the rule of the tiles is asked, the request is counted, and the answer
carries the same headers as all others. What is not answered here goes the whole way, as if this were not there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

from starlette.types import ASGIApp, Receive, Scope, Send

from tiles.http.cache import Reply
from tiles.http.router import TileApp
from web.metrics import Metrics
from web.security import HEADERS, is_host_welcome
from web.settings import Settings

AtOnce = Callable[[Scope], Reply | None]

TILE_TREES = ("/tiles/", "/3dtiles/", "/terrain/")


def at_once(tiles: TileApp, settings: Settings, metrics: Metrics) -> AtOnce:
    """The function that answers a request if that takes no time."""

    @lru_cache(64)
    def is_welcome(host: str) -> bool:
        return is_host_welcome(host, settings)

    def answered(scope: Scope) -> Reply | None:
        path: str = scope["path"]
        method: str = scope["method"]
        if not path.startswith(TILE_TREES) or method not in {"GET", "HEAD"}:
            return None
        began = time.perf_counter()
        if not is_welcome(next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")):
            return None  # refused further on
        try:
            reply = tiles.at_once(scope)
        except Exception:  # noqa: BLE001  the long way runs into it too, and tells it
            return None
        if reply is not None:
            tree = path[: path.index("/", 1) + 1]
            metrics.count(method, tree, reply.status, time.perf_counter() - began)
        return reply

    return answered


def answered_first(app: ASGIApp, answer: AtOnce) -> ASGIApp:
    """`app`, with what can be answered at once answered before it."""

    async def front(scope: Scope, receive: Receive, send: Send) -> None:
        reply = answer(scope) if scope["type"] == "http" else None
        if reply is None:
            await app(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": reply.status, "headers": (*reply.headers, *HEADERS)})
        await send({"type": "http.response.body", "body": reply.body})

    return front
