"""Files into a park: find the importer, read, and write everything one file holds in one transaction.

A file that cannot be used leaves the park as it was. The same content with the same options changes nothing; newer content of the same
file name takes the place of what came from it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import shapely
from shapely.errors import ShapelyError

from importers.contract import Context, Imported, Importer, Options, Progress, silent
from importers.encodings import check_encoding
from importers.placing import check_datum
from importers.recognise import digest, find, named, without_sidecars
from twin.crs import known_crs
from twin.errors import CRSError, TwinError, UnreadableSource, UsageError
from twin.i18n import hint, message
from twin.store import Store, Writer

# what libraries raise when a file is worse than they expect; one such file must not stop the others
_UNEXPECTED = (ArithmeticError, LookupError, OSError, RuntimeError, ShapelyError, ValueError)


@dataclass(frozen=True)
class Outcome:
    """What became of one file: its report where it was imported, the error where it was refused.

    The report is the entry of `twin import --json` with issues as codes and details; `said` puts them into a language.
    """

    file: str
    report: Mapping[str, Any] | None = None
    error: TwinError | None = None

    def said(self, lang: str) -> dict[str, Any]:
        """The entry of the report in `lang`: of `imported` where the file was taken, else of `refused`."""
        if self.error is not None:
            return {"file": self.file, "code": self.error.code, "message": self.error.text(lang), "hint": self.error.hint(lang)}
        report = dict(self.report or {})
        return report | {"issues": [_said(issue, lang) for issue in report["issues"]]}


def import_files(
    store: Store, paths: Sequence[Path], options: Options, *, progress: Progress = silent, dry_run: bool = False
) -> list[Outcome]:
    """What became of each file, in order; parts of a listed shapefile are read with it and have no outcome of their own.

    Parameters
    ----------
    store
        The park.
    paths
        The files.
    options
        What the person said about all of them.
    progress
        Told of stages within a file.
    dry_run
        Read and report, but write nothing.

    Raises
    ------
    UsageError
        If an option has a value it cannot take.
    """
    options = checked(options)
    listed = without_sidecars(paths)
    return [
        _outcome(store, path, name, options, progress, dry_run) for path, name in zip(listed, source_names(listed, options), strict=True)
    ]


def checked(options: Options) -> Options:
    """The options, if every value can be used.

    Raises
    ------
    UsageError
        If one cannot.
    """
    named(options.kind)
    check_datum(options)
    if options.encoding is not None:
        check_encoding(options.encoding)
    if options.crs is not None:
        try:
            known_crs(options.crs)
        except CRSError as error:
            raise UsageError(error.code, subject=options.crs) from error
    return options


def source_names(paths: Sequence[Path], options: Options) -> list[str]:
    """The name each file is remembered by: its own, with the layer where one was given, and its folder where names repeat."""
    counts = Counter(path.name for path in paths)
    names = [path.name if counts[path.name] == 1 else f"{path.parent.name}/{path.name}" for path in paths]
    return [f"{name}#{options.layer}" if options.layer else name for name in names]


def _outcome(store: Store, path: Path, name: str, options: Options, progress: Progress, dry_run: bool) -> Outcome:
    try:
        return Outcome(str(path), report=_import(store, path, name, options, progress, dry_run))
    except TwinError as error:
        # what is wrong inside a file is told by the reader; the file's name goes with it
        return Outcome(str(path), error=error)
    except _UNEXPECTED as error:
        reason = f"{type(error).__name__}: {error}"
        return Outcome(str(path), error=UnreadableSource("source_unexpected", subject=path, reason=reason))


def _import(store: Store, path: Path, name: str, options: Options, progress: Progress, dry_run: bool) -> dict[str, Any]:
    importer = find(path, options.kind)
    sha256, said = digest(path), _options_digest(options)
    before = next((source for source in store.sources() if source["name"] == name), None)
    if before is not None and (before["sha256"], before["options"], before["importer"]) == (sha256, said, importer.name):
        return dict(before["report"]) | {"file": str(path), "changed": False}
    imported = _read(importer, path, store, options, progress)
    report = _report(path, imported, before)
    if not dry_run:
        progress("write", 0, 0)
        record = {"name": name, "sha256": sha256, "options": said, "importer": importer.name, "at": _now(), "report": report}
        with store.transaction() as writer:
            _write(writer, imported, name, record, replaces=before is not None)
    return report


def _read(importer: Importer, path: Path, store: Store, options: Options, progress: Progress) -> Imported:
    context = Context(store.park(), options, store.terrain(), progress, lambda what, identity: _locate(store, what, identity))
    return importer.read(path, context)


def _write(writer: Writer, imported: Imported, name: str, record: Mapping[str, Any], *, replaces: bool) -> None:
    if replaces:
        writer.drop_source(name)
    for content in imported.layers:
        writer.put_layer(replace(content.layer, source=name))
        writer.put_features(content.layer.id, content.table, source=name)
    if imported.devices:
        writer.put_devices([replace(device, source=name) for device in imported.devices], source=name)
    for model in imported.models:
        writer.put_model(model)
    if imported.terrain is not None:
        writer.put_terrain(imported.terrain, source=name)
    writer.put_source(record)


def _report(path: Path, imported: Imported, before: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entry of `twin import --json`, issues as codes."""
    layers: list[dict[str, Any]] = [{"id": each.layer.id, "kind": each.layer.kind, "features": len(each.table)} for each in imported.layers]
    report: dict[str, Any] = {
        "file": str(path),
        "kind": _kind(imported),
        "layer": layers[0]["id"] if len(layers) == 1 else None,
        "features": sum(layer["features"] for layer in layers) + len(imported.devices),
        "elements": sum(len(model.elements) for model in imported.models),
        "crs": imported.crs,
        "encoding": imported.encoding,
        "changed": True,
        "issues": [
            {"code": issue.code, "severity": issue.severity, "subject": issue.subject, "details": _plain(issue.details)}
            for issue in imported.issues
        ],
        "importer": imported.kind,
        "layers": layers,
        "devices": dict(sorted(Counter(device.kind for device in imported.devices).items())),
        "details": _plain(imported.details),
    }
    if before is not None:
        report["replaced"] = {"at": before["at"], "features": before["report"].get("features")}
    return report


