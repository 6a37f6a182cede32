"""Real city models: class counts, heights and areas against readings of the files' own numbers."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from importers.citymodel import IMPORTER
from importers.contract import Context, Imported, Options
from twin.crs import Frame
from twin.errors import CRSError
from twin.model import Park

DELFT = {"Bridge": 3, "Building": 160, "LandUse": 81, "PlantCover": 126, "WaterBody": 3, "Road": 143, "GenericCityObject": 54}
ZURICH = {"BuildingPart": 161, "Building": 49}


def read(path: Path, origin: tuple[float, float], **options: Any) -> tuple[Imported, Frame]:
    frame = Frame(*origin)
    return IMPORTER.read(path, Context(Park("Test", frame), Options(**options))), frame


def vertices_of(document: dict[str, Any], name: str) -> np.ndarray:
    """All corners of an object and its parts, in the file's coordinates."""
    scale, translate = (np.array(document["transform"][part]) for part in ("scale", "translate"))
    objects = document["CityObjects"]
    everyone = [objects[name], *(objects[child] for child in objects[name].get("children", []))]
    numbers = [
        int(k) for each in everyone for geometry in each.get("geometry", []) for k in re.findall(r"\d+", json.dumps(geometry["boundaries"]))
    ]
    return np.array(document["vertices"])[numbers] * scale + translate


@pytest.mark.parametrize(
    ("name", "origin", "counts", "bodies", "crs", "datum"),
    [
        ("delft.json", (4.366, 52.012), DELFT, 163, "EPSG:28992", "EPSG:5709"),
        ("zurich_subset_lod2.json", (8.54, 47.38), ZURICH, 161, "EPSG:2056", None),
    ],
)
def test_every_object_is_there(
    shared_data: Path, name: str, origin: tuple[float, float], counts: dict[str, int], bodies: int, crs: str, datum: str | None
):
    found, _ = read(shared_data / "citymodel" / name, origin)
    assert found.details["objects"] == counts
    assert (found.crs, found.height_datum) == (crs, datum)
    (model,) = found.models
    assert len(model.elements) == bodies
    assert all(element.state in {"built", "degraded"} for element in model.elements)
    rows = next(each.table for each in found.layers if each.layer.kind == "building")
    document = json.loads((shared_data / "citymodel" / name).read_text("utf-8"))
    assert set(rows.ids) == {
        k for k, each in document["CityObjects"].items() if each["type"] == "Building" and len(vertices_of(document, k))
    }


@pytest.mark.parametrize(("name", "origin"), [("delft.json", (4.366, 52.012)), ("zurich_subset_lod2.json", (8.54, 47.38))])
def test_heights_are_those_of_the_vertices(shared_data: Path, name: str, origin: tuple[float, float]):
    found, _ = read(shared_data / "citymodel" / name, origin)
    document = json.loads((shared_data / "citymodel" / name).read_text("utf-8"))
    rows = next(each.table for each in found.layers if each.layer.kind == "building")
    for i, identity in enumerate(rows.ids):
        z = vertices_of(document, identity)[:, 2]
        stated = document["CityObjects"][identity].get("attributes", {}).get("measuredHeight")
        assert rows.row(i)["base_m"] == pytest.approx(z.min(), abs=1e-3)
        assert rows.row(i)["height_m"] == pytest.approx(stated or np.ptp(z), abs=2e-3)


def test_footprints_hold_the_plan_of_all_vertices(shared_data: Path):
    found, frame = read(shared_data / "citymodel" / "zurich_subset_lod2.json", (8.54, 47.38))
    document = json.loads((shared_data / "citymodel" / "zurich_subset_lod2.json").read_text("utf-8"))
    rows = next(each.table for each in found.layers if each.layer.kind == "building")
    for identity, shape in zip(rows.ids, frame.project(rows.geometry), strict=True):
        hull = shapely.MultiPoint(vertices_of(document, identity)[:, :2]).convex_hull
        assert shape.area <= hull.area * 1.01
        assert shape.area >= 0.4 * hull.area


def test_the_sum_of_all_triangles_is_that_of_the_files_polygons(shared_data: Path):
    """Newell's formula over the rings of the file, in the map's metres, against the mesh; here a metre of the map is 1.0001 metres."""
    found, _ = read(shared_data / "citymodel" / "zurich_subset_lod2.json", (8.54, 47.38))
    document = json.loads((shared_data / "citymodel" / "zurich_subset_lod2.json").read_text("utf-8"))
    scale = np.array(document["transform"]["scale"])
    points = np.array(document["vertices"]) * scale
    wanted = 0.0
    for each in document["CityObjects"].values():
        for geometry in each.get("geometry", []):
            for outer, *holes in geometry["boundaries"]:
                wanted += area(points[outer]) - sum(area(points[hole]) for hole in holes)
    mesh = found.models[0].mesh
    corners = mesh.vertices[mesh.faces]
    mine = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert mine == pytest.approx(wanted, rel=2e-3)


def area(ring: np.ndarray) -> float:
    return float(np.linalg.norm(np.cross(ring - ring[0], np.roll(ring, -1, axis=0) - ring[0]).sum(axis=0)) / 2)


def test_the_fzk_house_has_the_size_its_numbers_say(shared_data: Path):
    path = shared_data / "citymodel" / "FZK_Building_LOD2-EPSG25832.gml"
    found, frame = read(path, (8.4365, 49.1004))
    row = next(each.table for each in found.layers if each.layer.kind == "building")
    numbers = [np.array(text.split(), float).reshape(-1, 3) for text in re.findall(r"posList>([^<]*)<", path.read_text("utf-8"))]
    floor = next(ring for ring in numbers if np.ptp(ring[:, 2]) == 0 and ring[0, 2] == 112)
    grid = 0.9996  # the scale of UTM zone 32 on its meridian, 9° E; 40 km west of it the difference is 2e-5
    assert frame.project(row.geometry[0]).area == pytest.approx(shapely.Polygon(floor[:, :2]).area / grid**2, rel=5e-4)
    said = row.row(0)
    assert (said["height_m"], said["base_m"], said["storeys"], said["year"]) == (5.0, 112.0, 1, 1985)
    assert (said["usage"], said["roof_type"]) == ("residential building", "gabled roof")
    (element,) = found.models[0].elements
    assert element.properties["Geometry"]["volume_m3"] == pytest.approx((10 * 5 * 3 + 10 * 5 * 2 / 2) / grid**2, rel=5e-4)
    assert found.terrain is not None
    assert np.nanmax(found.terrain.heights) - np.nanmin(found.terrain.heights) < 20


def test_the_parking_garage_is_refused_without_a_system_and_taken_with_a_place(shared_data: Path):
    path = shared_data / "citymodel" / "ParkingGarage_CityGML3.gml"
    with pytest.raises(CRSError) as refused:
        read(path, (120.6, 31.3))
    assert refused.value.code in {"crs_missing", "crs_missing_unlike"}
    found, _ = read(path, (120.6, 31.3), place="120.6,31.3,0,0")
    assert Counter(each.layer.kind for each in found.layers) == {"building": 1, "road_area": 1}
    assert np.abs(found.models[0].mesh.vertices[:, :2]).max() < 60
