"""duct_main_road_length_share: how much of the main roads' length has a built communication duct running along it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.alongside import Rule, Stretch, alongside, gaps, piece, total, union
from twin.coverage.counts import both
from twin.coverage.surface import Lines
from twin.errors import MissingInput
from twin.measures.centrelines import APART_M
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.lines import gather_lines
from twin.measures.names import both_names
from twin.measures.outlines import lines, width_of
from twin.measures.radio import numbers
from twin.measures.said import BUILT, NOT_BUILT, yes_no_unknown
from twin.model import FeatureTable
from twin.result import Gap, Measure, Parameter, Request, Result, Samples
from twin.store import Store
from twin.terrain import ground_z

COMMUNICATION = ("communication", "telecom", "fibre", "fiber", "optic", "通信", "电信", "弱电", "光缆", "信息", "移动", "联通", "广电")
OTHER_PURPOSES = (
    "power",
    "electric",
    "water",
    "gas",
    "drain",
    "sewer",
    "heat",
    "steam",
    "电力",
    "给水",
    "排水",
    "燃气",
    "热力",
    "污水",
    "雨水",
)
PURPOSE_COLUMNS = ("purpose", "usage", "用途", "管线类型", "类型", "class", "name_zh", "name")
HOLES = ("holes_total", "holes_spare")
JOIN_M, SHORTEST_M = 0.02, 0.01  # stretches that meet within the first are one; shorter ones than the second are rounding
FARTHER = 2.0  # a duct up to this many times the distance away is one that runs too far from the road
SAMPLE_M = 5.0
Found = Sequence[Mapping[int, Sequence[Stretch]]]  # of each road, duct -> stretches


@dataclass(frozen=True)
class _Duct:
    """One duct: its line in the park's frame, and what its row says, None where nobody does."""

    id: str
    name: str
    line: Any
    is_built: bool | None
    is_communication: bool | None
    row: Mapping[str, Any]

    @property
    def is_sure(self) -> bool:
        """Built, and for communication, for sure."""
        return both(self.is_built, self.is_communication) is True

    @property
    def counts(self) -> bool:
        """Built, and for communication, unless its row says otherwise."""
        return both(self.is_built, self.is_communication) is not False


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    roads = gather_lines(store, "main_road_centreline", classes=asked["classes"] or None)
    ducts = _ducts(store)
    if not ducts:
        raise MissingInput("ducts_missing", subject="duct")
    rule = Rule(_distances(roads, asked["match_distance_m"], asked["verge_m"]), asked["max_bearing_difference_deg"])
    found = _matched(store, roads, ducts, rule)
    length = roads.length
    likely, sure = (_covered(roads, found, _these(ducts, name)) for name in ("counts", "is_sure"))
    inputs = Inputs(
        digest([*(_spoken(each.id, each.line) for each in roads.pieces), *([*_spoken(duct.id, duct.line), duct.row] for duct in ducts)]),
        sum(duct.counts for duct in ducts),
        sum(duct.counts and not duct.is_sure for duct in ducts) / max(sum(duct.counts for duct in ducts), 1),
    )
    return share_result(
        MEASURE,
        request,
        Amounts(likely, sure, likely, length, "m"),
        inputs=inputs,
        started=started,
        resting_share=1 - sure / likely if likely else None,
        surface={"id": roads.id, "pieces": len(roads.pieces), "method": "projection along the road with a bearing test, exact"},
        exclusions=roads.exclusions,
        zones=_zones(roads, ducts, found),
        gaps=_gaps(store, roads, ducts, found, rule),
        warnings=[*roads.warnings, *_warnings(ducts)],
        samples=_samples(store, roads, ducts, found) if request.want_samples else None,
        devices=_devices(ducts, found),
        sensitivity=_sensitivity(roads, ducts, found),
        extra=_extra(roads, ducts, found),
    )


def _distances(roads: Lines, distance: float, verge: float | None) -> NDArray[np.float64]:
    """How far from each road's centreline a duct may run (n,): the usual, or as far as half a wide road and its verge. [m]"""
    widths = np.array([width_of(road.attributes) or 0.0 for road in roads.pieces], float)
    return np.maximum(distance, 0.0 if verge is None else np.where(widths > 0, widths / 2 + verge, 0.0))


