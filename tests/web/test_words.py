"""Every code that a result may carry has a word in both languages, on the page and on the command line."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from twin.i18n import catalogue
from twin.measures import measures
from twin.measures.surfaces import KNOWN, SURFACES

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
SOURCES = [*(ROOT / "twin" / "coverage").glob("*.py"), *(ROOT / "twin" / "measures").rglob("*.py")]
LANGUAGES = ("en", "zh")
NAMED_REASONS = re.compile(r"\b(_?REASONS|_NAMES|reasons?|usual|rest)\b")
HOLDS_REASONS = re.compile(r"reason|_why|_left_out|_lost")


def words(lang: str, section: str) -> set[str]:
    """The keys of one section of the page's words."""
    text = (ROOT / "web" / "client" / "src" / "i18n" / f"{lang}.ts").read_text("utf-8")
    found = re.search(rf"^  {section}: \{{(.*?)^  \}}", text, re.MULTILINE | re.DOTALL)
    assert found, section
    return set(re.findall(r"(?:^|[{,\s])([A-Za-z_]\w*): \"", found[1]))


def values(node: ast.AST) -> Iterator[str]:
    """The texts that an expression may have as its value, or as the items of it."""
    match node:
        case ast.Constant(value=str(text)) if CODE.fullmatch(text):
            yield text
        case ast.IfExp(body=one, orelse=other):
            yield from (*values(one), *values(other))
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            for item in items:
                yield from values(item)
        case ast.Call(func=ast.Attribute(attr="where"), args=[_, one, other]):
            yield from (*values(one), *values(other))
        case ast.Call(func=ast.Attribute(attr="full"), args=[_, one, *_]) | ast.BinOp(left=one) | ast.Subscript(value=one):
            yield from values(one)
        case ast.Call(func=ast.Attribute(attr="array"), args=[one, *_]) | ast.Starred(value=one):
            yield from values(one)
        case _:
            return


def members(tree: ast.AST, key: str) -> Iterator[str]:
    """What dictionaries written in the source hold under a key."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            for name, value in zip(node.keys, node.values, strict=True):
                if isinstance(name, ast.Constant) and name.value == key:
                    yield from values(value)


def reasons() -> set[str]:
    """The reasons that the code of coverage and measures names: of gaps, and of what is left out."""
    found: set[str] = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        found |= set(members(tree, "reason"))
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword):
                found |= set(values(node.value)) if node.arg == "reason" else set()
            elif isinstance(node, ast.Assign) and NAMED_REASONS.search(" ".join(map(ast.unparse, node.targets))):
                found |= set(values(node.value))
            elif isinstance(node, ast.FunctionDef) and HOLDS_REASONS.search(node.name):
                returned = (each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None)
                found |= {text for value in returned for text in values(value)}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"_lost", "_add", "_Foot"}:
                found |= {text for argument in node.args[:2] for text in values(argument)}
    return found


def openers() -> set[str]:
    """What the code says may open an interval, as far as it writes it out."""
    found: set[str] = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text("utf-8"))
        found |= set(members(tree, "what"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args and re.search(r"(^|\.)(opened|row|between|open|usual)$", ast.unparse(node.func)):
                found |= set(values(node.args[0]))
    return found


def test_the_codes_are_found() -> None:
    """The search itself: what measures are known to say is among what is found."""
    assert {"occluded", "density", "no_device", "party_wall", "outside_boundary", "two_wheeled"} - reasons() == set()
    assert {"undecided_cells", "fading", "pose", "hfov_deg"} - openers() == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_reason_has_a_word(lang: str) -> None:
    """Of gaps and of what is left out, on the page and on the command line."""
    codes = reasons() | {"fenced_yard", "plain_pole", "water", "building", "not_in_service"}
    assert codes - words(lang, "reason") == set()
    assert {code for code in codes if not catalogue().get(f"reason_{code}", {}).get(lang)} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_source_of_an_interval_has_a_word(lang: str) -> None:
    """By a word of its own, or as the attribute it is."""
    codes = openers() | {"doors", "vegetation", "windows", "walls"}
    assert codes - words(lang, "opens") - words(lang, "attribute") == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_surfaces_positions_and_choices_have_words(lang: str) -> None:
    """Every surface, every class of key positions, and every value a parameter may take that is a word."""
    assert {*SURFACES, *(name for name in KNOWN if ":" not in name)} - words(lang, "surface") == set()
    assert {name for name in KNOWN if ":" not in name and not catalogue().get(f"surface_{name}", {}).get(lang)} == set()
    classes = tomllib.loads((ROOT / "twin" / "measures" / "positions.toml").read_text("utf-8"))
    assert set(classes) - words(lang, "position") == set()
    known = words(lang, "choice") | words(lang, "position") | words(lang, "surface") | words(lang, "deviceKind")
    asked = [(parameter, value) for measure in measures().values() for parameter in measure.parameters for value in _told(parameter)]
    assert {value for parameter, value in asked if not {value, f"{parameter.name}_{value}"} & known} == set()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_measures_are_counted_in_known_quantities(lang: str) -> None:
    """A quantity that is no share of ground is named; every measure has a title."""
    for measure in measures().values():
        assert f"quantity_{measure.quantity}" in catalogue(), measure.id
        assert getattr(measure, f"title_{lang}"), measure.id


def _told(parameter: object) -> list[str]:
    """The values that a parameter offers or has by default, those that are words."""
    usual = getattr(parameter, "default", None)
    listed = [*getattr(parameter, "choices", ()), *(usual if isinstance(usual, list | tuple) else [usual])]
    return [value for value in listed if isinstance(value, str) and CODE.fullmatch(value)]