def _kind(imported: Imported) -> str:
    """The layer kind where the file is one layer; `device`, `terrain` or `model` where it is that alone; else the importer's word."""
    holds = [bool(imported.layers), bool(imported.devices), bool(imported.models), imported.terrain is not None]
    if sum(holds) != 1:
        return imported.kind
    if imported.layers:
        kinds = {content.layer.kind for content in imported.layers}
        return kinds.pop() if len(kinds) == 1 else imported.kind
    return ("device", "model", "terrain")[holds.index(True) - 1]


def _said(issue: Mapping[str, Any], lang: str) -> dict[str, Any]:
    code, details = str(issue["code"]), {"subject": issue["subject"], **issue["details"]}
    said = {"code": code, "severity": issue["severity"], "subject": issue["subject"]}
    return said | {"message": message(code, lang, **details), "hint": hint(code, lang, **details)}


def _options_digest(options: Options) -> str:
    return hashlib.sha256(json.dumps(asdict(options), sort_keys=True).encode("utf-8")).hexdigest()


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON can hold them."""
    return json.loads(json.dumps(dict(details), default=str, ensure_ascii=False))


def _locate(store: Store, what: str, identity: str) -> tuple[float, float] | None:
    """A point on the building, storey or space of that id or name; None where the park has none. [deg]"""
    outlines = {"space": _space_outline, "storey": _storey_outline, "building": _building_outline}
    outline = outlines[what](store, identity)
    if outline is None or outline.is_empty:
        return None
    point = shapely.point_on_surface(outline)
    return float(point.x), float(point.y)


def _space_outline(store: Store, identity: str) -> Any:
    return next((space.outline for space in store.spaces() if identity in {space.id, space.name} and space.outline is not None), None)


def _storey_outline(store: Store, identity: str) -> Any:
    model = next((storey.model_id for storey in store.storeys() if storey.id == identity), None)
    return next((each.outline for each in store.models() if each.id == model), None)


def _building_outline(store: Store, identity: str) -> Any:
    table = store.features_of_kind("building")
    names = zip(table.ids, table.column("name"), table.geometry, strict=True)
    found = next((shape for each, name, shape in names if identity in {each, name}), None)
    return found if found is not None else next((model.outline for model in store.models() if identity in {model.id, model.name}), None)
