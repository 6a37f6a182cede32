"""The gazetteer finds by parts of names in both languages, the best first."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.answers.search import SearchHit, entry, fold, search_answer


def found(client: httpx.Client, text: str, lang: str = "en") -> list[tuple[str, str]]:
    answer = client.get("/api/search", params={"q": text}, headers={"accept-language": lang})
    return [(hit["type"], hit["id"]) for hit in answer.json()["results"]]


@pytest.mark.parametrize(("text", "first"), [
    ("Block A", ("building", "blocks/0")), ("甲", ("building", "blocks/0")), ("会议", ("space", "room-1")), ("101", ("space", "room-1")),
    ("gate camera", ("device", "cam-1")), ("大门摄", ("device", "cam-1")),
    ("main st", ("feature", "roads/0")), ("停车场", ("feature", "car parks/0")),
    ("NORTH GATE", ("feature", "key/0")), ("ｎｏｒｔｈ wall", ("element", "wall-1")), ("wall-1", ("element", "wall-1")),
    ("bays/2", ("feature", "bays/2")),
    ("充电桩", ("device", "charge-1")), ("door-ac", ("device", "door-ac")),
])  # fmt: skip
def test_best_hit(client: httpx.Client, text: str, first: tuple[str, str]) -> None:
    assert found(client, text)[0] == first


def test_hits_carry_their_place(client: httpx.Client) -> None:
    room = client.get("/api/search", params={"q": "会议室"}).json()["results"][0]
    assert room["storey_id"] == "gf"
    assert room["h_m"] == pytest.approx(0.1)
    assert room["lon"] == pytest.approx(104.0611, abs=1e-3)
    road = client.get("/api/search", params={"q": "Side street"}).json()["results"][0]
    assert road["layer"] == "roads"


def test_names_in_the_language_asked_for(client: httpx.Client) -> None:
    hits = {
        lang: client.get("/api/search", params={"q": "block a"}, headers={"accept-language": lang}).json()["results"][0]["name"]
        for lang in ("en", "zh")
    }
    assert hits == {"en": "Block A", "zh": "甲栋"}


def test_nothing_is_found_by_nothing(client: httpx.Client) -> None:
    assert found(client, "   ") == []
    assert found(client, "no such thing") == []
    assert client.get("/api/search").status_code == 422


def test_features_without_a_name_do_not_answer_to_what_they_are(client: httpx.Client) -> None:
    assert ("feature", "bays/0") not in found(client, "parking bays")


def hit(name: str, kind: str = "feature") -> SearchHit:
    fields = {"type": kind, "id": f"id of {name}", "name": name, "name_zh": name, "detail": "", "lon": 0, "lat": 0, "h_m": 0}
    return SearchHit.model_validate(fields)


def test_whole_names_before_beginnings_before_words_before_parts() -> None:
    names = ["undergate", "north gate", "gatehouse", "gate"]
    entries = [entry(hit(name), name) for name in names]
    assert [h.name for h in search_answer(entries, "gate", 10).results] == names[::-1]


def test_buildings_before_rooms_before_elements() -> None:
    kinds = ["element", "feature", "device", "space", "building"]
    entries = [entry(hit("gate", kind), "gate") for kind in kinds]
    assert [h.type for h in search_answer(entries, "gate", 10).results] == kinds[::-1]


@given(st.lists(st.text("ab c甲", min_size=1, max_size=8), max_size=20), st.text("ab甲 ", max_size=4))
def test_hits_are_those_that_hold_every_word(names: list[str], question: str) -> None:
    entries = [entry(hit(name), name) for name in names]
    words = fold(question).split()
    expected = sorted(name for name in names if words and all(word in fold(name) for word in words))
    assert sorted(h.name for h in search_answer(entries, question, 100).results) == expected
