"""What an importer is: it recognises a file by its content and turns it into what the store takes, with a list of issues.

An importer never writes. A broken source raises a `SourceError`; a broken feature becomes an `Issue` and the rest goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from twin.model import Device, FeatureTable, Issue, Layer, Model, ModelContent, Park, Photometry, Storey, Terrain
from twin.store import Store


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
    is_confirmed: bool = False  # --yes: take the best answer although another is nearly as good
    control: str | None = None  # --control: a table of points known in the file's own grid and on Earth
    height_datum: str | None = None  # --height-datum: what the file's heights count from
    height_offset_m: float | None = None  # --height-offset: added to the file's heights
    lod: str | None = None  # --lod: the level of detail taken from a city model


Progress = Callable[[str, int, int], None]  # stage, done, total (0 when unknown)


Locate = Callable[[str, str], tuple[float, float] | None]  # what (building, storey, space) and its id -> longitude, latitude [deg]


def nowhere(what: str, identity: str) -> tuple[float, float] | None:
    """The `Locate` of a park that holds nothing."""


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class Footprint:
    """A building of the park as GIS knows it: outline in longitude and latitude [deg], height of its foot [m, park datum]."""

    id: str
    name: str
    outline: Any  # shapely (Multi)Polygon
    base_h_m: float
    top_h_m: float | None = None


def no_footprints() -> Sequence[Footprint]:
    """The footprints of a park that holds no building."""
    return ()


@dataclass(frozen=True)
class Relative:
    """A model the park holds already, with its storeys."""

    model: Model
    storeys: Sequence[Storey]


def no_relatives() -> Sequence[Relative]:
    """The models of a park that holds none."""
    return ()


@dataclass(frozen=True)
class Context:
    """What an importer may know besides the file: the park, the options, ground heights, whom to tell of progress, where places are.

    `cache` is a folder of the park whose content may be lost at any time; `scratch` an empty one that is there until the file is written.
    """

    park: Park
    options: Options
    terrain: Terrain | None = None
    progress: Progress = silent
    locate: Locate = nowhere
    footprints: Callable[[], Sequence[Footprint]] = no_footprints
    cache: Path | None = None
    scratch: Path | None = None
    relatives: Callable[[], Sequence[Relative]] = no_relatives
    early: Callable[[ExitStack], Any] | None = None  # what the importer's `begin` has made of the file already, let go of with the stack


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
    terrains: Sequence[Terrain] = ()  # where there are several: one for each role at most
    photometries: Sequence[Photometry] = ()
    assets: Mapping[str, Path] = field(default_factory=dict[str, Path])  # name inside the source -> file whose bytes the park keeps
    crs: str | None = None
    height_datum: str | None = None  # what the source's heights counted from, as far as it says
    height_offset_m: float = 0.0  # what was added to them
    encoding: str | None = None
    issues: Sequence[Issue] = ()
    details: Mapping[str, Any] = field(default_factory=dict[str, Any])
    whole: Store | None = None  # the park that the file is: an empty one takes all of it, old versions, events and runs too


class Importer(Protocol):
    """One source family."""

    name: str

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure the importer is that the file is its own, 0 to 100, from the first 64 KiB."""
        ...

    def read(self, path: Path, context: Context) -> Imported:
        """The file's content; raises SourceError."""
        ...
