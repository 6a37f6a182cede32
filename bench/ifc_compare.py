"""Every element that the importer builds beside what OpenCascade makes of it: boxes, and volumes of closed planar bodies.

python bench/ifc_compare.py [FILE.ifc | FOLDER …] [--seconds N]      N is the time OpenCascade has for a file

Told one by one: boxes that differ by more than 1 cm, volumes by more than 0.5 %, elements that one of the two leaves out. Where a box
differs and the definition alone says what it must be (see importers/ifc/expected.py), it is told whose box that is. Volumes are
compared where both bodies are closed (each edge in two faces, once each way) and nothing in the definition bends: how finely a curve is cut
is each kernel's own business.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from importers.contract import silent
from importers.ifc import process
from importers.ifc.identify import identify
from importers.ifc.mesh import bodies
from importers.ifc.parts import read_parts
from twin.errors import TwinError

HERE = Path(__file__).parent
SAMPLE = HERE.parent / "sample_park" / "data"
BOX_M, VOLUME_SHARE, LEAST_M3 = 0.01, 0.005, 1e-6
_WELD_M = 1e-5
_BENT = (
    "IfcConic", "IfcBSplineCurve", "IfcRevolvedAreaSolid", "IfcSweptDiskSolid", "IfcCircleProfileDef", "IfcEllipseProfileDef",
    "IfcSurfaceCurveSweptAreaSolid", "IfcElementarySurface", "IfcBoundedSurface", "IfcCsgPrimitive3D", "IfcSweptSurface",
    "IfcIShapeProfileDef", "IfcLShapeProfileDef", "IfcUShapeProfileDef", "IfcTShapeProfileDef", "IfcCShapeProfileDef",
    "IfcZShapeProfileDef", "IfcRoundedRectangleProfileDef", "IfcRectangleHollowProfileDef",
)  # fmt: skip


@dataclass(frozen=True)
class Solid:
    """One body: box (2, 3) [m, model], volume [m³], whether it is closed, triangles, and who made it."""

    box: NDArray[np.float64]
    volume: float
    is_closed: bool
    triangles: int
    kernel: str
    off_m: float = 0.0  # how far the box is from what the definition says, where it says anything


@dataclass(frozen=True)
class Compared:
    """What came of a file: bodies compared, volumes compared, exceptions by what they are: (class, id, what), and the expected boxes."""

    bodies: int
    volumes: int
    kernels: Mapping[str, int]
    found: tuple[tuple[str, str, str, str], ...]
    expected: Mapping[str, int]


def solid(points: NDArray[np.float64], faces: NDArray[np.int64], kernel: str) -> Solid:
    """A body of vertices (v, 3) [m, model] and triangles (f, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    corners = (points - low)[faces]
    volume = abs(float(np.linalg.det(corners).sum())) / 6.0
    _, same = np.unique(np.round((points - low) / _WELD_M).astype(np.int64), axis=0, return_inverse=True)
    welded = same.reshape(-1)[faces]
    welded = welded[(welded != np.roll(welded, 1, axis=1)).all(axis=1)]
    edges = np.concatenate([welded[:, [0, 1]], welded[:, [1, 2]], welded[:, [2, 0]]])
    there = Counter(map(tuple, edges.tolist()))
    is_closed = bool(len(edges)) and all(count == there.get((b, a), 0) for (a, b), count in there.items())
    return Solid(np.stack([low, high]), volume, is_closed, len(faces), kernel)


def ours(source: Path, name: str, folder: Path) -> tuple[dict[int, Solid], list[Any], dict[int, Any], Mapping[int, str]]:
    """Step id -> body as the importer has it; risks, elements and spaces by step id, and what failed."""
    outcome = process.build(source, name, folder, process.limits_for(source.stat().st_size), process.Watcher(silent))
    built = bodies(read_parts(folder))
    found = {step: replace(solid(body.points(), body.faces(), body.kernel), off_m=body.off_m) for step, body in built.items()}
    told = {item["step"]: item for item in (*outcome.content["elements"], *outcome.content["spaces"])}
    failed = {**dict.fromkeys(outcome.voided, "voided"), **outcome.failed}
    return found, json.loads((folder / "bodies.json").read_bytes())["risks"], told, failed


def theirs(source: Path, risks: list[Any], folder: Path, seconds: float) -> dict[int, Solid] | None:
    """The same by OpenCascade alone; None where it did not come to an end."""
    (folder / "told.json").write_text(json.dumps(risks), "utf-8")
    out = folder / "opencascade.npz"
    command = [sys.executable, str(HERE / "ifc_bare.py"), str(source), str(folder / "told.json"), str(out), "opencascade"]
    try:
        ended = subprocess.run(command, capture_output=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    if ended.returncode or not out.exists():
        return None
    with np.load(out) as arrays:
        return dict(_solids({name: arrays[name] for name in arrays.files}))


def _solids(arrays: Mapping[str, Any]) -> Iterator[tuple[int, Solid]]:
    v = f = 0
    for product, (n, m), matrix in zip(arrays["product"].tolist(), arrays["sizes"].tolist(), arrays["matrices"], strict=True):
        points, faces = arrays["vertices"][v : v + n], arrays["faces"][f : f + m]
        v, f = v + n, f + m
        if len(faces):
            yield product, solid(points @ matrix[:3, :3].T + matrix[:3, 3], faces, "opencascade")


def compared(source: Path, name: str, folder: Path, seconds: float) -> Compared | None:
    """One file; None where OpenCascade does not come to an end, or there is nothing to build."""
    parts = folder / "parts"
    parts.mkdir()
    own, risks, told, failed = ours(source, name, parts)
    other = theirs(source, risks, folder, seconds) if risks else None
    if other is None:
        return None
    found: list[tuple[str, str, str, str]] = []
    curved, hopes = _looked_at(source, [step for step, _ in risks])
    volumes = 0
    for step, _ in risks:
        mine, oracle = own.get(step), other.get(step)
        what, is_volume = _verdict(mine, oracle, failed.get(step, ""), is_planar=step not in curved)
        if what.startswith("box") and mine and mine.off_m < BOX_M and hopes.get(step) == "exact":
            what = f"theirs: {what}, ours is as defined"
        volumes += is_volume
        if what:
            found.append((told[step].get("class", "IfcSpace"), told[step]["id"], mine.kernel if mine else "-", what))
    return Compared(len(own), volumes, Counter(body.kernel for body in own.values()), tuple(found), Counter(hopes.values()))


def _verdict(mine: Solid | None, oracle: Solid | None, failed: str, *, is_planar: bool) -> tuple[str, bool]:
    """What differs, if anything, and whether volumes were compared."""
    if mine is None or oracle is None:
        return ("" if mine is oracle else f"only OpenCascade builds it ({failed})" if mine is None else "OpenCascade leaves it out"), False
    off = float(np.abs(mine.box - oracle.box).max())
    if off > BOX_M:
        return f"box off by {off:.3f} m", False
    if not (is_planar and mine.is_closed and oracle.is_closed):
        return "", False
    share = abs(mine.volume - oracle.volume) / max(oracle.volume, LEAST_M3)
    return (f"volume {mine.volume:.6f} for {oracle.volume:.6f} m³" if share > VOLUME_SHARE else ""), True


def _looked_at(source: Path, steps: list[int]) -> tuple[set[int], Mapping[int, str]]:
    """Products with anything that bends in their bodies or openings, and the kind of independent estimate that each has of its box."""
    import ifcopenshell

    from importers.ifc.expected import expected
    from importers.ifc.placements import MALFORMED

    file: Any = ifcopenshell.open(str(source))
    kinds = {kind for kind in _BENT if _is_class(file, kind)}
    curved: set[int] = set()
    hopes: dict[int, str] = {}
    for step in steps:
        product = file.by_id(step)
        voids = [relation.RelatedOpeningElement for relation in getattr(product, "HasOpenings", None) or ()]
        shapes = [item.Representation for item in (product, *voids) if item.Representation is not None]
        if any(_bends(part, kinds) for shape in shapes for part in file.traverse(shape)):
            curved.add(step)
        try:
            hope = expected(product)
        except MALFORMED:
            hope = None
        hopes[step] = "none" if hope is None else "exact" if hope.is_exact else "within"
    return curved, hopes


def _is_class(file: Any, kind: str) -> bool:
    try:
        file.by_type(kind)
    except RuntimeError:
        return False
    return True


def _bends(part: Any, kinds: set[str]) -> bool:
    if part.is_a("IfcPlane"):
        return False
    if part.is_a() == "IfcIndexedPolyCurve":
        return any(segment.is_a() == "IfcArcIndex" for segment in part.Segments or ())
    return any(part.is_a(kind) for kind in kinds)


def total(results: list[Compared]) -> Compared:
    """All files as one."""
    whole = Compared(0, 0, Counter(), (), Counter())
    for each in results:
        whole = replace(
            whole,
            bodies=whole.bodies + each.bodies,
            volumes=whole.volumes + each.volumes,
            kernels=Counter(whole.kernels) + Counter(each.kernels),
            found=whole.found + each.found,
            expected=Counter(whole.expected) + Counter(each.expected),
        )
    return whole


def told(name: str, each: Compared) -> None:
    """Print what came of a file."""
    kinds = Counter(what.split(" ")[0] for *_, what in each.found)
    print(f"{name[:40]:41s}{each.bodies:7d}{each.volumes:8d}{kinds['box']:6d}{kinds['volume']:8d}{kinds['only']:8d}{kinds['OpenCascade']:8d}{kinds['theirs:']:8d}"
          f"   expected: {dict(each.expected)}   {dict(each.kernels)}", flush=True)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("paths", nargs="*", type=Path, default=[SAMPLE])
    parser.add_argument("--seconds", type=float, default=300.0)
    given = parser.parse_args()
    files = [file for path in given.paths for file in (sorted(path.rglob("*.ifc*")) if path.is_dir() else [path])]
    print(f"{'file':41s}{'bodies':>7s}{'volumes':>8s}{'box':>6s}{'volume':>8s}{'missing':>8s}{'more':>8s}{'theirs':>8s}")
    results: list[Compared] = []
    for file in files:
        with tempfile.TemporaryDirectory() as folder:
            try:
                each = compared(identify(file, Path(folder)).path, file.name, Path(folder), given.seconds)
            except TwinError as error:
                print(f"{file.name[:40]:41s} refused: {error.code}")
                continue
        if each is None:
            print(f"{file.name[:40]:41s} nothing to compare: no bodies, or OpenCascade alone does not come to an end")
            continue
        told(file.name, each)
        for kind, identity, kernel, what in each.found:
            print(f"    {kind} {identity} ({kernel}): {what}")
        results.append(each)
    told("all", total(results))


if __name__ == "__main__":
    main()
