"""Tile writing side by side with trimesh's GLB export: the same triangles in one run.

    python bench/glb.py [--elements 2000] [--seconds 4]

trimesh writes positions and normals only; ours has facet normals, colours, feature ids and the property table besides.
"""

from __future__ import annotations

import argparse
import gzip
import time
from collections.abc import Callable

import numpy as np
import trimesh

from tiles.bim import model_bodies
from tiles.bodies import Bodies
from tiles.glb import encode_glb
from tiles.tileset import leaves, middle, plan
from twin.model import Element, Mesh


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--elements", type=int, default=2000)
    options.add_argument("--seconds", type=float, default=4.0)
    given = options.parse_args()
    mesh, elements = building(given.elements)
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    parts = [trimesh.Trimesh(*_part(mesh, k), process=False) for k in range(len(elements))]
    content = model_bodies(mesh, elements, "m", "b")
    everything = np.arange(len(content))
    print(f"{len(mesh.faces):,} triangles, {len(elements):,} elements")
    print(f"{'writer':<38}{'ms':>9}{'Mtri/s':>9}{'MB':>8}{'gzip MB':>9}{'B/tri':>7}{'time':>8}")
    base = show("trimesh, one mesh", lambda: [trimesh.exchange.gltf.export_glb(trimesh.Scene(solid))], mesh, given.seconds, None)
    show("ours, one tile", lambda: [encode_glb(*content.tile(everything, np.zeros(3)))], mesh, given.seconds, base)
    show("ours, tiles of storey and discipline", lambda: tiles(content), mesh, given.seconds, base)
    show("trimesh, one node an element", lambda: [trimesh.exchange.gltf.export_glb(trimesh.Scene(parts))], mesh, given.seconds, base)


def building(n: int) -> tuple[Mesh, list[Element]]:
    """Walls, pipes and handrails on five storeys: boxes, cylinders and spheres of 12 to 320 triangles."""
    random = np.random.default_rng(0)
    kinds = (trimesh.creation.box((4, 0.2, 3)), trimesh.creation.cylinder(0.05, 3, sections=16), trimesh.creation.icosphere(1, 0.3))
    vertices, faces, owner, start = [], [], [], 0
    for k in range(n):
        kind = kinds[k % 3]
        vertices.append(kind.vertices + random.uniform([-40, -25, 0], [40, 25, 18]))
        faces.append(kind.faces + start)
        owner.append(np.full(len(kind.faces), k, np.uint32))
        start += len(kind.vertices)
    elements = [
        Element(
            f"{k:022d}",
            "m",
            "IfcWall",
            f"Basic Wall:Generic {k}",
            f"storey {k % 5}",
            discipline=("architecture", "hvac", "structure")[k % 3],
        )
        for k in range(n)
    ]
    color = np.full((sum(map(len, faces)), 4), (180, 180, 170, 255), np.uint8)
    ids = [element.id for element in elements]
    return Mesh(np.concatenate(vertices), np.concatenate(faces).astype(np.uint32), np.concatenate(owner), color, ids), elements


def tiles(content: Bodies) -> list[bytes]:
    return [encode_glb(*content.tile(leaf.features, middle(leaf))) for leaf in leaves(plan(content))]


def show(name: str, write: Callable[[], list[bytes]], mesh: Mesh, seconds: float, base: float | None) -> float:
    """Print a writer's row and return its time. [s of processor time]"""
    files = write()
    began, done = time.process_time(), 0
    while time.process_time() - began < seconds:
        write()
        done += 1
    spent = (time.process_time() - began) / done
    size, packed = sum(map(len, files)) / 1e6, sum(len(gzip.compress(file, 6)) for file in files) / 1e6
    ratio = "" if base is None else f"{spent / base:7.2f}x"
    print(
        f"{name:<38}{spent * 1e3:>9.1f}{len(mesh.faces) / spent / 1e6:>9.2f}{size:>8.2f}{packed:>9.2f}"
        f"{size * 1e6 / len(mesh.faces):>7.0f}{ratio:>8}"
    )
    return spent


def _part(mesh: Mesh, element: int) -> tuple[np.ndarray, np.ndarray]:
    faces = mesh.faces[mesh.face_element == element]
    used, index = np.unique(faces, return_inverse=True)
    return mesh.vertices[used], index.reshape(-1, 3)


if __name__ == "__main__":
    main()
