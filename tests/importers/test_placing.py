from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer

from importers.contract import Context, Options
from importers.placing import FEW_ISSUES, Frameless, few, place
from twin.crs import Frame, wgs84_to_gcj02
from twin.errors import CRSError, UsageError
from twin.i18n import hint, message
from twin.model import Issue, Park

LON, LAT = 120.6, 31.3
CONTEXT = Context(Park("Test", Frame(LON, LAT)), Options())


def given_shapes(*shapes: Any, crs: str | None = "EPSG:4326", assumed: bool = False) -> Frameless:
    array = np.empty(len(shapes), object)
    array[:] = shapes
    return Frameless(array, [f"t/{i}" for i in range(len(shapes))], "t", crs, assumed)


def told(options: Options) -> Context:
    return replace(CONTEXT, options=options)


def codes(issues: Any) -> list[str]:
    return [issue.code for issue in issues]


@pytest.mark.parametrize("crs", ["EPSG:4528", "EPSG:4549", "EPSG:32651", "EPSG:3857", "EPSG:4490", "EPSG:4326"])
def test_coordinates_agree_with_proj_called_directly(crs: str) -> None:
    rng = np.random.default_rng(1)
    lonlat = np.column_stack([LON + rng.uniform(-0.2, 0.2, 50), LAT + rng.uniform(-0.2, 0.2, 50)])
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    placed = place(given_shapes(*shapely.points(x, y), crs=crs), CONTEXT)
    assert np.abs(shapely.get_coordinates(placed.geometry) - lonlat).max() < 1e-9
    assert placed.crs == crs
    assert not placed.issues


def test_without_a_coordinate_system_the_likely_ones_are_named_and_none_is_taken() -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    with pytest.raises(CRSError) as caught:
        place(given_shapes(shapely.Point(x, y), crs=None), CONTEXT)
    assert caught.value.code == "crs_missing"
    assert "EPSG:4549" in caught.value.hint("en")
    assert "EPSG:4549" in caught.value.hint("zh")


def test_a_local_grid_has_no_likely_system() -> None:
    with pytest.raises(CRSError) as caught:
        place(given_shapes(shapely.Point(100, 200), crs=None), told(Options()))
    assert caught.value.code == "crs_missing_unlike"


def test_the_persons_word_counts_more_than_the_files_and_is_told() -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    placed = place(given_shapes(shapely.Point(x, y), crs="EPSG:32651"), told(Options(crs="EPSG:4549")))
    assert shapely.get_coordinates(placed.geometry)[0] == pytest.approx([LON, LAT])
    assert codes(placed.issues) == ["crs_overridden"]
    assumed = place(given_shapes(shapely.Point(x, y), assumed=True), told(Options(crs="EPSG:4549")))
    assert not assumed.issues


def test_latitude_first_is_refused_in_degrees_and_in_metres() -> None:
    for crs in ("EPSG:4326", "EPSG:4549"):
        x, y = Transformer.from_crs(4326, crs, always_xy=True).transform([LON, LON + 0.01], [LAT, LAT + 0.01])
        with pytest.raises(CRSError) as caught:
            place(given_shapes(*shapely.points(y, x), crs=crs), CONTEXT)
        assert caught.value.code == "coordinates_swapped"
        assert "--map" in caught.value.hint("en")


def test_one_swapped_feature_among_many_is_left_out_and_told() -> None:
    placed = place(given_shapes(shapely.Point(LON, LAT), shapely.Point(LON, LAT), shapely.Point(LAT, LON)), CONTEXT)
    assert placed.kept.tolist() == [True, True, False]
    assert [(issue.code, issue.subject) for issue in placed.issues] == [("feature_swapped", "t/2")]


def test_metres_said_to_be_degrees_are_refused_with_likely_systems() -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    with pytest.raises(CRSError) as caught:
        place(given_shapes(shapely.Point(x, y), assumed=True), CONTEXT)
    assert caught.value.code == "crs_contradicts"
    assert "EPSG:4549" in caught.value.hint("en")


def test_one_impossible_feature_is_left_out() -> None:
    placed = place(given_shapes(shapely.Point(LON, LAT), shapely.Point(LON, LAT), shapely.Point(999, 999)), CONTEXT)
    assert placed.kept.tolist() == [True, True, False]
    assert codes(placed.issues) == ["coordinates_impossible"]


def test_far_data_are_imported_and_counted() -> None:
    placed = place(given_shapes(shapely.Point(LON, LAT), shapely.Point(LON + 1, LAT)), CONTEXT)
    assert placed.kept.all()
    assert codes(placed.issues) == ["far_from_park"]
    assert placed.issues[0].details["count"] == 1
    # a degree of longitude is 111.32 km at the equator, and shrinks with the cosine of latitude
    assert placed.issues[0].details["nearest_km"] == pytest.approx(111.32 * np.cos(np.radians(LAT)), abs=1)


