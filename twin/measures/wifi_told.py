"""What is said about Wi-Fi coverage besides the share: each access point's part, what opens the bounds, bands, channels, clearness.

All of it is read off the same cells at their points, or off every n-th of them where there are very many; shares are of the area that
these cells stand for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.channels import band_of
from twin.coverage.heard import BLIND, COUNTING, Medium
from twin.coverage.interference import Air, sinr_db
from twin.coverage.makeup import BEST, LIKELY, WORST, Partitions
from twin.coverage.shots import Shots, levels_at, levels_of, shots
from twin.coverage.walls import Barriers
from twin.coverage.wifi import Demand, Transmitters
from twin.measures.access_points import Radios
from twin.measures.radio import SLACK_DB

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

MOST_LEVELS = 400_000  # places times access points asked for each access point's part
MOST_VARIED = 100_000  # and for each thing that opens the bounds
MOST_HELD = 25_000_000  # levels of radios held at once for that
NEAREST = 12  # access points looked at for each place there, those that would be strongest with nothing between
CLEAR_DB = 25.0  # SINR that dense use asks for
FAINT_DBM = -92.0  # what is weaker disturbs nobody
MOVABLE = ("door", "window", "vegetation")


@dataclass(frozen=True)
class Places:
    """Places that stand for a surface: where they are (n, 3) [m, enu], and the area that each stands for (n,) [m2]."""

    point: FloatArray
    area: FloatArray

    def share(self, mask: BoolArray) -> float:
        """What part of the area a mask (n,) holds. [1]"""
        total = float(self.area.sum())
        return float(self.area[mask].sum()) / total if total > 0 else 0.0


@dataclass(frozen=True)
class Asked:
    """What is asked of which radios among what."""

    radios: Radios
    among: Barriers
    demand: Demand
    kinds: Sequence[str]  # (o,) of the objects

    @property
    def floor_dbm(self) -> float:
        """What is weaker than this changes nothing."""
        return min(FAINT_DBM, *(level for _, level in self.demand.asked))


def places(cells: Cells, devices: int, most: int) -> Places:
    """Every n-th cell, so that there are no more than `most` pairs with devices; together they stand for the whole area."""
    step = max(1, -(-len(cells) * max(devices, 1) // most))
    area = cells.area[::step]
    scale = float(cells.area.sum()) / max(float(area.sum()), 1e-300)
    return Places(cells.representative[::step], area * scale)


def parts(asked: Asked, cells: Cells, air: Air) -> dict[str, Any]:
    """What each access point covers and what would be lost without it, shares by band, secondary coverage, clearness, what rests on
    defaults."""
    at = places(cells, len(asked.radios.device), MOST_LEVELS)
    level = levels_at(asked.radios.sent, asked.among, asked.demand.medium, at.point, asked.floor_dbm)  # (n, m)
    by_device = _by_device(level, asked.radios.sent)
    met = _met(by_device, asked.demand)
    resting = set(asked.radios.resting)
    solid = np.array([device.id not in resting for device in asked.radios.device], bool)
    alone = _met(np.where(solid, by_device, -np.inf), asked.demand)
    covered = at.share(met)
    return {
        "devices": _devices(asked, at, by_device, met),
        "resting_share": 1.0 - at.share(met & alone) / covered if covered > 0 else None,
        "bands": _bands(asked, at, level),
        "secondary_share": at.share((by_device >= _secondary(asked.demand)).sum(axis=1) >= 2),
        "channels": _channels(asked.radios),
        "sinr": _clearness(asked, at, level, air),
    }


def sensitivity(asked: Asked, cells: Cells, others: Mapping[str, Callable[[], Asked]]) -> list[dict[str, Any]]:
    """What opens the bounds: the share with each one thing at its worst and at its best while the others stay as they are.

    Parameters
    ----------
    asked, cells
        What is asked, and where.
    others
        The same asked by other models, by their names.
    """
    looked_at = min(len(asked.radios.device), NEAREST + asked.demand.k)
    at = places(cells, max(looked_at, -(-len(asked.radios.sent) * MOST_VARIED // MOST_HELD)), MOST_VARIED)
    looked = _looked(asked, at)
    level = levels_of(looked.seen, asked.radios.sent, asked.among, asked.demand.medium, at.point)
    usual = _share(asked, at, level)
    varied = [*_of_attributes(asked, at, level), *_of_bodies(asked, looked), *_of_pose(asked, at), *_of_models(looked, others)]
    rows = [row(what, devices, [usual, *shares]) for what, devices, shares in varied]
    return sorted((row for row in rows if row["width"] > 0), key=lambda row: -row["width"])


@dataclass(frozen=True)
class _Looked:
    """Places, and what lies between them and access points: it serves whatever bodies are made of and whatever the model."""

    at: Places
    seen: Shots


def _looked(asked: Asked, at: Places) -> _Looked:
    least = min(level for _, level in asked.demand.asked) - sum(SLACK_DB.values())
    return _Looked(
        at, shots(asked.radios.sent, asked.among, asked.demand.medium, at.point, least, NEAREST + asked.demand.k)
    )  # fmt: skip


def row(what: str, devices: int, shares: Sequence[float]) -> dict[str, Any]:
    """One line of a sensitivity table, from the shares that something can make."""
    return {"what": what, "devices": devices, "lower": min(shares), "upper": max(shares), "width": max(shares) - min(shares)}


def _share(asked: Asked, at: Places, level: FloatArray) -> float:
    return at.share(_met(_by_device(level, asked.radios.sent), asked.demand))


def _by_device(level: FloatArray, sent: Transmitters) -> FloatArray:
    """The strongest radio of each access point (n, a), from levels of radios (n, m). [dBm]"""
    owner = np.asarray(sent.owner)
    start = np.searchsorted(owner, np.arange(int(owner.max(initial=-1)) + 1))
    return np.maximum.reduceat(level, start, axis=1) if len(start) else np.empty((len(level), 0))


def _met(by_device: FloatArray, demand: Demand) -> BoolArray:
    return np.asarray(np.all([(by_device >= level).sum(axis=1) >= count for count, level in demand.asked], axis=0), bool)


def _secondary(demand: Demand) -> float:
    return -75.0 if demand.secondary_dbm is None else demand.secondary_dbm


def _devices(asked: Asked, at: Places, by_device: FloatArray, met: BoolArray) -> list[dict[str, Any]]:
    counts = [(count, by_device >= level, (by_device >= level).sum(axis=1)) for count, level in asked.demand.asked]
    rows: list[dict[str, Any]] = []
    for k, device in enumerate(asked.radios.device):
        needed = np.zeros(len(met), bool)
        for count, reached, number in counts:
            needed |= reached[:, k] & (number - 1 < count)
        own = by_device[:, k] >= asked.demand.rssi_dbm
        rows.append({"id": device.id, "covered": round(float(at.area[own].sum()), 2), "lost": round(float(at.area[met & needed].sum()), 2)})
    return rows


def _bands(asked: Asked, at: Places, level: FloatArray) -> dict[str, float]:
    """The share that the radios of each band cover alone."""
    names = np.array([band_of(radio.f_ghz) or "" for radio in asked.radios.radio], object)
    found: dict[str, float] = {}
    for name in sorted(set(names.tolist())):
        own = _by_device(np.where(names == name, level, -np.inf), asked.radios.sent)
        found[name] = at.share((own >= asked.demand.rssi_dbm).sum(axis=1) >= asked.demand.k)
    return found


def _channels(radios: Radios) -> list[dict[str, Any]]:
    """The channel plan: how many radios are on each channel."""
    plan: dict[tuple[float, float], int] = {}
    for radio in radios.radio:
        key = round(radio.f_ghz * 1000.0, 1), radio.width_mhz
        plan[key] = plan.get(key, 0) + 1
    return [{"mhz": mhz, "width_mhz": width, "radios": count} for (mhz, width), count in sorted(plan.items())]


def _clearness(asked: Asked, at: Places, level: FloatArray, air: Air) -> dict[str, Any]:
    """How far the best of the signals that are strong enough stands out of noise and of others on its channel."""
    if not level.size:
        return {"median_db": None, "share": None, "least_db": CLEAR_DB}
    best = np.where(level >= asked.demand.rssi_dbm, sinr_db(level, air), -np.inf).max(axis=1)
    strong = np.isfinite(best)
    return {
        "median_db": round(float(np.median(best[strong])), 2) if strong.any() else None,
        "share": at.share(best >= CLEAR_DB),
        "least_db": CLEAR_DB,
    }


_Varied = tuple[str, int, list[float]]  # what, how many devices or bodies, the shares at its worst and its best


def _of_attributes(asked: Asked, at: Places, level: FloatArray) -> list[_Varied]:
    rows: list[_Varied] = []
    for name in ("power", "frequency", "height"):
        off = np.array([SLACK_DB[name] * radio.assumed[name] for radio in asked.radios.radio], float)
        if off.any():
            shares = [_share(asked, at, level + sign * off) for sign in (-1.0, 1.0)]
            rows.append((name, len({radio.device for radio in asked.radios.radio if radio.assumed[name]}), shares))
    return rows


def _of_bodies(asked: Asked, looked: _Looked) -> list[_Varied]:
    """Doors, windows and leaves that may be one way or the other, and walls whose material is not known."""
    walls, medium = asked.among.walls, asked.demand.medium
    if medium.model in BLIND | COUNTING | {"p1238"} or not len(walls.make_up):
        return []
    kinds = np.array(asked.kinds, object)
    doubtful = (walls.make_up[:, WORST] != walls.make_up[:, LIKELY]) | (walls.make_up[:, BEST] != walls.make_up[:, LIKELY])
    groups = {f"{kind}s" if kind != "vegetation" else kind: doubtful & (kinds == kind) for kind in MOVABLE}
    groups["materials"] = doubtful & ~np.isin(kinds, MOVABLE)
    rows: list[_Varied] = []
    for name, mask in groups.items():
        if mask.any():
            shares = [_with_walls(asked, looked, _taken(walls, mask, case)) for case in (WORST, BEST)]
            rows.append((name, int(mask.sum()), shares))
    return rows


def _with_walls(asked: Asked, looked: _Looked, walls: Partitions) -> float:
    """The share with other walls of the same make-ups."""
    among = replace(asked.among, walls=walls)
    among.memory.update({key: kept for key, kept in asked.among.memory.items() if key[0] == "tables"})
    sent, at = asked.radios.sent, looked.at
    return _share(asked, at, levels_of(looked.seen, sent, among, asked.demand.medium, at.point))


def _taken(walls: Partitions, mask: BoolArray, case: int) -> Partitions:
    """The walls with some of them (o,) likely as they are in another case."""
    make_up = walls.make_up.copy()
    make_up[mask, LIKELY] = make_up[mask, case]
    return replace(walls, make_up=make_up)


def _of_pose(asked: Asked, at: Places) -> list[_Varied]:
    sent = asked.radios.sent
    if sent.tolerance_m is None or not sent.tolerance_m.any():
        return []
    steps = np.vstack([np.eye(3), -np.eye(3)])
    moved = [replace(sent, position=sent.position + step * sent.tolerance_m[:, None]) for step in steps]
    shares: list[float] = []
    for there in moved:
        other = replace(asked, radios=replace(asked.radios, sent=there))
        shares.append(_share(asked, at, levels_of(_looked(other, at).seen, there, asked.among, asked.demand.medium, at.point)))
    return [("pose", len(set(np.asarray(sent.owner)[sent.tolerance_m > 0].tolist())), shares)]


def _of_models(looked: _Looked, others: Mapping[str, Callable[[], Asked]]) -> list[_Varied]:
    """The spread between models: it opens no bound, and says how much the choice of one decides."""
    made = [other() for other in others.values()]
    shares = [
        _share(other, looked.at, levels_of(looked.seen, other.radios.sent, other.among, other.demand.medium, looked.at.point))
        for other in made
    ]  # fmt: skip
    return [("model_spread", len(made[0].radios.device), shares)] if shares and len(made[0].radios.device) else []


def with_model(asked: Asked, model: str) -> Asked:
    """The same asked by another model that needs no other barriers."""
    medium = Medium(model, asked.demand.surroundings, asked.demand.breakpoint_m)
    return replace(asked, demand=replace(asked.demand, model=medium.model))
