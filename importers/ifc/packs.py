"""Files of a cache: parts of bytes in one file that is whole or as if it were not there, and belongs to this program as it is now."""

from __future__ import annotations

import contextlib
import hashlib
import os
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

_DIGEST, _COUNT = 16, 8
_FAST = 1
_DAMAGED = (OSError, ValueError, zlib.error)


def read_pack(path: Path, count: int) -> list[bytes] | None:
    """The `count` parts of a file that `write_pack` wrote; None where it is missing, damaged or of another program."""
    with contextlib.suppress(*_DAMAGED):
        pack = path.read_bytes()
        if pack[:_DIGEST] == _digest(pack[_DIGEST:]):
            whole = memoryview(zlib.decompress(pack[_DIGEST:]))
            lengths = [int.from_bytes(whole[k * _COUNT : (k + 1) * _COUNT], "big") for k in range(count)]
            starts = [count * _COUNT + sum(lengths[:k]) for k in range(count)]
            return [bytes(whole[start : start + length]) for start, length in zip(starts, lengths, strict=True)]
    return None


def write_pack(path: Path, parts: Sequence[bytes], most_bytes: int) -> None:
    """Write a file beside the old one and put it in its place; the oldest of its folder go where all have more than `most_bytes`.

    A full or read-only disk costs time at the next import, nothing else.
    """
    lengths = b"".join(len(part).to_bytes(_COUNT, "big") for part in parts)
    body = zlib.compress(lengths + b"".join(parts), _FAST)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(_digest(body) + body)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        _drop_oldest(path.parent, most_bytes)


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST, key=_program()).digest()


def _drop_oldest(folder: Path, most_bytes: int) -> None:
    for path in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True):
        most_bytes -= path.stat().st_size
        if most_bytes < 0:
            path.unlink(missing_ok=True)


@cache
def _program() -> bytes:
    """What made a pack: the text of this package, and the libraries that it asks."""
    digest = hashlib.blake2b("|".join(version(name) for name in ("ifcopenshell", "shapely", "numpy")).encode(), digest_size=16)
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.digest()
