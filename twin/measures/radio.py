"""What the radio measures share: devices read as transmitters, the park as barriers, cells judged and told as a result.

What a device's table does not say is assumed (`twin.devices.DEFAULTS`); what rests on an assumption runs as a worst and a best case
within `SLACK_DB`, which opens the bounds and not the value.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Areas, Judge, areas
from twin.coverage.cells import Cells, grid
from twin.coverage.makeup import counted, partitions, without_small
from twin.coverage.radio import probability, reliable_share
from twin.coverage.surface import Surface
from twin.coverage.walls import Barriers, faces
from twin.devices import attribute, mounting_height
from twin.model import Device
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import gather_obstacles
from twin.store import Store
from twin.terrain import ground_z

FloatArray = NDArray[np.float64]

SLACK_DB: Mapping[str, float] = {"power": 6.0, "frequency": 3.0}  # how far a level may be off where each is assumed [dB]
CELLS_WANTED = 400_000  # without a step of its own, a surface is cut into about this many cells at most
FINEST_PARTS = 8  # cells are cut down to this part of the step where they are mixed
BUDGET = 400_000  # cells judged beyond the first
METHOD = (
    "cells bounded by distance, antenna gain and rays to their corners, mixed ones cut; "
    "an obstacle narrower than a cell may hide between the rays"
)

QUANTILES = 16  # of the shadowing, for bounds of a mean

Margin = Callable[[Any], FloatArray]
_KEPT = 3
_cache: OrderedDict[tuple[str, str, bool], tuple[Obstacles, Barriers]] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Covered:
    """A surface cut into cells, and how much of them is covered."""

    cells: Cells
    first: Any  # what the judge said of the whole cells
    areas: Areas


def barriers(store: Store, *, counting: bool = False) -> tuple[Obstacles, Barriers]:
    """The park's obstacles, and the same as barriers for radio; `counting`: walls are counted as COST 231 does, not by material."""
    key = (str(store.path), store.revision(), counting)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    ob = gather_obstacles(store, sight=False)
    walls = counted(ob.object_kind, ob.object_opaque) if counting else partitions(ob.object_kind, ob.object_materials, ob.object_opaque)
    all_faces = faces(ob.vertices, ob.faces, ob.face_object)
    surface = np.asarray(np.bincount(all_faces.object, all_faces.area, minlength=len(ob.object_ids)), float)
    found = ob, Barriers(Scene(ob), all_faces, without_small(walls, surface), ob.object_ids)
    with _lock:
        _cache[key] = found
        while len(_cache) > _KEPT:
            _cache.popitem(last=False)
    return found


def numbers(value: Any) -> list[float]:
    """The numbers of an attribute that may hold one, a list, or text such as `2437; 5220`."""
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)] if np.isfinite(value) else []
    if isinstance(value, str):
        return [float(found) for found in re.findall(r"-?\d+(?:\.\d+)?", value)]
    return [number for part in value for number in numbers(part)]


def number(device: Device, name: str) -> tuple[float | None, bool]:
    """The device's first number under `name`, and whether it is assumed."""
    own = numbers(device.attributes.get(name))
    if own:
        return own[0], False
    value, assumed = attribute(device, name)
    found = numbers(value) if assumed else []
    return (found[0], True) if found else (None, False)


def radiated_dbm(device: Device) -> tuple[float, bool]:
    """EIRP of a device at boresight [dBm]: `eirp_dbm`, else `power_dbm` and `gain_dbi`, else assumed; and whether any of it is assumed."""
    own = numbers(device.attributes.get("eirp_dbm"))
    if own:
        return own[0], False
    power, power_assumed = number(device, "power_dbm")
    gain, gain_assumed = number(device, "gain_dbi")
    if power is not None and not power_assumed:
        return power + (gain or 0.0), gain_assumed or gain is None
    assumed, _ = number(device, "eirp_dbm")
    return (assumed if assumed is not None else (power or 0.0) + (gain or 0.0)), True


def height_assumed(device: Device) -> list[str]:
    """`["height_m"]` where nothing says how high a device hangs, else nothing."""
    return ["height_m"] if device.z_m is None and mounting_height(device)[1] else []


def assumed_attributes(kind: str, guessed: Sequence[tuple[str, Sequence[str]]]) -> list[dict[str, Any]]:
    """A warning for each attribute that is assumed for some devices of a kind, from their ids and the names of what is assumed."""
    by_name: dict[str, list[str]] = {}
    for identity, names in guessed:
        for name in names:
            by_name.setdefault(name, []).append(identity)
    return [
        {"code": "attribute_assumed", "subject": kind, "attribute": name, "count": len(ids), "ids": ids}
        for name, ids in sorted(by_name.items())
    ]


def chosen_devices(store: Store, kind: str, statuses: Sequence[str]) -> list[Device]:
    """The devices of a kind that count, by their status."""
    return [device for device in store.devices(kind) if device.status in set(statuses)]


