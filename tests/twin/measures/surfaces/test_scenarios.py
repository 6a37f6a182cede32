"""Parking bays as areas, and the zones of vehicles, goods and dangers: each place has one use."""

from __future__ import annotations

from pathlib import Path

import pytest
import shapely

from tests.drawn_parks import building, drawn_park, room
from twin.coverage.surface import table
from twin.measures.surfaces import gather_surface

PARK = shapely.box(-50, -50, 50, 50)


def test_each_place_counts_for_the_most_dangerous_of_its_uses(tmp_path: Path) -> None:
    store = drawn_park(tmp_path / "p", {
        "b": ("boundary", [PARK], {}),
        "r": ("road", [shapely.LineString([(-60, 0), (60, 0)]), shapely.LineString([(0, -50), (0, 50)])],
              {"width_m": [8.0, 6.0], "name": [None, "货运通道"]}),
        "z": ("zone", [shapely.box(-5, -5, 5, 5), shapely.box(20, 20, 40, 40)], {"name": ["危化品库区", "仓库堆场"]}),
        "h": ("building", [shapely.box(30, -40, 40, -20)], {"usage": ["warehouse"], "storeys": [1]}),
    })  # fmt: skip
    surface = gather_surface(store, "scenario_zones")
    found = {row["id"]: row["amount"] for row in table(surface, "usage")}
    assert found["hazardous_area"] == pytest.approx(100, rel=1e-5)
    assert found["logistics_route"] == pytest.approx(600 - 60, rel=1e-5)
    assert found["warehouse"] == pytest.approx(400 + 200, rel=1e-5)
    assert found["driving_road"] == pytest.approx(800 - 80, rel=1e-4)
    shapes = [piece.polygon for piece in surface.pieces]
    assert shapely.union_all(shapes).area == pytest.approx(sum(shape.area for shape in shapes), rel=1e-9)


def test_bays_outdoors_and_below_are_pieces_on_their_own_floors(tmp_path: Path) -> None:
    content = building([room("Parking B1", shapely.box(0, 0, 20, 10), storey="deep", floor=-4.0)], outline=PARK, storeys=(("deep", -4.0),))
    bays = [shapely.box(30, 0, 32.5, 5), shapely.box(0, 0, 2.5, 5), shapely.Point(40, 40)]
    columns = {"storey_id": [None, "deep", None]}
    surface = gather_surface(
        drawn_park(tmp_path / "p", {"b": ("boundary", [PARK], {}), "bays": ("parking_bay", bays, columns)}, [content]), "parking_spaces"
    )
    assert [piece.floor_z is None for piece in surface.pieces] == [True, False]
    assert surface.pieces[1].floor_z == pytest.approx(-4.0, abs=1e-3)
    assert surface.area == pytest.approx(25, rel=1e-5)
    assert surface.warnings[-1] == {"code": "bays_without_shape", "subject": "parking_spaces", "count": 1}
