from __future__ import annotations

import bz2
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import osmium
import pytest
import shapely

from importers.contract import Context, Imported, Options
from importers.osm import IMPORTER
from twin.crs import Frame
from twin.errors import UnreadableSource
from twin.model import FeatureTable, Park

LON, LAT = 120.6, 31.3
NO_STREETS = {
    "platform",
    "elevator",
    "rest_area",
    "services",
    "bus_stop",
    "crossing",
    "street_lamp",
    "traffic_signals",
    "emergency_bay",
    "no",
}


def extract(*, nodes: str = "", ways: str = "", relations: str = "") -> str:
    """An extract with nodes 1 to 9 in a grid of three by three, 0.001° apart, and what is added."""
    grid = "".join(f'<node id="{k + 1}" version="1" lon="{LON + 0.001 * (k % 3)}" lat="{LAT + 0.001 * (k // 3)}"/>' for k in range(9))
    return f'<?xml version="1.0"?><osm version="0.6" generator="t">{grid}{nodes}{ways}{relations}</osm>'


def way(identity: int, refs: list[int], **tags: str) -> str:
    inner = "".join(f'<nd ref="{ref}"/>' for ref in refs) + "".join(f'<tag k="{k.replace("__", ":")}" v="{v}"/>' for k, v in tags.items())
    return f'<way id="{identity}" version="1">{inner}</way>'


def node(identity: int, **tags: str) -> str:
    inner = "".join(f'<tag k="{k.replace("__", ":")}" v="{v}"/>' for k, v in tags.items())
    return f'<node id="{identity}" version="1" lon="{LON}" lat="{LAT}">{inner}</node>'


def tables(imported: Imported) -> dict[str, FeatureTable]:
    return {each.layer.id: each.table for each in imported.layers}


def at(lon: float, lat: float) -> Context:
    return Context(Park("Test", Frame(lon, lat)), Options())


def test_ways_become_areas_and_lines_by_their_tags(text: Callable[..., Path], context: Context) -> None:
    ways = [
        way(10, [1, 2, 5, 4, 1], building="office", building__levels="3", height="12 m", name="甲楼"),
        way(11, [1, 2, 3], highway="residential", name="中路"),
        way(12, [4, 5, 6], highway="footway"),
        way(13, [5, 6, 9, 8, 5], landuse="grass"),
        way(14, [1, 2, 5, 4, 1], barrier="fence"),
        way(15, [1, 3, 9, 7, 1], landuse="industrial"),
        way(16, [2, 3, 6, 5, 2], highway="pedestrian", area="yes"),
        way(17, [1, 2], highway="construction", construction="primary"),
    ]
    imported = IMPORTER.read(text("a.osm", extract(ways="".join(ways))), context)
    found = tables(imported)
    assert {name: table.ids for name, table in found.items()} == {
        "osm_buildings": ["way/10"], "osm_roads": ["way/11", "way/17"], "osm_paths": ["way/12"], "osm_green": ["way/13"],
        "osm_barriers": ["way/14"],
        "osm_boundary": ["way/15"], "osm_road_area": ["way/16"],
    }  # fmt: skip
    building = found["osm_buildings"].row(0)
    assert (building["storeys"], building["height_m"], building["class"], building["name_zh"]) == (3, 12.0, "office", "甲楼")
    assert found["osm_buildings"].geometry[0].equals_exact(shapely.box(LON, LAT, LON + 0.001, LAT + 0.001), 1e-9, normalize=True)
    assert found["osm_roads"].row(1)["status"] == "building"
    assert found["osm_barriers"].geometry[0].geom_type == "LineString"
    assert {each.layer.kind for each in imported.layers if each.layer.id == "osm_boundary"} == {"zone"}


