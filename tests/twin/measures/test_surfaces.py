"""Named surfaces gathered from parks written here: rooms by usage, storeys, roads, and what they are told to leave out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from tests.drawn_parks import boxed, building, drawn_park
from twin.crs import Frame
from twin.errors import MissingInput, UnknownParameter
from twin.measures.surfaces import boundary_of, gather_surface
from twin.measures.surfaces.ground import REST
from twin.model import FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.scene.gather import gather_obstacles
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def model() -> ModelContent:
    """Two storeys: an office, a canteen and a meeting room below, nothing but the outline above."""
    shapes = [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 15, 10), shapely.box(15, 0, 18, 10)]
    spaces = [
        Space(name, "m", "low", name, name, None, lonlat(shape), 500.5, 3.0, shape.area)
        for name, shape in zip(("Office 1", "Canteen", "Meeting room"), shapes, strict=True)
    ]
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    about = Model("m", "m", "IFC4", "0" * 64, place, lonlat(shapely.box(0, 0, 18, 10)), 500.0, 508.0)
    mesh = Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), [])
    return ModelContent(about, [Storey("low", "m", "1", 0.5, 500.5, 3.5), Storey("high", "m", "2", 4.0, 504.0, 3.5)], spaces, [], mesh)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def build(*, content: ModelContent | None = None, **layers: tuple[list[Any], dict[str, Any]]) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        with store.transaction() as writer:
            for kind, (shapes, columns) in layers.items():
                writer.put_layer(Layer(kind, kind, kind))
                geometry = np.array([lonlat(shape) for shape in shapes], object)
                writer.put_features(kind, FeatureTable([f"{kind}-{i}" for i in range(len(shapes))], geometry, columns), source="t")
            if content is not None:
                writer.put_model(content)
        return store

    return build


BOUNDARY = ([shapely.box(-50, -50, 50, 50)], {})


def test_rooms_are_chosen_by_usage_and_keep_their_floor(make: Make) -> None:
    store = make(content=model(), boundary=BOUNDARY)
    crowded = gather_surface(store, "crowded_rooms")
    assert {piece.name: round(piece.polygon.area, 6) for piece in crowded.pieces} == {"Canteen": 50.0, "Meeting room": 30.0}
    assert {round(piece.floor_z or 0.0, 4) for piece in crowded.pieces} == {0.5}
    assert {piece.usage for piece in crowded.pieces} == {"canteen", "meeting"}
    assert gather_surface(store, "crowded_rooms", usages=["office"]).area == pytest.approx(100, rel=1e-6)
    assert gather_surface(store, "office_and_workshop_floors").area == pytest.approx(100, rel=1e-6)
    both = gather_surface(store, "public_and_floors")
    assert both.area == pytest.approx(10_000 - 180 + 100, rel=1e-5)
    assert [piece.floor_z is None for piece in both.pieces] == [True, False]
    assert gather_surface(store, "all_reachable").warnings[0]["code"] == "rooms_missing"


def test_a_storey_is_its_rooms_or_else_its_outline(make: Make) -> None:
    store = make(content=model())
    low, high = gather_surface(store, "storey:low"), gather_surface(store, "storey:high")
    assert len(low.pieces) == 3
    assert [piece.area for piece in (piece.polygon for piece in high.pieces)] == [pytest.approx(180, rel=1e-6)]
    assert high.pieces[0].floor_z == pytest.approx(4.0, abs=1e-3)
    assert gather_surface(store, "space:Canteen").area == pytest.approx(50, rel=1e-6)


def test_roads_are_areas_and_strips_of_their_width_inside_the_park(make: Make) -> None:
    lines = [shapely.LineString([(-100, 0), (100, 0)]), shapely.LineString([(0, 20), (30, 20)])]
    store = make(boundary=BOUNDARY, road=(lines, {"width_m": [8.0, None], "class": [None, "service"]}))
    surface = gather_surface(store, "road_surface")
    assert surface.area == pytest.approx(100 * 8 + 30 * 4, rel=1e-5)
    assert surface.warnings[0] == {"code": "road_width_assumed", "subject": "road_surface", "count": 1}


def test_zones_cut_the_ground_and_the_first_counts_where_they_overlap(make: Make) -> None:
    zones = ([shapely.box(-50, -50, 0, 50), shapely.box(-10, -50, 50, 0)], {"name": ["west", "south"]})
    surface = gather_surface(make(boundary=BOUNDARY, zone=zones), "outdoor_public_ground")
    found = {piece.name: round(piece.polygon.area, 4) for piece in surface.pieces}
    assert found == {"west": 5000.0, "south": 2500.0, REST["ground"]: 2500.0}


def test_a_boundary_may_be_a_closed_line_and_broken_rings_are_mended(make: Make) -> None:
    ring = shapely.LineString([(0, 0), (10, 0), (10, 10), (0, 10), (0, 0)])
    assert boundary_of(make(boundary=([ring], {}))).area == pytest.approx(100, rel=1e-6)


def test_what_is_not_there_is_said(make: Make) -> None:
    store = make()
    assert boundary_of(store) is None
    for name in ("outdoor_public_ground", "crowded_rooms", "road_surface", "public_and_floors"):
        with pytest.raises(MissingInput, match=name):
            gather_surface(store, name)
    for name in ("ground", "outdoor_public_ground:x", "storey", "layer:roofs"):
        with pytest.raises(UnknownParameter):
            gather_surface(store, name)


def test_a_model_of_a_road_takes_no_ground_away(tmp_path: Path) -> None:
    """What stands along a road is drawn and in the way; the ground it was surveyed on stays public."""
    edge, strip = shapely.box(-50, -50, 50, 50), shapely.box(-40, -5, 40, 5)
    content = building([], outline=strip, elements=[boxed("kerb", "IfcKerb", (-40, -5, 0, 40, -4.7, 0.2))])
    for discipline, area in (("site", 10_000.0), ("architecture", 9_200.0)):
        told = replace(content, model=replace(content.model, discipline=discipline))
        store = drawn_park(tmp_path / discipline, {"edge": ("boundary", [edge], {})}, [told])
        assert gather_surface(store, "outdoor_public_ground").area == pytest.approx(area, rel=1e-6)
        assert {name for name in gather_obstacles(store, sight=True).object_ids if name.startswith("element/")} == {"element/kerb"}
