"""The command `twin verify`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from twin.console import JsonOption, LangOption, language, print_json, print_table, progress, say
from twin.errors import TwinError
from twin.evidence.verify import Checked, verify
from twin.i18n import message
from twin.store import open_store

_SHOWN = {"value": "evidence_value", "lower": "evidence_lower", "upper": "evidence_upper"}


def verify_bundle(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="option_evidence_folder", show_default=False)],
    park: Annotated[str | None, typer.Option("--park", metavar="PARK", help="option_evidence_park", show_default=False)] = None,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Compute the runs of an evidence bundle again, and hold them against what it says."""
    spoken = language(lang)
    with progress() as bars:
        task = bars.add_task("", total=None)
        found = verify(
            folder, open_store(park) if park else None, lambda stage, k, n: bars.update(task, description=stage, completed=k, total=n)
        )
    if as_json:
        print_json({
            "bundle": str(folder), "ok": found.ok, "content": found.manifest["content"], "engine": found.manifest["engine"],
            "checked": [_json(each, spoken) for each in found.checked],
        })  # fmt: skip
    else:
        columns = ("evidence_part", "evidence_subject", "evidence_state", "value", "interval")
        print_table([message(f"column_{c}", spoken) for c in columns], [_row(each, spoken) for each in found.checked])
        for line in _differences(found.checked, spoken):
            say(line)
        said = "evidence_holds" if found.ok else "evidence_fails"
        say(message(said, spoken, subject=folder, content=found.manifest["content"], engine=found.manifest["engine"]))
    if not found.ok:
        raise typer.Exit(1)


def _json(each: Checked, lang: str) -> dict[str, Any]:
    error = each.told.get("error")
    told = dict(each.told) | ({"error": error.text(lang)} if isinstance(error, TwinError) else {})
    return {"kind": each.kind, "subject": each.subject, "state": each.state, **told}


def _row(each: Checked, lang: str) -> list[Any]:
    found = each.told.get("found") or {}
    interval = f"{found['lower']:.6f} – {found['upper']:.6f}" if found.get("lower") is not None else None
    value = f"{found['value']:.6f}" if found.get("value") is not None else None
    return [message(f"evidence_{each.kind}", lang), each.subject, message(f"evidence_state_{each.state}", lang), value, interval]


def _differences(checked: Sequence[Checked], lang: str) -> list[str]:
    lines = [
        message("evidence_difference", lang, subject=each.subject, what=message(_SHOWN[row["what"]], lang), **_pair(row))
        for each in checked
        for row in each.told.get("differences", ())
        if row["what"] in _SHOWN
    ]
    failed = [each.told["error"].text(lang) for each in checked if "error" in each.told]
    return [*lines, *failed]


def _pair(row: dict[str, Any]) -> dict[str, Any]:
    return {"said": row["said"], "found": row["found"]}
