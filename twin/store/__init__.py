"""The store: everything known about one park, behind a dozen verbs.

Readers see the last committed state. Whatever is written goes through `Store.transaction()`: all of it lands, or none.
`open_store` and `create_store` choose the back end by the address: a directory is a GeoPackage park, `postgresql://…` one in PostGIS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

from twin.errors import StoreError
from twin.model import (
    Asset,
    Connection,
    Device,
    Element,
    Event,
    FeatureTable,
    Group,
    Issue,
    Layer,
    Mesh,
    Model,
    ModelContent,
    Park,
    Photometry,
    Scenario,
    SourceContent,
    Space,
    Storey,
    Terrain,
    Version,
)

Bounds = tuple[float, float, float, float]  # west, south, east, north [deg]


class Store(Protocol):  # size: one verb a question that is asked of a park
    """What can be asked of a park. Nothing here returns ENU but `mesh`; convert with `park().frame`."""

    path: Path  # the park's folder: tiles, assets, caches; of a park in a database, a folder of this machine
    address: str  # what `open_store` was given, without secrets

    def park(self) -> Park: ...
    def revision(self) -> str:
        """A token that changes with every commit that changes park data (not events or runs)."""
        ...

    def layers(self) -> Sequence[Layer]: ...
    def layer(self, layer_id: str) -> Layer: ...
    def features(self, layer_id: str, *, bounds: Bounds | None = None, ids: Sequence[str] | None = None) -> FeatureTable: ...
    def features_of_kind(self, kind: str, *, bounds: Bounds | None = None) -> FeatureTable:
        """The features of all layers of one kind, columns merged."""
        ...

    def extent(self) -> Bounds | None:
        """West, south, east, north of everything within 50 km of the origin [deg]; None for an empty park."""
        ...

    def devices(self, kind: str | None = None) -> Sequence[Device]: ...
    def models(self) -> Sequence[Model]: ...
    def storeys(self, model_id: str | None = None) -> Sequence[Storey]: ...
    def spaces(self, model_id: str | None = None) -> Sequence[Space]: ...
    def elements(self, model_id: str | None = None) -> Sequence[Element]: ...
    def element(self, element_id: str) -> Element:
        """One element; raises NotFound."""
        ...

    def mesh(self, model_id: str) -> Mesh: ...
    def groups(self, model_id: str | None = None) -> Sequence[Group]: ...
    def connections(self, model_id: str | None = None) -> Sequence[Connection]: ...
    def terrain(self, role: Literal["ground", "surface"] = "ground") -> Terrain | None:
        """The heights of all sources of that role as one grid, the finer over the coarser; None where there are none."""
        ...

    def photometries(self) -> Sequence[Photometry]: ...
    def assets(self, source: str | None = None) -> Sequence[Asset]: ...
    def asset_path(self, sha256: str) -> Path:
        """The file that holds an asset's bytes; raises NotFound."""
        ...

    def keep(self, file: Path) -> str:
        """Copy a file among the park's assets, named by its SHA-256, which is returned.

        Called before the transaction that refers to it; a file that no asset refers to is swept away by a later import.
        """
        ...

    def sweep(self) -> int:
        """Let go of what this thread has kept, and remove the files that no asset, current or old, refers to; how many went.

        Nothing is removed while another import holds files that nothing refers to yet.
        """
        ...

    def versions(self, source: str | None = None) -> Sequence[Version]:
        """Every import of a source (of all), oldest first."""
        ...

    def version(self, source: str, number: int) -> SourceContent:
        """What a source held at one of its versions; raises NotFound."""
        ...

    def events(self, *, since: str | None = None, limit: int = 1000) -> Sequence[Event]: ...
    def events_after(self, cursor: int, *, limit: int = 1000) -> tuple[Sequence[Event], int]:
        """Events written after `cursor` in the order they were written, and the cursor to go on from; 0 is before all."""
        ...

    def sources(self) -> Sequence[Mapping[str, Any]]:
        """What was imported: name, sha256, options, importer, at, report."""
        ...

    def run(self, run_id: str) -> Mapping[str, Any]:
        """A kept run: {"result": {...}, "gaps": GeoJSON, "samples": {...} or None}; raises NotFound."""
        ...

    def runs(self, measure: str | None = None) -> Sequence[Mapping[str, Any]]:
        """Kept runs, newest first: {"run", "measure", "at", "value"}."""
        ...

    def scorecard(self, pack_id: str) -> Mapping[str, Any] | None:
        """The scorecard kept last for a pack; None where there is none, or the park has changed since."""
        ...

    def scorecards(self) -> Sequence[Mapping[str, Any]]:
        """The scorecards that hold for the park as it is, by pack."""
        ...

    def scenarios(self) -> Sequence[Scenario]:
        """All scenarios, by name."""
        ...

    def scenario(self, name: str) -> Scenario:
        """One scenario; raises NotFound."""
        ...

    def origins(self) -> Sequence[str]:
        """All sources that anything in the park came from, whether `sources` knows them or not, in the order they were last written."""
        ...

    def content(self, source: str) -> SourceContent:
        """All that the park shows of one source, nothing where it shows nothing."""
        ...

    def faults(self) -> Sequence[Issue]:
        """What the back end itself finds wrong: damaged pages, an index that is not true to its table; nothing where all is well."""
        ...

    def transaction(self) -> AbstractContextManager[Writer]: ...
    def remove(self) -> None:
        """Remove the park and everything that belongs to it; nothing can be asked of it afterwards."""
        ...

    def close(self) -> None: ...


