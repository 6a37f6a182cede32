"""Facades: areas in closed form, walls that do not count, storeys, and the walls of models as they are built."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from importers.contract import Options
from importers.pipeline import import_files
from tests.drawn_parks import FRAME, boxed, building, drawn_park, room
from twin.errors import MissingInput
from twin.measures.surfaces.facades import Facades, gather_facades
from twin.model import Park
from twin.store import create_store

PARK = shapely.box(-100, -100, 100, 100)


def houses(folder: Path, shapes: list[Any], height: Any = 20.0, **layers: Any) -> Facades:
    columns = {"height_m": [height] * len(shapes) if np.isscalar(height) else height, "storeys": [5] * len(shapes)}
    drawn = {"b": ("boundary", [PARK], {}), "h": ("building", shapes, columns)}
    return gather_facades(drawn_park(folder / "p", drawn | layers))


def excluded(found: Facades) -> dict[str, float]:
    return {row["reason"]: round(row["amount"], 2) for row in found.exclusions}


def by_side(found: Facades) -> dict[str, float]:
    out: dict[str, float] = {}
    for face in found.faces:
        out[face.side] = out.get(face.side, 0.0) + face.area
    return {side: round(area, 1) for side, area in out.items()}


def test_the_facade_of_a_block_is_its_perimeter_times_its_height_cut_by_storeys(tmp_path: Path) -> None:
    found = houses(tmp_path, [shapely.box(0, 0, 30, 10)])
    assert found.area == pytest.approx(80 * 20, rel=1e-4)
    assert by_side(found) == {"S": 600.0, "E": 200.0, "N": 600.0, "W": 200.0}
    assert [len(face.pieces) for face in found.faces] == [5] * 4
    south = next(face for face in found.faces if face.side == "S")
    assert [round(piece.polygon.area, 1) for piece in south.pieces] == [120.0] * 5
    assert (south.plane.out[0], south.plane.out[1]) == pytest.approx((0, -1), abs=1e-4)


def test_courtyards_have_facades_and_low_buildings_have_none(tmp_path: Path) -> None:
    court = shapely.box(0, 0, 40, 40).difference(shapely.box(10, 10, 30, 30))
    found = houses(tmp_path, [court, shapely.box(60, 0, 70, 10)], [20.0, 6.0])
    assert found.area == pytest.approx((160 + 80) * 20, rel=1e-4)
    assert excluded(found) == {"low_building": pytest.approx(40 * 6, rel=1e-3)}


def test_walls_that_touch_and_walls_over_a_lower_roof_do_not_count(tmp_path: Path) -> None:
    """A tower of 30 m with a wing of 12 m along 8 m of its east side: 8 x 12 m shared on both, 8 x 18 m over the wing's roof."""
    found = houses(tmp_path, [shapely.box(0, 0, 20, 20), shapely.box(20, 4, 40, 12)], [30.0, 12.0])
    assert excluded(found) == {"party_wall": pytest.approx(2 * 8 * 12, rel=1e-3), "above_roof": pytest.approx(8 * 18, rel=1e-3)}
    assert found.area == pytest.approx(80 * 30 - 8 * 30 + (2 * 20 + 8) * 12, rel=1e-3)


def test_walls_over_water_yards_and_outside_the_park_are_exclusions(tmp_path: Path) -> None:
    found = houses(
        tmp_path, [shapely.box(0, 0, 20, 10), shapely.box(80, 80, 100, 100)],
        lake=("water", [shapely.box(-10, -10, 10, 0)], {}), yard=("enterprise", [shapely.box(20, 0, 40, 10)], {"fenced": [True]}),
    )  # fmt: skip
    assert excluded(found) == {
        "above_water": pytest.approx(10 * 20, rel=1e-2), "above_fenced_yard": pytest.approx(10 * 20, rel=1e-2),
        "outside_boundary": pytest.approx(2 * 20 * 20, rel=1e-2),
    }  # fmt: skip
    total = found.area + sum(row["amount"] for row in found.exclusions)
    assert total == pytest.approx((60 + 80) * 20, rel=1e-6)


