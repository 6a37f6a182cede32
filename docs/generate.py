"""The manuals of commands and measures, written from what is registered: `python docs/generate.py`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from twin.cli import build, translate
from twin.measures import measures

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "zh")


def commands() -> str:
    """Every command with its options, in English and Chinese."""
    english, chinese = (_group(lang).commands for lang in LANGUAGES)
    lines = [
        "# Commands",
        "",
        "Written by `docs/generate.py`. Exit status: 0 done · 1 the job failed, nothing changed · 2 wrong usage ·",
        "3 done, but `--strict` was given and there are issues. Messages are English or Chinese by `--lang` or the locale.",
    ]
    for name, command in english.items():
        arguments = " ".join(_metavar(parameter) for parameter in command.params if parameter.param_type_name == "argument")
        lines += ["", f"## `twin {name} {arguments}".rstrip() + "`", "", f"{command.help} / {chinese[name].help}", ""]
        pairs = zip(command.params, chinese[name].params, strict=True)
        lines += [f"- `{_metavar(a)}` — {getattr(a, 'help', '')} / {getattr(b, 'help', '')}" for a, b in pairs if getattr(a, "help", None)]
    return "\n".join(lines) + "\n"


def measure_manual() -> str:
    """Every measure with its parameters and sources, in English and Chinese."""
    lines = ["# Measures", "", "Written by `docs/generate.py` from `twin measures`. Formulas stand beside the code, in `twin/coverage/`."]
    for measure in measures().values():
        lines += ["", f"## `{measure.id}`", "", f"{measure.title_en} / {measure.title_zh} · {measure.quantity}", ""]
        lines += ["| parameter | default | unit | meaning | 含义 | source |", "|---|---|---|---|---|---|"]
        for p in measure.parameters:
            choices = f" ({', '.join(map(str, p.choices))})" if p.choices else ""
            lines.append(f"| `{p.name}` | {_default(p.default)} | {p.unit}{choices} | {p.meaning_en} | {p.meaning_zh} | {p.source} |")
        lines += ["", "Sources: " + " · ".join(measure.sources)]
    return "\n".join(lines) + "\n"


PAGES = {"commands.md": commands, "measures.md": measure_manual}


def _group(lang: str) -> Any:
    group: Any = typer.main.get_command(build(lang))
    translate(group, lang)
    return group


def _metavar(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return parameter.metavar or str(parameter.name).upper()
    name = max(parameter.opts, key=len)
    return name if parameter.is_flag else f"{name} {parameter.metavar or str(parameter.name).upper()}"


def _default(value: Any) -> str:
    return "none" if value is None else ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


if __name__ == "__main__":
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), "utf-8")
