"""The park as a whole: its name, place, counts, and where a first look should come from."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import shapely
from pydantic import BaseModel

from twin.buildings import buildings
from twin.store import Bounds, Store
from web.geometry import DEGREES

VIEW_PX = (1000.0, 640.0)  # what panels leave of a common window
NO_EXTENT_ZOOM = 15.0
PITCH_DEG = 50.0


class Home(BaseModel):
    """A view of the whole park."""

    longitude: float
    latitude: float
    zoom: float
    pitch: float = PITCH_DEG
    bearing: float = -15.0


class Counts(BaseModel):
    """How much of everything there is."""

    devices: dict[str, int]
    buildings: int
    models: int
    elements: int
    layers: int


class ParkAnswer(BaseModel):
    """The park: origin longitude, latitude [deg] and height [m], extent west, south, east, north [deg]."""

    name: str
    name_zh: str
    origin: tuple[float, float, float]
    extent: tuple[float, float, float, float] | None
    crs: str
    height_datum: str
    revision: str
    counts: Counts
    home: Home
    terrain: str | None  # where the ground's heights are


def park_answer(store: Store) -> ParkAnswer:
    """The park as it is now."""
    park = store.park()
    frame = park.frame
    english, chinese = names(park.name)
    return ParkAnswer(
        name=english,
        name_zh=chinese,
        origin=(frame.lon_deg, frame.lat_deg, frame.h_m),
        extent=store.extent(),
        crs=park.crs,
        height_datum=park.height_datum,
        revision=store.revision(),
        counts=Counts(
            devices=dict(sorted(Counter(device.kind for device in store.devices()).items())),
            buildings=len(buildings(store)),
            models=len(store.models()),
            elements=sum(len(store.elements(model.id)) for model in store.models()),
            layers=len(store.layers()),
        ),
        home=home(store),
        terrain="/api/terrain" if store.terrain() is not None else None,
    )


def names(name: str) -> tuple[str, str]:
    """The park's name in English and Chinese: a name in both is written with a middle dot between them."""
    parts = name.split(" · ")
    chinese = [part for part in parts if any("\u3400" <= letter <= "\u9fff" for letter in part)]
    if len(parts) != 2 or len(chinese) != 1:
        return name, name
    return next(part for part in parts if part not in chinese), chinese[0]


def home(store: Store) -> Home:
    """The view that shows the park's boundary where one is known, else everything, else its origin."""
    bounds = _boundary(store) or store.extent()
    if bounds is None:
        frame = store.park().frame
        return Home(longitude=frame.lon_deg, latitude=frame.lat_deg, zoom=NO_EXTENT_ZOOM)
    west, south, east, north = bounds
    longitude, latitude = round((west + east) / 2, DEGREES), round((south + north) / 2, DEGREES)
    return Home(longitude=longitude, latitude=latitude, zoom=fitting_zoom(bounds))


def fitting_zoom(bounds: Bounds) -> float:
    """The zoom at which `bounds` [deg], seen at the pitch of the first look, fills a common window.

    In web mercator 512 px show 360 degrees of longitude at zoom 0; what lies ahead is foreshortened by the pitch.
    """
    west, south, east, north = bounds
    spans = (east - west, math.degrees(_mercator(north) - _mercator(south)) * math.cos(math.radians(PITCH_DEG)))
    zooms = [math.log2(pixels * 360 / (512 * span)) for pixels, span in zip(VIEW_PX, spans, strict=True) if span > 0]
    return round(min([*zooms, 19.0]), 2)


def _boundary(store: Store) -> Bounds | None:
    outlines = store.features_of_kind("boundary").geometry
    box = shapely.total_bounds(outlines) if len(outlines) else np.full(4, np.nan)
    return (float(box[0]), float(box[1]), float(box[2]), float(box[3])) if np.isfinite(box).all() else None


def _mercator(latitude_deg: float) -> float:
    return math.asinh(math.tan(math.radians(latitude_deg)))
