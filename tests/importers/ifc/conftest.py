"""A small house written with ifcopenshell's own authoring functions, in any schema and unit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ifcopenshell
import ifcopenshell.api.aggregate
import ifcopenshell.api.context
import ifcopenshell.api.geometry
import ifcopenshell.api.project
import ifcopenshell.api.root
import ifcopenshell.api.spatial
import ifcopenshell.api.unit
import numpy as np
import pytest

from importers.contract import Context, Imported, Options
from importers.ifc import IMPORTER
from importers.ifc.georeference import Georeferenced, georeference
from importers.ifc.setting import Setting
from importers.ifc.survey import survey
from importers.ifc.units import read_units
from twin.crs import Frame
from twin.model import Park

Triple = tuple[float, float, float]
FRAME = Frame(120.6, 31.3, 0.0)


@dataclass
class House:
    """An IFC file being written; every length given is in metres."""

    file: Any
    unit_m: float
    project: Any = None
    site: Any = None
    building: Any = None
    storey: Any = None
    context: Any = None
    body: Any = None
    made: list[Any] = field(default_factory=list)

    @classmethod
    def new(cls, schema: str = "IFC4", unit_m: float = 1.0) -> House:
        file = ifcopenshell.api.project.create_file(version=schema)
        house = cls(file, unit_m)
        if schema == "IFC2X3":  # owner history is mandatory there
            organization = file.create_entity("IfcOrganization", Name="O")
            file.create_entity("IfcPersonAndOrganization", file.create_entity("IfcPerson"), organization)
            file.create_entity("IfcApplication", organization, "1", "writer", "writer")
        house.project = ifcopenshell.api.root.create_entity(file, ifc_class="IfcProject", name="Prüfhaus")
        prefixes = {1.0: None, 0.001: "MILLI"}
        if unit_m in prefixes:
            units = [ifcopenshell.api.unit.add_si_unit(file, unit_type="LENGTHUNIT", prefix=prefixes[unit_m])]
        else:
            units = [house.unit(unit_m)]
        units += [ifcopenshell.api.unit.add_si_unit(file, unit_type=kind) for kind in ("AREAUNIT", "VOLUMEUNIT", "PLANEANGLEUNIT")]
        ifcopenshell.api.unit.assign_unit(file, units=units)
        house.context = ifcopenshell.api.context.add_context(file, context_type="Model")
        house.body = ifcopenshell.api.context.add_context(
            file, context_type="Model", context_identifier="Body", target_view="MODEL_VIEW", parent=house.context
        )
        house.site, house.building, house.storey = (
            ifcopenshell.api.root.create_entity(file, ifc_class=kind, name=name)
            for kind, name in (("IfcSite", "Site"), ("IfcBuilding", "研发楼"), ("IfcBuildingStorey", "首层"))
        )
        for whole, part in ((house.project, house.site), (house.site, house.building), (house.building, house.storey)):
            ifcopenshell.api.aggregate.assign_object(file, products=[part], relating_object=whole)
            if part is not house.project:
                house.place(part, (0.0, 0.0, 0.0))
        return house

    def unit(self, metres: float) -> Any:
        """A unit of length: the metre, or a conversion based one of so many metres, as feet are."""
        metre = self.file.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE")
        if metres == 1.0:
            return metre
        measure = self.file.create_entity("IfcMeasureWithUnit", self.file.create_entity("IfcLengthMeasure", metres), metre)
        dimensions = self.file.create_entity("IfcDimensionalExponents", 1, 0, 0, 0, 0, 0, 0)
        return self.file.create_entity("IfcConversionBasedUnit", dimensions, "LENGTHUNIT", "FOOT", measure)

    def place(self, product: Any, at: tuple[float, float, float], turn_deg: float = 0.0) -> None:
        matrix = np.eye(4)
        c, s = np.cos(np.radians(turn_deg)), np.sin(np.radians(turn_deg))
        matrix[:2, :2] = [[c, -s], [s, c]]
        matrix[:3, 3] = at
        ifcopenshell.api.geometry.edit_object_placement(self.file, product=product, matrix=matrix, is_si=True)

    def box(
        self,
        kind: str,
        name: str,
        size: tuple[float, float, float],
        at: tuple[float, float, float] = (0.0, 0.0, 0.0),
        turn_deg: float = 0.0,
    ) -> Any:
        """A product with an extruded rectangle: one corner at `at`, in the storey (a space is part of it)."""
        product = ifcopenshell.api.root.create_entity(self.file, ifc_class=kind, name=name)
        self.place(product, at, turn_deg)
        self.shape(product, self.block(size))
        if kind == "IfcSpace":
            ifcopenshell.api.aggregate.assign_object(self.file, products=[product], relating_object=self.storey)
        elif not kind.startswith("IfcOpening"):
            ifcopenshell.api.spatial.assign_container(self.file, products=[product], relating_structure=self.storey)
        self.made.append(product)
        return product

    def another_storey(self, name: str) -> Any:
        """A further storey of the building, at its origin."""
        storey = ifcopenshell.api.root.create_entity(self.file, ifc_class="IfcBuildingStorey", name=name)
        ifcopenshell.api.aggregate.assign_object(self.file, products=[storey], relating_object=self.building)
        self.place(storey, (0.0, 0.0, 0.0))
        return storey

    def block(self, size: tuple[float, float, float]) -> Any:
        """An IfcExtrudedAreaSolid with a corner in the origin."""
        file = self.file
        x, y, z = (length / self.unit_m for length in size)
        centre = file.create_entity(
            "IfcAxis2Placement2D", Location=file.create_entity("IfcCartesianPoint", (x / 2, y / 2))
        )  # fmt: skip
        profile = file.create_entity("IfcRectangleProfileDef", ProfileType="AREA", Position=centre, XDim=x, YDim=y)
        origin = file.create_entity("IfcAxis2Placement3D", Location=file.create_entity("IfcCartesianPoint", (0.0, 0.0, 0.0)))
        up = file.create_entity("IfcDirection", (0.0, 0.0, 1.0))
        return file.create_entity("IfcExtrudedAreaSolid", SweptArea=profile, Position=origin, ExtrudedDirection=up, Depth=z)

    def shape(self, product: Any, *items: Any, kind: str = "SweptSolid") -> None:
        representation = self.file.create_entity(
            "IfcShapeRepresentation", ContextOfItems=self.body, RepresentationIdentifier="Body", RepresentationType=kind, Items=items
        )
        product.Representation = self.file.create_entity("IfcProductDefinitionShape", Representations=[representation])

    def save(self, path: Path) -> Path:
        self.file.write(str(path))
        return path


@pytest.fixture(scope="session")
def new_house() -> Callable[..., House]:
    """Begins a house: schema, metres in its length unit."""
    return House.new


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Imported]:
    """Imports a house or a path into a park at (120.6, 31.3), with the options given."""

    def imported(source: House | Path, *, frame: Frame = FRAME, name: str = "house.ifc", **options: Any) -> Imported:
        path = source if isinstance(source, Path) else source.save(tmp_path / name)
        return IMPORTER.read(path, Context(Park("p", frame), Options(**options)))

    return imported


@pytest.fixture
def georeferenced(tmp_path: Path) -> Callable[..., Georeferenced]:
    """Where a house comes to stand, written to a file, read back and judged here, without a child and without bodies."""

    def judged(
        house: House, *, frame: Frame = FRAME, at: Triple = (0.0, 0.0, 0.0), size: Triple = (20.0, 10.0, 8.0), **said: Any
    ) -> Georeferenced:
        file = ifcopenshell.open(str(house.save(tmp_path / "house.ifc")))
        facts = json.loads(json.dumps(survey(file, read_units(file))))
        box = np.array([at, np.add(at, size)])
        ground = said.pop("ground_m", frame.h_m)
        return georeference(facts, Setting("house.ifc", frame, lambda lon, lat: ground, box, **said))

    return judged
