from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from importers.contract import Context, Imported, Options
from importers.recognise import find
from twin.crs import Frame
from twin.model import Park

LON, LAT = 120.6, 31.3


def read(path: Path) -> Imported:
    return find(path).read(path, Context(Park("Test", Frame(LON, LAT)), Options()))


def kml(*content: str) -> str:
    return f'<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{"".join(content)}</Document></kml>'


def placemark(name: str, more: str = "") -> str:
    return f"<Placemark><name>{name}</name>{more}<Point><coordinates>{LON},{LAT}</coordinates></Point></Placemark>"


def test_kmz_whose_main_document_only_links_to_those_beside_it(tmp_path: Path) -> None:
    data = '<ExtendedData><Data name="管理单位"><value>物业</value></Data></ExtendedData>'
    with zipfile.ZipFile(tmp_path / "a.kmz", "w") as archive:
        archive.writestr("doc.kml", kml("<NetworkLink><Link><href>layers/x.kml</href></Link></NetworkLink>"))
        archive.writestr("layers/x.kml", kml(placemark("一号楼", more=data)))
    imported = read(tmp_path / "a.kmz")
    assert (imported.layers[0].layer.id, list(imported.layers[0].table.column("owner"))) == ("a", ["物业"])
    assert not imported.issues


@pytest.mark.parametrize("schema", ['<Schema id="s"><SimpleField name="a" type="int"/></Schema>', '<Schema id="s"/>', ""])
def test_kml_fields_that_no_schema_declares(tmp_path: Path, schema: str) -> None:
    said = '<SimpleData name="a">7</SimpleData><SimpleData name="竣工">2020/01/01</SimpleData>'
    data = f'<ExtendedData><SchemaData schemaUrl="#s">{said}</SchemaData></ExtendedData>'
    (tmp_path / "a.kml").write_text(kml(schema, placemark("一号楼", more=data)), "utf-8")
    table = read(tmp_path / "a.kml").layers[0].table
    assert ([str(each) for each in table.column("a")], list(table.column("竣工"))) == (["7"], ["2020/01/01"])
