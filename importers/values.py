"""What people write in table cells, turned into values: numbers with units, directions, dates, words of a fixed choice."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from importers.vocabulary import meaning, normal

_MISSING = {
    "",
    "-",
    "--",
    "/",
    "\\",
    "none",
    "null",
    "nan",
    "n/a",
    "na",
    "无",
    "未知",
    "unknown",
    "<null>",
    "不详",
    "#n/a",
    "#value!",
    "#ref!",
    "#div/0!",
    "#name?",
    "#null!",
    "#num!",
}
_NUMBER = re.compile(r"^(?P<number>[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(?P<unit>[^\d\s].*)?$")
_FEET = re.compile(r"""^(?P<feet>\d+(?:\.\d+)?)\s*'\s*(?:(?P<inches>\d+(?:\.\d+)?)\s*(?:"|''))?$""")
_BEARING = re.compile(
    r"^(?P<from>[ns北南])偏?(?P<angle>\d+(?:\.\d+)?)°?(?P<to>[ew东西])$|^(?P<zfrom>[北南])偏(?P<zto>[东西])(?P<zangle>\d+(?:\.\d+)?)[°度]?$"
)
_SIZE = re.compile(r"^(\d{2,5})\s*[x×*✕]\s*(\d{2,5})$")
_DATE = re.compile(r"^(\d{4})[-/.年]?(\d{1,2})?[-/.月]?(\d{1,2})?日?$")

_LENGTH = {
    "m": 1.0, "米": 1.0, "metre": 1.0, "metres": 1.0, "meter": 1.0, "meters": 1.0, "公尺": 1.0, "mm": 1e-3, "毫米": 1e-3, "cm": 1e-2,
    "厘米": 1e-2, "km": 1e3, "千米": 1e3, "公里": 1e3, "ft": 0.3048, "feet": 0.3048, "foot": 0.3048, "英尺": 0.3048, "in": 0.0254,
    "inch": 0.0254, "英寸": 0.0254,
}  # fmt: skip
_HERTZ = {
    "hz": 1.0,
    "赫兹": 1.0,
    "赫": 1.0,
    "khz": 1e3,
    "千赫": 1e3,
    "mhz": 1e6,
    "兆赫": 1e6,
    "兆": 1e6,
    "m": 1e6,
    "ghz": 1e9,
    "吉赫": 1e9,
    "g": 1e9,
}
_WATT = {"w": 1.0, "瓦": 1.0, "kw": 1e3, "千瓦": 1e3, "mw": 1e-3, "毫瓦": 1e-3}
# unit a value is kept in -> unit it may come in -> factor
_FACTORS: Mapping[str, Mapping[str, float]] = {
    "m": _LENGTH,
    "mm": {unit: factor * 1e3 for unit, factor in _LENGTH.items()},
    "deg": {"deg": 1.0, "°": 1.0, "º": 1.0, "度": 1.0, "degree": 1.0, "degrees": 1.0, "rad": math.degrees(1.0)},
    "MHz": {unit: factor / 1e6 for unit, factor in _HERTZ.items()},
    "kHz": {unit: factor / 1e3 for unit, factor in _HERTZ.items()},
    "W": _WATT,
    "kW": {unit: factor / 1e3 for unit, factor in _WATT.items()},
    "dBm": {"dbm": 1.0, "db": 1.0},
    "dBi": {"dbi": 1.0, "db": 1.0},
    "dB": {"db": 1.0, "分贝": 1.0, "db(a)": 1.0},
    "px": {"px": 1.0, "像素": 1.0, "pixel": 1.0, "pixels": 1.0},
    "lm": {"lm": 1.0, "流明": 1.0, "klm": 1e3},
    "d": {"d": 1.0, "天": 1.0, "日": 1.0, "day": 1.0, "days": 1.0},
    "1": {"个": 1.0, "层": 1.0, "f": 1.0, "枪": 1.0, "把": 1.0, "台": 1.0, "口": 1.0, "floors": 1.0, "storeys": 1.0, "levels": 1.0},
}
_POINTS = ("n", "nne", "ne", "ene", "e", "ese", "se", "sse", "s", "ssw", "sw", "wsw", "w", "wnw", "nw", "nnw")
_HAN_POINTS = (
    "北",
    "北东北",
    "东北",
    "东东北",
    "东",
    "东东南",
    "东南",
    "南东南",
    "南",
    "南西南",
    "西南",
    "西西南",
    "西",
    "西西北",
    "西北",
    "北西北",
)
_NAMED_SIZES = {
    "720p": (1280, 720), "1080p": (1920, 1080), "2k": (2560, 1440), "1440p": (2560, 1440), "4k": (3840, 2160), "2160p": (3840, 2160),
    "8k": (7680, 4320), "d1": (704, 576), "cif": (352, 288),
}  # fmt: skip


