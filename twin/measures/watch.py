"""What cameras cover of a surface at the heights asked about, and what opens the bounds of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.camera import Criteria, View, certain, known, possible
from twin.coverage.field import Field
from twin.coverage.footprint import Footprint
from twin.coverage.inview import ANY_WAY
from twin.coverage.joining import at_once, either
from twin.coverage.look import Sight
from twin.coverage.share import sees
from twin.coverage.surface import Surface
from twin.coverage.visibility import Covered, Question, covered
from twin.coverage.why import UNITS, reasons
from twin.measures.camera import (
    ANY_FACING,
    TOWARDS_CAMERA,
    Cameras,
    Stage,
    criteria_of,
    field_of,
    heights_of,
    read_views,
    reading_of,
    remembered,
    scene_among,
    states_of,
)  # fmt: skip
from twin.measures.cluster import footprints
from twin.measures.views import MODES
from twin.scene.embree import Scene
from twin.scene.ground import ground_of
from twin.scene.state import State, States

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

SAMPLES = 10_000  # cells by whose middles sensitivity is judged


@dataclass(frozen=True)
class Watch:
    """A surface at each height that cameras have to see at once, the reported one first."""

    place: Stage
    surface: Surface
    fields: Sequence[Field]
    keys: Sequence[str]
    questions: Sequence[Question]
    asked: Mapping[str, Any]

    @property
    def field(self) -> Field:
        """The cells at the reported height."""
        return self.fields[0]

    @property
    def criteria(self) -> Criteria:
        """What a target must fulfil."""
        return self.questions[0].criteria

    @property
    def k(self) -> int:
        """How many cameras must cover a place."""
        return self.questions[0].k

    @property
    def points(self) -> FloatArray:
        """A target in each cell, at each height (n, h, 3). [m, enu]"""
        return np.stack([field.cells.representative for field in self.fields], axis=1)


def watch_of(place: Stage, surface: Surface, asked: Mapping[str, Any], step: float | None) -> Watch:
    """A surface made ready for a request's parameters."""
    criteria, heights = criteria_of(asked), heights_of(asked)
    arranged = [field_of(place, surface, step, height) for height in heights]
    is_level = place.store.terrain() is None
    questions = [Question(criteria, height, ground_of(place.store), asked["k"], is_level) for height in heights]
    return Watch(place, surface, [field for field, _ in arranged], [key for _, key in arranged], questions, asked)


def watched(watch: Watch, views: Sequence[View]) -> dict[str, Footprint]:
    """What each camera covers, by its id; one view of it has to see all of the heights."""
    looking = facing_views(views, watch.asked)
    if len(watch.fields) == 1:
        return _at_height(watch, 0, looking)
    apart = [replace(view, camera=str(i)) for i, view in enumerate(looking)]
    by_height = [_at_height(watch, j, apart) for j in range(len(watch.fields))]
    by_camera: dict[str, list[Footprint]] = {}
    for i, view in enumerate(looking):
        by_camera.setdefault(view.camera, []).append(at_once([found[str(i)] for found in by_height]))
    return {name: either(parts) for name, parts in by_camera.items()}


def _at_height(watch: Watch, j: int, views: Sequence[View]) -> dict[str, Footprint]:
    memory = remembered(watch.keys[j], watch.criteria, watch.place.sha256)
    return footprints(watch.surface, watch.fields[j], watch.place.sight, views, watch.questions[j], memory)


def facing_views(views: Sequence[View], asked: Mapping[str, Any]) -> list[View]:
    """The views; of targets that may face any way, none shows one for certain."""
    if is_facing_known(asked):
        return list(views)
    return [replace(view, least=replace(view, range_m=0.0, least=None, most=None)) for view in views]


def is_facing_known(asked: Mapping[str, Any]) -> bool:
    """Whether it is said which way targets face."""
    return str(asked["facing"]).strip().lower() != ANY_FACING


@dataclass(frozen=True)
class Explained:
    """For n cells: why what is missing of each is missing, behind what, and by how much; empty where nothing is."""

    reasons: Sequence[str]
    blockers: Sequence[str | None]
    shortfall: FloatArray


def explained(watch: Watch, found: Covered, views: Sequence[View]) -> Explained:
    """Why cells lack what they lack, at the first height that says so."""
    cells = watch.field.cells
    names = [""] * len(cells)
    blockers: list[str | None] = [None] * len(cells)
    short = np.full(len(cells), np.nan)
    lacking = np.flatnonzero(cells.area - found.value > 1e-9)
    why = explained_at(watch, lacking, views)
    short[lacking] = why.shortfall
    for i, name, blocker in zip(lacking.tolist(), why.reasons, why.blockers, strict=True):
        names[i], blockers[i] = name, blocker
    return Explained(names, blockers, short)


