"""Text as programs write it comes out as they meant it, and what is well written is not touched."""

from __future__ import annotations

import ifcopenshell
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.ifc.mend import is_well, mend

FILE = (
    "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\nFILE_NAME('','',(''),(''),'','','');\nFILE_SCHEMA(('IFC4'));\nENDSEC;\n"
    "DATA;\n#1=IFCORGANIZATION($,'{name}',$,$,$);\n#2=IFCORGANIZATION($,'next',$,$,$);\nENDSEC;\nEND-ISO-10303-21;\n"
)


def _names(tmp_path, name: bytes, encoding: str | None = None):
    path = tmp_path / "a.ifc"
    path.write_bytes(FILE.encode().replace(b"{name}", name))
    mended = mend(path, tmp_path / "mended.ifc", path.name, None, encoding)
    file = ifcopenshell.open(str(mended.path))
    return [item.Name for item in file.by_type("IfcOrganization")], mended


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (rb"\X2\4E2D6587\X0\ ok", "中文 ok"),
        (rb"\X4\00020000\X0\ ok", "𠀀 ok"),
        (rb"B\X\FCro", "Büro"),
        (rb"B\S\|ro", "Büro"),
        (rb"\PE\\S\P", "а"),
        (rb"it''s", "it's"),
    ],
)
def test_what_is_well_written_is_opened_as_it_is(tmp_path, written, meant):
    names, mended = _names(tmp_path, written)
    assert names == [meant, "next"]
    assert mended.path == tmp_path / "a.ifc"
    assert mended.issues == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (rb"\X2\D840DC00\X0\ ok", "𠀀 ok"),  # a pair of UTF-16, which belongs into \X4\
        (rb"A\X2\4E2D6587", "A中文"),  # the end is missing
        (rb"A\X2\4E2D65\X0\B", "A中\ufffdB"),
        (rb"A\X2\\X0\B", "AB"),
        (rb"C:\Users\new", "C:\\Users\\new"),
        (b"A\\S\\", "A\\S\\"),
        (rb"A\X2\0000\X0\B", "AB"),
        (rb"A\X4\7FFFFFFF\X0\B", "A\ufffdB"),
        (rb"A\PZ\B", "A\\PZ\\B"),
    ],
)
def test_what_breaks_the_rules_is_mended_and_told(tmp_path, written, meant):
    names, mended = _names(tmp_path, written)
    assert names == [meant, "next"]
    assert [issue.code for issue in mended.issues] == ["ifc_escapes_malformed"]
    assert mended.issues[0].details["count"] == 1


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "big5", "shift_jis"])
def test_raw_text_is_told_from_its_bytes_with_evidence(tmp_path, encoding):
    others = {"big5": "東湖園區研發大樓一樓會議室", "shift_jis": "本社ビルの会議室と廊下について"}
    text = others.get(encoding, "东湖园区研发大楼一层会议室走廊")
    names, mended = _names(tmp_path, text.encode(encoding))
    assert names == [text, "next"]
    assert mended.encoding is not None
    assert mended.encoding.evidence["sample"]
    assert "ifc_text_recoded" in [issue.code for issue in mended.issues]


def test_texts_in_two_encodings_are_both_read_and_told(tmp_path):
    path = tmp_path / "a.ifc"
    lines = [f"#{k}=IFCORGANIZATION($,'东湖园区研发大楼第{k}层会议室',$,$,$);".encode("gb18030") for k in range(3, 23)]
    lines.append("#30=IFCORGANIZATION($,'走廊、电梯厅和卫生间',$,$,$);".encode())
    path.write_bytes(FILE.encode().replace(b"ENDSEC;\nEND-", b"\n".join(lines) + b"\nENDSEC;\nEND-"))
    mended = mend(path, tmp_path / "mended.ifc", path.name, None, None)
    file = ifcopenshell.open(str(mended.path))
    assert file.by_id(7).Name == "东湖园区研发大楼第7层会议室"
    assert file.by_id(30).Name == "走廊、电梯厅和卫生间"
    assert "ifc_text_mixed" in [issue.code for issue in mended.issues]


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=40))
def test_any_text_survives_being_written_raw(tmp_path_factory, text):
    raw = text.replace("\\", "\\\\").replace("'", "''").encode()
    names, _ = _names(tmp_path_factory.mktemp("raw"), raw, "utf-8")
    assert names == [text, "next"]


@given(st.binary(max_size=60))
def test_whether_text_is_well_written_can_be_said_of_any_bytes(piece):
    assert is_well(piece) or b"\\" in piece
