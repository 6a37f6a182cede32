"""Any geometry and any attribute, by two decoders that share nothing with the encoder or each other: mapbox-vector-tile and GDAL."""

from __future__ import annotations

import datetime
import io
import json
import math
from pathlib import Path
from typing import Any

import mapbox_vector_tile
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt.archive import all_tiles
from tiles.mvt.pmtiles import write_archive
from twin.model import FeatureTable

LON, LAT = 8.0, 47.0
LOW, HIGH = -64, 4160
COMMAND = {1: 1, 2: 1, 7: 0}  # pairs of parameters a repetition


def table(geometry: list[Any], **columns: list[Any]) -> FeatureTable:
    array = np.empty(len(geometry), object)
    array[:] = geometry
    return FeatureTable([f"f{k}" for k in range(len(geometry))], array, columns)


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    down = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
    last = 2**z - 1
    return z, min(last, max(0, math.floor((lon / 360 + 0.5) * 2**z))), min(last, max(0, math.floor(down * 2**z)))


# coordinates: near each other (a metre), in the town, around the world, at the antimeridian and the poles; often the same twice
near = st.tuples(st.integers(-9, 9).map(lambda k: LON + k * 1e-6), st.integers(-9, 9).map(lambda k: LAT + k * 1e-6))
town = st.tuples(st.floats(LON - 0.02, LON + 0.02), st.floats(LAT - 0.02, LAT + 0.02))
world = st.tuples(
    st.sampled_from([-190.0, -180.0, -179.9, 0.0, LON, 179.9, 180.0, 181.0]), st.sampled_from([-90.0, -85.06, 0.0, LAT, 89.0])
)
place = st.one_of(near, town, town, world)
line = st.lists(place, min_size=2, max_size=12).map(shapely.LineString)
polygon = st.lists(st.one_of(near, town), min_size=3, max_size=12).map(shapely.Polygon)  # mostly not valid
holed = st.tuples(st.floats(1e-6, 0.01), st.floats(0.1, 0.9)).map(
    lambda of: shapely.Point(LON, LAT).buffer(of[0], 6).difference(shapely.Point(LON, LAT).buffer(of[0] * of[1], 5))
)
simple = st.one_of(place.map(shapely.Point), line, polygon, holed, st.lists(place, max_size=5).map(shapely.MultiPoint))
many = st.one_of(
    simple,
    st.lists(line, max_size=3).map(shapely.MultiLineString),
    st.lists(polygon, max_size=3).map(shapely.MultiPolygon),
    st.lists(simple, max_size=3).map(shapely.GeometryCollection),
    st.lists(st.lists(simple, max_size=2).map(shapely.GeometryCollection), max_size=2).map(shapely.GeometryCollection),
    st.none(),
    st.sampled_from([shapely.Polygon(), shapely.Point(math.nan, 1), shapely.Point(math.inf, 1), shapely.box(-180, -90, 180, 90)]),
)


def raw(content: bytes) -> list[tuple[int, int, list[tuple[int, np.ndarray, bool]]]]:
    """Number, type and rings of each feature, read command by command as the specification says (4.3), points and whether it is closed."""
    tile = vector_tile_pb2.tile()
    tile.ParseFromString(content)
    found = []
    for feature in tile.layers[0].features:
        rings, x, y, at = [], 0, 0, 0
        numbers = list(feature.geometry)
        while at < len(numbers):
            command, count = numbers[at] & 7, numbers[at] >> 3
            at += 1
            assert count > 0
            if command == 7:
                assert count == 1
                rings[-1] = (rings[-1][0], rings[-1][1], True)
            for k in range(count * COMMAND[command]):
                dx, dy = ((number >> 1) ^ -(number & 1) for number in numbers[at : at + 2])
                at += 2
                x, y = x + dx, y + dy
                if command == 1 and (k == 0 or feature.type != 1):
                    rings.append((command, [], False))
                assert feature.type == 1 or command == 1 or (dx, dy) != (0, 0)  # no line is of no length (4.3.3.2)
                rings[-1][1].append((x, y))
        found.append((feature.id, feature.type, [(c, np.array(p), closed) for c, p, closed in rings]))
    return found


def area(ring: np.ndarray) -> float:
    turned = np.roll(ring, -1, axis=0)
    return float((ring[:, 0] * turned[:, 1] - turned[:, 0] * ring[:, 1]).sum()) / 2


