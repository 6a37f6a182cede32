"""The parent's side of the child: start it, watch it, and go on without what it died of.

A child that crashes, hangs or eats its memory is ended and started again without the products that are finished. Whose turn it was
is built next, one by one with a safer kernel; a product that ends two children is given up and named.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from importers.ifc.parts import finished
from importers.ifc.worker import LIBRARY_MISSING, OPENED, REFUSED
from twin.errors import UnreadableSource

_SUSPECTS = 8  # products built one by one after a crash: the one whose turn it was is among the next in line


@dataclass(frozen=True)
class Limits:
    """What a child may use: seconds in all, seconds without a sign of life, bytes of address space, children for one file."""

    total_s: float
    silence_s: float
    memory_bytes: int
    children: int = 12


@dataclass(frozen=True)
class Outcome:
    """What came of a file: its content, the folder of its parts, the products that failed and why, and how often a child died."""

    content: Mapping[str, Any]
    folder: Path
    failed: Mapping[int, str]  # step id -> kernel_crashed, no_sign_of_life, time_limit or no_shape
    voided: frozenset[int]  # step ids of products that their openings take away wholly
    deaths: Sequence[str]
    kernel_s: float


@dataclass
class _Watch:
    """What the children have said so far."""

    bodies: list[int] = field(default_factory=list[int])
    order: list[int] = field(default_factory=list[int])
    one_by_one: bool = False
    current: int | None = None
    built: set[int] = field(default_factory=set[int])
    no_shape: list[int] = field(default_factory=list[int])
    voided: list[int] = field(default_factory=list[int])
    refused: str = ""
    last_words: str = ""  # the last line a child wrote to standard error

    def hear(self, message: Mapping[str, Any]) -> None:
        at = message["at"]
        if at == "content":
            self.bodies = message["bodies"]
        elif at == "step":
            self.order, self.one_by_one, self.current = message["order"], message["one_by_one"], None
        elif at in {"begin", "built"}:
            self.current = message["product"]
            self.built |= {message["product"]} if at == "built" else set()
        elif at == "end":
            self.no_shape, self.voided = message["failed"], message["voided"]
        elif at == "refused":
            self.refused = message["reason"]

    def suspects(self) -> list[int]:
        """Whose turn it may have been: the one begun, or those that come after the last one built."""
        if self.one_by_one:
            return [self.current] if self.current is not None else []
        start = self.order.index(self.current) + 1 if self.current in self.order else 0
        return [product for product in self.order[start:] if product not in self.built][:_SUSPECTS]


@dataclass
class _Story:
    """What happened to the children of one file, and what follows for the next."""

    watch: _Watch = field(default_factory=_Watch)
    deaths: list[str] = field(default_factory=list[str])
    suspects: list[int] = field(default_factory=list[int])
    blame: Counter[int] = field(default_factory=Counter[int])
    given_up: dict[int, str] = field(default_factory=dict[int, str])
    is_done: bool = False

    def job(self, path: Path, run: int, limits: Limits) -> dict[str, Any]:
        """What the next child is told: the suspects with a safer kernel, those blamed before with the safest."""
        safest = any(self.blame[product] for product in self.suspects)
        job = {"path": str(path), "run": run, "memory_bytes": limits.memory_bytes, "safest": safest}
        return {**job, "suspects": self.suspects, "given_up": list(self.given_up)}

    def learn(self, end: str, done: frozenset[int]) -> None:
        """Take in how a child ended; a product that was alone at work at two deaths is given up."""
        self.is_done = end == "done"
        if self.is_done:
            return
        self.deaths.append(end)
        self.suspects = self.watch.suspects()
        if self.watch.one_by_one:
            self.blame.update(self.suspects)
            self.given_up |= {product: end for product in self.suspects if self.blame[product] > 1}
        self.watch.built = set(done)  # what was built and not yet written is lost with the child

    def failed(self, done: frozenset[int]) -> dict[int, str]:
        """Products without a shape, and why."""
        left = self.watch.no_shape if self.is_done else self.watch.bodies
        why = "no_shape" if self.is_done else self.deaths[-1]
        return {product: reason for product, reason in (dict.fromkeys(left, why) | self.given_up).items() if product not in done}


def limits_for(size: int) -> Limits:
    """Limits for a file of `size` bytes: five minutes and half a minute a megabyte, and room for what the kernel holds in memory."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory = min(int(physical * 0.8), (3 << 30) + 150 * size)
    return Limits(total_s=300.0 + 30e-6 * size, silence_s=30.0 + 1e-6 * size, memory_bytes=memory)


def build(path: Path, name: str, folder: Path, limits: Limits, progress: Callable[[str, int, int], None]) -> Outcome:
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
    progress
        Told `geometry`, products done and products in all.

    Raises
    ------
    UnreadableSource
        If the kernel refuses the file or dies before it has read its content.
    """
    started, story = time.monotonic(), _Story()
    for run in range(limits.children):
        (folder / "job.json").write_text(json.dumps(story.job(path, run, limits)), "utf-8")
        left = limits.total_s - (time.monotonic() - started)
        end = _run_child(folder, limits, left, story.watch, progress)
        _refuse(name, folder, end, story.watch, limits)
        story.learn(end, finished(folder))
        if end in {"done", "time_limit"}:
            break
    content = json.loads((folder / "content.json").read_text("utf-8"))
    failed = story.failed(finished(folder))
    return Outcome(content, folder, failed, frozenset(story.watch.voided), story.deaths, time.monotonic() - started)


def _run_child(folder: Path, limits: Limits, left_s: float, watch: _Watch, progress: Callable[[str, int, int], None]) -> str:
    """`done`, or what ended the child: kernel_crashed, no_sign_of_life, time_limit, refused or library_missing."""
    with (
        tempfile.TemporaryFile() as noise,
        subprocess.Popen(_command(folder), stdout=subprocess.PIPE, stderr=noise, env=_environment()) as child,
    ):
        try:
            silent = _listen(child, limits.silence_s, left_s, watch, progress)
        finally:
            if child.poll() is None:
                child.kill()
        status = child.wait()
        watch.last_words = _last_line(noise)
    if silent:
        return silent
    known = {OPENED: "done", REFUSED: "refused", LIBRARY_MISSING: "library_missing"}
    return known.get(status, "kernel_crashed")


def _command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "importers.ifc.worker", str(folder)]


def _environment() -> dict[str, str]:
    """Ours, one thread for numerical libraries, and this package where the parent found it."""
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _listen(
    child: subprocess.Popen[bytes], silence_s: float, left_s: float, watch: _Watch, progress: Callable[[str, int, int], None]
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


def _refuse(name: str, folder: Path, end: str, watch: _Watch, limits: Limits) -> None:
    """Raise where there is nothing to go on with: no library, no file the kernel opens, or no content after a death."""
    if end == "library_missing":
        raise UnreadableSource("ifc_library_missing", subject=name)
    if end == "refused":
        raise UnreadableSource("ifc_syntax", subject=name, reason=watch.refused)
    if end != "done" and not (folder / "content.json").exists():
        gigabytes = round(limits.memory_bytes / (1 << 30), 1)
        seconds = round(limits.silence_s)
        raise UnreadableSource("ifc_reader_died", subject=name, end=watch.last_words or end, gigabytes=gigabytes, seconds=seconds)
