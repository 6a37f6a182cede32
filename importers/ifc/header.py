"""What the header of a STEP file says of the file itself (ISO 10303-21 §8.2)."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

_HEAD_BYTES = 65_536
_COMMENT = re.compile(rb"/\*.*?\*/", re.DOTALL)
_WRITTEN = re.compile(rb"FILE_NAME\s*\(\s*(?:'(?:[^']|'')*'|\$)\s*,\s*'([^']*)'", re.IGNORECASE)


def written_at(path: Path) -> str | None:
    """When a STEP file was written, by the time stamp of its FILE_NAME, as ISO 8601; None where it gives none that can be read."""
    with path.open("rb") as stream:
        head = _COMMENT.sub(b" ", stream.read(_HEAD_BYTES))
    found = _WRITTEN.search(head)
    if found is None:
        return None
    try:
        return dt.datetime.fromisoformat(found[1].decode("ascii").strip()).isoformat()
    except ValueError:  # of UnicodeDecodeError too
        return None
