"""A folder for the copies and parts of one import, gone when the import is over, however it ends."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

_PREFIX = "twin-ifc-"


@contextlib.contextmanager
def scratch() -> Generator[Path]:
    """The folder.

    A request to terminate ends the import like an interrupt, so that the folder goes; what was killed is cleared away at the next import.
    """
    _clear_away()
    with terminates(), tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@contextlib.contextmanager
def terminates() -> Generator[None]:
    """Within, SIGTERM raises SystemExit, where nobody else handles it."""
    is_ours = threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if not is_ours:
        yield
        return
    signal.signal(signal.SIGTERM, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _leave(number: int, frame: Any) -> None:
    del frame
    raise SystemExit(128 + number)


def _clear_away() -> None:
    """Remove the folders of imports whose process is gone: nobody could remove them when it was killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it is somebody else's
        return True
    return True
