"""Evidence bundles computed again, with no server and no other park than the one inside."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from twin.errors import NotFound, TwinError, UsageError
from twin.evidence.bundle import FORMAT, INPUTS, MANIFEST, RUNS, again, content_hash, file_hashes, manifest_hash, run_parts
from twin.evidence.fingerprint import combined, fingerprints
from twin.measures.evidence import ENGINE
from twin.result import Result
from twin.store import Store, open_store
from twin.store.transfer import Progress, copy_inputs, silent

NUMBERS = ("value", "lower", "upper", "numerator", "denominator")
CLOSE = 1e-9  # relative difference of numbers that other processors or libraries may make
EXACT, ALIKE, DIFFERENT, FAILED = "exact", "close", "different", "failed"


@dataclass(frozen=True)
class Checked:
    """What was found of one part of a bundle."""

    kind: str  # file, input, content, run
    subject: str
    state: str  # exact, close, different, failed, missing, unlisted
    told: Mapping[str, Any]

    @property
    def ok(self) -> bool:
        """Whether it bears what the bundle says."""
        return self.state in {EXACT, ALIKE}


@dataclass(frozen=True)
class Verified:
    """What was found of a bundle: everything checked, in order."""

    manifest: Mapping[str, Any]
    checked: Sequence[Checked]

    @property
    def ok(self) -> bool:
        """Whether every part bears what the bundle says."""
        return all(each.ok for each in self.checked)


def verify(folder: Path, park: Store | None = None, done: Progress = silent) -> Verified:
    """Compare a bundle's files and inputs with their hashes, and compute each of its runs again.

    Parameters
    ----------
    folder
        The bundle. Nothing in it is changed.
    park
        The park to compute from, where the bundle holds only the hashes of what went in.
    done
        Told the stage, how much of it is done, and of how much.

    Raises
    ------
    NotFound
        If there is no bundle at `folder`.
    UsageError
        If the bundle is none that this version reads, or holds no inputs and no park was given.
    """
    manifest = _manifest(folder)
    found = _files(folder, manifest)
    if not (folder / INPUTS).is_dir() and park is None:
        raise UsageError("evidence_without_inputs", subject=folder)
    with TemporaryDirectory(prefix="twin-evidence-") as temporary:
        try:
            store = park or _opened(folder / INPUTS, Path(temporary))
        except TwinError:
            if all(each.ok for each in found):
                raise
            return Verified(manifest, [*found, Checked("input", INPUTS, FAILED, {})])  # a file that was changed is no park any more
        hashes = fingerprints(store)
        found += _inputs(manifest, hashes)
        runs = manifest["runs"]
        for k, row in enumerate(runs):
            done(str(row["measure"]), k, len(runs))
            found.append(_run(store, row))
        done("", len(runs), len(runs))
    whole = content_hash(manifest["inputs"], runs)
    state = EXACT if whole == manifest["content"] else DIFFERENT
    return Verified(manifest, [*found, Checked("content", manifest["content"], state, {"computed": whole})])


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFound("evidence_missing", subject=folder)
    try:
        manifest = json.loads(path.read_text("utf-8"))
        shapes = {"runs": list, "inputs": dict, "files": dict, "content": str}
        sound = manifest["format"] == FORMAT and all(isinstance(manifest[name], kind) for name, kind in shapes.items())
        rows = [[row[name] for name in ("run", "measure", "sha256", "scenario", *NUMBERS)] for row in manifest["runs"]]
        said = [each for row in manifest["runs"] for each in row["parameters"].values()]
        sound &= all("value" in each and each["provenance"] in {"given", "pack", "default"} for each in said)
        sound &= isinstance(manifest["engine"], str)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError("evidence_unreadable", subject=path) from error
    if not sound or not all(_is_name(str(row[0])) for row in rows):
        raise UsageError("evidence_unreadable", subject=path)
    return dict(manifest)


def _is_name(text: str) -> bool:
    """Whether a run's name is a single folder below the bundle."""
    return len(PurePosixPath(text).parts) == 1 and text not in {"..", "."}


def _files(folder: Path, manifest: Mapping[str, Any]) -> list[Checked]:
    """Files that are gone, changed or of nobody's list; one line says that all the others are as they were."""
    listed, there = manifest["files"], file_hashes(folder)
    wrong = [
        Checked("file", name, "missing" if name not in there else DIFFERENT if name in listed else "unlisted", {})
        for name in sorted({*listed, *there})
        if listed.get(name) != there.get(name)
    ]
    for row in manifest["runs"]:
        own = {path: each for path, each in there.items() if PurePosixPath(path).parent == PurePosixPath(RUNS, row["run"])}
        if combined({PurePosixPath(path).name: each for path, each in own.items()}) != row["sha256"]:
            wrong.append(Checked("file", f"{RUNS}/{row['run']}", DIFFERENT, {}))
    if manifest.get("sha256") != manifest_hash(manifest):
        wrong.append(Checked("file", MANIFEST, DIFFERENT, {}))
    return wrong or [Checked("file", str(len(there)), EXACT, {"count": len(there)})]


def _opened(inputs: Path, temporary: Path) -> Store:
    """A copy of the park inside, so that nothing of the bundle is written to."""
    store = open_store(inputs)
    try:
        return copy_inputs(store, str(temporary / INPUTS))
    finally:
        store.close()


def _inputs(manifest: Mapping[str, Any], hashes: Mapping[str, str]) -> list[Checked]:
    listed = manifest["inputs"]
    states = {name: EXACT if listed.get(name) == hashes.get(name) else DIFFERENT for name in sorted({*listed, *hashes})}
    wrong = [Checked("input", name, state, {}) for name, state in states.items() if state != EXACT]
    return wrong or [Checked("input", str(len(states)), EXACT, {"count": len(states)})]


def _run(store: Store, row: Mapping[str, Any]) -> Checked:
    """One run computed again and held against what the bundle says came out."""
    subject = f"{row['measure']} {row['run']}"
    try:
        result = again(store, row)
    except TwinError as error:
        return Checked("run", subject, FAILED, {"error": error})
    found = {name: getattr(result, name) for name in NUMBERS}
    differences = [{"what": name, "said": row[name], "found": found[name]} for name in NUMBERS if not _is_close(row[name], found[name])]
    told = {"said": {name: row[name] for name in NUMBERS}, "found": found, "differences": differences, "engine": ENGINE}
    return Checked("run", subject, DIFFERENT if differences else EXACT if _sha256(result) == row["sha256"] else ALIKE, told)


def _sha256(result: Result) -> str:
    return combined({name: hashlib.sha256(data).hexdigest() for name, data in run_parts(result).items()})


def _is_close(said: float | None, found: float | None) -> bool:
    if said is None or found is None:
        return said is found
    return math.isclose(said, found, rel_tol=CLOSE, abs_tol=CLOSE)
