"""What the measures of displays share: devices read as displays."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from twin.coverage.legible import Displays, viewing_distance_m
from twin.devices import mounting_height, positions
from twin.measures.emitters import proud
from twin.measures.spoken import amount, is_so, said
from twin.model import Device
from twin.store import Store

USUAL_PITCH_MM, FINEST_MM, COARSEST_MM = 4.0, 2.0, 10.0  # of a display that says neither pitch nor width and pixels
BOTH_WORDS = ("central", "sync", "unified", "platform", "统一", "集中", "平台", "联网")
NONE_WORDS = ("local", "manual", "none", "usb", "本地", "单机", "无")


@dataclass(frozen=True)
class Screens:
    """The displays that count, and what is assumed of them."""

    devices: Sequence[Device]
    displays: Displays
    assumed: Mapping[str, Sequence[str]]  # attribute -> ids
    warnings: Sequence[Mapping[str, Any]]

    @property
    def resting(self) -> list[str]:
        """The ids of the displays that rest on an assumed attribute."""
        return sorted({name for ids in self.assumed.values() for name in ids})


def gather_screens(store: Store, devices: Sequence[Device], *, near: bool) -> Screens:
    """Devices as displays; what their tables do not say is assumed. `near`: places too near for the pitch do not count either."""
    places, buried = proud(store, devices, positions(store, devices))
    assumed: dict[str, list[str]] = {}
    far, least = np.zeros((len(devices), 3)), np.zeros(len(devices))
    azimuth = np.full(len(devices), math.nan)
    for i, device in enumerate(devices):
        pitch = pitch_mm(device)
        steps = (FINEST_MM, USUAL_PITCH_MM, COARSEST_MM) if pitch is None else (pitch,) * 3
        far[i] = [viewing_distance_m(each)[1] for each in steps]
        least[i] = viewing_distance_m(steps[1])[0] if near else 0.0
        own = amount(device, "azimuth_deg", most=360.0)
        azimuth[i] = math.nan if own is None else math.radians(own)
        unsaid = [*(["pitch_mm"] if pitch is None else []), *(["azimuth_deg"] if own is None else [])]
        unsaid += ["height_m"] if device.z_m is None and mounting_height(device)[1] else []
        for name in unsaid:
            assumed.setdefault(name, []).append(device.id)
    told: list[Mapping[str, Any]] = [] if devices else [{"code": "no_devices", "subject": "display"}]
    for name, ids in sorted(assumed.items()):
        told.append({"code": "attribute_assumed", "subject": "display", "attribute": name, "count": len(ids), "ids": ids})
    if buried:
        told.append({"code": "device_inside_building", "subject": "display", "count": len(buried), "ids": buried})
    return Screens(devices, Displays(places, azimuth, least, far), assumed, told)


def pitch_mm(device: Device) -> float | None:
    """The pitch of a display's pixels [mm]: as given, or its width over its pixels; None where neither is known."""
    own = amount(device, "pitch_mm", least=0.1, most=100.0)
    width, pixels = amount(device, "width_m", least=0.01), amount(device, "pixels_w", least=1.0)
    if own is not None:
        return own
    return 1000.0 * width / pixels if width and pixels else None


def publishes_both(device: Device) -> bool | None:
    """Whether a display can be published to together with others and by itself, through the centre; None where nobody says."""
    together, alone = is_so(device, "publish_sync"), is_so(device, "publish_async")
    if together is not None or alone is not None:
        return None if together is None or alone is None else together and alone
    text = str(said(device, "publishing") or "").casefold()
    if any(word in text for word in NONE_WORDS):
        return False
    return True if any(word in text for word in BOTH_WORDS) else is_so(device, "publishing")
