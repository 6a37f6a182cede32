"""Bodies: extruded outlines and boxes, written once a shape and placed by mapping. Metres in the building's frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shapely import Polygon

from sample_park.buildings_ifc.model import Entity, Model


@dataclass(frozen=True)
class Box:
    """A box from its middle in plan: lengths along x, y, z, the corner's offset and what it is made of."""

    x: float
    y: float
    z: float
    material: str
    at: tuple[float, float, float] = (0.0, 0.0, 0.0)  # middle of its base


def prism(model: Model, outline: Polygon, depth_m: float, z_m: float = 0.0) -> Entity:
    """An outline with its holes, drawn up from height z."""
    return _extruded(model, _profile(model, outline), depth_m, model.axes((0.0, 0.0, z_m)))


def side_prism(model: Model, outline: Polygon, width_m: float, along: str = "x") -> Entity:
    """An outline in (run, z), drawn across the run by `width_m`; the run goes along x or y, the width to the other side.

    Along x the body lies in y 0..width; along y it lies in x 0..width.
    """
    if along == "x":  # profile x = run, profile y = z, extrusion towards +y needs the profile's normal turned
        axes = model.axes((0.0, width_m, 0.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
    else:
        axes = model.axes((0.0, 0.0, 0.0), (0.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    return _extruded(model, _profile(model, outline), width_m, axes)


def box(model: Model, shape: Box) -> Entity:
    """One box, shared by its sizes."""
    x, y, z = shape.at
    if ("box", shape) not in model.shared:
        profile = model.once(
            ("rectangle", shape.x, shape.y),
            "IfcRectangleProfileDef",
            ProfileType="AREA",
            XDim=model.m(shape.x)[0],
            YDim=model.m(shape.y)[0],
            Position=_flat(model),
        )
        solid = _extruded(model, profile, shape.z, model.axes((x, y, z)))
        model.shared[("box", shape)] = solid
        if shape.material:
            model.new("IfcStyledItem", Item=solid, Styles=[model.style(shape.material)])
    return model.shared[("box", shape)]


def frame_prism(model: Model, outer: tuple[float, float], rim_m: float, depth_m: float) -> Entity:
    """An upright rectangular frame in x and z, its middle in y at 0, sill at z 0."""
    wide, high = outer
    ring = Polygon(
        [(-wide / 2, 0), (wide / 2, 0), (wide / 2, high), (-wide / 2, high)],
        [[(-wide / 2 + rim_m, rim_m), (-wide / 2 + rim_m, high - rim_m), (wide / 2 - rim_m, high - rim_m), (wide / 2 - rim_m, rim_m)]],
    )
    return _extruded(model, _profile(model, ring), depth_m, model.axes((0.0, depth_m / 2, 0.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0)))


def shape(model: Model, items: Sequence[Entity], kind: str = "SweptSolid") -> Entity:
    """The shape of one product from its solids."""
    body = model.new(
        "IfcShapeRepresentation", ContextOfItems=model.body, RepresentationIdentifier="Body", RepresentationType=kind, Items=items
    )
    return model.new("IfcProductDefinitionShape", Representations=[body])


def mapped(model: Model, source: Entity) -> Entity:
    """The shape of one product that looks like all others of a type."""
    target = model.once(("target",), "IfcCartesianTransformationOperator3D", LocalOrigin=model.point(0.0, 0.0, 0.0))
    return shape(model, [model.new("IfcMappedItem", MappingSource=source, MappingTarget=target)], "MappedRepresentation")


def source(model: Model, items: Sequence[Entity]) -> Entity:
    """A shape that types hold and products map."""
    body = model.new(
        "IfcShapeRepresentation", ContextOfItems=model.body, RepresentationIdentifier="Body", RepresentationType="SweptSolid", Items=items
    )
    return model.new("IfcRepresentationMap", MappingOrigin=model.axes((0.0, 0.0, 0.0)), MappedRepresentation=body)


def _extruded(model: Model, profile: Entity, depth_m: float, axes: Entity) -> Entity:
    depth = model.m(depth_m)[0]
    return model.new(
        "IfcExtrudedAreaSolid", SweptArea=profile, Position=axes, ExtrudedDirection=model.direction(0.0, 0.0, 1.0), Depth=depth
    )


def _profile(model: Model, outline: Polygon) -> Entity:
    curves = [_curve(model, ring.coords) for ring in (outline.exterior, *outline.interiors)]
    if len(curves) == 1:
        return model.new("IfcArbitraryClosedProfileDef", ProfileType="AREA", OuterCurve=curves[0])
    return model.new("IfcArbitraryProfileDefWithVoids", ProfileType="AREA", OuterCurve=curves[0], InnerCurves=curves[1:])


def _curve(model: Model, ring: Any) -> Entity:
    points = [model.point(x, y) for x, y in list(ring)[:-1]]
    return model.new("IfcPolyline", Points=[*points, points[0]])


def _flat(model: Model) -> Entity:
    return model.once(("flat",), "IfcAxis2Placement2D", Location=model.point(0.0, 0.0))
