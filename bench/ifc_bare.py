"""Nothing but the kernel, as a program of its own: opens a STEP file, builds the bodies it is told to, and writes what came out.

python bench/ifc_bare.py FILE.ifc TOLD.json OUT.npz [KERNEL]

TOLD.json holds pairs of a product's step id and its risk (see importers/ifc/bodies.py). By risk, each goes to the chain that the importer
gives it; where KERNEL is named, all go to that one. No checks, no second attempts: the least that a program with this kernel must do.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from typing import Any

import ifcopenshell
import ifcopenshell.geom
import numpy as np

from importers.ifc.kernels import EXACT, FAST
from importers.ifc.opened import ready


def shapes(file: Any, kernel: str, steps: list[int]) -> Iterator[Any]:
    """What the kernel makes of some products, in their own frames."""
    settings: Any = ifcopenshell.geom.settings()
    settings.set("apply-default-materials", False)
    settings.set("no-normals", True)
    found: Any = ifcopenshell.geom.iterator(settings, file, 1, include=[file.by_id(step) for step in steps], geometry_library=kernel)  # type: ignore[arg-type]
    if steps and found.initialize():
        while True:
            yield found.get()
            if not found.next():
                return


def main() -> None:
    path, told, out, *kernel = sys.argv[1:]
    with open(told, encoding="utf-8") as stream:  # noqa: PTH123  pathlib is a start-up of its own
        risks: list[tuple[int, str]] = json.load(stream)
    begin = time.perf_counter()
    file: Any = ifcopenshell.open(path, format=".ifc")
    opened = time.perf_counter()
    ready(file)  # what goes in circles is cut, and a missing unit assumed, as the importer has it
    chains = {kernel[0]: [step for step, _ in risks]} if kernel else {}
    chains = chains or {chain: [step for step, risk in risks if risk == which] for chain, which in ((FAST, "plain"), (EXACT, "clipped"))}
    rows: list[tuple[Any, Any, Any, Any]] = []
    for chain, steps in chains.items():
        for shape in shapes(file, chain, steps):
            geometry = shape.geometry
            vertices, faces = np.frombuffer(geometry.verts_buffer, "f8").copy(), np.frombuffer(geometry.faces_buffer, "i4").copy()
            rows.append((shape.id, vertices, faces, np.frombuffer(shape.transformation_buffer, "f8").copy()))
    built = time.perf_counter()
    print(
        json.dumps(
            {"open_s": opened - begin, "build_s": built - opened, "bodies": len(rows), "triangles": sum(len(r[2]) // 3 for r in rows)}
        )
    )
    if out != "-":
        empty = [np.empty(0)]
        with contextlib.suppress(OSError):
            np.savez(
                out,
                product=np.array([row[0] for row in rows], np.int64),
                sizes=np.array([[len(row[1]) // 3, len(row[2]) // 3] for row in rows], np.int64).reshape(-1, 2),
                vertices=np.concatenate([row[1] for row in rows] or empty).reshape(-1, 3),
                faces=np.concatenate([row[2] for row in rows] or empty).astype(np.int64).reshape(-1, 3),
                matrices=np.array([row[3].reshape(4, 4).T for row in rows]).reshape(-1, 4, 4),
            )


if __name__ == "__main__":
    main()
