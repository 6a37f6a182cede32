"""A drawing in the park's terms: placed as a whole, a layer for each of its layers, its symbols as devices, its text as names.

A block stands for a device where its name, an attribute or its layer says so. The direction of one is that of its local x axis (its y
axis where its name says so), counter-clockwise from east in the drawing, and becomes an azimuth clockwise from true north on Earth.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely

from importers.contract import Context, Imported
from importers.devicerow import Row, device_of, missing_needs
from importers.dxf.drawing import Drawing, GeoLocation, Label, Symbol
from importers.dxf.layers import Content, Layers, layers_of
from importers.dxf.things import camera_type, device_word
from importers.encodings import issues_of
from importers.placing import Frameless, Placed, few, place
from importers.vocabulary import meaning
from twin.crs import crs_title
from twin.errors import UnreadableSource
from twin.model import DEVICE_KINDS, Device, Geometries, Issue

_LOOKING = {"camera", "speaker", "display", "cell"}  # devices that have a direction
_HIDDEN = {"off", "frozen", "invisible"}
_SOLIDS = {
    "3DSOLID",
    "BODY",
    "REGION",
    "SURFACE",
    "EXTRUDEDSURFACE",
    "LOFTEDSURFACE",
    "REVOLVEDSURFACE",
    "SWEPTSURFACE",
    "ACAD_PROXY_ENTITY",
}
_OFF_AXIS_DEG = 20.0  # a symbol that points further from its x axis than this is told
_STEP = 100  # length of the line that carries a direction, in chords: a metre where the unit is known


def assembled(drawing: Drawing, path: Path, context: Context) -> Imported:
    """The layers and devices of a drawing.

    Raises
    ------
    CRSError
        If nothing says where the drawing lies, or what says so contradicts it.
    UnreadableSource
        If nothing of it can be used.
    """
    placed = place(_frameless(drawing, path, context), context)
    devices, device_issues = _devices(drawing, placed, path, context)
    content = Content(drawing, placed, path.stem, path.name, _scale(drawing, context))
    layers = Layers() if context.options.kind in DEVICE_KINDS else layers_of(content, context)
    if not layers.contents and not devices:
        reasons = ", ".join(dict.fromkeys(issue.code for issue in placed.issues))
        raise UnreadableSource("source_nothing_usable", subject=path, count=len(placed.geometry), reasons=reasons)
    issues = [*_about(drawing, path, context, placed), *placed.issues, *layers.issues, *device_issues]
    return Imported(
        kind="dxf",
        layers=layers.contents,
        devices=devices,
        crs=placed.crs,
        height_datum=placed.heights.datum,
        height_offset_m=placed.heights.offset_m,
        encoding=drawing.encoding.name,
        issues=few(issues),
        details={**_details(drawing), "layers": layers.details, "placement": placed.details},
    )


def _frameless(drawing: Drawing, path: Path, context: Context) -> Frameless:
    """All of a drawing's geometry in its coordinates, or in those of the system it says it lies in where the person said nothing."""
    stem = path.stem
    shapes = [
        *(piece.geometry for piece in drawing.pieces),
        *(_pointer(symbol, drawing.flattening * _STEP, context.options.is_confirmed) for symbol in drawing.symbols),
        *(_label(label) for label in drawing.labels),
    ]
    subjects = [f"{stem}/{each.layer}/{each.handle}" for each in (*drawing.pieces, *drawing.symbols, *drawing.labels)]
    geometry = np.empty(len(shapes), object)
    geometry[:] = shapes
    location = _location(drawing, context)
    if location is None:
        return Frameless(geometry, subjects, path.name, None, unit_m=drawing.unit_m, is_unit_open=drawing.unit_m is None)
    matrix, scale = np.array(location.matrix), _scale(drawing, context)  # (2, 3)

    def move(points: Any) -> Any:
        x, y = points[:, 0], points[:, 1]  # no matrix product: that may differ in the last bit and open a ring
        return np.column_stack([*(a * x + b * y + c for a, b, c in matrix.tolist()), points[:, 2:] * scale])

    moved: Geometries = np.array([cast(Any, shapely.transform)(shape, move, include_z=bool(shape.has_z)) for shape in geometry], object)
    return Frameless(moved, subjects, path.name, location.crs)


