"""Features in the park's frame, mended and flat: what surfaces and lines of a park are cut from.

Everything here is plan geometry, x y [m, enu]. What lies farther from the origin than `twin.scene.gather.FAR_M` is in the wrong place
and left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import shapely

from twin.buildings import buildings, is_house
from twin.model import FeatureTable
from twin.scene.gather import FAR_M
from twin.store import Store

AREAL = ("Polygon", "MultiPolygon")
LINEAR = ("LineString", "MultiLineString", "LinearRing")

ROAD_WIDTH_M: Mapping[str, float] = {  # where a centreline has no width: two lanes, or one for service roads
    "motorway": 15.0, "trunk": 14.0, "primary": 12.0, "secondary": 9.0, "tertiary": 7.0, "residential": 6.0, "unclassified": 6.0,
    "service": 4.0, "living_street": 5.0,
}  # fmt: skip
OTHER_ROAD_WIDTH_M = 6.0
WIDTH_COLUMNS = ("width_m", "width", "宽度", "路宽", "宽")


def areas(store: Store, table: FeatureTable, *, closed_lines: bool = False) -> list[tuple[int, Any]]:
    """Row and polygon of the areas of a table; with `closed_lines` also what lines enclose."""
    frame = store.park().frame
    found: list[tuple[int, Any]] = []
    for i, shape in enumerate(table.geometry):
        if shape is None or shape.is_empty:
            continue
        area = areal(shapely.polygonize(shapely.get_parts(shape))) if closed_lines and shape.geom_type in LINEAR else shape
        if area.geom_type in {*AREAL, "GeometryCollection"}:
            polygon = areal(shapely.make_valid(frame.project(shapely.force_2d(area))))
            if is_near(polygon):
                found.append((i, polygon))
    return found


def lines(store: Store, table: FeatureTable) -> list[tuple[int, Any]]:
    """Row and (multi)line of the lines of a table that have a length."""
    frame = store.park().frame
    found: list[tuple[int, Any]] = []
    for i, shape in enumerate(table.geometry):
        if shape is not None and shape.geom_type in LINEAR and not shape.is_empty:
            line = frame.project(shapely.force_2d(shape))
            if is_near(line) and line.length > 0:
                found.append((i, line))
    return found


def boundary_of(store: Store) -> Any | None:
    """The park's boundary in its frame; None where no layer of that kind has an area."""
    shape = union([polygon for _, polygon in areas(store, store.features_of_kind("boundary"), closed_lines=True)])
    return None if shape.is_empty else shape


def footprints(store: Store) -> list[Any]:
    """The ground that buildings stand on."""
    shapes = [
        shapely.force_2d(building.footprint) for building in buildings(store) if building.footprint is not None and is_house(building)
    ]
    if not shapes:
        return []
    flat = shapely.make_valid(store.park().frame.project(np.array(shapes, object)))
    return [shape for shape in (areal(each) for each in np.atleast_1d(flat)) if is_near(shape)]


def width_of(row: Mapping[str, Any]) -> float | None:
    """The width that a feature gives [m]; None where it gives none that can be."""
    for name in WIDTH_COLUMNS:
        try:
            width = float(str(row[name]).strip().casefold().removesuffix("m").removesuffix("米"))
        except (KeyError, ValueError):
            continue
        if 0 < width < 200:
            return width
    return None


def road_width(row: Mapping[str, Any]) -> float:
    """The width of a road: its own, else that of its class. [m]"""
    return width_of(row) or ROAD_WIDTH_M.get(str(row.get("class", "")).removesuffix("_link"), OTHER_ROAD_WIDTH_M)


def is_near(shape: Any) -> bool:
    """Whether a shape is somewhere, and within reach of the park's origin."""
    if shape.is_empty:
        return False
    x, y = shapely.get_coordinates(shape)[0].tolist()
    return bool(np.hypot(x, y) < FAR_M)  # NaN is nowhere


def union(shapes: Sequence[Any]) -> Any:
    """All shapes as one; an empty polygon for none."""
    return shapely.union_all(np.array(shapes, object)) if len(shapes) else shapely.Polygon()


def areal(shape: Any) -> Any:
    """The polygons of a shape, without the lines and points that cutting may leave."""
    if shape.geom_type in AREAL:
        return shape
    return union([part for part in shapely.get_parts(shape) if part.geom_type in AREAL])


def linear(shape: Any) -> list[Any]:
    """The lines of a shape (the edges of its polygons), each on its own."""
    edges = [part.boundary if part.geom_type in AREAL else part for part in shapely.get_parts(shape)]
    return [line for edge in edges for line in shapely.get_parts(edge) if line.geom_type in LINEAR and line.length > 0]
