"""Is it alive, is it ready, what has it done."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Response
from starlette.responses import PlainTextResponse

from tiles.build import tiles_folder
from twin.errors import TwinError
from web.metrics import CONTENT_TYPE
from web.problems import RESPONSES, Unavailable
from web.served import ServedPark

router = APIRouter(tags=["health"], responses=RESPONSES)


@router.get("/healthz")
async def healthz() -> Mapping[str, str]:
    """The server is alive."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(served: ServedPark) -> Mapping[str, str]:
    """The park is open and its tiles are there."""
    try:
        revision = served.store.revision()
    except TwinError as error:
        raise Unavailable("http_unavailable", subject=error.code) from error
    if not (tiles_folder(served.store.path) / "tileset.json").is_file():
        raise Unavailable("http_unavailable", subject="tiles")
    return {"status": "ready", "revision": revision}


@router.get("/metrics", response_class=PlainTextResponse)
def metrics(served: ServedPark) -> Response:
    """What the server counts, for Prometheus."""
    gauges = {
        "parktwin_live_listeners": ("Open live connections.", served.tail.listeners),
        "parktwin_live_events_told": ("Events told to live connections since the start.", served.tail.told_events),
        "parktwin_measures_running": ("Computations under way or waiting.", served.runs.running()),
        "parktwin_devices": ("Devices in the park.", len(served.store.devices())),
    }
    return Response(served.metrics.text(gauges), media_type=CONTENT_TYPE)
