"""Models among the buildings of a park: laid on footprints, compared with them, above and below the ground."""

from __future__ import annotations

import json
import math

import ifcopenshell
import numpy as np
import pyogrio
import pytest
import shapely
import trimesh
from lxml import etree
from pyproj import Transformer

from importers.contract import Context, Footprint, Options
from importers.ifc import IMPORTER
from importers.ifc.drawing import Drawing
from importers.ifc.mesh import Body, merged
from importers.ifc.parts import Shape
from importers.ifc.pose import Pose, moved
from importers.ifc.standing import stand
from importers.ifc.survey import survey
from importers.ifc.units import read_units
from twin.crs import Frame
from twin.i18n import hint, message
from twin.model import Park, Terrain

FRAME = Frame(120.6, 31.3, 0.0)
ELL = shapely.box(0, 0, 30, 12).union(shapely.box(0, 0, 10, 25))
OBLONG = shapely.box(0, 0, 20, 12)
FLOORS = [
    {"name": "1F", "z_m": 0.0, "elevation_m": 0.0, "building_z_m": 0.0},
    {"name": "2F", "z_m": 3.0, "elevation_m": 3.0, "building_z_m": 0.0},
]


def _prism(area, low, high):
    """A body over an area: triangles of floor, ceiling and sides."""
    mesh = trimesh.creation.extrude_polygon(area, high - low)
    shape = Shape(
        np.asarray(mesh.vertices) + np.array([0, 0, low]),
        np.asarray(mesh.faces, np.int32),
        np.full((len(mesh.faces), 4), np.nan, np.float32),
    )
    return Body("k", 0.0, False, [(shape, np.eye(4))])


@pytest.fixture
def standing(tmp_path):
    """Where a house with walls over an area comes to stand in a park with the footprints given."""

    def stood(house, area, footprints=(), *, frame=FRAME, terrain=None, z=0.0, **options):
        file = ifcopenshell.open(str(house.save(tmp_path / "house.ifc")))
        walls = area.difference(area.buffer(-0.3, join_style="mitre"))
        known = {1: _prism(walls, z, z + 3.0), 2: _prism(area, z - 0.2, z)}
        drawing = Drawing([{"step": 1, "class": "IfcWall"}, {"step": 2, "class": "IfcSlab"}], {}, known, merged(list(known.values())))
        storeys = [{**floor, "z_m": floor["z_m"] + z, "building_z_m": z} for floor in FLOORS]
        content = {"geo": json.loads(json.dumps(survey(file, read_units(file)))), "storeys": storeys}
        return stand(
            content, drawing, "house.ifc", Context(Park("p", frame), Options(**options), terrain, footprints=lambda: list(footprints))
        )

    return stood


def _footprint(area, pose, name="B", base=4.0, frame=FRAME):
    return Footprint(name, name, frame.unproject(moved(area, pose)), base)


def _codes(found):
    return [issue.code for issue in found.issues]


def _issue(found, code):
    return next(issue for issue in found.issues if issue.code == code)


def _laid(found, area, z=0.0):
    """The area where the placement puts it (shapely, enu)."""
    return shapely.transform(area, lambda x: found.placement.to_enu(np.column_stack([x, np.full(len(x), z)]))[:, :2])


