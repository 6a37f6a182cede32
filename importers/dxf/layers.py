"""The layers of a drawing as layers of the park: outlines closed, names read off the text that lies in them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import shapely

from importers.columns import attributes, identity
from importers.contract import Context, LayerContent
from importers.dxf.drawing import Drawing
from importers.dxf.labels import named
from importers.dxf.things import device_word, map_word, point_kind
from importers.layerkind import AREAS, BAY_AREA_M2, Kind, closed_rings_filled, kind_of
from importers.placing import Placed
from importers.recognise import layer_kind
from importers.tables import Table, shapes_of
from importers.vocabulary import has_han
from twin.crs import Frame
from twin.model import FeatureTable, Geometries, Issue, Layer

_JOINED = AREAS - {"road_area"}  # kinds whose single lines are sides of an outline


@dataclass(frozen=True)
class Content:
    """A drawing, where its geometry lies (pieces, then symbols, then labels), and what its layers are named after.

    `scale` turns its lengths into those that were placed, where the drawing itself said where it lies.
    """

    drawing: Drawing
    placed: Placed
    stem: str
    source: str
    scale: float = 1.0


@dataclass(frozen=True)
class Layers:
    """Layers made, what was noticed on the way, and how each came to be what it is."""

    contents: Sequence[LayerContent] = ()
    issues: Sequence[Issue] = ()
    details: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class _Made:
    """One layer before its labels are read: table with geometry, kind, and what was noticed."""

    name: str  # the drawing's layer
    kind: Kind
    table: Table
    read: int
    issues: Sequence[Issue] = field(default_factory=tuple)


def layers_of(content: Content, context: Context) -> Layers:
    """The layers of a drawing; text that names nothing becomes points on a layer of its own."""
    tables = [table for table in _tables(content) if len(table)]
    made = [_shaped(table, context) for table in tables]
    labelled = _labelled(made, content)
    written = _apart([_written(each, content.stem, len(labelled) > 1, context) for each in labelled if len(each.table)])
    labels, used = sum(shape is not None for shape in _label_points(content)), _used(made, content)
    told = [Issue("dxf_labels", "info", content.source, {"used": len(used), "count": labels})] if labels else []
    return Layers(
        [layer for layer, _, _ in written],
        [*(issue for _, issues, _ in written for issue in issues), *told],
        [details for _, _, details in written],
    )


_Written = tuple[LayerContent, list[Issue], dict[str, Any]]


def _apart(written: Sequence[_Written]) -> list[_Written]:
    """The layers with a number behind an id that came before: names that differ in signs alone make the same id."""
    seen: Counter[str] = Counter()
    out: list[_Written] = []
    for content, issues, details in written:
        seen[content.layer.id] += 1
        number = seen[content.layer.id]
        fresh = content.layer.id if number == 1 else f"{content.layer.id}_{number}"
        out.append((replace(content, layer=replace(content.layer, id=fresh)), issues, {**details, "id": fresh}))
    return out


def _tables(content: Content) -> list[Table]:
    """A table for each layer of the drawing and, where symbols on it stand for points, each kind of these."""
    drawing = content.drawing
    first = len(drawing.pieces)
    rows: dict[tuple[str, str | None], list[tuple[Any, str, Mapping[str, Any]]]] = defaultdict(list)
    for i, piece in enumerate(drawing.pieces):
        if content.placed.geometry[i] is not None:
            said = _lengths(piece.said, content, content.placed.geometry[i])
            rows[piece.layer, None].append((content.placed.geometry[i], piece.handle, {**said, "entity": piece.entity}))
    for i, symbol in enumerate(drawing.symbols):
        kind = None if device_word(symbol.block, symbol.layer, symbol.said) else point_kind(symbol.block, symbol.layer)
        shape = content.placed.geometry[first + i]
        if kind is not None and shape is not None:
            point = shape if shape.geom_type == "Point" else shapely.get_point(shape, 0)
            rows[symbol.layer, kind].append((point, symbol.handle, {**symbol.said, "entity": "INSERT"}))
    names = {(layer, kind): f"{layer}_{kind}" if kind is not None and (layer, None) in rows else layer for layer, kind in rows}
    return [
        replace(_table(content.stem, layer, kind, listed), name=f"{content.stem}_{names[layer, kind]}")
        for (layer, kind), listed in rows.items()
    ]


def _table(stem: str, layer: str, kind: str | None, rows: Sequence[tuple[Any, str, Mapping[str, Any]]]) -> Table:
    names = dict.fromkeys(name for _, _, said in rows for name in said)
    geometry = np.empty(len(rows), object)
    geometry[:] = [shape for shape, _, _ in rows]
    columns = {name: [said.get(name) for _, _, said in rows] for name in names}
    return Table(f"{stem}_{layer}", columns, geometry, ids=[handle for _, handle, _ in rows], details={"layer": layer, "kind": kind})


def _lengths(said: Mapping[str, Any], content: Content, shape: Any) -> dict[str, Any]:
    """What is said of a piece with its lengths in metres under our names, and its foot on the park's datum."""
    metres = content.placed.metres_per_unit * content.scale
    out = {name: value for name, value in said.items() if name not in {"rise", "width", "z_low"}}
    if "rise" in said:
        out["height_m"] = said["rise"] * metres
    if "width" in said:
        out["width_m"] = said["width"] * metres
    if said.get("z_low"):  # zero is what drawings write for unknown
        middle = shape.centroid
        out["base_m"] = float(content.placed.heights.to_park([[middle.x, middle.y]], [said["z_low"] * content.scale])[0])
    return out


