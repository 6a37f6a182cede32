"""Coverage by cameras: a whole run, and what moving one camera takes, beside computing everything anew, in one run.

    python bench/coverage.py [PARK] [--moves 100] [--step 1.0]

Without PARK a park of 1 km² is made: 120 blocks, 250 cameras, a fifth of them turning between twelve presets. Every move is a preview as
HTTP answers it: value, bounds, contribution and GeoJSON of the gaps it opens and closes. Some are held against a whole run of the same
cameras, bit for bit. Processor time is that of all threads.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from twin.coverage.tally import tally
from twin.crs import Frame
from twin.measures import camera, measures, resolve
from twin.model import Device, FeatureTable, Layer, Park
from twin.scenario.overlay import with_changes
from twin.scenario.session import Session, preview_json
from twin.store import Store, create_store, open_store

CHECKED = 5  # moves held against a whole run
FRAME = Frame(104.06, 30.54, 500.0)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("park", nargs="?")
    options.add_argument("--moves", type=int, default=100)
    options.add_argument("--step", type=float, default=1.0)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(given.park) if given.park else made(Path(folder) / "park")
        compare(store, given.moves, given.step)


def compare(store: Store, moves: int, step: float) -> None:
    measure = measures()["camera_area_share"]
    request = resolve(measure, {"step_m": step}, {})
    begin = time.perf_counter()
    session = Session(store, measure, request)
    cameras = store.devices("camera")
    print(f"{session.samples:,} samples, {len(cameras)} cameras, made ready in {time.perf_counter() - begin:.1f} s")
    wall, cpu, whole = timed(lambda: anew(session, store))
    print(f"{'all cameras looked through, counted':<40}{1000 * wall:9.0f} ms{1000 * cpu:9.0f} ms of processors")
    print(f"value {session.shares().value:.6f} in [{session.shares().lower:.6f}, {session.shares().upper:.6f}]")
    took = np.array([moved(session, *random_move(cameras, k)) for k in range(moves + 3)][3:])  # the first ones load what is compiled
    for name, column in (("wall", took[:, 0]), ("processors", took[:, 1])):
        p50, p95 = np.quantile(column, [0.5, 0.95])
        print(f"one camera moved, {name:<22}p50 {p50:8.1f} ms   p95 {p95:8.1f} ms   most {column.max():8.1f} ms")
    ratios = [1000 * wall / float(np.quantile(took[:, 0], q)) for q in (0.5, 0.95)]
    print(f"beside computing everything anew: {ratios[0]:.0f} x at p50, {ratios[1]:.0f} x at p95")
    same = sum(is_equal(session, store, *random_move(cameras, k)) for k in range(CHECKED))
    print(f"{same} of {CHECKED} moves equal to a whole run, bit for bit; {whole.area.nbytes / 1e6:.0f} MB of counts")


def anew(session: Session, store: Store) -> Any:
    """Everything looked through and counted, from nothing that is remembered."""
    camera._memory["look"].clear()  # noqa: SLF001
    return tally(session.ready.field, session.ready.footprints(store), session.ready.k)


def is_equal(session: Session, store: Store, _: Device, changes: list[dict[str, Any]]) -> bool:
    other = with_changes(store, changes)
    return session.tally_of(changes).area.tobytes() == anew(session, other).area.tobytes()


def moved(session: Session, _: Device, changes: list[dict[str, Any]]) -> tuple[float, float]:
    wall, cpu, _told = timed(lambda: json.dumps(preview_json(session.preview([], changes))))
    return 1000 * wall, 1000 * cpu


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and processor time, and what came of it. [s]"""
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    return time.perf_counter() - wall, time.process_time() - cpu, answer


def random_move(cameras: Any, seed: int) -> tuple[Device, list[dict[str, Any]]]:
    """A camera, moved by up to 20 m each way and turned."""
    random = np.random.default_rng(seed)
    device = cameras[int(random.integers(len(cameras)))]
    lon, lat = device.lon + random.uniform(-2e-4, 2e-4), device.lat + random.uniform(-1.8e-4, 1.8e-4)
    turned = {"op": "set", "id": device.id, "values": {"azimuth_deg": float(random.uniform(0, 360))}}
    return device, [{"op": "move", "id": device.id, "lon": lon, "lat": lat}, turned]


def made(folder: Path) -> Store:
    random = np.random.default_rng(0)
    corner = np.stack(np.meshgrid(np.arange(11) * 92.0 - 480, np.arange(11) * 92.0 - 480), -1).reshape(-1, 2)[:120]
    size = random.uniform(20, 60, (120, 2))
    blocks = shapely.box(corner[:, 0], corner[:, 1], corner[:, 0] + size[:, 0], corner[:, 1] + size[:, 1])
    store = create_store(folder, Park("bench", FRAME))
    with store.transaction() as writer:
        for kind, shapes, columns in (
            ("boundary", [shapely.box(-550, -550, 550, 550)], {}),
            ("building", list(blocks), {"height_m": random.uniform(6, 30, 120).tolist()}),
        ):
            writer.put_layer(Layer(kind, kind, kind))
            outlines = np.array([shapely.force_2d(FRAME.unproject(shape)) for shape in shapes], object)
            writer.put_features(kind, FeatureTable([f"{kind}-{k}" for k in range(len(outlines))], outlines, columns), source="bench")
        solid = shapely.union_all(blocks)
        writer.put_devices([a_camera(f"c{k}", k % 5 == 0, solid, random) for k in range(250)], source="bench")
    return store


def a_camera(name: str, is_turning: bool, solid: Any, random: np.random.Generator) -> Device:
    while solid.contains(shapely.Point(place := random.uniform(-480, 480, 2))):
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
