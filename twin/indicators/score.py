"""A pack and a park's results become a scorecard: pass, partial, fail, undecided, not applicable, not measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from twin.errors import MeasureError
from twin.indicators import Band, Pack, Row
from twin.measures import compute
from twin.measures.report import keep, sentence
from twin.registry import load
from twin.result import Measure, Result
from twin.store import Store

VERDICTS = ("pass", "partial", "fail", "undecided", "not_applicable", "not_measured")


def score(
    store: Store, pack: Pack, *, done: Callable[[], None] = lambda: None, hear: Callable[[Result], None] | None = None
) -> dict[str, Any]:
    """The scorecard of `pack`: every row measured afresh, each with its run kept as evidence.

    Parameters
    ----------
    store
        The park.
    pack
        What it is judged by.
    done
        Called after each row.
    hear
        Given each result.
    """
    rows: list[dict[str, Any]] = []
    for row in pack.rows:
        rows.append(_score_row(store, row, hear))
        done()
    points = [sum(row["points"][k] for row in rows) for k in (0, 1)]
    counts = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in VERDICTS}
    card = {
        "pack": pack.id,
        "edition": pack.edition,
        "title_en": pack.title_en,
        "title_zh": pack.title_zh,
        "park": store.park().name,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "revision": store.revision(),
        "indicators": rows,
        "totals": {"points": points, "max_points": sum(row.max_points for row in pack.rows), "verdicts": counts},
    }
    with store.transaction() as writer:
        writer.put_scorecard(card)
    return card


def kept_scorecard(store: Store, pack: Pack) -> dict[str, Any] | None:
    """The scorecard made last of the park as it is; None where it was not scored since it changed."""
    kept = store.scorecard(pack.id)
    return None if kept is None else dict(kept)


def judge(row: Row, result: Result) -> tuple[str, tuple[float, float]]:
    """The verdict on one result and the range of points it leaves open.

    A limit inside the bounds makes it undecided; the points then reach from the lower bound's band to the upper bound's.
    """
    if result.value is None or result.lower is None or result.upper is None:
        return "not_applicable", (0.0, 0.0)
    low = _band(row, _exact(result.lower, result))
    high = _band(row, _exact(result.upper, result))
    points = (min(low.points[0], high.points[0]), max(low.points[1], high.points[1]))
    if low is not high:
        return "undecided", points
    if low is row.bands[0]:
        return "pass", points
    return ("fail" if low.points[1] == 0 else "partial"), points


def _score_row(store: Store, row: Row, hear: Callable[[Result], None] | None) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": row.id,
        "clause": row.clause,
        "title_zh": row.title_zh,
        "title_en": row.title_en,
        "measure": row.measure,
        "unit": _unit(row.measure),
        "threshold": float(row.bands[0].at_least),
        "bands": [{"at_least": float(band.at_least), "points": list(band.points)} for band in row.bands],
        "max_points": row.max_points,
        "note": row.note_en,
        "note_en": row.note_en,
        "note_zh": row.note_zh,
    }
    try:
        result = compute(store, row.measure, pack=row.parameters)
    except MeasureError as error:
        return entry | _unmeasured(row) | {"note": error.text("en"), "note_en": error.text("en"), "note_zh": error.text("zh")}
    keep(store, result)
    if hear is not None:
        hear(result)
    silent = _unknown_devices(store, result)
    if silent is not None:
        note = {f"note_{lang}": sentence(silent, lang) for lang in ("en", "zh")}
        return entry | _unmeasured(row) | note | {"note": note["note_en"], "run": result.run}
    verdict, points = judge(row, result)
    return entry | {
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "points": list(points),
        "verdict": verdict,
        "run": result.run,
    }


def _unit(measure_id: str) -> str:
    """What the values of a measure are counted in; 1 is a share."""
    measure: Measure = load("twin.measures", measure_id)
    return measure.unit


def _unmeasured(row: Row) -> dict[str, Any]:
    return {"value": None, "lower": None, "upper": None, "points": [0.0, row.max_points], "verdict": "not_measured", "run": None}


def _unknown_devices(store: Store, result: Result) -> Mapping[str, Any] | None:
    """The warning that the park knows no device of a kind at all: nobody has measured that as zero."""
    told = (warning for warning in result.warnings if warning["code"] == "no_devices")
    return next((warning for warning in told if not store.devices(str(warning["subject"]))), None)


def _exact(share: float, result: Result) -> Fraction:
    """A share of counted things as the exact fraction it stands for; of an area, as it is."""
    if result.quantity == "count" and result.denominator:
        return Fraction(round(share * result.denominator), round(result.denominator))
    return Fraction(share)


def _band(row: Row, value: Fraction) -> Band:
    return next(band for band in row.bands if value >= band.at_least)
