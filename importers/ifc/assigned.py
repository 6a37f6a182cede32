"""Property sets and who has them, from the text of the file (runs in the child).

They are half of what many programs write, every set and every assignment a statement of its own of the simplest form. Taking them from
the text costs a third of the time and a tenth of the memory that the kernel's objects cost. Where the text is not of that form
throughout, nothing comes out and the kernel is asked.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from importers.ifc.steptext import statements_in

_TEXT = rb"\s*(?:'[^']*'|\$)\s*,"
_HISTORY = rb"\s*(?:#\d+|\$)\s*,"
_LIST = rb"\s*\(([#\d,\s]*)\)\s*"
_STATEMENT = re.compile(
    rb"#(\d+)\s*=\s*(?:"
    rb"IFCRELDEFINESBYPROPERTIES\s*\(" + _TEXT + _HISTORY + _TEXT + _TEXT + _LIST + rb",\s*#(\d+)\s*\)"
    rb"|IFCPROPERTYSET\s*\(" + _TEXT + _HISTORY + rb"\s*(?:'([^']*)'|\$)\s*," + _TEXT + _LIST + rb"\))\s*;"
)
_NUMBER = re.compile(rb"\d+")


@dataclass(frozen=True)
class Assigned:
    """Step ids throughout: pairs of an object and a set or quantity it has, and the property sets."""

    objects: array[int]
    definitions: array[int]
    sets: Mapping[int, tuple[str, tuple[int, ...]]]  # property set -> name, properties; alike ones share one tuple


def assigned(path: Path, file: Any) -> Assigned | None:
    """The assignments and property sets of a file; None where not all of them are found in its text."""
    told = Assigned(array("q"), array("q"), {})
    sets: dict[int, tuple[str, tuple[int, ...]]] = {}
    alike: dict[Any, Any] = {}
    seen = array("q")
    for found in _statements(path):
        step, members, definition, name, properties = found.groups()
        if definition is not None:
            seen.append(int(step))
            for number in _NUMBER.findall(members):
                told.objects.append(int(number))
                told.definitions.append(int(definition))
        else:
            said = (_plain(file, int(step), name), tuple(int(number) for number in _NUMBER.findall(properties)))
            sets[int(step)] = alike.setdefault(said, said)
    is_whole = _is_all(file, "IfcRelDefinesByProperties", seen) and _is_all(file, "IfcPropertySet", sets)
    return Assigned(told.objects, told.definitions, sets) if is_whole else None


def _statements(path: Path) -> Iterator[re.Match[bytes]]:
    with path.open("rb") as stream:
        for block in statements_in(stream):
            yield from _STATEMENT.finditer(block)


def _plain(file: Any, step: int, name: bytes | None) -> str:
    """A set's name; written with escapes, the kernel is asked for it."""
    if name is None:
        return ""
    return name.decode("ascii") if name.isascii() and b"\\" not in name else file.by_id(step).get_argument(2) or ""


def _is_all(file: Any, kind: str, steps: Collection[int]) -> bool:
    """Whether the instances of a class are these, each once."""
    known = set(steps)
    items = file.by_type(kind)
    return len(known) == len(steps) == len(items) and all(item.id() in known for item in items)
