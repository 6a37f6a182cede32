"""Trees, woods and hedges as closed bodies: what leaves hide, and what radio passes weakened.

A tree is its crown, a spheroid between its lowest branches and its top drawn with 24 triangles of the same volume; its trunk is too thin
to hide anything for long. Woods, shrubs and hedges of known height are prisms over their area, rows of trees and hedges drawn as lines
prisms of their width. Every body is closed, so that a path that crosses one knows how far it runs inside (ITU-R P.833 counts the loss by
that length). Each is an object of kind `vegetation` made of `foliage`.

                 top    __
                      /    \\    crown diameter
        lowest branch \\ __ /
                        ||
        ground       ___||___

What a source does not say is assumed, and counted: `Plants.assumed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.model import FeatureTable
from twin.scene import Obstacles, concat, nothing
from twin.scene.prism import prisms
from twin.store import Store
from twin.terrain import ground_z

FloatArray = NDArray[np.float64]
_Columns = Sequence[Sequence[Any]]
_Size = tuple[float, float, float]

KIND = "vegetation"
FOLIAGE: Sequence[Mapping[str, Any]] = ({"name": "foliage"},)

# assumptions, where a source says nothing: a grown street tree, its lowest branches above head height
TREE_HEIGHT_M = 8.0
CROWN_PER_HEIGHT = 2 / 3  # diameter
BRANCHES_PER_HEIGHT = 0.3  # height of the lowest branches
HEDGE_WIDTH_M = 1.0
TALLEST_M, WIDEST_M = 120.0, 60.0  # no tree is taller (Sequoia sempervirens: 116 m), no crown much wider
LOWEST_M = 0.3  # lower plants hide nothing
PATCH_M = 25.0  # woods on a slope are cut into squares of this edge, so that they follow it
SECTORS = 6

HEIGHTS = ("height_m", "height", "tree_height", "树高", "高度")
CROWNS = (
    "crown_m", "crown_diameter_m", "crown_diameter", "crowndiameter", "crown_width", "diameter_crown", "crown", "canopy_m",
    "canopy_diameter", "冠幅", "树冠直径", "冠径",
)  # fmt: skip
CROWN_RADII = ("crown_radius_m", "crown_radius", "canopy_radius", "冠半径")
BRANCHES = ("crown_base_m", "crown_base_height", "crown_base", "clear_height_m", "clear_height", "枝下高", "分枝点高")
WIDTHS = ("width_m", "width", "宽度")
_WOODY = re.compile(
    r"wood|forest|scrub|shrub|hedge|orchard|thicket|tree|plant_?nursery|plantation|\bbush|林|灌|篱|乔|果园|苗圃|wald|forêt|bosque",
    re.IGNORECASE,
)
_HEDGE = re.compile(r"hedge|绿篱|树篱|hecke|haie|seto", re.IGNORECASE)


@dataclass(frozen=True)
class Plants:
    """Trees, woods and hedges as obstacles, and which of them rest on assumptions: attribute -> ids."""

    obstacles: Obstacles
    assumed: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Crowns:
    """Spheroids by column."""

    ids: Sequence[str]
    xy: FloatArray  # (n, 2) [m, enu]
    low: FloatArray  # (n,) lowest branches above the ground [m]
    high: FloatArray  # (n,) top above the ground [m]
    radius: FloatArray  # (n,) [m]


@dataclass(frozen=True)
class _Blocks:
    """Prisms by column: outlines (shapely, x y [m, enu]) and heights above the ground [m]."""

    ids: Sequence[str]
    outlines: Sequence[Any]
    low: Sequence[float]
    high: Sequence[float]


def plants(store: Store, *, modelled: frozenset[str] = frozenset(), far_m: float = np.inf) -> Plants:
    """The park's vegetation.

    Parameters
    ----------
    store
        The park.
    modelled
        Ids that some model has a body for, which stands instead.
    far_m
        What lies farther from the origin is left out. [m]
    """
    assumed: dict[str, list[str]] = {}
    trees = store.features_of_kind("tree")
    crowns, rows = _trees(store, trees, modelled, assumed)
    greens = _greens(store, store.features_of_kind("green"), modelled)
    blocks = [*rows, *greens, *_hedges(store, store.features_of_kind("barrier"))]
    near = np.hypot(*crowns.xy.T) < far_m
    parts = [_spheroids(store, crowns, near), _prisms(store, blocks, far_m)]
    return Plants(concat([part for part in parts if len(part)]), {name: tuple(ids) for name, ids in assumed.items()})


def assumptions(store: Store) -> list[dict[str, Any]]:
    """Warnings for a result that counts plants: how many rest on an assumed height or crown."""
    return [{"code": "plant_assumed", "subject": name, "count": len(ids)} for name, ids in plants(store).assumed.items()]


def is_hedge(sort: Any) -> bool:
    """Whether a barrier of that class is a plant."""
    return bool(_HEDGE.search(str(sort or "")))


def number(value: Any) -> float | None:
    """The number that a value is or begins with (`12 m`, `3,5`); None where it is none."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value) if np.isfinite(value) else None
    found = re.match(r"\s*[-+]?\d+(?:[.,]\d+)?", str(value))
    out = float(found[0].replace(",", ".")) if found else float("nan")
    return out if np.isfinite(out) else None


