"""The parts of a result that every measure states in the same way, so that a number can be checked and computed again.

- `described`: each parameter with its value, where it came from and its source;
- `digest` and `run_id`: what went in, as a hash; the same input and parameters give the same run anywhere, at any time;
- `area_result`: the result of a measure of area: zones, gaps, samples and totals from judged cells;
- `ENGINE`: what computed it.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twin.coverage.cells import Cells
from twin.coverage.gaps import Region, gaps
from twin.coverage.surface import Surface
from twin.crs import Frame
from twin.measures.report import plain
from twin.model import Device
from twin.result import Gap, Measure, Request, Result, Samples
from twin.scene import Obstacles

FloatArray = NDArray[np.float64]

ENGINE = f"parktwin {version('parktwin')}"
SMALLEST_GAP_M2 = 1.0  # smaller gaps are pooled
COVERED, OPEN, UNDECIDED = 1, 0, -1


@dataclass(frozen=True)
class Inputs:
    """What a measure took in: its hash, how many devices, the share of them that rest on defaults."""

    sha256: str
    devices: int
    defaulted_share: float | None


@dataclass(frozen=True)
class Amounts:
    """How much of a total is covered: by best knowledge, at least and at most."""

    likely: float
    least: float
    most: float
    total: float
    quantity: str  # m2, m or count


@dataclass(frozen=True)
class JudgedCells:
    """What a measure of area found: n cells, how much of each is covered, and why the rest is not.

    `shortfall` holds by how much the nearest device misses what is asked, in the unit that `shortfall_units` names for the cell's
    reason: `{"density": "px/m", "out_of_range": "m"}`, `{"below_threshold": "dB"}`. NaN where a cell's reason is no number. A gap takes
    the median, by missing area, of its cells that have its reason.
    """

    surface: Surface
    cells: Cells
    covered: FloatArray  # (n,) area [m2]
    sure: FloatArray  # (n,) area [m2]
    possible: FloatArray  # (n,) area [m2]
    value: FloatArray  # (n,) at each cell's point
    unit: str
    reasons: Sequence[str]  # (n,) why the missing part of each is not covered
    blockers: Sequence[str | None]  # (n,)
    target_height_m: float
    method: str  # how the bounds were found
    convergence: float  # how far the share moved when cells were cut [1]
    zone_columns: Mapping[str, Sequence[Any]] = field(default_factory=dict[str, Sequence[Any]])  # name -> one value a piece
    shortfall: FloatArray | None = None  # (n,) in the unit of each cell's reason; None: the measure states none
    shortfall_units: Mapping[str, str] = field(default_factory=dict[str, str])  # reason -> unit


def described(measure: Measure, request: Request) -> dict[str, dict[str, Any]]:
    """Each parameter of a measure as it was used: value, provenance and the source of its default."""
    return {
        parameter.name: {
            "value": plain(request.parameters[parameter.name]),
            "unit": parameter.unit,
            "provenance": request.provenance.get(parameter.name, "default"),
            "source": parameter.source,
        }
        for parameter in measure.parameters
    }


def digest(parts: Iterable[Any]) -> str:
    """One hash of devices, surfaces, obstacles, arrays and plain values, in the order given."""
    total = hashlib.sha256()
    for part in parts:
        for piece in _bytes(part):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()


def run_id(measure: Measure, request: Request, sha256: str) -> str:
    """The name of a run: the same for the same measure, parameters and input."""
    said = {name: plain(value) for name, value in sorted(request.parameters.items())}
    text = json.dumps([measure.id, ENGINE, said, request.scenario, request.at, sha256], sort_keys=True, ensure_ascii=False, default=str)
    return f"{measure.id}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def share_result(
    measure: Measure,
    request: Request,
    found: Amounts,
    *,
    inputs: Inputs,
    started: float,
    resting_share: float | None = None,
    **more: Any,
) -> Result:
    """The result of a measure whose value is a share; none of it where there is nothing to cover.

    Parameters
    ----------
    measure, request
        What was asked.
    found
        What was found; the bounds hold the value whatever they are.
    inputs
        What went in.
    started
        `time.perf_counter()` at the start. [s]
    resting_share
        The share of what is covered that is covered only thanks to devices resting on assumed attributes.
    more
        Other fields of the result.
    """
    total, likely = found.total, min(found.likely, found.total)  # sums of many areas round
    return Result(
        measure=measure.id,
        value=likely / total if total > 0 else None,
        lower=min(found.least, likely) / total if total > 0 else None,
        upper=min(max(found.most, likely) / total, 1.0) if total > 0 else None,
        numerator=likely,
        denominator=total,
        quantity=found.quantity,
        parameters=described(measure, request),
        inputs={**asdict(inputs), "resting_share": resting_share},
        engine=ENGINE,
        run=run_id(measure, request, inputs.sha256),
        seconds=round(time.perf_counter() - started, 3),
        scenario=request.scenario,
        **more,
    )


def area_result(
    measure: Measure, request: Request, found: JudgedCells, frame: Frame, *, inputs: Inputs, started: float, **more: Any
) -> Result:
    """The result of a measure of area.

    Parameters
    ----------
    measure, request
        What was asked.
    found
        What was found.
    frame
        The park's frame.
    inputs
        What went in.
    started
        `time.perf_counter()` at the start. [s]
    more
        Other fields of the result: `warnings`, `extra`, `resting_share`.
    """
    total, covered, sure, possible = (float(part.sum()) for part in (found.cells.area, found.covered, found.sure, found.possible))
    return share_result(
        measure,
        request,
        Amounts(covered, sure, possible, total, "m2"),
        inputs=inputs,
        started=started,
        surface=_surface(found),
        exclusions=list(found.surface.exclusions),
        zones=zones(found),
        gaps=area_gaps(found, frame),
        warnings=[*found.surface.warnings, *more.pop("warnings", [])],
        samples=samples(found, frame) if request.want_samples else None,
        **more,
    )


def zones(found: JudgedCells) -> list[dict[str, Any]]:
    """One row a piece of the surface, the least covered first: share, bounds, area, and what else the measure says of pieces."""
    piece, n = found.cells.piece, len(found.surface.pieces)
    area, covered, sure, possible = (
        np.bincount(piece, part, minlength=n) for part in (found.cells.area, found.covered, found.sure, found.possible)
    )
    rows = [
        {
            "id": part.id,
            "name": part.name,
            "usage": part.usage,
            "building_id": part.building_id,
            "storey_id": part.storey_id,
            "value": float(covered[k] / area[k]),
            "lower": float(min(sure[k], covered[k]) / area[k]),
            "upper": float(max(possible[k], covered[k]) / area[k]),
            "amount": float(area[k]),
            "covered": float(covered[k]),
        }
        | {name: values[k] for name, values in found.zone_columns.items()}
        for k, part in enumerate(found.surface.pieces)
        if area[k] > 0
    ]
    return sorted(rows, key=lambda row: (row["value"], row["id"]))


def area_gaps(found: JudgedCells, frame: Frame) -> list[Gap]:
    """What is not covered, in pieces of one reason, largest first and what is too small to be shown last, with the zone each lies in."""
    missing = np.maximum(found.cells.area - found.covered, 0.0)
    missing[missing < 1e-9] = 0.0
    reasons = np.array(found.reasons, object)
    regions: list[Region] = []
    for reason in dict.fromkeys(reasons[missing > 0].tolist()):
        regions += gaps(found.cells, np.where(reasons == reason, missing, 0.0), found.reasons, found.blockers, smallest=SMALLEST_GAP_M2)
    regions.sort(key=lambda region: (region.pooled, -region.amount))
    return [_gap(k, region, found, missing, frame) for k, region in enumerate(regions, 1)]


def samples(found: JudgedCells, frame: Frame) -> Samples:
    """The value at each cell's point, and whether the cell is covered, not, or undecided between the bounds."""
    state = np.where(found.covered >= found.cells.area / 2, COVERED, OPEN)
    half = found.cells.area / 2  # a border cell that is partly covered for sure is shown by its larger part
    state = np.where((found.sure < half) & (found.possible >= half) & (found.sure < found.possible), UNDECIDED, state)
    points = frame.to_lonlat(found.cells.representative) if len(found.cells) else np.empty((0, 3))
    return Samples(points, found.value, state.astype(np.int8), 2 * found.cells.half, found.unit)