def check_spec(content: bytes) -> set[int]:
    """Every feature is as 4.3.4 demands; their numbers."""
    for _, kind, rings in raw(content):
        assert rings
        points = np.concatenate([ring for _, ring, _ in rings])
        assert (points >= LOW - 1).all()
        assert (points <= HIGH + 1).all()
        if kind == 1:
            assert len(rings) == 1
        elif kind == 2:
            assert all(len(ring) >= 2 and not closed for _, ring, closed in rings)
        else:
            assert all(len(ring) >= 3 and closed for _, ring, closed in rings)
            areas = [area(ring) for _, ring, _ in rings]
            assert areas[0] > 0
            assert all(areas)
    return {number for number, _, _ in raw(content)}


@settings(max_examples=250, deadline=None)
@given(st.lists(many, min_size=1, max_size=6), st.integers(0, MAX_ZOOM + 2), st.one_of(near, town, world))
def test_whatever_comes_is_as_the_specification_says(geometry: list[Any], z: int, centre: tuple[float, float]) -> None:
    tiles = VectorTiles("any", table(geometry))
    content = tiles.encode(*tile_of(*centre, z))
    if content is not None:
        numbers = check_spec(content)
        decoded = mapbox_vector_tile.decode(content)["any"]["features"]
        assert {feature["id"] for feature in decoded} == numbers
        assert {feature["properties"]["id"] for feature in decoded} == {f"f{number}" for number in numbers}
        assert [feature["id"] for feature in decoded] == sorted(feature["id"] for feature in decoded)  # the table's order
    assert content == VectorTiles("any", table(geometry)).encode(*tile_of(*centre, z))


@settings(max_examples=100, deadline=None)
@given(many, st.integers(0, MAX_ZOOM))
def test_what_is_alone_is_seen_where_it_is(geometry: Any, z: int) -> None:
    """A feature that is the only one shows in the tile of any of its points, at every zoom, unless that point is one simplified away."""
    assume(geometry is not None and not geometry.is_empty and np.isfinite(shapely.bounds(geometry)).all())
    tiles = VectorTiles("any", table([geometry]))
    lon, lat = shapely.get_coordinates(geometry)[0].tolist()
    seen = set[int]()
    _, x, y = tile_of((lon + 180) % 360 - 180, lat, z)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            content = tiles.encode(z, (x + dx) % 2**z, y + dy)
            seen |= check_spec(content) if content else set()
    assert seen == {0}


def test_both_edges_of_the_world_show_what_lies_across() -> None:
    across = shapely.box(179.9, -1, 180.1, 1)
    tiles = VectorTiles("any", table([across]))
    assert check_spec(tiles.encode(6, 63, 31)) == check_spec(tiles.encode(6, 0, 31)) == {0}
    assert tiles.bounds == pytest.approx((-180, -1, 180, 1))


@settings(max_examples=60, deadline=None)
@given(st.floats(-0.003, 0.003), st.floats(1e-4, 0.02), st.integers(3, 40), st.integers(11, MAX_ZOOM))
def test_neighbours_agree_in_the_strip_they_share(shift: float, size: float, corners: int, z: int) -> None:
    """Outline by outline: what both tiles hold of a polygon and a line differs by the rounding of cut ends alone."""
    angles = np.sort(np.random.default_rng(corners).uniform(0, 2 * math.pi, corners))
    spread = np.column_stack([np.cos(angles), np.sin(angles)]) * size * np.linspace(0.4, 1, corners)[:, None]
    z, x, y = tile_of(LON, LAT, z)
    edge = x / 2**z * 360 - 180
    points = spread + np.array([edge + shift, LAT])
    tiles = VectorTiles("any", table([shapely.Polygon(points), shapely.LineString(points)]))
    pair = [tiles.encode(z, x, y), tiles.encode(z, x - 1, y)]
    strip = shapely.box(-60, 0, 60, 4096)
    for kind in (0, 1):
        left, right = (seen(content, kind, move).intersection(strip) for content, move in zip(pair, (0, -4096), strict=True))
        clear = strip.buffer(-4)
        assert left.intersection(clear).difference(right.buffer(1.6)).length < 2
        assert right.intersection(clear).difference(left.buffer(1.6)).length < 2


