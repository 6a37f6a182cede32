"""A folder for one import to work in, on the park's own disk: gone when the import is over, or with the next one if that was killed."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def scratch(folder: Path | None) -> Generator[Path]:
    """An empty folder inside `folder`, which must be nobody else's; inside the system's place for such where none is given."""
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="twin-", ignore_cleanup_errors=True) as place:
            yield Path(place)
        return
    with _locked(folder, fcntl.LOCK_EX):  # nobody clears away a folder between its making and its lock
        _clear(folder)
        place = tempfile.mkdtemp(dir=folder)
        mine = os.open(place, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(mine, fcntl.LOCK_SH)
    try:
        yield Path(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        os.close(mine)
        clear_left(folder)  # a process that was killed may have held its folder until now


def clear_left(folder: Path) -> None:
    """Remove what imports that were killed have left inside `folder`, where there is one."""
    with suppress(OSError), _locked(folder, fcntl.LOCK_EX):
        _clear(folder)


def _clear(folder: Path) -> None:
    """Remove what imports that were killed have left: nobody holds a lock on it."""
    for left in folder.iterdir():
        with suppress(OSError), _locked(left, fcntl.LOCK_EX | fcntl.LOCK_NB):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path, how: int) -> Generator[None]:
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, how)
        yield
    finally:
        os.close(handle)
