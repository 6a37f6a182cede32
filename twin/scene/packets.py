"""Embree's packet functions called from numba.

Functions of the library are reached by address, passed in as numbers, so that the compiled loops can be kept on disk.
Layouts follow Embree 4: a packet of 16 rays is twelve rows of sixteen (origin x y z, near, direction x y z, time, far, mask, id,
flags), a hit nine more (normal x y z, u, v, primitive, geometry, instance, instance primitive).
"""

from __future__ import annotations

import ctypes
import math
from functools import cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import cfunc, njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray

RAYS = 16
ROOM = 32  # crossings kept per segment before it is shot again with more room


class Library:
    """An Embree shared library: its functions by name, and the addresses the loops call."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self.occluded16 = self.address("rtcOccluded16")
        self.intersect16 = self.address("rtcIntersect16")

    def address(self, name: str) -> int:
        """Where the function lies in memory."""
        return int(ctypes.cast(getattr(self._library, name), ctypes.c_void_p).value or 0)

    def call(self, name: str, result: Any, *arguments: Any) -> Any:
        """Call a function by name with ctypes arguments; pointers come back as c_void_p."""
        function = ctypes.CFUNCTYPE(result, *(_ctype(value) for value in arguments))(self.address(name))
        value = function(*arguments)
        return ctypes.c_void_p(value) if result is ctypes.c_void_p else value


def _ctype(value: Any) -> Any:
    return ctypes.c_void_p if value is None else type(value)


def _call4_code(_context: Any, _function: Any, _a: Any, _b: Any, _c: Any, _d: Any) -> Any:
    """void (*function)(a, b, c, d), all given as addresses."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(ir.VoidType(), [word] * 4)
        builder.call(builder.inttoptr(values[0], kind.as_pointer()), values[1:])
        return ir.Constant(ir.IntType(8), 0)

    return types.uint8(types.int64, types.int64, types.int64, types.int64, types.int64), generate


_call4: Any = intrinsic(_call4_code)


def _words_code(_context: Any, _address: Any) -> Any:
    """The address as a pointer to 32-bit integers."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.CPointer(types.int32)))

    return types.CPointer(types.int32)(types.int64), generate


_words: Any = intrinsic(_words_code)


def _reals_code(_context: Any, _address: Any) -> Any:
    """The address as a pointer to 32-bit floats."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.CPointer(types.float32)))

    return types.CPointer(types.float32)(types.int64), generate


_reals: Any = intrinsic(_reals_code)


def _long_code(_context: Any, _address: Any, _index: Any) -> Any:
    """The 64-bit integer number `index` of the array at the address."""

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        pointer = builder.inttoptr(values[0], ir.IntType(64).as_pointer())
        return builder.load(builder.gep(pointer, [values[1]]))

    return types.int64(types.int64, types.int64), generate


_long: Any = intrinsic(_long_code)


@njit(nogil=True, cache=True, inline="always")
def _aligned(rows: int) -> Any:
    """`rows` x 16 floats on a 64-byte border, which Embree's wide loads need."""
    room = np.empty(rows * RAYS + 16, np.float32)
    skip = ((64 - (room.ctypes.data & 63)) & 63) >> 2
    return room[skip : skip + rows * RAYS]


@njit(nogil=True, cache=True, inline="always")
def _fill(ray: Any, lanes: Any, valid: Any, job: Any, first: int, count: int) -> None:
    """Rays `first` .. `first + count` of the job into a packet; idle lanes are switched off."""
    start, way, part = job
    for k in range(RAYS):
        if k >= count:
            valid[k] = 0
            continue
        i = first + k
        valid[k] = -1
        ray[k], ray[16 + k], ray[32 + k], ray[48 + k] = start[i, 0], start[i, 1], start[i, 2], part[i, 0]
        ray[64 + k], ray[80 + k], ray[96 + k], ray[112 + k] = way[i, 0], way[i, 1], way[i, 2], 0.0
        ray[128 + k] = part[i, 1]
        lanes[144 + k], lanes[160 + k], lanes[176 + k] = -1, i, 0


@njit(nogil=True, cache=True)
def localised(origins: NDArray[np.float64], targets: NDArray[np.float64], centre: NDArray[np.float64], free: float) -> Any:
    """Origins, directions (n, 3) and the part of each direction (n, 2) that is `free` [m] short at both ends, about a centre."""
    n = len(origins)
    start, way, part = np.empty((n, 3), np.float32), np.empty((n, 3), np.float32), np.empty((n, 2), np.float32)
    for i in range(n):
        square = 0.0
        for k in range(3):
            start[i, k], way[i, k] = origins[i, k] - centre[k], targets[i, k] - origins[i, k]
            square += (targets[i, k] - origins[i, k]) ** 2
        short = free / max(math.sqrt(square), 1e-9)
        part[i, 0], part[i, 1] = short, 1.0 - short
    return start, way, part