class Writer(Protocol):
    """What can be written inside one transaction."""

    def put_layer(self, layer: Layer) -> None:
        """Make the layer if it is not there; its kind cannot change (Conflict)."""
        ...

    def put_features(self, layer_id: str, table: FeatureTable, *, source: str) -> None:
        """Replace this layer's features that came from `source` by these; an id that another source holds is taken over."""
        ...

    def put_devices(self, devices: Sequence[Device], *, source: str) -> None:
        """Replace all devices that came from `source` by these."""
        ...

    def put_model(self, content: ModelContent, *, source: str = "") -> None:
        """Put a model in, in the place of an earlier one of the same id."""
        ...

    def put_terrain(self, terrain: Terrain, *, source: str) -> None: ...
    def put_photometries(self, photometries: Sequence[Photometry], *, source: str) -> None:
        """Replace all photometries that came from `source` by these; one of the same id is taken over."""
        ...

    def put_assets(self, assets: Sequence[Asset], *, source: str) -> None:
        """Replace the assets of `source` by these, whose bytes `Store.keep` has taken."""
        ...

    def put_events(self, events: Iterable[Event]) -> None: ...
    def put_source(self, source: Mapping[str, Any]) -> None: ...
    def put_run(self, run: Mapping[str, Any]) -> None: ...
    def put_scorecard(self, card: Mapping[str, Any]) -> None:
        """Keep a scorecard ({"pack", "revision", "at", ...}) in the place of an earlier one of its pack."""
        ...

    def put_scenario(self, scenario: Scenario) -> None:
        """Keep a scenario in the place of an earlier one of its name. The park itself stays as it is, and so does its revision."""
        ...

    def drop_scenario(self, name: str) -> None:
        """Remove a scenario; nothing happens where there is none."""
        ...

    def archive_source(self, source: str) -> None:
        """Keep what came from `source` as an old version, to be read by `Store.version`; to be followed by `drop_source`."""
        ...

    def drop_source(self, source: str) -> None:
        """Remove everything that came from `source` but its old versions."""
        ...


def open_store(address: str | Path) -> Store:
    """The park at `address`.

    Raises
    ------
    NotFound
        If there is no park.
    """
    if is_database(address):
        return _database().open(str(address))
    from twin.store.geopackage import GeoPackageStore  # noqa: PLC0415  back ends are chosen here and nowhere else

    return GeoPackageStore.open(Path(address))


def create_store(address: str | Path, park: Park) -> Store:
    """A new, empty park at `address`.

    Raises
    ------
    Conflict
        If there is a park, or the directory holds something else.
    """
    if is_database(address):
        return _database().create(str(address), park)
    from twin.store.geopackage import GeoPackageStore  # noqa: PLC0415

    return GeoPackageStore.create(Path(address), park)


def _database() -> Any:
    """The store in a database, whose library may not be installed."""
    try:
        from twin.store.postgis.store import PostGISStore  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "psycopg":
            raise
        raise StoreError("database_library") from error
    return PostGISStore


def is_database(address: str | Path) -> bool:
    """Whether an address names a database; everything else is a directory."""
    scheme, separator, _ = str(address).partition("://")
    return isinstance(address, str) and bool(separator) and scheme.lower() in {"postgresql", "postgres"}


def name_of(address: str | Path) -> str:
    """What a park at `address` is called unless somebody says otherwise: its directory, or its schema in the database."""
    if is_database(address):
        from twin.store.postgis.address import parse  # noqa: PLC0415

        return parse(str(address)).schema
    return Path(address).absolute().name


def shown(address: str | Path) -> str:
    """The address as a person may see it: without secrets."""
    if is_database(address):
        from twin.store.postgis.address import parse  # noqa: PLC0415

        return parse(str(address)).shown
    return str(address)
