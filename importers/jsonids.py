"""Two things GDAL does not tell of a GeoJSON file: whether it states a coordinate system, and whether its ids count from 0."""

from __future__ import annotations

import re
from pathlib import Path

_HEAD_BYTES, _TAIL_BYTES = 65_536, 4096


def has_crs(path: Path) -> bool:
    """Whether there is a `crs` member, before or after the features."""
    with path.open("rb") as stream:
        start = stream.read(_HEAD_BYTES)
        stream.seek(-min(path.stat().st_size, _TAIL_BYTES), 2)
        return re.search(rb'"crs"\s*:\s*\{', start + stream.read()) is not None


def counts_from_zero(path: Path) -> bool:
    """Whether the first features have ids that count from 0, as GDAL counts where there are none."""
    with path.open("rb") as stream:
        return re.search(rb'"id"\s*:\s*"?0"?\s*[,}]', stream.read(_HEAD_BYTES)) is not None
