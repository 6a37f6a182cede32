"""What a change is, what it does to a list of devices, and what is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import Conflict, NotFound, TwinError, UsageError
from twin.model import Device
from twin.scenario.changes import altered, changed, device_record, digest_of, read_changes, with_more

A = Device("a", "camera", "A", 104.0, 30.0, height_m=3.0, source="s", attributes={"azimuth_deg": 10.0, "note": "x"})
B = Device("b", "lamp", "B", 104.1, 30.1, z_m=505.0, source="t")
DEVICES = [A, B]


def made(*changes: Any) -> dict[str, Device]:
    return {device.id: device for device in changed(DEVICES, read_changes(changes), source="scenario/x")}


def test_each_change_does_what_it_says_and_nothing_else() -> None:
    moved = made({"op": "move", "id": "a", "lon": 104.5, "lat": 30.5})["a"]
    assert (moved.lon, moved.lat, moved.height_m, moved.attributes, moved.source) == (104.5, 30.5, 3.0, A.attributes, "s")
    turned = made({"op": "set", "id": "a", "values": {"azimuth_deg": 90, "status": "planned", "note": None}})["a"]
    assert (turned.attributes, turned.status, turned.lon) == ({"azimuth_deg": 90}, "planned", 104.0)
    after = made({"op": "remove", "id": "a"}, {"op": "add", "id": "n", "device": {"kind": "camera", "lon": 1, "lat": 2, "hfov_deg": 70}})
    assert list(after) == ["b", "n"]
    assert after["n"] == Device("n", "camera", "n", 1.0, 2.0, source="scenario/x", attributes={"hfov_deg": 70})
    assert made()["b"] is B


def test_a_height_given_is_the_height_that_holds() -> None:
    on_a_mast = made({"op": "move", "id": "b", "lon": 104.1, "lat": 30.1, "height_m": 8})["b"]
    assert (on_a_mast.height_m, on_a_mast.z_m) == (8.0, None)
    assert made({"op": "move", "id": "b", "lon": 104.1, "lat": 30.1})["b"].z_m == 505.0
    assert made({"op": "move", "id": "a", "lon": 104.1, "lat": 30.1, "z_m": 510})["a"].z_m == 510.0
    assert made({"op": "set", "id": "b", "values": {"height_m": 4}})["b"].z_m is None
    assert made({"op": "set", "id": "b", "values": {"z_m": None}})["b"].z_m is None
    assert made({"op": "set", "id": "a", "values": {"z_m": 4, "height_m": 2}})["a"].z_m == 4.0


def test_changes_follow_each_other() -> None:
    device = made(
        {"op": "add", "id": "n", "device": {"kind": "lamp", "lon": 1, "lat": 2, "attributes": {"lumens": 5}}},
        {"op": "move", "id": "n", "lon": 3, "lat": 4},
        {"op": "set", "id": "n", "values": {"lumens": 9}},
    )["n"]
    assert (device.lon, device.attributes) == (3.0, {"lumens": 9})
    gone_and_back = made({"op": "remove", "id": "a"}, {"op": "add", "id": "a", "device": {"kind": "lamp", "lon": 1, "lat": 2}})
    assert gone_and_back["a"].kind == "lamp"


def test_what_differs_is_told_before_and_after() -> None:
    changes = read_changes([
        {"op": "move", "id": "a", "lon": 104.0, "lat": 30.0}, {"op": "remove", "id": "b"},
        {"op": "add", "device": {"id": "n", "kind": "lamp", "lon": 1, "lat": 2}},
    ])  # fmt: skip
    told = altered(DEVICES, changes)
    assert [(each.id, each.before, each.after is None) for each in told] == [("b", B, True), ("n", None, False)], "a did not move at all"
    assert device_record(A) == {
        "id": "a", "kind": "camera", "name": "A", "lon": 104.0, "lat": 30.0, "height_m": 3.0, "status": "in_service", "azimuth_deg": 10.0,
        "note": "x",
    }  # fmt: skip


WRONG = [
    ("nonsense", "change_unreadable"), ({"op": "fly", "id": "a"}, "change_op"), ({"op": "remove"}, "change_id"),
    ({"op": "remove", "id": 7}, "change_id"), ({"op": "move", "id": "a", "lon": 1}, "change_place"),
    ({"op": "move", "id": "a", "lon": "x", "lat": 2}, "change_number"), ({"op": "move", "id": "a", "lon": 200, "lat": 2}, "change_number"),
    ({"op": "move", "id": "a", "lon": float("nan"), "lat": 2}, "change_number"),
    ({"op": "move", "id": "a", "lon": 1, "lat": 2, "height_m": float("inf")}, "change_number"),
    ({"op": "move", "id": "a", "lon": True, "lat": 2}, "change_number"), ({"op": "set", "id": "a"}, "change_values"),
    ({"op": "set", "id": "a", "values": {}}, "change_values"), ({"op": "set", "id": "a", "values": {"id": "c"}}, "change_fixed"),
    ({"op": "set", "id": "a", "values": {"kind": "lamp"}}, "change_fixed"),
    ({"op": "set", "id": "a", "values": {"lon": None}}, "change_needed"),
    ({"op": "set", "id": "a", "values": {"status": "broken"}}, "change_status"),
    ({"op": "set", "id": "a", "values": {"name": 5}}, "change_text"),
    ({"op": "set", "id": "a", "values": {"x": float("nan")}}, "change_number"), ({"op": "add", "id": "n"}, "change_device"),
    ({"op": "add", "id": "n", "device": {"kind": "dragon", "lon": 1, "lat": 2}}, "change_kind"),
    ({"op": "add", "id": "n", "device": {"kind": "lamp", "lon": 1}}, "change_place"),
    ({"op": "add", "id": "a", "device": {"kind": "lamp", "lon": 1, "lat": 2}}, "change_device_exists"),
    ({"op": "remove", "id": "nobody"}, "change_device_missing"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "code"), WRONG, ids=[code for _, code in WRONG])
def test_what_cannot_be_is_a_sentence_in_both_languages(change: Any, code: str) -> None:
    with pytest.raises((UsageError, Conflict, NotFound)) as refused:
        made(change)
    assert refused.value.code == code
    for lang in ("en", "zh"):
        assert code not in refused.value.text(lang), "the catalogue knows it"
        assert refused.value.hint(lang)


def test_too_many_changes_are_refused() -> None:
    with pytest.raises(UsageError, match="10001"):
        read_changes({"op": "remove", "id": str(k)} for k in range(10_001))


def test_a_device_dragged_about_is_moved_once() -> None:
    first = read_changes([{"op": "move", "id": "a", "lon": 1, "lat": 2, "height_m": 9}, {"op": "set", "id": "b", "values": {"x": 1}}])
    again = with_more(first, read_changes([{"op": "move", "id": "a", "lon": 3, "lat": 4}, {"op": "set", "id": "b", "values": {"y": 2}}]))
    assert again == [
        {"op": "move", "id": "a", "lon": 3.0, "lat": 4.0, "height_m": 9.0}, {"op": "set", "id": "b", "values": {"x": 1, "y": 2}},
    ]  # fmt: skip
    z = with_more(again, read_changes([{"op": "move", "id": "a", "lon": 3, "lat": 4, "z_m": 500}]))
    assert "height_m" not in z[0]


ids = st.sampled_from("abn")
any_change = st.one_of(
    st.builds(lambda name, lon, h: {"op": "move", "id": name, "lon": lon, "lat": 1.0} | h, ids, st.floats(-180, 180),
              st.sampled_from([{}, {"height_m": 2.0}, {"z_m": 500.0}])),
    st.builds(lambda name, key, x: {"op": "set", "id": name, "values": {key: x}}, ids, st.sampled_from(["azimuth_deg", "z_m", "height_m"]),
              st.one_of(st.none(), st.floats(0, 360))),
    st.builds(lambda name: {"op": "remove", "id": name}, ids),
    st.builds(lambda name: {"op": "add", "id": name, "device": {"kind": "camera", "lon": 1, "lat": 2}}, ids),
)  # fmt: skip


@given(st.lists(any_change, max_size=8), st.integers(0, 8))
def test_changes_shortened_do_what_they_did(changes: list[dict[str, Any]], at: int) -> None:
    """Read, kept as JSON and shortened, they make the same devices, or fail alike."""

    def outcome(listed: Any) -> Any:
        try:
            return changed(DEVICES, listed)
        except TwinError as error:
            return error.code

    read = read_changes(changes)
    assert read_changes(json.loads(json.dumps(read))) == read
    shortened = with_more(with_more([], read[:at]), read[at:])
    assert outcome(shortened) == outcome(read)
    assert digest_of(read) == digest_of(json.loads(json.dumps(read)))
