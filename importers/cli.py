"""`twin import`: files into a park, and what became of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress as Bars

from importers.contract import Options
from importers.pipeline import Outcome
from importers.pipeline import import_files as import_into
from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, print_table, progress, say, warn
from twin.errors import UsageError
from twin.i18n import message
from twin.store import open_store
from twin.vertical import height_title

_PLAIN = {"UTF-8", "UTF8", "ASCII", "US-ASCII"}  # encodings nobody needs to be told of
LISTED = 5  # issues of one code that are shown to a person; --json lists them all


def import_files(
    park: ParkArgument,
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="option_import_files", show_default=False)],
    kind: Annotated[str | None, typer.Option("--kind", help="option_import_kind", show_default=False)] = None,
    layer: Annotated[str | None, typer.Option("--layer", metavar="NAME", help="option_import_layer", show_default=False)] = None,
    crs: Annotated[str | None, typer.Option("--crs", metavar="EPSG:…", help="option_import_crs", show_default=False)] = None,
    datum: Annotated[str, typer.Option("--datum", metavar="wgs84|gcj02|bd09", help="option_import_datum")] = "wgs84",
    encoding: Annotated[str | None, typer.Option("--encoding", help="option_import_encoding", show_default=False)] = None,
    mapping: Annotated[list[str] | None, typer.Option("--map", metavar="NEW=OLD", help="option_import_map", show_default=False)] = None,
    place: Annotated[
        str | None, typer.Option("--place", metavar="footprint|LON,LAT,H,ROT", help="option_import_place", show_default=False)
    ] = None,
    control: Annotated[Path | None, typer.Option("--control", metavar="CSV", help="option_import_control", show_default=False)] = None,
    height_datum: Annotated[
        str | None,
        typer.Option("--height-datum", metavar="EPSG:…|ellipsoidal|local", help="option_import_height_datum", show_default=False),
    ] = None,
    height_offset: Annotated[
        float | None, typer.Option("--height-offset", metavar="METRES", help="option_import_height_offset", show_default=False)
    ] = None,
    lod: Annotated[str | None, typer.Option("--lod", metavar="LOD", help="option_import_lod", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="option_import_yes")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="option_import_dry_run")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="option_import_strict")] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:  # one option a promise of the interface
    """Load files into the park."""
    options = Options(
        kind=kind,
        layer=layer,
        crs=crs,
        datum=datum,
        encoding=encoding,
        mapping=_renamings(mapping or []),
        place=place,
        is_confirmed=yes,
        control=None if control is None else str(control),
        height_datum=height_datum,
        height_offset_m=height_offset,
        lod=lod,
    )
    spoken = language(lang)
    outcomes = _run(park, files, options, dry_run, spoken)
    document = {
        "imported": [outcome.said(spoken) for outcome in outcomes if outcome.error is None],
        "refused": [outcome.said(spoken) for outcome in outcomes if outcome.error is not None],
    }
    if as_json:
        print_json(document)
    else:
        _print(document, spoken, dry_run)
    raise typer.Exit(_status(document, strict))


def _run(park: str, files: Sequence[Path], options: Options, dry_run: bool, lang: str) -> list[Outcome]:
    store = open_store(park)
    try:
        with progress() as bars:
            return import_into(store, files, options, progress=_teller(bars, lang), dry_run=dry_run)
    finally:
        store.close()


def _teller(bars: Bars, lang: str) -> Any:
    """Shows the stage an importer is in, in words, on one bar that starts anew with each stage: how many, of how many, time left."""
    task = bars.add_task("", total=None)
    shown = ""

    def tell(stage: str, done: int, total: int) -> None:
        nonlocal shown
        if stage != shown:
            shown = stage
            bars.reset(task, description=stage_title(stage, lang), total=None)
        bars.update(task, completed=done, total=total or None)

    return tell


def stage_title(stage: str, lang: str) -> str:
    """What an importer is doing, in words; the stage's code where there are none."""
    code = f"stage_{stage}"
    said = message(code, lang)
    return stage if said == code else said


def _status(document: dict[str, Any], strict: bool) -> int:
    if document["refused"]:
        return 1
    faults = any(issue["severity"] != "info" for entry in document["imported"] for issue in entry["issues"])
    return 3 if strict and faults else 0