def _ducts(store: Store) -> list[_Duct]:
    table = store.features_of_kind("duct")
    return [_duct(table, i, line) for i, line in lines(store, table)]


def _duct(table: FeatureTable, i: int, line: Any) -> _Duct:
    row = table.row(i)
    said = [row.get(name) for name in PURPOSE_COLUMNS]
    purpose = next((known for each in said if (known := yes_no_unknown(each, COMMUNICATION, OTHER_PURPOSES)) is not None), None)
    return _Duct(table.ids[i], both_names(row, table.ids[i]), line, yes_no_unknown(row.get("status"), BUILT, NOT_BUILT), purpose, row)


def _matched(store: Store, roads: Lines, ducts: Sequence[_Duct], rule: Rule) -> list[dict[int, list[Stretch]]]:
    """The stretches of each road with each duct beside them, beside its other carriageway too."""
    own = alongside([each.line for each in roads.pieces], [duct.line for duct in ducts], rule)
    other = _carriageways(store, roads)
    there = alongside([line for _, line in other], [duct.line for duct in ducts], rule)
    beside = [
        (name, k, piece(line, stretch))
        for (name, line), found in zip(other, there, strict=True)
        for k, stretches in found.items()
        for stretch in stretches
    ]
    if not beside:
        return own
    across = alongside([each.line for each in roads.pieces], [line for _, _, line in beside], Rule(APART_M, rule.bearing_deg))
    for road, mine, found in zip(roads.pieces, own, across, strict=True):
        for b, stretches in found.items():
            name, k, _ = beside[b]
            if name == road.name:
                mine[k] = union([*mine.get(k, []), *stretches])
    return own


def _carriageways(store: Store, roads: Lines) -> list[tuple[str, Any]]:
    """Name and line of the roads that were left out as second carriageways of a road that counts."""
    if not any(each["reason"] == "second_carriageway" for each in roads.exclusions):
        return []
    table = store.features_of_kind("road")
    names = {each.name for each in roads.pieces}
    return [(name, line) for i, line in lines(store, table) if (name := both_names(table.row(i), table.ids[i])) in names]


def _these(ducts: Sequence[_Duct], name: str) -> set[int]:
    return {k for k, duct in enumerate(ducts) if getattr(duct, name)}


def _stretches(found: Mapping[int, Sequence[Stretch]], which: set[int]) -> list[Stretch]:
    return union([stretch for k, stretches in found.items() if k in which for stretch in stretches])


def _covered(roads: Lines, found: Found, which: set[int]) -> float:
    """The length of the roads that some ducts run along. [m]"""
    return sum(_along(road.line, mine, which) for road, mine in zip(roads.pieces, found, strict=True))


def _along(line: Any, mine: Mapping[int, Sequence[Stretch]], which: set[int]) -> float:
    """The length of one road that some ducts run along; what rounding leaves out counts. [m]"""
    return float(line.length) - sum(end - start for start, end in _missing(_stretches(mine, which), line))


def _zones(roads: Lines, ducts: Sequence[_Duct], found: Found) -> list[dict[str, Any]]:
    """One row a road by name, the worst first: length, covered length and the chainages of its gaps."""
    likely, sure = _these(ducts, "counts"), _these(ducts, "is_sure")
    rows: dict[str, dict[str, Any]] = {}
    for road, mine in zip(roads.pieces, found, strict=True):
        row = rows.setdefault(road.name, {"id": road.name, "name": road.name, "amount": 0.0, "covered": 0.0, "sure": 0.0, "gaps": []})
        row["amount"] += road.line.length
        row["covered"] += _along(road.line, mine, likely)
        row["sure"] += _along(road.line, mine, sure)
        row["gaps"] += [[road.id, round(start, 2), round(end, 2)] for start, end in _missing(_stretches(mine, likely), road.line)]
    for row in rows.values():
        value, lower = (row[name] / row["amount"] for name in ("covered", "sure"))
        row |= {"value": value, "lower": lower, "upper": value}
        del row["sure"]
    return sorted(rows.values(), key=lambda row: (row["value"], row["id"]))


def _missing(stretches: Sequence[Stretch], line: Any) -> list[Stretch]:
    """The stretches of a line that are left out, less what rounding leaves."""
    return [(start, end) for start, end in gaps(stretches, line.length) if end - start > SHORTEST_M]


