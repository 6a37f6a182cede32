"""Tiling beside tessellation: real IFC files from the importer's bodies to the last byte of their tiles, medians of several turns.

    python bench/tileset.py FILE.ifc | FOLDER ... [--turns 5] [--copies 1 4]

`open + kernel` is what bare tessellation of the file takes (bench/ifc_bare.py: the same kernel chain, one thread, less the start of the
program); `tiling` is everything between the stored mesh and encoded tiles (features, levels, shell, simplification, encoding, JSON), all in
processor seconds; `packing` is gzip and brotli for HTTP, which the builder does after the tiles can be served.
`--copies` repeats a model side by side, to see whether time grows with it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ifc import HERE, program, subject

from importers.contract import Context, Options
from importers.ifc import IMPORTER
from tiles.content.bim import model_bodies
from tiles.content.levels import house
from tiles.files import available_encodings, compressed
from tiles.tileset import Tile, middle, tileset_json, walk
from twin.crs import Frame
from twin.errors import TwinError
from twin.model import Mesh, ModelContent, Park

FRAME = Frame(121.4, 31.2, 15.0)
_START = "import ifcopenshell.geom, numpy, importers.ifc.kernels"  # what a program that tessellates begins with


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("paths", nargs="+", type=Path)
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--copies", type=int, nargs="+", default=[1])
    given = options.parse_args()
    files = [file for path in given.paths for file in (sorted(path.rglob("*.ifc")) if path.is_dir() else [path])]
    print(
        f"{'model':<34}{'elements':>9}{'triangles':>10}{'open+kernel s':>14}{'tiling s':>9}{'share':>7}{'packing s':>10}"
        f"{'tiles':>6}{'levels':>7}{'shell':>7}{'B/tri':>7}{'MB':>7}"
    )
    for file in files:
        kernel, content = _tessellated(file, given.turns)
        if content is not None and len(content.mesh.faces):
            for copies in given.copies:
                _row(file.stem, kernel * copies, replace(content, mesh=_repeated(content.mesh, copies)), given.turns)


def _tessellated(file: Path, turns: int) -> tuple[float, ModelContent | None]:
    """Processor seconds that bare tessellation takes, and what the importer makes of the file."""
    with tempfile.TemporaryDirectory() as folder:
        one = subject(file, Path(folder) / "s")
        if one is None:
            return 0.0, None
        bare = [sys.executable, str(HERE / "ifc_bare.py"), str(one.step), str(one.told), "-"]
        spent = [program(bare).cpu for _ in range(turns)]
        begun = [program([sys.executable, "-c", _START]).cpu for _ in range(turns)]
        try:
            content = IMPORTER.read(file, Context(Park("p", FRAME), Options()))
        except TwinError:
            return 0.0, None
    return statistics.median(spent) - statistics.median(begun), content.models[0]


def _repeated(mesh: Mesh, copies: int) -> Mesh:
    """The model so many times side by side, each with elements of its own."""
    if copies == 1:
        return mesh
    width, n, v = float(np.ptp(mesh.vertices[:, 0])) + 5.0, len(mesh.element_ids), len(mesh.vertices)
    return Mesh(
        np.concatenate([mesh.vertices + np.array([k * width, 0, 0]) for k in range(copies)]),
        np.concatenate([mesh.faces + np.uint32(k * v) for k in range(copies)]),
        np.concatenate([mesh.face_element + np.uint32(k * n) for k in range(copies)]),
        np.tile(mesh.face_color, (copies, 1)),
        [f"{name}-{k}" for k in range(copies) for name in mesh.element_ids],
    )


def _row(name: str, kernel: float, content: ModelContent, turns: int) -> None:
    made = [_tiled(content) for _ in range(turns + 1)][1:]  # the first compiles
    spent = statistics.median(each[0] for each in made)
    _, root, files = made[0]
    began = time.process_time()
    for file in files:
        for coding in available_encodings():
            compressed(file, coding)
    packing = time.process_time() - began
    triangles, size = len(content.mesh.faces), sum(map(len, files))
    levels = _depth(root)
    shell = _triangles(root) / triangles if root.content is not None and root.children else 0.0
    shown = triangles + sum(_triangles(tile) for tile in walk([root]) if tile.content is not None and tile.children)
    print(
        f"{name[:33]:<34}{len(content.mesh.element_ids):>9}{triangles:>10}{kernel:>14.2f}{spent:>9.3f}{spent / kernel:>7.0%}"
        f"{packing:>10.2f}"
        f"{len(files):>6}{levels:>7}{shell:>7.0%}{size / shown:>7.1f}{size / 1e6:>7.2f}",
        flush=True,
    )


def _tiled(content: ModelContent) -> tuple[float, Tile, Sequence[bytes]]:
    """Processor seconds from mesh to files, the tree, the files."""
    began = time.process_time()
    root = house([model_bodies(content.mesh, content.elements, content.model.id, "b")], None)
    assert root is not None
    files = [tile.content.encode(middle(tile)) for tile in walk([root]) if tile.content is not None]
    json.dumps(tileset_json(root, FRAME.ecef_matrix()))
    return time.process_time() - began, root, files


def _depth(tile: Tile) -> int:
    return 1 + max((_depth(child) for child in tile.children), default=0)


def _triangles(tile: Tile) -> int:
    return 0 if tile.content is None else int(np.diff(tile.content.bodies.starts)[tile.content.features].sum())  # type: ignore[attr-defined]


if __name__ == "__main__":
    main()
