"""The chargers of a park for cars, and what their cables cannot pass, gathered from its store.

What a device table does not say is assumed, and opens the bounds: connectors between one and two, a cable between the shortest and the
longest on the market.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.charging import Chargers, Fixed
from twin.coverage.slices import sliced
from twin.devices import heights, mounting_height, positions
from twin.measures.outlines import areas, lines
from twin.measures.parking import is_two_wheeled
from twin.measures.placed import mended
from twin.measures.radio import numbers
from twin.model import Device
from twin.scene.gather import gather_obstacles
from twin.store import Store
from twin.terrain import z_of_height

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

USUAL_REACH_M = 5.0  # indicators.yaml charging_space_share: assign_distance_m
SHORT_CABLE_M, LONG_CABLE_M = 3.5, 7.5  # of a charger that does not say: for the bounds
FEWEST_GUNS, MOST_GUNS = 1, 2  # the same
MOST_SAID_GUNS = 100  # a table that says more says nothing
CONNECTORS = ("connectors", "capacity")  # OSM says capacity
AT_ONCE = ("simultaneous", "simultaneous_connectors", "同时充电枪数")
CABLE_HEIGHT_M = 0.6  # walls are cut at this height above the floor: a cable hangs between socket and ground
WALLS = frozenset({"building", "wall", "door", "window", "glass", "column"})
ON_FOOT = ("footway", "path", "cycleway", "steps", "pedestrian", "bridleway", "corridor", "walk", "人行", "步行", "自行车")
OPEN_BARRIERS = ("gate", "bollard", "kerb", "lift_gate", "entrance", "cycle", "block", "道闸", "路缘")
LINE_M = 0.02
LANE_EDGE_M = 1.0  # a cable may lie along the edge of a lane this far in


@dataclass(frozen=True)
class Posts:
    """m chargers with the reach of their cables and the connectors they can feed at once: likely, at least and at most."""

    devices: Sequence[Device]
    chargers: Chargers  # reach_m: at most
    reach: FloatArray  # (m,) likely [m]
    least_reach: FloatArray  # (m,) [m]
    connectors: IntArray  # (m,) likely
    fewest: IntArray  # (m,)
    most: IntArray  # (m,)
    unsaid: Sequence[Sequence[str]]  # (m,) what is assumed of each
    two_wheeled: int  # chargers left out
    nowhere: Sequence[str]  # ids of chargers whose place is none

    def __len__(self) -> int:
        return len(self.devices)


def gather_posts(store: Store, statuses: frozenset[str], *, reach_m: float | None, slack_m: float) -> Posts:
    """The chargers of cars with one of the statuses.

    Parameters
    ----------
    store
        The park.
    statuses
        Which count.
    reach_m
        The reach of each, instead of its cable's. [m]
    slack_m
        How much of a cable hangs and bends. [m]
    """
    every = [mended(device) for device in store.devices("charger") if device.status in statuses]
    devices = [device for device in every if not _for_two_wheelers(device)]
    nowhere = [device.id for device in devices if not _has_place(device)]
    devices = [device for device in devices if _has_place(device)]
    reaches = [_reach(device, reach_m, slack_m) for device in devices]
    guns = [_guns(device) for device in devices]
    least, likely, most = np.array([reach[:3] for reach in reaches], float).reshape(-1, 3).T
    fewest, usual, many = np.array([gun[:3] for gun in guns], np.int64).reshape(-1, 3).T
    return Posts(
        devices,
        _chargers(store, devices, most),
        likely,
        least,
        usual,
        fewest,
        many,
        [[*(["connectors"] if gun[3] else []), *(["cable_m"] if reach[3] else [])] for reach, gun in zip(reaches, guns, strict=True)],
        len(every) - len(devices) - len(nowhere),
        nowhere,
    )


def gather_fixed(store: Store, posts: Posts, bays: NDArray[np.object_]) -> Fixed:
    """Walls about the chargers that have a bay near, cut above their floors, and drive lanes; what is drawn over bays (n,) is no lane."""
    points: NDArray[np.object_] = np.asarray(shapely.points(posts.chargers.position[:, :2]), object)
    reach = posts.chargers.reach_m
    near = np.unique(shapely.STRtree(bays).query(points, predicate="dwithin", distance=reach)[0]) if len(bays) and len(posts) else []
    if not len(near):
        return Fixed(np.empty(0, object), np.empty(0), ())
    round_each: NDArray[np.object_] = shapely.buffer(points[near], reach[near] + 2 * LINE_M)
    about = shapely.union_all(round_each)
    lanes = [*_lanes(store, about, bays), *_fences(store, about)]
    walls = _walls(store, posts.chargers.floor_z[near], round_each)
    return Fixed(
        np.array([*walls[0], *(shape for shape, _ in lanes)], object),
        np.concatenate([walls[1], np.full(len(lanes), np.nan)]),
        [*walls[2], *(name for _, name in lanes)],
    )


def in_a_wall(posts: Posts, fixed: Fixed) -> NDArray[np.bool_]:
    """Which chargers (m,) are drawn inside a wall of their own floor: nobody knows on which side of it they hang."""
    points: NDArray[np.object_] = np.asarray(shapely.points(posts.chargers.position[:, :2]), object)
    inside = np.zeros(len(posts), bool)
    if len(fixed.shape) and len(posts):
        post, wall = shapely.STRtree(fixed.shape).query(points, predicate="within")
        inside[post[np.abs(fixed.floor_z[wall] - posts.chargers.floor_z[post]) < LINE_M]] = True
    return inside


def _has_place(device: Device) -> bool:
    return abs(device.lon) <= 180 and abs(device.lat) <= 90  # not of NaN


def _reach(device: Device, reach_m: float | None, slack_m: float) -> tuple[float, float, float, bool]:
    """Reach of a cable at least, likely and at most [m], and whether it is assumed."""
    if reach_m is not None:
        least, likely, most, assumed = reach_m, reach_m, reach_m, False
    elif cable := [length for length in numbers(device.attributes.get("cable_m")) if length > 0]:
        least, likely, most, assumed = cable[0] - slack_m, cable[0] - slack_m, cable[0], False
    else:
        least, likely, most, assumed = SHORT_CABLE_M - slack_m, USUAL_REACH_M, LONG_CABLE_M, True
    off = next(iter(numbers(device.attributes.get("position_tolerance_m"))), 0.0)
    return max(least - off, 0.0), max(likely, 0.0), most + max(off, 0.0), assumed


def _guns(device: Device) -> tuple[int, int, int, bool]:
    """Connectors that can be fed at once, at least, likely and at most, and whether they are assumed."""
    at_once = next((found for name in AT_ONCE if (found := numbers(device.attributes.get(name)))), None)
    said = next((found for name in CONNECTORS if (found := numbers(device.attributes.get(name)))), None)
    counts = [max(int(found[0]), 0) for found in (said, at_once) if found and found[0] <= MOST_SAID_GUNS]
    return (min(counts), min(counts), min(counts), False) if counts else (FEWEST_GUNS, FEWEST_GUNS, MOST_GUNS, True)


def _chargers(store: Store, devices: Sequence[Device], reach: FloatArray) -> Chargers:
    place = positions(store, devices)
    floor = heights(store, devices) - np.array([mounting_height(device)[0] if device.z_m is None else 0.0 for device in devices])
    floor_z = z_of_height(store.park().frame, place[:, :2], floor) if devices else np.empty(0)
    storey_of = {space.id: space.storey_id for space in store.spaces()}
    storeys = [device.storey_id or storey_of.get(device.space_id or "") for device in devices]
    return Chargers(place, floor_z, storeys, reach)


def _for_two_wheelers(device: Device) -> bool:
    said = (device.attributes.get(name) for name in ("class", "usage", "type", "vehicle", "vehicles"))
    return is_two_wheeled(device.name, *said, device.attributes.get("functions"))


def _walls(store: Store, floor_z: FloatArray, about: NDArray[np.object_]) -> tuple[list[Any], FloatArray, list[str]]:
    """Walls by shape, floor and id: the park's obstacles cut above some floors (m,) [m, enu], each in its neighbourhood (m,)."""
    obstacles = gather_obstacles(store, sight=False)
    counts = np.array([kind in WALLS for kind in obstacles.object_kind], bool)
    if not counts.any():
        return [], np.empty(0), []
    faces = np.flatnonzero(counts[obstacles.face_object])
    floors, of = np.unique(np.round(floor_z, 3), return_inverse=True)
    near = np.array([shapely.union_all(about[of == k]) for k in range(len(floors))], object)
    owner = obstacles.face_object[faces].astype(np.int64)
    cut = sliced(obstacles.vertices[obstacles.faces[faces]], owner, floors + CABLE_HEIGHT_M, near)
    return list(cut.shape), floors[cut.level], [str(obstacles.object_ids[k]) for k in cut.owner.tolist()]


