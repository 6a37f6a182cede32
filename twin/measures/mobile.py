"""What the measures of mobile and IoT coverage share: carriers at the cells of a surface, judged, doubted and told as a result.

What a carrier gives the cells is kept under the hash of all it depends on (`Kept`): a device that moves is heard anew, the others are not.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Before, Judge
from twin.coverage.cells import Cells
from twin.coverage.cellular import Demand, Keep, Reception, Verdict, levels_of, reception, verdict
from twin.coverage.paths import Heard
from twin.coverage.propagation import MODELS
from twin.coverage.radio import probability
from twin.coverage.site import Carriers, Site
from twin.coverage.surface import Surface
from twin.measures.carriers import Network
from twin.measures.evidence import JudgedCells
from twin.measures.radio import Covered, covered_in_the_mean, deficits, lattice, measured
from twin.store import Store

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

METHOD = (
    "cells certified by the edges of obstacles and bounded by distance, antenna gain and entry; walls inside by the bodies' rims; "
    "mixed cells cut"
)
MOST_CUT = 60_000  # cells judged beyond the first: each asks every carrier
MOST_BYTES = 512_000_000  # of levels that are kept
ENTRY_SIGMA_DB = 4.4  # sigma_P of the low-loss facade, TR 38.901 table 7.4.3-2
SHORT = {"below_threshold": "dB", "occluded": "dB", "interference": "dB"}


@dataclass(frozen=True)
class Asked:
    """Everything a run has gathered before it judges."""

    surface: Surface
    net: Network
    site: Site
    demand: Demand
    step_m: float
    sigma_db: float | None
    scene: str  # a hash of what is in the way

    @property
    def inside(self) -> BoolArray:
        """Whether each piece of the surface is inside a building."""
        return np.array([house is not None for house in self.site.houses], bool)


@dataclass(frozen=True)
class Found:
    """What came of it: the cells, what was judged of them, and what each carrier gives them."""

    asked: Asked
    covered: Covered
    levels: Sequence[Heard]

    @property
    def cells(self) -> Cells:
        """The cells before any was cut."""
        return self.covered.cells

    @property
    def first(self) -> Reception:
        """What was said of them."""
        return self.covered.first

    @property
    def indoors(self) -> BoolArray:
        """Cells (n,) inside buildings."""
        return self.asked.inside[self.cells.piece] if len(self.cells) else np.zeros(0, bool)

    @property
    def margin_db(self) -> FloatArray:
        """By how much power, and power over interference, exceed what is asked for, whichever is less (n,). [dB]"""
        return margin(self.first, self.asked.demand)


class Kept:
    """Levels of carriers by the hash of what they depend on, the last used ones up to MOST_BYTES."""

    def __init__(self, most: int = MOST_BYTES) -> None:
        self._most = most
        self._known: OrderedDict[str, Heard] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()
        self.made = 0  # how many were not known

    def keep(self, place: str, carriers: Carriers, least_dbm: float) -> Keep:
        """What answers for carriers at the cells and in the scene that `place` is a hash of."""

        def ask(j: int, make: Callable[[], Heard]) -> Heard:
            key = f"{place}-{key_of(carriers, j, least_dbm)}"
            with self._lock:
                if key in self._known:
                    self._known.move_to_end(key)
                    return self._known[key]
            found = make()
            with self._lock:
                self._put(key, found)
            return found

        return ask

    def forget(self) -> None:
        """Forget everything."""
        with self._lock:
            self._known.clear()
            self._bytes = 0

    def _put(self, key: str, found: Heard) -> None:
        self.made += 1
        self._known[key] = found
        self._bytes += _size(found)
        while self._bytes > self._most and len(self._known) > 1:
            _, old = self._known.popitem(last=False)
            self._bytes -= _size(old)


KEPT = Kept()


def examine(store: Store, asked: Asked, kept: Kept = KEPT) -> Found:
    """Judge the cells of what was asked; with shadowing, in the mean."""
    demand, carriers, site = asked.demand, asked.net.carriers, asked.site
    cells = lattice(store, asked.surface, asked.step_m, demand.target_height_m)
    eased = replace(demand, rsrp_dbm=demand.rsrp_dbm - 2.0 * (asked.sigma_db or 0.0))
    place = _place_key(asked, cells)
    levels = levels_of(carriers, site, eased, cells, kept.keep(place, carriers, eased.rsrp_dbm)) if len(cells) and len(carriers) else []

    def judge(shift_db: float) -> Judge:
        return judge_of(asked, shift_db, levels)

    cut = (asked.step_m, demand.target_height_m)
    if asked.sigma_db:
        found = covered_in_the_mean(store, asked.surface, cut, judge, lambda got: margin(got, demand), asked.sigma_db)
    else:
        found = measured(store, asked.surface, *cut, judge(0.0), budget=MOST_CUT)
    return Found(asked, found, levels)


def judge_of(asked: Asked, shift_db: float, levels: Sequence[Heard]) -> Judge:
    """What says whether cells are covered at thresholds that are higher by so much [dB]; `levels` is of the cells before any was cut."""
    demand = asked.demand
    sinr_db = None if demand.sinr_db is None else demand.sinr_db + shift_db
    harder = replace(demand, rsrp_dbm=demand.rsrp_dbm + shift_db, sinr_db=sinr_db)

    def judge(part: Cells, before: Before | None) -> Reception | Verdict:
        if before is None:
            return reception(asked.net.carriers, asked.site, harder, part, levels)
        # who cannot serve a cell cannot serve a part of it
        return verdict(asked.net.carriers, asked.site, harder, part, before.known.possibly_by[before.row])

    return judge


def margin(got: Reception, demand: Demand) -> FloatArray:
    """By how much power, and power over interference, exceed what is asked for, whichever is less (n,). [dB]"""
    power = got.level - demand.rsrp_dbm
    return power if demand.sinr_db is None else np.minimum(power, got.sinr - demand.sinr_db)


def judged(found: Found, unit: str = "dBm") -> JudgedCells:
    """What was found, as every measure of area tells it."""
    first, asked, areas = found.first, found.asked, found.covered.areas
    reasons, blockers = why(asked, first, found.cells, areas.covered < found.cells.area * (1 - 1e-9))
    columns = deficits(first.level, asked.demand.rsrp_dbm, found.cells, len(asked.surface.pieces)) | {"indoor": asked.inside.tolist()}
    return JudgedCells(
        asked.surface, found.cells, areas.covered, areas.sure, areas.possible, first.level, unit, reasons, blockers,
        asked.demand.target_height_m, METHOD, areas.convergence, columns, shortfall(found.margin_db), SHORT,
    )  # fmt: skip


def by_device(found: Found) -> list[dict[str, Any]]:
    """What each device covers, and what would be lost without it, by the points of the cells. [m2]"""
    first, devices = found.first, found.asked.net.devices
    if not len(first.devices):
        return [{"id": device.id, "covered": 0.0, "lost": 0.0} for device in devices]
    hanging = first.sole >= 0
    lost = np.bincount(first.sole[hanging], found.cells.area[hanging], minlength=len(devices))
    return [
        {"id": device.id, "covered": round(float(first.devices[k]), 3), "lost": round(float(lost[k]), 3)}
        for k, device in enumerate(devices)
    ]


def shares_of_places(found: Found) -> dict[str, Any]:
    """Covered shares outdoors and indoors."""
    area, covered = found.cells.area, found.covered.areas.covered
    split: Mapping[str, BoolArray] = {"outdoor": ~found.indoors, "indoor": found.indoors}
    return {
        name: {
            "area_m2": round(float(area[mask].sum()), 3),
            "value": float(covered[mask].sum() / area[mask].sum()) if mask.any() else None,
        }
        for name, mask in split.items()
    }


def shares_of_operators(found: Found) -> list[dict[str, Any]]:
    """The share that each operator covers by itself at the cells' points, and surely and possibly over whole cells."""
    area, first, net = found.cells.area, found.first, found.asked.net
    total = float(area.sum())

    def share(mask: BoolArray) -> float | None:
        return float(area[mask].sum()) / total if total > 0 else None

    return [
        {
            "operator": name,
            "carriers": int((net.carriers.operator == k).sum()),
            "value": share(first.by_operator[:, k]),
            "lower": share(first.surely_by[:, k]),
            "upper": share(first.possibly_by[:, k]),
        }
        for k, name in enumerate(net.operators)
        if first.by_operator.shape[1] > k
    ]


