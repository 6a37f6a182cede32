"""Bodies of earlier imports, kept so that a new version of a file builds only what changed (see `fingerprint`).

One pack a file in the park's cache folder: whatever is missing, damaged or of another version is as if it were not there, and the folder
may be emptied at any time. A pack is written beside the old one and put in its place when it is whole; its bytes carry their hash.
"""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from importers.ifc import contentcache
from importers.ifc.contentkey import Fingerprint, saying
from importers.ifc.fingerprint import Key, keys
from importers.ifc.kernels import BOX
from importers.ifc.parts import Instance, Shape
from importers.ifc.process import Known
from importers.ifc.steptext import read_statements

_FOLDER = "ifc-bodies"
_MOST_BYTES = 1 << 30  # of all packs together; the oldest go first
_LOOKED_AT = 8  # packs, the newest: a new version may come under another name
_KEY, _PLACE = 16, 8
_Arrays = dict[str, NDArray[Any]]
_DAMAGED = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile)


@dataclass
class BodyCache:
    """The bodies known of one file; `keys` are empty and nothing is known where there is no cache.

    Between `look_up` and `instances` only their names are in memory: the children need the room.
    """

    folder: Path | None
    name: str
    keys: Mapping[int, Key] = field(default_factory=dict[int, Key])
    _pack: IO[bytes] | None = None
    _bodies: frozenset[bytes] = frozenset()
    _places: frozenset[bytes] = frozenset()
    _known: Known = field(default_factory=Known)
    _said: Fingerprint | None = None

    def close(self) -> None:
        """Let go of the pack."""
        if self._pack is not None:
            self._pack.close()

    def look_up(self, path: Path, into: Path) -> Known:
        """Which products of a STEP file need not be built; the file's content comes to lie in the folder `into` if it is known."""
        if self.folder is None:
            return self._known
        text = read_statements(path)
        if text is not None:
            self.keys = keys(text)
            said = saying(text)
            self._said = said.fingerprint if said is not None else None
            if said is not None:
                contentcache.take(self.folder, said, path, into)
        del text
        _give_back()
        self._pack = _best(self.folder / _FOLDER, {key.body for key in self.keys.values()})
        arrays = _read(self._pack) if self._pack is not None else None
        if arrays is not None:
            self._bodies = frozenset(bytes(key) for key in arrays["bodies"])
            self._places = frozenset(bytes(key) for key in arrays["places"])
        hits = [(step, key) for step, key in self.keys.items() if key.body in self._bodies and key.place]
        same = [step for step, key in hits if key.place in self._places]
        self._known = Known(same, [step for step, key in hits if key.place not in self._places])
        del arrays
        _give_back()
        return self._known

    def instances(self, places: Path) -> Iterator[Instance]:
        """The bodies that were not built anew; `places` is where the child wrote those of the moved ones."""
        arrays = _read(self._pack) if self._pack is not None else None
        if arrays is None:
            return
        rows, matrices = _unpacked(arrays)
        moved = _moved(places) if self._known.moved else {}
        for step in (*self._known.same, *self._known.moved):
            key = self.keys[step]
            matrix = moved.get(step, matrices.get(key.place))
            if matrix is not None:
                yield from (Instance(step, shape, matrix, kernel, off) for shape, kernel, off in rows[key.body])

    def keep(self, built: Sequence[Instance], written: Path, content: Mapping[str, Any]) -> None:
        """Remember all bodies of the file as it is now, in place of what was known of it, and its content that lies in `written`."""
        if self.folder is None or not self.keys:
            return
        if self._said is not None:
            contentcache.keep(self.folder, self._said, written, content)
        pack = _packed(built, self.keys)
        if pack is None or (self._has(pack) and (self.folder / _FOLDER / _pack_name(self.name)).exists()):
            return
        with contextlib.suppress(OSError):  # a full or read-only disk costs time at the next import, nothing else
            _write(self.folder / _FOLDER, _pack_name(self.name), pack)

    def _has(self, pack: _Arrays) -> bool:
        """Whether all of a new pack is known already."""
        bodies, places = ({bytes(key) for key in pack[name]} for name in ("bodies", "places"))
        return bodies <= self._bodies and places <= self._places


def _pack_name(name: str) -> str:
    return f"{hashlib.blake2s(name.encode(), digest_size=12).hexdigest()}.npz"


def _best(folder: Path, wanted: set[bytes]) -> IO[bytes] | None:
    """The pack that knows most of what is wanted, open: whoever writes a new one meanwhile does not take it away."""
    best, most = None, 0
    for path in _newest(folder)[:_LOOKED_AT]:
        with contextlib.suppress(*_DAMAGED), path.open("rb") as stream, np.load(stream) as pack:
            count = sum(bytes(key) in wanted for key in pack["bodies"])
            best, most = (path, count) if count > most else (best, most)
    with contextlib.suppress(OSError):
        return best.open("rb") if best is not None else None
    return None