def test_a_multipolygon_has_its_hole(text: Callable[..., Path], context: Context) -> None:
    corners = "".join(
        f'<node id="{20 + k}" version="1" lon="{LON + x}" lat="{LAT + y}"/>'
        for k, (x, y) in enumerate([(0.0004, 0.0004), (0.0006, 0.0004), (0.0006, 0.0006), (0.0004, 0.0006)])
    )
    relation = (
        '<relation id="9" version="1"><member type="way" ref="10" role="outer"/><member type="way" ref="11" role="inner"/>'
        '<tag k="type" v="multipolygon"/><tag k="building" v="yes"/></relation>'
    )
    content = extract(nodes=corners, ways=way(10, [1, 2, 5, 4, 1]) + way(11, [20, 21, 22, 23, 20]), relations=relation)
    table = tables(IMPORTER.read(text("a.osm", content), context))["osm_buildings"]
    assert table.ids == ["relation/9"]
    assert len(table.geometry[0].interiors) == 1
    assert table.geometry[0].area == pytest.approx(0.001**2 - 0.0002**2, rel=1e-6)


def test_outlines_that_cannot_be_built_are_mended_or_told(text: Callable[..., Path], context: Context) -> None:
    ways = [
        way(10, [1, 5, 2, 4, 1], building="yes"),  # a bow tie
        way(11, [1, 2, 5], building="yes"),  # not closed
        way(12, [1, 2, 99, 1], building="yes"),  # a node is missing
        way(13, [1, 2, 99], highway="service"),
        way(14, [1, 99], highway="service"),
    ]
    imported = IMPORTER.read(text("a.osm", extract(ways="".join(ways))), context)
    assert tables(imported)["osm_buildings"].ids == ["way/10"]
    assert shapely.is_valid(tables(imported)["osm_buildings"].geometry).all()
    told = {(issue.code, issue.subject.removeprefix("a.osm/")) for issue in imported.issues}
    assert {("geometry_repaired", "way/10"), ("osm_outline_open", "way/11"), ("osm_outline_open", "way/12"), ("osm_cut", "way/13")} <= told
    assert ("osm_line_outside", "way/14") in told
    assert tables(imported)["osm_roads"].ids == ["way/13"]


def test_nodes_become_devices_and_points(text: Callable[..., Path], context: Context) -> None:
    nodes = [
        node(
            20,
            man_made="surveillance",
            surveillance__type="camera",
            camera__direction="NE",
            camera__type="fixed",
            height="4 m",
            camera__mount="pole",
        ),
        node(21, man_made="surveillance", surveillance__type="guard"),
        node(22, man_made="surveillance", camera__type="dome"),
        node(23, highway="street_lamp"),
        node(24, amenity="charging_station", capacity="4", socket__type2__output="22 kW"),
        node(25, man_made="mast", tower__type="communication", height="30"),
        node(26, man_made="mast"),
        node(27, emergency="fire_hydrant"),
        node(28, natural="tree"),
        node(29, man_made="surveillance", direction="somewhere"),
    ]
    imported = IMPORTER.read(text("a.osm", extract(nodes="".join(nodes))), context)
    found = {device.id: device for device in imported.devices}
    assert {name: device.kind for name, device in found.items()} == {
        "node/20": "camera", "node/22": "camera", "node/23": "lamp", "node/24": "charger", "node/25": "cell",
        "node/27": "hydrant", "node/29": "camera",
    }  # fmt: skip
    camera = found["node/20"]
    assert (camera.height_m, camera.attributes["azimuth_deg"], camera.attributes["ptz"], camera.attributes["mount"]) == (
        4.0,
        45.0,
        "fixed",
        "pole",
    )
    assert (camera.lon, camera.lat) == pytest.approx((LON, LAT))
    assert found["node/22"].attributes["ptz"] == "ptz"
    assert (found["node/24"].attributes["connectors"], found["node/24"].attributes["power_kw"]) == (4, 22.0)
    assert found["node/25"].height_m == 30
    assert tables(imported)["osm_trees"].ids == ["node/28"]
    assert ("value_not_readable", "a.osm/node/29") in {(issue.code, issue.subject) for issue in imported.issues}


def test_packed_extracts_are_read_too(tmp_path: Path, context: Context) -> None:
    path = tmp_path / "a.osm.bz2"
    path.write_bytes(bz2.compress(extract(nodes=node(20, natural="tree")).encode()))
    assert IMPORTER.recognises(path, path.read_bytes()) > 90
    assert tables(IMPORTER.read(path, context))["osm_trees"].ids == ["node/20"]


