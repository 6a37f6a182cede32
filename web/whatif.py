"""What-if questions kept ready: one a measure and its parameters, for as long as the park stays as it is; the least asked is let go."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from twin.measures import resolve
from twin.measures.report import plain
from twin.registry import load
from twin.result import Measure, Request
from twin.scenario.anew import Answers, answers
from twin.scenario.changes import Record
from twin.scenario.session import Preview
from twin.store import Store

KEPT = 3  # each holds a surface of up to a million cells: a few hundred megabytes


class WhatIf:
    """The sessions of one served park."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._sessions: OrderedDict[str, Future[Answers]] = OrderedDict()

    def preview(self, measure_id: str, asked: Mapping[str, Any], scenario: str | None, changes: Sequence[Record]) -> Preview:
        """What changes to a scenario would give, or to the park itself where none is named.

        Raises
        ------
        NotFound
            If there is no such measure, scenario or device.
        UnknownParameter
            If a parameter does not exist or cannot take its value.
        """
        measure: Measure = load("twin.measures", measure_id)
        request = resolve(measure, asked, {})
        before = () if scenario is None else self._store.scenario(scenario).changes
        return self._session(measure, request).preview(before, changes)

    def _session(self, measure: Measure, request: Request) -> Answers:
        """The session for a request; two who ask for the same at once share one making."""
        revision = self._store.revision()
        key = json.dumps([revision, measure.id, plain(request.parameters)], sort_keys=True, default=str)
        with self._lock:
            future = self._sessions.get(key)
            mine = future is None
            if future is None:
                future = self._sessions[key] = Future()
            self._sessions.move_to_end(key)
            self._forget()
        if mine:
            self._make(key, future, measure, request)
        return future.result()

    def _make(self, key: str, future: Future[Answers], measure: Measure, request: Request) -> None:
        try:
            future.set_result(answers(self._store, measure, request))
        except BaseException as error:  # noqa: BLE001  it is raised again where the future is asked
            with self._lock:
                if self._sessions.get(key) is future:  # a failure is told to those who wait, and not kept
                    del self._sessions[key]
            future.set_exception(error)

    def _forget(self) -> None:
        while len(self._sessions) > KEPT:
            self._sessions.popitem(last=False)
