"""Reading that can crash, hang or eat memory, done in a process of its own with limits of time and memory.

    parent ── fork ──▶ child: limits set, reads, writes its result to a file in memory, ends
       └── waits, passes progress on, ends the child when time is up or the person gives up, maps the result ──▶

A fork costs some milliseconds and needs no second start of Python and its libraries; arrays come back as mapped memory, not as pickled
objects. What goes wrong in the child becomes one `UnreadableSource` in the parent, and nothing of the child is left.
"""

from __future__ import annotations

import ctypes
import faulthandler
import gc
import json
import math
import mmap
import os
import pickle
import resource
import select
import signal
import struct
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, TypeVar, cast

from importers.contract import Progress, silent
from twin.errors import TwinError, UnreadableSource

T = TypeVar("T")
_DONE, _REFUSED, _UNEXPECTED, _MEMORY, _BROKEN = 0, 3, 4, 5, 6  # exit statuses of the child; any other is a crash
_PR_SET_PDEATHSIG = 1  # prctl(2): end the child when the parent ends
_ROOM_BYTES = 3 << 30  # what reading takes besides the file: libraries' caches, decoded strings
_inside = False


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds in all, and bytes of address space beyond what its parent had."""

    seconds: float
    memory_bytes: int


def limits_for(size: int) -> Limits:
    """Limits for a file of `size` bytes: a minute and 3 s a megabyte; 3 GB and 40 times the file, never above 80 % of the memory."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Limits(60.0 + 3e-6 * size, min(int(physical * 0.8), _ROOM_BYTES + 40 * size))


def alone(work: Callable[[Progress], T], path: Path, *, limits: Limits | None = None, progress: Progress = silent) -> T:
    """What `work` returns, from a child process; where there is no fork, or this is such a child, from here.

    Parameters
    ----------
    work
        Reads the file. What it returns must be picklable; numpy arrays of numbers are passed without a copy. It is given a `Progress`
        and must not touch anything of the parent: an open store, a terminal, a thread.
    path
        What is read, for the limits and for the sentence when it cannot be.
    limits
        What the child may use; by the size of the file where not given.
    progress
        Told, in the parent, what the child tells.

    Raises
    ------
    TwinError
        The one `work` raised.
    UnreadableSource
        If the child crashed, ran out of time or memory, or met something unexpected.
    """
    if _inside or not sys.platform.startswith("linux"):
        return work(progress)
    bounds = limits or limits_for(path.stat().st_size)
    hears, tells = os.pipe()
    with tempfile.TemporaryFile(prefix="twin-") as noise, open(os.memfd_create("twin"), "w+b") as result:  # noqa: PTH123  a descriptor
        parent = os.getpid()
        child = _fork()
        if child == 0:
            os.close(hears)
            _end_with(parent)
            _be_child(work, bounds, tells, result, noise)
        os.close(tells)
        status = _attended(child, hears, bounds, progress)
        if status == _DONE:
            return cast(T, _loaded(result))
        raise _failure(status, path, bounds, result, noise)


def _fork() -> int:
    gc.freeze()  # the child collects nothing of its parent, and pages stay shared
    try:
        with warnings.catch_warnings():  # from 3.12 on Python warns of threads; the child takes no lock that one of them may hold
            warnings.simplefilter("ignore", DeprecationWarning)
            return os.fork()
    finally:
        gc.unfreeze()


