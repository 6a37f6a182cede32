"""What a change opens and closes of a surface, as connected pieces on a map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.cells import Cells, select
from twin.coverage.gaps import Region, components, gaps
from twin.coverage.surface import Surface
from twin.crs import Frame
from twin.measures.watch import Explained

FloatArray = NDArray[np.float64]

SMALLEST_M2 = 1.0  # gaps of less are pooled, as in a result
NOTHING_M2 = 1e-9

Reasons = Callable[[NDArray[np.int32]], Explained]  # why cells (t,) are not covered


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
class Ground:
    """A surface, its n cells, and where the park is."""

    surface: Surface
    cells: Cells
    frame: Frame

    def changes(self, cells: NDArray[np.int32], grown: FloatArray, reasons: Reasons) -> list[Change]:
        """What opens and closes in cells (t,) whose covered area grows by so much (t,) [m2], largest first."""
        opened, closed = cells[grown < -NOTHING_M2], cells[grown > NOTHING_M2]
        why = reasons(opened)
        pieces = [
            *self._pieces("opened", opened, -grown[grown < -NOTHING_M2], why.reasons, why.blockers),
            *self._pieces("closed", closed, grown[grown > NOTHING_M2], [""] * len(closed), [None] * len(closed)),
        ]
        return sorted(pieces, key=lambda piece: -piece.amount)

    def _pieces(
        self, kind: str, cells: NDArray[np.int32], amount: FloatArray, reasons: Sequence[str], blockers: Sequence[str | None]
    ) -> list[Change]:
        """Cells whose cover changed, as connected pieces; small ones and what is less than half of a cell are one sum without a place."""
        chosen = select(self.cells, cells)
        label = components(chosen, amount >= chosen.area / 2)
        by_label = np.bincount(label[label >= 0], amount[label >= 0], minlength=len(cells)) if len(cells) else amount
        shown = np.flatnonzero((label >= 0) & (by_label[label] >= SMALLEST_M2)) if len(cells) else np.empty(0, np.int64)
        regions = gaps(select(chosen, shown), amount[shown], [reasons[i] for i in shown.tolist()], [blockers[i] for i in shown.tolist()])
        rest = float(amount.sum()) - float(amount[shown].sum())
        pieces = [self._change(kind, region) for region in regions]
        return [*pieces, Change(kind, rest, "", (), None, None)] if rest > NOTHING_M2 else pieces

    def _change(self, kind: str, region: Region) -> Change:
        outline = self.frame.unproject(shapely.force_3d(region.polygon, z=float(region.point[2])))
        zone = None if region.pooled else self.surface.pieces[region.piece].id
        return Change(kind, region.amount, region.reason, list(region.blockers), outline, zone)
