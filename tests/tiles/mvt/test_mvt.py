"""Vector tiles, decoded with mapbox-vector-tile and compared with what shapely cuts out."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape

from tiles.mvt import DEEPEST_ZOOM, MAX_ZOOM, VectorTiles
from twin.model import FeatureTable

EDGE = 64 / 4096  # of a tile


def table(geometry: list, ids: list[str] | None = None, **columns: list) -> FeatureTable:
    array = np.empty(len(geometry), object)
    array[:] = geometry
    return FeatureTable(ids or [f"f{k}" for k in range(len(geometry))], array, columns)


def to_tile(geometry, z: int, x: int, y: int):
    """Geometry in longitude and latitude in units of a tile, y south: textbook web mercator, written out."""

    def project(lonlat):
        lon, lat = np.radians(lonlat.T)
        across = (lon + math.pi) / (2 * math.pi) * 2**z - x
        down = (1 - np.log(np.tan(lat) + 1 / np.cos(lat)) / math.pi) / 2 * 2**z - y
        return np.column_stack([across, down]) * 4096

    return shapely.transform(geometry, project)


def tile_of(lon: float, lat: float, z: int) -> tuple[int, int, int]:
    x, y = shapely.get_coordinates(to_tile(shapely.Point(lon, lat), z, 0, 0))[0] / 4096
    return z, math.floor(x), math.floor(y)


def decode(content: bytes | None, layer: str = "roads") -> list[dict]:
    if content is None:
        return []
    document = mapbox_vector_tile.decode(content, default_options={"y_coord_down": True})
    assert list(document) == [layer]
    assert document[layer]["extent"] == 4096
    assert document[layer]["version"] == 2
    return document[layer]["features"]


def shapes(content: bytes | None) -> dict[str, object]:
    return {feature["properties"]["id"]: shape(feature["geometry"]) for feature in decode(content)}


def ring(centre: tuple[float, float], radii: list[float]) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * math.pi, len(radii), endpoint=False)
    return [(centre[0] + r * math.cos(a), centre[1] + r * math.sin(a)) for r, a in zip(radii, angles, strict=True)]


WINDOW = shapely.box(-64, -64, 4160, 4160)
LON, LAT = 121.4, 31.2


@settings(max_examples=120, deadline=None)
@given(
    st.lists(st.floats(0.2, 1.0), min_size=3, max_size=40),
    st.floats(-0.004, 0.004),
    st.floats(-0.004, 0.004),
    st.floats(1e-4, 0.01),
    st.booleans(),
    st.integers(14, MAX_ZOOM),
)
def test_polygons_are_what_shapely_cuts_out(radii, east, north, size, holed, z):
    """Star-shaped polygons of any size about a tile: the area that differs is no more than rounding the outline makes."""
    outer = ring((LON + east, LAT + north), [size * r for r in radii])
    holes = [ring((LON + east, LAT + north), [size * 0.4 * r for r in radii])] if holed else []
    polygon = shapely.Polygon(outer, holes)
    tile = tile_of(LON, LAT, z)
    want = to_tile(polygon, *tile).intersection(WINDOW)
    got = shapes(VectorTiles("roads", table([polygon])).encode(*tile)).get("f0", shapely.Polygon())
    tolerance = 2.5 * (want.length + 8)  # each point moves by less than a unit and a half, simplification included
    assert got.buffer(0).symmetric_difference(want).area <= tolerance


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=2, max_size=30), st.integers(14, MAX_ZOOM))
def test_lines_are_what_shapely_cuts_out(steps, z):
    line = shapely.LineString([(LON + dx, LAT + dy) for dx, dy in steps])
    tile = tile_of(LON, LAT, z)
    want = to_tile(line, *tile).intersection(WINDOW.buffer(-3))
    got = shapes(VectorTiles("roads", table([line])).encode(*tile)).get("f0", shapely.LineString())
    assert got.difference(to_tile(line, *tile).buffer(2.5)).length < 1e-6
    if got.is_empty:  # nothing to see, or nothing longer than the grid is fine
        assert np.ptp(shapely.get_coordinates(to_tile(line, *tile)), axis=0).max() < 3 or want.length == 0
    else:
        assert want.difference(got.buffer(2.5)).length < 1e-6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-0.01, 0.01), st.floats(-0.01, 0.01)), min_size=1, max_size=30), st.integers(12, MAX_ZOOM))
def test_points_are_where_they_were(offsets, z):
    points = shapely.MultiPoint([(LON + dx, LAT + dy) for dx, dy in offsets])
    tile = tile_of(LON, LAT, z)
    want = [xy for xy in shapely.get_coordinates(to_tile(points, *tile)) if shapely.contains_xy(WINDOW.buffer(-1), *xy)]
    found = shapes(VectorTiles("roads", table([points])).encode(*tile))
    got = shapely.get_coordinates(found["f0"]) if found else np.empty((0, 2))
    assert all(np.abs(got - xy).max(axis=1).min() <= 0.51 for xy in want)


def test_rings_turn_as_the_specification_says():
    """Positive area (y south) for outer rings, negative for holes, whatever the source had; rings are closed."""
    hole = [(LON + 0.001, LAT + 0.001), (LON + 0.002, LAT + 0.001), (LON + 0.002, LAT + 0.002)]
    square = [(LON, LAT), (LON + 0.004, LAT), (LON + 0.004, LAT + 0.004), (LON, LAT + 0.004)]
    for outer, inner in ((square, hole), (square[::-1], hole), (square, hole[::-1])):
        tiles = VectorTiles("roads", table([shapely.Polygon(outer, [inner])]))
        for feature in decode(tiles.encode(*tile_of(LON + 0.001, LAT + 0.001, 14))):
            rings = [np.array(r) for r in feature["geometry"]["coordinates"]]
            assert all((r[0] == r[-1]).all() for r in rings)
            areas = [np.sum(r[:-1, 0] * r[1:, 1] - r[1:, 0] * r[:-1, 1]) for r in rings]
            assert [math.copysign(1, area) for area in areas] == [1, -1]


def test_all_kinds_of_geometry():
    square = shapely.box(LON, LAT, LON + 0.001, LAT + 0.001)
    line = shapely.LineString([(LON, LAT), (LON + 0.001, LAT + 0.001)])
    point = shapely.Point(LON, LAT)
    given_shapes = {
        "point": point,
        "points": shapely.MultiPoint([(LON, LAT), (LON + 0.001, LAT)]),
        "line": line,
        "lines": shapely.MultiLineString([line, shapely.LineString([(LON + 0.001, LAT), (LON, LAT + 0.001)])]),
        "ring": shapely.LinearRing([(LON, LAT), (LON + 0.001, LAT), (LON, LAT + 0.001)]),
        "polygon": square,
        "polygons": shapely.MultiPolygon([square, shapely.box(LON + 0.002, LAT, LON + 0.003, LAT + 0.001)]),
        "heights": shapely.force_3d(square, 7.0),
        "bow tie": shapely.Polygon([(LON, LAT), (LON + 0.001, LAT + 0.001), (LON + 0.001, LAT), (LON, LAT + 0.001)]),
    }
    nothing = {"missing": None, "empty": shapely.Polygon(), "not finite": shapely.Point(math.inf, 0)}
    everything = given_shapes | nothing | {"mixed": shapely.GeometryCollection([point, shapely.GeometryCollection([line, square])])}
    tiles = VectorTiles("roads", table(list(everything.values()), list(everything)))
    features = decode(tiles.encode(*tile_of(LON + 1e-5, LAT + 1e-5, 15)))
    kinds: dict[str, list[str]] = {}
    for feature in features:
        kinds.setdefault(feature["properties"]["id"], []).append(feature["geometry"]["type"])
        assert shape(feature["geometry"]).is_valid
    assert kinds.pop("mixed") == ["Point", "LineString", "Polygon"]
    assert {identity: kind for identity, (kind,) in kinds.items()} == {
        "point": "Point",
        "points": "MultiPoint",
        "line": "LineString",
        "lines": "MultiLineString",
        "ring": "LineString",
        "polygon": "Polygon",
        "polygons": "MultiPolygon",
        "heights": "Polygon",
        "bow tie": "MultiPolygon",
    }


def test_every_feature_is_in_the_tiles_that_cover_it_at_the_last_zoom():
    """Also what is smaller than a unit of the grid, and what lies exactly on a tile's edge or corner."""
    random = np.random.default_rng(0)
    z, x, y = tile_of(LON, LAT, MAX_ZOOM)
    lon_step = 360 / 2**z
    west = x * lon_step - 180
    north = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / 2**z))))
    places = np.column_stack([random.uniform(west, west + 4 * lon_step, 600), random.uniform(north - 0.004, north, 600)])
    places[:3] = [[west, north], [west + lon_step, north], [west + 2 * lon_step, north - 1e-3]]
    geometry = [
        shapely.Point(p) if k % 4 == 0
        else shapely.box(*p, *(p + 1e-9)) if k % 4 == 1
        else shapely.LineString([p, p + 1e-9]) if k % 4 == 2
        else shapely.box(*p, *(p + 1e-4))
        for k, p in enumerate(places)
    ]  # fmt: skip
    tiles = VectorTiles("roads", table(geometry))
    seen: dict[tuple[int, int], set[str]] = {}
    for k, feature in enumerate(geometry):
        units = to_tile(feature, z, 0, 0)
        low_x, low_y, high_x, high_y = np.array(units.bounds) / 4096
        for column in range(math.floor(low_x), math.floor(high_x) + 1):
            for row in range(math.floor(low_y), math.floor(high_y) + 1):
                if (column, row) not in seen:
                    seen[column, row] = {f["properties"]["id"] for f in decode(tiles.encode(z, column, row))}
                assert f"f{k}" in seen[column, row]
    assert len(seen) > 10


