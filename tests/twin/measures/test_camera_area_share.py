"""The camera area measure on small parks written here: closed forms, what is assumed, what stands in the way, what a change changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.coverage import visibility
from twin.coverage.drawing import drawn
from twin.coverage.shadows import Seen
from twin.crs import Frame
from twin.errors import MissingInput, UnknownParameter
from twin.measures import compute
from twin.measures.report import gaps_geojson, result_json, samples_json, sentence
from twin.model import Device, FeatureTable, Layer, Park, Terrain
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def camera(name: str, x: float, y: float, *, height_m: float | None = 5.0, status: str = "in_service", **attributes: Any) -> Device:
    lon, lat, _ = FRAME.to_lonlat([[x, y]])[0]
    optics = {"azimuth_deg": 0.0, "tilt_deg": 30.0, "hfov_deg": 60.0, "vfov_deg": 40.0, "pixels_w": 3840, "pixels_h": 2160} | attributes
    own = {key: value for key, value in optics.items() if value is not None}
    return Device(name, "camera", name, float(lon), float(lat), height_m=height_m, status=status, attributes=own)


Make = Callable[..., Store]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A park of 100 x 100 m with devices, layers by kind (shapes in metres, columns) and terrain."""

    def build(
        devices: Sequence[Device] = (),
        *,
        boundary: bool = True,
        terrain: Terrain | None = None,
        **layers: tuple[Sequence[Any], Mapping[str, Any]],
    ) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        everything = ({"boundary": ([shapely.box(-50, -50, 50, 50)], {})} if boundary else {}) | layers
        with store.transaction() as writer:
            for kind, (shapes, columns) in everything.items():
                writer.put_layer(Layer(kind, kind, kind))
                geometry = np.array([lonlat(shape) for shape in shapes], object)
                writer.put_features(kind, FeatureTable([f"{kind}-{i}" for i in range(len(shapes))], geometry, columns), source="t")
            if terrain is not None:
                writer.put_terrain(terrain, source="t")
            writer.put_devices(devices, source="t")
        return store

    return build