@pytest.mark.parametrize("content", [extract(), '<?xml version="1.0"?><osm version="0.6"><node id="1"', '<osm version="0.6"></osm>'])
def test_extracts_with_nothing_in_them_are_refused(text: Callable[..., Path], context: Context, content: str) -> None:
    with pytest.raises(UnreadableSource):
        IMPORTER.read(text("a.osm", content), context)


def test_a_truncated_extract_is_refused(tmp_path: Path, shared_data: Path, context: Context) -> None:
    path = tmp_path / "a.osm.pbf"
    path.write_bytes((shared_data / "gis/osm/helsinki_centre.osm.pbf").read_bytes()[:300_000])
    with pytest.raises(UnreadableSource) as caught:
        IMPORTER.read(path, context)
    assert caught.value.code == "source_unreadable"


def assert_kept_or_told(imported: Imported, code: str, tagged: set[str], kept: set[str]) -> None:
    """Everything tagged is kept or named by an Issue, or counted by the one that stands for many."""
    assert kept <= tagged
    assert len(kept) > 0.8 * len(tagged)
    told = {issue.subject.split("/", 1)[1] for issue in imported.issues if issue.code in {code, "geometry_hopeless"}}
    more = [issue.details["count"] for issue in imported.issues if issue.code == "issues_more" and issue.subject == code]
    assert len(tagged - kept - told) <= sum(int(str(count)) for count in more)


@pytest.mark.parametrize(("name", "lon", "lat"), [("geneva_west", 6.12, 46.21), ("helsinki_centre", 24.94, 60.17)])
def test_every_building_of_a_real_extract_is_there_or_told(shared_data: Path, name: str, lon: float, lat: float) -> None:
    path = shared_data / f"gis/osm/{name}.osm.pbf"
    imported = IMPORTER.read(path, at(lon, lat))
    tagged: set[str] = set()
    streets: set[str] = set()
    counts: Counter[str] = Counter()
    for each in osmium.FileProcessor(str(path)):
        tags = dict(each.tags)
        kind = "way" if each.is_way() else "relation" if each.is_relation() else "node"
        if (
            kind != "node"
            and tags.get("building") not in {None, "no", "entrance", "proposed"}
            and (kind == "way" or tags.get("type") == "multipolygon")
        ):
            tagged.add(f"{kind}/{each.id}")
        if kind == "way" and tags.get("highway", "platform") not in NO_STREETS and tags.get("area") != "yes":
            streets.add(f"way/{each.id}")
        if kind == "node":
            counts["camera"] += tags.get("man_made") == "surveillance" and tags.get("surveillance:type") != "guard"
            counts["lamp"] += tags.get("highway") == "street_lamp"
            counts["tree"] += tags.get("natural") == "tree"
    found = tables(imported)
    assert_kept_or_told(imported, "osm_line_outside", streets, {each for name in ("osm_roads", "osm_paths") for each in found[name].ids})
    assert_kept_or_told(imported, "osm_outline_open", tagged, set(found["osm_buildings"].ids))
    kinds = Counter(device.kind for device in imported.devices)
    assert kinds["camera"] == counts["camera"]
    assert kinds["lamp"] == counts["lamp"]
    assert sum(identity.startswith("node/") for identity in found["osm_trees"].ids) == counts["tree"]


def test_cameras_of_a_real_extract_know_where_they_look(shared_data: Path) -> None:
    path = shared_data / "gis/osm/geneva_west.osm.pbf"
    cameras = [device for device in IMPORTER.read(path, at(6.12, 46.21)).devices if device.kind == "camera"]
    truth = {
        f"node/{each.id}": float(each.tags["camera:direction"])
        for each in osmium.FileProcessor(str(path), osmium.osm.NODE)
        if each.tags.get("man_made") == "surveillance" and "camera:direction" in each.tags
    }
    assert len(cameras) == 49
    assert {device.id: device.attributes["azimuth_deg"] for device in cameras if "azimuth_deg" in device.attributes} == truth
    assert sum(device.height_m is not None for device in cameras) == 26