def _shaped(table: Table, context: Context) -> _Made:
    """The layer with its kind, its closed lines as areas and its single lines joined where the kind is one of areas."""
    read, drawn = len(table), str(table.details["layer"])
    kind = _kind(table, drawn, context)
    issues: list[Issue] = []
    if kind.name in _JOINED:
        table, joined = _joined(table)
        issues += joined
    geometry, filled = closed_rings_filled(shapes_of(table), kind.name, table.name)
    table = replace(table, geometry=geometry)
    return _Made(drawn, _by_shape(kind, geometry, context.park.frame), table, read, [*issues, *filled])


def _kind(table: Table, drawn: str, context: Context) -> Kind:
    given = layer_kind(context.options.kind)
    if given is not None:
        return Kind(given, "given")
    if table.details["kind"] is not None:
        return Kind(str(table.details["kind"]), "block")
    return map_word(drawn) or kind_of(table, [table.name], {}, shapes_of(table), None, context.park.frame)


def _by_shape(kind: Kind, geometry: Geometries, frame: Frame) -> Kind:
    """Roads that are areas, and parking whose pieces have the size of a bay."""
    areas = geometry[shapely.get_dimensions(geometry) == 2]
    if kind.why == "given" or len(areas) * 2 <= len(geometry):
        return kind
    if kind.name == "road":
        return replace(kind, name="road_area")
    if kind.name == "parking_area":
        sizes: Any = shapely.area(frame.project(shapely.force_2d(areas)))
        return replace(kind, name="parking_bay") if float(np.median(sizes)) < BAY_AREA_M2 else kind
    return kind


def _joined(table: Table) -> tuple[Table, list[Issue]]:
    """The table with single lines that meet end to end all round as one closed line each, in the place of the first."""
    geometry = shapes_of(table)
    single = np.flatnonzero((shapely.get_type_id(geometry) == shapely.GeometryType.LINESTRING) & ~shapely.is_closed(geometry))
    if len(single) < 3:
        return table, []
    merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(shapely.force_2d(geometry[single]))))
    rings = [part for part in merged if part.is_closed and len(part.coords) > 3]
    if not rings:
        return table, []
    middles = shapely.line_interpolate_point(shapely.force_2d(geometry[single]), 0.5, normalized=True)
    ring, member = shapely.STRtree(middles).query(rings, predicate="dwithin", distance=1e-9)
    owner: dict[int, int] = dict(zip(single[member].tolist(), ring.tolist(), strict=True))
    first: dict[int, int] = {}
    for i, k in sorted(owner.items()):
        first.setdefault(k, i)
    shapes = geometry.copy()
    for k, i in first.items():
        shapes[i] = rings[k]
    kept = [i for i in range(len(table)) if i not in owner or first[owner[i]] == i]
    told = {"lines": len(owner), "areas": len(first)}
    return _rows(replace(table, geometry=shapes), kept), [Issue("dxf_lines_joined", "info", table.name, told)] if first else []


