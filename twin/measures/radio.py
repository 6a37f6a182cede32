"""What the radio measures share: devices read as transmitters, the park as barriers, cells judged and told as a result.

What a device's table does not say is assumed (`twin.devices.DEFAULTS`); what rests on an assumption runs as a worst and a best case
within `SLACK_DB`, which opens the bounds and not the value.
"""

from __future__ import annotations

import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import Areas, Judge, areas
from twin.coverage.cells import Cells, grid
from twin.coverage.clearance import Memory
from twin.coverage.look import Sight, prepare
from twin.coverage.makeup import SOLID, Conditions, counted, partitions, without_small
from twin.coverage.radio import probability, reliable_share
from twin.coverage.surface import Surface
from twin.coverage.walls import Barriers, faces
from twin.coverage.within import inside_solids
from twin.devices import DEFAULTS, mounting_height
from twin.measures.evidence import digest
from twin.model import Device
from twin.scene import Obstacles
from twin.scene.embree import Scene
from twin.scene.gather import gather_obstacles
from twin.scene.state import CLEAR, CLOSED, OPAQUE, states
from twin.store import Store
from twin.terrain import ground_z

FloatArray = NDArray[np.float64]

# how far a level may be off where each is assumed [dB]
SLACK_DB: Mapping[str, float] = {"power": 6.0, "frequency": 3.0, "bandwidth": 4.0, "beam": 3.0, "height": 3.0, "tilt": 3.0}
CELLS_WANTED = 400_000  # without a step of its own, a surface is cut into about this many cells at most
FINEST_PARTS = 8  # cells are cut down to this part of the step where they are mixed
BUDGET = 400_000  # cells judged beyond the first
METHOD = (
    "cells bounded by distance, antenna gain and rays to their corners, mixed ones cut; "
    "an obstacle narrower than a cell may hide between the rays"
)

QUANTILES = 16  # of the shadowing, for bounds of a mean
MOST_NUMBER = 1e30  # beyond, a table holds no number

Margin = Callable[[Any], FloatArray]
_AS_KNOWN = Conditions()
_KEPT = 3
_cache: OrderedDict[tuple[Any, ...], tuple[Obstacles, Barriers]] = OrderedDict()
_sights: OrderedDict[tuple[Any, ...], Surroundings] = OrderedDict()
_lattices: OrderedDict[tuple[Any, ...], Cells] = OrderedDict()
_lock = Lock()


@dataclass(frozen=True)
class Covered:
    """A surface cut into cells, and how much of them is covered."""

    cells: Cells
    first: Any  # what the judge said of the whole cells
    areas: Areas


def barriers(store: Store, *, counting: bool = False, conditions: Conditions = _AS_KNOWN) -> tuple[Obstacles, Barriers]:
    """The park's obstacles, and the same as barriers for radio.

    Parameters
    ----------
    store
        The park.
    counting
        Walls are counted as COST 231 does, not by material.
    conditions
        Whether doors and windows are open and trees in leaf.
    """
    key = (str(store.path), store.revision(), counting, conditions)
    with _lock:
        if key in _cache:
            _cache.move_to_end(key)
            return _cache[key]
    ob = gather_obstacles(store, sight=False)
    same = (digest([ob, ob.object_opaque]), counting, conditions)  # a device that moves leaves the barriers, and what they remember
    with _lock:
        known = _cache.get(same)
        if known is not None:
            _cache[key] = known
            return known
    if counting:
        walls = counted(ob.object_kind, ob.object_opaque)
    else:
        walls = partitions(ob.object_kind, ob.object_materials, ob.object_opaque, conditions)
    all_faces = faces(ob.vertices, ob.faces, ob.face_object)
    surface = np.asarray(np.bincount(all_faces.object, all_faces.area, minlength=len(ob.object_ids)), float)
    found = ob, Barriers(Scene(ob), all_faces, without_small(walls, surface), ob.object_ids)
    with _lock:
        _cache[same] = _cache[key] = found
        while len(_cache) > 2 * _KEPT:
            _cache.popitem(last=False)
    return found


@dataclass(frozen=True)
class Surroundings:
    """Everything that blocks radio, windows and doors too, prepared for sight; a hash of it; and the same with leaves the other way."""

    sight: Sight
    sha256: str
    leaves: Scene | None  # None where there are none
    memory: Memory


def surroundings(store: Store, vegetation: str) -> Surroundings:
    """What blocks radio, with most in the way, and with least where leaves are in doubt; the value is then of the least.

    No signal is taken to go in by one door of a building and out by another.
    """
    of = states(CLOSED, vegetation)
    key = (str(store.path), store.revision(), of)
    with _lock:
        if key in _sights:
            _sights.move_to_end(key)
            return _sights[key]
    worst, best, other = (
        gather_obstacles(store, sight=False, state=state)
        for state in (of.worst, of.best, replace(of.worst, vegetation=CLEAR if of.worst.vegetation == OPAQUE else OPAQUE))
    )
    prepared = prepare(worst) if best is worst else replace(prepare(worst), best=prepare(best))
    leaves = None if len(other) == len(worst) else Scene(other) if best is worst else prepared.scene
    found = Surroundings(prepared, digest([worst] if best is worst else [worst, best]), leaves, {})
    with _lock:
        _sights[key] = found
        while len(_sights) > _KEPT:
            _sights.popitem(last=False)
    return found


