"""What changed between two versions: shapes against rigid motions and other triangulations, elements against what was done to them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from twin.diff.contents import compare_devices, compare_features, compare_models
from twin.diff.shapes import Motion, displacement, is_same_shape, motion
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Space

BOX_FACES = np.array([
    [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
    [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
])  # fmt: skip


def box(x: float, y: float, z: float, size: tuple[float, float, float] = (4.0, 0.2, 3.0)) -> np.ndarray:
    a, b, c = size
    corners = np.array([[0, 0, 0], [a, 0, 0], [a, b, 0], [0, b, 0], [0, 0, c], [a, 0, c], [a, b, c], [0, b, c]], float)
    return (corners + np.array([x, y, z]))[BOX_FACES]


def finer(triangles: np.ndarray) -> np.ndarray:
    """Each triangle cut in two at the middle of an edge: the same body, other triangles."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    m = (a + b) / 2
    return np.concatenate([np.stack([a, m, c], 1), np.stack([m, b, c], 1)])


def content(parts: dict[str, np.ndarray], **said: dict[str, object]) -> ModelContent:
    ids = list(parts)
    corners = np.concatenate([parts[i] for i in ids]) if ids else np.empty((0, 3, 3))
    owner = np.repeat(np.arange(len(ids)), [len(parts[i]) for i in ids])
    faces = np.arange(len(corners) * 3).reshape(-1, 3)
    mesh = Mesh(corners.reshape(-1, 3), faces.astype(np.uint32), owner.astype(np.uint32), np.zeros((len(faces), 4), np.uint8), ids)
    place = Georeferencing("none", None, 0.0, 0.0, None, "")
    model = Model("m", "m", "IFC4", "", place, None)
    elements = [replace(Element(i, "m", "IfcWall", f"wall {i}"), **said.get(i, {})) for i in ids]
    return ModelContent(model, [], [], elements, mesh)


def walls(n: int) -> dict[str, np.ndarray]:
    return {f"w{k}": box(10.0 * k, 3.0 * (k % 3), 0.0, (4.0 + 0.1 * k, 0.2, 3.0)) for k in range(n)}


angles = st.floats(-180, 180)


@given(angles, angles, angles, st.tuples(*[st.floats(-500, 500)] * 3))
def test_a_rigid_motion_is_found_and_keeps_the_shape(a: float, b: float, c: float, shift: tuple[float, float, float]) -> None:
    body = box(1, 2, 3)
    turn = Rotation.from_euler("xyz", [a, b, c], degrees=True).as_matrix()
    there = Motion(turn, np.array(shift)).moved(body)
    assert is_same_shape(body, there)
    found = motion(body, there)
    assert found is not None
    assert np.abs(found.moved(body) - there).max() < 1e-6


def test_other_triangles_are_the_same_shape_and_other_shapes_are_not() -> None:
    body = box(0, 0, 0)
    assert is_same_shape(body, finer(body))
    assert is_same_shape(body, finer(finer(body)) + np.array([3.0, 0, 0]))
    assert not is_same_shape(body, box(0, 0, 0, (4.0, 0.2, 3.01)))
    assert not is_same_shape(body, finer(box(0, 0, 0, (4.0, 0.21, 3.0))))
    assert displacement(body, finer(body)) < 1e-9
    assert displacement(body, finer(body) + np.array([0.5, 0, 0])) == pytest.approx(0.5)


def test_a_mirrored_body_is_another_shape() -> None:
    corner = np.concatenate([box(0, 0, 0, (4, 1, 1)), box(0, 0, 1, (1, 2, 1)), box(3, 0, 1, (1, 1, 3))])
    mirrored = (corner * [1, -1, 1])[:, ::-1]
    assert not is_same_shape(corner, mirrored)


