"""The scene: what is drawn, once, as pydeck; the page, the notebook and the HTML export read the same JSON.

Layer ids say what they are: `layer/<layer id>` vector tiles, `buildings` extruded footprints, `model/<model id>` building models and
`city/<model id>` models of many buildings as 3D Tiles, `terrain` the ground where one grid cannot show it, `tubes/<layer id>` the bodies of
pipes, ducts and fibre, `points/<layer id>` point clouds, `mesh/<layer>/<feature>` tilesets that came as they are, `devices/<kind>` points.
Tubes and points are switched with the layer of their features.
Paths are relative to the server's root. The literals of deck.gl go in `pydeck.types.String`, else pydeck makes them expressions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote

import pydeck
from pydeck.types import String

from tiles.content.tubes import KINDS as TUBES
from tiles.http.registered import registered
from tiles.mvt import MAX_ZOOM as DEEPEST_TILES
from tiles.sources.clouds import kept_clouds
from twin.buildings import Building, buildings, is_shared
from twin.model import Layer
from twin.store import Bounds, Store
from web.answers.devices import devices_answer
from web.answers.layers import drawing_order, tiles_path
from web.answers.park import home
from web.answers.terrain import MOST
from web.styles import LayerStyle, device_style, layer_style

MAX_ZOOM = 26  # close enough to read the label of a cable
MAX_PITCH_DEG = 89
_WITHOUT_TILES = {"model", "mesh"}  # kinds that are no vector features


def deck(store: Store, *, inline: bool = False) -> pydeck.Deck:
    """The scene as a pydeck Deck; `inline` puts the devices into it instead of the path they are read from."""
    layers = [
        *_vector_layers(store),
        *_ground(store, inline=inline),
        *_registered(store, inline=inline),
        *_tilesets(store, buildings(store)),
        *_tubes(store, inline=inline),
        *_clouds(store, inline=inline),
        *_device_layers(store, inline=inline),
    ]
    # the types pydeck gives its parameters are those of its defaults
    made: Any = cast("Any", pydeck.Deck)
    return made(layers=layers, initial_view_state=_view_state(store), views=[_view()], map_provider=None, map_style=None, tooltip=False)


def scene(store: Store, *, inline: bool = False) -> dict[str, Any]:
    """The scene as the JSON `@deck.gl/json` reads."""
    document = json.loads(deck(store, inline=inline).to_json())
    for name in ("mapProvider", "mapStyle"):  # no base map of others is asked for
        document.pop(name, None)
    return document


def tileset_path(of: str) -> str:
    """Where the 3D Tiles of a building's models, or of a layer, are."""
    return f"/3dtiles/{quote(of, safe='')}/tileset.json"


def _view_state(store: Store) -> Any:
    start = home(store)
    return cast("Any", pydeck.ViewState)(**start.model_dump(), max_zoom=MAX_ZOOM, max_pitch=MAX_PITCH_DEG)


def _view() -> Any:
    return cast("Any", pydeck.View)(type="MapView", controller=True)


def _vector_layers(store: Store) -> Sequence[Any]:
    extent = store.extent()
    drawn = [(layer, layer_style(layer.kind)) for layer in drawing_order(store) if layer.kind not in _WITHOUT_TILES]
    return [_vector_layer(layer, style, extent) for layer, style in drawn if style.drawn]


def _vector_layer(layer: Layer, style: LayerStyle, extent: Bounds | None) -> Any:
    properties: dict[str, Any] = {
        "min_zoom": style.minzoom,
        "max_zoom": DEEPEST_TILES,
        "unique_id_property": String("id"),
        "filled": True,
        "stroked": True,
        "get_fill_color": list(style.fill),
        "get_line_color": list(style.line),
        "get_line_width": _width(style),
        "line_width_units": String("meters"),
        "line_width_min_pixels": 0.75,
        "line_cap_rounded": True,
        "line_joint_rounded": True,
        "point_type": String("circle"),
        "get_point_radius": style.radius_m,
        "point_radius_units": String("meters"),
        "point_radius_min_pixels": 2,
        "pickable": True,
        "visible": style.shown,
    }
    if extent is not None:  # asks for no tile outside the park
        properties["extent"] = list(extent)
    return _layer("MVTLayer", f"layer/{layer.id}", tiles_path(layer.id), properties)


def _width(style: LayerStyle) -> float | str:
    """The width of lines [m], or the expression that finds it by a column."""
    if style.width_by is None:
        return style.width_m
    column, values = style.width_by["column"], cast("Mapping[str, float]", style.width_by["values"])
    return "".join(f"properties.{column} === '{name}' ? {width} : " for name, width in values.items()) + str(style.width_m)


