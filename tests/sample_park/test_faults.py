"""The faults a planner should find are there, and nowhere else (sample_park/README.md)."""

import csv
import json
import math

import numpy as np
import pytest
import shapely

from sample_park import DATA, roads
from sample_park.buildings_ifc.fabric import WALLS
from sample_park.buildings_ifc.walls import walls
from sample_park.devices.cameras_outdoor import BLIND_CAMERA, BLIND_JUNCTION, INCOMPLETE_CAMERA, WALLED_CAMERA
from sample_park.devices.radio import SILENT_AP
from sample_park.devices.table import room
from sample_park.frame import azimuth, enu_to_plan, frame
from sample_park.plan import BUILDINGS

DENSITY_PX_PER_M = 62.5


def rows(table: str) -> list[dict[str, str]]:
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def place(row: dict[str, str]) -> tuple[float, float]:
    u, v = enu_to_plan(frame().to_enu([[float(row["lon"]), float(row["lat"])]])[:, :2])[0]
    return float(u), float(v)


def width_deg(row: dict[str, str]) -> float:
    return (
        float(row["hfov_deg"]) if row["hfov_deg"] else 2 * math.degrees(math.atan(float(row["sensor_w_mm"]) / 2 / float(row["focal_mm"])))
    )


def sees(row: dict[str, str], target: tuple[float, float], solid: shapely.Geometry) -> bool:
    """Whether a camera sees a target in plan: some aim points at it, close enough for its pixels, with nothing solid between."""
    u, v = place(row)
    aims = [aim["azimuth_deg"] for aim in json.loads(row["presets"])] if row["presets"] else [float(row["azimuth_deg"])]
    away = math.hypot(target[0] - u, target[1] - v)
    turn = azimuth(math.degrees(math.atan2(target[0] - u, target[1] - v)))
    half = width_deg(row) / 2
    off = min(abs((turn - aim + 180) % 360 - 180) for aim in aims)
    if off > half or away > float(row["range_m"]):
        return False
    dense = float(row["pixels_w"]) / (2 * away * math.cos(math.radians(off)) * math.tan(math.radians(half))) >= DENSITY_PX_PER_M
    return dense and not solid.crosses(shapely.LineString([(u, v), target]))


@pytest.fixture(scope="module")
def solid() -> shapely.Geometry:
    return shapely.union_all([building.outline for building in BUILDINGS])


def test_one_junction_is_seen_by_no_camera(solid: shapely.Geometry) -> None:
    outdoor = [row for row in rows("cameras") if not row["storey_id"] and row["azimuth_deg"]]
    crossings = {junction.id: (junction.u, junction.v) for junction in roads.junctions() if junction.road_class != "access"}
    unseen = {name for name, target in crossings.items() if not any(sees(row, target, solid) for row in outdoor)}
    assert unseen == {BLIND_JUNCTION}


def test_its_own_camera_would_see_it_but_for_the_building(solid: shapely.Geometry) -> None:
    row = next(row for row in rows("cameras") if row["id"] == BLIND_CAMERA)
    junction = next(junction for junction in roads.junctions() if junction.id == BLIND_JUNCTION)
    line = shapely.LineString([place(row), (junction.u, junction.v)])
    blockers = [building.id for building in BUILDINGS if building.outline.crosses(line)]
    assert blockers == ["B33"]
    assert not sees(row, (junction.u, junction.v), solid)


def test_one_camera_looks_into_a_wall(solid: shapely.Geometry) -> None:
    row = next(row for row in rows("cameras") if row["id"] == WALLED_CAMERA)
    u, v = place(row)
    turn = math.radians(float(row["azimuth_deg"]) - azimuth(0.0))
    ray = shapely.LineString([(u, v), (u + 3 * math.sin(turn), v + 3 * math.cos(turn))])
    assert ray.intersection(solid).length > 1.5
    assert not solid.contains(shapely.Point(u, v))


def test_two_devices_lack_attributes() -> None:
    cameras = [row["id"] for row in rows("cameras") if not row["azimuth_deg"]]
    blind = [row["id"] for row in rows("cameras") if not row["hfov_deg"] and not row["focal_mm"]]
    silent = [row["id"] for row in rows("wifi_aps") if not row["eirp_dbm"]]
    assert cameras == blind == [INCOMPLETE_CAMERA]
    assert silent == [SILENT_AP]


def test_the_wifi_hole_lies_behind_a_thick_wall() -> None:
    """Free space and the wall alone leave less than -67 dBm at 5 GHz in the middle of both rooms behind it."""
    concrete_db, brick_db = 26.48 * 1.4, 4.21  # ITU-R P.2040-3 at 5.5 GHz: 30 cm of concrete (20 cm scaled down from 38.99), 12 cm of brick
    hall = [row for row in rows("wifi_aps") if row["id"].startswith("AP-canteen-F01")]
    level = room("canteen", "F01", "SV").level
    thick = [run for run in walls(level) if run.wall == "thick"]
    assert WALLS["thick"].thickness_m > 0.4
    assert sum(run.end - run.start for run in thick) > 28
    for key in ("SV", "D2"):
        spot = room("canteen", "F01", key)
        u, v = spot.plan.place(*spot.room.centre)
        for row in hall:
            away = np.hypot(place(row)[0] - u, place(row)[1] - v)
            loss = 20 * math.log10(away) + 20 * math.log10(float(row["freq_mhz"])) - 27.55
            assert float(row["eirp_dbm"]) - loss - concrete_db - brick_db < -67
        assert not any(row["space_id"] == spot.plan.space_id("F01", key) for row in rows("wifi_aps"))


def test_a_stretch_of_the_fence_has_no_detector() -> None:
    fence = [row for row in rows("detectors") if "perimeter" in row["functions"]]
    nearest = min(math.hypot(u - 470, v - 480) for u, v in map(place, fence))
    assert nearest > 60
