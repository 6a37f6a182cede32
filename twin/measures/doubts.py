"""What opens the bounds of mobile coverage: the share with one source at its worst and at its best, the others as they are taken to be.

All is asked at the points of the cells, whose levels are known already; what differs from the share there is carried to the value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.cellular import Case, covered_in, levels_of, model_of
from twin.coverage.clutter import ENTRY_GHZ, STATISTICAL_FROM_KM, STATISTICAL_GHZ, building_entry_db, path_clutter_db
from twin.coverage.entry import entry_db
from twin.coverage.look import Sight
from twin.coverage.paths import FACTORY, Heard
from twin.coverage.propagation import MODELS, Links, path_loss_db
from twin.coverage.received import BEST, OTHERS_SLACK_DB, WORST
from twin.coverage.site import Carriers
from twin.measures.mobile import Found, fading
from twin.scene.embree import Scene

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

GONE_DB = 1e6  # how much less a device sends that is not there
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Opinion:
    """What another body's formulas say: the share they give at the points of the cells, and how far their levels are from those used."""

    models: Sequence[str]
    share: float
    median_db: float | None
    p90_db: float | None


def sensitivity(found: Found, leaves: Scene | None, opinion: Opinion | None) -> Rows:
    """What opens the bounds, widest first.

    Parameters
    ----------
    found
        What a run has found.
    leaves
        The scene with leaves in the other state, where there are any.
    opinion
        What other formulas say.
    """
    asked = found.asked
    if not len(found.cells) or not len(asked.net.carriers):
        return []
    ask = _Asker(found)
    rows = [
        *(ask.between(name, column, int((column > 0).sum())) for name, column in asked.net.slack.items()),
        *_facades(ask),
        *_walls(ask),
        *_pose(ask),
        *([] if leaves is None else [ask.row("vegetation", ask.share(_in_scene(found, leaves)), None, 0)]),
        *([] if opinion is None else [ask.row("model_spread", opinion.share, None, int((~asked.net.carriers.indoor).sum()))]),
        _undecided(found),
        _fading(found),
    ]
    return sorted([row for row in rows if row and row["width"] > 0], key=lambda row: -row["width"])


def resting_share(found: Found) -> float | None:
    """The share of what is covered that is so only thanks to devices resting on assumed attributes; None where nothing is."""
    net, area = found.asked.net, found.cells.area
    covered = float(area[found.first.covered].sum())
    if covered <= 0:
        return None
    gone = np.where(net.resting, -GONE_DB, 0.0)
    left = covered_in(net.carriers, found.asked.demand, found.cells, found.levels, Case(own_db=gone, other_db=gone))
    return float(area[found.first.covered & ~left].sum()) / covered


def second_opinion(found: Found) -> Opinion | None:
    """What the formulas of another body say of the outdoor carriers; None where there is nothing to say."""
    carriers, cells = found.asked.net.carriers, found.cells
    if not len(carriers) or carriers.indoor.all() or not len(cells):
        return None
    others = _others(carriers)
    levels = _by_other(found, others)
    best, apart = found.first.best, np.full(len(cells), np.nan)
    for j in np.flatnonzero(~carriers.indoor).tolist():
        mine = best == j
        apart[mine] = levels[j].plain[mine, 0] - found.levels[j].plain[mine, 0]
    known = apart[np.isfinite(apart)]
    covered = covered_in(carriers, found.asked.demand, cells, levels, Case())
    return Opinion(
        models=sorted({name for name, inside in zip(others, carriers.indoor.tolist(), strict=True) if not inside}),
        share=float(cells.area[covered].sum() / cells.area.sum()),
        median_db=round(float(np.median(known)), 2) if len(known) else None,
        p90_db=round(float(np.quantile(np.abs(known), 0.9)), 2) if len(known) else None,
    )


