"""Devices that are somewhere: those whose table gives no place on earth are left out, and said to be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from twin.measures.radio import chosen_devices
from twin.model import Device
from twin.store import Store

Told = list[dict[str, Any]]  # warnings
HIGHEST_M = 1e5  # above or below anything, a height is no number


def placed_devices(store: Store, kind: str, statuses: Sequence[str]) -> tuple[list[Device], Told]:
    """The devices of a kind that count by their status and are somewhere, and what is to be said of those that are nowhere."""
    return with_place(chosen_devices(store, kind, statuses), kind)


def with_place(devices: Iterable[Device], kind: str) -> tuple[list[Device], Told]:
    """The devices that are somewhere, without heights that cannot be, and what is to be said of those that are nowhere."""
    every = [mended(device) for device in devices]
    lost = [device.id for device in every if not is_somewhere(device)]
    told: Told = [{"code": "device_without_place", "subject": kind, "count": len(lost), "ids": lost}] if lost else []
    return [device for device in every if is_somewhere(device)], told


def is_somewhere(device: Device) -> bool:
    """Whether a device's longitude and latitude are on earth."""
    return abs(device.lon) <= 360.0 and abs(device.lat) <= 90.0


def mended(device: Device) -> Device:
    """The device without a height that cannot be: what is usual is assumed, and said to be."""
    broken = {name: None for name in ("height_m", "z_m") if (own := getattr(device, name)) is not None and not abs(own) <= HIGHEST_M}
    return replace(device, **broken) if broken else device
