"""How much of a park is modelled, on parks built here: blocks, city models, building models, meshes, sheds and key buildings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import MissingInput
from twin.measures import resolve
from twin.measures.model_coverage_share import MEASURE
from twin.measures.report import sentence
from twin.model import Element, FeatureTable, Georeferencing, Group, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.result import Result
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Rows = Sequence[tuple[str, Any, Mapping[str, Any]]]
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def house(k: int, **row: Any) -> tuple[str, Any, Mapping[str, Any]]:
    """A footprint of 20 x 10 m, with a height unless it says otherwise."""
    return f"B{k}", shapely.box(50 * k, 0, 50 * k + 20, 10), {"height_m": 9.0, "storeys": 3} | row


def model(
    k: int, *, classes: Sequence[str] = ("IfcWall",), rooms: int = 0, kind: str = "given", discipline: str = "architecture"
) -> ModelContent:
    outline, name = shapely.box(50 * k, 0, 50 * k + 20, 10), f"m{k}"
    place = Georeferencing(kind, None, 500.0, 0.0, None, "test")
    spaces = [Space(f"{name}-s{i}", name, f"{name}-1", "r", "r", "office", lonlat(outline), 500.0, 3.0, 50.0) for i in range(rooms)]
    elements = [Element(f"{name}-e{i}", name, each, each, state="built") for i, each in enumerate(classes)]
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    head = Model(name, name, "IFC4", "0" * 64, place, lonlat(outline), 500.0, 509.0, discipline=discipline, source=f"{name}.ifc")
    return ModelContent(head, [Storey(f"{name}-1", name, "1", 0.0, 500.0, 3.0)], spaces, elements, empty)


def city(levels: Mapping[int, str | None]) -> ModelContent:
    """A city model of some buildings, each with the detail it says it is of."""
    outline = shapely.box(-5, -5, 500, 50)
    head = Model(
        "city", "city", "CityGML 2.0", "0" * 64, Georeferencing("given", None, 500.0, 0.0, None, "t"), lonlat(outline), 500.0, 509.0
    )
    elements = [Element(f"c{k}", "city", "Building", "b", state="built", bbox=[50 * k, 0, 0, 50 * k + 20, 10, 9]) for k in levels]
    groups = [
        Group(f"B{k}", "city", "group", "Building", "b", members=[f"c{k}"], attributes={"lod": lod} if lod else {})
        for k, lod in levels.items()
    ]
    empty = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(head, [], [], elements, empty, groups)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    numbers = count()

    def build(*models: ModelContent, **layers: Rows) -> Store:
        store = create_store(tmp_path / f"park{next(numbers)}", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, rows in layers.items():
                names = sorted({name for _, _, row in rows for name in row})
                columns = {name: [row.get(name) for _, _, row in rows] for name in names}
                shapes = np.array([lonlat(shape) for _, shape, _ in rows], object)
                writer.put_layer(Layer(kind, kind, kind))
                writer.put_features(kind, FeatureTable([name for name, _, _ in rows], shapes, columns), source="t")
            for content in models:
                writer.put_model(content, source=content.model.id)
        return store

    return build


def measure(store: Store, **given: Any) -> Result:
    return MEASURE.compute(store, resolve(MEASURE, given, {}))


def three(result: Result) -> tuple[float | None, float | None, float | None]:
    return result.lower, result.value, result.upper


def levels(result: Result) -> dict[str, int]:
    return {row["id"]: row["level"] for row in result.extra["buildings"]}


def test_levels_by_what_there_is(make: Make) -> None:
    store = make(
        model(1), model(2, classes=("IfcWall", "IfcWindow")), model(3, rooms=2), model(4, classes=("IfcPipeSegment",), discipline="hvac"),
        building=[house(0), house(1), house(2), house(3), house(4), house(5, height_m=None, storeys=None)],
    )  # fmt: skip
    result = measure(store)
    assert levels(result) == {"B0": 1, "B1": 2, "B2": 3, "B3": 4, "B4": 1, "B5": 0}
    assert three(result) == (0.5, 0.5, 0.5)
    assert {gap.id: (gap.reason, gap.shortfall) for gap in result.gaps} == {
        "B0": ("below_threshold", 1), "B4": ("below_threshold", 1), "B5": ("not_installed", 2),
    }  # fmt: skip
    assert result.extra["sides"]["interiors"] == 1 / 6
    assert [measure(store, min_lod=k).numerator for k in (1, 2, 3, 4)] == [5, 3, 2, 1]


def test_a_city_model_that_says_no_detail_opens_the_upper_bound(make: Make) -> None:
    result = measure(make(city({0: "2.2", 1: "1", 2: None}), building=[house(0), house(1), house(2)]))
    assert three(result) == (1 / 3, 1 / 3, 2 / 3)
    assert [row["what"] for row in result.sensitivity] == ["lod"]
    warning = next(warning for warning in result.warnings if warning["code"] == "level_unknown")
    assert warning["ids"] == ["B2"]
    assert sentence(warning, "zh") != sentence(warning, "en")


def test_a_mesh_shows_what_stands_under_it_though_nobody_says_how_well(make: Make) -> None:
    result = measure(make(building=[house(0), house(1)], mesh=[("t", shapely.box(-5, -5, 25, 15), {})]))
    assert three(result) == (0.0, 0.5, 0.5)
    assert result.inputs["resting_share"] == 1.0


def test_count_and_floor_area_give_different_answers_and_both_are_there(make: Make) -> None:
    store = make(model(0), building=[house(0, storeys=9), house(1, storeys=1)])
    assert measure(store).value == 0.5
    area = measure(store, weight="floor_area")
    assert area.value == pytest.approx(0.9)
    assert area.quantity == "m2"
    assert area.extra["by_count"]["value"] == 0.5
    assert measure(store).extra["by_floor_area"]["value"] == pytest.approx(0.9)


def test_key_buildings_need_rooms(make: Make) -> None:
    store = make(model(0), model(1, rooms=1), building=[house(0, is_key=True), house(1, is_key="是"), house(2)])
    result = measure(store)
    assert {row["id"]: row["meets"] for row in result.extra["buildings"]} == {"B0": False, "B1": True, "B2": False}
    assert "register_empty" not in [warning["code"] for warning in result.warnings]
    assert measure(store, key_buildings="B2").value == 2 / 3


def test_what_is_outside_planned_or_a_shed_does_not_count(make: Make) -> None:
    shed = ("S", shapely.box(0, 30, 3, 33), {"height_m": 3.0})
    edge = [("e", shapely.box(-5, -5, 130, 60), {})]
    result = measure(make(model(0), building=[house(0), house(1, status="planned"), house(9), shed], boundary=edge))
    assert result.value == 1.0
    assert {each["reason"]: each["amount"] for each in result.exclusions} == {"ancillary": 1, "not_in_service": 1, "outside_boundary": 1}


def test_a_model_without_a_place_on_earth_does_not_count(make: Make) -> None:
    result = measure(make(model(0, rooms=1, kind="none"), building=[house(0)]))
    assert result.value == 0.0
    assert "model_not_georeferenced" in [warning["code"] for warning in result.warnings]


def test_what_each_model_covers_and_what_would_be_lost(make: Make) -> None:
    result = measure(make(model(0), model(1), city({1: "2"}), building=[house(0), house(1)]))
    assert {row["id"]: (row["covered"], row["lost"]) for row in result.devices} == {"m0": (1, 1), "m1": (1, 0), "city": (1, 0)}


def test_no_buildings_is_not_zero(make: Make) -> None:
    with pytest.raises(MissingInput):
        measure(make())
    point = [("x", shapely.Point(0, 0), {})]
    with pytest.raises(MissingInput):
        measure(make(building=point))
