"""Whole parks: the GeoPackage of another park of this program.

Into an empty park of the same origin and height datum everything goes in as it is, old versions, events and runs too. Into any other it
comes as one source: layers, devices, models, terrain, photometries and files, every id as it was, heights by the rule of the two datums,
meshes and terrain carried from one frame to the other.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from importers.contract import Context, Imported, LayerContent
from importers.heights import Heights, heights
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Connection, Device, Element, FeatureTable, Issue, Mesh, ModelContent, Park, Terrain
from twin.store import Store, open_store
from twin.terrain import height_at

SURE = 100  # more than whoever reads any GeoPackage
_SQLITE = b"SQLite format 3\0"
_ROLES: tuple[Literal["ground", "surface"], ...] = ("ground", "surface")


@dataclass(frozen=True)
class ParkImporter:
    """Whole parks."""

    name: str = "park"

    def recognises(self, path: Path, head: bytes) -> int:
        """Sure of a database that has a park's own tables."""
        return SURE if head.startswith(_SQLITE) and _tables(path) >= {"park", "park_layers", "park_sources"} else 0

    def read(self, path: Path, context: Context) -> Imported:
        """Everything the park shows; raises UnreadableSource, or StoreError if it is newer than this program."""
        store = _opened(path, context)
        carried = _between(path.name, store.park(), context)
        context.progress("read", 0, 0)
        return Imported(
            kind=self.name,
            layers=[LayerContent(layer, carried.features(store.features(layer.id))) for layer in store.layers()],
            devices=[carried.device(device) for device in store.devices()],
            models=[carried.model(model) for name in store.origins() for model in store.content(name).models],
            terrains=[carried.terrain(terrain) for role in _ROLES if (terrain := store.terrain(role)) is not None],
            photometries=store.photometries(),
            assets=_assets(store),
            crs=store.park().crs,
            height_datum=store.park().height_datum,
            height_offset_m=carried.rule.offset_m if carried.rule is not None else 0.0,
            issues=[*(carried.rule.remarks() if carried.rule is not None else []), *_left_behind(path.name, store)],
            details={"park": store.park().name},
            whole=store if carried.is_still else None,
        )


