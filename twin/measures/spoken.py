"""What the tables of devices say, by whichever of its usual words: for systems whose columns no standard names."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from twin.measures.radio import numbers
from twin.model import Device

_YES = {"1", "true", "yes", "y", "on", "是", "有", "可控", "支持", "联网", "智能", "在线"}
_NO = {"0", "false", "no", "n", "off", "none", "否", "无", "不可控", "不支持", "手动", "manual", "离线"}


@cache
def words() -> Mapping[str, Mapping[str, Sequence[str]]]:
    """Attribute or sort of device -> its words, from `spoken.toml`."""
    return tomllib.loads(files("twin.measures").joinpath("spoken.toml").read_text("utf-8"))


def said(device: Device, name: str) -> Any:
    """The device's value of an attribute, under its name or one of its words in `spoken.toml`; None where there is none."""
    own = {str(key).strip().casefold(): value for key, value in device.attributes.items()}
    for word in (name, *words()["attributes"].get(name, ())):
        value = own.get(word.casefold())
        if value is not None and str(value).strip():
            return value
    return None


def amount(device: Device, name: str, *, least: float = 0.0, most: float = math.inf) -> float | None:
    """The first number of an attribute; None where there is none, or it lies outside what can be."""
    found = numbers(said(device, name))
    return found[0] if found and least <= found[0] <= most else None


def is_so(device: Device, name: str) -> bool | None:
    """Whether an attribute says yes; None where nobody says, or says what is neither yes nor no."""
    value = said(device, name)
    if value is None:
        return None
    text = str(value).strip().casefold()
    if text in _YES:
        return True
    return False if text in _NO else None


def sort_of(device: Device, group: str) -> str | None:
    """The sort of a group of `spoken.toml` that a device's name, functions and own words for its kind tell; the longest word decides."""
    told = (
        device.name,
        *(device.attributes.get(key) for key in ("functions", "class", "type", "usage", "kind_as_given", "name_zh", "technology")),
    )
    text = " ".join(str(part) for part in told if part).casefold().replace("_", " ")
    found = [(len(word) * (1 if word.isascii() else 2), sort) for sort, own in words()[group].items() for word in own if word in text]
    return max(found)[1] if found else None
