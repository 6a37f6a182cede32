"""`twin check`: proves that store, tiles and references are whole and, asked to, says how good the models are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from importers.quality import Quality, quality
from importers.quality.deliveries import delivery_set
from importers.quality.page import quality_html
from tiles.check import broken_tiles
from twin.console import JsonOption, LangOption, ParkArgument, language, percent, print_json, print_table, progress, say
from twin.files import write_atomically
from twin.i18n import hint, message
from twin.model import Issue
from twin.references import broken_references
from twin.store import Store, open_store

_MARKS = {"error": "✗", "warning": "!", "info": "·"}


def check(
    park: ParkArgument,
    with_quality: Annotated[bool, typer.Option("--quality", help="option_check_quality")] = False,
    ids: Annotated[list[str] | None, typer.Option("--ids", metavar="FILE", help="option_check_ids", show_default=False)] = None,
    html: Annotated[Path | None, typer.Option("--html", metavar="FILE", help="option_check_html", show_default=False)] = None,
    viewer: Annotated[str, typer.Option("--viewer", metavar="URL", help="option_check_viewer")] = "http://127.0.0.1:8000",
    strict: Annotated[bool, typer.Option("--strict", help="option_check_strict")] = False,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:  # one option a promise of the interface
    """Prove the park whole; with --quality, say how good its models are."""
    spoken = language(lang)
    store = open_store(park)
    sets = [delivery_set(name) for name in ids or []]
    with progress() as bars:
        task = bars.add_task("", total=None)

        def tell(stage: str, done: int, total: int) -> None:
            bars.update(task, description=stage, completed=done, total=total or None)

        issues = [*store.faults(), *broken_references(store, tell), *broken_tiles(store)]
        found = quality(store, sets, progress=tell) if with_quality or sets or html else None
    if html is not None and found is not None:
        write_atomically(html, quality_html(found, spoken, viewer=viewer))
    whole = not any(issue.severity == "error" for issue in issues)
    if as_json:
        print_json(_document(issues, found, whole=whole, lang=spoken))
    else:
        _print(store, issues, found, whole=whole, lang=spoken)
    if not whole:
        raise typer.Exit(1)
    raise typer.Exit(3 if strict and _remarks(issues, found) else 0)


def _remarks(issues: Sequence[Issue], found: Quality | None) -> int:
    return sum(issue.severity != "info" for issue in issues) + (found.findings if found else 0)


def _document(issues: Sequence[Issue], found: Quality | None, *, whole: bool, lang: str) -> dict[str, Any]:
    told = [
        {"code": issue.code, "severity": issue.severity, "subject": issue.subject, "message": text, "hint": todo}
        for issue in issues
        for text, todo in [_said(issue, lang)]
    ]
    return {"whole": whole, "issues": told, "quality": found.document(lang) if found else None}


def _said(issue: Issue, lang: str) -> tuple[str, str]:
    details = {"subject": issue.subject, **issue.details}
    return message(issue.code, lang, **details), hint(issue.code, lang, **details)


def _print(store: Store, issues: Sequence[Issue], found: Quality | None, *, whole: bool, lang: str) -> None:
    say(message("check_whole" if whole else "check_broken", lang, subject=store.park().name))
    for issue in issues:
        text, todo = _said(issue, lang)
        say(f"{_MARKS[issue.severity]} {text}")
        if todo:
            say(f"  → {todo}")
    if found is None:
        return
    columns = ("quality_check", "quality_examined", "quality_share", "quality_findings")
    rows = [[each["title"], each["examined"], percent(each["share"]), len(each["findings"])] for each in found.document(lang)["checks"]]
    print_table([message(f"column_{name}", lang) for name in columns], rows)
