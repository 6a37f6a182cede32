"""Spaces with their use, and what stands in them: machines, racks, tables, sanitary ware."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from shapely import Polygon

from sample_park.buildings_ifc import bodies
from sample_park.buildings_ifc.bodies import Box
from sample_park.buildings_ifc.fabric import GALVANISED, PLASTERBOARD, STEEL, WOOD
from sample_park.buildings_ifc.floor import Floor, Kind, describe, measure, put, single
from sample_park.buildings_ifc.model import Entity, Model
from sample_park.buildings_ifc.rooms import CIRCULATION, Room
from sample_park.buildings_ifc.walls import net_areas

PUBLIC = CIRCULATION | {"dining", "servery", "exhibition", "parking", "wc", "stair"}
USES: Mapping[str, tuple[str, str]] = {  # our word -> names of the class of space
    "office": ("Office", "办公"),
    "open_office": ("Open office", "开放办公"),
    "meeting": ("Meeting room", "会议"),
    "lobby": ("Lobby", "门厅"),
    "lift_lobby": ("Lift lobby", "电梯厅"),
    "corridor": ("Corridor", "走廊"),
    "stair": ("Stair", "楼梯间"),
    "lift": ("Lift shaft", "电梯井"),
    "shaft": ("Shaft", "管井"),
    "wc": ("Toilet", "卫生间"),
    "electrical": ("Electrical room", "配电间"),
    "telecom": ("Telecom room", "弱电间"),
    "machine_room": ("Machine room", "机房"),
    "dining": ("Dining", "餐厅"),
    "servery": ("Dining", "餐厅"),
    "kitchen": ("Kitchen", "厨房"),
    "storage": ("Storage", "库房"),
    "cold_store": ("Cold store", "冷库"),
    "workshop": ("Workshop", "车间"),
    "laboratory": ("Laboratory", "实验室"),
    "it_module": ("Data hall", "数据机房"),
    "battery": ("Battery room", "电池室"),
    "parking": ("Parking", "停车"),
    "ramp": ("Ramp", "坡道"),
    "exhibition": ("Exhibition", "展厅"),
    "control": ("Control room", "监控室"),
    "changing": ("Changing room", "更衣"),
    "training": ("Training", "培训"),
}


OBJECT_TYPES: Mapping[str, str] = {"servery": "dining"}  # people dine there too


@dataclass(frozen=True)
class Item:
    """One kind of thing that stands in rooms of a use: kind, sizes [m], pitch along x and y [m]."""

    kind: Kind
    box: tuple[float, float, float]
    pitch: tuple[float, float]
    most: int = 400


FURNITURE: Mapping[str, Item] = {
    "it_module": Item(Kind("IfcFurniture", "rack", "Server rack", "服务器机柜", STEEL), (0.6, 1.2, 2.2), (0.62, 2.9)),
    "telecom": Item(Kind("IfcFurniture", "cabinet", "Network cabinet", "网络机柜", STEEL), (0.6, 0.8, 2.0), (0.9, 2.0), 2),
    "dining": Item(Kind("IfcFurniture", "table", "Dining table for four", "四人餐桌", WOOD), (1.2, 0.7, 0.75), (2.6, 2.4), 120),
    "meeting": Item(Kind("IfcFurniture", "conference", "Conference table", "会议桌", WOOD), (2.4, 1.2, 0.75), (3.6, 3.4), 1),
    "kitchen": Item(Kind("IfcFurniture", "counter", "Kitchen counter", "操作台", STEEL), (2.0, 0.9, 0.9), (3.0, 3.2), 20),
    "battery": Item(Kind("IfcFurniture", "battery", "Battery rack", "电池架", STEEL), (2.0, 0.7, 1.9), (2.6, 2.0), 24),
    "electrical": Item(
        Kind("IfcElectricDistributionBoard", "board", "Switchboard", "配电柜", STEEL, "SWITCHBOARD"), (0.8, 0.6, 2.1), (0.9, 2.2), 4
    ),
    "machine_room": Item(
        Kind("IfcUnitaryEquipment", "ahu", "Air handling unit", "空调机组", GALVANISED, "AIRHANDLER"), (2.4, 1.2, 1.8), (4.5, 3.6), 6
    ),
    "workshop": Item(Kind("IfcBuildingElementProxy", "cell", "Robot cell", "机器人工作站", STEEL), (3.2, 2.4, 2.1), (8.0, 6.0), 60),
    "wc": Item(Kind("IfcSanitaryTerminal", "pan", "Toilet pan", "坐便器", PLASTERBOARD, "TOILETPAN"), (0.4, 0.65, 0.42), (1.1, 2.2), 3),
    "storage": Item(Kind("IfcFurniture", "shelf", "Shelving", "货架", STEEL), (2.4, 0.9, 2.2), (3.0, 2.6), 20),
    "laboratory": Item(Kind("IfcFurniture", "bench", "Laboratory bench", "实验台", WOOD), (2.4, 1.5, 0.9), (3.6, 3.4), 8),
}


def spaces(floor: Floor) -> None:
    """Every room of the storey as a space with outline, use, properties and class."""
    for key, area in net_areas(floor.level).items():
        room = next(room for room in floor.level.rooms if room.key == key)
        _space(floor, room, area)


def furnish(floor: Floor) -> None:
    """Rows of what the rooms' uses call for."""
    areas = net_areas(floor.level)
    for room in floor.level.rooms:
        item = FURNITURE.get(room.use)
        if item and room.key in areas:
            x, y, z = item.box
            places = list(_rows(areas[room.key], item))[: item.most]
            for number, place in enumerate(places, start=1):
                put(
                    floor,
                    item.kind,
                    f"{room.key}.{number}",
                    (*place, 0.0),
                    lambda x=x, y=y, z=z, m=item.kind.material or STEEL: [_block(floor, x, y, z, m)],
                )


