"""The next file's slow part while the one before it is taken in: what an importer can do of a file without knowing the park.

Files still come into the park one after the other, in the order they were given, each with what the park holds by then.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from importers.contract import Options, Progress, silent


@runtime_checkable
class Early(Protocol):
    """An importer that can begin with a file before its turn."""

    def may_begin(self, path: Path, beside: Path) -> bool:
        """Whether there is room for a file while another one is read."""
        ...

    def begin(self, path: Path, options: Options, cache: Path | None, progress: Progress) -> AbstractContextManager[Any]:
        """What comes of the file without the park, made when entered; raises what `read` would raise."""
        ...


class GivenUp(Exception):
    """Nobody waits any longer for what was begun."""


@dataclass
class _Relay:
    """Progress of a file that was begun early: told to nobody before its turn, and the way to stop it."""

    to: Progress = silent
    is_over: bool = False

    def tell(self, stage: str, done: int, total: int) -> None:
        if self.is_over:
            raise GivenUp
        self.to(stage, done, total)


_Held = tuple[ExitStack, Any]  # what was begun, and how to let go of it


@dataclass
class Ahead:
    """At most one file begun while another one is read. Left, it gives up what nobody asked for."""

    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _begun: dict[Path, tuple[Future[_Held], _Relay]] = field(default_factory=dict[Path, tuple[Future[_Held], _Relay]])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for _, relay in self._begun.values():
            relay.is_over = True
        for future, _ in self._begun.values():
            with suppress(Exception):  # whatever became of it, nobody wants to know
                future.result()[0].close()
        self._pool.shutdown()

    def begin(self, importer: Early, path: Path, options: Options, cache: Path | None) -> None:
        """Begin with a file."""
        relay = _Relay()
        self._begun[path] = (self._pool.submit(lambda: _entered(importer.begin(path, options, cache, relay.tell))), relay)

    def of(self, path: Path, progress: Progress) -> Callable[[ExitStack], Any] | None:
        """How to get what was begun of a file, to be let go of with a stack; None where nothing was. It tells `progress` from then on."""
        if path not in self._begun:
            return None

        def taken(stack: ExitStack) -> Any:
            future, relay = self._begun[path]
            relay.to = progress
            held, found = future.result()
            del self._begun[path]
            stack.enter_context(held)
            return found

        return taken


def _entered(begun: AbstractContextManager[Any]) -> _Held:
    stack = ExitStack()
    return stack, stack.enter_context(begun)
