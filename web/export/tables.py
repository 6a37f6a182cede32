"""What an export holds: the park's layers, devices, rooms and events as tables of features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from twin.devices import heights
from twin.errors import NotFound
from twin.model import Device, FeatureTable
from twin.store import Store


@dataclass(frozen=True)
class Sheet:
    """One table of an export: its name, what its features are, and the features, lon, lat [deg], h [m, park datum]."""

    name: str
    kind: str
    table: FeatureTable


def sheets(store: Store, layer: str | None) -> Sequence[Sheet]:
    """All tables of the park that hold something, or the one called `layer`, `LAYER@NUMBER` of an old version; raises NotFound."""
    own = {made.id: made.kind for made in store.layers()}
    if layer is None:
        found = [Sheet(name, kind, store.features(name)) for name, kind in own.items()]
        found += [Sheet(name, name, make(store)) for name, make in _OTHERS.items() if name not in own]
        return [sheet for sheet in found if len(sheet.table)]
    if layer in own:
        return [Sheet(layer, own[layer], store.features(layer))]
    if layer in _OTHERS:
        return [Sheet(layer, layer, _OTHERS[layer](store))]
    name, number = numbered(layer)
    if number is not None:
        return [_of_version(store, name, number)]
    raise NotFound("layer_missing", subject=layer, known=", ".join([*own, *_OTHERS]))


def numbered(name: str) -> tuple[str, int | None]:
    """A name and the number of the version that follows it after an @."""
    before, _, number = name.rpartition("@")
    return (before, int(number)) if before and number.isdecimal() and number.isascii() else (name, None)


def _of_version(store: Store, name: str, number: int) -> Sheet:
    """A layer as the version of that number of the source it came from held it."""
    for version in store.versions():
        if version.number == number and (version.source == name or any(layer["id"] == name for layer in version.report.get("layers", []))):
            content = store.version(version.source, number)
            tables = [(layer, table) for layer, table in content.layers if name in {layer.id, version.source}]
            if len(tables) == 1:
                return Sheet(tables[0][0].id, tables[0][0].kind, tables[0][1])
            if content.devices and not tables:
                return Sheet("devices", "devices", _device_table(store, content.devices))
    raise NotFound("version_missing", subject=name, number=number)


def _devices(store: Store) -> FeatureTable:
    return _device_table(store, store.devices())


def _device_table(store: Store, devices: Sequence[Device]) -> FeatureTable:
    located = [(d.lon, d.lat, h) for d, h in zip(devices, heights(store, devices).tolist(), strict=True)]
    points: Any = shapely.points(np.array(located, float).reshape(-1, 3))
    names = ("kind", "name", "height_m", "z_m", "building_id", "storey_id", "space_id", "status", "valid_from")
    rows = [{name: getattr(device, name) for name in names} | dict(device.attributes) for device in devices]
    return _table([device.id for device in devices], points, rows)


def _spaces(store: Store) -> FeatureTable:
    spaces = [space for space in store.spaces() if space.outline is not None]
    names = ("model_id", "storey_id", "name", "long_name", "usage", "floor_h_m", "height_m", "area_m2")
    rows = [{name: getattr(space, name) for name in names} for space in spaces]
    return _table([space.id for space in spaces], [space.outline for space in spaces], rows)


def _events(store: Store) -> FeatureTable:
    events = store.events(limit=1_000_000)
    points: Any = shapely.points(np.array([(event.lon, event.lat, event.h_m) for event in events], float).reshape(-1, 3))
    names = ("kind", "at", "severity", "status", "device_id", "building_id", "storey_id", "message_en", "message_zh")
    rows = [{name: getattr(event, name) for name in names} for event in events]
    return _table([event.id for event in events], points, rows)


def _table(ids: Sequence[str], shapes: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> FeatureTable:
    geometry = np.empty(len(ids), object)
    geometry[:] = list(shapes) if len(ids) else []
    names = dict.fromkeys(name for row in rows for name in row if name != "id")
    return FeatureTable(ids, geometry, {name: [row.get(name) for row in rows] for name in names})


_OTHERS: Mapping[str, Callable[[Store], FeatureTable]] = {"devices": _devices, "spaces": _spaces, "events": _events}
