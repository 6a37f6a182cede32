"""Output that is whole or not there: written beside its place, then moved onto it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import UsageError


@contextmanager
def fresh_file(out: Path) -> Generator[Path]:
    """A path to write a file at, which becomes `out` when all went well; raises UsageError where `out` cannot be."""
    with _workplace(out) as folder:
        path = folder / out.name
        yield path
        path.chmod(0o644)
        path.replace(out)


@contextmanager
def fresh_folder(out: Path) -> Generator[Path]:
    """An empty folder to fill, which becomes `out` when all went well.

    Raises
    ------
    UsageError
        If `out` cannot be made, or is there and holds anything.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError("export_not_empty", subject=out)
    with _workplace(out) as folder:
        path = folder / out.name
        path.mkdir()
        yield path
        path.replace(out)


@contextmanager
def _workplace(out: Path) -> Generator[Path]:
    if not out.parent.is_dir():
        raise UsageError("folder_missing", subject=out.parent)
    try:
        folder = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    except OSError as error:
        raise UsageError("folder_not_writable", subject=out.parent) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
