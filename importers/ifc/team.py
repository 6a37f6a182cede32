"""Several processes at one open file: a copy of this process by fork, and a queue of batches that all take from (runs in the child).

A copy costs a few milliseconds and shares the memory of the open file. Nobody is looked after here: whoever dies ends its piece of work,
and the one who waits for it hears how.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

_PR_SET_PDEATHSIG = 1
_NUMBER = 2  # bytes of a batch's number
_MOST = 1 << 14  # batches that fit into a pipe nobody reads from yet
_LOST = 1  # the exit status of a copy that raised what it should not
_T = TypeVar("_T")


@dataclass(frozen=True)
class Queue:
    """Numbers of batches in a pipe: each is read by one process, whichever comes first."""

    reading: int

    @classmethod
    def of(cls, count: int) -> Queue:
        """The numbers 0 to `count` - 1, at most `_MOST`."""
        reading, writing = os.pipe()
        for number in range(min(count, _MOST)):
            os.write(writing, number.to_bytes(_NUMBER, "big"))
        os.close(writing)
        return cls(reading)

    def take(self, batches: Sequence[_T]) -> Iterator[_T]:
        """Batches until none is left."""
        while number := os.read(self.reading, _NUMBER):
            yield batches[int.from_bytes(number, "big")]
        os.close(self.reading)


def copy(work: Callable[[], int]) -> int:
    """The process number of a copy of this process that does `work`, ends with its status, and does not outlive this one."""
    own = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = _LOST
    try:
        die_with(own)
        status = work()
    finally:
        os._exit(status)  # whatever the copied process had planned for its end is not the copy's business


def wait(pid: int) -> int:
    """The exit status of a copy; negative for the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def die_with(parent: int) -> None:
    """Have Linux end this process when its parent ends, however that happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(_LOST)


def limit(memory_bytes: int) -> None:
    """Address space of this process and its copies up to `memory_bytes`."""
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes if hard == resource.RLIM_INFINITY else min(memory_bytes, hard), hard))


def share(memory_bytes: int, processes: int) -> None:
    """Make the limit of this process such that it and its copies together stay below `memory_bytes`: what is in memory they share."""
    used = _of_memory(0)
    limit(used + max(memory_bytes - used, 0) // processes)


def resident() -> int:
    """Bytes that this process has in memory; 0 where the system does not say."""
    return _of_memory(1)


def _of_memory(column: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[column]) * os.sysconf("SC_PAGE_SIZE")
    return 0
