"""The entry-point tables, the message catalogue and the code say the same."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from twin.i18n import LANGUAGES, catalogue
from twin.indicators import pack, packs
from twin.registry import GROUPS, load_all, points

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SOURCES = [
    path
    for package in ("twin", "importers", "tiles", "web")
    for path in sorted((ROOT / package).rglob("*.py"))
    if "node_modules" not in path.parts
]


@pytest.mark.parametrize("group", GROUPS)
def test_installed_entry_points_are_those_of_pyproject(group: str) -> None:
    told = PYPROJECT["project"]["entry-points"][group]
    installed = {point.name: point.value for point in entry_points(group=group)}
    assert installed == told, "run: make setup"


@pytest.mark.parametrize("group", ["twin.importers", "twin.measures", "twin.commands"])
def test_everything_registered_loads(group: str) -> None:
    assert set(load_all(group)) == set(points(group))


def test_measures_carry_their_id() -> None:
    for name, measure in load_all("twin.measures").items():
        assert measure.id == name
        assert measure.sources
        assert all(parameter.source and parameter.meaning_en and parameter.meaning_zh for parameter in measure.parameters)


def test_every_sentence_exists_in_both_languages_with_the_same_blanks() -> None:
    for code, table in catalogue().items():
        for prefix in ("", "hint_"):
            sentences = [table.get(f"{prefix}{lang}") for lang in LANGUAGES]
            assert all(sentences) or not any(sentences), f"{code}: {prefix}{LANGUAGES} must both be there"
            if all(sentences):
                blanks = [{name for _, name, _, _ in string.Formatter().parse(text or "") if name} for text in sentences]
                assert blanks[0] == blanks[1], f"{code}: {blanks}"
        assert table.get("en"), code
        assert re.search(r"[\u4e00-\u9fff]", table["zh"]) or not re.search(r"[A-Za-z]{4}", table["en"]), f"{code}: no Chinese"


def test_every_code_that_is_raised_is_in_the_catalogue() -> None:
    missing = {f"{path.relative_to(ROOT)}: {code}" for path in SOURCES for code in _codes(path) if code not in catalogue()}
    assert not missing


def _codes(path: Path) -> set[str]:
    """First literal argument of every raised error, Issue(...) and message(...)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            calls = [node.exc]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"Issue", "message", "hint"}:
            calls = [node]
        else:
            continue
        for call in calls:
            name = ast.unparse(call.func)
            first = call.args[0] if call.args else None
            literal = isinstance(first, ast.Constant) and isinstance(first.value, str)
            if literal and name.split(".")[-1] not in {
                "ValueError",
                "TypeError",
                "KeyError",
                "RuntimeError",
                "IndexError",
                "Exit",
                "HTTPException",
            }:
                found.add(first.value)  # type: ignore[union-attr]
    return found


@pytest.mark.parametrize("name", packs())
def test_packs_are_whole(name: str) -> None:
    made = pack(name)
    assert made.id == name
    assert made.rows
    for row in made.rows:
        assert row.clause
        assert row.title_en
        assert row.title_zh
        assert set(row.parameters) <= {parameter.name for parameter in load_all("twin.measures")[row.measure].parameters}
