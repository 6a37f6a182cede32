"""Which building a model is, and whether that can be known: rows of like houses, symmetric ones, thousands, real towns."""

from __future__ import annotations

import math
import time

import numpy as np
import pyogrio
import pytest
import shapely

from importers.contract import Footprint
from importers.ifc.footprint import Standing, choose, fits, targets
from importers.ifc.pose import Pose, moved
from twin.crs import Frame

FRAME = Frame(120.6, 31.3)
BOX = shapely.box
ELL = BOX(0, 0, 30, 12).union(BOX(0, 0, 10, 25))
NOWHERE = Standing()


def _footprints(areas):
    return [Footprint(str(k), f"Building {k}", FRAME.unproject(area), 3.0) for k, area in enumerate(areas)]


def _chosen(model, areas, own=NOWHERE):
    return choose(fits({"whole": model}, targets(_footprints(areas), FRAME)), own)


def _town(rng, count):
    """Buildings that are all different: boxes with a wing, turned and spread."""
    areas = []
    for _ in range(count):
        a, b, c, d = rng.uniform((10, 8, 4, 3), (50, 25, 9, 8))
        area = BOX(0, 0, a, b).union(BOX(0, 0, c, b + d))
        areas.append(moved(area, Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-3000, 3000, 2))))
    return areas


def test_buildings_are_found_among_five_thousand_in_two_seconds():
    rng = np.random.default_rng(2)
    areas = _town(rng, 5000)
    among = targets(_footprints(areas), FRAME)
    times, clear = [], 0
    for k in rng.choice(len(areas), 8, replace=False).tolist():
        model = moved(areas[k], Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-50, 50, 2)))
        start = time.process_time()
        found = fits({"whole": model}, among)
        times.append(time.process_time() - start)
        assert found[0].building.id == str(k)
        assert moved(model, found[0].pose).hausdorff_distance(areas[k]) < 0.01
        clear += choose(found, NOWHERE).fit is not None
    assert clear >= 4  # among so many, some are within a decimetre of another
    assert float(np.median(times)) < 2.0


def test_five_like_houses_in_a_row_cannot_be_told_apart():
    row = [moved(ELL, Pose(0.4, 40.0 * k, 0.0)) for k in range(5)]
    choice = _chosen(ELL, row)
    assert choice.fit is None
    assert len({fit.building.id for fit in choice.others if fit.closeness.cost_m < 0.01}) == 5


@pytest.mark.parametrize(("away", "is_decided"), [(4.0, True), (9.0, True), (19.0, False)])
def test_the_files_own_place_decides_where_it_is_clear(away, is_decided):
    row = [moved(ELL, Pose(0.4, 40.0 * k, 0.0)) for k in range(5)]
    x0, y0, x1, y1 = row[2].bounds
    own = Standing(((x0 + x1) / 2 + away, (y0 + y1) / 2), None)
    choice = _chosen(ELL, row, own)
    assert (choice.fit is not None) == is_decided
    if choice.fit is not None:
        assert (choice.fit.building.id, choice.decided_by) == ("2", "place")


@pytest.mark.parametrize(("off_deg", "is_decided"), [(0.0, True), (15.0, True), (-18.0, True), (30.0, False), (195.0, True)])
def test_the_files_own_north_decides_front_and_back(off_deg, is_decided):
    turn = 0.9
    choice = _chosen(BOX(0, 0, 20, 12), [moved(BOX(0, 0, 20, 12), Pose(turn, 9.0, 9.0))], Standing(None, turn + math.radians(off_deg)))
    assert (choice.fit is not None) == is_decided
    if choice.fit is not None:
        expected = turn if abs(off_deg) < 90 else turn + math.pi
        assert math.remainder(choice.fit.pose.turn - expected, 2 * math.pi) == pytest.approx(0.0, abs=1e-4)
        assert choice.decided_by == "north"


def test_a_rectangle_and_a_nearly_square_house_are_nobodys_guess():
    for area in (BOX(0, 0, 20, 12), BOX(0, 0, 10.15, 10)):
        assert _chosen(area, [moved(area, Pose(0.3, 5.0, 5.0))]).fit is None


def test_another_shape_is_no_answer_but_is_listed():
    choice = _chosen(BOX(0, 0, 12, 10), [BOX(0, 0, 10, 5), BOX(100, 0, 300, 200)])
    assert choice.fit is None
    assert choice.others
    assert not any(fit.is_good() for fit in choice.others)


def test_the_silhouette_a_map_shows_is_taken():
    walls, whole = ELL, ELL.union(BOX(10, 12, 16, 16)).buffer(0.6, join_style="mitre")
    for drawn, name in ((walls, "walls"), (whole, "whole")):
        among = targets(_footprints([moved(drawn, Pose(1.0, 50.0, 60.0))]), FRAME)
        choice = choose(fits({"walls": walls, "whole": whole}, among), NOWHERE)
        assert choice.fit is not None
        assert choice.fit.silhouette == name
        assert choice.fit.pose.turn == pytest.approx(1.0, abs=1e-3)


def test_footprints_that_are_none_are_left_out():
    broken = [
        Footprint("point", "", shapely.Point(120.6, 31.3), 0.0),
        Footprint("empty", "", shapely.Polygon(), 0.0),
        Footprint("none", "", None, 0.0),
        Footprint("bow", "", FRAME.unproject(shapely.Polygon([(0, 0), (20, 12), (20, 0), (0, 12)])), 0.0),
        Footprint("solid", "", FRAME.unproject(shapely.force_3d(BOX(0, 0, 20, 12), 5.0)), 0.0),
    ]
    among = targets(broken, FRAME)
    assert [each.id for each in among.buildings] == ["bow", "solid"]
    assert {fit.building.id for fit in fits({"whole": BOX(0, 0, 20, 12)}, among) if fit.is_good()} == {"solid"}
    assert fits({"whole": BOX(0, 0, 20, 12)}, targets(broken[:3], FRAME)) == []
    assert fits({}, among) == []


@pytest.mark.parametrize(("path", "layer"), [("gis/goteborg/buildings.shp", None), ("gis/bubenec.gpkg", "buildings")])
def test_real_buildings_are_never_confused(shared_data, path, layer):
    table = pyogrio.read_dataframe(shared_data / path, layer=layer).to_crs(4326)
    outlines = [shape for shape in table.geometry if shape.geom_type in {"Polygon", "MultiPolygon"}]
    frame = Frame(*outlines[0].centroid.coords[0])
    among = targets([Footprint(str(k), str(k), shape, 0.0) for k, shape in enumerate(outlines)], frame)
    rng = np.random.default_rng(5)
    clear = 0
    for k in rng.choice(len(among.areas), 12, replace=False).tolist():
        pose = Pose(rng.uniform(-math.pi, math.pi), *rng.uniform(-20, 20, 2))
        model = moved(shapely.transform(among.areas[k], lambda x, k=k: x - among.middles()[k]), pose)
        choice = choose(fits({"whole": model}, among), NOWHERE)
        if choice.fit is not None:
            clear += 1
            assert choice.fit.building.id == among.buildings[k].id
            assert moved(model, choice.fit.pose).hausdorff_distance(among.areas[k]) < 0.05
    assert clear >= 6  # the rest are rectangles and rows of like houses
