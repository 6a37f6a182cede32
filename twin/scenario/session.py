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
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.cells import select
from twin.coverage.gaps import Region, components, gaps
from twin.coverage.tally import Contribution, Tally, changed, contribution_of, tally
from twin.coverage.why import UNITS
from twin.measures.evidence import JudgedCells, area_gaps
from twin.measures.ready import Ready
from twin.model import Device
from twin.result import Gap, Measure, Request
from twin.scenario.changes import Record, digest_of
from twin.scenario.overlay import with_changes, with_devices
from twin.store import Store

FloatArray = NDArray[np.float64]

SCENARIOS_KEPT = 3  # tallies of scenarios beside the park's own
SMALLEST_M2 = 1.0  # gaps of less are pooled, as in a result
_NOTHING_M2 = 1e-9


@dataclass(frozen=True)
class Shares:
    """A share with its bounds, as a result has it; None where there is nothing to cover."""

    value: float | None
    lower: float | None
    upper: float | None
    numerator: float
    denominator: float


@dataclass(frozen=True)
class Change:
    """A connected piece that a change opens (is no longer covered) or closes (is now)."""

    kind: str  # opened, closed
    amount: float  # [m2]
    reason: str  # why it is not covered now; empty where it is
    blockers: Sequence[str]
    geometry: Any  # shapely, lon lat [deg], h [m]; None for the sum of what is too small to be shown
    zone: str | None


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
        self._frame = store.park().frame
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
        lacking = np.flatnonzero(cells.area - covered > _NOTHING_M2).astype(np.int32)
        why = self.ready.reasons(state.store, lacking)
        names, blockers, short = [""] * len(cells), list[str | None]([None] * len(cells)), np.full(len(cells), np.nan)
        short[lacking] = why.shortfall
        for i, name, blocker in zip(lacking.tolist(), why.reasons, why.blockers, strict=True):
            names[i], blockers[i] = name, blocker
        judged = JudgedCells(
            surface=self.ready.surface, cells=cells, covered=covered, sure=sure, possible=possible, value=state.tally.strength, unit="",
            reasons=names, blockers=blockers, target_height_m=0.0, method="", convergence=0.0, shortfall=short, shortfall_units=UNITS,
        )  # fmt: skip
        return area_gaps(judged, self._frame)

    def preview(self, scenario: Sequence[Record], changes: Sequence[Record]) -> Preview:
        """What further changes to a scenario's park would give; raises what `twin.scenario.changes.changed` does."""
        started = time.perf_counter()
        before = self._at(scenario)
        after, cells = self._changed(before, changes)
        named = {change["id"] for change in changes}
        return Preview(
            before=self._shares(before.tally),
            after=self._shares(after.tally),
            gaps=self._gaps(before, after, cells),
            devices={name: contribution_of(after.tally, name) for name in sorted(named & set(after.tally.footprints))},
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

    def _gaps(self, before: _State, after: _State, cells: NDArray[np.int32]) -> list[Change]:
        grown = after.tally.area[1, cells] - before.tally.area[1, cells]
        opened, closed = cells[grown < -_NOTHING_M2], cells[grown > _NOTHING_M2]
        why = self.ready.reasons(after.store, opened)
        pieces = [
            *self._pieces("opened", opened, -grown[grown < -_NOTHING_M2], why.reasons, why.blockers),
            *self._pieces("closed", closed, grown[grown > _NOTHING_M2], [""] * len(closed), [None] * len(closed)),
        ]
        return sorted(pieces, key=lambda piece: -piece.amount)

    def _pieces(
        self, kind: str, cells: NDArray[np.int32], amount: FloatArray, reasons: Sequence[str], blockers: Sequence[str | None]
    ) -> list[Change]:
        """Cells whose cover changed, as connected pieces; small ones and what is less than half of a cell are one sum without a place."""
        chosen = select(self.ready.field.cells, cells)
        label = components(chosen, amount >= chosen.area / 2)
        by_label = np.bincount(label[label >= 0], amount[label >= 0], minlength=len(cells)) if len(cells) else amount
        shown = np.flatnonzero((label >= 0) & (by_label[label] >= SMALLEST_M2)) if len(cells) else np.empty(0, np.int64)
        regions = gaps(select(chosen, shown), amount[shown], [reasons[i] for i in shown.tolist()], [blockers[i] for i in shown.tolist()])
        rest = float(amount.sum()) - float(amount[shown].sum())
        pieces = [self._change(kind, region) for region in regions]
        return [*pieces, Change(kind, rest, "", (), None, None)] if rest > _NOTHING_M2 else pieces

    def _change(self, kind: str, region: Region) -> Change:
        outline = self._frame.unproject(shapely.force_3d(region.polygon, z=float(region.point[2])))
        zone = None if region.pooled else self.ready.surface.pieces[region.piece].id
        return Change(kind, region.amount, region.reason, list(region.blockers), outline, zone)


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
