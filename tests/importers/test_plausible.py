from __future__ import annotations

import pytest

from importers.plausible import CANDIDATES, likelihood, per_high_byte, readings

WORDS = {
    ("GBK", "gb18030"): ["深圳市", "苏州", "一号楼", "配电室", "园区东门停车场", "衢州", "名称", "建筑高度", "联通", "A区2层", "福田区"],
    ("BIG5", "big5"): ["臺北市", "高雄市三民區", "中山北路", "停車場", "工業園區", "監視攝影機"],
    ("SHIFT_JIS", "cp932"): ["東京都港区", "横浜", "コンビニ", "駐車場", "学校", "ひらがな"],
    ("EUC-KR", "cp949"): ["서울특별시", "강남구", "역삼동", "주차장", "학교"],
    ("CP1252", "cp1252"): ["Göteborg", "Malmö", "Västra Frölunda", "Hôtel de Ville", "Straße", "Müller", "São Paulo", "Ålesund", "35 m²"],
    ("CP1251", "cp1251"): ["Москва", "Улица Ленина", "Красная площадь"],
    ("CP1250", "cp1250"): ["Žižkov", "Dvořák", "Kraków – Łódź"],
    ("CP1253", "cp1253"): ["Αθήνα", "Θεσσαλονίκη"],
    ("CP1254", "cp1254"): ["İstanbul", "Beyoğlu", "Şişli"],
    ("CP866", "cp866"): ["Москва", "Улица Ленина"],
    ("UTF-8", "utf-8"): ["深圳市", "Göteborg", "서울", "東京", "Москва"],
}  # fmt: skip
AMBIGUOUS = {"CP1250", "CP1254"}  # one accented letter is as good in the encodings of their neighbours


@pytest.mark.parametrize(
    ("name", "codec", "word"), [(*key, word) for key, words in WORDS.items() for word in words if key[0] not in AMBIGUOUS]
)
def test_one_word_is_enough(name: str, codec: str, word: str) -> None:
    assert readings([word.encode(codec)])[0].candidate.name == name


@pytest.mark.parametrize(("name", "codec"), list(WORDS))
def test_a_column_of_words_leaves_no_doubt(name: str, codec: str) -> None:
    best = readings([word.encode(codec) for word in WORDS[name, codec]])[0]
    assert best.candidate.name == name
    assert best.belief > 0.9
    assert per_high_byte([word.encode(codec) for word in WORDS[name, codec]], best.candidate) > -6.5


def test_a_wrong_reading_is_told_by_its_cost() -> None:
    by_name = {each.name: each for each in CANDIDATES}
    chinese = [word.encode("gbk") for word in WORDS["GBK", "gb18030"]]
    assert per_high_byte(chinese, by_name["CP1252"]) < -6.8
    swedish = [word.encode("cp1252") for word in WORDS["CP1252", "cp1252"]]
    assert per_high_byte(swedish, by_name["GBK"]) < -6.8


def test_beliefs_sum_to_one_and_repeats_add_nothing() -> None:
    found = readings(["苏州".encode("gbk")])
    assert sum(each.belief for each in found) == pytest.approx(1.0)
    assert readings(["苏州".encode("gbk")] * 50) == found
    assert readings([b"plain"])[0].likelihood == 0.0


def test_much_text_is_looked_at_from_all_over() -> None:
    many = [f"{k}号楼".encode("gbk") for k in range(20_000)] + ["é".encode("cp1252")] * 3
    assert readings(many)[0].candidate.name == "GBK"


def test_half_a_character_at_the_end_costs_less_than_a_wrong_one() -> None:
    gbk = next(each for each in CANDIDATES if each.name == "GBK")
    whole = likelihood("停车".encode("gbk"), gbk)
    assert whole > likelihood("停车".encode("gbk") + b"\xcd", gbk) > likelihood("停车".encode("gbk") + b"\xff\xff\xff", gbk)
