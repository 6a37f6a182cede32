"""The gazetteer: everything in the park that has a name or an id, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import shapely

from twin.buildings import Building
from twin.devices import heights
from twin.model import Element, Layer, Space
from twin.store import Store
from twin.terrain import ground_height
from web.answers.search import Entry, SearchHit, entry
from web.geometry import DEGREES, METRES, point_on
from web.styles import device_style, layer_style

_LISTED_AS_BUILDINGS = {"building"}  # layer kinds


def gazetteer(store: Store, owners: Sequence[Building]) -> Sequence[Entry]:
    """All that can be found in the park."""
    features = [found for layer in store.layers() if layer.kind not in _LISTED_AS_BUILDINGS for found in _features(store, layer)]
    return [*_buildings(owners), *_spaces(store), *_devices(store), *features, *_elements(store)]


def _buildings(owners: Sequence[Building]) -> Iterator[Entry]:
    for building in owners:
        if building.footprint is not None:
            lon, lat = point_on(building.footprint)
            h = round(building.base_h_m + building.height_m, METRES)
            hit = SearchHit(
                type="building",
                id=building.id,
                name=building.name,
                name_zh=building.name_zh,
                detail=building.usage or "",
                lon=lon,
                lat=lat,
                h_m=h,
            )
            yield entry(hit, building.name, building.name_zh)


def _spaces(store: Store) -> Iterator[Entry]:
    storeys = {storey.id: storey.name for storey in store.storeys()}
    for space in store.spaces():
        name = space.long_name or space.name or space.id
        about = (space.name if space.long_name else "", storeys.get(space.storey_id or "", ""), space.usage)
        detail = " · ".join(part for part in about if part)
        hit = SearchHit(type="space", id=space.id, name=name, name_zh=name, detail=detail, storey_id=space.storey_id, **_place_of(space))
        yield entry(hit, name, space.name)


def _place_of(space: Space) -> dict[str, Any]:
    known = space.outline is not None and not space.outline.is_empty
    lon, lat = point_on(space.outline) if known else (None, None)
    return {"lon": lon, "lat": lat, "h_m": round(space.floor_h_m, METRES)}


def _devices(store: Store) -> Iterator[Entry]:
    devices = store.devices()
    for device, h in zip(devices, heights(store, devices).tolist(), strict=True):
        place: dict[str, Any] = {"lon": device.lon, "lat": device.lat, "h_m": round(h, METRES), "storey_id": device.storey_id}
        name = device.name or device.id
        style = device_style(device.kind)
        chinese = str(device.attributes.get("name_zh") or name)
        hit = SearchHit(type="device", id=device.id, name=name, name_zh=chinese, detail=device.kind, **place)
        yield entry(hit, name, chinese, device.id, words=f"{style.title_en} {style.title_zh}")


def _features(store: Store, layer: Layer) -> Iterator[Entry]:
    table = store.features(layer.id)
    rows = [i for i, shape in enumerate(table.geometry) if shape is not None and not shape.is_empty]
    if not rows:
        return
    middles: Any = shapely.point_on_surface(table.geometry[rows])
    points = shapely.get_coordinates(middles)  # (n, 2)
    ground = ground_height(store.park(), store.terrain(), store.park().frame.to_enu(points)[:, :2])
    style = layer_style(layer.kind)
    english, chinese = table.column("name"), table.column("name_zh")
    for i, (lon, lat), h in zip(rows, points.tolist(), ground.tolist(), strict=True):
        names = [str(name) for name in (english[i], chinese[i]) if name]
        place: dict[str, Any] = {"lon": round(lon, DEGREES), "lat": round(lat, DEGREES), "h_m": round(h, METRES), "layer": layer.id}
        own = names or [table.ids[i]]
        hit = SearchHit(type="feature", id=table.ids[i], name=own[0], name_zh=own[-1], detail=layer.title or layer.kind, **place)
        yield entry(hit, *names, words=f"{style.title_en} {style.title_zh}")


def _elements(store: Store) -> Iterator[Entry]:
    for model in store.models():
        named = [element for element in store.elements(model.id) if element.name]
        for element, place in zip(named, _middles(store, named), strict=True):
            told: dict[str, Any] = {"detail": element.ifc_class, "storey_id": element.storey_id, **place}
            yield entry(SearchHit(type="element", id=element.id, name=element.name, name_zh=element.name, **told), element.name)


def _middles(store: Store, elements: Sequence[Element]) -> Sequence[dict[str, float | None]]:
    """Where elements are: the middles of their boxes, all at once."""
    boxes = np.array([element.bbox or [np.nan] * 6 for element in elements], float).reshape(-1, 6)
    known = np.isfinite(boxes).all(axis=1)  # (n,)
    places = np.full((len(boxes), 3), np.nan)
    if known.any():
        places[known] = store.park().frame.to_lonlat((boxes[known, :3] + boxes[known, 3:]) / 2)
    return [_place(*row) for row in places.tolist()]


def _place(lon: float, lat: float, h_m: float) -> dict[str, float | None]:
    known = np.isfinite(lon)
    return {
        "lon": round(lon, DEGREES) if known else None,
        "lat": round(lat, DEGREES) if known else None,
        "h_m": round(h_m, METRES) if known else None,
    }
