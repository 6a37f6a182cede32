"""The triangles of a model as one blob, a shape that is used many times once.

Vertices are float32 about their own centre, which keeps a tenth of a millimetre over a kilometre at half the size. Of a repeated shape
(`twin.model.Repeats`: the importer knows them by representation and by content) there are its own vertices in float64 and one placement
a use, from which reading makes the same float32 again, to the bit: a use for which it would not is stored like everything else. The sums
are written out and not left to a matrix product, whose last bit depends on the machine. Faces count from the first vertex of their
element or shape, and what is the same in a row is written once: both make what is left easy to compress.

Blobs of older programs have everything written out; `unpack` reads both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.model import Mesh, Repeats
from twin.store import blob

_SHIFT_STEP_M = 64.0
_FORMAT = 2
_PLACEMENT_BYTES = 110  # of one use: its placement, the shape and where it begins
_Arrays = Mapping[str, Any]


def pack(mesh: Mesh) -> bytes:
    """A mesh as one blob."""
    known = mesh.vertices[np.isfinite(mesh.vertices).all(axis=1)]
    # a shift on a coarse grid is the same when what was read is packed again: copies do not drift
    shift = np.round(known.mean(0) / _SHIFT_STEP_M) * _SHIFT_STEP_M if len(known) else np.zeros(3)
    vertices = (mesh.vertices - shift).astype(np.float32)
    uses = _worth_it(_checked(mesh, vertices, shift))
    is_plain_vertex, is_plain_face = np.ones(len(vertices), bool), np.ones(len(mesh.faces), bool)
    for rows, faces in _extents(uses) if uses is not None else ():
        is_plain_vertex[rows] = False
        is_plain_face[faces] = False
    bases = _bases(mesh)
    said = {} if uses is None else _said(uses, mesh)
    optional = {} if mesh.seconds is None else {"seconds": mesh.seconds.astype(np.float32)}
    return blob.pack({
        "format": np.array(_FORMAT),
        "shift": shift,
        "counts": np.array([len(vertices), len(mesh.faces)], np.int64),
        "vertices": _planes(vertices[is_plain_vertex]),
        "faces": _planes(mesh.faces[is_plain_face] - bases[mesh.face_element[is_plain_face]][:, None]),
        "bases": bases,
        **_runs("face_element", mesh.face_element),
        **_runs("face_color", np.ascontiguousarray(mesh.face_color, np.uint8).view(np.uint32).reshape(-1)),
        "element_ids": np.frombuffer(json.dumps(list(mesh.element_ids)).encode("utf-8"), np.uint8),
        **said,
        **optional,
    })  # fmt: skip


def unpack(packed: bytes) -> Mesh:
    """The mesh in a blob made by `pack`, of this program or an older one."""
    arrays = blob.unpack(packed)
    ids = json.loads(bytes(arrays["element_ids"]).decode("utf-8"))
    if "format" not in arrays:
        return Mesh(arrays["vertices"] + arrays["shift"], arrays["faces"], arrays["face_element"], arrays["face_color"], ids)
    owner = _spread(arrays, "face_element")
    color = _spread(arrays, "face_color").view(np.uint8).reshape(-1, 4)
    uses = _heard(arrays) if "use_shape" in arrays else None
    vertices, faces = _put_together(arrays, owner, uses)
    return Mesh(vertices + arrays["shift"], faces, owner, color, ids, uses, arrays.get("seconds"))


def _checked(mesh: Mesh, vertices: NDArray[np.float32], shift: NDArray[np.float64]) -> Repeats | None:
    """The uses that come out of their shape and placement as they are, to the bit, faces included."""
    uses = mesh.repeats
    if uses is None or not len(uses.shape):
        return None
    good = np.zeros(len(uses.shape), bool)
    for shape, mine, points in _shapes(uses):
        n_faces = int(uses.sizes[shape, 1])
        rows = uses.first[mine, 0][:, None] + np.arange(len(points))
        cells = uses.first[mine, 1][:, None] + np.arange(n_faces)
        if rows.max(initial=-1) >= len(vertices) or cells.max(initial=-1) >= len(mesh.faces):
            continue
        is_same = (_placed(points, uses.matrices[mine], shift) == vertices[rows]).all(axis=(1, 2))
        own = mesh.faces[cells].astype(np.int64) - uses.first[mine, 0][:, None, None]
        model = own[0]
        is_alike = (own == model).all(axis=(1, 2)) | (own == model[:, ::-1]).all(axis=(1, 2))
        is_within = bool((model >= 0).all() and (model < len(points)).all())
        good[mine] = is_same & is_alike & is_within
    return _some(uses, good)


def _worth_it(uses: Repeats | None) -> Repeats | None:
    """The uses of shapes that take less room as a shape and placements than written out."""
    if uses is None:
        return None
    counts = np.bincount(uses.shape, minlength=len(uses.sizes))
    plain = 12.0 * uses.sizes.sum(axis=1)
    is_worth = counts * plain > counts * _PLACEMENT_BYTES + 24.0 * uses.sizes[:, 0] + 12.0 * uses.sizes[:, 1]
    kept = _some(uses, is_worth[uses.shape])
    return kept if kept is not None and len(kept.shape) else None


def _some(uses: Repeats, keep: NDArray[np.bool_]) -> Repeats | None:
    """Some of the uses, and the shapes that are left with any."""
    if not keep.any():
        return None
    left, renamed = np.unique(uses.shape[keep], return_inverse=True)
    ends = np.cumsum(uses.sizes[:, 0])
    vertices = np.concatenate([uses.vertices[end - size : end] for end, size in zip(ends[left], uses.sizes[left, 0], strict=True)])
    return Repeats(vertices, uses.sizes[left], renamed.reshape(-1), uses.first[keep], uses.matrices[keep])


def _shapes(uses: Repeats) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float64]]]:
    """Each shape's number, the numbers of its uses and its vertices (v, 3)."""
    order = np.argsort(uses.shape, kind="stable")
    counts = np.bincount(uses.shape, minlength=len(uses.sizes))
    mine = np.split(order, np.cumsum(counts)[:-1])
    points = np.split(uses.vertices, np.cumsum(uses.sizes[:, 0])[:-1])
    for shape, (some, own) in enumerate(zip(mine, points, strict=True)):
        if len(some):
            yield shape, some, own


