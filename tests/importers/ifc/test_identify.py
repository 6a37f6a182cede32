"""What is let through and what is refused, by content alone."""

from __future__ import annotations

import zipfile

import ifcopenshell
import pytest

from importers.ifc.identify import identify, sureness
from twin.errors import UnreadableSource

HEADER = (
    "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\nFILE_SCHEMA(('{schema}'));\nENDSEC;\n"
)
DATA = "DATA;\n#1=IFCORGANIZATION($,'{name}',$,$,$);\nENDSEC;\nEND-ISO-10303-21;\n"
WHOLE = HEADER.format(schema="IFC4") + DATA.format(name="O")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ifc_empty"),
        (b"\x00\x00 \n", "ifc_empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "ifc_lfs_pointer"),
        (b"<?xml version='1.0'?><ifcXML xmlns='x'></ifcXML>", "ifc_xml"),
        (b"<html></html>", "ifc_not_step"),
        (b"solid cube\nendsolid", "ifc_not_step"),
        (DATA.format(name="O").encode(), "ifc_no_header"),
        (WHOLE.replace("FILE_SCHEMA(('IFC4'));\n", "").encode(), "ifc_no_schema"),
        (WHOLE.replace("'IFC4'", "'AUTOMOTIVE_DESIGN'").encode(), "ifc_other_step"),
        (WHOLE.replace("'IFC4'", "'IFC4X1'").encode(), "ifc_schema_unsupported"),
        (WHOLE.replace("'IFC4'", "'IFC4X3_RC2'").encode(), "ifc_schema_unsupported"),
        (b'{"type": "ifcJSON", "schemaIdentifier": "IFC4", "data": []}', "ifc_json"),
        (WHOLE.replace("'IFC4'", "'IFC2X2_FINAL'").encode(), "ifc_schema_unsupported"),
        (WHOLE[:-30].encode(), "ifc_truncated"),
        (b"PK\x03\x04 no zip", "archive_damaged"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_its_own_sentence(tmp_path, content, code):
    path = tmp_path / "model.ifc"
    path.write_bytes(content)
    with pytest.raises(UnreadableSource) as caught:
        identify(path, tmp_path)
    assert caught.value.code == code
    for lang in ("en", "zh"):
        assert "model.ifc" in caught.value.text(lang)
        assert caught.value.hint(lang)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(UnreadableSource) as caught:
        identify(tmp_path / "none.ifc", tmp_path)
    assert caught.value.code == "ifc_unreadable"


def test_the_name_does_not_matter(tmp_path):
    path = tmp_path / "drawing.txt"
    path.write_text(WHOLE)
    assert sureness(path, path.read_bytes()) == 100
    assert identify(path, tmp_path).schema == "IFC4"


def test_a_comment_or_byte_order_mark_before_the_header_does_not_matter(tmp_path):
    path = tmp_path / "a.ifc"
    path.write_bytes(b"\xef\xbb\xbf/* exported */\n" + WHOLE.encode())
    assert sureness(path, path.read_bytes()) == 100
    assert ifcopenshell.open(str(identify(path, tmp_path).path)).schema == "IFC4"


def test_other_formats_are_not_claimed(tmp_path):
    path = tmp_path / "a.ifc"
    for content in (b"", b"{}", b"PK\x03\x04", b"<gml/>", WHOLE.replace("IFC4", "AP214").encode()):
        path.write_bytes(content)
        assert sureness(path, content) == 0


def test_a_zip_is_opened_whatever_its_member_is_called(tmp_path):
    path = tmp_path / "model.bin"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("notes.txt", "read me")
        archive.writestr("deep/model.dat", WHOLE)
    assert sureness(path, path.read_bytes()[:100]) == 95
    source = identify(path, tmp_path)
    assert source.path.read_text() == WHOLE


def test_a_zip_bomb_is_refused(tmp_path):
    path = tmp_path / "bomb.ifczip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.ifc", WHOLE.replace("ENDSEC;\nEND", " " * 90_000_000 + "ENDSEC;\nEND"))
    with pytest.raises(UnreadableSource) as caught:
        identify(path, tmp_path)
    assert caught.value.code == "archive_ratio"


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_raw_chinese_is_kept_and_told(tmp_path, encoding):
    path = tmp_path / "zh.ifc"
    path.write_bytes((HEADER.format(schema="IFC4") + DATA.format(name="东湖园区 𠀀")).encode(encoding))
    source = identify(path, tmp_path)
    assert ifcopenshell.open(str(source.path)).by_type("IfcOrganization")[0].Name == "东湖园区 𠀀"
    told = {issue.code: issue.details for issue in source.issues}
    assert told["ifc_text_recoded"]["encoding"] == {"utf-8": "UTF-8", "gb18030": "GBK"}[encoding]
    assert source.encoding is not None
    assert source.encoding.evidence["sample"]


def test_an_encoding_named_by_the_person_is_tried_first(tmp_path):
    path = tmp_path / "de.ifc"
    path.write_bytes((HEADER.format(schema="IFC4") + DATA.format(name="Büro")).encode("latin-1"))
    source = identify(path, tmp_path, "latin-1")
    assert ifcopenshell.open(str(source.path)).by_type("IfcOrganization")[0].Name == "Büro"


@pytest.mark.parametrize(("said", "read_as"), [("IFC4X3", "IFC4X3_ADD2"), ("IFC4_ADD2_TC1", "IFC4"), ("ifc2x3_tc1", "IFC2X3")])
def test_other_names_of_known_schemas_are_read(tmp_path, said, read_as):
    path = tmp_path / "a.ifc"
    path.write_text(HEADER.format(schema=said) + DATA.format(name="O"))
    source = identify(path, tmp_path)
    assert source.schema == read_as
    assert ifcopenshell.open(str(source.path)).schema_identifier == read_as
    assert [issue.code for issue in source.issues] == ["ifc_schema_read_as"]
