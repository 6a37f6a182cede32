from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from importers.contract import Context, Options
from importers.heights import heights
from twin.crs import Frame
from twin.errors import UsageError
from twin.model import Park, Terrain

FRAME = Frame(120.6, 31.3, 14.0)
TERRAIN = Terrain(-500.0, -500.0, 10.0, np.full((101, 101), 14.0, np.float32))
FEET = FRAME.to_lonlat([[x, y] for x in (0.0, 50.0, 100.0) for y in (0.0, 60.0)])[:, :2]


def context(datum: str = "ellipsoidal", terrain: Terrain | None = None, **options: object) -> Context:
    return Context(Park("Test", FRAME, height_datum=datum), replace(Options(), **options), terrain)  # type: ignore[arg-type]


def codes(issues: object) -> list[str]:
    return [issue.code for issue in issues]  # type: ignore[attr-defined]


def test_nothing_said_is_nothing_done() -> None:
    rule = heights("a", None, context())
    assert rule.datum is None
    assert rule.to_park(FEET, [3.0] * 6).tolist() == [3.0] * 6
    assert rule.remarks() == []


def test_the_parks_own_datum_needs_no_remark_whatever_it_is_called() -> None:
    rule = heights("a", "EPSG:4547+5737", context("1985国家高程基准"))
    assert rule.datum == "EPSG:5737"
    assert rule.to_park(FEET[:1], [3.0]).tolist() == [3.0]
    assert rule.remarks() == []


def test_chinese_heights_in_an_ellipsoidal_park_stay_and_say_so() -> None:
    rule = heights("a", None, context(height_datum="1985国家高程基准"))
    assert rule.to_park(FEET[:1], [3.0]).tolist() == [3.0]
    (issue,) = rule.remarks()
    assert issue.code == "height_datum_differs"
    assert "Yellow Sea 1985" in str(issue.details["source_datum"])
    assert rule.details["is_converted"] is False


def test_with_terrain_the_offset_is_measured_and_given_as_the_option_to_use() -> None:
    rule = heights("a", "EPSG:5737", context(terrain=TERRAIN))
    noise = np.array([0.02, -0.02, 0.01, -0.01, 0.03, -0.03])
    (issue,) = rule.remarks(FEET, 4.0 + noise)  # the ground is at 14
    assert issue.code == "height_datum_differs_measured"
    assert float(str(issue.details["offset"])) == pytest.approx(10.0)
    again = heights("a", "EPSG:5737", context(terrain=TERRAIN, height_offset_m=float(str(issue.details["offset"]))))
    assert again.to_park(FEET, 4.0 + noise) == pytest.approx(14.0 + noise)
    assert codes(again.remarks(FEET, again.to_park(FEET, 4.0 + noise))) == ["height_offset_applied"]


def test_unknown_heights_that_all_miss_the_ground_alike_are_told() -> None:
    rule = heights("a", None, context(terrain=TERRAIN))
    assert codes(rule.remarks(FEET, np.full(6, 4.0))) == ["heights_off_ground"]
    assert rule.remarks(FEET, np.full(6, 14.5)) == []
    assert rule.remarks(FEET, np.array([4.0, 30.0, -9.0, 55.0, 14.0, 80.0])) == []  # roofs, pipes, wires: no rule in it
    assert rule.remarks(FEET[:2], np.full(2, 4.0)) == []
    assert rule.remarks(FEET + 1.0, np.full(6, 4.0)) == []  # beside the terrain


def test_a_real_operation_is_applied_and_named() -> None:
    park = Context(Park("Test", Frame(9.0, 50.0), height_datum="EPSG:5621"), Options())
    rule = heights("a", "EPSG:5555", park)
    assert rule.to_park([[9.0, 50.0]], [100.0])[0] == pytest.approx(100.02, abs=0.01)
    assert codes(rule.remarks()) == ["heights_converted"]


def test_the_persons_offset_is_the_whole_difference() -> None:
    park = Context(Park("Test", Frame(9.0, 50.0), height_datum="EPSG:5621"), Options(height_offset_m=2.0))
    rule = heights("a", "EPSG:5555", park)
    assert rule.to_park([[9.0, 50.0]], [100.0]).tolist() == [102.0]
    assert (rule.datum, rule.offset_m) == ("EPSG:5783", 2.0)


def test_feet() -> None:
    rule = heights("a", "EPSG:6360", context("EPSG:5703"))
    assert rule.to_park(FEET[:1], [100.0])[0] == pytest.approx(100 * 1200 / 3937)
    plain = heights("a", None, context(), unit_m=0.3048)
    assert plain.to_park(FEET[:1], [100.0])[0] == pytest.approx(30.48)
    assert codes(plain.remarks()) == ["heights_in_feet"]
    assert plain.remarks()[0].details["unit"] == "ft"


def test_the_person_is_believed_before_the_file() -> None:
    assert heights("a", "EPSG:5783", context(height_datum="local")).datum == "local"
    with pytest.raises(UsageError):
        heights("a", None, context(height_datum="rubbish"))