def _gaps(store: Store, roads: Lines, ducts: Sequence[_Duct], found: Found, rule: Rule) -> list[Gap]:
    """The stretches without a duct, longest first, those that meet as one; where one runs beside but too far away, by how much."""
    likely = _these(ducts, "counts")
    usual = np.broadcast_to(rule.distance_m, len(roads.pieces))
    wide = alongside([each.line for each in roads.pieces], [duct.line for duct in ducts], Rule(usual * FARTHER, rule.bearing_deg))
    groups: dict[tuple[str, str], list[tuple[Any, float | None]]] = {}
    for road, mine, farther, distance in zip(roads.pieces, found, wide, usual.tolist(), strict=True):
        for where in _missing(_stretches(mine, likely), road.line):
            stretch = piece(road.line, where)
            short = _shortfall(stretch, where, ducts, {k: each for k, each in farther.items() if k in likely}, distance)
            groups.setdefault((road.name, "not_installed" if short is None else "out_of_range"), []).append((stretch, short))
    whole = [
        (line, name, reason, _along_it(line, each)) for (name, reason), each in groups.items() for line in _joined([s for s, _ in each])
    ]
    ranked = sorted(whole, key=lambda row: (-_total(row[3]), row[1], row[2]))
    park, terrain = store.park(), store.terrain()
    out: list[Gap] = []
    for k, (line, name, reason, each) in enumerate(ranked, 1):
        z = float(ground_z(park, terrain, shapely.get_coordinates(line.centroid))[0])
        short = min((short for _, short in each if short is not None), default=None)
        shape = park.frame.unproject(shapely.force_3d(line, z=z))
        out.append(Gap(f"gap/{k}", _total(each), reason, (), shape, name, short, "" if short is None else "m"))
    return out


def _along_it(line: Any, stretches: Sequence[tuple[Any, float | None]]) -> list[tuple[Any, float | None]]:
    """The stretches, with their shortfalls, that a joined line is made of."""
    return [(each, short) for each, short in stretches if each.interpolate(0.5, normalized=True).distance(line) < JOIN_M]


def _total(stretches: Sequence[tuple[Any, float | None]]) -> float:
    return sum(float(each.length) for each, _ in stretches)


def _joined(stretches: Sequence[Any]) -> list[Any]:
    """Stretches as lines, those that meet as one."""
    return list(shapely.get_parts(shapely.line_merge(shapely.set_precision(shapely.union_all(stretches), JOIN_M))))


def _shortfall(
    stretch: Any, where: Stretch, ducts: Sequence[_Duct], farther: Mapping[int, Sequence[Stretch]], distance: float
) -> float | None:
    """How much too far away the nearest duct is that runs along at least half of a stretch; None where there is none. [m]"""
    need = (where[1] - where[0]) / 2
    inside = {
        k: total([(max(a, where[0]), min(b, where[1])) for a, b in each if b > where[0] and a < where[1]]) for k, each in farther.items()
    }
    away = [float(stretch.distance(ducts[k].line)) for k, length in inside.items() if length >= need]
    return max(min(away) - distance, 0.0) if away else None


def _devices(ducts: Sequence[_Duct], found: Found) -> list[dict[str, Any]]:
    """The length of main road that each duct runs along, and what would be lost without it. [m]"""
    likely = _these(ducts, "counts")
    rows: list[dict[str, Any]] = []
    for k in sorted(likely):
        near = [each for each in found if k in each]
        covered = sum(total(each[k]) for each in near)
        lost = sum(total(_stretches(each, likely)) - total(_stretches(each, likely - {k})) for each in near)
        if covered:
            rows.append({"id": ducts[k].id, "covered": covered, "lost": lost})
    return rows


def _sensitivity(roads: Lines, ducts: Sequence[_Duct], found: Found) -> list[dict[str, Any]]:
    """What opens the bounds: ducts of unknown status, and of unknown purpose."""
    likely, length = _these(ducts, "counts"), roads.length
    value = _covered(roads, found, likely)
    rows: list[dict[str, Any]] = []
    for what, name in (("status", "is_built"), ("purpose", "is_communication")):
        unknown = {k for k in likely if getattr(ducts[k], name) is None}
        low = _covered(roads, found, likely - unknown)
        if low < value:
            row = {"what": what, "devices": len(unknown), "lower": low / length, "upper": value / length, "width": (value - low) / length}
            rows.append(row)
    return sorted(rows, key=lambda row: (-row["width"], row["what"]))


