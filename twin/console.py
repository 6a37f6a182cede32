"""How commands speak: one JSON document, or tables for people; progress on standard error when somebody watches."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from twin.errors import TwinError
from twin.i18n import message, preferred_language

WIDE = 240  # columns where nobody's window cuts the lines: a pipe or a file
ParkArgument = Annotated[str, typer.Argument(metavar="PARK", help="option_park", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="option_json")]
LangOption = Annotated[str | None, typer.Option("--lang", metavar="en|zh", help="option_lang", show_default=False)]


def language(lang: str | None) -> str:
    """The language of the answer."""
    return preferred_language(lang)


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False) + "\n")
    sys.stdout.flush()


def say(text: str) -> None:
    """One line for people, on standard output."""
    Console(highlight=False, soft_wrap=True).print(text, markup=False)


def warn(text: str) -> None:
    """One line for people, on standard error."""
    Console(stderr=True, highlight=False, soft_wrap=True).print(text, markup=False, style="yellow")


def say_error(error: TwinError, lang: str) -> None:
    """What is wrong and what to do, on standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(error.text(lang), markup=False, style="red")
    if error.hint(lang):
        console.print(error.hint(lang), markup=False)


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """A table for people, numbers to the right."""
    listed = [[_cell(value) for value in row] for row in rows]
    raw = [_is_number_column([row[k] for row in listed]) for k in range(len(columns))]
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name, numeric in zip(columns, raw, strict=True):
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*row)
    Console(highlight=False, width=None if sys.stdout.isatty() else WIDE).print(table, markup=False)


@contextmanager
def progress() -> Generator[Progress]:
    """Bars on standard error, with time left; nothing is drawn when it is not a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        yield bars


def percent(value: float | None, places: int = 1) -> str:
    """A share as a percentage, rounded down so that what is below a threshold never shows as the threshold."""
    if value is None:
        return "—"
    scale = 10**places
    return f"{int(value * 100 * scale + 1e-9) / scale:.{places}f} %"


def figure(value: float | None, unit: str, places: int = 1) -> str:
    """A measure's value: a share (unit 1) as a percentage, anything else as a number."""
    return percent(value, places) if unit == "1" or value is None else f"{value:g}"


def interval(lower: float | None, upper: float | None, unit: str, places: int = 1) -> str:
    """The bounds of a value; a dash where it has none."""
    return "—" if lower is None or upper is None else f"{figure(lower, unit, places)} – {figure(upper, unit, places)}"


def worded(kind: str, code: str, lang: str) -> str:
    """What people call a code of results, such as a `reason` or a `quantity`; the code in plain letters where nobody gave it a word."""
    name = f"{kind}_{code}"
    said = message(name, lang)
    return code.replace("_", " ") if said == name else said


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:,}" if isinstance(value, int) else str(value)


def _is_number_column(cells: Sequence[str]) -> bool:
    return bool(cells) and all(cell.replace(",", "").replace(".", "").replace("-", "").isdigit() for cell in cells if cell)
