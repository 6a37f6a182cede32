"""Tubes: their volume is that of their section along their axis, they lie where the table says, and what is assumed is told."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
import trimesh

from tiles.content.levels import levels
from tiles.content.pipework import Section
from tiles.content.tubes import Run, pieces, placed, profile, swept, tubes
from tiles.tileset import walk
from twin.crs import Frame
from twin.model import FeatureTable, Layer, Park, Terrain
from twin.terrain import height_at

PARK = Park("p", Frame(121.4, 31.2, 15.0))
ROUND, BOX = Section(0.3, 0.3, True, False), Section(1.0, 0.6, False, False)
AREA = {ROUND: shapely.Polygon(profile(ROUND)).area, BOX: 0.6}


def solid(points, across) -> trimesh.Trimesh:
    vertices, faces, _ = swept([Run(0, np.array(points, float), across)])
    return trimesh.Trimesh(vertices, faces, process=False)


@pytest.mark.parametrize("across", [ROUND, BOX])
@pytest.mark.parametrize(
    "points",
    [
        [(0, 0, 0), (10, 0, 0)],
        [(5, 5, -3), (5, 5, 4)],
        [(0, 0, 0), (10, 0, 0), (10, 10, 0), (20, 15, 0)],
        [(0, 0, 0), (10, 2, -1), (18, 9, -2), (20, 20, 3)],
        [(0, 0, 0), (8, 0, 0), (8, 0, -6), (8, 7, -6)],
    ],
)
def test_a_mitred_tube_is_closed_and_has_the_volume_of_its_section_along_its_axis(points, across):
    mesh = solid(points, across)
    length = np.linalg.norm(np.diff(np.array(points, float), axis=0), axis=1).sum()
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(AREA[across] * length, rel=1e-9)  # positive: faces look outward


def test_corners_keep_their_distance_from_the_axis():
    points = np.array([(0, 0, 0), (10, 2, -1), (18, 9, -2), (20, 20, 3)], float)
    rings = solid(points, ROUND).vertices.reshape(len(points), -1, 3)
    for i in range(3):
        way = points[i + 1] - points[i]
        for ring in (rings[i], rings[i + 1]):
            off = np.linalg.norm(np.cross(ring - points[i], way / np.linalg.norm(way)), axis=1)
            assert off == pytest.approx(0.15)


def test_a_level_duct_stays_level():
    ring = solid([(0, 0, 0), (10, 0, 0), (10, 10, 0)], BOX).vertices
    assert sorted(set(ring[:, 2].round(9))) == [-0.3, 0.3]


def test_a_circle_is_true_to_half_a_centimetre():
    for radius in (0.05, 0.15, 0.4):
        corners = profile(Section(2 * radius, 2 * radius, True, False))
        between = (corners + np.roll(corners, 1, axis=0)) / 2
        assert np.linalg.norm(corners, axis=1) == pytest.approx(radius)
        assert radius - np.linalg.norm(between, axis=1).min() <= 0.0051 or len(corners) in (6, 24)


def test_a_line_that_turns_back_is_parted():
    back = np.array([(0, 0, 0), (10, 0, 0), (0, 0.5, 0), (0, 10, 0)], float)
    found = list(pieces(back))
    assert [len(piece) for piece in found] == [2, 3] or [len(piece) for piece in found] == [2, 2, 2]
    assert np.array_equal(found[0][-1], found[1][0])
    doubled = np.repeat(back[:2], 3, axis=0)
    assert [len(piece) for piece in pieces(doubled)] == [2]
    assert list(pieces(np.full((3, 3), np.nan))) == []
    assert list(pieces(np.zeros((4, 3)))) == []


def slope() -> Terrain:
    y, x = np.mgrid[-20:21, -20:21] * 10.0
    return Terrain(-200.0, -200.0, 10.0, (20 + 0.1 * x + 3 * np.sin(y / 30)).astype(np.float32))


def table(rows: dict[str, dict], lines: dict[str, list]) -> FeatureTable:
    names = sorted({name for row in rows.values() for name in row})
    shapes = [PARK.frame.unproject(shapely.LineString(line)) for line in lines.values()]
    return FeatureTable(list(rows), np.array(shapes, object), {name: [row.get(name) for row in rows.values()] for name in names})


def test_a_depth_follows_the_ground():
    lines = {"a": [(-100, -100), (100, 100)], "b": [(-100, 0), (100, 0)]}
    made = tubes(
        Layer("water", "pipe", "water"),
        table({"a": {"depth_m": 1.5, "diameter_mm": 400}, "b": {"depth_m": 2.0, "diameter_mm": 400, "name": "sewer"}}, lines),
        PARK,
        slope(),
    ).bodies
    for k, (reference, depth) in enumerate((("top", 1.5), ("bottom", 2.0))):
        mine = made.vertices[np.unique(made.faces[made.face_feature == k])]
        axis = np.array([ring.mean(axis=0) for ring in mine.reshape(-1, len(profile(Section(0.4, 0.4, True, False))), 3)])
        ground = height_at(slope(), axis[:, :2])
        height = PARK.frame.to_lonlat(axis)[:, 2]
        want = ground - depth + (0.2 if reference == "bottom" else -0.2)
        assert np.abs(height - want).max() < 0.06  # straightened to 2 cm, and slices of a sloping tube are not upright
    assert made.columns["cover_m"][0] == pytest.approx(1.5, abs=0.02)
    assert made.columns["cover_m"][1] == pytest.approx(1.6, abs=0.02)
    assert made.columns["assumed"] == ["", ""]
    assert made.columns["medium"] == ["water", "sewage"]


def test_inverts_make_a_straight_fall():
    rows = {"a": {"invert_start_m": 12.0, "invert_end_m": 10.0, "diameter_mm": 600}}
    made = tubes(Layer("s", "pipe", "sewer"), table(rows, {"a": [(0, 0), (50, 0), (100, 0)]}), PARK, slope()).bodies
    height = PARK.frame.to_lonlat(made.vertices)[:, 2]
    assert height.min() == pytest.approx(10.0, abs=0.02)
    assert height.max() == pytest.approx(12.6, abs=0.02)


def test_a_third_dimension_is_the_axis_and_nought_is_none():
    frame = PARK.frame
    told = shapely.LineString([(*frame.to_lonlat([[x, 0]])[0, :2], h) for x, h in ((0, 11.0), (40, 12.0))])
    flat = shapely.force_3d(shapely.force_2d(told), 0.0)
    features = FeatureTable(["told", "flat"], np.array([told, flat], object), {})
    made = tubes(Layer("p", "pipe", "pipes"), features, PARK, None)
    height = frame.to_lonlat(made.bodies.vertices)[:, 2]
    first = made.bodies.face_feature == 0
    assert height[made.bodies.faces[first]].mean() == pytest.approx(11.5, abs=0.01)
    assert height[made.bodies.faces[~first]].mean() == pytest.approx(15.0 - 1.0 - 0.1, abs=0.01)
    assert made.bodies.columns["assumed"] == ["diameter_m", "diameter_m cover_m"]


def test_what_has_no_line_has_no_tube():
    point = PARK.frame.unproject(shapely.Point(0, 0))
    parts = PARK.frame.unproject(shapely.MultiLineString([[(0, 0), (5, 0)], [(8, 0), (9, 0)], [(3, 3), (3, 3)]]))
    shapes = np.array([point, None, shapely.LineString(), parts], object)
    made = tubes(Layer("p", "pipe", "p"), FeatureTable(["a", "b", "c", "d"], shapes, {}), PARK, None)
    assert made.bodies.columns["id"] == ["d"]
    assert len(made.runs["d"]) == 2
    empty = tubes(Layer("p", "pipe", "p"), FeatureTable([], np.empty(0, object), {}), PARK, None)
    assert len(empty.bodies) == 0


def test_placed_without_terrain_counts_from_the_origin():
    from tiles.content.pipework import Depth

    line = np.column_stack([PARK.frame.to_lonlat([[0.0, 0.0], [10.0, 0.0]])[:, :2], [np.nan, np.nan]])
    axis, cover, told = placed(line, Depth("top", 2.0, 2.0, False), ROUND, PARK, None)
    assert axis[:, 2] == pytest.approx([-2.15, -2.15], abs=1e-4)
    assert (cover, told) == (pytest.approx(2.0), False)


def test_coarser_tubes_keep_every_line_and_fewer_sides():
    random = np.random.default_rng(1)
    lines = {f"p{k}": np.cumsum(random.uniform(-20, 20, (6, 2)), axis=0).tolist() for k in range(300)}
    made = tubes(Layer("p", "pipe", "p"), table({name: {"diameter_mm": 800} for name in lines}, lines), PARK, None)
    (root,) = levels(made.bodies, made.coarse, 20_000)
    assert root.children
    assert root.error_m > 0
    shown = [tile for tile in walk([root]) if tile.content is not None and not tile.children]
    assert sum(len(tile.content.features) for tile in shown) == 300
    coarse = root.content.bodies
    assert set(coarse.columns["id"]) == set(lines)
    assert len(coarse.faces) < 0.4 * len(made.bodies.faces)