def sigma_of(found: Found) -> FloatArray:
    """Shadowing at each cell (n,) [dB]: as asked, else that of the model of its best carrier, and of the facade where it enters one."""
    if found.asked.sigma_db:
        return np.full(len(found.cells), found.asked.sigma_db)
    carriers, first = found.asked.net.carriers, found.first
    if not len(carriers):
        return np.ones(len(found.cells))
    both = np.array([(MODELS[name].sigma_nlos_db, MODELS[name].sigma_los_db) for name in carriers.model])
    best = np.maximum(first.best, 0)
    sigma = both[best, first.sight.astype(int)]
    entered = found.indoors & ~carriers.indoor[best]
    return np.asarray(np.hypot(sigma, np.where(entered, ENTRY_SIGMA_DB, 0.0)), np.float64)


def fading(found: Found) -> dict[str, Any]:
    """C50, the expected share, and the shares covered with 90 % and with 10 % chance, at the points of the cells. [1]"""
    area, total = found.cells.area, float(found.cells.area.sum())
    chance = probability(np.nan_to_num(found.margin_db, nan=-1e3), np.maximum(sigma_of(found), 1e-6))
    hard = float(area[found.margin_db >= 0].sum()) / total if total > 0 else None
    told = {
        "c50": hard,
        "sigma_db": found.asked.sigma_db,
        "sigma_source": "asked" if found.asked.sigma_db else "model",
        "expected": float((area * chance).sum()) / total if total > 0 else None,
        "c90": float(area[chance >= 0.9].sum()) / total if total > 0 else None,
        "c10": float(area[chance >= 0.1].sum()) / total if total > 0 else None,
    }
    if found.asked.sigma_db and total > 0:
        told["expected"] = float(found.covered.areas.covered.sum()) / total
    return told


