"""The park's Wi-Fi access points as radios: channels, power, antennas, what has to be assumed, and what the rules of the air say.

An access point has one radio for each of its frequencies (`freq_mhz`, or `channel` and `band`); `eirp_dbm` and `width_mhz` (or
`bandwidth_mhz`) may hold one value or one for each. Its antenna is an `antenna` of the words in `CEILING_WORDS`, or looks along
`azimuth_deg` and `tilt_deg`, as a sector where `beam_h_deg` is given; else it radiates alike all round.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.antenna import Antenna
from twin.coverage.channels import BANDS_GHZ, OPEN_BANDS, USUAL_WIDTH_MHZ, band_of, frequency_of, greatest_eirp_dbm, limit_of
from twin.coverage.pattern import CEILING_RAD, OMNI, WALL_RAD, Axial, Pattern
from twin.coverage.wifi import Transmitters
from twin.devices import DEFAULTS, positions
from twin.measures.placed import with_place
from twin.measures.radio import SLACK_DB, assumed_attributes, dbm, height_assumed, mhz, number, numbers, radiated_dbm
from twin.model import Device
from twin.store import Store

FloatArray = NDArray[np.float64]

KIND = "wifi_ap"
BAND_CENTRE_MHZ: Mapping[float, float] = {2400.0: 2437.0, 5000.0: 5220.0, 5200.0: 5220.0, 5800.0: 5785.0, 6000.0: 6525.0}  # for "2.4"
STRONGEST_DBM = 80.0  # no access point sends more: what a table says beyond it is no power in dBm
CEILING_WORDS = ("ceiling", "吸顶", "顶装", "天花")


@dataclass(frozen=True)
class Radio:
    """One radio of an access point."""

    device: int  # number of its access point
    f_ghz: float
    width_mhz: float
    eirp_dbm: float
    assumed: Mapping[str, bool]  # power, frequency, height

    @property
    def slack_db(self) -> float:
        """How far its level may be off. [dB]"""
        return sum(SLACK_DB[name] for name, is_assumed in self.assumed.items() if is_assumed)


@dataclass(frozen=True)
class Radios:
    """The radios of the access points that count, and what has to be said about them."""

    sent: Transmitters
    width_mhz: FloatArray  # (m,)
    radio: Sequence[Radio]  # (m,)
    device: Sequence[Device]  # (a,) access points with a radio that counts
    uplink_gain_dbi: FloatArray  # (m,)
    resting: Sequence[str]  # ids of access points that rest on an assumed attribute
    counted: int  # access points asked about
    warnings: Sequence[Mapping[str, Any]]

    def only(self, keep: NDArray[np.bool_]) -> Radios:
        """The same without the access points where `keep` (a,) is False."""
        owner = np.asarray(self.sent.owner)
        mask = keep[owner] if len(owner) else np.empty(0, bool)
        number_of = np.cumsum(keep) - 1
        sent = _chosen(self.sent, mask, number_of)
        return replace(
            self, sent=sent, width_mhz=self.width_mhz[mask], uplink_gain_dbi=self.uplink_gain_dbi[mask],
            radio=[radio for radio, kept in zip(self.radio, mask.tolist(), strict=True) if kept],
            device=[device for device, kept in zip(self.device, keep.tolist(), strict=True) if kept],
        )  # fmt: skip


def gather_radios(store: Store, points: Sequence[Device], bands: Sequence[str]) -> Radios:
    """One radio for each frequency of each access point that lies in one of the bands."""
    points, nowhere = with_place(points, KIND)
    found = [_radios_of(device, i) for i, device in enumerate(points)]
    rows = [radio for own in found for radio in own if band_of(radio.f_ghz) in bands]
    left_out = [points[i].id for i, own in enumerate(found) if any(band_of(radio.f_ghz) not in bands for radio in own)]
    heard = sorted({radio.device for radio in rows})
    number_of = {device: k for k, device in enumerate(heard)}
    place = positions(store, points)
    patterns = [_pattern(device) for device in points]
    sent = Transmitters(
        place[[radio.device for radio in rows]] if rows else np.empty((0, 3)),
        *(np.array([getattr(radio, name) for radio in rows], float) for name in ("f_ghz", "eirp_dbm", "slack_db")),
        owner=np.array([number_of[radio.device] for radio in rows], np.int64),
        pattern=[patterns[radio.device] for radio in rows],
        tolerance_m=np.array([_tolerance(points[radio.device], "position_tolerance_m") for radio in rows], float),
    )
    resting = [points[i].id for i, own in enumerate(found) if any(flag for radio in own for flag in radio.assumed.values())]
    gains = np.array([number(points[radio.device], "gain_dbi")[0] or 0.0 for radio in rows], float)
    return Radios(
        sent, np.array([radio.width_mhz for radio in rows], float), rows, [points[i] for i in heard], gains, resting, len(points),
        [*nowhere, *_warnings(points, found, rows, left_out)],
    )  # fmt: skip


def named(points: Sequence[Device], networks: Sequence[str]) -> list[Device]:
    """The access points that send one of the networks (`ssid`), or all where none is named."""
    wanted = {name.strip().casefold() for name in networks}
    return [point for point in points if not wanted or wanted & set(_networks(point))]


def with_uplink(radios: Radios, client_dbm: float | None, uplink_dbm: float, rssi_dbm: float) -> Radios:
    """The same radios, none stronger than what leaves `rssi_dbm` where the client's own signal just reaches them with `uplink_dbm`.

    Path loss is the same both ways: a client of `client_dbm` EIRP is heard with EIRP + gain - loss.
    """
    if client_dbm is None:
        return radios
    both_ways = np.minimum(radios.sent.eirp_dbm, client_dbm + radios.uplink_gain_dbi + rssi_dbm - uplink_dbm)
    return replace(radios, sent=replace(radios.sent, eirp_dbm=both_ways))


def _chosen(sent: Transmitters, mask: NDArray[np.bool_], number_of: NDArray[np.int64]) -> Transmitters:
    owner = np.asarray(sent.owner)
    return Transmitters(
        sent.position[mask], sent.f_ghz[mask], sent.eirp_dbm[mask], sent.slack_db[mask], number_of[owner[mask]],
        [pattern for pattern, kept in zip(sent.pattern, mask.tolist(), strict=True) if kept],
        None if sent.tolerance_m is None else sent.tolerance_m[mask],
    )  # fmt: skip


def _radios_of(device: Device, index: int) -> list[Radio]:
    frequencies, f_assumed = _frequencies_ghz(device)
    eirp, p_assumed = radiated_dbm(device)
    if abs(eirp) > STRONGEST_DBM:
        eirp, p_assumed = float(DEFAULTS[KIND]["eirp_dbm"].value), True
    powers, widths = dbm(device.attributes.get("eirp_dbm")), numbers(_width(device))
    assumed = {"power": p_assumed, "frequency": f_assumed, "height": bool(height_assumed(device))}
    return [
        Radio(
            index, f_ghz, _each(widths, k, len(frequencies)) or USUAL_WIDTH_MHZ.get(band_of(f_ghz) or "", 20.0),
            powers[k] if len(powers) == len(frequencies) and not p_assumed else eirp, assumed,
        )
        for k, f_ghz in enumerate(frequencies)
    ]  # fmt: skip


def _width(device: Device) -> Any:
    """What a device says of the width of its channels. [MHz]"""
    return device.attributes.get("width_mhz", device.attributes.get("bandwidth_mhz"))


def _each(values: Sequence[float], k: int, of: int) -> float | None:
    """The k-th of as many values as there are radios, or the one for all; None where neither is given or it is no width."""
    found = values[k] if len(values) == of else values[0] if len(values) == 1 else None
    return found if found is not None and 1.0 <= found <= 320.0 else None


def _frequencies_ghz(device: Device) -> tuple[list[float], bool]:
    """The frequencies of an access point [GHz], each once, and whether they are assumed."""
    own = mhz(device.attributes.get("freq_mhz")) or _channels_mhz(device)
    values = own or [float(DEFAULTS[KIND]["freq_mhz"].value)]
    return list(dict.fromkeys(BAND_CENTRE_MHZ.get(value, value) / 1000.0 for value in values)), not own


def _channels_mhz(device: Device) -> list[float]:
    """Frequencies from channel numbers; a channel up to 14 lies in the 2.4 GHz band unless the device says that it is a 6 GHz one."""
    said = numbers(device.attributes.get("channel"))
    bands = [band for band in BANDS_GHZ if band in re.findall(r"\d+(?:\.\d+)?", str(device.attributes.get("band") or ""))]
    six = bands == ["6"]
    found = [frequency_of(int(channel), "6" if six else "2.4" if channel <= 14 else "5") for channel in said if float(channel).is_integer()]
    return [f_ghz * 1000.0 for f_ghz in found if f_ghz is not None] or [BAND_CENTRE_MHZ[round(float(band), 1) * 1000.0] for band in bands
                                                                         if round(float(band), 1) * 1000.0 in BAND_CENTRE_MHZ]  # fmt: skip


def _pattern(device: Device) -> Pattern:
    tolerance = math.radians(math.hypot(_tolerance(device, "azimuth_tolerance_deg"), _tolerance(device, "tilt_tolerance_deg")))
    azimuth, tilt, wide, high = (
        next(iter(numbers(device.attributes.get(name))), None) for name in ("azimuth_deg", "tilt_deg", "beam_h_deg", "beam_v_deg")
    )
    if any(word in str(device.attributes.get("antenna") or "").casefold() for word in CEILING_WORDS):
        return Pattern(Axial(0.0, math.pi / 2, CEILING_RAD), tolerance)
    if azimuth is None:
        return OMNI
    if wide is None or not 0.0 < wide < 360.0:
        return Pattern(Axial(math.radians(azimuth), math.radians(tilt or 0.0), WALL_RAD), tolerance)
    upright = high if high is not None and 0.0 < high <= 180.0 else wide
    shape = Antenna(math.radians(azimuth), math.radians(tilt or 0.0), math.radians(wide), math.radians(min(upright, 180.0)))
    return Pattern(shape, tolerance)


def _tolerance(device: Device, name: str) -> float:
    found = next(iter(numbers(device.attributes.get(name))), 0.0)
    return max(found, 0.0)


def _networks(device: Device) -> list[str]:
    said = device.attributes.get("ssid")
    parts = [str(part) for part in said] if isinstance(said, list | tuple) else re.split(r"[;,，；|]", str(said or ""))
    return [part.strip().casefold() for part in parts if part.strip()]


def _is_too_loud(device: Device, radio: Radio) -> bool:
    """Whether a radio exceeds the limits of China, at the width it states or the usual one of its band."""
    gain = next(iter(numbers(device.attributes.get("gain_dbi"))), None)
    limit = limit_of(radio.f_ghz, gain)
    said = bool(numbers(_width(device)))
    return limit is not None and radio.eirp_dbm > (greatest_eirp_dbm(limit, radio.width_mhz) if said else limit.eirp_dbm) + 1e-9


def _warnings(
    points: Sequence[Device], found: Sequence[Sequence[Radio]], counting: Sequence[Radio], left_out: Sequence[str]
) -> list[dict[str, Any]]:
    radios = [(points[i], radio) for i, own in enumerate(found) for radio in own]
    guessed = {device.id for device, radio in radios if radio.assumed["power"] or radio.assumed["frequency"]}
    loud = [device.id for device, radio in radios if _is_too_loud(device, radio)]
    closed = [points[radio.device].id for radio in counting if band_of(radio.f_ghz) not in OPEN_BANDS]
    notes: list[dict[str, Any]] = [{"code": "no_devices", "subject": KIND}] if not points else []
    if guessed:
        notes.append({"code": "radio_assumed", "subject": KIND, "count": len(guessed), "slack_db": SLACK_DB["power"]})
    for code, ids in (("wifi_eirp_limit", loud), ("wifi_band_closed", closed), ("wifi_band_left_out", left_out)):
        names = sorted(set(ids))
        if names:
            notes.append({"code": code, "subject": ", ".join(names[:5]), "count": len(names)})
    return [*notes, *assumed_attributes(KIND, [(device.id, height_assumed(device)) for device in points])]
