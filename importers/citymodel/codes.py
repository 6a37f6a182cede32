"""Codes of buildings in words, where the list they come from is known; others are left as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

_LISTS = {"sig3d": ("sig3d", "citygml.org", "codelists/standard"), "alkis": ("alkis", "adv-online", "gdi-de", "geoinfodok")}
_SAME = {"usage": "function"}  # read by the list of another


def in_words(name: str, attributes: Mapping[str, Any]) -> str | None:
    """The text of an attribute (`class`, `function`, `usage`, `roofType`), of several the first; None where it is not said."""
    value = attributes.get(name)
    code = value[0] if isinstance(value, list) and value else value
    if code is None or code == "" or isinstance(code, list | dict):
        return None
    said = str(code)
    return _word(_SAME.get(name, name), said, str(attributes.get(f"{name}_codespace") or "").lower()) or said


def _word(name: str, code: str, codespace: str) -> str | None:
    """The word of the list the code space names; without one, of the only list that has the code, or where all of them agree."""
    lists = _tables()
    named = [key for key, words in _LISTS.items() if any(word in codespace for word in words)]
    if not named and codespace:
        return None  # somebody else's list
    found = {word for key in named or lists if (word := lists[key].get(name, {}).get(code)) is not None}
    return found.pop() if len(found) == 1 else None


@cache
def _tables() -> dict[str, dict[str, dict[str, str]]]:
    return tomllib.loads(files("importers.citymodel").joinpath("codes.toml").read_text("utf-8"))
