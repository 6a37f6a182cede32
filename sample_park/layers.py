"""Which rows make which file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sample_park import networks, outdoors, parking, places, roads
from sample_park.devices import cameras_indoor, cameras_outdoor, charging, indoor, radio, services, street
from sample_park.devices.table import Device
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
    "enterprises": indoor.enterprise_rows,
    "key_positions": lambda: [*places.key_position_rows(), *indoor.key_position_rows()],
}

TABLES: Mapping[str, Callable[[], Sequence[Device]]] = {
    "cameras": lambda: [*cameras_outdoor.cameras(), *cameras_indoor.cameras()],
    "wifi_aps": radio.access_points,
    "cells": radio.cells,
    "gateways": radio.gateways,
    "chargers": charging.chargers,
    "lamps": street.lamp_rows,
    "poles": street.pole_rows,
    "displays": lambda: [*street.display_rows(), *indoor.display_rows()],
    "alarms": street.alarm_rows,
    "detectors": lambda: [*street.detector_rows(), *indoor.smoke_rows()],
    "hydrants": street.hydrant_rows,
    "speakers": street.speaker_rows,
    "meters": street.meter_rows,
    "sensors": street.sensor_rows,
    "access_control": lambda: [*street.access_rows(), *indoor.access_rows()],
    "services": services.service_rows,
}
