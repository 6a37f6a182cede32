"""Where events can happen in a park: at its devices, along its fences, in its car parks.

Heights are absolute [m, park datum]: a device's from its placement rules, a point of a feature from the terrain below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from twin.devices import heights
from twin.live.kinds import EventKind
from twin.model import Device, FeatureTable
from twin.store import Store
from twin.terrain import ground_height


@dataclass(frozen=True)
class Place:
    """One place something can happen at: longitude, latitude [deg], absolute height [m, park datum] and what is there."""

    name_en: str
    name_zh: str
    lon: float
    lat: float
    h_m: float
    device_id: str | None = None
    building_id: str | None = None
    storey_id: str | None = None


def places(store: Store, kind: EventKind, rng: np.random.Generator) -> Sequence[Place]:
    """The places of the park that `kind` can happen at; empty where the park has none."""
    return [*device_places(store, kind), *feature_places(store, kind, rng)]


def device_places(store: Store, kind: EventKind) -> Sequence[Place]:
    """The devices in service that `kind` can happen at."""
    devices = [device for name in kind.devices for device in store.devices(name) if _takes_part(device, kind)]
    if not devices:
        return ()
    return [_at_device(device, h) for device, h in zip(devices, heights(store, devices).tolist(), strict=True)]


def feature_places(store: Store, kind: EventKind, rng: np.random.Generator) -> Sequence[Place]:
    """One point on each feature `kind` can happen on: at random along its lines where the kind says so, else in its middle."""
    return [place for layer in kind.layers for place in _on_features(store, store.features_of_kind(layer), kind, rng)]


def _takes_part(device: Device, kind: EventKind) -> bool:
    if device.status != "in_service":
        return False
    stated = str(device.attributes.get("functions") or "").lower()
    return not stated or not kind.functions or any(word in stated for word in kind.functions)


def _at_device(device: Device, h_m: float) -> Place:
    name = device.name or device.id
    chinese = str(device.attributes.get("name_zh") or name)
    return Place(name, chinese, device.lon, device.lat, h_m, device.id, device.building_id, device.storey_id)


def _on_features(store: Store, table: FeatureTable, kind: EventKind, rng: np.random.Generator) -> Sequence[Place]:
    rows = [i for i, shape in enumerate(table.geometry) if shape is not None and not shape.is_empty]
    if not rows:
        return ()
    lonlat = np.array([_point_on(table.geometry[i], along=kind.along, rng=rng) for i in rows])  # (n, 2)
    ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu(lonlat)[:, :2])
    return [_at_feature(table, i, (*point, h)) for i, point, h in zip(rows, lonlat.tolist(), ground.tolist(), strict=True)]


def _point_on(geometry: Any, *, along: bool, rng: np.random.Generator) -> tuple[float, float]:
    line: Any = shapely.boundary(geometry) if shapely.area(geometry) > 0 else geometry
    if along and shapely.length(line) > 0:
        point: Any = _longest(line).interpolate(rng.random(), normalized=True)
    else:
        point = shapely.point_on_surface(geometry)
    return point.x, point.y


def _longest(line: Any) -> Any:
    parts = shapely.get_parts(line)
    return parts[int(np.argmax(shapely.length(parts)))]


def _at_feature(table: FeatureTable, i: int, point: Sequence[float]) -> Place:
    row = table.row(i)
    english = str(row.get("name") or row.get("name_zh") or table.ids[i])
    chinese = str(row.get("name_zh") or english)
    return Place(english, chinese, point[0], point[1], point[2], None, row.get("building_id"), row.get("storey_id"))