def _tables(path: Path) -> set[str]:
    """The tables of a database; none where it is no database after all."""
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as db:
            return {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except sqlite3.Error:
        return set()


def _opened(path: Path, context: Context) -> Store:
    """The park in a copy: bringing an older one to this program's schema leaves the file as it is."""
    folder = Path(mkdtemp(dir=context.scratch)) / "park"
    folder.mkdir()
    try:
        _copy(path, folder / "park.gpkg")
    except sqlite3.Error as error:
        raise UnreadableSource("source_park_unreadable", subject=path, reason=error) from error
    assets = path.absolute().parent / "assets"
    if assets.is_dir():
        (folder / "assets").symlink_to(assets, target_is_directory=True)
    return open_store(folder)


def _copy(path: Path, to: Path) -> None:
    """The database as of its last commit, which may lie in a file beside it."""
    if not path.with_name(f"{path.name}-wal").exists():
        shutil.copyfile(path, to)
        return
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source, closing(sqlite3.connect(to)) as copy:
        source.backup(copy)


def _assets(store: Store) -> Mapping[str, Path]:
    """The files by their names, those of several sources that share a name by source too."""
    listed = store.assets()
    counts = Counter(asset.name for asset in listed)
    named = {asset.name if counts[asset.name] == 1 else f"{asset.source}/{asset.name}": asset for asset in listed}
    return {name: store.asset_path(asset.sha256) for name, asset in named.items()}


def _left_behind(source: str, store: Store) -> list[Issue]:
    """What a park holds that no source brings into another: it is told, not hidden."""
    counts = {
        "versions": sum(not version.is_current for version in store.versions()),
        "events": len(store.events_after(0, limit=1_000_000)[0]),
        "runs": len(store.runs()),
    }
    return [Issue("park_as_source", "info", source, counts)] if any(counts.values()) else []


@dataclass(frozen=True)
class _Carried:
    """From one park's frame and height datum to another's."""

    source: Frame
    target: Frame
    rule: Heights | None  # None where both count heights alike

    @property
    def is_still(self) -> bool:
        """Whether nothing moves at all."""
        return self.rule is None and self.source == self.target

    def features(self, table: FeatureTable) -> FeatureTable:
        if self.rule is None or not len(table):
            return table
        raised = np.array(table.geometry, object)
        tall = shapely.has_z(raised)
        raised[tall] = shapely.transform(raised[tall], self._raised, include_z=True)
        feet = table.column("base_m")
        known = [k for k, foot in enumerate(feet) if foot is not None and table.geometry[k] is not None and not table.geometry[k].is_empty]
        places = shapely.get_coordinates(shapely.centroid(table.geometry[known]))
        risen = dict(zip(known, self._heights(places, np.array([feet[k] for k in known], float)).tolist(), strict=True))
        columns = {
            name: [risen.get(k, v) for k, v in enumerate(values)] if name == "base_m" else values for name, values in table.columns.items()
        }
        return FeatureTable(table.ids, raised, columns)

    def device(self, device: Device) -> Device:
        return device if device.z_m is None else replace(device, z_m=self._height(device.lon, device.lat, device.z_m))

    def model(self, content: ModelContent) -> ModelContent:
        if self.is_still:
            return content
        model = content.model
        place = (
            model.outline.centroid
            if model.outline is not None and not model.outline.is_empty
            else shapely.Point(self.source.lon_deg, self.source.lat_deg)
        )
        lon, lat = place.x, place.y
        return replace(
            content,
            model=replace(model, base_h_m=self._height(lon, lat, model.base_h_m), top_h_m=self._height(lon, lat, model.top_h_m)),
            storeys=[replace(each, base_h_m=self._height(lon, lat, each.base_h_m)) for each in content.storeys],
            spaces=[replace(each, floor_h_m=self._height(lon, lat, each.floor_h_m)) for each in content.spaces],
            elements=[self._element(each) for each in content.elements],
            mesh=self._mesh(content.mesh),
            connections=[self._connection(each) for each in content.connections],
        )

    def terrain(self, terrain: Terrain) -> Terrain:
        """The heights at the nodes of a grid along the other frame's axes, that covers the same ground."""
        if self.is_still:
            return terrain
        rows, columns = terrain.heights.shape
        edges = (
            np.array([terrain.x0_m, terrain.y0_m])
            + np.array([[0, 0], [columns - 1, 0], [0, rows - 1], [columns - 1, rows - 1]]) * terrain.step_m
        )
        corners = self.target.to_enu(self.source.to_lonlat(edges))[:, :2]  # (4, 2)
        low = np.floor(corners.min(0) / terrain.step_m) * terrain.step_m
        across, along = np.ceil((corners.max(0) - low) / terrain.step_m).astype(int) + 1
        x, y = np.meshgrid(low[0] + np.arange(across) * terrain.step_m, low[1] + np.arange(along) * terrain.step_m)
        lonlat = self.target.to_lonlat(np.column_stack([x.ravel(), y.ravel()]))[:, :2]
        found = self._heights(lonlat, height_at(terrain, self.source.to_enu(lonlat)[:, :2]))
        return Terrain(float(low[0]), float(low[1]), terrain.step_m, found.reshape(along, across).astype(np.float32), terrain.role)

    def points(self, enu: Any) -> NDArray[np.float64]:
        """Points (n, 3) of the one frame in the other. [m, enu]"""
        lonlat = self.source.to_lonlat(enu)
        lonlat[:, 2] = self._heights(lonlat[:, :2], lonlat[:, 2])
        return self.target.to_enu(lonlat)

    def _mesh(self, mesh: Mesh) -> Mesh:
        known = np.isfinite(mesh.vertices).all(axis=1)
        vertices = np.array(mesh.vertices)
        vertices[known] = self.points(vertices[known])
        return replace(mesh, vertices=vertices)

    def _element(self, element: Element) -> Element:
        if element.bbox is None:
            return element
        low, high = np.array(element.bbox[:3]), np.array(element.bbox[3:])
        corners = np.array([[(low, high)[bit >> axis & 1][axis] for axis in range(3)] for bit in range(8)])  # (8, 3)
        moved = self.points(corners)
        return replace(element, bbox=[*moved.min(0).tolist(), *moved.max(0).tolist()])

    def _connection(self, connection: Connection) -> Connection:
        return connection if connection.position is None else replace(connection, position=self.points([connection.position])[0].tolist())

    def _raised(self, coordinates: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.column_stack([coordinates[:, :2], self._heights(coordinates[:, :2], coordinates[:, 2])])

    def _height(self, lon: float, lat: float, h: float) -> float:
        return float(self._heights(np.array([[lon, lat]]), np.array([h]))[0])

    def _heights(self, lonlat: NDArray[np.float64], h: NDArray[np.float64]) -> NDArray[np.float64]:
        return h if self.rule is None else self.rule.to_park(lonlat, h)


def _between(source: str, park: Park, context: Context) -> _Carried:
    options = context.options
    is_told = options.height_datum is not None or options.height_offset_m is not None
    alike = park.height_datum == context.park.height_datum and not is_told
    rule: Sequence[Heights] = [] if alike else [heights(source, park.height_datum, context)]
    return _Carried(park.frame, context.park.frame, rule[0] if rule else None)


IMPORTER = ParkImporter()
