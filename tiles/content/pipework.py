"""What is known of a buried line: what flows in it, how thick it is, how deep it lies; and what has to be assumed.

Tables of pipelines say it in many ways: `diameter_mm`, DN300, 300, 1000×600 [mm]; depth of cover, depth of the invert, inverts as heights,
or a third dimension of the line. Nothing is guessed in silence: what a table does not say is taken from DEFAULTS and named in `assumed`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

DIAMETER_M = {"pipe": 0.2, "duct": 0.3, "fibre": 0.05}  # where a table says nothing: a usual size, no norm
COVER_M = 1.0  # the same of the ground above its top
_LEAST_M, _MOST_M = 0.005, 20.0  # of a size that can be meant
_METRES_TO = 10.0  # a bare number up to this is metres, above it millimetres

# Colours of media as plans of underground lines have them (CJJ 61-2003, codes and colours of pipelines: water sky blue, drainage brown,
# gas pink, heat orange, power red, telecommunication green, industry black), storm water a lighter brown than sewage. A medium is known by
# the first of its words found; drainage comes first, for waste water is no water supply.
MEDIA: Mapping[str, tuple[tuple[int, int, int], tuple[str, ...]]] = {
    "storm": ((176, 138, 96), ("雨水", "storm", "rain", "surface water")),
    "sewage": ((132, 88, 52), ("污水", "合流", "排水", "废水", "sewage", "sewer", "foul", "waste", "drain")),
    "gas": ((236, 122, 162), ("燃气", "煤气", "天然气", "液化气", "gas")),
    "heat": ((240, 140, 30), ("热力", "供热", "热水", "蒸汽", "heat", "steam", "hot water")),
    "power": ((214, 48, 40), ("电力", "供电", "路灯", "照明", "power", "electric", "lighting")),
    "telecom": (
        (46, 160, 84),
        ("通信", "电信", "弱电", "光缆", "光纤", "有线", "监控", "telecom", "communication", "fibre", "fiber", "data", "signal"),
    ),
    "water": ((64, 156, 228), ("给水", "供水", "自来水", "消防", "中水", "再生水", "water", "hydrant", "fire")),
    "industry": ((70, 74, 80), ("工业", "氧气", "氮气", "压缩空气", "industr", "oxygen", "nitrogen", "compressed air")),
}  # fmt: skip
OTHER = (128, 136, 146)
GRAVITY = {"storm", "sewage"}  # their depth is told to the invert, that of all others to the top (CJJ 61-2003, depths to be measured)

_SAYING = ("medium", "usage", "purpose", "name", "name_zh", "class", "介质", "管线类型", "类型", "用途", "type", "fluid", "system")
_SIZES = ("diameter_mm", "diameter_m", "diameter", "dn", "管径", "公称直径", "外径", "pipe_size", "断面尺寸", "规格", "size")
_COVERS = ("cover_m", "cover_depth_m", "覆土", "覆土深度", "管顶埋深", "depth_m", "depth", "埋深", "平均埋深")
_TO_TOP = {"cover_m", "cover_depth_m", "覆土", "覆土深度", "管顶埋深"}
_START_DEPTHS, _END_DEPTHS = ("起点埋深", "start_depth_m", "depth_start_m"), ("终点埋深", "end_depth_m", "depth_end_m")
_START_INVERTS, _END_INVERTS = ("invert_start_m", "起点管底标高", "起点管底高程"), ("invert_end_m", "终点管底标高", "终点管底高程")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_PAIR = re.compile(r"(\d+(?:\.\d+)?)\s*[x×*✕]\s*(\d+(?:\.\d+)?)", re.IGNORECASE)


@dataclass(frozen=True)
class Section:
    """The outside of a line across: a circle where it is as wide as high and `is_round`. [m]"""

    width_m: float
    height_m: float
    is_round: bool
    is_assumed: bool


@dataclass(frozen=True)
class Depth:
    """How deep a line lies: along it from start to end.

    `reference` is what is told: "invert" heights of its inner bottom [m, park datum], "top" or "bottom" depths of it under the ground [m].
    """

    reference: str
    start_m: float
    end_m: float
    is_assumed: bool


def medium(row: Mapping[str, Any], kind: str, title: str) -> str:
    """What flows in a line, a key of MEDIA: by its own words, else by those of its layer; "other" where none is known."""
    own = " ".join(str(row[name]) for name in _SAYING if row.get(name)).casefold()
    for said in (own, title.casefold()):
        for name, (_, words) in MEDIA.items():
            if any(word in said for word in words):
                return name
    return "telecom" if kind == "fibre" else "other"


def color(name: str) -> tuple[int, int, int]:
    """The colour of a medium, RGB."""
    return MEDIA[name][0] if name in MEDIA else OTHER


def section(row: Mapping[str, Any], kind: str) -> Section:
    """How wide and high a line is; a box where the table has two sizes, a usual circle where it has none."""
    width, height = _metres(row.get("width_m"), "_m"), _metres(row.get("height_m"), "_m")
    if width and height and kind == "duct":
        return Section(width, height, is_round=False, is_assumed=False)
    for name in (column for column in _SIZES if row.get(column) is not None):
        pair = _PAIR.search(str(row[name]))
        if pair:
            wide, high = (_metres(part, name) for part in pair.groups())
            if wide and high:
                return Section(wide, high, is_round=False, is_assumed=False)
        found = _metres(row[name], name)
        if found:
            return Section(found, found, is_round=True, is_assumed=False)
    usual = DIAMETER_M.get(kind, DIAMETER_M["pipe"])
    return Section(usual, usual, is_round=True, is_assumed=True)


def depth(row: Mapping[str, Any], name: str) -> Depth:
    """How deep a line of a medium lies, by inverts, by the depths of its ends, by one depth, or as is usual."""
    inverts = _first(row, _START_INVERTS), _first(row, _END_INVERTS)
    if inverts[0] is not None or inverts[1] is not None:
        start, end = (one if one is not None else other for one, other in (inverts, inverts[::-1]))
        return Depth("invert", float(start or 0.0), float(end or 0.0), is_assumed=False)
    ends = _first(row, _START_DEPTHS), _first(row, _END_DEPTHS)
    to = "bottom" if name in GRAVITY else "top"
    if ends[0] is not None or ends[1] is not None:
        start, end = (one if one is not None else other for one, other in (ends, ends[::-1]))
        return Depth(to, float(start or 0.0), float(end or 0.0), is_assumed=False)
    for column in _COVERS:
        found = _number(row.get(column))
        if found is not None and 0 < found < 200:
            return Depth("top" if column in _TO_TOP else to, found, found, is_assumed=False)
    return Depth("top", COVER_M, COVER_M, is_assumed=True)


def _first(row: Mapping[str, Any], names: Sequence[str]) -> float | None:
    return next((found for name in names if (found := _number(row.get(name))) is not None), None)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if np.isfinite(found) else None


def _metres(value: Any, column: str) -> float | None:
    """A size in metres: in the unit its column names, or its own; else metres up to ten, millimetres above."""
    text = str(value).casefold() if value is not None and not isinstance(value, bool) else ""
    match = _NUMBER.search(text)
    if match is None:
        return None
    number = float(match.group())
    number *= _unit_m(text[: match.start()].strip(), text[match.end() :].strip(), column, number)
    return number if _LEAST_M <= number <= _MOST_M else None


def _unit_m(before: str, after: str, column: str, number: float) -> float:
    """The metres in one unit of a size, by what stands around it."""
    if after.startswith(("mm", "毫米")) or column.endswith("_mm") or column == "dn" or before.endswith(("dn", "de")):
        return 0.001
    if after.startswith(("cm", "厘米")):
        return 0.01
    is_metres = after.startswith(("m", "米")) or column.endswith("_m") or number <= _METRES_TO
    return 1.0 if is_metres else 0.001


def assumed(row: Mapping[str, Any], kind: str, title: str) -> dict[str, float]:
    """What a line is drawn with because nobody told: `assumed_diameter_m`, `assumed_cover_m`; of a line's own heights it knows nothing."""
    found: dict[str, float] = {}
    if (across := section(row, kind)).is_assumed:
        found["assumed_diameter_m"] = across.width_m
    if (lies := depth(row, medium(row, kind, title))).is_assumed:
        found["assumed_cover_m"] = lies.start_m
    return found