def why(asked: Asked, first: Reception, cells: Cells, missing: BoolArray) -> tuple[list[str], list[str | None]]:
    """Why n cells, or the parts of them that are missing (n,), are not covered, and behind what."""
    n = len(cells)
    blockers: list[str | None] = [None] * n
    if not len(asked.net.carriers):
        return ["no_device"] * n, blockers
    indoors = asked.inside[cells.piece] if n else np.zeros(0, bool)
    weak = ~(first.level >= asked.demand.rsrp_dbm)
    spare = first.sinr - asked.demand.least_sinr_db
    noisy = ~weak & (spare < first.level - asked.demand.rsrp_dbm)  # the smaller margin is the one that fails
    reason = np.where(noisy, "interference", np.where(weak & (indoors | ~first.sight), "occluded", "below_threshold"))
    behind = np.flatnonzero(missing & weak & ~first.sight & (first.best >= 0))
    scene = (asked.site.sight.best or asked.site.sight).scene
    face, _ = scene.first_hit(asked.net.carriers.position[first.best[behind]], cells.representative[behind])
    for k, hit in zip(behind.tolist(), face.tolist(), strict=True):
        blockers[k] = scene.obstacles.id_of(hit) if hit >= 0 else None
    for k in np.flatnonzero(missing & weak & indoors).tolist():
        around = asked.site.houses[int(cells.piece[k])]
        blockers[k] = blockers[k] or (around.id if around is not None else None)
    return [str(name) for name in reason], blockers


def shortfall(margin_db: FloatArray) -> FloatArray:
    """By how many dB the margin is missed in each cell (n,); NaN where it is not, or where nothing is heard."""
    return np.where(-margin_db > 0, -margin_db, np.nan)


def _size(heard: Heard) -> int:
    return heard.plain.nbytes + heard.cell.nbytes + heard.cases.nbytes + heard.sight.nbytes


def _place_key(asked: Asked, cells: Cells) -> str:
    total = hashlib.sha256(asked.scene.encode())
    for part in (cells.representative, cells.half, cells.z_range, cells.piece):
        total.update(np.ascontiguousarray(part).tobytes())
    houses = {house.id: house for house in asked.site.houses if house is not None}
    for house in houses.values():
        glazing = b"" if house.glazing is None else house.glazing.tobytes()
        total.update(repr((house.id, house.base_z, house.top_z, house.storey_m, house.coated, house.opaque)).encode())
        total.update(house.edges.tobytes() + glazing)
    total.update(repr([None if house is None else house.id for house in asked.site.houses]).encode())
    total.update(repr((asked.site.facades, asked.site.release, asked.demand.target_height_m)).encode())
    return total.hexdigest()


def key_of(carriers: Carriers, j: int, least_dbm: float) -> str:
    """A hash of all that a carrier's levels at given cells of a given site depend on."""
    said = (
        carriers.position[j].tolist(), float(carriers.height_m[j]), float(carriers.f_ghz[j]), float(carriers.power_dbm[j]),
        carriers.antenna[j], carriers.model[j], carriers.loose[j].tolist(), bool(carriers.indoor[j]),
    )  # fmt: skip
    inside = (float(carriers.slack_db[j]), least_dbm, carriers.house[j] if carriers.house else None) if carriers.indoor[j] else ()
    return hashlib.sha256(repr((said, inside)).encode()).hexdigest()
