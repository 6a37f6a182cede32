"""What a space is used for, what discipline an element belongs to, and what colour it has where its file says none: from `words.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, cast

_Table = Mapping[str, Sequence[str]]
_GENERIC = ("ifcflow", "ifcdistribution", "ifcenergyconversion", "ifcbuildingelementproxy", "ifcproxy")


def usage(texts: Sequence[str]) -> str | None:
    """The use of a space by the first of its texts that holds a known word; None where none does."""
    for text in texts:
        found = _longest(text, "usage")
        if found:
            return found
    return None


def discipline(classes: Sequence[str], systems: Sequence[str], texts: Sequence[str]) -> str:
    """The discipline of an element.

    A system says more than the class of what is in it (a pipe heats, drains or puts out fires); a generic class says nothing, and words
    in the names of type and element have to do.

    Parameters
    ----------
    classes
        IFC class names of occurrence and type.
    systems
        Kinds and names of the systems it is in.
    texts
        Other names.
    """
    by_class = _by_class(tuple(name.lower() for name in classes))
    if by_class in {"site", "structure", "architecture"}:
        return by_class
    for text in systems if by_class else (*systems, *texts):
        found = _longest(text, "discipline_words")
        if found:
            return found
    return by_class or "other"


@lru_cache(maxsize=4096)
def _by_class(classes: tuple[str, ...]) -> str | None:
    for name in classes:
        for kind, parts in _table("discipline_classes").items():
            if any(part in name for part in parts):
                return kind
    return None if any(name.startswith(_GENERIC) for name in classes) else "architecture"


def default_color(ifc_class: str, kind: str, systems: Sequence[str]) -> tuple[int, int, int, int]:
    """RGBA of an element without a style: its system's, its class's, its discipline's, in this order."""
    for system in systems:
        found = _longest(system, "system_colors")
        if found and kind in {"hvac", "plumbing", "fire", "other"}:
            red, green, blue, alpha = (int(part) for part in found.split(","))
            return red, green, blue, alpha
    return _class_color(ifc_class.lower(), kind)


@lru_cache(maxsize=4096)
def _class_color(name: str, kind: str) -> tuple[int, int, int, int]:
    matches = [key for key in _colors("colors") if name.startswith(key)]
    if matches:
        return _colors("colors")[max(matches, key=len)]
    return _colors("discipline_colors").get(kind, _colors("colors")["default"])


@lru_cache(maxsize=16384)  # names of types and rooms repeat
def _longest(text: str, table: str) -> str | None:
    """The key of a table whose longest word is found in `text`; short Latin words count only as whole words."""
    low = text.lower()
    spaced = f" {''.join(character if character.isalnum() else ' ' for character in low)} "
    best, size = None, 0
    for key, words in _table(table).items():
        for word in words:
            if len(word) > size and (f" {word} " in spaced if len(word) < 4 and word.isascii() else word in low):
                best, size = key, len(word)
    return best


@cache
def _words() -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("importers.ifc").joinpath("words.toml").read_text("utf-8"))


def _table(name: str) -> _Table:
    return cast(_Table, _words()[name])


@cache
def _colors(name: str) -> dict[str, tuple[int, int, int, int]]:
    return {key: cast("tuple[int, int, int, int]", tuple(value)) for key, value in _words()[name].items()}
