"""Rays per second: segments from lenses to targets among blocks, by our packets and by the embreex interface, in one run.

python bench/rays.py [triangles] [segments]
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from twin.scene import Obstacles, one_object, packets
from twin.scene.embree import OPEN_M, Scene


def blocks(triangles: int, rng: np.random.Generator) -> Obstacles:
    """Boxes of 8 to 40 m on 2 km, 12 triangles each."""
    n = triangles // 12
    corner = np.array([[x, y, z] for z in (0, 1) for y in (0, 1) for x in (0, 1)], float)
    shrink = min(1.0, (1500 / max(n, 1)) ** 0.5)  # so that about as much of the ground is built on
    size = np.column_stack([rng.uniform(8, 40, n) * shrink, rng.uniform(8, 40, n) * shrink, rng.uniform(4, 30, n) * shrink])
    place = np.column_stack([rng.uniform(-1000, 1000, (n, 2)), np.zeros(n)])
    vertices = (corner[None] * size[:, None] + place[:, None]).reshape(-1, 3)
    quads = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    box = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    faces = (box[None] + 8 * np.arange(n)[:, None, None]).reshape(-1, 3)
    return one_object(vertices, faces, object_id="blocks")


def segments(n: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """From 250 lenses 3 to 12 m high to targets at 1.5 m within 150 m, lens by lens and row by row as a measure asks."""
    lens = np.column_stack([rng.uniform(-900, 900, (250, 2)), rng.uniform(3, 12, 250)])
    edge = int((n / 250) ** 0.5)
    side = np.linspace(-150, 150, edge)
    offset = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    targets = np.concatenate([np.column_stack([point[:2] + offset, np.full(len(offset), 1.5)]) for point in lens])
    return np.repeat(lens, len(offset), axis=0), targets


def best(function: Callable[[], Any], repeats: int = 3) -> tuple[float, float, Any]:
    """Wall and processor time of the fastest of some runs, and the answer."""
    runs: list[tuple[float, float, Any]] = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = function()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu, answer))
    return min(runs, key=lambda run: run[0])


def report(name: str, count: int, function: Callable[[], Any]) -> Any:
    """Print millions of segments per second of wall and of processor time; the answer."""
    wall, cpu, answer = best(function)
    print(f"{name:32s}{count / wall / 1e6:8.2f} M/s{count / cpu / 1e6:8.2f} M/cpu-s")
    return answer


def main() -> None:
    rng = np.random.default_rng(0)
    given = [int(float(value)) for value in sys.argv[1:]]
    obstacles = blocks(given[0] if given else 92_000, rng)
    origins, targets = segments(given[1] if len(given) > 1 else 2_000_000, rng)
    begin = time.perf_counter()
    scene = Scene(obstacles)
    print(f"{len(obstacles)} triangles, {len(origins)} segments, built in {time.perf_counter() - begin:.2f} s")
    centre = (obstacles.vertices.min(axis=0) + obstacles.vertices.max(axis=0)) / 2
    start, way, _ = packets.localised(origins, targets, centre, OPEN_M)
    far = np.ones(len(start), np.float32)
    wheel = rtcore_scene.EmbreeScene(robust=True)
    TriangleMesh(wheel, (obstacles.vertices - centre).astype(np.float32), obstacles.faces.astype(np.int32))
    few = slice(0, 500_000)
    scene.occluded(origins[:16], targets[:16]), scene.first_hit(origins[:16], targets[:16]), scene.crossings(origins[:16], targets[:16])
    wheel.run(start[:16], way[:16], dists=far[:16], query="OCCLUDED")
    count = len(origins)
    ours = report("any hit, our packets", count, lambda: scene.occluded(origins, targets))
    theirs = report("any hit, embreex interface", count, lambda: wheel.run(start, way, dists=far, query="OCCLUDED") != -1)
    report("first hit, our packets", count, lambda: scene.first_hit(origins, targets))
    found = report("all hits, our packets", len(origins[few]), lambda: scene.crossings(origins[few], targets[few]))
    each = len(found.face) / len(origins[few])
    print(f"blocked {ours.mean():.4f}, the two agree on {np.mean(theirs == ours):.6f}, {each:.2f} hits a segment")


if __name__ == "__main__":
    main()