def test_missing_empty_and_non_finite_geometry_is_left_out_and_told_one_by_one() -> None:
    shapes = (shapely.Point(LON, LAT), None, shapely.Point(), shapely.Point(np.nan, LAT), shapely.LineString([(LON, LAT), (np.inf, LAT)]))
    placed = place(given_shapes(*shapes), CONTEXT)
    assert placed.kept.tolist() == [True, False, False, False, False]
    assert [(issue.code, issue.subject) for issue in placed.issues] == [
        ("geometry_missing", "t/1"), ("geometry_missing", "t/2"), ("geometry_not_finite", "t/3"), ("geometry_not_finite", "t/4"),
    ]  # fmt: skip


@pytest.mark.filterwarnings("error")
def test_coordinates_near_the_end_of_all_numbers_are_impossible_and_nothing_more() -> None:
    placed = place(given_shapes(shapely.Point(1e308, 1e308), shapely.Point(LON, LAT)), CONTEXT)
    assert placed.kept.tolist() == [False, True]
    assert codes(placed.issues) == ["coordinates_impossible"]


def test_a_bow_tie_is_repaired_and_a_spike_without_area_is_dropped() -> None:
    step = 0.001
    bow_tie = shapely.Polygon([(LON, LAT), (LON + step, LAT + step), (LON + step, LAT), (LON, LAT + step)])
    spike = shapely.Polygon([(LON, LAT), (LON + step, LAT), (LON, LAT)])
    placed = place(given_shapes(bow_tie, spike), CONTEXT)
    assert codes(placed.issues) == ["geometry_repaired", "geometry_hopeless"]
    mended = placed.geometry[0]
    assert mended.is_valid
    assert mended.area == pytest.approx(2 * 0.5 * step * step / 2)  # two triangles of half base and half height
    assert placed.geometry[1] is None


@given(st.lists(st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1)), min_size=3, max_size=12))
def test_what_comes_out_is_always_valid(offsets: list[tuple[float, float]]) -> None:
    ring = shapely.Polygon([(LON + east, LAT + north) for east, north in offsets])
    placed = place(given_shapes(ring), CONTEXT)
    for shape in placed.geometry[placed.kept]:
        assert shape.is_valid
        assert shape.geom_type in {"Polygon", "MultiPolygon"}
    assert placed.kept.all() or placed.issues


def test_heights_stay_and_flat_shapes_stay_flat_in_one_layer() -> None:
    placed = place(given_shapes(shapely.Point(LON, LAT, 12.5), shapely.Point(LON, LAT), shapely.Point(LON, LAT, np.nan)), CONTEXT)
    assert shapely.has_z(placed.geometry).tolist() == [True, False, False]
    assert placed.geometry[0].z == 12.5
    assert codes(placed.issues) == ["heights_not_finite"]


def test_the_chinese_shift_is_taken_back_only_when_asked() -> None:
    shifted = wgs84_to_gcj02([[LON, LAT]])[0]
    point = shapely.Point(*shifted)
    back = place(given_shapes(point), told(Options(datum="gcj02"))).geometry[0]
    assert (back.x, back.y) == pytest.approx((LON, LAT), abs=1e-8)
    kept = place(given_shapes(point), CONTEXT).geometry[0]
    assert (kept.x, kept.y) == pytest.approx(tuple(shifted))


def test_an_unknown_system_is_refused() -> None:
    with pytest.raises(CRSError):
        place(given_shapes(shapely.Point(LON, LAT)), told(Options(crs="EPSG:999999")))


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ('LOCAL_CS["site",UNIT["m",1]]', "crs_missing"),
        ('GEOGCS["Undefined geographic SRS"]', "crs_missing"),
        ("urn:ogc:def:crs:EPSG::999999", "crs_not_understood"),
    ],
)
def test_a_system_that_places_nothing_on_earth_is_as_good_as_none(stated: str, code: str) -> None:
    with pytest.raises(CRSError) as caught:
        place(given_shapes(shapely.Point(LON, LAT), crs=stated), CONTEXT)
    assert caught.value.code == code


def test_unknown_datums_are_wrong_usage() -> None:
    from importers.placing import check_datum

    with pytest.raises(UsageError):
        check_datum(Options(datum="mars"))


@given(st.integers(0, 400))
def test_many_issues_of_one_code_are_listed_up_to_a_number_and_counted_beyond(count: int) -> None:
    listed = few([Issue("geometry_missing", "warning", str(i)) for i in range(count)])
    kept = [issue for issue in listed if issue.code == "geometry_missing"]
    more = [issue for issue in listed if issue.code == "issues_more"]
    assert len(kept) == min(count, FEW_ISSUES)
    assert len(kept) + sum(int(str(issue.details["count"])) for issue in more) == count


