"""The drawn park: counts, topology, heights, names."""

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from rasterio.warp import transform
from shapely.geometry import shape

from sample_park import DATA
from sample_park.frame import GRID_CRS, frame

LAYERS = sorted(path.stem for path in DATA.glob("*.geojson"))
SMALL_M2 = 0.05  # what rounding coordinates to 8 decimals can make overlap


def features(layer: str) -> list[dict[str, Any]]:
    return json.loads((DATA / f"{layer}.geojson").read_text("utf-8"))["features"]


def shapes(layer: str) -> Any:
    """The geometries of a layer in local metres."""
    return frame().project(np.array([shapely.force_2d(shape(feature["geometry"])) for feature in features(layer)], object))


def terrain() -> tuple[np.ndarray, float, float, float]:
    """Heights, cell size, west and north edge of the ground. [m]"""
    with rasterio.open(DATA / "terrain.tif") as source:
        assert source.crs == rasterio.CRS.from_string(GRID_CRS)
        return source.read(1), source.transform.a, source.transform.c, source.transform.f


def overlaps(polygons: Any, small_m2: float = SMALL_M2) -> list[tuple[int, int]]:
    tree = shapely.STRtree(polygons)
    left, right = tree.query(polygons, predicate="intersects")
    return [(i, j) for i, j in zip(left, right, strict=True) if i < j and polygons[i].intersection(polygons[j]).area > small_m2]


@pytest.mark.parametrize("layer", LAYERS)
def test_every_feature_is_valid_named_and_has_an_id_of_its_own(layer: str) -> None:
    rows = features(layer)
    ids = [row["properties"]["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert shapely.is_valid(np.array([shape(row["geometry"]) for row in rows], object)).all()
    assert all(row["properties"].get("name") for row in rows)
    if layer != "parking_bays":
        assert all(row["properties"].get("name_zh") for row in rows)


@pytest.mark.parametrize("layer", LAYERS)
def test_rings_turn_as_rfc_7946_asks(layer: str) -> None:
    for row in features(layer):
        for polygon in shapely.get_parts(shape(row["geometry"])):
            if polygon.geom_type == "Polygon":
                assert polygon.exterior.is_ccw
                assert not any(ring.is_ccw for ring in polygon.interiors)


def test_counts() -> None:
    counts = {layer: len(features(layer)) for layer in LAYERS}
    assert counts["buildings"] == 40
    assert counts["parking_bays"] == 1500
    assert counts["boundary"] == 1
    assert counts["trees"] > 2000
    assert shapes("boundary")[0].area == pytest.approx(957_120, abs=50)


def test_buildings_stand_apart_inside_the_boundary_and_off_the_roads() -> None:
    buildings = shapes("buildings")
    assert overlaps(buildings) == []
    assert shapely.contains(shapes("boundary")[0], buildings).all()
    assert shapely.union_all(shapes("road_areas")).intersection(shapely.union_all(buildings)).area < SMALL_M2


def test_bays_overlap_nothing_on_their_level() -> None:
    rows = features("parking_bays")
    bays = shapes("parking_bays")
    levels = np.array([row["properties"].get("storey_id", "ground") for row in rows])
    assert sorted(Counter(levels.tolist()).values()) == [408, 408, 684]
    for level in np.unique(levels):
        assert overlaps(bays[levels == level]) == []
    ground = bays[levels == "ground"]
    for layer in ("buildings", "road_areas", "green"):
        assert shapely.union_all(ground).intersection(shapely.union_all(shapes(layer))).area < 1.0, layer


def test_greens_water_and_roads_share_no_ground() -> None:
    green, water, road = (shapely.union_all(shapes(layer)) for layer in ("green", "water", "road_areas"))
    assert green.intersection(road).area < 1.0
    assert green.intersection(water).area < 1.0
    assert water.intersection(road).area < 1.0


def test_trees_stand_beside_roads_and_buildings() -> None:
    trees = shapes("trees")
    assert not shapely.intersects(trees, shapely.union_all([*shapes("buildings"), *shapes("road_areas")])).any()


def test_grid_cells_cover_the_park_once() -> None:
    cells = shapes("grid")
    assert overlaps(cells, small_m2=1.0) == []  # long edges that share no vertices
    assert shapely.union_all(cells).area == pytest.approx(shapes("boundary")[0].area, rel=1e-6)


def test_buildings_stand_on_level_ground_at_their_base() -> None:
    centres = [shape(row["geometry"]).exterior for row in features("buildings")]
    bases = [row["properties"]["base_m"] for row in features("buildings")]
    heights, step, west, north = terrain()
    for ring, base in zip(centres, bases, strict=True):
        x, y = transform("EPSG:4326", GRID_CRS, *ring.xy)
        found = [float(heights[int((north - b) / step), int((a - west) / step)]) for a, b in zip(x, y, strict=True)]
        assert found == pytest.approx([base] * len(found), abs=0.03)


def test_the_terrain_is_gentle_and_covers_the_park() -> None:
    heights, step, west, north = terrain()
    x, y = transform("EPSG:4326", GRID_CRS, *shape(features("boundary")[0]["geometry"]).exterior.xy)
    assert np.isfinite(heights).all()
    assert 2.0 < heights.max() - heights.min() < 10.0
    assert min(x) > west
    assert max(x) < west + step * heights.shape[1]
    assert min(y) > north - step * heights.shape[0]
    assert max(y) < north


def test_road_centrelines_meet_end_to_end() -> None:
    lines = shapes("roads")
    ends = Counter((round(x, 1), round(y, 1)) for line in lines for x, y in (line.coords[0], line.coords[-1]))
    assert sum(count > 2 for count in ends.values()) >= 48
    assert not any(a.crosses(b) for a in lines for b in lines if a is not b)


def test_key_positions_cover_the_chengdu_classes() -> None:
    classes = Counter(row["properties"]["class"] for row in features("key_positions"))
    wanted = ("park_entrance", "road_intersection", "building_main_entrance", "fire_passage", "lobby", "elevator", "machine_room")
    assert all(classes[name] > 3 for name in (*wanted, "dining_consumption"))
    assert classes["building_main_entrance"] == 36
