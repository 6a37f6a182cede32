"""Where the real files come to stand: class, place, turn and reason of each, against numbers read off the files and PROJ."""

from __future__ import annotations

import json
import math

import ifcopenshell
import numpy as np
import pytest
from pyproj import CRS, Proj, Transformer

from importers.ifc.georeference import georeference
from importers.ifc.setting import Setting
from importers.ifc.survey import survey
from importers.ifc.units import read_units
from twin.crs import Frame
from twin.i18n import message

SUZHOU = Frame(120.6, 31.3)


def _dms(degrees, minutes, seconds, millionths=0):
    return degrees + minutes / 60 + (seconds + millionths / 1e6) / 3600


UNNAMED = ["ifc_crs_missing", "ifc_not_georeferenced"]
UNPLACED = ["ifc_default_place", "ifc_far_from_park"]
# file -> park, class, longitude, latitude, height, turn [deg], CRS, issues
TABLE = {
    "georef/geographic-referencing-utm.ifc": (
        Frame(8.43, 49.09), "map_conversion", (458_657.30, 5_438_232.25, 25832), 113.7,
        math.degrees(math.atan2(0.962691746426, 0.270600445976)), "EPSG:25832", ["ifc_scale_read_as"],
    ),
    "georef/geographic-referencing-rigid-operation.ifc": (
        Frame(14.09, 46.36), "rigid_operation", (14.0902217, 46.3623297), 475.0, 0.0, "EPSG:4258", [],
    ),
    "georef/geolocation-mapconversion.ifc": (SUZHOU, "none", (120.6, 31.3), 0.0, 0.0, None, UNNAMED),
    "georef/geolocation-mapconversion-angle.ifc": (SUZHOU, "none", (120.6, 31.3), 0.0, 0.0, None, UNNAMED),
    "georef/geolocation-unit1.ifc": (Frame(0.0, 0.0), "map_conversion", (10.0, 0.0, 3857), 0.0, 0.0, "EPSG:3857", []),
    "arch/AC20-FZK-Haus.ifc": (
        Frame(8.43, 49.09), "site", (_dms(8, 26, 11, 540400), _dms(49, 6, 1, 566000)), 110.0, 50.0, "EPSG:4326", [],
    ),
    "arch/Duplex_A_20110907.ifc": (
        Frame(-87.6, 41.9), "site", (-_dms(87, 38, 21, 839999), _dms(41, 52, 27, 840000)), 0.0, 0.0, "EPSG:4326", [],
    ),
    "arch/Duplex_A_20110907_georeferenced.ifc": (Frame(6.1, 49.6), "property_sets", None, None, None, "EPSG:2169", ["ifc_places_disagree"]),
    "arch/Office_A_20110811.ifc": (
        SUZHOU, "site", (-_dms(71, 3, 35, 194702), _dms(42, 21, 30, 344238)), 0.0, 0.0, "EPSG:4326", UNPLACED,
    ),
    "arch/SampleHouse4.ifc": (
        SUZHOU, "site", (-_dms(0, 7, 34, 450321), _dms(51, 30, 0, 549316)), 0.0, 0.0, "EPSG:4326", UNPLACED,
    ),
    "arch/LargeBuilding.ifc": (
        SUZHOU, "site", (-_dms(71, 3, 24, 263305), _dms(42, 21, 31, 181945)), 0.0, None, "EPSG:4326", UNPLACED,
    ),
    "arch/IfcOpenHouse_IFC4.ifc": (SUZHOU, "none", (120.6, 31.3), 0.0, 0.0, None, ["ifc_not_georeferenced"]),
    "arch/great_court_roof.ifc": (SUZHOU, "none", (120.6, 31.3), 0.0, 0.0, None, ["ifc_not_georeferenced"]),
}  # fmt: skip


def _judged(path, frame):
    file = ifcopenshell.open(str(path))
    facts = json.loads(json.dumps(survey(file, read_units(file))))
    return file, georeference(facts, Setting(path.name, frame, lambda lon, lat: frame.h_m, np.array([[0.0, 0.0, 0.0], [10.0, 10.0, 5.0]])))


@pytest.mark.parametrize("name", TABLE)
def test_each_file_stands_where_it_says(shared_data, name):
    frame, kind, place, height, turn, crs, codes = TABLE[name]
    _, found = _judged(shared_data / "ifc" / name, frame)
    told = found.told
    assert (told.kind, told.crs, [issue.code for issue in found.issues]) == (kind, crs, codes)
    if place is not None:
        lonlat = place if len(place) == 2 else Transformer.from_crs(place[2], 4326, always_xy=True).transform(*place[:2])
        assert np.hypot(*Frame(*lonlat).to_enu([told.lonlat])[0, :2]) < 0.01
        assert told.height_m == pytest.approx(height, abs=1e-6)
        grid = 0.0 if len(place) == 2 else Proj(CRS.from_epsg(place[2])).get_factors(*lonlat).meridian_convergence
        assert turn is None or told.rotation_deg == pytest.approx(turn - grid, abs=2e-3)
    assert told.reason == message(told.reason_code, "en", **told.reason_details)
    assert "{" not in message(told.reason_code, "zh", **told.reason_details)


def test_the_property_sets_of_the_duplex_are_its_place(shared_data):
    """The numbers of the sets, read off the file by hand, through PROJ."""
    file, found = _judged(shared_data / "ifc/arch/Duplex_A_20110907_georeferenced.ifc", Frame(6.1, 49.6))
    values = {
        item.Name: item.NominalValue.wrappedValue
        for pset in file.by_type("IfcPropertySet")
        if pset.Name.lower() == "epset_mapconversion"
        for item in pset.HasProperties
    }
    lonlat = Transformer.from_crs(2169, 4326, always_xy=True).transform(float(values["Eastings"]), float(values["Northings"]))
    assert np.hypot(*Frame(*lonlat).to_enu([found.told.lonlat])[0, :2]) < 0.02
    grid = math.degrees(math.atan2(float(values["XAxisOrdinate"]), float(values["XAxisAbscissa"])))
    convergence = Proj(CRS.from_epsg(2169)).get_factors(*lonlat).meridian_convergence
    assert math.remainder(found.told.rotation_deg - (grid - convergence), 360.0) == pytest.approx(0.0, abs=2e-3)


def test_the_same_model_in_a_park_at_its_latitude_and_longitude_stands_there(shared_data):
    _, found = _judged(shared_data / "ifc/arch/Duplex_A_20110907_georeferenced.ifc", Frame(-87.6, 41.9))
    assert (found.told.kind, [issue.code for issue in found.issues]) == ("site", ["ifc_map_conversion_far"])
