"""Every file of the test data is imported or refused with a sentence, and the page that says so is true."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.real_files import PAGE, cases, row, rows_of

_ROOT = Path(__file__).parents[2]


def _written() -> dict[str, str]:
    return {line.split(" | ", 1)[0]: line for line in rows_of(PAGE.read_text("utf-8"))}


def test_the_page_has_a_row_for_every_file(shared_data: Path) -> None:
    named = [
        f"| `{case.name}`" + (" `" + " ".join(f"--{k} {v}" for k, v in case.said.items()) + "`" if case.said else "")
        for case in cases(shared_data)
    ]
    assert list(_written()) == named


@pytest.mark.parametrize("part", range(8))
def test_every_row_is_true(shared_data: Path, part: int) -> None:
    written = _written()
    found = [row(case, shared_data) for case in cases(shared_data)[part::8]]
    assert [written[line.split(" | ", 1)[0]] for line in found] == found
