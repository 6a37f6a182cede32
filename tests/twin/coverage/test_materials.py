"""Wall loss against computed and published figures, and against the single-slab formula of the Recommendation written out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.coverage.materials import (
    CAP_DB,
    MATERIALS,
    SPEED_OF_LIGHT,
    Layer,
    angle_table_db,
    is_extrapolated,
    material_of,
    slab_loss_db,
    vegetation_db,
)

BANDS = (2.45, 3.5, 5.5)


@pytest.mark.parametrize(
    ("material", "thickness", "expected"),
    [
        ("concrete", 0.10, (8.06, 10.36, 14.03)),
        ("concrete", 0.20, (14.81, 19.03, 26.48)),
        ("concrete", 0.30, (21.39, 27.80, 38.99)),
        ("brick", 0.12, (3.33, 4.33, 4.21)),
        ("brick", 0.24, (6.42, 6.56, 7.39)),
        ("plasterboard", 0.013, (1.13, 1.37, 0.94)),
        ("glass", 0.006, (1.96, 2.84, 3.28)),
        ("wood", 0.04, (0.61, 1.20, 1.45)),
    ],
)
def test_slabs_at_right_angles(material: str, thickness: float, expected: tuple[float, ...]) -> None:
    loss = [float(slab_loss_db((Layer(material, thickness),), f, spread=0.0)) for f in BANDS]
    assert loss == pytest.approx(expected, abs=0.006)


def slab_formula(material: str, thickness: float, f_ghz: float, degrees: float) -> float:
    """ITU-R P.2040-3 eqs. 31, 32, 43, 44: one slab by its Fresnel coefficients."""
    eta, sine = MATERIALS[material].eta(f_ghz), np.sin(np.radians(degrees))
    cosine, root = np.sqrt(1 - sine**2), np.sqrt(eta - sine**2)
    q = 2 * np.pi * thickness * f_ghz * 1e9 / SPEED_OF_LIGHT * root
    power = 0.0
    for r in ((cosine - root) / (cosine + root), (eta * cosine - root) / (eta * cosine + root)):
        power += abs((1 - r**2) * np.exp(-1j * q) / (1 - r**2 * np.exp(-2j * q))) ** 2 / 2
    return float(-10 * np.log10(power))


@given(
    material=st.sampled_from(["concrete", "brick", "plasterboard", "wood", "glass", "chipboard", "marble"]),
    thickness=st.floats(0.003, 0.3),
    f_ghz=st.floats(1.0, 6.0),
    degrees=st.floats(0.0, 79.0),
)
def test_one_layer_is_the_slab_formula(material: str, thickness: float, f_ghz: float, degrees: float) -> None:
    expected = min(max(slab_formula(material, thickness, f_ghz, degrees), 0.0), CAP_DB)
    assert float(slab_loss_db((Layer(material, thickness),), f_ghz, degrees, spread=0.0)) == pytest.approx(expected, abs=1e-6)


@given(thickness=st.floats(0.01, 0.2), cut=st.floats(0.1, 0.9), degrees=st.floats(0.0, 75.0))
def test_a_layer_cut_in_two_is_the_same_wall(thickness: float, cut: float, degrees: float) -> None:
    whole = slab_loss_db((Layer("brick", thickness),), 3.5, degrees)
    parts = slab_loss_db((Layer("brick", thickness * cut), Layer("brick", thickness * (1 - cut))), 3.5, degrees)
    assert float(parts) == pytest.approx(float(whole), abs=1e-6)


def test_air_and_nothing_lose_nothing() -> None:
    assert slab_loss_db((), 3.5, [0.0, 60.0]).tolist() == [0.0, 0.0]
    assert slab_loss_db((Layer("air", 0.3),), 3.5, [0.0, 60.0]) == pytest.approx([0.0, 0.0], abs=1e-9)


def test_metal_and_thick_walls_are_capped() -> None:
    assert float(slab_loss_db((Layer("metal", 0.001),), 3.5)) == CAP_DB
    assert float(slab_loss_db((Layer("concrete", 30.0),), 5.8, 80.0)) == CAP_DB


def test_concrete_agrees_with_3gpp() -> None:
    assert float(slab_loss_db((Layer("concrete", 0.2),), 3.5)) == pytest.approx(5.0 + 4.0 * 3.5, abs=0.3)


def test_angles_are_held_at_80_degrees_and_tabulated() -> None:
    wall = (Layer("brick", 0.12),)
    table = angle_table_db(wall, 2.45)
    assert table.shape == (91,)
    assert table[90] == table[80] > table[0]
    assert table[37] == pytest.approx(float(slab_loss_db(wall, 2.45, 37.0)))


def test_700_mhz_is_outside_the_table_for_concrete() -> None:
    assert is_extrapolated((Layer("concrete", 0.2),), 0.7)
    assert not is_extrapolated((Layer("concrete", 0.2), Layer("glass", 0.006)), 2.45)


@pytest.mark.parametrize(
    ("name", "material"),
    [
        ("钢筋混凝土 C30", "concrete"), ("Stahlbeton", "concrete"), ("Concrete - Cast-in-Place", "concrete"), ("加气混凝土砌块", "brick"),
        ("Brick, Common", "brick"), ("Kalksandstein", "brick"), ("Metal - Stud Layer", "air"), ("轻钢龙骨", "air"),
        ("Vapor Retarder", "air"),
        ("Fiberglass Batt", "insulation"), ("C 30/37", "concrete"),
        ("Textile - White", None), ("Ceramic Tile", "marble"), ("Metal - Steel - 345 MPa", "metal"), ("铝合金", "metal"),
        ("Glaswolle", "insulation"), ("玻璃棉", "insulation"), ("Mineralwolle", "insulation"), ("岩棉保温板", "insulation"),
        ("Gipskartonplatte", "plasterboard"), ("石膏板", "plasterboard"), ("Gypsum Wall Board", "plasterboard"), ("木饰面", "wood"),
        ("Glas", "glass"), ("双层玻璃", "glass"), ("OSB/3", "chipboard"), ("胶合板", "plywood"), ("花岗岩", "marble"),
        ("Default", None), ("<Unnamed>", None), ("默认", None), ("", None),
    ],
)  # fmt: skip
def test_names_in_three_languages(name: str, material: str | None) -> None:
    assert material_of(name) == material


@pytest.mark.parametrize(("f_ghz", "gamma", "most"), [(0.1059, 0.04, 9.4), (0.949, 0.17, 26.5), (2.1175, 0.34, 34.1)])
def test_vegetation_is_near_what_was_measured(f_ghz: float, gamma: float, most: float) -> None:
    """ITU-R P.833-9 table 1: a straight line over the logarithms passes its rows within a fifth."""
    assert float(vegetation_db(0.01, f_ghz)) / 0.01 == pytest.approx(gamma, rel=0.2)
    assert float(vegetation_db(1e5, f_ghz)) == pytest.approx(most, rel=0.2)


def test_vegetation_grows_with_the_way_and_levels_off() -> None:
    loss = vegetation_db(np.array([-1.0, 0.0, 1.0, 5.0, 20.0, 60.0, 500.0]), 2.45)
    assert loss[:2].tolist() == [0.0, 0.0]
    assert (np.diff(loss[1:]) > 0).all()
    assert (np.diff(loss[1:]) / np.array([1, 4, 15, 40, 440]) <= 0.42).all()
    assert float(loss[2]) == pytest.approx(0.36, abs=0.02)
