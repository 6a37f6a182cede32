"""What the server says of the park, its layers, buildings and elements."""

from __future__ import annotations

import math

import httpx
import pytest
import shapely

from twin.crs import Frame
from web.answers.park import fitting_zoom, names

FRAME = Frame(104.06, 30.54)


def test_park(client: httpx.Client) -> None:
    park = client.get("/api/park").json()
    assert park["name"] == "云溪 Test Park"
    assert park["origin"] == [104.06, 30.54, 0.0]
    assert park["counts"]["devices"] == {"access_control": 1, "camera": 2, "charger": 1, "sensor": 1}
    assert {name: park["counts"][name] for name in ("buildings", "models", "elements", "layers")} == {
        "buildings": 3, "models": 1, "elements": 2, "layers": 7,
    }  # fmt: skip
    centre = FRAME.to_enu([[park["home"]["longitude"], park["home"]["latitude"]]])[0]
    assert centre[:2] == pytest.approx([60.0, 60.0], abs=0.1)  # the middle of the boundary


def test_fitting_zoom_fills_the_window() -> None:
    # at zoom z the world is 512·2^z px wide; a box as wide as the window's share of it fits exactly
    zoom = 10.0
    span = 1000 / (512 * 2**zoom) * 360
    assert fitting_zoom((0.0, -0.001, span, 0.001)) == pytest.approx(zoom, abs=0.01)
    assert fitting_zoom((10.0, 45.0, 10.0, 45.0)) == 19.0
    ahead = 640 / math.cos(math.radians(50)) / (512 * 2**zoom) * 360  # a plane pitched by 50 degrees looks that much shorter
    north = math.degrees(math.atan(math.sinh(math.radians(ahead))))
    assert fitting_zoom((0.0, 0.0, 1e-9, north)) == pytest.approx(zoom, abs=0.01)


@pytest.mark.parametrize(("name", "told"), [
    ("云溪智造园 · Yunxi Park", ("Yunxi Park", "云溪智造园")), ("Yunxi Park · 云溪智造园", ("Yunxi Park", "云溪智造园")),
    ("Yunxi", ("Yunxi", "Yunxi")), ("A · B", ("A · B", "A · B")), ("云溪 · 智造", ("云溪 · 智造", "云溪 · 智造")),
])  # fmt: skip
def test_names_in_two_languages(name: str, told: tuple[str, str]) -> None:
    assert names(name) == told


def test_layers(client: httpx.Client) -> None:
    layers = {layer["id"]: layer for layer in client.get("/api/layers").json()}
    assert {name: layer["geometry"] for name, layer in layers.items()} == {
        "boundary": "polygon", "blocks": "polygon", "roads": "line", "car parks": "polygon", "bays": "polygon",
        "fence": "line", "key": "point",
    }  # fmt: skip
    assert layers["roads"]["fields"] == ["id", "name", "class"]
    assert (layers["roads"]["title_en"], layers["roads"]["title_zh"]) == ("Roads", "道路")
    assert layers["car parks"]["tiles"] == "/tiles/car%20parks/{z}/{x}/{y}.mvt"
    assert layers["blocks"]["features"] == 2


def test_one_feature(client: httpx.Client) -> None:
    told = client.get("/api/layers/car parks/features/car parks%2F0").json()
    assert told["properties"] == {"id": "car parks/0", "name": "P1", "name_zh": "一号停车场"}
    shape = FRAME.project(shapely.geometry.shape(told["geometry"]))
    assert shape.bounds == pytest.approx((45, -40, 65, -20), abs=0.002)
    assert client.get("/api/layers/car parks/features/none").status_code == 404


def test_devices_have_absolute_heights(client: httpx.Client) -> None:
    devices = {device["id"]: device for device in client.get("/api/devices").json()["devices"]}
    assert devices["cam-1"]["h_m"] == 4.0
    assert devices["cam/2"]["h_m"] == 2.5  # above the floor of its storey, which is at 0
    assert devices["door-ac"]["h_m"] == pytest.approx(3.0 + 1.5)  # the upper floor and the assumed height
    assert devices["cam-1"]["name_zh"] == "大门摄像机"
    assert [device["id"] for device in client.get("/api/devices?kind=charger").json()["devices"]] == ["charge-1"]
    assert client.get("/api/devices?kind=uav").json() == {"devices": []}
    assert client.get("/api/devices?kind=uav&as=list").json() == []