def _tilesets(store: Store, found: Sequence[Building]) -> Sequence[Any]:
    shown = [_layer("ParkTileset", layer, tileset_path(name), {"pickable": True}) for layer, name in tilesets(store, found).items()]
    if all(building.model_ids for building in found):
        return shown
    return [_layer("ParkTileset", "buildings", "/3dtiles/buildings/tileset.json", {"pickable": True}), *shown]


def tilesets(store: Store, found: Sequence[Building]) -> Mapping[str, str]:
    """Layer of the scene -> what its 3D Tiles are of: a building, whose models share them, the first naming the layer; many buildings."""
    shared = [model.id for model in store.models() if is_shared(model)]
    single = [(building, [model for model in building.model_ids if model not in shared]) for building in found]
    return {f"model/{own[0]}": building.id for building, own in single if own} | {f"city/{model}": model for model in shared}


def _ground(store: Store, *, inline: bool) -> Sequence[Any]:
    """The ground in tiles, where it holds more than the page's own grid does."""
    terrain = None if inline else store.terrain()
    if terrain is None or (max(terrain.heights.shape) <= MOST and not terrain.detail):
        return []
    return [_layer("TerrainTileset", "terrain", "/terrain/tileset.json", {"pickable": True})]


def _tubes(store: Store, *, inline: bool) -> Sequence[Any]:
    """Lines that have a thickness; a page without a server has them as lines."""
    found = [] if inline else [layer for layer in drawing_order(store) if layer.kind in TUBES and layer.features]
    return [_layer("ParkTileset", f"tubes/{layer.id}", tileset_path(layer.id), {"pickable": True}) for layer in found]


def _clouds(store: Store, *, inline: bool) -> Sequence[Any]:
    """Point clouds whose points are kept; a page without a server has their outlines."""
    found = [] if inline else [layer for layer in drawing_order(store) if layer.kind == "point_cloud"]
    return [_cloud(store, layer, kept) for layer in found if (kept := kept_clouds(store, layer))]


def _cloud(store: Store, layer: Layer, kept: Mapping[str, str]) -> Any:
    table = store.features(layer.id, ids=list(kept))
    density = [float(value) for value in table.column("points_per_sqm") if value]
    lows, highs = ([float(value) for value in table.column(name) if value is not None] for name in ("z_min_m", "z_max_m"))
    properties: dict[str, Any] = {"pickable": True, "spacing": round(max(density, default=4.0) ** -0.5, 3)}
    if lows and highs:
        properties["heights"] = [min(lows), max(highs)]
    if len(kept) == 1:
        properties["feature"] = String(next(iter(kept)))
    return _layer("PointTileset", f"points/{layer.id}", tileset_path(layer.id), properties)


def _registered(store: Store, *, inline: bool) -> Sequence[Any]:
    """Tilesets that came as they are; a page without a server cannot have their files."""
    found = [] if inline else registered(store)
    named = [(f"mesh/{quote(one.layer_id, safe='')}/{quote(one.feature_id, safe='')}", one.key) for one in found]
    return [_layer("RegisteredTileset", layer, f"/registered/{key}/tileset.json", {"pickable": True}) for layer, key in named]


def _device_layers(store: Store, *, inline: bool) -> Sequence[Any]:
    kinds = sorted({device.kind for device in store.devices()})
    return [_device_layer(kind, _device_data(store, kind) if inline else f"/api/devices?kind={kind}&as=list") for kind in kinds]


def _device_data(store: Store, kind: str) -> Sequence[Mapping[str, Any]]:
    return [device.model_dump() for device in devices_answer(store, kind).devices]


def _device_layer(kind: str, data: Any) -> Any:
    style = device_style(kind)
    properties = {
        "get_position": "[lon, lat, h_m]",
        "get_fill_color": list(style.color),
        "get_line_color": [255, 255, 255, 255],
        "get_radius": 1.0,
        "radius_units": String("meters"),
        "radius_min_pixels": 4,
        "radius_max_pixels": 9,
        "line_width_units": String("pixels"),
        "get_line_width": 1.5,
        "stroked": True,
        "billboard": True,
        "pickable": True,
        "visible": style.shown,
    }
    return _layer("ScatterplotLayer", f"devices/{kind}", data, properties)


def _layer(kind: str, layer_id: str, data: Any, properties: Mapping[str, Any]) -> Any:
    return cast("Any", pydeck.Layer)(kind, data, layer_id, **properties)
