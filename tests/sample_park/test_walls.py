"""Walls found from rooms, against areas and lengths counted by hand."""

from itertools import pairwise

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sample_park.buildings_ifc.fabric import WALLS, wall_between
from sample_park.buildings_ifc.rooms import Entrance, Level, Room
from sample_park.buildings_ifc.walls import footprint, net_areas, walls

OUTER = WALLS["brick"].thickness_m
LIGHT = WALLS["light"].thickness_m


def two_rooms(entrances: tuple[Entrance, ...] = ()) -> Level:
    """An office of 4 x 5 m beside a corridor of 2 x 5 m."""
    rooms = (Room("O", "Office", "办公室", "office", (0.0, 0.0, 4.0, 5.0)), Room("C", "Corridor", "走廊", "corridor", (4.0, 0.0, 6.0, 5.0)))
    return Level("F01", "1F", "首层", 0.0, 3.0, rooms, "brick", entrances)


def test_net_areas_are_what_the_walls_leave() -> None:
    areas = net_areas(two_rooms())
    deep = 5.0 - 2 * OUTER
    assert areas["O"].area == pytest.approx((4.0 - OUTER - LIGHT / 2) * deep, abs=0.05)
    assert areas["C"].area == pytest.approx((2.0 - OUTER - LIGHT / 2) * deep, abs=0.05)


def test_walls_do_not_overlap_and_stay_inside_the_footprint() -> None:
    shapes = [footprint(run) for run in walls(two_rooms())]
    assert shapely.union_all(shapes).area == pytest.approx(sum(shape.area for shape in shapes), abs=1e-6)
    assert shapely.box(0, 0, 6, 5).buffer(1e-6).contains(shapely.union_all(shapes))
    ring = 6.0 * 5.0 - (6.0 - 2 * OUTER) * (5.0 - 2 * OUTER)
    assert sum(shape.area for shape in shapes) == pytest.approx(ring + LIGHT * (5.0 - 2 * OUTER), abs=1e-6)


def test_an_office_has_one_door_to_its_corridor_and_windows_outside() -> None:
    found = walls(two_rooms())
    inner = [run for run in found if not run.external]
    assert [hole.kind for run in inner for hole in run.holes] == ["door"]
    windows = [hole for run in found if run.external for hole in run.holes]
    assert windows
    assert {hole.kind for hole in windows} == {"window"}


def test_an_entrance_is_cut_where_it_is_asked_for() -> None:
    found = walls(two_rooms((Entrance(5.0, 0.0, 1.2, 2.2),)))
    doors = [(run.axis, run.line, hole.at) for run in found for hole in run.holes if hole.kind == "door" and run.external]
    assert doors == [("x", 0.0, 5.0)]


def test_corridors_flow_into_each_other() -> None:
    assert wall_between("corridor", "lobby") is None
    assert wall_between("office", "office") == "light"
    assert wall_between("office", "stair") == "core"
    assert wall_between("dining", "servery") == "thick"


@given(
    cuts=st.lists(st.integers(3, 57), min_size=1, max_size=5, unique=True),
    depth=st.integers(4, 20),
    uses=st.lists(st.sampled_from(["office", "corridor", "stair", "meeting", "wc"]), min_size=6, max_size=6),
)
def test_rooms_and_walls_fill_the_floor(cuts: list[int], depth: int, uses: list[str]) -> None:
    marks = [0.0, *(float(cut) for cut in sorted(cuts)), 60.0]
    rooms = tuple(Room(f"R{i}", "Room", "房间", uses[i], (start, 0.0, end, float(depth))) for i, (start, end) in enumerate(pairwise(marks)))
    level = Level("F01", "1F", "首层", 0.0, 3.0, rooms, "brick")
    standing = shapely.union_all([footprint(run) for run in walls(level)])
    areas = net_areas(level)
    if min(end - start for start, end in pairwise(marks)) < 1.0:
        return
    assert sum(area.area for area in areas.values()) + standing.area == pytest.approx(60.0 * depth, rel=0.01)
    assert all(not area.buffer(-0.01).intersects(standing) for area in areas.values())