class OutOfRange(ValueError):
    """A number that is read but cannot be what it is said to be."""


def is_missing(value: Any) -> bool:
    """Whether a cell says nothing: empty, a dash, `N/A`, 无 and the like, or a number that is none."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return True
    return isinstance(value, str) and value.strip().casefold() in _MISSING


def number(value: Any, unit: str, given_unit: str = "") -> float | None:
    """A number in `unit`, from a number or from text such as `12 m`, `12米`, `5.8 GHz`, `40'6"`; None where the cell says nothing.

    Parameters
    ----------
    value
        What stands in the cell.
    unit
        The unit to return: m mm deg MHz kHz W kW dBm dBi dB px lm d 1.
    given_unit
        The unit of bare numbers where the column says one; else `unit`.

    Raises
    ------
    ValueError
        If the text is not one number in a unit that fits.
    """
    if isinstance(value, bool):
        raise ValueError(value)  # noqa: TRY004  a wrong cell, not a wrong call
    if is_missing(value):
        return None
    if isinstance(value, int | float):
        return _in_unit(float(value), given_unit, unit)
    text = str(value).strip().replace("，", ",").replace("．", ".").replace("－", "-").replace("−", "-")
    feet = _FEET.match(text)
    if feet and unit in {"m", "mm"}:
        return (float(feet["feet"]) + float(feet["inches"] or 0) / 12) * _FACTORS[unit]["ft"]
    found = _NUMBER.match(text)
    if not found:
        raise ValueError(value)
    return _in_unit(_plain(found["number"]), (found["unit"] or given_unit).strip(), unit)


def degrees(value: Any) -> float | None:
    """Degrees of longitude or latitude: `120.6`, `120°36'00"E`, `N 31 18 0`, `东经120度36分0秒`, `120:36:00`; None for an empty cell.

    Raises
    ------
    ValueError
        If it is no angle, or minutes or seconds are 60 and more.
    """
    if is_missing(value) or not isinstance(value, str):
        return number(value, "deg")
    text = value.strip().upper().replace("，", ".").replace(",", ".")
    bare = re.sub(r"(M\s*[\d.]+\s*)S", r"\1 ", text)  # the S of seconds is no south
    west = bool(re.search(r"[SW]|西经|南纬", bare)) or text.startswith(("-", "−"))
    plain = re.sub(r"[NSEWO]|[东西]经|[南北]纬|[-−+]", " ", text)
    parts = re.split(r"[°º˚D度:M分′’'S秒″”\"\s]+", plain.replace("''", '"'))
    numbers = [part for part in parts if part]
    if not 1 <= len(numbers) <= 3 or not all(re.fullmatch(r"\d+(\.\d*)?", part) for part in numbers):
        return number(value, "deg")
    angle, minutes, seconds = (*(float(part) for part in numbers), 0.0, 0.0)[:3]
    if minutes >= 60 or seconds >= 60:
        raise ValueError(value)
    return (-1.0 if west else 1.0) * (angle + minutes / 60 + seconds / 3600)


def with_points(values: Sequence[Any], is_likely: bool) -> Sequence[Any]:
    """A column of numbers with decimal commas made decimal points: where each cell has one comma and no point.

    Commas before exactly three digits in every cell part thousands, unless `is_likely` says that commas are decimal here.
    """
    texts = [str(value).strip() for value in values if isinstance(value, str) and not is_missing(value)]
    commas = [text for text in texts if "," in text]
    if not commas or any(text.count(",") > 1 or "." in text for text in commas):
        return values
    thousands = all(re.search(r"^[-+]?\d{1,3},\d{3}$", text) for text in commas)
    if thousands and not is_likely:
        return values
    return [value.replace(",", ".") if isinstance(value, str) else value for value in values]


def is_unit(name: str, unit: str) -> bool:
    """Whether numbers in the unit called `name` can be put into `unit`."""
    return name.casefold() in _FACTORS[unit]


def _in_unit(amount: float, given: str, unit: str) -> float:
    if not math.isfinite(amount):
        raise ValueError(amount)
    name = "megawatt" if given == "MW" else given.casefold()
    if not name or name == unit.casefold():
        return amount
    if unit == "dBm" and name in _WATT:
        return 10 * math.log10(amount * _WATT[name] * 1e3)
    if name not in _FACTORS[unit]:
        raise ValueError(given)
    return amount * _FACTORS[unit][name]


def _plain(text: str) -> float:
    """The number of `1,234.5` and of `3,5`: groups of three digits are thousands, one other comma is a decimal point."""
    if re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d*)?", text):
        return float(text.replace(",", ""))
    if text.count(",") == 1 and "." not in text:
        return float(text.replace(",", "."))
    return float(text)


def azimuth(value: Any) -> float | None:
    """Degrees clockwise from north, in [0, 360), from a number or a word: 90, -90, `NE`, `东北`, `北偏东30°`; None for an empty cell.

    Raises
    ------
    ValueError
        If it is no direction, or a number outside -180 to 360.
    """
    if is_missing(value):
        return None
    word = normal(value).replace("_", "").replace("正", "") if isinstance(value, str) else ""
    word = word.replace("north", "n").replace("south", "s").replace("east", "e").replace("west", "w").removesuffix("ern").removesuffix("向")
    if word in _POINTS:
        return _POINTS.index(word) * 22.5
    if word in _HAN_POINTS:
        return _HAN_POINTS.index(word) * 22.5
    if found := _BEARING.match(word):
        return _quadrant(found["from"] or found["zfrom"], found["to"] or found["zto"], float(found["angle"] or found["zangle"]))
    degrees = number(value, "deg")
    if degrees is None or not -180.0 <= degrees <= 360.0:
        raise OutOfRange(value)
    return degrees % 360.0


def _quadrant(start: str, toward: str, angle: float) -> float:
    if angle > 90.0:
        raise ValueError(angle)
    turn = 1.0 if (start in "n北") == (toward in "e东") else -1.0
    return ((0.0 if start in "n北" else 180.0) + turn * angle) % 360.0


def size(value: Any) -> tuple[int, int] | None:
    """Width and height in pixels of `1920x1080`, `1080p` or `4K`; None where the cell says nothing.

    Raises
    ------
    ValueError
        If the text names no size; a bare count of megapixels does not, for it leaves the shape open.
    """
    if is_missing(value):
        return None
    text = normal(value)
    if found := _SIZE.match(text):
        return int(found[1]), int(found[2])
    if text in _NAMED_SIZES:
        return _NAMED_SIZES[text]
    raise ValueError(value)


def date(value: Any) -> str | None:
    """A date as ISO 8601 where it can be read (`2023/5/1`, `2023年5月`, `20230501`, a spreadsheet's date), else the text as it came."""
    if is_missing(value):
        return None
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()[:10]
    text = str(value).strip().removesuffix(".0").removesuffix("T00:00:00").removesuffix(" 00:00:00")
    compact = re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    found = compact or _DATE.match(text)
    if not found:
        return text
    year, month, day = (int(part) if part else 1 for part in found.groups())
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return text


def choice(table: str, value: Any) -> str | None:
    """Our word for a cell of a fixed choice; None where the cell says nothing.

    Raises
    ------
    ValueError
        If the word is not known.
    """
    if is_missing(value):
        return None
    found = meaning(table, value)
    if found is None:
        raise ValueError(value)
    return found


def text(value: Any) -> str | None:
    """A cell as text: whole numbers without a decimal point; None where the cell says nothing."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip() or None
