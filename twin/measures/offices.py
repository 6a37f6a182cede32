"""Main office buildings, the facilities beside them, and the ways between, gathered from a park."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.buildings import Building, buildings, owners
from twin.coverage.containment import OUTSIDE, Places, container
from twin.coverage.network import Network, attached, joined, nearest
from twin.devices import mounting_height, positions
from twin.errors import MissingInput
from twin.measures.network import ENTRANCE_M, Walkable
from twin.measures.outlines import boundary_of
from twin.measures.register import MAIN_OFFICE, footprint, listed, status_of
from twin.measures.said import NOT_BUILT, yes_no_unknown
from twin.measures.usages import usage_in
from twin.model import Device
from twin.store import Store

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

FARTHER = 20.0  # ways up to this many times the distance asked for are looked at, to say by how much one is too long
OUTLINE_STEP_M = 10.0  # where no entrance is known, the outline is tried at this step


@dataclass(frozen=True)
class Office:
    """One main office building: its ground, and by what its entrances are known."""

    building: Building
    shape: Any  # x y [m, enu]
    source: str  # model register outline

    @property
    def half_round_m(self) -> float:
        """How far an unknown entrance may be from the one assumed: half round the outline, or nothing. [m]"""
        return float(self.shape.length) / 2 if self.source == "outline" else 0.0


@dataclass(frozen=True)
class Found:
    """Of f facilities and n offices: which are inside, how far the way is, and how far as the crow flies. [m]"""

    inside: BoolArray  # (f, n)
    walk: FloatArray  # (f, n), infinite where there is no way
    certain: FloatArray  # (f, n) without assumed crossings
    straight: FloatArray  # (f, n)


def gather_offices(store: Store, asked: Mapping[str, Any]) -> tuple[list[Office], list[dict[str, Any]], list[dict[str, Any]]]:
    """The main office buildings, what was left out, and what has to be said.

    Raises
    ------
    MissingInput
        If nobody says which buildings are main offices.
    """
    standing = [(building, shape) for building in buildings(store) if (shape := footprint(store, building)) is not None]
    by_usage = [building for building, _ in standing if usage_in(str(building.usage or "")) == "office"]
    if asked["register"] == "usage":
        chosen = {building.id for building in by_usage}
        warnings = [{"code": "register_by_usage", "subject": "main_office", "count": len(chosen)}] if chosen else []
    else:
        chosen = {building.id for building, _ in standing if listed(building, MAIN_OFFICE, asked["offices"])}
        warnings = list[dict[str, Any]]()
    if not chosen:
        known = ", ".join(building.id for building in by_usage[:10]) or "-"
        raise MissingInput("main_offices_missing", subject="main_office", columns=", ".join(MAIN_OFFICE[:2]), known=known)
    park = boundary_of(store)
    kept: list[Office] = []
    left_out: dict[str, int] = {}
    for building, shape in standing:
        if building.id not in chosen:
            continue
        outside = park is not None and not park.intersects(shape.centroid)
        unbuilt = yes_no_unknown(status_of(building.attributes), (), NOT_BUILT) is False
        if outside or unbuilt:
            reason = "outside_boundary" if outside else "not_in_service"
            left_out[reason] = left_out.get(reason, 0) + 1
        else:
            kept.append(Office(building, shape, "outline"))
    return kept, [{"reason": reason, "amount": amount} for reason, amount in sorted(left_out.items())], warnings


def facility_ways(store: Store, offices: Sequence[Office], devices: Sequence[Device], roads: Walkable, max_walk: float) -> Found:
    """Of facilities and offices: which are inside, and the ways between, looked at up to FARTHER times `max_walk`. [m]"""
    places = positions(store, devices)
    places[:, 2] -= [mounting_height(device)[0] if device.z_m is None else 0.0 for device in devices]  # people stand on the floor
    home = _homes(store, devices, places)
    inside = np.array([[name == office.building.id for office in offices] for name in home], bool).reshape(len(devices), len(offices))
    points: NDArray[np.object_] = np.asarray(shapely.points(places[:, :2]), object)
    shapes = np.array([office.shape for office in offices], object)
    straight = shapely.distance(points[:, None], shapes[None]) if len(devices) and len(offices) else np.zeros(inside.shape)
    walk, certain = (_walks(offices, (devices, places, home), roads, net, max_walk * FARTHER) for net in (roads.network, roads.certain))
    return Found(inside, np.maximum(walk, straight), np.maximum(certain, straight), np.asarray(straight, float))


def _homes(store: Store, devices: Sequence[Device], places: FloatArray) -> list[str | None]:
    """The building each device stands in: the one it names, the one its storey or room is of, else the one whose ground it stands on."""
    standing = buildings(store)
    owner = owners(standing)
    model_of = {storey.id: storey.model_id for storey in store.storeys()} | {space.id: space.model_id for space in store.spaces()}
    known = {building.id for building in standing}
    ground = [(building.id, shape) for building in standing if (shape := footprint(store, building)) is not None]
    points = Places(np.asarray(shapely.points(places[:, :2]), object))
    at = container(points, Places(np.array([shape for _, shape in ground], object)))
    found: list[str | None] = []
    for k, device in enumerate(devices):
        part = device.space_id or device.storey_id
        named = device.building_id if device.building_id in known else None
        of = owner(model_of[part], part) if part in model_of else None
        found.append(named or of or (ground[int(at[k])][0] if at[k] != OUTSIDE else None))
    return found


def _walks(
    offices: Sequence[Office],
    facilities: tuple[Sequence[Device], FloatArray, Sequence[str | None]],
    roads: Walkable,
    network: Network,
    limit: float,
) -> FloatArray:
    """The length of the way from each facility to the nearest entrance of each office (f, n), as far as `limit`. [m]"""
    out = np.full((len(facilities[0]), len(offices)), np.inf)
    if not out.size:
        return out
    whole, doors = _with_doors(offices, roads, network)
    whole, sources = _with_facilities(facilities, roads, whole)
    whose, at = np.array([k for k, _ in sources], np.int64), np.array([node for _, node in sources], np.int64)
    for n, own in enumerate(doors):
        if len(own) and len(at):
            np.minimum.at(out[:, n], whose, nearest(whole, own, limit=limit).distance[at])
    return out


def _with_doors(offices: Sequence[Office], roads: Walkable, network: Network) -> tuple[Network, list[IntArray]]:
    """The network with outlines joined where no entrance is known, and the nodes by which each office is entered."""
    outlines = [_outline(office, roads) for office in offices]
    found = joined(network, np.concatenate([np.empty((0, 3)), *outlines]), within=ENTRANCE_M)
    last = np.cumsum([len(outline) for outline in outlines])
    own = [np.array(roads.entrances.get(office.building.id, ()), np.int64) for office in offices]
    assumed = [found.node[end - len(outline) : end] for outline, end in zip(outlines, last.tolist(), strict=True)]
    return found.network, [known if len(known) else other[other >= 0] for known, other in zip(own, assumed, strict=True)]


def _with_facilities(
    facilities: tuple[Sequence[Device], FloatArray, Sequence[str | None]], roads: Walkable, network: Network
) -> tuple[Network, list[tuple[int, int]]]:
    """The network with the facilities on it, and pairs of a facility and a node: in the open beside a way, else in its room or building."""
    devices, places, home = facilities
    outside = [k for k, name in enumerate(home) if name is None]
    onto = joined(network, places[outside], within=ENTRANCE_M)
    sources = [(k, int(node)) for k, node in zip(outside, onto.node.tolist(), strict=True) if node >= 0]
    hung = [(k, node) for k, name in enumerate(home) if name is not None for node in _indoors(devices[k], name, roads)]
    ends, mine = np.array([node for _, node in hung], np.int64), places[[k for k, _ in hung]]
    whole, fresh = attached(onto.network, mine, ends, np.linalg.norm(onto.network.nodes[ends] - mine, axis=1))
    return whole, [*sources, *((k, int(node)) for (k, _), node in zip(hung, fresh.tolist(), strict=True))]


def _outline(office: Office, roads: Walkable) -> FloatArray:
    """Where an entrance may be: along the footprint's edge (p, 3), where none is known."""
    if roads.entrances.get(office.building.id):
        return np.empty((0, 3))
    xy = shapely.get_coordinates(shapely.segmentize(shapely.boundary(office.shape), OUTLINE_STEP_M))
    near = roads.network.nodes
    z = near[int(np.argmin(np.linalg.norm(near[:, :2] - xy[0], axis=1))), 2] if len(near) else 0.0
    return np.column_stack([xy, np.full(len(xy), z)])


def _indoors(device: Device, home: str, roads: Walkable) -> list[int]:
    """The nodes from which a device in a building is reached: its room, else the building's entrances."""
    if device.space_id is not None and device.space_id in roads.rooms:
        return [roads.rooms[device.space_id]]
    return list(roads.entrances.get(home, ()))
