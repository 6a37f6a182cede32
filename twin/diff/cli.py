"""`twin diff`: what changed between two imports of a source."""

from __future__ import annotations

from typing import Annotated

import typer

from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, print_table, say
from twin.diff import difference
from twin.diff.changes import Change, Difference
from twin.errors import UsageError
from twin.i18n import message
from twin.store import open_store

LISTED = 100  # changes shown to a person; --json lists all
_FIELDS = 4  # fields named in one row


def diff(
    park: ParkArgument,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="option_diff_model", show_default=False)],
    versions: Annotated[list[int] | None, typer.Argument(metavar="[V1 V2]", help="option_diff_versions", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """What changed between two versions of a model, a layer or any other source."""
    asked = versions or []
    if len(asked) not in {0, 2}:
        raise UsageError("diff_versions_wrong", subject=" ".join(map(str, asked)))
    found = difference(open_store(park), model, *asked)
    if as_json:
        print_json(found.document())
    else:
        _print(found, language(lang))


def _print(found: Difference, lang: str) -> None:
    old, new = found.versions
    say(message("diff_title", lang, subject=found.source, old=old, new=new))
    for shift in found.shifts:
        say(message("diff_shift", lang, subject=shift.model_id, metres=f"{shift.distance_m:.3f}", degrees=f"{shift.rotation_deg:.3f}"))
    counts = found.counts()
    print_table([message(f"diff_{kind}", lang) for kind in counts], [list(counts.values())])
    if found.changes:
        columns = ("diff_change", "kind", "title", "id", "diff_detail")
        print_table([message(f"column_{name}", lang) for name in columns], [_row(change, lang) for change in found.changes[:LISTED]])
    if len(found.changes) > LISTED:
        say(message("import_more", lang, count=len(found.changes) - LISTED))


def _row(change: Change, lang: str) -> list[str | None]:
    kinds = ", ".join(message(f"diff_{kind}", lang) for kind in change.kinds)
    return [kinds, change.ifc_class or message(f"diff_what_{change.what}", lang), change.name, change.id, _detail(change, lang)]


def _detail(change: Change, lang: str) -> str:
    parts = [f"{change.distance_m:.3f} m"] if change.distance_m is not None else []
    parts += [message("diff_was", lang, subject=change.was_id)] if change.was_id else []
    said = [f"{name}: {_short(before)} → {_short(after)}" for name, (before, after) in list(change.fields.items())[:_FIELDS]]
    more = [f"+{len(change.fields) - _FIELDS}"] if len(change.fields) > _FIELDS else []
    return "; ".join([*parts, *said, *more])


def _short(value: object) -> str:
    text = "–" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:39]}…"
