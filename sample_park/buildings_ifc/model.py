"""An IFC file in the making: entities of any schema, stable GlobalIds, shared geometry, relations written once at the end.

Lengths come in metres and leave in the file's unit. Attributes that a schema does not have are left out, so the same call serves IFC2X3,
IFC4 and IFC4X3. Owner history is written where the schema insists (IFC2X3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, cast

import ifcopenshell
import ifcopenshell.api.context
import ifcopenshell.api.unit
from ifcopenshell import ifcopenshell_wrapper

from sample_park.buildings_ifc.fabric import LOOKS
from sample_park.frame import global_id

TIME = 1_767_225_600  # 2026-01-01T00:00:00Z: the park has one date, so that the same plan gives the same bytes
ORGANISATION = "Yunxi Park Operations"
Entity = Any  # ifcopenshell.entity_instance


@dataclass
class Model:
    """One IFC file being written: the file, its unit, what is shared, and the relations still to be written."""

    key: str
    file: Any
    per_metre: float  # file units in a metre
    body: Entity
    history: Entity | None
    shared: dict[Any, Entity] = field(default_factory=dict[Any, Entity])
    names: set[str] = field(default_factory=set[str])
    relations: dict[tuple[str, Any], tuple[Entity, list[Entity]]] = field(
        default_factory=dict[tuple[str, Any], tuple[Entity, list[Entity]]]
    )

    def m(self, *metres: float) -> list[float]:
        """Lengths in the file's unit, to a tenth of a millimetre."""
        return [round(round(value, 4) * self.per_metre, 4) + 0.0 for value in metres]

    def new(self, entity: str, **attributes: object) -> Entity:
        """An entity with those of the attributes that the schema knows."""
        entity = _LEGACY.get(entity, entity) if self.file.schema == "IFC2X3" else entity
        known = _attributes(self.file.schema_identifier, entity)
        return self.file.create_entity(entity, **{name: value for name, value in attributes.items() if name in known and value is not None})

    def root(self, entity: str, key: str, **attributes: object) -> Entity:
        """A rooted entity; its GlobalId follows from the model, the class and `key` alone."""
        identity = f"{entity}/{key}"
        if identity in self.names:
            raise ValueError(f"{identity} is there twice in {self.key}")
        self.names.add(identity)
        return self.new(entity, GlobalId=global_id(self.key, entity, key), OwnerHistory=self.history, **attributes)

    def once(self, key: Any, entity: str, **attributes: object) -> Entity:
        """An entity that is written the first time it is asked for and shared from then on."""
        if key not in self.shared:
            self.shared[key] = self.new(entity, **attributes)
        return self.shared[key]

    def point(self, *metres: float) -> Entity:
        """A point, shared."""
        coordinates = self.m(*metres)
        return self.once(("point", *coordinates), "IfcCartesianPoint", Coordinates=coordinates)

    def direction(self, *ratios: float) -> Entity:
        """A direction, shared."""
        values = [round(value, 9) + 0.0 for value in ratios]
        return self.once(("direction", *values), "IfcDirection", DirectionRatios=values)

    def axes(self, place: Sequence[float], x: Sequence[float] = (1.0, 0.0, 0.0), z: Sequence[float] = (0.0, 0.0, 1.0)) -> Entity:
        """Axes at a point [m] with the given x and z, shared."""
        plain = tuple(x) == (1.0, 0.0, 0.0) and tuple(z) == (0.0, 0.0, 1.0)
        turned = {} if plain else {"Axis": self.direction(*z), "RefDirection": self.direction(*x)}
        key = ("axes", *self.m(*place), *x, *z)
        return self.once(key, "IfcAxis2Placement3D", Location=self.point(*place), **turned)

    def placement(self, parent: Entity | None, place: Sequence[float], x: Sequence[float] = (1.0, 0.0, 0.0)) -> Entity:
        """A placement relative to another. [m]"""
        return self.new("IfcLocalPlacement", PlacementRelTo=parent, RelativePlacement=self.axes(place, x))

    def relate(self, kind: str, one: Any, many: Entity) -> None:
        """Notes that `many` belongs to `one` by the relation `kind`; written by `finish`."""
        self.relations.setdefault((kind, one.id()), (one, []))[1].append(many)

    def material(self, name: str) -> Entity:
        """A material with its look, shared."""
        if ("material", name) not in self.shared:
            material = self.once(("material", name), "IfcMaterial", Name=name, Category=name.partition(" ")[0].lower())
            styled = self.new("IfcStyledItem", Styles=[self.style(name)])
            shown = self.new("IfcStyledRepresentation", ContextOfItems=self.body, RepresentationIdentifier="Style", Items=[styled])
            self.new("IfcMaterialDefinitionRepresentation", Representations=[shown], RepresentedMaterial=material)
        return self.shared[("material", name)]

    def style(self, name: str) -> Entity:
        """How a material looks, shared."""
        red, green, blue, clear = LOOKS[name]
        colour = self.once(("colour", name), "IfcColourRgb", Red=red, Green=green, Blue=blue)
        shade = self.once(
            ("shade", name), "IfcSurfaceStyleRendering", SurfaceColour=colour, Transparency=clear, ReflectanceMethod="NOTDEFINED"
        )
        style = self.once(("style", name), "IfcSurfaceStyle", Name=name, Side="BOTH", Styles=[shade])
        if self.file.schema == "IFC2X3":
            return self.once(("assigned", name), "IfcPresentationStyleAssignment", Styles=[style])
        return style

    def finish(self) -> str:
        """Writes the relations and gives the file's text."""
        for number, ((kind, _), (one, many)) in enumerate(list(self.relations.items())):
            entity, single, several = _RELATIONS[kind]
            self.root(entity, f"{kind}/{number}", **{single: one, several: many})
        header = self.file.header
        header.file_name.name = f"{self.key}.ifc"
        header.file_name.time_stamp = "2026-01-01T00:00:00"
        header.file_name.preprocessor_version = "IfcOpenShell"
        header.file_name.originating_system = "sample_park"
        header.file_name.author = [ORGANISATION]
        header.file_name.organization = [ORGANISATION]
        return cast(str, self.file.to_string())


