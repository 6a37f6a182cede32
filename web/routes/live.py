"""The live stream."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from twin.errors import TwinError
from twin.model import Event
from web.answers.events import event_answer
from web.live import Listener
from web.served import Served, ServedPark

router = APIRouter()

PATIENCE_S = 0.3  # how long an event may wait for the cameras that see it


@router.websocket("/api/live")
async def live(socket: WebSocket, served: ServedPark) -> None:
    """A greeting with the park's revision, then every event as it comes."""
    await socket.accept()
    listener = served.tail.listen()
    try:
        await socket.send_json({"type": "hello", "revision": await run_in_threadpool(served.store.revision)})
        await _until_first(_send(socket, served, listener), _drain(socket))
    except WebSocketDisconnect:
        pass
    finally:
        served.tail.leave(listener)


async def _send(socket: WebSocket, served: Served, listener: Listener) -> None:
    while (event := await listener.queue.get()) is not None:
        seen_by = await _seen_by(served, event, PATIENCE_S if listener.queue.empty() else 0.0)
        await socket.send_json({"type": "event", "event": event_answer(event, seen_by).model_dump(mode="json")})
    await socket.close(1012)  # the server ends, or the listener was too slow: come again


async def _drain(socket: WebSocket) -> None:
    """Read what the other side says, to learn when it leaves."""
    while True:
        await socket.receive_text()


async def _seen_by(served: Served, event: Event, patience_s: float) -> list[str] | None:
    asked = asyncio.wrap_future(await run_in_threadpool(served.seen.ask, event))
    try:
        return list(await asyncio.wait_for(asyncio.shield(asked), patience_s))
    except (TimeoutError, TwinError):
        return None


async def _until_first(*parts: Coroutine[Any, Any, None]) -> None:
    """Run both until one ends, then end the other."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
