"""Triangles between the child and its parent: `part-<run>-<number>.npz` files, each whole or not there at all.

A part holds meshes in their product's frame and instances of them; an instance may use a mesh of an earlier part of the same run. Two
processes that build at once have a run each, the lower one that of the helper: what it has built may be built again by the other.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.ifc.kernels import ALARM_M, EXACT, FAST

_FLUSH_BYTES = 16 << 20
_FLUSH_INSTANCES = 4000


@dataclass(frozen=True)
class Shape:
    """One mesh in its product's frame, metres: vertices (v, 3), faces (f, 3), colour per face (f, 4) in 0..1 with NaN where none."""

    vertices: NDArray[np.float64]
    faces: NDArray[np.int32]
    colors: NDArray[np.float32]


@dataclass(frozen=True)
class Instance:
    """One use of a mesh by a product: step id, (4, 4) placement in the model, the kernel, how far its box was off [m], seconds it took."""

    product: int
    shape: Shape
    matrix: NDArray[np.float64]
    kernel: str
    off_m: float
    seconds: float = 0.0


@dataclass
class Parts:
    """Where the child puts shapes; `flush` makes what was added safe from a crash."""

    folder: Path
    run: int
    flush_bytes: int = _FLUSH_BYTES
    _number: int = 0
    _known: dict[tuple[str, str], int] = field(default_factory=dict[tuple[str, str], int])
    _meshes: list[tuple[Any, Any, Any]] = field(default_factory=list[tuple[Any, Any, Any]])
    _first_mesh: int = 0
    _rows: list[tuple[int, int, str, float, float]] = field(default_factory=list[tuple[int, int, str, float, float]])
    _matrices: list[Any] = field(default_factory=list[Any])
    _bytes: int = 0

    def add(self, product: int, shape: Any, kernel: str, off_m: float, seconds: float = 0.0) -> None:
        """One element of the kernel; its mesh is kept only if no earlier element had the same one from the same kernel."""
        geometry = shape.geometry
        key = (kernel, str(geometry.id))
        if key not in self._known:
            self._known[key] = self._take(_mesh(geometry))
        self._rows.append((product, self._known[key], kernel, off_m, seconds))
        self._matrices.append(np.frombuffer(shape.transformation_buffer, float).reshape(4, 4).T.copy())
        if self._bytes > self.flush_bytes or len(self._rows) >= _FLUSH_INSTANCES:
            self.flush()

    def add_shape(self, product: int, shape: Shape, matrix: NDArray[np.float64], kernel: str) -> None:
        """One shape that no kernel made, and where it stands."""
        self._rows.append((product, self._take((shape.vertices, shape.faces, shape.colors)), kernel, 0.0, 0.0))
        self._matrices.append(matrix)

    def _take(self, mesh: tuple[Any, Any, Any]) -> int:
        self._meshes.append(mesh)
        self._bytes += sum(array.nbytes for array in mesh)
        return self._first_mesh + len(self._meshes) - 1

    def flush(self) -> None:
        """Write what was added since the last time."""
        if not self._rows:
            return
        target = self.folder / f"part-{self.run:03d}-{self._number:05d}.npz"
        partial = target.with_suffix(".partial")
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **self._arrays())
        partial.replace(target)
        self._number += 1
        self._first_mesh += len(self._meshes)
        self._meshes, self._rows, self._matrices, self._bytes = [], [], [], 0

    def _arrays(self) -> dict[str, NDArray[Any]]:
        meshes = self._meshes
        empty = (np.empty((0, 3)), np.empty((0, 3), np.int32), np.empty((0, 4), np.float32))
        vertices, faces, colors = (np.concatenate([empty[k], *(mesh[k] for mesh in meshes)]) for k in range(3))
        return {
            "vertices": vertices,
            "faces": faces,
            "colors": colors,
            "sizes": np.array([[len(mesh[0]), len(mesh[1])] for mesh in meshes], np.int64).reshape(-1, 2),
            "product": np.array([row[0] for row in self._rows], np.int64),
            "mesh": np.array([row[1] for row in self._rows], np.int64),
            "kernel": np.array([row[2] for row in self._rows]),
            "off_m": np.array([row[3] for row in self._rows]),
            "seconds": np.array([row[4] for row in self._rows]),
            "matrix": np.array(self._matrices, float).reshape(-1, 4, 4),
        }