def _location(drawing: Drawing, context: Context) -> GeoLocation | None:
    """Where the drawing says it lies, unless the person says it."""
    return drawing.location if context.options.crs is None and context.options.control is None else None


def _scale(drawing: Drawing, context: Context) -> float:
    """Units of the system the drawing says it lies in, in one of its own; 1 where it does not say."""
    location = _location(drawing, context)
    return 1.0 if location is None else float(np.hypot(location.matrix[0][0], location.matrix[1][0]))


def _label(label: Label) -> Any:
    """A text as a line from where it was set to its middle; a point where these are one."""
    start = label.position[:2]
    return shapely.LineString([start, label.middle]) if math.dist(start, label.middle) > 0.0 else shapely.Point(start)


def _pointer(symbol: Symbol, length: float, is_confirmed: bool) -> Any:
    """A symbol as a line from where it stands the way it points; a point where nobody turned it and nobody says that this is meant."""
    if not (symbol.is_turned or is_confirmed):
        return _point(symbol.position)
    x, y, z = symbol.position
    a = math.radians(symbol.turn_deg)
    ends = [(x, y), (x + length * math.cos(a), y + length * math.sin(a))]
    return shapely.LineString([(*end, z) for end in ends] if z != 0.0 else ends)


def _point(position: tuple[float, float, float]) -> Any:
    """A point, flat where its height is zero: that is what drawings write for unknown."""
    return shapely.Point(position if position[2] != 0.0 else position[:2])


@dataclass(frozen=True)
class _Standing:
    """Where a symbol stands, lon, lat [deg], h [m], and which way it points, clockwise from north [deg]; None where nobody said."""

    point: Any
    azimuth_deg: float | None


def _standing(shape: Any, context: Context) -> _Standing:
    if shape.geom_type == "Point":
        return _Standing(shape, None)
    points = shapely.get_coordinates(shape, include_z=bool(shape.has_z))
    (east, north), *_ = np.diff(context.park.frame.to_enu(points[:, :2])[:, :2], axis=0).tolist()
    lon = math.radians(float(points[0, 0]) - context.park.frame.lon_deg)
    here = math.degrees(lon * math.sin(math.radians(float(points[0, 1]))))  # meridians converge between the park's origin and the place
    return _Standing(shapely.Point(points[0]), (math.degrees(math.atan2(east, north)) + here) % 360.0)


def _devices(drawing: Drawing, placed: Placed, path: Path, context: Context) -> tuple[list[Device], list[Issue]]:
    """The symbols that stand for devices, and what is wrong or open with them."""
    first = len(drawing.pieces)
    devices: list[Device] = []
    issues: list[Issue] = []
    taken: Counter[str] = Counter()
    open_turns: Counter[str] = Counter()
    for i, symbol in enumerate(drawing.symbols):
        given = context.options.kind if context.options.kind in DEVICE_KINDS else None
        word = device_word(symbol.block, symbol.layer, symbol.said, given)
        shape = placed.geometry[first + i]
        if word is None or shape is None:
            continue
        standing = _standing(shape, context)
        row = _row(symbol, i, word, standing.azimuth_deg, path.stem)
        taken[str(row.values["id"])] += 1
        if taken[str(row.values["id"])] > 1:
            row = _renumbered(row, taken)
        device, found = device_of(row, standing.point, path.name, context.locate)
        issues += found
        if device is not None:
            devices.append(device)
            open_turns[symbol.block] += device.kind in _LOOKING and device.attributes.get("azimuth_deg") is None
    return devices, [*issues, *_directions(drawing, devices, open_turns, path.name), *missing_needs(devices, path.name)]


def _row(symbol: Symbol, i: int, word: str, azimuth: float | None, stem: str) -> Row:
    """A symbol as a row of a device table: its attributes under our names, its turn as an azimuth where none of them says one."""
    named = {tag: meaning("device_columns", tag) or tag for tag in symbol.said if tag != "block"}
    values: dict[str, Any] = {ours: symbol.said[tag] for tag, ours in named.items() if ours != "kind"}
    headers = {ours: tag for tag, ours in named.items()}
    own = {"block": symbol.block, "drawing_layer": symbol.layer, "id": f"{stem}-{symbol.handle or i + 1}"}
    own |= {"name": f"{symbol.block} {symbol.handle or i + 1}"} | ({} if azimuth is None else {"azimuth_deg": round(azimuth, 3)})
    own |= {"ptz": camera_type(symbol.block)} if meaning("device_kinds", word) == "camera" and camera_type(symbol.block) else {}
    said = own | values
    return Row(i + 1, stem, word, said, {name: headers.get(name, name) for name in said})


