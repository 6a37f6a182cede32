"""The store: everything known about one park, behind a dozen verbs.

Readers see the last committed state. Whatever is written goes through `Store.transaction()`: all of it lands, or none.
`open_store` and `create_store` choose the back end by the address: a directory is a GeoPackage park.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from twin.model import Device, Element, Event, FeatureTable, Layer, Mesh, Model, ModelContent, Park, Space, Storey, Terrain

Bounds = tuple[float, float, float, float]  # west, south, east, north [deg]


class Store(Protocol):
    """What can be asked of a park. Nothing here returns ENU but `mesh`; convert with `park().frame`."""

    path: Path

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
    def terrain(self) -> Terrain | None: ...
    def events(self, *, since: str | None = None, limit: int = 1000) -> Sequence[Event]: ...
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

    def transaction(self) -> AbstractContextManager[Writer]: ...
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

    def put_model(self, content: ModelContent) -> None:
        """Put a model in, in the place of an earlier one of the same id."""
        ...

    def put_terrain(self, terrain: Terrain, *, source: str) -> None: ...
    def put_events(self, events: Iterable[Event]) -> None: ...
    def put_source(self, source: Mapping[str, Any]) -> None: ...
    def put_run(self, run: Mapping[str, Any]) -> None: ...
    def put_scorecard(self, card: Mapping[str, Any]) -> None:
        """Keep a scorecard ({"pack", "revision", "at", ...}) in the place of an earlier one of its pack."""
        ...

    def drop_source(self, source: str) -> None:
        """Remove the features and devices that came from `source`."""
        ...


def open_store(address: str | Path) -> Store:
    """The park at `address`.

    Raises
    ------
    NotFound
        If there is no park.
    """
    from twin.store.geopackage import GeoPackageStore  # noqa: PLC0415  back ends are chosen here and nowhere else

    return GeoPackageStore.open(Path(address))


def create_store(address: str | Path, park: Park) -> Store:
    """A new, empty park at `address`.

    Raises
    ------
    Conflict
        If there is a park, or the directory holds something else.
    """
    from twin.store.geopackage import GeoPackageStore  # noqa: PLC0415

    return GeoPackageStore.create(Path(address), park)
