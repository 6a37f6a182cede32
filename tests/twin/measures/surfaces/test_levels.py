"""Storeys of buildings with and without models, and which of them is where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import shapely

from tests.drawn_parks import boxed, building, drawn_park, room
from twin.measures.surfaces import gather_surface

OUTLINE = shapely.box(0, 0, 20, 10)


def places(surface: Any) -> dict[str, str]:
    return {piece.id: piece.usage for piece in surface.pieces}


def test_a_model_has_the_storeys_that_hold_rooms_and_each_knows_its_place(tmp_path: Path) -> None:
    levels = (("footings", -5.0), ("deep", -3.5), ("low", 0.2), ("mid", 4.0), ("high", 8.0), ("roof", 12.0))
    rooms = [room(name, OUTLINE, storey=name, floor=floor) for name, floor in levels[1:5]]
    surface = gather_surface(drawn_park(tmp_path / "p", {}, [building(rooms, outline=OUTLINE, storeys=levels)]), "storeys")
    assert places(surface) == {"deep": "basement", "low": "ground", "mid": "typical", "high": "top"}
    assert [round(piece.floor_z or 0, 2) for piece in surface.pieces] == [-3.5, 0.2, 4.0, 8.0]


def test_a_storey_is_its_rooms_and_slabs_together(tmp_path: Path) -> None:
    slab = boxed("s", "IfcSlab", (5, 0, 0.2, 20, 10, 0.5))
    content = building([room("Office", shapely.box(0, 0, 10, 10))], outline=OUTLINE, elements=[slab])
    (piece,) = gather_surface(drawn_park(tmp_path / "p", {}, [content]), "storeys").pieces
    assert piece.polygon.area == pytest.approx(200, rel=1e-5)
    assert piece.usage == "only"


def test_a_building_without_model_has_as_many_storeys_as_it_says_or_as_its_height_tells(tmp_path: Path) -> None:
    columns = {"id": ["a", "b"], "storeys": [4, None], "height_m": [12.0, 10.0]}
    surface = gather_surface(drawn_park(tmp_path / "p", {"h": ("building", [OUTLINE, shapely.box(40, 0, 50, 10)], columns)}), "storeys")
    assert [piece.id for piece in surface.pieces if piece.building_id == "a"] == ["a/1", "a/2", "a/3", "a/4"]
    assert sum(piece.building_id == "b" for piece in surface.pieces) == 3
    assert surface.warnings == [{"code": "storeys_assumed", "subject": "b", "count": 1}]
    assert surface.area == pytest.approx(4 * 200 + 3 * 100, rel=1e-4)


def test_two_models_of_one_building_do_not_double_its_storeys(tmp_path: Path) -> None:
    layers = {"h": ("building", [OUTLINE], {"id": ["h"]})}
    both = [
        building([room("Office", OUTLINE)], outline=OUTLINE),
        building(
            [room("Plant", shapely.box(0, 0, 8, 10), model="n", storey="n-low")], outline=OUTLINE, model="n", storeys=(("n-low", 0.6),)
        ),
    ]
    assert places(gather_surface(drawn_park(tmp_path / "p", layers, both), "storeys")) == {"low": "only"}
