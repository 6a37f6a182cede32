"""The command `twin`: its commands come from the entry-point table, its sentences from the catalogue.

Exit status: 0 done, 1 the job failed, 2 wrong usage, 3 done but `--strict` was given and there are issues.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.console import Console

from twin.console import print_json, say_error
from twin.errors import TwinError, UsageError
from twin.i18n import message, preferred_language
from twin.registry import load, points

# typer brings click along under a name of its own: its exceptions are found through the one it exports
_WRONG_USAGE: Any = typer.BadParameter.__mro__[2]
PANELS = {
    "demo": "start", "init": "start", "import": "start", "serve": "start", "tiles": "start",
    "info": "look", "layers": "look", "models": "look", "sees": "look", "export": "look",
    "measures": "judge", "measure": "judge", "packs": "judge", "score": "judge", "simulate": "live",
}  # fmt: skip


def build(lang: str) -> typer.Typer:
    """The command line application with its help in `lang`."""
    app = typer.Typer(
        name="twin",
        help=message("help_twin", lang),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    for name in sorted(points("twin.commands"), key=lambda name: (list(PANELS).index(name) if name in PANELS else 99, name)):
        command = load("twin.commands", name)
        app.command(name, help=message(f"help_{name}", lang))(command)
    return app


def main() -> None:
    """Run the command line and leave with the exit status the interface promises."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """The exit status of one command line; output has been written."""
    lang = preferred_language(_option(arguments, "--lang"))
    as_json = "--json" in arguments
    command: Any = typer.main.get_command(build(lang))
    translate(command, lang)
    try:
        status = command.main(args=arguments, prog_name="twin", standalone_mode=False)
    except TwinError as error:
        return _failed(error, lang, as_json)
    except typer.Exit as leave:
        return leave.exit_code
    except typer.Abort:
        Console(stderr=True).print(message("interrupted", lang))
        return 1
    except _WRONG_USAGE as error:
        Console(stderr=True).print(error.format_message(), style="red", markup=False)
        Console(stderr=True).print(message("see_help", lang), markup=False)
        return 2
    except KeyboardInterrupt:
        Console(stderr=True).print(message("interrupted", lang))
        return 1
    return status if isinstance(status, int) else 0


def _failed(error: TwinError, lang: str, as_json: bool) -> int:
    if as_json:
        print_json({"error": {"code": error.code, "message": error.text(lang), "hint": error.hint(lang)}})
    say_error(error, lang)
    return 2 if isinstance(error, UsageError) else 1


def _option(arguments: list[str], name: str) -> str | None:
    """The value of an option before the command line is parsed: its language decides how it is parsed."""
    for k, argument in enumerate(arguments):
        if argument == name and k + 1 < len(arguments):
            return arguments[k + 1]
        if argument.startswith(f"{name}="):
            return argument.partition("=")[2]
    return None


def translate(command: Any, lang: str) -> None:
    """Put the help of every option and argument into `lang`: they carry a code of the catalogue as their help."""
    for child in getattr(command, "commands", {}).values():
        translate(child, lang)
    for parameter in getattr(command, "params", []):
        code = getattr(parameter, "help", None)
        if parameter.name == "help":
            parameter.help = message("option_help", lang)
        elif code:
            parameter.help = message(code, lang)
