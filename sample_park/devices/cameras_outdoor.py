"""Cameras in the open: crossings, gates, main doors, car parks, plaza, yards, fence. Two of them are set up wrongly on purpose."""

from __future__ import annotations

import math
from itertools import pairwise

from shapely import LineString

from sample_park import places, roads
from sample_park.devices.optics import camera, sweeping
from sample_park.devices.street import smart_poles
from sample_park.devices.table import Device, Place, heading, step
from sample_park.plan import BOUNDARY, BUILDINGS, GATES, LOTS, ROADS

BLIND_JUNCTION = "J36"  # its camera hangs on the far side of the data centre
BLIND_CAMERA = "CAM-J36-1"
WALLED_CAMERA = "CAM-Y-03"  # looks into the wall of Precision Works 2, a metre before it
INCOMPLETE_CAMERA = "CAM-P4-2"  # nobody entered its direction and field of view
FENCE_CAMERAS = 32
PLAZA_MIDDLE = (0.0, -35.0)
YARD_CAMERAS = (  # place, height, direction, tilt
    (-330.0, -44.0, 6.0, 90.0, 12.0),
    (-330.0, -18.0, 6.0, 270.0, 12.0),
    (-300.0, -15.1, 4.0, 0.0, 8.0),
    (324.0, -20.0, 6.0, 90.0, 12.0),
    (-112.0, 320.0, 6.0, 90.0, 14.0),
    (112.0, 322.0, 8.0, 180.0, 22.0),
    (60.0, 322.0, 8.0, 150.0, 22.0),
    (366.0, 330.0, 5.0, 0.0, 12.0),
)


def cameras() -> list[Device]:
    """All outdoor cameras."""
    return [*_crossings(), *_gates(), *_doors(), *_lots(), *_plaza(), *_yards(), *_avenue(), *_fence()]


def _crossings() -> list[Device]:
    """Two cameras at crossings of main roads, one at others, on corners, aimed over the middle."""
    rows: list[Device] = []
    for junction in roads.junctions():
        if junction.road_class == "access":
            continue
        corners = ((1, 1), (-1, -1)) if junction.road_class == "main" and len(junction.arms) > 3 else ((1, 1),)
        for number, (east, north) in enumerate(corners, start=1):
            rows.append(_crossing(junction, number, _corner(junction, east, north)))
    return rows


def _crossing(junction: roads.Junction, number: int, place: Place) -> Device:
    """The first camera of a crossing turns, the second is fixed, and so is the one that was hung in the wrong place."""
    identity, names = f"CAM-{junction.id}-{number}", (f"Crossing {junction.id}", f"路口{junction.id}")
    if identity == BLIND_CAMERA:
        place = Place(-129.6, 274.0, 5.5, building_id="B33")
    direction = heading(place.u, place.v, junction.u, junction.v)
    if number == 1 and identity != BLIND_CAMERA:
        return sweeping(identity, names, place, (direction, 8.0), functions="traffic")
    return camera(identity, names, place, ("crossing", direction, 16.0), functions="traffic;plate")


def _corner(junction: roads.Junction, east: int, north: int) -> Place:
    widths = {road.id: road.width_m / 2 for road in ROADS}
    across = max((widths[road] for bearing, road in junction.arms if abs(math.sin(math.radians(bearing))) < 0.5), default=6.0)
    along = max((widths[road] for bearing, road in junction.arms if abs(math.sin(math.radians(bearing))) >= 0.5), default=6.0)
    return Place(junction.u + east * (across + 3.0), junction.v + north * (along + 3.0), 5.0)


def _gates() -> list[Device]:
    """In and out lanes of every gate, the whole gate from inside, and the foot gate."""
    rows: list[Device] = []
    for gate in GATES:
        inward = heading(gate.u, gate.v, 0.0, gate.v) if abs(gate.u) > 1 else heading(gate.u, gate.v, gate.u, 0.0)
        spots = (
            ("in", 8.0, 5.0, 180.0, "gate"),
            ("out", 8.0, -5.0, 0.0, "gate"),
            ("view", 24.0, 0.5 * gate.width_m + 2, 180.0, "crossing"),
            ("foot", 9.0, -0.5 * gate.width_m - 1, 180.0, "bullet"),
        )
        for number, (part, depth, aside, turn, model) in enumerate(spots, start=1):
            u, v = step(*step(gate.u, gate.v, inward, depth), (inward + 90) % 360, aside)
            aim = (model, (inward + turn) % 360 if part != "view" else heading(u, v, gate.u, gate.v), 20.0 if model == "gate" else 12.0)
            words = (f"{gate.name} {part}", f"{gate.name_zh}{ {'in': '入口', 'out': '出口', 'view': '全景', 'foot': '人行'}[part] }")
            functions = "face" if part == "foot" else "plate"
            rows.append(camera(f"CAM-{gate.id}-{number}", words, Place(u, v, 4.5), aim, functions=functions, retention_days=90))
    return rows


