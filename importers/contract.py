"""What an importer is: it recognises a file by its content and turns it into what the store takes, with a list of issues.

An importer never writes. A broken source raises a `SourceError`; a broken feature becomes an `Issue` and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from twin.model import Device, FeatureTable, Issue, Layer, ModelContent, Park, Terrain


@dataclass(frozen=True)
class Options:
    """What the person said about a file on the command line; None where nothing was said."""

    kind: str | None = None
    layer: str | None = None
    crs: str | None = None
    datum: str = "wgs84"  # wgs84 gcj02 bd09
    encoding: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict[str, str])  # source column -> our column
    place: str | None = None  # footprint, or LON,LAT,H,ROT


Progress = Callable[[str, int, int], None]  # stage, done, total (0 when unknown)


Locate = Callable[[str, str], tuple[float, float] | None]  # what (building, storey, space) and its id -> longitude, latitude [deg]


def nowhere(what: str, identity: str) -> tuple[float, float] | None:
    """The `Locate` of a park that holds nothing."""


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Context:
    """What an importer may know besides the file: the park, the options, ground heights, whom to tell of progress, where places are."""

    park: Park
    options: Options
    terrain: Terrain | None = None
    progress: Progress = silent
    locate: Locate = nowhere


@dataclass(frozen=True)
class LayerContent:
    """Features for one layer."""

    layer: Layer
    table: FeatureTable


@dataclass(frozen=True)
class Imported:
    """Everything one file held, in the park's terms."""

    kind: str  # the importer's word for what the file is: vector, osm, ifc, devices, raster
    layers: Sequence[LayerContent] = ()
    devices: Sequence[Device] = ()
    models: Sequence[ModelContent] = ()
    terrain: Terrain | None = None
    crs: str | None = None
    encoding: str | None = None
    issues: Sequence[Issue] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])


class Importer(Protocol):
    """One source family."""

    name: str

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure the importer is that the file is its own, 0 to 100, from the first 64 KiB."""
        ...

    def read(self, path: Path, context: Context) -> Imported:
        """The file's content; raises SourceError."""
        ...
