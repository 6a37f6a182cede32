"""Text in a drawing as what it says of the area it lies in: a name, a number of storeys, a kind of construction."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from importers.vocabulary import has_han
from twin.model import Geometries

MOST_NAMES = 4  # texts in one area; what holds more is a frame around things that have names of their own
_STOREYS = re.compile(r"^(?P<made>[砼砖混钢木石简土框]{0,2})\s*(?P<count>\d{1,3})\s*(?:[fF层]|storeys?|floors?)?$")
_TOLD_STOREYS = re.compile(r"[fF层]|storey|floor", re.IGNORECASE)
_NUMBER = re.compile(r"^[\d\s.,+\-±%°'\"]+$")


@dataclass(frozen=True)
class Named:
    """What texts say of n areas, by our columns, and which texts said something."""

    columns: Mapping[str, Sequence[Any]]
    used: Sequence[int]


def named(areas: Geometries, points: Geometries, texts: Sequence[str]) -> Named:
    """What texts say of the areas they lie in; the smallest counts where areas lie in one another.

    Parameters
    ----------
    areas
        Shapes (n,), lon, lat [deg]; only polygons can be named.
    points
        Where the texts are (m,), lon, lat [deg]: the point each was set at, or a line from there to its middle; None where it has no place.
    texts
        What they say (m,).
    """
    owner = _owners(areas, points)
    names: list[Any] = [None] * len(areas)
    storeys: list[Any] = [None] * len(areas)
    made: list[Any] = [None] * len(areas)
    used: list[int] = []
    for area in np.unique(owner[owner >= 0]).tolist():
        inside = np.flatnonzero(owner == area).tolist()
        counted = [i for i in inside if _is_storeys(texts[i])]
        words = [i for i in inside if i not in counted and not _NUMBER.match(texts[i])]
        if len(words) > MOST_NAMES or len(counted) > MOST_NAMES:
            continue
        if counted:
            found = _STOREYS.match(texts[counted[0]])
            storeys[area], made[area] = (int(found["count"]), found["made"] or None) if found else (None, None)
        names[area] = " ".join(texts[i] for i in words) or None
        used += [*counted, *words]
    chinese = [name if name and has_han(name) else None for name in names]
    columns = {"name": names, "name_zh": chinese, "storeys": storeys, "construction": made}
    return Named({name: values for name, values in columns.items() if any(value is not None for value in values)}, sorted(used))


def _is_storeys(text: str) -> bool:
    """Whether a text is a surveyor's note of storeys: 砼6, 砖2, 6F, 6层; a bare number may be anything."""
    found = _STOREYS.match(text)
    return found is not None and bool(found["made"] or _TOLD_STOREYS.search(text))


def _owners(areas: Geometries, points: Geometries) -> Any:
    """For each text the index of the smallest polygon its middle or the point it was set at lies in (m,), -1 for none."""
    owner = np.full(len(points), -1)
    polygons = np.flatnonzero(~shapely.is_missing(areas) & (shapely.get_dimensions(areas) == 2))
    there = np.flatnonzero(~shapely.is_missing(points))
    if not len(polygons) or not len(there):
        return owner
    tree = shapely.STRtree(areas[polygons])
    sizes = shapely.area(areas[polygons])
    lines = shapely.get_type_id(points[there]) == shapely.GeometryType.LINESTRING
    for place in (0, -1):  # what the middle says is written last
        found = np.where(lines, shapely.get_point(points[there], place), points[there])
        pairs = tree.query(found, predicate="intersects")  # (2, k)
        for k in np.argsort(-sizes[pairs[1]]):  # the smallest is written last
            owner[there[pairs[0][k]]] = polygons[pairs[1][k]]
    return owner
