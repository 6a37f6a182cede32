"""What `twin.model` calls things, as the rows that every back end writes; `twin.store.rows` reads them back.

Each function gives tuples in the order of `COLUMNS`. Geometry comes first, in whatever form the back end's `encode` gives it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from json.encoder import encode_basestring
from typing import Any

import numpy as np
import shapely

from twin.model import (
    FEATURE_COLUMNS,
    Asset,
    Connection,
    Device,
    Element,
    Event,
    FeatureTable,
    Geometries,
    Group,
    Model,
    Photometry,
    Scenario,
    Space,
    Storey,
)
from twin.store import blob

Encode = Callable[[Geometries], Sequence[Any]]
Values = tuple[Any, ...]

COLUMNS: Mapping[str, str] = {
    "devices": "geom id kind name height_m z_m building_id storey_id space_id status valid_from attributes source",
    "events": "geom id kind at severity status device_id building_id storey_id message_en message_zh attributes",
    "models": "geom id name schema sha256 georeferencing base_h_m top_h_m building_id discipline source",
    "spaces": "geom id model_id storey_id name long_name usage floor_h_m height_m area_m2 attributes",
    "storeys": "id model_id name elevation_m base_h_m height_m",
    "elements": "id model_id ifc_class name storey_id space_id type_name discipline state kernel reason materials properties bbox",
    "groups": "id model_id kind ifc_class name usage members attributes",
    "connections": "model_id from_id to_id from_port to_port flow is_inferred position",
    "photometries": "id name lumens watts c_deg gamma_deg candela attributes source",
    "assets": "source name sha256 size media_type",
    "meshes": "model_id arrays",
    "terrain": "source role arrays",
    "park_layers": "id kind title table_name source title_zh",
    "scenarios": "name note at changes",
    "versions": "source sha256 options importer at report number",
}
_PLAIN = frozenset({str, int, float, type(None)})
_SAID: Mapping[type, Callable[[Any], str]] = {str: encode_basestring, int: int.__repr__, float: float.__repr__}  # `json_text`, faster
NUMBERS = frozenset({"height_m", "base_m", "storeys"})  # the columns of a layer that hold numbers; the others hold text


def devices(listed: Sequence[Device], source: str, encode: Encode) -> list[Values]:
    """Rows of `devices`."""
    points = encode(shapely.points([(device.lon, device.lat) for device in listed])) if listed else []
    return [
        (point, d.id, d.kind, d.name, d.height_m, d.z_m, d.building_id, d.storey_id, d.space_id, d.status, d.valid_from,
         json_text(d.attributes), source)
        for point, d in zip(points, listed, strict=True)
    ]  # fmt: skip


def events(listed: Sequence[Event], encode: Encode) -> list[Values]:
    """Rows of `events`."""
    points = encode(shapely.points([(event.lon, event.lat, event.h_m) for event in listed])) if listed else []
    return [
        (point, e.id, e.kind, e.at, e.severity, e.status, e.device_id, e.building_id, e.storey_id, e.message_en, e.message_zh,
         json_text(e.attributes))
        for point, e in zip(points, listed, strict=True)
    ]  # fmt: skip


def models(model: Model, source: str, encode: Encode) -> list[Values]:
    """The row of `models`."""
    outline = encode(_objects([model.outline]))[0]
    return [
        (outline, model.id, model.name, model.schema, model.sha256, json_text(asdict(model.georeferencing)), model.base_h_m, model.top_h_m,
         model.building_id, model.discipline, source)
    ]  # fmt: skip


def spaces(listed: Sequence[Space], encode: Encode) -> list[Values]:
    """Rows of `spaces`."""
    outlines = encode(_objects([space.outline for space in listed]))
    return [
        (outline, s.id, s.model_id, s.storey_id, s.name, s.long_name, s.usage, s.floor_h_m, s.height_m, s.area_m2, json_text(s.attributes))
        for outline, s in zip(outlines, listed, strict=True)
    ]


def storeys(listed: Sequence[Storey]) -> list[Values]:
    """Rows of `storeys`."""
    return [(s.id, s.model_id, s.name, s.elevation_m, s.base_h_m, s.height_m) for s in listed]


def elements(listed: Sequence[Element]) -> list[Values]:
    """Rows of `elements`."""
    return [
        (e.id, e.model_id, e.ifc_class, e.name, e.storey_id, e.space_id, e.type_name, e.discipline, e.state, e.kernel, e.reason,
         json_text(list(e.materials)), json_text(e.properties), _listed(e.bbox))
        for e in listed
    ]  # fmt: skip


def groups(listed: Sequence[Group]) -> list[Values]:
    """Rows of `groups`."""
    return [(g.id, g.model_id, g.kind, g.ifc_class, g.name, g.usage, json_text(list(g.members)), json_text(g.attributes)) for g in listed]


def connections(listed: Sequence[Connection]) -> list[Values]:
    """Rows of `connections`."""
    return [(c.model_id, c.from_id, c.to_id, c.from_port, c.to_port, c.flow, c.is_inferred, _listed(c.position)) for c in listed]


def photometries(listed: Sequence[Photometry], source: str) -> list[Values]:
    """Rows of `photometries`."""
    return [
        (p.id, p.name, p.lumens, p.watts, _listed(p.c_deg), _listed(p.gamma_deg), json_text([list(row) for row in p.candela]),
         json_text(p.attributes), source)
        for p in listed
    ]  # fmt: skip


def assets(listed: Sequence[Asset], source: str) -> list[Values]:
    """Rows of `assets`."""
    return [(source, each.name, each.sha256, each.size, each.media_type) for each in listed]


def run(kept: Mapping[str, Any]) -> Values:
    """The row of `runs`: run, measure, at, value, result, gaps, samples."""
    result = kept["result"]
    samples = json_text(kept["samples"]) if kept.get("samples") is not None else None
    return result["run"], result["measure"], kept["at"], result["value"], json_text(result), json_text(kept["gaps"]), samples


def scenario(kept: Scenario) -> Values:
    """The row of `scenarios`."""
    return kept.name, kept.note, kept.at, json_text(list(kept.changes))


def features(table: FeatureTable, source: str, encode: Encode) -> Iterator[Values]:
    """Rows of a layer's table: geometry, id, FEATURE_COLUMNS, all other columns as one JSON object, source."""
    known = [_known(table, column) for column in FEATURE_COLUMNS]
    return zip(encode(table.geometry), table.ids, *known, _others(table), [source] * len(table), strict=True)