def step_of(surface: Surface, asked: float | None, usual: float) -> float:
    """The edge of a cell [m]: what was asked for, else the usual one, doubled while there would be more than CELLS_WANTED cells."""
    if asked is not None:
        return asked
    step = usual
    while surface.area / step**2 > CELLS_WANTED:
        step *= 2.0
    return step


def measured(store: Store, surface: Surface, step: float, height: float, judge: Judge) -> Covered:
    """A surface cut into cells of `step` with targets at `height` [m], judged, and cut further where cells are mixed."""
    terrain, park = store.terrain(), store.park()
    cells = grid(surface, step, height, lambda xy: ground_z(park, terrain, xy))
    first = judge(cells, None)
    return Covered(cells, first, areas(cells, first, judge, least_m=step / FINEST_PARTS, budget=BUDGET))


def covered_in_the_mean(
    store: Store, surface: Surface, cut: tuple[float, float], demand: Callable[[float], Judge], margin: Margin, sigma_db: float
) -> Covered:
    """How much of a surface is covered in the mean, where shadowing of `sigma_db` lifts and lowers all that arrives at a place.

    The mean of 1[M + X >= T] over X ~ N(0, sigma) is the mean of what is covered at thresholds T + sigma z over the quantiles z. What is
    covered only shrinks as the threshold grows, so that between two quantiles the bounds at one of them hold: QUANTILES of them bound
    every cell. Its value is the chance at its point.

    Parameters
    ----------
    store, surface
        Where.
    cut
        The edge of a cell and the height of the targets above the ground. [m]
    demand
        The judge at thresholds that are higher by so much. [dB]
    margin
        By how much what is received exceeds the threshold as asked for (n,) [dB], of what a judge said of n cells.
    sigma_db
        Shadowing. [dB]
    """
    shifts = [sigma_db * NormalDist().inv_cdf((j + 0.5) / QUANTILES) for j in range(QUANTILES)]
    runs = [measured(store, surface, *cut, demand(shift)) for shift in shifts]
    cells, easiest, hardest = runs[0].cells, runs[0].areas, runs[-1].areas
    # half a band lies below the first quantile, half a band above the last
    sure = (sum(run.areas.sure for run in runs[1:]) + easiest.sure / 2) / QUANTILES
    possible = (sum(run.areas.possible for run in runs[:-1]) + (cells.area + hardest.possible) / 2) / QUANTILES
    heard = np.nan_to_num(margin(runs[0].first), nan=-np.inf)
    covered = np.clip(cells.area * probability(heard, sigma_db), sure, possible)
    middle = float(sum(run.areas.covered.sum() for run in runs)) / QUANTILES
    total = float(cells.area.sum())
    return Covered(
        cells,
        demand(0.0)(cells, None),
        Areas(
            covered, sure, possible, sum(run.areas.judged for run in runs), float((possible - sure).sum()),
            abs(middle - float(covered.sum())) / total if total > 0 else 0.0,
        ),
    )  # fmt: skip


def statistics(level: FloatArray, threshold: float, sigma_db: float | None, found: Covered) -> dict[str, Any]:
    """C50, and under shadowing of `sigma_db` the expected share, as found, and the share covered with 90 % reliability [1]."""
    cells = found.cells
    margin = np.where(np.isfinite(level), level - threshold, -np.inf)
    total = float(cells.area.sum())
    hard = float(cells.area[margin >= 0].sum()) / total if total > 0 else None
    if not sigma_db:
        return {"c50": hard, "sigma_db": None}
    return {
        "c50": hard,
        "sigma_db": sigma_db,
        "expected": float(found.areas.covered.sum()) / total if total > 0 else None,
        "c90": reliable_share(margin, sigma_db, cells.area),
    }


def deficits(level: FloatArray, threshold: float, cells: Cells, pieces: int) -> dict[str, list[Any]]:
    """For each piece of the surface: the median level [dBm], and by how much the uncovered cells miss the threshold at the median [dB]."""
    known = np.isfinite(level)
    median: list[float | None] = []
    deficit: list[float | None] = []
    order = np.argsort(cells.piece, kind="stable")
    for group in np.split(order, np.searchsorted(cells.piece[order], np.arange(1, pieces))):
        heard = group[known[group]]
        short = heard[level[heard] < threshold]
        median.append(round(float(np.median(level[heard])), 2) if len(heard) else None)
        deficit.append(round(float(threshold - np.median(level[short])), 2) if len(short) else None)
    return {"median_dbm": median, "deficit_db": deficit}


def names_of(objects: NDArray[np.int64], ids: Sequence[str]) -> list[str | None]:
    """The ids of objects (n,), None for -1."""
    names: list[str | None] = [*ids, None]
    return [names[k] for k in objects.tolist()]
