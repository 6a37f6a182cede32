"""`twin tiles`: build the 3D Tiles of a park. Vector tiles are encoded as they are asked for."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from tiles.build import Part, Report, build
from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, print_table, progress, say, warn
from twin.i18n import message
from twin.store import open_store

SHOWN_IDS = 5


def tiles(
    park: ParkArgument,
    force: Annotated[bool, typer.Option("--force", help="option_force")] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Build the tiles that are missing or out of date."""
    with progress() as bars:
        task = bars.add_task("", total=None)
        report = build(
            open_store(park),
            force=force,
            progress=lambda what, done, total: bars.update(task, description=what, completed=done, total=total),
        )
    if as_json:
        print_json(report_json(report))
    else:
        _print_report(report, language(lang))


def report_json(report: Report) -> dict[str, Any]:
    """The report as one JSON document."""
    return report.totals() | {
        "seconds": round(report.seconds, 3),
        "encoded": report.encoded,
        "rebuilt": [part.id for part in report.parts if part.folder in report.rebuilt],
        "tilesets": [_part_json(part) for part in report.parts],
    }


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "id": part.id,
        "address": f"/3dtiles/{quote(part.id, safe='')}/tileset.json",
        "tiles": len(part.files),
        "elements_in": part.elements_in,
        "elements_out": part.elements_out,
        "triangles": part.triangles,
        "bytes": part.bytes,
        "left_out": list(part.left_out),
        "remarks": {code: list(ids) for code, ids in part.remarks.items()},
    }


def _print_report(report: Report, lang: str) -> None:
    rows = [
        [part.id, len(part.files), part.elements_out, part.triangles, _megabytes(part.bytes), "✓" if part.folder in report.rebuilt else ""]
        for part in report.parts
    ]
    columns = ("tileset", "tiles", "elements", "triangles", "megabytes", "rebuilt")
    print_table([message(f"column_{name}", lang) for name in columns], rows)
    totals = report.totals()
    say(message("tiles_built", lang, **totals, megabytes=_megabytes(totals["bytes"])))
    if not report.rebuilt:
        say(message("tiles_unchanged", lang))
    for part in report.parts:
        for code, ids in {"tiles_left_out": part.left_out, **part.remarks}.items():
            if ids:
                shown = ", ".join(ids[:SHOWN_IDS]) + (" …" if len(ids) > SHOWN_IDS else "")
                warn(message(code, lang, subject=part.id, count=len(ids), ids=shown))


def _megabytes(size: int) -> float:
    return round(size / 1e6, 1)
