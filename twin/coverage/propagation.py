"""Path loss in closed form: how much weaker a radio wave is at the far end of a link.

Every model is an entry of `MODELS`: its formulas with and without line of sight, the range its source states and its shadowing.
Whether a link has line of sight is not drawn by chance as in a system simulation: the scene decides it, ray by ray. The formulas
without line of sight hold average blockage and diffraction already, so no wall or edge loss may be added for the same obstacle.

             h_bs |\\  d3d
                  | `--.__
                  |       `--.__   h_ut
        __________|_____________`-.|___   d2d along the ground

For one frequency and pair of heights each of these formulas is made of straight lines over log10(d3d), which break at one distance:

    line of sight       d2d <= turn   near_0 + near_1 log d3d + near_2 d3d
                        d2d >  turn   far_0 + far_1 log d3d
    no line of sight    the greatest of that and two further lines

A `Curve` holds these numbers; models only differ in how they come by them.

All functions are vectorised and broadcast. Distances [m], heights above the local ground [m], frequencies [GHz], losses [dB].

Sources: ITU-R P.525 (free space); 3GPP TR 38.901 V19 table 7.4.1-1 (UMa, UMi, RMa, InH, InF); ITU-R P.1411-12 tables 4 and 8 and
section 4.3.1; ITU-R P.1238-11 table 2; 3GPP TR 36.942 section 4.5.2 (macro cells, urban); Hata 1980 and ITU-R P.529 (Okumura-Hata).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from twin.errors import OutsideValidity

FloatArray = NDArray[np.float64]

SPEED_OF_LIGHT = 299_792_458.0  # [m/s]
EFFECTIVE_ENVIRONMENT_M = 1.0  # h_E of TR 38.901 table 7.4.1-1 note 1; for UMa above 13 m it is random there and 1 m here
STREET_WIDTH_M = 20.0  # RMa defaults of the same table
BUILDING_HEIGHT_M = 5.0


@dataclass(frozen=True)
class Links:
    """n links of one carrier: what a path-loss formula needs to know of them; the arrays broadcast."""

    f_ghz: float
    d2d_m: FloatArray  # (n,) along the ground [m]
    d3d_m: FloatArray  # (n,) antenna to antenna [m]
    h_bs_m: FloatArray | float = 25.0  # (n,) or one, above ground [m]
    h_ut_m: FloatArray | float = 1.5  # (n,) or one, above ground [m]


# column of a curve's numbers
TURN, NEAR_0, NEAR_1, NEAR_2, FAR_0, FAR_1, BLOCKED_0, BLOCKED_1, MORE_0, MORE_1 = range(10)
Curve = FloatArray  # (..., 10)
CurveOf = Callable[[float, FloatArray, FloatArray], Curve]  # f [GHz], h_bs, h_ut (...,) [m] -> (..., 10)


@dataclass(frozen=True)
class Validity:
    """The range a source states for a formula; distances as `Links.d2d_m`."""

    f_ghz: tuple[float, float]
    d_m: tuple[float, float]
    h_bs_m: tuple[float, float] = (0.0, np.inf)
    h_ut_m: tuple[float, float] = (0.0, np.inf)


@dataclass(frozen=True)
class Model:
    """One propagation model: its formulas, where they hold, and the spread of measurements about them."""

    name: str
    curve: CurveOf
    validity: Validity
    sigma_los_db: float
    sigma_nlos_db: float
    decorrelation_m: tuple[float, float]  # (LOS, NLOS) [m]
    source: str


def links(f_ghz: float, d2d_m: ArrayLike, h_bs_m: ArrayLike = 25.0, h_ut_m: ArrayLike = 1.5) -> Links:
    """Links over flat ground: the slant distance follows from the heights."""
    d2d, h_bs, h_ut = (np.asarray(values, float) for values in (d2d_m, h_bs_m, h_ut_m))
    return Links(f_ghz, d2d, np.hypot(d2d, h_bs - h_ut), h_bs, h_ut)


def free_space_db(d_m: ArrayLike, f_ghz: ArrayLike) -> FloatArray:
    """Free-space loss (n,) [dB] over distances (n,) [m]: 20 log10(4 pi d f / c), ITU-R P.525 eq. (4)."""
    return 20.0 * np.log10(4.0 * np.pi * np.asarray(d_m, float) * np.asarray(f_ghz, float) * 1e9 / SPEED_OF_LIGHT)


def free_space_distance_m(loss_db: ArrayLike, f_ghz: float) -> FloatArray:
    """The distance (n,) [m] over which free space loses `loss_db`: the inverse of `free_space_db`."""
    return 10.0 ** (np.asarray(loss_db, float) / 20.0) * SPEED_OF_LIGHT / (4.0 * np.pi * f_ghz * 1e9)


def path_loss_db(model: Model, link: Links, los: ArrayLike, *, extrapolate: bool = False) -> FloatArray:
    """Median path loss of links by `model`.

    Parameters
    ----------
    model
        An entry of `MODELS`.
    link
        n links. [m, GHz]
    los
        Whether each has line of sight (n,) or one for all. [bool]
    extrapolate
        Use the formula outside the frequencies its source states; the caller says so (see `outside`).

    Returns
    -------
    Loss (n,). [dB] Below the least distance of the source the loss there is given; heights are held inside its range.

    Raises
    ------
    OutsideValidity
        If the frequency lies outside the source's range and `extrapolate` is not set.
    """
    low, high = model.validity.f_ghz
    if not extrapolate and not low <= link.f_ghz <= high:
        raise OutsideValidity("model_frequency", subject=model.name, f_ghz=link.f_ghz, low=low, high=high)
    d2d = np.maximum(link.d2d_m, model.validity.d_m[0])
    # moving the far end out to the least distance moves the slant distance with it
    d3d = np.sqrt(np.maximum(link.d3d_m**2 - link.d2d_m**2, 0.0) + d2d**2)
    return curve_loss_db(curve(model, link.f_ghz, link.h_bs_m, link.h_ut_m), d2d, d3d, np.asarray(los, bool))


def curve(model: Model, f_ghz: float, h_bs_m: ArrayLike, h_ut_m: ArrayLike) -> Curve:
    """The numbers (..., 10) of a model's formulas at one frequency, for heights (...,) [m] held inside the range of its source."""
    h_bs, h_ut = np.clip(h_bs_m, *model.validity.h_bs_m), np.clip(h_ut_m, *model.validity.h_ut_m)
    return model.curve(f_ghz, np.asarray(h_bs, float), np.asarray(h_ut, float))