def _site(house, x, y, turn_deg=0.0, elevation=4.0):
    """Says in the file that the site's origin is at x, y in the park, the model turned."""
    lon, lat, _ = FRAME.to_lonlat([[x, y, 0.0]])[0]

    def parts(value):
        micro = round(value * 3.6e9)
        return (micro // 3_600_000_000, micro // 60_000_000 % 60, micro // 1_000_000 % 60, micro % 1_000_000)

    house.site.RefLatitude, house.site.RefLongitude, house.site.RefElevation = parts(lat), parts(lon), elevation
    turn = math.radians(turn_deg)
    house.context.TrueNorth = house.file.create_entity("IfcDirection", (math.sin(turn), math.cos(turn)))


def test_a_model_without_place_goes_onto_its_building(new_house, standing):
    pose = Pose(2.1, 150.0, -80.0)
    found = standing(new_house(), ELL, [_footprint(OBLONG, Pose(0, 0, 0), "other"), _footprint(ELL, pose)], place="footprint")
    assert (found.told.kind, _codes(found)) == ("footprint", ["ifc_on_footprint"])
    assert _laid(found, ELL).hausdorff_distance(moved(ELL, pose)) < 0.005
    assert FRAME.to_lonlat(found.placement.to_enu(np.array([[5.0, 5.0, 0.0]])))[0, 2] == pytest.approx(4.0, abs=1e-4)
    issue = _issue(found, "ifc_on_footprint")
    assert issue.details["rms_m"] < 0.01
    for lang in ("en", "zh"):
        text = message(issue.code, lang, subject=issue.subject, **issue.details)
        assert "B" in text
        assert "{" not in text


def test_what_is_told_puts_the_model_there_again(new_house, standing):
    """The options listed for an ambiguous model, given one after the other, end on the footprint."""
    pose = Pose(0.4, 60.0, 30.0)
    footprint = _footprint(OBLONG, pose)
    found = standing(new_house(), OBLONG, [footprint], place="footprint")
    assert found.told.kind == "none"
    issue = _issue(found, "ifc_footprint_ambiguous")
    assert issue.details["count"] == 2
    options = [part.split("--place ")[1] for part in str(issue.details["candidates"]).split("; ")]
    assert len(options) == 2
    for option in options:
        again = standing(new_house(), OBLONG, [footprint], place=option)
        assert again.told.kind == "given"
        assert _laid(again, OBLONG).hausdorff_distance(moved(OBLONG, pose)) < 0.01
        assert _codes(again) == []


def test_confirmation_takes_the_best_of_many_and_says_so(new_house, standing):
    pose = Pose(0.4, 60.0, 30.0)
    found = standing(new_house(), OBLONG, [_footprint(OBLONG, pose)], place="footprint", is_confirmed=True)
    assert found.told.kind == "footprint"
    assert _laid(found, OBLONG).hausdorff_distance(moved(OBLONG, pose)) < 0.005
    assert "ifc_on_footprint_confirmed" in _codes(found)


def test_the_files_north_decides_and_that_is_said(new_house, standing):
    pose = Pose(0.4, 60.0, 30.0)
    house = new_house()
    _site(house, 40.0, 20.0, turn_deg=math.degrees(0.4) + 180 - 12)
    found = standing(house, OBLONG, [_footprint(OBLONG, pose)], place="footprint")
    assert _codes(found) == ["ifc_on_footprint_by_north"]
    assert math.remainder(found.told.rotation_deg - math.degrees(0.4) - 180, 360) == pytest.approx(0.0, abs=0.01)


def test_a_row_of_like_houses_needs_the_files_place(new_house, standing):
    row = [_footprint(ELL, Pose(0.4, 45.0 * k, 0.0), f"House {k}") for k in range(5)]
    free = standing(new_house(), ELL, row, place="footprint")
    assert _issue(free, "ifc_footprint_ambiguous").details["count"] == 5
    house = new_house()
    _site(house, 45.0 * 3 + 2.0, -1.0, turn_deg=math.degrees(0.4))
    found = standing(house, ELL, row, place="footprint")
    assert _codes(found) == ["ifc_on_footprint_by_place"]
    assert _issue(found, "ifc_on_footprint_by_place").details["building"] == "House 3"


def test_no_building_and_unlike_buildings_are_told(new_house, standing):
    assert _codes(standing(new_house(), ELL, place="footprint"))[-1] == "ifc_footprint_none"
    found = standing(new_house(), ELL, [_footprint(shapely.box(0, 0, 9, 4), Pose(0, 50, 50))], place="footprint")
    assert (found.told.kind, _codes(found)[-1]) == ("none", "ifc_footprint_unlike")


def test_a_model_beside_its_building_is_told_by_how_much(new_house, standing):
    pose = Pose(0.4, 60.0, 30.0)
    house = new_house()
    _site(house, 60.0 + 9.0, 30.0 - 12.0, turn_deg=math.degrees(0.4) - 8.0)
    found = standing(house, ELL, [_footprint(ELL, pose)])
    assert found.told.kind == "site"
    issue = _issue(found, "ifc_beside_footprint")
    middle = np.array([[15.0, 12.5, 0.0]])
    apart = float(np.linalg.norm(found.placement.to_enu(middle)[0, :2] - pose(middle[:, :2])[0]))
    assert issue.details["metres"] == pytest.approx(apart, abs=0.02)
    assert issue.details["degrees"] == pytest.approx(8.0, abs=0.05)
    assert "--place footprint" in hint(issue.code, "zh", subject="", **issue.details)
    again = standing(house, ELL, [_footprint(ELL, pose)], place=issue.details["place"])
    assert _laid(again, ELL).hausdorff_distance(moved(ELL, pose)) < 0.01


def test_a_model_on_its_building_raises_nothing(new_house, standing):
    pose = Pose(0.4, 60.0, 30.0)
    house = new_house()
    _site(house, 60.1, 29.9, turn_deg=math.degrees(0.4))
    assert _codes(standing(house, ELL, [_footprint(ELL, pose)])) == []


def test_a_model_on_no_building_is_told_the_nearest(new_house, standing):
    house = new_house()
    _site(house, 300.0, 0.0, turn_deg=30.0)
    found = standing(house, ELL, [_footprint(shapely.box(0, 0, 9, 4), Pose(0, 0, 0))])
    issue = _issue(found, "ifc_on_no_footprint")
    assert issue.details["metres"] == pytest.approx(302.0, abs=12.0)
    assert issue.details["degrees"] == pytest.approx(30.0, abs=0.1)


def test_a_model_without_place_is_told_its_building(new_house, standing):
    found = standing(new_house(), ELL, [_footprint(ELL, Pose(0.4, 60.0, 30.0))])
    assert _codes(found) == ["ifc_not_georeferenced", "ifc_seems_building"]


def _terrain(height):
    return Terrain(-500.0, -500.0, 100.0, np.full((11, 11), height, np.float32))


@pytest.mark.parametrize(
    ("elevation", "code", "metres"), [(4.0, None, 0.0), (4.6, None, 0.0), (40.0, "ifc_model_floats", 36.0), (-8.0, "ifc_model_sinks", 12.0)]
)
def test_floating_and_sunken_models_are_told_what_mends_them(new_house, standing, elevation, code, metres):
    house = new_house()
    _site(house, 10.0, 10.0, elevation=elevation)
    found = standing(house, ELL, terrain=_terrain(4.0))
    assert _codes(found) == ([code] if code else [])
    if code:
        issue = _issue(found, code)
        assert issue.details["metres"] == pytest.approx(metres, abs=0.01)
        assert issue.details["storey"] == "1F"
        mended = standing(house, ELL, terrain=_terrain(4.0), height_offset_m=float(issue.details["offset"]))
        assert not {"ifc_model_floats", "ifc_model_sinks"} & set(_codes(mended))
        assert mended.height_offset_m == float(issue.details["offset"])


def test_the_ground_floor_stands_on_the_footprint_wherever_the_model_counts_from(new_house, standing):
    pose = Pose(1.0, -40.0, 90.0)
    found = standing(new_house(), ELL, [_footprint(ELL, pose, base=7.25)], place="footprint", z=115.0)
    assert FRAME.to_lonlat(found.placement.to_enu(np.array([[5.0, 5.0, 115.0]])))[0, 2] == pytest.approx(7.25, abs=1e-4)


@pytest.mark.parametrize("away", [500_000.0, 4_000_000.0])
def test_coordinates_far_from_the_origin_cost_no_precision(new_house, standing, away):
    pose = Pose(1.0, -40.0, 90.0)
    area = shapely.transform(ELL, lambda x: x + away)
    found = standing(new_house(), area, [_footprint(ELL, pose)], place="footprint")
    assert _laid(found, area).hausdorff_distance(moved(ELL, pose)) < 0.005
    ends = found.placement.to_enu(np.array([[away, away, 0.0], [away + 30.0, away, 0.0]]))
    assert np.linalg.norm(ends[1] - ends[0]) == pytest.approx(30.0, abs=1e-6)


def _conversion(house, datum):
    file = house.file
    east, north = Transformer.from_crs(4326, 4549, always_xy=True).transform(120.6, 31.3)
    crs = file.create_entity("IfcProjectedCRS", Name="EPSG:4549", VerticalDatum=datum, MapUnit=house.unit(1.0))
    file.create_entity("IfcMapConversion", house.context, crs, east, north, 40.0)


def test_the_vertical_datum_of_the_file_is_told_and_an_offset_mends_it(new_house, standing):
    house = new_house()
    _conversion(house, "1985国家高程基准")
    found = standing(house, ELL)
    assert (found.height_datum, found.told.height_m) == ("EPSG:5737", pytest.approx(40.0))
    assert _codes(found) == ["height_datum_differs"]
    mended = standing(house, ELL, height_offset_m=8.75)
    assert (mended.told.height_m, mended.height_offset_m) == (pytest.approx(48.75), pytest.approx(8.75))
    assert _codes(mended) == ["height_offset_applied"]


def test_a_height_of_the_parks_own_datum_stays(new_house, standing):
    house = new_house()
    _conversion(house, "ellipsoidal")
    found = standing(house, ELL)
    assert (found.height_datum, found.told.height_m, _codes(found)) == ("ellipsoidal", pytest.approx(40.0), [])


def test_a_marker_left_at_the_origin_does_not_pull_the_model_away(new_house, tmp_path):
    house = new_house()
    _conversion(house, None)
    crs = house.file.by_type("IfcMapConversion")[0]
    east, north = crs.Eastings, crs.Northings
    crs.Eastings = crs.Northings = 0.0
    file = ifcopenshell.open(str(house.save(tmp_path / "house.ifc")))
    area = shapely.transform(ELL, lambda x: x + np.array([east, north]))
    known = {1: _prism(area, 0.0, 3.0), 2: _prism(area, 3.0, 3.2), 3: _prism(shapely.box(0, 0, 1, 1), 0.0, 1.0)}
    drawing = Drawing([{"step": k, "class": "IfcWall"} for k in known], {}, known, merged(list(known.values())))
    content = {"geo": json.loads(json.dumps(survey(file, read_units(file)))), "storeys": FLOORS}
    found = stand(content, drawing, "house.ifc", Context(Park("p", FRAME), Options()))
    assert "ifc_strays" in _codes(found)
    corner = found.placement.to_enu(np.array([[east, north, -40.0]]))[0]
    assert np.allclose(corner, [0.0, 0.0, 0.0], atol=0.01)


def test_control_points_place_a_model(new_house, standing, tmp_path):
    pose = Pose(0.7, 200.0, 100.0)
    local = np.array([[0.0, 0.0], [30.0, 0.0], [10.0, 25.0], [0.0, 25.0]])
    lonlat = FRAME.to_lonlat(pose(local))
    rows = [f"P{k},{x},{y},0,{lon:.10f},{lat:.10f},12.5" for k, ((x, y), (lon, lat, _)) in enumerate(zip(local, lonlat, strict=True))]
    table = tmp_path / "points.csv"
    table.write_text("\n".join(["name,x,y,z,lon,lat,h", *rows]), "utf-8")
    found = standing(new_house(), ELL, control=str(table))
    assert found.told.kind == "control"
    assert _laid(found, ELL).hausdorff_distance(moved(ELL, pose)) < 0.01
    assert FRAME.to_lonlat(found.placement.to_enu(np.zeros((1, 3))))[0, 2] == pytest.approx(12.5, abs=1e-3)


TO_LONLAT = Transformer.from_crs(25832, 4326, always_xy=True)


def _ground_surface(path):
    """The corners of the ground surface of a CityGML building (n, 3), eastings and northings of EPSG:25832."""
    text = etree.parse(str(path)).xpath('//*[local-name()="GroundSurface"]//*[local-name()="posList"]/text()')[0]
    return np.array(text.split(), float).reshape(-1, 3)


@pytest.fixture(scope="session")
def bodies_kept(tmp_path_factory):
    """Where the bodies of the house are kept, so that they are built once."""
    return tmp_path_factory.mktemp("cache")


def _house(shared_data, kept, frame, footprint, **options):
    path = shared_data / "ifc/arch/AC20-FZK-Haus.ifc"
    imported = IMPORTER.read(path, Context(Park("p", frame), Options(**options), footprints=lambda: [footprint], cache=kept))
    model = imported.models[0].model
    walls = [element for element in imported.models[0].elements if element.name.startswith("Wand-Ext-ERDG")]
    mesh = imported.models[0].mesh
    chosen = {imported.models[0].mesh.element_ids.index(wall.id) for wall in walls}
    used = np.unique(mesh.faces[np.isin(mesh.face_element, list(chosen))])
    return imported, model, shapely.convex_hull(shapely.multipoints(mesh.vertices[used][:, :2]))


def test_the_house_and_the_city_models_building_disagree_and_that_is_told(shared_data, bodies_kept):
    """The two are of two shapes, 12 × 10 m and 10 × 5 m: no motion lays one on the other, and none is made unasked."""
    corners = _ground_surface(shared_data / "citymodel/FZK_Building_LOD2-EPSG25832.gml")
    lonlat = np.column_stack(TO_LONLAT.transform(corners[:, 0], corners[:, 1]))
    footprint = Footprint("GML", "GML", shapely.Polygon(lonlat), float(corners[:, 2].min()))
    frame = Frame(*lonlat[0])
    imported, model, _ = _house(shared_data, bodies_kept, frame, footprint)
    issue = next(issue for issue in imported.issues if issue.code == "ifc_on_no_footprint")
    centre = frame.project(model.outline).centroid
    target = frame.project(footprint.outline).centroid
    assert issue.details["metres"] == pytest.approx(centre.distance(target), abs=0.5)
    convergence = (
        math.degrees(
            math.atan2(
                *(
                    frame.project(footprint.outline).exterior.coords[1][k] - frame.project(footprint.outline).exterior.coords[0][k]
                    for k in (1, 0)
                )
            )
        )
        % 90
    )
    expected = abs(math.remainder(50.0 - convergence, 90.0))
    assert issue.details["degrees"] == pytest.approx(expected, abs=0.1)
    asked, model, _ = _house(shared_data, bodies_kept, frame, footprint, place="footprint")
    assert model.georeferencing.kind == "site"
    assert "ifc_footprint_unlike" in [issue.code for issue in asked.issues]
    _, model, walls = _house(shared_data, bodies_kept, frame, footprint, place="footprint", is_confirmed=True)
    assert model.georeferencing.kind == "footprint"
    outline = frame.project(footprint.outline)
    assert shapely.distance(walls.boundary, shapely.points(shapely.get_coordinates(outline))).max() < 0.05


@pytest.mark.parametrize("turn_deg", [37.0, 61.5, -128.0])
def test_the_house_comes_onto_a_city_model_of_itself(shared_data, bodies_kept, turn_deg):
    """Its walls, 12 × 10 m, in a map's coordinates: within 5 cm, told apart from upside down by the file's own north at 50°."""
    turn = math.radians(turn_deg)
    corners = np.array([(0, 0), (12, 0), (12, 10), (0, 10)]) @ np.array(
        [[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]]
    )
    lonlat = np.column_stack(TO_LONLAT.transform(458_875.0 + corners[:, 0], 5_438_350.0 + corners[:, 1]))
    frame = Frame(*lonlat[0])
    footprint = Footprint("GML", "GML", shapely.Polygon(lonlat), 112.0)
    before, _, _ = _house(shared_data, bodies_kept, frame, footprint)
    assert "ifc_beside_footprint" in [issue.code for issue in before.issues]
    _, model, walls = _house(shared_data, bodies_kept, frame, footprint, place="footprint")
    outline = frame.project(footprint.outline)
    assert model.georeferencing.kind == "footprint"
    assert walls.hausdorff_distance(outline) < 0.05
    assert walls.intersection(outline).area / walls.union(outline).area > 0.998
    assert abs(math.remainder(model.georeferencing.rotation_deg - 50.0, 360.0)) < 20.0
    assert frame.project(model.outline).buffer(0.01).covers(outline)  # the roof reaches over by half a metre


def _extruded(house, area):
    """Walls and a slab over a polygon whose corners are metres."""
    file = house.file
    points = [file.create_entity("IfcCartesianPoint", tuple(map(float, corner))) for corner in shapely.get_coordinates(area.exterior)[:-1]]
    ring = file.create_entity("IfcPolyline", [*points, points[0]])
    profile = file.create_entity("IfcArbitraryClosedProfileDef", "AREA", None, ring)
    up = file.create_entity("IfcDirection", (0.0, 0.0, 1.0))
    for kind, low, high in (("IfcSlab", -0.3, 0.0), ("IfcWall", 0.0, 3.0)):
        product = house.box(kind, kind, (1.0, 1.0, 1.0))
        origin = file.create_entity("IfcAxis2Placement3D", file.create_entity("IfcCartesianPoint", (0.0, 0.0, low)))
        house.shape(product, file.create_entity("IfcExtrudedAreaSolid", profile, origin, up, high - low))


@pytest.mark.parametrize(("path", "layer"), [("gis/goteborg/buildings.shp", None), ("gis/bubenec.gpkg", "buildings")])
def test_models_of_real_buildings_come_home(shared_data, new_house, tmp_path, path, layer):
    """IFC files extruded from footprints of a town, each said to be 120 m off and turned by 12°."""
    table = pyogrio.read_dataframe(shared_data / path, layer=layer).to_crs(4326)
    outlines = [shape for shape in table.geometry if shape.geom_type == "Polygon" and len(shape.exterior.coords) > 8]
    frame = Frame(*outlines[0].centroid.coords[0])
    town = [Footprint(str(k), str(k), shape, 5.0) for k, shape in enumerate(outlines)]
    rng, clear = np.random.default_rng(4), 0
    for k in rng.choice(len(town), 3, replace=False).tolist():
        area = frame.project(outlines[k])
        turn, middle = rng.uniform(-math.pi, math.pi), np.array(area.centroid.coords[0])
        house = new_house("IFC4")
        _extruded(house, moved(shapely.transform(shapely.Polygon(area.exterior), lambda x, m=middle: x - m), Pose(-turn, 0.0, 0.0)))
        lon, lat, _ = frame.to_lonlat([middle + np.array([100.0, -66.0])])[0].tolist()
        told = house.save(tmp_path / f"{k}.ifc")
        options = Options(place="footprint")
        imported = IMPORTER.read(told, Context(Park("p", frame), options, footprints=lambda: town))
        model = imported.models[0].model
        code = imported.issues[0].code
        if model.georeferencing.kind != "footprint":
            assert code in {"ifc_not_georeferenced", "ifc_footprint_ambiguous"}  # another house of the town is like it
            continue
        clear += 1
        assert code == "ifc_on_footprint"
        assert next(issue.details["building_id"] for issue in imported.issues if issue.code == code) == str(k)
        corners = shapely.points(imported.models[0].mesh.vertices[:, :2])
        assert shapely.distance(shapely.Polygon(area.exterior).exterior, corners).max() < 0.05
        offered = f"{lon:.8f},{lat:.8f},5,{math.degrees(turn) + 12:.4f}"
        beside = IMPORTER.read(told, Context(Park("p", frame), Options(place=offered), footprints=lambda: town))
        issue = next(issue for issue in beside.issues if issue.code == "ifc_beside_footprint")
        assert issue.details["building_id"] == str(k)
        assert issue.details["metres"] == pytest.approx(math.hypot(100.0, 66.0), abs=0.2 * math.sqrt(area.area))
        assert issue.details["degrees"] == pytest.approx(-12.0, abs=0.1)
    assert clear > 0