def _extents(uses: Repeats) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The vertices and the faces of the mesh that are made of each shape, (uses, v) and (uses, f)."""
    for shape, mine, points in _shapes(uses):
        first = uses.first[mine]
        yield first[:, :1] + np.arange(len(points)), first[:, 1:] + np.arange(int(uses.sizes[shape, 1]))


def _placed(points: NDArray[np.float64], matrices: NDArray[np.float64], shift: NDArray[np.float64]) -> NDArray[np.float32]:
    """A shape's vertices (v, 3) by each placement (k, 3, 4), less `shift`: (k, v, 3). The same bits on every machine."""
    x, y, z = (points[None, :, axis] for axis in range(3))
    out = np.empty((len(matrices), len(points), 3), np.float32)
    for axis in range(3):
        a, b, c, d = (matrices[:, axis, column, None] for column in range(4))
        out[:, :, axis] = (a * x + b * y) + (c * z + (d - shift[axis]))
    return out


def _said(uses: Repeats, mesh: Mesh) -> dict[str, Any]:
    """Uses as arrays of a blob; the faces of a shape are those of its first use, and uses that turn them round are marked."""
    model: list[NDArray[np.int64]] = []
    is_turned = np.zeros(len(uses.shape), bool)
    for _, mine, _ in _shapes(uses):
        n_faces = int(uses.sizes[uses.shape[mine[0]], 1])
        own = mesh.faces[uses.first[mine, 1][:, None] + np.arange(n_faces)].astype(np.int64) - uses.first[mine, 0][:, None, None]
        model.append(own[0])
        is_turned[mine] = (own != own[0]).any(axis=(1, 2))
    return {
        "shape_vertices": uses.vertices,
        "shape_sizes": uses.sizes,
        "shape_faces": _planes(np.concatenate(model).astype(np.uint32)),
        "use_shape": uses.shape.astype(np.uint32),
        "use_first": uses.first.astype(np.uint32),
        "use_matrix": uses.matrices,
        "use_is_turned": is_turned,
    }


