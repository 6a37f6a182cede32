"""Compiled loops are kept on disk for as long as everything they are made of stays the same.

numba forgets a compiled function when its own file changes, and keeps it when a function changes that it calls in another file. Here the
stamp of a file also covers the files of this package that it imports, and those that these import.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from numba.core.caching import InTreeCacheLocator, UserWideCacheLocator

VARIABLE = "NUMBA_CACHE_LOCATOR_CLASSES"
_PACKAGE = __name__.partition(".")[0]
_IMPORT = re.compile(rf"^\s*(?:from ({_PACKAGE}[\w.]*) import ([^#\n(]*|\([^)]*\))|import ({_PACKAGE}[\w.]*))", re.MULTILINE)


class InTree(InTreeCacheLocator):
    """Beside the file, where one may write there."""

    def get_source_stamp(self) -> Any:
        """What the compiled function must have been made of."""
        return stamp(self._py_file)


class UserWide(UserWideCacheLocator):
    """In the user's own folder."""

    def get_source_stamp(self) -> Any:
        """What the compiled function must have been made of."""
        return stamp(self._py_file)


@cache
def stamp(path: str | os.PathLike[str]) -> str:
    """A hash over the text of a file and of all files of this package that it imports, at first, second or any hand."""
    seen: dict[Path, str] = {}
    left = [Path(path)]
    while left:
        file = left.pop()
        if file not in seen:
            text = file.read_text("utf-8")
            seen[file] = text
            left += [each for name in _imported(text) if (each := _file(name)) is not None]
    total = hashlib.sha256()
    for text in [seen[Path(path)], *sorted(seen.values())]:
        total.update(hashlib.sha256(text.encode()).digest())
    return total.hexdigest()


def _imported(text: str) -> set[str]:
    """The modules of this package that a text imports, or may: `from a import b` names a, and a.b should that be a module."""
    names: set[str] = set()
    for found in _IMPORT.finditer(text):
        module, members, plain = found.groups()
        names.add(module or plain)
        names |= {f"{module}.{member}" for member in re.findall(r"\w+", members or "")} if module else set()
    return names


@cache
def _file(name: str) -> Path | None:
    try:
        spec = find_spec(name)
    except (ModuleNotFoundError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin and spec.origin.endswith(".py") else None
