"""The server's socket and its processes."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from twin.errors import Conflict
from web.app import PARK_VARIABLE, SETTINGS_VARIABLE, create_app
from web.settings import Settings

TRIED_PORTS = 50
OPTIONS: Mapping[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": 3,  # how long open answers may take once the server is told to stop [s]
    "ws_max_size": 1_000_000,
    **({"http": "web.protocol:TileProtocol"} if find_spec("httptools") else {}),  # a parser in C, and tiles in memory answered by it
}


@contextmanager
def free_socket(host: str, port: int, *, search: bool = False) -> Generator[socket.socket]:
    """A socket bound to `host` and `port`, or with `search` to the next port that is free.

    Raises
    ------
    Conflict
        If the port is taken, or may not be used.
    """
    bound = None
    for candidate in range(port, min(port + TRIED_PORTS, 65536) if search and port else port + 1):
        bound = _bind(host, candidate)
        if bound is not None:
            break
    if bound is None:
        raise Conflict("port_taken", subject=port, other=port + 1)
    with bound:
        yield bound


def address_of(settings: Settings, bound: socket.socket) -> str:
    """The address a person opens."""
    port = bound.getsockname()[1]
    host = "localhost" if not settings.is_open or settings.host in {"0.0.0.0", "::"} else settings.host  # noqa: S104  compared, not bound
    return f"http://{host}:{port}/"


def run(park: str, settings: Settings, bound: socket.socket, workers: int = 1, *, started: Callable[[], object] | None = None) -> None:
    """Serve until told to stop; `started` is called once requests are taken."""
    if workers > 1:
        os.environ |= {PARK_VARIABLE: park, SETTINGS_VARIABLE: settings.to_json()}
        config = uvicorn.Config("web.app:from_environment", factory=True, workers=workers, **OPTIONS)
        Multiprocess(config, sockets=[bound]).run()  # on our socket: one that uvicorn binds has every answer wait 40 ms (see `_bind`)
        return
    server = uvicorn.Server(uvicorn.Config(create_app(park, settings), **OPTIONS))
    if started is not None:
        threading.Thread(target=_announce, args=(server, started), daemon=True).start()
    with suppress(KeyboardInterrupt):  # the way a person ends it
        server.run(sockets=[bound])


def _announce(server: uvicorn.Server, started: Callable[[], object]) -> None:
    while not server.started:
        if server.should_exit:
            return
        time.sleep(0.05)
    started()


def _bind(host: str, port: int) -> socket.socket | None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # named as TCP, so that asyncio sends at once what it is given: else every answer waits 40 ms for an acknowledgement
    candidate = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        candidate.bind((host.strip("[]"), port))
    except OSError:
        candidate.close()
        return None
    return candidate