_LEGACY = {  # what IFC2X3 calls the classes that came later
    "IfcDoorType": "IfcDoorStyle",
    "IfcWindowType": "IfcWindowStyle",
    "IfcDuctSegment": "IfcFlowSegment",
    "IfcPipeSegment": "IfcFlowSegment",
    "IfcCableCarrierSegment": "IfcFlowSegment",
    "IfcAirTerminal": "IfcFlowTerminal",
    "IfcLightFixture": "IfcFlowTerminal",
    "IfcFireSuppressionTerminal": "IfcFlowTerminal",
    "IfcSanitaryTerminal": "IfcFlowTerminal",
    "IfcUnitaryEquipment": "IfcEnergyConversionDevice",
    "IfcElectricDistributionBoard": "IfcFlowController",
    "IfcElectricDistributionBoardType": "IfcSwitchingDeviceType",
    "IfcPump": "IfcFlowMovingDevice",
    "IfcDistributionSystem": "IfcSystem",
    "IfcFurniture": "IfcFurnishingElement",
    "IfcElectricAppliance": "IfcFlowTerminal",
    "IfcOutlet": "IfcFlowTerminal",
}
_RELATIONS = {  # our word -> entity, attribute of the one, attribute of the many
    "part": ("IfcRelAggregates", "RelatingObject", "RelatedObjects"),
    "in": ("IfcRelContainedInSpatialStructure", "RelatingStructure", "RelatedElements"),
    "type": ("IfcRelDefinesByType", "RelatingType", "RelatedObjects"),
    "properties": ("IfcRelDefinesByProperties", "RelatingPropertyDefinition", "RelatedObjects"),
    "material": ("IfcRelAssociatesMaterial", "RelatingMaterial", "RelatedObjects"),
    "class": ("IfcRelAssociatesClassification", "RelatingClassification", "RelatedObjects"),
    "system": ("IfcRelAssignsToGroup", "RelatingGroup", "RelatedObjects"),
    "serves": ("IfcRelServicesBuildings", "RelatingSystem", "RelatedBuildings"),
}


def open_model(key: str, schema: str, *, millimetres: bool = False) -> Model:
    """An empty file with units, contexts and, in IFC2X3, an owner history."""
    file: Any = ifcopenshell.file(schema=cast(Any, schema))
    history = _history(file) if schema == "IFC2X3" else None
    project = file.create_entity("IfcProject", GlobalId=global_id(key, "IfcProject", ""), OwnerHistory=history)
    prefix = "MILLI" if millimetres else None
    length = ifcopenshell.api.unit.add_si_unit(file, unit_type="LENGTHUNIT", prefix=prefix)
    units = [length, *(ifcopenshell.api.unit.add_si_unit(file, unit_type=kind) for kind in ("AREAUNIT", "VOLUMEUNIT", "PLANEANGLEUNIT"))]
    project.UnitsInContext = file.create_entity("IfcUnitAssignment", Units=units)
    context = ifcopenshell.api.context.add_context(file, context_type="Model")
    body = ifcopenshell.api.context.add_context(
        file, context_type="Model", context_identifier="Body", target_view="MODEL_VIEW", parent=context
    )
    return Model(key, file, 1000.0 if millimetres else 1.0, body, history)


@cache
def _attributes(schema: str, entity: str) -> frozenset[str]:
    declaration: Any = ifcopenshell_wrapper.schema_by_name(schema).declaration_by_name(entity)
    return frozenset(str(attribute.name()) for attribute in declaration.as_entity().all_attributes())


def _history(file: Any) -> Entity:
    person = file.create_entity("IfcPerson", FamilyName="sample park")
    organisation = file.create_entity("IfcOrganization", Name=ORGANISATION)
    both = file.create_entity("IfcPersonAndOrganization", ThePerson=person, TheOrganization=organisation)
    program = file.create_entity(
        "IfcApplication",
        ApplicationDeveloper=organisation,
        Version="1",
        ApplicationFullName="sample_park",
        ApplicationIdentifier="sample_park",
    )
    return file.create_entity("IfcOwnerHistory", OwningUser=both, OwningApplication=program, ChangeAction="ADDED", CreationDate=TIME)
