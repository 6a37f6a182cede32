"""The command `twin`: its commands come from the entry-point table, its sentences from the catalogue.

Exit status: 0 done, 1 the job failed, 2 wrong usage, 3 done but `--strict` was given and there are issues.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console

from twin.console import print_json, say_error
from twin.errors import TwinError, UsageError
from twin.i18n import message, preferred_language
from twin.registry import load, points

# typer brings click along under a name of its own: its exceptions are found through the one it exports
_WRONG_USAGE: Any = typer.BadParameter.__mro__[2]
_BY_SIGNAL = 130  # what typer makes of an interruption
ORDER = (
    "demo", "init", "import", "info", "layers", "models", "diff", "tiles", "serve", "measures", "measure", "scenario", "packs", "score",
    "sees", "simulate", "check", "backup", "restore", "export",
)  # fmt: skip


def build(lang: str, only: str | None = None) -> typer.Typer:
    """The command line application with its help in `lang`; `only` loads that one command, since each brings its libraries."""
    app = typer.Typer(
        name="twin",
        help=message("help_twin", lang),
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["--help", "-h"]},
    )
    app.callback()(_group)
    known = sorted(points("twin.commands"), key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    for name in [only] if only in known else known:
        command = load("twin.commands", name)
        app.command(name, help=message(f"help_{name}", lang))(command)
    return app


def _group(_lang: Annotated[str | None, typer.Option("--lang", metavar="en|zh", help="option_lang")] = None) -> None:
    """Before the command only the language is told; having it also keeps the application a group when it has one command."""


def main() -> None:
    """Run the command line and leave with the exit status the interface promises; a request to end is one to clean up first."""
    signal.signal(signal.SIGTERM, _stopped)
    sys.exit(run(sys.argv[1:]))


def _stopped(number: int, _: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # asked twice, it still cleans up once
    raise KeyboardInterrupt


def run(arguments: list[str]) -> int:
    """The exit status of one command line; output has been written."""
    lang = preferred_language(_option(arguments, "--lang"))
    first = next((argument for argument in arguments if argument in points("twin.commands")), None)
    try:
        command: Any = typer.main.get_command(build(lang, first))
        translate(command, lang)
        status = command.main(args=arguments, prog_name="twin", standalone_mode=False)
        if status == _BY_SIGNAL:
            raise typer.Abort  # noqa: TRY301  said below, as every other way to stop it
    except TwinError as error:
        return _failed(error, lang, as_json="--json" in arguments)
    except typer.Exit as leave:
        return leave.exit_code
    except _WRONG_USAGE as error:
        return _misused(error, lang)
    except (typer.Abort, KeyboardInterrupt):
        return _failed(TwinError("interrupted"), lang, as_json="--json" in arguments)
    except Exception as error:  # the last border before a person: nobody is helped by a stack
        if os.environ.get("PARKTWIN_DEBUG"):
            raise
        return _failed(TwinError("unexpected", subject=f"{type(error).__name__}: {error}"), lang, as_json="--json" in arguments)
    return status if isinstance(status, int) else 0


def _failed(error: TwinError, lang: str, *, as_json: bool) -> int:
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
    """Put the help of a command, its options and its arguments into `lang`: they carry a code of the catalogue as their help."""
    for child in getattr(command, "commands", {}).values():
        translate(child, lang)
    for parameter in getattr(command, "params", []):
        code = getattr(parameter, "help", None)
        if code:
            parameter.help = message(code, lang)
    plain = command.get_help
    command.get_help = lambda context: _help_in(lang, plain(context))


def _help_in(lang: str, text: str) -> str:
    """The help page with the headings that typer writes itself."""
    for code in ("help_usage", "help_options", "help_arguments", "help_commands", "help_required", "help_leave"):
        text = text.replace(message(code, "en"), message(code, lang))
    return text


def _misused(error: Any, lang: str) -> int:
    """Say what is wrong with the command line; a bare group shows its help instead."""
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    if type(error).__name__ == "NoArgsIsHelpError":
        console.print(error.ctx.get_help(), markup=False)
        return 2
    code = "usage_command" if error.message.startswith("No such command") else f"usage_{type(error).__name__}"
    subject = (
        getattr(error, "option_name", None) or _named(getattr(error, "param", None)) or error.message.partition("'")[2].partition("'")[0]
    )
    known = message(code, lang, subject=subject, told=error.message)
    console.print(error.format_message() if known == code else known, style="red", markup=False)
    console.print(message("see_help", lang), markup=False)
    return 2


def _named(parameter: Any) -> str:
    """An option by its longest name, an argument by what the help calls it."""
    if parameter is None:
        return ""
    return parameter.metavar or str(parameter.name) if parameter.param_type_name == "argument" else max(parameter.opts, key=len)
