"""Every sentence a person reads, in Chinese and English, by code.

Each package keeps a `messages.toml`; the entry-point group `twin.messages` names the packages. A table is one code:
`en`, `zh` and, where something can be done, `hint_en`, `hint_zh`; `{subject}` and other braces are filled by the caller.
"""

from __future__ import annotations

import locale
import os
import tomllib
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

LANGUAGES = ("en", "zh")


@cache
def catalogue() -> dict[str, dict[str, str]]:
    """All codes of all packages, each a table of sentences."""
    tables: dict[str, dict[str, str]] = {}
    for package in sorted({point.value for point in entry_points(group="twin.messages")}):
        tables |= tomllib.loads((_folder(package) / "messages.toml").read_text("utf-8"))
    return tables


def _folder(package: str) -> Path:
    """Where a package lies, without importing it: its sentences are wanted even where its libraries are not installed."""
    spec = find_spec(package)
    return Path((spec.submodule_search_locations or [""])[0]) if spec is not None else Path()


def message(code: str, lang: str, /, **details: object) -> str:
    """The sentence of `code` in `lang`; the code itself where the catalogue lacks it."""
    return _fill(code, lang, details) or code


def hint(code: str, lang: str, /, **details: object) -> str:
    """What to do about `code`, in `lang`; empty where nothing can be said."""
    return _fill(code, f"hint_{lang}", details)


def preferred_language(asked: str | None = None) -> str:
    """`en` or `zh`: what was asked for, else what the environment's locale says."""
    if asked:
        return "zh" if asked.lower().startswith("zh") else "en"
    named = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return "zh" if (named or locale.getlocale()[0] or "").lower().startswith("zh") else "en"


def _fill(code: str, key: str, details: dict[str, object]) -> str:
    template = catalogue().get(code, {}).get(key, "")
    try:
        return template.format(**details)
    except (KeyError, IndexError, ValueError):
        return template