def _surface(found: JudgedCells) -> dict[str, Any]:
    return {
        "id": found.surface.id,
        "height_m": found.target_height_m,
        "step_m": 2 * float(found.cells.half[0]) if len(found.cells) else None,
        "samples": len(found.cells),
        "pieces": len(found.surface.pieces),
        "convergence": found.convergence,
        "method": found.method,
    }


def _gap(number: int, region: Region, found: JudgedCells, missing: FloatArray, frame: Frame) -> Gap:
    flat = shapely.force_3d(region.polygon, z=float(region.point[2]))
    short = _shortfall(region, found, missing)
    return Gap(
        id=f"gap/{number}",
        amount=region.amount,
        reason=region.reason,
        blockers=list(region.blockers),
        geometry=frame.unproject(flat),
        zone=None if region.pooled else found.surface.pieces[region.piece].id,
        shortfall=short,
        shortfall_unit="" if short is None else found.shortfall_units[region.reason],
    )


def _shortfall(region: Region, found: JudgedCells, missing: FloatArray) -> float | None:
    """The median shortfall, by missing area, of a gap's cells that have its reason; None where that is no number."""
    if found.shortfall is None or region.reason not in found.shortfall_units:
        return None
    told = region.cells[np.isfinite(found.shortfall[region.cells])]
    own = told[[found.reasons[i] == region.reason for i in told.tolist()]] if len(told) else told
    if not len(own):
        return None
    order = own[np.argsort(found.shortfall[own])]
    heaped = np.cumsum(missing[order])
    return float(found.shortfall[order[int(np.searchsorted(heaped, heaped[-1] / 2))]])


def _bytes(part: Any) -> Iterable[bytes]:
    if isinstance(part, Device):
        return [json.dumps(plain(asdict(part)), sort_keys=True, ensure_ascii=False, default=str).encode()]
    if isinstance(part, Surface):
        return [piece_bytes for piece in part.pieces for piece_bytes in (piece.id.encode(), shapely.to_wkb(piece.polygon))]
    if isinstance(part, Obstacles):
        names = "\n".join([*part.object_ids, *part.object_kind]).encode()
        made_of = json.dumps(plain(part.object_materials), ensure_ascii=False, default=str).encode()
        return [np.ascontiguousarray(part.vertices).tobytes(), np.ascontiguousarray(part.faces).tobytes(), names, made_of]
    if isinstance(part, np.ndarray):
        return [np.ascontiguousarray(part).tobytes()]
    return [json.dumps(plain(part), sort_keys=True, ensure_ascii=False, default=str).encode()]
