"""Mobile coverage judged again where devices change: what each carrier gives the cells is known, and what operators do not serve anyway.

Where any operator counts, a cell that another one serves for certain is covered whatever becomes of a device. All others are judged again
if a carrier that went, came or changed is heard in them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.coverage.bounded import areas
from twin.coverage.cells import Cells, select
from twin.coverage.cellular import Reception, levels_of, picked, reception, rows_of
from twin.coverage.paths import Heard
from twin.coverage.received import ALL, ANY, LOST_DB
from twin.coverage.site import Carriers, some_of
from twin.measures.again import Judged, Partly, Standing
from twin.measures.mobile import MOST_CUT, Asked, Found, examine, judge_of, key_of, margin, shortfall, why
from twin.measures.radio import FINEST_PARTS, lattice
from twin.measures.watch import Explained
from twin.store import Store

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class _Known:
    """What is kept of a standing."""

    asked: Asked
    keys: Sequence[str]  # of the carriers
    levels: Mapping[str, Heard]  # of the park's own carriers, at all cells
    surely: BoolArray  # (n, o) served for certain; False where that may have changed


def partly(store: Store, ask: Callable[[Store], Asked]) -> Partly:
    """Mobile coverage of one surface for any devices, as `ask` gathers them; without shadowing."""
    first = ask(store)
    cells = lattice(store, first.surface, first.step_m, first.demand.target_height_m)

    def whole(park: Store) -> Standing:
        return _whole(examine(park, ask(park)))

    def again(before: Standing, park: Store) -> Judged:
        asked = ask(park)
        found = _again(before, asked, cells)
        if found is not None:
            return found
        all_of_it = examine(park, asked)
        return _judged(_whole(all_of_it), asked, cells, (np.arange(len(cells)), all_of_it.first))

    return Partly(first.surface, cells, whole, again)


def _whole(found: Found) -> Standing:
    keys = _keys(found.asked)
    surely = found.first.surely_by if keys else np.zeros((len(found.cells), len(found.asked.net.operators)), bool)
    return Standing(found.covered.areas, _Known(found.asked, keys, dict(zip(keys, found.levels, strict=False)), surely))


def _again(before: Standing, asked: Asked, cells: Cells) -> Judged | None:
    """The cells where the change matters judged again; None where all have to be."""
    known: _Known = before.known
    keys, carriers = _keys(asked), asked.net.carriers
    if not before.areas.fits(MOST_CUT) or not _alike(known, asked, keys):
        return None
    gone = [j for j, key in enumerate(known.keys) if key not in set(keys)]
    come = [j for j, key in enumerate(keys) if key not in set(known.keys)]
    moving = sorted({*known.asked.net.carriers.operator[gone].tolist(), *carriers.operator[come].tolist()})
    open_ = np.flatnonzero(_undecided_by_others(known.surely, moving, asked.demand.who))
    there = select(cells, open_)
    fresh = {keys[j]: level for j, level in _levels(known, asked, keys, come, open_, there)}
    lost = [level for _, level in _levels(known, known.asked, known.keys, gone, open_, there)]
    heard = np.zeros(len(open_), bool)
    for level in (*fresh.values(), *lost):
        heard |= level.plain[:, 2] > -LOST_DB
    number, part, rows = open_[heard], select(there, heard), np.flatnonzero(heard)
    kept = [j for j in range(len(keys)) if keys[j] not in fresh]
    levels = dict(_levels(known, asked, keys, kept, number, part)) | {j: picked(fresh[keys[j]], rows) for j in come}
    given = [levels[j] for j in range(len(keys))]
    judge = judge_of(asked, 0.0, given)
    got = reception(carriers, asked.site, asked.demand, part, given)
    now = before.areas.with_some(number, areas(part, got, judge, least_m=asked.step_m / FINEST_PARTS, budget=MOST_CUT))
    if not now.fits(MOST_CUT):
        return None
    surely = known.surely.copy()
    decided = np.ones(len(cells), bool)
    decided[open_] = False
    surely[np.ix_(decided, np.array(moving, np.int64))] = False
    if got.surely_by.shape[1]:
        surely[number] = got.surely_by
    return _judged(Standing(now, _Known(asked, keys, known.levels, surely)), asked, cells, (number, got))


def _judged(standing: Standing, asked: Asked, cells: Cells, got: tuple[IntArray, Reception]) -> Judged:
    number, received = got

    def explain(some: NDArray[np.int32]) -> Explained:
        rows = rows_of(received, np.searchsorted(number, some))
        reasons, blockers = why(asked, rows, select(cells, some), np.ones(len(some), bool))
        return Explained(reasons, blockers, shortfall(margin(rows, asked.demand)))

    return Judged(standing, number, explain)


def _undecided_by_others(surely: BoolArray, moving: Sequence[int], who: int) -> BoolArray:
    """Cells (n,) that carriers of the operators `moving` may matter for."""
    if who == ANY:
        others = np.setdiff1d(np.arange(surely.shape[1]), moving)
        return np.asarray(~surely[:, others].any(axis=1), bool)
    return np.full(len(surely), who == ALL or who in moving)


def _levels(
    known: _Known, asked: Asked, keys: Sequence[str], which: Sequence[int], number: IntArray, there: Cells
) -> list[tuple[int, Heard]]:
    """What some carriers give some cells; those of the park are known."""
    missing = [j for j in which if keys[j] not in known.levels]
    made = levels_of(some_of(asked.net.carriers, missing), asked.site, asked.demand, there) if missing and len(there) else []
    found = dict(zip(missing, made, strict=False))
    nothing = Heard(np.empty((0, 3), np.float32), np.empty(0, np.int64), np.empty((0, 3, 3), np.float32), np.empty(0, bool))
    return [(j, found.get(j, nothing) if j in missing else picked(known.levels[keys[j]], number)) for j in which]


def _keys(asked: Asked) -> list[str]:
    """A name for each carrier that tells all it is: what its levels depend on, and what it is to the others but for their interference."""
    carriers, net = asked.net.carriers, asked.net
    return [
        f"{key_of(carriers, j, asked.demand.rsrp_dbm)} {net.devices[int(carriers.device[j])].id} {int(carriers.operator[j])} "
        f"{float(carriers.noise_dbm[j])!r} {float(carriers.slack_db[j])!r}"
        for j in range(len(carriers))
    ]


def _alike(known: _Known, asked: Asked, keys: Sequence[str]) -> bool:
    """Whether what stayed is in the same order, of the same operators, and disturbs each other as before."""
    stayed = [key for key in keys if key in set(known.keys)]
    if stayed != [key for key in known.keys if key in set(keys)] or list(asked.net.operators) != list(known.asked.net.operators):
        return False
    if asked.demand != known.asked.demand or len(set(keys)) < len(keys) or not keys or not known.keys:
        return False
    number = {key: k for k, key in enumerate(stayed)}
    one, other = (
        _among(each.net.carriers, np.array([number.get(key, -1) for key in names], np.int64))
        for each, names in ((known.asked, known.keys), (asked, keys))
    )
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _among(carriers: Carriers, number: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """How those carriers that have a number (m,), not -1, disturb each other."""
    among = carriers.interference
    row, other = number[np.repeat(np.arange(len(carriers)), np.diff(among.first))], number[among.other]
    mine = (row >= 0) & (other >= 0)
    return row[mine], other[mine], among.weight[mine]
