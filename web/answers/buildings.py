"""Buildings, and storey by storey the rooms of those that have a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

from twin.buildings import Building
from twin.errors import NotFound
from twin.model import Space, Storey
from twin.store import Store
from web.geometry import METRES, geojson, point_on


class BuildingAnswer(BaseModel):
    """A building: a point of its ground and its footprint [deg], the height of its foot [m, park datum] and its own height [m].

    `models` are of this building alone, `city_models` of many of which it is one.
    """

    id: str
    name: str
    name_zh: str | None
    lon: float
    lat: float
    base_h_m: float
    height_m: float
    height_source: str | None
    storeys: int | None
    usage: str | None
    models: Sequence[str]
    city_models: Sequence[str]
    footprint: dict[str, Any] | None


class SpaceAnswer(BaseModel):
    """A room: its outline [deg], the height of its floor [m, park datum]."""

    id: str
    name: str
    long_name: str
    usage: str | None
    area_m2: float | None
    floor_h_m: float
    height_m: float | None
    outline: dict[str, Any] | None


class StoreyAnswer(BaseModel):
    """A storey: `elevation_m` above the building's zero, `base_h_m` absolute [m, park datum], and its rooms."""

    id: str
    name: str
    elevation_m: float
    base_h_m: float
    height_m: float | None
    model_id: str
    spaces: Sequence[SpaceAnswer]


def buildings_answer(found: Sequence[Building]) -> Sequence[BuildingAnswer]:
    """All buildings that stand somewhere."""
    return [_building(building) for building in found if building.footprint is not None]


def storeys_answer(store: Store, owners: Sequence[Building], building_id: str) -> Sequence[StoreyAnswer]:
    """The storeys of a building, lowest first; raises NotFound."""
    owner = next((building for building in owners if building.id == building_id), None)
    if owner is None:
        raise NotFound("building_missing", subject=building_id)
    found = [(storey, store.spaces(model)) for model in owner.model_ids for storey in store.storeys(model) if owner.holds(model, storey.id)]
    return [_storey(storey, spaces) for storey, spaces in sorted(found, key=lambda pair: pair[0].base_h_m)]


def storeys_of(storeys: Sequence[Storey], spaces: Sequence[Space]) -> Sequence[StoreyAnswer]:
    """The storeys of one model with their rooms, lowest first."""
    return [_storey(storey, spaces) for storey in sorted(storeys, key=lambda storey: storey.base_h_m)]


def _building(building: Building) -> BuildingAnswer:
    lon, lat = point_on(building.footprint)
    return BuildingAnswer(
        id=building.id,
        name=building.name,
        name_zh=building.name_zh,
        lon=lon,
        lat=lat,
        base_h_m=round(building.base_h_m, METRES),
        height_m=round(building.height_m, METRES),
        height_source=building.attributes.get("height_source"),
        storeys=building.storeys,
        usage=building.usage,
        models=[model for model in building.model_ids if model not in building.parts],
        city_models=list(building.parts),
        footprint=geojson(building.footprint),
    )


def _storey(storey: Storey, spaces: Sequence[Space]) -> StoreyAnswer:
    return StoreyAnswer(
        id=storey.id,
        name=storey.name,
        elevation_m=storey.elevation_m,
        base_h_m=storey.base_h_m,
        height_m=storey.height_m,
        model_id=storey.model_id,
        spaces=[_space(space) for space in spaces if space.storey_id == storey.id],
    )


def _space(space: Space) -> SpaceAnswer:
    return SpaceAnswer(
        id=space.id,
        name=space.name,
        long_name=space.long_name,
        usage=space.usage,
        area_m2=space.area_m2,
        floor_h_m=space.floor_h_m,
        height_m=space.height_m,
        outline=geojson(space.outline),
    )
