"""The commands that need the park alone: make one, look into it, measure, score, ask who sees a point."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from twin.console import (
    JsonOption,
    LangOption,
    ParkArgument,
    figure,
    interval,
    language,
    print_json,
    print_table,
    progress,
    say,
    worded,
)
from twin.coverage.levels import LADDERS
from twin.crs import Frame, known_crs
from twin.errors import UsageError
from twin.evidence.bundle import bundle
from twin.files import write_atomically
from twin.i18n import message
from twin.indicators import pack
from twin.indicators import packs as all_packs
from twin.indicators.report import scorecard_html
from twin.indicators.score import score as score_pack
from twin.live.simulate import run as run_simulation
from twin.measures import compute
from twin.measures import measures as all_measures
from twin.measures.cluster import connected
from twin.measures.report import gaps_geojson, keep, measure_json, result_json, samples_json
from twin.measures.sees import EDITION, Asked
from twin.measures.sees import sees as sees_point
from twin.measures.views import MODES
from twin.model import Park, Terrain
from twin.result import Result
from twin.store import Store, create_store, is_database, name_of, open_store

EvidenceOption = Annotated[Path | None, typer.Option("--evidence", metavar="DIR", help="option_evidence", show_default=False)]
ClusterOption = Annotated[str | None, typer.Option("--cluster", metavar="tcp://HOST:PORT", help="option_cluster", show_default=False)]
HashesOption = Annotated[bool, typer.Option("--hashes-only", help="option_evidence_hashes")]


def init(
    park: ParkArgument,
    origin: Annotated[str, typer.Option("--origin", metavar="LON,LAT[,H]", help="option_origin")],
    name: Annotated[str | None, typer.Option("--name", help="option_name", show_default=False)] = None,
    crs: Annotated[str, typer.Option("--crs", help="option_park_crs")] = "EPSG:4490",
    height_datum: Annotated[str, typer.Option("--height-datum", help="option_height_datum")] = "ellipsoidal",
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """A new, empty park."""
    frame = _origin(origin)
    store = create_store(park, Park(name or name_of(park), frame, known_crs(crs), height_datum))
    if as_json:
        print_json(describe(store, language(lang)))
    else:
        say(message("park_made", language(lang), subject=store.address, lon=frame.lon_deg, lat=frame.lat_deg))


def info(park: ParkArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """What is in the park."""
    spoken = language(lang)
    described = describe(open_store(park), spoken)
    if as_json:
        print_json(described)
        return
    say(f"{described['name']}  {described['origin'][0]:.6f}, {described['origin'][1]:.6f}")
    print_table(
        [message(f"column_{c}", spoken) for c in ("layer", "kind", "features")],
        [[x["id"], x["kind"], x["features"]] for x in described["layers"]],
    )
    _print_models(described["models"], spoken)
    if described["terrains"]:
        print_table(
            [message(f"column_{c}", spoken) for c in ("terrain", "step", "lowest", "highest")],
            [[message(f"terrain_{x['role']}", spoken), x["step_m"], x["lowest_m"], x["highest_m"]] for x in described["terrains"]],
        )
    if described["devices"]:
        print_table([message(f"column_{c}", spoken) for c in ("devices", "count")], described["devices"].items())


def layers(park: ParkArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """The layers of the park."""
    listed = describe(open_store(park))["layers"]
    if as_json:
        print_json(listed)
        return
    columns = [message(f"column_{c}", language(lang)) for c in ("layer", "kind", "features")]
    print_table(columns, [[x["id"], x["kind"], x["features"]] for x in listed])


def models(park: ParkArgument, as_json: JsonOption = False, lang: LangOption = None) -> None:
    """The building models of the park."""
    listed = describe(open_store(park), language(lang))["models"]
    if as_json:
        print_json(listed)
    else:
        _print_models(listed, language(lang))


def measures(as_json: JsonOption = False, lang: LangOption = None) -> None:
    """What can be measured, and what each measure can be told."""
    listed = [measure_json(measure) for measure in all_measures().values()]
    if as_json:
        print_json(listed)
        return
    spoken = language(lang)
    for item in listed:
        say(f"{item['id']} — {item[f'title_{spoken}']}")
        rows = [[p["name"], p["default"], p["unit"], p[f"meaning_{spoken}"]] for p in item["parameters"]]
        print_table([message(f"column_{c}", spoken) for c in ("parameter", "default", "unit", "meaning")], rows)


def measure(
    park: ParkArgument,
    measure_id: Annotated[str, typer.Argument(metavar="MEASURE", help="option_measure", show_default=False)],
    surface: Annotated[str | None, typer.Option("--surface", help="option_surface", show_default=False)] = None,
    param: Annotated[list[str] | None, typer.Option("--param", metavar="K=V", help="option_param", show_default=False)] = None,
    gaps: Annotated[Path | None, typer.Option("--gaps", metavar="FILE", help="option_gaps", show_default=False)] = None,
    samples: Annotated[Path | None, typer.Option("--samples", metavar="FILE", help="option_samples", show_default=False)] = None,
    scenario: Annotated[str | None, typer.Option("--scenario", metavar="NAME", help="option_scenario", show_default=False)] = None,
    evidence: EvidenceOption = None,
    hashes: HashesOption = False,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:  # one option a promise of the interface
    """Compute one measure."""
    given = _pairs(param or []) | ({"surface": surface} if surface else {})
    store = open_store(park)
    with connected(cluster), progress() as bars:
        bars.add_task(measure_id, total=None)
        result = compute(store, measure_id, given, scenario=scenario)
    spoken = language(lang)
    document = result_json(result, spoken)
    keep(store, result)
    if gaps:
        write_atomically(gaps, json.dumps(gaps_geojson(result), ensure_ascii=False))
    if samples:
        write_atomically(samples, json.dumps(samples_json(result)))
    content = bundle(store, [result], evidence, inputs=not hashes) if evidence else None
    if as_json:
        print_json(document)
    else:
        _print_result(document, spoken)
    _say_evidence(evidence, content, spoken, as_json=as_json)


def packs(as_json: JsonOption = False, lang: LangOption = None) -> None:
    """The packs of standards that can be scored."""
    listed = [pack(name).summary() for name in all_packs()]
    if as_json:
        print_json(listed)
        return
    spoken = language(lang)
    print_table(
        [message(f"column_{c}", spoken) for c in ("pack", "title", "indicators")],
        [[x["id"], x[f"title_{spoken}"], x["indicators"]] for x in listed],
    )


def score(
    park: ParkArgument,
    pack_id: Annotated[str, typer.Argument(metavar="PACK", help="option_pack", show_default=False)],
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="option_html", show_default=False)] = None,
    evidence: EvidenceOption = None,
    hashes: HashesOption = False,
    cluster: ClusterOption = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """The scorecard of a pack."""
    spoken = language(lang)
    store = open_store(park)
    chosen = pack(pack_id)
    results: list[Result] = []
    with connected(cluster), progress() as bars:
        task = bars.add_task(pack_id, total=len(chosen.rows))
        card = score_pack(store, chosen, done=lambda: bars.advance(task), hear=results.append)
    if html:
        write_atomically(html, scorecard_html(card, spoken))
    content = bundle(store, _once(results), evidence, card=card, inputs=not hashes) if evidence else None
    _say_evidence(evidence, content, spoken, as_json=as_json)
    if as_json:
        print_json(card)
        return
    names = ("clause", "title", "value", "interval", "threshold", "points", "verdict")
    print_table([message(f"column_{c}", spoken) for c in names], [_score_row(row, spoken) for row in card["indicators"]])
    low, high = card["totals"]["points"]
    say(message("score_total", spoken, low=f"{low:g}", high=f"{high:g}", best=f"{card['totals']['max_points']:g}"))


def sees(
    park: ParkArgument,
    at: Annotated[str, typer.Option("--at", metavar="LON,LAT[,H]", help="option_at")],
    storey: Annotated[str | None, typer.Option("--storey", help="option_storey", show_default=False)] = None,
    night: Annotated[bool, typer.Option("--night", help="option_night")] = False,
    ptz: Annotated[str, typer.Option("--ptz", metavar="|".join(MODES), help="option_ptz")] = MODES[0],
    edition: Annotated[str, typer.Option("--edition", metavar="|".join(LADDERS), help="option_edition")] = EDITION,
    whole: Annotated[bool, typer.Option("--whole-body", help="option_whole_body")] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Which cameras see a point."""
    lon, lat, *height = _numbers(at, "--at", 2, 3)
    for name, value, known in (("--ptz", ptz, MODES), ("--edition", edition, tuple(LADDERS))):
        if value not in known:
            raise UsageError("parameter_value", subject=name, value=value, allowed=", ".join(known))
    how = Asked("night" if night else "day", ptz, edition, "whole" if whole else "point")
    answer = sees_point(open_store(park), lon, lat, height[0] if height else None, storey=storey, asked=how)
    if as_json:
        print_json(answer)
        return
    spoken = language(lang)
    names = ("camera", "sees", "px_per_m", "distance", "level", "blocked_by")
    seeing = sorted(answer["cameras"], key=lambda camera: (not camera["sees"], camera["distance_m"]))
    rows = [
        [c["id"], "✓" if c["sees"] else "", _round(c["px_per_m"]), _round(c["distance_m"]), c["level"], _hindrance(c, spoken)]
        for c in seeing[:30]
    ]
    print_table([message(f"column_{c}", spoken) for c in names], rows)


