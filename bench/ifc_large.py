"""A large IFC file made of a small one: the same bytes each time.

python bench/ifc_large.py FILE.ifc TARGET.ifc [times]      10 times where nothing is said: Office_A so becomes one of 45 MB

Statements are copied with other numbers and other GlobalIds, each copy's buildings 60 m further on; project, site, units and contexts are
shared.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

TOWER = Path(__file__).parents[1] / "sample_park" / "data" / "tower.ifc"
_STATEMENT = re.compile(r"#(\d+)\s*=\s*(\w+)\s*\((.*)\)$", re.DOTALL)
_REFERENCE = re.compile(r"'(?:[^']|'')*'|#(\d+)")
_ID = re.compile(r"'([0-3][0-9A-Za-z_$]{21})'")
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$"
_SHARED = re.compile(
    r"IFC(PROJECT|SITE|UNITASSIGNMENT|SIUNIT|CONVERSIONBASEDUNIT|DIMENSIONALEXPONENTS|MEASUREWITHUNIT|DERIVEDUNIT(ELEMENT)?|OWNERHISTORY"
    r"|GEOMETRICREPRESENTATION(SUB)?CONTEXT)"
)
_APART_M = 60.0


def multiplied(path: Path, target: Path, times: int) -> Path:
    """The file with all but project, site, units and contexts `times` over."""
    head, data = path.read_text("latin-1").split("DATA;", 1)
    pieces = re.split(r";[ \t]*\r?\n", data[: data.rindex("ENDSEC;")])
    said = [found.groups() for piece in pieces if (found := _STATEMENT.match(piece.strip()))]
    top = max(int(step) for step, _, _ in said) + 1
    with target.open("w", encoding="latin-1") as stream:
        stream.write(f"{head}DATA;\n")
        for copy in range(times):
            stream.writelines(_copied(said, copy, top, times))
        stream.write("ENDSEC;\nEND-ISO-10303-21;\n")
    return target


def _copied(said: list[tuple[str, ...]], copy: int, top: int, times: int) -> Iterator[str]:
    shared = {step for step, kind, _ in said if _SHARED.fullmatch(kind)}
    moved = {re.findall(r"#(\d+)", arguments)[1] for _, kind, arguments in said if kind == "IFCBUILDING"}
    for step, kind, arguments in said:
        if copy and step in shared:
            continue
        number = int(step) if step in shared else int(step) + copy * top
        text = _REFERENCE.sub(
            lambda found: found[0] if found[1] is None or found[1] in shared else f"#{int(found[1]) + copy * top}", arguments
        )
        text = _ID.sub(lambda found: f"'{_other(found[1], copy)}'", text, count=1) if copy and _ID.match(text) else text
        if copy and step in moved:
            base = times * top + 10 * copy
            yield f"#{base + 1}=IFCCARTESIANPOINT(({_APART_M * copy},0.,0.));\n#{base + 2}=IFCAXIS2PLACEMENT3D(#{base + 1},$,$);\n"
            text = f"{text.split(',')[0]},#{base + 2}"
        yield f"#{number}={kind}({text});\n"


def _other(id_: str, copy: int) -> str:
    number = int.from_bytes(hashlib.md5(f"{id_}{copy}".encode(), usedforsecurity=False).digest(), "big")
    return "".join(_DIGITS[number >> 6 * k & (3 if k == 21 else 63)] for k in reversed(range(22)))


def main() -> None:
    target = multiplied(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 10)
    print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