def test_a_park_of_low_houses_says_so(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="10"):
        houses(tmp_path, [shapely.box(0, 0, 10, 10)], 6.0)


def test_facades_may_count_from_a_height(tmp_path: Path) -> None:
    drawn = {"b": ("boundary", [PARK], {}), "h": ("building", [shapely.box(0, 0, 30, 10)], {"height_m": [20.0]})}
    found = gather_facades(drawn_park(tmp_path / "p", drawn), from_height=4.0)
    assert found.area == pytest.approx(80 * 16, rel=1e-3)
    assert excluded(found) == {"below_height": pytest.approx(80 * 4, rel=1e-3)}


def test_the_walls_of_a_model_are_its_outer_ones_with_windows_and_set_backs(tmp_path: Path) -> None:
    """Two storeys of 12 x 8 and 6 x 8 m with walls 0.3 m thick, a partition, and a window that fills a gap in the south wall."""

    def ring(x1: float, low: float, high: float, storey: str) -> list[Any]:
        walls = [(0, 0, x1, 0.3), (0, 7.7, x1, 8), (0, 0.3, 0.3, 7.7), (x1 - 0.3, 0.3, x1, 7.7)]
        return [boxed(f"{storey}-{k}", "IfcWall", (a, b, low, c, d, high), storey=storey) for k, (a, b, c, d) in enumerate(walls)]

    low = [each for each in ring(12, 0.0, 6.0, "low") if each[0].id != "low-0"]
    south = [boxed("s1", "IfcWall", (0, 0, 0, 4, 0.3, 6)), boxed("s2", "IfcWall", (6, 0, 0, 12, 0.3, 6)),
             boxed("window", "IfcWindow", (4, 0.1, 0, 6, 0.2, 6)), boxed("partition", "IfcWall", (6, 0.3, 0, 6.1, 7.7, 6))]  # fmt: skip
    rooms = [
        room("Hall", shapely.box(0.3, 0.3, 11.7, 7.7), floor=0.0),
        room("Attic", shapely.box(0.3, 0.3, 5.7, 7.7), storey="high", floor=6.0),
    ]
    levels, elements = (("low", 0.0), ("high", 6.0)), [*low, *south, *ring(6, 6.0, 12.0, "high")]
    content = building(rooms, outline=shapely.box(0, 0, 12, 8), storeys=levels, elements=elements, top=12.0)
    found = gather_facades(drawn_park(tmp_path / "p", {"b": ("boundary", [PARK], {})}, [content]))
    areas = {
        storey: sum(piece.polygon.area for face in found.faces for piece in face.pieces if piece.storey_id == storey)
        for storey in ("low", "high")
    }
    assert areas == {"low": pytest.approx(40 * 6, rel=1e-2), "high": pytest.approx(28 * 6, rel=1e-2)}


@pytest.mark.parametrize(
    ("file", "sides"),
    [
        ("zh/TestModel_IFC4Add2.ifc", {"S": 12.2 * 8, "N": 12.2 * 8, "E": 6.2 * 8, "W": 6.2 * 8}),  # a box of 12.2 x 6.2 x 8 m
        ("arch/AC20-FZK-Haus.ifc", {"S": 12 * 3.2, "N": 12 * 3.2, "E": 46.4, "W": 46.4}),  # walls to the eaves; gables of 10 m to 6.1 m
    ],
)
def test_real_houses_have_the_walls_they_are_built_with(shared_data: Path, tmp_path: Path, file: str, sides: dict[str, float]) -> None:
    store = create_store(tmp_path / "p", Park("p", FRAME))
    import_files(store, [shared_data / "ifc" / file], Options(place="104.06,30.66,500,0"))
    assert by_side(gather_facades(store, min_height=3.0)) == pytest.approx(sides, rel=0.02)
