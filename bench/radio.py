"""Coverage by radio: whole runs in a warm process, and what moving one device takes, held against computing everything anew.

    python bench/radio.py [PARK] [--moves 40]       a sample park is built where none is named

Mobile, 5G, things and Wi-Fi at their usual steps, each after a first run at a coarse step that loads and compiles what it needs and with
nothing known of its own cells. Then devices of Wi-Fi and mobile networks are moved one at a time: a preview as HTTP answers it. Some are
held against a whole run of the same devices, bit for bit. Processor time is that of all threads.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from twin.measures import measures, resolve
from twin.measures.mobile import KEPT
from twin.result import Measure, Request
from twin.scenario.anew import Anew, Answers, answers
from twin.store import Store, open_store

WHOLE = ("mobile_signal_area_share", "fiveg_area_share", "iot_area_share", "wifi_area_share")
MOVED = {"wifi_area_share": "wifi_ap", "mobile_signal_area_share": "cell"}
CHECKED = 3  # moves held against a whole run


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("park", nargs="?")
    options.add_argument("--moves", type=int, default=40)
    asked = options.parse_args()
    with TemporaryDirectory() as folder:
        if asked.park is None:
            subprocess.run([Path(sys.executable).with_name("twin"), "demo", "--build-only", "--dir", f"{folder}/park"], check=True)
        measured(open_store(asked.park or f"{folder}/park"), asked.moves)


def measured(store: Store, count: int) -> None:
    """Whole runs, then moves."""
    found = measures()
    for name in WHOLE:
        found[name].compute(store, resolve(found[name], {"step_m": 24}, {}))
        KEPT.forget()
        result, wall, processor = timed(lambda name=name: found[name].compute(store, resolve(found[name], {}, {})))
        print(f"{name}: {result.value:.5f} [{result.lower:.5f}, {result.upper:.5f}] in {wall:.1f} s, {processor:.1f} s of processor")
    for name, kind in MOVED.items():
        moves(store, found[name], kind, count)


def moves(store: Store, measure: Measure, kind: str, count: int) -> None:
    """Move devices of a kind by a few metres, and tell how long each took to be answered."""
    request = resolve(measure, {}, {})
    quick, wall, _ = timed(lambda: answers(store, measure, request))
    print(f"{measure.id}: ready in {wall:.1f} s, answered by {type(quick).__name__}")
    rng = np.random.default_rng(7)
    devices = [device for device in store.devices(kind) if device.status == "in_service"]
    took = np.array([one(store, (measure, request, quick), change_of(devices, rng), check=k < CHECKED) for k in range(count)])
    for name, column in (("wall", took[:, 0]), ("processor", took[:, 1])):
        print(f"  {name}: p50 {1000 * np.quantile(column, 0.5):.0f} ms, p95 {1000 * np.quantile(column, 0.95):.0f} ms")


def change_of(devices: list[Any], rng: np.random.Generator) -> list[dict[str, Any]]:
    """One device taken by chance, some metres from where it was."""
    device = devices[int(rng.integers(len(devices)))]
    lon, lat = np.array([device.lon, device.lat]) + 3e-5 * rng.normal(size=2)
    return [{"op": "move", "id": device.id, "lon": float(lon), "lat": float(lat)}]


def one(store: Store, by: tuple[Measure, Request, Answers], change: list[dict[str, Any]], *, check: bool) -> tuple[float, float]:
    """What one preview took: on the clock, and of the processor. [s]"""
    measure, request, quick = by
    found, wall, processor = timed(lambda: quick.preview([], change))
    if check:
        whole = Anew(store, measure, request).shares(change)
        if found.after != whole:
            raise SystemExit(f"{measure.id}: {change} gives {found.after}, computed anew {whole}")
    return wall, processor


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, and the time it takes: on the clock, and of the processor. [s]"""
    wall, processor = time.perf_counter(), time.process_time()
    return work(), time.perf_counter() - wall, time.process_time() - processor


if __name__ == "__main__":
    main()
