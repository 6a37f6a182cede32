"""model_coverage_share: the share of the park's buildings that have a 3D model of the detail asked for.

Levels: 0 nothing but a footprint; 1 a block of known height; 2 an exterior with its roof; 3 one with doors and windows; 4 rooms inside.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import shapely

from twin.buildings import STOREY_HEIGHT_M, Building, buildings, is_shared
from twin.coverage.containment import OUTSIDE, Places, container, share_within
from twin.coverage.counts import State, Tally, tally
from twin.errors import MissingInput
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.modelled import Level, model_levels, side_shares
from twin.measures.outlines import areas, boundary_of
from twin.measures.register import KEY_BUILDING, building_name, footprint, listed, status_of
from twin.measures.said import NOT_BUILT, yes_no_unknown
from twin.model import Model
from twin.result import NOT_NEGATIVE, Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store

LEVELS = (1, 4)
MESH_SHARE = 0.5  # a mesh that covers this share of a footprint shows the building


@dataclass(frozen=True)
class _Row:
    """One building that counts: its ground, floor area, what is asked of it and what it has."""

    building: Building
    shape: Any  # x y [m, enu]
    floor_m2: float
    floor_known: bool
    is_key: State
    level: Level

    def meets(self, asked: int) -> State:
        """Whether its model is detailed enough; unknown where nobody says of what detail it is."""
        if self.level.least >= asked:
            return True
        return None if self.level.most >= asked else False


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    rows, exclusions = _rows(store, asked)
    if not rows and not exclusions:
        raise MissingInput("buildings_missing", subject="building")
    states = [row.meets(_asked(row, asked)) for row in rows]
    by_area = asked["weight"] == "floor_area"
    weights: list[Fraction] = [Fraction(row.floor_m2) if by_area else Fraction(1) for row in rows]
    likely = [state if state is not None else row.level.likely >= _asked(row, asked) for row, state in zip(rows, states, strict=True)]
    found, value = tally(states, weights), tally(likely, weights)
    total = float(found.total)
    inputs = Inputs(
        digest(
            [
                [row.building.id, asdict(row.level), row.floor_m2, row.is_key, shapely.to_wkt(row.shape, rounding_precision=2)]
                for row in rows
            ]
        ),
        sum(len(row.building.model_ids) for row in rows),
        sum(state is None for state in states) / len(rows) if rows else None,
    )
    return share_result(
        MEASURE,
        request,
        Amounts(float(value.value), float(found.lower), float(found.upper), total, "m2" if by_area else "count"),
        inputs=inputs,
        started=started,
        resting_share=1 - float(found.lower / value.value) if value.value else None,
        surface={"id": "building_register", "samples": len(rows), "weight": asked["weight"]},
        exclusions=exclusions,
        zones=_zones(rows, likely, weights),
        gaps=_gaps(store, rows, likely, weights, asked),
        warnings=_warnings(rows, states),
        samples=_samples(store, rows, states, likely) if request.want_samples else None,
        devices=_devices(store, rows, likely, weights, asked),
        sensitivity=_sensitivity(found.lower, found.upper, found.total, sum(state is None for state in states)),
        extra=_extra(store, rows, likely, states),
    )


def _asked(row: _Row, asked: Mapping[str, Any]) -> int:
    return int(asked["key_min_lod"] if row.is_key else asked["min_lod"])


def _rows(store: Store, asked: Mapping[str, Any]) -> tuple[list[_Row], list[dict[str, Any]]]:
    """The buildings that count, and how many each reason left out."""
    standing = [(building, shape) for building in buildings(store) if (shape := footprint(store, building)) is not None]
    park = boundary_of(store)
    inside = _inside([shape for _, shape in standing], park)
    models = {model.id: model for model in store.models()}
    levels = model_levels(store, [building for building, _ in standing])
    seen = _meshes(store, [shape for _, shape in standing])
    rows: list[_Row] = []
    left_out: dict[str, int] = {}
    for (building, shape), ok, level, mesh in zip(standing, inside, levels, seen, strict=True):
        if reason := _left_out(building, shape, ok, asked["ancillary_m2"]):
            left_out[reason] = left_out.get(reason, 0) + 1
            continue
        floor, known = _floor_area(store, building, shape, models)
        whole = level.also_seen() if mesh else level
        rows.append(_Row(building, shape, floor, known, listed(building, KEY_BUILDING, asked["key_buildings"]), whole))
    return rows, [{"reason": reason, "amount": amount} for reason, amount in sorted(left_out.items())]


def _inside(shapes: Sequence[Any], park: Any) -> list[bool]:
    if park is None or not shapes:
        return [True] * len(shapes)
    within = container(Places(np.array(shapes, object)), Places(np.array([park], object)))
    return (within != OUTSIDE).tolist()


def _left_out(building: Building, shape: Any, inside: bool, ancillary_m2: float) -> str | None:
    if not inside:
        return "outside_boundary"
    if yes_no_unknown(status_of(building.attributes), (), NOT_BUILT) is False:
        return "not_in_service"
    return "ancillary" if shape.area < ancillary_m2 else None


def _meshes(store: Store, shapes: Sequence[Any]) -> list[bool]:
    """Whether each building stands under a mesh of others, which shows what is there and names nothing."""
    table = store.features_of_kind("mesh")
    drawn = [shape for _, shape in areas(store, table)]
    if not drawn or not shapes:
        return [False] * len(shapes)
    share = share_within(Places(np.array(shapes, object)), Places(np.array(drawn, object)))
    return (share >= MESH_SHARE).tolist()


def _floor_area(store: Store, building: Building, shape: Any, models: Mapping[str, Model]) -> tuple[float, bool]:
    """Footprint times storeys [m2], and whether the number of storeys is known rather than taken from the height."""
    if building.storeys:
        return float(shape.area) * building.storeys, True
    own = [identity for identity in building.model_ids if identity in models and not is_shared(models[identity])]
    levels = max((len(store.storeys(identity)) for identity in own), default=0)
    if levels:
        return float(shape.area) * levels, True
    return float(shape.area) * max(round(building.height_m / STOREY_HEIGHT_M), 1), False


def _zones(rows: Sequence[_Row], likely: Sequence[State], weights: Sequence[Fraction]) -> list[dict[str, Any]]:
    """One row a usage of buildings, the least covered first."""
    sums: dict[str, list[Fraction]] = {}
    for row, state, weight in zip(rows, likely, weights, strict=True):
        pair = sums.setdefault(str(row.building.usage or "?"), [Fraction(0), Fraction(0)])
        pair[0] += weight
        pair[1] += weight if state else 0
    found = [
        {"id": usage, "name": usage, "value": float(done / total), "amount": float(total), "covered": float(done)}
        for usage, (total, done) in sums.items()
        if total
    ]
    return sorted(found, key=lambda row: (row["value"], row["id"]))


def _gaps(store: Store, rows: Sequence[_Row], likely: Sequence[State], weights: Sequence[Fraction], asked: Mapping[str, Any]) -> list[Gap]:
    """The buildings without such a model, the largest first; how many levels each falls short of."""
    frame = store.park().frame
    out: list[Gap] = []
    for row, state, weight in zip(rows, likely, weights, strict=True):
        if state:
            continue
        reason = "below_threshold" if row.level.likely else "not_installed"
        shape = frame.unproject(shapely.force_3d(row.shape, z=row.building.base_h_m - frame.h_m))
        short, zone = _asked(row, asked) - row.level.likely, str(row.building.usage or "?")
        out.append(Gap(row.building.id, float(weight), reason, (), shape, zone, short, "LOD"))
    return sorted(out, key=lambda gap: (-gap.amount, gap.id))


def _devices(
    store: Store, rows: Sequence[_Row], likely: Sequence[State], weights: Sequence[Fraction], asked: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """How much each model covers, and what would be lost without it."""
    out: dict[str, dict[str, Any]] = {model.id: {"id": model.id, "covered": 0.0, "lost": 0.0} for model in store.models()}
    for row, state, weight in zip(rows, likely, weights, strict=True):
        least = _asked(row, asked)
        good = [model for model, level in row.level.by_model.items() if level >= least]
        for model in good:
            out[model]["covered"] += float(weight)
            out[model]["lost"] += float(weight) if state and len(good) == 1 and row.level.without_models < least else 0.0
    return list(out.values())


def _sensitivity(lower: Fraction, upper: Fraction, total: Fraction, count: int) -> list[dict[str, Any]]:
    if lower == upper:
        return []
    low, high = float(lower / total), float(upper / total)
    return [{"what": "lod", "devices": count, "lower": low, "upper": high, "width": high - low}]


def _extra(store: Store, rows: Sequence[_Row], likely: Sequence[State], states: Sequence[State]) -> dict[str, Any]:
    """Both weightings, the table of buildings, how many have which level, and the side shares."""
    floor = tally(likely, [Fraction(row.floor_m2) for row in rows])
    count = tally(likely)
    levels = [row.level.likely for row in rows]
    rooms = tally([row.level.likely >= 4 for row in rows])
    return {
        "by_count": {"value": _middle(count), "covered": int(count.value), "total": len(rows)},
        "by_floor_area": {"value": _middle(floor), "covered_m2": float(floor.value), "total_m2": float(floor.total)},
        "levels": {str(level): levels.count(level) for level in range(5)},
        "sides": side_shares(store) | {"interiors": _middle(rooms)},
        "buildings": [
            {
                "id": row.building.id, "name": building_name(row.building), "usage": row.building.usage, "key": row.is_key, "meets": state,
                "floor_area_m2": round(row.floor_m2, 1), "level": row.level.likely, "level_least": row.level.least,
                "level_most": row.level.most, "models": list(row.level.by_model), "sources": list(row.level.sources),
                "georeferencing": list(row.level.georeferencing),
            }
            for row, state in zip(rows, states, strict=True)
        ],
    }  # fmt: skip


def _middle(found: Tally) -> float | None:
    return float(found.shares[1]) if found.shares else None


def _warnings(rows: Sequence[_Row], states: Sequence[State]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if rows and not any(row.is_key for row in rows):
        found.append({"code": "register_empty", "subject": "key_building", "columns": ", ".join(KEY_BUILDING[:3]), "count": len(rows)})
    if unsure := [row.building.id for row, state in zip(rows, states, strict=True) if state is None]:
        found.append({"code": "level_unknown", "subject": ", ".join(unsure[:5]), "count": len(unsure), "ids": unsure})
    if guessed := [row.building.id for row in rows if not row.floor_known]:
        found.append({"code": "storeys_assumed", "subject": ", ".join(guessed[:5]), "count": len(guessed), "ids": guessed})
    if loose := sorted({name for row in rows for name in row.level.loose}):
        found.append({"code": "model_not_georeferenced", "subject": ", ".join(loose[:5]), "count": len(loose), "ids": loose})
    return found


def _samples(store: Store, rows: Sequence[_Row], states: Sequence[State], likely: Sequence[State]) -> Samples:
    frame = store.park().frame
    middle = shapely.get_coordinates(shapely.point_on_surface(np.array([row.shape for row in rows], object))).reshape(-1, 2)
    z = np.array([row.building.base_h_m - frame.h_m for row in rows], float)
    state = [UNDECIDED if sure is None else COVERED if yes else OPEN for sure, yes in zip(states, likely, strict=True)]
    value = np.array([row.level.likely for row in rows], float)
    return Samples(frame.to_lonlat(np.column_stack([middle, z])), value, np.array(state, np.int8), np.zeros(len(rows)), "LOD")


MEASURE = Measure(
    id="model_coverage_share",
    title_en="3D model completeness of the park",
    title_zh="三维建模完成度",
    unit="1",
    quantity="count",
    parameters=(
        Parameter("min_lod", 2, "1", "indicators.yaml: assumption; CityGML levels of detail",
                  "Least detail: 1 block, 2 exterior with roof, 3 with doors and windows, 4 rooms inside",
                  "最低精细度：1 体块、2 含屋顶外观、3 含门窗、4 含室内", between=LEVELS),
        Parameter("key_min_lod", 4, "1", "indicators.yaml: assumption", "Least detail of key buildings", "重点建筑的最低精细度",
                  between=LEVELS),
        Parameter("key_buildings", [], "name", "buildings that say they are key", "Key buildings by id or name", "重点建筑的编号或名称"),
        Parameter("weight", "count", "", "indicators.yaml: report both", "What a building counts", "加权方式", ("count", "floor_area")),
        Parameter("ancillary_m2", 20.0, "m2", "assumption: sheds need no model", "Smaller footprints do not count",
                  "小于此占地面积的附属建筑不计入", between=NOT_NEGATIVE),
    ),
    sources=("Chengdu 2021 3(1)3", "Zhongshan 2(2)3", "Liaoning BIM", "Hubei 6.2", "OGC CityGML 2.0 6.2"),
    compute=_compute,
)  # fmt: skip