def explained_at(watch: Watch, lacking: NDArray[Any], views: Sequence[View]) -> Explained:
    """Why each of the cells (t,) that lack something lacks it."""
    names = [""] * len(lacking)
    blockers: list[str | None] = [None] * len(lacking)
    short = np.full(len(lacking), np.nan)
    for points in (each.cells.representative for each in watch.fields):
        why = reasons(points[lacking], views, watch.criteria, watch.place.sight.scene)
        for i, (name, blocker, lack) in enumerate(zip(why.reasons, why.blockers, why.shortfall.tolist(), strict=True)):
            if not names[i] or (blocker and not blockers[i]):
                names[i], blockers[i], short[i] = name, blocker, lack
    short[[name not in UNITS for name in names]] = np.nan
    return Explained(names, blockers, short)


def sensitivity(sampled: Sampled, asked: Mapping[str, Any], found: Covered) -> list[dict[str, Any]]:
    """What opens the bounds, widest first: the share with that one thing at its worst and its best while the rest stays at the value.

    Cells that stay undecided are counted as they are; everything else is judged on the middles of up to SAMPLES cells.
    """
    watch, cameras = sampled.watch, sampled.cameras
    total = float(watch.field.cells.area.sum())
    if total <= 0:
        return []
    bounds = [float(part.sum()) / total for part in (found.lower, found.value, found.upper)]
    if not cameras.doubts and watch.place.sight.best is None and is_facing_known(asked):
        return _ranked([{"what": "undecided_cells", "devices": [], "lower": -1.0, "upper": 1.0}], bounds)
    rows = [_undecided(watch, cameras, total)]
    for source, ids in sorted(cameras.doubts.items()):
        devices = [i for i, device in enumerate(cameras.devices) if device.id in set(ids)]
        views, *_ = read_views([cameras.devices[i] for i in devices], cameras.places[devices], reading_of(asked, frozenset([source])))
        rows.append(sampled.row(source, sorted(ids), views))
    for name, state in scenes(states_of(asked)) if watch.place.sight.best is not None else []:
        rows.append(sampled.among(name, scene_among(watch.place.store, asked["terrain"], state)))
    if not is_facing_known(asked):
        rows.append({"what": "facing", "devices": [], "lower": -1.0, "upper": 0.0})
    return _ranked(rows, bounds)


def by_mode(sampled: Sampled, asked: Mapping[str, Any], found: Covered) -> dict[str, dict[str, float]]:
    """The share with cameras that turn counted by their presets, by what they look at now, and wherever they can be turned.

    Three numbers and never one, the one that was asked for as it was found, the others by the middles of up to SAMPLES cells; empty where
    no camera turns.
    """
    cameras = sampled.cameras
    turning = {device.id for device in cameras.devices if str(device.attributes.get("ptz") or "").strip().lower() == "ptz"}
    total = float(sampled.watch.field.cells.area.sum())
    if not turning or total <= 0:
        return {}
    out = {asked["ptz"]: {name: float(getattr(found, name).sum()) / total for name in ("value", "lower", "upper")}}
    for mode in MODES:
        if mode != asked["ptz"]:
            views, *_ = read_views(cameras.devices, cameras.places, reading_of({**asked, "ptz": mode}))
            out[mode] = sampled.bounds(facing_views(views, asked))
    return {mode: out[mode] for mode in MODES}


def _ranked(rows: Sequence[Mapping[str, Any]], bounds: Sequence[float]) -> list[dict[str, Any]]:
    """Rows of deviations from the value as rows of shares within the bounds, widest first."""
    lower, value, upper = bounds
    out: list[dict[str, Any]] = []
    for row in rows:
        low, high = max(lower, value + min(row["lower"], 0.0)), min(upper, value + max(row["upper"], 0.0))
        if high - low > 1e-12:
            out.append({"what": row["what"], "devices": row["devices"], "lower": low, "upper": high, "width": high - low})
    return sorted(out, key=lambda row: (-row["width"], row["what"]))


