"""Whole IFC imports beside bare tessellation, the default kernel and web-ifc: the same files in one run, medians of several turns.

python bench/ifc.py [FILE.ifc | FOLDER …] [--turns N] [--web-ifc FOLDER] [--without opencascade]

FOLDER of --web-ifc is one in which `npm install web-ifc` was run; without it that peer is left out, and its columns say `-`. All four are
timed as programs, N times in turn (3 at least): bare tessellation, the default kernel and web-ifc from their start to their end, the import
(open, tessellate, properties, store; no tiles) from the call to its return, with the child it starts.

| column | what it is |
|---|---|
| `MB`, `bodies`, `faces` | size of the file as the kernel opens it, bodies and triangles that bare tessellation makes |
| `kernel` | seconds of bare tessellation without the start of Python and the library |
| `bare` | seconds of `bench/ifc_bare.py`: the same chain of kernels, nothing else, one process |
| `import` | seconds of the whole import into an empty park |
| `occ`, `web` | seconds of OpenCascade alone (the default kernel), and of web-ifc |
| `/bare`, `/cpu` | the import's seconds by those of `bare`, and the same of processor-seconds (goal: 1.15) |
| `occ/` | the default kernel's seconds by those of the import (goal: 4) |
| `/web` | the import's seconds by those of web-ifc (goal: 1.5 at the median file) |
"""

from __future__ import annotations

import argparse
import json
import math
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from importers.contract import Options, silent
from importers.ifc import process
from importers.ifc.identify import identify
from importers.pipeline import import_files
from twin.crs import Frame
from twin.errors import TwinError
from twin.model import Park
from twin.store import create_store

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_park" / "data"
_WEB = """
const W = require(process.argv[1] + '/node_modules/web-ifc'), fs = require('fs');
(async () => {
  const api = new W.IfcAPI(); await api.Init(); api.SetLogLevel(W.LogLevel.LOG_LEVEL_OFF);
  const model = api.OpenModel(new Uint8Array(fs.readFileSync(process.argv[2])), {COORDINATE_TO_ORIGIN: false});
  let triangles = 0, bodies = 0;
  api.StreamAllMeshes(model, mesh => { bodies++;
    for (let k = 0; k < mesh.geometries.size(); k++) {
      const g = api.GetGeometry(model, mesh.geometries.get(k).geometryExpressID);
      api.GetVertexArray(g.GetVertexData(), g.GetVertexDataSize());
      triangles += api.GetIndexArray(g.GetIndexData(), g.GetIndexDataSize()).length / 3; g.delete();
    } });
  console.log(JSON.stringify({bodies, triangles}));
})();
"""


@dataclass(frozen=True)
class Timed:
    """Wall and processor seconds of one program, children included, and what it printed."""

    wall: float
    cpu: float
    said: str = ""


@dataclass(frozen=True)
class Subject:
    """One file: as it is given, as the kernel opens it, and the file with the bodies to build."""

    given: Path
    step: Path
    told: Path


def subject(path: Path, folder: Path) -> Subject | None:
    """A file made ready; None where the importer refuses it or nothing is in it to build."""
    folder.mkdir()
    try:
        source = identify(path, folder)
        into = folder / "parts"
        into.mkdir()
        process.build(source.path, path.name, into, process.limits_for(source.path.stat().st_size), process.Watcher(silent))
    except TwinError:
        return None
    risks = json.loads((into / "bodies.json").read_bytes())["risks"]
    told = folder / "told.json"
    told.write_text(json.dumps(risks), "utf-8")
    shutil.rmtree(into)
    return Subject(path, source.path, told) if risks else None