def test_a_point_on_an_edge_is_in_both_tiles():
    tiles = VectorTiles("roads", table([shapely.Point(0.0, 0.0)]))
    half = 2 ** (MAX_ZOOM - 1)
    for x, y in ((half, half), (half - 1, half), (half, half - 1), (half - 1, half - 1)):
        assert list(shapes(tiles.encode(MAX_ZOOM, x, y))) == ["f0"]


def test_what_stands_alone_is_seen_at_every_zoom():
    """A house, a fence and a sliver are dots at low zooms; of a crowd of houses there is one dot a place, the largest."""
    random = np.random.default_rng(0)
    houses = [shapely.box(LON + dx, LAT + dy, LON + dx + 1e-4, LAT + dy + 1e-4) for dx, dy in random.uniform(0, 0.01, (500, 2))]
    houses[77] = shapely.box(LON + 0.005, LAT + 0.005, LON + 0.0052, LAT + 0.0052)
    fence, sliver = shapely.LineString([(0, 0), (1e-5, 1e-5)]), shapely.Polygon([(5, 5), (5.001, 5.001), (5.00100001, 5.001)])
    tiles = VectorTiles("roads", table([*houses, fence, sliver]))
    for z in range(MAX_ZOOM + 3):
        assert set(shapes(tiles.encode(*tile_of(1e-5, 1e-5, z)))) >= {"f500"}
        assert set(shapes(tiles.encode(*tile_of(5.0005, 5.0005, z)))) >= {"f501"}
        seen = shapes(tiles.encode(*tile_of(LON + 0.0051, LAT + 0.0051, z)))
        assert "f77" in seen
        if z < 6:
            assert len(seen) < 5
    assert [zoom.shown for zoom in tiles.thinned] == sorted(zoom.shown for zoom in tiles.thinned)
    assert tiles.tilejson("", "")["generalized"][0] == {"zoom": 0, "shown": 3, "of": 502}