def _lanes(store: Store, about: Any, bays: NDArray[np.object_]) -> list[tuple[Any, str]]:
    """The middle of the roads that cars take, and the inside of drawn road areas, near the chargers."""
    found: list[tuple[Any, str]] = []
    shapely.prepare(about)
    roads = store.features_of_kind("road")
    for i, line in lines(store, roads):
        if not _says(roads.row(i), ON_FOOT) and line.intersects(about):
            found.append((line.intersection(about).buffer(LINE_M, cap_style="flat"), f"road/{roads.ids[i]}"))
    parked = shapely.union_all(bays[shapely.intersects(bays, about)]) if len(bays) else shapely.Polygon()
    table = store.features_of_kind("road_area")
    for i, area in areas(store, table):
        if not _says(table.row(i), ON_FOOT) and area.intersects(about):
            inner = area.difference(parked).buffer(-LANE_EDGE_M).intersection(about)
            found += [(part, f"road_area/{table.ids[i]}") for part in shapely.get_parts(inner) if not part.is_empty]
    return found


def _fences(store: Store, about: Any) -> list[tuple[Any, str]]:
    """Fences and walls of the barrier layer: no cable goes through them, see-through or not."""
    table = store.features_of_kind("barrier")
    return [
        (line.intersection(about).buffer(LINE_M), f"barrier/{table.ids[i]}")
        for i, line in lines(store, table)
        if not _says(table.row(i), OPEN_BARRIERS) and line.intersects(about)
    ]


def _says(row: Mapping[str, Any], words: Sequence[str]) -> bool:
    said = " ".join(str(row.get(name) or "") for name in ("class", "usage", "highway", "barrier")).casefold()
    return any(word in said for word in words)
