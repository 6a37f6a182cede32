"""The triangles of the children's parts, put together: products in the model's frame, metres, float64 throughout."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from importers.ifc.parts import Instance, Shape
from twin.model import Repeats

Points = NDArray[np.float64]  # (n, 3)
_SAME_M = 0.01


@dataclass(frozen=True)
class Body:
    """One product's triangles: the kernel, how far its box was off what was expected [m], its shapes and their placements.

    `seconds` is what all kernels together took for it; the first of several products of one shape has the time of all.
    """

    kernel: str
    off_m: float
    is_confirmed: bool  # an earlier kernel built the same box
    uses: Sequence[tuple[Shape, NDArray[np.float64]]]
    seconds: float = 0.0

    def points(self) -> Points:
        """Vertices (v, 3). [m, model]"""
        return np.concatenate([_placed(shape, matrix) for shape, matrix in self.uses])

    def faces(self) -> NDArray[np.int64]:
        """Triangles (f, 3) of `points`."""
        offsets = np.cumsum([0, *(len(shape.vertices) for shape, _ in self.uses)])
        return np.concatenate([shape.faces.astype(np.int64) + offset for (shape, _), offset in zip(self.uses, offsets, strict=False)])

    def box(self) -> NDArray[np.float64]:
        """Lowest and highest corner (2, 3). [m, model]"""
        points = self.points()
        return np.stack([points.min(axis=0), points.max(axis=0)])


@dataclass(frozen=True)
class Merged:
    """All triangles of many products, in the order given; a colour is NaN where the file has none."""

    vertices: Points  # (v, 3) [m, model], products one after the other
    faces: NDArray[np.uint32]  # (f, 3)
    owner: NDArray[np.uint32]  # (f,) which product
    colors: NDArray[np.float32]  # (f, 4) 0..1
    counts: NDArray[np.int64]  # (products,) vertices of each
    uses: Sequence[Use] = ()  # what it is made of, in order


@dataclass(frozen=True)
class Use:
    """One shape in its place: (4, 4) placement in the model, and the vertex and face of the merged mesh with which it begins."""

    shape: Shape
    matrix: NDArray[np.float64]
    first: tuple[int, int]


def bodies(instances: Iterable[Instance]) -> dict[int, Body]:
    """Step id -> body. Where a product was built twice, the later kernel's body counts; a shape used twice in one place counts once."""
    found: dict[int, Body] = {}
    for item in instances:
        before = found.get(item.product)
        use = (item.shape, item.matrix)
        if before is None:
            found[item.product] = Body(item.kernel, item.off_m, False, [use], item.seconds)
        elif before.kernel != item.kernel:
            body = Body(item.kernel, item.off_m, False, [use], before.seconds + item.seconds)
            found[item.product] = replace(body, is_confirmed=bool(np.abs(body.box() - before.box()).max() < _SAME_M))
        elif not any(_is_same(shape, item.shape) and np.array_equal(matrix, item.matrix) for shape, matrix in before.uses):
            found[item.product] = replace(before, off_m=max(before.off_m, item.off_m), uses=[*before.uses, use])
    return found


def _is_same(one: Shape, other: Shape) -> bool:
    return one is other or (np.array_equal(one.vertices, other.vertices) and np.array_equal(one.faces, other.faces))


def merged(products: Sequence[Body]) -> Merged:
    """One mesh of many products; every shape faces outwards."""
    uses = [(owner, shape, matrix) for owner, body in enumerate(products) for shape, matrix in body.uses]
    points = [_placed(shape, matrix) for _, shape, matrix in uses]
    sizes = np.array([len(part) for part in points], np.int64)
    starts = np.cumsum(sizes) - sizes
    n_faces = np.array([len(shape.faces) for _, shape, _ in uses], np.int64)
    faces = np.concatenate([np.empty((0, 3), np.uint32), *(use[1].faces.astype(np.uint32) for use in uses)])
    faces += np.repeat(starts, n_faces).astype(np.uint32)[:, None]
    vertices = np.concatenate([np.empty((0, 3)), *points])
    owner = np.array([use[0] for use in uses], np.uint32)
    firsts = zip(starts.tolist(), (np.cumsum(n_faces) - n_faces).tolist(), strict=True)
    return Merged(
        vertices,
        _outwards(vertices, faces, np.repeat(np.arange(len(uses)), n_faces), starts),
        np.repeat(owner, n_faces),
        np.concatenate([np.empty((0, 4), np.float32), *(use[1].colors for use in uses)]),
        np.bincount(owner, weights=sizes, minlength=len(products)).astype(np.int64),
        [Use(shape, matrix, first) for (_, shape, matrix), first in zip(uses, firsts, strict=True)],
    )


def repeated(uses: Sequence[Use], turn: NDArray[np.float64], shift: NDArray[np.float64]) -> Repeats | None:
    """The shapes that are used more than once, and their placements moved on by `turn` (3, 3) and then `shift` (3,).

    Shapes of one representation are one already; those that are the same to the bit without being told so are found by a hash.
    """
    names = {id(use.shape): _content(use.shape) for use in uses}
    counts = Counter(names[id(use.shape)] for use in uses)
    kept = [use for use in uses if counts[names[id(use.shape)]] > 1]
    if not kept:
        return None
    shapes = {names[id(use.shape)]: use.shape for use in reversed(kept)}
    numbers = {name: k for k, name in enumerate(shapes)}
    matrices = turn @ np.array([use.matrix[:3] for use in kept])
    matrices[:, :, 3] += shift
    return Repeats(
        np.concatenate([shape.vertices for shape in shapes.values()]),
        np.array([[len(shape.vertices), len(shape.faces)] for shape in shapes.values()], np.int64),
        np.array([numbers[names[id(use.shape)]] for use in kept], np.int64),
        np.array([use.first for use in kept], np.int64),
        matrices,
    )


def _content(shape: Shape) -> bytes:
    """The same for shapes of the same vertices and faces, to the bit."""
    digest = hashlib.blake2b(np.ascontiguousarray(shape.vertices).data, digest_size=16)
    digest.update(np.ascontiguousarray(shape.faces).data)
    return digest.digest()


def _outwards(vertices: Points, faces: NDArray[np.uint32], use: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Faces (f, 3), turned round in shapes that hold a negative volume: mirrored copies, shells written inside out."""
    if not len(faces):
        return faces
    corners = vertices[faces] - vertices[starts[use]][:, None, :]  # (f, 3, 3) from each shape's first corner
    volume = np.bincount(use, weights=np.linalg.det(corners))  # six times
    return np.where((volume < 0.0)[use][:, None], faces[:, ::-1], faces)


def boxes(vertices: Points, counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Lowest and highest corner of each product (products, 2, 3), of vertices (v, 3) that follow one another by `counts`."""
    if not len(counts):
        return np.empty((0, 2, 3))
    starts = np.cumsum(counts) - counts
    return np.stack([np.minimum.reduceat(vertices, starts), np.maximum.reduceat(vertices, starts)], axis=1)


def _placed(shape: Shape, matrix: NDArray[np.float64]) -> Points:
    return shape.vertices @ matrix[:3, :3].T + matrix[:3, 3]
