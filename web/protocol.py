"""uvicorn's HTTP/1.1 protocol, with what can be answered at once written before a request is made of it.

The parser (httptools) has taken the request apart and found it right; instead of a task, an event and a response cycle, an answer in memory
then costs one write. Everything else, and everything out of the ordinary (another request not yet answered, a reader that does not keep up,
an upgrade, a proxy's headers, a connection that is to be closed), goes uvicorn's way.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tiles.http.cache import Reply
from web.front import AtOnce
from web.security import HEADERS

_STATUS = {status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() for status in (200, 204, 304)}
_SECURITY = b"".join(name + b": " + value + b"\r\n" for name, value in HEADERS) + b"\r\n"
STATE = "at_once"  # where the lifespan's state has the function


class TileProtocol(HttpToolsProtocol):
    """One connection."""

    _is_answered = False

    def on_headers_complete(self) -> None:
        """Answer at once what can be, else go on."""
        reply = self._reply()
        self._is_answered = reply is not None
        if reply is None:
            super().on_headers_complete()
        else:
            self._write(reply)

    def on_body(self, body: bytes) -> None:
        """Take what follows the headers."""
        if not self._is_answered:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Take note that the request is whole."""
        if not self._is_answered:
            super().on_message_complete()

    def _reply(self) -> Reply | None:
        answer: AtOnce | None = self.app_state.get(STATE)
        parser: Any = self.parser
        cycle: Any = self.cycle  # none before the first that goes uvicorn's way
        is_busy = cycle is not None and not cycle.response_complete
        if answer is None or is_busy or self.flow.write_paused or self.root_path or not self._is_ordinary(parser):
            return None
        raw, _, _ = self.url.partition(b"?")
        path = raw.decode("latin-1")
        if not path.startswith("/"):
            return None
        scope: Any = self.scope
        scope["method"] = parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw
        return answer(scope)

    def _is_ordinary(self, parser: Any) -> bool:
        if parser.get_http_version() != "1.1" or not parser.should_keep_alive() or parser.should_upgrade():
            return False
        return not any(name.startswith(b"x-forwarded-") for name, _ in self.headers)

    def _write(self, reply: Reply) -> None:
        date = b"".join([b"%s: %s\r\n" % header for header in self.server_state.default_headers])
        self.transport.writelines([_STATUS[reply.status], date, reply.lines, _SECURITY, reply.body])
        self.server_state.total_requests += 1
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
