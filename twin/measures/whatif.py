"""How camera measures answer what-if questions: each camera is read once, and looked through once a place and aim."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import View, reach
from twin.coverage.footprint import Footprint
from twin.coverage.why import NEARBY_M
from twin.measures.camera import gather_cameras, reading_of
from twin.measures.watch import Explained, Watch, explained_at, watched
from twin.model import Device
from twin.scenario.overlay import with_devices
from twin.scene.gather import flattened
from twin.store import Store

Footprints = Callable[[Store], Mapping[str, Footprint]]
Reasons = Callable[[Store, NDArray[np.int32]], Explained]


@dataclass(frozen=True)
class _Read:
    """A camera as it was read last: its views, and how far round it they are asked why. [m]"""

    device: Device
    views: Sequence[View]
    nearby: float


def what_if(watch: Watch) -> tuple[Footprints, Reasons]:
    """What cameras of any park like the watched one cover, and why they do not cover single cells."""
    asked = watch.asked
    known: dict[str, _Read] = {}

    def read(store: Store) -> list[_Read]:
        cameras = store.devices("camera")
        fresh = [device for device in cameras if device.id not in known or known[device.id].device is not device]
        found = {device.id: known[device.id] for device in cameras if device.id in known} | _read(watch, store, fresh, asked)
        known.update(found)
        return [found[device.id] for device in cameras]

    def footprints(store: Store) -> Mapping[str, Footprint]:
        return watched(watch, [view for each in read(store) for view in each.views])

    def reasons(store: Store, cells: NDArray[np.int32]) -> Explained:
        if not len(cells):
            return Explained([], [], np.empty(0))
        cameras = [each for each in read(store) if each.views]
        near = _near(cameras, watch.field.cells.centre[cells, :2], watch.field.step)
        return explained_at(watch, cells, [view for i in near for view in cameras[i].views])

    return footprints, reasons


def _read(watch: Watch, store: Store, devices: Sequence[Device], asked: Mapping[str, Any]) -> dict[str, _Read]:
    """Cameras read as views; those that do not count have none."""
    if not devices:
        return {}
    park = with_devices(store, devices)
    views = gather_cameras(flattened(park) if asked["terrain"] == "flat" else park, asked["statuses"], reading_of(asked)).views
    by_camera: dict[str, list[View]] = {device.id: [] for device in devices}
    for view in views:
        by_camera[view.camera].append(view)
    return {
        device.id: _Read(device, by_camera[device.id], max((_nearby(watch, view) for view in by_camera[device.id]), default=0.0))
        for device in devices
    }


def _nearby(watch: Watch, view: View) -> float:
    """How far from a view targets may be that ask it why it does not see them. [m]"""
    return max(NEARBY_M, 3 * reach(view, watch.criteria))


def _near(cameras: Sequence[_Read], cells: NDArray[np.float64], room: float) -> list[int]:
    """The cameras that cells in the box over some (t, 2) may ask why. [m, enu]"""
    if not cameras:
        return []
    at = np.array([each.views[0].position[:2] for each in cameras])
    away = np.maximum(np.maximum(cells.min(axis=0) - at, at - cells.max(axis=0)), 0.0).max(axis=1)
    return np.flatnonzero(away <= np.array([each.nearby for each in cameras]) + room).tolist()