def checks(found: Found) -> dict[str, Any]:
    """What ITU-R P.2109 and P.2108 would say of what was used: the entry into buildings, and the loss behind obstacles."""
    carriers, first = found.asked.net.carriers, found.first
    told: dict[str, Any] = {}
    if not len(carriers):
        return told
    best = np.maximum(first.best, 0)
    outdoor = (first.best >= 0) & ~carriers.indoor[best]
    entered = outdoor & found.indoors
    if entered.any():
        f = float(np.median(carriers.f_ghz[best[entered]]))
        if ENTRY_GHZ[0] <= f <= ENTRY_GHZ[1]:
            kind, release = found.asked.site.facades[1], found.asked.site.release
            said = {name: round(float(building_entry_db(f, name)), 2) for name in ("traditional", "efficient")}
            told["entry"] = {"f_ghz": f, "facade_db": round(float(entry_db(kind, f, release)), 2), "p2109_db": said}
    away = np.hypot(*(found.cells.centre[:, :2] - carriers.position[best, :2]).T) / 1000.0
    behind = outdoor & ~found.indoors & ~first.sight & (away >= STATISTICAL_FROM_KM)
    if behind.any():
        j = int(np.bincount(best[behind]).argmax())
        f, d = float(carriers.f_ghz[j]), np.array([float(np.median(away[behind & (best == j)])) * 1000.0])
        if STATISTICAL_GHZ[0] <= f <= STATISTICAL_GHZ[1]:
            link = Links(f, d, np.hypot(d, carriers.height_m[j]), carriers.height_m[j], found.asked.demand.target_height_m)
            model = MODELS[carriers.model[j]]
            blocked, clear = (float(path_loss_db(model, link, los, extrapolate=True)[0]) for los in (False, True))
            said_db = round(float(path_clutter_db(f, d / 1000.0)[0]), 2)
            told["clutter"] = {"f_ghz": f, "d_km": round(float(d[0]) / 1e3, 3), "excess_db": round(blocked - clear, 2), "p2108_db": said_db}
    return told


class _Asker:
    """The share at the points of a run's cells in other states than the one it was judged in."""

    def __init__(self, found: Found) -> None:
        self.found = found
        area = found.cells.area
        self.total = float(area.sum())
        self.base = float(area[found.first.covered].sum()) / self.total
        self.value = float(found.covered.areas.covered.sum()) / self.total

    def share(self, levels: list[Heard] | None = None, case: Case | None = None) -> float:
        asked = self.found.asked
        covered = covered_in(asked.net.carriers, asked.demand, self.found.cells, levels or self.found.levels, case or Case())
        return float(self.found.cells.area[covered].sum()) / self.total

    def row(self, what: str, one: float, other: float | None, devices: int) -> dict[str, Any]:
        """A row from two shares at the points, or one where the other is the value."""
        both = sorted([one, self.base if other is None else other, self.base])
        low, high = (min(max(self.value + share - self.base, 0.0), 1.0) for share in (both[0], both[-1]))
        return {"what": what, "devices": devices, "lower": low, "upper": high, "width": high - low}

    def between(self, what: str, column: FloatArray, devices: int) -> dict[str, Any]:
        """With carriers off by `column` (m,) [dB] to the worse, and to the better."""
        other = np.minimum(column, OTHERS_SLACK_DB)
        worst, best = (self.share(case=Case(own_db=sign * column, other_db=-sign * other)) for sign in (-1.0, 1.0))
        return self.row(what, worst, best, devices)


def _facades(ask: _Asker) -> Rows:
    outdoor = int((~ask.found.asked.net.carriers.indoor).sum())
    if not outdoor or not ask.found.indoors.any():
        return []
    return [ask.row("facade", ask.share(case=Case(facade=WORST)), ask.share(case=Case(facade=BEST)), outdoor)]


def _walls(ask: _Asker) -> Rows:
    inside = int(ask.found.asked.net.carriers.indoor.sum())
    if not inside:
        return []
    worst = ask.share(case=Case(walls=WORST, other_walls=BEST))
    return [ask.row("walls", worst, ask.share(case=Case(walls=BEST, other_walls=WORST)), inside)]


