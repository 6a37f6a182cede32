"""Control point fits against scipy's general least squares, known grids, and sets that must be refused."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from twin.control import ControlPoints, LocalGrid, fit, similarity
from twin.crs import Frame
from twin.errors import CRSError

FRAME = Frame(120.6, 31.3, 5.0)
SITE = np.array([[0.0, 0.0], [420.0, 15.0], [380.0, 310.0], [-30.0, 290.0], [180.0, 140.0]])  # [m, enu]


def grid_of(enu: np.ndarray, *, turn_deg: float = 12.5, scale: float = 1.0, shift: tuple[float, float] = (5000.0, 3000.0)) -> np.ndarray:
    """Local coordinates (n, 2) of points (n, 2) [m, enu] in a grid whose x axis is turned counter-clockwise from east."""
    a = math.radians(turn_deg)
    back = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    return enu @ back.T / scale + np.array(shift)


def points_of(
    local: np.ndarray, enu: np.ndarray, *, z: np.ndarray | None = None, h: np.ndarray | None = None, frame: Frame = FRAME
) -> ControlPoints:
    n = len(local)
    lonlat = frame.to_lonlat(np.column_stack([enu, -(enu**2).sum(axis=1) / (2 * 6_371_000.0)]))[:, :2]
    nothing = np.full(n, np.nan)
    third = nothing if z is None else z
    return ControlPoints([f"K{i + 1}" for i in range(n)], np.column_stack([local, third]), lonlat, nothing if h is None else h)


def off_m(grid: LocalGrid, local: np.ndarray, enu: np.ndarray) -> float:
    """The greatest distance between where the grid puts points and where they are. [m]"""
    at = grid.to_lonlat(local)
    return float(np.abs(FRAME.to_enu(at[:, :2])[:, :2] - enu).max())


@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_grid_is_found_again_and_places_points_between_and_beyond(count: int) -> None:
    grid = fit(points_of(grid_of(SITE[:count]), SITE[:count]), h_m=5.0)
    assert grid.kind == "plane"
    assert grid.turn_deg == pytest.approx(12.5, abs=0.003)  # meridians converge between the frame and the middle of the points
    assert grid.similarity.scale == pytest.approx(1.0, abs=1e-6)
    assert grid.unit == "m"
    assert grid.redundancy == 2 * count - 4
    beyond = np.array([[200.0, 200.0], [-900.0, 700.0]])
    assert off_m(grid, grid_of(beyond), beyond) < 0.002


def test_the_plane_fit_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(5)
    local = rng.uniform(-200, 200, (7, 2))
    target = similarity_by_hand(local, 1.0003, 0.4, (1000.0, -50.0)) + rng.normal(0, 0.05, (7, 2))
    found = similarity(local, target)

    def misses(p: np.ndarray) -> np.ndarray:
        return (similarity_by_hand(local, p[0], p[1], (p[2], p[3])) - target).ravel()

    best = least_squares(misses, [1.0, 0.0, 0.0, 0.0], xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert np.allclose(found(local), similarity_by_hand(local, best.x[0], best.x[1], (best.x[2], best.x[3])), atol=1e-6)
    assert ((found(local) - target) ** 2).sum() <= (best.fun**2).sum() + 1e-9


def similarity_by_hand(points: np.ndarray, scale: float, turn: float, shift: tuple[float, float]) -> np.ndarray:
    c, s = math.cos(turn), math.sin(turn)
    return scale * np.column_stack([c * points[:, 0] - s * points[:, 1], s * points[:, 0] + c * points[:, 1]]) + np.array(shift)


def test_the_spatial_fit_is_the_least_squares_one() -> None:
    rng = np.random.default_rng(6)
    local = rng.uniform(-100, 100, (6, 3))
    turn = Rotation.from_euler("xyz", [2.0, -3.0, 50.0], degrees=True)
    target = 1.0002 * turn.apply(local) + [10.0, 20.0, 30.0] + rng.normal(0, 0.02, (6, 3))
    found = similarity(local, target)

    def misses(p: np.ndarray) -> np.ndarray:
        return (p[0] * Rotation.from_rotvec(p[1:4]).apply(local) + p[4:] - target).ravel()

    start = [1.0, *Rotation.from_euler("z", 45, degrees=True).as_rotvec(), 0.0, 0.0, 0.0]
    best = least_squares(misses, start, xtol=1e-15, ftol=1e-15, gtol=1e-15)
    assert found.scale == pytest.approx(best.x[0], abs=1e-8)
    assert np.allclose(found.turn, Rotation.from_rotvec(best.x[1:4]).as_matrix(), atol=1e-7)
    assert ((found(local) - target) ** 2).sum() == pytest.approx((best.fun**2).sum(), rel=1e-6)


@settings(max_examples=60)
@given(st.floats(-180, 180), st.floats(0.999, 1.001), st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_any_turn_scale_and_shift_is_found(turn: float, scale: float, x: float, y: float) -> None:
    local = grid_of(SITE, turn_deg=turn, scale=scale, shift=(x, y))
    grid = fit(points_of(local, SITE), h_m=5.0)
    assert off_m(grid, local, SITE) < 0.002
    assert (grid.turn_deg - turn + 180) % 360 - 180 == pytest.approx(0.0, abs=0.002)


def test_residuals_redundancy_and_sigma_add_up() -> None:
    rng = np.random.default_rng(7)
    noisy = SITE + rng.normal(0, 0.03, SITE.shape)
    grid = fit(points_of(grid_of(SITE), noisy), h_m=5.0)
    assert grid.redundancy == 6
    assert grid.residuals_m.shape == (5, 2)
    assert grid.residuals_m.sum(axis=0) == pytest.approx([0, 0], abs=1e-6)
    assert grid.rms_m == pytest.approx(math.sqrt((grid.residuals_m**2).sum() / 5))
    assert grid.sigma_m == pytest.approx(math.sqrt((grid.residuals_m**2).sum() / 6))
    assert 0.005 < grid.rms_m < 0.08
    told = grid.details()
    again = similarity_by_hand(
        np.array([[p["x"], p["y"]] for p in told["points"]]) - told["source_centre"], told["scale"], math.radians(told["turn_deg"]),
        tuple(told["target_centre_m"]),
    )  # fmt: skip
    here = Frame(told["frame"]["lon"], told["frame"]["lat"], told["frame"]["h_m"])
    known = here.to_enu([[p["lon"], p["lat"]] for p in told["points"]])[:, :2]
    assert np.allclose(again - known, [[p["de_m"], p["dn_m"]] for p in told["points"]], atol=1e-6)


def test_two_points_leave_nothing_over() -> None:
    grid = fit(points_of(grid_of(SITE[:2]), SITE[:2]))
    assert grid.redundancy == 0
    assert grid.sigma_m is None
    assert grid.suspect is None


def test_the_one_wrong_point_is_named() -> None:
    wrong = SITE.copy()
    wrong[2] += [3.0, -2.0]
    grid = fit(points_of(grid_of(SITE), wrong), h_m=5.0)
    assert grid.suspect is not None
    assert grid.suspect.name == "K3"
    assert grid.suspect.misses_m == pytest.approx(math.hypot(3, 2), abs=0.01)
    good = fit(points_of(grid_of(SITE), SITE + np.random.default_rng(1).normal(0, 0.02, SITE.shape)))
    assert good.suspect is None


def test_exchanged_axes_are_refused_and_said_to_be_that() -> None:
    local = grid_of(SITE)[:, ::-1]
    with pytest.raises(CRSError) as caught:
        fit(points_of(local, SITE))
    assert caught.value.code == "control_swapped"
    assert "north" in caught.value.hint("en")
    assert "以 x 为北" in caught.value.hint("zh")


def test_a_mirror_image_is_refused() -> None:
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(SITE) * [-1, 1], SITE))
    assert caught.value.code == "control_mirrored"


def test_two_points_that_only_make_sense_exchanged_need_the_persons_word() -> None:
    local = grid_of(SITE[[0, 1]], turn_deg=0.3)[:, ::-1]
    with pytest.raises(CRSError) as caught:
        fit(points_of(local, SITE[[0, 1]]))
    assert caught.value.code == "control_swapped_line"
    assert fit(points_of(local, SITE[[0, 1]]), is_confirmed=True).rms_m < 0.001


def test_points_on_a_line_need_the_persons_word() -> None:
    line = np.array([[0.0, 0.0], [100.0, 50.2], [200.0, 99.8], [300.0, 150.0]])
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(line), line))
    assert caught.value.code == "control_collinear"
    assert fit(points_of(grid_of(line), line), is_confirmed=True).rms_m < 0.001


@pytest.mark.parametrize("count", [0, 1])
def test_too_few(count: int) -> None:
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(SITE[:count]), SITE[:count]))
    assert caught.value.code == "control_too_few"


def test_one_point_given_twice_is_no_second_point() -> None:
    twice = SITE[[0, 0, 1]]
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(twice), twice))
    assert caught.value.code == "control_coincident"


def test_points_that_are_not_the_same_are_refused() -> None:
    shuffled = SITE[[2, 0, 4, 1, 3]]
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(SITE), shuffled))
    assert caught.value.code in {"control_misfit", "control_misfit_suspect"}


def test_a_gross_error_is_refused_by_name() -> None:
    wrong = SITE.copy()
    wrong[4] += [900.0, 0.0]
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(SITE), wrong))
    assert caught.value.code == "control_misfit_suspect"
    assert "K5" in caught.value.text("en")


@pytest.mark.parametrize(("unit", "metres"), [("mm", 0.001), ("cm", 0.01), ("ft", 0.3048), ("km", 1000.0)])
def test_the_scale_tells_the_unit(unit: str, metres: float) -> None:
    grid = fit(points_of(grid_of(SITE, scale=metres), SITE))
    assert grid.unit == unit
    odd = fit(points_of(grid_of(SITE, scale=metres * 1.4), SITE))
    assert odd.unit is None


def test_heights_are_shifted_by_the_mean_difference() -> None:
    z = np.array([0.0, 1.0, 2.0, 0.5, 1.5])
    grid = fit(points_of(grid_of(SITE), SITE, z=z, h=z + 14.2 + [0.01, -0.01, 0.0, 0.01, -0.01]), h_m=0.0)
    assert grid.kind == "plane"
    assert grid.height_shift_m == pytest.approx(14.2, abs=0.001)
    assert grid.residuals_m.shape == (5, 3)
    local = np.column_stack([grid_of(SITE[[0]]), [10.0]])
    assert grid.to_lonlat(local)[0, 2] == pytest.approx(24.2, abs=0.001)
    assert math.isnan(grid.to_lonlat(local[:, :2])[0, 2])


def test_a_grid_that_is_tilted_clearly_gets_seven_parameters() -> None:
    z = np.array([0.0, 8.0, 3.0, 12.0, 20.0])
    tilted = Rotation.from_euler("xyz", [0.5, -0.8, 20.0], degrees=True)
    local = np.column_stack([SITE, z])
    solid = tilted.apply(local) + np.array([0.0, 0.0, 30.0])
    grid = fit(points_of(SITE, solid[:, :2], z=z, h=solid[:, 2]))
    assert grid.kind == "space"
    assert grid.redundancy == 8
    assert grid.to_lonlat(local)[:, 2] == pytest.approx(solid[:, 2], abs=0.002)
    assert off_m(grid, local, solid[:, :2]) < 0.005
    asked = fit(points_of(SITE, solid[:, :2], z=z, h=solid[:, 2]), kind="space")
    assert np.allclose(asked.similarity.turn, grid.similarity.turn)


def test_a_spatial_fit_refuses_what_does_not_determine_it() -> None:
    line = np.array([[0.0, 0.0], [100.0, 50.0], [200.0, 100.0]])
    z = np.array([1.0, 2.0, 3.0])
    with pytest.raises(CRSError):
        fit(points_of(grid_of(line), line, z=z, h=z), kind="space", is_confirmed=True)
    with pytest.raises(CRSError) as caught:
        fit(points_of(grid_of(SITE), SITE), kind="space")
    assert caught.value.code == "control_no_heights"
    with pytest.raises(CRSError):
        fit(points_of(grid_of(SITE[:2]), SITE[:2]), kind="space")


def test_a_rigid_body_is_set_down_with_the_turn_of_its_place() -> None:
    grid = fit(points_of(grid_of(SITE), SITE), h_m=5.0)
    far = np.array([[4000.0, 0.0]])
    lon, lat, h, turn = grid.pose(grid_of(far)[0])
    assert FRAME.to_enu([[lon, lat]])[0, 0] == pytest.approx(4000.0, abs=0.02)
    assert math.isnan(h)
    # meridians converge by Δλ sin φ: east four kilometres away is turned against east here
    assert turn == pytest.approx(12.5 + (FRAME.lon_deg - lon) * math.sin(math.radians(lat)), abs=0.003)


def test_a_national_grid_is_found_again_by_its_points() -> None:
    to_grid = Transformer.from_crs(4326, 4549, always_xy=True)
    lonlat = FRAME.to_lonlat(SITE)[:, :2]
    x, y = to_grid.transform(lonlat[:, 0], lonlat[:, 1])
    nothing = np.full(5, np.nan)
    grid = fit(ControlPoints(list("abcde"), np.column_stack([x, y, nothing]), lonlat, nothing), h_m=0.0)
    east = FRAME.to_lonlat([[900.0, -400.0]])[:, :2]
    there = np.column_stack(to_grid.transform(east[:, 0], east[:, 1]))
    assert np.abs(FRAME.to_enu(grid.to_lonlat(there)[:, :2])[0, :2] - [900.0, -400.0]).max() < 0.01
    assert grid.rms_m < 0.002
    assert replace(grid, residuals_m=np.zeros((5, 2))).rms_m == 0.0