def seen(content: bytes | None, number: int, move: int) -> Any:
    """The outline of a feature in a tile, moved into another's units."""
    rings = [ring + np.array([move, 0]) for n, _, found in (raw(content) if content else []) if n == number for _, ring, _ in found]
    lines = [shapely.LineString(np.vstack([ring, ring[:1]]) if number == 0 else ring) for ring in rings]
    return shapely.union_all(lines) if lines else shapely.LineString()


ATTRIBUTES: dict[str, list[Any]] = {
    "名称": ["东门 Gate", None, "岗亭", "x" * 1024],
    "flag": [True, False, None, True],
    "count": [-(2**40), 2**40, 0, None],
    "big": [2**62, -(2**62), 1, 2**53],
    "real": [math.nan, -0.5, 1e300, 1e-300],
    "day": [datetime.date(2026, 5, 1), datetime.datetime(2026, 5, 1, 8, 30), None, None],
    "list": [[1, "二"], [], None, {"a": None}],
    "numpy": [np.int32(-7), np.float32(0.1), np.bool_(True), np.str_("s")],
    "none": [None] * 4,
    "infinite": [math.inf, -math.inf, None, 0.0],
}


def test_gdal_reads_the_same_attributes(tmp_path: Path) -> None:
    points = [shapely.Point(LON + k * 1e-4, LAT) for k in range(4)]
    tiles = VectorTiles("点位", table(points, **ATTRIBUTES), 12)
    out = io.BytesIO()
    about = {"name": "n", "vector_layers": [{"id": "点位", "fields": tiles.fields, "minzoom": 0, "maxzoom": 12}]}
    write_archive(out, all_tiles([tiles], 12, {}), (LON, LAT, LON + 1e-3, LAT), about)
    (tmp_path / "a.pmtiles").write_bytes(out.getvalue())
    read = pyogrio.read_dataframe(tmp_path / "a.pmtiles", layer="点位").set_index("id")
    there = read.notna()
    assert read["名称"].dropna().tolist() == ["东门 Gate", "岗亭", "x" * 1024]
    assert there["名称"].tolist() == [True, False, True, True]
    assert [bool(value) for value in read["flag"].dropna()] == [True, False, True]
    assert there["flag"].tolist() == [True, True, False, True]
    assert read["count"].dropna().tolist() == [-(2**40), 2**40, 0]
    assert read["real"].dropna().tolist() == [-0.5, 1e300, 1e-300]
    assert there["real"].tolist() == [False, True, True, True]
    assert read["day"].tolist()[:2] == ["2026-05-01", "2026-05-01 08:30:00"]
    assert [json.loads(text) for text in read["list"].dropna()] == [[1, "二"], [], {"a": None}]
    assert read["infinite"].dropna().tolist() == ["inf", "-inf", "0.0"] or read["infinite"].dropna().tolist() == ["inf", "-inf", "0"]
    assert "none" not in read.columns
    assert read.index.tolist() == ["f0", "f1", "f2", "f3"]
    assert read["mvt_id"].tolist() == [0, 1, 2, 3]
    metres = read.geometry.to_crs(4326)
    assert np.abs(metres.x.to_numpy() - [point.x for point in points]).max() < 360 / 2**12 / 4096


def test_mapbox_vector_tile_reads_the_same_attributes() -> None:
    points = [shapely.Point(LON + k * 1e-4, LAT) for k in range(4)]
    tiles = VectorTiles("any", table(points, **ATTRIBUTES))
    rows = [feature["properties"] for feature in mapbox_vector_tile.decode(tiles.encode(*tile_of(LON, LAT, 12)))["any"]["features"]]
    assert [row.get("名称") for row in rows] == ATTRIBUTES["名称"]
    assert [row.get("flag") for row in rows] == ATTRIBUTES["flag"]
    assert [row.get("count") for row in rows] == ATTRIBUTES["count"]
    assert [row["big"] for row in rows] == [str(2**62), str(-(2**62)), 1, 2**53]
    assert [row.get("real") for row in rows] == [None, -0.5, 1e300, 1e-300]
    assert [row["numpy"] for row in rows] == [-7, pytest.approx(0.1), True, "s"]
    assert [row.get("infinite") for row in rows] == ["inf", "-inf", None, 0.0]
