"""What a place is called in a result: both its names where it has two, so that a page in either language can show its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def both_names(row: Mapping[str, Any], identity: str) -> str:
    """`中文 · English` where a feature has both names and they differ; else the one it has; else its id."""
    chinese, other = (str(row.get(column) or "").strip() for column in ("name_zh", "name"))
    if chinese and other and chinese != other:
        return f"{chinese} · {other}"
    return chinese or other or identity
