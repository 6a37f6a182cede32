"""Smoke detectors, lobby screens and readers in the building models, and who rents which rooms."""

from __future__ import annotations

from shapely import Point, Polygon, affinity

from sample_park.buildings_ifc.structure import lift_id
from sample_park.devices.table import Device, Indoor, device, indoor, rooms
from sample_park.frame import azimuth
from sample_park.plan import BUILDINGS
from sample_park.write import Row

MODELS = ("tower", "research", "factory", "canteen", "data_centre", "garage")
SMOKE = ("lobby", "machine_room", "electrical", "telecom", "it_module", "battery", "dining", "storage")
POSITIONS = {  # class of key position -> uses of rooms
    "lobby": ("lobby",),
    "machine_room": ("machine_room", "it_module"),
    "dining_consumption": ("dining", "servery"),
}
WHOLE = {  # buildings that one enterprise has to itself
    "B18": ("Jingwei Precision", "经纬精密"),
    "B19": ("Jingwei Precision", "经纬精密"),
    "B26": ("Hengliu Energy", "恒流能源"),
    "B27": ("Ruihe Bio", "瑞禾生物"),
    "B28": ("Xinghe Photonics", "星河光电"),
    "B29": ("Zhunxing Testing", "准星检测"),
    "B30": ("Lvdong Mobility", "绿动出行"),
    "B34": ("Yunlian Logistics", "云链物流"),
    "B35": ("Yunlian Logistics", "云链物流"),
    "B25": ("Tiemu Components", "铁木零部件"),
}


def smoke_rows() -> list[Device]:
    """A smoke detector in the middle of every room where fire would start or spread."""
    return [
        device(
            "detector",
            f"DET-S-{spot.plan.key}-{spot.level.key}-{spot.room.key}",
            (f"{spot.title[0]} smoke", f"{spot.title[1]}烟感"),
            spot.at(*spot.room.centre, spot.ceiling_m),
            functions="fire;smoke",
            range_m=5.8,
        )
        for model in MODELS
        for spot in rooms(model, *SMOKE)
    ]


def display_rows() -> list[Device]:
    """A directory screen in every entrance lobby."""
    rows: list[Device] = []
    for spot in (spot for model in MODELS for spot in rooms(model, "lobby") if spot.level.elevation_m == 0.0):
        x0, y0, _, y1 = spot.area.bounds
        screen = {"pitch_mm": 2.5, "width_m": 2.2, "screen_height_m": 1.3, "azimuth_deg": azimuth(90.0), "publishing": "central"}
        place = spot.at(x0 + 0.2, (y0 + y1) / 2, 1.9)
        rows.append(
            device(
                "display", f"DSP-{spot.plan.key}-{spot.room.key}", (f"{spot.title[0]} screen", f"{spot.title[1]}信息屏"), place, **screen
            )
        )
    return rows


def access_rows() -> list[Device]:
    """Readers at data halls, battery and network rooms."""
    return [
        device(
            "access_control",
            f"ACS-{spot.plan.key}-{spot.level.key}-{spot.room.key}",
            (f"{spot.title[0]} reader", f"{spot.title[1]}门禁"),
            spot.at(spot.area.bounds[0] + 0.3, spot.area.bounds[1] + 0.5, 1.3),
            functions="card;face",
        )
        for spot in rooms("data_centre", "it_module", "battery", "telecom")
    ]


def enterprise_rows() -> list[Row]:
    """Who rents which room or building."""
    rows: list[Row] = []
    for model in MODELS:
        for spot in indoor(model):
            tenant = spot.plan.tenants.get(f"{spot.level.key}/{spot.room.key}")
            if tenant:
                name_zh, name = tenant.split(" ", 1)
                identity = f"ENT-{spot.plan.key}-{spot.level.key}-{spot.room.key}"
                base = {"base_m": spot.level.elevation_m, "height_m": spot.ceiling_m}
                rows.append(
                    Row(
                        {"id": identity, "name": name, "name_zh": name_zh, "class": "room", "usage": spot.room.use, **_ids(spot), **base},
                        _area(spot),
                    )
                )
    for building in BUILDINGS:
        if building.id in WHOLE:
            name, name_zh = WHOLE[building.id]
            whole = {"class": "building", "usage": building.usage, "building_id": building.id}
            rows.append(Row({"id": f"ENT-{building.id}", "name": name, "name_zh": name_zh, **whole}, building.outline))
    return rows


def key_position_rows() -> list[Row]:
    """Lobbies, machine rooms and places to eat as areas, lifts by the id of their car."""
    rows: list[Row] = []
    for model in MODELS:
        for kind, uses in POSITIONS.items():
            rows += [Row({**_named(spot), "class": kind, **_ids(spot)}, _area(spot)) for spot in rooms(model, *uses)]
        for spot in rooms(model, "lift"):
            if spot.level is spot.plan.levels[0]:
                lift = {"class": "elevator", "element_id": lift_id(spot.plan, spot.room.key), **_ids(spot)}
                rows.append(Row({**_named(spot), **lift}, Point(spot.plan.place(*spot.room.centre))))
    return rows


def _named(spot: Indoor) -> dict[str, str]:
    return {"id": f"KP-I-{spot.plan.key}-{spot.level.key}-{spot.room.key}", "name": spot.title[0], "name_zh": spot.title[1]}


def _ids(spot: Indoor) -> dict[str, str | None]:
    level, room = spot.level.key, spot.room.key
    return {
        "building_id": spot.plan.building_id or None,
        "storey_id": spot.plan.storey_id(level),
        "space_id": spot.plan.space_id(level, room),
    }


def _area(spot: Indoor) -> Polygon:
    return affinity.translate(spot.area, *spot.plan.origin)
