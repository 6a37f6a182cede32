"""One storey while it is being written, and how products get on it: placed, typed, told what they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.model import Entity, Model
from sample_park.buildings_ifc.rooms import Level, Plan

East = (1.0, 0.0, 0.0)


@dataclass(frozen=True)
class Floor:
    """A storey of a plan in a model."""

    model: Model
    plan: Plan
    level: Level
    storey: Entity
    place: Entity
    number: int  # 0 is the lowest
    last: bool

    def key(self, *parts: object) -> str:
        """A key within the model for something on this storey."""
        return "/".join([self.level.key, *map(str, parts)])


@dataclass(frozen=True)
class Kind:
    """A type of product: class without "Type", key, names, what it is made of, predefined type, further attributes of the type."""

    entity: str
    key: str
    name: str
    name_zh: str
    material: str | None = None
    predefined: str | None = None
    type_attributes: Mapping[str, object] | None = None

    @property
    def title(self) -> str:
        """Both names."""
        return f"{self.name} {self.name_zh}"


Items = Callable[[], Sequence[Entity]]


def type_of(model: Model, kind: Kind, items: Items | None = None) -> Entity:
    """The type entity of a kind, with its shape where it has one; written once."""
    key = ("type", kind.entity, kind.key)
    if key not in model.shared:
        maps = [bodies.source(model, items())] if items else None
        attributes = {"AssemblyPlace": "NOTDEFINED", **(kind.type_attributes or {})}  # furniture types must say where they are put together
        model.shared[key] = model.root(
            f"{kind.entity}Type",
            kind.key,
            Name=kind.title,
            Tag=kind.key,
            RepresentationMaps=maps,
            PredefinedType=kind.predefined or "NOTDEFINED",
            **attributes,
        )
        if kind.material:
            model.relate("material", model.material(kind.material), model.shared[key])
    return model.shared[key]


def put(floor: Floor, kind: Kind, key: str, place: Sequence[float], items: Items, **attributes: Any) -> Entity:
    """One product of a kind on the floor, with the shape all of its kind share. `place` is x, y, z [m], and may add x's direction."""
    model = floor.model
    kind_entity = type_of(model, kind, items)
    x_axis = tuple(place[3:6]) if len(place) == 6 else East
    parent = attributes.pop("parent", None) or floor.place
    held = attributes.pop("held", True)
    given = {"Name": kind.title, "Tag": floor.key(key), "PredefinedType": kind.predefined, **attributes}
    product = model.root(
        kind.entity,
        floor.key(kind.key.split("-")[0], key),
        ObjectPlacement=model.placement(parent, place[:3], x_axis),
        Representation=bodies.mapped(model, kind_entity.RepresentationMaps[0]),
        **given,
    )
    model.relate("type", kind_entity, product)
    if held:
        model.relate("in", floor.storey, product)
    return product


def single(floor: Floor, entity: str, key: str, items: Sequence[Entity], **attributes: Any) -> Entity:
    """One product with a shape of its own, in the storey's frame unless `placement` says otherwise."""
    model = floor.model
    placement = attributes.pop("placement", None) or model.placement(floor.place, (0.0, 0.0, 0.0))
    held = attributes.pop("held", True)
    shape = bodies.shape(model, items) if items else None
    product = model.root(entity, floor.key(key), ObjectPlacement=placement, Representation=shape, Tag=floor.key(key), **attributes)
    if held:
        model.relate("in", floor.storey, product)
    return product


def describe(model: Model, product: Entity, name: str, values: Mapping[str, object]) -> None:
    """Gives a product a property set; products with the same values share it."""
    key = ("pset", name, *sorted((k, str(v)) for k, v in values.items()))
    if key not in model.shared:
        properties = [model.new("IfcPropertySingleValue", Name=k, NominalValue=_value(model, v)) for k, v in values.items()]
        number = sum(1 for other in model.shared if isinstance(other, tuple) and other[0] == "pset" and other[1] == name)
        model.shared[key] = model.root("IfcPropertySet", f"{name}/{number}", Name=name, HasProperties=properties)
    model.relate("properties", model.shared[key], product)


def measure(model: Model, product: Entity, name: str, values: Mapping[str, float]) -> None:
    """Gives a product base quantities: names with Area in m², with Volume in m³, others lengths in the file's unit."""
    key = ("qto", name, *((k, round(v, 3)) for k, v in values.items()))
    if key not in model.shared:
        quantities = [_quantity(model, k, v) for k, v in values.items()]
        number = sum(1 for other in model.shared if isinstance(other, tuple) and other[0] == "qto" and other[1] == name)
        model.shared[key] = model.root("IfcElementQuantity", f"{name}/{number}", Name=name, Quantities=quantities)
    model.relate("properties", model.shared[key], product)


def _quantity(model: Model, name: str, value: float) -> Entity:
    if "Area" in name:
        return model.new("IfcQuantityArea", Name=name, AreaValue=round(value, 3))
    if "Volume" in name:
        return model.new("IfcQuantityVolume", Name=name, VolumeValue=round(value, 3))
    return model.new("IfcQuantityLength", Name=name, LengthValue=model.m(value)[0])


def _value(model: Model, value: object) -> Entity:
    kind = (
        "IfcBoolean"
        if isinstance(value, bool)
        else "IfcInteger"
        if isinstance(value, int)
        else "IfcReal"
        if isinstance(value, float)
        else "IfcLabel"
    )
    return model.file.create_entity(kind, value)
