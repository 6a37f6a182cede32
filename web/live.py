"""The live stream: new events of the park, found by looking at the store a few times a second, told to everyone who listens.

        store ──poll──▶ Tail ──▶ Listener's queue ──▶ WebSocket
     POST /api/events ──▶┘

Other processes write into the same store (`twin simulate`, importers, other workers of the server), so the store is what is watched.
Only events of the last seconds are read again: an event is told when it is new there, or when it changed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool

from twin.errors import TwinError
from twin.model import Event
from twin.store import Store

WINDOW_S = 15.0  # how late an event may come into the store and still be told
MAX_EVENTS = 1000  # of one look
QUEUE = 500  # events a listener may be behind before it is let go

log = logging.getLogger("parktwin.web")


@dataclass(eq=False)
class Listener:
    """One who listens; None in the queue ends it."""

    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(QUEUE))


class Tail:
    """The end of the event log, and those who listen to it. All of it runs on one event loop but the look at the store."""

    def __init__(self, store: Store, poll_s: float) -> None:
        self._store = store
        self._poll_s = poll_s
        self._told: dict[str, tuple[str, float]] | None = None  # id -> status, and when it was told [s]; None before the first look
        self._listeners: set[Listener] = set()
        self.told_events = 0

    @property
    def listeners(self) -> int:
        """How many listen."""
        return len(self._listeners)

    def listen(self) -> Listener:
        """A new listener, told of everything from now on."""
        listener = Listener()
        self._listeners.add(listener)
        return listener

    def leave(self, listener: Listener) -> None:
        """Tell `listener` nothing more."""
        self._listeners.discard(listener)

    def tell(self, events: Sequence[Event]) -> None:
        """Tell all listeners of events that this process wrote itself."""
        self._remember(events)
        for event in events:
            self.told_events += 1
            for listener in list(self._listeners):
                self._tell_one(listener, event)

    async def run(self) -> None:
        """Look at the store until cancelled."""
        while True:
            try:
                self.look(await run_in_threadpool(self._recent))
            except TwinError as error:  # the park is gone or locked for a moment: the stream goes on
                log.warning("the live stream cannot read the park: %s", error)
            await asyncio.sleep(self._poll_s)

    def look(self, recent: Sequence[Event]) -> None:
        """Take in what lies in the window now, and tell what is new. The first look only learns what is there already."""
        if self._told is None:
            self._told = {}
            self._remember(recent)
            return
        told = dict(self._told)
        self._remember(recent)
        self.tell([event for event in recent if event.id not in told or told[event.id][0] != event.status])

    def end(self) -> None:
        """Let all listeners go."""
        for listener in list(self._listeners):
            self._end_one(listener)

    def _remember(self, events: Sequence[Event]) -> None:
        if self._told is not None:
            now = time.monotonic()
            kept = {name: entry for name, entry in self._told.items() if now - entry[1] < 2 * WINDOW_S}
            self._told = kept | {event.id: (event.status, now) for event in events}

    def _recent(self) -> Sequence[Event]:
        since = datetime.now(UTC) - timedelta(seconds=WINDOW_S)
        return self._store.events(since=since.isoformat(timespec="milliseconds").replace("+00:00", "Z"), limit=MAX_EVENTS)

    def _tell_one(self, listener: Listener, event: Event) -> None:
        try:
            listener.queue.put_nowait(event)
        except asyncio.QueueFull:  # too slow to follow: it can come again and read what it missed
            self._end_one(listener)

    def _end_one(self, listener: Listener) -> None:
        self.leave(listener)
        while listener.queue.full():
            listener.queue.get_nowait()
        listener.queue.put_nowait(None)
