"""Rays per second: segments from lenses to targets among blocks, by our packets and by the embreex interface, in one run.

python bench/rays.py [triangles] [segments]
"""

from __future__ import annotations

import sys
import time

import numpy as np
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh

from twin.scene import Obstacles, one_object
from twin.scene.embree import Scene


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


def best(function, repeats: int = 3) -> tuple[float, float, object]:
    """Wall and processor time of the fastest of some runs, and the answer."""
    runs = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = function()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu, answer))
    return min(runs, key=lambda run: run[0])


def main() -> None:
    rng = np.random.default_rng(0)
    given = [int(float(value)) for value in sys.argv[1:]]
    triangles, n = given[0] if given else 92_000, given[1] if len(given) > 1 else 2_000_000
    obstacles = blocks(triangles, rng)
    origins, targets = segments(n, rng)
    start = time.perf_counter()
    scene = Scene(obstacles)
    print(f"{len(obstacles)} triangles, {len(origins)} segments, built in {time.perf_counter() - start:.2f} s")
    start, way, part = scene._local(origins, targets)
    scene._core.occluded(start[:16], way[:16], part[:16])
    wall, cpu, ours = best(lambda: scene._core.occluded(start, way, part))
    print(
        f"any hit, packets, one thread   {len(origins) / wall / 1e6:7.2f} Mray/s  {len(origins) / cpu / 1e6:7.2f} Mray/cpu-s  blocked {ours.mean():.4f}"
    )
    wall, cpu, ours = best(lambda: scene.occluded(origins, targets))
    print(f"any hit, whole call, threads   {len(origins) / wall / 1e6:7.2f} Mray/s  {len(origins) / cpu / 1e6:7.2f} Mray/cpu-s")
    wheel = rtcore_scene.EmbreeScene(robust=True)
    TriangleMesh(wheel, np.ascontiguousarray(scene._vertices[:-1]), obstacles.faces.astype(np.int32))
    far = np.ones(len(origins), np.float32)
    wheel.run(start[:16], way[:16], dists=far[:16], query="OCCLUDED")
    wall, cpu, theirs = best(lambda: wheel.run(start, way, dists=far, query="OCCLUDED") != -1)
    print(
        f"any hit, embreex interface     {len(origins) / wall / 1e6:7.2f} Mray/s  {len(origins) / cpu / 1e6:7.2f} Mray/cpu-s  agree {np.mean(theirs == ours):.6f}"
    )
    few = slice(0, min(len(origins), 500_000))
    scene.crossings(origins[:16], targets[:16])
    wall, cpu, found = best(lambda: scene.crossings(origins[few], targets[few]))
    count = len(origins[few])
    print(
        f"all hits, whole call           {count / wall / 1e6:7.2f} Mseg/s  {count / cpu / 1e6:7.2f} Mseg/cpu-s  {len(found.face) / count:.2f} a segment"
    )


if __name__ == "__main__":
    main()