def test_each_thing_done_to_an_element_is_told_apart() -> None:
    old = content(walls(10))
    parts = walls(10)
    parts["w1"] = parts["w1"] + [0.25, 0, 0]
    parts["w2"] = box(20.0, 6.0, 0.0, (4.2, 0.2, 3.5))
    del parts["w3"]
    parts["new"] = box(200, 0, 0)
    parts["w5x"] = parts.pop("w5")
    new = content(parts, w4={"properties": {"P": {"fire": "REI60"}}}, w5x={"name": "wall w5"})
    changes, same, shift = compare_models(old, new)
    told = {change.id: change for change in changes}
    assert {identity: change.kinds for identity, change in told.items()} == {
        "w1": ("moved",), "w2": ("reshaped",), "w3": ("removed",), "new": ("added",), "w4": ("changed",), "w5x": ("renamed_id",),
    }  # fmt: skip
    assert told["w1"].distance_m == pytest.approx(0.25, abs=1e-3)
    assert told["w4"].fields == {"P.fire": (None, "REI60")}
    assert told["w5x"].was_id == "w5"
    assert same == 5
    assert shift is None


def test_a_model_that_moved_as_a_whole_is_told_once() -> None:
    turn = Rotation.from_euler("z", 30, degrees=True).as_matrix()
    going = Motion(turn, np.array([100.0, -20.0, 0.5]))
    parts = {identity: going.moved(corners) for identity, corners in walls(12).items()}
    parts["w7"] = parts["w7"] + [0, 0, 0.4]
    changes, same, shift = compare_models(content(walls(12)), content(parts))
    assert [(change.id, change.kinds) for change in changes] == [("w7", ("moved",))]
    assert changes[0].distance_m == pytest.approx(0.4, abs=1e-3)
    assert same == 11
    assert shift is not None
    assert shift.rotation_deg == pytest.approx(30, abs=1e-3)


def test_all_ids_new_is_no_new_building() -> None:
    parts = walls(200)
    again = {f"n{k}": corners for k, corners in enumerate(reversed(list(parts.values())))}
    changes, same, _ = compare_models(content(parts), content(again))
    kinds = {kind for change in changes for kind in change.kinds}
    assert same == 0
    assert len(changes) == 200
    assert kinds == {"renamed_id", "changed"}  # the name holds the id here


def test_features_by_id_and_by_geometry() -> None:
    layer = Layer("b", "building", "b")
    shapes = shapely.box(104 + np.arange(5) * 1e-3, 30, 104.0005 + np.arange(5) * 1e-3, 30.0005)
    old = FeatureTable(["a", "b", "c", "d", "e"], shapes, {"height_m": [1.0, 2, 3, 4, 5]})
    later = shapes.copy()
    later[0] = shapely.transform(later[0], lambda points: points + 1e-4)
    later[1] = shapely.box(105, 30, 105.01, 30.01)
    new = FeatureTable(["a", "b", "c", "other"], later[[0, 1, 2, 3]], {"height_m": [1.0, 2, 33, 4]})
    changes, same = compare_features(layer, old, new)
    assert {change.id: change.kinds for change in changes} == {
        "a": ("moved",), "b": ("reshaped",), "c": ("changed",), "other": ("renamed_id",), "e": ("removed",),
    }  # fmt: skip
    assert same == 0


def test_ids_that_only_count_rows_are_not_believed() -> None:
    """A row put in at the top gives every feature the id of the one before it."""
    layer = Layer("b", "building", "b")
    shapes = shapely.box(104 + np.arange(6) * 1e-3, 30, 104.0005 + np.arange(6) * 1e-3, 30.0005)
    names = [f"block {k}" for k in range(6)]
    old = FeatureTable([str(k) for k in range(1, 7)], shapes, {"name": names})
    new = FeatureTable(
        [str(k) for k in range(1, 7)], np.r_[[shapely.box(105, 30, 105.01, 30.01)], shapes[:5]], {"name": ["first", *names[:5]]}
    )
    changes, same = compare_features(layer, old, new)
    told = {change.name: change.kinds for change in changes}
    assert told == {"first": ("added",), "block 5": ("removed",)} | dict.fromkeys(names[:5], ("renamed_id",))
    assert same == 0


