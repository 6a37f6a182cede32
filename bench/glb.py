"""Tile writing side by side with trimesh and py3dtiles: the same triangles in one run.

    python bench/glb.py [--elements 2000] [--ifc FILE …] [--seconds 3] [--py3dtiles PYTHON]

trimesh and py3dtiles write positions and indices only; ours has facet normals, colours, feature ids and the property table besides.
Of py3dtiles it is the task of its IFC tiler that writes a tile, one mesh an element, in a process of its own. It wants older libraries
than ours, so give it a place of its own and name the interpreter:

    python -m venv /tmp/py3dtiles && /tmp/py3dtiles/bin/pip install "py3dtiles[ifc]>=12"
    python bench/glb.py --py3dtiles /tmp/py3dtiles/bin/python

For IFC files the time is also told as a share of bare tessellation by the fast kernel chain, one thread, in the same run.
"""

from __future__ import annotations

import argparse
import gzip
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import brotli
import numpy as np
import trimesh

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from tiles.content.bim import model_bodies
from tiles.content.bodies import Bodies
from tiles.content.levels import levels, on_grid
from tiles.glb import encode_glb
from tiles.tileset import middle, walk
from twin.crs import Frame
from twin.model import Element, Mesh, Park

PY3DTILES = """
import json, pickle, sys, time
from pathlib import Path
import lz4.frame
import numpy as np
from py3dtiles.constants import SpecVersion
from py3dtiles.tilers.ifc.ifc_model import Color, Feature, FileMetadata, Geometry, IfcMaterial, IfcMesh, IfcTile
from py3dtiles.tilers.ifc.ifc_shared_metadata import IfcSharedMetadata
from py3dtiles.tilers.ifc.ifc_tiler_worker import IfcTilerWorker

given, seconds, out = dict(np.load(sys.argv[1])), float(sys.argv[2]), Path(sys.argv[3])
grey, cuts, members = Color(0.7, 0.7, 0.7), (given["vertex_start"], given["face_start"]), []
for k in range(len(cuts[0]) - 1):
    (a, b), (c, d) = cuts[0][k : k + 2], cuts[1][k : k + 2]
    geometry = Geometry(tuple(given["vertices"][a:b].ravel().tolist()), tuple(given["faces"][c:d].ravel().tolist()))
    mesh = IfcMesh(geometry, [IfcMaterial(grey, grey, 0.5, 0.0)], (0,) * int(d - c))
    members.append(Feature(mesh, {"id": str(given["ids"][k])}))
tile = lz4.frame.compress(pickle.dumps(IfcTile(0, Path("a.ifc"), None, members, {})))
about = pickle.dumps(FileMetadata([0.0, 0.0, 0.0], None, None))
worker = IfcTilerWorker(IfcSharedMetadata(SpecVersion.V1_1, 0, out))
began, done = time.process_time(), 0
while done == 0 or time.process_time() - began < seconds:
    list(worker.write_tile_content([tile, about]))
    done += 1
print(json.dumps({"spent_s": (time.process_time() - began) / done}))
"""
TESSELLATE = """
import sys, time, ifcopenshell, ifcopenshell.geom as geom
from importers.ifc.kernels import FAST
file = ifcopenshell.open(sys.argv[1])
settings = geom.settings()
began = time.process_time()
found = geom.iterator(settings, file, 1, exclude=["IfcOpeningElement", "IfcSpace"], geometry_library=FAST)
if found.initialize():
    while found.next():
        pass
print(time.process_time() - began)
"""


@dataclass(frozen=True)
class Case:
    """One building to be written."""

    name: str
    mesh: Mesh
    elements: Sequence[Element]
    tessellation_s: float | None = None  # processor time


@dataclass(frozen=True)
class Written:
    """What a writer made, and how long it took."""

    files: list[bytes]
    spent_s: float  # processor time


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--elements", type=int, default=2000)
    options.add_argument("--ifc", type=Path, nargs="*", default=[])
    options.add_argument("--seconds", type=float, default=3.0)
    options.add_argument("--py3dtiles", default=sys.executable if importlib.util.find_spec("py3dtiles") else None)
    given = options.parse_args()
    mesh, elements = building(given.elements)
    for case in (Case("made of boxes, pipes and balls", mesh, elements), *map(read, given.ifc)):
        compare(case, given.seconds, given.py3dtiles)
    if given.py3dtiles is None:
        print("\npy3dtiles is not installed: name an interpreter that has it by --py3dtiles (see the head of this file)")


