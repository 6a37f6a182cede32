"""Perimeter and main roads of parks written here: lengths in closed form, what is taken away, and nothing counted twice."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from shapely import LineString, Point

from twin.crs import Frame
from twin.errors import MissingInput, UnknownParameter
from twin.measures.lines import Lines, gather_lines
from twin.model import FeatureTable, Layer, Park
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
SQUARE = shapely.box(-100, -100, 100, 100)
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(**layers: tuple[Any, ...]) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            for name, (kind, shapes, columns) in layers.items():
                writer.put_layer(Layer(name, kind, name))
                geometry = np.array([lonlat(shape) for shape in shapes], object)
                writer.put_features(name, FeatureTable([f"{name}-{i}" for i in range(len(shapes))], geometry, columns), source=name)
        return store

    return build


def lengths(found: Lines) -> dict[str, float]:
    out: dict[str, float] = {}
    for piece in found.pieces:
        out[piece.attributes["type"]] = out.get(piece.attributes["type"], 0.0) + piece.line.length
    return {kind: round(length, 2) for kind, length in out.items()}


def taken(found: Lines, reason: str) -> float:
    return round(sum(row["amount"] for row in found.exclusions if row["reason"] == reason), 2)


def test_the_edge_of_the_boundary_counts_where_nobody_drew_a_perimeter_and_its_type_is_unknown(make: Make) -> None:
    found = gather_lines(make(boundary=("boundary", [SQUARE], {"name": ["park"]})), "perimeter_line")
    assert found.length == pytest.approx(800, rel=1e-6)
    assert lengths(found) == {"unknown": pytest.approx(800, abs=0.01)}
    assert found.warnings[0]["code"] == "perimeter_type_unknown"
    assert found.pieces[0].attributes["source"] == "boundary"


def test_each_stretch_has_the_type_of_what_stands_on_it(make: Make) -> None:
    barriers = [LineString([(-100, -100), (100, -100)]), LineString([(100, -100), (100, 100)])]
    store = make(
        boundary=("boundary", [SQUARE], {}),
        fences=("barrier", barriers, {"class": ["fence", "wall"]}),
        houses=("building", [shapely.box(-50, 90, 50, 100)], {}),
        lake=("water", [shapely.box(-130, -40, -100, 40)], {}),
    )
    found = lengths(gather_lines(store, "perimeter_line"))
    assert sum(found.values()) == pytest.approx(800, rel=1e-5)
    assert found["fence"] == pytest.approx(200, abs=4)
    assert found["wall"] == pytest.approx(200, abs=4)
    assert found["building"] == pytest.approx(100, abs=2.1)
    assert found["water"] == pytest.approx(80, abs=6.1)
    assert found["open"] > 200


def test_a_road_opens_a_gate_of_its_width_and_pieces_and_gates_are_the_whole_ring(make: Make) -> None:
    road = LineString([(0, 0), (0, -150)])
    store = make(boundary=("boundary", [SQUARE], {}), road=("road", [road], {"width_m": [8.0], "name": ["South Road"]}))
    found = gather_lines(store, "perimeter_line")
    assert taken(found, "gate") == pytest.approx(8.0, abs=0.01)
    assert found.exclusions[0]["name"] == "South Road"
    assert found.length + taken(found, "gate") == pytest.approx(800, rel=1e-6)


def test_a_road_that_runs_along_the_boundary_opens_no_gate(make: Make) -> None:
    road = LineString([(-90, -97), (90, -97)])
    found = gather_lines(make(boundary=("boundary", [SQUARE], {}), road=("road", [road], {"width_m": [8.0]})), "perimeter_line")
    assert not found.exclusions


def test_a_road_that_crosses_aslant_opens_more_than_its_width(make: Make) -> None:
    road = LineString([(-50, -150), (50, -50)])
    found = gather_lines(make(boundary=("boundary", [SQUARE], {}), road=("road", [road], {"width_m": [8.0]})), "perimeter_line")
    assert taken(found, "gate") == pytest.approx(8 * math.sqrt(2), abs=0.01)


def test_a_gate_is_the_opening_in_the_fence_that_it_stands_in(make: Make) -> None:
    ring = SQUARE.exterior.difference(Point(0, -100).buffer(7)).difference(Point(100, 0).buffer(2))
    store = make(
        boundary=("boundary", [SQUARE], {}),
        fences=("barrier", [ring], {"class": ["perimeter"]}),
        road=("road", [LineString([(0, 0), (0, -150)])], {"width_m": [9.0]}),
        path=("path", [LineString([(50, 0), (150, 0)]), LineString([(0, 50), (0, 150)])], {}),
    )
    found = gather_lines(store, "perimeter_line")
    gates = {row["kind"]: round(row["amount"], 2) for row in found.exclusions if row["id"] != "path-1"}
    assert gates == {"vehicle": pytest.approx(14.0, abs=0.02), "personnel": pytest.approx(4.0, abs=0.02)}
    assert lengths(found) == {"fence": pytest.approx(800 - 14 - 4 - 2, abs=0.1)}


def test_gates_are_told_once_whoever_drew_them(make: Make) -> None:
    """The register's entrance, the barrier's gate and the road are one opening, with the register's or the barrier's name."""
    store = make(
        boundary=("boundary", [SQUARE], {}),
        fences=("barrier", [SQUARE.exterior, Point(0, -100)], {"class": ["fence", "gate"], "name": ["f", "South Gate"]}),
        keys=("key_position", [Point(1, -97), Point(0, 60)], {"class": ["park_entrance", "park_entrance"]}),
        road=("road", [LineString([(0, 0), (0, -150)])], {"width_m": [10.0]}),
    )
    found = gather_lines(store, "perimeter_line")
    assert [(row["name"], round(row["amount"], 2)) for row in found.exclusions] == [("South Gate", pytest.approx(10.0, abs=0.01))]


def test_a_layer_called_perimeter_goes_before_the_boundary_and_says_its_own_types(make: Make) -> None:
    lines = [LineString([(-90, -90), (90, -90)]), LineString([(90, -90), (90, 90)])]
    store = make(boundary=("boundary", [SQUARE], {}), 周界=("other", lines, {"boundary_type": ["围墙", "open"]}))
    found = gather_lines(store, "perimeter_line")
    assert lengths(found) == {"wall": pytest.approx(180, abs=0.01), "open": pytest.approx(180, abs=0.01)}
    assert found.pieces[0].attributes["source"] == "layer"


def test_parcels_that_touch_have_one_control_line_round_them_all(make: Make) -> None:
    parcels = [shapely.box(-100, -100, 0, 100), shapely.box(0, -100, 100, 100)]
    assert gather_lines(make(boundary=("boundary", parcels, {})), "perimeter_line").length == pytest.approx(800, rel=1e-5)


def test_fences_stand_for_a_missing_boundary_and_nothing_is_a_sentence(make: Make) -> None:
    with pytest.raises(MissingInput, match="perimeter"):
        gather_lines(make(), "perimeter_line")


def test_barriers_of_class_perimeter_are_the_line_where_there_is_no_boundary(make: Make) -> None:
    found = gather_lines(make(fences=("barrier", [LineString([(0, 0), (70, 0)])], {"class": ["perimeter"]})), "perimeter_line")
    assert found.length == pytest.approx(70, rel=1e-6)
    assert found.warnings[0]["code"] == "perimeter_from_barriers"


def test_main_roads_are_clipped_and_keep_their_names(make: Make) -> None:
    lines = [LineString([(-150, 0), (150, 0)]), LineString([(0, -100), (0, 100)]), LineString([(-80, 50), (80, 50)])]
    columns = {"class": ["main", "secondary", "主干道"], "name": ["East Road", "Side", None], "name_zh": ["东路", None, "北路"]}
    found = gather_lines(make(boundary=("boundary", [SQUARE], {}), road=("road", lines, columns)), "main_road_centreline")
    assert {piece.name: round(piece.line.length, 2) for piece in found.pieces} == {"东路 · East Road": 200.0, "北路": 160.0}
    assert taken(found, "outside_boundary") == pytest.approx(100, abs=0.01)


def test_an_evaluator_can_name_the_classes_and_a_road_can_say_so_itself(make: Make) -> None:
    lines = [LineString([(0, k), (100, k)]) for k in (0, 30, 60)]
    columns = {"class": ["service", "service", "main"], "main": ["yes", None, "no"]}
    store = make(road=("road", lines, columns))
    assert [piece.id for piece in gather_lines(store, "main_road_centreline").pieces] == ["road-0"]
    named = gather_lines(store, "main_road_centreline", classes=["service"])
    assert named.length == pytest.approx(200, rel=1e-6)
    assert named.warnings[0]["code"] == "lines_not_clipped"


def test_a_divided_road_counts_once_and_what_was_left_out_is_told(make: Make) -> None:
    one, other = LineString([(-90, 0), (90, 0)]), LineString([(80, 14), (-80, 14)])
    store = make(road=("road", [one, other], {"class": ["main"] * 2, "name": ["Avenue"] * 2}))
    found = gather_lines(store, "main_road_centreline")
    assert found.length == pytest.approx(180, rel=1e-6)
    assert taken(found, "second_carriageway") == pytest.approx(160, abs=0.05)


def test_roads_of_one_name_that_follow_or_cross_each_other_all_count(make: Make) -> None:
    lines = [
        LineString([(-90, 0), (0, 0)]),
        LineString([(0, 0), (60, 20)]),
        LineString([(60, 20), (60, 90)]),
        LineString([(-45, -40), (-45, 40)]),
    ]
    store = make(road=("road", lines, {"class": ["main"] * 4, "name": ["Ring"] * 4}))
    found = gather_lines(store, "main_road_centreline")
    assert found.length == pytest.approx(sum(line.length for line in lines), rel=1e-6)
    assert not found.exclusions


def test_neighbouring_roads_of_other_names_count_unless_one_is_drawn_twice(make: Make) -> None:
    lines = [LineString([(0, 0), (100, 0)]), LineString([(0, 12), (100, 12)]), LineString([(0, 0.2), (100, 0.2)])]
    store = make(road=("road", lines, {"class": ["main"] * 3, "name": ["A", "B", "C"]}))
    found = gather_lines(store, "main_road_centreline")
    assert found.length == pytest.approx(200, rel=1e-5)
    assert taken(found, "drawn_twice") == pytest.approx(100, abs=0.01)


def test_planned_roads_do_not_count(make: Make) -> None:
    lines = [LineString([(0, 0), (100, 0)]), LineString([(0, 60), (100, 60)])]
    store = make(road=("road", lines, {"class": ["main"] * 2, "status": ["in_service", "planned"]}))
    found = gather_lines(store, "main_road_centreline")
    assert found.length == pytest.approx(100, rel=1e-6)
    assert taken(found, "not_in_service") == pytest.approx(100, rel=1e-6)


def test_no_main_road_is_a_sentence_that_names_the_classes(make: Make) -> None:
    store = make(road=("road", [LineString([(0, 0), (100, 0)])], {"class": ["service"]}))
    with pytest.raises(MissingInput) as told:
        gather_lines(store, "main_road_centreline")
    assert "service" in str(told.value.details)
    with pytest.raises(UnknownParameter):
        gather_lines(store, "facade")
