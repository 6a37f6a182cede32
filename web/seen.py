"""Which cameras see the place of an event: found in the background, remembered for as long as the park stays as it is.

The first answer builds the park's scene, which takes seconds; after that one takes milliseconds. Nobody waits for it: an event is
told at once with what is known.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from twin.errors import TwinError
from twin.measures.sees import sees
from twin.model import Event
from twin.store import Store

REMEMBERED = 5000

log = logging.getLogger("parktwin.web")


class Seen:
    """Event id -> ids of the cameras that see its place."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="seen")
        self._lock = threading.Lock()
        self._revision = ""
        self._known: dict[str, Future[Sequence[str]]] = {}

    def ask(self, event: Event) -> Future[Sequence[str]]:
        """The cameras that see the event's place, to come; asked for once."""
        revision = self._store.revision()
        with self._lock:
            if revision != self._revision or len(self._known) > REMEMBERED:
                self._revision, self._known = revision, {}
            if event.id not in self._known:
                self._known[event.id] = self._pool.submit(self._look, event)
            return self._known[event.id]

    def known(self, events: Iterable[Event]) -> Mapping[str, Sequence[str]]:
        """What is known of `events` by now; the rest is asked for."""
        asked = {event.id: self.ask(event) for event in events}
        return {name: future.result() for name, future in asked.items() if _is_known(future)}

    def close(self) -> None:
        """Look for no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _look(self, event: Event) -> Sequence[str]:
        try:
            answer = sees(self._store, event.lon, event.lat, event.h_m, storey=event.storey_id)
        except TwinError as error:
            log.warning("no cameras for event %s: %s", event.id, error)
            raise
        return [camera["id"] for camera in answer["cameras"] if camera["sees"]]


def _is_known(future: Future[Sequence[str]]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None
