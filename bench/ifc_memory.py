"""Peak memory of an IFC import, parent and children together, beside the size of the file.

python bench/ifc_memory.py [FILE.ifc [times]]      the sample park's tower, 40 MB of it, where none is named

The file is multiplied first: its statements are copied with other numbers and other GlobalIds, each copy's buildings 60 m further on.
"""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.model import Park

TOWER = Path(__file__).parents[1] / "sample_park" / "data" / "tower.ifc"
_STATEMENT = re.compile(r"#(\d+)\s*=\s*(\w+)\s*\((.*)\)$", re.DOTALL)
_REFERENCE = re.compile(r"'(?:[^']|'')*'|#(\d+)")
_ID = re.compile(r"'([0-3][0-9A-Za-z_$]{21})'")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"
_SHARED = re.compile(
    r"IFC(PROJECT|SITE|UNITASSIGNMENT|SIUNIT|CONVERSIONBASEDUNIT|DIMENSIONALEXPONENTS|MEASUREWITHUNIT|DERIVEDUNIT(ELEMENT)?|OWNERHISTORY"
    r"|GEOMETRICREPRESENTATION(SUB)?CONTEXT)"
)
_APART_M = 60.0


def multiplied(path: Path, target: Path, times: int) -> Path:
    """The file with all but project, site, units and contexts `times` over."""
    head, data = path.read_text("latin-1").split("DATA;", 1)
    pieces = re.split(r";[ \t]*\r?\n", data[: data.rindex("ENDSEC;")])
    said = [found.groups() for piece in pieces if (found := _STATEMENT.match(piece.strip()))]
    top = max(int(step) for step, _, _ in said) + 1
    with target.open("w", encoding="latin-1") as stream:
        stream.write(f"{head}DATA;\n")
        for copy in range(times):
            stream.writelines(_copied(said, copy, top, times))
        stream.write("ENDSEC;\nEND-ISO-10303-21;\n")
    return target


def _copied(said: list[tuple[str, ...]], copy: int, top: int, times: int) -> Iterator[str]:
    shared = {step for step, kind, _ in said if _SHARED.fullmatch(kind)}
    moved = {re.findall(r"#(\d+)", arguments)[1] for _, kind, arguments in said if kind == "IFCBUILDING"}
    for step, kind, arguments in said:
        if copy and step in shared:
            continue
        number = int(step) if step in shared else int(step) + copy * top
        text = _REFERENCE.sub(
            lambda found: found[0] if found[1] is None or found[1] in shared else f"#{int(found[1]) + copy * top}", arguments
        )
        text = _ID.sub(lambda found: f"'{_other(found[1], copy)}'", text, count=1) if copy and _ID.match(text) else text
        if copy and step in moved:
            base = times * top + 10 * copy
            yield f"#{base + 1}=IFCCARTESIANPOINT(({_APART_M * copy},0.,0.));\n#{base + 2}=IFCAXIS2PLACEMENT3D(#{base + 1},$,$);\n"
            text = f"{text.split(',')[0]},#{base + 2}"
        yield f"#{number}={kind}({text});\n"


def _other(id_: str, copy: int) -> str:
    number = int.from_bytes(hashlib.md5(f"{id_}{copy}".encode(), usedforsecurity=False).digest(), "big")
    return "".join(_DIGITS[number >> 6 * k & (3 if k == 21 else 63)] for k in reversed(range(22)))


@dataclass
class Watch:
    """The largest sum of resident memory of this process and its children, and who had how much of it. [bytes]"""

    peak: int = 0
    shares: tuple[int, int] = (0, 0)
    is_over: bool = False
    thread: threading.Thread = field(default_factory=threading.Thread)

    def run(self) -> None:
        """Look fifty times a second until it is over."""
        while not self.is_over:
            own, theirs = _resident(os.getpid()), sum(_resident(child) for child in _children())
            if own + theirs > self.peak:
                self.peak, self.shares = own + theirs, (own, theirs)
            time.sleep(0.02)


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _children() -> list[int]:
    try:
        return [int(pid) for task in Path("/proc/self/task").iterdir() for pid in (task / "children").read_text("ascii").split()]
    except OSError:
        return []


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
