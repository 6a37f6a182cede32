"""What the kernel could not read of a file: it skips broken statements with a line in its log, and goes on (runs in the child)."""

from __future__ import annotations

import mmap
import re
from pathlib import Path
from typing import Any

_STATEMENT = re.compile(rb"(?:^|[;\n\r])\s*#\d+\s*=")
_MISSING = "Instance reference"
_LEAST_SHARE = 0.5  # below this share of statements read, what is left is no model


class TooBroken(Exception):
    """More of the file is lost than was read; the message says how much."""


def faults(path: Path, file: Any, log: str) -> list[dict[str, Any]]:
    """Issues of what was lost while the file was opened.

    Parameters
    ----------
    path
        The file.
    file
        The open file.
    log
        What it wrote while opening.

    Raises
    ------
    TooBroken
        If less than half of the statements were read.
    """
    errors = [line for line in log.splitlines() if line.startswith("[error]")]
    if not errors:
        return []
    statements, instances = _count(path), sum(1 for _ in file)
    if instances < _LEAST_SHARE * statements:
        raise TooBroken(f"{statements - instances} of {statements} statements cannot be read")
    issues: list[dict[str, Any]] = []
    if instances < statements:
        details = {"count": statements - instances, "first": _plain(next((e for e in errors if _MISSING not in e), errors[0]))}
        issues.append({"code": "ifc_statements_unread", "severity": "warning", "subject": path.name, "details": details})
    dangling = [line for line in errors if _MISSING in line]
    if dangling:
        details = {"count": len(dangling), "first": _plain(dangling[0])}
        issues.append({"code": "ifc_references_missing", "severity": "warning", "subject": path.name, "details": details})
    return issues


def _count(path: Path) -> int:
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return sum(1 for _ in _STATEMENT.finditer(content))


def _plain(line: str) -> str:
    return re.sub(r"^(?:\[[^\]]*\]\s*)+", "", line)[:160]
