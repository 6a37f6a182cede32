"""City models: CityJSON and CityJSONSeq, CityGML 1, 2 and 3, into footprints, layers and one model of all bodies.

Read object by object (`cityjson`, `gml`), put in place (`placed`), given bodies and outlines (`bodies`, `outlines`), and told as layers
(`layers`), a model (`content`) and ground (`relief`).
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from importers.archive import first_bytes, plain
from importers.citymodel.bodies import OFF_PLANE_M
from importers.citymodel.city import RELIEFS, CityObject, Notes, lod_rank
from importers.citymodel.cityjson import read_cityjson
from importers.citymodel.content import Heading, model
from importers.citymodel.gml import read_citygml
from importers.citymodel.layers import Naming, layers, slug
from importers.citymodel.made import Family, Made, families, identified, make, superseded
from importers.citymodel.placed import Placing
from importers.citymodel.relief import grid
from importers.contract import Context, Imported
from importers.ground import NEAR_M
from importers.markup import readable, start_of, starts_as_markup
from importers.placing import check_datum, few
from importers.recognise import digest
from twin.errors import UnreadableSource
from twin.model import Issue, ModelContent, Terrain

_JSON = re.compile(rb'"type"\s*:\s*"CityJSON(Feature)?"|"CityObjects"\s*:\s*\{')
_MARKUP = re.compile(r"<(\w+:)?CityModel[\s>]|opengis\.net/citygml/|citygml\.org/citygml/")
_ENDING = re.compile(r"(\.city)?\.(json|jsonl|gml|xml|citygml|cityjson)(\.(gz|bz2|xz))?$", re.IGNORECASE)
_BATCH = 200  # objects that are held as read at a time


@dataclass(frozen=True)
class CityModelImporter:
    """City models."""

    name: str = "citymodel"

    def recognises(self, path: Path, head: bytes) -> int:
        """How sure it is from the first bytes that the file is a city model."""
        start = first_bytes(head)
        if starts_as_markup(start):
            return 95 if _MARKUP.search(start_of(start)[:16_384]) else 0
        if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] != b"{":
            return 0
        return 95 if _JSON.search(start) or (start is head and _JSON.search(_tail(path))) else 0

    def read(self, path: Path, context: Context) -> Imported:
        """The layers, the model and the ground of a city model; raises SourceError."""
        check_datum(context.options)
        notes = Notes(path.name, "")
        placing = Placing(context, notes)
        with tempfile.TemporaryDirectory(prefix="twin-", dir=context.scratch) as folder, plain(path, Path(folder)) as source:
            made = _made(_objects(source, Path(folder), notes, context), placing, context)
        if not made:
            raise UnreadableSource("city_no_objects", subject=path.name, reasons=_reasons(notes))
        return _imported(path, made, placing)


def _tail(path: Path) -> bytes:
    """The last bytes of a file: programs that write vertices first say at the end what the file is."""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - 65_536))
        return stream.read()


def _objects(source: Path, folder: Path, notes: Notes, context: Context) -> Iterator[CityObject]:
    with source.open("rb") as stream:
        is_markup = starts_as_markup(stream.read(4096))
    if not is_markup:
        return read_cityjson(source, notes)
    return read_citygml(readable(source, folder, context.options.encoding).path, notes)


def _made(objects: Iterator[CityObject], placing: Placing, context: Context) -> list[Made]:
    taken: dict[str, int] = {}
    made: list[Made] = []
    while batch := list(islice(objects, _BATCH)):
        named = [identified(each, taken, placing.notes) for each in batch]
        made += [make(each, context.options.lod) for each in placing.place(named)]
        context.progress("objects", len(made), 0)
    return made


def _imported(path: Path, made: Sequence[Made], placing: Placing) -> Imported:
    context, notes = placing.context, placing.notes
    frame = context.park.frame
    _check_lod(made, context.options.lod, path.name)
    found = families(made)
    stem = slug(context.options.layer or _ENDING.sub("", path.name))
    used = {system.name: system for system in placing.systems.values()}
    crs = next(iter(used)) if len(used) == 1 else None
    why = "; ".join(system.reason for system in used.values())
    heading = Heading(f"city-{stem}", notes.title or path.stem, notes.schema, digest(path), crs, why)
    content = model(made, found, superseded(found), frame, heading)
    terrain = _terrain(made, placing)
    contents = layers(made, found, frame, Naming(stem, notes.title or path.stem))
    if content is None and terrain is None and not contents:
        raise UnreadableSource("city_nothing_drawn", subject=path.name, count=len(made), reasons=_reasons(notes))
    rule = next((system.rule for system in placing.systems.values()), None)
    issues = [*placing.remarks(), *_heights(found, placing), *_faults(made, path.name), *notes.told()]
    return Imported(
        kind="citymodel",
        layers=contents,
        models=[content] if content is not None else [],
        terrain=terrain,
        crs=crs,
        height_datum=rule.datum if rule else None,
        height_offset_m=rule.offset_m if rule else 0.0,
        issues=few(issues),
        details=_details(made, content, terrain, notes),
    )


def _check_lod(made: Sequence[Made], asked: str | None, source: str) -> None:
    """Refuse a level of detail that no object has."""
    levels = {lod for each in made for lod in each.lods}
    if asked is not None and not any(lod == asked or lod.split(".")[0] == asked for lod in levels):
        known = ", ".join(sorted(levels, key=lod_rank)) or "—"
        raise UnreadableSource("city_lod_absent", subject=source, lod=asked, known=known)


def _terrain(made: Sequence[Made], placing: Placing) -> Terrain | None:
    """The ground of the file's reliefs; none where it is not the park's."""
    reliefs = [each.body.corners for each in made if each.kind in RELIEFS and each.body is not None]
    if not reliefs:
        return None
    nearest = min(float(np.hypot(corners[:, :, 0], corners[:, :, 1]).min()) for corners in reliefs)
    if nearest > NEAR_M:
        placing.notes.issues.append(Issue("city_relief_far", "warning", placing.notes.source, {"km": round(nearest / 1000)}))
        return None
    return grid(reliefs, placing.context.park.frame)


def _heights(found: Sequence[Family], placing: Placing) -> list[Issue]:
    """What is to be said of the heights: the feet of the buildings ought to lie on the ground."""
    rule = next((system.rule for system in placing.systems.values()), None)
    if rule is None:
        return []
    feet = [body for family in found for each in family.everyone if (body := each.body) is not None and each.kind.startswith("Building")]
    if not feet:
        return rule.remarks()
    lowest = np.array([body.corners[:, :, :].reshape(-1, 3)[np.argmin(body.corners[:, :, 2])] for body in feet])
    return rule.remarks(placing.context.park.frame.to_lonlat(lowest)[:, :2], np.array([body.low_h for body in feet]))


def _faults(made: Sequence[Made], source: str) -> list[Issue]:
    """What is wrong with bodies, one Issue a kind of fault, with how many have it and the first that has."""
    out: list[Issue] = []
    solids = [(each, each.body) for each in made if each.body is not None and each.body.is_solid]
    bodies = [(each, each.body) for each in made if each.body is not None]
    open_ones = [(each, body) for each, body in solids if body.open_edges]
    if open_ones:
        details = {"count": len(open_ones), "total": len(solids), "holes": sum(body.holes for _, body in open_ones)}
        out.append(Issue("city_solid_open", "warning", source, details | {"first": open_ones[0][0].id}))
    if turned := [(each, body) for each, body in solids if body.turned]:
        count = sum(body.turned for _, body in turned)
        out.append(Issue("city_surface_turned", "info", source, {"count": count, "total": len(turned), "first": turned[0][0].id}))
    for name, code in (("crossed", "city_ring_crosses"), ("degenerate", "city_surface_degenerate")):
        if bad := [(each, getattr(body, name)) for each, body in bodies if getattr(body, name)]:
            details = {"count": sum(n for _, n in bad), "total": len(bad), "first": bad[0][0].id}
            out.append(Issue(code, "warning", source, details))
    if bent := [(each, body) for each, body in bodies if body.deviation_m > OFF_PLANE_M]:
        each, body = max(bent, key=lambda pair: pair[1].deviation_m)
        out.append(
            Issue("city_surface_bent", "warning", source, {"count": len(bent), "most_m": round(body.deviation_m, 3), "first": each.id})
        )
    return out


def _details(made: Sequence[Made], content: ModelContent | None, terrain: Terrain | None, notes: Notes) -> Mapping[str, Any]:
    lods = Counter(lod for each in made for lod in each.lods)
    closed = [each.body.volume_m3 for each in made if each.body is not None and each.body.volume_m3 is not None]
    return {
        "schema": notes.schema,
        "objects": dict(sorted(Counter(each.kind for each in made).items())),
        "lods": dict(sorted(lods.items(), key=lambda pair: lod_rank(pair[0]))),
        "lod_taken": dict(sorted(Counter(each.body.lod for each in made if each.body is not None).items())),
        "bodies": 0 if content is None else len(content.elements),
        "triangles": 0 if content is None else len(content.mesh.faces),
        "closed": len(closed),
        "volume_m3": round(sum(closed), 1),
        "terrain": None if terrain is None else {"rows": terrain.heights.shape[0], "columns": terrain.heights.shape[1]},
    }


def _reasons(notes: Notes) -> str:
    return ", ".join(dict.fromkeys([*(issue.code for issue in notes.issues), *(code for code, _ in notes.counts)])) or "—"


IMPORTER = CityModelImporter()
