"""Mobile coverage over cells: closed forms in the open, one wall, a building entered, interference, bounds that hold."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from trimesh.creation import box as closed

from twin.coverage.antenna import Antenna
from twin.coverage.bounded import Areas, Before, areas
from twin.coverage.cells import Cells, grid
from twin.coverage.cellular import Carriers, Demand, Reception, Site, model_of, reception
from twin.coverage.entry import entry_db, surface_db
from twin.coverage.facade import House, entry, house
from twin.coverage.makeup import partitions
from twin.coverage.materials import Layer, slab_loss_db
from twin.coverage.propagation import MODELS, links, path_loss_db
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene

F, HEIGHT = 3.5, 1.5
NOISE = -122.23


def box(low: tuple[float, float, float], high: tuple[float, float, float], **more: Any) -> Obstacles:
    body = closed(bounds=[low, high])
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), **({"object_id": "building/1", "kind": "building"} | more))


def site(*parts: Obstacles, houses: list[House | None] | None = None, **more: Any) -> Site:
    ob = concat(list(parts)) if parts else nothing()
    walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    among = Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)
    return Site(among, houses or [None], **more)


def carriers(*places: tuple[float, float, float], power: float = 18.0, **more: Any) -> Carriers:
    n = len(places)
    position = np.array(places, float).reshape(-1, 3)
    usual: dict[str, Any] = {
        "position": position,
        "height_m": position[:, 2],
        "f_ghz": np.full(n, F),
        "power_dbm": np.full(n, power),
        "slack_db": np.zeros(n),
        "noise_dbm": np.full(n, NOISE),
        "antenna": [Antenna()] * n,
        "operator": np.zeros(n, np.int64),
        "indoor": np.zeros(n, bool),
        "model": ["38.901-uma"] * n,
        "interference": np.zeros((n, n)),
    }
    return Carriers(**(usual | more))


def cells_of(polygon: Any, step: float, floor: float = 0.0) -> Cells:
    return grid(Surface("s", [Piece("p", "p", polygon, floor_z=floor)]), step, HEIGHT, lambda xy: np.zeros(len(xy)))


def bounded(sent: Carriers, where: Site, demand: Demand, cells: Cells, least: float = 0.2) -> tuple[float, float, float]:
    def judge(part: Cells, _: Before | None) -> Reception:
        return reception(sent, where, demand, part)

    found: Areas = areas(cells, judge(cells, None), judge, least_m=least, budget=100_000)
    return float(found.sure.sum()), float(found.covered.sum()), float(found.possible.sum())


def radius_at(model: str, power: float, threshold: float, h_bs: float, *, los: bool) -> float:
    def margin(d: float) -> float:
        return power - float(path_loss_db(MODELS[model], links(F, d, h_bs, HEIGHT), los)) - threshold

    return float(brentq(margin, 11.0, 20_000.0))


@pytest.mark.parametrize("model", ["38.901-uma", "38.901-umi", "38.901-rma"])
def test_a_disc_in_the_open(model: str) -> None:
    r = radius_at(model, 18.0, -75.0, 25.0, los=True)
    half = 1.05 * r
    field = shapely.box(-half, -half, half, half)
    low, value, high = bounded(carriers((0.3, 0.4, 25.0), model=[model]), site(), Demand(-75.0, None), cells_of(field, r / 50), r / 400)
    assert low <= math.pi * r**2 <= high
    assert value == pytest.approx(math.pi * r**2, rel=3e-3)
    assert high - low < 0.05 * value


def test_behind_a_wall_the_other_formula_holds_and_nothing_is_added() -> None:
    wall = box((50, -400, 0), (52, 400, 60), kind="wall", object_id="w")
    cells = cells_of(shapely.box(-200, 0, 200, 10), 10.0)
    got = reception(carriers((0, 5.0, 25.0)), site(wall), Demand(), cells)
    x = cells.centre[:, 0]
    expected = 18.0 - path_loss_db(MODELS["38.901-uma"], links(F, np.abs(x), 25.0, HEIGHT), x < 50)
    assert got.level == pytest.approx(expected, abs=1e-9)
    assert (got.sight == (x < 50)).all()


def test_a_sector_covers_its_side() -> None:
    antenna = Antenna(azimuth=math.pi / 2, tilt=math.radians(6), beam_h=math.radians(65), beam_v=math.radians(10))
    cells = cells_of(shapely.box(-300, -10, 300, 10), 20.0)
    got = reception(carriers((0, 0, 25.0), antenna=[antenna]), site(), Demand(-90.0, None), cells)
    east = cells.centre[:, 0] > 100
    assert got.covered[east].all()
    assert (got.level[east][::-1] - got.level[cells.centre[:, 0] < -100] > 15.0).all()


HALL = shapely.box(100, -20, 140, 20)
INTO = house("building/1", HALL, 0.0, 12.0)


def test_inside_a_building_the_facade_and_the_way_inside_are_paid_once() -> None:
    hall = box((100, -20, 0), (140, 20, 12))
    cells = cells_of(shapely.box(100, 0, 140, 4), 4.0)
    got = reception(carriers((0, 2.0, 25.0)), site(hall, houses=[INTO]), Demand(), cells)
    x = cells.centre[:, 0]
    share = 100 / x
    entered = 25.0 + share * (HEIGHT - 25.0) < 12.0
    outdoor = path_loss_db(MODELS["38.901-uma"], links(F, x, 25.0, HEIGHT), True)
    expected = 18.0 - outdoor - float(entry_db("low", F, 19)) - 0.5 * (x - 100)
    assert entered.any()
    assert got.level[entered] == pytest.approx(expected[entered], abs=1e-9)
    assert got.sight[entered].all()


def test_through_the_roof_every_floor_is_paid() -> None:
    way_in = entry(np.array([120.0, 0.0, 30.0]), np.array([[121.0, 0.0, 8.0], [121.0, 0.0, 1.5]]), INTO)
    assert way_in.slabs.tolist() == [2.0, 4.0]
    assert way_in.inside_m[1] == pytest.approx((12 - 1.5) / (30 - 1.5))
    cells = cells_of(shapely.box(120, 0, 121, 1), 1.0)
    got = reception(carriers((120.5, 0.5, 30.0)), site(box((100, -20, 0), (140, 20, 12)), houses=[INTO]), Demand(), cells)
    assert got.level[0] < 18.0 - 4 * float(surface_db("concrete", F)) - 60.0


def test_the_high_loss_facade_is_the_lower_bound() -> None:
    hall = box((100, -20, 0), (140, 20, 12))
    where, sent = site(hall, houses=[INTO]), carriers((0, 2.0, 25.0))
    cells = cells_of(shapely.box(101, 0, 115, 4), 2.0)
    low_loss = reception(sent, where, Demand(-88.0, None), cells)
    assert low_loss.covered.all()
    assert low_loss.possible.all()
    assert not low_loss.sure.any()


def test_release_changes_coated_glass() -> None:
    hall = box((100, -20, 0), (140, 20, 12))
    cells = cells_of(shapely.box(110, 0, 120, 4), 2.0)
    old, new = (
        reception(carriers((0, 2.0, 25.0)), site(hall, houses=[INTO], facades=("high",) * 3, release=r), Demand(), cells) for r in (18, 19)
    )
    assert old.level - new.level == pytest.approx(float(entry_db("high", F, 19) - entry_db("high", F, 18)))


def test_an_indoor_antenna_pays_walls() -> None:
    wall = box((5, -20, 0), (5.2, 20, 3), kind="wall", object_id="w", materials=[{"name": "混凝土", "thickness_m": 0.2}])
    cells = cells_of(shapely.box(0, 0, 10, 1), 1.0)
    sent = carriers((0.0, 0.5, 2.8), power=-10.0, indoor=np.array([True]))
    got = reception(sent, site(wall, houses=[INTO]), Demand(), cells)
    offset = cells.centre - [0, 0.5, 2.8]
    d = np.linalg.norm(offset, axis=1)
    degrees = np.degrees(np.arccos(np.abs(offset[:, 0]) / d))
    loss = 32.4 + 17.3 * np.log10(np.maximum(d, 1)) + 20 * np.log10(F)
    behind = cells.centre[:, 0] > 5.2
    through = np.array([float(slab_loss_db((Layer("concrete", 0.2),), F, a)) for a in degrees])
    near = d > 1.7
    assert got.level[near] == pytest.approx((-10 - loss - through * behind)[near], abs=0.05)


def test_interference_takes_the_middle() -> None:
    both = np.array([[0.0, 1.0], [1.0, 0.0]])
    cells = cells_of(shapely.box(-100, -5, 500, 5), 5.0)
    sent = carriers((0, 0, 25.0), (400, 0, 25.0), interference=both)
    alone = reception(sent, site(), Demand(-105.0, None), cells)
    judged = reception(sent, site(), Demand(-105.0, 3.0), cells)
    middle = np.abs(cells.centre[:, 0] - 200) < 20
    assert alone.covered.all()
    assert not judged.covered[middle].any()
    assert judged.covered[np.abs(cells.centre[:, 0]) < 60].all()
    apart = carriers((0, 0, 25.0), (400, 0, 25.0), interference=both, operator=np.array([0, 0]), power=18.0)
    idle = reception(carriers(*apart.position, interference=0.0 * both), site(), Demand(-105.0, 3.0), cells)  # type: ignore[arg-type]
    assert idle.covered.all()


def test_operators() -> None:
    cells = cells_of(shapely.box(-100, -5, 900, 5), 10.0)
    sent = carriers((0, 0, 25.0), (800, 0, 25.0), power=-2.0, operator=np.array([0, 1]))
    any_, all_, first = (reception(sent, site(), Demand(-95.0, None, who), cells) for who in ("any", "all", 0))
    assert (any_.covered == any_.by_operator.any(axis=1)).all()
    assert (all_.covered == any_.by_operator.all(axis=1)).all()
    assert (first.covered == any_.by_operator[:, 0]).all()
    assert any_.covered.sum() > first.covered.sum() > all_.covered.sum()
    assert (any_.level >= all_.level).all()


def test_nothing_sent_nothing_received() -> None:
    got = reception(carriers(), site(), Demand(), cells_of(shapely.box(0, 0, 10, 10), 2.0))
    assert not got.possible.any()
    assert np.isnan(got.level).all()


def test_which_formula_an_antenna_gets() -> None:
    assert model_of("p1411", height_m=25, above_roofs=True).name == "p1411-roof"
    assert model_of("p1411", height_m=6, above_roofs=False).name == "p1411-canyon"
    assert model_of("38.901-inf", height_m=8, above_roofs=False).name == "38.901-inf-sh"
    assert model_of("38.901-inf", height_m=2, above_roofs=False).name == "38.901-inf-sl"
    assert model_of("38.901-uma", height_m=2, above_roofs=False).name == "38.901-uma"


def fine_share(sent: Carriers, where: Site, demand: Demand, polygon: Any, step: float) -> float:
    cells = cells_of(polygon, step)
    return float(cells.area[reception(sent, where, demand, cells).covered].sum())


@settings(deadline=None, max_examples=12)
@given(seed=st.integers(0, 10_000))
def test_random_yards_lie_within_their_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = []
    for k in range(6):
        x, y, w, d = *rng.uniform(20, 160, 2), *rng.uniform(8, 30, 2)
        blocks.append(box((x, y, 0), (x + w, y + d, rng.uniform(6, 25)), object_id=f"building/{k}"))
    places = [(float(rng.uniform(0, 200)), float(rng.uniform(-30, 0)), 22.0) for _ in range(3)]
    load = 0.5 * (1 - np.eye(3))
    antennas = [Antenna(azimuth=float(a), tilt=0.1, beam_v=0.3) for a in rng.uniform(-1, 1, 3)]
    sent = carriers(*places, antenna=antennas, interference=load, power=2.0)
    where, demand = site(*blocks), Demand(-88.0, 0.0)
    yard = shapely.box(0, 0, 200, 200)
    low, value, high = bounded(sent, where, demand, cells_of(yard, 10.0), 0.5)
    fine = fine_share(sent, where, demand, yard, 1.0)
    assert low <= value <= high
    assert low - 1e-3 * yard.area <= fine <= high + 1e-3 * yard.area