def curve_loss_db(lines: Curve, d2d_m: FloatArray, d3d_m: FloatArray, los: NDArray[np.bool_]) -> FloatArray:
    """Loss (n,) [dB] by curves (n, 10) or one (10,) at distances (n,) [m] that are no less than the least of the source."""
    log_d = np.log10(d3d_m)
    near = lines[..., NEAR_0] + lines[..., NEAR_1] * log_d + lines[..., NEAR_2] * d3d_m
    clear = np.where(d2d_m <= lines[..., TURN], near, lines[..., FAR_0] + lines[..., FAR_1] * log_d)
    blocked = np.maximum(lines[..., BLOCKED_0] + lines[..., BLOCKED_1] * log_d, lines[..., MORE_0] + lines[..., MORE_1] * log_d)
    return np.where(los, clear, np.maximum(clear, blocked))


def outside(model: Model, link: Links) -> dict[str, int]:
    """How many links lie outside each stated range: {"frequency", "near", "far", "h_bs", "h_ut": count}, zeros left out."""
    v, n = model.validity, max(link.d2d_m.size, 1)
    counts = {
        "frequency": 0 if v.f_ghz[0] <= link.f_ghz <= v.f_ghz[1] else n,
        "near": int(np.sum(link.d2d_m < v.d_m[0])),
        "far": int(np.sum(link.d2d_m > v.d_m[1])),
        "h_bs": int(np.sum(_beyond(link.h_bs_m, v.h_bs_m))),
        "h_ut": int(np.sum(_beyond(link.h_ut_m, v.h_ut_m))),
    }
    return {name: count for name, count in counts.items() if count}


