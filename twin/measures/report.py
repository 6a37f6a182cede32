"""Results as JSON and GeoJSON: the one shape that the command line, HTTP and Python share."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import shapely

from twin.i18n import message
from twin.registry import load
from twin.result import Gap, Measure, Result
from twin.store import Store


def measure_json(measure: Measure) -> dict[str, Any]:
    """What a measure is and what it can be told."""
    names = ("name", "default", "unit", "source", "meaning_en", "meaning_zh")
    return {
        "id": measure.id,
        "title_en": measure.title_en,
        "title_zh": measure.title_zh,
        "unit": measure.unit,
        "quantity": measure.quantity,
        "sources": list(measure.sources),
        "parameters": [
            {name: plain(getattr(p, name)) for name in names} | {"choices": list(p.choices), "between": plain(p.between)}
            for p in measure.parameters
        ],
    }


def result_json(result: Result, lang: str = "en") -> dict[str, Any]:
    """A result as interfaces promise it; sentences in `lang`."""
    measure: Measure = load("twin.measures", result.measure)
    titles = {"en": measure.title_en, "zh": measure.title_zh}
    return plain({
        "measure": result.measure,
        "title": titles[lang],
        "title_en": measure.title_en,
        "title_zh": measure.title_zh,
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "unit": result.unit,
        "numerator": result.numerator,
        "denominator": result.denominator,
        "quantity": result.quantity,
        "surface": result.surface,
        "exclusions": result.exclusions,
        "parameters": result.parameters,
        "zones": result.zones,
        "gaps": [_gap_json(gap) for gap in result.gaps],
        "devices": result.devices,
        "sensitivity": result.sensitivity,
        "inputs": result.inputs,
        "warnings": [dict(warning) | {"message": sentence(warning, lang)} for warning in result.warnings],
        "seconds": result.seconds,
        "engine": result.engine,
        "run": result.run,
        "scenario": result.scenario,
        "extra": result.extra,
    })  # fmt: skip


def sentence(warning: Mapping[str, Any], lang: str) -> str:
    """The sentence of a warning in `lang`."""
    return message(str(warning["code"]), lang, **{"subject": "", **{k: v for k, v in warning.items() if k not in {"code", "message"}}})


def gaps_geojson(result: Result) -> dict[str, Any]:
    """The gaps as a GeoJSON FeatureCollection, largest first."""
    return {
        "type": "FeatureCollection",
        "measure": result.measure,
        "run": result.run,
        "features": [
            {
                "type": "Feature",
                "id": gap.id,
                "geometry": plain(shapely.geometry.mapping(gap.geometry)),
                "properties": {
                    "amount": gap.amount,
                    "reason": gap.reason,
                    "blockers": list(gap.blockers),
                    "zone": gap.zone,
                    "shortfall": gap.shortfall,
                    "shortfall_unit": gap.shortfall_unit or None,
                },
            }
            for gap in result.gaps
            if gap.geometry is not None
        ],
    }


def samples_json(result: Result) -> dict[str, Any] | None:
    """The values behind the number, by column; None where a measure has none."""
    samples = result.samples
    if samples is None:
        return None
    lon, lat, h = (np.round(column, places).tolist() for column, places in zip(samples.lonlat_h.T, (8, 8, 2), strict=True))
    return {
        "unit": samples.unit,
        "lon": lon,
        "lat": lat,
        "h": h,
        "value": [None if not np.isfinite(value) else round(float(value), 2) for value in samples.value],
        "state": samples.state.tolist(),
        "size_m": np.round(samples.size_m, 3).tolist(),
    }


def keep(store: Store, result: Result) -> None:
    """Keep a result in the park with its gaps and samples, so that its evidence can be opened later."""
    run = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "result": result_json(result),
        "gaps": gaps_geojson(result),
        "samples": samples_json(result),
    }
    with store.transaction() as writer:
        writer.put_run(run)


def plain(value: Any) -> Any:
    """`value` with numpy scalars, tuples and mappings turned into what JSON holds; what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _gap_json(gap: Gap) -> dict[str, Any]:
    point = None
    if gap.geometry is not None and not gap.geometry.is_empty:
        inside = gap.geometry.representative_point()
        heights = shapely.get_coordinates(gap.geometry, include_z=True)[:, 2]
        point = [round(inside.x, 8), round(inside.y, 8), round(float(np.nanmean(heights)), 2) if np.isfinite(heights).any() else None]
    return {
        "id": gap.id,
        "amount": gap.amount,
        "reason": gap.reason,
        "blockers": list(gap.blockers),
        "zone": gap.zone,
        "shortfall": gap.shortfall,
        "shortfall_unit": gap.shortfall_unit or None,
        "lonlat_h": point,
    }
