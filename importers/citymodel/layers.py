"""City objects as layers: footprints of buildings, areas of roads, water and green, trees and furniture as points."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely

from importers.citymodel.city import AREAS, POINTS, lod_rank
from importers.citymodel.codes import in_words
from importers.citymodel.made import Family, Made
from importers.citymodel.outlines import on_earth, united
from importers.contract import LayerContent
from twin.crs import Frame
from twin.i18n import message
from twin.model import FEATURE_COLUMNS, FeatureTable, Layer

_POLE = re.compile(r"lamp|light|lantern|mast|pole|leuchte|laterne|lantaarn|灯|杆|柱", re.IGNORECASE)
_HIGHEST_M = 1500.0  # nothing built is higher
_SAID = {"name", "class", "usage", "function", "roofType", "measuredHeight", "storeysAboveGround", "yearOfConstruction"}


@dataclass(frozen=True)
class Naming:
    """What the layers of one file are called: the beginning of their ids, and the file in their titles."""

    stem: str
    title: str


def slug(text: str) -> str:
    """A name that ids may begin with."""
    return re.sub(r"[^\w\-]+", "_", text).strip("_") or "city"


def layers(objects: Sequence[Made], buildings: Sequence[Family], frame: Frame, naming: Naming) -> list[LayerContent]:
    """All layers of a file; an object that lies nowhere is in none of them."""
    rows: dict[str, list[tuple[str, Any, dict[str, Any]]]] = {}
    for family in buildings:
        if (row := _building(family, frame)) is not None:
            rows.setdefault("building", []).append(row)
    for each in objects:
        for kind, row in _others(each, frame):
            rows.setdefault(kind, []).append(row)
    return [_content(kind, found, naming) for kind, found in rows.items()]


def _content(kind: str, rows: Sequence[tuple[str, Any, Mapping[str, Any]]], naming: Naming) -> LayerContent:
    names = dict.fromkeys(name for _, _, said in rows for name in said)
    columns = {name: [said.get(name) for _, _, said in rows] for name in names}
    geometry = np.empty(len(rows), object)
    geometry[:] = [shape for _, shape, _ in rows]
    titles = [message(f"city_layer_{kind}", lang, file=naming.title) for lang in ("en", "zh")]
    layer = Layer(f"{naming.stem}_{kind}", kind, titles[0], len(rows), title_zh=titles[1])
    return LayerContent(layer, FeatureTable([name for name, _, _ in rows], geometry, columns))


def _building(family: Family, frame: Frame) -> tuple[str, Any, dict[str, Any]] | None:
    """A building by its footprint: its own outline, else those of its parts together."""
    head, parts = family.head, [part for part in family.parts if part.kind == "BuildingPart"]
    outlines = [each.outline for each in (head, *parts) if each.outline is not None]
    if not outlines:
        return None
    whole = outlines[0] if head.outline is not None and head.outline.source == "footprint" else united(outlines)
    said = _attributes(head) | _heights(family)
    if parts:
        said["parts"] = [part.id for part in parts]
    if head.said.addresses:
        said["addresses"] = list(head.said.addresses)
    levels = {lod for each in family.everyone for lod in each.lods}
    said["lod"] = ", ".join(sorted(levels, key=lod_rank))
    said["footprint_source"] = whole.source
    return head.id, on_earth(whole, frame), said


def _heights(family: Family) -> dict[str, Any]:
    """Foot, height and storeys of a building, by its attributes, else by its body."""
    everyone = [family.head, *(part for part in family.parts if part.kind == "BuildingPart")]
    bodies = [each.body for each in everyone if each.body is not None]
    low = min((body.low_h for body in bodies), default=None)
    high = max((body.high_h for body in bodies), default=None)
    measured = _number(family.head.said.attributes.get("measuredHeight"), _HIGHEST_M)
    if measured is None:
        measured = max((h for part in everyone if (h := _number(part.said.attributes.get("measuredHeight"), _HIGHEST_M))), default=None)
    height = measured if measured is not None else round(high - low, 3) if low is not None and high is not None and high > low else None
    storeys = _number(family.head.said.attributes.get("storeysAboveGround"), 500)
    out = {"base_m": None if low is None else round(low, 3), "height_m": height, "storeys": None if storeys is None else int(storeys)}
    return {name: value for name, value in out.items() if value is not None}


def _number(value: Any, most: float) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if 0 < number <= most else None


def _attributes(each: Made) -> dict[str, Any]:
    """What is said of an object under our names, codes in words, and everything else under its own."""
    given = each.said.attributes
    said: dict[str, Any] = {"name": each.said.name or None, "class": in_words("class", given)}
    function, usage = in_words("function", given), in_words("usage", given)
    said |= {"usage": usage or function, "function": function, "roof_type": in_words("roofType", given)}
    said["year"] = _year(given.get("yearOfConstruction") or given.get("dateOfConstruction"))
    for name, value in given.items():
        ours = name if name not in FEATURE_COLUMNS and name not in said else f"{name}_code"
        said.setdefault(ours, value)
    return {name: value for name, value in said.items() if value is not None and value != ""}


def _year(value: Any) -> int | None:
    found = re.match(r"\s*-?(\d{3,4})(?!\d)", str(value)) if value is not None else None
    return int(found[1]) if found else None


def _others(each: Made, frame: Frame) -> list[tuple[str, tuple[str, Any, dict[str, Any]]]]:
    """The layers an object that is no building goes to, with its row."""
    out: list[tuple[str, tuple[str, Any, dict[str, Any]]]] = []
    said = _attributes(each)
    if each.kind in AREAS:
        said["city_class"] = each.kind
        if each.outline is not None:
            out.append((AREAS[each.kind], (each.id, on_earth(each.outline, frame), said)))
        elif each.lines:
            lines = [shapely.LineString(frame.to_lonlat(line)[:, :2]) for line in each.lines]
            out.append(("road", (each.id, lines[0] if len(lines) == 1 else shapely.MultiLineString(lines), said)))
    if each.kind in POINTS and each.foot is not None:
        out.append((_point_kind(each, said), (each.id, _point(each, frame), said | _size(each) | {"city_class": each.kind})))
    return out


def _point_kind(each: Made, said: Mapping[str, Any]) -> str:
    words = " ".join(str(said.get(name, "")) for name in ("name", "class", "function", "usage"))
    return "pole" if each.kind == "CityFurniture" and _POLE.search(words) else POINTS[each.kind]


def _point(each: Made, frame: Frame) -> Any:
    lon, lat = frame.to_lonlat(np.asarray(each.foot)[None, :3])[0, :2].tolist()
    return shapely.Point(lon, lat)


def _size(each: Made) -> dict[str, Any]:
    height = _number(each.said.attributes.get("height"), _HIGHEST_M)
    if height is None and each.body is not None and each.body.high_h > each.body.low_h:
        height = round(each.body.high_h - each.body.low_h, 3)
    base = None if each.foot is None else round(float(each.foot[3]), 3)
    return {name: value for name, value in (("height_m", height), ("base_m", base)) if value is not None}
