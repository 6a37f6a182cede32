"""Which rows make which GeoJSON file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sample_park import networks, outdoors, parking, places, roads
from sample_park.write import Row

LAYERS: Mapping[str, Callable[[], Sequence[Row]]] = {
    "boundary": outdoors.boundary_rows,
    "zones": places.zone_rows,
    "grid": places.grid_rows,
    "green": outdoors.green_rows,
    "water": outdoors.water_rows,
    "road_areas": roads.area_rows,
    "roads": roads.road_rows,
    "paths": outdoors.path_rows,
    "buildings": outdoors.building_rows,
    "yards": places.yard_rows,
    "parking_areas": parking.lot_rows,
    "parking_bays": parking.bay_rows,
    "trees": outdoors.tree_rows,
    "barriers": outdoors.barrier_rows,
    "ducts": lambda: [*networks.duct_rows(), *networks.lead_rows()],
    "manholes": networks.manhole_rows,
    "fibre": networks.fibre_rows,
    "pipes": networks.pipe_rows,
    "key_positions": places.key_position_rows,
}
