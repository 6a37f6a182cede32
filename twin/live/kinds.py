"""The kinds of events a park can have, as data: `kinds.toml` read into values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class EventKind:
    """One kind of event: where it can happen, how grave and how frequent it is, and its sentences with `{place}` to fill."""

    id: str
    severity: str
    weight: float
    title_en: str
    title_zh: str
    en: str
    zh: str
    devices: Sequence[str] = ()
    functions: Sequence[str] = ()
    layers: Sequence[str] = ()
    along: bool = False
    below: bool = False
    readings: Sequence[Mapping[str, Any]] = field(default_factory=tuple[Mapping[str, Any], ...])


@cache
def event_kinds() -> Mapping[str, EventKind]:
    """Id -> kind, in the order of the table."""
    tables = tomllib.loads(files("twin.live").joinpath("kinds.toml").read_text("utf-8"))
    return {name: EventKind(id=name, **table) for name, table in tables.items()}
