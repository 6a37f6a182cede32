"""Layers with their style, legend and fields, and single features of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import shapely
from pydantic import BaseModel

from tiles.content.pipework import assumed
from tiles.content.tubes import KINDS as TUBES
from tiles.mvt import MAX_ZOOM
from twin.errors import NotFound
from twin.model import FeatureTable, Layer
from twin.store import Store
from web.answers.assets import asset_path
from web.geometry import geojson
from web.styles import LayerStyle, layer_style

Geometry = Literal["point", "line", "polygon", "mixed"]
Rgba = Sequence[int]

_KIND_OF_TYPE: dict[int, Geometry] = {0: "point", 4: "point", 1: "line", 2: "line", 5: "line", 3: "polygon", 6: "polygon"}


class StyleAnswer(BaseModel):
    """Colours on the light and the dark ground, RGBA 0 to 255; widths and radii on the ground [m]."""

    fill: Rgba
    line: Rgba
    casing: Rgba | None
    width_m: float
    radius_m: float
    dark: dict[str, Rgba | None]


class LegendEntry(BaseModel):
    """One line of a legend."""

    label_en: str
    label_zh: str
    color: Rgba


class LayerAnswer(BaseModel):
    """A layer: what it is called, holds and looks like, and where its tiles are."""

    id: str
    kind: str
    title_en: str
    title_zh: str
    features: int
    geometry: Geometry
    style: StyleAnswer
    legend: Sequence[LegendEntry]
    fields: Sequence[str]
    tiles: str
    minzoom: int
    maxzoom: int
    shown: bool


def layers_answer(store: Store) -> Sequence[LayerAnswer]:
    """All layers, in the order they are drawn."""
    order = drawing_order(store)
    kinds = Counter(layer.kind for layer in order)
    return [_layer(store, layer, alone=kinds[layer.kind] == 1) for layer in order]


def drawing_order(store: Store) -> Sequence[Layer]:
    """The park's layers, lowest first."""
    return sorted(store.layers(), key=lambda layer: layer_style(layer.kind).order)


def feature_answer(store: Store, layer_id: str, feature_id: str) -> dict[str, Any]:
    """One feature as GeoJSON; raises NotFound."""
    table = store.features(layer_id, ids=[feature_id])
    if not len(table):
        raise NotFound("feature_missing", subject=feature_id, layer=layer_id)
    found = feature(table, 0)
    properties = found["properties"]
    layer = store.layer(layer_id)
    if layer.kind in TUBES:
        told = assumed(table.row(0), layer.kind, f"{layer.title} {layer.title_zh} {layer.id}")
        has_height = bool(np.any(np.nan_to_num(shapely.get_coordinates(table.geometry, include_z=True)[:, 2])))
        properties |= {name: value for name, value in told.items() if not (has_height and name == "assumed_cover_m")}
    if properties.get("image") and properties.get("asset_source"):
        properties["picture"] = asset_path(properties["asset_source"], properties["image"])
    return found


def feature(table: FeatureTable, i: int) -> dict[str, Any]:
    """Row `i` as a GeoJSON feature; its id is among the properties too, as it is in the tiles."""
    identity = table.ids[i]
    return {"type": "Feature", "id": identity, "geometry": geojson(table.geometry[i]), "properties": {"id": identity, **table.row(i)}}


def tiles_path(layer_id: str) -> str:
    """Where the vector tiles of a layer are."""
    return f"/tiles/{quote(layer_id, safe='')}/{{z}}/{{x}}/{{y}}.mvt"


def titles(layer: Layer, style: LayerStyle, *, alone: bool) -> tuple[str, str]:
    """The layer's title in English and Chinese.

    A source that says both is taken by its word. Else its own title serves the language it is written in; the other takes that of the
    kind, with the own one behind it where the park has more layers of the kind. A layer of no particular kind has its own alone.
    """
    if layer.title_zh:
        return (layer.title or style.title_en), layer.title_zh
    if layer.kind == "other":
        return (layer.title or layer.id), (layer.title or layer.id)
    own = layer.title if layer.title and layer.title not in {layer.kind, layer.id} else ""
    apart = "" if alone else f" · {layer.title or layer.id}"
    chinese = any("\u3400" <= letter <= "\u9fff" for letter in own)
    english_title = own if own and not chinese else style.title_en + apart
    return english_title, (own if chinese else style.title_zh + apart)


def _layer(store: Store, layer: Layer, *, alone: bool) -> LayerAnswer:
    style = layer_style(layer.kind)
    table = store.features(layer.id)
    english, chinese = titles(layer, style, alone=alone)
    return LayerAnswer(
        id=layer.id,
        kind=layer.kind,
        title_en=english,
        title_zh=chinese,
        features=layer.features,
        geometry=_geometry(table),
        style=StyleAnswer(
            fill=style.fill,
            line=style.line,
            casing=style.casing,
            width_m=style.width_m,
            radius_m=style.radius_m,
            dark={"fill": style.dark_fill, "line": style.dark_line, "casing": style.dark_casing},
        ),
        legend=[LegendEntry(label_en=english, label_zh=chinese, color=_key_color(style))],
        fields=["id", *(name for name, values in table.columns.items() if any(value is not None for value in values))],
        tiles=tiles_path(layer.id),
        minzoom=style.minzoom,
        maxzoom=MAX_ZOOM,
        shown=style.shown,
    )


def _geometry(table: FeatureTable) -> Geometry:
    types = {int(code) for code in np.unique(shapely.get_type_id(table.geometry))} - {-1} if len(table) else set[int]()
    kinds: set[Geometry] = {_KIND_OF_TYPE.get(code, "mixed") for code in types}
    return kinds.pop() if len(kinds) == 1 else "mixed"


def _key_color(style: LayerStyle) -> Rgba:
    """What stands for the layer in a legend: its fill where that can be seen, else its line."""
    return style.fill if style.fill[3] >= 60 else style.line