def numbers(value: Any) -> list[float]:
    """The numbers of an attribute that may hold one, a list, or text such as `2437; 5220`."""
    if value is None or isinstance(value, bool):
        return []
    if isinstance(value, int | float):
        return [float(value)] if abs(value) <= MOST_NUMBER else []
    if isinstance(value, str):
        found = [float(part) for part in re.findall(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", value)]
        return [part for part in found if abs(part) <= MOST_NUMBER]
    return [number for part in value for number in numbers(part)]


def number(device: Device, name: str) -> tuple[float | None, bool]:
    """The device's first number under `name`, and whether it is assumed."""
    own = numbers(device.attributes.get(name))
    if own:
        return own[0], False
    default = DEFAULTS.get(device.kind, {}).get(name)  # what a table says and nobody can read is as good as nothing
    found = [] if default is None else numbers(default.value)
    return (found[0], True) if found else (None, False)


def radiated_dbm(device: Device) -> tuple[float, bool]:
    """EIRP of a device at boresight [dBm]: `eirp_dbm`, else `power_dbm` and `gain_dbi`, else assumed; and whether any of it is assumed."""
    own = dbm(device.attributes.get("eirp_dbm"))
    if own:
        return own[0], False
    said = dbm(device.attributes.get("power_dbm"))
    power, power_assumed = (said[0], False) if said else number(device, "power_dbm")
    gain, gain_assumed = number(device, "gain_dbi")
    if power is not None and not power_assumed:
        return power + (gain or 0.0), gain_assumed or gain is None
    assumed, _ = number(device, "eirp_dbm")
    return (assumed if assumed is not None else (power or 0.0) + (gain or 0.0)), True


def dbm(value: Any) -> list[float]:
    """The powers of an attribute [dBm], which text may state in watts or milliwatts: `43`, `43 dBm`, `20 W`, `200mW`."""
    found = numbers(value)
    unit = re.sub(r"[^a-z瓦毫千]", "", str(value).lower()) if isinstance(value, str) else ""
    factor = {"w": 1e3, "瓦": 1e3, "mw": 1.0, "毫瓦": 1.0, "kw": 1e6, "千瓦": 1e6, "dbw": 0.0}.get(unit)
    if factor is None:
        return found
    if unit == "dbw":
        return [power + 30.0 for power in found]
    return [10.0 * math.log10(power * factor) for power in found if power > 0]


def mhz(value: Any) -> list[float]:
    """The frequencies of an attribute [MHz]: `3500`, `3.5 GHz`, `486300 kHz`; a bare number below 10 is in GHz."""
    unit = re.search(r"(ghz|mhz|khz|(?<![a-z])g(?![a-z])|(?<![a-z])m(?![a-z]))", str(value).lower()) if isinstance(value, str) else None
    factor = {"g": 1e3, "m": 1.0, "k": 1e-3}[unit.group(0)[0]] if unit else None
    found = [part * (factor or (1e3 if part < 10.0 else 1.0)) for part in numbers(value)]
    return [part for part in found if 1.0 <= part <= 1e6]


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


def drawn_into_walls(kind: str, ids: Sequence[str], position: FloatArray, among: Barriers) -> list[dict[str, Any]]:
    """A warning where devices of these ids and positions (n, 3) [m, enu] are inside a wall or another solid body."""
    shape = among.faces.vertices, among.faces.triangles, among.faces.object
    bodies = inside_solids(among.scene, shape, among.walls.count == SOLID, position)
    hidden = {name: among.ids[body] for name, body in zip(ids, bodies.tolist(), strict=True) if body >= 0}
    if not hidden:
        return []
    told = ", ".join(f"{name} ({body})" for name, body in list(hidden.items())[:5])
    return [{"code": "device_in_wall", "subject": told, "kind": kind, "count": len(hidden), "ids": sorted(hidden)}]


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


def measured(store: Store, surface: Surface, step: float, height: float, judge: Judge, *, budget: int = BUDGET) -> Covered:
    """A surface cut into cells of `step` with targets at `height` [m], judged, and cut further where cells are mixed."""
    cells = lattice(store, surface, step, height)
    first = judge(cells, None)
    return Covered(cells, first, areas(cells, first, judge, least_m=step / FINEST_PARTS, budget=budget))


def lattice(store: Store, surface: Surface, step: float, height: float) -> Cells:
    """A surface cut into cells of `step` with targets at `height` [m]; the last few are remembered."""
    floors = [piece.floor_z for piece in surface.pieces]
    key = (str(store.path), store.revision(), step, height, digest([surface, floors]))
    with _lock:
        if key in _lattices:
            _lattices.move_to_end(key)
            return _lattices[key]
    terrain, park = store.terrain(), store.park()
    cells = grid(surface, step, height, lambda xy: ground_z(park, terrain, xy))
    with _lock:
        _lattices[key] = cells
        while len(_lattices) > _KEPT:
            _lattices.popitem(last=False)
    return cells


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