def test_buildings_and_storeys(client: httpx.Client) -> None:
    buildings = {building["id"]: building for building in client.get("/api/buildings").json()}
    assert set(buildings) == {"blocks/0", "blocks/1", "house"}
    assert buildings["house"]["models"] == ["house"]
    assert buildings["blocks/0"]["height_m"] == 12.0
    assert buildings["blocks/1"]["height_source"] == "storeys"
    inside = FRAME.to_enu([[buildings["blocks/0"]["lon"], buildings["blocks/0"]["lat"]]])[0]
    assert 0 < inside[0] < 20
    assert 0 < inside[1] < 20
    storeys = client.get("/api/buildings/house/storeys").json()
    assert [storey["id"] for storey in storeys] == ["gf", "up"]  # lowest first
    assert [space["long_name"] for space in storeys[0]["spaces"]] == ["会议室 Meeting"]
    assert storeys[0]["spaces"][0]["outline"]["type"] == "Polygon"
    assert client.get("/api/buildings/blocks%2F0/storeys").json() == []


def test_one_element(client: httpx.Client) -> None:
    wall = client.get("/api/elements/wall-1").json()
    assert wall["class"] == "IfcWall"
    assert (wall["model"], wall["building"]) == ("house", "house")
    assert wall["storey"] == {"id": "gf", "name": "Ground floor"}
    assert wall["materials"] == [{"name": "Concrete", "thickness_m": 0.2}]
    assert wall["properties"]["Pset_WallCommon"]["IsExternal"] is True
    middle = FRAME.to_enu([wall["lonlat_h"]])[0]
    assert middle == pytest.approx([105, 5, 1.5], abs=0.01)
    door = client.get("/api/elements/door-1").json()
    assert door["space"] == {"id": "room-1", "name": "会议室 Meeting"}
    assert (door["state"], door["reason"]) == ("failed", "no body")


def test_a_building_is_an_element_too(client: httpx.Client) -> None:
    block = client.get("/api/elements/blocks%2F0").json()
    assert block["class"] == "Building"
    assert block["properties"]["Building"]["height_m"] == 12.0
    assert FRAME.to_enu([block["lonlat_h"]])[0][2] == pytest.approx(6.0, abs=0.01)


@pytest.mark.parametrize(("query", "ids"), [
    ("", {"wall-1", "door-1"}), ("class=ifcdoor", {"door-1"}), ("storey=up", set()), ("model=house&storey=gf", {"wall-1", "door-1"}),
    ("model=other", set()), ("building=house&q=大门", {"door-1"}), ("q=north", {"wall-1"}), ("q=door-1", {"door-1"}),
    ("property=Pset_WallCommon.IsExternal=true", {"wall-1"}), ("property=IsExternal=True", {"wall-1"}),
    ("property=IsExternal=false", set()),
    ("building=blocks/0", set()),
])  # fmt: skip
def test_elements_by_what_they_are(client: httpx.Client, query: str, ids: set[str]) -> None:
    answer = client.get(f"/api/elements?{query}").json()
    assert {element["id"] for element in answer["elements"]} == ids
    assert answer["total"] == len(ids)


def test_elements_by_place_and_limit(client: httpx.Client) -> None:
    def box(x0: float, y0: float, x1: float, y1: float) -> str:
        corners = FRAME.to_lonlat([[x0, y0], [x1, y1]])
        return ",".join(map(str, [*corners[0, :2], *corners[1, :2]]))

    assert client.get("/api/elements", params={"bbox": box(99, 3, 101, 6)}).json()["total"] == 2
    assert client.get("/api/elements", params={"bbox": box(105, 1, 120, 9)}).json()["total"] == 1
    assert client.get("/api/elements", params={"bbox": box(0, 0, 5, 5)}).json()["total"] == 0
    short = client.get("/api/elements?limit=1").json()
    assert (short["total"], len(short["elements"])) == (2, 1)


@pytest.mark.parametrize(("query", "status", "code"), [
    ("property=IsExternal", 400, "property_filter"), ("bbox=1,2,3", 400, "bbox_unreadable"), ("bbox=a,b,c,d", 400, "bbox_unreadable"),
    ("building=none", 404, "building_missing"), ("limit=x", 422, "http_invalid"), ("limit=99999999", 422, "http_invalid"),
])  # fmt: skip
def test_unreadable_filters(client: httpx.Client, query: str, status: int, code: str) -> None:
    answer = client.get(f"/api/elements?{query}")
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{code}")
