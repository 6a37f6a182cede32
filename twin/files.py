"""Files that are whole or not there at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from twin.errors import UsageError


def write_atomically(path: Path, content: str | bytes) -> None:
    """Put `content` at `path`: a reader sees the old file or the new one, never half of it.

    Raises
    ------
    UsageError
        If the folder does not exist or cannot be written to.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not path.parent.is_dir():
        raise UsageError("folder_missing", subject=path.parent)
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise UsageError("folder_not_writable", subject=path.parent) from error
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)  # the disk is full: no half a file stays
        raise
