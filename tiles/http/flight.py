"""What is being made is made once: those who ask meanwhile wait for it, and whoever goes away does not take it with them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

_T = TypeVar("_T")


class Flights:
    """Work under way by key, on threads of its own."""

    def __init__(self, name: str) -> None:
        self._threads = ThreadPoolExecutor(max(4, os.cpu_count() or 1), name)
        self._under_way: dict[Hashable, Future[Any]] = {}

    async def once(self, key: Hashable, make: Callable[[], _T]) -> _T:
        """What `make` returns, or raises; called once for all who ask before it is done."""
        future = self._under_way.get(key)
        if future is None:
            future = self._under_way[key] = self._threads.submit(make)
            future.add_done_callback(lambda _: self._under_way.pop(key, None))
        return await asyncio.shield(asyncio.wrap_future(future))

    def close(self) -> None:
        """Let go of the threads; what is under way is done first, what waits is not begun."""
        self._threads.shutdown(wait=True, cancel_futures=True)


class LongFlight:
    """One long piece of work, under way or not; whoever ends the program does not wait for it."""

    def __init__(self, name: str, work: Callable[[], object]) -> None:
        self._name = name
        self._work = work
        self._lock = threading.Lock()
        self._future: Future[None] | None = None

    def start(self) -> Future[None]:
        """Begin, unless it is under way; done when that is."""
        with self._lock:
            if self._future is None or self._future.done():
                self._future = Future()
                threading.Thread(target=self._run, args=(self._future,), name=self._name, daemon=True).start()
            return self._future

    def _run(self, future: Future[None]) -> None:
        try:
            self._work()
        finally:
            future.set_result(None)