def program(command: Sequence[str]) -> Timed:
    """One run of a program; its words are empty where it failed."""
    wall, cpu = time.perf_counter(), _cpu(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    lines = ended.stdout.strip().splitlines()
    return Timed(time.perf_counter() - wall, _cpu(resource.RUSAGE_CHILDREN) - cpu, lines[-1] if lines and not ended.returncode else "")


def whole(path: Path) -> Timed:
    """One import into an empty park, without tiles."""
    with tempfile.TemporaryDirectory() as folder:
        store = create_store(Path(folder) / "park", Park("p", Frame(120.6, 31.3)))
        wall, cpu = time.perf_counter(), _cpu()
        (outcome,) = import_files(store, [path], Options(place="120.6,31.3,0,0"))
        return Timed(time.perf_counter() - wall, _cpu() - cpu, "" if outcome.error else "done")


def _cpu(*who: int) -> float:
    used = [resource.getrusage(each) for each in who or (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def peers(one: Subject, web: Path | None, without: Sequence[str]) -> dict[str, Callable[[], Timed]]:
    """What is run for a file, by name."""
    bare = [sys.executable, str(HERE / "ifc_bare.py"), str(one.step), str(one.told), "-"]
    found: dict[str, Callable[[], Timed]] = {"import": lambda: whole(one.given), "bare": lambda: program(bare)}
    found["opencascade"] = lambda: program([*bare, "opencascade"])
    if web is not None:
        found["web-ifc"] = lambda: program(["node", "-e", _WEB, "--", str(web.absolute()), str(one.step)])
    return {name: run for name, run in found.items() if name not in without}


def measured(runs: dict[str, Callable[[], Timed]], turns: int) -> dict[str, list[Timed]]:
    """All runs in turn, so that a busy moment hits each alike."""
    found: dict[str, list[Timed]] = {name: [] for name in runs}
    for _ in range(turns):
        for name, run in runs.items():
            found[name].append(run())
    return found


def row(one: Subject, found: dict[str, list[Timed]]) -> dict[str, float]:
    """Print the line of a file; its ratios."""
    walls = {
        name: statistics.median(t.wall for t in times) if all(t.said for t in times) else float("nan") for name, times in found.items()
    }
    cpus = {name: statistics.median(t.cpu for t in times) for name, times in found.items()}
    bare = json.loads(found["bare"][0].said or "{}")
    kernel = bare.get("open_s", float("nan")) + bare.get("build_s", float("nan"))
    ratios = {"bare": walls["import"] / walls["bare"], "bare cpu": cpus["import"] / cpus["bare"]}
    if "opencascade" in walls:
        ratios["opencascade"] = walls["opencascade"] / walls["import"]
    if "web-ifc" in walls:
        ratios["web-ifc"] = walls["import"] / walls["web-ifc"]
    print(
        f"{one.given.name[:36]:37s}{one.step.stat().st_size / 1e6:6.1f}{bare.get('bodies', 0):7d}{bare.get('triangles', 0):9d}{kernel:7.2f}"
        + "".join(_cell(walls.get(name)) for name in ("bare", "import", "opencascade", "web-ifc"))
        + "".join(_cell(ratios.get(name)) for name in ("bare", "bare cpu", "opencascade", "web-ifc")),
        flush=True,
    )
    return ratios


def _cell(value: float | None) -> str:
    """A figure; `-` of what was not run, `failed` of what did not come to its end."""
    return f"{'-':>7s}" if value is None else f"{'failed':>7s}" if math.isnan(value) else f"{value:7.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--web-ifc", type=Path)
    parser.add_argument("--without", action="append", default=[])
    given = parser.parse_args()
    files = [file for path in given.paths for file in (sorted(path.rglob("*.ifc*")) if path.is_dir() else [path])]
    columns = ("kernel", "bare", "import", "occ", "web", "/bare", "/cpu", "occ/", "/web")
    print(f"{'file':37s}{'MB':>6s}{'bodies':>7s}{'faces':>9s}" + "".join(f"{name:>7s}" for name in columns))
    ratios: list[dict[str, float]] = []
    whole(SAMPLE / "factory.ifc")  # what Python loads for the first import of a process is no part of any
    with tempfile.TemporaryDirectory() as folder:
        for k, file in enumerate(files):
            one = subject(file, Path(folder) / str(k))
            if one is not None:
                ratios.append(row(one, measured(peers(one, given.web_ifc, given.without), max(given.turns, 3))))
    for name in ("bare", "bare cpu", "opencascade", "web-ifc"):
        known = sorted(each[name] for each in ratios if each.get(name, float("nan")) == each.get(name))
        if known:
            print(f"{name:12s}median {statistics.median(known):5.2f}   from {known[0]:5.2f} to {known[-1]:5.2f}   ({len(known)} files)")


if __name__ == "__main__":
    main()
