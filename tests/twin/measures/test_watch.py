"""What is asked of cameras beside a density - levels, bodies, light, what turns, what is in doubt - on an open field with closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from twin.crs import Frame
from twin.errors import UnknownParameter
from twin.measures import compute, measures, resolve
from twin.measures.camera import field_of, stage
from twin.measures.report import result_json
from twin.measures.sees import Asked, sees
from twin.measures.surfaces import gather_surface
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park
from twin.scene.prism import prism
from twin.scene.state import states
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.66, 500.0)
ID = "camera_area_share"
COARSE = {"density_px_per_m": 20}
Make = Callable[..., Store]


def lonlat(shape: Any) -> Any:
    return shapely.force_2d(FRAME.unproject(shape))


def camera(
    name: str = "c", x: float = 0, y: float = 0, *, height_m: float | None = 5.0, lon: float | None = None, **attributes: Any
) -> Device:
    place = FRAME.to_lonlat([[x, y]])[0]
    optics = {"azimuth_deg": 0.0, "tilt_deg": 30.0, "hfov_deg": 60.0, "vfov_deg": 40.0, "pixels_w": 3840, "pixels_h": 2160} | attributes
    own = {key: value for key, value in optics.items() if value is not None}
    return Device(name, "camera", name, float(place[0] if lon is None else lon), float(place[1]), height_m=height_m, attributes=own)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A level park of 100 x 100 m with cameras, buildings and a door 4 m wide and 5 m high in the way to the north."""

    def build(devices: Sequence[Device], *, buildings: Sequence[Any] = (), zone: Sequence[Any] = (), door: bool = False) -> Store:
        store = create_store(tmp_path / "park", Park("p", FRAME))
        layers = {"boundary": [shapely.box(-50, -50, 50, 50)], "building": list(buildings), "zone": list(zone)}
        with store.transaction() as writer:
            for kind, shapes in layers.items():
                if shapes:
                    writer.put_layer(Layer(kind, kind, kind))
                    names, geometry = [f"{kind}-{i}" for i in range(len(shapes))], np.array([lonlat(shape) for shape in shapes], object)
                    writer.put_features(kind, FeatureTable(names, geometry, {"height_m": [9.0] * len(shapes)}), source="t")
            writer.put_devices(devices, source="t")
            if door:
                writer.put_model(_door())
        return store

    return build


def _door() -> ModelContent:
    vertices, faces = prism(shapely.box(-2, 6, 2, 6.1), 0.0, 5.0)
    place = Georeferencing("given", None, 500.0, 0.0, None, "test")
    model = Model("m", "m", "IFC4", "0" * 64, place, lonlat(shapely.box(-2, 6, 2, 6.1)), 500.0, 505.0)
    element = Element("D1", "m", "IfcDoor", "door")
    mesh = Mesh(vertices, faces.astype(np.uint32), np.zeros(len(faces), np.uint32), np.full((len(faces), 4), 255, np.uint8), ["D1"])
    return ModelContent(model, [], [], [element], mesh)


def bounds(store: Store, **given: Any) -> tuple[float, float, float]:
    result = compute(store, ID, COARSE | given)
    assert result.lower is not None
    assert result.value is not None
    assert result.upper is not None
    assert 0 <= result.lower <= result.value <= result.upper <= 1
    return result.lower, result.value, result.upper


