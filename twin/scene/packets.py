"""Segments shot at an Embree scene in packets of 16, in loops that numba compiles and that do not hold the interpreter.

Functions of the library are reached by address, passed in as numbers, so that the compiled loops can be kept on disk.
Layouts follow Embree 4: a packet of 16 rays is twelve rows of sixteen (origin x y z, near, direction x y z, time, far, mask, id,
flags), a hit nine more (normal x y z, u, v, primitive, geometry, instance, instance primitive).
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import cfunc, njit, types
from numpy.typing import NDArray

from twin.scene.native import Library, call4, longs, reals, words

RAYS = 16
ROOM = 32  # crossings a segment that there is room for at first; where it is not enough, all are shot again with enough

Hits = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]  # place in the order, face, t (k,)
Job = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]  # origins, targets (n, 3), centre (3,), free ends [m]


@njit(nogil=True, cache=True, inline="always")
def _aligned(rows: int) -> Any:
    """`rows` x 16 floats on a 64-byte border, which Embree's wide loads need."""
    room = np.empty(rows * RAYS + 16, np.float32)
    skip = ((64 - (room.ctypes.data & 63)) & 63) >> 2
    return room[skip : skip + rows * RAYS]


@njit(nogil=True, cache=True, inline="always")
def _fill(ray: Any, lanes: Any, valid: Any, job: Any, order: Any, first: int) -> None:
    """Segments `order[first]` and the 15 after it into a packet; lanes without a segment, and those whose ends are not known, are off.

    A ray goes from its origin by the whole way to its target, so that far is 1 at the target; both ends are `free` [m] short.
    """
    origins, targets, centre, free = job
    for k in range(RAYS):
        place = first + k
        i = order[min(place, len(order) - 1)]
        x, y, z = origins[i, 0], origins[i, 1], origins[i, 2]
        a, b, c = targets[i, 0] - x, targets[i, 1] - y, targets[i, 2] - z
        square = a * a + b * b + c * c
        short = free / max(math.sqrt(square), 1e-9)
        ray[k], ray[16 + k], ray[32 + k], ray[48 + k] = x - centre[0], y - centre[1], z - centre[2], short
        ray[64 + k], ray[80 + k], ray[96 + k], ray[112 + k] = a, b, c, 0.0
        ray[128 + k] = 1.0 - short
        lanes[144 + k], lanes[160 + k], lanes[176 + k] = -1, place, 0
        valid[k] = -1 if place < len(order) and math.isfinite(square) else 0


@njit(nogil=True, cache=True)
def occluded(function: int, scene: int, job: Job, order: NDArray[np.int32], out: NDArray[np.bool_]) -> None:
    """Fill `out` at the segments in `order`: whether anything lies in between, True where an end is not a number."""
    ray, valid = _aligned(12), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, len(order), RAYS):
        _fill(ray, lanes, valid, job, order, first)
        call4(function, valid.ctypes.data, scene, ray.ctypes.data, 0)
        for k in range(min(RAYS, len(order) - first)):
            out[order[first + k]] = ray[128 + k] < 0 or valid[k] == 0  # Embree sets far to -inf where something was hit


@njit(nogil=True, cache=True)
def first_hit(
    function: int,
    scene: int,
    job: Job,
    order: NDArray[np.int32],
    base: NDArray[np.int32],
    out: tuple[NDArray[np.int64], NDArray[np.float64]],
) -> None:
    """Fill `out`, face (n,), -1 for none, and t (n,), at the segments in `order`; `base` is where the faces of each instance begin."""
    face, t = out
    ray, valid = _aligned(21), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, len(order), RAYS):
        _fill(ray, lanes, valid, job, order, first)
        for k in range(RAYS):
            lanes[272 + k], lanes[288 + k], lanes[304 + k], lanes[320 + k] = -1, -1, -1, -1
        call4(function, valid.ctypes.data, scene, ray.ctypes.data, 0)
        for k in range(min(RAYS, len(order) - first)):
            i, is_hit = order[first + k], lanes[288 + k] != -1
            face[i] = base[lanes[304 + k] + 1] + lanes[272 + k] if is_hit else -1
            t[i] = ray[128 + k] if is_hit else 1.0


