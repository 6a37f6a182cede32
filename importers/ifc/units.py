"""Units of an IFC file as factors to SI (runs in the child).

Angles come out in radians. Temperatures keep the file's scale: an offset is not a factor.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from importers.ifc.entity import attribute

_PREFIX = {
    "EXA": 1e18, "PETA": 1e15, "TERA": 1e12, "GIGA": 1e9, "MEGA": 1e6, "KILO": 1e3, "HECTO": 1e2, "DECA": 10.0, "DECI": 0.1,
    "CENTI": 1e-2, "MILLI": 1e-3, "MICRO": 1e-6, "NANO": 1e-9, "PICO": 1e-12, "FEMTO": 1e-15, "ATTO": 1e-18,
}  # fmt: skip
_POWER = {"SQUARE_METRE": 2, "CUBIC_METRE": 3}  # a prefix multiplies the metre, then the power is taken (ISO 10303-41)
_MEASURES = {
    "LENGTHUNIT": "IfcLengthMeasure IfcPositiveLengthMeasure IfcNonNegativeLengthMeasure",
    "AREAUNIT": "IfcAreaMeasure",
    "VOLUMEUNIT": "IfcVolumeMeasure",
    "PLANEANGLEUNIT": "IfcPlaneAngleMeasure IfcPositivePlaneAngleMeasure",
    "MASSUNIT": "IfcMassMeasure",
    "TIMEUNIT": "IfcTimeMeasure",
    "POWERUNIT": "IfcPowerMeasure",
    "PRESSUREUNIT": "IfcPressureMeasure",
    "FORCEUNIT": "IfcForceMeasure",
    "ENERGYUNIT": "IfcEnergyMeasure",
    "FREQUENCYUNIT": "IfcFrequencyMeasure",
    "ELECTRICVOLTAGEUNIT": "IfcElectricVoltageMeasure",
    "ELECTRICCURRENTUNIT": "IfcElectricCurrentMeasure",
    "ILLUMINANCEUNIT": "IfcIlluminanceMeasure",
    "LUMINOUSFLUXUNIT": "IfcLuminousFluxMeasure",
    "MASSDENSITYUNIT": "IfcMassDensityMeasure",
    "LINEARVELOCITYUNIT": "IfcLinearVelocityMeasure",
    "VOLUMETRICFLOWRATEUNIT": "IfcVolumetricFlowRateMeasure",
    "MASSFLOWRATEUNIT": "IfcMassFlowRateMeasure",
    "THERMALTRANSMITTANCEUNIT": "IfcThermalTransmittanceMeasure",
    "THERMALCONDUCTANCEUNIT": "IfcThermalConductivityMeasure",
}
_NEST_LIMIT = 16
_LARGEST_METRES = 2e7  # half the earth's girth: no coordinate in metres is larger
_UNIT_OF = {measure: unit for unit, measures in _MEASURES.items() for measure in measures.split()}


@dataclass(frozen=True)
class Units:
    """Factors to SI: of lengths, and of every kind of unit the project assigns."""

    length_m: float = 1.0
    scales: Mapping[str, float] = field(default_factory=dict[str, float])
    are_missing: bool = False

    def si(self, measure: str, value: Any, unit: Any = None) -> Any:
        """A value of the IFC measure type `measure` in SI; whatever is no number of a known unit comes back as it is."""
        kind = _UNIT_OF.get(measure)
        if kind is None or isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
            return value
        factor = factor_of(unit) if unit is not None else self.scales.get(kind, 1.0)
        return value if factor is None or factor == 1.0 else float(value) * factor

    def angle(self) -> float:
        """Radians of one plane angle unit of the project."""
        return self.scales.get("PLANEANGLEUNIT", 1.0)


def read_units(file: Any) -> Units:
    """The units the project assigns; metres where it assigns none."""
    projects = [*file.by_type("IfcProject"), *(file.by_type("IfcContext") if file.schema != "IFC2X3" else ())]
    assigned = next((project.UnitsInContext for project in projects if project.UnitsInContext), None)
    scales: dict[str, float] = {}
    for unit in assigned.Units if assigned else ():
        kind, factor = attribute(unit, "UnitType"), factor_of(unit)
        if kind and factor and math.isfinite(factor):
            scales[kind] = factor
    return Units(scales.get("LENGTHUNIT", 1.0), scales, "LENGTHUNIT" not in scales)


def unit_name(unit: Any) -> str:
    """What a unit is called: a currency's code, else its name or kind."""
    return str(attribute(unit, "Currency") or attribute(unit, "Name") or attribute(unit, "UserDefinedType") or unit.is_a())


def factor_of(unit: Any, depth: int = 0) -> float | None:
    """SI units in one `unit`; None where the file does not say, or says it by itself."""
    if depth > _NEST_LIMIT:
        return None
    if unit.is_a("IfcSIUnit"):
        power = _POWER.get(unit.Name, 1)
        gram = 1e-3 if unit.Name == "GRAM" else 1.0
        return gram * _PREFIX.get(unit.Prefix or "", 1.0) ** power
    if unit.is_a("IfcConversionBasedUnit"):
        measure = unit.ConversionFactor
        base = factor_of(measure.UnitComponent, depth + 1) if measure and measure.UnitComponent else None
        return None if base is None else float(measure.ValueComponent.wrappedValue) * base
    if unit.is_a("IfcDerivedUnit"):
        factors = [(factor_of(part.Unit, depth + 1), part.Exponent) for part in unit.Elements]
        known = [(factor, power) for factor, power in factors if factor is not None]
        return math.prod(factor**power for factor, power in known) if len(known) == len(factors) else None
    return None


def assume(file: Any, units: Units) -> Units:
    """Units for a file that assigns none: metres, or millimetres where no place on earth has such coordinates in metres.

    Where millimetres are assumed, they are written into the open file, so that the kernel takes them too.
    """
    points = [placement.RelativePlacement for placement in file.by_type("IfcLocalPlacement")]
    largest = max((abs(x) for axes in points if axes is not None for x in axes.Location.Coordinates), default=0.0)
    if largest < _LARGEST_METRES:
        return units
    unit = file.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Prefix="MILLI", Name="METRE")
    assigned = file.create_entity("IfcUnitAssignment", Units=[unit])
    projects = file.by_type("IfcProject")
    project = projects[0] if projects else file.create_entity("IfcProject", GlobalId="0" * 22)
    project.UnitsInContext = assigned
    return Units(1e-3, {**units.scales, "LENGTHUNIT": 1e-3}, are_missing=True)
