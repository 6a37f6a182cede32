"""The parent's side of the child: start it, watch it, and go on without what it died of.

A child that crashes, hangs or eats its memory is ended and started again without the products that are finished. Whose turn it was
is built next, one by one with a safer kernel; a product that ends two children is given up and named.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from importers.ifc.parts import finished
from importers.ifc.watch import Watch
from importers.ifc.worker import ALONE, LIBRARY_MISSING, MORE, OPENED, REFUSED
from twin.errors import UnreadableSource

_LARGE_BYTES = 16 << 20  # from here on, content and triangles are the work of different children, which end when they grow too large
_SOFT_SHARE = 5.0  # bytes of memory per byte of file beyond which a child asks for a successor
_FLUSH_BYTES = (4 << 20, 16 << 20)  # of triangles kept before they are written, for large files and others


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds in all, seconds without a sign of life, bytes of address space, children for one file.

    `soft_bytes` is the memory at which a child asks for a successor; 0 where one child does all.
    """

    total_s: float
    silence_s: float
    memory_bytes: int
    children: int = 12
    soft_bytes: int = 0


@dataclass(frozen=True)
class Known:
    """Bodies that need not be built: step ids of those that are the same, and of those that only stand somewhere else now."""

    same: Sequence[int] = ()
    moved: Sequence[int] = ()


def nothing_known() -> Known:
    """The `Known` of a file that was never seen."""
    return Known()


@dataclass(frozen=True)
class Watcher:
    """What the parent does meanwhile: hears of progress (`geometry`, products done and in all), and finds out what is known already."""

    progress: Callable[[str, int, int], None]
    known: Callable[[], Known] = nothing_known


@dataclass(frozen=True)
class Outcome:
    """What came of a file: its content, the folder of its parts, the products that failed and why, and how often a child died."""

    content: Mapping[str, Any]
    folder: Path
    failed: Mapping[int, str]  # step id -> kernel_crashed, no_sign_of_life, time_limit, no_shape, beyond_reach or holds_itself
    voided: frozenset[int]  # step ids of products that their openings take away wholly
    deaths: Sequence[str]
    kernel_s: float
    known: Known = Known()


@dataclass
class _Story:
    """What happened to the children of one file, and what follows for the next."""

    watch: Watch = field(default_factory=Watch)
    deaths: list[str] = field(default_factory=list[str])
    suspects: list[int] = field(default_factory=list[int])
    blame: Counter[int] = field(default_factory=Counter[int])
    given_up: dict[int, str] = field(default_factory=dict[int, str])
    is_done: bool = False
    is_stuck: bool = False  # the last child asked for a successor and had nothing to show
    finished: int = -1
    is_alone: bool = False  # something went wrong among several processes: from now on one does one thing after the other
    spared: frozenset[int] = frozenset()  # products whose bodies are known

    def job(self, path: Path, run: int, limits: Limits) -> dict[str, Any]:
        """What the next child is told: the suspects with a safer kernel, those blamed before with the safest."""
        safest = any(self.blame[product] for product in self.suspects)
        job = {"path": str(path.absolute()), "run": run, "parent": os.getpid(), "memory_bytes": limits.memory_bytes, "safest": safest}
        job |= {"soft_bytes": 0 if self.is_stuck else limits.soft_bytes, "flush_bytes": _FLUSH_BYTES[not limits.soft_bytes]}
        return {**job, "suspects": self.suspects, "given_up": list(self.given_up), "alone": self.is_alone}

    def learn(self, end: str, done: frozenset[int]) -> None:
        """Take in how a child ended; a product that was alone at work at two deaths is given up."""
        self.is_done = end == "done"
        if self.is_done or end == "more":
            self.suspects, self.watch.is_helped = [], False
            self.is_stuck, self.finished = self.finished == len(done), len(done)
            return
        is_known = end == "kernel_crashed" or not self.watch.is_helped  # the process that tells its steps is the one that died
        self.is_alone, self.watch.is_helped = True, False
        self.suspects = self.watch.suspects() if end != "alone" and is_known else []
        self.deaths += [end] if end != "alone" else []
        if self.watch.one_by_one:
            self.blame.update(self.suspects)
            self.given_up |= {product: end for product in self.suspects if self.blame[product] > 1}
        self.watch.built = set(done)  # what was built and not yet written is lost with the child

    def may_go_on(self, folder: Path, limits: Limits) -> bool:
        """Whether a file whose content is not known yet has another try: its reader may have ended with those who built beside it."""
        return not self.is_alone and (folder / "bodies.json").exists() and len(self.deaths) + 1 < limits.children

    def failed(self, done: frozenset[int]) -> dict[int, str]:
        """Products that no kernel built, and why; they may be drawn as boxes all the same."""
        left = self.watch.no_shape if self.is_done else self.watch.bodies
        why = "no_shape" if self.is_done else self.deaths[-1]
        reasons = dict.fromkeys(left, why) | dict.fromkeys(self.watch.beyond, "beyond_reach") | self.given_up
        boxed = set(self.watch.boxed)
        return {product: reason for product, reason in reasons.items() if product in boxed or product not in done}


