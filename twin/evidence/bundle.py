"""Evidence bundles written: a folder that is whole or not there."""

from __future__ import annotations

import gzip
import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twin.errors import Conflict, UsageError
from twin.evidence.fingerprint import combined, fingerprints
from twin.measures import compute
from twin.measures.evidence import ENGINE
from twin.measures.report import gaps_geojson, plain, result_json, samples_json
from twin.model import Park
from twin.registry import load
from twin.result import Measure, Result
from twin.store import Store, open_store
from twin.store.transfer import copy_inputs

FORMAT = 1
INPUTS, RUNS, MANIFEST, SCORECARD = "inputs", "runs", "manifest.json", "scorecard.json"
PARTS = ("result.json", "gaps.geojson", "samples.json.gz")
LIBRARIES = ("numpy", "shapely", "numba", "embreex", "pyproj", "scipy")
_TRANSIENT = ("seconds",)  # what differs from one time to the next without meaning anything


def bundle(store: Store, results: Sequence[Result], folder: Path, *, card: Mapping[str, Any] | None = None, inputs: bool = True) -> str:
    """Write the evidence of `results`, all of the park as it is, to a new folder; the hash of its content.

    Parameters
    ----------
    store
        The park.
    results
        What was computed of it.
    folder
        Where; it must not exist.
    card
        The scorecard the results belong to.
    inputs
        Whether what went in is part of it; without, only its hashes are, and who verifies it needs the park.

    Raises
    ------
    Conflict
        If there is something at `folder`, or the park changed meanwhile.
    UsageError
        If the folder above does not exist.
    """
    if folder.exists() or folder.is_symlink():
        raise Conflict("destination_exists", subject=folder)
    above = folder.absolute().parent
    if not above.is_dir():
        raise UsageError("folder_missing", subject=above)
    revision = store.revision()
    with TemporaryDirectory(dir=above, prefix=f".{folder.name}.") as temporary:
        place = Path(temporary) / "evidence"
        place.mkdir()
        if inputs:
            results = _from_inputs(store, results, place / INPUTS)
        for result in results:
            _write_run(place / RUNS / result.run, result)
        if card is not None:
            (place / SCORECARD).write_text(_text(card), "utf-8")
        if store.revision() != revision:
            raise Conflict("park_changed", subject=store.address)
        hashes = _hashes_of(place / INPUTS) if inputs else dict(fingerprints(store))
        manifest = _manifest(store.park(), results, hashes, place)
        (place / MANIFEST).write_text(_text(manifest), "utf-8")
        place.rename(folder)
    return str(manifest["content"])


def run_parts(result: Result) -> dict[str, bytes]:
    """The files of one run, by name; the same bytes for the same run."""
    documents: tuple[Any, ...] = (settled(result), gaps_geojson(result), samples_json(result))
    packed: dict[str, Callable[[bytes], bytes]] = {PARTS[2]: lambda data: gzip.compress(data, mtime=0)}
    return {name: packed.get(name, bytes)(_text(document).encode()) for name, document in zip(PARTS, documents, strict=True)}


def settled(result: Result) -> dict[str, Any]:
    """A result without what differs from one time to the next."""
    return {name: value for name, value in result_json(result).items() if name not in _TRANSIENT}


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file below `folder` but the manifest, by its path there."""
    found: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != MANIFEST:
            with path.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def content_hash(inputs: Mapping[str, str], runs: Sequence[Mapping[str, Any]]) -> str:
    """The hash over what went in and what came out."""
    return combined({**{f"inputs/{name}": each for name, each in inputs.items()}, **{f"runs/{row['run']}": row["sha256"] for row in runs}})


def manifest_hash(manifest: Mapping[str, Any]) -> str:
    """The hash over all that a manifest says but this hash itself: of what nothing else vouches for, too."""
    return hashlib.sha256(_text({name: said for name, said in manifest.items() if name != "sha256"}).encode()).hexdigest()


def _from_inputs(store: Store, results: Sequence[Result], place: Path) -> Sequence[Result]:
    """Copy what went in to `place`. A copy that differs, as of a park that an early version wrote, is what the results are then of."""
    copy = copy_inputs(store, str(place))
    try:
        if fingerprints(copy) == fingerprints(store):
            return results
        return [again(copy, row_of(result)) for result in results]
    finally:
        copy.close()


def again(store: Store, row: Mapping[str, Any]) -> Result:
    """The run that a row of a manifest describes, computed of `store`; its parameters are the row's, whatever the defaults are by now."""
    measure: Measure = load("twin.measures", row["measure"])
    defaults = {parameter.name: plain(parameter.default) for parameter in measure.parameters}
    told = {origin: {} for origin in ("given", "pack", "default")}
    for name, said in row["parameters"].items():
        told[said["provenance"]][name] = said["value"]
    changed = {name: value for name, value in told["default"].items() if name not in defaults or defaults[name] != value}
    return compute(store, row["measure"], told["given"] | changed, pack=told["pack"], scenario=row["scenario"])


def _write_run(place: Path, result: Result) -> None:
    place.mkdir(parents=True)
    for name, data in run_parts(result).items():
        (place / name).write_bytes(data)


def _hashes_of(inputs: Path) -> dict[str, str]:
    store = open_store(inputs)
    try:
        return dict(fingerprints(store))
    finally:
        store.close()


def _manifest(park: Park, results: Sequence[Result], hashes: Mapping[str, str], place: Path) -> dict[str, Any]:
    rows = [row_of(result) | {"sha256": combined(file_hashes(place / RUNS / result.run))} for result in results]
    told = {
        "format": FORMAT,
        "park": {"name": park.name, "frame": asdict(park.frame), "crs": park.crs, "height_datum": park.height_datum},
        "content": content_hash(hashes, rows),
        "engine": ENGINE,
        "made_with": {"python": platform.python_version(), **{name: _version(name) for name in LIBRARIES}},
        "runs": rows,
        "inputs": hashes,
        "files": file_hashes(place),
    }
    return told | {"sha256": manifest_hash(told)}


def row_of(result: Result) -> dict[str, Any]:
    """One run as the manifest lists it: what was asked and what came out."""
    return {
        "run": result.run,
        "measure": result.measure,
        "parameters": {name: {key: said[key] for key in ("value", "provenance")} for name, said in result.parameters.items()},
        "scenario": result.scenario,
        **{name: getattr(result, name) for name in ("value", "lower", "upper", "numerator", "denominator", "quantity")},
    }


def _version(library: str) -> str | None:
    try:
        return version(library)
    except ModuleNotFoundError:
        return None


def _text(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1, allow_nan=False) + "\n"