def read_parts(folder: Path) -> Iterator[Instance]:
    """Every instance of every run, in the order it was written."""
    meshes: dict[tuple[str, int], Shape] = {}
    counts: dict[str, int] = {}
    for path in sorted(folder.glob("part-*.npz")):
        run = path.stem.split("-")[1]
        with np.load(path) as part:
            arrays = {name: part[name] for name in part.files}
        for shape in _shapes(arrays):
            meshes[run, counts.get(run, 0)] = shape
            counts[run] = counts.get(run, 0) + 1
        said = (arrays[name].tolist() for name in ("product", "mesh", "kernel", "off_m", "seconds"))
        for product, mesh, kernel, off, seconds, matrix in zip(*said, arrays["matrix"], strict=True):
            yield Instance(product, meshes[run, mesh], matrix, kernel, off, seconds)


@dataclass(frozen=True)
class Progress:
    """Step ids of the products that are safely written, and of those among them that a careful kernel has yet to look at."""

    done: frozenset[int]
    doubted: Sequence[int]


def progress(folder: Path) -> Progress:
    """How far the children of a file have come."""
    off: dict[int, bool] = {}
    doubts = {step for path in sorted(folder.glob("doubts-*.json")) for step in json.loads(path.read_bytes())}
    for path in sorted(folder.glob("part-*.npz")):
        with np.load(path) as part:
            for product, kernel, metres in zip(part["product"].tolist(), part["kernel"].tolist(), part["off_m"].tolist(), strict=True):
                off[product] = off.get(product, True) and (metres > ALARM_M or product in doubts) and kernel in {FAST, EXACT}
    return Progress(frozenset(off), [product for product, is_off in off.items() if is_off])


def note_doubts(folder: Path, run: int, products: Collection[int]) -> None:
    """Leave word to the next child that some products of this run have to be looked at again."""
    (folder / f"doubts-{run}.json").write_text(json.dumps(sorted(products)), "utf-8")


def finished(folder: Path) -> frozenset[int]:
    """Step ids of the products that are safely written."""
    return progress(folder).done


def _shapes(arrays: dict[str, NDArray[Any]]) -> Iterator[Shape]:
    v = f = 0
    for n_vertices, n_faces in arrays["sizes"].tolist():
        yield Shape(arrays["vertices"][v : v + n_vertices], arrays["faces"][f : f + n_faces], arrays["colors"][f : f + n_faces])
        v, f = v + n_vertices, f + n_faces


def _mesh(geometry: Any) -> tuple[NDArray[np.float64], NDArray[np.int32], NDArray[np.float32]]:
    vertices = np.frombuffer(geometry.verts_buffer, np.float64).reshape(-1, 3).copy()
    faces = np.frombuffer(geometry.faces_buffer, np.int32).reshape(-1, 3).copy()
    style = np.frombuffer(geometry.material_ids_buffer, np.int32)
    palette = np.array([_color(material) for material in geometry.materials] + [[np.nan] * 4], np.float32)  # last: faces with style -1
    colors = palette[style] if len(style) == len(faces) else np.full((len(faces), 4), np.nan, np.float32)
    return vertices, faces, colors


def _color(material: Any) -> list[float]:
    diffuse = material.diffuse
    components = [float(x) for x in diffuse.components] if diffuse else []
    transparency = float(material.transparency) if material.has_transparency() else 0.0
    if len(components) != 3 or not np.isfinite(components).all():
        return [np.nan] * 4
    return [*components, 1.0 - (transparency if 0.0 <= transparency <= 1.0 else 0.0)]
