"""Path loss indoors against measured Wi-Fi: `python docs/validation_radio.py` writes `docs/validation/wifi.md` and a plot for each scene.

The set is `radio/wifi_rtt_rss` of the test data: the level of access points at surveyed places of an office and of a corridor, sixty
scans a place. What is predicted is the median of a place; it is told by the positions alone, as there are no floor plans. Access points
hang about a metre above the phone. The transmitted power is not known, so one level is taken out of each scene, for all its access
points together; nothing else is fitted to the places that are judged. The breakpoint of the last row of each scene is that TGn model's
which tells the other scenes best: the scene itself has no part in the choice.

Two rows say what could be reached: a straight line over the logarithm of the distance fitted to the judged places themselves, and the
scatter between places less than 0.9 m apart, which no model of walls and distances can tell.

`docs/validation_powder.py` does the same outdoors.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twin.coverage.indoor import TGN, breakpoint_db
from twin.coverage.propagation import MODELS, Links, free_space_db, path_loss_db

FloatArray = NDArray[np.float64]

FOLDER = Path(__file__).parent / "validation"
DATA = "radio/wifi_rtt_rss"
GRID_M = 0.6  # of X and Y
ABOVE_M = 1.0  # access points over the phone
F_GHZ = 5.2  # not stated; ranging is done at 5 GHz, and the level is taken out anyway
NOT_HEARD = -150.0  # the set writes -200 dBm
NEAR_M = 0.9  # places this near to each other differ by what no model tells
FREE, OTHER = "free space (ITU-R P.525)", "TGn, breakpoint chosen on the other scenes"
LINE = "straight line fitted to the judged places (for comparison)"

Loss = Callable[[FloatArray], FloatArray]  # distances (n,) [m] -> (n,) [dB]


@dataclass(frozen=True)
class Scene:
    """n medians of one access point at one place each."""

    name: str
    place: FloatArray  # (n, 2) [m]
    point: NDArray[np.int64]  # (n,) which access point
    d_m: FloatArray  # (n,) between them in space
    level: FloatArray  # (n,) [dBm]


@dataclass(frozen=True)
class Figures:
    """How far predictions are from medians, one level taken out of the scene."""

    median_db: float  # of the absolute errors
    sigma_db: float
    rank: float  # Spearman's


def _model(name: str, *, clear: bool) -> Loss:
    return lambda d: path_loss_db(MODELS[name], Links(F_GHZ, d, d), clear, extrapolate=True)


def _broken(breakpoint_m: float) -> Loss:
    return lambda d: breakpoint_db(d, F_GHZ, breakpoint_m)


BREAKPOINTS_M: Sequence[float] = sorted({row[0] for row in TGN.values()})
ROWS: Mapping[str, Loss] = {
    FREE: lambda d: free_space_db(d, F_GHZ),
    "ITU-R P.1238-11, office, LoS": _model("p1238-office", clear=True),
    "ITU-R P.1238-11, office, NLoS": _model("p1238-office", clear=False),
    "ITU-R P.1238-11, corridor, LoS": _model("p1238-corridor", clear=True),
    "ITU-R P.1238-11, corridor, NLoS": _model("p1238-corridor", clear=False),
    "3GPP TR 38.901 InH, NLoS": _model("38.901-inh", clear=False),
    **{f"TGn, breakpoint {reach:g} m": _broken(reach) for reach in BREAKPOINTS_M},
}


def scenes(data: Path) -> list[Scene]:
    """Every scene whose access points are listed: its training and test places together, and each set alone where there are both."""
    listed = _access_points(data / DATA)
    found: list[Scene] = []
    for name, points in listed.items():
        sets = {path.stem.rsplit("_", 1)[1]: _read(path, points) for path in sorted((data / DATA).glob(f"database_{name}_*.csv"))}
        if not sets:
            continue
        found.append(_scene(name.replace("_", " "), list(sets.values())))
        if len(sets) > 1:
            found += [_scene(f"{name.replace('_', ' ')}, {part}", [rows]) for part, rows in sets.items()]
    return found


def figures(scene: Scene, loss_db: FloatArray) -> Figures:
    """How far a loss (n,) [dB] is from what was measured."""
    off = scene.level + loss_db
    rank = np.corrcoef(_ranks(np.round(-loss_db, 6)), _ranks(scene.level))[0, 1]
    return Figures(float(np.median(np.abs(off - np.median(off)))), float(off.std()), float(rank))


def best_breakpoint_m(others: Sequence[Scene]) -> float:
    """The breakpoint of the TGn models that tells scenes best: least squares, one level a scene. [m]"""
    return min(BREAKPOINTS_M, key=lambda reach: sum(float(np.var(scene.level + _broken(reach)(scene.d_m))) for scene in others))


def all_figures(every: Sequence[Scene]) -> dict[str, dict[str, Figures]]:
    """For each scene, figures by row of the table."""
    found: dict[str, dict[str, Figures]] = {}
    for scene in every:
        rows = {row: figures(scene, loss(scene.d_m)) for row, loss in ROWS.items()}
        others = others_of(scene, every)
        if others:
            rows[OTHER] = figures(scene, _broken(best_breakpoint_m(others))(scene.d_m))
        slope = np.polyfit(np.log10(scene.d_m), scene.level, 1)
        found[scene.name] = rows | {LINE: figures(scene, np.asarray(-np.polyval(slope, np.log10(scene.d_m)), np.float64))}
    return found


def others_of(scene: Scene, every: Sequence[Scene]) -> list[Scene]:
    """The scenes of other rooms, each once."""
    own = scene.name.split(",")[0]
    return [other for other in every if "," not in other.name and other.name != own]


def scatter_db(scene: Scene) -> float | None:
    """What is left between places less than NEAR_M apart once free space is taken out: the standard deviation at one place. [dB]"""
    off = scene.level + free_space_db(scene.d_m, F_GHZ)
    gap = np.linalg.norm(scene.place[:, None] - scene.place[None, :], axis=2)
    i, j = np.nonzero(np.triu((gap < NEAR_M) & (gap > 0) & (scene.point[:, None] == scene.point[None, :])))
    return float(np.sqrt(np.mean((off[i] - off[j]) ** 2) / 2.0)) if len(i) else None


def table(every: Sequence[Scene], found: Mapping[str, Mapping[str, Figures]]) -> str:
    """The tables, as Markdown."""
    lines: list[str] = []
    for scene in every:
        near = scatter_db(scene)
        others = others_of(scene, every)
        lines += [
            f"## {scene.name}",
            "",
            f"{len(scene.level)} medians of {len(np.unique(scene.point))} access points, one level taken out of all of them"
            + (f"; between neighbouring places {near:.1f} dB" if near is not None else "")
            + (f"; breakpoint chosen on {' and '.join(other.name for other in others)}: {best_breakpoint_m(others):g} m" if others else "")
            + ".",
            "",
            "| model | median error dB | sigma dB | rank correlation |",
            "|---|---|---|---|",
            *(f"| {row} | {told.median_db:.2f} | {told.sigma_db:.2f} | {told.rank:.3f} |" for row, told in found[scene.name].items()),
            "",
        ]
    return "\n".join(lines)


def plot(scene: Scene, every: Sequence[Scene]) -> str:
    """Medians over distance, and the lines of some models laid through their mean, as SVG."""
    width, height, left, top = 760.0, 420.0, 60.0, 20.0
    span_x, span_y = (np.log10(1.0), np.log10(40.0)), (-100.0, -40.0)

    def x(values: FloatArray) -> FloatArray:
        return left + (np.log10(values) - span_x[0]) / (span_x[1] - span_x[0]) * (width - left - 20)

    def y(values: FloatArray) -> FloatArray:
        return top + (span_y[1] - values) / (span_y[1] - span_y[0]) * (height - top - 45)

    hues = ("#7a869a", "#b08968", "#6a994e", "#9d4edd", "#bc6c25")
    parts = [
        f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.2" fill="{hues[k % len(hues)]}" fill-opacity="0.6"/>'
        for a, b, k in zip(x(scene.d_m), y(scene.level), scene.point.tolist(), strict=True)
    ]
    reach = np.geomspace(1.0, 40.0, 80)
    others = others_of(scene, every)
    lines: dict[str, tuple[Loss, str]] = {
        FREE: (ROWS[FREE], "#d1495b"), "ITU-R P.1238-11, office, NLoS": (ROWS["ITU-R P.1238-11, office, NLoS"], "#2a9d8f"),
        **({OTHER: (_broken(best_breakpoint_m(others)), "#1f6feb")} if others else {}),
    }  # fmt: skip
    for k, (row, (loss, colour)) in enumerate(lines.items()):
        level = float(np.mean(scene.level + loss(scene.d_m))) - loss(reach)
        seen = (level < span_y[1]) & (level > span_y[0])
        path = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x(reach[seen]), y(level[seen]), strict=True))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{width - 300}" y="{top + 18 + 18 * k}" fill="{colour}">{row}</text>')
    parts += [
        f'<text x="{float(x(np.array([float(metres)]))[0]):.1f}" y="{height - 22}" text-anchor="middle">{metres}</text>'
        for metres in (1, 2, 5, 10, 20, 40)
    ]
    parts += [
        f'<text x="{left - 8}" y="{float(y(np.array([float(level)]))[0]) + 4:.1f}" text-anchor="end">{level}</text>'
        for level in range(-100, -39, 10)
    ]
    parts.append(f'<text x="{width / 2}" y="{height - 4}" text-anchor="middle">{scene.name}: distance [m]</text>')
    parts.append(f'<text x="14" y="{height / 2}" text-anchor="middle" transform="rotate(-90 14 {height / 2})">level [dBm]</text>')
    frame = f'<rect x="{left}" y="{top}" width="{width - left - 20}" height="{height - top - 45}" fill="none" stroke="#c9d1d9"/>'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" font-family="sans-serif" font-size="12">'
    return f'{head}<rect width="100%" height="100%" fill="#fff"/>{frame}{"".join(parts)}</svg>\n'


def _access_points(folder: Path) -> dict[str, FloatArray]:
    """Positions (a, 2) of the access points by scene, in cells of the grid; scenes are written with underscores, as files are."""
    found: dict[str, FloatArray] = {}
    name, columns = "", dict[str, list[float]]()
    for line in (line.strip() for path in sorted(folder.glob("*AP_position*.txt")) for line in path.read_text("utf-8").splitlines()):
        if line.startswith("AP "):
            axis, values = line[3:].split(":")
            columns[axis.strip()] = [float(value) for value in values.split(",")]
            if len(columns) == 2:
                found[name] = np.column_stack([columns["X"], columns["Y"]])
        elif line:
            name, columns = line.replace(" ", "_"), {}
    return found


def _read(path: Path, points: FloatArray) -> Any:
    """Rows (place x, place y, access point, median level) of one file [cells, dBm].

    A table may have more columns than there are access points: those that are heard belong to the listed positions, in order.
    """
    header = path.read_text("utf-8-sig").splitlines()[0].split(",")
    columns = [i for i, title in enumerate(header) if title.endswith("RSS(dBm)")]
    rows = np.genfromtxt(path, delimiter=",", skip_header=1, usecols=[header.index("X"), header.index("Y"), *columns])
    heard = [2 + k for k in range(len(columns)) if (rows[:, 2 + k] > NOT_HEARD).any()][: len(points)]
    places, place = np.unique(rows[:, :2], axis=0, return_inverse=True)
    found: list[tuple[float, float, int, float]] = []
    for p, (x, y) in enumerate(places.tolist()):
        own = rows[place.ravel() == p]
        for k, column in enumerate(heard):
            levels = own[own[:, column] > NOT_HEARD, column]
            if len(levels) * 2 >= len(own):  # heard in half of the scans at least
                found.append((x, y, k, float(np.median(levels))))
    offset = np.hypot(*((np.array(found)[:, :2] - points[np.array(found)[:, 2].astype(int)]) * GRID_M).T)
    return np.column_stack([np.array(found), np.hypot(offset, ABOVE_M)])


def _scene(name: str, parts: Sequence[Any]) -> Scene:
    rows = np.concatenate(list(parts))
    return Scene(name, rows[:, :2] * GRID_M, rows[:, 2].astype(np.int64), rows[:, 4], rows[:, 3])


def _ranks(values: FloatArray) -> FloatArray:
    """Ranks (n,), equal values sharing theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2.0)[place.ravel()], np.float64)


def main() -> None:
    """Write the page and the plots."""
    data = Path(os.environ.get("PARKTWIN_DATA") or (sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "data"))
    every = scenes(data)
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "wifi.md").write_text(table(every, all_figures(every)), "utf-8")
    for scene in every:
        if "," not in scene.name:
            (FOLDER / f"wifi_{scene.name.replace(' ', '_')}.svg").write_text(plot(scene, every), "utf-8")


if __name__ == "__main__":
    main()
