"""What low zooms leave out: rules checked by brute force, and tiles of big layers that stay small."""

from __future__ import annotations

import mapbox_vector_tile
import numpy as np
import pytest
import shapely

from tiles.mvt import MAX_ZOOM, VectorTiles
from tiles.mvt.zooms import FULL_ZOOM, MAX_BYTES
from twin.model import FeatureTable

SPAN = 0.15  # deg, some 17 km: a city
WEST, SOUTH = 0.001, 0.001


@pytest.fixture(scope="module", params=["points", "houses", "lines"])
def crowd(request: pytest.FixtureRequest) -> tuple[VectorTiles, np.ndarray]:
    """120,000 things in a few tiles of zoom 12, and where they are."""
    random = np.random.default_rng(5)
    places = np.array([WEST, SOUTH]) + SPAN * random.beta(2, 2, (120_000, 2))  # denser in the middle
    size = random.uniform(2e-5, 3e-4, len(places))
    if request.param == "points":
        geometry = shapely.points(places)
    elif request.param == "houses":
        geometry = shapely.box(places[:, 0], places[:, 1], places[:, 0] + size, places[:, 1] + size)
    else:
        geometry = shapely.linestrings(np.stack([places, places + size[:, None], places + size[:, None] * [2, 1]], axis=1))
    table = FeatureTable([f"n{k}" for k in range(len(places))], geometry, {"name": [f"thing {k}" for k in range(len(places))]})
    return VectorTiles("crowd", table), places


def at(zoom: int) -> list[tuple[int, int, int]]:
    """All tiles of a zoom that the crowd may be in."""
    west, east = (int((180 + lon) / 360 * 2**zoom) for lon in (WEST, WEST + SPAN + 0.001))
    north = int((0.5 - (SOUTH + SPAN + 0.001) / 360) * 2**zoom)
    south = int((0.5 - SOUTH / 360) * 2**zoom)
    return [(zoom, x, y) for x in range(west, east + 1) for y in range(north, south + 1)]


def numbers(content: bytes | None) -> set[int]:
    return {feature["id"] for feature in mapbox_vector_tile.decode(content)["crowd"]["features"]} if content else set()


def test_no_tile_of_a_low_zoom_is_large(crowd: tuple[VectorTiles, np.ndarray]) -> None:
    tiles, _ = crowd
    for zoom in (0, 5, 9, 11, 12, 13, 14):
        largest = max(len(tiles.encode(*tile) or b"") for tile in at(zoom))
        assert 0 < largest < 1.25 * MAX_BYTES  # sizes are reckoned, and the rim around a tile comes on top


def test_what_a_zoom_shows_all_deeper_ones_show(crowd: tuple[VectorTiles, np.ndarray]) -> None:
    tiles, _ = crowd
    before = set[int]()
    for zoom in (4, 8, 10, 11, 12):
        shown = set[int]().union(*(numbers(tiles.encode(*tile)) for tile in at(zoom)))
        assert before <= shown
        before = shown
        told = next(thinned for thinned in tiles.thinned if thinned.zoom == zoom)
        assert len(shown) == told.shown < told.of == 120_000
    assert max(thinned.zoom for thinned in tiles.thinned) < FULL_ZOOM


def test_no_place_is_empty_that_has_something(crowd: tuple[VectorTiles, np.ndarray]) -> None:
    """At zoom 12, every feature has one that is shown within the largest cell's reach: a sixteenth of a tile each way."""
    tiles, places = crowd
    shown = np.array(sorted(set[int]().union(*(numbers(tiles.encode(*tile)) for tile in at(12)))))
    cell = 360 / 2**12 / 16
    distance = shapely.distance(shapely.points(places[::50]), shapely.multipoints(places[shown]))
    assert distance.max() < cell * np.sqrt(2)


def test_neighbours_leave_out_the_same(crowd: tuple[VectorTiles, np.ndarray]) -> None:
    """In the strip that two tiles share, the rims of both, both show the same features."""
    tiles, places = crowd
    (_, x, y) = at(12)[0]
    left, right = numbers(tiles.encode(12, x, y)), numbers(tiles.encode(12, x + 1, y))
    edge = (x + 1) / 2**12 * 360 - 180
    rim = 30 / 4096 * 360 / 2**12  # within the rim of 64 units, and clear of its end
    low, high = ((1 - 2 * (y + part) / 2**12) * 180 for part in (0.9, 0.1))  # degrees, near the equator
    strip = np.flatnonzero((np.abs(places[:, 0] - edge) < rim) & (places[:, 1] > low) & (places[:, 1] < high))
    inside = {k for k in strip.tolist() if k in left or k in right}
    assert inside
    assert inside & left == inside & right


def test_nothing_is_left_out_of_the_last_zoom() -> None:
    random = np.random.default_rng(2)
    geometry = shapely.points(random.uniform(0, 1e-5, (20_000, 2)))
    table = FeatureTable([f"n{k}" for k in range(20_000)], geometry, {})
    for last in (10, MAX_ZOOM):
        tiles = VectorTiles("crowd", table, last)
        found = tiles.encode(last, 2 ** (last - 1), 2 ** (last - 1) - 1)
        assert len(numbers(found)) == 20_000
        assert tiles.tilejson("", "")["maxzoom"] == last
        assert len(numbers(tiles.encode(last - 7, 2 ** (last - 8), 2 ** (last - 8) - 1))) < 20_000
