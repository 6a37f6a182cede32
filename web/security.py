"""Who may talk to the server, and what a page of it may load.

On loopback the Host must name this machine: a page of another site that had its name rebound to 127.0.0.1 (DNS rebinding) is turned
away. Requests that change something, and live connections, must come from a page of this very origin, or from no page at all.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from twin.errors import UsageError
from web.language import language
from web.problems import respond
from web.settings import LOOPBACK, Settings

MAX_BODY = 1_000_000  # bytes of one request; the largest there is tells of one event or the parameters of one measure
STATUS_OF = {"host_refused": 421, "origin_refused": 403, "http_too_large": 413}
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
# 'wasm-unsafe-eval' lets the mesh decoder run, inline styles are how the interface library themes itself; nothing else is let in.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
))  # fmt: skip
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def guarded(app: ASGIApp, settings: Settings) -> ASGIApp:
    """`app` behind the checks of host and origin, its answers with the headers that keep a page to its own origin."""

    async def guard(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"}:
            await app(scope, receive, send)
            return
        refusal = _refusal(scope, settings)
        if refusal is None:
            await app(scope, _bounded(scope, receive), _with_headers(send))
        elif scope["type"] == "http":
            await respond(refusal, language(scope), status=STATUS_OF[refusal.code])(scope, receive, send)
        else:
            await receive()  # websocket.connect
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.code})

    return guard


def host_name(authority: str) -> str:
    """The host of `host:port`, without the port, in lower case."""
    return (urlsplit(f"//{authority}").hostname or "").lower().rstrip(".")


def is_loopback_client(scope: Scope) -> bool:
    """Whether the request comes from this machine."""
    client = scope.get("client")
    return client is None or client[0] in {*LOOPBACK, "testclient"} or str(client[0]).startswith("127.")


def is_host_welcome(host: str, settings: Settings) -> bool:
    """Whether a request with that Host may be answered."""
    return settings.is_open or host_name(host) in LOOPBACK


def _refusal(scope: Scope, settings: Settings) -> UsageError | None:
    headers = Headers(scope=scope)
    host = headers.get("host", "")
    if not is_host_welcome(host, settings):
        return UsageError("host_refused", subject=host)
    origin = headers.get("origin")
    changes = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
    if changes and origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return UsageError("origin_refused", subject=origin)
    if scope["type"] == "http" and _length(headers) > MAX_BODY:
        return UsageError("http_too_large", subject=scope["path"])
    return None


def _length(headers: Headers) -> int:
    told = headers.get("content-length", "0")
    return int(told) if told.isascii() and told.isdigit() else MAX_BODY + 1


def _bounded(scope: Scope, receive: Receive) -> Receive:
    """`receive`, until a body that did not tell its length grows too large."""
    taken = 0

    async def received() -> Message:
        nonlocal taken
        event = await receive()
        taken += len(event.get("body", b"")) if event["type"] == "http.request" else 0
        if taken > MAX_BODY:
            raise UsageError("http_too_large", subject=scope["path"])
        return event

    return received


def _with_headers(send: Send) -> Send:
    async def sent(event: Message) -> None:
        if event["type"] == "http.response.start":
            event = {**event, "headers": [*event["headers"], *HEADERS]}
        await send(event)

    return sent