def _trees(store: Store, table: FeatureTable, modelled: frozenset[str], assumed: dict[str, list[str]]) -> tuple[_Crowns, Sequence[_Blocks]]:
    """Single trees as crowns, rows and drawn outlines of crowns as blocks."""
    ids, places, sizes, rows = list[str](), list[Any](), list[_Size](), list[_Blocks]()
    columns = [_columns(table, names) for names in (HEIGHTS, CROWNS, CROWN_RADII, BRANCHES)]
    shapes = store.park().frame.project(shapely.force_2d(table.geometry)) if len(table) else table.geometry
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes)) & ~np.isin(table.ids, list(modelled))
    for i in np.flatnonzero(there).tolist():
        name, shape = f"tree/{table.ids[i]}", shapes[i]
        size = _tree_size(columns, i, name, assumed)
        for part in [shape] if shape.geom_type == "Point" else shapely.get_parts(shape):
            if part.geom_type == "Point":
                ids.append(name)
                places.append(part)
                sizes.append(size)
            else:
                outline = part if part.geom_type == "Polygon" else part.buffer(size[2], cap_style="flat", quad_segs=2)
                rows.append(_Blocks([name], [outline], [size[0]], [size[1]]))
    column = np.array(sizes, float).reshape(-1, 3)
    return _Crowns(ids, shapely.get_coordinates(places).reshape(-1, 2), column[:, 0], column[:, 1], column[:, 2]), rows


def _tree_size(columns: Sequence[_Columns], i: int, name: str, assumed: dict[str, list[str]]) -> _Size:
    """Lowest branches and top above the ground, and radius of the crown [m]; what is assumed is noted."""
    height, diameter = _told(columns[0], i, TALLEST_M), _told(columns[1], i, WIDEST_M)
    radius = _told(columns[2], i, WIDEST_M / 2)
    if height is None:
        assumed.setdefault("height_m", []).append(name)
        height = TREE_HEIGHT_M
    if diameter is None and radius is None:
        assumed.setdefault("crown_m", []).append(name)
    across = diameter if diameter is not None else 2 * radius if radius is not None else CROWN_PER_HEIGHT * height
    low = _told(columns[3], i, TALLEST_M)
    low = BRANCHES_PER_HEIGHT * height if low is None or low >= height else low
    return low, height, across / 2


def _greens(store: Store, table: FeatureTable, modelled: frozenset[str]) -> Sequence[_Blocks]:
    """Areas of woody plants whose height is known."""
    woody = [bool(_WOODY.search(str(sort or "wood"))) and name not in modelled for name, sort in _sorts(table)]
    return _standing(store, table, woody, "green")


def _hedges(store: Store, table: FeatureTable) -> Sequence[_Blocks]:
    """Barriers that are plants and whose height is known."""
    return _standing(store, table, [is_hedge(sort) for _, sort in _sorts(table)], "barrier")


def _standing(store: Store, table: FeatureTable, chosen: Sequence[bool], prefix: str) -> Sequence[_Blocks]:
    """Prisms over chosen areas, and lines as wide as they say, from the ground to their height."""
    heights, widths = _columns(table, HEIGHTS), _columns(table, WIDTHS)
    out: list[_Blocks] = []
    for i in np.flatnonzero(chosen).tolist():
        height, shape = _told(heights, i, TALLEST_M), table.geometry[i]
        if shape is None or height is None or height < LOWEST_M:
            continue
        outline = store.park().frame.project(shapely.force_2d(shape))
        if outline.area == 0 and outline.length > 0:
            width = _told(widths, i, WIDEST_M) or HEDGE_WIDTH_M
            outline = outline.buffer(width / 2, cap_style="flat", join_style="mitre")
        if outline.area > 0:
            out.append(_Blocks([f"{prefix}/{table.ids[i]}"], [outline], [0.0], [height]))
    return out


def _sorts(table: FeatureTable) -> Iterable[tuple[str, Any]]:
    return zip(table.ids, table.column("class"), strict=True)


