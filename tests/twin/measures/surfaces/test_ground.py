"""Surfaces on the ground: areas in closed form, nothing lost and nothing counted twice, for any park."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.drawn_parks import drawn_park
from twin.coverage.surface import Surface, rolled_up, table
from twin.errors import MissingInput, UnknownParameter
from twin.measures.surfaces import KNOWN, SURFACES, gather_surface

PARK = shapely.box(-50, -50, 50, 50)


def total(surface: Surface) -> float:
    return surface.area + sum(row["amount"] for row in surface.exclusions)


def excluded(surface: Surface) -> dict[str, float]:
    return {row["reason"]: round(row["amount"], 3) for row in surface.exclusions}


def test_what_is_taken_from_the_park_is_told_with_its_reason_and_a_place_counts_for_the_first(tmp_path: Path) -> None:
    yard_beside_water = shapely.box(-50, 0, -30, 20)
    store = drawn_park(tmp_path / "p", {
        "boundary": ("boundary", [PARK], {}),
        "houses": ("building", [shapely.box(0, 0, 10, 10), shapely.box(20, 20, 40, 40).difference(shapely.box(25, 25, 35, 35))], {}),
        "lake": ("water", [shapely.box(-40, 0, -20, 20), shapely.LineString([(-50, -40), (50, -40)])], {}),
        "yards": ("enterprise", [yard_beside_water, shapely.box(-50, -30, -40, -20)], {"fenced": [True, False]}),
    })  # fmt: skip
    surface = gather_surface(store, "outdoor_public_ground")
    assert excluded(surface) == {"building": pytest.approx(400, rel=1e-5), "water": pytest.approx(400, rel=1e-5),
                                 "fenced_yard": pytest.approx(200, rel=1e-5)}  # fmt: skip
    assert total(surface) == pytest.approx(1e4, rel=1e-6)
    assert surface.height_m == 1.5


rings = st.tuples(st.floats(-60, 55), st.floats(-60, 55), st.floats(0.5, 40), st.floats(0.5, 40), st.floats(0, 3))


def turned(ring: tuple[float, ...]) -> Any:
    x, y, w, h, turn = ring
    return shapely.affinity.rotate(shapely.box(x, y, x + w, y + h), turn, use_radians=True)


@settings(max_examples=25, deadline=None)
@given(st.lists(rings, max_size=4), st.lists(rings, max_size=3), st.lists(rings, max_size=3), st.lists(rings, max_size=4))
def test_pieces_never_overlap_and_with_the_exclusions_they_are_the_park(houses: Any, lakes: Any, yards: Any, zones: Any) -> None:
    drawn = {
        "boundary": ("boundary", [PARK], {}),
        "houses": ("building", [turned(ring) for ring in houses], {}),
        "lakes": ("water", [turned(ring) for ring in lakes], {}),
        "yards": ("enterprise", [turned(ring) for ring in yards], {"fenced": [k % 2 == 0 for k in range(len(yards))]}),
        "zones": ("zone", [turned(ring) for ring in zones], {}),
    }
    with TemporaryDirectory() as folder:
        store = drawn_park(Path(folder) / "p", drawn)
        try:
            surface = gather_surface(store, "outdoor_public_ground")
        except MissingInput:
            return
        finally:
            store.close()
    shapes = [piece.polygon for piece in surface.pieces]
    assert total(surface) == pytest.approx(1e4, rel=1e-6)
    assert shapely.union_all(shapes).area == pytest.approx(sum(shape.area for shape in shapes), rel=1e-6)


@settings(max_examples=20, deadline=None)
@given(st.lists(rings, min_size=1, max_size=6))
def test_the_pieces_of_a_layer_are_each_counted_once(shapes: Any) -> None:
    with TemporaryDirectory() as folder:
        store = drawn_park(Path(folder) / "p", {"plots": ("zone", [turned(ring) for ring in shapes], {})})
        surface = gather_surface(store, "layer:plots")
        store.close()
    assert total(surface) == pytest.approx(sum(turned(ring).area for ring in shapes), rel=1e-5)
    assert surface.area == pytest.approx(shapely.union_all([turned(ring) for ring in shapes]).area, rel=1e-5)


def test_roads_outside_the_park_and_unbuilt_ones_are_exclusions(tmp_path: Path) -> None:
    lines = [shapely.LineString([(-100, 0), (100, 0)]), shapely.LineString([(-40, 30), (40, 30)])]
    columns = {"width_m": [8.0, 5.0], "status": [None, "planned"]}
    surface = gather_surface(drawn_park(tmp_path / "p", {"b": ("boundary", [PARK], {}), "r": ("road", lines, columns)}), "road_surface")
    assert surface.area == pytest.approx(800, rel=1e-5)
    assert excluded(surface) == {"outside_boundary": pytest.approx(800, rel=1e-4), "not_in_service": pytest.approx(400, rel=1e-4)}


def test_a_park_that_is_all_water_has_no_ground_and_that_is_a_sentence(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {"b": ("boundary", [PARK], {}), "w": ("water", [PARK.buffer(1)], {})})
    with pytest.raises(MissingInput, match="outdoor_public_ground"):
        gather_surface(store, "outdoor_public_ground")


def test_features_without_area_or_place_do_no_harm(tmp_path: Path) -> None:
    odd = [
        None,
        shapely.Polygon(),
        shapely.Polygon([(0, 0), (10, 0), (5, 0)]),
        shapely.Polygon([(0, 0), (10, 10), (10, 0), (0, 10)]),
        shapely.Point(3, 3),
    ]
    drawn = {kind: (kind, odd, {}) for kind in ("building", "water", "enterprise", "zone", "road", "road_area", "parking_bay")}
    store = drawn_park(tmp_path / "p", {"boundary": ("boundary", [PARK, *odd], {})} | drawn)
    surface = gather_surface(store, "outdoor_public_ground")
    assert surface.area == pytest.approx(1e4 - 50, rel=1e-4)
    assert total(surface) == pytest.approx(1e4, rel=1e-6)


def test_the_fourteen_surfaces_of_the_catalogue_are_listed_with_both_names() -> None:
    assert len(SURFACES) == 14
    assert all(named.title_en and named.title_zh for named in SURFACES.values())
    assert {named.shape for named in SURFACES.values()} == {"area", "line", "faces", "points", "network"}
    assert [name for name in KNOWN if ":" not in name and name not in SURFACES] == ["public_and_floors"]


def test_surfaces_that_are_no_areas_are_refused_by_name(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {})
    for name in ("facade", "perimeter_line", "walkable_network", "key_positions"):
        with pytest.raises(UnknownParameter):
            gather_surface(store, name)


def test_tables_add_up_by_use_and_storey(tmp_path: Path) -> None:
    drawn = {
        "plots": ("zone", [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 20), shapely.box(40, 0, 41, 1)], {"usage": ["a", "b", "a"]})
    }
    surface = gather_surface(drawn_park(tmp_path / "p", drawn), "layer:plots")
    assert {row["id"]: (row["pieces"], round(row["amount"], 2)) for row in table(surface, "usage")} == {"a": (2, 101.0), "b": (1, 200.0)}
    zones = [
        {"usage": "a", "value": 0.5, "lower": 0.4, "upper": 0.5, "amount": 100.0, "covered": 50.0},
        {"usage": "b", "value": 1.0, "amount": 200.0, "covered": 200.0},
        {"usage": "a", "value": 1.0, "lower": 1.0, "upper": 1.0, "amount": 1.0, "covered": 1.0},
    ]
    rows = rolled_up(zones, "usage")
    assert [row["id"] for row in rows] == ["a", "b"]
    assert rows[0]["value"] == pytest.approx(51 / 101)
    assert rows[0]["lower"] == pytest.approx(41 / 101)