def _read(stream: IO[bytes]) -> _Arrays | None:
    """The arrays of a pack; None where they are not what was written."""
    stream.seek(0)
    with contextlib.suppress(*_DAMAGED), np.load(stream) as pack:
        arrays = {name: pack[name] for name in pack.files}
        return arrays if bytes(arrays.pop("digest")) == _digest(arrays) else None
    return None


def _newest(folder: Path) -> list[Path]:
    with contextlib.suppress(OSError):
        return sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
    return []


def _packed(built: Sequence[Instance], keys: Mapping[int, Key]) -> _Arrays | None:
    """All bodies that have a key as arrays; a body that several products share once."""
    of_product: dict[int, list[Instance]] = {}
    for item in built:
        of_product.setdefault(item.product, []).append(item)
    bodies: dict[bytes, list[Instance]] = {}
    places: dict[bytes, NDArray[np.float64]] = {}
    for step, items in of_product.items():
        key = keys.get(step)
        if key is not None and key.place and all(item.kernel != BOX and np.array_equal(item.matrix, items[0].matrix) for item in items):
            bodies.setdefault(key.body, items)
            places.setdefault(key.place, items[0].matrix)
    if not bodies:
        return None
    shapes: dict[int, Shape] = {id(item.shape): item.shape for items in bodies.values() for item in items}
    number = {identity: k for k, identity in enumerate(shapes)}
    rows = [(k, number[id(item.shape)], item.kernel, item.off_m) for k, items in enumerate(bodies.values()) for item in items]
    return {
        "bodies": np.frombuffer(b"".join(bodies), np.uint8).reshape(-1, _KEY),
        "places": np.frombuffer(b"".join(places), np.uint8).reshape(-1, _PLACE),
        "matrices": np.array(list(places.values()), float),
        "row_body": np.array([row[0] for row in rows], np.int64),
        "row_shape": np.array([row[1] for row in rows], np.int64),
        "row_kernel": np.array([row[2] for row in rows]),
        "row_off": np.array([row[3] for row in rows]),
        "sizes": np.array([[len(shape.vertices), len(shape.faces)] for shape in shapes.values()], np.int64),
        "vertices": np.concatenate([shape.vertices for shape in shapes.values()]),
        "faces": np.concatenate([shape.faces for shape in shapes.values()]),
        "colors": np.concatenate([shape.colors for shape in shapes.values()]),
    }


def _unpacked(arrays: _Arrays) -> tuple[dict[bytes, list[tuple[Shape, str, float]]], dict[bytes, NDArray[np.float64]]]:
    ends = np.cumsum(arrays["sizes"], axis=0)
    cuts = [np.split(arrays[name], ends[:-1, k]) for name, k in (("vertices", 0), ("faces", 1), ("colors", 1))]
    shapes = [Shape(*parts) for parts in zip(*cuts, strict=True)]
    names = [bytes(key) for key in arrays["bodies"]]
    rows: dict[bytes, list[tuple[Shape, str, float]]] = {}
    said = (arrays[name].tolist() for name in ("row_body", "row_shape", "row_kernel", "row_off"))
    for body, shape, kernel, off in zip(*said, strict=True):
        rows.setdefault(names[body], []).append((shapes[shape], kernel, off))
    return rows, {bytes(key): matrix for key, matrix in zip(arrays["places"], arrays["matrices"], strict=True)}


def _digest(arrays: _Arrays) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for name in sorted(arrays):
        digest.update(f"{name}{arrays[name].dtype}{arrays[name].shape}".encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.digest()


def _write(folder: Path, name: str, arrays: _Arrays) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / f"{name}.{os.getpid()}.partial"
    try:
        with partial.open("wb") as stream:
            np.savez(stream, allow_pickle=False, digest=np.frombuffer(_digest(arrays), np.uint8), **arrays)
        partial.replace(folder / name)
    finally:
        partial.unlink(missing_ok=True)
    left = _MOST_BYTES
    for path in _newest(folder):
        left -= path.stat().st_size
        if left < 0:
            path.unlink(missing_ok=True)


def _give_back() -> None:
    """Return to the system what reading the file has left free; glibc keeps it otherwise."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _moved(path: Path) -> dict[int, NDArray[np.float64]]:
    with contextlib.suppress(*_DAMAGED), path.open("rb") as stream, np.load(stream) as said:
        return dict(zip(said["steps"].tolist(), said["matrices"], strict=True))
    return {}
