"""What the server counts, in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUCKETS_S = (0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_OWN_TREES = ("/tiles/", "/3dtiles/", "/terrain/", "/assets/")  # answered without a route: counted by tree


class Metrics:
    """Requests counted by method, route and status, and how long they took by route."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: dict[tuple[str, str, int], int] = defaultdict(int)
        self._buckets: dict[str, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds: dict[str, float] = defaultdict(float)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request more."""
        place = bisect_left(BUCKETS_S, seconds)
        with self._lock:
            self._requests[method, route, status] += 1
            self._buckets[route][place] += 1
            self._seconds[route] += seconds

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """Everything counted, and `gauges` (name -> what it is, value)."""
        with self._lock:
            lines = [*self._request_lines(), *self._duration_lines()]
        for name, (meaning, value) in gauges.items():
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} gauge", f"{name} {value:g}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> Iterator[str]:
        yield "# HELP parktwin_http_requests_total Requests answered."
        yield "# TYPE parktwin_http_requests_total counter"
        for (method, route, status), count in sorted(self._requests.items()):
            yield f'parktwin_http_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}'

    def _duration_lines(self) -> Iterator[str]:
        yield "# HELP parktwin_http_request_seconds How long answers took to begin."
        yield "# TYPE parktwin_http_request_seconds histogram"
        for route, counts in sorted(self._buckets.items()):
            total = 0
            for limit, count in zip((*map(str, BUCKETS_S), "+Inf"), counts, strict=True):
                total += count
                yield f'parktwin_http_request_seconds_bucket{{route="{route}",le="{limit}"}} {total}'
            yield f'parktwin_http_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}'
            yield f'parktwin_http_request_seconds_count{{route="{route}"}} {total}'


def counted(app: ASGIApp, metrics: Metrics) -> ASGIApp:
    """`app`, with its requests counted."""

    async def counting(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        start = time.perf_counter()

        async def watch(event: Message) -> None:
            if event["type"] == "http.response.start":
                metrics.count(_method(scope), _route(scope), event["status"], time.perf_counter() - start)
            await send(event)

        await app(scope, receive, watch)

    return counting


def _method(scope: Scope) -> str:
    method = scope["method"]
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"


def _route(scope: Scope) -> str:
    """The route's template: what is asked for never becomes a label of its own."""
    path = scope["path"]
    tree = next((tree for tree in _OWN_TREES if path.startswith(tree)), None)
    return tree or getattr(scope.get("route"), "path", None) or "other"
