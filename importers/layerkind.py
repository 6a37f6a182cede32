"""What kind a layer is, from its name, its columns and its geometry, in English, Chinese and OpenStreetMap's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from importers.recognise import layer_kind
from importers.tables import Table
from importers.vocabulary import longest_match, meaning, section
from twin.crs import Frame
from twin.model import Geometries, Issue

AREAS = {
    "building",
    "building_part",
    "road_area",
    "parking_bay",
    "parking_area",
    "green",
    "water",
    "zone",
    "boundary",
    "enterprise",
    "grid",
}
BAY_AREA_M2 = 40.0  # a parking bay has 12 to 20 m², one for lorries up to 60; a parking area has hundreds


@dataclass(frozen=True)
class Kind:
    """A layer kind and why it was chosen: `given`, `name`, `osm`, `column`, `attributes` or `none`, with the word that decided."""

    name: str
    why: str
    word: str = ""


def kind_of(table: Table, names: Sequence[str], mapped: Mapping[str, str], geometry: Geometries, given: str | None, frame: Frame) -> Kind:
    """The kind of a layer.

    Parameters
    ----------
    table
        Its columns as they came.
    names
        What it is called, the most telling first.
    mapped
        Our columns that were found in it, each with its source column.
    geometry
        Its shapes (n,), lon, lat [deg].
    given
        The kind the person named, if any.
    frame
        The park's frame, for areas.
    """
    asked = layer_kind(given)
    if asked is not None:
        return Kind(asked, "given")
    polygons = _polygon_share(geometry) > 0.5
    found = _by_name(names) or _by_osm(table) or _by_column(table) or _by_attributes(mapped, polygons) or Kind("other", "none")
    return _by_shape(found, geometry, frame) if polygons else found


def closed_rings_filled(geometry: Geometries, kind: str, source: str) -> tuple[Geometries, list[Issue]]:
    """The shapes with closed lines made areas where the kind is one of areas, as drawings have outlines; and an Issue that counts them."""
    if kind not in AREAS:
        return geometry, []
    rings = (shapely.get_type_id(geometry) == shapely.GeometryType.LINESTRING) & shapely.is_closed(geometry)
    rings &= shapely.get_num_coordinates(geometry) > 3
    filled = geometry.copy()
    for i in np.flatnonzero(rings):
        area = shapely.Polygon(geometry[i])
        filled[i] = area if area.is_valid else shapely.make_valid(area, method="structure", keep_collapsed=False)
    return filled, [Issue("rings_filled", "info", source, {"count": int(rings.sum())})] if rings.any() else []


def _by_name(names: Sequence[str]) -> Kind | None:
    for name in names:
        found = longest_match("layer_kinds", name)
        if found is not None:
            return Kind(found[0], "name", found[1])
    return None


def _by_osm(table: Table) -> Kind | None:
    """The kind that most features have by an OpenStreetMap key among the columns."""
    counts: dict[tuple[str, str], int] = {}
    for key, kinds in section("osm_columns").items():
        for value in table.columns.get(key, ()):
            kind = kinds.get(str(value), kinds.get("*")) if value not in (None, "", "no") else None
            if kind is not None:
                counts[kind, key] = counts.get((kind, key), 0) + 1
    best = max(counts, key=lambda each: counts[each], default=None)
    return Kind(best[0], "osm", best[1]) if best is not None and counts[best] * 2 > len(table) else None


def _by_column(table: Table) -> Kind | None:
    found = ((meaning("kind_columns", name), name) for name in table.columns)
    return next((Kind(kind, "column", name) for kind, name in found if kind is not None), None)


def _by_attributes(mapped: Mapping[str, str], polygons: bool) -> Kind | None:
    told = mapped.get("height_m") or mapped.get("storeys")
    return Kind("building", "attributes", told) if polygons and told else None


def _by_shape(found: Kind, geometry: Geometries, frame: Frame) -> Kind:
    """Roads that are areas, and parking whose pieces have the size of a bay."""
    if found.name == "road":
        return Kind("road_area", found.why, found.word)
    if found.name == "parking_area":
        areas: Any = shapely.area(frame.project(shapely.force_2d(geometry[~shapely.is_missing(geometry)])))
        if np.median(areas) < BAY_AREA_M2:
            return Kind("parking_bay", found.why, found.word)
    return found


def _polygon_share(geometry: Geometries) -> float:
    there = geometry[~shapely.is_missing(geometry)]
    return float((shapely.get_dimensions(there) == 2).mean()) if len(there) else 0.0
