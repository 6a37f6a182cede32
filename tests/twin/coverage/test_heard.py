"""What one access point gives cells: bounds that hold at every point of a ten times finer grid, whatever stands between."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from trimesh.creation import box as closed

from twin.coverage.cells import Cells, grid
from twin.coverage.heard import COUNTING, WIFI_MODELS, Access, Book, Heard, Medium, ground, heard, heard_at, hope
from twin.coverage.indoor import TGN, breakpoint_db, tgax_db
from twin.coverage.makeup import BEST, LIKELY, WORST, Conditions, counted, partitions
from twin.coverage.materials import Layer, slab_loss_db, vegetation_db
from twin.coverage.propagation import free_space_db
from twin.coverage.surface import Piece, Surface
from twin.coverage.walls import Barriers, faces
from twin.scene import Obstacles, concat, nothing, one_object
from twin.scene.embree import Scene

F = 5.2
HEIGHT = 1.2
CONCRETE = [{"name": "Concrete", "thickness_m": 0.2}]
STUDS = [{"name": "gypsum", "thickness_m": 0.0125}, {"name": "air", "thickness_m": 0.075}, {"name": "gypsum", "thickness_m": 0.0125}]
KINDS = ("wall", "slab", "column", "door", "window", "vegetation", "building", "furniture", "other")


def barriers(*parts: Obstacles, model: str = "walls", conditions: Conditions | None = None) -> Barriers:
    ob = concat(list(parts)) if parts else nothing()
    made_of = (ob.object_kind, ob.object_materials, ob.object_opaque)
    walls = counted(ob.object_kind, ob.object_opaque) if model in COUNTING else partitions(*made_of, conditions or Conditions())
    return Barriers(Scene(ob), faces(ob.vertices, ob.faces, ob.face_object), walls, ob.object_ids)


def box(low: tuple[float, ...], high: tuple[float, ...], **more: Any) -> Obstacles:
    body = closed(bounds=[low, high])
    said: dict[str, Any] = {"object_id": "w", "kind": "wall"} | more
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), **said)


def turned(body: Obstacles, angle: float) -> Obstacles:
    points = body.vertices.copy()
    middle = points[:, :2].mean(axis=0)
    sin, cos = np.sin(angle), np.cos(angle)
    points[:, :2] = (points[:, :2] - middle) @ np.array([[cos, sin], [-sin, cos]]) + middle
    return replace(body, vertices=points)


def cells_of(polygon: Any, step: float) -> Cells:
    return grid(Surface("s", [Piece("p", "p", polygon, floor_z=0.0)]), step, HEIGHT, lambda xy: np.zeros(len(xy)))


def access(place: Any, **more: Any) -> Access:
    return Access(np.asarray(place, float), np.array([2.4, F]), np.array([20.0, 23.0]), np.zeros(2), **more)


def told(ap: Access, among: Barriers, medium: Medium, cells: Cells) -> Heard:
    return heard(ap, among, medium, ground(cells, among, medium), np.arange(len(cells)))


def random_scene(rng: np.random.Generator) -> list[Obstacles]:
    """Bodies of all kinds, many of them much narrower than a cell."""
    parts: list[Obstacles] = []
    for k in range(int(rng.integers(1, 7))):
        x, y, long, thick = rng.uniform(1, 12), rng.uniform(1, 9), rng.uniform(0.02, 5), float(rng.choice([0.02, 0.1, 0.2, 0.4]))
        low = float(rng.choice([0.0, 0.0, 1.0, 1.8]))
        high = (x + thick, y + long) if rng.random() < 0.5 else (x + long, y + thick)
        made_of = (CONCRETE, STUDS, [{"name": "砖"}], ())[int(rng.integers(4))]
        body = box((x, y, low), (*high, low + rng.uniform(0.2, 2.0)), object_id=f"w{k}", kind=str(rng.choice(KINDS)), materials=made_of)
        parts.append(turned(body, rng.uniform(0, np.pi)) if rng.random() < 0.6 else body)
    return parts


def walls_that_meet(rng: np.random.Generator) -> list[Obstacles]:
    """Walls that run through each other about one place, at any angle."""
    x, y = rng.uniform(4, 9), rng.uniform(3, 8)
    parts: list[Obstacles] = []
    for k in range(int(rng.integers(2, 5))):
        long, thick = rng.uniform(3, 9), float(rng.choice([0.1, 0.2, 0.3]))
        west, south = x + rng.uniform(-1, 1) - long / 2, y + rng.uniform(-1, 1)
        made_of = (CONCRETE, STUDS, [{"name": "砖"}], ())[int(rng.integers(4))]
        body = box((west, south, 0), (west + long, south + thick, 3), object_id=f"w{k}", materials=made_of)
        parts.append(turned(body, rng.uniform(0, np.pi)))
    return parts


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 100_000),
    scene=st.sampled_from([random_scene, walls_that_meet]),
    model=st.sampled_from(["walls", "walls", "walls_breakpoint", "cost231", "tgax", "p1238"]),
)
def test_bounds_hold_on_a_ten_times_finer_grid(seed: int, scene: Any, model: str) -> None:
    rng = np.random.default_rng(seed)
    among, medium = barriers(*scene(rng), model=model), Medium(model)
    room = shapely.box(0, 0, 14, 11) if rng.random() < 0.5 else shapely.affinity.rotate(shapely.box(1, 1, 12, 9), 30)
    cells, fine = cells_of(room, 1.0), cells_of(room, 0.1)
    ap = access(rng.uniform([0.5, 0.5, 1.5], [13, 10, 3.0]))
    got = told(ap, among, medium, cells)
    points = fine.representative
    level = heard_at(ap, among, medium, points).level
    number = {tuple(place): i for i, place in enumerate(np.floor(cells.centre[:, :2]).astype(int).tolist())}
    own = np.array([number[tuple(place)] for place in np.floor(fine.centre[:, :2]).astype(int).tolist()])
    inside = shapely.distance(shapely.points(points[:, :2]), room.boundary) > 0.012  # corners are drawn in by a centimetre
    for j in range(2):
        assert (level[inside, j] >= got.low[own[inside], j, LIKELY] - 1e-3).all()
        assert (level[inside, j] <= got.high[own[inside], j, LIKELY] + 1e-3).all()
    assert (got.low <= got.high).all()
    assert (got.low[..., WORST] <= got.low[..., LIKELY] + 1e-9).all()
    assert (got.high[..., BEST] >= got.high[..., LIKELY] - 1e-9).all()


def test_a_post_narrower_than_a_cell_is_not_overlooked() -> None:
    post = box((4.9, 0.55, 0), (4.98, 0.63, 3), materials=CONCRETE)
    cells = cells_of(shapely.box(8, 0, 9, 1), 1.0)
    among = barriers(post)
    got = told(access((0.0, 0.2, HEIGHT)), among, Medium(), cells)
    seen = told(access((0.0, 0.2, HEIGHT)), barriers(), Medium(), cells)
    assert got.point[0] == pytest.approx(seen.point[0])  # the ray to the middle passes it
    behind = heard_at(access((0.0, 0.2, HEIGHT)), among, Medium(), np.array([[8.5, 0.86, HEIGHT]])).level
    assert got.low[0, 1, LIKELY] <= behind[0, 1] < seen.low[0, 1, LIKELY]


def test_far_from_edges_the_bounds_are_close() -> None:
    wall = box((5, -30, -5), (5.2, 30, 9), materials=CONCRETE)
    cells = cells_of(shapely.box(8, 0, 9, 1), 1.0)
    got = told(access((0.0, 0.5, HEIGHT)), barriers(wall), Medium(), cells)
    assert (got.high[0, :, LIKELY] - got.low[0, :, LIKELY] < 1.5).all()
    expected = 23.0 - free_space_db(8.5, F) - slab_loss_db((Layer("concrete", 0.2),), F, 0.0)
    assert got.point[0, 1] == pytest.approx(float(expected), abs=0.02)


@pytest.mark.parametrize("model", WIFI_MODELS)
def test_path_loss_is_the_same_both_ways(model: str) -> None:
    rng = np.random.default_rng(7)
    among, medium = barriers(*random_scene(rng), model=model), Medium(model)
    for _ in range(20):
        a, b = rng.uniform([0, 0, 1], [14, 11, 3], (2, 3))
        there, back = heard_at(access(a), among, medium, b[None]).level, heard_at(access(b), among, medium, a[None]).level
        assert there == pytest.approx(back, abs=1e-2)


def test_rigid_motion_changes_nothing() -> None:
    rng = np.random.default_rng(3)
    parts = random_scene(rng)
    angle, shift = 0.7, np.array([120.0, -45.0, 6.0])
    turn = np.array([[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    moved = [replace(part, vertices=part.vertices @ turn + shift) for part in parts]
    points, place = rng.uniform([0, 0, 1], [14, 11, 3], (60, 3)), np.array([6.1, 5.2, 2.6])
    here = heard_at(access(place), barriers(*parts), Medium(), points).level
    there = heard_at(access(place @ turn + shift), barriers(*moved), Medium(), points @ turn + shift).level
    assert np.median(np.abs(here - there)) < 1e-3
    assert (np.abs(here - there) < 0.05).mean() > 0.95  # a ray along a face may fall to either side


def test_distance_laws() -> None:
    cells = cells_of(shapely.box(0, 0, 30, 1), 1.0)
    ap = access((0.0, 0.5, HEIGHT))
    d = np.linalg.norm(cells.centre - ap.position, axis=1)
    got = {model: told(ap, barriers(model=model), Medium(model), cells).point[:, 1] for model in WIFI_MODELS}
    assert got["walls"] == pytest.approx(23.0 - free_space_db(d, F))
    assert got["breakpoint"] == pytest.approx(23.0 - breakpoint_db(d, F, 10.0))
    assert got["walls_breakpoint"] == pytest.approx(got["breakpoint"])
    assert got["tgax"] == pytest.approx(23.0 - tgax_db(d, F, 0, 0, case="enterprise"))
    home = told(ap, barriers(), Medium("breakpoint", "residential"), cells).point[:, 1]
    assert home == pytest.approx(23.0 - breakpoint_db(d, F, 5.0))
    own = told(ap, barriers(), Medium("breakpoint", breakpoint_m=7.0), cells).point[:, 1]
    assert own == pytest.approx(23.0 - breakpoint_db(d, F, 7.0))


def test_breakpoints_of_tgn() -> None:
    assert {name: row[0] for name, row in TGN.items()} == {"A": 5, "B": 5, "C": 5, "D": 10, "E": 20, "F": 30}
    assert breakpoint_db([5.0, 10.0, 100.0], F, 10.0) == pytest.approx(free_space_db([5.0, 10.0, 10.0], F) + np.array([0, 0, 35.0]))


def test_walls_and_floors_of_tgax() -> None:
    wall, floor = box((4, -9, -1), (4.2, 9, 5), object_id="a"), box((7, -9, -1), (7.3, 9, 5), object_id="f", kind="slab")
    among, medium = barriers(wall, floor, model="tgax"), Medium("tgax")
    level = heard_at(access((0.0, 0.5, HEIGHT)), among, medium, np.array([[10.0, 0.5, HEIGHT]])).level
    assert level[0, 1] == pytest.approx(23.0 - float(tgax_db(10.0, F, 1, 1, case="enterprise")))


def test_trees_take_by_the_way_through_them() -> None:
    tree = box((4, -5, 0), (10, 5, 8), kind="vegetation", object_id="t")
    points = np.array([[20.0, 0.3, HEIGHT], [7.0, 0.3, HEIGHT]])
    ap = access((0.0, 0.3, HEIGHT))
    free = heard_at(ap, barriers(), Medium(), points).level
    in_leaf = free - heard_at(ap, barriers(tree), Medium(), points).level
    assert in_leaf[:, 1] == pytest.approx([float(vegetation_db(6.0, F)), float(vegetation_db(3.0, F))], abs=0.02)
    clear = heard_at(ap, barriers(tree, conditions=Conditions(vegetation="clear")), Medium(), points).level
    assert clear == pytest.approx(free)


def test_doors_and_windows_by_state() -> None:
    cells = cells_of(shapely.box(8, 0, 9, 1), 1.0)
    ap = access((0.0, 0.5, HEIGHT))
    free = told(ap, barriers(), Medium(), cells)

    def lost(kind: str, **state: str) -> Any:
        part = box((4, -9, -3), (4.05, 9, 6), kind=kind, materials=[{"name": "Steel"}] if kind == "door" else [])
        got = told(ap, barriers(part, conditions=Conditions(**state)), Medium(), cells)
        return free.high[0, 1] - got.high[0, 1], free.low[0, 1] - got.low[0, 1]

    least, most = lost("door")
    assert least[BEST] == pytest.approx(0.0)  # it may stand open
    assert most[WORST] > 20.0
    assert lost("door", doors="closed")[0][BEST] > 5.0
    assert lost("door", doors="open")[1][WORST] == pytest.approx(0.0)
    assert lost("window")[0][BEST] > 1.0
    assert lost("window", windows="unknown")[0][BEST] == pytest.approx(0.0)
    assert lost("window", windows="open")[1][WORST] == pytest.approx(0.0)


def test_what_may_hang_elsewhere_has_wider_bounds() -> None:
    wall = box((5, -3, 0), (5.2, 3, 3), materials=CONCRETE)
    cells = cells_of(shapely.box(6, -6, 12, 6), 1.0)
    near = told(access((0.0, 0.5, 2.0)), barriers(wall), Medium(), cells)
    may = told(access((0.0, 0.5, 2.0), tolerance_m=0.4), barriers(wall), Medium(), cells)
    assert (may.low <= near.low + 1e-9).all()
    assert (may.high >= near.high - 1e-9).all()
    for step in ((0.39, 0, 0), (0, 0.39, 0), (0, -0.39, 0), (0, 0, 0.39), (-0.25, 0.25, 0.1)):
        there = told(access(np.array([0.0, 0.5, 2.0]) + step), barriers(wall), Medium(), cells)
        assert (there.point >= may.low[..., LIKELY] - 1e-6).all()
        assert (there.point <= may.high[..., LIKELY] + 1e-6).all()


def test_hope_is_never_exceeded() -> None:
    rng = np.random.default_rng(11)
    cells = cells_of(shapely.box(0, 0, 14, 11), 1.0)
    ap = access((6.0, 5.0, 2.7))
    got = told(ap, barriers(*random_scene(rng)), Medium(), cells)
    assert (got.high.max(axis=2) <= hope(ap, Medium(), cells) + 1e-9).all()


def test_a_book_says_what_would_be_computed() -> None:
    rng = np.random.default_rng(5)
    cells, among, book = cells_of(shapely.box(0, 0, 14, 11), 1.0), barriers(*random_scene(rng)), Book()
    place = ground(cells, among, Medium())
    ap = access((6.0, 5.0, 2.7))
    made: list[int] = []

    def make(numbers: Any) -> Heard:
        made.extend(numbers.tolist())
        return heard(ap, among, Medium(), place, numbers)

    whole = heard(ap, among, Medium(), place, np.arange(len(cells)))
    for numbers in (np.arange(10, 40), np.arange(0, 20), np.array([3, 39, 100])):
        got = book.levels("a", numbers, make)
        for name in ("point", "low", "high", "blocker"):
            assert (getattr(got, name) == getattr(whole, name)[numbers]).all()
    assert len(made) == len(set(made)) == 41
    assert book.size > 0
