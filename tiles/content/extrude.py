"""Buildings of which only outline and height are known, as prisms: a light roof on darker walls, of the form and colour that is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import shapely
from numpy.typing import NDArray

from tiles.content.bodies import Bodies, bodies
from tiles.content.roofs import Raised, color_of, levels_below, raised, roof_of
from twin.buildings import STOREY_HEIGHT_M, Building
from twin.crs import Frame
from twin.scene.prism import Prisms, prisms

ROOF = (226, 222, 214, 255)
WALL = (188, 182, 172, 255)


def extruded(buildings: Sequence[Building], frame: Frame) -> tuple[Bodies, list[str]]:
    """The bodies of the buildings, from their lowest storey to their height, and the ids of those whose roof is told but drawn flat.

    One without area or height is left out.
    """
    footprints = _raised([b.footprint for b in buildings], np.array([b.base_h_m for b in buildings], float), frame)
    ground = _mean_z(footprints)
    high = ground + np.array([b.height_m for b in buildings], float)
    low = ground - np.array([levels_below(b.attributes) * STOREY_HEIGHT_M for b in buildings], float)
    told = {k: roof for k, b in enumerate(buildings) if b.height_m > 0 and (roof := roof_of(b.attributes)) is not None}
    roofed = {k: body for k, roof in told.items() if (body := raised(footprints[k], low[k], high[k], roof)) is not None}
    plain = footprints.copy()
    plain[list(roofed)] = None
    shape = _joined(prisms(plain, low, high), roofed)
    table = {
        "id": [b.id for b in buildings],
        "class": ["Building"] * len(buildings),
        "name": [b.name for b in buildings],
        "height_m": np.array([b.height_m for b in buildings], np.float32),
        "usage": [b.usage or "" for b in buildings],
        "building": [b.id for b in buildings],
    }
    group = np.zeros(len(buildings), np.int64)
    color = np.where(shape.is_roof[:, None], _colors(buildings, "roof", ROOF)[shape.owner], _colors(buildings, "wall", WALL)[shape.owner])
    found = bodies(shape.vertices, shape.faces.astype(np.uint32), shape.owner, color, table=table, group=group)
    return found, [buildings[k].id for k in told if k not in roofed]


@dataclass(frozen=True)
class _Shape:
    vertices: NDArray[np.float64]  # (v, 3) [m, enu]
    faces: NDArray[np.int64]  # (f, 3)
    owner: NDArray[np.int64]  # (f,)
    is_roof: NDArray[np.bool_]  # (f,)


def _joined(plain: Prisms, roofed: Mapping[int, Raised]) -> _Shape:
    """Prisms and roofed bodies together."""
    starts = np.cumsum([len(plain.vertices), *(len(body.vertices) for body in roofed.values())])
    return _Shape(
        np.concatenate([plain.vertices, *(body.vertices for body in roofed.values())]),
        np.concatenate([plain.faces, *(body.faces + start for body, start in zip(roofed.values(), starts, strict=False))]),
        np.concatenate([plain.face_owner, *(np.full(len(body.faces), k) for k, body in roofed.items())]),
        np.concatenate([_is_top(plain.vertices, plain.faces), *(body.is_roof for body in roofed.values())]),
    )


def block_of(building: Building, frame: Frame) -> Bodies | None:
    """The prism of a building that has models, with the columns of these; None where no footprint with a height is known of it."""
    if building.attributes.get("height_source") not in {"source", "storeys"}:
        return None
    row = {
        "id": building.id,
        "class": "Building",
        "name": building.name,
        "storey": "",
        "discipline": "",
        "model": "",
        "building": building.id,
    }
    found, _ = extruded([building], frame)
    return replace(found, columns={name: [value] for name, value in row.items()}) if len(found) else None


def _raised(footprints: Sequence[Any], base_h: NDArray[np.float64], frame: Frame) -> NDArray[np.object_]:
    """Footprints (n,) in the park's frame, with z at the base. [m, enu]"""
    shapes = np.empty(len(footprints), object)
    shapes[:] = footprints
    return frame.project(shapely.force_3d(shapely.force_2d(shapes), z=base_h)) if len(shapes) else shapes


def _mean_z(footprints: NDArray[np.object_]) -> NDArray[np.float64]:
    """Mean height of each footprint's points (n,), NaN where it has none. [m, enu]"""
    points, owner = shapely.get_coordinates(footprints, include_z=True, return_index=True)
    count = np.bincount(owner, minlength=len(footprints))
    total = np.bincount(owner, weights=points[:, 2], minlength=len(footprints))
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _is_top(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> NDArray[np.bool_]:
    z = vertices[faces][:, :, 2]  # (f, 3)
    across = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])  # (f, 3)
    return np.asarray((np.ptp(z, axis=1) == 0) & (across[:, 2] > 0))


def _colors(buildings: Sequence[Building], part: Literal["roof", "wall"], otherwise: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """The colour of each building's roof or walls (n, 4): the one told, or the usual one."""
    told = [color_of(building.attributes, part) for building in buildings]
    return np.array([otherwise if color is None else (*color, 255) for color in told], np.uint8).reshape(-1, 4)
