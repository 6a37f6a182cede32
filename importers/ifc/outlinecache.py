"""Areas that triangles cover, of earlier imports: uniting them is most of the work on outlines, and most bodies stay as they were."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.ifc.packs import read_pack, write_pack

_FOLDER = "ifc-outlines"
_MOST_BYTES = 256 << 20
_KEY = 16


@dataclass
class Outlines:
    """The areas of one file by a hash of their triangles."""

    path: Path | None
    known: Mapping[bytes, bytes]
    _used: dict[bytes, bytes] = field(default_factory=dict[bytes, bytes])

    @classmethod
    def of(cls, cache: Path | None, name: str) -> Outlines:
        """What is known of the file called `name`; of one with a new name, what the last file left."""
        if cache is None:
            return cls(None, {})
        path = cache / _FOLDER / f"{hashlib.blake2s(name.encode(), digest_size=12).hexdigest()}.bin"
        keys, sizes, areas = read_pack(path if path.is_file() else _newest(path), 3) or (b"", b"", b"")
        ends = np.cumsum(np.frombuffer(sizes, np.int64)).tolist()
        each = [areas[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        return cls(path, {keys[k * _KEY : (k + 1) * _KEY]: area for k, area in enumerate(each)})

    def recall(self, triangles: NDArray[np.float64], unite: Callable[[], Any]) -> Any:
        """The union of triangles (f, 3, 2), known or made by `unite`."""
        if self.path is None:
            return unite()
        key = hashlib.blake2b(np.ascontiguousarray(triangles).data, digest_size=_KEY).digest()
        area = self.known.get(key)
        if area is not None:
            self._used[key] = area
            return shapely.from_wkb(area)
        made = unite()
        self._used[key] = shapely.to_wkb(made)
        return made

    def keep(self) -> None:
        """Remember what was asked for, in place of what was known."""
        if self.path is None or self._used.keys() <= self.known.keys():
            return
        sizes = np.array([len(area) for area in self._used.values()], np.int64)
        write_pack(self.path, [b"".join(self._used), sizes.tobytes(), b"".join(self._used.values())], _MOST_BYTES)


def _newest(path: Path) -> Path:
    """The newest file beside one that is not there."""
    with contextlib.suppress(OSError):
        return max(path.parent.glob("*.bin"), key=lambda each: each.stat().st_mtime_ns, default=path)
    return path