def _renamings(texts: Sequence[str]) -> dict[str, str]:
    """Source column -> our column, from `new=old`; several may be parted by commas."""
    pairs = [text.partition("=") for given in texts for text in given.split(",")]
    for new, equals, old in pairs:
        if not (equals and new.strip() and old.strip()):
            raise UsageError("not_a_pair", subject=new, option="--map")
    return {old.strip(): new.strip() for new, _, old in pairs}


def _print(document: dict[str, Any], lang: str, dry_run: bool) -> None:
    if document["imported"]:
        columns = ("file", "kind", "layer", "features", "elements", "crs", "import_state")
        print_table(
            [message(f"column_{name}", lang) for name in columns],
            [row for entry in document["imported"] for row in _rows(entry, lang, dry_run)],
        )
    for entry in document["imported"]:
        for line in (*_told(entry, lang), *_issue_lines(entry["issues"], lang)):
            say(line)
    for entry in document["refused"]:
        warn(f"{entry['message']} {entry['hint']}".strip())
    if dry_run:
        say(message("import_dry_run", lang))


def _rows(entry: dict[str, Any], lang: str, dry_run: bool) -> Iterator[list[Any]]:
    """One row a layer, one for the devices of each kind, or one for a file that has neither."""
    changed = "import_would_change" if dry_run else "import_changed"
    state = message(changed if entry["changed"] else "import_unchanged", lang)
    name = Path(entry["file"]).name
    crs = _short_crs(entry["crs"])
    parts = [(part["kind"], part["id"], part["features"]) for part in entry["layers"]]
    parts += [("device", kind, count) for kind, count in entry["devices"].items()]
    for k, (kind, layer, count) in enumerate(parts or [(entry["kind"], None, None)]):
        yield [name if k == 0 else None, kind, layer, count, entry["elements"] or None, crs, state]


def _short_crs(crs: str | None) -> str | None:
    """A coordinate system by its code, or by the name in its WKT."""
    return crs.split('"')[1] if crs is not None and crs.count('"') > 1 else crs


def _told(entry: dict[str, Any], lang: str) -> Iterator[str]:
    """What a person wants to know of a file besides its counts: its version, its text, its heights, and why it lies where it does."""
    name = Path(entry["file"]).name
    replaced = entry.get("replaced") or {}
    if entry["changed"] and {"added", "removed", "changed", "unchanged"} <= replaced.keys():
        yield message("import_version", lang, subject=name, version=entry.get("version"), **replaced)
    elif entry["changed"] and entry.get("version", 1) > 1:
        yield message("import_version_new", lang, subject=name, version=entry["version"])
    if entry.get("encoding") and entry["encoding"].upper() not in _PLAIN:
        yield message("import_encoding", lang, subject=name, encoding=entry["encoding"])
    if entry.get("height_datum") or entry.get("height_offset_m"):
        offset = f"{entry.get('height_offset_m') or 0.0:+.3f}"
        yield message("import_heights", lang, subject=name, datum=height_title(entry.get("height_datum")), offset=offset)
    for model in _listed(entry.get("details"), "models"):
        if model.get("reason"):
            yield message("import_placed", lang, subject=model.get("name") or name, reason=model["reason"])


def _listed(details: Any, key: str) -> list[dict[str, Any]]:
    """The entries of a list in the details of a report; empty where the importer tells none."""
    listed = details.get(key) if isinstance(details, dict) else None
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


def _issue_lines(issues: Sequence[dict[str, Any]], lang: str) -> Iterator[str]:
    """The first few issues of each code and how many more there are, with what to do about them."""
    marks = {"error": "✗", "warning": "!", "info": "·"}
    ranked = sorted(issues, key=lambda issue: (issue["code"] == "issues_more", list(marks).index(issue["severity"]), issue["code"]))
    for _, grouped in groupby(ranked, key=lambda issue: issue["code"]):
        listed = list(grouped)
        for issue in listed[:LISTED]:
            yield f"{marks[issue['severity']]} {issue['message']}"
        if len(listed) > LISTED:
            yield f"  {message('import_more', lang, count=len(listed) - LISTED)}"
        if listed[0]["hint"]:
            yield f"  → {listed[0]['hint']}"
