"""OpenStreetMap extracts (.osm, .osm.pbf, and packed) into layers and devices, read in a process of its own.

One pass collects what the rules of `osm.toml` ask for; areas are assembled by osmium, holes and all. Ids are `way/1`, `node/2`,
`relation/3`. An outline that osmium cannot assemble is mended from its way, or reported.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from osmium import FileProcessor, InvalidLocationError
from osmium.filter import KeyFilter
from osmium.geom import WKBFactory

from importers.archive import first_bytes, plain
from importers.columns import attributes
from importers.contract import Context, Imported, LayerContent, Progress
from importers.devicerow import missing_needs
from importers.isolated import Limits, alone, limits_for
from importers.markup import checked, start_of, starts_as_markup
from importers.osmtags import Rule, Tags, device, device_kinds, keys, layer_rule, status
from importers.placing import Frameless, few, place
from importers.tables import Table
from twin.errors import UnreadableSource
from twin.model import Device, FeatureTable, Issue, Layer

_COLUMNS = 100  # the most frequent tags of a layer become columns, the rest stays together
_STEP = 20_000


@dataclass(frozen=True)
class OsmImporter:
    """OpenStreetMap extracts."""

    name: str = "osm"

    def recognises(self, path: Path, head: bytes) -> int:  # noqa: ARG002  the content says enough
        """How sure it is that the file is an OpenStreetMap extract."""
        if b"OSMHeader" in head[:64]:
            return 95
        return 95 if re.search(r"<osm(Change)?[\s>]", start_of(first_bytes(head))[:4096]) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The layers and devices of an extract; raises SourceError."""
        with plain(path, context.scratch) as file:
            _check_markup(file)
            found = alone(lambda tell: _collect(file, tell), file, limits=_limits(file), progress=context.progress)
        name = context.options.layer or "osm"
        made = [_layer(f"{name}_{layer}", objects, path.name, context) for layer, objects in found.layers.items()]
        devices = [device(kind, identity, at, tags, path.name) for kind, identity, at, tags in found.devices]
        listed: list[Device] = [each for each, _ in devices]
        kept = [content for content, _, _ in made if len(content.table)]
        if not kept and not listed:
            raise UnreadableSource("source_no_features", subject=path)
        issues = [
            *found.issues,
            *(issue for _, issues, _ in made for issue in issues),
            *(issue for _, issues in devices for issue in issues),
        ]
        return Imported(
            kind=self.name,
            layers=kept,
            devices=listed,
            crs="EPSG:4326",
            encoding="UTF-8",
            issues=few([*issues, *missing_needs(listed, path.name)]),
            details={
                "layers": [details for _, _, details in made],
                "devices": dict(Counter(each.kind for each in listed)),
                "objects": found.objects,
            },
        )


@dataclass(frozen=True)
class _Object:
    """One feature: its id, the rule it fits, its tags, and its geometry as WKB or, where osmium failed, as a shape."""

    identity: str
    rule: Rule
    tags: Tags
    wkb: str | bytes


@dataclass
class _Found:
    """What one pass over the file has collected so far."""

    source: str
    layers: dict[str, list[_Object]] = field(default_factory=dict[str, list[_Object]])
    devices: list[tuple[str, str, tuple[float, float], Tags]] = field(default_factory=list[tuple[str, str, tuple[float, float], Tags]])
    issues: list[Issue] = field(default_factory=list[Issue])
    unbuilt: dict[str, _Object] = field(default_factory=dict[str, _Object])  # outlines that no area has come of yet
    objects: int = 0

    def add(self, each: _Object) -> None:
        self.layers.setdefault(each.rule.layer, []).append(each)

    def add_devices(self, identity: str, lonlat: tuple[float, float], tags: Tags) -> None:
        """The devices an object is; a second one on the same object has its kind in its id."""
        for k, kind in enumerate(device_kinds(tags)):
            self.devices.append((kind, identity if k == 0 else f"{identity}#{kind}", lonlat, tags))


def _check_markup(path: Path) -> None:
    with path.open("rb") as stream:
        head = stream.read(65_536)
    if not starts_as_markup(head):
        return
    if re.search(r"<osmChange[\s>]", start_of(head)[:4096]):
        raise UnreadableSource("osm_changes", subject=path)
    checked(path)


def _limits(path: Path) -> Limits:
    """A minute and 10 s a megabyte; osmium's table of nodes can take 30 times the packed file."""
    size = path.stat().st_size
    return replace(limits_for(size), seconds=60.0 + 1e-5 * size)


def _collect(path: Path, progress: Progress) -> _Found:
    found = _Found(path.name)
    factory = WKBFactory()
    try:
        wanted = KeyFilter(*sorted(keys()))
        for each in FileProcessor(str(path)).with_areas().with_filter(wanted):
            _take(each, found, factory)
            found.objects += 1
            if found.objects % _STEP == 0:
                progress("read", found.objects, 0)
    except (RuntimeError, ValueError, OSError) as error:
        raise UnreadableSource("source_unreadable", subject=path, reason=str(error)) from error
    _mend(found)
    return found


def _take(each: Any, found: _Found, factory: Any) -> None:
    tags = dict(each.tags)
    if each.is_node():
        _take_node(each, tags, found, factory)
    elif each.is_way():
        _take_way(each, tags, found, factory)
    elif each.is_area():
        _take_area(each, tags, found, factory)
    elif tags.get("type") == "multipolygon" and (rule := layer_rule(tags, "area")) is not None:
        found.unbuilt.setdefault(f"relation/{each.id}", _Object(f"relation/{each.id}", rule, tags, b""))


