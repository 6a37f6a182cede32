"""Shapefiles whose tables are written byte by byte: every way to be in an encoding, to hide it, and to lie about it."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyogrio.raw import write

from importers.contract import Context, Imported, Options
from importers.encodings import Encoding, code_page, driver_page, stated_by
from importers.recode import recoded
from importers.vector import IMPORTER
from twin.crs import Frame
from twin.errors import UnreadableSource, UsageError
from twin.model import Park

CHINESE = ["园区东门停车场", "配电室", "一号楼", "雨水井"]
SWEDISH = ["Göteborg", "Västra Frölunda", "Örgryte", "Malmö"]
JAPANESE = ["東京都港区", "駐車場", "ビル", "学校"]


def dbase(field: bytes, values: Sequence[bytes], *, language: int = 0, width: int = 40) -> bytes:
    """A dBase III table of one text field (dBase III file structure: 32-byte header, 32-byte fields, 0x0D, records)."""
    header = struct.pack("<BBBBIHH", 3, 124, 1, 1, len(values), 32 + 32 + 1, 1 + width) + bytes(17) + bytes([language]) + bytes(2)
    described = field[:11].ljust(11, b"\0") + b"C" + bytes(4) + bytes([width, 0]) + bytes(14)
    return header + described + b"\r" + b"".join(b" " + value[:width].ljust(width) for value in values) + b"\x1a"


def shapefile(folder: Path, table: bytes, cpg: bytes | None = None) -> Path:
    path = folder / "a.shp"
    count = struct.unpack("<I", table[4:8])[0]
    points = shapely.to_wkb(shapely.points([[120.6 + 0.001 * k, 31.3] for k in range(count)]))
    write(path, points, [], [], geometry_type="Point", crs="EPSG:4326", driver="ESRI Shapefile")
    path.with_suffix(".cpg").unlink(missing_ok=True)
    path.with_suffix(".dbf").write_bytes(table)
    if cpg is not None:
        path.with_suffix(".cpg").write_bytes(cpg)
    return path


def read(path: Path, **options: Any) -> Imported:
    return IMPORTER.read(path, Context(Park("Test", Frame(120.6, 31.3)), Options(**options)))


def told(imported: Imported) -> list[str]:
    for issue in imported.issues:
        assert issue.subject
    return [issue.code for issue in imported.issues]


@pytest.mark.parametrize(
    ("words", "codec", "field", "language", "cpg", "name", "codes"),
    [
        (CHINESE, "gbk", "名称", 0, None, "GBK", ["encoding_detected"]),  # nothing is said
        (CHINESE, "gbk", "名称", 0x57, None, "GBK", ["encoding_detected"]),  # "the system's own"
        (CHINESE, "gbk", "名称", 0x4D, None, "GBK", []),  # rightly stated in the header
        (CHINESE, "gbk", "名称", 0x57, b"936", "GBK", []),
        (CHINESE, "gbk", "名称", 0, b"ANSI 936\r\n", "GBK", []),
        (CHINESE, "gbk", "名称", 0, b"OEM", "GBK", ["encoding_detected"]),
        (CHINESE, "gbk", "名称", 0, b"UTF-8", "GBK", ["encoding_overruled"]),  # the .cpg lies
        (CHINESE, "gbk", "名称", 0, b"ISO-8859-1", "GBK", ["encoding_overruled"]),  # written by GDAL from bytes it did not know
        (CHINESE, "gbk", "名称", 0x03, None, "GBK", ["encoding_overruled"]),  # the header lies: Windows Latin
        (CHINESE, "utf-8", "名称", 0, b"GBK", "UTF-8", ["encoding_overruled"]),
        (CHINESE, "utf-8", "名称", 0x4D, b"UTF8", "UTF-8", []),  # the .cpg comes before the header
        (CHINESE, "utf-8", "名称", 0, None, "UTF-8", []),
        (SWEDISH, "cp1252", "namn", 0, None, "CP1252", ["encoding_detected"]),
        (SWEDISH, "cp1252", "namn", 0, b"936", "CP1252", ["encoding_overruled"]),  # Western text that is said to be Chinese
        (SWEDISH, "cp1252", "namn", 0x57, b"ISO 88591", "ISO8859-1", []),
        (SWEDISH, "cp850", "namn", 0x02, None, "CP850", []),
        (["臺北市停車場", "工業園區", "中山北路", "監視器"], "big5", "名稱", 0, None, "BIG5", ["encoding_detected"]),
        (JAPANESE, "cp932", "名称", 0, None, "SHIFT_JIS", ["encoding_detected"]),
        (JAPANESE, "cp932", "名称", 0x13, None, "SHIFT_JIS", []),
        (["서울특별시", "주차장", "학교", "강남구"], "cp949", "이름", 0, None, "EUC-KR", ["encoding_detected"]),
        (["Москва", "Улица Ленина", "Парковка", "Дом"], "cp1251", "имя", 0, None, "CP1251", ["encoding_detected"]),
        (["Žižkov", "Dvořák", "Škoda", "náměstí"], "cp1250", "nazev", 0xC8, None, "CP1250", []),
    ],
)  # fmt: skip
def test_tables_in_every_encoding(
    tmp_path: Path, words: list[str], codec: str, field: str, language: int, cpg: bytes | None, name: str, codes: list[str]
) -> None:
    table = dbase(field.encode(codec), [word.encode(codec) for word in words], language=language)
    imported = read(shapefile(tmp_path, table, cpg))
    (content,) = imported.layers
    columns = {key: list(values) for key, values in content.table.columns.items()}
    assert words in columns.values()
    assert field in columns or "name" in columns
    assert told(imported) == codes
    assert imported.encoding in {name, name.replace("8859", "-8859")}


def test_the_evidence_is_told(tmp_path: Path) -> None:
    imported = read(shapefile(tmp_path, dbase("名称".encode("gbk"), [word.encode("gbk") for word in CHINESE])))
    (issue,) = imported.issues
    assert issue.details["encoding"] == "GBK"
    assert issue.details["sample"] == "园区东门停车场"
    assert str(issue.details["bytes"]).startswith("园区".encode("gbk").hex(" ").upper())
    assert issue.details["percent"] == 100
    assert ": " in str(issue.details["others"])


def test_the_persons_word_counts(tmp_path: Path) -> None:
    path = shapefile(tmp_path, dbase("名称".encode("gbk"), [word.encode("gbk") for word in CHINESE]), b"UTF-8")
    imported = read(path, encoding="gb18030")
    assert list(imported.layers[0].table.column("name")) == CHINESE
    assert told(imported) == []
    with pytest.raises(UnreadableSource) as caught:
        read(path, encoding="utf-8")
    assert caught.value.code == "encoding_wrong"
    with pytest.raises(UsageError):
        read(path, encoding="klingon")


def test_records_of_another_program_are_read_in_their_own_encoding(tmp_path: Path) -> None:
    words = [f"{k}号楼配电室" for k in range(30)]
    raw = [word.encode("utf-8" if k in {4, 17} else "gbk") for k, word in enumerate(words)]
    imported = read(shapefile(tmp_path, dbase(b"name", raw)))
    assert list(imported.layers[0].table.column("name")) == words
    mixed = next(issue for issue in imported.issues if issue.code == "encoding_mixed")
    assert (mixed.details["encoding"], mixed.details["other"], mixed.details["count"], mixed.details["records"]) == (
        "GBK",
        "UTF-8",
        2,
        "5, 18",
    )
    turned = [word.encode("gbk" if k == 9 else "utf-8") for k, word in enumerate(words)]
    other = read(shapefile(tmp_path, dbase(b"name", turned), b"UTF-8"))
    assert list(other.layers[0].table.column("name")) == words
    assert [issue.details["records"] for issue in other.issues if issue.code == "encoding_mixed"] == ["10"]


@pytest.mark.parametrize("codec", ["gbk", "utf-8", "cp932", "cp949", "big5"])
def test_half_a_character_at_the_end_of_a_field_is_left_out(tmp_path: Path, codec: str) -> None:
    word = {"cp949": "서울", "big5": "停車", "cp932": "東京"}.get(codec, "停车")
    long = word * 130
    width = 254 if 254 % len(word[0].encode(codec)) else 253
    imported = read(shapefile(tmp_path, dbase(b"name", [long.encode(codec), word.encode(codec)], width=width)))
    cut, whole = imported.layers[0].table.column("name")
    assert long.startswith(cut)
    assert len(cut.encode(codec)) >= width - 2
    assert whole == word
    assert "encoding_cut" in told(imported)


def test_a_field_name_cut_at_ten_bytes(tmp_path: Path) -> None:
    imported = read(shapefile(tmp_path, dbase("建筑物名称及其用途".encode()[:10], [word.encode() for word in CHINESE])))
    assert "建筑物" in imported.layers[0].table.columns


def test_bytes_in_no_encoding_are_marked_and_told(tmp_path: Path) -> None:
    imported = read(shapefile(tmp_path, dbase(b"name", [b"a\xff\xfeb", *(word.encode("gbk") for word in CHINESE)])), encoding="gbk")
    assert list(imported.layers[0].table.column("name"))[1:] == CHINESE
    assert told(imported) == ["encoding_unread"]


@pytest.mark.parametrize(
    ("said", "codec"),
    [
        ("936", "gb18030"), ("GBK", "gb18030"), ("cp936", "gb18030"), ("GB2312", "gb18030"), ("GB18030", "gb18030"), ("54936", "gb18030"),
        ("ANSI 936", "gb18030"), ("LDID/77", "gb18030"), ("UTF8", "utf-8"), ("UTF-8", "utf-8"), ("65001", "utf-8"), ("utf_8", "utf-8"),
        ("950", "big5hkscs"), ("BIG5", "big5hkscs"), ("Big-5", "big5hkscs"), ("932", "cp932"), ("Shift_JIS", "cp932"), ("SJIS", "cp932"),
        ("949", "cp949"), ("EUC-KR", "cp949"), ("1252", "cp1252"), ("windows-1252", "cp1252"), ("CP1251", "cp1251"),
        ("ISO-8859-1", "iso8859-1"), ("8859_1", "iso8859-1"), ("88591", "iso8859-1"), ("ISO 88592", "iso8859-2"),
        ("OEM", None), ("ANSI", None), ("", None), ("LDID/87", None), ("klingon", None), ("\x00", None), ("99999", None),
    ],
)  # fmt: skip
def test_what_a_cpg_can_say(said: str, codec: str | None) -> None:
    assert code_page(said) == codec


def test_language_driver_ids() -> None:
    assert driver_page(0x4D) == "gb18030"
    assert driver_page(0x4F) == "big5hkscs"
    assert driver_page(0x03) == "cp1252"
    assert driver_page(0x57) is None
    assert driver_page(0) is None


def test_parts_in_capitals_are_found(tmp_path: Path) -> None:
    path = shapefile(tmp_path, dbase(b"name", [word.encode("gbk") for word in CHINESE]), b"936")
    for part in list(tmp_path.iterdir()):
        part.rename(part.with_name(part.name.upper()))
    assert stated_by(path.with_name("A.SHP")) == "gb18030"
    assert list(read(path.with_name("A.SHP")).layers[0].table.column("name")) == CHINESE


def test_columns_without_text_need_no_encoding() -> None:
    found = recoded({"a": [1, None], "b": ["x", None]}, None, None, "t")
    assert (found.columns, found.encoding, found.issues) == ({"a": [1, None], "b": ["x", None]}, Encoding("UTF-8", "stated"), ())
