"""Gateways, base stations and access points read as networks of things, and the registered devices that hang on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.cellular import Demand, reception
from twin.coverage.radio import iot_technologies, reference_power_dbm, squeezed
from twin.coverage.site import Site
from twin.coverage.things import Budget, technology_at
from twin.devices import positions
from twin.measures.carriers import (
    TECHNOLOGY_SLACK_DB,
    Formulas,
    Network,
    Sender,
    assembled,
    buried,
    house_at,
    placed,
    positive,
    sender,
    telling,
    unplaced,
)
from twin.measures.radio import dbm, mhz, numbers
from twin.model import Device
from twin.scene import Obstacles
from twin.store import Store

FloatArray = NDArray[np.float64]

KINDS = ("iot_gateway", "cell", "wifi_ap")
TECHNOLOGY_COLUMNS = ("technology", "network", "communication", "protocol", "通信方式", "通讯方式", "联网方式")
WIRED_WORDS = ("wired", "ethernet", "rs485", "rs-485", "modbus", "mbus", "fibre", "fiber", "plc", "有线", "以太网", "光纤", "总线")
NB_SUBCARRIERS_DB = 10.0 * float(np.log10(12.0))
POINT_M = 1e-3  # half the edge of the cell that a device is


@dataclass(frozen=True)
class Things:
    """A network of things: `power_dbm` of its carriers is how much a path may lose [dB]; what they radiate and receive beside it."""

    net: Network
    eirp_dbm: FloatArray  # (m,) at boresight
    gain_dbi: FloatArray  # (m,) of the receiving gateway, 0 where it is not known
    budgets: Mapping[str, Budget]


def things(store: Store, statuses: Sequence[str], budgets: Mapping[str, Budget], formulas: Formulas, *, uplink: bool) -> Things:
    """The radios of the technologies that `budgets` names."""
    devices = [device for kind in KINDS for device in store.devices(kind) if device.status in set(statuses)]
    rows: list[tuple[Device, Sender]] = []
    radiated: list[float] = []
    gains: list[float] = []
    for device in placed(devices):
        names, guessed = _technologies(device)
        for name in names:
            if name in budgets:
                row, eirp, gain = _radio(device, name, budgets[name], uplink=uplink)
                rows.append((device, replace(row, slack=dict(row.slack) | ({"technology": TECHNOLOGY_SLACK_DB} if guessed else {}))))
                radiated.append(eirp)
                gains.append(gain)
    net = assembled(store, rows, list(budgets), formulas, 0.0)
    said = [*unplaced(devices, "iot_gateway"), *telling("iot_gateway", rows, net.carriers), *buried("iot_gateway", rows, net.carriers)]
    return Things(replace(net, warnings=said), np.array(radiated), np.array(gains), budgets)


def registered(store: Store, kinds: Sequence[str], statuses: Sequence[str]) -> list[Device]:
    """The devices that want a network: of some kinds, and not on a wire."""
    found = [device for kind in kinds for device in store.devices(kind) if device.status in set(statuses)]
    return [device for device in placed(found) if not any(word in _said(device) for word in WIRED_WORDS)]


def served(store: Store, network: Things, site: Site, obstacles: Obstacles, devices: Sequence[Device]) -> list[dict[str, Any]]:
    """For each device whether a gateway serves it: surely, likely or possibly; by which, with how much to spare, or how much is short."""
    net = network.net
    place = positions(store, devices) if devices else np.empty((0, 3))
    if not devices or not len(net.carriers):
        return [_row(device, None, network, None) for device in devices]
    n = len(devices)
    cells = Cells(
        place, np.full(n, POINT_M), np.repeat(place[:, 2:], 2, axis=1), np.ones(n), np.arange(n, dtype=np.int32), np.full(n, None, object)
    )  # fmt: skip
    inside = replace(site, houses=house_at(store, place, obstacles, devices))
    got = reception(net.carriers, inside, Demand(0.0, None, "any"), cells)
    rows: list[dict[str, Any]] = []
    for i, device in enumerate(devices):
        wanted = [k for k, name in enumerate(net.operators) if name in (iot_technologies(_named(device)) or net.operators)]
        wanted = [k for k in wanted if k < got.levels.shape[1]]
        level = np.nan_to_num(got.levels[i, wanted], nan=-np.inf) if wanted else np.empty(0)
        k = wanted[int(level.argmax())] if len(level) else None
        told = None if k is None else (float(level.max()), int(got.best_by[i, k]))
        states = (got.surely_by, got.by_operator, got.possibly_by)
        surely, likely, possibly = (bool(state[i, wanted].any()) if wanted else False for state in states)
        rows.append(_row(device, told, network, (surely, likely, possibly)))
    return rows


def _row(device: Device, told: tuple[float, int] | None, network: Things, state: tuple[bool, bool, bool] | None) -> dict[str, Any]:
    known = told is not None and np.isfinite(told[0]) and told[1] >= 0
    gateway = network.net.devices[int(network.net.carriers.device[told[1]])].id if told is not None and known else None
    technology = network.net.operators[int(network.net.carriers.operator[told[1]])] if told is not None and known else None
    surely, likely, possibly = state or (False, False, False)
    return {
        "id": device.id,
        "kind": device.kind,
        "technology": technology,
        "served": likely,
        "surely": surely and likely,
        "possibly": possibly or likely,
        "gateway": gateway,
        "margin_db": round(told[0], 2) if told is not None and known else None,
    }


def _technologies(device: Device) -> tuple[tuple[str, ...], bool]:
    """What a device radiates of the technologies of things, and whether that is assumed."""
    named = device.attributes.get("technology")
    if device.kind == "wifi_ap":
        return ("Wi-Fi",), False
    found = iot_technologies(named)
    if found or device.kind == "cell" or named:
        return found, False
    frequency = mhz(device.attributes.get("freq_mhz"))
    return (technology_at(frequency[0]) if frequency else "LoRa",), True


def _radio(device: Device, technology: str, budget: Budget, *, uplink: bool) -> tuple[Sender, float, float]:
    """One radio of a device: as a sender whose power is what a path may lose, its EIRP [dBm] and its receiving gain [dBi]."""
    width = positive(device, "bandwidth_mhz") or budget.width_mhz
    scs = positive(device, "scs_khz") or 30.0
    row = sender(device, technology, width, scs)
    own = dbm(device.attributes.get("eirp_dbm")) or dbm(device.attributes.get("power_dbm"))
    eirp = row.power_dbm if own else budget.eirp_dbm
    frequency = mhz(device.attributes.get("freq_mhz"))
    gain = next(iter(numbers(device.attributes.get("gain_dbi"))), 0.0)
    measured = {"NB-IoT": eirp - NB_SUBCARRIERS_DB, "5G": reference_power_dbm(eirp, "5g", width, scs)}.get(technology, eirp)
    may_lose = measured - budget.threshold_dbm
    if uplink and budget.node_eirp_dbm is not None:
        may_lose = min(may_lose, budget.node_eirp_dbm + gain - budget.sensitivity_dbm)
    f_ghz = (frequency[0] if frequency else budget.freq_mhz) / 1000.0
    return replace(row, power_dbm=may_lose, f_ghz=f_ghz, disturbs=False), eirp, gain


def _named(device: Device) -> str:
    return "; ".join(str(device.attributes[name]) for name in TECHNOLOGY_COLUMNS if device.attributes.get(name))


def _said(device: Device) -> str:
    text = _named(device).lower()
    return f"{text} {squeezed(text)}"
