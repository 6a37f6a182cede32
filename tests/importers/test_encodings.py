from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers import encodings
from twin.errors import UnreadableSource, UsageError

CHINESE = ["重点部位监控摄像机", "园区东门", "地下停车场出入口", "研发楼一层大厅", "工业园区", "停车位编号"]
LATIN = ["Östra Hamngatan", "Straße des 17. Juni", "Ägare", "São Paulo", "Genève", "España"]
TRADITIONAL = ["臺北市停車場", "工業園區", "監視攝影機"]


@pytest.mark.parametrize(("words", "codec", "name"), [(CHINESE, "gbk", "GBK"), (TRADITIONAL, "big5", "BIG5"), (LATIN, "cp1252", "CP1252")])
def test_the_encoding_of_names_is_told_from_their_bytes(words: list[str], codec: str, name: str) -> None:
    assert encodings.detect([word.encode(codec) for word in words]) == name
    assert encodings.detect([word.encode() for word in words]) == "UTF-8"


@given(st.text(alphabet=st.characters(min_codepoint=0x800, max_codepoint=0x9FFF), max_size=30))
def test_utf8_is_always_known_as_utf8(text: str) -> None:
    assert encodings.detect([text.encode()]) == "UTF-8"


def test_a_character_cut_off_at_the_end_of_a_field_is_forgiven() -> None:
    assert encodings.detect(["园区东门".encode()[:-1]]) == "UTF-8"


def test_marks_and_statements_come_before_detection() -> None:
    text, used = encodings.of_text("编号,经度".encode("utf-16"), None, "a.csv")
    assert text.lstrip("\ufeff") == "编号,经度"
    assert used.how == "stated"
    assert encodings.of_text("a,é".encode("cp1252"), "cp1252", "a.csv")[0] == "a,é"


def test_a_wrong_encoding_is_refused_with_the_place() -> None:
    with pytest.raises(UnreadableSource) as caught:
        encodings.of_text("东门".encode("gbk"), "utf-8", "a.csv")
    assert caught.value.code == "encoding_wrong"
    with pytest.raises(UsageError):
        encodings.check_encoding("klingon-8")


def test_binary_data_are_no_text() -> None:
    with pytest.raises(UnreadableSource) as caught:
        encodings.of_text(b"abc\x00\x01\x02", None, "a.csv")
    assert caught.value.code == "source_not_text"