def test_simplification_keeps_within_a_unit_and_sheds_points():
    angles = np.linspace(0, 2 * math.pi, 5000)
    circle = shapely.Polygon(np.column_stack([LON + 0.01 * np.cos(angles), LAT + 0.01 * np.sin(angles)]))
    tiles = VectorTiles("roads", table([circle]))
    z, x, y = tile_of(LON, LAT, 11)
    got = shapes(tiles.encode(z, x, y))["f0"]
    assert shapely.get_num_coordinates(got) < 200
    inside = shapely.box(0, 0, 4096, 4096)
    want = to_tile(circle, z, x, y).boundary.intersection(inside)
    assert got.boundary.intersection(inside).hausdorff_distance(want) < 2.0


def test_neighbours_meet_at_their_common_edge():
    """Both tiles hold the same outline in the strip they share, but for rounding where it is cut: it was simplified before."""
    angles = np.linspace(0, 2 * math.pi, 3000)
    blob = shapely.Polygon(np.column_stack([0.01 * np.cos(angles) * (1 + 0.1 * np.sin(9 * angles)), 0.01 * np.sin(angles) + 1.0]))
    tiles = VectorTiles("roads", table([blob]))
    z, x, y = tile_of(1e-9, 1.005, 14)
    right, left = shapes(tiles.encode(z, x, y))["f0"], shapes(tiles.encode(z, x - 1, y))["f0"]
    strip = shapely.box(-60, 0, 60, 4096)
    moved = shapely.transform(left, lambda xy: xy - [4096, 0])
    outline_in_strip = 2 * 120
    assert right.intersection(strip).symmetric_difference(moved.intersection(strip)).area < 0.5 * outline_in_strip