def _take_node(node: Any, tags: Tags, found: _Found, factory: Any) -> None:
    identity = f"node/{node.id}"
    rule = layer_rule(tags, "point")
    if not node.location.valid():
        return
    found.add_devices(identity, (node.location.lon, node.location.lat), tags)
    if rule is not None:
        found.add(_Object(identity, rule, tags, factory.create_point(node)))


def _take_way(way: Any, tags: Tags, found: _Found, factory: Any) -> None:
    identity = f"way/{way.id}"
    area = layer_rule(tags, "area")
    line = layer_rule(tags, "line")
    if area is None and line is None:
        return
    wkb = _line(way, found, factory)
    if line is not None and wkb:
        found.add(_Object(identity, line, tags, wkb))
    elif line is not None:
        found.issues.append(Issue("osm_line_outside", "warning", f"{found.source}/{identity}", {"layer": line.layer}))
    if area is not None and (line is None or way.is_closed()):
        found.unbuilt.setdefault(identity, _Object(identity, area, tags, wkb))


def _take_area(area: Any, tags: Tags, found: _Found, factory: Any) -> None:
    identity = f"{'way' if area.from_way() else 'relation'}/{area.orig_id()}"
    rule, kinds = layer_rule(tags, "area"), device_kinds(tags)
    if rule is None and not kinds:
        return
    try:
        wkb = factory.create_multipolygon(area)
    except RuntimeError:
        return  # it stays among the unbuilt
    if rule is not None:
        found.add(_Object(identity, rule, tags, wkb))
        found.unbuilt[identity] = _BUILT
    if kinds:
        at = shapely.point_on_surface(shapely.from_wkb(wkb))
        found.add_devices(identity, (at.x, at.y), tags)


def _line(way: Any, found: _Found, factory: Any) -> str | bytes:
    """A way as WKB: the nodes the file has of it; empty where there are less than two."""
    try:
        return factory.create_linestring(way)
    except (RuntimeError, InvalidLocationError):
        points = [(node.location.lon, node.location.lat) for node in way.nodes if node.location.valid()]
        if len(set(points)) < 2:
            return b""
        found.issues.append(Issue("osm_cut", "info", f"{found.source}/way/{way.id}", {"there": len(points), "nodes": len(way.nodes)}))
        return shapely.to_wkb(shapely.LineString(points))


_BUILT = _Object("", Rule("", {}), {}, b"")


def _mend(found: _Found) -> None:
    """Outlines that osmium could not assemble: whole rings are taken as they are, to be made valid; the rest is reported."""
    for identity, each in found.unbuilt.items():
        if each is _BUILT:
            continue
        shape: Any = shapely.from_wkb(each.wkb) if each.wkb else None
        if shape is not None and shape.is_closed and len(shape.coords) > 3:
            found.add(_Object(identity, each.rule, each.tags, shapely.to_wkb(shapely.Polygon(shape))))
        else:
            details = {"layer": each.rule.layer, "points": 0 if shape is None else len(shape.coords)}
            found.issues.append(Issue("osm_outline_open", "warning", f"{found.source}/{identity}", details))


def _layer(layer_id: str, objects: Sequence[_Object], source: str, context: Context) -> tuple[LayerContent, list[Issue], dict[str, Any]]:
    shapes = shapely.from_wkb([each.wkb for each in objects])
    single = shapely.get_num_geometries(shapes) == 1
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    subjects = [f"{source}/{each.identity}" for each in objects]
    placed = place(Frameless(shapes, subjects, layer_id, "EPSG:4326"), context)
    kept: list[int] = np.flatnonzero(placed.kept).tolist()
    table = Table(layer_id, _columns([objects[i] for i in kept]))
    named = attributes(table, [subjects[i] for i in kept])
    content = LayerContent(
        Layer(layer_id, objects[0].rule.kind, layer_id, len(kept)),
        FeatureTable([objects[i].identity for i in kept], placed.geometry[kept], named.columns),
    )
    details = {
        "id": layer_id,
        "kind": objects[0].rule.kind,
        "why": "osm",
        "read": len(objects),
        "kept": len(kept),
        "skipped": len(objects) - len(kept),
        "geometry": dict(Counter(shape.geom_type for shape in placed.geometry[kept])),
    }
    return content, [*placed.issues, *named.issues], details


def _columns(objects: Sequence[_Object]) -> dict[str, list[Any]]:
    """The tags as columns, with class, usage and status told by them."""
    counts = Counter(key for each in objects for key in each.tags if key != "type")
    frequent = [key for key, _ in counts.most_common(_COLUMNS)]
    rest = set(counts) - set(frequent)
    columns: dict[str, list[Any]] = {
        "class": [each.rule.class_of(each.tags) for each in objects],
        "status": [status(each.tags) for each in objects],
        "usage": [each.tags.get("building:use") or each.rule.class_of(each.tags) for each in objects],
    }
    columns |= {key: [each.tags.get(key) for each in objects] for key in frequent if key not in columns}
    if rest:
        columns["tags"] = [_those(each.tags, rest) for each in objects]
    return columns


def _those(tags: Tags, wanted: set[str]) -> Mapping[str, str] | None:
    return {key: value for key, value in tags.items() if key in wanted} or None


IMPORTER = OsmImporter()
