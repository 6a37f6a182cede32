"""Street furniture: lamps, smart poles, hydrants, speakers, help points, displays, weather stations, fence detectors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

from shapely import LineString, Point

from sample_park import networks, places, roads
from sample_park.devices.table import Device, Place, device, heading, step
from sample_park.frame import azimuth
from sample_park.plan import BOUNDARY, BUILDINGS, GATES, LOTS, PLAZA, ROADS, Road

LAMP_PITCH_M = {"main": 38.0, "secondary": 44.0, "access": 54.0}
LAMP_HEIGHT_M = {"main": 10.0, "secondary": 8.0, "access": 6.0}
LAMP_LUMENS = {"main": 18_000, "secondary": 12_000, "access": 7_000}
UNCONTROLLED = {"R11", "R18"}  # old lamps without a controller
DETECTOR_M = 90.0


@dataclass(frozen=True)
class Pole:
    """A smart pole: place [m], the direction of its road [deg clockwise from plan v] and what it carries."""

    id: str
    u: float
    v: float
    along: float
    functions: tuple[str, ...]


@cache
def smart_poles() -> tuple[Pole, ...]:
    """Smart poles along the main roads and at the plaza, every third with a camera."""
    full = ("lighting", "camera", "wifi", "display", "emergency_call", "environment")
    spots = [(side * 14.5, v, 0.0 if side > 0 else 180.0) for v in (-452, -386, -320, -214, -160) for side in (-1, 1)]
    spots += [
        (u, -130 + side * 12.5, 90.0 if side > 0 else 270.0)
        for u, side in ((-350, 1), (-280, -1), (-150, 1), (150, -1), (280, 1), (350, -1))
    ]
    spots += [(side * 12.5, v, 0.0 if side > 0 else 180.0) for v, side in ((110, 1), (140, -1), (270, 1), (360, -1), (444, 1))]
    spots += [(-30.0, -35.0, 90.0), (30.0, -35.0, 270.0), (0.0, -66.0, 0.0)]
    poles: list[Pole] = []
    for number, (u, v, along) in enumerate(spots, start=1):
        functions = tuple(word for word in full if word != "camera" or number % 2 == 1)
        functions = tuple(word for word in functions if word not in {"display", "environment"} or number % 3 == 0)
        poles.append(Pole(f"SP-{number:02d}", float(u), float(v), along, functions))
    return tuple(poles)


def pole_rows() -> list[Device]:
    """The smart poles."""
    return [
        device(
            "pole", pole.id, (f"Smart pole {pole.id}", f"智慧灯杆{pole.id}"), Place(pole.u, pole.v, 9.0), functions=";".join(pole.functions)
        )
        for pole in smart_poles()
    ]


def lamp_rows() -> list[Device]:
    """Lamps along roads, in car parks and on the plaza; smart poles carry their own."""
    rows: list[Device] = []
    taken = [Point(pole.u, pole.v) for pole in smart_poles()]
    for road in ROADS:
        for u, v in _lamp_places(road):
            if all(Point(u, v).distance(other) > 10 for other in taken):
                lamp = _lamp(len(rows) + 1, (u, v), road.road_class, f"{road.name_zh}路灯")
                rows.append(lamp | {"controllable": road.id not in UNCONTROLLED})
    for lot in LOTS:
        u0, _, u1, v1 = lot.area.bounds
        count = max(round((u1 - u0) / 30), 2)
        rows += [
            _lamp(len(rows) + 1 + n, (u0 + (n + 0.5) * (u1 - u0) / count, v1 + 0.8), "access", f"{lot.name_zh}照明") for n in range(count)
        ]
    for number in range(16):
        turn = 2 * math.pi * number / 16
        place = (PLAZA.centroid.x + 47 * math.cos(turn), PLAZA.centroid.y + 47 * math.sin(turn))
        rows.append(_lamp(len(rows) + 1, place, "access", "广场庭院灯") | {"height_m": 4.0, "lumens": 3500})
    return rows


def hydrant_rows() -> list[Device]:
    """Outdoor hydrants on the fire main."""
    names = ("Hydrant", "室外消火栓")
    return [
        device("hydrant", f"HY-{number:02d}", names, Place(u, v, 0.7), flow_l_s=15, pressure_mpa=0.32)
        for number, (u, v) in enumerate(networks.hydrant_places(), start=1)
    ]


def speaker_rows() -> list[Device]:
    """Loudspeakers on every fourth lamp of main and secondary roads and on the smart poles."""
    lamps = [lamp for lamp in lamp_rows() if lamp["lumens"] >= 12_000]
    rows: list[Device] = []
    for lamp in lamps[::4]:
        row = {
            **lamp,
            "id": f"SPK-{len(rows) + 1:02d}",
            "kind": "speaker",
            "name": "Horn speaker",
            "name_zh": "号角扬声器",
            "height_m": 5.0,
        }
        kept = {key: value for key, value in row.items() if key not in {"lumens", "controllable", "power_w", "class"}}
        rows.append(kept | {"mounted_on": lamp["id"], "power_w": 30, "spl_1m_db": 92, "functions": "emergency;music"})
    return rows


def alarm_rows() -> list[Device]:
    """Help points on smart poles and at gates."""
    rows = [
        device(
            "alarm",
            f"SOS-{pole.id}",
            ("Help point", "紧急求助点"),
            Place(pole.u, pole.v, 1.3, mounted_on=pole.id),
            functions="emergency;help",
        )
        for pole in smart_poles()
    ]
    for gate in GATES:
        u, v = gate.u * 0.975, gate.v * 0.975
        rows.append(
            device(
                "alarm", f"SOS-{gate.id}", (f"{gate.name} alarm", f"{gate.name_zh}报警按钮"), Place(u, v, 1.3), functions="emergency;help"
            )
        )
    return rows


def display_rows() -> list[Device]:
    """Screens: at the gates, on the plaza and on smart poles."""
    rows: list[Device] = []
    for gate in GATES:
        inward = heading(gate.u, gate.v, 0.0, gate.v) if abs(gate.u) > 1 else heading(gate.u, gate.v, gate.u, 0.0)
        u, v = step(*step(gate.u, gate.v, inward, 14.0), (inward + 90) % 360, gate.width_m / 2 + 1)
        screen = {
            "pitch_mm": 4.0,
            "width_m": 5.0,
            "screen_height_m": 2.8,
            "azimuth_deg": azimuth((inward + 180) % 360),
            "publishing": "central",
        }
        rows.append(device("display", f"DSP-{gate.id}", (f"{gate.name} screen", f"{gate.name_zh}信息屏"), Place(u, v, 4.0), **screen))
    plaza = {"pitch_mm": 10.0, "width_m": 12.0, "screen_height_m": 6.75, "azimuth_deg": azimuth(180.0), "publishing": "central"}
    rows.append(device("display", "DSP-PLAZA", ("Plaza screen", "广场大屏"), Place(0.0, 38.0, 7.0), **plaza))
    for pole in smart_poles():
        if "display" in pole.functions:
            screen = {
                "pitch_mm": 4.0,
                "width_m": 0.96,
                "screen_height_m": 1.92,
                "azimuth_deg": azimuth((pole.along + 180) % 360),
                "publishing": "central",
            }
            rows.append(
                device("display", f"DSP-{pole.id}", ("Pole screen", "灯杆屏"), Place(pole.u, pole.v, 3.5, mounted_on=pole.id), **screen)
            )
    return rows


def detector_rows() -> list[Device]:
    """Beam detectors along the fence, each as far as the next; one stretch in the north-east has none."""
    line = LineString(BOUNDARY.exterior.coords)
    count = math.ceil(line.length / DETECTOR_M)
    rows: list[Device] = []
    for number in range(count):
        here, there = line.interpolate(number * line.length / count), line.interpolate((number + 1) * line.length / count)
        if here.x > 440 and here.y > 300:
            continue
        inside = BOUNDARY.buffer(-0.5).exterior
        place = inside.interpolate(inside.project(here))
        aim = {"azimuth_deg": azimuth(heading(here.x, here.y, there.x, there.y)), "range_m": DETECTOR_M, "functions": "perimeter;intrusion"}
        names = (f"Beam detector {number + 1}", f"主动红外对射{number + 1}号")
        rows.append(device("detector", f"DET-P-{number + 1:02d}", names, Place(place.x, place.y, 1.8), **aim))
    return rows


def sensor_rows() -> list[Device]:
    """Environment stations, creek gauges and noise meters."""
    stations = [(pole, "pm25;pm10;temperature;humidity;wind;noise") for pole in smart_poles() if "environment" in pole.functions]
    rows = [
        device(
            "sensor",
            f"ENV-{pole.id}",
            ("Environment station", "微型环境监测站"),
            Place(pole.u, pole.v, 4.0, mounted_on=pole.id),
            functions=what,
        )
        for pole, what in stations
    ]
    spots = (
        ("WTR-1", "Creek gauge west", "云溪西水位计", -452, 201.5, "water_level;flow"),
        ("WTR-2", "Lake gauge", "云溪湖水质站", 76, 178.5, "water_level;water_quality"),
        ("WTR-3", "Creek gauge east", "云溪东水位计", 452, 198, "water_level;flow"),
        ("EFF-1", "Effluent station", "污水排口监测站", -290, 352, "cod;ammonia;ph;flow"),
        ("VOC-1", "VOC station pharma", "医药区VOC监测站", -300, 80, "voc;odour"),
        ("NOI-1", "Noise station north", "北区噪声监测", 10, 452, "noise"),
    )
    return rows + [device("sensor", i, (name, zh), Place(float(u), float(v), 3.0), functions=what) for i, name, zh, u, v, what in spots]


def meter_rows() -> list[Device]:
    """Electricity and water meters of every building, online but for three."""
    rows: list[Device] = []
    for building in BUILDINGS:
        if building.usage == "gatehouse":
            continue
        point = building.outline.representative_point()
        for medium, zh in (("electricity", "电表"), ("water", "水表")):
            online = not (medium == "water" and building.id in {"B03", "B26", "B34"})
            place = Place(point.x, point.y, 1.5, building_id=building.id)
            names = (f"{building.name} {medium} meter", f"{building.name_zh}{zh}")
            rows.append(device("meter", f"MTR-{medium[0].upper()}-{building.id}", names, place, medium=medium, online=online))
    return rows


def access_rows() -> list[Device]:
    """Barriers and turnstiles at gates, readers at main doors."""
    rows: list[Device] = []
    for gate in GATES:
        for part, zh, share in (("barrier", "道闸", 0.982), ("turnstile", "人行闸机", 0.98)):
            place = Place(gate.u * share, gate.v * share, 1.1)
            rows.append(
                device("access_control", f"ACS-{gate.id}-{part}", (f"{gate.name} {part}", f"{gate.name_zh}{zh}"), place, functions=part)
            )
    for door, building in zip(places.main_doors(), BUILDINGS, strict=True):
        if building.usage not in {"gatehouse", "exhibition", "canteen", "service"}:
            u, v = step(*step(door.u, door.v, door.facing, 0.15), (door.facing + 90) % 360, 2.2)
            names = (f"{building.name} reader", f"{building.name_zh}门禁")
            rows.append(
                device("access_control", f"ACS-{building.id}", names, Place(u, v, 1.3, building_id=building.id), functions="card;face")
            )
    return rows


def _lamp(number: int, place: tuple[float, float], road_class: str, name_zh: str) -> Device:
    sizes = {"lumens": LAMP_LUMENS[road_class], "power_w": LAMP_LUMENS[road_class] // 140, "controllable": True, "class": road_class}
    return device("lamp", f"LP-{number:03d}", ("Street lamp", name_zh), Place(*place, LAMP_HEIGHT_M[road_class]), **sizes)


def _lamp_places(road: Road) -> list[tuple[float, float]]:
    """Both sides of main roads, one side of others, off the carriageway."""
    sides = (1, -1) if road.road_class == "main" else (1,)
    found: list[tuple[float, float]] = []
    for side in sides:
        line = road.line.offset_curve(side * (road.width_m / 2 + 0.7), quad_segs=6)
        count = max(round(line.length / LAMP_PITCH_M[road.road_class]), 1)
        points = [line.interpolate((n + 0.5) * line.length / count) for n in range(count)]
        found += [(p.x, p.y) for p in points if BOUNDARY.contains(p) and p.distance(roads.carriageway()) > 0.2]
    return found
