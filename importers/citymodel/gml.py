"""CityGML 1.0, 2.0 and 3.0, read object by object: what was read is let go before the next, so a file may be of any size.

OGC 08-007r1, 12-019 (CityGML 1.0, 2.0), 21-006r2 (3.0). Features and properties take turns in GML: a name that starts with a capital is a
thing, one that does not says something of it. Geometry hangs in properties called lod<N>…; a polygon is what the nearest thing around it
is (RoofSurface …), wherever a solid links to it.

A link to another object than the one at hand is rare. Objects that have one wait, and the file is read again for what they need.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from lxml import etree  # pyright: ignore[reportAttributeAccessIssue]  the library comes without types

from importers.citymodel.city import AREAS, OBJECTS, RELIEFS, ROADS, CityObject, Notes, Ring, Shape, Surface
from importers.citymodel.gmlattributes import Said, say
from importers.citymodel.gmlgeometry import HREF, Links, Piece, Shells, Tree, identity, local, paths, pieces, points, space
from twin.errors import UnreadableSource

_LOD = re.compile(r"lod(\d)(\w*)")
_VERSION = re.compile(r"opengis\.net/citygml/(?:\w+/)*(\d\.\d)|citygml\.org/citygml/(?:\w+/)*(\d)/")
_OURS = re.compile(r"opengis\.net/citygml|citygml\.org/citygml|opengis\.net/gml")
_APPEARANCE = {"appearance", "appearanceMember", "Appearance"}
_NO_SHAPE = ("TerrainIntersection", "Network")


@dataclass
class _Draft:
    """A city object while its parts are met."""

    id: str
    kind: str
    parent: str | None
    crs: str | None
    said: Said = field(default_factory=Said)
    bodies: dict[tuple[str, str], _Body] = field(default_factory=dict[tuple[str, str], "_Body"])  # (lod, role)
    extra: list[Shape] = field(default_factory=list[Shape])
    members: list[str] = field(default_factory=list[str])


@dataclass
class _Body:
    """The polygons of one level of detail, each once."""

    crs: str | None
    shells: Shells = field(default_factory=Shells)
    surfaces: list[Surface] = field(default_factory=list[Surface])
    seen: dict[Any, int] = field(default_factory=dict[Any, int])  # element or key of its corners -> index of its surface
    paths: list[Ring] = field(default_factory=list[Ring])


@dataclass
class _Reading:
    """What lasts from object to object."""

    notes: Notes
    kept: dict[str, list[Surface]] = field(default_factory=dict[str, list[Surface]])
    local_crs: dict[str, tuple[str, Ring]] = field(default_factory=dict[str, tuple[str, Ring]])
    links: Links = field(default_factory=lambda: Links({}, {}))


def read_citygml(path: Path, notes: Notes) -> Iterator[CityObject]:
    """The objects of a CityGML document; what they belong to is noted.

    Raises
    ------
    UnreadableSource
        If it is no well-formed XML.
    """
    reading = _Reading(notes)
    waiting: set[int] = set()
    needed: set[str] = set()
    for number, top in enumerate(_tops(path, reading)):
        found, missing = _read_top(top, reading)
        if missing:
            waiting.add(number)
            needed |= missing
        else:
            yield from found
    if waiting:
        _keep(path, reading, needed)
        for number, top in enumerate(_tops(path, _Reading(Notes(notes.source, notes.schema), local_crs=reading.local_crs))):
            if number in waiting:
                found, missing = _read_top(top, reading)
                notes.counts["city_link_missing", ""] += len(missing)
                yield from found


def _tops(path: Path, reading: _Reading) -> Iterator[Tree]:
    """The outermost city objects; each is emptied once the caller asks for the next."""
    depth = 0
    options: dict[str, Any] = {"resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": True}
    try:
        for event, element in etree.iterparse(str(path), events=("start", "end"), remove_comments=True, remove_pis=True, **options):
            name = local(element)
            is_object = name in OBJECTS and _OURS.search(space(element)) is not None
            if event == "start":
                depth += is_object
                continue
            if is_object:
                depth -= 1
                if not depth:
                    yield element
                    _let_go(element)
            elif not depth:
                _header(element, name, reading)
    except etree.XMLSyntaxError as error:
        raise UnreadableSource("source_unreadable", subject=path.name, reason=str(error)) from error


def _let_go(element: Tree) -> None:
    """Empty an element and drop what stands before it and its parent."""
    element.clear()
    for each in (element, element.getparent()):
        while each is not None and each.getparent() is not None and each.getprevious() is not None:
            del each.getparent()[0]


def _header(element: Tree, name: str, reading: _Reading) -> None:
    """What stands outside of objects: the envelope, local systems, the title, appearances."""
    notes = reading.notes
    if name == "Envelope" and notes.crs is None and notes.envelope is None:
        notes.crs = element.get("srsName")
        corners = [each for each in element if local(each) in {"lowerCorner", "upperCorner", "pos"}]
        if len(corners) == 2:
            notes.envelope = _envelope(corners)
    elif name == "EngineeringCRS":
        _local_system(element, reading)
    elif name == "name" and element.getparent() is not None and local(element.getparent()) == "CityModel":
        notes.title = (element.text or "").strip()
    elif name in _APPEARANCE:
        notes.counts["city_appearance_ignored", ""] += name != "Appearance"
        element.clear()
    elif name[:1].isupper() and element.getparent() is not None and local(element.getparent()).endswith("Member"):
        known = _OURS.search(space(element))
        notes.counts[("city_class_ignored", name) if known else ("city_extension_ignored", space(element))] += 1
        element.clear()


def _envelope(corners: list[Tree]) -> np.ndarray[Any, Any] | None:
    try:
        both = [np.array((each.text or "").split(), float) for each in corners]
    except ValueError:
        return None
    return np.stack(both) if len(both[0]) == len(both[1]) >= 2 and np.isfinite(both).all() else None


def _local_system(element: Tree, reading: _Reading) -> None:
    """A local system by the anchor of its datum: a point in a system of the Earth (OGC 21-006r2, 7.2.5)."""
    for anchor in element.iter("{*}anchorDefinition", "{*}anchorPoint"):
        try:
            place = np.array((anchor.text or "").split(), float)
        except ValueError:
            continue
        name = identity(element)
        if name and anchor.get("codeSpace") and len(place) in {2, 3}:
            reading.local_crs[name] = str(anchor.get("codeSpace")), np.resize(np.append(place, 0.0), 3)


def _keep(path: Path, reading: _Reading, needed: set[str]) -> None:
    """Read the file for the surfaces that objects link to across."""
    for top in _tops(path, _Reading(Notes("", ""))):
        inside = {name: each for each in top.iter("*") if (name := identity(each))}
        for name in needed & set(inside):
            links = Links(inside, reading.kept)
            found = [_as_met(piece) for piece in pieces(inside[name], links, Shells())]
            reading.kept[name] = [surface for surface in found if surface is not None]


def _read_top(top: Tree, reading: _Reading) -> tuple[list[CityObject], set[str]]:
    """The objects in one outermost object, and the links that lead nowhere."""
    if not reading.notes.schema.startswith("CityGML ") and (version := _VERSION.search(space(top))):
        number = version[1] or f"{version[2]}.0"
        reading.notes.schema = f"CityGML {number}"
    inside = {name: each for each in top.iter("*") if (name := identity(each))}
    reading.links = Links(inside, reading.kept)
    drafts: list[_Draft] = []
    before = reading.notes.counts.copy()
    _feature(top, _draft(top, None, reading.notes.crs, drafts), drafts, reading)
    missing = reading.links.missing
    if missing:
        reading.notes.counts = before  # will be read again
    reading.notes.counts["city_coordinates_bad", ""] += reading.links.bad
    return [_finished(draft) for draft in drafts], missing


def _draft(element: Tree, parent: _Draft | None, crs: str | None, drafts: list[_Draft]) -> _Draft:
    made = _Draft(identity(element) or "", local(element), parent.id if parent else None, crs)
    drafts.append(made)
    return made


def _finished(draft: _Draft) -> CityObject:
    bodies = [
        Shape(lod, role, body.surfaces, body.paths, frozenset(body.shells.voids), body.crs)  # pyright: ignore[reportArgumentType]
        for (lod, role), body in draft.bodies.items()
    ]
    said = draft.said
    return CityObject(
        draft.id, draft.kind, draft.parent, said.name, said.attributes, said.addresses, [*bodies, *draft.extra], draft.members
    )


def _feature(feature: Tree, draft: _Draft, drafts: list[_Draft], reading: _Reading, *, is_surface: bool = False) -> None:
    """Everything said of a thing goes to `draft`; things in it that are objects become drafts of their own."""
    for prop in feature:
        name = local(prop)
        if not name:
            continue
        if not _OURS.search(space(prop)):
            reading.notes.counts["city_extension_ignored", space(prop) or name] += 1
        elif (lod := _LOD.fullmatch(name)) or name == "tin":
            _geometry(prop, (draft.said.lod or "1", "MultiSurface") if lod is None else (lod[1], lod[2]), draft, reading)
        elif name in _APPEARANCE:
            reading.notes.counts["city_appearance_ignored", ""] += 1
        elif name == "boundedBy" and any(local(child) == "Envelope" for child in prop):
            draft.crs = next((str(child.get("srsName")) for child in prop if child.get("srsName")), draft.crs)
        elif name == "groupMember" and prop.get(HREF):
            draft.members.append(str(prop.get(HREF)).removeprefix("#"))
        elif not _things(prop, draft, drafts, reading) and not is_surface:
            say(draft.said, prop)


def _things(prop: Tree, draft: _Draft, drafts: list[_Draft], reading: _Reading) -> bool:
    """Whether a property holds features; they are read."""
    found = False
    for child in prop:
        name = local(child)
        if not name[:1].isupper():
            continue
        if not _OURS.search(space(child)):
            if "citygml" not in space(child) and "oasis" not in space(child):
                reading.notes.counts["city_extension_ignored", space(child)] += 1
                found = True
            continue
        if name in OBJECTS:
            folded = (name in ROADS and draft.kind in AREAS) or (name in RELIEFS and draft.kind in RELIEFS and name == draft.kind)
            owner = draft if folded else _draft(child, draft, draft.crs, drafts)
            _feature(child, owner, drafts, reading, is_surface=folded)
            found = True
        elif name.endswith(("Surface", "Area", "Window", "Door", "Marking", "Ceiling")) and space(child)[-3:] != "gml":
            _feature(child, draft, drafts, reading, is_surface=True)
            found = True
    return found


def _geometry(prop: Tree, said: tuple[str, str], draft: _Draft, reading: _Reading) -> None:
    """The geometry of a property lod<N><form> goes to its level of detail."""
    lod, form = said
    if form.startswith(_NO_SHAPE):
        return
    crs, anchor = _system(prop, draft, reading)
    if "Implicit" in form:
        _implicit(prop, lod, crs, draft, reading)
        return
    body = _Body(crs) if anchor is not None else draft.bodies.setdefault((lod, _role(lod, form, prop, draft)), _Body(crs))
    for piece in pieces(prop, reading.links, body.shells):
        surface = _as_met(piece)
        if surface is None:
            reading.links.bad += 1
        else:
            _take(body, piece.element, surface)
    if not body.surfaces and "Surface" not in form and "Solid" not in form:
        body.paths += paths(prop)
    if anchor is not None and (body.surfaces or body.paths):
        voids = frozenset(body.shells.voids)
        draft.extra.append(Shape(lod, _role(lod, form, prop, draft), body.surfaces, body.paths, voids, crs, anchor))  # pyright: ignore[reportArgumentType]


def _system(prop: Tree, draft: _Draft, reading: _Reading) -> tuple[str | None, Ring | None]:
    """The coordinate system of a geometry, stated nearest to it, and the anchor where it is a local one."""
    stated = prop.xpath("(.//@srsName)[1]")
    crs = str(stated[0]) if stated else draft.crs if draft.crs is not None else reading.notes.crs
    return reading.local_crs.get((crs or "").removeprefix("#"), (crs, None))


def _role(lod: str, form: str, prop: Tree, draft: _Draft) -> str:
    """What a geometry is of its object: its body, or at level 0 of a building the footprint or the edge of the roof."""
    if lod != "0" or not draft.kind.startswith("Building"):
        return "body"
    is_roof = form == "RoofEdge" or local(prop.getparent()) == "RoofSurface"
    return "roof_edge" if is_roof else "footprint"


def _take(body: _Body, element: Tree | None, surface: Surface) -> None:
    """Add a polygon unless it is there: a solid and the surface that bounds it name the same one, by link or by corners."""
    keys = [key for key in (element, _corners(surface)) if key is not None]
    known = next((body.seen[key] for key in keys if key in body.seen), None)
    if known is not None and (surface.shell < 0 or body.surfaces[known].shell < 0):
        there = body.surfaces[known]
        rings = there.rings if surface.shell < 0 else surface.rings
        body.surfaces[known] = Surface(rings, there.kind or surface.kind, max(there.shell, surface.shell))
        return
    for key in keys:
        body.seen[key] = len(body.surfaces)
    body.surfaces.append(surface)


def _corners(surface: Surface) -> bytes:
    """The same for every ring through the same corners, wherever it starts and whichever way it runs."""
    ring = surface.rings[0]
    return ring[np.lexsort(ring.T)].tobytes()


def _as_met(piece: Piece) -> Surface | None:
    """The surface with the kind of the nearest thing around its element; None where a coordinate is no finite number."""
    surface = piece.surface
    if not all(np.isfinite(ring).all() for ring in surface.rings):
        return None
    if piece.element is None or surface.kind:
        return surface
    return Surface(surface.rings, _kind(piece.element), surface.shell)


def _kind(element: Tree) -> str:
    for above in element.iterancestors():
        name = local(above)
        if name[:1].isupper() and "citygml" in space(above):
            return "" if name in OBJECTS or name == "ImplicitGeometry" else name
    return ""


def _implicit(prop: Tree, lod: str, crs: str | None, draft: _Draft, reading: _Reading) -> None:
    """A prototype put in its place: its matrix applied, then moved to the reference point (OGC 12-019, 8.3)."""
    for geometry in prop.iter("{*}ImplicitGeometry"):
        parts = {local(child): child for child in geometry}
        relative = parts.get("relativeGMLGeometry", parts.get("relativeGeometry"))
        if relative is None:
            reading.notes.counts["city_library_ignored", (getattr(parts.get("libraryObject"), "text", "") or "").strip()] += 1
        try:
            anchor = points(parts["referencePoint"])[0]
            matrix = np.array(
                (getattr(parts.get("transformationMatrix"), "text", None) or "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1").split(), float
            )
            matrix = matrix.reshape(4, 4)
        except (KeyError, IndexError, ValueError):
            reading.links.bad += 1
            continue
        surfaces = [] if relative is None else _prototype(relative, reading)
        moved = [Surface([ring @ matrix[:3, :3].T + matrix[:3, 3] for ring in each.rings], each.kind, each.shell) for each in surfaces]
        path = [] if moved else [np.zeros((1, 3))]
        draft.extra.append(Shape(lod, "body", moved, path, crs=crs, anchor=anchor))


def _prototype(relative: Tree, reading: _Reading) -> list[Surface]:
    """The surfaces of a prototype, kept under its id for those that link to it later."""
    found = [surface for piece in pieces(relative, reading.links, Shells()) if (surface := _as_met(piece)) is not None]
    for child in relative:
        if name := identity(child):
            reading.kept[name] = found
    return found
