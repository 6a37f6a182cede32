"""Vertical datums by the names people use, and ways between them that are real."""

from __future__ import annotations

import numpy as np
import pytest
from pyproj import CRS, Transformer

from twin.crs import Frame
from twin.errors import CRSError
from twin.vertical import height_title, known_height_datum, way

HERE = Frame(9.0, 50.0)
ESRI = 'VERTCS["Yellow_Sea_1985",VDATUM["Yellow_Sea_1985"],PARAMETER["Vertical_Shift",0.0],PARAMETER["Direction",1.0],UNIT["Meter",1.0]]'


@pytest.mark.parametrize(
    ("name", "datum"),
    [
        ("ellipsoidal", "ellipsoidal"), ("大地高", "ellipsoidal"), ("WGS84", "ellipsoidal"), ("EPSG:4979", "ellipsoidal"),
        ("local", "local"), ("相对标高", "local"), ("±0.000", "local"), ("吴淞高程", "local"),
        ("1985国家高程基准", "EPSG:5737"), ("国家85高程", "EPSG:5737"), ("黄海高程", "EPSG:5737"), ("Yellow_Sea_1985", "EPSG:5737"),
        ("Yellow Sea 1985 height", "EPSG:5737"), ("EPSG:5737", "EPSG:5737"), ("5737", "EPSG:5737"), (ESRI, "EPSG:5737"),
        ("1956年黄海高程系", "EPSG:5736"), ("EGM96", "EPSG:5773"), ("EGM2008", "EPSG:3855"), ("NAVD88", "EPSG:5703"),
        ("NAVD88 height (ftUS)", "EPSG:6360"), ("NAP", "EPSG:5709"), ("EPSG:7415", "EPSG:5709"), ("DHHN92", "EPSG:5783"),
        ("NN2000 height", "EPSG:5941"),
    ],
)  # fmt: skip
def test_names(name: str, datum: str) -> None:
    assert known_height_datum(name) == datum


def test_codes_are_the_systems_they_are_said_to_be() -> None:
    assert "Yellow Sea 1985" in height_title("EPSG:5737")
    assert "Yellow Sea 1956" in CRS.from_user_input(known_height_datum("1956黄海")).name
    for name in ("EGM96", "EGM2008", "NAVD88", "NAP", "LN02", "LHN95", "RH2000", "DHHN2016"):
        assert name[:3] in CRS.from_user_input(known_height_datum(name)).name


@pytest.mark.parametrize("name", ["", "rubbish", "EPSG:4326", "EPSG:99999", "12"])
def test_what_names_no_heights(name: str) -> None:
    with pytest.raises(CRSError):
        known_height_datum(name)


def test_the_same_datum_changes_nothing_but_the_unit() -> None:
    assert way("EPSG:5737", "EPSG:5737", HERE).convert([[9, 50]], [12.0]) == pytest.approx([12.0])
    assert way("EPSG:6360", "EPSG:6360", HERE).convert([[9, 50]], [10.0]) == pytest.approx([10 * 1200 / 3937])
    assert way(None, "EPSG:5737", HERE, 0.3048).convert([[9, 50]], [10.0]) == pytest.approx([3.048])


def test_without_a_grid_there_is_no_way_and_numbers_stay() -> None:
    for source, target in (
        ("EPSG:5737", "ellipsoidal"),
        ("EPSG:5773", "ellipsoidal"),
        ("local", "EPSG:5737"),
        ("EPSG:5737", "works datum"),
    ):
        found = way(source, target, HERE)
        assert not found.is_known
        assert found.operation == ""
        assert found.convert([[9, 50]], [12.0]) == pytest.approx([12.0])
    assert way("EPSG:6360", "ellipsoidal", HERE).convert([[9, 50]], [10.0]) == pytest.approx([10 * 1200 / 3937])


def test_a_real_operation_is_used_and_named() -> None:
    found = way("EPSG:5783", "EPSG:5621", HERE)  # German heights to European ones: an offset with slopes
    assert found.is_known
    assert "DHHN92" in found.operation
    assert found.accuracy_m is not None
    expected = Transformer.from_crs("EPSG:4326+5783", "EPSG:4326+5621", always_xy=True, allow_ballpark=False).transform(9.0, 50.0, 100.0)[2]
    assert found.convert([[9.0, 50.0]], [100.0]) == pytest.approx([expected])
    assert expected != 100.0


def test_a_file_in_feet_of_a_metric_datum() -> None:
    found = way("EPSG:5783", "EPSG:5621", HERE, 0.3048)
    metric = way("EPSG:5783", "EPSG:5621", HERE)
    assert found.convert([[9, 50]], [100.0]) == pytest.approx(metric.convert([[9, 50]], [30.48]))
    assert np.isnan(metric.convert([[9, 50]], [np.nan])).all()
