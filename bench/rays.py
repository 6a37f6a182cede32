"""Segments per second among three million triangles: our packets, the embreex interface and trimesh, side by side in one run.

python bench/rays.py [triangles] [segments]

Two parks: `detailed`, 4,000 buildings whose walls are cut into many triangles as those of models are, and `forest`, as many needles as
there is room for, where every segment passes dozens of boxes. Then what it costs to add one building to either. Where other programs
share the processor, compare within a row group; M/cpu-s hardly suffers from them.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import trimesh
from embreex import rtcore_scene
from embreex.mesh_construction import TriangleMesh
from trimesh.ray.ray_pyembree import RayMeshIntersector

from twin.scene import Obstacles, concat, embree, one_object
from twin.scene.embree import OPEN_M, Scene
from twin.scene.pieces import as_one, cut
from twin.scene.wheel import localised

TILE_M = 256.0
FEW = 250_000  # segments for the slow ones
Ends = tuple[np.ndarray, np.ndarray]


def blocks(triangles: int, rng: np.random.Generator) -> Obstacles:
    """Boxes of 8 to 40 m on 2 km, 12 triangles each; the more there are, the thinner."""
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


def detailed(triangles: int, rng: np.random.Generator) -> Obstacles:
    """Blocks whose faces are halved both ways three times."""
    coarse = blocks(triangles // 64, rng)
    vertices, faces = coarse.vertices, coarse.faces.astype(np.int64)
    for _ in range(3):
        vertices, faces = trimesh.remesh.subdivide(vertices, faces)
    return one_object(vertices, faces, object_id="blocks")


def segments(n: int, rng: np.random.Generator) -> Ends:
    """From 250 lenses 3 to 12 m high to targets at 1.5 m within 150 m, lens by lens and row by row as a measure asks."""
    lens = np.column_stack([rng.uniform(-900, 900, (250, 2)), rng.uniform(3, 12, 250)])
    edge = int((n / 250) ** 0.5)
    side = np.linspace(-150, 150, edge)
    offset = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    targets = np.concatenate([np.column_stack([point[:2] + offset, np.full(len(offset), 1.5)]) for point in lens])
    return np.repeat(lens, len(offset), axis=0), targets


def tiled(obstacles: Obstacles) -> Obstacles:
    """The same in pieces, one a square of ground."""
    middle = obstacles.vertices[obstacles.faces].mean(axis=1)
    tile = np.floor(middle[:, :2] / TILE_M).astype(np.int64)
    return cut(obstacles, tile[:, 0] * 10_000 + tile[:, 1])


def best(function: Callable[[], Any], repeats: int = 3) -> tuple[float, float, Any]:
    """Wall and processor time of the fastest of some runs, and the answer."""
    runs: list[tuple[float, float, Any]] = []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        answer = function()
        runs.append((time.perf_counter() - wall, time.process_time() - cpu, answer))
    return min(run[0] for run in runs), min(run[1] for run in runs), runs[-1][2]


def report(name: str, count: int, function: Callable[[], Any]) -> Any:
    """Print millions of segments per second of wall and of processor time; the answer."""
    wall, cpu, answer = best(function)
    print(f"  {name:44s}{count / wall / 1e6:8.2f} M/s{count / cpu / 1e6:8.2f} M/cpu-s")
    return answer


def ours(name: str, scene: Scene, ends: Ends) -> np.ndarray:
    """The three questions, on one thread and on two."""
    few = ends[0][: 2 * FEW], ends[1][: 2 * FEW]
    scene.occluded(*few), scene.first_hit(*few), scene.crossings(*few)  # compiled before the clock runs
    blocked, found, threads = np.empty(0, np.bool_), scene.crossings(*few), 0
    for threads in (1, 2):
        embree.THREADS = threads
        blocked = report(f"any hit, {name}, {threads} thread", len(ends[0]), lambda: scene.occluded(*ends))
        found = report(f"all hits, {name}, {threads} thread", len(few[0]), lambda: scene.crossings(*few))
    report(f"first hit, {name}, {threads} thread", len(ends[0]), lambda: scene.first_hit(*ends))
    print(f"  {len(found.face) / max(len(np.unique(found.segment)), 1):.1f} hits a blocked segment")
    return blocked


def warm(scene: Scene, ends: Ends) -> None:
    """Lens by lens, each twenty times: what is left when nothing waits for memory."""
    each = len(ends[0]) // 250
    parts = [slice(k * each, (k + 1) * each) for k in range(0, 250, 25)]
    embree.THREADS = 1

    def again() -> None:
        for part in parts:
            for _ in range(20):
                scene.occluded(ends[0][part], ends[1][part])

    report("any hit, whole, the same segments again", 20 * each * len(parts), again)


def theirs(obstacles: Obstacles, ends: Ends) -> np.ndarray:
    """The embreex interface on one thread and on two, and trimesh on top of it; neither is asked about the open ends."""
    centre = (obstacles.vertices.min(axis=0) + obstacles.vertices.max(axis=0)) / 2
    start, way, _ = localised(*ends, centre, OPEN_M)
    far = np.ones(len(start), np.float32)
    wheel = rtcore_scene.EmbreeScene(robust=True)
    TriangleMesh(wheel, (obstacles.vertices - centre).astype(np.float32), obstacles.faces.astype(np.int32))

    def ask(part: slice) -> np.ndarray:
        return wheel.run(start[part], way[part], dists=far[part], query="OCCLUDED") != -1

    ask(slice(0, 16))
    blocked = report("any hit, embreex interface, 1 thread", len(start), lambda: ask(slice(None)))
    parts = [slice(at, at + (1 << 16)) for at in range(0, len(start), 1 << 16)]
    with ThreadPoolExecutor(2) as pool:
        report("any hit, embreex interface, 2 thread", len(start), lambda: list(pool.map(ask, parts)))
    mesh = RayMeshIntersector(trimesh.Trimesh(obstacles.vertices, obstacles.faces, process=False), scale_to_box=False)
    unit = (way / np.linalg.norm(way, axis=1, keepdims=True))[:FEW]
    mesh.intersects_any(ends[0][:16], unit[:16])
    length = np.linalg.norm(way[:FEW], axis=1)

    def line_of_sight() -> np.ndarray:
        places, ray, _ = mesh.intersects_location(ends[0][:FEW], unit, multiple_hits=False)
        out = np.zeros(FEW, np.bool_)
        out[ray] = np.linalg.norm(places - ends[0][ray], axis=1) < length[ray]
        return out

    line_of_sight()
    report("any hit, trimesh (first hit, compared)", FEW, line_of_sight)
    report("any hit without end, trimesh", FEW, lambda: mesh.intersects_any(ends[0][:FEW], unit))
    report("all hits without end, trimesh", FEW // 10, lambda: mesh.intersects_id(ends[0][: FEW // 10], unit[: FEW // 10]))
    return blocked


def growing(obstacles: Obstacles) -> None:
    """What one building more costs, with everything kept and with nothing."""
    scene = Scene(obstacles)
    hut = as_one(blocks(12, np.random.default_rng(9)))
    more = concat([obstacles, hut])
    added = best(lambda: Scene(more))
    whole = best(lambda: Scene(one_object(more.vertices, more.faces, object_id="all")))
    print(f"  {len(scene.obstacles.pieces)} pieces and one more: {1e3 * added[0]:.1f} ms, all anew: {1e3 * whole[0]:.0f} ms")


def main() -> None:
    given = [int(float(value)) for value in sys.argv[1:]]
    triangles, count = (given + [3_000_000, 2_000_000][len(given) :])[:2]
    for name, make in (("detailed", detailed), ("forest", blocks)):
        rng = np.random.default_rng(0)
        obstacles, ends = make(triangles, rng), segments(count, rng)
        wall, cpu, scene = best(lambda: Scene(obstacles), 1)  # noqa: B023  run at once
        print(f"{name}: {len(obstacles)} triangles, {len(ends[0])} segments, built in {wall:.2f} s ({cpu:.2f} cpu-s)")
        one = ours("whole", scene, ends)
        pieces = tiled(obstacles)
        warm(scene, ends)
        several = ours("in pieces", Scene(pieces), ends)
        other = theirs(obstacles, ends)
        growing(pieces)
        print(f"  blocked {one.mean():.4f}; pieces agree on {np.mean(one == several):.7f}, embreex on {np.mean(other == one):.7f}")


if __name__ == "__main__":
    main()
