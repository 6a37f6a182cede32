"""A large IFC file from the disk to tiles that can be served, by the two commands a person would give.

python bench/ifc_served.py FILE.ifc [times]      10 times where nothing is said: Office_A so becomes one of 43 MB

The file is multiplied first (see ifc_large.py). Told are seconds by the clock and of processors, from the start of `twin import` to the end
of `twin tiles`; the goal is 20 s on two cores. Peak memory: see ifc_memory.py.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from ifc_large import multiplied

from twin.crs import Frame
from twin.model import Park
from twin.store import create_store


def timed(*words: str) -> tuple[float, float]:
    """Seconds by the clock and of processors of one command."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(Path(sys.executable).with_name("twin")), *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    file, times = Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 10
    with tempfile.TemporaryDirectory() as folder:
        park = Path(folder) / "park"
        source = multiplied(file, Path(folder) / file.name, times)
        create_store(park, Park("p", Frame(120.6, 31.3))).close()
        steps = {
            "import": timed("import", str(park), str(source), "--place", "120.6,31.3,0,0"),
            "tiles": timed("tiles", str(park)),
        }
        print(f"{source.stat().st_size / 1e6:.1f} MB, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name, (wall, cpu) in (*steps.items(), ("both", tuple(map(sum, zip(*steps.values(), strict=True))))):
        print(f"{name:8s}{wall:8.2f} s{cpu:8.2f} processor-seconds")


if __name__ == "__main__":
    main()
