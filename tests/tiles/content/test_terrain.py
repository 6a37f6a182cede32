"""The ground as tiles: heights right to a centimetre, holes where nothing is known, no gaps, errors that are measured."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from scipy.interpolate import LinearNDInterpolator

from tiles.content.rtin import misses, split, surface
from tiles.content.terrain import CELLS, terrain_tiles
from tiles.tileset import Tile, middle, walk
from twin.crs import Frame
from twin.model import Park, Terrain
from twin.terrain import height_at, merged

PARK = Park("p", Frame(121.4, 31.2, 15.0))


def hilly(count: int = 301, step: float = 3.0, x0: float = -450.0, hole: bool = True) -> Terrain:
    y, x = np.mgrid[0:count, 0:count] * step + x0
    z = 20 + 12 * np.sin(x / 70) * np.cos(y / 90) + 0.5 * np.sin(x / 11)
    if hole:
        z[np.hypot(x - 100, y + 50) < 60] = np.nan
    return Terrain(x0, x0, step, z.astype(np.float32))


def finest(root: Tile) -> list[Tile]:
    return [tile for tile in walk([root]) if not tile.children]


def decoded(tiles, decode_plain) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Corners (n, 3) in longitude, latitude and height of the park, ENU (n, 3), triangles of the surface (f, 3): rims left out."""
    out = []
    for tile in tiles:
        content = decode_plain(tile.content.encode(middle(tile)))
        enu = content["POSITION"] + middle(tile)
        faces = content["triangles"].astype(int)
        a, b, c = (enu[faces[:, k]] for k in range(3))
        area = np.cross(b - a, c - a)[:, 2]
        out.append((PARK.frame.to_lonlat(enu), enu, faces[area > 1e-3]))
    return out


def test_heights_are_right_to_the_centimetre(decode_plain):
    terrain = hilly()
    root = terrain_tiles(terrain, PARK)
    pieces = decoded(finest(root), decode_plain)
    nodes = np.random.default_rng(0).integers(0, 301, (4000, 2)) * 3.0 - 450.0
    want = height_at(terrain, nodes)
    got = np.full(len(nodes), np.nan)
    for lonlat, enu, faces in pieces:
        used = np.unique(faces)
        inside = np.all((nodes >= enu[used, :2].min(axis=0) - 1e-6) & (nodes <= enu[used, :2].max(axis=0) + 1e-6), axis=1)
        if inside.any():
            got[inside] = np.fmax(got[inside], sampled(lonlat, enu, faces, nodes[inside]))
    known = np.isfinite(want)
    assert 0.9 < known.mean() < 1
    near_hole = np.hypot(nodes[:, 0] - 100, nodes[:, 1] + 50) < 68
    assert np.isfinite(got[known & ~near_hole]).all()
    assert np.abs(got - want)[known & np.isfinite(got)].max() < 0.01
    assert np.isnan(got[np.hypot(nodes[:, 0] - 100, nodes[:, 1] + 50) < 55]).all()