def _block(floor: Floor, x: float, y: float, z: float, material: str) -> Entity:
    return bodies.box(floor.model, Box(x, y, z, material))


def _rows(area: Polygon, item: Item) -> Iterator[tuple[float, float]]:
    """Places in rows, a metre off the walls where the room allows it."""
    x0, y0, x1, y1 = area.bounds
    margin = 1.0 if min(x1 - x0, y1 - y0) > 5 else 0.25
    wide, deep = x1 - x0 - 2 * margin, y1 - y0 - 2 * margin
    columns, rows = 1 + math.floor((wide - item.box[0]) / item.pitch[0]), 1 + math.floor((deep - item.box[1]) / item.pitch[1])
    if columns < 1 or rows < 1:
        return
    left = (x0 + x1) / 2 - (columns - 1) * item.pitch[0] / 2
    low = (y0 + y1) / 2 - (rows - 1) * item.pitch[1] / 2
    for row in range(rows):
        for column in range(columns):
            yield round(left + column * item.pitch[0], 3), round(low + row * item.pitch[1], 3)


def _space(floor: Floor, room: Room, area: Polygon) -> None:
    model = floor.model
    height = round((room.height_m or floor.level.height_m) - 0.15, 3)
    use, use_zh = USES[room.use]
    space = single(
        floor,
        "IfcSpace",
        room.key,
        [bodies.prism(model, area, height)],
        held=False,
        Name=f"{floor.level.key}-{room.key}",
        LongName=f"{room.name_zh} {room.name}",
        ObjectType=OBJECT_TYPES.get(room.use, room.use),
        CompositionType="ELEMENT",
        InteriorOrExteriorSpace="INTERNAL",
        PredefinedType="PARKING" if room.use == "parking" else "INTERNAL",
    )
    model.relate("part", floor.storey, space)
    describe(model, space, "Pset_SpaceCommon", {"Category": use, "IsExternal": False, "PubliclyAccessible": room.use in PUBLIC})
    describe(model, space, "Pset_SpaceOccupancyRequirements", {"OccupancyType": f"{use} {use_zh}"})
    tenant = floor.plan.tenants.get(f"{floor.level.key}/{room.key}")
    describe(model, space, "园区房间信息", {"房间用途": use_zh, "入驻企业": tenant or "公共", "管理单位": "云溪园区运营公司"})
    measure(
        model,
        space,
        "Qto_SpaceBaseQuantities",
        {"NetFloorArea": float(area.area), "Height": height, "GrossVolume": float(area.area) * height},
    )
    model.relate("class", _space_class(model, room.use), space)


def _space_class(model: Model, use: str) -> Entity:
    """The park's own class of a space's use."""
    name, name_zh = USES[use]
    system = model.once(
        ("classification",),
        "IfcClassification",
        Source="Yunxi Park Operations",
        Edition="2026",
        Name="云溪园区空间分类 Yunxi space classes",
    )
    code = f"YX-{sorted(USES).index(use) + 1:02d}"
    return model.once(
        ("class", use),
        "IfcClassificationReference",
        Identification=code,
        ItemReference=code,
        Name=f"{name_zh} {name}",
        ReferencedSource=system,
    )
