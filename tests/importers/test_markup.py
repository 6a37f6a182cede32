from __future__ import annotations

from pathlib import Path

import pytest

from importers import markup
from twin.errors import UnreadableSource

BILLION = """<?xml version="1.0"?>
<!-- a comment before --><!DOCTYPE kml [
 <!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
]><kml xmlns="http://www.opengis.net/kml/2.2"><name>&lol2;</name></kml>"""
EXTERNAL = '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'
PARAMETER = '<!DOCTYPE r [<!ENTITY % p SYSTEM "x.dtd"> %p;]><r/>'
LATE = '<?xml version="1.0"?>' + "<!-- " + "x" * 200_000 + ' --><!DOCTYPE r [<!ENTITY a "b">]><r/>'


def code(path: Path) -> str:
    with pytest.raises(UnreadableSource) as caught:
        markup.checked(path)
    for lang in ("en", "zh"):
        assert "{" not in caught.value.text(lang)
        assert caught.value.hint(lang)
    return caught.value.code


@pytest.mark.parametrize("text", [BILLION, EXTERNAL, PARAMETER, LATE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_entities_are_refused_in_every_encoding(tmp_path: Path, text: str, encoding: str) -> None:
    path = tmp_path / "a.kml"
    path.write_bytes(text.encode(encoding))
    assert code(path) == "markup_entities"


def test_an_encoding_that_hides_entities_is_seen_through(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_bytes(b'<?xml version="1.0" encoding="UTF-7"?>+ADwAIQ-DOCTYPE r +AFsAPAAh-ENTITY x +ACI-y+ACIAPgBdAD4-<r/>')
    assert code(path) == "markup_entities"
    path.write_bytes(b'<?xml version="1.0" encoding="klingon"?><r/>')
    assert code(path) == "markup_damaged"


@pytest.mark.parametrize(
    "text",
    [
        "<r/>", "<!DOCTYPE r><r/>", '<!DOCTYPE r PUBLIC "-//X//Y" "x.dtd"><r/>', "<!DOCTYPE r [ <!ELEMENT r ANY> ]><r/>",
        "<r><![CDATA[<!DOCTYPE x [<!ENTITY a 'b'>]>]]></r>", "<r>" + "<br>text</br>" * 3000 + "</r>",
        "<r><![CDATA[" + "<br>" * 3000 + "]]></r>",
    ],
)  # fmt: skip
def test_harmless_documents_pass(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.xml"
    path.write_text(text)
    markup.checked(path)


def test_a_prolog_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"<?xml version='1.0'?>" + b" " * 1_100_000 + b"<!DOCTYPE r [<!ENTITY a 'b'>]><r/>")
    assert code(path) == "markup_damaged"
    path.write_bytes(b"<!DOCTYPE r [<!-- " + b"x" * 1_100_000 + b" --><!ENTITY a 'b'>]><r/>")
    assert code(path) == "markup_damaged"


def test_depth_and_size_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(b"<a>" * 100_000 + b"</a>" * 100_000)
    assert code(path) == "markup_too_deep"
    path.write_bytes(b"<a><b/></a>" * 10 + b"<c>" * 400 + b"</c>" * 400)
    markup.checked(path)
    monkeypatch.setattr(markup, "LARGEST_PIECE_BYTES", 10_000_000)
    path.write_bytes(b"<r><c>" + b"1,2 " * 3_000_000 + b"</c></r>")
    assert code(path) == "markup_element_large"


@pytest.mark.parametrize("encoding", ["gbk", "gb2312", "utf-16", "big5", "windows-1252"])
def test_documents_in_other_encodings_become_utf8(tmp_path: Path, encoding: str) -> None:
    name = {"windows-1252": "Göteborg", "big5": "停車場"}.get(encoding, "停车场")
    path = tmp_path / "a.kml"
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>\n<kml><name>{name}</name></kml>'.encode(encoding))
    found = markup.readable(path, tmp_path / "utf8")
    text = found.path.read_text("utf-8")
    assert name in text
    assert 'encoding="UTF-8"' in text
    assert found.encoding.how == "stated"


def test_a_declaration_that_lies_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    path.write_bytes('<?xml version="1.0" encoding="UTF-8"?><kml><name>园区东门停车场</name></kml>'.encode("gbk"))
    found = markup.readable(path, tmp_path / "utf8")
    assert (found.encoding.name, found.encoding.how) == ("GBK", "detected")
    assert "园区东门停车场" in found.path.read_text("utf-8")
    path.write_bytes(b'<?xml version="1.0" encoding="utf-16"?><kml/>')  # as some programs write UTF-8
    assert markup.readable(path, tmp_path / "more").path == path
    with pytest.raises(UnreadableSource):
        markup.readable(path.with_name("a.kml"), tmp_path / "x", "utf-16")
