"""Lockers and vending machines: inside one of the main offices, before the doors of others, and near three of them none."""

from __future__ import annotations

from sample_park.devices.table import Device, Place, device, rooms
from sample_park.places import main_doors

BEFORE_DOORS = (("locker", "B12", 3.0), ("vending", "B13", 4.0), ("locker", "B14", 3.0), ("vending", "B20", 5.0))
NAMES = {"locker": ("Parcel lockers", "智能快递柜"), "vending": ("Vending machines", "无人售货机")}


def service_rows() -> list[Device]:
    """Lockers and vending machines in the lobby of the tower and before main doors; none near B10, B15 and B23."""
    lobby = next(spot for spot in rooms("tower", "lobby") if spot.level.elevation_m == 0.0)
    rows = [device("vending", "SV-B09-1", NAMES["vending"], lobby.corner(True, True, 1.0, 1.0), functions="self_service;networked")]
    rows.append(device("locker", "SV-B09-2", NAMES["locker"], lobby.corner(False, True, 1.0, 1.0), functions="self_service;networked"))
    doors = {door.building_id: door for door in main_doors()}
    for kind, building, distance in BEFORE_DOORS:
        spot = doors[building].before(distance)
        rows.append(device(kind, f"SV-{building}", NAMES[kind], Place(spot.x, spot.y, 1.0), functions="self_service;networked"))
    return rows
