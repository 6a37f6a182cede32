"""Parks from one store to another: everything a park holds, by the verbs of `twin.store` alone, so that every pair of back ends works."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twin.errors import Conflict, UsageError
from twin.model import Layer, SourceContent, Version
from twin.store import Store, Writer, create_store, is_database, open_store

Progress = Callable[[str, int, int], None]  # stage, done, total (0 when unknown)
_PAGE = 5000  # events written at a time


def silent(stage: str, done: int, total: int) -> None:
    """Progress that nobody watches."""


def copy_to(source: Store, address: str, progress: Progress = silent) -> Store:
    """A new park at `address` that holds everything `source` holds. If that fails there is nothing at `address`.

    Raises
    ------
    Conflict
        If there is anything at `address`, or somebody changed `source` meanwhile.
    """
    if is_database(address):
        return _copied(source, create_store(address, source.park()), progress)
    place = Path(address)
    if place.exists() or place.is_symlink():
        raise Conflict("destination_exists", subject=place)
    if not place.absolute().parent.is_dir():
        raise UsageError("folder_missing", subject=place.absolute().parent)
    with TemporaryDirectory(dir=place.absolute().parent, prefix=f".{place.name}.") as folder:
        _copied(source, create_store(Path(folder) / "park", source.park()), progress).close()
        (Path(folder) / "park").rename(place)
    return open_store(place)


def copy_inputs(source: Store, address: str) -> Store:
    """A new park in a directory at `address` that holds what measures read of `source`: its content as it is now and its scenarios.

    Files kept as they came, old versions, events, runs and scorecards are left out.
    """
    target = create_store(address, source.park())
    with target.transaction() as writer:
        _put_layers(writer, source, [])
        for name in source.origins():
            put_content(writer, replace(source.content(name), assets=()), name)
        for scenario in source.scenarios():
            writer.put_scenario(scenario)
    return target


def is_empty(store: Store) -> bool:
    """Whether a park holds nothing yet that came from a source."""
    return not (store.layers() or store.origins() or store.sources())


def copy_park(source: Store, target: Store, progress: Progress = silent, *, record: Mapping[str, Any] | None = None) -> None:
    """Put everything that `source` holds into `target`, an empty park: all of it, or none.

    Layers, features, devices, models, terrains, photometries and assets keep their ids, their order and what they came from; old versions
    keep their numbers; events keep the order they were written in. What was computed (runs, scorecards) goes with it. `record` is what
    the target remembers of being filled so, as a source of its own.

    Raises
    ------
    Conflict
        If somebody changed `source` meanwhile; `target` is as it was.
    """
    revision = source.revision()
    _keep_assets(source, target, progress)
    with target.transaction() as writer:
        old = [version for version in source.versions() if not version.is_current]
        _put_layers(writer, source, old)
        for k, version in enumerate(old):
            progress("versions", k, len(old))
            put_content(writer, source.version(version.source, version.number), version.source)
            writer.put_source(_record(version))
            writer.archive_source(version.source)
            writer.drop_source(version.source)
        _put_layers(writer, source, [])  # once more: what old versions made of them is put right
        origins = source.origins()
        for k, name in enumerate(origins):
            progress("sources", k, len(origins))
            put_content(writer, source.content(name), name)
        for each in [*source.sources(), *([record] if record is not None else [])]:
            writer.put_source(each)
        _put_events(writer, source, progress)
        for scenario in source.scenarios():
            writer.put_scenario(scenario)
        for kept in reversed(source.runs()):
            writer.put_run({**source.run(kept["run"]), "at": kept["at"]})
        if source.revision() != revision:
            raise Conflict("park_changed", subject=source.address)
    with target.transaction() as writer:
        for card in source.scorecards():
            writer.put_scorecard({**card, "revision": target.revision()})
    target.sweep()


def _copied(source: Store, target: Store, progress: Progress) -> Store:
    try:
        copy_park(source, target, progress)
    except BaseException:
        target.remove()
        raise
    return target


def put_content(writer: Writer, content: SourceContent, name: str) -> None:
    """Write what came from one source."""
    for layer, table in content.layers:
        writer.put_layer(layer)
        writer.put_features(layer.id, table, source=name)
    if content.devices:
        writer.put_devices(content.devices, source=name)
    for model in content.models:
        writer.put_model(model, source=name)
    for terrain in content.terrains:
        writer.put_terrain(terrain, source=name)
    if content.photometries:
        writer.put_photometries(content.photometries, source=name)
    if content.assets:
        writer.put_assets(content.assets, source=name)


def _put_layers(writer: Writer, source: Store, old: Sequence[Version]) -> None:
    """All layers in their order, each as the first old version knew it: that is what comes first."""
    first: dict[str, Layer] = {}
    for version in old:
        for layer, _ in source.version(version.source, version.number).layers:
            first.setdefault(layer.id, layer)
    for layer in source.layers():
        writer.put_layer(first.get(layer.id, layer))


def _keep_assets(source: Store, target: Store, progress: Progress) -> None:
    needed = list(dict.fromkeys(_assets(source)))
    for k, sha256 in enumerate(needed):
        progress("assets", k, len(needed))
        target.keep(source.asset_path(sha256))


def _assets(source: Store) -> Iterator[str]:
    yield from (asset.sha256 for asset in source.assets())
    for version in source.versions():
        if not version.is_current:
            yield from (asset.sha256 for asset in source.version(version.source, version.number).assets)


def _put_events(writer: Writer, source: Store, progress: Progress) -> None:
    cursor = done = 0
    while True:
        events, cursor = source.events_after(cursor, limit=_PAGE)
        if not events:
            return
        writer.put_events(events)
        done += len(events)
        progress("events", done, 0)


def _record(version: Version) -> dict[str, Any]:
    """A version as `put_source` takes it."""
    return {
        "name": version.source,
        "sha256": version.sha256,
        "options": version.options,
        "importer": version.importer,
        "at": version.at,
        "report": version.report,
    }