def _columns(table: FeatureTable, names: Iterable[str]) -> _Columns:
    """The columns that a table has of these, whatever the case of their names."""
    there = {name.lower(): values for name, values in table.columns.items()}
    return [there[name] for name in names if name in there]


def _told(columns: _Columns, i: int, most: float) -> float | None:
    """The first of these columns that says something possible of row i. [m]"""
    for column in columns:
        found = number(column[i])
        if found is not None and 0 < found <= most:
            return found
    return None


def _spheroids(store: Store, crowns: _Crowns, near: NDArray[np.bool_]) -> Obstacles:
    names = [name for name, ok in zip(crowns.ids, near, strict=True) if ok]
    if not names:
        return nothing()
    xy, low, high, radius = (column[near] for column in (crowns.xy, crowns.low, crowns.high, crowns.radius))
    shape, faces = _unit_spheroid()
    ground = ground_z(store.park(), store.terrain(), xy)
    half = (high - low) / 2
    points = shape[None] * np.column_stack([radius, radius, half])[:, None]
    points = points + np.column_stack([xy, ground + low + half])[:, None]
    n = len(names)
    triangles = faces[None] + len(shape) * np.arange(n)[:, None, None]
    return _objects(points.reshape(-1, 3), triangles.reshape(-1, 3), np.repeat(np.arange(n), len(faces)), names)


@cache
def _unit_spheroid() -> tuple[FloatArray, NDArray[np.int64]]:
    """Vertices and outward faces of two rings and two poles of height 2, as wide as gives the volume of the unit sphere."""
    angle = 2 * np.pi * np.arange(SECTORS) / SECTORS
    low_ring, high_ring = (np.column_stack([np.cos(angle), np.sin(angle), np.full(SECTORS, z)]) for z in (-0.5, 0.5))
    points = np.concatenate([[(0, 0, -1)], low_ring, high_ring, [(0, 0, 1)]])
    a = np.arange(SECTORS)
    b, top = (a + 1) % SECTORS, 2 * SECTORS + 1
    low, high = 1 + np.array([a, b]), 1 + SECTORS + np.array([a, b])
    faces = np.concatenate(
        [
            np.column_stack([np.zeros_like(a), low[1], low[0]]),
            np.column_stack([low[0], low[1], high[1]]),
            np.column_stack([low[0], high[1], high[0]]),
            np.column_stack([high[0], high[1], np.full_like(a, top)]),
        ]
    )
    p, q, r = np.moveaxis(points[faces], 1, 0)
    volume = float((p * np.cross(q, r)).sum() / 6)
    wide = np.sqrt(4 / 3 * np.pi / volume)
    return points * np.array([wide, wide, 1.0]), faces


def _prisms(store: Store, blocks: Sequence[_Blocks], far_m: float) -> Obstacles:
    ids, outlines, low, high = list[str](), list[Any](), list[float](), list[float]()
    for block in blocks:
        for name, outline, foot, top in zip(block.ids, block.outlines, block.low, block.high, strict=True):
            patches = _patches(outline) if store.terrain() is not None else [outline]
            ids += [name] * len(patches)
            outlines += patches
            low += [foot] * len(patches)
            high += [top] * len(patches)
    if not ids:
        return nothing()
    shapes = np.array(outlines, object)
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    keep = np.flatnonzero(np.hypot(*middle.T) < far_m)
    ground = ground_z(store.park(), store.terrain(), middle[keep])
    body = prisms(shapes[keep], ground + np.array(low)[keep], ground + np.array(high)[keep])
    return _objects(body.vertices, body.faces, body.face_owner, [ids[k] for k in keep.tolist()])


def _patches(outline: Any) -> list[Any]:
    """An area in squares small enough to lie level."""
    west, south, east, north = outline.bounds
    if max(east - west, north - south) <= PATCH_M or (east - west) * (north - south) > 1e4 * PATCH_M**2:
        return [outline]
    x, y = np.meshgrid(np.arange(west, east, PATCH_M), np.arange(south, north, PATCH_M))
    squares = shapely.box(x.ravel(), y.ravel(), x.ravel() + PATCH_M, y.ravel() + PATCH_M)
    pieces = shapely.intersection(squares, shapely.make_valid(outline))
    return [piece for piece in pieces if piece.area > 0]


def _objects(vertices: FloatArray, faces: NDArray[Any], owner: NDArray[Any], names: Sequence[str]) -> Obstacles:
    n = len(names)
    return Obstacles(vertices, faces.astype(np.uint32), owner.astype(np.int32), names, [KIND] * n, [FOLIAGE] * n, np.ones(n, np.bool_))
