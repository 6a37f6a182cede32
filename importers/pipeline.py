"""Files into a park: find the importer, read, and write everything one file holds in one transaction.

A file that cannot be used leaves the park as it was. The same content with the same options changes nothing; newer content of the same
file name takes the place of what came from it.
"""

from __future__ import annotations

import datetime as dt
import json
import mimetypes
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from importers.ahead import Ahead, Early
from importers.asked import Asked, options_digest
from importers.bundle import without_sidecars
from importers.bystanders import bystanders
from importers.changes import counted
from importers.contract import Imported, Options, Progress, silent
from importers.encodings import check_encoding
from importers.placing import check_datum, few
from importers.position import is_footprint, said_position
from importers.recognise import digest, find, named
from importers.surroundings import clear_away, surroundings
from twin.crs import known_crs
from twin.errors import CRSError, TwinError, UnreadableSource, UsageError
from twin.i18n import hint, message
from twin.model import Asset, FeatureTable, Issue
from twin.store import Store, Writer
from twin.store.transfer import copy_park, is_empty

_NAMED_ALIKE = {"tileset.json", "layer.json"}  # files that are all called so, and known by their folder
_OWNER = "asset_source"  # the column of a feature that names the source of its files
_MEDIA_TYPES = {
    ".b3dm": "application/octet-stream", ".cmpt": "application/octet-stream", ".glb": "model/gltf-binary", ".gltf": "model/gltf+json",
    ".i3dm": "application/octet-stream", ".json": "application/json", ".ktx2": "image/ktx2", ".las": "application/vnd.las",
    ".laz": "application/vnd.laszip", ".pnts": "application/octet-stream", ".webp": "image/webp",
}  # fmt: skip


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
    names = source_names(listed, options)
    try:
        with Ahead() as ahead:
            run = _Run(store, options, progress, dry_run, ahead)
            after = [*zip(listed, names, strict=True), None][1:]
            return [_outcome(run, path, name, following) for path, name, following in zip(listed, names, after, strict=True)]
    finally:
        if not dry_run:
            store.sweep()
            clear_away(store)


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
    if options.place is not None and not is_footprint(options.place):
        said_position(options.place)
    return options


def source_names(paths: Sequence[Path], options: Options) -> list[str]:
    """The name each file is remembered by: its own, with the layer where one was given, and its folder where names repeat."""
    counts = Counter(path.name for path in paths)
    alone = [counts[path.name] == 1 and path.name.lower() not in _NAMED_ALIKE for path in paths]
    names = [path.name if one else f"{path.absolute().parent.name}/{path.name}" for path, one in zip(paths, alone, strict=True)]
    return [f"{name}#{options.layer}" if options.layer else name for name in names]


@dataclass(frozen=True)
class _Run:
    """One call: the park, what the person said, whom to tell, whether it is for show, and what was begun early."""

    store: Store
    options: Options
    progress: Progress
    dry_run: bool
    ahead: Ahead

    def asked(self, path: Path, name: str, importer: str) -> Asked:
        return Asked(path, name, digest(path), options_digest(self.options), importer)

    def begin(self, path: Path, name: str, beside: Path) -> None:
        """Begin with a file while another is read, where that can be done and the file is not known already."""
        with suppress(Exception):  # what is wrong with it is told in its turn
            importer = find(path, self.options.kind)
            asked = self.asked(path, name, importer.name)
            cache = None if self.dry_run else self.store.path / "cache" / importer.name
            if isinstance(importer, Early) and importer.may_begin(path, beside) and asked.unchanged(self.store) is None:
                self.ahead.begin(importer, path, self.options, cache)


def _outcome(run: _Run, path: Path, name: str, following: tuple[Path, str] | None) -> Outcome:
    try:
        return Outcome(str(path), report=_import(run, path, name, following))
    except TwinError as error:
        # what is wrong inside a file is told by the reader; the file's name goes with it
        return Outcome(str(path), error=error)
    except Exception as error:  # noqa: BLE001  a file worse than a library expects must not stop the others
        reason = f"{type(error).__name__}: {error}"
        return Outcome(str(path), error=UnreadableSource("source_unexpected", subject=path, reason=reason))


def _import(run: _Run, path: Path, name: str, following: tuple[Path, str] | None) -> dict[str, Any]:
    store, progress, dry_run = run.store, run.progress, run.dry_run
    importer = find(path, run.options.kind)
    asked = run.asked(path, name, importer.name)
    if (report := asked.unchanged(store)) is not None:
        return report
    if following is not None:
        run.begin(*following, path)
    with surroundings(store, importer.name, run.options, progress, dry_run=dry_run) as context:
        imported = _owning(importer.read(path, replace(context, early=run.ahead.of(path, progress))), name)
        if beside := bystanders(imported, path.name, context):
            imported = replace(imported, issues=[*imported.issues, *few(beside)])
        if dry_run:
            return _report(store, asked, imported)
        progress("write", 0, 0)
        if imported.whole is not None and is_empty(store):
            return _taken(store, imported.whole, imported, asked, progress)
        # a model's own file stays with the park: delivery sets are held against it, and an old version can be had back
        # (a park brings its models' files among its assets)
        files = {path.name: path, **imported.assets} if imported.models and imported.kind != "park" else imported.assets
        assets = _kept(store, name, files)
        with store.transaction() as writer:
            # asked again: another import of the same source may have come first, and now nobody else writes
            if (report := asked.unchanged(store)) is not None:
                return report
            report = _report(store, asked, imported)
            _write(writer, imported, assets, asked, report)
    return report


