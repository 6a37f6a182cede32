"""Peak memory of an IFC import, parent and children together, beside the size of the file.

python bench/ifc_memory.py [FILE.ifc [times]]      the sample park's tower, 40 MB of it, where none is named

The file is multiplied first (see ifc_large.py). Memory that processes share is counted once: the sum is of their proportional shares.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from ifc_large import TOWER, multiplied

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.model import Park


@dataclass
class Watch:
    """The largest sum of memory of this process and all below it, and who had how much of it. [bytes]"""

    peak: int = 0
    shares: tuple[int, int] = (0, 0)
    is_over: bool = False
    thread: threading.Thread = field(default_factory=threading.Thread)

    def run(self) -> None:
        """Look twenty-five times a second until it is over."""
        while not self.is_over:
            own, theirs = _share(os.getpid()), sum(_share(child) for child in _below(os.getpid()))
            if own + theirs > self.peak:
                self.peak, self.shares = own + theirs, (own, theirs)
            time.sleep(0.04)


def _share(pid: int) -> int:
    """A process's proportional share (PSS): its own pages, and those it shares divided by how many share them."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:")), 0)


def _below(pid: int) -> list[int]:
    """Children, their children, and so on."""
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        own = [int(child) for task in tasks for child in (task / "children").read_text("ascii").split()]
    except OSError:
        return []
    return [*own, *(below for child in own for below in _below(child))]


def measured(source: Path, cache: str) -> str:
    """Seconds and peak of one import by this process, as a line."""
    watch = Watch()
    watch.thread = threading.Thread(target=watch.run, daemon=True)
    watch.thread.start()
    begin = time.perf_counter()
    IMPORTER.read(source, Context(Park("p", Frame(120.6, 31.3)), Options(place="120.6,31.3,0,0"), cache=Path(cache) if cache else None))
    seconds = time.perf_counter() - begin
    watch.is_over = True
    watch.thread.join()
    size, (own, theirs) = source.stat().st_size, (share >> 20 for share in watch.shares)
    peak = f"peak {watch.peak >> 20:5d} MB = {watch.peak / size:5.2f} x"
    return f"{size / 1e6:7.1f} MB{seconds:8.2f} s   {peak}   (parent {own}, children {theirs})"


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(measured(Path(sys.argv[2]), sys.argv[3]))
        return
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else TOWER
    times = int(sys.argv[2]) if len(sys.argv) > 2 else max(1, round(40e6 / file.stat().st_size))
    with tempfile.TemporaryDirectory() as folder:
        source = multiplied(file, Path(folder) / file.name, times)
        cache = str(Path(folder) / "cache")
        for name, where in (("no cache", ""), ("first", cache), ("again", cache)):
            print(f"{name:10s}", end="", flush=True)
            subprocess.run([sys.executable, __file__, "--one", str(source), where], check=True)


if __name__ == "__main__":
    main()