def _extra(roads: Lines, ducts: Sequence[_Duct], found: Found) -> dict[str, Any]:
    """The share by number of roads, what planned ducts would add, and the holes of the ducts along main roads."""
    likely = _these(ducts, "counts")
    zones = _zones(roads, ducts, found)
    planned = likely | {k for k, duct in enumerate(ducts) if duct.is_built is False and duct.is_communication is not False}
    length, more = roads.length, _covered(roads, found, planned)
    along = sorted({k for each in found for k in each} & planned)
    whole, some = (sum(row["amount"] - row["covered"] < 1.0 for row in zones), sum(row["covered"] > 0 for row in zones))
    return {
        "by_roads": {"roads": len(zones), "whole": whole, "some": some, "value": whole / len(zones) if zones else None},
        "with_planned": {"covered_m": more, "value": more / length if length else None},
        "ducts": [
            {"id": ducts[k].id, "name": ducts[k].name, "status": ducts[k].row.get("status"), "counts": ducts[k].counts}
            | {hole: next(iter(numbers(ducts[k].row.get(hole))), None) for hole in HOLES}
            for k in along
        ],
    }


def _samples(store: Store, roads: Lines, ducts: Sequence[_Duct], found: Found) -> Samples:
    """Points along the roads: covered, not, or undecided where only ducts of unknown status or purpose run along."""
    likely, sure = _these(ducts, "counts"), _these(ducts, "is_sure")
    states: list[int] = []
    places: list[Any] = []
    for road, mine in zip(roads.pieces, found, strict=True):
        steps = max(int(np.ceil(road.line.length / SAMPLE_M)), 1)
        at = (np.arange(steps) + 0.5) * road.line.length / steps
        places += list(shapely.line_interpolate_point(road.line, at))
        yes, certain = ([_holds(_stretches(mine, which), x) for x in at.tolist()] for which in (likely, sure))
        states += [COVERED if b else UNDECIDED if a else OPEN for a, b in zip(yes, certain, strict=True)]
    xy = shapely.get_coordinates(np.array(places, object)).reshape(-1, 2)
    points = store.park().frame.to_lonlat(np.column_stack([xy, ground_z(store.park(), store.terrain(), xy)]))
    return Samples(points, np.array(states, float), np.array(states, np.int8), np.zeros(len(states)), "1")


def _holds(stretches: Sequence[Stretch], at: float) -> bool:
    return any(start <= at <= end for start, end in stretches)


def _warnings(ducts: Sequence[_Duct]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for what, name in (("status", "is_built"), ("purpose", "is_communication")):
        if unknown := [duct.id for duct in ducts if duct.counts and getattr(duct, name) is None]:
            found.append({"code": "feature_unknown", "subject": "duct", "attribute": what, "count": len(unknown), "ids": unknown})
    if planned := [duct.id for duct in ducts if duct.is_built is False]:
        found.append({"code": "not_built_left_out", "subject": "duct", "count": len(planned), "ids": planned})
    return found


def _spoken(identity: str, line: Any) -> list[Any]:
    return [identity, shapely.to_wkt(line, rounding_precision=3)]


MEASURE = Measure(
    id="duct_main_road_length_share",
    title_en="Main-road length with built communication duct",
    title_zh="主要道路通信管网建成比例",
    unit="1",
    quantity="m",
    parameters=(
        Parameter("match_distance_m", 15.0, "m", "indicators.yaml: assumption", "A duct this near to the centreline runs along the road",
                  "管道距道路中心线的最大距离", between=(0.0, 200.0)),
        Parameter("max_bearing_difference_deg", 30.0, "deg", "indicators.yaml: assumption", "Greatest angle between duct and road",
                  "管道与道路走向的最大夹角", between=(0.0, 90.0)),
        Parameter("verge_m", 5.0, "m", "assumption: ducts lie under the footway",
                  "Of a road that gives its width: a duct this far outside its edge runs along it too",
                  "给出宽度的道路：管道距路边不超过此值亦计入", between=(0.0, 100.0), optional=True),
        Parameter("classes", [], "name", "roads that say they are main", "Classes of roads that are main", "视为主要道路的道路等级"),
    ),
    sources=("Chengdu 2021 3(1)1", "Zhongshan 2(2)1"),
    compute=_compute,
)  # fmt: skip