def _beyond(values: FloatArray | float, span: tuple[float, float]) -> NDArray[np.bool_]:
    return (np.asarray(values) < span[0]) | (np.asarray(values) > span[1])


def _numbers(
    near: Sequence[Any], *, far: Sequence[Any] | None = None, turn: Any = np.inf, blocked: Sequence[tuple[Any, Any]] = ()
) -> Curve:
    """A curve from its lines, each (intercept, slope) over log10(d3d); `near` may have a third number for d3d itself."""
    lines = [*blocked, (-np.inf, 0.0), (-np.inf, 0.0)][:2]
    near_2 = near[2] if len(near) > 2 else 0.0
    columns = (turn, near[0], near[1], near_2, *(far or near[:2]), *lines[0], *lines[1])
    return np.stack(np.broadcast_arrays(*(np.asarray(column, float) for column in columns)), axis=-1)


# --- 3GPP TR 38.901 table 7.4.1-1 ---------------------------------------------------------------------------------------------------


def _dual_slope(
    at: tuple[float, FloatArray, FloatArray], los: tuple[float, float, float], nlos: tuple[float, float, float, float]
) -> Curve:
    """The UMa and UMi rows: los is (intercept, slope, 9 or 9.5), nlos (intercept, slope, factor of log f, factor of the height)."""
    f_ghz, h_bs, h_ut = at
    log_f = float(np.log10(f_ghz))
    # d'_BP of note 1: 4 (h_BS - h_E)(h_UT - h_E) f / c
    turn = 4.0 * (h_bs - EFFECTIVE_ENVIRONMENT_M) * (h_ut - EFFECTIVE_ENVIRONMENT_M) * f_ghz * 1e9 / SPEED_OF_LIGHT
    beyond = los[0] + 20.0 * log_f - los[2] * np.log10(turn**2 + (h_bs - h_ut) ** 2)
    blocked = nlos[0] + nlos[2] * log_f - nlos[3] * (h_ut - 1.5)
    return _numbers((los[0] + 20.0 * log_f, los[1]), far=(beyond, 40.0), turn=turn, blocked=((blocked, nlos[1]),))