def compare(case: Case, seconds: float, other: str | None) -> None:
    """Print a table of writers."""
    mesh = case.mesh
    content = model_bodies(mesh, case.elements, "m", "b")
    everything, centre = np.arange(len(content)), content.boxes.mean(axis=(0, 1))
    solid = trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)
    parts = [trimesh.Trimesh(*part, process=False) for part in _parts(mesh)]
    print(f"\n{case.name}: {len(mesh.faces):,} triangles, {len(content):,} elements")
    print(f"{'writer':<34}{'ms':>9}{'Mtri/s':>8}{'B/tri':>8}{'gzip':>7}{'brotli':>8}{'tiles':>7}{'time':>9}")
    ours = timed(lambda: [encode_glb(*content.tile(everything, centre))], seconds)
    show("ours, one tile", ours, mesh, ours)
    finest = timed(lambda: tiles(content), seconds)
    show("ours, finest tiles, instanced", finest, mesh, ours)
    show("trimesh, one mesh", timed(lambda: [trimesh.exchange.gltf.export_glb(trimesh.Scene(solid))], seconds), mesh, ours)
    show("trimesh, one node an element", timed(lambda: [trimesh.exchange.gltf.export_glb(trimesh.Scene(parts))], seconds), mesh, ours)
    if other is not None:
        show("py3dtiles, one mesh an element", py3dtiles(mesh, other, seconds), mesh, ours)
    if case.tessellation_s is not None:
        share = ours.spent_s / case.tessellation_s, finest.spent_s / case.tessellation_s
        print(f"bare tessellation {case.tessellation_s:.3f} s: one tile is {share[0]:.1%} of it, finest tiles {share[1]:.1%}")


def read(path: Path) -> Case:
    """The first model of an IFC file in a park that lies where it says it does."""
    content = IMPORTER.read(path, Context(Park("bench", Frame(0.0, 0.0, 0.0)), Options())).models[0]
    place = content.model.georeferencing.lonlat
    if place is not None:
        content = IMPORTER.read(path, Context(Park("bench", Frame(*place, 0.0)), Options())).models[0]
    spent = subprocess.run([sys.executable, "-c", TESSELLATE, str(path)], capture_output=True, text=True, check=True).stdout
    return Case(path.name, content.mesh, content.elements, float(spent))


def building(n: int) -> tuple[Mesh, list[Element]]:
    """Walls, pipes and handrails on five storeys: boxes, cylinders and spheres of 12 to 320 triangles, no two placed alike."""
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
    """The finest tiles of some bodies."""
    return [tile.content.encode(middle(tile)) for tile in walk(levels(content, on_grid)) if tile.content is not None and not tile.children]


def py3dtiles(mesh: Mesh, interpreter: str, seconds: float) -> Written:
    """py3dtiles in its own interpreter, on the same vertices and faces."""
    parts = _parts(mesh)
    starts = [np.concatenate([[0], np.cumsum([len(part[k]) for part in parts])]) for k in (0, 1)]
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "mesh.npz"
        np.savez(
            source,
            vertices=np.concatenate([part[0] for part in parts]).astype(np.float32),
            faces=np.concatenate([part[1] for part in parts]).astype(np.uint32),
            vertex_start=starts[0],
            face_start=starts[1],
            ids=np.array(mesh.element_ids),
        )
        command = [interpreter, "-c", PY3DTILES, str(source), str(seconds), folder]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return Written([(Path(folder) / "0.glb").read_bytes()], json.loads(told)["spent_s"])


def timed(write: Callable[[], list[bytes]], seconds: float) -> Written:
    files = write()
    began, done = time.process_time(), 0
    while done == 0 or time.process_time() - began < seconds:
        write()
        done += 1
    return Written(files, (time.process_time() - began) / done)


def show(name: str, done: Written, mesh: Mesh, base: Written) -> None:
    """Print a writer's row; its time is against `base`."""
    count = len(mesh.faces)
    raw = sum(map(len, done.files)) / count
    packed = sum(len(gzip.compress(file, 6)) for file in done.files) / count
    best = sum(len(brotli.compress(file, quality=9)) for file in done.files) / count
    speed, ratio = count / done.spent_s / 1e6, done.spent_s / base.spent_s
    print(f"{name:<34}{done.spent_s * 1e3:>9.1f}{speed:>8.2f}{raw:>8.1f}{packed:>7.1f}{best:>8.1f}{len(done.files):>7}{ratio:>8.2f}x")


def _parts(mesh: Mesh) -> list[tuple[np.ndarray, np.ndarray]]:
    """The vertices and faces of each element that has any."""
    order = np.argsort(mesh.face_element, kind="stable")
    pieces = np.split(mesh.faces[order], np.flatnonzero(np.diff(mesh.face_element[order])) + 1)
    found = []
    for faces in pieces:
        used, index = np.unique(faces, return_inverse=True)
        found.append((mesh.vertices[used], index.reshape(-1, 3)))
    return found


if __name__ == "__main__":
    main()
