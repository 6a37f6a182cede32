"""Embree's side of obstacles: a tree over the triangles of each piece, kept by digest, and one over the pieces.

                     scene
               /       |        \\            a tree over boxes, made anew in a millisecond
          instance  instance  instance       where each body lies
             |         |         |
           body      body      body          a tree over triangles each, kept as long as somebody needs it or there is room

A body is built about a place of its own, so that it is the same wherever the rest of the scene lies. Adding an obstacle, taking a model
away or opening the doors builds what is new and the tree over the pieces; the rest is used again.
"""

from __future__ import annotations

import ctypes
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from threading import Lock
from typing import Any
from weakref import WeakValueDictionary, finalize

import numpy as np
from numpy.typing import NDArray

from twin.scene import Obstacles, Piece, pieces_of
from twin.scene.native import Library

MOST_KEPT = 8_000_000  # triangles of bodies that nobody needs at the moment
FARTHEST_M = 1e7  # a vertex beyond is a mistake, and its triangles are in nobody's way

_FLOAT3, _UINT3, _FLOAT3X4 = 0x9003, 0x5003, 0x9234  # RTC_FORMAT_FLOAT3, RTC_FORMAT_UINT3, RTC_FORMAT_FLOAT3X4_COLUMN_MAJOR
_INDEX, _VERTEX = 0, 1  # RTC_BUFFER_TYPE_INDEX, RTC_BUFFER_TYPE_VERTEX
_TRIANGLES, _INSTANCE = 0, 121  # RTC_GEOMETRY_TYPE_TRIANGLE, RTC_GEOMETRY_TYPE_INSTANCE
_ROBUST = 1 << 2  # RTC_SCENE_FLAG_ROBUST: no ray slips between two triangles that share an edge

_alive: WeakValueDictionary[str, Body] = WeakValueDictionary()
_recent: OrderedDict[str, Body] = OrderedDict()
_lock = Lock()


class Body:
    """The triangles of one piece as an Embree scene about an anchor of whole metres."""

    def __init__(self, library: Library, vertices: NDArray[np.float64], faces: NDArray[np.uint32]) -> None:
        self._library = library
        self.anchor = np.round(_middle(vertices))
        self.triangles = len(faces)
        self._vertices = np.zeros((len(vertices) + 1, 3), np.float32)  # Embree reads 16 bytes at the last vertex
        self._vertices[:-1] = np.where(np.abs(vertices) < FARTHEST_M, vertices - self.anchor, np.nan)
        self._faces = np.ascontiguousarray(faces, np.uint32)
        self.scene = library.call("rtcNewScene", ctypes.c_void_p, _device(library))
        library.call("rtcSetSceneFlags", None, self.scene, ctypes.c_int(_ROBUST))
        geometry = library.call("rtcNewGeometry", ctypes.c_void_p, _device(library), ctypes.c_int(_TRIANGLES))
        self._share(geometry, _VERTEX, _FLOAT3, self._vertices, len(vertices))
        self._share(geometry, _INDEX, _UINT3, self._faces, len(faces))
        _attach(library, self.scene, geometry)
        library.call("rtcCommitScene", None, self.scene)
        _released_with(self, library, self.scene)

    def _share(self, geometry: Any, slot: int, layout: int, array: NDArray[Any], count: int) -> None:
        self._library.call(
            "rtcSetSharedGeometryBuffer", None, geometry, ctypes.c_int(slot), ctypes.c_uint(0), ctypes.c_int(layout),
            ctypes.c_void_p(array.ctypes.data), ctypes.c_size_t(0), ctypes.c_size_t(12), ctypes.c_size_t(count),
        )  # fmt: skip


class Stand:
    """The bodies of obstacles where they stand, as one Embree scene about a centre of whole metres."""

    def __init__(self, library: Library, obstacles: Obstacles) -> None:
        self._library = library
        pieces = pieces_of(obstacles)
        self.bodies = [body_of(library, obstacles, piece) for piece in pieces]
        anchors = np.array([body.anchor for body in self.bodies])
        self.centre = np.round((anchors.min(axis=0) + anchors.max(axis=0)) / 2)
        # where the faces of each instance begin, after the place of those that are no instance
        self.base = np.array([0, *(piece.face for piece in pieces)], np.int32)
        self.scene = self.bodies[0].scene  # a single body is a scene already
        if len(pieces) > 1:
            self.scene = self._assembled(anchors)
            _released_with(self, library, self.scene)

    def _assembled(self, anchors: NDArray[np.float64]) -> Any:
        library = self._library
        scene = library.call("rtcNewScene", ctypes.c_void_p, _device(library))
        library.call("rtcSetSceneFlags", None, scene, ctypes.c_int(_ROBUST))
        for body, anchor in zip(self.bodies, anchors, strict=True):
            geometry = library.call("rtcNewGeometry", ctypes.c_void_p, _device(library), ctypes.c_int(_INSTANCE))
            library.call("rtcSetGeometryInstancedScene", None, geometry, body.scene)
            place = (ctypes.c_float * 12)(1, 0, 0, 0, 1, 0, 0, 0, 1, *(anchor - self.centre).tolist())
            library.call(
                "rtcSetGeometryTransform", None, geometry, ctypes.c_uint(0), ctypes.c_int(_FLOAT3X4),
                ctypes.c_void_p(ctypes.addressof(place)),
            )  # fmt: skip
            _attach(library, scene, geometry)
        library.call("rtcCommitScene", None, scene)
        return scene


def body_of(library: Library, obstacles: Obstacles, piece: Piece) -> Body:
    """The body of a piece: the one that is there, or a new one."""
    with _lock:
        body = _alive.get(piece.digest) if piece.digest else None
    if body is None:
        vertices = obstacles.vertices[piece.vertex : piece.vertex + piece.vertices]
        body = Body(library, vertices, obstacles.faces[piece.face : piece.face + piece.faces] - np.uint32(piece.vertex))
    if piece.digest:
        _keep(piece.digest, body)
    return body


def _keep(digest: str, body: Body) -> None:
    with _lock:
        _alive[digest] = _recent[digest] = body
        _recent.move_to_end(digest)
        surplus = sum(kept.triangles for kept in _recent.values()) - MOST_KEPT
        gone: Sequence[Body] = ()
        while surplus > 0:
            _, least = _recent.popitem(last=False)
            surplus -= least.triangles
            gone = (*gone, least)  # released after the lock


@cache
def _device(library: Library) -> Any:
    """The one device of all scenes."""
    return library.call("rtcNewDevice", ctypes.c_void_p, None)


def _released_with(owner: Body | Stand, library: Library, scene: Any) -> None:
    """Let go of an Embree scene when its owner goes; at the end of the program everything goes by itself."""
    finalize(owner, library.call, "rtcReleaseScene", None, scene).atexit = False


def _attach(library: Library, scene: Any, geometry: Any) -> None:
    library.call("rtcCommitGeometry", None, geometry)
    library.call("rtcAttachGeometry", ctypes.c_uint, scene, geometry)
    library.call("rtcReleaseGeometry", None, geometry)


def _middle(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Middle (3,) of the box round the vertices that are where anything can be."""
    sound = (np.abs(vertices) < FARTHEST_M).all(axis=1)
    if not sound.any():
        return np.zeros(3)
    return (vertices[sound].min(axis=0) + vertices[sound].max(axis=0)) / 2
