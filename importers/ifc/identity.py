"""One stable id for everything that has a GlobalId (runs in the child).

A GlobalId is 22 characters of IFC's own base 64, the first of them 0 to 3 (IFC 4.3, IfcGloballyUniqueId). A missing one is replaced by
one made from class, name and tag, an invalid one by one made from what is written there (a plain UUID by its compressed form), a
repeated one by one made from it and class, name and tag; only where all of that repeats the order in the file decides. So the same
file always gives the same ids, and so does a new export of it that changes something else. The substitutes are written into the open
file too: the kernel fails on products without a GlobalId.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import ifcopenshell.guid

from importers.ifc.entity import attribute, text

_VALID = re.compile(r"[0-3][0-9A-Za-z_$]{21}")
_UUID = re.compile(r"\{?([0-9a-fA-F]{8})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{4})-?([0-9a-fA-F]{12})\}?")
_TOLD = 20  # of each kind one by one; the rest are counted


@dataclass
class _Ids:
    """What was given out so far."""

    ids: dict[int, str] = field(default_factory=dict[int, str])
    taken: set[str] = field(default_factory=set[str])
    issues: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def give(self, item: Any, code: str | None, *words: str) -> None:
        """The first free id made of `words`, told as an issue where there is a code for one."""
        name = words[0] if code is None else _made_up("|".join(words))
        number = 1
        while name in self.taken:
            number += 1
            name = _made_up("|".join([*words, str(number)]))
        self.taken.add(name)
        self.ids[item.id()] = name
        if code is not None:
            self.issues.append({"code": code, "severity": "warning", "subject": label(item), "details": {"id": name}})


def identities(items: Sequence[Any], replaced: dict[int, str] | None = None) -> tuple[dict[int, str], list[dict[str, Any]]]:
    """Step id -> id of each instance, and issues for those that had none of their own.

    Where `replaced` is given, it takes what was written in place of an id: step id -> text.
    """
    given = [(item, text(item.get_argument(0))) for item in items]  # GlobalId is the first attribute of all that have one
    counts = Counter(name for _, name in given)
    found = _Ids()
    first: set[str] = set()
    doubtful: list[tuple[Any, str]] = []
    for item, name in given:
        if _VALID.fullmatch(name) and name not in first:
            first.add(name)
            found.give(item, None, name)
        else:
            doubtful.append((item, name))
    for item, name in doubtful:
        _substitute(found, item, name, repeated=counts[name] > 1 and name in first)
        if replaced is not None and name:
            replaced[item.id()] = name
    return found.ids, _few(found.issues)


def _substitute(found: _Ids, item: Any, name: str, *, repeated: bool) -> None:
    words = [item.is_a(), text(item.Name), text(attribute(item, "Tag"))]
    if not name.strip():
        found.give(item, "ifc_id_missing", *words)
    elif repeated:
        found.give(item, "ifc_id_repeated", name, *words)
    else:
        found.give(item, "ifc_id_invalid", name)
    item.GlobalId = found.ids[item.id()]


def label(item: Any) -> str:
    """An instance as a person finds it: class, name and GlobalId, or its line in the file."""
    return f"{item.is_a()} {text(item.Name)} ({text(item.GlobalId) or f'#{item.id()}'})".replace("  ", " ")


def _made_up(words: str) -> str:
    """22 characters that follow from `words` alone; those of a UUID are its own."""
    uuid = _UUID.fullmatch(words.strip())
    digits = "".join(uuid.groups()).lower() if uuid else hashlib.md5(words.encode(), usedforsecurity=False).hexdigest()
    return str(ifcopenshell.guid.compress(digits))


def _few(issues: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The first of each kind, and one that counts the others."""
    kinds: dict[str, list[dict[str, Any]]] = {}
    for issue in issues:
        kinds.setdefault(issue["code"], []).append(issue)
    few = [issue for found in kinds.values() for issue in found[:_TOLD]]
    for found in kinds.values():
        if len(found) > _TOLD:
            details = {"count": len(found) - _TOLD}
            few.append({"code": "ifc_ids_more", "severity": "warning", "subject": found[_TOLD]["subject"], "details": details})
    return few
