"""What can be measured, and what was: results with their sentences in the language asked for, their gaps and samples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from twin.i18n import hint, message
from twin.measures import measures
from twin.measures.report import measure_json, sentence
from twin.measures.surfaces import KNOWN
from twin.store import Store

_LIMITS = ("density_px_per_m", "rssi_dbm", "rsrp_dbm")  # the parameters a sample's value is held against


class ParameterAnswer(BaseModel):
    """One thing a measure can be told."""

    name: str
    default: Any
    unit: str
    source: str
    meaning_en: str
    meaning_zh: str
    choices: Sequence[Any]


class MeasureAnswer(BaseModel):
    """A measure: what it is called, its unit, what it counts, its sources and parameters."""

    id: str
    title_en: str
    title_zh: str
    unit: str
    quantity: str
    sources: Sequence[str]
    parameters: Sequence[ParameterAnswer]


class GapAnswer(BaseModel):
    """A connected piece of what is not covered, with a point in it. [deg, deg, m]"""

    id: str
    amount: float
    reason: str
    blockers: Sequence[str]
    zone: str | None = None
    lonlat_h: tuple[float, float, float | None] | None = None
    shortfall: float | None = None
    shortfall_unit: str | None = None


class SurfaceAnswer(BaseModel):
    """A surface of areas that measures can be told by name; layers, storeys and rooms of the park are further ones."""

    id: str
    title_en: str
    title_zh: str


class ResultAnswer(BaseModel):
    """A measure's answer; `value` is null where nothing is to be covered."""

    model_config = ConfigDict(extra="allow")

    measure: str
    title_en: str
    title_zh: str
    value: float | None
    lower: float | None
    upper: float | None
    unit: str
    numerator: float
    denominator: float
    quantity: str
    surface: Mapping[str, Any]
    exclusions: Sequence[Mapping[str, Any]]
    parameters: Mapping[str, Mapping[str, Any]]
    zones: Sequence[Mapping[str, Any]]
    gaps: Sequence[GapAnswer]
    devices: Sequence[Mapping[str, Any]] = ()
    sensitivity: Sequence[Mapping[str, Any]] = ()
    inputs: Mapping[str, Any]
    warnings: Sequence[Mapping[str, Any]]
    seconds: float
    engine: str
    run: str


class SamplesAnswer(BaseModel):
    """The values behind a number, by column; `size_m` is the edge of the cell each stands for, 0 for a point."""

    unit: str
    threshold: float | None = None
    lon: Sequence[float]
    lat: Sequence[float]
    h: Sequence[float]
    value: Sequence[float | None]
    state: Sequence[int]
    size_m: Sequence[float]


def measures_answer() -> Sequence[MeasureAnswer]:
    """All measures there are."""
    return [MeasureAnswer.model_validate(measure_json(measure)) for measure in measures().values()]


def surfaces_answer() -> Sequence[SurfaceAnswer]:
    """The surfaces of areas that have a name of their own, in the order of the catalogue."""
    names = [name for name in KNOWN if ":" not in name]
    return [SurfaceAnswer(id=name, title_en=message(f"surface_{name}", "en"), title_zh=message(f"surface_{name}", "zh")) for name in names]


def result_answer(store: Store, run: str, lang: str) -> ResultAnswer:
    """A kept result; raises NotFound."""
    result = dict(store.run(run)["result"])
    result["title"] = result.get(f"title_{lang}", result["measure"])
    result["warnings"] = [_warning(warning, lang) for warning in result["warnings"]]
    return ResultAnswer.model_validate(result)


def gaps_answer(store: Store, run: str) -> dict[str, Any]:
    """The gaps of a kept result as GeoJSON, heights in the third coordinate; raises NotFound."""
    gaps = dict(store.run(run)["gaps"])
    gaps["features"] = [entry | {"properties": {"id": entry.get("id"), **entry["properties"]}} for entry in gaps["features"]]
    return gaps


def samples_answer(store: Store, run: str) -> SamplesAnswer:
    """The samples of a kept result, none where the measure has none; raises NotFound."""
    kept = store.run(run)
    document: dict[str, Any] = {"unit": "1", **{name: [] for name in ("lon", "lat", "h", "value", "state", "size_m")}}
    asked = kept["result"].get("parameters", {})
    limits = (asked[name]["value"] for name in _LIMITS if name in asked)
    document |= {"threshold": next((limit for limit in limits if isinstance(limit, int | float)), None)} | (kept["samples"] or {})
    return SamplesAnswer.model_validate(document)


def _warning(warning: Mapping[str, Any], lang: str) -> dict[str, Any]:
    details = {"subject": "", **{name: value for name, value in warning.items() if name not in {"code", "message", "lang"}}}
    return dict(warning) | {"message": sentence(warning, lang), "hint": hint(str(warning["code"]), lang, **details)}