def footprint(height: float = 5.0, tilt: float = 30.0, hfov: float = 60.0, vfov: float = 40.0, target: float = 1.5) -> Any:
    """What a camera at the origin looking north sees of level ground, by the four corner rays."""
    t, th, tv = math.radians(tilt), math.tan(math.radians(hfov / 2)), math.tan(math.radians(vfov / 2))
    f, r, u = np.array([0, math.cos(t), -math.sin(t)]), np.array([1.0, 0, 0]), np.array([0, math.sin(t), math.cos(t)])
    rays = [f + i * th * r + j * tv * u for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return shapely.Polygon([ray[:2] * (height - target) / -ray[2] for ray in rays])


def test_one_camera_on_an_open_field_covers_its_footprint(make: Make) -> None:
    result = compute(make([camera("c", 0, 0)]), "camera_area_share", {"density_px_per_m": 20})
    exact = footprint().area / 10_000
    assert result.lower <= exact <= result.upper
    assert result.value == pytest.approx(exact, rel=2e-2)
    assert (result.denominator, result.quantity) == (pytest.approx(10_000, rel=1e-6), "m2")
    assert result.numerator == pytest.approx(result.value * result.denominator)
    assert result.inputs["defaulted_share"] == 0
    assert sum(gap.amount for gap in result.gaps) == pytest.approx(result.denominator - result.numerator, rel=1e-6)


def test_the_density_cuts_the_footprint_at_its_depth(make: Make) -> None:
    """pixels_w / (2 depth tan(hfov/2)) >= 250 up to 13.3 m along the axis."""
    result = compute(make([camera("c", 0, 0)]), "camera_area_share", {"density_px_per_m": 250})
    t, depth = math.radians(30), 3840 / (2 * math.tan(math.radians(30)) * 250)
    far = (depth - 3.5 * math.sin(t)) / math.cos(t)
    exact = footprint().intersection(shapely.box(-50, 0, 50, far)).area
    assert result.lower * 1e4 <= exact <= result.upper * 1e4
    assert result.extra["level"] == "characterise"


def test_a_building_is_excluded_and_its_shadow_is_a_gap_that_names_it(make: Make) -> None:
    block = shapely.box(-3, 8, 3, 10)
    store = make([camera("c", 0, 0)], building=([block], {"height_m": [9.0]}))
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    assert [dict(row) for row in result.exclusions] == [{"reason": "building", "amount": pytest.approx(12.0, rel=1e-6)}]
    assert result.denominator == pytest.approx(10_000 - 12, rel=1e-6)
    shadow = shapely.Polygon([(-3, 8), (3, 8), (300, 800), (-300, 800)]).union(block)
    exact = footprint().difference(shadow).area / result.denominator
    assert result.lower <= exact <= result.upper
    assert "building/building-0" in {name for gap in result.gaps for name in gap.blockers}


def test_the_result_tells_which_engine_spoke(make: Make) -> None:
    """A fisheye that looks aslant draws no polygons."""
    store = make([camera("c", 0, 0)], building=([shapely.box(-3, 8, 3, 10)], {"height_m": [9.0]}))
    drawn = compute(store, "camera_area_share", {"density_px_per_m": 20})
    assert drawn.surface["method"].startswith("exact shadow polygons")
    assert drawn.value <= drawn.extra["engines"]["exact_shadows"] < drawn.value + 0.05
    assert drawn.extra["engines"]["contradiction_m2"] == 0
    other = make_park(store, [camera("f", 0, 0, ptz="fisheye", tilt_deg=60.0, hfov_deg=120.0)])
    looked = compute(other, "camera_area_share", {"density_px_per_m": 20})
    assert looked.surface["method"].startswith("certified cells")
    told = looked.extra["engines"]
    assert (told["exact_shadows"], told["certified_cells"]) == (0.0, 1.0)
    assert 1 - told["certified_unseen"] >= looked.upper


def test_engines_that_contradict_each_other_are_told_in_both_languages(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A polygon somewhere else than what is seen: the bounds hold both."""
    store = make([camera("c", 0, 0)])
    real = compute(store, "camera_area_share", {"density_px_per_m": 20})

    def elsewhere(*given: Any) -> dict[int, Seen]:
        found = drawn(*given)
        return {
            n: Seen(*(shapely.affinity.translate(getattr(each, b), 0.4) for b in ("lower", "value", "upper"))) for n, each in found.items()
        }

    monkeypatch.setattr(visibility, "drawn", elsewhere)
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    warning = next(each for each in result.warnings if each["code"] == "engines_contradict")
    assert result.extra["engines"]["contradiction_m2"] > 1
    assert result.lower < real.lower
    assert result.lower <= footprint().area / 10_000 <= result.upper
    assert "contradict" in sentence(warning, "en")
    assert "相差" in sentence(warning, "zh")


def test_ground_water_and_fenced_yards_are_told_apart(make: Make) -> None:
    store = make(
        [camera("c", 0, 0)], water=([shapely.box(-40, -40, -30, -30)], {}),
        enterprise=([shapely.box(20, 20, 40, 40), shapely.box(-40, 20, -20, 40)], {"fenced": ["yes", None], "name": ["A", "B"]}),
    )  # fmt: skip
    result = compute(store, "camera_area_share")
    assert {row["reason"]: round(row["amount"], 3) for row in result.exclusions} == {"water": 100.0, "fenced_yard": 400.0}
    assert {zone["name"]: round(zone["amount"], 3) for zone in result.zones} == {"B": 400.0, "其余地面 · Other ground": 9100.0}


def test_what_is_missing_is_assumed_and_said(make: Make) -> None:
    store = make([camera("a", 0, 0), camera("b", 10, 0, tilt_deg=None, pixels_w=None, height_m=None)])
    result = compute(store, "camera_area_share")
    assert result.inputs["defaulted_share"] == 0.5
    assumed = {warning["attribute"] for warning in result.warnings if warning["code"] == "camera_assumed"}
    assert assumed == {"tilt_deg", "pixels_w", "height_m"}
    for warning in result.warnings:
        assert "b" in sentence(warning, "en")
        assert sentence(warning, "zh") != sentence(warning, "en")


def test_without_azimuth_a_camera_adds_to_the_upper_bound_alone(make: Make) -> None:
    store = make([camera("c", 0, 0, azimuth_deg=None, range_m=12.0)])
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    assert result.lower == result.value == 0
    assert 0.03 < result.upper < math.pi * 144 / 1e4 * 1.1
    assert [w["ids"] for w in result.warnings if w["code"] == "camera_direction_missing"] == [["c"]]


def test_a_fisheye_needs_no_azimuth_and_a_wide_head_is_put_together(make: Make) -> None:
    store = make([camera("f", 0, 0, azimuth_deg=None, tilt_deg=None, ptz="fisheye", hfov_deg=120.0, height_m=4.5)])
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    exact = math.pi * (3.0 * math.tan(math.radians(60))) ** 2 / 1e4
    assert result.lower <= exact <= result.upper
    other = compute(
        make_park(store, [camera("m", 0, 0, ptz="multi", hfov_deg=180.0, tilt_deg=20.0)]), "camera_area_share", {"density_px_per_m": 20}
    )
    assert other.value > 0.02


def make_park(store: Store, devices: Sequence[Device]) -> Store:
    with store.transaction() as writer:
        writer.put_devices(devices, source="t")
    return store


def test_presets_are_one_camera(make: Make) -> None:
    presets = [{"azimuth_deg": 0}, {"azimuth_deg": 180}]
    store = make([camera("p", 0, 0, ptz="ptz", presets=presets)])
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    assert result.lower <= 2 * footprint().area / 1e4 <= result.upper
    assert compute(store, "camera_area_share", {"density_px_per_m": 20, "k": 2}).upper == 0


def test_only_the_statuses_asked_for_count(make: Make) -> None:
    store = make([camera("c", 0, 0, status="planned")])
    none = compute(store, "camera_area_share")
    assert none.value == 0
    assert {w["code"] for w in none.warnings} == {"no_devices"}
    assert {gap.reason for gap in none.gaps} == {"no_device"}
    assert compute(store, "camera_area_share", {"statuses": "in_service,planned"}).value > 0


def test_a_lens_drawn_just_inside_a_wall_hangs_outside_and_one_deep_inside_sees_nothing(make: Make) -> None:
    house = ([shapely.box(-10, -20, 10, -0.4)], {"height_m": [9.0]})
    store = make([camera("wall", 0, -0.8), camera("deep", 0, -10)], building=house)
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    assert result.value * result.denominator == pytest.approx(footprint().area, rel=0.03)
    assert {w["code"]: w["ids"] for w in result.warnings} == {"camera_on_wall": ["wall"], "camera_inside_building": ["deep"]}


def test_a_hill_hides_and_level_ground_does_not(make: Make) -> None:
    x = np.arange(-60, 61, 4.0)
    ridge = np.where(np.abs(x[:, None] - 12) < 3, 8.0, 0.0) * np.ones((1, len(x)))
    terrain = Terrain(-60.0, -60.0, 4.0, (500.0 + ridge).astype(np.float32))
    store = make([camera("c", 0, 0, tilt_deg=15.0)], terrain=terrain)
    uneven, flat = (compute(store, "camera_area_share", {"density_px_per_m": 20, "terrain": how}) for how in ("auto", "flat"))
    assert flat.value > 1.5 * uneven.value
    assert "terrain" in {name for gap in uneven.gaps for name in gap.blockers}
    assert flat.lower <= flat.value <= flat.upper


def test_without_a_boundary_the_hull_stands_for_it_and_it_is_said(make: Make) -> None:
    store = make([camera("c", 0, 0), camera("d", 30, 0), camera("e", 0, 30)], boundary=False)
    result = compute(store, "camera_area_share")
    assert [w["code"] for w in result.warnings] == ["boundary_missing"]
    assert result.denominator == pytest.approx(shapely.Polygon([(0, 0), (30, 0), (0, 30)]).buffer(10).area, rel=1e-3)


def test_any_polygon_layer_can_be_asked_about(make: Make) -> None:
    store = make([camera("c", 0, 0)], zone=([shapely.box(-2, 5, 2, 9), shapely.box(30, 30, 40, 40)], {"name": ["near", "far"]}))
    result = compute(store, "camera_area_share", {"surface": "layer:zone", "density_px_per_m": 20})
    assert {zone["name"]: round(zone["value"], 6) for zone in result.zones} == {"near": 1.0, "far": 0.0}
    assert result.value == pytest.approx(16 / 116)


def test_what_cannot_be_asked_is_refused(make: Make) -> None:
    store = make([camera("c", 0, 0)])
    for name in ("nowhere", "layer:nothing", "storey:none", "space:none", "layer:"):
        with pytest.raises(UnknownParameter, match=name):
            compute(store, "camera_area_share", {"surface": name})
    for name in ("crowded_rooms", "road_surface"):
        with pytest.raises(MissingInput, match=name):
            compute(store, "camera_area_share", {"surface": name})


def test_the_same_input_is_the_same_run_and_another_is_another(make: Make) -> None:
    store = make([camera("c", 0, 0)])
    first, again, finer = (compute(store, "camera_area_share", given) for given in ({}, {}, {"density_px_per_m": 60}))
    assert first.run == again.run != finer.run
    assert first.inputs["sha256"] == finer.inputs["sha256"]
    moved = compute(make_park(store, [camera("c", 1, 0)]), "camera_area_share")
    assert moved.inputs["sha256"] != first.inputs["sha256"]
    assert moved.value == pytest.approx(first.value, rel=0.05)


def test_a_result_is_told_in_json(make: Make) -> None:
    result = compute(make([camera("c", 0, 0)], building=([shapely.box(-3, 8, 3, 10)], {"height_m": [9.0]})), "camera_area_share")
    told = result_json(result, "zh")
    assert told["parameters"]["density_px_per_m"] == {
        "value": 125.0,
        "unit": "px/m",
        "provenance": "default",
        "source": told["parameters"]["density_px_per_m"]["source"],
    }
    assert {"id", "height_m", "step_m", "samples", "convergence"} <= set(told["surface"])
    assert told["surface"]["convergence"] < 0.01
    samples = samples_json(result)
    assert samples is not None
    assert len(samples["lon"]) == told["surface"]["samples"]
    assert set(samples["state"]) <= {1, 0, -1}
    features = gaps_geojson(result)["features"]
    assert all(len(feature["geometry"]["coordinates"]) for feature in features)


def test_a_very_tall_field_of_view_keeps_its_near_field(make: Make) -> None:
    optics = {"tilt_deg": 0.0, "hfov_deg": 90.0, "vfov_deg": 170.0}
    store = make([camera(f"c{turn}", 0, 0, azimuth_deg=float(turn), **optics) for turn in (0, 90, 180, 270)])
    result = compute(store, "camera_area_share", {"density_px_per_m": 1, "step_m": 0.5})
    blind = (2 * 3.5 / math.tan(math.radians(85.0))) ** 2  # the square below the lens
    assert result.lower * 10_000 <= 10_000 - blind <= result.upper * 10_000
    assert result.denominator - result.numerator == pytest.approx(blind, abs=0.1)


def test_an_unknown_side_of_the_image_takes_the_usual_shape(make: Make) -> None:
    store = make([camera("c", 0, 0, vfov_deg=None, pixels_h=None)])
    result = compute(store, "camera_area_share", {"density_px_per_m": 20})
    tall = math.degrees(2 * math.atan(math.tan(math.radians(30.0)) * 9 / 16))
    assert result.lower <= footprint(vfov=tall).area / 10_000 <= result.upper
    assert [warning["attribute"] for warning in result.warnings] == ["pixels_h"]
