"""Alarms on the shape of the code: sizes, names, inheritance (design: style 5.10). A reasoned exemption beats a contorted split."""

from __future__ import annotations

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("twin", "importers", "tiles", "web", "sample_park")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")) if "client" not in path.relative_to(ROOT).parts]
CLIENT = [path for path in sorted((ROOT / "web/client/src").rglob("*.ts*")) if ".test." not in path.name]
BANNED = re.compile(r"(^|_)(utils?|helpers?|misc|common|manager|handler|processor|base)(_|\.|$)")
BANNED_CLASS = re.compile(r"(Manager|Helper|Utils?|Handler|Processor|Base)$")


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def exempt(path: Path, node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """A comment `size: <reason>` on the line of the definition."""
    lines = path.read_text("utf-8").splitlines()[node.lineno - 1 : node.body[0].lineno]
    return any(re.search(r"#.*size: \w{3}", line) for line in lines)


@pytest.mark.parametrize("files", [FILES, CLIENT], ids=["python", "client"])
def test_no_file_is_two_things(files: list[Path]) -> None:
    too_long = {str(path.relative_to(ROOT)): n for path in files if (n := len(path.read_text("utf-8").splitlines())) > 500}
    assert not too_long


def test_files_are_small_by_and_large() -> None:
    lengths = sorted(len(path.read_text("utf-8").splitlines()) for path in FILES)
    assert statistics.median(lengths) <= 160
    assert lengths[int(len(lengths) * 0.9)] <= 350


def test_functions_are_short() -> None:
    bodies = [(body_lines(node), path, node) for path in FILES for node in functions(path)]
    too_long = [f"{path.relative_to(ROOT)}:{node.lineno} {node.name} {n}" for n, path, node in bodies if n > 60 and not exempt(path, node)]
    assert not too_long
    lengths = sorted(n for n, _, _ in bodies)
    assert statistics.median(lengths) <= 10
    assert lengths[int(len(lengths) * 0.9)] <= 30


def test_names_say_the_thing() -> None:
    named = [str(path.relative_to(ROOT)) for path in FILES if BANNED.search(path.stem)]
    classes = [node.name for path in FILES for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)]
    assert not named
    assert not [name for name in classes if BANNED_CLASS.search(name)]


def test_classes_are_small_and_flat() -> None:
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.ClassDef):
                continue
            bases = [ast.unparse(base) for base in node.bases]
            assert len(bases) <= 1, f"{path}: {node.name} inherits from {bases}"
            public = [item for item in node.body if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")]
            assert len(public) <= 24 or "size:" in path.read_text("utf-8").splitlines()[node.lineno - 1], f"{path}: {node.name}"


def test_nothing_is_left_undone() -> None:
    words = re.compile(r"\b(TODO|FIXME|raise NotImplementedError|pytest\.mark\.xfail)\b")
    sources = [*FILES, *CLIENT, *sorted((ROOT / "tests").rglob("*.py"))]
    found = [str(path.relative_to(ROOT)) for path in sources if path != Path(__file__) and words.search(path.read_text("utf-8"))]
    assert not found


def test_every_test_is_collected() -> None:
    """A function that asserts but is not named `test_` never runs unless something calls it."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        called = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} | {
            n.attr for n in ast.walk(tree) if isinstance(n, ast.Attribute)
        }
        for node in tree.body:
            asserts = isinstance(node, ast.FunctionDef) and any(isinstance(inner, ast.Assert) for inner in ast.walk(node))
            if asserts and isinstance(node, ast.FunctionDef) and not node.name.startswith("test_"):
                assert node.name in called or node.decorator_list, f"{path}: {node.name} is never run"
