"""Extruded buildings stand where their footprints are, as high as they are."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from tiles.content.extrude import ROOF, WALL, extruded
from twin.buildings import Building


def building(identity: str, footprint: object, **keys: object) -> Building:
    values = {"name": identity, "name_zh": identity, "base_h_m": 20.0, "height_m": 9.0, "storeys": 3, "usage": None} | keys
    return Building(id=identity, footprint=footprint, **values)


def test_corners_are_at_their_longitude_latitude_and_height(frame, square):
    """A building 6 km away and 400 m up: the earth's curvature and the height both count."""
    footprint = square(6000.0, 0.0)
    found, _ = extruded([building("a", footprint, base_h_m=400.0)], frame)
    lonlat = frame.to_lonlat(found.vertices)
    assert lonlat[:, 2].min() == pytest.approx(400.0, abs=0.02)
    assert lonlat[:, 2].max() == pytest.approx(409.0, abs=0.02)
    corners = shapely.get_coordinates(footprint)
    low = lonlat[lonlat[:, 2] < 405]
    gap = np.abs(low[:, None, :2] - corners[None]).max(axis=2).min(axis=1)
    assert gap.max() < 1e-9


def test_roofs_are_light_and_walls_dark(frame, square):
    found, _ = extruded([building("a", square(0, 0))], frame)
    across = np.cross(
        found.vertices[found.faces[:, 1]] - found.vertices[found.faces[:, 0]],
        found.vertices[found.faces[:, 2]] - found.vertices[found.faces[:, 0]],
    )
    up = across[:, 2] > np.abs(across[:, :2]).max(axis=1)
    assert (found.face_color[up] == ROOF).all()
    assert (found.face_color[~up] == WALL).all()
    assert up.sum() == 2


def test_a_building_without_area_or_height_is_left_out(frame, square):
    flat = building("flat", square(0, 0), height_m=0.0)
    line = building("line", shapely.Polygon([(121.4, 31.2), (121.5, 31.2), (121.4, 31.2)]))
    found, _ = extruded([flat, building("a", square(50, 0), usage="office"), line], frame)
    assert found.columns["id"] == ["a"]
    assert found.columns["usage"] == ["office"]
    assert np.asarray(found.columns["height_m"]).tolist() == [9.0]


def test_no_buildings_are_no_features(frame):
    assert len(extruded([], frame)[0]) == 0
