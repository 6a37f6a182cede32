"""Many features' triangles with their property table: what is cut into tiles."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from tiles.glb import Column, Columns, TileMesh

Ints = NDArray[np.int64]
Faces = NDArray[np.uint32]


@dataclass(frozen=True)
class Bodies:
    """n features, each with at least one triangle; faces are in the order of their features.

    `group` keeps features apart that must not share a tile (storey and discipline of a model).
    """

    vertices: NDArray[np.float64]  # (v, 3) [m, enu]
    faces: Faces  # (f, 3)
    face_feature: Ints  # (f,) ascending
    face_color: NDArray[np.uint8]  # (f, 4) RGBA
    columns: Columns  # column -> n values
    group: Ints  # (n,)

    def __len__(self) -> int:
        return len(self.group)

    @cached_property
    def starts(self) -> Ints:
        """Where each feature's faces start, and where the last one's end (n + 1,)."""
        return np.searchsorted(self.face_feature, np.arange(len(self) + 1))

    @cached_property
    def boxes(self) -> NDArray[np.float64]:
        """Lowest and highest corner of each feature (n, 2, 3). [m, enu]"""
        return _boxes(self.vertices, self.faces, self.starts)

    def digest(self, features: Ints | None = None) -> bytes:
        """A hash of the triangles, colours and rows of some features, or of all and what keeps them apart."""
        digest = hashlib.blake2b(digest_size=16)
        if features is None:
            arrays = (self.vertices, self.faces, self.face_feature, self.face_color, self.group)
        else:
            chosen = self._faces_of(features)
            arrays = (self.vertices[self.faces[chosen]], self.face_color[chosen], np.diff(self.starts)[features])
        for array in arrays:
            digest.update(np.ascontiguousarray(array).data)
        for name, column in self.columns.items():
            rows = column if features is None else _rows(column, features)
            digest.update(name.encode())
            digest.update(rows.tobytes() if isinstance(rows, np.ndarray) else "\0".join(rows).encode())
        return digest.digest()

    def tile(self, features: Ints, origin: NDArray[np.float64]) -> tuple[TileMesh, Columns]:
        """The triangles of some features about `origin` (3,) [m, enu], and their rows of the table."""
        chosen = self._faces_of(features)
        counts = np.diff(self.starts)[features]
        triangles = self.vertices[self.faces[chosen]] - origin  # (f, 3, 3)
        mesh = TileMesh(triangles, np.repeat(np.arange(len(features)), counts), self.face_color[chosen])
        return mesh, {name: _rows(column, features) for name, column in self.columns.items()}

    def of(self, features: Ints) -> Bodies:
        """Some of the features, in ascending order, by themselves."""
        if len(features) == len(self):
            return self
        mine = np.zeros(len(self), np.bool_)
        mine[features] = True
        return self.with_faces(mine[self.face_feature])

    def with_faces(self, kept: NDArray[np.bool_]) -> Bodies:
        """The same bodies with the faces chosen (f,); a feature left without any is left out."""
        feature = self.face_feature[kept]
        has = np.zeros(len(self), np.bool_)
        has[feature] = True
        number, present = np.cumsum(has) - 1, np.flatnonzero(has)
        columns = {name: _rows(column, present) for name, column in self.columns.items()}
        return Bodies(self.vertices, self.faces[kept], number[feature], self.face_color[kept], columns, self.group[present])

    def _faces_of(self, features: Ints) -> Ints:
        """The faces of some features, in the order of these."""
        counts = np.diff(self.starts)[features]
        start = np.repeat(self.starts[features] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
        return start + np.arange(len(start))


def bodies(vertices: NDArray[np.float64], faces: Faces, owner: Ints, color: NDArray[np.uint8], *, table: Columns, group: Ints) -> Bodies:
    """Bodies of the features that own a face; `owner` (f,) indexes the rows of `table` and `group`, in any order.

    Faces with a corner that is not finite have no place and are left out.
    """
    finite = np.asarray(np.isfinite(vertices).all(axis=1))  # (v,)
    if not finite.all():
        placed = np.asarray(finite[faces].all(axis=1))  # (f,)
        faces, owner, color = faces[placed], owner[placed], color[placed]
    order = np.argsort(owner, kind="stable")
    present, feature = np.unique(owner[order], return_inverse=True)
    columns = {name: _rows(column, present) for name, column in table.items()}
    return Bodies(vertices, faces[order], feature, color[order], columns, group[present])


def together(parts: Sequence[Bodies]) -> Bodies:
    """Bodies with the same columns as one; all are of one group."""
    if len(parts) == 1:
        return parts[0]
    vertices = np.cumsum([0, *(len(part.vertices) for part in parts)])
    features = np.cumsum([0, *(len(part) for part in parts)])
    return Bodies(
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.faces + at for part, at in zip(parts, vertices, strict=False)]).astype(np.uint32),
        np.concatenate([part.face_feature + at for part, at in zip(parts, features, strict=False)]),
        np.concatenate([part.face_color for part in parts]),
        {name: [value for part in parts for value in part.columns[name]] for name in parts[0].columns},
        np.zeros(int(features[-1]), np.int64),
    )


@numba.njit(cache=True, nogil=True)
def _boxes(vertices: NDArray[np.float64], faces: Faces, starts: Ints) -> NDArray[np.float64]:
    """Lowest and highest corner of the triangles of each feature (n, 2, 3). [m, enu]"""
    n = len(starts) - 1
    boxes = np.empty((n, 2, 3))
    for i in range(n):
        boxes[i, 0], boxes[i, 1] = np.inf, -np.inf
        for f in range(starts[i], starts[i + 1]):
            for corner in range(3):
                point = vertices[faces[f, corner]]
                for k in range(3):
                    boxes[i, 0, k] = min(boxes[i, 0, k], point[k])
                    boxes[i, 1, k] = max(boxes[i, 1, k], point[k])
    return boxes


def _rows(column: Column, rows: Ints) -> Column:
    if isinstance(column, np.ndarray):
        return column[rows]
    return [column[i] for i in rows.tolist()]