@njit(nogil=True, cache=True)
def occluded(
    function: int, scene: int, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32], out: NDArray[np.bool_]
) -> None:
    """Fill `out` (n,): whether anything lies on start + t·way for t inside part (n, 2)."""
    n = len(start)
    ray, valid = _aligned(12), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, n, RAYS):
        count = min(RAYS, n - first)
        _fill(ray, lanes, valid, (start, way, part), first, count)
        _call4(function, valid.ctypes.data, scene, ray.ctypes.data, 0)
        for k in range(count):
            out[first + k] = ray[128 + k] < 0  # Embree sets far to -inf where something was hit


@njit(nogil=True, cache=True)
def first_hit(
    function: int, scene: int, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The first face (n,), -1 for none, and its t (n,)."""
    n = len(start)
    face, t = np.empty(n, np.int64), np.empty(n, np.float64)
    ray, valid = _aligned(21), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, n, RAYS):
        count = min(RAYS, n - first)
        _fill(ray, lanes, valid, (start, way, part), first, count)
        for k in range(RAYS):
            lanes[272 + k], lanes[288 + k], lanes[304 + k] = -1, -1, -1
        _call4(function, valid.ctypes.data, scene, ray.ctypes.data, 0)
        for k in range(count):
            hit = lanes[288 + k] != -1
            face[first + k] = np.int64(lanes[272 + k]) if hit else -1
            t[first + k] = np.float64(ray[128 + k]) if hit else 1.0
    return face, t


def crossings(
    library: Library, scene: int, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Segment, face and t (k,) of every hit, by segment and t; segments that overflow their room are shot again with enough."""
    count, face, t = _collect(library, scene, (start, way, part), ROOM)
    if len(count) and count.max() > ROOM:
        many = np.flatnonzero(count > ROOM)
        few = np.flatnonzero(count <= ROOM)
        rest = crossings_in(_collect(library, scene, (start[many], way[many], part[many]), int(count.max())))
        most = crossings_in((count[few], face[few], t[few]))
        segment = np.concatenate([few[most[0]], many[rest[0]]])
        order = np.argsort(segment, kind="stable")
        return segment[order], np.concatenate([most[1], rest[1]])[order], np.concatenate([most[2], rest[2]])[order]
    return crossings_in((count, face, t))


@njit(nogil=True, cache=True)
def crossings_in(found: tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]) -> Any:
    """Segment, face and t (k,) of what was found for n segments: count (n,), face and t (n, room), each sorted by t."""
    count, face, t = found
    total = count.sum()
    out_segment, out_face, out_t = np.empty(total, np.int64), np.empty(total, np.int64), np.empty(total, np.float64)
    first = 0
    for i in range(len(count)):
        for k in range(count[i]):
            place = first + k
            while place > first and out_t[place - 1] > t[i, k]:
                out_t[place], out_face[place] = out_t[place - 1], out_face[place - 1]
                place -= 1
            out_t[place], out_face[place] = t[i, k], face[i, k]
            out_segment[first + k] = i
        first += count[i]
    return out_segment, out_face, out_t


def _collect(
    library: Library, scene: int, job: tuple[NDArray[np.float32], ...], room: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    n = len(job[0])
    count, face, t = np.zeros(n, np.int32), np.empty((n, room), np.int32), np.empty((n, room), np.float32)
    # RTCRayQueryContext (instance ids) followed by what the filter needs
    context = np.array([-1, count.ctypes.data, face.ctypes.data, t.ctypes.data, room], np.int64)
    # RTCOccludedArguments: flags and feature mask, context, filter, occluded function
    invoke_filter, all_features = 1 << 1, 0xFFFFFFFF
    arguments = np.array([invoke_filter | all_features << 32, context.ctypes.data, _keep_all().address, 0], np.uint64)
    _shoot(library.occluded16, scene, job[0], job[1], job[2], arguments.ctypes.data)
    return count, face, t


@njit(nogil=True, cache=True)
def _shoot(
    function: int, scene: int, start: NDArray[np.float32], way: NDArray[np.float32], part: NDArray[np.float32], arguments: int
) -> None:
    ray, valid = _aligned(12), _aligned(1).view(np.int32)
    lanes = ray.view(np.int32)
    for first in range(0, len(start), RAYS):
        _fill(ray, lanes, valid, (start, way, part), first, min(RAYS, len(start) - first))
        _call4(function, valid.ctypes.data, scene, ray.ctypes.data, arguments)


@cache
def _keep_all() -> Any:
    """Embree's occlusion filter that writes every hit down and refuses it, so that the ray goes on."""

    @cfunc(types.void(types.CPointer(types.int64)), cache=True)
    def keep(arguments: Any) -> None:  # valid*, user data*, context*, ray*, hit*, N
        valid, context, lanes, reals, hit = (
            _words(arguments[0]), arguments[2], _words(arguments[3]), _reals(arguments[3]), _words(arguments[4]),
        )  # fmt: skip
        width = arguments[5] & 0xFFFFFFFF
        count, face, t = _words(_long(context, 1)), _words(_long(context, 2)), _reals(_long(context, 3))
        room = _long(context, 4)
        for k in range(width):
            if valid[k] != 0:
                segment = lanes[10 * width + k]
                n = count[segment]
                if n < room:
                    face[segment * room + n] = hit[5 * width + k]
                    t[segment * room + n] = reals[8 * width + k]
                count[segment] = n + 1
                valid[k] = 0

    return keep
