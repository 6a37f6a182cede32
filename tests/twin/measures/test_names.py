"""Names in results."""

from __future__ import annotations

import pytest

from twin.measures.names import both_names


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"name": "North yard", "name_zh": "北院"}, "北院 · North yard"),
        ({"name": "北院", "name_zh": "北院"}, "北院"),
        ({"name": "North yard"}, "North yard"),
        ({"name_zh": "北院", "name": None}, "北院"),
        ({}, "z1"),
    ],
)
def test_both_names_where_there_are_two(row: dict[str, str | None], name: str) -> None:
    assert both_names(row, "z1") == name
