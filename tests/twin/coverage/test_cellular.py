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
from twin.coverage.cellular import Case, Demand, Reception, covered_in, levels_of, model_of, reception, verdict
from twin.coverage.edges import edges_of
from twin.coverage.entry import entry_db, surface_db
from twin.coverage.facade import House, entry, house
from twin.coverage.look import Sight
from twin.coverage.makeup import partitions
from twin.coverage.materials import Layer, slab_loss_db
from twin.coverage.propagation import MODELS, links, path_loss_db
from twin.coverage.received import BEST, WORST
from twin.coverage.site import Carriers, Site, interference_of
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
    return Site(among, Sight(Scene(ob), edges_of(ob)), houses or [None], **more)


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
        "device": np.arange(n),
        "loose": np.zeros((n, 3)),
    }
    given = usual | more
    return Carriers(**(given | {"interference": interference_of(np.asarray(given["interference"], float))}))


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
    assert got.level == pytest.approx(expected, abs=1e-4)
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
    assert got.level[entered] == pytest.approx(expected[entered], abs=1e-4)
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
    assert old.level - new.level == pytest.approx(float(entry_db("high", F, 19) - entry_db("high", F, 18)), abs=1e-4)


def test_an_indoor_antenna_pays_walls() -> None:
    wall = box((5, -20, 0), (5.2, 20, 3), kind="wall", object_id="w", materials=[{"name": "混凝土", "thickness_m": 0.2}])
    cells = cells_of(shapely.box(0, 0, 10, 1), 1.0)
    sent = carriers((0.0, 0.5, 2.8), power=-10.0, indoor=np.array([True]), model=["38.901-inh"])
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


@pytest.mark.parametrize("operators", ["any", "all", 1])
def test_parts_of_cells_are_judged_as_cells_are(operators: str | int) -> None:
    """In short, and without those operators that cannot serve them."""
    among = {"operator": np.array([0, 1, 0]), "interference": 0.02 * ~np.eye(3, dtype=bool)}
    sent = carriers((-60, 0, 25), (55, 30, 20), (0, -70, 15), power=12.0, **among)
    where, demand = site(box((-10, -10, 0), (10, 10, 12))), Demand(-72.0, 3.0, operators)
    cells = cells_of(shapely.box(-100, -100, 100, 100), 10.0)
    whole = reception(sent, where, demand, cells)
    for hope in (np.ones((len(cells), 2), bool), whole.possibly_by):
        part = verdict(sent, where, demand, cells, hope)
        for name in ("covered", "sure", "possible"):
            assert np.array_equal(getattr(part, name), getattr(whole, name)), name
        assert np.array_equal(part.possibly_by, whole.possibly_by)
    assert 0 < whole.covered.sum() < len(cells)


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


def test_a_pole_between_the_rays_is_not_missed() -> None:
    pole = box((48.0, -0.05, 0), (48.1, 0.05, 60), kind="wall", object_id="pole")
    sent, demand = carriers((0, 0.013, 25.0)), Demand(-75.0, None)
    cells = cells_of(shapely.box(60, -24, 108, 24), 16.0)
    got = reception(sent, site(pole), demand, cells)
    plain = reception(sent, site(), demand, cells)
    assert plain.sure.all()
    y = np.abs(cells.centre[:, 1])
    behind = y < 8.1  # the shadow of the pole lies within 0.2 m of the axis, which is the middle of these cells
    assert not got.sure[behind].any()
    assert got.sure[~behind].all()
    low, value, high = bounded(sent, site(pole), demand, cells, 0.05)
    truth = 48.0**2 - 0.1 / 48.0 * (108.0**2 - 60.0**2) / 2  # the shadow widens from 0.1 m at the pole's near side
    assert low <= truth <= high
    assert low < value
    assert high - low < 30.0


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), turn=st.floats(0.0, 6.2), dx=st.floats(-50, 50), dy=st.floats(-50, 50))
def test_turning_and_moving_everything_changes_nothing(seed: int, turn: float, dx: float, dy: float) -> None:
    rng = np.random.default_rng(seed)
    walls = box((40, -20, 0), (50, 20, 18))
    places = rng.uniform([-20, -20, 10], [20, 20, 30], (3, 3))
    targets = rng.uniform([60, -40, HEIGHT], [120, 40, HEIGHT], (20, 3))
    c, s = math.cos(turn), math.sin(turn)
    motion = np.array([[c, -s, 0.0], [s, c, 0.0], [0, 0, 1.0]])
    shift = np.array([dx, dy, 0.0])
    moved = one_object(walls.vertices @ motion.T + shift, walls.faces, object_id="b", kind="building")
    azimuths = rng.uniform(-3, 3, 3)
    antennas = [[Antenna(azimuth=float(a) - t, tilt=0.1, beam_v=0.3, lean=0.05) for a in azimuths] for t in (0.0, turn)]
    here = reception(carriers(*map(tuple, places), antenna=antennas[0]), site(walls), Demand(sinr_db=None), points(targets))  # type: ignore[arg-type]
    there = reception(
        carriers(*map(tuple, places @ motion.T + shift), antenna=antennas[1]),
        site(moved),
        Demand(sinr_db=None),
        points(targets @ motion.T + shift),  # type: ignore[arg-type]
    )
    same = here.sight == there.sight  # a ray that grazes an edge may fall either way
    assert same.mean() > 0.9
    assert np.abs(here.level - there.level)[same] == pytest.approx(0.0, abs=1e-3)


