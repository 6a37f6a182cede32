"""Property sets and quantities of products, groups and types, in SI (runs in the child).

Names and values as the file has them; an occurrence's value wins over its type's (IFC 4.3, 5.1.3.2), and the sets that come from
the type, wholly or in part, are listed under `_type_sets`. Values whose unit has no factor to SI (money, say) stay as they are, and
that unit's name is kept under `_units`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from importers.ifc.assigned import Assigned
from importers.ifc.entity import attribute
from importers.ifc.structure import instances, of_class
from importers.ifc.units import Units, factor_of, unit_name

_QUANTITIES = {
    "IfcQuantityLength": "IfcLengthMeasure",
    "IfcQuantityArea": "IfcAreaMeasure",
    "IfcQuantityVolume": "IfcVolumeMeasure",
    "IfcQuantityWeight": "IfcMassMeasure",
    "IfcQuantityTime": "IfcTimeMeasure",
}
TYPE_SETS = "_type_sets"
UNITS = "_units"
_NEST_LIMIT = 16  # a complex property that holds itself must not be followed for ever
_Sets = dict[str, dict[str, Any]]


@dataclass
class Properties:
    """Answers about the property sets of one open file; sets and properties that many things share are read once."""

    units: Units
    unused: int = 0  # sets that nothing refers to
    _sets: dict[int, tuple[str, dict[str, Any]]] = field(default_factory=dict[int, tuple[str, dict[str, Any]]])
    _lists: dict[tuple[int, ...], dict[str, Any]] = field(default_factory=dict[tuple[int, ...], "dict[str, Any]"])
    _values: dict[int, tuple[str, Any, str | None]] = field(default_factory=dict[int, tuple[str, Any, "str | None"]])

    def of_objects(self, file: Any, type_of: Mapping[int, Any], told: Assigned | None = None) -> dict[int, dict[str, Any]]:
        """Step id -> {set: {name: value}} of every object that has any.

        Parameters
        ----------
        file
            The open IFC file.
        type_of
            Step id of an occurrence -> its type.
        told
            What the text of the file says of sets and who has them, where it could be read.
        """
        own = self._own(file) if told is None else self._told(file, told)
        types = {kind.id(): self.of_type(kind) for kind in {kind.id(): kind for kind in type_of.values()}.values()}
        merged: dict[int, dict[str, Any]] = dict(own)
        for step, kind in type_of.items():
            if types[kind.id()]:
                merged[step] = _merged(own.get(step, {}), types[kind.id()])
        used = self._sets.keys() | (set(told.definitions) if told is not None else set())
        self.unused = sum(item.id() not in used for item in of_class(file, "IfcPropertySetDefinition"))
        return merged

    def of_type(self, kind: Any) -> _Sets:
        """The sets of a type object."""
        sets: _Sets = {}
        for definition in instances(attribute(kind, "HasPropertySets")):
            _add(sets, *self._set(definition))
        return sets

    def of_materials(self, file: Any) -> dict[int, _Sets]:
        """Step id of a material -> its sets: strength, conductivity and whatever else the file says of it."""
        found: dict[int, _Sets] = {}
        for definition in of_class(file, "IfcMaterialProperties"):
            material = attribute(definition, "Material")
            if material is not None:
                properties = attribute(definition, "Properties") or attribute(definition, "ExtendedProperties")
                values = self._properties(properties, 0) | _attributes_as_values(definition)
                _add(found.setdefault(material.id(), {}), attribute(definition, "Name") or definition.is_a(), values)
        return found

    def _own(self, file: Any) -> dict[int, _Sets]:
        own: dict[int, _Sets] = {}
        for relation in of_class(file, "IfcRelDefinesByProperties"):
            for definition in _definitions(relation.get_argument(5)):
                name, values = self._set(definition)
                for item in instances(relation.get_argument(4)):
                    _add(own.setdefault(item.id(), {}), name, values)
        return own

    def _told(self, file: Any, told: Assigned) -> dict[int, _Sets]:
        own: dict[int, _Sets] = {}
        for item, step in zip(told.objects, told.definitions, strict=True):
            if step in told.sets:
                name, listed = told.sets[step]
                values = self._listed(file, listed)
            else:
                name, values = self._set(file.by_id(step))
            _add(own.setdefault(item, {}), name or "IfcPropertySet", values)
        return own

    def _listed(self, file: Any, steps: tuple[int, ...]) -> dict[str, Any]:
        """The values of some properties; many sets list the same ones."""
        if steps not in self._lists:
            self._lists[steps] = self._properties([file.by_id(step) for step in steps], 0)
        return self._lists[steps]

    def _set(self, definition: Any) -> tuple[str, dict[str, Any]]:
        step = definition.id()
        if step not in self._sets:
            self._sets[step] = (definition.get_argument(2) or definition.is_a(), self._read(definition))
        return self._sets[step]

    def _read(self, definition: Any) -> dict[str, Any]:
        kind = definition.is_a()
        if kind == "IfcPropertySet":
            return self._properties(instances(definition.get_argument(4)), 0)
        if kind == "IfcElementQuantity":
            return self._quantities(definition.get_argument(5), 0)
        return _attributes_as_values(definition)

    def _properties(self, properties: Any, depth: int) -> dict[str, Any]:
        """{name: value}; properties without a value are left out, and units that are no factor are named."""
        found: dict[str, Any] = {}
        units: dict[str, str] = {}
        for item in properties or ():
            name, value, unit = self._named(item, depth)
            if name and value is not None:
                found[name] = value
                if unit:
                    units[name] = unit
        return found | {UNITS: units} if units else found

    def _named(self, item: Any, depth: int) -> tuple[str, Any, str | None]:
        """Name, value, and the name of the property's own unit where it has no factor to SI."""
        step = item.id()
        if step not in self._values:
            self._values[step] = (item.get_argument(0) or "", self._value(item, depth), _odd_unit(item))
        return self._values[step]

    def _value(self, item: Any, depth: int) -> Any:
        kind = item.is_a()
        if kind == "IfcPropertySingleValue":
            return _one(item.get_argument(2), item.get_argument(3), self.units)
        if kind == "IfcComplexProperty":
            return self._properties(attribute(item, "HasProperties"), depth + 1) if depth < _NEST_LIMIT else None
        return _many(item, kind, self.units)

    def _quantities(self, quantities: Any, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for item in quantities or ():
            kind = item.is_a()
            if kind == "IfcPhysicalComplexQuantity":
                values[item.Name] = self._quantities(item.HasQuantities, depth + 1) if depth < _NEST_LIMIT else {}
            elif kind in _QUANTITIES or kind in {"IfcQuantityCount", "IfcQuantityNumber"}:
                values[item.get_argument(0)] = _finite(self.units.si(_QUANTITIES.get(kind, ""), item.get_argument(3), item.get_argument(2)))
        return {name: value for name, value in values.items() if name and value is not None}


def _many(item: Any, kind: str, units: Units) -> Any:
    """The value of a property that is not single: a list, bounds with a set point where there is one, a table, a reference."""
    if kind == "IfcPropertyEnumeratedValue":
        return _several(item.EnumerationValues, None, units)
    if kind == "IfcPropertyListValue":
        return _several(item.ListValues, item.Unit, units)
    if kind == "IfcPropertyBoundedValue":
        ends = [item.LowerBoundValue, item.UpperBoundValue, attribute(item, "SetPointValue")]
        values = [_one(end, item.Unit, units) for end in ends]
        return values[:2] if values[2] is None else values
    if kind == "IfcPropertyTableValue":
        pairs = zip(item.DefiningValues or (), item.DefinedValues or (), strict=False)
        return [[_one(x, item.DefiningUnit, units), _one(y, item.DefinedUnit, units)] for x, y in pairs]
    referred = attribute(item, "PropertyReference")
    return _reference(referred) if referred is not None else None


def _reference(referred: Any) -> Any:
    """What an IfcPropertyReferenceValue points at: its class and what it says in words and numbers."""
    return {"class": referred.is_a(), **_attributes_as_values(referred, keep_name=True)}


def _attributes_as_values(definition: Any, *, keep_name: bool = False) -> dict[str, Any]:
    """Predefined sets such as IfcDoorLiningProperties keep their values in attributes of their own."""
    info = definition.get_info(recursive=False)
    left = {"id", "type", "GlobalId"} | (set() if keep_name else {"Name", "Description"})
    return {
        name: value
        for name, value in info.items()
        if name not in left and isinstance(value, (str, int, float)) and _finite(value) is not None
    }


def _definitions(definition: Any) -> tuple[Any, ...]:
    if definition is None:
        return ()
    if definition.is_a("IfcPropertySetDefinitionSet"):
        return tuple(definition.wrappedValue)
    return (definition,)


def _add(sets: _Sets, name: str, values: dict[str, Any]) -> None:
    """Put a set among others; two of one name become one. Sets are shared, so none is changed in place."""
    sets[name] = {**sets[name], **values} if name in sets else values


def _merged(own: _Sets, inherited: _Sets) -> dict[str, Any]:
    sets: dict[str, Any] = {**inherited, **own}
    for name in own.keys() & inherited.keys():
        sets[name] = {**inherited[name], **own[name]}
    sets[TYPE_SETS] = sorted(inherited)
    return sets


def _several(values: Any, unit: Any, units: Units) -> Any:
    read = [_one(value, unit, units) for value in values or ()]
    return read[0] if len(read) == 1 else (read or None)


def _one(value: Any, unit: Any, units: Units) -> Any:
    return None if value is None else _finite(units.si(value.is_a(), value.get_argument(0), unit))


def _finite(value: Any) -> Any:
    """The value; None for a number that is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _odd_unit(item: Any) -> str | None:
    """The name of a property's own unit where it has no factor to SI."""
    unit = attribute(item, "Unit")
    return unit_name(unit) if unit is not None and factor_of(unit) is None else None
