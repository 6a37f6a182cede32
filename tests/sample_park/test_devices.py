"""The device tables: counts, places, what every kind must say."""

import csv
from collections import Counter

import numpy as np
import pytest
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from sample_park import DATA, parking
from sample_park.buildings_ifc.compose import plans
from sample_park.buildings_ifc.walls import net_areas
from sample_park.devices import charging
from sample_park.frame import enu_to_plan, frame
from sample_park.plan import BOUNDARY, BUILDINGS
from twin.model import DEVICE_KINDS

TABLES = sorted(path.stem for path in DATA.glob("*.csv"))


def rows(table: str) -> list[dict[str, str]]:
    with (DATA / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def plan_points(table: list[dict[str, str]]) -> np.ndarray:
    return enu_to_plan(frame().to_enu([[float(row["lon"]), float(row["lat"])] for row in table])[:, :2])


def test_ids_are_unique_over_all_tables() -> None:
    ids = [row["id"] for table in TABLES for row in rows(table)]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("table", TABLES)
def test_every_device_is_of_a_known_kind_named_and_inside_the_park(table: str) -> None:
    listed = rows(table)
    assert {row["kind"] for row in listed} <= set(DEVICE_KINDS)
    assert all(row["name"] and row["name_zh"] and row["status"] for row in listed)
    assert shapely.contains_xy(BOUNDARY.buffer(0.1), *plan_points(listed).T).all()


def test_counts() -> None:
    assert len(rows("cameras")) == 250
    assert len(rows("wifi_aps")) == 200
    assert len({row["site_id"] for row in rows("cells") if row["site_id"]}) == 7
    assert {row["operator"] for row in rows("cells")} == {"Operator A", "Operator B", "Operator C"}
    assert 250 < len(rows("lamps")) < 350


def test_sectors_of_a_macro_site_point_three_ways() -> None:
    sectors = [row for row in rows("cells") if row["site_id"] == "BS-1" and row["technology"] == "NR" and row["operator"] == "Operator A"]
    turns = np.sort([float(row["azimuth_deg"]) for row in sectors])
    np.testing.assert_allclose(np.diff([*turns, turns[0] + 360]), 120.0, atol=0.2)


@pytest.mark.parametrize("table", TABLES)
def test_indoor_devices_hang_in_the_room_they_name(table: str) -> None:
    rooms = {
        plan.space_id(level.key, room.key): (plan, level, room)
        for plan in plans().values()
        for level in plan.levels
        for room in level.rooms
    }
    indoor = [row for row in rows(table) if row.get("space_id")]
    for row, (u, v) in zip(indoor, plan_points(indoor) if indoor else [], strict=True):
        plan, level, room = rooms[row["space_id"]]
        area = net_areas(level)[room.key]
        assert area.buffer(0.02).contains(shapely.Point(u - plan.origin[0], v - plan.origin[1])), row["id"]
        assert row["storey_id"] == plan.storey_id(level.key)
        assert row.get("building_id", "") == plan.building_id
        assert 0 < float(row["height_m"]) < (room.height_m or level.height_m), row["id"]


def test_cameras_in_the_open_are_outside_buildings() -> None:
    outdoor = [row for row in rows("cameras") if not row["storey_id"]]
    solid = shapely.union_all([building.outline for building in BUILDINGS])
    inside = shapely.contains_xy(solid, *plan_points(outdoor).T)
    assert [row["id"] for row, buried in zip(outdoor, inside, strict=True) if buried] == []


def test_chargers_serve_exactly_131_bays() -> None:
    listed = [row for row in rows("chargers") if "bicycle" not in row["vehicle"]]
    surface = [(None, bay) for _, _, bay in parking.surface_bays()]
    below = [(parking.garage_storey_id("B1"), bay) for bay in parking.garage_outlines()]
    bays = surface + below
    places = plan_points(listed)
    edges = [
        (plug, bay)
        for plug, charger in enumerate(i for i, row in enumerate(listed) for _ in range(int(row["connectors"])))
        for bay, (storey, outline) in enumerate(bays)
        if (listed[charger]["storey_id"] or None) == storey and outline.distance(shapely.Point(places[charger])) <= charging.CABLE_M
    ]
    plugs = sum(int(row["connectors"]) for row in listed)
    graph = csr_matrix((np.ones(len(edges)), tuple(zip(*edges, strict=True))), shape=(plugs, len(bays)))
    assert int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum()) == charging.SERVED
    assert f"{charging.SERVED / parking.BAYS:.1%}" == "8.7%"


def test_bicycle_chargers_reach_no_bay() -> None:
    sheds = [row for row in rows("chargers") if "bicycle" in row["vehicle"]]
    assert len(sheds) == len(charging.SHEDS)
    bays = shapely.union_all([bay for _, _, bay in parking.surface_bays()])
    assert all(shapely.Point(place).distance(bays) > charging.CABLE_M for place in plan_points(sheds))


def test_some_chargers_are_only_planned() -> None:
    assert Counter(row["status"] for row in rows("chargers")).keys() == {"in_service", "planned"}


def test_smart_poles_carry_what_is_mounted_on_them() -> None:
    poles = {row["id"]: row["functions"].split(";") for row in rows("poles")}
    for table, word in (("cameras", "camera"), ("wifi_aps", "wifi"), ("displays", "display"), ("alarms", "emergency_call")):
        mounted = {row["mounted_on"] for row in rows(table) if row["mounted_on"].startswith("SP-")}
        assert mounted == {pole for pole, functions in poles.items() if word in functions}, table