def _heard(arrays: _Arrays) -> Repeats:
    sizes, shape, first = (np.asarray(arrays[name], np.int64) for name in ("shape_sizes", "use_shape", "use_first"))
    return Repeats(arrays["shape_vertices"], sizes, shape, first, arrays["use_matrix"])


def _put_together(arrays: _Arrays, owner: NDArray[np.uint32], uses: Repeats | None) -> tuple[Any, NDArray[np.uint32]]:
    """Vertices (v, 3) float32 [m, from the shift] and faces (f, 3) of a blob."""
    n_vertices, n_faces = arrays["counts"].tolist()
    plain, relative = _joined(arrays["vertices"], np.float32), _joined(arrays["faces"], np.uint32)
    if uses is None:
        return plain, relative + arrays["bases"][owner][:, None]
    vertices, faces = np.empty((n_vertices, 3), np.float32), np.empty((n_faces, 3), np.uint32)
    is_plain_vertex, is_plain_face = np.ones(n_vertices, bool), np.ones(n_faces, bool)
    models = np.split(_joined(arrays["shape_faces"], np.uint32), np.cumsum(uses.sizes[:, 1])[:-1])
    for (shape, mine, points), (rows, cells) in zip(_shapes(uses), _extents(uses), strict=True):
        vertices[rows] = _placed(points, uses.matrices[mine], arrays["shift"])
        both = np.stack([models[shape], models[shape][:, ::-1]])
        faces[cells] = both[arrays["use_is_turned"][mine].astype(np.int64)] + uses.first[mine, 0].astype(np.uint32)[:, None, None]
        is_plain_vertex[rows] = False
        is_plain_face[cells] = False
    vertices[is_plain_vertex] = plain
    faces[is_plain_face] = relative + arrays["bases"][owner[is_plain_face]][:, None]
    return vertices, faces


def _bases(mesh: Mesh) -> NDArray[np.uint32]:
    """The lowest vertex that each element's faces name (elements,)."""
    count = int(mesh.face_element.max(initial=0)) + 1
    lowest = np.full(max(count, len(mesh.element_ids)), np.iinfo(np.uint32).max, np.uint32)
    if len(mesh.faces):
        np.minimum.at(lowest, mesh.face_element, mesh.faces.min(axis=1).astype(np.uint32))
    return np.where(lowest == np.iinfo(np.uint32).max, 0, lowest).astype(np.uint32)


def _runs(name: str, values: NDArray[np.uint32]) -> dict[str, Any]:
    """Values (n,) as those that differ from the one before, and how often each comes."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]])) if len(values) else np.empty(0, np.int64)
    return {name: values[starts], f"{name}_times": np.diff(np.append(starts, len(values))).astype(np.uint32)}


def _spread(arrays: _Arrays, name: str) -> NDArray[np.uint32]:
    return np.repeat(arrays[name], arrays[f"{name}_times"])


def _planes(values: NDArray[Any]) -> NDArray[np.uint8]:
    """Rows of three 32-bit numbers, their first bytes together, then the second, …: they compress better so."""
    return np.ascontiguousarray(np.ascontiguousarray(values).view(np.uint8).reshape(-1, 12).T)


def _joined(planes: NDArray[np.uint8], kind: Any) -> NDArray[Any]:
    return np.ascontiguousarray(planes.T).view(kind).reshape(-1, 3)
