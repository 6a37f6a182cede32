"""What a file says about its place on earth, as plain facts; `georeference` judges them (runs in the child)."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import ifcopenshell.util.placement
import numpy as np
from numpy.typing import NDArray

from importers.ifc.entity import attribute
from importers.ifc.units import Units, factor_of

Matrix = NDArray[np.float64]  # (4, 4)
_CRS = "IfcCoordinateReferenceSystem"
_MAP_SETS = {"mapconversion": "conversion", "projectedcrs": "crs"}  # behind ePset_, or the Pset_ some programs write
_MALFORMED = (AttributeError, TypeError, ValueError, IndexError, AssertionError, RecursionError)  # what broken placements raise


def survey(file: Any, units: Units) -> dict[str, Any]:
    """Site, true north, map conversions and property sets of the file; lengths of placements in metres, all else as written."""
    contexts = [c for c in file.by_type("IfcGeometricRepresentationContext", include_subtypes=False) if c.ContextType in {"Model", None}]
    sites = sorted(file.by_type("IfcSite"), key=lambda site: site.RefLatitude is None)  # the first that says where it is, else the first
    north = next((c.TrueNorth for c in contexts if c.TrueNorth is not None), None)
    buildings = file.by_type("IfcBuilding")
    return {
        "length_m": units.length_m,
        "angle_rad": units.angle(),
        "true_north": None if north is None else [float(x) for x in north.DirectionRatios],
        "world": next((_axes(c.WorldCoordinateSystem, units.length_m).tolist() for c in contexts if c.WorldCoordinateSystem), None),
        "site": _site(sites[0], units.length_m) if sites else None,
        "building": placement(buildings[0], units.length_m).tolist() if buildings else None,
        "operations": _operations(file, contexts) if file.schema != "IFC2X3" else [],
        "crs": [_target(crs) for crs in file.by_type("IfcProjectedCRS")] if file.schema != "IFC2X3" else [],
        "property_sets": _map_sets(file),
    }


def placement(product: Any, length_m: float) -> Matrix:
    """Where a product's frame is in the model: (4, 4), metres; the identity where it has no placement that can be read."""
    matrix = np.eye(4)
    local = attribute(product, "ObjectPlacement")
    if local is not None:
        with contextlib.suppress(*_MALFORMED), np.errstate(all="ignore"):
            matrix = np.array(ifcopenshell.util.placement.get_local_placement(local), float)
    matrix[:3, 3] *= length_m
    return matrix if np.isfinite(matrix).all() else np.eye(4)


def _axes(axes: Any, length_m: float) -> Matrix:
    matrix = np.eye(4)
    with contextlib.suppress(*_MALFORMED), np.errstate(all="ignore"):
        matrix = np.array(ifcopenshell.util.placement.get_axis2placement(axes), float)
    matrix[:3, 3] *= length_m
    return matrix if np.isfinite(matrix).all() else np.eye(4)


def _site(site: Any, length_m: float) -> dict[str, Any]:
    return {
        "latitude": _degrees(site.RefLatitude),
        "longitude": _degrees(site.RefLongitude),
        "has_mixed_signs": any(min(parts) < 0 < max(parts) for parts in (site.RefLatitude, site.RefLongitude) if parts),
        "elevation_m": None if site.RefElevation is None else float(site.RefElevation) * length_m,
        "placement": placement(site, length_m).tolist(),
    }


def _degrees(parts: Any) -> float | None:
    """Degrees of an IfcCompoundPlaneAngleMeasure (degrees, minutes, seconds, millionths).

    Every part carries the sign; where they differ, the first that is not 0 has it for all.
    """
    if not parts:
        return None
    shares = (1.0, 1 / 60, 1 / 3600, 1 / 3.6e9)
    sign = next((math.copysign(1.0, part) for part in parts if part), 1.0)
    return sign * float(sum(abs(part) * share for part, share in zip(parts, shares, strict=False)))


def _operations(file: Any, contexts: list[Any]) -> list[dict[str, Any]]:
    """Every coordinate operation from a model context; where there is none, those from other contexts, which place no bodies by rights."""
    model = {c.id() for c in contexts}
    found = [each for each in file.by_type("IfcCoordinateOperation") if each.SourceCRS is None or not each.SourceCRS.is_a(_CRS)]
    of_model = [operation for operation in found if operation.SourceCRS is not None and operation.SourceCRS.id() in model]
    return [_operation(operation, is_of_model=bool(of_model)) for operation in of_model or found]


def _operation(operation: Any, *, is_of_model: bool) -> dict[str, Any]:
    info = {name: _plain(value) for name, value in operation.get_info(recursive=False).items()}
    said = {key: value for key, value in info.items() if value is not None}
    return said | {"target": _target(operation.TargetCRS), "is_of_model": is_of_model}


def _target(crs: Any) -> dict[str, Any]:
    if crs is None:
        return {}
    unit = attribute(crs, "MapUnit") or attribute(crs, "AngleUnit")
    height = attribute(crs, "HeightUnit")
    names = ("Name", "Description", "GeodeticDatum", "VerticalDatum", "MapProjection", "MapZone")
    said = {name: attribute(crs, name) for name in names}
    texts = [attribute(text, "WellKnownText") for text in attribute(crs, "WellKnownText") or ()]
    said["wkt"] = next((text for text in texts if text), None)
    units = {"unit": factor_of(unit) if unit else None, "height_unit": factor_of(height) if height else None}
    return {name: value for name, value in said.items() if value} | {"class": crs.is_a()} | units


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float)):
        return value
    return value[0] if hasattr(value, "is_a") and value.id() == 0 else None  # a measure carries its number, an instance is no fact


def _map_sets(file: Any) -> dict[str, dict[str, Any]]:
    """ePset_MapConversion and ePset_ProjectedCRS of the site, project or building, whatever their capitals; values as written."""
    found: dict[str, dict[str, Any]] = {}
    for holder in [holder for kind in ("IfcSite", "IfcProject", "IfcBuilding") for holder in file.by_type(kind)]:
        relations = [relation for relation in attribute(holder, "IsDefinedBy") or () if relation.is_a("IfcRelDefinesByProperties")]
        for definition in [relation.RelatingPropertyDefinition for relation in relations]:
            name = (attribute(definition, "Name") or "").lower().removeprefix("e").removeprefix("pset_")
            key = _MAP_SETS.get(name)
            if key:
                values = {item.Name: _plain(attribute(item, "NominalValue")) for item in attribute(definition, "HasProperties") or ()}
                found.setdefault(key, {name: value for name, value in values.items() if value is not None})
    return found
