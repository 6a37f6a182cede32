"""Walls, doors, windows and curtain walls of a storey."""

from __future__ import annotations

from collections.abc import Iterator

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import ALUMINIUM, BRICK, CONCRETE, GLASS, STEEL, WALLS, WOOD, WallType
from sample_park.buildings_ifc.floor import Floor, Kind, describe, measure, put, single, type_of
from sample_park.buildings_ifc.model import Entity, Model
from sample_park.buildings_ifc.walls import Hole, Run, walls

LEAVES = {"steel": STEEL, "wood": WOOD, "glass": GLASS}
PANEL_M = 4.0
RIM_M = 0.06


def enclose(floor: Floor) -> None:
    """All walls of the storey with what fills them."""
    for number, run in enumerate(walls(floor.level), start=1):
        if run.wall == "curtain":
            _curtain(floor, run, number)
        else:
            _wall(floor, run, f"W{number:03d}")


def _wall(floor: Floor, run: Run, key: str) -> None:
    model, kind = floor.model, WALLS[run.wall]
    forward = _forward(run)
    first = run.start if forward else run.end
    turn = 1.0 if forward else -1.0
    x_axis, at = ((turn, 0.0, 0.0), (first, run.axis_line, 0.0)) if run.axis == "x" else ((0.0, turn, 0.0), (run.axis_line, first, 0.0))
    placement = model.placement(floor.place, at, x_axis)
    length = run.end - run.start
    body = bodies.box(model, Box(round(length, 4), kind.thickness_m, run.height_m, _main(kind), (round(length / 2, 4), 0.0, 0.0)))
    wall = single(floor, "IfcWall", key, [body], placement=placement, Name=f"{kind.name} {kind.name_zh}", PredefinedType="SOLIDWALL")
    _tell(floor, wall, run, kind)
    for index, hole in enumerate(run.holes, start=1):
        along = hole.at - first if forward else first - hole.at
        _fill(floor, wall, placement, hole, (f"{key}.{index}", along, kind.thickness_m))


def _forward(run: Run) -> bool:
    """Whether the wall is drawn along its axis: outer walls have the outside on their right, so that layers run inward."""
    if not run.external:
        return True
    return run.inward > 0 if run.axis == "x" else run.inward < 0


def _tell(floor: Floor, wall: Entity, run: Run, kind: WallType) -> None:
    model = floor.model
    wall_type = type_of(model, Kind("IfcWall", kind.key, kind.name, kind.name_zh, predefined=_legacy_wall(model)))
    model.relate("type", wall_type, wall)
    model.relate("material", _layers(model, kind), wall)
    common = {"Reference": kind.key, "IsExternal": run.external, "LoadBearing": kind.bearing, "FireRating": kind.fire}
    describe(model, wall, "Pset_WallCommon", common)
    describe(model, wall, "园区构件信息", {"构件类别": kind.name_zh, "专业": "建筑", "耐火极限": kind.fire, "维护单位": "云溪园区运营公司"})
    length, height = run.end - run.start, run.height_m
    open_area = sum(hole.width_m * hole.height_m for hole in run.holes)
    sizes = {"Length": length, "Width": kind.thickness_m, "Height": height, "NetSideArea": length * height - open_area}
    measure(model, wall, "Qto_WallBaseQuantities", sizes)


def _legacy_wall(model: Model) -> str:
    return "STANDARD" if model.file.schema == "IFC2X3" else "SOLIDWALL"


def _layers(model: Model, kind: WallType) -> Entity:
    """The layer set of a wall type in use, outermost layer first."""
    layers = [
        model.once(("layer", kind.key, number), "IfcMaterialLayer", Material=model.material(name), LayerThickness=model.m(thickness)[0])
        for number, (name, thickness) in enumerate(kind.layers)
    ]
    layer_set = model.once(("layers", kind.key), "IfcMaterialLayerSet", MaterialLayers=layers, LayerSetName=f"{kind.name} {kind.name_zh}")
    return model.once(
        ("usage", kind.key),
        "IfcMaterialLayerSetUsage",
        ForLayerSet=layer_set,
        LayerSetDirection="AXIS2",
        DirectionSense="POSITIVE",
        OffsetFromReferenceLine=model.m(-kind.thickness_m / 2)[0],
    )