def _pose(ask: _Asker) -> Rows:
    """With every device that states a tolerance where it gives the points of cells least, and most."""
    carriers = ask.found.asked.net.carriers
    loose = carriers.loose.max(axis=1) > 0
    if not loose.any():
        return []
    cells = ask.found.cells
    points = _points(cells)
    levels = levels_of(carriers, ask.found.asked.site, ask.found.asked.demand, points)
    weak, strong = (
        [
            replace(level, plain=level.plain[:, [k, k, k]], cases=level.cases[:, [k, k, k]]) if loose[j] else known
            for j, (level, known) in enumerate(zip(levels, ask.found.levels, strict=True))
        ]
        for k in (1, 2)
    )
    return [ask.row("pose", ask.share(weak), ask.share(strong), int(loose.sum()))]


def _points(cells: Cells) -> Cells:
    """The points of cells, as cells without extent."""
    own = cells.representative
    none = np.full(len(cells), None, object)
    return Cells(own, np.full(len(cells), 1e-3), np.repeat(own[:, 2:], 2, axis=1), cells.area, cells.piece, none)


def _in_scene(found: Found, scene: Scene) -> list[Heard]:
    """What carriers give in another scene, at the points alone."""
    asked = found.asked
    site = replace(asked.site, sight=Sight(scene, replace(asked.site.sight.edges, triangles=np.empty((0, 3, 3)))), memory={})
    carriers = asked.net.carriers
    walled = carriers.indoor & ~np.array([name.startswith(FACTORY) for name in carriers.model], bool)  # no line of sight is asked about

    def keep(j: int, make: Callable[[], Heard]) -> Heard:
        return found.levels[j] if walled[j] else make()

    return levels_of(carriers, site, asked.demand, found.cells, keep)


def _others(carriers: Carriers) -> list[str]:
    """For each carrier the formulas of the other body: P.1411 for those of 3GPP and others, UMa or UMi for those of P.1411."""
    names: list[str] = []
    for j, name in enumerate(carriers.model):
        above = name in {"38.901-uma", "38.901-rma", "36.942", "hata"}
        second = "p1411" if not name.startswith("p1411") else "38.901-uma" if name == "p1411-roof" else "38.901-umi"
        height, f = float(carriers.height_m[j]), float(carriers.f_ghz[j])
        names.append(model_of(second, height_m=height, above_roofs=above, f_ghz=f).name)
    return names


def _by_other(found: Found, others: list[str]) -> list[Heard]:
    """What outdoor carriers give the points of cells by other formulas; all else as it was."""
    carriers, cells = found.asked.net.carriers, found.cells
    own = cells.representative
    height = np.maximum(found.asked.demand.target_height_m, 1.5)
    out: list[Heard] = []
    for j, level in enumerate(found.levels):
        if carriers.indoor[j]:
            out.append(level)
            continue
        flat = np.hypot(*(own[:, :2] - carriers.position[j, :2]).T)
        slant = np.hypot(flat, own[:, 2] - carriers.position[j, 2])
        link = Links(float(carriers.f_ghz[j]), flat, np.maximum(slant, 0.5), float(carriers.height_m[j]), height)
        used, other = (path_loss_db(MODELS[name], link, level.sight, extrapolate=True) for name in (carriers.model[j], others[j]))
        change = (used - other).astype(np.float32)
        plain = level.plain + change[:, None]
        out.append(replace(level, plain=plain, cases=level.cases + change[level.cell][:, None, None]))
    return out


def _undecided(found: Found) -> dict[str, Any]:
    """What is undecided where cutting ended, as not covered and as covered."""
    total, areas = float(found.cells.area.sum()), found.covered.areas
    value = float(areas.covered.sum()) / total
    low, high = max(value - areas.doubt[0] / total, 0.0), min(value + areas.doubt[1] / total, 1.0)
    return {"what": "undecided_cells", "devices": 0, "lower": low, "upper": high, "width": high - low}


def _fading(found: Found) -> dict[str, Any]:
    """From what is covered with 90 % chance to what is with 10 %."""
    told, total = fading(found), float(found.cells.area.sum())
    value = float(found.covered.areas.covered.sum()) / total
    low, high = min(told["c90"], value), max(told["c10"], value)
    return {"what": "fading", "devices": len(found.asked.net.devices), "lower": low, "upper": high, "width": high - low}