def test_things_that_changed_places_keep_their_ids() -> None:
    layer = Layer("b", "building", "b")
    shapes = shapely.box(104 + np.arange(6) * 1e-3, 30, 104.0005 + np.arange(6) * 1e-3, 30.0005)
    old = FeatureTable(list("abcdef"), shapes, {})
    changes, same = compare_features(layer, old, FeatureTable(list("abcdef"), shapes[[1, 0, 2, 3, 4, 5]], {}))
    assert {change.id: change.kinds for change in changes} == {"a": ("moved",), "b": ("moved",)}
    assert same == 4


def test_devices_by_id_and_by_place() -> None:
    def device(identity: str, k: int, **said: object) -> Device:
        return replace(Device(identity, "camera", f"camera {k}", 104 + k * 1e-3, 30.0, 4.0), **said)

    old = [device(f"c{k}", k) for k in range(5)]
    new = [device("c0", 0, lon=104.0001), device("c1", 1, height_m=6.0), device("c2", 2, attributes={"pixels_w": 1920}), device("x3", 3)]
    changes, same = compare_devices(old, new)
    assert {change.id: change.kinds for change in changes} == {
        "c0": ("moved",), "c1": ("changed",), "c2": ("changed",), "x3": ("renamed_id",), "c4": ("removed",),
    }  # fmt: skip
    assert same == 0
    counted = [device(str(k), k) for k in range(1, 6)]
    changes, same = compare_devices(counted, [replace(each, id=str(k)) for k, each in enumerate([device("", 9), *counted[1:]], 1)])
    assert [change.kinds for change in changes] == [("moved", "changed")]
    assert same == 4
    moved_up = [replace(each, id=str(k)) for k, each in enumerate(counted[1:], 1)]
    changes, _ = compare_devices(counted, moved_up)
    assert sorted(change.kinds for change in changes) == [("removed",), *[("renamed_id",)] * 4]


def test_references_follow_new_ids_and_forget_what_is_gone() -> None:
    parts = walls(4)
    fills = {"_ifc": {"openings": [{"id": "0aaaaaaaaaaaaaaaaaaaaa", "name": "o", "filled_by": ["w1"]}], "connected_to": ["w2", "w3"]}}
    old = content(parts, w0={"properties": fills})
    later = {("n1" if name == "w1" else name): corners for name, corners in parts.items() if name != "w3"}
    again = {"_ifc": {"openings": [{"id": "0bbbbbbbbbbbbbbbbbbbbb", "name": "o", "filled_by": ["n1"]}], "connected_to": ["w2"]}}
    new = content(later, w0={"properties": again}, n1={"name": "wall w1"})
    changes, _, _ = compare_models(old, new)
    assert {change.id: change.kinds for change in changes} == {"n1": ("renamed_id",), "w3": ("removed",)}
    other = {"_ifc": {"openings": [{"id": "0bbbbbbbbbbbbbbbbbbbbb", "name": "another", "filled_by": ["n1"]}], "connected_to": ["n1"]}}
    changes, _, _ = compare_models(old, content(later, w0={"properties": other}, n1={"name": "wall w1"}))
    assert next(change for change in changes if change.id == "w0").fields.keys() == {"_ifc.openings", "_ifc.connected_to"}


def test_a_room_that_moved_or_grew() -> None:
    def with_rooms(*shapes: shapely.Geometry, **names: str) -> ModelContent:
        rooms = [
            Space(names.get(f"r{k}", f"r{k}"), "m", None, f"{k}", f"room {k}", None, shape, 0, 3, None) for k, shape in enumerate(shapes)
        ]
        return replace(content(walls(3)), spaces=rooms)

    first, second, third = (shapely.box(104 + k * 1e-4, 30, 104.00005 + k * 1e-4, 30.00005) for k in range(3))
    turned = shapely.Polygon(np.roll(shapely.get_coordinates(first)[:-1], 2, axis=0))
    moved = shapely.transform(second, lambda points: points + 1e-6)
    changes, same, _ = compare_models(with_rooms(first, second, third), with_rooms(turned, moved, third.buffer(1e-6), r2="new"))
    assert {change.id: change.kinds for change in changes} == {"r1": ("moved",), "new": ("renamed_id", "reshaped")}
    assert same == 3 + 1
