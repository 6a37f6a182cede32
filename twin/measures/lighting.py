"""What the lighting measures share: lamps read as luminaires, and what they light of a surface."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

from twin.coverage.bounded import Areas, Judge
from twin.coverage.lighting import Asked, Distribution, Lit, Luminaires, from_afar, given, isotropic, lambertian, lit, reach_m
from twin.coverage.sightlines import Lines, as_points, freed, pairs, settled, these, with_most_in_the_way
from twin.devices import mounting_height, positions
from twin.measures.emitters import Ground, Scenes, covered, looked, opened, proud, share_of, widest_first
from twin.measures.spoken import amount, is_so, said, sort_of, words
from twin.model import Device, Photometry
from twin.scene.ground import ground_of
from twin.store import Store

FloatArray = NDArray[np.float64]

EFFICACY_LM_W = 100.0  # of a lamp that says its power and not its flux
USUAL_LUMENS = 10_000.0  # of one that says neither
SLACK: Mapping[str, tuple[float, float]] = {"power_w": (0.6, 1.6), "lumens": (0.3, 3.0)}  # factor to the flux where it is taken so
LIFT_M = 0.5  # sight is looked at this far above what is lit
FOLLOWED_SHARE = 0.01  # a luminaire is followed to where it gives this share of what is asked
MOST_LINES = 30_000_000  # cells in sight of lamps that are held at once, each some 90 bytes
DISTRIBUTIONS = ("lambertian", "isotropic")


@dataclass(frozen=True)
class Lamps:
    """The lamps that count, as luminaires, and what is assumed of them."""

    devices: Sequence[Device]
    luminaires: Luminaires
    assumed: Mapping[str, Sequence[int]]  # attribute -> rows of the lamps for which it is assumed
    warnings: Sequence[Mapping[str, Any]]

    @property
    def resting(self) -> set[int]:
        """The rows of the lamps that rest on an assumed attribute."""
        return {row for rows in self.assumed.values() for row in rows}


@dataclass(frozen=True)
class Light:
    """What lamps light of a surface."""

    lines: Lines
    first: Lit
    areas: Areas
    asked: Asked
    pairs: tuple[NDArray[np.int64], NDArray[np.int64], FloatArray]  # cell, lamp and illuminance of what reaches a cell's point [lx]


def gather_lamps(store: Store, devices: Sequence[Device], distribution: str, toward: Any) -> Lamps:
    """Lamps as luminaires; a front that nobody gives is taken to look at the nearest place of `toward` (shapely, x y [m, enu])."""
    places, buried = proud(store, devices, positions(store, devices))
    files = {_stem(photometry.id): k for k, photometry in enumerate(store.photometries())}
    forms = [_form(photometry) for photometry in store.photometries()]
    unit = {"lambertian": lambertian(1.0), "isotropic": isotropic(1.0)}
    other = next(name for name in DISTRIBUTIONS if name != distribution)
    forms += [unit[distribution], unit[other]]
    assumed: dict[str, list[int]] = {}
    form, scale = np.zeros((len(devices), 2), np.int64), np.ones((len(devices), 3))
    for i, device in enumerate(devices):
        file = files.get(_stem(str(said(device, "photometry") or "")))
        flux, source = _flux(device)
        if file is None:
            form[i] = len(forms) - 2, len(forms) - 1
            scale[i] = flux * np.array([*SLACK.get(source, (1.0, 1.0))])[[0, 0, 1]]
            scale[i, 1] = flux
            guessed = ["photometry", *([source] if source else [])]
        else:
            form[i] = file
            scale[i] = 1.0 if source else flux / max(forms[file].lumens, 1e-9)
            guessed = []
        guessed += ["azimuth_deg"] if amount(device, "azimuth_deg", most=360.0) is None and not _is_round(forms[form[i, 0]]) else []
        guessed += ["height_m"] if device.z_m is None and mounting_height(device)[1] else []
        for name in guessed:
            assumed.setdefault({"power_w": "lumens"}.get(name, name), []).append(i)
    azimuth = np.array([_radians(amount(device, "azimuth_deg", most=360.0)) for device in devices], float)
    azimuth[[i for i in range(len(devices)) if _is_round(forms[form[i, 0]]) and np.isnan(azimuth[i])]] = 0.0
    tilt = np.array([math.radians(amount(device, "tilt_deg", least=-90.0, most=90.0) or 0.0) for device in devices], float)
    luminaires = Luminaires(places, azimuth, _toward(places, toward), tilt, form, scale, forms)
    return Lamps(devices, luminaires, assumed, _warnings(devices, assumed, buried))


def light(store: Store, ground: Ground, pair: Any, lamps: Lamps, level_lx: float, mf: float) -> Light:
    """What lamps light of the ground, to a level [lx] under a maintenance factor [1]."""
    luminaires, reach = lamps.luminaires, followed_m(store, lamps, level_lx, mf)
    lines = looked(ground, pair, luminaires.position, reach)
    asked = Asked(level_lx, mf, reach, LIFT_M)
    first, found = covered(ground, judge_of(luminaires, lines, asked))
    cell, number = pairs(lines)
    return Light(lines, first, found, asked, (cell, number, given(luminaires, number, places_of(ground)[cell], mf=mf)))


def followed_m(store: Store, lamps: Lamps, level_lx: float, mf: float) -> FloatArray:
    """How far each lamp is followed (m,). [m]"""
    luminaires = lamps.luminaires
    heights = luminaires.position[:, 2] - ground_of(store)(luminaires.position[:, :2]) if len(luminaires) else np.empty(0)
    return reach_m(luminaires, np.maximum(heights, 1.0), max(level_lx, 0.1) * FOLLOWED_SHARE, mf)


def fits(ground: Ground, lamps: Lamps, reach: FloatArray) -> bool:
    """Whether no more than MOST_LINES cells lie within reach (m,) [m] of lamps, each counted for each."""
    if len(ground.cells) * len(lamps.devices) <= MOST_LINES:
        return True
    near = KDTree(ground.cells.centre[:, :2]).query_ball_point(lamps.luminaires.position[:, :2], reach, return_length=True, workers=-1)
    return int(np.sum(near)) <= MOST_LINES


def areas_of(ground: Ground, lamps: Lamps, found: Light, rows: NDArray[np.int64]) -> Areas:
    """The areas that some of the lamps (k,), ascending, light by themselves."""
    of, asked = lamps.luminaires, replace(found.asked, reach=found.asked.reach[rows])
    some = Luminaires(of.position[rows], of.azimuth_rad[rows], of.aim_rad[rows], of.tilt_rad[rows], of.form[rows], of.scale[rows], of.forms)
    return covered(ground, judge_of(some, these(found.lines, rows), asked))[1]


def places_of(ground: Ground) -> FloatArray:
    """The lit point (n, 3) of each cell. [m, enu]"""
    return ground.cells.representative - np.array([0.0, 0.0, LIFT_M])


def judge_of(luminaires: Luminaires, lines: Lines, asked: Asked) -> Judge:
    """What says of cells how luminaires light them."""
    afar = from_afar(luminaires, lines, asked)
    return lambda cells, _: lit(luminaires, lines, cells, asked, afar)


def sensitivity(ground: Ground, scenes: Scenes, lamps: Lamps, found: Light) -> list[Mapping[str, Any]]:
    """What opens the bounds of what lamps light to the level."""
    asked = found.asked
    certain = _certain(lamps.luminaires)
    spots, lines = as_points(ground.cells), settled(found.lines)
    value = share_of(ground.cells, found.first.covered)
    rows: list[Mapping[str, Any]] = []
    for name, those in lamps.assumed.items():
        if name in _OPENING:
            only = _only(lamps.luminaires, certain, name)
            got = judge_of(only, lines, replace(asked, reach=np.full(len(only), np.inf)))(spots, None)
            rows.append(opened(name, len(those), share_of(ground.cells, _array(got.sure)), share_of(ground.cells, _array(got.possible))))
    for name, scene in scenes.single.items():
        got = judge_of(certain, settled(freed(found.lines, scene, certain.position)), asked)(spots, None)
        rows.append(opened(name, len(certain), value, max(value, share_of(ground.cells, _array(got.covered)))))
    total = max(float(ground.cells.area.sum()), 1e-12)
    exact = covered(ground, judge_of(certain, with_most_in_the_way(found.lines), asked))[1]
    rows.append(opened("undecided_cells", len(certain), float(exact.sure.sum()) / total, float(exact.possible.sum()) / total))
    return widest_first(rows, float(found.areas.covered.sum()) / total)


_OPENING = ("photometry", "lumens", "azimuth_deg")


def _array(value: Any) -> NDArray[np.bool_]:
    return np.asarray(value, bool)


def _certain(luminaires: Luminaires) -> Luminaires:
    azimuth = np.where(np.isnan(luminaires.azimuth_rad), luminaires.aim_rad, luminaires.azimuth_rad)
    return replace(luminaires, azimuth_rad=azimuth, form=luminaires.form[:, [0, 0]], scale=luminaires.scale[:, [1, 1, 1]])


def _only(luminaires: Luminaires, certain: Luminaires, name: str) -> Luminaires:
    """Luminaires of which one attribute alone is open."""
    if name == "photometry":
        return replace(certain, form=luminaires.form)
    return replace(certain, scale=luminaires.scale) if name == "lumens" else replace(certain, azimuth_rad=luminaires.azimuth_rad)


def _form(photometry: Photometry) -> Distribution:
    candela = np.nan_to_num(np.asarray(photometry.candela, float), posinf=0.0, neginf=0.0)
    return Distribution(np.asarray(photometry.c_deg, float), np.asarray(photometry.gamma_deg, float), np.maximum(candela, 0.0))


def _is_round(form: Distribution) -> bool:
    """Whether a distribution is the same all round."""
    return bool(np.ptp(form.candela, axis=0).max(initial=0.0) <= 1e-9 * max(float(form.candela.max(initial=0.0)), 1e-9))


def _flux(device: Device) -> tuple[float, str]:
    """Flux of a lamp [lm], and the attribute it is assumed for: none, its power stands in, or the usual."""
    lumens, watts = amount(device, "lumens"), amount(device, "power_w")
    if lumens is not None and lumens > 0:
        return lumens, ""
    return (watts * EFFICACY_LM_W, "power_w") if watts else (USUAL_LUMENS, "lumens")


def _toward(places: FloatArray, target: Any) -> FloatArray:
    """The azimuth (n,) from places to the nearest place of a shape; north where they stand on it. [rad]"""
    out = np.zeros(len(places))
    if target is None or target.is_empty or not len(places):
        return out
    ends = shapely.get_coordinates(shapely.shortest_line(shapely.points(places[:, :2]), target)).reshape(-1, 2, 2)
    way = ends[:, 1] - ends[:, 0]
    return np.arctan2(way[:, 0], way[:, 1])


def _radians(value: float | None) -> float:
    return math.nan if value is None else math.radians(value)


def _stem(name: str) -> str:
    """The name of a photometric file without folder and extension, in one case."""
    return PurePath(name.replace("\\", "/")).stem.casefold()


def _warnings(devices: Sequence[Device], assumed: Mapping[str, Sequence[int]], buried: Sequence[str]) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = [{"code": "no_devices", "subject": "lamp"}] if not devices else []
    for name, rows in sorted(assumed.items()):
        ids = [devices[i].id for i in rows]
        told.append({"code": "attribute_assumed", "subject": "lamp", "attribute": name, "count": len(ids), "ids": ids})
    if buried:
        told.append({"code": "device_inside_building", "subject": "lamp", "count": len(buried), "ids": list(buried)})
    return told


def is_networked(device: Device) -> bool | None:
    """Whether a lamp is controlled over a network; None where nobody says."""
    own = is_so(device, "controllable")
    modes = modes_of(device)
    if own is None and modes is not None:
        return bool(modes)
    return own


def modes_of(device: Device) -> list[str] | None:
    """The ways a lamp is controlled, of the modes in `spoken.toml`; none of them where it is switched by hand; None where nobody says."""
    value = said(device, "control_modes")
    if value is None:
        return None
    text = str(value).casefold()
    return [mode for mode, own in words()["control_modes"].items() if any(word in text for word in own)]


def class_of(device: Device) -> str:
    """The class of a lamp by its own word, else `other`."""
    return str(device.attributes.get("class") or sort_of(device, "lamps") or "other")