def _uma(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
    return _dual_slope((f_ghz, h_bs, h_ut), (28.0, 22.0, 9.0), (13.54, 39.08, 20.0, 0.6))


def _umi(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
    return _dual_slope((f_ghz, h_bs, h_ut), (32.4, 21.0, 9.5), (22.4, 35.3, 21.3, 0.3))


def _rma(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
    h = BUILDING_HEIGHT_M
    near = (
        20.0 * np.log10(40.0 * np.pi * f_ghz / 3.0) - min(0.044 * h**1.72, 14.77),
        20.0 + min(0.03 * h**1.72, 10.0),
        0.002 * np.log10(h),
    )
    turn = 2.0 * np.pi * h_bs * h_ut * f_ghz * 1e9 / SPEED_OF_LIGHT
    beyond = near[0] + (near[1] - 40.0) * np.log10(turn) + near[2] * turn
    slope = 43.42 - 3.1 * np.log10(h_bs)
    blocked = (
        161.04
        - 7.1 * np.log10(STREET_WIDTH_M)
        + 7.5 * np.log10(h)
        - (24.37 - 3.7 * (h / h_bs) ** 2) * np.log10(h_bs)
        - 3.0 * slope
        + 20.0 * np.log10(f_ghz)
        - (3.2 * np.log10(11.75 * h_ut) ** 2 - 4.97)
    )
    return _numbers(near, far=(beyond, 40.0), turn=turn, blocked=((blocked, slope),))


def _straight(los: tuple[float, float, float], *nlos: tuple[float, float, float]) -> CurveOf:
    """Lines (intercept, slope, factor of log f) that know no heights: the InH and InF rows."""

    def lines(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
        log_f = float(np.log10(f_ghz))
        found = _numbers((los[0] + los[2] * log_f, los[1]), blocked=tuple((a + c * log_f, b) for a, b, c in nlos))
        return np.broadcast_to(found, (*np.broadcast_shapes(h_bs.shape, h_ut.shape), len(found)))

    return lines


def _hata(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
    """Okumura-Hata for a suburb, small or medium city; with line of sight, and wherever it says less, free space."""
    log_f, log_h = float(np.log10(f_ghz * 1e3)), np.log10(h_bs)
    mobile = (1.1 * log_f - 0.7) * h_ut - (1.56 * log_f - 0.8)
    slope = 44.9 - 6.55 * log_h
    town = 69.55 + 26.16 * log_f - 13.82 * log_h - mobile - 3.0 * slope
    suburb = 2.0 * np.log10(f_ghz * 1e3 / 28.0) ** 2 + 5.4
    return _numbers((_FREE_SPACE_DB + 20.0 * np.log10(f_ghz), 20.0), blocked=((town - suburb, slope),))


def _two_ray(f_ghz: float, h_bs: FloatArray, h_ut: FloatArray) -> Curve:
    """Free space up to 4 pi h1 h2 / lambda, beyond it the flat earth: 40 log d - 20 log(h1 h2)."""
    turn = 4.0 * np.pi * h_bs * h_ut * f_ghz * 1e9 / SPEED_OF_LIGHT
    return _numbers((_FREE_SPACE_DB + 20.0 * np.log10(f_ghz), 20.0), far=(-20.0 * np.log10(h_bs * h_ut), 40.0), turn=turn)


def _recommendation(los: tuple[float, float, float], nlos: tuple[float, float, float]) -> CurveOf:
    """10 alpha log10(d) + beta + 10 gamma log10(f) from (alpha, beta, gamma): the site-general form of P.1411 and P.1238."""
    return _straight(*((beta, 10.0 * alpha, 10.0 * gamma) for alpha, beta, gamma in (los, nlos)))


_FREE_SPACE_DB = 20.0 * float(np.log10(4e9 * np.pi / SPEED_OF_LIGHT))  # at 1 m and 1 GHz
_FREE_SPACE = _straight((_FREE_SPACE_DB, 20.0, 20.0))
_INF_LOS, _INF_SL = (31.84, 21.5, 19.0), (33.0, 25.5, 20.0)
# the tables name one base height (UMa 25 m, UMi 10 m); other heights of real masts are taken as they are within these ranges
_INF = Validity((0.5, 100.0), (1.0, 600.0))
_38901 = "3GPP TR 38.901 table 7.4.1-1"
_P1411 = "ITU-R P.1411-12"
_P1238 = "ITU-R P.1238-11 table 2"

MODELS: Mapping[str, Model] = {
    model.name: model
    for model in (
        Model("free_space", _FREE_SPACE, Validity((0.0, 3000.0), (0.1, np.inf)), 0.0, 0.0, (1.0, 1.0), "ITU-R P.525"),
        Model("38.901-uma", _uma, Validity((0.5, 100), (10, 5000), (10, 150), (1.5, 22.5)), 4.0, 6.0, (37, 50), _38901),
        Model("38.901-umi", _umi, Validity((0.5, 100), (10, 5000), (3, 50), (1.5, 22.5)), 4.0, 7.82, (10, 13), _38901),
        Model("38.901-rma", _rma, Validity((0.5, 30), (10, 10000), (10, 150), (1, 10)), 4.0, 8.0, (37, 120), _38901),
        Model(
            "38.901-inh",
            _straight((32.4, 17.3, 20.0), (17.3, 38.3, 24.9)),
            Validity((0.5, 100.0), (1.0, 150.0)),
            3.0,
            8.03,
            (10, 6),
            _38901,
        ),
        Model("38.901-inf-sl", _straight(_INF_LOS, _INF_SL), _INF, 4.3, 5.7, (10, 10), _38901),
        Model("38.901-inf-dl", _straight(_INF_LOS, _INF_SL, (18.6, 35.7, 20.0)), _INF, 4.3, 7.2, (10, 10), _38901),
        Model("38.901-inf-sh", _straight(_INF_LOS, (32.4, 23.0, 20.0)), _INF, 4.3, 5.9, (10, 10), _38901),
        Model("38.901-inf-dh", _straight(_INF_LOS, (33.63, 21.9, 20.0)), _INF, 4.3, 4.0, (10, 10), _38901),
        Model(
            "p1411-canyon",
            _recommendation((2.12, 29.2, 2.11), (4.0, 10.2, 2.36)),
            Validity((0.8, 82.0), (5.0, 660.0)),
            5.06,
            7.6,
            (10, 13),
            f"{_P1411} table 4",
        ),
        Model(
            "p1411-roof",
            _recommendation((2.29, 28.6, 1.96), (4.39, -6.27, 2.30)),
            Validity((2.2, 73.0), (55.0, 1200.0)),
            3.48,
            6.89,
            (37, 50),
            f"{_P1411} table 8",
        ),
        Model(
            "p1411-residential",
            _recommendation((2.12, 29.2, 2.11), (3.01, 18.8, 2.07)),
            Validity((0.8, 73.0), (5.0, 170.0)),
            5.06,
            3.07,
            (10, 13),
            f"{_P1411} table 4",
        ),
        Model(  # L_NLoS = 9.5 + 45 log f [MHz] + 40 log d [km] + L_urban, here with L_urban = 0 of suburban places
            "p1411-low",
            _straight((_FREE_SPACE_DB, 20.0, 20.0), (24.5, 40.0, 45.0)),
            Validity((0.3, 3.0), (1.0, 3000.0), (1.5, 3.0), (1.5, 3.0)),
            7.0,
            7.0,
            (10, 13),
            f"{_P1411} section 4.3.1",
        ),
        Model(  # 15 m above the roofs: 58.83 + 37.6 log d [km] + 21 log f [MHz], which at 868 MHz is 7.7 + 37.6 log d [m]
            "36.942",
            _straight((_FREE_SPACE_DB, 20.0, 20.0), (7.7 + 21.0 * float(np.log10(1.0 / 0.868)), 37.6, 21.0)),
            Validity((0.4, 2.6), (35.0, 20000.0), (10.0, 60.0), (1.0, 10.0)),
            4.0,
            8.0,
            (37, 50),
            "3GPP TR 36.942 section 4.5.2",
        ),
        Model("hata", _hata, Validity((0.15, 1.5), (1000, 20000), (30, 200), (1, 10)), 4.0, 8.0, (37, 50), "Hata 1980; ITU-R P.529"),
        Model("two_ray", _two_ray, Validity((0.03, 6.0), (1.0, 20000.0), (1.0, 200.0), (0.5, 50.0)), 4.0, 4.0, (37, 50), "flat earth"),
        Model(
            "p1238-office",
            _recommendation((1.46, 34.62, 2.03), (2.46, 29.53, 2.38)),
            Validity((0.3, 82.0), (1.0, 30.0)),
            3.76,
            5.04,
            (10, 6),
            _P1238,
        ),
        Model(
            "p1238-corridor",
            _recommendation((1.63, 28.12, 2.25), (2.77, 29.27, 2.48)),
            Validity((0.3, 83.5), (1.0, 160.0)),
            4.07,
            7.63,
            (10, 6),
            _P1238,
        ),
        Model(
            "p1238-industrial",
            _recommendation((2.31, 24.52, 2.06), (3.79, 21.01, 1.34)),
            Validity((0.625, 70.0), (1.0, 108.0)),
            2.69,
            9.05,
            (10, 6),
            _P1238,
        ),
    )
}
