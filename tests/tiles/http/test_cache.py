"""Answers kept in memory."""

from __future__ import annotations

import random

from tiles.http.cache import PRIVATE, Recent, answer


def test_room_for_answers_is_kept():
    one = answer(bytes(3000), b"x", "identity")
    recent = Recent(room=3 * one.size)
    for k in range(20):
        recent.put(k, answer(bytes(3000), b"x", "identity"))
        recent.get(0)
    assert recent.used <= recent.room
    assert recent.get(0) is not None
    assert recent.get(1) is None
    recent.put("large", answer(bytes(10 * one.size), b"x", "identity"))
    assert recent.get("large") is None


def test_what_is_used_is_what_is_kept():
    choose = random.Random(1)
    recent = Recent(room=50_000)
    for _ in range(500):
        recent.put(choose.randrange(30), answer(bytes(choose.randrange(9000)), b"x", "identity"))
        assert recent.used == sum(found.size for found in recent.kept.values()) <= recent.room


def test_empty_answers_take_room_too():
    recent = Recent(room=100_000)
    for k in range(1000):
        recent.put(k, answer(b"", b"x", "identity"))
    assert len(recent.kept) < 100


def test_what_an_answer_says():
    plain, packed = answer(b"x", b"t", "identity"), answer(b"x", b"t", "br")
    assert plain.etag != packed.etag != answer(b"x", b"t", "gzip").etag
    assert dict(packed.whole.headers)[b"content-encoding"] == b"br"
    assert packed.head.headers == packed.whole.headers
    assert (packed.head.body, packed.unchanged.body) == (b"", b"")
    assert {name for name, _ in packed.unchanged.headers} == {b"etag", b"cache-control", b"vary"}
    assert answer(b"", b"t", "identity").whole.status == 204


def test_a_private_answer_is_asked_about_each_time():
    told = dict(answer(b"x", b"t", "br", lifetime=PRIVATE).whole.headers)
    assert told[b"cache-control"] == b"private, no-cache"
    assert {b"authorization", b"cookie", b"accept-encoding"} == set(told[b"vary"].split(b", "))