def _taken(store: Store, whole: Store, imported: Imported, asked: Asked, progress: Progress) -> dict[str, Any]:
    """A whole park into an empty one; the report."""
    kept = [issue for issue in imported.issues if issue.code != "park_as_source"]  # nothing stays behind
    report = _report(store, asked, replace(imported, issues=kept))
    copy_park(whole, store, progress, record=_record(asked, report))
    return report


def _owning(imported: Imported, name: str) -> Imported:
    """The content, its features telling which source the files belong to that came along with them."""
    if not imported.assets:
        return imported
    return replace(
        imported,
        layers=[
            # the layers of a park know it already, those that have files
            content
            if imported.kind == "park" and _OWNER not in content.table.columns
            else replace(content, table=_owned(content.table, name))
            for content in imported.layers
        ],
    )


def _owned(table: FeatureTable, name: str) -> FeatureTable:
    return replace(table, columns={**table.columns, _OWNER: [name] * len(table)})


def _kept(store: Store, source: str, files: Mapping[str, Path]) -> list[Asset]:
    """The assets of a source, their bytes among the park's files."""
    return [Asset(source, name, store.keep(file), file.stat().st_size, _media_type(name)) for name, file in files.items()]


def _media_type(name: str) -> str:
    return _MEDIA_TYPES.get(Path(name).suffix.lower()) or mimetypes.guess_type(name)[0] or "application/octet-stream"


def _write(writer: Writer, imported: Imported, assets: Sequence[Asset], asked: Asked, report: Mapping[str, Any]) -> None:
    name = asked.name
    if (replaced := report.get("replaced")) is not None:
        writer.archive_source(replaced["source"])
        writer.drop_source(replaced["source"])
    for content in imported.layers:
        writer.put_layer(replace(content.layer, source=name))
        writer.put_features(content.layer.id, content.table, source=name)
    if imported.devices:
        writer.put_devices([replace(device, source=name) for device in imported.devices], source=name)
    for model in imported.models:
        writer.put_model(model, source=name)
    for terrain in [*([] if imported.terrain is None else [imported.terrain]), *imported.terrains]:
        writer.put_terrain(terrain, source=name)
    if imported.photometries:
        writer.put_photometries(imported.photometries, source=name)
    if assets:
        writer.put_assets(assets, source=name)
    writer.put_source(_record(asked, report))


def _record(asked: Asked, report: Mapping[str, Any]) -> dict[str, Any]:
    """What the park remembers of an import."""
    told = {"name": asked.name, "sha256": asked.sha256, "options": asked.options, "importer": asked.importer}
    return told | {"at": _now(), "report": report}


def _report(store: Store, asked: Asked, imported: Imported) -> dict[str, Any]:
    """The entry of `twin import --json`, issues as codes."""
    layers: list[dict[str, Any]] = [{"id": each.layer.id, "kind": each.layer.kind, "features": len(each.table)} for each in imported.layers]
    report: dict[str, Any] = {
        "file": str(asked.path),
        "kind": _kind(imported),
        "layer": layers[0]["id"] if len(layers) == 1 else None,
        "features": sum(layer["features"] for layer in layers) + len(imported.devices),
        "elements": sum(len(model.elements) for model in imported.models),
        "crs": imported.crs,
        "height_datum": imported.height_datum,
        "height_offset_m": imported.height_offset_m,
        "encoding": imported.encoding,
        "changed": True,
        "version": 1 + max((version.number for version in store.versions(asked.name)), default=0),
        "issues": [_issue(issue) for issue in imported.issues],
        "importer": imported.kind,
        "layers": layers,
        "models": [content.model.id for content in imported.models],
        "devices": dict(sorted(Counter(device.kind for device in imported.devices).items())),
        "photometries": len(imported.photometries),
        "assets": len(imported.assets),
        "details": _plain(imported.details),
    }
    before = asked.before(store)
    if before is not None:
        report["replaced"] = _replaced(store, before, imported)
    elif twins := asked.twins(store):
        report["issues"].append(_issue(Issue("source_twice", "warning", asked.name, {"others": ", ".join(twins)})))
    return report


def _replaced(store: Store, before: Mapping[str, Any], imported: Imported) -> dict[str, Any]:
    """What the content takes the place of, and how many things differ."""
    told = {"source": before["name"], "at": before["at"], "features": before["report"].get("features")}
    current = next((version.number for version in store.versions(before["name"]) if version.is_current), None)
    return told | (counted(store.version(before["name"], current), imported) if current is not None else {})


def _issue(issue: Issue) -> dict[str, Any]:
    return {"code": issue.code, "severity": issue.severity, "subject": issue.subject, "details": _plain(issue.details)}


def _kind(imported: Imported) -> str:
    """The layer kind where the file is one layer; `device`, `terrain` or `model` where it is that alone; else the importer's word."""
    holds = [bool(imported.layers), bool(imported.devices), bool(imported.models), imported.terrain is not None or bool(imported.terrains)]
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


def _now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON can hold them."""
    return json.loads(json.dumps(dict(details), default=str, ensure_ascii=False))
