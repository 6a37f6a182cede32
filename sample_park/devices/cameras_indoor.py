"""Cameras in the six building models: lobbies, corridors, lift cars, machine rooms, halls, dining, garage."""

from __future__ import annotations

from sample_park.buildings_ifc.structure import lift_id
from sample_park.devices.optics import camera
from sample_park.devices.table import Device, Indoor, Place, heading, room, rooms

WATCHED = {  # building -> uses of rooms with a camera in a corner
    "tower": ("lobby", "machine_room"),
    "research": ("lobby", "machine_room"),
    "factory": ("lobby", "machine_room"),
    "canteen": ("lobby", "kitchen"),
    "data_centre": ("lobby", "it_module", "machine_room"),
}
CORRIDORS = {"tower": ("CS", "CN"), "research": ("CW", "CN"), "factory": ("CO",), "data_centre": ("CS", "CM")}
HALLS = (  # building, level, room, where along x and y (0..1), direction clockwise from plan v
    ("factory", "F01", "HA", 0.02, 0.05, 60.0),
    ("factory", "F01", "HA", 0.98, 0.05, 300.0),
    ("factory", "F01", "HA", 0.02, 0.95, 120.0),
    ("factory", "F01", "HA", 0.98, 0.95, 240.0),
    ("canteen", "F01", "D1", 0.03, 0.03, 45.0),
    ("canteen", "F01", "D1", 0.97, 0.97, 225.0),
    ("canteen", "F02", "D1", 0.03, 0.03, 45.0),
    ("canteen", "F02", "D1", 0.97, 0.97, 225.0),
    ("canteen", "F01", "SV", 0.5, 0.02, 0.0),
    ("data_centre", "F01", "UA", 0.97, 0.05, 300.0),
    ("data_centre", "F01", "UB", 0.03, 0.05, 60.0),
    ("data_centre", "F01", "MV", 0.97, 0.05, 300.0),
    ("tower", "F01", "05", 0.05, 0.95, 135.0),
    *(("garage", level, room, 0.5, 0.5, turn) for level in ("B2", "B1") for room, turn in (("P1", 180.0), ("P2", 0.0), ("RA", 180.0))),
    *(("garage", level, room, 0.5, 0.5, 0.0) for level in ("B2", "B1") for room in ("LL", "LN")),
)


def cameras() -> list[Device]:
    """All indoor cameras."""
    return [*_corners(), *_corridors(), *_lifts(), *_halls()]


def _corners() -> list[Device]:
    """In the south-west corner under the ceiling, aimed so that the whole corner lies in view."""
    rows: list[Device] = []
    for building, uses in WATCHED.items():
        for spot in rooms(building, *uses):
            place = spot.corner(east=False, north=False, inset_m=0.4, height_m=min(spot.ceiling_m, 3.0))
            rows.append(_dome(spot, place, 45.0, 30.0))
            if building == "tower" and spot.room.use == "lobby":
                rows.append(_dome(spot, spot.corner(east=True, north=True, inset_m=0.4, height_m=3.0), 225.0, 30.0, "-2"))
    return rows


def _corridors() -> list[Device]:
    """At one end of every main corridor, looking along it."""
    rows: list[Device] = []
    for building, keys in CORRIDORS.items():
        for spot in rooms(building, "corridor"):
            if spot.room.key in keys:
                x0, y0, x1, y1 = spot.area.bounds
                along_x = x1 - x0 > y1 - y0
                place = spot.at(x0 + 0.4, (y0 + y1) / 2, 2.8) if along_x else spot.at((x0 + x1) / 2, y0 + 0.4, 2.8)
                rows.append(_dome(spot, place, 90.0 if along_x else 0.0, 12.0))
    return rows


def _lifts() -> list[Device]:
    """In every lift car; the row names the car it rides in."""
    rows: list[Device] = []
    for building in ("tower", "research", "data_centre", "garage"):
        for spot in rooms(building, "lift"):
            if spot.level is not spot.plan.levels[0]:
                continue
            x0, y0, x1, y1 = spot.room.box
            place = spot.at(x0 + 0.45, y0 + 0.55, 2.2, mounted_on=lift_id(spot.plan, spot.room.key))
            direction = heading(0, 0, x1 - x0, y1 - y0)
            aim = ("lift", direction, 35.0)
            rows.append(camera(f"CAM-I-{building}-{spot.room.key}", spot.title, place, aim, functions="lift"))
    return rows


def _halls() -> list[Device]:
    rows: list[Device] = []
    for number, (building, level, key, along, across, direction) in enumerate(HALLS, start=1):
        spot = room(building, level, key)
        x0, y0, x1, y1 = spot.area.bounds
        x, y = x0 + along * (x1 - x0), y0 + across * (y1 - y0)
        height = min(spot.ceiling_m, 6.0 if building == "factory" else 3.0)
        rows.append(_dome(spot, spot.at(x, y, height), direction, 26.0, f"-H{number}"))
    return rows


def _dome(spot: Indoor, place: Place, direction: float, tilt: float, suffix: str = "") -> Device:
    identity = f"CAM-I-{spot.plan.key}-{spot.level.key}-{spot.room.key}{suffix}"
    functions = "food_safety" if spot.room.use == "kitchen" else "indoor"
    aim = ("fisheye", 0.0, 90.0) if spot.room.use == "lift_lobby" else ("dome", direction % 360, tilt)
    return camera(identity, spot.title, place, aim, functions=functions)
