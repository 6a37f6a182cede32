"""Illuminance: closed forms, the flux that comes down on a plane, bounds of cells, shadows, and real luminaire files."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given as hypothesis_given
from hypothesis import settings
from hypothesis import strategies as st
from trimesh.creation import box as closed

from importers.contract import Context, Options
from importers.photometry import IMPORTER
from twin.coverage.bounded import Areas, areas
from twin.coverage.cells import Cells, grid
from twin.coverage.field import arrange
from twin.coverage.lighting import Asked, Distribution, Luminaires, given, illuminance, isotropic, lambertian, lit, reach_m
from twin.coverage.look import prepare
from twin.coverage.sightlines import as_points, pairs, settled, sight_lines
from twin.coverage.surface import Piece, Surface
from twin.crs import Frame
from twin.model import Park
from twin.scene import Obstacles, concat, nothing, one_object


def lamps(
    form: Distribution, *places: tuple[float, float, float], azimuth: float = 0.0, tilt: float = 0.0, scale: float = 1.0
) -> Luminaires:
    m = len(places)
    turn = np.full(m, azimuth)
    return Luminaires(
        np.array(places, float).reshape(-1, 3), turn, np.nan_to_num(turn), np.full(m, tilt), np.zeros((m, 2), np.int64),
        np.full((m, 3), scale), [form],
    )  # fmt: skip


def uniform(candela: float) -> Distribution:
    return Distribution(np.array([0.0, 360.0]), np.array([0.0, 180.0]), np.full((2, 2), candela))


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> Obstacles:
    body = closed(bounds=[low, high])
    return one_object(np.asarray(body.vertices), np.asarray(body.faces), object_id="w")


def run(
    lights: Luminaires, obstacles: Obstacles, level: float, *, step: float = 1.0, half: float = 15.0, mf: float = 1.0
) -> tuple[Cells, Areas, Any]:
    sight = prepare(obstacles)
    square = Surface("s", [Piece("p", "p", shapely.box(-half, -half, half, half), floor_z=0.0)])
    cells = grid(square, step, 0.0, lambda xy: np.zeros(len(xy)))
    field = arrange(cells, sight.edges)
    reach = reach_m(lights, lights.position[:, 2], level * 0.01, mf)
    lines = sight_lines(field, (sight, sight), lights.position, reach)
    asked = Asked(level, mf, reach)
    first = lit(lights, lines, cells, asked)
    return cells, areas(cells, first, lambda part, _: lit(lights, lines, part, asked), least_m=step / 8, budget=200_000), (first, lines)


def test_published_values() -> None:
    """100 cd from 2 m: 25 lx below, 8.839 lx at 45 degrees; 1000 lm from 2.15 m: 68.861 lx Lambertian, 17.215 lx isotropic."""
    under = illuminance(lamps(uniform(100.0), (0, 0, 2)), np.array([[0.0, 0, 0], [2.0, 0, 0]]))
    assert under[:, 0] == pytest.approx([25.0, 8.839], abs=5e-4)
    floor = np.zeros((1, 3))
    assert illuminance(lamps(lambertian(1000.0), (0, 0, 2.15)), floor)[0, 0] == pytest.approx(68.861, abs=5e-4)
    assert illuminance(lamps(isotropic(1000.0), (0, 0, 2.15)), floor)[0, 0] == pytest.approx(17.215, abs=5e-4)


def test_forms_hold_their_flux() -> None:
    assert lambertian(1000.0).lumens == pytest.approx(1000.0, rel=1e-4)
    assert isotropic(1000.0).lumens == pytest.approx(1000.0, rel=1e-12)


@pytest.mark.parametrize(("form", "downward"), [(lambertian(1000.0), 1000.0), (isotropic(1000.0), 500.0)])
def test_what_leaves_a_lamp_comes_down_on_the_plane(form: Distribution, downward: float) -> None:
    """The integral of illuminance over an endless plane is the flux of the lower hemisphere; summed here in rings, out to 20 km."""
    r = np.geomspace(1e-3, 2e4, 4000)
    points = np.column_stack([r, np.zeros((len(r), 2))])
    lux = illuminance(lamps(form, (0, 0, 3.0)), points)[:, 0]
    assert float(np.trapezoid(lux * 2 * math.pi * r, r)) == pytest.approx(downward, rel=2e-3)


def test_flux_through_a_sphere_by_tilted_and_turned_lamps() -> None:
    """However a lamp is tilted and turned, the light through a level disc far wider than its height stays that of its lower hemisphere
    only if nothing goes up; over the plane below and the plane above together all of it is found."""
    rng = np.random.default_rng(5)
    form = Distribution(np.arange(0.0, 361, 15), np.arange(0.0, 181, 5), np.zeros((25, 37)))
    table = rng.uniform(50, 100, (25, 37))
    table[-1] = table[0]
    table[:, 0], table[:, -1] = table[0, 0], table[0, -1]
    form = Distribution(form.c_deg, form.gamma_deg, table)
    # directions evenly over the sphere, taken to the plane 1 m below or, the world turned over, above
    k = np.arange(200_000) + 0.5
    z, turn = 1 - 2 * k / len(k), math.pi * (1 + 5**0.5) * k
    down = z < -1e-4
    way = np.column_stack([np.cos(turn) * np.sqrt(1 - z * z), np.sin(turn) * np.sqrt(1 - z * z), z])[down]
    points = way / -way[:, 2:]
    light = lamps(form, (0, 0, 0), azimuth=0.7, tilt=0.4)
    lux = illuminance(light, points)[:, 0]
    intensity = lux * (points**2).sum(axis=1) ** 1.5  # I = E d³ / h, h = 1
    c, gamma = _angles(way, 0.7, 0.4)
    assert intensity == pytest.approx(_interpolated(form, c, gamma), rel=1e-9)


def _angles(way: Any, azimuth: float, tilt: float) -> Any:
    """C and gamma by rotation matrices: first about the vertical, then about the axis to the right of the front."""
    ca, sa, ct, st_ = math.cos(azimuth), math.sin(azimuth), math.cos(tilt), math.sin(tilt)
    turn = np.array([[ca, -sa, 0], [sa, ca, 0], [0, 0, 1]])  # the front (azimuth clockwise from north) to north
    lift = np.array([[1, 0, 0], [0, ct, st_], [0, -st_, ct]])  # the lifted front down to level
    x, y, z = lift @ turn @ way.T
    return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arccos(np.clip(-z, -1, 1)))


def _interpolated(form: Distribution, c: Any, gamma: Any) -> Any:
    from scipy.interpolate import RegularGridInterpolator

    return RegularGridInterpolator((form.c_deg, form.gamma_deg), form.candela)(np.column_stack([c, gamma]))


def test_lamps_add_up_and_bulbs_above_light_nothing() -> None:
    points = np.array([[1.0, 2, 0], [0, 0, 5]])
    both = illuminance(lamps(uniform(100.0), (0, 0, 4), (3, 0, 4)), points)
    assert both[0].sum() == pytest.approx(sum(illuminance(lamps(uniform(100.0), at), points)[0, 0] for at in ((0, 0, 4), (3, 0, 4))))
    assert both[1] == pytest.approx([0.0, 0.0])
    assert illuminance(lamps(uniform(100.0), (0, 0, 4)), points, mf=0.7)[0, 0] == pytest.approx(0.7 * both[0, 0])
    number = np.array([1, 0])
    assert given(lamps(uniform(100.0), (0, 0, 4), (3, 0, 4)), number, points[[0, 0]]) == pytest.approx(both[0, ::-1])


def test_the_lit_disc_of_a_lambertian_lamp() -> None:
    """E = Phi h² / (pi d⁴) >= level within d⁴ = Phi h² / (pi level): a disc, whose area lies within the bounds."""
    flux, h, level = 10_000.0, 8.0, 10.0
    cells, found, _ = run(lamps(lambertian(flux), (0.3, -0.2, h)), nothing(), level)
    disc = math.pi * (math.sqrt(flux * h * h / (math.pi * level)) - h * h)
    assert found.sure.sum() <= disc <= found.possible.sum()
    assert float(found.covered.sum()) == pytest.approx(disc, rel=0.01)
    assert float((found.possible - found.sure).sum()) < 0.12 * disc
    assert float(cells.area.sum()) == pytest.approx(900.0)


def test_a_wall_throws_a_shadow() -> None:
    """A box 4 m high and wide at 3 m: behind it no light comes below the line over its top."""
    light = lamps(lambertian(10_000.0), (0.0, 0.0, 8.0))
    cells, found, (first, lines) = run(light, box((3, -2, 0), (3.5, 2, 4)), 1.0)
    point = cells.representative
    # over the top at x = 3.5, z = 4: the shadow ends where the line from (0, 8) comes down: x = 7 (from the near top edge 6)
    deep = (point[:, 0] > 3.6) & (point[:, 0] < 5.9) & (np.abs(point[:, 1]) < 2 * point[:, 0] / 3 * 0.9)
    assert deep.sum() > 3
    assert first.point[deep] == pytest.approx(0.0)
    free = point[:, 0] < 2.5
    assert first.point[free] == pytest.approx(illuminance(light, point[free])[:, 0])
    cell, number = pairs(lines)
    assert set(cell.tolist()).isdisjoint(np.flatnonzero(deep).tolist())
    assert set(number.tolist()) == {0}
    assert float(found.sure.sum()) <= float(found.covered.sum()) <= float(found.possible.sum())


@settings(max_examples=12, deadline=None)
@hypothesis_given(st.integers(0, 10_000))
def test_bounds_hold_the_truth_of_a_finer_grid(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = rng.uniform(100, 1000, (5, 7)) * np.array([1, 1, 1, 1, 0.3, 0, 0])
    table[-1], table[:, 0] = table[0], table[0, 0]
    form = Distribution(np.array([0.0, 90, 180, 270, 360]), np.arange(0.0, 181, 30), table)
    places = np.column_stack([rng.uniform(-8, 8, (3, 2)), rng.uniform(3, 9, 3)])
    light = lamps(form, *map(tuple, places), azimuth=float(rng.uniform(0, 6)), tilt=float(rng.uniform(-0.5, 0.5)))
    blocks = [box((x, y, 0), (x + 2, y + 1, h)) for x, y, h in zip(*rng.uniform(-8, 6, (2, 2)), rng.uniform(1, 3, 2), strict=True)]
    scene = concat(blocks)
    _, found, _ = run(light, scene, 3.0, step=1.0, half=8.0)
    t = (np.arange(160) + 0.5) / 10 - 8
    points = np.column_stack([np.repeat(t, 160), np.tile(t, 160), np.zeros(160 * 160)])
    sight = prepare(scene).scene
    free = np.stack([~sight.occluded(np.broadcast_to(place, points.shape), points) for place in places], axis=1)
    inside = np.zeros(len(points), bool)
    for block in blocks:
        low, high = block.vertices.min(axis=0), block.vertices.max(axis=0)
        inside |= ((points[:, :2] > low[:2]) & (points[:, :2] < high[:2])).all(axis=1)
    truth = float((illuminance(light, points, free & ~inside[:, None]).sum(axis=1) >= 3.0).sum()) * 0.01
    rim = 0.01 * 4 * 160 * 0.1
    assert found.sure.sum() <= truth + rim
    assert truth <= found.possible.sum() + rim


def test_one_more_lamp_never_lights_less_and_one_more_wall_never_more() -> None:
    few, many = lamps(lambertian(3000.0), (0, 0, 5)), lamps(lambertian(3000.0), (0, 0, 5), (6, 3, 5))
    wall = box((1, 1, 0), (2, 2, 4))
    one, two = run(few, nothing(), 5.0)[2][0].point, run(many, nothing(), 5.0)[2][0].point
    shaded = run(many, wall, 5.0)[2][0].point
    assert (two >= one - 1e-9).all()
    assert (shaded <= two + 1e-9).all()
    assert (shaded < two - 1e-6).any()


def test_turning_everything_turns_the_light() -> None:
    form = Distribution(
        np.array([0.0, 90, 180, 270, 360]),
        np.array([0.0, 90, 180]),
        np.array([[100, 50, 0], [100, 90, 0], [100, 10, 0], [100, 20, 0], [100, 50, 0]], float),
    )
    points = np.array([[3.0, 1, 0], [-2, 4, 1], [0.5, -6, 0]])
    turn = 0.9
    c, s = math.cos(turn), math.sin(turn)
    moved = points @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])  # clockwise by `turn` seen from above, as azimuths count
    here = illuminance(lamps(form, (0, 0, 6), azimuth=0.2, tilt=0.3), points)
    there = illuminance(lamps(form, (0, 0, 6), azimuth=0.2 + turn, tilt=0.3), moved)
    assert there == pytest.approx(here)


def test_an_unknown_front_opens_the_bounds() -> None:
    form = Distribution(
        np.array([0.0, 90, 180, 270, 360]),
        np.array([0.0, 90, 180]),
        np.array([[100, 0, 0], [500, 500, 0], [100, 0, 0], [100, 0, 0], [100, 0, 0]], float),
    )
    form = Distribution(form.c_deg, form.gamma_deg, np.where(form.gamma_deg == 0, 100.0, form.candela))
    known = lamps(form, (0, 0, 6))
    unknown = Luminaires(known.position, np.array([math.nan]), np.array([0.0]), known.tilt_rad, known.form, known.scale, known.forms)
    _, sure, (first, lines) = run(known, nothing(), 2.0)
    _, open_, (again, _) = run(unknown, nothing(), 2.0)
    assert again.point == pytest.approx(first.point)
    assert open_.sure.sum() < sure.sure.sum()
    assert open_.possible.sum() > sure.possible.sum()
    spots = as_points(lines.field.cells)
    exact = lit(known, settled(lines), spots, Asked(2.0, 1.0, np.array([1e3])))
    assert exact.low == pytest.approx(exact.point, rel=1e-4, abs=1e-9)
    assert exact.high == pytest.approx(exact.point, rel=1e-4, abs=1e-6)


def test_nothing_and_nonsense_are_answered() -> None:
    _, found, (first, _) = run(lamps(uniform(100.0)), nothing(), 1.0)
    assert found.covered.sum() == found.possible.sum() == 0
    assert first.point == pytest.approx(0.0)
    lost = lamps(uniform(100.0), (math.nan, 0, 5), (0, 0, 5))
    _, found, (first, _) = run(lost, nothing(), 1.0)
    assert np.isfinite(first.point).all()
    assert found.covered.sum() > 0
    below = run(lamps(uniform(100.0), (0, 0, -5)), nothing(), 1.0)
    assert below[1].possible.sum() == 0


@pytest.mark.parametrize(
    "name", ["ITALO_street.ies", "Indoor_60W_120G.ies", "LEDVANCE_FL_MAX_600W_SYM60.ldt", "LEDVANCE_FL_MAX_900W_ASYM.ldt"]
)
def test_luminaire_files_give_their_flux_to_the_plane(shared_data: Path, name: str) -> None:
    """The flux through a wide plane below the luminaire and one above it is the file's flux."""
    path = shared_data / "photometry" / name
    photometry = IMPORTER.read(path, Context(Park("p", Frame(104.0, 30.0, 0.0)), Options())).photometries[0]
    form = Distribution(np.array(photometry.c_deg), np.array(photometry.gamma_deg), np.array(photometry.candela))
    assert form.lumens == pytest.approx(photometry.lumens, rel=1e-6)
    r = np.geomspace(1e-3, 1e4, 1500)
    turns = np.radians(np.arange(0.0, 360, 3))
    points = np.stack([r[:, None] * np.cos(turns), r[:, None] * np.sin(turns), np.zeros((len(r), len(turns)))], axis=-1).reshape(-1, 3)
    flux = 0.0
    for tilt in (0.0, math.pi):  # what goes down, and, the luminaire turned over, what goes up
        lux = illuminance(lamps(form, (0, 0, 3.0), tilt=tilt), points)[:, 0].reshape(len(r), -1).mean(axis=1)
        flux += float(np.trapezoid(lux * 2 * math.pi * r, r))
    assert flux == pytest.approx(photometry.lumens, rel=0.01)
