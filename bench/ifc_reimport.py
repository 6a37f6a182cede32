"""Re-import with one element changed beside the first import of the same file, by wall and processor time, in one run.

python bench/ifc_reimport.py [FILE.ifc…] [--times N]      --times N multiplies the first file by N first (see bench/ifc_large.py)
"""

from __future__ import annotations

import re
import resource
import sys
import tempfile
import time
from pathlib import Path

from ifc_large import TOWER, multiplied

from importers.contract import Context, Imported, Options
from importers.ifc import IMPORTER
from twin.crs import Frame
from twin.model import Park

PARK = Park("p", Frame(120.6, 31.3))
_WALL = re.compile(r"(=\s*IFCEXTRUDEDAREASOLID\([^()]*,)([\d.]+(?:E[+-]?\d+)?)\)", re.IGNORECASE)


def changed(path: Path, target: Path) -> Path:
    """The same file with one extrusion a hundredth deeper."""
    text = path.read_text("latin-1")
    target.write_text(_WALL.sub(lambda found: f"{found[1]}{float(found[2]) * 1.01:.6f})", text, count=1), "latin-1")
    return target


def timed(path: Path, cache: Path | None) -> tuple[float, float, Imported]:
    """Wall and processor seconds of one import, children included."""
    wall, cpu = time.perf_counter(), _cpu()
    imported = IMPORTER.read(path, Context(PARK, Options(place="120.6,31.3,0,0"), cache=cache))
    return time.perf_counter() - wall, _cpu() - cpu, imported


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main() -> None:
    given = [argument for argument in sys.argv[1:] if not argument.startswith("--")]
    times = int(sys.argv[sys.argv.index("--times") + 1]) if "--times" in sys.argv else 1
    files = [Path(name) for name in given if not name.isdigit()] or [TOWER]
    print(f"{'file':40s}{'MB':>7s}{'bodies':>8s}{'first s':>9s}{'again s':>9s}{'wall':>7s}{'cpu':>7s}{'known':>8s}")
    with tempfile.TemporaryDirectory() as folder:
        for number, file in enumerate(files):
            source = multiplied(file, Path(folder) / file.name, times) if times > 1 else file
            cache = Path(folder) / f"cache{number}"
            first = timed(source, cache)
            again = timed(changed(source, Path(folder) / f"v2-{file.name}"), cache)
            bodies = sum(element.state == "built" for element in first[2].models[0].elements)
            ratios = f"{again[0] / first[0]:6.0%} {again[1] / first[1]:6.0%}"
            size = source.stat().st_size / 1e6
            print(f"{file.name[:38]:40s}{size:7.1f}{bodies:8d}{first[0]:9.2f}{again[0]:9.2f}{ratios}{again[2].details['bodies_known']:8d}")


if __name__ == "__main__":
    main()
