"""An Embree shared library: its functions by name and by address, and how compiled loops reach what lies at an address."""

from __future__ import annotations

import ctypes
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic


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


call4: Any = intrinsic(_call4_code)


def _words_code(_context: Any, _address: Any) -> Any:
    """The address as a pointer to 32-bit integers."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.CPointer(types.int32)))

    return types.CPointer(types.int32)(types.int64), generate


words: Any = intrinsic(_words_code)


def _reals_code(_context: Any, _address: Any) -> Any:
    """The address as a pointer to 32-bit floats."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.CPointer(types.float32)))

    return types.CPointer(types.float32)(types.int64), generate


reals: Any = intrinsic(_reals_code)


def _longs_code(_context: Any, _address: Any) -> Any:
    """The address as a pointer to 64-bit integers."""

    def generate(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return builder.inttoptr(values[0], context.get_value_type(types.CPointer(types.int64)))

    return types.CPointer(types.int64)(types.int64), generate


longs: Any = intrinsic(_longs_code)
