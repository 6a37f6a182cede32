"""EULUMDAT files (.ldt): one value a line, intensities in candela per 1000 lumens of the lamps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from importers.photometry.luminaire import Luminaire, numbers, wrong
from importers.photometry.sphere import Array, Intensity, written_out

_HEAD = 26  # lines before the lamp sets
_SET = 6  # lines a lamp set
_RATIOS = 10
_LARGEST = 4000


def looks_like_eulumdat(text: str) -> bool:
    """Whether the counts and symmetry stand where EULUMDAT has them."""
    lines = text.splitlines()
    return len(lines) > _HEAD + _SET and all(re.fullmatch(r"\s*\d+(?:[.,]0*)?\s*", lines[k]) for k in (1, 2, 3, 5)) and int(
        float(lines[2].replace(",", "."))
    ) <= 4  # fmt: skip


def read_eulumdat(text: str) -> Luminaire:
    """The luminaire of an EULUMDAT file.

    Raises
    ------
    ValueError
        If it is cut off or contradicts itself; the argument is a code of the catalogue and its details.
    """
    lines = [line.strip() for line in text.splitlines()]
    symmetry, planes, angles = (_whole(lines, k) for k in (2, 3, 5))
    sets = _whole(lines, 25)
    lamps = [lines[_HEAD + _SET * k : _HEAD + _SET * (k + 1)] for k in range(sets)]
    start = _HEAD + _SET * sets + _RATIOS
    values = numbers("\n".join(lines[start:]))
    rows = _rows(symmetry, planes)
    if len(values) < planes + angles + len(rows) * angles:
        raise wrong("photometry_cut_off", expected=planes + angles + len(rows) * angles, found=len(values))
    c_deg, gamma_deg = np.array(values[:planes]), np.array(values[planes : planes + angles])
    table = np.array(values[planes + angles : planes + angles + len(rows) * angles]).reshape(len(rows), angles)
    if (table < 0).any():
        raise wrong("photometry_negative", value=f"{table.min():g}")
    if (np.diff(gamma_deg) <= 0).any() or (np.diff(c_deg) <= 0).any():
        raise wrong("photometry_not_ascending")
    flux = sum(_number(lamp, 2) for lamp in lamps)
    factor = _number(lines, 23) or 1.0
    intensity = _intensity(symmetry, c_deg, rows, gamma_deg, table * flux / 1000.0 * factor)
    ratio = _number(lines, 22) / 100.0
    attributes: dict[str, Any] = {
        "format": "EULUMDAT", "type": "C", "manufacturer": lines[0], "number": lines[9], "symmetry": symmetry,
        "length_m": _number(lines, 12) / 1000.0, "width_m": _number(lines, 13) / 1000.0, "height_m": _number(lines, 14) / 1000.0,
        "lamp_lumens": flux, "light_output_ratio": ratio,
        "colour_temperature": lamps[0][3] if lamps else "", "cri": lamps[0][4] if lamps else "",
    }  # fmt: skip
    watts = sum(_number(lamp, 5) for lamp in lamps) or None
    return Luminaire(lines[8], intensity, flux * ratio if ratio > 0 else None, watts, attributes)


def _rows(symmetry: int, planes: int) -> list[int]:
    """The planes a file of that symmetry holds, as indices of its plane angles, in the order they come."""
    spans = {0: (0, planes), 1: (0, 1), 2: (0, planes // 2 + 1), 4: (0, planes // 4 + 1)}
    if symmetry == 3:
        first = 3 * planes // 4
        return [k % planes for k in range(first, first + planes // 2 + 1)]
    if symmetry not in spans:
        raise wrong("photometry_symmetry", value=symmetry)
    return list(range(*spans[symmetry]))


def _intensity(symmetry: int, c_deg: Array, rows: Sequence[int], gamma_deg: Array, candela: Array) -> Intensity:
    if symmetry == 3:  # from 270 over 360 to 90: the angles after 360 go on counting
        held = c_deg[list(rows)]
        held = np.where(held < 180.0, held + 360.0, held)
        return written_out(held, gamma_deg, candela)
    return written_out(c_deg[list(rows)], gamma_deg, candela)


def _whole(lines: Sequence[str], k: int) -> int:
    value = _number(lines, k)
    if not (value == int(value) and 0 <= value <= _LARGEST):
        raise wrong("photometry_angles", value=lines[k])
    return int(value)


def _number(lines: Sequence[str], k: int) -> float:
    if k >= len(lines):
        raise wrong("photometry_cut_off", expected=k + 1, found=len(lines))
    found = numbers(lines[k])
    return found[0] if found else 0.0
