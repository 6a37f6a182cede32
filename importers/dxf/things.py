"""Blocks and layers of drawings by their names: which stand for devices, which for points of a map, which kind a layer is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from importers.layerkind import Kind
from importers.vocabulary import has_han, longest_match, meaning

_POINT_KINDS = {"tree", "manhole", "pole", "key_position"}  # layer kinds whose symbols stand for one point
_TOO_COMMON = {"other", "cell", "pole"}  # device words that name much else in drawings: 小区 is a cell and a housing estate
_TELLING = 4  # letters, a Chinese one for two: `1` and `no` are answers in a table, not words in a name


def stands_for(block: str, layer: str, said: Mapping[str, Any], given: str | None = None) -> bool:
    """Whether a block stands for a thing rather than being a piece of drawing."""
    return device_word(block, layer, said, given) is not None or point_kind(block, layer) is not None


def device_word(block: str, layer: str, said: Mapping[str, Any], given: str | None = None) -> str | None:
    """The word that says which kind of device a block is: its attribute, its own name, its layer's, or the kind the person gave.

    None for what is no device.
    """
    for tag, text in said.items():
        if meaning("device_columns", tag) == "kind" and meaning("device_kinds", text) not in {None, "other"}:
            return str(text)
    found = longest_match("device_kinds", block)
    if found is not None and found[0] != "other" and not _says_more(block, found[1]):
        return found[1]
    on_layer = longest_match("device_kinds", layer)
    if on_layer is not None and on_layer[0] not in _TOO_COMMON and map_word(layer) is None:
        return on_layer[1]
    return given


def camera_type(block: str) -> str | None:
    """The word in a camera's block name that says what type it is (枪机, 球机, dome, fisheye); None where none does."""
    found = longest_match("device_choices.ptz", block)
    return found[1] if found is not None and _weight(found[1]) >= _TELLING else None


def point_kind(block: str, layer: str) -> str | None:
    """The layer kind of a symbol that stands for one point: a tree, a manhole, a pole; None for others."""
    for name in (block, layer):
        found = map_word(name)
        if found is not None and found.name in _POINT_KINDS:
            return found.name
    return None


def map_word(name: str) -> Kind | None:
    """The layer kind a drawing's layer (or block) is named for, by the longest word in its name; None where none is known."""
    found = [match for table in ("drawing_layers", "layer_kinds") if (match := longest_match(table, name)) is not None]
    if not found:
        return None
    kind, word = max(found, key=lambda each: _weight(each[1]))  # of equals, the drawing's own word
    return Kind(kind, "name", word)


def _says_more(name: str, word: str) -> bool:
    """Whether a longer word in the name says that it is something else."""
    found = map_word(name)
    return found is not None and _weight(found.word) > _weight(word)


def _weight(word: str) -> int:
    return len(word) * (2 if has_han(word) else 1)
