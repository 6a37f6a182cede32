"""What-if questions of measures that judge cells one by one: a change is judged where it may matter, all else stays as it was."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from twin.measures.again import Partly, Standing
from twin.scenario.changes import Record, digest_of
from twin.scenario.overlay import with_changes
from twin.scenario.pieces import Ground
from twin.scenario.session import SCENARIOS_KEPT, Preview, Shares
from twin.store import Store


class Local:
    """One measure with one set of parameters, of one park at one revision; any number of threads may ask."""

    def __init__(self, store: Store, ready: Partly) -> None:
        self._store = store
        self._ready = ready
        self._ground = Ground(ready.surface, ready.cells, store.park().frame)
        self._root = ready.whole(store)
        self._kept: OrderedDict[str, Standing] = OrderedDict()
        self._lock = threading.Lock()

    def shares(self, changes: Sequence[Record] = ()) -> Shares:
        """The value with some changes made to the park."""
        return self._shares(self._at(changes))

    def preview(self, scenario: Sequence[Record], changes: Sequence[Record]) -> Preview:
        """What further changes to a scenario's park would give; raises what `twin.scenario.changes.changed` does."""
        started = time.perf_counter()
        before = self._at(scenario)
        found = self._ready.again(before, with_changes(with_changes(self._store, scenario), changes))
        after = found.standing.areas.covered
        return Preview(
            before=self._shares(before),
            after=self._shares(found.standing),
            gaps=self._ground.changes(found.cells.astype(np.int32), after[found.cells] - before.areas.covered[found.cells], found.explain),
            devices={},
            cells=len(found.cells),
            milliseconds=1000 * (time.perf_counter() - started),
        )

    def _at(self, changes: Sequence[Record]) -> Standing:
        """The standing with a scenario's changes made; those asked for last are kept."""
        if not changes:
            return self._root
        key = digest_of(changes)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = self._ready.again(self._root, with_changes(self._store, changes)).standing
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > SCENARIOS_KEPT:
                self._kept.popitem(last=False)
        return made

    def _shares(self, found: Standing) -> Shares:
        covered, sure, possible = (float(part.sum()) for part in (found.areas.covered, found.areas.sure, found.areas.possible))
        total = float(self._ready.cells.area.sum())
        if total <= 0:
            return Shares(None, None, None, covered, total)
        return Shares(covered / total, min(sure, covered) / total, min(max(possible, covered) / total, 1.0), covered, total)