def _end_with(parent: int) -> None:
    """End this process when its parent ends, at once if that is so already."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(_BROKEN)


def _be_child(work: Callable[[Progress], Any], limits: Limits, tells: int, result: IO[bytes], noise: IO[bytes]) -> None:
    """Do the work and end; nothing returns from here, and nothing of the parent is unwound."""
    global _inside  # noqa: PLW0603  what the process is
    status = _BROKEN
    try:
        _inside = True
        gc.disable()
        faulthandler.disable()
        for each in (signal.SIGINT, signal.SIGTERM):
            signal.signal(each, signal.SIG_DFL)
        for stream in (1, 2):
            os.dup2(noise.fileno(), stream)
        _limit(limits)
        status = _perform(work, tells, result, noise)
    finally:
        os._exit(status)


def _perform(work: Callable[[Progress], Any], tells: int, result: IO[bytes], noise: IO[bytes]) -> int:
    def tell(stage: str, done: int, total: int) -> None:
        os.write(tells, json.dumps([stage, done, total]).encode() + b"\n")

    try:
        _dump(work(tell), result)
    except TwinError as error:
        _dump((type(error), error.code, error.subject, error.details), result)
        return _REFUSED
    except MemoryError:
        return _MEMORY
    except Exception as error:  # noqa: BLE001  the border of a process: the parent says it in a sentence
        noise.write(traceback.format_exc().encode())
        noise.flush()
        _dump(f"{type(error).__name__}: {error}", result)
        return _UNEXPECTED
    return _DONE


def _limit(limits: Limits) -> None:
    """Address space up to the limit beyond what was inherited, and no core dumps of crashes that are expected."""
    with open("/proc/self/statm", encoding="ascii") as stream:  # noqa: PTH123  read once, in the child
        inherited = int(stream.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = inherited + limits.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _dump(value: Any, result: IO[bytes]) -> None:
    """A value and the buffers of its arrays: count and lengths, the pickle, the buffers."""
    buffers: list[pickle.PickleBuffer] = []
    said = pickle.dumps(value, protocol=5, buffer_callback=buffers.append)
    raw = [buffer.raw() for buffer in buffers]
    result.seek(0)
    result.truncate()
    result.write(struct.pack(f"<{len(raw) + 2}Q", len(raw), len(said), *(each.nbytes for each in raw)))
    for each in (said, *raw):
        result.write(each)
    result.flush()


def _loaded(result: IO[bytes]) -> Any:
    """The value of `_dump`; its arrays lie in the mapped file."""
    memory = memoryview(mmap.mmap(result.fileno(), 0, access=mmap.ACCESS_COPY))
    (count,) = struct.unpack_from("<Q", memory, 0)
    lengths: tuple[int, ...] = struct.unpack_from(f"<{count + 1}Q", memory, 8)
    at = 8 * (count + 2)
    parts: list[memoryview] = []
    for length in lengths:
        parts.append(memory[at : at + length])
        at += length
    return pickle.loads(parts[0], buffers=parts[1:])  # noqa: S301  written by our own child


def _attended(child: int, hears: int, limits: Limits, progress: Progress) -> int:
    """How the child ended: its exit status, minus the signal that ended it, or -SIGALRM when time was up."""
    deadline = time.monotonic() + limits.seconds
    ended: int | None = None
    try:
        if _listen(hears, deadline, progress):
            ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            return ended
        return -signal.SIGALRM
    finally:
        os.close(hears)
        if ended is None:  # out of time, or the person gave up
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)


def _listen(hears: int, deadline: float, progress: Progress) -> bool:
    """Pass on what the child tells until it ends; False when time is up before."""
    rest = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([hears], [], [], left)[0]:
            return False
        said = os.read(hears, 65_536)
        if not said:
            return True
        *lines, rest = (rest + said).split(b"\n")
        for line in lines:
            stage, done, total = json.loads(line)
            progress(stage, done, total)


def _failure(status: int, path: Path, limits: Limits, result: IO[bytes], noise: IO[bytes]) -> TwinError:
    """The error that says how the child ended."""
    if status == _REFUSED:
        kind, code, subject, details = _loaded(result)
        return kind(code, subject=subject, **details)
    if status == -signal.SIGALRM:
        return UnreadableSource("reader_time", subject=path.name, seconds=math.ceil(limits.seconds))
    words = _last_words(noise)
    if status in {_MEMORY, -signal.SIGKILL} or "memory" in words.lower() or "bad_alloc" in words:
        return UnreadableSource("reader_memory", subject=path.name, gigabytes=round(limits.memory_bytes / 1e9, 1))
    if status == _UNEXPECTED:
        return UnreadableSource("source_unexpected", subject=path.name, reason=_loaded(result))
    ended_by = signal.Signals(-status).name if status < 0 else f"status {status}"
    return UnreadableSource("reader_crashed", subject=path.name, reason=f"{ended_by}: {words}" if words else ended_by)


def _last_words(noise: IO[bytes]) -> str:
    noise.seek(max(0, noise.seek(0, os.SEEK_END) - 2000))
    lines = noise.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:160] for line in reversed(lines) if line.strip()), "")
