"""Measures run for the server: identical requests share one computation, and what was computed is kept in the park."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from twin.measures import compute, resolve
from twin.measures.report import keep, plain
from twin.registry import load
from twin.result import Measure
from twin.scenario.changes import digest_of
from twin.store import Store

T = TypeVar("T")
REMEMBERED = 200  # runs whose request is known, so that the same request is answered from the park


class Runs:
    """The computations under way, and what those said that were done since the server started."""

    def __init__(self, store: Store, at_once: int) -> None:
        self._store = store
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="measure")
        self._lock = threading.Lock()
        self._futures: OrderedDict[str, Future[Any]] = OrderedDict()

    def measure(self, measure_id: str, asked: Mapping[str, Any], scenario: str | None = None, at: str | None = None) -> Future[str]:
        """The id of the run that answers the request, to come.

        Raises
        ------
        NotFound
            If there is no such measure or no such scenario.
        UnknownParameter
            If a parameter does not exist or cannot take its value.
        """
        measure: Measure = load("twin.measures", measure_id)
        request = resolve(measure, asked, {}, scenario=scenario, at=at)  # what is wrong is told at once, before anything is queued
        changes = None if scenario is None else digest_of(self._store.scenario(scenario).changes)
        key = [measure_id, plain(request.parameters), sorted(asked), scenario, changes, at]
        return self.share(key, lambda: self._run(measure_id, asked, scenario, at))

    def share(self, key: Sequence[Any], work: Callable[[], T]) -> Future[T]:
        """What `work` returns, to come; shared by all who ask with the same key while the park stays as it is."""
        text = json.dumps([self._store.revision(), *key], sort_keys=True, default=str)
        with self._lock:
            future = self._futures.get(text)
            if future is None or (future.done() and future.exception() is not None):
                future = self._futures[text] = self._pool.submit(work)
            self._futures.move_to_end(text)
            self._forget()
        return future

    def running(self) -> int:
        """How many computations are under way or waiting."""
        with self._lock:
            return sum(not future.done() for future in self._futures.values())

    def close(self) -> None:
        """Take no more work; what is under way ends first."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, measure_id: str, asked: Mapping[str, Any], scenario: str | None, at: str | None) -> str:
        result = compute(self._store, measure_id, asked, scenario=scenario, at=at)
        keep(self._store, result)
        return result.run

    def _forget(self) -> None:
        while len(self._futures) > REMEMBERED and next(iter(self._futures.values())).done():
            self._futures.popitem(last=False)