def footprint(height: float, target: float, tilt: float = 30.0, hfov: float = 60.0, vfov: float = 40.0) -> Any:
    """What the camera sees of level ground, by the four corner rays."""
    t, th, tv = math.radians(tilt), math.tan(math.radians(hfov / 2)), math.tan(math.radians(vfov / 2))
    f, r, u = np.array([0, math.cos(t), -math.sin(t)]), np.array([1.0, 0, 0]), np.array([0, math.sin(t), math.cos(t)])
    rays = [f + i * th * r + j * tv * u for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return shapely.Polygon([ray[:2] * (height - target) / -ray[2] for ray in rays])


def test_a_level_is_its_density_in_either_edition(make: Make) -> None:
    store = make([camera()])
    by_number = compute(store, ID, {"density_px_per_m": 250})
    for level, edition in (("identify", "2014"), ("characterise", "2025"), ("identify", "2025")):
        by_name = compute(store, ID, {"level": level, "edition": edition})
        assert by_name.value == by_number.value
        assert by_name.extra["level"] == level
    with pytest.raises(UnknownParameter, match="level"):
        compute(store, ID, {"level": "excellent"})


def test_a_plate_is_a_density_and_a_face_one_along_its_height(make: Make) -> None:
    store = make([camera()])
    plate = compute(store, ID, {"level": "plate", "target_px": 110})
    assert plate.extra["density_px_per_m"] == pytest.approx(250)
    assert plate.value == compute(store, ID, {"density_px_per_m": 250}).value
    face = compute(store, ID, {"level": "face"})
    assert (face.extra["density_px_per_m"], face.extra["upright_px_per_m"]) == (0.0, pytest.approx(173.9, abs=0.1))
    across = compute(store, ID, {"density_px_per_m": 40 / 0.23})
    both = compute(store, ID, {"density_px_per_m": 40 / 0.23, "foreshortened": True})
    assert face.value < across.value  # a steep view shortens the face
    assert both.value == pytest.approx(face.value, abs=1e-3)


def test_a_whole_body_is_what_is_seen_of_feet_and_head(make: Make) -> None:
    store = make([camera()])
    exact = footprint(5, 0.1).intersection(footprint(5, 1.7)).area / 1e4
    lower, value, upper = bounds(store, body="whole")
    assert lower <= exact <= upper
    assert value == pytest.approx(exact, rel=0.01)
    assert bounds(store, heights_m="0.1,1.7")[1] == value
    with pytest.raises(UnknownParameter, match="heights_m"):
        compute(store, ID, {"heights_m": "low"})


def test_which_way_targets_face(make: Make) -> None:
    store = make([camera()])
    towards, aside, back = (bounds(store, facing=degrees)[1] for degrees in ("180", "90", "0"))
    assert towards > aside > back == 0
    lower, value, upper = bounds(store, facing="unknown")
    assert (lower, value) == (0, pytest.approx(bounds(store)[1]))
    assert upper == pytest.approx(bounds(store)[2])
    assert compute(store, ID, COARSE | {"facing": "unknown"}).sensitivity[0]["what"] == "facing"
    assert bounds(store, facing="180", max_yaw_deg=10)[1] < towards
    with pytest.raises(UnknownParameter, match="facing"):
        compute(store, ID, {"facing": "somewhere"})


def test_at_night_only_what_is_lit_is_covered(make: Make) -> None:
    store = make([camera(ir_range_m=9.0)])
    r = math.sqrt(9.0**2 - 3.5**2)
    exact = footprint(5, 1.5).intersection(shapely.Point(0, 0).buffer(r, 256)).area / 1e4
    lower, _, upper = bounds(store, light="night")
    assert lower <= exact <= upper
    dark = make_again(store, [camera()])
    lower, value, upper = bounds(dark, light="night")
    assert (lower, value) == (0, 0)
    assert upper == pytest.approx(footprint(5, 1.5).area / 1e4, rel=0.01)
    result = compute(dark, ID, COARSE | {"light": "night"})
    assert [row["what"] for row in result.sensitivity][:1] == ["light"]


def make_again(store: Store, devices: Sequence[Device]) -> Store:
    with store.transaction() as writer:
        writer.put_devices(devices, source="t")
    return store


def test_what_turns_has_three_numbers(make: Make) -> None:
    presets = [{"azimuth_deg": 0}, {"azimuth_deg": 90}]
    store = make([camera(ptz="ptz", presets=presets, zoom=4)])
    result = compute(store, ID, {"density_px_per_m": 40})
    by_mode: Mapping[str, Mapping[str, float]] = result.extra["ptz"]
    assert list(by_mode) == ["presets", "now", "reachable"]
    assert by_mode["presets"]["value"] == result.value
    assert by_mode["now"]["value"] < by_mode["presets"]["value"] < by_mode["reachable"]["value"]
    for mode, row in by_mode.items():
        own = compute(store, ID, {"density_px_per_m": 40, "ptz": mode})
        assert own.value == pytest.approx(row["value"], abs=0.01)
        assert row["lower"] <= row["value"] <= row["upper"]
    assert compute(make_again(store, [camera()]), ID).extra["ptz"] == {}


def test_tolerances_open_the_bounds_about_the_same_value(make: Make) -> None:
    exact = make([camera()])
    plain = bounds(exact)
    loose = make_again(exact, [camera(position_tolerance_m=0.3, azimuth_tolerance_deg=3.0, tilt_tolerance_deg=2.0)])
    lower, value, upper = bounds(loose)
    assert value == pytest.approx(plain[1], abs=1e-4)  # what is known exactly is drawn exactly
    assert lower < plain[0]
    assert upper > plain[2]
    for tilt, height in ((28.0, 5.3), (32.0, 4.7)):
        assert lower <= footprint(height, 1.5, tilt).area / 1e4 <= upper
    assert [row["what"] for row in compute(loose, ID, COARSE).sensitivity] == ["pose", "undecided_cells"]


def test_what_is_assumed_opens_the_bounds_and_is_ranked(make: Make) -> None:
    store = make([camera("a"), camera("b", 20, 0, hfov_deg=None, tilt_deg=None)])
    result = compute(store, ID, COARSE)
    assert result.lower is not None
    assert result.upper is not None
    for tilt, hfov in ((5.0, 80.0), (25.0, 65.0), (15.0, 90.0)):
        other = shapely.affinity.translate(footprint_above(5, 1.5, tilt, hfov), 20, 0)
        seen = footprint(5, 1.5).union(other).intersection(shapely.box(-50, -50, 50, 50))
        assert result.lower - 1e-6 <= seen.area / 1e4 <= result.upper + 1e-6
    named = {row["what"]: row["devices"] for row in result.sensitivity}
    assert {"hfov_deg", "tilt_deg"} <= set(named)
    assert named["tilt_deg"] == ["b"]
    widths = [row["width"] for row in result.sensitivity]
    assert widths == sorted(widths, reverse=True)
    for row in result.sensitivity:
        assert result.lower <= row["lower"] <= result.value <= row["upper"] <= result.upper
    alone = footprint(5, 1.5).area / 1e4
    assert result.inputs["resting_share"] == pytest.approx(1 - alone / result.value, abs=0.01)


def footprint_above(height: float, target: float, tilt: float, hfov: float) -> Any:
    """As `footprint`, of a view whose upper edge may rise over the horizon: cut off far away."""
    t, th, tv = math.radians(tilt), math.tan(math.radians(hfov / 2)), math.tan(math.radians(20))
    y = np.linspace(0.01, 120, 4000)
    drop = height - target
    depth, up = y * math.cos(t) + drop * math.sin(t), y * math.sin(t) - drop * math.cos(t)
    y, half = y[np.abs(up) <= tv * depth], (th * depth)[np.abs(up) <= tv * depth]
    return shapely.Polygon([*zip(half, y, strict=True), *zip(-half[::-1], y[::-1], strict=True)])


def test_gaps_say_by_how_much(make: Make) -> None:
    """Three small yards: one in view, one below the view, one out of range."""
    yards = [shapely.box(-1, 9, 1, 10), shapely.box(-1, 0.5, 1, 1.1), shapely.box(-1, 16, 1, 17)]
    store = make([camera(range_m=15.0, vfov_deg=50.0)], zone=yards)
    result = compute(store, ID, {"surface": "layer:zone", "density_px_per_m": 400, "step_m": 0.25})
    gaps = {gap.zone: gap for gap in result.gaps}
    depth = 9.5 * math.cos(math.radians(30)) + 3.5 * math.sin(math.radians(30))
    by_zone = {name: (gaps[name].reason, gaps[name].shortfall_unit, gaps[name].shortfall) for name in ("zone-0", "zone-1", "zone-2")}
    assert by_zone["zone-0"] == ("density", "px/m", pytest.approx(400 - 3840 / 2 / math.tan(math.radians(30)) / depth, rel=0.1))
    assert by_zone["zone-1"] == ("blind_zone", "deg", pytest.approx(math.degrees(math.atan(3.5 / 0.8)) - 55, abs=3))
    assert by_zone["zone-2"] == ("out_of_range", "m", pytest.approx(math.hypot(16.5, 3.5) - 15, rel=0.1))
    told = result_json(result)
    assert all((gap["shortfall"] is None) == (gap["shortfall_unit"] is None) for gap in told["gaps"])


def test_a_door_hides_unless_it_is_open(make: Make) -> None:
    store = make([camera(tilt_deg=20.0, height_m=3.0, vfov_deg=60.0)], door=True)
    shut, unknown, ajar = (bounds(store, doors=state) for state in ("closed", "unknown", "open"))
    assert unknown[:2] == shut[:2]
    assert shut[2] < unknown[2]
    assert unknown[2] == pytest.approx(ajar[2], rel=0.02)
    assert compute(store, ID, COARSE).sensitivity[0]["what"] == "doors"
    lon, lat, _ = FRAME.to_lonlat([[0.0, 12.0]])[0]
    row = sees(store, float(lon), float(lat))["cameras"][0]
    assert (row["sees"], row["reason"], row["blocked_by"]) == (False, "occluded", "element/D1")
    assert row["sees_if"] == {"doors": "open"}
    assert (row["certain"], row["perhaps"]) == (False, True)
    assert sees(store, float(lon), float(lat), asked=Asked(light="night"))["cameras"][0]["reason"] == "too_dark"


def test_sees_a_whole_body_and_names_what_is_short(make: Make) -> None:
    store = make([camera(tilt_deg=10.0, height_m=3.0, range_m=20.0)])

    def at(y: float, **how: Any) -> dict[str, Any]:
        lon, lat, _ = FRAME.to_lonlat([[0.0, y]])[0]
        return sees(store, float(lon), float(lat), asked=Asked(**how))["cameras"][0]

    assert at(4.0)["sees"]
    body = at(4.0, body="whole")
    assert (body["sees"], body["reason"]) == (False, "blind_zone")
    assert body["shortfall"] == pytest.approx(math.degrees(math.atan(2.9 / 4)) - 30, abs=0.05)
    far = at(25.0)
    assert (far["reason"], far["shortfall_unit"]) == ("out_of_range", "m")
    assert far["shortfall"] == pytest.approx(math.hypot(25, 1.5) - 20, abs=0.02)
    assert at(10.0, edition="2014")["level"] == "identify"


ODD: list[dict[str, Any]] = [
    {"hfov_deg": -60}, {"azimuth_deg": "north"}, {"tilt_deg": 200}, {"pixels_w": 0}, {"range_m": 0}, {"vfov_deg": -5},
    {"lon": float("nan")}, {"presets": "{broken", "ptz": "ptz"}, {"ptz": "robot"},
    {"hfov_deg": 360, "ptz": "multi"},
]  # fmt: skip

SILENT = [{"hfov_deg": 360, "ptz": "multi"}]  # that can be


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_odd_tables_are_answered_with_a_number_and_a_sentence(make: Make, odd: dict[str, Any]) -> None:
    store = make([camera("odd", **odd), camera("fine", 10, 0)])
    result = compute(store, ID, COARSE)
    assert result.value is not None
    assert result.value > 0.005
    told = result_json(result, "zh")["warnings"]
    assert all(warning["message"] != warning["code"] for warning in told)
    assert told or odd in SILENT


def test_a_camera_inside_a_wall_sees_nothing_and_is_named(make: Make) -> None:
    result = compute(make([camera("c", 0, 0)], buildings=[shapely.box(-20, -20, 20, 20)]), ID, COARSE)
    assert result.upper == 0
    assert "camera_inside_building" in {warning["code"] for warning in result.warnings}


@pytest.mark.slow
def test_ten_thousand_cameras_are_answered(make: Make) -> None:
    rng = np.random.default_rng(1)
    spots = rng.uniform(-45, 45, (10_000, 2))
    store = make([camera(f"c{i}", *spots[i], azimuth_deg=float(i % 360), range_m=6.0) for i in range(len(spots))])
    result = compute(store, ID, {"density_px_per_m": 20, "step_m": 5.0})
    assert result.lower is not None
    assert result.lower > 0.8
    assert result.inputs["devices"] == 10_000


def test_a_preview_does_without_what_opens_the_bounds(make: Make) -> None:
    store, measure = make([camera(tilt_deg=None)]), measures()[ID]
    request = resolve(measure, COARSE, {})
    whole, short = (measure.compute(store, replace(request, want_sensitivity=wanted)) for wanted in (True, False))
    assert whole.sensitivity
    assert not short.sensitivity
    assert (short.value, short.lower, short.upper, short.run) == (whole.value, whole.lower, whole.upper, whole.run)


def test_cells_are_kept_where_only_what_may_leave_differs(make: Make) -> None:
    store = make([camera()], door=True)
    surface = gather_surface(store, "outdoor_public_ground")
    shut, either = (stage(store, "auto", states(doors, "opaque")) for doors in ("closed", "unknown"))
    assert field_of(shut, surface, 1.0, 1.5)[0] is field_of(either, surface, 1.0, 1.5)[0]
    assert shut.sha256 != either.sha256
    found = [compute(store, ID, COARSE | {"doors": doors}) for doors in ("closed", "unknown", "open", "closed", "unknown")]
    value, upper = ([part or 0.0 for part in parts] for parts in zip(*((each.value, each.upper) for each in found), strict=True))
    assert upper[0] == upper[3] < value[2]
    assert upper[1] == upper[4] >= value[2]
    assert value[0] == value[1]