def _main(kind: WallType) -> str:
    """The material a wall looks like: its outermost layer, or its thickest where that is plaster."""
    first = kind.layers[0][0]
    return first if first not in {BRICK, CONCRETE} else max(kind.layers, key=lambda layer: layer[1])[0]


def _fill(floor: Floor, wall: Entity, placement: Entity, hole: Hole, where: tuple[str, float, float]) -> None:
    """An opening in the wall and the door or window in it."""
    model = floor.model
    key, along, thickness = where
    body = bodies.box(model, Box(hole.width_m, round(thickness + 0.1, 4), hole.height_m, ""))
    opening_place = model.placement(placement, (along, 0.0, hole.sill_m))
    opening = single(floor, "IfcOpeningElement", f"O{key}", [body], placement=opening_place, held=False, PredefinedType="OPENING")
    model.root("IfcRelVoidsElement", floor.key("voids", key), RelatingBuildingElement=wall, RelatedOpeningElement=opening)
    if hole.material == "none":  # a passage
        return
    made = _door(floor, hole, key, opening_place) if hole.kind == "door" else _window(floor, hole, key, opening_place)
    model.root("IfcRelFillsElement", floor.key("fills", key), RelatingOpeningElement=opening, RelatedBuildingElement=made)


def _door(floor: Floor, hole: Hole, key: str, parent: Entity, at: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Entity:
    model = floor.model
    wide, high, material = hole.width_m, hole.height_m, LEAVES[hole.material]
    leaves = 2 if wide > 1.15 else 1
    kind = Kind(
        "IfcDoor",
        f"{hole.material}-{wide:.2f}x{high:.2f}",
        f"Door {hole.material} {wide * 1000:.0f}x{high * 1000:.0f}",
        "门",
        material,
        "DOOR",
        _door_type(model, leaves),
    )

    def items() -> list[Entity]:
        rim = bodies.frame_prism(model, (wide, high), RIM_M, 0.12)
        leaf = bodies.box(model, Box(round(wide - 2 * RIM_M, 4), 0.05, round(high - 2 * RIM_M, 4), material, (0.0, 0.0, RIM_M)))
        model.new("IfcStyledItem", Item=rim, Styles=[model.style(STEEL)])
        return [rim, leaf]

    sizes = {"OverallWidth": model.m(wide)[0], "OverallHeight": model.m(high)[0]}
    door = put(floor, kind, f"D{key}", at, items, parent=parent, **sizes)
    describe(model, door, "Pset_DoorCommon", {"IsExternal": hole.room.startswith("entrance"), "FireExit": "stair" in hole.room.lower()})
    return door


def _door_type(model: Model, leaves: int) -> dict[str, object]:
    swing = "SINGLE_SWING_LEFT" if leaves == 1 else "DOUBLE_DOOR_SINGLE_SWING"
    if model.file.schema == "IFC2X3":
        return {"OperationType": swing, "ConstructionType": "NOTDEFINED", "ParameterTakesPrecedence": False, "Sizeable": False}
    return {"OperationType": swing}


def _window(floor: Floor, hole: Hole, key: str, parent: Entity) -> Entity:
    model = floor.model
    wide, high = hole.width_m, hole.height_m
    legacy: dict[str, object] = {
        "ConstructionType": "ALUMINIUM",
        "OperationType": "SINGLE_PANEL",
        "ParameterTakesPrecedence": False,
        "Sizeable": False,
    }
    extra: dict[str, object] = legacy if model.file.schema == "IFC2X3" else {"PartitioningType": "SINGLE_PANEL"}
    kind = Kind("IfcWindow", f"{wide:.2f}x{high:.2f}", f"Window {wide * 1000:.0f}x{high * 1000:.0f}", "窗", GLASS, "WINDOW", extra)

    def items() -> list[Entity]:
        rim = bodies.frame_prism(model, (wide, high), RIM_M, 0.08)
        pane = bodies.box(model, Box(round(wide - 2 * RIM_M, 4), 0.024, round(high - 2 * RIM_M, 4), GLASS, (0.0, 0.0, RIM_M)))
        model.new("IfcStyledItem", Item=rim, Styles=[model.style(ALUMINIUM)])
        return [rim, pane]

    sizes = {"OverallWidth": model.m(wide)[0], "OverallHeight": model.m(high)[0]}
    window = put(floor, kind, f"N{key}", (0.0, 0.0, 0.0), items, parent=parent, **sizes)
    describe(model, window, "Pset_WindowCommon", {"IsExternal": True, "GlazingAreaFraction": 0.85})
    return window


def _curtain(floor: Floor, run: Run, number: int) -> None:
    """A curtain wall: glass plates between members, interrupted by entrances."""
    model = floor.model
    wall = single(floor, "IfcCurtainWall", f"CW{number:03d}", [], Name="Curtain wall 玻璃幕墙")
    describe(model, wall, "Pset_CurtainWallCommon", {"IsExternal": True, "FireRating": "1.00h"})
    for index, (start, end, base) in enumerate(_panels(run), start=1):
        _plate(floor, run, wall, (f"{number:03d}.{index:02d}", start, end, base))
    for index, hole in enumerate(run.holes, start=1):
        at = (hole.at, run.axis_line, 0.0) if run.axis == "x" else (run.axis_line, hole.at, 0.0, 0.0, 1.0, 0.0)
        _door(floor, hole, f"CW{number:03d}.{index}", floor.place, at)


def _panels(run: Run) -> Iterator[tuple[float, float, float]]:
    """The plates of a curtain wall as (start, end, base): whole height between doors, and above each door."""
    at = run.start
    for hole in (*run.holes, None):
        stop = hole.at - hole.width_m / 2 if hole else run.end
        count = max(round((stop - at) / PANEL_M), 1)
        if stop - at > 0.05:
            yield from ((at + (stop - at) * i / count, at + (stop - at) * (i + 1) / count, 0.0) for i in range(count))
        if hole:
            yield stop, stop + hole.width_m, hole.height_m
            at = stop + hole.width_m


def _plate(floor: Floor, run: Run, wall: Entity, panel: tuple[str, float, float, float]) -> None:
    model = floor.model
    key, start, end, base = panel
    wide, high = round(end - start - RIM_M, 3), round(run.height_m - base, 3)
    glass = Kind(
        "IfcPlate", f"{wide:.3f}x{high:.3f}", f"Glass panel {wide * 1000:.0f}x{high * 1000:.0f}", "幕墙玻璃", GLASS, "CURTAIN_PANEL"
    )
    bar = Kind("IfcMember", f"mullion-{high:.3f}", "Mullion 60x120", "竖梃", ALUMINIUM, "MULLION")
    turned = () if run.axis == "x" else (0.0, 1.0, 0.0)
    middle, edge = (start + end) / 2, start + RIM_M / 2
    at, post = ((middle, run.axis_line), (edge, run.axis_line)) if run.axis == "x" else ((run.axis_line, middle), (run.axis_line, edge))

    def pane() -> list[Entity]:
        return [bodies.box(model, Box(wide, 0.03, high, GLASS))]

    def mullion() -> list[Entity]:
        return [bodies.box(model, Box(RIM_M, 0.12, high, ALUMINIUM))]

    plate = put(floor, glass, key, (*at, base, *turned), pane, held=False)
    member = put(floor, bar, key, (*post, base, *turned), mullion, held=False)
    model.relate("part", wall, plate)
    model.relate("part", wall, member)
