"""Project, site, building and storeys, and the five ways in which the park's models say where they are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sample_park import frame
from sample_park.buildings_ifc.floor import Floor, describe
from sample_park.buildings_ifc.model import Entity, Model
from sample_park.buildings_ifc.rooms import Plan
from sample_park.plan import PARK_NAME, PARK_NAME_ZH


def skeleton(model: Model, plan: Plan, elevation_m: float) -> list[Floor]:
    """The spatial structure of a building; its storeys, lowest first. `elevation_m` is the height of its zero in the park's datum."""
    project = model.file.by_type("IfcProject")[0]
    project.Name, project.LongName = plan.key, f"{plan.name_zh} {plan.name}"
    ground = model.placement(None, (0.0, 0.0, 0.0))
    site = model.root("IfcSite", "", Name=f"{PARK_NAME_ZH} {PARK_NAME}", ObjectPlacement=ground, CompositionType="ELEMENT")
    place = model.placement(ground, (0.0, 0.0, 0.0))
    building = model.root(
        "IfcBuilding",
        "",
        Name=plan.building_id or plan.key,
        LongName=f"{plan.name_zh} {plan.name}",
        ObjectPlacement=place,
        CompositionType="ELEMENT",
        ElevationOfRefHeight=model.m(elevation_m)[0],
    )
    model.shared[("building",)], model.shared[("site",)] = building, site
    model.relate("part", project, site)
    model.relate("part", site, building)
    describe(model, building, "Pset_BuildingCommon", {"NumberOfStoreys": len(plan.levels), "IsLandmarked": False})
    describe(
        model, building, "园区建筑信息", {"建筑编号": plan.building_id or plan.key, "园区": PARK_NAME_ZH, "权属单位": "云溪园区运营公司"}
    )
    return [_storey(model, plan, number, building, place) for number in range(len(plan.levels))]


def _storey(model: Model, plan: Plan, number: int, building: Entity, parent: Entity) -> Floor:
    level = plan.levels[number]
    place = model.placement(parent, (0.0, 0.0, level.elevation_m))
    names = {"Name": level.name, "LongName": f"{level.name_zh} {level.name}"}
    storey = model.root(
        "IfcBuildingStorey", level.key, **names, ObjectPlacement=place, CompositionType="ELEMENT", Elevation=model.m(level.elevation_m)[0]
    )
    model.relate("part", building, storey)
    return Floor(model, plan, level, storey, place, number, number == len(plan.levels) - 1)


def by_map_conversion(model: Model, plan: Plan, elevation_m: float, crs: str, *, scaled: bool = False) -> None:
    """IfcMapConversion into a projected system; `scaled` also states the projection's own scale."""
    east, north, x, y, scale = _in_grid(plan, crs)
    metre = model.file.create_entity("IfcSIUnit", UnitType="LENGTHUNIT", Name="METRE") if model.per_metre != 1.0 else None
    target = model.new(
        "IfcProjectedCRS", Name=crs, Description=_title(crs), GeodeticDatum=_datum(crs), VerticalDatum="Park datum", MapUnit=metre
    )
    context = next(c for c in model.file.by_type("IfcGeometricRepresentationContext", include_subtypes=False))
    factor = (scale if scaled else 1.0) / model.per_metre
    model.new(
        "IfcMapConversion",
        SourceCRS=context,
        TargetCRS=target,
        Eastings=east,
        Northings=north,
        OrthogonalHeight=round(elevation_m, 3),
        XAxisAbscissa=x,
        XAxisOrdinate=y,
        Scale=round(factor, 12),
    )


def by_property_sets(model: Model, plan: Plan, elevation_m: float, crs: str) -> None:
    """ePSet_MapConversion and ePSet_ProjectedCRS on project and site, as IFC2X3 has no entity for it."""
    east, north, x, y, _ = _in_grid(plan, crs)
    values = (
        ("Eastings", "IfcLengthMeasure", east),
        ("Northings", "IfcLengthMeasure", north),
        ("OrthogonalHeight", "IfcLengthMeasure", round(elevation_m, 3)),
        ("XAxisAbscissa", "IfcReal", x),
        ("XAxisOrdinate", "IfcReal", y),
        ("Scale", "IfcReal", 1.0 / model.per_metre),
    )
    names = (("Name", "IfcLabel", crs), ("Description", "IfcText", _title(crs)), ("GeodeticDatum", "IfcIdentifier", _datum(crs)))
    for name, rows in (("ePSet_MapConversion", values), ("ePSet_ProjectedCRS", names)):
        properties = [
            model.new("IfcPropertySingleValue", Name=key, NominalValue=model.file.create_entity(kind, value)) for key, kind, value in rows
        ]
        made = model.root("IfcPropertySet", name, Name=name, HasProperties=properties)
        for owner in (model.file.by_type("IfcProject")[0], model.shared[("site",)]):
            model.relate("properties", made, owner)


def by_site(model: Model, plan: Plan, elevation_m: float) -> None:
    """RefLatitude, RefLongitude and RefElevation of the site's origin, and true north in the model's axes."""
    lon, lat = frame.plan_to_lonlat([plan.place(0.0, 0.0)])[0]
    site: Any = model.shared[("site",)]
    site.RefLatitude, site.RefLongitude = _sexagesimal(float(lat)), _sexagesimal(float(lon))
    site.RefElevation = model.m(elevation_m)[0]
    turn = math.radians(frame.ROTATION_DEG)
    context = next(c for c in model.file.by_type("IfcGeometricRepresentationContext", include_subtypes=False))
    context.TrueNorth = model.direction(round(math.sin(turn), 9), round(math.cos(turn), 9))


def _in_grid(plan: Plan, crs: str) -> tuple[float, float, float, float, float]:
    """Easting, northing [m], the direction of the model's x in the grid, and metres of the grid in a metre of the model."""
    x0, y0, x1, _ = plan.outline.bounds
    ends = frame.plan_to_grid([plan.place(x0, y0), plan.place(x1, y0)], crs)
    along = ends[1] - ends[0]
    length = float(np.hypot(*along))
    origin = frame.plan_to_grid([plan.place(0.0, 0.0)], crs)[0]
    x, y = (round(float(value) / length, 12) for value in along)
    return round(float(origin[0]), 4), round(float(origin[1]), 4), x, y, length / (x1 - x0)


def _title(crs: str) -> str:
    return {frame.GRID_CRS: "CGCS2000 / 3-degree Gauss-Kruger CM 105E", frame.UTM_CRS: "WGS 84 / UTM zone 48N"}[crs]


def _datum(crs: str) -> str:
    return "CGCS2000" if crs == frame.GRID_CRS else "WGS84"


def _sexagesimal(degrees: float) -> list[int]:
    """Degrees, minutes, seconds and millionths of a second."""
    total = round(degrees * 3600 * 1_000_000)
    seconds, millionths = divmod(total, 1_000_000)
    minutes, second = divmod(seconds, 60)
    degree, minute = divmod(minutes, 60)
    return [degree, minute, second, millionths]