def _rows(table: Table, rows: Sequence[int]) -> Table:
    columns = {name: [values[i] for i in rows] for name, values in table.columns.items()}
    ids = [table.ids[i] for i in rows] if table.ids is not None else None
    return replace(table, columns=columns, geometry=shapes_of(table)[list(rows)], ids=ids)


def _label_points(content: Content) -> Geometries:
    return content.placed.geometry[len(content.drawing.pieces) + len(content.drawing.symbols) :]


def _named(made: Sequence[_Made], content: Content) -> Any:
    """What the texts say of all areas of the drawing at once, row after row."""
    areas = [shapes_of(each.table) if each.kind.name in AREAS else np.full(len(each.table), None, object) for each in made]
    together: Geometries = np.concatenate(areas) if areas else np.empty(0, object)
    flat: Geometries = shapely.force_2d(together)
    points: Geometries = shapely.force_2d(_label_points(content))
    return named(flat, points, [label.text for label in content.drawing.labels])


def _used(made: Sequence[_Made], content: Content) -> Sequence[int]:
    return _named(made, content).used


def _labelled(made: Sequence[_Made], content: Content) -> list[_Made]:
    """The layers with names from text where they have none, and the text that named nothing as layers of points."""
    found = _named(made, content)
    out: list[_Made] = []
    start = 0
    for each in made:
        rows = slice(start, start + len(each.table))
        said = {name: list(values[rows]) for name, values in found.columns.items()}
        said = {name: values for name, values in said.items() if any(value is not None for value in values)}
        fresh = {name: values for name, values in said.items() if name not in each.table.columns}
        out.append(replace(each, table=replace(each.table, columns={**each.table.columns, **fresh})))
        start += len(each.table)
    return [*out, *_text_layers(content, set(found.used))]


def _text_layers(content: Content, used: set[int]) -> list[_Made]:
    """Text that named nothing, as points with what it says as their name, a layer for each layer of the drawing."""
    rows: dict[str, list[tuple[Any, str, Mapping[str, Any]]]] = defaultdict(list)
    for i, (label, point) in enumerate(zip(content.drawing.labels, _label_points(content), strict=True)):
        if i not in used and point is not None:
            start = point if point.geom_type == "Point" else shapely.get_point(point, 0)
            rows[label.layer].append((start, label.handle, {"name": label.text, "entity": "TEXT"}))
    tables = [_table(content.stem, layer, None, listed) for layer, listed in rows.items()]
    return [_Made(str(t.details["layer"]), Kind("other", "text"), replace(t, name=f"{t.name}_text"), len(t)) for t in tables]


def _written(made: _Made, stem: str, several: bool, context: Context) -> _Written:
    """One layer with its columns under our names."""
    table, asked = made.table, context.options.layer
    known = identity(table)
    subjects = [f"{table.name}/{each}" for each in known.ids]
    columns = attributes(table, subjects, [known.column])
    wanted = asked if asked and not several else table.name.replace(stem, asked, 1) if asked else table.name
    layer_id = re.sub(r"[^\w\-]+", "_", wanted).strip("_") or "layer"
    title = asked if asked and not several else made.name if made.name != "0" else table.name
    layer = Layer(layer_id, made.kind.name, title, len(table), title_zh=title if has_han(title) else "")
    geometry = shapes_of(table)
    details = {
        "id": layer_id, "layer": made.name, "kind": made.kind.name, "why": made.kind.why, "word": made.kind.word, "read": made.read,
        "kept": len(table), "geometry": dict(Counter(shape.geom_type for shape in geometry)), "columns": dict(columns.sources),
    }  # fmt: skip
    issues = [*table.issues, *made.issues, *known.issues, *columns.issues]
    return LayerContent(layer, FeatureTable(known.ids, geometry, columns.columns)), issues, details
