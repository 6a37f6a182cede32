"""The named evaluation surfaces of a park, gathered from its store.

Outdoors a surface is the park's ground with what is taken away from it, each exclusion with its reason and amount; indoors it is the
floors of rooms. Zones and enterprises cut the ground into pieces, so that every piece has a place in the table of zones.

SURFACES lists all that the indicator catalogue names. `gather_surface` makes those of areas; lines come from `twin.measures.lines`, upright
faces from `twin.measures.surfaces.facades`, registers of positions from `twin.measures.positions`, networks from `twin.measures.network`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from twin.coverage.surface import Surface
from twin.errors import MissingInput, UnknownParameter
from twin.measures.outlines import boundary_of
from twin.measures.surfaces.ground import layer, outdoor, roads
from twin.measures.surfaces.levels import storeys
from twin.measures.surfaces.rooms import REACHABLE, rooms, single_room, storey, together
from twin.measures.surfaces.scenarios import parking_spaces, scenario_zones
from twin.store import Store

__all__ = ["CROWDED", "KNOWN", "SURFACES", "WORKING", "Named", "boundary_of", "gather_surface"]

CROWDED = ("canteen", "meeting")  # indicators: crowded_rooms
WORKING = ("office", "workshop")  # indicators: office_and_workshop_floors


@dataclass(frozen=True)
class Named:
    """One surface of the catalogue: what it is made of, what it is counted in and at which height it is evaluated."""

    id: str
    shape: str  # area line faces points network
    quantity: str  # m2 m count
    height_m: float  # above ground or finished floor, where a measure is told no other [m]
    title_en: str
    title_zh: str


_LIST = (
    Named("outdoor_public_ground", "area", "m2", 1.5, "Public ground outdoors", "室外公共地面"),
    Named("office_and_workshop_floors", "area", "m2", 1.5, "Floors of offices and workshops", "办公与厂房楼面"),
    Named("crowded_rooms", "area", "m2", 1.2, "Rooms where many meet", "人员密集房间"),
    Named("all_reachable", "area", "m2", 1.2, "All that people can reach", "全部可达区域"),
    Named("road_surface", "area", "m2", 0.0, "Road surface", "道路路面"),
    Named("main_road_centreline", "line", "m", 0.0, "Centrelines of main roads", "主要道路中心线"),
    Named("perimeter_line", "line", "m", 0.0, "Perimeter", "园区周界"),
    Named("facade", "faces", "m2", 0.0, "Facades of multi-storey buildings", "多层建筑外立面"),
    Named("key_positions", "points", "count", 1.5, "Key positions", "关键位置"),
    Named("parking_spaces", "area", "m2", 0.0, "Parking bays", "停车位"),
    Named("storeys", "area", "m2", 1.5, "Storeys of buildings", "建筑楼层"),
    Named("scenario_zones", "area", "m2", 1.5, "Places where vehicles and goods move and dangers lie", "行车、物流、仓储与危险区域"),
    Named("pipe_and_duct_network", "network", "m", 0.0, "Pipes and ducts", "管线与管道网络"),
    Named("walkable_network", "network", "m", 0.0, "Ways on foot", "步行网络"),
)  # fmt: skip
SURFACES: Mapping[str, Named] = MappingProxyType({named.id: named for named in _LIST})
_ONE_OF = ("layer", "storey", "space")  # surfaces that are one thing of the park, named by its id
KNOWN = (*(named.id for named in _LIST if named.shape == "area"), "public_and_floors", *(f"{name}:<id>" for name in _ONE_OF))


def gather_surface(store: Store, surface_id: str, *, usages: Sequence[str] | None = None) -> Surface:
    """The pieces of a named surface of areas, in the park's frame.

    Parameters
    ----------
    store
        The park.
    surface_id
        One of KNOWN.
    usages
        For surfaces of rooms: which usages count, instead of the surface's own.

    Raises
    ------
    UnknownParameter
        If no surface of areas is called so.
    MissingInput
        If the park has nothing of that surface.
    """
    name, _, identity = surface_id.partition(":")
    named: Mapping[str, Callable[[], Surface]] = {
        "outdoor_public_ground": lambda: outdoor(store),
        "crowded_rooms": lambda: rooms(store, "crowded_rooms", usages or CROWDED),
        "office_and_workshop_floors": lambda: rooms(store, "office_and_workshop_floors", usages or WORKING),
        "public_and_floors": lambda: together(store, "public_and_floors", usages or WORKING),
        "all_reachable": lambda: together(store, "all_reachable", usages or REACHABLE),
        "road_surface": lambda: roads(store),
        "parking_spaces": lambda: parking_spaces(store),
        "storeys": lambda: storeys(store),
        "scenario_zones": lambda: scenario_zones(store),
        "layer": lambda: layer(store, identity),
        "storey": lambda: storey(store, identity),
        "space": lambda: single_room(store, identity),
    }
    if name not in named or (name in _ONE_OF) != bool(identity):
        raise UnknownParameter("surface_unknown", subject=surface_id, known=", ".join(KNOWN))
    surface = named[name]()
    if surface.area <= 0:
        raise MissingInput("surface_empty", subject=surface_id)
    height = SURFACES[name].height_m if name in SURFACES else surface.height_m
    return replace(surface, id=surface_id, height_m=height)
