"""The IFC files: schema-valid, whole, and exactly on their footprints by whatever way they say where they are."""

from functools import cache
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import ifcopenshell.util.element
import ifcopenshell.util.geolocation
import ifcopenshell.util.unit
import ifcopenshell.validate
import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer

from sample_park import DATA
from sample_park.buildings_ifc.compose import RECIPES, plans, zero_height
from sample_park.buildings_ifc.walls import net_areas
from sample_park.frame import enu_to_plan, frame
from sample_park.parking import garage_outline
from sample_park.plan import BUILDINGS

KEYS = tuple(RECIPES)
SCHEMAS = {"tower": "IFC4", "research": "IFC4", "factory": "IFC4X3_ADD2", "canteen": "IFC2X3", "data_centre": "IFC4", "garage": "IFC4"}
ELEMENTS = {
    "tower": (1500, 3100),
    "research": (1500, 3000),
    "factory": (400, 2000),
    "canteen": (600, 2000),
    "data_centre": (800, 2000),
    "garage": (1000, 2500),
}


@cache
def opened(key: str) -> Any:
    return ifcopenshell.open(str(DATA / f"{key}.ifc"))


def to_lonlat(model: Any, points: np.ndarray) -> np.ndarray:
    """Longitude, latitude and height of points in the model's axes [m], by the file's own georeferencing."""
    per_metre = 1 / ifcopenshell.util.unit.calculate_unit_scale(model)
    site = model.by_type("IfcSite")[0]
    if site.RefLatitude:
        lat, lon = (
            sum(part / base for part, base in zip(angle, (1, 60, 3600, 3.6e9), strict=True))
            for angle in (site.RefLatitude, site.RefLongitude)
        )
        north = ifcopenshell.util.geolocation.get_true_north(model)
        turns, away = np.degrees(np.arctan2(points[:, 0], points[:, 1])) + north, np.hypot(points[:, 0], points[:, 1])
        found = [Geod(ellps="WGS84").fwd(lon, lat, turn, distance)[:2] for turn, distance in zip(turns, away, strict=True)]
        return np.column_stack([found, points[:, 2] + site.RefElevation / per_metre])
    crs = (
        ifcopenshell.util.element.get_psets(site)["ePSet_ProjectedCRS"]["Name"]
        if model.schema == "IFC2X3"
        else model.by_type("IfcProjectedCRS")[0].Name
    )
    grid = np.array([ifcopenshell.util.geolocation.auto_xyz2enh(model, *(point * per_metre)) for point in points])
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(grid[:, 0], grid[:, 1])
    return np.column_stack([lon, lat, grid[:, 2]])


@cache
def slabs(key: str) -> shapely.Geometry:
    """The ground the model's slabs cover, in plan metres, placed by its own georeferencing."""
    model = opened(key)
    settings = ifcopenshell.geom.settings()
    settings.set("use-world-coords", True)
    covered: list[Any] = []
    for slab in model.by_type("IfcSlab"):
        if slab.Representation and slab.PredefinedType != "LANDING":
            geometry = ifcopenshell.geom.create_shape(settings, slab).geometry
            vertices = np.array(geometry.verts).reshape(-1, 3)
            faces = np.array(geometry.faces).reshape(-1, 3)
            flat = enu_to_plan(frame().to_enu(to_lonlat(model, vertices))[:, :2])
            triangles = shapely.polygons(flat[faces])
            covered.append(shapely.union_all(triangles[shapely.area(triangles) > 1e-6].tolist()))
    return shapely.union_all(covered)


@pytest.mark.parametrize("key", KEYS)
def test_schema_and_sizes(key: str) -> None:
    model = opened(key)
    assert model.schema_identifier == SCHEMAS[key]
    elements = [element for element in model.by_type("IfcElement") if not element.is_a("IfcOpeningElement")]
    least, most = ELEMENTS[key]
    assert least <= len(elements) <= most
    assert (DATA / f"{key}.ifc").stat().st_size < 2_000_000


@pytest.mark.parametrize("key", KEYS)
def test_the_file_obeys_its_schema(key: str) -> None:
    log = ifcopenshell.validate.json_logger()
    ifcopenshell.validate.validate(opened(key), log)
    assert log.statements == []


@pytest.mark.parametrize("key", KEYS)
def test_the_model_stands_on_its_footprint(key: str) -> None:
    wanted = garage_outline() if key == "garage" else next(b.outline for b in BUILDINGS if b.id == plans()[key].building_id)
    found = slabs(key)
    assert found.intersection(wanted).area / found.union(wanted).area > 0.99


