"""The six models: for each its plan, schema, unit, way of georeferencing and what stands on its storeys."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sample_park import frame, terrain
from sample_park.buildings_ifc import canteen, data_centre, factory, garage, research, tower
from sample_park.buildings_ifc.enclosure import enclose
from sample_park.buildings_ifc.floor import Floor
from sample_park.buildings_ifc.interior import furnish, spaces
from sample_park.buildings_ifc.model import Model, open_model
from sample_park.buildings_ifc.rooms import Plan
from sample_park.buildings_ifc.services import Spacing, serve
from sample_park.buildings_ifc.site import by_map_conversion, by_property_sets, by_site, skeleton
from sample_park.buildings_ifc.structure import columns, lifts, parapet, slab, stairs


@dataclass(frozen=True)
class Recipe:
    """How one building becomes a file."""

    plan: Callable[[], Plan]
    schema: str
    locate: Callable[[Model, Plan, float], None]
    structure: Callable[[Floor], None]
    spacing: Spacing
    millimetres: bool = False


def _framed(places: Sequence[tuple[float, float]], size_m: float, crown: Callable[[Floor], None] | None = None) -> Callable[[Floor], None]:
    """Slabs and concrete columns on every storey, a parapet on the roof, and what stands there."""

    def build(floor: Floor) -> None:
        slab(floor, roof=floor.last)
        if not floor.last:
            columns(floor, places, (size_m, size_m), floor.level.height_m - 0.15)
            return
        parapet(floor)
        if crown:
            crown(floor)

    return build


def _national(model: Model, plan: Plan, height_m: float) -> None:
    by_map_conversion(model, plan, height_m, frame.GRID_CRS)


def _utm(model: Model, plan: Plan, height_m: float) -> None:
    by_map_conversion(model, plan, height_m, frame.UTM_CRS, scaled=True)


def _legacy(model: Model, plan: Plan, height_m: float) -> None:
    by_property_sets(model, plan, height_m, frame.GRID_CRS)


RECIPES: Mapping[str, Recipe] = {
    "tower": Recipe(tower.plan, "IFC4", _national, _framed(tower.COLUMNS, 0.8), Spacing(14.0, 14.0, 0.0)),
    "research": Recipe(research.plan, "IFC4", _national, _framed(research.COLUMNS, 0.6), Spacing(9.0, 9.0, 0.0), millimetres=True),
    "factory": Recipe(factory.plan, "IFC4X3_ADD2", _utm, factory.build, Spacing(6.0, 12.0, 8.0, 96)),
    "canteen": Recipe(canteen.plan, "IFC2X3", _legacy, _framed(canteen.COLUMNS, 0.6), Spacing(5.0, 6.0, 6.0)),
    "data_centre": Recipe(
        data_centre.plan, "IFC4", by_site, _framed(data_centre.COLUMNS, 0.7, data_centre.chillers), Spacing(5.0, 0.0, 6.0)
    ),
    "garage": Recipe(garage.plan, "IFC4", _national, garage.build, Spacing(8.0, 0.0, 8.0, 100)),
}


@cache
def plans() -> Mapping[str, Plan]:
    """The plans of the six buildings by key."""
    return {key: recipe.plan() for key, recipe in RECIPES.items()}


def zero_height(plan: Plan) -> float:
    """Height of a building's zero. [m, park datum]"""
    return terrain.plaza_height() if plan.key == "garage" else terrain.base_height(plan.building_id)


def compose(key: str) -> str:
    """The text of one building's IFC file."""
    recipe = RECIPES[key]
    plan = plans()[key]
    model = open_model(key, recipe.schema, millimetres=recipe.millimetres)
    height = zero_height(plan)
    for floor in skeleton(model, plan, height):
        recipe.structure(floor)
        spaces(floor)
        enclose(floor)
        stairs(floor)
        if floor.number == 0:
            lifts(floor)
        furnish(floor)
        serve(floor, recipe.spacing)
    recipe.locate(model, plan, height)
    return model.finish()


def write_models(folder: Path) -> None:
    """All six files."""
    for key in RECIPES:
        (folder / f"{key}.ifc").write_text(compose(key), encoding="utf-8", newline="\n")