def collect(library: Library, scene: int, job: Job, order: NDArray[np.int32], base: NDArray[np.int32]) -> Hits:
    """Every hit of the segments in `order`, in no order of its own."""
    room = ROOM * len(order)
    while True:
        hits = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room, np.float32)
        # RTCRayQueryContext (instance ids) followed by what the filter needs
        context = np.array([-1, 0, room, *(column.ctypes.data for column in hits), base.ctypes.data], np.int64)
        # RTCOccludedArguments: flags and feature mask, context, filter, occluded function
        invoke_filter, all_features = 1 << 1, 0xFFFFFFFF
        arguments = np.array([invoke_filter | all_features << 32, context.ctypes.data, _keep_all().address, 0], np.uint64)
        _shoot(library.occluded16, scene, job, order, arguments.ctypes.data)
        count = int(context[1])
        if count <= room:
            return hits[0][:count], hits[1][:count], hits[2][:count]
        room = count


@njit(nogil=True, cache=True)
def _shoot(function: int, scene: int, job: Job, order: NDArray[np.int32], arguments: int) -> None:
    ray, valid = _aligned(12), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, len(order), RAYS):
        _fill(ray, lanes, valid, job, order, first)
        call4(function, valid.ctypes.data, scene, ray.ctypes.data, arguments)


@cache
def _keep_all() -> Any:
    """Embree's occlusion filter that writes every hit down and refuses it, so that the ray goes on."""

    @cfunc(types.void(types.CPointer(types.int64)), cache=True)
    def keep(arguments: Any) -> None:  # valid*, user data*, context*, ray*, hit*, N
        valid, context, lanes, ts, hit = (
            words(arguments[0]), longs(arguments[2]), words(arguments[3]), reals(arguments[3]), words(arguments[4]),
        )  # fmt: skip
        width = arguments[5] & 0xFFFFFFFF
        count, room = context[1], context[2]
        place, face, t, base = words(context[3]), words(context[4]), reals(context[5]), words(context[6])
        for k in range(width):
            if valid[k] != 0:
                if count < room:
                    place[count] = lanes[10 * width + k]
                    face[count] = base[hit[7 * width + k] + 1] + hit[5 * width + k]
                    t[count] = ts[8 * width + k]
                count += 1
                valid[k] = 0
        context[1] = count

    return keep


@njit(nogil=True, cache=True)
def laid_out(hits: Hits, order: NDArray[np.int32], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Segment, face and t (k,) of all hits of n segments, by segment, t and face."""
    start = np.zeros(n + 1, np.int64)
    count_hits(hits[0], order, start)
    for i in range(n):
        start[i + 1] += start[i]
    out = np.empty(start[n], np.int64), np.empty(start[n], np.int64), np.empty(start[n], np.float64)
    lay_out(hits, order, start, np.zeros(n, np.int32), out)
    return out


@njit(nogil=True, cache=True)
def count_hits(place: NDArray[np.int32], order: NDArray[np.int32], count: NDArray[np.int64]) -> None:
    """Add the hits of each segment to count (n + 1,), one further on, so that its running sum says where each begins."""
    for k in range(len(place)):
        count[order[place[k]] + 1] += 1


@njit(nogil=True, cache=True)
def lay_out(
    hits: Hits,
    order: NDArray[np.int32],
    start: NDArray[np.int64],
    filled: NDArray[np.int32],
    out: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
) -> None:
    """Put the hits of the segments in `order` into their places in `out` (segment, face, t), each segment's by t and face.

    `start` (n + 1,) is where the hits of each segment begin, `filled` (n,) how many of them are there, zero at first.
    """
    place, face, t = hits
    out_segment, out_face, out_t = out
    for k in range(len(place)):
        i = order[place[k]]
        begin = start[i]
        at = begin + filled[i]
        while at > begin and (out_t[at - 1] > t[k] or (out_t[at - 1] == t[k] and out_face[at - 1] > face[k])):
            out_t[at], out_face[at] = out_t[at - 1], out_face[at - 1]
            at -= 1
        out_t[at], out_face[at] = t[k], face[k]
        out_segment[begin + filled[i]] = i
        filled[i] += 1
