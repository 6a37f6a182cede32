"""Property sets and quantities of products and their types, in SI (runs in the child).

Names and values as the file has them; an occurrence's value wins over its type's (IFC 4.3, 5.1.3.2), and the sets that come from
the type, wholly or in part, are listed under `_type_sets`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.ifc.entity import attribute
from importers.ifc.units import Units

_QUANTITIES = {
    "IfcQuantityLength": "IfcLengthMeasure",
    "IfcQuantityArea": "IfcAreaMeasure",
    "IfcQuantityVolume": "IfcVolumeMeasure",
    "IfcQuantityWeight": "IfcMassMeasure",
    "IfcQuantityTime": "IfcTimeMeasure",
}
TYPE_SETS = "_type_sets"
_Sets = dict[str, dict[str, Any]]


def property_sets(file: Any, units: Units, type_of: Mapping[int, Any]) -> dict[int, dict[str, Any]]:
    """Step id -> {set: {name: value}} of every object that has any, types included.

    Parameters
    ----------
    file
        The open IFC file.
    units
        Its units.
    type_of
        Step id of an occurrence -> its type.
    """
    read: dict[int, tuple[str, dict[str, Any]]] = {}
    own: dict[int, _Sets] = {}
    for relation in file.by_type("IfcRelDefinesByProperties"):
        for definition in _definitions(relation.RelatingPropertyDefinition):
            name, values = _set(definition, units, read)
            for product in relation.RelatedObjects:
                own.setdefault(product.id(), {}).setdefault(name, {}).update(values)
    types = {kind.id(): _type_sets(kind, units, read) for kind in {kind.id(): kind for kind in type_of.values()}.values()}
    merged: dict[int, dict[str, Any]] = {step: dict(sets) for step, sets in own.items()}
    for step, kind in type_of.items():
        if types[kind.id()]:
            merged[step] = _merged(own.get(step, {}), types[kind.id()])
    return merged


def _definitions(definition: Any) -> tuple[Any, ...]:
    if definition is None:
        return ()
    if definition.is_a("IfcPropertySetDefinitionSet"):
        return tuple(definition.wrappedValue)
    return (definition,)


def _merged(own: _Sets, inherited: _Sets) -> dict[str, Any]:
    sets: dict[str, Any] = {name: {**inherited.get(name, {}), **own.get(name, {})} for name in {**own, **inherited}}
    sets[TYPE_SETS] = sorted(inherited)
    return sets


def _type_sets(kind: Any, units: Units, read: dict[int, tuple[str, dict[str, Any]]]) -> _Sets:
    sets: _Sets = {}
    for definition in attribute(kind, "HasPropertySets") or ():
        name, values = _set(definition, units, read)
        sets.setdefault(name, {}).update(values)
    return sets


def _set(definition: Any, units: Units, read: dict[int, tuple[str, dict[str, Any]]]) -> tuple[str, dict[str, Any]]:
    step = definition.id()
    if step not in read:
        read[step] = (definition.Name or definition.is_a(), _values(definition, units))
    return read[step]


def _values(definition: Any, units: Units) -> dict[str, Any]:
    if definition.is_a("IfcPropertySet"):
        return _properties(definition[4], units)
    if definition.is_a("IfcElementQuantity"):
        return _quantities(definition.Quantities, units)
    info = definition.get_info(recursive=False)  # predefined sets such as IfcDoorLiningProperties keep their values in attributes
    kept = {name: value for name, value in info.items() if isinstance(value, (str, int, float, bool))}
    return {name: value for name, value in kept.items() if name not in {"id", "type", "GlobalId", "Name", "Description"}}


def _properties(properties: Any, units: Units) -> dict[str, Any]:
    return {name: value for item in properties or () if (name := item[0]) and (value := _property(item, units)) is not None}


def _property(item: Any, units: Units) -> Any:
    if item.is_a("IfcPropertySingleValue"):
        return _value(item.get_argument(2), item.get_argument(3), units)  # by position: this line runs for every property
    if item.is_a("IfcPropertyEnumeratedValue"):
        return _several(item.EnumerationValues, None, units)
    if item.is_a("IfcPropertyListValue"):
        return _several(item.ListValues, item.Unit, units)
    return _property_of_many(item, units)


def _property_of_many(item: Any, units: Units) -> Any:
    if item.is_a("IfcPropertyBoundedValue"):
        return [_value(item.LowerBoundValue, item.Unit, units), _value(item.UpperBoundValue, item.Unit, units)]
    if item.is_a("IfcPropertyTableValue"):
        pairs = zip(item.DefiningValues or (), item.DefinedValues or (), strict=False)
        return [[_value(x, item.DefiningUnit, units), _value(y, item.DefinedUnit, units)] for x, y in pairs]
    return _properties(item.HasProperties, units) if item.is_a("IfcComplexProperty") else None


def _several(values: Any, unit: Any, units: Units) -> Any:
    read = [_value(value, unit, units) for value in values or ()]
    return read[0] if len(read) == 1 else (read or None)


def _value(value: Any, unit: Any, units: Units) -> Any:
    if value is None:
        return None
    return units.si(value.is_a(), value[0], unit)


def _quantities(quantities: Any, units: Units) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for item in quantities or ():
        measure = _QUANTITIES.get(item.is_a())
        if item.is_a("IfcPhysicalComplexQuantity"):
            values[item.Name] = _quantities(item.HasQuantities, units)
        elif measure or item.is_a("IfcQuantityCount") or item.is_a("IfcQuantityNumber"):
            values[item.Name] = units.si(measure or "", item[3], item.Unit)
    return values
