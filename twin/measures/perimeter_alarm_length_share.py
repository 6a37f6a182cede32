"""perimeter_alarm_length_share: the share of the perimeter's length that intrusion detectors protect.

Detectors guard along lines (fences, buried cables, beams as drawn), along beams from their place, azimuth and range or to the receiver
they name, or round points. What they are must fit what the boundary is (`FITS`). `range_m` is taken to be what they protect; active
infrared must keep `ir_margin` of its rated range in reserve, which counts at once where `rated_range_m` is stated (or `range_is` says
that ranges are rated), and opens the lower bound where nobody says.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.ops import substring

from twin.coverage.camera import Criteria
from twin.coverage.perimeter import FENCE_ZONE_M, ZONE_M, Beam, Reach, Span, missing, outside, spans, total, united
from twin.coverage.share import seen
from twin.coverage.surface import LinePiece, Lines
from twin.measures.camera import gather_cameras
from twin.measures.emitters import STATUSES, scenes
from twin.measures.evidence import COVERED, OPEN, UNDECIDED, Amounts, Inputs, digest, share_result
from twin.measures.guards import FITS, Guard, gather_guards
from twin.measures.lines import gather_lines
from twin.result import NOT_NEGATIVE, SHARE, Gap, Measure, Parameter, Request, Result, Samples
from twin.scene.ground import ground_of
from twin.scene.state import CLOSED, OPAQUE
from twin.store import Store

FloatArray = NDArray[np.float64]

SAMPLE_M, LOOK_M = 5.0, 1.0  # camera views of zones are asked for at this spacing, this far above the ground
SEEN_SHARE = 0.9  # of a zone's samples


@dataclass(frozen=True)
class Guarded:
    """What guards protect of one piece: by guard, and all together in the three cases."""

    by_guard: Mapping[str, Sequence[Span]]
    least: Sequence[Span]
    likely: Sequence[Span]
    most: Sequence[Span]


def _compute(store: Store, request: Request) -> Result:
    started = time.perf_counter()
    asked = request.parameters
    line = gather_lines(store, "perimeter_line")
    pieces = list(line.pieces)
    guards, nowhere = gather_guards(store, asked)
    found = [_guarded(piece, guards, match_type=asked["match_type"]) for piece in pieces]
    gates = 0.0 if asked["exclude_gates"] else sum(float(each["amount"]) for each in line.exclusions if each["reason"] == "gate")
    length = line.length + gates
    least, likely, most = (sum(total(getattr(each, name)) for each in found) for name in ("least", "likely", "most"))
    resting = {guard.device.id for guard in guards if guard.unsaid}
    inputs = Inputs(
        digest([*(guard.device for guard in guards), *([shapely.to_wkb(each.line).hex(), each.attributes.get("type")] for each in pieces)]),
        len(guards), len(resting) / len(guards) if guards else None,
    )  # fmt: skip
    zones = _zones(store, pieces, guards, found)
    return share_result(
        MEASURE,
        request,
        Amounts(likely, least, most + gates, length, "m"),
        inputs=inputs,
        started=started,
        resting_share=_resting_share(guards, found, likely),
        surface={"id": line.id, "samples": len(pieces), "method": "exact: straight pieces clipped by lines and circles"},
        exclusions=list(line.exclusions) if asked["exclude_gates"] else [],
        zones=_by_piece(pieces, found),
        gaps=_gaps(store, pieces, guards, found, gates),
        warnings=[*line.warnings, *nowhere, *_warnings(guards, zones)],
        samples=_samples(store, pieces, found) if request.want_samples else None,
        devices=_marginal(guards, found),
        sensitivity=_sensitivity(pieces, guards, found, length, match_type=asked["match_type"]),
        extra={"defence_zones": zones, "longest_gap_m": round(_longest_gap(line, found), 2)},
    )


def _guarded(piece: LinePiece, guards: Sequence[Guard], *, match_type: bool, case: Mapping[str, str] | None = None) -> Guarded:
    """What guards protect of a piece; `case` overrides for some guards which of their cases is the likely one."""
    kind = str(piece.attributes.get("type") or "unknown")
    near = _near(piece, guards)
    by_guard: dict[str, Sequence[Span]] = {}
    cases: dict[str, list[Span]] = {"least": [], "likely": [], "most": []}
    for guard in near:
        fits = FITS.get(guard.sort or "", frozenset({kind})) if match_type else frozenset({kind})
        sure, perhaps = kind in fits, kind in fits or kind == "unknown"
        shapes = {name: getattr(guard, name) for name in cases}
        own = {name: spans(piece.line, shape) if shape is not None else [] for name, shape in shapes.items()}
        cases["least"] += own["least"] if sure else []
        cases["likely"] += own[(case or {}).get(guard.device.id, "likely")] if perhaps else []
        cases["most"] += own["most"] if perhaps else []
        if perhaps and own["likely"]:
            by_guard[guard.device.id] = own["likely"]
    return Guarded(by_guard, *(united(cases[name]) for name in ("least", "likely", "most")))


def _near(piece: LinePiece, guards: Sequence[Guard]) -> list[Guard]:
    """The guards that may reach a piece."""
    x0, y0, x1, y1 = piece.line.bounds
    found: list[Guard] = []
    for guard in guards:
        shape = guard.most
        if isinstance(shape, Beam):
            low, high, far = shape.path.min(axis=0), shape.path.max(axis=0), shape.match_m
        elif isinstance(shape, Reach):
            low, high, far = shape.place, shape.place, shape.range_m
        else:
            continue
        if low[0] - far <= x1 and high[0] + far >= x0 and low[1] - far <= y1 and high[1] + far >= y0:
            found.append(guard)
    return found


def _zones(store: Store, pieces: Sequence[LinePiece], guards: Sequence[Guard], found: Sequence[Guarded]) -> list[dict[str, Any]]:
    """Each defence zone: its length along the perimeter, the longest that it may have, and the cameras that see it."""
    names = list(dict.fromkeys(guard.zone for guard in guards))
    watch = _watch(store)
    rows: list[dict[str, Any]] = []
    for name in names:
        mine = [guard for guard in guards if guard.zone == name]
        most = FENCE_ZONE_M if any(guard.sort == "electronic_fence" for guard in mine) else ZONE_M
        parts = [
            (piece, united([span for guard in mine for span in each.by_guard.get(guard.device.id, ())]))
            for piece, each in zip(pieces, found, strict=True)
        ]
        length = sum(total(own) for _, own in parts)
        points = [p for piece, own in parts for p in _along(piece, own)]
        share, cameras = watch(points)
        rows.append({
            "id": name, "detectors": [guard.device.id for guard in mine], "sort": mine[0].sort, "length_m": round(length, 2),
            "longest_m": most,
            "too_long": length > most + 1e-6, "seen_share": share, "seen": share is not None and share >= SEEN_SHARE, "cameras": cameras,
        })  # fmt: skip
    return rows


def _watch(store: Store) -> Any:
    """What says of points (x, y) which share of them a camera sees, and which cameras do."""
    cameras = gather_cameras(store, ["in_service"])
    sight = scenes(store, CLOSED, OPAQUE).worst if cameras.views else None
    ground = ground_of(store)

    def watch(points: Sequence[tuple[float, float]]) -> tuple[float | None, list[str]]:
        if not points:
            return None, []
        if sight is None:
            return 0.0, []
        flat = np.array(points, float)
        stands = np.column_stack([flat, ground(flat) + LOOK_M])[:, None, None]
        got = seen(stands, 1, cameras.views, Criteria(density_px_per_m=0.0), sight)
        return float((got.count > 0).mean()), sorted({name for names in got.cameras for name in names})[:10]

    return watch


def _along(piece: LinePiece, own: Sequence[Span]) -> list[tuple[float, float]]:
    """Points every SAMPLE_M of spans of a piece."""
    at = [low + (k + 0.5) * (high - low) / n for low, high in own for n in [max(1, round((high - low) / SAMPLE_M))] for k in range(n)]
    return [(float(x), float(y)) for x, y in shapely.get_coordinates(shapely.line_interpolate_point(piece.line, at))] if at else []


def _by_piece(pieces: Sequence[LinePiece], found: Sequence[Guarded]) -> list[dict[str, Any]]:
    """One row a piece of the perimeter, the least protected first."""
    rows: list[dict[str, Any]] = []
    for piece, each in zip(pieces, found, strict=True):
        length, least, likely, most = float(piece.line.length), total(each.least), total(each.likely), total(each.most)
        if length > 0:
            rows.append({
                "id": piece.id, "name": piece.name, "type": piece.attributes.get("type"), "value": likely / length,
                "lower": min(least, likely) / length,
                "upper": max(most, likely) / length, "amount": length, "covered": likely,
            })  # fmt: skip
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def _gaps(store: Store, pieces: Sequence[LinePiece], guards: Sequence[Guard], found: Sequence[Guarded], gates: float) -> list[Gap]:
    """The stretches that nothing protects, longest first."""
    frame, ground = store.park().frame, ground_of(store)
    rows: list[tuple[float, LinePiece, Span]] = []
    for piece, each in zip(pieces, found, strict=True):
        rows += [(high - low, piece, (low, high)) for low, high in missing(each.likely, float(piece.line.length))]
    shapes = {guard.device.id: shape for guard in guards for shape in [guard.most] if shape is not None}
    out: list[Gap] = []
    for number, (amount_m, piece, (low, high)) in enumerate(sorted(rows, key=lambda row: (-row[0], row[1].id, row[2])), 1):
        part = substring(piece.line, low, high)
        xy = shapely.get_coordinates(part)
        drawn = frame.unproject(shapely.LineString(np.column_stack([xy, ground(xy)])) if len(xy) > 1 else shapely.Point(*xy[0]))
        reason, short = _why(part, shapes)
        out.append(Gap(f"gap/{number}", amount_m, reason, (), drawn, piece.id, short, "m" if short is not None else ""))
    if gates > 0:
        out.append(Gap(f"gap/{len(out) + 1}", gates, "not_installed", (), None, None))
    return out


def _why(part: Any, shapes: Mapping[str, Beam | Reach]) -> tuple[str, float | None]:
    """Why a stretch is open: no detector at all, one that reaches it but does not fit, or how far the nearest is from its middle."""
    if not shapes:
        return "no_device", None
    if any(outside([(0.0, float(part.length))], spans(part, shape)) < 0.5 * part.length for shape in shapes.values()):
        return "below_threshold", None
    middle = part.interpolate(0.5, normalized=True)
    away = [
        float(shapely.LineString(shape.path).distance(middle)) - shape.match_m
        if isinstance(shape, Beam)
        else float(shapely.Point(shape.place).distance(middle)) - shape.range_m
        for shape in shapes.values()
    ]
    return "out_of_range", round(max(min(away), 0.0), 2)


def _marginal(guards: Sequence[Guard], found: Sequence[Guarded]) -> list[dict[str, Any]]:
    """What each detector protects, and what would be lost without it. [m]"""
    rows: list[dict[str, Any]] = []
    for guard in guards:
        own = lost = 0.0
        for each in found:
            mine = each.by_guard.get(guard.device.id, ())
            if mine:
                others = united([span for name, theirs in each.by_guard.items() if name != guard.device.id for span in theirs])
                own, lost = own + total(mine), lost + outside(mine, others)
        rows.append({"id": guard.device.id, "covered": round(own, 3), "lost": round(lost, 3)})
    return rows


def _resting_share(guards: Sequence[Guard], found: Sequence[Guarded], likely: float) -> float | None:
    sure = {guard.device.id for guard in guards if not guard.unsaid}
    kept = sum(total(united([span for name, own in each.by_guard.items() if name in sure for span in own])) for each in found)
    return max(likely - kept, 0.0) / likely if likely > 0 else None


def _sensitivity(
    pieces: Sequence[LinePiece], guards: Sequence[Guard], found: Sequence[Guarded], length: float, *, match_type: bool
) -> list[dict[str, Any]]:
    """What opens the bounds: each attribute nobody gives, and what the boundary is."""
    if length <= 0:
        return []
    rows: list[dict[str, Any]] = []
    value = sum(total(each.likely) for each in found) / length
    named = [(name, [guard.device.id for guard in guards if name in guard.unsaid]) for name in _unsaid(guards)]
    for name, those in [*named, ("rated_range_m", [guard.device.id for guard in guards if guard.opens_margin])]:
        low, high = (
            sum(total(_guarded(piece, guards, match_type=match_type, case=dict.fromkeys(those, case)).likely) for piece in pieces) / length
            for case in ("least", "most")
        )
        rows.append({"what": name, "devices": len(those), "lower": min(low, value), "upper": max(high, value), "width": high - low})
    unknown = [each for piece, each in zip(pieces, found, strict=True) if piece.attributes.get("type") in {None, "unknown"}]
    if unknown and match_type:
        low = value - sum(total(each.likely) - total(each.least) for each in unknown) / length
        rows.append({"what": "boundary_type", "devices": 0, "lower": low, "upper": value, "width": value - low})
    return sorted((row for row in rows if row["width"] > 1e-12), key=lambda row: (-row["width"], row["what"]))


def _longest_gap(line: Lines, found: Sequence[Guarded]) -> float:
    return max(
        (
            high - low
            for piece, each in zip(line.pieces, found, strict=True)
            for low, high in missing(each.likely, float(piece.line.length))
        ),
        default=0.0,
    )


def _unsaid(guards: Sequence[Guard]) -> list[str]:
    return list(dict.fromkeys(word for guard in guards for word in guard.unsaid))


def _warnings(guards: Sequence[Guard], zones: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [] if guards else [{"code": "no_devices", "subject": "detector"}]
    for name in _unsaid(guards):
        ids = [guard.device.id for guard in guards if name in guard.unsaid]
        told.append({"code": "attribute_assumed", "subject": "detector", "attribute": name, "count": len(ids), "ids": ids})
    for code, ids in (
        ("infrared_margin_unknown", [guard.device.id for guard in guards if guard.opens_margin]),
        ("defence_zone_too_long", [row["id"] for row in zones if row["too_long"]]),
        ("defence_zone_unseen", [row["id"] for row in zones if row["length_m"] > 0 and not row["seen"]]),
    ):
        if ids:
            told.append({"code": code, "subject": ", ".join(ids[:5]), "count": len(ids), "ids": ids})
    return told


def _samples(store: Store, pieces: Sequence[LinePiece], found: Sequence[Guarded]) -> Samples:
    """Points every SAMPLE_M of the perimeter: whether they are protected."""
    frame, ground = store.park().frame, ground_of(store)
    xy: list[tuple[float, float]] = []
    state: list[int] = []
    for piece, each in zip(pieces, found, strict=True):
        for name, own in (
            (COVERED, each.least), (OPEN, missing(each.most, float(piece.line.length))),
            (UNDECIDED, missing(united([*each.least, *missing(each.most, float(piece.line.length))]), float(piece.line.length))),
        ):  # fmt: skip
            points = _along(piece, own)
            xy += points
            state += [name] * len(points)
    flat = np.array(xy, float).reshape(-1, 2)
    place = frame.to_lonlat(np.column_stack([flat, ground(flat)])) if len(flat) else np.empty((0, 3))
    return Samples(place, np.array([float(each == COVERED) for each in state]), np.array(state, np.int8), np.zeros(len(flat)), "1")


MEASURE = Measure(
    id="perimeter_alarm_length_share",
    title_en="Perimeter length protected by intrusion alarm",
    title_zh="周界报警覆盖率",
    unit="1",
    quantity="m",
    parameters=(
        Parameter("exclude_gates", True, "", "indicators.yaml perimeter_alarm_length_share: assumption", "Leave gates out of the perimeter",
                  "周界长度不含大门"),
        Parameter("match_distance_m", 5.0, "m", "indicators.yaml perimeter_alarm_length_share: assumption",
                  "A detector's line protects the perimeter this far beside it", "探测线与周界的最大间距", between=NOT_NEGATIVE),
        Parameter("facing_deg", 45.0, "deg", "assumption", "Greatest angle between a detector's line and the perimeter",
                  "探测线与周界的最大夹角", between=(0.0, 90.0)),
        Parameter("match_type", True, "", "Hubei 6.3.4: buried sensing where open, electronic fence where fenced",
                  "Detectors must fit what the boundary is", "探测器类型须与周界类型相符"),
        Parameter("ir_margin", 0.3, "1", "GB 51348-2019 14.2: 30 % of the range in reserve", "Reserve of active infrared",
                  "主动红外的距离余量", between=SHARE),
        Parameter("range_is", "protected", "", "interfaces: range_m", "What range_m of beams is", "对射的 range_m 含义",
                  ("protected", "rated")),
        STATUSES,
    ),
    sources=("GB 51348-2019 14.2", "Chengdu 2021", "Zhongshan", "Hubei"),
    compute=_compute,
)  # fmt: skip