def _renumbered(row: Row, taken: Mapping[str, int]) -> Row:
    """The row with a number behind an id that came before."""
    old = str(row.values["id"])
    number = next(k for k in range(taken[old], taken[old] + len(taken) + 2) if f"{old}-{k}" not in taken)
    return Row(row.number, row.table, row.kind, {**row.values, "id": f"{old}-{number}"}, row.headers)


def _directions(drawing: Drawing, devices: Sequence[Device], open_turns: Mapping[str, int], source: str) -> list[Issue]:
    """What the drawing leaves open about directions: blocks nobody turned, and symbols that do not point along their x axis."""
    looking = Counter(str(device.attributes.get("block")) for device in devices if device.kind in _LOOKING)
    axes = {symbol.block: symbol.axis_deg for symbol in drawing.symbols if symbol.block in looking and symbol.axis_deg is not None}
    unturned = [
        Issue("dxf_unturned", "info", source, {"block": block, "count": count, "total": looking[block]})
        for block, count in open_turns.items()
        if count
    ]
    off = [
        Issue("dxf_axis", "warning", source, {"block": block, "angle": round(angle)})
        for block, angle in axes.items()
        if abs(angle) > _OFF_AXIS_DEG
    ]
    return [*unturned, *off]


def _about(drawing: Drawing, path: Path, context: Context, placed: Placed) -> list[Issue]:
    """What a person should know of the drawing as a whole."""
    source = path.name
    issues = [Issue("dxf_mended", "warning", source, {"what": what, "count": count}) for what, count in drawing.mended.items()]
    issues += [_left_out(what, count, source) for what, count in _gathered(drawing.left_out).items() if what != "XREF"]
    issues += [Issue("dxf_reference", "warning", source, {"name": name}) for name in drawing.references]
    issues += issues_of(drawing.encoding, source)
    geolocated = drawing.location is not None and placed.details.get("why") == "stated"
    if geolocated:
        issues.append(Issue("dxf_geolocated", "info", source, {"crs": crs_title(placed.crs)}))
    elif drawing.unit_m is None and context.options.control is None and "@" not in placed.crs:
        issues.append(Issue("dxf_unitless", "info", source, {"crs": crs_title(placed.crs)}))
    return issues


def _gathered(left_out: Mapping[str, int]) -> dict[str, int]:
    """Counts of what was left out, the ways to be hidden as one."""
    hidden = sum(count for what, count in left_out.items() if what in _HIDDEN)
    others = {what: count for what, count in left_out.items() if what not in _HIDDEN and count}
    return others | ({"hidden": hidden} if hidden else {})


def _left_out(what: str, count: int, source: str) -> Issue:
    about = {"what": what, "count": count}
    if what == "hidden":
        return Issue("dxf_hidden", "info", source, {"count": count})
    if what == "paper space":
        return Issue("dxf_paper_space", "info", source, {"count": count})
    if what in _SOLIDS:
        return Issue("dxf_solids", "warning", source, about)
    return Issue("dxf_damaged", "warning", source, about) if "(" in what else Issue("dxf_left_out", "info", source, about)


def _details(drawing: Drawing) -> dict[str, Any]:
    blocks = Counter(symbol.block for symbol in drawing.symbols)
    return {
        "version": drawing.version,
        "unit": drawing.unit or None,
        "unit_m": drawing.unit_m,
        "is_metric": drawing.is_metric,
        "encoding_how": drawing.encoding.how,
        "flattening": drawing.flattening,
        "entities": dict(Counter(piece.entity for piece in drawing.pieces)),
        "symbols": dict(blocks),
        "texts": len(drawing.labels),
        "left_out": dict(drawing.left_out),
        "mended": dict(drawing.mended),
        "references": [re.sub(r"[\r\n]", " ", name) for name in drawing.references],
    }