def test_values_of_every_kind():
    columns = {
        "name": ["道路 A", None],
        "lanes": [4, -3],
        "width_m": [3.25, 0.1],
        "lit": [True, False],
        "big": [2**53 + 1, 2**52],
        "gap": [math.nan, math.inf],
        "tags": [{"a": [1, 2]}, None],
        "opened": [datetime.date(2024, 5, 1), None],
        "price": [Decimal("1.50"), None],
        "raw": [b"\0", None],
        "array": [np.int64(7), np.float32(0.5)],
        "id": ["not this", "nor this"],
        "empty": ["", None],
    }
    points = [shapely.Point(LON, LAT), shapely.Point(LON + 1e-4, LAT)]
    tiles = VectorTiles("roads", table(points, ["one", "two"], **columns))
    first, second = (f["properties"] for f in decode(tiles.encode(*tile_of(LON, LAT, 14))))
    assert first == {
        "id": "one", "name": "道路 A", "lanes": 4, "width_m": 3.25, "lit": True, "big": str(2**53 + 1), "tags": '{"a": [1, 2]}',
        "opened": "2024-05-01", "price": "1.50", "array": 7,
    }  # fmt: skip
    assert second == {"id": "two", "lanes": -3, "width_m": 0.1, "lit": False, "big": 2**52, "gap": "inf", "array": 0.5}
    assert type(first["lit"]) is bool
    assert tiles.fields["lit"] == "Boolean"
    assert tiles.fields["lanes"] == tiles.fields["array"] == "Number"
    assert tiles.fields["name"] == "String"
    assert "empty" not in tiles.fields


def test_crowded_points_are_thinned_above_the_last_zoom_only():
    random = np.random.default_rng(1)
    points = [shapely.Point(LON + dx, LAT + dy) for dx, dy in random.uniform(0, 1e-4, (30_000, 2))]
    tiles = VectorTiles("roads", table(points))
    assert len(decode(tiles.encode(*tile_of(LON + 5e-5, LAT + 5e-5, 10)))) < 500
    z, x, y = tile_of(LON + 5e-5, LAT + 5e-5, MAX_ZOOM)
    there = {i for dx in (-1, 0, 1) for dy in (-1, 0, 1) for i in shapes(tiles.encode(z, x + dx, y + dy))}
    assert len(there) == 30_000


def test_there_is_no_tile_outside_the_layer_or_the_world():
    tiles = VectorTiles("roads", table([shapely.Point(LON, LAT)]))
    z, x, y = tile_of(LON, LAT, 14)
    assert tiles.encode(z, x, y) is not None
    outside = [(z, x + 2, y), (z, -1, y), (z, x, 2**z), (-1, 0, 0), (DEEPEST_ZOOM + 1, 0, 0)]
    assert [tiles.encode(*tile) for tile in outside] == [None] * 5
    assert VectorTiles("roads", table([])).encode(0, 0, 0) is None


def test_poles_come_to_the_edge_of_the_square():
    tiles = VectorTiles("roads", table([shapely.Point(0, 90), shapely.box(-180, -90, 180, 90)]))
    assert set(shapes(tiles.encode(0, 0, 0))) == {"f0", "f1"}


def test_tilejson_says_what_is_there():
    polygon = shapely.box(121.1, 31.0, 121.3, 31.4)
    document = VectorTiles("道路", table([polygon], name=["x"], lit=[True])).tilejson("http://h/tiles/r/{z}/{x}/{y}.mvt", "道路 Roads")
    assert document["tilejson"] == "3.0.0"
    assert document["bounds"] == pytest.approx([121.1, 31.0, 121.3, 31.4])
    assert (document["minzoom"], document["maxzoom"]) == (0, MAX_ZOOM)
    assert document["vector_layers"][0]["id"] == "道路"
    assert document["vector_layers"][0]["fields"] == {"id": "String", "name": "String", "lit": "Boolean"}
