"""IES LM-63 files of every edition (1986, 1991, 1995, 2002, 2019)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from importers.photometry.luminaire import Luminaire, numbers, wrong
from importers.photometry.sphere import from_type_a_or_b, written_out

_FOOT_M = 0.3048
_TYPES = {1: "C", 2: "B", 3: "A"}
_LARGEST = 4000  # angles along one axis; real files have a few hundred


def read_ies(text: str) -> Luminaire:
    """The luminaire of an LM-63 file.

    Raises
    ------
    ValueError
        If it is cut off or contradicts itself; the argument is a code of the catalogue and its details.
    """
    found = re.search(r"^\s*TILT\s*=\s*(.*)$", text, re.MULTILINE | re.IGNORECASE)
    if found is None:
        raise wrong("photometry_no_tilt")
    keywords = _keywords(text[: found.start()])
    values = numbers(text[found.end() :])
    if found[1].strip().upper() == "INCLUDE":
        values = values[2 + 2 * int(_at(values, 1)) :]
    lamps, per_lamp, multiplier, vertical, horizontal, kind, unit, width, length, height = (_at(values, k) for k in range(10))
    ballast, factor, watts = (_at(values, k) for k in (10, 11, 12))
    v, h = _count(vertical), _count(horizontal)
    if len(values) < 13 + v + h + v * h:
        raise wrong("photometry_cut_off", expected=13 + v + h + v * h, found=len(values))
    v_deg, h_deg = np.array(values[13 : 13 + v]), np.array(values[13 + v : 13 + v + h])
    candela = np.array(values[13 + v + h : 13 + v + h + v * h]).reshape(h, v) * multiplier * ballast * (factor or 1.0)
    _check(v_deg, h_deg, candela)
    metre = _FOOT_M if int(unit) == 1 else 1.0
    letter = _TYPES.get(int(kind))
    if letter is None:
        raise wrong("photometry_type", value=kind)
    intensity = written_out(h_deg, v_deg, candela) if letter == "C" else from_type_a_or_b(letter, h_deg, v_deg, candela)
    stated = None if per_lamp < 0 else lamps * per_lamp
    sizes = {"width_m": width * metre, "length_m": length * metre, "height_m": height * metre}
    attributes: dict[str, Any] = {"format": _edition(text), "type": letter, "is_absolute": per_lamp < 0, **sizes, "keywords": keywords}
    if found[1].strip().upper() not in {"NONE", "INCLUDE"}:
        attributes["tilt_file"] = found[1].strip()
    name = keywords.get("LUMINAIRE") or keywords.get("LUMCAT") or ""
    return Luminaire(name, intensity, stated, watts or None, attributes)


def _edition(text: str) -> str:
    first = text.lstrip("\ufeff \r\n").split("\n", 1)[0].strip()
    return first if first.upper().startswith("IES") else "LM-63-1986"


def _keywords(head: str) -> dict[str, str]:
    found: dict[str, str] = {}
    last = ""
    for line in head.splitlines():
        match = re.match(r"\s*\[(\w+)\]\s*(.*)", line)
        if match is None:
            continue
        key = match[1].upper().lstrip("_")
        if key == "MORE" and last:
            found[last] = f"{found[last]} {match[2].strip()}"
        else:
            last = key
            found[key] = match[2].strip()
    return {key: value for key, value in found.items() if value}


def _at(values: Sequence[float], k: int) -> float:
    if k >= len(values):
        raise wrong("photometry_cut_off", expected=13, found=len(values))
    return values[k]


def _count(value: float) -> int:
    if not (value == int(value) and 1 <= value <= _LARGEST):
        raise wrong("photometry_angles", value=f"{value:g}")
    return int(value)


def _check(v_deg: Any, h_deg: Any, candela: Any) -> None:
    if (np.diff(v_deg) <= 0).any() or (np.diff(h_deg) <= 0).any():
        raise wrong("photometry_not_ascending")
    if (candela < 0).any():
        raise wrong("photometry_negative", value=f"{candela.min():g}")
