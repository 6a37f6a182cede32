"""Old and new versions of sources as they are asked for: what a version held, and what differs between two."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

from twin.diff import between
from twin.diff.changes import Difference
from twin.model import SourceContent
from twin.store import Store

T = TypeVar("T")
REMEMBERED = 4  # contents and differences: one of a large model takes a second to read, and a hundred megabytes


class Versions:
    """The contents and differences that were asked for last."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._found: OrderedDict[tuple[Any, ...], Any] = OrderedDict()

    def content(self, source: str, number: int) -> SourceContent:
        """What a source held at one of its versions; raises NotFound."""
        return self._remembered(("content", source, number), lambda: self._store.version(source, number))

    def difference(self, source: str, old: int, new: int) -> Difference:
        """What changed between two versions; raises NotFound."""
        return self._remembered(
            ("difference", source, old, new), lambda: between(source, (old, self.content(source, old)), (new, self.content(source, new)))
        )

    def _remembered(self, key: tuple[Any, ...], make: Callable[[], T]) -> T:
        key = (self._store.revision(), *key)
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return cast("T", self._found[key])
        made = make()
        with self._lock:
            self._found[key] = made
            while len(self._found) > REMEMBERED:
                self._found.popitem(last=False)
        return made
