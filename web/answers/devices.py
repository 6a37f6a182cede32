"""Devices with their heights resolved, and what a camera looks at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from twin.devices import heights
from twin.errors import NotFound
from twin.model import Device
from twin.store import Store
from web.answers.view import field_of_view
from web.geometry import METRES


class DeviceAnswer(BaseModel):
    """A device: place [deg], absolute height `h_m` [m, park datum] and `height_m` above ground or floor as its table says."""

    id: str
    kind: str
    name: str
    name_zh: str
    lon: float
    lat: float
    h_m: float
    height_m: float | None
    status: str
    building_id: str | None
    storey_id: str | None
    attributes: Mapping[str, Any]


class OneDeviceAnswer(DeviceAnswer):
    """A device and, of a camera, the ground it looks at: a GeoJSON feature with the lens's height `apex_h_m`."""

    field_of_view: dict[str, Any] | None


class DevicesAnswer(BaseModel):
    """Devices of one kind, or all."""

    devices: Sequence[DeviceAnswer]


def devices_answer(store: Store, kind: str | None = None) -> DevicesAnswer:
    """The devices of `kind`, or all of them."""
    found = store.devices(kind)
    return DevicesAnswer(devices=[DeviceAnswer(**_fields(device, h)) for device, h in _resolved(store, found)])


def device_answer(store: Store, device_id: str) -> OneDeviceAnswer:
    """One device; raises NotFound."""
    found = [device for device in store.devices() if device.id == device_id]
    if not found:
        raise NotFound("device_missing", subject=device_id)
    return _whole(store, found)[0]


def whole_devices(store: Store) -> Sequence[OneDeviceAnswer]:
    """All devices, cameras with what they look at."""
    return _whole(store, store.devices())


def _whole(store: Store, devices: Sequence[Device]) -> list[OneDeviceAnswer]:
    return [OneDeviceAnswer(**_fields(device, h), field_of_view=field_of_view(store, device, h)) for device, h in _resolved(store, devices)]


def _resolved(store: Store, devices: Sequence[Device]) -> Sequence[tuple[Device, float]]:
    return list(zip(devices, heights(store, devices).tolist(), strict=True))


def _fields(device: Device, h_m: float) -> dict[str, Any]:
    return {
        "id": device.id,
        "kind": device.kind,
        "name": device.name or device.id,
        "name_zh": str(device.attributes.get("name_zh") or device.name or device.id),
        "lon": device.lon,
        "lat": device.lat,
        "h_m": round(h_m, METRES),
        "height_m": device.height_m,
        "status": device.status,
        "building_id": device.building_id,
        "storey_id": device.storey_id,
        "attributes": device.attributes,
    }