def test_northing_first_is_read_when_the_person_says_so() -> None:
    for crs in ("EPSG:4326", "EPSG:4549", "EPSG:4528"):
        x, y = Transformer.from_crs(4326, crs, always_xy=True).transform([LON, LON + 0.01], [LAT, LAT + 0.01])
        placed = place(given_shapes(*shapely.points(y, x), crs=crs), told(Options(crs=f"{crs}@yx")))
        assert np.abs(shapely.get_coordinates(placed.geometry) - [[LON, LAT], [LON + 0.01, LAT + 0.01]]).max() < 1e-9


def test_the_error_for_a_missing_system_carries_the_guesses() -> None:
    x, y = Transformer.from_crs(4326, 4528, always_xy=True).transform([LON, LON + 0.005], [LAT, LAT + 0.003])
    with pytest.raises(CRSError) as caught:
        place(given_shapes(*shapely.points(x, y), crs=None), CONTEXT)
    guesses: Any = caught.value.details["guesses"]
    assert guesses[0]["crs"] == "EPSG:4528"
    assert guesses[0]["distance_m"] < 1000
    assert "km" in caught.value.hint("en")
    with pytest.raises(CRSError) as caught:
        place(given_shapes(*shapely.points(np.array(x) * 1000, np.array(y) * 1000), crs=None), CONTEXT)
    assert "EPSG:4528@mm" in caught.value.hint("zh")


@pytest.mark.parametrize(("crs", "code"), [("EPSG:2385", "datum_shift_unknown"), ("EPSG:2437", "datum_shift_rough")])
def test_old_chinese_datums_are_used_and_their_weakness_told(crs: str, code: str) -> None:
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(LON, LAT)
    placed = place(given_shapes(shapely.Point(x, y), crs=crs), CONTEXT)
    assert codes(placed.issues) == [code]
    assert "--control" in message("datum_shift_unknown", "en") + hint("datum_shift_unknown", "en")
    assert shapely.get_coordinates(placed.geometry)[0] == pytest.approx([LON, LAT], abs=0.002)


def test_heights_of_a_compound_system_count_from_what_it_says() -> None:
    x, y = Transformer.from_crs(4326, 4549, always_xy=True).transform(LON, LAT)
    point = shapely.Point(x, y, 12.0)
    park = replace(CONTEXT, park=Park("Test", Frame(LON, LAT), height_datum="1985国家高程基准"))
    same = place(given_shapes(point, crs="EPSG:4549+5737"), park)
    assert (same.heights.datum, same.geometry[0].z, codes(same.issues)) == ("EPSG:5737", 12.0, [])
    other = place(given_shapes(point, crs="EPSG:4549+5737"), CONTEXT)
    assert codes(other.issues) == ["height_datum_differs"]
    moved = place(given_shapes(point, crs="EPSG:4549+5737"), told(Options(height_offset_m=10.5)))
    assert moved.geometry[0].z == pytest.approx(22.5)
    assert (moved.heights.datum, moved.heights.offset_m) == ("EPSG:5737", 10.5)


def test_heights_in_feet_follow_the_plane_unit_unless_said_otherwise() -> None:
    new_york = replace(CONTEXT, park=Park("Test", Frame(-73.99, 40.71)))
    x, y = Transformer.from_crs(4326, 2263, always_xy=True).transform(-73.99, 40.71)
    plain = place(given_shapes(shapely.Point(x, y, 100.0), crs="EPSG:2263"), new_york)
    assert plain.geometry[0].z == pytest.approx(100 * 1200 / 3937)
    metric = place(given_shapes(shapely.Point(x, y, 100.0), crs="EPSG:2263+5703"), new_york)
    assert metric.geometry[0].z == 100.0
    assert "heights_in_feet" in codes(plain.issues)


def test_heights_that_are_all_zero_are_unknown() -> None:
    placed = place(given_shapes(shapely.Point(LON, LAT, 0.0), shapely.Point(LON, LAT, 0.0)), CONTEXT)
    assert not shapely.has_z(placed.geometry).any()
    assert codes(placed.issues) == ["heights_all_zero"]
    mixed = place(given_shapes(shapely.Point(LON, LAT, 0.0), shapely.Point(LON, LAT, 2.0)), CONTEXT)
    assert [shape.z for shape in mixed.geometry] == [0.0, 2.0]


@given(st.integers(0, 500), st.sampled_from(["gcj02", "bd09"]))
def test_rings_stay_closed_through_every_shift(seed: int, datum: str) -> None:
    rng = np.random.default_rng(seed)
    rings = [shapely.Polygon(np.add(rng.uniform(-0.001, 0.001, (7, 2)), (LON, LAT))).convex_hull for _ in range(9)]
    placed = place(given_shapes(*rings), told(Options(datum=datum)))
    assert placed.kept.all()
