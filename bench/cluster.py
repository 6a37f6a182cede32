"""What cameras see, found by one core, by two threads and by two worker processes of a dask cluster, in one run.

    python bench/cluster.py [PARK] [--measure camera_area_share] [--rounds 2]

Without PARK a park of 500 m by 500 m is made: 49 blocks and 80 cameras, a fifth of them turning between twelve presets. Every way answers
the same question in a process of its own that has answered another one before (targets at another height): nothing is left to compile,
obstacles are ready, and nothing about the question is remembered. What comes out must be the same bytes.

Beside the clock, which other work on the machine stretches, processor time is told: that of the asking process and of the busiest worker,
one after the other, which is the longest that an idle machine would take; threads share theirs in ways that this does not tell. How busy
the machine was meanwhile is told too: where nothing was idle, ratios by the clock say what others left over, and no more. `looking` is
what can be spread; the rest (obstacles, counting, gaps, reasons, sensitivity) is done by the asking process in every way.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from distributed import Client, LocalCluster

from twin.crs import Frame
from twin.evidence.bundle import run_parts
from twin.measures import camera_facade_area_share, compute, watch
from twin.measures.cluster import connected
from twin.model import Device, FeatureTable, Layer, Park
from twin.store import Store, create_store, open_store

WORKERS = 2
FRAME = Frame(104.06, 30.54, 500.0)


@dataclass(frozen=True)
class Took:
    """What one way took [s]: by the clock, in processor time of the longest chain, and the same of looking alone."""

    wall: float
    chain: float
    looking_wall: float
    looking_chain: float
    idle: float  # share of all cores' time that nobody used
    digest: str


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("park", nargs="?")
    options.add_argument("--measure", default="camera_area_share")
    options.add_argument("--rounds", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        park = given.park or str(Path(folder) / "park")
        if not given.park:
            made(Path(park)).close()
        for number in range(given.rounds):
            compare(park, given.measure, 1.4 + 0.05 * number)


def compare(park: str, measure: str, height: float) -> None:
    name = "density_px_per_m" if measure == "camera_facade_area_share" else "target_height_m"
    asked = [{name: value if name == "target_height_m" else 20 * value} for value in (height + 0.3, height)]
    rows = [(told, apart(park, measure, asked, cores, None)) for told, cores in (("one core", {0}), ("two threads", {0, 1}))]
    with LocalCluster(n_workers=WORKERS, threads_per_worker=1, processes=True, dashboard_address=None) as local:
        rows.append((f"{WORKERS} workers", apart(park, measure, asked, {0, 1}, local.scheduler_address)))
    base = rows[0][1]
    print(f"{measure} {asked[-1]}: {base.digest[:16]}")
    for told, took in rows:
        print(
            f"  {told:<12} all {took.wall:6.1f} s x {base.wall / took.wall:4.2f}, "
            f"processors {took.chain:6.1f} s x {base.chain / took.chain:4.2f}   "
            f"looking {took.looking_wall:6.1f} s x {base.looking_wall / took.looking_wall:4.2f}, "
            f"processors {took.looking_chain:6.1f} s x {base.looking_chain / took.looking_chain:4.2f}   idle {took.idle:.0%}"
        )
        assert took.digest == base.digest, "not the same bytes"


def apart(park: str, measure: str, asked: Sequence[dict[str, float]], cores: set[int], address: str | None) -> Took:
    """One way in a process of its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(answered, (park, measure, asked, cores, address))


def answered(park: str, measure: str, asked: Sequence[dict[str, float]], cores: set[int], address: str | None) -> Took:
    """The last question, after the ones before it."""
    os.sched_setaffinity(0, cores)
    store = open_store(park)
    spent = [0.0, 0.0]
    for module, name in ((watch, "footprints"), (camera_facade_area_share, "watch_faces")):
        setattr(module, name, clocked(getattr(module, name), spent))
    with connected(address):
        for before in asked[:-1]:
            compute(store, measure, before)
        spent[:] = [0.0, 0.0]
        worked, cores_before, wall, cpu = busiest(address), core_times(), time.perf_counter(), time.process_time()
        result = compute(store, measure, asked[-1])
        wall, cpu, cores_after = time.perf_counter() - wall, time.process_time() - cpu, core_times()
        longest = max((after - worked[name] for name, after in busiest(address).items()), default=0.0)
    content = hashlib.sha256(b"".join(run_parts(result).values())).hexdigest()
    idle = (cores_after[0] - cores_before[0]) / max(cores_after[1] - cores_before[1], 1)
    return Took(wall, cpu + longest, spent[0], spent[1] + longest, idle, content)


def core_times() -> tuple[int, int]:
    """Ticks that all cores were idle, and all ticks; as Linux tells them."""
    ticks = [int(part) for part in Path("/proc/stat").read_text("utf-8").split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


def clocked(work: Callable[..., Any], spent: list[float]) -> Callable[..., Any]:
    """The same work, its time by the clock and by the processor added to `spent`. [s]"""

    def timed(*arguments: Any) -> Any:
        wall, cpu = time.perf_counter(), time.process_time()
        try:
            return work(*arguments)
        finally:
            spent[0] += time.perf_counter() - wall
            spent[1] += time.process_time() - cpu

    return timed


def busiest(address: str | None) -> dict[str, float]:
    """The processor time of each worker so far. [s]"""
    if address is None:
        return {}
    with Client(address, set_as_default=False) as client:
        return client.run(time.process_time)


def made(folder: Path) -> Store:
    """A park of 500 m by 500 m."""
    random = np.random.default_rng(0)
    corner = np.stack(np.meshgrid(np.arange(7) * 66.0 - 230, np.arange(7) * 66.0 - 230), -1).reshape(-1, 2)
    size = random.uniform(20, 45, corner.shape)
    blocks = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + size[:, 0], corner[:, 1] + size[:, 1])
    store = create_store(folder, Park("bench", FRAME))
    heights = random.uniform(6, 30, len(blocks)).tolist()
    with store.transaction() as writer:
        for kind, shapes, columns in (
            ("boundary", [shapely.box(-250, -250, 250, 250)], {}),
            ("building", list(blocks), {"height_m": heights}),
        ):
            writer.put_layer(Layer(kind, kind, kind))
            outlines = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
            writer.put_features(kind, FeatureTable([f"{kind}-{k}" for k in range(len(outlines))], outlines, columns), source="bench")
        solid = shapely.union_all(blocks)
        writer.put_devices([a_camera(f"c{k}", k % 5 == 0, solid, random) for k in range(80)], source="bench")
    return store


def a_camera(name: str, is_turning: bool, solid: Any, random: np.random.Generator) -> Device:
    while solid.contains(shapely.Point(place := random.uniform(-230, 230, 2))):
        pass
    lon, lat, _ = FRAME.to_lonlat([place])[0].tolist()
    look = {"azimuth_deg": float(random.uniform(0, 360)), "pixels_w": 3840, "pixels_h": 2160}
    presets = [{"azimuth_deg": 30.0 * k, "tilt_deg": 8.0} for k in range(12)]
    more = (
        {"ptz": "ptz", "hfov_deg": 30.0, "vfov_deg": 17.1, "tilt_deg": 8.0, "range_m": 120.0, "presets": json.dumps(presets)}
        if is_turning
        else {"hfov_deg": math.degrees(1.4), "vfov_deg": 45.0, "tilt_deg": 15.0}
    )
    return Device(name, "camera", name, lon, lat, height_m=8.0 if is_turning else 4.0, attributes={**look, **more})


if __name__ == "__main__":
    main()