def _hindrance(camera: Mapping[str, Any], lang: str) -> str | None:
    """What keeps a camera from seeing a point, and what would have to be otherwise."""
    changed = ", ".join(f"{name}: {state}" for name, state in (camera["sees_if"] or {}).items())
    said = camera["blocked_by"] or (camera["reason"] and worded("reason", camera["reason"], lang))
    return f"{said} ({changed}: ✓)" if changed else said


def simulate(
    park: ParkArgument,
    rate: Annotated[float, typer.Option("--rate", help="option_rate")] = 0.5,
    count: Annotated[int | None, typer.Option("--count", min=0, help="option_count", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Made-up events for a demonstration, written into the park until stopped."""
    spoken = language(lang)
    if not as_json:
        say(message("simulating", spoken, rate=rate))
    written = run_simulation(open_store(park), rate, count)
    if as_json:
        print_json({"events": written})


def describe(store: Store, lang: str = "en") -> dict[str, Any]:
    """The report of `twin info`, as interfaces promise it; sentences in `lang`."""
    park = store.park()
    extent = store.extent()
    return {
        "name": park.name,
        "origin": [park.frame.lon_deg, park.frame.lat_deg],
        "extent": list(extent) if extent else None,
        "layers": [{"id": layer.id, "kind": layer.kind, "title": layer.title, "features": layer.features} for layer in store.layers()],
        "models": [_describe_model(store, model.id, lang) for model in store.models()],
        "terrains": [_describe_terrain(terrain) for role in ("ground", "surface") if (terrain := store.terrain(role)) is not None],
        "devices": dict(sorted(Counter(device.kind for device in store.devices()).items())),
        "events": len(store.events(limit=1_000_000)),
        "store": "postgis" if is_database(store.address) else "geopackage",
        "crs": park.crs,
        "height_datum": park.height_datum,
        "revision": store.revision(),
    }


def _describe_terrain(terrain: Terrain) -> dict[str, Any]:
    """One terrain of the park, its sources as one: what it is of, step of the finest, share of known nodes, lowest and highest ground."""
    known = terrain.heights[np.isfinite(terrain.heights)]
    rows, columns = terrain.heights.shape
    return {
        "role": terrain.role,
        "step_m": min([terrain.step_m, *(each.step_m for each in terrain.detail)]),
        "size_m": [round((columns - 1) * terrain.step_m, 1), round((rows - 1) * terrain.step_m, 1)],
        "known": round(known.size / terrain.heights.size, 4),
        "lowest_m": round(float(known.min()), 2) if known.size else None,
        "highest_m": round(float(known.max()), 2) if known.size else None,
    }


def _describe_model(store: Store, model_id: str, lang: str) -> dict[str, Any]:
    model = next(model for model in store.models() if model.id == model_id)
    elements = store.elements(model_id)
    states = Counter(element.state for element in elements)
    place = model.georeferencing
    return {
        "id": model.id,
        "name": model.name,
        "schema": model.schema,
        "storeys": len(store.storeys(model_id)),
        "spaces": len(store.spaces(model_id)),
        "doors": sum(element.ifc_class.startswith("IfcDoor") for element in elements),
        "elements": len(elements),
        "built": states["built"],
        "degraded": states["degraded"],
        "failed": states["failed"],
        "georeferencing": {
            "class": place.kind,
            "lonlat": list(place.lonlat) if place.lonlat else None,
            "height_m": place.height_m,
            "rotation_deg": place.rotation_deg,
            "crs": place.crs,
            "reason": message(place.reason_code, lang, **place.reason_details) if place.reason_code else place.reason,
        },
        "extent": list(model.outline.bounds) if model.outline is not None else None,
    }


def _print_models(listed: list[dict[str, Any]], lang: str) -> None:
    if not listed:
        return
    names = ("model", "schema", "storeys", "spaces", "elements", "built", "failed", "georeferencing")
    rows = [
        [m["name"], m["schema"], m["storeys"], m["spaces"], m["elements"], m["built"], m["failed"], m["georeferencing"]["class"]]
        for m in listed
    ]
    print_table([message(f"column_{c}", lang) for c in names], rows)


def _print_result(document: dict[str, Any], lang: str) -> None:
    value, lower, upper = (figure(document[name], document["unit"], 2) for name in ("value", "lower", "upper"))
    if document["unit"] != "1" and document["value"] is not None:
        value = f"{value} {worded('quantity', document['quantity'], lang)}".rstrip()
    say(f"{document['title']}: {value}")
    say(message("bounds_line", lang, lower=lower, upper=upper))
    if document["unit"] == "1":
        counted = worded("quantity", document["quantity"], lang)
        say(f"{document['numerator']:,.1f} / {document['denominator']:,.1f} {counted}   {document['run']}")
    else:
        say(document["run"])
    for warning in document["warnings"]:
        say(f"! {warning['message']}")
    rows = [
        [gap["id"], round(gap["amount"], 1), worded("reason", gap["reason"], lang), _shortfall(gap), ", ".join(gap["blockers"][:3])]
        for gap in document["gaps"][:10]
    ]
    if rows:
        print_table([message(f"column_{c}", lang) for c in ("gap", "amount", "reason", "shortfall", "blocked_by")], rows)


def _shortfall(gap: Mapping[str, Any]) -> str:
    """By how much the nearest device misses a gap; empty where no number says it."""
    short = gap.get("shortfall")
    return "" if short is None else f"{short:.3g} {gap['shortfall_unit']}"


def _score_row(row: dict[str, Any], lang: str) -> list[Any]:
    value, unit = row["value"], row["unit"]
    points = f"{row['points'][0]:g}–{row['points'][1]:g} / {row['max_points']:g}"
    verdict = message(f"verdict_{row['verdict']}", lang)
    asked = f"≥ {figure(row['threshold'], unit)}"
    return [row["clause"], row[f"title_{lang}"], figure(value, unit), interval(row["lower"], row["upper"], unit), asked, points, verdict]


def _once(results: list[Result]) -> list[Result]:
    """Each run once: rows of a pack may ask the same."""
    return list({result.run: result for result in results}.values())


def _say_evidence(folder: Path | None, content: str | None, lang: str, *, as_json: bool) -> None:
    if content is not None and not as_json:
        say(message("evidence_written", lang, subject=folder, content=content))


def _origin(text: str) -> Frame:
    lon, lat, *height = _numbers(text, "--origin", 2, 3)
    if abs(lat) > 90 and abs(lon) <= 90:
        raise UsageError("origin_swapped", subject=text, lon=lat, lat=lon)
    if abs(lon) > 180 or abs(lat) > 90:
        raise UsageError("origin_outside", subject=text)
    return Frame(lon, lat, height[0] if height else 0.0)


def _numbers(text: str, option: str, least: int, most: int) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError("not_numbers", subject=text, option=option) from error
    if not (least <= len(numbers) <= most and all(map(math.isfinite, numbers))):
        raise UsageError("not_numbers", subject=text, option=option)
    return numbers


def _pairs(texts: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    for name, equals, _ in pairs:
        if not equals:
            raise UsageError("not_a_pair", subject=name, option="--param")
    return {name.strip(): value.strip() for name, _, value in pairs}


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
