"""The commands that move whole parks: `twin backup` and `twin restore`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.progress import Progress as Bars

from twin.console import JsonOption, LangOption, ParkArgument, language, print_json, progress, say
from twin.i18n import message
from twin.store import open_store
from twin.store.transfer import Progress, copy_to


def backup(
    park: ParkArgument,
    destination: Annotated[str, typer.Argument(metavar="DEST", help="option_backup_to", show_default=False)],
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Copy a park to a place where there is none."""
    _copy(park, destination, as_json, language(lang))


def restore(
    source: Annotated[str, typer.Argument(metavar="SRC", help="option_restore_from", show_default=False)],
    park: ParkArgument,
    as_json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Make a park from a backup."""
    _copy(source, park, as_json, language(lang))


def _copy(source: str, destination: str, as_json: bool, lang: str) -> None:
    with progress() as bars:
        store = copy_to(open_store(source), destination, _teller(bars))
    held: dict[str, Any] = {
        "layers": len(store.layers()),
        "models": len(store.models()),
        "devices": len(store.devices()),
        "versions": len(store.versions()),
    }
    if as_json:
        print_json({"park": store.address, **held})
    else:
        say(message("backup_made", lang, subject=store.address, **held))


def _teller(bars: Bars) -> Progress:
    """Shows the stage of copying on one bar."""
    task = bars.add_task("", total=None)

    def tell(stage: str, done: int, total: int) -> None:
        bars.update(task, description=stage, completed=done, total=total or None)

    return tell