def _undecided(watch: Watch, cameras: Cameras, total: float) -> dict[str, Any]:
    """How far cells open the bounds that nothing but the fineness of looking leaves undecided."""
    place = replace(watch.place, sight=replace(watch.place.sight, best=None))
    plain = replace(watch, place=place, asked={**watch.asked, "facing": TOWARDS_CAMERA})
    views = [replace(view, least=None, most=None) for view in cameras.views if view.lens != ANY_WAY]
    found = covered(watch.field, list(watched(plain, views).values()), watch.k)
    value = float(found.value.sum())
    return {
        "what": "undecided_cells",
        "devices": [],
        "lower": (float(found.lower.sum()) - value) / total,
        "upper": (float(found.upper.sum()) - value) / total,
    }


def scenes(among: States) -> list[tuple[str, State]]:
    """The doubts about what is in the way, and the state that each alone may be in at best."""
    value, best = among.value, among.best
    doors = [("doors", replace(value, doors=best.doors))] if value.doors != best.doors else []
    leaves = [("vegetation", replace(value, vegetation=best.vegetation))] if value.vegetation != best.vegetation else []
    return [*doors, *leaves]


@dataclass(frozen=True)
class Sampled:
    """Who sees the middles of every so manieth cell; what one view sees of them is asked once."""

    watch: Watch
    cameras: Cameras
    seen: dict[tuple[View, Scene], BoolArray] = field(default_factory=dict[tuple[View, Scene], BoolArray])  # (n,) by view and scene

    @cached_property
    def stride(self) -> int:
        """One cell in so many is asked."""
        return -(-len(self.watch.field.cells) // SAMPLES) or 1

    @cached_property
    def points(self) -> FloatArray:
        """A target in each of n cells, at each height (n, h, 3). [m, enu]"""
        return self.watch.points[:: self.stride]

    @cached_property
    def weight(self) -> FloatArray:
        """The share of the surface (n,) that each stands for."""
        area = self.watch.field.cells.area[:: self.stride]
        return area / area.sum()

    @cached_property
    def by_camera(self) -> Mapping[str, BoolArray]:
        """Which targets (n,) each camera sees by best knowledge."""
        return self._by_camera(known(self.cameras.views), self.watch.place.sight)

    def row(self, source: str, ids: Sequence[str], views: Sequence[View]) -> dict[str, Any]:
        """How far the share moves when some cameras see the least, and the most, that one doubt leaves open."""
        sight = self.watch.place.sight
        least = self._by_camera([certain(view) for view in known(views)], sight)
        most = self._by_camera([possible(view) for view in views], sight)
        value = self._share({})
        return {"what": source, "devices": list(ids), "lower": self._share(least) - value, "upper": self._share(most) - value}

    def bounds(self, views: Sequence[View]) -> dict[str, float]:
        """The share that cameras see by best knowledge, at least and at most."""
        sight = self.watch.place.sight
        value = self._alone(self._by_camera(known(views), sight))
        least = self._alone(self._by_camera([certain(view) for view in known(views)], sight))
        most = self._alone(self._by_camera([possible(view) for view in views], sight.best or sight))
        return {"value": value, "lower": min(least, value), "upper": max(most, value)}

    def among(self, source: str, scene: Scene) -> dict[str, Any]:
        """How far the share moves with other things in the way."""
        more = self._by_camera(known(self.cameras.views), scene)
        return {"what": source, "devices": [], "lower": 0.0, "upper": self._share(more) - self._share({})}

    def _share(self, instead: Mapping[str, BoolArray]) -> float:
        """The share that enough cameras see, some of them seeing something else."""
        return self._alone({**self.by_camera, **instead})

    def _alone(self, by_camera: Mapping[str, BoolArray]) -> float:
        count = np.zeros(len(self.points), np.int64)
        for seen in by_camera.values():
            count += seen
        return float(self.weight[count >= self.watch.k].sum())

    def _by_camera(self, views: Sequence[View], among: Sight | Scene) -> dict[str, BoolArray]:
        """Which targets each camera sees at all heights (n,)."""
        out: dict[str, BoolArray] = {}
        for view in views:
            seen = self._one(replace(view, least=None, most=None), among)
            out[view.camera] = np.logical_or(out[view.camera], seen) if view.camera in out else seen
        return out

    def _one(self, view: View, among: Sight | Scene) -> BoolArray:
        key = view, among.scene if isinstance(among, Sight) else among
        if key not in self.seen:
            n, heights = self.points.shape[:2]
            apart = sees(self.points.reshape(-1, 3), view, self.watch.criteria, among).reshape(n, heights)
            self.seen[key] = np.logical_and.reduce(apart, axis=1)
        return self.seen[key]