def filled_columns(table: FeatureTable) -> dict[str, Sequence[Any]]:
    """The columns of a layer's table but geometry and source that hold anything, as `features` writes them."""
    known = {column: _known(table, column) for column in FEATURE_COLUMNS if column in table.columns}
    filled = {column: values for column, values in known.items() if any(value is not None for value in values)}
    return {"id": table.ids, **filled, "attributes": _others(table)}


def feature_table(found: Sequence[Sequence[Any]]) -> FeatureTable:
    """The features in rows of id, geometry, other columns and FEATURE_COLUMNS; a column that is empty throughout is left out."""
    known = {column: [row[k + 3] for row in found] for k, column in enumerate(FEATURE_COLUMNS)}
    known = {column: values for column, values in known.items() if any(value is not None for value in values)}
    others = [json.loads(row[2]) if row[2] != "{}" else {} for row in found]
    names = dict.fromkeys(key for other in others for key in other)
    rest = {key: [other.get(key) for other in others] for key in names}
    return FeatureTable([row[0] for row in found], blob.decode([row[1] for row in found]), {**rest, **known})


def joined(parts: Sequence[FeatureTable]) -> FeatureTable:
    """Several tables as one, columns merged."""
    names = dict.fromkeys(name for table in parts for name in table.columns)
    return FeatureTable(
        [identity for table in parts for identity in table.ids],
        np.concatenate([table.geometry for table in parts]) if parts else np.empty(0, object),
        {name: [value for table in parts for value in table.column(name)] for name in names},
    )


def in_order(sequences: Iterable[Sequence[str]]) -> list[str]:
    """All names of several sequences in one that agrees with each; where they contradict each other, by first appearance."""
    listed = [list(sequence) for sequence in sequences]
    found = dict.fromkeys(name for sequence in listed for name in sequence)
    after: dict[str, set[str]] = {name: set() for name in found}
    for sequence in listed:
        for before, name in pairwise(sequence):
            after[name].add(before)
    try:
        return list(TopologicalSorter(after).static_order())
    except CycleError:
        return list(found)


def hull(boxes: Sequence[Sequence[float | None]]) -> tuple[float, float, float, float] | None:
    """The box around boxes, those left out that are empty; None where all are."""
    found = np.array([box for box in boxes if box[0] is not None], float)
    if not len(found):
        return None
    low, high = found[:, :2].min(0), found[:, 2:].max(0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def plain(value: Any) -> Any:
    """`value` as something JSON can hold."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | list | dict | None) else str(value)


def json_text(value: Any) -> str:
    """`value` as JSON by RFC 8259: what is no number is null, inside lists and objects too."""
    try:
        return json.dumps(value, ensure_ascii=False, default=plain, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=False, default=plain)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    return plain(value)


def _listed(numbers: Sequence[float] | None) -> str | None:
    return None if numbers is None else json_text(list(numbers))


def _objects(geometries: Sequence[Any]) -> Geometries:
    found = np.empty(len(geometries), object)
    found[:] = geometries
    return found


def _known(table: FeatureTable, column: str) -> Sequence[Any]:
    if column not in table.columns:
        return table.column(column)
    values = _plain_column(table.column(column))
    kinds = set(map(type, values)) - {type(None)}
    if kinds <= ({float} if column in NUMBERS else {str}):
        return values
    if column in NUMBERS:
        return [value if type(value) is float or value is None else _number(value) for value in values]
    return [value if value is None or isinstance(value, str) else json_text(value) for value in values]


def _plain_column(values: Sequence[Any]) -> Sequence[Any]:
    """`plain` of each value; a column of nothing but strings, finite numbers and None is that already."""
    kinds = set(map(type, values))
    if kinds <= _PLAIN and (float not in kinds or all(map(math.isfinite, [value for value in values if type(value) is float]))):
        return values
    return [plain(value) for value in values]


def _number(value: Any) -> float | None:
    try:
        return float(value) if isinstance(value, int | float) else None
    except OverflowError:
        return None  # beyond 1.8e308 it measures nothing


def _others(table: FeatureTable) -> Sequence[str]:
    others = [_members(name, values) for name, values in table.columns.items() if name not in FEATURE_COLUMNS]
    if not others:
        return ["{}"] * len(table)
    return ["{" + ", ".join(filter(None, row)) + "}" for row in zip(*others, strict=True)]


def _members(name: str, values: Sequence[Any]) -> list[str | None]:
    """`"name": value` for each value as JSON; None where it is missing."""
    key = f"{json_text(name)}: "
    found = _plain_column(values)
    kinds = set(map(type, found))
    say = _SAID.get(next(iter(kinds - {type(None)}), str), json_text) if len(kinds - {type(None)}) == 1 else json_text
    if type(None) not in kinds:
        return list(map(key.__add__, map(say, found)))
    return [None if value is None else key + say(value) for value in found]
