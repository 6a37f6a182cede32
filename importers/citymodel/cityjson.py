"""CityJSON 1.0, 1.1 and 2.0, and CityJSONSeq: one document, or a line of metadata and a line for each feature.

CityJSON Specifications 2.0.1 (cityjson.org): section 2 objects, 3 geometry, 3.4 templates, 8 CityJSONSeq. Easting (longitude) is always
the first coordinate.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from importers.citymodel.city import NO_SHELL, OBJECTS, CityObject, Notes, Ring, Shape, Surface
from twin.errors import UnreadableSource
from twin.model import Issue

LARGEST_BYTES = 600_000_000  # of one document, which is held whole at some ten times that; a sequence may be of any size
_ENOUGH_POINTS = 3
_DEPTH = {"MultiSurface": 1, "CompositeSurface": 1, "Solid": 2, "MultiSolid": 3, "CompositeSolid": 3}
_BROKEN = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)

Json = Mapping[str, Any]


@dataclass(frozen=True)
class _Coordinates:
    """Where the numbers of boundaries lead: points (n, 3) of the file, and those of its templates (t, 3)."""

    points: Ring
    templates: Sequence[Json]
    template_points: Ring
    crs: str | None


def read_cityjson(path: Path, notes: Notes) -> Iterator[CityObject]:
    """The objects of a CityJSON document or sequence; what they belong to is noted.

    Raises
    ------
    UnreadableSource
        If it is no JSON, no CityJSON, or too large to be held.
    """
    notes.has_x_first = True
    with path.open("rb") as stream:
        first = stream.readline(64 * 2**20)
        head = _parsed(first) if first.rstrip().endswith(b"}") else None
        if head is not None and _is_sequence(head, stream.read(1 << 16)):
            stream.seek(len(first))
            yield from _sequence(head, stream, notes)
            return
    if path.stat().st_size > LARGEST_BYTES:
        raise UnreadableSource("cityjson_too_large", subject=path.name, megabytes=LARGEST_BYTES // 10**6)
    yield from _document(_loaded(path), notes)


def _is_sequence(head: Json, rest: bytes) -> bool:
    return head.get("type") == "CityJSON" and rest.lstrip().startswith(b"{")


def _parsed(text: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) else None


def _loaded(path: Path) -> Json:
    try:
        found = json.loads(path.read_bytes())
    except RecursionError as error:
        raise UnreadableSource("source_unreadable", subject=path.name, reason="nesting") from error
    except ValueError as error:
        raise UnreadableSource("source_unreadable", subject=path.name, reason=str(error)) from error
    if not isinstance(found, dict) or cast(Json, found).get("type") not in {"CityJSON", "CityJSONFeature"}:
        raise UnreadableSource("city_not_a_model", subject=path.name)
    return cast(Json, found)


def _sequence(head: Json, lines: Iterator[bytes], notes: Notes) -> Iterator[CityObject]:
    crs = _metadata(head, notes)
    yield from _objects(head, _coordinates(head, head, crs), notes)
    for number, line in enumerate(lines, 2):
        if not line.strip():
            continue
        feature = _parsed(line)
        if feature is None or not isinstance(feature.get("CityObjects"), dict):
            notes.issues.append(Issue("city_line_broken", "warning", f"{notes.source}:{number}"))
            continue
        yield from _objects(feature, _coordinates(feature, head, crs), notes)


def _document(whole: Json, notes: Notes) -> Iterator[CityObject]:
    crs = _metadata(whole, notes)
    yield from _objects(whole, _coordinates(whole, whole, crs), notes)


def _metadata(head: Json, notes: Notes) -> str | None:
    """The stated coordinate system; schema, title and envelope are noted."""
    metadata = _mapping(head.get("metadata"))
    notes.schema = f"CityJSON {head.get('version', '')}".strip()
    notes.title = str(metadata.get("title") or metadata.get("datasetTitle") or "")
    extent = metadata.get("geographicalExtent")
    if isinstance(extent, list) and len(cast(Sequence[Any], extent)) == 6:
        notes.envelope = _numbers(cast(Sequence[Any], extent)).reshape(2, 3)
    crs = metadata.get("referenceSystem") or (_mapping(metadata.get("crs")).get("epsg"))
    notes.crs = None if crs is None else f"EPSG:{crs}" if isinstance(crs, int) else str(crs)
    for name in _mapping(head.get("extensions")):
        notes.counts["city_extension_ignored", str(name)] += 1
    if head.get("appearance"):
        notes.counts["city_appearance_ignored", ""] += 1
    return notes.crs


def _mapping(value: Any) -> Json:
    """An object of the file; an empty one where something else stands in its place."""
    return cast(Json, value) if isinstance(value, dict) else {}


def _numbers(values: Sequence[Any]) -> Ring:
    try:
        return np.array(values, float)
    except (TypeError, ValueError) as error:
        raise UnreadableSource("city_not_a_model", subject="vertices") from error


def _coordinates(holder: Json, head: Json, crs: str | None) -> _Coordinates:
    points = _numbers(holder.get("vertices") or []).reshape(-1, 3)
    transform = _mapping(head.get("transform"))
    if transform and len(points):
        points = points * _numbers(transform.get("scale", [1, 1, 1])) + _numbers(transform.get("translate", [0, 0, 0]))
    shared = _mapping(head.get("geometry-templates"))
    return _Coordinates(points, shared.get("templates") or [], _numbers(shared.get("vertices-templates") or []).reshape(-1, 3), crs)


def _objects(holder: Json, places: _Coordinates, notes: Notes) -> Iterator[CityObject]:
    if not isinstance(holder.get("CityObjects", {}), dict):
        raise UnreadableSource("city_not_a_model", subject=notes.source)
    for name, said in _mapping(holder.get("CityObjects")).items():
        try:
            found = _object(str(name), cast(Json, said), places, notes)
        except _BROKEN as error:
            notes.issues.append(Issue("city_object_broken", "warning", str(name), {"reason": f"{type(error).__name__}: {error}"}))
            continue
        if found is not None:
            yield found


def _object(name: str, said: Json, places: _Coordinates, notes: Notes) -> CityObject | None:
    kind = str(said["type"])
    if kind not in OBJECTS:
        notes.counts["city_class_ignored", kind] += 1
        return None
    parents = said.get("parents") or ([said["parent"]] if said.get("parent") else [])
    attributes = dict(cast(Json, said.get("attributes") or {}))
    members = said.get("children") or said.get("members") or [] if kind == "CityObjectGroup" else []
    shapes = [shape for geometry in said.get("geometry") or [] for shape in _shapes(cast(Json, geometry), kind, places, notes)]
    title = attributes.pop("name", None) or attributes.pop("gml:name", None) or ""
    return CityObject(
        id=name,
        kind=kind,
        parent=str(parents[0]) if parents else None,
        name=str(title),
        attributes=attributes,
        addresses=_addresses(said.get("address")),
        shapes=shapes,
        members=[str(member) for member in members],
    )


def _addresses(said: Any) -> list[str]:
    rows = cast("list[Any]", said) if isinstance(said, list) else [said] if isinstance(said, dict) else []
    out: list[str] = []
    for row in rows:
        words = [str(value) for key, value in cast(Json, row).items() if isinstance(value, str | int | float) and key != "location"]
        if words:
            out.append(", ".join(words))
    return out


def _shapes(geometry: Json, kind: str, places: _Coordinates, notes: Notes) -> Iterator[Shape]:
    form = str(geometry["type"])
    lod = str(geometry.get("lod", "0"))
    if geometry.get("texture") or geometry.get("material"):
        notes.counts["city_appearance_ignored", ""] += 1
    if form == "GeometryInstance":
        yield _instance(geometry, places)
    elif form in {"MultiPoint", "MultiLineString"}:
        lines = [[k] for k in geometry["boundaries"]] if form == "MultiPoint" else geometry["boundaries"]
        yield Shape(lod, paths=[_ring(line, places.points) for line in lines if line], crs=places.crs)
    elif form in _DEPTH:
        surfaces, voids = _surfaces(geometry, places.points)
        role = "footprint" if lod.startswith("0") and kind.startswith("Building") else "body"
        if lod == "0.3" and role == "footprint":  # Biljecki et al. 2016: 0.3 adds the edge of the roof to the footprint
            role = "roof_edge"
        yield Shape(lod, role, surfaces, voids=voids, crs=places.crs)
    else:
        notes.counts["city_geometry_ignored", form] += 1


def _instance(geometry: Json, places: _Coordinates) -> Shape:
    """A template put in its place: turned and scaled about the reference point by its matrix."""
    template = places.templates[int(geometry["template"])]
    anchor = places.points[int(geometry["boundaries"][0])]
    matrix = _numbers(geometry.get("transformationMatrix") or np.eye(4).ravel().tolist()).reshape(4, 4)
    points = places.template_points @ matrix[:3, :3].T + matrix[:3, 3]
    surfaces, voids = _surfaces(template, points)
    return Shape(str(template.get("lod", "0")), "body", surfaces, voids=voids, crs=places.crs, anchor=anchor)


def _surfaces(geometry: Json, points: Ring) -> tuple[list[Surface], frozenset[int]]:
    """The surfaces of a geometry with their kinds and shells, and which shells are cavities."""
    depth = _DEPTH[str(geometry["type"])]
    semantics = _mapping(geometry.get("semantics"))
    kinds = [str(_mapping(each).get("type", "")) for each in semantics.get("surfaces") or []]
    values = semantics.get("values")
    solids = geometry["boundaries"]
    for _ in range(_DEPTH["MultiSolid"] - depth):
        solids, values = [solids], [values]
    out: list[Surface] = []
    voids: set[int] = set()
    number = 0
    for i, solid in enumerate(solids):
        for j, surfaces in enumerate(solid):
            for k, rings in enumerate(surfaces):
                loops = [_ring(ring, points) for ring in rings]
                if loops and len(loops[0]) >= _ENOUGH_POINTS:
                    out.append(Surface(loops, _kind(kinds, values, (i, j, k)), number if depth > 1 else NO_SHELL))
            if j and depth > 1:
                voids.add(number)
            number += 1
    return out, frozenset(voids)


def _kind(kinds: Sequence[str], values: Any, path: Sequence[int]) -> str:
    """The kind of a surface; empty where the file names none. Whole branches of `values` may be null."""
    for step in path:
        if not isinstance(values, list) or step >= len(cast("list[Any]", values)):
            return ""
        values = cast("list[Any]", values)[step]
    return kinds[values] if isinstance(values, int) and 0 <= values < len(kinds) else ""


def _ring(numbers: Sequence[int], points: Ring) -> Ring:
    at = np.asarray(numbers)
    if at.ndim != 1 or (at.size and (at.dtype.kind != "i" or at.min() < 0)):
        raise IndexError(str(numbers)[:60])
    ring = points[at.astype(np.int64)]
    return ring[:-1] if len(ring) > _ENOUGH_POINTS and (ring[0] == ring[-1]).all() else ring
