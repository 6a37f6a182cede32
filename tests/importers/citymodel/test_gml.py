"""CityGML as written by hand: links, orientation, holes, forms of coordinates, implicit geometry, what is refused and what is counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from importers.citymodel.city import CityObject, Notes
from importers.citymodel.gml import read_citygml
from twin.errors import UnreadableSource

PLACES = {
    "": "http://www.opengis.net/citygml/2.0",
    ":core": "http://www.opengis.net/citygml/2.0",
    ":bldg": "http://www.opengis.net/citygml/building/2.0",
    ":gen": "http://www.opengis.net/citygml/generics/2.0",
    ":veg": "http://www.opengis.net/citygml/vegetation/2.0",
    ":tran": "http://www.opengis.net/citygml/transportation/2.0",
    ":gml": "http://www.opengis.net/gml",
    ":xlink": "http://www.w3.org/1999/xlink",
    ":xAL": "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0",
    ":ade": "urn:example:ade",
}
SPACES = " ".join(f'xmlns{prefix}="{place}"' for prefix, place in PLACES.items())
SQUARE = "0 0 0 0 4 0 4 4 0 4 0 0 0 0 0"


def nest(path: str, content: str = "") -> str:
    """`content` in elements one in the other; each may have attributes."""
    for tag in reversed(path.split(" > ")):
        content = f"<{tag}>{content}</{tag.split()[0]}>"
    return content


def polygon(coordinates: str, name: str = "", inner: str = "") -> str:
    identity = f' gml:id="{name}"' if name else ""
    hole = nest("gml:interior > gml:LinearRing > gml:posList", inner) if inner else ""
    return nest(f"gml:Polygon{identity}", nest("gml:exterior > gml:LinearRing > gml:posList", coordinates) + hole)


def surface(kind: str, content: str, lod: int = 2) -> str:
    return nest(f"bldg:boundedBy > bldg:{kind} > bldg:lod{lod}MultiSurface > gml:MultiSurface > gml:surfaceMember", content)


def solid(content: str) -> str:
    return nest("bldg:lod2Solid > gml:Solid > gml:exterior > gml:CompositeSurface", content)


def member(content: str, name: str = "b1", kind: str = "bldg:Building") -> str:
    return f'<core:cityObjectMember><{kind} gml:id="{name}">{content}</{kind}></core:cityObjectMember>'


def read(tmp_path: Path, body: str, head: str = "") -> tuple[list[CityObject], Notes]:
    path = tmp_path / "city.gml"
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>{head}<CityModel {SPACES}>{body}</CityModel>', "utf-8")
    notes = Notes(path.name, "")
    return list(read_citygml(path, notes)), notes


def test_a_solid_takes_its_surfaces_by_link_and_each_is_what_is_around_it(tmp_path: Path):
    links = "".join(f'<gml:surfaceMember xlink:href="#{name}"/>' for name in ("floor", "roof"))
    body = (
        solid(links)
        + surface("GroundSurface", polygon(SQUARE, "floor"))
        + surface("RoofSurface", polygon("0 0 3 4 0 3 4 4 3 0 4 3 0 0 3", "roof"))
    )
    ((each,), notes) = read(tmp_path, member(body))
    (shape,) = each.shapes
    assert [(s.kind, s.shell) for s in shape.surfaces] == [("GroundSurface", 0), ("RoofSurface", 0)]
    assert notes.schema == "CityGML 2.0"


def test_a_solid_that_repeats_its_surfaces_by_value_has_them_once(tmp_path: Path):
    turned = "4 4 0 4 0 0 0 0 0 0 4 0 4 4 0"
    inside = f"<gml:surfaceMember>{polygon(turned)}</gml:surfaceMember>"
    ((each,), _) = read(tmp_path, member(solid(inside) + surface("GroundSurface", polygon(SQUARE))))
    assert [(s.kind, s.shell) for s in each.shapes[0].surfaces] == [("GroundSurface", 0)]


def test_a_cavity_is_a_shell_of_its_own(tmp_path: Path):
    def shell(side: str, z: int) -> str:
        square = polygon(SQUARE.replace(" 0 0", f" 0 {z}"))
        return nest(f"gml:{side} > gml:CompositeSurface > gml:surfaceMember", square)

    ((each,), _) = read(
        tmp_path, member(f"<bldg:lod1Solid><gml:Solid>{shell('exterior', 0)}{shell('interior', 1)}</gml:Solid></bldg:lod1Solid>")
    )
    assert [s.shell for s in each.shapes[0].surfaces] == [0, 1]
    assert each.shapes[0].voids == {1}


def test_a_link_to_another_object_is_followed_forwards_and_backwards(tmp_path: Path):
    linked = '<bldg:lod1MultiSurface><gml:MultiSurface><gml:surfaceMember xlink:href="#shared"/></gml:MultiSurface></bldg:lod1MultiSurface>'
    own = nest("bldg:lod1MultiSurface > gml:MultiSurface > gml:surfaceMember", polygon(SQUARE, "shared"))
    found, notes = read(tmp_path, member(linked, "before") + member(own, "owner") + member(linked, "after"))
    assert {each.id: len(each.shapes[0].surfaces) for each in found} == {"before": 1, "owner": 1, "after": 1}
    assert notes.told() == []


def test_a_link_to_nowhere_is_told(tmp_path: Path):
    body = '<bldg:lod1MultiSurface><gml:MultiSurface><gml:surfaceMember xlink:href="#lost"/></gml:MultiSurface></bldg:lod1MultiSurface>'
    found, notes = read(tmp_path, member(body) + member(""))
    assert len(found) == 2
    assert [(issue.code, issue.details["count"]) for issue in notes.told()] == [("city_link_missing", 1)]


def test_links_in_a_circle_end(tmp_path: Path):
    ring = nest('bldg:lod1MultiSurface > gml:MultiSurface gml:id="a"', '<gml:surfaceMember xlink:href="#a"/>')
    found, _ = read(tmp_path, member(ring))
    assert found[0].shapes == [] or not found[0].shapes[0].surfaces


def test_an_orientable_surface_turns_its_base(tmp_path: Path):
    turned = f'<gml:OrientableSurface orientation="-"><gml:baseSurface>{polygon(SQUARE)}</gml:baseSurface></gml:OrientableSurface>'
    ((each,), _) = read(tmp_path, member(surface("WallSurface", turned) + surface("RoofSurface", polygon("0 0 9 0 4 9 4 4 9 0 0 9"))))
    first, second = each.shapes[0].surfaces
    assert first.rings[0].tolist() == [[4, 0, 0], [4, 4, 0], [0, 4, 0], [0, 0, 0]]
    assert second.rings[0].tolist() == [[0, 0, 9], [0, 4, 9], [4, 4, 9]]


@pytest.mark.parametrize(
    "ring",
    [
        "<gml:posList>0 0 0 4 0 0 4 4 0 0 0 0</gml:posList>",
        '<gml:posList srsDimension="2">0 0 4 0 4 4 0 0</gml:posList>',
        "<gml:pos>0 0 0</gml:pos><gml:pos>4 0 0</gml:pos><gml:pos>4 4 0</gml:pos><gml:pos>0 0 0</gml:pos>",
        "<gml:coordinates>0,0,0 4,0,0 4,4,0 0,0,0</gml:coordinates>",
        '<gml:coordinates decimal="," cs=";" ts="|">0;0;0|4,0;0;0|4;4;0|0;0;0</gml:coordinates>',
        nest("gml:pointProperty > gml:Point > gml:pos", "0 0 0") + "<gml:pos>4 0 0</gml:pos><gml:pos>4 4 0</gml:pos>",
    ],
)
def test_coordinates_in_every_form(tmp_path: Path, ring: str):
    shape = f"<gml:Polygon><gml:outerBoundaryIs><gml:LinearRing>{ring}</gml:LinearRing></gml:outerBoundaryIs></gml:Polygon>"
    ((each,), _) = read(tmp_path, member(surface("RoofSurface", shape)))
    assert each.shapes[0].surfaces[0].rings[0].tolist() == [[0, 0, 0], [4, 0, 0], [4, 4, 0]]


def test_patches_triangles_and_holes(tmp_path: Path):
    outer = f"<gml:exterior><gml:LinearRing><gml:posList>{SQUARE}</gml:posList></gml:LinearRing></gml:exterior>"
    patches = f"<gml:Surface><gml:patches><gml:PolygonPatch>{outer}</gml:PolygonPatch></gml:patches></gml:Surface>"
    tin = nest("gml:TriangulatedSurface > gml:trianglePatches", f"<gml:Triangle>{outer}</gml:Triangle>" * 2)
    body = (
        surface("RoofSurface", patches)
        + surface("WallSurface", tin, 3)
        + surface("GroundSurface", polygon(SQUARE, inner="1 1 0 2 1 0 2 2 0 1 1 0"), 4)
    )
    ((each,), _) = read(tmp_path, member(body))
    by_lod = {shape.lod: shape.surfaces for shape in each.shapes}
    assert [len(by_lod["2"]), len(by_lod["3"]), len(by_lod["4"][0].rings)] == [1, 1, 2]  # the same triangle twice is one


def test_systems_are_inherited_and_overridden(tmp_path: Path):
    corners = "<gml:lowerCorner>0 0 0</gml:lowerCorner><gml:upperCorner>9 9 9</gml:upperCorner>"
    envelope = nest('gml:boundedBy > gml:Envelope srsName="EPSG:25832" srsDimension="3"', corners)
    own = envelope.replace("EPSG:25832", "EPSG:25833")
    nearest = surface("RoofSurface", polygon(SQUARE)).replace("<gml:MultiSurface>", '<gml:MultiSurface srsName="EPSG:4979">')
    found, notes = read(
        tmp_path,
        envelope
        + member(surface("RoofSurface", polygon(SQUARE)), "a")
        + member(own + surface("RoofSurface", polygon(SQUARE)), "b")
        + member(nearest, "c"),
    )
    assert [each.shapes[0].crs for each in found] == ["EPSG:25832", "EPSG:25833", "EPSG:4979"]
    assert notes.envelope is not None
    assert notes.envelope.tolist() == [[0, 0, 0], [9, 9, 9]]


def test_a_prototype_is_placed_by_matrix_and_reference_point_and_reused(tmp_path: Path):
    def tree(content: str) -> str:
        place = "<core:referencePoint><gml:Point><gml:pos>100 200 30</gml:pos></gml:Point></core:referencePoint>"
        matrix = "<core:transformationMatrix>2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1</core:transformationMatrix>"
        return nest("veg:lod2ImplicitRepresentation > core:ImplicitGeometry", matrix + content + place) + nest("veg:height uom='m'", "7.5")

    first = nest('core:relativeGMLGeometry > gml:MultiSurface gml:id="proto" > gml:surfaceMember', polygon(SQUARE))
    again = '<core:relativeGMLGeometry xlink:href="#proto"/>'
    outside = "<core:libraryObject>oak.wrl</core:libraryObject>"
    kind = "veg:SolitaryVegetationObject"
    found, notes = read(tmp_path, member(tree(first), "t1", kind) + member(tree(again), "t2", kind) + member(tree(outside), "t3", kind))
    assert [len(each.shapes[0].surfaces) for each in found] == [1, 1, 0]
    for each in found[:2]:
        assert each.shapes[0].anchor is not None
        assert each.shapes[0].anchor.tolist() == [100, 200, 30]
        assert each.shapes[0].surfaces[0].rings[0].max() == 8
    assert found[0].attributes["height"] == 7.5
    assert [(issue.code, issue.subject) for issue in notes.told()] == [("city_library_ignored", "oak.wrl")]


def test_attributes_codes_generics_and_addresses(tmp_path: Path):
    body = (
        "<gml:name>Hall</gml:name><bldg:measuredHeight uom='ft'>10</bldg:measuredHeight>"
        "<bldg:storeysAboveGround>3</bldg:storeysAboveGround>"
        "<bldg:function codeSpace='http://x/function.xml'>1120</bldg:function><bldg:usage>a</bldg:usage><bldg:usage>b</bldg:usage>"
        "<gen:stringAttribute name='Owner'><gen:value>Port</gen:value></gen:stringAttribute>"
        "<gen:intAttribute name='n'><gen:value>7</gen:value></gen:intAttribute>"
        + nest("gen:genericAttributeSet name='set' > gen:doubleAttribute name='x' > gen:value", "1.5")
        + "<bldg:address><core:Address><core:xalAddress><xAL:AddressDetails>"
        "<xAL:Country><xAL:CountryName>CN</xAL:CountryName><xAL:Locality>"
        "<xAL:LocalityName>苏州</xAL:LocalityName><xAL:Thoroughfare><xAL:ThoroughfareNumber>8</xAL:ThoroughfareNumber>"
        "<xAL:ThoroughfareName>星湖街</xAL:ThoroughfareName>"
        "</xAL:Thoroughfare></xAL:Locality></xAL:Country></xAL:AddressDetails></core:xalAddress></core:Address></bldg:address>"
        "<ade:energy>9</ade:energy>"
    )
    ((each,), notes) = read(tmp_path, member(body))
    assert each.name == "Hall"
    assert each.attributes == {
        "measuredHeight": pytest.approx(3.048), "storeysAboveGround": 3, "function": "1120", "function_codespace": "http://x/function.xml",
        "usage": ["a", "b"], "Owner": "Port", "n": 7, "set.x": 1.5,
    }  # fmt: skip
    assert list(each.addresses) == ["CN, 苏州, 星湖街, 8"]
    assert [(issue.code, issue.subject, issue.details["count"]) for issue in notes.told()] == [
        ("city_extension_ignored", "urn:example:ade", 1)
    ]


def test_parts_rooms_and_roads_keep_their_family(tmp_path: Path):
    part = nest('bldg:consistsOfBuildingPart > bldg:BuildingPart gml:id="p"', surface("RoofSurface", polygon(SQUARE)))
    room = f'<bldg:interiorRoom><bldg:Room gml:id="r">{surface("FloorSurface", polygon(SQUARE), 4)}</bldg:Room></bldg:interiorRoom>'
    inside = "tran:trafficArea > tran:TrafficArea > tran:lod2MultiSurface > gml:MultiSurface > gml:surfaceMember"
    area = nest(inside, polygon(SQUARE))
    found, _ = read(tmp_path, member(part + room) + member(area, "road", "tran:Road"))
    assert [(each.id, each.kind, each.parent) for each in found] == [
        ("b1", "Building", None),
        ("p", "BuildingPart", "b1"),
        ("r", "Room", "b1"),
        ("road", "Road", None),
    ]
    assert found[2].shapes[0].surfaces[0].kind == "FloorSurface"
    assert len(found[3].shapes[0].surfaces) == 1


def test_numbers_that_are_none_cost_only_their_polygon(tmp_path: Path):
    body = (
        surface("RoofSurface", polygon(SQUARE))
        + surface("WallSurface", polygon("0 0 0 x y z 1 1 1 0 0 0"))
        + surface("WallSurface", polygon("0 0 NaN 1 0 0 1 1 0 0 0 NaN"))
    )
    ((each,), notes) = read(tmp_path, member(body))
    assert [s.kind for s in each.shapes[0].surfaces] == ["RoofSurface"]
    assert [(issue.code, issue.details["count"]) for issue in notes.told()] == [("city_coordinates_bad", 2)]


def test_what_is_cut_off_is_refused(tmp_path: Path):
    path = tmp_path / "cut.gml"
    path.write_text(f"<CityModel {SPACES}>{member('')}<core:cityObjectMember>", "utf-8")
    with pytest.raises(UnreadableSource):
        list(read_citygml(path, Notes("cut.gml", "")))


def test_memory_does_not_grow_with_the_number_of_objects(tmp_path: Path):
    import tracemalloc

    path = tmp_path / "many.gml"
    house = surface("RoofSurface", polygon(SQUARE)) * 20
    with path.open("w", encoding="utf-8") as stream:
        stream.write(f"<CityModel {SPACES}>")
        for k in range(400):
            stream.write(member(house, f"b{k}"))
        stream.write("</CityModel>")
    tracemalloc.start()
    count = sum(1 for _ in read_citygml(path, Notes("many.gml", "")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 400
    assert peak < 4_000_000
