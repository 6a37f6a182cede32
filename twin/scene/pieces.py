"""Obstacles cut into pieces with a digest each, so that what is prepared for a piece serves wherever it turns up again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from twin.scene import Obstacles, Piece, digest_of, with_pieces


def as_one(obstacles: Obstacles) -> Obstacles:
    """The same obstacles as one piece with a digest."""
    if not len(obstacles):
        return obstacles
    digest = digest_of(obstacles.vertices, obstacles.faces)
    return with_pieces(replace(obstacles), [Piece(0, len(obstacles.faces), 0, len(obstacles.vertices), digest)])


def cut(obstacles: Obstacles, group: NDArray[Any]) -> Obstacles:
    """The same obstacles with the faces of one group (f,) together, a piece each, in the order of the groups."""
    if not len(obstacles):
        return obstacles
    order = np.argsort(group, kind="stable")
    _, rank = np.unique(group[order], return_inverse=True)
    faces, source, begin = _own_vertices(obstacles.faces[order], rank.astype(np.int64), len(obstacles.vertices))
    vertices = obstacles.vertices[source]
    whole = replace(obstacles, vertices=vertices, faces=faces, face_object=obstacles.face_object[order])
    first = [*np.searchsorted(rank, np.arange(len(begin) - 1)).tolist(), len(order)]
    pieces: list[Piece] = []
    for k, vertex in enumerate(begin[:-1].tolist()):
        points, triangles = slice(vertex, int(begin[k + 1])), slice(first[k], first[k + 1])
        digest = digest_of(vertices[points], faces[triangles] - np.uint32(vertex))
        pieces.append(Piece(first[k], first[k + 1] - first[k], vertex, int(begin[k + 1]) - vertex, digest))
    return with_pieces(whole, pieces)


@njit(cache=True, nogil=True)
def _own_vertices(faces: NDArray[np.uint32], rank: NDArray[np.int64], n: int) -> Any:
    """Faces (f, 3) over vertices that each rank (f,), ascending, has for itself; which vertex each was; where each rank's begin."""
    stamp, number = np.full(n, -1, np.int64), np.empty(n, np.uint32)
    out, source = np.empty_like(faces), np.empty(3 * len(faces), np.int64)
    begin = np.zeros(rank[-1] + 2, np.int64)
    count = 0
    for f in range(len(faces)):
        for k in range(3):
            v = faces[f, k]
            if stamp[v] != rank[f]:
                stamp[v], number[v], source[count] = rank[f], count, v
                count += 1
            out[f, k] = number[v]
        begin[rank[f] + 1] = count
    return out, source[:count], begin
