"""Content of earlier imports, kept so that a new version of a file in which only bodies changed is not read again (see `contentkey`).

A pack is called after the key of the content in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from importers.ifc.contentkey import Fingerprint, Saying
from importers.ifc.packs import read_pack, write_pack

_FOLDER = "ifc-content"
_FILES = ("bodies.json", "content.json")  # in the order they are written: the second says that the first is there
_MOST_BYTES = 256 << 20


def take(cache: Path, saying: Saying, path: Path, into: Path) -> None:
    """Put the content of a file at `path` into the folder `into`, as the child would write it; nothing where it is not known."""
    parts = read_pack(_pack(cache, saying.fingerprint), 1 + len(_FILES))
    if parts is not None and saying.is_same(np.frombuffer(parts[0], np.uint64), path):
        for name, part in zip(_FILES, parts[1:], strict=True):
            partial = into / f"{name}.partial"
            partial.write_bytes(part)
            partial.replace(into / name)


def keep(cache: Path, fingerprint: Fingerprint, written: Path, content: Mapping[str, Any]) -> None:
    """Remember what a child has written into the folder `written`, unless the file has faults, which the next child has to find itself."""
    target = _pack(cache, fingerprint)
    if not content["issues"] and not content["failed"] and not target.is_file():
        write_pack(target, [fingerprint.left_out.tobytes(), *((written / name).read_bytes() for name in _FILES)], _MOST_BYTES)


def _pack(cache: Path, fingerprint: Fingerprint) -> Path:
    return cache / _FOLDER / f"{fingerprint.key.hex()}.bin"
