"""Lines of sight over bare terrain beside GRASS r.viewshed and GDAL: `python bench/viewshed.py` prints speeds and writes
`docs/validation/viewshed.md`.

Each case is a ground of 1 m cells with observers on it. All three are asked which cells see a target 1.5 m above them from a lens 1.75 m
up, without curvature. Where two differ, a judge that is neither decides: the sight line sampled every 2 cm over the bilinear surface.
A difference is then put under the first of these that explains it:

- `grazing`: the answer turns when the target is moved up or down by 5 cm;
- `surface`: the answer turns when squares of the grid are cut into triangles the other way;
- `theirs`: the judge says as ours does; `ours`: the judge says as theirs does.

Needs Debian's grass-core and gdal-bin.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin

from twin.scene import one_object
from twin.scene.embree import Scene

TABLE = Path(__file__).parents[1] / "docs" / "validation" / "viewshed.md"
EYE_M, TARGET_M = 1.75, 1.5
GRAZING_M = 0.05
OBSERVERS = 8
STEP_M = 0.02
FloatArray = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Ground:
    """Heights at the middle of cells of 1 m, row 0 in the north."""

    name: str
    heights: FloatArray  # (rows, columns) [m]

    def point(self, row: Any, column: Any, above: float) -> FloatArray:
        """Points `above` the middle of cells (n, 3): x east, y north. [m]"""
        return np.column_stack([column + 0.5, self.heights.shape[0] - row - 0.5, self.heights[row, column] + above])


def grounds() -> Iterator[Ground]:
    """Hills made here, and the ground of a real town where it is at hand."""
    for name, relief, rough in (("gentle hills", 6.0, 40.0), ("hills", 25.0, 25.0), ("broken ground", 15.0, 6.0)):
        yield Ground(name, _hills(np.random.default_rng(len(name)), relief, rough))
    data = Path(os.environ.get("PARKTWIN_DATA", Path(__file__).parents[2] / "shared" / "data")) / "gis" / "goteborg" / "DEM_KRbig.tif"
    if data.is_file():
        with rasterio.open(data) as file:
            yield Ground("Göteborg, ground model 1 m", file.read(1).astype(float))


def _hills(rng: np.random.Generator, relief: float, rough: float) -> FloatArray:
    """Smooth noise: waves of random direction, the shortest about `rough` metres long."""
    rows, columns = np.mgrid[0:200, 0:220].astype(float)
    total = np.zeros_like(rows)
    for _ in range(60):
        length, turn, phase = rough * rng.uniform(1, 6), rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi)
        total += length * np.sin(2 * np.pi * (rows * np.sin(turn) + columns * np.cos(turn)) / length + phase)
    return np.round((total - total.min()) / (total.max() - total.min()) * relief, 3)


def ours(ground: Ground, row: int, column: int, *, target: float = TARGET_M, other_way: bool = False) -> Mask:
    """The cells that see their target, by rays among the triangles between cell middles."""
    rows, columns = (each.ravel() for each in np.indices(ground.heights.shape))
    corner = np.arange(ground.heights.size).reshape(ground.heights.shape)
    a, b, c, d = (part.ravel() for part in (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]))
    cut = [(a, b, c), (a, c, d)] if not other_way else [(a, b, d), (b, c, d)]
    faces = np.concatenate([np.column_stack(each) for each in cut])
    scene = Scene(one_object(ground.point(rows, columns, 0.0), faces, object_id="ground"))
    targets = ground.point(rows, columns, target)
    lens = ground.point(np.array([row]), np.array([column]), EYE_M)
    return ~scene.occluded(np.broadcast_to(lens, targets.shape), targets).reshape(ground.heights.shape)


def judged(ground: Ground, row: int, column: int, cells: NDArray[np.int64]) -> Mask:
    """Whether cells (n, 2) see their target, by the sight line over the bilinear surface every STEP_M."""
    lens = ground.point(np.array([row]), np.array([column]), EYE_M)[0]
    targets = ground.point(cells[:, 0], cells[:, 1], TARGET_M)
    out = np.ones(len(cells), bool)
    for k, target in enumerate(targets):
        n = max(int(np.hypot(*(target - lens)[:2]) / STEP_M), 2)
        share = np.linspace(0, 1, n)[1:-1, None]
        way = lens + share * (target - lens)
        out[k] = bool((way[:, 2] > _bilinear(ground, way)).all())
    return out


def _bilinear(ground: Ground, points: FloatArray) -> FloatArray:
    column, row = points[:, 0] - 0.5, ground.heights.shape[0] - points[:, 1] - 0.5
    i = np.clip(row.astype(int), 0, ground.heights.shape[0] - 2)
    j = np.clip(column.astype(int), 0, ground.heights.shape[1] - 2)
    down, across = row - i, column - j
    h = ground.heights
    upper = h[i, j] * (1 - across) + h[i, j + 1] * across
    lower = h[i + 1, j] * (1 - across) + h[i + 1, j + 1] * across
    return upper * (1 - down) + lower * down


def by_gdal(ground: Ground, raster: Path, row: int, column: int) -> Mask:
    """The cells that see their target, by gdal_viewshed."""
    out = raster.with_name("gdal.tif")
    x, y, _ = ground.point(np.array([row]), np.array([column]), 0.0)[0]
    asked = ["-ox", f"{x}", "-oy", f"{y}", "-oz", f"{EYE_M}", "-tz", f"{TARGET_M}", "-cc", "0", "-md", "0", "-q", str(raster), str(out)]
    subprocess.run(["gdal_viewshed", *asked], check=True, capture_output=True)
    with rasterio.open(out) as file:
        return file.read(1) == 255


def by_grass(ground: Ground, raster: Path, row: int, column: int) -> Mask:
    """The cells that see their target, by r.viewshed in a location of its own."""
    out = raster.with_name("grass.tif")
    x, y, _ = ground.point(np.array([row]), np.array([column]), 0.0)[0]
    script = raster.with_name("look.sh")
    script.write_text(
        f"r.in.gdal -o --q input={raster} output=h\ng.region raster=h\n"
        f"r.viewshed -b --q input=h output=v coordinates={x},{y} observer_elevation={EYE_M} target_elevation={TARGET_M}\n"
        f"r.out.gdal -f --q --o input=v output={out} type=Byte\n",
        "utf-8",
    )
    script.chmod(0o755)
    subprocess.run(["grass", "--tmp-location", "XY", "--exec", "bash", str(script)], check=True, capture_output=True)
    with rasterio.open(out) as file:
        return file.read(1) == 1


def explained(ground: Ground, row: int, column: int, here: Mask, theirs: Mask) -> dict[str, int]:
    """How many cells differ, and what explains each."""
    differ = here != theirs
    low, high = (ours(ground, row, column, target=TARGET_M + step) for step in (-GRAZING_M, GRAZING_M))
    turned = ours(ground, row, column, other_way=True)
    grazing = differ & (low != high)
    surface = differ & ~grazing & (turned != here)
    rest = np.argwhere(differ & ~grazing & ~surface)
    with_ours = judged(ground, row, column, rest) == here[tuple(rest.T)] if len(rest) else np.empty(0, bool)
    return {
        "cells": here.size, "differ": int(differ.sum()), "grazing": int(grazing.sum()), "surface": int(surface.sum()),
        "theirs": int(with_ours.sum()), "ours": int((~with_ours).sum()),
    }  # fmt: skip


def compared(ground: Ground, folder: Path) -> dict[str, dict[str, int]]:
    """Sums over the observers, by the other tool."""
    raster = folder / "ground.tif"
    rows, columns = ground.heights.shape
    profile = {"driver": "GTiff", "height": rows, "width": columns, "count": 1, "dtype": "float64", "crs": "EPSG:32633"}
    with rasterio.open(raster, "w", transform=from_origin(0, rows, 1, 1), **profile) as file:
        file.write(ground.heights, 1)
    tools: Mapping[str, Callable[..., Mask]] = {"GDAL": by_gdal, "r.viewshed": by_grass}
    sums: dict[str, dict[str, int]] = {name: {} for name in tools}
    rng = np.random.default_rng(1)
    seconds = dict.fromkeys(("ours", *tools), 0.0)
    for _ in range(OBSERVERS):
        row, column = int(rng.integers(20, rows - 20)), int(rng.integers(20, columns - 20))
        here, seconds["ours"] = _timed(lambda: ours(ground, row, column), seconds["ours"])  # noqa: B023  called at once
        for name, tool in tools.items():
            there, seconds[name] = _timed(lambda: tool(ground, raster, row, column), seconds[name])  # noqa: B023
            for what, n in explained(ground, row, column, here, there).items():
                sums[name][what] = sums[name].get(what, 0) + n
    told = ", ".join(f"{name} {1000 * taken / OBSERVERS:.0f} ms" for name, taken in seconds.items())
    print(f"{ground.name}: {rows * columns} cells an observer: {told}")
    return sums


def _timed(work: Callable[[], Mask], before: float) -> tuple[Mask, float]:
    """An answer, and `before` with the time it took. [s]"""
    start = time.perf_counter()
    answer = work()
    return answer, before + time.perf_counter() - start


def table() -> str:
    """The comparison as a table in Markdown."""
    lines = [
        "| ground | beside | cells asked | agree | grazing (±5 cm) | other triangles | judge with ours | judge with theirs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as folder:
        for ground in grounds():
            for name, row in compared(ground, Path(folder)).items():
                agree = 100 * (1 - row["differ"] / row["cells"])
                shares = " | ".join(f"{row[what]}" for what in ("grazing", "surface", "theirs", "ours"))
                lines.append(f"| {ground.name} | {name} | {row['cells']} | {agree:.2f} % | {shares} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    TABLE.write_text(table(), "utf-8")
