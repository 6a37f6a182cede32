"""Point clouds to tiles, side by side with py3dtiles: the same points in one run, processor-seconds by million points.

    python bench/points.py [--points 2000000] [--large 0] [--py3dtiles PATH] [--folder FOLDER]

py3dtiles reads a LAS file and writes `.pnts` tiles without compression; ours takes the points as the park keeps them (the import, which
makes them of the same file, has a row of its own) and writes packed GLB. `--large` adds a row for so many points, with the memory it took.
A program that is not there has no row:

    python -m venv /tmp/py3dtiles && /tmp/py3dtiles/bin/pip install "py3dtiles[las]"
    python bench/points.py --py3dtiles /tmp/py3dtiles/bin/py3dtiles
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import laspy
import numpy as np
from numpy.typing import NDArray

from importers.contract import Options
from importers.pipeline import import_files
from tiles.content.octree import octree
from tiles.content.points import cloud_tiles
from tiles.tileset import middle, walk
from twin.crs import Frame
from twin.model import Park
from twin.points import POINT, STEP_M, PointFile, read_points, write_points
from twin.store import create_store

CRS = "EPSG:4549"
EAST, NORTH = 500_000.0, 3_464_000.0
LON, LAT = 120.0, 31.3
PART = 2_000_000


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--points", type=int, default=2_000_000)
    options.add_argument("--large", type=int, default=0)
    options.add_argument("--py3dtiles", default=shutil.which("py3dtiles"))
    options.add_argument("--folder", type=Path, default=None)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as place:
        folder = Path(place)
        source, kept = folder / "cloud.las", folder / "cloud.points"
        write_las(source, given.points)
        write_points(kept, np.zeros(3), points(given.points), lambda: "rgb")
        octree(PointFile(read_points(kept).points[:1000], np.zeros(3), STEP_M, "rgb"))  # compiled before it is timed
        encode(folder, kept, 1000)
        print(f"{given.points:,} points, {source.stat().st_size / 1e6:.0f} MB of LAS")
        print(f"{'what':<36}{'CPU-s':>9}{'CPU-s/M':>10}{'Mpoint/CPU-s':>14}{'tiles':>8}{'MB':>8}{'B/point':>9}{'ratio':>8}")
        base = py3dtiles(given.py3dtiles, source, folder / "theirs", given.points) if given.py3dtiles else None
        show("import: LAS to the park's points", lambda: (0, bring(folder, source)), given.points, base)
        show("octree alone", lambda: (0, sort(kept)), given.points, base)
        show("octree and tiles, packed", lambda: encode(folder, kept), given.points, base)
        if given.large:
            show_large(folder, given.large, base)


def py3dtiles(program: str, source: Path, out: Path, count: int) -> float:
    """Its row: the processor-seconds it took by point."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [program, "convert", source, "--out", out, "--jobs", "1", "--overwrite"]
    own = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA_")}  # where our compiled code is kept
    made = subprocess.run(command, check=False, capture_output=True, text=True, env=own)
    if made.returncode:
        sys.exit(made.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    files = [path for path in out.rglob("*") if path.suffix in {".pnts", ".glb"}]
    row("py3dtiles convert, one job", spent, count, len(files), sum(path.stat().st_size for path in files), None)
    return spent / count


def show(name: str, work: Callable[[], tuple[int, int]], count: int, base: float | None) -> None:
    began, children = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    tiles, size = work()
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = time.process_time() - began + ended.ru_utime + ended.ru_stime - children.ru_utime - children.ru_stime
    row(name, spent, count, tiles, size, base)


def row(name: str, spent: float, count: int, tiles: int, size: int, base: float | None) -> None:
    ratio = "" if base is None else f"{base * count / spent:7.1f}x"
    print(
        f"{name:<36}{spent:>9.2f}{spent / count * 1e6:>10.2f}{count / spent / 1e6:>14.2f}{tiles or '':>8}{size / 1e6:>8.1f}"
        f"{size / count:>9.1f}{ratio:>8}",
        flush=True,
    )


def bring(folder: Path, source: Path) -> int:
    store = create_store(folder / "park", Park("p", Frame(LON, LAT)))
    (outcome,) = import_files(store, [source], Options())
    if outcome.error is not None:
        sys.exit(str(outcome.error))
    return next(asset.size for asset in store.assets() if asset.name.endswith(".points"))


def sort(kept: Path) -> int:
    return octree(read_points(kept), kept.parent).points.nbytes


def encode(folder: Path, kept: Path, first: int | None = None) -> tuple[int, int]:
    file = read_points(kept)
    root = cloud_tiles(PointFile(file.points[:first], file.origin, file.step_m, file.color), folder)
    assert root is not None
    sizes = [len(tile.content.encode(middle(tile))) for tile in walk([root]) if tile.content is not None]
    return len(sizes), sum(sizes)


def show_large(folder: Path, count: int, base: float | None) -> None:
    """A row for many points, in a process of its own so that its memory is its own."""
    kept = folder / "large.points"
    write_points(kept, np.zeros(3), points(count), lambda: "rgb")
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        spent, tiles, size, memory_mb = pool.apply(_large, (folder, kept))
    row(f"octree and tiles, {count / 1e6:.0f} M points", spent, count, tiles, size, base)
    print(f"{'':<36}memory of its own at most {memory_mb:.0f} MB, for {16 * count / 1e6:.0f} MB of points")


def _large(folder: Path, kept: Path) -> tuple[float, int, int, float]:
    began = time.process_time()
    tiles, size = encode(folder, kept)
    return time.process_time() - began, tiles, size, _own_mb()


def _own_mb() -> float:
    """The most memory this process held that is no file's. [MB]"""
    lines = Path("/proc/self/status").read_text().splitlines()
    found = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines) if name in {"VmHWM", "RssFile"}}
    return (found["VmHWM"] - found["RssFile"]) / 1e3


def points(count: int) -> Iterator[NDArray[np.void]]:
    """A square kilometre of gentle ground, a fifth of the points up to 20 m over it."""
    random = np.random.default_rng(0)
    for start in range(0, count, PART):
        n = min(PART, count - start)
        part = np.zeros(n, POINT)
        x, y = random.uniform(0, 1000, (2, n))
        part["xyz"] = np.rint(
            np.column_stack([x, y, 5 * np.sin(x / 50) + random.uniform(0, 20, n) * (random.uniform(size=n) < 0.2)]) / STEP_M
        )
        part["color"] = random.integers(60, 200, n)[:, None] + random.integers(0, 30, (n, 3))
        part["class"] = random.integers(1, 7, n)
        yield part


def write_las(path: Path, count: int) -> None:
    from pyproj import CRS as SYSTEM

    header = laspy.LasHeader(point_format=7, version="1.4")
    header.scales, header.offsets = [0.001] * 3, [EAST, NORTH, 0.0]
    header.add_crs(SYSTEM.from_user_input(CRS), keep_compatibility=False)
    cloud = laspy.LasData(header)
    made = np.concatenate(list(points(count)))
    cloud.x, cloud.y, cloud.z = (made["xyz"] * STEP_M + [EAST, NORTH, 20.0]).T
    cloud.red, cloud.green, cloud.blue = (made["color"].astype(np.uint16) * 257).T
    cloud.classification = made["class"]
    cloud.write(path)


if __name__ == "__main__":
    main()
