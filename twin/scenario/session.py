"""What a change to devices would give, in the blink of an eye: value, bounds, and the gaps it opens and closes.

A session has a measure's surface, obstacles and count of the park at hand. A question looks through the devices that changed, counts again
in the cells they touch, and leaves the session as it was: any number of threads may ask at once. What it answers is, bit for bit, what
`twin.measures.compute` says of the same devices, because both count by `twin.coverage.footprint`.
"""

from __future__ import annotations

import json
import threading
import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.tally import Contribution, Tally, changed, contribution_of, tally
from twin.coverage.why import UNITS
from twin.measures.evidence import JudgedCells, area_gaps
from twin.measures.ready import Ready
from twin.model import Device
from twin.result import Gap, Measure, Request
from twin.scenario.changes import Record, digest_of
from twin.scenario.overlay import with_changes, with_devices
from twin.scenario.pieces import NOTHING_M2, Change, Ground
from twin.store import Store

FloatArray = NDArray[np.float64]

SCENARIOS_KEPT = 3  # tallies of scenarios beside the park's own


@dataclass(frozen=True)
class Shares:
    """A share with its bounds, as a result has it; None where there is nothing to cover."""

    value: float | None
    lower: float | None
    upper: float | None
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Preview:
    """What changes would give."""

    before: Shares
    after: Shares
    gaps: Sequence[Change]  # largest first
    devices: Mapping[str, Contribution]  # of the devices that changed and are still there
    cells: int  # counted again
    milliseconds: float

    @property
    def delta(self) -> float | None:
        """By how much the share grows."""
        return None if self.after.value is None or self.before.value is None else self.after.value - self.before.value


@dataclass(frozen=True)
class _State:
    """A park with a scenario's changes made, and what its devices cover."""

    store: Store
    devices: Mapping[str, Device]
    tally: Tally


class Session:
    """One measure with one set of parameters, of one park at one revision."""

    def __init__(self, store: Store, measure: Measure, request: Request) -> None:
        if measure.ready is None:
            raise ValueError(measure.id)
        self.ready: Ready = measure.ready(store, request)
        self.revision = store.revision()
        self._total = float(self.ready.field.cells.area.sum())
        self._ground = Ground(self.ready.surface, self.ready.field.cells, store.park().frame)
        self._root = self._state(store, tally(self.ready.field, self.ready.footprints(store), self.ready.k))
        self._kept: OrderedDict[str, _State] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def samples(self) -> int:
        """How many cells the surface has."""
        return len(self.ready.field.cells)

    def shares(self, changes: Sequence[Record] = ()) -> Shares:
        """The value with some changes made to the park."""
        return self._shares(self._at(changes).tally)

    def tally_of(self, changes: Sequence[Record]) -> Tally:
        """What devices cover with some changes made to the park."""
        return self._at(changes).tally

    def gaps(self, changes: Sequence[Record] = ()) -> list[Gap]:
        """All gaps with some changes made to the park, as a result has them."""
        state = self._at(changes)
        cells, (sure, covered, possible) = self.ready.field.cells, state.tally.area
        lacking = np.flatnonzero(cells.area - covered > NOTHING_M2).astype(np.int32)
        why = self.ready.reasons(state.store, lacking)
        names, blockers, short = [""] * len(cells), list[str | None]([None] * len(cells)), np.full(len(cells), np.nan)
        short[lacking] = why.shortfall
        for i, name, blocker in zip(lacking.tolist(), why.reasons, why.blockers, strict=True):
            names[i], blockers[i] = name, blocker
        judged = JudgedCells(
            surface=self.ready.surface, cells=cells, covered=covered, sure=sure, possible=possible, value=state.tally.strength, unit="",
            reasons=names, blockers=blockers, target_height_m=0.0, method="", convergence=0.0, shortfall=short, shortfall_units=UNITS,
        )  # fmt: skip
        return area_gaps(judged, self._ground.frame)

    def preview(self, scenario: Sequence[Record], changes: Sequence[Record]) -> Preview:
        """What further changes to a scenario's park would give; raises what `twin.scenario.changes.changed` does."""
        started = time.perf_counter()
        before = self._at(scenario)
        after, cells = self._changed(before, changes)
        named = sorted({change["id"] for change in changes} & set(after.tally.footprints))
        with ThreadPoolExecutor(1) as pool:  # what devices contribute is counted beside the gaps
            contributions = pool.map(partial(contribution_of, after.tally), named)
            gaps = self._ground.changes(
                cells, after.tally.area[1, cells] - before.tally.area[1, cells], lambda lacking: self.ready.reasons(after.store, lacking)
            )
        return Preview(
            before=self._shares(before.tally),
            after=self._shares(after.tally),
            gaps=gaps,
            devices=dict(zip(named, contributions, strict=True)),
            cells=len(cells),
            milliseconds=1000 * (time.perf_counter() - started),
        )

    def _at(self, changes: Sequence[Record]) -> _State:
        """The park with a scenario's changes made; the scenarios asked for last are kept."""
        if not changes:
            return self._root
        key = digest_of(changes)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made, _ = self._changed(self._root, changes)
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > SCENARIOS_KEPT:
                self._kept.popitem(last=False)
        return made

    def _state(self, store: Store, found: Tally) -> _State:
        return _State(store, {device.id: device for device in store.devices(self.ready.kind)}, found)

    def _changed(self, before: _State, changes: Sequence[Record]) -> tuple[_State, NDArray[np.int32]]:
        """The state after changes, and the cells that were counted again."""
        store = with_changes(before.store, changes)
        devices = {device.id: device for device in store.devices(self.ready.kind)}
        names = {change["id"] for change in changes}
        moved = [name for name in names if before.devices.get(name) != devices.get(name)]
        looked = self.ready.footprints(with_devices(store, [devices[name] for name in moved if name in devices]))
        found, cells = changed(before.tally, {name: looked.get(name) for name in moved})
        return _State(store, devices, found), cells

    def _shares(self, found: Tally) -> Shares:
        sure, covered, possible = (float(part.sum()) for part in found.area)
        total = self._total
        if total <= 0:
            return Shares(None, None, None, covered, total)
        return Shares(covered / total, min(sure, covered) / total, min(max(possible, covered) / total, 1.0), covered, total)


def preview_json(found: Preview) -> dict[str, Any]:
    """A preview as HTTP and the command line tell it; gaps as GeoJSON."""
    after, before = found.after, found.before
    features = [
        {
            "type": "Feature",
            "id": f"{gap.kind}/{k}",
            "geometry": None if gap.geometry is None else json.loads(shapely.to_geojson(gap.geometry)),
            "properties": {
                "change": gap.kind, "amount": gap.amount, "reason": gap.reason, "blockers": list(gap.blockers), "zone": gap.zone,
            },
        }
        for k, gap in enumerate(found.gaps, 1)
    ]  # fmt: skip
    return {
        "value": after.value,
        "lower": after.lower,
        "upper": after.upper,
        "numerator": after.numerator,
        "denominator": after.denominator,
        "delta": found.delta,
        "amount": after.numerator - before.numerator,
        "before": {name: getattr(before, name) for name in ("value", "lower", "upper", "numerator", "denominator")},
        "gaps": {"type": "FeatureCollection", "features": features},
        "devices": [{"id": name, "covered": each.covered, "lost": each.lost} for name, each in found.devices.items()],
        "cells": found.cells,
        "milliseconds": round(found.milliseconds, 2),
    }
