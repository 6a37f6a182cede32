"""The quality report: a park with one fault of each kind, and the same park without."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from importers.quality import quality
from importers.quality.deliveries import examples
from importers.quality.geometry import is_closed
from importers.quality.page import quality_html
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import Device, Element, FeatureTable, Georeferencing, Layer, Mesh, Model, ModelContent, Park, Space, Storey
from twin.references import broken_references
from twin.store import Store, create_store

FRAME = Frame(104.06, 30.54, 500.0)
FACES = np.array([
    [0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4],
    [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7],
])  # fmt: skip


def box(low: tuple[float, float, float], high: tuple[float, float, float]) -> np.ndarray:
    (a, b, c), (d, e, f) = low, high
    return np.array([[a, b, c], [d, b, c], [d, e, c], [a, e, c], [a, b, f], [d, b, f], [d, e, f], [a, e, f]], float)


def area(x0: float, y0: float, x1: float, y1: float) -> Any:
    return FRAME.unproject(shapely.box(x0, y0, x1, y1))


def element(identity: str, ifc_class: str, storey: str, shape: np.ndarray, **said: Any) -> tuple[Element, np.ndarray]:
    bbox = [*shape.min(0).tolist(), *shape.max(0).tolist()]
    quantities = {"Qto_Base": {"NetVolume": float(np.prod(np.ptp(shape, axis=0))), "Length": float(np.ptp(shape[:, 0]))}}
    made = Element(identity, "m", ifc_class, identity, storey, type_name="T", state="built", bbox=bbox, properties=quantities,
                   materials=[{"name": "C30", "thickness_m": 0.2}])  # fmt: skip
    return replace(made, **said), shape


def content(parts: list[tuple[Element, np.ndarray]], spaces: list[Space]) -> ModelContent:
    corners = np.concatenate([shape for _, shape in parts])
    faces = np.concatenate([FACES + 8 * k for k in range(len(parts))]).astype(np.uint32)
    owner = np.repeat(np.arange(len(parts), dtype=np.uint32), len(FACES))
    mesh = Mesh(corners, faces, owner, np.full((len(faces), 4), 200, np.uint8), [made.id for made, _ in parts])
    place = Georeferencing("given", (104.06, 30.54), 500.0, 0.0, None, "")
    model = Model("m", "办公楼", "IFC4", "0" * 64, place, area(0, 0, 20, 10), 500.0, 507.0)
    storeys = [Storey("s1", "m", "1F", 0.0, 500.0), Storey("s2", "m", "2F", 3.5, 503.5)]
    return ModelContent(model, storeys, spaces, [made for made, _ in parts], mesh)


def room(identity: str, x0: float, x1: float, **said: Any) -> Space:
    made = Space(identity, "m", "s1", identity, identity, "office", area(x0, 0, x1, 10), 500.0, 3.0, (x1 - x0) * 10,
                 attributes={"_ifc": {"area_by_quantity_m2": (x1 - x0) * 10.0}})  # fmt: skip
    return replace(made, **said)


def good_parts() -> list[tuple[Element, np.ndarray]]:
    return [
        element("wall", "IfcWall", "s1", box((0, 0, 0), (20, 0.2, 3))),
        element("slab", "IfcSlab", "s2", box((0, 0, 3.3), (20, 10, 3.5))),
        element("door", "IfcDoor", "s1", box((9.5, 4, 0), (10.5, 5, 2)), properties={"_ifc": {"joins": ["r1", "r2"]}}),
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = create_store(tmp_path / "park", Park("p", FRAME))
    with made.transaction() as writer:
        writer.put_layer(Layer("b", "building", "b"))
        columns = {"height_m": [7.0], "valid_from": ["2020-01-01"], "name": ["楼"]}
        writer.put_features("b", FeatureTable(["b1"], np.array([area(0, 0, 20, 10)], object), columns), source="b")
        writer.put_model(content(good_parts(), [room("r1", 0, 10), room("r2", 10, 20)]))
    return made


def found(store: Store) -> dict[str, list[str]]:
    document = quality(store).document("en")
    return {
        check["id"]: [finding["target"]["id"] if finding["target"] else finding["subject"] for finding in check["findings"]]
        for check in document["checks"]
        if check["findings"]
    }


def test_a_good_park_has_nothing_to_be_told(store: Store) -> None:
    assert found(store) == {}
    document = quality(store).document("zh")
    shares = {check["id"]: check["share"] for check in document["checks"] if check["examined"]}
    assert set(shares.values()) == {1.0}
    assert {"volumes", "room_areas", "footprints", "modelled_buildings", "door_joints", "dated_features"} <= set(shares)


def bad_wall(**said: Any) -> Any:
    return lambda parts, spaces: parts.__setitem__(0, element("wall", "IfcWall", "s1", box((0, 0, 0), (20, 0.2, 3)), **said))


def bad_room(**said: Any) -> Any:
    return lambda parts, spaces: spaces.__setitem__(0, room("r1", 0, 10, **said))


def one_more(identity: str, ifc_class: str, low: tuple[float, float, float], high: tuple[float, float, float]) -> Any:
    return lambda parts, spaces: parts.append(element(identity, ifc_class, "s1", box(low, high)))


SPOILED = {
    "volumes": ("wall", bad_wall(properties={"Qto_X": {"NetVolume": 5.0}})),
    "types": ("wall", bad_wall(type_name=None)),
    "materials": ("wall", bad_wall(materials=[])),
    "units": ("wall", bad_wall(properties={"Qto_X": {"Length": 20000.0}})),
    "thicknesses": ("wall", bad_wall(materials=[{"name": "C", "thickness_m": 200.0}])),
    "built_elements": ("wall", bad_wall(state="degraded", reason="x")),
    "proxies": ("thing", one_more("thing", "IfcBuildingElementProxy", (1, 1, 0), (2, 2, 1))),
    "duplicates": ("copy", one_more("copy", "IfcWall", (0, 0, 0), (20, 0.2, 3))),
    "elements_in_storeys": ("high", one_more("high", "IfcWall", (0, 9, 6), (20, 9.2, 7))),
    "door_joints": ("alone", one_more("alone", "IfcDoor", (5, 5, 0), (6, 5.1, 2))),
    "room_areas": ("r1", bad_room(attributes={"_ifc": {"area_by_quantity_m2": 60.0}})),
    "room_uses": ("r1", bad_room(usage=None)),
    "room_names": ("r1", bad_room(name="", long_name=" ")),
    "rooms_in_storeys": ("r1", bad_room(height_m=6.5)),
    "overlapping_rooms": ("r1", lambda parts, spaces: spaces.__setitem__(1, room("r2", 8, 20))),
    "rooms_in_buildings": ("r3", lambda parts, spaces: spaces.append(room("r3", 30, 40))),
}


@pytest.mark.parametrize("check", SPOILED)
def test_each_fault_is_found_by_its_question_alone(store: Store, check: str) -> None:
    identity, spoil = SPOILED[check]
    parts, spaces = good_parts(), [room("r1", 0, 10), room("r2", 10, 20)]
    spoil(parts, spaces)
    with store.transaction() as writer:
        writer.put_model(content(parts, spaces))
    assert found(store) == {check: [identity]}


def test_a_model_beside_its_footprint_and_one_without(store: Store) -> None:
    with store.transaction() as writer:
        model = content(good_parts(), [room("r1", 0, 10), room("r2", 10, 20)])
        moved = replace(model.model, outline=area(3, 0, 23, 10))
        writer.put_model(replace(model, model=moved))
        away = replace(model.model, id="n", outline=area(100, 100, 120, 110))
        writer.put_model(
            ModelContent(
                away,
                [],
                [],
                [],
                Mesh(np.empty((0, 3)), np.empty((0, 3), np.uint32), np.empty(0, np.uint32), np.empty((0, 4), np.uint8), []),
            )
        )
    told = found(store)
    assert told["footprints"] == ["b1"]
    assert told["registered_models"] == ["n"]


def test_a_body_is_closed_or_not() -> None:
    corners = box((0, 0, 0), (1, 1, 1))[FACES]
    assert is_closed(corners)
    assert not is_closed(corners[1:])


def test_references_that_lead_nowhere(store: Store) -> None:
    lamp = Device("l1", "lamp", "灯", 104.06, 30.54, building_id="b1", attributes={"photometry": "gone.ies"})
    with store.transaction() as writer:
        writer.put_devices(
            [lamp, Device("c1", "camera", "c", 104.06, 30.54, building_id="nowhere", storey_id="s1", space_id="r9")], source="d"
        )
    codes = sorted((issue.code, issue.subject) for issue in broken_references(store))
    assert codes == [("check_device_building", "c1"), ("check_device_space", "c1"), ("check_photometry", "gone.ies")]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_opens_each_finding_in_the_viewer(store: Store, lang: str) -> None:
    parts = [*good_parts(), element('a<b>&"', "IfcDoor", "s1", box((5, 5, 0), (6, 5.1, 2)))]
    with store.transaction() as writer:
        writer.put_model(content(parts, [room("r1", 0, 10), room("r2", 10, 20)]))
    page = quality_html(quality(store), lang, viewer="http://127.0.0.1:8000/")
    assert 'href="http://127.0.0.1:8000/?select=element%3Aa%3Cb%3E%26%22"' in page
    assert "a<b>" not in page
    assert "quality_" not in page


def test_delivery_sets_against_a_real_model(shared_data: Path, tmp_path: Path) -> None:
    from importers.contract import Options
    from importers.pipeline import import_files

    park = create_store(tmp_path / "park", Park("p", Frame(8.4341, 49.1002, 110.0)))
    (outcome,) = import_files(park, [shared_data / "ifc/arch/AC20-FZK-Haus.ifc"], Options())
    assert outcome.error is None
    report = quality(park, [examples()["handover-architecture"]])
    (check,) = [check for check in report.checks if check.id == "delivery"]
    assert (check.figures["specifications"], check.figures["met"]) == (5, 3)
    asked = [finding for finding in check.findings if "IsExternal" in str(finding.details["asked"])]
    assert len(asked) == 13  # its 13 walls say nothing of inside and outside
    assert {park.element(finding.target.id).ifc_class for finding in asked} == {"IfcWallStandardCase"}


def test_a_delivery_set_that_is_none(shared_data: Path, tmp_path: Path) -> None:
    from importers.ifc.delivery import check_delivery

    for text in ("<ids/>", "no xml", '<!DOCTYPE a [<!ENTITY b "c">]><ids>&b;</ids>'):
        path = tmp_path / "a.ids"
        path.write_text(text)
        with pytest.raises(UnreadableSource):
            check_delivery(shared_data / "ifc/arch/IfcOpenHouse_IFC4.ifc", path)
