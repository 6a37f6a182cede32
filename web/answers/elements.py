"""Elements of building models with all that is said about them, and lists of them by what they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from twin.buildings import Building, owner_of
from twin.errors import NotFound, UsageError
from twin.model import Element
from twin.store import Bounds, Store
from web.geometry import DEGREES, METRES, point_on


class Named(BaseModel):
    """An id and what it is called."""

    id: str
    name: str


class Gathered(BaseModel):
    """A zone, system or group that an element is in."""

    id: str
    kind: str
    name: str
    usage: str | None


class Joined(BaseModel):
    """Another element that one is joined to; `flow` is `out`, `in` or `both` as seen from the one, None where nobody says."""

    id: str
    flow: str | None
    is_inferred: bool


class ElementAnswer(BaseModel):
    """One element: identity, place in the structure, how it was built, everything said about it; its box [m, enu] and middle."""

    id: str
    ifc_class: str = Field(alias="class")
    name: str
    model: str | None
    building: str | None
    storey: Named | None
    space: Named | None
    type: str | None
    discipline: str | None
    state: str | None
    kernel: str | None
    reason: str | None
    materials: Sequence[Mapping[str, Any]]
    properties: Mapping[str, Any]
    groups: Sequence[Gathered]
    connections: Sequence[Joined]
    bbox: Sequence[float] | None
    lonlat_h: tuple[float, float, float] | None


class ElementLine(BaseModel):
    """One element in a list."""

    id: str
    ifc_class: str = Field(alias="class")
    name: str
    model: str
    storey_id: str | None
    state: str


class ElementsAnswer(BaseModel):
    """How many elements were found, and the first of them."""

    total: int
    elements: Sequence[ElementLine]


class ElementFilter(BaseModel):
    """What elements are asked for; what is left out lets all through."""

    building: str | None = None
    model: str | None = None
    ifc_class: str | None = Field(default=None, alias="class")
    storey: str | None = None
    q: str | None = Field(default=None, description="Part of the name, or the whole id")
    properties: list[str] = Field(default_factory=list[str], alias="property", description="Set.Property=value, or Property=value")
    bbox: str | None = Field(default=None, description="west,south,east,north in degrees")
    limit: int = Field(default=200, ge=0, le=10_000)


def element_answer(store: Store, owners: Sequence[Building], element_id: str) -> ElementAnswer:
    """One element of a model, or a building by its id; raises NotFound."""
    try:
        element = store.element(element_id)
    except NotFound:
        found = next((building for building in owners if building.id == element_id), None)
        if found is None:
            raise
        return _of_building(found)
    return _of_element(store, owners, element)


def elements_answer(store: Store, owners: Sequence[Building], wanted: ElementFilter) -> ElementsAnswer:
    """The elements that pass the filter, at most `wanted.limit` of them."""
    inside = _inside(store, wanted.bbox)
    tests = [_property_test(text) for text in wanted.properties]
    found = [e for e in _candidates(store, owners, wanted) if _passes(e, wanted) and all(test(e) for test in tests) and inside(e)]
    return ElementsAnswer(total=len(found), elements=[line(element) for element in found[: wanted.limit]])


def middle(store: Store, bbox: Sequence[float] | None) -> tuple[float, float, float] | None:
    """Longitude, latitude [deg] and height [m, park datum] of the middle of a box [m, enu]."""
    if bbox is None:
        return None
    lon, lat, h = store.park().frame.to_lonlat([(np.array(bbox[:3]) + np.array(bbox[3:])) / 2])[0].tolist()
    return round(lon, DEGREES), round(lat, DEGREES), round(h, METRES)


def line(e: Element) -> ElementLine:
    """An element as one of a list."""
    return ElementLine(**{"class": e.ifc_class}, id=e.id, name=e.name, model=e.model_id, storey_id=e.storey_id, state=e.state)


def _of_element(store: Store, owners: Sequence[Building], element: Element) -> ElementAnswer:
    storey = next((s for s in store.storeys(element.model_id) if s.id == element.storey_id), None)
    space = next((s for s in store.spaces(element.model_id) if s.id == element.space_id), None)
    owner = owner_of(owners, element.model_id, element.id)
    return ElementAnswer(
        **{"class": element.ifc_class},
        id=element.id,
        name=element.name,
        model=element.model_id,
        building=owner.id if owner else None,
        storey=Named(id=storey.id, name=storey.name) if storey else None,
        space=Named(id=space.id, name=space.long_name or space.name) if space else None,
        type=element.type_name,
        discipline=element.discipline,
        state=element.state,
        kernel=element.kernel,
        reason=element.reason,
        materials=element.materials,
        properties=element.properties,
        groups=_groups(store, element),
        connections=_connections(store, element),
        bbox=[round(value, METRES) for value in element.bbox] if element.bbox is not None else None,
        lonlat_h=middle(store, element.bbox),
    )


def _groups(store: Store, element: Element) -> list[Gathered]:
    found = (group for group in store.groups(element.model_id) if element.id in group.members)
    return [Gathered(id=group.id, kind=group.kind, name=group.name, usage=group.usage) for group in found]


def _connections(store: Store, element: Element) -> list[Joined]:
    joints = [joint for joint in store.connections(element.model_id) if element.id in {joint.from_id, joint.to_id}]
    return [
        Joined(
            id=joint.to_id if joint.from_id == element.id else joint.from_id,
            flow=_seen_from(joint.flow, is_first=joint.from_id == element.id),
            is_inferred=joint.is_inferred,
        )
        for joint in joints
    ]


def _seen_from(flow: str | None, *, is_first: bool) -> str | None:
    """Which way the flow goes for one end of a joint: it runs from the first to the second where it has a source."""
    if flow in {None, "both"}:
        return flow
    return "out" if is_first == (flow == "source") else "in"


def _of_building(building: Building) -> ElementAnswer:
    middle_h = round(building.base_h_m + building.height_m / 2, METRES)
    place = (*point_on(building.footprint), middle_h) if building.footprint is not None else None
    return ElementAnswer(
        **{"class": "Building"},
        id=building.id,
        name=building.name,
        model=None,
        building=building.id,
        storey=None,
        space=None,
        type=building.usage,
        discipline=None,
        state=None,
        kernel=None,
        reason=None,
        materials=[],
        properties={"Building": building.attributes},
        groups=[],
        connections=[],
        bbox=None,
        lonlat_h=place,
    )


def _candidates(store: Store, owners: Sequence[Building], wanted: ElementFilter) -> Iterator[Element]:
    """The elements of the model and the building asked for."""
    if wanted.building is None:
        yield from (e for model in store.models() if wanted.model in {None, model.id} for e in store.elements(model.id))
        return
    owner = next((building for building in owners if building.id == wanted.building), None)
    if owner is None:
        raise NotFound("building_missing", subject=wanted.building)
    for model in owner.model_ids:
        if wanted.model in {None, model}:
            yield from (e for e in store.elements(model) if owner.holds(model, e.id))


def _passes(element: Element, wanted: ElementFilter) -> bool:
    if wanted.ifc_class is not None and element.ifc_class.lower() != wanted.ifc_class.lower():
        return False
    if wanted.storey is not None and element.storey_id != wanted.storey:
        return False
    return not wanted.q or wanted.q.lower() in element.name.lower() or wanted.q == element.id


def _property_test(text: str) -> Any:
    path, equals, value = text.partition("=")
    if not equals:
        raise UsageError("property_filter", subject=text)
    pset, dot, name = path.rpartition(".")

    def test(element: Element) -> bool:
        sets = [element.properties.get(pset)] if dot else list(element.properties.values())
        return any(isinstance(s, Mapping) and name in s and str(s[name]).lower() == value.lower() for s in sets)

    return test


def _inside(store: Store, bbox: str | None) -> Any:
    if not bbox:
        return lambda element: True  # noqa: ARG005  the same shape as the test below
    west, south, east, north = parse_bounds(bbox)
    corners = store.park().frame.to_enu([[west, south], [east, south], [east, north], [west, north]])
    (xmin, ymin), (xmax, ymax) = corners[:, :2].min(0), corners[:, :2].max(0)

    def test(element: Element) -> bool:
        b = element.bbox
        return b is not None and b[3] >= xmin and b[0] <= xmax and b[4] >= ymin and b[1] <= ymax

    return test


def parse_bounds(text: str) -> Bounds:
    """West, south, east, north [deg] out of `w,s,e,n`; raises UsageError."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise UsageError("bbox_unreadable", subject=text) from error
    return west, south, east, north