def limits_for(size: int) -> Limits:
    """Limits for a file of `size` bytes: five minutes and half a minute a megabyte, and room for what the kernel holds in memory."""
    memory = min(_physical(), (3 << 30) + 150 * size)
    soft = int(_SOFT_SHARE * size) if size > _LARGE_BYTES else 0
    return Limits(total_s=300.0 + 30e-6 * size, silence_s=30.0 + 1e-6 * size, memory_bytes=memory, soft_bytes=soft)


def _physical() -> int:
    """The memory that all processes of one import may use together: four fifths of the machine's. [bytes]"""
    return int(0.8 * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


def fit(sizes: Sequence[int]) -> bool:
    """Whether files of these sizes [bytes] may be read at once: none is large, and together they stay within what one may use at most."""
    limits = [limits_for(size) for size in sizes]
    return not any(each.soft_bytes for each in limits) and sum(each.memory_bytes for each in limits) <= _physical()


def build(path: Path, name: str, folder: Path, limits: Limits, watcher: Watcher) -> Outcome:
    """Read and tessellate a STEP file in child processes.

    Parameters
    ----------
    path
        A file that `identify` let through.
    name
        What the person calls it.
    folder
        An empty folder for what the children write.
    limits
        What they may use.
    watcher
        Whom to tell of progress and ask for bodies that are known.

    Raises
    ------
    UnreadableSource
        If the kernel refuses the file or dies before it has read its content.
    """
    started, story, run = time.monotonic(), _Story(), 0
    known: Known = Known()
    content: dict[str, Any] | None = None
    while len(story.deaths) < limits.children and not story.is_done:
        (folder / "job.json").write_text(json.dumps(story.job(path, run, limits)), "utf-8")
        left = limits.total_s - (time.monotonic() - started)
        with _child(folder, story.watch) as child:
            if run == 0:
                known = watcher.known()  # before the child opens the file, so that not all of it is in memory at once
                (folder / "known.json").write_text(json.dumps(asdict(known)), "utf-8")
                story.spared = frozenset((*known.same, *known.moved))
                story.watch.built |= story.spared
                if _is_built(folder, known):
                    story.is_done = True
                    break
            _go(child)
            if run == 0:
                content = _content(folder)  # where it is known, the child builds meanwhile
            end = _hear_out(child, limits.silence_s, left, story.watch, watcher.progress)
        _refuse(name, end, story.watch)
        if end not in {"done", "more"} and not (folder / "content.json").exists() and not story.may_go_on(folder, limits):
            raise _died(name, end, story.watch, limits)
        story.learn(end, finished(folder) | story.spared)
        if end == "time_limit":
            break
        run += 1
    content = content or _content(folder)
    if content is None:
        raise _died(name, story.deaths[-1] if story.deaths else "alone", story.watch, limits)
    failed = story.failed(finished(folder) | story.spared) | {int(k): why for k, why in content["failed"].items()}
    return Outcome(content, folder, failed, frozenset(story.watch.voided), story.deaths, time.monotonic() - started, known)


def _content(folder: Path) -> dict[str, Any] | None:
    """What the file says, where that is known by now."""
    told = folder / "content.json"
    return json.loads(told.read_bytes()) if told.exists() else None


def _is_built(folder: Path, known: Known) -> bool:
    """Whether all that a child could tell is known."""
    if known.moved or not (folder / "content.json").exists():
        return False
    risks = json.loads((folder / "bodies.json").read_bytes())["risks"]
    return {step for step, _ in risks} <= set(known.same)


@contextlib.contextmanager
def _child(folder: Path, watch: Watch) -> Generator[subprocess.Popen[bytes]]:
    """A child at work; ended and heard for its last words when left, however that happens."""
    with (
        tempfile.TemporaryFile() as noise,
        subprocess.Popen(_command(folder), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=noise, env=_environment()) as child,
    ):
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()
            child.wait()
            if child.stdin is not None:
                with contextlib.suppress(BrokenPipeError):
                    child.stdin.close()
            watch.last_words = _last_line(noise)


def _go(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it has died already; its status tells
            child.stdin.write(b"go\n")
            child.stdin.flush()


def _hear_out(
    child: subprocess.Popen[bytes], silence_s: float, left_s: float, watch: Watch, progress: Callable[[str, int, int], None]
) -> str:
    """`done`, `more`, or what ended the child: kernel_crashed, no_sign_of_life, time_limit, refused or library_missing."""
    silent = _listen(child, silence_s, left_s, watch, progress)
    if silent:
        return silent
    known = {OPENED: "done", MORE: "more", REFUSED: "refused", LIBRARY_MISSING: "library_missing", ALONE: "alone"}
    return known.get(child.returncode, "kernel_crashed")


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "importers.ifc.worker", str(folder)]


def _environment() -> dict[str, str]:
    """Ours, one thread for numerical libraries, and this package where the parent found it."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _listen(
    child: subprocess.Popen[bytes], silence_s: float, left_s: float, watch: Watch, progress: Callable[[str, int, int], None]
) -> str:
    """Hear the child out; empty when it ended by itself, else why it has to be ended."""
    lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    reader = threading.Thread(target=_pump, args=(child, lines), daemon=True)
    reader.start()
    deadline = time.monotonic() + left_s
    while True:
        wait = min(silence_s, deadline - time.monotonic())
        try:
            line = lines.get(timeout=max(wait, 0.0))
        except queue.Empty:
            return "time_limit" if time.monotonic() >= deadline else "no_sign_of_life"
        if not line:
            reader.join()
            child.wait()
            return ""
        before = len(watch.built)
        watch.hear(json.loads(line))
        if len(watch.built) > before or line.startswith(b'{"at": "content"'):
            progress("geometry", len(watch.built), len(watch.bodies))


def _pump(child: subprocess.Popen[bytes], lines: queue.SimpleQueue[bytes]) -> None:
    if child.stdout is not None:
        for line in child.stdout:
            if line.endswith(b"\n"):  # a child that dies can leave half a line
                lines.put(line)
    lines.put(b"")


def _last_line(noise: IO[bytes]) -> str:
    noise.seek(max(0, noise.seek(0, os.SEEK_END) - 2000))
    lines = noise.read().decode("utf-8", "replace").split("\n")
    return next((line.strip()[:160] for line in reversed(lines) if line.strip()), "")


def _refuse(name: str, end: str, watch: Watch) -> None:
    """Raise where the child says that it cannot go on: no library, or no file the kernel opens."""
    if end == "library_missing":
        raise UnreadableSource("ifc_library_missing", subject=name)
    if end == "refused":
        raise UnreadableSource("ifc_syntax", subject=name, reason=watch.refused)


def _died(name: str, end: str, watch: Watch, limits: Limits) -> UnreadableSource:
    """What to say where there is no content to go on with."""
    gigabytes = round(limits.memory_bytes / (1 << 30), 1)
    seconds = round(limits.silence_s)
    return UnreadableSource("ifc_reader_died", subject=name, end=watch.last_words or end, gigabytes=gigabytes, seconds=seconds)
