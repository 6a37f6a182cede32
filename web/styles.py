"""How kinds look: `styles.toml` read into values."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

Color = Sequence[int]  # RGBA, 0 to 255
_CLEAR: Color = (0, 0, 0, 0)


@dataclass(frozen=True)
class LayerStyle:
    """The look of one layer kind; colours for the light and the dark ground, widths and radii on the ground [m]."""

    title_en: str
    title_zh: str
    fill: Color = _CLEAR
    line: Color = _CLEAR
    casing: Color | None = None
    dark_fill: Color | None = None
    dark_line: Color | None = None
    dark_casing: Color | None = None
    width_m: float = 1.0
    radius_m: float = 1.5
    order: int = 40
    minzoom: int = 12
    shown: bool = True
    drawn: bool = True
    width_by: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class DeviceStyle:
    """The look of one kind of device."""

    title_en: str
    title_zh: str
    color: Color
    shown: bool = True


def layer_style(kind: str) -> LayerStyle:
    """The style of a layer kind; that of `other` where the table has none."""
    table = _tables()["layer"]
    return LayerStyle(**table.get(kind, table["other"]))


def device_style(kind: str) -> DeviceStyle:
    """The style of a device kind; that of `other` where the table has none."""
    table = _tables()["device"]
    return DeviceStyle(**table.get(kind, table["other"]))


@cache
def _tables() -> dict[str, dict[str, dict[str, Any]]]:
    return tomllib.loads(files("web").joinpath("styles.toml").read_text("utf-8"))
