"""What was read last, for as long as nobody has changed the park."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

_T = TypeVar("_T")


class Remembered:
    """Answers of one revision of a park, by what was asked; threads share them."""

    def __init__(self) -> None:
        self._answers: dict[Hashable, Any] = {}
        self._revision = ""
        self._lock = threading.Lock()

    def answer(self, revision: str, question: Hashable, read: Callable[[], _T]) -> _T:
        """What `read` gave at `revision`; it is asked again only once the park has changed."""
        with self._lock:
            if revision != self._revision:
                self._answers.clear()
                self._revision = revision
            if question in self._answers:
                return self._answers[question]
        value = read()
        with self._lock:
            if revision == self._revision:
                self._answers[question] = value
        return value
