from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from importers.columns import attributes, identity
from importers.tables import Table
from twin.model import FEATURE_COLUMNS


def mapped(**columns: list[Any]) -> dict[str, list[Any]]:
    table = Table("t", columns)
    return {name: list(values) for name, values in attributes(table, [f"t/{i}" for i in range(len(table))]).columns.items()}


def test_the_surest_name_wins_and_the_other_stays() -> None:
    assert mapped(height=[1.0], height_m=[2.0]) == {"height_m": [2.0], "height": [1.0]}
    assert mapped(height_m=[None], height=[3.0]) == {"height_m": [3.0]}


def test_units_in_headers_count() -> None:
    assert mapped(**{"高度(cm)": [350], "层数": ["3层"]}) == {"height_m": [3.5], "storeys": [3]}
    assert mapped(**{"高度(?)": [350]}) == {"height_m": [350.0]}


def test_names_in_two_languages() -> None:
    assert mapped(name=["A"], 名称=["甲"]) == {"name": ["A"], "名称": ["甲"]}
    assert mapped(**{"name:zh": ["甲"]}) == {"name": ["甲"], "name_zh": ["甲"]}
    assert mapped(name=["A", "乙"]) == {"name": ["A", "乙"], "name_zh": [None, "乙"]}


def test_columns_that_differ_in_case_alone_are_told_apart() -> None:
    assert mapped(Foo=[1], foo=[2], FOO=[3]) == {"Foo": [1], "foo_2": [2], "FOO_3": [3]}


def test_unknown_states_stay_and_known_ones_become_ours() -> None:
    assert mapped(status=["在建", "vacant", None]) == {"status": ["building", "vacant", None]}


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=8),
        st.lists(st.one_of(st.none(), st.text(max_size=5), st.integers()), min_size=3, max_size=3),
        max_size=8,
    )
)
def test_no_value_is_lost_and_no_two_columns_share_a_name(columns: dict[str, list[Any]]) -> None:
    table = Table("t", columns)
    made = attributes(table, ["a", "b", "c"])
    names = [name.casefold() for name in made.columns]
    assert len(set(names)) == len(names)
    for name, values in columns.items():
        taken = name in made.sources.values()
        kept = any(list(kept) == values for kept in made.columns.values())
        assert taken or kept or all(value is None for value in values)
    assert all(ours in FEATURE_COLUMNS for ours in made.sources)


@given(st.lists(st.sampled_from(["a", "b", "a-2", "a-3", None]), min_size=1, max_size=12))
def test_ids_are_unique_and_the_first_of_a_name_keeps_it(wanted: list[str | None]) -> None:
    known = identity(Table("t", {"id": wanted, "n": list(range(len(wanted)))}))
    assert len(set(known.ids)) == len(wanted)
    if known.column == "id":
        first = {each: i for i, each in reversed(list(enumerate(wanted))) if each is not None}
        assert all(known.ids[i] == each for each, i in first.items())


def test_whole_numbers_make_plain_ids() -> None:
    assert identity(Table("t", {"osm_id": [1.0, 2.0]})).ids == ["1", "2"]