def _doors() -> list[Device]:
    """Beside every main door, looking along the wall at who comes."""
    rows: list[Device] = []
    for door, building in zip(places.main_doors(), BUILDINGS, strict=True):
        if building.usage == "gatehouse":
            continue
        u, v = step(*step(door.u, door.v, door.facing, 0.35), (door.facing + 90) % 360, 5.0)
        target = door.before(1.6)
        aim = ("bullet", heading(u, v, target.x, target.y), 14.0)
        names = (f"{building.name} door", f"{building.name_zh}主出入口")
        rows.append(camera(f"CAM-D-{building.id}", names, Place(u, v, 3.4, building_id=building.id), aim, functions="face"))
    return rows


def _lots() -> list[Device]:
    """A turning camera in the middle of one side of every car park and a fixed one in a corner."""
    rows: list[Device] = []
    for lot in LOTS:
        u0, v0, u1, v1 = lot.area.bounds
        middle, names = (u0 + u1) / 2, (lot.name, lot.name_zh)
        rows.append(sweeping(f"CAM-{lot.id}-1", names, Place(middle, v1 + 0.8, 6.0), (180.0, 8.0), functions="parking"))
        aim = ("crossing", heading(u0, v0, middle, (v0 + v1) / 2), 12.0)
        fixed = camera(f"CAM-{lot.id}-2", names, Place(u0 + 1, v0 + 1, 6.0), aim, functions="parking")
        rows.append(_incomplete(fixed) if fixed["id"] == INCOMPLETE_CAMERA else fixed)
    return rows


def _incomplete(row: Device) -> Device:
    return {key: value for key, value in row.items() if key not in {"azimuth_deg", "focal_mm", "sensor_w_mm", "sensor_h_mm"}}


def _plaza() -> list[Device]:
    """Turning cameras at the plaza's corners with presets over the middle."""
    rows: list[Device] = []
    for number, (u, v) in enumerate(((-66, -106), (66, -106), (66, 36), (-66, 36)), start=1):
        names = (f"Plaza {number}", f"中央广场{number}号")
        rows.append(sweeping(f"CAM-Z-{number}", names, Place(u, v, 6.0), (heading(u, v, *PLAZA_MIDDLE), 8.0), functions="crowd"))
    return rows


def _yards() -> list[Device]:
    """Over lorry yards, and one by mistake into a wall."""
    rows: list[Device] = []
    for number, (u, v, height, direction, tilt) in enumerate(YARD_CAMERAS, start=1):
        names = (f"Yard {number}", f"货场{number}号")
        identity, place = f"CAM-Y-{number:02d}", Place(u, v, height)
        if identity == WALLED_CAMERA:
            rows.append(camera(identity, names, place, ("crossing", direction, tilt), functions="safety"))
        else:
            rows.append(sweeping(identity, names, place, (direction, tilt), functions="safety"))
    return rows


def _avenue() -> list[Device]:
    """On smart poles along the avenues, turning."""
    rows: list[Device] = []
    for number, pole in enumerate([pole for pole in smart_poles() if "camera" in pole.functions], start=1):
        names = (f"Smart pole {pole.id}", f"智慧灯杆{pole.id}")
        place = Place(pole.u, pole.v, 6.5, mounted_on=pole.id)
        rows.append(sweeping(f"CAM-SP-{number:02d}", names, place, (pole.along, 8.0), functions="traffic"))
    return rows


def _fence() -> list[Device]:
    """Evenly along the fence, 2 m inside, each looking to the next."""
    line = LineString(BOUNDARY.buffer(-2.0, join_style="mitre").exterior.coords)
    marks = [line.interpolate((number + 0.5) * line.length / FENCE_CAMERAS) for number in range(FENCE_CAMERAS + 1)]
    rows: list[Device] = []
    for number, (here, there) in enumerate(pairwise(marks), start=1):
        aim = ("fence", heading(here.x, here.y, there.x, there.y), 4.5)
        names = (f"Perimeter {number}", f"周界{number}号")
        rows.append(camera(f"CAM-F-{number:02d}", names, Place(here.x, here.y, 4.5), aim, functions="perimeter;intrusion"))
    return rows
