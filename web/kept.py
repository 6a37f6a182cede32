"""Kept runs as they are sent: a run never changes, and one over a whole park fills tens of megabytes, so it is read and packed once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

from twin.store import Store
from web.answers.measures import ResultAnswer, gaps_answer, result_answer, samples_answer
from web.memo import Body, encode

T = TypeVar("T")
REMEMBERED = 24  # parts of runs


class Kept:
    """The parts of kept runs that were asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._parts: OrderedDict[tuple[str, str], Any] = OrderedDict()

    def result(self, run: str, lang: str) -> ResultAnswer:
        """The result with its sentences in `lang`; raises NotFound."""
        return self._part(run, lang, lambda: result_answer(self._store, run, lang))

    def gaps(self, run: str) -> Body:
        """The gaps; raises NotFound."""
        return self._part(run, "gaps", lambda: encode(gaps_answer(self._store, run)))

    def samples(self, run: str) -> Body:
        """The samples; raises NotFound."""
        return self._part(run, "samples", lambda: encode(samples_answer(self._store, run)))

    def _part(self, run: str, part: str, make: Callable[[], T]) -> T:
        with self._lock:
            if (run, part) in self._parts:
                self._parts.move_to_end((run, part))
                return cast("T", self._parts[run, part])
        with self._reading:  # two who ask for the same tens of megabytes read them once
            made = self._parts.get((run, part)) or make()
        with self._lock:
            self._parts[run, part] = made
            while len(self._parts) > REMEMBERED:
                self._parts.popitem(last=False)
        return made
