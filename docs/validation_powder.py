"""Path loss against a campus: `python docs/validation_powder.py` writes `docs/validation/powder.md` and `docs/validation/powder.svg`.

The set is `radio/powder_462MHz` of the test data: a handheld of 1 W at 462.7 MHz, walked and driven about a campus, and the level at
receivers on roofs, on walls, at kerbs and in shuttles, with positions of all in longitude and latitude. There are no buildings and no
ground in it, and no heights: every link counts as without line of sight, antennas on roofs as 25 m, in shuttles as 3 m, all others and
the handheld as 1.5 m above the ground. The transmitted power reaches the antennas by no known gain, so one level is taken out of all
readings of the scene together, their median; nothing else is fitted. As the receivers were never calibrated against each other, a
second column takes out one level for each receiver: what is left there is how the level falls with distance.

A receiver hears nothing below its noise: readings of two of them hardly change over the whole campus. They are counted, and left out
in the last column.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.propagation import MODELS, Links, free_space_db, path_loss_db

FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parent / "validation"
DATA = "radio/powder_462MHz/april_2022.json"
F_GHZ = 0.4627
HANDHELD_M = 1.5
EARTH_M = 6_371_008.8
FARTHEST_M = 5_000.0  # a shuttle whose receiver reports no position is far away from the campus
NEAREST_M = 5.0
# height of receivers above the ground by the deployment that their names tell [m]
HEIGHTS_M: Mapping[str, float] = {"-comp": 25.0, "bus-": 3.0, "-b210": 1.5}
NOISE_DB = 6.0  # readings of a receiver that vary less than this from the tenth to the ninetieth percentile are mostly noise
# what is compared: row of the table -> model, whether links count as in line of sight
ROWS: Mapping[str, tuple[str, bool]] = {
    "free space (ITU-R P.525)": ("free_space", True),
    "ITU-R P.1238-11, office, NLoS": ("p1238-office", False),
    "3GPP TR 38.901 UMa, NLoS": ("38.901-uma", False),
    "3GPP TR 38.901 UMi, NLoS": ("38.901-umi", False),
    "3GPP TR 38.901 RMa, NLoS": ("38.901-rma", False),
    "3GPP TR 36.942 urban": ("36.942", False),
    "ITU-R P.1411-12 4.3.1, low terminals": ("p1411-low", False),
    "ITU-R P.1411-12 residential, NLoS": ("p1411-residential", False),
    "ITU-R P.1411-12 over roofs, NLoS": ("p1411-roof", False),
    "Okumura-Hata, suburb": ("hata", False),
    "two rays over flat ground": ("two_ray", True),
}
OURS = "3GPP TR 38.901 UMa, NLoS"  # what the measures use where nothing else is asked for
FREE = "free space (ITU-R P.525)"


@dataclass(frozen=True)
class Readings:
    """n readings."""

    receiver: NDArray[Any]  # (n,) names
    d_m: FloatArray  # (n,) along the ground
    h_m: FloatArray  # (n,) of the receiver above the ground
    level: FloatArray  # (n,) [dB] without calibration

    def __len__(self) -> int:
        return len(self.level)


@dataclass(frozen=True)
class Figures:
    """How far predictions are from readings, when one level is taken out of the scene, or of each receiver."""

    median_db: float  # of the absolute errors
    sigma_db: float
    rank: float  # Spearman's
    sigma_by_receiver_db: float
    heard: tuple[float, float, float]  # median, sigma and rank without the receivers that hear little but noise


def readings(data: Path) -> Readings:
    """All readings of receivers whose place is known."""
    rows: list[tuple[str, float, float]] = []
    for sample in json.loads((data / DATA).read_text("utf-8")).values():
        lat, lon = sample["tx_coords"][0]
        for level, at_lat, at_lon, name in sample["rx_data"]:
            if np.isfinite([level, at_lat, at_lon]).all():
                rows.append((name, _apart_m(lat, lon, at_lat, at_lon), level))
    name, d, level = (np.array(column) for column in zip(*rows, strict=True))
    near = d < FARTHEST_M
    return Readings(name[near], d[near], np.array([_height_m(str(each)) for each in name[near]]), level[near])


def predicted(found: Readings, model: str, *, clear: bool) -> FloatArray:
    """Levels (n,) that a model predicts, up to one level for all. [dB]"""
    d = np.maximum(found.d_m, NEAREST_M)
    link = Links(F_GHZ, d, np.hypot(d, found.h_m - HANDHELD_M), np.maximum(found.h_m, HANDHELD_M), HANDHELD_M)
    if model == "free_space":
        return -free_space_db(link.d3d_m, F_GHZ)
    return -path_loss_db(MODELS[model], link, clear, extrapolate=True)


def figures(found: Readings, said: FloatArray) -> Figures:
    """How far what was said (n,) [dB] is from the readings."""
    off = found.level - said
    by_receiver = np.concatenate(
        [off[found.receiver == name] - np.median(off[found.receiver == name]) for name in np.unique(found.receiver)]
    )
    kept = ~np.isin(found.receiver, list(noisy(found)))
    median, sigma, rank = _three(off, said, found.level)
    return Figures(median, sigma, rank, float(by_receiver.std()), _three(off[kept], said[kept], found.level[kept]))


def noisy(found: Readings) -> set[str]:
    """The receivers whose readings hardly change."""
    return {
        str(name)
        for name in np.unique(found.receiver)
        if np.ptp(np.quantile(found.level[found.receiver == name], [0.1, 0.9])) < NOISE_DB and (found.receiver == name).sum() > 100
    }


def all_figures(data: Path) -> dict[str, Figures]:
    """Figures of every row of the table."""
    found = readings(data)
    return {row: figures(found, predicted(found, model, clear=clear)) for row, (model, clear) in ROWS.items()}


def table(found: Readings, every: Mapping[str, Figures]) -> str:
    """The table, as Markdown."""
    columns = ("model", "valid at 463 MHz", "median error dB", "sigma dB", "rank correlation", "sigma dB, one level a receiver")
    lines = [
        f"{len(found)} readings, {len(np.unique(found.receiver))} receivers, one level taken out of all of them.",
        "",
        f"Little but noise: {', '.join(sorted(noisy(found)))}.",
        "",
        f"| {' | '.join(columns)} | without noise: median, sigma, rank |",
        "|---|---|---|---|---|---|---|",
    ]
    for row, told in every.items():
        low, high = MODELS[ROWS[row][0]].validity.f_ghz
        valid = "yes" if low <= F_GHZ <= high else f"no: {low:g} to {high:g} GHz"
        heard = f"{told.heard[0]:.1f}, {told.heard[1]:.1f}, {told.heard[2]:.2f}"
        numbers = f"{told.median_db:.1f} | {told.sigma_db:.1f} | {told.rank:.2f} | {told.sigma_by_receiver_db:.1f} | {heard}"
        lines.append(f"| {row} | {valid} | {numbers} |")
    return "\n".join(lines) + "\n"


def plot(found: Readings) -> str:
    """Readings over distance, with the lines of some models laid through their median, as SVG."""
    width, height, left, top = 760.0, 440.0, 60.0, 20.0
    d = np.maximum(found.d_m, NEAREST_M)
    span_x, span_y = (np.log10(NEAREST_M * 4), np.log10(2000.0)), (-105.0, -10.0)

    def x(values: FloatArray) -> FloatArray:
        return left + (np.log10(values) - span_x[0]) / (span_x[1] - span_x[0]) * (width - left - 20)

    def y(values: FloatArray) -> FloatArray:
        return top + (span_y[1] - values) / (span_y[1] - span_y[0]) * (height - top - 45)

    shown = np.arange(0, len(found), 3)
    dots = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1.6"/>' for a, b in zip(x(d[shown]), y(found.level[shown]), strict=True)]
    parts = [f'<g fill="#7a869a" fill-opacity="0.45">{"".join(dots)}</g>']
    reach = np.geomspace(20.0, 2000.0, 60)
    colours = {FREE: "#d1495b", OURS: "#1f6feb", "ITU-R P.1411-12 4.3.1, low terminals": "#2a9d8f"}
    for k, (row, colour) in enumerate(colours.items()):
        model, clear = ROWS[row]
        offset = float(np.median(found.level - predicted(found, model, clear=clear)))
        line = (
            predicted(Readings(np.full(60, ""), reach, np.full(60, float(np.median(found.h_m))), np.zeros(60)), model, clear=clear) + offset
        )
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(reach), y(line), strict=True))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - 300}" y="{top + 18 + 18 * k}" fill="{colour}">{row}</text>')
    ticks = [(float(x(np.array([metres]))[0]), metres) for metres in (20, 50, 100, 200, 500, 1000, 2000)]
    parts += [f'<text x="{at:.1f}" y="{height - 22}" text-anchor="middle">{metres}</text>' for at, metres in ticks]
    steps = [(float(y(np.array([level]))[0]), level) for level in range(-100, -9, 15)]
    parts += [f'<text x="{left - 8}" y="{at + 4:.1f}" text-anchor="end">{level}</text>' for at, level in steps]
    parts.append(f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">distance [m]</text>')
    parts.append(f'<text x="14" y="{height / 2}" text-anchor="middle" transform="rotate(-90 14 {height / 2})">level [dB]</text>')
    frame = f'<rect x="{left}" y="{top}" width="{width - left - 20}" height="{height - top - 45}" fill="none" stroke="#c9d1d9"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="12">'
    return f'{head}<rect width="100%" height="100%" fill="#fff"/>{frame}{"".join(parts)}</svg>\n'


def _three(off: FloatArray, said: FloatArray, level: FloatArray) -> tuple[float, float, float]:
    """Median of the absolute errors, their standard deviation and the rank correlation, with the median level taken out."""
    left = off - np.median(off)
    rank = np.corrcoef(_ranks(said), _ranks(level))[0, 1]
    return float(np.median(np.abs(left))), float(left.std()), float(rank)


def _ranks(values: FloatArray) -> FloatArray:
    """Ranks (n,), equal values sharing theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2.0)[place.ravel()], np.float64)


def _height_m(name: str) -> float:
    return next((height for part, height in HEIGHTS_M.items() if part in name), HANDHELD_M)


def _apart_m(lat: float, lon: float, other_lat: float, other_lon: float) -> float:
    """Distance along the ground, by haversines on a sphere. [m]"""
    a, b, c, d = np.radians([lat, lon, other_lat, other_lon])
    chord = np.sin((c - a) / 2) ** 2 + np.cos(a) * np.cos(c) * np.sin((d - b) / 2) ** 2
    return float(2 * EARTH_M * np.arcsin(np.sqrt(chord)))


def main() -> None:
    """Write the page and the plot."""
    data = Path(os.environ.get("PARKTWIN_DATA") or (sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data"))
    found = readings(data)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "powder.md").write_text(table(found, all_figures(data)), "utf-8")
    (FOLDER / "powder.svg").write_text(plot(found), "utf-8")


if __name__ == "__main__":
    main()