@pytest.mark.parametrize("key", KEYS)
def test_its_zero_is_the_ground(key: str) -> None:
    heights = to_lonlat(opened(key), np.zeros((2, 3)))[:, 2]
    assert heights == pytest.approx([zero_height(plans()[key])] * 2, abs=0.002)


def test_the_models_say_where_they_are_in_different_ways() -> None:
    crs = {key: opened(key).by_type("IfcProjectedCRS")[0].Name for key in ("tower", "research", "factory", "garage")}
    assert crs == {"tower": "EPSG:4544", "research": "EPSG:4544", "factory": "EPSG:32648", "garage": "EPSG:4544"}
    assert opened("data_centre").by_type("IfcSite")[0].RefLatitude
    assert not opened("data_centre").by_type("IfcMapConversion")
    assert "ePSet_MapConversion" in ifcopenshell.util.element.get_psets(opened("canteen").by_type("IfcSite")[0])
    assert ifcopenshell.util.unit.calculate_unit_scale(opened("research")) == 0.001


@pytest.mark.parametrize("key", KEYS)
def test_spaces_carry_the_plans_ids_names_and_areas(key: str) -> None:
    plan = plans()[key]
    spaces = {space.GlobalId: space for space in opened(key).by_type("IfcSpace")}
    rooms = {plan.space_id(level.key, room): (area, level) for level in plan.levels for room, area in net_areas(level).items()}
    assert spaces.keys() == rooms.keys()
    for identity, (area, level) in rooms.items():
        space = spaces[identity]
        assert ifcopenshell.util.element.get_aggregate(space).GlobalId == plan.storey_id(level.key)
        psets = ifcopenshell.util.element.get_psets(space)
        assert psets["Qto_SpaceBaseQuantities"]["NetFloorArea"] == pytest.approx(area.area, abs=0.001)
        assert psets["园区房间信息"]["房间用途"]
        assert not space.LongName.isascii()


@pytest.mark.parametrize("key", KEYS)
def test_every_door_fills_an_opening_or_stands_in_a_curtain_wall(key: str) -> None:
    doors = opened(key).by_type("IfcDoor")
    assert doors
    loose = [door for door in doors if not door.FillsVoids]
    storeys = {ifcopenshell.util.element.get_container(door).Name for door in loose}
    assert storeys <= {"1F", "G0"} if opened(key).by_type("IfcCurtainWall") else not loose


@pytest.mark.parametrize("key", KEYS)
def test_walls_say_their_layers_fire_rating_and_whether_they_are_outside(key: str) -> None:
    walls = [wall for wall in opened(key).by_type("IfcWall") if wall.Name.endswith(tuple("0123456789"))]
    for wall in walls:
        common = ifcopenshell.util.element.get_psets(wall)["Pset_WallCommon"]
        assert common["FireRating"].endswith("h")
        assert isinstance(common["IsExternal"], bool)
        material = ifcopenshell.util.element.get_material(wall, should_skip_usage=True)
        assert material.is_a("IfcMaterialLayerSet")
        assert sum(layer.LayerThickness for layer in material.MaterialLayers) > 0


@pytest.mark.parametrize("key", ["tower", "research", "canteen", "data_centre"])
def test_there_are_stairs_services_and_classes(key: str) -> None:
    model = opened(key)
    assert len(model.by_type("IfcStairFlight")) == 2 * len(model.by_type("IfcStair"))
    systems = model.by_type("IfcSystem")
    assert len(systems) >= 2
    assert all(system.IsGroupedBy for system in systems)
    assert model.by_type("IfcClassificationReference")
    assert any(not any(ord(c) < 128 for c in pset.Name) for pset in model.by_type("IfcPropertySet"))


@pytest.mark.parametrize("key", ["factory", "canteen"])
def test_every_body_can_be_built(key: str) -> None:
    model = opened(key)
    iterator = ifcopenshell.geom.iterator(ifcopenshell.geom.settings(), model, 1)
    assert iterator.initialize()
    built = set()
    while True:
        shape = iterator.get()
        if len(shape.geometry.faces):
            built.add(shape.guid)
        if not iterator.next():
            break
    wanted = {product.GlobalId for product in model.by_type("IfcElement") if product.Representation}
    assert wanted <= built
