"""GML geometry out of an element tree: polygons with holes, solids with cavities, curves, points, and the links between them.

GML 3.1.1 and 3.2 alike (ISO 19136): names are taken without their namespace. A link (`xlink:href="#id"`) is followed inside the object
and to prototypes met before; what it leads to beyond that is handed in by the caller or counted as missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from importers.citymodel.city import NO_SHELL, Ring, Surface

HREF = "{http://www.w3.org/1999/xlink}href"
_POLYGONS = {"Polygon", "PolygonPatch", "Triangle", "Rectangle"}
_OUTER, _INNER = {"exterior", "outerBoundaryIs"}, {"interior", "innerBoundaryIs"}
_CURVES = {"LineString", "Curve", "LineStringSegment", "CompositeCurve", "OrientableCurve", "Ring", "LinearRing"}
_DEEPEST_LINK = 40
_RING = 3

Tree = Any  # an lxml element: the library comes without types


@dataclass
class Links:
    """Where links lead: elements of the object at hand, surfaces kept from elsewhere; what led nowhere is collected."""

    inside: Mapping[str, Tree]
    kept: dict[str, list[Surface]]
    missing: set[str] = field(default_factory=set[str])
    bad: int = 0  # polygons whose coordinates are no numbers


@dataclass(frozen=True)
class Piece:
    """One polygon as met: the element it is written in (None where it was kept from another object) and its surface."""

    element: Tree | None
    surface: Surface


@dataclass
class Shells:
    """Numbers of the shells of one geometry; which of them are cavities."""

    count: int = 0
    voids: set[int] = field(default_factory=set[int])

    def new(self, *, is_void: bool) -> int:
        """The number of one more shell."""
        self.count += 1
        if is_void:
            self.voids.add(self.count - 1)
        return self.count - 1


def local(element: Tree) -> str:
    """The name of an element without its namespace; empty for comments."""
    return _parts(element.tag)[1]


def space(element: Tree) -> str:
    """The namespace of an element."""
    return _parts(element.tag)[0]


@lru_cache(maxsize=4096)
def _parts(tag: Any) -> tuple[str, str]:
    """Namespace and name of a tag."""
    if not isinstance(tag, str):
        return "", ""
    head, brace, name = tag.rpartition("}")
    return (head.removeprefix("{"), name) if brace else ("", tag)


def identity(element: Tree) -> str | None:
    """The gml:id (GML 2: fid) of an element."""
    return next((str(value) for name, value in element.attrib.items() if name.rpartition("}")[2] == "id" and "gml" in name), None)


def pieces(element: Tree, links: Links, shells: Shells, *, shell: int = NO_SHELL, is_back: bool = False, depth: int = 0) -> Iterator[Piece]:
    """The polygons of a geometry, in order; those of solids carry the number of their shell.

    Parameters
    ----------
    element
        A geometry, or a property that holds or links one.
    links
        Where links lead.
    shells
        Numbers the shells met.
    shell
        The shell the element is part of.
    is_back
        Whether an OrientableSurface above turned it round.
    depth
        How many links were followed to come here.
    """
    href = element.get(HREF)
    if href and not len(element):
        yield from _linked(str(href), links, shells, (shell, is_back, depth + 1))
        return
    name = local(element)
    if name in _POLYGONS:
        surface = _polygon(element, links, shell, is_back=is_back)
        if surface is not None:
            yield Piece(element, surface)
        return
    if name == "OrientableSurface" and element.get("orientation") == "-":
        is_back = not is_back
    for child in element:
        inner = shell
        if name == "Solid" and local(child) in _OUTER | _INNER:
            inner = shells.new(is_void=local(child) in _INNER)
        yield from pieces(child, links, shells, shell=inner, is_back=is_back, depth=depth)


def _linked(href: str, links: Links, shells: Shells, state: tuple[int, bool, int]) -> Iterator[Piece]:
    shell, is_back, depth = state
    name = href.removeprefix("#")
    target = links.inside.get(name)
    if target is not None and depth < _DEEPEST_LINK:
        yield from pieces(target, links, shells, shell=shell, is_back=is_back, depth=depth)
    elif name in links.kept:
        for surface in links.kept[name]:
            rings = [ring[::-1] for ring in surface.rings] if is_back else surface.rings
            yield Piece(None, Surface(rings, surface.kind, shell))
    else:
        links.missing.add(name)


def _polygon(element: Tree, links: Links, shell: int, *, is_back: bool) -> Surface | None:
    outer: list[Ring] = []
    inner: list[Ring] = []
    try:
        for child in element:
            name = local(child)
            if name in _OUTER | _INNER:
                (outer if name in _OUTER else inner).append(_opened(points(child)))
    except ValueError:
        links.bad += 1
        return None
    if not outer or len(outer[0]) < _RING:
        return None
    rings = [*outer[:1], *(ring for ring in inner if len(ring) >= _RING)]
    return Surface([ring[::-1] for ring in rings] if is_back else rings, shell=shell)


def _opened(ring: Ring) -> Ring:
    return ring[:-1] if len(ring) > 1 and (ring[0] == ring[-1]).all() else ring


def points(element: Tree) -> Ring:
    """All coordinates below an element, in order (n, 3); a missing height is 0.

    Raises
    ------
    ValueError
        If they are no numbers, or do not come in twos or threes.
    """
    found: list[Ring] = []
    for each in element.iter("*"):
        name = local(each)
        if name in {"posList", "pos"}:
            found.append(_tuples(np.array((each.text or "").split(), float), each, is_one=name == "pos"))
        elif name == "coordinates":
            found.append(_coordinates(each))
    return np.concatenate(found) if found else np.empty((0, 3))


def _tuples(values: Ring, element: Tree, *, is_one: bool) -> Ring:
    stated = len(values) if is_one else _dimension(element)
    size = stated if stated in {2, 3} and len(values) % stated == 0 else 3 if len(values) % 3 == 0 else 2
    table = values.reshape(-1, size)  # raises where they do not come in twos
    return table if size == _RING else np.column_stack([table, np.zeros(len(table))])


def _dimension(element: Tree) -> int:
    while element is not None:
        stated = element.get("srsDimension") or element.get("dimension")
        if stated and str(stated).isdigit():
            return int(stated)
        element = element.getparent()
    return _RING


def _coordinates(element: Tree) -> Ring:
    """GML 2: tuples apart by white space, numbers in them by commas, unless it says otherwise."""
    decimal, between, apart = (element.get(name) or usual for name, usual in (("decimal", "."), ("cs", ","), ("ts", " ")))
    text = (element.text or "").strip()
    tuples = text.split() if apart.isspace() else text.split(apart)
    rows = [[float(number.replace(decimal, ".")) for number in one.split(between)] for one in tuples if one.strip()]
    table = np.array(rows, float).reshape(len(rows), -1)
    return table if table.shape[1] == _RING else np.column_stack([table[:, :2], np.zeros(len(table))])


def paths(element: Tree) -> list[Ring]:
    """The lines and points (one-point paths) of a geometry that has no surfaces."""
    curves = [each for each in element.iter("*") if local(each) in _CURVES]
    whole = [each for each in curves if not any(above in curves for above in each.iterancestors())]
    if whole:
        return [line for each in whole if len(line := points(each))]
    return [row[None] for row in points(element)]