def points(places: Any) -> Cells:
    """Cells without extent."""
    places = np.asarray(places, float)
    n = len(places)
    return Cells(places, np.full(n, 1e-3), np.repeat(places[:, 2:], 2, axis=1), np.ones(n), np.zeros(n, np.int32), np.full(n, None, object))


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000))
def test_one_more_carrier_never_covers_less_and_one_more_wall_never_more(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places = [tuple(map(float, rng.uniform([0, 0, 8], [200, 200, 30]))) for _ in range(4)]
    blocks = [box((x, y, 0), (x + 12, y + 12, 20)) for x, y in rng.uniform(20, 170, (5, 2))]
    cells, demand = cells_of(shapely.box(0, 0, 200, 200), 10.0), Demand(-80.0, None)
    few, many = (reception(carriers(*places[:k], power=3.0), site(*blocks), demand, cells) for k in (3, 4))  # type: ignore[arg-type]
    open_, shut = (reception(carriers(*places, power=3.0), site(*blocks[:k]), demand, cells) for k in (4, 5))  # type: ignore[arg-type]
    for less, more in ((few, many), (shut, open_)):
        assert not (less.covered & ~more.covered).any()
        assert not (less.sure & ~more.sure).any()
    assert not (few.possible & ~many.possible).any()  # a wall may leave a hidden cell in doubt, so it may open the upper bound


def test_the_way_back_loses_as_much() -> None:
    wall = box((20, -50, 0), (21, 50, 10), kind="wall", object_id="w")
    ends = np.array([[0.0, 0.0, 5.0], [40.0, 3.0, 5.0]])
    there, back = (
        reception(
            carriers(tuple(a), model=["free_space"], indoor=np.array([inside])),
            site(wall),
            Demand(sinr_db=None),
            points([b]),  # type: ignore[arg-type]
        ).level[0]
        for inside in (True,)
        for a, b in ((ends[0], ends[1]), (ends[1], ends[0]))
    )
    assert there == pytest.approx(back, abs=1e-4)
    assert there < 18.0 - 20.0 * math.log10(math.dist(*ends)) - 20.0 * math.log10(F * 1e9) + 147.55 - 5.0


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_a_pose_within_its_tolerance_stays_within_the_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    blocks = [box((x, y, 0), (x + 10, y + 15, 18)) for x, y in rng.uniform(30, 120, (4, 2))]
    antenna = Antenna(azimuth=0.7, tilt=0.1, beam_v=0.4)
    at, loose = np.array([0.0, 0.0, 22.0]), np.array([[1.5, 0.1, 0.05]])
    cells = cells_of(shapely.box(20, 20, 140, 140), 6.0)
    demand = Demand(-78.0, None)
    said = reception(carriers(tuple(at), power=6.0, antenna=[antenna], loose=loose), site(*blocks), demand, cells)  # type: ignore[arg-type]
    for _ in range(4):
        way = rng.normal(size=3)
        moved = at + way / np.linalg.norm(way) * rng.uniform(0, 1.5)
        turned = Antenna(0.7 + rng.uniform(-0.1, 0.1), 0.1 + rng.uniform(-0.05, 0.05), antenna.beam_h, antenna.beam_v)
        sent = carriers(tuple(moved), power=6.0, antenna=[turned], height_m=np.array([22.0]))  # type: ignore[arg-type]
        real = reception(sent, site(*blocks), demand, cells)
        assert not (said.sure & ~real.covered).any()
        assert not (real.covered & ~said.possible).any()


def test_who_is_alone_in_covering_is_told() -> None:
    sent = carriers((0, 0, 25.0), (5, 0, 25.0), (800, 0, 25.0), device=np.array([0, 0, 1]))
    cells = cells_of(shapely.box(-100, -5, 900, 5), 10.0)
    got = reception(sent, site(), Demand(-80.0, None), cells)
    one, other = (reception(carriers(*sent.position[k]), site(), Demand(-80.0, None), cells).covered for k in ([0, 1], [2]))  # type: ignore[arg-type]
    assert got.devices == pytest.approx([cells.area[one].sum(), cells.area[other].sum()])
    assert (got.sole == np.where(one & other, -1, np.where(one, 0, np.where(other, 1, -1)))).all()


def test_who_disturbs_is_no_loss_where_another_would_then_serve() -> None:
    both = np.array([[0.0, 1.0], [1.0, 0.0]])
    sent = carriers((0, 0, 25.0), (300, 0, 25.0), interference=both)
    cells = cells_of(shapely.box(-20, -5, 320, 5), 5.0)
    got = reception(sent, site(), Demand(-105.0, 0.0), cells)
    assert got.covered.all()
    assert (got.sole == -1).all()  # without either, the other reaches all of it undisturbed


def test_walls_that_are_not_known_open_the_bounds_of_each_antenna_by_itself() -> None:
    wall = box((5, -20, 0), (5.2, 20, 3), kind="wall", object_id="w")
    where = site(wall, houses=[INTO])
    inside = {"indoor": np.array([True, True]), "model": ["38.901-inh"] * 2}
    sent = carriers((0.0, 0.5, 2.8), (10.0, 0.5, 2.8), power=-10.0, interference=np.array([[0.0, 1], [1, 0]]), **inside)
    cells = points([[2.0, 0.5, 1.5]])
    levels = levels_of(sent, where, Demand(), cells)
    thick, thin = (covered_in(sent, Demand(-80.0, 20.0), cells, levels, Case(other_walls=k)) for k in (WORST, BEST))
    assert thick.all()
    assert not thin.any()
    got = reception(sent, where, Demand(-80.0, 20.0), cells)
    assert got.possible.all()
    assert not got.sure.any()


def test_a_hall_loses_by_what_stands_in_it_and_not_by_its_walls_twice() -> None:
    rack = box((118, -5, 0), (119, 5, 4), kind="furniture", object_id="rack")
    hall = house("hall", HALL, 0.0, 12.0)
    sent = carriers((110.0, 0.0, 3.0), power=-10.0, indoor=np.array([True]), model=["38.901-inf-sl"], house=["hall"])
    cells = cells_of(shapely.box(111, -1, 139, 1), 1.0)
    got = reception(sent, site(rack, houses=[hall]), Demand(sinr_db=None), cells)
    d = np.linalg.norm(cells.centre - [110.0, 0.0, 3.0], axis=1)
    behind = cells.centre[:, 0] > 119
    loss = 31.84 + 21.5 * np.log10(d) + 19 * np.log10(F)
    blocked = np.maximum(loss, 33 + 25.5 * np.log10(d) + 20 * np.log10(F))
    known = (cells.centre[:, 0] < 118) | (cells.centre[:, 0] > 122)
    assert got.level[known] == pytest.approx((-10 - np.where(behind, blocked, loss))[known], abs=1e-3)


def test_the_share_of_glass_of_the_facade_that_is_entered_is_paid() -> None:
    hall = box((100, -20, 0), (140, 20, 12))
    west = np.isclose(INTO.edges[:, [0, 2]], 100.0).all(axis=1)
    glass = House("building/1", INTO.edges, 0.0, 12.0, glazing=np.where(west, 0.8, np.nan))
    cells = points([[110.0, 0.0, 1.5]])
    plain, glazed = (
        reception(carriers((0, 0.0, 6.0), model=["free_space"]), site(hall, houses=[k], facades=("high", "low", "low")), Demand(), cells)
        for k in (INTO, glass)
    )
    glass_db, concrete_db = 2 + 0.2 * F, 5 + 4 * F
    two = [5 - 10 * math.log10(p * 10 ** (-glass_db / 10) + (1 - p) * 10 ** (-concrete_db / 10)) for p in (0.3, 0.8)]
    assert float((glazed.level - plain.level)[0]) == pytest.approx(two[0] - two[1], abs=1e-4)
