"""Clouds as tiles: all points, once, within a millimetre, in their colours and classes, inside their boxes."""

from __future__ import annotations

import numpy as np

from tiles.content.points import cloud_tiles
from tiles.tileset import middle, walk
from twin.points import POINT, STEP_M, PointFile


def cloud(n: int, width: float, color="rgb") -> PointFile:
    random = np.random.default_rng(2)
    points = np.zeros(n, POINT)
    xyz = random.uniform(-1, 1, (n, 3)) * [width / 2, width / 3, 8]
    points["xyz"] = np.rint(xyz / STEP_M)
    points["color"] = random.integers(0, 256, (n, 3))
    points["class"] = random.integers(0, 20, n)
    return PointFile(points, np.array([1000.0, -2000.0, 30.0]), STEP_M, color)


def test_every_point_comes_back_within_a_millimetre(decode_plain):
    for width in (60.0, 3000.0):  # by 16 bits, and by floats where these are too coarse
        file = cloud(180_000, width)
        root = cloud_tiles(file)
        found, colors, classes = [], [], []
        for tile in walk([root]):
            assert tile.refine == "ADD"
            content = decode_plain(tile.content.encode(middle(tile)))
            xyz = content["POSITION"] + middle(tile)
            assert np.all((xyz >= tile.low - 1e-3) & (xyz <= tile.high + 1e-3))
            found.append(xyz)
            colors.append(content["COLOR_0"])
            classes.append(content["_CLASSIFICATION"])
        xyz = np.concatenate(found)
        assert len(xyz) == len(file.points)
        source = file.xyz(slice(None))
        # the random colours and classes tell the points apart
        key = np.column_stack([np.concatenate(colors), np.concatenate(classes)]).astype(int)
        want = np.column_stack([file.points["color"], file.points["class"]]).astype(int)
        mine, theirs = (np.lexsort((where[:, 0].round(1), *names.T)) for where, names in ((xyz, key), (source, want)))
        assert np.array_equal(key[mine], want[theirs])
        single = np.flatnonzero(np.r_[True, np.any(np.diff(want[theirs], axis=0), axis=1)])
        single = single[np.diff(np.r_[single, len(want)]) == 1]
        assert len(single) > 100_000
        assert np.linalg.norm(xyz[mine][single] - source[theirs][single], axis=1).max() < 1e-3


def test_errors_fall_with_the_levels_and_boxes_hold_what_is_below():
    root = cloud_tiles(cloud(300_000, 500.0))
    for tile in walk([root]):
        assert bool(tile.children) == (tile.error_m > 0)
        for child in tile.children:
            assert child.error_m < tile.error_m
            assert np.all(child.low >= tile.low)
            assert np.all(child.high <= tile.high)


def test_what_a_cloud_does_not_say_is_not_written(decode_plain):
    file = cloud(100, 10.0, "none")
    file.points["class"] = 0
    root = cloud_tiles(file)
    assert set(decode_plain(root.content.encode(middle(root)))) == {"POSITION"}
    assert cloud_tiles(PointFile(file.points[:0], file.origin, STEP_M, "none")) is None


def test_a_digest_is_that_of_the_points():
    one, same, other = (cloud_tiles(cloud(500, width)) for width in (10.0, 10.0, 11.0))
    assert one.content.digest() == same.content.digest() != other.content.digest()
    assert one.content.encode(middle(one)) == same.content.encode(middle(same))