def sampled(lonlat: np.ndarray, enu: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Heights of the triangles at points, by brute force over triangles."""
    out = np.full(len(points), np.nan)
    for face in faces:
        a, b, c = enu[face, :2]
        near = np.flatnonzero(
            np.all((points >= np.minimum(np.minimum(a, b), c) - 1e-3) & (points <= np.maximum(np.maximum(a, b), c) + 1e-3), axis=1)
        )
        if not len(near):
            continue
        u, v = np.linalg.solve(np.column_stack([b - a, c - a]), (points[near] - a).T)
        inside = (u > -1e-3) & (v > -1e-3) & (u + v < 1 + 1e-3)
        h = lonlat[face, 2]
        out[near[inside]] = (h[0] + u * (h[1] - h[0]) + v * (h[2] - h[0]))[inside]
    return out


def test_holes_are_holes_and_not_cliffs(decode_plain):
    for _, enu, faces in decoded(finest(terrain_tiles(hilly(), PARK)), decode_plain):
        centre = enu[faces].mean(axis=1)
        assert (np.hypot(centre[:, 0] - 100, centre[:, 1] + 50) > 57).all()
        assert np.ptp(enu[faces][:, :, 2], axis=1).max() < 4


def test_a_plain_is_one_tile_of_two_triangles():
    _y, x = np.mgrid[0:400, 0:400]
    root = terrain_tiles(Terrain(-200.0, -200.0, 1.0, np.full(x.shape, 7.0, np.float32)), PARK)
    assert len(list(walk([root]))) < 40
    square = terrain_tiles(Terrain(0.0, 0.0, 1.0, np.full((CELLS + 1, CELLS + 1), 7.0, np.float32)), PARK)
    assert not square.children
    assert len(square.content.patch.triangles) == 2
    wide = terrain_tiles(Terrain(0.0, 0.0, 1.0, np.full((2 * CELLS + 1, 2 * CELLS + 1), 7.0, np.float32)), PARK)
    assert not wide.children  # what is below would say the same


def test_errors_are_measured():
    """A coarse tile is off by no more than it says, and errors never grow downwards."""
    terrain = hilly(hole=False)
    root = terrain_tiles(terrain, PARK)
    for tile in walk([root]):
        patch = tile.content.patch
        assert all(child.error_m <= tile.error_m for child in tile.children)
        at = LinearNDInterpolator(
            patch.corner + patch.step_m * np.unique(patch.triangles.reshape(-1, 2), axis=0),
            patch.heights[tuple(np.unique(patch.triangles.reshape(-1, 2), axis=0).T[::-1])],
        )
        if tile.children:
            assert patch.off_m > 0.005
            points = np.random.default_rng(1).uniform(patch.corner, patch.corner + CELLS * patch.step_m, (300, 2))
            shown = surface(patch.heights, patch.triangles, 1)
            nodes = np.random.default_rng(2).integers(0, CELLS + 1, (300, 2))
            truth = height_at(terrain, patch.corner + patch.step_m * nodes)
            off = np.abs(shown[nodes[:, 1], nodes[:, 0]] - truth)
            assert np.nanmax(off) <= patch.off_m + 1e-4
            assert np.isfinite(at(points)).any()


def test_finer_heights_lie_over_coarser_ones(decode_plain):
    coarse = hilly(201, 10.0, -1000.0, hole=False)
    fine = Terrain(-50.0, -50.0, 0.5, np.full((201, 201), 99.0, np.float32))
    ground = merged([coarse, fine])
    root = terrain_tiles(ground, PARK)
    steps = {tile.content.patch.step_m for tile in finest(root) if tile.content is not None}
    assert 0.5 in steps
    assert max(steps) > 2
    heights = np.concatenate([lonlat[np.unique(faces)] for lonlat, enu, faces in decoded(finest(root), decode_plain)])
    enu = PARK.frame.to_enu(heights)
    inside = np.all(np.abs(enu[:, :2]) < 49, axis=1)
    assert heights[inside, 2] == pytest.approx(99.0, abs=0.01)


def test_faces_look_up_and_rims_hang_down(decode_plain):
    root = terrain_tiles(hilly(hole=False), PARK)
    tile = finest(root)[0]
    content = decode_plain(tile.content.encode(middle(tile)))
    mesh = trimesh.Trimesh(content["POSITION"], content["triangles"].astype(int), process=False)
    normals = mesh.face_normals
    assert (normals[:, 2] > -1e-6).all()
    rims = np.abs(normals[:, 2]) < 1e-3
    assert rims.any()
    outward = mesh.triangles_center[rims] - [*mesh.bounds.mean(axis=0)[:2], 0]
    assert (np.sum(outward[:, :2] * normals[rims][:, :2], axis=1) > 0).all()
    assert content["NORMAL"][:, 2].min() > 0


def test_nothing_known_is_no_tile():
    assert terrain_tiles(Terrain(0.0, 0.0, 1.0, np.full((50, 50), np.nan, np.float32)), PARK) is None


def test_triangles_are_true_to_their_tolerance_and_leave_no_gap():
    random = np.random.default_rng(4)
    heights = np.cumsum(np.cumsum(random.normal(0, 0.02, (65, 65)), axis=0), axis=1)
    missed = misses(heights)
    for tolerance in (0.0, 0.05, 0.5):
        triangles = split(heights, missed, tolerance)
        flat = triangles.astype(float)
        a, b, c = flat[:, 0], flat[:, 1], flat[:, 2]
        area = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
        assert area.min() > 0
        assert area.sum() == 64 * 64
        edges = np.sort(
            np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]).reshape(-1, 2, 2) @ [1, 65], axis=1
        )
        _, times = np.unique(edges, axis=0, return_counts=True)
        assert set(times) <= {1, 2}
        shown = surface(heights, triangles, 1)
        assert np.isfinite(shown).all()
        if tolerance == 0:
            assert shown == pytest.approx(heights)
    assert len(split(heights, missed, 0.5)) < 0.5 * len(split(heights, missed, 0.0))
